# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what jobs cost Blender itself: `python tests/bench_blender.py` in a Python that has bpy. Prints, asserts
nothing.

The user feels the first three: they happen in Blender's own thread. A cancel is measured until the job's process has
ended.
"""

import contextlib
import importlib
import io
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # isort: skip -- gives Blender a user folder with the extension in it, so it comes before bpy

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils
from looking import Looking

NAME = "bl_ext.user_default.image_to_3d"
ROUNDS = 5
LONG_ENOUGH_S = 1.2  # for the sculptor to be in the middle of its work


def milliseconds(action):
    started = time.perf_counter()
    result = action()
    return (time.perf_counter() - started) * 1000, result


def main():
    addon_utils.enable(NAME, default_set=True)
    try:
        bpy.ops.wm.read_homefile(use_empty=True, app_template="")
        measure(Looking(lambda name: importlib.import_module(f"{NAME}.{name}")))
    finally:
        addon_utils.disable(NAME)


def measure(session):
    start_job = importlib.import_module(f"{NAME}.session.start").start_job
    picture = str(conftest.ROOT / "docs" / "penguin.png")
    bpy.context.scene.image_to_3d.local.texture_model = "PBR"
    press, start, cancel = [], [], []
    for _ in range(ROUNDS):
        took, job = milliseconds(lambda: start_job(bpy.context.scene, filepath=picture))
        press.append(took)
        start.append(milliseconds(session.tick)[0])
        time.sleep(LONG_ENOUGH_S)
        started = time.perf_counter()
        session.cancel(job.id)
        while session.is_running(job.id):
            time.sleep(0.005)
        cancel.append((time.perf_counter() - started) * 1000)
    job = start_job(bpy.context.scene, filepath=picture)
    ticks = []
    while (state := session.refresh(job.id).state) != "imported":
        if state in ("failed", "cancelled"):
            sys.exit(f"The job {state}: {session.refresh(job.id).message}")
        with contextlib.redirect_stdout(io.StringIO()):
            ticks.append(milliseconds(session.tick)[0])
        time.sleep(0.1)
    print(f"Blender {bpy.app.version_string}, a job of {job.name}.png (base, pbr, high_poly)")
    for what, times, bound in (
        ("pressing Generate, until the job is on the disk", press, 30),
        ("starting its process", start, 30),
        ("one look at the jobs while it works", sorted(ticks)[:-1], 30),
        ("appending the model", ticks[-1:], 100),
        ("cancelling, until the process has ended", cancel, 1000),
    ):
        print(f"{what:<50} median {statistics.median(times):6.1f} ms, most {max(times):6.1f} ms, of {bound}")


if __name__ == "__main__":
    main()
