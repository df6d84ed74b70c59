# SPDX-License-Identifier: GPL-3.0-or-later
"""Broken and hostile GLBs, each made from a good one: `make(seed, kind, number)` always gives the same bytes. Needs
neither numpy nor Blender, and writes nothing.

Source of what a good one is: glTF 2.0, and the extensions by their names in Khronos' registry.
"""

from __future__ import annotations

import base64
import copy
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

BYTE, UNSIGNED_BYTE, SHORT, UNSIGNED_SHORT, UNSIGNED_INT, FLOAT = 5120, 5121, 5122, 5123, 5125, 5126
LETTERS = {BYTE: "b", UNSIGNED_BYTE: "B", SHORT: "h", UNSIGNED_SHORT: "H", UNSIGNED_INT: "I", FLOAT: "f"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

CANARIES = "/tmp/image_to_3d_fuzz_canaries"
"""The folder that models name which refer to files outside themselves. `fuzz_models.py` plants files and a pipe in it,
and sees whether one is opened."""
MARKER = b"this picture is nobody's but the user's"
"""In each planted file: must be in no result."""

JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAIAAgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD5nooor88P20//2Q=="
)
"""8 by 8 pixels of one colour."""
JPEG_HEIGHT = JPEG.index(b"\xff\xc0") + 5
WEBP = base64.b64decode("UklGRjwAAABXRUJQVlA4IDAAAADQAQCdASoIAAgAAMASJaACdLoB+AADsAD++xnL/z8y+UVfBH/3OB7OB7OB+6YAAAA=")
WEBP_WIDTH = 26
DRACO = base64.b64decode(
    "RFJBQ08CAgEBAAAAGAwCDAAABd/3fd8H/wJmQP8CZkD/AmZAA/8AAAAAAAEAAAEACQMAAAIBAQkDAAEDAQMJAgACAgEBAQECAyEncQxxDA980e3sb88W91pJDKA0i4AAAAAA/z8AAAAAAL8AAAC/AAAAvwAAgD8OAAMBAAsDATAbAQgBCAYACvFzbYD/AQD+AwD8/w/8BwAAACDgP4AA/wMAAP8BAAAKAQEBAA0DARAjARgBGAcA/Fbqf1qJ/////v9//wGAAAIAAP7f/wEAAP4PgP/3fwDwfwAIgP/3fwDwf/8DYP/9HwD8HwAC4P/9HwAAAAAAAP8PAAAAAAA+AAAAAAAAgD8M"
)
"""A cube as Blender 4.5's exporter compresses it: 24 corners with normals and coordinates, 36 indices."""

NAN, INFINITE, LARGEST = float("nan"), float("inf"), 3.4028235e38
BAD_FLOATS = (NAN, INFINITE, -INFINITE, LARGEST, -LARGEST, 1e30, 1e19, 1e-45, -0.0)
BAD_NUMBERS = (NAN, INFINITE, -INFINITE, 1e308, -1e308, 1e39, 1e20, 1e-308, -0.0, 0, -1, 10**400, "1", None, True)
BAD_INDICES = (-1, -(2**31), 2**31 - 1, 2**31, 2**32, 2**63, 2**64, 10**30, True, 1.0, 0.5, 1e300, "0", None, [0])
BAD_COUNTS = (0, -1, 1, 2, 3, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**64, 10**30, 1.0, 2.5, True, "3", None)
WRONG = (
    None,
    True,
    False,
    "",
    "x",
    "0",
    -1,
    0,
    1.5,
    2**31,
    10**30,
    1e308,
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    [0] * 4,
    ["x"],
)
INDEX_NAMES = {
    "bufferView", "buffer", "indices", "material", "mesh", "camera", "skin", "skeleton", "source", "sampler", "index", "input",
    "output", "node", "scene", "light", "variant", "children", "joints", "nodes", "targets", "attributes", "variants",
}  # fmt: skip
MESHES_ALONE = 12
"""So many numbers of the kind "many" there are."""


class Model(NamedTuple):
    """A file, and in words what is wrong with it."""

    content: bytes
    words: str


def finished(made: Making, words: str) -> Model:
    """The file of what is made by now. (`words` often come from what spoils it, so that has happened before.)"""
    return Model(made.glb(), words)


class Making:
    """A GLB that is being made: its JSON as Python's values, and its binary chunk."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "The fuzz"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [],
            "meshes": [],
            "accessors": [],
            "bufferViews": [],
            "buffers": [{"byteLength": 0}],
        }
        self.binary = bytearray()
        self.holds: dict[str, tuple[int, int, str]] = {}
        """Where in the binary chunk what lies: place, number of values, and their letter in `struct`."""

    def add(self, name: str, entry: dict[str, Any]) -> int:
        """Append to one of the arrays at the top, and return the index."""
        entries = self.document.setdefault(name, [])
        entries.append(entry)
        return len(entries) - 1

    def view(self, content: bytes, **more: Any) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        place = len(self.binary)
        self.binary += content
        self.document["buffers"][0]["byteLength"] = len(self.binary)
        return self.add("bufferViews", {"buffer": 0, "byteOffset": place, "byteLength": len(content), **more})

    def accessor(self, what: str, values: list[float], component: int = FLOAT, kind: str = "VEC3", **more: Any) -> int:
        letter = LETTERS[component]
        number = self.view(struct.pack(f"<{len(values)}{letter}", *values))
        self.holds[what] = (self.document["bufferViews"][number]["byteOffset"], len(values), letter)
        count = len(values) // WIDTHS[kind]
        made = {"bufferView": number, "byteOffset": 0, "componentType": component, "count": count, "type": kind, **more}
        return self.add("accessors", made)

    def image(self, content: bytes, media_type: str = "image/png", **more: Any) -> int:
        return self.add("images", {"bufferView": self.view(content), "mimeType": media_type, **more})

    def texture(self, content: bytes, media_type: str = "image/png", **more: Any) -> int:
        return self.add("textures", {"source": self.image(content, media_type), **more})

    def extend(self, holder: dict[str, Any], name: str, content: Any, *, required: bool = False) -> None:
        """Give `holder` an extension."""
        holder.setdefault("extensions", {})[name] = content
        for array in ("extensionsUsed", *(("extensionsRequired",) if required else ())):
            entries = self.document.setdefault(array, [])
            if name not in entries:
                entries.append(name)

    def glb(self) -> bytes:
        return assembled(json.dumps(self.document).encode(), bytes(self.binary))


def assembled(text: bytes, binary: bytes | None = b"") -> bytes:
    """A GLB of its JSON, in whatever spelling, and its binary chunk."""
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    if binary is not None:
        binary += b"\0" * (-len(binary) % 4)
        body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def png(
    width: int, height: int, *, alpha: bool = False, seen: int = 0, depth: int = 8, rows: bytes = b"", more: bytes = b""
) -> bytes:
    """A PNG of `rows`, or of one byte in all of its places; `width` by `height` may be as large as a PNG's may be.

    Its rows are not made but told: zeros compressed in blocks, of which all but the last are the same bytes.
    """
    channels = 4 if alpha else 3
    row = 1 + (width * channels * depth + 7) // 8
    head = struct.pack(">IIBBBBB", width, height, depth, 6 if alpha else 2, 0, 0, 0)
    if rows:
        rows = zlib.compress(rows)
    elif seen or row * height < 1 << 20:
        rows = zlib.compress((b"\0" + bytes([seen]) * (row - 1)) * height)
    else:
        step = 1 << 20
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        block = packer.compress(b"\0" * step) + packer.flush(zlib.Z_FULL_FLUSH)
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        last = packer.compress(b"\0" * (row * height % step)) + packer.flush()
        check = ((row * height) % 65521 << 16) + 1  # Adler-32 of so many zeros (RFC 1950)
        rows = b"\x78\xda" + block * (row * height // step) + last + struct.pack(">I", check)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    text = chunk(b"tEXt", b"Comment\0" + more) if more else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def canary_png() -> bytes:
    """A good picture, a disc on white, with the marker in it."""
    side = 64
    rows = bytearray()
    for y in range(side):
        rows += b"\0"
        for x in range(side):
            rows += b"\x20\x60\xa0" if (x - 32) ** 2 + (y - 32) ** 2 < 600 else b"\xff\xff\xff"
    return png(side, side, rows=bytes(rows), more=MARKER)


# Good models.

CORNERS = [(x, y, z) for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)]
TRIANGLES = [0, 1, 3, 0, 3, 2, 4, 6, 7, 4, 7, 5, 0, 4, 5, 0, 5, 1, 2, 3, 7, 2, 7, 6, 0, 2, 6, 0, 6, 4, 1, 5, 7, 1, 7, 3]
PARTS = 8  # corners of the cube
MATRIX = [1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0]


def flat(rows: list[tuple[float, ...]]) -> list[float]:
    return [float(value) for row in rows for value in row]


def cube(made: Making, prefix: str = "", **attributes: int) -> dict[str, Any]:
    """A primitive: a cube that stands on the floor, with normals, coordinates and indices of its own."""
    long = [(value * 0.577 * 2) for corner in CORNERS for value in (corner[0], corner[1] - 0.5, corner[2])]
    return {
        "attributes": {
            "POSITION": made.accessor(f"{prefix}positions", flat(CORNERS), min=[-0.5, 0.0, -0.5], max=[0.5, 1.0, 0.5]),
            "NORMAL": made.accessor(f"{prefix}normals", long),
            "TEXCOORD_0": made.accessor(
                f"{prefix}coordinates", flat([(x + 0.5, y) for x, y, _ in CORNERS]), kind="VEC2"
            ),
            **attributes,
        },
        "indices": made.accessor(f"{prefix}indices", list(TRIANGLES), UNSIGNED_SHORT, "SCALAR"),
        "mode": 4,
    }


def plain() -> Making:
    """A cube with a picture."""
    made = Making()
    primitive = cube(made)
    made.texture(png(4, 4, seen=120))
    primitive["material"] = made.add(
        "materials", {"name": "Paint", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    )
    made.add("meshes", {"name": "Cube", "primitives": [primitive]})
    made.add("nodes", {"name": "Cube", "mesh": 0, "translation": [0.0, 2.0, 0.0]})
    return made


def skinned(made: Making) -> int:
    """A node with a cube on two bones, and the bones' nodes; returns the node above them all."""
    joints = made.accessor("joints", [0, 1, 0, 0] * PARTS, UNSIGNED_BYTE, "VEC4")
    weights = made.accessor("weights", [0.5, 0.5, 0.0, 0.0] * PARTS, kind="VEC4")
    mesh = made.add(
        "meshes", {"name": "Body", "primitives": [cube(made, "skinned ", JOINTS_0=joints, WEIGHTS_0=weights)]}
    )
    tip = made.add("nodes", {"name": "Tip", "translation": [0.0, 0.5, 0.0]})
    bone = made.add("nodes", {"name": "Bone", "children": [tip], "rotation": [0.0, 0.0, 0.0, 1.0]})
    inverse = made.accessor("inverse matrices", MATRIX + MATRIX[:13] + [-0.5, 0.0, 1.0], kind="MAT4")
    skin = made.add("skins", {"name": "Rig", "joints": [bone, tip], "inverseBindMatrices": inverse, "skeleton": bone})
    body = made.add("nodes", {"name": "Body", "mesh": mesh, "skin": skin})
    return made.add("nodes", {"name": "Rigged", "children": [bone, body], "translation": [3.0, 0.0, 0.0]})


def morphed(made: Making) -> int:
    """A node with a cube that has two shapes, one of them sparse."""
    primitive = cube(made, "morphed ")
    first = made.accessor("shape", [0.0, 0.2, 0.0] * PARTS)
    second = made.accessor("sparse base", [0.0] * 3 * PARTS)
    indices = made.view(struct.pack("<2H", 1, 5))
    values = made.view(struct.pack("<6f", 0, 0.5, 0, 0, 0.5, 0))
    made.holds["sparse indices"] = (made.document["bufferViews"][indices]["byteOffset"], 2, "H")
    made.holds["sparse values"] = (made.document["bufferViews"][values]["byteOffset"], 6, "f")
    made.document["accessors"][second]["sparse"] = {
        "count": 2,
        "indices": {"bufferView": indices, "byteOffset": 0, "componentType": UNSIGNED_SHORT},
        "values": {"bufferView": values, "byteOffset": 0},
    }
    primitive["targets"] = [{"POSITION": first, "NORMAL": first}, {"POSITION": second}]
    mesh = {
        "name": "Shapes",
        "primitives": [primitive],
        "weights": [0.5, 0.0],
        "extras": {"targetNames": ["Up", "Two"]},
    }
    return made.add(
        "nodes", {"name": "Shapes", "mesh": made.add("meshes", mesh), "weights": [0.25, 0.5], "scale": [1.0, 1.0, 1.0]}
    )


def animation(made: Making, node: int, shapes: int | None = None) -> None:
    """Have `node` move, and the shapes of another one change."""
    times = made.accessor("times", [0.0, 0.5, 1.0], kind="SCALAR", min=[0.0], max=[1.0])
    paths = {
        "translation": ("VEC3", [3.0, 0, 0, 3, 1, 0, 3, 0, 0]),
        "rotation": ("VEC4", [0.0, 0, 0, 1, 0, 0.7071, 0, 0.7071, 0, 1, 0, 0]),
        "scale": ("VEC3", [1.0] * 9),
    }
    samplers, channels = [], []
    for path, (kind, values) in paths.items():
        channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
        output = made.accessor(f"{path} keys", values, kind=kind)
        samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})
    if shapes is not None:
        channels.append({"sampler": len(samplers), "target": {"node": shapes, "path": "weights"}})
        output = made.accessor("weight keys", [0.0, 0, 0.5, 0.5, 1, 1], kind="SCALAR")
        samplers.append({"input": times, "output": output, "interpolation": "STEP"})
    made.add("animations", {"name": "Move", "samplers": samplers, "channels": channels})


def material(made: Making) -> int:
    """A material with nearly all that there is."""
    made.add("samplers", {"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 33071, "name": "Sampler"})
    place = {"KHR_texture_transform": {"offset": [0.1, 0.2], "rotation": 0.3, "scale": [2.0, 2.0], "texCoord": 0}}
    numbers = [made.texture(png(4, 4, seen=30 * count + 40), sampler=0, name=f"Texture {count}") for count in range(3)]
    textures = [{"index": number, "texCoord": 0} for number in numbers]
    made.document["extensionsUsed"] = ["KHR_texture_transform"]
    entry: dict[str, Any] = {
        "name": "Everything",
        "pbrMetallicRoughness": {
            "baseColorFactor": [0.8, 0.7, 0.6, 0.9],
            "baseColorTexture": {**textures[0], "extensions": place},
            "metallicFactor": 0.5,
            "roughnessFactor": 0.5,
            "metallicRoughnessTexture": textures[1],
        },
        "normalTexture": {**textures[2], "scale": 0.8},
        "occlusionTexture": {**textures[1], "strength": 0.5},
        "emissiveTexture": textures[0],
        "emissiveFactor": [0.1, 0.1, 0.1],
        "alphaMode": "MASK",
        "alphaCutoff": 0.4,
        "doubleSided": True,
        "extras": {"kept": 1},
    }
    for name, content in EXTENSIONS_OF_MATERIALS.items():
        made.extend(entry, name, copy.deepcopy(content))
    return made.add("materials", entry)


MAP = {"index": 0}
EXTENSIONS_OF_MATERIALS: dict[str, Any] = {
    "KHR_materials_emissive_strength": {"emissiveStrength": 2.0},
    "KHR_materials_clearcoat": {
        "clearcoatFactor": 0.5,
        "clearcoatTexture": MAP,
        "clearcoatRoughnessFactor": 0.2,
        "clearcoatNormalTexture": {"index": 2, "scale": 0.5},
    },
    "KHR_materials_sheen": {"sheenColorFactor": [0.2, 0.2, 0.2], "sheenColorTexture": MAP, "sheenRoughnessFactor": 0.5},
    "KHR_materials_specular": {"specularFactor": 0.8, "specularColorFactor": [1, 0.5, 1], "specularColorTexture": MAP},
    "KHR_materials_transmission": {"transmissionFactor": 0.1, "transmissionTexture": MAP},
    "KHR_materials_volume": {
        "thicknessFactor": 0.1,
        "thicknessTexture": MAP,
        "attenuationDistance": 2.0,
        "attenuationColor": [1.0, 0.5, 0.5],
    },
    "KHR_materials_ior": {"ior": 1.4},
    "KHR_materials_iridescence": {"iridescenceFactor": 0.3, "iridescenceIor": 1.3, "iridescenceThicknessMaximum": 400},
    "KHR_materials_anisotropy": {"anisotropyStrength": 0.3, "anisotropyRotation": 0.5, "anisotropyTexture": MAP},
}
OTHER_EXTENSIONS = {
    "KHR_materials_unlit": {},
    "KHR_materials_pbrSpecularGlossiness": {
        "diffuseFactor": [1.0, 1, 1, 1],
        "diffuseTexture": MAP,
        "specularFactor": [0.5, 0.5, 0.5],
        "specularGlossinessTexture": MAP,
        "glossinessFactor": 0.5,
    },
    "KHR_materials_diffuse_transmission": {"diffuseTransmissionFactor": 0.3, "diffuseTransmissionTexture": MAP},
    "KHR_materials_dispersion": {"dispersion": 0.2},
}


def rich() -> Making:
    """A model with nearly all that glTF has: skin, shapes, animation, camera, lamp, two scenes, variants, instances."""
    made = Making()
    made.add("nodes", {"name": "Top", "children": [], "rotation": [0.0, 0.7071, 0.0, 0.7071]})
    colors = made.accessor("colors", [255, 200, 100, 255] * PARTS, UNSIGNED_BYTE, "VEC4", normalized=True)
    tangents = made.accessor("tangents", [1.0, 0, 0, 1] * PARTS, kind="VEC4")
    primitive = cube(made, COLOR_0=colors, TANGENT=tangents)
    primitive["material"] = material(made)
    made.extend(made.document, "KHR_materials_variants", {"variants": [{"name": "Red"}, {"name": "Blue"}]})
    made.extend(primitive, "KHR_materials_variants", {"mappings": [{"material": 0, "variants": [0, 1]}]})
    mesh = made.add("meshes", {"name": "Cube", "primitives": [primitive, cube(made, "second ")]})
    lens = {"aspectRatio": 1.5, "yfov": 0.8, "znear": 0.1, "zfar": 100.0}
    made.add("cameras", {"type": "perspective", "name": "Camera", "perspective": lens})
    made.add("cameras", {"type": "orthographic", "orthographic": {"xmag": 1.0, "ymag": 1.0, "znear": 0.1, "zfar": 9.0}})
    cone = {"innerConeAngle": 0.1, "outerConeAngle": 0.7}
    lamp = {"type": "spot", "color": [1.0, 1.0, 1.0], "intensity": 5.0, "range": 9.0, "spot": cone, "name": "Lamp"}
    made.extend(made.document, "KHR_lights_punctual", {"lights": [lamp]})
    below = [
        made.add("nodes", {"name": "Cube", "mesh": mesh, "matrix": [*MATRIX[:12], 1.0, 0.0, 0.0, 1.0]}),
        made.add("nodes", {"name": "Camera", "camera": 0}),
        made.add("nodes", {"name": "Lamp"}),
        skinned(made),
        morphed(made),
        made.add("nodes", {"name": "Many", "mesh": mesh}),
    ]
    made.extend(made.document["nodes"][below[2]], "KHR_lights_punctual", {"light": 0})
    offsets = made.accessor("instances", [0.0, 0, 0, 0, 0, 2])
    made.extend(made.document["nodes"][below[5]], "EXT_mesh_gpu_instancing", {"attributes": {"TRANSLATION": offsets}})
    made.document["nodes"][0]["children"] = below
    animation(made, below[0], below[4])
    made.add("scenes", {"name": "Other", "nodes": [made.add("nodes", {"name": "Elsewhere", "mesh": mesh})]})
    made.document["extras"] = {"text": "kept", "number": 1.5, "list": [1, 2], "object": {"a": 1}}
    return made


def some(rng: random.Random) -> Making:
    """One of the good models."""
    return rng.choices((plain, rich), (1, 2))[0]()


# Where something can be spoiled.


class Place(NamedTuple):
    """A value in a document: what holds it, and under which key or index; `way` is how one gets there."""

    holder: Any
    key: Any
    way: str

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    def put(self, value: Any) -> str:
        """Have another value there; returns that in words."""
        self.holder[self.key] = value
        return f"{self.way} = {str(value)[:60]}"


def places(value: Any, way: str = "") -> Iterator[Place]:
    """Every value in a document, the outer ones first; of a list of numbers the first one only."""
    for key, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        here = f"{way}.{key}" if isinstance(key, str) else f"{way}[{key}]"
        yield Place(value, key, here.lstrip("."))
        if isinstance(inner, (dict, list)):
            yield from places(inner, here)
        elif isinstance(value, list) and isinstance(inner, float):
            return


def spoiled_type(rng: random.Random, made: Making, number: int | None = None) -> str:
    every = list(places(made.document))
    place = every[number % len(every)] if number is not None else rng.choice(every)
    return place.put(rng.choice([value for value in WRONG if type(value) is not type(place.value)]))


def spoiled_index(rng: random.Random, made: Making, number: int | None = None) -> str:
    every = [
        place
        for place in places(made.document)
        if type(place.value) is int and INDEX_NAMES & set(place.way.replace("[", ".").split("."))
    ]
    place = every[number % len(every)] if number is not None else rng.choice(every)
    return place.put(rng.choice((*BAD_INDICES, *range(12), 40, 1000)))


def spoiled_count(rng: random.Random, made: Making) -> str:
    names = ("count", "byteLength", "byteOffset", "byteStride", "componentType", "type", "normalized", "target", "mode")
    name = rng.choice(names)
    holders = [place.value for place in places(made.document) if isinstance(place.value, dict)]
    fits = {"byteStride": "buffer", "target": "buffer", "mode": "attributes", "normalized": "componentType"}
    holder = rng.choice([holder for holder in holders if fits.get(name, name) in holder])
    others: tuple[Any, ...] = BAD_COUNTS
    if name == "componentType":
        others = (*LETTERS, 5124, 5130, 5131, 5127, 0, -1, "FLOAT", None)
    elif name == "type":
        others = (*WIDTHS, "VEC5", "vec3", "", None, 3, "orthographic", "MAT9")
    elif name == "byteStride":
        others = (*BAD_COUNTS, 4, 12, 13, 252, 256)
    elif name == "mode":
        others = (*range(8), -1, 255, 2**31, "4", None, True, 4.0)
    return Place(holder, name, f"some {name}").put(rng.choice(others))


def spoiled_values(rng: random.Random, made: Making) -> str:
    what = rng.choice(sorted(made.holds))
    place, count, letter = made.holds[what]
    size = struct.calcsize(letter)
    wanted = range(count) if rng.random() < 0.4 else sorted(rng.sample(range(count), rng.randint(1, min(3, count))))
    one = rng.random() < 0.5
    value = rng.choice(BAD_FLOATS)
    for index in wanted:
        if letter == "f":
            content = struct.pack("<f", value if one else rng.choice(BAD_FLOATS))
        else:
            content = b"\xff" * size if one else rng.randbytes(size)
        made.binary[place + index * size : place + (index + 1) * size] = content
    return f"{len(wanted)} of {count} {what} are {value if letter == 'f' and one else 'spoiled'}"


def spoiled_number(rng: random.Random, made: Making) -> str:
    every = [place for place in places(made.document) if type(place.value) is float]
    place = rng.choice(every)
    value = rng.choice(BAD_NUMBERS)
    if isinstance(place.holder, list) and rng.random() < 0.5:
        place.holder[:] = [value] * len(place.holder)
        return f"{place.way.rpartition('[')[0]} = {str(value)[:20]} everywhere"
    return Place(place.holder, place.key, place.way).put(value)


def taken_away(rng: random.Random, made: Making, number: int | None = None) -> str:
    every = list(places(made.document))
    place = every[number % len(every)] if number is not None else rng.choice(every)
    del place.holder[place.key]
    return f"without {place.way}"


# The kinds. Each takes its generator of random numbers and the number of the file.


def good(rng: random.Random, number: int) -> Model:
    made = (plain, rich)[number % 2]()
    return finished(made, "nothing")


def cut(rng: random.Random, number: int) -> Model:
    made = some(rng)
    content = made.glb()
    (length,) = struct.unpack_from("<I", content, 12)
    text, data = 20, 20 + length + 8
    picture = made.document["bufferViews"][made.document["images"][0]["bufferView"]]
    where, at = (
        ("the header", rng.randint(0, 11)),
        ("the first chunk's header", rng.randint(12, 19)),
        ("the JSON", rng.randint(text, text + length - 1)),
        ("the second chunk's header", rng.randint(text + length, data)),
        ("the binary chunk", rng.randint(data, len(content) - 1)),
        ("a picture", data + picture["byteOffset"] + rng.randint(0, picture["byteLength"])),
        ("the last bytes", len(content) - rng.randint(1, 4)),
    )[number % 7]
    content = content[:at]
    manner = rng.choice(("", "with its length set right", "with both lengths set right", "filled up with zeros"))
    if manner.startswith("filled"):
        content += b"\0" * (len(made.glb()) - at)
    elif manner and at >= 12:
        content = content[:8] + struct.pack("<I", at) + content[12:]
        if manner.startswith("with both") and at > data:
            content = content[: data - 8] + struct.pack("<I", at - data) + content[data - 4 :]
        elif manner.startswith("with both") and text <= at < data:
            content = content[:12] + struct.pack("<I", at - text) + content[16:]
    return Model(content, f"cut in {where} at {at} {manner}".strip())


def lengths(rng: random.Random, number: int) -> Model:
    made = some(rng)
    content = bytearray(made.glb())
    (length,) = struct.unpack_from("<I", content, 12)
    value = rng.choice(
        (0, 1, 2, 3, 4, 12, 20, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4, length + 1, length - 1, length + 4)
    )
    chunk = struct.pack("<I4s", 8, b"JUNK") + b"\0" * 8
    manner = number % 10
    if manner == 0:
        struct.pack_into("<I", content, 8, value)
        return Model(bytes(content), f"the file's length is {value}")
    if manner == 1:
        struct.pack_into("<I", content, 12, value)
        return Model(bytes(content), f"the JSON chunk's length is {value}")
    if manner == 2:
        struct.pack_into("<I", content, 20 + length, value)
        return Model(bytes(content), f"the binary chunk's length is {value}")
    if manner == 3:
        struct.pack_into("<I", content, 4, rng.choice((0, 1, 3, 2**31)))
        return Model(bytes(content), "another version")
    if manner == 4:
        at = rng.choice((12, 20 + length, len(content)))
        content[at:at] = chunk
        words = f"an unknown chunk at {at}"
    elif manner == 5:
        content[20 + length : 20 + length] = content[12 : 20 + length]
        words = "two JSON chunks"
    elif manner == 6:
        content += content[20 + length :]
        words = "two binary chunks"
    elif manner == 7:
        more = rng.choice((1, 3, 4, 4096))
        content += rng.randbytes(more)
        words = f"{more} bytes more"
        if rng.random() < 0.5:
            return Model(bytes(content), f"{words}, beyond the file's length")
    elif manner == 8:
        del content[20 + length :]
        words = "no binary chunk"
    else:
        text = json.dumps(made.document).encode() + b" " * rng.randint(0, 3)
        content = bytearray(content[:12] + struct.pack("<I4s", len(text), b"JSON") + text + content[20 + length :])
        words = "a JSON chunk whose length is as it comes"
    struct.pack_into("<I", content, 8, len(content))
    return Model(bytes(content), words)


def flipped(rng: random.Random, number: int) -> Model:
    content = bytearray(some(rng).glb())
    (length,) = struct.unpack_from("<I", content, 12)
    low, high = ((0, 20), (20, 20 + length), (28 + length, len(content)), (0, len(content)))[number % 4]
    count = rng.choice((1, 1, 2, 5, 50))
    for _ in range(count):
        content[rng.randrange(low, high)] = rng.randrange(256)
    return Model(bytes(content), f"{count} bytes between {low} and {high} are others")


def types(rng: random.Random, number: int) -> Model:
    made = rich()
    return finished(made, spoiled_type(rng, made, number * 7))


def lacking(rng: random.Random, number: int) -> Model:
    made = rich()
    return finished(made, taken_away(rng, made, number * 11))


def indices(rng: random.Random, number: int) -> Model:
    made = rich()
    return finished(made, spoiled_index(rng, made, number))


def counts(rng: random.Random, number: int) -> Model:
    made = some(rng)
    return finished(made, spoiled_count(rng, made))


def values(rng: random.Random, number: int) -> Model:
    made = some(rng)
    return finished(made, spoiled_values(rng, made))


def numbers(rng: random.Random, number: int) -> Model:
    made = rich()
    return finished(made, spoiled_number(rng, made))


def several(rng: random.Random, number: int) -> Model:
    made = some(rng)
    manners = (spoiled_type, spoiled_index, spoiled_count, spoiled_values, spoiled_number, taken_away)
    words = []
    for _ in range(rng.randint(2, 4)):
        try:
            words.append(rng.choice(manners)(rng, made))
        except (IndexError, KeyError, TypeError, ValueError):  # there is nothing of that sort any more
            words.append("nothing")
    return finished(made, "; ".join(words))


def graph(rng: random.Random, number: int) -> Model:
    made = plain()
    nodes = made.document["nodes"]
    depth = rng.choice((10, 100, 400, 800, 1200, 3000))
    manner = number % 12
    if manner == 0:
        nodes[0]["children"] = [0]
        words = "a node below itself"
    elif manner == 1:
        length = rng.randint(2, 6)
        nodes[:] = [{"children": [(count + 1) % length], "mesh": 0} for count in range(length)]
        words = f"a circle of {length} nodes"
    elif manner == 2:
        nodes.extend([{"children": [0]}, {"children": [0]}])
        made.document["scenes"][0]["nodes"] = [1, 2]
        words = "a node with two parents"
    elif manner == 3:
        nodes.extend({"children": [count]} for count in range(depth))
        made.document["scenes"][0]["nodes"] = [depth]
        words = f"a cube below {depth} nodes"
    elif manner == 4:
        made.document["scenes"][0]["nodes"] = [0] * rng.randint(2, 5)
        words = "one root several times"
    elif manner == 5:
        nodes.append({"children": [0, 0, 0]})
        made.document["scenes"][0]["nodes"] = [1]
        words = "one child several times"
    elif manner == 6:
        made.document["scene"] = rng.choice((1, -1, None, True, "0", 1.0, 2**40))
        words = f"the scene is {made.document['scene']}"
    elif manner == 7:
        made.document.pop(rng.choice(("scene", "scenes")))
        words = "without a default scene"
    elif manner == 8:
        made.document["scenes"] = rng.choice(([], [{}], [{"nodes": []}], [{"nodes": [7]}], [None], {}, [[0]]))
        words = f"the scenes are {made.document['scenes']}"
    elif manner == 9:
        nodes.append({"mesh": 0, "children": [0]})
        made.document["scenes"][0]["nodes"] = [0, 1]
        words = "a child that is a root, too"
    elif manner == 10:
        nodes.extend({"mesh": 0, "scale": [2.0, 2.0, 2.0], "children": [count]} for count in range(depth % 500))
        made.document["scenes"][0]["nodes"] = [len(nodes) - 1]
        words = f"scaled by 2 below {depth % 500} nodes"
    else:
        made.document["scenes"] = [{"nodes": [0]} for _ in range(rng.randint(2, 50))]
        made.document["scene"] = rng.randrange(2)
        words = "several scenes"
    return finished(made, words)


def many(rng: random.Random, number: int) -> Model:
    made = plain()
    document = made.document
    nodes, scene = document["nodes"], document["scenes"][0]
    manner = number % MESHES_ALONE
    if manner == 0:
        nodes.extend({"children": [count]} for count in range(100_000))
        scene["nodes"] = [100_000]
        words = "a cube below 100,000 nodes"
    elif manner == 1:
        nodes.extend({"name": f"Node {count}"} for count in range(100_000))
        scene["nodes"] = list(range(100_001))
        words = "100,000 empty nodes"
    elif manner == 2:
        nodes.extend({"mesh": 0, "translation": [count % 100, 0, count // 100]} for count in range(20_000))
        scene["nodes"] = list(range(20_001))
        words = "20,000 nodes of one mesh"
    elif manner == 3:
        for count in range(20_000):
            document["meshes"].append(copy.deepcopy(document["meshes"][0]))
            nodes.append({"mesh": count + 1})
        scene["nodes"] = list(range(20_001))
        words = "20,000 meshes"
    elif manner == 4:
        for count in range(3_000):
            texture = made.texture(png(2, 2, seen=1 + count % 255))
            surface = {"baseColorTexture": {"index": texture}}
            document["materials"].append({"pbrMetallicRoughness": surface})
            document["meshes"][0]["primitives"].append(
                {**document["meshes"][0]["primitives"][0], "material": count + 1}
            )
        words = "3,000 images, materials and primitives"
    elif manner == 5:
        for count in range(3_000):
            document["materials"].append({"name": "Same", "pbrMetallicRoughness": {"metallicFactor": count / 3000}})
            document["meshes"][0]["primitives"].append(
                {**document["meshes"][0]["primitives"][0], "material": count + 1}
            )
        words = "3,000 materials of one name"
    elif manner == 6:
        document["meshes"][0]["primitives"] *= 10_000
        words = "a mesh of 10,000 primitives"
    elif manner == 7:
        animation(made, 0)
        document["animations"] *= 2_000
        words = "2,000 animations"
    elif manner == 8:
        animation(made, 0)
        channels = document["animations"][0]["channels"]
        for count in range(1, 5_000):
            nodes.append({"mesh": 0})
            channels.append({"sampler": 0, "target": {"node": count, "path": "translation"}})
        scene["nodes"] = list(range(5_000))
        words = "5,000 animated nodes"
    elif manner == 9:
        scene["nodes"] = [skinned(made)]
        document["skins"] *= 1_000
        nodes.extend({"mesh": 1, "skin": count} for count in range(1_000))
        scene["nodes"] += range(len(nodes) - 1_000, len(nodes))
        words = "1,000 skins of the same bones"
    elif manner == 10:
        scene["nodes"] = [morphed(made)]
        target = document["meshes"][1]["primitives"][0]["targets"][0]
        document["meshes"][1]["primitives"][0]["targets"] = [target] * 2_000
        document["meshes"][1].update(weights=[0.0] * 2_000, extras={})
        words = "2,000 shapes"
    else:
        for count in range(3_000):
            made.image(png(2, 2, seen=1 + count % 255), name=f"Image {count}")
        words = "3,000 images that nothing uses"
    return finished(made, words)


def pictures(rng: random.Random, number: int) -> Model:
    made = plain()
    jpeg, webp = bytearray(JPEG), bytearray(WEBP)
    media_type = "image/png"
    side = rng.choice((0, 1, 16_384, 30_000, 65_500))
    whole = rng.choice((png(64, 64, seen=100), JPEG, WEBP))
    manner = number % 14
    if manner == 0:
        content = whole[: rng.randrange(len(whole))]
        words = f"a picture cut to {len(content)} of {len(whole)} bytes"
    elif manner == 1:
        struct.pack_into(">HH", jpeg, JPEG_HEIGHT, side, side)
        content, media_type, words = bytes(jpeg), "image/jpeg", f"a JPEG of 8 pixels that says {side}"
    elif manner == 2:
        struct.pack_into("<HH", webp, WEBP_WIDTH, min(side, 16_383), min(side, 16_383))
        content, media_type, words = bytes(webp), "image/webp", f"a WebP of 8 pixels that says {side}"
    elif manner == 3:
        small = bytearray(png(4, 4, seen=50))
        struct.pack_into(">II", small, 16, side, side * 2)
        small[29:33] = struct.pack(">I", zlib.crc32(small[12:29]))
        content, words = bytes(small), f"a PNG of 4 pixels that says {side}"
    elif manner == 4:
        content = rng.choice((b"", b"\0", rng.randbytes(200), b"<svg/>", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n"))
        words = f"a picture of the bytes {content[:8]!r}"
    elif manner == 5:
        content, media_type = whole, rng.choice(("image/jpeg", "image/webp", "image/gif", "text/html", "", "x" * 3000))
        words = f"a picture called {media_type[:20]}"
    elif manner == 6:
        small = bytearray(whole)
        for _ in range(rng.randint(1, 20)):
            small[rng.randrange(8, len(small))] = rng.randrange(256)
        content, words = bytes(small), "a picture with other bytes"
    elif manner == 7:
        content = whole
        made.document["images"] = [{"bufferView": rng.choice((0, 3, 900, -1)), "mimeType": "image/png"}]
        words = "a picture in another view"
    elif manner == 8:
        content = b"\xabKTX 20\xbb\r\n\x1a\n" + rng.randbytes(68)
        media_type, words = "image/ktx2", "a KTX2 picture"
    elif manner == 9:
        content = png(rng.choice((1, 40_000)), rng.choice((1, 3000)), alpha=True)
        words = "a picture of odd sides"
    elif manner == 10:
        size = rng.randbytes(4)
        content = rng.choice(
            (b"DDS |\0\0\0", b"\x76\x2f\x31\x01", b"#?RADIANCE\n\n-Y 8 +X 8\n", b"II*\0", b"BM", b"\0\0\x02\0")
        )
        content, words = content + size * 40, "the beginning of another format"
    elif manner == 11:
        content, words = png(8, 8, depth=16, alpha=True, seen=80), "16 bits"
    elif manner == 12:
        content = whole
        used = {"index": 0, "texCoord": rng.choice((1, 7, -1, 2**31, True))}
        made.document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = used
        words = f"a texture with the coordinates {used['texCoord']}"
    else:
        content = whole
        made.document["textures"][0] = {"sampler": rng.choice((0, 5, -1, None))}
        words = "a texture without a picture"
    if manner not in (7,):
        made.document["images"][0] = {"bufferView": made.view(content), "mimeType": media_type}
    return finished(made, words)


def bombs(rng: random.Random, number: int) -> Model:
    """Pictures that are small as files."""
    made = plain()
    width, height = ((20_000, 20_000), (60_000, 60_000), (16_385, 16_385), (200_000, 1_000), (2**31 - 1, 1))[number % 5]
    alpha = number % 2 == 0
    if width > 1_000_000 or width == 60_000:
        alpha = False
    content = png(width, height, alpha=alpha, depth=8)
    made.document["images"][0] = {"bufferView": made.view(content), "mimeType": "image/png"}
    if alpha:
        made.document["materials"][0]["alphaMode"] = "BLEND"
    if number >= 5:
        for name in ("normalTexture", "emissiveTexture", "occlusionTexture"):
            made.document["materials"][0][name] = {"index": made.texture(content)}
    return finished(made, f"a picture of {width} by {height} in {len(content)} bytes")


def sparse(rng: random.Random, number: int) -> Model:
    made = Making()
    made.add("nodes", {"name": "Top", "children": [morphed(made)]})
    made.document["scenes"][0]["nodes"] = [len(made.document["nodes"]) - 1]
    second = next(accessor for accessor in made.document["accessors"] if "sparse" in accessor)
    entry = second["sparse"]
    manner = number % 6
    if manner == 0:
        words = f"sparse {Place(entry, 'count', 'count').put(rng.choice(BAD_COUNTS))}"
    elif manner == 1:
        place, count, _ = made.holds["sparse indices"]
        made.binary[place : place + 2 * count] = struct.pack("<2H", *rng.choice(((5, 1), (1, 1), (8, 9), (0, 65535))))
        words = "sparse indices beyond the end, or in another order"
    elif manner == 2:
        inner = entry[rng.choice(("indices", "values"))]
        name = rng.choice(("bufferView", "byteOffset", "componentType"))
        words = f"sparse {Place(inner, name, name).put(rng.choice((*BAD_INDICES, 5120, 5126, 1, 3)))}"
    elif manner == 3:
        every = list(places(entry, "sparse"))
        place = rng.choice(every)
        words = place.put(rng.choice(WRONG))
    elif manner == 4:
        second.pop("bufferView")
        second["count"] = rng.choice((PARTS, 2**24, 2**31, 2**40, 0, 10**8))
        words = f"sparse without a base, {second['count']} of them"
    else:
        positions = made.document["accessors"][0]
        positions["sparse"] = copy.deepcopy(entry)
        place = rng.choice(list(places(positions["sparse"], "sparse")))
        words = f"sparse positions, {place.put(rng.choice((*WRONG, *BAD_COUNTS)))}"
    return finished(made, words)


def draco(rng: random.Random, number: int) -> Model:
    made = Making()
    content = bytearray(DRACO)
    manner = number % 8
    words = "a Draco mesh"
    if manner == 1:
        del content[rng.randrange(len(content)) :]
        words = f"a Draco mesh cut to {len(content)} bytes"
    elif manner in (2, 3, 4):
        for _ in range(rng.choice((1, 1, 3, 20))):
            content[rng.randrange(0 if manner == 2 else 11, len(content))] = rng.randrange(256)
        words = "a Draco mesh with other bytes"
    elif manner == 5:
        content = bytearray(b"DRACO" + rng.randbytes(rng.choice((0, 6, 300))))
        words = "random bytes as a Draco mesh"
    view = made.view(bytes(content))
    kinds = (("POSITION", "VEC3"), ("NORMAL", "VEC3"), ("TEXCOORD_0", "VEC2"))
    attributes = {
        name: made.add("accessors", {"componentType": FLOAT, "count": 24, "type": kind}) for name, kind in kinds
    }
    made.document["accessors"][0].update(min=[-0.5] * 3, max=[0.5] * 3)
    faces = made.add("accessors", {"componentType": UNSIGNED_SHORT, "count": 36, "type": "SCALAR"})
    primitive: dict[str, Any] = {"attributes": attributes, "indices": faces}
    extension = {"bufferView": view, "attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}}
    made.extend(primitive, "KHR_draco_mesh_compression", extension, required=rng.random() < 0.8)
    if manner == 6:
        place = rng.choice(list(places(extension, "draco")))
        words = place.put(rng.choice((*WRONG, *BAD_INDICES)))
    elif manner == 7:
        accessor = rng.choice(made.document["accessors"])
        accessor["count"] = rng.choice((0, 1, 5, 100, 10**6, 2**31, 2**40, -1))
        words = f"a Draco mesh whose accessor counts {accessor['count']}"
    made.add("meshes", {"primitives": [primitive]})
    made.add("nodes", {"mesh": 0})
    return finished(made, words)


REQUIRED = (
    "EXT_meshopt_compression", "KHR_texture_basisu", "KHR_mesh_quantization", "EXT_texture_webp", "MSFT_texture_dds",
    "KHR_xmp_json_ld", "VENDOR_unknown", "KHR_materials_unlit", "", "x" * 5000, "KHR\0", "../../x", "KHR_physics_rigid_bodies",
    "EXT_structural_metadata", "KHR_animation_pointer", "KHR_node_visibility", "MSFT_lod", "EXT_mesh_gpu_instancing",
)  # fmt: skip


def required(rng: random.Random, number: int) -> Model:
    made = plain()
    name = REQUIRED[number % len(REQUIRED)]
    document = made.document
    content: Any = rng.choice(({}, {"source": 0}, {"bufferView": 0}, [], None, "x", {"ids": [0]}, {"visible": False}))
    holder = rng.choice((document, document["nodes"][0], document["textures"][0], document["bufferViews"][0]))
    if name == "EXT_meshopt_compression":
        whole = {"buffer": 0, "byteOffset": 0, "byteLength": 96, "byteStride": 12, "count": 8, "mode": "ATTRIBUTES"}
        holder, content = document["bufferViews"][0], whole
    elif name == "KHR_texture_basisu":
        picture = made.image(b"\xabKTX 20\xbb\r\n\x1a\n" + rng.randbytes(68), "image/ktx2")
        document["textures"][0].pop("source")
        holder, content = document["textures"][0], {"source": picture}
    elif name == "EXT_texture_webp":
        holder, content = document["textures"][0], {"source": made.image(WEBP, "image/webp")}
    elif name == "KHR_mesh_quantization":
        primitive = document["meshes"][0]["primitives"][0]
        short = made.accessor(
            "short", [0, 0, 0, 100, 0, 0, 0, 100, 0] * 3, SHORT, "VEC3", normalized=rng.random() < 0.5
        )
        primitive["attributes"] = {"POSITION": short}
        primitive.pop("indices")
        holder = document
    made.extend(holder, name, content, required=number % 3 != 0)
    if number % 7 == 0:
        document["extensionsRequired"] = rng.choice((None, "x", {}, [None], [1], [["a"]], [name] * 1000))
    return finished(made, f"{name[:40]!r} is {'used' if number % 3 == 0 else 'required'}, with {str(content)[:60]}")


def extensions(rng: random.Random, number: int) -> Model:
    """Objects of known extensions with wrong types in them, or where they do not belong."""
    made = rich()
    document = made.document
    if number % 3 == 0:
        name = rng.choice(sorted(OTHER_EXTENSIONS))
        made.extend(document["materials"][0], name, copy.deepcopy(OTHER_EXTENSIONS[name]))
    every = [place for place in places(document) if ".extensions." in f".{place.way}"]
    if number % 4 == 3:
        holders = [place for place in places(document) if isinstance(place.value, dict)]
        holder = rng.choice(holders)
        name = rng.choice(
            sorted({*EXTENSIONS_OF_MATERIALS, *OTHER_EXTENSIONS, "KHR_lights_punctual", "KHR_texture_transform"})
        )
        holder.value["extensions"] = rng.choice(
            ({name: {}}, {name: None}, {name: [1]}, [name], name, {name: MAP}, None)
        )
        return finished(made, f"{holder.way}.extensions = {str(holder.value['extensions'])[:60]}")
    place = rng.choice(every)
    return finished(
        made, place.put(rng.choice((*WRONG, *BAD_NUMBERS[:4], *BAD_INDICES[:6], {"index": 99}, {"index": -1})))
    )


def bulky(rng: random.Random, number: int) -> Model:
    """JSON that is too much."""
    made = plain()
    text = json.dumps(made.document).encode()
    inner = (
        (b"[" + b"0," * 10_000_000 + b"0]", "10,000,000 values"),
        (b"[" * 100_000 + b"]" * 100_000, "a list 100,000 deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "an object 100,000 deep"),
        (b'"' + b"x" * 50_000_000 + b'"', "a text of 50 MB"),
        (b"{" + b'"a":1,' * 1_000_000 + b'"a":1}', "a million times the same key"),
        (b"[" * 900 + b"]" * 900, "a list 900 deep"),
        (b"1" * 100_000, "a number of 100,000 digits"),
        (b"1e400", "1e400"),
        (b"[" + b"{}," * 3_000_000 + b"{}]", "3,000,000 objects"),
        (b'"' + b"\\u0000" * 1_000_000 + b'"', "a million zero bytes"),
        (b"[" * 5_000_000, "5,000,000 brackets"),
        (b"[" + b"[]," * 5_000_000 + b"[]]", "5,000,000 lists"),
    )
    content, words = inner[number % len(inner)]
    where = (b'"extras"', b'"nodes"', b'"extensions"')[number // len(inner) % 3]
    text = text[:-1].replace(b'"nodes": [{', b'"nodes_": [{') if where == b'"nodes"' else text[:-1]
    return Model(
        assembled(text + b", " + where + b": " + content + b"}", bytes(made.binary)), f"{words} as {where.decode()}"
    )


def spellings(rng: random.Random, number: int) -> Model:
    """JSON in bytes that are no proper UTF-8, or that say things twice."""
    made = plain()
    text = json.dumps(made.document).encode()
    name = b'"name": "Cube"'
    manner = number % 15
    if manner == 0:
        text, words = (
            text.replace(b"Cube", rng.choice((b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88"))),
            "no UTF-8",
        )
    elif manner == 1:
        text, words = b"\xef\xbb\xbf" + text, "a mark of the byte order"
    elif manner == 2:
        code = rng.choice(("utf-16", "utf-32", "utf-16-be"))
        text, words = text.decode().encode(code), code
    elif manner == 3:
        text, words = (
            text.replace(b"Cube", rng.choice((b"\\ud800", b"\\udfff\\ud800", b"a\\udc00b"))),
            "half a character",
        )
    elif manner == 4:
        text, words = text.replace(b'"scene": 0', b'"scene": ' + rng.choice((b"NaN", b"Infinity", b"-Infinity"))), "NaN"
    elif manner == 5:
        text, words = text[:-1] + b', "nodes": [], "meshes": []}', "nodes and meshes twice"
    elif manner == 6:
        text, words = text.replace(name, b'"name": "Cube\0\x01\n"'), "control characters"
    elif manner == 7:
        text, words = text + rng.choice((b"x", b"{}", b"\0\0\0", b",", b"]")), "more after the JSON"
    elif manner == 8:
        text, words = rng.choice((b"", b"null", b"[]", b"1", b'"x"', b"{}", b"\0" * 40, b" " * 40)), "other JSON"
    elif manner == 9:
        text, words = text.replace(b'"asset"', b"'asset'"), "single quotes"
    elif manner == 10:
        text, words = (
            text.replace(b"0.5", rng.choice((b"0x5", b".5", b"5.", b"+5", b"05", b"1_0", b"5e"))),
            "other numbers",
        )
    elif manner == 11:
        text, words = (
            text.replace(
                b'"2.0"', rng.choice((b'"1.0"', b"2.0", b'"9.9"', b"null", b'"x"', b'"2.0", "minVersion": "3.0"'))
            ),
            "version",
        )
    elif manner == 12:
        text, words = text.replace(b'"Cube"', b'"' + rng.choice((b"\\x41", b"\\u12", b"\\")) + b'"'), "wrong escapes"
    elif manner == 13:
        text, words = text.replace(b"{", b"{ // a comment\n", 1), "a comment"
    else:
        text, words = text.replace(b'"nodes"', b'"NODES"', 1), "other letters"
    return Model(assembled(text, bytes(made.binary)), words)


NAMES = (
    "x" * 100_000, "\u202egnp.exe", "a\nb\rc\td", "\0", "a\0b", "", " ", "../../etc/passwd", "\x1b[31mred", "\ud83d\ude00" * 3000,
    "é" * 63, "e\u0301" * 40, "\ufeffname", "\u200b", "%s%n%x", "{0.__class__}", "//", "C:\\x", "image_to_3d", "Render Result",
    ".", "..", "<script>", "\u2028line", "A" * 62 + "é", "\udc80", "Scene", "None", "Cube.001", "glTF Material Output",
)  # fmt: skip


def names(rng: random.Random, number: int) -> Model:
    made = rich()
    name = NAMES[number % len(NAMES)]
    every = [place for place in places(made.document) if place.key == "name"]
    chosen = every if number % 2 else rng.sample(every, 3)
    for place in chosen:
        place.put(name)
    if rng.random() < 0.3:
        made.document["meshes"][2]["extras"] = {"targetNames": [name, rng.choice((name, 1, None))]}
    return finished(made, f"{len(chosen)} names are {name[:30]!r}")


URIS = (
    f"{CANARIES}/canary.png", f"file://{CANARIES}/canary.png", f"data:{CANARIES}/canary.png", f"data:../../../../..{CANARIES}/canary.png",
    f"data:image/png;base64,../../../..{CANARIES}/canary.png", "../canary.png", "picture.png", "../../canary.png", "%2e%2e/canary.png",
    "..%2fcanary.png", "data:,/../../canary.png", f"{CANARIES}/pipe", f"data:{CANARIES}/pipe", "/dev/zero", "data:/../../../../../../../../dev/zero",
    "/dev/stdin", "/proc/self/environ", "/proc/self/mem", "\\\\127.0.0.1\\share\\x.png", "//127.0.0.1/share/x.png", "file:////127.0.0.1/x",
    "http://127.0.0.1:9/x.png", "https://localhost/x.png", "job.json", "log.txt", f"data:x;base64,{CANARIES}/canary.png", "", " ", "\0",
    f"DATA:{CANARIES}/canary.png", f"data:image/png;base64;{CANARIES}/canary.png", "~/x.png", "$HOME/x.png", "data:", "data:;base64,", "data:;base64,!!!!",
    f"%2f{CANARIES[1:]}/canary.png", f"data:{CANARIES}/canary.png;base64,AAAA", "x" * 5000, "a\n/etc/passwd", f"{CANARIES}/link.png", f"data:{CANARIES}/link.png",
    f"data:;base64,AAAA/../../../../..{CANARIES}/canary.png", "result.blend", "con", "nul", f"data:application/octet-stream;base64,{CANARIES}/pipe",
)  # fmt: skip


def escapes(rng: random.Random, number: int) -> Model:
    made = plain()
    document = made.document
    uri = URIS[number % len(URIS)]
    where = rng.choice(
        ("image", "image", "image beside its view", "buffer", "another buffer", "unused image", "extension")
    )
    if where == "image":
        document["images"][0] = {"uri": uri}
        if rng.random() < 0.3:
            document["images"][0]["mimeType"] = "image/png"
    elif where == "image beside its view":
        document["images"][0]["uri"] = uri
    elif where == "buffer":
        document["buffers"][0]["uri"] = uri
    elif where == "another buffer":
        document["buffers"].append({"byteLength": 96, "uri": uri})
        document["bufferViews"][0]["buffer"] = 1
    elif where == "unused image":
        document["images"].append({"uri": uri})
    else:
        picture = made.add("images", {"uri": uri, "mimeType": "image/webp"})
        made.extend(
            document["textures"][0], rng.choice(("EXT_texture_webp", "KHR_texture_basisu")), {"source": picture}
        )
    return finished(made, f"{uri[:90]!r} as {where}")


def extras(rng: random.Random, number: int) -> Model:
    made = rich()
    deep: Any = 1
    for _ in range(rng.choice((50, 300, 900))):
        deep = rng.choice(({"a": deep}, [deep]))
    wide = {f"key {count}": rng.choice((count, "x", 1.5, [count], {"a": count})) for count in range(20_000)}
    choices: tuple[Any, ...] = (
        deep, wide, {"x" * 100_000: 1}, {"a": "x" * 1_000_000}, {"": 1}, {"_RNA_UI": {"x": {"min": 1}}}, {"cycles": {"a": 1}},
        {"a": 2**63}, {"a": 2**31}, {"a": [1, "x", None]}, {"a": [[1], [2]]}, {"a": NAN}, "text", 5, [1, 2], None, True,
        {"image_to_3d": "x"}, {"image_to_3d_material": 0, "image_to_3d_gone": True}, {"image_to_3d_job": "x"}, {"\0": 1},
        {"a": "\ud800"}, {"a" * 64: 1}, {"targetNames": {"a": 1}}, {"targetNames": 5}, {"a": list(range(100_000))}, {"a": [1.5, 2, True]},
    )  # fmt: skip
    value = choices[number % len(choices)]
    holders = [
        place.value for place in places(made.document) if isinstance(place.value, dict) and "name" in place.value
    ]
    holders += [made.document, made.document["asset"], *made.document["scenes"]]
    chosen = holders if number % 2 and value not in (deep, wide) else rng.sample(holders, 3)
    for holder in chosen:
        holder["extras"] = value
    return finished(made, f"extras like {str(value)[:60]}")


def animations(rng: random.Random, number: int) -> Model:
    made = plain()
    animation(made, 0)
    entry = made.document["animations"][0]
    sampler, channel = rng.choice(entry["samplers"]), rng.choice(entry["channels"])
    manner = number % 12
    if manner == 0:
        words = Place(sampler, "interpolation", "interpolation").put(
            rng.choice(("CUBICSPLINE", "STEP", "X", 1, None, []))
        )
    elif manner == 1:
        count = len(made.document["accessors"])
        words = Place(sampler, rng.choice(("input", "output")), "sampler").put(
            rng.choice((*BAD_INDICES, *range(count)))
        )
    elif manner == 2:
        words = Place(channel["target"], "path", "path").put(
            rng.choice(("weights", "pointer", "x", "", 1, None, "scale"))
        )
    elif manner == 3:
        words = Place(channel["target"], "node", "node").put(rng.choice(BAD_INDICES))
    elif manner == 4:
        words = Place(channel, "sampler", "sampler").put(rng.choice((*BAD_INDICES, 3)))
    elif manner == 5:
        accessor = made.document["accessors"][rng.choice((sampler["input"], sampler["output"]))]
        accessor["count"] = rng.choice(BAD_COUNTS)
        words = f"a sampler's accessor counts {accessor['count']}"
    elif manner == 6:
        times = rng.choice(
            ([1.0, 0.5, 0.0], [0.0, 0.0, 0.0], [-5.0, 0.0, 5.0], [NAN, 0.0, 1.0], [0.0, 1.0, 1e9], [0.0, 1e30, 1e38])
        )
        sampler["input"] = made.accessor("other times", times, kind="SCALAR")
        words = f"the times {times}"
    elif manner == 7:
        made.document["accessors"][sampler["output"]].update(
            rng.choice(({"type": "SCALAR"}, {"type": "MAT4"}, {"componentType": SHORT}))
        )
        words = "keys of another type"
    elif manner == 8:
        entry["channels"] *= rng.choice((2, 50))
        words = "the same channels several times"
    elif manner == 9:
        words = rng.choice(list(places(entry, "animation"))).put(rng.choice(WRONG))
    elif manner == 10:
        made.holds = {name: held for name, held in made.holds.items() if "keys" in name or name == "times"}
        words = spoiled_values(rng, made)
    else:
        pointer = rng.choice(
            ("/nodes/0/rotation", "/materials/0/alphaCutoff", "/nodes/99/scale", "", "x", "/cameras/0", 5, "/" * 5000)
        )
        channel["target"] = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointer}}}
        made.document["extensionsUsed"] = ["KHR_animation_pointer"]
        words = f"the pointer {str(pointer)[:40]!r}"
    return finished(made, words)


def skins(rng: random.Random, number: int) -> Model:
    made = Making()
    top = skinned(made)
    document = made.document
    document["scenes"][0]["nodes"] = [top]
    skin, bone = document["skins"][0], document["skins"][0]["joints"][0]
    tip = skin["joints"][1]
    manner = number % 12
    if manner == 0:
        skin["joints"] = rng.choice(
            ([], [bone], [bone] * 2, [tip, bone], [bone, tip] * 200, [top], [bone, 99], [-1], None, [None])
        )
        words = f"the joints {str(skin['joints'])[:40]}"
    elif manner == 1:
        words = Place(skin, "skeleton", "skeleton").put(rng.choice((*BAD_INDICES, tip, top)))
    elif manner == 2:
        words = Place(skin, "inverseBindMatrices", "matrices").put(rng.choice((*BAD_INDICES, 0, 3)))
    elif manner == 3:
        document["nodes"][tip]["children"] = [bone]
        words = "bones in a circle"
    elif manner == 4:
        made.holds = {
            name: held for name, held in made.holds.items() if name in ("joints", "weights", "inverse matrices")
        }
        words = spoiled_values(rng, made)
    elif manner == 5:
        accessor = document["accessors"][skin["inverseBindMatrices"]]
        accessor.update(
            rng.choice(({"count": 1}, {"count": 0}, {"count": 2**31}, {"type": "VEC4"}, {"componentType": SHORT}))
        )
        words = "other matrices"
    elif manner == 6:
        attributes = document["meshes"][0]["primitives"][0]["attributes"]
        removed = rng.choice(("JOINTS_0", "WEIGHTS_0"))
        del attributes[removed]
        words = f"without {removed}"
    elif manner == 7:
        accessor = document["accessors"][rng.choice((0, 1))]
        accessor.update(
            rng.choice(
                ({"componentType": FLOAT}, {"type": "VEC3"}, {"count": 3}, {"count": 10**7}, {"componentType": BYTE})
            )
        )
        words = f"other joints or weights: {accessor}"
    elif manner == 8:
        body = next(node for node in document["nodes"] if "skin" in node)
        words = Place(body, "skin", "skin").put(rng.choice(BAD_INDICES))
    elif manner == 9:
        document["nodes"][bone].update(
            rng.choice(
                (
                    {"scale": [0.0, 0.0, 0.0]},
                    {"scale": [1e-30] * 3},
                    {"matrix": [0.0] * 16},
                    {"mesh": 0, "skin": 0},
                    {"camera": 0},
                )
            )
        )
        words = "a bone of another kind"
    elif manner == 10:
        body = next(node for node in document["nodes"] if "skin" in node)
        body.pop("mesh") if rng.random() < 0.5 else document["nodes"][top]["children"].remove(bone)
        words = "no mesh, or bones outside the scene"
    else:
        words = rng.choice(list(places(skin, "skin"))).put(rng.choice(WRONG))
    return finished(made, words)


def shapes(rng: random.Random, number: int) -> Model:
    made = Making()
    node = morphed(made)
    document = made.document
    document["scenes"][0]["nodes"] = [node]
    mesh = document["meshes"][0]
    targets = mesh["primitives"][0]["targets"]
    manner = number % 10
    if manner == 0:
        mesh["weights"] = rng.choice(([], [1.0], [1.0] * 9, None, ["x", 1], [NAN, 1.0], [1e30, 1.0], {}))
        words = f"the weights {mesh['weights']}"
    elif manner == 1:
        document["nodes"][node]["weights"] = rng.choice(([], [1.0], [1.0] * 9, None, ["x"], [INFINITE, 1.0], 5))
        words = f"the node's weights {document['nodes'][node]['weights']}"
    elif manner == 2:
        targets[0]["POSITION"] = rng.choice((*BAD_INDICES, 2, 3, 0))
        words = f"a shape in {targets[0]['POSITION']}"
    elif manner == 3:
        targets[0]["POSITION"] = made.accessor("short shape", [0.0, 1.0, 0.0] * rng.choice((1, 7, 9, 200)))
        words = "a shape of another number of corners"
    elif manner == 4:
        mesh["primitives"].append({**cube(made, "bare "), "targets": rng.choice(([], [{}], [{}, {}, {}], targets[:1]))})
        words = "a second primitive with other shapes"
    elif manner == 5:
        mesh["extras"] = {
            "targetNames": rng.choice(([], ["a"], ["a"] * 9, [1, None], ["x" * 50_000, ""], {"a": 1}, None))
        }
        words = "other names of shapes"
    elif manner == 6:
        made.holds = {name: held for name, held in made.holds.items() if "shape" in name or "sparse" in name}
        words = spoiled_values(rng, made)
    elif manner == 7:
        mesh["primitives"][0]["targets"] = rng.choice(
            (None, {}, [None], [[]], 5, [{"POSITION": None}], [{}], [{"X": 0}, {"_Y": 99}])
        )
        words = f"the shapes {mesh['primitives'][0]['targets']}"
    elif manner == 8:
        animation(made, node, node)
        made.document["animations"][0]["samplers"][3]["output"] = made.accessor(
            "few keys", [0.0] * rng.choice((1, 3, 5, 7, 60)), kind="SCALAR"
        )
        words = "keys for another number of shapes"
    else:
        words = rng.choice(list(places(targets, "targets"))).put(rng.choice((*WRONG, *BAD_INDICES)))
    return finished(made, words)


def modes(rng: random.Random, number: int) -> Model:
    made = plain()
    document = made.document
    primitive = document["meshes"][0]["primitives"][0]
    manner = number % 12
    if manner < 7:
        primitive["mode"] = manner
        if rng.random() < 0.4:
            primitive.pop("indices")
        if rng.random() < 0.4:
            document["meshes"][0]["primitives"].append(cube(made, "second "))
        words = f"mode {manner}"
    elif manner == 7:
        primitive["attributes"] = rng.choice(
            ({}, {"NORMAL": 1}, None, [], {"POSITION": None}, {"TEXCOORD_0": 2}, {"position": 0})
        )
        words = f"the attributes {primitive['attributes']}"
    elif manner == 8:
        for accessor in document["accessors"][: rng.choice((1, 3, 4))]:
            accessor.pop("bufferView")
        words = "accessors of zeros"
    elif manner == 9:
        points = rng.choice(
            (
                [0.0] * 9,
                [1.0, 0, 0] * 3,
                [0.0, 0, 0, 1, 0, 0, 2, 0, 0],
                [0.0] * 3,
                [],
                [1e-30, 0, 0, 0, 1e-30, 0, 0, 0, 0],
            )
        )
        primitive["attributes"] = {"POSITION": made.accessor("few", points)}
        primitive.pop("indices")
        words = f"the corners {points}"
    elif manner == 10:
        primitive["indices"] = made.accessor(
            "few indices", rng.choice(([], [0], [0, 1], [0, 0, 0] * 4, [0, 1, 2, 3], [7] * 9)), UNSIGNED_INT, "SCALAR"
        )
        words = "few indices"
    else:
        document["meshes"][0]["primitives"] = rng.choice(([], None, {}, [None], [{}], 5))
        words = f"the primitives {document['meshes'][0]['primitives']}"
    return finished(made, words)


def strangers(rng: random.Random, number: int) -> Model:
    """Files that are no GLB at all."""
    made = plain()
    contents = (
        (b"", "an empty file"),
        (b"o Cube\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "an OBJ"),
        (json.dumps(made.document).encode(), "a glTF's JSON"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "a web page"),
        (b"Kaydara FBX Binary  \0\x1a\0" + rng.randbytes(500), "an FBX"),
        (b"PK\x03\x04" + rng.randbytes(500), "a zip"),
        (b"BLENDER-v405" + rng.randbytes(500), "a .blend"),
        (rng.randbytes(rng.choice((1, 12, 5000))), "random bytes"),
        (b"glTF", "four bytes"),
        (struct.pack("<4sII", b"glTF", 2, 12), "a header alone"),
        (struct.pack("<4sII", b"glTF", 2, 20) + struct.pack("<I4s", 0, b"JSON"), "an empty JSON chunk"),
        (zlib.compress(made.glb()), "a GLB that is compressed"),
        (struct.pack("<4sII", b"glTF", 1, 40) + struct.pack("<II", 20, 0) + b"{}" + b" " * 18, "a GLB of version 1"),
        (b"solid x\nendsolid\n", "an STL"),
        (made.glb()[::-1], "a GLB from its end"),
    )
    return Model(*contents[number % len(contents)])


class Kind(NamedTuple):
    make: Callable[[random.Random, int], Model]
    files: int
    """So many are made of it."""


KINDS = {
    "good": Kind(good, 8),
    "cut": Kind(cut, 105),
    "lengths": Kind(lengths, 80),
    "flipped": Kind(flipped, 120),
    "types": Kind(types, 260),
    "lacking": Kind(lacking, 100),
    "indices": Kind(indices, 180),
    "counts": Kind(counts, 140),
    "values": Kind(values, 150),
    "numbers": Kind(numbers, 120),
    "several": Kind(several, 110),
    "graph": Kind(graph, 72),
    "many": Kind(many, MESHES_ALONE),
    "pictures": Kind(pictures, 112),
    "bombs": Kind(bombs, 10),
    "sparse": Kind(sparse, 72),
    "draco": Kind(draco, 80),
    "required": Kind(required, 72),
    "extensions": Kind(extensions, 100),
    "bulky": Kind(bulky, 24),
    "spellings": Kind(spellings, 60),
    "names": Kind(names, 60),
    "escapes": Kind(escapes, 96),
    "extras": Kind(extras, 54),
    "animations": Kind(animations, 96),
    "skins": Kind(skins, 84),
    "shapes": Kind(shapes, 80),
    "modes": Kind(modes, 60),
    "strangers": Kind(strangers, 15),
}


def make(seed: int, kind: str, number: int) -> Model:
    """File `number` of a kind: the same bytes whenever and wherever it is made."""
    return KINDS[kind].make(random.Random(f"{seed}/{kind}/{number}"), number)
