# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of parameters: what it takes, what it refuses, and in which words. Plain Python."""

import pytest

from image_to_3d.api.errors import ParameterError, PictureError
from image_to_3d.api.parameters import (
    Choice,
    Flag,
    Number,
    Option,
    Picture,
    Range,
    Text,
    Vector,
    applies,
    check,
    renewed,
    sent,
)
from image_to_3d.api.services import SERVICES

TABLE = SERVICES["local"].parameters
DEFAULTS = {
    "image_url": "fox.png",
    "back_image_url": "",
    "left_image_url": "",
    "right_image_url": "",
    "geometry_model": "base",
    "texture_model": "none",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "high_poly",
    "cutout": "auto",
    "back": "mirrored",
}


def test_local_takes_the_seven_parameters_of_csm_with_csms_defaults_and_some_of_its_own():
    assert check(TABLE, {"image_url": "fox.png"}) == DEFAULTS


def test_a_size_may_leave_any_axis_to_the_service():
    values = check(TABLE, {"image_url": "fox.png", "scaled_bbox": (1, -1, 0.25)})
    assert values["scaled_bbox"] == [1.0, -1.0, 0.25]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"geometry_model": "best"}, "geometry_model cannot be 'best': use one of base, turbo."),
        ({"scaled_bbox": [1, 1]}, "scaled_bbox cannot be [1, 1]: use 3 numbers (width, height, depth)."),
        (
            {"scaled_bbox": [1, 0, 1]},
            "The height in scaled_bbox cannot be 0: use a length above 0 (m), or -1 for automatic.",
        ),
        (
            {"scaled_bbox": [1, 1, float("nan")]},
            "The depth in scaled_bbox cannot be nan: use a length above 0 (m), or -1 for automatic.",
        ),
        ({"scaled_bbox": "111"}, "scaled_bbox cannot be '111': use 3 numbers (width, height, depth)."),
        ({"preserve_aspect_ratio": 1}, "preserve_aspect_ratio cannot be 1: use true or false."),
        ({"colour": "red"}, f"There is no parameter 'colour': use {', '.join(DEFAULTS)}."),
        ({"image_url": "  "}, "There is no picture: choose a picture file, a Blender image or an address."),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_says_what_is_right(values, sentence):
    with pytest.raises(ParameterError) as refusal:
        check(TABLE, {"image_url": "fox.png", **values})
    assert str(refusal.value) == sentence
    assert not isinstance(refusal.value, PictureError)


def test_keeping_the_aspect_ratio_only_matters_beside_a_size():
    flag = next(parameter for parameter in TABLE if parameter.name == "preserve_aspect_ratio")
    assert not applies(TABLE, flag, DEFAULTS)
    assert applies(TABLE, flag, {**DEFAULTS, "scaled_bbox": [-1, 2, -1]})


# The edges of what is taken.


def taken(parameter, value):
    """Whether a parameter takes a value."""
    try:
        parameter.check(value)
    except ParameterError:
        return False
    return True


@pytest.mark.parametrize(("length", "is_taken"), [(0, True), (1, True), (99, True), (100, True), (101, False)])
def test_a_text_may_be_as_long_as_it_says(length, is_taken):
    assert taken(Text(name="x", description="X", length=100), "狐" * length) is is_taken


@pytest.mark.parametrize(
    ("number", "is_taken"), [(0, False), (1, True), (2, True), (4, True), (5, False), (2.0, False), (True, False)]
)
def test_a_number_may_be_as_small_and_as_large_as_it_says(number, is_taken):
    assert taken(Number(name="x", description="X", default=2, minimum=1, maximum=4), number) is is_taken


@pytest.mark.parametrize("default", [None, 2])
def test_only_a_number_that_may_be_left_out_may_be_nothing(default):
    assert taken(Number(name="x", description="X", default=default, minimum=1, maximum=4), None) is (default is None)


@pytest.mark.parametrize(
    ("length", "is_taken"),
    [(-1, True), (-1.5, False), (-0.5, False), (0, False), (1e-9, True), (1e30, True), (float("inf"), False)],
)
def test_a_length_is_above_nothing_or_automatic(length, is_taken):
    vector = Vector(name="x", description="X", default=(-1.0, -1.0), axes=("a", "b"), unit="m")
    assert taken(vector, [length, 1]) is taken(vector, [1, length]) is is_taken


def test_white_space_around_a_text_or_an_address_is_no_part_of_it():
    assert Text(name="x", description="X", length=9).check(" moss ") == "moss"
    assert Picture(name="x", description="X").check(" fox.png\n") == "fox.png"


# What goes together: a boat has a size only on water, a motor no sails, and a raft at most ten people.

BOATS = (
    Picture(name="picture", description="X", optional=True, excluded=({"motor": True},)),
    Text(
        name="kind",
        description="X",
        default="boat",
        length=9,
        suggestions=("boat", "raft", "ferry"),
        refused={"ferry": ({"water": ("pond",)},)},
        ended={"ark": "ferry"},
    ),
    Choice(
        name="water",
        description="X",
        default="sea",
        options={"sea": Option(0, "X"), "pond": Option(1, "X", excluded=({"motor": True},))},
    ),
    Flag(name="motor", description="X", default=False, excluded=({"kind": ("raft",)},)),
    Flag(name="sails", description="X", default=True, excluded=({"motor": True},), always_sent=True),
    Flag(name="bell", description="X", default=False, excluded=({"picture": False, "sails": False},)),
    Number(
        name="people",
        description="X",
        default=50,
        minimum=1,
        maximum=100,
        ranges=(Range({"kind": ("raft",)}, minimum=1, maximum=10, default=4),),
        needs="motor",
        needless=({"kind": ("raft",)},),
        sent_beside=({"water": ("pond",)},),
    ),
)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"sails": True, "motor": True}, "sails cannot be used beside motor: leave sails out, or leave motor out."),
        ({"motor": True, "kind": "raft"}, "motor cannot be used beside kind 'raft': leave motor out, or change kind."),
        (
            {"bell": True, "sails": False},
            "bell cannot be used without picture or sails: leave bell out, or set picture.",
        ),
        ({"people": 20}, "people has no effect without motor: set motor, or leave people out."),
        ({"kind": "raft", "people": 11}, "people cannot be 11 beside kind 'raft': use a whole number from 1 to 10."),
        ({"kind": "raft", "people": 50}, "people cannot be 50 beside kind 'raft': use a whole number from 1 to 10."),
        (
            {"kind": "ferry", "water": "pond"},
            "kind cannot be 'ferry' beside water 'pond': use one of boat, raft, or change water.",
        ),
        ({"water": "pond", "motor": True}, "water cannot be 'pond' beside motor: use sea, or leave motor out."),
        ({"kind": "ark"}, "kind 'ark' has ended: use ferry."),
    ],
)
def test_what_does_not_go_together_is_refused_with_a_sentence_that_says_what_to_do(values, sentence):
    with pytest.raises(ParameterError) as refusal:
        check(BOATS, values)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, {"sails": True}),
        ({"motor": True}, {"sails": False, "motor": True}),
        ({"motor": True, "people": 50}, {"sails": False, "motor": True}),
        ({"kind": "raft"}, {"kind": "raft", "sails": True}),
        ({"kind": "raft", "people": 4}, {"kind": "raft", "sails": True}),
        ({"kind": "raft", "people": 10}, {"kind": "raft", "sails": True, "people": 10}),
        ({"kind": "raft", "water": "pond"}, {"kind": "raft", "water": "pond", "sails": True, "people": 4}),
        ({"kind": "tug", "water": "pond"}, {"kind": "tug", "water": "pond", "sails": True}),  # invented later
        ({"sails": False, "picture": "a.png", "bell": True}, {"sails": False, "picture": "a.png", "bell": True}),
    ],
)
def test_what_is_said_is_what_differs_from_what_the_service_assumes_beside_the_rest(values, told):
    assert sent(BOATS, check(BOATS, values)) == told
    assert check(BOATS, check(BOATS, values)) == check(BOATS, values)


def test_what_has_no_effect_itself_excludes_nothing():
    settings = {entry.name: entry.default for entry in BOATS} | {"kind": "raft", "motor": True, "picture": "a.png"}
    effective = {entry.name for entry in BOATS if applies(BOATS, entry, settings)}
    assert effective == {"picture", "kind", "water", "sails", "bell", "people"}  # as a raft has no motor
    settings["kind"] = "boat"
    effective = {entry.name for entry in BOATS if applies(BOATS, entry, settings)}
    assert effective == {"kind", "water", "motor", "people"}


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"motor": True, "sails": True, "picture": "a.png"}, {"motor": True}),
        ({"kind": "raft", "people": 50}, {"kind": "raft"}),
        ({"kind": "raft", "people": 60}, {"kind": "raft", "people": 60}),  # somebody wanted that: the check says no
        ({"people": 50}, {"people": 50}),
        ({"people": 60}, {}),
        ({"sails": False, "motor": True, "people": 60}, {"sails": False, "motor": True, "people": 60}),
        ({"people": 50, "motor": True}, {"people": 50, "motor": True}),
        ({"invented_later": 1}, {"invented_later": 1}),
    ],
)
def test_a_record_of_an_earlier_version_loses_what_has_no_effect_and_what_nobody_asked_for(values, left):
    assert renewed(BOATS, values) == left
