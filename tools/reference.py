# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py docs`: docs/parameters.md, written from the services' own tables, and docs/trouble.md (`trouble.py`). Needs no
Blender, and connects to nothing."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from . import trouble
from .common import PACKAGE, ROOT, VENV, link_folder, relative

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from typing import Any

PAGE = ROOT / "docs" / "parameters.md"

INTRODUCTION = """\
# Parameters of the services

Written by `python3 dev.py docs` from the tables in `api/services/`; change those, not this page.

The names are those that go over the wire. Scripts in plain Python use them and the values as they stand here:
`service.create({"image_url": "fox.png", "topology": "quads"})`. In Blender each is a property of the service's settings, with options in
upper case (`NONE` for `""`): `scene.image_to_3d.local.topology = "QUADS"`. What is left out is at its default, and is not sent. Where the
last column says so, a new scene in Blender starts with another value, which is then sent. A parameter that has no effect without another one
is refused where it is set alone, and one that cannot be used beside another one is refused there; Blender's panel shows them grey, and leaves
them out.

What stands below a name is the label in Blender's panel, where that is another word.
"""


def command_docs(options: argparse.Namespace) -> int:
    """Write the pages anew."""
    linked = VENV / "linked"
    link_folder(linked / PACKAGE)
    sys.path.insert(0, str(linked))
    PAGE.write_text(page(importlib.import_module(f"{PACKAGE}.api.services").SERVICES), encoding="utf-8", newline="\n")
    errors = importlib.import_module(f"{PACKAGE}.api.errors")
    trouble.PAGE.write_text(trouble.page(errors), encoding="utf-8", newline="\n")
    print(f"Wrote {relative(PAGE)} and {relative(trouble.PAGE)}.")
    return 0


def page(services: Mapping[str, Any]) -> str:
    """The whole page, from the services by name."""
    parts = [INTRODUCTION]
    for name, service in services.items():
        rows = "".join(row(parameter) for parameter in service.parameters)
        parts.append(
            f"\n## {service.label}\n\n`{name}`. {service.description}. {traits(service)}\n\n"
            f"| parameter | what it does | values | default |\n|---|---|---|---|\n{rows}"
        )
    return "".join(parts)


REACHES = {
    "none": "It works on this computer",
    "own": "It is a server of your own",
    "web": "It is reached through the web",
}


def traits(service: Any) -> str:
    """What a service says of itself, in sentences."""
    key = "Needs an API key" if service.needs_key else "Needs no API key"
    price = "a model costs credits" if service.is_paid else "a model costs nothing"
    return f"{key}; {price}. {REACHES[service.reach]}."


def row(parameter: Any) -> str:
    """One line of a table."""
    cells = (names(parameter), " ".join(sentences(parameter)), values(parameter), defaults(parameter))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def names(parameter: Any) -> str:
    """The wire name, and below it what Blender's panel shows, where that is another word."""
    if type(parameter).__name__ == "Vector":
        shown = ", ".join(parameter.axes).title()
    else:
        shown = parameter.label if parameter.label != parameter.title else ""
    return f"`{parameter.name}`<br>{shown}" if shown else f"`{parameter.name}`"


def sentences(parameter: Any) -> Iterator[str]:
    """What it does, and what has to be known beside that."""
    yield f"{parameter.description}."
    if parameter.needs:
        needless = f", except {states(parameter.needless)}" if parameter.needless else ""
        yield f"Has no effect without `{parameter.needs}`{needless}."
    if parameter.excluded:
        yield f"Cannot be used {states(parameter.excluded)}."
    if getattr(parameter, "instead", ""):
        yield f"Not needed with `{parameter.instead}`."
    if parameter.always_sent:
        yield "Sent even at its default."
    if parameter.sent_beside:
        yield f"Sent even at its default {states(parameter.sent_beside)}."
    if type(parameter).__name__ == "Text":
        yield from about_words(parameter)


def about_words(parameter: Any) -> Iterator[str]:
    """Which words a text may not be, or not everywhere."""
    together: dict[str, list[str]] = {}
    for word, where in parameter.refused.items():
        together.setdefault(states(where), []).append(code(word))
    for where, words in together.items():
        yield f"Cannot be {listed(words)} {where}."
    for word, instead in parameter.ended.items():
        yield f"{code(word)} has ended: use {instead}."
    for word, day in parameter.ending.items():
        yield f"{code(word)} ends on {day}."


def states(several: Any) -> str:
    """States of other parameters, in words: "where `ai_model` is `"meshy-6"`, or where `input_task_id` is set"."""
    if all(list(where.values()) == [True] for where in several):
        return f"where {listed([f'`{name}`' for where in several for name in where])} is set"
    return ", or ".join(f"where {' and '.join(conditions(where))}" for where in several)


def conditions(where: Mapping[str, Any]) -> Iterator[str]:
    """What makes up one state."""
    for name, wanted in where.items():
        if not isinstance(wanted, bool):
            yield f"`{name}` is {listed([code(value) for value in wanted])}"
        elif wanted:
            yield f"`{name}` is set"
    unset = [f"`{name}`" for name, wanted in where.items() if wanted is False]
    if unset:
        yield f"{listed(unset)} {'is' if len(unset) == 1 else 'are'} not set".replace(" or ", " and ")


def listed(words: list[str]) -> str:
    """Words as a list in a sentence: "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def values(parameter: Any) -> str:
    """Which kind it is, and what it may be."""
    kind = type(parameter).__name__
    if kind == "Picture":
        return "picture"
    if kind == "File":
        return "path of a file"
    if kind == "Choice":
        return "<br>".join(
            f"{code(value)}: {option.description}" + (f"; not {states(option.excluded)}" if option.excluded else "")
            for value, option in parameter.options.items()
        )
    if kind == "Flag":
        return "`True` or `False`"
    if kind == "Number":
        usual = f"whole number from {parameter.minimum:,} to {parameter.maximum:,}"
        return "<br>".join((usual, *map(in_words, parameter.ranges)))
    if kind == "Text":
        known = ", ".join(map(code, parameter.suggestions))
        return f"text of at most {parameter.length} characters" + (f", such as {known}" if known else "")
    if kind == "Vector":
        axes = ", ".join(parameter.axes)
        return f"{len(parameter.axes)} numbers ({axes}), each above 0, in {parameter.unit}, or -1 for automatic"
    raise NotImplementedError(f"there are no words for a {kind} yet")


def in_words(found: Any) -> str:
    """What a number may be in one state, and what it is there by itself."""
    return f"{states([found.where])}: from {found.minimum:,} to {found.maximum:,}, by default {found.default:,}"


def defaults(parameter: Any) -> str:
    """What applies where it is left out, and what Blender starts with where that is something else."""
    if type(parameter).__name__ == "File":
        return "none"
    if type(parameter).__name__ == "Picture":
        return "none" if parameter.optional else "has to be there"
    default, initial = code(parameter.default), code(parameter.initial)
    return default if initial == default else f"{default}<br>in Blender {initial}"


def code(value: Any) -> str:
    """A value as it is written in Python."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return f"`({', '.join(f'{number:g}' for number in value)})`"
    return '`""`' if value == "" else f"`{value!r}`".replace("'", '"') if isinstance(value, str) else f"`{value}`"
