# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as `image_to_3d`, and gives every run a Blender user folder of its own, before bpy is imported."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

_home = tempfile.TemporaryDirectory(prefix="image_to_3d_tests_")
_extensions = Path(_home.name) / "extensions" / "user_default"
_extensions.mkdir(parents=True)
(_extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)

os.environ["BLENDER_USER_RESOURCES"] = _home.name
sys.path.insert(0, str(_extensions))  # `import image_to_3d`, whatever the checkout's folder is called


@pytest.fixture
def web():
    """A web server on loopback."""
    from web import Web

    server = Web()
    yield server
    server.close()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """The path of a program that behaves like the Blender binary, in no time. Started by this Python, as the one on the path may be slow."""
    program = ROOT / "tests" / "programs" / "stand_in_blender.py"
    path = tmp_path_factory.mktemp("blender") / "blender"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{program}" "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def star(tmp_path_factory):
    """A small picture with alpha: a red five-pointed star, 96 pixels wide."""
    from drawing import star_png

    path = tmp_path_factory.mktemp("pictures") / "Red Star.png"
    path.write_bytes(star_png(96))
    return path
