# SPDX-License-Identifier: GPL-3.0-or-later
"""The animations of a model that was just appended -> as fast as they were made, in a scene of another frame rate.
Changes no animation of the user's, and none in a scene that counts as the model does.

glTF counts in seconds. Blender counts in frames, and the importer takes the frame rate of the file that it imports to.
"""

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

MADE_AT = 24.0
"""Frames a second with which models are prepared: what Blender (4.2 to 5.2) begins with."""


def keep_pace(actions: list[bpy.types.Action], objects: list[bpy.types.Object], scene: bpy.types.Scene) -> None:
    """Have `actions`, and the tracks of `objects` and of their shape keys that show them, take as many seconds in
    `scene` as in the model's own file."""
    factor = scene.render.fps / scene.render.fps_base / MADE_AT
    if factor == 1:
        return
    for action in actions:
        for curve in _curves(action):
            _stretch(curve, factor)
    for data in _animated(objects):
        for track in data.nla_tracks:
            for strip in track.strips:
                if strip.action in actions:
                    _show_whole(strip)


def _stretch(curve: bpy.types.FCurve, factor: float) -> None:
    points: Any = curve.keyframe_points
    places = np.empty(len(points) * 2, np.float32)
    for name in ("co", "handle_left", "handle_right"):
        points.foreach_get(name, places)
        places[::2] *= factor
        points.foreach_set(name, places)
    curve.update()


def _show_whole(strip: bpy.types.NlaStrip) -> None:
    """Have the strip, which the importer has made as long as its action, be so again. It begins where it did."""
    action_range: Any = strip.action.frame_range
    start, end = action_range
    strip.action_frame_end = max(end, strip.action_frame_end)  # the start must not come after it meanwhile
    strip.action_frame_start = start
    strip.action_frame_end = end


def _curves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    """All curves of an action: from Blender 4.4 on they lie in bags by what they move."""
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves


def _animated(objects: list[bpy.types.Object]) -> Iterator[bpy.types.AnimData]:
    for obj in objects:
        keys = getattr(obj.data, "shape_keys", None)
        trees = [slot.material.node_tree for slot in obj.material_slots if slot.material]
        for held in (obj, keys, *trees):
            if held is not None and held.animation_data is not None:
                yield held.animation_data
