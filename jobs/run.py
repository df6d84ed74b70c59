# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process of a job does, from its first line to its last: submit, wait, fetch, check, convert, have it drawn.
Imports no bpy.

Started by `process.start`. Each step first looks at what the folder already holds, so that a job which was interrupted
anywhere goes on from there. Whatever happens, the folder says so in the end: exactly one of ready, failed, cancelled,
unconfirmed; or, where the process was told to stop, the state it was in.

What costs money is asked for once. The record says that a request leaves before it does, and which task it made before
anything else is done; in between, the service may have made a task that nobody knows of, and then it is looked for and
never asked for again.
"""

import contextlib
import json
import math
import os
import secrets
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .. import api, files
from ..api import glb, picture
from ..api.about import DRAWN
from ..api.errors import (
    AddressExpiredError,
    AnswerLostError,
    BrokenGlbError,
    BusyError,
    ConnectionFailedError,
    GlbError,
    GoneError,
    ImageTo3DError,
    JobError,
    PictureError,
    QueueFullError,
    RateLimitError,
    TimeLimitError,
    UnavailableError,
    is_transient,
    user_message,
)
from ..api.network import Network
from ..api.parameters import Number, renewed
from ..api.parameters import pictures as pictures_of
from ..api.redact import redact
from ..api.results import fetch, keep_aside
from ..api.services import SERVICES, client_for
from ..api.waiting import FAILURE_PAUSES_S, TIME_LIMIT_S
from ..api.words import both_ends, visible
from ..programs import process
from ..programs.program import SCRATCH_PREFIX, blender_command
from . import assets, history, lost, pictures, provenance, record
from . import folder as folders
from .conversion import Conversion, tidy
from .folder import Job, State
from .telling import Telling

LOOK_EVERY_S = 0.1  # at the folder's cancel marker and at standard input; both are promised an answer within a second
WORTH_SAYING_S = 30.0  # the user is told until when, where a pause is longer
LOCK_TRIES_S = 2.0  # whoever only asks whether a job is locked holds the lock for an instant

BUSY_PAUSE_S = 20.0  # before a service that is full is asked again, where it does not say when

SOON_DONE = 0.8
"""From which progress of its task on a model is awaited. Blender needs half a second to be ready for it."""

MISTAKEN = frozenset({"normal", "roughness"})  # the samples on Meshy's own page have each under the other's name

SHARES = {State.RUNNING: (0.0, 0.75), State.DOWNLOADING: (0.75, 0.85), State.CONVERTING: (0.85, 1.0)}
"""Which part of the progress bar belongs to which state."""

LOGGED_AT_MOST = 100_000  # characters at once; a traceback has some thousands

SENT_AGAIN_AT_MOST = 3  # to a server that forgets its tasks, as it does whenever it is restarted

AGAIN = "The job tries again by itself."
ASKS_AGAIN = "The job asks again at"

BUG = "Something went wrong that should not have: log.txt in the job's folder has the details."


class Cancelled(Exception):
    """The user asked for the job to be cancelled."""


class TakenBack(Exception):
    """The user wants the model of a job after all whose service is just told of its cancelling."""


class StarterGone(Exception):
    """Blender has gone away: the job waits for its next start."""


def main() -> None:
    """Work on the job in the folder that the first argument names."""
    config = json.loads(sys.stdin.buffer.readline())
    os.umask(0o077)  # what this process makes, and those that it starts, is for the user's eyes only
    try:
        work(Path(sys.argv[1]).absolute(), config)
    except JobError as error:  # there is no job any more, or its record cannot be read: whoever starts us sees that too
        log(str(error), config)
        sys.exit(1)
    except Exception:  # the record cannot even be written
        log(traceback.format_exc(), config)
        sys.exit(1)


def work(folder: Path, config: dict[str, Any]) -> None:
    """Work on the job in `folder`, unless somebody else does. Whoever wants it while its thumbnail is drawn finds it
    free."""
    until = time.monotonic() + LOCK_TRIES_S
    while True:
        try:
            with folders.lock(folder):
                job = folders.read(folder)
                run = Run(folder, job, config, process.starter_is_gone)
                if job.state in folders.UNFINISHED:
                    run.to_the_end()
                elif job.undrawn:
                    run.draw()
                if job.untold:
                    run.tell_service()
            break
        except BusyError:
            if time.monotonic() > until:
                return  # another Blender has this job
            time.sleep(LOOK_EVERY_S)
    run.see_drawn()


def log(text: str, config: dict[str, Any]) -> None:
    """Write to the job's log, which standard error is, without what nobody else may read, and of an endless text only
    the ends."""
    connection = config.get("connection", {})
    secrets = [connection.get("key", ""), connection.get("network", {}).get("proxy", "")]
    with contextlib.suppress(OSError):  # a full disk is no reason to stop here
        print(folders.now(), redact(visible(both_ends(text, LOGGED_AT_MOST)), secrets), file=sys.stderr, flush=True)


@dataclass
class Run:
    """One run of a job, by whoever holds its lock. `config` are as `process.start` says; `starter_is_gone` is asked ten
    times a second."""

    folder: Path
    job: Job
    config: dict[str, Any]
    starter_is_gone: Callable[[], bool]

    def __post_init__(self) -> None:
        self._conversion = Conversion(self.folder, self.config, self._log_error)

    def to_the_end(self) -> None:
        """Bring the job as far as it goes, and write down how it ended."""
        began_s = time.monotonic()
        is_begun = bool(self.job.sent or self.job.task_id)  # by an earlier run, so that nobody knows how long it takes
        try:
            self._check_cancelled()
            tidy(self.folder)  # what a process that was killed has left
            folders.own_pictures(self.folder, self.job, self._check_cancelled)
            if not self._has_glb():
                self._make_glb()
            self._convert()
            if not is_begun:
                self.job.took_s = time.monotonic() - began_s
            self.job.undrawn = True  # for the next process, where this one does not live to see the thumbnail
            self._enter(State.READY, "Ready")
        except StarterGone:
            return
        except Cancelled:
            self._clear_up()
            self.job.give_up(has_model=folders.has_model(self.folder))
            self._enter(self.job.state, self.job.message)
        except (ImageTo3DError, OSError) as error:
            self._log_error()
            self._end(State.FAILED, user_message(error), type(error).__name__)
        except Exception:
            self._log_error()
            self._end(State.FAILED, BUG)
        finally:
            self._conversion.let_cool()

    def draw(self) -> None:
        """Have the thumbnail drawn that an earlier run has left. Tried once, whatever comes of it."""
        self.job.undrawn = False
        folders.write(self.folder, self.job)
        self._conversion.draw()

    def see_drawn(self) -> None:
        """Wait for the thumbnail, where one is drawn. For who does not hold the job any more."""
        self._conversion.see_drawn(self.starter_is_gone)

    def tell_service(self) -> None:
        """Give the task up at the service, as the user wishes, and write down what became of that.

        What cannot be said now stays on the record, and a later run tries again. Who takes the cancel marker away takes
        the wish back.
        """
        folders.ask_cancel(self.folder)
        try:
            Telling(self._connect(), self.job, self._sleep, self._check_cancelled, self._log_error).tell()
        except StarterGone:
            return
        except TakenBack:
            self.job.untold, self.job.progress = False, 0.0
            self._enter(State.WAITING, folders.WAITING_MESSAGE)
            return
        except (ImageTo3DError, OSError) as error:
            self._log_error()
            self._note_untold(user_message(error).rstrip(".").partition(": ")[0])
        except Exception:
            self._log_error()
            self._note_untold(BUG.rstrip("."))
        else:
            self.job.untold = False
        self._enter(self.job.state, self.job.message)

    def _note_untold(self, reason: str) -> None:
        self.job.say(folders.UNTOLD_MESSAGE, why=f"{reason}. Blender tries again later")

    def _has_glb(self) -> bool:
        """Whether the model is there, and whole. A damaged one is kept under another name, and fetched again.

        Raises `GlbError` where it came as it is, as the service would only send the same again.
        """
        file = self.folder / folders.GLB
        if not file.exists():
            return False
        try:
            glb.check(file)
        except BrokenGlbError as error:
            raise GlbError(f"{error} It is kept as {file.name} in the job's folder.", kept=file) from error
        except GlbError:
            keep_aside(file, file)
            return False
        return True

    def _make_glb(self) -> None:
        """Have the model made and bring it here; where a server of the user's own has forgotten the task, or has no
        longer what came of it, send it again, as that costs nothing. Raises as `_bring_glb` does."""
        service = self._connect()
        self._submit(service)
        for _ in range(SENT_AGAIN_AT_MOST):
            try:
                self._bring_glb(service)
                return
            except (GoneError, AddressExpiredError) as error:
                if service.about.names_tasks or (self.folder / folders.FETCHED).exists():
                    raise
                self._log_error()
                reason = str(error).partition(": ")[0].rstrip(".")
                self._notes = [f"{reason}. It was sent again."]
                self.job.give_task_up()
                self._conversion.let_cool()  # what it needs goes, too
                folders.clear_results(self.folder)
                self._enter(State.WAITING, f"{reason}. It is sent again.")
                self._ask_for_task(service)
        self._bring_glb(service)

    def _bring_glb(self, service: api.Service) -> None:
        """Wait for the task, and fetch what came of it."""
        fetched = self.folder / folders.FETCHED
        try:
            task = self._wait(service)
        except GoneError:
            if not fetched.exists():
                raise
            self._log_error()  # but the model is here: only what belongs to it cannot be had any more
            self.job.gone = False
            left_out = f"{service.about.label} does not keep the model any longer: separate maps were left out."
            self.job.service_note = f"{self.job.picture_note} {left_out}".strip()
            folders.write(self.folder, self.job)
            files.replace(fetched, self.folder / folders.GLB)
            return
        self._fetch(service, task)

    def _connect(self) -> api.Service:
        connection = dict(self.config.get("connection", {}))
        network = Network(**connection.pop("network", {}))
        command = blender_command(self.config["blender"], self.config.get("threads", 0))
        called = {name: os.path.basename(path) for name, path in self.job.origins.items()} | self.job.images
        shared: dict[str, Any] = {"folder": self.folder, "blender": command, "network": network}
        shared |= {"sleep": self._sleep, "called": called}
        if SERVICES[self.job.service].reach == "none":
            return client_for(self.job.service, **shared, name=self.job.name)
        return client_for(self.job.service, **shared, **connection)

    def _submit(self, service: api.Service) -> None:
        """See to it that the job has a task, and that its id is on the disk."""
        if self.job.task_id:
            if not service.about.names_tasks and self.job.state is State.SUBMITTING:
                if self._has_arrived(service):  # whoever sent the request did not live to hear the answer
                    return
            else:
                is_here = service.about.reach == "none"
                may_be_gone = is_here or (self.job.gone and not (self.folder / folders.FETCHED).exists())
                if not may_be_gone or service.get(self.job.task_id).status is not api.Status.GONE:
                    return
            self.job.give_task_up()
            folders.clear_results(self.folder)
        if self.job.is_unresolved:  # whoever sent the request did not live to hear the answer
            self._find_lost(service)
        else:
            self._ask_for_task(service)

    def _ask_for_task(self, service: api.Service) -> None:
        """Send the create request, again only where the service certainly made nothing of it, and take the task."""
        request = self._request(service)
        failures = 0
        while True:
            task_id = "" if service.about.names_tasks else str(uuid.uuid4())
            try:
                with self._sending(service, task_id) as before_sending:
                    task = service.create(request, before_sending, task_id)
            except (AnswerLostError, UnavailableError) as error:
                if not service.about.is_paid and not task_id:
                    raise
                self._log_error()
                if service.about.is_paid:
                    self._find_lost(service)
                    return
                if self.job.task_id and self._has_arrived(service):
                    self._take(task_id)
                    return
                self.job.task_id = ""
                if failures == len(FAILURE_PAUSES_S):
                    raise
                self._enter(State.WAITING, f"{error} {AGAIN}")
                self._sleep(FAILURE_PAUSES_S[failures])
                failures += 1
            except (QueueFullError, RateLimitError) as error:  # the service made nothing, and this goes away by itself
                self._enter(State.WAITING, f"{error} {AGAIN}")
                self._sleep(min(error.retry_after_s or BUSY_PAUSE_S, self._time_limit_s))
            except ConnectionFailedError as error:  # the service never had the whole request
                self._log_error()
                if failures == len(FAILURE_PAUSES_S) or not is_transient(error):
                    raise
                self._enter(State.WAITING, f"{error} {AGAIN}")
                self._sleep(FAILURE_PAUSES_S[failures])
                failures += 1
            else:
                self._take(task.id)
                return

    def _has_arrived(self, service: api.Service) -> bool:
        """Whether the server has the task whose id we have chosen, although its answer was lost. Raises
        `ImageTo3DError` where the server cannot be asked."""
        self._enter(State.SUBMITTING, f"Looking whether {service.about.label} has the task")
        for number, seconds in enumerate(FAILURE_PAUSES_S, 1):
            self._sleep(seconds)
            try:
                return service.get(self.job.task_id).status is not api.Status.GONE
            except ImageTo3DError as error:
                if number == len(FAILURE_PAUSES_S) or not is_transient(error):
                    self.job.gone = True  # as far as anybody knows: tried again, the job asks once more
                    raise
                self._log_error()
        return False

    def _request(self, service: api.Service) -> dict[str, Any]:
        """The parameters as the service gets them. A picture from the web that goes to no web service is fetched here,
        so that the record knows what it was; a seed is drawn here, so that the record has the one that is used, and has
        nothing that is not."""
        request = renewed(service.about.parameters, folders.request_of(self.folder, self.job))
        self.job.parameters = {name: value for name, value in self.job.parameters.items() if name in request}
        names = pictures_of(service.about.parameters)
        if service.about.reach != "web":
            for number, name in enumerate(names):
                if picture.is_url(request.get(name, "")):
                    request[name] = str(self._fetched_view(request[name], name, number))
            if request.get(names[0]) and picture.is_url(self.job.parameters[names[0]]):
                self.job.picture_sha256 = pictures.sha256_of(Path(request[names[0]]))
        seed = next((entry for entry in service.about.parameters if entry.name == service.about.seed), None)
        if isinstance(seed, Number) and request.get(seed.name, DRAWN) == DRAWN:
            request[seed.name] = self.job.parameters[seed.name] = secrets.randbelow(seed.maximum + 1)
        return request

    def _fetched_view(self, url: str, name: str, number: int) -> Path:
        """Fetch the picture of a parameter; of what goes wrong with a further one, say with which."""
        try:
            return self._fetched_picture(url, f"picture{number or ''}")
        except PictureError as error:
            if not number:
                raise
            raise PictureError(f"The picture of the {name.partition('_')[0]}: {error}") from error

    def _fetched_picture(self, url: str, stem: str) -> Path:
        """Fetch a picture from the web into the folder."""
        network = Network(**self.config.get("connection", {}).get("network", {}))
        return picture.to_file(url, self.folder / stem, network=network, check_cancelled=self._check_cancelled)

    @contextmanager
    def _sending(self, service: api.Service, task_id: str) -> Iterator[Callable[[], None]]:
        """Around a create request: the record says that it left for as long as, and only if, a task may have come of
        it. `task_id` is its task's id, "" where the service gives it one."""

        def before_sending() -> None:
            self.job.picture_note = service.picture_note
            if service.about.is_paid:
                self.job.sent, self._sent_s = folders.now(), time.monotonic()
                self.job.awaited = True
            self.job.task_id = task_id
            is_far = service.about.reach != "none"
            self._enter(State.SUBMITTING, f"Sending the picture to {service.about.label}" if is_far else "Starting")

        try:
            yield before_sending
        except (AnswerLostError, UnavailableError):
            raise
        except (ImageTo3DError, OSError, Cancelled):
            self.job.sent = self.job.task_id = ""
            raise
        except StarterGone:
            self.job.sent, self.job.task_id, self.job.awaited = "", "", False
            self._enter(State.WAITING, folders.WAITING_MESSAGE)
            raise
        finally:
            self.job.awaited = False

    _sent_s = 0.0
    """When (time.monotonic()) this run sent the request; 0 where an earlier one did."""

    def _age_s(self) -> float:
        """How many seconds ago the request left. The computer's clock may have been put right since."""
        return time.monotonic() - self._sent_s if self._sent_s else folders.age_s(self.job.sent)

    def _take(self, task_id: str) -> None:
        log(f"task {task_id}", self.config)  # first: a record that cannot be written must not hide it
        self.job.task_id, self.job.candidates = task_id, ()
        self._enter(State.RUNNING, "Starting")

    def _find_lost(self, service: api.Service) -> None:
        """Take the task of a request whose answer was lost. Raises `ImageTo3DError` where none is found; the job is
        then unconfirmed."""
        self.job.awaited = False  # whoever awaited the answer may not have lived to hear it
        self._enter(State.SUBMITTING, f"Looking whether {service.about.label} has made the task")
        task_id = lost.find_task(
            service,
            self.job,
            age_s=self._age_s,
            list_others=lambda: [job for job in history.list_jobs(self.folder.parent) if job.id != self.job.id],
            sleep=self._sleep,
            log_error=self._log_error,
        )
        self._take(task_id)

    def _wait(self, service: api.Service) -> api.Task:
        def on_progress(task: api.Task) -> None:
            if self.job.adopted and task.status is api.Status.GONE:
                self.job.task_id = ""  # mistyped: what became of the request is as unknown as before
            else:
                self.job.gone = task.status is api.Status.GONE
                self.job.task_over = task.status is api.Status.FAILED
            self.job.adopted = False
            if task.credits is not None:
                self.job.credits = task.credits
            self._progress(task.progress, task.message)
            if task.progress >= SOON_DONE and not task.has_ended:
                self._conversion.warm_up()

        if self.job.state is not State.RUNNING:
            self._enter(State.RUNNING, "Starting")
        try:
            return api.wait(
                service,
                self.job.task_id,
                on_progress=on_progress,
                sleep=self._sleep,
                time_limit_s=self._time_limit_s,
            )
        except (Cancelled, StarterGone):
            if service.about.reach == "none":  # what works in this process ends with it
                service.cancel(self.job.task_id)
            raise

    def _fetch(self, service: api.Service, task: api.Task) -> None:
        """Bring the model, and the loose maps it lacks, into the folder; the model gets its name last."""
        self._enter(State.DOWNLOADING, "Fetching the model")
        self._conversion.warm_up()
        self._fetch_until = time.monotonic() + self._time_limit_s
        fetched = self.folder / folders.FETCHED
        if not fetched.exists():
            try:
                task = api.save(service, task, fetched, self._tell_fetched)
            except GlbError as error:
                if error.kept is None:
                    raise
                raise GlbError(f"{str(error).rstrip('.')} in the job's folder.") from error
            if service.about.reach == "none" and task.result:
                files.remove(Path(task.result.glb), missing_ok=True)  # it was made here, and there is a copy now
        files.sync(fetched)
        assert task.result is not None  # api.wait returns a task that has succeeded
        missing = glb.missing_maps(fetched)
        if missing & MISTAKEN:  # services have exchanged them: only side by side it is seen
            missing |= MISTAKEN
        notes = [*self._notes, self.job.picture_note, task.result.note]
        seed = service.about.seed
        if seed in self.job.parameters:
            notes.append(f"Seed {self.job.parameters[seed]}.")
        for name in sorted(missing & task.result.maps.keys()):
            notes.append(
                self._fetch_beside(service, task, f"{folders.MAP_PREFIX}{name}", f"{name} map", _address_of_map(name))
            )
        for name in task.result.extras:
            notes.append(self._fetch_beside(service, task, name, name, _address_of_extra(name)))
        self.job.service_note = " ".join(filter(None, notes))
        folders.write(self.folder, self.job)  # first: once the GLB has its name, nobody asks the service again
        files.replace(fetched, self.folder / folders.GLB)

    def _fetch_beside(
        self, service: api.Service, task: api.Task, name: str, what: str, address: Callable[[api.Result], str]
    ) -> str:
        """Fetch a file that belongs to the model; return a note where it cannot be had, which is no reason to lose the
        model."""
        if not (self.folder / name).exists():
            try:
                fetch(service, task, address, self.folder / name, lambda fraction: self._check_cancelled())
            except (ImageTo3DError, KeyError):
                self._log_error()
                return f"The {what.replace('_', ' ')} could not be fetched."
        return ""

    def _tell_fetched(self, fraction: float) -> None:
        self._check_cancelled()
        if fraction >= self._told + 0.01 or fraction == 0.0:
            self._told = fraction
            self._progress(fraction, "Fetching the model")

    _told = 0.0

    _notes: Sequence[str] = ()
    """What was decided for the user on the way to the task: the beginning of the note."""

    def _convert(self) -> None:
        self._enter(State.CONVERTING, "Preparing the model for the scene")
        defaults = {entry.name: entry.default for entry in SERVICES[self.job.service].parameters}
        request = {
            "glb": str(self.folder / folders.GLB),
            "name": self.job.name,
            "quads": SERVICES[self.job.service].asks_quads({**defaults, **self.job.parameters}),
            "watertight": SERVICES[self.job.service].is_watertight,
            "maps": {
                file.name.removeprefix(folders.MAP_PREFIX): str(file)
                for file in self.folder.glob(f"{folders.MAP_PREFIX}*")
                if files.is_plain_file(file)
            },
            "blend": str(self.folder / folders.BLEND),
            "paint": self._paint(),
            "asset": assets.facts_of(self.job),
            "provenance": provenance.of(self.job),
        }
        report = self._conversion.run(request, self._sleep, self._progress)
        if report.done is None:
            raise ImageTo3DError(f"{report.error} {self._kept}")
        self.job.note = f"{self.job.service_note} {report.done['note']}".strip()
        self.job.bounds = record.box(report.done.get("bounds", []))
        for file in (folders.GLB, folders.BLEND):
            files.sync(self.folder / file)  # before the record says that they are there
        try:
            assets.write_catalogs(self.folder.parent)
        except OSError:  # without its catalog the model is among the unassigned ones, which is no reason to lose it
            self._log_error()

    @property
    def _kept(self) -> str:
        """What the user is told of a model that cannot be converted."""
        free = ", which costs nothing" if SERVICES[self.job.service].is_paid else ""
        return f"The model is kept as {folders.GLB} in the job's folder, and Retry only converts it again{free}."

    def _paint(self) -> dict[str, str]:
        """The pictures to paint a model with that has no texture, by what they show: "front", "back", "left", "right".
        None where that was not asked for, or the service has textures of its own."""
        about = SERVICES[self.job.service]
        wish = next((entry for entry in about.parameters if entry.name == about.paints), None)
        if wish is None or not self.job.parameters.get(wish.name, wish.default):
            return {}
        main = pictures_of(about.parameters)[0]
        found = {}
        for number, name in enumerate((main, *about.views)):
            stem = f"picture{number or ''}"
            try:
                source = folders.picture_in(self.folder, self.job, name)
                if picture.is_url(source):
                    there = sorted(self.folder.glob(f"{stem}.*"))
                    source = str(there[0] if there else self._fetched_picture(source, stem))
                if source:
                    source = str(self._readable(Path(source), stem))
            except (ImageTo3DError, OSError):  # gone meanwhile: no reason to lose the model; whoever paints says so
                self._log_error()
                source = str(self.folder / stem)
            if source:
                found["front" if name == main else name.partition("_")[0]] = source
        return found

    def _readable(self, file: Path, stem: str) -> Path:
        """A picture as the program that paints finds it."""
        made, _ = picture.readable(
            file,
            self.folder / f"{SCRATCH_PREFIX}{stem}",
            called=file.name,
            check_cancelled=self._check_cancelled,
            takes_part=True,
        )
        return made

    def _clear_up(self) -> None:
        """End what waits, and delete what it needed."""
        self._conversion.let_cool()
        tidy(self.folder)

    def _end(self, state: State, message: str, error: str = "") -> None:
        self._clear_up()
        self.job.end(state, message, error)
        self._enter(self.job.state, self.job.message)

    def _enter(self, state: State, message: str) -> None:
        """Write the next state to the disk, before anything is done in it."""
        self.job.state, self.job.message = state, message
        if state in SHARES:
            self.job.progress = SHARES[state][0]
        if state is State.READY:
            self.job.progress = 1.0
        log(f"{self.job.state}: {message}", self.config)
        folders.write(self.folder, self.job)

    def _progress(self, fraction: float, message: str) -> None:
        start, end = SHARES[self.job.state]
        progress = start + (end - start) * fraction
        message = message or self.job.message  # a program that has only just started has said nothing yet
        if (progress, message) != (self.job.progress, self.job.message):
            self.job.progress, self.job.message = progress, message
            folders.write(self.folder, self.job, synced=False)

    @property
    def _time_limit_s(self) -> float:
        """How long the service may take for its task, and the model for its way here, each."""
        limit_s: float = self.config.get("time_limit_s", TIME_LIMIT_S)
        return limit_s

    _fetch_until = math.inf
    """When (time.monotonic()) the model and what belongs to it must be here."""

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if seconds > WORTH_SAYING_S:
            self._say_until(seconds)
        while True:
            self._check_cancelled()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_EVERY_S))

    def _say_until(self, seconds: float) -> None:
        """Have the user know when the service is asked again, by the clock of this machine."""
        moment = datetime.now() + timedelta(seconds=seconds)
        day = "" if moment.date() == datetime.now().date() else f" on {moment:%Y-%m-%d}"
        said = self.job.message.removesuffix(AGAIN).partition(f" {ASKS_AGAIN}")[0].rstrip(" .")
        self.job.message = f"{said}. {ASKS_AGAIN} {moment:%H:%M}{day}."
        folders.write(self.folder, self.job, synced=False)

    def _check_cancelled(self) -> None:
        if self.job.state is State.DOWNLOADING and time.monotonic() > self._fetch_until:
            raise TimeLimitError(
                f"The model needs longer than {self._time_limit_s / 60:.3g} minutes to arrive: retry to go on "
                "with it, nothing is paid twice."
            )
        is_asked, is_given_up = folders.cancel_asked(self.folder), self.job.state is State.CANCELLED
        if is_asked and not is_given_up:
            raise Cancelled
        if is_given_up and not is_asked:
            raise TakenBack
        if self.starter_is_gone():
            raise StarterGone
        self._conversion.cool_in_time()

    def _log_error(self) -> None:
        """Write the error that is being handled to the job's log, which standard error is."""
        log(traceback.format_exc(), self.config)


def _address_of_map(name: str) -> Callable[[api.Result], str]:
    return lambda result: result.maps[name]


def _address_of_extra(name: str) -> Callable[[api.Result], str]:
    return lambda result: result.extras[name]


if __name__ == "__main__":
    main()
