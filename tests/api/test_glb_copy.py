# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's importer gets is a copy that holds no uri, the default scene alone, and nothing that it would stumble
over. Plain Python."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.api import glb
from image_to_3d.api.errors import GlbError

PNG = b"\x89PNG\r\n\x1a\n, or so it begins"
TRIANGLE = {"primitives": [{"attributes": {}}]}


def data(content: bytes, head: str = "data:;base64,") -> str:
    return head + base64.b64encode(content).decode()


def copied(folder: Path, document: dict[str, Any], binary: bytes = b"") -> tuple[dict[str, Any], bytes]:
    """What is in the copy of a GLB."""
    (folder / "model.glb").write_bytes(assembled({"asset": {"version": "2.0"}, **document}, binary))
    copy = folder / "copy.glb"
    copy.unlink(missing_ok=True)
    told = glb.copy_for_blender(folder / "model.glb", copy)
    written, content = parted(copy.read_bytes())
    assert told == written and glb.check(copy) == written  # so it is a whole GLB, too
    assert b'"uri"' not in copy.read_bytes()
    assert len(written["buffers"]) != 1 or written["buffers"][0]["byteLength"] == len(content)
    return written, content


def looked_at(document: dict[str, Any], content: bytes, view: int) -> bytes:
    """The bytes that a buffer view shows."""
    found = document["bufferViews"][view]
    assert found["buffer"] == 0
    return content[found["byteOffset"] : found["byteOffset"] + found["byteLength"]]


def test_what_was_in_data_uris_is_in_the_one_buffer(tmp_path):
    document, content = copied(
        tmp_path,
        {
            "buffers": [
                {"byteLength": 5},
                {"byteLength": 6, "uri": data(b"second")},
                {"byteLength": 3, "uri": data(b"3rd", "DATA:application/octet-stream;a=b;Base64,")},
            ],
            "bufferViews": [
                {"buffer": 2, "byteLength": 2, "byteOffset": 1},
                {"buffer": 0, "byteLength": 5},
                {"buffer": 1, "byteLength": 6, "byteStride": 4, "target": 34962},
            ],
            "images": [
                {"uri": data(PNG, "data:image/jpeg;base64,"), "name": "Skin"},
                {"bufferView": 1, "mimeType": "image/png"},
                {"uri": data(b"unknown", "DATA:IMAGE/KTX2;base64,")},
                {"uri": data(b"\xff\xd8\xff")},
                {"uri": data(b"")},
            ],
        },
        b"first",
    )
    assert [looked_at(document, content, number) for number in range(3)] == [b"rd", b"first", b"second"]
    assert document["bufferViews"][2]["byteStride"] == 4 and document["bufferViews"][2]["target"] == 34962
    images = document["images"]
    assert [looked_at(document, content, image["bufferView"]) for image in images] == [
        PNG,
        b"first",
        b"unknown",
        b"\xff\xd8\xff",
        b"",
    ]
    assert [image.get("mimeType") for image in images] == ["image/png", "image/png", "image/ktx2", "image/jpeg", None]
    assert images[0]["name"] == "Skin" and document["buffers"] == [{"byteLength": len(content)}]
    assert not any(view["byteOffset"] % 8 for view in document["bufferViews"][1:])


def test_a_file_of_data_uris_alone_gets_a_binary_chunk(tmp_path):
    whole, binary = parted(cube_glb())
    whole["buffers"][0]["uri"] = data(binary)
    text = json.dumps(whole).encode()
    (tmp_path / "model.glb").write_bytes(
        b"glTF" + b"".join(n.to_bytes(4, "little") for n in (2, 20 + len(text), len(text))) + b"JSON" + text
    )
    told = glb.copy_for_blender(tmp_path / "model.glb", tmp_path / "copy.glb")
    document, content = parted((tmp_path / "copy.glb").read_bytes())
    assert told == document and content.startswith(binary)
    assert document["bufferViews"] == parted(cube_glb())[0]["bufferViews"]


def test_a_model_that_needs_no_change_comes_as_it_is(tmp_path):
    whole, binary = parted(cube_glb(filler=3_000_000))
    document, content = copied(tmp_path, whole, binary)
    assert content == binary
    assert document["materials"][0].pop("extras") == {glb.MATERIAL_TAG: 0}
    assert document == whole


def test_a_view_shows_nothing_beyond_its_own_buffer(tmp_path):
    """What was appended must not be taken for what was cut off."""
    document, content = copied(
        tmp_path,
        {
            "buffers": [{"byteLength": 4}, {"byteLength": 4, "uri": data(b"mine")}],
            "bufferViews": [
                {"buffer": 0, "byteLength": 99},
                {"buffer": 0, "byteLength": 2**50, "byteOffset": 2**50},
                {"buffer": 1, "byteLength": 9, "byteOffset": 2},
            ],
        },
        b"abcd",
    )
    assert [looked_at(document, content, number) for number in range(3)] == [b"abcd", b"", b"ne"]


def test_room_for_what_is_unpacked_stays_beside_what_is_packed(tmp_path):
    """EXT_meshopt_compression: a buffer of that kind has no data."""
    packed = {"buffer": 1, "byteLength": 4, "byteStride": 4, "count": 1, "mode": "ATTRIBUTES"}
    document, content = copied(
        tmp_path,
        {
            "buffers": [
                {"byteLength": 64, "extensions": {"EXT_meshopt_compression": {"fallback": True}}, "uri": None},
                {"byteLength": 4, "uri": data(b"pack")},
            ][::-1],
            "bufferViews": [
                {"buffer": 1, "byteLength": 64, "extensions": {"EXT_meshopt_compression": {**packed, "buffer": 0}}}
            ],
        },
    )
    (view,) = document["bufferViews"]
    inner = view["extensions"]["EXT_meshopt_compression"]
    assert content[inner["byteOffset"] :][: inner["byteLength"]] == b"pack" and inner["buffer"] == 0
    assert view["buffer"] == 1 and document["buffers"][1]["byteLength"] == 64 and view["byteLength"] == 64


def test_no_uri_is_left_wherever_it_stood(tmp_path):
    document, _ = copied(
        tmp_path,
        {
            "images": [{"uri": data(PNG), "extensions": {"X": {"uri": "/etc/passwd"}}}],
            "extensions": {"X": {"deep": [[{"uri": "file:///dev/zero", "kept": 1}]]}},
        },
    )
    assert document["extensions"]["X"]["deep"] == [[{"kept": 1}]]


@pytest.mark.parametrize("is_link", [False, True])
def test_the_copy_is_a_new_file_and_never_one_that_is_there(tmp_path, is_link):
    there = tmp_path / "there.txt"
    there.write_text("the user's")
    (tmp_path / "model.glb").write_bytes(cube_glb())
    copy = tmp_path / "copy.glb" if is_link else there
    if is_link:
        copy.symlink_to(tmp_path / "nowhere" if os.name == "nt" else there)
    with pytest.raises(FileExistsError):
        glb.copy_for_blender(tmp_path / "model.glb", copy)
    assert there.read_text() == "the user's"


SCENES = {
    "nodes": [
        {"name": "Other", "mesh": 0},
        {"name": "Root", "children": [4, 2]},
        {"name": "Left", "mesh": 1},
        {"name": "Stray"},
        {"name": "Right", "mesh": 0},
    ],
    "meshes": [TRIANGLE, TRIANGLE],
}


@pytest.mark.parametrize(
    ("scenes", "names", "roots"),
    [
        ({"scene": 1, "scenes": [{"nodes": [0]}, {"nodes": [1]}]}, ["Root", "Left", "Right"], ["Root"]),
        ({"scenes": [{"nodes": [1]}, {"nodes": [0]}]}, ["Root", "Left", "Right"], ["Root"]),
        ({"scenes": [{"nodes": [3, 0]}]}, ["Other", "Stray"], ["Stray", "Other"]),
        ({}, ["Other", "Root", "Left", "Stray", "Right"], ["Other", "Root", "Stray"]),
        ({"scenes": [{}]}, ["Other", "Root", "Left", "Stray", "Right"], ["Other", "Root", "Stray"]),
        ({"scenes": [{"nodes": [4, 1, 1]}]}, ["Root", "Left", "Right"], ["Root"]),
        ({"scenes": [{"nodes": [4]}]}, ["Right"], ["Right"]),
    ],
)
def test_only_the_default_scene_is_there(tmp_path, scenes, names, roots):
    document, _ = copied(tmp_path, {**SCENES, **scenes})
    nodes = document["nodes"]
    assert [node["name"] for node in nodes] == names
    assert document["scene"] == 0 and len(document["scenes"]) == 1
    assert [nodes[number]["name"] for number in document["scenes"][0]["nodes"]] == roots
    for node in nodes:
        assert [nodes[child]["name"] for child in node.get("children", [])] in (
            [],
            ["Right", "Left"] if node["name"] == "Root" else [],
        )
    assert {node["name"]: node.get("mesh") for node in nodes}.get("Right", 0) == 0


def moved(node: int | None, path: str, pointer: str = "") -> dict[str, Any]:
    target: dict[str, Any] = {"path": path}
    if node is not None:
        target["node"] = node
    if pointer:
        target["extensions"] = {"KHR_animation_pointer": {"pointer": pointer}}
    return {"sampler": 0, "target": target}


ACCESSORS = [{"componentType": 5126, "count": 1, "type": "SCALAR"}]
SAMPLERS = [{"input": 0, "output": 0}]


def test_skins_and_animations_follow_their_nodes(tmp_path):
    document, _ = copied(
        tmp_path,
        {
            "accessors": ACCESSORS,
            "scene": 1,
            "scenes": [{"nodes": [0]}, {"nodes": [2]}],
            "meshes": [TRIANGLE],
            "nodes": [
                {"name": "Other", "children": [1]},
                {"name": "Other's bone"},
                {"name": "Root", "children": [3, 4]},
                {"name": "Bone"},
                {"name": "Body", "mesh": 0, "skin": 1},
            ],
            "skins": [{"joints": [1]}, {"joints": [3], "skeleton": 2, "inverseBindMatrices": 0}],
            "materials": [{"extensions": {"KHR_materials_ior": {"ior": 1.4}}}],
            "animations": [
                {"name": "Gone", "samplers": SAMPLERS, "channels": [moved(1, "rotation"), moved(0, "scale")]},
                {
                    "name": "Kept",
                    "samplers": SAMPLERS,
                    "channels": [
                        moved(0, "rotation"),
                        moved(3, "rotation"),
                        moved(3, "unheard of"),
                        {**moved(3, "scale"), "sampler": 1},
                        moved(None, "translation"),
                        moved(None, "pointer"),
                        moved(None, "pointer", "/nodes/3/translation"),
                        moved(None, "pointer", "/nodes/1/translation"),
                        moved(None, "pointer", "/nodes/99999999999999999999/translation"),
                        moved(None, "pointer", "/nodes/x/translation"),
                        moved(None, "pointer", "/nodes/\u0663/translation"),
                        moved(None, "pointer", "/materials/0/extensions/KHR_materials_ior/ior"),
                        moved(None, "pointer", "/materials/0/normalTexture/scale"),
                        moved(None, "pointer", "/materials/7/alphaCutoff"),
                        moved(None, "pointer", "/cameras/0/perspective/yfov"),
                        moved(None, "pointer", "/extensions/KHR_lights_punctual/lights/0/color"),
                        moved(None, "pointer", "nodes/3/scale"),
                        moved(None, "pointer", "/"),
                    ],
                },
            ],
        },
    )
    assert [node["name"] for node in document["nodes"]] == ["Root", "Bone", "Body"]
    assert document["skins"] == [{"joints": [1], "skeleton": 0, "inverseBindMatrices": 0}]
    assert document["nodes"][2]["skin"] == 0
    (animation,) = document["animations"]
    assert animation["name"] == "Kept"
    assert animation["channels"] == [
        moved(1, "rotation"),
        moved(None, "pointer", "/nodes/1/translation"),
        moved(None, "pointer", "/materials/0/extensions/KHR_materials_ior/ior"),
    ]
    assert document["extensionsUsed"] == ["KHR_animation_pointer"]


def test_joints_that_stand_outside_the_scene_come_along(tmp_path):
    document, _ = copied(
        tmp_path,
        {
            "scenes": [{"nodes": [0]}],
            "meshes": [TRIANGLE],
            "nodes": [
                {"mesh": 0, "skin": 0},
                {"name": "Elsewhere"},
                {"name": "Hips", "children": [3]},
                {"name": "Leg"},
            ],
            "skins": [{"joints": [3]}],
        },
    )
    assert [node.get("name") for node in document["nodes"]] == [None, "Hips", "Leg"]
    assert document["scenes"] == [{"nodes": [0, 1]}] and document["skins"] == [{"joints": [2]}]


def test_cameras_and_lights_go_and_leave_a_mark_where_nothing_else_was(tmp_path):
    lamp = {"KHR_lights_punctual": {"light": 0}}
    document, _ = copied(
        tmp_path,
        {
            "extensionsUsed": ["KHR_lights_punctual", "KHR_materials_unlit"],
            "extensionsRequired": ["KHR_lights_punctual"],
            "extensions": {"KHR_lights_punctual": {"lights": "anything"}},
            "cameras": 7,
            "meshes": [TRIANGLE],
            "nodes": [
                {"name": "Eye", "camera": "front", "children": [1], "translation": [0, 0, 2]},
                {"name": "Body", "mesh": 0, "extensions": lamp},
                {"name": "Lamp", "extensions": {**lamp, "X": {}}, "extras": {"watts": 5, glb.GONE_TAG: "fake"}},
                {"name": "Bone", "extensions": lamp},
                {"name": "Empty", "extras": {glb.GONE_TAG: True}},
            ],
            "skins": [{"joints": [3]}],
        },
    )
    assert document["nodes"] == [
        {"name": "Eye", "children": [1], "translation": [0, 0, 2], "extras": {glb.GONE_TAG: True}},
        {"name": "Body", "mesh": 0},
        {"name": "Lamp", "extensions": {"X": {}}, "extras": {"watts": 5, glb.GONE_TAG: True}},
        {"name": "Bone"},
        {"name": "Empty"},
    ]
    assert not {"cameras", "extensionsRequired"} & document.keys() and "lights" not in json.dumps(document)
    assert document["extensionsUsed"] == ["KHR_materials_unlit"]


def test_each_material_says_which_one_it_was(tmp_path):
    fake = {glb.MATERIAL_TAG: 9, "finish": "matt"}
    document, _ = copied(tmp_path, {"materials": [{"name": "A", "extras": fake}, {"name": "A"}, {"extras": [1]}]})
    assert [material["extras"] for material in document["materials"]] == [
        {"finish": "matt", glb.MATERIAL_TAG: 0},
        {glb.MATERIAL_TAG: 1},
        {glb.MATERIAL_TAG: 2},
    ]


def test_of_very_many_nodes_those_that_carry_nothing_go(tmp_path):
    nodes: list[dict[str, Any]] = [{"name": "Root", "children": list(range(1, 10_001))}]
    nodes += [{} for _ in range(10_000)]
    nodes[5000] = {"name": "Group", "children": [10_001]}
    nodes[6000] = {"name": "Empty group", "children": [10_002]}
    nodes[7000] = {"name": "Moved"}
    nodes[8000] = {"name": "Bone"}
    nodes += [{"name": "Body", "mesh": 0}, {"name": "Nothing"}]
    whole = {
        "accessors": ACCESSORS,
        "nodes": nodes,
        "scenes": [{"nodes": [0]}],
        "meshes": [TRIANGLE],
        "skins": [{"joints": [8000]}],
        "animations": [{"samplers": SAMPLERS, "channels": [moved(7000, "rotation")]}],
    }
    document, _ = copied(tmp_path, whole)
    assert [node["name"] for node in document["nodes"]] == ["Root", "Group", "Moved", "Bone", "Body"]
    assert document["nodes"][0]["children"] == [1, 2, 3] and document["nodes"][1]["children"] == [4]
    nothing, _ = copied(tmp_path, {"nodes": [{} for _ in range(10_000)]})
    assert "nodes" not in nothing and nothing["scenes"] == [{"nodes": []}]


def test_few_nodes_stay_though_they_carry_nothing(tmp_path):
    document, _ = copied(tmp_path, {"nodes": [{"children": list(range(1, 200))}, *[{} for _ in range(199)]]})
    assert len(document["nodes"]) == 200


def test_there_are_no_more_weights_than_shape_keys(tmp_path):
    mesh = {"primitives": [{"attributes": {}}, {"attributes": {}, "targets": [{}, {}]}], "weights": [1, 0, 1]}
    nodes = [{"mesh": 0, "weights": [0, 1, 0, 1]}, {"mesh": 1, "weights": [1]}, {"mesh": 0}]
    document, _ = copied(tmp_path, {"nodes": nodes, "meshes": [mesh, {**TRIANGLE, "weights": [1]}]})
    assert [entry.get("weights") for entry in (*document["nodes"], *document["meshes"])] == [
        [0, 1],
        [],
        None,
        [1, 0],
        [],
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Fox", "Fox"),
        ("half \ud800 a character", "half a character"),
        ("two\nlines\0", "two lines"),
        ("\u202eright to left", "right to left"),
        ("F\u00fcchslein " * 20_000, None),
    ],
)
def test_names_arrive_as_blender_can_have_them(tmp_path, name, kept):
    document, _ = copied(tmp_path, {"nodes": [{"name": name}], "materials": [{"name": name}]})
    for entry in (document["nodes"][0], document["materials"][0]):
        assert entry["name"] == kept or (kept is None and 200 < len(entry["name"].encode()) <= 250)


def test_of_extras_only_what_is_plain_is_left_however_deep_they_are(tmp_path):
    deep: dict[str, Any] = {"extras": {"_RNA_UI": 1, "a": 1}}
    for _ in range(300):
        deep = {"extensions": {"X": deep}}
    document, _ = copied(
        tmp_path, {"extensions": {"X": deep}, "extras": 5, "nodes": [{"extras": {"b": {"c": 1}, "d": 1}}]}
    )
    assert "_RNA_UI" not in json.dumps(document) and '{"a": 1}' in json.dumps(document)
    assert document["nodes"] == [{"extras": {"d": 1}}] and "extras" not in document


@pytest.mark.parametrize("value", ["1e400", "NaN", "-Infinity", "[" * 950 + "]" * 950])
def test_what_json_cannot_say_again_ends_in_a_sentence(tmp_path, value):
    content = assembled({"asset": {"version": "2.0"}, "extensions": {"X": {"y": "HERE"}}}, b"")
    document, _ = parted(content)
    text = json.dumps(document).replace('"HERE"', value).encode()
    text += b" " * (-len(text) % 4)
    (tmp_path / "model.glb").write_bytes(
        b"glTF" + b"".join(n.to_bytes(4, "little") for n in (2, 20 + len(text), len(text))) + b"JSON" + text
    )
    try:
        glb.copy_for_blender(tmp_path / "model.glb", tmp_path / "copy.glb")
    except GlbError as error:
        assert "damaged" in str(error) and not (tmp_path / "copy.glb").exists()
    else:
        assert value.startswith("[")  # newer versions of Python write as deep as they read


def test_what_the_check_refuses_is_not_copied(tmp_path):
    for document in ({"images": [{"uri": "/etc/passwd"}]}, {"nodes": [{"children": [0]}]}, {"materials": 7}):
        (tmp_path / "model.glb").write_bytes(assembled({"asset": {"version": "2.0"}, **document}, b""))
        with pytest.raises(GlbError):
            glb.copy_for_blender(tmp_path / "model.glb", tmp_path / "copy.glb")
    assert not (tmp_path / "copy.glb").exists()
