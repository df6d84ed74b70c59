# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a service's parameters, from its table; its presets. Knows no service."""

from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from ..api import parameters as kinds
from ..api.parameters import Parameter, applies
from ..api.services import SERVICES
from ..scene import lengths, settings
from .sentences import draw_sentence
from .views import draw_picture

LABEL_WIDTH = 0.4  # as Blender's own split between label and field


def draw_parameters(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """One row a parameter of the chosen service, grey where it has no effect beside the others; rare ones in a closed
    sub-panel; and what will end soon."""
    from ..scene import request  # here, as it would slow down the start of Blender

    _draw_panels(layout, chosen)
    for note in request.ending_notes(context.scene):
        draw_sentence(layout, note, context, icon="INFO")


def _draw_panels(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    name = settings.service_of(chosen)
    header, usual = layout.panel("image_to_3d_parameters")
    header.label(text="Parameters")
    header.operator("image_to_3d.reset_parameters", text="", icon="LOOP_BACK", emboss=False)
    header.popover(panel=f"IMAGE_TO_3D_PT_{name}_presets", text="", icon="PRESET")
    if usual is None:
        return
    about = SERVICES[name]
    shown = [parameter for parameter in settings.shown(about.parameters) if parameter.name not in about.views]
    _draw_rows(usual, chosen, name, [parameter for parameter in shown if not parameter.rare])
    rare = [parameter for parameter in shown if parameter.rare]
    if not rare:
        return
    header, more = layout.panel(f"image_to_3d_{name}", default_closed=True)
    header.label(text="More Parameters")
    if more is not None:
        _draw_rows(more, chosen, name, rare)


def _draw_rows(
    layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup, service: str, parameters: list[Parameter]
) -> None:
    table = SERVICES[service].parameters
    group = getattr(chosen, service)
    values = {**settings.values(group, table), kinds.pictures(table)[0]: ""}
    candidates = SERVICES[service].candidates
    for parameter in parameters:
        has_effect = applies(table, parameter, values)
        if isinstance(parameter, kinds.Vector):
            _draw_lengths(layout, chosen.id_data, service, parameter)
        elif has_effect and (number := settings.own_number(table, parameter, values)) is not None:
            _draw_own_number(layout, service, parameter, number)
        elif has_effect or not (_is_file(parameter) or parameter.name in candidates):
            row = layout.row(align=True)
            row.active = has_effect
            if isinstance(parameter, kinds.Picture):
                draw_picture(row, group, parameter.name, values[parameter.name])
            else:
                row.prop(group, parameter.name)
            if parameter.name in candidates:
                operator = row.operator("image_to_3d.choose_candidate", text="", icon="DOWNARROW_HLT")
                operator.parameter = parameter.name


def _is_file(parameter: Parameter) -> bool:
    """Whether it is a file, and no picture. What has to do with a file of the user's is shown only where one is asked
    for."""
    return isinstance(parameter, kinds.File) and not isinstance(parameter, kinds.Picture)


def _draw_own_number(layout: bpy.types.UILayout, service: str, parameter: Parameter, number: int) -> None:
    """The number that the service assumes by itself, and a button that makes it the user's own."""
    split = layout.split(factor=LABEL_WIDTH, align=True)
    label = split.row()
    label.alignment = "RIGHT"
    label.label(text=parameter.label)
    row = split.row(align=True)
    row.label(text=f"{number:,} (usual)")
    operator = row.operator("wm.context_set_int", text="", icon="GREASEPENCIL")
    operator.data_path = f"scene.image_to_3d.{service}.{parameter.name}"
    operator.value = number


def _draw_lengths(layout: bpy.types.UILayout, scene: bpy.types.Scene, service: str, parameter: kinds.Vector) -> None:
    """A length in scene units for each axis, or "Automatic"."""
    length, auto = lengths.names(service, parameter)
    col = layout.column(align=True)
    for number, axis in enumerate(parameter.axes):
        split = col.split(factor=LABEL_WIDTH, align=True)
        label = split.row()
        label.alignment = "RIGHT"
        label.label(text=axis.title())
        row = split.row(align=True)
        row.use_property_split = False
        is_automatic = getattr(scene, auto)[number]
        if not is_automatic:
            row.prop(scene, length, index=number, text="")
        row.prop(scene, auto, index=number, text="Automatic" if is_automatic else "Auto", toggle=True)


def _draw_presets(self: Any, context: bpy.types.Context) -> None:
    """As Blender's own panel, which says "Missing Paths" as long as there is no preset."""
    if bpy.utils.preset_paths(self.preset_subdir):
        PresetPanel.draw(self, context)
        return
    self.layout.operator_context = "EXEC_DEFAULT"  # else it asks for the name once more
    row = self.layout.row()
    row.prop(context.window_manager, "preset_name", text="")
    adder = row.operator(self.preset_add_operator, text="", icon="ADD", emboss=False)
    adder.name = context.window_manager.preset_name


def _preset_classes(name: str) -> list[type]:
    """Blender's own presets for one service: the panel that lists them, and the operator that adds and removes one.

    Pictures are left out: a preset is about how a model is made, not from what.
    """
    service = SERVICES[name]
    parameters = [entry for entry in settings.shown(service.parameters) if not isinstance(entry, kinds.Picture)]
    folder = f"image_to_3d/{name}"
    adder = type(
        f"IMAGE_TO_3D_OT_{name}_preset_add",
        (AddPresetBase, bpy.types.Operator),
        {
            "__doc__": f"Add or remove a preset of parameters for {service.label}",
            "bl_idname": f"image_to_3d.{name}_preset_add",
            "bl_label": f"Add {service.label} Preset",
            "preset_menu": f"IMAGE_TO_3D_PT_{name}_presets",
            # Whole paths: a name made with `preset_defines` is not found by Blender 4.3 on Python 3.13.
            "preset_values": [f"bpy.context.scene.image_to_3d.{name}.{entry.name}" for entry in parameters],
            "preset_subdir": folder,
        },
    )
    panel = type(
        f"IMAGE_TO_3D_PT_{name}_presets",
        (PresetPanel, bpy.types.Panel),
        {
            "__doc__": f"Presets of parameters for {service.label}",
            "bl_label": f"{service.label} Presets",
            "draw": _draw_presets,
            "preset_subdir": folder,
            "preset_operator": "script.execute_preset",
            "preset_add_operator": f"image_to_3d.{name}_preset_add",
        },
    )
    return [adder, panel]


_classes: list[type] = []


def register() -> None:
    for name in SERVICES:
        for cls in _preset_classes(name):
            bpy.utils.register_class(cls)
            _classes.append(cls)


def unregister() -> None:
    while _classes:
        bpy.utils.unregister_class(_classes.pop())
