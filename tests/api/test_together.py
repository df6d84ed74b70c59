# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes together at Meshy: thousands of requests drawn from the table. Whatever the table lets through, the
stand-in takes, whose rules were written from Meshy's pages and know nothing of the table."""

import itertools
import random

import pytest
from once import once
from service import meshy_rules

from image_to_3d.api.errors import ParameterError
from image_to_3d.api.parameters import Choice, Flag, Number, Picture, Text, applies, check, renewed, sent
from image_to_3d.api.services import SERVICES
from image_to_3d.api.services.meshy.table import FIXED
from image_to_3d.api.services.rows import VIEWS

pytestmark = once

MESHY = SERVICES["meshy"]
TABLE = MESHY.parameters
PICTURE = {"image_url": "https://example.org/fox.png"}
NEW_MODEL = "meshy-99"
DRAWS = 2000


def values_of(parameter):
    """What a draw may give a parameter: all there is to choose from, and of numbers the ends."""
    match parameter:
        case Picture():
            return ["", f"https://example.org/{parameter.name}.png"]
        case Choice():
            return list(parameter.options)
        case Flag():
            return [False, True]
        case Number():
            bounds = [bound for part in (parameter, *parameter.ranges) for bound in (part.minimum, part.maximum)]
            return [parameter.default, *bounds, *[part.default for part in parameter.ranges]]
        case Text():
            return [parameter.default, *parameter.suggestions, "in words"]


VALUES = {
    parameter.name: values_of(parameter) for parameter in TABLE if parameter.name not in ("image_url", "input_task_id")
}
VALUES["ai_model"].remove("in words")
VALUES["texture_model"].remove("in words")


def drawn(number, most):
    """A request with up to `most` parameters beside the model and the kind of mesh; always the same for a number."""
    dice = random.Random(number)
    names = {"ai_model", "model_type", *dice.sample(list(VALUES), dice.randint(0, most))}
    return {**PICTURE, **{name: dice.choice(VALUES[name]) for name in names}}


def pairs():
    """A request for each two values of two parameters, beside each of a few models."""
    single = [(name, value) for name in VALUES if name not in ("ai_model", "model_type") for value in VALUES[name]]
    for beside in BESIDE:
        for (name, value), (other, another) in itertools.combinations(single, 2):
            if name != other:
                yield {**PICTURE, **beside, name: value, other: another}


BESIDE = (
    {},
    {"ai_model": "meshy-7"},
    {"ai_model": "meshy-6", "should_remesh": True},
    {"ai_model": "meshy-6-lite"},
    {"model_type": "smart-topology"},
)


def as_the_panel_says_it(values):
    """The same as Blender's panel has it sent: nothing that it shows grey, and no number that nobody has changed where
    Meshy assumes another."""
    there = {entry.name: values.get(entry.name, entry.default) for entry in TABLE}
    return {
        entry.name: there[entry.name]
        for entry in TABLE
        if applies(TABLE, entry, there)
        and (there[entry.name] != entry.default or entry.default_beside(TABLE, there) == entry.default)
    }


def without_defaults(values):
    """What of the values is said: what differs from the default, and what always is."""
    return {
        entry.name: values[entry.name]
        for entry in TABLE
        if entry.name in values and (entry.always_sent or values[entry.name] != entry.default)
    }


def is_taken(values):
    """Whether the table lets a request through."""
    try:
        check(TABLE, values)
    except ParameterError as error:
        assert str(error).endswith(".") and ": " in str(error)
        return False
    return True


def at_meshy(told):
    """What the stand-in makes of a request: all parameters as it understands them. It raises for what it refuses."""
    views = [told[name] for name in VIEWS if told.get(name)]
    rest = {name: value for name, value in told.items() if name not in VIEWS}
    if views:
        return meshy_rules.completed({**rest, "image_urls": [PICTURE["image_url"], *views], **FIXED}, is_multi=True)
    return meshy_rules.completed({**rest, **FIXED})


@pytest.mark.parametrize("most", [5, len(VALUES)])
@pytest.mark.parametrize("said", [dict, as_the_panel_says_it], ids=["script", "panel"])
def test_what_the_table_lets_through_meshy_takes_as_it_was_asked_for_at_the_price_that_was_said(said, most):
    requests = [said(drawn(number, most)) for number in range(DRAWS)]
    taken = [values for values in requests if is_taken(values)]
    require_good(taken)
    assert len(taken) > DRAWS / (4 if said is as_the_panel_says_it else 100), "else it proves nothing"


def test_of_each_two_values_the_table_lets_through_what_meshy_takes_and_no_less():
    taken, refused, ignored = [], 0, set()
    for values in pairs():
        try:
            check(TABLE, values)
        except ParameterError as refusal:
            refused += 1
            try:
                at_meshy(without_defaults(values))
            except meshy_rules.BadRequestError:
                continue
            ignored.add(str(refusal).split()[0])
        else:
            taken.append(values)
    require_good(taken)
    assert len(taken) > refused > 0
    assert ignored == IGNORED


def require_good(taken):
    """Each of the requests is told to Meshy as it was asked for, Meshy takes it, and for the price that is said."""
    for values in taken:
        checked = check(TABLE, values)
        told = sent(TABLE, checked)
        assert check(TABLE, checked) == checked and sent(TABLE, check(TABLE, checked)) == told
        assert renewed(TABLE, checked) == checked
        for entry in TABLE:
            if entry.name in values and values[entry.name] != entry.default_beside(TABLE, checked):
                assert told[entry.name] == values[entry.name]
        cost = MESHY.cost(checked)
        understood = at_meshy(told)
        assert cost == (None if checked["texture_model"] else meshy_rules.cost(understood))


IGNORED = {
    "should_remesh",
    "topology",
    "target_polycount",
    "decimation_mode",
    "save_pre_remeshed_model",
    "origin_at",
    "texture_image_url",
}
"""What Meshy takes where it has no effect, and says nothing."""


OF_ANY_MODEL = [
    (name, value) for name, values in VALUES.items() for value in values if name not in ("ai_model", "model_type")
]


@pytest.mark.parametrize(("name", "value"), OF_ANY_MODEL)
def test_beside_a_model_that_is_newer_than_the_table_everything_is_let_through(name, value):
    needs = {"should_texture": True, "should_remesh": True, "auto_size": True}
    told = sent(TABLE, check(TABLE, {**PICTURE, **needs, "ai_model": NEW_MODEL, name: value}))
    (parameter,) = (entry for entry in TABLE if entry.name == name)
    assert told["ai_model"] == NEW_MODEL
    assert told.get(name, parameter.default) == value


@pytest.mark.parametrize("faces", [100, 15_001, 300_000])
def test_beside_a_new_model_for_smart_topology_any_number_of_faces_is_let_through(faces):
    smart = {**PICTURE, "ai_model": NEW_MODEL, "model_type": "smart-topology"}
    assert sent(TABLE, check(TABLE, {**smart, "target_polycount": faces}))["target_polycount"] == faces
    assert "target_polycount" not in sent(TABLE, check(TABLE, smart))
