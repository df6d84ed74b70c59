# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proper outcome of a call is, and the process that makes the calls for `fuzz_services.py`: it may hang, and is
ended then.

As a program it reads one order a line from standard input and writes what came of it as one line to standard output.
Starts no server.
"""

import contextlib
import json
import os
import re
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from image_to_3d import api
from image_to_3d.api.errors import user_message

TIMES = {"connect_s": 0.5, "read_s": 0.4, "busy_s": 0.4, "create_s": 0.6}
ENOUGH_S = 1.2  # after which whoever listens or fetches says that it is enough, as somebody who cancels
MEMORY_MB = 200
SENTENCE_LETTERS = 700
ID_LETTERS = 200
PAUSE_S = 86_400.0  # nobody waits for longer than a day
NUMBER = 1e15
IDS = 2000  # more tasks than a search may find
WHEN_PARTLY = 12  # so many letters of the key in a row say enough of it
SECRET = "SecretSignature"  # in each signed address of `hostile.py`


def text_faults(text: Any, what: str, *, longest: int, cuts: bool = True, key: str = "") -> Iterator[str]:
    """What is wrong with a text that people see, or that stands in a record."""
    if not isinstance(text, str):
        yield f"{what} is a {type(text).__name__}"
        return
    found = sorted({unicodedata.category(letter) for letter in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"})
    if found:
        kinds = {"Cc": "control", "Cf": "invisible", "Cs": "half", "Zl": "line end", "Zp": "line end"}
        yield f"{what} holds {' and '.join(dict.fromkeys(kinds[category] for category in found))} characters"
    if len(text) > longest:
        yield f"{what} is longer than {longest} characters"
    if key and key in text:
        yield f"{what} holds the key"
    elif key and not cuts and any(key[at : at + WHEN_PARTLY] in text for at in range(len(key) - WHEN_PARTLY)):
        yield f"{what} holds a part of the key"
    if SECRET in text:
        yield f"{what} holds the signature of an address"


def sentence_faults(text: str, cuts: bool, key: str) -> Iterator[str]:
    yield from text_faults(text, "the sentence", longest=SENTENCE_LETTERS, cuts=cuts, key=key)
    if not text.strip() or not text[0].isprintable() or text != text.strip():
        yield "the sentence is empty, or begins or ends with blanks"
    elif text[-1] not in ".!?)":
        yield "the sentence has no end"


def is_number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


def error_faults(error: BaseException, cuts: bool, key: str) -> Iterator[str]:
    """What is wrong with an error that came out of a call."""
    is_disk = type(error).__module__ == "builtins" and isinstance(error, OSError) and error.errno is not None
    if not isinstance(error, api.ImageTo3DError) and (not is_disk or isinstance(error, ConnectionError)):
        module = type(error).__module__.partition(".")[0]
        yield f"{'' if module == 'builtins' else f'{module} '}{type(error).__name__} came out"
        return
    yield from sentence_faults(user_message(error), cuts, key)
    request_id = getattr(error, "request_id", "")
    yield from text_faults(request_id, "the error's request id", longest=ID_LETTERS, cuts=cuts, key=key)
    pause = getattr(error, "retry_after_s", None)
    if pause is not None and not is_number(pause, 0, PAUSE_S):
        yield "the error asks for an absurd pause"


def id_faults(task_id: Any) -> Iterator[str]:
    if not isinstance(task_id, str) or not task_id:
        yield "a task's id is no text"
    elif len(task_id) > ID_LETTERS:
        yield f"a task's id is longer than {ID_LETTERS} characters"
    elif not (task_id.isascii() and task_id.isprintable()):
        yield "a task's id is not printable ASCII"


def task_faults(task: Any, cuts: bool, key: str) -> Iterator[str]:
    if not isinstance(task, api.Task):
        yield f"a {type(task).__name__} came instead of a task"
        return
    yield from id_faults(task.id)
    if not is_number(task.progress, 0, 1):
        yield "the progress is not between 0 and 1"
    yield from text_faults(task.message, "a task's message", longest=SENTENCE_LETTERS, cuts=cuts, key=key)
    if task.credits is not None and not (isinstance(task.credits, int) and is_number(task.credits, -NUMBER, NUMBER)):
        yield "the credits are no number"
    if task.retry_after_s is not None and not is_number(task.retry_after_s, 0, PAUSE_S):
        yield "a task asks for an absurd pause"
    if task.error:
        yield from error_faults(task.error, cuts, key)
    elif task.status is api.Status.SUCCEEDED and not task.result:
        yield "a task has succeeded without a model or an error"
    if task.result:
        addresses = [task.result.glb, *task.result.maps.values(), *task.result.extras.values()]
        if not all(isinstance(address, str) and address.isprintable() for address in addresses):
            yield "an address is not printable"


def request_of(service: str, picture: str) -> dict[str, Any]:
    """What is asked for."""
    return {"image_url": picture, **({"workflow": "mesh"} if service == "comfyui" else {})}


class Enough(Exception):
    """What somebody who cancels raises."""


def attempt(order: dict[str, Any], folder: Path) -> tuple[str, list[str]]:
    """Make one call as `order` says. Return what came of it in words, and what is wrong with that."""
    name, _, call = order["call"].partition(".")
    key, cuts, via = order["key"], order["cuts"], order["via"]
    until = time.monotonic() + ENOUGH_S

    def pause(seconds: float) -> None:
        # The answer to a create is waited for whatever happens; ComfyUI is asked for other things before.
        if order["call"] not in ("meshy.create", "csm.create") and time.monotonic() > until:
            raise Enough
        time.sleep(min(seconds, 0.02))

    def look(fraction: float) -> None:
        if not is_number(fraction, 0, 1):
            faults.append("the fraction of a download is not between 0 and 1")
        pause(0.0)

    faults: list[str] = []
    try:
        service = api.connect(
            name,
            key=key,
            url=order["url"],
            network=api.Network(online=order["online"], ca_file=order["ca_file"], **TIMES),
            folder=folder,
            blender=order["blender"],
            sleep=pause,
        )
        if call == "create":
            task = service.create(request_of(name, order["picture"]))
            return f"task {task.id[:100]!r}, {task.status}", list(task_faults(task, cuts, key))
        if call == "get":
            task = service.get(order["task_id"])
            return f"{task.status}: {task.message} {task.error or ''}", list(task_faults(task, cuts, key))
        if call == "listen":
            heard = 0
            if via == "wait":
                task = api.wait(
                    service,
                    order["task_id"],
                    on_progress=lambda task: faults.extend(task_faults(task, cuts, key)),
                    sleep=pause,
                    time_limit_s=30.0,
                )
                return f"waited: {task.status}", [*dict.fromkeys(faults), *task_faults(task, cuts, key)]
            with contextlib.closing(service.listen(order["task_id"], pause)) as tasks:
                for task in tasks:
                    heard += 1
                    faults += task_faults(task, cuts, key)
                    if time.monotonic() > until:
                        break
            return f"heard {heard}", list(dict.fromkeys(faults))
        if call == "find":
            found = service.find({"image_url": order["picture"]}, 1.0)
            if not isinstance(found, list) or len(found) > IDS:
                faults.append("the list of ids is none, or without end")
            for task_id in found[:IDS]:
                faults += id_faults(task_id)
            return f"found {str(found)[:200]}", list(dict.fromkeys(faults))
        if call == "cancel":
            is_over = service.cancel(order["task_id"])
            return f"cancelled: {is_over}", [] if isinstance(is_over, bool) else ["cancel returned no bool"]
        if call == "check_ready":
            said = service.check_ready(request_of(name, order["picture"]))
            return f"ready: {said}", list(
                text_faults(said, "what it says of itself", longest=SENTENCE_LETTERS, key=key)
            )
        if call == "check_key":
            credits = service.check_key()
            is_proper = credits is None or (isinstance(credits, int) and is_number(credits, -NUMBER, NUMBER))
            return f"credits: {str(credits)[:50]}", [] if is_proper else ["the credits are no number"]
        assert call == "fetch"
        path = folder / "model.glb"
        if via == "save":
            task = api.Task(order["task_id"], api.Status.SUCCEEDED, 1.0, result=api.Result(order["glb_url"]))
            api.save(service, task, path, look)
            is_whole = path.read_bytes() == Path(order["glb"]).read_bytes()
            return f"saved {path.stat().st_size}", faults + (
                [] if is_whole else ["another file than the model was saved"]
            )
        service.fetch(order["glb_url"], path, look)
        return f"fetched {path.stat().st_size}", faults
    except Enough:
        return "it was enough", faults
    except BaseException as error:  # whatever comes out is what is looked for
        return f"{type(error).__name__}: {str(error)[:1000]}", [*dict.fromkeys(faults), *error_faults(error, cuts, key)]


def peak_kb() -> int:
    """The most memory that this process had since `forget_peak`; since its start where the system cannot forget."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        import resource  # which Windows does not have

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def sockets() -> int:
    """How many connections this process has open; 0 where the system does not tell."""
    count = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(entry.path).startswith("socket:")
    return count


def children() -> list[str]:
    found: list[str] = []
    with contextlib.suppress(OSError):
        for entry in Path("/proc/self/task").iterdir():
            found += (entry / "children").read_text().split()
    return found


def work() -> None:
    """Be a worker: make the calls that standard input orders, one a line, and say on standard output what came of
    each."""
    import faulthandler
    import gc

    said, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints must not look like an answer
    with contextlib.suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # a bomb must not take the machine along
    for line in sys.stdin:
        order = json.loads(line)
        folder = Path(order["folder"])
        gc.collect()
        forget_peak()
        before = peak_kb(), threading.active_count(), sockets()
        faulthandler.dump_traceback_later(order["seconds"] * 0.8, file=sys.stderr)
        began = time.monotonic()
        outcome, faults = attempt(order, folder)
        seconds = time.monotonic() - began
        faulthandler.cancel_dump_traceback_later()
        more_mb = (peak_kb() - before[0]) // 1024
        if more_mb > MEMORY_MB and not order["is_first"]:
            faults.append(f"it took more than {MEMORY_MB} MB of memory")
            outcome += f" ({more_mb} MB)"
        if threading.active_count() > before[1]:
            faults.append("a thread is left")
        if sockets() > before[2]:
            gc.collect()  # an error that holds a connection in a cycle is no leak
            if sockets() > before[2]:
                faults.append("a connection is left")
        if children():
            faults.append("a process is left")
        print(json.dumps({"outcome": outcome, "faults": faults, "seconds": seconds}), file=said, flush=True)


if __name__ == "__main__":
    work()
