# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a background Blender has written is a model and nothing else: it worked with a stranger's file, and what
it wrote enters the user's. Changes nothing, and raises `StrangeError` with what is there instead.

Asked in the user's Blender, and by `show` in a fresh one: of the file before Blender opens it, and of what has come
from it before Blender computes anything with it.
Source of the file's form: Blender, doc/blender_file_format, and BLO_core_bhead.hh (4.2 to 5.2).
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import bpy

from .. import files

FORMS = (
    (b"BLENDER-v", 12, struct.Struct("<4si16x")),
    (b"BLENDER17-01v", 17, struct.Struct("<4s12xq8x")),  # from Blender 5.0 on
)
"""How a file of 64 bits begins, how long that is, and the head of each block: its code, and how many bytes follow."""
LIBRARY, END = b"LI\0\0", b"ENDB"
BLOCKS_MOST = 1_000_000
"""A model of some hundreds of objects has some ten thousand."""

PARTS = ("objects", "meshes", "armatures", "materials", "node_groups", "images", "actions", "shape_keys")
"""Of what a model is made, in its one collection, by the names in `bpy.data`."""
TYPES = {"MESH", "ARMATURE", "EMPTY"}
WITH_CODE_OR_PATH = {"SCRIPT", "TEX_IES"}
"""Nodes that run a program of their own, or open a file."""

BESIDE = {*PARTS, "collections", "libraries", "all_ids"}
"""What is not counted: a model's own, which is looked at one by one; the file that it came from; and what has
everything once more (Blender 5.2)."""

Counts = dict[str, int]


class StrangeError(Exception):
    """There is something that no model has, in words that stand in brackets in a sentence; without words where it is
    not one model."""


def require_own(blend: Path) -> None:
    """Raise `StrangeError` where the file at `blend` leads to another file, which Blender would open with it, or is not
    written as we do. Only the heads of its blocks are read."""
    with files.open_plain(blend, "rb") as file:
        if LIBRARY in _codes(file):
            raise StrangeError("it refers to another file")


def _codes(file: IO[bytes]) -> Iterator[bytes]:
    """The code of each block; of a file that is cut off, of those that are there."""
    start = file.read(max(length for _, length, _ in FORMS))
    form = next((form for form in FORMS if start.startswith(form[0])), None)
    if form is None:
        raise StrangeError("it is no file as Blender writes it")
    _, place, head = form
    for _ in range(BLOCKS_MOST):
        file.seek(place)
        found = file.read(head.size)
        if len(found) < head.size:
            return
        code, length = head.unpack(found)
        if code == END:
            return
        if length < 0:
            raise StrangeError("it is no file as Blender writes it")
        yield code
        place += head.size + length
    raise StrangeError("it has too many parts")


def next_uid() -> int:
    """A number that is lower than the session_uid of all that Blender makes from now on: it counts on."""
    probe = bpy.data.collections.new("Image to 3D")
    uid: int = probe.session_uid
    bpy.data.collections.remove(probe)
    return uid


def counts() -> Counts:
    """How much there is in the open file of all that no model brings along."""
    names = [entry.identifier for entry in bpy.data.bl_rna.properties if entry.type == "COLLECTION"]
    return {name: len(getattr(bpy.data, name)) for name in names if name not in BESIDE}


def require_model(before: Counts, uid: int) -> None:
    """Raise `StrangeError` where more than a model has come into the open file since `before`, or with it what could
    run or lead elsewhere. All whose session_uid is higher than `uid` has come since."""
    for name, count in counts().items():
        if count > before[name]:
            raise StrangeError(f"{name.replace('_', ' ')} came with it")
    if sum(entry.session_uid > uid for entry in bpy.data.collections) != 1:
        raise StrangeError
    for name in PARTS:
        for entry in getattr(bpy.data, name):
            if entry.session_uid > uid and (why := _why_strange(entry)):
                raise StrangeError(why)


def _why_strange(entry: bpy.types.ID) -> str:
    tree = entry if isinstance(entry, bpy.types.NodeTree) else getattr(entry, "node_tree", None)
    if entry.library is not None:
        return "it refers to another file"
    if _has_drivers(entry) or (tree is not None and _has_drivers(tree)):
        return "a driver came with it"
    if tree is not None and (
        tree.bl_idname != "ShaderNodeTree" or any(n.type in WITH_CODE_OR_PATH for n in tree.nodes)
    ):
        return "nodes came with it that open files or run"
    if isinstance(entry, bpy.types.Image) and entry.packed_file is None:
        return "an image came with it that is another file"
    if isinstance(entry, bpy.types.Object):
        return _why_strange_object(entry)
    return ""


def _why_strange_object(obj: bpy.types.Object) -> str:
    if obj.type not in TYPES or (obj.type == "EMPTY" and obj.data is not None):
        return "an object came with it that is no mesh"
    if any(modifier.type != "ARMATURE" for modifier in obj.modifiers):
        return "a modifier came with it"
    bones: Sequence[Any] = obj.pose.bones if obj.pose else ()
    if obj.constraints or any(bone.constraints for bone in bones):
        return "a constraint came with it"
    return ""


def _has_drivers(entry: bpy.types.ID) -> bool:
    data = getattr(entry, "animation_data", None)
    return data is not None and len(data.drivers) > 0
