# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI as a user of Blender meets it: what arrives, what is sent, what is said where it fails, and what is made
again."""

import json
import socket

import bpy
import numpy as np
import pytest
from drawing import png
from once import once
from service.comfyui_graphs import hunyuan_graph
from service.cube import cube_glb
from service.stand_in import StandIn
from service.textures import assembled, parted
from ticking import tick_until

DIALECTS = ("new", "old")
VIEWS = ("back", "left", "right")
PAINTED = "The model came without a texture: it is painted with the picture."
CHECKPOINT = "hunyuan_3d_v2.1.safetensors"


@pytest.fixture
def chosen():
    """The settings, with ComfyUI chosen and its simplest workflow."""
    chosen = bpy.context.scene.image_to_3d
    chosen.service, chosen.comfyui.workflow = "COMFYUI", "MESH"
    return chosen


@pytest.fixture
def slow(patient, monkeypatch):
    """Services whose ComfyUI works on a prompt until the test says that it is done."""
    monkeypatch.setenv("COMFYUI_API_URL", patient.comfyui_url)
    return patient


@pytest.fixture
def start(chosen, session, start_web, slow):
    """Start a job as the button does with a window, and go on until ComfyUI works on it."""

    def start():
        job = start_web("comfyui")
        tick_until(session, lambda: session.refresh(job.id).message.startswith("ComfyUI "))
        return session.refresh(job.id)

    return start


@pytest.fixture
def painting(no_jobs, monkeypatch, tmp_path):
    """Services whose ComfyUI makes a model with PBR maps where the workflow paints, and a grey one where it does
    not."""
    document, binary = parted(cube_glb())
    document["materials"][0]["pbrMetallicRoughness"]["metallicRoughnessTexture"] = {"index": 0}
    document["materials"][0]["normalTexture"] = {"index": 0}
    (tmp_path / "maps.glb").write_bytes(assembled(document, binary))
    (tmp_path / "grey.glb").write_bytes(cube_glb(textured=False))
    with StandIn(model=tmp_path / "maps.glb") as made:
        made.comfyui.plain_model = tmp_path / "grey.glb"
        monkeypatch.setenv("COMFYUI_API_URL", made.comfyui_url)
        yield made


@pytest.fixture
def flow(tmp_path):
    """Writes a workflow of the user's, and returns its path."""

    def flow(graph=None, name="flow.json"):
        path = tmp_path / name
        path.write_text(json.dumps(graph or hunyuan_graph(seed=7)))
        return path

    return flow


@pytest.fixture
def four(chosen, star, tmp_path):
    """Four different pictures of one object, in the settings; what each holds, by view."""
    held = {"front": star.read_bytes()}
    for number, view in enumerate(VIEWS):
        pixels = np.zeros((40, 60, 4), np.uint8)
        pixels[5:35, 10:50] = (40 * number, 200, 30, 255)
        path = tmp_path / f"{view}.png"
        path.write_bytes(png(pixels))
        held[view] = path.read_bytes()
        setattr(chosen.comfyui, f"{view}_image_url", str(path))
    chosen.comfyui.workflow = "VIEWS"
    return held


def generate(picture, **options):
    assert bpy.ops.image_to_3d.generate(filepath=str(picture), **options) == {"FINISHED"}


def refused(picture, sentence):
    """Generate, which fails with this sentence and nothing more."""
    with pytest.raises(RuntimeError) as failure:
        bpy.ops.image_to_3d.generate(filepath=str(picture))
    assert sentence in str(failure.value) and "Traceback" not in str(failure.value)
    assert len(str(failure.value).splitlines()) == 1


def roots():
    return sorted((obj for obj in bpy.data.objects if "image_to_3d_job" in obj), key=lambda root: root.name)


def graph_of(stand_in, number=-1):
    return stand_in.creates[number].parameters["prompt"]


def nodes(graph, class_type):
    """The inputs of all nodes of a class."""
    return [node["inputs"] for node in graph.values() if node["class_type"] == class_type]


def seed_in(graph):
    (seed,) = [inputs["seed"] for inputs in nodes(graph, "KSampler")]
    return seed


def uploaded(stand_in, name):
    """What the server has of a picture that a graph names."""
    return stand_in.comfyui.installed.disk.picture(name).read_bytes()


def picture_behind(graph, link):
    """The picture that a link of a graph comes of."""
    node = graph[link[0]]
    if node["class_type"] == "LoadImage":
        return node["inputs"]["image"]
    (source,) = [node["inputs"][name] for name in ("image", "images") if name in node["inputs"]]
    return picture_behind(graph, source)


def materials():
    return [material for obj in bpy.data.objects if obj.type == "MESH" for material in obj.data.materials if material]


def linked_sockets(material):
    (principled,) = [node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"]
    return {entry.name for entry in principled.inputs if entry.is_linked}


def images_of(material):
    return [node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"]


def paths_asked(stand_in, word):
    return [request.path for request in stand_in.requests if word in request.path]


def until_ended(session, job):
    tick_until(session, lambda: not session.is_busy())
    return session.refresh(job.id)


# What arrives


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_mesh_arrives_painted_with_its_picture(chosen, session, painting, star, dialect):
    painting.comfyui.dialect = dialect
    generate(star)
    (root,), (material,) = roots(), materials()
    (image,) = images_of(material)
    assert "Base Color" in linked_sockets(material) and image.packed_file
    pixels = np.array(image.pixels).reshape(-1, image.channels)
    assert pixels[:, :3].mean(axis=0) == pytest.approx((200 / 255, 40 / 255, 30 / 255), abs=0.03)
    (job,) = session.jobs()
    assert PAINTED in job.note and f"Seed {seed_in(graph_of(painting))}." in job.note
    assert (root.name, root["image_to_3d_service"]) == ("Red Star", "comfyui")
    assert root["image_to_3d_task"] == painting.creates[0].id == job.task_id


@once
def test_where_that_is_not_wanted_it_stays_grey(chosen, session, painting, star):
    chosen.comfyui.project_picture = False
    generate(star)
    assert roots() and not [image for material in materials() for image in images_of(material)]
    assert "painted" not in session.jobs()[0].note


def test_a_textured_model_has_its_maps_and_nothing_is_painted_over_them(chosen, session, painting, star):
    chosen.comfyui.workflow = "TEXTURED"
    generate(star)
    (material,) = materials()
    assert linked_sockets(material) >= {"Base Color", "Metallic", "Roughness", "Normal"}
    assert all(image.packed_file for image in images_of(material))
    assert nodes(graph_of(painting), "Pixal3DConditioning") and "painted" not in session.jobs()[0].note


@once
def test_a_mesh_of_several_views_is_painted_with_all_of_them(four, session, painting, star):
    painting.comfyui.dialect = "old"  # which has Hunyuan3D 2mv only, and so no maps
    generate(star)
    assert {material.name for material in materials()} == {
        f"Red Star {view}" for view in ("Front", "Back", "Left", "Right")
    }
    assert PAINTED.replace("picture.", "pictures.") in session.jobs()[0].note


@once
@pytest.mark.parametrize(
    ("dialect", "node"),
    [("new", "Pixal3DMultiViewConditioning"), ("old", "Hunyuan3Dv2ConditioningMultiView")],
)
@pytest.mark.usefixtures("quick_models")
def test_each_view_goes_to_an_input_of_its_own(four, comfyui, star, dialect, node):
    comfyui.comfyui.dialect = dialect
    generate(star)
    graph = graph_of(comfyui)
    (inputs,) = nodes(graph, node)
    sent = {side: uploaded(comfyui, picture_behind(graph, inputs[side])) for side in ("front", *VIEWS)}
    # Left and right of ComfyUI are the object's own, ours are those of Blender's views.
    assert sent == {"front": four["front"], "back": four["back"], "left": four["right"], "right": four["left"]}


@once
@pytest.mark.usefixtures("quick_models")
def test_a_view_that_the_workflow_does_not_take_is_not_sent(four, chosen, comfyui, star):
    chosen.comfyui.workflow = "MESH"
    generate(star)
    assert len(paths_asked(comfyui, "/upload/image")) == 1


@once
@pytest.mark.usefixtures("quick_models")
def test_what_decides_quality_and_memory_is_sent_as_it_was_set(chosen, comfyui, star):
    chosen.comfyui.octree_resolution, chosen.comfyui.steps = 128, 12
    generate(star)
    graph = graph_of(comfyui)
    assert nodes(graph, "VAEDecodeHunyuan3D")[0]["octree_resolution"] == 128
    assert nodes(graph, "KSampler")[0]["steps"] == 12
    chosen.comfyui.workflow = "TEXTURED"
    chosen.comfyui.texture_size, chosen.comfyui.target_face_count = "1024", 5_000
    generate(star)
    graph = graph_of(comfyui)
    assert nodes(graph, "DecimateMesh")[0]["target_face_count"] == 5_000
    assert nodes(graph, "BakeTextureFromVoxel")[0]["texture_size"] == 1024


# The seed


@once
@pytest.mark.usefixtures("quick_models")
def test_the_seed_that_was_drawn_stands_on_the_job_and_in_its_note(chosen, session, comfyui, star):
    assert chosen.comfyui.seed == -1
    generate(star)
    seed = seed_in(graph_of(comfyui))
    (job,) = session.jobs()
    assert seed >= 0 and job.parameters["seed"] == seed and f"Seed {seed}." in job.note
    record = json.loads((session.folder_of(job.id) / "job.json").read_text())
    assert record["parameters"]["seed"] == seed


@once
@pytest.mark.usefixtures("quick_models")
def test_each_variant_has_another_seed(chosen, session, comfyui, star):
    chosen.variants = 3
    generate(star)
    drawn = [seed_in(graph_of(comfyui, number)) for number in range(3)]
    assert len(set(drawn)) == 3 and {job.parameters["seed"] for job in session.jobs()} == set(drawn)
    assert [root.name for root in roots()] == ["Red Star 1", "Red Star 2", "Red Star 3"]


@once
@pytest.mark.usefixtures("quick_models")
def test_of_a_chosen_seed_the_variants_go_on_from_there(chosen, session, comfyui, star):
    chosen.variants, chosen.comfyui.seed = 3, 2**31 - 2
    generate(star)
    seeds = {job.variant: job.parameters["seed"] for job in session.jobs()}
    assert (seeds[1], seeds[2]) == (2**31 - 2, 2**31 - 1) and 0 <= seeds[3] < 2**31 - 2, seeds
    assert sorted(seed_in(graph_of(comfyui, number)) for number in range(3)) == sorted(seeds.values())


@once
@pytest.mark.usefixtures("quick_models")
def test_with_its_settings_the_same_model_can_be_made_again(chosen, session, comfyui, star):
    chosen.comfyui.steps = 12
    generate(star)
    first = session.jobs()[0]
    chosen.service, chosen.comfyui.workflow, chosen.comfyui.steps = "LOCAL", "TEXTURED", 99
    assert bpy.ops.image_to_3d.use_settings(job=first.id) == {"FINISHED"}
    assert (chosen.service, chosen.comfyui.workflow, chosen.filepath) == ("COMFYUI", "MESH", str(star))
    bpy.ops.image_to_3d.generate()
    first, second = (graph_of(comfyui, number) for number in (0, 1))
    assert nodes(first, "KSampler") == nodes(second, "KSampler")


# A workflow of the user's own


@once
@pytest.mark.usefixtures("quick_models")
def test_a_workflow_of_the_users_gets_the_picture_and_the_seed(chosen, comfyui, star, flow):
    chosen.comfyui.workflow, chosen.comfyui.workflow_file, chosen.comfyui.seed = "FILE", str(flow()), 11
    generate(star)
    graph = graph_of(comfyui)
    assert seed_in(graph) == 11
    assert uploaded(comfyui, nodes(graph, "LoadImage")[0]["image"]) == star.read_bytes()


@once
@pytest.mark.usefixtures("quick_models")
def test_a_workflow_beside_the_blend_file_is_found_from_there(chosen, comfyui, star, flow, tmp_path):
    flow()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    chosen = bpy.context.scene.image_to_3d
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", "//flow.json"
    generate(star)
    assert len(comfyui.creates) == 1


@once
@pytest.mark.usefixtures("quick_models")
def test_a_workflow_that_is_deleted_after_generate_was_pressed_is_still_there(
    chosen, session, start_web, comfyui, flow
):
    path = flow()
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(path)
    job = start_web("comfyui")
    path.unlink()
    assert until_ended(session, job).state == "imported", session.refresh(job.id).message
    assert len(comfyui.creates) == 1


@pytest.fixture
def double(flow):
    """A workflow that loads two pictures and saves two models."""
    graph = hunyuan_graph(seed=7)
    graph["other_image"] = {
        "class_type": "LoadImage",
        "inputs": {"image": "other.png"},
        "_meta": {"title": "The Shadow"},
    }
    graph["other_see"] = {
        "class_type": "CLIPVisionEncode",
        "inputs": {"clip_vision": ["ckpt", 1], "image": ["other_image", 0], "crop": "center"},
    }
    graph["other_cond"] = {
        "class_type": "Hunyuan3Dv2Conditioning",
        "inputs": {"clip_vision_output": ["other_see", 0]},
    }
    graph["sample"]["inputs"]["negative"] = ["other_cond", 1]
    graph["other_save"] = {
        "class_type": "SaveGLB",
        "inputs": {"mesh": ["mesh", 0], "filename_prefix": "other"},
        "_meta": {"title": "Save the Shadow"},
    }
    return flow(graph)


@once
@pytest.mark.usefixtures("quick_models")
def test_where_a_workflow_has_two_of_them_the_user_is_asked_and_chooses(chosen, session, comfyui, star, double):
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(double)
    refused(
        star, "2 nodes that save a model, save (SaveGLB) and other_save (Save the Shadow): choose one as Model Node."
    )
    chosen.comfyui.model_node = "save"
    refused(
        star, "2 nodes that load a picture, image (LoadImage) and other_image (The Shadow): choose one as Picture Node."
    )
    assert not session.jobs() and not comfyui.requests
    chosen.comfyui.picture_node = "image"
    refused(star, "ComfyUI does not have other.png, which the node The Shadow loads: put it into its folder input")
    comfyui.comfyui.installed.disk.upload("input", "", "other.png", star.read_bytes(), False)
    generate(star)
    graph = graph_of(comfyui)
    assert graph["image"]["inputs"]["image"].startswith("image_to_3d/")
    assert graph["other_image"]["inputs"]["image"] == "other.png"
    assert [id for id, node in graph.items() if node["class_type"] == "SaveGLB"] == ["save"]


@once
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"nodes": [{"id": 1, "type": "LoadImage"}], "links": [], "version": 0.4}, "is for ComfyUI's editor: open it"),
        ({"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}, "saves no 3D model: end it with Save 3D"),
        ({"1": {"class_type": "SaveGLB", "inputs": {"mesh": ["2", 0]}}}, "has no node that loads a picture: begin it"),
        ([], "holds no workflow: use one that ComfyUI has exported with Export (API)."),
    ],
)
def test_a_file_that_is_no_such_workflow_is_refused_before_there_is_a_job(
    chosen, session, comfyui, star, flow, content, sentence
):
    path = flow(name="Other.json")
    path.write_text(json.dumps(content))
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(path)
    refused(star, sentence)
    chosen.comfyui.workflow_file = str(path.with_name("nowhere.json"))
    refused(star, "There is no workflow at ")
    chosen.comfyui.workflow_file = ""
    refused(star, "There is no workflow file: choose one")
    assert not session.jobs() and not comfyui.requests


@once
@pytest.mark.usefixtures("quick_models")
def test_with_its_settings_the_workflow_is_the_users_own_file_again(chosen, session, comfyui, star, flow):
    path = flow()
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(path)
    generate(star)
    (job,) = session.jobs()
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "MESH", ""
    bpy.ops.image_to_3d.use_settings(job=job.id)
    assert (chosen.comfyui.workflow, chosen.comfyui.workflow_file) == ("FILE", str(path))
    bpy.ops.image_to_3d.remove(job=job.id)
    bpy.ops.image_to_3d.generate()
    assert len(comfyui.creates) == 2


@once
@pytest.mark.usefixtures("quick_models")
def test_where_that_is_gone_the_jobs_own_copy_of_it_is_used(chosen, session, comfyui, star, flow):
    path = flow()
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(path)
    generate(star)
    path.unlink()
    bpy.ops.image_to_3d.use_settings(job=session.jobs()[0].id)
    bpy.ops.image_to_3d.generate()
    assert len(comfyui.creates) == 2 and len(roots()) == 2


# What the server lacks, and where it is


@once
@pytest.mark.usefixtures("quick_models")
def test_a_model_file_that_is_missing_is_said_and_once_it_is_there_retry_does(chosen, session, comfyui, star):
    there = comfyui.comfyui.models
    comfyui.comfyui.models = {**there, "checkpoints": []}
    refused(star, f"ComfyUI lacks {CHECKPOINT}: put it into models/checkpoints.")
    assert not comfyui.creates and not paths_asked(comfyui, "/upload")
    comfyui.comfyui.models = there
    (job,) = session.jobs()
    assert job.state == "failed"
    bpy.ops.image_to_3d.retry(job=job.id)
    assert until_ended(session, job).state == "imported"


@once
@pytest.mark.usefixtures("quick_models")
def test_a_server_that_is_too_old_for_the_workflow_is_told_so(chosen, comfyui, star):
    comfyui.comfyui.dialect, chosen.comfyui.workflow = "old", "TEXTURED"
    refused(star, "ComfyUI 0.3.64 is too old for the workflow textured (it lacks the node")
    assert not comfyui.creates


@once
@pytest.mark.usefixtures("quick_models")
def test_a_node_of_the_users_workflow_that_is_missing_is_named(chosen, comfyui, star, flow):
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(flow())
    comfyui.comfyui.missing_classes = {"VAEDecodeHunyuan3D"}
    refused(star, "ComfyUI lacks the node VAEDecodeHunyuan3D of the workflow: update ComfyUI, or install")
    assert not comfyui.creates


@pytest.fixture
def nobody(monkeypatch):
    """A port of this machine that nothing listens at, as ComfyUI's address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    monkeypatch.setenv("COMFYUI_API_URL", f"http://127.0.0.1:{port}")
    return port


@once
@pytest.mark.usefixtures("quick_models", "hurry", "no_jobs")
def test_a_server_that_is_away_is_said_and_the_job_waits_for_retry(
    chosen, session, star, nobody, services, monkeypatch
):
    refused(star, f"No ComfyUI answers at 127.0.0.1:{nobody}: start it, or enter its address in the preferences.")
    (job,) = session.jobs()
    assert (job.state, job.task_id) == ("failed", "")
    monkeypatch.setenv("COMFYUI_API_URL", services.comfyui_url)
    bpy.ops.image_to_3d.retry(job=job.id)
    assert until_ended(session, job).state == "imported", session.refresh(job.id).message


@once
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://192.168.3.4:8188", "turn on Allow Online Access in the preferences, under System"),
        ("comfy.example.com", "turn on Allow Online Access in the preferences, under System"),
    ],
)
def test_a_server_on_another_machine_needs_online_access(
    chosen, session, no_jobs, star, monkeypatch, address, sentence
):
    monkeypatch.setenv("COMFYUI_API_URL", address)
    refused(star, sentence)
    assert not session.jobs()


@once
@pytest.mark.usefixtures("quick_models")
def test_its_address_and_token_can_stand_in_the_preferences(extension, chosen, services, star):
    services.quirk("comfyui", login="Bearer")
    extension.preferences.comfyui_url = services.comfyui_url
    refused(star, "The server asks for a login")
    extension.preferences.comfyui_key = services.comfyui_key
    generate(star)
    assert len(services.creates) == 1


@once
@pytest.mark.usefixtures("quick_models")
def test_the_token_is_in_no_file_and_no_log(chosen, session, comfyui, star, monkeypatch):
    comfyui.quirk("comfyui", login="Bearer")
    monkeypatch.setenv("COMFYUI_API_KEY", comfyui.comfyui_key)
    generate(star)
    folder = session.folder_of(session.jobs()[0].id)
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert {"job.json", "log.txt"} <= {file.name for file in files}
    assert not [file for file in files if comfyui.comfyui_key.encode() in file.read_bytes()]
    assert comfyui.comfyui_key not in str(dict(roots()[0]))


# What befalls it there


@once
@pytest.mark.usefixtures("quick_models")
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("befall", "sentence"),
    [
        (
            lambda comfyui, id: comfyui.fail(id, node="decode"),
            "ComfyUI ran out of graphics memory in node VAEDecodeHunyuan3D: choose a smaller Mesh Detail, or close "
            "other programs.",
        ),
        (
            lambda comfyui, id: comfyui.fail(id, "RuntimeError", "no voxels", "mesh"),
            "ComfyUI stopped in node VoxelToMesh: no voxels.",
        ),
        (lambda comfyui, id: comfyui.interrupt(id), "The job was stopped at ComfyUI: generate it again."),
    ],
    ids=["memory", "exception", "interrupted"],
)
def test_what_goes_wrong_there_is_one_sentence_and_retry_makes_it_again(
    start, session, slow, befall, sentence, dialect
):
    slow.comfyui.dialect = dialect
    job = start()
    befall(slow.comfyui, job.task_id)
    job = until_ended(session, job)
    assert (job.state, job.message) == ("failed", sentence) and not roots()
    session.retry(job.id, bpy.context.scene)  # as the button does with a window
    tick_until(session, lambda: len(slow.creates) == 2)
    assert slow.creates[0].id != slow.creates[1].id
    slow.comfyui.finish(slow.creates[1].id)
    assert until_ended(session, job).state == "imported" and len(roots()) == 1


@once
@pytest.mark.usefixtures("quick_models", "hurry")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_is_restarted_is_sent_the_job_again_and_that_is_said(start, session, slow, dialect):
    slow.comfyui.dialect = dialect
    job = start()
    seed = job.parameters["seed"]
    slow.comfyui.restart()
    tick_until(session, lambda: len(slow.creates) == 2)
    slow.comfyui.finish(slow.creates[1].id)
    job = until_ended(session, job)
    assert job.state == "imported" and job.task_id == slow.creates[1].id
    assert "ComfyUI was restarted and forgot this job" in job.note and "It was sent again." in job.note
    assert seed_in(graph_of(slow, 0)) == seed_in(graph_of(slow, 1)) == seed, "the model that was asked for"
    assert len(roots()) == 1


@once
@pytest.mark.usefixtures("quick_models", "hurry")
@pytest.mark.parametrize("action", ["drop_after", "garbage", "no_id"])
def test_a_prompt_whose_answer_is_lost_is_there_once(chosen, session, comfyui, star, action):
    comfyui.play("create", action, service="comfyui")
    generate(star)
    assert len(comfyui.creates) == 1 and roots()[0]["image_to_3d_task"] == comfyui.creates[0].id


@once
@pytest.mark.usefixtures("quick_models")
@pytest.mark.parametrize("manner", ["silent", "closed", "refused"])
def test_where_the_socket_is_closed_to_us_the_model_arrives_all_the_same(chosen, comfyui, star, manner):
    comfyui.quirk("comfyui", socket=manner)
    generate(star)
    assert len(roots()) == 1


@once
@pytest.mark.usefixtures("quick_models")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_cancel_stops_our_own_prompt_and_no_other(start, session, start_web, slow, dialect):
    slow.comfyui.dialect = dialect
    running = start()
    waiting = start_web("comfyui")
    tick_until(session, lambda: session.refresh(waiting.id).message == "Waiting at ComfyUI, 1 job before this one")
    bpy.ops.image_to_3d.cancel(job=waiting.id)
    tick_until(session, lambda: not session.is_running(waiting.id))
    assert session.refresh(waiting.id).message == "Cancelled" and not slow.comfyui.interrupted
    assert [[job.id for job in jobs] for jobs in slow.comfyui.queue()] == [[running.task_id], []]
    bpy.ops.image_to_3d.cancel(job=running.id)
    tick_until(session, lambda: not session.is_busy())
    assert session.refresh(running.id).message == "Cancelled"
    assert slow.comfyui.interrupted == [running.task_id]


@once
@pytest.mark.usefixtures("quick_models")
def test_a_job_goes_on_with_the_same_prompt_when_blender_comes_back(extension, start, session, slow):
    job = start()
    extension.disable()
    extension.enable()
    slow.comfyui.finish(job.task_id)
    tick_until(session, lambda: session.jobs() and session.refresh(job.id).state == "imported")
    assert len(slow.creates) == 1 and roots()[0]["image_to_3d_task"] == job.task_id


@once
@pytest.mark.usefixtures("quick_models")
def test_what_costs_nothing_is_made_anew_where_a_script_asks_again(chosen, session, comfyui, star):
    for _ in range(2):
        generate(star)
    assert len(comfyui.creates) == 2 and len(roots()) == 2


# Pictures from the web, and what a model says of where it came from


@once
@pytest.mark.usefixtures("quick_models")
def test_a_picture_of_the_web_is_fetched_here_and_not_by_comfyui(chosen, session, comfyui, star, web):
    chosen.source, chosen.url = "URL", web.serve("/Blue%20Star.png?key=s3cret", star.read_bytes(), "image/png")
    bpy.ops.image_to_3d.generate()
    graph = graph_of(comfyui)
    assert "http" not in json.dumps(graph)
    assert uploaded(comfyui, nodes(graph, "LoadImage")[0]["image"]) == star.read_bytes()
    (root,) = roots()
    assert root.name == "Blue Star" and root["image_to_3d_picture_sha256"]
    assert "s3cret" not in str(dict(root))


@once
@pytest.mark.usefixtures("quick_models")
def test_so_is_that_of_a_view(four, chosen, comfyui, star, web):
    comfyui.comfyui.dialect = "old"
    chosen.comfyui.back_image_url = web.serve("/back.png", four["back"], "image/png")
    generate(star)
    graph = graph_of(comfyui)
    (inputs,) = nodes(graph, "Hunyuan3Dv2ConditioningMultiView")
    assert "http" not in json.dumps(graph)
    assert uploaded(comfyui, picture_behind(graph, inputs["back"])) == four["back"]


@once
def test_a_picture_elsewhere_needs_online_access_although_comfyui_does_not(chosen, session, comfyui):
    chosen.source, chosen.url = "URL", "https://example.org/fox.png"
    refused("", "turn on Allow Online Access in the preferences, under System")
    assert not session.jobs() and not comfyui.requests


@once
def test_of_the_users_paths_nothing_stands_on_the_model_nor_in_the_asset_browser(
    four, chosen, session, comfyui, star, flow, tmp_path
):
    chosen.comfyui.workflow, chosen.comfyui.workflow_file = "FILE", str(flow(name="Private Plan.json"))
    for view in VIEWS:
        setattr(chosen.comfyui, f"{view}_image_url", "")
    generate(star)
    (job,), (root,) = session.jobs(), roots()
    parameters = json.loads(root["image_to_3d_parameters"])
    assert parameters["workflow"] == "file" and "workflow_file" not in parameters and "image_url" not in parameters
    folder = session.folder_of(job.id)
    with bpy.data.libraries.load(str(folder / "result.blend"), assets_only=True) as (there, here):
        here.collections = there.collections
    (asset,) = here.collections
    description = asset.asset_data.description
    assert "ComfyUI" in description and "Workflow: file" in description
    for text in (str(dict(root)), description, str([tag.name for tag in asset.asset_data.tags])):
        assert not [word for word in ("Private Plan", str(tmp_path), str(folder), "workflow_file") if word in text]


@once
def test_comfyui_counts_as_a_service_that_costs_nothing(extension, chosen):
    cost = extension.module("scene.request").cost
    assert not cost(bpy.context.scene)
