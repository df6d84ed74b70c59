# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl+C while one of our operators works in a background Blender: noted, and handed to the script that called it. Not
an operator.

What is raised inside an operator never leaves it: Blender (4.2 to 5.2) makes a RuntimeError of it, which a script takes
for one picture's failure, and its loop goes on and pays for the next. So nothing is raised there: the operator ends in
order and returns, and then the script is interrupted, as if Ctrl+C had been pressed just after its call.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# `signal` is imported where it is used, as it would slow down the start of Blender.

PACKAGE = __package__.rpartition(".")[0]


class Interrupted(Exception):
    """Ctrl+C was pressed: what waits ends, in order."""


class Interrupt:
    """Whether Ctrl+C was pressed since `held` began."""

    def __init__(self) -> None:
        self._came = False

    def note(self, signal_number: int, frame: FrameType | None) -> None:
        """Note that Ctrl+C was pressed. For `signal.signal`."""
        self._came = True

    def check(self) -> None:
        """Raise `Interrupted` where it was."""
        if self._came:
            raise Interrupted

    def __bool__(self) -> bool:
        return self._came


@contextmanager
def held() -> Iterator[Interrupt]:
    """Around all that an operator does: Ctrl+C is noted meanwhile, and interrupts the script when the operator has
    returned."""
    import signal

    interrupt = Interrupt()
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # whoever has set that wants no interrupt
        yield interrupt
        return
    put_back = _keeper() if before in (None, signal.SIG_DFL) else lambda: None
    try:
        signal.signal(signal.SIGINT, interrupt.note)
    except ValueError:  # not in the main thread, which alone is interrupted
        yield interrupt
        return
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        put_back()
        if interrupt:
            _interrupt_caller(before if callable(before) else signal.default_int_handler)


def _keeper() -> Callable[[], None]:
    """Return what puts the present handler of Ctrl+C back, which Python cannot name.

    In a background run, a Blender with a program of its own (seen: 4.3.2, 5.2.2) has one, which ends its renders.
    """
    import ctypes
    import signal

    get, put = (getattr(ctypes.pythonapi, name, None) for name in ("PyOS_getsig", "PyOS_setsig"))
    if get is None or put is None:
        return lambda: None
    get.argtypes, get.restype = [ctypes.c_int], ctypes.c_void_p
    put.argtypes, put.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
    handler = get(signal.SIGINT)

    def put_back() -> None:
        put(signal.SIGINT, handler)

    return put_back


def _interrupt_caller(handler: Callable[[int, FrameType | None], Any]) -> None:
    """Have `handler` called, which raises KeyboardInterrupt as a rule, as soon as Python goes on in the script outside
    of Blender.

    By tracing its frames, as a debugger does: a signal would be seen sooner, while the operator's own code is still
    running.
    """
    import signal

    frames = _callers()

    def trace(frame: FrameType, event: str, argument: Any) -> None:
        sys.settrace(None)
        for caller in frames:
            caller.f_trace, caller.f_trace_opcodes = None, False
        handler(signal.SIGINT, frame)

    for caller in frames:
        caller.f_trace, caller.f_trace_opcodes = trace, True
    if frames:
        sys.settrace(lambda frame, event, argument: None)


def _callers() -> list[FrameType]:
    """The frames of whoever has called the operator: all outside of our own outermost one."""
    chain: list[FrameType] = []
    frame: FrameType | None = sys._getframe()
    while frame:
        chain.append(frame)
        frame = frame.f_back
    ours = [number for number, each in enumerate(chain) if each.f_globals.get("__name__", "").startswith(f"{PACKAGE}.")]
    return chain[ours[-1] + 1 :]
