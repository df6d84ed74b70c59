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


def test_the_page_for_a_key_is_safe(name):
    assert SERVICES[name].account_page.startswith("https://")


@pytest.mark.parametrize(
    ("parameters", "credits"),
    [
        ({}, 30),
        ({"should_texture": False}, 20),
        ({"enable_pbr": False}, 30),
        *[({"ai_model": model}, 30) for model in ("meshy-6", "meshy-7", "meshy-7.1")],
        *[({"ai_model": model}, 15) for model in ("meshy-5", "meshy-6-lite", "meshy-t2", "meshy-t2.5")],
        ({"ai_model": "meshy-5", "should_texture": False}, 5),
        ({"texture_resolution": "4k"}, 30),
        ({"hd_texture": True}, 30),
        ({"texture_resolution": "8k"}, 35),
        ({"geometry_resolution": "2k"}, 35),
        ({"geometry_resolution": "4k"}, 35),
        ({"geometry_resolution": "4k", "texture_resolution": "8k"}, 40),
        ({"geometry_resolution": "4k", "should_texture": False}, 25),
        ({"ai_model": "meshy-t2", "texture_resolution": "8k"}, 20),
        ({"model_type": "smart-topology"}, 15),
        ({"model_type": "smart-topology", "should_texture": False}, 5),
        ({"model_type": "smart-topology", "ai_model": "meshy-t2"}, 15),
        ({"model_type": "smart-topology", "ai_model": "meshy-7"}, None),
        ({"ai_model": "meshy-9"}, None),
    ],
    ids=str,
)
def test_what_meshy_takes_for_a_task(parameters, credits):
    assert cost(**parameters) == credits


def test_the_others_name_no_price():
    for name in ("csm", "local"):
        assert SERVICES[name].cost(check(SERVICES[name].parameters, PICTURE)) is None


@pytest.mark.parametrize("model", SERVICES["meshy"].parameters[1].suggestions)
def test_every_model_that_is_suggested_has_a_price(model):
    assert cost(ai_model=model)
