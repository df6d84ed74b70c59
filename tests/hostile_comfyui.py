# SPDX-License-Identifier: GPL-3.0-or-later
"""The good answers of a ComfyUI with one prompt, for `hostile.World`. Says nothing itself, and makes nothing."""

import base64
import hashlib
import json
import re
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hostile import Answer, Request

ACCEPT = "as the key demands"
"""Stands in the header of the socket's answer, until the request is known."""

MODEL = "hunyuan_3d_v2.1.safetensors"
GRAPH = {"ckpt": {"class_type": "ImageOnlyCheckpointLoader", "inputs": {"ckpt_name": MODEL}}}
CLASSES = (
    *("CLIPVisionEncode", "EmptyLatentHunyuan3Dv2", "Hunyuan3Dv2Conditioning", "ImageOnlyCheckpointLoader"),
    *("KSampler", "LoadImage", "ModelSamplingAuraFlow", "SaveGLB", "VAEDecodeHunyuan3D", "VoxelToMesh"),
)
"""What the workflow "mesh" is made of."""

FILE = "image_to_3d_00001_.glb"


def route(request: "Request") -> str:
    """Which of ComfyUI's calls a request is: "create", "upload", "info", "balance" (whether it is there at all),
    "queue", "history", "delete", "socket", "head", "file", "unknown"."""
    path = request.target.partition("?")[0]
    if path == "/view":
        return "head" if request.method == "HEAD" else "file"
    if request.method == "POST":
        told = {"/prompt": "create", "/upload/image": "upload", "/queue": "delete", "/interrupt": "delete"}
        return told.get(path, "unknown")
    return {
        "system_stats": "balance",
        "object_info": "info",
        "queue": "queue",
        "history": "history",
        "ws": "socket",
    }.get(path.split("/")[1], "unknown")


def say(made: "Answer", route: str, state: str, task_id: str, glb: bytes) -> None:
    """Make `made` the good answer. `state` is "pending", "running", "succeeded" or "failed"."""
    if route in ("file", "head"):
        made.set("Content-Type", "model/gltf-binary")
        made.set("ETag", '"0123456789abcdef"')
        made.body = glb if route == "file" else b""
    elif route == "socket":
        made.status, made.framing = "101 Switching Protocols", "as is"
        made.headers = [("Upgrade", "websocket"), ("Connection", "upgrade"), ("Sec-WebSocket-Accept", ACCEPT)]
        made.documents, made.encoded = [_messages(task_id)], _framed
    elif route == "delete":
        made.body = b""
    else:
        made.documents = [_document(route, state, task_id)]


def accepted(answer: "Answer", request: "Request") -> "Answer":
    """`answer` with what the key of the request for a socket demands."""
    key = re.search(r"(?im)^sec-websocket-key: *(.*?)\r?$", request.head)
    digest = hashlib.sha1(f"{key[1] if key else ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    answer.headers = [
        (name, base64.b64encode(digest).decode() if value == ACCEPT else value) for name, value in answer.headers
    ]
    return answer


def _document(route: str, state: str, task_id: str) -> Any:
    entry = [5, task_id, GRAPH, {"client_id": task_id, "image_to_3d": {"saver": "save"}}, ["save"]]
    if route == "create":
        return {"prompt_id": task_id, "number": 5, "node_errors": {}}
    if route == "upload":
        return {"name": "front.png", "subfolder": "image_to_3d", "type": "input"}
    if route == "balance":
        device = {"name": "cuda:0 NVIDIA RTX 4090 : native", "type": "cuda", "vram_total": 25_757_220_864}
        return {"system": {"os": "posix", "comfyui_version": "0.33.0"}, "devices": [device]}
    if route == "info":
        about: dict[str, Any] = {name: {"input": {"required": {}}, "output": ["MESH"]} for name in CLASSES}
        about["ImageOnlyCheckpointLoader"]["input"]["required"]["ckpt_name"] = [[MODEL, "other.safetensors"]]
        return about
    if route == "queue":
        is_known = {"pending": ("queue_pending", "queue_running"), "running": ("queue_running", "queue_pending")}
        there, empty = is_known.get(state, ("queue_running", "queue_pending"))
        return {there: [entry] if state in is_known else [], empty: []}
    if route == "history":
        return {task_id: _entry(entry, state)} if state in ("succeeded", "failed") else {}
    return {"error": "not found"}


def _entry(entry: list[Any], state: str) -> dict[str, Any]:
    if state == "succeeded":
        files = {"save": {"3d": [{"filename": FILE, "subfolder": "image_to_3d", "type": "output"}]}}
        status = {"status_str": "success", "completed": True, "messages": [["execution_success", {}]]}
        return {"prompt": entry, "outputs": files, "status": status, "meta": {}}
    error = {"node_id": "ckpt", "node_type": "ImageOnlyCheckpointLoader", "exception_type": "RuntimeError"}
    error["exception_message"] = "The picture shows nothing.\n"
    status = {"status_str": "error", "completed": False, "messages": [["execution_error", error]]}
    return {"prompt": entry, "outputs": {}, "status": status}


def _messages(task_id: str) -> list[dict[str, Any]]:
    told = [("status", {"status": {"exec_info": {"queue_remaining": 1}}})]
    told += [("progress", {"value": done, "max": 10, "prompt_id": task_id, "node": "ckpt"}) for done in (1, 5, 9)]
    nodes = {"ckpt": {"value": 1, "max": 1, "state": "finished", "node_id": "ckpt"}}
    told += [("progress_state", {"prompt_id": task_id, "nodes": nodes}), ("execution_success", {"prompt_id": task_id})]
    return [{"type": kind, "data": data} for kind, data in told]


def _framed(content: bytes) -> bytes:
    """Each of the messages as a frame; what has become no list of them as a single one."""
    try:
        texts = [json.dumps(message).encode() for message in json.loads(content)]
    except (ValueError, TypeError, RecursionError):
        texts = [content]
    return b"".join(_frame(text) for text in texts)


def _frame(text: bytes) -> bytes:
    if len(text) < 126:
        return bytes([0x81, len(text)]) + text
    return (
        b"\x81\x7e" + struct.pack(">H", len(text))
        if len(text) < 1 << 16
        else b"\x81\x7f" + struct.pack(">Q", len(text))
    ) + text
