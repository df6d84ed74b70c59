# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this file really a GLB, whole, and does it keep to itself? And a copy of it as Blender's importer may read it.
Never decodes a mesh or an image.

Source: glTF 2.0, section 4 "GLB File Format Specification"; `uri` in 5.9 (buffer) and 5.16 (image).
"""

import json
import os
import struct
from pathlib import Path
from typing import IO, Any, NamedTuple

from .. import files
from . import embedded
from .default_scene import keep_default_scene, reached
from .errors import GlbError
from .extras import EXTRAS, keep_plain
from .gltf import broken, require
from .visibility import mark_hidden
from .words import one_line

HEADER = struct.Struct("<4sII")  # magic, version, length of the whole file in bytes
CHUNK = struct.Struct("<I4s")  # length of the chunk's data in bytes, type
ALIGNMENT_BYTES = 8
"""On which what is in the copy's binary chunk begins: the largest component of glTF has 4, and numpy is quicker so."""

JSON_BYTES_MOST = 512 * 2**20
"""All that is not geometry fits in some megabytes. It is pictures in data URIs that need more; the text is kept twice
while it is read, in a process that has to do with some gigabytes."""
VALUES_MOST = 4_000_000
"""How many values the JSON may hold. Each takes up to some 300 bytes in Python. Of a model with 100,000 nodes, each
with a matrix and a mesh of its own, the JSON has about as many."""

MATERIAL_TAG = "image_to_3d_material"
"""In the `extras` of each material of a copy: its number in the GLB."""
GONE_TAG = "image_to_3d_gone"
"""In the `extras` of each node of a copy that was only a camera or a light: true."""
HIDDEN_TAG = "image_to_3d_hidden"
"""In the `extras` of each node of a copy that has a mesh and is hidden: true."""

NAMES = ("name", "generator", "copyright")
NAME_BYTES_MOST = 250  # of a datablock in Blender 5.2; 63 before, which the importer sees to
BONE_NAME_BYTES_MOST = 63
"""Of a bone (Blender 4.2 to 5.2). What is longer is cut there, also within a letter, and then the importer cannot read
it back."""
READ_MOST = 1000  # characters of a name, of which not all can be seen

DAMAGED = "The model's file is damaged: try again."

MODES = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""The copy is a new file: whatever has its name already, a link as well, is left alone."""
PIECE_BYTES = 2**20


class Binary(NamedTuple):
    """Where the data of the binary chunk are in the file, in bytes."""

    start: int
    length: int


def check(path: Path) -> dict[str, Any]:
    """Return the JSON of a GLB; raise `GlbError` unless `path` is a complete GLB 2.0 that refers to nothing outside
    itself, and in which all is what its place is for. It is a `BrokenGlbError` where the file came as it was made.

    As lenient as Blender's importer (4.2 to 5.2): chunks need not end on four bytes, and what follows the binary chunk
    is not looked at. Every uri in buffers and images is refused but a data URI in base64 that can be decoded: the
    importer opens whatever else there is as a path, "data:/../../etc/passwd" too.
    """
    document, binary = _read(path)
    embedded.require_data(document)
    embedded.require_buffers(document, binary.length)
    return document


def copy_for_blender(path: Path, copy: Path) -> dict[str, Any]:
    """Write `copy`, a new file: the GLB at `path` as Blender's importer may have it. Return its JSON as written.

    It holds no uri: what was in data URIs is in the binary chunk. Of the nodes only those of the default scene are
    there, without cameras and lights, and of `extras` only what is plain (`extras.keep_plain`) and `MATERIAL_TAG`,
    `GONE_TAG`, `HIDDEN_TAG`. The numbers of materials, meshes, textures, images and accessors are those of the GLB;
    those of nodes, skins, animations, buffers are not. Raises `GlbError` as `check` does, and `OSError`.
    """
    document, binary = _read(path)
    embedded.require_data(document)
    embedded.require_buffers(document, binary.length)
    keep_plain(document)
    keep_default_scene(document, GONE_TAG)
    mark_hidden(document, HIDDEN_TAG)
    for number, material in enumerate(document.get("materials", [])):
        material[EXTRAS] = {**material.get(EXTRAS, {}), MATERIAL_TAG: number}
    _cut_weights(document)
    own_bytes, added = embedded.into_one_buffer(document, binary.length, ALIGNMENT_BYTES)
    _clean(document)
    _shorten_bones(document)
    try:
        content = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    except (RecursionError, ValueError):  # Python reads deeper than it writes, and 1e999 as endless
        raise broken("its JSON is nested too deep, or holds what is no number") from None
    content += b" " * (-(HEADER.size + 2 * CHUNK.size + len(content)) % ALIGNMENT_BYTES)
    length = own_bytes + sum(map(len, added))
    whole = HEADER.size + 2 * CHUNK.size + len(content) + length
    with _open(path) as source, open(os.open(copy, MODES, 0o600), "wb") as target:
        target.write(HEADER.pack(b"glTF", 2, whole))
        target.write(CHUNK.pack(len(content), b"JSON") + content)
        target.write(CHUNK.pack(length, b"BIN\0"))
        source.seek(binary.start)
        left = min(own_bytes, binary.length)
        while left:
            piece = source.read(min(left, PIECE_BYTES))
            if not piece:
                raise GlbError(DAMAGED)
            target.write(piece)
            left -= len(piece)
        target.write(b"\0" * (own_bytes - min(own_bytes, binary.length)))
        target.writelines(added)
    return document


def missing_maps(path: Path) -> frozenset[str]:
    """Which maps the one material of a checked GLB lacks, by their names in `task.Result.maps`; none where there are
    several.

    Source: glTF 2.0, 5.19 (material) and 5.22 (pbrMetallicRoughness).
    """
    materials = check(path).get("materials") or [{}]
    if len(materials) > 1:
        return frozenset()
    material = materials[0]
    surface = material.get("pbrMetallicRoughness", {})
    there = {
        "base_color": "baseColorTexture" in surface,
        "metallic": "metallicRoughnessTexture" in surface,
        "roughness": "metallicRoughnessTexture" in surface,
        "metallic_roughness": "metallicRoughnessTexture" in surface,
        "normal": "normalTexture" in material,
        "emission": "emissiveTexture" in material,
    }
    return frozenset(name for name, is_there in there.items() if not is_there)


def _read(path: Path) -> tuple[dict[str, Any], Binary]:
    """Return the JSON, in which all is what its place is for, and where the binary chunk is."""
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(HEADER.size)
        if len(head) < HEADER.size or not head.startswith(b"glTF"):
            raise GlbError("The service delivered a file that is not a GLB model: another program may open it.")
        _, version, length = HEADER.unpack(head)
        if version != 2:
            raise GlbError(
                f"The service delivered a GLB of version {version}, and Blender reads version 2: another program may "
                "convert it."
            )
        if length > size:
            raise GlbError(f"The model is incomplete ({size} of {length} bytes): try again.")
        if length < size:
            raise GlbError(f"The model's file is damaged (it has {size} bytes and says {length}): try again.")
        document, binary = _read_chunks(file, size)
    require(document)
    if document["asset"]["version"] != "2.0":
        raise broken("it is no glTF 2.0")
    reached(document)
    return document, binary


def _open(path: Path) -> IO[bytes]:
    try:
        return files.open_plain(path, "rb")
    except files.NotPlainError:
        raise GlbError(f"{path.name} is no plain file, and was not opened: try again.") from None


def _read_chunks(file: IO[bytes], size: int) -> tuple[Any, Binary]:
    """Return what the first chunk says, and where the data of the second one are, if that is the binary one."""
    length, kind = _read_head(file, size)
    if kind != b"JSON":
        raise GlbError(DAMAGED)
    if length > JSON_BYTES_MOST:
        raise broken(f"its JSON has more than {JSON_BYTES_MOST // 2**20} MB")
    content = file.read(length)
    if sum(map(content.count, (b",", b"[", b"{"))) > VALUES_MOST:
        raise broken(f"its JSON holds more than {VALUES_MOST:,} values")
    document = _parsed(content)
    if file.tell() == size:
        return document, Binary(size, 0)
    length, kind = _read_head(file, size)
    if kind == b"JSON":
        raise GlbError(DAMAGED)
    return document, Binary(file.tell(), length if kind == b"BIN\0" else 0)


def _read_head(file: IO[bytes], size: int) -> tuple[int, bytes]:
    """The length and type of the chunk that begins here."""
    head = file.read(CHUNK.size)
    if len(head) < CHUNK.size:
        raise GlbError(DAMAGED)
    length, kind = CHUNK.unpack(head)
    if file.tell() + length > size:
        raise GlbError(DAMAGED)
    return length, kind


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content.decode())  # as the importer does: bytes alone may be taken for UTF-16
    except (ValueError, RecursionError):
        raise GlbError(DAMAGED) from None


def _cut_weights(document: dict[str, Any]) -> None:
    """Leave no more weights than there are shape keys: the importer asks for a key for each."""
    meshes = document.get("meshes", [])
    counts = [next((len(found) for part in mesh["primitives"] if (found := part.get("targets"))), 0) for mesh in meshes]
    holders = [*zip(meshes, counts, strict=True)]
    holders += [(node, counts[node["mesh"]]) for node in document.get("nodes", []) if "mesh" in node]
    for holder, count in holders:
        if "weights" in holder:
            holder["weights"] = holder["weights"][:count]


def _clean(document: dict[str, Any]) -> None:
    """Leave of each name what can be the name of something in Blender, and no uri anywhere, whatever it may be for."""
    waiting: list[Any] = [document]
    while waiting:  # no recursion: how deep it goes is up to the file
        value = waiting.pop()
        if isinstance(value, list):
            waiting += [entry for entry in value if isinstance(entry, (dict, list))]
        elif isinstance(value, dict):
            value.pop("uri", None)
            for name in NAMES:
                if isinstance(value.get(name), str):
                    value[name] = _as_name(value[name])
            for name in [name for name in value if not (name.isprintable() and len(name) <= NAME_BYTES_MOST)]:
                del value[name]
            waiting += [entry for name, entry in value.items() if name != EXTRAS and isinstance(entry, (dict, list))]


def _shorten_bones(document: dict[str, Any]) -> None:
    """Leave of the names of nodes what Blender keeps of them, where they may be bones."""
    for node in document.get("nodes", []) if document.get("skins") else []:
        if "name" in node:
            node["name"] = _as_name(node["name"], BONE_NAME_BYTES_MOST)


def _as_name(text: str, bytes_most: int = NAME_BYTES_MOST) -> str:
    return one_line(text[:READ_MOST]).encode()[:bytes_most].decode(errors="ignore")
