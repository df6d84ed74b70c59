# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of the paid services: every parameter with its default and its options, what excludes what, and what goes
over the wire.

Sources: CSM, "Create Session"; Meshy, "Image To 3D API".
"""

from datetime import date

import pytest

from image_to_3d.api.errors import ParameterError
from image_to_3d.api.parameters import Choice, Number, Picture, Text, applies, check, sent
from image_to_3d.api.services import SERVICES
from image_to_3d.api.services.rows import VIEWS

CSM = SERVICES["csm"].parameters
MESHY = SERVICES["meshy"].parameters
PICTURE = {"image_url": "https://example.org/fox.png"}

NUMBERS = {  # what a .blend stores: a line may be added here, but none ever changes or goes
    "local": 0,
    "csm": 1,
    "meshy": 2,
    "comfyui": 3,
    "local.geometry_model": {"base": 0, "turbo": 1},
    "local.texture_model": {"none": 0, "baked": 1, "pbr": 2},
    "local.topology": {"tris": 0, "quads": 1},
    "local.resolution": {"low_poly": 0, "high_poly": 1},
    "local.cutout": {"auto": 0, "filled": 1, "alpha": 2, "rectangle": 3},
    "local.back": {"mirrored": 0, "plain": 1},
    "csm.geometry_model": {"base": 0, "turbo": 1},
    "csm.texture_model": {"none": 0, "baked": 1, "pbr": 2},
    "csm.topology": {"tris": 0, "quads": 1},
    "csm.resolution": {"low_poly": 0, "high_poly": 1},
    "comfyui.workflow": {"textured": 0, "mesh": 1, "views": 2, "file": 3},
    "comfyui.texture_size": {"1024": 0, "2048": 1, "4096": 2},
    "meshy.model_type": {"standard": 0, "smart-topology": 1},
    "meshy.texture_resolution": {"2k": 0, "4k": 1, "8k": 2},
    "meshy.topology": {"triangle": 0, "quad": 1},
    "meshy.geometry_resolution": {"standard": 0, "2k": 1, "4k": 2},
    "meshy.pose_mode": {"": 0, "a-pose": 1, "t-pose": 2},
    "meshy.origin_at": {"bottom": 0, "center": 1},
}

CSM_REFERENCE = {  # name: default, options
    "image_url": ("", None),
    "geometry_model": ("base", {"base", "turbo"}),
    "texture_model": ("none", {"none", "baked", "pbr"}),
    "scaled_bbox": ((-1, -1, -1), None),
    "preserve_aspect_ratio": (False, None),
    "topology": ("tris", {"tris", "quads"}),
    "resolution": ("high_poly", {"low_poly", "high_poly"}),
}
MESHY_REFERENCE = {
    "image_url": ("", None),
    **dict.fromkeys(VIEWS, ("", None)),
    "input_task_id": ("", None),
    "texture_model": ("", None),
    "enable_pbr": (True, None),
    "should_texture": (True, None),
    "ai_model": ("latest", None),
    "model_type": ("standard", {"standard", "smart-topology"}),
    "should_remesh": (False, None),
    "topology": ("triangle", {"triangle", "quad"}),
    "target_polycount": (30_000, None),
    "decimation_mode": (None, None),
    "save_pre_remeshed_model": (False, None),
    "pose_mode": ("", {"", "a-pose", "t-pose"}),
    "texture_prompt": ("", None),
    "texture_image_url": ("", None),
    "hd_texture": (False, None),
    "texture_resolution": ("2k", {"2k", "4k", "8k"}),
    "geometry_resolution": ("standard", {"standard", "2k", "4k"}),
    "image_enhancement": (True, None),
    "remove_lighting": (True, None),
    "moderation": (False, None),
    "auto_size": (False, None),
    "origin_at": ("bottom", {"bottom", "center"}),
    "alpha_thumbnail": (False, None),
    "multi_view_thumbnails": (False, None),
}


@pytest.mark.parametrize(("table", "reference"), [(CSM, CSM_REFERENCE), (MESHY, MESHY_REFERENCE)], ids=["csm", "meshy"])
def test_a_table_has_every_parameter_of_the_reference_with_default_and_options(table, reference):
    found = {p.name: (p.default, set(p.options) if isinstance(p, Choice) else None) for p in table}
    assert found == reference


def test_blender_starts_with_a_texture_and_plain_python_with_what_the_service_assumes():
    differs = {
        name: {p.name: p.initial for p in service.parameters if p.initial != p.default}
        for name, service in SERVICES.items()
    }
    assert differs == {"local": {"texture_model": "pbr"}, "csm": {"texture_model": "pbr"}, "meshy": {}, "comfyui": {}}
    for service in SERVICES.values():
        for parameter in service.parameters:
            parameter.check(parameter.initial)  # does not raise
    for name in ("local", "csm"):
        table = SERVICES[name].parameters
        assert check(table, PICTURE)["texture_model"] == "none"
        assert sent(table, check(table, PICTURE)) == PICTURE


@pytest.mark.parametrize("name", SERVICES)
def test_no_two_parameters_of_a_service_have_the_same_label(name):
    labels = [parameter.label for parameter in SERVICES[name].parameters]
    assert len(set(labels)) == len(labels)
    for choice in SERVICES[name].parameters:
        said = [option.label for option in getattr(choice, "options", {}).values() if option.label]
        assert len(set(said)) == len(said)


def test_the_numbers_that_files_store_never_move():
    found = {name: service.number for name, service in SERVICES.items()}
    for name, service in SERVICES.items():
        for choice in service.parameters:
            if isinstance(choice, Choice):
                numbers = {value: option.number for value, option in choice.options.items()}
                found[f"{name}.{choice.name}"] = numbers
                assert len(set(numbers.values())) == len(numbers)
    assert found == NUMBERS
    assert len({service.number for service in SERVICES.values()}) == len(SERVICES)


@pytest.mark.parametrize(
    ("name", "traits"),
    [
        ("local", (False, False, "none", VIEWS)),
        ("comfyui", (False, False, "own", VIEWS)),
        ("csm", (True, True, "web", ())),
        ("meshy", (True, True, "web", VIEWS)),
    ],
)
def test_what_a_service_says_of_itself(name, traits):
    service = SERVICES[name]
    assert (service.needs_key, service.is_paid, service.reach, service.views) == traits


def test_where_csm_and_local_are_the_same_they_say_it_alike():
    own = (*VIEWS, "cutout", "back")
    assert {parameter.name for parameter in SERVICES["local"].parameters} == {one.name for one in CSM} | set(own)
    local = [parameter for parameter in SERVICES["local"].parameters if parameter.name not in own]
    differs = {one.name for one, other in zip(CSM, local, strict=True) if one != other}
    assert differs == {"geometry_model", "texture_model", "resolution"}


def test_numbers_and_texts_are_as_long_as_meshy_takes_them():
    bounds = {p.name: (p.minimum, p.maximum) for p in MESHY if isinstance(p, Number)}
    assert bounds == {"target_polycount": (100, 300_000), "decimation_mode": (1, 4)}
    assert {p.name: p.length for p in MESHY if isinstance(p, Text)}["texture_prompt"] == 800


@pytest.mark.parametrize("parameter", [*CSM, *MESHY], ids=lambda p: p.name)
def test_every_parameter_and_every_option_is_explained_without_a_full_stop(parameter):
    texts = [parameter.description, *(option.description for option in getattr(parameter, "options", {}).values())]
    for text in texts:
        assert text and not text[0].islower() and not text.endswith(".") and "\n" not in text
    assert parameter.label and parameter.label[0].isupper()


@pytest.mark.parametrize(
    ("setting", "needed"),
    [
        ({"enable_pbr": True}, "should_texture"),
        ({"texture_prompt": "mossy"}, "should_texture"),
        ({"texture_image_url": "https://example.org/moss.png"}, "should_texture"),
        ({"texture_resolution": "8k"}, "should_texture"),
        ({"hd_texture": True}, "should_texture"),
        ({"topology": "quad"}, "should_remesh"),
        ({"target_polycount": 5000}, "should_remesh"),
        ({"decimation_mode": 2}, "should_remesh"),
        ({"save_pre_remeshed_model": True}, "should_remesh"),
        ({"origin_at": "center"}, "auto_size"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_what_has_no_effect_without_another_setting_is_refused_and_accepted_with_it(setting, needed):
    (name,) = setting
    with pytest.raises(ParameterError) as refusal:
        check(MESHY, {**PICTURE, **setting, needed: False})
    assert str(refusal.value) == f"{name} has no effect without {needed}: set {needed}, or leave {name} out."
    values = check(MESHY, {**PICTURE, **setting, needed: True})
    parameter = next(p for p in MESHY if p.name == name)
    assert values[name] == setting[name]
    assert applies(MESHY, parameter, values)
    assert not applies(MESHY, parameter, {**values, needed: False})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"target_polycount": 99}, "target_polycount cannot be 99: use a whole number from 100 to 300,000."),
        ({"target_polycount": 300_001}, "target_polycount cannot be 300001: use a whole number from 100 to 300,000."),
        ({"target_polycount": 1e3}, "target_polycount cannot be 1000.0: use a whole number from 100 to 300,000."),
        ({"target_polycount": True}, "target_polycount cannot be True: use a whole number from 100 to 300,000."),
        ({"target_polycount": None}, "target_polycount cannot be None: use a whole number from 100 to 300,000."),
        ({"decimation_mode": 5}, "decimation_mode cannot be 5: use a whole number from 1 to 4."),
        ({"pose_mode": "sitting"}, "pose_mode cannot be 'sitting': use one of \"\", a-pose, t-pose."),
        ({"pose_mode": ["a-pose"]}, "pose_mode cannot be ['a-pose']: use one of \"\", a-pose, t-pose."),
        ({"moderation": "yes"}, "moderation cannot be 'yes': use true or false."),
        ({"texture_prompt": "x" * 801}, "texture_prompt has 801 characters: use at most 800."),
        ({"ai_model": "meshy-5"}, "ai_model 'meshy-5' has ended: use meshy-6-lite."),
        (
            {"ai_model": "meshy-t1"},
            "ai_model 'meshy-t1' has ended: use meshy-t2 with the model_type smart-topology.",
        ),
        ({"texture_prompt": 7}, "texture_prompt cannot be 7: use text."),
        ({"image_url": b"png"}, "image_url cannot be b'png': use the path or the address of a picture."),
        ({"image_url": ""}, "There is no picture: choose a picture file, a Blender image or an address."),
    ],
    ids=lambda value: None if isinstance(value, dict) else value[:24],
)
def test_a_value_that_meshy_would_not_take_is_refused_in_one_sentence(values, sentence):
    with pytest.raises(ParameterError) as refusal:
        check(MESHY, {**PICTURE, "should_remesh": True, **values})
    assert str(refusal.value) == sentence


SMART = {"model_type": "smart-topology"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"ai_model": "meshy-t2"},
            "ai_model cannot be 'meshy-t2' beside model_type 'standard': use one of latest, meshy-7.1, meshy-7, meshy-6, "
            "meshy-6-lite, or change model_type.",
        ),
        (
            {**SMART, "ai_model": "meshy-7.1"},
            "ai_model cannot be 'meshy-7.1' beside model_type 'smart-topology': use one of latest, meshy-t2.5, meshy-t2, "
            "or change model_type.",
        ),
        (
            {**SMART, "target_polycount": 15_001},
            "target_polycount cannot be 15001 beside model_type 'smart-topology' and ai_model 'latest': use a whole number "
            "from 100 to 15,000.",
        ),
        (
            {**SMART, "should_remesh": True},
            "should_remesh cannot be used beside model_type 'smart-topology': leave should_remesh out, or change "
            "model_type.",
        ),
        (
            {"remove_lighting": False},
            "remove_lighting cannot be used beside ai_model 'latest': leave remove_lighting out, or change ai_model.",
        ),
        (
            {"ai_model": "meshy-6-lite", "texture_resolution": "8k"},
            "texture_resolution cannot be used beside ai_model 'meshy-6-lite': leave texture_resolution out, or change "
            "ai_model.",
        ),
        (
            {"geometry_resolution": "4k", "back_image_url": "https://example.org/back.png"},
            "geometry_resolution cannot be '4k' beside back_image_url: use one of standard, 2k, or leave back_image_url "
            "out.",
        ),
        (
            {"input_task_id": "018a", "left_image_url": "https://example.org/left.png"},
            "left_image_url cannot be used beside input_task_id: leave left_image_url out, or leave input_task_id out.",
        ),
        (
            {"texture_model": "meshy-6-lite", "right_image_url": "https://example.org/right.png"},
            "texture_model cannot be 'meshy-6-lite' beside right_image_url: use one of meshy-7, meshy-n1, or leave "
            "right_image_url out.",
        ),
    ],
    ids=str,
)
def test_what_does_not_go_together_at_meshy_is_refused_in_one_sentence(values, sentence):
    with pytest.raises(ParameterError) as refusal:
        check(MESHY, {**PICTURE, **values})
    assert str(refusal.value) == sentence


def test_a_model_that_ends_is_still_taken_and_its_last_day_is_known():
    (models,) = (entry for entry in MESHY if entry.name == "ai_model")
    for model, day in models.ending.items():
        assert check(MESHY, {**PICTURE, "ai_model": model})["ai_model"] == model
        assert date.fromisoformat(day)
    assert not set(models.suggestions) & set(models.ended)


def test_a_finished_task_at_meshy_may_stand_for_the_picture_and_at_csm_nothing_may():
    assert check(MESHY, {"input_task_id": "018a"})["image_url"] == ""
    with pytest.raises(ParameterError, match="There is no picture"):
        check(CSM, {})


def test_only_the_picture_that_becomes_the_model_must_be_there():
    assert [p.name for p in MESHY if isinstance(p, Picture) and not p.optional] == ["image_url"]


MESHY_WIRE = [
    ({}, {"enable_pbr": True}),
    ({"ai_model": "latest", "topology": "triangle", "should_texture": True}, {"enable_pbr": True}),
    ({"enable_pbr": False}, {"enable_pbr": False}),
    ({"should_texture": False}, {"should_texture": False, "enable_pbr": False}),
    # Each model has another default for rebuilding the mesh: beside a named one all of it is said that has an effect.
    ({"ai_model": "meshy-6"}, {"enable_pbr": True, "ai_model": "meshy-6", "should_remesh": False}),
    (
        {"ai_model": "meshy-6", "should_remesh": True},
        {"enable_pbr": True, "ai_model": "meshy-6", "should_remesh": True, "topology": "triangle"}
        | {"target_polycount": 30_000},
    ),
    (
        {"ai_model": "meshy-6", "remove_lighting": False},
        {"enable_pbr": True, "ai_model": "meshy-6", "should_remesh": False, "remove_lighting": False},
    ),
    ({"model_type": "smart-topology"}, {"enable_pbr": True, "model_type": "smart-topology"}),
    (
        {"model_type": "smart-topology", "target_polycount": 4_000},  # what it would be all the same
        {"enable_pbr": True, "model_type": "smart-topology"},
    ),
    (
        {"model_type": "smart-topology", "ai_model": "meshy-t2.5", "target_polycount": 30_000},
        {"enable_pbr": True, "model_type": "smart-topology", "ai_model": "meshy-t2.5", "target_polycount": 30_000},
    ),
    ({"ai_model": " "}, {"enable_pbr": True}),  # as where somebody has emptied the field
    ({"texture_model": "meshy-n1"}, {"enable_pbr": False, "texture_model": "meshy-n1"}),
    ({"should_remesh": True}, {"enable_pbr": True, "should_remesh": True}),
    (
        {"should_remesh": True, "topology": "quad", "target_polycount": 5000, "decimation_mode": None},
        {"enable_pbr": True, "should_remesh": True, "topology": "quad", "target_polycount": 5000},
    ),
    (
        {"should_remesh": True, "decimation_mode": 3},
        {"enable_pbr": True, "should_remesh": True, "decimation_mode": 3},
    ),
    ({"auto_size": True, "origin_at": "center"}, {"enable_pbr": True, "auto_size": True, "origin_at": "center"}),
    ({"texture_prompt": "  Moosgrün 苔  "}, {"enable_pbr": True, "texture_prompt": "Moosgrün 苔"}),
    (
        {"image_enhancement": False, "pose_mode": "t-pose"},
        {"enable_pbr": True, "image_enhancement": False, "pose_mode": "t-pose"},
    ),
]


@pytest.mark.parametrize(("asked", "told"), MESHY_WIRE)
def test_meshy_is_told_what_differs_from_the_default_and_always_the_maps_and_the_format(meshy, server, asked, told):
    meshy.create({**PICTURE, **asked})
    assert server.creates[0].parameters == {**PICTURE, "target_formats": ["glb"], **told}


CSM_ALL = {
    "geometry_model": "turbo",
    "texture_model": "pbr",
    "scaled_bbox": [-1, -1, 1.8],
    "preserve_aspect_ratio": True,
    "topology": "quads",
    "resolution": "low_poly",
}
CSM_WIRE = [
    ({}, {}),
    ({"geometry_model": "base", "scaled_bbox": [-1, -1, -1], "preserve_aspect_ratio": False}, {}),
    ({"scaled_bbox": (1, -1, 0.5)}, {"scaled_bbox": [1.0, -1.0, 0.5]}),
    (CSM_ALL, CSM_ALL),
]


@pytest.mark.parametrize(("asked", "told"), CSM_WIRE)
def test_csm_is_told_what_differs_from_the_default(csm, server, asked, told):
    csm.create({**PICTURE, **asked})
    assert server.creates[0].parameters == {**PICTURE, **told}


def test_a_task_that_stands_for_the_picture_goes_alone_without_the_picture(connect, scripted, star):
    from scripted import http

    scripted.say(http({"result": "018b"}, "202 Accepted"))
    connect(scripted, "meshy").create({"image_url": str(star), "input_task_id": " 018a "})
    assert scripted.requests[0][1] == b'{"enable_pbr": true, "input_task_id": "018a", "target_formats": ["glb"]}'


def test_what_is_refused_leaves_nothing_on_the_wire(service, server):
    with pytest.raises(ParameterError):
        service.create({**PICTURE, "topology": "hexagons"})
    assert server.requests == []


def test_what_was_checked_once_can_be_checked_and_sent_again():
    for asked, _ in MESHY_WIRE:
        values = check(MESHY, {**PICTURE, **asked})
        assert check(MESHY, values) == values
        assert sent(MESHY, check(MESHY, values)) == sent(MESHY, values)


@pytest.mark.parametrize(("name", "word"), [("csm", "quads"), ("meshy", "quad")])
def test_a_service_knows_when_it_is_asked_for_faces_with_four_sides(name, word):
    service = SERVICES[name]
    remesh = {"should_remesh": True} if name == "meshy" else {}
    assert service.asks_quads(check(service.parameters, {**PICTURE, **remesh, "topology": word}))
    assert not service.asks_quads(check(service.parameters, PICTURE))
