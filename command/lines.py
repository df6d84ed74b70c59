# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call says in plain lines: each a change worth telling. Never draws, and imports no bpy."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ..api.errors import ImageTo3DError
from ..api.services import SERVICES, label_of
from ..jobs.folder import WAITING_MESSAGE, Job
from ..jobs.state import State
from . import terminal
from .item import Item


class Lines:
    """Says on `stream` when a model is begun, what it has to wait for, and how it has ended; only what went wrong where
    it `is_quiet`. A `Display`."""

    def __init__(self, stream: IO[str], *, is_quiet: bool = False) -> None:
        self._stream, self._is_quiet = stream, is_quiet
        self._total = self._done = self._failed = 0
        self._told: dict[str, str] = {}
        """By job that runs, what was said of it last."""

    def begin(self, items: Sequence[Item]) -> None:
        """See `Display`."""
        self._total = len(items)

    def look(self, running: Sequence[Item]) -> None:
        """See `Display`."""
        jobs = jobs_of(running)
        for job in jobs:
            said = _worth_telling(job)
            if said and self._told.get(job.id) != said:
                self._note(f"{terminal.name_of(job.name)}: {said}")
            self._told[job.id] = said or self._told.get(job.id, "")
        self._told = {job.id: self._told[job.id] for job in jobs}

    def ended(self, item: Item) -> None:
        """See `Display`."""
        is_done = is_there(item)
        self._done += is_done
        self._failed += not is_done
        line = f"{self._count()}{ending(item)}"
        if is_done:
            self._note(line)
        else:
            self._write(line)

    def say(self, sentence: str, *, is_note: bool = False) -> None:
        """See `Display`."""
        if is_note:
            self._note(terminal.sentence(sentence))
        else:
            self._write(terminal.sentence(sentence))

    def close(self) -> None:
        """See `Display`."""
        if self._total > 1 and self._done + self._failed:
            failed = f", {self._failed:,} failed" if self._failed else ""
            with contextlib.suppress(OSError, ValueError):  # nobody reads any more
                self._note(f"{self._done:,} of {self._total:,} done{failed}.")
        self._total = 0

    def _count(self) -> str:
        """Which of how many has ended, where there are several."""
        return f"[{self._done + self._failed:,}/{self._total:,}] " if self._total > 1 else ""

    def _note(self, line: str) -> None:
        if not self._is_quiet:
            self._write(line)

    def _write(self, line: str) -> None:
        self._stream.write(f"{terminal.writable(line, self._stream)}\n")
        self._stream.flush()


def jobs_of(items: Sequence[Item]) -> list[Job]:
    """The jobs of these items as they are now, each once: several items may want the same model. One that is gone is
    left out, as whoever looks after it says so."""
    jobs: dict[str, Job] = {}
    for item in items:
        if item.handle is not None and item.handle.id not in jobs:
            try:
                jobs[item.handle.id] = item.handle.record
            except (ImageTo3DError, OSError):
                continue
    return list(jobs.values())


def record_of(item: Item) -> Job | None:
    """The job of an item as it is now, None where there is none."""
    return next(iter(jobs_of([item])), None)


def is_there(item: Item) -> bool:
    """Whether an item that has ended has its files."""
    return bool(item.files) and not item.trouble


def ending(item: Item) -> str:
    """How an item has ended, in one line: its files, or why there are none."""
    job = record_of(item)
    name = terminal.name_of(item.stem or item.picture)
    if not is_there(item):
        return f"{name}: {terminal.sentence(item.trouble or (job.message if job else '') or 'There is no model.')}"
    files = ", ".join(dict.fromkeys(_told(word, path) for word, path in item.files.items()))
    facts = [f"{job.took_s:.0f} s"] if job is not None and job.took_s else []
    if job is not None and job.credits is not None:
        facts.append("1 credit" if job.credits == 1 else f"{job.credits:,} credits")
    return f"{name}: {files} ({', '.join(facts)})" if facts else f"{name}: {files}"


def _told(word: str, path: Path) -> str:
    """What a file is called in the output folder; an asset lies in a folder of its own there."""
    return terminal.name_of(f"{path.parent.name}/{path.name}" if word == "asset" else path.name)


def _worth_telling(job: Job) -> str:
    """What those who read lines should hear of a job that goes on, "" for nothing new."""
    if job.state is State.RUNNING:
        is_far = job.service in SERVICES and SERVICES[job.service].reach != "none"
        return f"{label_of(job.service)} makes the model" + (f" (task {job.task_id})" if is_far and job.task_id else "")
    # It tells then why it waits, as for a service that is full.
    if job.state is State.WAITING and job.message != WAITING_MESSAGE:
        return terminal.sentence(job.message)
    return ""
