# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds Pythons, and makes the virtual environments that the commands run in. Fetches with pip, once for each set of
requirements."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .common import (
    BLENDER_GB,
    VENV,
    Stop,
    clean_environment,
    disk_full_sentence,
    ending,
    is_disk_full,
    last_line,
    relative,
    remove_folder,
    require_space,
    version_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


TEST_TOOLS = ("pytest==9.2.0", "pytest-timeout==2.4.0", "aiohttp==3.14.5", "trustme==1.2.1")
CHECK_TOOLS = (
    "ruff==0.17.5",
    "mypy==2.4.1",
    "import-linter==2.16",
    "types-requests==2.33.0.20261030",
    "numpy==2.2.6",  # the one version with type hints that installs on both Pythons
    "fake-bpy-module-4.2==20260730",  # the oldest Blender we promise: newer names must be asked for, not assumed
)
FARM_TOOLS = ("openjd-cli==0.8.0", "openjd-model==0.13.0", "openjd-sessions==0.13.0")

CHECK_GB = 0.5  # 0.2 GB, and as much again while pip works
FARM_GB = 0.2
NOTHING_LEFT_BYTES = 20e6  # an empty environment with pip takes about so much
HEARTBEAT_SECONDS = 10  # how often a long step says that it is alive


# What the wheels link against and a server or container lacks (found with ldd over 4.2, 4.5 and 5.2).
DEBIAN_LIBRARIES = "libx11-6 libxrender1 libxfixes3 libxi6 libxxf86vm1 libxkbcommon0 libsm6 libice6 libgl1 libgomp1"


class Blender(NamedTuple):
    """One Blender series as a wheel: the Python it is made for, and the packages that its own Python carries."""

    series: str
    python: tuple[int, int]
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return VENV / f"blender-{self.series}"


# As in the real Blenders 4.2 and 5.2 (build_files/build_environment/cmake/versions.cmake of Blender): the oldest and
# the newest that they carry read an answer differently, so the suites about connections run with both. 4.5 has the
# newest that there is.
OLD_REQUESTS = ("requests==2.27.1", "urllib3==1.26.8")
NEW_REQUESTS = ("requests==2.32.3", "urllib3==2.4.0")

# numpy too as in the real Blender of that series.
BLENDERS = (
    Blender("4.2", (3, 11), ("bpy==4.2.*", "numpy==1.24.*", *OLD_REQUESTS, *TEST_TOOLS)),
    Blender("4.5", (3, 11), ("bpy==4.5.*", "numpy==1.26.*", "requests", *TEST_TOOLS)),
    Blender("5.2", (3, 13), ("bpy==5.2.*", "numpy==2.3.*", *NEW_REQUESTS, *TEST_TOOLS)),
)

DEFAULT_SERIES = {(3, 11): "4.5", (3, 13): "5.2"}


def require_python(version: tuple[int, int]) -> None:
    """Stop unless this Python is one that a wheel is made for; name one on this machine if there is any."""
    if version in DEFAULT_SERIES:
        return
    others = find_pythons()
    remedy = f'run "{others[max(others)]} dev.py"' if others else "install one of these"
    raise Stop(f"This is Python {version_name(version)}, and Blender's wheels are made for 3.11 and 3.13: {remedy}.")


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
    """Commands that may start Python `name` ("3.13"), the likeliest first. Each has to be tried: a shim may be
    broken."""
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
    """The Python of the environment with the checkers; apart from Blender's, as `fake-bpy-module` is called `bpy`
    too."""
    return environment(VENV / "check", "the checkers", sys.executable, CHECK_TOOLS, CHECK_GB)


def farm_environment() -> Path:
    """The Python of the environment with what runs an Open Job Description; apart from Blender's, as no add-on has
    it."""
    return environment(VENV / "farm", "what runs farm jobs", sys.executable, FARM_TOOLS, FARM_GB)


def environment(folder: Path, what: str, python: str, requirements: Sequence[str], gigabytes: float) -> Path:
    """The Python of the virtual environment in `folder` with exactly these requirements, made anew unless its stamp
    says so.

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
    "NewConnectionError|NameResolutionError|name resolution|Name or service not known|getaddrinfo "
    "failed|nodename nor servname|"
    "ConnectTimeoutError|ReadTimeoutError|Network is unreachable|No route to host|Connection "
    "refused|Connection aborted|"
    "ProxyError|Connection broken|timed out"
)


def pip_sentence(output: str, what: str, log: Path) -> str:
    """Why pip failed, in one sentence. A missing network has to be told before "no matching distribution", which
    follows it."""
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
