# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py demo`, seen from outside Blender: the environment, the call of the extension's command line, and where the
results are."""

from __future__ import annotations

import argparse
import shutil
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

SAID = (1, 2, 3, 130)
"""What the command line ends with where it has said why, in its sentence."""

DEMO_GB = 0.2  # a few MB of result, and room for the user's own large picture


def command_demo(options: argparse.Namespace) -> int:
    """Make the environment, have the command line make the model in it, set the stage (see `stage`), and say where the
    results are."""
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
    packages = home / "extensions" / "user_default"
    link_folder(packages / PACKAGE)
    headline(f"{picture.name} in Blender {blender.series}")
    variables = clean_environment(BLENDER_USER_RESOURCES=str(home), PYTHONPATH=str(packages))
    made = home / "made"
    words = [str(picture), "--set", "texture_model=pbr", "--format", "blend,glb", "--output", str(made)]
    command = [str(executable), "-P", "-m", f"{PACKAGE}.command", *words]
    code = subprocess.run(command, cwd=ROOT, env=variables).returncode
    if code in SAID:
        return code
    models, files = list(made.glob("*.blend")), list(made.glob("*.glb"))
    if code or not models or not files:
        raise Stop(f"The command line {ending(code) or f'ended with {code}'} (the job's own log is under {made}).")
    shutil.copyfile(files[0], results["GLB"])
    command = [
        str(executable),
        str(ROOT / "dev.py"),
        "_demo_inside",
        "--image",
        str(picture),
        "--model",
        str(models[0]),
    ]
    code = subprocess.run(command, cwd=ROOT, env=variables).returncode
    if code == 1:
        return 1  # it has said why, in its sentence
    missing = [word for word, path in results.items() if not path.exists()]
    if code or missing:
        why = ending(code) or (f"left no {missing[0].lower()}" if not code else f"ended with {code}")
        raise Stop(f"The demo {why}.")
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
