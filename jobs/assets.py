# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's Asset Browser shows of results: what a job tells of its model, and the file that names the catalogs.
Imports no bpy, and changes no line that others have written.
"""

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

from .. import files
from ..api import picture
from ..api.errors import ParameterError
from ..api.parameters import AUTOMATIC, Choice, File, Parameter, Table, Vector, applies
from ..api.services import SERVICES, label_of
from ..api.words import bare_address, clean, model_name
from .folder import Job

CATALOGS = "blender_assets.cats.txt"
"""Blender looks for a file of this name in the folder of an asset library."""

VERSION = b"VERSION"
VERSION_1 = b"VERSION 1"
HEADER = b"""# Catalogs of Blender's Asset Browser, for the models of Image to 3D.
# Image to 3D adds lines that are missing, and leaves all others as they are.

VERSION 1
"""

NAMESPACE = uuid.UUID("6d0f2a6e-53c5-4f6e-9a55-9f1b7c1d3d5e")
"""What the ids of the catalogs are made of, with the services' names: none of them ever changes, as assets lead to
their catalogs by these ids."""

PARENT = "Image to 3D"
"""The catalog above all others. It has a line of its own: else Blender makes it, and says that it is not saved."""

READ_AT_MOST = 1_000_000  # bytes: what is longer is no list of catalogs

VALUE_AT_MOST = 200  # characters of one parameter in a description
DESCRIPTION_AT_MOST = 1000


def catalog_of(service: str) -> str:
    """The id of the catalog that the results of a service are in."""
    return str(uuid.uuid5(NAMESPACE, service))


def facts_of(job: Job) -> dict[str, Any]:
    """What the asset says of a job's model: "description" (one line), "tags" and "catalog" (its id).

    The user may give the file to anybody, so nothing that gives access to anything is in it: see
    `scene.place.place`, which says the same on the object.
    """
    label, name = label_of(job.service), model_name(job.name)
    source = bare_address(job.source) if picture.is_url(job.source) else ""
    made = f"Made by Image to 3D with {label} from the picture {source or name}"
    asked = _in_words(SERVICES[job.service].parameters, job.parameters)
    description = f"{made}. {'; '.join(asked)}" if asked else made
    return {
        "description": clean(description, DESCRIPTION_AT_MOST),
        "tags": [label, name],
        "catalog": catalog_of(job.service),
    }


def _in_words(table: Table, parameters: dict[str, Any]) -> list[str]:
    """What was asked for beyond the defaults, as "Topology: quad". Pictures are left out, and what a record holds that
    its service would not take."""
    values = {entry.name: entry.check(entry.default) for entry in table}
    for entry in table:
        with contextlib.suppress(ParameterError):
            values[entry.name] = entry.check(parameters.get(entry.name, entry.default))
    return [
        f"{entry.label}: {_value_in_words(entry, values[entry.name])}"
        for entry in table
        if not isinstance(entry, File)
        and values[entry.name] not in (None, "", entry.check(entry.default_beside(table, values)))
        and applies(table, entry, values)
    ]


def _value_in_words(entry: Parameter, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(entry, Vector):
        sides = ("automatic" if side == AUTOMATIC else f"{side:g}" for side in value)
        return ", ".join(f"{axis} {side}" for axis, side in zip(entry.axes, sides, strict=True))
    if isinstance(entry, Choice):
        return str(value).replace("_", " ")
    words = (bare_address(word) or "an address" if picture.is_url(word) else word for word in value.split())
    return clean(" ".join(words), VALUE_AT_MOST)


def write_catalogs(root: Path, *, is_private: bool = True) -> None:
    """See to it that the results' folder `root` has a catalog for each service. Raises `OSError` where it cannot be
    written.

    All services' at once, so that two processes which do this at the same time write the same. Lines that stand there
    stay, whoever wrote them; a file that is none of Blender's is left alone. Unless it `is_private`, others may read it
    where the system's settings for new files say so.
    """
    file = root / CATALOGS
    if os.path.lexists(file) and not files.is_plain_file(file):
        return
    try:
        with file.open("rb") as stream:
            there = stream.read(READ_AT_MOST + 1)
    except FileNotFoundError:
        there = HEADER
    lines = [line.strip() for line in there.removeprefix(b"\xef\xbb\xbf").splitlines()]
    versions = [line for line in lines if line.startswith(VERSION)]
    is_text = len(there) <= READ_AT_MOST and b"\0" not in there  # nor UTF-16, which Blender does not read
    if not is_text or (versions and versions[0] != VERSION_1):  # nobody's, or a later Blender's
        return
    known = {line.partition(b":")[0].strip().lower() for line in lines}
    paths = {
        catalog_of(""): PARENT,
        **{catalog_of(name): f"{PARENT}/{about.label}" for name, about in SERVICES.items()},
    }
    missing = [
        f"{catalog}:{path}:{path.replace('/', '-')}".encode()
        for catalog, path in paths.items()
        if catalog.encode() not in known
    ]
    if not missing:
        return
    if not versions:  # without it, Blender reads none of the lines below
        there = VERSION_1 + b"\n\n" + there
    end = b"" if not there or there.endswith(b"\n") else b"\n"
    _replace(file, there + end + b"\n".join(missing) + b"\n", is_private=is_private)


def _replace(file: Path, content: bytes, *, is_private: bool) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with files.open_private(part, "wb") if is_private else part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            files.sync_open(stream.fileno())
        files.replace(part, file)
    except BaseException:
        with contextlib.suppress(OSError):
            files.remove(part, missing_ok=True)
        raise
