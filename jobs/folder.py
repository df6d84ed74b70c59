# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a job: its files, and the record in job.json. The only code that knows the layout; starts nothing.

Whoever writes holds the job's lock, except for the one who makes the folder, and for the marker of `ask_cancel`.
Whoever only reads needs no lock: job.json is replaced as a whole, so it is always complete.
"""

import contextlib
import dataclasses
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from .. import files
from ..api import picture
from ..api.errors import AnswerLostError, BusyError, JobError
from ..api.parameters import File, Picture, attached
from ..api.parameters import pictures as pictures_of
from ..api.results import keep_aside
from ..api.services import SERVICES, label_of
from ..programs.program import LOG as LOG
from ..programs.program import SCRATCH_PREFIX
from . import pictures, record
from .pictures import Note, is_plain_name
from .state import HAS_RESULT as HAS_RESULT
from .state import UNFINISHED as UNFINISHED
from .state import State as State

RECORD = "job.json"
LOCK = "lock"
CANCEL = "cancel"
GLB = "result.glb"
BLEND = "result.blend"
THUMBNAIL = "thumbnail.png"
SHOWN = "shown"
"""The .blend that shows the model in a scene when it is opened. Without the ending: the folder of jobs is an asset
library, and `BLEND` is in it already."""
FETCHED = "fetched.glb"  # the model on its way to `GLB`, where it counts as complete with all that belongs to it
MAP_PREFIX = "map-"

ID = re.compile(r"\d{8}-\d{6}-\d{6}-[0-9a-f]{4}", re.ASCII)
"""The form of a job's id: date, time, microseconds (UTC), and four hexadecimal digits by chance."""

WAITING_MESSAGE = "Waiting for its turn"
UNCONFIRMED_MESSAGE = (
    "{label} was asked for this model and did not answer, so it may have made and charged for it: retry to "
    "look for it there again, adopt its id, send the request again, or forget it."
)

CANCELLED_MESSAGE = "Cancelled"
UNTOLD_MESSAGE = (
    "Cancelled here. {label} has not been told yet, and may go on with the task and charge for it: {why}. "
    "Retry if you want the model after all, nothing is paid again."
)
GOES_ON_MESSAGE = (
    "Cancelled here, but {label} cannot be stopped: it goes on with the task and may charge for it. "
    "Retry to get the model, nothing is paid again."
)
PAID_MESSAGE = (
    "Cancelled here, but {label} cannot be stopped: it goes on with the task, which is paid for. "
    "Retry to get the model, nothing is paid again."
)
FINISHED_MESSAGE = "Cancelled here, but {label} had finished the model already. Retry to get it, nothing is paid again."
UNKNOWN_MESSAGE = "Cancelled here. {label} does not know the task any more."

FREE = {
    UNTOLD_MESSAGE: "Cancelled here. {label} has not been told yet, and may go on with the task: {why}.",
    GOES_ON_MESSAGE: "Cancelled here, but {label} cannot be stopped: it goes on with the task.",
    PAID_MESSAGE: "Cancelled here, but {label} cannot be stopped: it goes on with the task.",
    FINISHED_MESSAGE: "Cancelled here, but {label} had finished the model already. Retry to get it.",
}
"""The same of a service that costs nothing."""

UNFINISHED_PREFIX = ".new-"  # a folder that is still being made
REMOVED_PREFIX = ".removed-"  # a folder that is to be deleted


@dataclass(slots=True)
class Job:
    """The record in job.json. Times are ISO 8601 in UTC, `progress` is 0 to 1, `message` is for people.

    Ten thousand of these are kept in memory, so Python's garbage collector is given little to look at: lists in them
    are tuples, and they have slots, as an object with so many fields would have a dict of its own.
    """

    id: str
    service: str
    name: str
    parameters: dict[str, Any]
    """By wire name; a picture among them is a URL, or the name of its file in the job's folder."""
    pictures: dict[str, Note] = field(default_factory=dict)
    """By wire name, what is known of the pictures that the job's process has still to make its own: see
    `pictures.make_own`."""
    picture_sha256: str = ""
    """Of the main picture; "" until it is the job's own, and for a URL until it has been fetched."""
    origins: dict[str, str] = field(default_factory=dict)
    """By wire name, where the user's own picture files were when they were chosen. They may be gone by now."""
    images: dict[str, str] = field(default_factory=dict)
    """By wire name, what the Blender images were called that further pictures were made of."""
    file: str = ""
    """The .blend that the job was started in; "" for one that was never saved."""
    group: str = ""
    """What the variants of one request have in common; "" for a job that is none."""
    variant: int = 0
    """Which variant it is, from 1; 0 for none."""
    is_cleared: bool = False
    """Whether the user has cleared the job from the list of the file that it was started in. Nothing of it is deleted.
    """
    took_s: float = 0.0
    """How long the model took, from the start of the job's process until it was ready; 0 where that is not known."""
    place: dict[str, Any] = field(default_factory=dict)
    """Where the result goes: see `scene.place.place`. Empty: the world origin, as large as the service made it."""
    state: State = State.WAITING
    sent: str = ""
    """When the create request left, for a service that is paid; "" as long as the service certainly has made no task.
    """
    awaited: bool = False
    """Whether the create request is on its way, or its answer awaited: who ended the process now might lose the id of a
    paid task."""
    task_id: str = ""
    adopted: bool = False
    """Whether the task id was entered by hand, and the service has not known it yet."""
    gone: bool = False
    """Whether the service did not know the task when it was asked last: tried again, the job asks once more before it
    gives it up."""
    candidates: Sequence[str] = ()
    """Tasks found at the service of which one may be an unconfirmed job's."""
    earlier: Sequence[dict[str, str]] = ()
    """"sent" and "task_id" of what was given up: a task that turns up may be of these."""
    task_over: bool = False
    """Whether the service has said that nothing (more) comes from the task: tried again, the job asks for a new one."""
    untold: bool = False
    """Whether the user has given the task up and the service has still to be told: whoever may work on the job next
    does it."""
    undrawn: bool = False
    """Whether the model is there and its thumbnail was not drawn, as Blender has gone away, or nobody wanted it:
    whoever wants it has it drawn."""
    credits: int | None = None
    """What the service says that the task cost."""
    progress: float = 0.0
    message: str = ""
    """What happens now, or why the job failed."""
    error: str = ""
    """The class of the error that it failed with, by its name in `api.errors`; "" where it did not fail by one."""
    picture_note: str = ""
    """What was done to the pictures before they were sent, or is missing from them: the beginning of `service_note`."""
    service_note: str = ""
    """What the service said about the result, and what of it could not be fetched: the beginning of `note`."""
    note: str = ""
    """What the user should know about the result: a decision that was taken for them, numbers of faces."""
    bounds: Sequence[Sequence[float]] = ()
    """The lowest and the highest x, y and z (meters) of what is seen of the model, its root on the origin; none where a
    version made the model that did not measure it."""
    created: str = ""
    updated: str = ""

    def give_task_up(self) -> None:
        """Forget what was sent, and the task that came of it, but for the note that they were."""
        if self.sent or self.task_id:
            self.earlier = (*self.earlier, {"sent": self.sent, "task_id": self.task_id})
        self.sent, self.task_id, self.adopted, self.gone, self.task_over = "", "", False, False, False
        self.candidates, self.credits, self.service_note = (), None, ""

    def give_up(self, *, has_model: bool) -> None:
        """Note that the user has given the job up; what may still come, and be charged, at the service is said and
        kept.

        `has_model` says whether the service's model is in the job's folder already.
        """
        has_model = has_model or self.state in (State.DOWNLOADING, State.CONVERTING)
        self.untold = False
        self.end(State.CANCELLED, CANCELLED_MESSAGE)
        if not (self.has_unfetched_task or self._runs_unpaid):
            return
        if has_model:
            self.say(FINISHED_MESSAGE)
        elif self.service in SERVICES and not SERVICES[self.service].can_cancel:
            self.say(GOES_ON_MESSAGE)
        else:
            self.untold = True
            self.say(UNTOLD_MESSAGE, why="it is told as soon as possible")

    def say(self, message: str, **words: str) -> None:
        """Let one of the messages about the job's service be the job's; it speaks of money only where that costs
        any."""
        if self.service in SERVICES and not SERVICES[self.service].is_paid:
            message = FREE.get(message, message)
        self.message = message.format(label=label_of(self.service), **words)

    @property
    def _runs_unpaid(self) -> bool:
        """Whether a server of the user's may still work on the task, which costs nothing."""
        service = SERVICES.get(self.service)
        is_elsewhere = service is not None and not service.is_paid and service.reach != "none"
        return is_elsewhere and bool(self.task_id) and not (self.task_over or self.gone)

    @property
    def needs_process(self) -> bool:
        """Whether a process has something to do for the job."""
        return self.state in UNFINISHED or self.untold or self.undrawn

    @property
    def is_unresolved(self) -> bool:
        """Whether the service may have made a task whose id nobody knows: it must not be asked for another by
        itself."""
        return bool(self.sent) and not self.task_id

    @property
    def has_unfetched_task(self) -> bool:
        """Whether the job ended without its model beside a task that is paid for, and that may still have one at the
        service."""
        ended = self.state in (State.FAILED, State.CANCELLED)
        return ended and bool(self.sent and self.task_id) and not (self.task_over or self.gone)

    @property
    def source(self) -> str:
        """Where the picture came from: a URL, or the name of the file in the job's folder; "" where the record names
        neither."""
        service = SERVICES.get(self.service)
        names = pictures_of(service.parameters) if service else []
        value = self.parameters.get(names[0]) if names else ""
        return value if isinstance(value, str) and (is_address(value) or is_plain_name(value)) else ""

    def end(self, state: State, message: str, error: str = "") -> None:
        """Note that the job ends in `state`, by an error of the class `error` where it failed by one of ours; in
        `UNCONFIRMED` where that would hide a task that may have been paid for."""
        self.state, self.message, self.error = state, message, error
        if self.is_unresolved:
            self.state, self.message = State.UNCONFIRMED, UNCONFIRMED_MESSAGE.format(label=label_of(self.service))
            self.error = AnswerLostError.__name__


def create(
    root: Path,
    *,
    service: str,
    parameters: dict[str, Any],
    name: str,
    place: dict[str, Any] | None = None,
    file: str = "",
    group: str = "",
    variant: int = 0,
    scratch: Path | None = None,
    is_shared: bool = False,
    images: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Make the folder of a new job under `root`, and return it. Costs the same whatever the pictures' size and however
    many jobs there are.

    `parameters` are checked ones. A picture that is a file is noted, and linked where that can be done (see
    `pictures.choose`); one that lies in `scratch`, a folder that the caller is about to delete, is moved. Where it
    `is_shared`, `scratch` is another job's folder, which keeps it. `images` are noted. Nothing is synced: the job's
    process does it, before anything is sent. Raises `JobError` for a `place` that is none, `PictureError`, and
    `OSError` where nothing can be written; then nothing is left behind.
    """
    try:
        record.require_place(place or {})
    except record.WrongError as error:
        raise JobError(
            f"The model cannot be put there ({error}): use three finite numbers, and a finite size."
        ) from None
    now = datetime.now(UTC)
    job_id = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}"  # in the order of time, and unlike another Blender's
    job = Job(
        job_id,
        service,
        name,
        dict(parameters),
        file=file,
        group=group,
        variant=variant,
        images=dict(images),
        place=place or {},
        message=WAITING_MESSAGE,
        created=_iso(now),
    )
    unfinished = root / f"{UNFINISHED_PREFIX}{job_id}"
    for is_last_try in (False, True):
        root.mkdir(parents=True, exist_ok=True)
        files.keep_private(root)
        try:
            files.make_folder(unfinished)
            break
        except FileNotFoundError:  # somebody has just tidied up the user's folder
            if is_last_try:
                raise
    try:
        # First a record: a folder without one is nobody's, and would never be tidied away.
        write(unfinished, dataclasses.replace(job, parameters={}), synced=False)
        names = pictures_of(SERVICES[service].parameters)
        for number, key in enumerate(attached(SERVICES[service].parameters)):
            source = job.parameters.get(key, "")
            if source and not picture.is_url(source):
                stem = unfinished / (f"picture{number or ''}" if key in names else key)
                job.parameters[key], note = pictures.choose(source, stem, scratch, is_shared=is_shared)
                job.pictures[key] = note
                if note["path"]:
                    job.origins[key] = note["path"]
        (unfinished / LOCK).touch(files.FILE_MODE)
        write(unfinished, job, synced=False)
        folder = files.rename(unfinished, root / job_id)
    except BaseException:
        with contextlib.suppress(OSError):
            files.remove_tree(unfinished)
        raise
    return folder


def own_pictures(folder: Path, job: Job, check_cancelled: Callable[[], None]) -> None:
    """Make the job's pictures its own, and sync all that it is made of. For the one who holds its lock, before anything
    is sent.

    `check_cancelled` may raise. Raises `PictureError` where a picture has changed since it was chosen, `JobError` where
    it is gone, `OSError`.
    """
    main = pictures_of(SERVICES[job.service].parameters)[0]
    for key, note in job.pictures.items():
        digest = pictures.make_own(folder, job.parameters.get(key), note, check_cancelled)
        if key == main:
            job.picture_sha256 = digest
    files.sync(folder.parent, is_money=True)  # which `write` does not, and `create` has not
    if job.pictures:
        job.pictures = {}
        write(folder, job)


def is_id(name: str) -> bool:
    """Whether `name` has the form of a job's id. So it is the name of a folder in the jobs' own, and never a path that
    leads out."""
    return ID.fullmatch(name) is not None


def holds_record(folder: Path) -> bool:
    """Whether `folder` is a folder, and no link to one, with the record of a job in it. Nothing else is ever listed or
    deleted."""
    try:
        return files.is_own_folder(folder) and files.is_plain_file(folder / RECORD)
    except OSError:
        return False


def open_private(path: Path, mode: str, encoding: str | None = None) -> IO[Any]:
    """Open a file of a job, which only its owner may open. Raises `JobError` where something else than a plain file is
    in its place."""
    try:
        return files.open_private(path, mode, encoding)
    except files.NotPlainError:
        raise JobError(f"{path.name} in {path.parent} is no plain file: take it away, or remove the job.") from None


def read(folder: Path) -> Job:
    """Return the job's record, each of its values checked. Raises `JobError` where there is none, or none that can be
    used."""
    job_id = folder.name.removeprefix(UNFINISHED_PREFIX).removeprefix(REMOVED_PREFIX)
    try:
        found = record.checked(files.patiently(lambda: _content_of_record(folder)), job_id, tuple(State))
    except FileNotFoundError:
        raise JobError(f"There is no job in {folder}.") from None
    except record.WrongError as error:
        raise JobError(
            f"The record of the job in {folder} cannot be read ({error}): repair {RECORD} there, or remove the job."
        ) from None
    return Job(**{**found, "state": State(found["state"])})


def _content_of_record(folder: Path) -> bytes:
    """What stands in the record, as far as it is looked at. Raises `OSError`."""
    file = folder / RECORD
    if not files.is_plain_file(file):
        raise FileNotFoundError
    with file.open("rb") as stream:
        return stream.read(record.LIMIT_BYTES + 1)


def write(folder: Path, job: Job, *, synced: bool = True) -> None:
    """Replace the record as a whole. `synced` False is for mere progress, which may be lost with the machine's
    power."""
    job.updated = now()
    part = folder / f"{RECORD}.part"
    if os.path.lexists(part) and not files.is_plain_file(part):
        files.remove(part)
    with open_private(part, "w", encoding="utf-8") as file:
        json.dump(dataclasses.asdict(job), file, indent=1)
        file.flush()
        if synced:
            files.sync_open(file.fileno(), is_money=True)
    files.replace(part, folder / RECORD)
    if synced:
        files.sync(folder, is_money=True)


def is_address(source: str) -> bool:
    """Whether a picture of a record is a URL, and nothing that cannot be one."""
    return picture.is_url(source) and record.is_clean(source)


def picture_in(folder: Path, job: Job, parameter: str) -> str:
    """Return where the picture is that the job has for a parameter: an address, the path of a file, "" for none. Raises
    as `pictures.find` does."""
    name = job.parameters.get(parameter) or ""
    if not name or (isinstance(name, str) and is_address(name)):
        return name
    return str(pictures.find(folder, name, job.pictures.get(parameter)))


def request_of(folder: Path, job: Job) -> dict[str, Any]:
    """Return the job's parameters with its picture files as paths. Raises as `picture_in` does, and `JobError` where
    the picture is missing."""
    request = dict(job.parameters)
    for entry in SERVICES[job.service].parameters:
        if isinstance(entry, File):
            is_needed = isinstance(entry, Picture) and not entry.optional and not request.get(entry.instead)
            if is_needed and not request.get(entry.name):
                raise JobError(
                    f"The record of the job in {folder} names no picture: repair {RECORD} there, or remove the job."
                )
            if entry.name in request:
                request[entry.name] = picture_in(folder, job, entry.name)
    return request


def size_of(folder: Path) -> int:
    """How many bytes the files of a job hold, 0 where there is no such folder. Folders inside it, which a process
    empties, do not count."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
    except OSError:  # it was just removed, or one of its files was
        return 0


def has_model(folder: Path) -> bool:
    """Whether the model that a service made is in the folder, as a whole."""
    return (folder / GLB).exists() or (folder / FETCHED).exists()


def has_delivered(folder: Path) -> bool:
    """Whether a file that a service delivered as a model is in the folder, also one that cannot be used."""
    return any(folder.glob("*.glb"))


def clear_results(folder: Path) -> None:
    """Clear away all that came of a task that was given up, so that nothing of it is taken for the next one's.

    A model that was delivered is kept under another name, and whatever a user has put into the folder is left alone.
    """
    for entry in list(folder.iterdir()):
        if entry.name in (GLB, FETCHED):
            keep_aside(entry, entry)
        elif entry.name == f"{FETCHED}.unchecked":
            keep_aside(entry, folder / FETCHED)
        elif entry.name in (BLEND, THUMBNAIL, SHOWN) or entry.name.startswith(
            (f"{FETCHED}.", MAP_PREFIX, SCRATCH_PREFIX)
        ):
            files.remove_tree(entry)


def ask_cancel(folder: Path) -> None:
    """Leave the marker that the job's process looks for. Raises `JobError` where there is no such job."""
    if not holds_record(folder):
        raise JobError(f"There is no job in {folder}.")
    if not cancel_asked(folder):
        open_private(folder / CANCEL, "ab").close()


def cancel_asked(folder: Path) -> bool:
    """Whether somebody asked for the job to be cancelled."""
    return (folder / CANCEL).exists()


def withdraw_cancel(folder: Path) -> None:
    """Take the marker away, for a job that is tried again."""
    files.remove(folder / CANCEL, missing_ok=True)


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the job. Raises `BusyError` at once where another process holds it, `JobError` where there is no such job.

    The lock belongs to the open file and so to the process: the system gives it back however the process ends, and a
    dead holder never has to be recognised.
    """
    try:
        file = open_private(folder / LOCK, "r+b")
    except FileNotFoundError:
        raise JobError(f"There is no job in {folder}.") from None
    with file:
        if not files.try_lock(file.fileno()):
            raise BusyError(f"Job {folder.name} is being worked on by another process.")
        try:
            files.keep_private(folder)  # an earlier version left it open to everybody
            yield
        finally:
            files.unlock(file.fileno())


def is_locked(folder: Path) -> bool:
    """Whether a process works on the job just now."""
    try:
        with lock(folder):
            return False
    except BusyError:
        return True


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """The present moment as it stands in a record."""
    return _iso(datetime.now(UTC))


def age_s(moment: str) -> float:
    """How many seconds ago a moment of a record was."""
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
