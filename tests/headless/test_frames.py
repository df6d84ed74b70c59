# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames around a picture: the inside is looked at as if they were not there; what only looks like one is kept."""

import numpy as np
import pytest
from model_checks import overlap
from numpy.typing import NDArray
from once import once

from image_to_3d.headless import cutout
from image_to_3d.headless.cutout import Cutout, cut_out
from image_to_3d.headless.maps import fitted

HEIGHT, WIDTH = 270, 360
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
FIGURE = (np.hypot(X - 150, Y - 150) < 75) | ((X > 140) & (X < 260) & (Y > 25) & (Y < 70))
BACKGROUNDS = [(250, 250, 250), (200, 220, 240), (70, 75, 90)]

Framed = tuple[NDArray[np.uint8], NDArray[np.bool_]]  # colours (h, w, 3), and where the figure is


def scene(background: tuple[int, int, int], noise: float = 0) -> Framed:
    """The figure before one colour."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.float64)
    pixels[:] = background
    pixels[FIGURE] = (190, 40, 30)
    pixels += np.random.default_rng(2).normal(0, noise, pixels.shape) if noise else 0
    return np.clip(pixels, 0, 255).astype(np.uint8), FIGURE


def photograph() -> Framed:
    """Something in which nothing can be told apart."""
    random = np.random.default_rng(4)
    coarse = random.integers(0, 255, (HEIGHT // 10, WIDTH // 10, 3))
    pixels = np.kron(coarse, np.ones((10, 10, 1))) + random.normal(0, 8, (HEIGHT, WIDTH, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), np.ones((HEIGHT, WIDTH), np.bool_)


def around(inner: Framed, colour: tuple[int, int, int], *widths: int) -> Framed:
    """A band of one colour around it: as wide as told above, below, at the left, at the right; or the same all round."""
    top, bottom, left, right = widths if len(widths) == 4 else widths * 4
    edges = ((top, bottom), (left, right))
    pixels = np.stack(
        [np.pad(inner[0][..., channel], edges, constant_values=colour[channel]) for channel in range(3)], axis=2
    )
    return pixels, np.pad(inner[1], edges)


def film(inner: Framed) -> Framed:
    """The dark edges of a film, with holes."""
    pixels, mask = around(inner, (18, 18, 18), 56, 56, 8, 8)
    for left in range(12, pixels.shape[1] - 24, 34):
        pixels[16:40, left : left + 18] = 240
        pixels[-40:-16, left : left + 18] = 240
    return pixels, mask


FRAMES = {
    "border": lambda inner: around(inner, (0, 0, 0), 5),
    "wide": lambda inner: around(inner, (110, 30, 40), 45),
    "letterbox": lambda inner: around(inner, (0, 0, 0), 70, 70, 0, 0),
    "pillarbox": lambda inner: around(inner, (0, 0, 0), 0, 0, 150, 150),
    "polaroid": lambda inner: around(inner, (244, 242, 236), 20, 80, 20, 20),
    "double": lambda inner: around(around(inner, (20, 20, 20), 3), (180, 150, 60), 22),
    "inset line": lambda inner: around(around(inner, (60, 60, 60), 2), (250, 250, 250), 5),
    "one pixel": lambda inner: around(inner, (30, 30, 30), 1),
    "film": film,
}


def picture(framed: Framed) -> NDArray[np.uint8]:
    """Opaque bytes."""
    return np.dstack((framed[0], np.full(framed[0].shape[:2], 255, np.uint8)))


def found(cut: Cutout, framed: Framed) -> NDArray[np.bool_]:
    """What is inside, in the picture's own pixels."""
    return fitted(cut.matte, *framed[1].shape) >= 0.5


@once
@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_is_left_out(kind: str, background: tuple[int, int, int]) -> None:
    framed = FRAMES[kind](scene(background))
    cut = cut_out(picture(framed))
    assert cut.origin == "background"
    assert cutout.FRAME in cut.note
    assert overlap(found(cut, framed), framed[1]) > 0.97


@pytest.mark.parametrize("kind", ["border", "wide", "letterbox", "polaroid", "film"])
def test_a_noisy_frame_is_left_out(kind: str) -> None:
    pixels, mask = FRAMES[kind](scene((205, 215, 225), noise=2))
    noise = np.random.default_rng(5).normal(0, 2.5, pixels.shape)
    framed = (np.clip(pixels + noise, 0, 255).astype(np.uint8), mask)
    cut = cut_out(picture(framed))
    assert cutout.FRAME in cut.note
    assert overlap(found(cut, framed), mask) > 0.97


@pytest.mark.parametrize("kind", ["border", "wide", "letterbox", "polaroid"])
def test_where_nothing_can_be_told_apart_the_relief_is_of_the_inside_alone(kind: str) -> None:
    framed = FRAMES[kind](photograph())
    cut = cut_out(picture(framed))
    assert cut.origin == "rectangle"
    assert cutout.FRAME in cut.note
    assert "its inside became a relief" in cut.note
    assert overlap(found(cut, framed), framed[1]) > 0.96
    assert not (found(cut, framed) & ~framed[1]).any()


def test_a_white_border_around_a_photograph_is_left_out() -> None:
    framed = around(photograph(), (255, 255, 255), 30)
    cut = cut_out(picture(framed))
    assert cut.origin == "rectangle"
    assert not (found(cut, framed) & ~framed[1]).any()


def flag() -> Framed:
    """A rectangular figure of flat colours."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:] = (200, 30, 40)
    pixels[100:160], pixels[:, 100:160] = 255, 255
    return pixels, np.ones((HEIGHT, WIDTH), np.bool_)


@pytest.mark.parametrize("margin", [25, 40, 60])
def test_the_page_around_a_flag_is_no_frame(margin: int) -> None:
    framed = around(flag(), (255, 255, 255), margin)
    cut = cut_out(picture(framed))
    assert cutout.FRAME not in cut.note
    assert found(cut, framed)[margin + 20, margin + 20]


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_plain_background_is_no_frame(background: tuple[int, int, int]) -> None:
    for inner in (scene(background), around(scene(background), background, 30)):
        assert cutout.FRAME not in cut_out(picture(inner)).note


def test_a_figure_that_touches_the_border_is_no_frame() -> None:
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[:, 100:200, :3] = (20, 60, 120)
    pixels[180:, :, :3] = (20, 60, 120)
    assert cutout.FRAME not in cut_out(pixels).note


def test_a_shaded_background_is_no_frame() -> None:
    light = 230 - 60 * (Y / HEIGHT)[..., None] * np.ones(3)
    light[FIGURE] = (60, 90, 40)
    assert cutout.FRAME not in cut_out(picture((light.astype(np.uint8), FIGURE))).note
