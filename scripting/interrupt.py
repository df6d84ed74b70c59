# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl+C while we work in a background Blender: noted, so that the work ends in order, and handed on afterwards. Never
raised in the middle of anything.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

# `signal` is imported where it is used, as it would slow down the start of Blender.

Handler = Callable[[int, FrameType | None], Any]


class Interrupted(Exception):
    """Ctrl+C was pressed: what waits ends, in order."""


class Interrupt:
    """Whether Ctrl+C was pressed since `noted` began."""

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
def noted(hand_on: Callable[[Handler], object]) -> Iterator[Interrupt]:
    """Around all that may take long: Ctrl+C is noted meanwhile. Where it came, `hand_on` gets the handler that was
    there before, in the end."""
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
            hand_on(before if callable(before) else signal.default_int_handler)


@contextmanager
def raised_afterwards() -> Iterator[Interrupt]:
    """The same for what a script calls itself: KeyboardInterrupt is raised where the block ends, or whatever the
    script's own handler raises."""
    # What `Interrupted` has ended is in order, and the script hears of it now.
    with noted(_raise) as interrupt, suppress(Interrupted):
        yield interrupt


def _raise(handler: Handler) -> None:
    import signal

    handler(signal.SIGINT, sys._getframe())
    raise KeyboardInterrupt  # a handler of the script's own may only have noted it


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
