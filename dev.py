# SPDX-License-Identifier: GPL-3.0-or-later
"""The developer's command: `python3 dev.py` lists what it can do. Never part of the extension, never needed by a user of it.

Standard library only. The file parses on Python 3.8 and later, so that every Python can say which one is needed; the commands
run on 3.11 and 3.13, the two Pythons that the `bpy` wheels are made for. Everything it makes lies in `.venv/`, `demo/` and
`dist/` of the checkout.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import errno
import math
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
DEMO = ROOT / "demo"
DIST = ROOT / "dist"
TESTS = ROOT / "tests"
EXAMPLE = ROOT / "docs" / "example.png"

PACKAGE = "image_to_3d"
MODULE = "bl_ext.user_default.image_to_3d"
PRODUCT = ("api", "jobs", "headless", "scene", "operators", "panels")  # the folders that are shipped
SHIPPED_FILES = ("__init__.py", "blender_manifest.toml", "LICENSE")

TEST_TOOLS = ("pytest==9.2.0", "pytest-timeout==2.4.0")
CHECK_TOOLS = (
    "ruff==0.17.5",
    "mypy==2.4.1",
    "import-linter==2.16",
    "types-requests==2.33.0.20261030",
    "numpy==2.2.6",  # the one version with type hints that installs on both Pythons
    "fake-bpy-module-4.2==20260730",  # the oldest Blender we promise: newer names must be asked for, not assumed
)

BLENDER_GB = 2.0  # an environment takes 1.1 GB, and pip unpacks and keeps the 350 MB wheel beside it
CHECK_GB = 0.5  # 0.2 GB, and as much again while pip works
NOTHING_LEFT_BYTES = 20e6  # an empty environment with pip takes about so much
DEMO_GB = 0.2  # a few MB of result, and room for the user's own large picture

SUITE_ORDER = ("api", "jobs", "headless", "blender", "dev")
SUITES_WITH_A_WINDOW = ("gui",)  # a wheel has no windows
SUITE_SECONDS = 420  # a suite that takes longer hangs; the slowest is meant to need a quarter of this
ABORT_SECONDS = 5  # what a hanging suite gets to write where it hangs
HEARTBEAT_SECONDS = 10  # how often a long step says that it is alive

# What the wheels link against and a server or container lacks (found with ldd over 4.2, 4.5 and 5.2).
DEBIAN_LIBRARIES = "libx11-6 libxrender1 libxfixes3 libxi6 libxxf86vm1 libxkbcommon0 libsm6 libice6 libgl1 libgomp1"


class Stop(Exception):
    """Ends the command with one sentence that says what is missing."""


class Blender(NamedTuple):
    """One Blender series as a wheel: the Python it is made for, and the packages that its own Python carries."""

    series: str
    python: tuple[int, int]
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return VENV / f"blender-{self.series}"


# numpy as in the real Blender of that series.
BLENDERS = (
    Blender("4.2", (3, 11), ("bpy==4.2.*", "numpy==1.24.*", "requests", *TEST_TOOLS)),
    Blender("4.5", (3, 11), ("bpy==4.5.*", "numpy==1.26.*", "requests", *TEST_TOOLS)),
    Blender("5.2", (3, 13), ("bpy==5.2.*", "numpy==2.3.*", "requests", *TEST_TOOLS)),
)
DEFAULT_SERIES = {(3, 11): "4.5", (3, 13): "5.2"}


# Pythons


def require_python(version: tuple[int, int]) -> None:
    """Stop unless this Python is one that a wheel is made for; name one on this machine if there is any."""
    if version in DEFAULT_SERIES:
        return
    others = find_pythons()
    remedy = f'run "{others[max(others)]} dev.py"' if others else "install one of these"
    raise Stop(f"This is Python {version_name(version)}, and Blender's wheels are made for 3.11 and 3.13: {remedy}.")


def version_name(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)


def find_pythons() -> dict[tuple[int, int], str]:
    """Every Python of this machine that a wheel is made for and that can make environments, the running one first."""
    found: dict[tuple[int, int], str] = {}
    if sys.version_info[:2] in DEFAULT_SERIES:
        found[sys.version_info[:2]] = sys.executable
    for version in DEFAULT_SERIES:
        for command in python_candidates(version_name(version)):
            if version in found:
                break
            path = python_path_or_none(command, version)
            if path:
                found[version] = path
    return found


def python_candidates(name: str) -> Iterator[list[str]]:
    """Commands that may start Python `name` ("3.13"), the likeliest first. Each has to be tried: a shim may be broken."""
    suffix = ".exe" if os.name == "nt" else ""
    for folder in os.get_exec_path():
        path = Path(folder) / f"python{name}{suffix}"
        if path.is_file():
            yield [str(path)]
    pyenv = [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv"), str(Path(sys.base_prefix).parent.parent)]
    for root in dict.fromkeys(filter(None, pyenv)):
        versions = [p for p in Path(root, "versions").glob(f"{name}.*") if p.name[len(name) + 1 :].isdigit()]
        for folder in sorted(versions, key=lambda p: int(p.name.rsplit(".", 1)[1]), reverse=True):
            yield [str(folder / "bin" / f"python{name}")]
    if os.name == "nt":
        yield ["py", f"-{name}"]
    if shutil.which("uv"):
        path = output_or_none(["uv", "python", "find", "--no-python-downloads", name])
        if path:
            yield [path.strip()]


def python_path_or_none(command: Sequence[str], version: tuple[int, int]) -> str | None:
    """The executable behind `command`, if it is that Python and can make environments."""
    code = f"import sys, venv, ensurepip; print(sys.version_info[:2] == {version!r} and sys.executable)"
    output = output_or_none([*command, "-c", code])
    return output.strip() if output and output.strip() not in ("", "False") else None


def output_or_none(command: Sequence[str]) -> str | None:
    """What `command` prints, or None if it does not start or does not end well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=clean_environment())
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def clean_environment(**extra: str) -> dict[str, str]:
    """The user's environment without what would change our runs: other Pythons' paths, Blender's folders, keys that cost money."""
    dropped = re.compile(r"PYTHON(PATH|HOME|STARTUP)$|__PYVENV|BLENDER_|MESHY_|CSM_|PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not dropped.match(name)}
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1", "PIP_USER": "0", **extra}


# Environments


def default_blender() -> Blender:
    """The wheel that fits this Python."""
    return next(b for b in BLENDERS if b.series == DEFAULT_SERIES[sys.version_info[:2]])


def blender_environment(blender: Blender, python: str) -> Path:
    """The Python of the environment with this wheel, made if need be, in which `import bpy` has worked once."""
    what = f"Blender {blender.series} (about 350 MB to fetch, once)"
    executable = environment(blender.folder, what, python, blender.requirements, BLENDER_GB)
    proof = blender.folder / "imports-bpy"
    if not proof.exists():
        prove_bpy(executable, blender)
        proof.touch()
    return executable


def check_environment() -> Path:
    """The Python of the environment with the checkers; apart from Blender's, as `fake-bpy-module` is called `bpy` too."""
    return environment(VENV / "check", "the checkers", sys.executable, CHECK_TOOLS, CHECK_GB)


def environment(folder: Path, what: str, python: str, requirements: Sequence[str], gigabytes: float) -> Path:
    """The Python of the virtual environment in `folder` with exactly these requirements, made anew unless its stamp says so.

    The stamp is written last: an environment whose making was interrupted has none, and is made again.
    """
    stamp, executable = folder / "requirements.txt", python_of(folder)
    content = "\n".join([*requirements, ""])
    if fits(stamp, executable, content):
        return executable
    VENV.mkdir(exist_ok=True)
    with locked(folder.with_suffix(folder.suffix + ".lock")):
        if fits(stamp, executable, content):  # somebody else made it while we waited
            return executable
        remove_folder(folder)
        require_space(VENV, gigabytes)
        print(f"Installing {what} into {relative(folder)} ...", flush=True)
        make_environment(folder, python)
        install(folder, requirements, what.split(" (")[0])
        stamp.write_text(content, encoding="utf-8")
    return executable


def fits(stamp: Path, executable: Path, content: str) -> bool:
    return executable.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == content


def python_of(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def make_environment(folder: Path, python: str) -> None:
    """An empty environment with pip."""
    done = subprocess.run([python, "-m", "venv", str(folder)], capture_output=True, text=True, env=clean_environment())
    if done.returncode == 0:
        return
    text = done.stdout + done.stderr
    # venv hides what pip said, so that a full disk is seen best by looking at the disk.
    if is_disk_full(text) or shutil.disk_usage(folder.parent).free < NOTHING_LEFT_BYTES:
        raise Stop(disk_full_sentence())
    if "ensurepip" in text or "No module named" in text:
        raise Stop(
            f"This Python cannot make virtual environments ({python}): install its venv and pip modules "
            f"(on Debian or Ubuntu: apt install {Path(python).name}-venv)."
        )
    raise Stop(f"The virtual environment could not be made: {last_line(text)}.")


def install(folder: Path, requirements: Sequence[str], what: str) -> None:
    """Install with pip, saying every few seconds what it is at; its whole output goes to a log beside the folder."""
    log = folder.with_suffix(folder.suffix + ".log")
    command = [str(python_of(folder)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar=off", "--retries=3", *requirements]
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        pip = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=clean_environment())
    said = started
    try:
        while pip.poll() is None:
            time.sleep(0.1)
            if time.monotonic() - said > HEARTBEAT_SECONDS:
                said = time.monotonic()
                step = last_line(log.read_text(encoding="utf-8", errors="replace"))[:90]
                print(f"  {said - started:3.0f} s  {step}", flush=True)
    except BaseException:
        pip.kill()
        raise
    if pip.returncode != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise Stop(pip_sentence(text, what, log))
    print(f"  {time.monotonic() - started:3.0f} s  done", flush=True)


# pip's words for "the network did not answer": Linux, macOS and Windows name a failed name look-up differently.
NO_NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|name resolution|Name or service not known|getaddrinfo failed|nodename nor servname|"
    "ConnectTimeoutError|ReadTimeoutError|Network is unreachable|No route to host|Connection refused|Connection aborted|"
    "ProxyError|Connection broken|timed out"
)


def pip_sentence(output: str, what: str, log: Path) -> str:
    """Why pip failed, in one sentence. A missing network has to be told before "no matching distribution", which follows it."""
    if is_disk_full(output):
        return disk_full_sentence()
    if "SSLError" in output:
        return f"No safe network: pip refuses the certificate of the package index while fetching {what} (see {log})."
    if NO_NETWORK.search(output):
        return f"No network: pip has to fetch {what} once, and the package index did not answer (see {log})."
    if "No matching distribution found for bpy" in output:
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        return f"There is no wheel of {what} for this machine ({machine}) in the package index (see {log})."
    return f"pip could not install {what}: {last_error(output)} (the whole output is in {log})."


def is_disk_full(text: str) -> bool:
    return any(
        words in text for words in ("No space left on device", "Errno 28", "not enough space", "Disk quota exceeded")
    )


def disk_full_sentence() -> str:
    return (
        f"The disk is full: an environment needs about {BLENDER_GB:.0f} GB free under {ROOT}, "
        f"and 1 GB in the temporary folder ({tempfile.gettempdir()})."
    )


def require_space(folder: Path, gigabytes: float) -> None:
    """Stop unless `folder`'s disk has that much free space, before a download that would end half way."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        raise Stop(f"The disk is full: {folder} has {free:.1f} GB free and this step needs {gigabytes:.1f} GB.")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"


def last_error(text: str) -> str:
    """The last line that pip marks as an error, else its last line."""
    errors = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return last_line("\n".join(errors) or text).replace("ERROR: ", "")


def prove_bpy(executable: Path, blender: Blender) -> None:
    """Stop with the name of the library if `import bpy` misses one of the system's."""
    command = [str(executable), "-c", "import bpy; print(bpy.app.version_string)"]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    if done.returncode == 0:
        return
    missing = re.search(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object", done.stderr)
    if missing:
        raise Stop(
            f"Blender {blender.series} needs the system library {missing.group(1)} "
            f"(on Debian or Ubuntu: apt install {DEBIAN_LIBRARIES})."
        )
    how = ending(done.returncode) or last_line(done.stderr)
    raise Stop(f"Blender {blender.series} does not start on this machine: {how}.")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` against a second dev.py. The system frees it when the holder dies, so that no lock is ever stale."""
    with path.open("w") as file:
        waiting = False
        while not lock_or_false(file.fileno()):
            if not waiting:
                print(f"Waiting for another dev.py that holds {relative(path)} ...", flush=True)
            waiting = True
            time.sleep(0.5)
        yield


def lock_or_false(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def link_folder(link: Path) -> None:
    """Make the checkout reachable as `link`, under the package's own name: a link, on Windows a junction, else a copy."""
    if link.exists() and link.resolve() == ROOT:
        return
    if link.is_symlink() or link.is_file():
        link.unlink()  # it points to where the checkout was before
    elif link.exists():
        shutil.rmtree(link)
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        if sys.platform == "win32":
            import _winapi

            _winapi.CreateJunction(str(ROOT), str(link))
        else:
            link.symlink_to(ROOT, target_is_directory=True)
    except OSError:
        shutil.copytree(ROOT, link, ignore=shutil.ignore_patterns(".*", "__pycache__", "demo", "dist"))


def relative(path: Path) -> str:
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)


# Processes


class Outcome(NamedTuple):
    """How one step ended. `problem` is empty if it passed."""

    name: str
    facts: str
    seconds: float
    problem: str


def ending(code: int) -> str:
    """What an exit code says about a crash, or nothing."""
    if code < 0:
        return f"crashed with {signal.Signals(-code).name}"
    if code > 0xC0000000:  # Windows reports an access violation and its like as the exit code
        return f"crashed with 0x{code:X}"
    return ""


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


def headline(text: str) -> None:
    print(f"\n=== {text} ===", flush=True)


def report(outcomes: Sequence[Outcome]) -> int:
    """Print the table of what passed and what did not; the exit code for it."""
    headline("Summary")
    width = max(len(outcome.name) for outcome in outcomes)
    for outcome in outcomes:
        verdict = f"FAILED: {outcome.problem}" if outcome.problem else "passed"
        facts = f"  ({outcome.facts})" if outcome.facts else ""
        print(f"{outcome.name:<{width}}  {outcome.seconds:6.1f} s  {verdict}{facts}")
    failed = sum(1 for outcome in outcomes if outcome.problem)
    print(f"{failed} of {len(outcomes)} failed." if failed else f"All {len(outcomes)} passed.", flush=True)
    return 1 if failed else 0


# test


def command_test(options: argparse.Namespace) -> int:
    chosen, left_out = choose_blenders(options)
    folders = suites()
    if not folders:
        raise Stop(f"There are no tests in {TESTS}.")
    outcomes = []
    for blender, python in chosen:
        executable = blender_environment(blender, python)
        for folder in folders:
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


# check


def command_check(options: argparse.Namespace) -> int:
    """Every step runs, even after one has failed."""
    executable = str(check_environment())
    link_folder(VENV / "linked" / PACKAGE)
    steps = [("platform", check_rules), *((name, command) for name, command in checkers(executable))]
    outcomes = []
    for name, step in steps:
        headline(name)
        started = time.monotonic()
        problem = step() if callable(step) else run_checker(step)
        outcomes.append(Outcome(name, "", time.monotonic() - started, problem))
    return report(outcomes)


def checkers(executable: str) -> list[tuple[str, list[str]]]:
    """The programs that check, each by its command. They see the checkout under its package name (see `run_checker`)."""
    config = str(ROOT / "pyproject.toml")
    cache = str(ROOT / ".mypy_cache")
    mypy = [executable, "-P", "-m", "mypy", f"--config-file={config}"]
    strict = [part for name in ("api", "jobs") for part in ("-p", f"{PACKAGE}.{name}")]
    rest = [part for name in PRODUCT if name not in ("api", "jobs") for part in ("-p", f"{PACKAGE}.{name}")]
    linter = "from importlinter.cli import lint_imports_command as main; main()"
    return [
        ("ruff check", [executable, "-m", "ruff", "check", "--config", config, str(ROOT)]),
        ("ruff format", [executable, "-m", "ruff", "format", "--check", "--config", config, str(ROOT)]),
        ("mypy, strict: api, jobs", [*mypy, f"--cache-dir={cache}/strict", "--strict", *strict]),
        ("mypy: the rest", [*mypy, f"--cache-dir={cache}/rest", "-m", PACKAGE, *rest]),
        ("who may import whom", [executable, "-c", linter, "--config", config, "--no-cache", "--no-logo"]),
    ]


# What mypy says of the stubs and not of our code: attributes that depend on the kind of node or on what an extension registers,
# a vector that is no sequence to them, mix-ins that give a panel its place.
STUB_GAP = re.compile(
    r'error: "(type\[)?(Node|NodeSocket|Modifier|Scene|WindowManager|ID|PropertyGroup|AddonPreferences|float|None)\]?"'
    " has no attribute"
    '|error: Module has no attribute "(python_args|image_to_3d)"'
    '|error: No overload variant of .* matches argument type "Vector"'
    '|error: Definition of "bl_[a-z_]+" in base class'
)


def without_stub_gaps(lines: Sequence[str]) -> list[str]:
    """mypy's lines without those that tell of a gap in the stubs, nor the notes that belong to them."""
    kept, dropped = [], False
    for line in lines:
        dropped = bool(STUB_GAP.search(line)) or (dropped and ": note: " in line)
        if not dropped:
            kept.append(line)
    return kept


def run_checker(command: Sequence[str]) -> str:
    """Run in a folder that holds the checkout under its package name, whatever the checkout itself is called."""
    linked = VENV / "linked"
    paths = clean_environment(MYPYPATH=str(linked), PYTHONPATH=str(linked))
    done = subprocess.run(command, cwd=linked, env=paths, stdout=subprocess.PIPE, text=True)
    lines = without_stub_gaps(done.stdout.splitlines())
    print("\n".join(lines), flush=True)
    if done.returncode == 1 and len(lines) == 1 and lines[0].startswith("Found "):
        return ""  # mypy's count of the gaps alone
    return (ending(done.returncode) or f"exit {done.returncode}") if done.returncode else ""


def check_rules() -> str:
    """What Blender's extension platform refuses, and paths of somebody's own machine."""
    found = []
    for path in product_files():
        source = path.read_text(encoding="utf-8")
        found += [f"{relative(path)}:{line}: {sentence}" for line, sentence in forbidden(source, relative(path))]
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if HOME_PATH.search(line):
                found.append(f"{relative(path)}:{number}: a path of one machine")
    print("\n".join(found) or "Nothing found.", flush=True)
    return f"{len(found)} found" if found else ""


def product_files() -> list[Path]:
    return [ROOT / "__init__.py", *(path for name in PRODUCT for path in sorted((ROOT / name).rglob("*.py")))]


TEXT_ENDINGS = {".py", ".md", ".toml", ".txt", ".json", ".yml", ".yaml", ".cfg", ".sh", ".html", ".svg", ""}
HOME_PATH = re.compile(
    r"(?:/(?:home|Users)/|[A-Z]:\\Users\\)(?!you\b|name\b|user\b|me\b|NAME\b|USER\b)[\w.-]+[/\\]|/(?:root)/\.?\w"
)


def text_files() -> Iterator[Path]:
    """Every text file of the checkout that is ours: nothing that a tool made."""
    for folder, folders, names in os.walk(ROOT):
        made = {".git", "__pycache__", "dist", "demo"} if Path(folder) == ROOT else {"__pycache__"}
        folders[:] = sorted(f for f in folders if f not in made and not f.endswith("_cache") and f != ".venv")
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in TEXT_ENDINGS and path.is_file():
                yield path


def forbidden(source: str, name: str) -> list[tuple[int, str]]:
    """The lines of one product file that the extension platform refuses, each with the reason."""
    found = []
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        for sentence in forbidden_here(node):
            found.append((node.lineno, sentence))  # type: ignore[attr-defined]  # each such node has a line
    if name == "__init__.py":
        found += [(line, "bpy imported at module level") for line in bpy_imports_at_module_level(tree)]
    return sorted(found)


def forbidden_here(node: ast.AST) -> Iterator[str]:
    """What this one node breaks."""
    for module in imported(node):
        if module.split(".")[0] in ("threading", "_thread", "pip", "ensurepip"):
            yield f"{module} imported"
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            yield f"{node.func.id} called"
        if isinstance(node.func, ast.Attribute) and is_search_path(node.func.value):
            yield f"sys.path.{node.func.attr} called"
        if isinstance(node.func, ast.Attribute) and node.func.attr == "addsitedir":
            yield "site.addsitedir called"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    for target in targets:
        if is_search_path(target.value if isinstance(target, ast.Subscript) else target):
            yield "sys.path edited"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"pip3?( install|$)", node.value):
        yield "pip called"


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def is_search_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and getattr(node.value, "id", "") == "sys"


def bpy_imports_at_module_level(node: ast.AST) -> Iterator[int]:
    """Lines outside every function that import bpy, under `if` and `try` too (but not under `if TYPE_CHECKING`)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if any(name.split(".")[0] == "bpy" for name in imported(child)):
            yield child.lineno  # type: ignore[attr-defined]  # an import has one
        yield from bpy_imports_at_module_level(child)


# bench


def command_bench(options: argparse.Namespace) -> int:
    script = TESTS / "bench.py"
    if not script.exists():
        raise Stop(f"There is no {relative(script)} in this checkout.")
    executable = blender_environment(default_blender(), sys.executable)
    code = subprocess.run(
        [str(executable), str(script), *options.arguments], cwd=ROOT, env=clean_environment()
    ).returncode
    if ending(code):
        raise Stop(f"The bench {ending(code)}.")
    return code


# build


def command_build(options: argparse.Namespace) -> int:
    blender = default_blender()
    executable = blender_environment(blender, sys.executable)
    DIST.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DIST) as folder:  # a failed build leaves the last good one alone
        blender_extension(executable, blender, "validate", str(ROOT))
        blender_extension(executable, blender, "build", "--source-dir", str(ROOT), "--output-dir", folder)
        built = next(Path(folder).glob("*.zip"))
        blender_extension(executable, blender, "validate", str(built))
        problems = zip_problems(built)
        if problems:
            raise Stop("The zip is not what it should be: " + "; ".join(problems) + ".")
        target = DIST / built.name
        built.replace(target)
    print(f"\n{target} ({target.stat().st_size / 1000:.0f} kB)")
    return 0


def blender_extension(executable: Path, blender: Blender, command: str, *arguments: str) -> None:
    """Run Blender's own tool for extensions, which lies in the wheel, with the tags that Blender's own site knows."""
    scripts = next(blender.folder.rglob(f"bpy/{blender.series}/scripts"))
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    tags = scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    known = [f"--valid-tags={tags}"] if tags.exists() else []
    done = subprocess.run([str(executable), str(tool), command, *known, *arguments], cwd=ROOT, env=clean_environment())
    if done.returncode != 0:
        raise Stop(f"Blender's extension tool refuses to {command} the extension, for the reason above.")


def zip_problems(path: Path) -> list[str]:
    """What is in the zip and should not be, and the other way round."""
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    alien = sorted(n for n in names if n not in SHIPPED_FILES and n.split("/")[0] not in PRODUCT)
    alien += sorted(n for n in names if "__pycache__" in n or "/." in n)
    needed = {path.relative_to(ROOT).as_posix() for path in product_files()} | set(SHIPPED_FILES)
    return [f"{n} does not belong into it" for n in alien] + [f"{n} is missing" for n in sorted(needed - names)]


# demo: outside Blender


def command_demo(options: argparse.Namespace) -> int:
    """Make the environment, run the second half of this file in it, and say where the results are."""
    picture = Path(options.image).expanduser().resolve() if options.image else EXAMPLE
    if not picture.is_file():
        raise Stop(f"There is no picture {picture}.")
    blender = default_blender()
    executable = blender_environment(blender, sys.executable)
    DEMO.mkdir(exist_ok=True)
    require_space(DEMO, DEMO_GB)
    results = demo_results(picture)
    for path in results.values():
        path.unlink(missing_ok=True)  # an old result must not pass for a new one
    home = VENV / "demo"
    remove_folder(home)  # removes links, never what they point to
    link_folder(home / "extensions" / "user_default" / PACKAGE)
    headline(f"{picture.name} in Blender {blender.series}")
    command = [str(executable), "-P", str(ROOT / "dev.py"), "_demo_inside", "--image", str(picture)]
    code = subprocess.run(command, cwd=ROOT, env=clean_environment(BLENDER_USER_RESOURCES=str(home))).returncode
    missing = [word for word, path in results.items() if not path.exists()]
    if code or missing:
        why = ending(code) or (f"left no {missing[0].lower()}" if not code else "failed for the reason above")
        raise Stop(f"The demo {why} (the job's own log is under {home}).")
    print()
    for word, path in results.items():
        print(f"{word + ':':<9}{path}")
    return 0


def demo_results(picture: Path) -> dict[str, Path]:
    return {
        "Model": DEMO / f"{picture.stem}.blend",
        "GLB": DEMO / f"{picture.stem}.glb",
        "Picture": DEMO / f"{picture.stem}.png",
    }


# demo: inside Blender (the wheel's Python runs this half; nothing above this line imports bpy)

# Tuned on two slow cores: 0.6 s a sample and 1 s for the denoiser, so that a second demo stays well under 15 s.
RENDER_PIXELS = 640  # width and height
SAMPLES_DENOISED = 6
SAMPLES_PLAIN = 32  # without a denoiser, about as clean
LIGHT_BOUNCES = 2  # an open stage gains nothing from more
CAMERA_TURN_DEGREES = 25  # from the front (-Y) to the model's left
CAMERA_RISE_DEGREES = 20
CAMERA_LENS_MM = 70  # a portrait lens: little distortion
CAMERA_MARGIN = 1.1  # of the distance at which the model just fits


def command_demo_inside(options: argparse.Namespace) -> int:
    """Generate with the real extension, set the stage, save and render."""
    import bpy
    import addon_utils

    picture = Path(options.image)
    results = demo_results(picture)
    problems: list[Exception] = []
    addon_utils.enable(MODULE, default_set=True, handle_error=problems.append)
    if problems:
        raise Stop(f"The extension could not be enabled: {problems[0]}.")
    try:
        bpy.ops.wm.read_homefile(use_empty=True, app_template="")
        root = generate(bpy, picture)
        shutil.copyfile(job_folder(bpy, root) / "result.glb", results["GLB"])
        set_stage(bpy, root)
        try:
            save(bpy, results["Model"])
            render(bpy, results["Picture"])
        except RuntimeError as error:
            raise Stop(operator_sentence(error)) from None
    finally:
        # A class or timer that is left registered crashes 4.2 and hangs 4.5 at exit.
        addon_utils.disable(MODULE, handle_error=problems.append)
    if problems:
        raise Stop(f"The extension could not be disabled: {problems[0]}.")
    return 0


def generate(bpy, picture: Path):
    """Run the public operator on the picture; the root object of what it placed."""
    before = set(bpy.data.objects)
    settings = bpy.context.scene.image_to_3d.local
    settings.texture_model = "PBR"
    try:
        bpy.ops.image_to_3d.generate(filepath=str(picture), service="LOCAL")
    except RuntimeError as error:
        raise Stop(operator_sentence(error)) from None
    roots = [thing for thing in bpy.data.objects if thing not in before and "image_to_3d_job" in thing]
    if not roots:
        raise Stop("The extension reported success and placed nothing in the scene.")
    return next((thing for thing in roots if thing.parent is None), roots[0])


def operator_sentence(error: RuntimeError) -> str:
    """What an operator reported, out of the form in which `bpy.ops` hands it on."""
    if is_disk_full(str(error)):
        return disk_full_sentence()
    lines = str(error).replace("Error: ", "", 1).splitlines()
    return (lines[0].strip().rstrip(".") if lines else "Blender gave no reason") + "."


def job_folder(bpy, root) -> Path:
    """Where the job that made this object keeps its files."""
    jobs = bpy.utils.extension_path_user(MODULE, path="jobs")
    return Path(jobs) / str(root["image_to_3d_job"])


def set_stage(bpy, root) -> None:
    """A floor that rises into a backdrop, three lights, and a camera that frames the model; all sizes follow the model's."""
    from mathutils import Matrix, Vector

    bpy.context.view_layer.update()
    corners = bounds(root)
    low = Vector([min(c[i] for c in corners) for i in range(3)])
    high = Vector([max(c[i] for c in corners) for i in range(3)])
    size = max((high - low).length, 1e-6)
    foot = Vector(((low.x + high.x) / 2, (low.y + high.y) / 2, low.z))
    turn = Matrix.Translation(foot) @ Matrix.Rotation(math.radians(CAMERA_TURN_DEGREES), 4, "Z")

    stage = bpy.data.collections.new("Stage")
    bpy.context.scene.collection.children.link(stage)
    stage.objects.link(backdrop(bpy, turn, size))
    # name, place in model sizes (right, towards the camera, up), light's size in model sizes, strength in watts a square model size
    for name, place, width, power in (
        ("Key", (-1.3, -1.5, 1.9), 1.2, 48),
        ("Fill", (1.8, -1.2, 0.9), 1.6, 12),
        ("Rim", (0.9, 1.6, 1.7), 0.9, 24),
    ):
        data = bpy.data.lights.new(name, "AREA")
        data.size, data.energy = width * size, power * size * size
        light = bpy.data.objects.new(name, data)
        at = turn @ (Vector(place) * size)
        light.matrix_world = Matrix.Translation(at) @ look(at, (low + high) / 2)
        stage.objects.link(light)

    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = CAMERA_LENS_MM
    stage.objects.link(camera)
    scene = bpy.context.scene
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = RENDER_PIXELS
    scene.render.resolution_percentage = 100
    aim(bpy, camera, corners, (low + high) / 2, size)


def bounds(root) -> list:
    """The corners of every mesh's bounding box under `root`, in the world."""
    from mathutils import Vector

    meshes = [thing for thing in (root, *root.children_recursive) if thing.type == "MESH"]
    if not meshes:
        raise Stop("The model that was placed has no mesh.")
    return [mesh.matrix_world @ Vector(corner) for mesh in meshes for corner in mesh.bound_box]


def look(at, target):
    """The rotation of a light or camera that stands `at` a place and looks at `target`, as a 4x4 matrix."""
    return (target - at).to_track_quat("-Z", "Y").to_matrix().to_4x4()


def aim(bpy, camera, corners, middle, size: float) -> None:
    """Put the camera in front of the model, to the side and above, as far away as the model needs to fit."""
    from mathutils import Euler, Matrix, Vector

    angles = Euler((math.radians(-CAMERA_RISE_DEGREES), 0, math.radians(CAMERA_TURN_DEGREES)))
    outwards = angles.to_matrix() @ Vector((0, -1, 0))
    start = middle + outwards * size * 3
    camera.matrix_world = Matrix.Translation(start) @ look(start, middle)
    bpy.context.view_layer.update()
    flat = [value for corner in corners for value in corner]
    fitting, _scale = camera.camera_fit_coords(bpy.context.evaluated_depsgraph_get(), flat)
    camera.location = middle + (fitting - middle) * CAMERA_MARGIN
    camera.data.clip_start, camera.data.clip_end = size / 100, size * 100


def backdrop(bpy, turn, size: float):
    """A plain sheet: flat under the model, then bent upwards behind it, so that no horizon shows."""
    bend, steps, half = 1.2, 16, 12.0  # in model sizes: radius of the bend; its facets; half the sheet's width
    back = 2.2
    arc = [i / steps * math.pi / 2 for i in range(steps + 1)]
    profile = (
        [(-half, 0.0)] + [(back + bend * math.sin(a), bend * (1 - math.cos(a))) for a in arc] + [(back + bend, half)]
    )
    points = [(x * size, y * size, z * size) for y, z in profile for x in (-half, half)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(profile) - 1)]
    mesh = bpy.data.meshes.new("Backdrop")
    mesh.from_pydata(points, [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    mesh.materials.append(plain_material(bpy, "Backdrop", (0.62, 0.61, 0.6, 1.0)))
    sheet = bpy.data.objects.new("Backdrop", mesh)
    sheet.matrix_world = turn
    return sheet


def plain_material(bpy, name: str, colour: tuple[float, float, float, float]):
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True  # always so from 5.0 on, where setting it warns
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = colour
    shader.inputs["Roughness"].default_value = 0.9
    return material


def save(bpy, path: Path) -> None:
    """The scene with its pictures inside, in one file that can be passed on."""
    print(f"Saving {relative(path)} ...", flush=True)
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    prepare_render(bpy)
    with quiet():
        bpy.ops.file.pack_all()
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def prepare_render(bpy) -> None:
    """Cycles on the processor: the one renderer that works on every machine, without a screen or a graphics card."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    denoise = has_denoiser()
    scene.cycles.use_denoising = denoise
    scene.cycles.denoising_prefilter = "FAST"  # the accurate one alone takes 6 s
    scene.cycles.samples = SAMPLES_DENOISED if denoise else SAMPLES_PLAIN
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = LIGHT_BOUNCES
    scene.render.film_transparent = False
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"  # the picture's own colours, not a film's
    world = bpy.data.worlds.new("Soft Light")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    background.inputs["Strength"].default_value = 0.3
    scene.world = world


def has_denoiser() -> bool:
    try:
        import _cycles
    except ImportError:
        return False
    return bool(getattr(_cycles, "with_openimagedenoise", False))


def render(bpy, path: Path) -> None:
    print(f"Rendering {relative(path)} (Cycles, CPU, {bpy.context.scene.cycles.samples} samples) ...", flush=True)
    bpy.context.scene.render.filepath = str(path)
    with quiet():
        bpy.ops.render.render(write_still=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Blender's own lines, written past Python, off the terminal (a line for every sample)."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


# The command line


def parser() -> argparse.ArgumentParser:
    """Sub-commands; `_demo_inside` is the second half of `demo` and is not listed."""
    main_parser = argparse.ArgumentParser(
        prog="dev.py", description="Image to 3D, for its developers.", allow_abbrev=False
    )
    commands = main_parser.add_subparsers(metavar="COMMAND")
    demo = commands.add_parser("demo", help="turn a picture into a model with the real extension, and render it")
    demo.add_argument("--image", metavar="PATH", help="your own picture instead of the example")
    demo.set_defaults(run=command_demo)
    test = commands.add_parser(
        "test",
        allow_abbrev=False,
        help="run the tests in the Blender that fits this Python (further arguments: pytest's)",
    )
    test.add_argument("--all", action="store_true", help="in Blender 4.2, 4.5 and 5.2, as far as the Pythons are there")
    test.add_argument("--blender", choices=[b.series for b in BLENDERS], help="in this Blender only")
    test.set_defaults(run=command_test, takes_more=True)
    check = commands.add_parser("check", help="style, types, who imports whom, and the extension platform's rules")
    check.set_defaults(run=command_check)
    bench = commands.add_parser("bench", allow_abbrev=False, help="measure against the promised times")
    bench.set_defaults(run=command_bench, takes_more=True)
    build = commands.add_parser("build", help="make the extension's zip in dist/, validated by Blender's own tool")
    build.set_defaults(run=command_build)
    inside = commands.add_parser("_demo_inside")
    inside.add_argument("--image", required=True)
    inside.set_defaults(run=command_demo_inside)
    return main_parser


def main(arguments: Sequence[str]) -> int:
    command_line = parser()
    options, more = command_line.parse_known_args(arguments)
    if not hasattr(options, "run"):
        command_line.print_help()
        return 0
    if more and not getattr(options, "takes_more", False):
        command_line.error(f"unrecognized arguments: {' '.join(more)}")
    options.arguments = more
    require_python(sys.version_info[:2])
    return options.run(options)


def run() -> NoReturn:
    """`main`, with every foreseen failure as one sentence instead of a traceback."""
    try:
        code = main(sys.argv[1:])
    except Stop as sentence:
        code = fail(str(sentence))
    except KeyboardInterrupt:
        code = fail("Interrupted.")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            code = fail(disk_full_sentence())
        elif error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            code = fail(f"{error.filename} cannot be written: {error.strerror}.")
        else:
            raise
    sys.exit(code)


def fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    run()
