# SPDX-License-Identifier: GPL-3.0-or-later
"""A model whose picture is a data URI keeps it, however that is spelled; one that names a file of the user's gets
nothing of it."""

import base64
import json
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
from drawing import png
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.headless import convert as program
from image_to_3d.headless.report import Report

GREEN = (20, 200, 60, 255)


def with_picture(uri: str) -> bytes:
    """A cube whose picture is at `uri`."""
    document, binary = parted(cube_glb())
    document["images"] = [{"uri": uri}]
    return assembled(document, binary)


def request_for(glb: Path) -> dict:
    folder = glb.parent
    made = {"blend": str(folder / "result.blend"), "thumbnail": str(folder / "thumbnail.png")}
    return {"glb": str(glb), "name": "Cube", "quads": False, **made}


@pytest.mark.parametrize(
    "head", ["data:image/png;base64,", "DATA:image/png;base64,", "data:image/png;name=a.png;Base64,"]
)
def test_the_picture_arrives(tmp_path: Path, monkeypatch, head: str) -> None:
    glb = tmp_path / "model.glb"
    glb.write_bytes(with_picture(head + base64.b64encode(png(np.full((4, 4, 4), GREEN, np.uint8))).decode()))
    monkeypatch.setattr(program, "render", lambda path: path.write_bytes(b""))
    program.convert(request_for(glb), Report(tmp_path / "report.jsonl"))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(tmp_path / "result.blend"), link=False) as (there, here):
        here.collections = there.collections
    (image,) = bpy.data.images
    assert np.round(np.array(image.pixels[:4]) * 255).astype(int).tolist() == list(GREEN)


@pytest.mark.parametrize("uri", ["data:{path}", "data:/..{path}", "DATA:image/png;base64,/..{path}", "{path}"])
def test_a_file_of_the_users_is_never_opened(tmp_path: Path, monkeypatch, uri: str) -> None:
    """Also where nobody has checked the model before."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(np.full((4, 4, 4), GREEN, np.uint8)))
    glb = tmp_path / "model.glb"
    glb.write_bytes(with_picture(uri.format(path=secret)))
    request = tmp_path / "request.json"
    request.write_text(json.dumps({**request_for(glb), "report": str(tmp_path / "report.jsonl")}))
    monkeypatch.setattr(sys, "argv", ["convert", str(request)])
    with pytest.raises(SystemExit):
        program.main()
    assert "outside itself" in json.loads((tmp_path / "report.jsonl").read_text().splitlines()[-1])["error"]
    assert not (tmp_path / "result.blend").exists()
