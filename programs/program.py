# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of the programs in `headless/` in a background Blender, and reads its report. Never waits, and imports no
bpy.

What a program says is given as it stands there: it opens files of strangers, and may repeat them. `api/blender.py`
makes it fit for people.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import files
from .launch import LAUNCH
from .process import StartError

CONVERT = "headless.convert"
DRAW = "headless.draw"
FIT = "headless.fit"
FRAME = "headless.frame"
SCULPT = "headless.sculpt"
"""The programs, as `launch.py` calls them."""

SCRATCH_PREFIX = "tmp-"
"""How the files begin that nobody needs once the program has ended."""

LOG = "log.txt"
"""What the log of a job is called, in its folder."""

REPORT_BYTES = 16 << 20
"""More than a program ever says: a line has about a hundred."""

NOT_UNDERSTOOD = "The background Blender said something that is not understood: try again."

Command = Sequence[str]
"""The beginning of a command line; the name of a program and its arguments follow."""


def blender_command(binary: str) -> list[str]:
    """Return the command that runs a program in the Blender at `binary`; "" means the bpy module of this Python.

    Factory start-up, so that nothing of the user's (add-ons, start-up file) can slow the program down or change its
    result.
    """
    if binary:
        return [binary, "--background", "--factory-startup", "--python-exit-code", "1", "--python", str(LAUNCH), "--"]
    return [sys.executable, "-I", str(LAUNCH)]


@dataclass(frozen=True)
class Report:
    """How far a program is (0 to 1) and with what; then either the facts about its finished work, or why there is none.

    `done["note"]` is a text, "" where the program has none.
    """

    progress: float = 0.0
    message: str = ""
    done: dict[str, Any] | None = None
    error: str = ""


class Program:
    """One run of the program `module` with `request`, in `folder`, where its request and its report also go.

    What it prints is appended to `log`, the log of a job, and to nothing where that is None. The program ends when this
    process does, or lets go of this object. Raises `StartError` where it cannot be started, `OSError` where its files
    cannot be written.
    """

    def __init__(self, blender: Command, module: str, request: dict[str, Any], folder: Path, log: Path | None) -> None:
        self._log = log
        # Named by process: a program whose job was taken over may live on for a moment, and must not get in the way.
        scratch = f"{SCRATCH_PREFIX}{module.rpartition('.')[2]}-{os.getpid()}"
        self._report = folder / f"{scratch}-report.jsonl"
        files.remove(self._report, missing_ok=True)
        request_file = folder / f"{scratch}-request.json"
        request_file.write_text(json.dumps({**request, "report": str(self._report)}), encoding="utf-8")
        # An empty user folder, for the bpy module, which has no --factory-startup.
        # No keys: the program opens files of strangers.
        kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_API_KEY")}
        environment = {**kept, "BLENDER_USER_RESOURCES": str(folder / f"{scratch}-user")}
        with files.open_private(log, "ab") if log else contextlib.nullcontext(subprocess.DEVNULL) as output:
            try:
                self._process = subprocess.Popen(
                    [*blender, module, str(request_file)],
                    stdin=subprocess.PIPE,  # nothing comes through it, and its end says that this process is gone
                    stdout=output,
                    stderr=output,
                    env=environment,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
            except OSError as error:
                raise StartError(error.errno, error.strerror, blender[0]) from error

    def poll(self) -> Report:
        """Return what the program has said last; an error of ours where it ended without a last word."""
        ended = self._process.poll() is not None  # asked before the file is read: the last line may come in between
        try:
            report = self._read()
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            # It reads files of strangers, and may be out of its mind.
            self.stop()
            return Report(error=self.not_understood)
        if ended and report.done is None and not report.error:
            error = f"The background Blender stopped unexpectedly (exit code {self._process.returncode}) at: "
            error += f"{report.message or 'starting'}. Try again."
            return Report(report.progress, report.message, error=error + self._details)
        return report

    @property
    def has_ended(self) -> bool:
        """Whether nothing runs any more: a program may go on after its last word."""
        return self._process.poll() is not None

    @property
    def not_understood(self) -> str:
        """The sentence for a program that says what none of ours says."""
        return NOT_UNDERSTOOD + self._details

    @property
    def _details(self) -> str:
        return f" {self._log.name} in the job's folder has the details." if self._log else ""

    def stop(self) -> None:
        """End the program at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

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
                return Report(1.0, message, done={**done, "note": _text(done["note"])})
            if "error" in said:
                return Report(progress, message, error=_text(said["error"]) or self.not_understood)
            progress, message = float(said["progress"]), _text(said["message"])
            if not 0.0 <= progress <= 1.0:
                raise ValueError("it is no share")
        return Report(progress, message)


def _text(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError("it is no text")
    return text
