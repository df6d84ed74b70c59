# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts at the services: whether a service takes the key, how many credits are left, and what a server of the
user's lacks for the chosen parameters. Never waits, writes nothing.

A process is asked (`jobs/account.py`), and `look()`, which a timer calls, hears what it says. Panels read `last()`.
Keys are kept in memory only, to notice when they change.
"""

import dataclasses
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from ..api.errors import ImageTo3DError, user_message
from ..api.parameters import Choice, File, Picture, Text
from ..api.services import SERVICES
from ..jobs import account as checks
from ..scene import settings
from . import access
from .redraw import redraw

LIMIT_S = 60.0
"""How long a check may take. Its own limits are shorter, unless a server sends its answer in drops."""

AGAIN_S = 10.0
"""How much time is between two checks that nobody asked for by hand."""

SOON_S = 1.0
"""The same where other parameters were chosen meanwhile: people look at the panel."""

LATELY_S = 60.0
"""How long it counts what a server lacks: where no timer asks again, it may have got it meanwhile."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Account:
    """What is known about an account. While `is_asking` again, that is what was heard before.

    `credits` are those that were left when it was asked last, None where nobody knows; `page` is where in the web
    people get what is missing, "" for nowhere.
    """

    sentence: str
    is_asking: bool = False
    is_error: bool = False
    credits: int | None = None
    page: str = ""


@dataclass
class _Check:
    """The last check of one service. `used` and `parameters` are what it depends on: with another key, nothing is
    known."""

    used: tuple[str, ...]
    parameters: dict[str, Any]
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
        """Begin to try the key of a service, or what its server lacks. Raises `ImageTo3DError` where it must not or
        cannot be asked, `OSError`."""
        about = SERVICES[service]
        if not (about.needs_key or about.tells_lacks):
            raise ImageTo3DError(f"{about.label} needs no API key: there is nothing to check.")
        reason = access.key_reason(service) or access.offline_reason(service)
        if reason:
            raise ImageTo3DError(f"{reason}.")
        before = self.last(service)
        if before and before.is_asking:
            return
        self._stop(service)
        connection, parameters = access.connection(service), _parameters(service)
        account = dataclasses.replace(before or Account(asking(service)), is_asking=True)
        self._known[service] = check = _Check(_used(connection), _deciding(service, parameters), self._clock(), account)
        try:
            check.process = checks.start(
                python=[sys.executable, *bpy.app.python_args],
                config={"service": service, "connection": connection, "parameters": parameters},
            )
        except OSError as error:
            check.account = Account(user_message(error), is_error=True)
            raise
        redraw()

    def last(self, service: str) -> Account | None:
        """What was heard last about the account that the preferences or the environment name now, and for the
        parameters that are chosen now; None where nothing was."""
        check = self._known.get(service)
        if check is None or check.used != _used(access.connection(service)):
            return None
        return check.account if check.parameters == _deciding(service, _parameters(service)) else None

    def lack(self, service: str) -> str:
        """Why a server of the user's can make no model now, as far as was heard lately; "" for all others."""
        heard = self.last(service) if SERVICES[service].tells_lacks else None
        if heard is None or not heard.is_error or self._clock() - self._known[service].began_s > LATELY_S:
            return ""
        return heard.sentence

    def look(self, service: str) -> None:
        """Hear what the processes say, and ask how many credits are left at `service`, or what it lacks, where it tells
        and that is not known; again and again while it lacks something. For timers; never for what draws."""
        self.hear()
        check, about = self._known.get(service), SERVICES[service]
        if not (about.tells_credits or about.tells_lacks):
            return
        pause_s = AGAIN_S if check and check.parameters == _deciding(service, _parameters(service)) else SOON_S
        if check and self._clock() - check.began_s < pause_s:
            return
        if access.key_reason(service) or access.offline_reason(service):
            return
        heard = self.last(service)
        is_outdated = bool(check and check.is_outdated) or (about.tells_lacks and heard is not None and heard.is_error)
        if heard is None or (is_outdated and not heard.is_asking):
            try:
                self.ask(service)
            except OSError:  # `last` says so
                redraw()

    def outdated(self, service: str) -> None:
        """Say that the credits may have changed, or what a server lacks, because a job has ended: the next `look` asks
        again."""
        if service in self._known:
            self._known[service].is_outdated = True

    def hear(self) -> None:
        """Hear what the processes say; end those that take too long, or that nobody wants to hear any more."""
        for service, check in list(self._known.items()):
            if check.process is None:
                continue
            if self.last(service) is None or access.offline_reason(service):
                self._stop(service)
                del self._known[service]
            elif (found := checks.answer(check.process)) is not None:
                check.process, check.account = None, _account(service, found)
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


def asking(service: str) -> str:
    """What is said while a service is asked."""
    return "Checking the API key" if SERVICES[service].needs_key else f"Looking for {SERVICES[service].label}"


def _account(service: str, found: dict[str, Any]) -> Account:
    if not found["ok"]:
        return Account(found["sentence"], is_error=True, page=found.get("page", ""))
    if SERVICES[service].tells_lacks:
        sentence = found.get("sentence", "")
        return Account(f"Ready: {sentence}" if sentence else "Ready")
    credits = found["credits"]
    if credits is None:
        return Account("API key accepted")
    return Account(f"API key accepted, {credits:,} {'credit' if credits == 1 else 'credits'} left", credits=credits)


def _used(connection: dict[str, Any]) -> tuple[str, ...]:
    """What of the options of a connection decides what a service says."""
    network = connection["network"]
    return connection["key"], connection["url"], network["proxy"], network["ca_file"]


def _parameters(service: str) -> dict[str, Any]:
    """What the settings ask of a service that tells what it lacks, without the pictures; nothing for all others."""
    about, scene = SERVICES[service], bpy.context.scene
    if not about.tells_lacks or scene is None:
        return {}
    values = settings.values_that_apply(getattr(scene.image_to_3d, service), about.parameters)
    return {
        entry.name: values[entry.name]
        for entry in about.parameters
        if entry.name in values and not isinstance(entry, Picture)
    }


def _deciding(service: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Those of the parameters that decide what a server needs. Numbers and flags only change how a model is made."""
    kinds = {entry.name: entry for entry in SERVICES[service].parameters}
    return {name: value for name, value in parameters.items() if isinstance(kinds[name], (Choice, File, Text))}
