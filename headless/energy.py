# SPDX-License-Identifier: GPL-3.0-or-later
"""The smoothest division of a picture into figure and rest that keeps to given evidence. Never imports bpy; numpy only.

A binary energy in its convex form, solved by the primal-dual steps of Chambolle and Pock (2011): the same division as a
graph cut, in plain array arithmetic.
"""

import numpy as np

from .pixels import Floats

STRENGTH = 1.5  # nats that a border costs, a pixel of its length, where the picture is even
AT_EDGES = 0.05  # of that is left where the picture has an edge
STEP = np.float32(0.35)  # below 1 / sqrt(8), so that the steps converge


def couplings(colour: Floats) -> tuple[Floats, Floats]:
    """What a border costs between each pixel of an (h, w, 3) picture and the one to its right, and the one below."""
    across = np.zeros(colour.shape[:2], np.float32)
    down = np.zeros(colour.shape[:2], np.float32)
    across[:, :-1] = (np.diff(colour, axis=1) ** 2).sum(axis=2)
    down[:-1] = (np.diff(colour, axis=0) ** 2).sum(axis=2)
    usual = float(across.mean() + down.mean()) + 1e-6
    costs = [np.float32(STRENGTH) * (AT_EDGES + (1 - AT_EDGES) * np.exp(-step / usual)) for step in (across, down)]
    costs[0][:, -1] = 0
    costs[1][-1] = 0
    return costs[0], costs[1]


def divided(evidence: Floats, costs: tuple[Floats, Floats], start: Floats, steps: int) -> Floats:
    """0..1 a pixel, nearly all of it 0 or 1, after so many steps from `start`.

    `evidence` is in nats, positive for the figure.
    """
    across, down = costs
    value = start.copy()
    ahead = value.copy()
    flow_across, flow_down = np.zeros_like(value), np.zeros_like(value)
    pull = STEP * evidence
    for _ in range(steps):
        flow_across[:, :-1] += STEP * (ahead[:, 1:] - ahead[:, :-1])
        np.clip(flow_across, -across, across, out=flow_across)
        flow_down[:-1] += STEP * (ahead[1:] - ahead[:-1])
        np.clip(flow_down, -down, down, out=flow_down)
        new = value + pull
        moved = STEP * flow_across
        new += moved
        new[:, 1:] -= moved[:, :-1]
        moved = STEP * flow_down
        new += moved
        new[1:] -= moved[:-1]
        np.clip(new, 0, 1, out=new)
        ahead = 2 * new - value
        value = new
    return value
