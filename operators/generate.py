# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.generate`: starts a job. With a window it returns at once; in the background it waits for the model.

It does not own the job: the timer in `watch` looks after all of them.
"""

import time

import bpy

from .. import session
from ..api.errors import PictureError
from . import watch
from .interrupt import Interrupt
from .outcome import interruptible_outcome, outcome, report

PRESS_AGAIN_S = 1.0  # a second press sooner than this is a double click, and a model may cost money


class IMAGE_TO_3D_OT_generate(bpy.types.Operator):
    """Turn the picture into a 3D model in the scene"""

    bl_idname = "image_to_3d.generate"
    bl_label = "Generate 3D Model"
    bl_options: set[str] = set()  # the undo step belongs to the moment in which the model arrives

    filepath: bpy.props.StringProperty(
        name="File",
        description="Picture file; empty means the picture of the settings",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    service: bpy.props.StringProperty(
        name="Service",
        description="Service to use; empty means the service of the settings",
        options={"SKIP_SAVE"},
    )
    image: bpy.props.StringProperty(
        name="Image",
        description="Name of the Blender image to use; empty means the picture of the settings",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file and cannot be changed")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        current = session.current()
        asked = (self.filepath, self.service, self.image)
        before, pressed_s, looks = current.pressed
        # Where Blender takes long to draw, both presses of a double click wait, and no look comes in between.
        is_soon = time.monotonic() - pressed_s < PRESS_AGAIN_S or looks == current.looks
        if asked == before and is_soon:
            report(self, "INFO", "The job has just been started: press again for a second one")
            return {"CANCELLED"}
        result = self.execute(context)
        if result != {"CANCELLED"}:
            current.pressed = asked, time.monotonic(), current.looks
        return result

    def execute(self, context: bpy.types.Context) -> set[str]:
        if bpy.app.background:
            return interruptible_outcome(self, lambda interrupt: self._generate_and_wait(context.scene, interrupt))
        return outcome(self, lambda: self._start_job(context.scene))

    def _start_job(self, scene: bpy.types.Scene) -> None:
        from ..session.start import start_job  # here, as it would slow down the start of Blender

        start_job(scene, filepath=self.filepath, service=self.service, image=self._image())
        watch.wake()

    def _generate_and_wait(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        """Without a window: work the job off, or the one that was left for the same. Raises `ImageTo3DError` if it
        failed."""
        from ..session.start import start_or_take_up
        from . import background

        started = start_or_take_up(scene, filepath=self.filepath, service=self.service, image=self._image())
        background.finish_started(self, started, scene, interrupt)

    def _image(self) -> bpy.types.Image | None:
        image: bpy.types.Image | None = bpy.data.images.get(self.image)
        if self.image and image is None:
            raise PictureError(f"There is no image {self.image!r} in this file: choose another.")
        return image


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_generate,))
