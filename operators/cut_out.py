# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.cut_out`: a background Blender cuts the figure of the chosen picture out, and the image that it makes is
chosen. With a window it returns at once; in the background it waits for the image. `image_to_3d.stop_cut_out` gives it
up.

It does not own the work: the timer in `watch` has the session look after it.
"""

import time
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.errors import ImageTo3DError, PictureError
from . import watch
from .interrupt import Interrupt, Interrupted
from .outcome import interruptible_outcome, report
from .polls import can_change

if TYPE_CHECKING:
    from ..jobs.queue import News

LOOK_S = 0.05


class IMAGE_TO_3D_OT_cut_out(bpy.types.Operator):
    """Cut the figure out of the picture, and choose the image with transparency that this makes"""

    bl_idname = "image_to_3d.cut_out"
    bl_label = "Cut Out"
    bl_options: set[str] = set()  # the undo step belongs to the moment in which the image arrives

    image: bpy.props.StringProperty(
        name="Image",
        description="Name of the Blender image to use; empty means the picture of the settings",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not can_change(cls, context):
            return False
        current = session.begun()
        if current is not None and current.cutting.is_busy():
            cls.poll_message_set("A figure is being cut out: wait for it, or stop it")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        return interruptible_outcome(self, lambda interrupt: self._cut_out(context.scene, interrupt))

    def _cut_out(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        image: bpy.types.Image | None = bpy.data.images.get(self.image)
        if self.image and image is None:
            raise PictureError(f"There is no image {self.image!r} in this file: choose another.")
        cutting = session.current().cutting
        cutting.start(scene, image)
        if not bpy.app.background:  # the image arrives by itself
            watch.wake()
            return
        news: list[News] = []
        while cutting.is_busy():
            time.sleep(LOOK_S)
            try:
                interrupt.check()
            except Interrupted:
                cutting.stop()
                raise
            news += cutting.look()
        for said in news:
            if said.severity == "ERROR":
                raise ImageTo3DError(said.sentence)
            report(self, said.severity, said.sentence)


class IMAGE_TO_3D_OT_stop_cut_out(bpy.types.Operator):
    """Stop cutting the figure out; the picture stays as it is"""

    bl_idname = "image_to_3d.stop_cut_out"
    bl_label = "Stop Cutting Out"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        current = session.begun()
        if current is None or not current.cutting.is_busy():
            cls.poll_message_set("No figure is being cut out")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        session.current().cutting.stop()
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_cut_out, IMAGE_TO_3D_OT_stop_cut_out))
