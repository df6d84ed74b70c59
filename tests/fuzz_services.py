# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers every call of CSM, Meshy and ComfyUI with spoiled answers, and sees that nothing but one clean sentence comes of it.

`python tests/fuzz_services.py` in a Python that has requests and the test tools. Needs no bpy. Of every call, 500
answers are made from good ones (`hostile.py`) by one to three hostile manners each (`manners.py`); the same seed makes
the same ones. Each must end in time, with a proper value or one of our errors whose sentence is clean; with one create
request at most; with the key nowhere but at the service; in bounded memory; and with no thread, connection or process
left. Beside them, for each eighth answer, a whole job in a process of its own meets one. Ends with 1 where anything
else happened, and prints the command that repeats it.

The calls run in worker processes (`fuzz_worker.py`), so that one that hangs can be ended; the servers are in this one.
"""

import argparse
import collections
import contextlib
import json
import os
import queue
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # noqa: F401  # isort: skip -- makes the checkout importable as `image_to_3d`

import hostile_comfyui
import trustme
from drawing import png, star_png
from fuzz_worker import SECRET, SENTENCE_LETTERS, id_faults, request_of, sentence_faults, text_faults
from hostile import Answer, Hostile, Request, World, copied
from lanes import lines_of
from lanes import run as run_in_lanes
from manners import spoil
from service.cube import cube_glb

import image_to_3d
from image_to_3d import api
from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import worker
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process

CALLS = (
    *(f"meshy.{name}" for name in ("create", "get", "listen", "find", "cancel", "check_key", "fetch")),
    *(f"csm.{name}" for name in ("create", "get", "listen", "find", "check_key", "fetch")),
    *(f"comfyui.{name}" for name in ("create", "get", "listen", "cancel", "check_key", "check_ready", "fetch")),
)
JOBS = ("meshy.job", "csm.job", "comfyui.job")
ANSWERS, SEED, LANES = 500, 20261127, 2
JOB_SHARE = 8  # for so many answers of a call, one is met by a whole job of that service

CASE_S = 20.0  # against a hang; nothing is measured with it
JOB_S = 60.0
OWN_BYTES = 8 << 30  # a mistake here, where the answers are made, must not take the machine along
FACTOR = 40  # of the fast clock of a job's process
JOB_TIMES = {"connect_s": 2.0, "read_s": 2.0, "busy_s": 2.0, "create_s": 2.0}

KEYS = {
    "meshy": "msy_Fz7QkT3xW9bLr2Vn8Yd4Hc6Jm1Pg5Su0",
    "csm": "f7c31e90b52d4a86e1f07b9c3d58a264",
    "comfyui": "gw_Vx4RnB8sKq1Tz6Lp0Wd3Hj9Mc7Fy2Ue5",
}
TASK_IDS = {
    "meshy": "018a210d-8ba4-705c-b111-1f1776f7f578",
    "csm": "SESSION_1714539823_4183023",
    "comfyui": "5bae5b38-b3e8-4779-a5e6-0f6441853d35",
}
PICTURE = "https://pictures.example/fox.png"  # which only a service would fetch
TESTS = Path(__file__).parent


class Fault(NamedTuple):
    """Something that should not have happened. `kind` is what faults of the same cause have in common."""

    call: str
    number: int
    kind: str
    details: str
    words: str


# One case. Runs in the parent, in the thread of a lane.

TARGETS = {
    "create": ("create",),
    "get": ("get",),
    "listen": ("stream", "stream", "stream", "get"),
    "find": ("list", "list", "list", "get"),
    "cancel": ("delete",),
    "check_key": ("balance",),
    "fetch": ("file", "file", "file", "get"),
    "job": ("create", "create", "get", "stream", "list", "file", "file"),
}
TARGETS_AT_COMFYUI = {
    "create": ("create", "create", "upload", "info"),
    "get": ("queue", "history", "history", "history", "head"),
    "listen": ("socket", "socket", "socket", "queue", "history"),
    "cancel": ("delete", "queue"),
    "check_key": ("balance",),
    "check_ready": ("balance", "info"),
    "fetch": ("file",),
    "job": ("create", "upload", "info", "queue", "history", "history", "head", "socket", "file", "file"),
}
STATES = ("queue", "history", "head")
"""What ComfyUI says of a prompt, one after the other."""
REFUSALS = (
    ("400 Bad Request", "image_url is not valid"),
    ("401 Unauthorized", "Invalid API key"),
    ("402 Payment Required", "Insufficient credits"),
    ("403 Forbidden", "NoMorePendingTasks"),
    ("404 Not Found", "Task not found"),
    ("409 Conflict", "Task is in progress"),
    ("429 Too Many Requests", "Too many requests"),
    ("500 Internal Server Error", "Something went wrong"),
    ("503 Service Unavailable", "Try later"),
)


class Case:
    """The spoiled answer of number `number` of a call, and everything else about it that the seed decides."""

    def __init__(self, seed: int, call: str, number: int, worlds: dict[str, World]) -> None:
        self.call, self.number = call, number
        rng = self.rng = random.Random(f"{seed}/{call}/{number}")
        self.service, _, name = call.partition(".")
        self.is_job = name == "job"
        self.is_safe = rng.random() < 0.08 and not self.is_job
        self.world = worlds["https" if self.is_safe else "http"]
        self.target = rng.choice((TARGETS_AT_COMFYUI if self.service == "comfyui" else TARGETS)[name])
        if self.service == "csm":
            self.target = {"stream": "get", "balance": "list"}.get(self.target, self.target)
        self.via = rng.choice(("wait", "listen") if name == "listen" else ("save", "fetch"))
        if name == "fetch" and self.target == "get":
            self.via = "save"  # which asks for a fresh address
        self.is_online = rng.random() < 0.5
        self.picture = rng.choices(("url", "small", "large"), (8, 1, 1))[0]
        if self.service == "comfyui" and self.picture == "url":
            self.picture = "small"  # for it a picture in the web is fetched here
        self.times = rng.choice((1, 1, 2)) if self.is_job else rng.choice((1000, 1000, 1000, 1))
        self.answer = self._good(rng)
        self.words, self.cuts = spoil(rng, self.answer, self.world, self.target)
        if self.answer.is_early and name == "create":
            self.picture = "large"
        self.words = f"{self.target}, {self.base}, spoiled: {self.words}"
        self._said: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self.made = 0
        """How often the service may have made a task."""

    def _good(self, rng: random.Random) -> Answer:
        if rng.random() < 0.3:
            status, words = rng.choice(REFUSALS)
            self.base = f"refused with {status}"
            made = self.world.refusal(status, words)
            if status.startswith(("429", "503")) and rng.random() < 0.7:
                made.set("Retry-After", "2")
            return made
        state = rng.choice(("pending", "running", "succeeded", "succeeded", "failed"))
        self.base = f"good ({state})" if self.target in ("get", "list", "stream", *STATES) else "good"
        made = self.world.answer(self.target, state)
        if self.target == "list" and self.service == "csm" and rng.random() < 0.3:
            for record in made.documents[0]["data"]["results"]:
                del record["topology"]  # each session is then asked for
        return made

    def respond(self, request: Request) -> Answer:
        """What the service says: the spoiled answer where this case has one, else the good one."""
        route = self.world.route(request)
        with self._lock:
            self._said[route] += 1
            times = self._said[route]
        if route == self.target and times <= self.times:
            said = self.answer
        elif route in STATES:
            is_over = self.target in (*STATES, "file") or self._said["queue"] > 2
            is_over = is_over or not self.call.endswith(("listen", "job"))
            said = self.world.answer(route, "succeeded" if is_over else "running")
        elif route == "file" and self.target == "get" and times == 1:
            said = Answer("403 Forbidden", body=b"<Error><Code>ExpiredToken</Code></Error>")
        elif route == "get":
            is_over = self.target in ("get", "file") or times > 2 or not self.call.endswith(("listen", "job"))
            said = self.world.answer("get", "succeeded" if is_over else "running")
        else:
            said = self.world.answer(route)
            if self.is_job and self.target == "list" and route == "create":
                said.cut_at = 0.0  # a job asks for the list where the answer to its create was lost
            if route == "list" and self.service == "csm" and self.target == "get":
                for record in said.documents[0]["data"]["results"]:
                    del record["topology"]
        if (
            route == "create" and not is_refusal(said) and not said.is_early
        ):  # who has not read the request makes nothing
            self.made += 1
        return hostile_comfyui.accepted(copied(said), request) if route == "socket" else said


def is_refusal(answer: Answer) -> bool:
    """Whether a service that says so has certainly made nothing."""
    if answer.code == 503:
        return answer.header("Retry-After") is not None
    return 400 <= answer.code < 500 and answer.code not in (408, 499)


class Lane:
    """One worker after the other, with servers of its own. Runs one case at a time. `close` ends it."""

    def __init__(self, folder: Path, *, seed: int = SEED, case_s: float = CASE_S) -> None:
        self.seed, self.case_s = seed, case_s
        self.folder = folder
        folder.mkdir(parents=True)
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.stranger = Hostile("127.0.0.2" if sys.platform == "linux" else "127.0.0.1")
        self.servers = {"http": Hostile(), "https": Hostile(tls=context, name="localhost")}
        self.glb = folder / "cube.glb"
        self.glb.write_bytes(cube_glb(filler=50_000))
        self.pictures = {"url": PICTURE, "small": str(folder / "small.png"), "large": str(folder / "large.png")}
        Path(self.pictures["small"]).write_bytes(star_png(64))
        import numpy as np

        noise = np.random.default_rng(1).integers(0, 256, (900, 900, 4), np.uint8)  # cannot be compressed: 3 MB
        Path(self.pictures["large"]).write_bytes(png(noise))
        program = TESTS / "programs" / "stand_in_blender.py"
        self.blender = folder / "blender"
        self.blender.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{program}" "$@"\n')
        self.blender.chmod(0o755)
        self.worker: subprocess.Popen[str] | None = None
        self.stderr = folder / "stderr.txt"

    def close(self) -> None:
        self._end_worker()
        for server in (*self.servers.values(), self.stranger):
            server.close()

    def worlds(self, service: str) -> dict[str, World]:
        glb = self.glb.read_bytes()
        return {
            scheme: World(
                service,
                key=KEYS[service],
                url=server.url,
                stranger=self.stranger.url,
                glb=glb,
                task_id=TASK_IDS[service],
            )
            for scheme, server in self.servers.items()
        }

    def run(self, call: str, number: int) -> list[Fault]:
        """Run one case, and return what was wrong."""
        case = Case(self.seed, call, number, self.worlds(call.partition(".")[0]))
        if not case.is_job and (self.worker is None or self.worker.poll() is not None):
            self._start_worker()
        server = self.servers["https" if case.is_safe else "http"]
        server.play(case.respond)
        self.stranger.play(lambda request: case.world.answer("file"))
        folder = self.folder / "case"
        folder.mkdir()
        try:
            found = self._job(case, folder) if case.is_job else self._call(case, folder)
            found += self._after(case, server, folder)
        finally:
            server.play(lambda request: Answer("404 Not Found"))
            self.stranger.play(lambda request: Answer("404 Not Found"))
            shutil.rmtree(folder, ignore_errors=True)
        return [Fault(call, number, kind, details, case.words) for kind, details in found]

    def _after(self, case: Case, server: Hostile, folder: Path) -> Iterator[tuple[str, str]]:
        """What the servers and the disk have to say."""
        asked = [request for request in server.requests if request.method == "POST"]
        if case.service == "comfyui":  # which gets pictures and orders in the same way, and may get a job again
            asked = [] if case.is_job else [request for request in asked if case.world.route(request) == "create"]
            case.made = min(case.made, 1)
        creates = len(asked)
        if not case.is_job and creates > 1:
            yield "a second create request was sent", f"{creates} of them"
        if case.is_job and case.made > 1:
            yield "a create request was sent again that may have made a task", f"{creates} of them"
        key = case.world.key
        for request in self.stranger.requests:
            if request.method == "POST":
                yield "a create request went to another host", request.head[:200]
            if (
                key in request.head.partition("\r\n")[2]
            ):  # in the first line is the address, where the answer itself may have it
                yield "the key went to another host", request.head[:300]
        for request in server.requests:
            if request.target.startswith("/files/") and key in request.head.partition("\r\n")[2]:
                yield "the key was sent along for a file", request.head[:300]
        for file in filter(Path.is_file, folder.rglob("*")):
            content = file.read_bytes()
            is_model = ".glb" in file.name or file.name.startswith(
                "map-"
            )  # which the service delivered, whatever is in it
            if key.encode() in content and (not is_model or file.name.endswith("-tag")):
                yield f"the key is in {file.name if case.is_job else 'a file'}", file.name
        if self.stderr.exists() and key in self.stderr.read_text(errors="replace"):
            self.stderr.write_text("")
            yield "the key is in the standard error", ""

    def _call(self, case: Case, folder: Path) -> list[tuple[str, str]]:
        order = {
            "call": case.call,
            "key": case.world.key,
            "url": case.world.service_url,
            "glb_url": case.world.glb_url,
            "glb": str(self.glb),
            "task_id": case.world.task_id,
            "picture": self.pictures[case.picture],
            "via": case.via,
            "cuts": case.cuts,
            "online": case.is_online,
            "ca_file": str(self.ca_file) if case.is_safe else "",
            "blender": [str(self.blender), "--"],
            "folder": str(folder),
            "seconds": self.case_s,
            "is_first": False,
        }
        assert self.worker and self.worker.stdin and self.worker.stdout
        began = time.monotonic()
        with contextlib.suppress(OSError):
            self.worker.stdin.write(json.dumps(order) + "\n")
            self.worker.stdin.flush()
        line = self._line(began + self.case_s)
        if line is None:
            self._end_worker()
            return [(f"hung{self._where()}", f"after {self.case_s:.0f} s")]
        if not line:
            code = self.worker.wait()
            return [(f"the process ended with {code}", self.stderr.read_text(errors="replace")[-300:])]
        said = json.loads(line)
        return [
            (kind, f"{said['outcome'][:600]!r} after {said['seconds']:.2f} s") for kind in dict.fromkeys(said["faults"])
        ]

    def _start_worker(self) -> None:
        """Start a worker, and let it load what is loaded once."""
        drop = ("_proxy", "_api_key", "_api_url", "_ca_bundle", "ssl_cert_file", "ssl_cert_dir")
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith(drop)}
        paths = {**kept, "PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent), "PYTHONUNBUFFERED": "1"}
        self.stderr.write_text("")
        with self.stderr.open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-P", str(TESTS / "fuzz_worker.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=paths,
                process_group=0,
            )
        self._lines = lines_of(self.worker)
        self._warm_up()

    def _warm_up(self) -> None:
        """Have the worker make one good call, so that neither imports nor certificates count for a case."""
        world = self.worlds("meshy")["http"]
        server = self.servers["http"]
        server.play(lambda request: world.answer("get"))
        order = {
            "call": "meshy.get",
            "key": world.key,
            "url": world.service_url,
            "task_id": world.task_id,
            "via": "",
            "cuts": False,
            "online": False,
            "ca_file": str(self.ca_file),
            "blender": [],
            "folder": str(self.folder),
            "seconds": CASE_S,
            "is_first": True,
        }
        assert self.worker and self.worker.stdin
        self.worker.stdin.write(json.dumps(order) + "\n")
        self.worker.stdin.flush()
        line = self._line(time.monotonic() + CASE_S * 3)
        server.play(lambda request: Answer("404 Not Found"))
        if not line or json.loads(line)["faults"]:
            raise RuntimeError(f"not even a good answer is taken: {line} {self.stderr.read_text()[-2000:]}")

    def _line(self, until: float) -> str | None:
        """The worker's next line; None where it comes too late, "" where the worker has ended."""
        try:
            return self._lines.get(timeout=max(until - time.monotonic(), 0.01))
        except queue.Empty:
            return None

    def _where(self) -> str:
        """In which of the functions of ours it hung, as the worker wrote before it was ended."""
        text = self.stderr.read_text(errors="replace")
        places = re.findall(r'File "(.*?)", line \d+ in (\w+)', text)
        own = [f"{Path(file).stem}.{name}" for file, name in places if "/image_to_3d/api/" in file]
        return f" in {own[0]}" if own else f" in {Path(places[0][0]).stem}.{places[0][1]}" if places else ""

    def _end_worker(self) -> None:
        if self.worker is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(self.worker.pid, signal.SIGKILL)  # with what it has started
        self.worker.kill()
        self.worker.wait()
        self.worker = None

    def _job(self, case: Case, folder: Path) -> list[tuple[str, str]]:
        """A whole job in a process of its own."""
        picture = self.pictures["small"]
        root = folder / "jobs"
        made = folders.create(
            root,
            service=case.service,
            parameters=check(SERVICES[case.service].parameters, request_of(case.service, picture)),
            name="Red Star",
        )
        config = {
            "blender": str(self.blender),
            "connection": {
                "key": case.world.key,
                "url": case.world.service_url,
                "network": {**JOB_TIMES, "online": case.is_online},
            },
            "time_limit_s": 600.0,
        }
        hurry = [str(TESTS / "programs" / "hurry.py"), str(FACTOR)]
        started = worker.start(made, python=[sys.executable, "-I", *hurry], config=config)
        try:
            process.wait(started, max(JOB_S, self.case_s))
            if process.is_alive(started):
                job = folders.read(made)
                return [("a job's process hung", f"in the state {job.state}: {job.message[:300]!r}")]
            found = [*self._job_faults(case, made, started.returncode)]
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, 0)
                found.append(("a process of the job is left", case.call))
            return found
        finally:
            with contextlib.suppress(OSError):
                os.killpg(started.pid, signal.SIGKILL)
            started.kill()
            started.wait()
            with contextlib.suppress(OSError):
                process.stop(started)

    def _job_faults(self, case: Case, folder: Path, code: int) -> Iterator[tuple[str, str]]:
        log = (folder / folders.LOG).read_text(errors="replace")
        try:
            job = folders.read(folder)
        except api.ImageTo3DError as error:
            yield "the job's record cannot be read", str(error)
            return
        told = f"{job.state}: {job.message[:500]!r}"
        if code:
            yield f"the job's process ended with {code}", f"{told}\n{log[-800:]}"
        if job.state not in (State.READY, State.FAILED, State.CANCELLED, State.UNCONFIRMED):
            yield "the job is in no final state", told
        if job.state in (State.FAILED, State.UNCONFIRMED):
            for fault in sentence_faults(job.message, case.cuts, case.world.key):
                yield f"in the record, {fault}", told
        if "should not have" in job.message:
            yield "the job says that something went wrong that should not have", f"{told}\n{log[-800:]}"
        for name in ("message", "note", "service_note"):
            for fault in text_faults(getattr(job, name), name, longest=SENTENCE_LETTERS, key=case.world.key):
                yield f"in the record, {fault}", told
        for task_id in [job.task_id, *job.candidates]:
            for fault in id_faults(task_id) if task_id else ():
                yield f"in the record, {fault}", told
        if SECRET in log:
            yield "the signature of an address is in log.txt", log[max(log.find(SECRET) - 200, 0) :][:400]


# All of it.


def cases(only: str, answers: int, number: int | None) -> Iterator[tuple[str, int]]:
    """The cases that are to be run."""
    for call in (*CALLS, *JOBS):
        if only and call != only and call.partition(".")[0] != only:
            continue
        if number is not None:
            yield call, number
            continue
        of_call = answers // JOB_SHARE if call in JOBS else answers
        yield from ((call, count) for count in range(max(of_call, 1)))


def run(wanted: Iterable[tuple[str, int]], *, seed: int, lanes: int, case_s: float, told: Any = None) -> list[Fault]:
    """Run these cases in so many lanes side by side; return what was wrong. `told` hears of each that ended."""
    return run_in_lanes(wanted, lanes, lambda folder: Lane(folder, seed=seed, case_s=case_s), told)


def told_of(fault: Fault, seed: int) -> str:
    """One fault, and the command that repeats it."""
    again = f"python3 dev.py fuzz services --only {fault.call} --seed {seed} --case {fault.number}"
    return (
        f"{fault.call} {fault.number}: {fault.kind}\n  {fault.details}\n  the answer: {fault.words}\n  again: {again}"
    )


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="dev.py fuzz services",
        description="Answer every call of CSM, Meshy and ComfyUI with spoiled answers.",
        allow_abbrev=False,
    )
    made.add_argument("--answers", type=int, default=ANSWERS, metavar="N", help=f"for each call; {ANSWERS} by default")
    made.add_argument("--seed", type=int, default=SEED, metavar="S", help="another one makes other answers")
    made.add_argument(
        "--only", default="", metavar="CALL", help=f"of one call or service: {', '.join((*CALLS, *JOBS))}"
    )
    made.add_argument("--case", type=int, default=None, metavar="K", help="only the answer with this number")
    made.add_argument("--lanes", type=int, default=LANES, metavar="N", help="so many side by side")
    made.add_argument("--limit", type=float, default=CASE_S, metavar="S", help="seconds after which a call hangs")
    return made


def main() -> int:
    """Run what the command line says; return 1 where anything was wrong."""
    options = parser().parse_args()
    wanted = list(cases(options.only, options.answers, options.case))
    if not wanted:
        print(f"There is no call {options.only}: use one of {', '.join((*CALLS, *JOBS))}.", file=sys.stderr)
        return 1
    with contextlib.suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (OWN_BYTES, OWN_BYTES))
    count: collections.Counter[str] = collections.Counter()
    began = time.monotonic()
    total = collections.Counter(call for call, _ in wanted)

    def told(call: str, number: int, found: list[Fault]) -> None:
        count[call] += 1
        for fault in found:
            print(told_of(fault, options.seed), flush=True)
        if count[call] == total[call]:
            print(f"{call:<16} {total[call]:5} answers, {time.monotonic() - began:6.1f} s", flush=True)

    lanes = 1 if len(wanted) == 1 else options.lanes
    faults = run(wanted, seed=options.seed, lanes=lanes, case_s=options.limit, told=told)
    kinds = collections.Counter((fault.kind) for fault in faults)
    if kinds:
        print("\nWhat was wrong, and how often:")
        for kind, times in kinds.most_common():
            first = next(fault for fault in faults if fault.kind == kind)
            print(f"  {times:5}  {kind} (first: --only {first.call} --case {first.number})")
        print(f"{len({(f.call, f.number) for f in faults})} of {len(wanted)} answers were not met well.")
        return 1
    print(f"All {len(wanted)} answers were met well, in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
