# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a ComfyUI, or somebody who sits where one should, answers with: what is said of it is a sentence, no file but
one of its own is asked for, and the token goes nowhere else."""

import itertools
import json
import math

import pytest
from hostile import Answer, Hostile, Request, World
from odd import HOSTILE, ODD
from once import once

from image_to_3d import api
from image_to_3d.api import client, errors
from image_to_3d.api.services import SERVICES
from image_to_3d.api.services.comfyui.graphs import RECIPES
from image_to_3d.api.services.comfyui.progress import Progress
from image_to_3d.programs.program import blender_command

pytestmark = once

KEY = "gw_Qx7Secret0000"
ID = "5bae5b38-b3e8-4779-a5e6-0f6441853d35"
S = api.Status


@pytest.fixture
def world(hostile, cube):
    return World("comfyui", key=KEY, url=hostile.url, stranger="", glb=cube.read_bytes(), task_id=ID)


@pytest.fixture
def ours(connect, hostile, stand_in):
    return connect(hostile, "comfyui", key=KEY, blender=blender_command(stand_in), network={"busy_s": 2.0})


@pytest.fixture
def say(hostile, world):
    """Have one route answer with this, and the others as they should."""

    def say(route, body, status="200 OK", **headers):
        def respond(request):
            found = world.route(request)
            if found == route:
                return Answer(status, list(headers.items()), [body])
            return world.answer(found)

        hostile.play(respond)

    return say


def entry(outputs=None, *messages):
    """What the history says of a prompt."""
    graph = {"n": {"class_type": "Boom", "inputs": {}}}
    return {ID: {"prompt": [5, ID, graph, {}, []], "outputs": outputs, "status": {"messages": list(messages)}}}


def is_fit(text, is_sentence):
    """Whether a text can be shown by Blender, in a terminal and in a log."""
    text.encode()
    return text.isprintable() and len(text) < 700 and KEY not in text and is_sentence(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_the_words_of_a_failed_node_are_fit_to_be_shown(say, ours, is_sentence, case):
    said = HOSTILE[case]
    about = dict.fromkeys(("node_id", "node_type", "exception_type"), said[:10_000]) | {"exception_message": said}
    say("history", entry({}, ["execution_error", about]))
    error = ours.get(ID).error
    assert "object" in str(error) and is_fit(str(error), is_sentence)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_the_words_of_a_refused_prompt_are_fit_to_be_shown(say, ours, star, is_sentence, case):
    said = HOSTILE[case]
    file = {"type": "value_not_in_list", "extra_info": {"input_name": said, "received_value": f"{said}.safetensors"}}
    odd = {"type": said, "message": said, "details": said}
    bodies = [
        {"error": said},
        {"error": odd},
        {"error": {**odd, "type": "missing_node_type", "extra_info": {"class_type": said}}},
        {"node_errors": {said: {"class_type": said, "errors": [odd]}}},
        {"node_errors": {str(node): {"class_type": said, "errors": [file]} for node in range(3)}},
    ]
    for body in bodies:
        say("create", body, "400 Bad Request")
        with pytest.raises(errors.ServiceError) as refusal:
            ours.create({"image_url": str(star), "workflow": "mesh"})
        assert is_fit(str(refusal.value), is_sentence)


@pytest.mark.timeout(20)
def test_the_token_is_in_no_sentence_wherever_a_server_repeats_it(say, ours, star, is_sentence):
    model = f"a {KEY}.safetensors"
    file = {"type": "value_not_in_list", "extra_info": {"input_name": "x", "received_value": model}}
    for error in (
        {"error": {"type": "missing_node_type", "extra_info": {"class_type": KEY}}},
        {"error": {"type": "missing_node_type", "details": f"#{KEY}"}},
        {"node_errors": {KEY: {"class_type": KEY, "errors": [{"type": KEY, "message": KEY}]}}},
        {"node_errors": {KEY: {"class_type": KEY, "errors": [file]}}},
        {
            "node_errors": {
                KEY: {"class_type": KEY, "errors": [file, {**file, "extra_info": {"received_value": "b.pt"}}]}
            }
        },
    ):
        say("create", error, "400 Bad Request")
        with pytest.raises(errors.ServiceError) as refusal:
            ours.create({"image_url": str(star), "workflow": "mesh"})
        assert is_fit(str(refusal.value), is_sentence)
    about = dict.fromkeys(("node_id", "node_type", "exception_message"), KEY)
    for kind in ("RuntimeError", "torch.OutOfMemoryError", "SafetensorError", KEY):
        failed = entry({}, ["execution_error", {**about, "exception_type": kind}])
        failed[ID]["prompt"][2] = {KEY: {"class_type": KEY, "inputs": {"x": model}, "_meta": {"title": f"My {KEY}"}}}
        say("history", failed)
        assert is_fit(str(ours.get(ID).error), is_sentence)
    say("history", entry({"n": {"3d": [{"filename": f"{KEY}.obj", "subfolder": "", "type": "output"}]}}))
    assert is_fit(str(ours.get(ID).error), is_sentence)
    card = {"name": f"cuda:0 {KEY} : native", "type": "cuda"}
    say("balance", {"system": {"comfyui_version": KEY}, "devices": [card]})
    assert KEY not in ours.check_ready({"workflow": "mesh"})
    progress = Progress(ID, {"n": {"class_type": KEY}}, [KEY])
    progress.hear({"type": "executing", "data": {"node": "n", "prompt_id": ID}})
    assert "runs" in progress.tell().message and KEY not in progress.tell().message


def test_a_thousand_missing_files_are_one_short_sentence(say, ours, star, is_sentence):
    def missing(node):
        name = f"{node}{'long' * 30}.safetensors"
        about = {"type": "value_not_in_list", "extra_info": {"input_name": "x", "received_value": name}}
        return {"class_type": "X", "errors": [about]}

    say("create", {"node_errors": {str(node): missing(node) for node in range(1000)}}, "400 Bad Request")
    with pytest.raises(errors.LackError, match="ComfyUI lacks 1000 files") as lack:
        ours.create({"image_url": str(star), "workflow": "mesh"})
    assert is_fit(str(lack.value), is_sentence)


@pytest.mark.parametrize("key", ["3d", "result", "text"])
@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd.glb", "..\\..\\secret.glb", "a/../../b.glb", "./a.glb", "a//b.glb", ".glb"),
        *("a\0.glb", "a\x1b[31m.glb", "a\u202e.glb", "a\ud83d.glb", "x" * 2000 + ".glb", "a.glb?b", "a.html"),
    ],
    ids=ascii,
)
def test_no_file_outside_of_its_folders_is_asked_for(say, ours, hostile, is_sentence, key, name):
    item = {"filename": name, "subfolder": "", "type": "output"} if key == "3d" else name
    say("history", entry({"n": {key: [item]}}))
    task = ours.get(ID)
    assert task.status is S.FAILED and is_fit(str(task.error), is_sentence)
    assert not any("/view" in request.target for request in hostile.requests)


@pytest.mark.parametrize(
    "name", ["https://example.org/a.glb", "//example.org/a.glb", "C:\\Windows\\a.glb", "/etc/a.glb"]
)
def test_a_file_elsewhere_is_looked_for_in_its_folders(say, ours, hostile, name):
    say("history", entry({"n": {"text": [name]}}))
    task = ours.get(ID)
    assert task.status in (S.FAILED, S.SUCCEEDED)
    if task.result:
        assert task.result.glb.startswith(f"{hostile.url}/view?filename=a.glb&subfolder=&type=output")


def test_of_endless_outputs_one_is_taken(say, ours):
    files = [{"filename": f"{number}.glb", "subfolder": "", "type": "output"} for number in range(50_000)]
    say("history", entry({"n": {"3d": files}}))
    assert "filename=0.glb" in ours.get(ID).result.glb


def test_a_page_instead_of_a_model_is_said(hostile, world, ours, tmp_path, is_sentence):
    page = Answer(headers=[("Content-Type", "model/gltf-binary")], body=b"<!DOCTYPE html><html>Login</html>")
    hostile.play(lambda request: page if world.route(request) == "file" else world.answer(world.route(request)))
    with pytest.raises(errors.ImageTo3DError) as caught:
        api.save(ours, ours.get(ID), tmp_path / "model.glb")
    assert is_sentence(str(caught.value)) and not (tmp_path / "model.glb").exists()


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_request_follows_a_redirect(hostile, ours, other_server, star, tmp_path, status):
    hostile.play(lambda request: Answer(status, [("Location", f"{other_server.url}{request.target}")]))
    asks = (
        lambda: ours.create({"image_url": str(star), "workflow": "mesh"}),
        lambda: ours.check_ready({"workflow": "mesh"}),
        lambda: ours.cancel(ID),
        lambda: list(ours.listen(ID, lambda seconds: None)),
        lambda: ours.fetch(f"{hostile.url}/view?filename=a.glb", tmp_path / "a.glb"),
    )
    for ask in asks:
        with pytest.raises(errors.ImageTo3DError):
            ask()
    assert hostile.requests and not other_server.requests


@pytest.fixture
def other_server():
    server = Hostile()
    yield server
    server.close()


@pytest.mark.parametrize("name", ["image_url", "back_image_url", "left_image_url", "right_image_url"])
def test_no_picture_is_fetched_without_online_access(hostile, say, ours, world, star, name):
    info = dict.fromkeys(RECIPES["views"][1].classes, {"output": ["MESH"]})
    files = [["hunyuan_3d_v2.1.safetensors", "hunyuan3d-dit-v2-mv_fp16.safetensors"]]
    info["ImageOnlyCheckpointLoader"] = {"input": {"required": {"ckpt_name": files}}}
    say("info", info)
    with pytest.raises(errors.OfflineError):
        ours.create({"image_url": str(star), "workflow": "views", name: "https://127.0.0.2/fox.png"})
    routes = [world.route(request) for request in hostile.requests]
    assert "info" in routes and "create" not in routes


def test_a_prompt_whose_id_is_none_may_have_been_taken(say, ours, star):
    for given in (None, 7, "", "..", "a b", f"T-{KEY}", "x" * 201, ["T"], "T\ud83d"):
        say("create", {"prompt_id": given, "number": 1, "node_errors": {}})
        with pytest.raises(errors.AnswerLostError, match="did not say under which id"):
            ours.create({"image_url": str(star), "workflow": "mesh"})


@pytest.mark.parametrize("body", [None, [], "<html>", {}, {"queue_running": {}}])
def test_a_prompt_counts_as_cancelled_only_where_the_queue_is_told(say, ours, body):
    say("queue", body)
    with pytest.raises(errors.UnavailableError, match="not understood"):
        ours.cancel(ID)


@pytest.mark.parametrize("name", [None, 7, "", ["a"], "a\nb.png", "a\ud83d", "x" * 501])
def test_a_picture_that_is_called_nothing_sensible_is_not_sent_on(say, ours, hostile, star, world, name):
    say("upload", {"name": name, "subfolder": "image_to_3d", "type": "input"})
    with pytest.raises(errors.UnavailableError):
        ours.create({"image_url": str(star), "workflow": "mesh"})
    assert not any(world.route(request) == "create" for request in hostile.requests)


FIELDS = (
    *("prompt_id", "node_errors", "error", "queue_running", "queue_pending", ID, "outputs", "status", "messages"),
    *("system", "devices", "name", "subfolder", "prompt", "type", "input", "required", "output", "comfyui_version"),
)


def spoiled(document):
    """A good document with each value in it replaced by each odd one."""
    yield from ODD
    for odd in ODD:
        yield dict.fromkeys(FIELDS, odd)
    for place in list(_places(document)):
        for odd in ODD:
            copy = json.loads(json.dumps(document))
            inner = copy
            for step in place[:-1]:
                inner = inner[step]
            inner[place[-1]] = odd
            yield copy


def _places(value, before=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*before, step)
        yield from _places(inner, (*before, step))


class Handed:
    """A client that hands over the answers that a test gave it, by route: there are thousands, too many for
    connections."""

    url = "http://127.0.0.1:8188"
    quiet_s = 1.0

    def __init__(self, world):
        self.world, self.said = world, {}

    def request(self, method, path, *, query=None, payload=None, makes_nothing=False):
        route = self.world.route(Request(method, path, "", b"", True))
        if route == "head":
            return client.Answer(200, {}, None)
        if route in self.said:
            return client.Answer(200, {}, self.said[route])
        made = self.world.answer(route)
        return client.Answer(200, {}, made.documents[0] if made.documents else None)


@pytest.mark.parametrize("route", ["queue", "history", "balance", "info"])
def test_whatever_is_answered_only_what_a_user_can_be_told_is_raised(world, route):
    handed = Handed(world)
    states = ("running", "succeeded", "failed") if route in ("queue", "history") else ("succeeded",)
    good = [world.answer(route, state).documents[0] for state in states]
    for document in itertools.chain.from_iterable(map(spoiled, good)):
        handed.said = {route: document}
        ours = SERVICES["comfyui"].client()(key=KEY, url=handed.url, client=handed)
        try:
            found = ours.get(ID) if route in ("queue", "history") else ours.check_ready({"workflow": "mesh"})
        except errors.ImageTo3DError as error:
            assert str(error).isprintable() and len(str(error)) < 700
            continue
        if isinstance(found, api.Task):
            assert 0.0 <= found.progress <= 1.0 and found.message.isprintable() and math.isfinite(found.progress)
            assert found.error is None or str(found.error).isprintable()
            assert found.result is None or found.result.glb.startswith(f"{handed.url}/view?")
