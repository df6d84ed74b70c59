# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface of a field on a grid: closed whatever the field, in the wanted number of quads, true to its
silhouettes."""

import numpy as np
import pytest
from once import once

from image_to_3d.headless import nets, rims, thin
from image_to_3d.headless.crumbs import pieces_of
from image_to_3d.headless.cutout import Cutout
from image_to_3d.headless.grid import Grid
from image_to_3d.headless.hull import triangulated
from image_to_3d.headless.views import AXES, framed

pytestmark = once

SHAPES = {
    "ball": lambda x, y, z: 0.45 - np.sqrt(x * x + y * y + z * z),
    "steps": lambda x, y, z: np.sign(0.45 - np.sqrt(x * x + y * y + z * z)),
    "ring": lambda x, y, z: 0.1 - np.sqrt((np.sqrt(x * x + y * y) - 0.35) ** 2 + z * z),
    "box": lambda x, y, z: np.minimum(np.minimum(0.4 - abs(x), 0.3 - abs(y)), 0.45 - abs(z)),
    "sponge": lambda x, y, z: np.minimum(
        0.45 - np.sqrt(x * x + y * y + z * z),
        0.03 * (np.sin(20 * x) * np.cos(20 * y) + np.sin(20 * y) * np.cos(20 * z) + np.sin(20 * z) * np.cos(20 * x)),
    ),
    "rod": lambda x, y, z: np.minimum(0.03 - np.sqrt((x - 0.3 * z) ** 2 + (y - 0.2 * z) ** 2), 0.45 - abs(z)),
    "touching": lambda x, y, z: np.maximum(
        0.2 - np.sqrt((x - 0.2) ** 2 + y * y + z * z), 0.2 - np.sqrt((x + 0.2) ** 2 + y * y + z * z)
    ),
    "edge to edge": lambda x, y, z: (
        np.minimum(np.where((x > 0) == (y > 0), 1, -1), 0.4 - np.maximum(abs(x), abs(y)))
        + np.where(abs(z) < 0.4, 0, -2)
    ),
    "cut off": lambda x, y, z: 0.8 - np.sqrt(x * x + y * y + z * z),
}


def grid_of(shape, pitch):
    """A shape within half a metre of the middle, on a grid."""
    count = int(np.ceil(1 / pitch)) + 4
    line = (np.arange(count) - (count - 1) / 2) * pitch
    x, y, z = np.meshgrid(line, line, line, indexing="ij", sparse=True)
    values = np.broadcast_to(shape(x, y, z), (count, count, count)).astype(np.float32)
    return Grid(values, np.full(3, line[0]), pitch)


def is_closed(faces):
    """Whether every edge has exactly two faces, one each way round."""
    size = int(faces.max()) + 1
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    forward = np.unique(start * size + end)
    return len(forward) == len(start) and np.array_equal(forward, np.unique(end * size + start))


def volume(solid):
    a, b, c = (solid.points[triangulated(solid, None)[0][:, corner]].astype(float) for corner in range(3))
    return float((a * np.cross(b, c)).sum()) / 6


def assert_sound(solid):
    """Closed, of faces with an area, no two points in one place: a viewer that welds points keeps it closed."""
    triangles, _ = triangulated(solid, None)
    assert is_closed(solid.quads)
    assert is_closed(triangles)
    assert len(np.unique(solid.points, axis=0)) == len(solid.points)
    a, b, c = (solid.points[triangles[:, corner]].astype(float) for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    assert areas.min() > 1e-9 * np.ptp(solid.points, axis=0).max() ** 2
    assert volume(solid) > 0


@pytest.mark.parametrize("pitch", [0.0171, 0.04, 0.09])
@pytest.mark.parametrize("name", SHAPES)
def test_a_surface_is_closed(name, pitch):
    assert_sound(nets.quads_of(grid_of(SHAPES[name], pitch)))


@pytest.mark.parametrize("seed", range(12))
def test_the_surface_of_noise_is_closed(seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(9, 12, 15)).astype(np.float32) - np.float32(0.4 * (seed % 4))
    assert_sound(nets.quads_of(Grid(values, np.zeros(3), 0.1)))


def test_a_ball_is_round_and_as_large_as_it_should_be():
    ball = nets.quads_of(grid_of(SHAPES["ball"], 0.0171))
    away = np.linalg.norm(ball.points, axis=1)
    assert abs(away - 0.45).max() < 0.002
    assert volume(ball) == pytest.approx(4 / 3 * np.pi * 0.45**3, rel=0.01)


@pytest.mark.parametrize("name", ["ball", "ring", "box"])
@pytest.mark.parametrize(("wanted", "most"), [(20_000, 25_000), (2_225, 2_500)])
def test_there_are_about_as_many_quads_as_wanted(name, wanted, most):
    body = nets.solid(lambda pitch: grid_of(SHAPES[name], pitch), wanted, most)
    assert 0.85 * wanted <= len(body.quads) <= most
    assert_sound(body)


def test_the_same_field_gives_the_same_surface():
    one, other = (nets.quads_of(grid_of(SHAPES["sponge"], 0.04)) for _ in range(2))
    assert np.array_equal(one.points, other.points)
    assert np.array_equal(one.quads, other.quads)


def test_where_nothing_is_inside_there_are_no_quads():
    assert len(nets.solid(lambda pitch: grid_of(lambda x, y, z: -1 + 0 * (x + y + z), pitch), 2_000, 2_500).quads) == 0


@pytest.mark.parametrize(("height", "pieces"), [(0.0, 1), (0.47, 2)])
def test_a_crumb_behind_the_body_goes_and_one_above_it_stays(height, pieces):
    def two_walls(x, y, z):
        along = np.minimum(0.4 - abs(x), 0.05 - abs(y - 0.3))
        across = np.minimum(0.4 - abs(y), 0.05 - abs(x - 0.3))
        crumb = 0.02 - np.sqrt((x + 0.2) ** 2 + (y + 0.2) ** 2 + (z - height) ** 2)
        return np.maximum(np.minimum(np.maximum(along, across), 0.4 - abs(z)), crumb)

    body = nets.solid(lambda pitch: grid_of(two_walls, pitch), 20_000, 25_000)
    assert len(np.unique(pieces_of(body))) == pieces


@pytest.fixture(scope="module")
def table():
    """A table on thin legs, from the front and from the right: mattes of 500 pixels, soft by a pixel."""
    height, width = 500, 500
    down, right = np.mgrid[0:height, 0:width] + 0.5

    def box(left, top, wide, high):
        edge = np.minimum(np.minimum(right - left, left + wide - right), np.minimum(down - top, top + high - down))
        return np.clip(edge + 0.5, 0, 1).astype(np.float32)

    front = np.maximum.reduce([box(50, 120, 400, 30), box(60.3, 140, 9, 330), box(430.6, 140, 9, 330)])
    side = np.maximum.reduce([box(120, 120, 260, 30), box(130.2, 140, 9, 330), box(360.4, 140, 9, 330)])
    image = np.full((height, width, 4), 255, np.uint8)
    return framed({"front": (image, Cutout(front, "alpha"), "a"), "right": (image, Cutout(side, "alpha"), "b")})


def hull_of(views, pitch):
    """What both mattes allow, their thin lines widened to two cells."""
    lines = [np.arange(-0.5 * size, 0.5 * size, pitch) for size in (1.1, 1.1)] + [np.arange(-0.05, 1, pitch)]
    across = []
    for view, line in zip(("front", "right"), lines[:2], strict=True):
        frame = views[view].frame
        matte = thin.widened(views[view].cutout.matte, 2 * pitch * frame.metre)
        rows, columns = frame.bottom - lines[2] * frame.metre, frame.centre + line * frame.metre
        within = (rows < len(matte))[:, None] & (columns >= 0) & (columns < matte.shape[1])
        nearest = matte[rows.astype(int).clip(0, len(matte) - 1)][:, columns.astype(int).clip(0, matte.shape[1] - 1)]
        across.append(np.where(within, nearest, 0).T - np.float32(0.5))
    values = np.minimum(across[0][:, None], across[1][None])
    return Grid(values, np.array([line[0] for line in lines]), pitch)


def silhouette(solid, view):
    """Which pixels of a view's matte have their centre in the body's shadow."""
    shadow = np.zeros(view.cutout.matte.shape, np.bool_)
    right = solid.points @ np.array(AXES[view.name][0])
    x = view.frame.centre + right * view.frame.metre
    y = view.frame.bottom - solid.points[:, 2] * view.frame.metre
    for corners in triangulated(solid, None)[0]:
        (xa, xb, xc), (ya, yb, yc) = x[corners], y[corners]
        twice = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
        if twice <= 0:  # turned away, or seen from its edge
            continue
        left, top = int(min(xa, xb, xc)), int(min(ya, yb, yc))
        down, along = np.mgrid[top : int(max(ya, yb, yc)) + 1, left : int(max(xa, xb, xc)) + 1] + 0.5
        one = (xb - xa) * (down - ya) - (yb - ya) * (along - xa)
        two = (xc - xb) * (down - yb) - (yc - yb) * (along - xb)
        three = (xa - xc) * (down - yc) - (ya - yc) * (along - xc)
        part = shadow[top : top + len(down), left : left + along.shape[1]]
        part |= ((one >= 0) & (two >= 0) & (three >= 0))[: part.shape[0], : part.shape[1]]
    return shadow


@pytest.mark.parametrize(("wanted", "most"), [(12_000, 15_000), (2_225, 2_500)])
def test_thin_legs_stay_on_the_table_and_show_as_drawn(table, wanted, most):
    rough = nets.solid(lambda pitch: hull_of(table, pitch), wanted, most)
    assert len(np.unique(pieces_of(rough))) == 1
    body = rims.fit(rough, table)
    assert_sound(body)
    for view in table.values():
        seen, drawn = silhouette(body, view), view.cutout.matte >= 0.5
        assert (seen & drawn).sum() / (seen | drawn).sum() >= 0.97, view.name


def test_a_hair_on_a_coarse_grid_stays_in_one_piece():
    matte = np.zeros((600, 300), np.float32)
    for row in range(20, 580):
        column = int(150 + 90 * np.sin(row / 70))
        matte[row, column : column + 2] = 1
    image = np.full((600, 300, 4), 255, np.uint8)
    hair = framed({name: (image, Cutout(matte, "alpha"), name) for name in ("front", "right")})
    body = nets.solid(lambda pitch: hull_of(hair, pitch), 2_225, 2_500)
    assert len(np.unique(pieces_of(body))) == 1
    assert np.ptp(body.points[:, 2]) > 0.9


def test_wide_shapes_are_not_widened():
    matte = np.zeros((100, 100), np.float32)
    matte[20:80, 30:70] = 1
    assert np.array_equal(thin.widened(matte, 12), matte)
    matte[50, :] = 1
    wide = thin.widened(matte, 12)
    assert 9 <= wide[:, 10].sum() <= 14
    assert np.array_equal(wide[:40], matte[:40])
