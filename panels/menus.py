# SPDX-License-Identifier: GPL-3.0-or-later
"""Where else the extension is found: the menus File > Import (and so the menu search of every editor), Add in the 3D
View and Image in the Image Editor, and picture files dropped on the 3D View or on the tab.
"""

import bpy

from .. import session
from ..api.services import SERVICES
from ..api.sources import ENDINGS
from ..scene import settings
from .jobs import with_price
from .sidebar import Tab, image_of

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

PRICED = {"retry": "Retry Job", "send_again": "Send Again..."}
"""Those of them that may take credits, and what they are called in front of the number."""

LIST_OPERATORS = ("select_job", "retry_all", "clear_finished")
"""About the list of jobs."""


class IMAGE_TO_3D_MT_all(bpy.types.Menu):
    """All that the extension does; Blender's menu search finds what is in a menu, and nothing else"""

    bl_label = "Image to 3D"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        price, each = _price(context), _price(context, each=True)
        current = session.current()
        job = current.queue.job(current.joblist.selected())
        layout.operator("image_to_3d.generate", text=f"Generate 3D Model{price}", icon="MESH_MONKEY")
        layout.operator("image_to_3d.generate_from_files", text=f"Generate from Files{each}...", icon="FILEBROWSER")
        layout.operator("image_to_3d.choose_picture", text="Choose Picture...")
        layout.operator("image_to_3d.paste_picture")
        layout.operator("image_to_3d.cut_out", text="Cut Out Figure")
        layout.operator("image_to_3d.stop_cut_out")
        layout.operator("image_to_3d.reset_parameters")
        layout.separator()
        for name in JOB_OPERATORS:
            idname = f"image_to_3d.{name}"
            if job is not None and name in PRICED:
                layout.operator(idname, text=with_price(idname, PRICED[name], job))
            else:
                layout.operator(idname)
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
        "image_to_3d.generate_from_files", text=f"Image to 3D{_price(context, each=True)}...", icon="IMAGE_DATA"
    )


def draw_image(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    image = image_of(context)
    self.layout.separator()
    row = self.layout.row()
    row.enabled = image is not None
    operator = row.operator("image_to_3d.generate", text=f"Generate 3D Model{_price(context)}", icon="MESH_MONKEY")
    if image is not None:
        operator.image = image.name
    row = self.layout.row()
    row.enabled = image is not None
    operator = row.operator("image_to_3d.cut_out", text="Cut Out for Image to 3D")
    if image is not None:
        operator.image = image.name


def _price(context: bpy.types.Context, *, each: bool = False) -> str:
    """What a press takes, as it stands behind what it does, for `each` of several pictures; "" for nothing."""
    from ..scene import request  # here, as it would slow down the start of Blender

    chosen = context.scene.image_to_3d
    if not SERVICES[settings.service_of(chosen)].is_paid:
        return ""
    cost = request.cost(context.scene)
    if cost is None:
        return " (Costs Credits)"
    return f" for {cost * chosen.variants:,} Credits{' Each' if each else ''}"


class IMAGE_TO_3D_FH_pictures(bpy.types.FileHandler):
    """Offers to make models of picture files that are dropped on the 3D View, beside what Blender offers itself"""

    bl_idname = "IMAGE_TO_3D_FH_pictures"
    bl_label = "Image to 3D"
    bl_import_operator = "image_to_3d.generate_from_files"
    bl_file_extensions = ";".join(ENDINGS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D" and not _is_over_sidebar(context)


class IMAGE_TO_3D_FH_chosen(bpy.types.FileHandler):
    """Offers to choose a picture file that is dropped on the tab, beside what Blender offers itself"""

    bl_idname = "IMAGE_TO_3D_FH_chosen"
    bl_label = "Choose Picture"
    bl_import_operator = "image_to_3d.choose_picture"
    bl_file_extensions = ";".join(ENDINGS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        if context.area is None or context.area.type != Tab.bl_space_type or not _is_over_sidebar(context):
            return False
        tab = getattr(context.region, "active_panel_category", Tab.bl_category)  # 4.2 does not tell which is shown
        return bool(tab == Tab.bl_category)


def _is_over_sidebar(context: bpy.types.Context) -> bool:
    """Whether what is dropped is over the sidebar of an editor."""
    region = getattr(context, "region", None)
    return region is not None and region.type == Tab.bl_region_type


_CLASSES = (IMAGE_TO_3D_MT_all, IMAGE_TO_3D_FH_pictures, IMAGE_TO_3D_FH_chosen)


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
