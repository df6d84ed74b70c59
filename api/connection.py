# SPDX-License-Identifier: GPL-3.0-or-later
"""What every connection has in common: which may be made, proxy, time limits, errors as sentences. Knows no service,
and has no key.

The only module that sends anything. Nothing is followed but by `get()`, which has no key to give away; a `Client`,
which has one, follows nothing. Nothing is ever unpacked: no answer is asked for compressed, and one that comes so all
the same is not read.
"""

import contextlib
import http.client
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.auth import AuthBase

from . import access, address
from .address import Address
from .errors import CertificateError, ConnectionFailedError, DownloadError, OfflineError, ProxyError
from .network import USUAL, Network
from .paths import path_of
from .task import nothing
from .trust import WatchedAdapter
from .version import user_agent
from .watch import Watch

PIECE_BYTES = 1 << 18  # of an answer at once, at most; larger ones are not faster
LEAST_PIECE_BYTES = 1 << 12
PIECE_S = 0.1  # what a piece may take before the next is smaller
REDIRECTS_AT_MOST = 5
FILE_S = 3600.0  # for a whole file; as long as a task may take

CheckCancelled = Callable[[], None]
"""Asks whether to go on; may raise, to end what is under way. Called several times a second, whatever the other side
does."""


def require_allowed(url: str, network: Network, named_by: Address | None = None) -> Address:
    """Return the address that `url` is. Raises `OfflineError` or `DownloadError` where no connection to it may be made:
    https only, except on this machine, and with a server of the user's own (`Network.is_own`) in private networks.

    Of what another host names (`named_by`: in an answer, or by a redirect) nothing is used that is nearer to this
    machine than that host is: a stranger could have the user's own devices asked for anything.
    """
    found = address.read(url)
    if named_by and found.reach < named_by.reach:
        where = "on this machine" if found.reach is address.Reach.THIS_MACHINE else "in a private network"
        raise DownloadError(f"{named_by.host} leads to an address {where} ({found.host}), which is not used.")
    if found.is_loopback:
        return found
    if not network.online:
        raise OfflineError(f"{access.OFFLINE}.")
    is_plain_fine = network.is_own and found.reach is address.Reach.PRIVATE
    if found.scheme != "https" and not is_plain_fine:
        where = f" on {found.host}" if found.host else ""
        raise DownloadError(f"The address{where} is not safe: only addresses that begin with https:// are used.")
    return found


@dataclass(frozen=True)
class Opened:
    """An answer whose body has still to be read."""

    status: int
    headers: Mapping[str, str]
    raw: urllib3.HTTPResponse
    watch: Watch

    @property
    def redirect(self) -> str:
        """Where a redirect leads, "" for anything else."""
        return self.headers.get("Location", "") if self.status in (301, 302, 303, 307, 308) else ""

    @property
    def is_compressed(self) -> bool:
        """Whether the body is packed, which nobody asked for."""
        return self.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity")

    def pieces(self) -> Iterator[bytes]:
        """Give the body as it came. Raises `requests.exceptions.RequestException` where the connection breaks or a
        limit is passed.

        A piece that breaks off is lost, so they are as large as the line is fast.
        """
        size = LEAST_PIECE_BYTES
        try:
            began_s = time.perf_counter()
            while piece := self.raw.read(size, decode_content=False):
                self.watch.next_step()
                is_fast = time.perf_counter() - began_s < PIECE_S
                size = min(size * 2, PIECE_BYTES) if is_fast else max(size // 2, LEAST_PIECE_BYTES)
                yield piece
                began_s = time.perf_counter()
            if self.raw.length_remaining:  # urllib3 1.26.8 (Blender 4.2) takes a short answer for a whole one
                raise OSError("the connection has ended before the answer")
        except BROKEN as error:
            raise requests.exceptions.ConnectionError(str(error)) from error


BROKEN = (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
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

    `named_by` is the address of the service that named `url`, "" where the user did. Raises `ConnectionFailedError`,
    also where the connection breaks while it is read, `OfflineError`, and `DownloadError` where the address or a
    redirect is not allowed, or what comes is compressed.
    """
    origin = address.read(named_by) if named_by else None
    here, found = url, require_allowed(url, network, origin)
    for _ in range(REDIRECTS_AT_MOST + 1):
        watch = usual_watch(network, check_cancelled)
        try:
            with send("GET", here, network, watch, headers=headers or {}) as opened:
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
            raise translated(error, found, f"{found.host}{or_proxy(watch)} {what}.") from error
        here, found = there, require_allowed(there, network, found)
    raise DownloadError(f"{found.host} leads from one address to the next without end: check the address.")


def usual_watch(network: Network, check_cancelled: CheckCancelled, *, sending_s: float | None = None) -> Watch:
    """For what costs nothing. `sending_s` is how long all that is sent may take, where it is more than a few words."""
    return Watch(
        check_cancelled,
        connect_s=network.connect_s,
        send_s=network.read_s,
        sending_s=network.answer_s if sending_s is None else sending_s,
        silence_s=network.read_s,
        answer_s=network.answer_s,
    )


@contextmanager
def send(
    method: str,
    url: str,
    network: Network,
    watch: Watch,
    *,
    headers: Mapping[str, str],
    key_headers: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> Iterator[Opened]:
    """Send one request and give its answer. Follows nothing, and reads no body by itself (as requests does with that of
    a redirect).

    `key_headers` are the headers that hold a key. `options` are those of `requests.Request`.
    """
    options["headers"] = {**headers, "Accept-Encoding": "identity"}
    with _session(address.read(url), network, key_headers, watch) as session:
        try:
            prepared = session.prepare_request(requests.Request(method, url, **options))
            require_allowed(prepared.url or "", network)  # in the form in which it is sent
            # The session's proxies are named again: requests lets those of the environment go before them, not before
            # these.
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


def translated(
    error: requests.exceptions.RequestException,
    found: Address,
    sentence: str,
    kind: type[ConnectionFailedError] = ConnectionFailedError,
) -> ConnectionFailedError:
    """Return what a failed connection to `found` means for the user: proxy, certificate, else `kind` with
    `sentence`."""
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


def or_proxy(watch: Watch) -> str:
    """What a sentence adds to the name of a host, where nobody can tell whether it was that or the proxy before it."""
    return " or the proxy" if watch.has_proxy else ""


class _Headers(AuthBase):
    """Sets the headers with the key. As requests' "auth" it also keeps requests from adding a password out of a .netrc
    file."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _session(found: Address, network: Network, headers: Mapping[str, str], watch: Watch) -> requests.Session:
    """A session for one request to `found`. What stays on this machine goes through no proxy: neither would that be
    being offline, nor may a key leave in clear text."""
    session = requests.Session()
    session.auth = _Headers(headers)
    session.headers["User-Agent"] = user_agent()
    ca_file = str(path_of(network.ca_file, "The certificate file")) if network.ca_file else ""
    adapter = WatchedAdapter(ca_file, watch)
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
