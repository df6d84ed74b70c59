# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a scene: lengths in its units, defaults, presets, and the way from a job back to what it was made
of."""

import math
from pathlib import Path

import bpy
import pytest
from once import once

from image_to_3d.api.services import SERVICES as NAMES  # plain Python's, which are not the classes of the extension

OF_A_PICTURE = "/pictures/fox.png"


@pytest.fixture
def module(extension):
    return extension.module("scene.settings")


@pytest.fixture
def chosen():
    return bpy.context.scene.image_to_3d


@pytest.fixture
def services(extension):
    return extension.module("api.services").SERVICES


@pytest.fixture
def kinds(extension):
    return extension.module("api.parameters")


# Lengths


def test_lengths_are_in_scene_units_and_sent_in_meters(chosen, module, services):
    bpy.context.scene.unit_settings.scale_length = 0.01  # a unit is a centimeter
    scene = bpy.context.scene
    assert list(scene.image_to_3d_csm_scaled_bbox_auto) == [True] * 3
    scene.image_to_3d_csm_scaled_bbox_auto = (False, True, True)
    scene.image_to_3d_csm_scaled_bbox_length[0] = 180
    assert module.values(chosen.csm, services["csm"].parameters)["scaled_bbox"] == [1.8, -1, -1]
    assert list(scene.image_to_3d_csm_scaled_bbox_length) == pytest.approx([180, 0, 0])
    bpy.context.scene.unit_settings.scale_length = 1
    assert scene.image_to_3d_csm_scaled_bbox_length[0] == pytest.approx(1.8)


def test_what_a_script_sets_is_what_the_panel_shows(chosen):
    chosen.local.scaled_bbox = (0.5, -1, 2)
    assert list(chosen.id_data.image_to_3d_local_scaled_bbox_auto) == [False, True, False]
    assert list(chosen.id_data.image_to_3d_local_scaled_bbox_length) == pytest.approx([0.5, 0, 2])


def test_a_length_that_is_automatic_stays_so_whatever_the_others_become(chosen):
    chosen.id_data.image_to_3d_local_scaled_bbox_auto = (False, True, False)
    chosen.id_data.image_to_3d_local_scaled_bbox_length = (3, 4, 5)
    assert list(chosen.local.scaled_bbox) == [3, -1, 5]
    chosen.id_data.image_to_3d_local_scaled_bbox_auto = (True, False, False)
    first, second, third = chosen.local.scaled_bbox
    assert (first, third) == (-1, 5) and second > 0  # one that can be sent


# Defaults


def test_a_new_scene_asks_for_a_texture_with_all_maps_and_else_for_what_the_services_assume(
    chosen, module, kinds, services
):
    for name, service in services.items():
        request = what_is_sent(getattr(chosen, name), service.parameters, module, kinds)
        assumed = kinds.check(service.parameters, {kinds.pictures(service.parameters)[0]: OF_A_PICTURE})
        texture = {"texture_model": "pbr"} if name in ("local", "csm") else {}
        assert request == {**assumed, **texture}
        assert kinds.sent(service.parameters, request).items() >= texture.items()


def test_what_a_label_does_not_say_the_end_of_the_tooltip_does(chosen, module, services):
    for name, service in services.items():
        for parameter in module.shown(service.parameters):
            prop = getattr(chosen, name).bl_rna.properties[parameter.name]
            says_it = prop.name.lower() == parameter.name.replace("_", " ")
            assert prop.description.endswith(f" ({parameter.name})") is not says_it
            assert prop.description.count("(") <= 1 or "1 (least) to 4 (most)" in prop.description
    rows = {name: getattr(chosen, name).bl_rna.properties for name in services}
    assert rows["local"]["geometry_model"].name == "Geometry"
    assert rows["local"]["geometry_model"].description == "How the shape is made (geometry_model)"
    assert rows["meshy"]["decimation_mode"].description.endswith("; 0 leaves it out (decimation_mode)")
    assert rows["meshy"]["ai_model"].description.endswith(
        "; for example latest, meshy-7.1, meshy-7, meshy-6, meshy-6-lite, meshy-t2.5, meshy-t2"
    )


@pytest.mark.parametrize("service", NAMES)
def test_a_reset_sets_the_services_parameters_to_their_defaults_and_nothing_else(chosen, module, services, service):
    chosen.service = service.upper()
    table = services[service].parameters
    defaults = module.values(getattr(chosen, service), table)
    changed = {}
    for name in services:
        for parameter in module.shown(services[name].parameters):
            set_property(getattr(chosen, name), parameter, other_value(parameter))
        changed[name] = module.values(getattr(chosen, name), services[name].parameters)
    chosen.filepath = OF_A_PICTURE
    assert all(changed[service][name] != default for name, default in defaults.items())
    assert bpy.ops.image_to_3d.reset_parameters() == {"FINISHED"}
    assert module.values(getattr(chosen, service), table) == defaults
    for name in services.keys() - {service}:
        assert module.values(getattr(chosen, name), services[name].parameters) == changed[name]
    assert chosen.filepath == OF_A_PICTURE


@pytest.mark.parametrize(("letter", "number"), [("m", 800), ("狐", 800), ("m", 801), ("狐", 2000)])
def test_a_text_is_never_cut_in_silence(chosen, module, kinds, services, letter, number):
    table = services["meshy"].parameters
    chosen.meshy.texture_prompt = letter * number
    assert chosen.meshy.texture_prompt == letter * number
    if number <= 800:
        assert what_is_sent(chosen.meshy, table, module, kinds)["texture_prompt"] == letter * number
        return
    with pytest.raises(kinds.ParameterError) as refusal:
        what_is_sent(chosen.meshy, table, module, kinds)
    assert str(refusal.value) == f"texture_prompt has {number} characters: use at most 800."


# From a job and back


def other_value(parameter):
    """A wire value that is neither the default nor what a new scene starts with."""
    match type(parameter).__name__:
        case "Choice":
            usual = {parameter.default, parameter.initial}
            return [value for value in parameter.options if value not in usual][-1]
        case "Flag":
            return not parameter.default
        case "Vector":
            return [0.1, *[float(number) for number in range(2, len(parameter.axes) + 1)]]
        case "Number":
            return parameter.minimum if parameter.default != parameter.minimum else parameter.maximum
        case "Text":
            return "in words: 8 µm 狐"
        case "Picture":
            return "/pictures/gold.png"
        case "File":
            return "/workflows/mine.json"


def set_property(group, parameter, value):
    """Set a property as a person would: an enum by the place of its item."""
    if hasattr(parameter, "options"):
        items = group.bl_rna.properties[parameter.name].enum_items
        value = items[list(parameter.options).index(value)].identifier
    setattr(group, parameter.name, value)


def what_is_sent(group, table, module, kinds):
    """The request that the settings stand for, by wire name."""
    values = module.values_that_apply(group, table)
    return kinds.check(table, {**values, kinds.pictures(table)[0]: OF_A_PICTURE})


def set_with_what_it_needs(group, table, parameter, module, kinds):
    needed = next((other for other in table if other.name == parameter.needs), None)
    if needed is not None and not needed.is_set(module.values(group, table)[needed.name]):
        set_with_what_it_needs(group, table, needed, module, kinds)
    leave_what_excludes(group, table, parameter, module, kinds)
    set_property(group, parameter, other_value(parameter))


def leave_what_excludes(group, table, parameter, module, kinds):
    """Choose other words until none of the states holds in which the parameter has no effect."""
    words = {entry.name: [*getattr(entry, "options", ()), *getattr(entry, "suggestions", ())] for entry in table}
    while where := kinds.state_of(
        table, parameter.excluded, {**module.values(group, table), kinds.pictures(table)[0]: ""}
    ):
        name = next(name for name in where if words[name])
        taken = {value for state in parameter.excluded for value in state.get(name, ())}
        free = next(value for value in words[name] if value not in taken)
        is_enum = group.bl_rna.properties[name].type == "ENUM"
        setattr(group, name, free.upper() if is_enum else free)


ALL = [
    (service.name, parameter.name)
    for service in NAMES.values()
    for parameter in service.parameters
    if parameter.name != "image_url"
]


@pytest.mark.parametrize(("service", "name"), ALL)
def test_each_parameter_comes_back_from_a_job(chosen, module, kinds, services, service, name):
    group, table = getattr(chosen, service), services[service].parameters
    (parameter,) = [entry for entry in table if entry.name == name]
    set_with_what_it_needs(group, table, parameter, module, kinds)
    request = what_is_sent(group, table, module, kinds)
    assert request[name] == other_value(parameter)
    for other in module.shown(table):  # whatever stands there meanwhile
        set_property(group, other, other_value(other))
    group.property_unset(name)
    chosen.service = "LOCAL" if service != "local" else "CSM"

    module.use(chosen, service, request)
    assert what_is_sent(group, table, module, kinds) == request
    assert (chosen.service, chosen.source, chosen.filepath) == (service.upper(), "FILE", OF_A_PICTURE)


@pytest.mark.parametrize("service", ["local", "csm"])
@pytest.mark.parametrize("said", [{}, {"texture_model": "none"}, {"texture_model": "invented_later"}])
def test_a_job_that_names_no_texture_was_made_without_one(chosen, module, kinds, services, service, said):
    group, table = getattr(chosen, service), services[service].parameters
    assert group.texture_model == "PBR"
    module.use(chosen, service, {"image_url": OF_A_PICTURE, **said})
    assert group.texture_model == "NONE"
    assert what_is_sent(group, table, module, kinds) == kinds.check(table, {"image_url": OF_A_PICTURE})
    module.reset(group, table)
    assert group.texture_model == "PBR"


def test_a_number_that_the_service_has_chosen_is_left_to_it_again(chosen, module, kinds, services):
    table, group = services["meshy"].parameters, chosen.meshy
    smart = {"image_url": OF_A_PICTURE, "model_type": "smart-topology", "ai_model": "meshy-t2.5"}
    for asked, shown in ({}, 30_000), ({"target_polycount": 9_000}, 9_000):
        job = kinds.check(table, {**smart, **asked})
        module.use(chosen, "meshy", job)
        assert group.target_polycount == shown
        assert what_is_sent(group, table, module, kinds) == job
    module.use(chosen, "meshy", kinds.check(table, smart))
    group.ai_model = "meshy-t2"
    assert what_is_sent(group, table, module, kinds)["target_polycount"] == 4_000


def test_what_a_later_version_has_set_is_ignored(chosen, module):
    chosen.local.resolution = "LOW_POLY"
    later = {"image_url": OF_A_PICTURE, "topology": "hexagons", "invented_later": 1, "texture_model": "pbr"}
    module.use(chosen, "local", later)
    assert (chosen.local.topology, chosen.local.texture_model, chosen.local.resolution) == ("TRIS", "PBR", "HIGH_POLY")


def test_an_address_is_one_again(chosen, module):
    chosen.filepath = OF_A_PICTURE
    module.use(chosen, "csm", {"image_url": "https://example.org/fox.png"})
    assert (chosen.source, chosen.url, chosen.filepath) == ("URL", "https://example.org/fox.png", OF_A_PICTURE)


def test_a_jobs_settings_and_picture_can_be_used_again(chosen, star, session, no_jobs, quick_models):
    chosen.local.resolution, chosen.local.scaled_bbox = "LOW_POLY", (0.5, -1, -1)
    bpy.ops.image_to_3d.generate(filepath=str(star))
    (job,) = session.jobs()
    chosen.service = "MESHY"
    bpy.ops.image_to_3d.reset_parameters()
    chosen.local.property_unset("scaled_bbox")
    assert bpy.ops.image_to_3d.use_settings(job=job.id) == {"FINISHED"}
    assert (chosen.service, chosen.source, chosen.local.resolution) == ("LOCAL", "FILE", "LOW_POLY")
    assert list(chosen.local.scaled_bbox) == [0.5, -1, -1]
    assert Path(chosen.filepath).read_bytes() == star.read_bytes()
    bpy.ops.image_to_3d.generate()
    again, first = session.jobs()
    there = [session.root() / job.id / job.parameters["image_url"] for job in (again, first)]
    assert there[0].read_bytes() == there[1].read_bytes() == star.read_bytes()
    assert {**again.parameters, "image_url": ""} == {**first.parameters, "image_url": ""}


def test_the_settings_of_an_unknown_service_are_refused(make_job):
    job = make_job(service="newer")
    with pytest.raises(RuntimeError, match="a service that is not known here: update the extension"):
        bpy.ops.image_to_3d.use_settings(job=job.id)


# Where the model goes


def test_where_the_model_goes_is_what_the_settings_say(chosen, module):
    scene = bpy.context.scene
    scene.cursor.location = (1, 2, 3)
    assert module.place_of(scene) == {"location": [1, 2, 3]}
    chosen.location, chosen.size = "ORIGIN", 4
    assert module.place_of(scene) == {"location": [0, 0, 0]}
    chosen.use_size, chosen.collection = True, bpy.data.collections.new("Props")
    assert module.place_of(scene) == {"location": [0, 0, 0], "size": 4, "collection": "Props"}


def test_in_another_scene_the_cursor_is_that_scenes(chosen, module):
    other = bpy.data.scenes.new("Other")
    other.cursor.location = (7, 8, 9)
    assert module.target_of(bpy.context.scene) == bpy.context.scene
    chosen.target_scene = other
    assert module.target_of(bpy.context.scene) == other
    assert module.place_of(bpy.context.scene) == {"location": [7, 8, 9]}


# Presets


@pytest.fixture
def no_presets():
    yield
    for service in NAMES:
        for folder in bpy.utils.preset_paths(f"image_to_3d/{service}"):
            for file in Path(folder).glob("*.py"):
                file.unlink()


def preset_files(service):
    folders = bpy.utils.preset_paths(f"image_to_3d/{service}")
    return [file for folder in folders for file in Path(folder).glob("*.py")]


@pytest.mark.parametrize("service", NAMES)
def test_a_preset_brings_the_parameters_back_and_no_picture(chosen, module, kinds, services, no_presets, service):
    group, table = getattr(chosen, service), services[service].parameters
    for parameter in module.shown(table):
        set_property(group, parameter, other_value(parameter))
    saved = module.values(group, table)
    add = getattr(bpy.ops.image_to_3d, f"{service}_preset_add")
    assert add(name="Mine") == {"FINISHED"}
    (file,) = preset_files(service)
    assert file.is_relative_to(bpy.utils.user_resource("SCRIPTS"))

    module.reset(group, table)
    bpy.ops.script.execute_preset(filepath=str(file), menu_idname=f"IMAGE_TO_3D_PT_{service}_presets")
    pictures = dict.fromkeys(kinds.pictures(table)[1:], "")
    assert module.values(group, table) == {**saved, **pictures}
    assert add(name="Mine", remove_name=True) == {"FINISHED"}
    assert not preset_files(service)


def test_a_preset_without_a_texture_brings_none_back(chosen, no_presets):
    chosen.local.texture_model = "NONE"
    bpy.ops.image_to_3d.local_preset_add(name="Bare")
    (file,) = preset_files("local")
    bpy.ops.image_to_3d.reset_parameters()
    assert chosen.local.texture_model == "PBR"
    bpy.ops.script.execute_preset(filepath=str(file), menu_idname="IMAGE_TO_3D_PT_local_presets")
    assert chosen.local.texture_model == "NONE"


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_size_without_end_is_refused_before_there_is_a_job(extension, chosen, module, star, session, number):
    chosen.use_size, chosen.size = True, number
    before = list(session.root().iterdir())
    with pytest.raises(RuntimeError, match=f"Size cannot be {number}: use a length, or turn Set Size off"):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert list(session.root().iterdir()) == before
    assert extension.module("scene.request").refusal(bpy.context.scene).startswith("Size cannot be")
    chosen.use_size = False
    assert "size" not in module.place_of(bpy.context.scene)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_cursor_that_is_nowhere_is_no_exact_place(chosen, module, star, number):
    bpy.context.scene.cursor.location = (1, number, 2)
    assert module.place_of(bpy.context.scene) == {"location": [0, 0, 0]}
    chosen.location = "CURSOR_EXACTLY"
    with pytest.raises(RuntimeError, match=f"The 3D cursor is at 1, {number}, 2, where nothing can stand: move it"):
        bpy.ops.image_to_3d.generate(filepath=str(star))


@once
def test_an_endless_length_is_refused_by_name(chosen, star, slow_account):
    chosen.csm.scaled_bbox = (math.inf, -1, -1)
    with pytest.raises(RuntimeError, match="in scaled_bbox cannot be inf: use a length above 0"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="CSM")
