# SPDX-License-Identifier: GPL-3.0-or-later
"""The api as a script uses it: paths and strings, short sentences, defaults, a price, a target, and the types from
outside."""

import dataclasses
import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from service.cube import cube_glb

import image_to_3d
from image_to_3d import api
from image_to_3d.api import errors, glb
from image_to_3d.api.parameters import File, check
from image_to_3d.api.services import SERVICES

PICTURE = {"image_url": "https://example.org/fox.png"}
NAMES = list(SERVICES)

SHORT = 600  # characters; the names of all of Meshy's parameters are 430


@pytest.fixture
def at_home(monkeypatch, tmp_path):
    """`~` is an empty folder."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture
def finished(meshy):
    return api.wait(meshy, meshy.create(PICTURE).id)


# Paths and strings


@pytest.mark.parametrize("spelled", [str, Path], ids=["str", "Path"])
def test_a_picture_may_be_a_string_or_a_path(meshy, server, star, spelled):
    meshy.create({"image_url": spelled(star)})
    assert server.creates[0].parameters["image_url"].size == star.stat().st_size


@pytest.mark.parametrize("spelled", ["~/fox.png", Path("~/fox.png")], ids=["str", "Path"])
def test_the_user_s_own_folder_may_be_written_short(at_home, meshy, server, star, finished, spelled):
    (at_home / "fox.png").write_bytes(star.read_bytes())
    meshy.create({"image_url": spelled})
    assert api.check_target(spelled) == at_home / "fox.png"
    api.save(meshy, finished, spelled)
    glb.check(at_home / "fox.png")
    certificates = dataclasses.replace(api.Network(online=True), ca_file=Path("~/none.pem"))
    with pytest.raises(errors.CertificateError) as failure:
        api.connect("meshy", key="k", url="https://127.0.0.1:9", network=certificates).check_key()
    assert str(at_home / "none.pem") in str(failure.value)


@pytest.mark.parametrize("table", [SERVICES[name].parameters for name in NAMES], ids=NAMES)
def test_every_file_of_a_table_may_be_a_path(table):
    for entry in table:
        if isinstance(entry, File):
            assert entry.check(Path("a") / "b.png") == os.path.join("a", "b.png")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spelled", [str, Path], ids=["str", "Path"])
def test_a_folder_may_be_a_string_or_a_path_and_has_to_be_there(tmp_path, name, spelled, is_sentence):
    options = {} if name == "local" else {"key": "some-key", "url": "http://127.0.0.1:9"}
    api.connect(name, folder=spelled(tmp_path), blender=["true"], **options)
    with pytest.raises(errors.ParameterError, match=r"There is no folder .*none.*: make it first") as failure:
        api.connect(name, folder=spelled(tmp_path / "none"), blender=["true"], **options)
    assert is_sentence(str(failure.value)) and not (tmp_path / "none").exists()


# Sentences


HUGE = [
    "data:image/png;base64," + "A" * 10_000_000,
    b"\x89PNG" * 2_000_000,
    ["A" * 10_000_000] * 3,
    {"A" * 10_000_000: "B" * 10_000_000},
    10**100_000,
    list(range(1_000_000)),
]


@pytest.mark.parametrize("value", HUGE, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", NAMES)
def test_no_value_is_echoed_at_length(name, value, is_sentence):
    table, said = SERVICES[name].parameters, []
    for entry in table:
        try:
            check(table, {"image_url": "a.png", entry.name: value})
        except errors.ParameterError as error:
            said.append(str(error))
    assert len(said) > len(table) // 2  # a text may be a picture, and a number a length
    assert all(len(text) < SHORT and is_sentence(text) for text in said), max(said, key=len)[:1000]


def test_no_name_is_echoed_at_length(meshy, is_sentence):
    for values in ({"A" * 10_000_000: 1}, {b"A" * 10_000_000: 1}, {10**100_000: 1}, "A" * 10_000_000):
        with pytest.raises(errors.ParameterError) as failure:
            meshy.create(values)
        assert len(str(failure.value)) < SHORT and is_sentence(str(failure.value))


def test_a_huge_picture_is_no_part_of_what_is_said_of_it(meshy, server):
    for picture in ("data:image/png;base64," + "A" * 10_000_001, "A" * 10_000_000, Path("A" * 10_000)):
        with pytest.raises(errors.PictureError) as failure:
            meshy.create({"image_url": picture})
        assert len(str(failure.value)) < 2 * SHORT
    assert not server.requests


def test_what_is_no_mapping_is_refused_with_an_example(meshy, is_sentence):
    for wrong in ("fox.png", None, [("image_url", "fox.png")]):
        with pytest.raises(errors.ParameterError, match=r'as \{"image_url": "fox.png"\}') as failure:
            meshy.create(wrong)
        assert is_sentence(str(failure.value))


@pytest.mark.parametrize("service", ["Meshy", "", None, ["meshy"], "A" * 1_000_000])
def test_a_service_that_is_none_is_refused_with_the_known_ones(service):
    for ask in (api.connect, api.cost):
        with pytest.raises(errors.ParameterError, match="use one of local, comfyui, meshy, csm") as failure:
            ask(service)
        assert len(str(failure.value)) < SHORT


@pytest.mark.parametrize(("name", "variable"), [("meshy", "MESHY_API_KEY"), ("csm", "CSM_API_KEY")])
@pytest.mark.parametrize("key", [None, "", " ", {}])
def test_a_missing_key_names_the_variable_and_the_option(name, variable, key):
    with pytest.raises(errors.NoKeyError, match=rf'set {variable}, or connect with key="\.\.\."') as failure:
        api.connect(name, **({"key": key} if key != {} else {}))
    assert "preferences" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "option"), [("meshy", "kee"), ("local", "key"), ("csm", "for_script"), ("csm", "name")]
)
def test_an_option_that_a_service_does_not_have_is_named_with_those_that_it_has(name, option):
    with pytest.raises(TypeError, match=rf"connect\('{name}'\) has no option '{option}': use .*network"):
        api.connect(name, **{option: "x"})


def test_a_network_that_is_none_is_refused():
    with pytest.raises(TypeError, match="Network"):
        api.connect("meshy", key="some-key", network={"online": False})


def test_a_network_does_not_show_its_proxy_s_password():
    assert "secret" not in repr(api.Network(proxy="http://me:secret@proxy:3128"))


# The price


@pytest.mark.parametrize(
    ("parameters", "credits"),
    [
        (None, 30),
        ({}, 30),
        ({"should_texture": False}, 20),
        ({"ai_model": "meshy-6-lite", "image_url": Path("fox.png")}, 15),
        ({"back_image_url": "behind.png"}, 30),
        ({"ai_model": "meshy-99"}, None),
    ],
    ids=str,
)
def test_the_price_of_plain_parameters_is_known_without_a_key(parameters, credits):
    assert api.cost("meshy", parameters) == credits
    assert SERVICES["meshy"].cost(parameters or {}) == credits


def test_what_costs_nothing_costs_nothing_and_what_nobody_knows_is_none(connect, server):
    assert (api.cost("local"), api.cost("comfyui"), api.cost("csm")) == (0, 0, None)
    assert api.cost(connect(server, "meshy"), {"should_texture": False}) == 20
    assert not server.requests


@pytest.mark.parametrize("wrong", [{"should_textur": False}, {"should_texture": "no"}, "fox.png", ["x"]], ids=str)
def test_a_price_is_only_told_of_what_can_be_asked_for(wrong, is_sentence):
    with pytest.raises(errors.ParameterError) as failure:
        api.cost("meshy", wrong)
    assert is_sentence(str(failure.value))


# Saving


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_model_can_be_saved_again_and_over_another_file(meshy, finished, cube, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "fox.glb").write_text("an older one")
    for name in ("fox.glb", "fox.glb", "again.glb"):
        api.save(meshy, finished, str(folder / name))
        assert (folder / name).read_bytes() == cube.read_bytes()
    assert names(folder) == ["again.glb", "fox.glb"]


def test_what_an_interrupted_call_has_left_is_never_taken_for_another_task_s(meshy, finished, cube, tmp_path):
    other = cube_glb()
    (tmp_path / "fox.glb.unchecked").write_bytes(other)
    (tmp_path / "fox.glb.task").write_text("another task")
    api.save(meshy, finished, tmp_path / "fox.glb")
    assert (tmp_path / "fox.glb").read_bytes() == cube.read_bytes()
    assert (tmp_path / "fox-kept-1.glb").read_bytes() == other  # it was paid for, too
    assert names(tmp_path) == ["fox-kept-1.glb", "fox.glb"]


def test_the_progress_of_saving_never_goes_back(meshy, server, finished, tmp_path):
    server.play("download", "cut", bytes=200_000)
    seen = []
    api.save(meshy, finished, tmp_path / "fox.glb", seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "The path of the model cannot be ''"),
        (None, "The path of the model cannot be None"),
        (".", "is a folder: name the file as well"),
        ("none/fox.glb", "There is no folder .*none: make it first"),
        ("file/fox.glb", "There is no folder .*file: make it first"),
        ("a" * 300 + ".glb", "No model can be saved at"),
        ("a" * 240 + ".glb", "No model can be saved at"),
        ("a\0b.glb", "The path of the model cannot be"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_target_that_takes_no_model_is_told_before_anything_is_paid(
    monkeypatch, tmp_path, server, finished, is_sentence, target, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises((errors.TargetError, errors.ParameterError), match=words) as failure:
        api.check_target(target)
    assert is_sentence(str(failure.value)) and names(tmp_path) == ["file"]


def test_a_target_that_cannot_be_is_refused_before_anything_is_fetched(meshy, server, finished, tmp_path):
    server.requests.clear()
    for target in (tmp_path, tmp_path / "none" / "fox.glb"):
        with pytest.raises(errors.TargetError):
            api.save(meshy, finished, target)
    assert not server.requests and not names(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such modes")
def test_a_protected_file_or_folder_is_told(tmp_path):
    script = (
        "import os, sys; from image_to_3d import api; import image_to_3d.api.target\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may write anywhere
        "for name in sys.argv[1:]:\n"
        "    try: api.check_target(name)\n"
        "    except api.errors.TargetError as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as folder:  # where another user gets to; the one of the test is private
        mine, closed = Path(folder, "fox.glb"), Path(folder, "closed")
        mine.write_text("mine")
        mine.chmod(0o444)
        closed.mkdir(0o555)
        os.chmod(folder, 0o755)
        said = plain(script, mine, closed / "fox.glb")
    assert "fox.glb is protected against writing" in said
    assert "fox.glb (Permission denied): use another folder or name." in said


def plain(script, *arguments):
    """What a script prints in a Python of its own."""
    environment = os.environ | {"PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent)}
    command = [sys.executable, "-P", "-c", script, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout


def test_a_good_target_is_given_back_and_nothing_is_left(tmp_path):
    assert api.check_target(str(tmp_path / "fox.glb")) == tmp_path / "fox.glb"
    (tmp_path / "fox.glb").write_text("an older one")
    (tmp_path / "fox.glb.unchecked.part-tag").write_text("of an earlier call")
    assert api.check_target(tmp_path / "fox.glb") == tmp_path / "fox.glb"
    assert (tmp_path / "fox.glb").read_text() == "an older one"
    assert (tmp_path / "fox.glb.unchecked.part-tag").read_text() == "of an earlier call"


# Waiting


def test_the_progress_of_a_task_never_goes_back_and_is_told_where_it_changes():
    class Restless:
        about, pace_s = SERVICES["meshy"], (0.0, 0.0)
        shares = iter([0.1, 0.5, 0.5, 0.2, 0.0, 0.6])

        def listen(self, task_id, wait):
            share = next(self.shares, None)
            result = None if share else api.Result("https://example.org/fox.glb")
            status = api.Status.RUNNING if share is not None else api.Status.SUCCEEDED
            yield api.Task(task_id, status, 1.0 if share is None else share, result=result)

    seen = []
    task = api.wait(Restless(), "T", on_progress=lambda task: seen.append(task.progress), sleep=lambda seconds: None)
    assert task.has_ended and seen[-1] == 1.0 and seen == sorted(seen)
    assert seen.count(0.1) == 1


def test_a_task_may_be_waited_for_by_itself(meshy):
    assert api.wait(meshy, meshy.create(PICTURE)).result


# Local with nothing said


def test_local_needs_nothing_but_a_blender_and_leaves_nothing(monkeypatch, star, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    service = api.connect("local")
    task = api.wait(service, service.create({"image_url": star, "resolution": "low_poly", "texture_model": "none"}))
    for name in ("one.glb", "one.glb", "two.glb"):
        api.save(service, task, tmp_path / name)
    glb.check(tmp_path / "two.glb")
    assert len(names(scratch)) == 1
    del service
    gc.collect()
    assert not names(scratch) and (tmp_path / "one.glb").read_bytes() == (tmp_path / "two.glb").read_bytes()


def test_local_in_a_script_leaves_nothing_even_where_that_is_interrupted(stand_in, star, tmp_path):
    script = (
        "import sys, tempfile; from image_to_3d import api\n"
        "tempfile.tempdir = sys.argv[1]\n"
        "service = api.connect('local', blender=[sys.argv[2]])\n"
        "service.create({'image_url': sys.argv[3]})\n"
        "raise KeyboardInterrupt\n"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.raises(subprocess.CalledProcessError):
        plain(script, scratch, stand_in, star)
    assert not names(scratch)


def test_local_without_a_blender_says_what_to_do(tmp_path, is_sentence):
    script = (
        "from image_to_3d import api\n"
        "try: api.connect('local')\n"
        "except api.errors.BlenderError as error: print(error)\n"
    )
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent)}
    command = [sys.executable, "-PS", "-c", script]  # without the packages of this Python, bpy among them
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "No Blender was found" in said and "blender=" in said and is_sentence(said.strip())


# What a console and an editor see


def test_a_console_offers_what_is_public():
    assert set(api.__all__) <= set(dir(api)) and "ServiceName" in dir(api)
