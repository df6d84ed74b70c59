# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.paste_picture`: the picture in the clipboard becomes a Blender image, and the one that is chosen."""

import contextlib
import os
import sys
from collections.abc import Iterator

import bpy

from .outcome import report
from .polls import can_change

CAN_PASTE = not bpy.app.background and (sys.platform in {"win32", "darwin"} or "WAYLAND_DISPLAY" in os.environ)
"""Blender has pictures in the clipboard on Windows, macOS and Wayland; under X11 it has none (tried on 4.3 and 5.2)."""


class IMAGE_TO_3D_OT_paste_picture(bpy.types.Operator):
    """Use the picture in the clipboard"""

    bl_idname = "image_to_3d.paste_picture"
    bl_label = "Paste Picture"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not CAN_PASTE:
            cls.poll_message_set("Blender cannot paste pictures on this system: save the picture to a file")
            return False
        if context.area is None:
            cls.poll_message_set("Blender pastes pictures into an editor: there is none here")
            return False
        return can_change(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        before = set(bpy.data.images)
        try:
            with _image_editor(context):
                bpy.ops.image.clipboard_paste()
        except RuntimeError as error:  # Blender's words for an empty clipboard
            from ..scene.refusal import reason_of  # here, as it would slow down the start of Blender

            report(self, "ERROR", f"{reason_of(error)}: copy a picture first.")
            return {"CANCELLED"}
        pasted = next((image for image in bpy.data.images if image not in before), None)
        if pasted is None:
            report(self, "ERROR", "There is no picture in the clipboard: copy one first.")
            return {"CANCELLED"}
        chosen = context.scene.image_to_3d
        chosen.source, chosen.image = "IMAGE", pasted
        return {"FINISHED"}


@contextlib.contextmanager
def _image_editor(context: bpy.types.Context) -> Iterator[None]:
    """Blender pastes into an Image Editor only: in another editor, the area is one for this moment."""
    area = context.area
    before = area.type
    area.type = "IMAGE_EDITOR"
    try:
        with context.temp_override(area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
            yield
    finally:
        area.type = before


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_paste_picture,))
