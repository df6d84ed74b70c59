# SPDX-License-Identifier: GPL-3.0-or-later
"""What every sculpted model must be, held on real pictures: closed, like the picture from the front, the same every
time."""

import functools
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_checks import (
    Model,
    faces_with_quads,
    handles,
    least_area,
    open_edges,
    overlap,
    parts,
    read_model,
    seen_from_front,
    volume,
)
from numpy.typing import NDArray
from once import once
from thorough import thorough

from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.report import Report
from image_to_3d.headless.sculpt import sculpt

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "tests" / "pictures"
PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "baked",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "quads",
    "resolution": "high_poly",
}
TRANSPARENT = (
    "bear",
    "bee",
    "butterflies",
    "clef",
    "elephant",
    "fish",
    "horse_logo",
    "lantern",
    "mushroom",
    "pig",
    "sailing",
)
TRANSPARENT += ("seal", "shamrock", "shears")
SEPARABLE = ("horse", "retina")
RELIEFS = ("chelsea", "rocket")
FEW = ("bear", "butterflies", "horse", "chelsea")  # one of each kind, and one of many parts
EVERY = [pytest.param(name, marks=() if name in FEW else once) for name in TRANSPARENT + SEPARABLE + RELIEFS]
"""All pictures in one Blender. In the others a few show that its modifiers, its exporter and its numpy do the same."""

FEWER = [
    *FEW,
    *(pytest.param(name, marks=(once, thorough)) for name in TRANSPARENT + SEPARABLE + RELIEFS if name not in FEW),
]
"""The same few in every Blender, and all where all are asked for."""

_folder = tempfile.TemporaryDirectory(prefix="sculpt_tests_")


def picture(name: str) -> Path:
    """A picture of tests/pictures by its stem."""
    return next(PICTURES.glob(f"{name}.*g"))


def make(path: Path, label: str, **choices: Any) -> tuple[Path, dict[str, Any]]:
    """Sculpt a file; the GLB and the facts."""
    folder = Path(tempfile.mkdtemp(dir=_folder.name))
    output = folder / f"{label}.glb"
    return output, sculpt(path, PARAMETERS | choices, output, label, Report(folder / "report.jsonl"))


def made(name: str, **choices: str) -> tuple[Path, dict[str, Any], Model]:
    """A picture's model, made once for all tests that look at it."""
    return _made(name, **{key: value for key, value in choices.items() if value != PARAMETERS[key]})


@functools.cache
def _made(name: str, **choices: str) -> tuple[Path, dict[str, Any], Model]:
    path, facts = make(picture(name), name, **choices)
    return path, facts, read_model(path)


@functools.cache
def seen(name: str, **choices: str) -> NDArray[np.float32]:
    """The model from the front, in the picture's own pixels."""
    path, _, model = made(name, **choices)
    height, width = read_picture(picture(name)).shape[:2]
    return seen_from_front(path, model, width, height)


def wanted(name: str) -> NDArray[np.bool_]:
    """Which pixels of a picture are its shape, told without the sculptor's help."""
    pixels = read_picture(picture(name))
    if name in RELIEFS:
        return np.ones(pixels.shape[:2], np.bool_)
    if name == "horse":  # black on white
        return pixels[..., 0] < 128
    if name == "retina":  # a bright disc on black
        return pixels[..., 0] > 40
    return pixels[..., 3] >= pixels[..., 3].max() / 2


def sound(model: Model) -> None:
    """Assert what every model must be."""
    assert open_edges(model) == 0
    assert least_area(model) > 1e-9
    assert volume(model) > 0
    assert model.points[:, 2].min() == pytest.approx(0, abs=1e-6)
    if model.uv is not None:
        assert model.uv.min() >= 0
        assert model.uv.max() <= 1


@pytest.mark.parametrize("name", EVERY)
def test_the_model_is_closed_and_sized(name: str) -> None:
    _, facts, model = made(name)
    sound(model)
    assert max(model.size[[0, 2]]) == pytest.approx(1, rel=1e-3)
    assert 50_000 <= facts["faces"] <= 200_000
    assert facts["shape_from"] == (
        "alpha" if name in TRANSPARENT else "background" if name in SEPARABLE else "rectangle"
    )


@pytest.mark.parametrize("name", EVERY)
def test_the_model_reads_as_the_picture_from_the_front(name: str) -> None:
    image, mask = seen(name), wanted(name)
    assert overlap(image[..., 3] >= 0.5, mask) >= 0.98
    both = (image[..., 3] >= 0.99) & mask
    difference = np.abs(image[..., :3] - read_picture(picture(name))[..., :3] / np.float32(255))[both]
    assert difference.mean() * 255 < 8


@pytest.mark.parametrize("name", ["bear", "butterflies", "clef", "chelsea"])
def test_quads_come_back_as_quads(name: str) -> None:
    total, share = faces_with_quads(made(name)[0])
    assert share >= 0.95
    assert 50_000 <= total <= 200_000


@pytest.mark.parametrize("name", FEWER)
def test_low_poly_triangles(name: str) -> None:
    _, facts, model = made(name, topology="tris", resolution="low_poly")
    sound(model)
    assert len(model.triangles) == facts["faces"] <= 5000
    assert overlap(seen(name, topology="tris", resolution="low_poly")[..., 3] >= 0.5, wanted(name)) >= 0.98


@pytest.mark.parametrize("name", FEWER)
def test_low_poly_quads(name: str) -> None:
    path, facts, model = made(name, topology="quads", resolution="low_poly")
    sound(model)
    total, share = faces_with_quads(path)
    assert 0.99 * facts["faces"] <= total <= facts["faces"] <= 5000  # the import joins a few dented pairs, too
    assert share >= 0.95
    assert overlap(seen(name, topology="quads", resolution="low_poly")[..., 3] >= 0.5, wanted(name)) >= 0.98


@once
@pytest.mark.parametrize("name", ["elephant", "chelsea"])
@pytest.mark.parametrize("model", ["base", "turbo"])
def test_high_poly_triangles_stay_within_bounds(name: str, model: str) -> None:
    _, facts, found = made(name, topology="tris", geometry_model=model)
    assert 50_000 <= len(found.triangles) == facts["faces"] <= 200_000


@once
@pytest.mark.parametrize(("name", "number"), [("butterflies", 8), ("mushroom", 1), ("horse_logo", 3), ("pig", 1)])
@pytest.mark.parametrize("topology", ["quads", "tris"])
@pytest.mark.parametrize("resolution", ["high_poly", "low_poly"])
def test_separate_parts_stay_and_no_others_appear(name: str, number: int, topology: str, resolution: str) -> None:
    model = made(name, topology=topology, resolution=resolution)[2]
    assert parts(model) == number  # loose specks of the drawing are not among them


@pytest.mark.parametrize(
    ("name", "number"), [("horse_logo", 3), ("clef", 8), ("lantern", 6), ("pig", 0), ("shears", 0)]
)
@pytest.mark.parametrize("resolution", ["high_poly", "low_poly"])
def test_holes_in_the_picture_are_holes_in_the_model(name: str, number: int, resolution: str) -> None:
    assert handles(made(name, topology="quads", resolution=resolution)[2]) == number


def test_turbo_is_the_silhouette_alone() -> None:
    _, _, turbo = made("elephant", geometry_model="turbo")
    sound(turbo)
    image = seen("elephant", geometry_model="turbo")
    assert overlap(image[..., 3] >= 0.5, wanted("elephant")) >= 0.98
    assert abs(volume(turbo) / volume(made("elephant")[2]) - 1) < 0.1


def test_the_sheet_swells_with_the_local_width() -> None:
    model = made("lantern")[2]
    thin, thick = made("shears")[2].size[1], made("mushroom")[2].size[1]
    assert thin < model.size[1] < thick


def test_front_and_back_mirror_each_other() -> None:
    points = made("pig")[2].points
    assert points[:, 1].min() == pytest.approx(-points[:, 1].max(), rel=1e-3)
    relief = made("coffee")[2].points
    assert np.ptp(relief[relief[:, 1] > relief[:, 1].max() - 1e-4][:, 0]) > 0.9  # a flat plate behind


def test_textures() -> None:
    nothing = made("bear", texture_model="none")[2].document
    assert "images" not in nothing
    baked = made("bear")[2].document["materials"][0]["pbrMetallicRoughness"]
    assert "baseColorTexture" in baked
    assert "metallicRoughnessTexture" not in baked
    pbr = made("bear", texture_model="pbr")[2].document
    material = pbr["materials"][0]
    assert {"baseColorTexture", "metallicRoughnessTexture"} <= set(material["pbrMetallicRoughness"])
    assert "normalTexture" in material
    assert len(pbr["images"]) == 3


def test_evened_shading_keeps_flat_colours() -> None:
    """A logo of flat colours comes back from `pbr` as it is."""
    image, mask = seen("horse_logo", texture_model="pbr"), wanted("horse_logo")
    both = (image[..., 3] >= 0.99) & mask
    assert np.abs(image[..., :3] - read_picture(picture("horse_logo"))[..., :3] / 255)[both].mean() * 255 < 3


def test_evened_shading_takes_slopes_away(tmp_path: Path) -> None:
    from image_to_3d.headless.maps import even_shading

    slope = np.linspace(90, 200, 256, dtype=np.float32).round().astype(np.uint8)
    flat = np.repeat(np.repeat(slope[None, :, None], 256, axis=0), 3, axis=2)
    evened = even_shading(flat, np.ones((256, 256), np.float32))
    assert np.ptp(evened.astype(int)) < 0.7 * np.ptp(flat.astype(int))


@once
@pytest.mark.parametrize(
    ("box", "keep", "axis", "size"),
    [
        ([2.0, -1, -1], False, 0, 2.0),
        ([-1, 3.0, -1], False, 2, 3.0),  # [width, height, depth]; height is Z
        ([-1, -1, 0.5], False, 1, 0.5),
    ],
)
def test_one_given_size_scales_evenly(box: list[float], keep: bool, axis: int, size: float) -> None:
    natural = made("pig")[2].size
    path, _ = make(picture("pig"), "pig", scaled_bbox=box, preserve_aspect_ratio=keep)
    found = read_model(path).size
    assert found[axis] == pytest.approx(size, rel=1e-3)
    assert found / found[axis] == pytest.approx(natural / natural[axis], rel=1e-3)


def test_given_sizes_are_exact_or_fitted() -> None:
    natural = made("pig")[2].size
    stretched = read_model(make(picture("pig"), "pig", scaled_bbox=[1.0, 2.0, 3.0])[0])
    assert stretched.size == pytest.approx([1.0, 3.0, 2.0], rel=1e-3)
    sound(stretched)
    fitted = read_model(make(picture("pig"), "pig", scaled_bbox=[1.0, 2.0, 3.0], preserve_aspect_ratio=True)[0]).size
    assert fitted / fitted[0] == pytest.approx(natural / natural[0], rel=1e-3)
    assert fitted[0] == pytest.approx(1.0, rel=1e-3)


@once
@pytest.mark.parametrize("choices", [{}, {"texture_model": "pbr", "resolution": "low_poly"}])
def test_two_processes_write_the_same_bytes(tmp_path: Path, choices: dict[str, str]) -> None:
    outputs = []
    for number in (1, 2):
        output, report = tmp_path / f"{number}.glb", tmp_path / f"{number}.jsonl"
        request = {"picture": str(picture("seal")), "name": "Seal", "output": str(output), "report": str(report)}
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request | {"parameters": PARAMETERS | choices}))
        command = [sys.executable, "-I", str(ROOT / "programs" / "launch.py"), "headless.sculpt", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        fractions = [line["progress"] for line in lines if "progress" in line]
        assert fractions == sorted(fractions)
        assert len(fractions) >= 5
        assert lines[-1]["done"]["shape_from"] == "alpha"
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1]
    assert sorted(tmp_path.glob("*.glb")) == [tmp_path / "1.glb", tmp_path / "2.glb"]


def test_the_checks_see_a_broken_model() -> None:
    """Take a triangle away, turn one round, flatten one: each is noticed."""
    model = made("clef")[2]
    assert open_edges(replace(model, triangles=model.triangles[1:])) == 3
    turned = model.triangles.copy()
    turned[0] = turned[0, ::-1]
    assert open_edges(replace(model, triangles=turned)) > 0
    assert volume(replace(model, triangles=model.triangles[:, ::-1])) < 0
    flat = model.points.copy()
    flat[model.triangles[0, 1]] = flat[model.triangles[0, 0]]
    assert least_area(replace(model, points=flat)) == 0
    shifted = np.roll(seen("clef")[..., 3] >= 0.5, 3, axis=1)
    assert overlap(shifted, wanted("clef")) < 0.9
