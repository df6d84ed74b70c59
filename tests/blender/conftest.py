# SPDX-License-Identifier: GPL-3.0-or-later
"""The real extension, enabled in a real Blender without windows, and an empty file before each test."""

import importlib
import traceback

import addon_utils
import bpy
import pytest

NAME = "bl_ext.user_default.image_to_3d"


def enable():
    def fail(_):
        pytest.fail(traceback.format_exc())

    assert addon_utils.enable(NAME, default_set=True, handle_error=fail)


def disable():
    addon_utils.disable(NAME, default_set=True)


@pytest.fixture(scope="session")
def extension():
    enable()
    yield
    disable()  # a class that is still registered when Python ends crashes Blender 4.2 and hangs 4.5


@pytest.fixture(autouse=True)
def empty_file(extension):
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    bpy.context.preferences.system.use_online_access = False


@pytest.fixture
def settings():
    """The scene's settings, quick ones: what is not tested does not have to be beautiful."""
    chosen = bpy.context.scene.image_to_3d
    chosen.local.resolution = "LOW_POLY"
    return chosen


@pytest.fixture
def session():
    """The module that looks after the jobs, under the name it has now."""
    return importlib.import_module(f"{NAME}.scene.session")


@pytest.fixture
def model(settings, star):
    """The root object of a small model, generated with all its maps."""
    settings.local.texture_model = "PBR"
    bpy.ops.image_to_3d.generate(filepath=str(star))
    return bpy.data.objects["Red Star"]
