# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of other versions: what their settings meant they mean, and what is not known here counts as the default.

The files in `files/` were saved by the first released version, 0.1.0, in Blender 4.2, and so were the presets. It stored
the index of each item, in the order of then. Its jobs are in tests/jobs/test_first_version.py, its preferences in
tests/gui/test_release.py; it had no asset library.
"""

import copy
from dataclasses import replace
from pathlib import Path

import bpy
import pytest
from layout import drawn_by, properties, words

FILES = Path(__file__).parent / "files"

THEN = {
    "local": {"geometry_model": "turbo", "texture_model": "pbr", "topology": "quads", "resolution": "low_poly"},
    "csm": {"geometry_model": "turbo", "texture_model": "baked", "topology": "quads", "resolution": "low_poly"},
    "meshy": {
        "model_type": "smart-topology",
        "texture_resolution": "8k",
        "topology": "quad",
        "geometry_resolution": "4k",
        "pose_mode": "t-pose",
        "origin_at": "center",
    },
}
"""What was set in both files when they were saved, beside the service that gave them their names."""

BOX = (1.5, 2.5, -1.0)
SCULPTED = {
    "geometry_model": "turbo",
    "texture_model": "pbr",
    "scaled_bbox": BOX,
    "preserve_aspect_ratio": True,
    "topology": "quads",
    "resolution": "low_poly",
}
ALL = {
    "local": SCULPTED,
    "csm": SCULPTED,
    "meshy": {
        "ai_model": "meshy-6",
        "model_type": "smart-topology",
        "should_texture": False,
        "enable_pbr": False,
        "texture_prompt": "a red star",
        "texture_resolution": "8k",
        "hd_texture": True,
        "remove_lighting": False,
        "should_remesh": True,
        "topology": "quad",
        "target_polycount": 30_007,
        "decimation_mode": 4,
        "save_pre_remeshed_model": True,
        "geometry_resolution": "4k",
        "pose_mode": "t-pose",
        "auto_size": True,
        "origin_at": "center",
        "image_enhancement": False,
        "moderation": True,
        "alpha_thumbnail": True,
        "multi_view_thumbnails": True,
        "input_task_id": "0192-abc",
    },
}
"""In settings_all.blend, and in the presets, nothing is at its default."""


@pytest.fixture
def module(extension):
    return extension.module("scene.settings")


@pytest.fixture
def services(extension):
    return extension.module("api.services").SERVICES


@pytest.fixture
def version(module):
    """Has the settings made from other services, sources and places, as another version of the extension would have
    them."""

    def version(services, **others):
        module.unregister()
        module.register(services, **others)

    yield version
    module.unregister()
    module.register()


def opened(name):
    """The settings in a file of the first version, which were saved with this service."""
    bpy.ops.wm.open_mainfile(filepath=str(FILES / f"settings_{name}.blend"))
    return bpy.context.scene.image_to_3d


def is_as_then(chosen, module, services, name):
    """Whether all that was set when the file was saved means the same now."""
    assert (module.service_of(chosen, services), chosen.service) == (name, name.upper())
    assert (chosen.source, chosen.location) == ("URL", "ORIGIN")
    for service in THEN.keys() & services.keys():
        found = module.values(getattr(chosen, service), services[service].parameters)
        assert {entry: found[entry] for entry in THEN[service]} == THEN[service]
    assert module.unknown_notes(chosen, services) == []
    return True


def changed(service, **traits):
    """The same service with other traits."""
    return replace(service, **traits)


def with_options(choice, options):
    """The same choice with other options."""
    other = copy.copy(choice)
    other.options = options
    return other


@pytest.mark.parametrize("name", ["csm", "meshy"])
def test_a_file_of_the_first_version_means_what_it_meant(module, services, name):
    assert is_as_then(opened(name), module, services, name)


def test_every_setting_of_the_first_version_means_what_it_meant(module, services):
    chosen = opened("all")
    assert (chosen.service, chosen.source, chosen.location, chosen.use_size, chosen.size) == (
        *("LOCAL", "IMAGE", "ORIGIN", True, 2.5),
    )
    assert (chosen.filepath, chosen.url) == ("//star.png", "https://example.org/star.png")
    assert (chosen.image.name, chosen.collection.name) == ("Star", "Models")
    for service, then in ALL.items():
        found = module.values(getattr(chosen, service), services[service].parameters)
        assert {name: tuple(v) if isinstance(v := found[name], list) else v for name in then} == then
    assert module.unknown_notes(chosen, services) == []


@pytest.mark.parametrize("name", ALL)
def test_a_preset_of_the_first_version_is_listed_and_sets_what_it_set(module, services, name):
    folder = Path(bpy.utils.user_resource("SCRIPTS", path=f"presets/image_to_3d/{name}", create=True))
    preset = folder / "Of_Then.py"
    preset.write_bytes((FILES / f"preset_{name}.txt").read_bytes())
    try:
        assert str(folder) in bpy.utils.preset_paths(f"image_to_3d/{name}")
        done = bpy.ops.script.execute_preset(filepath=str(preset), menu_idname=f"IMAGE_TO_3D_PT_{name}_presets")
    finally:
        preset.unlink()
    assert done == {"FINISHED"}
    found = module.values(getattr(bpy.context.scene.image_to_3d, name), services[name].parameters)
    assert {entry: tuple(v) if isinstance(v := found[entry], list) else v for entry in ALL[name]} == ALL[name]


@pytest.mark.parametrize("name", ["csm", "meshy"])
def test_a_service_that_comes_before_the_others_changes_none(module, services, version, name):
    newer = {"newer": changed(services["local"], name="newer", label="Newer", number=7), **services}
    version(newer)
    assert is_as_then(opened(name), module, newer, name)


@pytest.mark.parametrize("name", ["csm", "meshy"])
def test_a_service_that_goes_changes_no_other(module, services, version, name):
    fewer = {name: services[name]}
    version(fewer)
    assert is_as_then(opened(name), module, fewer, name)


def test_an_option_that_comes_before_the_others_changes_none(module, services, version, extension):
    kinds = extension.module("api.parameters")
    option = kinds.Option(9, "Newer")
    table = tuple(
        with_options(entry, {"newer": option, **entry.options}) if isinstance(entry, kinds.Choice) else entry
        for entry in services["meshy"].parameters
    )
    newer = {**services, "meshy": changed(services["meshy"], parameters=table)}
    version(newer)
    assert is_as_then(opened("meshy"), module, newer, "meshy")


def test_the_numbers_of_sources_and_places_never_move(module):
    properties = bpy.context.scene.image_to_3d.bl_rna.properties
    rows = {prop: properties[prop].enum_items for prop in ("source", "location", "select")}
    found = {prop: {item.identifier: item.value for item in items} for prop, items in rows.items()}
    assert found == {
        "source": {"FILE": 0, "IMAGE": 1, "URL": 2},
        "location": {"CURSOR": 0, "ORIGIN": 1, "CURSOR_EXACTLY": 2},
        "select": {"IDLE": 0, "ALWAYS": 1, "NEVER": 2},
    }


# What this version does not know.


def test_a_service_that_is_not_known_is_local_and_the_panel_says_so(extension, module, services, version, no_jobs):
    version({name: service for name, service in services.items() if name != "meshy"})
    chosen = opened("meshy")
    assert chosen.service == "" and module.service_of(chosen) == "local"
    drawn = drawn_by(extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate)
    assert "This file names a service that this version does not know: Local is used" in words(drawn)
    assert "texture_model" in properties(drawn) and "Generate 3D Model" in words(drawn)
    extension.module("operators.watch").look()
    assert bpy.ops.image_to_3d.reset_parameters() == {"FINISHED"} and chosen.local.topology == "TRIS"
    chosen.service = "CSM"
    assert module.unknown_notes(chosen) == []


def test_a_service_that_is_not_known_costs_nothing(extension, services, version, no_jobs, star):
    version({name: service for name, service in services.items() if name != "meshy"})
    opened("meshy")
    job = extension.module("session.start").start_job(bpy.context.scene, filepath=str(star))
    assert (job.service, job.parameters["topology"]) == ("local", "quads")


def test_an_option_that_is_not_known_is_the_default_and_the_panel_says_so(extension, module, services, version):
    table = tuple(
        with_options(entry, {value: entry.options[value] for value in ("2k", "4k")})
        if entry.name == "texture_resolution"
        else entry
        for entry in services["meshy"].parameters
    )
    older = {**services, "meshy": changed(services["meshy"], parameters=table)}
    version(older)
    chosen = opened("meshy")
    assert module.values(chosen.meshy, table)["texture_resolution"] == "2k"
    drawn = drawn_by(extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate)
    assert "This file has a Texture Resolution that this version does not know: 2K is used" in words(drawn)
    assert extension.module("scene.request").cost(bpy.context.scene) == 15  # smart topology, which knows no fine shape
    chosen.meshy.texture_resolution = "4K"
    assert module.unknown_notes(chosen) == []


def test_instead_of_an_unknown_option_what_a_new_scene_starts_with_is_used_and_sent(
    extension, module, services, version
):
    table = tuple(
        with_options(entry, {value: entry.options[value] for value in ("none", "pbr")})
        if entry.name == "texture_model"
        else entry
        for entry in services["csm"].parameters
    )
    older = {**services, "csm": changed(services["csm"], parameters=table)}
    version(older)
    chosen = opened("csm")
    assert module.unknown_notes(chosen, older) == [
        "This file has a Texture Model that this version does not know: PBR is used"
    ]
    assert module.values(chosen.csm, table)["texture_model"] == "pbr"


def test_what_was_never_set_in_a_file_is_what_a_new_scene_starts_with(module, services, version, tmp_path):
    """A .blend holds only what was set: an older file cannot say what its version started with."""
    table = tuple(copy.copy(entry) for entry in services["local"].parameters)
    for entry in table:
        entry.initial = entry.default
    version({**services, "local": changed(services["local"], parameters=table)})
    chosen = bpy.context.scene.image_to_3d
    assert chosen.local.texture_model == "NONE"
    chosen.local.topology = "QUADS"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "older.blend"))
    version(services)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "older.blend"))
    chosen = bpy.context.scene.image_to_3d
    assert (chosen.local.texture_model, chosen.local.topology) == ("PBR", "QUADS")


def test_a_source_or_a_place_that_is_not_known_is_the_usual_one(extension, module, services, version):
    version(services, sources=module.SOURCES[:1], places=module.PLACES[:1])
    chosen = opened("csm")
    bpy.context.scene.cursor.location = (1, 2, 3)
    assert (chosen.source, chosen.location, module.source_of(chosen)) == ("", "", "FILE")
    assert module.place_of(bpy.context.scene)["location"] == [1, 2, 3]
    assert "filepath" in properties(drawn_by(extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate))
