# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished job's model -> the user's scene. The only code that changes the user's file; appends, never imports.

Mode, selection and active object stay as they are, and the whole is one undo step where that is wanted.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix, Vector

from .. import files
from ..api import picture
from ..api.errors import JobError
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..api.words import bare_address
from ..jobs import folder as folders
from ..jobs.folder import Job
from .refusal import reason_of

SHORTEST = 1e-6  # a side of no length cannot be scaled to another


def place(
    folder: Path, job: Job, scene: bpy.types.Scene, where: Mapping[str, Any], *, undo_step: bool
) -> bpy.types.Object:
    """Append the job's model to `scene` in a collection of its own, and return its root object.

    `where` may have "location" (x, y, z of the root, in Blender units; without it the world origin), "size" (length of
    the model's longest side, in Blender units; without it as large as the service made it) and "collection" (name of
    the scene's collection that the model's own is put into; without it, or where the scene has no such any more, the
    scene's own). Without `undo_step` the model belongs to the next step that anybody pushes. Raises `JobError` where
    the model's file cannot be read; then the scene is as it was.
    """
    collection, root = _append(folder / folders.BLEND, job)
    _collection(scene, where.get("collection", "")).children.link(collection)
    root.location = where.get("location", (0.0, 0.0, 0.0))
    # The model is in meters; a scene may say that its unit is another.
    factor = where["size"] / _longest_side(root) if where.get("size") else 1.0 / scene.unit_settings.scale_length
    root.scale = (factor,) * 3
    _write_provenance(root, job)
    collection["image_to_3d_job"] = job.id  # so that it can go with the model
    if undo_step:
        bpy.ops.ed.undo_push(message=f"Image to 3D: {job.name}")
    return root


def _collection(scene: bpy.types.Scene, name: str) -> bpy.types.Collection:
    """The scene's collection of that name that can be written to, else the scene's own."""
    found = next((entry for entry in scene.collection.children_recursive if entry.name == name), None)
    return found if found and found.library is None else scene.collection


def _longest_side(root: bpy.types.Object) -> float:
    """How long the model's bounding box is on its longest side, at scale 1. Never 0."""
    corners = [
        _below(root, obj) @ Vector(corner)
        for obj in (root, *root.children_recursive)
        if obj.type == "MESH"
        for corner in obj.bound_box
    ]
    sides = [max(corner[axis] for corner in corners) - min(corner[axis] for corner in corners) for axis in range(3)]
    return max(*sides, SHORTEST)


def _below(root: bpy.types.Object, obj: bpy.types.Object) -> Matrix:
    """From the space of `obj` to that of `root`. World matrices of what was appended just now are not computed yet."""
    matrix = Matrix.Identity(4)
    while obj is not root:
        matrix = obj.matrix_parent_inverse @ obj.matrix_basis @ matrix
        obj = obj.parent
    return matrix


def _append(blend: Path, job: Job) -> tuple[bpy.types.Collection, bpy.types.Object]:
    """Append the one collection of the file; return it and its root object, as yet in no scene."""
    if not files.is_plain_file(blend):  # Blender would wait for a pipe
        raise JobError(f"The model of {job.name} cannot be read (there is no such file): retry the job.")
    try:
        with bpy.data.libraries.load(str(blend), link=False) as (held, wanted):
            wanted.collections = list(held.collections)
    except OSError as error:
        raise JobError(f"The model of {job.name} cannot be read ({reason_of(error)}): retry the job.") from None
    collections = [collection for collection in wanted.collections if collection]
    objects = [obj for collection in collections for obj in collection.all_objects]
    roots = [obj for obj in objects if obj.parent is None]
    if len(collections) != 1 or not roots:
        bpy.data.batch_remove({*collections, *objects})
        raise JobError(f"The model of {job.name} is damaged: retry the job.")
    _keep_no_asset(collections[0])
    return collections[0], roots[0]


def _keep_no_asset(collection: bpy.types.Collection) -> None:
    """The model is an asset of the results, and none of the user's file, in which it would be listed once more."""
    collection.asset_clear()  # and its fake user; `libraries.load` has `clear_asset_data` from Blender 5.0 on only
    if collection.preview is not None:
        collection.preview.is_image_custom = False  # drops the picture, a quarter of a megabyte in the user's file


def _write_provenance(root: bpy.types.Object, job: Job) -> None:
    """Say on the root where it came from, for people and for scripts.

    The user may give the file to anybody, so an address loses what gives access to the picture. No key and no data URI
    can be in here: no job holds them.
    """
    source = job.source
    names = pictures(SERVICES[job.service].parameters) if job.service in SERVICES else []
    root["image_to_3d_service"] = job.service
    root["image_to_3d_job"] = job.id
    root["image_to_3d_task"] = job.task_id
    root["image_to_3d_picture"] = bare_address(source) if picture.is_url(source) else job.name
    root["image_to_3d_picture_sha256"] = job.picture_sha256
    root["image_to_3d_parameters"] = json.dumps(
        {name: value for name, value in job.parameters.items() if name not in names}
    )
