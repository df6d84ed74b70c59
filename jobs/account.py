# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service takes a key, what the account has, and what a server of the user's lacks: asked in a process of its
own, as every request is. Spends nothing, writes no file, and imports no bpy.

The process gets one line of JSON on its standard input, which holds the key; it writes one line to its standard output,
and ends. The input stays open: its end tells the process that Blender has gone away.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..api.errors import ImageTo3DError, LackError, user_message
from ..api.network import Network
from ..api.services import SERVICES, client_for
from ..api.words import SENTENCE_AT_MOST, clean
from ..programs import process as processes
from ..programs.process import Process, starter_is_gone

STOPPED = "The check stopped unexpectedly: try again."

PAGE_AT_MOST = 1000  # letters of an address that people are led to


def start(*, python: Sequence[str], config: dict[str, Any]) -> Process:
    """Start the process in the Python that the command line `python` begins with; never waits. Raises `StartError`.

    `config` are "service" and "connection", the options of the service's class ("network" among them as a dict); for a
    service that tells what it lacks, "parameters" as well, as `Service.check_ready` takes them.
    """
    return processes.start(
        "jobs.account",
        python=python,
        config=config,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback might show the key
    )


def answer(process: Process) -> dict[str, Any] | None:
    """Return what the process has found out, None while it still asks; never waits.

    {"ok": True, "credits": number or None}, with "sentence" where the service says something of itself; or
    {"ok": False, "sentence": what to do}, with "page" where a page in the web has what is missing.
    """
    line = processes.last_line(process)
    if line is None:
        return None
    try:
        found = json.loads(line)
        sentence = clean(found.get("sentence", ""), SENTENCE_AT_MOST)
        if found["ok"] is True and (found["credits"] is None or type(found["credits"]) is int):
            return {"ok": True, "credits": found["credits"], **({"sentence": sentence} if sentence else {})}
        page = _page(found.get("page", ""))
        return {"ok": False, "sentence": sentence or STOPPED, **({"page": page} if page else {})}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # it has died in the middle of it
        return {"ok": False, "sentence": STOPPED}


def _page(page: str) -> str:
    """Return `page` where it is an address that a browser may be sent to, else ""."""
    is_one = page.startswith("https://") and page == clean(page, PAGE_AT_MOST) and " " not in page
    return page if is_one else ""


def kill(process: Process) -> None:
    """End the process at once."""
    processes.kill(process)
    processes.let_go(process)


def main() -> None:
    """Read the config, ask, write the answer."""
    line = sys.stdin.buffer.readline()
    if line.endswith(b"\n"):  # else Blender has gone away in the middle of it
        print(json.dumps(ask(json.loads(line), starter_is_gone)))


def ask(config: dict[str, Any], starter_is_gone: Callable[[], bool]) -> dict[str, Any]:
    """Try the key, or whether a job could be made, and return the answer as `answer` says. Ends the process where
    nobody is there any more to hear it."""

    def sleep(seconds: float) -> None:
        if starter_is_gone():
            sys.exit(1)
        time.sleep(seconds)

    connection = dict(config["connection"])
    network = Network(**connection.pop("network"))
    secrets = [str(connection.get("key", "")), network.proxy]
    try:
        service = client_for(config["service"], network=network, sleep=sleep, **connection)
        if not SERVICES[config["service"]].tells_lacks:
            return {"ok": True, "credits": service.check_key()}
        said = service.check_ready(config["parameters"])
        return {"ok": True, "credits": None, "sentence": clean(said, SENTENCE_AT_MOST, secrets)}
    except (ImageTo3DError, OSError) as error:
        sentence = clean(user_message(error), SENTENCE_AT_MOST, secrets)
        return {"ok": False, "sentence": sentence, "page": error.page if isinstance(error, LackError) else ""}


if __name__ == "__main__":
    main()
