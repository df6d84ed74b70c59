# SPDX-License-Identifier: GPL-3.0-or-later
"""Is what a GLB says of its numbers true? Looks at them where they lie, and never changes anything. Imports no bpy.

What would crash Blender's importer (4.2 to 5.2), or end in an error that says nothing, is found here, and numbers that
are none never come into a scene. Only what the importer reads is looked at: what it leaves alone may be damaged. What
is compressed (Draco, meshopt) cannot be seen here.

Source: glTF 2.0, section 3.6 (binary data), 3.7 (geometry), 3.11 (animations); `KHR_draco_mesh_compression`,
`EXT_meshopt_compression`, `EXT_mesh_gpu_instancing`.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..api.gltf import broken

Values = np.ndarray[Any, np.dtype[Any]]

FLOAT, UNSIGNED = "<f4", ("<u1", "<u2", "<u4")
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: FLOAT}
"""A component's type in numpy's words (glTF 2.0, 3.6.2.2)."""

SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
UNREAD = ("MAT2", "MAT3")
"""How many components an element has, and what the importer says itself that it does not read."""

ATTRIBUTES = {
    "POSITION": ("positions", ("VEC3",)),
    "NORMAL": ("normals", ("VEC3",)),
    "TEXCOORD": ("texture coordinates", ("VEC2",)),
    "COLOR": ("colors", ("VEC3", "VEC4")),
}
"""What a primitive says of its vertices, in words, and of which types that is (glTF 2.0, 3.7.2.1)."""

SKINNING = {"JOINTS": ("joints", ("VEC4",)), "WEIGHTS": ("weights", ("VEC4",))}
"""The same of a mesh with a skin; the importer leaves it alone elsewhere."""

OWN = ("attributes of its own", tuple(SIZES))
"""The same of what a program adds for itself; its name begins with "_"."""

ANIMATED = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3", "weights": "SCALAR"}
"""What an animation moves, and of which type the numbers for it are (glTF 2.0, 3.11)."""

VALUES_EACH = {"STEP": 1, "LINEAR": 1, "CUBICSPLINE": 3}
"""How many values there are for each time, by how an animation goes between them (glTF 2.0, 5.8)."""

PLACED = ("translation", "rotation", "scale", "matrix", "weights")
"""The numbers of a node (glTF 2.0, 5.25)."""

INSTANCED = {"TRANSLATION": "VEC3", "ROTATION": "VEC4", "SCALE": "VEC3"}

POINTS, LINES, LINE_LOOP, LINE_STRIP, TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN = range(7)
AT_LEAST = {LINES: 2, LINE_LOOP: 1, LINE_STRIP: 2, TRIANGLES: 3, TRIANGLE_STRIP: 3, TRIANGLE_FAN: 3}
MULTIPLE_OF = {LINES: 2}
"""How many corners the modes of a primitive take (glTF 2.0, 3.7.2.1). One or two of them as triangles crash Blender
(4.2 to 5.2), but it bears one or two that are left over."""

WITHOUT_BYTES_AT_MOST = 1 << 24
"""Elements of an accessor without a bufferView, whose numbers are all 0. There is nothing in the file that bounds it,
and so many fill some hundred megabytes."""

LARGEST = 3.4028234663852886e38
"""The largest number that Blender can hold (IEEE 754, binary32)."""

DRACO = "KHR_draco_mesh_compression"
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
INSTANCING = "EXT_mesh_gpu_instancing"


def check(path: Path, document: dict[str, Any]) -> None:
    """Raise `GlbError` where the GLB at `path`, whose JSON is `document`, says what is not true of its binary chunk, or
    holds a number that is none.

    Takes a file that `api.glb.copy_for_blender` has written: its first buffer is the binary chunk, and there are no
    others.
    """
    try:
        _Sound(document, _binary_chunk(path)).check()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        # An index or a type that is wrong: each is looked at before, where that gives a better sentence.
        raise broken("one of its parts refers to what is not there") from error


def _binary_chunk(path: Path) -> Values:
    """The bytes of the binary chunk, mapped and not read; none where there is no such chunk (glTF 2.0, 4.4)."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<12xI4x", file.read(20))
        file.seek(length, 1)
        head = file.read(8)
        start = file.tell()
    if len(head) < 8 or head[4:] != b"BIN\0" or not (size := struct.unpack("<I", head[:4])[0]):
        return np.empty(0, np.uint8)
    return np.memmap(path, np.uint8, "r", start, (size,))


def _whole(value: Any, what: str) -> int:
    """A number that counts something."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise broken(f"{what} is no whole number from 0")
    return value


def _collect(value: Any, numbers: list[Any]) -> None:
    """Append all numbers in a part of the JSON but those in `extras`, which are a stranger's own."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "extras":
                _collect(inner, numbers)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, numbers)
    elif isinstance(value, (int, float)):
        numbers.append(value)


def _are_finite(numbers: list[Any]) -> bool:
    """Whether Blender can hold the numbers."""
    try:
        return bool((np.abs(np.array(numbers, np.float64)) <= LARGEST).all())
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _base_name(attribute: str) -> str:
    """`TEXCOORD` of `TEXCOORD_0`."""
    return attribute.rpartition("_")[0] or attribute


def _is_finite(values: Values) -> bool:
    if values.flags.c_contiguous:
        return bool(np.isfinite(values).all())
    # Column by column, where others lie in between: row by row takes numpy four times as long.
    return all(bool(np.isfinite(column).all()) for column in values.T)


def _shape_count(mesh: dict[str, Any]) -> int:
    """How many shapes the importer gives a mesh: as many as the first of its primitives has that has some."""
    counts = (len(primitive.get("targets") or []) for primitive in mesh["primitives"])
    return next((count for count in counts if count), 0)


@dataclass
class _Sound:
    """One look at a model."""

    document: dict[str, Any]
    binary: Values
    _read: dict[int, Values | None] = field(default_factory=dict)
    """What was looked at already, by accessor: parts share them."""
    _highest: dict[int, int] = field(default_factory=dict)

    def check(self) -> None:
        self._check_numbers()
        self._check_materials()
        skins: dict[int, list[dict[str, Any]]] = {}
        meshes = []
        for node in self._entries("nodes"):
            if "mesh" in node:
                mesh = _whole(node["mesh"], "the number of a mesh")
                meshes.append(mesh)
                self._check_weights(node, self._at("meshes", mesh))
                if "skin" in node:
                    skins.setdefault(mesh, []).append(self._at("skins", node["skin"]))
            self._check_instances(node.get("extensions", {}).get(INSTANCING))
        for skin in self._entries("skins"):
            self._check_skin(skin)
        for mesh in dict.fromkeys(meshes):
            joints = min((len(skin["joints"]) for skin in skins.get(mesh, [])), default=None)
            self._check_mesh(self._at("meshes", mesh), joints)
        for animation in self._entries("animations"):
            self._check_animation(animation)

    # The JSON

    def _entries(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.document.get(name) or []
        return entries

    def _at(self, name: str, index: Any) -> dict[str, Any]:
        entries = self._entries(name)
        if _whole(index, f"a reference to its {name}") >= len(entries):
            raise broken(f"one of its {name} is missing")
        return entries[index]

    def _check_numbers(self) -> None:
        placed: list[Any] = []
        for node in self._entries("nodes"):
            for name in PLACED:
                if name in node:
                    placed += node[name]
        surfaces: list[Any] = []
        _collect(self._entries("materials"), surfaces)
        for numbers, what in ((placed, "nodes"), (surfaces, "materials")):
            if not _are_finite(numbers):
                raise broken(f"a number of one of its {what} is not finite, or too large")

    def _check_materials(self) -> None:
        for texture in self._entries("textures"):
            for name, what in (("source", "images"), ("sampler", "samplers")):
                if texture.get(name) is not None:
                    self._at(what, texture[name])
        for image in self._entries("images"):
            if image.get("bufferView") is not None:
                self._at("bufferViews", image["bufferView"])
        for material in self._entries("materials"):
            for texture in self._textures_of(material):
                self._at("textures", texture)

    def _textures_of(self, value: Any) -> Iterator[Any]:
        """What the texture infos in a material refer to (glTF 2.0, 5.30)."""
        if isinstance(value, dict):
            for name, inner in value.items():
                if name.endswith("Texture") and isinstance(inner, dict):
                    yield inner.get("index")
                elif name != "extras":
                    yield from self._textures_of(inner)

    # The numbers in the binary chunk

    def _values(self, index: Any, types: Iterable[str], what: str) -> Values | None:
        """The numbers of an accessor, a row for each element. None where they are compressed."""
        accessor = self._at("accessors", index)
        if accessor.get("type") not in types:
            raise broken(f"{what} are of a type that they cannot have")
        if index not in self._read:
            values = self._decoded(accessor, what)
            if values is not None and values.dtype.kind == "f" and not _is_finite(values):
                raise broken(f"{what} hold what is no finite number")
            self._read[index] = values
        return self._read[index]

    def _decoded(self, accessor: dict[str, Any], what: str) -> Values | None:
        count = _whole(accessor.get("count"), f"the count of {what}")
        kind = COMPONENTS.get(accessor.get("componentType"))  # type: ignore[arg-type]
        if kind is None:
            raise broken(f"{what} are of a type that they cannot have")
        shape = (count, SIZES[accessor["type"]])
        if accessor.get("bufferView") is not None:
            values = self._laid_out(accessor["bufferView"], accessor.get("byteOffset", 0), kind, shape, what)
        elif count > WITHOUT_BYTES_AT_MOST:
            raise broken(f"there are no bytes for {what}")
        else:
            values = np.broadcast_to(np.zeros((1, shape[1]), kind), shape)
        sparse = accessor.get("sparse")
        return values if sparse is None or values is None else self._replaced(values, sparse, kind, what)

    def _laid_out(self, index: Any, offset: Any, kind: str, shape: tuple[int, int], what: str) -> Values | None:
        """The numbers as they lie in a bufferView."""
        view = self._at("bufferViews", index)
        if any(name in view.get("extensions", {}) for name in MESHOPT):
            return None
        if _whole(view.get("buffer"), "the number of a buffer") != 0:
            raise broken("one of its buffers is missing")
        start = _whole(view.get("byteOffset", 0), "the place of a bufferView")
        end = start + _whole(view.get("byteLength"), "the length of a bufferView")
        start += _whole(offset, f"the place of {what}")
        (count, components), size = shape, np.dtype(kind).itemsize
        stride = _whole(view.get("byteStride", 0), "the stride of a bufferView") or size * components
        if stride % size or stride < size * components:
            raise broken(f"{what} lie where numbers cannot lie")
        if not count:
            return np.empty(shape, kind)
        if start + (count - 1) * stride + size * components > min(end, len(self.binary)):
            raise broken(f"{what} go beyond the end of its data")
        return np.ndarray(shape, kind, self.binary, start, (stride, size))

    def _replaced(self, values: Values, sparse: dict[str, Any], kind: str, what: str) -> Values | None:
        """The numbers with those of a sparse accessor in their places (glTF 2.0, 3.6.2.3)."""
        count = _whole(sparse.get("count"), f"the count of {what}")
        places, numbers = sparse["indices"], sparse["values"]
        places_kind = COMPONENTS.get(places.get("componentType"), "")
        if places_kind not in UNSIGNED:
            raise broken(f"the places of {what} are of a type that they cannot have")
        at = self._laid_out(places.get("bufferView"), places.get("byteOffset", 0), places_kind, (count, 1), what)
        shape = (count, values.shape[1])
        new = self._laid_out(numbers.get("bufferView"), numbers.get("byteOffset", 0), kind, shape, what)
        if at is None or new is None:
            return None
        if count and int(at.max()) >= len(values):
            raise broken(f"some of {what} have no place")
        values = values.copy()
        values[at[:, 0]] = new
        return values

    # What they are for

    def _check_mesh(self, mesh: dict[str, Any], joints: int | None) -> None:
        kinds = ATTRIBUTES if joints is None else {**ATTRIBUTES, **SKINNING}
        primitives = mesh["primitives"]
        own: dict[str, Any] = {}
        shape_count = _shape_count(mesh)
        for primitive in primitives:
            attributes = primitive["attributes"]
            if "POSITION" not in attributes:
                continue  # the importer leaves it out
            if primitive.get("material") is not None:
                self._at("materials", primitive["material"])
            if (primitive.get("extensions") or {}).get(DRACO) is not None:
                self._check_draco(primitive)
                continue
            needed = self._check_corners(primitive)
            for name, accessor in attributes.items():
                if name.startswith("_"):
                    if self._at("accessors", accessor).get("type") in UNREAD:
                        continue
                    form = [self._at("accessors", accessor).get(key) for key in ("type", "componentType")]
                    if own.setdefault(name, form) != form:
                        raise broken("the parts of a mesh have one attribute in several types")
                    self._check_vertices(accessor, OWN, needed)
                elif _base_name(name) in kinds:
                    self._check_vertices(accessor, kinds[_base_name(name)], needed)
            if joints is not None:
                self._check_joints(attributes, joints)
            shapes = primitive.get("targets") or []
            if 0 < len(shapes) < shape_count:
                raise broken("the parts of a mesh have different numbers of shapes")
            for shape in shapes[:shape_count]:
                if "POSITION" in shape:
                    self._check_vertices(shape["POSITION"], ("positions in a shape", ("VEC3",)), needed)

    def _check_weights(self, node: dict[str, Any], mesh: dict[str, Any]) -> None:
        weights = node.get("weights") or mesh.get("weights") or []
        if 0 < _shape_count(mesh) < len(weights):
            raise broken(f"a mesh has {_shape_count(mesh):,} shapes and {len(weights):,} weights for them")

    def _check_draco(self, primitive: dict[str, Any]) -> None:
        """What can be seen of a primitive that is compressed."""
        extension = primitive["extensions"][DRACO]
        view = self._at("bufferViews", extension.get("bufferView"))
        start = _whole(view.get("byteOffset", 0), "the place of a bufferView")
        if start + _whole(view.get("byteLength"), "the length of a bufferView") > len(self.binary):
            raise broken("its compressed data go beyond the end of its data")
        for number in extension["attributes"].values():
            _whole(number, "the number of a compressed part")
        used = [primitive.get("indices"), *primitive["attributes"].values()]
        for accessor in (self._at("accessors", index) for index in used):
            if _whole(accessor.get("count"), "the count of a compressed part") > WITHOUT_BYTES_AT_MOST:
                raise broken("the count of a compressed part cannot be true")
            if accessor.get("type") not in SIZES or accessor.get("componentType") not in COMPONENTS:
                raise broken("a compressed part is of a type that it cannot have")

    def _check_corners(self, primitive: dict[str, Any]) -> int:
        """Look at which vertices a primitive takes; return how many there have to be."""
        mode = primitive.get("mode", TRIANGLES)
        if mode not in range(7) or isinstance(mode, bool):
            raise broken("a part of a mesh is neither points nor lines nor triangles")
        if primitive.get("indices") is None:
            count = needed = _whole(
                self._at("accessors", primitive["attributes"]["POSITION"]).get("count"), "the count of vertices"
            )
        else:
            index = primitive["indices"]
            what = "the corners of a mesh"
            values = self._values(index, ("SCALAR",), what)
            if values is None:
                return 0
            if values.dtype.str not in (*UNSIGNED, "|u1") or self._at("accessors", index).get("normalized"):
                raise broken(f"{what} are of a type that they cannot have")
            count = len(values)
            if index not in self._highest:
                self._highest[index] = int(values.max()) if count else -1
            needed = self._highest[index] + 1
        if count and (count < AT_LEAST.get(mode, 1) or count % MULTIPLE_OF.get(mode, 1)):
            shapes = "triangles" if mode >= TRIANGLES else "lines"
            raise broken(f"{count:,} corners of a mesh do not make {shapes}")
        if not count and mode in (LINE_LOOP, LINE_STRIP, TRIANGLE_STRIP, TRIANGLE_FAN):
            raise broken("a part of a mesh has no corners")
        return needed

    def _check_vertices(self, index: Any, kind: tuple[str, Iterable[str]], needed: int) -> None:
        """Look at what a primitive says of its vertices, of which it takes the first `needed`."""
        words, types = kind
        values = self._values(index, types, f"the {words} of a mesh")
        if values is not None and len(values) < needed:
            raise broken(f"a mesh has {len(values):,} of the {needed:,} {words} that it needs")

    def _check_joints(self, attributes: dict[str, Any], joints: int) -> None:
        for name, accessor in attributes.items():
            if _base_name(name) != "JOINTS" or name.replace("JOINTS", "WEIGHTS") not in attributes:
                continue
            values = self._values(accessor, ("VEC4",), "the joints of a mesh")
            if values is None:
                continue
            if values.dtype.kind != "u" or self._at("accessors", accessor).get("normalized"):
                raise broken("the joints of a mesh are of a type that they cannot have")
            if len(values) and int(values.max()) >= joints:
                raise broken("a mesh hangs on bones that are not there")

    def _check_skin(self, skin: dict[str, Any]) -> None:
        joints = skin["joints"]
        for joint in joints:
            self._at("nodes", joint)
        if skin.get("skeleton") is not None:
            self._at("nodes", skin["skeleton"])
        if skin.get("inverseBindMatrices") is not None:
            values = self._values(skin["inverseBindMatrices"], ("MAT4",), "the matrices of a skeleton")
            if values is not None and len(values) < len(joints):
                raise broken(f"a skeleton has {len(joints):,} bones and {len(values):,} matrices")

    def _check_instances(self, extension: Any) -> None:
        if extension is None:
            return
        counts = set()
        for name, accessor in extension["attributes"].items():
            if name in INSTANCED:
                values = self._values(accessor, (INSTANCED[name],), "the places of its copies")
                if values is not None:
                    counts.add(len(values))
        if len(counts) > 1:
            raise broken("the copies of a mesh have different numbers of places")

    def _check_animation(self, animation: dict[str, Any]) -> None:
        samplers = animation["samplers"]
        for channel in animation["channels"]:
            target = channel["target"]
            pointed = target.get("path") == "pointer"
            if not pointed and (target.get("node") is None or target.get("path") not in ANIMATED):
                continue  # the importer leaves it out
            number = _whole(channel.get("sampler"), "the number of a sampler")
            if number >= len(samplers):
                raise broken("a sampler of an animation is missing")
            self._check_sampler(samplers[number], "" if pointed else target["path"], target.get("node"))

    def _check_sampler(self, sampler: dict[str, Any], path: str, node: Any) -> None:
        keys = self._values(sampler["input"], ("SCALAR",), "the times of an animation")
        types = (ANIMATED[path],) if path else SIZES
        values = self._values(sampler["output"], types, "the values of an animation")
        if keys is None or values is None or not path:
            return
        interpolation = sampler.get("interpolation", "LINEAR")
        if interpolation not in VALUES_EACH:
            raise broken("an animation goes from one value to the next in a way that is not known")
        each = VALUES_EACH[interpolation]
        if path == "weights":
            mesh = self._at("nodes", node).get("mesh")
            if mesh is None:
                return  # the importer leaves it out
            each *= _shape_count(self._at("meshes", mesh))
            if not each:
                raise broken("an animation moves shapes of a mesh that has none")
        # Of weights the importer takes as many as it needs, of all else as many as there are.
        if len(values) < len(keys) * each or (path != "weights" and len(values) != len(keys) * each):
            raise broken(f"an animation has {len(keys):,} times and {len(values):,} values")
