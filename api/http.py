# SPDX-License-Identifier: GPL-3.0-or-later
"""What every connection has in common: which may be made, proxy, time limits, errors as sentences. Knows no service.

The only module that sends anything. A key travels in the headers of a `Client` and goes to that client's own host alone:
a client follows no redirect, and everything else is fetched with `get()`, which has no key to give away. Nothing is ever
unpacked: no answer is asked for compressed, and one that comes so all the same is not read.
"""

import contextlib
import email.utils
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.auth import AuthBase

from . import address
from .address import Address
from .body import Body
from .errors import (
    AnswerLostError,
    CertificateError,
    ConnectionFailedError,
    DownloadError,
    NoKeyError,
    OfflineError,
    ProxyError,
    ServiceAwayError,
)
from .network import USUAL, Network
from .task import CREATE_WINDOW_S, nothing
from .trust import WatchedAdapter
from .watch import Watch

PIECE_BYTES = 1 << 18  # of an answer at once, at most; larger ones are not faster
LEAST_PIECE_BYTES = 1 << 12
PIECE_S = 0.1  # what a piece may take before the next is smaller
LINE_BYTES = 4 << 20  # of a stream of events; those of Meshy have a few thousand
REDIRECTS_AT_MOST = 5
ANSWER_BYTES = 8 << 20  # a list of 50 tasks is about 0.2 MB; more than this is no answer of a service
FILE_S = 3600.0  # for a whole file; as long as a task may take

CLOCKS_APART_S = 10 * 366 * 86_400.0  # ten years; with clocks further apart, no certificate would be trusted
RETRY_AFTER_AT_MOST_S = 86_400.0  # a day; whoever waits has limits of their own, see `waiting`

Wait = Callable[[float], None]
"""Waits so many seconds; may raise, to end what is waited for."""

CheckCancelled = Callable[[], None]
"""Asks whether to go on; may raise, to end what is under way. Called several times a second, whatever the other side does."""


def require_allowed(url: str, network: Network, named_by: Address | None = None) -> Address:
    """Return the address that `url` is. Raises `OfflineError` or `DownloadError` where no connection to it may be made: https only,
    except on this machine.

    Of what another host names (`named_by`: in an answer, or by a redirect) nothing is used that is nearer to this machine than that
    host is: a stranger could have the user's own devices asked for anything.
    """
    found = address.read(url)
    if named_by and found.reach < named_by.reach:
        where = "on this machine" if found.reach is address.Reach.THIS_MACHINE else "in a private network"
        raise DownloadError(f"{named_by.host} leads to an address {where} ({found.host}), which is not used.")
    if found.is_loopback:
        return found
    if not network.online:
        raise OfflineError("Online access is off: turn on Allow Online Access in Blender's preferences, under System.")
    if found.scheme != "https":
        where = f" on {found.host}" if found.host else ""
        raise DownloadError(f"The address{where} is not safe: only addresses that begin with https:// are used.")
    return found


@dataclass(frozen=True)
class Opened:
    """An answer whose body has still to be read."""

    status: int
    headers: Mapping[str, str]
    _raw: urllib3.HTTPResponse
    _watch: Watch

    @property
    def redirect(self) -> str:
        """Where a redirect leads, "" for anything else."""
        return self.headers.get("Location", "") if self.status in (301, 302, 303, 307, 308) else ""

    @property
    def is_compressed(self) -> bool:
        """Whether the body is packed, which nobody asked for."""
        return self.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity")

    def pieces(self) -> Iterator[bytes]:
        """Give the body as it came. Raises `requests.exceptions.RequestException` where the connection breaks or a limit is passed.

        A piece that breaks off is lost, so they are as large as the line is fast.
        """
        size = LEAST_PIECE_BYTES
        try:
            began_s = time.perf_counter()
            while piece := self._raw.read(size, decode_content=False):
                self._watch.next_step()
                is_fast = time.perf_counter() - began_s < PIECE_S
                size = min(size * 2, PIECE_BYTES) if is_fast else max(size // 2, LEAST_PIECE_BYTES)
                yield piece
                began_s = time.perf_counter()
            if self._raw.length_remaining:  # urllib3 1.26.8 (Blender 4.2) takes a short answer for a whole one
                raise OSError("the connection has ended before the answer")
        except _BROKEN as error:
            raise requests.exceptions.ConnectionError(str(error)) from error

    def lines(self, silence_s: float) -> Iterator[str]:
        """Give the lines of a stream as they come; end with it, or when it has been silent for so long. Raises as `pieces` does."""
        self._watch.expect_stream(silence_s)
        # What comes in chunks is given chunk by chunk; of anything else nobody knows how much is there before it is asked for.
        size = PIECE_BYTES if self._raw.chunked else 1
        line = bytearray()
        try:
            for piece in self._raw.stream(size, decode_content=False):
                self._watch.next_step()
                *ended, rest = piece.split(b"\n")
                for end in ended:
                    line += end
                    yield line.rstrip(b"\r").decode("utf-8", "replace")
                    line.clear()
                line += rest
                if len(line) > LINE_BYTES:
                    raise requests.exceptions.ConnectionError("a line without end")
        except _BROKEN as error:
            if not self._watch.is_silent:
                raise requests.exceptions.ConnectionError(str(error)) from error


_BROKEN = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
"""What reading an answer raises that is none."""


@contextmanager
def get(
    url: str,
    *,
    network: Network = USUAL,
    headers: Mapping[str, str] | None = None,
    check_cancelled: CheckCancelled = nothing,
    named_by: str = "",
) -> Iterator[Opened]:
    """Open `url` for reading in pieces, without any key, following up to five redirects.

    `named_by` is the address of the service that named `url`, "" where the user did. Raises `ConnectionFailedError`, also where the
    connection breaks while it is read, `OfflineError`, and `DownloadError` where the address or a redirect is
    not allowed, or what comes is compressed.
    """
    origin = address.read(named_by) if named_by else None
    here, found = url, require_allowed(url, network, origin)
    for _ in range(REDIRECTS_AT_MOST + 1):
        watch = _watch(network, check_cancelled)
        try:
            with (
                _session(found, network, {}, watch) as session,
                _send(session, "GET", here, watch, network, headers=headers) as opened,
            ):
                if not opened.redirect:
                    if opened.is_compressed:
                        raise DownloadError(
                            f"{found.host} sends its answer compressed, which it was not asked for: retry later."
                        )
                    watch.expect_file(FILE_S, network.answer_s)
                    yield opened
                    return
                there = _target(here, opened.redirect, found)
        except requests.exceptions.RequestException as error:
            what = f"{watch.trouble}: check the network, or retry later"
            if not watch.trouble:
                what = "cannot be reached: check the network"
            raise _translated(error, found, f"{found.host}{_or_proxy(watch)} {what}.") from error
        here, found = there, require_allowed(there, network, found)
    raise DownloadError(f"{found.host} leads from one address to the next without end: check the address.")


@dataclass(frozen=True)
class Answer:
    """An answer of a service, read to its end. `body` is its JSON, None where it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any
    received: float = field(default_factory=time.time)

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")

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

    `away` is what a user may try where the service cannot be reached. `check_cancelled` is called several times a second while a request is under way,
    and may raise to end it; not while the answer to a create request is awaited, as that is the id of what is paid for.
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
    ) -> None:
        self._label = label
        self._url = url.rstrip("/")
        self._headers = headers
        self._away = away
        self._network = network
        self._check_cancelled = check_cancelled
        self._address = require_allowed(self._url, network)

    @property
    def url(self) -> str:
        """The address of the service, without the path of a request."""
        return self._url

    def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Body | None = None
    ) -> Answer:
        """Send one request and read the answer, whatever its status. Never repeats.

        Raises `AnswerLostError` where all of `body` was sent and no answer came; any other `ConnectionFailedError` means that
        the service cannot have acted on the request: it never had the whole of it.
        """
        watch = (
            _watch(self._network, self._check_cancelled)
            if body is None
            else _create_watch(self._network, self._check_cancelled, body)
        )
        try:
            with self._open(method, path, watch, query=query, body=body) as opened:
                try:
                    return Answer(opened.status, opened.headers, _json(opened))
                except requests.exceptions.RequestException:
                    if 200 <= opened.status < 300:
                        raise
                    return Answer(
                        opened.status, opened.headers, None
                    )  # a refusal is one, also where its words do not arrive
        except requests.exceptions.RequestException as error:
            if body is not None and body.sent_whole:
                raise AnswerLostError(
                    f"{self._label} did not answer, and may have made a task: look there before you ask for another."
                ) from error
            raise self._away_error(error, watch) from error

    @contextmanager
    def events(self, path: str, wait: Wait, *, quiet_s: float) -> Iterator[Iterator[str] | None]:
        """Open a stream of events (text/event-stream) and give its lines, until it has been silent for `quiet_s`; None where the service
        answers anything else. `wait(0)` is called several times a second, whatever comes.

        Raises `ConnectionFailedError`, also while the lines are read.
        """
        watch = _watch(self._network, lambda: wait(0.0))
        try:
            with self._open("GET", path, watch, accept="text/event-stream") as opened:
                is_stream = opened.headers.get("Content-Type", "").startswith("text/event-stream")
                is_usable = opened.status == 200 and is_stream and not opened.is_compressed
                yield opened.lines(quiet_s) if is_usable else None
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
        body: Body | None = None,
        accept: str = "application/json",
    ) -> Iterator[Opened]:
        # The end of a stream is seen even where the last event came with the one before it: as the end of the connection.
        headers = {"Accept": accept, "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        # A session of its own for each request: a connection kept from before may be dead, and a request lost on it is not
        # told apart from one whose answer was lost.
        with (
            _session(self._address, self._network, self._headers, watch) as session,
            _send(
                session, method, f"{self._url}{path}", watch, self._network, params=query, data=body, headers=headers
            ) as opened,
        ):
            yield opened

    def _away_error(self, error: requests.exceptions.RequestException, watch: Watch) -> ConnectionFailedError:
        what = watch.trouble or "cannot be reached"
        sentence = f"{self._label}{_or_proxy(watch)} {what} at {self._address.host}: {self._away}."
        return _translated(error, self._address, sentence, ServiceAwayError)


def _watch(network: Network, check_cancelled: CheckCancelled) -> Watch:
    """For what costs nothing."""
    return Watch(
        check_cancelled,
        connect_s=network.connect_s,
        send_s=network.read_s,
        sending_s=network.answer_s,
        silence_s=network.read_s,
        answer_s=network.answer_s,
    )


def _create_watch(network: Network, check_cancelled: CheckCancelled, body: Body) -> Watch:
    """For a create request: the answer is awaited to the end, as it is the id of what is paid for."""
    return Watch(
        lambda: None if body.sent_whole else check_cancelled(),
        connect_s=network.connect_s,
        send_s=network.read_s,
        sending_s=CREATE_WINDOW_S,
        silence_s=network.create_s,
        answer_s=network.create_s,
    )


@contextmanager
def _send(
    session: requests.Session, method: str, url: str, watch: Watch, network: Network, **options: Any
) -> Iterator[Opened]:
    """Send one request and give its answer. Follows nothing, and reads no body by itself (as requests does with that of a redirect)."""
    options["headers"] = {**(options["headers"] or {}), "Accept-Encoding": "identity"}
    try:
        prepared = session.prepare_request(requests.Request(method, url, **options))
        require_allowed(prepared.url or "", network)  # in the form in which it is sent
        # The session's proxies are named again: requests lets those of the environment go before them, not before these.
        settings = session.merge_environment_settings(prepared.url, session.proxies, True, None, None)
        watch.has_proxy = bool(requests.utils.select_proxy(prepared.url or "", settings["proxies"]))
        response = session.get_adapter(prepared.url or "").send(
            prepared,
            timeout=(network.connect_s, network.create_s),  # the watch ends everything before
            stream=True,
            verify=settings["verify"] or True,
            cert=settings["cert"],
            proxies=settings["proxies"],
        )
    except requests.exceptions.RequestException:
        raise
    except (*_NOT_SENT, ValueError) as error:  # an address that is none gets past requests
        raise requests.exceptions.InvalidURL(str(error)) from error
    except OSError as error:  # how requests says that a bundle of certificates is not there
        raise CertificateError(f"{str(error).rstrip('.')}: check REQUESTS_CA_BUNDLE in the environment.") from error
    with response:
        watch.next_step()
        yield Opened(response.status_code, response.headers, response.raw, watch)


_NOT_SENT = (urllib3.exceptions.HTTPError, http.client.HTTPException)


def _translated(
    error: requests.exceptions.RequestException,
    found: Address,
    sentence: str,
    kind: type[ConnectionFailedError] = ConnectionFailedError,
) -> ConnectionFailedError:
    """Return what a failed connection to `found` means for the user: proxy, certificate, else `kind` with `sentence`."""
    is_proxy = isinstance(error, (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL))
    if is_proxy or "SOCKS" in str(error):  # which needs a module that Blender does not have
        return ProxyError("The proxy cannot be used: check its address in the preferences or in the environment.")
    # Other troubles of TLS, as a connection that breaks while it is made, may be over when asked again.
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return CertificateError(
            f"The certificate of {found.host} is not trusted: if your network has a certificate of its own, "
            "choose its file in the preferences."
        )
    return kind(sentence)


def _or_proxy(watch: Watch) -> str:
    """What a sentence adds to the name of a host, where nobody can tell whether it was that or the proxy before it."""
    return " or the proxy" if watch.has_proxy else ""


def header_value(key: str, label: str, variable: str) -> str:
    """Return the API key as it goes into a header. Raises `NoKeyError` where there is none, or none that could be one."""
    key = key.strip()
    if not key:
        raise NoKeyError(f"{label} needs an API key: enter it in the preferences of Image to 3D, or set {variable}.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise NoKeyError(f"The API key for {label} holds characters that no key has: copy it again.")
    return key


class _Headers(AuthBase):
    """Sets the headers with the key. As requests' "auth" it also keeps requests from adding a password out of a .netrc file."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _session(found: Address, network: Network, headers: Mapping[str, str], watch: Watch) -> requests.Session:
    """A session for one request to `found`. What stays on this machine goes through no proxy: neither would that be being offline,
    nor may a key leave in clear text."""
    session = requests.Session()
    session.auth = _Headers(headers)
    session.headers["User-Agent"] = "image_to_3d"
    adapter = WatchedAdapter(network.ca_file, watch)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if found.is_loopback:
        session.proxies = {"http": "", "https": ""}
    elif network.proxy:
        if not _is_proxy(network.proxy):
            raise ProxyError(
                "The proxy is no address: check its address in the preferences, which is like http://proxy:3128."
            )
        session.proxies = {"http": network.proxy, "https": network.proxy}
    return session


def _json(opened: Opened) -> Any:
    if opened.is_compressed:
        return None
    content = bytearray()
    for piece in opened.pieces():
        content += piece
        if len(content) > ANSWER_BYTES:
            return None
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
    except (
        TypeError,
        ValueError,
        IndexError,
        OverflowError,
        OSError,
    ):  # the last three: years and zones that nobody counts to
        return None


def _is_proxy(url: str) -> bool:
    try:
        address.read(re.sub(r"^socks5h?:", "http:", url, flags=re.IGNORECASE))
    except DownloadError:
        return False
    return True


def _target(here: str, location: str, found: Address) -> str:
    """Where a redirect leads."""
    with contextlib.suppress(UnicodeError):  # http.client reads headers as Latin-1; what is no ASCII is UTF-8 mostly
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(here, location)
    except ValueError:
        raise DownloadError(f"{found.host} leads to something that is no address: retry later.") from None
