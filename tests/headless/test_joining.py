# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a model of very many objects: few of them arrive, and it looks as it did."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.api.errors import GlbError
from image_to_3d.headless import convert as program
from image_to_3d.headless import joining
from image_to_3d.headless.joining import OBJECTS_MOST, join_many
from image_to_3d.headless.report import Report

SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
POINTS = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
COLORS = ("Red", "Green", "Blue")


@pytest.fixture
def root() -> Iterator[bpy.types.Object]:
    """The root of a model without anything, in an empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return added("Model", None, None)


def added(name: str, data: bpy.types.Mesh | None, parent: bpy.types.Object | None, **matrix: Any) -> bpy.types.Object:
    obj = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = parent
    place = matrix.get("at", (0.0, 0.0, 0.0))
    obj.matrix_basis = Matrix.LocRotScale(Vector(place), matrix.get("turn"), Vector(matrix.get("scale", (1, 1, 1))))
    return obj


def cube(material: str = "", shade: float | None = None) -> bpy.types.Mesh:
    """A cube of two units, with a UV map; with `shade` it has a color attribute of that gray, too."""
    mesh = bpy.data.meshes.new("Cube")
    mesh.from_pydata(POINTS, [], SIDES)
    uv = mesh.uv_layers.new(name="UVMap")
    uv.uv.foreach_set("vector", np.tile(np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32), 6))
    if shade is not None:
        color = mesh.color_attributes.new("Color", "FLOAT_COLOR", "CORNER")
        color.data.foreach_set("color", np.tile(np.array([shade, shade, shade, 1], np.float32), 24))
    if material:
        mesh.materials.append(bpy.data.materials.get(material) or bpy.data.materials.new(material))
    return mesh


def meshes_below(root: bpy.types.Object) -> list[bpy.types.Object]:
    return [obj for obj in root.children_recursive if obj.type == "MESH"]


def looks(root: bpy.types.Object) -> set[tuple[Any, ...]]:
    """All faces as they are seen: middle, outside and material of each, in the world, rounded."""
    bpy.context.view_layer.update()
    found = set()
    for obj in meshes_below(root):
        normals = obj.matrix_world.to_3x3().inverted().transposed()
        for face in obj.data.polygons:
            middle, normal = obj.matrix_world @ face.center, (normals @ face.normal).normalized()
            slot = obj.material_slots[face.material_index] if obj.material_slots else None
            found.add((tuple(round(x, 2) + 0.0 for x in (*middle, *normal)), slot and slot.material.name))
    return found


def crowd(root: bpy.types.Object, number: int) -> list[bpy.types.Object]:
    """Cubes of three materials in a row, each with a mesh of its own."""
    return [added(f"Cube {n}", cube(COLORS[n % 3]), root, at=(3.0 * n, 0, 0)) for n in range(number)]


def test_few_objects_stay_as_they_are(root: bpy.types.Object) -> None:
    objects = crowd(root, OBJECTS_MOST)
    assert join_many(root) == []
    assert set(root.children_recursive) == set(objects)


def test_many_objects_become_one_for_each_material(root: bpy.types.Object) -> None:
    crowd(root, 999)
    before = looks(root)
    assert join_many(root) == ["The 999 objects were joined into 3, one for each material."]
    assert sorted(obj.name for obj in root.children) == ["Blue", "Green", "Red"]
    assert [len(obj.data.polygons) for obj in root.children] == [333 * 6] * 3
    assert len(before) == 999 * 6
    assert looks(root) == before


def test_no_joined_mesh_becomes_too_large_and_none_is_refused_for_that(root: bpy.types.Object) -> None:
    crowd(root, 1200)
    large = bpy.data.meshes.new("Large")
    large.from_pydata(
        [(n, y, n % 2) for n in range(602) for y in (20, 21)], [], [(2 * n, 2 * n + 1, 2 * n + 3) for n in range(601)]
    )
    kept = added("Large", large, root)
    before = looks(root)
    assert join_many(root, faces_most=600) == [
        "The 1,200 objects were joined into 12 of up to 600 faces. 1 more could not be joined."
    ]
    assert looks(root) == before
    assert kept in set(root.children)
    assert [len(obj.data.polygons) for obj in root.children if obj != kept] == [600] * 12


def test_groups_shared_meshes_and_mirrored_ones_look_as_before(root: bpy.types.Object) -> None:
    crowd(root, OBJECTS_MOST)
    shared = cube("Red")
    turned = Matrix.Rotation(0.7, 3, "Z").to_quaternion()
    outer = added("Outer", None, root, at=(0, 9, 1), turn=turned, scale=(2, 1, 1))
    outer.matrix_parent_inverse = Matrix.Translation((0.5, 0, 0))
    inner = added("Inner", None, outer, at=(0, 3, 0), turn=turned)  # below a stretched one: sheared
    for n in range(4):
        added("Shared", shared, inner, at=(0, 0, 4.0 * n), scale=(1, 1, 1 - 2 * (n % 2)))
    bpy.context.view_layer.update()
    lows = corners(root).min(axis=0), corners(root).max(axis=0)
    join_many(root)
    bpy.context.view_layer.update()
    assert np.allclose((corners(root).min(axis=0), corners(root).max(axis=0)), lows, atol=1e-3)
    assert all(obj.type == "MESH" and obj.parent == root for obj in root.children_recursive)
    assert sum(len(obj.data.polygons) for obj in root.children) == (OBJECTS_MOST + 4) * 6
    for obj in root.children:
        assert all(volume > 0 for volume in volumes(obj.data))


def corners(root: bpy.types.Object) -> np.ndarray:
    return np.array([obj.matrix_world @ vertex.co for obj in meshes_below(root) for vertex in obj.data.vertices])


def volumes(mesh: bpy.types.Mesh) -> list[float]:
    """What each cube of a joined mesh encloses: less than 0 where its faces look inward."""
    points = np.array([vertex.co for vertex in mesh.vertices]).reshape(-1, 8, 3)
    middles = points.mean(axis=1)
    found = np.zeros(len(middles))
    for face in mesh.polygons:
        number = face.vertices[0] // 8
        found[number] += np.dot(np.array(face.center) - middles[number], face.normal) * face.area
    return list(found)


def test_uv_maps_and_colors_stay_with_their_faces(root: bpy.types.Object) -> None:
    for n in range(OBJECTS_MOST + 2):
        scale = (-1, 1, 1) if n % 2 else (1, 1, 1)
        added("Cube", cube("Red", 0.25 if n % 3 else None), root, at=(3.0 * n, 0, 0), scale=scale)
    join_many(root)
    (obj,) = root.children
    assert [layer.name for layer in obj.data.uv_layers] == ["UVMap"]
    assert [layer.name for layer in obj.data.color_attributes] == ["Color"]
    uv, color = obj.data.uv_layers["UVMap"].uv, obj.data.color_attributes["Color"].data
    for face in obj.data.polygons:
        side = next(side for side in SIDES if set(side) == {corner % 8 for corner in face.vertices})
        for loop in face.loop_indices:
            place = side.index(obj.data.loops[loop].vertex_index % 8)
            assert tuple(uv[loop].vector) == ((0, 0), (1, 0), (1, 1), (0, 1))[place]
            cube_number = round(obj.data.vertices[obj.data.loops[loop].vertex_index].co.x / 3)
            assert color[loop].color[0] == (0.25 if cube_number % 3 else 1.0)
    edges = {frozenset(edge.vertices) for edge in obj.data.edges}
    assert len(edges) == len(obj.data.edges) == 12 * (OBJECTS_MOST + 2)
    assert not obj.data.validate(verbose=False)  # which says whether it had to mend something


def test_normals_of_its_own_are_turned_with_a_mesh(root: bpy.types.Object) -> None:
    """Each corner's normal leads away from the cube's middle, as on a ball: also where it is mirrored and stretched."""
    quarter = Matrix.Rotation(np.pi / 2, 3, "Z").to_quaternion()
    for n in range(OBJECTS_MOST + 1):
        mesh = cube("Red")
        mesh.normals_split_custom_set([Vector(POINTS[loop.vertex_index]).normalized() for loop in mesh.loops])
        added("Ball", mesh, root, at=(5.0 * n, 0, 0), turn=quarter, scale=(4 if n % 2 else -4, 2, 2))
    join_many(root)
    (obj,) = root.children
    points = np.array([vertex.co for vertex in obj.data.vertices])
    middles = np.repeat(points.reshape(-1, 8, 3).mean(axis=1), 8, axis=0)
    outward = (points - middles) / (1, 4, 1)  # twice as long as wide, along Y: the normals lean away from it
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    normals = np.array([entry.vector for entry in obj.data.corner_normals])
    assert np.allclose(normals, outward[[loop.vertex_index for loop in obj.data.loops]], atol=0.01)


def test_what_moves_or_bends_stays_apart(root: bpy.types.Object) -> None:
    crowd(root, OBJECTS_MOST)
    wheel = added("Wheel", cube("Red"), root, at=(0, 20, 0))
    wheel.keyframe_insert("location", frame=1)
    spokes = [added("Spoke", cube("Green"), wheel, at=(0, 0, n)) for n in range(9)]
    skeleton = bpy.data.objects.new("Skeleton", bpy.data.armatures.new("Skeleton"))
    bpy.context.scene.collection.objects.link(skeleton)
    skeleton.parent = added("Stand", None, root, at=(0, 0, 2))
    skin = added("Skin", cube("Red"), skeleton.parent)
    skin.modifiers.new("Skeleton", "ARMATURE").object = skeleton
    face = added("Face", cube("Red"), root)
    face.shape_key_add(name="Basis")
    added("Nothing", None, root)
    before = looks(root)
    assert join_many(root) == [
        "The 309 objects were joined into 4, one for each material of what moves together. 3 more could not be joined."
    ]
    assert looks(root) == before
    assert {obj.name for obj in root.children} == {"Red", "Green", "Blue", "Wheel", "Stand", "Face"}
    assert {obj.name for obj in root.children_recursive} - {obj.name for obj in root.children} == {
        "Skeleton",
        "Skin",
        "Green.001",
    }
    (joined,) = wheel.children
    assert len(joined.data.polygons) == 6 * len(spokes)
    assert wheel.animation_data.action is not None


def test_where_too_much_moves_it_stands_still(root: bpy.types.Object) -> None:
    for obj in crowd(root, OBJECTS_MOST + 1):
        obj.keyframe_insert("location", frame=1)
    before = looks(root)
    assert join_many(root) == [
        "The 301 objects that move were stopped: so many would hold Blender up.",
        "The 301 objects were joined into 3, one for each material.",
    ]
    assert looks(root) == before


def test_each_with_another_material_becomes_one_with_all_of_them(root: bpy.types.Object) -> None:
    for n in range(OBJECTS_MOST + 1):
        added("Cube", cube(f"Material {n}"), root, at=(3.0 * n, 0, 0))
    before = looks(root)
    assert join_many(root) == ["The 301 objects were joined into 1."]
    assert looks(root) == before


def test_empties_that_hold_nothing_go_without_a_word(root: bpy.types.Object) -> None:
    arm = added("Arm", None, root, at=(1, 0, 0))
    kept = [added("Cube", cube("Red"), arm), added("Cube", cube("Red"), root)]
    for n in range(OBJECTS_MOST):
        added(f"Empty {n}", None, arm)
    assert join_many(root) == []
    assert set(root.children_recursive) == {arm, *kept}


def test_what_stays_too_much_is_refused(root: bpy.types.Object) -> None:
    for n in range(joining.APART_MOST + 1):
        added("Skin", cube(), root, at=(3.0 * n, 0, 0)).modifiers.new("Skeleton", "ARMATURE")
    with pytest.raises(GlbError, match="1,001 parts that cannot be joined"):
        join_many(root)


def test_a_converted_model_of_many_objects_tells_its_faces_and_arrives(tmp_path: Path) -> None:
    """Read by the importer, joined, with quads where they are asked for, written, appended."""
    document, binary = parted(cube_glb(textured=False))
    primitive = {"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3}
    nodes = [{"mesh": n % 2, "translation": [3 * n, 0, 0], "scale": [1, 1, 1 - 2 * (n % 2)]} for n in range(400)]
    document |= {"meshes": [{"primitives": [{**primitive, "material": n}]} for n in (0, 1)]}
    document |= {"materials": [{"name": name, "pbrMetallicRoughness": {"metallicFactor": 0}} for name in "AB"]}
    document |= {"nodes": nodes, "scenes": [{"nodes": list(range(400))}], "scene": 0}
    (tmp_path / "model.glb").write_bytes(assembled(document, binary))
    request = {"glb": str(tmp_path / "model.glb"), "name": "Star", "quads": True}
    request |= {"blend": str(tmp_path / "result.blend"), "thumbnail": str(tmp_path / "thumbnail.png")}
    facts = program.convert(request, Report(tmp_path / "report.jsonl"))
    assert facts["faces"] == facts["quads"] == 2400
    assert facts["note"].endswith("The 400 objects were joined into 2, one for each material.")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(tmp_path / "result.blend"), link=False) as (there, here):
        here.collections = there.collections
    objects = here.collections[0].all_objects
    assert sorted(obj.name for obj in objects) == ["A", "B", "Star"]
    assert len(bpy.data.meshes) == 2
    bpy.context.scene.collection.children.link(here.collections[0])
    for obj in objects:
        if obj.type == "MESH":
            points = np.array([vertex.co for vertex in obj.data.vertices])
            assert len(obj.data.polygons) == 1200
            assert all((face.center - near(points, face.center)).dot(face.normal) > 0 for face in obj.data.polygons)


def near(points: np.ndarray, place: Vector) -> Vector:
    """The middle of the cube that a place is on: cubes stand 3 apart, from 0 at the first."""
    low = points[:, 0].min()
    number = round((place.x - low - 1) / 3)
    return Vector((low + 1 + 3 * number, 0.0, (points[:, 2].min() + points[:, 2].max()) / 2))
