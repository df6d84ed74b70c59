# SPDX-License-Identifier: GPL-3.0-or-later
"""The buffers and images of a glTF's JSON: whether each keeps to the file, and all of them laid into one buffer. Reads
no file.

Source: glTF 2.0, 5.9 (buffer), 5.11 (bufferView), 5.16 (image); RFC 2397 for data URIs.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

from .errors import BrokenGlbError
from .gltf import broken

DATA_URI = re.compile(
    r"data:(?P<type>(?:[\w.+-]+/[\w.+-]+)?)(?:;[\w.+-]+=(?:[\w.+'%*-]*|\"[\w .+'%*=-]*\"))*;base64,",
    re.ASCII | re.IGNORECASE,
)
"""What is before the content of a data URI in base64 (RFC 2397): a media type, with parameters, or nothing. Case does
not count."""

OUTSIDE = "The model refers to files outside itself, which Blender must not open: report this to the service."

MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
"""With these a view has its data elsewhere, compressed; a buffer that only says how much room they take unpacked holds
nothing."""

SIGNATURES = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
"""How the pictures begin that a GLB may hold (glTF 2.0, 5.16; EXT_texture_webp)."""


def require_data(document: dict[str, Any]) -> None:
    """Raise `BrokenGlbError` where a buffer or image has a uri that is no data in base64."""
    for entry in _with_uri(document):
        _data_of(entry["uri"])


def require_buffers(document: dict[str, Any], chunk_length: int) -> None:
    """Raise `BrokenGlbError` where a buffer has no data that a view asks for, or less than it says. `chunk_length` is
    that of the binary chunk in bytes, 0 for none."""
    buffers = document.get("buffers", [])
    if buffers and buffers[0].get("uri") is None and buffers[0].get("byteLength", 0) > chunk_length:
        raise broken("its binary chunk is shorter than it says")
    asked = {view["buffer"] for view in document.get("bufferViews", []) if view["byteLength"]}
    for number in sorted(asked):
        if number and buffers[number].get("uri") is None and not _is_for_unpacking(buffers[number]):
            raise broken(f"buffers[{number}] has no data")


def into_one_buffer(document: dict[str, Any], chunk_length: int, alignment: int) -> tuple[int, list[bytes]]:
    """Have all buffers and images of a checked `document` refer to one buffer, and none to a uri.

    Return how many bytes that buffer takes of the binary chunk (more than `chunk_length` where zeros are to follow),
    and the pieces that come after it. Each piece begins on `alignment` bytes.
    """
    buffers = document.get("buffers", [])
    has_chunk = bool(buffers) and buffers[0].get("uri") is None and chunk_length > 0
    own = _rounded(chunk_length, alignment) if has_chunk else 0
    added: list[bytes] = []
    length = own
    places: list[tuple[int, int, int]] = []  # for each buffer: its number, where it begins, how long it is
    empty: list[dict[str, Any]] = []
    for number, buffer in enumerate(buffers):
        uri = buffer.pop("uri", None)
        if uri is not None:
            data = _data_of(uri)[1]
            places.append((0, length, len(data)))
            added.append(data.ljust(_rounded(len(data), alignment), b"\0"))
            length += len(added[-1])
        elif number == 0 and has_chunk:
            places.append((0, 0, chunk_length))
        elif _is_for_unpacking(buffer):
            empty.append(buffer)
            places.append((len(empty), 0, buffer.get("byteLength", 0)))
        else:
            places.append((0, 0, 0))
    views = document.setdefault("bufferViews", [])
    for view in views:
        extensions = view.get("extensions", {})
        for place in (view, *(extensions[name] for name in MESHOPT if name in extensions)):
            _move(place, *places[place["buffer"]])
    own_views = len(views)
    for image in document.get("images", []):
        uri = image.pop("uri", None)
        if image.get("bufferView", 0) >= own_views:
            image.pop("bufferView", None)
        if uri is None or "bufferView" in image:
            continue
        media_type, data = _data_of(uri)
        image["bufferView"] = len(views)
        views.append({"buffer": 0, "byteOffset": length, "byteLength": len(data)})
        if kind := _picture_type(data) or media_type:
            image["mimeType"] = kind
        added.append(data.ljust(_rounded(len(data), alignment), b"\0"))
        length += len(added[-1])
    if not views:
        del document["bufferViews"]
    document["buffers"] = [{"byteLength": length}, *empty]
    return own, added


def _move(view: dict[str, Any], buffer: int, start: int, available: int) -> None:
    """Let a view look at the same bytes where they are now. What is beyond its buffer was never there."""
    offset = view.get("byteOffset", 0)
    view["buffer"], view["byteOffset"] = buffer, start + min(offset, available)
    view["byteLength"] = max(0, min(view["byteLength"], available - offset))


def _rounded(length: int, alignment: int) -> int:
    return length + -length % alignment


def _is_for_unpacking(buffer: dict[str, Any]) -> bool:
    return any(name in buffer.get("extensions", {}) for name in MESHOPT)


def _picture_type(data: bytes) -> str:
    return next((name for name, beginning in SIGNATURES if beginning.match(data)), "")


def _with_uri(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The buffers and images that have a uri."""
    for entry in [*document.get("buffers", []), *document.get("images", [])]:
        if entry.get("uri") is not None:
            yield entry


def _data_of(uri: Any) -> tuple[str, bytes]:
    """The media type in a data URI, "" for none, and its content."""
    head = DATA_URI.match(uri) if isinstance(uri, str) else None
    if head is None:
        raise BrokenGlbError(OUTSIDE)
    try:
        return head["type"].lower(), base64.b64decode(uri[head.end() :], validate=True)
    except ValueError:
        raise BrokenGlbError(OUTSIDE) from None
