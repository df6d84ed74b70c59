# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how long a model takes from the last byte of its service to the object in the scene, against Blender's own
import of the same file: `python tests/bench_arrival.py` in a Python that has bpy. Prints, asserts nothing.

Both are done in the same Blender, in turn, as a machine is not equally quick all the time. The jobs are looked after as
often as the timer of a Blender with windows does it, and Blender's importer has its modules in memory before.
"""

import contextlib
import importlib
import io
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # isort: skip -- gives Blender a user folder with the extension in it, so it comes before bpy

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils
from looking import Looking
from service.stand_in import StandIn
from sized import ball_glb

NAME = "bl_ext.user_default.image_to_3d"
BOUND = 1.5
"""How many times as long as Blender's own import the way of the largest model may take."""
SIZES = ((1_000_000, 4096), (50_000, 1024), (8, 64))
"""Triangles, and pixels of each of the three maps, one way; the first is held to the bound."""
ROUNDS = 5
NEARLY_PERCENT, NEARLY_S = 90, 3.0
"""How far a task comes, and how long it stays there: the last tenth of the minutes that a task takes at a service."""
LOOK_S = 0.004  # between two looks at the record, for the stages
QUIET_S = 60.0  # at the most, until a job's process has drawn the thumbnail and is gone

STAGES = {
    "Preparing the model for the scene": "checked",
    "Reading the model": "begun",
    "Preparing the materials": "read",
    "Preparing the mesh": "materials",
    "Saving": "mesh",
    "Ready": "ready",
}
"""What is over when a job says so."""


class Deliveries:
    """When a service has sent the last byte of a model."""

    def __init__(self):
        self.last_s = 0.0

    def note(self, request):
        if request.service == "files":
            self.last_s = time.perf_counter()


class Timer:
    """The timer of a Blender with windows: looks after the jobs, and says when it does so next."""

    def __init__(self, session):
        self._session = session
        self._watch = importlib.import_module(f"{NAME}.operators.watch")
        self._next_s = 0.0

    def beat(self):
        if time.perf_counter() < self._next_s:
            return
        with contextlib.redirect_stdout(io.StringIO()):
            self._session.tick()
        current, watch = self._session.current, self._watch
        pause = (
            watch.BEHIND_S
            if current.is_behind()
            else watch.NEARLY_S
            if current.is_one_nearly_here()
            else watch.LOOK_EVERY_S
        )
        self._next_s = time.perf_counter() + pause


def empty():
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")


def native(model):
    """How long Blender's own import takes, in seconds."""
    empty()
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        bpy.ops.import_scene.gltf(filepath=str(model))
    took = time.perf_counter() - began
    empty()
    return took


def ours(session, service, deliveries, picture):
    """How long after the last byte of the service each stage was over, in seconds, the last two "in the scene" and
    "thumbnail"."""
    empty()
    start_job = importlib.import_module(f"{NAME}.session.start").start_job
    job = start_job(bpy.context.scene, filepath=str(picture), service="MESHY")
    folder = session.folder_of(job.id)
    thumbnail = folder / "thumbnail.png"
    timer, over, seen, finish_s = Timer(session), {}, 0, 0.0
    made = len(service.creates)
    while session.job(job.id) is None or session.job(job.id).state != "imported":
        timer.beat()
        if len(service.creates) > made and not finish_s:
            service.set_progress(service.creates[-1].id, NEARLY_PERCENT)
            finish_s = time.perf_counter() + NEARLY_S
        if finish_s and time.perf_counter() > finish_s:
            service.finish(service.creates[-1].id)
            finish_s = math.inf
        with contextlib.suppress(OSError):
            if (stat := (folder / "job.json").stat().st_mtime_ns) != seen:
                seen = stat
                record = session.folders.read(folder)
                if record.state in ("failed", "cancelled"):
                    sys.exit(f"The job {record.state}: {record.message}")
                if stage := STAGES.get(record.message):
                    over.setdefault(stage, time.perf_counter())
        time.sleep(LOOK_S)
    over["in the scene"] = time.perf_counter()
    until = time.perf_counter() + QUIET_S
    while session.is_running(job.id) and time.perf_counter() < until:  # it draws the thumbnail
        if thumbnail.exists():
            over.setdefault("thumbnail", time.perf_counter())
        timer.beat()
        time.sleep(LOOK_S)
    return {stage: at - deliveries.last_s for stage, at in over.items()}


def tell(what, natives, all_ours):
    """The figures of a model: median and least, as what else a machine does only adds to them."""
    arrivals = [stages["in the scene"] for stages in all_ours]
    ratio = statistics.median(arrivals) / statistics.median(natives)
    print(
        f"{what:<40} Blender's import {statistics.median(natives):6.2f} s (least {min(natives):.2f}), a job"
        f"{statistics.median(arrivals):6.2f} s (least {min(arrivals):.2f}): {ratio:.2f} times, least by least "
        f"{min(arrivals) / min(natives):.2f}",
        flush=True,
    )
    stages = {
        stage: [each[stage] for each in all_ours if stage in each] for stage in (*STAGES.values(), "in the scene")
    }
    print(
        f"   over after (s): {', '.join(f'{stage} {statistics.median(at):.2f}' for stage, at in stages.items() if at)}"
    )
    drawn = [each["thumbnail"] for each in all_ours if "thumbnail" in each]
    print(f"   thumbnail after {statistics.median(drawn):.2f} s" if drawn else "   no thumbnail", flush=True)
    return ratio


def main():
    addon_utils.enable(NAME, default_set=True)
    try:
        measure(Looking(lambda name: importlib.import_module(f"{NAME}.{name}")))
    finally:
        addon_utils.disable(NAME)


def measure(session):
    print(f"Blender {bpy.app.version_string}, from the last byte of a service to the object in the scene")
    ratios = []
    with tempfile.TemporaryDirectory(prefix="image_to_3d_bench_") as folder:
        for triangles, pixels in SIZES:
            model = Path(folder, f"{triangles}.glb")
            model.write_bytes(ball_glb(triangles, pixels))
            what = f"{triangles:,} triangles, {pixels}², {model.stat().st_size / 1e6:.1f} MB"
            ratios.append(tell(what, *measure_one(session, model, ROUNDS)))
    print(f"the largest: {ratios[0]:.2f} times Blender's import of {BOUND}{'' if ratios[0] <= BOUND else '  TOO MUCH'}")


def measure_one(session, model, rounds):
    """How long Blender's import and our jobs took, in turn."""
    deliveries = Deliveries()
    with StandIn(model=model, seconds=None, log=deliveries.note) as service:
        os.environ |= {"MESHY_API_KEY": service.meshy_key, "MESHY_API_URL": service.meshy_url}
        native(model)  # its modules, and the file in the system's memory
        natives, all_ours = [], []
        for _ in range(rounds):
            natives.append(native(model))
            all_ours.append(ours(session, service, deliveries, conftest.ROOT / "docs" / "penguin.png"))
        empty()
    return natives, all_ours


if __name__ == "__main__":
    main()
