# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI: what the service says of itself. The table of parameters, the workflows and the client are beside it; does
nothing itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...about import About
from .. import rows
from .table import PARAMETERS

if TYPE_CHECKING:
    from .client import ComfyUI


def _client() -> "type[ComfyUI]":
    from .client import ComfyUI

    return ComfyUI


def _asks_quads(parameters: Mapping[str, Any]) -> bool:
    return False


ABOUT = About(
    name="comfyui",
    number=3,
    label="ComfyUI",
    description="AI guesses the sides you cannot see, on your own graphics card: needs ComfyUI running, costs nothing",
    purpose="AI on your own graphics card",
    needs="Needs ComfyUI running",
    parameters=PARAMETERS,
    needs_key=False,
    is_paid=False,
    reach="own",
    views=rows.VIEWS,
    seed="seed",
    can_cancel=True,
    tells_lacks=True,
    names_tasks=False,
    paints="project_picture",
    default_url="http://127.0.0.1:8188",
    client=_client,
    asks_quads=_asks_quads,
)
