# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run inside a background Blender, started by `programs/launch.py`. Never imported by the user's Blender."""
