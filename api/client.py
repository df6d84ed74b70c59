# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of a service: one request, one answer, and the key in the headers. Never repeats a request, and follows no
redirect.

The key goes to the client's own host alone. Everything else is fetched with `connection.get()`, which has no key.
"""

import email.utils
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import requests

from .connection import (
    FILE_S,
    CheckCancelled,
    Opened,
    or_proxy,
    require_allowed,
    send,
    translated,
    usual_watch,
)
from .errors import AnswerLostError, ConnectionFailedError, DownloadError, ServiceAwayError
from .events import Event, events_of
from .multipart import Form
from .network import Network
from .payload import Payload
from .task import CREATE_WINDOW_S, nothing
from .watch import Watch
from .words import is_web_page

ANSWER_BYTES = 8 << 20  # a list of 50 tasks is about 0.2 MB; more than this is no answer of a service
CLOCKS_APART_S = 10 * 366 * 86_400.0  # ten years; with clocks further apart, no certificate would be trusted
RETRY_AFTER_AT_MOST_S = 86_400.0  # a day; whoever waits has limits of their own, see `waiting`

Wait = Callable[[float], None]
"""Waits so many seconds; may raise, to end what is waited for."""


@dataclass(frozen=True)
class Answer:
    """An answer of a service, read to its end. `body` is its JSON, None where it is none, and `length` how many bytes
    came; `is_page` is whether a web page came instead."""

    status: int
    headers: Mapping[str, str]
    body: Any
    received: float = field(default_factory=time.time)
    is_page: bool = False
    length: int = 0

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")

    @property
    def is_endless(self) -> bool:
        """Whether more came than any service answers, so that nothing of it was kept."""
        return self.length > ANSWER_BYTES

    @property
    def retry_after_s(self) -> float | None:
        """The pause that the service asks for (RFC 9110, 10.2.3: seconds or a date), None where it does not."""
        text = self.headers.get("Retry-After", "").strip()
        if re.fullmatch(r"[0-9]{1,300}", text):
            return min(float(text), RETRY_AFTER_AT_MOST_S)
        date = _seconds(text)
        return None if date is None else min(max(0.0, date - self.server_time), RETRY_AFTER_AT_MOST_S)

    @property
    def server_time(self) -> float:
        """When the service answered by its own clock, in seconds since 1970: ours may be wrong, but not by decades."""
        date = _seconds(self.headers.get("Date", ""))
        return date if date is not None and abs(date - self.received) <= CLOCKS_APART_S else self.received


class Client:
    """Connections to one service, which is called `label`; `headers` hold its key and go nowhere else.

    `away` is what a user may try where the service cannot be reached, `absent` the whole sentence where nothing at all
    answers there ("" for the usual one). `check_cancelled` is called several times a second while a request is under
    way, and may raise to end it; not while the answer to a create request is awaited, as that is the id of what is paid
    for.
    """

    def __init__(
        self,
        *,
        label: str,
        url: str,
        headers: Mapping[str, str],
        away: str,
        network: Network,
        check_cancelled: CheckCancelled = nothing,
        absent: str = "",
    ) -> None:
        self._label = label
        self._url = url.rstrip("/")
        self._headers = headers
        self._away = away
        self._absent = absent
        self._network = network
        self._check_cancelled = check_cancelled
        self._address = require_allowed(self._url, network)

    @property
    def url(self) -> str:
        """The address of the service, without the path of a request."""
        return self._url

    @property
    def quiet_s(self) -> float:
        """How long what goes on coming may say nothing, in seconds (`Network.quiet_s`)."""
        return self._network.quiet_s

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Payload | Form | None = None,
        makes_nothing: bool = False,
    ) -> Answer:
        """Send one request and read the answer, whatever its status. Never repeats.

        Raises `AnswerLostError` where all of `payload` was sent and no answer came; any other `ConnectionFailedError`
        means that the service cannot have acted on the request: it never had the whole of it. What `makes_nothing` may
        be sent again whatever became of it, so nothing counts as lost.
        """
        if payload is None:
            watch = usual_watch(self._network, self._check_cancelled)
        elif makes_nothing:
            watch = usual_watch(self._network, self._check_cancelled, sending_s=CREATE_WINDOW_S)
        else:
            watch = _create_watch(self._network, self._check_cancelled, payload)
        try:
            with self._open(method, path, watch, query=query, payload=payload) as opened:
                try:
                    content, length = _content(opened)
                    return Answer(
                        opened.status,
                        opened.headers,
                        _json(content),
                        is_page=is_web_page(content),
                        length=length,
                    )
                except requests.exceptions.RequestException:
                    if 200 <= opened.status < 300:
                        raise
                    return Answer(
                        opened.status, opened.headers, None
                    )  # a refusal is one, also where its words do not arrive
        except requests.exceptions.RequestException as error:
            if payload is not None and payload.sent_whole and not makes_nothing:
                raise AnswerLostError(
                    f"{self._label} did not answer, and may have made a task: look there before you ask for another."
                ) from error
            raise self._away_error(error, watch) from error

    @contextmanager
    def events(self, path: str, wait: Wait) -> Iterator[Iterator[Event] | None]:
        """Open a stream of events (text/event-stream) and give its events, until it falls silent (`Network.quiet_s`);
        None where the service answers anything else. `wait(0)` is called several times a second, whatever comes.

        Raises `ConnectionFailedError`, also while the events are read.
        """
        with self.listen(path, wait, {"Accept": "text/event-stream"}) as opened:
            is_stream = opened.headers.get("Content-Type", "").startswith("text/event-stream")
            is_usable = opened.status == 200 and is_stream and not opened.is_compressed
            yield events_of(opened, self.quiet_s) if is_usable else None

    @contextmanager
    def listen(self, path: str, wait: Wait, headers: Mapping[str, str]) -> Iterator[Opened]:
        """Ask for something that goes on coming, with these headers beside the usual ones, and give the answer unread.
        `wait(0)` is called several times a second, whatever comes.

        Raises `ConnectionFailedError`, also where `requests.exceptions.RequestException` comes from reading on.
        """
        watch = usual_watch(self._network, lambda: wait(0.0))
        try:
            with self._open("GET", path, watch, headers=headers) as opened:
                yield opened
        except requests.exceptions.RequestException as error:
            raise self._away_error(error, watch) from error

    @contextmanager
    def file(self, url: str, headers: Mapping[str, str]) -> Iterator[Opened]:
        """Open a file of the service's own for reading in pieces, with the key. Follows nothing.

        Raises `ConnectionFailedError`, also while it is read, and `DownloadError` where `url` is not of this service,
        or what comes is compressed.
        """
        if not url.startswith(f"{self._url}/"):
            raise DownloadError(f"The file is not at the address of {self._label}, where it should be: retry.")
        watch = usual_watch(self._network, self._check_cancelled)
        path = url.removeprefix(self._url)
        try:
            with self._open("GET", path, watch, headers={"Accept": "*/*", **headers}) as opened:
                if opened.is_compressed:
                    raise DownloadError(
                        f"{self._label} sends the file compressed, which it was not asked for: retry later."
                    )
                watch.expect_file(FILE_S, self._network.answer_s)
                yield opened
        except requests.exceptions.RequestException as error:
            raise self._away_error(error, watch) from error

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        watch: Watch,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Payload | Form | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[Opened]:
        # The end of a stream is seen even where the last event came with the one before it: as the connection's end.
        headers = {"Accept": "application/json", "Connection": "close", **headers}
        if payload is not None:
            headers["Content-Type"] = payload.media_type
        # A connection of its own for each request: one kept from before may be dead, and a request lost on it is not
        # told apart from one whose answer was lost.
        with send(
            method,
            f"{self._url}{path}",
            self._network,
            watch,
            headers=headers,
            key_headers=self._headers,
            params=query,
            data=payload,
        ) as opened:
            yield opened

    def _away_error(self, error: requests.exceptions.RequestException, watch: Watch) -> ConnectionFailedError:
        what = watch.trouble or "cannot be reached"
        sentence = f"{self._label}{or_proxy(watch)} {what} at {self._address.host}: {self._away}."
        if self._absent and not watch.trouble and not watch.has_proxy:
            sentence = self._absent
        return translated(error, self._address, sentence, ServiceAwayError)


def _create_watch(network: Network, check_cancelled: CheckCancelled, payload: Payload | Form) -> Watch:
    """For a create request: the answer is awaited to the end, as it is the id of what is paid for."""
    return Watch(
        lambda: None if payload.sent_whole else check_cancelled(),
        connect_s=network.connect_s,
        send_s=network.read_s,
        sending_s=CREATE_WINDOW_S,
        silence_s=network.create_s,
        answer_s=network.create_s,
    )


def _content(opened: Opened) -> tuple[bytes, int]:
    """The whole body, b"" where it is not to be read, or has no end; and how many bytes have come."""
    if opened.is_compressed:
        return b"", 0
    content = bytearray()
    for piece in opened.pieces():
        content += piece
        if len(content) > ANSWER_BYTES:
            return b"", len(content)
    return bytes(content), len(content)


def _json(content: bytes) -> Any:
    try:
        try:
            return json.loads(content)
        except UnicodeDecodeError:  # one text in it was cut in the middle of a letter
            return json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _seconds(date: str) -> float | None:
    """An HTTP date in seconds since 1970, None where it is none."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError, OSError):
        # The last three: years and zones that nobody counts to.
        return None
