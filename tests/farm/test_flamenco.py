# SPDX-License-Identifier: GPL-3.0-or-later
"""Flamenco's job type is compiled in node, with the names that Flamenco Manager gives to a script, and the tasks that
come out are run with the real command line."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from once import once

from image_to_3d.api.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "farm" / "flamenco" / "image_to_3d.js"
TEMPLATE = ROOT / "farm" / "openjd" / "template.yaml"
MANAGER = Path(__file__).with_name("manager.js")
NODE = shutil.which("node")

pytestmark = [
    once,
    # On CI a machine without node is a fault of .ci/run, and says so by failing.
    pytest.mark.skipif(not NODE and not os.environ.get("CI"), reason="this machine has no node"),
]


def compiled(settings=None):
    """What Flamenco makes of a job with these settings: the job type and its tasks, or an error."""
    job = {"name": "shoes", "settings": settings} if settings is not None else {}
    question = json.dumps({"script": str(SCRIPT), "job": job})
    done = subprocess.run([NODE, str(MANAGER)], input=question, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def commands(**settings):
    """The words of each task's command line, Blender's path first, as a worker starts them."""
    tasks = compiled({"output_path": "/models/shoes", **settings})["tasks"]
    assert all(len(task["commands"]) == 1 and task["type"] == "blender" for task in tasks)
    assert len({task["name"] for task in tasks}) == len(tasks)
    made = [task["commands"][0] for task in tasks]
    assert {command["name"] for command in made} <= {"blender-render"}
    assert all(command["parameters"]["blendfile"] == "" for command in made)  # the worker leaves it out
    return [[c["parameters"]["exe"], *c["parameters"]["argsBefore"], *c["parameters"]["args"]] for c in made]


def pictures_of(command):
    """The pictures in a task's command line: what stands before its first option."""
    assert command[:4] == ["{blender}", "--online-mode", "--command", "image_to_3d"]
    return command[4 : command.index("--service")]


def test_the_job_type_is_one_that_flamenco_and_its_add_on_take():
    job_type = compiled()["jobType"]
    assert job_type["label"] == "Image to 3D"
    keys = [setting["key"] for setting in job_type["settings"]]
    assert len(set(keys)) == len(keys)
    known = {"key", "type", "subtype", "choices", "propargs", "description", "label", "default", "eval", "evalInfo"}
    for setting in job_type["settings"]:
        assert set(setting) <= known | {"visible", "required", "editable"}, setting["key"]
        kind = {"string": str, "int32": int, "float": float, "bool": bool}[setting["type"]]
        assert isinstance(setting.get("default", kind()), kind)
        assert setting.get("subtype", "dir_path") in ("file_path", "dir_path", "file_name", "hashed_file_path")
        assert setting.get("visible", "visible") in ("visible", "hidden", "submission", "web")
        assert set(setting.get("evalInfo", {"showLinkButton": 1, "description": 1})) == {
            "showLinkButton",
            "description",
        }
        assert setting["type"] == "string" or not {"choices", "subtype"} & set(setting)
        compile(setting.get("eval", "0"), setting["key"], "eval")
        assert re.fullmatch("[a-z_]+", setting["key"])


def test_both_farms_offer_every_service():
    settings = {setting["key"]: setting for setting in compiled()["jobType"]["settings"]}
    assert sorted(settings["service"]["choices"]) == sorted(SERVICES)
    offered = re.search(r"name: Service\n.*?allowedValues: \[(.*?)\]", TEMPLATE.read_text(), re.DOTALL)
    assert sorted(offered[1].split(", ")) == sorted(SERVICES)


def test_pictures_are_dealt_out_in_chunks_in_their_order():
    given = """/p/a.png "/p/b c.png" '/p/d.png' C:\\p\\e.png"""
    found = ["/p/a.png", "/p/b c.png", "/p/d.png", "C:/p/e.png"]
    assert [pictures_of(command) for command in commands(pictures=given)] == [[path] for path in found]
    assert [pictures_of(c) for c in commands(pictures=given, chunk_size=3)] == [found[:3], found[3:]]


def test_numbers_of_frames_stand_for_the_signs_in_a_path():
    made = commands(pictures="/p/turn_####.png", frames="1-3, 12", chunk_size=3)
    assert [pictures_of(command) for command in made] == [
        ["/p/turn_0001.png", "/p/turn_0002.png", "/p/turn_0003.png"],
        ["/p/turn_0012.png"],
    ]
    assert len(commands(pictures="/p/turn_######.png", frames="1-100000", chunk_size=100)) == 1000
    assert pictures_of(commands(pictures="/p/a#1.png", frames="1-9")[0]) == ["/p/a#1.png"]


def test_what_is_not_set_is_left_to_the_command_line_and_the_rest_is_handed_on():
    assert commands(pictures="/p/a.png") == [
        [
            *("{blender}", "--online-mode", "--command", "image_to_3d", "/p/a.png", "--service", "local"),
            *("--format", "blend,glb", "--output", "/models/shoes", "--json"),
        ]
    ]
    words = commands(
        pictures="/p/a.png",
        service="meshy",
        settings="ai_model=meshy-6 'texture_prompt=red, like a rose'",
        format="asset",
        jobs=3,
        max_credits=60,
        retry_failed=True,
    )[0]
    options = words[words.index("--json") + 1 :]
    assert options[:4] == ["--set", "ai_model=meshy-6", "--set", "texture_prompt=red, like a rose"]
    assert options[4:] == ["--jobs", "3", "--max-credits", "60", "--retry-failed"]
    assert words[words.index("--format") + 1] == "asset" and words[words.index("--service") + 1] == "meshy"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"pictures": " "}, "No picture is set."),
        ({}, "No picture is set."),
        ({"pictures": "/p/#####_##.png", "frames": "1-2"}, "they stand for one number."),
        ({"pictures": "/p/####.png", "frames": "x"}, "invalid range"),
        ({"pictures": "/p/a.png", "output_path": ""}, "No output folder is set."),
    ],
)
def test_a_wrong_setting_is_told_when_the_job_is_submitted(settings, sentence):
    assert sentence in compiled({"output_path": "/models", **settings})["error"]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Blender is a script")
@pytest.mark.parametrize("meshy", [None], indirect=True)
def test_a_task_that_flamenco_kills_goes_on_on_another_worker_and_pays_nothing_twice(
    blender, worker, meshy, pictures, delivered, tmp_path
):
    given = {"pictures": f'"{pictures / "star 40.png"}"', "output_path": str(tmp_path / "models")}
    (command,) = commands(**given, service="meshy", format="glb")

    def start():
        words = [blender if word == "{blender}" else word for word in command]
        return subprocess.Popen(words, env=worker, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    killed = start()
    until = time.monotonic() + 60
    while not meshy.creates and killed.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)  # as a worker ends a task that is cancelled
    assert killed.communicate(timeout=60) and len(meshy.creates) == 1
    others = [start(), start()]  # two workers, as after a timeout
    meshy.finish(meshy.creates[0].id)
    for process in others:
        said = process.communicate(timeout=100)[0]
        assert process.returncode == 0, said
    assert delivered() == ["star 40"]
    assert len(meshy.creates) == 1
    assert not any(meshy.meshy_key in word for word in command)
