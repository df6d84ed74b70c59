# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures before plain and shaded backgrounds of many kinds, with shadows of any width: the figure comes out alone."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from model_checks import overlap
from numpy.typing import NDArray
from once import once

from image_to_3d.headless.cutout import cut_out
from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.pixels import Bytes, blur

pytestmark = once  # numpy and pictures alone; test_sculpt and test_cut_out run in every Blender

PICTURES = Path(__file__).resolve().parent.parent / "pictures"


def as_jpeg(path: Path, scene: NDArray[np.float64], quality: int) -> Bytes:
    """An (h, w, 3) scene as it comes back from a JPEG of Blender's."""
    height, width = scene.shape[:2]
    image = bpy.data.images.new("picture", width, height, alpha=True)
    pixels = np.dstack((np.clip(scene, 0, 1), np.ones((height, width)))).astype(np.float32)
    image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
    image.file_format = "JPEG"
    image.save(filepath=str(path), quality=quality)
    bpy.data.images.remove(image)
    return read_picture(path)


def ground(height: int, width: int, colour: tuple[float, float, float], shade: float) -> NDArray[np.float64]:
    """Paper of one colour, darker towards its lower end, with a little noise, always the same."""
    light = 1 - shade * np.linspace(0, 1, height)[:, None, None]
    noise = np.random.default_rng(5).normal(0, 0.004, (height, width, 3))
    return light * np.array(colour) + noise


def with_shadow(scene: NDArray[np.float64], foot: float, width: float, strength: float) -> NDArray[np.float64]:
    """The scene with an elliptic contact shadow at the row `foot`, its penumbra so many pixels wide."""
    y, x = np.mgrid[0 : scene.shape[0], 0 : scene.shape[1]]
    middle, across = scene.shape[1] / 2, 0.3 * scene.shape[1]
    core = (np.hypot((x - middle) / across, (y - foot) / (0.25 * across)) < 1).astype(np.float32)
    return scene * (1 - strength * blur(core, width / 2)[..., None])


def placed(scene: NDArray[np.float64], name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One of the test pictures in the middle of the scene, and where it is opaque."""
    figure = read_picture(PICTURES / f"{name}.png") / 255
    top, left = ((scene.shape[axis] - figure.shape[axis]) // 2 for axis in (0, 1))
    area = np.s_[top : top + figure.shape[0], left : left + figure.shape[1]]
    scene, truth = scene.copy(), np.zeros(scene.shape[:2], np.bool_)
    scene[area] = scene[area] * (1 - figure[..., 3:]) + figure[..., :3] * figure[..., 3:]
    truth[area] = figure[..., 3] >= 0.5
    return scene, truth


@pytest.mark.parametrize("strength", [0.25, 0.45])
@pytest.mark.parametrize("width", [6, 16, 40])
@pytest.mark.parametrize("name", ["elephant", "mushroom", "bear"])
def test_a_contact_shadow_of_any_width_stays_outside(tmp_path: Path, name: str, width: int, strength: float) -> None:
    height, across = (size + 160 for size in read_picture(PICTURES / f"{name}.png").shape[:2])
    scene = with_shadow(ground(height, across, (0.86, 0.85, 0.83), 0.2), height - 85, width, strength)
    scene, truth = placed(scene, name)
    cut = cut_out(as_jpeg(tmp_path / "studio.jpg", scene, 88))
    assert cut.origin == "background"
    assert overlap(cut.matte >= 0.5, truth) > 0.95


@pytest.mark.parametrize("colour", [(0.35, 0.6, 0.75), (0.6, 0.45, 0.7)])
def test_a_shadow_on_coloured_paper_stays_outside(tmp_path: Path, colour: tuple[float, float, float]) -> None:
    height, across = (size + 160 for size in read_picture(PICTURES / "mushroom.png").shape[:2])
    scene, truth = placed(with_shadow(ground(height, across, colour, 0.15), height - 85, 12, 0.4), "mushroom")
    assert overlap(cut_out(as_jpeg(tmp_path / "paper.jpg", scene, 85)).matte >= 0.5, truth) > 0.95


@pytest.mark.parametrize("opacity", [0.2, 0.45])
@pytest.mark.parametrize("name", ["elephant", "mushroom", "bear"])
def test_a_shadow_drawn_with_a_sharp_edge_stays_outside(tmp_path: Path, name: str, opacity: float) -> None:
    height, across = (size + 160 for size in read_picture(PICTURES / f"{name}.png").shape[:2])
    y, x = np.mgrid[0:height, 0:across]
    shadow = np.hypot((x - 0.55 * across) / (0.4 * across), (y - height + 90) / 40) < 1
    scene, truth = placed(np.ones((height, across, 3)) * (1 - opacity * shadow[..., None]), name)
    cut = cut_out(as_jpeg(tmp_path / "drawn.jpg", scene, 88))
    assert overlap(cut.matte >= 0.5, truth) > 0.95


def test_grey_parts_of_a_drawing_are_no_shadow(tmp_path: Path) -> None:
    y, x = np.mgrid[0:320, 0:320]
    body = (abs(x - 160) < 90) & (abs(y - 130) < 70)
    wheels = np.hypot(abs(x - 160) - 50, y - 210) < 34
    scene = np.ones((320, 320, 3))
    for part, colour in ((wheels, (0.7, 0.7, 0.7)), (body, (0.8, 0.2, 0.1))):
        scene[blur(part.astype(np.float32), 2) > 0.05] = 0.1  # the outline
        scene[part] = colour
    truth = scene.min(axis=2) < 1
    assert overlap(cut_out(as_jpeg(tmp_path / "car.jpg", scene, 88)).matte >= 0.5, truth) > 0.97


def test_a_figure_that_shades_through_the_colour_of_the_background_stays_whole() -> None:
    size = 300
    scene = np.full((size, size, 3), 0.6)
    y, x = np.mgrid[0:size, 0:size] - size / 2
    truth = np.hypot(x, y) < 90
    scene[truth] = (0.6 - x / 400)[truth][:, None]  # bright at the left, dark at the right, the background between
    outline = truth & (np.hypot(x, y) > 87)
    scene[outline] = 0.2
    pixels = np.round(np.dstack((scene, np.ones((size, size)))) * 255).astype(np.uint8)
    assert overlap(cut_out(pixels).matte >= 0.5, truth) > 0.97


def test_a_line_of_one_pixel_stays_one_pixel_wide() -> None:
    pixels = np.full((300, 400, 4), 255, np.uint8)
    pixels[40:260, 200, :3] = pixels[150, 60:340, :3] = 0
    inside = cut_out(pixels).matte >= 0.5
    assert inside[40:260, 200].all()
    assert inside[150, 60:340].all()
    assert inside.mean() < 0.015


def test_a_sheet_of_many_figures_is_no_slab() -> None:
    pixels = np.full((480, 480, 4), 255, np.uint8)
    truth = np.zeros((480, 480), np.bool_)
    for top, left in ((top, left) for top in range(20, 460, 60) for left in range(20, 460, 60)):
        truth[top : top + 25, left : left + 25] = True
    pixels[truth, :3] = (200, 60, 30)
    cut = cut_out(pixels)
    assert cut.origin == "background"
    assert overlap(cut.matte >= 0.5, truth) > 0.95


@pytest.mark.parametrize("colour", [(1, 1, 1), (0.5, 0.4, 0.3)])
def test_where_nothing_stands_out_the_whole_picture_is_taken(
    tmp_path: Path, colour: tuple[float, float, float]
) -> None:
    assert cut_out(as_jpeg(tmp_path / "paper.jpg", np.ones((64, 64, 1)) * np.array(colour), 90)).origin == "rectangle"
