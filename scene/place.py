# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished job's model -> the user's scene. The only code that changes the user's file; appends, never imports.

Mode, selection and active object stay as they are, and the whole is one undo step.
"""

import json
from pathlib import Path

import bpy

from ..api import picture
from ..api.errors import JobError
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..jobs.folder import Job
from .refusal import reason_of


def place(folder: Path, job: Job, scene: bpy.types.Scene) -> bpy.types.Object:
    """Append the job's model to `scene` in a collection of its own, and return its root object.

    The root stands at the place that the job asked for, else at the 3D cursor. Raises `JobError` where the model's file cannot
    be read; then the scene is as it was.
    """
    collection, root = _append(folder / folders.BLEND, job)
    scene.collection.children.link(collection)
    root.location = job.place.get("location", scene.cursor.location)
    # The model is in meters; a scene may say that its unit is another.
    root.scale = (1.0 / scene.unit_settings.scale_length,) * 3
    _write_provenance(root, job)
    bpy.ops.ed.undo_push(message=f"Image to 3D: {job.name}")
    return root


def _append(blend: Path, job: Job) -> tuple[bpy.types.Collection, bpy.types.Object]:
    """Append the one collection of the file; return it and its root object, as yet in no scene."""
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
    return collections[0], roots[0]


def _write_provenance(root: bpy.types.Object, job: Job) -> None:
    """Say on the root where it came from, for people and for scripts. No key and no data URI can be in here: no job holds them."""
    source = job.source
    names = pictures(SERVICES[job.service].parameters) if job.service in SERVICES else []
    root["image_to_3d_service"] = job.service
    root["image_to_3d_job"] = job.id
    root["image_to_3d_task"] = job.task_id
    root["image_to_3d_picture"] = source if picture.is_url(source) else job.name
    root["image_to_3d_picture_sha256"] = job.picture_sha256
    root["image_to_3d_parameters"] = json.dumps(
        {name: value for name, value in job.parameters.items() if name not in names}
    )
