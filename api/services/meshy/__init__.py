# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy: what the service says of itself. The table of parameters, the prices and the client are beside it; does
nothing itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...about import About
from ..rows import VIEWS
from .table import PARAMETERS

if TYPE_CHECKING:
    from .client import Meshy


def _client() -> "type[Meshy]":
    from .client import Meshy

    return Meshy


def _asks_quads(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters["topology"] == "quad")


def _cost(parameters: Mapping[str, Any]) -> int | None:
    from .prices import credits_for

    return credits_for({entry.name: entry.default for entry in PARAMETERS} | dict(parameters))


ABOUT = About(
    name="meshy",
    number=2,
    label="Meshy",
    description="AI guesses the sides you cannot see, at meshy.ai: needs an account with a paid plan and costs credits",
    purpose="AI guesses the unseen sides",
    needs="Needs a paid plan at meshy.ai",
    parameters=PARAMETERS,
    needs_key=True,
    is_paid=True,
    reach="web",
    views=VIEWS,
    can_cancel=True,
    tells_credits=True,
    at_once=100,  # "Rate Limits" and the plans: 10 to 100; a smaller plan refuses more in a way that a job waits for
    account_page="https://www.meshy.ai/settings/api",
    default_url="https://api.meshy.ai/openapi",
    client=_client,
    asks_quads=_asks_quads,
    cost=_cost,
)
