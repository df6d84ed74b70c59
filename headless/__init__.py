# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs for a background Blender, started by `programs/launch.py`. The user's Blender never imports them."""
