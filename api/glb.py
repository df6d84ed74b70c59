# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this file really a GLB, whole, and does it keep to itself? Reads headers and JSON; never decodes a mesh or image.

Source: glTF 2.0, section 4 "GLB File Format Specification"; `uri` in 5.9 (buffer) and 5.16 (image).
"""

import base64
import json
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .errors import GlbError
from .extras import keep_plain

HEADER = struct.Struct("<4sII")  # magic, version, length of the whole file in bytes
CHUNK = struct.Struct("<I4s")  # length of the chunk's data in bytes, type
ALIGNMENT_BYTES = 4  # every chunk starts and ends on it

DATA_URI = re.compile(
    r"data:(?P<type>(?:[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=(?:[\w.+'%*-]*|\"[\w .+'%*=-]*\"))*);base64,",
    re.ASCII | re.IGNORECASE,
)
"""What is before the content of a data URI in base64 (RFC 2397): a media type, with parameters, or nothing. Case does
not count."""

DAMAGED = "The model's file is damaged: try again."
OUTSIDE = "The model refers to files outside itself, which Blender must not open: try again."


def check(path: Path) -> dict[str, Any]:
    """Return the JSON of a GLB; raise `GlbError` unless `path` is a complete GLB 2.0 that refers to nothing outside
    itself.

    The chunks are walked to the end of the file, so that a cut or padded file is found here and not by an importer.
    Every uri in buffers and images is refused but a data URI in base64 that can be decoded: Blender's importer (4.2 to
    5.2) opens whatever else there is as a path, "data:/../../etc/passwd" too.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER.size)
        if len(head) < HEADER.size or not head.startswith(b"glTF"):
            raise GlbError(
                "The service delivered a file that is not a GLB model: try again, or choose another picture."
            )
        _, version, length = HEADER.unpack(head)
        if version != 2:
            raise GlbError(f"The service delivered a GLB of version {version}, and Blender reads version 2: try again.")
        if length != size:
            raise GlbError(f"The model is incomplete ({size} of {length} bytes): try again.")
        document = _read_document(file, size)
    for entry in _with_uri(document):
        _require_data(entry["uri"])
    return document


def as_blender_reads(path: Path, copy: Path) -> Path:
    """Return `path` where Blender's importer may read the checked GLB as it is, else `copy`, a file that it may.

    The importer (4.2 to 5.2) knows "data:" and ";base64," in small letters only; and of what a service has put into
    `extras`, only what is plain may become properties (see `extras.keep_plain`). Raises `GlbError` as `check` does, and
    `OSError`.
    """
    document = check(path)
    changed = keep_plain(document)
    for entry in _with_uri(document):
        head = DATA_URI.match(entry["uri"])
        assert head is not None  # it was checked
        usual = f"data:{head['type']};base64,"
        if head[0] != usual:
            entry["uri"], changed = usual + entry["uri"][head.end() :], True
    if not changed:
        return path
    try:
        content = json.dumps(document).encode()
    except RecursionError:  # Python reads deeper than it writes
        raise GlbError(DAMAGED) from None
    content += b" " * (-len(content) % ALIGNMENT_BYTES)
    with path.open("rb") as source, copy.open("wb") as target:
        source.seek(HEADER.size)
        (length, _) = CHUNK.unpack(source.read(CHUNK.size))
        source.seek(length, 1)
        rest = path.stat().st_size - source.tell()
        target.write(HEADER.pack(b"glTF", 2, HEADER.size + CHUNK.size + len(content) + rest))
        target.write(CHUNK.pack(len(content), b"JSON") + content)
        shutil.copyfileobj(source, target)
    return copy


def missing_maps(path: Path) -> frozenset[str]:
    """Which maps the one material of a checked GLB lacks, by their names in `task.Result.maps`; none where there are
    several.

    Source: glTF 2.0, 5.19 (material) and 5.22 (pbrMetallicRoughness).
    """
    materials = _entries(check(path), "materials") or [{}]
    if len(materials) > 1:
        return frozenset()
    material = materials[0]
    surface = material.get("pbrMetallicRoughness")
    surface = surface if isinstance(surface, dict) else {}
    there = {
        "base_color": "baseColorTexture" in surface,
        "metallic": "metallicRoughnessTexture" in surface,
        "roughness": "metallicRoughnessTexture" in surface,
        "metallic_roughness": "metallicRoughnessTexture" in surface,
        "normal": "normalTexture" in material,
        "emission": "emissiveTexture" in material,
    }
    return frozenset(name for name, is_there in there.items() if not is_there)


def _with_uri(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The buffers and images that have a uri."""
    for entry in [*_entries(document, "buffers"), *_entries(document, "images")]:
        if entry.get("uri") is not None:
            yield entry


def _require_data(uri: Any) -> None:
    head = DATA_URI.match(uri) if isinstance(uri, str) else None
    if head is None:
        raise GlbError(OUTSIDE)
    try:
        base64.b64decode(uri[head.end() :], validate=True)
    except ValueError:
        raise GlbError(OUTSIDE) from None


def _entries(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in one of the arrays at the top; raise `GlbError` where there is something else."""
    entries = document.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise GlbError(DAMAGED)
    return entries


def _read_document(file: BinaryIO, size: int) -> dict[str, Any]:
    """Return the JSON of the first chunk, having seen that the chunks fill the file exactly."""
    content = b""
    while file.tell() < size:
        first = file.tell() == HEADER.size
        head = file.read(CHUNK.size)
        if len(head) < CHUNK.size:
            raise GlbError(DAMAGED)
        length, kind = CHUNK.unpack(head)
        if length % ALIGNMENT_BYTES or file.tell() + length > size or first != (kind == b"JSON"):
            raise GlbError(DAMAGED)
        if first:
            content = file.read(length)
        else:
            file.seek(length, 1)
    try:
        document = json.loads(content.decode())  # as the importer does: bytes alone may be taken for UTF-16
    except (ValueError, RecursionError):
        raise GlbError(DAMAGED) from None
    if not isinstance(document, dict) or "asset" not in document:
        raise GlbError(DAMAGED)
    return document
