# SPDX-License-Identifier: GPL-3.0-or-later
"""The Open Job Description is run by openjd-cli, with the real command line in its tasks: what arrives, what is paid,
and what a cancel, a broken picture and another chunk size do."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from once import once

TEMPLATE = Path(__file__).resolve().parents[2] / "farm" / "openjd" / "template.yaml"
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


def test_models_arrive_and_neither_a_second_run_nor_another_chunk_size_pays_again(run, meshy, delivered, tmp_path):
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert delivered() == ["star 40", "star_44", "star_48", "star_52"]
    assert len(meshy.creates) == 4
    for size in (2, 1, 3):
        assert run(ChunkSize=size).returncode == 0
    assert len(meshy.creates) == 4
    everything = [done.stdout, *(path.read_text(errors="replace") for path in (tmp_path / "models").rglob("*.json"))]
    assert not any(meshy.meshy_key in text for text in everything)


def test_settings_and_limits_reach_the_command_line(run, meshy):
    refused = run(Lines="1-2", MaxCredits=CREDITS)
    assert refused.returncode != 0 and "credits" in refused.stdout
    assert meshy.creates == []
    settings = "ai_model=meshy-6\n\ntexture_prompt=red, like a rose\n"
    assert run(Lines="1-2", MaxCredits=2 * CREDITS, Jobs=1, Settings=settings).returncode == 0
    sent = [create.parameters for create in meshy.creates]
    assert [(request["ai_model"], request["texture_prompt"]) for request in sent] == [
        ("meshy-6", "red, like a rose")
    ] * 2


def test_a_broken_picture_fails_its_task_and_is_left_until_it_is_asked_for(run, meshy, pictures, delivered):
    whole = (pictures / "star_44.png").read_bytes()
    (pictures / "star_44.png").write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        done = run(Lines="1-2")
        assert done.returncode != 0 and "star_44" in done.stdout
        assert delivered() == ["star 40"]
    (pictures / "star_44.png").write_bytes(whole)
    assert run(Lines="1-2", RetryFailed="yes").returncode == 0
    assert len(meshy.creates) == 2


def test_lines_that_the_list_has_not_are_refused(run, meshy):
    done = run(Lines="6-9", ChunkSize=4)
    assert done.returncode != 0 and "no picture" in done.stdout
    assert meshy.creates == []


@pytest.mark.parametrize("meshy", [None], indirect=True)
def test_a_cancelled_task_stops_cleanly_and_goes_on_in_the_next_run(job, run, worker, meshy, delivered, tmp_path):
    with (tmp_path / "log.txt").open("w+") as log:
        process = subprocess.Popen(job(Lines="1-2"), stdout=log, stderr=log, env=worker)
        until = time.monotonic() + 60
        while len(meshy.creates) < 2 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.seek(0)
        said = log.read()
    assert len(meshy.creates) == 2, said
    assert 'Sending signal "term"' in said and 'Sending signal "kill"' not in said
    for create in meshy.creates:
        meshy.finish(create.id)
    assert run(Lines="1-2").returncode == 0
    assert len(meshy.creates) == 2
    assert delivered() == ["star 40", "star_44"]
