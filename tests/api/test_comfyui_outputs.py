# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file a finished run at ComfyUI made: what its versions and extensions say, and what none may say."""

import pytest

from image_to_3d.api.services.comfyui.outputs import Output, find


def entry(**outputs):
    return {"outputs": outputs, "status": {"status_str": "success", "completed": True}}


def named(filename, subfolder="image_to_3d", type="output"):
    return {"filename": filename, "subfolder": subfolder, "type": type}


FOX = Output("fox_00001_.glb", "image_to_3d", "output")


@pytest.mark.parametrize(
    "said",
    [
        {"3d": [named("fox_00001_.glb")]},
        {"result": ["image_to_3d/fox_00001_.glb", None, []]},  # Save3DAdvanced, 0.33.0
        {"result": ["image_to_3d/fox_00001_.glb", None], "3d": [named("fox_00001_.glb")]},
        {"text": ["image_to_3d\\fox_00001_.glb"]},  # an exporter on Windows, through PreviewAny
        {"text": ["image_to_3d/fox_00001_.glb [output]"]},
        {"text": "image_to_3d/fox_00001_.glb\n"},
        {"text": ["C:\\ComfyUI\\output\\image_to_3d\\fox_00001_.glb"]},
        {"text": ["/home/me/output/ComfyUI/output/image_to_3d/fox_00001_.glb"]},
        {"three_model": [named("fox_00001_.glb", "image_to_3d\\")["filename"], named("fox_00001_.glb")]},
        {"result": [named("image_to_3d/fox_00001_.glb", "")]},
        {"files": [named("fox_00001_.glb"), named("preview.png")], "images": [named("x.png")]},
    ],
)
def test_a_model_is_found_however_a_node_names_it(said):
    assert find(entry(**{"4": said})) == FOX


@pytest.mark.parametrize(
    "said, output",
    [
        (["preview3d_advanced_0a.glb", None, []], Output("preview3d_advanced_0a.glb", "", "temp")),
        (["preview3d_advanced_0a.glb [temp]"], Output("preview3d_advanced_0a.glb", "", "temp")),
        (["preview3d_0a.glb", None, None], Output("preview3d_0a.glb", "", "output")),
        (["/srv/comfy/temp/a.glb"], Output("a.glb", "", "temp")),
        (["D:\\results\\a.glb"], Output("a.glb", "", "output")),
        (["\\\\server\\share\\a.glb"], Output("a.glb", "", "output")),
        (["3D/Füchse (2).glb"], Output("Füchse (2).glb", "3D", "output")),
    ],
)
def test_a_path_says_where_the_file_lies(said, output):
    assert find(entry(**{"7": {"result": said}})) == output


def test_the_saver_that_was_chosen_goes_before_all_others():
    both = entry(a={"3d": [named("a.glb")]}, b={"3d": [named("b.glb")]})
    assert find(both, "a").filename == "a.glb"
    assert find(both, "b").filename == "b.glb"
    assert find(both).filename == "b.glb"  # made last
    assert find(both, "c").filename == "b.glb"
    assert find(entry(a={"result": ["a.ply [temp]"]}, b={"3d": [named("b.glb")]}), "a").filename == "a.ply"


def test_a_saved_glb_goes_before_previews_and_other_files():
    saved = {"3d": [named("saved.glb")]}
    assert find(entry(a=saved, b={"result": ["preview3d_advanced_1.glb"]})).filename == "saved.glb"
    assert find(entry(a=saved, b={"result": ["preview3d_1.glb"]})).filename == "saved.glb"
    assert find(entry(a=saved, b={"3d": [named("b.obj")]})).filename == "saved.glb"
    assert find(entry(a={"result": ["saved.glb"]}, b={"3d": [named("b.glb", type="temp")]})).filename == "saved.glb"
    assert find(entry(a={"3d": [named("one.glb"), named("two.glb")]})).filename == "one.glb"  # of a batch


@pytest.mark.parametrize(
    "item",
    [
        named("../../etc/fox.glb"),
        named("fox.glb", ".."),
        named("fox.glb", "a/../../b"),
        named("fox.glb", "/etc"),
        named("fox.glb", "C:\\Windows"),
        named("/etc/fox.glb"),
        named("..\\fox.glb"),
        named("fox.glb", "a//b"),
        named("fox.glb", type="input"),
        named("fox.glb", type=["output"]),
        named("fox.glb", 5),
        named(None),
        named(".glb"),
        named("fox.glb\r\nX: y.glb"),
        named("\ud800.glb"),
        named("a" * 2000 + ".glb"),
        named("fox.png"),
        {},
        None,
        5,
        [["fox.glb"]],
    ],
    ids=str,
)
def test_what_leads_elsewhere_or_is_no_model_is_nothing(item):
    assert find(entry(**{"4": {"3d": [item]}})) is None
    assert find(entry(**{"4": {"3d": item}})) is None


@pytest.mark.parametrize(
    "text",
    [
        "../fox.glb",
        "3D\\..\\..\\fox.glb",
        "/output/../fox.glb",
        "a [input].glb [input]",
        "fox",
        "",
        "x" * 5000 + ".glb",
        5,
        None,
    ],
)
def test_a_text_that_leads_elsewhere_or_names_no_model_is_nothing(text):
    assert find(entry(**{"4": {"result": [text, None], "text": text}})) is None


def test_a_text_counts_only_where_nodes_name_files():
    assert find(entry(**{"4": {"note": ["fox.glb"]}})) is None


@pytest.mark.parametrize(
    "said", [{}, {"outputs": None}, {"outputs": []}, {"outputs": {"4": None}}, {"outputs": {"4": ["3d"]}}]
)
def test_an_odd_entry_has_no_model(said):
    assert find(said) is None
    assert find(said, "4") is None
