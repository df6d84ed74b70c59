# SPDX-License-Identifier: GPL-3.0-or-later
"""Values between the corners of triangles, at pixels that they cover. Never imports bpy; numpy only."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats
from .shape import Indices


class Places(NamedTuple):
    """Where pixels lie in triangles."""

    triangle: Indices  # (n,)
    right: Floats  # (n,) pixels from the triangle's first corner
    down: Floats

    def values(self, fall: Floats) -> Floats:
        """(n,) values of what changes over the triangles as `Slopes.of` says."""
        first, right, down = fall
        total = right.take(self.triangle) * self.right
        total += down.take(self.triangle) * self.down
        total += first.take(self.triangle)
        return total

    def some(self, chosen: Indices) -> "Places":
        """Those of some of the pixels."""
        return Places(self.triangle.take(chosen), self.right.take(chosen), self.down.take(chosen))


class Slopes(NamedTuple):
    """How shares of the second and the third corner change over triangles, a pixel to the right and a pixel down."""

    first: NDArray[np.float64]  # (2, k) the first corner, x and y in pixels
    second: NDArray[np.float64]  # (2, k)
    third: NDArray[np.float64]  # (2, k)

    def of(self, values: Floats) -> Floats:
        """(3, k): of values (3, k) at the corners, the first one, and how they change to the right and down."""
        rises = values[1:] - values[:1]
        return np.concatenate((values[:1], self.second * rises[0] + self.third * rises[1])).astype(np.float32)

    def places(self, triangle: Indices, row: Indices, column: Indices) -> Places:
        """Where the centres of pixels lie in the triangles that cover them."""
        right = column + 0.5 - self.first[0].take(triangle)
        down = row + 0.5 - self.first[1].take(triangle)
        return Places(triangle, right.astype(np.float32), down.astype(np.float32))


def slopes_of(corners: NDArray[np.floating]) -> Slopes:
    """Those of triangles with corners (k, 3, 2), x to the right and y down in pixels."""
    x, y = corners.astype(np.float64).transpose(2, 1, 0)
    right, down = x[1:] - x[:1], y[1:] - y[:1]
    area = right[0] * down[1] - right[1] * down[0]
    area = np.where(np.abs(area) > 1e-12, area, 1)
    second, third = np.stack((down[1], -right[1])) / area, np.stack((-down[0], right[0])) / area
    return Slopes(np.stack((x[0], y[0])), second, third)
