# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process of a job does, from its first line to its last: submit, wait, fetch, check, convert. Imports no bpy.

Started by `process.start`. Each step first looks at what the folder already holds, so that a job which was interrupted anywhere
goes on from there. Whatever happens, the folder says so in the end: exactly one of ready, failed, cancelled; or, where the
process was told to stop, the state it was in.
"""

import contextlib
import json
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import api
from ..api import background, glb, picture
from ..api.background import Program, blender_command
from ..api.errors import BusyError, ImageTo3DError, ServiceError, sentence_of
from ..api.services import SERVICES
from . import folder as folders
from . import process
from .folder import Job, State

LOOK_EVERY_S = 0.1  # at the folder's cancel marker and at standard input; both are promised an answer within a second
LOCK_TRIES_S = 2.0  # whoever only asks whether a job is locked holds the lock for an instant

SHARES = {State.RUNNING: (0.0, 0.75), State.DOWNLOADING: (0.75, 0.8), State.CONVERTING: (0.8, 1.0)}
"""Which part of the progress bar belongs to which state."""


class Cancelled(Exception):
    """The user asked for the job to be cancelled."""


class StarterGone(Exception):
    """Blender has gone away: the job waits for its next start."""


def main() -> None:
    """Work on the job in the folder that the first argument names."""
    folder = Path(sys.argv[1])
    orders = json.loads(sys.stdin.buffer.readline())
    until = time.monotonic() + LOCK_TRIES_S
    while True:
        try:
            with folders.lock(folder):
                job = folders.read(folder)
                if job.state in folders.UNFINISHED:
                    Run(folder, job, orders, process.starter_is_gone).to_the_end()
                return
        except BusyError:
            if time.monotonic() > until:
                return  # another Blender has this job
            time.sleep(LOOK_EVERY_S)


@dataclass
class Run:
    """One run of a job, by whoever holds its lock. `starter_is_gone` is asked ten times a second."""

    folder: Path
    job: Job
    orders: dict[str, Any]
    starter_is_gone: Callable[[], bool]

    def to_the_end(self) -> None:
        """Bring the job as far as it goes, and write down how it ended."""
        try:
            self._look()
            if not (self.folder / folders.GLB).exists():
                self._make_glb()
            self._convert()
            self._tidy()
            self._enter(State.READY, "Ready")
        except StarterGone:
            return
        except Cancelled:
            self._enter(State.CANCELLED, "Cancelled")
        except ImageTo3DError as error:
            self._enter(State.FAILED, str(error))
        except OSError as error:
            traceback.print_exc()
            self._enter(State.FAILED, sentence_of(error))
        except Exception:
            traceback.print_exc()
            self._enter(
                State.FAILED, "Something went wrong that should not have: log.txt in the job's folder has the details."
            )

    def _make_glb(self) -> None:
        service = self._connect()
        if not self.job.task_id or service.get(self.job.task_id).status is api.Status.GONE and service.repeatable:
            self._enter(State.SUBMITTING, "Starting")
            self.job.task_id = service.create({**self.job.parameters, "image_url": self._source(service)}).id
        self._enter(State.RUNNING, "Starting")
        try:
            task = self._wait(service)
        except (Cancelled, StarterGone):
            if service.repeatable or folders.cancel_asked(self.folder):
                service.cancel(self.job.task_id)
            raise
        self._enter(State.DOWNLOADING, "Fetching the model")
        part = self.folder / f"{folders.GLB}.part"
        service.fetch(task, part)
        glb.check(part)
        self.job.note = task.result.note if task.result else ""
        folders.write(self.folder, self.job)  # first: once the GLB has its name, nobody asks the service again
        part.replace(self.folder / folders.GLB)

    def _source(self, service: api.Service) -> str:
        """What the service gets as its picture; Local cannot fetch one by itself without our knowing what it was."""
        source = folders.source_of(self.folder, self.job)
        if not (service.local and picture.is_url(source)):
            return source
        file = picture.to_file(source, self.folder / folders.PICTURE)
        self.job.picture_sha256 = folders.sha256_of(file)
        return str(file)

    def _connect(self) -> api.Service:
        if SERVICES[self.job.service].local:
            blender = blender_command(self.orders["blender"])
            return api.connect(self.job.service, folder=self.folder, blender=blender, name=self.job.name)
        return api.connect(self.job.service, **self.orders["connection"])

    def _wait(self, service: api.Service) -> api.Task:
        while True:
            task = service.get(self.job.task_id)
            if task.status is api.Status.SUCCEEDED:
                return task
            if task.status is api.Status.FAILED:
                raise ServiceError(task.message)
            if task.status is api.Status.GONE:
                raise ServiceError("The service does not keep this task any longer: generate it again.")
            self._progress(task.progress, task.message)
            self._pause(service.poll_every_s)

    def _convert(self) -> None:
        self._enter(State.CONVERTING, "Preparing the model for the scene")
        request = {
            "glb": str(self.folder / folders.GLB),
            "name": self.job.name,
            "quads": self.job.parameters.get("topology") in ("quads", "quad"),
            "blend": str(self.folder / folders.BLEND),
            "thumbnail": str(self.folder / folders.THUMBNAIL),
        }
        program = Program(blender_command(self.orders["blender"]), "headless.convert", request, self.folder)
        try:
            while True:
                report = program.poll()
                if report.error:
                    raise ImageTo3DError(report.error)
                if report.done is not None:
                    self.job.note = f"{self.job.note} {report.done['note']}".strip()
                    return
                self._progress(report.progress, report.message)
                self._pause(LOOK_EVERY_S)
        finally:
            program.stop()

    def _tidy(self) -> None:
        """Delete what only the programs needed."""
        for leftover in self.folder.glob(f"{background.SCRATCH_PREFIX}*"):
            with contextlib.suppress(OSError):  # a leftover is no reason to fail a finished job
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()

    def _enter(self, state: State, message: str) -> None:
        """Write the next state to the disk, before anything is done in it."""
        self.job.state, self.job.message = state, message
        if state in SHARES:
            self.job.progress = SHARES[state][0]
        if state is State.READY:
            self.job.progress = 1.0
        folders.write(self.folder, self.job)

    def _progress(self, fraction: float, message: str) -> None:
        start, end = SHARES[self.job.state]
        progress = start + (end - start) * fraction
        message = message or self.job.message  # a program that has only just started has said nothing yet
        if (progress, message) != (self.job.progress, self.job.message):
            self.job.progress, self.job.message = progress, message
            folders.write(self.folder, self.job, synced=False)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self._look()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_EVERY_S))

    def _look(self) -> None:
        if folders.cancel_asked(self.folder):
            raise Cancelled
        if self.starter_is_gone():
            raise StarterGone


if __name__ == "__main__":
    main()
