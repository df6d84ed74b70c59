# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of the programs in `headless/` in a background Blender, and reads its report. Never waits, and imports no bpy."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import BlenderError
from .words import SENTENCE_AT_MOST, clean

LAUNCH = Path(__file__).resolve().parent.parent / "jobs" / "launch.py"

SCRATCH_PREFIX = "tmp-"
"""How the files begin that nobody needs once the program has ended."""

REPORT_BYTES = 16 << 20
"""More than a program ever says: a line has about a hundred."""

NOT_UNDERSTOOD = "The background Blender said something that is not understood: try again; log.txt in the job's folder has the details."

Command = Sequence[str]
"""The beginning of a command line; the name of a program and its arguments follow."""


def blender_command(binary: str) -> list[str]:
    """Return the command that runs a program in the Blender at `binary`; "" means the bpy module of this Python.

    Factory start-up, so that nothing of the user's (add-ons, start-up file) can slow the program down or change its result.
    """
    if binary:
        return [binary, "--background", "--factory-startup", "--python-exit-code", "1", "--python", str(LAUNCH), "--"]
    return [sys.executable, "-I", str(LAUNCH)]


def find_blender() -> list[str]:
    """Return the command for the bpy module of this Python, else for the Blender on the path. Raises `BlenderError`."""
    if find_spec("bpy"):
        return blender_command("")
    binary = shutil.which("blender")
    if binary is None:
        raise BlenderError("No Blender was found: put blender on the path, or name it when connecting.")
    return blender_command(binary)


@dataclass(frozen=True)
class Report:
    """How far a program is (0 to 1) and with what; then either the facts about its finished work, or why there is none.

    Texts are fit for people: one line each, not endless. `done["note"]` is a text, "" where the program has none.
    """

    progress: float = 0.0
    message: str = ""
    done: dict[str, Any] | None = None
    error: str = ""


class Program:
    """One run of the program `module` with `request`, in `folder`, where its request, report and log also go."""

    def __init__(self, blender: Command, module: str, request: dict[str, Any], folder: Path) -> None:
        # Named by process: a program whose job was taken over may live on for a moment, and must not get in the way.
        scratch = f"{SCRATCH_PREFIX}{module.rpartition('.')[2]}-{os.getpid()}"
        self._report = folder / f"{scratch}-report.jsonl"
        self._report.unlink(missing_ok=True)
        request_file = folder / f"{scratch}-request.json"
        request_file.write_text(json.dumps({**request, "report": str(self._report)}), encoding="utf-8")
        # An empty user folder, for the bpy module, which has no --factory-startup.
        # No keys: the program opens files of strangers.
        kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_API_KEY")}
        environment = {**kept, "BLENDER_USER_RESOURCES": str(folder / f"{scratch}-user")}
        try:
            with open(folder / "log.txt", "ab", opener=_opened) as log:
                self._process = subprocess.Popen(
                    [*blender, module, str(request_file)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except FileNotFoundError:
            raise BlenderError(f"Blender could not be started: there is no {blender[0]}.") from None

    def poll(self) -> Report:
        """Return what the program has said last; an error of ours where it ended without a last word."""
        ended = self._process.poll() is not None  # asked before the file is read: the last line may come in between
        try:
            report = self._read()
        except (
            ValueError,
            TypeError,
            KeyError,
            OverflowError,
            RecursionError,
        ):  # it reads files of strangers, and may be out of its mind
            self.stop()
            return Report(error=NOT_UNDERSTOOD)
        if ended and report.done is None and not report.error:
            error = f"The background Blender stopped unexpectedly (exit code {self._process.returncode}) at: "
            error += f"{report.message or 'starting'}. Try again; log.txt in the job's folder has the details."
            return Report(report.progress, report.message, error=error)
        return report

    def stop(self) -> None:
        """End the program at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> Report:
        progress, message = 0.0, ""
        if not self._report.exists():
            return Report()
        if self._report.stat().st_size > REPORT_BYTES:
            raise ValueError("it says too much")
        # What follows the last end of a line is still being written.
        for line in self._report.read_bytes().split(b"\n")[:-1]:
            said = json.loads(line)
            if "done" in said:
                done = {"note": "", **said["done"]}
                return Report(1.0, _sentence(message), done={**done, "note": _sentence(done["note"])})
            if "error" in said:
                return Report(progress, _sentence(message), error=_sentence(said["error"]) or NOT_UNDERSTOOD)
            progress, message = float(said["progress"]), said["message"]
            if not 0.0 <= progress <= 1.0:
                raise ValueError("it is no share")
        return Report(progress, _sentence(message))


def _opened(name: str, flags: int) -> int:
    """Open a log for its owner only, and through no link: it would be another file of the user's."""
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o600)


def _sentence(text: Any) -> str:
    """A text of a program, which may repeat what stands in a stranger's file. Raises `TypeError` for what is none."""
    if not isinstance(text, str):
        raise TypeError("it is no text")
    return clean(text, SENTENCE_AT_MOST)
