# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every kind become PNG or JPEG files of the size asked for: held on the written files' own bytes and
pixels."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from drawing import read_png
from numpy.typing import NDArray

from image_to_3d.api.headers import size_of
from image_to_3d.headless import fit as program
from image_to_3d.headless.report import Report

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "tests" / "pictures"

GIF = bytes.fromhex(  # 2 x 2: red, nothing / nothing, red
    "474946383961 0200020080 0000 ff0000 000000 21f904010a000100 2c000000000200020000 0203440205 003b"
)


def fitted(picture: Path, limit_px: int) -> tuple[Path, NDArray[np.uint8], dict[str, Any]]:
    """The file made of a picture, its pixels (h, w, channels) and the facts."""
    stem = picture.parent / "fitted.v1"
    facts = program.fit(picture, limit_px, str(stem), Report(picture.parent / "report.jsonl"))
    file = Path(facts["file"])
    assert sorted(picture.parent.glob("*fitted*")) == [file]  # nothing half written beside it
    assert file.name in ("fitted.v1.png", "fitted.v1.jpg")
    assert size_of(file) == (facts["width"], facts["height"])
    return file, pixels_of(file), facts


def pixels_of(file: Path) -> NDArray[np.uint8]:
    """A PNG's pixels read without Blender; a JPEG's through it."""
    data = file.read_bytes()
    if data.startswith(b"\xff\xd8"):
        image = bpy.data.images.load(str(file))
        values = np.array(image.pixels, np.float32).reshape(image.size[1], image.size[0], 4)[::-1]
        bpy.data.images.remove(image)
        return np.round(values[..., :3] * 255).astype(np.uint8)
    return read_png(data)


def write_png(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Path:
    """Write (h, w, 1 to 4) of 8 or 16 bits as a PNG."""
    height, width, channels = pixels.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, kind, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 1)
    for name, chunk in ((b"IHDR", header), (b"IDAT", content), (b"IEND", b"")):
        data += struct.pack(">I", len(chunk)) + name + chunk + struct.pack(">I", zlib.crc32(name + chunk))
    path.write_bytes(data)
    return path


def save(path: Path, pixels: NDArray[np.float32], kind: str) -> Path:
    """Write (h, w, 4) through Blender: straight sRGB values for byte formats, linear premultiplied ones for float
    formats."""
    height, width = pixels.shape[:2]
    opaque = bool((pixels[..., 3] == 1).all())
    image = bpy.data.images.new("picture", width, height, alpha=not opaque, float_buffer=kind in ("OPEN_EXR", "HDR"))
    if image.is_float:
        image.colorspace_settings.name = (
            "Non-Color"  # the values go to the file as they are; first, as it empties the image
        )
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).ravel())
    image.file_format = kind
    image.save(filepath=str(path), quality=100)
    bpy.data.images.remove(image)
    return path


def slopes(height: int = 24, width: int = 40, alpha: bool = False) -> NDArray[np.uint8]:
    """Every channel tells where its pixel is; with `alpha`, three quarters are not opaque."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack((x * 5, y * 9, x + y, np.full_like(x, 255)), axis=2).astype(np.uint8)
    if alpha:
        pixels[: height // 2, :, 3] = 0
        pixels[height // 2 :, : width // 2, 3] = 128
    return pixels


def test_a_png_that_fits_keeps_its_pixels(tmp_path: Path) -> None:
    _, pixels, facts = fitted(write_png(tmp_path / "a.png", slopes(alpha=True)), 40)
    assert np.array_equal(pixels, slopes(alpha=True))
    assert (facts["width"], facts["height"]) == (40, 24)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "BMP", "TARGA"])
def test_other_formats_become_the_png_of_the_same_colors(tmp_path: Path, kind: str) -> None:
    file, pixels, _ = fitted(save(tmp_path / "a.picture", slopes() / np.float32(255), kind), 512)
    assert file.suffix == ".png"
    assert pixels.shape == (24, 40, 3)  # the opaque alpha is not written
    assert np.abs(pixels.astype(int) - slopes()[..., :3]).max() <= (10 if kind == "WEBP" else 1)


@pytest.mark.parametrize("kind", ["TIFF", "TARGA", "WEBP"])
def test_alpha_that_is_used_is_kept(tmp_path: Path, kind: str) -> None:
    _, pixels, _ = fitted(save(tmp_path / "a.picture", slopes(alpha=True) / np.float32(255), kind), 512)
    assert np.abs(pixels[..., 3].astype(int) - slopes(alpha=True)[..., 3]).max() <= 1


def test_a_gif_is_read_where_blender_can(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(GIF)
    _, pixels, _ = fitted(tmp_path / "a.gif", 512)
    assert pixels[..., 3].tolist() == [[255, 0], [0, 255]]
    assert pixels[0, 0, :3].tolist() == [255, 0, 0]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_of_every_kind_looks_the_same(tmp_path: Path, channels: int, dtype: type) -> None:
    wanted = slopes(alpha=True)[..., [0, 3] if channels == 2 else slice(0, channels)]
    _, pixels, _ = fitted(write_png(tmp_path / "a.png", wanted.astype(dtype) * (257 if dtype == np.uint16 else 1)), 512)
    has_alpha = channels in (2, 4)
    assert pixels.shape[2] == (4 if has_alpha else 3)
    shown = wanted[..., -1] > 0 if has_alpha else np.ones(wanted.shape[:2], bool)
    colors = np.repeat(wanted[..., :1], 3, axis=2) if channels < 3 else wanted[..., :3]
    assert np.abs(pixels[..., :3].astype(int) - colors)[shown].max() <= 1
    if has_alpha:
        assert np.array_equal(pixels[..., 3], wanted[..., -1])


@pytest.mark.parametrize("kind", ["OPEN_EXR", "HDR"])
def test_float_pictures_are_shown_and_clipped(tmp_path: Path, kind: str) -> None:
    linear = np.ones((4, 4, 4), np.float32)
    linear[..., :3] = 0.2140  # the middle grey of sRGB, 127.5
    linear[0, 0, :3] = 7
    _, pixels, _ = fitted(save(tmp_path / "a.picture", linear, kind), 64)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert np.abs(pixels[1:].astype(int) - 127).max() <= 1


def test_values_that_are_no_numbers_do_no_harm(tmp_path: Path) -> None:
    linear = np.full((8, 8, 4), 0.2140, np.float32)
    linear[..., 3] = 1
    linear[0, 0, :3], linear[7, 7, :3] = np.nan, np.inf
    _, pixels, _ = fitted(save(tmp_path / "a.exr", linear, "OPEN_EXR"), 4)
    assert np.abs(pixels.astype(int).reshape(-1, 3)[1:-1] - 127).max() <= 1


def test_transparent_exr_keeps_its_colors(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), np.float32)
    pixels[:2] = (0.2140 * 0.5, 0, 0, 0.5)  # premultiplied
    _, shown, _ = fitted(save(tmp_path / "a.exr", pixels, "OPEN_EXR"), 4)
    assert np.abs(shown[:2].astype(int) - (127, 0, 0, 127)).max() <= 1
    assert shown[2:, :, 3].max() == 0


def test_too_large_pictures_are_averaged(tmp_path: Path) -> None:
    """Lines of one pixel become the grey between them, also where no whole number of them makes a pixel."""
    lines = np.zeros((400, 600, 3), np.uint8)
    lines[::2] = 255
    picture = write_png(tmp_path / "a.png", lines)
    _, pixels, facts = fitted(picture, 300)
    assert (facts["width"], facts["height"]) == (300, 200)
    assert set(pixels.ravel()) <= {127, 128}
    _, pixels, facts = fitted(picture, 70)
    assert (facts["width"], facts["height"]) == (70, 47)
    assert np.abs(pixels.astype(int) - 127.5).max() < 20
    assert abs(pixels.mean() - 127.5) < 1


@pytest.mark.parametrize("limit_px", [20, 27, 39])
def test_averaging_moves_nothing(tmp_path: Path, limit_px: int) -> None:
    _, pixels, facts = fitted(write_png(tmp_path / "a.png", slopes()), limit_px)
    factor = 40 / facts["width"]
    x = (np.arange(facts["width"]) + 0.5) * factor - 0.5
    assert np.abs(pixels[..., 0] - x * 5).max() <= 1.01
    y = (np.arange(facts["height"]) + 0.5) * (24 / facts["height"]) - 0.5
    assert np.abs(pixels[..., 1] - y[:, None] * 9).max() <= 1.01


def test_what_is_transparent_does_not_color_the_edge(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[...] = (0, 255, 0, 0)  # green, and not to be seen
    pixels[:, :31] = (200, 40, 30, 255)
    _, small, _ = fitted(write_png(tmp_path / "a.png", pixels), 32)
    assert small[0, 15].tolist() == [200, 40, 30, 128]
    assert small[0, 14].tolist() == [200, 40, 30, 255]
    assert small[..., 1].max() == 40


def test_a_large_jpeg_stays_a_jpeg(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpeg"
    picture.write_bytes((PICTURES / "chelsea.jpg").read_bytes())
    original = pixels_of(picture)
    file, pixels, facts = fitted(picture, 100)
    assert file.suffix == ".jpg"
    assert file.read_bytes().startswith(b"\xff\xd8")
    assert max(facts["width"], facts["height"]) == 100
    assert facts["width"] / facts["height"] == pytest.approx(original.shape[1] / original.shape[0], rel=0.01)
    assert np.abs(pixels.mean((0, 1)) - original.mean((0, 1))).max() < 2


def test_nothing_is_enlarged(tmp_path: Path) -> None:
    _, pixels, _ = fitted(write_png(tmp_path / "a.png", slopes()), 4096)
    assert pixels.shape == (24, 40, 3)


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 2)])
def test_slivers_stay_pictures(tmp_path: Path, shape: tuple[int, int]) -> None:
    sliver = np.full((*shape, 3), 90, np.uint8)
    sliver.reshape(-1, 3)[: sliver.size // 6] = 30  # one half
    _, pixels, _ = fitted(write_png(tmp_path / "a.png", sliver), 100)
    assert min(pixels.shape[:2]) >= 1
    assert set(pixels.ravel()) == {30, 90}


def test_many_rows_are_all_written(tmp_path: Path) -> None:
    """More rows than one strip of work holds, and not a whole number of strips."""
    noise = np.random.default_rng(1).integers(0, 256, (157, 90, 3), np.uint8)
    picture = write_png(tmp_path / "a.png", noise)
    assert np.array_equal(fitted(picture, 157)[1], noise)
    pairs = noise[:156].reshape(78, 2, 45, 2, 3).mean((1, 3))
    _, halves, _ = fitted(write_png(picture, noise[:156]), 78)
    assert np.abs(halves - pairs).max() <= 0.51


def run(picture: Path, folder: Path, only_look: bool = False, called: str = "") -> tuple[int, dict[str, Any]]:
    """The program in a process of its own: exit code, and its report's last line."""
    report = folder / "report.jsonl"
    request = {
        "picture": str(picture),
        "called": called or picture.name,
        "only_look": only_look,
        "limit_px": 16,
        "output_stem": str(folder / "out"),
        "report": str(report),
    }
    (folder / "request.json").write_text(json.dumps(request))
    command = [
        sys.executable,
        "-I",
        "-W",
        "always",
        str(ROOT / "programs" / "launch.py"),
        "headless.fit",
        str(folder / "request.json"),
    ]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "DeprecationWarning" not in process.stdout + process.stderr
    return process.returncode, json.loads(report.read_text().splitlines()[-1])


def test_the_program_reports_what_it_wrote(tmp_path: Path) -> None:
    code, last = run(write_png(tmp_path / "a.png", slopes()), tmp_path)
    assert code == 0
    assert last == {"done": {"file": str(tmp_path / "out.png"), "width": 16, "height": 10}}
    assert size_of(tmp_path / "out.png") == (16, 10)


def test_a_picture_that_is_only_looked_at_is_left_as_it_is(tmp_path: Path) -> None:
    picture = write_png(tmp_path / "a.png", slopes(alpha=True))
    before = picture.read_bytes()
    code, last = run(picture, tmp_path, only_look=True)
    assert (code, last) == (0, {"done": {"file": str(picture)}})
    assert picture.read_bytes() == before and not list(tmp_path.glob("*out*"))


def cut_away(dtype: type = np.uint8) -> NDArray[Any]:
    """A red square before many colors that were cut away; an edge of it is soft."""
    pixels = np.random.default_rng(4).integers(0, 256, (24, 40, 4)).astype(dtype)
    pixels[..., 3] = 0
    pixels[6:18, 10:30] = (200, 40, 30, 255)
    pixels[6:18, 30] = (200, 40, 30, 90)
    return pixels * (257 if dtype == np.uint16 else 1)


def sent(picture: Path, *, looks: bool) -> NDArray[np.uint8]:
    """The pixels of what leaves the machine of a picture."""
    report, stem = Report(picture.parent / "report.jsonl"), picture.parent / "out"
    if looks:
        facts = program.look(picture, 64, report, concealed=stem.with_suffix(".png"))
    else:
        facts = program.fit(picture, 64, str(stem), report, conceals=True)
    return read_png(Path(facts["file"]).read_bytes())


@pytest.mark.parametrize("looks", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nothing_of_what_was_cut_away_is_told(tmp_path: Path, dtype: type, looks: bool) -> None:
    given = cut_away()
    picture = write_png(tmp_path / "a.png", cut_away(dtype))
    before = picture.read_bytes()
    made = sent(picture, looks=looks)
    hidden = given[..., 3] == 0
    assert len(np.unique(made[hidden], axis=0)) == 1
    assert np.abs(made[~hidden].astype(int) - given[~hidden]).max() <= 1
    assert (made[..., 3] == given[..., 3]).all() and picture.read_bytes() == before


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "TARGA"])
def test_nor_in_what_is_made_of_other_formats(tmp_path: Path, kind: str) -> None:
    given = cut_away()
    made = sent(save(tmp_path / "a.picture", given / np.float32(255), kind), looks=False)
    assert len(np.unique(made[made[..., 3] == 0], axis=0)) == 1


def blank(color: tuple[int, int, int]) -> NDArray[np.uint8]:
    pixels = cut_away()
    pixels[pixels[..., 3] == 0, :3] = color
    return pixels


UNTOLD = {
    "opaque": slopes(),
    "black under it": blank((0, 0, 0)),
    "white under it": blank((255, 255, 255)),
    "half transparent": np.dstack((slopes()[..., :3], np.full((24, 40), 128, np.uint8))),
}


@pytest.mark.parametrize("pixels", UNTOLD.values(), ids=UNTOLD)
def test_what_tells_nothing_is_sent_as_it_is(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    picture = write_png(tmp_path / "a.png", pixels)
    report = Report(tmp_path / "report.jsonl")
    assert program.look(picture, 64, report, concealed=tmp_path / "out.png") == {"file": str(picture)}
    made = sent(picture, looks=False)
    assert (made == pixels[..., : made.shape[2]]).all()
    assert not list(tmp_path.glob("part-*"))


@pytest.mark.parametrize("only_look", [True, False])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", None])
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path: Path, content: bytes | None, only_look: bool) -> None:
    picture = tmp_path / "My Drawing.png"
    if content is not None:
        picture.write_bytes(content)
    code, last = run(picture, tmp_path, only_look)
    assert code == 1
    assert last == {"error": "My Drawing.png is not a picture that can be opened: choose a PNG or JPEG file."}
    assert not list(tmp_path.glob("*out*"))


def test_what_blender_cannot_open_is_named(tmp_path: Path) -> None:
    picture = tmp_path / "My Drawing.png"
    picture.write_bytes(b"<svg/>")
    code, last = run(picture, tmp_path, only_look=False)
    assert code == 1
    assert last == {"error": "My Drawing.png is an SVG drawing, which Blender cannot open: export it as PNG."}


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 6, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    with pytest.raises(program.NotFitting, match="huge.png is 20000 x 20000 pixels, too large to work on: scale it"):
        program.fit(tmp_path / "huge.png", 4096, str(tmp_path / "out"), Report(tmp_path / "report.jsonl"))


def test_a_telephone_picture_that_lies_on_its_side_is_set_upright(tmp_path: Path) -> None:
    upright = np.zeros((48, 96, 3), np.uint8)
    upright[:24, :48] = (255, 0, 0)
    pixels = np.ones((96, 48, 4), np.float32)
    pixels[..., :3] = upright.transpose(1, 0, 2)[::-1] / np.float32(255)  # as a camera stores it for orientation 6
    path = save(tmp_path / "phone.jpg", pixels, "JPEG")
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    _, seen, facts = fitted(path, 48)
    assert (facts["width"], facts["height"]) == (48, 24)
    assert seen[4, 8, 0] > 200 and seen[4, 40, 0] < 60 and seen[20, 8, 0] < 60


def filled(pixel: tuple[int, ...], dtype: type = np.uint8) -> NDArray[Any]:
    return np.full((70, 50, len(pixel)), pixel, dtype)


def with_a_dot(pixels: NDArray[Any], pixel: tuple[int, ...]) -> NDArray[Any]:
    """The same, with one pixel in the row that is read last."""
    pixels[0, -1] = pixel
    return pixels


FLAT = "a.png is one flat color without any shape: choose one that shows something."
TRANSPARENT = "a.png is fully transparent: choose one that shows something."

EMPTY = {
    "white": (filled((255, 255, 255)), FLAT),
    "grey": (filled((90,)), FLAT),
    "16 bits": (filled((90, 9000, 65535), np.uint16), FLAT),
    "opaque": (filled((90, 80, 70, 255)), FLAT),
    "the same glass everywhere": (filled((90, 80, 70, 128)), FLAT),
    "a dot that nobody sees": (with_a_dot(filled((90, 80, 70)), (91, 79, 70)), FLAT),
    "transparent": (filled((0, 0, 0, 0)), TRANSPARENT),
    "a transparent picture": (np.dstack((slopes()[..., :3], np.zeros((24, 40), np.uint8))), TRANSPARENT),
    "nearly transparent": (with_a_dot(filled((0, 0, 0, 0)), (255, 255, 255, 7)), TRANSPARENT),
    "transparent of 16 bits": (filled((65535, 0, 0, 0), np.uint16), TRANSPARENT),
}


@pytest.mark.parametrize("look", [True, False])
@pytest.mark.parametrize(("pixels", "sentence"), EMPTY.values(), ids=EMPTY)
def test_what_shows_nothing_is_refused(tmp_path: Path, pixels: NDArray[Any], sentence: str, look: bool) -> None:
    picture = write_png(tmp_path / "a.png", pixels)
    report = Report(tmp_path / "report.jsonl")
    before = list(bpy.data.images)
    with pytest.raises(program.NotFitting) as refusal:
        if look:
            program.look(picture, 64, report)
        else:
            program.fit(picture, 64, str(tmp_path / "out"), report)
    assert str(refusal.value) == sentence
    assert not list(tmp_path.glob("*out*")) and list(bpy.data.images) == before


def test_a_texture_may_be_flat_and_not_transparent(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.jsonl")
    red = write_png(tmp_path / "red.png", filled((200, 0, 0)))
    assert program.look(red, 64, report, may_be_flat=True) == {"file": str(red)}
    program.fit(red, 16, str(tmp_path / "out"), report, may_be_flat=True)
    nothing = write_png(tmp_path / "nothing.png", filled((0, 0, 0, 0)))
    with pytest.raises(program.NotFitting, match="fully transparent"):
        program.look(nothing, 64, report, may_be_flat=True)


SHOWN = {
    "a dot": with_a_dot(filled((90, 80, 70)), (92, 80, 70)),
    "a dot on nothing": with_a_dot(filled((0, 0, 0, 0)), (0, 0, 0, 8)),
    "a hole": with_a_dot(filled((255, 255, 255, 255)), (255, 255, 255, 0)),
    "a dot of 16 bits": with_a_dot(filled((90, 9000, 65535), np.uint16), (90, 30000, 65535)),
}


@pytest.mark.parametrize("pixels", SHOWN.values(), ids=SHOWN)
def test_what_shows_anything_is_taken(tmp_path: Path, pixels: NDArray[Any]) -> None:
    picture = write_png(tmp_path / "a.png", pixels)
    assert program.look(picture, 128, Report(tmp_path / "report.jsonl")) == {"file": str(picture)}
    fitted(picture, 128)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "OPEN_EXR", "BMP", "TARGA", "TIFF"])
def test_a_flat_color_is_refused_in_every_format(tmp_path: Path, kind: str) -> None:
    flat = np.full((40, 30, 4), (0.3, 0.6, 0.1, 1), np.float32)
    picture = save(tmp_path / "flat", flat, kind)
    with pytest.raises(program.NotFitting, match="flat is one flat color without any shape"):
        program.look(picture, 64, Report(tmp_path / "report.jsonl"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TARGA", "TIFF", "HDR", "OPEN_EXR"])
def test_what_is_cut_off_is_refused(tmp_path: Path, kind: str) -> None:
    """Blender 4.2 and 4.5 make nothing of a WebP, the others no picture at all."""
    noise = np.random.default_rng(2).random((60, 50, 4)).astype(np.float32)
    noise[..., 3] = 1
    picture = save(tmp_path / "cut", noise, kind)
    picture.write_bytes(picture.read_bytes()[: picture.stat().st_size * 6 // 10])
    with pytest.raises(program.NotFitting, match="is fully transparent|is not a picture that can be opened"):
        program.fit(picture, 64, str(tmp_path / "out"), Report(tmp_path / "report.jsonl"))


def test_a_refusal_has_the_name_that_the_user_knows(tmp_path: Path) -> None:
    picture = write_png(tmp_path / "picture.png", filled((1, 2, 3)))
    code, last = run(picture, tmp_path, only_look=True, called="The picture")
    assert code == 1
    assert last == {"error": "The picture is one flat color without any shape: choose one that shows something."}


def test_layers_are_told_from_damage(tmp_path: Path) -> None:
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    output = scene.render.image_settings
    if hasattr(output, "media_type"):  # new in Blender 5.0
        output.media_type = "MULTI_LAYER_IMAGE"
    output.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.filepath = str(tmp_path / "layers.exr")
    bpy.ops.render.render(write_still=True)
    with pytest.raises(program.NotFitting, match=r"layers.exr has several layers: save the one that you want as PNG\."):
        program.fit(tmp_path / "layers.exr", 64, str(tmp_path / "out"), Report(tmp_path / "report.jsonl"))


def test_a_gif_with_another_ending_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(GIF)
    before = list(bpy.data.images)
    _, pixels, _ = fitted(tmp_path / "a.png", 512)
    assert pixels[..., 3].tolist() == [[255, 0], [0, 255]]
    assert list(bpy.data.images) == before
