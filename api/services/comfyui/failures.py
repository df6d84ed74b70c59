# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a prompt that ComfyUI has taken made no model, as one error. Sends nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import PictureRefusedError, ServiceError, TaskFailedError
from ...words import clean
from . import history, lacks
from .outputs import Output
from .progress import called

NO_MODEL = "The workflow ran, but no node reported a 3D file: end it with Save 3D Model (SaveGLB)."

SMALLER = {
    "KSampler": "a smaller Shape Detail",
    "VAEDecodeHunyuan3D": "a smaller Mesh Detail",
    "VoxelToMesh": "a smaller Mesh Detail",
    "Trellis2UpsampleStage": "a smaller Shape Detail",
    "VaeDecodeShapeTrellis": "a smaller Shape Detail",
    "RemeshMesh": "a smaller Shape Detail",
    "UnwrapMesh": "a smaller Texture Size, fewer Faces",
    "BakeTextureFromVoxel": "a smaller Texture Size",
    "BakeNormalMapFromMesh": "a smaller Texture Size",
    "BakeAmbientOcclusion": "a smaller Texture Size",
}
"""What needs less memory in a node of our own workflows."""


def of_entry(entry: Mapping[str, Any], secrets: Iterable[str] = ()) -> ServiceError | None:
    """Why the prompt with this entry in the history failed, None where it ran to its end."""
    how, about = history.ending(entry)
    if how == "execution_interrupted":
        return TaskFailedError("The job was stopped at ComfyUI: generate it again.")
    if how == "execution_error":
        return _of_error(about, history.graph_of(entry), secrets)
    return None


def of_output(output: Output | None, secrets: Iterable[str] = ()) -> ServiceError | None:
    """Why what a prompt made is no model for us, None where it is one."""
    if output is None:
        return TaskFailedError(NO_MODEL)
    if output.filename.lower().endswith(".glb"):
        return None
    file = lacks.cleaned(output.filename, secrets)
    return TaskFailedError(f"The workflow saves {file}, which is no GLB: end it with Save 3D Model (SaveGLB).")


def _of_error(about: Mapping[str, Any], graph: Mapping[str, Any], secrets: Iterable[str]) -> ServiceError:
    node, node_class, kind, message = (
        value if isinstance(value := about.get(name), str) else ""
        for name in ("node_id", "node_type", "exception_type", "exception_message")
    )
    title = called(graph, node, node_class, secrets)
    first_line = clean(message.strip().partition("\n")[0], secrets=secrets).rstrip(". ")
    if kind.endswith("MemoryError"):
        which = "graphics memory" if kind.endswith("OutOfMemoryError") else "memory"
        smaller = SMALLER.get(node_class, "a lower resolution")
        return TaskFailedError(
            f"ComfyUI ran out of {which} in node {title}: choose {smaller}, or close other programs."
        )
    if kind.endswith("SafetensorError") or "deserializing header" in message:
        file = _model_of(graph.get(node), secrets)
        what = f"cannot read {file}, which is" if file else f"cannot read a file in node {title}, as it is"
        return TaskFailedError(f"ComfyUI {what} damaged or not whole: download it anew.")
    if kind.endswith("UnidentifiedImageError"):
        return PictureRefusedError("ComfyUI cannot read the picture that was sent: generate it again.")
    named = lacks.cleaned(node_class, secrets)
    where = title if title == named or not node_class else f"{title} ({named})"
    return TaskFailedError(f"ComfyUI stopped in node {where}: {first_line or lacks.cleaned(kind, secrets)}.")


def _model_of(node: object, secrets: Iterable[str]) -> str:
    """The model file that a node of a graph loads, "" for none."""
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    values = inputs.values() if isinstance(inputs, Mapping) else ()
    return next((lacks.cleaned(value, secrets) for value in values if lacks.is_model(value)), "")
