# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a GLB enters the .blend, where it stands, which picture is where. Each model is converted once."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import pytest
from drawing import png
from mathutils import Vector
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.api.errors import GlbError
from image_to_3d.headless import convert as program
from image_to_3d.headless.report import Report

MAPS = {
    "base_color": (200, 40, 30, 255),
    "metallic_roughness": (255, 70, 180, 255),
    "normal": (120, 130, 250, 255),
    "emission": (10, 220, 10, 255),
    "occlusion": (60, 60, 60, 255),
}
QUARTER_TURN = math.sqrt(0.5)  # a quaternion's two equal parts


class Converted(NamedTuple):
    folder: Path
    facts: dict[str, Any]


def cube(**entries: Any) -> dict[str, Any]:
    """A glTF mesh: the cube, two units wide. `entries` go into its primitive."""
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    return {"primitives": [{"attributes": attributes, "indices": 3, **entries}]}


def glb(*, images: tuple[tuple[int, ...], ...] = (), arrays: tuple[np.ndarray, ...] = (), **entries: Any) -> bytes:
    """A GLB with the cube's data. `images` are of one color; `arrays` become accessors 4, 5, ...; `entries` is JSON."""
    document, binary = parted(cube_glb(textured=False))
    for array in arrays:
        kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[1 if array.ndim == 1 else array.shape[1]]
        component = 5126 if array.dtype == np.float32 else 5121
        bounds = {"min": [float(array.min())], "max": [float(array.max())]} if kind == "SCALAR" else {}
        number = len(document["bufferViews"])
        document["accessors"].append(
            {"bufferView": number, "componentType": component, "count": len(array), "type": kind, **bounds}
        )
        binary = _with_view(document, binary, array.tobytes())
    for color in images:
        binary = _with_view(document, binary, png(np.full((8, 8, 4), color, np.uint8)))
        image = {"bufferView": len(document["bufferViews"]) - 1, "mimeType": "image/png"}
        document.setdefault("images", []).append(image)
        document.setdefault("textures", []).append({"source": len(document["images"]) - 1})
    document["buffers"] = [{"byteLength": len(binary)}]
    return assembled({**document, "materials": [], **entries}, binary)


def _with_view(document: dict[str, Any], binary: bytes, content: bytes) -> bytes:
    document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content)})
    return binary + content + b"\0" * (-len(content) % 4)


def convert(folder: Path, content: bytes, *, with_thumbnail: bool = False, **entries: Any) -> Converted:
    (folder / "model.glb").write_bytes(content)
    request = {"glb": str(folder / "model.glb"), "name": "Star", "quads": False}
    request |= {"blend": str(folder / "result.blend"), "thumbnail": str(folder / "thumbnail.png"), **entries}
    with pytest.MonkeyPatch.context() as patch:
        if not with_thumbnail:  # which takes most of the time
            patch.setattr(program, "render", lambda path: path.write_bytes(b""))
        return Converted(folder, program.convert(request, Report(folder / "report.jsonl")))


def opened(converted: Converted) -> bpy.types.Object:
    """Append what was written to an empty file, and return the root."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(converted.folder / "result.blend"), link=False) as (there, here):
        here.collections = there.collections
        here.scenes = there.scenes
    assert len(here.scenes) == 0
    (collection,) = here.collections
    bpy.context.scene.collection.children.link(collection)
    bpy.context.view_layer.update()
    (root,) = (obj for obj in collection.all_objects if obj.parent is None)
    return root


def corners(root: bpy.types.Object) -> np.ndarray:
    """Where the vertices of all meshes are, (n, 3)."""
    meshes = [obj for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    return np.array([obj.matrix_world @ vertex.co for obj in meshes for vertex in obj.data.vertices])


def is_outward(obj: bpy.types.Object) -> bool:
    """Whether all faces of a cube look away from its middle, by their own order of corners."""
    middle = sum((vertex.co for vertex in obj.data.vertices), Vector()) / len(obj.data.vertices)
    return all((face.center - middle).dot(face.normal) > 0 for face in obj.data.polygons)


# A model of several objects


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """Three cubes, two of them in a group that is moved, turned and larger; a camera and a lamp; quads asked for."""
    nodes = [
        {
            "name": "Group",
            "translation": [5, 7, -3],
            "rotation": [0, QUARTER_TURN, 0, QUARTER_TURN],
            "scale": [2, 2, 2],
        },
        {"name": "Body", "mesh": 0},
        {"name": "Hat", "mesh": 1, "translation": [0, 3, 0], "extras": {"part": 7}},
        {"name": "Eye", "camera": 0, "translation": [0, 0, 90]},
        {"name": "Lamp", "extensions": {"KHR_lights_punctual": {"light": 0}}, "translation": [0, -90, 0]},
        {"name": "Stone", "mesh": 2, "translation": [5, 6, 7]},
    ]
    nodes[0]["children"] = [1, 2, 3, 4]
    content = glb(
        nodes=nodes,
        scenes=[{"nodes": [0, 5]}],
        meshes=[{"name": name, **cube(material=int(name == "Stone"))} for name in ("Body", "Hat", "Stone")],
        materials=[
            {"pbrMetallicRoughness": {"baseColorFactor": color, "metallicFactor": 0}}
            for color in ([0.5, 0.2, 0.05, 1], [0.0, 0.0, 0.8, 1])
        ],
        cameras=[{"type": "perspective", "perspective": {"yfov": 0.7, "znear": 0.1}}],
        extensionsUsed=["KHR_lights_punctual"],
        extensions={"KHR_lights_punctual": {"lights": [{"type": "point", "name": "Lamp"}]}},
    )
    return convert(tmp_path_factory.mktemp("crowd"), content, with_thumbnail=True, quads=True)


def test_a_model_of_several_objects_stands_on_its_root(crowd: Converted) -> None:
    root = opened(crowd)
    assert (root.type, root.name) == ("EMPTY", "Star")
    assert list(root.matrix_world.translation) == [0, 0, 0] and list(root.scale) == [1, 1, 1]
    low, high = corners(root).min(axis=0), corners(root).max(axis=0)
    assert low + high == pytest.approx([0, 0, high[2] + low[2]], abs=1e-5)  # the middle of its foot is the origin
    assert low[2] == pytest.approx(0, abs=1e-5)
    # In the file it reached from x 3 to 7, y 5 to 15, z -5 to 8. Blender's up is z, and its back is -z of the file.
    assert high - low == pytest.approx([4, 13, 10], abs=1e-5)


def test_the_objects_keep_their_places_sizes_and_parents(crowd: Converted) -> None:
    root = opened(crowd)
    objects = {obj.name: obj for obj in root.children_recursive}
    body, hat, stone = (objects[name].matrix_world for name in ("Body", "Hat", "Stone"))
    assert list(hat.translation - body.translation) == pytest.approx([0, 0, 6], abs=1e-5)
    assert list(stone.translation - body.translation) == pytest.approx([0, -10, -1], abs=1e-5)
    assert [list(matrix.to_scale()) for matrix in (body, hat, stone)] == [
        pytest.approx([size] * 3, rel=1e-5) for size in (2, 2, 1)
    ]
    assert objects["Hat"].parent == objects["Group"] and objects["Group"].parent == root == objects["Stone"].parent
    assert objects["Hat"]["part"] == 7


def test_cameras_and_lights_stay_behind(crowd: Converted) -> None:
    root = opened(crowd)
    assert sorted(obj.name for obj in bpy.data.objects) == ["Body", "Group", "Hat", "Star", "Stone"]
    assert not bpy.data.cameras and not bpy.data.lights and len(bpy.data.worlds) <= 1
    assert [collection.name for collection in bpy.data.collections] == ["Star"]
    assert set(bpy.data.collections["Star"].objects) == {root, *root.children_recursive}


def test_quads_are_joined_in_all_meshes(crowd: Converted) -> None:
    opened(crowd)
    assert {mesh.name: [face.loop_total for face in mesh.polygons] for mesh in bpy.data.meshes} == {
        name: [4] * 6 for name in ("Body", "Hat", "Stone")
    }
    note = "18 faces, 100% of them quads"
    assert [crowd.facts[name] for name in ("faces", "quads", "note")] == [18, 18, note]


def test_nothing_is_selected(crowd: Converted) -> None:
    root = opened(crowd)
    assert not [obj for obj in (root, *root.children_recursive) if obj.select_get()]


def test_the_thumbnail_shows_the_model_on_a_transparent_ground(crowd: Converted) -> None:
    image = bpy.data.images.load(str(crowd.folder / "thumbnail.png"))
    assert tuple(image.size) == (256, 256)
    pixels = np.array(image.pixels).reshape(256, 256, 4)
    bpy.data.images.remove(image)
    seen = pixels[..., 3] > 0.5
    assert not seen[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    rows, columns = np.nonzero(seen)
    assert max(np.ptp(rows), np.ptp(columns)) > 128 and not seen[[0, -1]].any() and not seen[:, [0, -1]].any()
    red, green, blue = pixels[seen][:, :3].T
    stone = blue > red
    assert 0.1 < stone.mean() < 0.8  # it is in front of the others
    assert 0.95 > red[~stone].mean() > green[~stone].mean() > blue[~stone].mean() > 0.05  # neither black nor burnt out
    assert red[~stone].std() > 0.03  # sides are told apart


def test_files_that_are_there_are_replaced_and_never_written_over(crowd: Converted, tmp_path: Path) -> None:
    """A process that is killed while it writes leaves what was there, or nothing: never half a file under the name."""
    made = [tmp_path / "result.blend", tmp_path / "thumbnail.png"]
    held = [tmp_path / "held.blend", tmp_path / "held.png"]
    for file, other in zip(made, held, strict=True):
        file.write_bytes(b"of before")
        os.link(file, other)  # sees what is written into the file that was there
    replaced = []
    replace = os.replace
    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "rename"):
            patch.setattr(os, name, lambda old, new, *rest, **more: replaced.append(Path(new)) or replace(old, new))
        convert(tmp_path, (crowd.folder / "model.glb").read_bytes())
    assert [file.read_bytes() for file in held] == [b"of before"] * 2
    assert sorted(replaced) == made
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        ["model.glb", "report.jsonl", *(file.name for file in (*made, *held))]
    )


# A model of one object


def shape_key(offset: float) -> np.ndarray:
    return np.tile(np.array([0, offset, 0], np.float32), (24, 1))


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """A cube in a mirrored, stretched and moved node of a moved parent, with a shape key that lifts it by 1."""
    primitive = cube(targets=[{"POSITION": 4}])
    nodes = [
        {"name": "Parent", "translation": [10, 20, 30], "children": [1]},
        {"name": "Cube", "mesh": 0, "translation": [1, 2, 3], "scale": [-1, 3, 2]},
    ]
    content = glb(
        nodes=nodes,
        scenes=[{"nodes": [0]}],
        meshes=[{**primitive, "extras": {"targetNames": ["Lifted"]}}],
        arrays=(shape_key(1.0),),
    )
    return convert(tmp_path_factory.mktemp("mirrored"), content)


def test_a_model_of_one_object_is_the_root_with_nothing_to_apply(mirrored: Converted) -> None:
    root = opened(mirrored)
    assert [obj.name for obj in bpy.data.objects] == ["Star"]
    assert (root.type, root.data.name) == ("MESH", "Star")
    assert root.matrix_world == root.matrix_world.Identity(4) and root.parent is None
    low, high = corners(root).min(axis=0), corners(root).max(axis=0)
    assert [*low, *high] == pytest.approx([-1, -2, 0, 1, 2, 6], abs=1e-5)


def test_a_mirrored_model_is_not_inside_out(mirrored: Converted) -> None:
    root = opened(mirrored)
    assert is_outward(root)
    normals = [(normal.vector, face.normal) for face in root.data.polygons for normal in _corner_normals(root, face)]
    assert all(own.dot(of_face) > 0.99 for own, of_face in normals)


def _corner_normals(obj: bpy.types.Object, face: bpy.types.MeshPolygon) -> Iterator[Any]:
    for number in face.loop_indices:
        yield obj.data.corner_normals[number]


def test_a_shape_key_moves_with_the_model(mirrored: Converted) -> None:
    keys = opened(mirrored).data.shape_keys.key_blocks
    assert [key.name for key in keys] == ["Basis", "Lifted"]
    moved = np.array([after.co - before.co for before, after in zip(keys[0].data, keys[1].data, strict=True)])
    assert moved == pytest.approx(np.tile([0, 0, 3], (len(moved), 1)), abs=1e-5)  # the node is three times as high
    assert min(point.co.z for point in keys[0].data) == pytest.approx(0, abs=1e-5)


# A model with a skeleton


@pytest.fixture(scope="module")
def rigged(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """A cube that hangs on two bones, one of which is animated; the armature stands off the origin."""
    joints = np.zeros((24, 4), np.uint8)
    joints[12:, 0] = 1
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (24, 1))
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2, "JOINTS_0": 4, "WEIGHTS_0": 5}
    content = glb(
        arrays=(joints, weights, np.array([0, 1], np.float32), np.array([[0, 1, 0], [0, 2, 0]], np.float32)),
        nodes=[
            {"name": "Rig", "children": [1, 3], "translation": [4, 5, 6]},
            {"name": "Hip", "children": [2]},
            {"name": "Head", "translation": [0, 1, 0]},
            {"name": "Skin", "mesh": 0, "skin": 0},
        ],
        scenes=[{"nodes": [0]}],
        meshes=[{"name": "Skin", "primitives": [{"attributes": attributes, "indices": 3}]}],
        skins=[{"joints": [1, 2], "skeleton": 1, "name": "Bones"}],
        animations=[
            {
                "name": "Nod",
                "samplers": [{"input": 6, "output": 7}],
                "channels": [{"sampler": 0, "target": {"node": 2, "path": "translation"}}],
            }
        ],
    )
    return convert(tmp_path_factory.mktemp("rigged"), content)


def test_a_rigged_model_keeps_its_armature(rigged: Converted) -> None:
    root = opened(rigged)
    (armature,) = (obj for obj in root.children_recursive if obj.type == "ARMATURE")
    (skin,) = (obj for obj in root.children_recursive if obj.type == "MESH")
    (modifier,) = skin.modifiers
    assert (modifier.type, modifier.object) == ("ARMATURE", armature)
    assert sorted(bone.name for bone in armature.data.bones) == ["Head", "Hip"]
    assert sorted(group.name for group in skin.vertex_groups) == ["Head", "Hip"]
    assert armature.animation_data.action or armature.animation_data.nla_tracks


def test_a_posed_bone_moves_the_model(rigged: Converted) -> None:
    root = opened(rigged)
    (armature,) = (obj for obj in root.children_recursive if obj.type == "ARMATURE")
    (skin,) = (obj for obj in root.children_recursive if obj.type == "MESH")
    armature.animation_data_clear()

    def highest() -> float:
        bpy.context.view_layer.update()
        shown = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return max((shown.matrix_world @ vertex.co).z for vertex in shown.data.vertices)

    armature.pose.bones["Head"].matrix_basis.identity()
    before = highest()
    armature.pose.bones["Head"].location = (0, 0, 0)
    armature.pose.bones["Hip"].scale = (2, 2, 2)
    assert highest() > before + 0.5


def test_a_rigged_model_stands_on_its_root(rigged: Converted) -> None:
    root = opened(rigged)
    low, high = corners(root).min(axis=0), corners(root).max(axis=0)
    # Without inverse bind matrices the head's vertices are lifted by the head's own height of 1 (glTF 2.0, 3.7.3.3).
    assert [*low, *high] == pytest.approx([-1, -1, 0, 1, 1, 3], abs=1e-5)


def test_what_shows_bones_in_the_importer_is_no_part_of_the_model(rigged: Converted) -> None:
    root = opened(rigged)
    assert [mesh.name for mesh in bpy.data.meshes] == ["Skin"]
    assert [collection.name for collection in bpy.data.collections] == ["Star"]
    assert len(root.users_collection) == 1
    assert [rigged.facts[name] for name in ("faces", "quads", "note")] == [12, 0, "12 faces"]


# Which picture is where


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """Three cubes whose materials have one name: a metal, one with every map, one with a base color only."""
    all_maps = {
        "name": "Skin",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 1}},
        "normalTexture": {"index": 2, "scale": 0.5},
        "emissiveTexture": {"index": 3},
        "emissiveFactor": [1, 1, 1],
        "occlusionTexture": {"index": 4},
        "doubleSided": True,
    }
    metal = {"name": "Skin", "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.25, 1, 1], "metallicFactor": 1}}
    untold = {"name": "Skin", "pbrMetallicRoughness": {"baseColorTexture": {"index": 3}, "roughnessFactor": 0.3}}
    content = glb(
        images=tuple(MAPS.values()),
        materials=[metal, all_maps, untold],
        meshes=[{"name": name, **cube(material=number)} for number, name in enumerate(("Coin", "Fox", "Leaf"))],
        nodes=[{"name": name, "mesh": number} for number, name in enumerate(("Coin", "Fox", "Leaf"))],
        scenes=[{"nodes": [0, 1, 2]}],
    )
    return convert(tmp_path_factory.mktemp("painted"), content)


def principled_of(name: str) -> bpy.types.Node:
    (material,) = bpy.data.objects[name].data.materials
    (node,) = (node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    return node


def picture_at(node: bpy.types.Node, socket: str) -> tuple[tuple[int, ...], str, list[str]]:
    """The color of the picture that leads to an input, its color space, and the outputs on the way, the last first."""
    way = []
    while node.type != "TEX_IMAGE":
        (link,) = node.inputs[socket].links
        node, socket = link.from_node, "Color"
        way.append(link.from_socket.name)
    color = tuple(np.round(np.array(node.image.pixels[:4]) * 255).astype(int).tolist())
    return color, node.image.colorspace_settings.name, way


@pytest.mark.parametrize(
    ("socket", "name", "space", "way"),
    [
        ("Base Color", "base_color", "sRGB", ["Color"]),
        ("Metallic", "metallic_roughness", "Non-Color", ["Blue", "Color"]),
        ("Roughness", "metallic_roughness", "Non-Color", ["Green", "Color"]),
        ("Normal", "normal", "Non-Color", ["Normal", "Color"]),
        ("Emission Color", "emission", "sRGB", ["Color"]),
    ],
)
def test_each_picture_is_where_it_belongs(painted: Converted, socket: str, name: str, space: str, way: list) -> None:
    opened(painted)
    assert picture_at(principled_of("Fox"), socket) == (MAPS[name], space, way)


def test_what_a_material_says_in_numbers_stays(painted: Converted) -> None:
    opened(painted)
    fox, leaf, coin = (principled_of(name) for name in ("Fox", "Leaf", "Coin"))
    assert fox.inputs["Normal"].links[0].from_node.inputs["Strength"].default_value == pytest.approx(0.5)
    assert fox.inputs["Emission Strength"].default_value == pytest.approx(1)
    assert leaf.inputs["Roughness"].default_value == pytest.approx(0.3)
    assert picture_at(leaf, "Base Color") == (MAPS["emission"], "sRGB", ["Color"])
    assert list(coin.inputs["Base Color"].default_value)[:3] == pytest.approx([0.5, 0.25, 1])


def test_a_metal_keeps_its_metal_though_another_material_has_its_name(painted: Converted) -> None:
    opened(painted)
    assert principled_of("Coin").inputs["Metallic"].default_value == 1
    assert principled_of("Leaf").inputs["Metallic"].default_value == 0
    assert painted.facts["note"] == "36 faces. Metallic was set to 0: the model does not say that it is metal."


def test_the_pictures_are_in_the_file_and_know_no_folder(painted: Converted) -> None:
    opened(painted)
    assert bpy.data.images
    assert all(image.packed_file and image.size[0] == 8 and not image.filepath for image in bpy.data.images)
    assert str(painted.folder).encode() not in (painted.folder / "result.blend").read_bytes()


def test_a_picture_of_both_color_and_data_is_read_as_each_wants_it(painted: Converted) -> None:
    """One texture of the GLB is used as color by one material and as data by the other."""
    opened(painted)
    spaces = {image.colorspace_settings.name for image in bpy.data.images}
    assert spaces == {"sRGB", "Non-Color"}
    (occlusion,) = (
        node
        for node in bpy.data.objects["Fox"].data.materials[0].node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image.pixels[0] == pytest.approx(60 / 255, abs=0.01)
    )
    assert occlusion.image.colorspace_settings.name == "Non-Color"


def test_loose_maps_are_left_out_where_one_of_the_objects_has_no_uv_map(tmp_path: Path) -> None:
    without = cube()
    del without["primitives"][0]["attributes"]["TEXCOORD_0"]
    content = glb(nodes=[{"mesh": 0}, {"mesh": 1}], scenes=[{"nodes": [0, 1]}], meshes=[cube(), without])
    (tmp_path / "map.png").write_bytes(png(np.full((8, 8, 4), MAPS["normal"], np.uint8)))
    facts = convert(tmp_path, content, maps={"normal": str(tmp_path / "map.png")}).facts
    assert facts["note"] == "24 faces. The separate maps were left out: the model has no UV map."


# What cannot be converted


def test_a_model_without_a_mesh_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GlbError, match="it holds no mesh"):
        convert(tmp_path, glb(nodes=[{"name": "Nothing"}], scenes=[{"nodes": [0]}], meshes=[]))
    assert not (tmp_path / "result.blend").exists()
