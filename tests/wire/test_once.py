# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failed create requests may be repeated, how a lost task is found, and how refusals read."""

import re
import time

import pytest

from image_to_3d import api
from image_to_3d.api import errors

LOST = (errors.AnswerLostError, errors.UnavailableError)

MAY_HAVE_BEEN_MADE = [
    ("drop_after", {}),
    ("hang_after", {"seconds": 3}),
    ("hang", {"seconds": 3}),
    ("drop", {}),
    ("garbage", {}),
    ("no_id", {}),
    ("html", {}),
    ("status", {"status": 500}),
    ("status_after", {"status": 504}),
    ("status_after", {"status": 303, "headers": {"Location": "http://127.0.0.1:1/"}}),
    ("status_after", {"status": 408}),
    ("status_after", {"status": 499}),
]

REFUSED = [
    ({"status": 401}, errors.KeyRefusedError, "enter a valid one"),
    ({"status": 402, "message": "Insufficient credits"}, errors.NoCreditsError, "Insufficient credits"),
    ({"status": 404}, errors.RefusedError, "check the address"),
    ({"status": 409, "message": "Wrong state"}, errors.RefusedError, "Wrong state"),
    ({"status": 413}, errors.PictureRefusedError, "use another"),
    ({"status": 422, "message": "bad topology"}, errors.RefusedError, "bad topology"),
    ({"status": 400, "message": "Unsupported image format"}, errors.PictureRefusedError, "save it anew"),
    ({"status": 400, "message": "Blocked by moderation"}, errors.ModerationError, "use another"),
    ({"status": 400, "message": "Too many requests, slow down"}, errors.RateLimitError, "wait a moment"),
    ({"status": 429, "message": "RateLimitExceeded"}, errors.RateLimitError, "wait a moment"),
    ({"status": 429, "message": "NoMoreConcurrentTasks"}, errors.QueueFullError, "wait until one has ended"),
    ({"status": 503, "headers": {"Retry-After": "7"}}, errors.RateLimitError, "wait a moment"),
]


@pytest.mark.parametrize(("action", "options"), MAY_HAVE_BEEN_MADE)
def test_a_request_that_may_have_been_carried_out_says_so(service, stand_in, picture, action, options):
    stand_in.play("create", action, **options)
    with pytest.raises(LOST):
        service.create(picture)


@pytest.mark.parametrize(("options", "kind", "words"), REFUSED)
def test_a_refusal_made_nothing_and_says_what_to_do(service, stand_in, picture, options, kind, words):
    stand_in.play("create", "status", **options)
    with pytest.raises(kind) as refusal:
        service.create(picture)
    sentence = str(refusal.value)
    assert not isinstance(refusal.value, LOST) and not stand_in.creates
    assert words in sentence and "\n" not in sentence and re.search(r"\.( \(status \d+.*\))?$", sentence)
    assert refusal.value.status == options["status"]
    if service.name == "meshy":
        assert refusal.value.request_id and refusal.value.request_id in sentence
    assert refusal.value.retry_after_s == (7 if "Retry-After" in options.get("headers", {}) else None)


def test_403_means_the_plan_at_meshy_and_the_key_at_csm(meshy, csm, stand_in, picture):
    stand_in.play("create", "status", times=2, status=403)
    with pytest.raises(errors.PlanError, match="paid plan"):
        meshy.create(picture)
    with pytest.raises(errors.KeyRefusedError):
        csm.create(picture)


def test_a_service_that_repeats_the_key_does_not_get_it_into_a_sentence(service, stand_in, picture):
    key = getattr(stand_in, f"{service.name}_key")
    stand_in.play("create", "status", status=422, message=f"key {key} is odd; see https://x.test/?Signature=abc")
    with pytest.raises(errors.RefusedError) as refusal:
        service.create(picture)
    assert key not in str(refusal.value) and "abc" not in str(refusal.value)


def test_where_nobody_listens_nothing_was_made_and_csm_may_have_closed(connect, stand_in, picture):
    for name, words in (("meshy", "check the network"), ("csm", "may also have been discontinued")):
        service = connect(stand_in, name, url="http://127.0.0.1:9")
        with pytest.raises(errors.ServiceAwayError, match=words) as failure:
            service.create(picture)
        assert not isinstance(failure.value, LOST) and errors.passes(failure.value)


class Stop(Exception):
    pass


def test_giving_up_while_the_picture_is_sent_makes_nothing(connect, stand_in, tmp_path, star):
    large = tmp_path / "large.png"
    large.write_bytes(star.read_bytes() + bytes(4_000_000))
    calls = []

    def pause(seconds):
        calls.append(seconds)
        if len(calls) > 20:
            raise Stop

    service = connect(stand_in, "meshy", pause=pause)
    with pytest.raises(Stop):
        service.create({"image_url": str(large)})
    time.sleep(0.2)
    assert not stand_in.creates


def test_the_record_is_written_right_before_the_request_leaves(service, stand_in, picture):
    seen = []
    service.create(picture, lambda: seen.append(len(stand_in.requests)))
    assert seen == [0] and len(stand_in.requests) == 1
    with pytest.raises(errors.PictureError):
        service.create({"image_url": "/nowhere/fox.png"}, lambda: seen.append("too early"))
    assert seen == [0]


def test_a_task_is_found_by_when_it_was_made(service, stand_in, picture):
    task = service.create(picture)
    assert service.find(picture, 1.0) == [task.id]
    assert service.find(picture, 3600.0) == []  # too young to come from a request of an hour ago


@pytest.mark.parametrize("shift", [-7200, 7200])
def test_a_service_whose_clock_is_wrong_is_searched_as_well(service, stand_in, picture, shift):
    stand_in.quirk("", shifted_clock=float(shift))
    task = service.create(picture)
    assert service.find(picture, 1.0) == [task.id]


def test_what_a_service_repeats_tells_tasks_apart(meshy, csm, picture):
    csm.create(picture)
    low = csm.create({**picture, "resolution": "low_poly"})
    assert csm.find({**picture, "resolution": "low_poly"}, 1.0) == [low.id]
    meshy.create(picture)
    rusty = meshy.create({**picture, "texture_prompt": "rust"})
    assert meshy.find({**picture, "texture_prompt": "rust"}, 1.0) == [rusty.id]


def test_a_search_reads_all_pages(csm, picture):
    made = {csm.create(picture).id for _ in range(13)}
    assert set(csm.find(picture, 5.0)) == made and len(made) == 13


@pytest.mark.parametrize("key", ["", "  "])
def test_without_a_key_nothing_is_asked(monkeypatch, key):
    for name in ("MESHY_API_KEY", "CSM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("meshy", "csm"):
        with pytest.raises(errors.NoKeyError, match=f"set {name.upper()}_API_KEY"):
            api.connect(name, key=key)


def test_key_and_address_come_from_the_environment(monkeypatch, stand_in):
    monkeypatch.setenv("MESHY_API_KEY", stand_in.meshy_key)
    monkeypatch.setenv("MESHY_API_URL", stand_in.meshy_url)
    assert api.connect("meshy").balance() == 1000


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_can_be_none_is_told(key):
    with pytest.raises(errors.NoKeyError, match="copy it again"):
        api.connect("meshy", key=key)


def test_an_address_off_this_machine_must_be_safe_and_allowed():
    with pytest.raises(errors.DownloadError, match="https://"):
        api.connect("meshy", key="k" * 8, url="http://example.org")
    with pytest.raises(errors.OfflineError, match="Allow Online Access"):
        api.connect("meshy", key="k" * 8, network=api.Network(online=False))
