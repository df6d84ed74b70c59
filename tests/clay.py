# SPDX-License-Identifier: GPL-3.0-or-later
"""Clay that bodies are made of in tests: balls, boxes, tubes and turned shapes with colours at their points. Builds no
body itself, renders nothing.
"""

from collections.abc import Callable, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Colour = tuple[float, float, float]  # sRGB, 0..1

SEGMENTS = 64  # round a tube

RED, ORANGE, YELLOW, GREEN = (0.8, 0.2, 0.16), (0.9, 0.5, 0.15), (0.9, 0.78, 0.3), (0.25, 0.55, 0.25)
BLUE, PURPLE, PINK, BROWN = (0.2, 0.35, 0.75), (0.5, 0.3, 0.6), (0.9, 0.6, 0.6), (0.5, 0.33, 0.2)
WHITE, GREY, DARK, SKIN = (0.92, 0.9, 0.86), (0.55, 0.57, 0.6), (0.15, 0.15, 0.18), (0.9, 0.7, 0.55)


class Clay:
    """A body in the making: parts of triangles, each with colours at its points."""

    def __init__(self) -> None:
        self.points: list[Numbers] = []
        self.triangles: list[NDArray[np.int64]] = []
        self.colours: list[Numbers] = []

    def add(self, points: Numbers, triangles: NDArray[np.int64], colour: Colour | Callable[[Numbers], Numbers]) -> None:
        """One part; what it looks like is a colour or a function of its points (n, 3)."""
        painted = colour(points) if callable(colour) else np.broadcast_to(np.array(colour), points.shape)
        self.triangles.append(triangles + sum(len(part) for part in self.points))
        self.points.append(points)
        self.colours.append(painted)

    def grid(self, points: Numbers, colour: Colour | Callable[[Numbers], Numbers], round_: bool = True) -> None:
        """A surface of (rows, columns, 3) points; the last column joins the first where it goes `round_`."""
        rows, columns = points.shape[:2]
        at = np.arange(rows * columns).reshape(rows, columns)
        at = np.concatenate((at, at[:, :1]), axis=1) if round_ else at
        a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
        triangles = np.stack((a, b, c, a, c, d), axis=2).reshape(-1, 3)
        self.add(points.reshape(-1, 3), triangles, colour)

    def box(self, low: Sequence[float], high: Sequence[float], colour: Colour | Callable, cells: int = 16) -> None:
        """A box, its faces cut into cells so that colours can change on them."""
        low_, high_ = np.array(low, float), np.array(high, float)
        steps = np.linspace(0, 1, cells + 1)
        v, u = np.meshgrid(steps, steps, indexing="ij")
        for axis in range(3):
            for end in (0.0, 1.0):
                face = np.empty((*u.shape, 3))
                first, second = ((axis + 1) % 3, (axis + 2) % 3) if end else ((axis + 2) % 3, (axis + 1) % 3)
                face[..., axis], face[..., first], face[..., second] = end, u, v
                self.grid(low_ + face * (high_ - low_), colour, round_=False)

    def ball(
        self, middle: Sequence[float], radii: float | Sequence[float], colour: Colour | Callable, square: float = 1.0
    ) -> None:
        """An ellipsoid; with a `square` below 1, a box with round edges."""
        up = np.linspace(-np.pi / 2, np.pi / 2, SEGMENTS // 2 + 1)[:, None]
        round_ = np.linspace(0, 2 * np.pi, SEGMENTS, endpoint=False)[None]

        def power(values: Numbers) -> Numbers:
            return np.sign(values) * np.abs(values) ** square

        unit = np.stack(
            np.broadcast_arrays(
                power(np.cos(up)) * power(np.cos(round_)), power(np.cos(up)) * power(np.sin(round_)), power(np.sin(up))
            ),
            axis=2,
        )
        self.grid(np.array(middle) + unit * np.broadcast_to(np.array(radii, float), 3), colour)

    def tube(
        self,
        path: Sequence[Sequence[float]],
        radii: float | Sequence[float],
        colour: Colour | Callable,
        flat: float = 1,
    ) -> None:
        """A round rod with flat ends along a path; `flat` is its thickness in its second direction, of the first."""
        line = np.array(path, float)
        thick = np.broadcast_to(np.array(radii, float), len(line))
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1)[:, None]
        side = np.array((0.0, 0, 1)) if np.abs(along[:, 2]).max() < 0.9 else np.array((0.0, 1, 0))
        if np.abs(along @ side).max() > 0.95:
            side = np.array((1.0, 0, 0))
        first = np.cross(along, side)
        first /= np.linalg.norm(first, axis=1)[:, None]
        second = np.cross(along, first)
        turn = np.linspace(0, 2 * np.pi, SEGMENTS, endpoint=False)
        ring = np.cos(turn)[None, :, None] * first[:, None] + flat * np.sin(turn)[None, :, None] * second[:, None]
        rings = line[:, None] + ring * thick[:, None, None]
        self.grid(rings, colour)
        for end, order in ((0, 1), (-1, -1)):
            cap = np.stack((np.broadcast_to(line[end], rings[end].shape), rings[end]))
            self.grid(cap[::order], colour)

    def lathe(self, profile: Sequence[tuple[float, float]], colour: Colour | Callable, cells: int = 12) -> None:
        """What a profile of (radius, height) from below upward makes, turned round the upright axis."""
        corners = np.array(profile, float)
        line = np.concatenate(
            [np.linspace(a, b, cells, endpoint=False) for a, b in zip(corners, corners[1:], strict=False)]
            + [corners[-1:]]
        )
        turn = np.linspace(0, 2 * np.pi, SEGMENTS, endpoint=False)
        ring = np.stack((np.cos(turn), np.sin(turn)), axis=1)
        points = np.concatenate(
            (line[:, None, :1] * ring[None], np.broadcast_to(line[:, None, 1:], (len(line), SEGMENTS, 1))), axis=2
        )
        self.grid(points, colour)

    def body(self, name: str) -> bpy.types.Object:
        """The finished body, the only object of an empty file."""
        points = np.concatenate(self.points)
        return finished(name, points, np.concatenate(self.triangles), np.concatenate(self.colours))


def finished(name: str, points: Numbers, triangles: NDArray[np.int64], colours: Numbers) -> bpy.types.Object:
    """An object of these triangles, in the size and the place that all bodies have; colours (n, 3) sRGB 0..1."""
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    points = (points - [middle[0], middle[1], low[2]]) / max(high[0] - low[0], high[2] - low[2])
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], triangles.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    shade = np.ones((len(points), 4), np.float32)
    shade[:, :3] = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    mesh.color_attributes.new("Colour", "FLOAT_COLOR", "POINT").data.foreach_set("color", shade.ravel())
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    paint = tree.nodes.new("ShaderNodeAttribute")
    paint.attribute_name = "Colour"
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    tree.links.new(paint.outputs["Color"], shader.inputs["Base Color"])
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def fade(low: Colour, high: Colour, axis: int = 2, start: float = 0, end: float = 1) -> Callable[[Numbers], Numbers]:
    """A colour that turns into another along an axis."""

    def paint(points: Numbers) -> Numbers:
        share = np.clip((points[:, axis] - start) / (end - start), 0, 1)[:, None]
        return np.array(low) * (1 - share) + np.array(high) * share

    return paint


def striped(first: Colour, second: Colour, width: float, axis: int = 2) -> Callable[[Numbers], Numbers]:
    """Two colours in turns along an axis."""

    def paint(points: Numbers) -> Numbers:
        other = (np.floor(points[:, axis] / width).astype(int) % 2 == 1)[:, None]
        return np.where(other, np.array(second), np.array(first))

    return paint


def by_side(first: Colour, second: Colour, axis: int = 1, at: float = 0) -> Callable[[Numbers], Numbers]:
    """One colour below a place on an axis, another above it."""
    return lambda points: np.where((points[:, axis] < at)[:, None], np.array(first), np.array(second))


def bow(
    middle: Sequence[float], radius: float, start: float, end: float, axes: tuple[int, int] = (0, 2)
) -> list[list[float]]:
    """Points of an arc from one angle to another, in degrees."""
    points = np.tile(np.array(middle, float), (25, 1))
    turn = np.radians(np.linspace(start, end, 25))
    points[:, axes[0]] += radius * np.cos(turn)
    points[:, axes[1]] += radius * np.sin(turn)
    return points.tolist()
