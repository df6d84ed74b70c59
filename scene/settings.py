# SPDX-License-Identifier: GPL-3.0-or-later
"""`scene.image_to_3d`: the property groups, made from the services' tables, and the request they stand for. Starts
nothing.

Enum items are the wire values in upper case, as Blender writes identifiers; every other property has the wire's name
and value. A .blend stores an item's number, so each has a fixed one, and a number that this version does not know
counts as the property's default: what a new scene starts with.
"""

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import bpy

from ..api import parameters as kinds
from ..api.about import About
from ..api.errors import ParameterError
from ..api.parameters import Parameter, Table
from ..api.services import SERVICES
from ..api.sources import cleaned, is_path, is_url

Services = Mapping[str, About]
"""By wire name."""

Items = tuple[tuple[str, str, str, int], ...]
"""Of an enum: identifier, label, tooltip, and the number that a .blend stores."""

PLACES: Items = (
    (
        "CURSOR",
        "3D Cursor",
        "Where the 3D cursor is when the job is started, or beside what would hide the model there",
        0,
    ),
    (
        "CURSOR_EXACTLY",
        "3D Cursor, Exactly",
        "Where the 3D cursor is when the job is started, whatever stands there",
        2,
    ),
    ("ORIGIN", "World Origin", "In the middle of the scene, or beside what would hide the model there", 1),
)

SELECTIONS: Items = (
    (
        "IDLE",
        "When Idle",
        "Select the model when it arrives in Object Mode, unless you have selected something else since the job began",
        0,
    ),
    ("ALWAYS", "Always", "Select the model when it arrives in Object Mode, whatever is selected then", 1),
    ("NEVER", "Never", "Leave the selection as it is when the model arrives", 2),
)
"""When a model that arrives is selected."""

VARIANTS_MOST = 8

NAMES = "Names of Services"
"""A context in which Blender knows no translation: the items of an enum cannot be kept from it otherwise."""

SOURCES: Items = (
    ("FILE", "File", "A picture file on this computer", 0),
    ("IMAGE", "Image", "An image that is open in this Blender file, as it looks now", 1),
    ("URL", "URL", "The address of a picture", 2),
)

TEXT_BYTES = 8000
"""Room for more than any service takes, so that the check can say what is too long: Blender cuts a text that is longer
in silence. Where no limit is named it lets people type a few hundred bytes of UTF-8 only (UI_MAX_DRAW_STR)."""

FALLBACK = "local"
"""The service where a file names one that this version does not know: it costs nothing, and nothing leaves the
machine."""


# A path may be relative to the .blend file; Blender wants to be told so since 4.5, and knows no such word before.
RELATIVE_PATHS = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def _property(parameter: Parameter) -> Any:
    """Return the Blender property for one line of a table."""
    about = {"name": parameter.label, "description": _tooltip(parameter)}
    initial = _as_property(parameter.initial, parameter)
    match parameter:
        case kinds.Choice():
            items = [
                (_identifier(value), _option_label(parameter, value), option.description, option.number)
                for value, option in parameter.options.items()
            ]
            return bpy.props.EnumProperty(items=items, default=initial, **about)
        case kinds.Flag():
            return bpy.props.BoolProperty(default=initial, **about)
        case kinds.Vector():
            return bpy.props.FloatVectorProperty(
                size=len(parameter.axes), default=initial, min=kinds.AUTOMATIC, soft_max=10.0, **about
            )
        case kinds.Number():
            return bpy.props.IntProperty(default=initial, min=_least(parameter), max=parameter.maximum, **about)
        case kinds.Text():
            return bpy.props.StringProperty(default=initial, maxlen=TEXT_BYTES, **about)
        case kinds.File():
            return bpy.props.StringProperty(subtype="FILE_PATH", options=RELATIVE_PATHS, **about)
    raise TypeError(f"No property is known for {type(parameter).__name__}")


def _tooltip(parameter: Parameter) -> str:
    """What a parameter does, what may be entered, and the wire name last where the label says something else."""
    text = parameter.description
    match parameter:
        case kinds.Number() if parameter.default is None:
            text += f"; {_least(parameter)} leaves it out"
        case kinds.Picture():
            text += "; a file, an address, or the name of an image of this Blender file"
        case kinds.Text() if parameter.suggestions:
            # In the tooltip: Blender 4.2 crashes on exit where a group's text has a search of its own.
            text += f"; for example {', '.join(parameter.suggestions)}"
    return text if parameter.label == parameter.title else f"{text} ({parameter.name})"


def _least(parameter: kinds.Number) -> int:
    """The least number of the property: one below the least of the service stands for "not set"."""
    return parameter.minimum - (parameter.default is None)


def _option_label(parameter: kinds.Choice, value: str) -> str:
    """What a panel shows for one word of a choice."""
    return parameter.options[value].label or _title(value)


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


def _group_of(name: str, service: About) -> type[bpy.types.PropertyGroup]:
    """Make the property group of one service."""
    annotations = {parameter.name: _property(parameter) for parameter in shown(service.parameters)}
    group = type(f"IMAGE_TO_3D_PG_{name}", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    group.__doc__ = f"Request parameters of {service.label}"
    return group


def service_of(chosen: bpy.types.PropertyGroup, services: Services = SERVICES) -> str:
    """The wire name of the service that the settings of a scene name; `FALLBACK` where this version does not know
    it."""
    name: str = chosen.service.lower()
    return name if name in services else FALLBACK


def source_of(chosen: bpy.types.PropertyGroup) -> str:
    """Where the picture comes from: "FILE" where this version does not know what the file names."""
    return chosen.source or SOURCES[0][0]


def unknown_notes(chosen: bpy.types.PropertyGroup, services: Services = SERVICES) -> list[str]:
    """A sentence for each thing that the file names and this version does not know, so that something else is used."""
    name = service_of(chosen, services)
    notes = []
    if chosen.service.lower() != name:
        notes.append(f"This file names a service that this version does not know: {services[name].label} is used")
    group = getattr(chosen, name)
    for parameter in shown(services[name].parameters):
        if isinstance(parameter, kinds.Choice) and not getattr(group, parameter.name):
            instead = _option_label(parameter, parameter.initial)
            notes.append(f"This file has a {parameter.title} that this version does not know: {instead} is used")
    return notes


def values(group: bpy.types.PropertyGroup, table: Table) -> dict[str, Any]:
    """Return what a service's property group says, by wire name, in wire values."""
    return {parameter.name: _value(getattr(group, parameter.name), parameter) for parameter in shown(table)}


def values_that_apply(group: bpy.types.PropertyGroup, table: Table) -> dict[str, Any]:
    """Those of `values` that have an effect beside the others: what a panel shows greyed out is not sent, nor is a
    number that nobody has changed where the service has another one of its own beside these values."""
    found = values(group, table)
    main = kinds.pictures(table)[0]
    beside = {**found, main: ""}
    return {
        parameter.name: found[parameter.name]
        for parameter in shown(table)
        if kinds.applies(table, parameter, beside) and own_number(table, parameter, beside) is None
    }


def own_number(table: Table, parameter: Parameter, beside: Mapping[str, Any]) -> int | None:
    """The number that a service assumes by itself beside these values, where nobody has chosen another and it is not
    the property's default; else None."""
    number: int | None = parameter.default_beside(table, beside)
    is_own = number != parameter.default and beside[parameter.name] == parameter.default
    return number if is_own else None


def locked_reason(scene: bpy.types.Scene | None) -> str:
    """Why nothing can be changed in a scene, "" where it can."""
    if scene is None:
        return "There is no scene"
    if scene.library is not None:
        return "The scene is linked from another file and cannot be changed"
    if scene.override_library is not None:
        return "The scene is an override of one in another file and cannot be changed"
    return ""


def target_of(scene: bpy.types.Scene) -> bpy.types.Scene:
    """The scene that a model enters which is asked for in `scene`."""
    return scene.image_to_3d.target_scene or scene


def place_of(scene: bpy.types.Scene) -> dict[str, Any]:
    """Where in that scene it goes, and whether it is selected there, as `place` takes it. Raises `ParameterError` where
    that is nowhere, or has no end."""
    chosen = scene.image_to_3d
    where: dict[str, Any] = {"location": [0.0, 0.0, 0.0]}
    location: Any = target_of(scene).cursor.location
    cursor = [_as_meant(number) for number in location]
    if chosen.location != "ORIGIN" and all(map(math.isfinite, cursor)):
        where["location"] = cursor
    elif chosen.location == "CURSOR_EXACTLY":
        where_it_is = ", ".join(f"{number:g}" for number in cursor)
        raise ParameterError(
            f"The 3D cursor is at {where_it_is}, where nothing can stand: move it, or set Location to World Origin."
        )
    if chosen.location == "CURSOR_EXACTLY":
        where["exactly"] = True
    if chosen.select and chosen.select != SELECTIONS[0][0]:
        where["select"] = chosen.select
    if chosen.use_size:
        where["size"] = _as_meant(chosen.size)
        if not math.isfinite(where["size"]):
            raise ParameterError(f"Size cannot be {where['size']:g}: use a length, or turn Set Size off.")
    if chosen.collection:
        where["collection"] = chosen.collection.name
    return where


def reset(group: bpy.types.PropertyGroup, table: Table) -> None:
    """Set all parameters of a service to what a new scene starts with."""
    for parameter in shown(table):
        group.property_unset(parameter.name)


def use(chosen: bpy.types.PropertyGroup, service: str, parameters: Mapping[str, Any]) -> None:
    """Set the settings to what a request of `service` was made of; `parameters` by wire name, pictures as paths or
    URLs.

    What the request does not name, and what this version's table does not know or take, is the service's default: that
    is what the service assumed, and a new scene may start with something else. So is a number that the service
    assumed beside the rest, so that it is another beside other values.
    """
    table = SERVICES[service].parameters
    group = getattr(chosen, service)
    there = {parameter.name: parameters.get(parameter.name, parameter.default) for parameter in table}
    for parameter in shown(table):
        setattr(group, parameter.name, _as_property(parameter.default, parameter))
        if there[parameter.name] != parameter.default_beside(table, there):
            # A later version's, or a text that Blender or no property takes.
            with contextlib.suppress(ParameterError, ValueError, TypeError):
                setattr(group, parameter.name, _as_property(parameter.check(there[parameter.name]), parameter))
    chosen.service = service.upper()
    source = str(parameters.get(kinds.pictures(table)[0], ""))
    with contextlib.suppress(TypeError):  # a text that Blender does not take
        if is_url(source):
            chosen.source, chosen.url = "URL", source
        elif source:
            chosen.source, chosen.filepath = "FILE", source


def _as_property(value: Any, parameter: Parameter) -> Any:
    """The opposite of `_value`."""
    match parameter:
        case kinds.Choice():
            return _identifier(value)
        case kinds.Number():
            return _least(parameter) if value is None else value
    return value


def located(source: str) -> str:
    """Return the path, address or data URI that was typed or pasted, as it is meant in this Blender file; "" for
    none."""
    source = cleaned(source)
    return bpy.path.abspath(source) if is_path(source) else source


def picture_of(chosen: bpy.types.PropertyGroup) -> str:
    """Where the main picture of the settings is: a path, an address or a data URI; "" for none, and for a Blender
    image."""
    source = source_of(chosen)
    return "" if source == "IMAGE" else located(chosen.url if source == "URL" else chosen.filepath)


def needs_picture(values: Mapping[str, Any], table: Table) -> bool:
    """Whether a request with these values needs the main picture: another parameter may stand instead of it."""
    main = next(parameter for parameter in table if isinstance(parameter, kinds.Picture))
    return not values.get(main.instead)


def _value(value: Any, parameter: Parameter) -> Any:
    match parameter:
        case kinds.Choice():
            # Blender gives "" for a number that no item has: another version's.
            return {_identifier(option): option for option in parameter.options}.get(value, parameter.initial)
        case kinds.Number():
            return None if value < parameter.minimum else value
        case kinds.File():
            return located(value)
        case kinds.Vector():
            return [round(_as_meant(number), FLOAT_DIGITS) for number in value]
    return value


def _as_meant(number: float) -> float:
    """A number of a property: of one without end, Blender makes the largest that it has."""
    return math.copysign(math.inf, number) if abs(number) >= LARGEST_FLOAT else number


LARGEST_FLOAT = 3.4028234e38  # of 32 bits, as Blender's are
FLOAT_DIGITS = 6  # Blender stores 32 bits: 0.1 comes back as 0.10000000149


def _service_items(services: Services) -> list[tuple[str, str, str, int]]:
    return [(name.upper(), service.label, service.description, service.number) for name, service in services.items()]


def _make_classes(services: Services, sources: Items, places: Items) -> list[type]:
    """Return the classes to register, leaves first."""
    groups = {name: _group_of(name, service) for name, service in services.items()}
    annotations = {
        "service": bpy.props.EnumProperty(
            name="Service",
            description="Who turns the picture into a model",
            items=_service_items(services),
            translation_context=NAMES,
        ),
        "source": bpy.props.EnumProperty(name="Source", description="Where the picture comes from", items=sources),
        "filepath": bpy.props.StringProperty(
            name="File", description="Picture file", subtype="FILE_PATH", options=RELATIVE_PATHS
        ),
        "image": bpy.props.PointerProperty(
            name="Image", description="Image of this Blender file", type=bpy.types.Image
        ),
        "url": bpy.props.StringProperty(name="URL", description="Address of a picture, or a data URI"),
        "location": bpy.props.EnumProperty(name="Location", description="Where the model's foot stands", items=places),
        "select": bpy.props.EnumProperty(
            name="Select", description="When the model is selected as it arrives", items=SELECTIONS
        ),
        "variants": bpy.props.IntProperty(
            name="Variants",
            description="How many models are made of the picture, each by a job of its own",
            default=1,
            min=1,
            max=VARIANTS_MOST,
        ),
        "use_size": bpy.props.BoolProperty(
            name="Set Size",
            description="Scale the model when it arrives, so that its longest side has a certain length",
        ),
        "size": bpy.props.FloatProperty(
            name="Size",
            description="Length of the model's longest side",
            default=1.0,
            min=0.001,
            soft_max=100.0,
            unit="LENGTH",
        ),
        "collection": bpy.props.PointerProperty(
            name="Collection",
            description="Collection that the model's own collection is put into; empty means the scene's",
            type=bpy.types.Collection,
        ),
        "target_scene": bpy.props.PointerProperty(
            name="Scene", description="Scene that the model enters; empty means this one", type=bpy.types.Scene
        ),
        **{
            name: bpy.props.PointerProperty(
                name=services[name].label, description=f"Request parameters of {services[name].label}", type=group
            )
            for name, group in groups.items()
        },
    }
    settings = type("IMAGE_TO_3D_PG_settings", (bpy.types.PropertyGroup,), {"__annotations__": annotations})
    settings.__doc__ = "Settings for turning a picture into a 3D model"
    return [*groups.values(), settings]


_classes: list[type] = []


def register(services: Services = SERVICES, sources: Items = SOURCES, places: Items = PLACES) -> None:
    for cls in _make_classes(services, sources, places):
        bpy.utils.register_class(cls)
        _classes.append(cls)
    bpy.types.Scene.image_to_3d = bpy.props.PointerProperty(type=_classes[-1])


def unregister() -> None:
    if hasattr(bpy.types.Scene, "image_to_3d"):
        del bpy.types.Scene.image_to_3d
    while _classes:
        bpy.utils.unregister_class(_classes.pop())
