# SPDX-License-Identifier: GPL-3.0-or-later
"""A checked GLB -> what Blender's importer makes of it, in the open file, or one true sentence. Opens nothing but the
GLB, and a copy of it that refers to nothing else.

What the importer cannot do, it says only on the way, and in words of its own. So it is asked before.
"""

import contextlib
import importlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from .. import files
from ..api.causes import IN_BLENDER, cause_of
from ..api.errors import GlbError
from ..api.glb import copy_for_blender
from ..api.gltf import broken
from ..api.words import clean
from ..programs.program import SCRATCH_PREFIX
from . import sound
from .failures import is_short_of_memory

IMPORTER = "io_scene_gltf2"
"""Blender's own add-on for glTF."""

ERRORS, NOT_UNPACKED = "glTFImporter_errors", "Draco Decoder:"
"""The log to which the importer says what it has left out, and how that begins where it could not unpack a mesh. It
goes on with whatever is in the place of its points (Blender 4.2 to 5.2)."""

NAME_AT_MOST, NAMED_AT_MOST = 60, 5  # characters of an extension's name; extensions that are named in a sentence

LIBRARIES = {
    sound.DRACO: "is_draco_available",
    **dict.fromkeys(sound.MESHOPT, "is_meshopt_available"),
}
"""The extensions that the importer leaves to a library beside it, which not every Blender has (the modules of Python
4.2.23 and 5.2.3 have none), and the functions of `IMPORTER` that look for it."""


def read(glb: Path, *, joins_points: bool = False) -> dict[str, Any]:
    """Import the checked `glb` into the open file; return the JSON of what was imported.

    Points at one place that have the same normal become one where the caller `joins_points`.
    Raises `GlbError` where this Blender cannot, or the file is damaged; `MemoryError`; and `OSError` where the copy
    cannot be written.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}read-", dir=glb.parent))
    try:
        copy = scratch / "model.glb"
        document = copy_for_blender(glb, copy)
        _require_known(document)
        sound.check(copy, document)
        _import(copy, document, joins_points)
        return document
    finally:
        with contextlib.suppress(OSError):  # what Windows does not let go of yet is tidied with the job
            files.remove_tree(scratch, patience_s=0)


class _Listener(logging.Handler):
    """Keeps what is said to a log."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def _import(copy: Path, document: dict[str, Any], joins_points: bool) -> None:
    listener = _Listener()
    logging.getLogger(ERRORS).addHandler(listener)
    try:
        _run_importer(copy, joins_points)
    finally:
        logging.getLogger(ERRORS).removeHandler(listener)
        if any(words.startswith(NOT_UNPACKED) for words in listener.heard) and _is_only_compressed(document):
            raise broken("a mesh that is compressed with Draco cannot be unpacked")


def _run_importer(copy: Path, joins_points: bool) -> None:
    try:
        # A bone's shape would be one more mesh, which is then counted, measured and shown as a part of the model.
        bpy.ops.import_scene.gltf(filepath=str(copy), disable_bone_shape=True, merge_vertices=joins_points)
    except RuntimeError as error:
        if is_short_of_memory(error):
            raise MemoryError from error
        cause = cause_of(error)
        said = "" if cause == IN_BLENDER else f" ({cause})"
        raise GlbError(
            f"Blender {bpy.app.version_string} cannot read the model{said}: retry in a newer Blender, or see whether "
            "another program opens it."
        ) from error


def _is_only_compressed(document: dict[str, Any]) -> bool:
    """Whether a primitive is there compressed with Draco alone. Others lie beside it as they are, for who cannot unpack
    it (`KHR_draco_mesh_compression`, "Fallback")."""
    accessors = document.get("accessors") or []
    return any(
        "bufferView" not in accessors[primitive["attributes"]["POSITION"]]
        for mesh in document.get("meshes") or []
        for primitive in mesh.get("primitives") or []
        if sound.DRACO in (primitive.get("extensions") or {}) and "POSITION" in primitive["attributes"]
    )


def _require_known(document: dict[str, Any]) -> None:
    """Raise `GlbError` where the model needs an extension of glTF that this Blender does not read."""
    managed = _managed()
    if managed is None:
        return
    required = {name for name in document.get("extensionsRequired") or [] if isinstance(name, str)}
    unknown = required - managed
    if unknown:
        raise _lack(unknown, "a newer Blender, which may read it")
    without_library = {name for name in required | set(_compressions(document)) if name in managed and _lacks(name)}
    if without_library:
        raise _lack(without_library, "another Blender, which may have it")


def _lack(names: set[str], where: str) -> GlbError:
    said = ", ".join(
        clean(name, NAME_AT_MOST) or "an extension without a name" for name in sorted(names)[:NAMED_AT_MOST]
    )
    return GlbError(f"Blender {bpy.app.version_string} lacks what this model needs ({said}): retry in {where}.")


def _managed() -> set[str] | None:
    """The extensions that this Blender's importer says it reads; None where it cannot be asked, as in a later Blender.

    It keeps them in each import's own object (Blender 4.2 to 5.2).
    """
    try:
        module = importlib.import_module(f"{IMPORTER}.io.imp.gltf2_io_gltf")
        importer = module.glTFImporter("", {"import_user_extensions": []})
        importer.log.flush()  # it has hung itself into Python's logging
        return set(importer.extensions_managed)
    except (ImportError, AttributeError, KeyError, TypeError):
        return None


def _compressions(document: dict[str, Any]) -> Iterator[str]:
    """The extensions of `LIBRARIES` that a part of the model is compressed with, required or not: the importer unpacks
    it where it can, whatever there is beside."""
    for mesh in document.get("meshes") or []:
        for primitive in mesh.get("primitives") or []:
            yield from LIBRARIES.keys() & (primitive.get("extensions") or {}).keys()
    for view in document.get("bufferViews") or []:
        yield from LIBRARIES.keys() & (view.get("extensions") or {}).keys()


def _lacks(extension: str) -> bool:
    """Whether the extension needs a library that this Blender does not have."""
    look = getattr(importlib.import_module(IMPORTER), LIBRARIES.get(extension, ""), None)
    return look is not None and not look()
