# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what a long list of jobs costs Blender's own thread: `python tests/bench_jobs.py` in a Python that has bpy.
Prints, asserts nothing.

Every line stands against its bound, which is the same with ten jobs that have ended and with ten thousand.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # isort: skip -- gives Blender a user folder with the extension in it, so it comes before bpy

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils
from service.cube import cube_glb

NAME = "bl_ext.user_default.image_to_3d"
FEW, MANY = 10, 10_000
LOOKS = 200
RUNNING = 5
BURST = 10  # looks one after the other, as those where nothing happens are measured
PAUSE_S = 0.5  # between two looks of the timer
TASK_S = 180  # what Meshy usually takes for a task
PICTURE_BYTES = 20_000_000
PRESSES = 5

IDLE_MS, RUNNING_MS, MOST_MS, PRESS_MS, READ_MS = 0.2, 0.5, 10.0, 15.0, 10.0


def module(name):
    return importlib.import_module(f"{NAME}.{name}")


def milliseconds(action):
    began = time.perf_counter()
    result = action()
    return (time.perf_counter() - began) * 1000, result


def tell(what, value, bound):
    print(f"{what:<62} {value:8.2f} ms of {bound}{'' if value <= bound else '  TOO MUCH'}", flush=True)


def write_jobs(root, number):
    """Records of jobs that have ended, as they lie on a disk."""
    states = ("imported", "failed", "cancelled", "imported")
    for count in range(number):
        job_id = (
            f"2025{1 + count // 2800 % 12:02}{1 + count // 100 % 28:02}-{count % 100:06}-{count:06}-{count % 65536:04x}"
        )
        folder = root / job_id
        folder.mkdir()
        record = {
            "id": job_id, "service": "local", "name": f"Job {count}", "state": states[count % 4], "message": "Ready",
            "parameters": {"image_url": "picture.png"}, "created": "2025-01-01T00:00:00.000Z",
            "updated": "2025-01-01T00:00:00.000Z", "note": "12 faces.",
            "place": {"location": [1.0, 2.0, 3.0]}, "file": "/other.blend" if count % 10 == 0 else "",
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(record))
        (folder / "lock").touch()


def clear(session):
    current = session.current()
    root = current.queue.root
    processes = list(current.queue.processes.values())
    session.unregister()
    for process in processes:  # whose last words would come into what is being deleted
        process.wait(30)
    with contextlib.suppress(FileNotFoundError):
        files = sys.modules[f"{NAME}.files"]
        files.remove_tree(root)


def read_all(session):
    """Look until everything was read; return how long each look took."""
    looks = []
    current = session.current()
    while not looks or current.is_behind():
        looks.append(milliseconds(current.look)[0])
    return looks


def rest(session):
    """Let what has just changed be a while ago."""
    time.sleep(0.2)
    for _ in range(20):
        session.current().look()


def measure(session, many, picture):
    clear(session)
    write_jobs(session.current().queue.root, many)
    gc.collect()  # what Blender has left by then may be collected at any moment, which takes 50 ms and is not ours
    looks = read_all(session)
    tell(f"{many:,} records are read after the start: the longest of {len(looks)} looks", max(looks), READ_MS)
    print(f"    all of them in {sum(looks) / 1000:.2f} s of looking")
    rest(session)
    looks = [milliseconds(session.current().look)[0] for _ in range(LOOKS)]
    tell(f"one look, nothing happens, {many:,} jobs: median", statistics.median(looks), IDLE_MS)
    measure_list(session, many)
    start_job = module("session.start").start_job
    presses = []
    for _ in range(PRESSES):
        took, job = milliseconds(lambda: start_job(bpy.context.scene, filepath=str(picture)))
        presses.append(took)
        session.current().queue.cancel(job.id)
    tell(
        f"Generate is pressed, a picture of {PICTURE_BYTES // 10**6} MB, {many:,} jobs: median",
        statistics.median(presses),
        PRESS_MS,
    )
    tell("    the longest", max(presses), PRESS_MS)
    small = picture.with_name("small.png")
    jobs = [start_job(bpy.context.scene, filepath=str(small), service="MESHY") for _ in range(RUNNING)]
    starting = []
    while not all(session.current().queue.refresh(job.id).task_id for job in jobs):
        starting.append(milliseconds(session.current().look)[0])
        time.sleep(PAUSE_S)
    looks = []
    rare = []  # as the timer does it: by then the processor has forgotten everything
    for _ in range(LOOKS // BURST):
        time.sleep(PAUSE_S)
        rare.append(milliseconds(session.current().look)[0])
        looks += [milliseconds(session.current().look)[0] for _ in range(BURST)]
    tell(f"one look, {RUNNING} jobs run, {many:,} have ended: median", statistics.median(looks), RUNNING_MS)
    tell("    the longest", max(looks), MOST_MS)
    tell("    the longest of those that the timer makes, each half second", max(rare), MOST_MS)
    print(f"    their median: {statistics.median(rare):.2f} ms")
    tell("    the longest while their processes start", max(starting), MOST_MS)
    for job in jobs:
        session.current().queue.cancel(job.id)


def fill_again(session):
    """Fill the list until it is complete; return how long each step took."""
    steps = []
    joblist = session.current().joblist
    while not steps or joblist.is_behind:
        steps.append(milliseconds(joblist.fill)[0])
    return steps


def measure_list(session, many):
    """What it costs to show other rows of the list, and to draw it."""
    listed = bpy.context.window_manager.image_to_3d
    view = module("panels.jobs").IMAGE_TO_3D_UL_jobs
    rows = type("Rows", (), {"bitflag_filter_item": 1 << 30})()
    for what, name, value in (
        ("a search is typed that finds a few", "search", "job 99"),
        ("... that finds nothing", "search", "no job is called that"),
        ("... that is over", "search", ""),
        ("sorted by name", "sort", "NAME"),
        ("sorted by state", "sort", "STATE"),
        ("the newest first again", "sort", "NEWEST"),
        ("the other files are shown", "other_files", True),
    ):
        setattr(listed, name, value)
        steps = fill_again(session)
        tell(f"{what}, {many:,} jobs: the longest of {len(steps)} steps", max(steps), MOST_MS)
        print(
            f"    all of it in {sum(steps):.1f} ms, the first rows after {steps[0]:.1f} ms; {len(listed.items):,} rows"
        )
    listed.search = "job"
    fill_again(session)
    drawing = [milliseconds(lambda: view.filter_items(rows, bpy.context, listed, "items"))[0] for _ in range(LOOKS)]
    tell(f"the list is drawn, {len(listed.items):,} rows, with a search: what is ours", max(drawing), IDLE_MS)
    listed.search, listed.other_files = "", False
    fill_again(session)


@contextlib.contextmanager
def service(model):
    """A stand-in for the services in a process of its own, so that its work is not taken for ours: the variables that
    lead there."""
    command = [sys.executable, "-m", "service", "--port=0", f"--seconds={TASK_S}", f"--model={model}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), sys.path[0]])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = next(line for line in process.stdout if line.startswith("MESHY_API_URL="))
        yield dict(entry.split("=", 1) for entry in line.split())
    finally:
        process.terminate()
        process.stdout.close()
        process.wait()


def main():
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    addon_utils.enable(NAME, default_set=True)
    try:
        bpy.ops.wm.read_homefile(use_empty=True, app_template="")
        session = module("session")
        bpy.context.preferences.addons[NAME].preferences.jobs_at_once = RUNNING
        with tempfile.TemporaryDirectory(dir=session.current().queue.root.parent) as folder:
            picture, model = Path(folder, "large.png"), Path(folder, "cube.glb")
            example = (conftest.ROOT / "docs" / "penguin.png").read_bytes()
            Path(folder, "small.png").write_bytes(example)
            picture.write_bytes(example + bytes(PICTURE_BYTES - len(example)))
            model.write_bytes(cube_glb())
            with service(model) as variables:
                os.environ.update(variables)
                print(f"Blender {bpy.app.version_string}")
                for many in (FEW, MANY):
                    with contextlib.redirect_stderr(io.StringIO()):
                        measure(session, many, picture)
                clear(session)
    finally:
        addon_utils.disable(NAME)


if __name__ == "__main__":
    main()
