# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model of several pictures must be, held on bodies whose true shape and colours are known."""

import base64
import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bodies
import numpy as np
import pytest
from closeness import Closeness, Truth, apart, closeness, placed, truth, welded
from model_checks import Model, faces_with_quads, least_area, open_edges, parts, read_model, volume
from once import once

from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.report import Report
from image_to_3d.headless.saving import write_png
from image_to_3d.headless.sculpt import SculptError, Seen, sculpt

ROOT = Path(__file__).resolve().parent.parent.parent
PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "baked",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "quads",
    "resolution": "high_poly",
    "back": "mirrored",
}
ALL = ("front", "back", "left", "right")
FEW = ("chair", "house")  # thin legs, and four sides that are all unlike each other
EVERY = [pytest.param(name, marks=() if name in FEW else once) for name in (*bodies.SIX, FEW[1])]
"""All bodies in one Blender. In the others a few show that its numpy and its exporter do the same."""

_folder = tempfile.TemporaryDirectory(prefix="views_tests_")


@functools.cache
def body(name: str) -> Truth:
    """A body and its pictures, made once."""
    return truth(name, Path(_folder.name))


def make(files: dict[str, Path], label: str, **choices: Any) -> tuple[Path, dict[str, Any]]:
    """Sculpt pictures, the front one among them; the GLB and the facts."""
    folder = Path(tempfile.mkdtemp(dir=_folder.name))
    output = folder / f"{label}.glb"
    views = {view: Seen(file, file.name) for view, file in files.items() if view != "front"}
    report = Report(folder / "report.jsonl")
    return output, sculpt(files["front"], PARAMETERS | choices, output, label, report, files["front"].name, views)


@functools.cache
def made(name: str, views: tuple[str, ...] = ALL, **choices: str) -> tuple[Path, dict[str, Any], Model]:
    """The model of some of a body's pictures, made once for all tests that look at it."""
    path, facts = make({view: body(name).files[view] for view in views}, name, **choices)
    return path, facts, read_model(path)


@functools.cache
def close(name: str, views: tuple[str, ...] = ALL, **choices: str) -> Closeness:
    """How close that model is to the body."""
    return closeness(made(name, views, **choices)[0], body(name))


def sound(model: Model, pieces: int = 1) -> None:
    """Assert what every model must be."""
    whole = welded(model)
    assert open_edges(whole) == 0
    assert parts(whole) == pieces
    assert least_area(model) > 1e-10
    assert volume(model) > 0
    assert model.points[:, 2].min() == pytest.approx(0, abs=1e-6)
    if model.uv is not None:
        assert model.uv.min() >= 0
        assert model.uv.max() <= 1


def fits(found: Closeness, views: tuple[str, ...], overlap: float = 0.97) -> None:
    """Assert that each given view looks like its picture."""
    assert min(found.overlaps[view] for view in views) >= overlap, found
    assert max(found.colours[view] for view in views) < 10, found


@pytest.mark.parametrize("name", EVERY)
def test_each_view_looks_like_its_picture(name: str) -> None:
    fits(close(name), ALL)


@once
def test_several_pictures_halve_the_distance_to_the_true_surface() -> None:
    several = [close(name).distance for name in bodies.SIX]
    plain = {"texture_model": "none", "resolution": "low_poly"}  # which says as much, sooner
    one = [apart(placed(made(name, ("front",), **plain)[0], body(name)), body(name)) for name in bodies.SIX]
    assert np.mean(several) <= np.mean(one) / 2


@pytest.mark.parametrize("name", EVERY)
def test_the_model_is_closed_and_of_one_piece_and_sized(name: str) -> None:
    _, facts, model = made(name)
    sound(model)
    assert max(model.size[[0, 2]]) == pytest.approx(1, rel=0.02)
    assert 50_000 <= facts["faces"] <= 200_000
    true = body(name).high - body(name).low
    assert model.size / model.size[2] == pytest.approx(true / true[2], rel=0.05)


@once
@pytest.mark.parametrize("name", FEW[:1])
def test_quads_come_back_as_quads(name: str) -> None:
    total, share = faces_with_quads(made(name)[0])
    assert share >= 0.95
    assert 50_000 <= total <= 200_000


@once
@pytest.mark.parametrize(("name", "topology"), [("chair", "quads"), pytest.param("figure", "tris", marks=once)])
def test_low_poly_is_small_and_still_fits(name: str, topology: str) -> None:
    _, facts, model = made(name, topology=topology, resolution="low_poly")
    sound(model)
    assert facts["faces"] <= 5000
    assert len(model.triangles) == facts["faces"] * (2 if topology == "quads" else 1)
    few = 0.96  # the chair's legs are three quads wide then
    fits(close(name, topology=topology, resolution="low_poly"), ALL, few)


@once
def test_turbo_and_triangles_stay_within_bounds_and_no_texture_is_none() -> None:
    _, facts, found = made("bottle", topology="tris", geometry_model="turbo", texture_model="none")
    sound(found)
    assert found.uv is None and "images" not in found.document
    assert 50_000 <= len(found.triangles) == facts["faces"] <= 200_000


@once
@pytest.mark.parametrize(
    "views",
    [
        ("front", "right"),
        ("front", "back"),
        pytest.param(("front", "back", "left"), marks=once),
    ],
    ids="+".join,
)
def test_any_of_the_views_may_be_left_out(views: tuple[str, ...]) -> None:
    sound(made("house", views, resolution="low_poly")[2])
    fits(close("house", views, resolution="low_poly"), views)


@once
def test_all_maps_of_pbr_are_there_and_its_colours_are_the_pictures() -> None:
    pbr = made("mug", texture_model="pbr", resolution="low_poly")[2].document
    material = pbr["materials"][0]
    assert {"baseColorTexture", "metallicRoughnessTexture"} <= set(material["pbrMetallicRoughness"])
    assert "normalTexture" in material
    assert len(pbr["images"]) == 3
    fits(close("mug", texture_model="pbr", resolution="low_poly"), ALL)


@once
def test_given_sizes_are_exact() -> None:
    files = body("house").files
    path, _ = make(files, "house", scaled_bbox=[1.0, 2.0, 3.0], resolution="low_poly")
    assert read_model(path).size == pytest.approx([1.0, 3.0, 2.0], rel=1e-3)  # [width, height, depth]; height is Z


def moved(file: Path, folder: Path, scale: int, left: int, top: int) -> Path:
    """The picture `scale` times as large, with so much more room at its left and above."""
    large = np.repeat(np.repeat(read_picture(file), scale, axis=0), scale, axis=1)
    pixels = np.zeros((large.shape[0] + top, large.shape[1] + left, 4), np.uint8)
    pixels[top:, left:] = large
    write_png(folder / file.name, pixels)
    return folder / file.name


@once
def test_the_pictures_may_differ_in_size_and_place(tmp_path: Path) -> None:
    files = body("house").files
    files = files | {
        "right": moved(files["right"], tmp_path, 2, 150, 40),
        "back": moved(files["back"], tmp_path, 1, 70, 130),
    }
    path, _ = make(files, "house", resolution="low_poly")
    fits(closeness(path, body("house")), ALL)


@once
def test_pictures_before_white_work_too(tmp_path: Path) -> None:
    files = {}
    for view, file in body("figure").files.items():
        files[view] = tmp_path / file.name
        write_png(files[view], bodies.on_white(read_picture(file)))
    path, facts = make(files, "figure", resolution="low_poly")
    assert facts["shape_from"] == "background"
    sound(read_model(path))
    assert min(closeness(path, body("figure")).overlaps.values()) >= 0.95


@once
def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    outputs = []
    files = body("house").files
    for number in (1, 2):
        output, report = tmp_path / f"{number}.glb", tmp_path / f"{number}.jsonl"
        request = {
            "picture": str(files["front"]),
            "views": {
                view: {"picture": str(file), "called": file.name} for view, file in files.items() if view != "front"
            },
            "name": "House",
            "output": str(output),
            "report": str(report),
            "parameters": PARAMETERS | {"texture_model": "pbr", "resolution": "low_poly"},
        }
        path = tmp_path / "request.json"
        path.write_text(json.dumps(request))
        command = [sys.executable, "-I", str(ROOT / "programs" / "launch.py"), "headless.sculpt", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        fractions = [line["progress"] for line in lines if "progress" in line]
        assert fractions == sorted(fractions)
        assert len(fractions) >= 5
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1]


def band(folder: Path, name: str, *heights: tuple[float, float], width: float = 0.3) -> Path:
    """A picture with one grey bar above another; of its height, from above."""
    pixels = np.zeros((200, 200, 4), np.uint8)
    half = int(100 * width)
    for top, bottom in heights:
        pixels[int(200 * top) : int(200 * bottom), 100 - half : 100 + half] = (90, 120, 150, 255)
    write_png(folder / name, pixels)
    return folder / name


def test_views_that_share_nothing_are_refused_by_name(tmp_path: Path) -> None:
    files = {
        "front": band(tmp_path, "vase.png", (0.1, 0.2), (0.8, 0.9)),
        "right": band(tmp_path, "other.png", (0.1, 0.11), (0.3, 0.7), (0.89, 0.9)),
    }
    with pytest.raises(SculptError, match=r"other\.png") as caught:
        make(files, "vase")
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize("first", ["front", "right"])
def test_opposite_views_of_other_proportions_are_refused_by_name(tmp_path: Path, first: str) -> None:
    """A figure and what is seen from the other side of it are as wide as each other."""
    other = {"front": "back", "right": "left"}[first]
    files = {
        "front": band(tmp_path, "vase.png", (0.1, 0.9)),
        first: band(tmp_path, "vase.png", (0.1, 0.9)),
        other: band(tmp_path, "wide.png", (0.1, 0.9), width=0.8),
    }
    if first == "front":
        files["right"] = band(tmp_path, "side.png", (0.1, 0.9))
    with pytest.raises(SculptError, match=r"wide\.png") as caught:
        make(files, "vase")
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence


@once
def test_a_further_picture_without_a_figure_is_said_to_count_as_one(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (90, 60, 4)).astype(np.uint8)
    noise[..., 3] = 255
    write_png(tmp_path / "noise.png", noise)
    _, facts = make({"front": body("chair").files["front"], "right": tmp_path / "noise.png"}, "thing")
    assert "noise.png: No background could be told apart, so the whole picture counts as the figure" in facts["note"]


def test_a_view_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "behind.png"
    broken.write_text("this is no picture")
    with pytest.raises(SculptError, match=r"behind\.png"):
        make({"front": body("house").files["front"], "back": broken}, "house")


@once
def test_views_may_be_addresses_and_data(tmp_path: Path, web: Any) -> None:
    """Through the service, as a script uses it."""
    import time

    from image_to_3d import api

    files = body("house").files
    data = base64.b64encode(files["back"].read_bytes()).decode()
    service = api.connect("local", folder=tmp_path)
    task = service.create(
        {
            "image_url": str(files["front"]),
            "back_image_url": f"data:image/png;base64,{data}",
            "left_image_url": web.serve("/left.png", files["left"].read_bytes(), "image/png"),
            "right_image_url": str(files["right"]),
            "texture_model": "baked",
            "resolution": "low_poly",
        }
    )
    until = time.monotonic() + 120
    while task.status is api.Status.RUNNING and time.monotonic() < until:
        time.sleep(0.05)
        task = service.get(task.id)
    assert task.status is api.Status.SUCCEEDED, task.error
    service.fetch(task.result.glb, tmp_path / "house.glb")
    fits(closeness(tmp_path / "house.glb", body("house")), ALL)
