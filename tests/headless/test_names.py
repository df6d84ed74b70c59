# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a picture is called, it becomes a model: names go to what is in the model, and never to a file of ours."""

import os
import sys
import time

import bpy
import pytest
from drawing import star_png
from once import once

from image_to_3d import api
from image_to_3d.api import headers, picture
from image_to_3d.headless.report import Report
from image_to_3d.headless.sculpt import sculpt

PARAMETERS = {
    "geometry_model": "turbo",
    "texture_model": "pbr",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "low_poly",
}

NAMES = {
    "long": "x" * 100,
    "long in bytes": "\N{FOX FACE}" * 100,
    "a folder's": "fox/back",
    "a folder's on Windows": "fox\\back",
    "what Windows forbids": 'a: * ? " < > |',
    "outwards": "../../fox",
    "dots": "..",
    "missing bytes": "f\N{REPLACEMENT CHARACTER}chslein",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_becomes_a_model_with_all_its_maps(tmp_path, star, name):
    folder = tmp_path / "work"
    folder.mkdir()
    output = folder / "model.glb"
    before = everything_in(tmp_path)
    sculpt(star, PARAMETERS, output, name, Report(folder / "report.jsonl"))
    assert everything_in(tmp_path) - before == {output, folder / "report.jsonl"}
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.import_scene.gltf(filepath=str(output))
    beginning = name.encode()[:40].decode(
        errors="ignore"
    )  # Blender keeps 63 bytes of a name, and numbers those that it has twice
    pictures = [image for image in bpy.data.images if image.has_data or image.size[0]]
    assert len(pictures) == 3 and all(image.size[0] > 1 for image in pictures)
    assert all(thing.name.startswith(beginning) for thing in (*bpy.data.meshes, *bpy.data.materials))


def everything_in(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


@once
def test_a_large_picture_whose_maps_are_jpegs_may_be_called_anything_too(tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(star_png(1700))
    output = tmp_path / "model.glb"
    sculpt(
        large,
        {**PARAMETERS, "texture_model": "baked"},
        output,
        "fox\\back/" + "\N{FOX FACE}" * 90,
        Report(tmp_path / "r"),
    )
    assert b"image/jpeg" in output.read_bytes()[:4000]


FILES = {
    "250 bytes": "\N{CYRILLIC SMALL LETTER ZHE}".encode() * 123 + b".png",
    "a backslash": b"fox\\back.png",
    "no text": b"f\xfcchs",
}


def shortly(seconds):
    time.sleep(min(seconds, 0.05))


@once
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere most of these cannot be the name of a file")
@pytest.mark.parametrize("name", FILES.values(), ids=FILES)
def test_the_sculptor_opens_a_picture_whatever_its_file_is_called(tmp_path, star, name):
    source, folder = os.path.join(os.fsencode(tmp_path), name), tmp_path / "work"
    folder.mkdir()
    with open(source, "wb") as file:
        file.write(star.read_bytes())
    local = api.connect("local", folder=folder)
    asked = {"image_url": os.fsdecode(source), "resolution": "low_poly", "texture_model": "none"}
    task = api.wait(local, local.create(asked).id, sleep=shortly)
    api.save(local, task, folder / "model.glb")
    assert (folder / "model.glb").stat().st_size > 1000 and os.path.exists(source)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a backslash parts folders")
@pytest.mark.parametrize("limit_px", [4096, 48], ids=["only looked at", "scaled"])
def test_a_picture_with_a_backslash_in_its_name_is_looked_at_before_it_is_sent(tmp_path, star, limit_px):
    source, stem = tmp_path / "fox\\back.png", tmp_path / "scratch" / "fitted"
    source.write_bytes(star.read_bytes())
    stem.parent.mkdir()
    command = api.blender.find_blender()
    options = {"called": "Fox", "limit_px": limit_px, "may_be_flat": False, "sleep": shortly}
    made, _ = picture.fit(source, stem, lambda: command, **options)
    assert max(headers.size_of(made)) == min(96, limit_px)
