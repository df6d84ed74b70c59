# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl+C, and a farm's or a system's wish that a command ends (SIGTERM): noted the first time, heeded at once the
second. Imports no bpy."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""SIGBREAK is Windows' Ctrl+Break, which also closing the window sends."""


class Interrupt:
    """Whether the user wants the command to end."""

    def __init__(self) -> None:
        self.is_gentle = False
        """Whether the first wish is only noted; else it ends the command at once, as nothing runs yet."""
        self._came = False

    def note(self, signal_number: int, frame: FrameType | None) -> None:
        """For `signal.signal`. Raises `KeyboardInterrupt` where the command is to end at once."""
        is_second, self._came = self._came, True
        if is_second or not self.is_gentle:
            raise KeyboardInterrupt

    def __bool__(self) -> bool:
        return self._came


@contextmanager
def held() -> Iterator[Interrupt]:
    """Around all that a command does. Blender itself takes Ctrl+C for the end of a render."""
    interrupt, before = Interrupt(), {}
    for number in SIGNALS:
        before[number] = signal.signal(number, interrupt.note)
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
