# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a job at a server that holds it up: it heeds the user and Blender's end all the same, and gives the
lock back."""

import contextlib
import itertools
import sys
import time
from pathlib import Path

import pytest
from hostile import Hostile
from once import once
from scripted import http
from service.cube import cube_glb

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import account, history, worker
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process

pytestmark = [pytest.mark.timeout(60), once]

HURRY = str(Path(__file__).parents[1] / "programs" / "hurry.py")
HEEDS_S = 5  # what is promised
DRIP_S = 0.1
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
MODEL = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nglTF"


def drips(head, piece=b" "):
    return lambda: itertools.chain([head], itertools.cycle([piece, DRIP_S]))


HOLD_UPS = {
    "headers in drips": ("get", drips(b"HTTP/1.1 200 OK\r\nX: ")),
    "continue without end": ("get", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    "a body in drips": ("get", drips(JSON + b"Content-Length: 1000\r\n\r\n")),
    "silence": ("get", drips(b"", b"")),
    "a stream that keeps alive": ("stream", drips(STREAM, b":\n")),
    "a model in drips": ("file", drips(MODEL)),
}


class Job:
    """A job at a Meshy whose answers `says` has, by what is asked for; the rest is as it should be."""

    def __init__(self, root, picture, says):
        self.says = says
        self.server = Hostile()
        self.server.play(self._answer)
        self.seen = []
        parameters = check(SERVICES["meshy"].parameters, {"image_url": str(picture)})
        self.folder = folders.create(root, service="meshy", parameters=parameters, name="Red Star")
        self.process = None

    def _answer(self, request):
        step = "create" if request.method == "POST" else "delete" if request.method == "DELETE" else "get"
        step = "stream" if request.target.endswith("/stream") else "file" if "/files/" in request.target else step
        self.seen.append(step)
        if step in self.says:
            return self.says[step]()
        state = "SUCCEEDED" if "file" in self.says else "IN_PROGRESS"
        task = {"id": "T", "status": state, "model_urls": {"glb": f"{self.server.url}/files/x.glb"}}
        if step == "file":
            return [http(cube_glb())]
        return [http({"result": "T"} if step == "create" else task)]

    def start(self, blender, *wrappers, **network):
        self.process = worker.start(
            self.folder,
            python=[sys.executable, "-I", *wrappers],
            config={
                "blender": blender,
                "connection": {
                    "key": "some-key-0123456789",
                    "url": self.server.url,
                    "network": {"online": False, **network},
                },
            },
        )

    def wait_for(self, condition):
        until = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < until and process.is_alive(self.process), "it did not happen"
            time.sleep(0.01)

    def close(self):
        self.server.close()
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            process.stop(self.process)


@pytest.fixture
def held_up(tmp_path, star):
    made = []

    def make(says):
        made.append(Job(tmp_path / "jobs", star, says))
        return made[-1]

    yield make
    for job in made:
        job.close()


@pytest.fixture(params=HOLD_UPS)
def job(request, held_up, stand_in):
    """One whose process waits for a server that will never end its answer."""
    step, says = HOLD_UPS[request.param]
    job = held_up({step: says})
    job.start(stand_in)
    job.wait_for(lambda: step in job.seen)
    time.sleep(0.3)
    return job


def test_when_blender_goes_its_process_goes_and_the_next_one_has_the_job(job):
    process.stop(job.process)
    job.process.wait(HEEDS_S)
    assert not folders.is_locked(job.folder)
    record = folders.read(job.folder)
    assert record.task_id == "T" and record.state in folders.UNFINISHED


def test_cancel_is_heeded_at_once(job):
    history.cancel(job.folder)
    until = time.monotonic() + HEEDS_S
    while folders.read(job.folder).state in folders.UNFINISHED:
        assert time.monotonic() < until, "it was not heeded"
        time.sleep(0.02)


def test_only_the_answer_to_a_create_is_awaited_and_then_the_lock_is_free(held_up, stand_in):
    job = held_up({"create": drips(b"HTTP/1.1 202 Accepted\r\nX: ")})
    job.start(stand_in, create_s=2.0)
    job.wait_for(lambda: "create" in job.seen)
    process.stop(job.process)
    job.process.wait(2 + HEEDS_S)
    assert not folders.is_locked(job.folder)
    record = folders.read(job.folder)
    assert record.state is State.SUBMITTING and record.is_unresolved
    assert job.seen == ["create"]


def test_a_key_is_checked_no_longer_than_blender_is_there():
    server = Hostile()
    server.play(lambda request: drips(b"HTTP/1.1 200 OK\r\nX: ")())
    connection = {"key": "some-key-0123456789", "url": server.url, "network": {"online": False}}
    checking = account.start(python=[sys.executable, "-I"], config={"service": "meshy", "connection": connection})
    until = time.monotonic() + 30
    while not server.requests:
        assert time.monotonic() < until, "nothing was asked"
        time.sleep(0.01)
    checking.stdin.close()
    checking.wait(HEEDS_S)
    checking.stdout.close()
    server.close()


def test_how_long_a_service_wants_to_be_left_alone_is_told(held_up, stand_in):
    refusal = http({"message": "RateLimitExceeded"}, "429 Too Many Requests", Retry_After="9" * 30)
    job = held_up({"create": lambda: [refusal]})
    job.start(stand_in)
    job.wait_for(lambda: "asks again at" in folders.read(job.folder).message)
    record = folders.read(job.folder)
    assert record.state is State.WAITING and "Meshy is busy" in record.message and not record.sent
    history.cancel(job.folder)
    job.process.wait(HEEDS_S)
    assert folders.read(job.folder).state is State.CANCELLED


def test_how_often_it_is_left_alone_is_told_once(held_up, stand_in):
    refusal = http({"message": "Service Unavailable"}, "503 Service Unavailable", Retry_After="90")
    job = held_up({"get": lambda: [refusal]})
    job.start(stand_in, HURRY, "100")
    job.wait_for(lambda: job.seen.count("get") == 3)
    job.wait_for(lambda: "asks again at" in folders.read(job.folder).message)
    assert folders.read(job.folder).message.count("asks again") == 1
