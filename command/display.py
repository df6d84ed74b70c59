# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call says what becomes of its models: bars on a terminal, plain lines elsewhere, or lines of JSON. Decides
which, and changes nothing; imports no bpy."""

from collections.abc import Mapping, Sequence
from typing import IO, Protocol

from . import terminal
from .item import Item


class Display(Protocol):
    """Hears of a call's models, one after the other, and says it. Methods raise `OSError` where nobody reads any more,
    but for `close`."""

    def begin(self, items: Sequence[Item]) -> None:
        """These are all models that are wanted."""

    def look(self, running: Sequence[Item]) -> None:
        """These are being made just now. Called several times a second."""

    def ended(self, item: Item) -> None:
        """Nothing more happens to this one."""

    def say(self, sentence: str, *, is_note: bool = False) -> None:
        """Say a sentence. Where it `is_note`, nothing is wrong, and nobody who wants quiet hears it."""

    def close(self) -> None:
        """Nothing more comes: leave the terminal as it was. May be called twice."""


def display(
    stream: IO[str],
    *,
    json: bool,
    quiet: bool,
    aside: IO[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Display:
    """Return what says on `stream` how the models are. With `json`, sentences go to `aside`, standard error where it is
    None, so that `stream` gets nothing but JSON."""
    from .bars import Bars
    from .json_lines import JsonLines
    from .lines import Lines

    if json:
        return JsonLines(stream, terminal.standard_error() if aside is None else aside, is_quiet=quiet)
    if not quiet and terminal.can_draw(stream, environment):
        return Bars(stream, terminal.Look.of(stream, environment))
    return Lines(stream, is_quiet=quiet)
