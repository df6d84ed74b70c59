# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and installs the extension's zip with Blender's own tool, as those do who make and use it."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

from gui.blender import ROOT

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "demo", "dist", "docs", "tests")


VERSION = tomllib.loads((ROOT / "blender_manifest.toml").read_text())["version"]


def build(binary, folder, version=VERSION):
    """The zip with this version, as a file in `folder`: its path."""
    source = Path(folder) / "source"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT, dirs_exist_ok=True)
    manifest = source / "blender_manifest.toml"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join(f'version = "{version}"' if x.startswith("version =") else x for x in lines))
    path = Path(folder) / f"image_to_3d-{version}.zip"
    command(binary, folder, "build", "--source-dir", str(source), "--output-filepath", str(path))
    return path


def install(binary, resources, path):
    """Install a zip in this user folder, and enable it there."""
    command(binary, resources, "install-file", "--repo", "user_default", str(path))


def command(binary, resources, *arguments):
    Path(resources, "config").mkdir(
        parents=True, exist_ok=True
    )  # else Blender takes the preferences of the system's user
    subprocess.run(
        [binary, "--command", "extension", *arguments],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(resources)},
        check=True,
        capture_output=True,
        timeout=60,
    )
