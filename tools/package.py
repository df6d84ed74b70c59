# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py build`: the extension's zip, made and validated by Blender's own tool."""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from .common import DIST, PRODUCT, ROOT, SHIPPED_FILES, Stop, clean_environment, product_files
from .environments import Blender, blender_environment, default_blender

if TYPE_CHECKING:
    from collections.abc import Callable


def command_build(options: argparse.Namespace) -> int:
    blender = default_blender()
    executable = blender_environment(blender, sys.executable)
    DIST.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DIST) as folder:  # a failed build leaves the last good one alone
        built = build_zip(functools.partial(blender_extension, executable, blender), Path(folder))
        target = built.replace(DIST / built.name)
    print(f"\n{target} ({target.stat().st_size / 1000:.0f} kB)")
    return 0


def build_zip(blender_tool: Callable[..., None], folder: Path) -> Path:
    """Make the zip in `folder`, and return its path. Raises `Stop` where something does not belong into it.

    `blender_tool` runs a command of Blender's tool for extensions.
    """
    blender_tool("validate", str(ROOT))
    blender_tool("build", "--source-dir", str(ROOT), "--output-dir", str(folder))
    built = next(folder.glob("*.zip"))
    blender_tool("validate", str(built))
    problems = zip_problems(built)
    if problems:
        raise Stop("The zip is not what it should be: " + "; ".join(problems) + ".")
    return built


def blender_extension(executable: Path, blender: Blender, command: str, *arguments: str) -> None:
    """Run Blender's own tool for extensions, which lies in the wheel; where it looks at the tags, with those that
    Blender's own site knows."""
    scripts = next(blender.folder.rglob(f"bpy/{blender.series}/scripts"))
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    tags = scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py"
    known = [f"--valid-tags={tags}"] if tags.exists() and command in ("validate", "build") else []
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
