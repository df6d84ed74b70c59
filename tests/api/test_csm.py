# SPDX-License-Identifier: GPL-3.0-or-later
"""CSM on the wire: what a request looks like, and what each answer means. Real HTTP on loopback."""

import time
from datetime import UTC, datetime

import pytest
from scripted import http

from image_to_3d import api
from image_to_3d.api import errors

PICTURE = {"image_url": "https://example.org/fox.png"}
GLB = "https://files.example.org/mesh.glb?sig=1"
S = api.Status
DEFAULTS = {
    "geometry_model": "base",
    "texture_model": "none",
    "topology": "tris",
    "resolution": "high_poly",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
}


def test_a_request_carries_the_key_and_its_length_and_nothing_of_meshy(csm, server, star):
    csm.create({"image_url": str(star)})
    (request,) = server.requests
    headers = request.headers
    assert (request.method, request.path) == ("POST", "/csm/image-to-3d-sessions")
    assert headers["x-api-key"] == server.csm_key
    assert headers["Content-Type"] == "application/json"
    assert int(headers["Content-Length"]) == request.size > star.stat().st_size
    assert "Transfer-Encoding" not in headers and "Authorization" not in headers


def test_a_picture_arrives_as_it_lies_on_the_disk(csm, server, star):
    import hashlib

    csm.create({"image_url": str(star)})
    embedded = server.creates[0].parameters["image_url"]
    assert embedded == ("image/png", star.stat().st_size, hashlib.sha256(star.read_bytes()).hexdigest())


def test_a_session_from_its_beginning_to_its_end(connect, slow_server):
    csm = connect(slow_server, "csm")
    task = csm.create(PICTURE)
    assert (task.status, task.message) == (S.PENDING, "Waiting at CSM")
    slow_server.set_progress(task.id, 40)
    task = csm.get(task.id)
    assert (task.status, task.progress, task.message) == (S.RUNNING, 0.4, "CSM is working")
    slow_server.finish(task.id)
    task = csm.get(task.id)
    assert (task.status, task.progress, task.credits) == (S.SUCCEEDED, 1.0, None)
    assert task.result.glb.startswith(slow_server.elsewhere_url) and task.has_ended
    assert slow_server.requests[-1].path == f"/csm/image-to-3d-sessions/{task.id}"


@pytest.mark.parametrize("word", ["complete", "COMPLETE", "done", "refine_done", "preview_done"])
@pytest.mark.parametrize("field", ["session_status", "status"])
def test_words_for_success_new_and_old(connect, scripted, field, word):
    scripted.say(http({"data": {field: word, "mesh_url_glb": GLB}}))
    task = connect(scripted, "csm").get("S")
    assert (task.status, task.result.glb, task.progress) == (S.SUCCEEDED, GLB, 1.0)


@pytest.mark.parametrize("word", ["in_progress", "spin_generate_done", "training_preview", "polishing", "", None, 7])
def test_a_word_that_nobody_knows_means_that_it_runs(connect, scripted, word):
    scripted.say(http({"data": {"session_status": word, "session_code": "S"}}))
    task = connect(scripted, "csm").get("S")
    assert task.status is S.RUNNING and not task.has_ended


@pytest.mark.parametrize(
    ("percent", "progress"), [(None, 0), ("N/A", 0), (-3, 0), (250, 1), (12.5, 0.125), (True, 0), ([], 0)]
)
def test_progress_is_between_0_and_1_whatever_is_said(connect, scripted, percent, progress):
    scripted.say(http({"data": {"session_status": "in_progress", "percent_done": percent}}))
    assert connect(scripted, "csm").get("S").progress == progress


@pytest.mark.parametrize("word", ["failed", "refine_failed", "preview_failed", "spin_generate_failed"])
def test_words_for_failure(connect, scripted, is_sentence, word):
    scripted.say(http({"data": {"session_status": word, "percent_done": 30}}))
    task = connect(scripted, "csm").get("S")
    assert task.status is S.FAILED and isinstance(task.error, errors.TaskFailedError)
    assert str(task.error) == "CSM could not make the model: try again, or use another picture."


@pytest.mark.parametrize("place", ["error", "message", "status_message"])
def test_the_reason_of_a_failure_is_told_wherever_it_stands(csm, server, place):
    server.quirk("csm", final="failed", message="No object was found.", reason_in=place)
    error = csm.get(csm.create(PICTURE).id).error
    assert str(error) == "CSM could not make the model (No object was found): try again, or use another picture."


@pytest.mark.parametrize("place", ["error", "message", "status_message"])
def test_a_session_may_have_failed_in_the_answer_to_the_create(csm, server, place):
    server.quirk("csm", fail_at_create=True, message="Blurry", reason_in=place)
    task = csm.create(PICTURE)
    assert task.status is S.FAILED and task.id == server.creates[0].id
    assert "(Blurry)" in str(task.error)


@pytest.mark.parametrize("quirk", ["null_fields", "no_empty_fields", "no_progress", "old_words", "echo_image"])
@pytest.mark.parametrize("done", [False, True])
def test_fields_may_be_null_absent_or_old(connect, slow_server, quirk, done):
    slow_server.quirk("csm", **{quirk: True})
    csm = connect(slow_server, "csm")
    task_id = csm.create(PICTURE).id
    slow_server.set_progress(task_id, 50)
    if done:
        slow_server.finish(task_id)
    assert csm.get(task_id).status is (S.SUCCEEDED if done else S.RUNNING)


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        ({"mesh_url_fbx": GLB, "mesh_url_usdz": GLB, "mesh_url_glb": ""}, "only fbx, usdz:"),
        ({"mesh_url": GLB, "mesh_url_glb": None}, "only zip:"),
        ({"mesh_url_glb": "file:///etc/passwd"}, "and no other file:"),
        ({}, "and no other file:"),
    ],
)
def test_success_without_a_glb_is_an_error_that_names_what_there_is(connect, scripted, is_sentence, offered, words):
    scripted.say(http({"data": {"session_status": "complete", **offered}}))
    task = connect(scripted, "csm").get("S")
    assert task.status is S.SUCCEEDED and task.result is None, "asked again, there may be one"
    assert words in str(task.error) and is_sentence(str(task.error))


def test_a_session_that_csm_forgot_is_gone(csm, server):
    task_id = csm.create(PICTURE).id
    server.forget(task_id)
    task = csm.get(task_id)
    assert task.status is S.GONE and isinstance(task.error, errors.GoneError) and "Session not found" in str(task.error)


def test_csm_cannot_be_told_to_stop_and_is_not_asked(csm, server):
    task_id = csm.create(PICTURE).id
    assert csm.cancel(task_id) is False and len(server.requests) == 1


def test_listening_is_one_look(csm, server):
    task_id = csm.create(PICTURE).id
    assert [task.status for task in csm.listen(task_id, lambda _: None)] == [S.SUCCEEDED]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "body", [[], "ok", 7, {}, {"data": None}, {"data": []}, {"data": "x"}, b"", b"<html>", b"\xff"]
)
def test_an_answer_that_is_none_is_a_trouble_of_the_service_that_may_pass(connect, scripted, is_sentence, body):
    scripted.say(http(body))
    with pytest.raises(errors.UnavailableError) as trouble:
        connect(scripted, "csm").get("S")
    assert is_sentence(str(trouble.value)) and errors.is_transient(trouble.value)


@pytest.mark.parametrize(
    "record", [{"session_code": "S"}, {"_id": "S"}, {"session_code": "", "_id": "S"}], ids=["code", "id", "both"]
)
def test_a_session_is_known_by_its_code_or_its_id(connect, scripted, record):
    scripted.say(http({"data": record}, "201 Created"))
    assert connect(scripted, "csm").create(PICTURE).id == "S"


PAGE = b"<!DOCTYPE html><html><head><title>This domain is parked</title></head></html>"
ASKS = {
    "get": lambda service: service.get("S"),
    "find": lambda service: service.find(PICTURE, 1.0),
    "key": lambda service: service.check_key(),
    "create": lambda service: service.create(PICTURE),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
@pytest.mark.parametrize(
    "answer",
    [
        http({"message": "Gone"}, "410 Gone"),
        http(b"", "410 Gone"),
        *(http(PAGE, f"{status} No") for status in (401, 403, 404, 405, 410)),
        http(b"\xef\xbb\xbf\n <HTML>", "404 No"),
    ],
    ids=lambda answer: answer[9:12].decode(),
)
def test_a_host_without_the_service_is_told_of_as_one(connect, scripted, is_sentence, ask, answer):
    scripted.say(answer)
    with pytest.raises(errors.RefusedError) as refusal:
        ask(connect(scripted, "csm"))
    assert type(refusal.value) is errors.RefusedError and is_sentence(str(refusal.value))
    assert str(refusal.value).startswith("CSM may have closed: choose another service, or check the address")
    assert f"status {refusal.value.status}" in str(refusal.value) and scripted.connections == 1


@pytest.mark.parametrize("ask", ["get", "find", "key"])
@pytest.mark.parametrize("body", [PAGE, b"<html>", b"Welcome", b""], ids=["page", "bare", "words", "nothing"])
def test_a_page_instead_of_json_may_be_that_of_a_host_without_the_service(connect, scripted, is_sentence, ask, body):
    """It may also be that of a hotel's network, so a task that is paid for is not given up."""
    scripted.say(http(body, Content_Type="text/html"))
    with pytest.raises(errors.UnavailableError, match="CSM may have closed: choose another service") as trouble:
        ASKS[ask](connect(scripted, "csm"))
    assert is_sentence(str(trouble.value)) and errors.is_transient(trouble.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(PAGE, "502 Bad Gateway"), errors.UnavailableError),
        (http(PAGE, "503 Busy", Retry_After="3"), errors.RateLimitError),
        (http(PAGE, "429 Too Many"), errors.RateLimitError),
        (http(PAGE, "413 Too Large"), errors.PictureRefusedError),
        (http(PAGE, "302 Found", Location="/"), errors.UnavailableError),
        (http({"message": "no"}, "401 No"), errors.KeyRefusedError),
        (http(b"no", "403 No"), errors.KeyRefusedError),
        (http({"data": None}), errors.UnavailableError),
        (http(b'{"data": {"session_st', Content_Type="application/json; charset=utf-8"), errors.UnavailableError),
    ],
    ids=lambda value: value[9:12].decode() if isinstance(value, bytes) else None,
)
def test_a_gateway_s_page_and_csm_s_own_words_do_not_say_that_it_has_closed(connect, scripted, answer, kind):
    scripted.say(answer)
    with pytest.raises(kind) as trouble:
        connect(scripted, "csm").get("S")
    assert "closed" not in str(trouble.value)


def test_a_task_is_not_taken_for_gone_because_a_page_says_404(connect, scripted):
    scripted.say(http({"message": "Session not found"}, "404 Not Found"))
    assert connect(scripted, "csm").get("S").status is S.GONE
    scripted.say(http(PAGE, "404 Not Found"))
    with pytest.raises(errors.RefusedError):
        connect(scripted, "csm").get("S")


def test_a_discontinued_service_is_told_of_as_such(connect, is_sentence):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    for name, mentions in (("csm", True), ("meshy", False)):
        with pytest.raises(errors.ServiceAwayError) as away:
            api.connect(name, key="some-key", url=url).get("S")
        assert ("discontinued" in str(away.value)) is mentions and is_sentence(str(away.value))


# Which session is ours.


def listed(code, age_s, **fields):
    """A session of a list, so many seconds old, that repeats all of a request that was made with the defaults."""
    at = datetime.fromtimestamp(time.time() - age_s, UTC).isoformat()
    return {"session_code": code, "created_at": at, **DEFAULTS, **fields}


@pytest.mark.parametrize(
    "asked",
    [
        {"geometry_model": "turbo"},
        {"texture_model": "pbr"},
        {"topology": "quads"},
        {"resolution": "low_poly"},
        {"scaled_bbox": [1, -1, 2]},
        {"scaled_bbox": [1, -1, 2], "preserve_aspect_ratio": True},
    ],
    ids=lambda asked: list(asked)[-1],
)
def test_a_session_that_differs_in_one_thing_is_not_ours(csm, server, asked):
    plain, other = csm.create(PICTURE).id, csm.create({**PICTURE, **asked}).id
    assert csm.find(PICTURE, 1.0) == [plain]
    assert csm.find({**PICTURE, **asked}, 1.0) == [other]


def test_sessions_of_one_size_differ_where_one_keeps_the_shape(csm, server):
    size = {**PICTURE, "scaled_bbox": [1, -1, 2]}
    stretched, kept = csm.create(size).id, csm.create({**size, "preserve_aspect_ratio": True}).id
    assert csm.find(size, 1.0) == [stretched]
    assert csm.find({**size, "preserve_aspect_ratio": True}, 1.0) == [kept]


def test_the_size_is_compared_axis_by_axis(csm, server):
    sizes = ([1, 2, 3], [1, 2, 4], [3, 2, 1])
    made = [csm.create({**PICTURE, "scaled_bbox": size}).id for size in sizes]
    assert [csm.find({**PICTURE, "scaled_bbox": size}, 1.0) for size in sizes] == [[code] for code in made]


def test_a_list_in_no_order_is_read_to_its_end(connect, scripted):
    """CSM does not say that the newest come first."""
    scripted.say(http({"data": [listed(f"old-{n}", 3600 + n % 3) for n in range(10)]}))
    scripted.say(http({"data": [listed("ours", 1)]}))
    assert connect(scripted, "csm").find(PICTURE, 1.0) == ["ours"]


def test_a_list_with_the_newest_first_is_read_as_far_as_it_may_hold_ours(connect, scripted):
    scripted.say(http({"data": [listed(f"old-{n}", 3600 + n) for n in range(10)]}))
    assert connect(scripted, "csm").find(PICTURE, 1.0) == [] and scripted.connections == 1


def test_a_list_without_end_is_given_up(connect, scripted):
    scripted.say(http({"data": [listed(f"new-{n % 3}", n % 3) for n in range(10)]}))
    assert sorted(connect(scripted, "csm").find(PICTURE, 2.0)) == ["new-0", "new-1", "new-2"], "each of them once"
    assert scripted.connections == 20


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("ending", ["", "Z", "+00:00", ".123Z"])
def test_a_date_without_a_zone_is_no_local_time(connect, scripted, monkeypatch, zone, ending):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ending
        scripted.say(http({"data": [{**listed("ours", 0), "created_at": at}]}))
        assert connect(scripted, "csm").find(PICTURE, 1.0) == ["ours"]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("newer", "older", "status"),
    [("in_progress", "complete", S.RUNNING), ("complete", "in_progress", S.SUCCEEDED), ("", "failed", S.FAILED)],
)
def test_the_newer_word_counts_where_both_are_there(connect, scripted, newer, older, status):
    scripted.say(http({"data": {"session_status": newer, "status": older, "mesh_url_glb": GLB}}))
    assert connect(scripted, "csm").get("S").status is status


def test_progress_may_have_its_older_name(connect, scripted):
    scripted.say(http({"data": {"status": "training_preview", "percentage": 40}}))
    assert connect(scripted, "csm").get("S").progress == 0.4


def test_the_key_is_tried_with_one_small_list(csm, server):
    csm.check_key()
    assert [request.path for request in server.requests] == ["/csm/image-to-3d-sessions"] and not server.creates
