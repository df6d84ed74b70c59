# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences."""

import bpy

PACKAGE = __package__.rpartition(".")[0]

JOBS_AT_ONCE = 5  # the web services' smallest plans run about as many


class IMAGE_TO_3D_AP_preferences(bpy.types.AddonPreferences):
    """Preferences of Image to 3D"""

    bl_idname = PACKAGE

    jobs_at_once: bpy.props.IntProperty(
        name="Jobs at Once",
        description="How many jobs run at the same time; the others wait",
        default=JOBS_AT_ONCE,
        min=1,
        max=50,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "jobs_at_once")


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_AP_preferences)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_AP_preferences)
