# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.choose_picture`: the picture file of the settings, chosen in the file browser, from the recent ones, or
dropped on the tab. Starts no job."""

import os
from pathlib import Path

import bpy

from .. import session
from ..api.sources import ENDINGS, ending_of, is_path
from ..scene.settings import source_of
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
        if self._path() is not None:
            return self.execute(context)
        self.directory = _last_folder(context.scene.image_to_3d)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = self._path()
        if path is None:
            report(self, "ERROR", "There is no picture: choose a picture file.")
            return {"CANCELLED"}
        if not ending_of(path.name):
            report(self, "ERROR", f"{path.name} is no picture: choose one of {', '.join(ENDINGS)}.")
            return {"CANCELLED"}
        chosen = context.scene.image_to_3d
        chosen.source, chosen.filepath = "FILE", str(path)
        if len(self.files) > 1:
            more = "drop several on the 3D View to make a model of each"
            report(self, "INFO", f"{path.name} is chosen; {more}")
        return {"FINISHED"}

    def _path(self) -> Path | None:
        """The file that was chosen or dropped, the first where there are several; None where none was."""
        names = [entry.name for entry in self.files if entry.name]
        path = Path(self.directory) / names[0] if names else Path(self.filepath)
        return path if path.name and not path.is_dir() else None


def _last_folder(chosen: bpy.types.PropertyGroup) -> str:
    """Where the last picture was: the chosen one, else that of the newest job, else beside the .blend; "" where nobody
    knows, so that Blender decides."""
    is_file = source_of(chosen) == "FILE" and chosen.filepath and is_path(chosen.filepath)
    paths = [bpy.path.abspath(chosen.filepath)] if is_file else []
    paths += [*session.current().recent.paths()[:1], bpy.data.filepath]
    folders = [os.path.dirname(path) for path in paths if path]
    return next((os.path.join(folder, "") for folder in folders if os.path.isdir(folder)), "")


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_choose_picture,))
