# SPDX-License-Identifier: GPL-3.0-or-later
"""What enters the user's file, and this Blender's view of the jobs."""
