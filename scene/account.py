# SPDX-License-Identifier: GPL-3.0-or-later
"""This Blender's side of the accounts: whether a service takes the key, and how many credits are left. Never waits, writes nothing.

A process is asked (`jobs/account.py`), and `tick()`, which a timer calls, hears what it says. Panels read `last()`. Keys are kept in
memory only, to notice when they change.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from ..api.errors import ImageTo3DError, user_message
from ..api.services import SERVICES
from ..jobs import account as checks
from . import session
from .redraw import redraw

LIMIT_S = 60.0
"""How long a check may take. Its own limits are shorter, unless a server sends its answer in drops."""

AGAIN_S = 10.0
"""How much time is between two checks that nobody asked for by hand."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Account:
    """What is known about an account. `credits` are those that were left when it was asked last, None where nobody knows."""

    sentence: str
    is_asking: bool = False
    is_error: bool = False
    credits: int | None = None


@dataclass
class _Check:
    """The last check of one service. `used` is what it depends on: another key, and it says nothing."""

    used: tuple[str, ...]
    began_s: float
    account: Account
    process: checks.Process | None = None
    is_outdated: bool = False


_known: dict[str, _Check] = {}
"""By service."""


def ask(service: str, *, clock: Clock = time.monotonic) -> None:
    """Begin to try the key of a service. Raises `ImageTo3DError` where it must not or cannot be asked, `OSError`."""
    if SERVICES[service].local:
        raise ImageTo3DError(f"{SERVICES[service].label} needs no API key: there is nothing to check.")
    reason = session.key_reason(service) or session.offline_reason(service, "")
    if reason:
        raise ImageTo3DError(f"{reason}.")
    before = last(service)
    if before and before.is_asking:
        return
    _stop(service)
    connection = session.connection(service)
    account = Account("Checking the API key", is_asking=True, credits=before.credits if before else None)
    _known[service] = check = _Check(_used(connection), clock(), account)
    try:
        check.process = checks.start(
            python=[sys.executable, *bpy.app.python_args], config={"service": service, "connection": connection}
        )
    except OSError as error:
        check.account = Account(user_message(error), is_error=True)
        raise
    redraw()


def last(service: str) -> Account | None:
    """What was heard last about the account that the preferences or the environment name now; None where nothing was."""
    check = _known.get(service)
    return check.account if check and check.used == _used(session.connection(service)) else None


def look(service: str, *, clock: Clock = time.monotonic) -> None:
    """Ask how many credits are left, where a service tells and it is not known. For timers; never for what draws."""
    check = _known.get(service)
    if not SERVICES[service].tells_credits or (check and clock() - check.began_s < AGAIN_S):
        return
    if session.key_reason(service) or session.offline_reason(service, ""):
        return
    heard = last(service)
    if heard is None or (check and check.is_outdated and not heard.is_asking):
        try:
            ask(service, clock=clock)
        except OSError:  # `last` says so
            redraw()


def outdated(service: str) -> None:
    """Say that the credits may have changed, because a job has ended: the next `look` asks again."""
    if service in _known:
        _known[service].is_outdated = True


def tick(*, clock: Clock = time.monotonic) -> None:
    """Hear what the processes say; end those that take too long, or that nobody wants to hear any more."""
    for service, check in list(_known.items()):
        if check.process is None:
            continue
        if last(service) is None or session.offline_reason(service, ""):
            _stop(service)
            del _known[service]
        elif (found := checks.answer(check.process)) is not None:
            check.process, check.account = None, _account(found)
        elif clock() - check.began_s > LIMIT_S:
            _stop(service)
            check.account = Account(f"{SERVICES[service].label} does not answer: try again later.", is_error=True)
        else:
            continue
        redraw()


def is_busy() -> bool:
    """Whether an answer is awaited."""
    return any(check.process for check in _known.values())


def _account(found: dict[str, Any]) -> Account:
    if not found["ok"]:
        return Account(found["sentence"], is_error=True)
    credits = found["credits"]
    if credits is None:
        return Account("API key accepted")
    return Account(f"API key accepted, {credits:,} {'credit' if credits == 1 else 'credits'} left", credits=credits)


def _used(connection: dict[str, Any]) -> tuple[str, ...]:
    """What of the options of a connection decides what a service says."""
    network = connection["network"]
    return connection["key"], connection["url"], network["proxy"], network["ca_file"]


def _stop(service: str) -> None:
    check = _known.get(service)
    if check and check.process:
        checks.kill(check.process)
        check.process = None


def register() -> None:
    """Nothing is asked before the first `look`."""


def unregister() -> None:
    """Ask no further, and forget what was heard."""
    for service in _known:
        _stop(service)
    _known.clear()
