# SPDX-License-Identifier: GPL-3.0-or-later
"""A job -> the settings that it was made of, so that the next model is called as its own, also when the job is removed
meanwhile."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import bpy

from ..api import picture
from ..api.errors import PictureError
from ..api.parameters import Picture, pictures
from ..api.services import SERVICES
from ..jobs.folder import Job, request_of
from ..jobs.pictures import sha256_of
from . import settings
from .named import image_named, keep
from .variants import NAME_BYTES, base_name, numbered


def use(chosen: bpy.types.PropertyGroup, folder: Path, job: Job) -> None:
    """Set the settings to what the job in `folder` was made of.

    What was a file is that file as long as it is there. Else a picture is an image of this Blender file: the one that
    the model was made of, or a new one that holds the job's picture. Raises as `request_of` does.
    """
    table = SERVICES[job.service].parameters
    main = pictures(table)[0]
    own = request_of(folder, job)
    is_there = {entry.name: _is_picture if isinstance(entry, Picture) else os.path.isfile for entry in table}
    origins = {name: path for name, path in job.origins.items() if name in is_there and is_there[name](path)}
    # A file that is called otherwise was that of an image with the job's name.
    was_file = main in job.origins and _is_called(picture.name_of(job.origins[main]), job)
    source = own.get(main, "")
    image = None
    if source and not picture.is_url(source) and not (was_file and main in origins):
        image = _known(job, was_file) or _packed(Path(source), base_name(job))
    further = {name: _further(own[name], job, name, origins) for name in pictures(table)[1:] if own.get(name)}
    if image is None:
        settings.use(chosen, job.service, {**own, **origins, **further})
    else:
        settings.use(chosen, job.service, {**own, **origins, **further, main: ""})
        chosen.source, chosen.image = "IMAGE", image
    # To the letter: `settings.use` takes texts for paths, which may be cleaned.
    group = getattr(chosen, job.service)
    for name, text in further.items():
        if image_named(text) is not None:
            setattr(group, name, text)


def _further(source: str, job: Job, name: str, origins: Mapping[str, str]) -> str:
    """What stands for a further picture, which the job has at `source`: the name of an image, a path or an address."""
    called = job.images.get(name, "")
    if called and image_named(called) is not None:
        return called
    if name in origins or picture.is_url(source):
        return origins.get(name, source)
    title = picture.name_of_image(called or os.path.basename(job.origins.get(name, name)))
    image = _holding(Path(source), title) or _packed(Path(source), title)
    if image is None:
        return source
    keep(image)
    if called:
        image.name = called
    return image.name if image_named(image.name) == image else source


def _holding(source: Path, title: str) -> bpy.types.Image | None:
    """The image that is called so, but for an ending, and in which the picture at `source` is packed."""
    called = [image for image in bpy.data.images if picture.name_of_image(image.name) == title]
    content = sha256_of(source) if called else ""
    return next((image for image in called if _sha256_of(image) == content), None)


def _is_picture(path: str) -> bool:
    """Whether there is still a file at `path`, and a picture: a record may name anything, and what is chosen is
    sent."""
    if not os.path.isfile(path):
        return False
    try:
        picture.require_picture(Path(path))
    except (PictureError, OSError):
        return False
    return True


def _is_called(name: str, job: Job) -> bool:
    """Whether a model of a picture with that name is called as the job."""
    return (numbered(name, job.variant) if job.variant else name) == job.name


def _known(job: Job, was_file: bool) -> bpy.types.Image | None:
    """The image of this file that the job was made of; where it was made of a file, one that holds the same."""
    called = [image for image in bpy.data.images if _is_called(picture.name_of_image(image.name), job)]
    if not was_file:
        return next(iter(called), None)
    return next((image for image in called if _sha256_of(image) == job.picture_sha256), None)


def _sha256_of(image: bpy.types.Image) -> str:
    """Of the file that is packed in an image; "" where none is."""
    return hashlib.sha256(image.packed_file.data).hexdigest() if image.packed_file else ""


def _packed(source: Path, name: str) -> bpy.types.Image | None:
    """A new image that holds the picture at `source` itself; None where Blender cannot read it."""
    called = f"{name}{picture.ending_of(source.name)}"  # with its ending, as what comes after a dot may be left out
    try:
        image = bpy.data.images.load(str(source))
    except RuntimeError:
        return None
    try:
        image.pack()
    except RuntimeError:
        bpy.data.images.remove(image)
        return None
    image.name = called if len(called.encode()) <= NAME_BYTES else name
    # Not the job's folder, which says where the user's files are, and goes with the job.
    image.filepath_raw = f"//{called}"
    for packed in image.packed_files:
        packed.filepath = image.filepath_raw
    return image
