# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of ours in processes of their own: how one is started, heard and ended. Imports nothing of ours but `files`,
and no bpy."""
