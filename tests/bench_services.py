# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what we add to a web service: `python tests/bench_services.py` in a Python that has requests and aiohttp.
Needs no bpy.

Services and hosts are stand-ins on this machine, so that what is left is our own part. Takes about a minute. Ends with
1 where a figure misses its bound; what has no bound is printed to be looked at.
"""

import contextlib
import logging
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # noqa: F401  # isort: skip -- makes the checkout importable as `image_to_3d`

import numpy as np
from drawing import png, star_png
from service.cube import cube_glb
from service.stand_in import StandIn

import image_to_3d
from image_to_3d import api

TASKS_S = (8, 11, 15, 18, 22, 26, 31, 35)  # all at once, so that the longest is what the whole takes
NOISE_PX = 2290  # cannot be compressed: 21 MB, on fewer pixels than are scaled down
MODEL_BYTES = 100_000_000
ROUNDS = 15
CHILD_S = 60.0  # against a hang; nothing is measured with it

MEMORY_BOUND_MB = 60
SPEED_BOUND = 0.8  # of curl's, which neither checks what it fetched nor sees to it that it is on the disk

# Linux counts into ru_maxrss what the parent held before the child became another program; VmHWM is the child's own.
CREATE = r"""
import re, resource, sys
from image_to_3d import api
_, key, url, picture = sys.argv
api.connect("meshy", key=key, url=url).create({"image_url": picture})
try:
    print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1))
"""

# The task is asked for first, as it is in a job's process: with the first request, certificates are loaded (0.05 s).
SAVE = r"""
import os, sys, time
from dataclasses import replace
from pathlib import Path
from image_to_3d import api
_, key, url, task_id, address, path = sys.argv
sync, synced = os.fsync, []
def fsync(file):
    begun = time.perf_counter()
    sync(file)
    synced.append(time.perf_counter() - begun)
os.fsync = fsync
service = api.connect("meshy", key=key, url=url)
task = replace(service.get(task_id), result=api.Result(address))
begun = time.perf_counter()
api.save(service, task, Path(path))
print(time.perf_counter() - begun, sum(synced))
"""


class Way(NamedTuple):
    """One way to hear of a task's end; `bound_s` is None where the service says too little, or says how often it may be
    asked."""

    name: str
    service: str
    bound_s: float | None = None
    quirk: str = ""
    has_stream: bool = True


WAYS = (
    Way("Meshy by stream", "meshy", 1.0),
    Way("Meshy by a stream silent until the end", "meshy", quirk="no_progress"),
    Way("Meshy without a stream, Retry-After: 5", "meshy", has_stream=False),
    Way("Meshy without a stream or Retry-After", "meshy", quirk="no_retry_after", has_stream=False),
    Way("CSM with percent_done", "csm", 3.0),
    Way("CSM without percent_done", "csm", quirk="no_progress"),
)


def verdict(is_kept: bool, bound: str) -> str:
    return f"bound {bound}" if is_kept else f"bound {bound}: MISSED"


def bench_waiting(folder: Path) -> bool:
    """What is lost between the end of a task and our knowing of it. Return whether the bounds were kept."""
    picture, model = folder / "star.png", folder / "cube.glb"
    picture.write_bytes(star_png(32))
    model.write_bytes(cube_glb())
    print(f"From a task's end until we know of it, {len(TASKS_S)} tasks of {min(TASKS_S)} to {max(TASKS_S)} s each:")
    kept = True
    with ThreadPoolExecutor(len(WAYS) * len(TASKS_S)) as threads:
        waits = [[threads.submit(lost_s, way, seconds, picture, model) for seconds in TASKS_S] for way in WAYS]
        for way, futures in zip(WAYS, waits, strict=True):
            lost = [future.result() for future in futures]
            is_kept = way.bound_s is None or max(lost) <= way.bound_s
            bound = "no bound" if way.bound_s is None else verdict(is_kept, f"{way.bound_s:.0f} s")
            print(f"  {way.name:<40} median {statistics.median(lost):5.2f} s, most {max(lost):5.2f} s, {bound}")
            kept = kept and is_kept
    return kept


def lost_s(way: Way, seconds: float, picture: Path, model: Path) -> float:
    with StandIn(model=model, seconds=seconds) as stand_in:
        if way.quirk:
            stand_in.quirk(way.service, **{way.quirk: True})
        if not way.has_stream:
            stand_in.play("stream", "status", status=404, times=100)
        service = api.connect(
            way.service, key=getattr(stand_in, f"{way.service}_key"), url=getattr(stand_in, f"{way.service}_url")
        )
        heard = []
        task = service.create({"image_url": str(picture)})
        api.wait(service, task.id, on_progress=lambda task: heard.append(time.time()))
        return heard[-1] - stand_in.done_at(task.id)


def bench_memory(folder: Path) -> bool:
    """What a large picture costs while it is encoded and sent. Return whether the bound was kept."""
    small, large = folder / "small.png", folder / "large.png"
    small.write_bytes(star_png(32))
    large.write_bytes(png(np.random.default_rng(1).integers(0, 256, (NOISE_PX, NOISE_PX, 4), np.uint8)))
    with StandIn(model=folder / "never fetched.glb", seconds=None) as stand_in:
        peaks = [
            float(output_of(CREATE, stand_in.meshy_key, stand_in.meshy_url, str(picture))) / 1024
            for picture in (small, large)
        ]
        sizes = [create.parameters["image_url"].size for create in stand_in.creates]
    assert sizes == [small.stat().st_size, large.stat().st_size], "the picture was not sent as it is"
    more = peaks[1] - peaks[0]
    is_kept = more <= MEMORY_BOUND_MB
    print(
        f"Sending a picture of {sizes[1] / 1e6:.0f} MB: {peaks[1]:.0f} MB at most, with one of "
        f"{sizes[0] / 1e3:.1f} kB {peaks[0]:.0f}: "
        f"{more:.1f} MB more, {verdict(is_kept, f'{MEMORY_BOUND_MB} MB')}"
    )
    return is_kept


def bench_download(folder: Path) -> bool:
    """How fast a model is fetched, checked and on the disk, against curl. Return whether the bound was kept."""
    curl = shutil.which("curl")
    if not curl:
        print("Fetching a model: left out, as this machine has no curl to compare with")
        return True
    model = folder / "model.glb"
    model.write_bytes(cube_glb(filler=MODEL_BYTES))
    print(f"Fetching {model.stat().st_size / 1e6:.0f} MB, {ROUNDS} times in turns with curl:")
    with StandIn(model=model) as stand_in, plain_server(folder) as plain_url:
        service = api.connect("meshy", key=stand_in.meshy_key, url=stand_in.meshy_url)
        picture = folder / "star.png"
        picture.write_bytes(star_png(32))
        task = api.wait(service, service.create({"image_url": str(picture)}).id)
        hosts = {"the stand-in": task.result.glb, "Python's http.server": f"{plain_url}/{model.name}"}
        known = (stand_in.meshy_key, stand_in.meshy_url, task.id)
        kept = [compare(curl, known, host, address, folder) for host, address in hosts.items()]
    return all(kept)


def compare(curl: str, known: tuple[str, ...], host: str, address: str, folder: Path) -> bool:
    """Fetch `address` with ours and with curl in turns. `known` are the key, the address of the service, and the task's
    id."""
    ours, synced, theirs = [], [], []
    path = folder / "fetched"
    for _ in range(ROUNDS):
        taken, on_sync = map(float, output_of(SAVE, *known, address, str(path)).split())
        ours.append(taken)
        synced.append(on_sync)
        path.unlink()
        command = [curl, "-s", "--fail", "--noproxy", "*", "-o", str(path), "-w", "%{time_total}", address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_S, check=True)
        theirs.append(float(done.stdout.replace(",", ".")))
        path.unlink()
    ratio = statistics.median(their / our for our, their in zip(ours, theirs, strict=True))
    is_kept = ratio >= SPEED_BOUND
    median = statistics.median
    print(
        f"  from {host:<21} {median(ours):.3f} s ({median(synced):.3f} of it for the disk), curl "
        f"{median(theirs):.3f} s: "
        f"{ratio:.2f} times as fast, {verdict(is_kept, f'{SPEED_BOUND}')}"
    )
    return is_kept


@contextlib.contextmanager
def plain_server(folder: Path):
    """The address at which another process serves `folder`."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = re.search(r"port (\d+)", server.stdout.readline())[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.communicate()


def output_of(code: str, *arguments: str) -> str:
    """What a Python of its own prints when it runs `code`."""
    paths = {**os.environ, "PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent)}
    command = [sys.executable, "-P", "-c", code, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=CHILD_S, env=paths, check=True).stdout


def main() -> int:
    """Print every figure; return 1 where a bound was missed."""
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # the stand-in complains of streams that we left
    with tempfile.TemporaryDirectory(prefix="image_to_3d_bench_") as name:
        benches = (bench_waiting, bench_memory, bench_download)
        kept = [bench(Path(name)) for bench in benches]  # each of them, also after a miss
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
