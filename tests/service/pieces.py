# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer whose body is sent piece by piece, whole or cut off on purpose. Never holds a whole file in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

PIECE_BYTES = 1 << 16


class Pieces(web.StreamResponse):
    """Bytes `start` to `stop` of `source`. With `cut`, the connection is closed after that many of them."""

    def __init__(
        self, source: bytes | Path, *, status: int = 200, headers: dict[str, str], start: int, stop: int
    ) -> None:
        super().__init__(status=status, headers=headers)
        self._content, self._first, self._behind = source, start, stop
        self.content_length = stop - start
        self.cut: int | None = None

    def without_length(self) -> None:
        self.content_length = None
        self.enable_chunked_encoding()

    async def prepare(self, request: web.BaseRequest):
        writer = await super().prepare(request)
        if request.method == "HEAD":
            return writer
        left = self._behind - self._first if self.cut is None else min(self.cut, self._behind - self._first)
        for piece in self._cut_up(left):
            await self.write(piece)
        if left < self._behind - self._first and request.transport is not None:
            request.transport.close()
        return writer

    def _cut_up(self, left: int) -> Iterator[bytes]:
        if isinstance(self._content, bytes):
            for at in range(self._first, self._first + left, PIECE_BYTES):
                yield self._content[at : min(at + PIECE_BYTES, self._first + left)]
            return
        with self._content.open("rb") as file:
            file.seek(self._first)
            while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
                left -= len(piece)
                yield piece
