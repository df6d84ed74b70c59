# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Blender knows while it runs, and saves nowhere."""
