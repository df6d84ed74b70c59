# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that came without a texture shows its pictures from where they were taken: held on what a ray meets."""

from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import pytest
from drawing import png
from mathutils import Vector
from mathutils.geometry import barycentric_transform
from once import once
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.headless import convert as program
from image_to_3d.headless.report import Report

VIEWS = {  # Blender's own: what is to the right in the view, and where the onlooker is
    "front": (Vector((1, 0, 0)), Vector((0, -1, 0))),
    "back": (Vector((-1, 0, 0)), Vector((0, 1, 0))),
    "left": (Vector((0, -1, 0)), Vector((-1, 0, 0))),
    "right": (Vector((0, 1, 0)), Vector((1, 0, 0))),
}
COLORS = {  # of the left and of the right half of each picture
    "front": ((220, 40, 30), (240, 230, 60)),
    "back": ((30, 60, 200), (60, 200, 220)),
    "left": ((30, 140, 50), (170, 240, 150)),
    "right": ((120, 30, 140), (240, 130, 220)),
}
BLACK = (10, 10, 10)
BACKGROUND = (90, 170, 250)
PAINTED = "The model came without a texture: it is painted with the picture."


class Converted(NamedTuple):
    root: bpy.types.Object
    note: str


def drawn(path: Path, left: tuple[int, ...], right: tuple[int, ...], *, alpha: int = 0) -> str:
    """A picture of a square, black above, in two colors below, off the middle before a plain background."""
    pixels = np.full((120, 200, 4), (*BACKGROUND, alpha), np.uint8)
    pixels[20:100, 30:70] = (*left, 255)
    pixels[20:100, 70:110] = (*right, 255)
    pixels[20:36, 30:110] = (*BLACK, 255)
    path.write_bytes(png(pixels))
    return str(path)


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, str]:
    return {view: drawn(tmp_path / f"{view}.png", *colors) for view, colors in COLORS.items()}


def convert(folder: Path, content: bytes, paint: dict[str, str]) -> Converted:
    """The model in an empty file, as it enters the user's."""
    (folder / "model.glb").write_bytes(content)
    request = {"glb": str(folder / "model.glb"), "name": "Star", "quads": False, "paint": paint}
    request |= {"blend": str(folder / "result.blend"), "thumbnail": str(folder / "thumbnail.png")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "render", lambda path: path.write_bytes(b""))  # which takes most of the time
        facts = program.convert(request, Report(folder / "report.jsonl"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(folder / "result.blend"), link=False) as (there, here):
        here.collections = there.collections
    (collection,) = here.collections
    bpy.context.scene.collection.children.link(collection)
    bpy.context.view_layer.update()
    (root,) = (obj for obj in collection.all_objects if obj.parent is None)
    return Converted(root, facts["note"])


def meshes() -> list[bpy.types.Object]:
    return [obj for obj in bpy.context.scene.objects if obj.type == "MESH"]


def seen(view: str, right: float, up: float) -> tuple[int, ...]:
    """The color that is seen from a side, at shares (0 to 1) of what is seen of the model."""
    corners = [obj.matrix_world @ Vector(corner) for obj in meshes() for corner in obj.bound_box]
    across, towards = VIEWS[view]
    low, high = min(corner @ across for corner in corners), max(corner @ across for corner in corners)
    bottom, top = min(corner.z for corner in corners), max(corner.z for corner in corners)
    start = across * (low + (high - low) * right) + Vector((0, 0, bottom + (top - bottom) * up)) + towards * 100
    graph = bpy.context.evaluated_depsgraph_get()
    is_hit, place, _, face, obj, matrix = bpy.context.scene.ray_cast(graph, start, -towards)
    assert is_hit
    mesh = obj.data
    loops = list(mesh.polygons[face].loop_indices)[:3]
    places = [matrix @ mesh.vertices[mesh.loops[loop].vertex_index].co for loop in loops]
    (layer,) = (layer for layer in mesh.uv_layers if layer.active_render)
    spots = [layer.data[loop].uv.to_3d() for loop in loops]
    u, v, _ = barycentric_transform(place, *places, *spots)
    return texel(image_of(mesh.materials[mesh.polygons[face].material_index]), u, v)


def image_of(material: bpy.types.Material) -> bpy.types.Image:
    (link,) = material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links
    return link.from_node.image


def texel(image: bpy.types.Image, u: float, v: float) -> tuple[int, ...]:
    width, height = image.size
    column, row = min(int(u * width), width - 1), min(int(v * height), height - 1)
    start = (row * width + column) * image.channels
    return tuple(round(value * 255) for value in image.pixels[start : start + 3])


def near(color: tuple[int, ...]) -> Any:
    return pytest.approx(color, abs=3)


def exported(make: Any) -> bytes:
    """A GLB of what `make` adds to an empty file, without materials and texture coordinates."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    make()
    mesh = bpy.context.object.data
    while mesh.uv_layers:
        mesh.uv_layers.remove(mesh.uv_layers[0])
    path = Path(bpy.app.tempdir) / "exported.glb"
    bpy.ops.export_scene.gltf(filepath=str(path), export_materials="NONE")
    return path.read_bytes()


def sphere(roughness: float = 0.0, *, subdivisions: int = 5) -> bytes:
    """A ball of triangles, 1 in radius, whose vertices are off by about `roughness`."""

    def make() -> None:
        bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=subdivisions)
        mesh = bpy.context.object.data
        places = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", places)
        places += np.random.default_rng(4).normal(0, roughness, len(places)).astype(np.float32)
        mesh.vertices.foreach_set("co", places)

    return exported(make)


MODELS = {"a cube": lambda: cube_glb(textured=False), "a sphere": sphere}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_from_each_side_its_own_picture_is_seen_and_not_mirrored(
    tmp_path: Path, pictures: dict[str, str], make: Any
) -> None:
    note = convert(tmp_path, make(), pictures).note
    assert note.endswith("The model came without a texture: it is painted with the pictures.")
    for view, (left, right) in COLORS.items():
        assert seen(view, 0.35, 0.4) == near(left), view
        assert seen(view, 0.65, 0.4) == near(right), view
        assert seen(view, 0.4, 0.9) == near(BLACK), view


def test_without_a_picture_of_it_the_back_mirrors_the_front(tmp_path: Path, pictures: dict[str, str]) -> None:
    converted = convert(tmp_path, sphere(), {"front": pictures["front"]})
    assert converted.note.endswith(PAINTED)
    left, right = COLORS["front"]
    assert seen("front", 0.3, 0.4) == seen("back", 0.7, 0.4) == near(left)
    assert seen("front", 0.7, 0.4) == seen("back", 0.3, 0.4) == near(right)
    assert seen("left", 0.5, 0.4) == near(left) and seen("right", 0.5, 0.4) == near(right)
    assert [material.name for material in converted.root.data.materials] == ["Star"]


def test_a_side_without_a_picture_takes_the_front_s_colors(tmp_path: Path, pictures: dict[str, str]) -> None:
    convert(tmp_path, sphere(), {view: pictures[view] for view in ("front", "left")})
    assert seen("left", 0.35, 0.4) == near(COLORS["left"][0])
    assert seen("right", 0.5, 0.4) == near(COLORS["front"][1])
    assert seen("back", 0.35, 0.4) == near(COLORS["front"][1])


def test_what_looks_up_or_down_takes_the_front_s_colors(tmp_path: Path, pictures: dict[str, str]) -> None:
    mesh = convert(tmp_path, sphere(subdivisions=6), pictures).root.data
    looking = [face for face in mesh.polygons if abs(face.normal.z) > 0.9985]
    assert len(looking) >= 10
    assert {mesh.materials[face.material_index].name for face in looking} == {"Star Front"}


@pytest.mark.parametrize("alpha", [0, 255], ids=["transparent", "plain"])
def test_nothing_of_the_background_gets_onto_the_model(tmp_path: Path, alpha: int) -> None:
    file = drawn(tmp_path / "front.png", *COLORS["front"], alpha=alpha)
    mesh = convert(tmp_path, sphere(), {"front": file}).root.data
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.data.foreach_get("uv", uv)
    assert uv.min() >= 0 and uv.max() <= 1
    (image,) = bpy.data.images
    width, height = image.size
    pixels = np.array(image.pixels, np.float32).reshape(height, width, -1)[..., :3] * 255
    # A texture is read between pixels, too.
    places = uv.reshape(-1, 2) * (width, height)
    for step in (-0.5, 0.5):
        spots = np.clip((places + step).astype(int), 0, (width - 1, height - 1))
        assert np.abs(pixels[spots[:, 1], spots[:, 0]] - BACKGROUND).max(axis=1).min() > 100


def test_the_whole_picture_is_used_where_no_background_can_be_told_apart(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 4)).astype(np.uint8)
    noise[..., 3] = 255
    (tmp_path / "a.png").write_bytes(png(noise))
    convert(tmp_path, cube_glb(textured=False), {"front": str(tmp_path / "a.png")})
    for row, column in ((3, 5), (40, 60), (60, 20)):
        color = tuple(noise[row, column, :3].tolist())
        assert seen("front", (column + 0.5) / 64, 1 - (row + 0.5) / 64) == near(color)


# Several objects


def crowd(*nodes: dict[str, Any], materials: list[dict[str, Any]] | None = None, **mesh: Any) -> bytes:
    """Cubes, two units wide; glTF's Y is Blender's Z."""
    document, binary = parted(cube_glb(textured=False))
    document["nodes"] = [{"mesh": 0, **node} for node in nodes]
    document["scenes"] = [{"nodes": list(range(len(nodes)))}]
    if materials is not None:
        document["materials"] = materials
    document["meshes"][0]["primitives"][0].update(mesh)
    return assembled(document, binary)


def test_the_picture_lies_over_all_objects_together_where_they_stand(tmp_path: Path, pictures: dict[str, str]) -> None:
    """One mesh at three places: turned, mirrored, and as it is."""
    turned = {"translation": [-4, 0, 0], "rotation": [0, 1, 0, 0], "scale": [1, 3, 1]}
    mirrored = {"translation": [4, 0, 0], "scale": [-1, 3, 1]}
    convert(tmp_path, crowd(turned, {"scale": [1, 3, 1]}, mirrored), pictures)
    assert len({obj.data for obj in meshes()}) == 3
    left, right = COLORS["front"]
    for share, color in ((0.05, left), (0.15, left), (0.45, left), (0.55, right), (0.85, right), (0.95, right)):
        assert seen("front", share, 0.5) == near(color), share
        assert seen("front", share, 0.9) == near(BLACK), share
    for view in ("back", "left", "right"):
        assert seen(view, 0.1, 0.5) == near(COLORS[view][0])
        assert seen(view, 0.9, 0.5) == near(COLORS[view][1])


@pytest.mark.parametrize("scale", [0.01, 100])
def test_a_model_of_any_size_is_painted_alike(tmp_path: Path, pictures: dict[str, str], scale: float) -> None:
    convert(tmp_path, crowd({"scale": [scale] * 3}), pictures)
    for view, (left, right) in COLORS.items():
        assert seen(view, 0.3, 0.4) == near(left), view
        assert seen(view, 0.7, 0.4) == near(right), view


# The material, and what stays


def test_a_grey_material_makes_room_for_a_plain_one_that_is_packed(tmp_path: Path, pictures: dict[str, str]) -> None:
    grey = {"name": "Grey", "pbrMetallicRoughness": {"baseColorFactor": [0.22, 0.22, 0.22, 1]}}
    converted = convert(tmp_path, crowd({}, materials=[grey]), pictures)
    assert "Metallic" not in converted.note  # nothing is said of a material that is gone
    assert sorted(material.name for material in bpy.data.materials) == [
        "Star Back",
        "Star Front",
        "Star Left",
        "Star Right",
    ]
    for material in bpy.data.materials:
        assert {node.type for node in material.node_tree.nodes} == {"OUTPUT_MATERIAL", "BSDF_PRINCIPLED", "TEX_IMAGE"}
        principled = material.node_tree.nodes["Principled BSDF"]
        assert principled.inputs["Metallic"].default_value == 0
        assert principled.inputs["Roughness"].default_value == pytest.approx(0.8)
        assert not principled.inputs["Alpha"].links
        image = image_of(material)
        assert image.packed_file and not image.filepath and image.colorspace_settings.name == "sRGB"
        (link,) = principled.inputs["Base Color"].links
        assert link.from_node.label == "Base Color"


def test_painting_moves_no_vertex_and_keeps_the_model_s_own_texture_coordinates(
    tmp_path: Path, pictures: dict[str, str]
) -> None:
    def shape() -> tuple[Any, ...]:
        (obj,) = meshes()
        mesh = obj.data
        own = [tuple(corner.uv) for corner in mesh.uv_layers["UVMap"].data]
        return [tuple(vertex.co) for vertex in mesh.vertices], [tuple(face.vertices) for face in mesh.polygons], own

    convert(tmp_path, cube_glb(textured=False), {})
    before = shape()
    convert(tmp_path, cube_glb(textured=False), pictures)
    assert shape() == before


def test_a_model_with_no_room_for_texture_coordinates_is_painted_too(tmp_path: Path, pictures: dict[str, str]) -> None:
    attributes = {"POSITION": 0, "NORMAL": 1, **{f"TEXCOORD_{number}": 2 for number in range(8)}}
    convert(tmp_path, crowd({}, attributes=attributes), pictures)
    assert seen("front", 0.3, 0.4) == near(COLORS["front"][0])


@once
def test_a_rough_surface_is_not_painted_in_specks(tmp_path: Path, pictures: dict[str, str]) -> None:
    def seams() -> int:
        """How many edges two pictures meet at, by the places of their ends."""
        (obj,) = meshes()
        at: dict[frozenset[tuple[float, ...]], set[int]] = {}
        for face in obj.data.polygons:
            corners = [tuple(obj.data.vertices[number].co) for number in face.vertices]
            for pair in zip(corners, corners[1:] + corners[:1], strict=True):
                at.setdefault(frozenset(pair), set()).add(face.material_index)
        return sum(len(materials) > 1 for materials in at.values())

    convert(tmp_path, sphere(subdivisions=7), pictures)
    smooth = seams()
    convert(tmp_path, sphere(0.002, subdivisions=7), pictures)
    assert 100 < smooth < 1000 and seams() < 2 * smooth


def is_untouched(note: str) -> bool:
    return (
        "painted" not in note
        and "texture" not in note
        and not any(material.name.startswith("Star") for material in bpy.data.materials)
    )


def test_a_model_with_a_texture_keeps_it(tmp_path: Path, pictures: dict[str, str]) -> None:
    converted = convert(tmp_path, cube_glb(), pictures)
    assert is_untouched(converted.note)
    assert len(bpy.data.images) == 1 and len(converted.root.data.uv_layers) == 1


def test_a_texture_on_one_of_the_meshes_is_enough(tmp_path: Path, pictures: dict[str, str]) -> None:
    document, binary = parted(cube_glb())
    document["meshes"].append({"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 3}]})
    document["nodes"].append({"mesh": 1, "translation": [5, 0, 0]})
    document["scenes"][0]["nodes"] = [0, 1]
    assert is_untouched(convert(tmp_path, assembled(document, binary), pictures).note)


def test_colors_at_the_vertices_count_as_a_texture(tmp_path: Path, pictures: dict[str, str]) -> None:
    content = crowd({}, attributes={"POSITION": 0, "NORMAL": 1, "COLOR_0": 1})
    converted = convert(tmp_path, content, pictures)
    assert is_untouched(converted.note) and converted.root.data.color_attributes


@pytest.mark.parametrize("paint", [{}, None, {"back": "front.png"}], ids=["nothing", "absent", "no front"])
def test_where_nothing_is_to_be_painted_with_the_model_stays_as_it_came(tmp_path: Path, paint: Any) -> None:
    assert is_untouched(convert(tmp_path, cube_glb(textured=False), paint).note)


# Pictures that cannot be used


NO_PICTURES = {
    "not there": (None, "The picture cannot be opened (No such file or directory): check its file."),
    "no picture": (b"hello", "The picture is not a picture that can be opened: choose a PNG or JPEG file."),
    "transparent": (
        png(np.zeros((40, 40, 4), np.uint8)),
        "The picture is fully transparent: choose one that shows something.",
    ),
}


@pytest.mark.parametrize(("content", "reason"), NO_PICTURES.values(), ids=NO_PICTURES)
def test_a_picture_that_cannot_be_used_loses_no_model(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "front.png").write_bytes(content)
    converted = convert(tmp_path, cube_glb(textured=False), {"front": str(tmp_path / "front.png")})
    said = "The model came without a texture, and could not be painted with the picture."
    assert f"{said} {reason}" in converted.note
    assert len(converted.root.data.polygons) == 12 and not bpy.data.images


def test_a_side_that_cannot_be_used_is_told_of_and_the_others_are_painted(
    tmp_path: Path, pictures: dict[str, str]
) -> None:
    Path(pictures["left"]).write_bytes(b"hello")
    note = convert(tmp_path, cube_glb(textured=False), pictures).note
    assert "it is painted with the pictures. The picture of the left could not be used." in note
    assert seen("left", 0.5, 0.5) in (near(COLORS["front"][0]), near(COLORS["back"][1]))
    assert seen("right", 0.3, 0.4) == near(COLORS["right"][0])
