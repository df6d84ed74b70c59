# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of several silhouettes: they fill every picture, hang together, have the depth that one would expect, and
pictures that cannot be of one object are named."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from once import once

from image_to_3d.headless import hull
from image_to_3d.headless.cutout import Cutout
from image_to_3d.headless.views import AXES, View, framed

pytestmark = once

SIZE = 400  # pixels, side of the drawings
QUADS, MOST = 24_000, 100_000
Y, X = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE  # 0 at the top and on the left, 1 at the bottom and on the right
Drawing = NDArray[np.bool_]


def box(left: float, right: float, bottom: float, top: float) -> Drawing:
    """A rectangle; 0 is the bottom of the picture, 1 its top."""
    return (left < X) & (right > X) & (bottom < 1 - Y) & (top > 1 - Y)


def disc(x: float, y: float, radius: float, flat: float = 1.0) -> Drawing:
    return ((X - x) / radius) ** 2 + ((1 - Y - y) / (radius * flat)) ** 2 < 1


TABLE = box(0.1, 0.9, 0.6, 0.66) | box(0.12, 0.19, 0.1, 0.62) | box(0.81, 0.88, 0.1, 0.62)
TABLE_END = box(0.3, 0.7, 0.6, 0.66) | box(0.31, 0.38, 0.1, 0.62) | box(0.62, 0.69, 0.1, 0.62)
MAN = (
    disc(0.5, 0.86, 0.09) | box(0.4, 0.6, 0.4, 0.78) | box(0.05, 0.95, 0.68, 0.76)
    | box(0.41, 0.48, 0.05, 0.45) | box(0.52, 0.59, 0.05, 0.45)
)  # fmt: skip
MAN_SIDE = disc(0.5, 0.86, 0.09) | disc(0.5, 0.59, 0.09, 2.2) | box(0.46, 0.54, 0.05, 0.45) | box(0.38, 0.54, 0.05, 0.1)
MUG = box(0.2, 0.6, 0.2, 0.8) | (disc(0.6, 0.5, 0.2) & ~disc(0.6, 0.5, 0.13))
MUG_SIDE = box(0.3, 0.7, 0.2, 0.8)
BALL = disc(0.5, 0.5, 0.35)
CUPBOARD, CUPBOARD_SIDE = box(0.15, 0.85, 0.1, 0.9), box(0.3, 0.7, 0.1, 0.9)


def seen(drawings: Mapping[str, Drawing], image: NDArray[np.uint8] | None = None) -> dict[str, View]:
    """Views of drawings, which the user calls a_front.png and so on."""
    if image is None:
        image = np.full((SIZE, SIZE, 4), 150, np.uint8)
    pictures = {
        name: (image, Cutout(drawing.astype(np.float32), "alpha"), f"a_{name}.png")
        for name, drawing in drawings.items()
    }
    return framed(pictures)


def made(drawings: Mapping[str, Drawing], model: str = "turbo", quads: int = QUADS) -> hull.Solid:
    solid, notes = hull.solid(seen(drawings), model, quads, MOST)
    assert notes == []
    return solid


def likeness(solid: hull.Solid, view: View) -> float:
    """Intersection over union of the body's shadow and the view's silhouette."""
    corners = solid.points[solid.quads].astype(np.float64)
    step = 0.5 / view.frame.metre
    parts = int(np.linalg.norm(corners[:, 2] - corners[:, 0], axis=1).max() / step) + 1
    shadow = np.zeros(view.cutout.matte.shape, np.bool_)
    for down in np.linspace(0, 1, parts):
        for across in np.linspace(0, 1, parts):
            shares = np.array([(1 - down) * (1 - across), down * (1 - across), down * across, (1 - down) * across])
            points = (corners * shares[None, :, None]).sum(axis=1)
            columns = view.frame.centre + points @ np.array(AXES[view.name][0]) * view.frame.metre
            rows = view.frame.bottom - points[:, 2] * view.frame.metre
            shadow[np.clip(rows, 0, SIZE - 1).astype(int), np.clip(columns, 0, SIZE - 1).astype(int)] = True
    wanted = view.cutout.matte >= 0.5
    return float((shadow & wanted).sum() / (shadow | wanted).sum())


def pieces(solid: hull.Solid) -> int:
    root = np.arange(len(solid.points))
    edges = np.concatenate([solid.quads[:, [k, (k + 1) % 4]] for k in range(3)])
    while True:
        low = np.minimum(root[edges[:, 0]], root[edges[:, 1]])
        joined = root.copy()
        np.minimum.at(joined, root[edges[:, 0]], low)
        np.minimum.at(joined, root[edges[:, 1]], low)
        joined = joined[joined]
        if np.array_equal(joined, root):
            return len(np.unique(root))
        root = joined


def holes(solid: hull.Solid) -> int:
    """How many holes go through a body of one piece (Euler)."""
    return 1 - (len(solid.points) - len(solid.quads)) // 2


def volume(solid: hull.Solid) -> float:
    triangles, _ = hull.triangulated(solid, None)
    a, b, c = (solid.points[triangles[:, corner]].astype(np.float64) for corner in range(3))
    return float((a * np.cross(b, c)).sum()) / 6


OBJECTS = {
    "table": {"front": TABLE, "right": TABLE_END},
    "man": {"front": MAN, "left": MAN_SIDE[:, ::-1]},
    "man from all sides": {"front": MAN, "back": MAN, "right": MAN_SIDE, "left": MAN_SIDE[:, ::-1]},
    "mug": {"front": MUG, "back": MUG[:, ::-1], "right": MUG_SIDE},
    "cupboard": {"front": CUPBOARD, "right": CUPBOARD_SIDE},
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("quads", [QUADS, 4_450])
def test_the_body_fills_every_silhouette_in_one_piece(name: str, quads: int) -> None:
    solid = made(OBJECTS[name], quads=quads)
    for view in seen(OBJECTS[name]).values():
        # The coarse body's lines may be wider than drawn, and a pixel is 1 % of some of these widths.
        assert likeness(solid, view) >= (0.96 if quads == QUADS else 0.9), view.name
    assert pieces(solid) == 1
    assert volume(solid) > 0
    assert len(solid.quads) <= MOST


def test_two_discs_make_a_ball() -> None:
    solid = made({"front": BALL, "right": BALL})
    radius = np.linalg.norm(solid.points - [0, 0, 0.5], axis=1)
    assert radius.min() > 0.48
    assert radius.max() < 0.515


def test_a_thin_arm_is_thin_in_depth() -> None:
    solid = made({"front": MAN, "right": MAN_SIDE})
    arm = solid.points[np.abs(solid.points[:, 0]) > 0.3]
    assert 0.6 < np.ptp(arm[:, 1]) / np.ptp(arm[:, 2]) < 1.4


def test_straight_edges_make_a_box_and_equal_widths_a_turned_body() -> None:
    cupboard = made({"front": CUPBOARD, "right": CUPBOARD_SIDE})
    assert volume(cupboard) > 0.93 * np.prod(np.ptp(cupboard.points, axis=0))
    drum = made({"front": box(0.3, 0.7, 0.1, 0.9), "right": box(0.3, 0.7, 0.1, 0.9)})
    assert volume(drum) == pytest.approx(np.pi / 4 * np.prod(np.ptp(drum.points, axis=0)), rel=0.03)


def test_a_box_of_equal_widths_is_told_by_the_colours_at_its_edges() -> None:
    image = np.full((SIZE, SIZE, 4), 255, np.uint8)
    image[box(0.36, 0.64, 0.1, 0.9), :3] = 30, 90, 200  # a panel in each of its faces
    drawing = box(0.3, 0.7, 0.1, 0.9)
    solid, _ = hull.solid(seen({"front": drawing, "right": drawing}, image), "turbo", QUADS, MOST)
    assert volume(solid) > 0.93 * np.prod(np.ptp(solid.points, axis=0))


def widths(solid: hull.Solid, up: float) -> tuple[float, float]:
    """How deep a body is in its middle at this share of its height, and across a diagonal of its section."""
    points = solid.points[np.abs(solid.points[:, 2] - up * np.ptp(solid.points[:, 2])) < 0.025]
    return float(np.ptp(points[:, 1])), float((points @ [-(0.5**0.5), 0.5**0.5, 0]).max())


@pytest.mark.parametrize("quads", [QUADS, 4_450])
def test_a_mug_is_as_round_at_its_handles_roots_as_elsewhere(quads: int) -> None:
    solid = made({"front": MUG, "right": MUG_SIDE}, quads=quads)
    depth, corner = widths(solid, 0.92)
    for up in np.arange(0.1, 0.92, 0.04):
        assert widths(solid, up) == (pytest.approx(depth, rel=0.03), pytest.approx(corner, rel=0.03)), up
    handle = solid.points[solid.points[:, 0] > solid.points[:, 0].max() - 0.03]
    assert np.ptp(handle[:, 1]) < 0.3 * depth


@pytest.mark.parametrize("name", ["table", "man", "mug"])
def test_a_body_stands_on_the_ground_and_is_as_large_as_its_pictures(name: str) -> None:
    solid, views = made(OBJECTS[name]), seen(OBJECTS[name])
    assert float(solid.points[:, 2].min()) == pytest.approx(0, abs=1e-6)
    width, height = (np.ptp(np.nonzero(views["front"].cutout.matte.any(axis=axis))[0]) + 1 for axis in (0, 1))
    assert np.ptp(solid.points[:, 0]) / np.ptp(solid.points[:, 2]) == pytest.approx(width / height, rel=0.01)


def test_flat_ends_have_no_teeth() -> None:
    drum = made({"front": box(0.3, 0.7, 0.1, 0.9), "right": box(0.3, 0.7, 0.1, 0.9)})
    away = np.linalg.norm(drum.points[:, :2], axis=1)
    assert away.max() < 1.01 * np.median(away[np.abs(drum.points[:, 2] - 0.5) < 0.3])


def test_holes_stay_open() -> None:
    assert holes(made({"front": MUG, "right": MUG_SIDE})) == 1


def test_what_mirrors_itself_stays_so() -> None:
    solid = made({"front": MAN, "right": MAN_SIDE})
    right, left = (np.sort(side[:, 0]) for side in (solid.points, solid.points * [-1, 1, 1]))
    assert np.abs(right - left).max() < 0.004


def shaded(light: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Points of a ball in such a light (0..255), without relief and with it."""
    image = np.full((SIZE, SIZE, 4), 255, np.uint8)
    image[..., :3] = light[..., None]
    drawings = {"front": BALL, "right": BALL}
    plain, _ = hull.solid(seen(drawings, image), "turbo", QUADS, MOST)
    pressed, _ = hull.solid(seen(drawings, image), "base", QUADS, MOST)
    assert np.array_equal(plain.quads, pressed.quads)
    for view in seen(drawings).values():
        assert likeness(pressed, view) >= 0.97
    return plain.points, pressed.points


def test_relief_follows_the_shading_and_leaves_the_silhouettes() -> None:
    plain, pressed = shaded(100 + 40 * np.exp(-((X - 0.36) ** 2 + (0.4 - Y) ** 2) / 0.03**2))
    moved = np.linalg.norm(pressed - plain, axis=1)
    assert moved.max() > 0.002
    assert np.abs(plain[moved > 0.002, 2] - 0.64).max() < 0.12  # near the bright spot


def test_the_edge_of_another_colour_is_no_step() -> None:
    plain, pressed = shaded(np.where(Y < 0.45, 240, 30))
    assert np.linalg.norm(pressed - plain, axis=1).max() < 0.002


def test_the_same_pictures_give_the_same_body() -> None:
    one, other = (made(OBJECTS["man"], "base") for _ in range(2))
    assert one.points.tobytes() == other.points.tobytes()
    assert one.quads.tobytes() == other.quads.tobytes()


def test_drawings_that_differ_a_little_are_one_object() -> None:
    """A side whose middle is drawn 2 % higher than in the front, and a back that is 3 % narrower."""
    rows = np.arange(SIZE)
    higher = MAN_SIDE[np.clip(rows + (8 * np.sin(np.pi * rows / SIZE)).astype(int), 0, SIZE - 1)]
    narrower = MAN[:, np.clip(((np.arange(SIZE) - SIZE / 2) * 1.03 + SIZE / 2).astype(int), 0, SIZE - 1)]
    drawings = {"front": MAN, "back": narrower, "right": higher}
    solid = made(drawings)
    assert pieces(solid) == 1
    views = seen(drawings)
    assert likeness(solid, views["front"]) >= 0.96
    assert likeness(solid, views["right"]) >= 0.94


def test_an_empty_height_in_one_view_does_not_cut_the_body() -> None:
    solid = made({"front": MAN, "right": MAN_SIDE & ~box(0, 1, 0.3, 0.31)})
    assert pieces(solid) == 1


@pytest.mark.parametrize(
    ("drawings", "called"),
    [
        ({"front": CUPBOARD, "back": box(0.4, 0.6, 0.1, 0.9), "right": CUPBOARD_SIDE}, ("front", "back")),
        ({"front": CUPBOARD, "left": CUPBOARD_SIDE, "right": box(0.1, 0.3, 0.1, 0.3)}, ("left", "right")),
        ({"front": CUPBOARD, "right": box(0.3, 0.7, 0.1, 0.2) | box(0.3, 0.7, 0.8, 0.9)}, ("right", "front")),
        ({"front": CUPBOARD, "left": CUPBOARD & False}, ("left",)),
    ],
    ids=["a narrower back", "sides of other proportions", "a gap in the side", "nothing"],
)
def test_views_that_contradict_each_other_are_named(drawings: Mapping[str, Drawing], called: tuple[str, ...]) -> None:
    with pytest.raises(hull.Contradiction) as caught:
        hull.solid(seen(drawings), "turbo", QUADS, MOST)
    sentence = str(caught.value)
    for name in called:
        assert f"a_{name}.png ({name})" in sentence
    assert "hoose" in sentence  # what to do


def test_pictures_that_make_a_sliver_are_refused() -> None:
    drawings = {"front": box(0.02, 0.98, 0.5, 0.51), "right": box(0.5, 0.503, 0.02, 0.98)}
    with pytest.raises(hull.Contradiction, match=r"a_right\.png \(right\) and a_front\.png \(front\) make a body"):
        hull.solid(seen(drawings), "turbo", QUADS, MOST)


def test_a_side_of_one_line_is_refused() -> None:
    """A line of one pixel, as it is left of a drawing that lost its figure."""
    with pytest.raises(hull.Contradiction, match=r"a_right\.png \(right\)"):
        hull.solid(seen({"front": BALL, "right": box(0.5, 0.5026, 0.1, 0.9)}), "base", 78_000, 200_000)


def test_a_back_that_was_not_mirrored_is_told() -> None:
    """A boot with a far toe, and one with a short one."""
    far, short = (box(0.2, 0.4, 0.1, 0.9) | box(0.2, toe, 0.1, height) for toe, height in ((0.9, 0.4), (0.46, 0.3)))
    with pytest.raises(hull.Contradiction, match=r"a_front\.png \(front\) and a_back\.png \(back\).*flip"):
        hull.solid(seen({"front": far, "back": far, "right": CUPBOARD_SIDE}), "turbo", QUADS, MOST)
    notes = hull.solid(seen({"front": short, "back": short, "right": CUPBOARD_SIDE}), "turbo", QUADS, MOST)[1]
    assert len(notes) == 1
    assert "a_back.png (back)" in notes[0]
    assert "flipped" in notes[0]
    assert hull.solid(seen({"front": far, "back": far[:, ::-1], "right": CUPBOARD_SIDE}), "turbo", QUADS, MOST)[1] == []


def test_views_that_differ_more_than_drawings_do_get_a_note() -> None:
    drawings = {"front": CUPBOARD, "left": CUPBOARD_SIDE, "right": box(0.34, 0.66, 0.1, 0.9)}
    solid, notes = hull.solid(seen(drawings), "turbo", QUADS, MOST)
    assert len(notes) == 1
    assert "a_left.png (left)" in notes[0]
    assert "a_right.png (right)" in notes[0]
    assert pieces(solid) == 1
