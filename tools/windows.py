# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Blenders with windows that this machine has, and what tests/gui needs beside them. Brings no Blender
(`debian.py` does)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .common import VENV, Stop, clean_environment, ending, last_line, version_name
from .environments import TEST_TOOLS, environment

if TYPE_CHECKING:
    from collections.abc import Mapping


OLDEST = (4, 2)  # the manifest's `blender_version_min`
VERSION_SECONDS = 60  # a Blender that was never run takes some to be read from the disk
WINDOW_TOOLS = (
    *TEST_TOOLS,
    "requests==2.34.2",
    "numpy==2.2.6",  # installs on both Pythons
    "Pillow==13.0.0",
    "pytesseract==0.3.13",
    "python-xlib==0.33",
)
WINDOW_GB = 0.4


class WindowBlender(NamedTuple):
    """A Blender of this machine, with the version that it gives for itself."""

    path: str
    version: str


def windows_environment() -> Path:
    """The Python of the environment that tests/gui runs in: no Blender is in it, the tests drive one from outside."""
    return environment(VENV / "windows", "what the tests in windows need", sys.executable, WINDOW_TOOLS, WINDOW_GB)


def find_window_blenders(variables: Mapping[str, str]) -> tuple[list[WindowBlender], list[str]]:
    """The Blenders that $BLENDER names, else the one on the path; and a sentence for each that is too old, or for that
    there is none.

    A `Stop` says which name in $BLENDER is no Blender: whoever wrote it there wants it to be tested.
    """
    named = list(dict.fromkeys(filter(None, variables.get("BLENDER", "").split(os.pathsep))))
    chosen, left_out = [], []
    for name in named or ["blender"]:
        path = shutil.which(name, path=variables.get("PATH"))
        if path is None and not named:
            continue
        if path is None:
            raise Stop(f"BLENDER names {name}, and that is no program.")
        try:
            blender = WindowBlender(os.path.abspath(path), version_of(path))
        except Stop as sentence:
            if named:
                raise
            left_out.append(f"tests/gui, as {sentence}")
            continue
        if tuple(int(part) for part in blender.version.split(".")[:2]) < OLDEST:
            left_out.append(
                f"tests/gui in {path}, as it is Blender {blender.version} and {version_name(OLDEST)} is the "
                "oldest that is promised."
            )
        else:
            chosen.append(blender)
    if not chosen and not left_out:
        left_out = [
            "tests/gui, as no Blender with windows was found: set BLENDER to the path of one, or several "
            f"(python3 dev.py blenders brings two on Linux), separated by '{os.pathsep}'."
        ]
    return chosen, left_out


def version_of(path: str) -> str:
    """What this Blender says its version is ("4.3.2")."""
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
            env=clean_environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Stop(f"{path} is no Blender that starts: {error}.") from error
    said = re.search(r"^Blender (\d+\.\d+(\.\d+)*)", done.stdout, re.MULTILINE)
    if done.returncode or not said:
        reason = ending(done.returncode) or last_line(done.stderr or done.stdout)
        raise Stop(f"{path} is no Blender that starts: {reason}.")
    return said.group(1)


def missing_for_windows(variables: Mapping[str, str], platform: str) -> str:
    """What tests in windows cannot do without and this machine lacks, as a sentence; empty if it has all.

    Args: the environment, and `sys.platform`: Windows and macOS always have a screen.
    """
    path = variables.get("PATH")
    has_screen = platform in ("win32", "darwin") or variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY")
    if not has_screen and not shutil.which("Xvfb", path=path):
        return (
            "tests/gui, as there is neither a screen nor Xvfb, which makes one (on Debian or Ubuntu: apt install xvfb)."
        )
    if not shutil.which("tesseract", path=path):
        return "tests/gui, as tesseract is missing, with which they read the screen (on Debian or Ubuntu: apt install tesseract-ocr)."
    return ""
