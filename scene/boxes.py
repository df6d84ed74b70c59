# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes along the world's axes, in Blender units: how large, how much they share. Knows no Blender object."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Vec = tuple[float, float, float]

AXES = (0, 1, 2)


class Box(NamedTuple):
    """What lies between two corners."""

    low: Vec
    high: Vec

    @property
    def sides(self) -> Vec:
        return self.high[0] - self.low[0], self.high[1] - self.low[1], self.high[2] - self.low[2]

    @property
    def longest(self) -> float:
        return max(self.sides)

    @property
    def center(self) -> Vec:
        low, high = self
        return (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2

    @property
    def volume(self) -> float:
        x, y, z = self.sides
        return x * y * z

    def shared(self, other: "Box") -> float:
        """The volume that lies in both."""
        product = 1.0
        for axis in AXES:
            side = min(self.high[axis], other.high[axis]) - max(self.low[axis], other.low[axis])
            if not side > 0.0:  # also where a number is none
                return 0.0
            product *= side
        return product

    def meets(self, other: "Box") -> bool:
        """Whether the two touch, or share something."""
        return all(self.low[axis] <= other.high[axis] and other.low[axis] <= self.high[axis] for axis in AXES)

    def holds(self, point: Sequence[float]) -> bool:
        return all(self.low[axis] <= point[axis] <= self.high[axis] for axis in AXES)

    def moved(self, by: Sequence[float]) -> "Box":
        low, high = self
        return Box(
            (low[0] + by[0], low[1] + by[1], low[2] + by[2]), (high[0] + by[0], high[1] + by[1], high[2] + by[2])
        )

    def grown(self, by: float) -> "Box":
        low, high = self
        return Box((low[0] - by, low[1] - by, low[2] - by), (high[0] + by, high[1] + by, high[2] + by))

    def thickened(self, least: float) -> "Box":
        """The same with each side at least so long: what is flat has no volume."""
        add = [max(0.0, least - side) / 2 for side in self.sides]
        low, high = self
        return Box(
            (low[0] - add[0], low[1] - add[1], low[2] - add[2]), (high[0] + add[0], high[1] + add[1], high[2] + add[2])
        )

    def corners(self) -> list[Vec]:
        return [
            (x, y, z)
            for x in (self.low[0], self.high[0])
            for y in (self.low[1], self.high[1])
            for z in (self.low[2], self.high[2])
        ]


def around(points: Iterable[Sequence[float]]) -> Box:
    """The box of some points, of which there has to be one."""
    xs, ys, zs = zip(*points, strict=True)
    return Box((min(xs), min(ys), min(zs)), (max(xs), max(ys), max(zs)))
