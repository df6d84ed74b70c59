# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions that a script calls: ask for a model, and find jobs again. Waits for nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import bpy

from .. import session
from ..api.errors import ImageTo3DError, ParameterError
from ..api.texts import nearest
from ..jobs import history
from ..jobs.state import State
from ..session.start import start_or_take_up_one
from . import asked, log, work
from .asked import Source
from .started import Job


def generate(
    picture: Source | None,
    service: str | None = "LOCAL",
    parameters: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    location: Sequence[float] | None = None,
    collection: str | bpy.types.Collection | None = None,
    scene: bpy.types.Scene | str | None = None,
    again: bool = False,
) -> Job:
    """Ask for a 3D model of a picture, and return its job at once. The job's process runs while the script goes on.

    In a window the model arrives by itself. In a background Blender it arrives in `Job.wait()`.

    Args:
        picture: The path of a file (str or Path; "//" is the folder of the .blend), an http(s) address, a data URI, or
            an image of `bpy.data.images`, which is sent as it looks now. None where a parameter stands instead of it.
        service: "LOCAL", "COMFYUI", "MESHY" or "CSM", in any case; None for the one of the scene's settings.
        parameters: The service's parameters by their names in docs/parameters.md. What is left out is as in a new
            scene, whatever this scene's settings say. A further picture may be all that `picture` may be.
        name: What the model is called; by default as the picture.
        location: Where its foot stands, exactly: x, y, z in Blender units. By default at the 3D cursor, or beside what
            would hide the model there.
        collection: The collection that the model's own is put into, or its name. It is made, and linked to the scene,
            where it is missing. By default the scene's own.
        scene: The scene that the model enters, or its name; by default that of the context.
        again: Ask a paid service for another model, although a job for the same was left unfinished, or its model was
            never imported. Without it that job is taken up, and nothing is paid again.

    Raises:
        ParameterError: An argument or a parameter is none, or has a value that the service does not take.
        PictureError: The picture is not there, or cannot be read.
        NoKeyError, OfflineError: The service needs a key, or Blender's online access.
        ImageTo3DError: The extension is not enabled, or nothing can be added to the scene.
        OSError: The job's folder cannot be written.
        KeyboardInterrupt: Ctrl+C was pressed meanwhile in a background Blender. What was not sent yet is given up.
    """
    require_enabled()
    target = asked.scene_of(scene)
    where = asked.place_of(target, location)
    asked.require_collection(collection)
    with work.in_order():
        with (
            asked.asked(picture, service, parameters or {}, name=name, scene=target, where=where) as request,
            asked.collection_in(target, collection) as place,
        ):
            request.place.update(place)
            job, is_taken_up = start_or_take_up_one(request, again=again)
        current = session.current()
        if bpy.app.background:
            current.scripted.add(job.id, is_taken_up=is_taken_up)
            if is_taken_up:
                log.say(job, work.said_of_taken_up(job))
        made = Job(current.queue, job.id)
        made.begin()
    return made


def jobs(state: str | State | Iterable[str | State] | None = None) -> list[Job]:
    """Return the jobs that there are, newest first: those of all Blenders of this user, also of the panel's.

    Args:
        state: Only those in this state, as "running", or in one of several; by default all. The states are "waiting",
            "submitting", "running", "downloading", "converting", "ready", "imported", "failed", "cancelled" and
            "unconfirmed".

    A job whose record cannot be read is left out. Raises `ParameterError` for what is no state.
    """
    require_enabled()
    wanted = _states(state)
    queue = session.current().queue
    found = history.list_jobs(queue.root)
    return [Job(queue, job.id) for job in found if job.service and job.state in wanted]


def job(id: str) -> Job:
    """Return the job with this id: the name of its folder, and the property `image_to_3d_job` of its model's root.

    Raises `JobError` where there is none.
    """
    require_enabled()
    found = Job(session.current().queue, str(id))
    found.state  # noqa: B018 -- raises where there is no such job
    return found


def _states(state: str | State | Iterable[str | State] | None) -> frozenset[State]:
    if state is None:
        return frozenset(State)
    several = [state] if isinstance(state, str) else list(state)
    words = [str(word).strip().lower() for word in several]
    for word in words:
        if word not in list(State):
            raise ParameterError(f"There is no state {word!r} of a job: {nearest(word, State)}")
    return frozenset(map(State, words))


def require_enabled() -> None:
    """Raise `ImageTo3DError` where the extension is installed and not enabled."""
    if not hasattr(bpy.types.Scene, "image_to_3d"):
        package = __package__.rpartition(".")[0]
        raise ImageTo3DError(
            f"The extension Image to 3D is not enabled: enable it in the preferences, or start Blender with "
            f"--addons {package}."
        )
