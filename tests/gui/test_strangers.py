# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that are not as most are, in real windows: one that moves, one that Blender cannot read, one that needs more
memory than it may have; and the thumbnail, where Blender is quit before it is drawn."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from gui import jobs
from service.cube import FLOAT, cube_glb
from service.stand_in import StandIn
from service.textures import assembled, parted
from thorough import thorough

LACKING = "KHR_texture_basisu"  # no Blender reads it, 5.2 included

BUTTON_PX = 26  # from the middle of a button to that of the next

RISE_M = 3.0  # how far the moving cube rises in its second

MOVING = "next(o for o in bpy.data.objects if o.animation_data and o.animation_data.action)"
ROOT_AT = "[round(value, 4) for value in bpy.data.objects['Red Star'].location]"

PREFERENCES = "bpy.context.preferences.addons[EXTENSION].preferences"

GRID = 1000  # points along a side: with all that Blender makes of 2,000,000 triangles, 1 GB does not suffice


@pytest.fixture(autouse=True)
def _in_the_newest(newest):
    """The wheels of the others test how such models are prepared."""


@pytest.fixture
def serve(sign_in, tmp_path):
    """Starts a service that ends every task with this file, and gives Blender its account."""
    running = []

    def serve(content):
        path = tmp_path / "model.glb"
        path.write_bytes(content)
        running.append(StandIn(model=path))
        sign_in(running[-1])
        return running[-1]

    yield serve
    for stand_in in running:
        stand_in.close()


def moving_glb():
    """A cube that rises along glTF's Y within a second."""
    document, binary = parted(cube_glb())
    pieces = (("SCALAR", np.array([0, 1], "<f4")), ("VEC3", np.array([[0, 0, 0], [0, RISE_M, 0]], "<f4")))
    first = len(document["accessors"])
    for kind, values in pieces:
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": values.nbytes})
        document["accessors"].append(
            {
                "bufferView": len(document["bufferViews"]) - 1,
                "componentType": FLOAT,
                "count": 2,
                "type": kind,
                "min": np.atleast_1d(values.min(axis=0)).tolist(),
                "max": np.atleast_1d(values.max(axis=0)).tolist(),
            }
        )
        binary += values.tobytes()
    document["animations"] = [
        {
            "channels": [{"sampler": 0, "target": {"node": 0, "path": "translation"}}],
            "samplers": [{"input": first, "output": first + 1}],
        }
    ]
    document["buffers"][0]["byteLength"] = len(binary)
    return assembled(document, binary)


def lacking_glb():
    """A cube that needs what Blender lacks."""
    document, binary = parted(cube_glb())
    document.update(extensionsUsed=[LACKING], extensionsRequired=[LACKING])
    return assembled(document, binary)


def test_a_moving_model_plays_where_it_stands(blender, serve, star):
    serve(moving_glb())
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "imported")
    before = blender.run(ROOT_AT)
    assert blender.run(f"{MOVING}.matrix_world.translation.z") == pytest.approx(1, abs=0.01), "on the floor"
    blender.move(*blender.area("VIEW_3D", "WINDOW").center)
    blender.press("SPACE")
    blender.until(f"{MOVING}.matrix_world.translation.z > {1 + RISE_M / 2}")
    blender.press("ESC")  # back to the frame that it began with
    blender.until(f"{MOVING}.matrix_world.translation.z < 1.01")
    assert blender.run(ROOT_AT) == before


def test_where_blender_cannot_read_it_the_list_says_so_and_retry_costs_nothing(blender, serve, star):
    services = serve(lacking_glb())
    panel = jobs.open_panel(blender)
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "failed")
    asked = len(services.requests)
    blender.press("ESC")  # the report of the failure is beside the mouse
    blender.find(LACKING, panel)
    assert "which costs nothing" in blender.reads(panel)
    model = Path(blender.run("str(session.folder_of(job))", job=job)) / "result.glb"
    assert model.read_bytes() == lacking_glb()
    model.write_bytes(cube_glb())  # as if this was a Blender that reads it
    retry(blender, panel)
    jobs.until_state(blender, job, "imported")
    assert jobs.models(blender) == ["Red Star"]
    assert len(services.creates) == 1 and len(services.requests) == asked


def retry(blender, panel):
    """Press the button, which stands above Use Settings: the sentences have its word, too."""
    settings = blender.find("Use Settings", panel)
    blender.click(settings.center[0], settings.center[1] - BUTTON_PX)


def grid_glb():
    """A mesh of so many triangles that a background Blender with 1 GB has no room for it."""
    along = np.linspace(0, 1, GRID, dtype="<f4")
    x, y = np.meshgrid(along, along)
    points = np.stack([x, y, np.sin(9 * x) / 10], axis=-1).reshape(-1, 3).astype("<f4")
    corners = np.arange(GRID * GRID, dtype="<u4").reshape(GRID, GRID)
    a, b, c, d = corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]
    faces = np.stack([a, b, c, a, c, d], axis=-1).astype("<u4").ravel()
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": points.nbytes + faces.nbytes}],
        "bufferViews": [
            {"buffer": 0, "byteLength": points.nbytes},
            {"buffer": 0, "byteOffset": points.nbytes, "byteLength": faces.nbytes},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": FLOAT,
                "count": len(points),
                "type": "VEC3",
                "min": points.min(axis=0).tolist(),
                "max": points.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": 5125, "count": len(faces), "type": "SCALAR"},
        ],
    }
    return assembled(document, points.tobytes() + faces.tobytes())


@thorough
def test_what_needs_more_memory_is_retried_with_another_preference(blender, serve, star):
    services = serve(grid_glb())
    blender.run(f"{PREFERENCES}.model_memory_gb = 1")
    panel = jobs.open_panel(blender)
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "failed", seconds=60)
    asked = len(services.requests)
    blender.press("ESC")
    blender.find("more than 1 GB", panel)
    assert "raise Model Memory in the preferences" in blender.reads(panel)
    blender.run("bpy.ops.image_to_3d.show_preferences()")
    window = blender.area("PREFERENCES")
    blender.move(*window.center)
    for _ in range(30):  # down to the end
        blender.press("WHEELDOWNMOUSE")
    blender.enter("4", "Model Memory in GB", window)
    blender.until(f"{PREFERENCES}.model_memory_gb == 4", 10)
    blender.run(
        "with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):\n    bpy.ops.wm.window_close()"
    )
    blender.leave()
    retry(blender, panel)
    jobs.until_state(blender, job, "imported", seconds=60)
    assert len(services.creates) == 1 and len(services.requests) == asked


@thorough
def test_a_thumbnail_that_blender_did_not_wait_for_is_drawn_when_it_starts_again(start_blender, cube, star):
    with StandIn(model=cube) as services:
        blender = start_blender(**jobs.account(services))
        job = jobs.start(blender, star)
        jobs.until_state(blender, job, "imported", seconds=60)
        folder = Path(blender.run("str(session.folder_of(job))", job=job))
        blender.quit()
        until = time.monotonic() + 20  # the job's process may end after Blender
        while list(folder.glob("tmp-*")):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert (folder / "thumbnail.png").exists() or json.loads((folder / "job.json").read_text())["undrawn"]
        blender.start()
        blender.until("session.was_read()")
        blender.until("(session.folder_of(job) / 'thumbnail.png').exists()", job=job)
        jobs.until_drawn(blender)
        assert jobs.state(blender, job) == "imported" and not list(folder.glob("tmp-*"))
        assert len(services.creates) == 1
