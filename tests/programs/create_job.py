# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the folder of a Local job, as Blender does when Generate is pressed: `create_job.py ROOT PICTURE`. For a fault
in the middle of it."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

runpy.run_path(str(ROOT / "programs" / "launch.py"))["load_package"]()
from image_to_3d.jobs import folder  # noqa: E402 -- the package is there only now

folder.create(Path(sys.argv[1]), service="local", parameters={"image_url": sys.argv[2]}, name="Red Star")
