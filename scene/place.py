# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished job's model -> the user's scene. The only code that changes the user's file; appends, never imports.

The mode stays as it is, the selection too where nothing else is asked for, and the whole is one undo step where that is
wanted. Where it fails, nothing is left in the file.
"""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bpy
from mathutils import Matrix, Vector

from .. import files
from ..api.errors import JobError
from ..headless import stranger
from ..jobs import folder as folders
from ..jobs import provenance
from ..jobs.folder import Job
from . import boxes, room, selection, timing
from .boxes import Box
from .own import make_own
from .refusal import reason_of
from .rows import Member, offset_in_row
from .view import largest_view, view_layers

SHORTEST = 1e-6  # a side of no length cannot be scaled to another

FACTOR_MOST = 100_000.0
"""How many times as large or as small as the service has made it a model can be asked for: beyond that its numbers,
floats of 32 bits, are too coarse for Blender."""

ROW, NUMBER = "image_to_3d_row", "image_to_3d_number"
"""The custom properties that say on a model's root which row it stands in, and where in it."""


class Placed(NamedTuple):
    """A model that is in the scene: its root, and what there is to say about where it stands ("beside Cube")."""

    root: bpy.types.Object
    remarks: list[str]


def place(
    folder: Path,
    job: Job,
    scene: bpy.types.Scene,
    where: Mapping[str, Any],
    *,
    undo_step: bool,
    select_in: Sequence[bpy.types.ViewLayer] = (),
) -> Placed:
    """Append the job's model to `scene` in a collection of its own, and select it in the view layers `select_in`.

    `where` may have "location" (x, y, z of the root, in Blender units; without it the world origin; where the model
    would be hidden there, it goes beside what hides it), "exactly" (there, whatever it is hidden in), "row" and
    "number" (the name of the row that the model stands in, and its place in it), "size" (length of the model's longest
    side, in Blender units; without it as large as the service made it) and "collection" (name of the scene's collection
    that the model's own is put into; without it, or where that cannot take it, the scene's own). Without `undo_step`
    the model belongs to the next step that anybody pushes. Raises `JobError` where the model's file cannot be read, or
    nothing can be added to the scene; then the file is as it was.
    """
    parent, remark = _parent(scene, where.get("collection", ""))
    around = None
    if not where.get("exactly") or where.get("row"):
        # Before anything is appended: as long as nothing has changed, Blender knows where everything is. In a scene of
        # 50,000 objects it needs seconds to find out anew.
        around = room.Surroundings(view_layers(scene)[0], largest_view(scene))
    oldest = stranger.next_uid()
    try:
        collection, root = _append(folder / folders.BLEND, job, oldest)
        appended = [action for action in bpy.data.actions if action.session_uid > oldest]
        timing.keep_pace(appended, [root, *root.children_recursive], scene)
        # The model is in meters; a scene may say that its unit is another.
        box = _own_box(root, job)
        factor, limited = _factor(box, where.get("size", 0.0), scene.unit_settings.scale_length)
        root.scale = (factor,) * 3
        # Before the model itself is a part of what stands in the scene.
        beside = _find_room(root, box, scene, where, around)
        parent.children.link(collection)
        _write_provenance(root, job, where)
        collection["image_to_3d_job"] = job.id  # so that it can go with the model
        for view_layer in select_in:
            selection.select(scene, view_layer, root, (root, *root.children_recursive))
        remarks = [beside and f"beside {beside}", limited, remark, _why_unseen(scene, parent, collection)]
        if undo_step:
            _push_undo_step(job)
    except BaseException:
        _remove_since(oldest)
        raise
    return Placed(root, [said for said in remarks if said])


def _parent(scene: bpy.types.Scene, name: str) -> tuple[bpy.types.Collection, str]:
    """The collection that a model's own is put into: the scene's collection of that name, else the scene's own; and,
    where it is not the one that was asked for, why. Raises `JobError` where none can be written to."""
    inside = list(scene.collection.children_recursive)
    chosen = [entry for entry in inside if entry.name == name]
    parent = next((entry for entry in (*chosen, scene.collection) if _is_writable(entry, scene)), None)
    if parent is None:
        parent = next((entry for entry in inside if _is_writable(entry, scene)), None)
        if parent is None:
            raise JobError(
                f"The scene {scene.name} is linked from another file and cannot be changed: switch to a scene of this "
                "file, then import the model from the list of jobs."
            )
        return parent, f"in {parent.name}, as the scene is linked from another file"
    if not name or parent in chosen:
        return parent, ""
    if not chosen:
        return parent, f"not in {name}, which is not in this scene"
    return parent, f"not in {name}, which is linked from another file"


def _is_writable(collection: bpy.types.Collection, scene: bpy.types.Scene) -> bool:
    """Whether Blender puts something into a collection: into none that is linked from another file, also where it is an
    override."""
    owner = scene if collection == scene.collection else collection
    return owner.library is None and owner.override_library is None


def _remove_since(uid: int) -> None:
    """Remove all that has come into the file since `stranger.next_uid` has given this number."""
    every = (getattr(bpy.data, entry.identifier) for entry in bpy.data.bl_rna.properties if entry.type == "COLLECTION")
    bpy.data.batch_remove([found for kind in every for found in kind if found.session_uid > uid])


def _why_unseen(scene: bpy.types.Scene, parent: bpy.types.Collection, own: bpy.types.Collection) -> str:
    """Why nothing of what has arrived in `parent` is seen, "" where something is, or no collection is why."""
    view_layer = view_layers(scene)[0]
    if any(obj.visible_get(view_layer=view_layer) for obj in own.all_objects):
        return ""
    for layer in _way_to(view_layer.layer_collection, parent):
        name = layer.collection.name
        if layer.exclude:
            return f"but {name} is excluded from the view layer (press Show to see it)"
        if layer.hide_viewport or layer.collection.hide_viewport:
            return f"but {name} is hidden (press Show to see it)"
    return ""


def _way_to(layer: bpy.types.LayerCollection, wanted: bpy.types.Collection) -> list[bpy.types.LayerCollection]:
    """The collections from `layer` down to `wanted`, both with it; none where it is not below."""
    if layer.collection == wanted:
        return [layer]
    for child in layer.children:
        if way := _way_to(child, wanted):
            return [layer, *way]
    return []


def _own_box(root: bpy.types.Object, job: Job) -> Box | None:
    """The box around the model in its root's space: as it was measured when the model was made; else, for the model of
    an earlier version, around the boxes of its meshes. None where it has no mesh."""
    if job.bounds:
        (x0, y0, z0), (x1, y1, z1) = job.bounds
        return Box((x0, y0, z0), (x1, y1, z1))
    meshes = [obj for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    inside = _inside(root, meshes)
    corners = [inside[obj] @ Vector(corner) for obj in meshes for corner in obj.bound_box]
    return boxes.around(tuple(corner) for corner in corners) if corners else None


def _factor(box: Box | None, size: float, scale_length: float) -> tuple[float, str]:
    """By how much the model is scaled, and what there is to say about that. `size` is what its longest side is to be, 0
    for as it was made; it was made in meters, and `scale_length` says how many meters the scene's unit is."""
    as_made = 1.0 / scale_length
    if not size or box is None:
        return as_made, ""
    factor = size / max(box.longest, SHORTEST)
    possible = min(max(factor, as_made / FACTOR_MOST), as_made * FACTOR_MOST)
    if possible == factor:
        return factor, ""
    which = "larger" if possible > factor else "smaller"
    return possible, f"{which} than asked for, as its size is changed by up to {FACTOR_MOST:,.0f} times"


def _find_room(
    root: bpy.types.Object,
    own: Box | None,
    scene: bpy.types.Scene,
    where: Mapping[str, Any],
    around: room.Surroundings | None,
) -> str:
    """Put the model where it is seen. Return the name of what it stands beside, "" where it is where it was asked
    for."""
    root.location = where.get("location", (0.0, 0.0, 0.0))
    meshes = [obj for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    row, number = where.get("row", ""), where.get("number", 0)
    if not meshes or own is None or around is None:
        return ""
    placed = Matrix.LocRotScale(root.location, None, root.scale)
    box = Box(tuple(placed @ Vector(own.low)), tuple(placed @ Vector(own.high)))
    points = room.points_in([tuple(placed @ point) for point in _points(root, meshes, own)], box)
    subject = room.Subject(box, points, tuple(root.location))
    members = _members(scene, row)
    if members:
        # The row goes on where it stands: its first model may have gone beside something.
        neighbor = min(members, key=lambda member: abs(member.number - number))
        subject = subject.moved((0.0, neighbor.foot[1] - subject.foot[1], neighbor.foot[2] - subject.foot[2]))

        def blocker(by: float) -> Box | None:
            moved = subject.moved((by, 0.0, 0.0))
            return None if where.get("exactly") else room.in_the_way(moved, around)

        by = offset_in_row(subject.box, number, [Member(*member[:2]) for member in members], blocker)
        root.location = subject.moved((by, 0.0, 0.0)).foot
        return ""
    if where.get("exactly"):
        return ""
    spot = room.beside(subject, around)
    root.location = subject.moved(spot.offset).foot
    return spot.beside


class _Standing(NamedTuple):
    """A model of a row that stands in the scene."""

    number: int
    box: Box
    foot: boxes.Vec


def _members(scene: bpy.types.Scene, row: str) -> list[_Standing]:
    """The models of a row that are in the scene, with at least one mesh."""
    if not row:
        return []
    found = []
    for root in scene.objects:
        if root.get(ROW) == row:
            meshes = [obj for obj in (root, *root.children_recursive) if obj.type == "MESH"]
            number = root.get(NUMBER)
            if meshes:
                box = boxes.around(
                    tuple(obj.matrix_world @ Vector(corner)) for obj in meshes for corner in obj.bound_box
                )
                number = number if isinstance(number, int) else 0
                found.append(_Standing(number, box, tuple(root.matrix_world.translation)))
    return found


def _points(root: bpy.types.Object, meshes: Collection[bpy.types.Object], own: Box) -> list[Vector]:
    """Some vertices from all over the model, in its root's space. Where skeletons and shape keys move them is not
    computed yet: there they are spread over `own`, the box around the model."""
    counts = [len(obj.data.vertices) for obj in meshes]
    step = max(1, -(-sum(counts) // room.POINTS_MOST))
    inside = _inside(root, meshes)
    found = [
        inside[obj] @ obj.data.vertices[index].co
        for obj, count in zip(meshes, counts, strict=True)
        for index in range(0, count, step)
    ]
    few = found[:: max(1, -(-len(found) // room.POINTS_MOST))]  # of each mesh at least one was taken
    is_moved = any(obj.modifiers or obj.data.shape_keys for obj in meshes)
    return _spread(few, own) if is_moved else few


def _spread(points: Sequence[Vector], into: Box) -> list[Vector]:
    """The points, moved and stretched so that the box around them is `into`."""
    box = boxes.around(tuple(point) for point in points)
    scale = [wanted / side if side else 0.0 for wanted, side in zip(into.sides, box.sides, strict=True)]
    return [
        Vector([into.low[axis] + scale[axis] * (point[axis] - box.low[axis]) for axis in boxes.AXES])
        for point in points
    ]


def _inside(root: bpy.types.Object, objects: Collection[bpy.types.Object]) -> dict[bpy.types.Object, Matrix]:
    """For each of `objects`, which are `root` or below it, the matrix from its space to that of `root`. World matrices
    of what was appended just now are not computed yet."""
    found = {root: Matrix.Identity(4)}
    for obj in objects:
        chain = []
        while obj not in found:
            chain.append(obj)
            obj = obj.parent
        for inner in reversed(chain):
            found[inner] = found[inner.parent] @ inner.matrix_parent_inverse @ inner.matrix_basis
    return found


def _append(blend: Path, job: Job, oldest: int) -> tuple[bpy.types.Collection, bpy.types.Object]:
    """Append the one collection of the file; return it and its root object, as yet in no scene. Raises `JobError`, with
    what was appended still in the file; that has a session_uid above `oldest`."""
    if not files.is_plain_file(blend):  # Blender would wait for a pipe
        raise JobError(f"The model of {job.name} cannot be read (there is no such file): retry the job.")
    try:
        stranger.require_own(blend)
        before = stranger.counts()
        with bpy.data.libraries.load(str(blend), link=False) as (held, wanted):
            wanted.collections = list(held.collections[:2])  # the second tells that there are more
        stranger.require_model(before, oldest)
    except stranger.StrangeError as error:
        why = f" ({error})" if str(error) else ""
        raise JobError(f"The model of {job.name} is damaged{why}: retry the job.") from None
    except OSError as error:
        raise JobError(f"The model of {job.name} cannot be read ({reason_of(error)}): retry the job.") from None
    collections = [collection for collection in wanted.collections if collection]
    roots = [obj for collection in collections for obj in collection.all_objects if obj.parent is None]
    if len(collections) != 1 or not roots:
        raise JobError(f"The model of {job.name} is damaged: retry the job.")
    # Its own collection is an asset of the results, and none of the user's file, in which it would be listed once more.
    return make_own(collections[0], oldest), roots[0]


def _push_undo_step(job: Job) -> None:
    """Make an undo step of what has changed. Where none can be made (a script in the background has taken the window
    away: `temp_override(window=None)`), the model belongs to the next one."""
    window = bpy.context.window or next(iter(bpy.context.window_manager.windows), None)
    # Nothing but its poll can fail, and for that Blender raises RuntimeError.
    with bpy.context.temp_override(window=window), contextlib.suppress(RuntimeError):
        bpy.ops.ed.undo_push(message=f"Image to 3D: {job.name}")


def _write_provenance(root: bpy.types.Object, job: Job, where: Mapping[str, Any]) -> None:
    """Say on the root where it came from, for people and for scripts, and which row it stands in."""
    for name, value in provenance.of(job).items():  # also where an earlier version has made the file
        root[name] = value
    if where.get("row"):
        root[ROW], root[NUMBER] = where["row"], where.get("number", 0)
