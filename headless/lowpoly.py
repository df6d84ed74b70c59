# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sheet of a low-poly body: at most 5,000 faces, which go where the outline needs them.

Only one side is reduced, and then mirrored: reducing the closed body would weld thin places together.
"""

from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .mesh import to_mesh, vector
from .pixels import Floats, bilinear
from .shape import Indices, Sheet, contour

MOST = 4_950  # faces of the body: at most 5,000 are promised
LEAST = 4_650  # fewer are a wasted chance to follow the outline
FLATTEN = 0.2  # depth counts so much in reducing faces: the outline is seen first
CONCAVE = -0.15  # least sine of a joined quad's sharpest corner, below 0 for one that points inward
NUDGE = 0.3  # of an edge's length, and of its triangle's height: so far a new point moves to reach the true contour


class Few(NamedTuple):
    """One side of a body in few triangles."""

    points: Floats  # (n, 2) x, y
    triangles: Indices  # (m, 3); with quads, two and two of them make one
    lonely: int  # so many at the end make up no quad
    walls: Indices  # (k, 2) edges on the contour, directed as in their triangles
    depth: Floats  # (n,)


def reduced(sheet: Sheet, depth: Floats, matte: Floats, quads: bool) -> Few | None:
    """The sheet in so few triangles that the body keeps to MOST; None where that cannot be."""
    side = np.column_stack((sheet.points, depth * FLATTEN)).astype(np.float32)
    thing = bpy.data.objects.new("Sheet", to_mesh(side, sheet.quads, "Sheet"))
    bpy.context.scene.collection.objects.link(thing)
    modifier = thing.modifiers.new("Decimate", "DECIMATE")
    modifier.use_collapse_triangulate = True
    wanted = (0.8 if quads else 0.45) * LEAST  # triangles a side; the wall takes the rest
    result = None
    for _ in range(6):
        modifier.ratio = min(1.0, wanted / (2 * len(sheet.quads)))
        mesh = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        if not mesh.polygons:
            break
        triangles = np.empty(3 * len(mesh.polygons), np.int32)
        mesh.loops.foreach_get("vertex_index", triangles)
        points, triangles = repaired(vector(mesh.vertices, "co"), triangles.reshape(-1, 3))
        walls, lonely = contour(triangles), 0
        faces = 2 * (len(triangles) + len(walls))
        if quads:
            points, triangles, lonely, walls = in_pairs(points, triangles, walls, matte)
            faces = len(triangles) + lonely + len(walls)
        if faces <= MOST:
            # Reducing lets the rim sink: the wall would have no area. In thin lines it throws points out, too.
            kept = np.clip(points[:, 2] / FLATTEN, depth.min(), depth.max())
            result = Few(points[:, :2], triangles, lonely, walls, kept)
        if LEAST <= faces <= MOST or (faces < LEAST and modifier.ratio == 1):
            break
        wanted *= 0.5 * (LEAST + MOST) / faces
    bpy.data.objects.remove(thing)
    return result


def repaired(points: Floats, triangles: Indices) -> tuple[Floats, Indices]:
    """The same sheet without edges of three triangles, points where parts only touch, and points without a triangle.

    Reducing leaves such places in hair-thin shapes. Points become several, one for each fan of triangles around them.
    """
    while True:
        a, b = triangles.astype(np.int64), np.roll(triangles, -1, axis=1).astype(np.int64)
        forward = (a * len(points) + b).ravel()
        once = np.unique(forward, return_index=True)[1]
        if len(once) == len(forward):
            break
        good = np.zeros(len(forward), np.bool_)
        good[once] = True
        triangles = triangles[good.reshape(-1, 3).all(axis=1)]
    order = np.argsort(forward, kind="stable")
    backward = (b * len(points) + a).ravel()
    twin = order[np.minimum(np.searchsorted(forward, backward, sorter=order), len(order) - 1)]
    here = np.nonzero(forward[twin] == backward)[0]
    there = twin[here]
    there = there // 3 * 3 + (there + 1) % 3  # the twin edge runs the other way: its end is this one's start
    fan = np.arange(len(forward))  # a number for each corner of each triangle, the same around a point
    while True:
        low = np.minimum(fan[here], fan[there])
        joined = fan.copy()
        np.minimum.at(joined, here, low)
        np.minimum.at(joined, there, low)
        joined = joined[joined]
        if np.array_equal(joined, fan):
            break
        fan = joined
    kept, number = np.unique(fan, return_inverse=True)
    return points[triangles.ravel()[kept]], number.reshape(-1, 3).astype(np.int32)


def in_pairs(points: Floats, triangles: Indices, walls: Indices, matte: Floats) -> tuple[Floats, Indices, int, Indices]:
    """Points, triangles, `lonely` and contour: two and two triangles make a quad, all but the last `lonely` ones.

    A triangle on the contour that found no partner is cut in two there: they make a quad, and the new point betters the
    outline.
    """
    pairs = partners(points, triangles)
    alone = np.ones(len(triangles), np.bool_)
    alone[pairs] = False
    size = len(points)
    on_contour = {a * size + b for a, b in walls.tolist()}
    cut = []  # corners of lonely triangles, their edge on the contour first
    left = []
    for triangle in triangles[alone].tolist():
        turns = [triangle[turn:] + triangle[:turn] for turn in range(3)]
        turned = next((t for t in turns if t[0] * size + t[1] in on_contour), None)
        if turned:
            cut.append(turned)
        else:
            left.append(triangle)
    joined = triangles[pairs].reshape(-1, 3)
    if cut:
        a, b, c = np.array(cut, np.int32).T
        middle = np.arange(size, size + len(cut), dtype=np.int32)
        points = np.concatenate((points, midpoints(points, a, b, c, matte)))
        halves = np.stack((a, middle, c, middle, b, c), axis=1).reshape(-1, 3)
        joined = np.concatenate((joined, halves))
        kept = ~np.isin(walls[:, 0].astype(np.int64) * size + walls[:, 1], a.astype(np.int64) * size + b)
        walls = np.concatenate((walls[kept], np.stack((a, middle), axis=1), np.stack((middle, b), axis=1)))
    if left:
        joined = np.concatenate((joined, np.array(left, np.int32)))
    return points, joined.astype(np.int32), len(left), walls.astype(np.int32)


def partners(points: Floats, triangles: Indices) -> Indices:
    """Which two triangles make a quad each, (n, 2): well-shaped quads first; nobody's last partner is taken away."""
    links = possible_quads(points, triangles)
    beside: list[list[int]] = [[] for _ in triangles]  # best first
    for first, second in links:
        beside[first].append(second)
        beside[second].append(first)
    free = [True] * len(triangles)
    choices = [len(some) for some in beside]
    urgent = [number for number, count in enumerate(choices) if count == 1]
    found: list[tuple[int, int]] = []

    def join(first: int, second: int) -> None:
        found.append((first, second))
        free[first] = free[second] = False
        for taken in (first, second):
            for other in beside[taken]:
                choices[other] -= 1
                if choices[other] == 1 and free[other]:
                    urgent.append(other)

    def join_urgent() -> None:
        while urgent:
            number = urgent.pop()
            other = next((some for some in beside[number] if free[some]), None)
            if free[number] and other is not None:
                join(number, other)

    join_urgent()
    for first, second in links:
        if free[first] and free[second]:
            join(first, second)
            join_urgent()
    return np.array(found, np.int32).reshape(-1, 2)


def possible_quads(points: Floats, triangles: Indices) -> list[list[int]]:
    """Pairs of triangles that share an edge and make a quad that is not dented, the squarest first."""
    a, b = triangles.ravel().astype(np.int64), np.roll(triangles, -1, axis=1).ravel().astype(np.int64)
    opposite = np.roll(triangles, 1, axis=1).ravel()
    key = np.minimum(a, b) * len(points) + np.maximum(a, b)
    order = np.argsort(key, kind="stable")
    shared = key[order][1:] == key[order][:-1]
    one, two = order[:-1][shared], order[1:][shared]
    corners = points[np.stack((a[one], opposite[two], b[one], opposite[one]), axis=1), :2].astype(np.float64)
    sides = np.roll(corners, -1, axis=1) - corners
    sides /= np.maximum(np.linalg.norm(sides, axis=2), 1e-12)[..., None]
    after = np.roll(sides, -1, axis=1)
    sharpest = (sides[..., 1] * after[..., 0] - sides[..., 0] * after[..., 1]).min(axis=1)  # sine; y runs down
    best = np.argsort(-sharpest, kind="stable")
    best = best[sharpest[best] >= CONCAVE]
    return (np.stack((one, two), axis=1)[best] // 3).tolist()  # each triangle has three edges


def midpoints(points: Floats, a: Indices, b: Indices, c: Indices, matte: Floats) -> Floats:
    """The middles of the contour's edges a-b of triangles a-b-c.

    Each is moved at right angles to its edge to where the matte is 0.5, if that is near.
    """
    middle = (points[a] + points[b]) * np.float32(0.5)
    along = points[b, :2] - points[a, :2]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    inward = np.stack((along[:, 1], -along[:, 0]), axis=1) / length[:, None]
    height = ((points[c, :2] - middle[:, :2]) * inward).sum(axis=1)
    reach = NUDGE * np.minimum(length, np.abs(height))
    steps = np.linspace(-1, 1, 33)
    steps = steps[np.argsort(np.abs(steps), kind="stable")]  # nearest first
    places = middle[:, None, :2] + (steps * reach[:, None])[..., None] * inward[:, None]
    values = bilinear(matte, places[..., 1], places[..., 0]) - 0.5
    nearest = np.argmax((values > 0) != (values[:, :1] > 0), axis=1)  # 0, no step, where the contour is out of reach
    moved = middle.copy()
    moved[:, :2] = places[np.arange(len(a)), nearest]
    return moved


def likeness(points: NDArray[np.floating], walls: Indices, matte: Floats) -> float:
    """Intersection over union of what the contour encloses and the matte's inside, counted at the pixels' centres."""
    height, width = matte.shape
    start, end = points[walls[:, 0]], points[walls[:, 1]]
    falling = start[:, 1:] < end[:, 1:]
    low, high = np.where(falling, start, end), np.where(falling, end, start)
    way = np.where(falling[:, 0], 1, -1)
    first = np.clip(np.ceil(low[:, 1] - 0.5), 0, height).astype(int)
    count = np.clip(np.ceil(high[:, 1] - 0.5), 0, height).astype(int) - first
    edge = np.repeat(np.arange(len(walls)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    share = (row + 0.5 - low[edge, 1]) / (high[edge, 1] - low[edge, 1])
    column = low[edge, 0] + share * (high[edge, 0] - low[edge, 0])
    turns = np.zeros((height, width + 1), np.int32)
    np.add.at(turns, (row, np.clip(np.ceil(column - 0.5), 0, width).astype(int)), way[edge])
    covered = np.cumsum(turns[:, :-1], axis=1) != 0
    inside = matte >= 0.5
    return float(np.count_nonzero(covered & inside) / max(np.count_nonzero(covered | inside), 1))
