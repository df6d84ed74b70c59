# SPDX-License-Identifier: GPL-3.0-or-later
"""What is selected in a view layer, and the selection of a model that arrives. Decides nothing, pushes no undo step."""

from collections.abc import Iterable

import bpy

from .view import spaces, view_layers

Selection = tuple[frozenset[int], int]
"""The session_uids of the selected objects, and that of the active one; 0 for none."""


def selection_of(view_layer: bpy.types.ViewLayer) -> Selection:
    """What is selected and active now."""
    active = view_layer.objects.active
    selected = frozenset(obj.session_uid for obj in view_layer.objects.selected)
    return selected, active.session_uid if active else 0


def selections(scene: bpy.types.Scene) -> dict[str, Selection]:
    """What is selected in the view layers of `scene` that are shown, by their names."""
    return {view_layer.name: selection_of(view_layer) for view_layer in view_layers(scene)}


def is_in_object_mode(view_layer: bpy.types.ViewLayer) -> bool:
    """Whether what is in the view layer can be selected as in Object Mode."""
    active = view_layer.objects.active
    return active is None or active.mode == "OBJECT"


def select(
    scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer, root: bpy.types.Object, objects: Iterable[bpy.types.Object]
) -> None:
    """Select `objects` and nothing else, and make `root` active; where a 3D View is in Local View, they are in it then.

    Where none of them can be seen, the selection stays: it would be lost for nothing.
    """
    seen = [obj for obj in objects if obj.visible_get(view_layer=view_layer)]
    if not seen:
        return
    for obj in list(view_layer.objects.selected):
        obj.select_set(False, view_layer=view_layer)
    for obj in seen:
        obj.select_set(True, view_layer=view_layer)
    view_layer.objects.active = root
    for space in spaces(scene, view_layer):
        if space.local_view:
            for obj in seen:
                obj.local_view_set(space, True)
