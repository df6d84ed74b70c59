# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of request parameter that a service's table is made of. Knows no service and no Blender.

A table is a tuple of these, one line a parameter. The property groups, the panel's rows, the checks before sending and the JSON
that is sent are all read from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ParameterError

AUTOMATIC = -1.0
"""In a `Vector`: "the service decides" (CSM, Create Session, `scaled_bbox`)."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One request parameter.

    `name` is the wire name, `description` the tooltip (one sentence without a full stop), `needs` the name of the parameter that
    has to be on for this one to have any effect ("" where it always has).
    """

    name: str
    description: str
    needs: str = ""
    default: Any = None

    @property
    def label(self) -> str:
        """The wire name as a label in Title Case."""
        return self.name.replace("_", " ").title()

    def check(self, value: Any) -> Any:
        """Return `value` as it is sent; raise `ParameterError` where the service would not take it."""
        raise NotImplementedError

    def is_on(self, value: Any) -> bool:
        """Whether parameters that need this one have an effect while it is `value`."""
        return bool(value)


@dataclass(frozen=True, kw_only=True)
class Picture(Parameter):
    """The picture: the path of a file, an http(s) URL or a data URI."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ParameterError("There is no picture: choose a picture file, a Blender image or an address.")
        return value.strip()


@dataclass(frozen=True, kw_only=True)
class Choice(Parameter):
    """One word of several. `options` maps each wire value to its tooltip, in the service's order."""

    default: str
    options: Mapping[str, str]

    def check(self, value: Any) -> str:
        if value not in self.options:
            raise ParameterError(f"{self.name} cannot be {value!r}: use one of {', '.join(self.options)}.")
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Flag(Parameter):
    """Yes or no."""

    default: bool

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ParameterError(f"{self.name} cannot be {value!r}: use true or false.")
        return value


@dataclass(frozen=True, kw_only=True)
class Vector(Parameter):
    """Numbers above zero in a fixed order, each possibly `AUTOMATIC`. `axes` names them, `unit` is what they are measured in."""

    default: tuple[float, ...]
    axes: tuple[str, ...]
    unit: str

    def check(self, value: Any) -> list[float]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != len(self.axes):
            raise ParameterError(
                f"{self.name} cannot be {value!r}: use {len(self.axes)} numbers ({', '.join(self.axes)})."
            )
        return [self._check_axis(axis, number) for axis, number in zip(self.axes, value, strict=True)]

    def _check_axis(self, axis: str, number: Any) -> float:
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        if not is_number or not (number == AUTOMATIC or 0 < number < float("inf")):
            raise ParameterError(
                f"The {axis} in {self.name} cannot be {number!r}: use a length above 0 ({self.unit}), or -1 for automatic."
            )
        return float(number)

    def is_on(self, value: Any) -> bool:
        return any(number != AUTOMATIC for number in value)


Table = tuple[Parameter, ...]


def check(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter of `table` with its value, defaults filled in.

    Raises `ParameterError` for a name that the table does not have, and for a value that its parameter does not take.
    """
    names = [parameter.name for parameter in table]
    for name in values:
        if name not in names:
            raise ParameterError(f"There is no parameter {name!r}: use {', '.join(names)}.")
    return {parameter.name: parameter.check(values.get(parameter.name, parameter.default)) for parameter in table}


def applies(table: Table, parameter: Parameter, values: Mapping[str, Any]) -> bool:
    """Whether `parameter` has an effect beside the other `values` (each by wire name; all of them present)."""
    needed = {other.name: other for other in table}.get(parameter.needs)
    return needed is None or needed.is_on(values[needed.name])
