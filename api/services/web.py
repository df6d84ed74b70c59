# SPDX-License-Identifier: GPL-3.0-or-later
"""What CSM and Meshy have in common as web services: a key, an address, pictures as data URIs, refusals. Is no service
itself."""

import dataclasses
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from ...programs.program import LOG, SCRATCH_PREFIX
from .. import access, picture
from ..about import About
from ..blender import Blender, command_of
from ..errors import (
    GoneError,
    KeyRefusedError,
    ModerationError,
    NoCreditsError,
    PictureError,
    PictureRefusedError,
    QueueFullError,
    RateLimitError,
    RefusedError,
    ServiceError,
    UnavailableError,
)
from ..interrupts import keep_task
from ..network import USUAL, Network
from ..parameters import check, pictures, require_names, sent
from ..paths import AnyPath, folder_of, path_of
from ..payload import Payload
from ..task import CREATE_WINDOW_S, Task, nothing
from ..words import ID_AT_MOST, clean, named, task_id

if TYPE_CHECKING:
    from ..client import Answer, Client

# `client` and `download` are imported where they are used: with them comes requests, which takes longer than all else.

MOST = 1e15  # beside which the milliseconds since 1970 are few

NAMES_AT_MOST = 8  # of what a service offers instead of a GLB
NAME_AT_MOST = 30

ADDRESS_AT_MOST = 8000

SLACK_S = 5.0
"""How much older or younger than our request a task may look and still come from it: dates have whole seconds, answers
take time."""

_ABOUT_MODERATION = re.compile(
    r"(?<!value for )moderat\w*\b(?! (?:must|should|has to|is only|is not))|nsfw|unsafe|inappropriate|prohibited",
    re.IGNORECASE,
)
"""Not where only the parameter `moderation` is named."""
_PICTURE_NAME = re.compile(r"(?<![\w-])image_urls?(?![\w-])")
_ANY_NAME = re.compile(r"[a-z]_[a-z]")  # of a parameter
_ADDRESS = re.compile(r"https?://\S+")  # which may have anything in it
_ABOUT_PICTURE = re.compile(r"(?<![\w-])(?:images?(?! enhancement)|pictures?|data uri|base64)(?![\w-])", re.IGNORECASE)
_ABOUT_RATE = re.compile(r"\brate ?limit|too many requests|slow down", re.IGNORECASE)
_ABOUT_QUEUE = re.compile(r"NoMore|concurren|pending tasks|queue", re.IGNORECASE)


class WebService:
    """One web service, reached with `key` at `url` ("" for what the environment says, then for the service's own
    address).

    Pictures longer than `picture_limit_px` on one side are scaled down, what is neither PNG nor JPEG is converted, and
    what shows nothing is refused, by the Blender that `blender` starts (by default the one that is found). Intermediate
    files go to `folder` (by default a temporary one), and what that Blender prints to log.txt there. `sleep` is called
    instead of sleeping, and with 0 while something is sent; it may raise. `client` is what requests are sent with, by
    default one for `url`. `called` says by parameter what the user calls a picture in `folder`. `for_script` says that
    a script has connected, so that errors name its options and not Blender's preferences.
    """

    about: ClassVar[About]
    away: ClassVar[str] = "check the network and the address in the preferences, or try again later"
    forbidden: ClassVar[tuple[type[ServiceError], str]]
    """What the status 403 means, and what to do."""
    pace_s: ClassVar[tuple[float, float]] = (2.0, 10.0)

    def __init__(
        self,
        *,
        key: str | None = "",
        url: str | None = "",
        network: Network = USUAL,
        picture_limit_px: int = picture.LONGER_SIDE_PX,
        blender: Blender | None = None,
        folder: AnyPath | None = None,
        sleep: Callable[[float], None] = time.sleep,
        client: "Client | None" = None,
        called: Mapping[str, str] = MappingProxyType({}),
        for_script: bool = False,
    ) -> None:
        name, label = self.about.name, self.about.label
        key = key or os.environ.get(access.key_variable(name), "")
        needs_header = self.about.needs_key or key
        self._key = access.header_value(key, name, label, for_script=for_script) if needs_header else ""
        self._enter_key = access.enter_key(name, for_script=for_script)
        self._network = dataclasses.replace(network, is_own=self.about.reach == "own")
        self._picture_limit_px = picture_limit_px
        self._blender = blender
        self._folder = folder_of(folder) if folder else None
        self._sleep = sleep
        self._names = called
        self._picture_notes: list[str] = []
        self._payload: Payload | None = None  # of the create request that is under way
        self._client = client or self._client_at(url or "")

    @property
    def picture_note(self) -> str:
        """See `Service.picture_note`."""
        return " ".join(dict.fromkeys(filter(None, self._picture_notes)))

    def _client_at(self, url: str) -> "Client":
        from ..client import Client

        return Client(
            label=self.about.label,
            url=url or os.environ.get(access.url_variable(self.about.name), "") or self.about.default_url,
            headers=self._key_headers(self._key),
            away=self.away,
            network=self._network,
            check_cancelled=lambda: self._sleep(0.0),
        )

    def create(
        self, parameters: Mapping[str, Any], before_sending: Callable[[], None] = nothing, task_id: str = ""
    ) -> Task:
        """See `Service.create`."""
        require_names(parameters)
        self._payload = None
        return keep_task(
            lambda: self._create(parameters, before_sending, task_id),
            lambda: self._payload is not None and self._payload.sent_whole,
            self.about.label,
            parameters,
        )

    def _create(self, parameters: Mapping[str, Any], before_sending: Callable[[], None], task_id: str) -> Task:
        """Do what `create` does, and have `_payload` be what is sent."""
        raise NotImplementedError

    def check_key(self) -> int | None:
        """See `Service.check_key`."""
        raise NotImplementedError

    def check_ready(self, parameters: Mapping[str, Any]) -> str:
        """Try the key: nothing else is known before a request. See `Service.check_ready`."""
        self.check_key()
        return ""

    def fetch(self, url: str, path: AnyPath, on_progress: Callable[[float], None] = lambda fraction: None) -> None:
        """See `Service.fetch`."""
        from ..download import download

        download(
            url,
            path_of(path, "The file"),
            network=self._network,
            on_progress=on_progress,
            sleep=self._sleep,
            check_cancelled=lambda: self._sleep(0.0),
            named_by=self._client.url,
        )

    @staticmethod
    def _key_headers(key: str) -> dict[str, str]:
        """The headers that hold the key."""
        raise NotImplementedError

    @staticmethod
    def _words(body: Any) -> str:
        """The service's own explanation in the body of a refusal, "" where there is none."""
        raise NotImplementedError

    def _send_create(
        self,
        path: str,
        parameters: Mapping[str, Any],
        fixed: Mapping[str, Any],
        before_sending: Callable[[], None],
        worded: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> "Answer":
        """Check, prepare and send a create request. `worded` turns the parameters that go into it, with pictures as
        addresses and paths, into what the service calls them. Raises as `Service.create` does."""
        values = sent(self.about.parameters, check(self.about.parameters, parameters))
        self._picture_notes = []
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=SCRATCH_PREFIX) as scratch:
            for name in pictures(self.about.parameters):
                if name in values:
                    values[name] = self._prepared(values[name], Path(scratch), name)
            payload = Payload({**worded(values), **fixed}, lambda: self._sleep(0.0))
            before_sending()
            self._payload = payload
            return self._request("POST", path, payload=payload)

    def _prepared(self, source: str, scratch: Path, name: str) -> str | Path:
        """A URL as it is, which the service fetches itself; anything else as a file in a form that the service
        takes."""
        if picture.is_url(source):
            return source
        file = Path(source) if picture.is_path(source) else picture.to_file(source, scratch / name)
        if not os.path.isfile(file):  # also where the name is endless
            raise PictureError(f"There is no picture at {named(file)}: choose one that exists.")
        of_object = (pictures(self.about.parameters)[0], *self.about.views)
        fitted = picture.fit(
            file,
            scratch / f"fitted-{name}",
            lambda: command_of(self._blender),
            called=self._called(source, name),
            limit_px=self._picture_limit_px,
            may_be_flat=name not in of_object,  # of a texture, one color may well be meant
            sleep=self._sleep,
            log=self._folder / LOG if self._folder else None,
        )
        self._picture_notes.append(fitted.note)
        return fitted.file

    def _called(self, source: str, name: str) -> str:
        """What the user calls the picture `source` of the parameter `name`: its file, but for data, and for a job's
        copy in `folder` whose name nobody has told."""
        if name in self._names:
            return named(self._names[name])
        if picture.is_path(source) and Path(source).parent != self._folder:
            return named(Path(source).name)
        if name == pictures(self.about.parameters)[0]:
            return "The picture"
        return next(f"The picture in {entry.label}" for entry in self.about.parameters if entry.name == name)

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Payload | None = None,
        names_task: bool = False,
    ) -> "Answer":
        """Send one request and return the answer with a status of 2xx. Raises `ConnectionFailedError` and
        `ServiceError`.

        `names_task` says whether `path` has the id of a task, which may be what is not found.
        """
        answer = self._client.request(method, path, query=query, payload=payload)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer, names_task)
        return answer

    def _not_understood(self, answer: "Answer") -> UnavailableError:
        return UnavailableError(
            f"{self.about.label} answered with something that is not understood: try again later, or check "
            "the address.",
            request_id=self._request_id(answer),
        )

    @property
    def _secrets(self) -> tuple[str, ...]:
        """What a service may repeat, and must not be seen in what it says."""
        return self._key, self._network.proxy

    def _own_words(self, body: Any) -> str:
        """What the service says, fit for a sentence: one line, not endless, without our key."""
        return clean(self._words(body), secrets=self._secrets).rstrip(". ")

    def _request_id(self, answer: "Answer") -> str:
        """What the service calls the request in its own logs; a gateway may put anything there, our key as well."""
        return clean(answer.request_id, ID_AT_MOST, self._secrets)

    def _task_id(self, value: object) -> str:
        """Return `value` where it can be the id of a task, else ""."""
        return task_id(value, self._secrets)

    def _offered(self, names: Iterable[str]) -> str:
        """The formats that a service names, as a list in a sentence; "" for none."""
        cleaned = list(filter(None, (clean(name, NAME_AT_MOST, self._secrets) for name in names)))
        return ", ".join(cleaned[:NAMES_AT_MOST]) + (" and others" if len(cleaned) > NAMES_AT_MOST else "")

    def _refusal(self, answer: "Answer", names_task: bool) -> ServiceError:
        """What an answer with another status than 2xx means for the user."""
        label, status, words = self.about.label, answer.status, self._own_words(answer.body)
        said = f" ({words})" if words else ""
        kind, sentence = self._meaning(status, words, answer.retry_after_s)
        if kind is GoneError and not names_task:
            kind, sentence = RefusedError, "{label} is not at this address{said}: check the address in the preferences."
        return kind(
            sentence.format(label=label, said=said, enter=self._enter_key),
            status=status,
            request_id=self._request_id(answer),
            retry_after_s=answer.retry_after_s,
        )

    def _meaning(self, status: int, words: str, retry_after_s: float | None) -> tuple[type[ServiceError], str]:
        """The kind of a refusal, and its sentence, with {label} for the service, {said} for its own
        words, and {enter} for where a key goes."""
        if status in _MEANINGS:
            return _MEANINGS[status]
        if status == 404:
            sentence = "{label} does not know the task, or does not keep it any longer{said}: generate it again"
            return GoneError, f"{sentence}, which costs again." if self.about.is_paid else f"{sentence}."
        if status == 403:
            return self.forbidden
        if status == 429 and _ABOUT_QUEUE.search(words):
            return QueueFullError, "{label} works on as many tasks as the account may have: wait until one has ended."
        is_too_busy = status == 503 and retry_after_s is not None
        if status == 429 or is_too_busy or (status == 400 and _ABOUT_RATE.search(words)):
            return RateLimitError, "{label} is busy{said}: wait a moment, then try again."
        # A redirect may follow on a request that was carried out; 408 and 499 are a gateway's words, which cannot know.
        if 300 <= status < 400:
            return UnavailableError, "The address of {label} leads to another one: check it in the preferences."
        if status >= 500 or status < 200 or status in (408, 499):
            return UnavailableError, "{label} has a trouble of its own{said}: try again later."
        if _ABOUT_MODERATION.search(words):
            return ModerationError, "The moderation of {label} blocked the picture or the prompt{said}: use another."
        if status == 413:
            return PictureRefusedError, "{label} does not take a picture as large as this{said}: use a smaller one."
        if _is_about_picture(words):
            return (
                PictureRefusedError,
                "{label} cannot use the picture{said}: use another, or save it anew as PNG or JPEG.",
            )
        return RefusedError, "{label} does not accept the request{said}: change the parameters."


_MEANINGS: dict[int, tuple[type[ServiceError], str]] = {
    401: (KeyRefusedError, "{label} does not accept the API key{said}: {enter}."),
    402: (NoCreditsError, "The account at {label} has too few credits{said}: buy some, or choose cheaper parameters."),
}


def _is_about_picture(words: str) -> bool:
    """Whether a refusal is the picture's fault: not where it names another parameter, whatever image is in that."""
    words = _ADDRESS.sub("", words)
    return bool(_PICTURE_NAME.search(words) or (_ABOUT_PICTURE.search(words) and not _ANY_NAME.search(words)))


def is_in_window(age: float, age_s: float) -> bool:
    """Whether a task made `age` seconds ago may come from a request that was begun `age_s` seconds ago."""
    return age_s - CREATE_WINDOW_S <= age <= age_s + SLACK_S and age >= -SLACK_S


def web_address(value: Any) -> str:
    """Return `value` where it looks like an address; "" for what services write where there is none ("", null,
    nothing).

    Whether it may be asked is judged where it is asked (`connection.require_allowed`).
    """
    is_one = isinstance(value, str) and len(value) <= ADDRESS_AT_MOST and picture.is_url(value) and value.isprintable()
    return value if is_one else ""


def text(value: Any) -> str:
    """Return `value` where it is a text, else "": where services write a word, JSON may hold anything."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> float:
    """Return `value` where it is a number, else 0: fields may be absent or null, and JSON knows numbers that nobody
    counts to."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < MOST:
        return 0.0
    return float(value)
