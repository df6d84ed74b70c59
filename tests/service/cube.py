# SPDX-License-Identifier: GPL-3.0-or-later
"""A textured cube as GLB, for tests that need a model at once and do not mind which. Needs numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from .textures import assembled, flat

FLOAT, UNSIGNED_SHORT = 5126, 5123  # glTF 2.0, section 3.6.2.2
VERTEX_DATA, INDEX_DATA = 34962, 34963


def cube_glb(*, textured: bool = True, filler: int = 0) -> bytes:
    """A cube two units wide, 24 corners and 12 triangles, with a PNG as base colour; `filler` bytes make the file
    larger."""
    positions, normals, coordinates, indices = _faces()
    parts: list[tuple[bytes, int | None]] = [
        (positions.tobytes(), VERTEX_DATA),
        (normals.tobytes(), VERTEX_DATA),
        (coordinates.tobytes(), VERTEX_DATA),
        (indices.tobytes(), INDEX_DATA),
        (flat("base_color").content, None),
    ]
    binary, views = b"", []
    for content, target in parts[: 5 if textured else 4]:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)})
        if target:
            views[-1]["target"] = target
        binary += content + b"\0" * (-len(content) % 4)
    binary += b"\0" * (filler + -filler % 4)
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "The stand-in"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Cube"}],
        "meshes": [
            {"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}]}
        ],
        "materials": [{"name": "Cube", "pbrMetallicRoughness": {"metallicFactor": 0.0}}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": FLOAT,
                "count": 24,
                "type": "VEC3",
                "min": positions.min(axis=0).tolist(),
                "max": positions.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": FLOAT, "count": 24, "type": "VEC3"},
            {"bufferView": 2, "componentType": FLOAT, "count": 24, "type": "VEC2"},
            {"bufferView": 3, "componentType": UNSIGNED_SHORT, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
    }
    if textured:
        document["images"] = [{"bufferView": 4, "mimeType": "image/png"}]
        document["textures"] = [{"source": 0}]
        document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    return assembled(document, binary)


def _faces() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Corners, normals, texture coordinates and triangles of six faces, each with four corners of its own."""
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32)
    positions, normals = [], []
    for axis in range(3):
        for sign in (-1, 1):
            face = np.empty((4, 3), np.float32)
            face[:, axis] = sign
            # Corners run counter-clockwise seen from outside.
            face[:, [(axis + 1) % 3, (axis + 2) % 3]] = square if sign > 0 else square[::-1]
            positions.append(face)
            normals.append(np.tile(np.eye(3, dtype=np.float32)[axis] * sign, (4, 1)))
    triangles = np.arange(0, 24, 4)[:, None] + np.array([0, 1, 2, 0, 2, 3])
    return (
        np.concatenate(positions),
        np.concatenate(normals).astype(np.float32),
        np.tile((square + 1) / 2, (6, 1)).astype(np.float32),
        triangles.astype(np.uint16),
    )
