# SPDX-License-Identifier: GPL-3.0-or-later
"""A job at a ComfyUI of the user's, in a process of its own: nothing is made twice, nothing runs on for nobody, and
what befell the server is said."""

import contextlib
import json
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest
from once import once
from service.cube import cube_glb
from service.stand_in import StandIn

from image_to_3d import api
from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history, worker
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process
from image_to_3d.programs.program import blender_command

pytestmark = once

HURRY = Path(__file__).parents[1] / "programs" / "hurry.py"
FACTOR = 40  # of the fast clock: what waits half a minute takes under a second
DEADLINE_S = 60  # against a hang; nothing is measured with it


class AtComfyUI:
    """A job in a user folder of its own, at a stand-in of its own."""

    def __init__(self, root, picture, model, blender, seconds, **parameters):
        self.server = StandIn(model=model, seconds=seconds)
        self.comfyui = self.server.comfyui
        self.picture = picture
        self.command = blender_command(blender)
        self._blender = blender
        self._started = []
        asked = check(SERVICES["comfyui"].parameters, {"image_url": str(picture), "workflow": "mesh", **parameters})
        self.folder = folders.create(root, service="comfyui", parameters=asked, name="Red Star")

    def start(self, login=""):
        connection = {
            "key": "" if login else self.server.comfyui_key,
            "url": self.server.comfyui_url.replace("://", f"://{login}"),
            "network": {"create_s": 1.0, "busy_s": 1.0, "quiet_s": 0.5, "online": False},
        }
        config = {"blender": self._blender, "connection": connection}
        started = worker.start(self.folder, python=[sys.executable, "-I", str(HURRY), str(FACTOR)], config=config)
        self._started.append(started)
        return started

    def run(self):
        """Run the job's process to its end, and return the record."""
        started = self.start()
        self.wait_for(started)
        return self.job

    def wait_for(self, started):
        started.wait(DEADLINE_S)
        with contextlib.suppress(OSError):
            process.stop(started)

    def wait_until(self, condition):
        until = time.monotonic() + DEADLINE_S
        while not (result := condition()):
            assert time.monotonic() < until, f"it did not happen\n{self.log}"
            time.sleep(0.01)
        return result

    def started_running(self):
        """Start the process, and wait until ComfyUI works on the job."""
        started = self.start()
        self.wait_until(lambda: self.server.creates and self.job.task_id == self.server.creates[-1].id)
        self.wait_until(lambda: self.job.state is State.RUNNING and self.job.message.startswith("ComfyUI "))
        return started

    @property
    def job(self):
        return folders.read(self.folder)

    @property
    def log(self):
        return (self.folder / folders.LOG).read_text(errors="replace")[-3000:]

    def orders(self):
        """What was asked of the queue, or to be interrupted."""
        return [request.path for request in self.server.requests if request.step == "cancel"]

    def close(self):
        for started in self._started:
            if process.is_alive(started):
                started.kill()
            started.wait()
            with contextlib.suppress(OSError):
                process.stop(started)
        self.server.close()


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb())
    return path


@pytest.fixture
def at_comfyui(tmp_path, star, cube, stand_in):
    """Makes a job; with `seconds=None` its task runs until the test says so."""
    made = []

    def at_comfyui(seconds=0.0, **parameters):
        made.append(AtComfyUI(tmp_path / str(len(made)), star, cube, stand_in, seconds, **parameters))
        return made[-1]

    yield at_comfyui
    for job in made:
        job.close()


def require_ready(at, creates=1):
    assert at.job.state is State.READY, f"{at.job.message}\n{at.log}"
    assert len(at.server.creates) == creates, at.log
    assert at.job.task_id == at.server.creates[-1].id


def test_a_picture_becomes_a_model_and_the_seed_stands_on_the_record(at_comfyui):
    at = at_comfyui()
    at.run()
    require_ready(at)
    graph = at.server.creates[0].parameters["prompt"]
    (seed,) = [node["inputs"]["seed"] for node in graph.values() if "seed" in node["inputs"]]
    assert at.job.parameters["seed"] == seed >= 0 and f"Seed {seed}." in at.job.note


def test_the_id_is_on_the_disk_before_the_prompt_leaves(at_comfyui):
    at = at_comfyui()
    at.server.play("create", "hang", service="comfyui")
    at.start()
    at.wait_until(lambda: any(request.path == "/prompt" for request in at.server.requests))
    assert uuid.UUID(at.job.task_id) and at.job.state is State.SUBMITTING


@pytest.mark.parametrize("action", ["drop_after", "hang_after", "garbage", "no_id"])
def test_a_prompt_whose_answer_was_lost_is_found_and_not_sent_again(at_comfyui, action):
    at = at_comfyui()
    at.server.play("create", action, service="comfyui")
    at.run()
    require_ready(at)


@pytest.mark.parametrize("step", ["create", "upload", "info"])
@pytest.mark.parametrize("action", ["drop", "status"])
def test_what_never_arrived_is_sent_again(at_comfyui, step, action):
    at = at_comfyui()
    at.server.play(step, action, service="comfyui")
    at.run()
    require_ready(at)


def test_what_was_killed_before_its_prompt_arrived_is_sent_and_nothing_else_is_said(at_comfyui):
    at = at_comfyui()
    at.server.play("create", "hang", service="comfyui")
    started = at.start()
    at.wait_until(lambda: any(request.path == "/prompt" for request in at.server.requests))
    started.kill()
    started.wait()
    assert at.job.task_id and not at.server.creates
    at.run()
    require_ready(at)
    assert "restarted" not in at.job.note


def test_what_was_killed_when_its_prompt_had_arrived_goes_on_with_it(at_comfyui):
    at = at_comfyui()
    at.server.play("create", "hang_after", service="comfyui")
    started = at.start()
    at.wait_until(lambda: at.server.creates)
    started.kill()
    started.wait()
    at.run()
    require_ready(at)


@pytest.mark.parametrize("action", ["drop", "drop_after"])
def test_where_nobody_could_tell_whether_a_prompt_arrived_a_retry_asks(at_comfyui, action):
    at = at_comfyui()
    at.server.play("create", action, service="comfyui")
    at.server.play("get", "drop", times=100, service="comfyui")
    at.run()
    assert at.job.state is State.FAILED and at.job.task_id, at.job.message
    at.server.play_nothing()
    history.retry(at.folder)
    at.run()
    require_ready(at)
    assert "restarted" not in at.job.note


def test_a_job_goes_on_with_the_same_prompt_after_blender_went_away(at_comfyui):
    at = at_comfyui(seconds=None)
    started = at.started_running()
    process.stop(started)
    started.wait(DEADLINE_S)
    assert at.job.state in folders.UNFINISHED and not at.orders()
    at.server.play("get", "drop", times=2, service="comfyui")  # ComfyUI is not up yet either
    started = at.start()
    at.comfyui.finish(at.job.task_id)
    at.wait_for(started)
    require_ready(at)


def test_a_server_that_was_restarted_is_sent_the_job_again_and_that_is_said(at_comfyui):
    at = at_comfyui(seconds=None)
    started = at.started_running()
    at.comfyui.restart()
    at.wait_until(lambda: len(at.server.creates) == 2 and at.job.task_id == at.server.creates[1].id)
    at.comfyui.finish(at.job.task_id)
    at.wait_for(started)
    require_ready(at, creates=2)
    assert at.job.note.startswith(
        "ComfyUI was restarted and forgot this job, or somebody deleted it there. It was sent"
    )
    assert at.server.creates[0].id != at.server.creates[1].id


def test_a_server_that_forgets_again_and_again_is_given_up(at_comfyui):
    at = at_comfyui()
    at.server.play("download", "gone", times=100, service="comfyui")
    at.run()
    assert at.job.state is State.FAILED and len(at.server.creates) == 4


def test_a_model_that_was_deleted_there_is_made_again(at_comfyui):
    at = at_comfyui()
    at.server.play("download", "gone", times=2, service="comfyui")
    at.run()
    require_ready(at, creates=2)
    assert "The address of the model is no longer valid (status 410). It was sent again." in at.job.note


def test_a_cancel_interrupts_our_own_prompt(at_comfyui):
    at = at_comfyui(seconds=None)
    started = at.started_running()
    others = put_another(at)
    history.cancel(at.folder)
    at.wait_for(started)
    job = at.job
    assert (job.state, job.message, job.untold) == (State.CANCELLED, "Cancelled", False), at.log
    assert at.comfyui.interrupted == [job.task_id]
    at.wait_until(lambda: look(at) == [others])


def test_a_cancel_while_a_picture_is_sent_leaves_nothing_to_be_told(at_comfyui):
    at = at_comfyui(seconds=None)
    at.server.play("upload", "hang", service="comfyui")
    started = at.start()
    at.wait_until(lambda: "/upload/image" in [request.path for request in at.server.requests])
    history.cancel(at.folder)
    at.wait_for(started)
    job = at.job
    assert (job.state, job.message, job.untold, job.task_id) == (State.CANCELLED, "Cancelled", False, ""), at.log
    assert not at.server.creates and not at.orders()


def test_a_cancel_leaves_the_prompt_of_another_alone(at_comfyui):
    at = at_comfyui(seconds=None)
    others = put_another(at)
    started = at.start()
    at.wait_until(lambda: at.job.message == "Waiting at ComfyUI, 1 job before this one")
    history.cancel(at.folder)
    at.wait_for(started)
    assert at.job.message == "Cancelled" and not at.comfyui.interrupted
    assert look(at) == [others] and "/interrupt" not in at.orders()


def put_another(at):
    """Somebody else's prompt; return its id."""
    options = {"url": at.server.comfyui_url, "network": api.Network(online=False), "blender": at.command}
    return api.connect("comfyui", **options).create({"image_url": str(at.picture), "workflow": "mesh"}).id


def look(at):
    """The ids of all prompts that run or wait."""
    with urllib.request.urlopen(f"{at.server.comfyui_url}/queue") as answer:
        queue = json.load(answer)
    return [entry[1] for name in ("queue_running", "queue_pending") for entry in queue[name]]


def test_a_cancel_that_the_server_did_not_hear_is_told_later_and_money_is_not_spoken_of(at_comfyui):
    at = at_comfyui(seconds=None)
    started = at.started_running()
    at.server.play("cancel", "drop", times=100, service="comfyui")
    history.cancel(at.folder)
    at.wait_for(started)
    assert at.job.untold and at.job.message.startswith("Cancelled here. ComfyUI has not been told yet")
    assert "charge" not in at.job.message and "paid" not in at.job.message
    at.server.play_nothing()
    at.run()
    assert (at.job.message, at.job.untold) == ("Cancelled", False)
    assert at.comfyui.interrupted == [at.job.task_id]


def test_a_cancelled_job_that_is_tried_again_gets_a_prompt_of_its_own(at_comfyui):
    at = at_comfyui(seconds=None)
    started = at.started_running()
    history.cancel(at.folder)
    at.wait_for(started)
    history.retry(at.folder)
    started = at.started_running()
    at.comfyui.finish(at.job.task_id)
    at.wait_for(started)
    require_ready(at, creates=2)


def test_what_the_server_lacks_ends_the_job_before_anything_is_sent(at_comfyui):
    at = at_comfyui()
    at.comfyui.models = {}
    at.run()
    assert at.job.state is State.FAILED
    assert at.job.message == "ComfyUI lacks hunyuan_3d_v2.1.safetensors: put it into models/checkpoints."
    assert not at.server.creates


def test_the_token_is_nowhere_on_the_disk(at_comfyui):
    at = at_comfyui()
    at.server.quirk("comfyui", login="Bearer")
    at.run()
    require_ready(at)
    key = at.server.comfyui_key.encode()
    assert not [file for file in filter(Path.is_file, at.folder.rglob("*")) if key in file.read_bytes()]


@pytest.mark.parametrize("fault", ["", "drop", "garbage", "status"])
def test_a_password_in_the_address_is_nowhere_on_the_disk(at_comfyui, fault):
    at = at_comfyui()
    if fault:
        at.server.play("get", fault, times=100, service="comfyui")
    at.wait_for(at.start(login="pedro:s3cret!word@"))
    assert at.job.state is (State.FAILED if fault else State.READY), at.log
    assert at.server.requests[-1].headers["Authorization"].startswith("Basic ")
    for file in filter(Path.is_file, at.folder.rglob("*")):
        content = file.read_bytes()
        assert b"s3cret" not in content and b"cGVkcm86" not in content, file.name
