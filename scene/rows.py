# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the models stand that were asked for at once: in a row along X, whatever order they arrive in. Changes nothing.

A lower number stands further left. So that it can, room is left for those that have not arrived yet, as if each were as
wide as the one that leaves it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from .boxes import Box
from .room import GAP

STEPS_MOST = 100  # past what is in the way


class Member(NamedTuple):
    """A model of the row that has arrived."""

    number: int
    box: Box


def offset_in_row(box: Box, number: int, members: Iterable[Member], blocker: Callable[[float], Box | None]) -> float:
    """By how much `box` has to be moved along X to stand in the row, of which there is a member.

    `blocker` gives what would hide the model after a move, None where it would be seen.
    """
    members = sorted(members, key=lambda member: (member.number, member.box.center[0]))
    before = [member for member in members if member.number <= number]
    after = [member for member in members if member.number > number]
    gap, width = GAP * box.longest, box.sides[0]
    if before:
        left = before[-1]
        to = left.box.high[0] + gap + _left_free(left.number, number, box) - box.low[0]
        if after and box.high[0] + to + gap > after[0].box.low[0]:  # as near as it can
            to = min(to, max(left.box.high[0] + gap, after[0].box.low[0] - gap - width) - box.low[0])
        sign = 1
    else:
        right = after[0]
        to = right.box.low[0] - gap - _left_free(number, right.number, box) - box.high[0]
        sign = -1
    for _ in range(STEPS_MOST):
        moved = box.moved((to, 0.0, 0.0))
        other = next((member.box for member in members if _are_in_one_another(member.box, moved, gap)), None)
        other = other or blocker(to)
        if other is None:
            break
        to = other.high[0] + gap - box.low[0] if sign > 0 else other.low[0] - gap - box.high[0]
    return to


def _left_free(first: int, second: int, box: Box) -> float:
    """How much room there has to be for the models between two numbers."""
    missing = max(0, second - first - 1) if first else 0
    return missing * (1 + GAP) * box.longest


def _are_in_one_another(box: Box, other: Box, gap: float) -> bool:
    """Whether the two have no room between them along X, wherever they are along Y and Z."""
    return box.low[0] < other.high[0] + gap / 2 and other.low[0] < box.high[0] + gap / 2
