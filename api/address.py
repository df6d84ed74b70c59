# SPDX-License-Identifier: GPL-3.0-or-later
"""What an address is: its host, port and reach, as the parser reads it that also connects. Connects to nothing, and
looks no name up."""

import ipaddress
import re
import socket
import unicodedata
from dataclasses import dataclass
from enum import IntEnum

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from .errors import DownloadError
from .network import LOOPBACK

HOST_AT_MOST = 253  # characters; the longest name that can be looked up (RFC 1035)
LENGTH_AT_MOST = 16_384  # characters; twice what common servers take
PRIVATE_ENDINGS = (".local", ".internal", ".lan", ".home", ".intranet", ".home.arpa")
"""Of names that are known in private networks only (RFC 6762, RFC 8375, and what routers use)."""

PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"\[[0-9a-f:.]+(?:%[a-z0-9._-]+)?\]|[a-z0-9._-]+")
_SPACE_OR_CONTROL = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # stand in names of files, inside of an emoji or of Persian
_WITH_OLD_NUMBERS = ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
"""The networks of IPv6 whose last 32 bits are an address of IPv4 (RFC 4291, 2765, 6052)."""
_SPECIAL = ipaddress.ip_network("192.0.0.0/24")  # which Python 3.11 counts to the web in part


Number = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(IntEnum):
    """How far away a host is, as far as its name or number tells."""

    THIS_MACHINE = 0
    PRIVATE = 1
    """A private, link-local or otherwise special number, or a name of a private network."""
    WEB = 2


@dataclass(frozen=True)
class Address:
    """`host` is in small letters and without brackets; it means something where `scheme` is "http" or "https".
    `is_loopback` says whether it is spelled as the loopback is usually: only such an address may be used without being
    online, and with plain http."""

    scheme: str
    host: str
    port: int
    is_loopback: bool
    reach: Reach


def read(url: str) -> Address:
    """Return what `url` says. Raises `DownloadError` where that is not certain: parsers differ about backslashes and
    white space.

    The parser is the one of urllib3, which connects.
    """
    if len(url) > LENGTH_AT_MOST:
        raise DownloadError("The address is too long to be one: check it.")
    if "\\" in url or any(map(_is_space_or_control, url)):
        raise DownloadError("The address holds a backslash, a space or a control character: check it.")
    try:
        parsed = parse_url(url)
    except (LocationParseError, ValueError):  # also a port that is none
        raise DownloadError("The address cannot be read: it has to begin with https:// and name a host.") from None
    scheme, host = (parsed.scheme or "").lower(), (parsed.host or "").lower()
    if scheme not in PORTS:
        return Address(scheme, host, 0, False, Reach.WEB)
    if not _HOST.fullmatch(host) or len(host) > HOST_AT_MOST:
        raise DownloadError("The address names no host: it has to begin with https:// and name one.")
    host = host.strip("[]")
    port = PORTS[scheme] if parsed.port is None else parsed.port
    if port == 0:
        raise DownloadError("The address names the port 0, which is none: check the https:// address.")
    return Address(scheme, host, port, host in LOOPBACK, _reach(host))


def _is_space_or_control(letter: str) -> bool:
    return unicodedata.category(letter) in _SPACE_OR_CONTROL and letter not in _JOINERS


def _reach(host: str) -> Reach:
    name = host.rstrip(".")
    number = _number(name.partition("%")[0])
    if number is None:
        if name == "localhost" or name.endswith((".localhost", ".localdomain")):
            return Reach.THIS_MACHINE
        return Reach.PRIVATE if "." not in name or name.endswith(PRIVATE_ENDINGS) else Reach.WEB
    number = _old_number_in(number)
    # The rest of 127.0.0.0/8 is what containers and tunnels give to other hosts: private, like these.
    if number.is_unspecified or str(number) in LOOPBACK:
        return Reach.THIS_MACHINE
    is_special = number.is_multicast or number in _SPECIAL or getattr(number, "is_site_local", False)
    return Reach.WEB if number.is_global and not is_special else Reach.PRIVATE


def _old_number_in(number: Number) -> Number:
    """The address of IPv4 that one of IPv6 stands for, where it does."""
    if isinstance(number, ipaddress.IPv4Address):
        return number
    if number.sixtofour:
        return number.sixtofour
    is_old = any(number in ipaddress.ip_network(network) for network in _WITH_OLD_NUMBERS)
    return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF) if is_old and int(number) > 1 else number


def _number(host: str) -> Number | None:
    """The number that `host` is, also in the spellings that only old functions of systems read ("127.1",
    "0x7f000001")."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
