# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshy's own MCP server is content with the stand-in, so that the stand-in speaks as Meshy does. Left out where npm is
not there, or cannot fetch the package. Asks nothing of Meshy itself.

Source: npm, @meshy-ai/meshy-mcp-server 0.5.2; Model Context Protocol, 2025-03-26: one line of JSON-RPC a message.
"""

import json
import os
import shutil
import subprocess

import pytest

PACKAGE = "@meshy-ai/meshy-mcp-server"
VERSION = "0.5.2"
FETCH_S = 25  # with its dependencies it has 33 MB on the disk; where it takes longer, the tests are left out
ENDING_S = 10


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The command line of Meshy's MCP server."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no npm to fetch Meshy's MCP server with")
    folder = tmp_path_factory.mktemp("npm")
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--prefer-offline"]
    command = [npm, "install", *quiet, "--fetch-retries=0", "--prefix", str(folder), f"{PACKAGE}@{VERSION}"]
    try:
        fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S)
    except subprocess.TimeoutExpired:
        pytest.skip("Meshy's MCP server cannot be fetched in time")
    if fetched.returncode:
        pytest.skip(f"Meshy's MCP server cannot be fetched: {fetched.stderr.strip().splitlines()[:1]}")
    return [node, str(folder / "node_modules" / PACKAGE / "dist" / "index.js")]


class Agent:
    """Somebody who uses the MCP server, as an assistant's program does. Its process ends with `close`."""

    def __init__(self, program, folder, service, key):
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self._said = (folder / "said.txt").open("w")
        self._process = subprocess.Popen(
            program,
            cwd=folder,
            env={**environment, "MESHY_API_HOST": f"{service.url}/meshy", "MESHY_API_KEY": key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        self._last_id = 0

    def ask(self, method, **params):
        """Send a request; return its result."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("id") == self._last_id:
                assert "error" not in message, message
                return message["result"]
        raise AssertionError("the MCP server has ended")

    def greet(self):
        """Introduce itself; return what the server says of itself."""
        about = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        hello = self.ask("initialize", **about)
        self._send({"method": "notifications/initialized"})
        return hello["serverInfo"]

    def call(self, tool, **arguments):
        """Use a tool; return the answer's text and its fields."""
        result = self.ask("tools/call", name=tool, arguments=arguments)
        text = "\n".join(part["text"] for part in result["content"])
        assert not result.get("isError"), text
        return text, result.get("structuredContent", {})

    def ended(self):
        """The exit code of a server that ends by itself."""
        return self._process.wait(ENDING_S)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._said.close()

    def _send(self, message):
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._process.stdin.flush()


@pytest.fixture
def start(program, tmp_path, service):
    agents = []

    def start(key):
        agents.append(Agent(program, tmp_path, service, key))
        return agents[-1]

    yield start
    for agent in agents:
        agent.close()


def steps(service):
    """What was asked of the stand-in since the last time."""
    found = [
        (request.method, request.path.removeprefix("/meshy/openapi"), request.status) for request in service.requests
    ]
    service.requests.clear()
    return found


def test_meshys_mcp_server_makes_models_of_one_picture_and_of_several_views(start, service, star):
    agent = start(service.meshy_key)
    assert agent.greet() == {"name": PACKAGE, "version": VERSION}
    assert steps(service) == [("GET", "/v2/text-to-3d", 200)]  # so it tries the key
    tools = {tool["name"] for tool in agent.ask("tools/list")["tools"]}
    assert {"meshy_check_balance", "meshy_image_to_3d", "meshy_multi_image_to_3d", "meshy_list_tasks"} <= tools
    assert agent.call("meshy_check_balance")[1] == {"balance": 1000}

    agent.call("meshy_image_to_3d", file_path=str(star), ai_model="meshy-6")
    agent.call("meshy_multi_image_to_3d", file_paths=[str(star), str(star)])
    one, views = service.creates
    assert one.parameters["image_url"].size == star.stat().st_size
    assert [picture.media_type for picture in views.parameters["image_urls"]] == ["image/png", "image/png"]
    assert agent.call("meshy_check_balance")[1] == {"balance": 1000 - one.credits - views.credits}

    steps(service)
    for kind, task in (("image-to-3d", one), ("multi-image-to-3d", views)):
        listed, _ = agent.call("meshy_list_tasks", task_type=kind, response_format="json")
        assert [entry["id"] for entry in json.loads(listed)["tasks"]] == [task.id]
        told, _ = agent.call("meshy_get_task_status", task_id=task.id, task_type=kind, wait=False)
        assert "SUCCEEDED" in told and "GLB" in told
    assert {status for _, _, status in steps(service)} == {200}

    agent.call("meshy_get_task_status", task_id=views.id, wait=False)  # of which kind it is, it finds out
    assert [step[1:] for step in steps(service)[-2:]] == [
        (f"/v1/image-to-3d/{views.id}", 404),
        (f"/v1/multi-image-to-3d/{views.id}", 200),
    ]
    agent.call("meshy_cancel_task", task_id=views.id, task_type="multi-image-to-3d")
    assert steps(service)[-1] == ("DELETE", f"/v1/multi-image-to-3d/{views.id}", 200)


def test_meshys_mcp_server_does_not_start_with_a_wrong_key(start, service):
    assert start("msy_wrong").ended() == 1
    assert steps(service) == [("GET", "/v2/text-to-3d", 401)]
