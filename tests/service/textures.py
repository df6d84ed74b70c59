# SPDX-License-Identifier: GPL-3.0-or-later
"""The loose maps beside a model: its own pictures where they can be taken as they are, flat ones else. Decodes no
picture."""

from __future__ import annotations

import functools
import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from drawing import png

PIXELS = 64
FLAT = {
    "base_color": (180, 180, 180, 255),
    "metallic": (0, 0, 0, 255),
    "roughness": (128, 128, 128, 255),
    "normal": (128, 128, 255, 255),
    "emission": (0, 0, 0, 255),
    "preview": (90, 110, 130, 255),
    "alpha_preview": (90, 110, 130, 0),
}
JSON_CHUNK, BINARY_CHUNK = b"JSON", b"BIN\0"


class Picture(NamedTuple):
    content: bytes
    media_type: str


@functools.cache
def flat(name: str) -> Picture:
    """A small picture of one colour."""
    pixels = np.zeros((PIXELS, PIXELS, 4), np.uint8)
    pixels[:] = FLAT[name]
    return Picture(png(pixels), "image/png")


@functools.lru_cache(maxsize=4)
def loose_maps(model: Path) -> dict[str, Picture]:
    """`base_color`, `metallic`, `roughness` and `normal` for a model.

    Metallic and roughness are packed into one picture in a GLB, so that these two are always flat here.
    """
    found = {}
    try:
        document, binary = chunks(model)
        material = document["materials"][0]
        places = {
            "base_color": material.get("pbrMetallicRoughness", {}).get("baseColorTexture"),
            "normal": material.get("normalTexture"),
        }
        for name, place in places.items():
            picture = _picture(model, document, binary, place) if place else None
            if picture:
                found[name] = picture
    except (KeyError, IndexError, ValueError, struct.error):
        pass  # a GLB that is broken on purpose has flat maps
    return {name: found.get(name) or flat(name) for name in ("base_color", "metallic", "roughness", "normal")}


def chunks(model: Path) -> tuple[dict[str, Any], int]:
    """A GLB's JSON, and where its binary chunk's data begin (glTF 2.0, section 4.4)."""
    with model.open("rb") as file:
        file.seek(12)
        length, kind = struct.unpack("<I4s", file.read(8))
        if kind != JSON_CHUNK:
            raise ValueError("no GLB")
        return json.loads(file.read(length)), 12 + 8 + length + 8


def _picture(model: Path, document: dict[str, Any], binary: int, place: dict[str, Any]) -> Picture | None:
    image = document["images"][document["textures"][place["index"]]["source"]]
    if "bufferView" not in image or image.get("mimeType") not in ("image/png", "image/jpeg"):
        return None
    view = document["bufferViews"][image["bufferView"]]
    with model.open("rb") as file:
        file.seek(binary + view.get("byteOffset", 0))
        return Picture(file.read(view["byteLength"]), image["mimeType"])


def renamed(content: bytes) -> bytes:
    """Another valid GLB of the same model: its generator has another name. Other bytes get one more."""
    if content[:4] != b"glTF":
        return content + b"\n"
    document, binary = parted(content)
    document["asset"]["generator"] = "Another making"
    return assembled(document, binary)


def parted(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the binary chunk of a GLB."""
    (length,) = struct.unpack_from("<I", content, 12)
    return json.loads(content[20 : 20 + length]), content[20 + length + 8 :]


def assembled(document: dict[str, Any], binary: bytes) -> bytes:
    """A GLB of its JSON and its binary chunk."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    body = struct.pack("<I4s", len(text), JSON_CHUNK) + text + struct.pack("<I4s", len(binary), BINARY_CHUNK) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body
