# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of farm jobs share: a worker's Blender and environment, pictures, and a web service that notes what
was paid for."""

import os
import sys
from pathlib import Path

import pytest
from drawing import star_png
from service.cube import cube_glb
from service.stand_in import StandIn

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def blender(tmp_path_factory):
    """The path of the Blender binary on the worker."""
    path = tmp_path_factory.mktemp("worker") / "blender"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{HERE / "as_blender.py"}" "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def meshy(tmp_path, request):
    """The stand-in for Meshy. Its tasks end at once, or with the parameter None when a test says so."""
    model = tmp_path / "cube.glb"
    model.write_bytes(cube_glb())
    with StandIn(model=model, seconds=getattr(request, "param", 0.0)) as service:
        yield service


@pytest.fixture
def worker(meshy, tmp_path):
    """The environment of a worker: it has the key, and no farm job has."""
    package = next(path for path in sys.path if (Path(path) / "image_to_3d").is_dir())
    return {
        **os.environ,
        "PYTHONPATH": package,
        "HOME": str(tmp_path),
        "MESHY_API_KEY": meshy.meshy_key,
        "MESHY_API_URL": meshy.meshy_url,
    }


@pytest.fixture
def pictures(tmp_path):
    """A folder with five pictures, one of them with a space in its name, and a list of them that has a line for
    each."""
    folder = tmp_path / "my pictures"
    folder.mkdir()
    names = [f"star {side}.png" if side == 40 else f"star_{side}.png" for side in (40, 44, 48, 52, 56)]
    for name in names:
        (folder / name).write_bytes(star_png(int(name[5:7])))
    (folder / "list.txt").write_text("".join(f"{name}\n" for name in names))
    return folder


@pytest.fixture
def delivered(tmp_path):
    """A function that gives the names of the GLBs in the output folder."""
    return lambda: sorted(
        path.stem for path in (tmp_path / "models").rglob("*.glb") if ".image_to_3d" not in path.parts
    )
