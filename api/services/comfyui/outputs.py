# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file a finished run at ComfyUI made, from its entry in `GET /history/{id}`. A server's words: every type is
checked, and nothing leads out of its folders. Connects to nothing.

Source: what ComfyUI 0.3.64 and 0.33.0 answered. Nodes name a file as an object in a list (SaveGLB), or its path as a
text in "result" or "text" (Save3DAdvanced, Preview3D, PreviewAny).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ENDINGS = (".glb", ".gltf", ".obj", ".fbx", ".stl", ".ply")
OUTPUT, TEMP = "output", "temp"
"""Folders of ComfyUI's that a result may lie in, as `GET /view` calls them."""

FOLDER = "image_to_3d"
"""Of what we upload and of what is made, in ComfyUI's folders of inputs and outputs."""

PATH_AT_MOST = 1000  # characters
UNMARKED_TEMP = "preview3d_advanced_"
"""How the files of Preview3DAdvanced begin, which lie in the temporary folder without a word of it (0.33.0)."""

_MARK = re.compile(r"(?P<path>.*?) ?\[(?P<type>[a-z]+)\]")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:")


@dataclass(frozen=True)
class Output:
    """A file at the server, as `GET /view` takes it. `subfolder` has slashes only, and is "" for none."""

    filename: str
    subfolder: str
    type: str


def find(entry: Mapping[str, Any], saver: str = "") -> Output | None:
    """Return the model that a run made, by the entry of its own id; None where no node names one.

    What the node `saver` made goes before all others; then what is no preview, what a node names as a file, a GLB, and
    what was made last.
    """
    outputs = entry.get("outputs")
    best: tuple[tuple[bool, ...], Output] | None = None
    for node, said in outputs.items() if isinstance(outputs, Mapping) else ():
        ranked = [
            ((node == saver, found.type == OUTPUT, is_object, found.filename.lower().endswith(".glb")), found)
            for is_object, found in _files(said)
        ]
        first = max(ranked, key=lambda pair: pair[0], default=None)  # of the meshes of a batch, the first
        if first and (best is None or first[0] >= best[0]):
            best = first
    return best[1] if best else None


def _files(said: Any) -> Iterator[tuple[bool, Output]]:
    """The models that one node names, and whether each is named as an object."""
    for key, value in said.items() if isinstance(said, Mapping) else ():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                found = _of_object(item)
            else:
                found = _of_text(item) if key in ("result", "text") else None
            if found:
                yield isinstance(item, Mapping), found


def _of_object(item: Mapping[str, Any]) -> Output | None:
    name, folder, kind = item.get("filename"), item.get("subfolder", ""), item.get("type", OUTPUT)
    if not (isinstance(name, str) and isinstance(folder, str) and kind in (OUTPUT, TEMP)):
        return None
    return _output(f"{folder}/{name}" if folder else name, str(kind))


def _of_text(text: Any) -> Output | None:
    if not isinstance(text, str) or len(text) > PATH_AT_MOST:
        return None
    path, kind = text.strip(), ""
    if marked := _MARK.fullmatch(path):
        path, kind = marked["path"], marked["type"]
    path = path.replace("\\", "/")
    if _ABSOLUTE.match(path):
        path, kind = _below(path, kind)
    if path.startswith(UNMARKED_TEMP):
        kind = kind or TEMP
    return _output(path, kind or OUTPUT) if kind in ("", OUTPUT, TEMP) else None


def _below(path: str, kind: str) -> tuple[str, str]:
    """What of an absolute path is below one of ComfyUI's folders, and which; only the file's name where none is
    seen."""
    for folder in (OUTPUT, TEMP):
        _, seen, rest = path.rpartition(f"/{folder}/")
        if seen:
            return rest, kind or folder
    return path.rpartition("/")[2], kind


def _output(path: str, kind: str) -> Output | None:
    path = path.replace("\\", "/")
    parts = path.split("/")
    is_safe = path.isprintable() and not _ABSOLUTE.match(path) and not {"", ".", ".."} & set(parts)
    if not is_safe or len(path) > PATH_AT_MOST or not path.lower().endswith(ENDINGS) or parts[-1].lower() in ENDINGS:
        return None
    return Output(parts[-1], "/".join(parts[:-1]), kind)
