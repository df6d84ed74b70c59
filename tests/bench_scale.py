# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what one model costs on the command line, for docs/scale.md: `python tests/bench_scale.py [NUMBER]` in a
Python that has bpy, on Linux. Prints, asserts nothing.

Meshy is a stand-in on this machine, whose models are Local's, so that what is left is our own part. CPU seconds are
those of the command and of all that it starts.
"""

import os
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # noqa: F401  # isort: skip -- makes the checkout importable as `image_to_3d`

from service.stand_in import StandIn

NUMBER = 12
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "penguin.png"
FORMATS = "blend,glb"
TASKS_S = (1.0, 30.0)
LOOK_S = 0.1


class Figures(NamedTuple):
    """What one call took, and the most memory of it and of all that it started: together, and of one job's process."""

    wall_s: float
    cpu_s: float
    together_mb: float
    process_mb: float
    command_mb: float


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def tree(pid):
    """The processes that descend from `pid`, with it: their command lines and resident megabytes."""
    parents, found = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(
                line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line
            )
            words = (folder / "cmdline").read_text().split("\0")
        except OSError:
            continue
        parents[int(folder.name)] = int(status["PPid"])
        found[int(folder.name)] = (words, int(status.get("VmRSS", "0 kB").split()[0]) / 1024)
    mine = {pid}
    while more := {child for child, parent in parents.items() if parent in mine} - mine:
        mine |= more
    return {process: found[process] for process in mine if process in found}


def call(folder, pictures, environment, *words):
    """Run the command line on these pictures to its end."""
    output = str(folder / "models")
    command = [sys.executable, "-P", "-m", "image_to_3d.command", "--online-mode", "-", "--output", output, *words]
    before, began = cpu_seconds(), time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment, text=True)
    together = single = own = 0.0

    def look():
        nonlocal together, single, own
        while process.poll() is None:
            here = tree(process.pid)
            together = max(together, sum(size for _, size in here.values()))
            own = max(own, here.get(process.pid, ([], 0.0))[1])
            jobs = [size for words, size in here.values() if "jobs.run" in words]
            single = max(single, *jobs, 0.0)
            time.sleep(LOOK_S)

    watch = threading.Thread(target=look)
    watch.start()
    process.communicate("".join(f"{picture}\n" for picture in pictures))
    watch.join()
    if process.returncode:
        sys.exit(f"The command ended with {process.returncode}.")
    return Figures(time.perf_counter() - began, cpu_seconds() - before, together, single, own)


def disk(folder):
    """Bytes as files take them on the disk, and how many files and folders there are, in all of a folder."""
    size = number = 0
    for where, folders, names in os.walk(folder):
        number += len(folders) + len(names)
        size += sum(os.lstat(os.path.join(where, name)).st_blocks * 512 for name in names + folders)
    return size, number


def tell(title, figures, number):
    print(
        f"{title:<30} {figures.cpu_s / number:6.2f} CPU s and {figures.wall_s / number:6.2f} s a model; "
        f"{figures.together_mb:5.0f} MB in all, the command {figures.command_mb:4.0f}, a job's process "
        f"{figures.process_mb:4.0f}",
        flush=True,
    )


def tell_disk(folder, number):
    size, files = disk(folder / "models")
    print(f"{'':<30} {size / number / 1e6:6.2f} MB and {files / number:.1f} files and folders a model", flush=True)


def drawn(folder, number):
    """So many pictures that look alike, and whose files differ."""
    folder.mkdir()
    paths = [folder / f"penguin_{count:04}.png" for count in range(number)]
    whole = PICTURE.read_bytes()
    for count, path in enumerate(paths):
        text = b"tEXtComment\0" + str(count).encode()
        chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        path.write_bytes(whole[:-12] + chunk + whole[-12:])  # before the last chunk, IEND
    return paths


def measure_local(folder, pictures, environment):
    """Return a model as it is made with the settings that Blender starts with."""
    for resolution in ("low_poly", "high_poly"):
        here = folder / resolution
        words = ("--set", f"resolution={resolution}", "--format", FORMATS)
        tell(f"Local, {resolution}", call(here, pictures, environment, *words), len(pictures))
        tell_disk(here, len(pictures))
    return here / "models" / f"{pictures[0].stem}.glb"


def measure_meshy(folder, pictures, environment, model):
    """Tasks end with `model`, so that its conversion is that of a model of that size."""
    for seconds in TASKS_S:
        with StandIn(model=model, seconds=seconds) as service:
            keys = {**environment, "MESHY_API_KEY": service.meshy_key, "MESHY_API_URL": service.meshy_url}
            here = folder / f"meshy_{seconds:.0f}"
            words = ("--service", "meshy", "--format", FORMATS)
            tell(f"Meshy, tasks of {seconds:.0f} s", call(here, pictures, keys, *words), len(pictures))
            tell_disk(here, len(pictures))
            asked = Counter(f"{request.service} {request.step}" for request in service.requests)
            each = ", ".join(f"{what} {number / len(pictures):.1f}" for what, number in sorted(asked.items()))
            print(f"{'':<30} requests a model: {each}", flush=True)
    tell("the same call again", call(here, pictures, keys, *words), len(pictures))
    tell("with one picture", call(here, pictures[:1], keys, *words), 1)


def main():
    number = int(sys.argv[1]) if len(sys.argv) > 1 else NUMBER
    packages = next(path for path in sys.path if (Path(path) / "image_to_3d").is_dir())
    environment = {**os.environ, "PYTHONPATH": packages}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = drawn(folder / "pictures", number)
        measure_meshy(folder, pictures, environment, measure_local(folder, pictures, environment))


if __name__ == "__main__":
    main()
