# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of "Which pictures work" and of "The back" in the manual: `python tests/gallery.py` in a Python that has bpy. Writes
docs/pictures/works_*.jpg, each a picture and, beside it, the model that Local makes of it. Asserts nothing.

The pictures are made of those in tests/pictures, set before backgrounds that are painted here.
"""

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "programs"), str(ROOT)]

import launch  # noqa: E402  # the search path has to know it first

launch.load_package()

import bpy  # noqa: E402
import numpy as np  # noqa: E402

from image_to_3d.headless.picture import read_picture  # noqa: E402
from image_to_3d.headless.pixels import Bytes, Floats, blur, enlarge  # noqa: E402
from image_to_3d.headless.report import Report  # noqa: E402
from image_to_3d.headless.saving import write_jpeg, write_png  # noqa: E402
from image_to_3d.headless.sculpt import sculpt  # noqa: E402
from tools import stage  # noqa: E402

PICTURES, MADE = ROOT / "tests" / "pictures", ROOT / "docs" / "pictures"
SIDE = 320  # pixels, of a picture and of its model
QUALITY = 88  # of 100
PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "pbr",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "high_poly",
}


def placed(name: str, room: float = 0.7) -> tuple[Floats, Floats]:
    """A figure in the middle of a square: its colour (SIDE, SIDE, 3) and its opacity (SIDE, SIDE, 1), both 0..1; its
    longer side takes `room` of the square."""
    figure = read_picture(PICTURES / name).astype(np.float32) / 255
    height, width = figure.shape[:2]
    scale = max(height, width) / (room * SIDE)
    figure[..., :3] *= figure[..., 3:]
    soft = blur(figure, max(0.4, scale / 2.5))
    rows, columns = ((np.arange(int(size / scale)) + 0.5) * scale for size in (height, width))
    small = soft[rows.astype(int)][:, columns.astype(int)]
    square = np.zeros((SIDE, SIDE, 4), np.float32)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square[..., :3] / np.maximum(square[..., 3:], 1e-6), square[..., 3:]


def before(name: str, background: Floats, *, casts_shadow: bool = True) -> Bytes:
    """A figure before a background (SIDE, SIDE, 3), with a soft shadow under it."""
    colour, opacity = placed(name)
    if casts_shadow:
        rows, columns = np.nonzero(opacity[..., 0] > 0.5)
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        width = (columns.max() - columns.min()) / 2
        blob = np.exp(-(((x - columns.mean()) / (0.8 * width)) ** 2) - ((y - rows.max()) / (0.14 * width)) ** 2)
        background = background * (1 - 0.4 * blob[..., None]).astype(np.float32)
    return as_bytes(colour * opacity + background * (1 - opacity))


def as_bytes(values: Floats) -> Bytes:
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)


def flat(*colour: float) -> Floats:
    return np.broadcast_to(np.array(colour, np.float32), (SIDE, SIDE, 3)).copy()


def studio() -> Floats:
    return flat(0.9, 0.89, 0.87) - np.linspace(-0.05, 0.15, SIDE, dtype=np.float32)[:, None, None]


def table() -> Floats:
    scene = flat(0.87, 0.87, 0.84)
    scene[int(0.62 * SIDE) :] = (0.58, 0.43, 0.3)
    return scene


def out_of_focus() -> Floats:
    return enlarge(np.random.default_rng(3).uniform(0.1, 0.9, (6, 6, 3)).astype(np.float32), SIDE, SIDE)


def checkerboard() -> Floats:
    y, x = np.mgrid[0:SIDE, 0:SIDE] // 16
    return np.where(((x + y) % 2 == 0)[..., None], np.float32(1), np.float32(0.8)) * flat(1, 1, 1)


def transparent() -> Bytes:
    colour, opacity = placed("bear.png", room=0.9)
    return np.dstack((as_bytes(colour), as_bytes(opacity)))


def framed() -> Bytes:
    inside = before("mushroom.png", studio())
    scene = as_bytes(flat(0.1, 0.1, 0.12))
    margin = SIDE // 12
    scene[margin:-margin, margin:-margin] = inside[margin:-margin, margin:-margin]
    return scene


def white_on_white() -> Bytes:
    return before("seal.png", flat(0.97, 0.97, 0.97), casts_shadow=False) // 6 + np.uint8(212)


def photograph() -> Bytes:
    """A photograph in which nothing stands alone, cropped to a square."""
    picture = read_picture(PICTURES / "coffee.jpg")[..., :3]
    side = min(picture.shape[:2])
    steps = (np.arange(SIDE) * side / SIDE).astype(int)
    return np.ascontiguousarray(picture[steps][:, steps])


EXAMPLES: dict[str, Callable[[], Bytes]] = {
    "transparent": transparent,
    "drawing": lambda: before("pig.png", flat(1, 1, 1), casts_shadow=False),
    "studio": lambda: before("shamrock.png", studio()),
    "table": lambda: before("elephant.png", table()),
    "blurred": lambda: before("bear.png", out_of_focus(), casts_shadow=False),
    "checkerboard": lambda: before("fish.png", checkerboard(), casts_shadow=False),
    "frame": framed,
    "white": white_on_white,
    "photograph": photograph,
}


BACKS = ("bear", "seal", "bee")
"""Figures that are shown from behind: two that are better plain, and one that is not."""


def model_of(picture: Path, folder: Path, back: str = "mirrored", turned: float = 0.0) -> Bytes:
    """A picture of the model that Local makes of `picture`, SIDE wide and high; turned by so many degrees."""
    glb, rendered = folder / "model.glb", folder / "model.png"
    facts = sculpt(picture, PARAMETERS | {"back": back}, glb, picture.stem, Report(folder / "report.jsonl"))
    print(f"{picture.stem}: {facts}", flush=True)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.import_scene.gltf(filepath=str(glb))
    model = next(thing for thing in bpy.data.objects if thing.parent is None)
    if turned:
        model.rotation_mode = "XYZ"
        model.rotation_euler.z += math.radians(turned)
        bpy.context.view_layer.update()
    stage.set_stage(bpy, model)
    stage.prepare_render(bpy)
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = SIDE
    stage.render(bpy, rendered)
    return read_picture(rendered)[..., :3]


def on_grey(pixels: Bytes) -> Bytes:
    """The picture as the manual shows it: what is transparent, before grey."""
    if pixels.shape[2] == 3:
        return pixels
    share = pixels[..., 3:] / np.float32(255)
    return as_bytes(pixels[..., :3] / np.float32(255) * share + 0.62 * (1 - share))


def from_behind(name: str, folder: Path) -> Bytes:
    """A figure's model from the front, its mirrored back and its plain back."""
    picture = PICTURES / f"{name}.png"
    looks = [model_of(picture, folder)]
    looks += [model_of(picture, folder, back, 180) for back in ("mirrored", "plain")]
    return np.concatenate(looks, axis=1)


def main() -> None:
    chosen = sys.argv[1:] or [*EXAMPLES, "back"]
    for name in chosen:
        if name == "back":
            with tempfile.TemporaryDirectory(prefix="gallery_") as scratch:
                rows = [from_behind(figure, Path(scratch)) for figure in BACKS]
            write_jpeg(MADE / "works_back.jpg", np.concatenate(rows, axis=0), QUALITY)
            continue
        with tempfile.TemporaryDirectory(prefix="gallery_") as scratch:
            pixels = EXAMPLES[name]()
            picture = Path(scratch, f"{name}.png")
            write_png(picture, pixels)
            both = np.concatenate((on_grey(pixels), model_of(picture, Path(scratch))), axis=1)
            write_jpeg(MADE / f"works_{name}.jpg", both, QUALITY)


if __name__ == "__main__":
    main()
