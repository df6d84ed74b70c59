# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every kind, good and bad: each becomes a right model, or one sentence that says what to do."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from model_checks import Model, least_area, open_edges, overlap, read_model
from numpy.typing import NDArray
from once import once

from image_to_3d.api.headers import size_of
from image_to_3d.headless import cutout as cutout_module
from image_to_3d.headless.cutout import cut_out
from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.report import Report
from image_to_3d.headless.sculpt import SculptError, run, sculpt

PICTURES = Path(__file__).resolve().parent.parent / "pictures"
PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "pbr",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "low_poly",
}


def write_png(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Path:
    """Write (h, w, c) of 8 or 16 bits as a PNG, with no help from the code under test."""
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b"")):
        data += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    path.write_bytes(data)
    return path


def save(path: Path, pixels: NDArray[np.float32], kind: str, quality: int = 90) -> Path:
    """Write (h, w, 4) values through Blender, as `JPEG`, `WEBP` or `OPEN_EXR`."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new("picture", width, height, alpha=True, float_buffer=kind == "OPEN_EXR")
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).ravel())
    image.file_format = kind
    image.save(filepath=str(path), quality=quality)
    bpy.data.images.remove(image)
    return path


def disc(size: int = 128, radius: float = 0.35) -> NDArray[np.float32]:
    """How much of each pixel a disc in the middle covers, nearly."""
    y, x = np.mgrid[0:size, 0:size] + 0.5 - size / 2
    return np.clip(radius * size - np.hypot(x, y) + 0.5, 0, 1).astype(np.float32)


def coloured(matte: NDArray[np.float32], colour: tuple[int, int, int] = (200, 60, 30)) -> NDArray[np.uint8]:
    """A shape of one colour on nothing."""
    pixels = np.zeros((*matte.shape, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3] = np.round(matte * 255)
    return pixels


def model_of(path: Path, folder: Path, **choices: Any) -> tuple[Model, dict[str, Any]]:
    """Sculpt, and check what holds for every model."""
    output = folder / "model.glb"
    facts = sculpt(path, PARAMETERS | choices, output, "Model", Report(folder / "report.jsonl"))
    model = read_model(output)
    assert open_edges(model) == 0
    assert least_area(model) > 0
    return model, facts


def refusal(path: Path, folder: Path, **changes: str) -> str:
    """The sentence that a bad picture gets; nothing is written, and it is one sentence for a person."""
    request = {"picture": str(path), "output": str(folder / "model.glb"), "name": "Model", "parameters": PARAMETERS}
    assert run(request | changes, Report(folder / "report.jsonl")) == 1
    assert not (folder / "model.glb").exists()
    last = (folder / "report.jsonl").read_text().splitlines()[-1]
    sentence = json.loads(last)["error"]
    assert "fault in the sculptor" not in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def test_bad_files(tmp_path: Path) -> None:
    text = tmp_path / "text.png"
    text.write_text("this is no picture")
    assert "is not a picture" in refusal(text, tmp_path)
    nothing = tmp_path / "nothing.png"
    nothing.write_bytes(b"")
    assert "empty" in refusal(nothing, tmp_path)
    assert "cannot be opened" in refusal(tmp_path / "missing.png", tmp_path)
    assert refusal(tmp_path, tmp_path)
    clear = write_png(tmp_path / "clear.png", coloured(np.zeros((40, 40), np.float32)))
    assert "transparent" in refusal(clear, tmp_path)


def test_a_refusal_calls_the_picture_as_the_user_does(tmp_path: Path) -> None:
    copy = tmp_path / "picture"
    copy.write_bytes(b"<!DOCTYPE html><html></html>")
    assert refusal(copy, tmp_path, called="My Fox.jpg").startswith("My Fox.jpg is a web page, not a picture")


@pytest.mark.parametrize("kept", [20, 40, 300, 4000])
def test_a_truncated_png_is_refused_or_shaped(tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes((PICTURES / "seal.png").read_bytes()[:kept])
    try:
        model_of(cut, tmp_path)
    except SculptError as error:
        assert str(error).endswith(".")


def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 6, 0, 0, 0)
    huge = tmp_path / "huge.png"
    huge.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    assert "20000 x 20000" in refusal(huge, tmp_path)


def test_a_very_wide_picture_becomes_a_strip(tmp_path: Path) -> None:
    wide = np.full((30, 20_000, 3), 90, np.uint8)
    model, facts = model_of(write_png(tmp_path / "wide.png", wide), tmp_path)
    assert facts["shape_from"] == "rectangle"
    assert model.size[0] / model.size[2] == pytest.approx(20_000 / 30, rel=0.05)


@once
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (3, 3), (2000, 2)])
@pytest.mark.parametrize("resolution", ["low_poly", "high_poly"])
def test_tiny_and_thin_pictures(tmp_path: Path, shape: tuple[int, int], resolution: str) -> None:
    pixels = np.full((*shape, 3), 120, np.uint8)
    model, facts = model_of(write_png(tmp_path / "tiny.png", pixels), tmp_path, resolution=resolution)
    assert facts["shape_from"] == "rectangle"
    assert model.size[0] / model.size[2] == pytest.approx(shape[1] / shape[0], rel=0.02)


def test_one_opaque_pixel(tmp_path: Path) -> None:
    pixels = coloured(np.zeros((64, 64), np.float32))
    pixels[30, 30, 3] = 255
    try:
        model_of(write_png(tmp_path / "dot.png", pixels), tmp_path)
    except SculptError as error:
        assert str(error).endswith(".")


def strokes(size: int, width: float, number: int, waves: int) -> NDArray[np.uint8]:
    """A drawing of closed, wavy lines so many pixels wide, always the same."""
    random = np.random.default_rng(3)
    away = np.full((size, size), 9.0)
    turn = np.linspace(0, 2 * np.pi, 40 * size)
    for _ in range(number):
        radius = 0.27 * size * np.ones_like(turn)
        for wave in range(1, waves):
            radius += size * random.normal(0, 0.05) * np.cos(wave * turn + random.uniform(0, 6))
        x, y = size / 2 + radius * np.cos(turn), size / 2 + radius * np.sin(turn)
        for row, column in ((row, column) for row in range(-2, 3) for column in range(-2, 3)):
            down, right = np.floor(y).astype(int) + row, np.floor(x).astype(int) + column
            kept = (down >= 0) & (down < size) & (right >= 0) & (right < size)
            distance = np.hypot(down + 0.5 - y, right + 0.5 - x)
            np.minimum.at(away, (down[kept], right[kept]), distance[kept])
    return coloured(np.clip(width / 2 + 0.5 - away, 0, min(1, width)).astype(np.float32))


def hard_picture(kind: str) -> NDArray[np.uint8]:
    """Shapes that cells of any one size follow badly."""
    if kind == "outline":
        return strokes(512, 0.7, 1, 6)
    if kind == "hairs":
        return strokes(512, 0.7, 12, 12)
    matte = np.zeros({"dot": (4096, 4096), "icon": (32, 32), "corner": (1024, 1024)}.get(kind, (512, 512)), np.float32)
    if kind == "dot":
        matte[1000:1005, 3000:3005] = 1
    elif kind == "icon":
        matte = disc(32)
    elif kind == "corner":  # far more cells outside than inside
        matte[5, :] = matte[:, 5] = 1
    elif kind == "hatching":
        matte[::4] = matte[:, ::4] = 1
    else:
        matte[::2, ::2] = matte[1::2, 1::2] = 1
    return coloured(matte)


@once
@pytest.mark.parametrize("kind", ["outline", "hairs", "dot", "icon", "corner", "hatching", "chequers"])
def test_the_number_of_faces_keeps_its_bounds(tmp_path: Path, kind: str) -> None:
    path = write_png(tmp_path / "hard.png", hard_picture(kind))
    quads_where = "high_poly" if kind in ("dot", "icon", "corner") else "low_poly"
    for topology, resolution in (("quads", quads_where), ("tris", "low_poly"), ("tris", "high_poly")):
        choices = {"topology": topology, "resolution": resolution, "texture_model": "none"}
        model, facts = model_of(path, tmp_path, **choices)
        least, most = (100, 5_000) if resolution == "low_poly" else (50_000, 200_000)
        assert least <= facts["faces"] <= most
        assert facts["faces"] <= len(model.triangles) <= 2 * facts["faces"]
        if kind == "dot":  # reading a large picture takes its time
            break


@pytest.mark.parametrize("alpha", [255, 90])
def test_sixteen_bits_grey_and_translucent(tmp_path: Path, alpha: int) -> None:
    matte = disc() * (alpha / 255)
    straight = coloured(matte)
    sixteen = straight.astype(np.uint16) * 257
    grey = np.dstack((straight[..., 0], straight[..., 3]))
    for number, pixels in enumerate((straight, sixteen, grey)):
        path = write_png(tmp_path / f"{number}.png", pixels)
        read = read_picture(path)
        assert read.shape == (128, 128, 4)
        assert abs(int(read[64, 64, 0]) - 200) <= 2
        assert abs(int(read[64, 64, 3]) - alpha) <= 2
        cut = cut_out(read)
        assert cut.origin == "alpha"
        assert overlap(cut.matte >= 0.5, disc() >= 0.5) > 0.99


def test_a_float_picture_is_linear(tmp_path: Path) -> None:
    path = tmp_path / "float.hdr"
    half = bytes([128, 0, 0, 128])  # Radiance: mantissas and a common exponent; 128 / 256 * 2 ** (128 - 128)
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 20 +X 4\n" + half * 80)
    read = read_picture(path)
    assert read.shape == (20, 4, 4)
    assert abs(int(read[9, 2, 0]) - 188) <= 2  # linear 0.5 is 188 in sRGB


def test_a_float_picture_is_premultiplied(tmp_path: Path) -> None:
    white = np.ones((128, 128, 4), np.float32) * (disc() * np.float32(0.5))[..., None]
    read = read_picture(save(tmp_path / "float.exr", white, "OPEN_EXR"))
    assert read[64, 64, 0] > 240  # half covered white is white
    assert abs(int(read[64, 64, 3]) - 128) <= 2
    assert cut_out(read).origin == "alpha"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_set_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((48, 96, 3), np.uint8)
    upright[:24, :48] = (255, 0, 0)
    upright[:24, 48:] = (0, 255, 0)
    upright[24:, :48] = (0, 0, 255)
    # How a camera stores the picture so that the orientation, by the EXIF standard's table, brings it back.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    pixels = np.ones((*stored.shape[:2], 4), np.float32)
    pixels[..., :3] = stored / 255
    path = save(tmp_path / "turned.jpg", pixels, "JPEG", 95)
    tiff = b"MM\0\x2a\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    read = read_picture(path)
    assert read.shape[:2] == (48, 96)
    assert np.abs(read[..., :3].astype(int) - upright).mean() < 12


def test_sizes_are_read_from_headers(tmp_path: Path) -> None:
    pixels = np.ones((20, 30, 4), np.float32)
    assert size_of(save(tmp_path / "a.jpg", pixels, "JPEG")) == (30, 20)
    assert size_of(save(tmp_path / "a.webp", pixels, "WEBP")) == (30, 20)
    assert size_of(write_png(tmp_path / "a.png", np.ones((20, 30, 3), np.uint8))) == (30, 20)
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    assert size_of(tmp_path / "a.gif") is None


def test_webp_is_read(tmp_path: Path) -> None:
    pixels = np.zeros((128, 128, 4), np.float32)
    pixels[..., 1] = 1
    pixels[..., 3] = disc()
    read = read_picture(save(tmp_path / "a.webp", pixels, "WEBP", 100))
    assert overlap(cut_out(read).matte >= 0.5, disc() >= 0.5) > 0.98


def test_soft_shadows_stay_outside() -> None:
    figure, shadow = disc(256), np.roll(disc(256, 0.3), 60, axis=1)
    shadow = np.clip(shadow, 0, 1) * 0.4
    pixels = coloured(np.maximum(figure, shadow))
    assert overlap(cut_out(pixels).matte >= 0.5, figure >= 0.5) > 0.99


def backdrop(size: int, shade: float, base: float = 0.85) -> NDArray[np.float32]:
    """A gently shaded studio background with a little noise, always the same."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
    light = base + shade * (0.5 - y) + 0.4 * shade * (x - 0.5) ** 2
    noise = np.random.default_rng(7).normal(0, 0.006, (size, size, 3))
    return (light[..., None] * [1, 0.98, 0.95] + noise).astype(np.float32)


@once
@pytest.mark.parametrize("shade", [0.0, 0.15])
@pytest.mark.parametrize("name", ["elephant", "mushroom", "shamrock", "bear"])
def test_a_figure_before_a_plain_background(tmp_path: Path, name: str, shade: float) -> None:
    figure = read_picture(PICTURES / f"{name}.png")
    size = max(figure.shape[:2]) + 80
    top, left = (size - figure.shape[0]) // 2, (size - figure.shape[1]) // 2
    area = np.s_[top : top + figure.shape[0], left : left + figure.shape[1]]
    scene, truth = backdrop(size, shade), np.zeros((size, size), np.bool_)
    share = figure[..., 3:] / np.float32(255)
    scene[area] = scene[area] * (1 - share) + figure[..., :3] / np.float32(255) * share
    truth[area] = share[..., 0] >= 0.5
    photo = np.dstack((np.clip(scene, 0, 1), np.ones((size, size), np.float32)))
    cut = cut_out(read_picture(save(tmp_path / "photo.jpg", photo, "JPEG", 88)))
    assert cut.origin == "background"
    assert overlap(cut.matte >= 0.5, truth) > 0.97
    assert cut.note


def test_a_contact_shadow_is_background() -> None:
    size = 384
    scene = backdrop(size, 0.1)
    y, x = np.mgrid[0:size, 0:size]
    blob = np.exp(-(((x - 192) / 110) ** 2 + ((y - 300) / 30) ** 2))
    scene *= (1 - 0.3 * blob[..., None]).astype(np.float32)
    figure = np.zeros((size, size), np.float32)
    figure[90:300, 130:254] = 1
    scene[figure > 0] = (0.2, 0.4, 0.7)
    pixels = np.round(np.clip(np.dstack((scene, np.ones((size, size)))), 0, 1) * 255).astype(np.uint8)
    assert overlap(cut_out(pixels).matte >= 0.5, figure > 0) > 0.96


def test_white_on_white() -> None:
    size = 256
    scene = np.full((size, size, 3), 0.98, np.float32)
    figure = disc(size)
    y = np.mgrid[0:size, 0:size][0] / size
    scene -= (figure * (0.06 + 0.08 * y))[..., None].astype(np.float32)
    pixels = np.round(np.dstack((scene, np.ones((size, size)))) * 255).astype(np.uint8)
    cut = cut_out(pixels)
    assert cut.origin == "background"
    assert overlap(cut.matte >= 0.5, figure >= 0.5) > 0.95


def test_small_enclosed_background_is_no_hole_but_a_handle_is() -> None:
    size = 256
    mug = np.zeros((size, size), np.bool_)
    mug[60:200, 40:160] = True
    mug[90:170, 160:220] = True
    eye, handle = np.zeros_like(mug), np.zeros_like(mug)
    eye[80:88, 80:88] = True
    handle[105:155, 170:205] = True
    pixels = np.full((size, size, 4), 255, np.uint8)
    pixels[mug & ~eye & ~handle, :3] = (30, 90, 60)
    matte = cut_out(pixels).matte
    assert matte[84, 84] > 0.5
    assert matte[130, 187] < 0.5


def test_the_user_hears_of_holes() -> None:
    pixels = np.full((256, 256, 4), 255, np.uint8)
    pixels[disc(256) > 0.5, :3] = (30, 90, 60)
    assert "holes" not in cut_out(pixels).note
    pixels[disc(256, 0.2) > 0.5, :3] = 255
    assert "became holes" in cut_out(pixels).note


@pytest.mark.parametrize("name", ["butterflies", "sailing"])
def test_a_drawing_of_many_parts_is_no_clutter(name: str) -> None:
    pixels = read_picture(PICTURES / f"{name}.png")
    share = pixels[..., 3:] / 255
    pixels[..., :3] = np.round(pixels[..., :3] * share + 255 * (1 - share))
    pixels[..., 3] = 255
    assert cut_out(pixels).origin == "background"


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_where_nothing_can_be_told_apart_the_user_hears_so(name: str) -> None:
    cut = cut_out(read_picture(PICTURES / f"{name}.jpg"))
    assert cut.origin == "rectangle"
    assert "relief" in cut.note


def test_the_matte_of_a_big_picture_is_bounded() -> None:
    big = np.zeros((5000, 100, 4), np.uint8)
    big[1000:4000, 20:80] = 255
    assert max(cut_out(big).matte.shape) <= cutout_module.MATTE_SIZE


def test_a_very_large_picture_is_scaled_down(tmp_path: Path) -> None:
    """12,000 x 9,000 pixels. Lines of one pixel become the grey between them, and nothing moves."""
    pixels = np.zeros((9000, 12_000, 1), np.uint8)
    pixels[::2] = 255
    pixels[3000:6000, 2000:4000] = 80
    path = write_png(tmp_path / "large.png", pixels)
    del pixels
    found = read_picture(path, 1200)
    assert found.shape == (900, 1200, 4)
    assert set(found[:299, :, 0].ravel()) <= {127, 128} and (found[301:599, 201:399, :3] == 80).all()
    assert (found[301:599, 401:, 0] > 120).all() and (found[..., 3] == 255).all()


def test_a_very_large_picture_of_sixteen_bits_is_refused_in_a_sentence(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 12_000, 9_000, 16, 6, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    assert refusal(tmp_path / "deep.png", tmp_path) == (
        "The picture is 12000 x 9000 pixels of more than 8 bits a channel, too large to work on: "
        "save it with 8 bits, or scale it down to 4096 pixels or less."
    )
