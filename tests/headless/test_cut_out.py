# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure of a picture alone, as large as the picture: held on the written files' own pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import png, read_png
from numpy.typing import NDArray

from image_to_3d.headless import cut_out as program
from image_to_3d.headless.picture import LONGEST, UnreadablePicture
from image_to_3d.headless.report import Report

ORANGE, BLUE = (230, 120, 10), (10, 30, 200)

Pixels = NDArray[np.uint8]


def write_png(path: Path, pixels: Pixels) -> Path:
    path.write_bytes(png(pixels))
    return path


def cut(picture: Path, how: Any = "auto") -> tuple[Pixels, str]:
    """The pixels of what is made of a picture, and where its shape comes from."""
    output = picture.with_name("made.png")
    before = picture.read_bytes()
    facts = program.save_cut_out(picture, how, output, Report(picture.with_name("report.jsonl")))
    assert facts["file"] == str(output)
    assert sorted(picture.parent.glob("*made*")) == [output]  # nothing half written beside it
    assert picture.read_bytes() == before
    return read_png(output.read_bytes()), facts["shape_from"]


def ball(size: int = 200, *, alpha: int = 255) -> Pixels:
    """An orange disc with a hole, 60 % wide and with a soft edge, before a blue whose alpha is `alpha`."""
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size * 2 - 1
    radius = np.hypot(x, y)
    share = np.clip((0.6 - radius) * size / 3 + 0.5, 0, 1) * np.clip((radius - 0.15) * size / 3 + 0.5, 0, 1)
    pixels = np.empty((size, size, 4), np.uint8)
    pixels[..., :3] = share[..., None] * np.array(ORANGE) + (1 - share[..., None]) * np.array(BLUE)
    pixels[..., 3] = np.maximum(share * 255, alpha)
    return pixels


def test_the_figure_is_opaque_and_what_is_around_it_is_transparent(tmp_path: Path) -> None:
    made, shape_from = cut(write_png(tmp_path / "a.png", ball()))
    assert shape_from == "background" and made.shape == (200, 200, 4)
    assert made[100, 60, 3] == 255 and tuple(made[100, 60, :3]) == ORANGE
    assert made[10, 10, 3] == 0 and made[100, 10, 3] == 0
    share = float((made[..., 3] > 127).mean())
    assert share == pytest.approx(np.pi * (0.6**2 - 0.15**2) / 4, rel=0.03)


def test_nothing_of_the_old_background_shows_at_the_edge(tmp_path: Path) -> None:
    made, _ = cut(write_png(tmp_path / "a.png", ball()))
    seen = made[made[..., 3] > 0][:, :3].astype(int)
    assert (np.abs(seen - ORANGE) < 40).all()
    soft = (made[..., 3] > 0) & (made[..., 3] < 255)
    assert soft.any()


def test_what_was_cut_away_keeps_its_color_so_that_adding_alpha_brings_it_back(tmp_path: Path) -> None:
    given = ball()
    made, _ = cut(write_png(tmp_path / "a.png", given))
    hidden = made[..., 3] == 0
    assert hidden.sum() > 10_000
    assert (made[hidden][:, :3] == given[hidden][:, :3]).all()


def note_of(picture: Path) -> str:
    output = picture.with_name("made.png")
    facts = program.save_cut_out(picture, "auto", output, Report(picture.with_name("report.jsonl")), "Fox.png")
    return str(facts.get("note", ""))


def test_what_was_decided_is_said_as_far_as_it_is_true_of_a_picture(tmp_path: Path) -> None:
    note = note_of(write_png(tmp_path / "a.png", ball()))
    assert note == (
        "The background was taken away by its colour. Enclosed areas in the colour of the background became holes."
    )
    noise = np.random.default_rng(3).integers(0, 256, (80, 120, 4)).astype(np.uint8)
    noise[..., 3] = 255
    assert note_of(write_png(tmp_path / "b.png", noise)) == ""  # no relief is made
    assert note_of(write_png(tmp_path / "c.png", ball(alpha=0))) == ""


def test_what_could_not_be_read_as_it_should_is_said_with_the_name_that_the_user_knows(tmp_path: Path) -> None:
    drawing = tmp_path / "a.png"
    drawing.write_text("<svg/>")
    with pytest.raises(UnreadablePicture, match=r"^Fox\.png is an SVG drawing"):
        note_of(drawing)


def test_a_transparency_the_wrong_way_round_does_not_hide_the_figure(tmp_path: Path) -> None:
    given = ball()
    given[..., 3] = np.where(np.abs(given[..., :3].astype(int) - BLUE).max(axis=2) < 20, 255, 0)
    made, shape_from = cut(write_png(tmp_path / "a.png", given))
    assert shape_from == "background"
    assert made[100, 60].tolist() == [*ORANGE, 255] and made[10, 10, 3] == 0


def test_a_filled_figure_has_no_hole(tmp_path: Path) -> None:
    picture = write_png(tmp_path / "a.png", ball())
    assert cut(picture, "filled")[0][100, 100, 3] == 255


def test_a_large_picture_keeps_its_size_and_a_sharp_edge(tmp_path: Path) -> None:
    made, _ = cut(write_png(tmp_path / "a.png", ball(2400)))
    assert made.shape == (2400, 2400, 4)
    row = made[1200, :1000, 3].astype(int)
    (first, *_), (last, *_) = np.nonzero(row > 25)[0], np.nonzero(row > 229)[0]
    assert 0 < last - first <= 12
    inside = made[..., 3] > 127
    assert float(inside.mean()) == pytest.approx(np.pi * (0.6**2 - 0.15**2) / 4, rel=0.01)


def test_what_is_larger_than_any_texture_is_scaled_down(tmp_path: Path) -> None:
    wide = np.zeros((100, LONGEST + 800, 4), np.uint8)
    wide[...] = (*BLUE, 255)
    wide[30:70, 1000:3000] = (*ORANGE, 255)
    made, _ = cut(write_png(tmp_path / "a.png", wide))
    assert made.shape[1] == LONGEST


@pytest.mark.parametrize("alpha", [0, 60])
def test_a_picture_that_is_transparent_already_keeps_its_pixels(tmp_path: Path, alpha: int) -> None:
    given = ball(alpha=alpha)
    made, shape_from = cut(write_png(tmp_path / "a.png", given))
    assert shape_from == "alpha"
    assert (made == given).all()


def test_where_no_figure_can_be_told_apart_the_picture_comes_back_opaque(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (80, 120, 4)).astype(np.uint8)
    noise[..., 3] = 255
    made, shape_from = cut(write_png(tmp_path / "a.png", noise))
    assert shape_from == "rectangle"
    assert (made == noise).all()


def test_what_is_no_picture_or_shows_nothing_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "a.png"
    text.write_bytes(b"This is no picture.")
    with pytest.raises(UnreadablePicture):
        cut(text)
    with pytest.raises(UnreadablePicture, match="fully transparent"):
        cut(write_png(tmp_path / "b.png", np.zeros((20, 20, 4), np.uint8)))
