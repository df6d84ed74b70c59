# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes models out of the file again, with all that came with them and that nobody else uses. Never touches what is
linked from another file, or what is the user's own: an object that was parented to a model, another material, a
picture that was painted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import bpy

from . import found
from .own import came_along

CAME = {"MESH", "ARMATURE", "EMPTY"}
"""The types of a model's objects."""


def remove(roots: Iterable[bpy.types.Object]) -> int:
    """Remove the models with these roots: their objects, their own collections, and the data that nobody uses any more.
    What else is below them stays where it is. Return how many models that were."""
    own = [root for root in roots if root.library is None]
    jobs = {root[found.JOB] for root in own}
    children = _children()
    every = list(dict.fromkeys(obj for root in own for obj in (root, *_model_below(root, jobs, children))))
    objects = [obj for obj in every if obj.library is None]
    _leave_guests(set(every), children)
    collections = [entry for entry in bpy.data.collections if _is_emptied(entry, set(objects), jobs)]
    tiers = _data_of(objects)
    bpy.data.batch_remove([*objects, *collections])
    for tier in tiers:  # what the materials use is free only when they are gone
        bpy.data.batch_remove([entry for entry in tier if entry.users == 0 and _came_along(entry)])
    return len(own)


def _children() -> Mapping[bpy.types.Object, list[bpy.types.Object]]:
    """What is below each object of the file. `Object.children` looks through the whole file each time."""
    found_below = defaultdict(list)
    for obj in bpy.data.objects:
        if obj.parent is not None:
            found_below[obj.parent].append(obj)
    return found_below


def _model_below(
    root: bpy.types.Object, jobs: set[str], children: Mapping[bpy.types.Object, list[bpy.types.Object]]
) -> list[bpy.types.Object]:
    """The objects below `root` that belong to these jobs' models, and what is between them."""
    below = [root]
    for obj in below:  # grows meanwhile; another model, which the user has put there, is left out
        below += [child for child in children[obj] if child.get(found.JOB, "") in ("", *jobs)]
    belongs: set[bpy.types.Object] = set()
    for obj in reversed(below[1:]):  # children before their parents
        if _is_of_model(obj, jobs) or not belongs.isdisjoint(children[obj]):
            belongs.add(obj)
    return [obj for obj in below if obj in belongs]


def _is_of_model(obj: bpy.types.Object, jobs: set[str]) -> bool:
    """Whether an object came with one of these jobs' models, or is a copy of one that did: it is in its collection, or
    its data was appended, wherever it was moved to."""
    is_inside = obj.type in CAME and any(entry.get(found.JOB) in jobs for entry in obj.users_collection)
    return is_inside or (obj.data is not None and came_along(obj.data))


def _leave_guests(objects: set[bpy.types.Object], children: Mapping[bpy.types.Object, list[bpy.types.Object]]) -> None:
    """Have what is below these objects, and none of them, stay where it is without them."""
    guests = [child for obj in objects for child in children[obj] if child not in objects and child.library is None]
    for guest in guests:
        matrix = guest.matrix_world.copy()
        guest.parent = None
        guest.matrix_world = matrix


def _came_along(entry: bpy.types.ID) -> bool:
    """Whether data came with a model, and is as it came: undo does not bring back what was painted on an image that was
    removed. What Blender 4.2 does not say that of (a second copy of the same) is left, as where objects are deleted."""
    if isinstance(entry, (bpy.types.Mesh, bpy.types.Armature)):
        return entry.library is None
    is_painted = isinstance(entry, bpy.types.Image) and entry.is_dirty
    return entry.library is None and came_along(entry) and not is_painted


def _is_emptied(collection: bpy.types.Collection, objects: set[bpy.types.Object], jobs: set[str]) -> bool:
    """Whether a collection came with one of these jobs' models, and holds nothing but these objects."""
    is_own = collection.library is None and collection.get(found.JOB) in jobs
    return is_own and not collection.children and objects.issuperset(collection.objects)


def _data_of(objects: list[bpy.types.Object]) -> list[list[bpy.types.ID]]:
    """The data that these objects use, each tier used by the one before it."""
    data = {obj.data for obj in objects if obj.data}
    materials = {slot.material for obj in objects for slot in obj.material_slots if slot.material}
    trees = [material.node_tree for material in materials if material.node_tree]
    groups = {node.node_tree for tree in trees for node in tree.nodes if node.type == "GROUP" and node.node_tree}
    animations = [
        entry.animation_data
        for entry in (*objects, *data, *(getattr(each, "shape_keys", None) for each in data))
        if entry and entry.animation_data
    ]
    strips = [strip for animation in animations for track in animation.nla_tracks for strip in track.strips]
    actions = {each.action for each in (*animations, *strips) if each.action}
    nodes = [node for tree in (*trees, *groups) for node in tree.nodes]
    images = {node.image for node in nodes if node.type == "TEX_IMAGE" and node.image}
    return [[*data], [*materials], [*groups], [*actions, *images]]
