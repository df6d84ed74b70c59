# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes to CSM and Meshy and what is made of their answers, over real HTTP to the stand-in services."""

import hashlib

import pytest

from image_to_3d import api
from image_to_3d.api import errors
from image_to_3d.api.parameters import applies, check
from image_to_3d.api.services import SERVICES
from image_to_3d.api.services.meshy import Meshy

MESHY = SERVICES["meshy"].parameters
CSM = SERVICES["csm"].parameters


def last(stand_in):
    return stand_in.creates[-1].parameters


def test_csm_gets_the_seven_parameters_under_its_key(csm, stand_in, picture, star):
    values = {
        "geometry_model": "turbo",
        "texture_model": "pbr",
        "scaled_bbox": [-1, 1.8, -1],
        "preserve_aspect_ratio": True,
        "topology": "quads",
        "resolution": "low_poly",
    }
    task = csm.create({**picture, **values})
    assert task.status is api.Status.PENDING and task.id == stand_in.creates[0].id
    sent = dict(last(stand_in))
    image = sent.pop("image_url")
    assert sent == values
    assert (image.media_type, image.sha256) == ("image/png", hashlib.sha256(star.read_bytes()).hexdigest())
    (request,) = stand_in.requests
    assert (request.method, request.path, request.status) == ("POST", "/csm/image-to-3d-sessions", 201)
    assert request.headers["x-api-key"] == stand_in.csm_key and "Authorization" not in request.headers
    assert request.headers["Content-Type"] == "application/json"
    assert int(request.headers["Content-Length"]) == request.size and "Transfer-Encoding" not in request.headers


def test_meshy_gets_what_was_set_and_what_its_defaults_cannot_be_trusted_with(meshy, stand_in, picture):
    meshy.create(picture)
    assert {k: v for k, v in last(stand_in).items() if k != "image_url"} == {
        "enable_pbr": True,
        "target_formats": ["glb"],
    }
    (request,) = stand_in.requests
    assert (request.path, request.status) == ("/meshy/openapi/v1/image-to-3d", 202)
    assert request.headers["Authorization"] == f"Bearer {stand_in.meshy_key}" and "x-api-key" not in request.headers
    values = {
        "ai_model": "meshy-6",
        "should_remesh": True,
        "topology": "quad",
        "target_polycount": 5000,
        "decimation_mode": 2,
        "texture_prompt": "Rusty — grün",
        "enable_pbr": False,
        "auto_size": True,
        "origin_at": "center",
        "remove_lighting": False,
        "pose_mode": "t-pose",
    }
    meshy.create({**picture, **values})
    assert {k: v for k, v in last(stand_in).items() if k not in ("image_url", "target_formats")} == values


def test_without_a_texture_there_are_no_maps(meshy, stand_in, picture):
    meshy.create({**picture, "should_texture": False})
    assert last(stand_in)["enable_pbr"] is False


def test_an_address_is_passed_on_and_a_second_picture_is_sent_too(meshy, stand_in, web, star):
    url = web.serve("/star.png", star.read_bytes(), "image/png")
    meshy.create({"image_url": url, "texture_image_url": str(star)})
    assert last(stand_in)["image_url"] == url and last(stand_in)["texture_image_url"].media_type == "image/png"


@pytest.mark.parametrize(
    "values",
    [
        {"enable_pbr": True, "should_texture": False},
        {"texture_prompt": "rust", "should_texture": False},
        {"texture_resolution": "4k", "should_texture": False},
        {"topology": "quad"},
        {"target_polycount": 5000},
        {"decimation_mode": 1},
        {"save_pre_remeshed_model": True},
        {"origin_at": "center"},
        {"target_polycount": 99, "should_remesh": True},
        {"texture_prompt": "x" * 601},
        {"decimation_mode": 5, "should_remesh": True},
        {"model_type": "lowpoly"},
        {"symmetry_mode": "auto"},
        {"moderation": "yes"},
        {"image_url": ""},
    ],
)
def test_a_bad_combination_is_refused_in_one_sentence_before_anything_is_sent(meshy, stand_in, picture, values):
    with pytest.raises(errors.ParameterError) as refusal:
        meshy.create({**picture, **values})
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)
    assert not stand_in.requests


def test_the_tables_say_what_has_no_effect(picture):
    grey = {
        parameter.name
        for parameter in MESHY
        if not applies(MESHY, parameter, check(MESHY, {**picture, "should_texture": False}))
    }
    texture = {
        "enable_pbr",
        "texture_prompt",
        "texture_image_url",
        "texture_resolution",
        "hd_texture",
        "remove_lighting",
    }
    remesh = {"topology", "target_polycount", "decimation_mode", "save_pre_remeshed_model"}
    assert grey == texture | remesh | {"origin_at"}
    assert [parameter.name for parameter in CSM] == [
        "image_url",
        "geometry_model",
        "texture_model",
        "scaled_bbox",
        "preserve_aspect_ratio",
        "topology",
        "resolution",
    ]


def test_an_image_task_of_meshy_stands_instead_of_a_picture():
    assert check(MESHY, {"input_task_id": "0190"})["image_url"] == ""
    with pytest.raises(errors.ParameterError, match="There is no picture"):
        check(MESHY, {})


def test_a_task_runs_and_succeeds(patient, connect, picture):
    for name in ("meshy", "csm"):
        service = connect(patient, name)
        task = service.create(picture)
        patient.set_progress(task.id, -1)
        assert service.get(task.id).status is api.Status.PENDING
        patient.set_progress(task.id, 40)
        running = service.get(task.id)
        assert (running.status, running.progress) == (
            api.Status.RUNNING,
            0.4,
        ) and name.lower() in running.message.lower()
        patient.finish(task.id)
        done = service.get(task.id)
        assert done.status is api.Status.SUCCEEDED and done.progress == 1 and done.result.glb.startswith("http")
        assert done.credits == (30 if name == "meshy" else None)


def test_the_place_in_the_queue_is_told(patient, connect, picture):
    service = connect(patient, "meshy")
    ids = [service.create(picture).id for _ in range(3)]
    for task_id in ids:
        patient.set_progress(task_id, -1)
    assert "2 tasks before this one" in service.get(ids[2]).message


@pytest.mark.parametrize(
    "quirks",
    [
        {"unknown_status": "POLISHING"},
        {"no_progress": True},
        {"null_fields": True},
        {"no_empty_fields": True},
        {"old_words": True},
        {"no_retry_after": True},
    ],
)
@pytest.mark.parametrize("name", ["meshy", "csm"])
def test_what_services_do_differently_does_no_harm(patient, connect, picture, name, quirks):
    patient.quirk(name, **quirks)
    service = connect(patient, name)
    task = service.create(picture)
    patient.set_progress(task.id, 50)
    assert service.get(task.id).status is api.Status.RUNNING
    patient.finish(task.id)
    assert service.get(task.id).status is api.Status.SUCCEEDED


@pytest.mark.parametrize("quirks", [{"texture_urls_object": True}, {"model_url_only": True}, {"progress_one": True}])
def test_what_meshy_does_differently_in_the_end_does_no_harm(meshy, stand_in, picture, quirks):
    stand_in.quirk("meshy", **quirks)
    task = meshy.get(meshy.create(picture).id)
    assert task.status is api.Status.SUCCEEDED and task.progress == 1
    assert set(task.result.maps) == {"base_color", "metallic", "roughness", "normal"}


def test_further_files_are_told_by_name(meshy, picture):
    values = {
        "should_remesh": True,
        "save_pre_remeshed_model": True,
        "multi_view_thumbnails": True,
        "alpha_thumbnail": True,
    }
    task = meshy.get(meshy.create({**picture, **values}).id)
    sides = {f"thumbnail_{side}.png" for side in ("front", "right", "back", "left")}
    assert set(task.result.extras) == {"pre_remeshed.glb", "alpha_thumbnail.png", *sides}


@pytest.mark.parametrize("name", ["meshy", "csm"])
def test_a_model_in_other_formats_only_is_an_error_that_names_them(stand_in, connect, picture, name):
    stand_in.quirk(name, no_glb=True)
    service = connect(stand_in, name)
    task = service.get(service.create(picture).id)
    assert task.has_ended and task.result is None and "no GLB" in str(task.error) and "fbx" in str(task.error)


@pytest.mark.parametrize(
    ("quirks", "kind", "words"),
    [
        ({"final": "FAILED", "message": "Too blurry"}, errors.TaskFailedError, "Too blurry"),
        ({"final": "FAILED", "message": "No", "code": "moderation_blocked"}, errors.ModerationError, "moderation"),
        ({"final": "FAILED", "message": "No", "code": "image_too_complex"}, errors.PictureRefusedError, "too complex"),
        ({"final": "CANCELED"}, errors.TaskFailedError, "cancelled at Meshy"),
        ({"final": "EXPIRED"}, errors.GoneError, "does not keep"),
    ],
)
def test_how_a_task_of_meshy_ends_without_a_model(meshy, stand_in, picture, quirks, kind, words):
    stand_in.quirk("meshy", **quirks)
    task_id = meshy.create(picture).id
    with pytest.raises(kind, match=words):
        api.wait(meshy, task_id)


@pytest.mark.parametrize("where", ["error", "message", "status_message"])
def test_csm_may_put_the_reason_anywhere_and_fail_at_once(csm, stand_in, picture, where):
    stand_in.quirk("csm", final="failed", message="Too blurry", reason_in=where)
    assert "Too blurry" in str(csm.get(csm.create(picture).id).error)
    stand_in.quirk("csm", fail_at_create=True)
    assert csm.create(picture).status is api.Status.FAILED


def test_a_task_that_is_forgotten_is_gone(service, stand_in, picture):
    task = service.create(picture)
    stand_in.forget(task.id)
    assert service.get(task.id).status is api.Status.GONE
    with pytest.raises(errors.GoneError, match="generate it again"):
        api.wait(service, task.id)


def test_meshy_is_told_to_give_a_task_up_and_csm_cannot_be(meshy, csm, stand_in, picture):
    task = meshy.create(picture)
    assert meshy.cancel(task.id) and meshy.get(task.id).status is api.Status.GONE
    assert meshy.cancel(task.id)
    assert not csm.cancel(csm.create(picture).id)
    assert meshy.balance() == stand_in.credits


@pytest.mark.parametrize("junk", [None, True, 7, 1.5, "x", "", [], [1], {}, {"a": None}, [[]], {"glb": 7}])
def test_fields_of_any_type_raise_nothing_but_our_own_errors(junk):
    meshy = Meshy(key="k" * 8, url="http://127.0.0.1:1")
    csm = SERVICES["csm"](key="k" * 8, url="http://127.0.0.1:1")
    names = ("model_urls", "model_url", "texture_urls", "thumbnail_urls", "progress", "task_error", "preceding_tasks")
    for name in (*names, "consumed_credits", "alpha_thumbnail_url", "id"):
        for word in ("PENDING", "IN_PROGRESS", "SUCCEEDED", "FAILED", junk):
            meshy._task("1", {"status": word, name: junk})
    for name in ("mesh_url_glb", "percent_done", "percentage", "status_message", "session_code"):
        for word in ("queued", "complete", "failed", junk):
            csm._task("1", {"session_status": word, name: junk})
    assert isinstance(csm._words(junk), str) and isinstance(meshy._words(junk), str)
