# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy on the wire: what a request looks like, and what each answer means. Real HTTP on loopback."""

import pytest
from scripted import http

from image_to_3d import api
from image_to_3d.api import errors

PICTURE = {"image_url": "https://example.org/fox.png"}
GLB = "https://files.example.org/model.glb?Expires=1"
OTHER = "https://files.example.org/other"
S = api.Status


@pytest.fixture
def task_of(connect, scripted):
    """What becomes of this body of an answer."""

    def task_of(**body):
        scripted.say(http({"id": "T", **body}))
        return connect(scripted, "meshy").get("T")

    return task_of


def test_a_request_carries_the_key_and_its_length_and_nothing_of_csm(meshy, server, star):
    meshy.create({"image_url": str(star)})
    (request,) = server.requests
    headers = request.headers
    assert (request.method, request.path) == ("POST", "/meshy/openapi/v1/image-to-3d")
    assert headers["Authorization"] == f"Bearer {server.meshy_key}"
    assert headers["Content-Type"] == "application/json"
    assert int(headers["Content-Length"]) == request.size > star.stat().st_size
    assert "Transfer-Encoding" not in headers and "x-api-key" not in headers


def test_two_pictures_arrive_as_they_lie_on_the_disk_whatever_their_endings_say(meshy, server, star, tmp_path):
    from pathlib import Path

    photo = Path(__file__).parents[1] / "pictures" / "horse.jpg"
    lying = tmp_path / "horse.png"
    lying.write_bytes(photo.read_bytes())
    meshy.create({"image_url": str(star), "texture_image_url": str(lying)})
    sent = server.creates[0].parameters
    assert sent["image_url"][:2] == ("image/png", star.stat().st_size)
    assert sent["texture_image_url"][:2] == ("image/jpeg", photo.stat().st_size)


def test_the_older_address_without_openapi_works_too(connect, server):
    url = server.meshy_url.removesuffix("/openapi") + "/"
    assert connect(server, "meshy", url=url).check_key() == 1000


def test_a_task_from_its_beginning_to_its_end(connect, slow_server):
    meshy = connect(slow_server, "meshy")
    task = meshy.create(PICTURE)
    assert task.status is S.PENDING
    slow_server.set_progress(task.id, 40)
    task = meshy.get(task.id)
    assert (task.status, task.progress, task.retry_after_s) == (S.RUNNING, 0.4, 5.0)
    slow_server.finish(task.id)
    task = meshy.get(task.id)
    assert (task.status, task.progress, task.credits, task.retry_after_s) == (S.SUCCEEDED, 1.0, 30, None)
    assert set(task.result.maps) == {"base_color", "metallic", "roughness", "normal"} and not task.result.extras


@pytest.mark.parametrize(
    ("ahead", "message"),
    [
        (0, "Waiting at Meshy"),
        (1, "Waiting at Meshy, 1 task before this one"),
        (3, "Waiting at Meshy, 3 tasks before this one"),
        (None, "Waiting at Meshy"),
        ("many", "Waiting at Meshy"),
    ],
)
def test_the_place_in_the_queue_is_told(task_of, ahead, message):
    task = task_of(status="PENDING", preceding_tasks=ahead)
    assert (task.status, task.message) == (S.PENDING, message)


@pytest.mark.parametrize("word", ["IN_PROGRESS", "in_progress", "POLISHING", "", None, 7])
def test_a_word_that_nobody_knows_means_that_it_runs(task_of, word):
    task = task_of(status=word, progress=None)
    assert (task.status, task.progress) == (S.RUNNING, 0.0)


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        (
            {"status": "FAILED", "task_error": {"message": "Please retry."}},
            S.FAILED,
            "TaskFailedError",
            "(Please retry):",
        ),
        ({"status": "FAILED"}, S.FAILED, "TaskFailedError", "could not make the model:"),
        ({"status": "FAILED", "task_error": None}, S.FAILED, "TaskFailedError", "could not make the model:"),
        ({"status": "FAILED", "task_error": "odd"}, S.FAILED, "TaskFailedError", "could not make the model:"),
        ({"status": "FAILED", "task_error": {"code": "moderation_blocked"}}, S.FAILED, "ModerationError", "blocked"),
        (
            {"status": "FAILED", "task_error": {"code": "image_too_complex"}},
            S.FAILED,
            "PictureRefusedError",
            "a single object",
        ),
        ({"status": "FAILED", "task_error": {"code": "timeout"}}, S.FAILED, "TaskFailedError", "ran out of time: try"),
        (
            {"status": "FAILED", "task_error": {"code": "format_conversion_failed", "message": "No GLB"}},
            S.FAILED,
            "TaskFailedError",
            "to a file (No GLB): try again, or ask for fewer faces",
        ),
        *(
            ({"status": "FAILED", "task_error": {"type": kind, "code": code}}, S.FAILED, "TaskFailedError", words)
            for code in (None, "made_up")
            for kind, words in (
                ("invalid_input", "change picture or parameters"),
                ("timeout", "ran out of time"),
                ("server_error", "a trouble of its own: try again"),
                ("service_unavailable", "a trouble of its own: try again"),
                ("made_up", "could not make the model"),
            )
        ),
        (
            {"status": "FAILED", "task_error": {"type": "server_error", "code": "moderation_blocked"}},
            S.FAILED,
            "ModerationError",
            "blocked",
        ),
        ({"status": "FAILED", "task_error": {"code": "invalid_input"}}, S.FAILED, "PictureRefusedError", "another"),
        ({"status": "FAILED", "task_error": {"code": "made_up"}}, S.FAILED, "TaskFailedError", "try again"),
        (
            {"status": "FAILED", "task_error": {"message": "a {brace}\nand more"}},
            S.FAILED,
            "TaskFailedError",
            "a {brace} and",
        ),
        *(
            ({"status": word}, S.FAILED, "TaskFailedError", "cancelled at Meshy")
            for word in ("CANCELED", "CANCELLED", "cancelled")
        ),
        ({"status": "EXPIRED"}, S.GONE, "GoneError", "generate it again, which costs again"),
    ],
    ids=lambda value: None if not isinstance(value, dict) else f"{value['status']}-{value.get('task_error')}",
)
def test_an_end_without_a_model_is_told_with_its_reason(task_of, is_sentence, body, status, kind, words):
    task = task_of(**body)
    assert task.status is status and task.has_ended
    assert type(task.error).__name__ == kind and words in str(task.error) and is_sentence(str(task.error))


@pytest.mark.parametrize(
    ("body", "glb"),
    [
        ({"model_urls": {"glb": GLB, "fbx": OTHER}, "model_url": OTHER}, GLB),
        ({"model_urls": {"glb": ""}, "model_url": GLB}, GLB),
        ({"model_urls": {}, "model_url": GLB}, GLB),
        ({"model_urls": None, "model_url": GLB}, GLB),
        ({"model_url": GLB}, GLB),
    ],
)
def test_the_model_is_taken_from_either_field(task_of, body, glb):
    task = task_of(status="SUCCEEDED", progress=1, **body)
    assert (task.status, task.progress, task.result.glb) == (S.SUCCEEDED, 1.0, glb)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model_urls": {"fbx": OTHER, "usdz": OTHER, "glb": None}}, "only fbx, usdz:"),
        ({"model_urls": {"glb": "/relative.glb"}}, "and no other file:"),
        ({"model_urls": []}, "and no other file:"),
        ({}, "and no other file:"),
    ],
)
def test_success_without_a_glb_is_an_error_that_names_what_there_is(task_of, is_sentence, body, words):
    task = task_of(status="SUCCEEDED", consumed_credits=30, **body)
    assert task.status is S.SUCCEEDED and task.result is None, "asked again, there may be one"
    assert words in str(task.error) and is_sentence(str(task.error))
    assert "retry to ask again, which costs nothing" in str(task.error)
    assert task.credits == 30


MAPS = {"base_color": OTHER, "normal": OTHER, "emission": OTHER}


@pytest.mark.parametrize(
    ("texture_urls", "maps"),
    [
        ([MAPS], MAPS),
        (MAPS, MAPS),
        ([{**MAPS, "roughness": "", "metallic": None, "sparkle": OTHER}], MAPS),
        ([], {}),
        (None, {}),
        ([None], {}),
        ("none", {}),
    ],
)
def test_the_maps_come_in_an_array_or_alone(task_of, texture_urls, maps):
    task = task_of(status="SUCCEEDED", model_urls={"glb": GLB}, texture_urls=texture_urls)
    assert task.result.maps == maps


@pytest.mark.parametrize(
    "quirk", ["null_fields", "no_empty_fields", "no_progress", "texture_urls_object", "model_url_only", "progress_one"]
)
@pytest.mark.parametrize("done", [False, True])
def test_fields_may_be_null_absent_or_old(connect, slow_server, quirk, done):
    slow_server.quirk("meshy", **{quirk: True})
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    slow_server.set_progress(task_id, 50)
    if done:
        slow_server.finish(task_id)
    task = meshy.get(task_id)
    assert task.status is (S.SUCCEEDED if done else S.RUNNING)
    assert not done or (task.progress == 1.0 and task.result.glb and len(task.result.maps) == 4)


def test_further_files_that_were_asked_for_are_told_by_their_names(meshy):
    asked = {"should_remesh": True, "save_pre_remeshed_model": True}
    asked |= {"alpha_thumbnail": True, "multi_view_thumbnails": True}
    task = meshy.get(meshy.create({**PICTURE, **asked}).id)
    sides = {f"thumbnail_{side}.png" for side in ("front", "right", "back", "left")}
    assert set(task.result.extras) == {"pre_remeshed.glb", "alpha_thumbnail.png", *sides}


def test_credits_are_told_where_meshy_tells_them(task_of):
    assert task_of(status="FAILED", consumed_credits=0).credits == 0
    assert task_of(status="PENDING").credits is None
    assert task_of(status="PENDING", consumed_credits="odd").credits == 0


@pytest.mark.parametrize("id", ["0190", "ghost"])
def test_a_task_is_given_up_at_meshy_also_where_it_is_not_known(meshy, server, id):
    task_id = meshy.create(PICTURE).id if id == "0190" else id
    assert meshy.cancel(task_id) is True
    assert (server.requests[-1].method, server.requests[-1].path.rpartition("/")[2]) == ("DELETE", task_id)
    gone = meshy.get(task_id)
    assert gone.status is S.GONE and "Task not found" in str(gone.error) and "which costs again" in str(gone.error)


def test_a_refusal_to_give_up_is_told(meshy, server):
    task_id = meshy.create(PICTURE).id
    server.play("delete", "status", status=409, message="Task is running")
    with pytest.raises(errors.RefusedError, match="(Task is running).: it goes on, and is paid for"):
        meshy.cancel(task_id)


def test_the_balance_goes_down_with_every_task_and_is_refused_when_it_is_no_number(meshy, server, connect, scripted):
    assert meshy.check_key() == 1000
    meshy.create({**PICTURE, "should_texture": False})
    assert meshy.check_key() == 980
    scripted.say(http({"balance": None}))
    with pytest.raises(errors.UnavailableError):
        connect(scripted, "meshy").check_key()


def test_a_balance_is_in_whole_credits(connect, scripted):
    scripted.say(http({"balance": 99.9}))
    assert connect(scripted, "meshy").check_key() == 99


def test_a_task_that_says_nothing_of_its_prompt_had_none(connect, scripted):
    import time

    now = time.time() * 1000
    tasks = [{"id": "none", "created_at": now}, {"id": "null", "created_at": now, "texture_prompt": None}]
    tasks.append({"id": "mossy", "created_at": now, "texture_prompt": "mossy"})
    scripted.say(http(tasks))
    assert connect(scripted, "meshy").find(PICTURE, 1.0) == ["none", "null"]
    assert connect(scripted, "meshy").find({**PICTURE, "texture_prompt": "mossy"}, 1.0) == ["mossy"]


def test_an_event_of_an_error_is_looked_up_in_the_ordinary_way(connect, hostile):
    """It says that the task is not there; the ordinary answer says why."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    answers = iter([http({"id": "T", "status": "IN_PROGRESS"}), http({"message": "Task not found"}, "404 Not Found")])
    event = b'event: error\ndata: {"status_code": 404, "message": "x"}\n\n'
    hostile.play(lambda request: [head, event] if request.target.endswith("/stream") else [next(answers)])
    waits = []
    statuses = [task.status for task in connect(hostile, "meshy").listen("T", waits.append)]
    assert statuses == [S.RUNNING, S.GONE] and set(waits) <= {0.0}


def test_too_few_credits_are_told(meshy, server):
    server.credits = 10
    with pytest.raises(errors.NoCreditsError, match="Insufficient credits"):
        meshy.create(PICTURE)
    assert not server.creates


@pytest.mark.parametrize("body", [[], "ok", {}, {"id": "T"}, b"", b"<html>", b"[" * 200_000])
def test_an_answer_that_is_none_is_a_trouble_of_the_service_that_may_pass(connect, scripted, is_sentence, body):
    scripted.say(http(body, x_request_id="r-7"))
    with pytest.raises(errors.UnavailableError) as trouble:
        connect(scripted, "meshy").get("T")
    assert is_sentence(str(trouble.value)) and trouble.value.request_id == "r-7"


VIEWS = {"back_image_url": "https://example.org/fox_back.png", "right_image_url": "https://example.org/fox_right.png"}


def test_views_go_to_a_path_of_their_own_in_one_list_with_the_front_first(meshy, server):
    views = dict(reversed(VIEWS.items()))  # in whatever order they are given
    meshy.create({**views, **PICTURE, "model_type": "standard"})
    assert server.requests[-1].path == "/meshy/openapi/v1/multi-image-to-3d"
    assert server.creates[0].parameters == {
        "image_urls": [PICTURE["image_url"], VIEWS["back_image_url"], VIEWS["right_image_url"]],
        "enable_pbr": True,
        "target_formats": ["glb"],
    }


def test_files_and_addresses_of_views_may_be_mixed(meshy, server, star):
    from pathlib import Path

    horse = Path(__file__).parents[1] / "pictures" / "horse.jpg"
    asked = {"image_url": str(star), "left_image_url": VIEWS["back_image_url"], "right_image_url": str(horse)}
    meshy.create({**asked, "texture_image_url": str(star)})
    sent = server.creates[0].parameters
    front, left, right = sent["image_urls"]
    assert (front[:2], left) == (("image/png", star.stat().st_size), asked["left_image_url"])
    assert right[:2] == ("image/jpeg", horse.stat().st_size) and sent["texture_image_url"][1] == star.stat().st_size


@pytest.mark.parametrize(
    "asked",
    [
        {"ai_model": "meshy-6", "remove_lighting": False, "image_enhancement": False},
        {"ai_model": "meshy-6-lite", "should_texture": False},
        {"geometry_resolution": "2k", "texture_resolution": "8k", "texture_prompt": "mossy"},
        {"texture_model": "meshy-7", "texture_resolution": "4k"},
        {"should_remesh": True, "topology": "quad", "target_polycount": 5000, "save_pre_remeshed_model": True},
        {"pose_mode": "a-pose", "auto_size": True, "multi_view_thumbnails": True},
    ],
    ids=str,
)
def test_what_the_table_takes_beside_views_meshy_takes_too(meshy, server, asked):
    task = meshy.create({**PICTURE, **VIEWS, **asked})
    sent = server.creates[0].parameters
    assert asked.items() <= sent.items() and len(sent["image_urls"]) == 3
    assert meshy.get(task.id).result.glb


@pytest.mark.parametrize("none", [{}, dict.fromkeys(VIEWS, "")])
def test_without_views_everything_is_as_with_one_picture(meshy, server, none):
    meshy.create({**PICTURE, **none})
    assert server.requests[-1].path == "/meshy/openapi/v1/image-to-3d"
    assert server.creates[0].parameters["image_url"] == PICTURE["image_url"]


@pytest.mark.parametrize("asked", [PICTURE, {**PICTURE, **VIEWS}], ids=["one picture", "views"])
@pytest.mark.parametrize("who", ["who made it", "another process"])
def test_a_task_is_followed_to_its_end_and_given_up_at_its_own_path(connect, slow_server, asked, who):
    """Its id does not tell which."""
    meshy = connect(slow_server, "meshy")
    task_id, other_id = (meshy.create(asked).id for _ in range(2))
    made_at = slow_server.requests[0].path
    if who == "another process":
        meshy = connect(slow_server, "meshy")
    slow_server.requests.clear()
    slow_server.set_progress(task_id, 40)
    slow_server.set_progress(other_id, -1)
    told = []
    for task in meshy.listen(task_id, lambda seconds: None):
        told.append((task.status, task.progress))
        if (S.RUNNING, 0.4) in told:
            slow_server.finish(task_id)
    assert told[-1] == (S.SUCCEEDED, 1.0) and task.result.glb and task.credits == 30
    assert meshy.get(task_id).result.glb and meshy.cancel(other_id) is True
    answered = [request for request in slow_server.requests if request.status == 200]
    assert {request.path.removeprefix(made_at) for request in answered} == {
        f"/{task_id}",
        f"/{task_id}/stream",
        f"/{other_id}",
    }
    asked_in_vain = [request for request in slow_server.requests if request.status != 200]
    assert len(asked_in_vain) <= (2 if who == "another process" else 0), "it was looked for more than once"
    assert meshy.get(other_id).status is S.GONE


def test_the_older_words_for_a_path_that_is_not_there_do_not_hide_a_task_of_the_other_path(connect, hostile):
    def say(request):
        if "multi" in request.target:
            return [http({"id": "T", "status": "IN_PROGRESS"})]
        return [http({"message": "NoMatchingRoute"}, "404 Not Found")]

    hostile.play(say)
    assert connect(hostile, "meshy").get("T").status is S.RUNNING


def test_a_web_page_with_404_is_a_wrong_address_and_no_task_is_gone(connect, hostile):
    hostile.play(lambda request: [http(b"<!doctype html><title>Not Found</title>", "404 Not Found")])
    with pytest.raises(errors.ServiceError, match="not at this address") as trouble:
        connect(hostile, "meshy").get("T")
    assert not isinstance(trouble.value, errors.GoneError)


@pytest.mark.parametrize("at", ["multi", "/image"])
def test_a_task_is_gone_where_one_path_does_not_know_it_and_the_other_is_not_there(connect, hostile, at):
    words = {True: "No matching route found", False: "Task not found"}
    hostile.play(lambda request: [http({"message": words[at in request.target]}, "404 Not Found")])
    assert connect(hostile, "meshy").get("T").status is S.GONE


@pytest.mark.parametrize("status", [401, 429, 500])
def test_where_one_path_does_not_know_a_task_and_the_other_cannot_say_it_is_not_gone(connect, hostile, status):
    answers = {True: http({"message": "x"}, f"{status} Odd"), False: http({"message": "Task not found"}, "404 No")}
    hostile.play(lambda request: [answers["multi" in request.target]])
    with pytest.raises(errors.ServiceError) as trouble:
        connect(hostile, "meshy").get("T")
    assert trouble.value.status == status


def test_lost_tasks_are_looked_for_where_their_request_was_sent(meshy, server):
    one, views = meshy.create(PICTURE).id, meshy.create({**PICTURE, **VIEWS}).id
    mossy = meshy.create({**PICTURE, **VIEWS, "texture_prompt": "mossy"}).id
    assert meshy.find(PICTURE, 1.0) == meshy.find({**PICTURE, "back_image_url": ""}, 1.0) == [one]
    assert meshy.find({**PICTURE, **VIEWS}, 1.0) == [views]
    assert meshy.find({**PICTURE, **VIEWS, "texture_prompt": "mossy"}, 1.0) == [mossy]


def test_the_task_of_a_record_that_an_older_version_wrote_is_found(meshy, server):
    """Whatever of it is not taken today."""
    mossy = meshy.create({**PICTURE, "texture_prompt": "mossy"}).id
    old = {"ai_model": "meshy-4", "model_type": "lowpoly", "remove_lighting": True, "of_an_older_table": 7}
    assert meshy.find({**old, **PICTURE, "texture_prompt": "mossy"}, 1.0) == [mossy]
    assert meshy.find(old, 1.0) == []
