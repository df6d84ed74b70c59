# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of a scene say -> a new job. Starts no process, and waits for nothing."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from ..api import picture
from ..api.errors import ImageTo3DError, PictureError
from ..api.parameters import Picture, check, pictures
from ..api.services import SERVICES
from ..api.words import model_name
from ..jobs import history
from ..jobs.folder import Job
from . import images, session, settings

ANY_PICTURE = "picture.png"  # no price depends on which


class Started(NamedTuple):
    """A job that has to be done now, and whether it is one that was left before."""

    job: Job
    is_taken_up: bool


def start_job(
    scene: bpy.types.Scene, *, filepath: str = "", service: str = "", image: bpy.types.Image | None = None
) -> Job:
    """Write down a job for what the settings of `scene` say, or for the picture at `filepath`, or for `image`, and return it.

    Raises `ImageTo3DError` with a sentence for the user, `OSError` where the job's folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as temporary:
        return _create(scene, _asked(scene, filepath, service, image, Path(temporary)))


def start_or_take_up(
    scene: bpy.types.Scene, *, filepath: str = "", service: str = "", image: bpy.types.Image | None = None
) -> Started:
    """The same; but where a paid job for the same picture, service and parameters was left unfinished, or its model was never imported,
    have that one go on: a script that is run again must not pay again.
    """
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as temporary:
        asked = _asked(scene, filepath, service, image, Path(temporary))
        left = history.find_paid(session.root(), asked.service, asked.parameters, Path(temporary))
        if left is None:
            return Started(_create(scene, asked), False)
        return Started(session.take_up(left.id), True)


class _Asked(NamedTuple):
    """What is asked of a service. `parameters` are checked."""

    service: str
    parameters: dict[str, Any]
    title: str


def _asked(
    scene: bpy.types.Scene, filepath: str, service: str, image: bpy.types.Image | None, temporary: Path
) -> _Asked:
    chosen = scene.image_to_3d
    name = (service or chosen.service).lower()
    if name not in SERVICES:
        raise ImageTo3DError(f"There is no service {service!r}: use one of {', '.join(SERVICES).upper()}.")
    table = SERVICES[name].parameters
    values: dict[str, Any] = settings.values_that_apply(getattr(chosen, name), table)
    if image or filepath:  # a picture was named, so nothing stands instead of it
        values.update({entry.instead: "" for entry in table if isinstance(entry, Picture) and entry.instead})
    if settings.needs_picture(values, table):
        source, title = _picture(chosen, filepath, image, temporary)
    else:
        source, title = "", SERVICES[name].label
    return _Asked(name, check(table, {**values, pictures(table)[0]: source}), title)


def _create(scene: bpy.types.Scene, asked: _Asked) -> Job:
    return session.create(
        settings.target_of(scene),
        service=asked.service,
        parameters=asked.parameters,
        name=asked.title,
        where=settings.place_of(scene),
    )


def _picture(
    chosen: bpy.types.PropertyGroup, filepath: str, image: bpy.types.Image | None, temporary: Path
) -> tuple[str, str]:
    """Return where the picture is (path, URL or data URI) and what the model is called."""
    if image or (chosen.source == "IMAGE" and not filepath):
        shown = image or chosen.image
        if shown is None:
            raise PictureError("There is no picture: choose an image.")
        return str(images.to_file(shown, temporary)), model_name(Path(shown.name).stem)
    source = filepath or (chosen.url if chosen.source == "URL" else chosen.filepath)
    if not source:
        raise PictureError("There is no picture: choose a picture file, a Blender image or an address.")
    if picture.is_path(source):
        source = bpy.path.abspath(source)
    return source, picture.name_of(source)


def cost(scene: bpy.types.Scene) -> int | None:
    """How many credits the service takes for what the settings say now; None where that is not known, or they are not valid."""
    chosen = scene.image_to_3d
    service = SERVICES[chosen.service.lower()]
    table = service.parameters
    values = settings.values_that_apply(getattr(chosen, service.name), table)
    try:
        return service.cost(check(table, {**values, pictures(table)[0]: ANY_PICTURE}))
    except ImageTo3DError:
        return None
