# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are turned, bent, mirrored, animated or empty: they stand on their feet, as large and as Blender's own
import shows them, move as they moved, and look outward; or there is one sentence on why there is nothing to see."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector
from service.textures import assembled, parted

from image_to_3d.api.errors import GlbError
from image_to_3d.headless import convert as program
from image_to_3d.headless import finite, seen
from image_to_3d.headless.report import Report

KIND = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
COMPONENT = {"float32": 5126, "uint8": 5121, "uint16": 5123}
POINTS, LINES = 0, 1  # glTF 2.0, 3.7.2.1


class File:
    """A GLB that grows: arrays become accessors, meshes are of one primitive."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "meshes": []}
        self.binary = b""

    def add(self, numbers: Any, kind: str = "float32") -> int:
        array = np.ascontiguousarray(numbers, dtype=kind)
        rows = array.reshape(len(array), -1)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": array.nbytes}
        self.binary += array.tobytes() + b"\0" * (-array.nbytes % 4)
        self.document["bufferViews"].append(view)
        accessor = {"bufferView": len(self.document["bufferViews"]) - 1, "componentType": COMPONENT[kind]}
        accessor |= {"count": len(array), "type": KIND[rows.shape[1]]}
        if kind == "float32":
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self.document["accessors"].append(accessor)
        return len(self.document["accessors"]) - 1

    def mesh(self, points: np.ndarray, faces: np.ndarray | None, *, targets: Any = (), **primitive: Any) -> int:
        attributes = {"POSITION": self.add(points), **primitive.pop("attributes", {})}
        made: dict[str, Any] = {"attributes": attributes, **primitive}
        if faces is not None:
            made["indices"] = self.add(faces.ravel(), "uint16")
        if targets:
            made["targets"] = [{"POSITION": self.add(target)} for target in targets]
        self.document["meshes"].append({"name": f"Mesh {len(self.document['meshes'])}", "primitives": [made]})
        return len(self.document["meshes"]) - 1

    def content(self, nodes: list[dict[str, Any]], **entries: Any) -> bytes:
        children = {child for node in nodes for child in node.get("children", [])}
        tops = [number for number in range(len(nodes)) if number not in children]
        document = {**self.document, "scene": 0, "scenes": [{"nodes": tops}], "nodes": nodes, **entries}
        return assembled({**document, "buffers": [{"byteLength": len(self.binary)}]}, self.binary)


def ball(rings: int = 12, around: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The corners (n, 3), faces (m, 3) and normals of a ball of radius 0.5 whose faces look outward."""
    angles = np.linspace(0, math.pi, rings + 1)[1:-1]
    turns = np.arange(around) * 2 * math.pi / around
    sides = [[math.sin(a) * math.cos(t), math.cos(a), -math.sin(a) * math.sin(t)] for a in angles for t in turns]
    points = np.array([[0, 1, 0], *sides, [0, -1, 0]])
    last, low = len(points) - 1, len(points) - 1 - around
    faces = []
    for number in range(around):
        after = (number + 1) % around
        faces += [(0, 1 + number, 1 + after), (last, low + after, low + number)]
        for ring in range(rings - 2):
            here, below = 1 + ring * around, 1 + (ring + 1) * around
            faces += [(here + number, below + number, below + after), (here + number, below + after, here + after)]
    return points * 0.5, np.array(faces), points


def add_ball(file: File, *, stretch: Any = (1, 1, 1), **more: Any) -> int:
    points, faces, normals = ball()
    return file.mesh(points * stretch, faces, attributes={"NORMAL": file.add(normals)}, **more)


def turned(degrees: float, axis: str = "X") -> list[float]:
    w, x, y, z = Matrix.Rotation(math.radians(degrees), 3, axis).to_quaternion()
    return [x, y, z, w]


def alone(node: dict[str, Any], *above: dict[str, Any], **ball_entries: Any) -> bytes:
    """A ball in a node, below the nodes `above`, the outermost first."""
    file = File()
    nodes = [*above, {**node, "mesh": add_ball(file, **ball_entries)}]
    for number, parent in enumerate(above):
        nodes[number] = {**parent, "children": [number + 1]}
    return file.content(nodes)


def animated(file: File, node: int, path: str, values: Any) -> dict[str, Any]:
    """An animation of one second in even steps."""
    times = np.linspace(0, 1, len(values))
    sampler = {"input": file.add(times), "output": file.add(values)}
    channels = [{"sampler": 0, "target": {"node": node, "path": path}}]
    return {"name": "Move", "samplers": [sampler], "channels": channels}


MOVES = [[1, 2, 3], [1, 4, 3], [9, 2, 3]]
WAVES = [turned(20), turned(50), turned(110)]


def moving(path: str = "translation", values: Any = MOVES, *, below: bool = False) -> bytes:
    file = File()
    node = {"name": "Ball", "mesh": add_ball(file, stretch=(1, 3, 1)), "translation": [1, 2, 3]}
    nodes = [{"name": "Arm", "children": [1], "rotation": turned(20)}, node] if below else [node]
    return file.content(nodes, animations=[animated(file, 0, path, values)])


def rig(*, scale: float = 1.0, animation: bool = False, shape: bool = False) -> bytes:
    """A ball that hangs on two bones and is bent by them; `scale` is the armature's."""
    file = File()
    points, faces, normals = ball()
    size = 1 / scale
    points = points * size + [0, 3 * size, 0]  # it does not stand on its own origin
    upper = points[:, 1] > 3 * size
    joints, weights = np.zeros((len(points), 4)), np.zeros((len(points), 4))
    joints[upper, 0], weights[:, 0] = 1, 1
    attributes = {"JOINTS_0": file.add(joints, "uint8"), "WEIGHTS_0": file.add(weights)}
    mesh = file.mesh(points, faces, attributes={"NORMAL": file.add(normals), **attributes})
    inverse = np.tile(np.eye(4), (2, 1, 1))
    inverse[1, 3, 1] = -3 * size
    nodes = [
        {"name": "Armature", "children": [1, 3], "scale": [scale] * 3, "translation": [7, 8, 9]},
        {"name": "Hip", "children": [2]},
        {"name": "Head", "translation": [0, 3.5 * size, 0], "rotation": turned(40)},
        {"name": "Skin", "mesh": mesh, "skin": 0},
    ]
    if shape:  # what Blender's importer shows bones with, exported with the model
        nodes.append({"name": "Icosphere", "mesh": add_ball(file)})
    moves = [animated(file, 2, "rotation", WAVES)] if animation else []
    skins = [{"joints": [1, 2], "inverseBindMatrices": file.add(inverse.reshape(2, 16))}]
    return file.content(nodes, skins=skins, **({"animations": moves} if moves else {}))


def morph(**node: Any) -> bytes:
    """A ball of which a shape key at 0.75 makes something higher, and one at 0 something wider."""
    file = File()
    points = ball()[0]
    targets = [np.where(points > 0, points, 0) * [0, 4, 0], points * [9, 0, 0]]
    return file.content([{**node, "mesh": add_ball(file, targets=targets), "weights": [0.75, 0]}])


def crowd(**group: Any) -> bytes:
    """Two turned balls, one of them mirrored, of which none stands at the model's middle; in a group, if one is
    given."""
    file = File()
    tall = {"mesh": add_ball(file, stretch=(1, 4, 1)), "rotation": turned(40), "translation": [10, 2, 0]}
    small = {"mesh": add_ball(file), "scale": [-1, 1, 1], "rotation": turned(30, "Z"), "translation": [8, 1, 5]}
    above = [{"name": "Group", "children": [0, 1], **group}] if group else []
    return file.content([{"name": "Tall", **tall}, {"name": "Small", **small}, *above])


SHEAR = [1, 0, 0, 0, 0.8, 1, 0, 0, 0, 0.5, 1, 0, 0, 0, 0, 1]
STANDING = {
    "tilted": alone({"rotation": turned(40)}, stretch=(1, 4, 1)),
    "below tilted and stretched": alone(
        {"rotation": turned(30, "Z")}, {"scale": [1, 5, 1], "rotation": turned(30)}, {"rotation": turned(60, "Y")}
    ),
    "sheared": alone({"matrix": SHEAR}),
    "mirrored": alone({"scale": [-1, 2, 1], "rotation": turned(40)}),
    "mirrored twice": alone({"scale": [1, -1, 2]}, {"scale": [-1, 1, 1], "rotation": turned(20)}),
    "mirrored below turned": alone({"scale": [1, 1, -1], "rotation": turned(45, "Z")}, {"rotation": turned(70)}),
    "far away": alone({"translation": [100_000.3, 250_000.7, -70_000.1], "rotation": turned(15)}),
    "far away, below": alone({"rotation": turned(15)}, {"translation": [100_000.3, 250_000.7, -70_000.1]}),
    "far away, several": crowd(translation=[100_000.3, 250_000.7, -70_000.1], rotation=turned(15)),
    "morph": morph(translation=[0, 3, 0], scale=[2, 2, 2], rotation=turned(25)),
    "several": crowd(),
    "rig": rig(),
    "small rig": rig(scale=0.01),
    "moving rig": rig(animation=True),
    "moving": moving(),
    "waving": moving("rotation", WAVES),
    "below what moves": moving("rotation", WAVES, below=True),
}
MIRRORED = [name for name in STANDING if "mirrored" in name or name == "several"]


class Converted(NamedTuple):
    folder: Path
    facts: dict[str, Any]


def convert(folder: Path, content: bytes, **entries: Any) -> Converted:
    (folder / "model.glb").write_bytes(content)
    request = {"glb": str(folder / "model.glb"), "name": "Star", "quads": False}
    request |= {"blend": str(folder / "result.blend"), "thumbnail": str(folder / "thumbnail.png"), **entries}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "render", lambda path: path.write_bytes(b""))  # which takes most of the time
        return Converted(folder, program.convert(request, Report(folder / "report.jsonl")))


def opened(converted: Converted) -> bpy.types.Object:
    """Append what was written to an empty file, and return the root."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(converted.folder / "result.blend"), link=False) as (there, here):
        here.collections = there.collections
    (collection,) = here.collections
    bpy.context.scene.collection.children.link(collection)
    bpy.context.view_layer.update()
    (root,) = (obj for obj in collection.all_objects if obj.parent is None)
    return root


def imported(converted: Converted) -> None:
    """Import the model as Blender does by itself."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.import_scene.gltf(filepath=str(converted.folder / "model.glb"), disable_bone_shape=True)


def box(frame: int = 1) -> np.ndarray:
    """The lowest and highest corner of all meshes as they are seen at a frame, (2, 3)."""
    bpy.context.scene.frame_set(frame)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shown = [obj.evaluated_get(depsgraph) for obj in bpy.data.objects if obj.type == "MESH" and obj.users_scene]
    found = np.array([tuple(obj.matrix_world @ vertex.co) for obj in shown for vertex in obj.to_mesh().vertices])
    return np.array([found.min(axis=0), found.max(axis=0)])


def foot(corners: np.ndarray) -> np.ndarray:
    low, high = corners
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])


@pytest.fixture(scope="module", params=STANDING)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Converted]:
    return request.param, convert(tmp_path_factory.mktemp("model"), STANDING[request.param])


# Where it stands


def test_it_stands_on_the_middle_of_its_foot(model: tuple[str, Converted]) -> None:
    root = opened(model[1])
    assert root.matrix_world == Matrix.Identity(4) and root.name == "Star"
    corners = box()
    assert foot(corners) == pytest.approx([0, 0, 0], abs=1e-4 * np.ptp(corners, axis=0).max())


def test_it_is_as_large_as_blender_s_own_import_shows_it(model: tuple[str, Converted]) -> None:
    opened(model[1])
    ours = np.ptp(box(), axis=0)
    imported(model[1])
    is_far = model[0].startswith("far")  # where Blender's own numbers are coarse
    assert ours == pytest.approx(np.ptp(box(), axis=0), abs=0.05 if is_far else 1e-4 * ours.max())


def test_the_root_has_the_model_s_name_also_where_a_node_above_it_had_it(tmp_path: Path) -> None:
    root = opened(convert(tmp_path, alone({"name": "Ball"}, {"name": "Star"})))
    assert (root.name, root.type) == ("Star", "MESH")
    assert len(bpy.data.objects) == 1


def test_the_facts_say_where_it_reaches(model: tuple[str, Converted]) -> None:
    opened(model[1])
    corners = box()
    assert np.array(model[1].facts["bounds"]) == pytest.approx(corners, abs=1e-4 * np.ptp(corners, axis=0).max())


def test_several_objects_stand_below_an_empty_and_keep_where_they_are_to_each_other(tmp_path: Path) -> None:
    root = opened(convert(tmp_path, crowd()))
    assert root.type == "EMPTY" and sorted(obj.name for obj in root.children) == ["Small", "Tall"]
    between = bpy.data.objects["Small"].matrix_world.translation - bpy.data.objects["Tall"].matrix_world.translation
    assert list(between) == pytest.approx([-2, -5, -1], abs=1e-5)


@pytest.mark.parametrize("names", [("Star", "Star"), ("Star", "Star.001"), ("Star.001", "Star")])
def test_the_root_has_the_model_s_name_also_where_a_part_is_called_so(tmp_path: Path, names: tuple[str, str]) -> None:
    file = File()
    mesh = add_ball(file)
    nodes = [{"name": name, "mesh": mesh, "translation": [2 * place, 0, 0]} for place, name in enumerate(names)]
    root = opened(convert(tmp_path, file.content(nodes)))
    assert root.type == "EMPTY" and root.name == "Star"
    assert [entry.name for entry in root.users_collection] == ["Star"]
    assert sorted(part.name for part in root.children) == ["Star.001", "Star.002"]


# How it moves


@pytest.mark.parametrize("name", ["moving", "waving", "below what moves", "moving rig"])
def test_it_moves_as_it_moved_and_its_root_stays(tmp_path: Path, name: str) -> None:
    converted = convert(tmp_path, STANDING[name])
    frames = (1, 7, 12, 20, 24)
    imported(converted)
    native = [box(frame) for frame in frames]
    assert np.abs(native[0] - native[-1]).max() > 0.05  # it does move
    root = opened(converted)
    assert root.type == "EMPTY" and root.animation_data is None
    root.location = (5, -6, 7)  # as a model is placed
    for frame, corners in zip(frames, native, strict=True):
        assert box(frame) == pytest.approx(corners - foot(native[0]) + [5, -6, 7], abs=1e-4)
        assert list(root.location) == [5, -6, 7]


def test_what_moved_a_shape_key_moves_it_still(tmp_path: Path) -> None:
    file = File()
    points = ball()[0]
    mesh = add_ball(file, targets=[np.where(points > 0, points, 0) * [0, 4, 0]])
    content = file.content(
        [{"mesh": mesh, "translation": [0, 3, 0]}], animations=[animated(file, 0, "weights", [[0.0], [0.5], [1.0]])]
    )
    root = opened(convert(tmp_path, content))
    assert root.type == "MESH" and root.parent is None
    assert [np.ptp(box(frame), axis=0)[2] for frame in (0, 12, 24)] == pytest.approx([1, 2, 3], abs=1e-4)
    assert box(24)[0][2] == pytest.approx(0, abs=1e-4)


def test_a_rig_keeps_its_skeleton(tmp_path: Path) -> None:
    root = opened(convert(tmp_path, rig(animation=True)))
    (armature,) = (obj for obj in root.children_recursive if obj.type == "ARMATURE")
    (skin,) = (obj for obj in root.children_recursive if obj.type == "MESH")
    assert skin.modifiers[0].object == armature and armature.animation_data.action is not None


def test_the_mesh_that_shows_bones_is_left_out_where_a_rig_was_exported_with_it(tmp_path: Path) -> None:
    converted = convert(tmp_path, rig(scale=0.01, shape=True))
    root = opened(converted)
    assert [obj.name for obj in root.children_recursive if obj.type == "MESH"] == ["Skin"]
    assert foot(box()) == pytest.approx([0, 0, 0], abs=1e-4)
    assert converted.facts["faces"] == len(ball()[1]) and "shows the bones" in converted.facts["note"]


def test_a_ball_of_that_name_is_kept_where_there_is_no_rig(tmp_path: Path) -> None:
    assert opened(convert(tmp_path, alone({"name": "Icosphere"}))).type == "MESH"


# How it looks


def triangles(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The corners of all triangles of an exported GLB, (n, 3, 3), and the normals there, in world space."""
    document, binary = parted(content)

    def array(number: int) -> np.ndarray:
        accessor = document["accessors"][number]
        start = document["bufferViews"][accessor["bufferView"]].get("byteOffset", 0) + accessor.get("byteOffset", 0)
        kind = {5126: np.float32, 5123: np.uint16, 5125: np.uint32, 5121: np.uint8}[accessor["componentType"]]
        width = {"SCALAR": 1, "VEC3": 3}[accessor["type"]]
        return np.frombuffer(binary, kind, accessor["count"] * width, start).reshape(-1, width)

    found: list[tuple[np.ndarray, np.ndarray]] = []

    def walk(number: int, above: np.ndarray) -> None:
        node = document["nodes"][number]
        x, y, z, w = node.get("rotation", (0, 0, 0, 1))
        quaternion = Matrix.LocRotScale(
            Vector(node.get("translation", (0, 0, 0))),
            Quaternion((w, x, y, z)),
            Vector(node.get("scale", (1, 1, 1))),
        )
        matrix = above @ np.array(quaternion)
        if "mesh" in node:
            for primitive in document["meshes"][node["mesh"]]["primitives"]:
                indices = array(primitive["indices"]).ravel()
                points = array(primitive["attributes"]["POSITION"]) @ matrix[:3, :3].T + matrix[:3, 3]
                normals = array(primitive["attributes"]["NORMAL"]) @ np.linalg.inv(matrix[:3, :3])
                if np.linalg.det(matrix[:3, :3]) < 0:  # glTF 2.0, 3.7.4: then the corners go the other way round
                    indices = indices.reshape(-1, 3)[:, ::-1].ravel()
                found.append((points[indices].reshape(-1, 3, 3), normals[indices].reshape(-1, 3, 3)))
        for child in node.get("children", []):
            walk(child, matrix)

    for top in document["scenes"][0]["nodes"]:
        walk(top, np.eye(4))
    return np.concatenate([points for points, _ in found]), np.concatenate([normals for _, normals in found])


def looks_outward(points: np.ndarray, normals: np.ndarray) -> bool:
    """Whether faces and normals look away from the middle of the one ball that they are of."""
    away = points.mean(axis=1) - points.reshape(-1, 3).mean(axis=0)
    of_faces = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    return bool(((of_faces * away).sum(axis=1) > 0).all() and ((normals.mean(axis=1) * away).sum(axis=1) > 0).all())


@pytest.mark.parametrize("name", MIRRORED)
def test_what_was_mirrored_looks_outward_also_in_what_is_exported_again(tmp_path: Path, name: str) -> None:
    root = opened(convert(tmp_path, STANDING[name]))
    for obj in (root, *root.children_recursive):
        if obj.type == "MESH":
            is_mirrored = obj.matrix_world.determinant() < 0  # Blender shows these the right way round
            middle = sum((vertex.co for vertex in obj.data.vertices), Vector()) / len(obj.data.vertices)
            assert {(face.center - middle).dot(face.normal) > 0 for face in obj.data.polygons} == {True}
            assert root.type == "EMPTY" or not is_mirrored
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "again.glb"), export_format="GLB")
    points, normals = triangles((tmp_path / "again.glb").read_bytes())
    count = len(ball()[1])
    assert len(points) in (count, 2 * count)
    for first in range(0, len(points), count):
        assert looks_outward(points[first : first + count], normals[first : first + count])


@pytest.mark.parametrize("name", ["tilted", "mirrored", "sheared", "below tilted and stretched", "morph"])
def test_its_own_normals_are_as_blender_s_own_import_shows_them(tmp_path: Path, name: str) -> None:
    def normals_at_places() -> list[tuple[float, ...]]:
        (obj,) = (obj for obj in bpy.data.objects if obj.type == "MESH")
        mesh = obj.data
        turn = obj.matrix_world.to_3x3().inverted().transposed()
        middle = Vector(foot(box()))
        bent = [(turn @ mesh.corner_normals[loop.index].vector).normalized() for loop in mesh.loops]
        places = [obj.matrix_world @ mesh.vertices[loop.vertex_index].co - middle for loop in mesh.loops]
        return sorted((*np.round(place, 3) + 0.0, *normal) for place, normal in zip(places, bent, strict=True))

    converted = convert(tmp_path, STANDING[name])
    root = opened(converted)
    assert root.data.has_custom_normals
    assert "image_to_3d_normal" not in root.data.attributes
    ours = np.array(normals_at_places())
    imported(converted)
    theirs = np.array(normals_at_places())
    nearest = [theirs[np.abs(theirs[:, :3] - row[:3]).sum(axis=1).argmin(), 3:] @ row[3:] for row in ours]
    assert min(nearest) > 0.98


def test_quads_keep_shape_keys_own_normals_and_texture_places(tmp_path: Path) -> None:
    file = File()
    points = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 1, 0.2], [2, 1, 0]])
    faces = np.array([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]])
    slanted = np.tile([0.6, 0.0, 0.8], (6, 1))
    attributes = {"NORMAL": file.add(slanted), "TEXCOORD_0": file.add(points[:, :2] / 2)}
    mesh = file.mesh(points, faces, attributes=attributes, targets=[points * [0, 2, 0]])
    root = opened(convert(tmp_path, file.content([{"mesh": mesh, "weights": [0.5]}]), quads=True))
    data = root.data
    assert [face.loop_total for face in data.polygons] == [4, 4]
    assert np.array([normal.vector for normal in data.corner_normals]) == pytest.approx(
        np.tile([0.6, -0.8, 0.0], (8, 1)), abs=0.01
    )
    basis, key = data.shape_keys.key_blocks
    moved = np.array([after.co - before.co for before, after in zip(basis.data, key.data, strict=True)])
    assert sorted(moved[:, 2]) == pytest.approx([0, 0, 0, 2, 2, 2], abs=1e-5) and key.value == 0.5
    for loop in data.loops:
        place, uv = basis.data[loop.vertex_index].co, data.uv_layers[0].uv[loop.index].vector
        assert uv.x == pytest.approx((place.x + 1) / 2, abs=1e-5)
        assert 1 - uv.y == pytest.approx(1 - place.z / 2, abs=1e-5) or uv.y == pytest.approx(1 - place.z / 2, abs=1e-5)


# What is not seen


def bare(mode: int, *nodes: dict[str, Any], with_ball: bool = False) -> bytes:
    file = File()
    points = ball()[0]
    meshes = [{"name": "Bare", "mesh": file.mesh(points * 9, None, mode=mode), **({"children": [1]} if nodes else {})}]
    if with_ball:
        meshes.append({"name": "Ball", "mesh": add_ball(file), "translation": [2, 2, 2]})
    return file.content(meshes)


def test_a_model_without_a_quad_is_fine_where_quads_were_asked_for(tmp_path: Path) -> None:
    file = File()
    mesh = file.mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    facts = convert(tmp_path, file.content([{"mesh": mesh}]), quads=True).facts
    assert (facts["faces"], facts["quads"]) == (1, 0)


@pytest.mark.parametrize("mode", [POINTS, LINES])
def test_points_and_lines_beside_faces_are_left_out_with_a_note(tmp_path: Path, mode: int) -> None:
    converted = convert(tmp_path, bare(mode, with_ball=True))
    root = opened(converted)
    assert [obj.name for obj in bpy.data.objects] == ["Star"] and root.type == "MESH"
    assert np.ptp(box(), axis=0) == pytest.approx([1, 1, 1], abs=0.02)
    assert "1 part has no faces and was left out." in converted.facts["note"]


def test_faces_below_points_keep_their_place(tmp_path: Path) -> None:
    converted = convert(tmp_path, bare(POINTS, {}, with_ball=True), quads=True)
    root = opened(converted)
    assert [len(obj.data.vertices) for obj in root.children if obj.type == "MESH"] == [0]
    assert foot(box()) == pytest.approx([0, 0, 0], abs=1e-4) and np.ptp(box(), axis=0)[0] < 2


def test_points_in_one_mesh_with_faces_are_left_out_with_a_note(tmp_path: Path) -> None:
    file = File()
    mesh = add_ball(file)
    far = {"attributes": {"POSITION": file.add(ball()[0] * 50)}, "mode": POINTS}
    file.document["meshes"][mesh]["primitives"].append(far)
    converted = convert(tmp_path, file.content([{"mesh": mesh}]))
    root = opened(converted)
    assert np.ptp(box(), axis=0) == pytest.approx([1, 1, 1], abs=0.02) and len(root.data.vertices) == len(ball()[0])
    assert "Points and lines without faces were left out." in converted.facts["note"]


def test_shapes_of_a_mesh_without_points_are_left_out(tmp_path: Path) -> None:
    file = File()
    mesh, nothing = add_ball(file), {"attributes": {}, "targets": [{"POSITION": file.add(ball()[0])}]}
    file.document["meshes"].append({"primitives": [nothing], "weights": [1]})
    converted = convert(tmp_path, file.content([{"mesh": mesh}, {"mesh": mesh + 1}]))
    opened(converted)
    assert np.ptp(box(), axis=0) == pytest.approx([1, 1, 1], abs=0.02)
    assert "1 part has no faces and was left out." in converted.facts["note"]


def test_bones_whose_names_end_within_a_letter_for_blender_are_read(tmp_path: Path) -> None:
    document, binary = parted(rig())
    for node in document["nodes"]:
        node["name"] = "a" + "\u9aa8" * 30
    opened(convert(tmp_path, assembled(document, binary)))
    (armature,) = bpy.data.armatures
    assert armature.bones[0].name == "a" + "\u9aa8" * 20


def skeleton_alone() -> bytes:
    document, binary = parted(rig())
    del document["nodes"][3]["mesh"], document["nodes"][3]["skin"]
    file = File()
    mesh_node = {"name": "Line", "mesh": file.mesh(ball()[0], None, mode=LINES)}
    return file.content([{"name": "Hips", "children": [1]}, mesh_node])


def ever_larger() -> bytes:
    """A ball below so many nodes, each ten times as large as the one above, that the numbers end."""
    file = File()
    nodes: list[dict[str, Any]] = [{"scale": [10] * 3, "children": [number + 1]} for number in range(50)]
    return file.content([*nodes, {"mesh": add_ball(file)}])


EMPTY = {
    "it holds points": bare(POINTS),
    "it holds lines": bare(LINES),
    "it holds lines and no faces": skeleton_alone(),
    "all of it lies in one point": alone({"scale": [1e-9] * 3}),
    "too large": alone({"scale": [1e10] * 3}),
    "is too large for Blender": ever_larger(),
}


@pytest.mark.parametrize("why", EMPTY)
@pytest.mark.parametrize("quads", [True, False])
def test_a_model_that_shows_nothing_fails_with_one_sentence(tmp_path: Path, why: str, *, quads: bool) -> None:
    with pytest.raises(GlbError) as caught:
        convert(tmp_path, EMPTY[why], quads=quads)
    assert why in str(caught.value) and "\n" not in str(caught.value) and "again" not in str(caught.value)
    assert not (tmp_path / "result.blend").exists() and (tmp_path / "model.glb").exists()


def hidden(*, with_another: bool) -> bytes:
    """A large ball that the node above it hides, and a small one that is seen."""
    file = File()
    nodes = [
        {"name": "Group", "extensions": {"KHR_node_visibility": {"visible": False}}, "children": [1]},
        {"name": "Hidden", "mesh": add_ball(file), "scale": [9, 9, 9], "extras": {"part": 7}},
        {"name": "Ball", "mesh": 0, "translation": [3, 3, 3]},
    ]
    return file.content(nodes if with_another else nodes[:2], extensionsUsed=["KHR_node_visibility"])


def test_what_the_file_hides_is_hidden_and_not_counted(tmp_path: Path) -> None:
    root = opened(convert(tmp_path, hidden(with_another=True)))
    objects = {obj.name: obj for obj in root.children_recursive}
    assert objects["Hidden"].hide_viewport and objects["Hidden"].hide_render
    assert dict(objects["Hidden"].items()) == {"part": 7}
    assert not objects["Ball"].hide_viewport
    assert list(objects["Ball"].matrix_world.translation) == pytest.approx([0, 0, 0.5], abs=0.01)


def test_a_model_that_is_hidden_is_nothing_to_see(tmp_path: Path) -> None:
    with pytest.raises(GlbError, match="all of it is hidden"):
        convert(tmp_path, hidden(with_another=False))


def lit() -> bytes:
    """A ball below a lamp in a camera that is larger and turned, and a camera with nothing below it."""
    file = File()
    nodes = [
        {"name": "Camera", "camera": 0, "scale": [4, 4, 4], "rotation": turned(30), "children": [1]},
        {"name": "Lamp", "extensions": {"KHR_lights_punctual": {"light": 0}}, "children": [2]},
        {"name": "Ball", "mesh": add_ball(file, stretch=(1, 2, 1))},
        {"name": "Another", "camera": 0, "translation": [90, 0, 0]},
        {"name": "Second", "mesh": 0, "translation": [0, 0, -9]},
    ]
    extra = {"extensionsUsed": ["KHR_lights_punctual"], "cameras": [{"type": "perspective", **CAMERA}]}
    return file.content(nodes, extensions={"KHR_lights_punctual": {"lights": [{"type": "point"}]}}, **extra)


CAMERA = {"perspective": {"yfov": 0.7, "znear": 0.1}}


def test_what_is_below_a_camera_and_a_lamp_keeps_its_place_and_they_leave_nothing(tmp_path: Path) -> None:
    root = opened(convert(tmp_path, lit()))
    assert sorted(obj.name for obj in root.children_recursive) == ["Ball", "Camera", "Lamp", "Second"]
    assert {obj.type for obj in root.children_recursive} == {"EMPTY", "MESH"}
    assert not any(dict(obj.items()) for obj in root.children_recursive)
    (ball_object,) = (obj for obj in root.children_recursive if obj.name == "Ball")
    assert list(ball_object.matrix_world.to_scale()) == pytest.approx([4, 4, 4], abs=1e-4)
    assert foot(box()) == pytest.approx([0, 0, 0], abs=1e-3)


@pytest.fixture
def cube() -> bpy.types.Object:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object


def test_what_is_hidden_is_not_counted(cube: bpy.types.Object) -> None:
    bpy.ops.mesh.primitive_cube_add(location=(9, 9, 9), size=2)
    bpy.context.object.hide_viewport = True
    assert [list(corner) for corner in seen.bounds()] == [[-1, -1, -1], [1, 1, 1]]
    cube.hide_viewport = True
    with pytest.raises(GlbError, match="all of it is hidden"):
        seen.keep_faces()


def test_a_skeleton_alone_is_nothing_to_see(cube: bpy.types.Object) -> None:
    bpy.ops.object.armature_add()
    bpy.data.objects.remove(cube)
    with pytest.raises(GlbError, match="a skeleton and no mesh"):
        seen.keep_faces()


# Numbers that are none


def spoil_place(cube: bpy.types.Object) -> None:
    cube.location.x = math.nan


def spoil_vertex(cube: bpy.types.Object) -> None:
    cube.data.vertices[3].co.y = math.nan


def spoil_texture_place(cube: bpy.types.Object) -> None:
    cube.data.uv_layers[0].uv[5].vector = (0, math.nan)


def spoil_color(cube: bpy.types.Object) -> None:
    cube.data.color_attributes.new("Color", "FLOAT_COLOR", "CORNER").data[2].color = (0, 0, math.nan, 1)


def spoil_shape_key(cube: bpy.types.Object) -> None:
    cube.shape_key_add(name="Basis")
    cube.shape_key_add(name="Up").data[0].co.z = math.nan


def spoil_animation(cube: bpy.types.Object) -> None:
    for frame, value in ((1, 0.0), (9, math.nan)):
        cube.location.z = value
        cube.keyframe_insert("location", index=2, frame=frame)
    cube.location.z = 0


def spoil_pose(cube: bpy.types.Object) -> None:
    bpy.ops.object.armature_add()
    bpy.context.object.pose.bones[0].location.x = math.nan


def spoil_material(cube: bpy.types.Object) -> None:
    material = bpy.data.materials.new("Paint")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes["Principled BSDF"].inputs["Roughness"].default_value = math.nan
    if math.isfinite(nodes["Principled BSDF"].inputs["Roughness"].default_value):  # kept between its bounds
        nodes.new("ShaderNodeVectorMath").inputs[0].default_value = (0, math.nan, 0)


SPOILS = [value for name, value in sorted(globals().items()) if name.startswith("spoil_")]


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_a_number_that_is_none_is_found_wherever_it_is(cube: bpy.types.Object, spoil: Any) -> None:
    finite.require_finite()
    spoil(cube)
    bpy.context.view_layer.update()
    with pytest.raises(GlbError, match="is damaged .* holds a number that is none"):
        finite.require_finite()
