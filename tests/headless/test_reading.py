# SPDX-License-Identifier: GPL-3.0-or-later
"""A GLB is imported from a copy of its own, or one sentence says truly why it cannot be. In a real Blender."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import io_scene_gltf2
import pytest
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.api.errors import GlbError
from image_to_3d.headless import convert as program
from image_to_3d.headless import reading

UNCLEAN = re.compile(r"Location:|Error:|Traceback|generate|try again|[/\\]", re.IGNORECASE)


@pytest.fixture(autouse=True)
def nothing_in_the_file():
    """An open file without objects."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def cube(tmp_path: Path, **document: Any) -> Path:
    """A cube with something else in its JSON, in a folder of its own."""
    was, binary = parted(cube_glb())
    path = tmp_path / "result.glb"
    path.write_bytes(assembled({**was, **document}, binary))
    return path


def refusal(glb: Path) -> str:
    """The sentence with which a GLB is refused; nothing is left beside it."""
    with pytest.raises(GlbError) as raised:
        reading.read(glb)
    sentence = str(raised.value)
    assert not UNCLEAN.search(sentence) and "\n" not in sentence, sentence
    assert list(glb.parent.iterdir()) == [glb]
    return sentence


def with_primitive(tmp_path: Path, **primitive: Any) -> Path:
    document, _ = parted(cube_glb())
    (mesh,) = document["meshes"]
    return cube(tmp_path, meshes=[{"primitives": [{**mesh["primitives"][0], **primitive}]}])


def test_a_cube_is_read_and_nothing_is_left(tmp_path: Path) -> None:
    glb = cube(tmp_path)
    document = reading.read(glb)
    assert len(document["meshes"]) == 1
    assert [len(mesh.polygons) for mesh in bpy.data.meshes] == [12]
    assert list(tmp_path.iterdir()) == [glb]


@pytest.mark.parametrize("name", ["KHR_texture_basisu", "PIXIV_texture_basis"])
def test_what_blender_lacks_is_named(tmp_path: Path, name: str) -> None:
    sentence = refusal(cube(tmp_path, extensionsUsed=[name], extensionsRequired=[name]))
    assert sentence == (
        f"Blender {bpy.app.version_string} lacks what this model needs ({name}): retry in a newer Blender, which may "
        "read it."
    )
    assert not bpy.data.objects  # it was known before anything was read


def test_what_blender_lacks_may_have_no_name(tmp_path: Path) -> None:
    assert "(an extension without a name)" in refusal(cube(tmp_path, extensionsUsed=[""], extensionsRequired=[""]))


def test_an_extension_that_is_only_used_does_not_matter(tmp_path: Path) -> None:
    reading.read(cube(tmp_path, extensionsUsed=["PIXIV_texture_basis"]))
    assert bpy.data.meshes


def test_an_extension_that_blender_reads_is_no_reason_to_refuse(tmp_path: Path) -> None:
    name = "KHR_texture_transform"
    reading.read(cube(tmp_path, extensionsUsed=[name], extensionsRequired=[name]))
    assert bpy.data.meshes


def test_names_of_extensions_cannot_fill_the_sentence(tmp_path: Path) -> None:
    names = [f"EXT_{number}" + "x" * 1000 for number in range(1000)] + ["\u202eEXT\x1b[31m"]
    assert len(refusal(cube(tmp_path, extensionsUsed=names, extensionsRequired=names))) < 500


def test_meshopt_is_named_where_this_blender_does_not_have_it(tmp_path: Path) -> None:
    """5.2 reads it, where the library is there; what is compressed here is nothing, so that it does not get far."""
    name = "EXT_meshopt_compression"
    document, _ = parted(cube_glb())
    view = document["bufferViews"][0]
    view["extensions"] = {name: {**view, "byteStride": 12, "count": 24, "mode": "ATTRIBUTES"}}
    used = {"extensionsUsed": [name], "extensionsRequired": [name]}
    sentence = refusal(cube(tmp_path, bufferViews=document["bufferViews"], **used))
    has_it = bpy.app.version >= (5, 2) and io_scene_gltf2.is_meshopt_available()
    assert (name in sentence) != has_it, sentence


def test_draco_without_its_library_is_named(tmp_path: Path) -> None:
    name = "KHR_draco_mesh_compression"
    glb = with_primitive(tmp_path, extensions={name: {"bufferView": 0, "attributes": {"POSITION": 0}}})
    if io_scene_gltf2.is_draco_available():
        reading.read(glb)  # the same mesh lies beside it as it is
    else:
        assert f"lacks what this model needs ({name}): retry in another Blender" in refusal(glb)


@pytest.mark.skipif(not io_scene_gltf2.is_draco_available(), reason="this Blender has no library for Draco")
@pytest.mark.parametrize("others", [[], ["whole"]], ids=["alone", "beside another"])
def test_a_mesh_that_cannot_be_unpacked_is_said_to_be_damaged(tmp_path: Path, others: list[str]) -> None:
    """The importer leaves its points in one place, and goes on: a part of the model would be missing."""
    document, binary = parted(cube_glb())
    whole = document["meshes"][0]["primitives"][0]
    document["accessors"] += [
        {"componentType": 5126, "count": 24, "type": "VEC3"},
        {"componentType": 5123, "count": 36, "type": "SCALAR"},
    ]
    positions, corners = len(document["accessors"]) - 2, len(document["accessors"]) - 1
    extension = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    packed = {"attributes": {"POSITION": positions}, "indices": corners, "extensions": extension}
    document["meshes"][0]["primitives"] = [packed, *(whole for _ in others)]
    glb = tmp_path / "result.glb"
    glb.write_bytes(assembled(document, binary))
    assert refusal(glb) == (
        "The model's file is damaged (a mesh that is compressed with Draco cannot be unpacked): other programs may still "
        "open it."
    )


def test_what_crashes_blender_is_refused_before(tmp_path: Path) -> None:
    document, _ = parted(cube_glb())
    document["accessors"][3]["count"] = 2
    sentence = refusal(cube(tmp_path, accessors=document["accessors"]))
    assert "2 corners of a mesh do not make triangles" in sentence


def test_an_error_of_the_importers_own_is_told_without_its_words(tmp_path: Path) -> None:
    """Blender 4.2 to 5.2 cannot take matrices of two rows, which glTF allows."""
    document, binary = parted(cube_glb())
    document["meshes"][0]["primitives"][0]["attributes"]["_OWN"] = 4
    document["accessors"].append({"bufferView": 0, "componentType": 5126, "count": 24, "type": "MAT2"})
    document["bufferViews"][0] = {"buffer": 0, "byteOffset": 0, "byteLength": 24 * 16}
    glb = tmp_path / "result.glb"
    glb.write_bytes(assembled(document, binary))
    assert refusal(glb) == (
        f"Blender {bpy.app.version_string} cannot read the model: retry in a newer Blender, or see whether another "
        "program opens it."
    )


def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, glb: Path, request: dict[str, Any]) -> dict[str, Any]:
    """What the program says last of a GLB."""
    made = {"blend": str(tmp_path / "result.blend"), "thumbnail": str(tmp_path / "thumbnail.png")}
    asked = {"glb": str(glb), "name": "Cube", "quads": False, **made, "report": str(tmp_path / "report.jsonl")}
    file = tmp_path / "request.json"
    file.write_text(json.dumps(asked | request))
    monkeypatch.setattr(sys, "argv", ["convert", str(file)])
    with pytest.raises(SystemExit):
        program.main()
    return json.loads((tmp_path / "report.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize(
    ("request_of", "sentence"),
    [
        (lambda folder: {"glb": str(folder / "gone.glb")}, r"A file or folder is missing at .*: bring it back.*"),
        (lambda folder: {"blend": str(folder / "gone" / "result.blend")}, r".*gone.*"),
        (lambda folder: {"provenance": 7}, r"Something went wrong that should not have: log\.txt .* details\."),
    ],
    ids=["a file that is gone", "a folder that is gone", "a request that is none"],
)
def test_whatever_happens_one_sentence_tells_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_of: Callable[[Path], dict[str, Any]], sentence: str
) -> None:
    monkeypatch.setattr(program, "render", lambda path: path.write_bytes(b""))
    glb = cube(tmp_path)
    error = said(tmp_path, monkeypatch, glb, request_of(tmp_path))["error"]
    assert re.fullmatch(sentence, error), error
    assert "Traceback" not in error and "Location" not in error


def test_the_program_says_what_is_wrong_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document, _ = parted(cube_glb())
    document["accessors"][0]["count"] = 2**31
    error = said(tmp_path, monkeypatch, cube(tmp_path, accessors=document["accessors"]), {})["error"]
    assert error.startswith("The model's file is damaged (") and not UNCLEAN.search(error)
