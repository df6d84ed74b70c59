# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen behind a model of which no side is known: its own picture, the front mirrored, or no second face."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_checks import Model, least_area, open_edges, read_model, volume
from numpy.typing import NDArray
from once import once

from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.pixels import Bytes, Floats
from image_to_3d.headless.report import Report
from image_to_3d.headless.saving import write_png
from image_to_3d.headless.sculpt import SculptError, Seen, sculpt

pytestmark = once

SIDE = 256  # pixels
PARAMETERS = {
    "geometry_model": "base",
    "texture_model": "baked",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "high_poly",
}
SKIN, HAIR, SHIRT, LINE, EYE = (230, 180, 150), (90, 50, 20), (40, 90, 200), (0, 0, 0), (20, 160, 60)

_folder = tempfile.TemporaryDirectory(prefix="back_tests_")

y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) + np.float32(0.5)


def doll(face: bool = True, wide: float = 1.0, hair: tuple[int, int, int] = HAIR) -> Bytes:
    """A head with hair on a body in a shirt, a black line drawn around all; `wide` is its width."""
    across = (x - 128) / wide
    head, chest = np.hypot(across, y - 84) - 64, np.maximum(np.abs(across) - 50, np.abs(y - 180) - 56)
    figure = np.minimum(head, chest)
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    picture[figure < 0] = (*LINE, 255)
    picture[(head < -4) & (y < 150), :3] = SKIN
    picture[(head < -4) & (y < 84), :3] = hair
    picture[(chest < -4) & (y > 140), :3] = SHIRT
    if face:
        picture[(np.hypot(across, y - 84) < 34), :3] = SKIN
        picture[np.hypot(np.abs(across) - 16, y - 78) < 9, :3] = EYE
    return picture


def on_white(picture: Bytes) -> Bytes:
    share = picture[..., 3:] / np.float32(255)
    return np.round(picture[..., :3] * share + 255 * (1 - share)).astype(np.uint8)


def save(picture: Bytes, name: str) -> Path:
    path = Path(tempfile.mkdtemp(dir=_folder.name), name)
    write_png(path, picture)
    return path


def make(front: Bytes, behind: Bytes | None = None, **choices: Any) -> tuple[Path, dict[str, Any]]:
    """Sculpt; the GLB and the facts."""
    picture = save(front, "fox.png")
    views = {} if behind is None else {"back": Seen(save(behind, "behind.png"), "behind.png")}
    output = picture.with_name("fox.glb")
    report = Report(picture.with_name("report.jsonl"))
    return output, sculpt(picture, PARAMETERS | choices, output, "Fox", report, "fox.png", views)


def look(path: Path, side: str, image: str = "baseColorTexture") -> tuple[Floats, Floats]:
    """Where the triangles that face the front or the back are (n, 3), and what a map shows there (n, 3), 0..255."""
    model = read_model(path)
    corners = model.points[model.triangles].astype(np.float64)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.linalg.norm(facing, axis=1)[:, None]
    there = facing[:, 1] > 0.3 if side == "back" else facing[:, 1] < -0.3
    pixels = texture(model, path, image)
    uv = model.uv[model.triangles].mean(axis=1)[there]
    columns = np.clip((uv[:, 0] * pixels.shape[1]).astype(int), 0, pixels.shape[1] - 1)
    rows = np.clip(((1 - uv[:, 1]) * pixels.shape[0]).astype(int), 0, pixels.shape[0] - 1)
    return corners.mean(axis=1)[there], pixels[rows, columns, :3].astype(np.float32)


def texture(model: Model, path: Path, name: str) -> Bytes:
    material = model.document["materials"][0]
    used = material[name] if name in material else material["pbrMetallicRoughness"][name]
    source = model.document["images"][model.document["textures"][used["index"]]["source"]]
    number = model.document["images"].index(source)
    file = path.with_name(f"{name}.{source['mimeType'].partition('/')[2]}")
    file.write_bytes(model.images[number])
    return read_picture(file)


def near(colours: Floats, wanted: tuple[int, int, int], within: float = 40) -> NDArray[np.bool_]:
    return np.abs(colours - np.array(wanted)).max(axis=1) < within


@functools.cache
def plain_doll(**choices: str) -> tuple[Path, dict[str, Any]]:
    return make(doll(), back="plain", **choices)


def welded(model: Model) -> Model:
    """The model without its seams: points that are in one place are one."""
    points, number = np.unique(model.points, axis=0, return_inverse=True)
    return replace(model, points=points, triangles=number.reshape(-1)[model.triangles])


def sound(path: Path) -> Model:
    model = read_model(path)
    assert open_edges(welded(model)) == 0
    assert least_area(model) > 1e-9
    assert volume(model) > 0
    assert model.uv.min() >= 0
    assert model.uv.max() <= 1
    return model


def test_a_plain_back_has_no_second_face() -> None:
    path, _ = plain_doll()
    assert near(look(path, "front")[1], EYE).any()
    places, colours = look(path, "back")
    assert not near(colours, EYE, 60).any()
    head = (places[:, 2] > 0.6) & (np.abs(places[:, 0]) < 0.2)
    assert near(colours[head], HAIR).mean() > 0.5
    mirrored, _ = make(doll(), back="mirrored")
    assert near(look(mirrored, "back")[1], EYE).any()


def test_a_plain_back_shows_what_is_above_above_and_what_is_below_below() -> None:
    places, colours = look(plain_doll()[0], "back")
    middle = np.abs(places[:, 0]) < 0.12
    for low, high, colour in ((0.75, 0.9, HAIR), (0.05, 0.4, SHIRT)):
        part = middle & (places[:, 2] > low) & (places[:, 2] < high)
        assert part.any()
        assert near(colours[part], colour).all()


def test_a_drawn_outline_is_not_carried_over_a_plain_back() -> None:
    places, colours = look(plain_doll()[0], "back")
    inner = (np.abs(places[:, 0]) < 0.14) & (places[:, 2] > 0.06) & (places[:, 2] < 0.94)
    assert not near(colours[inner], LINE, 30).any()


def test_a_plain_back_has_no_relief_of_the_face() -> None:
    """The face is flat colours; its edges are relief on the front, and there is none of it behind."""
    rough = {}
    for side in ("front", "back"):
        model = read_model(plain_doll()[0])
        half = model.points[:, 1] < 0 if side == "front" else model.points[:, 1] > 0
        line = half & (np.abs(model.points[:, 0] - 0.06) < 0.02) & (np.abs(model.points[:, 2] - 0.7) < 0.12)
        depth, height = np.abs(model.points[line, 1]).astype(np.float64), model.points[line, 2].astype(np.float64)
        rough[side] = float(np.std(depth - np.polyval(np.polyfit(height, depth, 4), height)))
    assert rough["back"] < 0.4 * rough["front"]


@pytest.mark.parametrize("behind", ["plain", "picture"])
def test_front_and_back_meet_in_one_colour_along_the_contour(behind: str) -> None:
    path, _ = plain_doll() if behind == "plain" else make(doll(), doll(face=False))
    model = read_model(path)
    pixels = texture(model, path, "baseColorTexture").astype(np.float32)
    rows = ((1 - model.uv[:, 1]) * pixels.shape[0]).astype(int).clip(0, pixels.shape[0] - 1)
    columns = (model.uv[:, 0] * pixels.shape[1]).astype(int).clip(0, pixels.shape[1] - 1)
    order = np.lexsort(model.points.T)
    points, colours, left = model.points[order], pixels[rows, columns, :3][order], model.uv[order, 0] < 0.5
    split = (points[1:] == points[:-1]).all(axis=1) & (left[1:] != left[:-1])  # one place, once in each picture
    assert split.sum() > 200
    assert np.abs(colours[1:] - colours[:-1])[split].mean() < 4


def test_a_picture_of_the_back_is_seen_from_behind_as_it_is() -> None:
    behind = doll(face=False)
    behind[np.hypot(x - 155, y - 84) < 12, :3] = EYE  # to the right in the picture
    path, facts = make(doll(face=False), on_white(behind))
    places, colours = look(path, "back")
    spot = places[near(colours, EYE)]
    assert spot[:, 0].mean() == pytest.approx(-27 / 227, abs=0.02)
    assert spot[:, 2].mean() == pytest.approx((236 - 84) / 216, abs=0.04)
    assert not near(look(path, "front")[1], EYE).any()
    assert "not the same shape" not in facts.get("note", "")


def test_a_back_that_is_drawn_a_little_wider_shows_no_background() -> None:
    for wide in (0.94, 1.06):
        path, _ = make(doll(), on_white(doll(face=False, wide=wide)))
        assert not near(look(path, "back")[1], (255, 255, 255), 50).any()


def test_a_back_of_another_scale_is_brought_to_the_height_of_the_front() -> None:
    small = np.zeros((200, 300, 4), np.uint8)
    small[50:178, 100:228] = doll(face=False)[::2, ::2]
    path, _ = make(doll(), small)
    places, colours = look(path, "back")
    shirt = places[near(colours, SHIRT)]
    assert shirt[:, 2].max() == pytest.approx((236 - 140) / 216, abs=0.03)


def test_a_back_of_another_shape_is_refused_with_both_names() -> None:
    star = np.zeros((SIDE, SIDE, 4), np.uint8)
    star[120:136, 10:246] = (*SHIRT, 255)
    with pytest.raises(SculptError, match=r"The back \(behind\.png\) is not the same shape as the front \(fox\.png\)"):
        make(doll(), star)


def test_a_back_of_somewhat_another_shape_is_taken_and_told() -> None:
    _, facts = make(doll(), doll(face=False, wide=1.3))
    assert "The back (behind.png) is not the same shape as the front (fox.png)" in facts["note"]


def test_a_back_that_was_not_mirrored_is_told() -> None:
    one_armed = doll(face=False)
    one_armed[150:170, 170:250] = (*SHIRT, 255)
    _, facts = make(one_armed, one_armed[:, ::-1].copy())
    assert "note" not in facts
    with_note = make(one_armed, one_armed)[1]["note"]
    assert "flip" in with_note


@pytest.mark.parametrize("topology", ["tris", "quads"])
@pytest.mark.parametrize("resolution", ["high_poly", "low_poly"])
@pytest.mark.parametrize("behind", ["plain", "picture"])
def test_the_model_is_closed_and_has_as_many_faces_as_before(behind: str, resolution: str, topology: str) -> None:
    choices = {"resolution": resolution, "topology": topology}
    shown = None if behind == "plain" else doll(face=False)
    path, facts = make(doll(), shown, back="plain", scaled_bbox=[2, 1.5, 1], **choices)
    model = sound(path)
    assert model.size == pytest.approx([2, 1, 1.5], rel=1e-4)
    _, before = make(doll(), back="mirrored", **choices)
    assert facts["faces"] == before["faces"]


def test_bumps_on_the_back_are_lit_as_those_on_the_front() -> None:
    """A back that is the front's mirror image has slopes to the same sides of the world at the same places."""
    front = doll()
    front[..., :3] = (128 + 100 * np.sin(x / 4 + y / 40))[..., None]
    path, _ = make(front, front[:, ::-1].copy(), texture_model="pbr")
    model = read_model(path)
    grids = []
    for side in ("front", "back"):
        places, normals = look(path, side, "normalTexture")
        half = model.points[:, 1] < -0.01 if side == "front" else model.points[:, 1] > 0.01
        to_the_right = np.polyfit(model.points[half, 0], model.uv[half, 0], 1)[0]  # along x, u grows or falls
        columns, rows = ((places[:, 0] + 0.5) * 60).astype(int), (places[:, 2] * 60).astype(int)
        inner = (np.abs(places[:, 0]) < 0.15) & (places[:, 2] > 0.1) & (places[:, 2] < 0.85)
        total = np.zeros((2, 61, 61))
        np.add.at(total[0], (rows[inner], columns[inner]), (normals[inner, 0] - 127.5) * np.sign(to_the_right))
        np.add.at(total[1], (rows[inner], columns[inner]), 1)
        grids.append(total)
    both = (grids[0][1] > 0) & (grids[1][1] > 0)
    one, other = (grid[0][both] / grid[1][both] for grid in grids)
    assert one.std() > 0.5
    assert np.corrcoef(one, other)[0, 1] > 0.8


def test_without_a_word_on_the_back_it_is_mirrored_and_nothing_changes() -> None:
    said, unsaid = (make(doll(), **choices)[0].read_bytes() for choices in ({"back": "mirrored"}, {}))
    assert said == unsaid
    with_plain = plain_doll()[0].read_bytes()
    assert with_plain != said
    assert with_plain == make(doll(), back="plain")[0].read_bytes()


def test_a_relief_gets_a_plain_back_of_the_colours_at_its_edges() -> None:
    picture = np.full((160, 240, 3), SHIRT, np.uint8)
    picture[60:100, 80:160] = EYE
    path, _ = make(picture, back="plain", cutout="rectangle")
    sound(path)
    places, colours = look(path, "back")
    assert np.ptp(places[:, 1]) < 1e-3
    assert near(colours, SHIRT).all()
    assert near(look(path, "front")[1], EYE).any()


def test_a_picture_of_the_back_changes_nothing_where_no_texture_is_wanted() -> None:
    path, _ = make(doll(), doll(face=False), texture_model="none", geometry_model="turbo")
    assert path.read_bytes() == make(doll(), texture_model="none", geometry_model="turbo")[0].read_bytes()
