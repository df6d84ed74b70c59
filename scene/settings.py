# SPDX-License-Identifier: GPL-3.0-or-later
"""`scene.image_to_3d`: the property groups, made from the services' tables, and the request they stand for. Starts nothing.

Enum items are the wire values in upper case, as Blender writes identifiers; every other property has the wire's name and value.
"""

from collections.abc import Mapping
from typing import Any

import bpy

from ..api import parameters as kinds
from ..api import picture
from ..api.parameters import Parameter, Table
from ..api.services import SERVICES

SOURCES = (
    ("FILE", "File", "A picture file on this computer"),
    ("IMAGE", "Image", "An image that is open in this Blender file, as it looks now"),
    ("URL", "URL", "The address of a picture"),
)


# A path may be relative to the .blend file; Blender wants to be told so since 4.5, and knows no such word before.
RELATIVE_PATHS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def _property(parameter: Parameter) -> Any:
    """Return the Blender property for one line of a table."""
    about = {"name": parameter.label, "description": parameter.description}
    match parameter:
        case kinds.Choice():
            items = [(_identifier(value), _title(value), tooltip) for value, tooltip in parameter.options.items()]
            return bpy.props.EnumProperty(items=items, default=_identifier(parameter.default), **about)
        case kinds.Flag():
            return bpy.props.BoolProperty(default=parameter.default, **about)
        case kinds.Vector():
            return bpy.props.FloatVectorProperty(
                size=len(parameter.axes), default=parameter.default, min=kinds.AUTOMATIC, soft_max=10.0, **about
            )
        case kinds.Number():
            least = parameter.minimum - (parameter.default is None)  # one below the least stands for "not set"
            default = least if parameter.default is None else parameter.default
            return bpy.props.IntProperty(default=default, min=least, max=parameter.maximum, **about)
        case kinds.Text():
            if (
                parameter.suggestions
            ):  # in the tooltip: Blender 4.2 crashes on exit where a group's text has a search of its own
                about["description"] += f" (such as {', '.join(parameter.suggestions)})"
            return bpy.props.StringProperty(default=parameter.default, maxlen=parameter.length, **about)
        case kinds.Picture():
            return bpy.props.StringProperty(subtype="FILE_PATH", options=RELATIVE_PATHS, **about)
    raise TypeError(f"No property is known for {type(parameter).__name__}")


def _identifier(value: str) -> str:
    """A wire value as Blender writes an item of an enum, which cannot be empty."""
    return value.upper() or "NONE"


def _title(value: str) -> str:
    """A wire value as a label: short ones are abbreviations (pbr)."""
    words = value.replace("_", " ") or "none"
    return words.title() if len(words) > 3 else words.upper()


def shown(table: Table) -> list[Parameter]:
    """The parameters of a table that are properties: all but the main picture, which has properties of its own."""
    main = kinds.pictures(table)[0]
    return [parameter for parameter in table if parameter.name != main]


def _group_of(name: str, table: Table) -> type[bpy.types.PropertyGroup]:
    """Make the property group of one service."""
    annotations = {parameter.name: _property(parameter) for parameter in shown(table)}
    group = type(f"IMAGE_TO_3D_PG_{name}", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    group.__doc__ = f"Request parameters of {SERVICES[name].label}"
    return group


def values(group: bpy.types.PropertyGroup, table: Table) -> dict[str, Any]:
    """Return what a service's property group says, by wire name, in wire values."""
    return {parameter.name: _value(getattr(group, parameter.name), parameter) for parameter in shown(table)}


def values_that_apply(group: bpy.types.PropertyGroup, table: Table) -> dict[str, Any]:
    """Those of `values` that have an effect beside the others: what a panel shows greyed out is not sent."""
    found = values(group, table)
    main = kinds.pictures(table)[0]
    beside = {**found, main: ""}
    return {
        parameter.name: found[parameter.name] for parameter in shown(table) if kinds.applies(table, parameter, beside)
    }


def needs_picture(values: Mapping[str, Any], table: Table) -> bool:
    """Whether a request with these values needs the main picture: another parameter may stand instead of it."""
    main = next(parameter for parameter in table if isinstance(parameter, kinds.Picture))
    return not values.get(main.instead)


def _value(value: Any, parameter: Parameter) -> Any:
    match parameter:
        case kinds.Choice():
            return {_identifier(option): option for option in parameter.options}[value]
        case kinds.Number():
            return None if value < parameter.minimum else value
        case kinds.Picture():
            return bpy.path.abspath(value) if value and picture.is_path(value) else value
        case kinds.Vector():
            return [round(number, FLOAT_DIGITS) for number in value]
    return value


FLOAT_DIGITS = 6  # Blender stores 32 bits: 0.1 comes back as 0.10000000149


def _service_items() -> list[tuple[str, str, str]]:
    return [(name.upper(), service.label, service.description) for name, service in SERVICES.items()]


def _make_classes() -> list[type]:
    """Return the classes to register, leaves first."""
    groups = {name: _group_of(name, service.parameters) for name, service in SERVICES.items()}
    annotations = {
        "service": bpy.props.EnumProperty(
            name="Service", description="Who turns the picture into a model", items=_service_items()
        ),
        "source": bpy.props.EnumProperty(name="Source", description="Where the picture comes from", items=SOURCES),
        "filepath": bpy.props.StringProperty(
            name="File", description="Picture file", subtype="FILE_PATH", options=RELATIVE_PATHS
        ),
        "image": bpy.props.PointerProperty(
            name="Image", description="Image of this Blender file", type=bpy.types.Image
        ),
        "url": bpy.props.StringProperty(name="URL", description="Address of a picture, or a data URI"),
        **{
            name: bpy.props.PointerProperty(
                name=SERVICES[name].label, description=f"Request parameters of {SERVICES[name].label}", type=group
            )
            for name, group in groups.items()
        },
    }
    settings = type("IMAGE_TO_3D_PG_settings", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    settings.__doc__ = "Settings for turning a picture into a 3D model"
    return [*groups.values(), settings]


_classes: list[type] = []


def register() -> None:
    for cls in _make_classes():
        bpy.utils.register_class(cls)
        _classes.append(cls)
    bpy.types.Scene.image_to_3d = bpy.props.PointerProperty(type=_classes[-1])


def unregister() -> None:
    if hasattr(bpy.types.Scene, "image_to_3d"):
        del bpy.types.Scene.image_to_3d
    while _classes:
        bpy.utils.unregister_class(_classes.pop())
