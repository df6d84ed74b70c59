# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure that was cut out -> a Blender image that stays in the user's file, and an Image Editor that shows it. Never
touches the image that it was cut out of."""

from pathlib import Path

import bpy

from ..api.words import one_line

SUFFIX = " Cutout"
"""What the name of such an image ends with."""

NOT_FOR_PICTURES = {"RENDER_RESULT", "COMPOSITING"}
"""The types of images that somebody watches rather than paints."""


def name_for(title: str) -> str:
    """What the image is called whose figure was cut out of the picture `title`: "Fox Cutout", also where that is cut
    out again."""
    return f"{title.removesuffix(SUFFIX)}{SUFFIX}"


def take(file: Path, name: str) -> bpy.types.Image:
    """Make a new image `name` of the PNG at `file`, packed, so that the file may go. Raises `RuntimeError` where
    Blender cannot."""
    image = bpy.data.images.load(str(file), check_existing=False)
    try:
        image.pack()
    except RuntimeError:
        bpy.data.images.remove(image)
        raise
    image.name = name
    # Where it would be unpacked to, beside the .blend: the folder of `file` goes.
    image.filepath_raw = f"//{bpy.path.clean_name(one_line(image.name))}.png"
    return image


def show(image: bpy.types.Image, instead_of: bpy.types.Image | None) -> bool:
    """Have an Image Editor that is open show `image`: the one that shows the image it was made from, else the first
    that shows no render. Return whether there is one."""
    editors = [
        area.spaces.active
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.ui_type == "IMAGE_EDITOR" and isinstance(area.spaces.active, bpy.types.SpaceImageEditor)
    ]
    showing = [editor for editor in editors if instead_of is not None and editor.image == instead_of]
    free = [editor for editor in editors if editor.image is None or editor.image.type not in NOT_FOR_PICTURES]
    for editor in [*showing, *free][:1]:
        editor.image = image
    return bool(showing or free)
