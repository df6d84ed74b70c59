# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger may say where words, or a value of some kind, are due. Only data."""

import json
import math

HOSTILE = {
    "half an emoji": "No object found \ud83d",
    "colors": "\x1b[31mNo\x1b[0m object \x9b1mfound",
    "a title": "\x1b]0;owned\x07No object found",
    "NUL": "No\0 object found",
    "turned around": "\u202eNo object\u2066 found\u200b\ufeff",
    "lines": "No\r\nobject\u2028found\u2029",
    "endless": "No object found " * 200_000,
}
"""Words, each of which says "object found"."""

DEEP = json.loads("[" * 400 + "]" * 400)
ODD = [
    None,
    True,
    -1,
    10**400,
    1e308,
    math.nan,
    math.inf,
    "",
    "\ud83d",
    "\0",
    [],
    [[]],
    {},
    {"a": {}},
    DEEP,
    "9" * 5000,
]
"""Values of JSON that nobody expects."""
