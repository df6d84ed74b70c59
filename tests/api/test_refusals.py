# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to be refused: the right class, one sentence that says what to do, and never the key. Real HTTP on
loopback."""

import socket

import pytest
from scripted import http

from image_to_3d import api
from image_to_3d.api import errors

PICTURE = {"image_url": "https://example.org/fox.png"}
E = errors


@pytest.mark.parametrize(
    ("status", "message", "headers", "kind", "words"),
    [
        (401, "", {}, E.KeyRefusedError, "enter a valid one in the preferences"),
        (401, "", {}, E.KeyRefusedError, 'or connect with key="..."'),
        (402, "", {}, E.NoCreditsError, "too few credits"),
        (404, "", {}, E.RefusedError, "is not at this address"),
        (409, "Wrong state", {}, E.RefusedError, "(Wrong state)"),
        (422, "topology is odd", {}, E.RefusedError, "(topology is odd)"),
        (400, "Invalid value for ai_model", {}, E.RefusedError, "change the parameters"),
        (400, "unsupported image format: gif", {}, E.PictureRefusedError, "save it anew as PNG or JPEG"),
        (400, "malformed data URI", {}, E.PictureRefusedError, "save it anew as PNG or JPEG"),
        (413, "", {}, E.PictureRefusedError, "use a smaller one"),
        (400, "The image was blocked by moderation", {}, E.ModerationError, "use another"),
        (422, "NSFW content", {}, E.ModerationError, "use another"),
        (400, "Too many requests, slow down", {}, E.RateLimitError, "is busy"),
        (400, "RateLimitExceeded", {}, E.RateLimitError, "is busy"),
        (429, "RateLimitExceeded", {"Retry-After": "3"}, E.RateLimitError, "is busy"),
        (429, "", {}, E.RateLimitError, "is busy"),
        (429, "NoMoreConcurrentTasks", {}, E.QueueFullError, "wait until one has ended"),
        (429, "NoMorePendingTasks", {}, E.QueueFullError, "wait until one has ended"),
        (503, "", {"Retry-After": "7"}, E.RateLimitError, "is busy"),
        (503, "", {}, E.UnavailableError, "try again later"),
        (500, "oops", {}, E.UnavailableError, "(oops)"),
        (502, "", {}, E.UnavailableError, "try again later"),
        (504, "", {}, E.UnavailableError, "try again later"),
        (599, "", {}, E.UnavailableError, "try again later"),
        (408, "", {}, E.UnavailableError, "try again later"),
        (499, "", {}, E.UnavailableError, "try again later"),
        (418, "", {}, E.RefusedError, "does not accept the request"),
    ],
    ids=lambda value: str(value) if isinstance(value, int | str) else None,
)
def test_a_refused_create_is_told_as_what_it_is(service, server, is_sentence, status, message, headers, kind, words):
    server.play("create", "status", status=status, message=message, headers=headers)
    with pytest.raises(errors.ServiceError) as refusal:
        service.create(PICTURE)
    error = refusal.value
    assert type(error) is kind and words in str(error) and is_sentence(str(error))
    assert error.status == status and f"(status {status}" in str(error)
    assert error.retry_after_s == (float(headers["Retry-After"]) if headers else None)
    assert service.about.label in str(error)
    assert bool(error.request_id) is (service.about.name == "meshy") and error.request_id in str(error)
    assert not server.creates


@pytest.mark.parametrize(
    "message",
    [
        "image_enhancement is not supported for meshy-6-lite",
        "Image enhancement is only supported for meshy-6",
        "remove_lighting is only supported for meshy-6",
        "texture_image_url needs should_texture to be true",
        "texture_image_urls must hold 1 to 4 images",
        "Invalid value for multi_view_thumbnails: must be a boolean",
        "model_type is not supported with several images",
        "Either text_style_prompt, image_style_url or multiview_image_urls must be provided",
        "json: cannot unmarshal string into Go struct field ImageTo3DRequest.target_formats of type []string",
        "ai_model 'meshy-t2' is not supported by multi-image-to-3d",
        "meshy-5 is no longer available for image-to-3d",
        "Invalid value for moderation: must be a boolean",
        "moderation is not supported for this model",
    ],
)
def test_a_parameter_that_has_an_image_in_its_name_is_not_the_picture_s_fault(service, server, is_sentence, message):
    server.play("create", "status", status=400, message=message)
    with pytest.raises(E.RefusedError, match="does not accept the request.*: change the parameters") as refusal:
        service.create(PICTURE)
    assert type(refusal.value) is E.RefusedError and message in str(refusal.value)
    assert is_sentence(str(refusal.value))


@pytest.mark.parametrize(
    "message",
    [
        "image_url could not be downloaded: no such host",
        "image_urls must hold 1 to 4 images",
        "Either image_url or input_task_id is required",
        "Failed to fetch the image at https://example.org/red_fox.png",
        "unsupported image format: image/webp",
        "The picture has no pixels",
        "Invalid base64 content",
    ],
)
def test_what_is_wrong_with_the_picture_is_said_of_the_picture(service, server, message):
    server.play("create", "status", status=400, message=message)
    with pytest.raises(E.PictureRefusedError, match="cannot use the picture.*: use another"):
        service.create(PICTURE)


def test_the_free_plan_is_a_matter_of_the_plan_and_not_of_credits_or_of_a_queue(meshy, server, is_sentence):
    server.quirk("meshy", free_plan=True)
    with pytest.raises(E.PlanError, match="free plan.*: a paid plan is needed") as refusal:
        meshy.create(PICTURE)
    assert is_sentence(str(refusal.value)) and server.credits == 1000 and not server.creates


@pytest.mark.parametrize("wrong", ["", "/openapi/v1", "/v3"])
def test_at_a_wrong_address_no_task_is_taken_for_gone(connect, server, meshy, is_sentence, wrong):
    """Meshy says 404 there as well, in other words."""
    task_id = meshy.create(PICTURE).id
    lost = connect(server, "meshy", url=server.meshy_url.replace("/meshy/openapi", f"/meshy{wrong or '/v2'}"))
    asks = [lambda: lost.get(task_id), lambda: lost.cancel(task_id), lambda: list(lost.listen(task_id, float))]
    for ask in asks:
        with pytest.raises(E.ServiceError, match="is not at this address.*the task is not lost") as trouble:
            ask()
        assert not isinstance(trouble.value, (E.GoneError, E.RefusedError)) and is_sentence(str(trouble.value))
    with pytest.raises(E.RefusedError, match="is not at this address"):
        lost.create(PICTURE)
    assert meshy.get(task_id).result.glb


def test_403_is_a_matter_of_the_plan_at_meshy_and_of_the_key_at_csm(csm, meshy, server):
    for service, kind, words in ((meshy, E.PlanError, "paid plan"), (csm, E.KeyRefusedError, "valid one")):
        server.play("create", "status", status=403, message="no")
        with pytest.raises(kind, match=words):
            service.create(PICTURE)


def test_a_wrong_key_is_refused_by_both(connect, server, name):
    service = connect(server, name, key="msy_ThisIsTheWrongKey")
    for ask in (lambda: service.create(PICTURE), lambda: service.get("T"), lambda: service.find(PICTURE, 1.0)):
        with pytest.raises(E.KeyRefusedError, match="does not accept the API key") as refusal:
            ask()
        assert "ThisIsTheWrongKey" not in str(refusal.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 12 ", 12.0),
        ("Sat, 21 Nov 2026 10:00:09 GMT", 9.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-4", None),
        ("1.5", None),
        ("\u00b2", None),
        ("", None),
    ],
)
def test_the_pause_that_a_service_asks_for_is_told_by_its_own_clock(connect, scripted, header, seconds):
    answer = http({"message": "wait"}, "429 Too Many", Date="Sat, 21 Nov 2026 10:00:00 GMT", Retry_After=header)
    scripted.say(answer.decode().encode("latin-1"))
    with pytest.raises(E.RateLimitError) as refusal:
        connect(scripted, "meshy").get("T")
    assert refusal.value.retry_after_s == seconds


@pytest.mark.parametrize(
    "body", [b"", b"<html><h1>502", b"\xff\xfe", [], "text", {"message": 7}, {"message": None}, {"error": {}}]
)
def test_whatever_the_body_of_a_refusal_is_the_sentence_holds(connect, scripted, name, is_sentence, body):
    scripted.say(http(body, "502 Bad Gateway", x_request_id="r-1"))
    with pytest.raises(E.UnavailableError) as trouble:
        connect(scripted, name).get("T")
    assert is_sentence(str(trouble.value)) and "html" not in str(trouble.value)
    assert str(trouble.value).endswith("later. (status 502, request id r-1)")


def test_a_service_s_own_words_become_one_line_that_is_not_endless(connect, scripted, name, is_sentence):
    scripted.say(http({"message": "no {good}\n\n" + "word " * 500 + "."}, "422 Odd"))
    with pytest.raises(E.RefusedError) as refusal:
        connect(scripted, name).get("T")
    assert is_sentence(str(refusal.value)) and "no {good} word" in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("where", ["message", "url", "header"])
def test_a_service_that_repeats_the_key_does_not_get_it_into_an_error(connect, scripted, name, where):
    key = "msy_Qx7Secret0000"
    said = {
        "message": f"the key {key} is bad",
        "url": f"see https://example.org/?api_key={key}&Signature=abcdef",
        "header": f"you sent Authorization: Bearer {key} and x-api-key={key}",
    }[where]
    scripted.say(http({"message": said}, "401 Unauthorized"))
    with pytest.raises(E.KeyRefusedError) as refusal:
        connect(scripted, name, key=key).create(PICTURE)
    assert key in scripted.requests[0][0]
    assert key not in str(refusal.value) and "abcdef" not in str(refusal.value) and "<hidden>" in str(refusal.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_service_that_leads_elsewhere_is_not_followed_with_the_key(service, server, is_sentence, status):
    server.play("create", "redirect", status=status)
    with pytest.raises(E.UnavailableError, match="leads to another one: check it") as refusal:
        service.create(PICTURE)
    assert is_sentence(str(refusal.value)) and len(server.requests) == 1


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.mark.parametrize("step", ["create", "get", "find"])
def test_where_nobody_listens_the_address_is_named_and_nothing_can_have_been_made(
    connect, server, name, is_sentence, step
):
    service = connect(server, name, url=f"http://127.0.0.1:{free_port()}")
    steps = {
        "create": lambda: service.create(PICTURE),
        "get": lambda: service.get("T"),
        "find": lambda: service.find(PICTURE, 1.0),
    }
    with pytest.raises(E.ServiceAwayError, match=r"127\.0\.0\.1: check the network") as away:
        steps[step]()
    assert is_sentence(str(away.value)) and E.is_transient(away.value)


def test_a_host_without_an_address_is_away(name, is_sentence):
    service = api.connect(name, key="some-key", url="https://nosuchhost.invalid", network=api.Network(connect_s=3.0))
    with pytest.raises(E.ServiceAwayError, match="nosuchhost.invalid") as away:
        service.get("T")
    assert is_sentence(str(away.value))


def test_a_connection_that_breaks_while_it_is_secured_is_no_matter_of_trust(connect, server, name):
    """Plain HTTP answers where TLS was expected: as when a line breaks in the handshake, asking again may help."""
    service = connect(server, name, url=server.url.replace("http:", "https:"))
    with pytest.raises(E.ServiceAwayError) as away:
        service.get("T")
    assert E.is_transient(away.value)


@pytest.mark.parametrize("key", ["", "   ", "\n"])
def test_without_a_key_it_is_said_where_one_goes(name, is_sentence, key):
    with pytest.raises(E.NoKeyError) as refusal:
        api.connect(name, key=key)
    assert is_sentence(str(refusal.value)) and f"set {name.upper()}_API_KEY" in str(refusal.value)


@pytest.mark.parametrize("key", ["two words", "schlüssel", "zero\u200bwidth", "line\nbreak", "tab\tkey", "nul\0"])
def test_a_key_with_characters_that_no_key_has_is_not_repeated(name, is_sentence, key):
    with pytest.raises(E.NoKeyError, match="copy it again") as refusal:
        api.connect(name, key=key)
    assert is_sentence(str(refusal.value)) and key not in str(refusal.value)


def test_a_key_and_an_address_are_taken_from_the_environment_and_tidied(server, monkeypatch):
    monkeypatch.setenv("MESHY_API_KEY", f" {server.meshy_key}\n")
    monkeypatch.setenv("MESHY_API_URL", server.meshy_url + "/")
    assert api.connect("meshy").check_key() == 1000


def test_a_key_and_an_address_that_are_passed_count_more_than_the_environment(name, server, monkeypatch):
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "wrong-key-of-the-environment")
    monkeypatch.setenv(f"{name.upper()}_API_URL", "http://127.0.0.1:1")
    service = api.connect(name, key=getattr(server, f"{name}_key"), url=getattr(server, f"{name}_url"))
    service.check_key()
    (request,) = server.requests
    assert "wrong-key-of-the-environment" not in str(request.headers)


def test_each_service_looks_at_variables_of_its_own(server, monkeypatch):
    for service in ("csm", "meshy"):
        monkeypatch.setenv(f"{service.upper()}_API_KEY", getattr(server, f"{service}_key"))
        monkeypatch.setenv(f"{service.upper()}_API_URL", getattr(server, f"{service}_url"))
    assert [api.connect(service).check_key() for service in ("csm", "meshy")] == [None, 1000]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "HTTP://example.org",
        "ftp://example.org",
        "example.org",
        "https://[bad",
        "http://127.0.0.1.example.org",
    ],
)
def test_only_safe_addresses_are_connected_to(name, is_sentence, url):
    with pytest.raises(E.DownloadError, match="https://") as refusal:
        api.connect(name, key="some-key", url=url)
    assert is_sentence(str(refusal.value))


@pytest.mark.parametrize("url", ["", "https://example.org"])
def test_nothing_leaves_the_machine_while_blender_is_offline(name, is_sentence, url):
    with pytest.raises(E.OfflineError, match="Allow Online Access") as refusal:
        api.connect(name, key="some-key", url=url, network=api.Network(online=False))
    assert is_sentence(str(refusal.value))
