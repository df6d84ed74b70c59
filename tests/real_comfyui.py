# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ComfyUI, where the environment variable COMFYUI_TEST_URL names one: what it says of classes, and whether it
takes a graph. Tests that need it are left out otherwise. What it takes is deleted at once."""

import json
import os
import urllib.error
import urllib.request
import uuid

import pytest

URL = os.environ.get("COMFYUI_TEST_URL", "").rstrip("/")
wanted = pytest.mark.skipif(not URL, reason="COMFYUI_TEST_URL names no ComfyUI")

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, body=None):
    """The status and the JSON of an answer; None where it has none."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"})
    try:
        with _opener.open(request, timeout=60) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    return status, json.loads(content) if content else None


def info_of(classes):
    """What it says of each class that it has."""
    return {name: said for kind in classes for name, said in ask(f"/object_info/{kind}")[1].items()}


def faults(graph):
    """What it finds wrong with a graph, as "node: message: details"; none where it takes it."""
    prompt = str(uuid.uuid4())
    _, answer = ask("/prompt", {"prompt": graph, "prompt_id": prompt, "client_id": "tests"})
    ask("/queue", {"delete": [prompt]})
    ask("/interrupt", {"prompt_id": prompt})
    found = [
        f"{node}: {error['message']}: {error['details']}"
        for node, said in answer["node_errors"].items()
        for error in said["errors"]
    ]
    return found or ([answer["error"]["message"]] if "error" in answer else [])
