# SPDX-License-Identifier: GPL-3.0-or-later
"""The points around each point of a closed body of quads, and the mean of what they have. Never imports bpy; numpy
only.
"""

import numpy as np

from .pixels import Floats
from .shape import Indices

USUAL = 3  # points around a point, at least, in a closed body


class Around:
    """Which points are linked to which by an edge."""

    def __init__(self, quads: Indices, points: int) -> None:
        """Every edge of a closed body is walked once each way, so one direction sees every neighbour."""
        start, end = quads.ravel(), np.roll(quads, -1, axis=1).ravel()
        self.count = np.bincount(start, minlength=points)
        order = np.argsort(start, kind="stable")
        first, last = np.cumsum(self.count) - self.count, len(order) - 1
        self.usual = [end[order[np.minimum(first + turn, last)]] for turn in range(USUAL)]
        self.more = []
        for turn in range(USUAL, int(self.count.max(initial=0))):
            at = np.nonzero(self.count > turn)[0]
            self.more.append((at, end[order[first[at] + turn]]))
        self.share = (1 / np.maximum(self.count, USUAL)).astype(np.float32)[:, None]

    def mean(self, values: Floats) -> Floats:
        """The mean of the values (n, c) of the points around each."""
        total = np.take(values, self.usual[0], axis=0)
        for there in self.usual[1:]:
            total += np.take(values, there, axis=0)
        for at, there in self.more:
            total[at] += np.take(values, there, axis=0)
        total *= self.share
        return total
