# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of one object from several sides: where each onlooker stands, what is to the right in the picture, and
where the body lies in it. Shapes and paints nothing. Never imports bpy; numpy only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .cutout import Cutout, bounds
from .pixels import Bytes

AXES = {
    "front": ((1, 0, 0), (0, -1, 0)),
    "back": ((-1, 0, 0), (0, 1, 0)),
    "left": ((0, -1, 0), (-1, 0, 0)),
    "right": ((0, 1, 0), (1, 0, 0)),
}
"""For each view: what is to the right in its picture, and where the onlooker is. Up is Z. Left and right are those of
Blender's own views."""

SIDES = ("left", "right")


class Frame(NamedTuple):
    """Where the body's natural size lies in a matte, all in pixels: a point that is `a` metres to the right (along the
    first of the view's `AXES`) and `z` metres up is at x = centre + a * metre, y = bottom - z * metre."""

    centre: float  # x of the middle
    bottom: float  # y of the lowest point
    metre: float  # of the front: the longer of width and height


@dataclass(frozen=True)
class View:
    """A picture that was read and cut out."""

    name: str  # one of `AXES`
    image: Bytes  # (h, w, 4) straight sRGB
    cutout: Cutout
    frame: Frame
    called: str = "The picture"  # what the user calls it, for sentences


def framed(pictures: Mapping[str, tuple[Bytes, Cutout, str]]) -> dict[str, View]:
    """Bring the silhouettes of an object's pictures (image, cutout, what the user calls it; by the names of `AXES`; the
    front among them) to one height.

    The longer of the front's width and height is 1 m; every silhouette stands on z = 0 with its middle at 0.
    """
    boxes = {name: bounds(cutout.matte) for name, (_, cutout, _) in pictures.items()}
    top, bottom, left, right = boxes["front"]
    height = (bottom - top) / max(bottom - top, right - left)  # metres
    views = {}
    for name, (image, cutout, called) in pictures.items():
        top, bottom, left, right = boxes[name]
        views[name] = View(name, image, cutout, Frame((left + right) / 2, bottom, (bottom - top) / height), called)
    return views
