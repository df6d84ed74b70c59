# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.generate_from_files`: one job for each of several picture files, chosen in the file browser or dropped
on the window."""

import os
from pathlib import Path

import bpy

from .. import session
from ..api.errors import ImageTo3DError, user_message
from ..api.services import SERVICES
from ..api.sources import ENDINGS, is_path
from ..scene import settings
from . import watch
from .interrupt import Interrupt
from .outcome import interruptible_outcome, report
from .polls import can_change


class IMAGE_TO_3D_OT_generate_from_files(bpy.types.Operator):
    """Turn each picture file into a 3D model in the scene, with the settings in the sidebar"""

    bl_idname = "image_to_3d.generate_from_files"
    bl_label = "Image to 3D"
    bl_options: set[str] = set()  # each model is an undo step of its own when it arrives

    filepath: bpy.props.StringProperty(
        name="File", description="Picture file", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    directory: bpy.props.StringProperty(
        name="Folder", description="Folder of the picture files", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Names of the picture files",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )
    filter_glob: bpy.props.StringProperty(
        name="Show",
        description="Endings of the files that are shown",
        default=";".join(f"*{ending}" for ending in ENDINGS),
        options={"SKIP_SAVE", "HIDDEN"},
    )
    filter_folder: bpy.props.BoolProperty(
        name="Show Folders", description="Show folders", default=True, options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        sources = self._sources()
        if not sources:
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        from ..scene import request  # here, as it would slow down the start of Blender

        # Dropped, which happens more easily than a click on a button that says what it costs.
        service = SERVICES[settings.service_of(context.scene.image_to_3d)]
        if not service.is_paid:
            return self.execute(context)
        number = len(sources) * context.scene.image_to_3d.variants
        models = "one model" if number == 1 else f"{number} models"
        cost = request.cost(context.scene)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=f"Generate {models} with {service.label}?",
            message=f"About {cost * number:,} credits" if cost else "It costs credits",
            confirm_text="Generate",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        started: list[str] = []
        queue = session.current().queue
        before = len(queue)
        interruptible_outcome(self, lambda interrupt: self._start_all(context.scene, started, interrupt))
        number = len(started) if bpy.app.background else len(queue) - before  # some may be taken up there
        if not number:
            return {"CANCELLED"}
        if number > 1:
            done = f"The models of {number} pictures are in the scene"
            report(self, "INFO", done if bpy.app.background else f"{number} jobs are started")
        if not bpy.app.background:
            watch.wake()
        return {"FINISHED"}

    def _start_all(self, scene: bpy.types.Scene, started: list[str], interrupt: Interrupt) -> None:
        """Start a job for each picture, and in the background finish it; add to `started` those that could be. Raises
        `Interrupted`."""
        import secrets  # here, as it would slow down the start of Blender

        sources = self._sources()
        if not sources:
            raise ImageTo3DError("There is no picture: choose one or more picture files.")
        row = secrets.token_hex(8) if len(sources) > 1 else ""
        for index, source in enumerate(sources):
            try:
                self._start(source, scene, interrupt, row, 1 + index * scene.image_to_3d.variants)
                started.append(source)
            except (ImageTo3DError, OSError) as error:  # one bad file is no reason to leave the others
                if len(sources) == 1:
                    raise
                report(self, "WARNING", user_message(error))

    def _start(self, source: str, scene: bpy.types.Scene, interrupt: Interrupt, row: str, number: int) -> None:
        from ..api.picture import require_picture
        from ..session.start import start_jobs, start_or_take_up

        if is_path(source):
            require_picture(Path(source))
        if bpy.app.background:
            from . import background

            started, trouble = start_or_take_up(scene, filepath=source, row=row, number=number)
            background.finish_all(self, started, trouble, scene, interrupt)
        else:
            start_jobs(scene, filepath=source, row=row, number=number)

    def _sources(self) -> list[str]:
        """The files that were chosen or dropped, or what a script has named."""
        sources = [os.path.join(self.directory, entry.name) for entry in self.files if entry.name]
        named = settings.located(self.filepath)
        return sources or ([named] if os.path.basename(named) else [])


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_generate_from_files,))
