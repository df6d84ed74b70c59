# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write to have many models made overnight: `blender -b --addons … --python loop_over_pictures.py -- PICTURE …`."""

import sys

import bpy

for path in sys.argv[sys.argv.index("--") + 1 :]:
    try:
        bpy.ops.image_to_3d.generate(filepath=path, service="MESHY")
        print("Made", path, flush=True)
    except RuntimeError as error:  # so that one bad picture does not stop the others
        print("Failed", path, error, flush=True)
