# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every number in the open file is one: a NaN or an infinite one would spread in the user's scene. Changes
nothing."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import bpy
import numpy as np

from ..api.errors import GlbError
from ..api.gltf import broken
from .curves import curves_of
from .seen import TOO_LARGE

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
    """Raise `GlbError` where a number of a mesh, an object, a skeleton, an animation or a material is none, or where
    the places of objects multiply to one that Blender cannot hold."""
    for what, is_finite in _checks():
        if not is_finite:
            raise broken(f"{what} holds a number that is none")
    if not _are_finite(bpy.data.objects, "matrix_world", 16):
        raise GlbError(TOO_LARGE)


def _checks() -> Iterator[tuple[str, bool]]:
    for mesh in bpy.data.meshes:
        attributes: Iterable[Any] = mesh.attributes
        numbers = [
            (entry.data, *OF_ATTRIBUTE[entry.data_type]) for entry in attributes if entry.data_type in OF_ATTRIBUTE
        ]
        yield "a mesh", all(_are_finite(*entry) for entry in numbers)
    for key in bpy.data.shape_keys:
        user: Any = key.user
        if not len(user.vertices):
            continue  # Blender (4.2 to 5.2) gives such a key a length at random
        yield "a shape key", all(_are_finite(block.data, "co", 3) for block in key.key_blocks)
        yield "the weight of a shape key", _are_finite(key.key_blocks, "value", 1)
    yield "the place of an object", _are_finite(bpy.data.objects, "matrix_basis", 16)
    for obj in bpy.data.objects:
        yield "the pose of a skeleton", obj.pose is None or _are_finite(obj.pose.bones, "matrix_basis", 16)
    for armature in bpy.data.armatures:
        yield "a skeleton", _are_finite(armature.bones, "matrix_local", 16)
    for action in bpy.data.actions:
        yield "an animation", all(_are_finite(curve.keyframe_points, "co", 2) for curve in curves_of(action))
    for tree in (*(material.node_tree for material in bpy.data.materials), *bpy.data.node_groups):
        yield "a material", tree is None or all(map(math.isfinite, _numbers(tree)))


def _are_finite(entries: Any, name: str, length: int) -> bool:
    found = np.empty(len(entries) * length, np.float32)
    entries.foreach_get(name, found)
    return bool(np.isfinite(found).all())


def _numbers(tree: bpy.types.NodeTree) -> Iterator[float]:
    """The numbers at the inputs of all nodes, and at the outputs of those that hold one (Value, RGB)."""
    for node in tree.nodes:
        for socket in (*node.inputs, *(node.outputs if not node.inputs else ())):
            value = getattr(socket, "default_value", 0.0)
            if isinstance(value, float):
                yield value
            elif socket.type in {"VECTOR", "RGBA"}:
                yield from value
