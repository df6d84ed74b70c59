# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that cuts a figure out: what it takes from a background Blender that has opened a stranger's picture, and
that it ends with the one who started it."""

import os
import shlex
import sys
import time

import numpy as np
import pytest
from drawing import png, star_png

from image_to_3d.jobs import cutting
from image_to_3d.programs.program import NOT_UNDERSTOOD

MOVING_GIF = bytes.fromhex(  # 2 x 2, two frames: red, nothing / nothing, red
    "474946383961 0200020080 0000 ff0000 000000" + " 21f904010a000100 2c000000000200020000 0203440205 00" * 2 + " 3b"
)

DEADLINE_S = 30  # against a hang; nothing is measured with it
PYTHON = [sys.executable, "-I"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for Blender is a script with a first line")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "Red Star.png"
    path.write_bytes(star_png(16))
    return path


@pytest.fixture
def config(tmp_path, picture):
    """Makes what the process needs to know; its Blender runs `code`, which has `request` and `say`."""

    def config(code="", **changes):
        blender, script = tmp_path / "blender", tmp_path / "blender.py"
        # A first line that names an interpreter takes no path with a space in it.
        blender.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(str(script))} "$@"\n')
        script.write_text(
            "import json, os, sys, time\n"
            "request = json.load(open(sys.argv[-1]))\n"
            "def say(**line):\n    open(request['report'], 'a').write(json.dumps(line) + chr(10))\n" + code
        )
        blender.chmod(0o700)
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        return {
            "source": str(picture),
            "called": picture.name,
            "how": "auto",
            "folder": str(folder),
            "blender": str(blender),
            "bounds": {"memory_bytes": 3 << 30, "seconds": 20.0},
            "network": {"proxy": "", "ca_file": "", "online": False},
            **changes,
        }

    return config


def asked(config):
    process = cutting.start(python=PYTHON, config=config)
    until = time.monotonic() + DEADLINE_S
    while (found := cutting.answer(process)) is None:
        assert time.monotonic() < until, "no answer"
        time.sleep(0.01)
    return found


def making(content, shape_from="background"):
    """What a Blender does that writes these bytes as its picture."""
    return f"open(request['output'], 'wb').write({content!r})\nsay(done={{'shape_from': {shape_from!r}}})\n"


def test_what_a_good_blender_has_made_is_told(config, tmp_path):
    assert asked(config(making(star_png(8)))) == {"ok": True, "shape_from": "background"}
    made = tmp_path / "work" / cutting.CUT_OUT_FILE
    assert made.read_bytes() == star_png(8) and made.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "code",
    [
        "say(done={'shape_from': 'background'})",  # and no picture
        making(b"GIF89a, or so"),
        making(star_png(8), "somewhere else"),
        making(star_png(8), None),
        making(png(np.zeros((1, 5000, 4), np.uint8))),
        "os.symlink('/etc/passwd', request['output'])\nsay(done={'shape_from': 'alpha'})",
        "say(done='all')",
    ],
    ids=["nothing", "no PNG", "another origin", "no origin", "too large", "a link", "no facts"],
)
def test_what_is_no_small_picture_of_our_own_is_not_taken(config, code):
    assert asked(config(code)) == {"ok": False, "sentence": NOT_UNDERSTOOD}


def test_what_blender_says_is_wrong_is_told_in_its_words(config):
    assert asked(config("say(error='The picture is empty: choose another.')"))["sentence"].startswith("The picture is")


def test_a_blender_that_takes_too_long_is_ended_and_the_picture_is_said_to_be_the_reason(config):
    slow = config("time.sleep(600)", bounds={"memory_bytes": 3 << 30, "seconds": 0.5})
    assert "The picture needs longer than" in asked(slow)["sentence"]


def test_a_picture_that_is_not_there_or_damaged_never_reaches_blender(config, picture, tmp_path):
    code = f"open({str(tmp_path / 'reached')!r}, 'w')"
    assert "There is no picture at" in asked(config(code, source=str(tmp_path / "Gone.png")))["sentence"]
    picture.write_bytes(star_png(16)[:-9])
    assert asked(config(code))["sentence"].startswith("Red Star.png is cut off or damaged")
    assert "online access" in asked(config(code, source="https://example.org/a.png"))["sentence"].lower()
    assert not (tmp_path / "reached").exists()


def test_the_first_frame_of_an_animation_is_cut_out_and_that_is_said(config, picture):
    picture.write_bytes(MOVING_GIF)
    code = "assert open(request['picture'], 'rb').read(4) == b'\\x89PNG'\n"
    code += f"open(request['output'], 'wb').write({star_png(8)!r})\n"
    code += "say(done={'shape_from': 'background', 'note': request['called'] + ' is said\\nin one line.'})"
    assert asked(config(code)) == {
        "ok": True,
        "shape_from": "background",
        "note": "Red Star.png is an animation: its first frame was taken. Red Star.png is said in one line.",
    }


def test_it_ends_with_the_one_who_started_it_and_so_does_its_blender(config, tmp_path):
    note = tmp_path / "pid"
    process = cutting.start(
        python=PYTHON,
        config=config(f"os.symlink(str(os.getpid()), {str(note)!r})\ntime.sleep(600)"),
    )
    until = time.monotonic() + DEADLINE_S
    while not os.path.islink(note):
        assert time.monotonic() < until
        time.sleep(0.01)
    process.stdin.close()
    assert process.wait(DEADLINE_S) == 1
    process.stdout.close()
    while True:
        try:
            os.kill(int(os.readlink(note)), 0)
        except ProcessLookupError:
            break
        assert time.monotonic() < until, "Blender lives on"
        time.sleep(0.01)


def test_one_that_dies_is_a_clear_sentence(config):
    process = cutting.start(python=PYTHON, config=config("time.sleep(600)"))
    process.kill()
    process.wait(DEADLINE_S)
    assert cutting.answer(process) == {"ok": False, "sentence": cutting.STOPPED}
