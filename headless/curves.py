# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of animations, and whether they change an input of a material's node. Changes nothing."""

from collections.abc import Iterator
from typing import Any

import bpy


def curves_of(action: bpy.types.Action, slot: Any = None) -> Iterator[bpy.types.FCurve]:
    """All curves of an action, or those of one of its slots: from Blender 4.4 on they lie in bags by what they move."""
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                if slot is None or bag.slot_handle == slot.handle:
                    yield from bag.fcurves


def is_animated(socket: bpy.types.NodeSocket) -> bool:
    """Whether an animation changes an input of a material's node, or something that feeds it."""
    tree = socket.id_data
    moved = _moved(tree)
    waiting, seen = [socket] if moved else [], set()
    while waiting:
        one = waiting.pop()
        path = one.path_from_id()
        if f"{path}.default_value" in moved:
            return True
        if path not in seen:
            seen.add(path)
            waiting += [further for link in one.links for further in link.from_node.inputs]
    return False


def _moved(tree: bpy.types.NodeTree) -> set[str]:
    """The paths of what is animated in a tree of nodes."""
    data = tree.animation_data
    if data is None:
        return set()
    users: list[Any] = [data, *(strip for track in data.nla_tracks for strip in track.strips)]
    acting = [(user.action, getattr(user, "action_slot", None)) for user in users if user.action is not None]
    return {curve.data_path for action, slot in acting for curve in curves_of(action, slot)}
