# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py service`: the stand-ins for the web services, by hand. Runs them in a wheel's environment; is none itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from .common import PACKAGE, ROOT, TESTS, VENV, clean_environment, link_folder
from .environments import blender_environment, default_blender

if TYPE_CHECKING:
    import argparse

GOODBYE_SECONDS = 3  # what the stand-in gets to end by itself


def command_service(options: argparse.Namespace) -> int:
    executable = blender_environment(default_blender(), sys.executable)
    linked = VENV / "linked"
    link_folder(linked / PACKAGE)  # the stand-in has the Local service make its models
    arguments = [
        f"--{name}={value}"
        for name, value in (("port", options.port), ("seconds", options.seconds))
        if value is not None
    ]
    paths = clean_environment(PYTHONPATH=os.pathsep.join([str(TESTS), str(linked)]))
    process = subprocess.Popen([str(executable), "-P", "-m", "service", *arguments], cwd=ROOT, env=paths)
    try:
        return process.wait()
    except KeyboardInterrupt:  # in a terminal, Ctrl+C reaches both of us
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(GOODBYE_SECONDS)
        process.terminate()
        return process.wait()
