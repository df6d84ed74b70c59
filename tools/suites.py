# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py test`, `bench` and `fuzz`: each suite in a process of its own, so that a crash or a hang names itself."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .common import ROOT, TESTS, Outcome, Stop, clean_environment, ending, headline, report, version_name
from .environments import BLENDERS, Blender, blender_environment, default_blender, farm_environment, find_pythons
from .windows import find_window_blenders, missing_for_windows, windows_environment

if TYPE_CHECKING:
    from collections.abc import Sequence


SUITE_ORDER = ("service", "api", "jobs", "paid", "headless", "blender", "command", "farm", "dev")
ONCE_SUITES = ("service", "paid", "farm")  # no Blender takes part, or none that matters: one Blender's Python is enough
ONCE_SERIES = "4.5"  # where it is among them
PLAIN_SUITES = ("api", "jobs", "command", "dev")  # about processes, words and connections: one wheel for each Python
FARM_SUITE = "farm"  # runs farm jobs with a tool that is in no Blender
WINDOW_SUITE = "gui"  # a wheel has no windows: once for each real Blender
BENCHES = (
    *("bench_enabling.py", "bench_jobs.py", "bench_blender.py", "bench_sculpt.py", "bench_services.py"),
    "bench_command.py",
)
ARRIVAL_BENCH = "bench_arrival.py"
"""How quick Blender's own import is differs from version to version: it is run in each wheel."""
WINDOW_BENCH = "bench_windows.py"
CUTOUT_BENCH = "bench_cutout.py"
"""Run alone, where a folder of pictures with their masks is given."""
FUZZES = {"services": "fuzz_services.py", "models": "fuzz_models.py"}
SUITE_SECONDS = 1500  # a suite that takes longer hangs; the slowest takes a third of this where another runs beside it
WINDOW_SECONDS = 3600  # people's work is slow: mouse, keyboard, and a screen that is drawn without a graphics card
ABORT_SECONDS = 5  # what a hanging suite gets to write where it hangs
LOOK_SECONDS = 0.05  # between two looks at the suites that run
LANE_GB = 2.0  # of memory for a suite and the background Blenders that it starts

LENGTHS = {
    **{"gui": 500, "paid": 400, "headless": 300, "blender": 250, "api": 120, "jobs": 120, "command": 90},
    **{"service": 60, "farm": 40, "dev": 20},
}
"""Seconds that each suite takes by itself on two cores. The longest begin first: none is left at the end."""
ONCE_TIMES = 2
"""How much longer a suite takes in the one wheel that has the tests which no other repeats."""
PARTS = {"paid": 2, "blender": 3, "headless": 3, "api": 2, "jobs": 2}
"""Into so many processes a long suite is parted, file by file, where suites run side by side."""
ALONE = {
    "headless": (
        ("test_sculpt.py",),
        ("test_views.py", "test_hull.py", "test_back.py", "test_nets.py", "test_wrap.py"),
    )
}
"""Of a parted suite the files that are processes of their own, as they take longer than their sizes tell."""


class Suite(NamedTuple):
    """One pytest process that is to be run: what it is called, and all that it depends on."""

    name: str
    title: str
    python: Path
    arguments: Sequence[str]
    narrowed: bool = False  # the user has chosen tests: no test is then no failure
    seconds: float = SUITE_SECONDS
    length: float = 0.0  # seconds that it is likely to take
    variables: dict[str, str] = {}
    has_windows: bool = False


class Running:
    """A suite that has been started. Its output goes to the terminal, or is kept where others run beside it."""

    def __init__(self, suite: Suite, *, keep_output: bool) -> None:
        self.suite = suite
        self._folder = tempfile.TemporaryDirectory(prefix="image_to_3d_suite_")
        self._results = Path(self._folder.name, "results.xml")
        self._kept = Path(self._folder.name, "output.txt") if keep_output else None
        command = [str(suite.python), "-P", "-m", "pytest", f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]
        self._started = time.monotonic()
        with self._kept.open("wb") if self._kept else contextlib.nullcontext() as output:
            self._process = subprocess.Popen(
                [*command, f"--junitxml={self._results}", *suite.arguments],
                cwd=ROOT,
                env=clean_environment(**suite.variables),
                stdout=output,
                stderr=output and subprocess.STDOUT,
                start_new_session=os.name != "nt",
            )

    def outcome_or_none(self) -> Outcome | None:
        """How it ended; None while it runs. One that has had its time is ended."""
        code = self._process.poll()
        seconds = time.monotonic() - self._started
        if code is None and seconds < self.suite.seconds:
            return None
        if code is None:
            self._abort()
        counts = read_counts(self._results)
        facts = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
        problem = suite_problem(code, counts, self.suite.narrowed, self.suite.seconds)
        return Outcome(self.suite.name, facts, seconds, problem)

    def _abort(self) -> None:
        """The first signal is SIGABRT, on which pytest's fault handler writes the stack: a hang names itself."""
        if os.name != "nt":
            self._process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(ABORT_SECONDS)
        end_group(self._process)

    def close(self) -> None:
        """End it if it still runs, and show what it said if that was kept."""
        if self._process.poll() is None:
            end_group(self._process)
        if self._kept:
            headline(self.suite.title)
            sys.stdout.buffer.write(self._kept.read_bytes())
            sys.stdout.flush()
        self._folder.cleanup()


def run_suites(suites: Sequence[Suite], lanes: int) -> list[Outcome]:
    """Run these suites, `lanes` of them side by side, and give their outcomes in the order of `suites`.

    A single lane writes to the terminal at once; of several, each suite's output comes as a block when it ends. The
    longest begin first. Of suites with windows no two run side by side, as both draw with every core that there is, so
    these begin before all others.
    """
    lanes = min(lanes, len(suites))
    waiting = sorted(suites, key=lambda suite: (not suite.has_windows, -suite.length)) if lanes > 1 else list(suites)
    going: list[Running] = []
    outcomes: dict[int, Outcome] = {}
    try:
        while waiting or going:
            for suite in startable(waiting, [running.suite for running in going], lanes):
                waiting.remove(suite)
                if lanes > 1:
                    print(f"Started: {suite.title}", flush=True)
                else:
                    headline(suite.title)
                going.append(Running(suite, keep_output=lanes > 1))
            time.sleep(LOOK_SECONDS)
            for running in list(going):
                outcome = running.outcome_or_none()
                if outcome:
                    going.remove(running)
                    running.close()
                    outcomes[id(running.suite)] = outcome
    finally:
        for running in going:
            running.close()
            print(f"Ended before its end: {running.suite.title}", flush=True)
    return [outcomes[id(suite)] for suite in suites]


def startable(waiting: Sequence[Suite], going: Sequence[Suite], lanes: int) -> list[Suite]:
    """Which of the suites that wait may start beside those that run."""
    chosen: list[Suite] = []
    for suite in waiting:
        beside = [*going, *chosen]
        if len(beside) < lanes and not (suite.has_windows and any(other.has_windows for other in beside)):
            chosen.append(suite)
    return chosen


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started, also when it has ended itself and left that behind."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def command_test(options: argparse.Namespace) -> int:
    with_windows, no_windows = window_suites(options)  # first, as a wrong BLENDER is told before anything is fetched
    suites, left_out = wheel_suites(options)
    started = time.monotonic()
    outcomes = run_suites([*suites, *with_windows], options.lanes)
    seconds = time.monotonic() - started
    for sentence in [*left_out, *no_windows]:
        print(f"\nLeft out: {sentence}", flush=True)
    if not outcomes:
        raise Stop("None of these paths is in a suite under tests/ that can run here.")
    if options.arguments and not any(outcome.facts for outcome in outcomes) and not any(o.problem for o in outcomes):
        raise Stop("These arguments select no test.")
    code = report(outcomes)
    worked = os.times().children_user + os.times().children_system
    print(f"{seconds:.0f} s, in which the cores worked {worked:.0f} s.", flush=True)  # Windows tells 0
    return code


def wheel_suites(options: argparse.Namespace) -> tuple[list[Suite], list[str]]:
    """What is to be run in the wheels, whose environments are made; a sentence for each that cannot run here."""
    planned = [(folder, *split_arguments(options.arguments, folder)) for folder in suite_folders()]
    wanted = [(folder.name, [*paths, *others]) for folder, paths, others in planned if paths is not None]
    if not wanted:
        return [], []
    chosen, left_out = choose_blenders(options)
    once = next((blender for blender, _ in chosen if blender.series == ONCE_SERIES), chosen[0][0])
    suites: list[Suite] = []
    done: set[tuple[str, tuple[int, int]]] = set()
    # That one first, as of those with the same Python it takes the plain suites: its tests that are marked run nowhere
    # else.
    for blender, python in sorted(chosen, key=lambda each: each[0] is not once):
        executable = blender_environment(blender, python)
        for name, arguments in wanted:
            if name in ONCE_SUITES and blender is not once:
                continue
            if name in PLAIN_SUITES and (name, blender.python) in done:
                continue
            done.add((name, blender.python))
            title = f"{name} in Blender {blender.series} (Python {version_name(blender.python)})"
            short = f"{name:<9} Blender {blender.series}"
            length = LENGTHS.get(name, 0.0) * (ONCE_TIMES if blender is once else 1)
            whole = Suite(short, title, executable, arguments, bool(options.arguments), length=length)
            if name == FARM_SUITE:
                whole = whole._replace(variables={"IMAGE_TO_3D_OPENJD": str(farm_environment())})
            is_parted = options.lanes > 1 and not options.arguments
            suites += parts_of(whole, TESTS / name, ALONE.get(name, ()), PARTS.get(name, 1)) if is_parted else [whole]
    return suites, left_out


def parts_of(suite: Suite, folder: Path, alone: Sequence[Sequence[str]], number: int) -> list[Suite]:
    """The tests of a suite's folder in so many processes, each file in one of them.

    The files of each group in `alone` are one process. The others are dealt out by their sizes, large ones first.
    """
    if number == 1:
        return [suite]
    files = sorted(folder.rglob("test_*.py"), key=lambda file: (-file.stat().st_size, file))
    groups = [[file for file in files if file.name in names] for names in alone]
    hands: list[list[Path]] = [[] for _ in range(number - len(groups))]
    for file in files:
        if not any(file in group for group in groups):
            min(hands, key=lambda hand: sum(held.stat().st_size for held in hand)).append(file)
    return [
        suite._replace(
            name=f"{suite.name} {part} of {number}",
            title=f"{suite.title}, part {part} of {number}",
            arguments=[str(file) for file in sorted(hand)],
            length=suite.length / number,
        )
        for part, hand in enumerate([*groups, *hands], 1)
        if hand
    ]


def default_lanes() -> int:
    """As many suites side by side as there are cores, and as their memory allows."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, OSError, ValueError):  # Windows does not tell
        return cores
    return max(1, min(cores, int(memory_gb / LANE_GB)))


def window_suites(options: argparse.Namespace) -> tuple[list[Suite], list[str]]:
    """The suite with windows for each real Blender of this machine; a sentence for what is left out or missing."""
    folder = TESTS / WINDOW_SUITE
    paths, others = split_arguments(options.arguments, folder)
    if paths is None or not any(folder.glob("test_*.py")):
        return [], []
    if options.blender:
        return [], [f"tests/{WINDOW_SUITE}, as --blender {options.blender} names a Blender without windows."]
    blenders, left_out = find_window_blenders(os.environ)
    missing = missing_for_windows(os.environ, sys.platform) if blenders else ""
    if missing:
        return [], [missing]
    suites = [
        Suite(
            f"{WINDOW_SUITE:<9} Blender {blender.version}",
            f"{WINDOW_SUITE} in Blender {blender.version} ({blender.path})",
            windows_environment(),
            [*paths, *others],
            narrowed=bool(options.arguments),
            seconds=WINDOW_SECONDS,
            length=LENGTHS[WINDOW_SUITE],
            variables={"IMAGE_TO_3D_BLENDER": blender.path},
            has_windows=True,
        )
        for blender in blenders
    ]
    return suites, left_out


def choose_blenders(options: argparse.Namespace) -> tuple[list[tuple[Blender, str]], list[str]]:
    """The wheels to test with the Python for each, and a sentence for each that this machine cannot run."""
    if not options.all and not options.blender:
        return [(default_blender(), sys.executable)], []
    wanted = [b for b in BLENDERS if options.all or b.series == options.blender]
    pythons = find_pythons()
    chosen = [(b, pythons[b.python]) for b in wanted if b.python in pythons]
    left_out = [
        f"Blender {b.series}, as this machine has no Python {version_name(b.python)} that can make environments."
        for b in wanted
        if b.python not in pythons
    ]
    if not chosen:
        raise Stop(" ".join(left_out))
    return chosen, left_out


def suite_folders() -> list[Path]:
    """The folders under tests/ with tests for a wheel, in the order of `SUITE_ORDER`; others come last."""
    folders = {path.parent for path in TESTS.rglob("test_*.py")}
    roots = {TESTS / folder.relative_to(TESTS).parts[0] for folder in folders if folder != TESTS}
    known = [TESTS / name for name in SUITE_ORDER if TESTS / name in roots]
    return known + sorted(f for f in roots if f not in known and f.name != WINDOW_SUITE)


def split_arguments(arguments: Sequence[str], folder: Path) -> tuple[list[str] | None, list[str]]:
    """Part the user's pytest arguments into this suite's paths (None: they name other suites only) and the rest."""
    paths, others = [], []
    for argument in arguments:
        path = Path(os.path.abspath(argument.split("::")[0]))
        (paths if path.exists() and TESTS in (path, *path.parents) else others).append(argument)
    if not paths or any(Path(os.path.abspath(p)) == TESTS for p in paths):
        return [str(folder)], others
    mine = [p for p in paths if folder in (Path(os.path.abspath(p.split("::")[0])), *Path(os.path.abspath(p)).parents)]
    return ([os.path.abspath(p) for p in mine] if mine else None), others


def read_counts(results: Path) -> dict[str, int]:
    """How many tests passed, failed and were skipped, from pytest's own report; empty if it never wrote one."""
    if not results.exists():
        return {}
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in xml.etree.ElementTree.parse(results).getroot().iter("testsuite"):
        for word in total:
            total[word] += int(suite.get(word, 0))
    bad = total["failures"] + total["errors"]
    return {"passed": total["tests"] - bad - total["skipped"], "failed": bad, "skipped": total["skipped"]}


def suite_problem(code: int | None, counts: dict[str, int], narrowed: bool, seconds: float) -> str:
    """What is wrong with a suite that ended so; empty if nothing is."""
    if code is None:
        where = "at its end, after all its tests" if counts else "before its last test"
        return f"hung {where}, ended after {seconds:.0f} s"
    if ending(code):
        return ending(code) + (" at its end, after all its tests" if counts else "")
    if code == 0 or (code == 5 and narrowed):  # 5: nothing collected, which the user's own -k may well cause
        return ""
    if code == 1 and counts and not counts["failed"]:  # as tests/conftest.py has it
        return "hung at its end, after all its tests"
    if code == 1:
        return f"{counts.get('failed', 0)} failed"
    return {2: "interrupted or not collectable", 4: "wrong pytest arguments", 5: "no tests found"}.get(
        code, f"exit {code}"
    )


def command_bench(options: argparse.Namespace) -> int:
    executable = blender_environment(default_blender(), sys.executable)
    if options.arguments and Path(options.arguments[0]).is_dir():
        _measure(executable, CUTOUT_BENCH, options)
        return 0
    for name in BENCHES:
        _measure(executable, name, options)
    pythons = find_pythons()
    for wheel in BLENDERS:
        if wheel.python in pythons:
            executable = blender_environment(wheel, pythons[wheel.python])
            _measure(executable, ARRIVAL_BENCH, options, f" in Blender {wheel.series}")
    blenders, left_out = find_window_blenders(os.environ)
    for blender in blenders:
        where, path = f" in Blender {blender.version}", {"IMAGE_TO_3D_BLENDER": blender.path}
        _measure(windows_environment(), WINDOW_BENCH, options, where, path)
    for sentence in left_out:
        print(f"\nLeft out: {sentence.replace(f'tests/{WINDOW_SUITE}', WINDOW_BENCH)}", flush=True)
    return 0


def _measure(
    python: Path, name: str, options: argparse.Namespace, where: str = "", variables: dict[str, str] | None = None
) -> None:
    """Run one of the programs that measure. Raises `Stop` where it fails."""
    headline(name + where)
    command = [str(python), str(TESTS / name), *options.arguments]
    code = subprocess.run(command, cwd=ROOT, env=clean_environment(**(variables or {}))).returncode
    if code:
        raise Stop(f"{name} {ending(code) or f'ended with {code}'}.")


def command_fuzz(options: argparse.Namespace) -> int:
    """The programs say themselves what was wrong, and how it is repeated."""
    part, *more = options.arguments or [""]
    if part not in FUZZES:
        if part not in ("", "--seed", "--lanes"):  # which both understand alike
            raise Stop(f"Say first which part is meant, {' or '.join(FUZZES)}, as in: dev.py fuzz models {part}.")
        more = options.arguments
    executable = blender_environment(default_blender(), sys.executable)
    code = 0
    for name in [part] if part in FUZZES else FUZZES:
        headline(FUZZES[name])
        command = [str(executable), str(TESTS / FUZZES[name]), *more]
        ended = subprocess.run(command, cwd=ROOT, env=clean_environment()).returncode
        if ending(ended):
            raise Stop(f"{FUZZES[name]} {ending(ended)}.")
        code = code or ended
    return code
