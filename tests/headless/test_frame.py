# SPDX-License-Identifier: GPL-3.0-or-later
"""The subject of a picture stands alone in the middle of a square: held on the written files' own pixels."""

import json
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import png, read_png
from numpy.typing import NDArray

from image_to_3d import api
from image_to_3d.api import picture
from image_to_3d.api.errors import BlenderError, PictureError
from image_to_3d.headless import frame as program
from image_to_3d.headless.fit import NotFitting
from image_to_3d.headless.report import Report
from image_to_3d.headless.saving import write_jpeg

PICTURES = Path(__file__).resolve().parent.parent / "pictures"
GREEN, ORANGE, WHITE = (20, 160, 60), (230, 120, 10), (255, 255, 255)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Write (h, w, 3 or 4) bytes as a PNG, opaque where there are three."""
    opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    path.write_bytes(png(pixels if pixels.shape[2] == 4 else np.concatenate((pixels, opaque), axis=2)))
    return path


def framed(file: Path, background: Any, size_px: int = 200) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The pixels of the square made of a picture, and the facts."""
    output = file.with_name("square.png")
    facts = program.frame(file, background, size_px, output, Report(file.with_name("report.jsonl")))
    assert facts["file"] == str(output)
    assert sorted(file.parent.glob("*square*")) == [output]  # nothing half written beside it
    pixels = read_png(output.read_bytes())
    assert pixels.shape == (size_px, size_px, 3 if background == "white" else 4)
    return pixels, facts


def box(height: int, width: int, *, alpha: int | None = None) -> NDArray[np.uint8]:
    """A box, orange above and green below, 30 high and 60 wide, off the middle of a picture.

    Around it is a plain blue; where `alpha` is given, that is the blue's.
    """
    pixels = np.full((height, width, 3 if alpha is None else 4), 255, np.uint8)
    pixels[..., :3] = (10, 30, 200)
    if alpha is not None:
        pixels[..., 3] = alpha
    pixels[10:40, 20:80] = (*GREEN, 255)[: pixels.shape[2]]
    pixels[10:25, 20:80, :3] = ORANGE
    return pixels


@pytest.mark.parametrize("alpha", [None, 0], ids=["plain background", "transparent"])
def test_the_subject_stands_in_the_middle_with_a_border_all_around(tmp_path: Path, alpha: int | None) -> None:
    pixels, facts = framed(write_png(tmp_path / "a.png", box(120, 300, alpha=alpha)), "alpha")
    assert facts["shape_from"] == ("background" if alpha is None else "alpha")
    rows, columns = np.nonzero(pixels[..., 3] > 127)
    assert (columns.min(), columns.max() + 1) == pytest.approx((15, 185), abs=1)  # 7.5 % of 200 on each side
    assert (rows.min(), rows.max() + 1) == pytest.approx((57, 143), abs=1)  # in the same proportions


@pytest.mark.parametrize("alpha", [None, 0], ids=["plain background", "transparent"])
def test_colors_stay_the_same_up_to_the_edge_and_the_background_is_white(tmp_path: Path, alpha: int | None) -> None:
    pixels, _ = framed(write_png(tmp_path / "a.png", box(120, 300, alpha=alpha)), "white")
    for rows, color in ((slice(68, 90), ORANGE), (slice(110, 132), GREEN)):  # a pixel has become 2.8
        assert np.abs(pixels[rows, 26:174].astype(int) - color).max() <= 1
    outside = np.ones((200, 200), bool)
    outside[44:156, 2:198] = False
    assert (pixels[outside] == 255).all()
    # What was blue is nowhere left: at the edge the colours of the box go over into white.
    assert (pixels[..., 2].astype(int) - pixels[..., 1] < 12).all()


def test_with_alpha_what_is_fully_transparent_is_white_and_an_edge_keeps_its_own_color(tmp_path: Path) -> None:
    soft = box(120, 300, alpha=0)
    soft[10:40, 50:80, 3] = np.linspace(255, 0, 30).astype(np.uint8)
    pixels, _ = framed(write_png(tmp_path / "a.png", soft), "alpha")
    nothing = pixels[..., 3] == 0
    assert nothing.any() and (pixels[nothing][:, :3] == 255).all()
    half = (pixels[..., 3] > 100) & (pixels[..., 3] < 235)
    half[96:104] = False  # where the two colours meet
    assert np.count_nonzero(half) > 100
    near = np.minimum(*(np.abs(pixels[half][:, :3].astype(int) - color).max(axis=1) for color in (ORANGE, GREEN)))
    assert near.max() <= 3
    # A matte of many steps is kept, not made a hard one.
    assert len(np.unique(pixels[..., 3])) > 15


@pytest.mark.parametrize("background", ["white", "alpha"])
def test_where_no_background_can_be_told_apart_the_whole_picture_is_fitted_in(tmp_path: Path, background: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (60, 120, 3)).astype(np.uint8)
    pixels, facts = framed(write_png(tmp_path / "a.png", noise), background, 120)
    assert facts["shape_from"] == "rectangle"
    assert np.abs(pixels[30:90, :, :3].astype(int) - noise).max() <= 1
    assert (pixels[:30, :, :3] == 255).all() and (pixels[90:, :, :3] == 255).all()
    if background == "alpha":
        assert (pixels[30:90, :, 3] == 255).all() and (pixels[:30, :, 3] == 0).all()


def test_a_large_picture_is_averaged_down_and_a_small_one_enlarged(tmp_path: Path) -> None:
    stripes = np.zeros((2000, 1200, 4), np.uint8)
    stripes[200:1800, 100:1100] = (200, 0, 0, 255)
    stripes[200:1800:2, 100:1100] = (100, 0, 0, 255)
    pixels, _ = framed(write_png(tmp_path / "a.png", stripes), "white")
    assert np.abs(pixels[40:160, 70:130].astype(int) - (150, 0, 0)).max() <= 12
    dot = np.zeros((16, 16, 4), np.uint8)
    dot[6:10, 6:10] = (*GREEN, 255)
    pixels, _ = framed(write_png(tmp_path / "b.png", dot), "white", 400)
    assert np.abs(pixels[100:300, 100:300].astype(int) - GREEN).max() <= 1


def test_a_telephone_picture_that_lies_on_its_side_is_framed_upright(tmp_path: Path) -> None:
    turned = np.ascontiguousarray(np.rot90(box(120, 300)))  # EXIF's orientation 6 turns it back
    file = tmp_path / "a.jpg"
    write_jpeg(file, turned, 95)
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    data = file.read_bytes()
    file.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    pixels, _ = framed(file, "white")
    assert np.abs(pixels[75:90, 40:160].astype(int) - ORANGE).max() <= 20


SHOWS_NOTHING = {
    "transparent": (np.zeros((40, 30, 4), np.uint8), "a.png is fully transparent: choose one that shows something."),
    "flat": (
        np.full((40, 30, 3), 90, np.uint8),
        "a.png is one flat color without any shape: choose one that shows something.",
    ),
}


@pytest.mark.parametrize(("pixels", "sentence"), SHOWS_NOTHING.values(), ids=SHOWS_NOTHING)
def test_what_shows_nothing_is_not_framed(tmp_path: Path, pixels: NDArray[np.uint8], sentence: str) -> None:
    with pytest.raises(NotFitting) as refusal:
        framed(write_png(tmp_path / "a.png", pixels), "white")
    assert str(refusal.value) == sentence
    assert not list(tmp_path.glob("*square*"))


# As a service asks for it


def asked(file: Path, background: Any = "white", **options: Any) -> Path:
    stem = file.parent / "scratch" / "framed-image_url"
    stem.parent.mkdir(exist_ok=True)
    options = {"called": "Fox.png", "size_px": 64, "sleep": time.sleep, **options}
    return picture.framed(file, stem, api.blender.find_blender, background=background, **options).file


@pytest.mark.parametrize("name", ["horse.jpg", "bear.png"])
def test_a_service_gets_a_square_png_beside_its_stem(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.write_bytes((PICTURES / name).read_bytes())
    log = tmp_path / "log.txt"
    made = asked(source, "alpha", log=log)
    assert made == tmp_path / "scratch" / "framed-image_url.png" and log.exists()
    pixels = read_png(made.read_bytes())
    assert pixels.shape == (64, 64, 4)
    assert (pixels[..., 3] == 255).any() and (pixels[0, :, 3] == 0).all()


def damaged() -> bytes:
    content = (PICTURES / "bear.png").read_bytes()
    return content[: len(content) * 9 // 10]


REFUSED = {
    "no picture": (b"hello", "Fox.png is not a picture that can be opened: choose a PNG or JPEG file."),
    "damaged": (damaged(), "Fox.png is cut off or damaged: open it and save it anew, or choose another."),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_framed_is_refused_by_the_name_that_the_user_knows(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    with pytest.raises(PictureError) as refusal:
        asked(tmp_path / "picture.png")
    assert str(refusal.value) == sentence


def test_a_cancel_ends_the_work_at_once(tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(seconds: float) -> None:
        if seconds:
            raise Cancelled

    (tmp_path / "a.png").write_bytes((PICTURES / "bear.png").read_bytes())
    with pytest.raises(Cancelled):
        asked(tmp_path / "a.png", sleep=cancel)


def test_without_a_blender_nothing_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes((PICTURES / "bear.png").read_bytes())
    with pytest.raises(BlenderError, match="there is no /nowhere/blender"):
        picture.framed(
            tmp_path / "a.png",
            tmp_path / "square",
            lambda: ["/nowhere/blender"],
            called="Fox",
            background="white",
            size_px=64,
            sleep=time.sleep,
        )


def test_the_program_makes_no_use_of_what_blender_will_drop(tmp_path: Path) -> None:
    request = {"picture": str(PICTURES / "fish.png"), "called": "Fox", "background": "white", "size_px": 64}
    request |= {"output": str(tmp_path / "out.png"), "report": str(tmp_path / "report.jsonl")}
    (tmp_path / "request.json").write_text(json.dumps(request))
    launch = Path(picture.__file__).parent.parent / "programs" / "launch.py"
    command = [sys.executable, "-I", "-W", "always", str(launch), "headless.frame", str(tmp_path / "request.json")]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0 and "DeprecationWarning" not in process.stdout + process.stderr
    assert (tmp_path / "out.png").exists()
