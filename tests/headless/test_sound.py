# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GLB says of its numbers is looked at before Blender's importer takes it at its word. Needs numpy only."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.api.errors import GlbError
from image_to_3d.headless import sound

SENTENCE = re.compile(r"The model's file is damaged \([^()]+\): other programs may still open it\.")
COMPONENTS = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
POSITIONS, NORMALS, COORDINATES, INDICES = range(4)
NAN = np.float32(np.nan)


class Model:
    """A cube of 24 vertices and 12 triangles, which a test changes."""

    def __init__(self) -> None:
        self.document, binary = parted(cube_glb())
        self.binary = bytearray(binary)

    @property
    def primitive(self) -> dict[str, Any]:
        return self.document["meshes"][0]["primitives"][0]

    @property
    def accessors(self) -> list[dict[str, Any]]:
        return self.document["accessors"]

    def add(self, values: Any, kind: str = "float32") -> int:
        """Append the numbers, and return their accessor."""
        self.binary += b"\0" * (-len(self.binary) % 4)
        array = np.ascontiguousarray(values, kind)
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": array.nbytes})
        self.binary += array.tobytes()
        form = {"componentType": COMPONENTS[kind], "type": TYPES[1 if array.ndim == 1 else array.shape[1]]}
        self.accessors.append({"bufferView": len(self.document["bufferViews"]) - 1, "count": len(array), **form})
        return len(self.accessors) - 1

    def corners(self, *corners: float, kind: str = "uint16", mode: int = 4) -> None:
        self.primitive.update(indices=self.add(corners, kind), mode=mode)

    def attribute(self, name: str, values: Any, kind: str = "float32") -> None:
        self.primitive["attributes"][name] = self.add(values, kind)

    def shape(self, values: Any) -> None:
        self.primitive.setdefault("targets", []).append({"POSITION": self.add(values)})

    def bones(self, joints: Any, weights: Any, matrices: Any, kind: str = "uint8") -> None:
        """Hang the cube on two bones."""
        self.attribute("JOINTS_0", joints, kind)
        self.attribute("WEIGHTS_0", weights)
        self.document["nodes"] = [{"mesh": 0, "skin": 0}, {"children": [2]}, {}]
        self.document["scenes"] = [{"nodes": [0, 1]}]
        self.document["skins"] = [{"joints": [1, 2], "inverseBindMatrices": self.add(matrices)}]

    def animated(self, times: Any, values: Any, path: str = "translation", **sampler: Any) -> None:
        made = {"input": self.add(times), "output": self.add(values), **sampler}
        channel = {"sampler": 0, "target": {"node": 0, "path": path}}
        self.document["animations"] = [{"samplers": [made], "channels": [channel]}]

    def sparse(self, accessor: int, places: Any, values: Any, kind: str = "uint16") -> dict[str, Any]:
        where, what = (self.accessors[self.add(values, kind)] for values, kind in ((places, kind), (values, "float32")))
        self.accessors[accessor]["sparse"] = {
            "count": len(places),
            "indices": {key: where[key] for key in ("bufferView", "componentType")},
            "values": {"bufferView": what["bufferView"]},
        }
        return self.accessors[accessor]["sparse"]

    def check(self, tmp_path: Path) -> None:
        self.document["buffers"] = [{"byteLength": len(self.binary)}]
        path = tmp_path / "model.glb"
        path.write_bytes(assembled(self.document, bytes(self.binary)))
        sound.check(path, self.document)


ONES = np.ones((24, 3))
BONES, WEIGHTS, MATRICES = np.zeros((24, 4)), np.tile([1.0, 0, 0, 0], (24, 1)), np.tile(np.eye(4).ravel(), (2, 1))
TIMES, PLACES = [0.0, 1.0], [[0.0, 0, 0], [1, 1, 1]]


def view_of(model: Model, accessor: int) -> dict[str, Any]:
    return model.document["bufferViews"][model.accessors[accessor]["bufferView"]]


def instanced(model: Model, **attributes: Any) -> None:
    made = {name: model.add(values) for name, values in attributes.items()}
    model.document["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": made}}


def compressed(model: Model) -> None:
    model.primitive["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    for accessor in model.accessors[:4]:
        del accessor["bufferView"]


def second_primitive(model: Model) -> dict[str, Any]:
    model.document["meshes"][0]["primitives"].append(copy.deepcopy(model.primitive))
    return model.document["meshes"][0]["primitives"][1]


def interleaved(model: Model, normal: float = 1) -> None:
    """Positions and normals in one view, as many programs write them."""
    both = np.c_[np.ones((24, 3)), np.full((24, 3), normal)]
    first = model.accessors[model.add(both.reshape(-1, 1).ravel())]
    model.document["bufferViews"][first["bufferView"]]["byteStride"] = 24
    for accessor, offset in ((POSITIONS, 0), (NORMALS, 12)):
        model.accessors[accessor].update(bufferView=first["bufferView"], byteOffset=offset)


SOUND: dict[str, Callable[[Model], Any]] = {
    "a cube": lambda model: None,
    "no corners": lambda model: model.accessors[INDICES].update(count=0),
    "points": lambda model: model.corners(0, mode=0),
    "a strip of four": lambda model: model.corners(0, 1, 2, 3, mode=5),
    "corners that are left over": lambda model: model.corners(0, 1, 2, 3),
    "no indices": lambda model: model.primitive.pop("indices"),
    "large indices": lambda model: model.corners(0, 1, 23, kind="uint32"),
    "quantized": lambda model: model.attribute("POSITION", ONES, "int8"),
    "interleaved": interleaved,
    "more normals than vertices": lambda model: model.attribute("NORMAL", np.ones((99, 3))),
    "colors without alpha": lambda model: model.attribute("COLOR_0", ONES),
    "tangents that are none": lambda model: model.attribute("TANGENT", np.full((24, 4), NAN)),
    "an attribute of its own": lambda model: model.attribute("_HEAT", np.ones(24)),
    "joints without a skin": lambda model: model.attribute("JOINTS_0", np.full((24, 4), 200), "uint8"),
    "bones": lambda model: model.bones(BONES, WEIGHTS, MATRICES),
    "a shape": lambda model: model.shape(ONES),
    "a shape of one part": lambda model: (second_primitive(model), model.shape(ONES)),
    "animated": lambda model: model.animated(TIMES, PLACES),
    "a smooth animation": lambda model: model.animated(TIMES, PLACES * 3, interpolation="CUBICSPLINE"),
    "an animated shape": lambda model: (model.shape(ONES), model.animated(TIMES, TIMES, "weights")),
    "nothing that is animated": lambda model: model.animated(TIMES, [0.0], "color"),
    "copies": lambda model: instanced(model, TRANSLATION=PLACES, SCALE=PLACES),
    "sparse": lambda model: model.sparse(POSITIONS, [0, 23], [[9, 9, 9]] * 2),
    "a shape that is only sparse": lambda model: (
        model.shape(ONES),
        model.accessors[-1].pop("bufferView"),
        model.sparse(len(model.accessors) - 1, [0], [[9, 9, 9]]),
    ),
    "Draco": compressed,
    "a mesh that nobody uses": lambda model: model.document["meshes"].append(
        {"primitives": [{"attributes": {"POSITION": 99}}]}
    ),
    "numbers of a stranger": lambda model: model.document["nodes"][0].update(extras={"large": 1e308}),
}

DAMAGED: dict[str, Callable[[Model], Any]] = {
    "two corners": lambda model: model.corners(0, 1),
    "half a line": lambda model: model.corners(0, 1, 2, mode=1),
    "two corners in a strip": lambda model: model.corners(0, 1, mode=5),
    "an unknown mode": lambda model: model.corners(0, 1, 2, mode=7),
    "a corner beyond the vertices": lambda model: model.corners(0, 1, 24),
    "corners that are fractions": lambda model: model.corners(0, 1, 2, kind="float32"),
    "corners that are shares": lambda model: model.accessors[INDICES].update(normalized=True),
    "bones that are shares": lambda model: (
        model.bones(BONES, WEIGHTS, MATRICES),
        model.accessors[model.primitive["attributes"]["JOINTS_0"]].update(normalized=True),
    ),
    "negative corners": lambda model: model.corners(0, 1, -1, kind="int16"),
    "corners of three numbers": lambda model: model.primitive.update(indices=model.add([[0, 1, 2]], "uint16")),
    "two vertices without indices": lambda model: (model.primitive.pop("indices"), model.accessors[0].update(count=2)),
    "few normals": lambda model: model.accessors[NORMALS].update(count=23),
    "few colors": lambda model: model.attribute("COLOR_0", np.ones((5, 4))),
    "colors of two numbers": lambda model: model.attribute("COLOR_0", np.ones((24, 2))),
    "few of its own": lambda model: model.attribute("_HEAT", np.ones(5)),
    "its own in two types": lambda model: (
        second_primitive(model)["attributes"].update(_HEAT=model.add(ONES)),
        model.attribute("_HEAT", np.ones(24)),
    ),
    "positions of two numbers": lambda model: model.accessors[POSITIONS].update(type="VEC2"),
    "an unknown type": lambda model: model.accessors[POSITIONS].update(type="VEC5"),
    "an unknown component": lambda model: model.accessors[POSITIONS].update(componentType=5124),
    "an accessor that is missing": lambda model: model.primitive["attributes"].update(NORMAL=99),
    "a negative reference": lambda model: model.primitive["attributes"].update(NORMAL=-1),
    "a reference that is no number": lambda model: model.primitive["attributes"].update(NORMAL="1"),
    "a view beyond the data": lambda model: view_of(model, NORMALS).update(byteOffset=10**6),
    "an offset beyond the view": lambda model: model.accessors[NORMALS].update(byteOffset=4),
    "a negative offset": lambda model: model.accessors[NORMALS].update(byteOffset=-4),
    "a negative view": lambda model: view_of(model, NORMALS).update(byteOffset=-4),
    "a negative length": lambda model: view_of(model, NORMALS).update(byteLength=-4),
    "another buffer": lambda model: view_of(model, NORMALS).update(buffer=1),
    "a stride within a vertex": lambda model: view_of(model, NORMALS).update(byteStride=4),
    "a stride between numbers": lambda model: view_of(model, NORMALS).update(byteStride=14),
    "a huge stride": lambda model: view_of(model, NORMALS).update(byteStride=10**9),
    "2^31 positions": lambda model: model.accessors[POSITIONS].update(count=2**31),
    "2^31 positions without bytes": lambda model: (
        model.accessors[POSITIONS].update(count=2**31),
        model.accessors[POSITIONS].pop("bufferView"),
    ),
    "a count that is true": lambda model: model.accessors[POSITIONS].update(count=True),
    "a count with a point": lambda model: model.accessors[POSITIONS].update(count=24.0),
    "a negative count": lambda model: model.accessors[POSITIONS].update(count=-1),
    "sparse places beyond": lambda model: model.sparse(POSITIONS, [0, 24], [[9, 9, 9]] * 2),
    "sparse places that are fractions": lambda model: model.sparse(POSITIONS, [0, 1], [[9, 9, 9]] * 2, "float32"),
    "sparse places that are negative": lambda model: model.sparse(POSITIONS, [0, -1], [[9, 9, 9]] * 2, "int16"),
    "sparse in great number": lambda model: model.sparse(POSITIONS, [0, 1], [[9, 9, 9]] * 2).update(count=2**31),
    "sparse without values": lambda model: model.sparse(POSITIONS, [0], [[9, 9, 9]]).pop("values"),
    "bones that are not there": lambda model: model.bones(BONES + 2, WEIGHTS, MATRICES),
    "bones that are fractions": lambda model: model.bones(BONES, WEIGHTS, MATRICES, "float32"),
    "bones of three numbers": lambda model: model.bones(BONES[:, :3], WEIGHTS, MATRICES),
    "few weights": lambda model: model.bones(BONES, WEIGHTS[:3], MATRICES),
    "few matrices": lambda model: model.bones(BONES, WEIGHTS, MATRICES[:1]),
    "a skin that is missing": lambda model: model.document["nodes"][0].update(skin=3),
    "few positions in a shape": lambda model: model.shape(ONES[:5]),
    "fewer shapes in one part": lambda model: (
        model.shape(ONES),
        model.shape(ONES),
        second_primitive(model)["targets"].pop(),
    ),
    "more weights than shapes": lambda model: (model.shape(ONES), model.document["nodes"][0].update(weights=[1, 1])),
    "fewer values than times": lambda model: model.animated(TIMES, PLACES[:1]),
    "more values than times": lambda model: model.animated(TIMES, PLACES * 2),
    "an unknown interpolation": lambda model: model.animated(TIMES, PLACES, interpolation="BEZIER"),
    "no tangents": lambda model: model.animated(TIMES, PLACES, interpolation="CUBICSPLINE"),
    "turns of three numbers": lambda model: model.animated(TIMES, PLACES, "rotation"),
    "times of three numbers": lambda model: model.animated(PLACES, PLACES),
    "fewer weights than shapes": lambda model: (
        model.shape(ONES),
        model.shape(ONES),
        model.animated(TIMES, TIMES, "weights"),
    ),
    "weights without shapes": lambda model: model.animated(TIMES, TIMES, "weights"),
    "a sampler that is missing": lambda model: (
        model.animated(TIMES, PLACES),
        model.document["animations"][0]["channels"][0].update(sampler=1),
    ),
    "copies of two numbers": lambda model: instanced(model, TRANSLATION=[[0, 0], [1, 1]]),
    "copies in different numbers": lambda model: instanced(model, TRANSLATION=PLACES, SCALE=PLACES[:1]),
    "a mesh that is missing": lambda model: model.document["nodes"][0].update(mesh=1),
    "a material that is missing": lambda model: model.primitive.update(material=1),
    "a texture that is missing": lambda model: model.document["materials"][0].update(normalTexture={"index": 9}),
    "an image that is missing": lambda model: model.document["textures"][0].update(source=9),
    "an image nowhere": lambda model: model.document["images"][0].update(bufferView=99),
    "Draco of 2^31": lambda model: (compressed(model), model.accessors[POSITIONS].update(count=2**31)),
    "Draco beyond the data": lambda model: (compressed(model), view_of_draco(model).update(byteLength=10**9)),
    # Numbers that are none
    "positions": lambda model: model.attribute("POSITION", np.full((24, 3), NAN)),
    "one position": lambda model: model.sparse(POSITIONS, [7], [[0, np.inf, 0]]),
    "normals": lambda model: model.attribute("NORMAL", np.full((24, 3), NAN)),
    "one that is interleaved": lambda model: (interleaved(model), model.sparse(NORMALS, [23], [[0, 0, NAN]])),
    "all that are interleaved": lambda model: interleaved(model, np.inf),
    "texture coordinates": lambda model: model.attribute("TEXCOORD_0", np.full((24, 2), -np.inf)),
    "colors": lambda model: model.attribute("COLOR_0", np.full((24, 4), NAN)),
    "weights": lambda model: model.bones(BONES, WEIGHTS * NAN, MATRICES),
    "matrices": lambda model: model.bones(BONES, WEIGHTS, MATRICES * NAN),
    "shapes": lambda model: model.shape(ONES * NAN),
    "times": lambda model: model.animated([0, NAN], PLACES),
    "values": lambda model: model.animated(TIMES, [[0, 0, 0], [0, 0, NAN]]),
    "places of copies": lambda model: instanced(model, TRANSLATION=[[0, 0, NAN]]),
    "a place": lambda model: model.document["nodes"][0].update(translation=[0, float("nan"), 0]),
    "a place beyond all": lambda model: model.document["nodes"][0].update(translation=[0, 1e308, 0]),
    "a whole number beyond all": lambda model: model.document["nodes"][0].update(scale=[1, 10**400, 1]),
    "a matrix": lambda model: model.document["nodes"][0].update(matrix=[float("inf")] * 16),
    "a factor": lambda model: model.document["materials"][0].update(emissiveFactor=[0, 0, float("nan")]),
    "a factor of an extension": lambda model: model.document["materials"][0].update(
        extensions={"KHR_materials_ior": {"ior": float("inf")}}
    ),
}  # fmt: skip


def view_of_draco(model: Model) -> dict[str, Any]:
    return model.document["bufferViews"][0]


@pytest.mark.parametrize("change", SOUND.values(), ids=SOUND)
def test_what_is_sound_passes(tmp_path: Path, change: Callable[[Model], Any]) -> None:
    model = Model()
    change(model)
    model.check(tmp_path)


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_told_in_one_sentence(tmp_path: Path, change: Callable[[Model], Any]) -> None:
    model = Model()
    change(model)
    with pytest.raises(GlbError) as raised:
        model.check(tmp_path)
    assert SENTENCE.fullmatch(str(raised.value)), raised.value


def test_the_sentence_names_what_is_wrong(tmp_path: Path) -> None:
    model = Model()
    model.corners(0, 1, 99)
    with pytest.raises(GlbError, match=r"\(a mesh has 24 of the 100 positions that it needs\)"):
        model.check(tmp_path)


def test_a_file_without_a_binary_chunk_is_damaged_where_it_has_numbers(tmp_path: Path) -> None:
    model = Model()
    model.binary.clear()
    with pytest.raises(GlbError, match="beyond the end of its data"):
        model.check(tmp_path)


def test_nothing_in_the_json_changes(tmp_path: Path) -> None:
    model = Model()
    model.bones(BONES, WEIGHTS, MATRICES)
    model.sparse(POSITIONS, [0], [[9, 9, 9]])
    before = copy.deepcopy(model.document)
    model.check(tmp_path)
    assert model.document == {**before, "buffers": model.document["buffers"]}
