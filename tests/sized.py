# SPDX-License-Identifier: GPL-3.0-or-later
"""Models as large as services deliver them: a bumpy ball with three maps whose PNGs are as long as those of real maps.
For measuring only. Needs numpy only."""

import struct
import zlib

import numpy as np
from service.textures import assembled

FLOAT, UNSIGNED_INT = 5126, 5125  # glTF 2.0, section 3.6.2.2
EFFORT = 1  # zlib's level: what takes long is to write them
NOISE = 4  # so many values: a third of the pixels' size is left, as of the maps of services


def ball_glb(triangles, pixels):
    """A GLB of about so many triangles, with maps so wide: colour, metallic and roughness, normals."""
    positions, coordinates, indices = _ball(max(2, round((triangles / 2) ** 0.5)))
    normals = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    accessors = [
        {"componentType": FLOAT, "type": "VEC3", "min": positions.min(0).tolist(), "max": positions.max(0).tolist()},
        {"componentType": FLOAT, "type": "VEC3"},
        {"componentType": FLOAT, "type": "VEC2"},
        {"componentType": UNSIGNED_INT, "type": "SCALAR"},
    ]
    arrays = [positions, normals, coordinates, indices]
    for number, (accessor, array) in enumerate(zip(accessors, arrays, strict=True)):
        accessor |= {"bufferView": number, "count": len(array)}
    maps = [_map(pixels, number, base) for number, base in enumerate([(150, 110, 90), (0, 170, 0), (128, 128, 240)])]
    binary, views = b"", []
    for content in (*(array.tobytes() for array in arrays), *maps):
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)})
        binary += content + b"\0" * (-len(content) % 4)
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Ball"}],
        "meshes": [
            {"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}]}
        ],
        "materials": [
            {
                "name": "Ball",
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 1}},
                "normalTexture": {"index": 2},
            }
        ],
        "textures": [{"source": number} for number in range(3)],
        "images": [{"bufferView": 4 + number, "mimeType": "image/png"} for number in range(3)],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    return assembled(document, binary)


def _ball(side):
    """Corners, map coordinates and triangles of a ball, made of a grid of `side` by `side` squares."""
    v, u = np.mgrid[0 : side + 1, 0 : side + 1].reshape(2, -1) / side
    around, down = u * 2 * np.pi, v * np.pi
    radius = 0.5 + 0.02 * np.sin(around * 12) * np.sin(down * 9) ** 2
    positions = np.stack(
        [radius * np.sin(down) * np.cos(around), radius * np.cos(down), radius * np.sin(down) * np.sin(around)], 1
    )
    first = (np.arange(side)[:, None] * (side + 1) + np.arange(side)).ravel()
    corners = np.stack([first, first + 1, first + side + 1, first + 1, first + side + 2, first + side + 1], 1)
    return positions.astype(np.float32), np.stack([u, v], 1).astype(np.float32), corners.ravel().astype(np.uint32)


def _map(pixels, seed, base):
    """A square PNG of one colour with waves and noise."""
    dice = np.random.default_rng(seed)
    waves = np.sin(np.arange(pixels) * (20 / pixels)) * 20
    rows = np.empty((pixels, 1 + 3 * pixels), np.uint8)
    rows[:, 0] = 2  # each row as its difference from the one above, as most writers have it
    values = rows[:, 1:].reshape(pixels, pixels, 3)
    values[:] = base
    values += (waves[:, None, None] + waves[None, :, None]).astype(np.int8).astype(np.uint8)
    values += dice.integers(0, NOISE, values.shape, np.uint8)
    rows[1:, 1:] -= rows[:-1, 1:].copy()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", pixels, pixels, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, EFFORT)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
