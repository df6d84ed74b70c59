# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.choose_candidate`: lists what a file of the user's offers for a parameter (`About.candidates`), and sets
the parameter to what is chosen. Changes no file."""

import bpy

from ..api.errors import ImageTo3DError, ParameterError, user_message
from ..api.services import SERVICES
from ..scene import settings
from ..scene.shown import shown
from .outcome import outcome, report
from .polls import can_change

SHOWN_AT_MOST = 50  # rows of a menu: a stranger's file may offer thousands
NAMED_AT_MOST = 6  # in a sentence, as which nodes there are
NAME_LETTERS = 100  # of a value that is none, in a sentence


class IMAGE_TO_3D_OT_choose_candidate(bpy.types.Operator):
    """Choose among what your file offers"""

    bl_idname = "image_to_3d.choose_candidate"
    bl_label = "Choose Value"
    bl_options = {"UNDO", "INTERNAL"}

    parameter: bpy.props.StringProperty(
        name="Parameter", description="Parameter of the chosen service that is set", options={"SKIP_SAVE", "HIDDEN"}
    )
    value: bpy.props.StringProperty(
        name="Value",
        description="What it is set to; without one, a menu shows what there is",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return can_change(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set("value"):
            return self.execute(context)
        try:
            candidates = self._candidates(context.scene)
        except (ImageTo3DError, OSError) as error:
            report(self, "ERROR", user_message(error))
            return {"CANCELLED"}
        service = SERVICES[settings.service_of(context.scene.image_to_3d)]
        parameter = next(entry for entry in service.parameters if entry.name == self.parameter)

        def draw(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
            for value, title in candidates[:SHOWN_AT_MOST]:
                text = f"{shown(title)} ({shown(value)})"
                operator = menu.layout.operator("image_to_3d.choose_candidate", text=text, translate=False)
                operator.parameter, operator.value = parameter.name, value

        context.window_manager.popup_menu(draw, title=f"Choose {parameter.label}")
        return {"INTERFACE"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        return outcome(self, lambda: self._choose(context.scene))

    def _choose(self, scene: bpy.types.Scene) -> None:
        offered = [value for value, _ in self._candidates(scene)]
        if self.value not in offered:
            instead = ", ".join(offered[:NAMED_AT_MOST])
            raise ParameterError(
                f"The file does not offer {shown(self.value)[:NAME_LETTERS]!r}: choose one of {instead}."
            )
        setattr(getattr(scene.image_to_3d, settings.service_of(scene.image_to_3d)), self.parameter, self.value)

    def _candidates(self, scene: bpy.types.Scene) -> list[tuple[str, str]]:
        """Values and titles that can be chosen. Raises `ImageTo3DError` where there is nothing, `OSError`."""
        service = SERVICES[settings.service_of(scene.image_to_3d)]
        if self.parameter not in service.candidates:
            raise ParameterError(f"{service.label} offers nothing for {self.parameter!r}: enter a value.")
        values = settings.values(getattr(scene.image_to_3d, service.name), service.parameters)
        found = service.candidates[self.parameter](values)
        # Of what else there is, no property holds a half of a character, and no menu shows what is endless.
        candidates = [entry for entry in found if shown(entry[0])[:NAME_LETTERS] == entry[0]]
        if not candidates:
            raise ParameterError("The file offers nothing to choose from: use another file.")
        return candidates


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_choose_candidate,))
