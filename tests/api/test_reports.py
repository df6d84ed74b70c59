# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the report of a program that works with a stranger's file, and may say anything. Real processes, no
Blender."""

import base64
import json
import os
import sys
import time

import pytest

from image_to_3d.api import blender, picture
from image_to_3d.api.errors import BlenderError
from image_to_3d.programs.program import NOT_UNDERSTOOD, Program

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

SAYS = """
import json, sys, time
request = json.load(open(sys.argv[2]))
with open(request["report"], "wb") as report:
    report.write(bytes.fromhex(request["says"]))
if request["lives_on"]:
    time.sleep(600)
"""


@pytest.fixture
def last_word(tmp_path):
    """What is heard of a program that says this."""
    programs = []

    def last_word(says, *, lives_on=False):
        says = says if isinstance(says, bytes) else b"".join(json.dumps(line).encode() + b"\n" for line in says)
        request = {"says": says.hex(), "lives_on": lives_on}
        programs.append(Program([sys.executable, "-I", "-c", SAYS], "headless.nothing", request, tmp_path, None))
        until = time.monotonic() + 30
        while True:
            report = blender.heard(programs[-1])
            if report.done is not None or report.error or (lives_on and report.message):
                return report
            assert time.monotonic() < until, "it has said nothing"
            time.sleep(0.01)

    yield last_word
    for program in programs:
        program.stop()


@pytest.mark.parametrize("named", ["/etc/passwd", "", None, ["a.png"], "../a.png"])
def test_what_a_program_names_instead_of_the_picture_is_not_sent(tmp_path, named):
    file = tmp_path / "picture.png"
    file.write_bytes(base64.b64decode(PNG))
    says = json.dumps({"done": {"file": named}})
    program = f"import json, sys; open(json.load(open(sys.argv[2]))['report'], 'w').write({says!r} + chr(10))"
    with pytest.raises(BlenderError, match="is not understood"):
        picture.fit(
            file,
            tmp_path / "fitted",
            lambda: [sys.executable, "-IS", "-c", program],
            called="picture.png",
            limit_px=4096,
            may_be_flat=False,
            sleep=time.sleep,
        )


@pytest.mark.parametrize("named", ["/etc/passwd", "", None, ["a.png"], "../a.png"])
def test_what_a_program_names_instead_of_the_square_is_not_sent(tmp_path, named):
    file = tmp_path / "picture.png"
    file.write_bytes(base64.b64decode(PNG))
    says = json.dumps({"done": {"file": named}})
    program = f"import json, sys; open(json.load(open(sys.argv[2]))['report'], 'w').write({says!r} + chr(10))"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(BlenderError, match="is not understood"):
        picture.framed(
            file,
            scratch / "framed",
            lambda: [sys.executable, "-IS", "-c", program],
            called="picture.png",
            background="white",
            size_px=64,
            sleep=time.sleep,
        )


HOSTILE = "\x1b[31mMesh\x1b[0m \ud83d\u202e one\0\u2028two"


def test_the_texts_of_a_report_are_fit_to_be_shown(last_word):
    assert last_word([{"progress": 0.5, "message": HOSTILE}], lives_on=True).message == "Mesh one two"
    assert last_word([{"progress": 0.5, "message": HOSTILE}, {"error": f"{HOSTILE}."}]).error == "Mesh one two."
    done = last_word([{"done": {"note": HOSTILE * 1000, "faces": 7}}]).done
    assert done["note"].startswith("Mesh one two") and len(done["note"]) <= 1000 and done["faces"] == 7
    assert last_word([{"done": {}}]).done == {"note": ""}


@pytest.mark.parametrize(
    "says",
    [
        b"no JSON\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"9" * 5000 + b"\n",
        *([line] for line in (None, 7, "done", [], ["done"], {}, {"progress": 0.5}, {"message": "a"})),
        *([{"progress": share, "message": "a"}] for share in (None, "much", [], float("nan"), 7, -1, 10**400)),
        *([{"progress": 0.5, "message": text}] for text in (None, 7, ["a"], {"a": "b"})),
        *([{"error": text}] for text in (None, 7, ["a"], "", "\u200b")),
        *([{"done": facts}] for facts in (None, 7, "a", ["a"], {"note": None}, {"note": ["a"]})),
    ],
    ids=lambda says: ascii(says)[:40],
)
def test_a_report_that_is_none_is_one_clear_error(last_word, says):
    assert last_word(says, lives_on=True).error == NOT_UNDERSTOOD


INSTEAD = {
    "a pipe": "os.mkfifo(path)",
    "a link to what never ends": "os.symlink('/dev/zero', path)",
    "a link to a report": "open(path + 'l', 'w').write(chr(10)); os.symlink(path + 'l', path)",
    "a folder": "os.mkdir(path)",
    "more than is ever said": "open(path + 'p', 'w').write(LINE * 600_000); os.rename(path + 'p', path)",
}
LINE = '{"progress": 0.5, "message": "At it"}' + "\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("what", INSTEAD)
def test_what_stands_in_the_place_of_a_report_is_never_read(tmp_path, what):
    code = "import json, os, sys, time; path = json.load(open(sys.argv[2]))['report']; "
    code += f"LINE = {LINE!r}; {INSTEAD[what]}; time.sleep(600)"
    program = Program([sys.executable, "-IS", "-c", code], "headless.nothing", {}, tmp_path, None)
    until = time.monotonic() + 30
    while not (error := program.poll().error):
        assert time.monotonic() < until, "it was heard"
        time.sleep(0.01)
    assert error == NOT_UNDERSTOOD and program.has_ended
