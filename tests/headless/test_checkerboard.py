# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted checkerboard is background, whatever its squares; chequers that are the figure, or all there is, are not."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from model_checks import overlap
from numpy.typing import NDArray
from once import once

from image_to_3d.headless.cutout import Cutout, cut_out
from image_to_3d.headless.maps import fitted
from image_to_3d.headless.picture import read_picture

pytestmark = once  # numpy and pictures alone; test_sculpt and test_cut_out run in every Blender

HEIGHT, WIDTH = 400, 520
TAKEN = "The painted checkerboard was taken for transparency"


def grid(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Down and right, of the pixels' centres."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return y, x


def chequers(light: int, dark: int, square: float, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.float32]:
    """A board (h, w), smooth between squares that are no whole pixels, as a scaled picture is."""
    fine = 4
    y, x = (np.floor(axis / fine / square).astype(int) for axis in grid(height * fine, width * fine))
    board = np.where((x + y) % 2, dark, light).astype(np.float32)
    return board.reshape(height, fine, width, fine).mean((1, 3))


def figure(height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.bool_]:
    """A disc and a bar."""
    y, x = grid(height, width)
    away = np.hypot(x - 0.45 * width, y - 0.55 * height) < 0.3 * height
    return away | ((np.abs(x - 0.6 * width) < 0.2 * width) & (np.abs(y - 0.2 * height) < 0.06 * height))


def before(board: NDArray[np.float32], colour: tuple[int, int, int] = (40, 120, 70)) -> NDArray[np.uint8]:
    """The figure before a board, opaque."""
    pixels = np.full((*board.shape, 4), 255, np.uint8)
    pixels[..., :3] = np.round(board)[..., None]
    pixels[figure(*board.shape), :3] = colour
    return pixels


def jpeg(pixels: NDArray[np.uint8], folder: Path, quality: int) -> NDArray[np.uint8]:
    """The same after it was saved as a JPEG."""
    image = bpy.data.images.new("board", pixels.shape[1], pixels.shape[0])
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1] / np.float32(255)).ravel())
    image.file_format = "JPEG"
    image.save(filepath=str(folder / "board.jpg"), quality=quality)
    bpy.data.images.remove(image)
    return read_picture(folder / "board.jpg")


def found(cut: Cutout, shape: tuple[int, ...] = (HEIGHT, WIDTH)) -> NDArray[np.bool_]:
    """What is inside, in the picture's own pixels."""
    return fitted(cut.matte, *shape[:2]) >= 0.5


@pytest.mark.parametrize("greys", [(255, 204), (255, 238), (204, 153), (64, 44)])
@pytest.mark.parametrize("square", [4, 8, 11.3, 32, 50])
def test_a_painted_checkerboard_is_background(greys: tuple[int, int], square: float) -> None:
    cut = cut_out(before(chequers(*greys, square)))
    assert cut.origin == "background"
    assert TAKEN in cut.note
    assert overlap(found(cut), figure()) > 0.96


@pytest.mark.parametrize("quality", [60, 85])
@pytest.mark.parametrize("square", [10, 16.4, 40])
def test_it_is_after_jpeg_too(tmp_path: Path, square: float, quality: int) -> None:
    cut = cut_out(jpeg(before(chequers(255, 204, square)), tmp_path, quality))
    assert TAKEN in cut.note
    assert overlap(found(cut), figure()) > 0.93


def test_a_white_figure_before_white_and_grey_is_nearly_whole() -> None:
    pixels = before(chequers(255, 204, 10), (255, 255, 255))
    inside = found(cut_out(pixels))
    assert overlap(inside, figure()) > 0.8  # white squares that its outline cuts cannot be told from it
    assert inside[220:240, 220:240].all()


def test_the_board_is_seen_through_a_ring() -> None:
    board = chequers(255, 204, 8)
    pixels = before(board)
    y, x = grid(HEIGHT, WIDTH)
    hole = np.hypot(x - 0.45 * WIDTH, y - 0.55 * HEIGHT) < 60
    pixels[hole, :3] = board[hole, None]
    cut = cut_out(pixels)
    assert overlap(found(cut), figure() & ~hole) > 0.95
    assert overlap(found(cut_out(pixels, "filled")), figure()) > 0.95


def test_a_bust_that_touches_the_border_stands_before_it() -> None:
    board = chequers(255, 204, 12)
    y, x = grid(HEIGHT, WIDTH)
    bust = (np.hypot(x - 260, y - 160) < 90) | ((y > 260) & (np.abs(x - 260) < 200))
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[..., :3] = board[..., None]
    pixels[bust, :3] = (150, 60, 40)
    cut = cut_out(pixels)
    assert TAKEN in cut.note
    assert overlap(found(cut), bust) > 0.96


def test_a_chess_board_on_a_table_stays() -> None:
    pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    pixels[..., :3] = (245, 245, 245)
    pixels[60:340, 120:400, :3] = chequers(220, 40, 35, 280, 280)[..., None]
    cut = cut_out(pixels, "filled")
    assert TAKEN not in cut.note
    board = np.zeros((HEIGHT, WIDTH), np.bool_)
    board[60:340, 120:400] = True
    assert overlap(found(cut), board) > 0.97


@pytest.mark.parametrize("colours", [(255, 204), (250, 10)])
def test_a_picture_of_nothing_but_chequers_is_not_taken_away(colours: tuple[int, int]) -> None:
    cut = cut_out(before(chequers(*colours, 20))[:60, :60])
    assert TAKEN not in cut.note
    assert found(cut, (60, 60)).any()


def test_a_coloured_tablecloth_is_no_transparency() -> None:
    pixels = before(chequers(255, 204, 16))
    cloth = chequers(255, 60, 16)
    pixels[..., 1:3] = np.where(figure()[..., None], pixels[..., 1:3], cloth[..., None])
    pixels[~figure(), 0] = 230
    assert TAKEN not in cut_out(pixels).note


def test_a_noisy_grey_background_is_no_checkerboard() -> None:
    noise = np.random.default_rng(8).normal(200, 6, (HEIGHT, WIDTH))
    shaded = noise - np.linspace(0, 40, WIDTH)
    for board in (noise, shaded):
        assert TAKEN not in cut_out(before(board.clip(0, 255).astype(np.float32))).note
