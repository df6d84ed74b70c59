# SPDX-License-Identifier: GPL-3.0-or-later
"""A background Blender that works for a service or a job: found, started, heard to its end. Errors are sentences.
Imports no bpy."""

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..programs.bounds import Bounds
from ..programs.process import StartError
from ..programs.program import Command, Program, Report, blender_command
from .errors import FULL, BlenderError, reason_of
from .words import SENTENCE_AT_MOST, clean, named

LOOK_EVERY_S = 0.1
"""How often a report is read: it is a file."""
AT_ONCE_S = 0.03
"""The same where somebody waits for a model."""


def find_blender() -> list[str]:
    """Return the command for the bpy module of this Python, else for the Blender on the path. Raises `BlenderError`."""
    if find_spec("bpy"):
        return blender_command("")
    binary = shutil.which("blender")
    if binary is None:
        raise BlenderError('No Blender was found: put blender on the path, or connect with blender="...", its path.')
    return blender_command(binary)


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
