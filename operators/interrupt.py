# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl+C while one of our operators works in a background Blender: noted, and handed to the script that called it. Not
an operator.

What is raised inside an operator never leaves it: Blender (4.2 to 5.2) makes a RuntimeError of it, which a script takes
for one picture's failure, and its loop goes on and pays for the next. So nothing is raised there: the operator ends in
order and returns, and then the script is interrupted, as if Ctrl+C had been pressed just after its call.
"""

import sys
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

from ..scripting.interrupt import Handler, Interrupt, Interrupted, noted

__all__ = ["Interrupt", "Interrupted", "held"]

# `signal` is imported where it is used, as it would slow down the start of Blender.

PACKAGE = __package__.rpartition(".")[0]


def held() -> AbstractContextManager[Interrupt]:
    """Around all that an operator does: Ctrl+C is noted meanwhile, and interrupts the script when the operator has
    returned."""
    return noted(_interrupt_caller)


def _interrupt_caller(handler: Handler) -> None:
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
