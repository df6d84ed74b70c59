# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frame of a sequence or a movie, and which tile of several, the user sees. Writes no file, and leaves what shows
the image as it was."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import bpy

from ..api.errors import PictureError


def show_frame(image: bpy.types.Image) -> None:
    """Have `image.pixels` and `image.size` of a sequence or a movie be those of the frame that is shown.

    Python gets the frame that Blender has read last. Evaluating a texture reads one (tried in 4.2, 4.5 and 5.2). Raises
    `PictureError` where the image has no such frame.
    """
    number = shown_frame(image)
    with _texture_of(image) as texture:
        user = texture.image_user
        # Blender does not compute the frame anew here; where it did, it would come to the same.
        user.frame_start, user.frame_duration, user.frame_offset, user.use_cyclic = 1, 1, number - 1, True
        user.frame_current = number
        texture.evaluate((0.0, 0.0, 0.0))
    if not len(image.pixels):
        raise PictureError(f"The image {image.name} has no frame {number}: go to a frame that it has.")


def shown_frame(image: bpy.types.Image) -> int:
    """The number of the frame that is shown: in the editor of the context, in another one, in the 3D View as a
    reference, by a node of a material; else that of the scene's current frame."""
    user = next(_users(image), None)
    if user is None:
        return int(bpy.context.scene.frame_current)
    return _frame_of(user, bpy.context.scene.frame_current) if user.use_auto_refresh else int(user.frame_current)


def tile_file(image: bpy.types.Image, number: int) -> Path:
    """Where the file of a tile lies, whether or not it is there."""
    with _texture_of(image) as texture:
        texture.image_user.tile = number
        return Path(bpy.path.abspath(image.filepath_from_user(image_user=texture.image_user), library=image.library))


@contextlib.contextmanager
def _texture_of(image: bpy.types.Image) -> Iterator[bpy.types.ImageTexture]:
    """A texture that shows the image, for this moment."""
    texture = bpy.data.textures.new(image.name, "IMAGE")
    try:
        texture.image = image  # type: ignore[attr-defined]
        yield texture  # type: ignore[misc]
    finally:
        bpy.data.textures.remove(texture)


def _users(image: bpy.types.Image) -> Iterator[bpy.types.ImageUser]:
    """What shows the image, the nearest to the user first."""
    spaces = [getattr(bpy.context, "space_data", None)]
    manager = bpy.context.window_manager
    for window in manager.windows if manager else ():
        spaces += [area.spaces.active for area in window.screen.areas]
    for space in spaces:
        if isinstance(space, bpy.types.SpaceImageEditor) and space.image == image:
            yield space.image_user
    for shown in bpy.data.objects:
        if shown.type == "EMPTY" and shown.data == image:
            yield shown.image_user
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if getattr(node, "image", None) == image and hasattr(node, "image_user"):
                yield node.image_user


def _frame_of(user: bpy.types.ImageUser, scene_frame: int) -> int:
    """The frame of an image in a frame of the scene (Blender's BKE_image_user_frame_get)."""
    frame, last = scene_frame - user.frame_start + 1, user.frame_duration
    if not last:
        return 0
    frame = (frame - 1) % last + 1 if user.use_cyclic else min(max(frame, 0), last)
    return int(frame + user.frame_offset)
