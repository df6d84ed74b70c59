# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark for tests that take long and for further inputs of others. They run where IMAGE_TO_3D_THOROUGH is set: before a
release, and after a change of what they are about; and where the manual's pictures are made, as some make one. For tests
only."""

import os

import pytest

IS_THOROUGH = bool(os.environ.get("IMAGE_TO_3D_THOROUGH"))

thorough = pytest.mark.skipif(
    not (IS_THOROUGH or os.environ.get("IMAGE_TO_3D_PICTURES")),
    reason="tried where IMAGE_TO_3D_THOROUGH is set",
)
