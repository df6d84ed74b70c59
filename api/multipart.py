# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of an upload: a file and a few texts as multipart/form-data (RFC 7578). Never holds a whole file."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

PIECE_BYTES = 1 << 16


class Form:
    """`texts` by name, and then the PNG file at `path` as the part `name`, with the file name `filename` (ASCII without
    quotes).

    `check_cancelled` is called between two pieces and may raise, to end the request before it is complete. `media_type`
    is what the request calls the body, `sent_whole` whether the last byte has been handed over. Raises `OSError` where
    the file cannot be read.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        name: str,
        filename: str,
        path: Path,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        boundary = secrets.token_hex(16)  # occurs in no file
        self.media_type = f"multipart/form-data; boundary={boundary}"
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n'
            for key, text in texts.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            "Content-Type: image/png\r\n\r\n"
        )
        self._head = "".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._path = path
        self._check_cancelled = check_cancelled
        self._length = len(self._head) + path.stat().st_size + len(self._tail)
        self.sent_whole = False

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        with self._path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                self._check_cancelled()
                yield piece
        self.sent_whole = True  # before it is handed over: in doubt it has arrived
        yield self._tail
