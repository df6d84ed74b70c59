# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/trouble.md is what `dev.py docs` would write, and no error of the product is missing in it."""

import ast
import importlib
import sys
import types
from pathlib import Path

import pytest

from image_to_3d.api import errors

ROOT = Path(__file__).resolve().parents[2]

if "tools" not in sys.modules:  # without the checkout on the search path: its rooms have everyday names
    sys.modules["tools"] = types.ModuleType("tools")
    sys.modules["tools"].__path__ = [str(ROOT / "tools")]
trouble, troubles, common = (importlib.import_module(f"tools.{name}") for name in ("trouble", "troubles", "common"))

KINDS = trouble.kinds_of(errors)


@pytest.fixture(scope="module")
def page():
    return trouble.page(errors)


def test_the_committed_page_is_current(page):
    assert trouble.PAGE.read_text(encoding="utf-8") == page, "run python3 dev.py docs"


@pytest.mark.parametrize("name", KINDS)
def test_every_class_of_errors_has_an_entry_and_a_place(name):
    assert name in troubles.ENTRIES, f"say in tools/troubles.py what {name} means to a user"
    entry = troubles.ENTRIES[name]
    assert entry.where in troubles.PLACES
    assert all(words.endswith(".") for words in (entry.meaning, entry.remedy, entry.money))


def test_no_entry_is_about_a_class_that_is_gone():
    assert set(troubles.ENTRIES) == set(KINDS)


def test_each_class_stands_once_on_the_page_and_each_place_has_some(page):
    for name in KINDS:
        assert page.count(f"`api.errors.{name}`") == 1
    for part in page.split("\n## ")[1:]:
        assert "\n### " in part, part.splitlines()[0]


def test_every_sentence_for_what_the_system_reports_is_there(page):
    """`user_message` returns one for each; each begins with words of its own."""
    tree = ast.parse((ROOT / "api" / "errors.py").read_text(encoding="utf-8"))
    (function,) = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "user_message"]
    texts = [n.value for n in ast.walk(function) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    beginnings = [text.split(" (")[0].strip() for text in texts if text[:1].isupper() and " " in text.strip()]
    assert len(beginnings) >= 11
    for beginning in beginnings[1:]:  # the first is the function's docstring
        assert beginning in page


def said(source, tmp_path):
    path = tmp_path / "code.py"
    path.write_text(source)
    return [(found.kind, found.text) for found in trouble.sentences([path], {"PictureError", "GoneError"})]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise PictureError(f"{name} is no picture at all: choose {kinds}.")', "… is no picture at all: choose …."),
        ('error = errors.GoneError("The task is gone for good: try again.")', "The task is gone for good: try again."),
        (
            'TABLE = {404: (GoneError, "{label} knows no task like this{said}: retry.")}',
            "… knows no task like this: retry.",
        ),
        ('WORDS = "Nothing here can be taken for it."\nraise GoneError(WORDS)', "Nothing here can be taken for it."),
        (
            'raise NotFitting("This is a name in code_with_lines: <do> it.")',
            r"This is a name in code\_with\_lines: &lt;do> it.",
        ),
    ],
)
def test_sentences_are_read_from_the_code_in_every_form_that_it_has(source, found, tmp_path):
    assert [text for _, text in said(source, tmp_path)] == [found]


def test_what_is_no_error_or_too_short_to_be_looked_for_is_left_out(tmp_path):
    assert (
        said('raise GoneError("No.")\nraise ValueError("A sentence that nobody is told.")\nx = (1, "abc")', tmp_path)
        == []
    )


def test_every_name_that_texts_are_found_by_is_in_the_code():
    """Else a text that was renamed would leave the page in silence."""
    code = "".join(path.read_text(encoding="utf-8") for path in common.product_files())
    for name in (*trouble.NAMED, *trouble.INSIDE):
        assert any(form in code for form in (f"\n{name} =", f"def {name}(", f"class {name}("))
