# SPDX-License-Identifier: GPL-3.0-or-later
"""A program together with all that it starts: begun as one, ended as one. Linux and macOS have process groups for it,
Windows has job objects, which also bound the memory (tried on Linux only). Never waits."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

if sys.platform == "win32":
    from ctypes import wintypes

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.CreateJobObjectW.restype = kernel32.OpenProcess.restype = wintypes.HANDLE
    kernel32.CreateJobObjectW.argtypes = [ctypes.c_void_p, wintypes.LPCWSTR]
    kernel32.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
    kernel32.AssignProcessToJobObject.argtypes = [wintypes.HANDLE, wintypes.HANDLE]
    kernel32.SetInformationJobObject.argtypes = [wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD]
    kernel32.TerminateJobObject.argtypes = [wintypes.HANDLE, wintypes.UINT]
    kernel32.CloseHandle.argtypes = [wintypes.HANDLE]

EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
LIMIT_ACTIVE_PROCESS, LIMIT_PROCESS_MEMORY, KILL_ON_JOB_CLOSE = 0x8, 0x100, 0x2000  # JOB_OBJECT_LIMIT_...
PROCESS_TERMINATE, PROCESS_SET_QUOTA = 0x1, 0x100

MOST_PROCESSES = 4
"""Blender is one. As a module of Python it is two, as that of a virtual environment starts the real one."""


class Limits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION (winnt.h), with the structures in it laid flat."""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class Group:
    """The processes of one program: `process`, and what it starts. They end where this process does, too: on Linux and
    macOS as `process.end_with_starter` says, on Windows as the last handle of a job object is closed.

    `memory_bytes` is how much each may have on Windows, 0 being no bound; elsewhere the process bounds itself
    (`cage.py`). `options` are those of `subprocess.Popen`. Raises `OSError`.
    """

    def __init__(self, command: Sequence[str], memory_bytes: int, **options: Any) -> None:
        if sys.platform == "win32":
            options["creationflags"] = subprocess.CREATE_NO_WINDOW
        else:
            options["process_group"] = 0
        self.process: subprocess.Popen[bytes] = subprocess.Popen(command, **options)
        self._is_over = False
        if sys.platform == "win32":
            self._job = _job_of(self.process.pid, memory_bytes)

    def has_ended(self) -> bool:
        """Whether the program has. What it has left behind then ends, too."""
        if self.process.poll() is None:
            return False
        if not self._is_over:  # later its number may be another's
            self._is_over = True
            self._kill_all()
        return True

    def kill(self) -> None:
        """End all at once."""
        if not self.has_ended():
            self._kill_all()
            self.process.kill()
            self.process.wait()
            self._is_over = True

    if sys.platform == "win32":

        def _kill_all(self) -> None:
            if self._job:
                kernel32.TerminateJobObject(self._job, 1)

        def __del__(self) -> None:
            if getattr(self, "_job", None):
                kernel32.CloseHandle(self._job)
    else:

        def _kill_all(self) -> None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of one that is over
                os.killpg(self.process.pid, signal.SIGKILL)


if sys.platform == "win32":

    def _job_of(pid: int, memory_bytes: int) -> int | None:
        """A job object with the process in it; None where the system makes none, and the program goes on without."""
        job: int | None = kernel32.CreateJobObjectW(None, None)
        limits = Limits(LimitFlags=KILL_ON_JOB_CLOSE | LIMIT_ACTIVE_PROCESS, ActiveProcessLimit=MOST_PROCESSES)
        if memory_bytes:
            limits.LimitFlags |= LIMIT_PROCESS_MEMORY
            limits.ProcessMemoryLimit = memory_bytes
        process = kernel32.OpenProcess(PROCESS_TERMINATE | PROCESS_SET_QUOTA, False, pid)
        kernel32.SetInformationJobObject(job, EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
        kernel32.AssignProcessToJobObject(job, process)
        kernel32.CloseHandle(process)
        return job
