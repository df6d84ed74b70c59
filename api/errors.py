# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of errors: `str(error)` is one sentence that tells the user what to do. Never holds a key, never prints.

Everything that this project raises on purpose descends from `ImageTo3DError`, but for an interrupted create; whatever
else arrives is a bug of ours,
and its traceback belongs in the job's log. Which answer of a service becomes which error is decided in `api/services/`;
the status codes are those of Meshy's page "Errors" and, for CSM, what its official clients expect.
"""

import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .task import Task

# What the sentences are made with is imported where they are made: every room needs the errors, and Blender waits for
# them at its start.


class ImageTo3DError(Exception):
    """Something the user can be told in one sentence."""


class PictureError(ImageTo3DError):
    """The picture cannot be read, fetched or used."""


class ParameterError(ImageTo3DError):
    """A request parameter has a value that the service does not take."""


class TargetError(ImageTo3DError):
    """A model cannot be saved where it should be: that is a folder, or in one that is not there or takes no file."""


class GlbError(ImageTo3DError):
    """The file that a service delivered is not a whole, self-contained GLB. `kept` is where that file is, None where it
    is nowhere."""

    def __init__(self, sentence: str, *, kept: Path | None = None) -> None:
        super().__init__(sentence)
        self.kept = kept


class BrokenGlbError(GlbError):
    """The file is whole, and refused for what it says: to fetch it again would not mend it."""


class BlenderError(ImageTo3DError):
    """A background Blender could not be started, or stopped before its work was done."""


class JobError(ImageTo3DError):
    """A job's folder cannot be read, or the job cannot do now what was asked of it."""


class BusyError(JobError):
    """Another process holds the job's lock."""


class NoKeyError(ImageTo3DError):
    """The service needs an API key and none is set."""


class OfflineError(ImageTo3DError):
    """Blender's online access is off, and this connection would leave the machine."""


class ConnectionFailedError(ImageTo3DError):
    """A host cannot be reached, or the connection to it broke. Asking again later may help."""


class ServiceAwayError(ConnectionFailedError):
    """The service's own host cannot be reached."""


class ProxyError(ConnectionFailedError):
    """The proxy cannot be reached, or refuses."""


class CertificateError(ConnectionFailedError):
    """The host's certificate is not trusted. Asking again does not help."""


class AnswerLostError(ConnectionFailedError):
    """A create request was sent as a whole and no usable answer came: the service may have made, and charged for, a
    task."""


class TimeLimitError(ImageTo3DError):
    """The task took longer than the time limit. It goes on at the service."""


class DownloadError(ImageTo3DError):
    """A result cannot be downloaded: too large, or from an address that must not be used."""


class AddressExpiredError(DownloadError):
    """The address of a result is refused (401, 403, 404, 410): the task has to be asked for a fresh one."""


class ServiceError(ImageTo3DError):
    """The service answered, and not with what was asked for.

    `status` is the HTTP status (None where the answer was no refusal, as for a failed task), `request_id` what the
    service calls the request in its own logs ("" if it does not say), `retry_after_s` the pause it asks for (None if it
    does not).
    """

    def __init__(
        self, sentence: str, *, status: int | None = None, request_id: str = "", retry_after_s: float | None = None
    ) -> None:
        facts = [f"status {status}"] if status else []
        facts += [f"request id {request_id}"] if request_id else []
        super().__init__(f"{sentence} ({', '.join(facts)})" if facts else sentence)
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class KeyRefusedError(ServiceError):
    """The service does not accept the API key."""


class NoCreditsError(ServiceError):
    """The account has too few credits."""


class PlanError(ServiceError):
    """The account's plan does not allow this."""


class QueueFullError(ServiceError):
    """As many tasks run or wait as the account may have; nothing was made. Goes away by itself."""


class RateLimitError(ServiceError):
    """Too many requests at once; nothing was made. Goes away by itself."""


class UnavailableError(ServiceError):
    """The service has a trouble of its own (5xx). Asking again later may help; whether a create was carried out is not
    known."""


class RefusedError(ServiceError):
    """The service does not accept the request (any other 4xx, or a redirect); nothing was made."""


class PictureRefusedError(RefusedError):
    """The service cannot use the picture."""


class ModerationError(RefusedError):
    """The service's moderation blocked the picture or the prompt."""


class TaskFailedError(ServiceError):
    """The service tried and did not succeed; the sentence carries its own words."""


class LackError(RefusedError):
    """A server of the user's own lacks something that the request needs; nothing was made. `page` is the address of the
    page that has it, "" for none."""

    def __init__(self, sentence: str, *, page: str = "") -> None:
        super().__init__(sentence)
        self.page = page


class GoneError(ServiceError):
    """The service does not know the task, or does not keep it any longer."""


class CreateInterrupted(KeyboardInterrupt):
    """Ctrl-C was pressed when the service had a create request as a whole. So it may have made, and charged for, a
    task.

    `task` is what it answered, None where it had not answered yet, or its answer was lost. Then the task may be among
    `service.find(error.parameters, error.age_s)`. A `KeyboardInterrupt`, so that what catches errors lets it through.
    """

    def __init__(self, sentence: str, *, task: "Task | None", parameters: Mapping[str, Any], begun_s: float) -> None:
        super().__init__(sentence)
        self.task = task
        self.parameters = parameters
        self._begun_s = begun_s

    @property
    def age_s(self) -> float:
        """How long ago the request was begun, in seconds."""
        return time.monotonic() - self._begun_s


def restored(name: str, sentence: str) -> ImageTo3DError:
    """Return the error of the class `name` that says `sentence`, as a record tells it; an `ImageTo3DError` where there
    is no such class."""
    kinds = [ImageTo3DError]
    for kind in kinds:  # which grows meanwhile
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.__name__ == name), ImageTo3DError)(sentence)


TRANSIENT = (ConnectionFailedError, UnavailableError, RateLimitError, QueueFullError)
"""What may be over when the same thing is asked again, but for `CertificateError`."""


def is_transient(error: Exception) -> bool:
    """Whether asking the same again later may help."""
    return isinstance(error, TRANSIENT) and not isinstance(error, CertificateError)


FULL = (errno.ENOSPC, errno.EDQUOT)
OF_THE_DISK = (*FULL, errno.EFBIG, errno.EIO, errno.EROFS)
"""What only writing a file leads to, also where the error names no file."""
TOO_MANY = (errno.EMFILE, errno.ENFILE)
NO_MEMORY = (errno.ENOMEM, errno.EAGAIN)
"""What the systems say where there is no memory, and where no further process may be made (`man 2 fork`)."""
NETWORK = frozenset(
    (
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENOTCONN,
        errno.ETIMEDOUT,
        errno.EADDRINUSE,
        errno.EADDRNOTAVAIL,
    )
)
NETWORK_MODULES = ("ssl", "socket", "requests", "urllib3")
"""Whose errors are `OSError`s with numbers of their own, which the system reads otherwise. None is imported here."""

IN_USE = (32, 33)
BAD_NAME = (123, 206)
"""Windows' numbers (System Error Codes): ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION; ERROR_INVALID_NAME,
ERROR_FILENAME_EXCED_RANGE."""


def user_message(error: ImageTo3DError | OSError) -> str:
    """Return the sentence for the user, also for what the system itself reports."""
    if isinstance(error, ImageTo3DError):
        return str(error)
    from ..programs.process import StartError
    from .words import named

    where = f" at {named(error.filename)}" if error.filename else ""
    if error.errno in FULL:
        return "The disk is full: free some space, then try again."
    if isinstance(error, StartError):
        return f"Python could not be started{where} ({reason_of(error)}): restart Blender, then try again."
    winerror = getattr(error, "winerror", None)
    if _is_network(error):
        return f"The connection broke off ({reason_of(error)}): check the network, then try again."
    if isinstance(error, BrokenPipeError):
        return f"A program has ended in the middle of its work ({reason_of(error)}): try again."
    if error.errno == errno.EFBIG:
        return f"The disk takes no file so large{where}: keep the jobs on another disk."
    if error.errno in TOO_MANY:
        return f"Too many files are open ({reason_of(error)}): close some programs or restart Blender, then try again."
    if error.errno in NO_MEMORY:
        return f"There is no room for another program or its data ({reason_of(error)}): close some, then try again."
    if error.errno == errno.ENAMETOOLONG or winerror in BAD_NAME:
        return f"The name of a file or folder cannot be used{where} ({reason_of(error)}): use a simpler one."
    if winerror in IN_USE:
        return f"Another program holds a file open{where} ({reason_of(error)}): close it, then try again."
    if error.errno == errno.ENOENT:
        return f"A file or folder is missing{where} ({reason_of(error)}): bring it back, then try again."
    return f"The disk cannot be used{where} ({reason_of(error)}): check it, then try again."


def _is_network(error: OSError) -> bool:
    """Whether a connection has failed. One that a network's disk needs is the disk's: then the error names a file."""
    is_broken = isinstance(error, (ConnectionError, TimeoutError)) and not isinstance(error, BrokenPipeError)
    return _is_of_a_network_module(error) or ((is_broken or error.errno in NETWORK) and not error.filename)


def _is_of_a_network_module(error: OSError) -> bool:
    return any(kind.__module__.partition(".")[0] in NETWORK_MODULES for kind in type(error).__mro__)


def reason_of(error: OSError) -> str:
    """Return why, as the system says it and as it can stand in a sentence."""
    has_own_numbers = _is_of_a_network_module(error) or getattr(error, "winerror", None)
    if error.errno and not has_own_numbers:
        return os.strerror(error.errno)
    from .words import clean

    return clean(str(error.strerror or error)).rstrip(". ") or "no reason is known"
