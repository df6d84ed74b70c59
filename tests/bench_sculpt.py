# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the sculptor on 1024² and 4096² pictures: `python tests/bench_sculpt.py` in a Python that has bpy. Prints,
asserts nothing.

Each line is a child process of its own, from its start to its end: user and system time together, and the most memory
it held.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "penguin.png"
SECONDS = {1024: 3.0, 4096: 12.0}  # bounds for base, pbr, high_poly
MEMORY = 1536  # MB


def enlarged(size: int, folder: Path, opaque: bool) -> Path:
    """The example on a square of `size` pixels, transparent or before a plain background."""
    image = bpy.data.images.load(str(PICTURE))
    image.scale(size, size)
    path = folder / f"{size}{'_opaque' if opaque else ''}.{'jpg' if opaque else 'png'}"
    image.file_format = "JPEG" if opaque else "PNG"
    image.save(filepath=str(path))
    bpy.data.images.remove(image)
    return path


def sculpted(picture: Path, folder: Path, **choices: str) -> tuple[float, float]:
    """CPU seconds and megabytes that one run of the sculptor takes."""
    request = {
        "picture": str(picture),
        "name": "Bench",
        "output": str(folder / "bench.glb"),
        "report": str(folder / "report.jsonl"),
        "parameters": {
            "geometry_model": "base",
            "texture_model": "pbr",
            "scaled_bbox": [-1, -1, -1],
            "preserve_aspect_ratio": False,
            "topology": "quads",
            "resolution": "high_poly",
        }
        | choices,
    }
    path = folder / "request.json"
    path.write_text(json.dumps(request))
    command = [sys.executable, "-I", str(ROOT / "programs" / "launch.py"), "headless.sculpt", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"sculpting {picture.name} failed: {(folder / 'report.jsonl').read_text().splitlines()[-1]}")
    megabytes = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return usage.ru_utime + usage.ru_stime, megabytes


def main() -> None:
    """Print a line a case, each figure against its bound."""
    print(f"Blender {bpy.app.version_string}")
    with tempfile.TemporaryDirectory(prefix="sculpt_bench_") as name:
        folder = Path(name)
        for size, bound in SECONDS.items():
            taken = {}
            for opaque in (False, True):
                picture = enlarged(size, folder, opaque)
                for model in ("base", "turbo"):
                    seconds, megabytes = sculpted(picture, folder, geometry_model=model)
                    taken[model] = seconds
                    kind = "opaque" if opaque else "alpha"
                    print(
                        f"{size}² {kind:6} {model:5} pbr high_poly: {seconds:5.2f} s of {bound:4.1f}, "
                        f"{megabytes:5.0f} MB of {MEMORY}"
                    )
                print(f"{size}² {kind:6} turbo / base: {taken['turbo'] / taken['base']:.2f}")
        for resolution in ("high_poly", "low_poly"):
            seconds, megabytes = sculpted(
                folder / "1024.png", folder, texture_model="none", resolution=resolution, topology="tris"
            )
            print(f"1024² alpha base none {resolution} tris: {seconds:.2f} s, {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
