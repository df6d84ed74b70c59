# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of request parameter that a service's table is made of. Knows no service and no Blender.

A table is a tuple of these, one line a parameter. The property groups, the panel's rows, the checks before sending and
the JSON that is sent are all read from it. Nobody changes one. They are no dataclasses, as Blender would wait at its
start until the functions of eight of them are made.
"""

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

from .errors import ParameterError
from .sources import cleaned

AUTOMATIC = -1.0
"""In a `Vector`: "the service decides" (CSM, Create Session, `scaled_bbox`)."""

Where = Mapping[str, Sequence[Any] | bool]
"""A state of other parameters, by wire name: each has one of these values; for True each is set, for False none is."""


class Traits(TypedDict, total=False):
    """What every kind of parameter may have besides: see `Parameter`."""

    label: str
    initial: Any
    needs: str
    needless: Sequence[Where]
    excluded: Sequence[Where]
    rare: bool
    always_sent: bool
    sent_beside: Sequence[Where]


class Parameter:
    """One request parameter.

    `name` is the wire name, `title` the same in Title Case, `label` what a panel shows (`title` where none is given),
    `description` the tooltip (one sentence without a full stop). `default` is what the service assumes where nothing is
    sent; `initial` is what Blender starts with (`default` where none is given). `needs` is the name of the parameter
    that has to be set for this one to have any effect ("" where it always has), but in one of the states `needless`. In
    one of the states `excluded` it has none, and may not even be sent. `rare` ones stand apart in a panel.
    `always_sent` ones are sent even at their default, because the service's own default is another or has changed, and
    others are in one of the states `sent_beside`, where nobody knows what the service assumes.
    """

    def __init__(
        self,
        *,
        name: str,
        description: str,
        default: Any = None,
        label: str = "",
        initial: Any = None,
        needs: str = "",
        needless: Sequence[Where] = (),
        excluded: Sequence[Where] = (),
        rare: bool = False,
        always_sent: bool = False,
        sent_beside: Sequence[Where] = (),
    ) -> None:
        self.name = name
        self.title = " ".join(ABBREVIATIONS.get(word, word.title()) for word in name.split("_"))
        self.label = label or self.title
        self.description = description
        self.default = default
        self.initial = default if initial is None else initial
        self.needs = needs
        self.needless = needless
        self.excluded = excluded
        self.rare = rare
        self.always_sent = always_sent
        self.sent_beside = sent_beside

    def check(self, value: Any) -> Any:
        """Return `value` as it is sent; raise `ParameterError` where the service would not take it."""
        raise NotImplementedError

    def is_set(self, value: Any) -> bool:
        """Whether `value` asks the service for something beyond the default."""
        return bool(value != self.default)

    @property
    def off(self) -> Any:
        """The value that asks for nothing."""
        return self.default

    def default_beside(self, table: "Table", values: Mapping[str, Any]) -> Any:
        """What the service assumes beside the other `values` where this one is not sent."""
        return self.default

    def check_beside(self, table: "Table", values: Mapping[str, Any]) -> None:
        """Raise `ParameterError` where the service would not take the checked value of this one beside the others."""


ABBREVIATIONS = {"ai": "AI", "pbr": "PBR", "hd": "HD", "url": "URL", "id": "ID", "bbox": "Bounding Box"}


class File(Parameter):
    """A file of the user's, by its path; "" for none. A job has a copy of its own."""

    def __init__(self, *, name: str, description: str, default: str = "", **traits: Unpack[Traits]) -> None:
        super().__init__(name=name, description=description, default=default, **traits)

    meant = "the path of a file"

    def check(self, value: Any) -> str:
        if isinstance(value, os.PathLike):
            value = os.fsdecode(value)
        if not isinstance(value, str):
            raise ParameterError(f"{self.name} cannot be {_shown(value)}: use {self.meant}.")
        return cleaned(value)


class Picture(File):
    """A picture: the path of a file, an http(s) URL or a data URI. "" where it is `optional`, or the parameter
    `instead` is set."""

    meant = "the path or the address of a picture"

    def __init__(
        self,
        *,
        name: str,
        description: str,
        default: str = "",
        optional: bool = False,
        instead: str = "",
        **traits: Unpack[Traits],
    ) -> None:
        super().__init__(name=name, description=description, default=default, **traits)
        self.optional = optional
        self.instead = instead


class Option:
    """One word of a `Choice`. `number` is what a .blend stores for it, so it never changes, whatever options come and
    go beside it; `description` is the tooltip (one sentence without a full stop); `label` is what a panel shows ("" for
    the wire value in Title Case). In one of the states `excluded` the service does not take it."""

    def __init__(self, number: int, description: str, *, label: str = "", excluded: Sequence[Where] = ()) -> None:
        self.number = number
        self.description = description
        self.label = label
        self.excluded = excluded


class Choice(Parameter):
    """One word of several. `options` are by wire value, in the service's order."""

    def __init__(
        self, *, name: str, description: str, default: str, options: Mapping[str, Option], **traits: Unpack[Traits]
    ) -> None:
        super().__init__(name=name, description=description, default=default, **traits)
        self.options = options

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            words = ", ".join(option or '""' for option in self.options)
            raise ParameterError(f"{self.name} cannot be {_shown(value)}: use one of {words}.")
        return value

    def check_beside(self, table: "Table", values: Mapping[str, Any]) -> None:
        excluded = {value: option.excluded for value, option in self.options.items()}
        _check_word(self, tuple(self.options), excluded, table, values)


class Flag(Parameter):
    """Yes or no."""

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ParameterError(f"{self.name} cannot be {_shown(value)}: use true or false.")
        return value

    def is_set(self, value: Any) -> bool:
        return bool(value)

    @property
    def off(self) -> bool:
        return False


class Range:
    """In the state `where`, a `Number` goes from `minimum` to `maximum`, and the service assumes `default`."""

    def __init__(self, where: Where, *, minimum: int, maximum: int, default: int) -> None:
        self.where = where
        self.minimum = minimum
        self.maximum = maximum
        self.default = default


class Number(Parameter):
    """A whole number from `minimum` to `maximum`; in some states of other parameters, another of the `ranges` (the
    first that fits). A default of None means that it is not sent unless it was set."""

    def __init__(
        self,
        *,
        name: str,
        description: str,
        default: int | None,
        minimum: int,
        maximum: int,
        ranges: Sequence[Range] = (),
        **traits: Unpack[Traits],
    ) -> None:
        super().__init__(name=name, description=description, default=default, **traits)
        self.minimum = minimum
        self.maximum = maximum
        self.ranges = ranges

    def default_beside(self, table: "Table", values: Mapping[str, Any]) -> int | None:
        found = self._range(table, values)
        return found.default if found else self.default

    def check_beside(self, table: "Table", values: Mapping[str, Any]) -> None:
        found, value = self._range(table, values), values[self.name]
        if found and not found.minimum <= value <= found.maximum:
            raise ParameterError(
                f"{self.name} cannot be {value} {beside(found.where, values)}: use a whole number from "
                f"{found.minimum:,} to {found.maximum:,}."
            )

    def _range(self, table: "Table", values: Mapping[str, Any]) -> Range | None:
        return next((entry for entry in self.ranges if is_state(table, entry.where, values)), None)

    def check(self, value: Any) -> int | None:
        if value is None and self.default is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not self.minimum <= value <= self.maximum:
            raise ParameterError(
                f"{self.name} cannot be {_shown(value)}: use a whole number from {self.minimum:,} to {self.maximum:,}."
            )
        return value


NONE: Mapping[str, Any] = MappingProxyType({})


class Text(Parameter):
    """Free text of at most `length` characters, the default where it is empty; `suggestions` are values that are known
    to work.

    `refused` are values that the service does not take in some states of other parameters, `ended` those that it takes
    no more, with what to use instead, and `ending` those that it will not take from a day on, with that day. Whatever
    else there may be is let through: services add values.
    """

    def __init__(
        self,
        *,
        name: str,
        description: str,
        default: str = "",
        length: int,
        suggestions: tuple[str, ...] = (),
        refused: Mapping[str, Sequence[Where]] = NONE,
        ended: Mapping[str, str] = NONE,
        ending: Mapping[str, str] = NONE,
        **traits: Unpack[Traits],
    ) -> None:
        super().__init__(name=name, description=description, default=default, **traits)
        self.length = length
        self.suggestions = suggestions
        self.refused = refused
        self.ended = ended
        self.ending = ending

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ParameterError(f"{self.name} cannot be {_shown(value)}: use text.")
        if len(value) > self.length:
            raise ParameterError(f"{self.name} has {len(value)} characters: use at most {self.length}.")
        if value.strip() in self.ended:
            raise ParameterError(f"{self.name} {_shown(value.strip())} has ended: use {self.ended[value.strip()]}.")
        return value.strip() or str(self.default)

    def check_beside(self, table: "Table", values: Mapping[str, Any]) -> None:
        _check_word(self, self.suggestions, self.refused, table, values)


def _check_word(
    parameter: Parameter,
    words: Sequence[str],
    refused: Mapping[str, Sequence[Where]],
    table: "Table",
    values: Mapping[str, Any],
) -> None:
    """Raise `ParameterError` where the service refuses the value beside the others: it has to be another of `words`."""
    value = values[parameter.name]
    where = state_of(table, refused.get(value, ()), values)
    if where is not None:
        fitting = [word or '""' for word in words if state_of(table, refused.get(word, ()), values) is None]
        use = f"use one of {', '.join(fitting)}" if len(fitting) > 1 else f"use {fitting[0]}"
        raise ParameterError(
            f"{parameter.name} cannot be {_shown(value)} {beside(where, values)}: {use}, or {other_than(where)}."
        )


class Vector(Parameter):
    """Numbers above zero in a fixed order, each possibly `AUTOMATIC`. `axes` names them, `unit` is what they are
    measured in."""

    def __init__(
        self,
        *,
        name: str,
        description: str,
        default: tuple[float, ...],
        axes: tuple[str, ...],
        unit: str,
        **traits: Unpack[Traits],
    ) -> None:
        super().__init__(name=name, description=description, default=default, **traits)
        self.axes = axes
        self.unit = unit

    def check(self, value: Any) -> list[float]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != len(self.axes):
            raise ParameterError(
                f"{self.name} cannot be {_shown(value)}: use {len(self.axes)} numbers ({', '.join(self.axes)})."
            )
        return [self._check_axis(axis, number) for axis, number in zip(self.axes, value, strict=True)]

    def _check_axis(self, axis: str, number: Any) -> float:
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        if not is_number or not (number == AUTOMATIC or 0 < number < float("inf")):
            raise ParameterError(
                f"The {axis} in {self.name} cannot be {_shown(number)}: use a length above 0 ({self.unit}), or -1 "
                "for automatic."
            )
        return float(number)

    def is_set(self, value: Any) -> bool:
        return any(number != AUTOMATIC for number in value)


Table = tuple[Parameter, ...]


def check(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter of `table` with its value; what was not given is at its default, or off where it has no
    effect.

    Raises `ParameterError` for a name that the table does not have, for a value that its parameter does not take, for
    one that was set although it has no effect beside the others, and for a picture that is missing.
    """
    require_names(values)
    names = [parameter.name for parameter in table]
    for name in values:
        if name not in names:
            raise ParameterError(f"There is no parameter {_shown(name)}: use {', '.join(names)}.")
    checked = {parameter.name: parameter.check(values.get(parameter.name, parameter.default)) for parameter in table}
    for parameter in table:
        value = checked[parameter.name]
        if not applies(table, parameter, checked):
            if parameter.name in values and _is_asked(parameter, value):
                raise ParameterError(_without_effect(table, parameter, checked))
            # Off where the service would hear of it all the same; otherwise at its default, which is not sent.
            checked[parameter.name] = parameter.off if parameter.always_sent else parameter.check(parameter.default)
        elif parameter.name not in values:
            checked[parameter.name] = parameter.check(parameter.default_beside(table, checked))
        else:
            parameter.check_beside(table, checked)
        if isinstance(parameter, Picture) and not (
            checked[parameter.name] or parameter.optional or checked.get(parameter.instead)
        ):
            raise ParameterError("There is no picture: choose a picture file, a Blender image or an address.")
    return checked


def require_names(values: Any) -> None:
    """Raise `ParameterError` where something else was given than names with values."""
    if not isinstance(values, Mapping):
        example = '{"image_url": "fox.png"}'
        raise ParameterError(f"The parameters cannot be {_shown(values)}: use names with values, as {example}.")


def _is_asked(parameter: Parameter, value: Any) -> bool:
    """Whether somebody wants what has no effect."""
    return parameter.is_set(value) if parameter.always_sent else not _is(value, parameter.default)


def _without_effect(table: Table, parameter: Parameter, values: Mapping[str, Any]) -> str:
    name, needed = parameter.name, parameter.needs
    where = state_of(table, parameter.excluded, values)
    if where is not None:
        return f"{name} cannot be used {beside(where, values)}: leave {name} out, or {other_than(where)}."
    return f"{name} has no effect without {needed}: set {needed}, or leave {name} out."


def applies(table: Table, parameter: Parameter, values: Mapping[str, Any]) -> bool:
    """Whether `parameter` has an effect beside the other `values` (each by wire name; all of them present)."""
    if state_of(table, parameter.excluded, values) is not None:
        return False
    if not parameter.needs or state_of(table, parameter.needless, values) is not None:
        return True
    return is_state(table, {parameter.needs: True}, values)


def state_of(table: Table, states: Sequence[Where], values: Mapping[str, Any]) -> Where | None:
    """The first of these states that the other `values` are in, None where they are in none."""
    return next((where for where in states if is_state(table, where, values)), None)


def is_state(table: Table, where: Where, values: Mapping[str, Any]) -> bool:
    """Whether the `values` are in this state. What has no effect itself counts as off."""
    others = {other.name: other for other in table if other.name in where}
    for name, wanted in where.items():
        other, value = others[name], values[name]
        if isinstance(wanted, bool):
            if (other.is_set(value) and applies(table, other, values)) is not wanted:
                return False
        elif (value if applies(table, other, values) else other.off) not in wanted:
            return False
    return True


def beside(where: Where, values: Mapping[str, Any]) -> str:
    """What of a state is said in a sentence: "beside ai_model 'meshy-t2'"; what is not set only where it is all."""
    there = [name if wanted is True else f"{name} {_shown(values[name])}" for name, wanted in where.items() if wanted]
    return f"beside {' and '.join(there)}" if there else f"without {' or '.join(where)}"


def other_than(where: Where) -> str:
    """What leads out of a state, in a sentence: "change ai_model"."""
    name, wanted = next(iter(where.items()))
    return f"leave {name} out" if wanted is True else f"change {name}" if wanted else f"set {name}"


def renewed(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what today's table takes of the values of a record: an earlier version may have written it, whose table
    knew less of what goes together.

    Left out is what was set and has no effect beside the others, and a number at its default that could not be one
    there, as nobody has asked for it. Raises `ParameterError` for a value that its parameter does not take in any case.
    """
    there = {entry.name: entry.check(values.get(entry.name, entry.default)) for entry in table}
    outdated = {entry.name for entry in table if _is_outdated(table, entry, there)}
    return {name: value for name, value in values.items() if name not in outdated}


def _is_outdated(table: Table, parameter: Parameter, values: Mapping[str, Any]) -> bool:
    value = values[parameter.name]
    if not applies(table, parameter, values):
        return _is_asked(parameter, value)
    if not isinstance(parameter, Number) or value != parameter.default:
        return False
    try:
        parameter.check_beside(table, values)
    except ParameterError:
        return True
    return False


def sent(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the checked `values` goes into a request: what is always sent; and, of what has an effect, that
    which differs from the default, or whose default nobody knows beside the others."""
    return {
        parameter.name: values[parameter.name]
        for parameter in table
        if parameter.always_sent
        or (
            applies(table, parameter, values)
            and (
                not _is(values[parameter.name], parameter.default_beside(table, values))
                or state_of(table, parameter.sent_beside, values) is not None
            )
        )
    }


def _is(value: Any, default: Any) -> bool:
    return bool(value == (list(default) if isinstance(default, tuple) else default))


def pictures(table: Table) -> list[str]:
    """The wire names of the parameters that are pictures, the one that becomes the model first."""
    return [parameter.name for parameter in table if isinstance(parameter, Picture)]


def attached(table: Table) -> list[str]:
    """The wire names of the parameters that are files which a job has copies of, pictures first."""
    others = [parameter.name for parameter in table if isinstance(parameter, File)]
    return pictures(table) + [name for name in others if name not in pictures(table)]


def _shown(value: Any) -> str:
    """A refused value, as it can stand in a sentence."""
    from .words import shown  # here, as it would slow down the start of Blender

    return shown(value)
