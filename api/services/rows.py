# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters that more than one service takes: the further views of an object, and those of CSM's "Image to 3D: Create
Session", which Local takes too. Each service has words of its own for what it does otherwise. Knows no service.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..parameters import AUTOMATIC, Choice, Flag, Option, Picture, Vector, Where

VIEWS = ("back_image_url", "left_image_url", "right_image_url")
"""The further pictures of an object, beside the main one, which shows its front. The sides are those of Blender's own
views: right is what Numpad 3 shows, seen from +X; the front is seen from -Y."""

NO_VIEWS: Where = dict.fromkeys(VIEWS, False)
"""The state in which none of them is given."""

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


def views(*, excluded: Sequence[Where] = ()) -> tuple[Picture, ...]:
    """The further pictures, for a service that takes them but in the states `excluded`."""
    return tuple(
        Picture(name=name, label=label, description=description, optional=True, excluded=excluded)
        for name, label, description in (
            (VIEWS[0], "Back", "Picture of the same object from behind, as Blender's back view shows it"),
            (
                VIEWS[1],
                "Left",
                "Picture of the same object as Blender's left view shows it, seen from -X: "
                "a figure looks to the right in it",
            ),
            (
                VIEWS[2],
                "Right",
                "Picture of the same object as Blender's right view shows it, seen from +X: "
                "a figure looks to the left in it",
            ),
        )
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
