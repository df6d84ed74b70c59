# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of the programs in `headless/` in a background Blender, and reads its report. Never waits, and imports no
bpy.

What a program says is given as it stands there: it opens files of strangers, and may repeat them. `api/blender.py`
makes it fit for people.
"""

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import files
from .bounds import MOST_THREADS, Bounds
from .environment import needed
from .group import Group
from .launch import LAUNCH
from .memory import taken_bytes
from .process import StartError

CONVERT = "headless.convert"
CUT_OUT = "headless.cut_out"
DRAW = "headless.draw"
FIT = "headless.fit"
FRAME = "headless.frame"
SCULPT = "headless.sculpt"
SHOW = "headless.show"
"""The programs, as `launch.py` calls them."""

SCRATCH_PREFIX = "tmp-"
"""How the files begin that nobody needs once the program has ended."""

LOG = "log.txt"
"""What the log of a job is called, in its folder."""

SANDBOX = "/usr/bin/sandbox-exec"

REPORT_BYTES = 16 << 20
"""More than a program ever says: a line has about a hundred."""

MEMORY_EVERY_S = 0.05 if sys.platform == "linux" else 1.0
"""How often is looked what a program takes: on Linux it is a file, on macOS a process (`memory.py`)."""

OUTPUT_BYTES = 1 << 20
"""How much of what a program printed last is looked at: its last words are why it ended."""

NOT_UNDERSTOOD = "The background Blender said something that is not understood: try again."

Command = Sequence[str]
"""The beginning of a command line; the name of a program and its arguments follow."""


def blender_command(binary: str, threads: int = 0) -> list[str]:
    """Return the command that runs a program in the Blender at `binary`; "" means the bpy module of this Python.

    Factory start-up, so that nothing of the user's (add-ons, start-up file) can slow the program down or change its
    result. A Blender gets so many `threads`, 0 for as many as it likes; the module goes by the cores that it may use.
    """
    return launched_by([binary], threads) if binary else [sys.executable, "-I", str(LAUNCH)]


def launched_by(beginning: Command, threads: int = 0) -> list[str]:
    """Return the same for the Blender that a command line with this `beginning` starts."""
    options = ["--background", "--factory-startup", "--offline-mode", "--python-exit-code", "1"]
    options += ["--threads", str(threads)] if threads else []
    return [*beginning, *options, "--python", str(LAUNCH), "--"]


def offline() -> list[str]:
    """What the command line of a program begins with that must not reach the network: macOS has a command for it
    (`SANDBOX`, not tried). On Linux the program does it itself, see `cage.py`; Windows has nothing for programs
    without administrator rights."""
    if sys.platform == "darwin" and os.access(SANDBOX, os.X_OK):
        return [SANDBOX, "-p", "(version 1)(allow default)(deny network*)"]
    return []


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
    """One run of the program `module` with `request`, in a folder of its own in `folder`, where its request and its
    report go, too, and where it works: paths in `request` are absolute.

    With `request` None it only makes itself ready, and waits for `give`. What it prints is appended to `log`, the log
    of a job, and to nothing where that is None. It gets no more than `bounds`, where there are some. It ends, and all
    that it has started, when this process does, or lets go of this object. Raises `StartError` where it cannot be
    started, `OSError` where its files cannot be written.
    """

    def __init__(
        self,
        blender: Command,
        module: str,
        request: dict[str, Any] | None,
        folder: Path,
        log: Path | None,
        bounds: Bounds | None = None,
    ) -> None:
        self._log, self._bounds = log, bounds
        # Named by process: a program whose job was taken over may live on for a moment, and must not get in the way.
        name = f"{SCRATCH_PREFIX}{module.rpartition('.')[2]}-{os.getpid()}-"
        own = Path(tempfile.mkdtemp(prefix=name, dir=folder.absolute()))
        self._report, self._request = own / "report.jsonl", own / "request.json"
        self._until = math.inf
        self._peak_bytes, self._look_at_memory_at = 0, 0.0
        self._bound_hit = ""
        if request is not None:
            self.give(request)
        binary = os.path.abspath(blender[0]) if os.path.dirname(blender[0]) else blender[0]
        is_bare = "--background" in blender and "--threads" not in blender
        threads = ["--threads", str(MOST_THREADS)] if bounds and is_bare else []
        memory_bytes = bounds.memory_bytes if bounds else 0
        with files.open_private(log, "ab") if log else contextlib.nullcontext(subprocess.DEVNULL) as output:
            self._log_start = log.stat().st_size if log else 0
            try:
                self._group = Group(
                    [*offline(), binary, *threads, *blender[1:], module, str(self._request)],
                    memory_bytes,
                    stdin=subprocess.PIPE,  # nothing comes through it, and its end says that this process is gone
                    stdout=output,
                    stderr=output,
                    env=needed(os.environ, own, memory_bytes),
                    cwd=own,
                )
            except OSError as error:
                raise StartError(error.errno, error.strerror, blender[0]) from error
        self._process = self._group.process

    def give(self, request: dict[str, Any]) -> None:
        """Have the program do what `request` says; its time runs from now on. Raises `OSError`."""
        part = self._request.with_suffix(".part")  # the program takes what has the name, so it is whole by then
        part.write_text(json.dumps({**request, "report": str(self._report)}), encoding="utf-8")
        files.replace(part, self._request)
        self._until = time.monotonic() + self._bounds.seconds if self._bounds else math.inf

    def poll(self) -> Report:
        """Return what the program has said last; an error of ours where it ended without a last word, or was ended as
        it took too much."""
        ended = self._group.has_ended()  # asked before the file is read: the last line may come in between
        try:
            report = self._read()
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            # It reads files of strangers, and may be out of its mind.
            self.stop()
            return Report(error=self.not_understood)
        if self._bounds:
            self._hold(self._bounds, report, ended=ended)
        if report.done is not None:
            return report
        if self._bound_hit:
            return Report(report.progress, report.message, error=self._bound_hit)
        if ended and not report.error:
            error = f"The background Blender stopped unexpectedly (exit code {self._process.returncode}) at: "
            error += f"{report.message or 'starting'}."
            return Report(report.progress, report.message, error=error + self._details)
        return report

    @property
    def has_ended(self) -> bool:
        """Whether the program runs no more; it may go on for a while after its last word."""
        return self._group.has_ended()

    @property
    def not_understood(self) -> str:
        """The sentence for a program that says what none of ours says."""
        return NOT_UNDERSTOOD + self._details

    @property
    def _details(self) -> str:
        return f" {self._log.name} in the job's folder has the details." if self._log else ""

    def stop(self) -> None:
        """End the program at once, whatever it is doing, and all that it has started."""
        self._group.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _hold(self, bounds: Bounds, report: Report, *, ended: bool) -> None:
        """End the program where it has taken more than its bounds, and note which it has hit."""
        now = time.monotonic()
        if not ended and now > self._look_at_memory_at:
            self._look_at_memory_at = now + MEMORY_EVERY_S
            self._peak_bytes = max(self._peak_bytes, taken_bytes(self._process.pid))
        has_said_all = report.done is not None or bool(report.error)
        is_full = self._peak_bytes > bounds.memory_bytes  # only where the system holds no such bound (macOS)
        if not ended and (is_full or now > self._until):
            self.stop()
            if not has_said_all:
                self._bound_hit = bounds.out_of_memory if is_full else bounds.out_of_time
        elif (
            (ended or report.error)
            and not self._bound_hit
            and bounds.is_memory_short(self._peak_bytes, self._output(), has_crashed=ended and not has_said_all)
        ):
            self._bound_hit = bounds.out_of_memory

    def _output(self) -> bytes:
        """The end of what was printed since the program was started."""
        if self._log is None:
            return b""
        try:
            with files.open_plain(self._log, "rb") as log:
                log.seek(max(self._log_start, os.fstat(log.fileno()).st_size - OUTPUT_BYTES))
                return bytes(log.read(OUTPUT_BYTES))
        except OSError:
            return b""

    def _read(self) -> Report:
        progress, message = 0.0, ""
        try:
            with files.open_plain(self._report, "rb") as file:
                content = file.read(REPORT_BYTES + 1)
        except FileNotFoundError:
            return Report()
        except files.NotPlainError:  # a link would lead elsewhere, and a pipe be waited for
            raise ValueError("it says nothing") from None
        if len(content) > REPORT_BYTES:
            raise ValueError("it says too much")
        # What follows the last end of a line is still being written.
        for line in content.split(b"\n")[:-1]:
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
