# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.generate`: starts a job and watches over the jobs. Modal with a window; in the background it waits for the model.

It does not own the job: when Blender ends a modal operator (window closed, another file opened), the timer in `heartbeat` goes on.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import bpy

from ..api import picture
from ..api.errors import ImageTo3DError, PictureError
from ..api.parameters import check, pictures
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..jobs.folder import Job
from ..scene import images, session, settings
from . import heartbeat
from .outcome import outcome

LOOK_EVERY_S = 0.25
WATCH_S = 5.0  # Blender postpones its autosave while any operator is modal, so the watch is handed over this often


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
    watch: bpy.props.BoolProperty(
        name="Watch",
        description="Watch over the running jobs without starting one",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    _timer: bpy.types.Timer | None = None
    _until = 0.0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.library is not None:
            cls.poll_message_set("The scene is linked from another file and cannot be changed")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.watch:
            return self._start_watch(context)
        if bpy.app.background:
            return outcome(self, lambda: self._generate_and_wait(context.scene))
        result = outcome(self, lambda: start_job(context.scene, filepath=self.filepath, service=self.service))
        return self._start_watch(context) if result == {"FINISHED"} else result

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "TIMER":
            try:
                sentences = session.tick()
            except Exception:
                self._end_watch(context)  # Blender ends an operator that raises without telling it
                raise
            for sentence in sentences:
                self.report({"INFO"}, sentence)
            if not session.is_busy() or time.monotonic() > self._until:
                self._end_watch(context)
                return {"FINISHED"}
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        self._end_watch(context)

    def _start_watch(self, context: bpy.types.Context) -> set[str]:
        if heartbeat.watched() or context.window is None:
            return {"FINISHED"}  # one watch is enough for all jobs; without a window the heartbeat begins it
        self._timer = context.window_manager.event_timer_add(LOOK_EVERY_S, window=context.window)
        self._until = time.monotonic() + WATCH_S
        context.window_manager.modal_handler_add(self)
        heartbeat.watch_began()
        return {"RUNNING_MODAL"}

    def _end_watch(self, context: bpy.types.Context) -> None:
        """Every way out of the modal operator passes through here."""
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        heartbeat.watch_ended()

    def _generate_and_wait(self, scene: bpy.types.Scene) -> None:
        """Without a window: work the job off, and say on standard output how far it is. Raises `ImageTo3DError` if it failed."""
        job = start_job(scene, filepath=self.filepath, service=self.service)
        said = ""
        while job.state in folders.UNFINISHED or session.is_running(job.id):
            job = session.advance(job.id)
            line = f"{job.progress:4.0%}  {job.message}"
            if line != said:
                print(f"Image to 3D  {job.name}  {line}", flush=True)
                said = line
            time.sleep(LOOK_EVERY_S)
        if job.state not in folders.HAS_RESULT:
            raise ImageTo3DError(job.message)
        session.import_result(job.id, scene)


def start_job(scene: bpy.types.Scene, *, filepath: str = "", service: str = "") -> Job:
    """Write down a job for what the settings of `scene` say, or for the picture at `filepath`, and return it.

    Raises `ImageTo3DError` with a sentence for the user, `OSError` where the job's folder cannot be written.
    """
    chosen = scene.image_to_3d
    name = (service or chosen.service).lower()
    if name not in SERVICES:
        raise ImageTo3DError(f"There is no service {service!r}: use one of {', '.join(SERVICES).upper()}.")
    table = SERVICES[name].parameters
    values: dict[str, Any] = settings.values_that_apply(getattr(chosen, name), table)
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as temporary:
        if settings.needs_picture(values, table):
            source, title = _picture(chosen, filepath, Path(temporary))
        else:
            source, title = "", SERVICES[name].label
        parameters = check(table, {**values, pictures(table)[0]: source})
        return session.create(scene, service=name, parameters=parameters, name=title)


def _picture(chosen: bpy.types.PropertyGroup, filepath: str, temporary: Path) -> tuple[str, str]:
    """Return where the picture is (path, URL or data URI) and what the model is called."""
    if filepath or chosen.source == "FILE":
        source = filepath or chosen.filepath
        if source and picture.is_path(source):
            source = bpy.path.abspath(source)
    elif chosen.source == "URL":
        source = chosen.url
    else:
        if chosen.image is None:
            raise PictureError("There is no picture: choose an image.")
        return str(images.to_file(chosen.image, temporary)), Path(chosen.image.name).stem
    if not source:
        raise PictureError("There is no picture: choose a picture file, a Blender image or an address.")
    return source, picture.name_of(source)


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_OT_generate)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_OT_generate)
