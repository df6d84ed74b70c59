# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts broken and hostile GLBs through what a job does with a model, and sees that nothing but a model that is fine, or
one clean sentence, comes of it.

`python tests/fuzz_models.py` in a Python that has bpy and the test tools. Of each kind in `hostile_models.py` so many
files are made; the same seed makes the same ones. Each is checked, converted and appended to an empty scene in
background Blenders that do this for many (`fuzz_model_worker.py`). What is not fine there, and each twenty-fifth file,
is delivered by a service to a whole job in a process of its own, with a background Blender of its own: that has the
last word. It must end in time and within its memory, be ready or failed with one clean sentence that is true in kind,
leave the file as it was and nothing else behind, and open nothing outside. Ends with 1 where anything else happened,
and prints the command that repeats it.
"""

import argparse
import collections
import contextlib
import ctypes
import fcntl
import json
import os
import queue
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # noqa: F401  # isort: skip -- makes the checkout importable as `image_to_3d`

import hostile_models
from fuzz_worker import SENTENCE_LETTERS, sentence_faults, text_faults
from hostile import Answer, Hostile, Request, World
from hostile_models import CANARIES, KINDS, MARKER
from lanes import lines_of
from lanes import run as run_in_lanes

import image_to_3d
from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import worker
from image_to_3d.jobs.conversion import DRAWS_AT_MOST_S
from image_to_3d.jobs.folder import Job, State
from image_to_3d.programs import process

SEED, LANES = 20261127, 2
JOB_SHARE = 25  # of so many files one goes through a whole job at once

CHECK_S = 10.0  # that the cores may work on a check
CHECK_MB = 1000
MODEL_S = 60.0
"""So long a model may take to be prepared in the fuzz; a user's may take ten minutes."""
JOB_S = MODEL_S + 40.0  # with its start, its file on the way, and a machine that is busy
SPACE_BYTES = 3_000_000_000  # the address space that a model may take to be prepared
SPACE_SLACK = 1.02
OWN_BYTES = 8 << 30  # a mistake here must not take the machine along
STALL_S = 2.0  # that the cores may work on appending, on a slow machine
WORKER_FILES = 150  # after so many a worker is started anew: Blender does not give all memory back

KEY = "msy_Fz7QkT3xW9bLr2Vn8Yd4Hc6Jm1Pg5Su0"
TASK_ID = "018a210d-8ba4-705c-b111-1f1776f7f578"
TESTS = Path(__file__).parent
NAME = "Stranger"

KNOWN = re.compile(
    r"job\.json|lock|log\.txt|cancel|picture\d?\.\w+|result\.(glb|blend)|thumbnail\.png|map-\w+|(fetched|result)-kept-\d+\.glb"
)
"""What may be in a job's folder at its end."""

UNTRUE = {
    "says where Blender's code is": r"Location:|Traceback|\.py\b|, line \d+",
    "is a programmer's": r"\bError:|\b[A-Z]\w+(Error|Exception)\b|NoneType|object (is not|has no)|unsupported operand"
    r"|index out of range|not subscriptable|invalid literal|unpack requires|buffer size|could not broadcast",
    "asks for what costs credits": r"[Gg]enerate (it )?(again|anew)",
    "tells of a mistake of ours": r"should not have",
    "names a path of this machine": r"(^|[\s(\"'])/\w+/[\w./-]+|\b[A-Z]:\\|image_to_3d_fuzz",
}
"""What no sentence about a model may say."""
HANGS = {State.CONVERTING: "in its conversion", State.READY: "after its conversion, where the thumbnail is drawn"}
"""Where a job hangs, by its state."""
IN_OPEN, EVENT = 0x20, struct.Struct("iIII")
"""Of Linux' inotify: see inotify(7)."""
CRASHED = "stopped unexpectedly"
BOUNDED = re.compile(r"needs (longer|more) than")


class Fault(NamedTuple):
    """Something that should not have happened. `kind` is what faults of the same cause have in common."""

    sort: str
    number: int
    kind: str
    details: str
    words: str


class Tally:
    """How the files ended, for the summary."""

    def __init__(self) -> None:
        self.ends: collections.Counter[str] = collections.Counter()
        self.stalls: list[tuple[float, str]] = []
        self.crashes: list[str] = []
        self.bounded: list[str] = []


@contextlib.contextmanager
def canaries() -> Iterator[list[str]]:
    """Plant files that are the user's in the folder that models name. What is yielded holds at the end the names of
    those that were opened (Linux only). One at a time, also of several fuzzes: else nobody knows whose doing it was."""
    folder, opened = Path(CANARIES), list[str]()
    with open(f"{CANARIES}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)  # a fuzz that was killed has left it
        folder.mkdir()
        (folder / "canary.png").write_bytes(hostile_models.canary_png())
        (folder / "link.png").symlink_to(folder / "canary.png")
        os.mkfifo(folder / "pipe")
        watch = -1
        if sys.platform == "linux":
            libc = ctypes.CDLL(None, use_errno=True)
            watch = libc.inotify_init1(os.O_NONBLOCK)
            libc.inotify_add_watch(watch, str(folder).encode(), IN_OPEN)
        try:
            yield opened
            with contextlib.suppress(OSError):  # there is nothing (more) to read
                events = os.read(watch, 1 << 16)
                while events:
                    _, _, _, length = EVENT.unpack_from(events)
                    opened.append(events[EVENT.size :][:length].rstrip(b"\0").decode())
                    events = events[EVENT.size + length :]
        finally:
            with contextlib.suppress(OSError):
                os.close(watch)
            shutil.rmtree(folder, ignore_errors=True)


class Lane:
    """Background Blenders, one after the other, and a service that delivers. Runs one file at a time."""

    def __init__(self, folder: Path, tally: Tally, *, seed: int = SEED, model_s: float = MODEL_S) -> None:
        self.seed, self.model_s, self.folder, self.tally = seed, model_s, folder, tally
        folder.mkdir(parents=True)
        self.server = Hostile()
        self.blenders = {"convert": Worker(folder / "convert.txt"), "append": Worker(folder / "append.txt")}
        self.picture = folder / "canary.png"
        self.picture.write_bytes(hostile_models.canary_png())

    def close(self) -> None:
        for blender in self.blenders.values():
            blender.end()
        self.server.close()

    def run(self, kind: str, number: int) -> list[Fault]:
        """Run one file, and return what was wrong."""
        model = hostile_models.make(self.seed, kind, number)
        place = self.folder / "case"
        place.mkdir()
        try:
            with canaries() if kind == "escapes" else contextlib.nullcontext([]) as opened:
                found = list(self._tried(kind, number, model.content, place))
            found += [("a file outside was opened", name) for name in dict.fromkeys(opened) if name]
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return [Fault(kind, number, what, details, model.words) for what, details in found]

    def _tried(self, kind: str, number: int, content: bytes, place: Path) -> Iterator[tuple[str, str]]:
        """What is wrong with what comes of a file; the many in one Blender first."""
        if number % JOB_SHARE == JOB_SHARE - 1:
            yield from self._delivered(kind, number, content, place)
            return
        file = place / "result.glb"
        file.write_bytes(content)
        checked = self.blenders["convert"].ask({"do": "check", "glb": str(file)}, CHECK_S * 10)
        if checked is not None and "problem" in checked:
            if checked["s"] > CHECK_S:
                yield f"the check takes longer than {CHECK_S:.0f} s", f"{checked['s']:.1f} s"
            if checked["mb"] > CHECK_MB:
                yield f"the check takes more than {CHECK_MB} MB", f"{checked['mb']} MB"
            if checked["problem"]:
                yield checked["problem"], ""
                return
            if checked["sentence"] and kind != "good":
                told = checked["sentence"]
                for fault in (*sentence_faults(told, False, KEY), *untruths(told)):
                    yield f"in the check, {fault}", told
                self.tally.ends["refused by the check"] += 1
                return
            order = {"do": "convert", "glb": str(file), "folder": str(place), "name": NAME, "quads": number % 5 == 0}
            said = self.blenders["convert"].ask(order, self.model_s)
            if said is not None and not said.get("problem"):
                is_clean = not [*sentence_faults(said["error"], False, KEY), *untruths(said["error"])]
                if said["error"] and is_clean and file.read_bytes() == content and kind != "good":
                    self.tally.ends["refused by the conversion"] += 1
                    return
                if said["done"] and file.read_bytes() == content:
                    yield from self._appended(number, place, said["done"])
                    self.tally.ends["ready"] += 1
                    return
        for leftover in place.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        yield from self._delivered(kind, number, content, place)

    def _appended(self, number: int, folder: Path, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """What is wrong with a model in a scene."""
        note = facts.get("note", "")
        for fault in text_faults(note, "the note", longest=SENTENCE_LETTERS * 3):
            yield fault, note[:300]
        for fault in untruths(note):
            yield f"in the note, {fault}", note
        if MARKER in (folder / folders.BLEND).read_bytes():
            yield "a file of the user's is in the result", ""
        bounds = facts.get("bounds")
        order = {"do": "append", "folder": str(folder), "name": NAME, "sized": number % 2 == 0, "bounds": bounds}
        said = self.blenders["append"].ask(order, STALL_S * 30)
        if said is None:
            yield "Blender crashes or hangs where it is appended", self.blenders["append"].last_words()
            return
        if "failed" in said:
            yield said["failed"], ""
            return
        self.tally.stalls.append((said["s"], said["told"]))
        if said["s"] > STALL_S:
            yield f"appending takes longer than {STALL_S:.0f} s", said["told"]
        for fault in said["faults"]:
            yield fault, f"{note[:200]!r}, {said['told']}"

    def _delivered(self, kind: str, number: int, content: bytes, place: Path) -> Iterator[tuple[str, str]]:
        """A whole job, to which a service delivers the file."""
        world = World("meshy", key=KEY, url=self.server.url, stranger=self.server.url, glb=content, task_id=TASK_ID)

        def respond(request: Request) -> Answer:
            if ".png" in request.target:
                return Answer("404 Not Found")
            return world.answer(world.route(request))

        self.server.play(respond)
        shutil.copy(self.picture, place / "canary.png")
        parameters = check(SERVICES["meshy"].parameters, {"image_url": str(self.picture)})
        made = folders.create(place / "jobs", service="meshy", parameters=parameters, name=NAME)
        network = {"online": False}
        config = {
            "blender": "",
            "connection": {"key": KEY, "url": world.service_url, "network": network},
            "time_limit_s": JOB_S,
            "model_bounds": {"memory_bytes": SPACE_BYTES, "seconds": self.model_s},
        }
        started = worker.start(made, python=[sys.executable, "-I"], config=config)
        until = time.monotonic() + self.model_s + JOB_S - MODEL_S
        most_kb, is_ready = 0, False
        try:
            while process.is_alive(started) and time.monotonic() < until:
                most_kb = max([most_kb, *(kb for _, kb in blenders_in(made))])
                if not is_ready and folders.read(made).state == State.READY:  # its thumbnail is drawn from now on
                    is_ready, until = True, time.monotonic() + DRAWS_AT_MOST_S + JOB_S - MODEL_S
                time.sleep(0.05)
            job = folders.read(made)
            if process.is_alive(started):
                yield f"the job hangs {HANGS.get(job.state, 'before its conversion')}", job.message
                return
            yield from self._job_faults(kind, number, made, job, content, started.returncode)
            if blenders_in(made):
                yield "a process of the job is left", str(blenders_in(made))
            if most_kb > SPACE_BYTES / 1024 * SPACE_SLACK:
                yield "the background Blender takes more than 3 GB of address space", f"{most_kb // 1024} MB"
            if job.state == State.READY:
                yield from self._appended(number, made, {"note": job.note, "bounds": getattr(job, "bounds", None)})
            self.tally.ends[f"{job.state} in a job"] += 1
        finally:
            with contextlib.suppress(OSError):
                os.killpg(started.pid, signal.SIGKILL)
            for pid, _ in blenders_in(made):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            started.kill()
            started.wait()
            with contextlib.suppress(OSError):
                process.stop(started)
            self.server.play(lambda request: Answer("404 Not Found"))

    def _job_faults(
        self, kind: str, number: int, folder: Path, job: Job, content: bytes, code: int
    ) -> Iterator[tuple[str, str]]:
        log = (folder / folders.LOG).read_text(errors="replace")
        told = f"{job.state}: {job.message[:500]!r}"
        if code:
            yield f"the job's process ended with {code}", f"{told}\n{log[-800:]}"
        if job.state not in (State.READY, State.FAILED):
            yield "the job is in no final state", told
        if job.state == State.FAILED:
            for fault in (*sentence_faults(job.message, False, KEY), *untruths(job.message)):
                yield f"in the record, {fault}", told
            if kind == "good":
                yield "a good model is refused", told
            if BOUNDED.search(job.message):
                self.tally.bounded.append(f"{kind} {number}")
            if CRASHED in job.message:
                self.tally.crashes.append(told)
                yield "the background Blender crashes", f"{told}\n{log[-400:]}"
        kept = [file for file in folder.glob("*.glb") if file.read_bytes() == content]
        if not kept and "web page" not in job.message:
            yield "the file is not kept as it was", f"{told}, {sorted(file.name for file in folder.iterdir())}"
        if left := sorted(file.name for file in folder.iterdir() if not KNOWN.fullmatch(file.name)):
            yield f"{re.sub(r'[0-9]+', 'N', left[0])} is left in the folder", ", ".join(left)


def untruths(sentence: str) -> Iterator[str]:
    """What a sentence says that is nothing for people, or not true of a model."""
    for fault, pattern in UNTRUE.items():
        if re.search(pattern, sentence):
            yield f"the sentence {fault}"


def blenders_in(folder: Path) -> list[tuple[int, int]]:
    """The background Blenders that work in a job's folder: number, and most address space so far in kB. Linux only."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if str(folder).encode() in command and b"headless." in command:
                peak = re.search(r"VmPeak:\s+(\d+)", (entry / "status").read_text())
                if peak:  # else it has ended, and nobody has asked how
                    found.append((int(entry.name), int(peak[1])))
    return found


class Worker:
    """One `fuzz_model_worker.py` after the other: where one crashes or hangs, the next order starts another."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._orders = 0

    def ask(self, order: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """What comes of an order; None where the worker crashed or hung over it, and was ended."""
        if self._orders >= WORKER_FILES:
            self.end()
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._process and self._process.stdin
        self._orders += 1
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        said = self._said(seconds)
        if said is None:
            self.end()
        return said

    def last_words(self) -> str:
        """The end of what it has printed."""
        return self._log.read_text(errors="replace")[-600:] if self._log.exists() else ""

    def end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        self.end()
        self._orders = 0
        paths = {**os.environ, "PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent), "MALLOC_ARENA_MAX": "2"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(TESTS / "fuzz_model_worker.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=paths,
                process_group=0,
            )
        self._lines = lines_of(self._process)
        if self._said(60.0) is None:
            raise RuntimeError(f"Blender does not start: {self.last_words()}")

    def _said(self, seconds: float) -> dict[str, Any] | None:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        said: dict[str, Any] | None = json.loads(line) if line else None
        return said


# All of it.


def cases(only: str, files: int | None, number: int | None) -> Iterator[tuple[str, int]]:
    """The files that are to be run: one of each kind after the other, so that an early end has seen them all."""
    wanted = [kind for kind in KINDS if not only or kind == only]
    if number is not None:
        yield from ((kind, number) for kind in wanted)
        return
    for count in range(max(kind.files for kind in KINDS.values())):
        yield from ((kind, count) for kind in wanted if count < min(KINDS[kind].files, files or KINDS[kind].files))


def run(
    wanted: Iterable[tuple[str, int]], *, seed: int, lanes: int, model_s: float, tally: Tally, told: Any = None
) -> list[Fault]:
    """Run these files in so many lanes side by side; return what was wrong. `told` hears of each that ended."""
    return run_in_lanes(wanted, lanes, lambda folder: Lane(folder, tally, seed=seed, model_s=model_s), told)


def told_of(faults: list[Fault], seed: int) -> str:
    """What was wrong with one file, and the command that repeats it."""
    first = faults[0]
    again = f"python3 dev.py fuzz models --only {first.sort} --seed {seed} --case {first.number}"
    lines = [f"{first.sort} {first.number}: {first.words}"]
    told = ""
    for fault in faults:
        lines.append(f"  {fault.kind}" + (f"\n    {fault.details}" if fault.details not in ("", told) else ""))
        told = fault.details
    return "\n".join([*lines, f"  again: {again}"])


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="dev.py fuzz models", description="Prepare broken and hostile models.", allow_abbrev=False
    )
    total = sum(kind.files for kind in KINDS.values())
    made.add_argument("--files", type=int, metavar="N", help=f"at most, of each kind; {total} in all by default")
    made.add_argument("--seed", type=int, default=SEED, metavar="S", help="another one makes other files")
    made.add_argument("--only", default="", metavar="KIND", help=f"of one kind: {', '.join(KINDS)}")
    made.add_argument("--case", type=int, metavar="K", help="only the file with this number")
    made.add_argument("--lanes", type=int, default=LANES, metavar="N", help="so many side by side")
    made.add_argument("--limit", type=float, default=MODEL_S, metavar="S", help="seconds that a model may take")
    made.add_argument("--keep", metavar="FILE", help="write the file there, and run nothing (with --only and --case)")
    return made


def main() -> int:
    """Run what the command line says; return 1 where anything was wrong."""
    options = parser().parse_args()
    if options.only and options.only not in KINDS:
        print(f"There is no kind {options.only}: use one of {', '.join(KINDS)}.", file=sys.stderr)
        return 1
    wanted = list(cases(options.only, options.files, options.case))
    if options.keep:
        model = hostile_models.make(options.seed, *wanted[0])
        Path(options.keep).write_bytes(model.content)
        print(model.words)
        return 0
    with contextlib.suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (OWN_BYTES, OWN_BYTES))
    began = time.monotonic()
    tally = Tally()
    done = [0]

    def told(kind: str, number: int, found: list[Fault]) -> None:
        done[0] += 1
        if found:
            print(told_of(found, options.seed), flush=True)
        if done[0] % 100 == 0:
            print(f"{done[0]} of {len(wanted)} files, {time.monotonic() - began:.0f} s", flush=True)

    lanes = min(options.lanes, len(wanted))
    faults = run(wanted, seed=options.seed, lanes=lanes, model_s=options.limit, tally=tally, told=told)
    print("\nHow the files ended: " + ", ".join(f"{count} {end}" for end, count in tally.ends.most_common()) + ".")
    if tally.stalls:
        seconds, words = max(tally.stalls)
        print(f"The longest that the cores worked on appending: {seconds:.2f} s ({words}).")
    if tally.bounded:
        print(f"More time or memory than a model may have was needed by {', '.join(tally.bounded)}.")
    if tally.crashes:
        print(f"The background Blender crashed {len(tally.crashes)} times.")
    kinds = collections.Counter(fault.kind for fault in faults)
    if kinds:
        print("\nWhat was wrong, and how often:")
        for kind, times in kinds.most_common():
            first = next(fault for fault in faults if fault.kind == kind)
            print(f"  {times:5}  {kind} (first: --only {first.sort} --case {first.number})")
        print(f"{len({(f.sort, f.number) for f in faults})} of {len(wanted)} files were not met well.")
        return 1
    print(f"All {len(wanted)} files were met well, in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
