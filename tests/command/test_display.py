# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call says: bars on a real pseudo-terminal, lines elsewhere, lines of JSON for programs."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from command.models import Models

from image_to_3d.command import terminal
from image_to_3d.command.display import display
from image_to_3d.command.item import Item
from image_to_3d.jobs.state import State

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "command_line_output.md"

KEY = "msy_0123456789abcdefghijklmnop"
HOSTILE = "\x1b]0;owned\x07\x1b[2Jsta\u202er\x9b31m"
"""A title for the terminal, a cleared screen, a mark that turns the writing, a color."""


@pytest.fixture
def models(tmp_path, star):
    return Models(tmp_path / "jobs", star)


@pytest.fixture
def screen():
    if sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals")
    from command.screens import Screen

    made = Screen(80, 10)
    yield made
    made.close()


@pytest.fixture
def bars(screen, monkeypatch):
    """What draws on that terminal, whatever the time between two looks."""
    monkeypatch.setattr("image_to_3d.command.bars.EVERY_S", 0.0)
    return display(screen.stream, json=False, quiet=False, environment={"NO_COLOR": "1"})


def lines_of(stream):
    return stream.getvalue().splitlines()


# On a terminal


def test_each_model_that_is_made_has_a_bar(models, bars, screen):
    items = [
        models.item("Red Star", state=State.RUNNING, progress=0.5, message="Making the model"),
        models.item("Fish", state=State.WAITING, message="Waiting for its turn"),
    ]
    bars.begin([*items, Item("Bee.png", "Bee")])
    bars.look(items)
    star, fish, total = screen.lines
    assert star.startswith("Red Star ") and "█" * 10 + "░" * 10 in star and " 50%" in star
    assert star.endswith("Making the model")
    assert fish.startswith("Fish ") and "░" * 20 in fish and "█" not in fish
    assert total == "0 of 3 done, 2 running"
    models.change(items[0], progress=0.75)
    bars.look(items)
    assert len(screen.lines) == 3 and "█" * 15 + "░" * 5 in screen.lines[0]


def test_what_has_ended_stays_above_the_bars(models, bars, screen, tmp_path):
    done = models.item("Fish", state=State.READY, took_s=34.2, credits=20)
    done.files = {"blend": tmp_path / "Fish.blend", "asset": tmp_path / "assets" / "Fish.blend"}
    failed = models.item("Bee", state=State.FAILED, message="Meshy has found no object in the picture.")
    running = models.item("Red Star", state=State.RUNNING)
    bars.begin([done, failed, running])
    bars.look([done, failed, running])
    bars.ended(done)
    bars.ended(failed)
    bars.look([running])
    lines = screen.lines
    assert lines[0] == "[1/3] Fish: Fish.blend, assets/Fish.blend (34 s, 20 credits)"
    assert lines[1] == "[2/3] Bee: Meshy has found no object in the picture."
    assert lines[2].startswith("Red Star ") and lines[3] == "1 of 3 done, 1 failed, 1 running" and len(lines) == 4
    bars.close()
    assert screen.lines[2:] == ["1 of 3 done, 1 failed.", ""], "the bars are gone"


def test_there_are_never_more_lines_than_the_terminal_has(models, bars, screen):
    items = [models.item(f"Star {number}", state=State.RUNNING) for number in range(14)]
    bars.begin(items)
    for _ in range(3):
        bars.look(items)
    assert len(screen.lines) == 9 and screen.lines[-2] == "and 7 more"
    screen.resize(80, 5)
    bars.look(items)
    assert len(screen.lines) <= 5 + 4 and screen.lines[-2] == "and 12 more"
    screen.resize(80, 30)
    bars.look(items)
    assert screen.lines[-2].startswith("Star 13 ")


def test_a_terminal_without_room_gets_one_line(models, bars, screen):
    items = [models.item(f"Star {number}", state=State.RUNNING) for number in range(3)]
    bars.begin(items)
    screen.resize(9, 2)
    bars.look(items)
    assert screen.lines == ["0 of 3 ~"]


@pytest.mark.parametrize("width", [1, 2, 7, 20, 33, 50, 79, 200])
def test_no_line_is_wider_than_the_terminal(models, bars, screen, width):
    items = [
        models.item("星" * 30, name="星" * 30, state=State.RUNNING, message="模型" * 60, progress=0.37),
        models.item("Red Star", state=State.RUNNING, message="Making " * 20),
    ]
    bars.begin(items)
    screen.resize(width, 10)
    bars.look(items)
    bars.look(items)
    assert all(terminal.columns(line) < max(width, 2) for line in screen.lines)
    assert len(screen.lines) == 3


def test_after_the_terminal_was_made_narrower_no_old_line_is_left(models, bars, screen):
    items = [models.item("Red Star", state=State.RUNNING, message="Making the model as well as it can be made")]
    bars.begin(items)
    bars.look(items)
    before = screen.lines
    # A terminal wraps what no longer fits, and the cursor is at the end of the last line.
    screen.resize(40, 10)
    screen._lines = [part for line in before for part in (line[:40], line[40:]) if part]
    screen._row = len(screen._lines) - 1
    bars.look(items)
    assert len(screen.lines) == 2 and screen.lines[0].startswith("Red Star ")


def test_the_terminal_is_left_as_it_was(models, bars, screen):
    """No mode is changed and no cursor hidden, so a process that is killed leaves nothing to be put back."""
    item = models.item("Red Star", state=State.RUNNING)
    bars.begin([item])
    bars.look([item])
    bars.say("A sentence.")
    bars.ended(item)
    bars.close()
    bars.close()
    assert screen.lines[0] == "A sentence." and screen.modes == [] and screen.lines[-1] == ""
    assert set(re.findall(r"\x1b\[[0-9;]*([A-Za-z])", screen.said)) <= {"A", "J", "m"}


def test_colors_are_there_unless_they_are_not_wanted(models, screen):
    for environment, is_colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        before = len(screen.said)
        shown = display(screen.stream, json=False, quiet=False, environment=environment)
        shown.begin([Item("a.png", "a"), Item("b.png", "b")])
        shown.ended(Item("a.png", "a", trouble="There is no such file."))
        assert "a: There is no such file." in "".join(screen.lines)
        assert ("\x1b[31m" in screen.said[before:]) == is_colored


def test_a_terminal_without_blocks_gets_other_characters(models, monkeypatch):
    if sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals")
    from command.screens import Screen

    monkeypatch.setattr("image_to_3d.command.bars.EVERY_S", 0.0)
    screen = Screen(80, 10, encoding="ascii")
    shown = display(screen.stream, json=False, quiet=False, environment={})
    item = models.item("Étoile", name="Étoile", state=State.RUNNING, progress=0.5)
    shown.begin([item])
    shown.look([item])
    assert "##########.........." in screen.lines[0] and screen.lines[0].startswith("?toile")
    screen.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_dumb_terminal_gets_lines(models, screen):
    shown = display(screen.stream, json=False, quiet=False, environment={"TERM": "dumb"})
    item = models.item("Red Star", state=State.RUNNING)
    shown.begin([item])
    shown.look([item])
    assert screen.lines[0] == "Red Star: Meshy makes the model" and "\x1b" not in screen.said


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_nothing_that_a_service_or_a_name_says_reaches_the_terminal(models, bars, screen):
    item = models.item(HOSTILE, name=HOSTILE, state=State.RUNNING, message=f"Says {HOSTILE}", progress=0.1)
    bars.begin([item])
    bars.look([item])
    bars.say(f"About {HOSTILE}")
    models.change(item, state=State.FAILED)
    bars.ended(item)
    bars.close()
    assert "star: Says star" in screen.lines[1]
    assert "owned" not in screen.said and "\u202e" not in screen.said and "\x9b" not in screen.said
    assert set(re.findall(r"\x1b\[[0-9;]*([A-Za-z])", screen.said)) <= {"A", "J"}
    assert "\x1b[2J" not in screen.said


ENDLESS = """
import sys, time
sys.path.insert(0, {packages!r})
sys.path.insert(0, {tests!r})
from pathlib import Path
from command.models import Models
from image_to_3d.command.display import display
from image_to_3d.jobs.state import State
models = Models(Path({root!r}), {picture!r})
items = [models.item("Red Star", state=State.RUNNING, progress=0.5)]
shown = display(sys.stdout, json=False, quiet=False)
shown.begin(items)
try:
    while True:
        shown.look(items)
        time.sleep(0.01)
finally:
    shown.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whoever_ends_it_has_a_whole_terminal(screen, tmp_path, star, how):
    import image_to_3d

    script = ENDLESS.format(
        packages=str(Path(image_to_3d.__path__[0]).parent), tests=str(ROOT / "tests"),
        root=str(tmp_path / "jobs"), picture=str(star),
    )  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, "-c", script], stdout=screen.stream, stderr=subprocess.PIPE, cwd=tmp_path
    )
    while not any(line.startswith("Red Star") for line in screen.lines):
        assert running.poll() is None, running.stderr.read()
    os.kill(running.pid, how)
    running.wait()
    running.stderr.close()
    assert screen.modes == []
    if how == signal.SIGINT:
        assert screen.lines == [""], "the bars are gone"


# Elsewhere


def test_lines_tell_each_change_once(models):
    stream = io.StringIO()
    shown = display(stream, json=False, quiet=False)
    item = models.item("Red Star", message="Waiting for its turn")
    shown.begin([item])
    for state, message in (
        (State.WAITING, "Waiting for its turn"),
        (State.SUBMITTING, "Sending the picture to Meshy"),
        (State.WAITING, "Meshy's queue is full. The job tries again by itself."),
        (State.SUBMITTING, "Sending the picture to Meshy"),
        (State.RUNNING, "Making the model"),
        (State.DOWNLOADING, "Fetching the model"),
        (State.CONVERTING, "Preparing the model"),
    ):
        for progress in (0.1, 0.2, 0.3):
            models.change(item, state=state, message=message, progress=progress, task_id="0193-abc")
            shown.look([item])
    models.change(item, state=State.READY, took_s=12.0)
    item.files = {"glb": Path("out", "Red Star.glb")}
    shown.ended(item)
    shown.close()
    assert lines_of(stream) == [
        "Red Star: Meshy's queue is full. The job tries again by itself.",
        "Red Star: Meshy makes the model (task 0193-abc)",
        "Red Star: Red Star.glb (12 s)",
    ]


def test_quiet_says_only_what_went_wrong(models):
    stream = io.StringIO()
    shown = display(stream, json=False, quiet=True)
    done = models.item("Fish", state=State.READY)
    done.files = {"glb": Path("Fish.glb")}
    bad = Item("Bee.png", "Bee", trouble="There is no file Bee.png.")
    shown.begin([done, bad])
    shown.look([done])
    shown.say("1 model is already there.", is_note=True)
    shown.say("The disk is full.")
    shown.ended(done)
    shown.ended(bad)
    shown.close()
    assert lines_of(stream) == ["The disk is full.", "[2/2] Bee: There is no file Bee.png."]


def test_what_the_stream_cannot_write_is_no_error(models):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", errors="strict")
    shown = display(stream, json=False, quiet=False)
    shown.ended(Item("星.png", "星", trouble="There is no file."))
    assert raw.getvalue().splitlines() == [b"?: There is no file."]


def test_a_job_whose_folder_is_gone_is_told_by_its_name(models):
    item = models.item("Red Star", state=State.RUNNING)
    models.queue.remove(item.handle.id)
    stream = io.StringIO()
    shown = display(stream, json=False, quiet=False)
    shown.look([item])
    item.trouble = "There is no job."
    shown.ended(item)
    assert lines_of(stream) == ["Red Star: There is no job."]


# For programs


@pytest.fixture
def schema():
    """The JSON Schema that stands in the documentation, and what checks a line against it."""
    text = re.search(r"```json\n(\{\n  \"\$schema\".*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    return json.loads(text)


TYPES = {"string": str, "boolean": bool, "object": dict, "null": type(None), "number": (int, float), "integer": int}


def conforms(value, schema):
    """Check a value against as much of JSON Schema as our page uses; whatever else stands there is refused."""
    assert not set(schema) - {
        "$schema", "title", "description", "type", "enum", "const", "properties", "required", "additionalProperties",
        "propertyNames", "minimum",
    }  # fmt: skip
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds:
        is_one = any(
            isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in kinds
        )
        assert is_one, (value, kinds)
    assert "enum" not in schema or value in schema["enum"], value
    assert "const" not in schema or value == schema["const"], value
    assert "minimum" not in schema or value is None or value >= schema["minimum"]
    if isinstance(value, dict):
        assert not set(schema.get("required", [])) - set(value)
        for name, entry in value.items():
            conforms(name, schema.get("propertyNames", {}))
            known = schema.get("properties", {}).get(name)
            others = schema.get("additionalProperties", True)
            assert known is not None or others is not False, name
            conforms(entry, known if known is not None else others if isinstance(others, dict) else {})


def ended(item, schema):
    """The line of an item, which conforms to the schema."""
    stream, aside = io.StringIO(), io.StringIO()
    shown = display(stream, json=True, quiet=False, aside=aside)
    shown.begin([item])
    shown.look([item])
    shown.say("A sentence.")
    shown.ended(item)
    shown.close()
    (line,) = stream.getvalue().splitlines()
    assert line.isascii() and line.isprintable() and aside.getvalue() == "A sentence.\n"
    facts = json.loads(line)
    conforms(facts, schema)
    return facts


def test_a_model_that_is_there(models, schema, tmp_path):
    item = models.item(
        state=State.READY, took_s=34.21, credits=20, task_id="0193-abc", message="Ready", note="1,000 faces",
        parameters={"topology": "quad", "should_remesh": True},
    )  # fmt: skip
    item.files = {"blend": tmp_path / "Red Star.blend", "glb": tmp_path / "Red Star.glb"}
    facts = ended(item, schema)
    assert (
        facts["ok"] is True and facts["state"] == "ready" and facts["error"] is None and facts["id"] == item.handle.id
    )
    assert facts["files"] == {"blend": str(tmp_path / "Red Star.blend"), "glb": str(tmp_path / "Red Star.glb")}
    assert facts["picture"] == models.picture and facts["stem"] == "Red Star" and facts["variant"] is None
    assert facts["seconds"] == 34.2 and facts["credits"] == 20 and facts["task_id"] == "0193-abc"
    assert facts["parameters"]["topology"] == "quad" and facts["service"] == "meshy" and facts["note"] == "1,000 faces"


def test_a_model_that_failed(models, schema):
    item = models.item(state=State.FAILED, message="Meshy refuses the picture.", error="RefusedError", credits=0)
    facts = ended(item, schema)
    assert facts["ok"] is False and facts["files"] == {} and facts["credits"] == 0
    assert (facts["state"], facts["error"], facts["message"]) == (
        "failed",
        "RefusedError",
        "Meshy refuses the picture.",
    )


def test_a_model_that_could_not_start(schema):
    facts = ended(Item("gone.png", "", trouble="There is no file gone.png.", error="PictureError"), schema)
    assert facts["state"] == "not_started" and facts["id"] is None and facts["message"] == "There is no file gone.png."
    assert facts["ok"] is False and facts["error"] == "PictureError" and facts["picture"] == "gone.png"


def test_a_model_that_could_not_be_delivered(models, schema):
    item = models.item(state=State.READY, message="Ready")
    item.files, item.trouble = {"glb": Path("x.glb")}, "The disk is full."
    facts = ended(item, schema)
    assert facts["ok"] is False and facts["state"] == "ready" and facts["message"] == "The disk is full."
    assert facts["files"] == {}


@pytest.mark.parametrize("state", list(State))
def test_each_state_is_in_the_schema(models, schema, state):
    assert ended(models.item(state=state, sent="2026-01-01T00:00:00.000Z", task_id="0193"), schema)["state"] == state


def test_numbers_of_a_vector_are_a_list(models, schema):
    item = models.item(service="local", parameters={"scaled_bbox": [1, 2.5, -1]}, state=State.READY)
    assert ended(item, schema)["parameters"]["scaled_bbox"] == [1, 2.5, -1]


def test_no_key_is_in_it(models, schema):
    address = f"https://me:{KEY}@example.com/star.png?X-Amz-Signature={KEY}&id=5"
    item = models.item(message=f"Authorization: Bearer {KEY}", note=f"api_key={KEY}", parameters={"image_url": address})
    item.picture, item.trouble = address, f"No answer from {address}"
    facts = ended(item, schema)
    assert KEY not in json.dumps(facts) and "example.com/star.png" in facts["picture"]
    item.trouble = ""
    assert KEY not in json.dumps(ended(item, schema))


def test_a_name_that_is_no_text_is_no_broken_json(models, schema):
    item = models.item(state=State.READY)
    item.picture = f"{models.picture}\udcff\x1b[2J\u202e"
    facts = ended(item, schema)
    facts["picture"].encode("utf-8")
    assert "\x1b[2J" in facts["picture"], "escaped in the line, and what it was to those who read it"


def test_the_example_in_the_documentation_is_a_line(schema):
    lines = re.findall(r"^\{\"version.*\}$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        conforms(json.loads(line), schema)


def test_this_python_has_what_the_page_says(tmp_path):
    """The script of the page, run on the lines of the page."""
    page = PAGE.read_text(encoding="utf-8")
    script = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    lines = "\n".join(re.findall(r"^\{\"version.*\}$", page, re.MULTILINE))
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], input=lines, capture_output=True, text=True, cwd=tmp_path
    )
    assert said.returncode == 0, said.stderr
    assert "/models/fish.glb" in said.stdout and "PictureError" in said.stdout
