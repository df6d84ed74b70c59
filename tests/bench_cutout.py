# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the cut-out on a folder of pictures with true masks: `python tests/bench_cutout.py FOLDER` in a Python that
has bpy. Prints, asserts nothing.

The mask of NAME.jpg (or another ending) is NAME.mask.png, white where the figure is; the kind of a picture is what its
name has before the first "_". `--only KIND` measures one kind, `--worst N` names the N worst of each, and `--sheet
FILE.png` paints picture, mask, and what was found (white: right; red: too much; blue: too little), worst first.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "programs"))

import launch  # noqa: E402  # the search path has to know it first

launch.load_package()

import bpy  # noqa: E402, F401  # which the package's own modules then find
import numpy as np  # noqa: E402

from image_to_3d.headless.cutout import cut_out  # noqa: E402
from image_to_3d.headless.maps import fitted  # noqa: E402
from image_to_3d.headless.picture import read_picture  # noqa: E402
from image_to_3d.headless.pixels import Bytes  # noqa: E402
from image_to_3d.headless.saving import write_png  # noqa: E402

GOOD = 0.9  # intersection over union
BOUNDS = {"clip": 0.90, "white": 0.97, "studio": 0.85, "table": 0.60, "blurred": 0.70}
TILE = 200  # pixels, of a picture on the sheet
SECONDS, MEGABYTES = 1.5, 600  # of two cores, for 1024²


class Measured(NamedTuple):
    """What came of one picture."""

    name: str
    overlap: float
    seconds: float
    origin: str
    tiles: Bytes


def measured(file: Path) -> Measured:
    picture = read_picture(file)
    truth = read_picture(file.with_name(f"{file.stem}.mask.png"))[..., 0] >= 128
    began = time.process_time()
    cutout = cut_out(picture)
    seconds = time.process_time() - began
    found = fitted(cutout.matte, *truth.shape) >= 0.5
    overlap = float((found & truth).sum() / max(1, (found | truth).sum()))
    judged = np.zeros((*truth.shape, 3), np.uint8)
    judged[found & truth], judged[found & ~truth], judged[~found & truth] = (255,) * 3, (255, 60, 60), (60, 60, 255)
    parts = (picture[..., :3], np.repeat(truth[..., None] * np.uint8(255), 3, axis=2), judged)
    return Measured(file.stem, overlap, seconds, cutout.origin, np.concatenate([tile(part) for part in parts], axis=1))


def tile(pixels: Bytes) -> Bytes:
    """The picture fitted into a square of `TILE` pixels, by nearest neighbours."""
    height, width = pixels.shape[:2]
    scale = max(height, width) / TILE
    rows, columns = (np.arange(int(size / scale)) * scale for size in (height, width))
    square = np.full((TILE, TILE, 3), 90, np.uint8)
    square[: len(rows), : len(columns)] = pixels[rows.astype(int)][:, columns.astype(int)]
    return square


def sheet(results: Sequence[Measured], path: Path, columns: int = 3) -> None:
    """Paint all results, `columns` beside each other."""
    rows = math.ceil(len(results) / columns)
    pixels = np.full((rows * (TILE + 4), columns * (3 * TILE + 12), 3), 30, np.uint8)
    for index, result in enumerate(results):
        top, left = index // columns * (TILE + 4), index % columns * (3 * TILE + 12)
        pixels[top : top + TILE, left : left + 3 * TILE] = result.tiles
    write_png(path, pixels)


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def print_largest(file: Path) -> None:
    """The same picture at 1024²: how long it takes, and how much memory."""
    picture = read_picture(file)
    rows, columns = (np.arange(1024) * size // 1024 for size in picture.shape[:2])
    large = np.ascontiguousarray(picture[rows][:, columns])
    before, began = peak_megabytes(), time.process_time()
    cut_out(large)
    seconds = time.process_time() - began
    print(
        f"1024²: {seconds:.2f} s of both cores together (bound: {SECONDS} s of two cores), "
        f"{peak_megabytes() - before:.0f} MB more than before (bound: {MEGABYTES} MB)"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", metavar="KIND", default="")
    parser.add_argument("--worst", type=int, metavar="N", default=0)
    parser.add_argument("--sheet", type=Path, metavar="FILE")
    options = parser.parse_args()
    files = sorted(
        file
        for file in options.folder.iterdir()
        if file.with_name(f"{file.stem}.mask.png").is_file() and file.name.startswith(options.only)
    )
    if not files:
        sys.exit(f"{options.folder} holds no pictures with masks.")
    print_largest(files[len(files) // 2])
    kinds: dict[str, list[Measured]] = {}
    for file in files:
        kinds.setdefault(file.name.partition("_")[0], []).append(measured(file))
    print(f"kind      pictures  IoU >= {GOOD}   bound   mean IoU   median s   longest s")
    for kind, results in kinds.items():
        overlaps, seconds = [one.overlap for one in results], [one.seconds for one in results]
        good = sum(overlap >= GOOD for overlap in overlaps) / len(results)
        bound = f"{BOUNDS[kind]:5.0%}" if kind in BOUNDS else "     "
        print(
            f"{kind:10}{len(results):8}{good:11.0%}   {bound}{np.mean(overlaps):11.3f}"
            f"{np.median(seconds):11.2f}{max(seconds):12.2f}"
        )
        for one in sorted(results, key=lambda one: one.overlap)[: options.worst]:
            print(f"    {one.overlap:.3f}  {one.name}  ({one.origin})")
    if options.sheet:
        everything = [one for results in kinds.values() for one in results]
        sheet(sorted(everything, key=lambda one: one.overlap), options.sheet)


if __name__ == "__main__":
    main()
