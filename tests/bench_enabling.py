# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what enabling the extension adds to Blender's start, with byte code: `python tests/bench_enabling.py` in a
Python that has bpy.

Each round is a process of its own. What Blender itself does with our classes and properties (it would for any
extension) is told apart. Prints, asserts nothing. On a machine that does other things, too, the least of the times says
the most.
"""

import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BOUND_MS = 10.0
ROUNDS = 9


def one_round():
    """Enable the extension as Blender does; print how long that took in milliseconds of the processor, and how much of
    it was Blender's own work."""
    import bpy  # isort: skip -- first: addon_utils comes with it
    import addon_utils

    addon_utils.modules(refresh=True)  # Blender has read the manifests of all extensions before
    there = set(sys.modules)
    theirs = 0.0

    def counted(function):
        def call(*arguments, **options):
            nonlocal theirs
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                theirs += time.process_time() - began

        return call

    # Blender's own start leaves a full collection of garbage due, of some 25 ms, which falls to whoever makes the next
    # objects.
    gc.collect()
    bpy.utils.register_class = counted(bpy.utils.register_class)
    began = time.process_time()
    package = __import__("bl_ext.user_default.image_to_3d", fromlist=["register"])
    package.register()
    whole = time.process_time() - began
    slow = [
        name
        for name in ("requests", "urllib3", "numpy", "ssl", "subprocess")
        if name in sys.modules and name not in there
    ]
    print(whole * 1000, theirs * 1000, *slow)
    package.unregister()


def main():
    sys.path.insert(0, str(Path(__file__).parent))
    import conftest  # noqa: F401 -- the user folder, for the rounds: they themselves must not have loaded what pytest loads

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(ROUNDS + 1):
        command = [sys.executable, __file__, "one"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        whole, theirs, *slow = said.splitlines()[-1].split()
        times.append((float(whole), float(theirs)))
    times = times[1:]  # the first has written the byte code
    all_ours = [whole - theirs for whole, theirs in times]
    ours = statistics.median(all_ours)
    print(
        f"enabling: {statistics.median(whole for whole, _ in times):.1f} ms, of which Blender itself takes "
        f"{statistics.median(theirs for _, theirs in times):.1f} ms; ours {ours:.1f} ms of {BOUND_MS}, at "
        f"least {min(all_ours):.1f} ms"
        f"{'' if ours <= BOUND_MS else '  TOO MUCH'}; imported besides: {', '.join(slow) or 'nothing slow'}"
    )


if __name__ == "__main__":
    one_round() if sys.argv[1:] else main()
