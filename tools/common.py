# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of dev.py share: where things are, how an end is told, links, space on the disk. Runs nothing."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
DEMO = ROOT / "demo"
DIST = ROOT / "dist"
TESTS = ROOT / "tests"
EXAMPLE = ROOT / "docs" / "penguin.png"
PACKAGE = "image_to_3d"
MODULE = "bl_ext.user_default.image_to_3d"
PRODUCT = (
    "programs",
    "api",
    "headless",
    "jobs",
    "scene",
    "session",
    "scripting",
    "operators",
    "panels",
    "command",
)  # the folders that are shipped
SHIPPED_FILES = ("__init__.py", "files.py", "py.typed", "blender_manifest.toml", "LICENSE")
BLENDER_GB = 2.0  # an environment takes 1.1 GB, and pip unpacks and keeps the 350 MB wheel beside it


class Stop(Exception):
    """Ends the command with one sentence that says what is missing."""


class Outcome(NamedTuple):
    """How one step ended. `problem` is empty if it passed."""

    name: str
    facts: str
    seconds: float
    problem: str


def version_name(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)


def clean_environment(**extra: str) -> dict[str, str]:
    """The user's environment without what would change our runs: other Pythons' paths, Blender's folders, keys that
    cost money."""
    dropped = re.compile(r"PYTHON(PATH|HOME|STARTUP)$|__PYVENV|BLENDER_|MESHY_|CSM_|PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not dropped.match(name)}
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1", "PIP_USER": "0", **extra}


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "it said nothing"


def relative(path: Path) -> str:
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)


def remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def link_folder(link: Path) -> None:
    """Make the checkout reachable as `link`, under the package's own name: a link, on Windows a junction, else a
    copy."""
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


def ending(code: int) -> str:
    """What an exit code says about a crash, or nothing."""
    if code < 0:
        return f"crashed with {signal.Signals(-code).name}"
    if code > 0xC0000000:  # Windows reports an access violation and its like as the exit code
        return f"crashed with 0x{code:X}"
    return ""


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


def product_files() -> list[Path]:
    return [
        ROOT / "__init__.py",
        ROOT / "files.py",
        *(path for name in PRODUCT for path in sorted((ROOT / name).rglob("*.py"))),
    ]
