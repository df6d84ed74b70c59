# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as scripts give them: a `str` or a `pathlib.Path`, in which `~` is the user's own folder. Makes nothing."""

import contextlib
import os
from pathlib import Path

from .errors import ParameterError
from .words import shown

AnyPath = str | os.PathLike[str]
"""A path on this machine."""


def path_of(value: AnyPath, what: str) -> Path:
    """Return the path that is meant. `~` at its beginning is the user's folder, in a `Path` as well: nobody means a
    folder of that name.

    Raises `ParameterError`, which begins with `what`, where it is no path, or an empty one.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise ParameterError(f"{what} cannot be {shown(value)}: use a path.")
    name = os.fsdecode(value)
    if not name or "\0" in name:
        raise ParameterError(f"{what} cannot be {shown(name)}: use a path.")
    path = Path(name)
    with contextlib.suppress(RuntimeError):  # what no user is called
        return path.expanduser()
    return path


def folder_of(value: AnyPath) -> Path:
    """Return the folder that is meant, which is there, as an absolute path. Raises `ParameterError`."""
    folder = path_of(value, "The folder").absolute()
    if not os.path.isdir(folder):  # also where the name is endless, or none
        raise ParameterError(f"There is no folder {shown(str(folder))}: make it first, or name another.")
    return folder
