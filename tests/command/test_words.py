# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of a command line stand for: pictures and parameters. No process is started."""

import os

import pytest
from once import once

from image_to_3d.api.errors import ParameterError
from image_to_3d.api.parameters import check, pictures
from image_to_3d.api.services import SERVICES
from image_to_3d.api.texts import parameter_named, text_of, value_of
from image_to_3d.command.arguments import UsageError, help_page, read
from image_to_3d.command.limits import jobs_at_once
from image_to_3d.command.pictures import find
from image_to_3d.command.shelf import Claim, Shelf, stems_of

pytestmark = once


def nothing():
    raise AssertionError("standard input was read")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of files that are called as pictures are, and is the working directory."""
    for name in ("a 10.png", "a 2.PNG", "b[1].jpg", "notes.txt", ".hidden.png", "deep/er/c.webp"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["."], ["a 2.PNG", "a 10.png", "b[1].jpg"]),
        (["*.png"], ["a 10.png"]),
        (["b[1].jpg"], ["b[1].jpg"]),
        (["a [0-9].PNG"], ["a 2.PNG"]),
        (["**/*"], ["a 2.PNG", "a 10.png", "b[1].jpg", "c.webp"]),
        (["deep/*"], ["c.webp"]),
        (["a 2.PNG", "./a 2.PNG"], ["a 2.PNG"]),
        (["'a 2.PNG'"], ["a 2.PNG"]),
    ],
)
def test_files_folders_and_patterns_stand_for_pictures(folder, words, names):
    found = find(words, nothing)
    assert [os.path.basename(source) for source in found.sources] == names
    assert all(os.path.isabs(source) for source in found.sources)
    assert not found.troubles


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("*.gif", "Nothing fits the pattern"),
        ("deep", "There is no picture in deep"),
        ("data:image/png;base64,aaaa", "save it as a file"),
        ("", "An empty word"),
        ("nul\0", "An empty word"),
    ],
)
def test_what_stands_for_no_picture_gets_a_sentence_and_the_others_go_on(folder, word, sentence):
    found = find([word, "a 2.PNG"], nothing)
    assert len(found.sources) == 1
    (trouble,) = found.troubles
    assert sentence in trouble


def test_a_list_has_a_picture_a_line_in_any_encoding_and_is_read_once(folder):
    text = "\ufeff# comment\r\n\r\n  a 2.PNG  \r\n*.jpg\r\nhttps://example.com/ü.png\r\n".encode()
    found = find(["-", "-"], lambda: text)
    assert [source.rpartition("/")[2] for source in found.sources] == ["a 2.PNG", "b[1].jpg", "%C3%BC.png"]
    assert find(["-"], lambda: b"\xff\xfe.png\n").sources
    assert "names no picture" in find(["-"], lambda: b"# nothing\n").troubles[0]


TEXTS = [
    (service.name, parameter)
    for service in SERVICES.values()
    for parameter in service.parameters
    if parameter.name != pictures(service.parameters)[0]
]


@pytest.mark.parametrize(("service", "parameter"), TEXTS, ids=lambda value: getattr(value, "name", value))
def test_each_parameter_is_read_from_the_text_that_tells_it(service, parameter):
    for value in (parameter.default, parameter.initial, *getattr(parameter, "options", ())):
        checked = parameter.check(value)
        assert parameter.check(value_of(parameter, text_of(parameter, checked))) == checked


def test_texts_are_read_as_people_write_them():
    local, meshy = SERVICES["local"].parameters, SERVICES["meshy"].parameters
    assert value_of(parameter_named(local, "scaled_bbox"), "1, auto 0.5") == [1.0, -1.0, 0.5]
    assert value_of(parameter_named(local, "preserve_aspect_ratio"), "Yes") is True
    assert value_of(parameter_named(local, "topology"), "QUADS") == "quads"
    for name, text in (("enable_pbr", "maybe"), ("target_polycount", "many"), ("ai_modle", "x"), ("topology", "quadd")):
        with pytest.raises(ParameterError, match=r"use|did you mean"):
            value_of(parameter_named(meshy, name), text)


def test_what_is_wanted_is_checked_before_anything_is_looked_at(tmp_path):
    wanted = read(
        ["a.png", "--output", str(tmp_path), "--set", "resolution=low_poly", "b.png", "--format", "glb,BLEND"]
    )
    assert wanted.images == ("a.png", "b.png")
    assert wanted.formats == ("glb", "blend")
    check(SERVICES["local"].parameters, {**wanted.values, "image_url": "a.png"})
    for words, sentence in (
        ([], "There is no picture"),
        (["a.png"], "There is no output folder"),
        (["a.png", "--output", __file__], "is a file"),
        (["a.png", "--output", "x", "--jobs", "0"], "use a whole number"),
        (["a.png", "--output", "x", "--format", "fbx"], "There is no format"),
        (["a.png", "--output", "x", "--set", "resolution"], "has no value"),
        (["a.png", "--output", "x", "--set", "image_url=b.png"], "name it as IMAGE"),
        (["a.png", "--output", "x", "--set", "back_image_url=nowhere.png"], "There is no file"),
        (["a.png", "--output", "x", "--set", "back=plain", "--set", "back=plain"], "is set twice"),
    ):
        with pytest.raises(UsageError, match=sentence):
            read(words)


def test_help_lists_the_parameters_with_their_defaults():
    page = help_page(["--service", "meshy", "--help"])
    assert all(parameter.name in page for parameter in SERVICES["meshy"].parameters[1:])
    assert "texture_model=none | baked | pbr [pbr]" in help_page(["-h"])


def test_names_of_files_fit_every_system_and_belong_to_one_picture(tmp_path):
    for name in ("con", "a" * 300, "ü" * 300, 'a<b>:"/\\|?*', "..", "end. "):
        for stem in stems_of(name, "/pictures/x.png", "0" * 64, 12):
            assert 0 < len(f"{stem}.blend.part".encode()) < 255
            assert not set(stem) & set('<>:"/\\|?*') and stem.casefold() != "con"
    shelf = Shelf(tmp_path)
    shelf.make()
    stems = stems_of("Star", "/left/Star.png", "1" * 64, 0)
    with shelf.locked():
        assert shelf.take(stems, Claim("/left/Star.png", "1" * 64), [".blend"]) == "Star"
        other = stems_of("star", "/right/star.png", "2" * 64, 0)
        assert shelf.take(other, Claim("/right/star.png", "2" * 64), [".blend"]) == "star (right)"
        moved = shelf.take(stems, Claim("/elsewhere/Star.png", "1" * 64), [".blend"])
        assert moved == "Star"


def test_no_more_jobs_run_at_once_than_the_machine_and_the_service_have_room_for():
    at_once, sentence = jobs_at_once("local", 1000, 5)
    assert 1 <= at_once <= (os.cpu_count() or 1) and "not 1000" in sentence
    assert jobs_at_once("local", 1, 5) == (1, "")
    assert jobs_at_once("meshy", 0, 5) == (5, "")
    at_once, sentence = jobs_at_once("meshy", 200, 5)
    assert at_once == 100 and "Meshy runs at most 100 tasks" in sentence
    assert jobs_at_once("csm", 30, 5) == (30, "")  # it tells of no limit
