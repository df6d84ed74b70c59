# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whether the pictures of an object can be of one and the same, and which of them cannot. Shapes nothing. Never
imports bpy; numpy only.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .outline import Outline, covered, size
from .pixels import Mask
from .views import SIDES, View

OPPOSITE = (("front", "back"), ("left", "right"))
HARDLY = 0.6  # of what two silhouettes cover together they share at least, or they are not of one object
MOSTLY = 0.93  # so much is drawn by hand; less is told to the user
CLEARLY = 0.05  # by so much more outlines agree if one is flipped, or it is no mistake
LONG = 4.0  # times the longer of width and height: a depth that is told to the user
THINNEST = 1000.0  # times the least of width, depth and height: at 17,000 times a body took ten gigabytes
STUDY = 256  # cells along the longer side, of silhouettes that are compared

LEAVE = "Choose pictures of the same object, or leave one of them away."


class Contradiction(Exception):
    """The silhouettes cannot be those of one object; the text says to the user which of them and what to do."""


def check_each(views: Mapping[str, View]) -> None:
    """Raise `Contradiction` where a view shows nothing."""
    for view in views.values():
        if not (view.cutout.matte >= 0.5).any():
            raise Contradiction(
                f"Nothing in {named(view)} is opaque enough to be a shape: choose one with a clear figure."
            )


def check_opposite(views: Mapping[str, View]) -> list[str]:
    """Sentences about views from opposite sides, whose outlines mirror each other. Raises `Contradiction`."""
    notes = []
    for first, second in OPPOSITE:
        if first in views and second in views:
            one, other = views[first], views[second]
            share, as_it_is = _shared(one, other)
            both = f"{named(one)} and {named(other)} should have mirrored outlines"
            is_unflipped = as_it_is >= MOSTLY and as_it_is > share + CLEARLY
            if share < HARDLY:
                if is_unflipped:
                    raise Contradiction(f"{both}, but have the same one: flip one of them left to right, then retry.")
                raise Contradiction(f"{both}, but only {share:.0%} of them agree. {LEAVE}")
            if is_unflipped:
                notes.append(f"{both}, but would only if one of them were flipped left to right; {_counts(one)}.")
            elif share < MOSTLY:
                notes.append(f"{both}, but only {share:.0%} of them agree; {_counts(one)}.")
    return notes


def check_sides(front: Outline, side: Outline, views: Mapping[str, View]) -> list[str]:
    """Sentences about what the sides show at heights where the front shows nothing, and the other way round, and about
    a body that is very long. Raises `Contradiction`."""
    seen = " and ".join(named(views[name]) for name in SIDES if name in views)
    show = "show" if all(name in views for name in SIDES) else "shows"
    up = side.low[1] + np.arange(len(side.square)) * side.pitch
    inside = side.inside
    wanted, has = front.highest(up) > 0, inside.any(axis=1)
    if not (wanted & has).any():
        raise Contradiction(f"{seen} {show} nothing where {named(views['front'])} shows the object. {LEAVE}")
    lengths = *size(views["front"]), *(size(views[name])[0] for name in SIDES if name in views)
    if max(lengths) > THINNEST * min(lengths):
        raise Contradiction(
            f"{seen} and {named(views['front'])} make a body {max(lengths) / min(lengths):,.0f} times as long as thin. "
            f"{LEAVE}"
        )
    wide = float(inside.sum(axis=1)[has].mean())
    kept = float(inside[wanted].sum())
    share = kept / (float(inside.sum()) + wide * float((wanted & ~has).sum()))
    if share < HARDLY:
        raise Contradiction(f"{seen} {show} other heights of the object than {named(views['front'])}. {LEAVE}")
    notes = []
    if share < MOSTLY:
        notes.append(f"{seen} {show} other heights of the object than {named(views['front'])}, which counted.")
    depth = max(size(views[name])[0] for name in SIDES if name in views)
    if depth > LONG * max(size(views["front"])):
        notes.append(
            f"{seen} {'make' if show == 'show' else 'makes'} the body {depth / max(size(views['front'])):.0f} times "
            f"as deep as {named(views['front'])} is large; check that it is the same object."
        )
    return notes


def empty(views: Mapping[str, View]) -> str:
    """The sentence for views whose outlines are so thin that no body is left between them."""
    return f"{' and '.join(named(view) for view in views.values())} leave no body: one of them is too thin. {LEAVE}"


def named(view: View) -> str:
    """What the user calls a picture, and where it is seen from."""
    return f"{view.called} ({view.name})"


def _counts(view: View) -> str:
    return "the front counted for the shape" if view.name == "front" else "the body fills both"


def _shared(one: View, other: View) -> tuple[float, float]:
    """Intersection over union of two silhouettes of opposite sides; and the same if one were flipped."""
    width, height = (max(lengths) for lengths in zip(size(one), size(other), strict=True))
    pitch = max(width, height) / STUDY
    along = (np.arange(np.ceil(width / pitch)) + 0.5) * pitch - width / 2
    up = (np.arange(np.ceil(height / pitch)) + 0.5) * pitch
    first, second = (_mask(view, along, up, pitch) for view in (one, other))
    return overlap(first, second), overlap(first, second[:, ::-1])


def overlap(a: Mask, b: Mask) -> float:
    """Intersection over union."""
    return float(np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1))


def _mask(view: View, along: NDArray[np.float64], up: NDArray[np.float64], pitch: float) -> Mask:
    return covered(view, along, up, pitch) >= 0.5
