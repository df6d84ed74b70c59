# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of a scene ask for -> a job. Starts no process, and waits for nothing."""

from typing import NamedTuple

import bpy

from ..jobs import history
from ..jobs.folder import Job
from ..scene.request import Request, requested
from . import access, current


class Started(NamedTuple):
    """A job that has to be done now, and whether it is one that was left before."""

    job: Job
    is_taken_up: bool


def start_job(
    scene: bpy.types.Scene, *, filepath: str = "", service: str = "", image: bpy.types.Image | None = None
) -> Job:
    """Write down a job for what the settings of `scene` say, or for the picture at `filepath`, or for `image`, and
    return it.

    Its result enters the scene that the settings name. Raises `ImageTo3DError` with a sentence for the user, `OSError`
    where the job's folder cannot be written.
    """
    with requested(scene, filepath=filepath, service=service, image=image) as request:
        return _create(request)


def start_or_take_up(
    scene: bpy.types.Scene, *, filepath: str = "", service: str = "", image: bpy.types.Image | None = None
) -> Started:
    """The same; but where a paid job for the same picture, service and parameters was left unfinished, or its model was
    never imported, have that one go on: a script that is run again must not pay again.
    """
    with requested(scene, filepath=filepath, service=service, image=image) as request:
        queue = current().queue
        left = history.find_paid(queue.root, request.service, request.parameters, request.scratch)
        if left is None:
            return Started(_create(request), False)
        return Started(queue.take_up(left.id), True)


def _create(request: Request) -> Job:
    access.require_ready(request.service, request.parameters)
    session = current()
    job = session.queue.create(
        service=request.service,
        parameters=request.parameters,
        name=request.title,
        place=request.place,
        file=bpy.data.filepath,
        scratch=request.scratch,
    )
    session.arrivals.expect(job.id, request.scene)
    session.show()
    return job
