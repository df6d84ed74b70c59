# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images are colours and which are data, and what of a service's materials is put right: held on the .blend."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from service.textures import assembled, parted
from surfaces import BLUISH, GLOW, GREY, PACKED, RED, Result, converting, flat, surface, write_glb

GLOW_NOTE = "The glow was turned off: it repeated the base color."
OPAQUE_NOTE = "Transparency was turned off: the model is opaque."
METALLIC_NOTE = "Metallic was set to 0: the model does not say that it is metal."
WHITE = np.ones((4, 4))


@pytest.fixture
def converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    return converting(tmp_path, monkeypatch)


def texture(number: int) -> dict[str, Any]:
    return {"index": number}


def image_at(node: bpy.types.Node, socket: str) -> bpy.types.Image:
    """The first image that feeds an input, through whatever lies between."""
    waiting = [node.inputs[socket]]
    while waiting:
        for link in waiting.pop(0).links:
            if link.from_node.type == "TEX_IMAGE":
                return link.from_node.image
            waiting += link.from_node.inputs
    raise AssertionError(f"no image feeds {socket}")


def shader_of(material: bpy.types.Material, kind: str = "BSDF_PRINCIPLED") -> bpy.types.Node:
    (node,) = (node for node in material.node_tree.nodes if node.type == kind)
    return node


# Colour or data


EXTENSIONS: list[tuple[str, dict[str, Any], str, str]] = [
    ("sheen", {"sheenColorFactor": [1, 1, 1], "sheenColorTexture": texture(1)}, "Sheen Tint", "sRGB"),
    ("sheen", {"sheenColorFactor": [1, 0.5, 1], "sheenColorTexture": texture(1)}, "Sheen Tint", "sRGB"),
    ("sheen", {"sheenRoughnessFactor": 1, "sheenRoughnessTexture": texture(1)}, "Sheen Roughness", "Non-Color"),
    ("specular", {"specularColorTexture": texture(1)}, "Specular Tint", "sRGB"),
    ("specular", {"specularColorTexture": texture(1), "specularColorFactor": [1, 0.9, 1]}, "Specular Tint", "sRGB"),
    ("specular", {"specularTexture": texture(1)}, "Specular IOR Level", "Non-Color"),
    ("clearcoat", {"clearcoatFactor": 1, "clearcoatTexture": texture(1)}, "Coat Weight", "Non-Color"),
    ("clearcoat", {"clearcoatFactor": 1, "clearcoatRoughnessTexture": texture(1)}, "Coat Roughness", "Non-Color"),
    ("clearcoat", {"clearcoatFactor": 1, "clearcoatNormalTexture": texture(1)}, "Coat Normal", "Non-Color"),
    ("transmission", {"transmissionFactor": 1, "transmissionTexture": texture(1)}, "Transmission Weight", "Non-Color"),
    ("anisotropy", {"anisotropyStrength": 1, "anisotropyTexture": texture(1)}, "Anisotropic", "Non-Color"),
    ("pbrSpecularGlossiness", {"diffuseTexture": texture(1)}, "Base Color", "sRGB"),
    ("pbrSpecularGlossiness", {"specularGlossinessTexture": texture(1)}, "Specular Tint", "sRGB"),
    ("pbrSpecularGlossiness", {"specularGlossinessTexture": texture(1)}, "Roughness", "Non-Color"),
]


@pytest.mark.parametrize(("name", "entry", "socket", "space"), EXTENSIONS)
def test_a_texture_of_an_extension_is_read_as_the_standard_says(
    converted, tmp_path: Path, name: str, entry: dict[str, Any], socket: str, space: str
) -> None:
    extensions = {f"KHR_materials_{name}": entry}
    result = converted(write_glb(tmp_path / "m.glb", surface(extensions=extensions), images=(flat(RED), flat(GLOW))))
    image = image_at(result.principled, socket)
    assert image.colorspace_settings.name == space
    node = next(
        node for node in result.materials[0].node_tree.nodes if node.type == "TEX_IMAGE" and node.image == image
    )
    assert socket in node.label


@pytest.mark.parametrize(
    ("entries", "socket"),
    [
        ({"occlusionTexture": {"index": 1}}, "Occlusion"),
        ({"occlusionTexture": {"index": 1, "strength": 0.5}}, "Occlusion"),
        (
            {"extensions": {"KHR_materials_volume": {"thicknessFactor": 1, "thicknessTexture": {"index": 1}}}},
            "Thickness",
        ),
    ],
)
def test_what_feeds_the_groups_of_the_importer_is_data(converted, tmp_path: Path, entries, socket: str) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(**entries), images=(flat(RED), flat(GREY))))
    image = image_at(shader_of(result.materials[0], "GROUP"), socket)
    assert image.colorspace_settings.name == "Non-Color"
    labels = {node.label for node in result.materials[0].node_tree.nodes if node.type == "TEX_IMAGE"}
    assert labels == {"Base Color", socket}


@pytest.mark.skipif(bpy.app.version < (5, 2), reason="this Blender does not read iridescence")
def test_iridescence_is_data(converted, tmp_path: Path) -> None:
    entry = {"iridescenceFactor": 1, "iridescenceTexture": texture(1), "iridescenceThicknessTexture": texture(2)}
    material = surface(extensions={"KHR_materials_iridescence": entry})
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED), flat(GREY), flat(PACKED))))
    assert image_at(result.principled, "Thin Film Thickness").colorspace_settings.name == "Non-Color"
    group = shader_of(result.materials[0], "GROUP")
    assert image_at(group, "Iridescence Factor").colorspace_settings.name == "Non-Color"


def test_one_image_of_colours_and_of_data_becomes_two_so_that_neither_turns_wrong(converted, tmp_path: Path) -> None:
    material = surface(occlusionTexture=texture(0), normalTexture=texture(0))
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),)))
    color, normal = image_at(result.principled, "Base Color"), image_at(result.principled, "Normal")
    occlusion = image_at(shader_of(result.materials[0], "GROUP"), "Occlusion")
    assert (color.colorspace_settings.name, normal.colorspace_settings.name) == ("sRGB", "Non-Color")
    assert occlusion == normal  # the data have one between them
    assert color.packed_file.data == normal.packed_file.data
    for image in (color, normal):
        assert np.round(np.array(image.pixels[-4:]) * 255).astype(int).tolist() == list(RED)


def test_an_image_of_colours_in_one_material_and_data_in_another_becomes_two(converted, tmp_path: Path) -> None:
    other = surface(name="Other", baseColorTexture=None, normalTexture=texture(0))
    result = converted(write_glb(tmp_path / "m.glb", surface(), other, images=(flat(BLUISH),)))
    first, second = (shader_of(material) for material in sorted(result.materials, key=lambda one: one.name))
    if not first.inputs["Normal"].links:
        first, second = second, first
    assert image_at(second, "Base Color").colorspace_settings.name == "sRGB"
    assert image_at(first, "Normal").colorspace_settings.name == "Non-Color"


def test_colours_and_an_alpha_of_data_share_one_image(converted, tmp_path: Path) -> None:
    entry = {"specularColorTexture": texture(1), "specularTexture": texture(1)}
    material = surface(extensions={"KHR_materials_specular": entry})
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED), flat(GLOW))))
    tint = image_at(result.principled, "Specular Tint")
    assert tint == image_at(result.principled, "Specular IOR Level")
    assert tint.colorspace_settings.name == "sRGB"


# Metal that nothing is said of


def metallic_of(result: Result) -> list[float]:
    return sorted(shader_of(material).inputs["Metallic"].default_value for material in result.materials)


@pytest.mark.parametrize("name", ["Skin", "ü" * 60, "x" * 200, "Material_1", ""])
def test_only_what_is_not_stated_is_mended_whatever_the_materials_are_called(
    converted, tmp_path: Path, name: str
) -> None:
    materials = [surface(name=name, metallicFactor=factor, baseColorTexture=None) for factor in (1, None, 1, None)]
    del materials[1]["name"]  # the importer then makes one up, which may be another's
    result = converted(write_glb(tmp_path / "m.glb", *materials))
    assert result.note == f"8 faces. {METALLIC_NOTE}"
    assert metallic_of(result) == [0, 0, 1, 1]
    objects = sorted((obj for obj in result.objects if obj.type == "MESH"), key=lambda obj: obj.name)
    assert [shader_of(obj.data.materials[0]).inputs["Metallic"].default_value for obj in objects] == [1, 0, 1, 0]


def test_both_of_a_material_that_is_shown_with_and_without_colours_are_mended(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(metallicFactor=None), surface(), images=(flat(RED),), colors={0: WHITE})
    document_wide = converted(share_first_material(glb))
    assert metallic_of(document_wide) == [0, 0]
    assert METALLIC_NOTE in document_wide.note


def share_first_material(glb: Path) -> Path:
    """Have all squares use the first material."""
    document, binary = parted(glb.read_bytes())
    for mesh in document["meshes"]:
        mesh["primitives"][0]["material"] = 0
    glb.write_bytes(assembled(document, binary))
    return glb


def test_the_number_of_a_material_does_not_stay_on_it(converted, tmp_path: Path) -> None:
    material = surface(extras={"part": 7})
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),), colors={0: WHITE}))
    assert [dict(one.items()) for one in result.materials] == [{"part": 7}]


# Glow


def factors(base: list[float] | None = None, emissive: list[float] | None = None, **entries: Any) -> dict[str, Any]:
    entries |= {"baseColorFactor": [*base, 1]} if base else {}
    return surface(emissiveTexture=texture(0), emissiveFactor=emissive or [1, 1, 1], **entries)


def strength(value: float) -> dict[str, Any]:
    return {"extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": value}}}


@pytest.mark.parametrize(
    "material",
    [
        factors([0.99, 0.99, 0.99]),
        factors([0.8, 0.8, 0.8]),
        factors([0.9, 0.8, 0.7], [0.9, 0.8, 0.7]),
        factors(emissive=[0.98, 0.98, 0.98]),
        factors(emissive=[1, 1, 0.97]),
        factors(**strength(1)),
        factors(emissive=[0.2, 0.2, 0.2], **strength(5)),
    ],
)
def test_a_glow_that_repeats_the_base_color_goes_through_factors_too(converted, tmp_path: Path, material) -> None:
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),)))
    assert result.note == f"2 faces. {GLOW_NOTE}"
    assert result.value("Emission Strength") == 0
    assert not result.principled.inputs["Emission Color"].links
    image_at(result.principled, "Base Color")
    assert len([node for node in result.materials[0].node_tree.nodes if node.type == "TEX_IMAGE"]) == 1


def test_a_glow_that_repeats_the_base_color_goes_beside_vertex_colours(converted, tmp_path: Path) -> None:
    result = converted(write_glb(tmp_path / "m.glb", factors(), images=(flat(RED),), colors={0: WHITE}))
    assert result.note == f"2 faces. {GLOW_NOTE}"
    assert result.value("Emission Strength") == 0


@pytest.mark.parametrize(
    "material",
    [
        factors(**strength(5)),
        factors(emissive=[1, 0.9, 0.9], **strength(1.5)),
        factors([0, 0, 0]),  # all there is to see
        factors([0.1, 0.1, 0.1]),
        factors(emissive=[1, 0, 0]),
        factors(emissive=[0.3, 0.3, 0.3]),
    ],
)
def test_a_lamp_stays(converted, tmp_path: Path, material) -> None:
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),)))
    assert result.note == "2 faces"
    image_at(result.principled, "Emission Color")
    assert result.value("Emission Strength") > 0


def test_a_glow_from_another_part_of_the_image_stays(converted, tmp_path: Path) -> None:
    moved = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0]}}}
    material = surface(emissiveTexture=moved, emissiveFactor=[1, 1, 1])
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),)))
    assert result.note == "2 faces"
    image_at(result.principled, "Emission Color")


def test_a_loose_map_that_repeats_the_base_color_does_not_glow(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),))
    result = converted(glb, {"emission": flat(RED)})
    assert GLOW_NOTE in result.note
    assert result.value("Emission Strength") == 0


def test_a_loose_base_color_that_the_model_glows_with_stops_the_glow(converted, tmp_path: Path) -> None:
    material = surface(baseColorTexture=None, emissiveTexture=texture(0), emissiveFactor=[1, 1, 1])
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(RED),)), {"base_color": flat(RED)})
    assert GLOW_NOTE in result.note
    result.fed_by("Base Color", RED, "sRGB")


# Blending


def with_alpha(alpha: float) -> np.ndarray:
    return np.array([[1, 1, 1, 1], [1, 0.5, 1, 1], [1, 1, 1, alpha], [1, 1, 1, 1]])


@pytest.mark.parametrize("images", [(flat(RED),), ()])
@pytest.mark.parametrize("colors", [with_alpha(1), with_alpha(1)[:, :3]])
def test_blending_opaque_vertex_colours_is_turned_off(converted, tmp_path: Path, images, colors) -> None:
    material = surface(alphaMode="BLEND", **({} if images else {"baseColorTexture": None}))
    result = converted(write_glb(tmp_path / "m.glb", material, images=images, colors={0: colors}))
    assert result.note == f"2 faces. {OPAQUE_NOTE}"
    assert result.value("Alpha") == 1
    assert result.materials[0].surface_render_method == "DITHERED"
    kinds = {node.type for node in result.materials[0].node_tree.nodes}
    assert "VERTEX_COLOR" in kinds and "MATH" not in kinds


@pytest.mark.parametrize(
    ("material", "colors", "corner"),
    [
        (surface(alphaMode="BLEND"), with_alpha(0.5), 255),
        (surface(alphaMode="BLEND"), with_alpha(1), 0),
        (surface(alphaMode="BLEND", baseColorFactor=[1, 1, 1, 0.7]), with_alpha(1), 255),
        (surface(alphaMode="BLEND", baseColorTexture=None), with_alpha(0), 255),
    ],
)
def test_what_is_seen_through_by_its_vertices_stays_so(converted, tmp_path: Path, material, colors, corner) -> None:
    images = (flat(RED, corner),) if material["pbrMetallicRoughness"].get("baseColorTexture") else ()
    result = converted(write_glb(tmp_path / "m.glb", material, images=images, colors={0: colors}))
    assert result.note == "2 faces"
    assert result.principled.inputs["Alpha"].links
    assert result.materials[0].surface_render_method == "BLENDED"


def test_one_mesh_that_is_seen_through_keeps_the_material_blended(converted, tmp_path: Path) -> None:
    glb = write_glb(
        tmp_path / "m.glb",
        *[surface(alphaMode="BLEND")] * 2,
        images=(flat(RED),),
        colors={0: with_alpha(1), 1: with_alpha(0.5)},
    )
    (material,) = converted(share_first_material(glb)).materials
    assert material.surface_render_method == "BLENDED"


# Faces without a material


def test_vertex_colours_are_shown_where_there_is_no_material(converted, tmp_path: Path) -> None:
    glb = write_glb(tmp_path / "m.glb", meshes=3, colors={0: WHITE, 1: WHITE})
    result = converted(glb)
    (material,) = result.materials
    assert material.name == "Star"
    assert result.principled.inputs["Base Color"].links[0].from_node.type == "VERTEX_COLOR"
    slots = sorted(len(obj.data.materials) for obj in result.objects if obj.type == "MESH")
    assert slots == [0, 1, 1]


# What an animation changes


def animate(glb: Path, pointer: str, first: list[float], last: list[float]) -> Path:
    """Have a value of the GLB's JSON go from `first` to `last` within a second."""
    document, binary = parted(glb.read_bytes())
    for values, kind in (([0, 1], "SCALAR"), ([*first, *last], {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[len(first)])):
        data = np.array(values, np.float32).tobytes()
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
        place = {"bufferView": len(document["bufferViews"]) - 1, "componentType": 5126, "count": 2, "type": kind}
        document["accessors"].append({**place, **({"min": [0], "max": [1]} if values == [0, 1] else {})})
        binary += data
    document["buffers"] = [{"byteLength": len(binary)}]
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointer}}}
    count = len(document["accessors"])
    document["animations"] = [
        {"samplers": [{"input": count - 2, "output": count - 1}], "channels": [{"sampler": 0, "target": target}]}
    ]
    document["extensionsUsed"].append("KHR_animation_pointer")
    glb.write_bytes(assembled(document, binary))
    return glb


SURFACE = "/materials/0/pbrMetallicRoughness"


@pytest.mark.skipif(bpy.app.version < (4, 4), reason="reads no KHR_animation_pointer")
@pytest.mark.parametrize(
    ("material", "pointer", "first", "last", "socket"),
    [
        (
            {"name": "Skin", "pbrMetallicRoughness": {}, "alphaMode": "BLEND"},
            f"{SURFACE}/baseColorFactor",
            [1, 1, 1, 1],
            [1, 1, 1, 0],
            "Alpha",
        ),
        ({"name": "Skin", "pbrMetallicRoughness": {}}, f"{SURFACE}/metallicFactor", [1], [0], "Metallic"),
        (factors(), "/materials/0/emissiveFactor", [1, 1, 1], [0, 0, 0], "Emission Strength"),
    ],
)
def test_what_an_animation_changes_is_not_repaired(
    converted, tmp_path: Path, material, pointer, first, last, socket
) -> None:
    images = (flat(RED),) if "baseColorTexture" in material["pbrMetallicRoughness"] else ()
    glb = animate(write_glb(tmp_path / "m.glb", material, images=images), pointer, first, last)
    result = converted(glb)
    if socket == "Alpha":
        assert OPAQUE_NOTE not in result.note
        assert result.materials[0].surface_render_method == "BLENDED"
    else:
        assert result.note == "2 faces"
        assert result.value(socket) > 0.9  # at the first frame
    assert len(bpy.data.actions) == 1
