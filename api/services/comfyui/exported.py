# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that ComfyUI has written -> the graph in it, as `POST /prompt` takes it: a workflow that was exported with
Export (API), or a PNG or GLB that a workflow made, which carries it. A stranger's file: every type is checked, and
nothing of it is decoded but this text. Changes nothing, connects to nothing.

Source: ComfyUI 0.33.0 (`asset.extras.prompt` in a GLB of SaveGLB, the text "prompt" in a PNG); PNG, 11.3.3 (textual
information); glTF 2.0, section 4.
"""

import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import ParameterError
from ...glb import CHUNK, HEADER
from ...headers import PNG_START
from ...words import clean, named
from .nodes import Graph

LIMIT_BYTES = 8 << 20  # of the text; the largest of ComfyUI's own templates has 0.3 MB
NODES_AT_MOST = 5000  # the largest workflows that people share have some hundreds
CHUNKS_AT_MOST = 100_000  # of a PNG: what those that write one put into a gigabyte
KEYWORDS = (b"prompt", b"workflow")
KEYWORD_BYTES = 80  # with the zero after it
ID_AT_MOST = 100  # characters, in a sentence

NONE = "The workflow file holds no workflow: use one that ComfyUI has exported with Export (API)."
EDITOR = (
    "The workflow file is for ComfyUI's editor: open it there, choose File > Export (API), and use the file that this "
    "makes."
)


def graph_in(path: Path) -> Graph:
    """Return the nodes of the workflow in a file, each with `class_type`, `inputs` and what the user called it
    (`_meta.title`), and nothing else. Raises `ParameterError`, `OSError`."""
    if not path.name:
        raise ParameterError(
            "There is no workflow file: choose one that ComfyUI has exported with Export (API), or another workflow."
        )
    if not os.path.isfile(path):  # which takes a name that is none for one that is not there
        raise ParameterError(
            f"There is no workflow at {named(path)}: choose a file that ComfyUI has exported with Export (API)."
        )
    try:
        with path.open("rb") as file:
            document = _parsed(_text_in(file))
    except PermissionError:
        raise ParameterError(f"{named(path.name)} may not be read: check the permissions of the file.") from None
    return _graph(document)


def _text_in(file: BinaryIO) -> bytes:
    start = file.read(len(PNG_START))
    if start == PNG_START:
        return _in_png(file)
    file.seek(0)
    if start.startswith(b"glTF"):
        return _in_glb(file)
    return _read(file, LIMIT_BYTES + 1)


def _read(file: BinaryIO, length: int) -> bytes:
    data = file.read(min(length, LIMIT_BYTES + 1))
    if len(data) > LIMIT_BYTES:
        raise ParameterError(
            f"The workflow file has more than {LIMIT_BYTES >> 20} MB: use one that ComfyUI has exported with Export "
            "(API)."
        )
    return data


def _in_png(file: BinaryIO) -> bytes:
    """The graph in a PNG; that for the editor, which many have too, where there is no other."""
    found: dict[bytes, bytes] = {}
    for kind, keyword, text in _png_texts(file):
        if kind == b"iTXt":  # whether it is compressed, and two texts on the language, come first
            text = text[2:].split(b"\0", 2)[-1]
        found.setdefault(keyword, text)
    return found.get(b"prompt") or found.get(b"workflow") or b""


def _png_texts(file: BinaryIO) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The kind of each text that may be a graph, its keyword, and what follows that. No other is read, and none
    unpacked."""
    for _ in range(CHUNKS_AT_MOST):
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        after = file.tell() + length + 4  # its check sum
        if kind in (b"tEXt", b"iTXt"):
            keyword, ended, _ = file.read(min(length, KEYWORD_BYTES)).partition(b"\0")
            if ended and keyword in KEYWORDS:
                file.seek(after - 4 - length + len(keyword) + 1)
                yield kind, keyword, _read(file, length - len(keyword) - 1)
        file.seek(after)


def _in_glb(file: BinaryIO) -> bytes:
    head = file.read(HEADER.size + CHUNK.size)
    if len(head) < HEADER.size + CHUNK.size:
        return b""
    length, kind = CHUNK.unpack(head[HEADER.size :])
    document = _parsed(_read(file, length)) if kind == b"JSON" else None
    for name in ("asset", "extras", "prompt"):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document.encode(errors="replace") if isinstance(document, str) else b""


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ParameterError(NONE) from None


def _graph(document: Any) -> Graph:
    if isinstance(document, Mapping) and _is_wrapped(document):  # what was sent to /prompt
        document = document["prompt"]
    if not isinstance(document, Mapping):
        raise ParameterError(NONE)
    if isinstance(document.get("nodes"), list):
        raise ParameterError(EDITOR)
    if not any(isinstance(node, Mapping) and "class_type" in node for node in document.values()):
        raise ParameterError(NONE)
    if len(document) > NODES_AT_MOST:
        raise ParameterError(
            f"The workflow has {len(document):,} nodes, and at most {NODES_AT_MOST:,} are taken: use a smaller one."
        )
    return {id: _node(id, node) for id, node in document.items()}


def _is_wrapped(document: Mapping[str, Any]) -> bool:
    inner = document.get("prompt")
    return isinstance(inner, Mapping) and "class_type" not in inner


def _node(id: str, node: Any) -> dict[str, Any]:
    class_type = node.get("class_type") if isinstance(node, Mapping) else None
    if not isinstance(class_type, str) or not class_type:
        raise ParameterError(
            f"Node {clean(id, ID_AT_MOST)} of the workflow has no class: update ComfyUI, and export the workflow again."
        )
    inputs, about = node.get("inputs"), node.get("_meta")
    title = about.get("title") if isinstance(about, Mapping) else None
    # What else stands there is of an earlier run, as `is_changed`, which a server would believe.
    return {
        "class_type": class_type,
        "inputs": dict(inputs) if isinstance(inputs, Mapping) else {},
        **({"_meta": {"title": title}} if isinstance(title, str) else {}),
    }
