# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures whose files tell of other colours than sRGB are read in the colours that a viewer shows, in every place where
a file may tell of them. The profiles are made here from published numbers, and what is expected is computed another
way: without matrices of profiles, from the primaries themselves."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from drawing import read_png
from numpy.typing import NDArray

from image_to_3d.headless.picture import Picture, UnreadablePicture, read
from image_to_3d.headless.report import Report
from image_to_3d.headless.sculpt import sculpt

ROOT = Path(__file__).resolve().parent.parent.parent
Numbers = NDArray[np.float64]

D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65)
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65)
PROPHOTO = ((0.734699, 0.265301), (0.159597, 0.840403), (0.036598, 0.000105), D50)

Primaries = tuple[tuple[float, float], ...]


def light_of(value: Numbers) -> Numbers:
    """sRGB's curve."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def value_of(light: Numbers) -> Numbers:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def xyz_of(primaries: Primaries) -> Numbers:
    """Columns: XYZ of red, green and blue, of which white is the sum."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3])


def adapted(primaries: Primaries, white: tuple[float, float]) -> Numbers:
    """`xyz_of`, for an eye that has got used to another white (Bradford)."""
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    one, other = (cones @ np.array([x / y, 1, (1 - x - y) / y]) for x, y in (primaries[3], white))
    return np.linalg.solve(cones, np.diag(other / one) @ cones @ xyz_of(primaries))


def shown(pixels: NDArray[Any], primaries: Primaries, curve: Callable[[Numbers], Numbers]) -> Numbers:
    """The sRGB bytes, not rounded, that show what `pixels` (..., 3 bytes) mean. What sRGB cannot show is clipped."""
    light = curve(pixels / 255.0)
    return value_of(light @ np.linalg.solve(xyz_of(SRGB), adapted(primaries, D65)).T) * 255


def picture(size: tuple[int, int] = (24, 36)) -> NDArray[np.uint8]:
    """Muted colours and greys, which sRGB can show in whatever space they are meant."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] / np.array(size).reshape(2, 1, 1)
    return np.stack((90 + 80 * x, 80 + 90 * y, 120 - 40 * x * y), axis=2).astype(np.uint8)


def number(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def xyz_tag(values: Numbers) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(number(value) for value in values)


def gamma_tag(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def table_tag(curve: Callable[[Numbers], Numbers], count: int = 1024) -> bytes:
    values = np.round(curve(np.linspace(0, 1, count)) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", count) + values.tobytes()


SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + b"".join(map(number, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))


def named_tag(name: str, version: int) -> bytes:
    if version == 2:
        return b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + b"\0" + bytes(78)
    text = name.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", len(text), 28) + text


def profile(
    tags: dict[bytes, bytes], name: str, *, space: bytes = b"RGB ", pcs: bytes = b"XYZ ", version: int = 4
) -> bytes:
    """An ICC profile of these tags."""
    tags = {b"desc": named_tag(name, version)} | tags
    table, content, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    header = struct.pack(">I4xB3x4s4s4s12x4s", start + len(content), version, b"mntr", space, pcs, b"acsp")
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def matrix_profile(primaries: Primaries, curve: bytes, name: str, version: int = 4) -> bytes:
    columns = adapted(primaries, D50).T
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz_tag, columns), strict=True))
    return profile(tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve), name, version=version)


SPACES: dict[str, tuple[bytes, Primaries, Callable[[Numbers], Numbers]]] = {
    "Display P3": (matrix_profile(DISPLAY_P3, SRGB_CURVE, "Display P3"), DISPLAY_P3, light_of),
    "Display P3, curve as a table": (matrix_profile(DISPLAY_P3, table_tag(light_of), "P3", 2), DISPLAY_P3, light_of),
    "Adobe RGB": (matrix_profile(ADOBE_RGB, gamma_tag(563 / 256), "Adobe", 2), ADOBE_RGB, lambda v: v ** (563 / 256)),
    "ProPhoto": (matrix_profile(PROPHOTO, gamma_tag(1.8), "ProPhoto", 2), PROPHOTO, lambda v: v ** (461 / 256)),
    "light": (matrix_profile(SRGB, b"curv" + bytes(8), "Linear"), SRGB, lambda v: v),
}


def png(pixels: NDArray[Any], *chunks: tuple[bytes, bytes]) -> bytes:
    """(h, w, 1 to 4) of 8 or 16 bits as a PNG, with chunks before its pixels."""
    height, width, channels = pixels.shape
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, kind, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    data = b"\x89PNG\r\n\x1a\n"
    for name, chunk in ((b"IHDR", header), *chunks, (b"IDAT", content), (b"IEND", b"")):
        data += struct.pack(">I", len(chunk)) + name + chunk + struct.pack(">I", zlib.crc32(name + chunk))
    return data


def icc_chunk(icc: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"profile\0\0" + zlib.compress(icc)


def saved(path: Path, pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Opaque pixels as a file of Blender's."""
    image = bpy.data.images.new("picture", pixels.shape[1], pixels.shape[0])
    values = np.ones((*pixels.shape[:2], 4), np.float32)
    values[..., :3] = pixels[::-1] / np.float32(255)
    image.pixels.foreach_set(values.ravel())
    image.file_format = kind
    image.save(filepath=str(path), quality=100)
    bpy.data.images.remove(image)
    return path.read_bytes()


def read_file(folder: Path, content: bytes, name: str = "a.png") -> Picture:
    (folder / name).write_bytes(content)
    return read(folder / name)


def assert_shows(found: Picture, wanted: Numbers, tolerance: float = 2) -> None:
    assert found.notes == []
    assert np.abs(found.pixels[..., :3] - wanted).max() <= tolerance


@pytest.mark.parametrize("space", SPACES)
def test_a_profile_becomes_srgb(tmp_path: Path, space: str) -> None:
    icc, primaries, curve = SPACES[space]
    wanted = shown(picture(), primaries, curve)
    assert np.abs(wanted - picture()).max() > 8  # there is something to be done
    assert_shows(read_file(tmp_path, png(picture(), icc_chunk(icc))), wanted)


@pytest.mark.parametrize("space", ["Display P3", "ProPhoto"])
def test_sixteen_bits_and_alpha_have_a_profile_too(tmp_path: Path, space: str) -> None:
    icc, primaries, curve = SPACES[space]
    alpha = np.full((24, 36, 1), 128, np.uint8)
    content = png(np.dstack((picture(), alpha)).astype(np.uint16) * 257, icc_chunk(icc))
    found = read_file(tmp_path, content)
    assert_shows(found, shown(picture(), primaries, curve))
    assert np.abs(found.pixels[..., 3].astype(int) - 128).max() <= 1


def test_bright_colours_are_clipped_and_stay_bright(tmp_path: Path) -> None:
    icc = SPACES["Display P3"][0]
    bright = np.zeros((8, 8, 3), np.uint8)
    bright[:, 4:] = (0, 255, 0)
    bright[:, :4] = (255, 0, 0)
    found = read_file(tmp_path, png(bright, icc_chunk(icc))).pixels
    assert found[0, 0].tolist() == [255, 0, 0, 255]
    assert found[0, 7].tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("curve", [SRGB_CURVE, table_tag(light_of), table_tag(light_of, 256)])
def test_what_is_srgb_stays_as_it_is(tmp_path: Path, curve: bytes) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (40, 50, 3), np.uint8)
    found = read_file(tmp_path, png(noise, icc_chunk(matrix_profile(SRGB, curve, "sRGB"))))
    assert np.array_equal(found.pixels[..., :3], noise) and found.notes == []


@pytest.mark.parametrize("channels", [1, 2])
def test_a_grey_picture_has_a_profile_of_its_own(tmp_path: Path, channels: int) -> None:
    grey = np.tile(np.arange(0, 256, 5, dtype=np.uint8), (8, 1))[..., None]
    pixels = np.dstack((grey, np.full_like(grey, 255)))[..., :channels]
    icc = profile({b"kTRC": gamma_tag(1.8)}, "Dot Gain", space=b"GRAY")
    wanted = np.repeat(value_of((grey / 255) ** (461 / 256)) * 255, 3, axis=2)
    assert_shows(read_file(tmp_path, png(pixels, icc_chunk(icc))), wanted)


def with_jpeg_profile(jpeg: bytes, icc: bytes, piece: int = 200) -> bytes:
    """The profile in several segments, as those of printers need it, the last one first."""
    pieces = [icc[start : start + piece] for start in range(0, len(icc), piece)]
    segments = [
        b"\xff\xe2" + struct.pack(">H", len(part) + 16) + b"ICC_PROFILE\0" + bytes((place + 1, len(pieces))) + part
        for place, part in enumerate(pieces)
    ]
    return jpeg[:2] + b"".join(reversed(segments)) + jpeg[2:]


def test_a_jpeg_has_its_profile_in_pieces(tmp_path: Path) -> None:
    icc, primaries, curve = SPACES["Display P3"]
    plain = read_file(tmp_path, saved(tmp_path / "plain.jpg", picture(), "JPEG"), "plain.jpg").pixels[..., :3]
    content = with_jpeg_profile((tmp_path / "plain.jpg").read_bytes(), icc)
    assert_shows(read_file(tmp_path, content, "a.jpg"), shown(plain, primaries, curve))


def test_a_webp_has_its_profile_in_a_chunk(tmp_path: Path) -> None:
    icc, primaries, curve = SPACES["Adobe RGB"]
    content = saved(tmp_path / "plain.webp", picture(), "WEBP")
    plain = read(tmp_path / "plain.webp").pixels[..., :3]
    body = content[12:]
    if body.startswith(b"VP8X"):
        body = body[18:]
    extended = b"VP8X" + struct.pack("<IB3x", 10, 0x20) + struct.pack("<I", 35)[:3] + struct.pack("<I", 23)[:3]
    chunk = b"ICCP" + struct.pack("<I", len(icc)) + icc + bytes(len(icc) % 2)
    body = b"WEBP" + extended + chunk + body
    found = read_file(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body, "a.webp")
    assert_shows(found, shown(plain, primaries, curve))


def tiff(pixels: NDArray[np.uint8], order: str, icc: bytes, *, packing: int = 1, colours: int = 2) -> bytes:
    """RGB of 8 bits, or what is said to be other `colours`, with a profile. It is stored as it is, whatever `packing`
    says."""
    height, width = pixels.shape[:2]
    kinds = {3: "H", 4: "I", 7: "I"}
    count = 10 if icc else 9
    after = 8 + 2 + 12 * count + 4
    start = after + 6 + len(icc) + len(icc) % 2
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, after),
        (259, 3, 1, packing),
        (262, 3, 1, colours),
        (273, 4, 1, start),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, pixels.size),
        (34675, 7, len(icc), after + 6),
    ]
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, count)
    for tag, kind, number_of, value in tags[:count]:
        wide = number_of > 1 and kind == 3
        packed = struct.pack(order + ("I" if wide else kinds[kind]), value).ljust(4, b"\0")
        data += struct.pack(order + "HHI", tag, kind, number_of) + packed
    data += bytes(4) + struct.pack(order + "3H", 8, 8, 8) + icc + bytes(len(icc) % 2)
    return data + pixels.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_has_its_profile_in_a_tag(tmp_path: Path, order: str) -> None:
    icc, primaries, curve = SPACES["ProPhoto"]
    found = read_file(tmp_path, tiff(picture(), order, icc), "a.tif")
    assert_shows(found, shown(picture(), primaries, curve))


@pytest.mark.parametrize("packing", [34887, 34925, 50000, 50001])
def test_a_tiff_that_blender_cannot_unpack_is_not_read_as_a_black_picture(tmp_path: Path, packing: int) -> None:
    with pytest.raises(UnreadablePicture, match="a TIFF file that is damaged or of a rare sort: save it anew"):
        read_file(tmp_path, tiff(picture(), "<", b"", packing=packing), "a.tif")


def test_a_black_tiff_that_can_be_unpacked_is_black(tmp_path: Path) -> None:
    assert not read_file(tmp_path, tiff(picture() * 0, "<", b""), "a.tif").pixels[..., :3].any()


def test_a_tiff_in_lab_colours_is_told_of(tmp_path: Path) -> None:
    found = read_file(tmp_path, tiff(picture(), "<", b"", colours=8), "a.tif")
    assert found.notes == ["The picture has Lab colours, so they may differ: save the picture as sRGB."]


def psd(
    pixels: NDArray[np.uint8],
    *,
    icc: bytes = b"",
    layers: bytes = b"",
    packed: bool = False,
    mode: int = 3,
    version: int = 1,
) -> bytes:
    """A Photoshop file of (h, w, 3 or 4) of 8 or 16 bits; of `version` 2, one for large pictures."""
    height, width, channels = pixels.shape
    resource = b"8BIM" + struct.pack(">HHI", 1039, 0, len(icc)) + icc + bytes(len(icc) % 2) if icc else b""
    data = (
        b"8BPS\0"
        + bytes((version, *bytes(6)))
        + struct.pack(">HIIHH", channels, height, width, 8 * pixels.itemsize, mode)
    )
    data += bytes(4)
    data += struct.pack(">I", len(resource)) + resource + struct.pack(f">{'IQ'[version - 1]}", len(layers)) + layers
    planes = pixels.transpose(2, 0, 1)
    if not packed:
        return data + b"\0\0" + planes.astype(f">u{pixels.itemsize}").tobytes()
    rows = [packed_bits(row) for plane in planes for row in plane]
    return data + b"\0\1" + struct.pack(f">{len(rows)}{'HI'[version - 1]}", *map(len, rows)) + b"".join(rows)


def packed_bits(row: NDArray[np.uint8]) -> bytes:
    """Runs where a value repeats, single values elsewhere."""
    found, place = b"", 0
    while place < len(row):
        run = 1
        while run < 128 and place + run < len(row) and row[place + run] == row[place]:
            run += 1
        found += bytes((257 - run if run > 1 else 0, row[place]))
        place += run
    return found


def test_a_photoshop_file_has_its_profile_among_its_resources(tmp_path: Path) -> None:
    icc, primaries, curve = SPACES["Adobe RGB"]
    assert_shows(read_file(tmp_path, psd(picture(), icc=icc), "a.psd"), shown(picture(), primaries, curve))


def figure() -> NDArray[np.uint8]:
    """The picture with a transparent part and a translucent one."""
    alpha = np.full((24, 36), 255, np.uint8)
    alpha[:, :10], alpha[:8, 20:] = 0, 100
    return np.dstack((picture(), alpha))


def layers_of(count: int) -> bytes:
    """One empty layer. Where its number is negative, the first channel behind the colours is the transparency."""
    record = bytes(16) + struct.pack(">H", 0) + b"8BIMnorm" + bytes((255, 0, 0, 0)) + struct.pack(">I", 12)
    content = struct.pack(">h", count) + record + bytes(8) + b"\1a\0\0"
    content += bytes(len(content) % 2)
    return struct.pack(">I", len(content)) + content + bytes(4)


TRANSPARENT_LAYERS, SELECTION_LAYERS = layers_of(-1), layers_of(1)


@pytest.mark.parametrize("layers", [b"", TRANSPARENT_LAYERS], ids=["flat", "layers"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_photoshop_file_keeps_its_transparency(tmp_path: Path, packed: bool, layers: bytes) -> None:
    stored = figure()
    if layers:  # Photoshop stores the whole picture before white then
        share = stored[..., 3:] / 255.0
        stored[..., :3] = np.round(stored[..., :3] * share + 255 * (1 - share))
    found = read_file(tmp_path, psd(stored, packed=packed, layers=layers), "a.psd")
    assert found.notes == []
    assert np.array_equal(found.pixels[..., 3], figure()[..., 3])
    seen = figure()[..., 3] > 0
    assert np.abs(found.pixels[..., :3].astype(int) - picture())[seen].max() <= (2 if layers else 1)


@pytest.mark.parametrize("packed", [False, True])
def test_a_large_photoshop_file_keeps_its_transparency_too(tmp_path: Path, packed: bool) -> None:
    found = read_file(tmp_path, psd(figure(), packed=packed, version=2), "a.psb")
    assert np.abs(found.pixels.astype(int) - figure()).max() <= 1


def test_a_photoshop_file_of_sixteen_bits_looks_like_one_of_eight(tmp_path: Path) -> None:
    found = read_file(tmp_path, psd(figure().astype(np.uint16) * 257), "a.psd")
    assert found.notes == []
    assert np.abs(found.pixels.astype(int) - figure()).max() <= 1


@pytest.mark.parametrize("mode", [2, 7])
def test_a_photoshop_file_with_a_palette_or_inks_is_not_read_in_other_colours(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnreadablePicture, match="a Photoshop file that is damaged or of a rare sort: save it anew"):
        read_file(tmp_path, psd(picture(), mode=mode), "a.psd")


def test_a_selection_in_a_photoshop_file_is_no_transparency(tmp_path: Path) -> None:
    found = read_file(tmp_path, psd(figure(), layers=SELECTION_LAYERS), "a.psd")
    assert found.pixels[..., 3].min() == 255 and found.notes == []


def test_a_damaged_transparency_is_told_of(tmp_path: Path) -> None:
    content = bytearray(psd(figure(), packed=True))
    content[-30:] = b"\x01" * 30
    found = read_file(tmp_path, bytes(content), "a.psd")
    assert found.notes == [
        "The transparency of the Photoshop file could not be read: save the picture as PNG to keep it."
    ]


PNG_CHUNKS: dict[str, tuple[list[tuple[bytes, bytes]], Primaries, Callable[[Numbers], Numbers]]] = {
    "gamma 1": ([(b"gAMA", struct.pack(">I", 100_000))], SRGB, lambda v: v),
    "gamma 1.8": ([(b"gAMA", struct.pack(">I", 55_556))], SRGB, lambda v: v**1.8),
    "primaries": (
        [(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))],
        ADOBE_RGB,
        light_of,
    ),
    "numbers of Display P3": ([(b"cICP", bytes((12, 13, 0, 1)))], DISPLAY_P3, light_of),
    "numbers before a profile": (
        [(b"cICP", bytes((12, 13, 0, 1))), icc_chunk(SPACES["ProPhoto"][0])],
        DISPLAY_P3,
        light_of,
    ),
    "a profile before a gamma": (
        [(b"gAMA", struct.pack(">I", 100_000)), icc_chunk(SPACES["Adobe RGB"][0])],
        ADOBE_RGB,
        lambda v: v ** (563 / 256),
    ),
}


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("case", PNG_CHUNKS)
def test_a_png_tells_its_colours_in_chunks(tmp_path: Path, case: str, depth: type) -> None:
    chunks, primaries, curve = PNG_CHUNKS[case]
    pixels = picture().astype(depth) * (257 if depth is np.uint16 else 1)
    assert_shows(read_file(tmp_path, png(pixels, *chunks)), shown(picture(), primaries, curve))


@pytest.mark.parametrize(
    "chunks",
    [
        [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000))],
        [(b"gAMA", struct.pack(">I", 45_455))],
        [
            (b"gAMA", struct.pack(">I", 45_455)),
            (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        ],
        [(b"gAMA", bytes(4))],
        [(b"cICP", bytes((1, 13, 0, 1)))],
    ],
)
def test_a_png_in_srgb_stays_as_it_is(tmp_path: Path, chunks: list[tuple[bytes, bytes]]) -> None:
    found = read_file(tmp_path, png(picture(), *chunks))
    assert np.array_equal(found.pixels[..., :3], picture()) and found.notes == []


def exif_adobe() -> bytes:
    """EXIF that says R03, as cameras write it that are set to Adobe RGB."""
    tiff_start = b"MM\0\x2a\0\0\0\x08"
    root = struct.pack(">HHHIII", 1, 0x8769, 4, 1, 26, 0)
    exif = struct.pack(">HHHIHHHHIII", 2, 0xA001, 3, 1, 0xFFFF, 0, 0xA005, 4, 1, 56, 0)
    interop = struct.pack(">HHHI4sI", 1, 1, 2, 4, b"R03\0", 0)
    content = tiff_start + root + exif + interop
    return b"Exif\0\0" + content


def test_a_camera_says_adobe_rgb_in_exif(tmp_path: Path) -> None:
    plain = read_file(tmp_path, saved(tmp_path / "plain.jpg", picture(), "JPEG"), "plain.jpg").pixels[..., :3]
    jpeg, exif = (tmp_path / "plain.jpg").read_bytes(), exif_adobe()
    content = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    assert_shows(read_file(tmp_path, content, "a.jpg"), shown(plain, ADOBE_RGB, lambda v: v ** (563 / 256)))


def table_profile(kind: str) -> bytes:
    """ProPhoto without its matrix: 17 points along each axis, in Lab or XYZ."""
    steps = np.linspace(0, 1, 17)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    xyz = cube**1.8 @ adapted(PROPHOTO, D50).T
    if kind == "mft2 in XYZ":
        coded = (cube @ adapted(PROPHOTO, D50).T) * 32768 / 65535  # and the curves stand before it
    else:
        ratio = xyz / np.array([0.9642, 1, 0.8249])
        f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
        lab = np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), axis=-1)
        coded = (lab + (0, 128, 128)) / (100, 255, 255)
        coded *= 65280 / 65535 if kind == "mft2" else 1
    grid = np.round(np.clip(coded, 0, 1) * 65535).astype(">u2").tobytes()
    ends = struct.pack(">HH", 0, 65535) * 3
    unit = b"".join(map(number, np.eye(3).ravel()))
    if kind.startswith("mft2"):
        first, number_of = ends, 2
        if "XYZ" in kind:
            first, number_of = table_tag(lambda v: v**1.8, 256)[12:] * 3, 256
        tag = b"mft2\0\0\0\0\3\3\x11\0" + unit + struct.pack(">HH", number_of, 2) + first + grid + ends
    else:
        curve = b"curv" + bytes(8)
        table = bytes((17, 17, 17)).ljust(16, b"\0") + b"\2\0\0\0" + grid
        table += bytes(-len(table) % 4)
        start = 32 + 36
        tag = b"mAB \0\0\0\0\3\3\0\0" + struct.pack(">5I", 32, 0, 0, start, start + len(table))
        tag += curve * 3 + table + curve * 3
    return profile({b"A2B0": tag}, "Scanner", pcs=b"XYZ " if "XYZ" in kind else b"Lab ")


@pytest.mark.parametrize("kind", ["mft2", "mft2 in XYZ", "mAB"])
def test_a_profile_may_be_a_table(tmp_path: Path, kind: str) -> None:
    found = read_file(tmp_path, png(picture(), icc_chunk(table_profile(kind))))
    assert_shows(found, shown(picture(), PROPHOTO, lambda v: v**1.8), 3)


COULD_NOT = "could not be converted, so colours may differ: save the picture as sRGB."


def broken_profiles() -> list[bytes]:
    good = SPACES["Display P3"][0]
    odd = b"para\0\0\0\0\0\7\0\0" + bytes(28)
    huge = b"curv\0\0\0\0\xff\xff\xff\xff"
    return [
        b"no profile",
        good[:140],
        good[:200],
        good[:-20],
        matrix_profile(DISPLAY_P3, odd, "odd"),
        matrix_profile(DISPLAY_P3, huge, "huge"),
        matrix_profile(DISPLAY_P3, b"", "nothing"),
        profile({b"A2B0": b"mft2\0\0\0\0\3\3\xff\0" + bytes(60)}, "grid"),
        profile({b"A2B0": b"mAB \0\0\0\0\3\3\0\0" + struct.pack(">5I", *[0xFFFFFFF0] * 5)}, "far", pcs=b"Lab "),
        profile({b"A2B0": b""}, "", space=b"GRAY"),
    ]


@pytest.mark.parametrize("icc", broken_profiles())
def test_a_broken_profile_does_no_harm_and_is_told_of(tmp_path: Path, icc: bytes) -> None:
    found = read_file(tmp_path, png(picture(), icc_chunk(icc)))
    assert np.array_equal(found.pixels[..., :3], picture())
    (note,) = found.notes
    assert note.startswith("The colour profile ") and note.endswith(COULD_NOT)


def test_any_bytes_for_a_profile_end_well(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    for source in (SPACES["Display P3"][0], table_profile("mAB"), table_profile("mft2")):
        for _ in range(30):
            icc = bytearray(source)
            for place in random.integers(0, min(len(icc), 600), 4):
                icc[place] = random.integers(256)
            for content, name in (
                (png(picture((6, 6)), icc_chunk(bytes(icc))), "a.png"),
                (tiff(picture((6, 6)), "<", bytes(icc)), "a.tif"),
                (psd(picture((6, 6)), icc=bytes(icc)), "a.psd"),
            ):
                assert read_file(tmp_path, content, name).pixels.shape == (6, 6, 4)


def test_a_profile_that_is_not_known_is_called_by_its_name(tmp_path: Path) -> None:
    icc = profile({}, "Coated\nPaper \u2603", space=b"CMYK")
    found = read_file(tmp_path, png(picture(), icc_chunk(icc)))
    assert found.notes == [f"The colour profile \u201cCoated Paper \u2603\u201d {COULD_NOT}"]


def test_a_profile_that_cannot_be_unpacked_is_told_of(tmp_path: Path) -> None:
    found = read_file(tmp_path, png(picture(), (b"iCCP", b"profile\0\0" + b"rubbish")))
    assert found.notes == [f"The colour profile of the picture {COULD_NOT}"]


def test_a_profile_does_not_fill_the_memory(tmp_path: Path) -> None:
    bomb = zlib.compress(SPACES["Display P3"][0] + bytes(64 << 20), 9)
    found = read_file(tmp_path, png(picture(), (b"iCCP", b"profile\0\0" + bomb)))
    assert found.notes == [f"The colour profile of the picture {COULD_NOT}"]


def run_fit(file: Path, folder: Path, *, only_look: bool) -> dict[str, Any]:
    """What the program for services says last."""
    request = {
        "picture": str(file),
        "called": file.name,
        "only_look": only_look,
        "limit_px": 2048,
        "output_stem": str(folder / "out"),
        "report": str(folder / "report.jsonl"),
    }
    (folder / "request.json").write_text(json.dumps(request))
    launch = str(ROOT / "programs" / "launch.py")
    command = [sys.executable, "-I", launch, "headless.fit", str(folder / "request.json")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    last: dict[str, Any] = json.loads((folder / "report.jsonl").read_text().splitlines()[-1])["done"]
    return last


@pytest.mark.parametrize("only_look", [True, False])
def test_a_service_is_sent_srgb_without_a_profile(tmp_path: Path, only_look: bool) -> None:
    """Also where the file itself would do, but for its colours."""
    icc, primaries, curve = SPACES["Display P3"]
    file = tmp_path / "phone.png"
    file.write_bytes(png(picture(), icc_chunk(icc)))
    sent = Path(run_fit(file, tmp_path, only_look=only_look)["file"]).read_bytes()
    assert b"iCCP" not in sent
    assert np.abs(read_png(sent) - shown(picture(), primaries, curve)).max() <= 2


def test_a_service_is_sent_a_file_as_it_is_where_its_profile_is_srgb(tmp_path: Path) -> None:
    file = tmp_path / "phone.png"
    file.write_bytes(png(picture(), icc_chunk(matrix_profile(SRGB, SRGB_CURVE, "sRGB"))))
    assert run_fit(file, tmp_path, only_look=True) == {"file": str(file)}


def test_a_service_job_hears_what_could_not_be_converted(tmp_path: Path) -> None:
    file = tmp_path / "paper.png"
    file.write_bytes(png(picture(), icc_chunk(profile({}, "Paper", space=b"CMYK"))))
    assert run_fit(file, tmp_path, only_look=False)["note"] == f"The colour profile \u201cPaper\u201d {COULD_NOT}"


def test_a_telephone_picture_in_the_right_size_is_sent_upright(tmp_path: Path) -> None:
    file = tmp_path / "phone.jpg"
    jpeg = saved(file, picture((24, 36)), "JPEG")
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    file.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    facts = run_fit(file, tmp_path, only_look=True)
    assert (facts["width"], facts["height"]) == (24, 36) and facts["file"] == str(tmp_path / "out.jpg")


def test_local_says_what_could_not_be_converted(tmp_path: Path) -> None:
    file = tmp_path / "paper.png"
    file.write_bytes(png(figure(), icc_chunk(profile({}, "Paper", space=b"CMYK"))))
    parameters = {
        "geometry_model": "base",
        "texture_model": "none",
        "scaled_bbox": [-1, -1, -1],
        "preserve_aspect_ratio": False,
        "topology": "tris",
        "resolution": "low_poly",
    }
    facts = sculpt(file, parameters, tmp_path / "model.glb", "Model", Report(tmp_path / "report.jsonl"))
    assert f"The colour profile \u201cPaper\u201d {COULD_NOT}" in facts["note"]


def bmp(pixels: NDArray[np.uint8], masks: tuple[int, ...] = ()) -> bytes:
    """A bitmap of four bytes a pixel, (h, w, 4): blue, green, red, alpha, whatever `masks` say."""
    height, width = pixels.shape[:2]
    head = struct.pack("<iiHHIIiiII", width, height, 1, 32, 3 if masks else 0, pixels.size, 0, 0, 0, 0)
    if masks:
        head += struct.pack("<4I", *masks) + bytes(52)
    start = 14 + 4 + len(head)
    content = struct.pack("<I", 4 + len(head)) + head + pixels[::-1, :, [2, 1, 0, 3]].tobytes()
    return b"BM" + struct.pack("<IHHI", start + pixels.size, 0, 0, start) + content


def tga(pixels: NDArray[np.uint8], bits: int) -> bytes:
    """A Targa file of four bytes a pixel, of which `bits` bits are said to be transparency."""
    height, width = pixels.shape[:2]
    head = bytes((0, 0, 2)) + bytes(9) + struct.pack("<HHBB", width, height, 32, 0x20 | bits)
    return head + pixels[..., [2, 1, 0, 3]].tobytes()


HOLLOW = {"a.bmp": bmp, "a.tga": lambda pixels: tga(pixels, 0)}


@pytest.mark.parametrize("name", HOLLOW)
def test_zeros_that_nobody_meant_as_transparency_are_none(tmp_path: Path, name: str) -> None:
    stored = np.dstack((picture(), np.zeros(picture().shape[:2], np.uint8)))
    found = read_file(tmp_path, HOLLOW[name](stored), name)
    assert np.abs(found.pixels.astype(int) - np.dstack((picture(), stored[..., 3] + 255))).max() <= 1


@pytest.mark.parametrize("name", HOLLOW)
def test_transparency_of_bitmaps_stays(tmp_path: Path, name: str) -> None:
    assert np.array_equal(read_file(tmp_path, HOLLOW[name](figure()), name).pixels[..., 3], figure()[..., 3])


def test_a_bitmap_with_masks_has_its_colours_or_is_refused(tmp_path: Path) -> None:
    usual = 0xFF0000, 0xFF00, 0xFF, 0xFF000000
    found = read_file(tmp_path, bmp(figure(), usual), "a.bmp").pixels
    assert np.abs(found.astype(int) - figure()).max() <= 1
    with pytest.raises(UnreadablePicture, match="a BMP file that is damaged or of a rare sort: save it anew"):
        read_file(tmp_path, bmp(figure(), (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), "b.bmp")


def test_a_targa_file_that_says_that_it_is_transparent_is(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="fully transparent"):
        read_file(tmp_path, tga(figure() * np.array((1, 1, 1, 0), np.uint8), 8), "a.tga")
