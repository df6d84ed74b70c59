# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs at Meshy, in credits. Asks nobody: what an account is charged in the end, the task says."""

from collections.abc import Mapping
from typing import Any

from .table import SMART_DEFAULT, SMART_TOPOLOGY

PRICES: dict[str, tuple[int, int]] = {
    "latest": (20, 30),
    "meshy-7.1": (20, 30),
    "meshy-7": (20, 30),
    "meshy-6": (20, 30),
    "meshy-6-lite": (5, 15),
    "meshy-t2.5": (5, 15),
    "meshy-t2": (5, 15),
}
"""By `ai_model`: credits for a task without and with a texture, from one picture and from several.

Source: Meshy, "Pricing" of the API, and the notes on release 0.6.4 of Meshy's own MCP server (for the t models), both
October 2026. They agree about meshy-t2, for which the help centre has 15 and 20.
"""

FINE_TEXTURE_CREDITS = 5  # for 8k
FINE_GEOMETRY_CREDITS = 5


def credits_for(parameters: Mapping[str, Any]) -> int | None:
    """The credits that a task with these checked parameters takes.

    None for a model that is newer than the table of prices, and where another model makes the texture: of that no page
    of Meshy says the price.
    """
    model = parameters["ai_model"]
    if parameters["model_type"] == SMART_TOPOLOGY and model == "latest":
        model = SMART_DEFAULT
    if model not in PRICES or parameters["texture_model"]:
        return None
    mesh, textured = PRICES[model]
    credits = textured if parameters["should_texture"] else mesh
    credits += FINE_TEXTURE_CREDITS if parameters["texture_resolution"] == "8k" else 0
    return credits + (FINE_GEOMETRY_CREDITS if parameters["geometry_resolution"] != "standard" else 0)
