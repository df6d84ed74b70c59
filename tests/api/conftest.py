# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for the paid services with a cube as their model, and ours connected to them with short times. Nothing
leaves the machine."""

import os

import pytest

from image_to_3d import api

TIMES = {"connect_s": 3.0, "read_s": 1.0, "create_s": 1.0}
VARIABLES = ("_proxy", "_api_key", "_api_url", "_ca_bundle", "ssl_cert_file", "ssl_cert_dir")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    """What this machine's environment says about keys, proxies and certificates must decide nothing."""
    for name in list(os.environ):
        if name.lower().endswith(VARIABLES):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    from service.cube import cube_glb

    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb(filler=400_000))
    return path


@pytest.fixture
def server(cube):
    """Its tasks have succeeded as soon as they are made."""
    from service.stand_in import StandIn

    with StandIn(model=cube) as server:
        yield server


@pytest.fixture
def slow_server(cube):
    """Its tasks run until the test says so."""
    from service.stand_in import StandIn

    with StandIn(model=cube, seconds=None) as server:
        yield server


@pytest.fixture
def scripted():
    """A server that says what the test gave it."""
    from scripted import Scripted

    server = Scripted()
    yield server
    server.close()


@pytest.fixture
def hostile():
    """A server that may say anything at all, on as many connections as come."""
    from hostile import Hostile

    server = Hostile()
    yield server
    server.close()


@pytest.fixture(scope="session")
def connect():
    """Connects a service of ours to a server."""

    def connect(server, name, *, network=None, **options):
        options.setdefault("key", getattr(server, f"{name}_key", "some-key-0123456789"))
        options.setdefault("url", getattr(server, f"{name}_url", server.url))
        return api.connect(name, network=api.Network(**{"online": False, **TIMES, **(network or {})}), **options)

    return connect


@pytest.fixture(params=["csm", "meshy"])
def name(request):
    """Each of the paid services."""
    return request.param


@pytest.fixture
def service(connect, server, name):
    return connect(server, name)


@pytest.fixture
def csm(connect, server):
    return connect(server, "csm")


@pytest.fixture
def meshy(connect, server):
    return connect(server, "meshy")


@pytest.fixture(scope="session")
def is_sentence():
    """Whether a text is fit for a user: one line that ends with a full stop, or with the facts in parentheses after
    it."""

    def is_sentence(text):
        ended = text.endswith(".") or (text.endswith(")") and ". (" in text)
        return ended and "\n" not in text and "Traceback" not in text and ".." not in text.replace("...", "")

    return is_sentence
