# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py test` and `dev.py bench`: each suite in a process of its own, so that a crash or a hang names itself."""

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
from typing import TYPE_CHECKING

from .common import ROOT, TESTS, Outcome, Stop, clean_environment, ending, headline, report, version_name
from .environments import BLENDERS, Blender, blender_environment, default_blender, find_pythons

if TYPE_CHECKING:
    from collections.abc import Sequence


SUITE_ORDER = ("service", "api", "jobs", "paid", "headless", "blender", "dev")
ONCE_SUITES = ("service", "paid")  # no Blender takes part, and all of it is long: the first Blender's Python is enough
PLAIN_SUITES = ("api", "jobs")  # about processes and connections: once for each Python
SUITES_WITH_A_WINDOW = ("gui",)  # a wheel has no windows
BENCHES = ("bench_sculpt.py", "bench_blender.py", "bench_services.py")
SUITE_SECONDS = 420  # a suite that takes longer hangs; the slowest is meant to need a quarter of this
ABORT_SECONDS = 5  # what a hanging suite gets to write where it hangs


def run_limited(command: Sequence[str], environment_: dict[str, str], seconds: float) -> int | None:
    """Run `command` in the checkout; its exit code, or None if it had to be ended.

    The first signal is SIGABRT, on which pytest's fault handler writes the stack: a hanging test names itself.
    """
    process = subprocess.Popen(command, cwd=ROOT, env=environment_, start_new_session=os.name != "nt")
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        if os.name != "nt":
            process.send_signal(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ABORT_SECONDS)
        return None
    finally:
        if process.poll() is None:
            end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def command_test(options: argparse.Namespace) -> int:
    chosen, left_out = choose_blenders(options)
    folders = suites()
    if not folders:
        raise Stop(f"There are no tests in {TESTS}.")
    outcomes = []
    done: set[tuple[str, tuple[int, int]]] = set()
    for blender, python in chosen:
        executable = blender_environment(blender, python)
        for folder in folders:
            if folder.name in ONCE_SUITES and any(name == folder.name for name, _ in done):
                continue
            if folder.name in PLAIN_SUITES and (folder.name, blender.python) in done:
                continue
            done.add((folder.name, blender.python))
            paths, others = split_arguments(options.arguments, folder)
            if paths is None:
                continue
            headline(f"{folder.name} in Blender {blender.series} (Python {version_name(blender.python)})")
            name = f"{folder.name:<9} Blender {blender.series}"
            outcomes.append(run_suite(executable, name, [*paths, *others], narrowed=bool(options.arguments)))
    for sentence in left_out:
        print(f"\nLeft out: {sentence}", flush=True)
    if not outcomes:
        raise Stop("None of these paths is in a suite under tests/.")
    if options.arguments and not any(outcome.facts for outcome in outcomes) and not any(o.problem for o in outcomes):
        raise Stop("These arguments select no test.")
    return report(outcomes)


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


def suites() -> list[Path]:
    """The folders under tests/ that hold tests, in the order of `SUITE_ORDER`; one that nobody listed there comes last."""
    folders = {path.parent for path in TESTS.rglob("test_*.py")}
    roots = {TESTS / folder.relative_to(TESTS).parts[0] for folder in folders if folder != TESTS}
    known = [TESTS / name for name in SUITE_ORDER if TESTS / name in roots]
    return known + sorted(f for f in roots if f not in known and f.name not in SUITES_WITH_A_WINDOW)


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


def run_suite(
    executable: Path, name: str, arguments: Sequence[str], *, narrowed: bool = False, seconds: float = SUITE_SECONDS
) -> Outcome:
    """One pytest process, told apart: passed, failed, crashed, hung, or without any test."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="image_to_3d_suite_") as folder:
        results = Path(folder, "results.xml")
        command = [str(executable), "-P", "-m", "pytest", f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]
        code = run_limited([*command, f"--junitxml={results}", *arguments], clean_environment(), seconds)
        counts = read_counts(results)
    facts = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return Outcome(name, facts, time.monotonic() - started, suite_problem(code, counts, narrowed, seconds))


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
    if code == 1:
        return f"{counts.get('failed', 0)} failed"
    return {2: "interrupted or not collectable", 4: "wrong pytest arguments", 5: "no tests found"}.get(
        code, f"exit {code}"
    )


def command_bench(options: argparse.Namespace) -> int:
    executable = blender_environment(default_blender(), sys.executable)
    for name in BENCHES:
        headline(name)
        command = [str(executable), str(TESTS / name), *options.arguments]
        code = subprocess.run(command, cwd=ROOT, env=clean_environment()).returncode
        if code:
            raise Stop(f"{name} {ending(code) or f'ended with {code}'}.")
    return 0
