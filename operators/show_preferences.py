# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.show_preferences`: opens Blender's preferences where keys are entered, or where online access is
allowed."""

import bpy

PACKAGE = __package__.rpartition(".")[0]


class IMAGE_TO_3D_OT_show_preferences(bpy.types.Operator):
    """Open Blender's preferences at those of Image to 3D"""

    bl_idname = "image_to_3d.show_preferences"
    bl_label = "Open Preferences"

    section: bpy.props.StringProperty(
        name="Section",
        description="Section of Blender's preferences, as SYSTEM; empty means Image to 3D among the add-ons",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if bpy.app.background:
            cls.poll_message_set("Blender has no windows")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.section:
            return bpy.ops.screen.userpref_show(section=self.section)
        return bpy.ops.preferences.addon_show(module=PACKAGE)


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_show_preferences,))
