# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/scale.md says of money is what the table of prices says."""

import re
from pathlib import Path

from once import once

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.api.services.meshy.prices import credits_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
PICTURES = 100_000
WORDS = {"true": True, "false": False}

pytestmark = [once]


def test_each_price_on_the_page_is_that_of_the_settings_beside_it():
    rows = re.findall(r"^\| (.+) \| (\d+) \| ([\d,]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    rows = [(text, int(price), int(total.replace(",", ""))) for text, price, total in rows]
    assert len(rows) == 5
    said = []
    for text, price, total in rows:
        assert total == price * PICTURES
        for settings in re.findall(r"`([^`]+=[^`]+)`", text) or [""]:
            said.append((settings, price))
    assert len(said) == 6
    for settings, price in said:
        given = dict(setting.split("=") for setting in settings.split())
        values = {name: WORDS.get(value, value) for name, value in given.items()}
        assert credits_for(check(SERVICES["meshy"].parameters, {"image_url": "p.png", **values})) == price, settings
