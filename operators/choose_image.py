# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.choose_image`: lists the images of this Blender file, and sets a further picture of the chosen service
to the name of one. Changes nothing in an image."""

import bpy

from ..api.errors import ParameterError, PictureError
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..scene import settings
from ..scene.shown import shown
from .outcome import outcome, report
from .polls import can_change

SHOWN_AT_MOST = 50  # rows of a menu: more do not fit on a screen


class IMAGE_TO_3D_OT_choose_image(bpy.types.Operator):
    """Choose an image of this Blender file"""

    bl_idname = "image_to_3d.choose_image"
    bl_label = "Choose Image"
    bl_options = {"UNDO", "INTERNAL"}

    parameter: bpy.props.StringProperty(
        name="Parameter", description="Picture of the chosen service that is set", options={"SKIP_SAVE", "HIDDEN"}
    )
    image: bpy.props.StringProperty(
        name="Image",
        description="Name of the image, empty for none; as long as it is not set, a menu shows what there is",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set("image"):
            return self.execute(context)
        from ..scene.named import image_named  # here, as it would slow down the start of Blender

        there = [image for image in bpy.data.images if image_named(image.name) == image]
        is_set = bool(getattr(self._group(context.scene), self.parameter, ""))
        if not (there or is_set):
            report(self, "ERROR", "There is no image in this Blender file: open one in an Image Editor first.")
            return {"CANCELLED"}
        parameter = self.parameter

        def draw(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
            layout = menu.layout
            layout.operator_context = "EXEC_DEFAULT"
            if is_set:
                operator = layout.operator("image_to_3d.choose_image", text="None", icon="X")
                operator.parameter, operator.image = parameter, ""
                layout.separator()
            for image in there[:SHOWN_AT_MOST]:
                operator = layout.operator(
                    "image_to_3d.choose_image", text=shown(image.name), translate=False, icon_value=layout.icon(image)
                )
                operator.parameter, operator.image = parameter, image.name

        context.window_manager.popup_menu(draw, title="Choose Image")
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._choose(context.scene))

    def _choose(self, scene: bpy.types.Scene) -> None:
        from ..scene.named import image_named, keep

        service = SERVICES[settings.service_of(scene.image_to_3d)]
        if self.parameter not in pictures(service.parameters)[1:]:
            raise ParameterError(f"{service.label} has no further picture {self.parameter!r}: choose another.")
        image = image_named(self.image)
        if image is not None:
            keep(image)
        elif self.image:
            raise PictureError(f"There is no image {self.image!r} in this file: choose another.")
        setattr(self._group(scene), self.parameter, self.image)

    @staticmethod
    def _group(scene: bpy.types.Scene) -> bpy.types.PropertyGroup:
        """The parameters of the chosen service."""
        group: bpy.types.PropertyGroup = getattr(scene.image_to_3d, settings.service_of(scene.image_to_3d))
        return group


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_choose_image,))
