# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as `image_to_3d`, and gives every run a Blender user folder of its own, before bpy is
imported."""

import faulthandler
import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

EXIT_SECONDS = 30  # what a run gets to end once all is reported: Blender and Python take one or two

_home = tempfile.TemporaryDirectory(prefix="image_to_3d_tests_")
_extensions = Path(_home.name) / "extensions" / "user_default"
_extensions.mkdir(parents=True)
(_extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)

os.environ["BLENDER_USER_RESOURCES"] = _home.name
sys.path.insert(0, str(_extensions))  # `import image_to_3d`, whatever the checkout's folder is called


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    """A run that hangs while Python ends says where, and fails. Blender 4.5 hangs where a timer or a class was left."""
    faulthandler.dump_traceback_later(EXIT_SECONDS, exit=True, file=sys.__stderr__)


@pytest.fixture
def web():
    """A web server on loopback."""
    from web import Web

    server = Web()
    yield server
    server.close()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """The path of a program that behaves like the Blender binary, in no time.

    It is started by this Python, as the one on the path may be slow.
    """
    return make_stand_in(tmp_path_factory.mktemp("blender") / "blender")


def make_stand_in(path, *arguments):
    """Write a program at `path` that starts the stand-in for Blender, with `arguments` before all others."""
    program = ROOT / "tests" / "programs" / "stand_in_blender.py"
    words = " ".join(f'"{word}"' for word in (sys.executable, "-IS", program, *arguments))
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def stand_in_that(tmp_path_factory):
    """A function that makes a stand-in for Blender with these arguments: see there."""
    return lambda *arguments: make_stand_in(tmp_path_factory.mktemp("blender") / "blender", *arguments)


@pytest.fixture(scope="session")
def make_stand_in_with(tmp_path_factory):
    """A function that makes a stand-in for Blender whose models are the .blend file that it is given."""
    return lambda blend: make_stand_in(tmp_path_factory.mktemp("blender") / "blender", "--model", blend)


@pytest.fixture(scope="session")
def star(tmp_path_factory):
    """A small picture with alpha: a red five-pointed star, 96 pixels wide."""
    from drawing import star_png

    path = tmp_path_factory.mktemp("pictures") / "Red Star.png"
    path.write_bytes(star_png(96))
    return path
