# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI on the wire: what is sent, in which order, and what each answer means. Real HTTP on loopback.

The rows of refusals and failures are what ComfyUI 0.3.64 and 0.33.0 answered.
"""

import json
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from scripted import http

from image_to_3d import api
from image_to_3d.api import errors, glb
from image_to_3d.api.services.comfyui import workflow
from image_to_3d.api.services.comfyui.progress import Progress
from image_to_3d.programs.program import blender_command

S = api.Status
FOLDER = "image_to_3d"
ID = "5bae5b38-b3e8-4779-a5e6-0f6441853d35"
OTHERS = "0e1f0d3e-1111-4222-8333-123456789abc"

FLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
    "2": {"class_type": "ImageOnlyCheckpointLoader", "inputs": {"ckpt_name": "hunyuan_3d_v2.1.safetensors"}},
    "3": {"class_type": "EmptyLatentHunyuan3Dv2", "inputs": {"resolution": 3072, "batch_size": 1}},
    "4": {
        "class_type": "VAEDecodeHunyuan3D",
        "inputs": {"samples": ["6", 0], "vae": ["2", 2], "num_chunks": 8000, "octree_resolution": 256},
        "_meta": {"title": "My Decoder"},
    },
    "5": {"class_type": "CLIPVisionEncode", "inputs": {"clip_vision": ["2", 1], "image": ["1", 0], "crop": "center"}},
    "6": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["2", 0],
            "positive": ["9", 0],
            "negative": ["9", 1],
            "latent_image": ["3", 0],
            "seed": 7,
            "steps": 30,
            "cfg": 5.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
        },
        "_meta": {"title": "Slow Sampler"},
    },
    "7": {
        "class_type": "VoxelToMesh",
        "inputs": {"voxel": ["4", 0], "algorithm": "surface net", "threshold": 0.6},
    },
    "8": {"class_type": "SaveGLB", "inputs": {"mesh": ["7", 0], "filename_prefix": "fox"}},
    "9": {"class_type": "Hunyuan3Dv2Conditioning", "inputs": {"clip_vision_output": ["5", 0]}},
}


@pytest.fixture
def connected(connect, stand_in):
    """Connects ours to a server, with something that behaves like a Blender."""

    def connected(server, **options):
        network = {"busy_s": 1.0, "quiet_s": 0.5, **options.pop("network", {})}
        return connect(server, "comfyui", blender=blender_command(stand_in), network=network, **options)

    return connected


@pytest.fixture
def comfyui(connected, server):
    return connected(server)


@pytest.fixture
def flow(tmp_path):
    """Writes a workflow of the user's, and returns its path."""

    def flow(graph=FLOW):
        path = tmp_path / "flow.json"
        path.write_text(json.dumps(graph))
        return str(path)

    return flow


@pytest.fixture
def request_of(star, flow):
    """A request for one of the workflows."""

    def request_of(workflow="mesh", **values):
        if workflow == "file" and "workflow_file" not in values:
            values["workflow_file"] = flow()
        return {"image_url": str(star), "workflow": workflow, **values}

    return request_of


def graph_of(server):
    return server.creates[-1].parameters["prompt"]


def classes(graph, name):
    return [node["inputs"] for node in graph.values() if node["class_type"] == name]


def until_ended(service, task_id):
    """All that is told of a task, up to its end."""
    seen = []
    until = time.monotonic() + 60  # against a hang

    def wait(seconds):
        assert time.monotonic() < until, "it did not end"
        time.sleep(min(seconds, 0.05))

    while not (seen and seen[-1].has_ended):
        seen += service.listen(task_id, wait)
    return seen


def test_a_picture_becomes_a_model(connected, server, request_of, tmp_path):
    for dialect in ("new", "old"):
        server.comfyui.dialect = dialect
        comfyui = connected(server)
        task = comfyui.create(request_of())
        assert task.status is S.PENDING
        task = api.wait(comfyui, task.id, sleep=lambda seconds: None)
        path = tmp_path / f"{dialect}.glb"
        api.save(comfyui, task, path)
        glb.check(path)


def test_what_is_sent_carries_our_id_our_folder_and_nothing_of_others(comfyui, server, request_of):
    comfyui.create(request_of(seed=5), task_id=ID)
    sent = server.creates[0].parameters
    assert (sent["prompt_id"], sent["client_id"]) == (ID, ID)
    assert classes(sent["prompt"], "LoadImage") == [{"image": f"{FOLDER}/{ID}_front.png"}]
    assert classes(sent["prompt"], "SaveGLB")[0]["filename_prefix"] == f"{FOLDER}/{ID}"
    assert classes(sent["prompt"], "KSampler")[0]["seed"] == 5


def test_a_seed_that_nobody_chose_is_drawn(comfyui, server, request_of):
    for _ in range(2):
        comfyui.create(request_of())
    first, second = (classes(create.parameters["prompt"], "KSampler")[0]["seed"] for create in server.creates)
    assert first != second and min(first, second) >= 0


def test_the_record_is_written_when_only_the_prompt_itself_is_left_to_send(comfyui, server, request_of):
    paths = []
    comfyui.create(request_of(), lambda: paths.extend(request.path for request in server.requests))
    assert paths[-1] == "/upload/image" and "/prompt" not in paths
    assert server.requests[-1].path == "/prompt"


def test_a_picture_is_called_what_the_server_calls_it(comfyui, server, request_of):
    form = (
        "--b\r\n"
        f'Content-Disposition: form-data; name="image"; filename="{ID}_front.png"\r\n\r\nother\r\n'
        f'--b\r\nContent-Disposition: form-data; name="subfolder"\r\n\r\n{FOLDER}\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    urllib.request.urlopen(urllib.request.Request(f"{server.comfyui_url}/upload/image", form.encode(), headers))
    comfyui.create(request_of(), task_id=ID)
    assert classes(graph_of(server), "LoadImage") == [{"image": f"{FOLDER}/{ID}_front (1).png"}]


def test_a_picture_arrives_byte_for_byte(comfyui, server, request_of, star):
    comfyui.create(request_of(), task_id=ID)
    place = f"filename={ID}_front.png&subfolder={FOLDER}&type=input"
    with urllib.request.urlopen(f"{server.comfyui_url}/view?{place}") as answer:
        assert answer.read() == star.read_bytes()


def test_all_the_views_are_sent(comfyui, server, request_of, star):
    server.comfyui.missing_classes = {"Pixal3DMultiViewConditioning"}
    comfyui.create(request_of("views", back_image_url=str(star), left_image_url=str(star)), task_id=ID)
    loaded = sorted(inputs["image"] for inputs in classes(graph_of(server), "LoadImage"))
    assert loaded == [f"{FOLDER}/{ID}_{view}.png" for view in ("back", "front", "left")]


def test_a_picture_in_the_web_is_fetched_here(comfyui, server, request_of, star, web):
    comfyui.create(request_of(image_url=web.serve("/star.png", star.read_bytes(), "image/png")))
    assert classes(graph_of(server), "LoadImage")


def test_a_workflow_of_the_users_gets_our_picture_seed_and_name(comfyui, server, request_of):
    comfyui.create(request_of("file", seed=9), task_id=ID)
    graph = graph_of(server)
    assert graph["1"]["inputs"]["image"] == f"{FOLDER}/{ID}_front.png"
    assert graph["6"]["inputs"]["seed"] == 9
    assert graph["8"]["inputs"]["filename_prefix"] == f"{FOLDER}/{ID}"


def test_without_a_workflow_file_nothing_is_asked(comfyui, server, request_of):
    with pytest.raises(errors.ParameterError, match="no workflow file: choose one"):
        comfyui.create(request_of("file", workflow_file=""))
    assert not server.requests


# How it goes on


def test_the_place_in_the_queue_is_told_in_words(connected, slow_server, request_of):
    comfyui = connected(slow_server)
    tasks = [comfyui.create(request_of()) for _ in range(3)]
    told = [comfyui.get(task.id) for task in tasks]
    assert [task.status for task in told] == [S.RUNNING, S.PENDING, S.PENDING]
    assert [task.message for task in told[1:]] == [
        "Waiting at ComfyUI, 1 job before this one",
        "Waiting at ComfyUI, 2 jobs before this one",
    ]


def test_the_socket_tells_how_far_it_is_and_which_node_runs(connected, slow_server, request_of):
    comfyui = connected(slow_server)
    task = comfyui.create(request_of("file"))
    shares, messages, is_told = [], [], False
    for told in comfyui.listen(task.id, lambda seconds: None):
        shares.append(told.progress)
        messages.append(told.message)
        if len(shares) == 1:
            slow_server.comfyui.set_progress(task.id, "6", 15, 30)
        if told.message == "ComfyUI runs Slow Sampler" and told.progress > 0.5 and not is_told:
            slow_server.comfyui.finish(task.id)
            is_told = True
    assert shares == sorted(shares) and any(0.5 < share < 1 for share in shares)
    assert "ComfyUI runs Slow Sampler" in messages and messages[-1] == "Finished at ComfyUI"
    assert sum(request.path == "/ws" for request in slow_server.requests) == 1


@pytest.mark.parametrize("manner", ["refused", "closed", "silent"])
def test_where_the_socket_is_of_no_use_the_task_is_polled(connected, slow_server, request_of, manner):
    slow_server.quirk("comfyui", socket=manner)
    comfyui = connected(slow_server)
    task = comfyui.create(request_of())
    for _ in range(3):
        for told in comfyui.listen(task.id, lambda seconds: None):
            assert told.status is S.RUNNING
    slow_server.comfyui.finish(task.id)
    assert comfyui.get(task.id).status is S.SUCCEEDED
    assert sum(request.path == "/ws" for request in slow_server.requests) <= 2


@pytest.mark.parametrize("value", [-1, 0.5, True, "1", None, float("nan"), float("inf"), 10**400, [1]])
@pytest.mark.parametrize("most", [0, 1.5, True, "1", None, float("nan"), float("inf"), 10**400, [1]])
def test_whatever_numbers_the_socket_tells_the_progress_is_one(value, most):
    progress = Progress(ID, {"1": {"class_type": "KSampler"}})
    data = {"prompt_id": ID, "node": "1", "value": value, "max": most}
    assert progress.hear({"type": "progress", "data": data}) == "progress"
    assert progress.hear({"type": "progress_state", "data": {"prompt_id": ID, "nodes": {"1": data}}})
    assert 0.0 <= progress.tell().progress <= 1.0


def test_a_task_that_ends_while_nobody_listens_is_seen_to_have_ended(connected, server, request_of):
    comfyui = connected(server)
    task = comfyui.create(request_of())
    assert until_ended(connected(server), task.id)[-1].status is S.SUCCEEDED


def test_a_server_that_is_slow_to_answer_is_waited_for(connected, server, request_of):
    comfyui = connected(server, network={"busy_s": 5.0, "read_s": 0.3})
    task = comfyui.create(request_of())
    server.play("get", "slow", seconds=1.0, service="comfyui")
    assert comfyui.get(task.id).status is S.SUCCEEDED


FAILURES = {
    ("torch.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB", "4"): (
        "ComfyUI ran out of graphics memory in node My Decoder: choose a smaller Mesh Detail, or close other programs."
    ),
    ("MemoryError", "", "7"): (
        "ComfyUI ran out of memory in node VoxelToMesh: choose a smaller Mesh Detail, or close other programs."
    ),
    ("RuntimeError", "mat1 and mat2\nshapes differ", "6"): (
        "ComfyUI stopped in node Slow Sampler (KSampler): mat1 and mat2."
    ),
    ("RuntimeError", "no voxels", "7"): "ComfyUI stopped in node VoxelToMesh: no voxels.",
    (
        "safetensors._safetensors_rust.SafetensorError",
        "Error while deserializing header: header too small",
        "2",
    ): "ComfyUI cannot read hunyuan_3d_v2.1.safetensors, which is damaged or not whole: download it anew.",
    ("PIL.UnidentifiedImageError", "cannot identify image file '/home/user/x.png'\n", "1"): (
        "ComfyUI cannot read the picture that was sent: generate it again."
    ),
}


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: f"{failure[0]} {failure[2]}")
def test_what_went_wrong_in_a_node_is_one_sentence(connected, slow_server, request_of, is_sentence, failure):
    comfyui = connected(slow_server)
    task = comfyui.create(request_of("file"))
    kind, message, node = failure
    slow_server.comfyui.fail(task.id, kind, message, node)
    task = until_ended(comfyui, task.id)[-1]
    assert task.status is S.FAILED and str(task.error) == FAILURES[failure] and is_sentence(str(task.error))


def test_a_run_that_names_no_file_says_how_to_end_the_workflow(connected, server, request_of):
    server.quirk("comfyui", no_output=True)
    comfyui = connected(server)
    task = comfyui.get(comfyui.create(request_of()).id)
    assert task.status is S.FAILED
    assert str(task.error) == ("The workflow ran, but no node reported a 3D file: end it with Save 3D Model (SaveGLB).")


def test_a_file_that_is_no_glb_is_named(connected, scripted):
    scripted.say(http({"queue_running": [], "queue_pending": []}))
    success = [["execution_success", {"prompt_id": ID}]]
    outputs = {"9": {"3d": [{"filename": "fox.obj", "subfolder": "", "type": "output"}]}}
    scripted.say(http({ID: {"prompt": [], "outputs": outputs, "status": {"messages": success}}}))
    task = connected(scripted).get(ID)
    assert task.status is S.FAILED and str(task.error).startswith("The workflow saves fox.obj, which is no GLB: end it")


def test_who_is_interrupted_at_the_server_hears_that(connected, slow_server, request_of):
    comfyui = connected(slow_server)
    task = comfyui.create(request_of())
    assert comfyui.get(task.id).status is S.RUNNING
    slow_server.comfyui.interrupt(task.id)
    task = until_ended(comfyui, task.id)[-1]
    assert task.status is S.FAILED and str(task.error) == "The job was stopped at ComfyUI: generate it again."


def test_a_restarted_server_has_forgotten_the_job(connected, slow_server, request_of):
    comfyui = connected(slow_server)
    task = comfyui.create(request_of())
    slow_server.comfyui.restart()
    task = until_ended(comfyui, task.id)[-1]
    assert task.status is S.GONE and str(task.error).startswith("ComfyUI was restarted and forgot this job")


def test_a_model_that_was_made_before_the_restart_is_still_found(connected, server, request_of, tmp_path):
    comfyui = connected(server)
    task = comfyui.create(request_of())
    assert comfyui.get(task.id).status is S.SUCCEEDED
    server.comfyui.restart()
    task = connected(server).get(task.id)
    assert task.status is S.SUCCEEDED
    api.save(comfyui, task, tmp_path / "model.glb")


def test_a_model_that_was_deleted_there_is_gone(comfyui, server, request_of):
    task = comfyui.create(request_of())
    assert comfyui.get(task.id).status is S.SUCCEEDED
    server.comfyui.forget_output()
    assert comfyui.get(task.id).status is S.GONE
    server.comfyui.restart()
    assert comfyui.get(task.id).status is S.GONE


def test_a_job_that_moves_between_queue_and_history_is_not_gone(connected, scripted):
    empty = http({"queue_running": [], "queue_pending": []})
    scripted.say(empty)
    scripted.say(http({}))
    scripted.say(http({"queue_running": [[1, ID, {}, {}, []]], "queue_pending": []}))
    assert connected(scripted).get(ID).status is S.RUNNING


def test_a_cancel_takes_our_own_prompt_and_no_other(connected, slow_server, request_of):
    comfyui = connected(slow_server)
    others, ours = comfyui.create(request_of()).id, comfyui.create(request_of()).id
    assert comfyui.cancel(ours)
    assert comfyui.get(ours).status is S.GONE and comfyui.get(others).status is S.RUNNING
    assert not any(request.path == "/interrupt" for request in slow_server.requests)
    assert comfyui.cancel(others)
    assert slow_server.comfyui.interrupted == [others]


def test_an_answer_that_is_lost_is_found_by_its_id(connected, server, request_of):
    comfyui = connected(server)
    server.play("create", "drop_after", service="comfyui")
    with pytest.raises(errors.AnswerLostError):
        comfyui.create(request_of(), task_id=ID)
    assert comfyui.get(ID).status is S.SUCCEEDED and len(server.creates) == 1


def test_an_upload_whose_answer_is_lost_made_nothing(comfyui, server, request_of):
    server.play("upload", "drop_after", service="comfyui")
    with pytest.raises(errors.ServiceAwayError):
        comfyui.create(request_of())
    assert not server.creates


ODD = [
    None,
    5,
    "queue",
    [],
    [[1]],
    {},
    {"queue_running": 5},
    {"queue_running": [5, [1], [[], {}, None], ["1", ID, 7]], "queue_pending": {"a": 1}},
    {"queue_running": [], "queue_pending": [[None, "x", {}], [True, ID, []], ["b", "y", 1]]},
    {ID: 5},
    {ID: {"status": {"messages": [5, ["execution_error"], ["execution_error", 5]]}, "prompt": [1, 2, 3, 4]}},
    {ID: {"status": {"messages": [["execution_error", {"node_id": [], "exception_message": 5}]]}}},
    {ID: {"status": {"messages": [["execution_success", {}]]}, "outputs": {"1": {"3d": [{"filename": "../a.glb"}]}}}},
]


@pytest.mark.parametrize("queue", ODD[:9], ids=str)
@pytest.mark.parametrize("history", [5, *ODD[9:]], ids=str)
def test_an_answer_that_is_none_ends_in_a_sentence(connected, scripted, is_sentence, queue, history):
    scripted.say(http(queue))
    scripted.say(http(history))
    scripted.say(http(b"", "404 Not Found"))
    try:
        task = connected(scripted).get(ID)
    except errors.ImageTo3DError as error:
        assert is_sentence(str(error))
    else:
        assert task.status in (S.PENDING, S.RUNNING) or is_sentence(str(task.error))


# Refusals


def say_all_is_there(scripted, request):
    """Let the server have every class of the workflow, and take the picture."""
    for name in sorted(workflow.read(Path(request["workflow_file"])).classes):
        image = {"image": [[], {"image_upload": True}]} if name == "LoadImage" else {}
        scripted.say(http({name: {"input": {"required": image}}}))
    scripted.say(http({"name": "front.png", "subfolder": FOLDER, "type": "input"}))


def refused(connected, scripted, request, body, status="400 Bad Request"):
    """What a create says that the server answers so."""
    say_all_is_there(scripted, request)
    scripted.say(http(body, status))
    with pytest.raises(errors.ServiceError) as caught:
        connected(scripted).create(request)
    assert json.loads(scripted.requests[-1][1])["prompt"]["1"]["inputs"]["image"] == f"{FOLDER}/front.png"
    return caught.value


def error(kind, message, details="", **extra):
    return {"error": {"type": kind, "message": message, "details": details, "extra_info": extra}, "node_errors": {}}


def node_error(node, node_class, kind, message, details, **extra):
    about = {"type": kind, "message": message, "details": details, "extra_info": extra}
    refusal = error("prompt_outputs_failed_validation", "Prompt outputs failed validation")
    return {**refusal, "node_errors": {node: {"errors": [about], "dependent_outputs": ["8"], "class_type": node_class}}}


REFUSALS = {
    "missing class": (
        error(
            "missing_node_type",
            "Node 'SaveGLBx' not found. The custom node may not be installed.",
            "Node ID '#4'",
            node_id="4",
            class_type="SaveGLBx",
        ),
        errors.LackError,
        "ComfyUI lacks the node SaveGLBx of the workflow: update ComfyUI, or install there what the workflow was made "
        "with.",
    ),
    "missing class, 0.3.64": (
        error("invalid_prompt", "Cannot execute because node SaveGLBx does not exist.", "Node ID '#4'"),
        errors.LackError,
        "ComfyUI lacks the node SaveGLBx of the workflow: update ComfyUI, or install there what the workflow was made "
        "with.",
    ),
    "no class": (
        error("missing_node_type", "Cannot execute because a node is missing the class_type property.", "Node ID '#1'"),
        errors.RefusedError,
        "Node 1 of the workflow has no class: update ComfyUI and export the workflow again.",
    ),
    "missing model": (
        node_error(
            "2",
            "ImageOnlyCheckpointLoader",
            "value_not_in_list",
            "Value not in list",
            "ckpt_name: 'a.safetensors' not in []",
            input_name="ckpt_name",
            received_value="a.safetensors",
        ),
        errors.LackError,
        "ComfyUI lacks a.safetensors: put it into models/checkpoints.",
    ),
    "missing picture": (
        node_error(
            "1",
            "LoadImage",
            "custom_validation_failed",
            "Custom validation failed for node",
            "image - Invalid image file: image_to_3d/none.png",
            input_name="image",
        ),
        errors.PictureRefusedError,
        "ComfyUI does not find the picture that was sent: generate it again.",
    ),
    "out of range": (
        node_error("6", "KSampler", "value_bigger_than_max", "Value 7.5 bigger than max of 1.0", "denoise"),
        errors.RefusedError,
        "ComfyUI does not accept the node Slow Sampler (Value 7.5 bigger than max of 1.0: denoise): change the "
        "settings or the workflow, or update ComfyUI.",
    ),
    "wrong link": (
        node_error("7", "VoxelToMesh", "exception_during_validation", "Exception when validating node", "'77'"),
        errors.RefusedError,
        "ComfyUI does not accept the node VoxelToMesh (Exception when validating node: '77'): change the settings or "
        "the workflow, or update ComfyUI.",
    ),
    "no output": (
        error("prompt_no_outputs", "Prompt has no outputs"),
        errors.RefusedError,
        "The workflow has no node that saves anything: end it with Save 3D Model (SaveGLB).",
    ),
    "anything else": (
        error("dependency_cycle", "A cycle\nin the graph."),
        errors.RefusedError,
        "ComfyUI does not accept the workflow (A cycle in the graph): update ComfyUI, or export the workflow again.",
    ),
    "a proxy's words": (
        {"error": "bad gateway to nowhere"},
        errors.RefusedError,
        "ComfyUI does not accept the workflow (bad gateway to nowhere): update ComfyUI, or export the workflow again.",
    ),
    "no words": (
        [1, 2],
        errors.RefusedError,
        "ComfyUI does not accept the workflow: update ComfyUI, or export the workflow again.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_prompt_that_is_refused_says_why(connected, scripted, request_of, is_sentence, case):
    body, kind, sentence = REFUSALS[case]
    found = refused(connected, scripted, request_of("file"), body)
    assert (type(found), str(found)) == (kind, sentence) and is_sentence(sentence)


def test_a_picture_of_the_workflow_that_is_missing_is_not_taken_for_ours(
    comfyui, server, request_of, flow, is_sentence
):
    mask = {"class_type": "LoadImage", "inputs": {"image": "shadow.png"}, "_meta": {"title": "The Shadow"}}
    seen = {"class_type": "CLIPVisionEncode", "inputs": {**FLOW["5"]["inputs"], "image": ["10", 0]}}
    negative = {"class_type": "Hunyuan3Dv2Conditioning", "inputs": {"clip_vision_output": ["11", 0]}}
    sampler = {**FLOW["6"], "inputs": {**FLOW["6"]["inputs"], "negative": ["12", 1]}}
    graph = {**FLOW, "6": sampler, "10": mask, "11": seen, "12": negative}
    with pytest.raises(errors.RefusedError) as caught:
        comfyui.create(request_of("file", workflow_file=flow(graph), picture_node="1"))
    assert type(caught.value) is errors.RefusedError and is_sentence(str(caught.value))
    assert str(caught.value) == (
        "ComfyUI does not have shadow.png, which the node The Shadow loads: put it into its folder input, or use "
        "another workflow."
    )


def test_a_graph_that_it_cannot_even_read_is_refused(connected, scripted, request_of):
    found = refused(connected, scripted, request_of("file"), b"Server got itself in trouble", "500 Internal")
    assert type(found) is errors.RefusedError and "export the workflow again" in str(found)


def test_what_is_wrong_with_another_saver_does_no_harm(comfyui, server, request_of, flow):
    graph = {**FLOW, "10": {"class_type": "SaveGLB", "inputs": {"mesh": ["nowhere", 0]}}}
    task = comfyui.create(request_of("file", workflow_file=flow(graph), model_node="8"))
    assert comfyui.get(task.id).status is S.SUCCEEDED and len(classes(graph_of(server), "SaveGLB")) == 1


def test_half_a_refusal_has_the_prompt_deleted(connected, scripted, request_of):
    request = request_of("file")
    say_all_is_there(scripted, request)
    half = {**REFUSALS["wrong link"][0], "prompt_id": ID, "number": 3}
    half.pop("error")
    scripted.say(http(half))
    scripted.say(http(b""))
    scripted.say(http({"queue_running": [[1, ID, {}, {}, []]], "queue_pending": []}))
    scripted.say(http(b""))
    with pytest.raises(errors.RefusedError, match="does not accept the node VoxelToMesh"):
        connected(scripted).create(request)
    assert [json.loads(body) for head, body in scripted.requests[-3:] if body] == [
        {"delete": [ID]},
        {"prompt_id": ID},
    ]


# What the server lacks


def test_a_file_that_is_missing_is_named_with_its_folder_and_its_page(comfyui, server, request_of):
    server.comfyui.models = {**server.comfyui.models, "checkpoints": []}
    with pytest.raises(errors.LackError) as caught:
        comfyui.create(request_of())
    assert str(caught.value) == "ComfyUI lacks hunyuan_3d_v2.1.safetensors: put it into models/checkpoints."
    assert caught.value.page.startswith("https://huggingface.co/Comfy-Org/")
    with pytest.raises(errors.LackError, match=r"hunyuan_3d_v2\.1"):
        comfyui.check_ready({"workflow": "mesh"})
    assert not server.creates and not any(request.path == "/upload/image" for request in server.requests)


def test_all_the_missing_files_are_named_at_once(connected, server):
    server.comfyui.models = {}
    with pytest.raises(errors.LackError) as caught:
        connected(server).check_ready({})
    sentence = str(caught.value)
    assert sentence.startswith("ComfyUI lacks ") and " files: put " in sentence
    assert sentence.count(".safetensors") == int(sentence.split()[2]) and "into models/vae" in sentence


def test_the_workflow_that_the_server_can_run_is_taken(connected, server, request_of):
    folder = "diffusion_models"
    there = [name for name in server.comfyui.models[folder] if "pixal3d" not in name]
    server.comfyui.models = {**server.comfyui.models, folder: there}
    connected(server).create(request_of("textured"))
    assert classes(graph_of(server), "Trellis2Conditioning") and not classes(graph_of(server), "Pixal3DConditioning")


def test_an_old_server_is_too_old_for_the_workflow(connected, server, request_of):
    server.comfyui.dialect = "old"
    with pytest.raises(errors.LackError) as caught:
        connected(server).check_ready({"workflow": "textured"})
    assert str(caught.value).startswith("ComfyUI 0.3.64 is too old for the workflow textured (it lacks the node ")
    assert str(caught.value).endswith("): update ComfyUI.")


def test_of_a_workflow_of_the_users_all_missing_nodes_are_named(connected, server, request_of):
    server.comfyui.missing_classes = {"VoxelToMesh", "SaveGLB"}
    with pytest.raises(errors.LackError, match="lacks the nodes SaveGLB and VoxelToMesh of the workflow: update"):
        connected(server).check_ready({"workflow": "file", "workflow_file": request_of("file")["workflow_file"]})


def test_of_a_workflow_of_the_users_the_missing_files_are_named(connected, server, request_of):
    server.comfyui.models = {**server.comfyui.models, "checkpoints": ["other.safetensors"]}
    with pytest.raises(errors.LackError) as caught:
        connected(server).check_ready({"workflow": "file", "workflow_file": request_of("file")["workflow_file"]})
    assert str(caught.value) == "ComfyUI lacks hunyuan_3d_v2.1.safetensors: put it into models/checkpoints."


@pytest.mark.parametrize("name", ["Half\ud83d", "Bell\a", "x" * 100_000], ids=["half", "bell", "long"])
def test_what_can_be_no_name_of_a_node_is_missing_and_not_asked_for(comfyui, server, request_of, flow, name):
    values = request_of("file")
    flow({**FLOW, "3": {**FLOW["3"], "class_type": name}})
    with pytest.raises(errors.LackError, match="ComfyUI lacks the node .* of the workflow: update ComfyUI") as caught:
        comfyui.create(values)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 300
    assert not server.creates and all(len(request.path) < 100 for request in server.requests)


def test_a_server_that_says_endlessly_much_of_its_nodes_is_given_up(connected, hostile, request_of):
    from hostile import Answer

    hostile.play(lambda request: Answer(documents=[{request.target.rpartition("/")[2]: {"about": "x" * (3 << 20)}}]))
    with pytest.raises(errors.UnavailableError, match="answered with something that is not understood"):
        connected(hostile).create(request_of())
    assert len(hostile.requests) == 3


def test_what_a_user_may_know_of_a_server_that_is_ready(comfyui, server):
    ready = "ComfyUI 0.33.0 on NVIDIA GeForce RTX 4090, 24 GB"
    assert [comfyui.check_ready({"workflow": name}) for name in ("textured", "mesh", "views")] == [ready] * 3
    server.comfyui.device = "cpu"
    assert comfyui.check_ready({}) == ("ComfyUI 0.33.0 on the processor: without a graphics card a model takes hours")
    assert comfyui.check_key() is None


# Where it is, and who may enter


@pytest.mark.parametrize(
    "form", ["{place}", "{place}/", "http://{place}/", "HTTP://{place}", " http://{place}/?a=b#c "]
)
def test_an_address_may_have_any_form(connected, server, form):
    place = server.comfyui_url.removeprefix("http://")
    connected(server, url=form.format(place=place)).check_key()


def test_an_address_may_have_a_path(connected, server, request_of, tmp_path):
    comfyui = connected(server, url=f"{server.comfyui_url}/behind/a/proxy/")
    task = api.wait(comfyui, comfyui.create(request_of()).id, sleep=lambda seconds: None)
    api.save(comfyui, task, tmp_path / "model.glb")
    assert all(request.path.startswith("/behind/a/proxy/") for request in server.requests)


def test_a_server_in_the_web_needs_https(connected, server):
    network = {"online": True}
    with pytest.raises(errors.DownloadError, match="https://"):
        connected(server, url="http://comfy.example.com", network=network)
    connected(server, url="192.168.3.4:8188", network=network)
    connected(server, url="comfy.example.com", network=network)


def test_what_leaves_this_machine_needs_online_access(connected, server):
    with pytest.raises(errors.OfflineError):
        connected(server, url="192.168.3.4:8188")


def test_a_token_goes_along_with_everything(connected, server, request_of, tmp_path):
    server.quirk("comfyui", login="Bearer")
    comfyui = connected(server)
    task = api.wait(comfyui, comfyui.create(request_of()).id, sleep=lambda seconds: None)
    api.save(comfyui, task, tmp_path / "model.glb")
    expected = f"Bearer {server.comfyui_key}"
    assert {request.headers["Authorization"] for request in server.requests} == {expected}
    assert "/ws" in [request.path for request in server.requests]


def test_a_server_without_a_login_is_sent_none(connected, server):
    connected(server, key="").check_key()
    assert "Authorization" not in server.requests[-1].headers


def test_a_login_in_the_address_becomes_a_header_and_is_seen_nowhere_else(connected, scripted, server):
    place = scripted.url.removeprefix("http://")
    scripted.say(http({"error": "no cGVkcm86czNjcmV0IUA= nor s3cret!@"}, "401 Unauthorized"))
    comfyui = connected(scripted, key="", url=f"pedro:s3cret%21%40@{place}")
    with pytest.raises(errors.KeyRefusedError) as caught:
        comfyui.check_key()
    assert "Authorization: Basic cGVkcm86czNjcmV0IUA=" in scripted.requests[0][0]
    assert "pedro" not in scripted.requests[0][0]
    assert "s3cret" not in str(caught.value) and "cGVk" not in str(caught.value)
    gone = socket.create_server(("127.0.0.1", 0))
    port = gone.getsockname()[1]
    gone.close()
    with pytest.raises(errors.ServiceAwayError) as caught:
        connected(scripted, url=f"http://pedro:s3cret@127.0.0.1:{port}").check_key()
    assert str(caught.value) == (
        f"No ComfyUI answers at 127.0.0.1:{port}: start it, or enter its address in the preferences."
    )


@pytest.mark.parametrize("login", ["pedro:12/34@{}", "http://pedro:12?34@{}", "pedro:12#34@{}"])
def test_a_password_that_ends_the_host_is_no_address(connected, scripted, is_sentence, login):
    with pytest.raises(errors.DownloadError, match="login in the address of ComfyUI cannot be read") as caught:
        connected(scripted, url=login.format(scripted.url.removeprefix("http://")))
    assert is_sentence(str(caught.value)) and "pedro" not in str(caught.value) and "34" not in str(caught.value)


def test_the_key_follows_no_redirect(connected, scripted, hostile, tmp_path):
    scripted.say(http(b"", "302 Found", Location=f"{hostile.url}/elsewhere"))
    comfyui = connected(scripted)
    with pytest.raises(errors.UnavailableError):
        comfyui.check_key()
    with pytest.raises(errors.DownloadError):
        comfyui.fetch(f"{scripted.url}/view?filename=a.glb", tmp_path / "a.glb")
    assert not hostile.requests


def test_the_key_goes_to_no_other_address(connected, server, scripted, tmp_path):
    with pytest.raises(errors.DownloadError, match="not at the address of ComfyUI"):
        connected(server).fetch(f"{scripted.url}/view?filename=a.glb", tmp_path / "a.glb")
    assert not scripted.requests


STATUSES = {
    "401 Unauthorized": (errors.KeyRefusedError, "asks for a login"),
    "403 Forbidden": (errors.RefusedError, "pass the Host header on"),
    "404 Not Found": (errors.RefusedError, "is no ComfyUI: check its address"),
    "502 Bad Gateway": (errors.UnavailableError, "trouble of its own"),
}


@pytest.mark.parametrize("status", STATUSES)
def test_a_server_that_does_not_let_us_in_says_why(connected, scripted, is_sentence, status):
    scripted.say(http(b"<html>", status))
    kind, words = STATUSES[status]
    with pytest.raises(kind, match=words) as caught:
        connected(scripted).check_key()
    assert is_sentence(str(caught.value))


@pytest.mark.parametrize("body", [b"<html>Hello", [], {"system": 1}, {"ok": True}])
def test_another_server_is_no_comfyui(connected, scripted, body):
    scripted.say(http(body))
    with pytest.raises(errors.RefusedError, match="is no ComfyUI: check its address in the preferences"):
        connected(scripted).check_key()


def test_a_picture_that_is_too_large_for_a_proxy_says_so(comfyui, server, request_of):
    server.play("upload", "status", status=413, message="too large", service="comfyui")
    with pytest.raises(errors.PictureRefusedError, match="too large for ComfyUI, or for a proxy"):
        comfyui.create(request_of())


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not (is_free(8188) and is_free(8000)), reason="something listens where ComfyUI would")
def test_where_nobody_gave_an_address_the_desktop_app_is_looked_for_too(connected, stand_in, cube, request_of):
    from service.stand_in import StandIn

    def ours(**options):
        return api.connect("comfyui", network=api.Network(online=False), blender=blender_command(stand_in), **options)

    with pytest.raises(errors.ServiceAwayError) as caught:
        ours().check_key()
    assert str(caught.value) == (
        "No ComfyUI answers at 127.0.0.1:8188, nor at port 8000, where ComfyUI Desktop listens: start it, or enter its "
        "address in the preferences."
    )
    with StandIn(model=cube) as server, at_port(8000, server.comfyui_url) as logins:
        assert ours().check_ready({}).startswith("ComfyUI 0.33.0 at 127.0.0.1:8000 on NVIDIA")
        connected(server).create(request_of(), task_id=ID)
        assert ours(key="for-8188-alone").get(ID).result.note == "ComfyUI answered at 127.0.0.1:8000."
    assert set(logins) == {None}  # nobody has said that it may have the token


@contextmanager
def at_port(port, url):
    """A server at `port` that passes on to `url` what asks for something; gives the logins that come."""
    logins = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            logins.append(self.headers["Authorization"])
            request = urllib.request.Request(f"{url}{self.path}", method=self.command)
            with urllib.request.urlopen(request) as answer:
                self.send_response(answer.status)
                self.send_header("Content-Length", answer.headers["Content-Length"])
                self.end_headers()
                self.wfile.write(answer.read())

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield logins
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
