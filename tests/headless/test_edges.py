# SPDX-License-Identifier: GPL-3.0-or-later
"""Local at its edges: strips, single pixels, hairlines, text, mazes, noise. Each becomes a closed model of a plausible
thickness, or a sentence that says what to do about the picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import png
from model_checks import Model, least_area, open_edges, parts, read_model, volume
from numpy.typing import NDArray
from once import once
from thorough import thorough

from image_to_3d.headless.cutout import cut_out
from image_to_3d.headless.report import Report
from image_to_3d.headless.sculpt import SculptError, sculpt

PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "none",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "low_poly",
}
Y, X = np.mgrid[0:512, 0:512]
AWAY, TURN = np.hypot(X - 256, Y - 256), np.arctan2(Y - 256, X - 256)


def on_nothing(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A shape of one colour, the rest transparent."""
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[mask] = (200, 80, 40, 255)
    return pixels


def on_white(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A dark shape on opaque white."""
    pixels = np.full((*mask.shape, 4), 255, np.uint8)
    pixels[mask, :3] = (30, 40, 60)
    return pixels


def noise(height: int, width: int, seed: int = 5) -> NDArray[np.uint8]:
    """Opaque bytes of any colours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    return pixels


def blocks(rows: int, columns: int, size: int, seed: int = 6) -> NDArray[np.bool_]:
    """A maze, or a page of text from afar: squares at random, `size` pixels wide, with a margin."""
    chosen = np.random.default_rng(seed).random((rows, columns)) < 0.5
    return np.pad(np.kron(chosen, np.ones((size, size), np.bool_)), 40)


def discs() -> NDArray[np.bool_]:
    """Sixty-one of them."""
    return np.any([np.hypot(X - 40 - n % 8 * 60, Y - 40 - n // 8 * 60) < 18 for n in range(61)], axis=0)


SPIRAL = (np.abs((AWAY / 20 - TURN / (2 * np.pi)) % 1 - 0.5) < 0.12) & (AWAY < 230)
COMB = (X > 30) & (X < 482) & (((Y > 60) & (Y < 120)) | ((Y > 60) & (Y < 460) & (X // 6 % 2 == 0)))
GRID = (X % 16 < 2) | (Y % 16 < 2)
PICTURES = {
    "spiral": on_nothing(SPIRAL),
    "spiral on white": on_white(SPIRAL),
    "comb": on_nothing(COMB),
    "comb on white": on_white(COMB),
    "grid": on_nothing(GRID),
    "sixty-one parts": on_nothing(discs()),
    "maze": on_white(blocks(40, 40, 10)),
    "code": on_white(blocks(29, 29, 10)),
    "page of text": on_white(blocks(60, 50, 4)),
    "word": on_white(blocks(5, 24, 14)),
    "picture frame": on_nothing(
        (np.maximum(abs(X - 256), abs(Y - 256)) < 220) & (np.maximum(abs(X - 256), abs(Y - 256)) > 190)
    ),
    "noise": noise(256, 256),
    "hairline": on_nothing(np.abs(AWAY - 200) < 0.7),
    "diagonal": on_nothing(np.eye(400, dtype=np.bool_)),
    "far apart": on_nothing((np.hypot(X - 10, Y - 10) < 4) | (np.hypot(X - 500, Y - 500) < 4)),
    "one pixel of many": on_nothing((X == 30) & (Y == 40)),
    "dot on a page": on_white(np.hypot(X - 200, Y - 200) < 3),
}
FEW = ("spiral", "comb on white", "grid", "diagonal")
OTHERS = [kind for kind in PICTURES if kind not in FEW]


def made(pixels: NDArray[np.uint8], folder: Path, **choices: Any) -> tuple[Model, dict[str, Any]]:
    """The model of a picture, and what the sculptor says of it; what holds for every model is checked."""
    (folder / "picture.png").write_bytes(png(pixels))
    output = folder / "model.glb"
    facts = sculpt(folder / "picture.png", PARAMETERS | choices, output, "Model", Report(folder / "report.jsonl"))
    model = read_model(output)
    assert open_edges(model) == 0
    assert least_area(model) > 0
    assert volume(model) > 0
    assert facts["faces"] <= (5_000 if choices.get("resolution", "low_poly") == "low_poly" else 200_000)
    return model, facts


@pytest.mark.parametrize(
    ("kind", "resolution"),
    [
        *((kind, resolution) for kind in FEW for resolution in ("low_poly", "high_poly")),
        *(pytest.param(kind, "low_poly", marks=once) for kind in OTHERS),
        *(pytest.param(kind, "high_poly", marks=(once, thorough)) for kind in OTHERS),
    ],
)
def test_odd_pictures_become_sound_models(tmp_path: Path, kind: str, resolution: str) -> None:
    model, _ = made(PICTURES[kind], tmp_path, resolution=resolution)
    assert model.size[1] < 0.5 * max(model.size[0], model.size[2])


@once
def test_thin_lines_stay_thin_in_few_faces(tmp_path: Path) -> None:
    for kind in ("grid", "spiral"):
        fine, _ = made(PICTURES[kind], tmp_path, resolution="high_poly")
        coarse, _ = made(PICTURES[kind], tmp_path)
        assert coarse.size[1] < 2.1 * fine.size[1]


@once
@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (3, 3000)])
def test_a_strip_is_a_rod_and_no_foil(tmp_path: Path, shape: tuple[int, int]) -> None:
    model, facts = made(noise(*shape), tmp_path)
    assert "choose a larger one" in facts["note"]
    width, depth, height = model.size
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.3)  # 5,000 pixels are read as 4,096
    assert depth > 0.9 * min(width, height)


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 7)])
def test_few_pixels_become_a_plate_with_corners(tmp_path: Path, shape: tuple[int, int]) -> None:
    model, _ = made(noise(*shape), tmp_path, topology="quads")
    corner = np.abs(model.points[:, [0, 2]] - [0, model.size[2] / 2]) / (model.size[[0, 2]] / 2)
    assert corner.min(axis=1).max() > 0.95


def test_sixty_one_parts_stay_sixty_one(tmp_path: Path) -> None:
    model, _ = made(PICTURES["sixty-one parts"], tmp_path)
    assert parts(model) == 61


def odd(seed: int) -> NDArray[np.uint8]:
    """A small picture such as nobody draws, always the same for a seed."""
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.choice([1, 2, 3, 5, 8, 9, 17, 31, 64, 100], 2))
    y, x = np.mgrid[0:height, 0:width]
    pixels = noise(height, width, seed)
    step = int(random.integers(1, 20))
    if seed % 4 == 1:
        pixels[..., :3] = np.where(((x // step + y // step) % 2)[..., None], *random.integers(0, 256, 2))
    elif seed % 4 == 2:
        pixels[..., :3] = random.integers(0, 256, 3)
        pixels[height // 3 : 2 * height // 3 + 1, width // 4 : width // 2 + 1, :3] = random.integers(0, 256, 3)
    elif seed % 4 == 3:
        pixels[..., :3] = random.integers(0, 256, 3)
        edge = min(height, width) // 4
        pixels[edge : height - edge, edge : width - edge, :3] = random.integers(0, 256, 3)
    opacities = (
        np.full((height, width), 255),
        random.integers(0, 256, (height, width)),
        np.where(random.random((height, width)) < 0.05, 255, 0),
        127 + 127 * np.sin(x / step) * np.cos(y / step),
        np.clip(255 - np.abs(np.hypot(x - width / 2, y - height / 2) - 0.3 * min(height, width)) * 60, 0, 255),
    )
    pixels[..., 3] = opacities[seed // 4 % 5]
    return pixels


@once
@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=thorough) for seed in range(6, 20))])
def test_no_picture_ends_in_a_fault(tmp_path: Path, seed: int) -> None:
    choices = {"topology": ("tris", "quads")[seed % 2], "geometry_model": ("base", "turbo")[seed % 3 % 2]}
    try:
        made(odd(seed), tmp_path, cutout=("auto", "filled", "rectangle")[seed % 3], **choices)
    except SculptError as error:
        assert str(error).endswith(".")
        assert ": " in str(error)


@pytest.mark.parametrize("seed", range(100))
def test_every_picture_is_cut_out_or_refused_in_a_sentence(seed: int) -> None:
    pixels = odd(seed)
    if pixels[..., 3].max() == 0:
        pixels[0, 0, 3] = 255
    cut = cut_out(pixels)
    assert cut.origin in ("alpha", "background", "rectangle")
    assert (cut.matte >= 0.5).any()
    assert not cut.note or cut.note.endswith(".")
