# SPDX-License-Identifier: GPL-3.0-or-later
"""For the tests of the stand-in: one that answers with a cube, and one way to talk to it. Starts no Blender."""

import base64

import pytest
from service.cube import cube_glb
from service.customers import Customer
from service.stand_in import StandIn


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb(filler=200_000))
    return path


@pytest.fixture
def service(cube):
    with StandIn(model=cube) as service:
        yield service


@pytest.fixture
def waiting(cube):
    """One whose tasks run until a test says so."""
    with StandIn(model=cube, seconds=None) as service:
        yield service


@pytest.fixture
def meshy(service):
    return Customer(service, "meshy")


@pytest.fixture
def csm(service):
    return Customer(service, "csm")


@pytest.fixture(params=["meshy", "csm"])
def customer(request, service):
    return Customer(service, request.param)


@pytest.fixture(params=["meshy", "csm"])
def patient(request, waiting):
    """A customer whose tasks run until a test says so."""
    return Customer(waiting, request.param)


@pytest.fixture
def picture(star):
    """The star as a data URI."""
    return "data:image/png;base64," + base64.b64encode(star.read_bytes()).decode()
