# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of a scene name as pictures: files, and images of this Blender file. Reads no picture."""

import os

import bpy

from ..api.parameters import pictures
from ..api.services import SERVICES
from ..api.sources import cleaned, is_path
from . import settings

LONGEST = 255  # letters of an image's name, in any Blender (63 bytes until 4.5)


def image_named(text: str) -> bpy.types.Image | None:
    """The image of this Blender file whose name `text` is, to the letter; None for any other text. An address, a data
    URI, a whole path and one that begins at the .blend ("//") are never names."""
    if len(text) > LONGEST:  # a picture as a data URI
        return None
    source = cleaned(text)
    if not text or text.startswith("//") or not is_path(source) or os.path.isabs(source):
        return None
    try:
        return bpy.data.images.get(text)
    except UnicodeEncodeError:  # half a character, which no name has
        return None


def keep(image: bpy.types.Image) -> None:
    """Have Blender save an image that nothing uses: a name in the settings is no use to Blender."""
    if not image.users and image.library is None:
        image.use_fake_user = True


def pictures_of(chosen: bpy.types.PropertyGroup) -> tuple[list[str], list[bpy.types.Image]]:
    """The picture files and the Blender images among the pictures that are chosen, the main one and the further ones of
    the chosen service."""
    files, images = [settings.picture_of(chosen)], []
    if settings.source_of(chosen) == "IMAGE" and chosen.image is not None:
        images.append(chosen.image)
    service = settings.service_of(chosen)
    group = getattr(chosen, service)
    for name in pictures(SERVICES[service].parameters)[1:]:
        text = getattr(group, name)
        image = image_named(text)
        if image is not None:
            images.append(image)
        else:
            files.append(settings.located(text))
    return [path for path in files if path and is_path(path)], images
