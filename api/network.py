# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connections may be made, and through what. Pure data: connects to nothing, and is cheap to import."""

import os
import re
from dataclasses import dataclass, field

LOOPBACK = ("localhost", "127.0.0.1", "::1")

_PLAIN_LOOPBACK = re.compile(
    r"(?:https?://)?(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?(?:[/?#][!-\[\]-~]*)?", re.IGNORECASE
)
"""An address on this machine that no parser reads otherwise: no user, no backslash, nothing that is not ASCII. The
scheme may be left out, as people type it."""


@dataclass(frozen=True)
class Network:
    """How connections are made.

    `proxy` is a URL such as "http://proxy:3128" ("" for the one that the system or the environment names), `ca_file`
    the path of certificates in PEM format to trust beside the system's (`~` is the user's folder), `online` whether a
    connection may leave this machine, `is_own` whether the service is a server of the user's own, with which plain http
    is fine in private networks. Seconds to wait: `connect_s` for a connection, `read_s` while nothing at all comes,
    `create_s` for the whole answer to a create request, `quiet_s` while a stream of events says nothing: then the task
    is asked for in the ordinary way; `busy_s` is what `read_s` is for a server that also does the work.
    """

    proxy: str = field(default="", repr=False)  # it may hold a password
    ca_file: str | os.PathLike[str] = ""
    online: bool = True
    is_own: bool = False
    connect_s: float = 10.0
    read_s: float = 20.0
    create_s: float = 180.0  # the answer decides about money; Meshy's own example client waits as long
    quiet_s: float = 8.0  # Meshy's stream says something every seven seconds or so
    busy_s: float = 60.0  # ComfyUI hardly answers while it loads a model of some gigabytes

    @property
    def answer_s(self) -> float:
        """How long a whole answer may take, but for a file and the answer to a create request. In so long a file must
        get ahead."""
        return 3 * self.read_s


USUAL = Network()
"""What applies where nothing else is said."""


def is_loopback(url: str) -> bool:
    """Whether `url` is certainly on this machine, which does not count as being online.

    For what only shows or plans; what connects asks `address.read`, which costs the import of urllib3. An address in an
    unusual spelling counts as another machine's.
    """
    return _PLAIN_LOOPBACK.fullmatch(url) is not None
