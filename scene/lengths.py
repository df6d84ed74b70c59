# SPDX-License-Identifier: GPL-3.0-or-later
"""What a panel shows instead of a `Vector`: lengths in the scene's units, and which of them are automatic. Another view
of the settings, which holds nothing itself.

On the Scene, not in the service's group: Blender 4.2 crashes on exit where a property of a group has a function of its
own.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import bpy

from ..api import parameters as kinds
from ..api.services import SERVICES

FIRST_LENGTH_M = 1.0  # what a length is when it stops being automatic


def names(service: str, parameter: kinds.Vector) -> tuple[str, str]:
    """The names of the two properties of a scene: the lengths, and which are automatic."""
    both = f"image_to_3d_{service}_{parameter.name}"
    return f"{both}_length", f"{both}_auto"


def _vectors() -> Iterator[tuple[str, kinds.Vector]]:
    for service, cls in SERVICES.items():
        for parameter in cls.parameters:
            if isinstance(parameter, kinds.Vector):
                yield service, parameter


def _views(service: str, parameter: kinds.Vector) -> tuple[Any, Any]:
    """The two properties. The settings have the wire's values, in meters."""

    def values(scene: bpy.types.Scene) -> list[float]:
        return list(getattr(getattr(scene.image_to_3d, service), parameter.name))

    def set_values(scene: bpy.types.Scene, changed: list[float]) -> None:
        setattr(getattr(scene.image_to_3d, service), parameter.name, changed)

    def lengths(scene: bpy.types.Scene) -> list[float]:
        return [max(number, 0.0) / scene.unit_settings.scale_length for number in values(scene)]

    def set_lengths(scene: bpy.types.Scene, given: Sequence[float]) -> None:
        pairs = zip(values(scene), given, strict=True)
        unit_m = scene.unit_settings.scale_length
        set_values(scene, [old if old == kinds.AUTOMATIC else new * unit_m for old, new in pairs])

    def automatic(scene: bpy.types.Scene) -> list[bool]:
        return [number == kinds.AUTOMATIC for number in values(scene)]

    def set_automatic(scene: bpy.types.Scene, given: Sequence[bool]) -> None:
        pairs = zip(values(scene), given, strict=True)
        numbers = [(FIRST_LENGTH_M if old == kinds.AUTOMATIC else old, auto) for old, auto in pairs]
        set_values(scene, [kinds.AUTOMATIC if auto else number for number, auto in numbers])

    size, axes = len(parameter.axes), ", ".join(parameter.axes).capitalize()
    return (
        bpy.props.FloatVectorProperty(
            name=parameter.label,
            description=f"{axes} of the model in the scene's units ({parameter.name})",
            size=size,
            unit="LENGTH",
            min=0.0,
            soft_max=10.0,
            precision=3,
            get=lengths,
            set=set_lengths,
            options={"SKIP_SAVE"},
        ),
        bpy.props.BoolVectorProperty(
            name=f"Automatic {parameter.label}",
            description=f"Let the service decide how long this side of the model is ({parameter.name})",
            size=size,
            get=automatic,
            set=set_automatic,
            options={"SKIP_SAVE"},
        ),
    )


def register() -> None:
    for service, parameter in _vectors():
        for name, view in zip(names(service, parameter), _views(service, parameter), strict=True):
            setattr(bpy.types.Scene, name, view)


def unregister() -> None:
    for service, parameter in _vectors():
        for name in names(service, parameter):
            if hasattr(bpy.types.Scene, name):
                delattr(bpy.types.Scene, name)
