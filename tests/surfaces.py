# SPDX-License-Identifier: GPL-3.0-or-later
"""Small GLBs whose materials are what a test is about, and what `convert` makes of them. In a real Blender."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from drawing import png
from service.textures import assembled

from image_to_3d.headless import convert as program
from image_to_3d.headless.report import Report

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
FACES = np.array([[0, 1, 2], [0, 2, 3]], np.uint16)

RED = (200, 40, 30, 255)
GREY = (90, 90, 90, 255)
DARK = (20, 20, 20, 255)
BLUISH = (120, 130, 250, 255)
PACKED = (255, 70, 180, 255)
GLOW = (10, 220, 10, 255)


def flat(color: tuple[int, int, int, int], corner: int = 255) -> bytes:
    """A small PNG of one colour; the alpha of its first pixel is `corner`."""
    pixels = np.full((8, 8, 4), color, np.uint8)
    pixels[0, 0, 3] = corner
    return png(pixels)


def write_glb(
    path: Path,
    *materials: dict[str, Any],
    images: tuple[bytes, ...] = (),
    uv: bool = True,
    meshes: int | None = None,
    colors: dict[int, np.ndarray] | None = None,
    in_one: bool = False,
    **entries: Any,
) -> Path:
    """A square for each material, then `meshes` squares of no material; textures 0, 1, ... for the images.

    `colors` are colours for the corners of squares, by their number; `in_one` makes all squares one mesh. `entries` go
    into the JSON.
    """
    binary = b""
    views = []

    def view(data: bytes) -> int:
        nonlocal binary
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
        binary += data + b"\0" * (-len(data) % 4)
        return len(views) - 1

    accessors = [
        {
            "bufferView": view(CORNERS.tobytes()),
            "componentType": 5126,
            "count": 4,
            "type": "VEC3",
            "min": [0, 0, 0],
            "max": [1, 1, 0],
        },
        {"bufferView": view(UV.tobytes()), "componentType": 5126, "count": 4, "type": "VEC2"},
        {"bufferView": view(FACES.tobytes()), "componentType": 5123, "count": 6, "type": "SCALAR"},
    ]
    attributes = {"POSITION": 0} | ({"TEXCOORD_0": 1} if uv else {})
    primitives = [{"attributes": attributes, "indices": 2, "material": number} for number in range(len(materials))]
    primitives += [{"attributes": attributes, "indices": 2}] * (meshes or 0)
    for number, values in (colors or {}).items():
        entry = {"bufferView": view(values.astype(np.float32).tobytes()), "componentType": 5126, "count": len(values)}
        accessors.append({**entry, "type": f"VEC{values.shape[1]}"})
        primitives[number] = {**primitives[number], "attributes": {**attributes, "COLOR_0": len(accessors) - 1}}
    squares = [primitives] if in_one else [[primitive] for primitive in primitives]
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(squares)))}],
        "nodes": [{"mesh": number} for number in range(len(squares))],
        "meshes": [{"primitives": square} for square in squares],
        "accessors": accessors,
        "materials": list(materials),
        "images": [{"bufferView": view(image), "mimeType": "image/png"} for image in images],
        "textures": [{"source": number} for number in range(len(images))],
        "bufferViews": views,
        "buffers": [{"byteLength": len(binary)}],
        "extensionsUsed": ["KHR_materials_unlit"],
        **entries,
    }
    path.write_bytes(assembled({key: value for key, value in document.items() if value != []}, binary))
    return path


def surface(**entries: Any) -> dict[str, Any]:
    """A material with a base color texture (image 0) that is told to be no metal; `entries` go beside or into that."""
    inner = {"baseColorTexture": {"index": 0}, "metallicFactor": 0}
    for key in ("metallicFactor", "baseColorTexture", "metallicRoughnessTexture", "baseColorFactor"):
        if key in entries:
            inner[key] = entries.pop(key)
    return {
        "name": "Skin",
        "pbrMetallicRoughness": {key: value for key, value in inner.items() if value is not None},
        **entries,
    }


@dataclass(frozen=True)
class Result:
    """What `convert` wrote, appended to an empty file."""

    note: str
    objects: list[bpy.types.Object]
    materials: list[bpy.types.Material]

    @property
    def principled(self) -> bpy.types.Node:
        """The one Principled BSDF of the one material, which feeds the output."""
        (material,) = self.materials
        (node,) = (node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        (output,) = (node for node in material.node_tree.nodes if node.type == "OUTPUT_MATERIAL")
        assert output.inputs["Surface"].links[0].from_node == node
        return node

    def value(self, socket: str) -> Any:
        """The value of an input that nothing feeds."""
        assert not self.principled.inputs[socket].links
        return self.principled.inputs[socket].default_value

    def fed(self, socket: str, through: str = "") -> tuple[bpy.types.Image, str]:
        """The image that feeds an input, directly or `through` a node of a type, and the name of the first node's
        output."""
        (link,) = self.principled.inputs[socket].links
        node, output = link.from_node, link.from_socket.name
        if through:
            assert node.type == through
            node = node.inputs["Color"].links[0].from_node
        assert node.type == "TEX_IMAGE"
        assert node.image.packed_file
        assert node.label
        return node.image, output

    def fed_by(self, socket: str, color: tuple[int, ...], space: str, through: str = "") -> bpy.types.Image:
        """The image at an input, after its colour and colour space were looked at."""
        image, _ = self.fed(socket, through)
        assert image.colorspace_settings.name == space
        assert np.round(np.array(image.pixels[-4:]) * 255).astype(int)[:3].tolist() == list(color[:3])
        return image


def converting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that converts a GLB with maps given as bytes, and opens what came out."""
    # The thumbnail shows nothing about materials that the nodes do not, and takes most of the time.
    monkeypatch.setattr(program, "render", lambda path: path.write_bytes(b""))

    def convert(glb: Path, maps: dict[str, bytes] | None = None) -> Result:
        request = request_for(glb, tmp_path, maps)
        facts = program.convert(request, Report(tmp_path / "report.jsonl"))
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        with bpy.data.libraries.load(request["blend"], link=False) as (there, here):
            here.collections = there.collections
        return Result(facts["note"], list(bpy.data.objects), list(bpy.data.materials))

    return convert


def request_for(glb: Path, folder: Path, maps: dict[str, bytes] | None) -> dict[str, Any]:
    """What jobs/run.py writes; None as the maps leaves them out."""
    request: dict[str, Any] = {"glb": str(glb), "name": "Star", "quads": False}
    request |= {"blend": str(folder / "result.blend"), "thumbnail": str(folder / "thumbnail.png")}
    if maps is not None:
        (folder / "maps").mkdir()
        for key, content in maps.items():
            (folder / "maps" / f"{key}.png").write_bytes(content)
        request["maps"] = {key: str(folder / "maps" / f"{key}.png") for key in maps}
    return request
