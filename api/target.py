# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a model is to be saved: whether it can be, said before anything is paid. Leaves nothing behind."""

import os
from pathlib import Path

from .. import files
from .errors import TargetError, reason_of
from .paths import AnyPath, path_of
from .words import named as in_words

UNCHECKED = ".unchecked"
"""What the name of a model has behind it until the model is known to be whole."""
LONGEST = f"{UNCHECKED}.part-tag"
"""The most that a name has behind it while its file is fetched."""


def check_target(path: AnyPath) -> Path:
    """Return the path at which `save` would put a model: call it before `create`, which may cost money.

    Raises `TargetError` where `save` could not: the folder is not there, takes no file of such a name, or has a folder
    or a protected file there. How much room there is on the disk is not looked at.
    """
    target = named(path)
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise TargetError(f"{in_words(target)} is protected against writing: use another name, or allow it.")
    probe = target.with_name(f"{target.name}{LONGEST}")
    try:
        if not os.path.lexists(probe):  # else an earlier call has left it, and goes on from there
            probe.touch(exist_ok=False)
            files.remove(probe)
    except OSError as error:
        raise TargetError(
            f"No model can be saved at {in_words(target)} ({reason_of(error)}): use another folder or name."
        ) from error
    return target


def named(path: AnyPath) -> Path:
    """Return the path of a file that is in a folder and is none. Raises `TargetError`, `ParameterError`."""
    target = path_of(path, "The path of the model")
    if os.path.isdir(target) or not target.name:
        example = in_words(os.path.join(target, "model.glb"))
        raise TargetError(f"{in_words(target)} is a folder: name the file as well, as {example}.")
    if not os.path.isdir(target.parent):
        raise TargetError(f"There is no folder {in_words(target.parent)}: make it first, or use another.")
    return target
