# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of ours in a process of its own, seen from the one who starts it: start, is it alive, stop; and how the
process notices that its starter is gone. Waits only where it is asked to, and imports no bpy.

The starter writes one line of JSON to the process's standard input and leaves it open: its end is the sign that Blender
has gone away, whichever way. Keys travel in that line and nowhere else.
"""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

from .environment import MEMORY
from .launch import LAUNCH

Process = subprocess.Popen[bytes]

WINDOWS_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""0 on every other system."""


class StartError(OSError):
    """The system has not started the program: it is not there, may not be run, or there are too many."""


def start(
    module: str,
    *arguments: str,
    python: Sequence[str],
    config: dict[str, Any],
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
) -> Process:
    """Start the program `module` of ours in the Python that the command line `python` begins with; never waits. Raises
    `StartError`.

    `config`, which may hold keys, is all that it needs to know beside its `arguments`.
    """
    try:
        process = subprocess.Popen(
            [*python, str(LAUNCH), module, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            # Ctrl+C in the terminal that Blender was started from is meant for Blender; the process ends with it, in
            # order. Not a session of its own: Linux shares the cores between sessions first (autogroup), and what
            # gives way to Blender (`give_way`) has to be in its session.
            process_group=0,
            creationflags=WINDOWS_FLAGS,
        )
    except OSError as error:
        raise StartError(error.errno, error.strerror, python[0]) from error
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has died at once, as whoever looks whether it is alive will see
        process.stdin.write(json.dumps(config).encode() + b"\n")
        process.stdin.flush()
    return process


def is_alive(process: Process) -> bool:
    """Whether the process still runs."""
    return process.poll() is None


def kill(process: Process) -> None:
    """End the process at once, and the background Blenders that it has started."""
    if sys.platform == "win32":
        process.kill()
    elif process.poll() is None:  # else its number may be another's by now
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def last_line(process: Process) -> bytes | None:
    """What a process has said that says one line to its standard output and ends; None while it works, b"" where it
    said nothing. Never waits."""
    if process.poll() is None:
        return None
    assert process.stdout is not None
    line: bytes = process.stdout.readline()
    let_go(process)
    return line


def let_go(process: Process) -> None:
    """Close the ends of a process's standard input and output that this one holds."""
    assert process.stdout is not None
    process.stdout.close()
    stop(process)


def wait(process: Process, seconds: float) -> None:
    """Wait for the end of the process, at most so long."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def stop(process: Process) -> None:
    """Have the process end itself, within a tenth of a second or so."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has died before it read its config, which closing would write once more
        process.stdin.close()


NICE = 10
"""How much the system prefers others (0 to 19)."""

STDIN = 0  # its descriptor; inside Blender `sys.stdin` may be something else

if sys.platform == "win32":
    import ctypes
    import msvcrt

    BELOW_NORMAL_PRIORITY_CLASS = 0x4000
    """What Windows calls it in SetPriorityClass."""

    def give_way() -> None:
        """Let others go first from now on."""
        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(ctypes.c_void_p(kernel.GetCurrentProcess()), BELOW_NORMAL_PRIORITY_CLASS)

    def starter_is_gone() -> bool:
        """Whether standard input has come to its end. Asked by the process itself, once its config is read."""
        handle = msvcrt.get_osfhandle(STDIN)
        return not ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, None, None)
else:
    import fcntl
    import select

    def give_way() -> None:
        """Let others go first from now on. For what takes every core, as the user's Blender needs one to answer with:
        sculpting, and drawing a thumbnail, which nobody waits for. Whatever waits, fetches, reads or saves runs as
        Blender does: it takes one core and seldom that, and must not wait for whatever else the machine has to do.
        """
        os.nice(NICE)

    def starter_is_gone() -> bool:
        """Whether standard input has come to its end. Asked by the process itself, once its config is read. One that is
        no pipe, as of a program that is run by hand, tells nothing."""
        if not stat.S_ISFIFO(os.fstat(STDIN).st_mode):
            return False
        readable, _, _ = select.select([STDIN], [], [], 0)
        return bool(readable) and os.read(STDIN, 1) == b""


LOOK_EVERY_S = 0.5
"""How often `look_after_starter` looks."""


def end_with_starter() -> None:
    """Have this process ended when its starter goes, whatever it does then, also in a long call that never comes back
    to Python.

    For a program that nobody says anything to: its standard input, where that is a pipe, never brings anything but its
    end. On Linux the system sends SIGKILL then (fcntl(2), F_SETOWN, F_SETSIG), to all of the group where the process
    has one of its own. macOS does not, so a timer looks. Windows has neither: there a job object ends it
    (`group.py`), and the program asks `starter_is_gone` where it reports.
    """
    if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(STDIN).st_mode):
        return
    if sys.platform == "linux":
        fcntl.fcntl(STDIN, fcntl.F_SETSIG, signal.SIGKILL)  # SIGIO, which it would be, can be ignored
        fcntl.fcntl(STDIN, fcntl.F_SETOWN, -os.getpgrp() if MEMORY in os.environ else os.getpid())
        fcntl.fcntl(STDIN, fcntl.F_SETFL, fcntl.fcntl(STDIN, fcntl.F_GETFL) | os.O_ASYNC)
        if starter_is_gone():  # before the system was asked
            sys.exit(1)
    else:
        look_after_starter()


def look_after_starter() -> None:
    """Have a timer look for the starter, and end this process without it: as soon as Python is at work. Not on
    Windows."""
    if sys.platform != "win32":

        def look(*_: object) -> None:
            if starter_is_gone():
                if MEMORY in os.environ:
                    os.killpg(0, signal.SIGKILL)
                os._exit(1)

        signal.signal(signal.SIGALRM, look)
        signal.siginterrupt(signal.SIGALRM, False)  # whatever the system does for Blender just now, it goes on with
        signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)
