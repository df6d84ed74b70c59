# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.reset_parameters`: sets the chosen service's parameters to their defaults."""

import bpy

from ..api.services import SERVICES
from ..scene import settings
from .polls import can_change


class IMAGE_TO_3D_OT_reset_parameters(bpy.types.Operator):
    """Set all parameters of the service to their defaults"""

    bl_idname = "image_to_3d.reset_parameters"
    bl_label = "Reset Parameters"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = context.scene.image_to_3d
        name = settings.service_of(chosen)
        settings.reset(getattr(chosen, name), SERVICES[name].parameters)
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_reset_parameters,))
