# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark for tests in a wheel that no version of Blender changes, so that one is enough: what takes part is plain
Python. For tests only."""

import bpy
import pytest

SERIES = (4, 5)

once = pytest.mark.skipif(
    bpy.app.version[:2] != SERIES, reason="run in Blender 4.5: no version of Blender changes what it is about"
)
