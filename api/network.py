# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections may be made, and through what. Pure data: connects to nothing, and is cheap to import."""

from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Network:
    """How connections are made.

    `proxy` is a URL such as "http://proxy:3128" ("" for the one that the system or the environment names), `ca_file` the path of
    certificates in PEM format to trust beside the system's, `online` whether a connection may leave this machine. Seconds to wait:
    `connect_s` for a connection, `read_s` between two pieces of an answer, `create_s` for the answer to a create request.
    """

    proxy: str = ""
    ca_file: str = ""
    online: bool = True
    connect_s: float = 10.0
    read_s: float = 20.0  # whoever cancels waits at most so long for a server that has fallen silent
    create_s: float = 180.0  # the answer decides about money; Meshy's own example client waits as long


USUAL = Network()
"""What applies where nothing else is said."""


def is_loopback(url: str) -> bool:
    """Whether `url` is on this machine, which does not count as being online."""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:  # half typed, or no address at all
        return False
