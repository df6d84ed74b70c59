# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models are wanted, and what has to be done for each: nothing, deliver, go on, try again, ask for it. Starts
nothing, sends nothing; writes only who has which name. Imports no bpy.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..api import picture, sources
from ..api.errors import ImageTo3DError, JobError, user_message
from ..api.parameters import attached, check, pictures, sent
from ..api.seeds import with_seed
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..jobs.folder import Job
from ..jobs.handle import Handle
from ..jobs.history import Payment, payment_of_retry
from ..jobs.pictures import sha256_of
from ..jobs.queue import Queue
from ..jobs.state import HAS_RESULT, UNFINISHED, State
from .arguments import Wanted
from .item import Item
from .shelf import Claim, Shelf, digest_of, stems_of

AROUND = frozenset(
    {
        *("NoKeyError", "KeyRefusedError", "NoCreditsError", "PlanError", "OfflineError", "ConnectionFailedError"),
        *("ServiceAwayError", "ProxyError", "CertificateError", "UnavailableError", "QueueFullError", "RateLimitError"),
        *("TimeLimitError", "BlenderError", "OSError", "StartError", "PermissionError", "FileNotFoundError"),
    }
)
"""Errors, by name, that are no fault of the picture: the same call tries these again by itself."""

FAILED_BEFORE = "It failed before: {message} Fix that, then add --retry-failed to try it again."
UNCONFIRMED = (
    "{label} was asked for it and its answer was lost, so it may be paid for, and is not asked again: add "
    "--retry-failed to look for it there, or --send-again to ask, and maybe pay, once more."
)


class Way(Enum):
    """What has to be done for a model."""

    NEW = "new"
    GO_ON = "go on"
    RETRY = "retry"
    SEND_AGAIN = "send again"
    DELIVER = "deliver"
    """Its job is done: nothing is asked or paid."""
    LEAVE = "leave"
    """Its job has failed before, and only the user can say whether that is tried again."""


@dataclass(slots=True)
class Model:
    """One model that is wanted. Several items want it where several pictures show the same."""

    source: str
    """The path or the address of its picture."""
    request: str
    """What tells it from all others in the output folder: a digest of picture, service, parameters, variant."""
    number: int
    """Which variant it is, from 1."""
    cost: int | None
    """The credits that a request for it takes, None where that is not known."""
    way: Way = Way.NEW
    price: int | None = 0
    """The credits that may have to be paid for it now; None where that is not known."""
    job_id: str = ""
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What a call is to do. `items` are all that it speaks of, also those that no model comes of."""

    models: list[Model] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    spent: int = 0
    """The credits that the jobs of these models have taken, as far as that is known."""

    def count(self, *ways: Way) -> int:
        """How many models are to be had in one of these ways."""
        return sum(model.way in ways for model in self.models)


class Planner:
    """Looks at one picture after the other. Where it `is_dry`, nothing is written, not even names."""

    def __init__(self, wanted: Wanted, shelf: Shelf, queue: Queue, *, is_dry: bool) -> None:
        self._wanted, self._shelf, self._queue, self._is_dry = wanted, shelf, queue, is_dry
        self._about = SERVICES[wanted.service]
        self._files: dict[str, str] = {}
        self._models: dict[str, Model] = {}
        self._stems: dict[str, str] = {}
        self.plan = Plan()

    def add(self, source: str) -> None:
        """Plan the models of one picture. Raises `OSError` where the output folder cannot be written."""
        try:
            if sources.is_path(source):
                claim = self._look(source)
            else:
                claim = Claim(source, source)
            parameters = self.parameters_of(source)
            self._about.check_request(parameters)
        except (ImageTo3DError, OSError) as error:
            self._leave_out(source, error)
            return
        for number in range(1, max(self._wanted.variants, 1) + 1):
            try:
                self._add(source, claim, with_seed(self._about, parameters, number - 1), number)
            except JobError as error:
                self._leave_out(source, error)

    def _leave_out(self, source: str, error: ImageTo3DError | OSError) -> None:
        self.plan.items.append(Item(source, "", trouble=user_message(error), error=type(error).__name__))

    def parameters_of(self, source: str) -> dict[str, Any]:
        """The checked parameters of a request for a picture. Raises `ParameterError`."""
        return check(self._about.parameters, {**self._wanted.values, pictures(self._about.parameters)[0]: source})

    def _add(self, source: str, claim: Claim, parameters: dict[str, Any], number: int) -> None:
        variant = number if self._wanted.variants else 0
        stem = self._stem(source, claim, variant)
        if stem.casefold() in self._stems:
            same = self._stems[stem.casefold()]
            self.plan.notes.append(f"{source} shows the same as {same}: it is made once.")
            return
        self._stems[stem.casefold()] = source
        request = self._request_of(parameters, claim.content, number)
        item = Item(source, stem, variant)
        model = self._models.get(request)
        if model is None:
            model = Model(source, request, number, self.cost_of(parameters))
            self.decide(model, is_counted=True)
            self._models[request] = model
            self.plan.models.append(model)
        model.items.append(item)
        self.plan.items.append(item)

    def _look(self, source: str) -> Claim:
        """Read a picture file as far as is needed to know it again. Raises `PictureError`, `OSError`."""
        if not os.path.isfile(source):
            raise picture.missing(source)
        found = picture.look_at(Path(source))
        picture.require_picture(Path(source))
        variant = 1 if self._wanted.variants else 0
        stems = stems_of(picture.name_of(source), source, "", variant)[:2]
        known = (self._shelf.known_content(stem, source, found) for stem in stems)
        content = next(filter(None, known), "") or sha256_of(Path(source))
        return Claim(source, content, found.st_size, found.st_mtime_ns)

    def _stem(self, source: str, claim: Claim, variant: int) -> str:
        """What the files of a model are called. Raises `OSError`, `JobError`."""
        stems = stems_of(picture.name_of(source), source, claim.content, variant)
        if self._is_dry:
            return next((stem for stem in stems if stem.casefold() not in self._stems), stems[-1])
        endings = [f".{word}" for word in ("blend", "glb") if word in self._wanted.formats]
        with self._shelf.locked():
            return self._shelf.take(stems, claim, endings)

    def _request_of(self, parameters: dict[str, Any], content: str, number: int) -> str:
        """The digest of a request. What is at its default does not count, so that a parameter that a later version adds
        makes no other request of it."""
        table = self._about.parameters
        asked = sent(table, parameters)
        main = pictures(table)[0]
        for name in attached(table):
            value = parameters[name]
            if value and name != main:
                asked[name] = self._content_of(value)
        asked[main] = content
        return digest_of([self._wanted.service, asked, number])

    def _content_of(self, source: str) -> str:
        """What tells a further picture, or another file of the parameters, from others; the same for all models."""
        if not sources.is_path(source):
            return source
        if source not in self._files:
            self._files[source] = sha256_of(Path(source))
        return self._files[source]

    def cost_of(self, parameters: Mapping[str, Any]) -> int | None:
        """The credits that a request takes, None where that is not known."""
        return self._about.cost(parameters) if self._about.is_paid else 0

    def decide(self, model: Model, *, is_counted: bool = False) -> None:
        """Find the job that was made for a model, and what has to be done. What it has cost is counted in the plan
        where it `is_counted`."""
        model.job_id = self._shelf.job_for(model.request)
        try:
            job = folders.read(self._queue.folder_of(model.job_id)) if model.job_id else None
        except (JobError, OSError):  # somebody has deleted it
            job = None
        if job is None:
            model.job_id, model.way, model.price = "", Way.NEW, model.cost
            return
        if is_counted:
            self.plan.spent += _spent(job, model.cost)
        model.way = self._way_of(job)
        model.price = model.cost if _pays(job, model.way) else 0

    def _way_of(self, job: Job) -> Way:
        if job.state in HAS_RESULT:
            handle = Handle(self._queue, job.id)
            if not (handle.blend_path and handle.glb_path):
                return Way.RETRY
            return Way.GO_ON if job.undrawn and self._wanted.drawn else Way.DELIVER
        if job.state in UNFINISHED:
            return Way.GO_ON
        if job.state is State.UNCONFIRMED:
            if self._wanted.send_again:
                return Way.SEND_AGAIN
            return Way.RETRY if self._wanted.retry_failed else Way.LEAVE
        is_retried = self._wanted.retry_failed or job.has_unfetched_task or job.error in AROUND
        return Way.RETRY if is_retried else Way.LEAVE


def _pays(job: Job, way: Way) -> bool:
    """Whether what is to be done may have the service ask for credits."""
    if way is Way.GO_ON:
        return job.state in UNFINISHED and not job.sent and not job.task_id
    if way is Way.RETRY:
        return payment_of_retry(job) is not Payment.NONE
    return way is Way.SEND_AGAIN


def _spent(job: Job, cost: int | None) -> int:
    """What a job has taken: as the service says, else as much as it may be, also for what was given up."""
    has_asked = bool(job.sent or job.task_id)
    last = job.credits if job.credits is not None else (cost or 0) * has_asked
    return last + (cost or 0) * len(job.earlier)


def left_sentence(job: Job) -> str:
    """Why a model is left as it is."""
    if job.state is State.UNCONFIRMED:
        return UNCONFIRMED.format(label=SERVICES[job.service].label)
    return FAILED_BEFORE.format(message=job.message if job.message.endswith(".") else f"{job.message}.")
