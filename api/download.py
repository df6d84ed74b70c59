# SPDX-License-Identifier: GPL-3.0-or-later
"""A result's address -> a file: streamed, resumed, counted, synced, whole under its name or not. Sends no key of its
own."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from .. import files
from . import connection
from .errors import (
    AddressExpiredError,
    ConnectionFailedError,
    DownloadError,
    UnavailableError,
    is_transient,
)
from .network import USUAL, Network
from .task import nothing

LIMIT_BYTES = 2 << 30  # a model of a million triangles with 4K maps has 0.1 GB
TRIES = 5  # without getting ahead between them
AHEAD_BYTES = 1 << 16
"""How much further than ever before a try has to come. A host that gives a byte at each try, or drips, would be asked
for ever; and so would one that begins anew each time, as where its file has another ETag each time, if a try were
compared with the one before it."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
LENGTH = r"[0-9]{1,18}"  # of a file in bytes; longer numbers are none, and neither are the digits of other scripts
EXPIRED = (401, 403, 404, 410)  # what the file hosts of both services answer to an address that is over


Open = Callable[[Mapping[str, str]], AbstractContextManager[connection.Opened]]
"""Asks for the file with these further headers; raises as `connection.get` does."""


def download(
    url: str,
    path: Path,
    *,
    network: Network = USUAL,
    on_progress: Callable[[float], None] = lambda fraction: None,
    sleep: Callable[[float], None] = time.sleep,
    limit_bytes: int = LIMIT_BYTES,
    check_cancelled: connection.CheckCancelled = nothing,
    named_by: str = "",
) -> None:
    """Bring what is at `url` to `path`, without any key. `check_cancelled` is called several times a second, whatever
    comes, and may raise; `named_by` is as `connection.get` says. For the rest see `receive`."""
    receive(
        lambda headers: connection.get(
            url, network=network, headers=headers, check_cancelled=check_cancelled, named_by=named_by
        ),
        path,
        on_progress=on_progress,
        sleep=sleep,
        limit_bytes=limit_bytes,
    )


def receive(
    open_file: Open,
    path: Path,
    *,
    on_progress: Callable[[float], None] = lambda fraction: None,
    sleep: Callable[[float], None] = time.sleep,
    limit_bytes: int = LIMIT_BYTES,
) -> None:
    """Bring what `open_file` opens to `path`. What is there of it already, in `path` plus ".part", is not fetched
    again.

    `on_progress` hears how much is there (0 to 1; 0 while the length is unknown) as it comes; it and `sleep` may raise,
    and what is there then stays for the next time. Raises `AddressExpiredError`, `DownloadError`,
    `ConnectionFailedError`, and `OSError` where the disk refuses.
    """
    part = path.with_name(f"{path.name}.part")
    tag = path.with_name(f"{path.name}.part-tag")  # which version of the file the part is of
    failures = 0
    most = _usable(part, tag)  # bytes that were ever there
    if not most:
        files.remove(part, missing_ok=True)  # of no use, and it would be taken for what this call has brought
    while True:
        try:
            _fetch_rest(open_file, part, tag, on_progress, limit_bytes)
            break
        except (ConnectionFailedError, UnavailableError) as error:
            there = _size(part)
            failures = 1 if there - most >= AHEAD_BYTES else failures + 1
            most = max(most, there)
            if failures == TRIES or not is_transient(error):
                raise
            sleep(PAUSES_S[failures - 1])
    files.replace(part, path)
    files.remove(tag, missing_ok=True)


def _fetch_rest(open_file: Open, part: Path, tag: Path, on_progress: Callable[[float], None], limit_bytes: int) -> None:
    """Append to `part` what is missing of it, once."""
    start = _usable(part, tag)
    headers = {"Range": f"bytes={start}-", "If-Range": tag.read_text(encoding="ascii")} if start else {}
    with open_file(headers) as response:
        if start and response.status == 416 and response.headers.get("Content-Range", "") == f"bytes */{start}":
            return  # nothing is missing
        plan = _plan(response, start)
        if plan is None:
            files.remove(tag, missing_ok=True)  # the next try begins anew
            raise ConnectionFailedError("The model has changed while it was fetched: retry.")
        start, whole = plan
        if whole is not None and whole > limit_bytes:
            raise _too_large(f"{whole >> 20:,} MB, and at most {limit_bytes >> 20:,} MB are fetched")
        if start == 0:
            # First: the new version's tag must never stand beside the old one's bytes.
            files.remove(part, missing_ok=True)
            _note_version(response, tag)
        done = start
        with part.open("ab" if start else "wb") as file:
            for piece in response.pieces():
                done += len(piece)
                if done > limit_bytes:
                    raise _too_large(f"more than {limit_bytes >> 20:,} MB")
                file.write(piece)
                on_progress(done / whole if whole else 0.0)
            file.flush()
            if whole is not None and done < whole:
                raise ConnectionFailedError("The download broke off: check the network, then retry.")
            files.sync_open(file.fileno())


def _too_large(size: str) -> DownloadError:
    return DownloadError(f"The model is too large to be fetched ({size}): ask for fewer faces.")


def _plan(response: connection.Opened, start: int) -> tuple[int, int | None] | None:
    """Return from which byte the answer goes on, and how many bytes the whole file has (None where the host does not
    say).

    None where the answer is of no use beside what is there.
    """
    status = response.status
    if status == 206:
        found = re.fullmatch(rf"bytes ({LENGTH})-{LENGTH}/({LENGTH}|\*)", response.headers.get("Content-Range", ""))
        if found and int(found[1]) == start:
            return start, None if found[2] == "*" else int(found[2])
        return None
    if status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if re.fullmatch(LENGTH, length) else None
    if status == 416 and start:
        return None
    if status in EXPIRED:
        raise AddressExpiredError(f"The address of the model is no longer valid (status {status}): retry.")
    if status >= 500 or status == 429:
        raise UnavailableError("The host of the model has a trouble of its own: retry later.", status=status)
    raise DownloadError(f"The host of the model refused it (status {status}): retry later.")


def _note_version(response: connection.Opened, tag: Path) -> None:
    """Remember what If-Range needs (RFC 9110, 13.1.5): only a strong validator may join two parts."""
    version = response.headers.get("ETag", "")
    if version and not version.startswith("W/"):
        tag.write_text(version, encoding="ascii", errors="ignore")
    else:
        files.remove(tag, missing_ok=True)


def _usable(part: Path, tag: Path) -> int:
    """How many bytes there are that a try can go on from: none where nobody knows of which version they are."""
    return _size(part) if tag.exists() and not part.is_symlink() else 0


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
