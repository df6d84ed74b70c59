# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of a scene ask for -> jobs, one for each variant. Starts no process, and waits for nothing."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from ..api.errors import ImageTo3DError, user_message
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..jobs import history
from ..jobs.folder import Job
from ..scene.request import Request, requested
from ..scene.variants import variants_of
from . import access, current


class Started(NamedTuple):
    """A job that has to be done now, and whether it is one that was left before."""

    job: Job
    is_taken_up: bool


def start_job(
    scene: bpy.types.Scene,
    *,
    filepath: str = "",
    service: str = "",
    image: bpy.types.Image | None = None,
    row: str = "",
    number: int = 0,
) -> Job:
    """Write down one job for what the settings of `scene` say, or for the picture at `filepath`, or for `image`, and
    return it.

    `row` is the name of the row that its model stands in beside those of other pictures, "" for none, and `number`
    its place there, from 1. Its result enters the scene that the settings name. Raises `ImageTo3DError` with a sentence
    for the user, `OSError` where the job's folder cannot be written.
    """
    asked = requested(scene, filepath=filepath, service=service, image=image, is_one_of_several=bool(row))
    with asked as request:
        return _create_all(variants_of(request, 1, row, number))[0][0]


def start_jobs(
    scene: bpy.types.Scene,
    *,
    filepath: str = "",
    service: str = "",
    image: bpy.types.Image | None = None,
    row: str = "",
    number: int = 0,
) -> list[Job]:
    """The same for as many variants as the settings say; `number` is the place of the first. Where some of them cannot
    be started, raises `ImageTo3DError` that says so, and the others go on."""
    asked = requested(scene, filepath=filepath, service=service, image=image, is_one_of_several=bool(row))
    with asked as request:
        jobs, trouble = _create_all(variants_of(request, scene.image_to_3d.variants, row, number))
    if trouble:
        raise ImageTo3DError(trouble)
    return jobs


def start_or_take_up(
    scene: bpy.types.Scene,
    *,
    filepath: str = "",
    service: str = "",
    image: bpy.types.Image | None = None,
    row: str = "",
    number: int = 0,
    again: bool = False,
) -> tuple[list[Started], str]:
    """The same; but where paid jobs for the same picture, service and parameters were left unfinished, or their models
    were never imported, have these go on: a script that is run again must not pay again, unless it says `again`. Return
    what has to be done, and a sentence about what could not be started, "" where all could.
    """
    asked = requested(scene, filepath=filepath, service=service, image=image, is_one_of_several=bool(row))
    with asked as request:
        queue, most = current().queue, scene.image_to_3d.variants
        wishes = [each.parameters for each in variants_of(request, most)]
        left = [None] * most if again else _left(request, wishes)
        group = next((job.group for job in left if job and job.group), "")
        wanted = variants_of(request, most, row, number, group)
        made, trouble = _create_all([each for each, job in zip(wanted, left, strict=True) if job is None])
        # One that was imported already has its model.
        taken = [job if job.state is history.State.IMPORTED else queue.take_up(job.id) for job in left if job]
        started = [Started(job, True) for job in taken] + [Started(job, False) for job in made]
        return sorted(started, key=lambda each: each.job.variant), trouble


def start_or_take_up_one(request: Request, *, again: bool = False) -> Started:
    """Write down one job for a request, or have a paid one go on that was left for the same, unless somebody waits for
    that here, or it shall be done `again`. Its result enters the scene and the place of the request. Raises as
    `start_job` does."""
    session = current()
    waited_for = session.scripted.asked() if bpy.app.background else session.arrivals.expected()
    left = None if again else _left(request, [request.parameters], without=waited_for)[0]
    if left is None:
        return Started(_create(request, []), False)
    access.require_ready(request.service, request.parameters)
    job = session.queue.take_up(left.id)
    session.arrivals.expect(job.id, request.scene, request.place)
    session.show()
    return Started(job, True)


def _left(request: Request, wishes: Sequence[Mapping[str, Any]], without: Collection[str] = ()) -> list[Job | None]:
    """The paid jobs that were left for these parameters, None for each where there is none."""
    root = current().queue.root
    return history.find_each_paid(root, request.service, wishes, request.scratch, without=without)


def variants(job: Job) -> list[Job]:
    """All jobs of the group of this one, as they are now; none where it is in none."""
    queue = current().queue
    jobs = queue.jobs() if queue.is_complete else history.list_jobs(queue.root)
    return [other for other in jobs if job.group and other.group == job.group]


def _create_all(requests: Sequence[Request]) -> tuple[list[Job], str]:
    """Write down a job for each request. Return them, and a sentence about those that could not be, "" for none.
    Raises as `start_job` does where not one could be."""
    jobs: list[Job] = []
    for request in requests:
        try:
            jobs.append(_create(request, jobs))
        except (ImageTo3DError, OSError) as error:
            if not jobs:
                raise
            return jobs, f"{len(jobs)} of {len(requests)} jobs are started, the others are not: {user_message(error)}"
    return jobs, ""


def _create(request: Request, before: Sequence[Job]) -> Job:
    """Write down a job. `before` are those of the variants before it: the first has the pictures that were made for all
    of them."""
    access.require_ready(request.service, request.parameters)
    session = current()
    if lack := session.accounts.lack(request.service):
        raise ImageTo3DError(lack)
    parameters, scratch = request.parameters, request.scratch
    names = pictures(SERVICES[request.service].parameters)
    shared = [name for name in names if before and Path(parameters[name]).parent == scratch]
    if shared:
        scratch = session.queue.folder_of(before[0].id)
        parameters = {**parameters, **{name: str(scratch / before[0].parameters[name]) for name in shared}}
    job = session.queue.create(
        service=request.service,
        parameters=parameters,
        name=request.title,
        place=request.place,
        file=bpy.data.filepath,
        group=request.group,
        variant=request.variant,
        scratch=scratch,
        is_shared=bool(shared),
        images=request.images,
    )
    session.arrivals.expect(job.id, request.scene)
    session.show()
    return job
