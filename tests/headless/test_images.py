# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that cannot be read, are too large, or are there twice; and how few are decoded. In a real Blender."""

import struct
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from service.textures import assembled, parted
from surfaces import BLUISH, GREY, RED, converting, flat, surface, write_glb

from image_to_3d.headless import images, packed

KTX2 = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100)
OPAQUE_NOTE = "Transparency was turned off: the model is opaque."
RGB, PALETTE, RGBA = 2, 3, 6  # colour types of a PNG


@pytest.fixture
def converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    return converting(tmp_path, monkeypatch)


def png_of(
    width: int, height: int, color_type: int = RGBA, extra: bytes = b"", depth: int = 8, interlaced: int = 0
) -> bytes:
    """A PNG all of whose bytes are 255, or 0 in a palette; `extra` is put before its pixels."""
    samples = {RGB: 3, PALETTE: 1, RGBA: 4}[color_type]
    row = b"\0" + (b"\0" if color_type == PALETTE else b"\xff") * (width * samples * depth // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join([packer.compress(row) for _ in range(height)]) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png_that_says(width: int, height: int, color_type: int = RGBA) -> bytes:
    """A small PNG whose header speaks of many pixels."""
    small = png_of(8, 8, color_type)
    return small[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + small[24:29]) + small[33:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encoded(kind: str, tmp_path: Path, alpha: float = 1.0) -> bytes:
    """A small image as Blender writes it."""
    image = bpy.data.images.new("encoded", 16, 16, alpha=True)
    image.pixels.foreach_set(np.tile(np.array([1, 0.5, 0, alpha], np.float32), 256))
    image.file_format = kind
    image.save(filepath=str(tmp_path / "encoded"))
    bpy.data.images.remove(image)
    return (tmp_path / "encoded").read_bytes()


# What cannot be read


def broken() -> dict[str, bytes]:
    whole = flat(RED)
    noise = np.random.default_rng(1).integers(0, 255, 3000, np.uint8).tobytes()
    rotten = whole[:33] + chunk(b"IDAT", b"no zlib stream at all") + chunk(b"IEND", b"")
    return {
        "ktx2": KTX2,
        "text": b"<html>Access denied</html>",
        "cut in its header": whole[:40],
        "noise": noise,
        "no pixels": whole[:16] + bytes(8) + whole[24:],
        "rotten": rotten,
        "changed": whole[:50] + bytes([whole[50] ^ 0xFF]) + whole[51:],
        "a jpeg's start": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\0" * 50,
    }


@pytest.mark.parametrize("name", list(broken()))
def test_an_image_that_cannot_be_read_leaves_no_node_and_is_told_of(converted, tmp_path: Path, name: str) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(), images=(broken()[name],)))
    assert result.note == "2 faces. 1 image could not be read and was left out: base color."
    assert [node.type for node in result.materials[0].node_tree.nodes].count("TEX_IMAGE") == 0
    assert list(result.value("Base Color")) == [1, 1, 1, 1]
    assert not bpy.data.images


def test_an_image_of_no_bytes_is_told_of(converted, tmp_path: Path) -> None:
    image = write_glb(tmp_path / "m.glb", surface(), images=(flat(RED),), samplers=[{}])
    document, binary = parted(image.read_bytes())
    document["bufferViews"][document["images"][0]["bufferView"]]["byteLength"] = 0
    image.write_bytes(assembled(document, binary))
    result = converted(image)
    assert "could not be read" in result.note


def test_a_texture_whose_only_source_is_unknown_is_told_of_once(converted, tmp_path: Path) -> None:
    textures: list[dict[str, Any]] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    materials = surface(), surface(name="Other"), surface(name="Third")
    glb = write_glb(
        tmp_path / "m.glb",
        *materials,
        images=(KTX2,),
        textures=textures,
        extensionsUsed=["KHR_texture_basisu"],
    )
    result = converted(glb)
    assert result.note == "6 faces. 1 image could not be read and was left out: base color."
    assert all(node.type != "TEX_IMAGE" for one in result.materials for node in one.node_tree.nodes)


def test_what_an_image_fed_gets_its_factor_or_nothing(converted, tmp_path: Path) -> None:
    material = surface(
        baseColorFactor=[0.5, 0.25, 1, 0.5],
        alphaMode="BLEND",
        metallicFactor=1,
        metallicRoughnessTexture={"index": 1},
        normalTexture={"index": 2},
        emissiveTexture={"index": 3},
        emissiveFactor=[1, 0.5, 0],
        occlusionTexture={"index": 1},
    )
    material["pbrMetallicRoughness"]["roughnessFactor"] = 0.75
    material["extensions"] = {
        "KHR_materials_transmission": {"transmissionFactor": 1, "transmissionTexture": {"index": 2}},
        "KHR_materials_sheen": {"sheenColorFactor": [1, 1, 1], "sheenColorTexture": {"index": 2}},
    }
    kinds = list(broken().values())
    result = converted(write_glb(tmp_path / "m.glb", material, images=(kinds[0], kinds[1], kinds[2], kinds[3])))
    assert "4 images could not be read and were left out: base color, emission, metallic, normal" in result.note
    assert list(result.value("Base Color"))[:3] == pytest.approx([0.5, 0.25, 1])
    assert result.value("Alpha") == 0.5
    assert result.value("Metallic") == 0
    assert result.value("Roughness") == 0.75
    assert result.value("Emission Strength") == 0
    assert result.value("Transmission Weight") == 0
    assert result.value("Sheen Weight") == 0
    assert not result.principled.inputs["Normal"].links
    left = {node.type for node in result.materials[0].node_tree.nodes}
    assert left <= {"BSDF_PRINCIPLED", "OUTPUT_MATERIAL", "GROUP"}
    assert result.materials[0].surface_render_method == "BLENDED"


def test_vertex_colours_and_other_images_stay_where_one_cannot_be_read(converted, tmp_path: Path) -> None:
    material = surface(normalTexture={"index": 1}, baseColorFactor=[0.5, 0.5, 0.5, 1])
    glb = write_glb(tmp_path / "m.glb", material, images=(KTX2, flat(BLUISH)), colors={0: np.full((4, 4), 0.5)})
    result = converted(glb)
    assert result.note == "2 faces. 1 image could not be read and was left out: base color."
    result.fed_by("Normal", BLUISH, "Non-Color", through="NORMAL_MAP")
    assert "VERTEX_COLOR" in {node.type for node in result.materials[0].node_tree.nodes}


def test_a_loose_map_takes_the_place_of_what_cannot_be_read(converted, tmp_path: Path) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(), images=(KTX2,)), {"base_color": flat(RED)})
    result.fed_by("Base Color", RED, "sRGB")
    assert "The base color map was added." in result.note and "could not be read" in result.note


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_can_be_read_stays(converted, tmp_path: Path, kind: str) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(), images=(encoded(kind, tmp_path),)))
    assert result.note == "2 faces"
    assert result.fed("Base Color")[0].size[0] == 16


# What is too large


def test_an_image_too_large_to_be_decoded_is_left_out(converted, tmp_path: Path) -> None:
    bomb = png_that_says(60_000, 20_000)
    result = converted(write_glb(tmp_path / "m.glb", surface(alphaMode="BLEND"), images=(bomb,)))
    assert result.note == (
        f"2 faces. Images that need more memory than a model may take were left out: base color. {OPAQUE_NOTE}"
    )
    assert not bpy.data.images


def test_an_image_above_the_limit_is_scaled_down_and_keeps_its_shape(converted, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(images, "MOST_PIXELS", 64 * 64)  # the true limit takes half a minute
    monkeypatch.setattr(images, "SIDES_PX", (32, 16))
    result = converted(write_glb(tmp_path / "m.glb", surface(), images=(png_of(400, 67, RGB),)))
    assert result.note == "2 faces. Images of more than 16384 x 16384 pixels were scaled down: base color."
    image, _ = result.fed("Base Color")
    width, height = image.size
    assert (width, height) == (32, 5)
    assert np.round(np.array(image.pixels[:3]) * 255).astype(int).tolist() == [255, 255, 255]


def test_an_image_at_the_limit_is_left_as_it_is_and_not_decoded(converted, tmp_path: Path) -> None:
    """It would not be read: its pixels are missing."""
    content = png_that_says(16384, 16384, PALETTE)
    result = converted(write_glb(tmp_path / "m.glb", surface(), images=(content,)))
    assert result.note == "2 faces"
    assert [image.packed_file.data for image in bpy.data.images] == [content]


# What the bytes tell


@pytest.mark.parametrize(
    ("content", "may_be_transparent", "decoded_bytes"),
    [
        (png_of(4, 4), True, 64),
        (png_of(4, 4, RGB), False, 64),
        (png_of(4, 4, RGB, chunk(b"tRNS", bytes(6))), True, 64),
        (png_of(4, 4, PALETTE, chunk(b"PLTE", bytes(3))), False, 64),
        (png_of(4, 4, PALETTE, chunk(b"PLTE", bytes(3)) + chunk(b"tRNS", b"\0")), True, 64),
        (png_of(4, 4, depth=16), True, 256),
    ],
)
def test_a_png_tells_whether_it_may_be_transparent(content, may_be_transparent, decoded_bytes) -> None:
    told = packed.told_by(content)
    assert (told.width, told.height, packed.is_whole(content)) == (4, 4, True)
    assert (told.may_be_transparent, told.decoded_bytes) == (may_be_transparent, decoded_bytes)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_what_blender_writes_is_told_to_be_whole(tmp_path: Path, kind: str) -> None:
    content = encoded(kind, tmp_path)
    told = packed.told_by(content)
    assert (told.width, told.height, packed.is_whole(content)) == (16, 16, True)
    assert not packed.is_whole(content[: len(content) // 2])
    if kind == "JPEG":
        assert not told.may_be_transparent


def test_a_webp_that_can_be_seen_through_may_be_transparent(tmp_path: Path) -> None:
    assert packed.told_by(encoded("WEBP", tmp_path, alpha=0.5)).may_be_transparent


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_no_beginning_of_a_file_is_too_short_to_be_looked_at(tmp_path: Path, length: int) -> None:
    for content in (png_of(4, 4), encoded("JPEG", tmp_path), encoded("WEBP", tmp_path)):
        assert not packed.is_whole(content[:length])


# Blending by the bytes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_blending_is_turned_off_for_images_without_alpha(converted, tmp_path: Path, kind: str) -> None:
    result = converted(write_glb(tmp_path / "m.glb", surface(alphaMode="BLEND"), images=(encoded(kind, tmp_path),)))
    assert result.note == f"2 faces. {OPAQUE_NOTE}"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_blending_stays_for_images_that_can_be_seen_through(converted, tmp_path: Path, kind: str) -> None:
    content = encoded(kind, tmp_path, alpha=0.5)
    result = converted(write_glb(tmp_path / "m.glb", surface(alphaMode="BLEND"), images=(content,)))
    assert result.note == "2 faces"


def test_a_palette_with_a_hole_stays_blended(converted, tmp_path: Path) -> None:
    content = png_of(8, 8, PALETTE, chunk(b"PLTE", b"\xff\0\0") + chunk(b"tRNS", b"\0"))
    result = converted(write_glb(tmp_path / "m.glb", surface(alphaMode="BLEND"), images=(content,)))
    assert result.note == "2 faces"
    assert result.materials[0].surface_render_method == "BLENDED"


# What is there twice


def test_of_many_images_of_the_same_bytes_one_stays(converted, tmp_path: Path) -> None:
    materials = [surface(name=f"M{number}", baseColorTexture={"index": number}) for number in range(40)]
    pictures = tuple(flat((number // 2, 3, 3, 255)) for number in range(40))
    result = converted(write_glb(tmp_path / "m.glb", *materials, images=pictures))
    assert result.note == "80 faces"
    assert len(bpy.data.images) == 20
    for material in result.materials:
        number = int(material.name[1:])
        (node,) = (node for node in material.node_tree.nodes if node.type == "TEX_IMAGE")
        assert round(node.image.pixels[0] * 255) == number // 2


def test_the_same_bytes_in_two_colour_spaces_stay_two(converted, tmp_path: Path) -> None:
    material = surface(metallicRoughnessTexture={"index": 1}, metallicFactor=1, occlusionTexture={"index": 2})
    result = converted(write_glb(tmp_path / "m.glb", material, images=(flat(GREY), flat(GREY), flat(GREY))))
    assert sorted(image.colorspace_settings.name for image in bpy.data.images) == ["Non-Color", "sRGB"]
    assert result.fed("Metallic", "SEPARATE_COLOR")[0].colorspace_settings.name == "Non-Color"
