# SPDX-License-Identifier: GPL-3.0-or-later
"""A GLB -> what Blender's importer makes of it, in the open file. Opens nothing but the GLB."""

import os
from pathlib import Path

import bpy

from .. import files
from ..api.glb import copy_for_blender
from ..programs.program import SCRATCH_PREFIX


def read(glb: Path) -> None:
    """Import the checked `glb` into the open file. Raises `RuntimeError` where the importer cannot."""
    readable = glb.with_name(f"{SCRATCH_PREFIX}readable-{os.getpid()}.glb")
    if readable.exists():  # of a process that had this number before
        files.remove(readable)
    copy_for_blender(glb, readable)
    # A bone's shape would be one more mesh, which is then counted, measured and shown as a part of the model.
    bpy.ops.import_scene.gltf(filepath=str(readable), disable_bone_shape=True)
