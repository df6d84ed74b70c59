# SPDX-License-Identifier: GPL-3.0-or-later
"""Where else the extension is found: the menus File > Import (and so the menu search of every editor), Add in the 3D
View and Image in the Image Editor, and picture files dropped on the 3D View.
"""

import bpy

from ..api.sources import ENDINGS
from .sidebar import image_of

JOB_OPERATORS = (
    "import_result",
    "show",
    "show_textures",
    "keep",
    "cancel",
    "retry",
    "adopt",
    "send_again",
    "forget",
    "use_settings",
    "open_folder",
    "copy_task_id",
    "remove",
)
"""About the selected job, in the order in which people meet them."""

LIST_OPERATORS = ("select_job", "retry_all", "clear_finished")
"""About the list of jobs."""


class IMAGE_TO_3D_MT_all(bpy.types.Menu):
    """All that the extension does; Blender's menu search finds what is in a menu, and nothing else"""

    bl_label = "Image to 3D"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        price = _price(context)
        layout.operator("image_to_3d.generate", text=f"Generate 3D Model{price}", icon="MESH_MONKEY")
        layout.operator(
            "image_to_3d.generate_from_files", text=f"Generate from Files{_each(price)}...", icon="FILEBROWSER"
        )
        layout.operator("image_to_3d.paste_picture")
        layout.operator("image_to_3d.reset_parameters")
        layout.separator()
        for name in JOB_OPERATORS:
            layout.operator(f"image_to_3d.{name}")
        layout.separator()
        layout.operator("image_to_3d.add_to_asset_browser", icon="ASSET_MANAGER")
        for name in LIST_OPERATORS:
            layout.operator(f"image_to_3d.{name}")
        layout.operator("image_to_3d.tidy_up")
        layout.operator("image_to_3d.check_account")
        layout.operator("image_to_3d.show_preferences")


def draw_import(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.menu("IMAGE_TO_3D_MT_all", icon="IMAGE_DATA")


def draw_add(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator(
        "image_to_3d.generate_from_files", text=f"Image to 3D{_each(_price(context))}...", icon="IMAGE_DATA"
    )


def draw_image(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    image = image_of(context)
    self.layout.separator()
    row = self.layout.row()
    row.enabled = image is not None
    operator = row.operator("image_to_3d.generate", text=f"Generate 3D Model{_price(context)}", icon="MESH_MONKEY")
    if image is not None:
        operator.image = image.name


def _price(context: bpy.types.Context) -> str:
    """What a press takes, as it stands behind what it does; "" for nothing, or where nobody knows it."""
    from ..scene import request  # here, as it would slow down the start of Blender

    cost = request.cost(context.scene)
    return "" if cost is None else f" for {cost} Credits"


def _each(price: str) -> str:
    """The price where several pictures can be chosen."""
    return f"{price} Each" if price else ""


class IMAGE_TO_3D_FH_pictures(bpy.types.FileHandler):
    """Offers to make models of picture files that are dropped on the 3D View, beside what Blender offers itself"""

    bl_idname = "IMAGE_TO_3D_FH_pictures"
    bl_label = "Image to 3D"
    bl_import_operator = "image_to_3d.generate_from_files"
    bl_file_extensions = ";".join(ENDINGS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


_CLASSES = (IMAGE_TO_3D_MT_all, IMAGE_TO_3D_FH_pictures)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.TOPBAR_MT_file_import.append(draw_import)
    bpy.types.VIEW3D_MT_add.append(draw_add)
    bpy.types.IMAGE_MT_image.append(draw_image)


def unregister() -> None:
    bpy.types.IMAGE_MT_image.remove(draw_image)
    bpy.types.VIEW3D_MT_add.remove(draw_add)
    bpy.types.TOPBAR_MT_file_import.remove(draw_import)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
