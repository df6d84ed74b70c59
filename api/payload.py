# SPDX-License-Identifier: GPL-3.0-or-later
"""The payload of a create request, in which a picture file becomes a data URI while it is sent. Never holds a whole
picture."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .headers import kind_of

PIECE_BYTES = 48 << 10  # of a file; a multiple of 3, so that the pieces' base64 can be strung together


class Payload:
    """`values` as JSON (UTF-8). A `pathlib.Path` in them, also in a list, is sent as the data URI of that PNG or JPEG
    file.

    `check_cancelled` is called between two pieces and may raise, to end the request before it is complete. `sent_whole`
    says whether the last byte has been handed over: before that, no server can have acted on it.
    """

    media_type = "application/json"

    def __init__(self, values: Mapping[str, Any], check_cancelled: Callable[[], None] = lambda: None) -> None:
        self._check_cancelled = check_cancelled
        self._parts = _parts(values)
        self._length = sum(_length(part) for part in self._parts)
        self.sent_whole = False

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        left = self._length
        for part in self._parts:
            for piece in _pieces(part):
                self._check_cancelled()
                left -= len(piece)
                self.sent_whole = left <= 0  # before it is handed over: in doubt it has arrived
                yield piece


def _parts(values: Mapping[str, Any]) -> list[bytes | Path]:
    """The JSON, cut where the files' base64 goes."""
    mark = secrets.token_hex(16)  # occurs in no value
    files: list[Path] = []

    def marked(value: Any) -> str:
        if not isinstance(value, Path):
            raise TypeError(f"{type(value).__name__} is no JSON")
        files.append(value)
        return f"data:{media_type(value)};base64,{mark}"

    texts = json.dumps(values, default=marked).encode().split(mark.encode())
    parts: list[bytes | Path] = [texts[0]]
    for file, text in zip(files, texts[1:], strict=True):
        parts += [file, text]
    return parts


def _length(part: bytes | Path) -> int:
    return len(part) if isinstance(part, bytes) else -(-part.stat().st_size // 3) * 4


def _pieces(part: bytes | Path) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
        return
    with part.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield base64.b64encode(piece)


def media_type(file: Path) -> str:
    """The media type of a PNG or JPEG by its first bytes: endings lie."""
    return "image/png" if kind_of(file) == "PNG" else "image/jpeg"
