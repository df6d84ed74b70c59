# SPDX-License-Identifier: GPL-3.0-or-later
"""The good answers that `manners.py` spoils are good ones: else a spoiled one would prove nothing. And each manner says
what it does."""

import itertools
import random

import fuzz_worker
import hostile_comfyui
import manners
import pytest
from hostile import FOREVER_S, SIGNATURE, World

from image_to_3d import api
from image_to_3d.api import Status
from image_to_3d.programs.program import blender_command

KEY = "some-key-0123456789"
PARAMETERS = {"image_url": "https://pictures.example/fox.png"}
ROUTES = {
    "meshy": ("create", "get", "list", "stream", "delete", "balance", "file"),
    "csm": ("create", "get", "list", "file"),
}


@pytest.fixture(params=["meshy", "csm"])
def world(request, hostile, cube):
    world = World(
        request.param,
        key=KEY,
        url=hostile.url,
        stranger="http://127.0.0.1:9",
        glb=cube.read_bytes(),
        task_id="task-0123",
    )
    hostile.play(lambda request: world.answer(world.route(request)))
    return world


@pytest.fixture
def service(world):
    return api.connect(world.service, key=KEY, url=world.service_url, network=api.Network(online=False))


def test_a_comfyui_makes_a_model(connect, hostile, stand_in, star, cube, tmp_path):
    task_id = "5bae5b38-b3e8-4779-a5e6-0f6441853d35"
    world = World("comfyui", key=KEY, url=hostile.url, stranger="", glb=cube.read_bytes(), task_id=task_id)
    states = itertools.chain(["pending", "running"], itertools.repeat("succeeded"))
    state = {}

    def respond(request):
        route = world.route(request)
        if route == "queue":
            state["now"] = next(states)
        said = world.answer(route, state.get("now", ""))
        return hostile_comfyui.accepted(said, request) if route == "socket" else said

    hostile.play(respond)
    service = connect(hostile, "comfyui", key=KEY, blender=blender_command(stand_in))
    assert service.check_ready({"workflow": "mesh"}) == "ComfyUI 0.33.0 on NVIDIA RTX 4090, 24 GB"
    task = service.create({"image_url": str(star), "workflow": "mesh"})
    assert service.cancel(task.id) is True
    seen = []
    task = api.wait(service, task.id, on_progress=seen.append, sleep=lambda seconds: None)
    assert Status.RUNNING in [one.status for one in seen] and max(one.progress for one in seen[:-1]) > 0
    api.save(service, task, tmp_path / "model.glb")
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes()
    hostile.play(lambda request: world.answer(world.route(request), "failed"))
    assert "The picture shows nothing." in str(service.get(task_id).error)


def test_a_task_is_made_and_found_again(service, hostile):
    task = service.create(PARAMETERS)
    assert (task.id, task.status) == ("task-0123", Status.PENDING)
    assert service.find(PARAMETERS, 1.0) == ["task-0123"]
    assert sum(request.method == "POST" for request in hostile.requests) == 1
    assert all(KEY in request.head for request in hostile.requests)


@pytest.mark.parametrize(
    "state, status",
    [
        ("pending", Status.PENDING),
        ("running", Status.RUNNING),
        ("succeeded", Status.SUCCEEDED),
        ("failed", Status.FAILED),
    ],
)
def test_a_task_is_in_each_state(service, hostile, world, state, status):
    hostile.play(lambda request: world.answer("get", state))
    task = service.get("task-0123")
    assert task.status is status
    assert bool(task.result) == (state == "succeeded")
    assert bool(task.error) == (state == "failed")


def test_what_the_stream_tells_is_heard(service, hostile, world):
    hostile.play(
        lambda request: world.answer(world.route(request), "running" if "stream" not in request.target else "succeeded")
    )
    heard = list(service.listen("task-0123", lambda seconds: None))
    assert [round(task.progress, 2) for task in heard][:4] == (
        [0.4, 0.1, 0.5, 0.9] if world.service == "meshy" else [0.4]
    )
    assert heard[-1].status is (Status.SUCCEEDED if world.service == "meshy" else Status.RUNNING)


def test_the_model_is_fetched_without_the_key(service, hostile, world, tmp_path):
    api.save(service, service.get("task-0123"), tmp_path / "model.glb")
    assert (tmp_path / "model.glb").read_bytes() == world.glb
    assert [KEY in request.head for request in hostile.requests] == [True, False]


def test_the_key_is_good_and_the_task_can_be_given_up(service, world):
    assert service.check_key() == (1234 if world.service == "meshy" else None)
    assert service.cancel("task-0123") is (world.service == "meshy")


def test_a_refusal_says_why(service, hostile, world):
    hostile.play(lambda request: world.refusal("400 Bad Request", "the picture is too dark"))
    with pytest.raises(api.errors.RefusedError, match="the picture is too dark"):
        service.create(PARAMETERS)


@pytest.mark.parametrize("one", manners.MANNERS, ids=lambda one: one.name)
def test_a_manner_says_what_it_does_and_does_the_same_again(one, world):
    for route in one.routes or ROUTES[world.service]:
        said = [spoiled(one, world, route) for _ in range(2)]
        assert said[0] == said[1]
        assert said[0] is None or said[0].strip()


def spoiled(one, world, route):
    return one.spoil(random.Random(one.name), world.answer(route), world)


def test_several_connections_are_answered_while_one_hangs(hostile, world):
    import socket

    silent = world.answer("get")
    silent.silence = ("status", FOREVER_S)
    hostile.play(lambda request: silent if "silent" in request.target else world.answer("get"))
    with socket.create_connection(("127.0.0.1", hostile.port)) as hanging:
        hanging.sendall(b"GET /silent HTTP/1.1\r\n\r\n")
        with socket.create_connection(("127.0.0.1", hostile.port)) as other:
            other.settimeout(10)
            other.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert other.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "text, fault",
    [
        ("It is busy: try again.", ""),
        ("It is busy: try again. (status 429)", ""),
        ("It is busy: try again", "no end"),
        ("It is\nbusy.", "control"),
        ("It is \u202ebusy.", "invisible"),
        ("It is \ud83d.", "half"),
        ("It is\u2028busy.", "line end"),
        ("It is " + "very " * 200 + "busy.", "longer"),
        (f"It has {KEY}.", "holds the key"),
        (f"It has {KEY[:15]}.", "a part of the key"),
        (f"It is at https://files.example/a.glb?{SIGNATURE}.", "signature"),
    ],
)
def test_an_unclean_sentence_is_told_from_a_clean_one(text, fault):
    found = list(fuzz_worker.sentence_faults(text, False, KEY))
    assert (fault in found[0] and len(found) == 1) if fault else not found


def test_only_our_errors_and_the_disks_may_come_out():
    ours, full = api.ImageTo3DError("It is so."), OSError(28, "No space left on device")
    assert not list(fuzz_worker.error_faults(ours, False, KEY)) and not list(fuzz_worker.error_faults(full, False, KEY))
    for error in (ValueError("x"), ConnectionResetError(104, "x"), TimeoutError("x"), KeyError("x"), MemoryError()):
        assert list(fuzz_worker.error_faults(error, False, KEY)) == [f"{type(error).__name__} came out"]
