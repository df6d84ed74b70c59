# SPDX-License-Identifier: GPL-3.0-or-later
"""An address as people type it -> the address, and the login that stands in it. Connects to nothing."""

import base64
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ... import address
from ...errors import DownloadError


@dataclass(frozen=True)
class Server:
    """`url` is the address without a login, a query and a slash at its end; `host` and `port` are what people see.
    `password` is "" where the address holds no login, and else `basic` what the header says (RFC 7617)."""

    url: str
    host: str
    port: int
    is_loopback: bool
    password: str = ""
    basic: str = ""

    @property
    def place(self) -> str:
        """Host and port, as in a sentence."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read(typed: str) -> Server:
    """Return the server at an address of any form: "127.0.0.1:8188", "http://host:8188/", "user:password@host/path".

    What names no scheme is reached over http on this machine and in private networks, over https in the web. Raises
    `DownloadError` where it is no address, in a sentence without the login.
    """
    typed = typed.strip()
    if "://" not in typed:
        typed = f"http://{typed.lstrip('/')}"
        if address.read(typed).reach is address.Reach.WEB:
            typed = typed.replace("http://", "https://", 1)
    found = address.read(typed)
    try:
        parts = urlsplit(typed)
    except ValueError:
        raise DownloadError("The address of ComfyUI cannot be read: type it like 127.0.0.1:8188.") from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":  # a slash or the like in the password ended the host
        raise DownloadError(
            "The login in the address of ComfyUI cannot be read: write / in it as %2F, ? as %3F and # as %23."
        )
    login, at, host = parts.netloc.rpartition("@")
    user, _, password = unquote(login).partition(":")
    basic = base64.b64encode(f"{user}:{password}".encode()).decode() if at else ""
    url = f"{parts.scheme}://{host}{parts.path}".rstrip("/")
    return Server(url, found.host, found.port, found.is_loopback, password, basic)
