# SPDX-License-Identifier: GPL-3.0-or-later
"""Works a plan off: starts jobs as places become free, looks at those that run, has their files delivered. Imports no
bpy.

A job is written down only when its turn comes, and only those that run are kept in memory: a thousand pictures take as
much as ten. Nothing is sent before the output folder knows which job was made for it.
"""

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..api import picture
from ..api.errors import BusyError, ImageTo3DError, JobError, restored, user_message
from ..api.seeds import with_seed
from ..api.services import SERVICES
from ..api.words import named
from ..jobs import folder as folders
from ..jobs.folder import Job
from ..jobs.handle import Handle
from ..jobs.queue import Queue
from ..jobs.state import HAS_RESULT, State
from ..programs import process
from .arguments import Wanted
from .deliver import deliver, is_delivered, path_of
from .display import Display
from .interrupt import Interrupt
from .item import Item
from .plan import Model, Planner, Way, left_sentence
from .shelf import Claim, Shelf

LOOK_EVERY_S = 0.1

LETS_GO_WITHIN_S = 120.0  # another call may have to prepare the files

FOR_ALL = frozenset({"NoKeyError", "KeyRefusedError", "NoCreditsError", "PlanError"})
"""Errors, by name, that every further request would meet as well."""


@dataclass
class Tally:
    """How a call went, counted by files' names."""

    done: int = 0
    failed: int = 0
    already: int = 0
    """Of those that are done, how many were there before."""
    unaffordable: int = 0
    can_be_retried: bool = False
    """Whether a job has failed that can be tried again."""
    is_interrupted: bool = False


class Run:
    """One call's work. `at_once` jobs are at the service at the same time, and as many at most on their way from there
    to files: nobody waits for a service while this machine works."""

    def __init__(
        self,
        wanted: Wanted,
        planner: Planner,
        queue: Queue,
        shelf: Shelf,
        display: Display,
        interrupt: Interrupt,
        at_once: int,
    ) -> None:
        self._wanted, self._planner, self._queue, self._shelf = wanted, planner, queue, shelf
        self._display, self._interrupt, self._at_once = display, interrupt, at_once
        self._about = SERVICES[wanted.service]
        self._waiting = deque(planner.plan.models)
        self._running: dict[str, Model] = {}
        self._prepared: set[str] = set()  # of those that run, with which the service has nothing more to do
        self._ready: dict[str, Model] = {}  # whose thumbnails or delivered files are being made
        self._elsewhere: set[str] = set()
        self._spent = planner.plan.spent
        self._refusal: ImageTo3DError | None = None
        self.tally = Tally()

    def go(self) -> None:
        """Work the plan off, or as much of it as is possible until the user wants it to end."""
        for item in self._planner.plan.items:
            if item.trouble:
                self._end_item(item)
        while (self._waiting or self._running or self._ready) and not self._interrupt:
            self._fill()
            self._look()
            self._display.look([item for model in self._running.values() for item in model.items])
            if self._running or self._ready:
                time.sleep(LOOK_EVERY_S)
        if self._interrupt:
            self._stop()

    # Starting

    def _fill(self) -> None:
        """Start jobs as long as there are places; what needs none is done at once."""
        while self._waiting and not self._interrupt:
            model = self._waiting[0]
            needs_place = model.way not in (Way.DELIVER, Way.LEAVE)
            if needs_place and self._is_full():
                return
            if needs_place and not self._can_pay(model):
                if self._running:  # one of them may cost less than it might
                    return
                self._leave_unpaid()
                continue
            self._waiting.popleft()
            try:
                self._begin(model)
            except (ImageTo3DError, OSError) as error:
                self._end(model, user_message(error), type(error).__name__)

    def _is_full(self) -> bool:
        at_service = len(self._running) - len(self._prepared)
        return at_service >= self._at_once or len(self._prepared) + len(self._ready) > self._at_once

    def _begin(self, model: Model) -> None:
        """Do what has to be done for a model, or have its job begin. Raises `ImageTo3DError`, `OSError`."""
        if model.way not in (Way.DELIVER, Way.LEAVE):
            with self._shelf.locked():
                self._planner.decide(model)  # another call may have been faster
                self._have_go_on(model)
        self._with_handles(model)
        if model.way is Way.DELIVER:
            self._deliver(model)
        elif model.way is Way.LEAVE:
            self._end(model, left_sentence(folders.read(self._queue.folder_of(model.job_id))))
        else:
            self._running[model.job_id] = model
            self._spent += model.price or 0

    def _have_go_on(self, model: Model) -> None:
        """Have the job of a model go on, or write one down. Raises `ImageTo3DError`, `OSError`."""
        if self._refusal is not None and model.price != 0:
            raise self._refusal  # this request would meet it, too
        if not self._can_pay(model):
            raise ImageTo3DError(self._too_much)
        with contextlib.suppress(BusyError):  # another call is just working on it
            if model.way is Way.NEW:
                self._create(model)
            elif model.way is Way.RETRY:
                self._queue.retry(model.job_id)
            elif model.way is Way.SEND_AGAIN:
                self._queue.send_again(model.job_id)
            elif model.way is Way.GO_ON:
                self._queue.take_up(model.job_id)

    def _create(self, model: Model) -> None:
        """Write down a job for a model, and that it was made for it. Raises `ImageTo3DError`, `OSError`."""
        parameters = self._planner.parameters_of(model.source)
        name = picture.name_of(model.source)
        variant = model.items[0].variant
        job = self._queue.create(
            service=self._wanted.service,
            parameters=with_seed(self._about, parameters, model.number - 1),
            name=f"{name} {variant}" if variant else name,
            group=model.request[:32] if variant else "",
            variant=variant,
        )
        self._shelf.note_job(model.request, job.id)
        model.job_id = job.id

    def _can_pay(self, model: Model) -> bool:
        limit = self._wanted.max_credits
        if limit is None or model.price == 0:
            return True
        return model.price is not None and self._spent + model.price <= limit

    def _leave_unpaid(self) -> None:
        """Leave out all that would cost more than is allowed."""
        kept = deque(model for model in self._waiting if self._can_pay(model))
        left = [model for model in self._waiting if not self._can_pay(model)]
        self._waiting = kept
        for model in left:
            self.tally.unaffordable += len(model.items)
            self._end(model, self._too_much)

    @property
    def _too_much(self) -> str:
        return f"Not started: it might pass --max-credits {self._wanted.max_credits} ({self._spent} are spent)."

    # Looking

    def _look(self) -> None:
        """See how the jobs that run are, and end what has ended."""
        for job_id, model in [*self._running.items(), *self._ready.items()]:
            try:
                job = self._queue.advance(job_id)
                if self._queue.goes_on(job):
                    if job.state in HAS_RESULT:
                        self._ready[job_id] = model
                        self._running.pop(job_id, None)
                        self._prepared.discard(job_id)
                    elif reason := self._queue.reason_to_wait(job):
                        self._close(model, f"{reason}.")
                    else:
                        self._say_elsewhere(job)
                        if self._has_left_service(job):
                            self._prepared.add(job_id)
                    continue
                job = self._queue.refresh(job_id)  # its process may have had a last word
            except (ImageTo3DError, OSError) as error:
                self._close(model, user_message(error), type(error).__name__)
                continue
            self._end_job(model, job)

    def _has_left_service(self, job: Job) -> bool:
        """Whether the service has done its part for an unfinished job. Of Local all is done on this machine, where more
        at once would only be slower."""
        return job.state in (State.DOWNLOADING, State.CONVERTING) and self._about.reach != "none"

    def _say_elsewhere(self, job: Job) -> None:
        """Say once where another call makes a model."""
        if job.id in self._elsewhere or self._queue.is_running(job.id):
            return
        if folders.is_locked(self._queue.folder_of(job.id)) and not self._queue.is_running(job.id):
            self._elsewhere.add(job.id)
            self._display.say(f"{job.name} is being made by another call on this folder: this one waits for it.")

    def _end_job(self, model: Model, job: Job) -> None:
        """Take the model of a job that has ended, or say why there is none."""
        self._forget(job.id)
        if job.credits is not None and model.price:
            self._spent += job.credits - model.price
        elif model.price and not (job.sent or job.task_id):
            self._spent -= model.price  # the service was not asked
        if job.state in HAS_RESULT:
            self._deliver(model)
        else:
            if job.error in FOR_ALL:
                reason = job.message.partition(" (status ")[0]
                self._refusal = restored(job.error, f"Not started: {reason}")
            self.tally.can_be_retried |= job.state is not State.UNCONFIRMED
            self._end(model, left_sentence(job) if job.state is State.UNCONFIRMED else "")
        self._queue.put_away(job.id)

    def _close(self, model: Model, sentence: str, error: str = "") -> None:
        """End a model whose job cannot be cared for any further; it goes on with a later call."""
        self._forget(model.job_id)
        self._queue.stop(model.job_id)
        self._end(model, sentence, error)

    def _forget(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._prepared.discard(job_id)
        self._ready.pop(job_id, None)
        self._elsewhere.discard(job_id)

    # Ending

    def _deliver(self, model: Model) -> None:
        """Have the files of a model be in the output folder, for each item that wants them."""
        for item in self._with_handles(model):
            try:
                with self._held(model.job_id):
                    self.tally.already += self._put(item, model.job_id)
            except (ImageTo3DError, OSError) as error:
                item.trouble, item.error = user_message(error), type(error).__name__
            self._end_item(item)

    @contextmanager
    def _held(self, job_id: str) -> Iterator[None]:
        """Hold a job, as another call may be delivering it just now, or its process putting its thumbnail in place.
        Raises `BusyError` where somebody does not let go of it, `JobError`."""
        until = time.monotonic() + LETS_GO_WITHIN_S
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(folders.lock(self._queue.folder_of(job_id)))
                    break
                except BusyError:
                    if time.monotonic() > until or self._interrupt:
                        raise
                time.sleep(LOOK_EVERY_S)
            yield

    def _put(self, item: Item, job_id: str) -> bool:
        """Have an item's files be there. Return whether they were before. Raises `ImageTo3DError`, `OSError`."""
        output, formats = self._shelf.output, self._wanted.formats
        claim = self._shelf.claim_of(item.stem) or Claim(item.picture, "")
        is_ours = all(claim.files.get(word) == job_id for word in formats)
        if is_ours and is_delivered(item, output, formats):
            return True
        for word in formats:
            path = path_of(item.stem, output, word)
            if word not in claim.files and os.path.lexists(path):
                raise JobError(f"{named(path)} is there already, and not from here: move it, then call again.")
        claim.files |= dict.fromkeys(formats, "")  # ours, and of one job or another until all are there
        self._shelf.note_claim(item.stem, claim)
        deliver(item, output, formats)
        claim.files |= dict.fromkeys(formats, job_id)
        self._shelf.note_claim(item.stem, claim)
        return False

    def _with_handles(self, model: Model) -> list[Item]:
        for item in model.items:
            item.handle = Handle(self._queue, model.job_id)
        return model.items

    def _end(self, model: Model, trouble: str, error: str = "") -> None:
        for item in model.items:
            item.trouble, item.error = trouble, error
            self._end_item(item)

    def _end_item(self, item: Item) -> None:
        is_done = not item.trouble and bool(item.files)
        self.tally.done += is_done
        self.tally.failed += not is_done
        self._display.ended(item)
        if item.handle is not None:
            self._queue.put_away(item.handle.id)

    def _stop(self) -> None:
        """Have all processes end in order. Raises `KeyboardInterrupt` where the user wants that at once: the processes
        end by themselves then, those that wait for the id of a paid task when they have it."""
        self.tally.is_interrupted = True
        if self._running:
            self._display.say("Stopping. Press Ctrl+C once more to stop at once; nothing is lost.")
        self._queue.close()
        for job_id in list(self._queue.processes):
            self._queue.stop(job_id)
        if any(map(process.is_alive, self._queue.processes.values())):
            self._display.say("Waiting for the answer of the service, so that what is paid for is known.")
        while any(map(process.is_alive, self._queue.processes.values())):
            time.sleep(LOOK_EVERY_S)
