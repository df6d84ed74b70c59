# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of errors: `str(error)` is one sentence that tells the user what to do. Never holds a key, never prints.

Everything that this project raises on purpose descends from `ImageTo3DError`; whatever else arrives is a bug of ours, and its
traceback belongs in the job's log. Which answer of a service becomes which error is decided in `api/services/`; the status codes
are those of Meshy's page "Errors" and, for CSM, what its official clients expect.
"""

import errno
import os
from pathlib import Path

from ..programs import process
from .words import named


class ImageTo3DError(Exception):
    """Something the user can be told in one sentence."""


class PictureError(ImageTo3DError):
    """The picture cannot be read, fetched or used."""


class ParameterError(ImageTo3DError):
    """A request parameter has a value that the service does not take."""


class GlbError(ImageTo3DError):
    """The file that a service delivered is not a whole, self-contained GLB. `kept` is where that file is, None where it is nowhere."""

    def __init__(self, sentence: str, *, kept: Path | None = None) -> None:
        super().__init__(sentence)
        self.kept = kept


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
    """A create request was sent as a whole and no usable answer came: the service may have made, and charged for, a task."""


class TimeLimitError(ImageTo3DError):
    """The task took longer than the time limit. It goes on at the service."""


class DownloadError(ImageTo3DError):
    """A result cannot be downloaded: too large, or from an address that must not be used."""


class AddressExpiredError(DownloadError):
    """The address of a result is refused (401, 403, 404, 410): the task has to be asked for a fresh one."""


class ServiceError(ImageTo3DError):
    """The service answered, and not with what was asked for.

    `status` is the HTTP status (None where the answer was no refusal, as for a failed task), `request_id` what the service calls
    the request in its own logs ("" if it does not say), `retry_after_s` the pause it asks for (None if it does not).
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
    """The service has a trouble of its own (5xx). Asking again later may help; whether a create was carried out is not known."""


class RefusedError(ServiceError):
    """The service does not accept the request (any other 4xx, or a redirect); nothing was made."""


class PictureRefusedError(RefusedError):
    """The service cannot use the picture."""


class ModerationError(RefusedError):
    """The service's moderation blocked the picture or the prompt."""


class TaskFailedError(ServiceError):
    """The service tried and did not succeed; the sentence carries its own words."""


class GoneError(ServiceError):
    """The service does not know the task, or does not keep it any longer."""


TRANSIENT = (ConnectionFailedError, UnavailableError, RateLimitError, QueueFullError)
"""What may be over when the same thing is asked again, but for `CertificateError`."""


def is_transient(error: Exception) -> bool:
    """Whether asking the same again later may help."""
    return isinstance(error, TRANSIENT) and not isinstance(error, CertificateError)


def user_message(error: ImageTo3DError | OSError) -> str:
    """Return the sentence for the user, also for what the system itself reports."""
    if isinstance(error, ImageTo3DError):
        return str(error)
    if isinstance(error, process.StartError):
        return f"Python could not be started at {named(error.filename)} ({_reason(error)}): restart Blender, then try again."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some space, then try again."
    where = f" at {named(error.filename)}" if error.filename else ""
    return f"The disk cannot be used{where} ({_reason(error)}): check it, then try again."


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or 0)
