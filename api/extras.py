# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a GLB's `extras` enters the user's file: plain values under plain names. Reads no file, decides nothing else
about a model.

glTF 2.0 (3.9) lets anything stand in `extras`, and Blender's importer (4.2 to 5.2) makes custom properties of them, on
scenes, objects, bones, meshes, materials, cameras and lights. A stranger's must neither be taken for what Blender or an
add-on keeps there, nor end the path of a driver or an expression in its own way (quotes, brackets, backslashes), nor
fill the file.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from .words import one_line, visible

EXTRAS = "extras"
TARGET_NAMES = "targetNames"
"""On a mesh: the names of its shape keys. No part of glTF 2.0, but a note in it (3.7.2.2), and what the importer
reads."""

NAME_BYTES = 63  # of a custom property or a shape key in Blender
TEXT_LENGTH = 300
NUMBERS_AT_MOST = 32  # in a list: two matrices
ENTRIES_AT_MOST = 48  # in one object
INT_MOST = 2**31 - 1

NOT_IN_A_NAME = re.compile(r"[\"'`\[\]{}\\]")
RESERVED = ("_", "cycles", "gltf2", "rigify", "image_to_3d")
"""How the names begin that Blender (`_RNA_UI` of files before 3.0), its importer (`BLACK_LIST` in io_scene_gltf2's
com/extras.py), bundled add-ons and this one keep to themselves. Case does not count."""


def keep_plain(document: Any) -> bool:
    """Take out of every `extras` in the JSON of a glTF what is not plain. Return whether there was any."""
    names = {id(mesh): _target_count(mesh) for mesh in _meshes(document)}
    changed = False
    for holder in _holders(document):
        kept = _plain(holder[EXTRAS], names.get(id(holder), 0))
        if kept != holder[EXTRAS]:
            changed = True
            if kept:
                holder[EXTRAS] = kept
            else:
                del holder[EXTRAS]
    return changed


def _holders(document: Any) -> list[dict[str, Any]]:
    """All objects with `extras`, also those in extensions. What is inside `extras` is looked at by `_plain` alone."""
    found, waiting = [], [document]
    while waiting:  # no recursion: how deep it goes is up to the file
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [entry for name, entry in value.items() if name != EXTRAS]
            if EXTRAS in value:
                found.append(value)
    return found


def _meshes(document: Any) -> Iterator[dict[str, Any]]:
    meshes = document.get("meshes") if isinstance(document, dict) else None
    yield from (mesh for mesh in meshes if isinstance(mesh, dict)) if isinstance(meshes, list) else ()


def _target_count(mesh: dict[str, Any]) -> int:
    """How many shape keys a mesh has, as the importer counts: those of the first primitive that has any."""
    primitives = mesh.get("primitives")
    for primitive in primitives if isinstance(primitives, list) else []:
        targets = primitive.get("targets") if isinstance(primitive, dict) else None
        if targets:
            return len(targets) if isinstance(targets, list) else 0
    return 0


def _plain(extras: Any, target_count: int) -> dict[str, Any]:
    """What of one `extras` is kept; `target_count` is how many names a mesh needs for its shape keys, 0 for all
    others."""
    kept: dict[str, Any] = {}
    for name, value in extras.items() if isinstance(extras, dict) else ():
        if name == TARGET_NAMES:
            if target_count and _are_names(value, target_count):
                kept[name] = [_as_name(entry) for entry in value]
        elif len(kept) < ENTRIES_AT_MOST and _is_plain_name(name) and _is_plain_value(value):
            kept[name] = visible(value) if isinstance(value, str) else value
    return kept


def _as_name(text: str) -> str:
    """What of a text can be the name of a shape key."""
    return NOT_IN_A_NAME.sub("", one_line(text)).encode()[:NAME_BYTES].decode(errors="ignore")


def _are_names(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(isinstance(entry, str) for entry in value)


def _is_plain_name(name: str) -> bool:
    return (
        name.isprintable()  # so it can also be encoded
        and name.strip() == name
        and 0 < len(name.encode()) <= NAME_BYTES
        and not NOT_IN_A_NAME.search(name)
        and not name.casefold().startswith(RESERVED)
    )


def _is_plain_value(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {isinstance(entry, bool) for entry in value}  # Blender's lists hold either
        return 0 < len(value) <= NUMBERS_AT_MOST and len(kinds) == 1 and all(map(_is_number, value))
    return _is_number(value) or (isinstance(value, str) and len(value) <= TEXT_LENGTH)


def _is_number(value: Any) -> bool:
    """Whether it is true, false, or a number that Blender holds as it is."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and abs(value) <= INT_MOST
