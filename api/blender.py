# SPDX-License-Identifier: GPL-3.0-or-later
"""A background Blender that works for a service or a job: found, started, heard to its end. Errors are sentences.
Imports no bpy."""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..programs.bounds import Bounds
from ..programs.launch import LAUNCH
from ..programs.process import StartError
from ..programs.program import Command, Program, Report, blender_command, launched_by
from .errors import FULL, BlenderError, reason_of
from .words import SENTENCE_AT_MOST, clean, named

LOOK_EVERY_S = 0.1
"""How often a report is read: it is a file."""
AT_ONCE_S = 0.03
"""The same where somebody waits for a model."""


Blender = str | os.PathLike[str] | Sequence[str]
"""How a Blender is named: by the path of its binary or of its folder, or by the beginning of a command line that starts
it, as ["flatpak", "run", "org.blender.Blender"]."""

IN_FOLDER = ("blender", "blender.exe", "Contents/MacOS/Blender")
"""Where the binary is in a folder of Blender's: as it is unpacked on Linux and on Windows, and in Blender.app."""


def command_of(blender: Blender | None) -> list[str]:
    """Return the command that starts our programs in the Blender that is named, or in the one that is found where none
    is. Raises `BlenderError` where there is none to be found."""
    if not blender:
        return find_blender()
    if isinstance(blender, (str, os.PathLike)):
        return blender_command(_binary_of(os.fspath(blender)))
    beginning = list(blender)
    # Without our options it would be a Blender with windows, which takes our programs for files that it is to open.
    return beginning if str(LAUNCH) in beginning else launched_by(beginning)


def _binary_of(named_as: str) -> str:
    """The binary that is meant by a path, or by a name that is looked up as the system does. One that is not there is
    said when it is started."""
    path = os.path.expanduser(named_as)
    inside = next((file for name in IN_FOLDER if os.path.isfile(file := os.path.join(path, name))), "")
    return os.path.abspath(inside or path) if inside or os.path.dirname(path) else path


def find_blender() -> list[str]:
    """Return the command for the Blender that this Python runs in; else for the bpy module of this Python, else for the
    Blender on the path. Raises `BlenderError`."""
    # A Blender has imported bpy, and says where its program is; as a module of Python it says "".
    binary: str = getattr(getattr(sys.modules.get("bpy"), "app", None), "binary_path", "")
    if binary or _has_bpy_module():
        return blender_command(binary)
    found = shutil.which("blender")
    if found is None:
        raise BlenderError('No Blender was found: put blender on the path, or connect with blender="...", its path.')
    return blender_command(found)


def _has_bpy_module() -> bool:
    """Whether Blender is a module of this Python. What only describes it to an editor (fake-bpy-module) has no program
    in it."""
    try:
        spec = find_spec("bpy")
    except ValueError:  # it was put there by hand
        return False
    return spec is not None and (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))


def start(
    blender: Command,
    module: str,
    request: dict[str, Any] | None,
    folder: Path,
    log: Path | None,
    bounds: Bounds | None = None,
) -> Program:
    """Start a program as `Program` does. Raises `BlenderError` where Blender cannot be started, `OSError` where the
    disk refuses.
    """
    try:
        return Program(blender, module, request, folder, log, bounds)
    except StartError as error:
        if error.errno in FULL:
            raise
        if error.errno == errno.ENOENT:
            raise BlenderError(f"Blender could not be started: there is no {named(blender[0])}.") from None
        raise BlenderError(
            f"Blender could not be started at {named(blender[0])} ({reason_of(error)}): check that it can be run, then "
            "try again."
        ) from error


def heard(program: Program) -> Report:
    """What the program has said last, fit for people: one line each, not endless."""
    report = program.poll()
    done = {**report.done, "note": _sentence(report.done["note"])} if report.done is not None else None
    error = (_sentence(report.error) or program.not_understood) if report.error else ""
    return replace(report, message=_sentence(report.message), done=done, error=error)


def finished(
    program: Program,
    sleep: Callable[[float], None],
    on_progress: Callable[[float, str], None] = lambda share, stage: None,
) -> Report:
    """Wait for the program's last word, and return that. The program is ended, also where `sleep` or `on_progress`
    raises."""
    try:
        return last_word(program, sleep, on_progress, LOOK_EVERY_S)
    finally:
        program.stop()


def last_word(
    program: Program,
    sleep: Callable[[float], None],
    on_progress: Callable[[float, str], None] = lambda share, stage: None,
    every_s: float = AT_ONCE_S,
) -> Report:
    """The same of a program that goes on after its work is done. It is ended only where it has failed, or where `sleep`
    or `on_progress` raises."""
    is_done = False
    try:
        while True:
            report = heard(program)
            is_done = report.done is not None
            if is_done or report.error:
                return report
            on_progress(report.progress, report.message)
            sleep(every_s)
    finally:
        if not is_done:
            program.stop()


def _sentence(text: str) -> str:
    return clean(text, SENTENCE_AT_MOST)
