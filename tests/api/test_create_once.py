# SPDX-License-Identifier: GPL-3.0-or-later
"""A create costs money: after each failure it is known whether it may be sent again, and what was lost can be found."""

import socket
import time

import pytest
from scripted import http

from image_to_3d import api
from image_to_3d.api import errors

PICTURE = {"image_url": "https://example.org/fox.png"}
MAYBE = (errors.AnswerLostError, errors.UnavailableError)
"""After these nobody may simply ask again."""


@pytest.fixture
def large(tmp_path, star):
    """A picture of 12 MB: more than the system takes over at once."""
    path = tmp_path / "large.png"
    path.write_bytes(star.read_bytes() + bytes(12_000_000))
    return {"image_url": str(path)}


@pytest.mark.parametrize(
    ("fault", "options", "made"),
    [
        ("drop_after", {}, 1),
        ("hang_after", {"seconds": 3.0}, 1),
        ("garbage", {}, 1),
        ("no_id", {}, 1),
        ("cut", {"bytes": 4}, 1),
        ("status_after", {"status": 500}, 1),
        ("status_after", {"status": 502}, 1),
        ("drop", {}, 0),
        ("hang", {"seconds": 3.0}, 0),
        ("status", {"status": 503}, 0),
        ("status", {"status": 408}, 0),
        ("redirect", {}, 0),
    ],
    ids=lambda value: str(value),
)
def test_where_the_service_had_all_of_it_nothing_is_certain(service, server, is_sentence, fault, options, made):
    server.play("create", fault, **options)
    with pytest.raises(MAYBE) as failure:
        service.create(PICTURE)
    assert len(server.creates) == made and is_sentence(str(failure.value))


def test_a_web_page_made_no_task_at_csm_and_at_meshy_nobody_knows(csm, meshy, server, is_sentence):
    """Of CSM it is known that others may answer in its place; a page of Meshy's own may come once the task is made."""
    server.play("create", "html", times=2)
    with pytest.raises(errors.RefusedError, match="CSM may have closed: choose another service") as failure:
        csm.create(PICTURE)
    assert not isinstance(failure.value, MAYBE) and is_sentence(str(failure.value))
    with pytest.raises(MAYBE):
        meshy.create(PICTURE)
    assert not server.creates


@pytest.mark.parametrize(
    "body", [b"", b"ok", b'{"data": {"session_code', b"<br>{", b"\xff", [], {"data": None}], ids=str
)
@pytest.mark.parametrize("media_type", ["application/json", "text/html"])
def test_what_is_no_whole_web_page_may_come_of_a_request_that_csm_carried_out(connect, scripted, body, media_type):
    scripted.say(http(body, "201 Created", Content_Type=media_type))
    with pytest.raises(errors.AnswerLostError):
        connect(scripted, "csm").create(PICTURE)


@pytest.mark.parametrize("to", ["http://[bad", "https://example.org/", "", None])
def test_a_redirect_is_no_certain_refusal_wherever_it_leads(connect, scripted, name, is_sentence, to):
    scripted.say(http(b"", "302 Found", **({} if to is None else {"Location": to})))
    with pytest.raises(MAYBE) as failure:
        connect(scripted, name).create(PICTURE)
    assert is_sentence(str(failure.value)) and scripted.connections == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422, 429])
def test_a_refusal_is_certain(service, server, status):
    server.play("create", "status", status=status)
    with pytest.raises(errors.ServiceError) as failure:
        service.create(PICTURE)
    assert not isinstance(failure.value, MAYBE) and not server.creates


@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_connection_that_breaks_in_the_middle_of_the_upload_made_nothing(name, large, end):
    import struct
    import threading

    def accept():
        connection, _ = listener.accept()
        connection.recv(1000)
        if end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(errors.ServiceAwayError) as failure:
            api.connect(name, key="some-key", url=url).create(large)
        thread.join()
    assert not isinstance(failure.value, MAYBE) and errors.is_transient(failure.value)


class Stop(Exception):
    pass


@pytest.mark.parametrize("after", [1, 20, 200])
def test_who_cancels_during_the_upload_has_made_nothing(connect, server, name, large, after):
    is_sending, looks = [], []

    def sleep(seconds):
        if is_sending:
            looks.append(seconds)
        if len(looks) > after:
            raise Stop

    with pytest.raises(Stop):
        connect(server, name, sleep=sleep).create(large, before_sending=lambda: is_sending.append(True))
    assert set(looks) == {0.0}
    connect(server, name).get("T")  # the one before has been seen by now
    assert not server.creates


def test_who_looks_on_during_the_upload_is_asked_often_and_does_no_harm(connect, server, name, large):
    looks = []
    connect(server, name, sleep=looks.append).create(large)
    assert len(looks) > 200 and len(server.creates) == 1


def test_the_record_is_written_when_all_else_is_done_and_before_anything_leaves(service, server, star):
    seen = []
    service.create({"image_url": str(star)}, before_sending=lambda: seen.append(len(server.requests)))
    assert seen == [0] and len(server.requests) == 1


@pytest.mark.parametrize("source", ["/nowhere/fox.png", "data:image/png;base64,A", "iVBORw0KGgo" * 1000, "."])
def test_what_fails_before_it_leaves_is_never_recorded_as_sent(service, server, source):
    with pytest.raises(errors.PictureError):
        service.create({"image_url": source}, before_sending=lambda: pytest.fail("recorded"))
    assert not server.requests


def test_where_the_record_cannot_be_written_nothing_leaves(service, server):
    def full():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        service.create(PICTURE, before_sending=full)
    assert not server.requests


def test_a_create_whose_answer_was_lost_is_found(service, server):
    server.play("create", "drop_after")
    with pytest.raises(errors.AnswerLostError):
        service.create(PICTURE)
    assert service.find(PICTURE, 1.0) == [server.creates[0].id]


@pytest.mark.parametrize("shift", [-7200.0, 7200.0, 3e7])
def test_a_service_whose_clock_is_wrong_is_understood(service, server, shift):
    server.quirk(shifted_clock=shift)
    made = service.create(PICTURE).id
    assert service.find(PICTURE, 1.0) == [made]


@pytest.mark.parametrize(
    ("age", "age_s", "found"),
    [
        (10, 10, True),  # made at once
        (14, 10, True),  # dates have whole seconds
        (17, 10, False),  # made before it was asked for
        (300, 1000, True),  # a slow upload
        (80, 1000, False),  # later than any upload takes
        (0, 0, True),
        (-3, 0, True),
        (-60, 0, False),  # in the future
    ],
)
def test_what_was_made_at_another_time_is_not_taken_for_it(connect, scripted, name, age, age_s, found):
    now = 1_800_000_000
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - age))
    task = {"id": "T", "created_at": (now - age) * 1000}
    session = {"session_code": "T", "created_at": at, **dict.fromkeys(("geometry_model", "texture_model"))}
    scripted.say(http([task] if name == "meshy" else {"data": {"results": [session]}}, Date=date))
    if name == "csm" and found:  # asked for what the list does not repeat
        scripted.say(http({"data": session}))
    assert connect(scripted, name).find(PICTURE, float(age_s)) == (["T"] if found else [])


def test_what_was_asked_for_otherwise_is_not_taken_for_it(csm, meshy, server):
    server.quirk("csm", echo_image=True)
    one = csm.create(PICTURE).id
    two = csm.create({"image_url": "https://example.org/other.png"}).id
    three = csm.create({**PICTURE, "resolution": "low_poly"}).id
    assert csm.find(PICTURE, 1.0) == [one]
    assert csm.find({"image_url": "https://example.org/other.png"}, 1.0) == [two]
    assert csm.find({**PICTURE, "resolution": "low_poly"}, 1.0) == [three]
    plain = meshy.create(PICTURE).id
    mossy = meshy.create({**PICTURE, "texture_prompt": "mossy"}).id
    assert meshy.find(PICTURE, 1.0) == [plain]
    assert meshy.find({**PICTURE, "texture_prompt": " mossy "}, 1.0) == [mossy]


@pytest.mark.parametrize(("name", "number"), [("csm", 23), ("meshy", 103)])
def test_a_search_reads_every_page_and_no_more(connect, server, name, number):
    service = connect(server, name)
    server.credits = 10_000
    made = [service.create(PICTURE).id for _ in range(number)]
    server.requests.clear()
    assert sorted(service.find(PICTURE, 60.0)) == sorted(made)
    assert sum(request.step == "list" for request in server.requests) == 3


def test_a_search_ends_where_everything_is_older(connect, scripted):
    old = [{"id": str(n), "created_at": (time.time() - 3600) * 1000} for n in range(50)]
    scripted.say(http(old))
    assert connect(scripted, "meshy").find(PICTURE, 10.0) == []
    assert scripted.connections == 1
    assert "page_num=1&page_size=50&sort_by=-created_at" in scripted.requests[0][0]


@pytest.mark.parametrize(
    "fault", [("status", {"status": 404}), ("garbage", {}), ("drop", {}), ("rate_limit", {})], ids=str
)
def test_a_search_that_fails_never_says_that_there_is_nothing(meshy, server, fault):
    action, options = fault
    meshy.create(PICTURE)
    server.play("list", action, **options)
    with pytest.raises(errors.ImageTo3DError):
        meshy.find(PICTURE, 1.0)


@pytest.mark.parametrize("body", [b"<html>", {}, [], "x", {"data": None}, {"data": {"results": None}}])
def test_a_list_of_csm_that_is_none_is_never_taken_for_an_empty_one(connect, scripted, body):
    scripted.say(http(body))
    with pytest.raises(errors.UnavailableError):
        connect(scripted, "csm").find(PICTURE, 1.0)


def test_an_empty_list_is_an_empty_list(service):
    assert service.find(PICTURE, 1.0) == []
