# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes together at Meshy, as Blender's panel has it: whatever is chosen there is refused in a sentence, or taken by
the stand-in, whose rules know nothing of the extension's table."""

import random

import bpy
import pytest
from service import meshy_rules

PICTURE = "https://example.org/fox.png"
DRAWS = 1500


@pytest.fixture
def meshy(extension):
    return extension.module("api.services").SERVICES["meshy"]


def choices_of(prop, parameter):
    """What somebody may choose for a property."""
    if prop.type == "ENUM":
        return [item.identifier for item in prop.enum_items]
    if prop.type == "BOOLEAN":
        return [False, True]
    if prop.type == "INT":
        return [prop.default, prop.default, prop.hard_min, 4_000, 15_001, prop.hard_max]
    if prop.subtype == "FILE_PATH":
        return ["", "https://example.org/view.png"]
    return [parameter.default, *parameter.suggestions]


def test_what_the_panel_has_sent_meshy_takes(extension, meshy):
    kinds, settings = extension.module("api.parameters"), extension.module("scene.settings")
    group, table = bpy.context.scene.image_to_3d.meshy, meshy.parameters
    shown = [parameter for parameter in settings.shown(table) if parameter.name != "input_task_id"]
    dice, taken, refused = random.Random(1), 0, set()
    for _ in range(DRAWS):
        for parameter in shown:
            group.property_unset(parameter.name)
        for parameter in dice.sample(shown, dice.randint(1, len(shown))):
            prop = group.bl_rna.properties[parameter.name]
            setattr(group, parameter.name, dice.choice(choices_of(prop, parameter)))
        try:
            checked = kinds.check(table, {**settings.values_that_apply(group, table), "image_url": PICTURE})
        except extension.module("api.errors").ParameterError as refusal:
            refused.add(str(refusal).split()[0])
            continue
        told = kinds.sent(table, checked)
        views = [told.pop(name) for name in meshy.views if name in told]
        if views:
            understood = meshy_rules.completed({**told, "image_urls": [PICTURE, *views]}, is_multi=True)
        else:
            understood = meshy_rules.completed(told)
        taken += 1
        assert meshy.cost(checked) == (None if checked["texture_model"] else meshy_rules.cost(understood))
    assert taken > DRAWS / 5
    # What is grey is left out; a value beside which another may be chosen is not.
    assert refused == {"ai_model", "geometry_resolution", "target_polycount", "texture_model"}
