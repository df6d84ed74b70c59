# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes models out of the file again, with all that came with them and that nobody else uses. Never touches what is
linked from another file."""

from collections.abc import Iterable

import bpy

from . import found


def remove(roots: Iterable[bpy.types.Object]) -> int:
    """Remove the models with these roots: all objects below them, their own collections, and the data that nobody uses
    any more. Return how many models that were."""
    own = [root for root in roots if root.library is None]
    objects = [obj for obj in found.whole(own) if obj.library is None]
    jobs = [root[found.JOB] for root in own]
    collections = [entry for entry in bpy.data.collections if _is_emptied(entry, set(objects), jobs)]
    tiers = _data_of(objects)
    bpy.data.batch_remove([*objects, *collections])
    for tier in tiers:  # what the materials use is free only when they are gone
        bpy.data.batch_remove([entry for entry in tier if entry.users == 0 and entry.library is None])
    return len(own)


def _is_emptied(collection: bpy.types.Collection, objects: set[bpy.types.Object], jobs: list[str]) -> bool:
    """Whether a collection came with one of these jobs' models, and holds nothing but these objects."""
    is_own = collection.library is None and collection.get(found.JOB) in jobs
    return is_own and not collection.children and objects.issuperset(collection.objects)


def _data_of(objects: list[bpy.types.Object]) -> list[list[bpy.types.ID]]:
    """The data that these objects use, each tier used by the one before it."""
    data = {obj.data for obj in objects if obj.data}
    materials = {slot.material for obj in objects for slot in obj.material_slots if slot.material}
    trees = [material.node_tree for material in materials if material.node_tree]
    groups = {node.node_tree for tree in trees for node in tree.nodes if node.type == "GROUP" and node.node_tree}
    actions = {
        entry.animation_data.action
        for entry in (*objects, *data, *(getattr(each, "shape_keys", None) for each in data))
        if entry and entry.animation_data and entry.animation_data.action
    }
    nodes = [node for tree in (*trees, *groups) for node in tree.nodes]
    images = {node.image for node in nodes if node.type == "TEX_IMAGE" and node.image}
    return [[*data], [*materials], [*groups], [*actions, *images]]
