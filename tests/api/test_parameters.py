# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of parameters: what it takes, what it refuses, and in which words. Plain Python."""

import pytest

from image_to_3d.api.errors import ParameterError, PictureError
from image_to_3d.api.parameters import Number, Picture, Text, Vector, applies, check
from image_to_3d.api.services import SERVICES

TABLE = SERVICES["local"].parameters
DEFAULTS = {
    "image_url": "fox.png",
    "geometry_model": "base",
    "texture_model": "none",
    "scaled_bbox": [-1, -1, -1],
    "preserve_aspect_ratio": False,
    "topology": "tris",
    "resolution": "high_poly",
}


def test_local_takes_the_seven_parameters_of_csm_with_csms_defaults():
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
