# SPDX-License-Identifier: GPL-3.0-or-later
"""Request parameters as text: read from a command line, and told to people. Checks no value that is not text already,
and sends nothing."""

import difflib
from collections.abc import Iterable
from typing import Any

from .errors import ParameterError
from .parameters import AUTOMATIC, Choice, File, Flag, Number, Parameter, Table, Vector
from .words import clean

YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
"""What people write for a flag, in any case."""

AUTOMATIC_WORD = "auto"

SHOWN_AT_MOST = 60  # characters of a value in a sentence


def parameter_named(table: Table, name: str) -> Parameter:
    """Return the parameter of `table` with this wire name. Raises `ParameterError`, which names the nearest."""
    found = next((entry for entry in table if entry.name == name), None)
    if found is not None:
        return found
    names = [entry.name for entry in table]
    raise ParameterError(f"There is no parameter {shortened(name)!r}: {nearest(name, names)}")


def nearest(word: str, words: Iterable[str]) -> str:
    """The end of a sentence about a word that is none of `words`: which one may be meant, or all that there are."""
    known = list(map(str, words))
    close = difflib.get_close_matches(word.strip().lower(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(known)}."


def value_of(parameter: Parameter, text: str) -> Any:
    """Return what `text` says for `parameter`, as `check` takes it. Raises `ParameterError`."""
    if isinstance(parameter, Flag):
        return _flag(parameter, text)
    if isinstance(parameter, Number):
        return _number(parameter, text)
    if isinstance(parameter, Vector):
        return [_axis(parameter, word) for word in text.replace(",", " ").split()]
    if isinstance(parameter, Choice) and text not in parameter.options:
        word = next((option for option in parameter.options if option.lower() == text.strip().lower()), None)
        if word is None:
            words = [option or '""' for option in parameter.options]
            raise ParameterError(f"{parameter.name} cannot be {shortened(text)!r}: {nearest(text, words)}")
        return word
    return text


def text_of(parameter: Parameter, value: Any) -> str:
    """Return how `value` is written on a command line; "" where it is not set."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(parameter, Vector):
        return ",".join(AUTOMATIC_WORD if number == AUTOMATIC else f"{number:g}" for number in value)
    return str(value)


def form_of(parameter: Parameter) -> str:
    """Return what may be written for `parameter`, for a list of all."""
    if isinstance(parameter, Choice):
        return " | ".join(option or '""' for option in parameter.options)
    if isinstance(parameter, Flag):
        return "true | false"
    if isinstance(parameter, Number):
        return f"{parameter.minimum} to {parameter.maximum}"
    if isinstance(parameter, Vector):
        return f"{','.join(parameter.axes)} in {parameter.unit}, each a number or {AUTOMATIC_WORD}"
    return "a file or an address" if isinstance(parameter, File) else "text"


def _flag(parameter: Parameter, text: str) -> bool:
    word = text.strip().lower()
    if word not in (*YES, *NO):
        raise ParameterError(f"{parameter.name} cannot be {shortened(text)!r}: use true or false.")
    return word in YES


def _number(parameter: Number, text: str) -> int | None:
    if not text.strip() and parameter.default is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise ParameterError(
            f"{parameter.name} cannot be {shortened(text)!r}: use a whole number from {parameter.minimum:,} to "
            f"{parameter.maximum:,}."
        ) from None


def _axis(parameter: Vector, word: str) -> float:
    if word.lower() == AUTOMATIC_WORD:
        return AUTOMATIC
    try:
        return float(word)
    except ValueError:
        raise ParameterError(
            f"{parameter.name} cannot hold {shortened(word)!r}: use {len(parameter.axes)} numbers "
            f"({', '.join(parameter.axes)}) with commas between them, or {AUTOMATIC_WORD}."
        ) from None


def shortened(text: str) -> str:
    """A text from a command line as it can stand in a sentence."""
    return clean(text, SHOWN_AT_MOST)
