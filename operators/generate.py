# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.generate`: starts a job and watches over the jobs. Modal with a window; in the background it waits for the model.

It does not own the job: when Blender ends a modal operator (window closed, another file opened), the timer in `heartbeat` goes on.
"""

import time

import bpy

from ..api.errors import PictureError
from ..jobs import folder as folders
from ..scene.busy import has_dead_handler
from ..scene.request import start_job, start_or_take_up
from . import background, heartbeat
from .heartbeat import LOOK_EVERY_S
from .interrupt import Interrupt
from .outcome import interruptible_outcome, outcome, report

WATCH_S = 5.0  # Blender postpones its autosave while any operator is modal, so the watch is handed over this often
PRESS_AGAIN_S = 1.0  # a second press sooner than this is a double click, and a model may cost money

_timer: bpy.types.Timer | None = None
"""What the running watch wakes up by; there is one watch at most."""
_pressed: tuple[tuple[str, str, str], float, int] = (("", "", ""), -PRESS_AGAIN_S, -1)
"""What was asked for by the last press that started a job, when (time.monotonic), and after how many looks at the jobs."""


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
    watch: bpy.props.BoolProperty(
        name="Watch",
        description="Watch over the running jobs without starting one",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    _until = 0.0
    _looked = 0.0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file and cannot be changed")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        global _pressed
        asked = (self.filepath, self.service, self.image)
        # Where Blender takes long to draw, both presses of a double click wait, and no look comes in between.
        is_soon = time.monotonic() - _pressed[1] < PRESS_AGAIN_S or heartbeat.looks() == _pressed[2]
        if not self.watch and asked == _pressed[0] and is_soon:
            report(self, "INFO", "The job has just been started: press again for a second one")
            return {"CANCELLED"}
        result = self.execute(context)
        if not self.watch and result != {"CANCELLED"}:
            _pressed = asked, time.monotonic(), heartbeat.looks()
        return result

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.watch:
            return self._start_watch(context)
        if bpy.app.background:
            return interruptible_outcome(self, lambda interrupt: self._generate_and_wait(context.scene, interrupt))
        result = outcome(self, lambda: self._start_job(context.scene))
        return self._start_watch(context) if result == {"FINISHED"} else result

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        now = time.monotonic()
        if event.type != "TIMER" or now - self._looked < LOOK_EVERY_S / 2:  # other timers send the same event
            return {"PASS_THROUGH"}
        self._looked = now
        try:
            heartbeat.look()
            for said in heartbeat.take_said():
                report(self, said.severity, said.sentence)
            if heartbeat.is_needed() and now <= self._until:
                return {"PASS_THROUGH"}
        except Exception:
            _end_watch()  # Blender ends an operator that raises without telling it
            raise
        _end_watch()
        return {"FINISHED", "PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        _end_watch()

    def _start_job(self, scene: bpy.types.Scene) -> folders.Job:
        return start_job(scene, filepath=self.filepath, service=self.service, image=self._image())

    def _image(self) -> bpy.types.Image | None:
        image: bpy.types.Image | None = bpy.data.images.get(self.image)
        if self.image and image is None:
            raise PictureError(f"There is no image {self.image!r} in this file: choose another.")
        return image

    def _start_watch(self, context: bpy.types.Context) -> set[str]:
        global _timer
        if heartbeat.watched() or context.window is None:
            return {"FINISHED"}  # one watch is enough for all jobs; without a window the heartbeat begins it
        if has_dead_handler():  # the heartbeat looks after the jobs until the window has let go of it
            return {"FINISHED"}
        _timer = context.window_manager.event_timer_add(LOOK_EVERY_S, window=context.window)
        self._until = time.monotonic() + WATCH_S
        context.window_manager.modal_handler_add(self)
        heartbeat.watch_began()
        return {"RUNNING_MODAL"}

    def _generate_and_wait(self, scene: bpy.types.Scene, interrupt: Interrupt) -> None:
        """Without a window: work the job off, or the one that was left for the same. Raises `ImageTo3DError` if it failed."""
        started = start_or_take_up(scene, filepath=self.filepath, service=self.service, image=self._image())
        background.finish_started(self, started, scene, interrupt)


def _end_watch() -> None:
    """Every way out of the modal operator passes through here."""
    global _timer
    if _timer is not None:
        bpy.context.window_manager.event_timer_remove(_timer)
        _timer = None
    heartbeat.watch_ended()


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_generate)


def unregister() -> None:
    if _timer is not None:  # Blender drops a modal operator whose class goes, and tells it nothing
        _end_watch()
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_generate)
