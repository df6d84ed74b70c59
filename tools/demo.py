# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py demo`, seen from outside Blender: the environment, the run, and where the results are."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from .common import (
    DEMO,
    EXAMPLE,
    PACKAGE,
    ROOT,
    VENV,
    Stop,
    clean_environment,
    ending,
    headline,
    link_folder,
    remove_folder,
    require_space,
)
from .environments import blender_environment, default_blender

DEMO_GB = 0.2  # a few MB of result, and room for the user's own large picture


def command_demo(options: argparse.Namespace) -> int:
    """Make the environment, generate in it (see `stage`), and say where the results are."""
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
    command = [str(executable), str(ROOT / "dev.py"), "_demo_inside", "--image", str(picture)]
    code = subprocess.run(command, cwd=ROOT, env=clean_environment(BLENDER_USER_RESOURCES=str(home))).returncode
    if code == 1:
        return 1  # it has said why, in its sentence
    missing = [word for word, path in results.items() if not path.exists()]
    if code or missing:
        why = ending(code) or (f"left no {missing[0].lower()}" if not code else f"ended with {code}")
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
