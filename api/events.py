# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream of events (text/event-stream): its lines, and what they say. Opens nothing, and knows no service.

Source: HTML Living Standard, 9.2.6.
"""

import json
from collections.abc import Iterator
from typing import Any

import requests

from .connection import BROKEN, PIECE_BYTES, Opened

LINE_BYTES = 4 << 20  # the events of Meshy have a few thousand
EVENT_AT_MOST = 1 << 20  # characters; a task of Meshy has some thousands

Event = tuple[str, dict[str, Any]]
"""Its kind ("message" where it names none), and its data."""


def events_of(opened: Opened, quiet_s: float) -> Iterator[Event]:
    """Give the events of a stream as they come; end with it, or when it has been silent for `quiet_s`. Data that is no
    JSON object is left out.

    Raises `requests.exceptions.RequestException` where the connection breaks, or a line has no end.
    """
    kind, data = "message", ""
    for line in _lines(opened, quiet_s):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            kind = value
        elif field == "data" and len(data) < EVENT_AT_MOST:  # cut, it is no JSON
            data += f"{value}\n"
        elif not line:
            try:
                content = json.loads(data)
            except (ValueError, RecursionError):
                content = None
            if isinstance(content, dict):
                yield kind, content
            kind, data = "message", ""


def _lines(opened: Opened, quiet_s: float) -> Iterator[str]:
    """Give the lines of a stream as they come; end with it, or when it has been silent for so long. Raises as
    `Opened.pieces` does."""
    opened.watch.expect_stream(quiet_s)
    # What comes in chunks is given chunk by chunk; of anything else nobody knows how much is there before it is asked
    # for.
    size = PIECE_BYTES if opened.raw.chunked else 1
    line = bytearray()
    try:
        for piece in opened.raw.stream(size, decode_content=False):
            opened.watch.next_step()
            *ended, rest = piece.split(b"\n")
            for end in ended:
                line += end
                yield line.rstrip(b"\r").decode("utf-8", "replace")
                line.clear()
            line += rest
            if len(line) > LINE_BYTES:
                raise requests.exceptions.ConnectionError("a line without end")
    except BROKEN as error:
        if not opened.watch.is_silent:
            raise requests.exceptions.ConnectionError(str(error)) from error
