# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of very many objects -> the same of few: meshes that stand still are joined, one for each material. Never
touches a model of fewer objects, and nothing of how any looks.

The time that Blender (4.2 to 5.2) needs to append objects grows with the square of their number, and meanwhile the
user's window stands still: 0.05 s for 300 objects with a mesh each, 0.12 s for 500, 0.45 s for 1,000, 12 s for 5,000.
"""

from collections import defaultdict

import bpy
import numpy as np
from numpy.typing import NDArray

from ..api.errors import GlbError
from .aside import set_aside
from .merging import Part, merged

OBJECTS_MOST = 300  # with a mesh each they are appended in 0.05 s
APART_MOST = 1000  # what cannot be joined and is still added, in some 0.5 s
FACES_MOST = 500_000  # of a joined mesh: to join takes several times the memory of what is made

Group = tuple[bpy.types.Object, bool, bool, frozenset[bpy.types.Material | None]]
"""What is joined together: the object that it moves with, whether it is hidden in views and in pictures, its
materials."""


def join_many(root: bpy.types.Object, faces_most: int = FACES_MOST) -> list[str]:
    """Join what stands below `root` where it is too much for the user's Blender; return sentences for the user.

    No joined mesh has more than `faces_most` faces. What has more by itself stays an object of its own.

    What moves, bends, has shape keys or hangs on a bone stays an object of its own, and what hangs on it is joined
    below it. Where too much moves, it stands still from now on. Empties that hold nothing go. Raises `GlbError` where
    the model stays too much.
    """
    below = _below(root)
    if len(below) <= OBJECTS_MOST:
        return []
    notes = []
    moving = {obj for obj in below if _moves(obj)}
    if len(moving) > OBJECTS_MOST:
        notes.append(f"The {len(moving):,} objects that move were stopped: so many would hold Blender up.")
        _stop(moving)
        moving = {obj for obj in below if _moves(obj)}
    places = _places(root, below, moving)
    meshes = [obj for obj in below if obj.type == "MESH"]
    still = [obj for obj in meshes if obj not in moving and _is_rigid(obj) and len(obj.data.polygons) <= faces_most]
    apart = set(meshes) - set(still)
    if len(meshes) <= OBJECTS_MOST:  # it is the empties that are too many
        still, apart = [], set(meshes)
    groups = _grouped(still, places)
    if len(groups) + len(apart) > APART_MOST:
        raise GlbError(
            f"The model has {len(apart):,} parts that cannot be joined, and so many would hold Blender up for long: "
            "import the file yourself with File > Import > glTF 2.0."
        )
    made = [
        _joined(root, group, [(obj, places[obj][1]) for obj in objects])
        for group, in_group in groups.items()
        for objects in _in_pieces(in_group, faces_most)
    ]
    _set_aside(root, below, apart, made)
    if made:
        by = _by(groups) if len(made) == len(groups) else f" of up to {faces_most:,} faces"
        note = f"The {len(still):,} objects were joined into {len(made):,}{by}."
        notes.append(f"{note} {len(apart):,} more could not be joined." if apart else note)
    return notes


def _below(root: bpy.types.Object) -> list[bpy.types.Object]:
    """All objects below `root`, parents before their children. `children_recursive` takes as long, `children` each time
    looks through the whole file."""
    children = defaultdict(list)
    for obj in bpy.data.objects:
        children[obj.parent].append(obj)
    found = [root]
    for obj in found:  # grows meanwhile
        found += children[obj]
    return found[1:]


def _moves(obj: bpy.types.Object) -> bool:
    return obj.animation_data is not None or len(obj.constraints) > 0 or obj.parent_type != "OBJECT"


def _is_rigid(obj: bpy.types.Object) -> bool:
    """Whether the mesh is seen as it is stored."""
    return not obj.modifiers and obj.data.shape_keys is None and obj.data.animation_data is None


def _stop(moving: set[bpy.types.Object]) -> None:
    """Take the animation of these objects away. They stay as they are seen now; skeletons are left alone."""
    for obj in moving:
        if obj.type != "ARMATURE":
            obj.animation_data_clear()
    bpy.data.batch_remove([action for action in bpy.data.actions if action.users <= action.use_fake_user])


def _places(
    root: bpy.types.Object, below: list[bpy.types.Object], moving: set[bpy.types.Object]
) -> dict[bpy.types.Object, tuple[bpy.types.Object, NDArray[np.float64]]]:
    """For each object what it moves with (`root`, where it stands still), and its (4, 4) matrix in that one's space."""
    found = {root: (root, np.identity(4))}
    for obj in below:
        anchor, matrix = (obj.parent, np.identity(4)) if obj.parent in moving else found[obj.parent]
        found[obj] = anchor, matrix @ np.array(obj.matrix_parent_inverse) @ np.array(obj.matrix_basis)
    return found


def _grouped(
    still: list[bpy.types.Object], places: dict[bpy.types.Object, tuple[bpy.types.Object, NDArray[np.float64]]]
) -> dict[Group, list[bpy.types.Object]]:
    """What is joined with what: one group for each set of materials; where these are too many, all together."""
    groups: dict[Group, list[bpy.types.Object]] = defaultdict(list)
    for obj in still:
        materials = frozenset(slot.material for slot in obj.material_slots)
        groups[places[obj][0], obj.hide_viewport, obj.hide_render, materials].append(obj)
    if len(groups) <= OBJECTS_MOST:
        return groups
    fewer: dict[Group, list[bpy.types.Object]] = defaultdict(list)
    for group, objects in groups.items():
        fewer[*group[:3], frozenset()] += objects
    return fewer


def _in_pieces(objects: list[bpy.types.Object], faces_most: int) -> list[list[bpy.types.Object]]:
    """The objects in lists that have up to `faces_most` faces each."""
    pieces: list[list[bpy.types.Object]] = []
    faces = 0
    for obj in objects:
        faces += len(obj.data.polygons)
        if not pieces or faces > faces_most:
            pieces.append([])
            faces = len(obj.data.polygons)
        pieces[-1].append(obj)
    return pieces


def _joined(
    root: bpy.types.Object, group: Group, placed: list[tuple[bpy.types.Object, NDArray[np.float64]]]
) -> bpy.types.Object:
    """A new object of the group's objects, called after their material, else after the model."""
    anchor, is_hidden, is_unrendered, materials = group
    names = sorted(material.name for material in materials if material)
    parts = [Part(obj.data, matrix, tuple(slot.material for slot in obj.material_slots)) for obj, matrix in placed]
    mesh = merged(names[0] if names else root.name, parts)
    obj = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = anchor
    obj.hide_viewport, obj.hide_render = is_hidden, is_unrendered
    return obj


def _set_aside(
    root: bpy.types.Object, below: list[bpy.types.Object], apart: set[bpy.types.Object], made: list[bpy.types.Object]
) -> None:
    """Take those of `below` out of the scene that nothing needs now: all but `apart`, their skeletons, and what any of
    these or of what was `made` hangs on."""
    skeletons = [modifier.object for obj in apart for modifier in obj.modifiers if modifier.type == "ARMATURE"]
    needed = {root}
    for obj in (*apart, *made, *skeletons):
        while obj is not None and obj not in needed:
            needed.add(obj)
            obj = obj.parent
    set_aside(obj for obj in below if obj not in needed)


def _by(groups: dict[Group, list[bpy.types.Object]]) -> str:
    """What was joined with what."""
    by = "" if len(groups) == 1 else ", one for each material"
    return f"{by} of what moves together" if len({group[0] for group in groups}) > 1 else by
