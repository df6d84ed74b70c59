# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever JSON a service, or whoever stands between, answers with: what is said of it is a sentence, and nothing else
is raised."""

import itertools
import json
import math
import time

import pytest
from odd import HOSTILE, ODD
from once import once
from scripted import http

from image_to_3d import api
from image_to_3d.api import errors
from image_to_3d.api.client import Answer
from image_to_3d.api.services import SERVICES

pytestmark = once

PICTURE = {"image_url": "https://example.org/fox.png"}
KEY = "msy_Qx7Secret0000"
GLB = "https://files.example.org/mesh.glb?sig=1"
S = api.Status


@pytest.fixture
def ask(connect, scripted, name):
    """Have a service answer with this; return ours, connected to it."""

    def ask(body, status="200 OK", **headers):
        scripted.say(http(json.dumps(body).encode(), status, **headers))
        return connect(scripted, name, key=KEY)

    return ask


def is_fit(text, is_sentence):
    """Whether a text can be shown by Blender, in a terminal and in a log."""
    text.encode()
    return text.isprintable() and len(text) < 600 and KEY not in text and is_sentence(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_the_words_of_a_refusal_are_fit_to_be_shown(ask, is_sentence, case):
    with pytest.raises(errors.RefusedError, match="object found") as refusal:
        ask({"message": HOSTILE[case]}, "422 Odd").create(PICTURE)
    assert is_fit(str(refusal.value), is_sentence)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_the_words_of_a_failed_task_are_fit_to_be_shown(ask, name, is_sentence, case):
    said = HOSTILE[case]
    body = {
        "meshy": {"status": "FAILED", "task_error": {"message": said, "code": said}},
        "csm": {"message": said, "data": {"session_status": "failed"}},
    }[name]
    error = ask(body).get("T").error
    assert "No object found" in str(error) and is_fit(str(error), is_sentence)


@pytest.mark.parametrize(
    "given",
    [
        f"req-{KEY}",
        f"req-1?X-Amz-Signature={KEY}",
        f"https://files.example.org/a?Signature={KEY}",
        "req\x1b[31m-\x9b31m1\x85",
        "r" * 5000,
    ],
    ids=lambda given: ascii(given)[:20],
)
@pytest.mark.parametrize("status", ["200 OK", "502 Bad Gateway"])
def test_the_id_of_a_request_holds_no_key_and_no_command(ask, is_sentence, given, status):
    with pytest.raises(errors.UnavailableError) as trouble:
        ask([7], status, x_request_id=given).get("T")
    assert is_fit(str(trouble.value), is_sentence) and len(trouble.value.request_id) <= 200
    assert KEY not in trouble.value.request_id and trouble.value.request_id.startswith(("r", "https://files.example"))


@pytest.mark.parametrize(
    "given",
    [
        *(None, 7, True, 1e300, [], ["T"], {"id": "T"}, "", " ", ".", "..", "../v1/balance"),
        *("T\ud83d", "T\0", "T\x1b[31m", "T\u202e", "T\n", "x" * 201, f"T-{KEY}", "https://example.org/T"),
    ],
    ids=lambda given: ascii(given)[:20],
)
def test_what_can_be_no_id_counts_as_none_and_the_task_is_looked_for(ask, name, is_sentence, given):
    body = {"result": given} if name == "meshy" else {"data": {"session_code": given}}
    with pytest.raises(errors.AnswerLostError) as lost:
        ask(body, "202 Accepted").create(PICTURE)
    assert is_fit(str(lost.value), is_sentence)


def test_of_listed_tasks_only_those_are_found_that_have_an_id(ask, name):
    ids = [None, 7, "T\ud83d", "..", f"T-{KEY}", ["T"], "x" * 201, "good-1"]
    now = time.time()
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    body = {
        "meshy": [{"id": entry, "created_at": now * 1000} for entry in ids],
        "csm": {"data": [{"session_code": entry, "created_at": date} for entry in ids]},
    }[name]
    # CSM is asked once more for what a record does not repeat; the answer is no session, and says nothing against it.
    assert ask(body).find(PICTURE, 1.0) == ["good-1"]


@pytest.mark.parametrize(
    "moment",
    [
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01", "9999-12-31T23:59:59.999999"),
        *("", "yesterday", None, [], {}, 1e308, -1e308, 10**300, math.nan, math.inf, True, "\ud83d", "2" * 100_000),
    ],
    ids=lambda moment: ascii(moment)[:20],
)
def test_a_task_of_an_absurd_moment_is_not_ours(ask, name, moment):
    record = {"id": "T", "session_code": "T", "created_at": moment}
    assert ask([record] if name == "meshy" else {"data": [record]}).find(PICTURE, 1.0) == []


def test_the_formats_that_are_offered_are_named_shortly(ask, name, is_sentence):
    names = ["fbx", "obj\ud83d", "\x1b[31musdz\x1b[0m", f"a?Signature={KEY}", KEY, "\u202estl", "x" * 10_000]
    names += [f"format{number}" for number in range(1000)]
    urls = {f"mesh_url_{entry}" if name == "csm" else entry: GLB for entry in names}
    body = (
        {"data": {"session_status": "complete", **urls}}
        if name == "csm"
        else {"status": "SUCCEEDED", "model_urls": urls}
    )
    error = ask(body).get("T").error
    assert is_fit(str(error), is_sentence)
    assert "only fbx, obj, usdz, " in str(error) and " and others: retry" in str(error)


@pytest.mark.parametrize(
    "address",
    [
        "files.example.org/a.glb",
        "ftp://files.example.org/a.glb",
        "https://files.example.org/a\ud83d",
        "https://a\0b.example/c",
        f"https://files.example.org/{'a' * 8000}",
    ],
    ids=ascii,
)
def test_what_can_be_no_address_of_a_model_is_none(ask, name, is_sentence, address):
    body = {
        "meshy": {"status": "SUCCEEDED", "model_urls": {"glb": address, "fbx": address}},
        "csm": {"data": {"session_status": "complete", "mesh_url_glb": address, "mesh_url_fbx": address}},
    }[name]
    task = ask(body).get("T")
    assert task.result is None and is_fit(str(task.error), is_sentence)


FIELDS = {
    "meshy": (
        *(
            "status",
            "progress",
            "consumed_credits",
            "task_error",
            "model_urls",
            "model_url",
            "texture_urls",
            "thumbnail_urls",
        ),
        *(
            "preceding_tasks",
            "alpha_thumbnail_url",
            "message",
            "id",
            "result",
            "created_at",
            "texture_prompt",
            "balance",
        ),
    ),
    "csm": (
        *(
            "session_status",
            "status",
            "percent_done",
            "percentage",
            "session_code",
            "_id",
            "created_at",
            "mesh_url_glb",
        ),
        *("status_message", "message", "error", "image_url", "scaled_bbox", "topology", "results", "mesh_url"),
    ),
}
WORDS = {"meshy": ("SUCCEEDED", "FAILED", "PENDING"), "csm": ("complete", "failed", "queued")}


def bodies(name):
    """Answers in which each field holds each odd value, several a time."""
    fields = FIELDS[name]
    for shift, word in itertools.product(range(len(ODD)), WORDS[name]):
        record = {field: ODD[(number + shift) % len(ODD)] for number, field in enumerate(fields)}
        for known in ({}, {"status": word, "session_status": word}):
            full = {**record, **known}
            yield from (
                [full, full],
                {**full, "data": full},
                {"data": {"results": [full, 7, None]}},
                {"message": ODD[shift]},
            )
    yield from ODD


class Handed:
    """A client that hands over the answer that a test gave it: there are some hundreds, too many for connections."""

    url = "https://api.example.org"
    answer = Answer(200, {}, None)

    def request(self, method, path, *, query=None, payload=None):
        return self.answer


def test_whatever_is_answered_only_what_a_user_can_be_told_is_raised(name):
    client = Handed()
    service = SERVICES[name].client()(key=KEY, client=client)
    asks = (
        lambda: service.create(PICTURE),
        lambda: service.get("T"),
        lambda: service.find(PICTURE, 1.0),
        lambda: service.check_key(),
        lambda: service.cancel("T"),
        lambda: list(itertools.islice(service.listen("T", lambda seconds: None), 1)),
    )
    for body, status in itertools.product(bodies(name), (200, 404)):
        client.answer = Answer(status, {}, body)
        for ask in asks:
            try:
                found = ask()
            except errors.ImageTo3DError as error:
                assert str(error).isprintable() and len(str(error)) < 600
                continue
            for task in found if isinstance(found, list) else [found]:
                if isinstance(task, api.Task):
                    assert 0.0 <= task.progress <= 1.0 and task.message.isprintable()
                    assert task.error is None or str(task.error).isprintable()
