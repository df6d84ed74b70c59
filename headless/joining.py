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
from .merging import Part, merged

OBJECTS_MOST = 300  # with a mesh each they are appended in 0.05 s
APART_MOST = 1000  # what cannot be joined and is still added, in some 0.5 s
FACES_MOST = 1_000_000  # a mesh shown 20,000 times is one until it is joined; 2.8 million triangles take 3 GB in all

Group = tuple[bpy.types.Object, bool, bool, frozenset[bpy.types.Material | None]]
"""What is joined together: the object that it moves with, whether it is hidden in views and in pictures, its
materials."""


def join_many(root: bpy.types.Object) -> list[str]:
    """Join what stands below `root` where it is too much for the user's Blender; return sentences for the user.

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
    still = _small([obj for obj in meshes if obj not in moving and _is_rigid(obj)])
    apart = set(meshes) - set(still)
    if len(meshes) <= OBJECTS_MOST:  # it is the empties that are too many
        still, apart = [], set(meshes)
    groups = _grouped(still, places)
    if len(groups) + len(apart) > APART_MOST:
        raise GlbError(
            f"The model has {len(apart):,} parts that cannot be joined, and so many would hold Blender up for long: "
            "import the file yourself with File > Import > glTF 2.0."
        )
    made = [_joined(root, group, [(obj, places[obj][1]) for obj in objects]) for group, objects in groups.items()]
    _set_aside(root, below, apart, made)
    if made:
        notes.append(_note(len(still), groups, len(apart)))
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


def _small(still: list[bpy.types.Object]) -> list[bpy.types.Object]:
    """Those that can be joined without ending in too large a mesh: the smallest first."""
    sized = sorted(((len(obj.data.polygons), number) for number, obj in enumerate(still)))
    total = np.cumsum([size for size, _ in sized])
    return [still[number] for (_, number), sum_ in zip(sized, total, strict=True) if sum_ <= FACES_MOST]


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
    these or of what was `made` hangs on.

    They stay in the open file, as ours is not saved: `batch_remove` takes 50 s for 20,000 (4.5.15), and their own
    removal longer still.
    """
    skeletons = [modifier.object for obj in apart for modifier in obj.modifiers if modifier.type == "ARMATURE"]
    needed = {root}
    for obj in (*apart, *made, *skeletons):
        while obj is not None and obj not in needed:
            needed.add(obj)
            obj = obj.parent
    gone = {obj for obj in below if obj not in needed}
    for collection in (bpy.context.scene.collection, *bpy.data.collections):
        for obj in gone.intersection(collection.objects):
            collection.objects.unlink(obj)
    for obj in gone:
        obj.parent = None


def _note(number: int, groups: dict[Group, list[bpy.types.Object]], apart: int) -> str:
    """What was joined, and what was not."""
    by = "" if len(groups) == 1 else ", one for each material"
    if len({group[0] for group in groups}) > 1:
        by += " of what moves together"
    note = f"The {number:,} objects were joined into {len(groups):,}{by}."
    return f"{note} {apart:,} more could not be joined." if apart else note
