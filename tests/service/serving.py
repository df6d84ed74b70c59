# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of every request: written down, read whole, put through its fault, answered. Speaks no service's words."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from . import faults
from .faults import CALL, Call, Faults
from .ledger import Ledger, Task
from .records import Request

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_BYTES = 256 << 20  # of a request's body


class Shared:
    """What the services and the file host have in common. `log` is told of each request that is over."""

    def __init__(self, ledger: Ledger, queue: Faults, log: Callable[[Request], None] | None) -> None:
        self.ledger = ledger
        self.queue = queue
        self.log = log
        self.closing = asyncio.Event()
        self.api_url = ""  # set once the ports are known
        self.files_url = ""
        self.sign: Callable[[Task, str], str] = lambda task, name: ""  # an address for one file of a task
        self.start: Callable[[Task, bytes | None], None] = lambda task, picture: None  # begin the work
        self.give_up: Callable[[str], None] = lambda task_id: None  # end it


class Counter:
    """One service as its visitors meet it. Its answers are JSON, until a subclass says otherwise."""

    service = "elsewhere"
    records_as = "elsewhere"

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.ledger = shared.ledger

    def problem(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
        return json_answer({"message": message}, status, headers)

    def without_id(self) -> web.Response:
        return json_answer({})

    def away(self, path: str, to: str, hops: int) -> str:
        """Where a redirect leads: `to`, else to the other port, which is another host to any client."""
        return f"{self.shared.files_url}/loop/1" if to == "loop" else to or f"{self.shared.files_url}/elsewhere{path}"

    def stamp(self, headers: CIMultiDict[str]) -> None:
        """Add what every answer of this service carries."""
        headers["Date"] = email.utils.formatdate(self.ledger.now(self.service), usegmt=True)

    def names(self, request: web.Request, step: str) -> tuple[str, str]:
        """Service and step by which a test puts faults in this request's way; the step is written down too."""
        return self.service, step

    def add(self, app: web.Application, method: str, path: str, step: str, handler: Handler) -> None:
        async def visit(request: web.Request) -> web.StreamResponse:
            return await self._visit(request, step, handler)

        app.router.add_route(method, path, visit)

    async def nothing(self, request: web.Request) -> web.StreamResponse:
        return self.problem(404, "Not Found")

    async def _visit(self, request: web.Request, step: str, handler: Handler) -> web.StreamResponse:
        service, step = self.names(request, step)
        record = Request(
            time.time(),
            self.records_as,
            step,
            request.method,
            request.path,
            request.raw_path.partition("?")[2],
            CIMultiDict(request.headers),
        )
        self.ledger.requests.append(record)
        call = request[CALL] = Call(request, self, lambda: handler(request), self.shared.closing, record)
        try:
            # Read whole before anything goes wrong: what a client sees of a dropped connection must not depend on its
            # body's size.
            record.size = len(await request.read())
            fault = self.shared.queue.take(service, step) if request.method != "HEAD" else None
            return await faults.answer(fault, call)
        finally:
            if call.is_dropped:
                self.over(record)

    def over(self, record: Request) -> None:
        """A request has its answer, or will have none."""
        record.seconds = time.time() - record.at
        if self.shared.log is not None:
            self.shared.log(record)


async def stamp(request: web.Request, response: web.StreamResponse) -> None:
    """Just before an answer's headers go out: add what is on every answer, and write down the status."""
    call = request.get(CALL)
    if call is None or call.is_dropped:
        return
    call.record.status = response.status
    call.desk.stamp(response.headers)
    call.desk.over(call.record)


def application() -> web.Application:
    app = web.Application(client_max_size=MOST_BYTES)
    app.on_response_prepare.append(stamp)
    return app


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(content, status=status, headers=headers)


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a request; None where it is none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def whole_number(text: str, lowest: int, highest: int) -> int | None:
    """A number out of an address; None where it is none, or out of range."""
    return int(text) if text.isascii() and text.isdigit() and lowest <= int(text) <= highest else None


def tidied(fields: dict[str, Any], empties: set[str], ledger: Ledger, service: str) -> dict[str, Any]:
    """Fields with nothing in them as this service has them now: empty, null or absent."""
    if not (ledger.quirk(service, "null_fields") or ledger.quirk(service, "no_empty_fields")):
        return fields
    is_empty = {name for name in empties if fields.get(name) in ("", 0, [], {}, {"message": ""})}
    if ledger.quirk(service, "no_empty_fields"):
        return {name: value for name, value in fields.items() if name not in is_empty}
    return {name: None if name in is_empty else value for name, value in fields.items()}
