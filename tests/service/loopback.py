# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves applications of aiohttp on loopback, each on a port of its own, in one thread. Leaves no thread behind when
closed."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

GRACE_SECONDS = 0.1  # for answers that are on their way when it is closed
PATIENCE_SECONDS = 10.0  # for the thread, which a test must not wait for forever


class Loopback:
    """`apps[i]` on `ports[i]`, 0 for any free one; the addresses are in `urls` and listened at from the start."""

    def __init__(self, apps: Sequence[web.Application], ports: Sequence[int], tls: ssl.SSLContext | None) -> None:
        self._sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
        scheme = "https" if tls else "http"
        self.urls = [f"{scheme}://127.0.0.1:{listener.getsockname()[1]}" for listener in self._sockets]
        self.loop = asyncio.new_event_loop()
        self._runners: list[web.AppRunner] = []
        self._thread = threading.Thread(target=self.loop.run_forever, name="stand-in", daemon=True)
        self._thread.start()
        self.run(lambda: self._listen(apps, tls))

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do something in the server's thread and wait for it."""

        async def working() -> Any:
            return await work()

        return asyncio.run_coroutine_threadsafe(working(), self.loop).result(PATIENCE_SECONDS)

    def close(self) -> None:
        """Stop listening, break off what is under way, end the thread."""
        self.run(self._stop)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self.loop.close()

    async def _listen(self, apps: Sequence[web.Application], tls: ssl.SSLContext | None) -> None:
        for app, listener in zip(apps, self._sockets, strict=True):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE_SECONDS)
            await runner.setup()
            await web.SockSite(runner, listener, ssl_context=tls).start()
            self._runners.append(runner)

    async def _stop(self) -> None:
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()  # which looks names up
