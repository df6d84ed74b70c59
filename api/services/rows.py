# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of CSM's "Image to 3D: Create Session", which Local takes too: names, options, numbers. Each service
has words of its own for what it does otherwise. Knows neither of them.
"""

from collections.abc import Mapping
from typing import Any

from ..parameters import AUTOMATIC, Choice, Flag, Option, Picture, Vector

IMAGE_URL = Picture(
    name="image_url",
    description="Picture that becomes the model: a path, an address, or the picture itself as a data URI",
)

SCALED_BBOX = Vector(
    name="scaled_bbox",
    label="Size",
    description="Width, height and depth of the model in meters; -1 lets the service decide",
    default=(AUTOMATIC, AUTOMATIC, AUTOMATIC),
    axes=("width", "height", "depth"),
    unit="m",
)

PRESERVE_ASPECT_RATIO = Flag(
    name="preserve_aspect_ratio",
    label="Keep Proportions",
    description="Make the model as large as fits into the size above, without stretching it",
    default=False,
    needs="scaled_bbox",
)

TOPOLOGY = Choice(
    name="topology",
    description="What kind of faces the mesh has",
    default="tris",
    options={
        "tris": Option(0, "Faces with three sides", label="Triangles"),
        "quads": Option(1, "Faces with four sides, which are easier to edit and to subdivide"),
    },
)


def geometry_model(description: str, *, base: str, turbo: str) -> Choice:
    """How the shape is made; in a service's own words, as in the next two."""
    return Choice(
        name="geometry_model",
        label="Geometry",
        description=description,
        default="base",
        options={"base": Option(0, base), "turbo": Option(1, turbo)},
    )


def texture_model(description: str, *, none: str, baked: str, pbr: str) -> Choice:
    """Which textures there are. Blender starts with all maps: a model without a texture is not what people expect."""
    return Choice(
        name="texture_model",
        label="Texture",
        description=description,
        default="none",
        initial="pbr",
        options={"none": Option(0, none), "baked": Option(1, baked), "pbr": Option(2, pbr)},
    )


def resolution(description: str, *, low_poly: str, high_poly: str) -> Choice:
    """How fine the mesh is."""
    return Choice(
        name="resolution",
        description=description,
        default="high_poly",
        options={"low_poly": Option(0, low_poly), "high_poly": Option(1, high_poly)},
    )


def asks_quads(parameters: Mapping[str, Any]) -> bool:
    """Whether checked parameters with `TOPOLOGY` ask for faces with four sides."""
    return bool(parameters["topology"] == "quads")
