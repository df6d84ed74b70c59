# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test can have the stand-in's ComfyUI do: another version, missing files and classes, jobs that end as they are
told, restarts, faults. What it has in common with a real one is in test_comfyui_facts.py."""

import asyncio
import uuid

import aiohttp
import pytest
import requests
from service.comfyui_graphs import heard, hunyuan_graph, is_over, mesh_graph, node, with_inputs
from service.cube import cube_glb
from service.customers import ComfyCustomer
from service.stand_in import Create, StandIn

LOST = requests.exceptions.ConnectionError
FILE_NAME = "hunyuan_3d_v2.1.safetensors"


@pytest.fixture
def comfy(service, star):
    """A customer whose jobs end by themselves."""
    customer = ComfyCustomer(service.comfyui_url)
    customer.upload(star.read_bytes(), subfolder="image_to_3d")
    return customer


@pytest.fixture
def patient(waiting, star):
    """A customer whose jobs run until a test says so."""
    customer = ComfyCustomer(waiting.comfyui_url)
    customer.upload(star.read_bytes(), subfolder="image_to_3d")
    return customer


def running(customer, graph=None, **fields):
    """A job that runs; its id."""
    job_id = customer.queued(graph or hunyuan_graph(), **fields)
    customer.runs(job_id)
    return job_id


def last_message(entry):
    return entry["status"]["messages"][-1]


# Another version


def test_the_older_version_names_a_missing_class_in_its_own_words(service, comfy):
    service.comfyui.dialect = "old"
    assert comfy.told("/system_stats")["system"]["comfyui_version"] == "0.3.64"
    graph = {**mesh_graph(), "9": node("RemeshMesh")}
    assert comfy.prompt(graph).json() == {
        "error": {
            "type": "invalid_prompt",
            "message": "Cannot execute because node RemeshMesh does not exist.",
            "details": "Node ID '#9'",
            "extra_info": {},
        },
        "node_errors": {},
    }
    error = comfy.prompt({"9": {"inputs": {}}}).json()["error"]
    assert error["message"] == "Cannot execute because a node is missing the class_type property."


def test_the_older_version_takes_a_file_of_the_editor_for_a_graph_without_classes(service, comfy):
    service.comfyui.dialect = "old"
    answer = comfy.prompt({"id": "6f9f", "revision": 0, "nodes": [], "links": [], "version": 0.4})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["details"]) == (400, "invalid_prompt", "Node ID '#id'")


def test_the_older_version_has_previews_without_outputs(service, comfy):
    service.comfyui.dialect = "old"
    for name in ("PreviewAny", "PreviewImage", "MaskPreview"):
        assert comfy.told(f"/object_info/{name}")[name]["output"] == []
    entry = comfy.done({"1": node("PrimitiveString", value="a.glb"), "2": node("Preview3D", model_file=["1", 0])})
    assert entry["outputs"]["2"] == {"result": ["a.glb", None]}


def test_the_older_version_takes_any_id_and_knows_no_address_of_jobs(service, comfy):
    service.comfyui.dialect = "old"
    assert comfy.queued(mesh_graph(), prompt_id="my job 1", client_id="x") == "my job 1"
    entry = comfy.over("my job 1")
    assert entry["prompt"][3] == {"client_id": "x"}  # no time
    assert comfy.get("/api/jobs/my job 1").status_code == 404
    assert comfy.post("/api/jobs/my job 1/cancel").status_code == 405


def test_the_older_version_tells_inputs_in_the_older_way(service, comfy):
    service.comfyui.dialect = "old"
    required = comfy.told("/object_info/VoxelToMesh")["VoxelToMesh"]["input"]["required"]
    assert required["algorithm"] == [["surface net", "basic"]] and required["voxel"] == ["VOXEL"]
    saver = comfy.told("/object_info/SaveGLB")["SaveGLB"]["input"]["required"]
    assert saver["mesh"] == ["MESH"]
    for name in ("Save3DAdvanced", "Pixal3DConditioning", "RemeshMesh"):
        assert comfy.told(f"/object_info/{name}") == {}
    assert "assets" not in comfy.told("/features")


def test_the_older_version_forgets_what_the_last_graph_did_not_have(service, comfy):
    service.comfyui.dialect = "old"
    graph = mesh_graph()
    comfy.done(graph)
    comfy.done(hunyuan_graph())
    assert comfy.done(graph)["status"]["messages"][1][1]["nodes"] == ["1"]  # the picture is the same in both


def test_there_is_no_third_version(service):
    with pytest.raises(ValueError, match="newest"):
        service.comfyui.dialect = "newest"


# What is installed


def test_a_model_file_can_be_missing(service, comfy):
    service.comfyui.models["checkpoints"] = ["other.safetensors"]
    assert comfy.told("/models/checkpoints") == ["other.safetensors"]
    told = comfy.prompt(hunyuan_graph()).json()
    [error] = told["node_errors"]["ckpt"]["errors"]
    assert error["details"] == f"ckpt_name: '{FILE_NAME}' not in ['other.safetensors']"
    service.comfyui.models["checkpoints"].append(FILE_NAME)
    assert comfy.prompt(hunyuan_graph()).ok


def test_a_class_can_be_missing(service, comfy):
    service.comfyui.missing_classes = {"VAEDecodeHunyuan3D"}
    assert comfy.told("/object_info/VAEDecodeHunyuan3D") == {}
    assert "VAEDecodeHunyuan3D" not in comfy.told("/object_info")
    assert comfy.prompt(hunyuan_graph()).json()["error"]["extra_info"]["class_type"] == "VAEDecodeHunyuan3D"


def test_it_has_a_graphics_card_until_a_test_takes_it_away(service, comfy):
    assert comfy.told("/system_stats")["devices"][0]["type"] == "cuda"
    service.comfyui.device = "cpu"
    device = comfy.told("/system_stats")["devices"][0]
    assert (device["type"], device["name"], device["index"]) == ("cpu", "cpu", None)


# Jobs as a test wants them


def test_each_accepted_prompt_is_written_down_and_no_refused_one(service, comfy):
    graph = hunyuan_graph()
    job_id = comfy.queued(graph, client_id="me")
    comfy.prompt(with_inputs(graph, "mesh", threshold=9))
    [create] = service.creates
    assert isinstance(create, Create)
    assert (create.service, create.id, create.credits) == ("comfyui", job_id, 0)
    assert create.parameters == {"prompt": graph, "client_id": "me"}


def test_a_job_runs_until_a_test_lets_it_finish(waiting, patient, cube):
    first, second = running(patient), patient.queued(hunyuan_graph())
    assert patient.ids() == ([first], [second])
    waiting.comfyui.finish(second)  # it is not its turn yet
    assert patient.ids() == ([first], [second])
    waiting.comfyui.finish(first)
    for job_id in (first, second):
        file = patient.over(job_id)["outputs"]["save"]["3d"][0]
        assert patient.view(file).content == cube.read_bytes()
    with pytest.raises(KeyError):
        waiting.comfyui.finish(first)


def test_a_job_takes_its_seconds(cube, star):
    with StandIn(model=cube, seconds=0.4) as service:
        customer = ComfyCustomer(service.comfyui_url)
        customer.upload(star.read_bytes(), subfolder="image_to_3d")
        graph = hunyuan_graph()
        frames = heard(customer, "me", lambda: customer.queued(graph, client_id="me"), is_over)
        values = [f["data"]["value"] for f in frames if f["type"] == "progress" and f["data"]["node"] == "sample"]
        assert values == sorted(values) and values[-1] == 30 and len(values) > 1
        again = with_inputs(graph, "save", filename_prefix="another")
        job_id = customer.queued(again)
        assert job_id in customer.told(f"/history/{job_id}")  # at once, as nothing is sampled


def test_a_test_says_how_far_a_job_is(waiting, patient):
    job_id = str(uuid.uuid4())

    def act():
        running(patient, client_id="me", prompt_id=job_id)
        waiting.comfyui.set_progress(job_id, "sample", 12, 30)

    frames = heard(patient, "me", act, lambda frame: frame["type"] == "progress")
    assert frames[-1]["data"] == {"value": 12, "max": 30, "prompt_id": job_id, "node": "sample"}
    assert frames[-2]["data"]["nodes"]["sample"]["state"] == "running"
    waiting.comfyui.set_progress(job_id, "decode", 0, 1)
    frames = heard(patient, "me", lambda: None, lambda frame: frame["type"] == "executing")
    assert frames[-1]["data"]["node"] == "decode"


def test_a_job_fails_as_a_test_wants_it(waiting, patient):
    job_id = running(patient)
    waiting.comfyui.fail(job_id)
    about = last_message(patient.over(job_id))[1]
    assert (about["node_id"], about["exception_type"]) == ("sample", "torch.OutOfMemoryError")
    job_id = running(patient)
    waiting.comfyui.fail(job_id, "RuntimeError", "it broke", node="mesh")
    name, about = last_message(patient.over(job_id))
    assert (name, about["node_id"], about["node_type"]) == ("execution_error", "mesh", "VoxelToMesh")
    assert (about["exception_type"], about["exception_message"]) == ("RuntimeError", "it broke\n")
    with pytest.raises(KeyError, match="no node 'nope'"):
        waiting.comfyui.fail(running(patient), node="nope")


def test_what_was_interrupted_is_written_down_and_no_id_stops_whoever_runs(waiting, patient):
    first, second = running(patient), patient.queued(hunyuan_graph())
    patient.post("/interrupt", {"prompt_id": second})  # which waits
    assert waiting.comfyui.interrupted == []
    assert patient.post("/interrupt").status_code == 200
    assert waiting.comfyui.interrupted == [first]
    patient.runs(second)


def test_an_interrupt_may_be_heeded_only_when_the_node_is_done(waiting, patient):
    waiting.quirk("comfyui", late_interrupt=True)
    job_id = running(patient)
    assert patient.post("/interrupt", {"prompt_id": job_id}).status_code == 200
    assert (waiting.comfyui.interrupted, patient.ids()[0]) == ([job_id], [job_id])
    waiting.comfyui.set_progress(job_id, "decode", 0, 1)
    name, about = last_message(patient.over(job_id))
    assert (name, about["node_id"]) == ("execution_interrupted", "sample")


def test_to_clear_the_queue_takes_everybodys_jobs(patient):
    first = running(patient)
    patient.queued(hunyuan_graph())
    patient.post("/queue", {"clear": True})
    assert patient.ids() == ([first], [])


def test_a_workflow_that_paints_nothing_has_a_model_of_its_own(service, comfy, tmp_path, cube):
    plain = tmp_path / "plain.glb"
    plain.write_bytes(cube_glb(filler=7))
    service.comfyui.plain_model = plain
    painted = {
        **hunyuan_graph(),
        "color": node("LoadImage", image="image_to_3d/alpha.png"),
        "apply": node("ApplyTextureToMesh", mesh=["mesh", 0], base_color=["color", 0]),
        "other": node("SaveGLB", mesh=["apply", 0], filename_prefix="painted"),
    }
    outputs = comfy.done(painted)["outputs"]
    assert comfy.view(outputs["save"]["3d"][0]).content == plain.read_bytes()
    assert comfy.view(outputs["other"]["3d"][0]).content == cube.read_bytes()


def exporting(*exporters):
    """A graph of an extension's nodes, whose exporters name their file as text only."""
    graph = {
        "image": node("LoadImage", image="image_to_3d/alpha.png"),
        "model": node("Hy3DModelLoader", model="trellis_2_int8_convrot.safetensors"),
        "make": node(
            "Hy3DGenerateMesh", pipeline=["model", 0], image=["image", 0], guidance_scale=5.5, steps=9, seed=1
        ),
        "decode": node(
            "Hy3DVAEDecode",
            vae=["model", 1],
            latents=["make", 0],
            box_v=1.01,
            octree_resolution=384,
            num_chunks=8000,
            mc_level=0,
            mc_algo="mc",
        ),
    }
    for name in exporters:
        graph[name] = node(name, trimesh=["decode", 0], filename_prefix=f"3D/{name}", file_format="glb")
    return graph


def test_exporters_of_extensions_name_their_file_as_text_only(comfy):
    graph = exporting("Hy3DExportMesh", "Trellis2ExportMesh")
    assert comfy.done(graph)["outputs"] == {}
    graph |= {
        "a": node("PreviewAny", source=["Hy3DExportMesh", 0]),
        "b": node("PreviewAny", source=["Trellis2ExportMesh", 0]),
        "c": node("PreviewAny", source=["Trellis2ExportMesh", 1]),
    }
    outputs = comfy.done(graph)["outputs"]
    assert outputs["a"] == {"text": ["3D/Hy3DExportMesh_00001_.glb"]}
    assert outputs["b"]["text"][0].endswith("/output/3D/Trellis2ExportMesh_00001_.glb")
    assert outputs["c"] == {"text": ["3D/Trellis2ExportMesh_00001_.glb"]}
    file = {"filename": "Hy3DExportMesh_00001_.glb", "subfolder": "3D"}
    assert comfy.view(file).content[:4] == b"glTF"


def test_such_a_text_may_be_a_path_of_windows(service, comfy):
    service.quirk("comfyui", windows_path=True)
    graph = exporting("Hy3DExportMesh") | {"a": node("PreviewAny", source=["Hy3DExportMesh", 0])}
    text = comfy.done(graph)["outputs"]["a"]["text"]
    assert text == ["C:\\ComfyUI\\output\\3D\\Hy3DExportMesh_00001_.glb"]


def test_a_job_may_end_well_and_name_no_file(service, comfy):
    service.quirk("comfyui", no_output=True)
    entry = comfy.done(hunyuan_graph())
    assert (entry["status"]["completed"], entry["outputs"], entry["meta"]) == (True, {}, {})


def test_a_newer_saver_names_its_file_twice(service, comfy):
    graph = {
        **hunyuan_graph(),
        "file": node("MeshToFile3D", mesh=["mesh", 0]),
        "end": node(
            "Save3DAdvanced", model_3d=["file", 0], filename_prefix="a/b", viewport_state="", width=9, height=9
        ),
    }
    service.quirk("comfyui", save_3d=True)
    assert comfy.done(graph)["outputs"]["end"] == {
        "result": ["a/b_00001.glb", None, []],
        "3d": [{"filename": "b_00001.glb", "subfolder": "a", "type": "output"}],
    }


# Restarts


def test_a_restart_forgets_all_jobs_and_keeps_the_files(service, comfy):
    graph = hunyuan_graph()
    job_id = comfy.queued(graph)
    file = comfy.over(job_id)["outputs"]["save"]["3d"][0]
    service.comfyui.restart()
    assert comfy.told(f"/history/{job_id}") == {} and comfy.told("/history") == {}
    assert comfy.view(file).content[:4] == b"glTF"
    answer = comfy.prompt(graph).json()
    assert answer["number"] == 0
    again = comfy.over(answer["prompt_id"])
    assert again["status"]["messages"][1][1]["nodes"] == []  # and no cache
    assert again["outputs"]["save"]["3d"][0]["filename"] == file["filename"].replace("_00001_", "_00002_")


def test_a_restart_loses_the_jobs_that_run_and_wait_and_cuts_the_socket(waiting, patient):
    async def listen():
        address = f"{patient.url}/ws?clientId=me"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            await socket.receive_json(timeout=10)
            waiting.comfyui.restart()
            return (await socket.receive(timeout=10)).type

    job_id = running(patient)
    patient.queued(hunyuan_graph())
    assert asyncio.run(listen()) in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert patient.ids() == ([], [])
    assert patient.told(f"/history/{job_id}") == {}


def test_somebody_may_empty_the_output_folder(service, comfy):
    graph = hunyuan_graph()
    file = comfy.done(graph)["outputs"]["save"]["3d"][0]
    service.comfyui.forget_output()
    again = comfy.done(graph)
    assert again["status"]["completed"] and again["outputs"]["save"]["3d"] == [file]
    assert comfy.view(file).status_code == 404


# The socket


@pytest.mark.parametrize("manner, expected", [("refused", 404), ("closed", aiohttp.WSMsgType.CLOSE), ("silent", None)])
def test_the_socket_may_be_no_help(service, comfy, manner, expected):
    async def listen():
        address = f"{comfy.url}/ws?clientId=me"
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(address, autoclose=False) as socket:
                    await asyncio.to_thread(comfy.done, hunyuan_graph(), client_id="me")
                    return (await socket.receive(timeout=0.2)).type
            except aiohttp.WSServerHandshakeError as error:
                return error.status
            except TimeoutError:
                return None

    service.quirk("comfyui", socket=manner)
    assert asyncio.run(listen()) == expected


def test_the_socket_may_be_cut_after_some_frames(service, comfy):
    async def listen():
        address = f"{comfy.url}/ws?clientId=me"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            first = await socket.receive_json(timeout=10)
            await asyncio.to_thread(comfy.queued, hunyuan_graph(), client_id="me")
            await socket.receive_json(timeout=10)
            return first["type"], (await socket.receive(timeout=10)).type

    service.play("stream", "cut_stream", events=2, service="comfyui")
    kind, end = asyncio.run(listen())
    assert kind == "status" and end in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


def test_the_socket_may_show_pictures_in_between(service, comfy):
    async def listen():
        address = f"{comfy.url}/ws?clientId=me"
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            await socket.receive_json(timeout=10)
            await asyncio.to_thread(comfy.queued, hunyuan_graph(), client_id="me")
            while (message := await socket.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
                last = message.json()
            return last, message

    service.quirk("comfyui", previews=True)
    before, frame = asyncio.run(listen())
    assert (before["type"], frame.type) == ("progress", aiohttp.WSMsgType.BINARY)
    assert frame.data.startswith(b"\0\0\0\1\0\0\0\2\x89PNG")


def test_a_plain_request_opens_no_socket(comfy):
    assert comfy.get("/ws").status_code == 400


# In front of it


@pytest.mark.parametrize(
    "login, headers",
    [("Bearer", {"Authorization": "Bearer {}"}), ("X-Api-Key", {"X-Api-Key": "{}"}), ("bypass", {"Bypass": "{}"})],
)
def test_a_login_may_be_demanded_for_everything(service, comfy, login, headers):
    service.quirk("comfyui", login=login)
    for path in ("/system_stats", "/queue", "/view?filename=x", "/ws", "/nope"):
        assert comfy.get(path).status_code == 401
    assert comfy.prompt(hunyuan_graph()).status_code == 401
    assert comfy.upload(b"x").status_code == 401
    known = ComfyCustomer(comfy.url, **{name: value.format(service.comfyui_key) for name, value in headers.items()})
    assert known.done(hunyuan_graph())["status"]["completed"]
    frames = heard(known, "me", lambda: known.queued(hunyuan_graph(), client_id="me"), is_over)
    assert frames[-3]["type"] == "execution_success"
    wrong = ComfyCustomer(comfy.url, **{name: value.format("wrong") for name, value in headers.items()})
    assert wrong.get("/queue").status_code == 401
    assert service.requests[-1].headers[next(iter(headers))]  # as it came


def test_a_proxy_may_refuse_everything(service, comfy):
    service.quirk("comfyui", forbidden=True)
    answer = comfy.get("/system_stats")
    assert (answer.status_code, answer.content) == (403, b"")


def test_a_proxy_may_add_a_path(service, comfy):
    behind = ComfyCustomer(f"{comfy.url}/behind/a/proxy")
    file = behind.done(hunyuan_graph())["outputs"]["save"]["3d"][0]
    assert behind.view(file).content == comfy.view(file).content
    assert behind.get("/queue/").status_code == 404
    frames = heard(behind, "me", lambda: behind.queued(hunyuan_graph(), client_id="me"), is_over)
    assert frames[-3]["type"] == "execution_success"


def test_a_body_that_is_too_large_is_refused(service, comfy):
    service.comfyui.most_bytes = 1000
    answer = comfy.upload(b"x" * 1000)
    assert (answer.status_code, answer.text) == (413, "Maximum request body size 1000 exceeded.")
    assert comfy.told("/features")["max_upload_size"] == 1000


# Faults on the way


def test_an_answer_to_a_prompt_may_be_lost_with_the_job_in_the_queue(waiting, patient):
    job_id = str(uuid.uuid4())
    waiting.play("create", "drop_after", service="comfyui")
    with pytest.raises(LOST):
        patient.prompt(hunyuan_graph(), prompt_id=job_id)
    patient.runs(job_id)
    waiting.play("create", "drop", service="comfyui")
    with pytest.raises(LOST):
        patient.prompt(hunyuan_graph())
    assert [create.id for create in waiting.creates] == [job_id]


@pytest.mark.parametrize(
    "step, ask",
    [
        ("info", lambda customer: customer.get("/system_stats")),
        ("info", lambda customer: customer.get("/object_info/SaveGLB")),
        ("upload", lambda customer: customer.upload(b"x")),
        ("create", lambda customer: customer.prompt(hunyuan_graph())),
        ("get", lambda customer: customer.get("/queue")),
        ("get", lambda customer: customer.get("/history/x")),
        ("get", lambda customer: customer.get("/api/jobs/x")),
        ("cancel", lambda customer: customer.post("/queue", {"delete": []})),
        ("cancel", lambda customer: customer.post("/interrupt", {"prompt_id": "x"})),
        ("download", lambda customer: customer.get("/view?filename=x")),
    ],
)
def test_every_step_meets_its_fault_once(service, comfy, step, ask):
    usual = ask(comfy).status_code
    service.play(step, "status", status=503, service="comfyui")
    assert ask(comfy).status_code == 503
    assert ask(comfy).status_code == usual
    service.play(step, "status", status=500, service="comfyui")
    assert ask(comfy).text == "500 Internal Server Error\n\nServer got itself in trouble"
    service.play(step, "drop", service="comfyui")
    with pytest.raises(LOST):
        ask(comfy)


def test_a_file_may_be_cut_off(service, comfy):
    file = comfy.done(hunyuan_graph())["outputs"]["save"]["3d"][0]
    service.play("download", "cut", bytes=1000, service="comfyui")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        comfy.view(file)
    service.play("download", "no_range", service="comfyui")
    assert comfy.view(file, headers={"Range": "bytes=10-"}).status_code == 200


def test_without_a_model_local_makes_one_of_the_uploaded_picture(star):
    with StandIn() as service:
        customer = ComfyCustomer(service.comfyui_url)
        customer.upload(star.read_bytes(), subfolder="image_to_3d")
        file = customer.done(hunyuan_graph())["outputs"]["save"]["3d"][0]
        assert customer.view(file).content[:4] == b"glTF"
