# SPDX-License-Identifier: GPL-3.0-or-later
"""Services on loopback that make every model at once, and connections to them with short time limits."""

import pytest
from service.cube import cube_glb
from service.stand_in import StandIn

from image_to_3d import api

SHORT = api.Network(online=False, read_s=1.0, create_s=1.0)


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb(filler=300_000))
    return path


@pytest.fixture
def stand_in(cube):
    with StandIn(model=cube) as made:
        yield made


@pytest.fixture
def patient(cube):
    """One whose tasks run until a test says so."""
    with StandIn(model=cube, seconds=None) as made:
        yield made


@pytest.fixture
def connect():
    """Connect to a stand-in's service."""

    def connect(stand_in, name, **options):
        options = {
            "key": getattr(stand_in, f"{name}_key"),
            "url": getattr(stand_in, f"{name}_url"),
            "network": SHORT,
            **options,
        }
        return api.connect(name, **options)

    return connect


@pytest.fixture
def meshy(stand_in, connect):
    return connect(stand_in, "meshy")


@pytest.fixture
def csm(stand_in, connect):
    return connect(stand_in, "csm")


@pytest.fixture(params=["meshy", "csm"])
def service(request, stand_in, connect):
    return connect(stand_in, request.param)


@pytest.fixture
def picture(star):
    """What every service needs."""
    return {"image_url": str(star)}
