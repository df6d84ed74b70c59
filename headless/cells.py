# SPDX-License-Identifier: GPL-3.0-or-later
"""The 256 ways in which a surface may pass a cube between eight points of a grid, as tables. Knows no grid. Never
imports bpy; numpy only.
"""

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Mask = NDArray[np.bool_]


def cube() -> tuple[Longs, Longs]:
    """The two corners of each of a cell's 12 edges; and, for each of its 6 faces, its 4 corners and its 4 edges, in
    order around it: edge n runs from corner n to corner n + 1.

    Corner number: dx + 2 dy + 4 dz. Edge number: 4 axis + which of the four, by its place along the next two axes.
    """
    edges, faces = [], []
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        for place in range(4):
            start = (place & 1) << b | (place >> 1) << c
            edges.append((start, start | 1 << axis))
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        for side in range(2):
            corners = [side << axis | right << b | up << c for right, up in ((0, 0), (1, 0), (1, 1), (0, 1))]
            around = [edges.index(tuple(sorted((corners[n], corners[(n + 1) % 4])))) for n in range(4)]
            faces.append((corners, around))
    return np.array(edges), np.array(faces)


EDGES, FACES = cube()


def loops_of(inside: Mask) -> tuple[Longs, Mask]:
    """For cells whose 8 corners are given (n, 8): the lowest edge of the loop in which the surface crosses each edge
    (n, 12), and which of the 6 faces are ambiguous: their corners are inside and outside in turn.

    On an ambiguous face the corners that are inside hang together.
    """
    loop = np.tile(np.arange(12), (len(inside), 1))
    links, ambiguous = [], np.zeros((len(inside), 6), np.bool_)
    crossed = inside[:, EDGES[:, 0]] != inside[:, EDGES[:, 1]]
    for face, (corners, around) in enumerate(FACES):
        ambiguous[:, face] = crossed[:, around].all(axis=1)
        for one in range(4):
            for two in range(one + 1, 4):
                both = crossed[:, around[one]] & crossed[:, around[two]] & ~ambiguous[:, face]
                if two - one != 2:  # neighbours cut off the corner between them, if that is outside
                    between = corners[two] if two == one + 1 else corners[0]
                    both |= ambiguous[:, face] & ~inside[:, between]
                links.append((around[one], around[two], both))
    while True:
        before = loop.copy()
        for one, two, linked in links:
            low = np.minimum(loop[:, one], loop[:, two])
            loop[:, one] = np.where(linked, low, loop[:, one])
            loop[:, two] = np.where(linked, low, loop[:, two])
        if np.array_equal(before, loop):
            return loop, ambiguous


_ALL = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(np.bool_)
LOOP, AMBIGUOUS = loops_of(_ALL)  # for each of the 256 kinds of cell
_CROSSED = _ALL[:, EDGES[:, 0]] != _ALL[:, EDGES[:, 1]]
FIRST = np.where(_CROSSED, LOOP, -1)
SHEETS = (FIRST[:, :, None] == np.arange(12)).any(axis=1)  # which loops there are, by lowest edge
COUNT = SHEETS.sum(axis=1)
NUMBER = np.cumsum(SHEETS, axis=1)[np.arange(256)[:, None], LOOP] - 1  # of an edge's loop among those of its cell
