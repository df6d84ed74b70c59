# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the checkout importable as `image_to_3d`, and gives every run a Blender user folder of its own, before bpy is imported."""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_home = tempfile.TemporaryDirectory(prefix="image_to_3d_tests_")
_extensions = Path(_home.name) / "extensions" / "user_default"
_extensions.mkdir(parents=True)
(_extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)

os.environ["BLENDER_USER_RESOURCES"] = _home.name
sys.path.insert(0, str(_extensions))  # `import image_to_3d`, whatever the checkout's folder is called
