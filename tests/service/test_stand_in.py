# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in answers as the services do: every address, code, header, quirk and fault, asked for by plain
requests."""

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import signal
import ssl
import struct
import subprocess
import threading
import time
import uuid
import warnings
import zipfile
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from service import meshy_rules
from service.customers import Customer
from service.faults import ACTIONS
from service.stand_in import Embedded, StandIn

MS = 1000
LOST = requests.exceptions.ConnectionError
SLOW = requests.exceptions.ReadTimeout


def get(url, **options):
    return requests.get(url, **{"timeout": 5, "allow_redirects": False, **options})


def glb_of(customer, picture):
    """The address of the GLB of a task that is made for it."""
    return customer.glb_url(customer.task(customer.made(picture)))


def is_whole_glb(content):
    return content[:4] == b"glTF" and struct.unpack_from("<I", content, 8)[0] == len(content)


def events(answer):
    """The events of a stream: each a name and its data."""
    for block in answer.text.strip().split("\n\n"):
        name, data = block.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


# Meshy: the ordinary way


def test_meshy_from_create_to_the_file(meshy, picture, cube):
    before = time.time()
    answer = meshy.create(picture, enable_pbr=True, target_formats=["glb"], unknown_field=1)
    assert answer.status_code == 202 and list(answer.json()) == ["result"]
    task = meshy.task(answer.json()["result"])
    assert (task["type"], task["status"], task["progress"]) == ("image-to-3d", "SUCCEEDED", 100)
    assert (task["preceding_tasks"], task["task_error"], task["consumed_credits"]) == (0, {"message": ""}, 30)
    assert before * MS - 1 <= task["created_at"] <= task["started_at"] <= task["finished_at"] < task["expires_at"]
    assert isinstance(task["created_at"], int)
    assert list(task["model_urls"]) == ["glb"] and "model_url" not in task
    assert set(task["texture_urls"][0]) == {"base_color", "metallic", "normal", "roughness"}
    assert get(task["thumbnail_url"]).content.startswith(b"\x89PNG")
    url = urlsplit(task["model_urls"]["glb"])
    assert url.path == f"/u/tasks/{task['id']}/output/model.glb"
    assert set(parse_qs(url.query)) == {"Expires", "Signature", "Key-Pair-Id"}
    assert get(url.geturl()).content == cube.read_bytes()


def test_meshy_ids_are_uuids_that_sort_as_they_were_made(meshy, picture):
    ids = [meshy.made(picture) for _ in range(5)]
    assert ids == sorted(ids) and len(set(ids)) == 5
    assert {(uuid.UUID(i).version, uuid.UUID(i).variant) for i in ids} == {(7, uuid.RFC_4122)}


def test_meshy_while_a_task_runs(waiting, picture):
    url, headers = f"{waiting.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {waiting.meshy_key}"}
    first, second = (
        requests.post(url, json={"image_url": picture}, headers=headers).json()["result"] for _ in range(2)
    )
    waiting.set_progress(second, -1)
    task = get(f"{url}/{second}", headers=headers).json()
    assert (task["status"], task["progress"], task["preceding_tasks"], task["started_at"]) == ("PENDING", 0, 1, 0)
    assert (task["model_urls"], task["texture_urls"], task["thumbnail_url"], task["finished_at"]) == ({}, [], "", 0)
    assert task["consumed_credits"] == 30
    waiting.set_progress(second, 62)
    answer = get(f"{url}/{second}", headers=headers)
    assert answer.headers["Retry-After"] == "5"
    assert (answer.json()["status"], answer.json()["progress"]) == ("IN_PROGRESS", 62)
    assert answer.json()["preceding_tasks"] == 0 and answer.json()["started_at"] > 0
    assert waiting.done_at(second) == 0
    waiting.finish(second)
    answer = get(f"{url}/{second}", headers=headers)
    assert "Retry-After" not in answer.headers and answer.json()["status"] == "SUCCEEDED"
    assert abs(waiting.done_at(second) * MS - answer.json()["finished_at"]) < 2
    assert get(f"{url}/{first}", headers=headers).json()["status"] == "IN_PROGRESS"


def test_every_answer_of_meshy_has_its_headers(meshy, service):
    for path in ("", "/nothing", "/nothing/stream"):
        answer = meshy.ask("GET", path)
        assert answer.headers["x-request-id"] and answer.headers["x-api-version"]
    assert len({meshy.ask("GET").headers["x-request-id"] for _ in range(3)}) == 3


@pytest.mark.parametrize(
    "sent, models, credits",
    [
        ({}, {"glb", "obj", "mtl", "fbx", "stl", "usdz"}, 30),
        ({"should_texture": False}, {"glb", "obj", "fbx", "stl", "usdz"}, 20),
        ({"target_formats": ["glb", "3mf"]}, {"glb", "3mf"}, 30),
        (
            {"target_formats": ["glb"], "should_remesh": True, "save_pre_remeshed_model": True},
            {"glb", "pre_remeshed_glb"},
            30,
        ),
        ({"target_formats": ["glb"], "ai_model": "meshy-6-lite"}, {"glb"}, 15),
        ({"target_formats": ["glb"], "model_type": "smart-topology"}, {"glb"}, 15),
        (
            {"target_formats": ["glb"], "model_type": "smart-topology", "ai_model": "meshy-t2.5"}
            | {"texture_resolution": "8k"},
            {"glb"},
            20,
        ),
        ({"target_formats": ["glb"], "texture_resolution": "8k", "geometry_resolution": "4k"}, {"glb"}, 40),
    ],
)
def test_meshy_makes_what_was_asked_for_and_takes_what_it_costs(meshy, service, picture, sent, models, credits):
    task = meshy.task(meshy.made(picture, **sent))
    assert set(task["model_urls"]) == models
    assert all(get(url).status_code == 200 for url in task["model_urls"].values())
    assert task["consumed_credits"] == credits
    assert meshy.stand_in.credits == 1000 - credits
    balance = get(f"{service.meshy_url}/v1/balance", headers=meshy.headers)
    assert balance.json() == {"balance": 1000 - credits}


@pytest.mark.parametrize(
    "sent, maps",
    [
        ({"should_texture": False}, set()),
        ({}, {"base_color"}),
        ({"enable_pbr": True}, {"base_color", "metallic", "roughness", "normal"}),
    ],
)
def test_meshys_loose_maps(meshy, picture, sent, maps):
    task = meshy.task(meshy.made(picture, **sent))
    found = task["texture_urls"][0] if task["texture_urls"] else {}
    assert set(found) == maps
    contents = {kind: get(url).content for kind, url in found.items()}
    assert len(set(contents.values())) == len(maps)
    assert all(content.startswith(b"\x89PNG") for content in contents.values())
    assert all(kind in urlsplit(url).path for kind, url in found.items() if kind != "base_color")


def test_meshy_gives_the_models_own_base_color(meshy, picture, cube):
    url = meshy.task(meshy.made(picture))["texture_urls"][0]["base_color"]
    assert get(url).content in cube.read_bytes()


def test_meshys_opt_in_thumbnails_and_echoes(meshy, picture):
    plain = meshy.task(meshy.made(picture))
    assert not {"alpha_thumbnail_url", "thumbnail_urls"} & set(plain) and plain["texture_prompt"] == ""
    task = meshy.task(
        meshy.made(picture, alpha_thumbnail=True, multi_view_thumbnails=True, texture_prompt="A red star")
    )
    assert get(task["alpha_thumbnail_url"]).ok and set(task["thumbnail_urls"]) == {"front", "right", "back", "left"}
    assert task["texture_prompt"] == "A red star"


def test_meshys_older_address(meshy, service, picture):
    url = service.meshy_url.replace("/openapi", "/v1/image-to-3d")
    task_id = requests.post(url, json={"image_url": picture}, headers=meshy.headers).json()["result"]
    assert get(f"{url}/{task_id}", headers=meshy.headers).json()["id"] == task_id
    assert meshy.task(task_id)["status"] == "SUCCEEDED"


def test_meshys_list(meshy, picture):
    ids = [meshy.made(picture) for _ in range(12)]
    newest_first = ids[::-1]
    assert [task["id"] for task in meshy.ask("GET").json()] == newest_first[:10]
    assert [task["id"] for task in meshy.ask("GET", "?page_num=2&page_size=5").json()] == newest_first[5:10]
    assert [task["id"] for task in meshy.ask("GET", "?sort_by=%2Bcreated_at&page_size=50").json()] == ids
    assert [task["id"] for task in meshy.ask("GET", "?sort_by=-created_at").json()] == newest_first[:10]
    assert meshy.ask("GET", "?page_num=9").json() == []
    assert set(meshy.ask("GET").json()[0]) == set(meshy.task(ids[0]))


@pytest.mark.parametrize("query", ["page_size=51", "page_size=0", "page_size=x", "page_num=0", "sort_by=id"])
def test_meshys_list_refuses(meshy, query):
    answer = meshy.ask("GET", f"?{query}")
    assert answer.status_code == 400 and answer.json()["message"]


def test_meshy_deletes_for_good(meshy, picture):
    task_id = meshy.made(picture)
    answer = meshy.ask("DELETE", f"/{task_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    for method in ("GET", "DELETE"):
        answer = meshy.ask(method, f"/{task_id}")
        assert (answer.status_code, answer.json()) == (404, {"message": "Task not found"})


def test_meshy_refuses_to_delete_a_task_in_progress(cube, picture):
    with StandIn(model=cube, seconds=None) as service:
        meshy = Customer(service, "meshy")
        task_id = meshy.made(picture)
        before = service.credits
        answer = meshy.ask("DELETE", f"/{task_id}")
        assert answer.status_code == 409 and "in progress" in answer.json()["message"]
        service.set_progress(task_id, -1)  # in the queue, where it costs nothing yet
        assert meshy.ask("DELETE", f"/{task_id}").status_code == 200
        assert service.credits > before and meshy.ask("GET", f"/{task_id}").status_code == 404


@pytest.mark.parametrize("key", [None, "Bearer wrong", "Bearer ", "msy_StandInKeyForTests0000000000"])
def test_meshy_without_the_right_key(meshy, service, picture, key):
    headers = {} if key is None else {"Authorization": key}
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/x"), ("DELETE", "/x"), ("GET", "/x/stream")):
        answer = meshy.ask(method, path, headers=headers, json={"image_url": picture})
        assert (answer.status_code, answer.json()) == (401, {"message": "Invalid API key"})
    assert service.creates == []


@pytest.mark.parametrize("path", ["/openapi/v2/image-to-3d", "/openapi/v1/text-to-3d", "", "/v3"])
def test_meshy_has_no_other_addresses(service, path):
    answer = get(service.url + "/meshy" + path)
    assert answer.status_code == 404 and answer.json()["message"].startswith("NoMatchingRoute")


# Meshy: several views of one object


@pytest.fixture
def views(service):
    return Customer(service, "meshy", "multi-image-to-3d")


def test_a_task_of_several_views_is_known_at_its_own_path_only(meshy, views, service, picture):
    answer = views.ask("POST", json={"image_urls": [picture, picture], "texture_prompt": "mossy"})
    task_id, other_id = answer.json()["result"], meshy.made(picture)
    assert answer.status_code == 202
    task = views.task(task_id)
    assert (task["type"], task["status"], task["texture_prompt"]) == ("multi-image-to-3d", "SUCCEEDED", "mossy")
    assert "image_urls" not in task and get(views.glb_url(task)).ok
    assert [made["id"] for made in views.ask("GET").json()] == [task_id]
    assert [made["id"] for made in meshy.ask("GET").json()] == [other_id]
    for customer, unknown in ((meshy, task_id), (views, other_id)):
        for method in ("GET", "DELETE"):
            answer = customer.ask(method, f"/{unknown}")
            assert (answer.status_code, answer.json()) == (404, {"message": "Task not found"})
        events_told = list(events(customer.ask("GET", f"/{unknown}/stream")))
        assert events_told == [("error", {"status_code": 404, "message": "Task not found"})]
    assert [name for name, _ in events(views.ask("GET", f"/{task_id}/stream"))] == ["message"]
    assert views.ask("DELETE", f"/{task_id}").status_code == 200
    assert views.ask("GET", f"/{task_id}").status_code == 404 and meshy.ask("GET", f"/{other_id}").ok
    assert service.creates[0].parameters["image_urls"][1].media_type == "image/png"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"image_url": "https://example.org/fox.png"},
        {"image_urls": []},
        {"image_urls": "https://example.org/fox.png"},
        {"image_urls": ["https://example.org/fox.png"] * 5},
        {"image_urls": ["https://example.org/fox.png", "https://example.org/fox.webp"]},
        {"image_urls": ["https://example.org/fox.png", "data:image/png;base64,%%%"]},
        {"image_urls": ["https://example.org/fox.png"], "model_type": "standard"},
    ],
)
def test_meshy_refuses_of_several_views(views, service, sent):
    answer = views.ask("POST", json=sent)
    assert answer.status_code == 400 and answer.json()["message"]
    assert service.creates == []


def test_meshys_list_of_several_views_has_fifty_on_a_page(views, service):
    service.credits = 10_000
    for _ in range(51):
        assert views.ask("POST", json={"image_urls": ["https://example.org/fox.png"]}).ok
    assert len(views.ask("GET", "?page_size=50").json()) == 50
    assert len(views.ask("GET", "?page_size=50&page_num=2").json()) == 1
    assert views.ask("GET", "?page_size=51").status_code == 400


def test_meshy_on_the_free_plan(meshy, views, service, picture):
    service.quirk("meshy", free_plan=True)
    for answer in (meshy.create(picture), views.ask("POST", json={"image_urls": [picture]})):
        assert answer.status_code == 402 and answer.json()["message"].startswith("NoMorePendingTasks: ")
    assert (service.creates, service.credits) == ([], 1000)


def test_whoever_tries_a_key_by_meshys_text_tasks_finds_none(meshy, service):
    url = service.meshy_url + "/v2/text-to-3d"
    answer = get(url, headers=meshy.headers)
    assert (answer.status_code, answer.json()) == (200, [])
    assert get(url).status_code == 401
    answer = get(f"{url}/018a", headers=meshy.headers)
    assert (answer.status_code, answer.json()) == (404, {"message": "Task not found"})


PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"image_url": ""},
        {"image_url": None},
        {"image_url": 5},
        {"image_url": "picture.png"},
        {"image_url": "ftp://example.org/picture.png"},
        {"image_url": "https://example.org/picture.webp"},
        {"image_url": "https://nowhere.invalid/picture.png"},
        {"image_url": "http://127.0.0.1:9/picture.png"},
        {"image_url": "data:image/png;base64,%%%"},
        {"image_url": "data:image/png,abc"},
        {"image_url": "data:image/png;base64"},
        {"image_url": "data:image/webp;base64,UklGRg=="},
        {"image_url": "data:image/png;base64,aGVsbG8="},
        {"input_task_id": "018a210d-8ba4-705c-b111-1f1776f7f578"},
        {"image_url": PNG, "input_task_id": "unknown"},
        {"image_url": PNG, "enable_pbr": True, "should_texture": False},
        {"image_url": PNG, "enable_pbr": "true"},
        {"image_url": PNG, "ai_model": "meshy-4"},
        {"image_url": PNG, "ai_model": ["meshy-6"]},
        {"image_url": PNG, "topology": "quads"},
        {"image_url": PNG, "model_type": "high"},
        {"image_url": PNG, "pose_mode": "b-pose"},
        {"image_url": PNG, "target_polycount": 99},
        {"image_url": PNG, "target_polycount": 300_001},
        {"image_url": PNG, "target_polycount": "30000"},
        {"image_url": PNG, "target_polycount": 15_001, "model_type": "smart-topology"},
        {"image_url": PNG, "decimation_mode": 5},
        {"image_url": PNG, "target_formats": ["ply"]},
        {"image_url": PNG, "target_formats": "glb"},
        {"image_url": PNG, "target_formats": []},
        {"image_url": PNG, "texture_prompt": "a" * 801},
        {"image_url": PNG, "texture_image_url": "https://example.org/a.gif"},
        [],
        "no object",
    ],
)
def test_meshy_refuses(meshy, service, sent):
    answer = meshy.ask("POST", json=sent)
    assert answer.status_code == 400, sent
    assert list(answer.json()) == ["message"] and answer.json()["message"]
    assert service.creates == [] and service.credits == 1000


SMART = {"model_type": "smart-topology"}
VIEWS = {"image_urls": [PNG, PNG]}

TOGETHER = [  # what Meshy refuses, for one picture and for several, and what of it has to go for Meshy to take the rest
    *[({"ai_model": model}, {}, ["ai_model"]) for model in ("meshy-4", "meshy-5", "meshy-t1", "meshy-t9")],
    ({"model_type": "lowpoly"}, {}, ["model_type"]),
    *[({"ai_model": model}, {}, ["ai_model"]) for model in ("meshy-t2", "meshy-t2.5")],
    *[({**SMART, "ai_model": model}, {}, ["ai_model"]) for model in ("latest", "meshy-7.1", "meshy-6-lite")],
    ({**SMART, "ai_model": "meshy-t2", "target_polycount": 15_001}, {}, ["target_polycount"]),
    ({**SMART, "ai_model": "meshy-t2.5", "target_polycount": 30_001}, {}, ["target_polycount"]),
    ({**SMART, "target_polycount": 15_001}, {}, ["target_polycount"]),
    *[
        ({"ai_model": model, "geometry_resolution": "2k"}, {}, ["geometry_resolution"])
        for model in ("meshy-7", "meshy-6", "meshy-6-lite")
    ],
    ({**SMART, "geometry_resolution": "2k"}, {}, ["geometry_resolution"]),
    ({"ai_model": "meshy-6", "ultra_mode": True}, {}, ["ultra_mode"]),
    ({"ultra_mode": True, "geometry_resolution": "4k"}, {}, ["ultra_mode"]),
    ({"ai_model": "meshy-6-lite", "image_enhancement": True}, {}, ["image_enhancement"]),
    ({**SMART, "image_enhancement": True}, {}, ["image_enhancement"]),
    ({"remove_lighting": True}, {}, ["remove_lighting"]),
    ({"ai_model": "meshy-7.1", "remove_lighting": False}, {}, ["remove_lighting"]),
    ({**SMART, "remove_lighting": True}, {}, ["remove_lighting"]),
    *[
        ({"ai_model": "meshy-6-lite", **fine}, {}, list(fine))
        for fine in ({"texture_resolution": "4k"}, {"texture_resolution": "8k"}, {"hd_texture": True})
    ],
    *[
        ({"texture_model": "meshy-n1", name: value}, {}, [name])
        for name, value in {"enable_pbr": True, "texture_prompt": "Moss", "texture_resolution": "8k"}.items()
    ],
    ({"ai_model": "meshy-6", "texture_model": "meshy-n1", "remove_lighting": True}, {}, ["remove_lighting"]),
    ({"texture_model": "meshy-6-lite", "texture_resolution": "4k"}, {}, ["texture_resolution"]),
    ({"texture_model": "meshy-t2"}, {}, ["texture_model"]),
    *[
        ({"ai_model": "meshy-6", "should_texture": False, name: value}, {}, [name])
        for name, value in {
            "enable_pbr": True,
            "hd_texture": True,
            "texture_model": "meshy-7",
            "texture_prompt": "Moss",
            "texture_image_url": PNG,
            "texture_resolution": "4k",
            "remove_lighting": True,
        }.items()
    ],
    ({"model_type": "standard"}, VIEWS, ["model_type"]),
    ({"ai_model": "meshy-t2"}, VIEWS, ["ai_model"]),
    ({"geometry_resolution": "4k"}, VIEWS, ["geometry_resolution"]),
    ({"ai_model": "meshy-6", "geometry_resolution": "2k"}, VIEWS, ["geometry_resolution"]),
    ({"texture_model": "meshy-6-lite"}, VIEWS, ["texture_model"]),
    ({"ai_model": "meshy-6-lite", "remove_lighting": True}, VIEWS, ["remove_lighting"]),
    ({"ai_model": "meshy-6-lite", "image_enhancement": True}, VIEWS, ["image_enhancement"]),
    ({"ai_model": "meshy-6", "texture_image_urls": [PNG]}, VIEWS, ["texture_image_urls"]),
    ({"texture_image_urls": [PNG] * 5}, VIEWS, ["texture_image_urls"]),
    ({"texture_image_urls": []}, VIEWS, ["texture_image_urls"]),
    ({"texture_image_urls": [PNG], "texture_prompt": "Moss"}, VIEWS, ["texture_prompt"]),
    ({"texture_image_urls": [PNG], "texture_image_url": PNG}, VIEWS, ["texture_image_url"]),
    ({"texture_image_urls": [PNG], "should_texture": False}, VIEWS, ["texture_image_urls"]),
]


@pytest.mark.parametrize(
    "together, pictures, wrong",
    [(together, pictures or {"image_url": PNG}, wrong) for together, pictures, wrong in TOGETHER],
)
def test_meshy_refuses_what_does_not_go_together(together, pictures, wrong):
    is_multi = pictures is VIEWS
    with pytest.raises(meshy_rules.BadRequestError):
        meshy_rules.completed({**pictures, **together}, is_multi=is_multi)
    rest = {name: value for name, value in together.items() if name not in wrong}
    meshy_rules.completed({**pictures, **rest}, is_multi=is_multi)


@pytest.mark.parametrize("pictures", [None, [], [PNG] * 5, PNG, [5]])
def test_meshy_takes_one_to_four_pictures(pictures):
    with pytest.raises(meshy_rules.BadRequestError):
        meshy_rules.completed({"image_url": PNG, "image_urls": pictures}, is_multi=True)
    for number in (1, 4):
        assert meshy_rules.completed({"image_urls": [PNG] * number}, is_multi=True)["image_urls"] == [PNG] * number


def test_meshy_says_what_go_says_of_a_text_where_a_list_was_due(meshy, picture):
    answer = meshy.create(picture, target_formats="glb")
    assert "target_formats of type []string" in answer.json()["message"]


def test_meshy_takes_everything_it_documents(meshy, picture):
    everything = {name: not usual for name, usual in meshy_rules.FLAGS.items()} | {"should_texture": True}
    everything |= {name: options[-1] for name, options in meshy_rules.CHOICES.items()}
    everything |= {"target_polycount": 300_000, "decimation_mode": 4, "target_formats": ["3mf"], "name": "Star"}
    everything |= {"texture_prompt": "a" * 800, "texture_image_url": picture, "texture_model": "meshy-7"}
    everything |= {"ai_model": "meshy-6", "model_type": "standard", "ultra_mode": False}
    assert meshy.create(picture, **everything).status_code == 202
    assert meshy.create(picture, **dict.fromkeys(everything)).status_code == 202  # null is as good as absent
    newest = {"ai_model": "latest", "ultra_mode": True, "geometry_resolution": "2k", "image_enhancement": True}
    assert meshy.create(picture, **newest).status_code == 202
    smart = {**SMART, "ai_model": "meshy-t2.5", "target_polycount": 30_000, "topology": "quad", "should_remesh": True}
    assert meshy.create(picture, **smart).status_code == 202


def test_meshy_fetches_a_picture_on_loopback(meshy, web, star, picture):
    assert meshy.create(web.serve("/star.png", star.read_bytes(), "image/png")).status_code == 202
    answer = meshy.create(web.address("/none.png"))
    assert answer.status_code == 400 and "downloaded" in answer.json()["message"]
    answer = meshy.create(web.serve("/text.png", b"text", "image/png"))
    assert answer.status_code == 400 and "unsupported image format" in answer.json()["message"]
    assert meshy.create("https://example.org/picture.jpeg").status_code == 202  # nobody asks there


def test_meshy_without_credits(meshy, service, picture):
    service.credits = 45
    task_id = meshy.made(picture)
    answer = meshy.create(picture)
    assert answer.status_code == 402 and answer.json()["message"]
    assert len(service.creates) == 1
    service.fail(task_id, "The moon is wrong")
    assert service.credits == 45
    service.fail(task_id, "The moon is wrong")
    assert service.credits == 45


def test_meshys_stream(waiting, picture):
    url, headers = f"{waiting.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {waiting.meshy_key}"}
    task_id = requests.post(url, json={"image_url": picture}, headers=headers).json()["result"]
    told = []

    def tell():
        for percent in (30, 60):
            time.sleep(0.15)
            waiting.set_progress(task_id, percent)
        time.sleep(0.15)
        waiting.finish(task_id)

    teller = threading.Thread(target=tell)
    teller.start()
    answer = get(f"{url}/{task_id}/stream", headers={**headers, "Accept": "text/event-stream"})
    teller.join()
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/event-stream"
    told = list(events(answer))
    assert {name for name, _ in told} == {"message"}
    assert all(set(data) == {"id", "progress", "status"} for _, data in told[:-1])
    assert [data["progress"] for _, data in told] == [0, 30, 60, 100]
    assert told[-1][1]["status"] == "SUCCEEDED" and "glb" in told[-1][1]["model_urls"]


def test_meshys_stream_of_no_task(meshy):
    answer = meshy.ask("GET", "/unknown/stream")
    assert answer.status_code == 200
    assert list(events(answer)) == [("error", {"status_code": 404, "message": "Task not found"})]


# CSM: the ordinary way

CSM_FIELDS = ["session_code", "image_url", "manual_segmentation", "texture_model", "geometry_model", "topology"]
CSM_FIELDS += ["resolution", "symmetry", "scaled_bbox", "preserve_aspect_ratio", "pivot_point", "mesh_url"]
CSM_FIELDS += ["mesh_url_obj", "mesh_url_zip", "mesh_url_glb", "mesh_url_fbx", "mesh_url_usdz", "mp4_url"]
CSM_FIELDS += ["updated_at", "created_at", "session_status", "percent_done"]


def test_csm_from_create_to_the_file(csm, picture, cube):
    answer = csm.create(picture, geometry_model="turbo", texture_model="pbr", unknown_field=1)
    body = answer.json()
    assert answer.status_code == 201
    assert (body["error"], body["message"], body["statusCode"]) == ("", "Created", 201)
    created = body["data"]
    assert sorted(created) == sorted(CSM_FIELDS)
    assert re.fullmatch(r"SESSION_\d{10}_\d{7}", created["session_code"])
    assert (created["session_status"], created["percent_done"], created["image_url"]) == ("queued", 0, "")
    assert (created["geometry_model"], created["texture_model"]) == ("turbo", "pbr")
    assert (created["topology"], created["resolution"], created["symmetry"]) == ("tris", "high_poly", "auto")
    assert (created["scaled_bbox"], created["pivot_point"]) == ([-1, -1, -1], [0, 0, 0])
    assert all(value == "" for name, value in created.items() if name.startswith("mesh_url") or name == "mp4_url")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created["created_at"])
    answer = csm.ask("GET", "/" + created["session_code"])
    assert answer.status_code == 200
    assert (answer.json()["message"], answer.json()["statusCode"]) == ("Retrieved", 200)
    done = answer.json()["data"]
    assert (done["session_status"], done["percent_done"]) == ("complete", 100)
    assert done["created_at"] == created["created_at"] <= done["updated_at"]
    urls = {name: value for name, value in done.items() if name.startswith("mesh_url") or name == "mp4_url"}
    assert all(get(url).status_code == 200 for url in urls.values())
    assert {"sv", "se", "sig"} <= set(parse_qs(urlsplit(done["mesh_url_glb"]).query))
    assert get(done["mesh_url_glb"]).content == cube.read_bytes()
    with zipfile.ZipFile(io.BytesIO(get(done["mesh_url"]).content)) as archive:
        assert archive.read("mesh.glb") == cube.read_bytes()


def test_csm_while_a_session_runs(waiting, picture):
    url, headers = f"{waiting.csm_url}/image-to-3d-sessions", {"x-api-key": waiting.csm_key}
    code = requests.post(url, json={"image_url": picture}, headers=headers).json()["data"]["session_code"]
    waiting.set_progress(code, -1)
    assert get(f"{url}/{code}", headers=headers).json()["data"]["session_status"] == "queued"
    waiting.set_progress(code, 40)
    data = get(f"{url}/{code}", headers=headers).json()["data"]
    assert (data["session_status"], data["percent_done"], data["mesh_url_glb"]) == ("in_progress", 40, "")
    waiting.finish(code)
    assert get(f"{url}/{code}", headers=headers).json()["data"]["session_status"] == "complete"


def test_csms_list(csm, picture):
    codes = [csm.made(picture) for _ in range(12)]
    answer = csm.ask("GET").json()
    records = answer["data"]["results"]
    assert answer["statusCode"] == 200 and [record["_id"] for record in records] == codes[:1:-1]
    assert {"_id", "user_id", "preview_mesh_url", "percentage", "status", "created_at"} <= set(records[0])
    assert (records[0]["status"], records[0]["percentage"]) == ("refine_done", 100)
    second = csm.ask("GET", "?limit=5&page=2").json()["data"]["results"]
    assert [record["_id"] for record in second] == codes[6:1:-1]
    assert csm.ask("GET", "?page=x").status_code == csm.ask("GET", "?limit=0").status_code == 400


def test_csm_keys(csm, service, picture):
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/x")):
        for headers, code in (({}, 401), ({"x-api-key": "f" * 32}, 403)):
            answer = csm.ask(method, path, headers=headers, json={"image_url": picture})
            assert answer.status_code == answer.json()["statusCode"] == code
            assert answer.json()["message"] and answer.json()["error"]
    assert service.creates == []


def test_csm_unknown_addresses(csm, service):
    assert csm.ask("GET", "/SESSION_0000000000_0000000").status_code == 404
    assert get(service.csm_url + "/v3/sessions/", headers=csm.headers).status_code == 404
    assert get(service.csm_url + "/user/userdata", headers=csm.headers).json()["data"]["tier"]
    assert get(service.url + "/").status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"image_url": ""},
        {"image_url": 7},
        {"image_url": "nothing"},
        {"image_url": "data:image/png;base64,%%%"},
        {"image_url": "iVBORw0KGgo="},
        {"image_url": PNG, "geometry_model": "highest"},
        {"image_url": PNG, "texture_model": "PBR"},
        {"image_url": PNG, "topology": "quad"},
        {"image_url": PNG, "resolution": 5000},
        {"image_url": PNG, "preserve_aspect_ratio": "yes"},
        {"image_url": PNG, "scaled_bbox": [1, 1]},
        {"image_url": PNG, "scaled_bbox": [1, 1, "1"]},
        {"image_url": PNG, "scaled_bbox": [1, 1, 0]},
        {"image_url": PNG, "scaled_bbox": [1, 1, True]},
        {"image_url": PNG, "scaled_bbox": 1},
        [],
    ],
)
def test_csm_refuses(csm, service, sent):
    answer = csm.ask("POST", json=sent)
    assert answer.status_code == answer.json()["statusCode"] == 400, sent
    assert answer.json()["message"] and service.creates == []


def test_csm_echoes_what_it_was_asked_for(csm, picture):
    sent = {"geometry_model": "turbo", "texture_model": "baked", "topology": "quads", "resolution": "low_poly"}
    sent |= {"scaled_bbox": [-1, 0.5, 1.8], "preserve_aspect_ratio": True}
    task = csm.task(csm.made(picture, **sent))
    assert {name: task[name] for name in sent} == sent


# What is written down


def test_what_was_made_is_known_without_the_picture(customer, service, star, picture):
    before = time.time()
    task_id = customer.made(picture, topology="tris" if customer.name == "csm" else "quad")
    (made,) = service.creates
    assert (made.service, made.id) == (customer.name, task_id) and before <= made.at <= time.time()
    content = star.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert made.parameters["image_url"] == Embedded("image/png", len(content), digest)
    assert set(made.parameters) == {"image_url", "topology"}


def test_every_request_is_known(customer, service, picture):
    url = glb_of(customer, picture)
    get(url)
    get(f"{service.elsewhere_url}/anything?x=1")
    customer.ask("GET", "/unknown", headers={"Authorization": "wrong", "X-API-KEY": "wrong"})
    seen = [(r.service, r.step, r.method, r.status) for r in service.requests]
    created = 202 if customer.name == "meshy" else 201
    refused = 401 if customer.name == "meshy" else 403
    assert seen == [
        (customer.name, "create", "POST", created),
        (customer.name, "get", "GET", 200),
        ("files", "download", "GET", 200),
        ("elsewhere", "unknown", "GET", 404),
        (customer.name, "get", "GET", refused),
    ]
    first, _, download, other, last = service.requests
    assert first.size > len(picture) and first.headers["content-type"] == "application/json"
    assert first.path.startswith(f"/{customer.name}/") and download.path == urlsplit(url).path
    assert download.query == urlsplit(url).query and (other.path, other.query) == ("/anything", "x=1")
    assert not {"Authorization", "x-api-key"} & set(download.headers)
    assert last.headers["authorization"] == last.headers["x-api-key"] == "wrong"
    assert [r.at for r in service.requests] == sorted(r.at for r in service.requests)


# The file host


def test_a_file_in_parts(customer, picture, cube):
    url, whole = glb_of(customer, picture), cube.read_bytes()
    size = len(whole)
    answer = get(url)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(size))
    assert answer.headers["Accept-Ranges"] == "bytes" and parsedate_to_datetime(answer.headers["Last-Modified"])
    tag = answer.headers["ETag"]
    assert tag.startswith('"') and tag == get(url).headers["ETag"]
    for asked, start, stop in (("100-199", 100, 200), ("1000-", 1000, size), ("-10", size - 10, size)):
        answer = get(url, headers={"Range": f"bytes={asked}"})
        assert answer.status_code == 206 and answer.content == whole[start:stop]
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert answer.headers["Content-Length"] == str(stop - start) and answer.headers["ETag"] == tag
    answer = get(url, headers={"Range": f"bytes={size}-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
    for match, status in ((tag, 206), (answer.headers.get("Last-Modified", '"other"'), 200), ('"other"', 200)):
        assert get(url, headers={"Range": "bytes=5-", "If-Range": match}).status_code == status
    modified = get(url).headers["Last-Modified"]
    assert get(url, headers={"Range": "bytes=5-", "If-Range": modified}).status_code == 206
    assert get(url, headers={"Range": "bytes=a-b"}).status_code == 200
    head = requests.head(url, timeout=5)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(size), b"")


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
def test_the_file_host_takes_no_key(customer, service, picture, header):
    answer = get(glb_of(customer, picture), headers={header: "secret"})
    assert answer.status_code == 400 and "<Error>" in answer.text
    assert service.requests[-1].headers[header] == "secret"


def test_addresses_are_signed_anew_and_expire(customer, service, picture):
    task_id = customer.made(picture)
    first, second = (customer.glb_url(customer.task(task_id)) for _ in range(2))
    assert first != second and get(first).ok and get(second).ok
    wrong = re.sub(r"(Signature|sig)=....", r"\1=0000", first)
    for url in (wrong, first.split("?")[0], first.replace("model.", "other.").replace("mesh.", "other.")):
        answer = get(url)
        assert answer.status_code == 403 and answer.text.startswith("<?xml")
        assert "xml" in answer.headers["Content-Type"]
    service.quirk(customer.name, link_seconds=-1)
    assert get(customer.glb_url(customer.task(task_id))).status_code == 403
    assert get(first).ok
    service.quirk(customer.name, link_seconds=60)
    assert get(customer.glb_url(customer.task(task_id))).ok


def test_a_forgotten_task_is_gone_with_its_files(customer, service, picture):
    task_id = customer.made(picture)
    url = customer.glb_url(customer.task(task_id))
    service.forget(task_id)
    assert customer.ask("GET", f"/{task_id}").status_code == 404
    assert get(url).status_code == 404
    with pytest.raises(KeyError):
        service.finish(task_id)


# How a task ends, and when


def test_a_task_takes_its_seconds(cube, picture):
    with StandIn(model=cube, seconds=0.6) as service:
        url, headers = f"{service.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {service.meshy_key}"}
        task_id = requests.post(url, json={"image_url": picture}, headers=headers).json()["result"]
        seen = []
        while not seen or seen[-1][0] != "SUCCEEDED":
            task = get(f"{url}/{task_id}", headers=headers).json()
            seen.append((task["status"], task["progress"]))
            assert len(seen) < 1000
            time.sleep(0.01)
        late = time.time() - service.done_at(task_id)
        assert 0 <= late < 0.3
        assert abs(service.done_at(task_id) - service.creates[0].at - 0.6) < 0.01
    assert list(dict.fromkeys(word for word, _ in seen)) == ["PENDING", "IN_PROGRESS", "SUCCEEDED"]
    percents = [percent for _, percent in seen]
    assert percents == sorted(percents) and len(set(percents)) > 5


def test_a_task_fails(patient, picture):
    service = patient.stand_in
    task_id = patient.made(picture)
    service.set_progress(task_id, 62)
    patient.task(task_id)
    service.fail(task_id, "Please retry.", code="timeout", type="server_error")
    answer = patient.ask("GET", f"/{task_id}").json()
    if patient.name == "meshy":
        assert (answer["status"], answer["progress"], answer["consumed_credits"]) == ("FAILED", 62, 0)
        assert answer["task_error"] == {"message": "Please retry.", "type": "server_error", "code": "timeout"}
        assert answer["model_urls"] == {} and service.credits == 1000
    else:
        assert (answer["data"]["session_status"], answer["error"]) == ("failed", "Please retry.")
        assert answer["data"]["mesh_url_glb"] == ""


# Quirks


def test_quirks_show_and_go(customer, service, picture):
    service.quirk(customer.name, no_glb=True)
    task_id = customer.made(picture)
    task = customer.task(task_id)
    offered = (
        task["model_urls"] if customer.name == "meshy" else {k: v for k, v in task.items() if k[:4] == "mesh" and v}
    )
    assert [name.removeprefix("mesh_url_") for name in offered] == ["fbx", "usdz"]
    service.quirk(customer.name, no_glb=False)
    assert get(customer.glb_url(customer.task(task_id))).ok
    with pytest.raises(TypeError):
        service.quirk(customer.name, no_such_quirk=True)


def test_quirk_unknown_status_and_no_progress(patient, picture):
    service = patient.stand_in
    service.quirk(patient.name, unknown_status="polishing", no_progress=True)
    task_id = patient.made(picture)
    task = patient.task(task_id)
    assert patient.word(task) == "polishing" and not {"progress", "percent_done"} & set(task)
    service.finish(task_id)
    assert patient.word(patient.task(task_id)) in ("SUCCEEDED", "complete")
    patient.ask("GET")  # the list holds too


@pytest.mark.parametrize("quirk", ["null_fields", "no_empty_fields"])
def test_quirk_nothing_said_otherwise(patient, picture, quirk):
    service = patient.stand_in
    task_id = patient.made(picture)
    usual = patient.task(task_id)
    service.quirk(**{quirk: True})
    task = patient.task(task_id)
    names = {"model_urls", "texture_urls", "finished_at", "task_error"}
    names = names if patient.name == "meshy" else {"mesh_url", "mesh_url_glb"}
    assert names <= set(usual)
    if quirk == "null_fields":
        assert all(task[name] is None for name in names) and set(task) == set(usual)
    else:
        assert not names & set(task)
    service.finish(task_id)
    assert get(patient.glb_url(patient.task(task_id))).ok


@pytest.mark.parametrize("word", ["EXPIRED", "CANCELED", "FAILED"])
def test_quirk_final(customer, service, picture, word):
    service.quirk(final=word, message="Too complex", code="image_too_complex", type="invalid_input")
    task_id = customer.made(picture)
    answer = customer.ask("GET", f"/{task_id}").json()
    if customer.name == "meshy":
        assert (answer["status"], answer["model_urls"], answer["consumed_credits"]) == (word, {}, 0)
        assert answer["task_error"]["code"] == "image_too_complex"
    else:
        assert (answer["data"]["session_status"], answer["error"]) == (word, "Too complex")
    assert service.credits == 1000 and service.done_at(task_id) > 0


def test_quirks_of_meshy(meshy, service, picture):
    task_id = meshy.made(picture, enable_pbr=True, target_formats=["glb"])
    usual = meshy.task(task_id)["texture_urls"][0]
    service.quirk("meshy", texture_urls_object=True, swapped_maps=True)
    swapped = meshy.task(task_id)["texture_urls"]
    assert isinstance(swapped, dict)
    contents = [{kind: get(url).content for kind, url in urls.items()} for urls in (usual, swapped)]
    assert contents[0]["normal"] == contents[1]["roughness"] != contents[0]["roughness"] == contents[1]["normal"]
    assert contents[0]["metallic"] == contents[1]["metallic"]
    service.quirk("meshy", model_url_only=True, progress_one=True, emission_map=True)
    assert get(meshy.task(task_id)["texture_urls"]["emission"]).ok
    task = meshy.task(task_id)
    assert task["model_urls"] == {} and get(task["model_url"]).ok
    assert (task["progress"], task["status"]) == (1, "SUCCEEDED")


def test_quirk_no_retry_after(waiting, picture):
    url, headers = f"{waiting.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {waiting.meshy_key}"}
    task_id = requests.post(url, json={"image_url": picture}, headers=headers).json()["result"]
    waiting.quirk("meshy", no_retry_after=True)
    assert "Retry-After" not in get(f"{url}/{task_id}", headers=headers).headers


def test_quirk_no_list(customer, service):
    service.quirk(no_list=True)
    assert customer.ask("GET").status_code == 404


@pytest.mark.parametrize("shift", [-7200, 7200])
def test_quirk_shifted_clock(customer, service, picture, shift):
    service.quirk(shifted_clock=shift)
    answer = customer.create(picture)
    told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert abs(told - time.time() - shift) < 5
    task_id = service.creates[0].id
    task = customer.task(task_id)
    if customer.name == "meshy":
        created = task["created_at"] / MS
    else:
        created = parsedate_to_datetime(
            time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.strptime(task["created_at"][:19], "%Y-%m-%dT%H:%M:%S"))
        ).timestamp()
    assert abs(created - time.time() - shift) < 5
    assert get(customer.glb_url(task)).ok


def test_quirks_of_csm(csm, service, picture):
    service.quirk("csm", fail_at_create=True, message="No subject", reason_in="status_message", echo_image=True)
    answer = csm.create(picture)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert (data["session_status"], data["status_message"]) == ("failed", "No subject")
    assert data["image_url"] == picture
    service.quirk("csm", reason_in="message")
    assert csm.create(picture).json()["message"] == "No subject"


def test_quirk_old_words(waiting, picture):
    url, headers = f"{waiting.csm_url}/image-to-3d-sessions", {"x-api-key": waiting.csm_key}
    waiting.quirk("csm", old_words=True)
    data = requests.post(url, json={"image_url": picture}, headers=headers).json()["data"]
    code, words = data["session_code"], [data["status"]]
    for percent in (10, 30, 50, 70, 90):
        waiting.set_progress(code, percent)
        data = get(f"{url}/{code}", headers=headers).json()["data"]
        words.append(data["status"])
    assert "session_status" not in data
    waiting.finish(code)
    words.append(get(f"{url}/{code}", headers=headers).json()["data"]["status"])
    assert words == ["uploaded", "spin_generate_processing", "spin_generate_done", "training_preview"] + [
        "preview_done",
        "refine_processing",
        "refine_done",
    ]


# Faults


def test_a_fault_happens_as_often_as_it_was_put_in(customer, service, picture):
    service.play("get", "status", times=2, status=502)
    service.play("get", "status", service="csm" if customer.name == "meshy" else "meshy")
    task_id = customer.made(picture)
    assert [customer.ask("GET", f"/{task_id}").status_code for _ in range(3)] == [502, 502, 200]
    service.play("get", "status")
    service.play_nothing()
    assert customer.ask("GET", f"/{task_id}").ok


@pytest.mark.parametrize("step, action", [("create", "cut_stream"), ("get", "no_id"), ("download", "status_after")])
def test_a_fault_that_makes_no_sense_is_refused(service, step, action):
    with pytest.raises(ValueError):
        service.play(step, action)
    with pytest.raises(ValueError):
        service.play(step, "no_such_action")
    with pytest.raises(ValueError):
        service.play("get", "status", service="nobody")
    with pytest.raises(TypeError):
        service.play("get", "status", no_such_option=1)


BEFORE = ["status", "rate_limit", "queue_full", "drop", "hang", "html", "gone", "redirect"]
AFTER = ["status_after", "drop_after", "hang_after", "garbage", "no_id", "cut", "slow", "no_length"]


@pytest.mark.parametrize("action", BEFORE + AFTER)
def test_a_fault_at_the_create_and_what_was_made(customer, service, picture, action):
    service.play("create", action, **({"seconds": 0.3} if action == "slow" else {}))
    status, problem = None, None
    try:
        answer = customer.ask("POST", json={"image_url": picture}, timeout=0.6)
        status = answer.status_code
    except requests.exceptions.RequestException as error:
        problem = error
    assert len(service.creates) == (action in AFTER)
    if action in ("drop", "drop_after"):
        assert isinstance(problem, LOST) and service.requests[0].status is None
    elif action in ("hang", "hang_after"):
        assert isinstance(problem, SLOW) and service.requests[0].status is None
    elif action == "cut":  # which urllib3 1.26 does not mind
        is_short = problem is None and len(answer.content) < int(answer.headers["Content-Length"])
        assert is_short or isinstance(problem, requests.exceptions.ChunkedEncodingError | LOST)
    else:
        codes = {"status": 503, "rate_limit": 429, "queue_full": 429, "html": 200, "gone": 410, "redirect": 302}
        codes["status_after"] = 500
        assert status == service.requests[0].status == codes.get(action, 202 if customer.name == "meshy" else 201)
        if action in ("rate_limit", "queue_full"):
            assert answer.headers.get("Retry-After") == ("1" if action == "rate_limit" else None)
            expected = "RateLimitExceeded" if action == "rate_limit" else "NoMoreConcurrentTasks"
            assert answer.json()["message"] == expected
        if action in ("html", "garbage"):
            with pytest.raises(ValueError):
                answer.json()
        if action == "no_id":
            assert service.creates[0].id not in answer.text and isinstance(answer.json(), dict)
        if action == "redirect":
            assert answer.headers["Location"].startswith(service.elsewhere_url + "/elsewhere/")
        if action == "no_length":
            assert "Content-Length" not in answer.headers and service.creates[0].id in answer.text
    assert customer.create(picture).ok  # the next one is as ever


def test_a_slow_create_is_made_although_nobody_waits(customer, service, picture):
    service.play("create", "slow", seconds=0.4)
    with pytest.raises(SLOW):
        customer.ask("POST", json={"image_url": picture}, timeout=0.1)
    assert service.creates == []
    time.sleep(0.6)
    assert len(service.creates) == 1


@pytest.mark.parametrize("step", ["get", "list", "delete", "balance", "stream"])
def test_a_fault_at_every_other_step(meshy, service, picture, step):
    task_id = meshy.made(picture)
    method, path = {
        "get": ("GET", f"/{task_id}"),
        "list": ("GET", ""),
        "delete": ("DELETE", f"/{task_id}"),
        "balance": ("GET", "/../balance"),
        "stream": ("GET", f"/{task_id}/stream"),
    }[step]
    url = f"{service.meshy_url}/v1/balance" if step == "balance" else meshy.url + path
    for action in (name for name, known in ACTIONS.items() if step in known.steps):
        if action in ("hang", "hang_after", "slow", "drop_after", "status_after", "cut_stream"):
            continue
        service.play(step, action, **({"status": 504, "headers": {"X-Y": "z"}} if action == "status" else {}))
        try:
            answer = requests.request(method, url, headers=meshy.headers, timeout=2, allow_redirects=False)
        except requests.exceptions.RequestException:
            assert action in ("drop", "cut"), action
            continue
        codes = {"status": 504, "rate_limit": 429, "gone": 410, "redirect": 302}
        if action in codes:
            assert answer.status_code == codes[action], action
        else:
            assert action in ("garbage", "html", "no_length", "cut"), action
        assert action != "status" or answer.headers["X-Y"] == "z"


def test_a_delete_that_is_done_although_its_answer_is_lost(meshy, service, picture):
    for action in ("drop_after", "hang_after"):
        task_id = meshy.made(picture)
        service.play("delete", action, **({"seconds": 0.1} if action == "hang_after" else {}))
        with pytest.raises(LOST):
            meshy.ask("DELETE", f"/{task_id}")
        assert meshy.ask("GET", f"/{task_id}").status_code == 404


def test_a_redirect_takes_the_key_elsewhere_only_in_a_careless_client(customer, service, picture):
    service.play("get", "redirect")
    service.play("get", "redirect", to="http://example.invalid/x", status=307)
    service.play("get", "redirect", to="loop")
    task_id = customer.made(picture)
    assert customer.ask("GET", f"/{task_id}", allow_redirects=True).json() == {}
    assert (service.requests[-1].service, service.requests[-1].step) == ("elsewhere", "elsewhere")
    answer = customer.ask("GET", f"/{task_id}")
    assert (answer.status_code, answer.headers["Location"]) == (307, "http://example.invalid/x")
    with pytest.raises(requests.exceptions.TooManyRedirects):
        customer.ask("GET", f"/{task_id}", allow_redirects=True)


@pytest.mark.parametrize("step", ["download", "map"])
def test_faults_of_files(meshy, service, picture, cube, step):
    task = meshy.task(meshy.made(picture))
    url = meshy.glb_url(task) if step == "download" else task["texture_urls"][0]["base_color"]
    whole = get(url)

    def meets(action, headers=None, **options):
        service.play(step, action, service="meshy", **options)
        return get(url, headers=headers)

    answer = meets("expired")
    assert answer.status_code == 403 and answer.text.startswith("<?xml")
    assert meets("gone").status_code == 410 and meets("status", status=404).status_code == 404
    assert meets("rate_limit", seconds=7).headers["Retry-After"] == "7"
    assert meets("html").text.startswith("<!doctype html>")
    assert meets("garbage").content[:1] == b"{"
    for bytes_ in (0, 100):
        with contextlib.suppress(requests.exceptions.ChunkedEncodingError, LOST):  # which urllib3 1.26 does not say
            assert len(meets("cut", bytes=bytes_).content) == bytes_
        service.play(step, "cut", bytes=bytes_)
        answer = requests.get(url, stream=True, timeout=5)
        assert answer.headers["Content-Length"] == str(len(whole.content))
        assert answer.raw.read(bytes_) == whole.content[:bytes_]
        answer.close()
    for action in ("drop", "hang"):
        with pytest.raises(LOST):
            meets(action, **({"seconds": 0.1} if action == "hang" else {}))
    answer = meets("no_range", {"Range": "bytes=10-"})
    assert answer.status_code == 200 and answer.content == whole.content
    assert "Accept-Ranges" not in answer.headers and "Content-Range" not in answer.headers
    answer = meets("no_length")
    assert answer.content == whole.content and "Content-Length" not in answer.headers
    answer = meets("no_length", {"Range": "bytes=10-"})
    assert answer.status_code == 206 and answer.content == whole.content[10:]
    answer = meets("other_file", {"Range": "bytes=10-", "If-Range": whole.headers["ETag"]})
    assert answer.status_code == 200 and answer.content != whole.content
    assert answer.headers["ETag"] != whole.headers["ETag"]
    assert step == "map" or is_whole_glb(answer.content)
    before = time.monotonic()
    assert meets("slow", seconds=0.2).content == whole.content and time.monotonic() - before >= 0.2
    assert get(url).content == whole.content


def test_redirects_of_files(customer, service, picture, cube):
    url = glb_of(customer, picture)
    for hops in (1, 4):
        service.play("download", "redirect", hops=hops)
        answer = get(url, allow_redirects=True)
        assert answer.content == cube.read_bytes() and len(answer.history) == hops
    service.play("download", "redirect", to="loop")
    with pytest.raises(requests.exceptions.TooManyRedirects):
        get(url, allow_redirects=True)
    service.play("download", "redirect", to="ftp://example.invalid/model.glb")
    assert get(url).headers["Location"] == "ftp://example.invalid/model.glb"


def test_a_stream_that_is_cut(waiting, picture):
    url, headers = f"{waiting.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {waiting.meshy_key}"}
    task_id = requests.post(url, json={"image_url": picture}, headers=headers).json()["result"]
    waiting.play("stream", "cut_stream", events=1)
    answer = get(f"{url}/{task_id}/stream", headers=headers, stream=True)
    assert answer.raw.read(6) == b"event:"
    with pytest.raises((requests.exceptions.ChunkedEncodingError, LOST)):
        for _ in answer.iter_content(1):
            pass
    assert waiting.done_at(task_id) == 0


# The server itself


@pytest.mark.timeout(30)
def test_closing_is_quick_and_leaves_nothing(cube, picture):
    before = threading.active_count()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        service = StandIn(model=cube, seconds=None)
        url, headers = f"{service.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {service.meshy_key}"}
        service.play("list", "hang")
        hanging = threading.Thread(target=lambda: pytest.raises(LOST, get, url, headers=headers))
        hanging.start()
        with requests.Session() as session:
            task_id = session.post(url, json={"image_url": picture}, headers=headers).json()["result"]
            stream = session.get(f"{url}/{task_id}/stream", headers=headers, stream=True)
            assert stream.raw.read(6) == b"event:"
            while len(service.requests) < 3:
                time.sleep(0.01)
            service.close()  # what hangs there would hang for ever
            stream.close()
        hanging.join()
        service.close()
    assert threading.active_count() == before
    with pytest.raises(LOST):
        get(url)


def test_the_port_can_be_chosen_and_used_again(cube):
    with StandIn(model=cube) as service:
        port = urlsplit(service.url).port
        with pytest.raises(OSError):
            StandIn(model=cube, port=port)
    with StandIn(model=cube, port=port) as service:
        assert urlsplit(service.csm_url).port == port != urlsplit(service.elsewhere_url).port
        assert get(service.csm_url).status_code == 404


def test_many_at_once(customer, service, picture):
    service.credits = 10_000

    def work():
        for _ in range(5):
            assert get(glb_of(customer, picture)).ok

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(service.creates) == 40 and len({made.id for made in service.creates}) == 40
    assert [r.status for r in service.requests].count(200) == 80


def test_a_large_picture_is_taken(customer, service):
    content = b"\x89PNG\r\n\x1a\n" + bytes(30 << 20)
    assert customer.create("data:image/png;base64," + base64.b64encode(content).decode()).ok
    assert service.creates[0].parameters["image_url"].size == len(content)


def test_over_tls(cube, picture, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with StandIn(model=cube, tls=context) as service:
        url, headers = f"{service.meshy_url}/v1/image-to-3d", {"Authorization": f"Bearer {service.meshy_key}"}
        assert url.startswith("https://")
        options = {"headers": headers, "verify": str(certificate), "timeout": 5}
        task_id = requests.post(url, json={"image_url": picture}, **options).json()["result"]
        glb = requests.get(f"{url}/{task_id}", **options).json()["model_urls"]["glb"]
        assert glb.startswith("https://")
        assert requests.get(glb, verify=str(certificate), timeout=5).content == cube.read_bytes()


# Models by the Local service


@pytest.mark.parametrize("name", ["meshy", "csm"])
def test_without_a_model_local_makes_one(name, picture):
    with StandIn() as service:
        customer = Customer(service, name)
        sent = {"geometry_model": "turbo", "resolution": "low_poly", "texture_model": "pbr"}
        task_id = customer.made(picture, **(sent if name == "csm" else {"enable_pbr": True}))
        percents = []
        while customer.word(task := customer.task(task_id)) not in ("SUCCEEDED", "complete"):
            assert customer.word(task) in ("PENDING", "IN_PROGRESS", "queued", "in_progress"), task
            percents.append(task.get("progress", task.get("percent_done")))
            time.sleep(0.05)
        assert is_whole_glb(get(customer.glb_url(task)).content)
        assert percents == sorted(percents) and max(percents) > 0
        if name == "meshy":
            assert get(task["texture_urls"][0]["base_color"]).ok


def test_a_picture_that_local_cannot_read_fails_the_task():
    with StandIn() as service:
        customer = Customer(service, "meshy")
        task_id = customer.made("data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"no").decode())
        while customer.word(task := customer.task(task_id)) not in ("SUCCEEDED", "FAILED"):
            time.sleep(0.05)
        assert task["status"] == "FAILED" and task["task_error"]["message"]
        assert service.credits == 1000


@pytest.mark.timeout(30)
@pytest.mark.skipif(os.name == "nt", reason="no process can be held up there from outside")
def test_closing_ends_what_local_is_at(picture):
    """Whoever waited for the sculptor, which is held up here, would wait for ever."""
    service = StandIn()
    customer = Customer(service, "csm")
    task_id = customer.made(picture)
    while customer.word(customer.task(task_id)) == "queued":
        time.sleep(0.02)
    found = subprocess.run(["pgrep", "-f", task_id], capture_output=True, text=True, check=True)
    for pid in map(int, found.stdout.split()):
        os.kill(pid, signal.SIGSTOP)
    service.close()
    assert subprocess.run(["pgrep", "-f", task_id], capture_output=True).stdout == b""
