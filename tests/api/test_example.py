# SPDX-License-Identifier: GPL-3.0-or-later
"""The example in docs/, run as a user would: plain Python, the extension's folder on the path, key and address from
outside."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from once import once
from service.cube import cube_glb
from service.stand_in import StandIn

import image_to_3d
from image_to_3d.api import glb

pytestmark = once

EXAMPLE = Path(__file__).parents[2] / "docs" / "generate_from_a_script.py"


@pytest.fixture
def stand_in(tmp_path):
    model = tmp_path / "cube.glb"
    model.write_bytes(cube_glb())
    with StandIn(model=model) as service:
        yield service


@pytest.fixture(params=["csm", "meshy"])
def run(request, stand_in, star, tmp_path):
    """Runs the example with one of the services; `run.service` is its name, `run.model` where the GLB goes."""

    right_key = getattr(stand_in, f"{request.param}_key")

    def run(*arguments, key=right_key):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CSM_", "MESHY_"))}
        environment = kept | {
            "PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent),
            f"{request.param.upper()}_API_KEY": key,
        }
        url = getattr(stand_in, f"{request.param}_url")
        command = [sys.executable, "-P", str(EXAMPLE), request.param, str(star), str(run.model), f"--url={url}"]
        return subprocess.run(
            [*command, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    run.service, run.model = request.param, tmp_path / "fox.glb"
    return run


def is_one_sentence(text):
    return len(text.splitlines()) == 1 and text.endswith((".\n", ")\n")) and "Traceback" not in text


def test_it_makes_a_model_and_tells_how_far_it_is(run, stand_in):
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    glb.check(run.model)
    assert "100% Finished at" in done.stdout
    assert [create.service for create in stand_in.creates] == [run.service]
    sent = stand_in.creates[0].parameters
    assert sent["target_polycount"] == 10_000 if run.service == "meshy" else sent["resolution"] == "low_poly"


def test_it_makes_a_model_with_comfyui(stand_in, star, tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMFYUI_")}
    environment = kept | {"PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent)}
    model = tmp_path / "fox.glb"
    command = [sys.executable, "-P", str(EXAMPLE), "comfyui", str(star), str(model), f"--url={stand_in.comfyui_url}"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    glb.check(model)
    (create,) = stand_in.creates
    assert create.service == "comfyui" and '"steps": 40' in str(create.parameters).replace("'", '"')


def test_a_wrong_key_is_one_sentence(run, stand_in):
    done = run(key="wrong")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr) and "does not accept the API key" in done.stderr
    assert not stand_in.creates and not run.model.exists()


def test_a_lost_answer_names_the_task_and_no_second_one_is_made(run, stand_in):
    stand_in.play("create", "drop_after")
    done = run()
    assert done.returncode == 1 and is_one_sentence(done.stderr)
    assert stand_in.creates[0].id in done.stderr
    assert run("--task", stand_in.creates[0].id).returncode == 0
    glb.check(run.model)
    assert len(stand_in.creates) == 1


def test_a_lost_answer_is_told_also_where_the_service_lists_nothing(run, stand_in):
    stand_in.play("create", "drop_after")
    stand_in.play("list", "status", status=500)
    done = run()
    assert done.returncode == 1 and is_one_sentence(done.stderr)
    assert "may have been made" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the commands are for a shell")
def test_its_first_commands_work_as_they_stand_there(star, tmp_path):
    """In an empty folder with the zip, the example and a picture, as a user would have them; Local makes the model."""
    root = EXAMPLE.parents[1]
    with zipfile.ZipFile(tmp_path / "image_to_3d-0.0.0.zip", "w") as archive:
        # What the api needs of what is shipped.
        for name in ("__init__.py", "files.py", "blender_manifest.toml", "programs", "api", "headless"):
            paths = sorted((root / name).rglob("*.py")) if (root / name).is_dir() else [root / name]
            for path in paths:
                archive.write(path, path.relative_to(root))
    (tmp_path / EXAMPLE.name).write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "fox.png").write_bytes(star.read_bytes())
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    words = ast.get_docstring(ast.parse(EXAMPLE.read_text(encoding="utf-8")))
    commands = next(part for part in words.split("\n\n") if part.startswith("    "))
    assert len(commands.splitlines()) == 3
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.endswith("Saved fox.glb\n")
    glb.check(tmp_path / "fox.glb")


def test_a_target_that_takes_no_model_is_told_before_anything_is_paid(run, stand_in):
    run.model = run.model.parent / "none" / "fox.glb"
    done = run()
    assert done.returncode == 1 and is_one_sentence(done.stderr) and "There is no folder" in done.stderr
    assert not stand_in.requests
