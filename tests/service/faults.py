# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way: each fault by its name, and the queue a test fills. Knows no service's words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web
from multidict import CIMultiDict

from .ledger import SERVICES
from .pieces import Pieces
from .records import Request

COMFYUI_STEPS = ("info", "upload", "cancel")  # beside create, get, stream (its socket) and download
API_STEPS = ("create", "get", "list", "stream", "delete", "balance", *COMFYUI_STEPS)
FILE_STEPS = ("download", "map")  # the GLB, and the loose textures
STEPS = API_STEPS + FILE_STEPS
CHANGES = ("create", "delete", "upload", "cancel")  # what is done although the answer is lost


class Desk(Protocol):
    """What a fault asks of the service it happens at."""

    def problem(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
        """An error as this service words it."""

    def without_id(self) -> web.Response:
        """The answer to a create that forgets the id."""

    def stamp(self, headers: CIMultiDict[str]) -> None:
        """Add what every answer of this service carries."""

    def over(self, record: Request) -> None:
        """A request has its answer, or will have none."""

    def away(self, path: str, to: str, hops: int) -> str:
        """Where a redirect of `path` leads."""


@dataclass
class Call:
    """One request with what its answer may depend on. `ordinary` does the work, and must be awaited at most once."""

    request: web.Request
    desk: Desk
    ordinary: Callable[[], Awaitable[web.StreamResponse]]
    closing: asyncio.Event
    record: Request
    is_dropped: bool = False
    notes: dict[str, Any] = field(default_factory=dict)  # faults that the one who answers sees to

    def drop(self) -> web.StreamResponse:
        """Close the connection without a word."""
        self.is_dropped = True
        if self.request.transport is not None:
            self.request.transport.close()
        return web.Response()  # never sent

    async def pause(self, seconds: float | None) -> None:
        """Wait, but not beyond the closing of the server."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return


CALL = web.RequestKey("call", Call)  # under which a request carries it


async def status(call: Call, status: int, headers: Mapping[str, str], message: str) -> web.StreamResponse:
    return call.desk.problem(status, message, headers)


async def status_after(call: Call, status: int, headers: Mapping[str, str], message: str) -> web.StreamResponse:
    await call.ordinary()
    return call.desk.problem(status, message, headers)


async def rate_limit(call: Call, seconds: float, message: str) -> web.StreamResponse:
    return call.desk.problem(429, message, {"Retry-After": f"{seconds:g}"})


async def queue_full(call: Call, message: str) -> web.StreamResponse:
    return call.desk.problem(429, message)


async def drop(call: Call) -> web.StreamResponse:
    return call.drop()


async def drop_after(call: Call) -> web.StreamResponse:
    await call.ordinary()
    return call.drop()


async def hang(call: Call, seconds: float | None) -> web.StreamResponse:
    await call.pause(seconds)
    return call.drop()


async def hang_after(call: Call, seconds: float | None) -> web.StreamResponse:
    await call.ordinary()
    return await hang(call, seconds)


async def slow(call: Call, seconds: float) -> web.StreamResponse:
    await call.pause(seconds)
    return await call.ordinary()


async def garbage(call: Call) -> web.StreamResponse:
    answer = await call.ordinary()
    if answer.status >= 300:
        return answer
    return web.Response(status=answer.status, body=b'{"result": "half an ans', content_type="application/json")


async def no_id(call: Call) -> web.StreamResponse:
    answer = await call.ordinary()
    return call.desk.without_id() if answer.status < 300 else answer


async def html(call: Call) -> web.StreamResponse:
    return web.Response(text="<!doctype html><title>Welcome</title><p>Please sign in.", content_type="text/html")


async def cut(call: Call, **options: int) -> web.StreamResponse:
    answer = await call.ordinary()
    if isinstance(answer, web.Response) and isinstance(answer.body, (bytes, bytearray)):
        body = bytes(answer.body)
        answer = Pieces(
            body, status=answer.status, headers={"Content-Type": answer.content_type}, start=0, stop=len(body)
        )
    if isinstance(answer, Pieces):
        answer.cut = options["bytes"]
    return answer


async def no_length(call: Call) -> web.StreamResponse:
    answer = await call.ordinary()
    if isinstance(answer, Pieces):
        answer.without_length()
    else:
        answer.enable_chunked_encoding()
    return answer


async def gone(call: Call) -> web.StreamResponse:
    return call.desk.problem(410, "Gone")


async def expired(call: Call) -> web.StreamResponse:
    return call.desk.problem(403, "")


async def redirect(call: Call, to: str, hops: int, status: int) -> web.StreamResponse:
    address = call.desk.away(call.request.path_qs, to, hops)
    return web.Response(status=status, headers={"Location": address})


def noted(name: str) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A fault that the one who answers sees to: it finds `name` in the call's notes."""

    async def note(call: Call, **options: Any) -> web.StreamResponse:
        call.notes[name] = options.get("events", True)
        return await call.ordinary()

    return note


@dataclass(frozen=True)
class Action:
    """One fault: what it does, at which steps it makes sense, its options with what is usual."""

    run: Callable[..., Awaitable[web.StreamResponse]]
    steps: tuple[str, ...] = STEPS
    options: Mapping[str, Any] = field(default_factory=dict)


ACTIONS: Mapping[str, Action] = {
    "status": Action(status, options={"status": 503, "headers": {}, "message": ""}),
    "status_after": Action(status_after, API_STEPS, {"status": 500, "headers": {}, "message": ""}),
    "rate_limit": Action(rate_limit, options={"seconds": 1, "message": "RateLimitExceeded"}),
    "queue_full": Action(queue_full, ("create",), {"message": "NoMoreConcurrentTasks"}),
    "drop": Action(drop),
    "drop_after": Action(drop_after, CHANGES),
    "hang": Action(hang, options={"seconds": None}),
    "hang_after": Action(hang_after, CHANGES, {"seconds": None}),
    "slow": Action(slow, options={"seconds": 1.0}),
    "garbage": Action(garbage, tuple(s for s in STEPS if s != "stream")),
    "no_id": Action(no_id, ("create",)),
    "html": Action(html),
    "cut": Action(cut, tuple(s for s in STEPS if s != "stream"), {"bytes": 10}),
    "cut_stream": Action(noted("cut_stream"), ("stream",), {"events": 1}),
    "expired": Action(expired, FILE_STEPS),
    "gone": Action(gone),
    "redirect": Action(redirect, options={"to": "", "hops": 1, "status": 302}),
    "no_range": Action(noted("no_range"), FILE_STEPS),
    "no_length": Action(no_length, tuple(s for s in STEPS if s != "stream")),
    "other_file": Action(noted("other_file"), FILE_STEPS),
}


@dataclass
class Fault:
    step: str
    action: str
    service: str
    options: dict[str, Any]
    left: int


class Faults:
    """The queue: the next requests of a step meet what was put in first."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = threading.Lock()

    def put(self, step: str, action: str, times: int, service: str, options: Mapping[str, Any]) -> None:
        if action not in ACTIONS:
            raise ValueError(f"no such fault: {action}")
        known = ACTIONS[action]
        if step not in known.steps:
            raise ValueError(f"{action} makes no sense at {step!r}")
        if service not in ("", *SERVICES):
            raise ValueError(f"no such service: {service}")
        unknown = sorted(set(options) - set(known.options))
        if unknown:
            raise TypeError(f"{action} has no option {', '.join(unknown)}")
        with self._lock:
            self._queue.append(Fault(step, action, service, {**known.options, **options}, times))

    def take(self, service: str, step: str) -> Fault | None:
        """The fault for this request, if there is one."""
        with self._lock:
            for fault in self._queue:
                if fault.step == step and fault.service in ("", service):
                    fault.left -= 1
                    if fault.left <= 0:
                        self._queue.remove(fault)
                    return fault
        return None

    def forget(self) -> None:
        with self._lock:
            self._queue.clear()


async def answer(fault: Fault | None, call: Call) -> web.StreamResponse:
    """The answer to a call, with the fault if there is one."""
    if fault is None:
        return await call.ordinary()
    return await ACTIONS[fault.action].run(call, **fault.options)
