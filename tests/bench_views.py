# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures models that Local makes of several pictures of one object: `python tests/bench_views.py` in a Python that has
bpy. Prints, asserts nothing.

The objects are the bodies of tests/bodies.py. `--from front,right` says which pictures are given (again for another
line); `--sheet FILE.png` paints each body from eight sides, and below it the model with its colours and as clay. Each
sculpting is a child process of its own: its time is user and system time together, with Blender's start.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "programs"), str(ROOT / "tests")]

import launch  # noqa: E402  # the search path has to know it first

launch.load_package()

import bodies  # noqa: E402
import numpy as np  # noqa: E402
from closeness import Truth, closeness, eight_sides, placed, truth  # noqa: E402

from image_to_3d.headless.pixels import Bytes  # noqa: E402
from image_to_3d.headless.saving import write_png  # noqa: E402

PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "baked",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "high_poly",
}
WAYS = ("front", "front,right", "front,right,back,left")
OVERLAP, COLOUR, SECONDS = 0.97, 10, 6.0  # bounds; the last for four 1024² pictures, high_poly, pbr
TILE = 192  # pixels, of a model on the sheet


@contextmanager
def silence() -> Iterator[None]:
    """Blender writes a line for each step of a render straight to the standard output."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def sculpted(body: Truth, views: list[str], output: Path, **choices: object) -> tuple[float, str]:
    """Make the GLB. CPU seconds, and the note or the error for the user."""
    report = output.with_suffix(".jsonl")
    report.unlink(missing_ok=True)
    request = {
        "picture": str(body.files["front"]),
        "called": f"{body.name}_front.png",
        "views": {
            view: {"picture": str(body.files[view]), "called": body.files[view].name}
            for view in views
            if view != "front"
        },
        "name": body.name,
        "output": str(output),
        "report": str(report),
        "parameters": PARAMETERS | choices,
    }
    path = output.with_suffix(".json")
    path.write_text(json.dumps(request))
    command = [sys.executable, "-I", str(ROOT / "programs" / "launch.py"), "headless.sculpt", str(path)]
    with output.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    last = json.loads(report.read_text().splitlines()[-1])
    if process.returncode:
        output.unlink(missing_ok=True)
    return usage.ru_utime + usage.ru_stime, last.get("note") or last.get("message", "")


def line(body: Truth, way: str, output: Path, **choices: object) -> float | None:
    """Sculpt, measure and print one line; the distance."""
    views = way.split(",")
    seconds, said = sculpted(body, views, output, **choices)
    label = f"{body.name:9} {'+'.join(view[0] for view in views):8}"
    if not output.is_file():
        print(f"{label} FAILED after {seconds:.1f} s: {said}", flush=True)
        return None
    with silence():
        found = closeness(output, body)
    marks = "".join(
        mark
        for mark, wrong in (
            (" IoU", min(found.overlaps[view] for view in views) < OVERLAP),
            (" colour", max(found.colours[view] for view in views) >= COLOUR),
            (" open", found.open_edges > 0),
            (" uv", found.uv is not None and not 0 <= found.uv[0] <= found.uv[1] <= 1),
        )
        if wrong
    )
    print(
        f"{label} {found.distance:6.2f} %  IoU "
        + " ".join(f"{view[0]}{'' if view in views else '*'} {value:.3f}" for view, value in found.overlaps.items())
        + "  colour "
        + " ".join(f"{value:4.1f}" for value in found.colours.values())
        + f"  {found.faces:6} faces {found.pieces} pieces  {seconds:4.1f} s"
        + (f"  !{marks}" if marks else "")
        + (f"  ({said})" if said else ""),
        flush=True,
    )
    return found.distance


def rows(body: Truth, output: Path) -> list[Bytes]:
    """The body, the model, and the model as clay, each from eight sides."""
    with silence():
        painted = [eight_sides(bodies.build(body.name), body, TILE)]
        if output.is_file():
            thing = placed(output, body)
            painted += [eight_sides(thing, body, TILE, clay) for clay in (False, True)]
    while len(painted) < 3:
        painted.append(np.full_like(painted[0], 60))
    return painted


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(bodies.MADE), metavar="BODY")
    parser.add_argument("--from", dest="ways", action="append", metavar="VIEWS", help="for example front,right")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the service")
    parser.add_argument("--size", type=int, default=384, metavar="PIXELS", help="of each picture")
    parser.add_argument("--shaded", action="store_true", help="pictures in soft light, not of colours alone")
    parser.add_argument("--white", action="store_true", help="pictures before white, not transparent")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="of the models of the last --from")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where pictures and models stay")
    options = parser.parse_args()
    ways = options.ways or WAYS
    choices = dict(choice.split("=", 1) for choice in options.set)
    distances: dict[str, list[float]] = {way: [] for way in ways}
    painted: list[Bytes] = []
    with tempfile.TemporaryDirectory(prefix="bench_views_") as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in options.names:
            with silence():
                body = truth(name, folder, options.size, options.shaded, options.white)
            for way in ways:
                output = folder / f"{name}_{way.replace(',', '_')}.glb"
                output.unlink(missing_ok=True)
                found = line(body, way, output, **choices)
                if found is not None:
                    distances[way].append(found)
            if options.sheet:
                painted += rows(body, output)
                write_png(options.sheet, np.concatenate(painted))
    for way, values in distances.items():
        if values:
            print(f"mean of {len(values)} {way}: {np.mean(values):.2f} %")


if __name__ == "__main__":
    main()
