# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m image_to_3d.command` with another program in Blender's place, where a test makes many models that nobody
looks at: `command_line.py BLENDER [ARGUMENT ...]`."""

import runpy
import sys

import bpy

bpy.app.binary_path = sys.argv.pop(1)
runpy.run_module("image_to_3d.command", run_name="__main__", alter_sys=True)
