# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call draws on a terminal: a bar for each model that is being made, below the lines of those that have ended.
Imports no bpy.

The cursor is never hidden and no mode of the terminal is changed, so that nothing has to be put back, however the
process ends. Each picture is one piece of output, which begins by clearing the one before.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import IO

from ..jobs.folder import Job
from . import terminal
from .item import Item
from .lines import Lines, ending, is_there, jobs_of
from .terminal import Look

EVERY_S = 0.2  # between two pictures: what changes faster cannot be read

NAME_AT_MOST, BAR = 24, 20  # columns
LEAST = 12  # columns of a message: where there are fewer, none is shown

GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"
UP, CLEAR = "\x1b[{}A", "\r\x1b[J"
"""So many lines up; to the beginning of the line, and all from there on away (ECMA-48, CUU and ED)."""


class Bars(Lines):
    """Draws on `stream`, which is a terminal. A `Display`."""

    def __init__(self, stream: IO[str], look: Look, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._look, self._clock = look, clock
        self._next_s = 0.0
        self._drawn: list[str] = []

    def look(self, running: Sequence[Item]) -> None:
        """See `Display`."""
        if self._clock() < self._next_s:
            return
        self._next_s = self._clock() + EVERY_S
        self._put(self._cleared() + self._picture(jobs_of(running)))

    def ended(self, item: Item) -> None:
        """See `Display`."""
        is_done = is_there(item)
        self._done += is_done
        self._failed += not is_done
        color = GREEN if is_done else RED
        count = self._count()
        self._write(f"{color}{count}{PLAIN}{ending(item)}" if self._look.has_color and count else count + ending(item))

    def close(self) -> None:
        """See `Display`."""
        with contextlib.suppress(OSError, ValueError):  # whoever has closed the terminal sees no bars
            self._put(self._cleared())
        super().close()

    def _write(self, line: str) -> None:
        """Write a line that stays, above the bars, which come back below it."""
        drawn = self._drawn
        cleared = self._cleared()
        self._drawn = drawn
        self._put(f"{cleared}{terminal.writable(line, self._stream)}\n" + "\n".join(drawn))

    def _cleared(self) -> str:
        """What takes the last picture away. Lines that no longer fit, as the terminal is narrower now, are wrapped by
        it."""
        if not self._drawn:
            return ""
        width, height = terminal.size(self._stream)
        rows = sum(max(-(-terminal.columns(line) // width), 1) for line in self._drawn)
        self._drawn = []
        up = min(rows, height) - 1
        return (UP.format(up) if up else "") + CLEAR

    def _picture(self, jobs: Sequence[Job]) -> str:
        """The bars, in as many lines as there are, and a last line for all."""
        width, height = terminal.size(self._stream)
        room = max(height - 2, 0)  # a line for all, and one for what is typed
        shown = jobs if len(jobs) <= room else jobs[: max(room - 1, 0)]
        lines = [self._bar(job, width - 1) for job in shown]  # in the last column, terminals differ
        if room and len(shown) < len(jobs):
            lines.append(terminal.fit(f"and {len(jobs) - len(shown):,} more", width - 1).rstrip())
        lines.append(terminal.fit(self._all(len(jobs)), width - 1).rstrip())
        self._drawn = [terminal.writable(line, self._stream) for line in lines] if jobs else []
        return "\n".join(self._drawn)

    def _bar(self, job: Job, width: int) -> str:
        """One job: its name, a bar, per cent, what happens; as much of it as fits."""
        percent = f"{int(job.progress * 100):>4}%"
        name = terminal.name_of(job.name)
        bar = min(BAR, max(width - NAME_AT_MOST - len(percent) - 3, 0))
        name_width = min(NAME_AT_MOST, max(width - len(percent) - (bar + 1 if bar else 0), 0))
        full = round(bar * job.progress)
        line = terminal.fit(name, name_width)
        if bar:
            line += f" {self._look.done * full}{self._look.left * (bar - full)}"
        line += percent
        room = width - terminal.columns(line) - 2
        if room >= LEAST:
            line += f"  {terminal.fit(terminal.sentence(job.message), room)}"
        return terminal.fit(line, width).rstrip()

    def _all(self, running: int) -> str:
        """How far all of them are."""
        failed = f", {self._failed:,} failed" if self._failed else ""
        return f"{self._done:,} of {self._total:,} done{failed}, {running:,} running"

    def _put(self, text: str) -> None:
        if text:
            self._stream.write(text)
            self._stream.flush()
