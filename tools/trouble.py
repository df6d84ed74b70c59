# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/trouble.md: every error of the product, with the sentences as they stand in its code. Reads the code, and runs
none of it but `api/errors.py`."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from .common import ROOT, product_files
from .troubles import ENTRIES, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

PAGE = ROOT / "docs" / "trouble.md"

WIDTH = 116
LETTERS_LEAST = 16  # of a sentence that somebody could look for

INSIDE = {
    "NotFitting": "PictureError",
    "UnreadablePicture": "PictureError",
    "NothingToShape": "TaskFailedError",
    "Contradiction": "TaskFailedError",
    "SculptError": "TaskFailedError",
}
"""What a background Blender's own exceptions become, once whoever started it has heard the sentence."""

NAMED = {
    "UNCONFIRMED_MESSAGE": "AnswerLostError",
    "NO_MEMORY": "BlenderError",
    "TOO_DEEP": "GlbError",
    "out_of_memory": "BlenderError",
    "out_of_time": "BlenderError",
}
"""Texts, and properties that return one, which reach the user without an error being made of them in the code."""

INTRODUCTION = """\
# When something goes wrong

Written by `python3 dev.py docs` from `api/errors.py`, the sentences in the code, and `tools/troubles.py`; change those,
not this page.

Every error is one sentence that says what to do. This page says more about each: what it means, what helps, and what
happens to your money. Search it for some words of your sentence; where something is filled in, the sentences below have
an ellipsis.

**Where to look.** A job that failed says why below the list, when you select it. Its folder (the folder icon below the
job) holds the picture, every model that was delivered, and `log.txt` with the details. Nothing in it is deleted until
you remove the job.

**Your money**, in short:

- Nothing is charged before a request has left this computer. What is checked before costs nothing.
- A request that is paid for is sent once. Its task's id is written down at once, and from then on *Retry* asks for that
  task and pays nothing again.
- Only where the service has given the task up (failed, or no longer kept) does *Retry* pay for a new one. It says so,
  and how much, before you press it.
- Where nobody can tell whether the service was reached, the job is *unconfirmed*, and you decide.
- A model that was delivered is kept, also one that cannot be used.
- Local and ComfyUI cost nothing at all.
"""


class Sentence(NamedTuple):
    """One sentence as it stands in the code, with an ellipsis for what is filled in."""

    kind: str  # the class of the error
    text: str


def page(errors: ModuleType) -> str:
    """The whole page. `errors` is the module `api.errors`."""
    kinds = kinds_of(errors)
    said = sentences(product_files(), set(kinds))
    parts = [INTRODUCTION, "\n" + "".join(f"- [{place}](#{anchor(place)})\n" for place in PLACES)]
    for place, about in PLACES.items():
        parts.append(f"\n## {place}\n\n{wrapped(about)}")
        parts += [chapter(name, said) for name in kinds if ENTRIES[name].where == place]
        if place == "This computer":
            parts.append(system_chapter(ROOT / "api" / "errors.py"))
    return "".join(parts)


def kinds_of(errors: ModuleType) -> list[str]:
    """The names of all classes in the tree, the most general last."""
    kinds = [errors.ImageTo3DError]
    for kind in kinds:  # which grows meanwhile
        kinds += kind.__subclasses__()
    order = list(ENTRIES)
    return sorted((kind.__name__ for kind in kinds), key=lambda name: order.index(name) if name in order else -1)


def chapter(name: str, said: Iterable[Sentence]) -> str:
    """What is said of one class."""
    entry = ENTRIES[name]
    mine = [sentence.text for sentence in said if sentence.kind == name]
    return (
        f"\n### {entry.title}\n\n{wrapped(entry.meaning)}\n"
        f"{item('**What to do:** ' + entry.remedy)}{item('**Your money:** ' + entry.money)}"
        f"{item(f'For scripts: `api.errors.{name}`')}{quoted(mine)}"
    )


def quoted(texts: list[str]) -> str:
    """Sentences as one reads them in Blender."""
    return "\nIt reads:\n\n" + "".join(f"> {text}<br>\n" for text in texts) if texts else ""


def wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def item(text: str) -> str:
    """A point of a list."""
    return textwrap.indent(wrapped(text), "  ").replace("  ", "- ", 1)


def system_chapter(path: Path) -> str:
    """The sentences that `user_message` makes of what the system itself reports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (function,) = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "user_message"]
    found = [text for n in ast.walk(function) if isinstance(n, ast.Return) for text in [worded(n.value, {})] if text]
    return (
        "\n### The disk, the memory, other programs\n\n"
        + wrapped("The system could not do what it was asked for. Its own words stand in brackets.")
        + "\n"
        + item("**What to do:** What the sentence says, then **Retry**: the job goes on from where it was.")
        + item(
            "**Your money:** Before a paid request leaves, that it leaves is on the disk. If that cannot be written, "
            "nothing is sent."
        )
        + item("For scripts: `OSError`; `api.errors.user_message` makes the sentence")
        + quoted([text for text in found if letters(text) >= LETTERS_LEAST])
    )


# The sentences in the code


def sentences(paths: Iterable[Path], kinds: set[str]) -> list[Sentence]:
    """Every sentence that the code gives to an error, in the order of the files; each once."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    constants = constants_of(trees.values())
    found = {}
    for tree in trees.values():
        for kind, node in given(tree, kinds):
            text = worded(node, constants)
            if letters(text) >= LETTERS_LEAST:
                found[Sentence(kind, text)] = None
    return list(found)


def given(tree: ast.AST, kinds: set[str]) -> Iterator[tuple[str, ast.expr]]:
    """What is made an error of, with the class: `GoneError("…")`, tables of `(GoneError, "…")`, what `NAMED` has."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in NAMED:
            yield from ((NAMED[node.name], n.value) for n in ast.walk(node) if isinstance(n, ast.Return) and n.value)
            continue
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in NAMED:
            yield NAMED[node.targets[0].id], node.value
            continue
        if isinstance(node, ast.Call) and node.args:
            called, sentence = node.func, node.args[0]
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            called, sentence = node.elts
        else:
            continue
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        kind = INSIDE.get(name, name)
        if kind in kinds:
            yield kind, sentence


def constants_of(trees: Iterable[ast.Module]) -> dict[str, ast.expr]:
    """Texts that have a name, by that; none where two files use one name for two texts."""
    found: dict[str, ast.expr] = {}
    twice = set()
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if isinstance(node.value, (ast.Constant, ast.JoinedStr)):
                    twice |= {name} & found.keys()
                    found[name] = node.value
    return {name: value for name, value in found.items() if name not in twice}


def worded(node: ast.expr | None, constants: Mapping[str, ast.expr]) -> str:
    """A text in the code as one reads it, with an ellipsis for what is filled in; empty for what is no text."""
    if isinstance(node, ast.Constant):
        return shown(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return shown("".join(piece(value, constants) for value in node.values))
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return worded(constants[name], {}) if name in constants else ""


def piece(node: ast.expr, constants: Mapping[str, ast.expr]) -> str:
    """A part of an f-string."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    filled = worded(node.value, constants) if isinstance(node, ast.FormattedValue) else ""
    return filled or "…"


def shown(text: str) -> str:
    """A sentence for the page: what is filled in by name is an ellipsis, too; nothing in it is markup."""
    text = re.sub(r"\{said\}", "", text)
    text = re.sub(r"\{\w+\}|…[… ]*…", "…", text)
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_").strip()


def letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def anchor(title: str) -> str:
    """How a heading is linked to."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
