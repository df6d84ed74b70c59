# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open Job Description is run by openjd-cli, with the real command line in its tasks: what arrives, what is paid,
and what a cancel, a broken picture and another chunk size do."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from once import once

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE, MANUAL = ROOT / "farm" / "openjd" / "template.yaml", ROOT / "docs" / "farm.md"
CREDITS = 30  # what a model of Meshy costs with the settings that Blender starts with
OPENJD = os.environ.get("IMAGE_TO_3D_OPENJD")

pytestmark = [
    once,
    pytest.mark.skipif(not OPENJD, reason="dev.py test names the Python that has openjd-cli"),
    pytest.mark.skipif(sys.platform == "win32", reason="the template's tasks run on Linux and macOS"),
]


def openjd(*arguments, **more):
    return subprocess.run([OPENJD, "-m", "openjd", *arguments], capture_output=True, text=True, timeout=100, **more)


@pytest.fixture
def job(blender, worker, pictures, tmp_path):
    """A function that gives the command of a local run of the job with these parameters."""

    def command(**parameters):
        given = {
            "List": pictures / "list.txt",
            "Pictures": pictures,
            "Lines": "1-4",
            "ChunkSize": 2,
            "Output": tmp_path / "models",
            "Service": "meshy",
            "Format": "glb",
            "Blender": blender,
            **parameters,
        }
        (tmp_path / "parameters.json").write_text(json.dumps({name: str(value) for name, value in given.items()}))
        run = ["run", str(TEMPLATE), "--step", "Models", "--job-param", f"file://{tmp_path / 'parameters.json'}"]
        return [OPENJD, "-m", "openjd", *run]

    return command


@pytest.fixture
def run(job, worker):
    """A function that runs the job with these parameters to its end."""
    return lambda **parameters: subprocess.run(
        job(**parameters), capture_output=True, text=True, timeout=100, env=worker
    )


def test_the_template_is_valid_and_uses_no_more_than_deadline_cloud_documents():
    done = openjd("check", str(TEMPLATE), "--output", "json", "--extensions", "TASK_CHUNKING")
    assert done.returncode == 0, done.stdout + done.stderr


# Prints which lines each task of the job has that is made of the template with these parameters.
TASKS = """
import sys
from pathlib import Path
from openjd.model import StepParameterSpaceIterator, create_job, decode_job_template, document_string_to_object
from openjd.model import DocumentType, preprocess_job_parameters
text, *words = sys.argv[1:]
template = decode_job_template(
    template=document_string_to_object(document=Path(text).read_text(), document_type=DocumentType.YAML),
    supported_extensions=["TASK_CHUNKING"],
)
values = preprocess_job_parameters(
    job_template=template,
    job_parameter_values=dict(word.split("=", 1) for word in words),
    job_template_dir=Path(text).parent,
    current_working_dir=Path(),
)
step = create_job(job_template=template, job_parameter_values=values).steps[0]
print(*(task["Lines"].value for task in StepParameterSpaceIterator(space=step.parameterSpace)))
"""


@pytest.mark.parametrize(
    ("size", "number", "first", "last"),
    [(1, 100_000, "1-1", "100000-100000"), (20, 5_000, "1-20", "99981-100000"), (150, 667, "1-150", "99852-100000")],
)
def test_a_task_is_a_picture_or_a_chunk_of_them(size, number, first, last, tmp_path):
    folders = [f"{name}={tmp_path}" for name in ("List", "Pictures", "Output")]
    command = [OPENJD, "-c", TASKS, str(TEMPLATE), *folders, "Lines=1-100000", f"ChunkSize={size}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    tasks = done.stdout.split()
    assert (len(tasks), tasks[0], tasks[-1]) == (number, first, last)


def test_no_run_pays_again_and_a_broken_picture_fails_its_task_until_it_is_asked_for_again(
    run, meshy, pictures, delivered, tmp_path
):
    broken = pictures / "star_44.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    for size in (1, 2):  # other chunks are other tasks, and find what the first ones made
        done = run(Lines="1-2", ChunkSize=size)
        assert done.returncode != 0 and "star_44" in done.stdout
        assert delivered() == ["star 40"]
        assert len(meshy.creates) == 1
    broken.write_bytes(whole)
    done = run(Lines="1-2", RetryFailed="yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert delivered() == ["star 40", "star_44"]
    assert len(meshy.creates) == 2
    everything = [done.stdout, *(path.read_text(errors="replace") for path in (tmp_path / "models").rglob("*.json"))]
    assert not any(meshy.meshy_key in text for text in everything)


def test_all_parameters_reach_the_command_line_as_they_were_written(run, pictures, tmp_path):
    echo, program, said = tmp_path / "echo", tmp_path / "echo.py", tmp_path / "said.json"
    program.write_text(
        f"import json, os, sys\njson.dump([sys.argv[1:], sys.stdin.read(), os.getcwd()], open({str(said)!r}, 'w'))\n"
    )
    echo.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')  # a first line takes no path with a space
    echo.chmod(0o755)
    settings = 'ai_model=meshy-6\n\ntexture_prompt=red, "like" a $ROSE\n'
    numbers = {"Jobs": 3, "MaxCredits": 60}
    done = run(Lines="1-2", Blender=echo, Settings=settings, RetryFailed="yes", **numbers)
    assert done.returncode == 0, done.stdout + done.stderr
    words, list_read, folder = json.loads(said.read_text())
    start = ["--online-mode", "--command", "image_to_3d", "-", "--service", "meshy", "--format", "glb", "--output"]
    assert words == [
        *(*start, str(tmp_path / "models"), "--json", "--jobs", "3", "--max-credits", "60", "--retry-failed"),
        *("--set", "ai_model=meshy-6", "--set", 'texture_prompt=red, "like" a $ROSE'),
    ]
    assert (list_read, folder) == ("star 40.png\nstar_44.png\n", str(pictures))


def test_the_least_that_can_be_said_asks_for_nothing_else(run, tmp_path):
    echo = tmp_path / "echo"
    echo.write_text('#!/bin/sh\necho "words: $*"\n')
    echo.chmod(0o755)
    done = run(Lines="5", Blender=echo, Service="local")
    assert (
        f"words: --online-mode --command image_to_3d - --service local --format glb --output {tmp_path}" in done.stdout
    )
    assert "--jobs" not in done.stdout and "--max-credits" not in done.stdout and "--set" not in done.stdout


def test_lines_that_the_list_has_not_are_refused(run, meshy):
    done = run(Lines="6-9", ChunkSize=4)
    assert done.returncode != 0 and "no picture" in done.stdout
    assert meshy.creates == []


@pytest.mark.parametrize("meshy", [None], indirect=True)
def test_a_cancelled_task_stops_cleanly_and_goes_on_in_the_next_run(job, run, worker, meshy, delivered, tmp_path):
    with (tmp_path / "log.txt").open("w+") as log:
        process = subprocess.Popen(job(Lines="1"), stdout=log, stderr=log, env=worker)
        until = time.monotonic() + 60
        while not meshy.creates and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.seek(0)
        said = log.read()
    assert len(meshy.creates) == 1, said
    assert 'Sending signal "term"' in said and 'Sending signal "kill"' not in said
    meshy.finish(meshy.creates[0].id)
    assert run(Lines="1").returncode == 0
    assert len(meshy.creates) == 1
    assert delivered() == ["star 40"]


def test_the_manual_s_environment_brings_the_key_and_no_log_shows_it(job, worker, tmp_path):
    (environment,) = re.findall(r"```yaml\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "environment.yaml").write_text(environment)
    key = worker.pop("MESHY_API_KEY")
    (tmp_path / "meshy_key").write_text(key)
    look, seen = tmp_path / "look", tmp_path / "seen.txt"
    look.write_text(f'#!/bin/sh\nprintf %s "$MESHY_API_KEY" >"{seen}"\necho "it is $MESHY_API_KEY"\n')
    look.chmod(0o755)
    command = [*job(Lines="1", Blender=look), "--environment", str(tmp_path / "environment.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=worker)
    assert done.returncode == 0, done.stdout + done.stderr
    assert seen.read_text() == key
    assert "it is ****" in done.stdout and key not in done.stdout + done.stderr
