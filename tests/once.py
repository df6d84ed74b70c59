# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark for tests in a wheel that no version of Blender and Python changes, so that one is enough: what takes part is
plain Python, or numpy. For tests only."""

from importlib.metadata import version

import pytest

SERIES = "4.5"

once = pytest.mark.skipif(
    not version("bpy").startswith(f"{SERIES}."),
    reason="run in Blender 4.5: no version of Blender changes what it is about",
)
