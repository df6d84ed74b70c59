# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for pictures on the command line (files, folders, patterns, addresses, a list) -> one picture after the
other. Opens no picture, and imports no bpy."""

import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..api import sources
from ..api.words import named

LIST = "-"
"""What stands for a list on standard input."""
COMMENT = "#"

PATTERN = re.compile(r"[*?\[]")

LIST_BYTES = 64 << 20  # a million lines; more would be no list of pictures


@dataclass
class Found:
    """The pictures that were asked for, each once, in their order: paths and addresses. `troubles` are sentences about
    what gave no picture, `notes` about what was given twice."""

    sources: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find(words: Sequence[str], read_list: Callable[[], bytes]) -> Found:
    """Find the pictures that `words` stand for; `read_list` reads standard input, and is called where "-" is among
    them."""
    found, seen = Found(), set[str]()
    for word in _with_lists(words, read_list, found):
        for source in _sources_of(word, found):
            key = source if sources.is_url(source) else os.path.normcase(os.path.realpath(source))
            if key in seen:
                found.notes.append(f"{named(source)} was given twice: it is made once.")
                continue
            seen.add(key)
            found.sources.append(source)
    return found


def _with_lists(words: Sequence[str], read_list: Callable[[], bytes], found: Found) -> Iterator[str]:
    """`words`, with the lines of the list in the place of the first "-"."""
    is_read = False
    for word in words:
        if word != LIST:
            yield word
        elif not is_read:
            is_read = True
            yield from _lines(read_list(), found)


def _lines(content: bytes, found: Found) -> list[str]:
    """The lines that name something: neither empty nor a comment."""
    if len(content) > LIST_BYTES:
        found.troubles.append(f"The list on standard input is larger than {LIST_BYTES >> 20} MB: split it.")
        return []
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = os.fsdecode(content)
    lines = [line.strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not line.startswith(COMMENT)]
    if not wanted:
        found.troubles.append("The list on standard input names no picture.")
    return wanted


def _sources_of(word: str, found: Found) -> list[str]:
    """The pictures that one word stands for."""
    source = sources.cleaned(word)
    if sources.is_url(source):
        return [source]
    if sources.is_data(source):
        found.troubles.append("A picture inside of its address (data:) is not taken here: save it as a file.")
        return []
    if not source or "\0" in source:
        found.troubles.append("An empty word is no picture: name a file, a folder, a pattern or an address.")
        return []
    if os.path.isdir(source):
        return _in_folder(source, found)
    if PATTERN.search(source) and not os.path.lexists(source):
        return _matching(source, found)
    # What is missing stays as it was written: who looks at it says what is wrong.
    return [os.path.abspath(source) if os.path.lexists(source) else source]


def _in_folder(folder: str, found: Found) -> list[str]:
    """The picture files in a folder, but for hidden ones, in the order of their names."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        found.troubles.append(f"The folder {named(folder)} cannot be read ({os.strerror(error.errno or 0)}).")
        return []
    pictures = [name for name in names if sources.ending_of(name) and not name.startswith(".")]
    if not pictures:
        found.troubles.append(f"There is no picture in {named(folder)}: name another folder, or use {_below(folder)}.")
    return [os.path.abspath(os.path.join(folder, name)) for name in sorted(pictures, key=_in_order)]


def _below(folder: str) -> str:
    """The pattern for what lies in the folders below."""
    return named(os.path.join(folder, "**", "*.png"))


def _matching(pattern: str, found: Found) -> list[str]:
    """The files that a pattern stands for, and the pictures in folders that it stands for, unless there is `**` in it,
    which stands for all of them by itself."""
    try:
        matches = sorted(glob.glob(pattern, recursive=True), key=_in_order)
    except (OSError, ValueError, re.error):
        matches = []
    files = [os.path.abspath(match) for match in matches if not os.path.isdir(match)]
    if "**" in pattern:
        files = [file for file in files if sources.ending_of(file)]
    else:
        files += [file for match in matches if os.path.isdir(match) for file in _in_folder(match, found)]
    if not files:
        found.troubles.append(f"Nothing fits the pattern {named(pattern)}: check its spelling.")
    return files


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts numbers in names as people do: 2 before 10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
