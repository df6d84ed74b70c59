# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of ComfyUI 0.33.0 holds of the stand-in: each fact is asked of it, and of a real server as well where
COMFYUI_TEST_URL names one that has the two test nodes of comfyui_nodes.py."""

import os
import uuid

import pytest
from service.comfyui_graphs import heard, hunyuan_graph, is_over, mesh_graph, node, with_inputs
from service.customers import ComfyCustomer
from service.stand_in import StandIn

REAL_URL = os.environ.get("COMFYUI_TEST_URL", "")
SERVERS = ["stand-in", *(["real"] if REAL_URL else [])]
LONG = 60.0  # seconds of a job that is interrupted


def customer_of(kind, cube, picture, seconds):
    if kind == "real":
        customer = ComfyCustomer(REAL_URL.rstrip("/"))
        customer.upload(picture, subfolder="image_to_3d", overwrite="true")
        yield customer
        return
    with StandIn(model=cube, seconds=seconds) as server:
        server.comfyui.missing_classes = {"Pixal3DMultiViewConditioning"}  # newer than 0.33.0
        customer = ComfyCustomer(server.comfyui_url)
        customer.upload(picture, subfolder="image_to_3d")
        yield customer


@pytest.fixture(params=SERVERS)
def comfy(request, cube, star):
    """One whose jobs end by themselves."""
    yield from customer_of(request.param, cube, star.read_bytes(), 0.0)


@pytest.fixture(params=SERVERS)
def busy(request, cube, star):
    """One whose jobs, if they are LONG, run until they are interrupted. Nothing is left of them."""
    for customer in customer_of(request.param, cube, star.read_bytes(), None):
        yield customer
        running, waiting = customer.ids()
        customer.post("/queue", {"delete": waiting})
        for job_id in running:
            customer.post("/interrupt", {"prompt_id": job_id})


def new_id():
    return str(uuid.uuid4())


def last_message(entry):
    return entry["status"]["messages"][-1]


# What is there


def test_the_cheapest_question_names_version_and_device(comfy):
    stats = comfy.told("/system_stats")
    assert stats["system"]["comfyui_version"] == "0.33.0"
    assert stats["devices"][0]["type"] in ("cpu", "cuda")
    assert {"name", "index", "vram_total", "vram_free"} <= set(stats["devices"][0])


def test_a_class_tells_its_inputs_in_the_newer_way_and_in_the_older(comfy):
    newer = comfy.told("/object_info/VoxelToMesh")["VoxelToMesh"]
    assert newer["input"]["required"]["algorithm"] == [
        "COMBO",
        {"multiselect": False, "options": ["surface net", "basic"]},
    ]
    assert newer["output"] == ["MESH"] and newer["output_node"] is False
    older = comfy.told("/object_info/ImageOnlyCheckpointLoader")["ImageOnlyCheckpointLoader"]
    assert older["input"]["required"]["ckpt_name"] == [
        ["hunyuan3d-dit-v2-mv_fp16.safetensors", "hunyuan_3d_v2.1.safetensors"]
    ]
    loader = comfy.told("/object_info/LoadImage")["LoadImage"]["input"]["required"]["image"]
    assert isinstance(loader[0], list) and loader[1]["image_upload"] is True
    seed = comfy.told("/object_info/KSampler")["KSampler"]["input"]["required"]["seed"]
    assert (seed[0], seed[1]["max"], seed[1]["control_after_generate"]) == ("INT", 2**64 - 1, True)


def test_a_choice_has_inputs_of_its_own(comfy):
    kind, opts = comfy.told("/object_info/RemeshMesh")["RemeshMesh"]["input"]["required"]["sign_mode"]
    assert kind == "COMFY_DYNAMICCOMBO_V3"
    assert {choice["key"]: list(choice["inputs"]["required"]) for choice in opts["options"]} == {
        "udf": ["qef", "drop_inverted_components", "drop_enclosed_components"],
        "sdf": ["qef", "manifold"],
    }


def test_a_class_that_is_not_there_is_an_empty_object(comfy):
    assert comfy.told("/object_info/Nonsense") == {}
    assert comfy.told("/object_info/Pixal3DMultiViewConditioning") == {}


def test_model_files_are_listed_by_folder(comfy):
    assert "hunyuan_3d_v2.1.safetensors" in comfy.told("/models/checkpoints")
    assert comfy.get("/models/nope").status_code == 404


def test_the_limit_of_uploads_is_told(comfy):
    assert comfy.told("/features")["max_upload_size"] == 100 << 20


def test_every_address_also_stands_under_api(comfy):
    assert comfy.told("/api/queue") == comfy.told("/queue")
    assert comfy.told("/api/prompt") == {"exec_info": {"queue_remaining": 0}}


@pytest.mark.parametrize("path", ["/queue/", "/system_stats/", "/nope/x", "/interrupt", "/jobs/x"])
def test_other_addresses_are_not_found(comfy, path):
    assert comfy.get(path).status_code == 404


def test_nothing_is_posted_to_other_addresses(comfy):
    answer = comfy.post("/nope/x")
    assert (answer.status_code, answer.text) == (405, "405: Method Not Allowed")


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Origin": "http://other.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 200),
        ({"Origin": "http://127.0.0.1"}, 200),
    ],
)
def test_a_page_of_another_site_is_refused(comfy, headers, status):
    assert comfy.get("/queue", headers=headers).status_code == status


# Uploads


def test_an_upload_keeps_its_name_unless_other_bytes_have_it(comfy):
    folder, name = f"image_to_3d/{uuid.uuid4().hex}", "my picture.png"
    first = comfy.upload(b"one", name, subfolder=folder).json()
    assert first == {"name": name, "subfolder": folder, "type": "input"}
    assert comfy.upload(b"one", name, subfolder=folder).json()["name"] == name
    assert comfy.upload(b"two", name, subfolder=folder).json()["name"] == "my picture (1).png"
    assert comfy.upload(b"two", name, subfolder=folder).json()["name"] == "my picture (1).png"
    assert comfy.upload(b"three", name, subfolder=folder, overwrite="yes").json()["name"] == "my picture (2).png"
    assert comfy.upload(b"four", name, subfolder=folder, overwrite="true").json()["name"] == name
    file = {"filename": name, "subfolder": folder, "type": "input"}
    assert comfy.view(file).content == b"four"


@pytest.mark.parametrize(
    "name, part, fields, status",
    [
        ("a.png", "image", {"subfolder": "../x"}, 400),
        ("a.png", "image", {"subfolder": "/etc/x"}, 400),
        ("../a.png", "image", {}, 400),
        ("a.png", "picture", {}, 400),
        ("no folder/a.png", "image", {}, 500),
        ("", "image", {}, 500),
        ("a.png", "image", {"type": "wrong"}, 500),
    ],
)
def test_an_upload_that_leads_elsewhere_or_is_none_is_refused(comfy, name, part, fields, status):
    answer = comfy.upload(b"x", name, part, **fields)
    assert answer.status_code == status
    if status == 500:
        assert answer.text == "500 Internal Server Error\n\nServer got itself in trouble"


def test_an_upload_may_have_any_letters(comfy):
    assert comfy.upload(b"x", "pen é 中.png", overwrite="1").json()["name"] == "pen é 中.png"


def test_json_is_no_upload(comfy):
    assert comfy.post("/upload/image", {}).status_code == 400


# What is refused: cause, the graph, error.type, the node it is about, type and details there

CHAIN = hunyuan_graph(1)
MESH = mesh_graph(1)
FILES = "FILE_3D_GLB,FILE_3D_GLTF,FILE_3D_FBX,FILE_3D_OBJ,FILE_3D_STL,FILE_3D_USDZ,FILE_3D"
REFUSALS = {
    "a model file that is not there": (
        with_inputs(CHAIN, "ckpt", ckpt_name="none.safetensors"),
        "ckpt",
        "value_not_in_list",
        "ckpt_name: 'none.safetensors' not in ['hunyuan3d-dit-v2-mv_fp16.safetensors', 'hunyuan_3d_v2.1.safetensors']",
    ),
    "another option": (
        with_inputs(MESH, "3", algorithm="marching cubes"),
        "3",
        "value_not_in_list",
        "algorithm: 'marching cubes' not in ['surface net', 'basic']",
    ),
    "another option of many": (
        with_inputs(CHAIN, "sample", sampler_name="nope"),
        "sample",
        "value_not_in_list",
        "sampler_name: 'nope' not in (list of length 44)",
    ),
    "a picture that is not there": (
        with_inputs(MESH, "1", image="image_to_3d/none.png"),
        "1",
        "custom_validation_failed",
        "image - Invalid image file: image_to_3d/none.png",
    ),
    "a picture out of the folder": (
        with_inputs(MESH, "1", image="../x.png"),
        "1",
        "custom_validation_failed",
        "image - Invalid image file: ../x.png",
    ),
    "too large": (with_inputs(MESH, "3", threshold=7.5), "3", "value_bigger_than_max", "threshold"),
    "too small": (with_inputs(MESH, "2", seed=-1), "2", "value_smaller_than_min", "seed"),
    "no number": (
        with_inputs(MESH, "3", threshold="abc"),
        "3",
        "invalid_input_type",
        "threshold, abc, could not convert string to float: 'abc'",
    ),
    "a link of another type": (
        {
            **MESH,
            "4": node("Save3DAdvanced", model_3d=["3", 0], filename_prefix="x", viewport_state="", width=9, height=9),
        },
        "4",
        "return_type_mismatch",
        f"model_3d, received_type(MESH) mismatch input_type({FILES})",
    ),
    "a link to no node": (with_inputs(MESH, "4", mesh=["77", 0]), "4", "exception_during_validation", "'77'"),
    "a link to no output": (
        with_inputs(MESH, "4", mesh=["3", 5]),
        "4",
        "exception_during_validation",
        "list index out of range",
    ),
    "a link to no node, further up": (
        with_inputs(MESH, "3", voxel=["77", 0]),
        "3",
        "exception_during_inner_validation",
        "'77'",
    ),
    "half a link": (with_inputs(MESH, "4", mesh=["3"]), "4", "bad_linked_input", "mesh"),
    "an input that is missing": (with_inputs(MESH, "4", mesh=None), "4", "required_input_missing", "mesh"),
    "a node without inputs": ({**MESH, "4": {"class_type": "SaveGLB"}}, "4", "exception_during_validation", "'inputs'"),
    "a circle": (
        {
            "5": node("InvertMask", mask=["6", 0]),
            "6": node("InvertMask", mask=["5", 0]),
            "7": node("MaskPreview", mask=["5", 0]),
        },
        "5",
        "dependency_cycle",
        "5 (InvertMask) -> 6 (InvertMask) -> 5 (InvertMask)",
    ),
}


@pytest.mark.parametrize("cause", REFUSALS)
def test_a_prompt_is_refused_for(comfy, cause):
    graph, node_id, kind, details = REFUSALS[cause]
    answer = comfy.prompt(graph)
    assert answer.status_code == 400
    told = answer.json()
    assert told["error"]["type"] == "prompt_outputs_failed_validation"
    assert told["error"]["message"] == "Prompt outputs failed validation"
    wrong = told["node_errors"][node_id]
    assert wrong["class_type"] == graph[node_id]["class_type"]
    assert [(error["type"], error["details"]) for error in wrong["errors"]] == [(kind, details)]
    assert comfy.ids() == ([], [])


def test_every_missing_file_is_told_at_once(comfy):
    graph = {
        "a": node("VAELoader", vae_name="a.safetensors"),
        "b": node("ImageOnlyCheckpointLoader", ckpt_name="b.safetensors"),
        "c": node("EmptyLatentHunyuan3Dv2", resolution=4096, batch_size=1),
        "d": node("VAEDecodeHunyuan3D", samples=["c", 0], vae=["a", 0], num_chunks=8000, octree_resolution=256),
        "e": node("VAEDecodeHunyuan3D", samples=["c", 0], vae=["b", 2], num_chunks=8000, octree_resolution=256),
        "f": node("VoxelToMeshBasic", voxel=["d", 0], threshold=0.6),
        "g": node("VoxelToMeshBasic", voxel=["e", 0], threshold=0.6),
        "h": node("SaveGLB", mesh=["f", 0], filename_prefix="x"),
        "i": node("SaveGLB", mesh=["g", 0], filename_prefix="x"),
    }
    wrong = comfy.prompt(graph).json()["node_errors"]
    assert {key: error["errors"][0]["extra_info"]["received_value"] for key, error in wrong.items()} == {
        "a": "a.safetensors",
        "b": "b.safetensors",
    }


def test_a_chosen_choice_demands_its_inputs_and_one_that_is_unknown_is_not_looked_at(comfy):
    remesh = {
        "mesh": ["3", 0],
        "resolution": 64,
        "band": 1.0,
        "project_back": 0.0,
        "fix_poles": False,
        "smooth_iters": 0,
        "drop_small_components": 0.01,
        "precluster_max_verts": 1000,
    }
    graph = {
        **mesh_graph(),
        "5": node("RemeshMesh", **remesh, sign_mode="sdf", **{"sign_mode.qef": True}),
        "4": node("SaveGLB", mesh=["5", 0], filename_prefix=f"image_to_3d/{uuid.uuid4().hex}"),
    }
    [error] = comfy.prompt(graph).json()["node_errors"]["5"]["errors"]
    assert (error["type"], error["details"]) == ("required_input_missing", "manifold")
    assert error["extra_info"]["input_name"] == "sign_mode.manifold"
    name, about = last_message(comfy.done(with_inputs(graph, "5", sign_mode="solid")))
    assert (name, about["node_id"]) == ("execution_error", "5")
    assert about["exception_message"].startswith(
        "RemeshMesh.execute() missing 1 required positional argument: 'sign_mode'"
    )


def test_a_class_that_is_missing_is_refused_before_all_else(comfy):
    graph = {**with_inputs(MESH, "1", image="none.png"), "9": node("Nonsense")}
    answer = comfy.prompt(graph)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "type": "missing_node_type",
            "message": "Node 'Nonsense' not found. The custom node may not be installed.",
            "details": "Node ID '#9'",
            "extra_info": {"node_id": "9", "class_type": "Nonsense", "node_title": "Nonsense"},
        },
        "node_errors": {},
    }


def test_a_node_without_a_class_is_refused_by_its_title(comfy):
    error = comfy.prompt({**MESH, "9": {"inputs": {}, "_meta": {"title": "Saver"}}}).json()["error"]
    assert error["type"] == "missing_node_type"
    assert error["message"].startswith("Node 'Saver' has no class_type.")


@pytest.mark.parametrize(
    "body, kind",
    [
        (b'{"prompt": {}}', "prompt_no_outputs"),
        (b'{"prompt": {"1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}}}}', "prompt_no_outputs"),
        (b'{"client_id": "x"}', "no_prompt"),
        (b"[]", "no_prompt"),
        (b'{"prompt": {}, "prompt_id": "my job"}', "invalid_prompt_id"),
        (b'{"prompt": {}, "prompt_id": ""}', "invalid_prompt_id"),
        (b'{"prompt": {}, "prompt_id": "E4B52842-B3E6-49C4-A422-7C9948006B0A"}', "invalid_prompt_id"),
    ],
)
def test_a_body_is_refused(comfy, body, kind):
    answer = comfy.post("/prompt", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, kind)


@pytest.mark.parametrize(
    "body",
    [b"{nope", b"", b'{"prompt": {"id": "6f9f", "revision": 0, "nodes": [], "links": []}}', b'{"prompt": {"1": null}}'],
)
def test_what_is_no_json_or_a_file_of_the_editor_is_its_trouble(comfy, body):
    answer = comfy.post("/prompt", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (500, "500 Internal Server Error\n\nServer got itself in trouble")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_where_one_output_is_wrong_the_other_runs(busy):
    graph = {**mesh_graph(seconds=LONG), "6": node("SaveGLB", mesh=["77", 0], filename_prefix="x")}
    answer = busy.prompt(graph)
    assert answer.status_code == 200
    assert list(answer.json()["node_errors"]) == ["6"]
    busy.runs(answer.json()["prompt_id"])
    assert busy.told("/queue")["queue_running"][0][4] == ["4"]


# Jobs


def test_a_job_ends_in_the_history_with_its_file(comfy):
    job_id, prefix = new_id(), f"image_to_3d/{uuid.uuid4().hex}"
    graph = mesh_graph(prefix=prefix)
    answer = comfy.prompt(graph, prompt_id=job_id, client_id="facts").json()
    assert (answer["prompt_id"], answer["node_errors"]) == (job_id, {})
    entry = comfy.over(job_id)
    number, own_id, own_graph, extra, outputs = entry["prompt"]
    assert (number, own_id, own_graph, outputs) == (answer["number"], job_id, graph, ["4"])
    assert extra["client_id"] == "facts" and extra["create_time"] > 1e12
    file = {"filename": f"{prefix.split('/')[1]}_00001_.glb", "subfolder": "image_to_3d", "type": "output"}
    assert entry["outputs"] == {"4": {"3d": [file]}}
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("success", True)
    assert [name for name, _ in entry["status"]["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    assert entry["meta"] == {"4": {"node_id": "4", "display_node": "4", "parent_node": None, "real_node_id": "4"}}
    assert comfy.ids() == ([], [])
    assert list(comfy.told("/history?max_items=1")) == [job_id]


def test_a_file_is_served_whole_in_part_and_without_its_body(comfy):
    file = comfy.done(mesh_graph())["outputs"]["4"]["3d"][0]
    whole = comfy.view(file)
    assert whole.status_code == 200 and whole.content[:4] == b"glTF"
    assert whole.headers["Content-Type"] == "model/gltf-binary"
    assert whole.headers["Accept-Ranges"] == "bytes" and whole.headers["ETag"] and whole.headers["Last-Modified"]
    assert whole.headers["Content-Disposition"] == f'filename="{file["filename"]}"'
    part = comfy.view(file, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.content)}"
    rest = comfy.view(file, headers={"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    tag = comfy.view(file, headers={"Range": "bytes=100-", "If-Range": '"another"'})
    assert (tag.status_code, tag.content) == (206, whole.content[100:])  # a tag is not heeded
    old = comfy.view(file, headers={"Range": "bytes=100-", "If-Range": "Thu, 01 Jan 2015 00:00:00 GMT"})
    assert (old.status_code, old.content) == (200, whole.content)
    beyond = comfy.view(file, headers={"Range": f"bytes={len(whole.content)}-"})
    assert beyond.status_code == 416
    head = comfy.ask("HEAD", "/view", params=file)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(len(whole.content)), b"")


@pytest.mark.parametrize(
    "query, status",
    [
        ("?filename=no.glb", 404),
        ("", 404),
        ("?filename=", 400),
        ("?filename=../x", 400),
        ("?filename=/etc/passwd", 400),
        ("?filename=x&type=wrong", 400),
        ("?filename=x&subfolder=../..", 403),
        ("?filename=x&subfolder=/etc", 403),
        ("?filename=alpha.png&subfolder=image_to_3d&type=input", 200),
        ("?filename=alpha.png [input]&subfolder=image_to_3d", 200),
    ],
)
def test_a_file_is_asked_for_by_name_folder_and_type(comfy, query, status):
    assert comfy.get(f"/view{query}").status_code == status


def test_the_same_graph_again_names_the_old_file_at_once(comfy):
    graph = mesh_graph()
    first = comfy.done(graph)
    again = comfy.done(graph)
    assert again["outputs"] == first["outputs"]
    assert sorted(again["status"]["messages"][1][1]["nodes"]) == ["1", "2", "3", "4"]
    prefix = f"image_to_3d/{uuid.uuid4().hex}"
    other = comfy.done(with_inputs(graph, "4", filename_prefix=prefix))
    assert other["outputs"]["4"]["3d"][0]["filename"].startswith(prefix.split("/")[1])
    assert sorted(other["status"]["messages"][1][1]["nodes"]) == ["1", "2", "3"]


def test_files_of_one_prefix_are_numbered(comfy):
    prefix = f"image_to_3d/{uuid.uuid4().hex}"
    names = [comfy.done(mesh_graph(prefix=prefix))["outputs"]["4"]["3d"][0]["filename"] for _ in range(2)]
    assert [name[-11:] for name in names] == ["_00001_.glb", "_00002_.glb"]


@pytest.mark.parametrize("prefix", ["../x", "/etc/x"])
def test_a_prefix_that_leads_out_of_the_folder_fails_in_the_saver(comfy, prefix):
    entry = comfy.done(mesh_graph(prefix=prefix))
    name, about = last_message(entry)
    assert (name, about["node_id"], about["node_type"]) == ("execution_error", "4", "SaveGLB")
    assert "Saving image outside the output folder is not allowed" in about["exception_message"]
    assert entry["outputs"] == {}


def test_a_node_that_runs_out_of_memory(comfy):
    graph = with_inputs({**mesh_graph(), "5": node("Boom", voxel=["2", 0])}, "3", voxel=["5", 0])
    entry = comfy.done(graph)
    assert (entry["status"]["status_str"], entry["status"]["completed"], entry["outputs"]) == ("error", False, {})
    name, about = last_message(entry)
    assert (name, about["node_id"], about["node_type"]) == ("execution_error", "5", "Boom")
    assert about["exception_type"] == "torch.OutOfMemoryError"
    assert about["exception_message"].startswith("CUDA out of memory. Tried to allocate 2.00 GiB\nThis error means")
    assert "2" in about["executed"] and about["traceback"]


def test_a_picture_that_is_none_fails_in_its_loader(comfy):
    comfy.upload(b"no picture", "broken.png", overwrite="1")
    name, about = last_message(comfy.done(mesh_graph(picture="broken.png")))
    assert (name, about["node_type"]) == ("execution_error", "LoadImage")
    assert about["exception_type"] == "PIL.UnidentifiedImageError"
    assert about["exception_message"].startswith("cannot identify image file ")
    assert about["exception_message"].endswith("\n")


def test_only_the_job_that_is_named_is_interrupted(busy):
    job_id = busy.queued(mesh_graph(seconds=LONG))
    busy.runs(job_id)
    other = busy.post("/interrupt", {"prompt_id": new_id()})
    assert (other.status_code, other.content) == (200, b"")
    assert busy.ids()[0] == [job_id]
    assert busy.post("/interrupt", {"prompt_id": job_id}).status_code == 200
    entry = busy.over(job_id)
    assert (entry["status"]["status_str"], entry["status"]["completed"], entry["outputs"]) == ("error", False, {})
    name, about = last_message(entry)
    assert (name, about["node_id"], about["node_type"]) == ("execution_interrupted", "2", "VoxelFromMask")


def test_jobs_wait_for_each_other_and_one_that_is_deleted_leaves_no_trace(busy):
    jobs = [busy.queued(mesh_graph(seconds=LONG)) for _ in range(3)]
    busy.runs(jobs[0])
    assert busy.ids() == (jobs[:1], jobs[1:])
    assert busy.told("/prompt") == {"exec_info": {"queue_remaining": 3}}
    assert busy.told(f"/history/{jobs[1]}") == {}
    answer = busy.post("/queue", {"delete": [jobs[1], new_id()]})
    assert (answer.status_code, answer.content) == (200, b"")
    assert busy.ids() == (jobs[:1], jobs[2:])
    assert busy.told(f"/history/{jobs[1]}") == {}
    busy.post("/queue", {"delete": [jobs[0]]})  # which runs
    assert busy.ids()[0] == jobs[:1]


def test_one_that_goes_to_the_front_overtakes_those_that_wait(busy):
    first, second = (busy.queued(mesh_graph(seconds=LONG)) for _ in range(2))
    busy.runs(first)
    third = busy.queued(mesh_graph(seconds=LONG), front=True)
    assert busy.told("/queue")["queue_pending"][0][1] in (second, third)  # a heap, not a list
    busy.post("/interrupt", {"prompt_id": first})
    busy.over(first)
    busy.runs(third)


def test_the_same_id_twice_is_two_jobs(busy):
    job_id = new_id()
    for _ in range(2):
        assert busy.queued(mesh_graph(seconds=LONG), prompt_id=job_id) == job_id
    busy.runs(job_id)
    assert busy.ids() == ([job_id], [job_id])
    assert busy.told(f"/api/jobs/{job_id}")["status"] in ("in_progress", "pending")
    busy.post("/queue", {"delete": [job_id]})
    assert busy.ids() == ([job_id], [])


def test_an_entry_of_the_history_can_be_deleted(comfy):
    job_id = comfy.queued(mesh_graph())
    comfy.over(job_id)
    answer = comfy.post("/history", {"delete": [job_id]})
    assert (answer.status_code, answer.content) == (200, b"")
    assert comfy.told(f"/history/{job_id}") == {}


def test_one_address_tells_the_state_of_a_job_and_another_cancels_it(busy):
    running, waiting = (busy.queued(mesh_graph(seconds=LONG)) for _ in range(2))
    busy.runs(running)
    assert busy.told(f"/api/jobs/{running}")["status"] == "in_progress"
    assert busy.told(f"/api/jobs/{waiting}")["status"] == "pending"
    for job_id in (waiting, running):
        assert busy.post(f"/api/jobs/{job_id}/cancel").json() == {"cancelled": True}
    busy.over(running)
    told = busy.told(f"/api/jobs/{running}")
    assert (told["status"], told["outputs_count"], told["outputs"]) == ("cancelled", 0, {})
    assert busy.post(f"/api/jobs/{running}/cancel").json() == {"cancelled": False}
    unknown = busy.get(f"/api/jobs/{waiting}")
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Job not found"})


def test_a_job_that_is_done_is_told_with_its_file(comfy):
    job_id = comfy.queued(mesh_graph())
    entry = comfy.over(job_id)
    told = comfy.told(f"/api/jobs/{job_id}")
    assert (told["status"], told["outputs_count"], told["outputs"]) == ("completed", 1, entry["outputs"])
    assert told["preview_output"] == {**entry["outputs"]["4"]["3d"][0], "nodeId": "4", "mediaType": "3d"}


def test_savers_and_previews_tell_of_their_files_each_in_its_own_way(comfy):
    prefix = f"image_to_3d/{uuid.uuid4().hex}"
    view = {"viewport_state": "", "width": 512, "height": 512}
    entry = comfy.done(
        {
            **mesh_graph(),
            "6": node("MeshToFile3D", mesh=["3", 0]),
            "5": node("Preview3D", model_file=["6", 0]),
            "7": node("Preview3DAdvanced", model_3d=["6", 0], **view),
            "8": node("Save3DAdvanced", model_3d=["6", 0], filename_prefix=prefix, **view),
        }
    )
    outputs = entry["outputs"]
    assert outputs["8"] == {"result": [f"{prefix}_00001.glb", None, []]}
    preview, kept = outputs["7"]["result"][0], outputs["5"]["result"][0]
    assert outputs["7"] == {"result": [preview, None, []]} and preview.startswith("preview3d_advanced_")
    assert outputs["5"] == {"result": [kept, None, None]} and kept.startswith("preview3d_")
    folder, name = f"{prefix}_00001.glb".split("/")
    for file in (
        {"filename": name, "subfolder": folder, "type": "output"},
        {"filename": preview, "type": "temp"},
        {"filename": kept, "type": "output"},
    ):
        assert comfy.view(file).content[:4] == b"glTF"
    assert comfy.view({"filename": preview, "type": "output"}).status_code == 404


def test_a_text_is_told_by_what_previews_it(comfy):
    entry = comfy.done(
        {
            "1": node("PrimitiveString", value=f"3D/{uuid.uuid4().hex}.glb"),
            "2": node("PreviewAny", source=["1", 0]),
            "3": node("Preview3D", model_file=["1", 0]),
        }
    )
    path = entry["prompt"][2]["1"]["inputs"]["value"]
    assert entry["outputs"] == {"2": {"text": [path]}, "3": {"result": [path, None, None]}}


# The socket


def kinds(frames):
    """The types of frames in their order, those that tell how far a node is left out."""
    return [frame["type"] for frame in frames if frame["type"] not in ("progress", "progress_state")]


def test_the_socket_tells_of_a_job_in_this_order(comfy):
    client, job_id = uuid.uuid4().hex, new_id()
    graph = mesh_graph()
    frames = heard(comfy, client, lambda: comfy.queued(graph, client_id=client, prompt_id=job_id), is_over)
    assert frames[0] == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client}}
    assert kinds(frames) == [
        *["status"] * 3,
        "execution_start",
        "execution_cached",
        *["executing"] * (4 if "1" not in cached(frames) else 3),
        "executed",
        "execution_success",
        "status",
        "executing",
    ]
    own = [frame["data"] for frame in frames if frame["type"] != "status"]
    assert {data["prompt_id"] for data in own} == {job_id}
    steps = [frame["data"] for frame in frames if frame["type"] == "progress" and frame["data"]["node"] == "2"]
    assert steps[-1] == {"value": 6, "max": 6, "prompt_id": job_id, "node": "2"}
    output = next(frame["data"] for frame in frames if frame["type"] == "executed")
    assert output["node"] == "4" and output["output"] == comfy.over(job_id)["outputs"]["4"]
    states = [frame["data"]["nodes"] for frame in frames if frame["type"] == "progress_state"]
    assert states[-1]["4"]["state"] == "finished" and states[-1]["4"]["real_node_id"] == "4"
    first = states[0]
    assert [state["state"] for state in first.values()] == ["running"]


def cached(frames):
    return next(frame["data"]["nodes"] for frame in frames if frame["type"] == "execution_cached")


def test_what_was_run_before_is_told_at_once(comfy):
    client, graph = uuid.uuid4().hex, mesh_graph()
    comfy.done(graph)
    frames = heard(comfy, client, lambda: comfy.queued(graph, client_id=client), is_over)
    assert kinds(frames)[3:] == [
        "execution_start",
        "execution_cached",
        "executed",
        "execution_success",
        "status",
        "executing",
    ]


def test_an_interrupt_is_told_as_it_stands_in_the_history(busy):
    client, job_id = uuid.uuid4().hex, new_id()

    def act():
        busy.queued(mesh_graph(seconds=LONG), client_id=client, prompt_id=job_id)
        busy.runs(job_id)
        busy.post("/interrupt", {"prompt_id": job_id})

    frames = heard(busy, client, act, is_over)
    told = next(frame["data"] for frame in frames if frame["type"] == "execution_interrupted")
    assert ["execution_interrupted", told] == last_message(busy.over(job_id))
    assert kinds(frames)[-3:] == ["execution_interrupted", "status", "executing"]


def test_who_comes_back_hears_which_node_runs_and_a_stranger_hears_of_the_queue_only(busy):
    client = uuid.uuid4().hex
    job_id = busy.queued(mesh_graph(seconds=LONG), client_id=client)
    busy.runs(job_id)
    frames = heard(busy, client, lambda: None, lambda frame: frame["type"] == "executing")
    assert frames[0]["data"]["sid"] == client
    assert frames[-1] == {"type": "executing", "data": {"node": "2"}}
    frames = heard(busy, "somebody else", lambda: busy.post("/interrupt", {"prompt_id": job_id}), is_empty_queue)
    assert kinds(frames) == ["status", "status"]


def is_empty_queue(frame):
    return frame["type"] == "status" and frame["data"]["status"]["exec_info"]["queue_remaining"] == 0
