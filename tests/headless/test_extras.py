# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service writes into a GLB's `extras` becomes properties in the user's file only where it is plain. In a real
Blender."""

from pathlib import Path
from typing import Any

import bpy
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.headless import convert as program
from image_to_3d.headless.report import Report

PLAIN = {
    "part number": 7,
    "weight": 1.5,
    "is_solid": True,
    "Maßstab": "1:10",
    "box": [1, 2, 3],
    "mixed": [1, 2.5],
    "flags": [True, False],
}
HOSTILE = {
    "_RNA_UI": {"weight": {"description": "x"}},
    "_hidden": 1,
    "cycles": 1,
    "glTF2ExportSettings": "x",
    "gltf2_active_variant": 2,
    "image_to_3d_job": "somebody else's",
    'a"]["b': 1,
    "it's": 1,
    "back\\slash": 1,
    "[0]": 1,
    "line\nbreak": 1,
    "\u202eright to left": 1,
    "half \ud800": 1,
    "nul\0": 1,
    "": 1,
    " ": 1,
    "n" * 64: 1,
    "ü" * 32: 1,
    "huge": 2**31,
    "endless": float("inf"),
    "nothing": None,
    "object": {"inner": 1},
    "empty": [],
    "words": ["a", "b"],
    "deep": [[1], [2]],
    "long": [0] * 1000,
    "novel": "x" * 301,
    "targetNames": ["not", "here"],
}
CLEANED = {"note": "a\x1b[31mred\ud800"}


def model(extras: Any, **on_mesh: Any) -> bytes:
    """A cube with a shape key, a bone, a camera, a lamp and an animation; each of them and all else has `extras`."""
    document, binary = parted(cube_glb())
    (primitive,) = document["meshes"][0]["primitives"]
    primitive["targets"] = [{"POSITION": 1}]
    document["nodes"] = [
        {"mesh": 0, "name": "Cube", "skin": 0},
        {"name": "Bone", "extensions": {"KHR_lights_punctual": {"light": 0}}},
        {"name": "Eye", "camera": 0},
    ]
    document["scenes"] = [{"name": "Scene", "nodes": [0, 1, 2]}]
    document["skins"] = [{"name": "Rig", "joints": [1]}]
    document["cameras"] = [{"type": "perspective", "perspective": {"yfov": 0.7, "znear": 0.1}}]
    document["animations"] = [
        {
            "name": "Turn",
            "samplers": [{"input": 4, "output": 1}],
            "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}],
        }
    ]
    document["accessors"].append(
        {"bufferView": 2, "componentType": 5126, "count": 24, "type": "SCALAR", "min": [0], "max": [1]}
    )
    document["extensionsUsed"] = ["KHR_lights_punctual"]
    document["extensions"] = {"KHR_lights_punctual": {"lights": [{"type": "point", "name": "Lamp"}]}}
    if extras is not None:
        holders = [document, document["asset"], primitive]
        for name in ("scenes", "nodes", "meshes", "materials", "cameras", "skins", "animations", "accessors"):
            holders += document[name]
        holders += document["extensions"]["KHR_lights_punctual"]["lights"]
        holders.append(document["animations"][0]["channels"][0]["target"])
        for holder in holders:
            holder["extras"] = extras
    document["meshes"][0].setdefault("extras", {})
    if on_mesh:
        document["meshes"][0]["extras"] = {**document["meshes"][0]["extras"], **on_mesh}
    return assembled(document, binary)


def converted(folder: Path, monkeypatch: Any, glb: bytes) -> tuple[dict[str, Any], list[Any]]:
    """Convert the GLB, and open the .blend. Return the properties of all that has any, by name; and what the model
    is."""
    folder.mkdir()
    (folder / "model.glb").write_bytes(glb)
    made = {"blend": str(folder / "result.blend"), "thumbnail": str(folder / "thumbnail.png")}
    monkeypatch.setattr(program, "render", lambda path: path.write_bytes(b""))
    program.convert(
        {"glb": str(folder / "model.glb"), "name": "Cube", "quads": False, **made}, Report(folder / "report.jsonl")
    )
    bpy.ops.wm.open_mainfile(filepath=made["blend"])
    bones = [bone for obj in bpy.data.objects if obj.type == "ARMATURE" for bone in (*obj.pose.bones, *obj.data.bones)]
    holders = [*bpy.data.user_map(), *bones]
    found = {f"{type(holder).__name__} {holder.name}": properties(holder) for holder in holders}
    shape = [
        sorted((type(holder).__name__, holder.name) for holder in holders),
        [
            [round(value, 5) for vert in mesh.vertices for value in vert.co]
            for mesh in sorted(bpy.data.meshes, key=lambda mesh: mesh.name)
        ],
        [key.name for keys in bpy.data.shape_keys for key in keys.key_blocks],
    ]
    return {name: value for name, value in found.items() if value}, shape


def properties(holder: Any) -> dict[str, Any]:
    return {
        name: list(value) if hasattr(value, "to_list") else value
        for name, value in holder.items()
        if name != "cycles"  # Blender's own, before 5.0
    }


def test_only_plain_extras_become_properties_and_the_model_is_the_same(tmp_path: Path, monkeypatch: Any) -> None:
    _, without = converted(tmp_path / "without", monkeypatch, model(None))
    found, shape = converted(tmp_path / "with", monkeypatch, model({**HOSTILE, **PLAIN, **CLEANED}))
    assert shape == without
    assert {name.partition(" ")[0] for name in found} >= {"Object", "Mesh", "Material", "PoseBone"}
    for name, values in found.items():
        assert values.pop("note") == "ared", name
        assert values == PLAIN, name


def test_the_names_of_shape_keys_arrive_clean(tmp_path: Path, monkeypatch: Any) -> None:
    _, (_, _, keys) = converted(tmp_path / "named", monkeypatch, model(None, targetNames=['Smile\n"wide"']))
    assert keys == ["Basis", "Smile wide"]
    _, (_, _, keys) = converted(tmp_path / "wrong", monkeypatch, model({}, targetNames=[{"a": 1}]))
    assert keys == ["Basis", "target_0"]


def test_what_is_no_object_is_left_out(tmp_path: Path, monkeypatch: Any) -> None:
    found, _ = converted(tmp_path / "job", monkeypatch, model(["a", {"_RNA_UI": 1}]))
    assert found == {}
