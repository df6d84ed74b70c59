# SPDX-License-Identifier: GPL-3.0-or-later
"""What a terminal can show: whether lines on it can be drawn anew, how large it is, which characters and colors it has,
and how wide a text is there. Writes nothing, and imports no bpy."""

import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from ..api.words import NAMELESS, WORDS_AT_MOST, clean, named

WIDTH, HEIGHT = 80, 24
"""Of a terminal that does not tell."""

BLOCKS, PLAIN_BLOCKS = ("█", "░"), ("#", ".")
"""Of a bar, what is done and what is not, where the characters can be written, and where not."""

STANDARD_OUTPUT, STANDARD_ERROR = -11, -12
"""What Windows calls them (GetStdHandle)."""
ENABLE_VIRTUAL_TERMINAL_PROCESSING = 0x0004
"""Windows' consoles know escapes from Windows 10 on, where they are asked to (SetConsoleMode)."""


@dataclass(frozen=True)
class Look:
    """How things are drawn on a terminal."""

    done: str
    left: str
    has_color: bool
    """Whether colors are wanted: see https://no-color.org."""

    @classmethod
    def of(cls, stream: IO[str], environment: Mapping[str, str] | None = None) -> "Look":
        """The look that suits `stream`."""
        variables = os.environ if environment is None else environment
        blocks = "".join(BLOCKS)
        done, left = BLOCKS if writable(blocks, stream) == blocks else PLAIN_BLOCKS
        return cls(done, left, has_color=not variables.get("NO_COLOR"))


def can_draw(stream: IO[str], environment: Mapping[str, str] | None = None) -> bool:
    """Whether `stream` is a terminal on which lines can be drawn anew."""
    variables = os.environ if environment is None else environment
    if not _is_terminal(stream) or variables.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or _knows_escapes(stream)


def size(stream: IO[str]) -> tuple[int, int]:
    """How many columns and lines a terminal has now: it may be resized at any time."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        found = shutil.get_terminal_size((WIDTH, HEIGHT))
    return found.columns or WIDTH, found.lines or HEIGHT


def standard_error() -> IO[str]:
    """Standard error, or what swallows all where there is none, as in a Blender that was started from a menu."""
    return sys.stderr if sys.stderr is not None else open(os.devnull, "w", encoding="utf-8")


def writable(text: str, stream: IO[str]) -> str:
    """Return `text` with "?" for each character that the encoding of `stream` does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding, "replace")


def name_of(text: str) -> str:
    """A name or an address as it can be shown: no escapes, no marks that turn the writing, no keys."""
    return named(text, WORDS_AT_MOST) or NAMELESS


def sentence(text: str) -> str:
    """A sentence as it can be shown, in one line."""
    return clean(text, 2 * WORDS_AT_MOST)


def columns(text: str) -> int:
    """How many columns a text takes: two for a Chinese character, none for an accent of its own."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def fit(text: str, width: int) -> str:
    """Return `text` in exactly `width` columns: filled up with spaces, or cut, with a mark at its end."""
    missing = width - columns(text)
    if missing >= 0:
        return text + " " * missing
    kept, room = "", width - 1
    for character in text:
        room -= _columns_of(character)
        if room < 0:
            break
        kept += character
    return fit(f"{kept}~", width) if width > 0 else ""


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # there is no stream, or it is closed
        return False


def _knows_escapes(stream: IO[str]) -> bool:
    """Whether a console of Windows knows escapes, which it is asked to."""
    if sys.platform != "win32":
        return True
    import ctypes

    kernel = ctypes.WinDLL("kernel32")
    handle = kernel.GetStdHandle(STANDARD_ERROR if stream is sys.stderr else STANDARD_OUTPUT)
    mode = ctypes.c_ulong()
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(kernel.SetConsoleMode(handle, mode.value | ENABLE_VIRTUAL_TERMINAL_PROCESSING))
