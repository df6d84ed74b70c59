# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about an account before anything is spent: whether the key is taken, the credits, what a request
costs."""

import pytest
from scripted import http

from image_to_3d.api import errors
from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES

PICTURE = {"image_url": "https://example.org/fox.png"}
CREDITS = {"csm": None, "meshy": 1000}
SMART = {"model_type": "smart-topology"}
BACK = {"back_image_url": "https://example.org/back.png"}


def cost(**parameters):
    return SERVICES["meshy"].cost(check(SERVICES["meshy"].parameters, {**PICTURE, **parameters}))


def test_a_good_key_is_taken_and_nothing_is_spent(service, server, name):
    assert service.check_key() == CREDITS[name]
    assert not server.creates and server.credits == 1000
    (request,) = server.requests
    assert request.method == "GET"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"action": "status", "status": 401, "message": "Invalid API key"}, errors.KeyRefusedError),
        ({"action": "status", "status": 404, "message": "No such route"}, errors.RefusedError),
        ({"action": "status", "status": 500}, errors.UnavailableError),
        ({"action": "garbage"}, errors.UnavailableError),
        ({"action": "drop"}, errors.ServiceAwayError),
        ({"action": "hang"}, errors.ServiceAwayError),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_in_a_sentence(service, server, name, fault, error, is_sentence):
    server.play("balance" if name == "meshy" else "list", **fault)
    with pytest.raises(error) as trouble:
        service.check_key()
    assert type(trouble.value) is error and is_sentence(str(trouble.value))
    if fault.get("status") == 404:
        assert "check the address" in str(trouble.value)


def test_a_wrong_key_is_refused(connect, server, name):
    with pytest.raises(errors.KeyRefusedError):
        connect(server, name, key="wrong-key-0123456789").check_key()


@pytest.mark.parametrize("body", [{}, "ok", {"data": "none"}, b"<html>Welcome</html>"], ids=str)
def test_a_page_that_is_no_answer_does_not_count_as_a_good_key(connect, scripted, name, body):
    scripted.say(http(body))
    with pytest.raises(errors.UnavailableError):
        connect(scripted, name).check_key()


def test_local_needs_no_key(tmp_path):
    local = SERVICES["local"].client()(folder=tmp_path, blender=["blender"])
    assert local.check_key() is None and not SERVICES["local"].account_page


def test_the_page_for_a_key_is_safe_and_nobody_is_led_to_one_of_a_service_that_has_closed(name):
    page = SERVICES[name].account_page
    assert not page if SERVICES[name].closed else page.startswith("https://")


@pytest.mark.parametrize(
    ("parameters", "credits"),
    [
        ({}, 30),
        ({"should_texture": False}, 20),
        ({"enable_pbr": False}, 30),
        *[({"ai_model": model}, 30) for model in ("latest", "meshy-6", "meshy-7", "meshy-7.1")],
        *[({"ai_model": model, "should_texture": False}, 20) for model in ("meshy-6", "meshy-7", "meshy-7.1")],
        *[({"ai_model": model, "texture_resolution": "8k"}, 35) for model in ("meshy-6", "meshy-7", "meshy-7.1")],
        ({"ai_model": "meshy-6-lite"}, 15),
        ({"ai_model": "meshy-6-lite", "should_texture": False}, 5),
        ({"texture_resolution": "4k"}, 30),
        ({"hd_texture": True}, 30),
        ({"texture_resolution": "8k"}, 35),
        ({"geometry_resolution": "2k"}, 35),
        ({"geometry_resolution": "4k"}, 35),
        ({"geometry_resolution": "4k", "texture_resolution": "8k"}, 40),
        ({"geometry_resolution": "4k", "should_texture": False}, 25),
        ({"ai_model": "meshy-7.1", "geometry_resolution": "2k"}, 35),
        *[
            ({**SMART, **model, **others}, credits)
            for model in ({}, {"ai_model": "meshy-t2"}, {"ai_model": "meshy-t2.5"})
            for others, credits in (
                ({}, 15),
                ({"should_texture": False}, 5),
                ({"texture_resolution": "4k"}, 15),
                ({"texture_resolution": "8k"}, 20),
                ({"target_polycount": 12_000}, 15),
            )
        ],
        (BACK, 30),
        ({**BACK, "should_texture": False}, 20),
        ({**BACK, "right_image_url": "https://example.org/right.png", "texture_resolution": "8k"}, 35),
        ({**BACK, "geometry_resolution": "2k"}, 35),
        ({**BACK, "ai_model": "meshy-6-lite"}, 15),
        ({"ai_model": "meshy-9"}, None),
        ({**SMART, "ai_model": "meshy-t9"}, None),
        *[({"texture_model": model}, None) for model in ("meshy-7", "meshy-n1", "meshy-6-lite", "meshy-n9")],
    ],
    ids=str,
)
def test_what_meshy_takes_for_a_task(parameters, credits):
    assert cost(**parameters) == credits


def test_the_others_name_no_price():
    for name in ("csm", "local"):
        assert SERVICES[name].cost(check(SERVICES[name].parameters, PICTURE)) is None


MODELS = next(entry for entry in SERVICES["meshy"].parameters if entry.name == "ai_model").suggestions


@pytest.mark.parametrize("model", MODELS)
def test_every_model_that_is_suggested_has_a_price(model):
    assert cost(ai_model=model, **(SMART if model.startswith("meshy-t") else {}))
