# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI: what the service says of itself. The table of parameters, the workflows and the client are beside it; does
nothing itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...about import About
from .. import rows
from .table import FILE, PARAMETERS

if TYPE_CHECKING:
    from .client import ComfyUI
    from .workflow import Node, Workflow


def _client() -> "type[ComfyUI]":
    from .client import ComfyUI

    return ComfyUI


def _asks_quads(parameters: Mapping[str, Any]) -> bool:
    return False


def _workflow(parameters: Mapping[str, Any]) -> "Workflow":
    """The user's own workflow. Raises `ParameterError`."""
    from .workflow import read

    return read(Path(parameters["workflow_file"]))


def _check_request(parameters: Mapping[str, Any]) -> None:
    if parameters["workflow"] != FILE:
        return
    own = _workflow(parameters)
    given = [name.removesuffix("_image_url") for name in rows.VIEWS if parameters[name]]
    # With a picture for each view that it takes: which of them it can do without, only the server knows.
    own.graph(parameters, dict.fromkeys((*own.views({}), *given), "picture.png"), "model", {})


def _named(nodes: "Sequence[Node]") -> list[tuple[str, str]]:
    return [(node.id, node.title or node.class_type) for node in nodes]


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
    candidates={
        "picture_node": lambda parameters: _named(_workflow(parameters).pictures()),
        "model_node": lambda parameters: _named(_workflow(parameters).savers()),
    },
    check_request=_check_request,
    default_url="http://127.0.0.1:8188",
    client=_client,
    asks_quads=_asks_quads,
)
