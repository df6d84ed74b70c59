# SPDX-License-Identifier: GPL-3.0-or-later
"""Which enclosed areas are holes: drawn shapes on white, cut out as a user's picture is."""

import numpy as np
import pytest
from numpy.typing import NDArray
from once import once

from image_to_3d.headless.cutout import cut_out
from image_to_3d.headless.holes import tidied

pytestmark = once  # numpy and pictures alone; test_sculpt and test_cut_out run in every Blender

SIZE = 256
Drawing = NDArray[np.bool_]
Y, X = np.mgrid[0:SIZE, 0:SIZE] + 0.5


def disc(y: float, x: float, radius: float) -> Drawing:
    return np.hypot(Y - y, X - x) <= radius


def ring(y: float, x: float, radius: float, width: float) -> Drawing:
    return disc(y, x, radius) & ~disc(y, x, radius - width)


def box(top: float, bottom: float, left: float, right: float) -> Drawing:
    return (top <= Y) & (bottom > Y) & (left <= X) & (right > X)


def line(start: tuple[float, float], end: tuple[float, float], width: float) -> Drawing:
    """A stroke of `width` pixels between two points (y, x)."""
    down, right = end[0] - start[0], end[1] - start[1]
    along = np.clip(((Y - start[0]) * down + (X - start[1]) * right) / (down**2 + right**2), 0, 1)
    return np.hypot(Y - start[0] - along * down, X - start[1] - along * right) <= width / 2


def shown(drawing: Drawing, how: str = "auto") -> Drawing:
    """What is cut out of a dark drawing on white."""
    picture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    picture[drawing, :3] = (40, 60, 120)
    return cut_out(picture, how).matte >= 0.5


def letter_a() -> Drawing:
    return line((220, 50), (40, 128), 34) | line((220, 206), (40, 128), 34) | line((160, 90), (160, 166), 30)


def wheel(spokes: int) -> Drawing:
    drawing = ring(128, 128, 110, 12) | disc(128, 128, 12)
    for angle in np.arange(spokes) * 2 * np.pi / spokes:
        drawing |= line((128, 128), (128 + 104 * np.sin(angle), 128 + 104 * np.cos(angle)), 4)
    return drawing


def fence() -> Drawing:
    drawing = box(70, 84, 16, 240) | box(170, 184, 16, 240)
    for left in range(16, 240, 24):
        drawing |= box(40, 220, left, left + 8)
    return drawing


def lattice() -> Drawing:
    """An ornament: deep inside it are areas of many sizes."""
    drawing = ring(128, 128, 116, 12)
    for place in (60, 100, 146, 190):
        drawing |= (box(place, place + 12, 0, SIZE) | box(0, SIZE, place + 6, place + 18)) & disc(128, 128, 116)
    return drawing


def mug() -> Drawing:
    return box(60, 200, 40, 160) | (ring(130, 160, 50, 16) & (X > 150))


def scissors() -> Drawing:
    blades = line((30, 90), (180, 160), 16) | line((30, 166), (180, 96), 16)
    return blades | ring(205, 80, 34, 12) | ring(205, 176, 34, 12)


def chain() -> Drawing:
    return ring(128, 60, 40, 16) | ring(128, 128, 40, 16) | ring(128, 196, 40, 16)


@pytest.mark.parametrize(
    ("drawing", "hole"),
    [
        (ring(128, 128, 100, 40), (128, 128)),
        (mug(), (130, 180)),
        (scissors(), (210, 80)),
        (chain(), (128, 60)),
        (letter_a(), (122, 128)),
        (wheel(12), (142, 185)),
        (fence(), (128, 36)),
        (lattice(), (128, 136)),
        (ring(128, 128, 100, 14), (128, 128)),
    ],
    ids=["ring", "mug", "scissors", "chain", "letter", "wheel", "fence", "lattice", "hoop"],
)
def test_what_one_looks_through_is_a_hole(drawing: Drawing, hole: tuple[int, int]) -> None:
    matte = shown(drawing)
    assert not matte[hole]
    assert shown(drawing, "filled")[hole]


def snowman() -> Drawing:
    return ring(80, 128, 45, 3) | ring(170, 128, 62, 3) | disc(72, 112, 4) | disc(72, 144, 4)


def badge() -> Drawing:
    return ring(128, 128, 110, 14) | box(100, 160, 90, 104) | box(100, 160, 150, 164)


def no_entry() -> Drawing:
    return ring(128, 128, 110, 22) | line((55, 55), (201, 201), 22)


def pictogram() -> Drawing:
    arrow = line((60, 128), (200, 128), 20) | line((60, 128), (120, 75), 20) | line((60, 128), (120, 181), 20)
    return box(20, 236, 20, 236) & ~arrow


@pytest.mark.parametrize(
    ("drawing", "inside"),
    [
        (snowman(), (190, 128)),
        (badge(), (128, 128)),
        (no_entry(), (90, 160)),
        (pictogram(), (150, 128)),
        (ring(128, 128, 100, 6), (128, 128)),
    ],
    ids=["snowman", "badge", "no entry", "pictogram", "outline"],
)
def test_the_inside_of_an_outline_belongs_to_the_figure(drawing: Drawing, inside: tuple[int, int]) -> None:
    assert shown(drawing)[inside]


def test_a_broken_outline_still_encloses() -> None:
    outline = ring(128, 128, 100, 5) & ~box(20, 40, 127, 129)
    assert shown(outline)[128, 128]


def test_flats_that_nearly_touch_at_corners_enclose_nothing() -> None:
    across = box(57, 103, 105, 151) | box(153, 199, 105, 151)
    flats = across | across.T
    white = np.ones((SIZE, SIZE, 3), np.float32)
    drawn = np.where(flats[..., None], 0, white).astype(np.float32)
    kept, _ = tidied(flats, drawn, white, is_filled=True)
    assert not kept[128, 128]


def test_in_a_painted_figure_the_gap_beside_an_arm_is_a_hole() -> None:
    body, arm = box(40, 240, 30, 130), ring(120, 130, 45, 14) & (X > 125)
    picture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    paints = ((200, 40, 40), (40, 160, 60), (50, 60, 190), (230, 180, 40))
    for number, paint in enumerate(paints):
        picture[..., :3][(body | arm) & (number == Y // 30 % 4)] = paint
    assert cut_out(picture).matte[120, 145] < 0.5


def test_a_bay_is_open() -> None:
    assert not shown(ring(128, 128, 100, 40) & ~box(20, 100, 118, 138))[128, 128]


def test_what_was_painted_nearly_white_is_no_hole() -> None:
    drawing = ring(128, 128, 100, 40)
    white = np.ones((SIZE, SIZE, 3), np.float32)
    for shade, is_hole in ((1.0, True), (0.975, False)):
        colour = np.where(disc(128, 128, 60)[..., None], np.float32(shade), white)
        colour[drawing] = (0.2, 0.3, 0.5)
        kept, pierced = tidied(drawing, colour, white)
        assert kept[128, 128] != is_hole
        assert pierced == is_hole


def test_in_a_photograph_background_between_thin_limbs_is_a_hole() -> None:
    noise = np.random.default_rng(3)
    legs = line((40, 60), (220, 40), 12) | line((40, 60), (220, 200), 12) | line((210, 40), (210, 200), 12)
    figure = legs | disc(60, 80, 30)
    picture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    grain = noise.normal(0, 9, (SIZE, SIZE, 1)) + np.array([110, 90, 70])
    picture[..., :3][figure] = np.clip(grain, 0, 255)[figure]
    assert cut_out(picture).matte[170, 90] < 0.5


def test_dust_goes_and_small_parts_stay() -> None:
    body, dot, dust = box(80, 240, 100, 150), disc(50, 125, 4), box(20, 22, 20, 21)
    matte = shown(body | dot | dust)
    assert matte[50, 125]
    assert not matte[20, 20]


def test_a_slanting_line_of_single_pixels_is_no_dust() -> None:
    mask = box(200, 250, 20, 70) | (np.abs(Y - X) < 0.5)
    white = np.ones((SIZE, SIZE, 3), np.float32)
    kept, pierced = tidied(mask, np.where(mask[..., None], 0, white).astype(np.float32), white)
    assert kept[128, 128]
    assert not pierced
