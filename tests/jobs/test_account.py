# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that tries a key: what it answers, and that the key is seen nowhere."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from service.cube import cube_glb
from service.stand_in import StandIn

from image_to_3d.jobs import account
from image_to_3d.programs.launch import LAUNCH

DEADLINE_S = 30  # against a hang; nothing is measured with it
PYTHON = [sys.executable, "-I"]
PROC = Path("/proc")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith(("_proxy", "_api_key", "_api_url")):
            monkeypatch.delenv(name)


@pytest.fixture
def server(tmp_path):
    model = tmp_path / "cube.glb"
    model.write_bytes(cube_glb())
    with StandIn(model=model) as server:
        yield server


def config(server, service="meshy", **connection):
    return {
        "service": service,
        "connection": {
            "network": {"proxy": "", "ca_file": "", "online": False},
            "key": getattr(server, f"{service}_key"),
            "url": getattr(server, f"{service}_url"),
            "picture_limit_px": 4096,
            **connection,
        },
    }


def answered(process):
    until = time.monotonic() + DEADLINE_S
    while (found := account.answer(process)) is None:
        assert time.monotonic() < until, "no answer"
        time.sleep(0.01)
    return found


def asked(config):
    return answered(account.start(python=PYTHON, config=config))


@pytest.mark.parametrize(("service", "credits"), [("meshy", 1000), ("csm", None)])
def test_a_good_key(server, service, credits):
    assert asked(config(server, service)) == {"ok": True, "credits": credits}
    assert not server.creates


def test_a_wrong_key(server):
    found = asked(config(server, key="wrong-key-0123456789"))
    assert found["ok"] is False and "does not accept the API key" in found["sentence"]


def test_what_can_be_no_key_and_what_is_no_address(server):
    assert "holds characters that no key has" in asked(config(server, key="ключ"))["sentence"]
    assert asked(config(server, url="http://[::1"))["ok"] is False


def test_a_service_that_is_away(server):
    url = server.meshy_url
    server.close()
    assert "check the network" in asked(config(server, url=url))["sentence"]


def test_offline_nothing_leaves_the_machine(server):
    found = asked(config(server, url="https://example.org"))
    assert found["ok"] is False and "Online access is off" in found["sentence"]


def test_a_key_that_the_service_repeats_is_not_told(server):
    server.play("balance", "status", status=400, message=f"The key {server.meshy_key} is odd")
    found = asked(config(server))
    assert "is odd" in found["sentence"] and server.meshy_key not in found["sentence"]


@pytest.mark.skipif(not PROC.is_dir(), reason="there is no /proc")
def test_the_key_is_in_no_argument_and_no_environment(server):
    server.play("balance", "hang")
    process = account.start(python=PYTHON, config=config(server))
    until = time.monotonic() + DEADLINE_S
    while not server.requests:
        assert time.monotonic() < until, "nothing was asked"
        time.sleep(0.01)
    for what in ("cmdline", "environ"):
        assert server.meshy_key.encode() not in (PROC / str(process.pid) / what).read_bytes()
    account.kill(process)
    process.wait(DEADLINE_S)


def test_a_process_that_dies_has_an_answer_too(server):
    process = account.start(python=[sys.executable, "-c", "raise SystemExit(1)"], config=config(server))
    assert answered(process) == {"ok": False, "sentence": account.STOPPED}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('{"ok": true, "credits": 7}', {"ok": True, "credits": 7}),
        ('{"ok": true, "credits": null}', {"ok": True, "credits": None}),
        (r'{"ok": false, "sentence": "No \ud83d\u001b[31mcredits\u202e.\n"}', {"ok": False, "sentence": "No credits."}),
        *(
            (odd, {"ok": False, "sentence": account.STOPPED})
            for odd in (
                *("", "no JSON", "[]", "7", "null", "{}", '{"ok": true}', '{"ok": true, "credits": "7"}', "[" * 50_000),
                *('{"ok": true, "credits": NaN}', '{"ok": true, "credits": [7]}', '{"ok": false, "sentence": ["no"]}'),
                *('{"ok": false}', '{"ok": false, "sentence": null}', '{"ok": false, "sentence": "\\ud83d"}'),
            )
        ),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_whatever_the_process_says_is_an_answer_that_can_be_shown(server, said, found):
    process = account.start(python=[sys.executable, "-IS", "-c", f"print({said!r})"], config=config(server))
    assert answered(process) == found


def ready_config(server, **connection):
    found = config(server, "comfyui", **connection)
    return {**found, "parameters": {"workflow": "mesh"}}


def test_a_server_of_the_users_says_what_it_is_or_what_it_lacks_and_where_that_is(server):
    found = asked(ready_config(server, key=""))
    assert (found["ok"], found["credits"]) == (True, None) and found["sentence"].startswith("ComfyUI 0.33")
    server.comfyui.models = {}
    found = asked(ready_config(server, key=""))
    assert found["ok"] is False and found["sentence"].startswith("ComfyUI lacks ")
    assert found["page"].startswith("https://") and not server.creates


@pytest.mark.parametrize(
    ("page", "is_told"),
    [
        ("https://huggingface.co/a/b", True),
        *(
            (odd, False)
            for odd in ("", "http://huggingface.co/a", "file:///etc/passwd", "https://a b", "https://a\u202e")
        ),
        *((odd, False) for odd in ("https://a" * 200, "https://a\nb")),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_only_an_ordinary_page_of_the_web_is_told(server, page, is_told):
    said = json.dumps({"ok": False, "sentence": "Something is missing.", "page": page})
    process = account.start(python=[sys.executable, "-IS", "-c", f"print({said!r})"], config=config(server))
    told = {"page": page} if is_told else {}
    assert answered(process) == {"ok": False, "sentence": "Something is missing.", **told}


@pytest.mark.parametrize("line", [b"", b'{"service": "meshy"'])
def test_without_a_whole_config_nothing_is_asked(server, line):
    ended = subprocess.run(
        [*PYTHON, str(LAUNCH), "jobs.account"], input=line, capture_output=True, timeout=DEADLINE_S, check=True
    )
    assert ended.stdout == ended.stderr == b"" and not server.requests
