# SPDX-License-Identifier: GPL-3.0-or-later
"""What every connection has in common: time limits, and errors as sentences. The only module that imports requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests

from .errors import ConnectionFailedError

TIMEOUT_S = (10.0, 30.0)  # to connect, and between two pieces of an answer; a silent server is not waited for longer
PIECE_BYTES = 1 << 16


@contextmanager
def get(url: str) -> Iterator[requests.Response]:
    """Open `url` for reading in pieces. Raises `ConnectionFailedError`, also where the connection breaks while it is read."""
    host = urlsplit(url).hostname
    try:
        with requests.get(url, stream=True, timeout=TIMEOUT_S) as answer:
            yield answer
    except requests.exceptions.SSLError:
        raise ConnectionFailedError(f"The connection to {host} is not trusted: check its certificate.") from None
    except requests.exceptions.RequestException as error:
        raise ConnectionFailedError(f"{host} cannot be reached ({type(error).__name__}): check the network.") from None
