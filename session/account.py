# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts at the services: whether a service takes the key, and how many credits are left. Never waits, writes
nothing.

A process is asked (`jobs/account.py`), and `look()`, which a timer calls, hears what it says. Panels read `last()`.
Keys are kept in memory only, to notice when they change.
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
from . import access
from .redraw import redraw

LIMIT_S = 60.0
"""How long a check may take. Its own limits are shorter, unless a server sends its answer in drops."""

AGAIN_S = 10.0
"""How much time is between two checks that nobody asked for by hand."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Account:
    """What is known about an account. `credits` are those that were left when it was asked last, None where nobody
    knows."""

    sentence: str
    is_asking: bool = False
    is_error: bool = False
    credits: int | None = None


@dataclass
class _Check:
    """The last check of one service. `used` is what it depends on: with another key, nothing is known."""

    used: tuple[str, ...]
    began_s: float
    account: Account
    process: checks.Process | None = None
    is_outdated: bool = False


class Accounts:
    """What was heard of the accounts, by service. `clock` gives seconds that only grow."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Check] = {}

    def ask(self, service: str) -> None:
        """Begin to try the key of a service. Raises `ImageTo3DError` where it must not or cannot be asked,
        `OSError`."""
        if not SERVICES[service].needs_key:
            raise ImageTo3DError(f"{SERVICES[service].label} needs no API key: there is nothing to check.")
        reason = access.key_reason(service) or access.offline_reason(service, "")
        if reason:
            raise ImageTo3DError(f"{reason}.")
        before = self.last(service)
        if before and before.is_asking:
            return
        self._stop(service)
        connection = access.connection(service)
        account = Account("Checking the API key", is_asking=True, credits=before.credits if before else None)
        self._known[service] = check = _Check(_used(connection), self._clock(), account)
        try:
            check.process = checks.start(
                python=[sys.executable, *bpy.app.python_args], config={"service": service, "connection": connection}
            )
        except OSError as error:
            check.account = Account(user_message(error), is_error=True)
            raise
        redraw()

    def last(self, service: str) -> Account | None:
        """What was heard last about the account that the preferences or the environment name now; None where nothing
        was."""
        check = self._known.get(service)
        return check.account if check and check.used == _used(access.connection(service)) else None

    def look(self, service: str) -> None:
        """Hear what the processes say, and ask how many credits are left at `service`, where it tells and that is not
        known. For timers; never for what draws."""
        self.hear()
        check = self._known.get(service)
        if not SERVICES[service].tells_credits or (check and self._clock() - check.began_s < AGAIN_S):
            return
        if access.key_reason(service) or access.offline_reason(service, ""):
            return
        heard = self.last(service)
        if heard is None or (check and check.is_outdated and not heard.is_asking):
            try:
                self.ask(service)
            except OSError:  # `last` says so
                redraw()

    def outdated(self, service: str) -> None:
        """Say that the credits may have changed, because a job has ended: the next `look` asks again."""
        if service in self._known:
            self._known[service].is_outdated = True

    def hear(self) -> None:
        """Hear what the processes say; end those that take too long, or that nobody wants to hear any more."""
        for service, check in list(self._known.items()):
            if check.process is None:
                continue
            if self.last(service) is None or access.offline_reason(service, ""):
                self._stop(service)
                del self._known[service]
            elif (found := checks.answer(check.process)) is not None:
                check.process, check.account = None, _account(found)
            elif self._clock() - check.began_s > LIMIT_S:
                self._stop(service)
                check.account = Account(f"{SERVICES[service].label} does not answer: try again later.", is_error=True)
            else:
                continue
            redraw()

    def is_busy(self) -> bool:
        """Whether an answer is awaited."""
        return any(check.process for check in self._known.values())

    @property
    def processes(self) -> dict[str, checks.Process]:
        """The processes that ask, by service."""
        return {service: check.process for service, check in self._known.items() if check.process is not None}

    def _stop(self, service: str) -> None:
        check = self._known.get(service)
        if check and check.process:
            checks.kill(check.process)
            check.process = None

    def close(self) -> None:
        """Ask no further, and forget what was heard."""
        for service in self._known:
            self._stop(service)
        self._known.clear()


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
