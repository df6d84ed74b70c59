# SPDX-License-Identifier: GPL-3.0-or-later
"""A body as numbers on a grid in space. Computes nothing. Never imports bpy; numpy only."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats


class Grid(NamedTuple):
    """How far inside a body the points of a grid are: the surface is where the values change their sign."""

    values: Floats  # (nx, ny, nz), > 0 inside; values[i, j, k] is at corner + (i, j, k) * pitch
    corner: NDArray[np.float64]  # (3,) metres in Blender's axes
    pitch: float  # metres
