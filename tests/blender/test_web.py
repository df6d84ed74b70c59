# SPDX-License-Identifier: GPL-3.0-or-later
"""Web services as a user of Blender meets them: the model, what is sent, what goes wrong, online access, and coming
back."""

import hashlib
import json
import shutil
import ssl
import subprocess
from pathlib import Path

import bpy
import numpy as np
import pytest
from drawing import png
from once import once
from service.stand_in import StandIn
from ticking import tick_until

SERVICES = ("meshy", "csm")

MESHY = {
    "back_image_url": "",
    "left_image_url": "",
    "right_image_url": "",
    "ai_model": "latest",
    "model_type": "STANDARD",
    "should_texture": True,
    "enable_pbr": True,
    "texture_prompt": "",
    "texture_image_url": "",
    "texture_model": "",
    "texture_resolution": "2K",
    "hd_texture": False,
    "remove_lighting": True,
    "should_remesh": False,
    "topology": "TRIANGLE",
    "target_polycount": 30_000,
    "decimation_mode": 0,
    "save_pre_remeshed_model": False,
    "geometry_resolution": "STANDARD",
    "pose_mode": "NONE",
    "auto_size": False,
    "origin_at": "BOTTOM",
    "image_enhancement": True,
    "moderation": False,
    "alpha_thumbnail": False,
    "multi_view_thumbnails": False,
    "input_task_id": "",
}
CSM = {
    "geometry_model": "BASE",
    "texture_model": "PBR",  # CSM itself assumes "none"
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "TRIS",
    "resolution": "HIGH_POLY",
}


def roots():
    return [obj for obj in bpy.data.objects if "image_to_3d_job" in obj]


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sign_in_preferences(extension, stand_in):
    for name in SERVICES:
        setattr(extension.preferences, f"{name}_key", getattr(stand_in, f"{name}_key"))
        setattr(extension.preferences, f"{name}_url", getattr(stand_in, f"{name}_url"))


@pytest.mark.parametrize("account_in", ["environment", "preferences"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_picture_becomes_a_model(extension, session, star, services, sign_in, service, account_in):
    if account_in == "environment":  # and it goes before the preferences
        sign_in(services)
        setattr(extension.preferences, f"{service}_key", "0" * 32)
        setattr(extension.preferences, f"{service}_url", "http://127.0.0.1:9")
    else:
        sign_in_preferences(extension, services)
    assert bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper()) == {"FINISHED"}

    (create,) = services.creates
    assert create.service == service
    assert create.parameters["image_url"].sha256 == sha256_of(star)
    (root,) = roots()
    (job,) = session.jobs()
    check_material(root, {"Base Color", "Metallic", "Roughness", "Normal"} if service == "meshy" else {"Base Color"})
    assert root["image_to_3d_service"] == service
    assert root["image_to_3d_task"] == create.id
    assert root["image_to_3d_job"] == job.id
    assert root["image_to_3d_picture"] == "Red Star"
    assert root["image_to_3d_picture_sha256"] == sha256_of(star)
    parameters = json.loads(root["image_to_3d_parameters"])
    assert "topology" in parameters and not parameters.keys() & {"image_url", "texture_image_url"}
    record = json.loads((session.folder_of(job.id) / "job.json").read_text())
    assert (record["state"], record["task_id"], record["progress"]) == ("imported", create.id, 1.0)
    assert record["credits"] == (create.credits if service == "meshy" else None)


def check_material(root, sockets):
    """One Principled BSDF, with packed images at these sockets at least."""
    (mesh,) = [obj for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    (material,) = mesh.data.materials
    (principled,) = [node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"]
    linked = {socket.name for socket in principled.inputs if socket.is_linked}
    assert linked >= sockets, f"only {linked}"
    images = {node.image for node in material.node_tree.nodes if node.type == "TEX_IMAGE"}
    assert images and all(image.packed_file and image.size[0] for image in images)
    color = principled.inputs["Base Color"].links[0].from_node
    assert (color.type, color.image.colorspace_settings.name) == ("TEX_IMAGE", "sRGB")


@pytest.mark.parametrize(("service", "properties"), [("meshy", MESHY), ("csm", CSM)])
def test_the_properties_have_the_services_names_and_defaults(service, properties):
    group = getattr(bpy.context.scene.image_to_3d, service)
    names = {prop.identifier for prop in group.bl_rna.properties} - {"rna_type", "name"}
    values = {name: getattr(group, name) for name in names}
    assert {name: list(v) if hasattr(v, "foreach_get") else v for name, v in values.items()} == properties
    for prop in group.bl_rna.properties:
        if prop.type == "ENUM":
            assert all(item.identifier == item.identifier.upper() for item in prop.enum_items)


def sent(session, start_web, stand_in, service, **options):
    """What the service gets for the settings as they are; the task is given up then."""
    before = len(stand_in.creates)
    job = start_web(service, **options)
    tick_until(session, lambda: session.refresh(job.id).task_id or session.refresh(job.id).state == "failed")
    assert session.refresh(job.id).task_id, session.refresh(job.id).message
    bpy.ops.image_to_3d.cancel(job=job.id)
    tick_until(session, lambda: not session.is_running(job.id))
    (create,) = stand_in.creates[before:]
    return {name: value for name, value in create.parameters.items() if name != "image_url"}


@once
def test_meshy_gets_what_was_set_and_no_more(session, settings, start_web, slow_account):
    def now_sent():
        return sent(session, start_web, slow_account, "meshy")

    always = {"enable_pbr": True, "target_formats": ["glb"]}
    chosen = settings.meshy
    assert now_sent() == always
    chosen.topology = "QUAD"  # has no effect without should_remesh
    chosen.texture_prompt, chosen.hd_texture, chosen.should_texture = "shiny", True, False
    assert now_sent() == {**always, "enable_pbr": False, "should_texture": False}
    chosen.should_texture, chosen.hd_texture, chosen.should_remesh = True, False, True
    assert now_sent() == {**always, "texture_prompt": "shiny", "should_remesh": True, "topology": "quad"}
    chosen.texture_prompt, chosen.topology, chosen.decimation_mode = "", "TRIANGLE", 3
    chosen.pose_mode, chosen.geometry_resolution, chosen.ai_model = "A-POSE", "4K", "meshy-7.1"
    chosen.target_polycount = 5_000  # has no effect beside decimation_mode
    remeshed = {"should_remesh": True, "topology": "triangle"}
    now_said = {**always, **remeshed, "decimation_mode": 3, "pose_mode": "a-pose", "ai_model": "meshy-7.1"}
    assert now_sent() == {**now_said, "geometry_resolution": "4k"}
    chosen.ai_model, chosen.remove_lighting = "meshy-6", False  # which knows no geometry_resolution
    assert now_sent() == {**now_said, "ai_model": "meshy-6", "remove_lighting": False}
    chosen.model_type, chosen.ai_model = "SMART-TOPOLOGY", "meshy-t2.5"  # which makes the mesh with so many faces
    smart = {"model_type": "smart-topology", "ai_model": "meshy-t2.5", "pose_mode": "a-pose"}
    assert now_sent() == {**always, **smart, "target_polycount": 5_000}
    chosen.property_unset("target_polycount")
    assert now_sent() == {**always, **smart}
    chosen.enable_pbr, chosen.texture_model, chosen.texture_resolution = True, "meshy-n1", "8K"  # which makes no maps
    assert now_sent() == {**always, **smart, "enable_pbr": False, "texture_model": "meshy-n1"}


@once
def test_csm_gets_what_was_set_and_no_more(session, settings, start_web, slow_account):
    chosen = settings.csm
    chosen.preserve_aspect_ratio = True  # has no effect without a bounding box
    assert sent(session, start_web, slow_account, "csm") == {"texture_model": "pbr"}  # what a new scene starts with
    chosen.texture_model = "NONE"
    assert sent(session, start_web, slow_account, "csm") == {}
    chosen.texture_model, chosen.topology, chosen.resolution = "PBR", "QUADS", "LOW_POLY"
    chosen.scaled_bbox = (1.5, -1, 0.1)
    assert sent(session, start_web, slow_account, "csm") == {
        "texture_model": "pbr",
        "topology": "quads",
        "resolution": "low_poly",
        "scaled_bbox": [1.5, -1, 0.1],
        "preserve_aspect_ratio": True,
    }


@once
def test_pictures_beside_the_blend_file_and_addresses(session, settings, start_web, slow_account, star, web, tmp_path):
    (tmp_path / "Gold.png").write_bytes(star.read_bytes())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    chosen = bpy.context.scene.image_to_3d
    chosen.meshy.texture_image_url = "//Gold.png"
    assert sent(session, start_web, slow_account, "meshy")["texture_image_url"].sha256 == sha256_of(star)
    chosen.source, chosen.url = "URL", web.serve("/Blue%20Star.png", star.read_bytes(), "image/png")
    chosen.meshy.texture_image_url = web.serve("/Gold.png", star.read_bytes(), "image/png")
    texture = sent(session, start_web, slow_account, "meshy", filepath="")["texture_image_url"]
    assert texture == chosen.meshy.texture_image_url
    create = slow_account.creates[-1]
    assert create.parameters["image_url"] == chosen.url
    assert session.jobs()[0].name == "Blue Star"
    chosen.meshy.texture_image_url = "//Nowhere.png"
    with pytest.raises(Exception, match="There is no picture at .*Nowhere.png"):
        start_web("meshy")


@once
@pytest.mark.parametrize(("service", "label"), [("meshy", "Meshy"), ("csm", "CSM")])
def test_without_a_key_nothing_is_begun(session, star, no_jobs, service, label):
    before = list(session.root().iterdir())
    with pytest.raises(RuntimeError, match=f"{label} needs an API key.*preferences.*{service.upper()}_API_KEY"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper())
    assert list(session.root().iterdir()) == before


def wrong_key(extension, stand_in, service):
    setattr(extension.preferences, f"{service}_key", "1" * 32)
    return lambda: sign_in_preferences(extension, stand_in)


def no_credits(extension, stand_in, service):
    stand_in.credits = 3

    def buy():
        stand_in.credits = 1000

    return buy


def blocked(extension, stand_in, service):
    stand_in.play("create", "status", status=400, message="The image was blocked by moderation")
    return lambda: None


@once
@pytest.mark.parametrize(
    ("service", "fault", "sentence"),
    [
        ("meshy", wrong_key, r"Meshy does not accept the API key.*enter a valid one.*status 401"),
        ("csm", wrong_key, r"CSM does not accept the API key.*enter a valid one.*status 403"),
        ("meshy", no_credits, r"too few credits.*buy some.*status 402"),
        ("meshy", blocked, r"moderation of Meshy blocked.*use another.*status 400"),
        ("csm", blocked, r"moderation of CSM blocked.*use another.*status 400"),
    ],
)
def test_a_refusal_is_one_sentence_and_can_be_retried(extension, session, star, services, service, fault, sentence):
    sign_in_preferences(extension, services)
    correct = fault(extension, services, service)
    with pytest.raises(RuntimeError, match=sentence) as failure:
        bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper())
    assert "Traceback" not in str(failure.value)
    (job,) = session.jobs()
    assert job.state == "failed" and job.message in str(failure.value) and not services.creates
    correct()
    bpy.ops.image_to_3d.retry(job=job.id)
    tick_until(session, lambda: session.refresh(job.id).task_id or not session.is_busy())
    (create,) = services.creates
    assert session.refresh(job.id).task_id == create.id


@once
def test_a_task_that_failed_at_the_service_is_asked_for_anew_on_retry(session, star, account):
    account.quirk(final="FAILED", code="moderation_blocked", message="not allowed")
    with pytest.raises(RuntimeError, match=r"moderation blocked the picture or the prompt \(not allowed\)"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    (job,) = session.jobs()
    account.quirk(final="")
    bpy.ops.image_to_3d.retry(job=job.id)
    tick_until(session, lambda: session.refresh(job.id).task_id)
    first, second = account.creates
    assert session.refresh(job.id).task_id == second.id != first.id


@once
def test_a_service_elsewhere_needs_online_access(session, star, no_jobs, monkeypatch):
    monkeypatch.setenv("MESHY_API_KEY", "msy_nobody")
    before = list(session.root().iterdir())
    with pytest.raises(RuntimeError, match="turn on Allow Online Access in the preferences, under System"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert list(session.root().iterdir()) == before


@pytest.fixture
def elsewhere(cube, no_jobs, tmp_path, monkeypatch, extension):
    """A patient stand-in over TLS, at an address that is not taken for one of this machine although it is."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=stand-in"]
    names = "subjectAltName=IP:0.0.0.0,IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, "-addext", names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    extension.preferences.ca_file = str(certificate)
    with StandIn(model=cube, seconds=None, tls=context) as made:
        monkeypatch.setenv("MESHY_API_KEY", made.meshy_key)
        monkeypatch.setenv("MESHY_API_URL", made.meshy_url.replace("127.0.0.1", "0.0.0.0"))
        yield made


@once
def test_a_running_job_pauses_while_online_access_is_off(session, start_web, elsewhere):
    system = bpy.context.preferences.system
    system.use_online_access = True
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    for _ in range(3):  # as often as it likes
        tick_until(session, lambda: session.is_running(job.id))
        system.use_online_access = False
        tick_until(session, lambda: not session.is_running(job.id), deadline_s=10)
        asked = len(elsewhere.requests)
        for _ in range(10):
            session.tick()
        assert session.refresh(job.id).state == "running"
        assert not session.is_running(job.id) and len(elsewhere.requests) == asked
        system.use_online_access = True
    (create,) = elsewhere.creates
    elsewhere.finish(create.id)
    tick_until(session, lambda: not session.is_busy())
    assert session.refresh(job.id).state == "imported", session.refresh(job.id).message
    assert len(elsewhere.creates) == 1 and roots()


@once
def test_a_damaged_result_is_prepared_anew_without_paying(session, star, account):
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    (job,) = session.jobs()
    result = session.folder_of(job.id) / "result.blend"
    for damage in (lambda: result.write_bytes(result.read_bytes()[:-5000]), lambda: write_blend(result), result.unlink):
        damage()
        before = len(bpy.data.objects), len(bpy.data.collections)
        with pytest.raises(
            RuntimeError, match="The model of Red Star (cannot be read|is damaged).*: retry the job"
        ) as e:
            bpy.ops.image_to_3d.import_result(job=job.id)
        assert len(str(e.value).splitlines()) == 1 and str(e.value).count("Error:") == 1
        assert (len(bpy.data.objects), len(bpy.data.collections)) == before
    bpy.ops.image_to_3d.retry(job=job.id)
    tick_until(session, lambda: not session.is_busy())
    assert session.refresh(job.id).state == "imported" and len(roots()) == 2
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert len(roots()) == 3 and len(account.creates) == 1


def write_blend(path):
    """A .blend that can be read, with nothing of a model in it."""
    empty = bpy.data.collections.new("Empty")
    bpy.data.libraries.write(str(path), {empty})
    bpy.data.collections.remove(empty)


def test_disabling_stops_a_web_job_and_enabling_goes_on_with_it(extension, session, start_web, slow_account):
    job = start_web("csm")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    process = session.processes[job.id]
    extension.disable()
    try:
        assert not hasattr(bpy.types.Scene, "image_to_3d")
        assert process.wait(10) == 0
    finally:
        extension.enable()
    (create,) = slow_account.creates
    slow_account.finish(create.id)
    tick_until(session, lambda: session.jobs() and session.refresh(job.id).state == "imported")
    assert roots()[0]["image_to_3d_task"] == create.id
    assert len(slow_account.creates) == 1


def test_cancelling_tells_meshy(session, start_web, slow_account):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    bpy.ops.image_to_3d.cancel(job=job.id)
    tick_until(session, lambda: not session.is_busy() and session.refresh(job.id).state == "cancelled")
    assert [request.step for request in slow_account.requests].count("delete") == 1


@once
def test_a_cancelled_job_can_be_retried_at_once(session, start_web, slow_account):
    job = start_web("csm")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    session.cancel(job.id)
    session.processes[job.id].wait(10)
    session.retry(job.id, bpy.context.scene)  # before a tick has seen the end of the process
    (create,) = slow_account.creates
    slow_account.finish(create.id)
    tick_until(session, lambda: not session.is_busy())
    assert session.refresh(job.id).state == "imported" and len(slow_account.creates) == 1


@once
def test_a_job_removed_right_after_it_was_cancelled_disturbs_nothing(session, start_web, slow_account):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    session.cancel(job.id)
    session.processes[job.id].wait(10)
    bpy.ops.image_to_3d.remove(job=job.id)
    assert session.tick() == [] and session.jobs() == []


def turned(pixels):
    """An image of these pixels, turned by a right angle as the Image Editor's menu does it."""
    image = bpy.data.images.new("Turned", pixels.shape[1], pixels.shape[0], alpha=True)
    image.pixels.foreach_set((pixels[::-1] / np.float32(255)).ravel())
    image.update()
    bpy.ops.ed.undo_push()  # without a first step to go back to, the operator crashes a Blender without windows
    with bpy.context.temp_override(edit_image=image):
        bpy.ops.image.rotate_orthogonal(degrees="90")
    return image


@once
@pytest.mark.parametrize("service", SERVICES)
def test_of_a_turned_image_the_pixels_shown_are_sent(extension, session, account, tmp_path, service):
    noise = np.random.default_rng(3).integers(0, 256, (30, 50, 4), np.uint8)
    image = turned(noise)
    assert tuple(image.size) == (30, 50)
    shown = np.array(image.pixels, np.float32).reshape(50, 30, 4)[::-1]
    (tmp_path / "shown.png").write_bytes(png(np.round(shown * 255).astype(np.uint8)))
    fit = extension.module("headless.fit").fit
    report = extension.module("headless.report").Report(tmp_path / "report.jsonl")
    expected = fit(tmp_path / "shown.png", 4096, str(tmp_path / "expected"), report)["file"]
    assert bpy.ops.image_to_3d.generate(image=image.name, service=service.upper()) == {"FINISHED"}
    (create,) = account.creates
    assert create.parameters["image_url"].sha256 == sha256_of(Path(expected))


def one_color(*color):
    return png(np.full((30, 40, 4), color, np.uint8))


def cut_off(star):
    return star.read_bytes()[:-20]


@once
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (cut_off, "fox.png is cut off or damaged: open it and save it anew, or choose another."),
        (lambda star: one_color(0, 0, 0, 0), "fox.png is fully transparent: choose one that shows something."),
        (lambda star: one_color(9, 9, 9, 255), "fox.png is one flat color without any shape: choose one that"),
    ],
)
def test_of_what_shows_no_picture_no_task_is_made(session, account, star, tmp_path, service, make, sentence):
    (tmp_path / "fox.png").write_bytes(make(star))
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.image_to_3d.generate(filepath=str(tmp_path / "fox.png"), service=service.upper())
    assert not account.creates and not account.requests
    (job,) = session.jobs()
    assert (job.state, job.sent, job.task_id) == ("failed", "", "")


@once
def test_an_empty_image_is_not_sent(session, account):
    bpy.data.images.new("Nothing", 40, 30, alpha=True).generated_color = (0, 0, 0, 0)
    with pytest.raises(RuntimeError, match="The picture is fully transparent"):
        bpy.ops.image_to_3d.generate(image="Nothing", service="MESHY")
    assert not account.requests
