# SPDX-License-Identifier: GPL-3.0-or-later
"""The seeds of several models of one picture. Sends nothing."""

from collections.abc import Mapping
from typing import Any

from .about import DRAWN, About
from .parameters import Number


def with_seed(about: About, parameters: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The checked parameters of one of several models, `index` from 0. The same one of the same request always has the
    same seed, so that who asks again finds the jobs that were left."""
    seed = next((entry for entry in about.parameters if entry.name == about.seed), None)
    if not isinstance(seed, Number) or index == 0:  # the first keeps what was asked for
        return dict(parameters)
    value = parameters[seed.name]
    if value == DRAWN:  # each job draws its own
        return dict(parameters)
    first = seed.minimum if value is None else value
    range_of_seeds = seed.maximum - seed.minimum + 1
    return {**parameters, seed.name: seed.minimum + (first - seed.minimum + index) % range_of_seeds}
