# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that come beside a GLB, and what services get wrong inside it: held on the nodes and pixels of the .blend that
is written."""

import json
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from service.textures import assembled, parted
from surfaces import BLUISH, DARK, GLOW, GREY, PACKED, RED, converting, flat, request_for, surface, write_glb

from image_to_3d.headless import convert as program
from image_to_3d.headless.report import Report

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    return converting(tmp_path, monkeypatch)


def test_maps_fill_what_the_material_lacks(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    maps = {"base_color": flat(GLOW), "metallic": flat(DARK), "roughness": flat(GREY), "normal": flat(BLUISH)}
    result = converted(glb, maps)
    assert result.note == "2 faces. Metallic, roughness and normal maps were added."
    result.fed_by("Base Color", RED, "sRGB")  # the GLB's own, not the file
    result.fed_by("Metallic", DARK, "Non-Color")
    assert result.fed_by("Roughness", GREY, "Non-Color").name == "Star Roughness"
    result.fed_by("Normal", BLUISH, "Non-Color", through="NORMAL_MAP")
    assert len(bpy.data.images) == 4
    nodes = result.materials[0].node_tree.nodes
    labels = {node.label for node in nodes if node.type == "TEX_IMAGE"}
    assert labels == {"Base Color", "Metallic", "Roughness", "Normal"}
    assert len({tuple(node.location) for node in nodes}) == len(nodes)


def test_the_blend_knows_no_folder_of_the_maps(converted, tmp_path: Path) -> None:
    converted(write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),)), {"roughness": flat(GREY)})
    assert [image.filepath for image in bpy.data.images] == ["", ""]
    assert str(tmp_path / "maps").encode() not in (tmp_path / "result.blend").read_bytes()


def test_a_packed_map_is_parted(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"metallic_roughness": flat(PACKED)})
    assert result.note == "2 faces. Metallic and roughness maps were added."
    result.fed_by("Metallic", PACKED, "Non-Color", through="SEPARATE_COLOR")
    assert result.fed("Metallic", "SEPARATE_COLOR") == (result.fed("Roughness", "SEPARATE_COLOR")[0], "Blue")
    assert result.fed("Roughness", "SEPARATE_COLOR")[1] == "Green"


def test_a_single_map_goes_before_the_packed_one(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"metallic_roughness": flat(PACKED), "roughness": flat(GREY)})
    result.fed_by("Roughness", GREY, "Non-Color")
    result.fed_by("Metallic", PACKED, "Non-Color", through="SEPARATE_COLOR")


def test_nothing_is_added_to_a_material_that_has_all(converted, tmp_path: Path) -> None:
    material = surface(metallicRoughnessTexture={"index": 1}, metallicFactor=1, normalTexture={"index": 2})
    glb = write_glb(tmp_path / "m.glb", material, images=(flat(RED), flat(PACKED), flat(BLUISH)))
    result = converted(glb, {key: flat(DARK) for key in ("base_color", "metallic", "roughness", "normal")})
    assert result.note == "2 faces"
    assert len(bpy.data.images) == 3
    result.fed_by("Metallic", PACKED, "Non-Color", through="SEPARATE_COLOR")


def test_emission_glows(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"emission": flat(GLOW)})
    assert result.note == "2 faces. The emission map was added."
    result.fed_by("Emission Color", GLOW, "sRGB")
    assert result.value("Emission Strength") == 1


def test_a_model_without_a_material_gets_one(converted, tmp_path: Path) -> None:
    result = converted(
        write_glb(tmp_path / "m.glb", meshes=1), {"base_color": flat(RED), "roughness": flat(GREY), "normal": b""}
    )
    assert result.note == "2 faces. Base color and roughness maps were added. The normal map could not be read."
    result.fed_by("Base Color", RED, "sRGB")
    result.fed_by("Roughness", GREY, "Non-Color")
    assert result.value("Metallic") == 0
    (model,) = result.objects
    assert [slot.material.name for slot in model.material_slots] == ["Star"]


def test_all_objects_of_a_model_without_a_material_get_one(converted, tmp_path: Path) -> None:
    result = converted(write_glb(tmp_path / "m.glb", meshes=2), {"base_color": flat(RED, corner=0)})
    models = [obj for obj in result.objects if obj.type == "MESH"]
    assert [[slot.material.name for slot in model.material_slots] for model in models] == [["Star"], ["Star"]]
    # What is transparent keeps its color: another alpha mode would show it black.
    assert result.fed_by("Base Color", RED, "sRGB").alpha_mode == "CHANNEL_PACKED"


def test_exchanged_maps_are_exchanged_back(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"roughness": flat(BLUISH), "normal": flat(GREY)})
    assert result.note == (
        "2 faces. Roughness and normal maps were added. The service had exchanged the roughness and normal maps."
    )
    assert result.fed_by("Roughness", GREY, "Non-Color").name == "Star Roughness"
    assert result.fed_by("Normal", BLUISH, "Non-Color", through="NORMAL_MAP").name == "Star Normal"


def test_the_exchange_is_seen_when_one_of_the_two_is_wanted(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(normalTexture={"index": 1}), images=(flat(RED), flat(BLUISH)))
    result = converted(glb, {"roughness": flat(BLUISH), "normal": flat(GREY)})
    result.fed_by("Roughness", GREY, "Non-Color")
    assert len(bpy.data.images) == 3


@pytest.mark.parametrize(("roughness", "normal"), [(GREY, BLUISH), (GREY, GREY), (BLUISH, BLUISH), (RED, GREY)])
def test_the_key_is_believed_where_nothing_is_plain(converted, tmp_path: Path, roughness, normal) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"roughness": flat(roughness), "normal": flat(normal)})
    assert "exchanged" not in result.note
    result.fed_by("Roughness", roughness, "Non-Color")
    result.fed_by("Normal", normal, "Non-Color", through="NORMAL_MAP")


@pytest.mark.parametrize("maps", [{"normal": b"<html>"}, {}])
def test_a_normal_map_that_is_called_roughness_is_one_by_itself(converted, tmp_path: Path, maps) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"roughness": flat(BLUISH), **maps})
    told = "2 faces. The normal map was added. The service had exchanged the roughness and normal maps."
    assert result.note == told + (" The roughness map could not be read." if maps else "")
    assert not result.principled.inputs["Roughness"].links
    result.fed_by("Normal", BLUISH, "Non-Color", through="NORMAL_MAP")


def test_a_grey_normal_map_beside_one_that_cannot_be_read_is_left_out(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"roughness": b"<html>", "normal": flat(GREY)})
    assert result.note == (
        "2 faces. The normal map was left out: it looks like another map. The roughness map could not be read."
    )
    assert not result.principled.inputs["Roughness"].links and not result.principled.inputs["Normal"].links
    assert len(bpy.data.images) == 1


def test_a_normal_map_that_is_called_roughness_is_no_roughness_where_the_model_has_a_normal_map(
    converted, tmp_path: Path
) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(normalTexture={"index": 1}), images=(flat(RED), flat(BLUISH)))
    result = converted(glb, {"roughness": flat(BLUISH), "normal": b""})
    assert "added" not in result.note
    assert not result.principled.inputs["Roughness"].links


@pytest.mark.parametrize("content", [b"", b"<html>Access denied</html>", flat(GREY)[:40]])
def test_a_map_that_cannot_be_read_is_left_out(converted, tmp_path: Path, content: bytes) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"roughness": content, "metallic": flat(DARK)})
    assert result.note == "2 faces. The metallic map was added. The roughness map could not be read."
    assert result.value("Roughness") == 1
    assert len(bpy.data.images) == 2


def test_a_map_that_is_not_there_is_left_out(tmp_path: Path, converted) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    request = request_for(glb, tmp_path, None) | {"maps": {"normal": str(tmp_path / "gone.png"), "unknown": "x"}}
    assert program.convert(request, Report(tmp_path / "report.jsonl"))["note"] == (
        "2 faces. The normal map could not be read."
    )


@pytest.mark.parametrize("in_one", [True, False])
def test_faces_without_a_material_get_the_one_that_the_maps_are_in(converted, tmp_path: Path, in_one: bool) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),), meshes=2, in_one=in_one)
    result = converted(glb, {"normal": flat(BLUISH)})
    assert result.note == "6 faces. The normal map was added."
    (material,) = result.materials
    for mesh in {obj.data for obj in result.objects if obj.type == "MESH"}:
        slots = np.empty(len(mesh.polygons), np.int32)
        mesh.polygons.foreach_get("material_index", slots)
        assert {mesh.materials[number] for number in slots} == {material}


def test_a_base_color_is_multiplied_by_the_vertex_colours(converted, tmp_path: Path) -> None:
    material = surface(baseColorTexture=None)
    glb = write_glb(tmp_path / "m.glb", material, colors={0: np.full((4, 3), 0.5)})
    result = converted(glb, {"base_color": flat(RED)})
    assert result.note == "2 faces. The base color map was added."
    product = result.principled.inputs["Base Color"].links[0].from_node
    assert (product.type, product.blend_type, product.inputs[0].default_value) == ("MIX", "MULTIPLY", 1)
    picture, colors = (socket.links[0].from_node for socket in product.inputs[6:8])
    assert (picture.type, colors.type) == ("TEX_IMAGE", "VERTEX_COLOR")
    assert picture.image.colorspace_settings.name == "sRGB"
    assert picture.label == "Base Color"


@pytest.mark.parametrize("materials", [(), (surface(baseColorTexture=None),)])
def test_each_part_shows_the_vertex_colours_that_it_has(converted, tmp_path: Path, materials) -> None:
    """One square with a material where there is any, one with colours but without a material, one with neither."""
    number = len(materials)
    glb = write_glb(tmp_path / "m.glb", *materials, meshes=2, colors={number: np.full((4, 4), 0.5)})
    result = converted(glb, {"base_color": flat(RED), "normal": flat(BLUISH)})
    assert result.note.endswith("faces. Base color and normal maps were added.")
    meshes = {obj.data for obj in result.objects if obj.type == "MESH"}
    assert len(meshes) == number + 2
    for mesh in meshes:
        (material,) = mesh.materials
        kinds = [node.type for node in material.node_tree.nodes]
        assert kinds.count("VERTEX_COLOR") == len(mesh.color_attributes)
        assert kinds.count("TEX_IMAGE") == 2
    assert len(bpy.data.images) == 2


def test_materials_that_differ_in_vertex_colours_alone_are_one(converted, tmp_path: Path) -> None:
    glb = write_glb(
        tmp_path / "m.glb", surface(), surface(name="Other"), images=(flat(RED),), colors={1: np.ones((4, 4))}
    )
    document, binary = parted(glb.read_bytes())
    document["meshes"][1]["primitives"][0]["material"] = 0
    glb.write_bytes(assembled(document, binary))
    result = converted(glb, {"normal": flat(BLUISH)})
    assert result.note == "4 faces. The normal map was added."
    assert len(result.materials) == 2
    for material in result.materials:
        assert [node.type for node in material.node_tree.nodes].count("NORMAL_MAP") == 1


def test_a_material_that_nothing_shows_does_not_count(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), surface(name="Other"), images=(flat(RED),))
    document, binary = parted(glb.read_bytes())
    document["scenes"][0]["nodes"] = [0]
    glb.write_bytes(assembled(document, binary))
    assert converted(glb, {"normal": flat(BLUISH)}).note == "2 faces. The normal map was added."


def test_a_model_of_several_materials_gets_none(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), surface(name="Cloth"), images=(flat(RED),))
    result = converted(glb, {"roughness": flat(GREY)})
    assert result.note == "4 faces. The separate maps were left out: the model has several materials."
    assert len(result.materials) == 2
    assert len(bpy.data.images) == 1


@pytest.mark.parametrize("materials", [(), (surface(baseColorTexture=None),)])
def test_a_model_without_uv_gets_none(converted, tmp_path: Path, materials) -> None:
    glb = write_glb(tmp_path / "m.glb", *materials, uv=False, meshes=0 if materials else 1)
    result = converted(glb, {"base_color": flat(RED)})
    assert result.note == "2 faces. The separate maps were left out: the model has no UV map."
    assert len(result.materials) == len(materials)
    assert not bpy.data.images


def test_blending_an_opaque_texture_is_turned_off(converted, tmp_path: Path) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(alphaMode="BLEND"), images=(flat(RED),)))
    assert result.note == "2 faces. Transparency was turned off: the model is opaque."
    assert result.value("Alpha") == 1
    assert result.materials[0].surface_render_method == "DITHERED"
    result.fed_by("Base Color", RED, "sRGB")


@pytest.mark.parametrize(
    ("material", "corner"),
    [
        (surface(alphaMode="BLEND"), 0),
        (surface(alphaMode="BLEND", baseColorFactor=[1, 1, 1, 0.5]), 255),
        (surface(alphaMode="MASK"), 0),
    ],
)
def test_what_can_be_seen_through_stays_so(converted, tmp_path: Path, material, corner: int) -> None:
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED, corner),)))
    assert result.note == "2 faces"
    assert result.principled.inputs["Alpha"].links
    blended = material["alphaMode"] == "BLEND"
    assert result.materials[0].surface_render_method == ("BLENDED" if blended else "DITHERED")
    assert not [node for node in result.materials[0].node_tree.nodes if node.type == "FRAME"]


@pytest.mark.parametrize("image", [0, 1])  # the same texture, or the same picture embedded twice
def test_a_base_color_that_also_glows_does_not(converted, tmp_path: Path, image: int) -> None:
    material = surface(emissiveTexture={"index": image}, emissiveFactor=[1, 1, 1])
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED), flat(RED))[: image + 1]))
    assert result.note == "2 faces. The glow was turned off: it repeated the base color."
    assert not result.principled.inputs["Emission Color"].links
    assert result.value("Emission Strength") == 0
    result.fed_by("Base Color", RED, "sRGB")
    assert len(bpy.data.images) == 1


@pytest.mark.parametrize(("factor", "picture"), [([1, 1, 1], GLOW), ([0.3, 0.3, 0.3], RED)])
def test_another_glow_stays(converted, tmp_path: Path, factor: list[float], picture) -> None:
    material = surface(emissiveTexture={"index": 1}, emissiveFactor=factor)
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED), flat(picture))))
    result.fed_by("Emission Color", picture, "sRGB")
    assert result.value("Emission Strength") == pytest.approx(factor[0])


def test_metal_by_default_is_none(converted, tmp_path: Path) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(metallicFactor=None), images=(flat(RED),)))
    assert result.note == "2 faces. Metallic was set to 0: the model does not say that it is metal."
    assert result.value("Metallic") == 0


@pytest.mark.parametrize("factor", [1, 0.6])
def test_metal_that_was_meant_stays(converted, tmp_path: Path, factor: float) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(metallicFactor=factor), images=(flat(RED),)))
    assert result.note == "2 faces"
    assert result.value("Metallic") == pytest.approx(factor)


def test_metal_by_default_with_a_map_is_as_the_map_says(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(metallicFactor=None), images=(flat(RED),))
    result = converted(glb, {"metallic": flat(GREY)})
    assert result.note == "2 faces. The metallic map was added."
    result.fed_by("Metallic", GREY, "Non-Color")


def test_only_the_material_that_does_not_say_changes(converted, tmp_path: Path) -> None:
    materials = surface(metallicFactor=None), surface(name="Coin", metallicFactor=1)
    result = converted(write_glb(tmp_path / "m.glb", *materials, images=(flat(RED),)))
    metallic = {
        material.name: node.inputs["Metallic"].default_value
        for material in result.materials
        for node in material.node_tree.nodes
        if node.type == "BSDF_PRINCIPLED"
    }
    assert metallic == {"Skin": 0, "Coin": 1}


def test_an_image_embedded_twice_is_one(converted, tmp_path: Path) -> None:
    materials = surface(), surface(name="Cloth", baseColorTexture={"index": 1}), surface(baseColorTexture={"index": 2})
    result = converted(write_glb(tmp_path / "m.glb", *materials, images=(flat(RED), flat(RED), flat(GREY))))
    assert len(bpy.data.images) == 2
    used = {
        node.image for material in result.materials for node in material.node_tree.nodes if node.type == "TEX_IMAGE"
    }
    assert used == set(bpy.data.images)


def test_an_image_that_nothing_shows_is_not_kept(converted, tmp_path: Path) -> None:
    """The emission's own texture, taken away with the emission, comes before the base color's in the file."""
    material = surface(baseColorTexture={"index": 1}, emissiveTexture={"index": 0}, emissiveFactor=[1, 1, 1])
    material |= {"normalTexture": {"index": 2}}
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED), flat(RED), flat(BLUISH))))
    result.fed_by("Base Color", RED, "sRGB")
    assert len(bpy.data.images) == 2


def test_the_same_bytes_as_color_and_as_data_stay_two(converted, tmp_path: Path) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),)), {"roughness": flat(RED)})
    result.fed_by("Base Color", RED, "sRGB")
    result.fed_by("Roughness", RED, "Non-Color")


def test_an_unlit_material_is_lit(converted, tmp_path: Path) -> None:
    material = surface(metallicFactor=None, extensions={"KHR_materials_unlit": {}})
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),)))
    assert result.note == "2 faces. The unlit material became a Principled BSDF."
    result.fed_by("Base Color", RED, "sRGB")
    assert (result.value("Metallic"), result.value("Roughness"), result.value("Alpha")) == (0, 1, 1)
    kinds = sorted(node.type for node in result.materials[0].node_tree.nodes)
    assert kinds == ["BSDF_PRINCIPLED", "OUTPUT_MATERIAL", "TEX_IMAGE"]


def test_an_unlit_material_keeps_its_color_and_its_holes(converted, tmp_path: Path) -> None:
    unlit = {"extensions": {"KHR_materials_unlit": {}}}
    plain = surface(baseColorTexture=None, baseColorFactor=[1, 0.5, 0.25, 0.5], alphaMode="BLEND", **unlit)
    result = converted(write_glb(tmp_path / "m.glb", plain))
    assert list(result.value("Base Color"))[:3] == pytest.approx([1, 0.5, 0.25])
    assert result.value("Alpha") == pytest.approx(0.5)
    blended = surface(alphaMode="BLEND", **unlit)
    result = converted(write_glb(tmp_path / "m.glb", blended, images=(flat(RED, corner=0),)))
    assert result.fed("Alpha") == (result.fed("Base Color")[0], "Alpha")


def test_many_materials_of_every_kind_are_no_failure(converted, tmp_path: Path) -> None:
    unlit = {"extensions": {"KHR_materials_unlit": {}}}
    materials = surface(), surface(**unlit), surface(alphaMode="MASK", **unlit), {}, surface(alphaMode="BLEND", **unlit)
    result = converted(write_glb(tmp_path / "m.glb", *materials, images=(flat(RED),), meshes=1))
    assert result.note.count("unlit") == 1
    for material in result.materials:
        assert [node.type for node in material.node_tree.nodes].count("BSDF_PRINCIPLED") == 1


@pytest.mark.parametrize("meshes", [0, 1])
def test_the_program_reports_and_blender_warns_of_nothing(tmp_path: Path, meshes: int) -> None:
    materials = () if meshes else (surface(extensions={"KHR_materials_unlit": {}}),)
    glb = write_glb(tmp_path / "m.glb", *materials, images=(flat(RED),), meshes=meshes)
    request = request_for(glb, tmp_path, {"roughness": flat(GREY)}) | {"report": str(tmp_path / "report.jsonl")}
    (tmp_path / "request.json").write_text(json.dumps(request))
    command = [sys.executable, "-I", "-W", "always", str(ROOT / "programs" / "launch.py"), "headless.convert"]
    command.append(str(tmp_path / "request.json"))
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "DeprecationWarning" not in run.stdout + run.stderr
    last = json.loads((tmp_path / "report.jsonl").read_text().splitlines()[-1])
    assert "The roughness map was added." in last["done"]["note"]
    assert (tmp_path / "thumbnail.png").stat().st_size > 1000
