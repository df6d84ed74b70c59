# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the command line with many pictures: `python tests/bench_command.py` in a Python that has bpy and aiohttp.

The service is a stand-in on this machine whose tasks take as long as they are told, so that what is beyond that is our
own part. Takes about ten minutes. Ends with 1 where a figure misses its bound.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # isort: skip -- makes the checkout importable as `image_to_3d`

from drawing import star_png
from service.cube import cube_glb
from service.stand_in import StandIn

import image_to_3d
from image_to_3d.programs import memory

AT_ONCE = 5
TASK_S = 20.0  # a task of Meshy's takes 60 and more: the longer it is, the less of the whole is our part
FEW, MANY = 100, 1000

WALL_BOUND = 1.2  # of the time that the tasks alone would take, without a pause between two
MEMORY_BOUND = 1.1  # of the command itself, after a thousand pictures against after a hundred
REQUESTS_BOUND = 20  # in one second: "Rate Limits" of Meshy's page on its API, of all plans but the largest

FIRST_S = 1.0  # the window in which requests are counted
MB = 1e6
CREDITS = 1_000_000
SHOWN_AT_MOST = 3  # of models that failed


class Ended(NamedTuple):
    """What a call of the command has shown."""

    wall_s: float
    taken: list[int]
    """Bytes of memory that the command's own process had, after each model."""
    failed: int
    code: int


def make_pictures(folder: Path, number: int) -> Path:
    """Pictures that all have another content."""
    folder.mkdir()
    star = star_png(96)
    for index in range(number):
        (folder / f"star {index:04}.png").write_bytes(star + index.to_bytes(4, "big"))
    return folder


def call(stand_in: StandIn, pictures: Path, output: Path, program: list[str]) -> Ended:
    """Call the command for a folder of pictures, and wait for it."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent),
        "MESHY_API_URL": stand_in.meshy_url,
        "MESHY_API_KEY": stand_in.meshy_key,
    }
    stand_in.credits = CREDITS
    words = [str(pictures), "--service", "meshy", "--jobs", str(AT_ONCE), "--output", str(output)]
    began_s = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-P", *program, *words, "--format", "blend,glb", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        taken, failed = [], 0
        assert running.stdout is not None
        for line in running.stdout:
            taken.append(taken_bytes(running.pid))
            facts = json.loads(line)
            failed += not facts["ok"]
            if not facts["ok"] and failed <= SHOWN_AT_MOST:
                print(f"  {facts['picture']}: {facts['message']}", flush=True)
    return Ended(time.perf_counter() - began_s, taken, failed, running.returncode)


def taken_bytes(pid: int) -> int:
    """How much memory a process has, but for what others have as well."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return memory.taken_bytes(pid)
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def most_in_a_second(times: list[float]) -> int:
    """How many of these moments lie within one second at most."""
    window: deque[float] = deque()
    most = 0
    for moment in sorted(times):
        window.append(moment)
        while moment - window[0] > FIRST_S:
            window.popleft()
        most = max(most, len(window))
    return most


def most_at_once(stand_in: StandIn) -> int:
    """How many tasks ran at the service at the same time."""
    changes = [(create.at, 1) for create in stand_in.creates]
    changes += [(stand_in.done_at(create.id), -1) for create in stand_in.creates]
    running = most = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def verdict(is_kept: bool) -> str:
    return "" if is_kept else "  MISSED"


def stand_in_blender(folder: Path) -> list[str]:
    """The command with a program in Blender's place that makes no models: what is left is the command and its jobs."""
    return [str(Path(__file__).parent / "programs" / "command_line.py"), conftest.make_stand_in(folder / "blender")]


def bench_wall(folder: Path, number: int, task_s: float, program: list[str]) -> bool:
    """The wall time of many pictures, and what the service saw of it. Return whether the bounds were kept."""
    pictures = make_pictures(folder / "few", number)
    model = folder / "cube.glb"
    with StandIn(model=model, seconds=task_s) as stand_in:
        ended = call(stand_in, pictures, folder / "few made", program)
        paid, at_once = len(stand_in.creates), most_at_once(stand_in)
        asked = [request.at for request in stand_in.requests if request.service == "meshy"]
    ideal_s = number * task_s / AT_ONCE
    ratio, rate = ended.wall_s / ideal_s, most_in_a_second(asked)
    has_all = ended.code == 0 and not ended.failed and len(ended.taken) == paid == number
    print(f"{number:,} pictures, {AT_ONCE} at once, tasks of {task_s:g} s:")
    print(
        f"  wall time {ended.wall_s:.1f} s against {ideal_s:.0f} s of the tasks alone: {ratio:.2f}, "
        f"bound {WALL_BOUND}{verdict(ratio <= WALL_BOUND)}"
    )
    print(f"  models {len(ended.taken) - ended.failed:,}, tasks paid {paid:,}{verdict(has_all)}")
    print(f"  tasks at the same time {at_once}, bound {AT_ONCE}{verdict(at_once <= AT_ONCE)}")
    print(
        f"  requests {len(asked):,}, at most {rate} in a second, bound {REQUESTS_BOUND}{verdict(rate <= REQUESTS_BOUND)}"
    )
    print(f"  the command took {max(ended.taken, default=0) / MB:.0f} MB at most", flush=True)
    return has_all and ratio <= WALL_BOUND and at_once <= AT_ONCE and rate <= REQUESTS_BOUND


def bench_memory(folder: Path, few: int, many: int) -> bool:
    """The memory of the command as it works through many pictures. Return whether the bounds were kept."""
    pictures = make_pictures(folder / "many", many)
    with StandIn(model=folder / "cube.glb") as stand_in:
        ended = call(stand_in, pictures, folder / "many made", stand_in_blender(folder))
        paid = len(stand_in.creates)
        asked = [request.at for request in stand_in.requests if request.service == "meshy"]
    rate = most_in_a_second(asked)
    has_all = ended.code == 0 and not ended.failed and len(ended.taken) == paid == many
    print(f"{many:,} pictures whose tasks take no time ({ended.wall_s:.0f} s in all):")
    print(f"  models {len(ended.taken) - ended.failed:,}, tasks paid {paid:,}{verdict(has_all)}")
    print(f"  at most {rate} requests in a second, bound {REQUESTS_BOUND}{verdict(rate <= REQUESTS_BOUND)}")
    if len(ended.taken) < many:
        return False
    first, last = max(ended.taken[: min(few, many)]), max(ended.taken)
    ratio = last / first
    print(
        f"  the command took {first / MB:.0f} MB up to the {few:,}th and {last / MB:.0f} MB up to the {many:,}th: "
        f"{ratio:.2f}, bound {MEMORY_BOUND}{verdict(ratio <= MEMORY_BOUND)}",
        flush=True,
    )
    return has_all and ratio <= MEMORY_BOUND and rate <= REQUESTS_BOUND


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=FEW, help="how many are timed; 0 for none")
    parser.add_argument("--seconds", type=float, default=TASK_S, help="how long a task takes")
    parser.add_argument("--many", type=int, default=MANY, help="how many are made to look at the memory; 0 for none")
    parser.add_argument("--no-blender", action="store_true", help="time it with a program in Blender's place")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="image_to_3d_bench_")))
        (folder / "cube.glb").write_bytes(cube_glb())
        program = stand_in_blender(folder) if options.no_blender else ["-m", "image_to_3d.command"]
        kept = [not options.pictures or bench_wall(folder, options.pictures, options.seconds, program)]
        kept.append(not options.many or bench_memory(folder, FEW, options.many))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
