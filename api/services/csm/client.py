# SPDX-License-Identifier: GPL-3.0-or-later
"""CSM: the paths of its image-to-3D sessions, and its words for status and result. Has no table of its own.

Source: CSM, "Image to 3D: Create Session". What its page leaves out (statuses, codes, the list) is as CSM's own client
has it.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from ...about import About
from ...errors import (
    AnswerLostError,
    GoneError,
    ImageTo3DError,
    KeyRefusedError,
    RefusedError,
    ServiceError,
    TaskFailedError,
    UnavailableError,
)
from ...parameters import check
from ...sources import is_url
from ...task import Result, Status, Task
from ..web import SLACK_S, WebService, is_in_window, number, text, web_address
from . import ABOUT, PARAMETERS

if TYPE_CHECKING:
    from ...client import Answer

SESSIONS = "/image-to-3d-sessions"

# Those of "session_status" and of the older "status"; any other word means that the session still runs, as CSM's own
# client has it on purpose.
PENDING = frozenset({"queued"})
SUCCEEDED = frozenset({"complete", "done", "preview_done", "refine_done"})
FAILED = frozenset({"failed", "spin_generate_failed", "preview_failed", "refine_failed"})

CLOSED = "CSM may have closed: choose another service, or check the address of your CSM server in the preferences."
NOBODY = (401, 403, 404, 405)
"""What a host without the service says, with a web page. A page that comes with another status is a gateway's (502), or
of a server that is there (413)."""

ECHOED = ("geometry_model", "texture_model", "topology", "resolution", "scaled_bbox", "preserve_aspect_ratio")
"""Parameters that a session repeats."""

PAGE = 10
PAGES_AT_MOST = 20


class CSM(WebService):
    """The service. Options as `WebService` says; the key is also taken from CSM_API_KEY, the address from
    CSM_API_URL."""

    about: ClassVar[About] = ABOUT
    away: ClassVar[str] = (
        "check the network and the address in the preferences; the service may also have been discontinued, "
        "then choose another one"
    )
    forbidden = (KeyRefusedError, "{label} does not accept the API key{said}: {enter}.")

    @staticmethod
    def _key_headers(key: str) -> dict[str, str]:
        return {"x-api-key": key}

    def _create(self, parameters: Mapping[str, Any], before_sending: Callable[[], None], task_id: str) -> Task:
        """`POST /image-to-3d-sessions`. The task may have failed already. See `Service.create`."""
        answer = self._send_create(SESSIONS, parameters, {}, before_sending)
        if answer.is_page:  # no server of the protocol has one for a request that it accepts
            raise RefusedError(CLOSED, request_id=self._request_id(answer))
        record = _record(answer.body)
        made = self._id(record)
        if not made:
            raise AnswerLostError(
                "CSM accepted the request and did not say under which code: look there before you ask for another task."
            )
        return self._task(made, record, answer)

    def get(self, task_id: str) -> Task:
        """`GET /image-to-3d-sessions/{session_code}`. See `Service.get`."""
        try:
            answer = self._request("GET", f"{SESSIONS}/{quote(task_id, safe='')}", names_task=True)
        except GoneError as error:
            return Task(task_id, Status.GONE, error=error)
        record = _record(answer.body)
        if not record:
            raise self._not_understood(answer)
        return self._task(task_id, record, answer)

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """Give the session as it is now: CSM has no stream. See `Service.listen`."""
        yield self.get(task_id)

    def find(self, parameters: Mapping[str, Any], age_s: float) -> list[str]:
        """`GET /image-to-3d-sessions?limit=10&page=1` and on. See `Service.find`."""
        values = check(PARAMETERS, parameters)
        found: list[str] = []
        for page in range(1, PAGES_AT_MOST + 1):
            answer = self._request("GET", SESSIONS, query={"limit": PAGE, "page": page})
            records = _records(answer.body)
            if records is None:
                raise self._not_understood(answer)
            ages = [answer.server_time - created for created in map(_created, records) if created]
            found += [
                self._id(record)
                for record, created in zip(records, map(_created, records), strict=True)
                if created and is_in_window(answer.server_time - created, age_s) and self._matches(record, values)
            ]
            is_newest_first = ages == sorted(ages)  # which CSM does not promise
            if len(records) < PAGE or (is_newest_first and ages and ages[0] > age_s + SLACK_S):
                break
        return list(dict.fromkeys(filter(None, found)))

    def cancel(self, task_id: str) -> bool:
        """Return False: CSM knows no way to end a session."""
        return False

    def _refusal(self, answer: "Answer", names_task: bool) -> ServiceError:
        if answer.status == 410 or (answer.is_page and answer.status in NOBODY):
            return RefusedError(CLOSED, status=answer.status, request_id=self._request_id(answer))
        return super()._refusal(answer, names_task)

    def _not_understood(self, answer: "Answer") -> UnavailableError:
        is_called_json = "json" in answer.headers.get("Content-Type", "").lower()
        if answer.body is not None or is_called_json or answer.is_endless:
            return super()._not_understood(answer)
        return UnavailableError(CLOSED, request_id=self._request_id(answer))

    def _matches(self, record: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Whether all that a session repeats of its request is as in `values`. A list may hold records that repeat
        little."""
        task_id = self._id(record)
        if task_id and any(name not in record for name in ECHOED):
            with contextlib.suppress(ImageTo3DError):  # then it may match
                path = f"{SESSIONS}/{quote(task_id, safe='')}"
                record = _record(self._request("GET", path, names_task=True).body) or record
        image = web_address(record.get("image_url"))
        if image and is_url(values["image_url"]) and image != values["image_url"]:
            return False
        return all(record[name] == values[name] for name in ECHOED if record.get(name) is not None)

    def check_key(self) -> None:
        """`GET /image-to-3d-sessions?limit=1&page=1`: CSM has no request for the key alone. See `Service.check_key`."""
        answer = self._request("GET", SESSIONS, query={"limit": 1, "page": 1})
        if _records(answer.body) is None:
            raise self._not_understood(answer)

    @staticmethod
    def _words(body: Any) -> str:
        """`message`, then `error`; a failed session may also say it in `status_message`."""
        if not isinstance(body, dict):
            return ""
        record = body.get("data") if isinstance(body.get("data"), dict) else {}
        words = map(text, (body.get("message"), body.get("error"), (record or {}).get("status_message")))
        # a failed session comes in an envelope that says that the request went well
        return next((word for word in words if word not in ("", "Created", "Retrieved")), "")

    def _id(self, record: Mapping[str, Any]) -> str:
        return self._task_id(record.get("session_code")) or self._task_id(record.get("_id"))

    def _task(self, task_id: str, record: Mapping[str, Any], answer: "Answer | None" = None) -> Task:
        word = (text(record.get("session_status")) or text(record.get("status"))).lower()
        progress = min(max(number(record.get("percent_done") or record.get("percentage")) / 100, 0.0), 1.0)
        if word in SUCCEEDED:
            return self._succeeded(task_id, record)
        if word in FAILED:
            words = self._own_words(answer.body if answer else {"data": record})
            said = f" ({words})" if words else ""
            error = TaskFailedError(f"CSM could not make the model{said}: try again, or use another picture.")
            return Task(task_id, Status.FAILED, progress, error=error)
        if word in PENDING:
            return Task(task_id, Status.PENDING, progress, "Waiting at CSM")
        return Task(task_id, Status.RUNNING, progress, "CSM is working")

    def _succeeded(self, task_id: str, record: Mapping[str, Any]) -> Task:
        glb = web_address(record.get("mesh_url_glb"))
        if glb:
            return Task(task_id, Status.SUCCEEDED, 1.0, "Finished at CSM", Result(glb))
        offered = [name for name in record if name.startswith("mesh_url") and web_address(record[name])]
        formats = self._offered(name.removeprefix("mesh_url").strip("_") or "zip" for name in offered)
        error = TaskFailedError(
            f"CSM names no GLB for the finished session, {f'only {formats}' if formats else 'and no other file'}: "
            "retry to ask again, or get it on CSM's own page."
        )
        return Task(task_id, Status.SUCCEEDED, 1.0, error=error)


def _record(body: Any) -> dict[str, Any]:
    """The session in an envelope; {} where there is none."""
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else {}


def _records(body: Any) -> list[dict[str, Any]] | None:
    """The sessions in the envelope of a list; None where there is no list."""
    data = body.get("data") if isinstance(body, dict) else None
    results = data.get("results") if isinstance(data, dict) else data
    return [record for record in results if isinstance(record, dict)] if isinstance(results, list) else None


def _created(record: Mapping[str, Any]) -> float:
    """When the session was made, in seconds since 1970; 0 where it does not say. Without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text(record.get("created_at")))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):  # the first and the last year have no moment everywhere
        return 0.0
