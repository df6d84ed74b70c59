# SPDX-License-Identifier: GPL-3.0-or-later
"""Transparency: a shape is taken exactly as it is; one that decides nothing is looked through, and the user hears so."""

import numpy as np
import pytest
from model_checks import overlap
from numpy.typing import NDArray
from once import once

from image_to_3d.headless import cutout
from image_to_3d.headless.cutout import Cutout, NothingToShape, cut_out
from image_to_3d.headless.maps import fitted
from image_to_3d.headless.pixels import blur

pytestmark = once  # numpy and pictures alone; test_sculpt and test_cut_out run in every Blender

HEIGHT, WIDTH = 240, 320
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
FIGURE = (np.hypot(X - 130, Y - 140) < 70) | ((X > 120) & (X < 230) & (Y > 20) & (Y < 60))


def card() -> NDArray[np.uint8]:
    """The figure on opaque near-white."""
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[..., :3] = 250
    pixels[FIGURE, :3] = (40, 160, 60)
    return pixels


def figure(opacity: float = 1.0) -> NDArray[np.uint8]:
    """The figure alone, so opaque."""
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[FIGURE] = (40, 160, 60, round(255 * opacity))
    return pixels


def found(cut: Cutout) -> NDArray[np.bool_]:
    """What is inside, in the picture's own pixels."""
    return fitted(cut.matte, HEIGHT, WIDTH) >= 0.5


def rounded(radius: float) -> NDArray[np.uint8]:
    """The opacity of a card with rounded corners."""
    right = np.maximum(np.maximum(radius - X, X - (WIDTH - radius)), 0)
    down = np.maximum(np.maximum(radius - Y, Y - (HEIGHT - radius)), 0)
    return np.round(np.clip(radius - np.hypot(right, down) + 0.5, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("margin", [1, 2, 5, 11])
def test_a_thin_clear_margin_around_a_card_is_looked_through(margin: int) -> None:
    pixels = card()
    pixels[:margin] = pixels[-margin:] = 0
    pixels[:, :margin] = pixels[:, -margin:] = 0
    cut = cut_out(pixels)
    assert cut.origin == "background"
    assert cutout.MARGIN in cut.note
    assert overlap(found(cut), FIGURE) > 0.97


@pytest.mark.parametrize("radius", [6, 12, 20])
def test_the_rounded_corners_of_a_screenshot_are_looked_through(radius: int) -> None:
    pixels = card()
    pixels[..., 3] = rounded(radius)
    pixels[pixels[..., 3] == 0] = 0
    cut = cut_out(pixels)
    assert cutout.MARGIN in cut.note
    assert overlap(found(cut), FIGURE) > 0.97


def test_where_a_card_shows_no_figure_its_relief_keeps_the_rounded_corners() -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH, 4)).astype(np.uint8)
    pixels[..., 3] = rounded(20)
    cut = cut_out(pixels)
    assert cut.origin == "rectangle"
    assert not found(cut)[0, 0]
    assert found(cut)[HEIGHT // 2].all()


@pytest.mark.parametrize("opacity", [5, 60, 200])
def test_an_equal_opacity_everywhere_is_looked_through(opacity: int) -> None:
    pixels = card()
    pixels[..., 3] = opacity
    cut = cut_out(pixels)
    assert cut.origin == "background"
    assert (cutout.TRACE if opacity < 8 else cutout.VEIL) in cut.note
    assert overlap(found(cut), FIGURE) > 0.97


def test_stray_transparent_dots_are_looked_over() -> None:
    pixels = card()
    pixels[np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.003] = 0
    cut = cut_out(pixels)
    assert cutout.DOTS in cut.note
    assert overlap(found(cut), FIGURE) > 0.97


def test_a_mask_the_wrong_way_round_is_looked_through() -> None:
    pixels = card()
    pixels[FIGURE, 3] = 0
    pixels[FIGURE, 0] = X[FIGURE].astype(np.uint8)
    cut = cut_out(pixels)
    assert cutout.INVERTED in cut.note
    assert overlap(found(cut), FIGURE) > 0.97


@pytest.mark.parametrize("area", [np.s_[100:104, :], np.s_[100:108, 50:60], np.s_[:20, :], np.s_[200:, 290:]])
def test_one_erased_stroke_is_taken_exactly(area: tuple[slice, slice]) -> None:
    pixels = card()
    pixels[(*area, 3)] = 0
    cut = cut_out(pixels)
    assert cut.origin == "alpha"
    assert overlap(found(cut), pixels[..., 3] > 0) > 0.999


@pytest.mark.parametrize("opacity", [0.1, 0.4, 1.0])
def test_a_figure_that_is_equally_translucent_keeps_its_shape(opacity: float) -> None:
    cut = cut_out(figure(opacity))
    assert cut.origin == "alpha"
    assert overlap(found(cut), FIGURE) > 0.99
    assert not cut.note


def test_a_ghost_with_an_opaque_eye_is_a_ghost() -> None:
    pixels = figure(0.4)
    pixels[120:140, 100:120, 3] = 255
    cut = cut_out(pixels)
    assert overlap(found(cut), FIGURE) > 0.95
    assert "translucent" in cut.note


def test_soft_shadows_and_glows_are_left_out() -> None:
    for moved, spread, strength in ((6, 8, 120), (0, 15, 110), (10, 3, 100)):
        pixels = figure()
        shadow = blur(np.roll(FIGURE.astype(np.float32), (moved, moved), (0, 1)), spread) * strength
        pixels[..., 3] = np.maximum(pixels[..., 3], shadow)
        assert overlap(found(cut_out(pixels)), FIGURE) > 0.98


def test_the_soft_shadow_around_a_window_is_left_out() -> None:
    window = (X > 40) & (X < 280) & (Y > 30) & (Y < 200)
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = blur(window.astype(np.float32), 12) * 130
    pixels[window] = (250, 250, 250, 255)
    assert overlap(found(cut_out(pixels)), window) > 0.99


@pytest.mark.parametrize(
    ("width", "opacity"),
    [(0.6, 1.0), (1.0, 1.0), (2.0, 1.0), (0.6, 0.3), (1.0, 0.3), (2.0, 0.3), (1.0, 0.15), (2.0, 0.15)],
)
def test_thin_translucent_lines_stay(width: float, opacity: float) -> None:
    away = np.abs(np.hypot(X - 160, Y - 120) - 80)
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = 255 * opacity * np.clip(width / 2 + 0.5 - away, 0, min(1, width))
    pixels[3:5, 3:5, 3] = 255  # something opaque, beside which they are faint
    inside = found(cut_out(pixels))
    ring = away < 0.4
    assert np.mean(inside[ring]) > 0.95
    assert inside.sum() < 4 * np.pi * 160


def test_what_is_thinner_than_a_pixel_of_the_matte_stays() -> None:
    for area in (np.s_[1000, 1000:3000], np.s_[5, 5]):
        pixels = np.zeros((4096, 4096, 4), np.uint8)
        pixels[(*area, 3)] = 255
        assert (cut_out(pixels).matte >= 0.5).any()


def test_what_a_transparent_figure_encloses_belongs_to_it_where_that_was_chosen() -> None:
    pixels = figure()
    pixels[120:150, 110:140, 3] = 0
    assert not found(cut_out(pixels))[135, 125]
    assert found(cut_out(pixels, "filled"))[135, 125]
    assert overlap(found(cut_out(pixels, "filled")), FIGURE) > 0.99


def test_by_alpha_alone_needs_transparency() -> None:
    assert cut_out(figure(), "alpha").origin == "alpha"
    with pytest.raises(NothingToShape, match="no transparency.*choose another Cutout"):
        cut_out(card(), "alpha")


def test_a_picture_without_any_opacity_is_refused() -> None:
    pixels = card()
    pixels[..., 3] = 0
    for how in ("auto", "filled", "alpha", "rectangle"):
        with pytest.raises(NothingToShape, match="fully transparent"):
            cut_out(pixels, how)
