# SPDX-License-Identifier: GPL-3.0-or-later
"""What a body is painted with that is seen from several sides: balls of known colours, seen exactly, and what their
texture says at every face."""

from collections.abc import Callable

import numpy as np
import pytest
from once import once

from image_to_3d.headless.cutout import Cutout
from image_to_3d.headless.raster import covered
from image_to_3d.headless.solid import Solid
from image_to_3d.headless.views import AXES, View, framed
from image_to_3d.headless.wrap import wrap

pytestmark = once

SIZE = 256  # pixels, side of a picture
SPAN = 1.2  # metres that a picture shows
SKIN, RED, BLUE, DARK, MAGENTA = (200, 150, 120), (210, 40, 30), (40, 70, 200), (30, 30, 40), (255, 0, 255)

Paint = Callable[[np.ndarray], np.ndarray]
Ball = tuple[tuple[float, float, float], tuple[float, float, float], Paint]
"""Its middle and its radii in metres, and the colours (n, 3) of points (n, 3) on it."""


def plain(colour) -> Paint:
    return lambda points: np.broadcast_to(np.array(colour, float), points.shape)


def fading(points):
    """Soft changes all over, and none of them symmetric."""
    x, y, z = points.T
    return np.stack((128 + 200 * x, 128 + 180 * y, 60 + 140 * z), axis=1)


def with_a_face(points):
    colours = plain(SKIN)(points).copy()
    colours[(points[:, 1] < 0) & (np.abs(points[:, 0]) < 0.2) & (np.abs(points[:, 2] - 0.5) < 0.2)] = DARK
    return colours


def shell(ball: Ball, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and quads of a ball: a cube's grid, blown up."""
    middle, radii, _ = ball
    steps = np.tan(np.linspace(-np.pi / 4, np.pi / 4, cells + 1))
    v, u = np.meshgrid(steps, steps, indexing="ij")
    points, quads = [], []
    for axis in range(3):
        for end in (-1.0, 1.0):
            face = np.empty((*u.shape, 3))
            first, second = ((axis + 1) % 3, (axis + 2) % 3) if end > 0 else ((axis + 2) % 3, (axis + 1) % 3)
            face[..., axis], face[..., first], face[..., second] = end, u, v
            at = np.arange(u.size).reshape(u.shape) + u.size * len(points)
            quads.append(np.stack((at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]), axis=2).reshape(-1, 4))
            points.append(face.reshape(-1, 3))
    every = np.concatenate(points)
    every /= np.linalg.norm(every, axis=1)[:, None]
    _, first, index = np.unique(np.round(every, 6), axis=0, return_index=True, return_inverse=True)
    return every[first] * radii + middle, index.reshape(-1)[np.concatenate(quads)]


def solid_of(balls: list[Ball], cells: int = 40) -> tuple[Solid, np.ndarray]:
    """The body of some balls, and the true colour (m, 3) in the middle of each quad."""
    points, quads, colours = [], [], []
    for ball in balls:
        ends, faces = shell(ball, cells)
        quads.append(faces + sum(len(part) for part in points))
        points.append(ends)
        colours.append(ball[2](ends[faces].mean(axis=1)))
    solid = Solid(np.concatenate(points).astype(np.float32), np.concatenate(quads).astype(np.int32))
    return solid, np.concatenate(colours)


def picture(balls: list[Ball], name: str, light: float = 1.0) -> np.ndarray:
    """What is seen from one side; magenta where there is nothing, and transparent."""
    right, out = (np.array(axis, float) for axis in AXES[name])
    middle = (np.arange(SIZE) + 0.5) / SIZE * SPAN
    across, up = np.meshgrid(middle - SPAN / 2, SPAN - 0.1 - middle)
    start = across[..., None] * right + up[..., None] * [0, 0, 1.0]
    nearest = np.full(across.shape, -1e8)
    result = np.zeros((SIZE, SIZE, 4), np.uint8)
    result[..., :3] = MAGENTA
    for place, radii, paint in balls:
        from_here, way = (start - place) / radii, out / radii
        a, b, c = way @ way, from_here @ way, (from_here**2).sum(axis=2) - 1
        root = b * b - a * c
        far = np.where(root > 0, (-b + np.sqrt(np.maximum(root, 0))) / a, -1e9)
        seen = far > nearest
        nearest = np.where(seen, far, nearest)
        result[seen, :3] = np.clip(paint((start + far[..., None] * out)[seen]) * light, 0, 255)
        result[seen, 3] = 255
    return result


def views_of(balls: list[Ball], names=tuple(AXES), light=None) -> dict[str, View]:
    pictures = {name: picture(balls, name, (light or {}).get(name, 1.0)) for name in names}
    return framed(
        {
            name: (image, Cutout(image[..., 3] / np.float32(255), "alpha"), f"{name}.png")
            for name, image in pictures.items()
        }
    )


def shown(uv: np.ndarray, image: np.ndarray) -> np.ndarray:
    """What a map says in the middle of each quad, (m, 3)."""
    side = len(image)
    x, y = (uv.mean(axis=1) * [side, -side] + [0, side]).astype(int).T
    return image[y, x].astype(float)


def middles(solid: Solid) -> np.ndarray:
    return solid.points[solid.quads].mean(axis=1)


EGG: Ball = ((0, 0, 0.5), (0.35, 0.3, 0.5), fading)


@pytest.mark.parametrize("texture", ["baked", "pbr"])
def test_every_face_has_the_colour_of_its_place(texture):
    solid, colours = solid_of([EGG])
    uv, made = wrap(solid, views_of([EGG]), texture, "mirrored")
    off = np.abs(shown(uv, made.colour) - colours).mean(axis=1)
    assert off.mean() < 4
    assert np.quantile(off, 0.99) < 25  # the very top and bottom are seen by nobody


def test_a_body_of_few_faces_is_painted_as_finely():
    solid, colours = solid_of([EGG], cells=12)
    uv, made = wrap(solid, views_of([EGG]), "baked", "mirrored")
    assert np.abs(shown(uv, made.colour) - colours).mean() < 5


def test_no_texel_is_used_twice_and_none_lies_outside():
    solid, _ = solid_of([EGG, ((0, -0.45, 0.5), (0.1, 0.1, 0.2), plain(RED))])
    uv, made = wrap(solid, views_of([EGG]), "baked", "mirrored")
    assert uv.min() >= 0 and uv.max() <= 1
    side = len(made.colour)
    corners = uv[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3, 2) * [side, -side] + [0, side]
    _, row, column = covered(corners)
    assert len(row) > side * side / 8
    assert np.bincount(row.astype(np.int64) * side + column).max() == 1


def test_what_stands_before_a_thing_is_not_printed_on_it():
    balls = [((0, 0.15, 0.5), (0.4, 0.2, 0.5), plain(BLUE)), ((0, -0.25, 0.5), (0.12, 0.1, 0.15), plain(RED))]
    solid, colours = solid_of(balls)
    uv, made = wrap(solid, views_of(balls), "baked", "mirrored")
    found = shown(uv, made.colour)
    behind = (colours == BLUE).all(axis=1) & (np.abs(middles(solid)[:, 0]) < 0.15)
    assert behind.sum() > 500
    assert np.abs(found[behind] - BLUE).max() < 40
    assert np.abs(found - colours).mean() < 3


@pytest.mark.parametrize("back", ["mirrored", "plain"])
@pytest.mark.parametrize("names", [tuple(AXES), ("front", "right"), ("front", "left", "right")])
def test_no_background_is_left_anywhere(names, back):
    ball: Ball = ((0, 0, 0.5), (0.4, 0.3, 0.5), plain(SKIN))
    solid, _ = solid_of([ball])
    uv, made = wrap(solid, views_of([ball], names), "baked", back)
    assert np.abs(shown(uv, made.colour) - SKIN).max() < 12
    assert np.abs(made.colour.astype(int) - SKIN).max() < 12  # nor between the charts, for that shows from afar


def test_a_face_is_behind_only_where_the_back_is_mirrored():
    ball: Ball = ((0, 0, 0.5), (0.5, 0.4, 0.5), with_a_face)
    solid, _ = solid_of([ball])
    place = middles(solid)
    behind = (place[:, 1] > 0) & (np.abs(place[:, 0]) < 0.15) & (np.abs(place[:, 2] - 0.5) < 0.15)
    views = views_of([ball], ("front", "left", "right"))
    for back, wanted in (("mirrored", DARK), ("plain", SKIN)):
        uv, made = wrap(solid, views, "baked", back)
        assert np.abs(shown(uv, made.colour)[behind] - wanted).mean() < 15


def test_a_back_picture_is_what_is_seen_behind():
    ball: Ball = ((0, 0, 0.5), (0.5, 0.4, 0.5), lambda points: np.where(points[:, 1:2] < 0, RED, BLUE).astype(float))
    solid, colours = solid_of([ball])
    uv, made = wrap(solid, views_of([ball]), "baked", "mirrored")
    behind = middles(solid)[:, 1] > 0.1
    assert np.abs(shown(uv, made.colour)[behind] - colours[behind]).mean() < 4


def test_a_missing_side_is_the_other_one_mirrored():
    ball: Ball = ((0, 0, 0.5), (0.4, 0.4, 0.5), lambda points: fading(np.abs(points) * [1, 0, 1] + points * [0, 1, 0]))
    solid, colours = solid_of([ball])
    uv, made = wrap(solid, views_of([ball], ("front", "back", "right")), "baked", "mirrored")
    left = middles(solid)[:, 0] < -0.3
    assert np.abs(shown(uv, made.colour)[left] - colours[left]).mean() < 4


def test_views_in_different_light_meet_without_an_edge():
    ball: Ball = ((0, 0, 0.5), (0.5, 0.5, 0.5), plain(SKIN))
    solid, _ = solid_of([ball])
    uv, made = wrap(solid, views_of([ball], light={"front": 0.8}), "baked", "mirrored")
    found = shown(uv, made.colour)
    place = middles(solid)
    belt = np.abs(place[:, 2] - 0.5) < 0.1
    turn = np.argsort(np.arctan2(place[belt, 1], place[belt, 0]))
    level = found[belt][turn].mean(axis=1)
    smooth = np.convolve(level, np.ones(9) / 9, mode="valid")
    assert np.ptp(level) > 20  # the front is still darker
    assert np.abs(smooth[9:] - smooth[:-9]).max() < 8  # of the 31 between the two pictures


def test_normals_and_roughness_are_those_of_plain_things_where_nothing_is_seen():
    ball: Ball = ((0, 0, 0.5), (0.5, 0.4, 0.5), plain(SKIN))
    solid, _ = solid_of([ball])
    uv, made = wrap(solid, views_of([ball]), "pbr", "mirrored")
    assert made.normal is not None and made.surface is not None
    assert np.abs(shown(uv, made.normal) - [127.5, 127.5, 255]).max() < 12
    assert np.ptp(shown(uv, made.surface)[:, 1]) < 20
    assert shown(uv, made.surface)[:, 2].max() == 0


def test_the_same_again_gives_the_same_bytes():
    solid, _ = solid_of([EGG])
    first, again = (wrap(solid, views_of([EGG]), "pbr", "plain") for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert all(np.array_equal(one, other) for one, other in zip(first[1], again[1], strict=True))
