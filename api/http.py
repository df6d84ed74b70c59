# SPDX-License-Identifier: GPL-3.0-or-later
"""What every connection has in common: which may be made, trust, proxy, time limits, errors as sentences. Knows no service.

The only module that imports requests. A key travels in the headers of a `Client` and goes to that client's own host alone:
a client follows no redirect, and everything else is fetched with `get()`, which has no key to give away.
"""

import email.utils
import functools
import json
import os
import select
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

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
from .network import USUAL, Network, is_loopback

LOOK_S = 0.25  # how often `lines` asks its caller whether to go on
PIECE_BYTES = 1 << 18  # a piece that breaks off is lost; larger ones are not faster
REDIRECTS_AT_MOST = 5
ANSWER_BYTES = 32 << 20  # a list of 50 tasks is about 0.2 MB; more than this is no answer of a service

# Where Linux distributions keep the system's certificates: Blender's own OpenSSL was built to look elsewhere.
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

Wait = Callable[[float], None]
"""Waits so many seconds; may raise, to end what is waited for."""


def require_allowed(url: str, network: Network) -> None:
    """Raise `OfflineError` or `DownloadError` where no connection to `url` may be made: https only, except on this machine."""
    if is_loopback(url):
        return
    if not network.online:
        raise OfflineError("Online access is off: turn on Allow Online Access in Blender's preferences, under System.")
    if _scheme(url) != "https":
        raise DownloadError(
            f"The address on {_host(url)} is not safe: only addresses that begin with https:// are used."
        )


@contextmanager
def get(url: str, *, network: Network = USUAL, headers: Mapping[str, str] | None = None) -> Iterator[requests.Response]:
    """Open `url` for reading in pieces, without any key, following up to five redirects.

    Raises `ConnectionFailedError`, also where the connection breaks while it is read, `OfflineError`, and `DownloadError` where
    the address or a redirect is not allowed.
    """
    here = url
    try:
        with _session(url, network, {}) as session:
            for _ in range(REDIRECTS_AT_MOST + 1):
                require_allowed(here, network)
                with _send(
                    session, "GET", here, headers=headers, timeout=(network.connect_s, network.read_s)
                ) as response:
                    if not response.is_redirect:
                        yield response
                        return
                    there = _target(here, response.headers["Location"])
                if is_loopback(there) and not is_loopback(url):
                    raise DownloadError(f"{_host(here)} leads to an address on this machine, which is not used.")
                here = there
    except requests.exceptions.RequestException as error:
        raise _translated(error, here, f"{_host(here)} cannot be reached: check the network.") from error
    raise DownloadError(f"{_host(url)} leads from one address to the next without end: check the address.")


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
        if text.isdecimal():
            return float(text)
        date = _seconds(text)
        return None if date is None else max(0.0, date - self.server_time)

    @property
    def server_time(self) -> float:
        """When the service answered by its own clock, in seconds since 1970: ours may be wrong."""
        return _seconds(self.headers.get("Date", "")) or self.received


class Client:
    """Connections to one service, which is called `label`; `headers` hold its key and go nowhere else.

    `away` is what a user may try where the service cannot be reached.
    """

    def __init__(self, *, label: str, url: str, headers: Mapping[str, str], away: str, network: Network) -> None:
        self._label = label
        self._url = url.rstrip("/")
        self._headers = headers
        self._away = away
        self._network = network
        require_allowed(self._url, network)

    def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Body | None = None
    ) -> Answer:
        """Send one request and read the answer, whatever its status. Never repeats.

        Raises `AnswerLostError` where all of `body` was sent and no answer came; any other `ConnectionFailedError` means that
        the service cannot have acted on the request: it never had the whole of it.
        """
        try:
            with self._open(method, path, query=query, body=body) as response:
                return Answer(response.status_code, response.headers, _json(response))
        except requests.exceptions.RequestException as error:
            if body is not None and body.sent_whole:
                raise AnswerLostError(
                    f"{self._label} did not answer, and may have made a task: look there before you ask for another."
                ) from error
            raise self._away_error(error) from error

    @contextmanager
    def events(self, path: str, wait: Wait, *, quiet_s: float) -> Iterator[Iterator[str] | None]:
        """Open a stream of events (text/event-stream) and give its lines; None where the service answers anything else.

        Raises `ConnectionFailedError`, also while the lines are read.
        """
        try:
            with self._open("GET", path, accept="text/event-stream") as response:
                is_stream = response.headers.get("Content-Type", "").startswith("text/event-stream")
                yield _lines(response, wait, quiet_s) if response.ok and is_stream else None
        except requests.exceptions.RequestException as error:
            raise self._away_error(error) from error

    @contextmanager
    def _open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Body | None = None,
        accept: str = "application/json",
    ) -> Iterator[requests.Response]:
        # The end of a stream is seen even where the last event came with the one before it: as the end of the connection.
        headers = {"Accept": accept, "Accept-Encoding": "identity", "Connection": "close"}
        read_s = self._network.read_s
        if body is not None:
            headers["Content-Type"] = "application/json"
            read_s = self._network.create_s
        # A session of its own for each request: a connection kept from before may be dead, and a request lost on it is not
        # told apart from one whose answer was lost.
        with (
            _session(self._url, self._network, self._headers) as session,
            _send(
                session,
                method,
                f"{self._url}{path}",
                params=query,
                data=body,
                headers=headers,
                timeout=(self._network.connect_s, read_s),
            ) as response,
        ):
            yield response

    def _away_error(self, error: requests.exceptions.RequestException) -> ConnectionFailedError:
        sentence = f"{self._label} cannot be reached at {_host(self._url)}: {self._away}."
        return _translated(error, self._url, sentence, ServiceAwayError)


def _send(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    try:
        # The session's proxies are named again: requests lets those of the environment go before them, not before these.
        return session.request(method, url, stream=True, allow_redirects=False, proxies=session.proxies, **options)
    except requests.exceptions.RequestException:
        raise
    except (
        urllib3.exceptions.HTTPError,
        ValueError,
    ) as error:  # an address that is none gets past requests, also as a redirect
        raise requests.exceptions.InvalidURL(str(error)) from error
    except OSError as error:  # how requests says that a bundle of certificates is not there
        raise CertificateError(f"{str(error).rstrip('.')}: check REQUESTS_CA_BUNDLE in the environment.") from error


def _translated(
    error: requests.exceptions.RequestException,
    url: str,
    sentence: str,
    kind: type[ConnectionFailedError] = ConnectionFailedError,
) -> ConnectionFailedError:
    """Return what a failed connection to `url` means for the user: proxy, certificate, else `kind` with `sentence`."""
    is_proxy = isinstance(error, (requests.exceptions.ProxyError, requests.exceptions.InvalidProxyURL))
    if is_proxy or "SOCKS" in str(error):  # which needs a module that Blender does not have
        return ProxyError("The proxy cannot be used: check its address in the preferences or in the environment.")
    # Other troubles of TLS, as a connection that breaks while it is made, may be over when asked again.
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return CertificateError(
            f"The certificate of {_host(url)} is not trusted: if your network has a certificate of its own, "
            "choose its file in the preferences."
        )
    return kind(sentence)


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


class _TrustingAdapter(HTTPAdapter):
    """Trusts what the system trusts, what requests brings along, and the user's own file."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=_trust(self._ca_file))

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=_trust(self._ca_file))


@functools.cache
def _trust(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()  # the system's store, where this Python finds it; honours SSL_CERT_FILE
    # Certificates of company proxies are seldom strict X.509, which Python asks for since 3.13.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    for bundle in SYSTEM_BUNDLES:
        if os.path.exists(bundle):
            context.load_verify_locations(bundle)
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError:  # ssl.SSLError is one
            raise CertificateError(
                f"The certificate file {ca_file} cannot be read: choose a file in PEM format in the preferences."
            ) from None
    return context


def _session(url: str, network: Network, headers: Mapping[str, str]) -> requests.Session:
    """A session for requests to `url`. What stays on this machine goes through no proxy: neither would that be being offline,
    nor may a key leave in clear text."""
    session = requests.Session()
    session.auth = _Headers(headers)
    session.headers["User-Agent"] = "image_to_3d"
    session.mount("https://", _TrustingAdapter(network.ca_file))
    if is_loopback(url):
        session.proxies = {"http": "", "https": ""}
    elif network.proxy:
        if not _is_address(network.proxy):
            raise ProxyError(
                "The proxy is no address: check its address in the preferences, which is like http://proxy:3128."
            )
        session.proxies = {"http": network.proxy, "https": network.proxy}
    return session


def _lines(response: requests.Response, wait: Wait, quiet_s: float) -> Iterator[str]:
    """Give the lines of a stream as they come; end with it, or when it has been silent for `quiet_s`.

    Never blocks between two events, so that `wait` is asked often enough. Of two events in one packet it gives the second only when
    more comes, or the end: whoever listens also asks in the ordinary way after a silence.
    """
    content = response.iter_content(1)  # a byte at a time: a larger read would wait for bytes that are not there yet
    line, quiet = b"", 0.0
    while quiet < quiet_s:
        # What came with its length is closed at its end, and cannot be waited for.
        if not response.raw.closed and not select.select([response.raw], [], [], LOOK_S)[0]:
            quiet += LOOK_S
            wait(0.0)
            continue
        quiet = 0.0
        for byte in content:
            if byte != b"\n":
                line += byte
                continue
            text, line = line.rstrip(b"\r").decode("utf-8", "replace"), b""
            yield text
            if not text:  # an event ends with an empty line
                break
        else:
            return


def _json(response: requests.Response) -> Any:
    content = b""
    for piece in response.iter_content(PIECE_BYTES):
        content += piece
        if len(content) > ANSWER_BYTES:
            return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _seconds(date: str) -> float | None:
    """An HTTP date in seconds since 1970."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None


def _is_address(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname) and urlsplit(url).scheme in ("http", "https", "socks5", "socks5h")
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:  # no address at all
        return url


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def _target(here: str, location: str) -> str:
    """Where a redirect leads."""
    try:
        return urljoin(here, location)
    except ValueError:
        raise DownloadError(f"{_host(here)} leads to something that is no address: retry later.") from None
