# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/parameters.md is what `dev.py docs` would write, and says all that the tables say."""

import copy
import importlib
import sys
import types
from pathlib import Path

import pytest

from image_to_3d.api.parameters import Parameter
from image_to_3d.api.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]

if "tools" not in sys.modules:  # without the checkout on the search path: its rooms have everyday names
    sys.modules["tools"] = types.ModuleType("tools")
    sys.modules["tools"].__path__ = [str(ROOT / "tools")]
reference = importlib.import_module("tools.reference")


def test_the_committed_page_is_current():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(SERVICES), "run python3 dev.py docs"


@pytest.mark.parametrize("name", SERVICES)
def test_every_parameter_is_there_with_its_options_and_what_it_needs(name):
    part = reference.page({name: SERVICES[name]})
    rows = {line.split("`")[1]: line for line in part.splitlines() if line.startswith("| `")}
    assert list(rows) == [parameter.name for parameter in SERVICES[name].parameters]
    for parameter in SERVICES[name].parameters:
        line = rows[parameter.name]
        assert parameter.description in line
        assert f"`{parameter.needs}`" in line or not parameter.needs
        for value, option in getattr(parameter, "options", {}).items():
            assert value in line and option.description in line
        shown = ["Width, Height, Depth"] if hasattr(parameter, "axes") else [parameter.label]
        assert line.split(" | ")[0].split("<br>")[1:] == (shown if shown != [parameter.title] else [])
        assert ("<br>in Blender" in line) == (parameter.initial != parameter.default)
        assert line.count(" | ") == 3


def test_what_excludes_a_parameter_or_a_value_stands_in_its_line():
    lines = {
        line.split("`")[1]: line
        for line in reference.page({"meshy": SERVICES["meshy"]}).splitlines()
        if line.startswith("| `")
    }
    for name, said in {
        "back_image_url": 'Cannot be used where `model_type` is `"smart-topology"`, or where `input_task_id` is set.',
        "remove_lighting": 'is `"latest"`, `"meshy-7.1"` or `"meshy-7"` and `back_image_url`, `left_image_url` and '
        "`right_image_url` are not set.",
        "texture_model": 'Cannot be `"meshy-6-lite"` where `back_image_url`, `left_image_url` or `right_image_url` is '
        "set.",
        "geometry_resolution": "; not where `back_image_url`, `left_image_url` or `right_image_url` is set |",
        "target_polycount": '`ai_model` is `"meshy-t2.5"`: from 100 to 30,000, by default 15,000 |',
    }.items():
        assert said in lines[name]
    assert '`should_remesh`, except where `model_type` is `"smart-topology"`.' in lines["target_polycount"]
    assert '`"meshy-5"` has ended: use meshy-6-lite.' in lines["ai_model"]
    assert '`"meshy-7"` ends on 2026-12-31.' in lines["ai_model"]
    assert "Sent even at its default where `ai_model` is set and" in lines["should_remesh"]


def test_what_blender_starts_with_stands_beside_what_the_service_assumes():
    (parameter,) = [entry for entry in SERVICES["local"].parameters if entry.name == "texture_model"]
    assert reference.row(parameter).endswith('| `"none"`<br>in Blender `"pbr"` |\n')


def test_a_bar_in_a_sentence_does_not_break_the_table():
    parameter = copy.copy(SERVICES["local"].parameters[1])
    parameter.description = "This | that"
    assert "This \\| that." in reference.row(parameter)


def test_a_new_kind_of_parameter_needs_words():
    with pytest.raises(NotImplementedError, match="Parameter"):
        reference.row(Parameter(name="x", description="X"))
