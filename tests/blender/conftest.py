# SPDX-License-Identifier: GPL-3.0-or-later
"""The real extension, enabled in a real Blender without windows, and an empty file before each test."""

import importlib
import traceback

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils
import pytest


class Extension:
    """The extension as Blender's preferences see it."""

    name = "bl_ext.user_default.image_to_3d"

    def enable(self):
        def fail(_):
            pytest.fail(traceback.format_exc())

        assert addon_utils.enable(self.name, default_set=True, handle_error=fail)

    def disable(self):
        addon_utils.disable(self.name, default_set=True)

    def module(self, name):
        """A module of it, under the name and in the state that it has now."""
        return importlib.import_module(f"{self.name}.{name}")

    @property
    def preferences(self):
        return bpy.context.preferences.addons[self.name].preferences


@pytest.fixture(scope="session")
def extension():
    made = Extension()
    made.enable()
    yield made
    made.disable()  # a class that is still registered when Python ends crashes Blender 4.2 and hangs 4.5


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
def session(extension):
    """The module that looks after the jobs."""
    return extension.module("scene.session")


@pytest.fixture
def model(settings, star):
    """The root object of a small model, generated with all its maps."""
    settings.local.texture_model = "PBR"
    bpy.ops.image_to_3d.generate(filepath=str(star))
    return bpy.data.objects["Red Star"]
