# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a run that sculpted: bpy 4.2.23 crashes while it is taken down after a glTF export, and would turn a pass into a
failure."""

import os
import sys

import pytest

_status = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the run went."""
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once, everything said and written, where Blender was loaded."""
    bpy = sys.modules.get("bpy")
    if bpy is not None and bpy.app.version < (4, 3) and _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])
