# SPDX-License-Identifier: GPL-3.0-or-later
"""Places rectangles in a square without overlap. Knows nothing of what is on them. Never imports bpy; numpy only."""

from collections.abc import Sequence

import numpy as np

from .shape import Indices


def packed(sizes: Sequence[tuple[int, int]], side: int) -> Indices | None:
    """Left and top (n, 2) of each rectangle (width, height) in a square; None where not all of them fit.

    The tallest first, each as far up as there is room under what is there (a skyline).
    """
    places = np.zeros((len(sizes), 2), np.int32)
    skyline = [(0, side, 0)]  # left, right, and how far down it is full
    for number in sorted(range(len(sizes)), key=lambda n: (-sizes[n][1], -sizes[n][0], n)):
        width, height = sizes[number]
        best = None
        for first, (left, _, _) in enumerate(skyline):
            if left + width > side:
                break
            top, last = 0, first
            while True:
                top = max(top, skyline[last][2])
                if skyline[last][1] >= left + width:
                    break
                last += 1
            if top + height <= side and (best is None or top < best[0]):
                best = top, left, first, last
        if best is None:
            return None
        top, left, first, last = best
        places[number] = left, top
        right, depth = skyline[last][1], skyline[last][2]
        new = [(left, left + width, top + height)]
        if right > left + width:
            new.append((left + width, right, depth))
        skyline[first : last + 1] = new
    return places
