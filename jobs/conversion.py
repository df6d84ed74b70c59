# SPDX-License-Identifier: GPL-3.0-or-later
"""The background Blenders of one job: one waits for its model, converts it, and draws the thumbnail once the model is
ready; another makes a file that shows the model, where that is wanted. Never changes the job, but for the mark that its
thumbnail is still to be drawn. Imports no bpy.
"""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import files
from ..api import blender, headers
from ..api.errors import BusyError, ImageTo3DError
from ..programs.bounds import Bounds
from ..programs.program import CONVERT, DRAW, SCRATCH_PREFIX, Program, Report, blender_command
from . import folder as folders
from . import shown
from .folder import Job

LOOK_EVERY_S = 0.1  # whether the thumbnail is drawn
LOCK_TRIES_S = 2.0  # whoever imports the job, or only asks whether it is locked, holds the lock for an instant

WARM_AT_MOST_S = 120.0
"""How long a background Blender waits for a model: it takes memory. Ended, it is started again where one arrives."""

DRAWS_AT_MOST_S = 120.0
"""What a thumbnail may take: most take a second."""
DRAWN_PX_MOST = 1024
"""On a side; ours have 256. The user's Blender decodes all of it to show it, and some kilobytes may hold gigabytes."""


class Conversion:
    """The background Blenders of the job in `folder`. `config` are as `process.start` says; `log_error` writes the
    error that is being handled to the job's log."""

    def __init__(self, folder: Path, config: dict[str, Any], log_error: Callable[[], None]) -> None:
        self._folder = folder
        self._config = config
        self._log_error = log_error
        self._warm: Program | None = None
        self._warm_until = math.inf
        self._draws_too: bool = config.get("drawn", True)
        self._drawing: Program | None = None
        self._drawn_of = (0, 0)
        self._is_shown_wanted = False

    def warm_up(self) -> None:
        """Start the background Blender that will convert the model, before there is one. What is wrong is said where
        it is needed. Later calls do nothing, also where it has ended meanwhile."""
        if self._warm_until == math.inf:
            try:
                self._waiting()
            except (ImageTo3DError, OSError):
                self._log_error()

    def cool_in_time(self) -> None:
        """End the Blender that waits for a model, where it has waited long enough."""
        if time.monotonic() > self._warm_until:
            self.let_cool()

    def let_cool(self) -> None:
        """End the Blender that waits for a model, where there is one."""
        if self._warm is not None:
            self._warm.stop()
            self._warm = None

    def run(
        self, request: dict[str, Any], sleep: Callable[[float], None], on_progress: Callable[[float, str], None]
    ) -> Report:
        """Convert the model as `request` says (`headless.convert`), and return the last word about it. The thumbnail is
        drawn from then on, where `config` wants one: see `see_drawn`. Raises as `blender.start` does, and what `sleep`
        and `on_progress` raise.
        """
        files.remove(self._folder / folders.SHOWN, missing_ok=True)  # it shows the model that was there before
        program = self._waiting()
        drawings = self._drawings() if self._draws_too else {}
        program.give({**request, **{name: str(drawn) for name, (drawn, _) in drawings.items()}})
        self._warm = None
        report = blender.last_word(program, sleep, on_progress)
        if report.done is not None:
            self._is_shown_wanted = bool(self._config.get("shown"))
            if self._draws_too:
                self._draws(program)
            else:
                program.stop()
                tidy(self._folder)
        return report

    def draw(self) -> None:
        """Have the thumbnail drawn that an earlier run has left. Nothing fails where it cannot be."""
        request = {"blend": str(self._folder / folders.BLEND)}
        request |= {name: str(drawn) for name, (drawn, _) in self._drawings().items()}
        try:
            self._draws(self._start(DRAW, request))
            self._is_shown_wanted = bool(self._config.get("shown"))
        except (ImageTo3DError, OSError):
            self._log_error()

    def see_drawn(self, starter_is_gone: Callable[[], bool]) -> None:
        """Wait for the thumbnail where one is drawn, and put it into the folder; then make the file that shows the
        model, where `config` wants one. For who does not hold the job any more: it may be imported, tried again or
        removed meanwhile. Nothing fails where there will be no thumbnail."""
        try:
            is_left = self._drawing is not None and self._is_left_drawing(self._drawing, starter_is_gone)
            if self._is_shown_wanted and not is_left:
                self._show(starter_is_gone)
        except (ImageTo3DError, OSError):
            self._log_error()

    def _is_left_drawing(self, drawing: Program, starter_is_gone: Callable[[], bool]) -> bool:
        """Wait for the thumbnail, and put it into the folder; return whether it is left to a later run. Raises as
        `_put_drawn` does."""
        until = time.monotonic() + DRAWS_AT_MOST_S
        while not (drawing.has_ended or starter_is_gone()):
            if time.monotonic() > until or not folders.holds_record(self._folder):
                break
            time.sleep(LOOK_EVERY_S)
        is_left = not drawing.has_ended and starter_is_gone()
        drawing.stop()
        self._put_drawn(is_left=is_left)
        return is_left

    def _show(self, starter_is_gone: Callable[[], bool]) -> None:
        """Make the file that shows the model, in a Blender that has not read the service's. Raises `ImageTo3DError`,
        `OSError`."""

        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            if starter_is_gone():
                raise ImageTo3DError("Nobody waits for the file that shows the model any more.")

        shown.make(self._folder, self._config, sleep)

    def _waiting(self) -> Program:
        """The Blender that waits for the model; started where there is none, or it has died. Raises as `blender.start`
        does."""
        if self._warm is not None and self._warm.has_ended:
            self.let_cool()
        if self._warm is None:
            self._warm_until = time.monotonic() + WARM_AT_MOST_S
            self._warm = self._start(CONVERT, None)
        return self._warm

    def _start(self, module: str, request: dict[str, Any] | None) -> Program:
        """Start a program in a background Blender. Raises as `blender.start` does."""
        bounds = Bounds(**self._config.get("model_bounds", {}))
        command = blender_command(self._config["blender"], self._config.get("threads", 0))
        return blender.start(command, module, request, self._folder, self._folder / folders.LOG, bounds)

    def _draws(self, program: Program) -> None:
        self._drawing, self._drawn_of = program, _version_of(self._folder / folders.BLEND)

    def _drawings(self) -> dict[str, tuple[Path, Path]]:
        """What is drawn, by the names in a program's request: where it is written, as the program does not hold the job
        then, and where it belongs."""
        scratch = f"{SCRATCH_PREFIX}drawn-{os.getpid()}"
        return {
            "thumbnail": (self._folder / f"{scratch}.png", self._folder / folders.THUMBNAIL),
            "drawn": (self._folder / f"{scratch}.blend", self._folder / folders.BLEND),
        }

    def _put_drawn(self, *, is_left: bool) -> None:
        """Put what was drawn where it belongs, and note it where it `is_left` to a later run. Raises `BusyError` where
        somebody works on the job, `JobError` where it is gone."""
        with self._held_for_a_moment() as job:
            if job.state in folders.HAS_RESULT and _version_of(self._folder / folders.BLEND) == self._drawn_of:
                for drawn, target in self._drawings().values():
                    if _is_drawing(drawn):
                        files.sync(drawn)
                        files.replace(drawn, target)
                tidy(self._folder)
                job.undrawn = is_left
                folders.write(self._folder, job, synced=False)  # also to have it seen that there is something new
            else:
                tidy(self._folder)

    @contextmanager
    def _held_for_a_moment(self) -> Iterator[Job]:
        """Hold the job again. Raises as `folders.lock` and `folders.read` do."""
        until = time.monotonic() + LOCK_TRIES_S
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(folders.lock(self._folder))
                    break
                except BusyError:
                    if time.monotonic() > until:
                        raise
                time.sleep(LOOK_EVERY_S)
            yield folders.read(self._folder)


def tidy(folder: Path) -> None:
    """Delete what only the programs needed. For who holds the job."""
    for leftover in folder.glob(f"{SCRATCH_PREFIX}*"):
        with contextlib.suppress(OSError):  # a leftover is no reason for a job to fail
            files.remove_tree(leftover)


def _is_drawing(file: Path) -> bool:
    """Whether there is what a program may have drawn: a file, and as a picture a small one. It works with a stranger's
    model, and the user's Blender opens what it has written."""
    if not files.is_plain_file(file):
        return False
    if file.suffix != Path(folders.THUMBNAIL).suffix:
        return True
    size = headers.size_of(file) if headers.kind_of(file) == "PNG" else None
    return size is not None and max(size) <= DRAWN_PX_MOST


def _version_of(file: Path) -> tuple[int, int]:
    """What tells the model that is drawn from one that is made anew meanwhile."""
    found = file.stat()
    return found.st_mtime_ns, found.st_ino
