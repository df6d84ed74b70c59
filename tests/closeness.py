# SPDX-License-Identifier: GPL-3.0-or-later
"""How close a sculpted GLB comes to the body whose pictures it was made of: masks, colours, distance of the surfaces,
and what every model must be. For tests and measurements; asserts nothing.

The GLB is brought to the body's height and middle first, as pictures do not say how large an object is.
"""

from dataclasses import dataclass
from pathlib import Path

import bpy
import bodies
import numpy as np
from looks import MARGIN, VIEWS, extent, looks
from mathutils import Matrix, Vector, bvhtree, kdtree
from model_checks import Model, import_model, open_edges, overlap, parts, read_model
from numpy.typing import NDArray

from image_to_3d.headless.pixels import Bytes
from image_to_3d.headless.saving import write_png

Numbers = NDArray[np.float64]

SIDE = 384  # pixels, of the pictures that are compared
SAMPLES = 6000  # points on each surface
WAYS = 30  # directions in which something outside is looked for
EIGHT = {f"{turn}": (float(turn), 15.0) for turn in range(0, 360, 45)}
"""Onlookers all round, slightly above, for sheets: see `looks`."""


@dataclass(frozen=True)
class Truth:
    """A body as its pictures show it."""

    name: str
    pictures: dict[str, Bytes]  # (SIDE, SIDE, 4) by the names of `VIEWS`, colours alone
    surface: Numbers  # (SAMPLES, 3) points that can be seen from outside
    low: Numbers  # corners of the box that it fills
    high: Numbers
    files: dict[str, Path]  # what the sculptor gets, by the names of `VIEWS`


@dataclass(frozen=True)
class Closeness:
    """How close a model is; and what it is made of."""

    overlaps: dict[str, float]  # intersection over union of each view with the body's mask
    colours: dict[str, float]  # mean difference of the colours, of 255, where both are
    distance: float  # of the surfaces, both ways, in per cent of the body's diagonal
    faces: int
    pieces: int
    open_edges: int
    uv: tuple[float, float] | None  # lowest and highest texture coordinate


def truth(name: str, folder: Path, size: int = SIDE, shaded: bool = False, white: bool = False) -> Truth:
    """Build a body and write its pictures of `size` pixels: colours alone or `shaded`; transparent, or before `white`.

    Replaces the open file.
    """
    body = bodies.build(name)
    low, high = extent(body)
    pictures = bodies.render(body, SIDE, tuple(VIEWS))
    given = pictures if size == SIDE and not shaded else bodies.render(body, size, tuple(VIEWS), shaded)
    files = {}
    for view, pixels in given.items():
        files[view] = folder / f"{name}_{view}.png"
        write_png(files[view], bodies.on_white(pixels) if white else pixels)
    return Truth(name, pictures, outer_points(body), low, high, files)


def surface_of(thing: bpy.types.Object) -> tuple[Numbers, NDArray[np.int32]]:
    """An object's points (n, 3) in metres of the world, and its triangles."""
    mesh = thing.data
    mesh.calc_loop_triangles()
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    placed = np.array(thing.matrix_world)
    return points.reshape(-1, 3) @ placed[:3, :3].T + placed[:3, 3], triangles.reshape(-1, 3)


def spread(points: Numbers, triangles: NDArray, count: int, seed: int = 1) -> Numbers:
    """(count, 3) points all over a surface, as many as its area has; always the same."""
    random = np.random.default_rng(seed)
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = random.choice(len(triangles), count, p=area / area.sum())
    u, v = random.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return a[chosen] + u * (b[chosen] - a[chosen]) + v * (c[chosen] - a[chosen])


def outer_points(thing: bpy.types.Object) -> Numbers:
    """`SAMPLES` points of a body's surface from which something outside can be seen: where parts stick in each other,
    what is inside is no surface."""
    points, triangles = surface_of(thing)
    tree = bvhtree.BVHTree.FromPolygons(points.tolist(), triangles.tolist())
    turn = np.arange(WAYS) * np.pi * (3 - 5**0.5)  # a spiral over the sphere
    up = (np.arange(WAYS) + 0.5) / (WAYS / 2) - 1
    around = np.sqrt(1 - up**2)
    ways = [Vector(way) for way in zip(around * np.cos(turn), around * np.sin(turn), up, strict=True)]

    def free(point: Vector) -> bool:
        return any(tree.ray_cast(point + way * 1e-4, way)[0] is None for way in ways)

    kept: list[Numbers] = []
    seed = 0
    while len(kept) < SAMPLES:
        seed += 1
        kept += [point for point in spread(points, triangles, SAMPLES, seed) if free(Vector(point))]
    return np.array(kept[:SAMPLES])


def distance(first: Numbers, second: Numbers) -> float:
    """Mean distance to the nearest point of the other surface, both ways."""
    ways = []
    for points, others in ((first, second), (second, first)):
        tree = kdtree.KDTree(len(others))
        for index, point in enumerate(others.tolist()):
            tree.insert(point, index)
        tree.balance()
        ways.append(np.mean([tree.find(point)[2] for point in points.tolist()]))
    return float(np.mean(ways))


def placed(path: Path, body: Truth) -> bpy.types.Object:
    """The model in an empty file, as high as the body, and its middle where that of the body is."""
    thing = import_model(path)
    bpy.context.view_layer.update()
    low, high = extent(thing)
    scale = float((body.high - body.low)[2] / (high - low)[2])
    middle, wanted = Vector((low + high) / 2), Vector((body.low + body.high) / 2)
    thing.matrix_world = (
        Matrix.Translation(wanted) @ Matrix.Scale(scale, 4) @ Matrix.Translation(-middle) @ thing.matrix_world
    )
    bpy.context.view_layer.update()
    return thing


def apart(thing: bpy.types.Object, body: Truth) -> float:
    """How far a placed model's surface and the body's are from each other, in per cent of the body's diagonal."""
    points, triangles = surface_of(thing)
    mean = distance(spread(points, triangles, SAMPLES), body.surface)
    return 100 * mean / float(np.linalg.norm(body.high - body.low))


def seen(thing: bpy.types.Object, body: Truth) -> dict[str, Bytes]:
    """The colours of a placed model from where the body's pictures were taken."""
    scale = MARGIN * float((body.high - body.low).max())
    return looks(thing, {view: (turn, 0.0) for view, turn in VIEWS.items()}, SIDE, (body.low + body.high) / 2, scale)


def welded(model: Model) -> Model:
    """The model with one point where several lie in one place: a GLB has one for each texture coordinate."""
    points, which = np.unique(model.points, axis=0, return_inverse=True)
    return Model(points, which.reshape(-1)[model.triangles], None, model.document, model.images)


def closeness(path: Path, body: Truth) -> Closeness:
    """Measure a GLB. Replaces the open file."""
    thing = placed(path, body)
    overlaps, colours = {}, {}
    for view, pixels in seen(thing, body).items():
        wanted = body.pictures[view]
        here, there = pixels[..., 3] >= 128, wanted[..., 3] >= 128
        both = here & there
        overlaps[view] = overlap(here, there)
        colours[view] = (
            float(np.abs(pixels[both][:, :3].astype(int) - wanted[both][:, :3]).mean()) if both.any() else 255.0
        )
    model = read_model(path)
    whole = welded(model)
    return Closeness(
        overlaps,
        colours,
        apart(thing, body),
        len(model.triangles),
        parts(whole),
        open_edges(whole),
        None if model.uv is None else (float(model.uv.min()), float(model.uv.max())),
    )


def eight_sides(thing: bpy.types.Object, body: Truth, size: int, clay: bool = False) -> Bytes:
    """(size, 8 * size, 3): a placed model or the body itself all round, lit."""
    reach = body.high - body.low
    scale = 1.05 * float(max(reach[2] + 0.26 * np.hypot(reach[0], reach[1]), np.hypot(reach[0], reach[1])))
    sides = looks(thing, EIGHT, size, (body.low + body.high) / 2, scale, 0.6, clay)
    return np.concatenate([on_grey(pixels) for pixels in sides.values()], axis=1)


def on_grey(picture: Bytes) -> Bytes:
    """(h, w, 3): a picture before grey."""
    share = picture[..., 3:] / np.float32(255)
    return np.round(picture[..., :3] * share + 150 * (1 - share)).astype(np.uint8)
