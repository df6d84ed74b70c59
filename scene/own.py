# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes what was appended wholly the open file's own: no path of the file that it came from stays. Changes nothing that
was there before, nor what is linked.

Blender (4.2 to 5.2) notes on all that it appends from which file it came, so that it may be used again
(`ID.library_weak_reference`), and keeps that file among the libraries. For a model that is a private path of its
user's, in a .blend that goes to others. Nothing can be done to take the note away; but a copy has none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import bpy

CAME_AS = "image_to_3d_came_as"
"""The custom property of data that came with a model: the name that it had then. A copy that the user makes has it,
too, but another name."""

DATA = ("images", "node_groups", "actions", "materials", "armatures", "meshes")
"""What comes with a model beside its objects and their collection. Of actions Blender notes nothing."""

PATH_LENGTH = 1023  # bytes that Blender has room for (FILE_MAX, less one)

Copies = Mapping[Any, Any]
"""By what was appended."""


def came_along(entry: bpy.types.ID) -> bool:
    """Whether data came with a model, and not as a copy of such: also with one that an earlier version has brought, or
    that was dragged out of the Asset Browser."""
    return entry.get(CAME_AS) == entry.name or entry.library_weak_reference is not None


def make_own(collection: bpy.types.Collection, uid: int) -> bpy.types.Collection:
    """Replace what was appended with `collection` by copies without a note, and return the collection in its place.
    All whose session_uid is higher than `uid` was appended. The objects stay the same."""
    for kind in DATA:
        for entry in getattr(bpy.data, kind):
            if entry.session_uid > uid and entry.library is None:
                entry[CAME_AS] = entry.name
    appended = [
        entry
        for kind in DATA
        for entry in getattr(bpy.data, kind)
        if entry.session_uid > uid and entry.library is None and entry.library_weak_reference is not None
    ]
    copies = {entry: entry.copy() for entry in appended}
    for copy in copies.values():
        if isinstance(copy, bpy.types.Image):
            _overwrite_paths(copy)
    _put_in_place(list(collection.all_objects), copies)
    own = bpy.data.collections.new(collection.name)
    name = collection.name
    for obj in collection.all_objects:
        own.objects.link(obj)
    libraries = [library for library in bpy.data.libraries if library.session_uid > uid]
    keys = {copy: key.name for entry, copy in copies.items() if (key := getattr(entry, "shape_keys", None))}
    for entry in appended:
        if getattr(entry, "shape_keys", None):
            entry.shape_keys.animation_data_clear()  # else its action would keep a user that is gone (4.2)
    bpy.data.batch_remove([*appended, collection, *libraries])
    own.name = name
    for copy, key_name in keys.items():
        copy.shape_keys.name = key_name
    for copy in copies.values():
        copy.name = copy[CAME_AS]
    return own


def _overwrite_paths(image: bpy.types.Image) -> None:
    """Have nothing of other paths stand behind those of an image's packed files. Blender (seen in 4.3.2) writes the
    whole room for a path into the .blend, with what the memory held before: the path of the file that was appended."""
    for packed in image.packed_files:
        path = packed.filepath
        packed.filepath = "-" * PATH_LENGTH
        packed.filepath = path


def _put_in_place(objects: list[bpy.types.Object], copies: Copies) -> None:
    """Have the objects, and the copies among each other, use the copies. What else might use them no model has: see
    `stranger`. Blender's own way (`user_remap`) takes as long as the file is large, for each of them."""
    for obj in objects:
        if obj.data in copies:
            obj.data = copies[obj.data]
        for slot in obj.material_slots:
            if slot.link == "OBJECT" and slot.material in copies:
                slot.material = copies[slot.material]
    for copy in copies.values():
        if isinstance(copy, bpy.types.Mesh):
            for index, material in enumerate(copy.materials):
                if material in copies:
                    copy.materials[index] = copies[material]
        for node in _nodes(copy):
            for name in ("image", "node_tree"):
                if getattr(node, name, None) in copies:
                    setattr(node, name, copies[getattr(node, name)])


def _nodes(entry: bpy.types.ID) -> Iterator[bpy.types.Node]:
    tree = entry if isinstance(entry, bpy.types.NodeTree) else getattr(entry, "node_tree", None)
    yield from tree.nodes if tree is not None else ()
