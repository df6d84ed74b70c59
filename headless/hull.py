# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an object whose silhouettes are known from several sides: what all of them allow, rounded where they
leave it free. Paints nothing. Never imports bpy; numpy only.
"""

from collections.abc import Mapping

import numpy as np

from . import corners, nets, outline, relief, rims
from .agreement import Contradiction as Contradiction
from .agreement import check_each, check_opposite, check_sides, empty
from .charts import triangle_corners
from .field import Body
from .pixels import Floats
from .shape import Indices
from .solid import Solid
from .views import SIDES, View

HAIR = 0.03  # of a body's width
FEW = 20_000  # quads: the rims of coarser bodies need to be moved onto the contours, finer ones are there


def solid(views: Mapping[str, View], model: str, quads: int, most: int) -> tuple[Solid, list[str]]:
    """The body of about so many quads, and never more than `most`; and sentences for the user.

    `views` are the front and at least one side. `model` "base" has relief from the pictures' shading, "turbo" has none.
    Raises `Contradiction`.
    """
    check_each(views)
    notes = check_opposite(views)
    sides = [views[name] for name in SIDES if name in views]
    front, side = outline.drawn(views["front"]), outline.drawn(*sides)
    notes += check_sides(front, side, views)
    width, height = outline.size(views["front"])
    size = width, max(outline.size(view)[0] for view in sides), height
    body = Body(front, side, size, corners.boxed(views, front, side, size))
    made = nets.solid(body.grid, quads, most)
    if not len(made.quads):
        raise Contradiction(empty(views))
    if quads < FEW:
        made = rims.fit(made, {"front": views["front"], sides[0].name: sides[0]})
    if model == "base":
        made = relief.pressed(made, views)
    return _standing(made, size), notes


def _standing(solid: Solid, size: tuple[float, float, float]) -> Solid:
    """The body, standing on z = 0 and exactly as high as its pictures: a grid's cells leave it a hair too small or
    large, and the pictures would lie beside it by as much. Where it is too narrow it is widened, but never narrowed: a
    single cell that stands out would then move all else.
    """
    if not len(solid.quads):
        return solid
    points = solid.points.astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    for axis in (0, 1):
        if 1 - HAIR < (high - low)[axis] / size[axis] < 1:
            points[:, axis] = (points[:, axis] - (low + high)[axis] / 2) * (size[axis] / (high - low)[axis])
    points[:, 2] = (points[:, 2] - low[2]) * (size[2] / (high - low)[2])
    return solid._replace(points=points.astype(np.float32))


def triangulated(solid: Solid, uv: Floats | None) -> tuple[Indices, Floats | None]:
    """Two triangles for each quad, which follow each other; and the texture coordinates (2 m, 3, 2) of their corners
    from those of the quads' (m, 4, 2)."""
    corners = triangle_corners(solid)
    triangles = np.take_along_axis(np.repeat(solid.quads, 2, axis=0), corners, axis=1)
    if uv is None:
        return triangles, None
    return triangles, np.take_along_axis(np.repeat(uv, 2, axis=0), corners[..., None], axis=1)
