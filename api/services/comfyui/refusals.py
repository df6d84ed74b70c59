# SPDX-License-Identifier: GPL-3.0-or-later
"""Why ComfyUI does not take a prompt (`POST /prompt`), as one error. Sends nothing.

Source: what ComfyUI 0.3.64 and 0.33.0 answered. Both name everything that is wrong with the inputs of all nodes at
once, but only the first class that is missing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import PictureRefusedError, RefusedError, ServiceError
from ...words import clean
from . import lacks
from .outputs import FOLDER
from .progress import called

if TYPE_CHECKING:
    from .graphs import Model

MISSING = ("missing_node_type", "invalid_prompt")
"""What 0.33.0 and 0.3.64 call a class that is missing, and a node without one."""

_OLD_CLASS = re.compile(r"node (\S{1,100}) does not exist")  # 0.3.64
_NODE = re.compile(r"#([^'\s]{1,100})")

SAYS_NOTHING = "ComfyUI does not accept the workflow: update ComfyUI, or export the workflow again."


def of_body(
    body: object, graph: Mapping[str, Any], models: "tuple[Model, ...]" = (), secrets: Iterable[str] = ()
) -> ServiceError:
    """What the JSON of a refusal means. `graph` is what was sent, `models` the files that we know pages of, `secrets`
    what must not be seen in what the server says."""
    body = body if isinstance(body, Mapping) else {}
    wrong = list(_wrong(body.get("node_errors")))
    if wrong:
        return _of_nodes(wrong, graph, models, secrets)
    error = body.get("error")
    error = error if isinstance(error, Mapping) else {"message": error}  # some proxies and nodes write a mere text
    kind, message, details = (_text(error.get(name)) for name in ("type", "message", "details"))
    if kind in MISSING:
        return _missing(error, message, details, secrets)
    if kind == "prompt_no_outputs":
        return RefusedError("The workflow has no node that saves anything: end it with Save 3D Model (SaveGLB).")
    if not message:
        return RefusedError(SAYS_NOTHING)
    said = clean(f"{message}: {details}" if details else message, secrets=secrets).rstrip(". ")
    return RefusedError(f"ComfyUI does not accept the workflow ({said}): update ComfyUI, or export the workflow again.")


def has_node_errors(body: object) -> bool:
    """Whether an answer names nodes that cannot run; beside a status of 200, the others have been queued."""
    return isinstance(body, Mapping) and any(_wrong(body.get("node_errors")))


def _missing(error: Mapping[str, Any], message: str, details: str, secrets: Iterable[str]) -> ServiceError:
    extra = error.get("extra_info")
    named = _text(extra.get("class_type")) if isinstance(extra, Mapping) else ""
    old = _OLD_CLASS.search(message)
    name = named or (old[1] if old else "")
    if name:
        return lacks.without_nodes([name], secrets)
    node = _NODE.search(details)
    which = f"Node {clean(node[1], secrets=secrets)}" if node else "A node"
    return RefusedError(f"{which} of the workflow has no class: update ComfyUI and export the workflow again.")


Wrong = tuple[str, str, Mapping[str, Any]]
"""The id of a node, its class, and one of its errors."""


def _wrong(node_errors: object) -> Iterator[Wrong]:
    for node, about in node_errors.items() if isinstance(node_errors, Mapping) else ():
        errors = about.get("errors") if isinstance(about, Mapping) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, Mapping):
                yield str(node), _text(about.get("class_type")), error


def _of_nodes(
    wrong: list[Wrong], graph: Mapping[str, Any], models: "tuple[Model, ...]", secrets: Iterable[str]
) -> ServiceError:
    """The files that are missing, all at once; else the first thing that is wrong."""
    files, page = [], ""
    for _, node_class, error in wrong:
        extra = error.get("extra_info")
        extra = extra if isinstance(extra, Mapping) else {}
        file, name = extra.get("received_value"), _text(extra.get("input_name"))
        if error.get("type") == "value_not_in_list" and isinstance(file, str) and lacks.is_model(file):
            known = next((model for model in models if model.file == file), None)
            page = page or (known.page if known else "")
            files.append((file, known.folder if known else lacks.folder_of(node_class, name)))
    if files:
        return lacks.without_files(files, page, secrets)
    node, node_class, error = wrong[0]
    message, details = (clean(_text(error.get(name)), secrets=secrets).rstrip(". ") for name in ("message", "details"))
    if "Invalid image file" in details:
        if others := _picture_of_another(graph.get(node)):
            return RefusedError(
                f"ComfyUI does not have {others}, which the node {called(graph, node, node_class)} loads: put it into "
                "its folder input, or use another workflow."
            )
        return PictureRefusedError("ComfyUI does not find the picture that was sent: generate it again.")
    said = f"{message}: {details}" if details and details not in message else message
    return RefusedError(
        f"ComfyUI does not accept the node {called(graph, node, node_class, secrets)}{f' ({said})' if said else ''}: "
        "change the settings or the workflow, or update ComfyUI."
    )


def _picture_of_another(node: object) -> str:
    """The picture that a node of a graph loads where it is not one that we have sent, "" where it is."""
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    image = _text(inputs.get("image")) if isinstance(inputs, Mapping) else ""
    return lacks.cleaned(image) if image and not image.startswith(f"{FOLDER}/") else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
