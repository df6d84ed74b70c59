# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every number in the open file is one: a NaN or an infinite one would spread in the user's scene. Changes
nothing."""

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
import numpy as np

from ..api.errors import GlbError
from .seen import ADVICE

OF_ATTRIBUTE = {
    "FLOAT": ("value", 1),
    "FLOAT2": ("vector", 2),
    "FLOAT_VECTOR": ("vector", 3),
    "FLOAT_COLOR": ("color", 4),
    "QUATERNION": ("value", 4),
    "FLOAT4X4": ("value", 16),
}
"""By type of an attribute (`bpy.types.Attribute.data_type`), the name of its numbers and how many there are. The other
types are of whole numbers, own normals among them."""


def require_finite() -> None:
    """Raise `GlbError` where a number of a mesh, an object, a skeleton, an animation or a material is none."""
    for what, is_finite in _checks():
        if not is_finite:
            raise GlbError(f"The model's file is damaged ({what} holds a number that is none): {ADVICE}")


def _checks() -> Iterator[tuple[str, bool]]:
    for mesh in bpy.data.meshes:
        attributes: Iterable[Any] = mesh.attributes
        numbers = [
            (entry.data, *OF_ATTRIBUTE[entry.data_type]) for entry in attributes if entry.data_type in OF_ATTRIBUTE
        ]
        yield "a mesh", all(_are_finite(*entry) for entry in numbers)
    for key in bpy.data.shape_keys:
        yield "a shape key", all(_are_finite(block.data, "co", 3) for block in key.key_blocks)
        yield "the weight of a shape key", _all_finite([block.value for block in key.key_blocks])
    for obj in bpy.data.objects:
        yield "the place of an object", _all_finite(obj.matrix_world)
        yield "the place of an object", _all_finite(obj.matrix_basis)
        if obj.pose:
            yield "the pose of a skeleton", all(_all_finite(bone.matrix_basis) for bone in obj.pose.bones)
    for armature in bpy.data.armatures:
        yield "a skeleton", all(_all_finite(bone.matrix_local) for bone in armature.bones)
    for action in bpy.data.actions:
        yield "an animation", all(_are_finite(curve.keyframe_points, "co", 2) for curve in _curves(action))
    for tree in (*(material.node_tree for material in bpy.data.materials), *bpy.data.node_groups):
        yield "a material", tree is None or _all_finite(_numbers(tree))


def _are_finite(entries: Any, name: str, length: int) -> bool:
    found = np.empty(len(entries) * length, np.float32)
    entries.foreach_get(name, found)
    return bool(np.isfinite(found).all())


def _all_finite(numbers: Iterable[Any]) -> bool:
    return bool(np.isfinite(np.array(list(numbers), np.float64)).all())


def _curves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    """All curves of an action: from Blender 4.4 on in bags by what they move, before that in one list."""
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves


def _numbers(tree: bpy.types.NodeTree) -> Iterator[float]:
    """The numbers at the inputs of all nodes, and at the outputs of those that hold one (Value, RGB)."""
    for node in tree.nodes:
        for socket in (*node.inputs, *(node.outputs if not node.inputs else ())):
            value = getattr(socket, "default_value", 0.0)
            if isinstance(value, float):
                yield value
            elif socket.type in {"VECTOR", "RGBA"}:
                yield from value
