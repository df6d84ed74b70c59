# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.choose_picture`: the picture file of the settings, chosen in the file browser, from the recent ones, or
dropped on the tab. Starts no job."""

import os
from pathlib import Path

import bpy

from .. import session
from ..api.errors import ImageTo3DError, user_message
from ..api.sources import ENDINGS, cleaned, is_path
from ..scene.settings import located, picture_of
from .outcome import report
from .polls import can_change

THUMBNAILS = 3  # Blender's number for how a file browser shows files


class IMAGE_TO_3D_OT_choose_picture(bpy.types.Operator):
    """Choose the picture file that the model is made from"""

    bl_idname = "image_to_3d.choose_picture"
    bl_label = "Choose Picture"
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(
        name="File", description="Picture file", subtype="FILE_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    directory: bpy.props.StringProperty(
        name="Folder", description="Folder of the picture file", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Name of the picture file",
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
    display_type: bpy.props.EnumProperty(
        name="Display",
        description="How files are shown",
        items=[("THUMBNAIL", "Thumbnails", "Small pictures of the files", THUMBNAILS)],
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        return properties.filepath or cls.__doc__ or ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self._source():
            return self.execute(context)
        self.directory = _last_folder(context.scene.image_to_3d)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        source = self._source()
        if not source:
            report(self, "ERROR", "There is no picture: choose a picture file.")
            return {"CANCELLED"}
        chosen = context.scene.image_to_3d
        if not is_path(source):
            chosen.source, chosen.url = "URL", source
            return {"FINISHED"}
        from ..api.picture import require_picture  # here, as it would slow down the start of Blender

        try:
            require_picture(Path(located(source)))
        except (ImageTo3DError, OSError) as error:
            report(self, "ERROR", user_message(error))
            return {"CANCELLED"}
        chosen.source, chosen.filepath = "FILE", source
        if len(self.files) > 1:
            more = "drop several on the 3D View to make a model of each"
            report(self, "INFO", f"{os.path.basename(source)} is chosen; {more}")
        return {"FINISHED"}

    def _source(self) -> str:
        """The file that was chosen or dropped, the first where there are several, or what a script has named; "" where
        there is none."""
        names = [entry.name for entry in self.files if entry.name]
        source = os.path.join(self.directory, names[0]) if names else cleaned(self.filepath)
        return "" if os.path.isdir(located(source)) else source


def _last_folder(chosen: bpy.types.PropertyGroup) -> str:
    """Where the last picture was: the chosen one, else that of the newest job, else beside the .blend; "" where nobody
    knows, so that Blender decides."""
    path = picture_of(chosen)
    paths = [path if is_path(path) else "", *session.current().recent.paths()[:1], bpy.data.filepath]
    folders = [os.path.dirname(path) for path in paths if path]
    return next((os.path.join(folder, "") for folder in folders if os.path.isdir(folder)), "")


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_choose_picture,))
