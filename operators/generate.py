# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.generate`: starts a job for each variant. With a window it returns at once; in the background it waits
for the models.

It does not own the jobs: the timer in `watch` looks after all of them.
"""

import time

import bpy

from .. import session
from ..api.errors import PictureError
from . import watch
from .interrupt import Interrupt
from .outcome import interruptible_outcome, outcome, report
from .polls import can_change

PRESS_AGAIN_S = 1.0  # a second press sooner than this is a double click, and a model may cost money
PRESS_AGAIN_LOOKS = 3  # that come in a second, where Blender is not busy with what the first press has started


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
    again: bpy.props.BoolProperty(
        name="Again",
        description="Without a window: ask for new models, although paid ones were left unfinished or never imported",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        current = session.current()
        asked = (self.filepath, self.service, self.image)
        before, pressed_s, looks = current.pressed
        # Where Blender takes long to draw or to start processes, the second press of a double click waits.
        is_soon = time.monotonic() - pressed_s < PRESS_AGAIN_S or current.looks - looks < PRESS_AGAIN_LOOKS
        if asked == before and is_soon:
            is_one = context.scene.image_to_3d.variants == 1
            what = "The job has just been started: press again for a second one"
            report(self, "INFO", what if is_one else "The jobs have just been started: press again for more")
            return {"CANCELLED"}
        number = len(current.queue)
        result = self.execute(context)
        if result != {"CANCELLED"} or len(current.queue) > number:  # of several jobs, some may have been started
            current.pressed = asked, time.monotonic(), current.looks
        return result

    def execute(self, context: bpy.types.Context) -> set[str]:
        if bpy.app.background:
            return interruptible_outcome(self, lambda interrupt: self._generate_and_wait(context.scene, interrupt))
        return outcome(self, lambda: self._start_jobs(context.scene))

    def _start_jobs(self, scene: bpy.types.Scene) -> None:
        from ..session.start import start_jobs  # here, as it would slow down the start of Blender

        try:
            start_jobs(scene, filepath=self.filepath, service=self.service, image=self._image())
        finally:  # where some of them could not be started, the others go on
            watch.wake()

    def _generate_and_wait(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        """Without a window: work the jobs off, or those that were left for the same. Raises `ImageTo3DError` if one
        failed."""
        from ..session.start import start_or_take_up
        from . import background

        started, trouble = start_or_take_up(
            scene, filepath=self.filepath, service=self.service, image=self._image(), again=self.again
        )
        background.finish_all(self, started, trouble, scene, interrupt)

    def _image(self) -> bpy.types.Image | None:
        image: bpy.types.Image | None = bpy.data.images.get(self.image)
        if self.image and image is None:
            raise PictureError(f"There is no image {self.image!r} in this file: choose another.")
        return image


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_generate,))
