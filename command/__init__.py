# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command image_to_3d`: many pictures become files in a folder. Knows no scene and no window.

Only registers the command here: Blender waits for this at its start.
"""
