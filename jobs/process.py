# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a job, seen from the one who starts it: start, is it alive, stop; and how the process notices that its starter
is gone. Never waits.

The starter writes one line of JSON to the process's standard input and leaves it open: its end is the sign that Blender has gone
away, whichever way. Keys travel in that line and nowhere else.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..api.background import LAUNCH
from . import folder as folders

Process = subprocess.Popen[bytes]

WINDOWS_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
"""0 on every other system."""


def start(folder: Path, *, python: Sequence[str], orders: dict[str, Any]) -> Process:
    """Start the process of the job in `folder`, in the Python that the command line `python` begins with.

    `orders` is what the process needs to know beside its folder: "blender", the binary ("" for the bpy module); for a web service
    "connection", the options of `api.connect` ("network" among them as a dict), and "time_limit_s" for its task.
    """
    with folders.open_private(folder / folders.LOG, "ab") as log:
        process = subprocess.Popen(
            [*python, str(LAUNCH), "jobs.run", str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl+C in the terminal that Blender was started from is meant for Blender; the job ends with it, in order. Not a session
            # of its own: Linux shares the cores between sessions first (autogroup), and `NICE` would count for nothing.
            process_group=0,
            creationflags=WINDOWS_FLAGS,
        )
    assert process.stdin is not None
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    process.stdin.flush()
    return process


def is_alive(process: Process) -> bool:
    """Whether the process still runs."""
    return process.poll() is None


def kill(process: Process) -> None:
    """End the process at once, and the background Blenders that it has started. Its job can be resumed, like after any other end."""
    if sys.platform == "win32":
        process.kill()
    elif process.poll() is None:  # else its number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait(process: Process, seconds: float) -> None:
    """Wait for the end of the process, at most so long."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def stop(process: Process) -> None:
    """Have the process end itself, within a tenth of a second or so. Its job can be resumed."""
    assert process.stdin is not None
    process.stdin.close()


NICE = 10
"""How much the system prefers others (0 to 19). Sculpting takes every core, and the user's Blender needs one to answer with."""

if sys.platform == "win32":
    import ctypes
    import msvcrt

    def give_way() -> None:
        """Let others go first from now on, this process and those it starts: Windows was told so at the start."""

    def starter_is_gone() -> bool:
        """Whether standard input has come to its end. Asked by the process itself, once its orders are read."""
        handle = msvcrt.get_osfhandle(sys.stdin.fileno())
        return not ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, None, None)
else:
    import select

    def give_way() -> None:
        """Let others go first from now on, this process and those it starts."""
        os.nice(NICE)

    def starter_is_gone() -> bool:
        """Whether standard input has come to its end. Asked by the process itself, once its orders are read."""
        readable, _, _ = select.select([sys.stdin], [], [], 0)
        return bool(readable) and os.read(sys.stdin.fileno(), 1) == b""
