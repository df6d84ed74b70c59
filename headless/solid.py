# SPDX-License-Identifier: GPL-3.0-or-later
"""A closed body of quads in space. Never imports bpy; numpy only."""

from typing import NamedTuple

from .pixels import Floats
from .shape import Indices


class Solid(NamedTuple):
    """A closed body of quads."""

    points: Floats  # (n, 3) metres in Blender's axes; stands on z = 0
    quads: Indices  # (m, 4), counter-clockwise as seen from outside
