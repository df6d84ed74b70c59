# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write to have several models made side by side: `blender -b --addons … --python several_jobs.py --
PICTURE …`."""

import sys

from bl_ext.user_default.image_to_3d import scripting

paths = sys.argv[sys.argv.index("--") + 1 :]
jobs = [scripting.generate(path, "MESHY", location=(2 * number, 0, 0)) for number, path in enumerate(paths)]
for job in jobs:
    try:
        job.wait()
        print("Made", job.name, [list(obj.location) for obj in job.objects], flush=True)
    except scripting.ImageTo3DError as error:  # so that one bad picture does not stop the others
        print("Failed", job.name, type(error).__name__, error, flush=True)
