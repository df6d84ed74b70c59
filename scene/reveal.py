# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a model be selected and seen, whatever hides it. Opens no more than it has to."""

import contextlib
from collections.abc import Iterator

import bpy

from ..api.errors import JobError
from . import found, view
from .refusal import reason_of

Path = tuple[bpy.types.LayerCollection, ...]


def show(context: bpy.types.Context, name: str, roots: list[bpy.types.Object]) -> str:
    """Select the models with these roots and all below them, make the last root active, and have the largest 3D View
    show them. Return what was done, as a sentence.

    Where the scene that the window shows has none of them, the window turns to one that has. Raises `JobError` where
    nothing of them can be seen.
    """
    window, scene, layer = context.window, context.scene, context.view_layer
    here = [root for root in roots if scene in root.users_scene]
    turned = ""
    if not here:
        scene = _own_scene(name, roots[-1])
        here = [root for root in roots if scene in root.users_scene]
        layer = scene.view_layers[0]
        if window is not None:
            window.scene = scene
            layer = window.view_layer
        turned = f", in the scene {scene.name}" + (", which the window shows now" if window else "")
    leave_mode(context)
    objects = found.whole(here)
    reveal(objects, layer)
    seen = [obj for obj in objects if obj.visible_get(view_layer=layer)]
    if not seen:
        raise JobError(f"{name} cannot be shown: it is hidden in a collection that is linked from another file.")
    select(seen, layer)
    layer.objects.active = here[-1] if here[-1] in seen else seen[0]
    unframed = (
        "" if bpy.app.background or _frame(seen, view.largest_area(window, scene)) else ". There is no 3D View here"
    )
    what = f"{name} is selected" if len(here) == 1 else f"{len(here)} models of {name} are selected"
    return f"{what}{turned}{unframed}"


def leave_mode(context: bpy.types.Context) -> None:
    """Leave Edit Mode, Sculpt Mode and others for Object Mode, and keep what was done there. Raises `JobError`."""
    with context.temp_override(window=context.window):
        if bpy.context.mode == "OBJECT":
            return
        try:
            bpy.ops.object.mode_set(mode="OBJECT")
        except RuntimeError as error:
            raise JobError(f"The mode cannot be left ({reason_of(error)}): go to Object Mode first.") from None


def _own_scene(name: str, root: bpy.types.Object) -> bpy.types.Scene:
    """A scene of this file with that root in it."""
    scenes = root.users_scene
    own = next((scene for scene in scenes if scene.library is None), None)
    if own is None:
        raise JobError(f"{name} is in the scene {scenes[0].name}, which is linked from another file: open that file.")
    return own


def _frame(objects: list[bpy.types.Object], shown: tuple[bpy.types.Window, bpy.types.Area] | None) -> bool:
    """Turn a 3D View to these objects. Return whether there is one."""
    if shown is None:
        return False
    window, area = shown
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        show_in(objects, area.spaces.active)
        bpy.ops.view3d.view_selected()
    return True


def reveal(objects: list[bpy.types.Object], layer: bpy.types.ViewLayer) -> None:
    """Have these objects be seen in a view layer. What is linked from another file may refuse that, and stays as it
    is."""
    hidden = {obj for obj in objects if not obj.visible_get(view_layer=layer)}
    if not hidden:  # an update may take long in a large scene
        return
    pending = set(hidden)
    for path in sorted(_paths((layer.layer_collection,)), key=_number_hidden):
        held = pending.intersection(path[-1].collection.objects)
        if held:
            _open(path)
            pending -= held
    layer.update()  # so that what was in an excluded collection is in the layer
    for obj in hidden:
        # Of a linked object only the eye can be changed; one that is in another layer only has none.
        with contextlib.suppress(AttributeError):
            obj.hide_viewport = False
        with contextlib.suppress(RuntimeError):
            obj.hide_set(False, view_layer=layer)
    layer.update()


def select(objects: list[bpy.types.Object], layer: bpy.types.ViewLayer) -> None:
    """Select these objects and no others, also those that are protected from being selected."""
    for obj in list(layer.objects.selected):
        obj.select_set(False, view_layer=layer)
    for obj in objects:
        obj.select_set(True, view_layer=layer)
    locked = {obj for obj in objects if not obj.select_get(view_layer=layer)}
    if not locked:
        return
    entries = {entry for path in _paths((layer.layer_collection,)) if _holds(path, locked) for entry in path}
    for lock in (*locked, *(entry.collection for entry in entries)):
        with contextlib.suppress(AttributeError):  # it is linked
            lock.hide_select = False
    layer.update()
    for obj in locked:
        obj.select_set(True, view_layer=layer)


def _holds(path: Path, objects: set[bpy.types.Object]) -> bool:
    return not objects.isdisjoint(path[-1].collection.objects)


def show_in(objects: list[bpy.types.Object], space: bpy.types.SpaceView3D) -> None:
    """Have one 3D View show these objects of its view layer: in its local view beside what that shows, and in the
    collections that it shows for itself only. The context is that of the view."""
    if space.local_view:
        for obj in objects:
            obj.local_view_set(space, True)
        if not all(obj.local_view_get(space) for obj in objects):  # 4.3.2 adds nothing, and says nothing
            bpy.ops.view3d.localview(frame_selected=False)
    if space.use_local_collections and not all(obj.visible_in_viewport_get(space) for obj in objects):
        space.use_local_collections = False


def _paths(path: Path) -> Iterator[Path]:
    yield path
    for child in path[-1].children:
        yield from _paths((*path, child))


def _number_hidden(path: Path) -> int:
    """How much has to be opened on the way to the last collection of a path."""
    return sum(entry.hide_viewport or entry.collection.hide_viewport for entry in path) + path[-1].exclude


def _open(path: Path) -> None:
    # What is excluded hides nothing that is in it but its own objects.
    path[-1].exclude = False
    for entry in path:
        entry.hide_viewport = False
        with contextlib.suppress(AttributeError):  # a linked collection
            entry.collection.hide_viewport = False
