# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure before what is not plain: a table and a wall, something blurred; and pictures in which there is none."""

from pathlib import Path

import numpy as np
import pytest
from once import once

from image_to_3d.headless import figure
from image_to_3d.headless.cutout import cut_out
from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.pixels import Bytes, Floats, Mask, blur, enlarge, shrink

pytestmark = once  # numpy and pictures alone; test_sculpt and test_cut_out run in every Blender

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
FIGURES = ["elephant", "mushroom", "pig"]


def placed(name: str) -> tuple[Floats, Floats]:
    """The figure's colours and its alpha (0..1) in the middle of a larger picture, 320 pixels wide or so."""
    pixels = shrink(read_picture(PICTURES / f"{name}.png"), 320)
    height, width = pixels.shape[:2]
    around = max(height, width) // 4
    padded = np.pad(pixels, ((around, around), (around, around), (0, 0)))
    return padded[..., :3], padded[..., 3:]


def before(name: str, background: Floats, noise: float = 0.006) -> tuple[Floats, Mask]:
    """The figure before a background of the size that `placed` has."""
    colour, alpha = placed(name)
    random = np.random.default_rng(5)
    picture = colour * alpha + background * (1 - alpha) + random.normal(0, noise, colour.shape)
    return picture.clip(0, 1).astype(np.float32), alpha[..., 0] >= 0.5


def table(name: str) -> Floats:
    """A bright wall, a brown table, and a soft shadow on it."""
    height, width = placed(name)[1].shape[:2]
    background = np.empty((height, width, 3), np.float32)
    background[:] = (0.86, 0.86, 0.83)
    background[round(0.62 * height) :] = (0.58, 0.43, 0.31)
    down, right = np.mgrid[:height, :width]
    ellipse = ((down / height - 0.8) / 0.06) ** 2 + ((right / width - 0.5) / 0.3) ** 2 < 1
    return background * (1 - 0.4 * blur(ellipse.astype(np.float32), 5))[..., None]


def blobs(name: str, seed: int = 3) -> Floats:
    """Wild colours that flow into each other."""
    height, width = placed(name)[1].shape[:2]
    coarse = np.random.default_rng(seed).random((7, 7, 3)).astype(np.float32)
    return blur(enlarge(coarse, height, width), 6)


def overlap(found: Mask | None, truth: Mask) -> float:
    assert found is not None
    return float((found & truth).sum() / (found | truth).sum())


def as_bytes(colour: Floats) -> Bytes:
    opaque = np.full((*colour.shape[:2], 4), 255, np.uint8)
    opaque[..., :3] = np.round(colour * 255)
    return opaque


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_on_a_table_before_a_wall_is_found_without_its_shadow(name: str) -> None:
    picture, truth = before(name, table(name))
    assert overlap(figure.found(picture), truth) > 0.9


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_before_something_blurred_is_found(name: str) -> None:
    picture, truth = before(name, blobs(name))
    assert overlap(figure.found(picture), truth) > 0.9


def test_a_figure_scores_higher_than_half_of_it_and_than_it_with_the_table() -> None:
    picture, truth = before("bear", table("bear"))
    half = truth.copy()
    half[:, : half.shape[1] // 2] = False
    with_table = truth.copy()
    with_table[round(0.62 * len(truth)) :] = True
    score = figure.score(picture, truth)
    assert score >= figure.CONVINCING
    assert score > figure.score(picture, half)
    assert score > figure.score(picture, with_table)


def test_nothing_and_everything_are_no_figures() -> None:
    picture = blobs("bear")
    assert figure.score(picture, np.zeros(picture.shape[:2], np.bool_)) == 0
    assert figure.score(picture, np.ones(picture.shape[:2], np.bool_)) == 0


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_in_a_photograph_that_is_all_picture_nothing_convinces(name: str) -> None:
    colour = shrink(read_picture(PICTURES / f"{name}.jpg")[..., :3], 512)
    mask = figure.found(colour)
    assert mask is None or figure.score(colour, mask) < figure.CONVINCING


@pytest.mark.parametrize(
    "size", [(1, 1), (31, 400), (400, 33), (40, 40), (5, 1000), (33, 1024)], ids=lambda size: f"{size[0]}x{size[1]}"
)
@pytest.mark.parametrize("kind", ["even", "noise", "stripes"])
def test_pictures_of_any_size_and_without_a_figure_pass(size: tuple[int, int], kind: str) -> None:
    picture = np.full((*size, 3), 0.5, np.float32)
    if kind == "noise":
        picture = np.random.default_rng(1).random((*size, 3)).astype(np.float32)
    if kind == "stripes":
        picture[:, ::2] = 1
    mask = figure.found(picture)
    assert mask is None or mask.shape == size


def test_the_matte_of_a_mask_keeps_lines_of_one_pixel() -> None:
    mask = np.zeros((40, 40), np.bool_)
    mask[20] = mask[5:15, 5:15] = True
    assert np.array_equal(figure.matte(mask) >= 0.5, mask)


def test_the_user_hears_that_edges_and_colours_decided() -> None:
    picture, truth = before("elephant", blobs("elephant"))
    cut = cut_out(as_bytes(picture))
    assert cut.origin == "background"
    assert "edges and colours" in cut.note
    assert overlap(cut.matte >= 0.5, truth) > 0.9
