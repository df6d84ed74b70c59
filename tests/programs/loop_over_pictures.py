# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write to have many models made overnight: `blender -b --addons … --python loop_over_pictures.py --
PICTURE …`."""

import ctypes
import signal
import sys

import bpy

handler = ctypes.pythonapi.PyOS_getsig
handler.argtypes, handler.restype = [ctypes.c_int], ctypes.c_void_p
before = handler(signal.SIGINT)

for path in sys.argv[sys.argv.index("--") + 1 :]:
    try:
        bpy.ops.image_to_3d.generate(filepath=path, service="MESHY")
        print("Made", path, flush=True)
    except RuntimeError as error:  # so that one bad picture does not stop the others
        print("Failed", path, error, flush=True)
    print("Blender hears Ctrl+C as before" if handler(signal.SIGINT) == before else "Blender is deaf", flush=True)
