# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow of the user's own for ComfyUI: which files are taken, which nodes are meant, and what is sent."""

import copy
import json
import os
import struct
import zlib

import pytest
import real_comfyui

from image_to_3d.api import errors
from image_to_3d.api.services.comfyui import graphs, workflow

PREFIX = "image_to_3d/job"
FRONT = {"front": "image_to_3d/fox.png"}


def node(class_type, title="", **inputs):
    made = {"inputs": inputs, "class_type": class_type}
    return {**made, "_meta": {"title": title}} if title else made


PLAIN = {
    "12": node("LoadImage", "Load Image", image="old.png"),
    "3": node("Sculpt", image=["12", 0], seed=5),
    "4": node("VoxelToMesh", voxel=["3", 0], algorithm="surface net", threshold=0.6),
    "9": node("SaveGLB", mesh=["4", 0], filename_prefix="3d/ComfyUI"),
}
UI = {"nodes": [{"id": 1, "type": "LoadImage"}], "links": [], "version": 0.4}


def plus(graph=PLAIN, **nodes):
    return {**graph, **nodes}


def said(required=None, optional=None, output=(), names=(), output_node=False):
    """What a server says of a class."""
    return {
        "input": {"required": required or {}, "optional": optional or {}},
        "output": list(output),
        "output_name": list(names),
        "output_node": output_node,
    }


UPLOADED = {"image": [["a.png"], {"image_upload": True}]}
SEED = ["INT", {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True}]


@pytest.fixture
def read(tmp_path):
    """The workflow in a file with this content."""

    def read(content, name="workflow.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return workflow.read(path)

    return read


@pytest.fixture
def refused(read, is_sentence):
    """The sentence with which a file is refused."""

    def refused(content, name="workflow.json"):
        with pytest.raises(errors.ParameterError) as caught:
            read(content, name)
        assert is_sentence(str(caught.value))
        return str(caught.value)

    return refused


def sent(content, pictures=FRONT, info=None, seed=7, **chosen):
    """The graph that is sent for a workflow, and the node whose output is the model."""
    parameters = {"seed": seed, "picture_node": "", "model_node": "", **chosen}
    before = copy.deepcopy(content)
    made = workflow.Workflow(content).graph(parameters, pictures, PREFIX, info or {})
    assert content == before
    return made


def why_not(content, **options):
    with pytest.raises(errors.ParameterError) as caught:
        sent(content, **options)
    return str(caught.value)


# Files.


def png(*texts):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = b"".join(chunk(kind, data) for kind, data in texts)
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def glb(document):
    content = json.dumps(document).encode()
    content += b" " * (-len(content) % 4)
    return struct.pack("<4sII", b"glTF", 2, 20 + len(content)) + struct.pack("<I4s", len(content), b"JSON") + content


CARRIED = json.dumps(PLAIN).encode()


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        {"prompt": PLAIN, "client_id": "me"},
        b"\xef\xbb\xbf" + CARRIED,
        png((b"tEXt", b"prompt\0" + CARRIED)),
        png((b"tEXt", b"workflow\0" + json.dumps(UI).encode()), (b"iTXt", b"prompt\0\0\0\0\0" + CARRIED)),
        glb({"asset": {"version": "2.0", "extras": {"prompt": CARRIED.decode()}}}),
    ],
    ids=["exported", "as it is sent", "with a mark", "PNG", "PNG with both", "GLB"],
)
def test_every_file_that_carries_a_graph_is_taken(read, content):
    found = read(content)
    assert [str(node) for node in found.pictures()] == ["12 (Load Image)"]
    assert [node.id for node in found.savers()] == ["9"]
    assert found.classes >= {"LoadImage", "Sculpt", "VoxelToMesh", "SaveGLB"}
    assert found.views({}) == ("front",)


@pytest.mark.parametrize(
    "content",
    [UI, {**UI, "prompt": "none"}, png((b"tEXt", b"workflow\0" + json.dumps(UI).encode()))],
    ids=["JSON", "with more", "PNG"],
)
def test_a_file_for_the_editor_is_refused_with_how_to_get_the_other(refused, content):
    assert "is for ComfyUI's editor: open it there, choose File > Export (API)" in refused(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        [],
        {},
        5,
        {"a": 1, "b": "c"},
        {"prompt": "text"},
        png(),
        png((b"zTXt", b"prompt\0\0" + zlib.compress(CARRIED))),
        png((b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(CARRIED))),
        png((b"iTXt", b"prompt")),
        png((b"tEXt", b"prompt\0" + CARRIED))[:80],
        b"glTF",
        glb({"asset": {"version": "2.0"}}),
        glb({"asset": {"extras": {"prompt": "{"}}}),
        glb({"asset": {"extras": {"prompt": "\ud800"}}}),
        glb([]),
        struct.pack("<4sIII4s", b"glTF", 2, 2**31, 2**31, b"JSON") + b"{",
    ],
    ids=lambda content: str(content)[:30],
)
def test_a_file_without_a_workflow_is_refused(refused, content):
    assert refused(content) == (
        "The workflow file holds no workflow: use one that ComfyUI has exported with Export (API)."
    )


def test_a_node_may_be_called_like_what_is_sent_around_a_graph(read):
    ids = {"12": "prompt", "9": "nodes"}
    renamed = {ids.get(id, id): entry for id, entry in plus(**{"3": node("Sculpt", image=["prompt", 0])}).items()}
    own = read(renamed)
    assert [node.id for node in own.pictures()] == ["prompt"] and [node.id for node in own.savers()] == ["nodes"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever may do anything reads it")
def test_a_file_that_may_not_be_read_is_said(read, tmp_path, is_sentence):
    path = tmp_path / "mine.json"
    path.write_bytes(CARRIED)
    path.chmod(0)
    with pytest.raises(errors.ParameterError, match="mine.json may not be read: check the permissions") as caught:
        workflow.read(path)
    assert is_sentence(str(caught.value))


def test_a_file_that_is_too_large_is_refused(tmp_path, is_sentence):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(40 << 20)
    with pytest.raises(errors.ParameterError, match="more than 8 MB") as caught:
        workflow.read(path)
    assert is_sentence(str(caught.value))


def test_a_workflow_of_too_many_nodes_is_refused(refused):
    assert refused(dict.fromkeys(map(str, range(5001)), node("Step"))) == (
        "The workflow has 5,001 nodes, and at most 5,000 are taken: use a smaller one."
    )


def test_no_other_text_in_a_png_is_in_the_way(read):
    large = b"XML:com.adobe.xmp\0" + bytes(9 << 20)
    found = read(png((b"iTXt", large), (b"tEXt", b"k" * 100), (b"tEXt", b""), (b"tEXt", b"prompt\0" + CARRIED)))
    assert [node.id for node in found.savers()] == ["9"]


@pytest.mark.parametrize("keyword", [b"prompt", b"workflow"])
def test_a_text_in_a_png_that_is_too_large_is_refused(refused, keyword):
    assert "has more than 8 MB" in refused(png((b"tEXt", keyword + b"\0" + b" " * (9 << 20))))


@pytest.mark.timeout(20)
def test_a_png_of_endless_chunks_holds_no_workflow(tmp_path):
    path = tmp_path / "endless.png"
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(4 << 30)  # that takes no room on the disk
    with pytest.raises(errors.ParameterError, match="holds no workflow"):
        workflow.read(path)


def test_a_file_that_is_not_there_is_said(tmp_path, is_sentence):
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "nul\0.json"):
        with pytest.raises(errors.ParameterError, match="There is no workflow at .*: choose a file") as caught:
            workflow.read(path)
        assert is_sentence(str(caught.value))
    with pytest.raises(errors.ParameterError, match="There is no workflow file: choose one"):
        workflow.read(type(tmp_path)(""))


@pytest.mark.parametrize("broken", [{"inputs": {}}, {"class_type": 5}, {"class_type": ""}, "text", None])
def test_a_node_without_a_class_is_named(refused, broken):
    assert refused(plus(**{"77": broken})) == (
        "Node 77 of the workflow has no class: update ComfyUI, and export the workflow again."
    )


def test_what_an_earlier_run_left_in_a_node_is_not_sent(read):
    old = {id: {**entry, "is_changed": ["abc"], "extra": 1} for id, entry in PLAIN.items()}
    graph, _ = read(old).graph({"seed": 7, "picture_node": "", "model_node": ""}, FRONT, PREFIX, {})
    assert all(set(entry) <= {"class_type", "inputs", "_meta"} for entry in graph.values())
    assert graph["12"]["_meta"] == {"title": "Load Image"}


# Pictures.


def test_the_picture_the_seed_and_the_files_name_are_put_in():
    graph, saver = sent(PLAIN)
    assert saver == "9"
    assert graph["12"]["inputs"]["image"] == FRONT["front"]
    assert graph["3"]["inputs"]["seed"] == 7
    assert graph["9"]["inputs"]["filename_prefix"] == PREFIX
    assert graph["4"] == PLAIN["4"]


def test_only_what_the_model_comes_of_is_sent():
    more = plus(
        p=node("PreviewImage", images=["12", 0]),
        q=node("LoadImage", "Other", image="other.png"),
        r=node("SaveImage", images=["q", 0], filename_prefix="x"),
        s=node("Preview3D", model_file=["4", 0]),
    )
    graph, _ = sent(more)
    assert set(graph) == set(PLAIN)
    assert [node.id for node in workflow.Workflow(more).pictures()] == ["12"]
    assert "SaveImage" not in workflow.Workflow(more).classes


TWO = plus(
    **{"15": node("LoadImage", image="style.png"), "3": node("Sculpt", image=["12", 0], style=["15", 0], seed=5)}
)


def test_of_two_nodes_that_load_a_picture_one_has_to_be_chosen():
    assert why_not(TWO) == (
        "The workflow has 2 nodes that load a picture, 12 (Load Image) and 15 (LoadImage): choose one as Picture Node."
    )
    graph, _ = sent(TWO, picture_node="15")
    assert [graph[id]["inputs"]["image"] for id in ("12", "15")] == ["old.png", FRONT["front"]]


def test_with_the_node_that_was_chosen_go_those_that_loaded_the_same():
    three = plus(
        TWO,
        again=node("LoadImage", image="style.png"),
        m=node("LoadImageMask", image="old.png", channel="red"),
        n=node("LoadImageMask", image="style.png", channel="red"),
        **{"4": node("VoxelToMesh", voxel=["3", 0], a=["again", 0], m=["m", 0], n=["n", 0])},
    )
    graph, _ = sent(three, picture_node="15")
    assert {id for id, entry in graph.items() if entry["inputs"].get("image") == FRONT["front"]} == {"15", "again", "n"}


def test_a_node_that_loads_no_picture_cannot_be_chosen():
    assert why_not(TWO, picture_node="3") == (
        "The workflow has no node 3 that loads a picture: use 12 (Load Image) or 15 (LoadImage) as Picture Node."
    )
    assert why_not(PLAIN, picture_node="x\n" + "y" * 500).startswith("The workflow has no node x y")


def test_a_workflow_without_a_picture_is_refused():
    graph = {id: entry for id, entry in PLAIN.items() if id != "12"}
    graph["3"] = node("Sculpt", image=None, seed=5)
    assert why_not(graph) == (
        "The workflow has no node that loads a picture: begin it with Load Image in ComfyUI, and export it again."
    )


def test_the_same_picture_is_put_into_all_nodes_that_load_it():
    twice = plus(**{"15": node("LoadImage", image="old.png"), "3": node("Sculpt", image=["12", 0], again=["15", 0])})
    graph, _ = sent(twice)
    assert graph["12"]["inputs"]["image"] == graph["15"]["inputs"]["image"] == FRONT["front"]


def test_a_mask_is_made_of_the_same_picture():
    masked = plus(
        m=node("LoadImageMask", image="older.png", channel="red"),
        **{"3": node("Sculpt", image=["12", 0], mask=["m", 0], seed=5)},
    )
    graph, _ = sent(masked)
    assert graph["m"]["inputs"] == {"image": FRONT["front"], "channel": "alpha"}
    assert [node.id for node in workflow.Workflow(masked).pictures()] == ["12"]


def test_a_node_is_known_by_what_the_server_says_of_its_class():
    custom = plus(**{"12": node("PictureOfMine", photo="old.png", other="x")})
    assert "loads a picture" in why_not(custom)
    info = {
        "PictureOfMine": said({"other": ["STRING"], "photo": [["a.png"], {"image_upload": True}]}, output=["IMAGE"])
    }
    graph, _ = sent(custom, info=info)
    assert graph["12"]["inputs"] == {"photo": FRONT["front"], "other": "x"}
    assert [node.id for node in workflow.Workflow(custom).pictures(info)] == ["12"]


def test_a_picture_that_another_node_gives_is_left_alone():
    linked = plus(name=node("PrimitiveString", value="x.png"), **{"12": node("LoadImage", image=["name", 0])})
    assert "no node that loads a picture" in why_not(linked)


def test_a_node_that_loads_results_is_told_where_the_picture_lies():
    info = {"MyResults": said({"image": ["COMBO", {"image_upload": True, "image_folder": "output"}]}, output=["IMAGE"])}
    for class_type in ("LoadImageOutput", "MyResults"):
        graph, _ = sent(plus(**{"12": node(class_type, image="x.png [output]")}), info=info)
        assert graph["12"]["inputs"]["image"] == FRONT["front"] + " [input]"


def test_what_people_paint_in_comfyui_is_no_picture_to_begin_with():
    info = {name: said(UPLOADED, output=["IMAGE"]) for name in ("LoadImage", "Painter")}
    painted = plus(p=node("Painter", image="mask.png"), **{"3": node("Sculpt", image=["12", 0], mask=["p", 0])})
    assert [node.id for node in workflow.Workflow(painted).pictures(info)] == ["12"]


@pytest.mark.parametrize("class_type", ["ETN_LoadImageBase64", "LoadImagesFromFolder"])
def test_a_node_that_takes_no_name_of_a_picture_is_no_candidate(class_type):
    assert "no node that loads a picture" in why_not(plus(**{"12": node(class_type, image="x")}))


def test_masks_follow_the_picture_that_they_were_made_of():
    two = plus(
        back=node("LoadImage", "Back", image="b.png"),
        m=node("LoadImageMask", image="old.png", channel="red"),
        n=node("LoadImageMask", image="b.png", channel="alpha"),
        o=node("LoadImageMask", image="elsewhere.png", channel="red"),
        **{"3": node("Sculpt", image=["12", 0], other=["back", 0], a=["m", 0], b=["n", 0], c=["o", 0])},
    )
    graph, _ = sent(two, {"front": "f.png", "back": "k.png"})
    assert {id: graph[id]["inputs"]["image"] for id in "mno"} == {"m": "f.png", "n": "k.png", "o": "elsewhere.png"}


def test_a_mask_alone_is_a_picture():
    graph, _ = sent(plus(**{"12": node("LoadImageMask", image="x.png", channel="red")}))
    assert graph["12"]["inputs"] == {"image": FRONT["front"], "channel": "alpha"}


# Views.

SIDES = ("front", "left", "back", "right")
VIEWS = {
    **{f"{side}0": node("LoadImage", image="example.png") for side in SIDES},
    **{f"{side}1": node("CLIPVisionEncode", image=[f"{side}0", 0], crop="none") for side in SIDES},
    "cond": node("Hunyuan3Dv2ConditioningMultiView", **{side: [f"{side}1", 0] for side in SIDES}),
    "mesh": node("VoxelToMesh", voxel=["cond", 0]),
    "save": node("SaveGLB", mesh=["mesh", 0], filename_prefix="x"),
}


def test_views_are_known_by_the_inputs_that_they_lead_to():
    assert workflow.Workflow(VIEWS).views({}) == ("front", "back", "left", "right")
    pictures = {view: f"{view}.png" for view in graphs.ALL_SIDES}
    graph, _ = sent(VIEWS, pictures)
    # An object's own left is what Blender's right view shows.
    loaded = {side: graph[f"{side}0"]["inputs"]["image"] for side in SIDES}
    assert loaded == {"front": "front.png", "back": "back.png", "left": "right.png", "right": "left.png"}


def test_views_that_are_not_given_leave_the_workflow():
    graph, _ = sent(VIEWS, {"front": "f.png", "left": "l.png"})
    assert set(graph["cond"]["inputs"]) == {"front", "right"}
    assert set(graph) == {"front0", "front1", "right0", "right1", "cond", "mesh", "save"}


def test_views_that_a_node_cannot_do_without_are_asked_for():
    mine = {**VIEWS, "cond": node("MyViews", **{side: [f"{side}1", 0] for side in SIDES})}
    assert why_not(mine) == "The workflow needs a picture of the right side too: add one."
    link = ["CONDITIONING"]
    info = {"MyViews": said({"front": link, "left": link}, {"back": link, "right": link})}
    graph, _ = sent(mine, {"front": "f.png", "right": "r.png"}, info=info)
    assert set(graph["cond"]["inputs"]) == {"front", "left"}
    assert "needs a picture of the right side" in why_not(mine, info=info)


def test_a_view_whose_way_is_also_that_of_the_main_picture_is_asked_for():
    joined = plus(
        VIEWS,
        cond=node("Hunyuan3Dv2ConditioningMultiView", back=["both", 0]),
        both=node("Batch", a=["front0", 0], b=["back0", 0]),
        front0=node("LoadImage", image="f.png"),
    )
    del joined["front1"], joined["left0"], joined["left1"], joined["right0"], joined["right1"], joined["back1"]
    parameters = {"picture_node": "front0"}
    assert why_not(joined, **parameters) == "The workflow needs a picture of the back too: add one."
    graph, _ = sent(joined, {"front": "f.png", "back": "b.png"}, **parameters)
    assert {graph[id]["inputs"]["image"] for id in ("front0", "back0")} == {"f.png", "b.png"}


def test_views_are_known_by_titles_where_no_input_names_them():
    titled = plus(
        b=node("LoadImage", "Back view", image="b.png"),
        **{"3": node("Sculpt", image=["12", 0], image2=["b", 0], seed=5)},
    )
    assert workflow.Workflow(titled).views({}) == ("front", "back")
    graph, _ = sent(titled, {"front": "f.png", "back": "b2.png"})
    assert [graph[id]["inputs"]["image"] for id in ("12", "b")] == ["f.png", "b2.png"]
    assert why_not(titled) == "The workflow needs a picture of the back too: add one."


def test_sides_without_a_front_leave_open_which_picture_is_the_main_one():
    sides = {**VIEWS, "cond": node("Hunyuan3Dv2ConditioningMultiView", left=["left1", 0], back=["back1", 0])}
    sides["back0"] = node("LoadImage", image="other.png")
    assert "has 2 nodes that load a picture, left0 (LoadImage) and back0 (LoadImage): choose one" in why_not(sides)
    graph, _ = sent(sides, {"front": "f.png", "back": "b.png"}, picture_node="left0")
    assert (graph["left0"]["inputs"]["image"], graph["back0"]["inputs"]["image"]) == ("f.png", "b.png")


def test_a_view_that_the_workflow_does_not_take_is_refused():
    assert why_not(PLAIN, pictures={"front": "f.png", "left": "l.png"}) == (
        "The workflow takes no picture of the left side: leave that picture out."
    )


def test_one_sheet_of_all_views_is_one_picture():
    sheet = {id: entry for id, entry in VIEWS.items() if not id.endswith("0")}
    for side in SIDES:
        sheet[f"{side}1"] = node("ImageCropV2", image=["sheet", 0])
    sheet["sheet"] = node("LoadImage", image="sheet.png")
    assert workflow.Workflow(sheet).views({}) == ("front",)
    graph, _ = sent(sheet)
    assert graph["sheet"]["inputs"]["image"] == FRONT["front"] and len(graph["cond"]["inputs"]) == 4


def test_a_sheet_of_some_views_beside_a_picture_of_another_is_the_main_picture():
    mixed = plus(VIEWS, left1=node("ImageCropV2", image=["front0", 0]), right1=node("ImageCropV2", image=["front0", 0]))
    assert workflow.Workflow(mixed).views({}) == ("front", "back")
    graph, _ = sent(mixed, {"front": "sheet.png", "back": "b.png"})
    assert (graph["front0"]["inputs"]["image"], graph["back0"]["inputs"]["image"]) == ("sheet.png", "b.png")


# Models.


def test_of_two_nodes_that_save_the_model_one_has_to_be_chosen(is_sentence):
    two = plus(**{"20": node("Save3DAdvanced", "Textured", model_3d=["4", 0], filename_prefix="x", viewport_state="")})
    sentence = why_not(two)
    assert sentence == (
        "The workflow has 2 nodes that save a model, 9 (SaveGLB) and 20 (Textured): choose one as Model Node."
    )
    assert is_sentence(sentence)
    graph, saver = sent(two, model_node="20")
    assert saver == "20" and "9" not in graph and graph["20"]["inputs"]["filename_prefix"] == PREFIX
    assert why_not(two, model_node="4711") == (
        "The workflow has no node 4711 that saves a model: use 9 (SaveGLB) or 20 (Textured) as Model Node."
    )


def test_a_sentence_lists_a_few_nodes_only():
    many = plus(**{str(n): node("SaveGLB", mesh=["4", 0]) for n in range(100, 140)})
    assert "104 (SaveGLB) and 35 others: choose one" in why_not(many)


EXPORTING = {id: entry for id, entry in PLAIN.items() if id != "9"} | {
    "30": node("Hy3DExportMesh", trimesh=["4", 0], filename_prefix="3D/Hy3D", file_format="obj", save_file=True),
    "31": node("Preview3D", model_file=["30", 0]),
}


def test_an_exporter_that_only_returns_a_path_is_asked_for_it():
    graph, saver = sent(EXPORTING)
    assert graph[saver] == node("PreviewAny", source=["30", 0])
    assert graph["30"]["inputs"]["filename_prefix"] == PREFIX and graph["30"]["inputs"]["file_format"] == "glb"
    assert "31" not in graph
    assert "PreviewAny" in workflow.Workflow(EXPORTING).classes


def test_the_path_is_taken_from_the_output_that_says_most_exactly_where():
    info = {"Hy3DExportMesh": said(output=["INT", "STRING", "STRING"], names=["n", "glb_path", "relative_path"])}
    graph, saver = sent(EXPORTING, info=info)
    assert graph[saver]["inputs"]["source"] == ["30", 2]
    info = {"Hy3DExportMesh": said(output=[], names=[], output_node=True)}
    assert sent(EXPORTING, info=info)[1] == "30"  # it says so itself


def test_a_preview_is_the_model_where_nothing_saves_it():
    shown = {id: entry for id, entry in PLAIN.items() if id != "9"} | {
        "f": node("MeshToFile3D", mesh=["4", 0]),
        "p": node("Preview3D", model_file=["f", 0]),
        "q": node("Preview3D", model_file="an old one.glb"),
    }
    graph, saver = sent(shown)
    assert saver == "p" and "q" not in graph


def test_a_mesh_that_nothing_saves_is_saved():
    bare = {id: entry for id, entry in PLAIN.items() if id != "9"}
    graph, saver = sent(bare)
    assert graph[saver] == node("SaveGLB", mesh=["4", 0], filename_prefix=PREFIX)
    finer = plus(bare, d=node("DecimateMesh", mesh=["4", 0]))
    assert "DecimateMesh" in workflow.Workflow(finer).classes  # so that the server is asked about it
    info = {name: said(output=["MESH"]) for name in ("VoxelToMesh", "DecimateMesh")}
    graph, saver = sent(finer, info=info)
    assert graph[saver]["inputs"]["mesh"] == ["d", 0]


def test_a_mesh_is_the_last_where_no_other_mesh_is_made_of_it():
    ended = {id: entry for id, entry in PLAIN.items() if id != "9"} | {
        "look": node("LookAt", mesh=["4", 0]),
        "d": node("DecimateMesh", mesh=["4", 0], voxels=["d0", 1]),
        "d0": node("Other", voxel=["3", 0]),
        "look2": node("LookAt", mesh=["d", 0]),
    }
    kinds = {"VoxelToMesh": ["MESH"], "DecimateMesh": ["MESH"], "Other": ["MESH", "VOXEL"], "LookAt": ["IMAGE"]}
    info = {name: said(output=output) for name, output in kinds.items()}
    assert [node.id for node in workflow.Workflow(ended).savers(info)] == ["d", "d0"]
    assert "has 2 nodes that save a model, d (DecimateMesh) and d0 (Other): choose one" in why_not(ended, info=info)
    graph, saver = sent(ended, info=info, model_node="d")
    assert graph[saver]["inputs"]["mesh"] == ["d", 0]


def test_what_is_added_never_takes_the_place_of_a_node():
    bare = {id: entry for id, entry in PLAIN.items() if id != "9"}
    once, saver = sent(bare)
    again = plus(once, **{saver: node("Sculpt", image=["12", 0], seed=1), "4": node("VoxelToMesh", voxel=[saver, 0])})
    graph, other = sent(again)
    assert other != saver and graph[saver]["class_type"] == "Sculpt" and graph[other]["class_type"] == "SaveGLB"


@pytest.mark.parametrize(
    "end, sentence",
    [
        ({}, "The workflow saves no 3D model: end it with Save 3D Model (SaveGLB) in ComfyUI, and export it again."),
        ({"s": node("SaveImage", images=["12", 0])}, "The workflow saves no 3D model: end it with Save 3D Model"),
        ({"s": node("SaveGaussianSplat", splat=["3", 0])}, "The workflow makes points and no mesh: use one that ends"),
    ],
)
def test_a_workflow_that_makes_no_mesh_is_refused(end, sentence, is_sentence):
    said = why_not({"12": PLAIN["12"], "3": PLAIN["3"], **end})
    assert said.startswith(sentence) and is_sentence(said)


# Seeds.


def test_several_seeds_keep_their_distances():
    sampled = plus(
        a=node("KSampler", seed=2**63, latent=["3", 0]),
        n=node("RandomNoise", noise_seed=9),
        c=node("Custom", noise=["n", 0], latent=["a", 0], draw=6, seed=True, steps=20),
        **{"4": node("VoxelToMesh", voxel=["c", 0])},
    )
    info = {
        "Custom": said({"draw": ["INT", {"control_after_generate": True, "max": 8}]}),
        "KSampler": said({"seed": SEED}),
    }
    graph, _ = sent(sampled, info=info, seed=100)
    assert graph["3"]["inputs"]["seed"] == 100  # was 5
    assert graph["n"]["inputs"]["noise_seed"] == 104
    assert graph["a"]["inputs"]["seed"] == 2**63 + 95
    assert graph["c"]["inputs"]["draw"] in range(9)
    assert graph["c"]["inputs"]["seed"] is True and graph["c"]["inputs"]["steps"] == 20


def test_a_number_is_a_seed_only_where_it_leads_to_one():
    linked = plus(
        s=node("PrimitiveInt", value=1),
        t=node("PrimitiveInt", value=20),
        **{"3": node("Sculpt", image=["12", 0], seed=["s", 0], steps=["t", 0])},
    )
    info = {
        "PrimitiveInt": said({"value": ["INT", {"min": -(2**63), "max": 2**63, "control_after_generate": "fixed"}]})
    }
    for known in ({}, info):
        graph, _ = sent(linked, info=known)
        assert (graph["s"]["inputs"]["value"], graph["t"]["inputs"]["value"]) == (7, 20)


def test_one_number_that_two_samplers_share_is_set_once():
    shared = plus(
        s=node("PrimitiveInt", value=50),
        a=node("KSampler", seed=["s", 0], latent=["3", 0]),
        b=node("KSampler", seed=["s", 0], latent=["a", 0]),
        **{"4": node("VoxelToMesh", voxel=["b", 0])},
    )
    graph, _ = sent(shared)
    assert (graph["3"]["inputs"]["seed"], graph["s"]["inputs"]["value"]) == (7, 52)


@pytest.mark.parametrize(
    "odd", [None, 5, [], {"input": []}, {"input": {"required": {"image": 5}}, "output": "IMAGE", "output_name": 3}]
)
def test_odd_words_of_a_server_about_a_class_break_nothing(odd):
    info = dict.fromkeys(("Sculpt", "VoxelToMesh", "SaveGLB"), odd)
    assert sent(PLAIN, info=info)[0]["12"]["inputs"]["image"] == FRONT["front"]


@pytest.mark.parametrize(
    "inputs",
    [{"a": ["4", 0, 1]}, {"a": [4, 0]}, {"a": ["none", 0]}, {"a": ["3", True]}, {"a": ["3", "x"]}, {"a": ["3", 0]}],
)
def test_odd_links_break_nothing(inputs):
    graph, _ = sent(plus(x=node("Other"), **{"3": node("Sculpt", image=["12", 0], **inputs, b=["x", "0"])}))
    assert graph["3"]["inputs"] == {"image": ["12", 0], **inputs, "b": ["x", "0"]}
    assert "x" not in graph


def test_deep_values_are_sent_as_they_are(read):
    deep = json.loads("[" * 800 + "]" * 800)
    own = read(plus(**{"3": node("Sculpt", image=["12", 0], points=deep)}))
    graph, _ = own.graph({"seed": 7, "picture_node": "", "model_node": ""}, FRONT, PREFIX, {})
    assert json.dumps(graph["3"]["inputs"]["points"]) == json.dumps(deep)


@pytest.mark.timeout(20)
def test_a_workflow_with_as_many_pictures_as_steps_is_looked_through(read, is_sentence):
    pictures = {f"l{n}": node("LoadImage", image=f"{n}.png") for n in range(2400)}
    masks = {f"m{n}": node("LoadImageMask", image=f"{n}.png") for n in range(100)}
    first = {"0": node("Step", **{f"i{n}": [id, 0] for n, id in enumerate([*pictures, *masks])})}
    steps = {str(n): node("Step", front=["l7", 0], image=[str(n - 1), 0]) for n in range(1, 2400)}
    own = read({**pictures, **masks, **first, **steps, "end": node("SaveGLB", mesh=["2399", 0])})
    graph, _ = own.graph({"seed": 7, "picture_node": "", "model_node": ""}, FRONT, PREFIX, {})
    assert graph["l7"]["inputs"]["image"] == graph["m7"]["inputs"]["image"] == FRONT["front"]
    assert graph["l8"]["inputs"]["image"] == "8.png"


def test_a_long_chain_is_followed_to_its_end():
    chain = {"0": node("LoadImage", image="x.png")}
    for n in range(1, 20_000):
        chain[str(n)] = node("Step", image=[str(n - 1), 0])
    chain["end"] = node("SaveGLB", mesh=["19999", 0])
    graph, _ = sent(chain)
    assert len(graph) == 20_001 and graph["0"]["inputs"]["image"] == FRONT["front"]


# A real server.


@real_comfyui.wanted
@pytest.mark.parametrize(
    "content",
    [
        VIEWS
        | {
            "ckpt": node("ImageOnlyCheckpointLoader", ckpt_name="hunyuan3d-dit-v2-mv_fp16.safetensors"),
            **{
                f"{side}1": node("CLIPVisionEncode", clip_vision=["ckpt", 1], image=[f"{side}0", 0], crop="none")
                for side in SIDES
            },
            "latent": node("EmptyLatentHunyuan3Dv2", resolution=3072, batch_size=1),
            "noise": node("PrimitiveInt", value=1),
            "k": node(
                "KSampler",
                model=["ckpt", 0],
                positive=["cond", 0],
                negative=["cond", 1],
                latent_image=["latent", 0],
                seed=["noise", 0],
                steps=1,
                cfg=7.5,
                sampler_name="euler",
                scheduler="normal",
                denoise=1.0,
            ),
            "d": node("VAEDecodeHunyuan3D", samples=["k", 0], vae=["ckpt", 2], num_chunks=8000, octree_resolution=64),
            "mesh": node("VoxelToMesh", voxel=["d", 0], algorithm="surface net", threshold=0.6),
            "preview": node("PreviewImage", images=["front0", 0]),
        },
        {
            "1": node("LoadImage", image="none.png"),
            "2": node(
                "MoGeInference",
                moge_model=["3", 0],
                image=["1", 0],
                resolution_level=9,
                fov_x_degrees=0.0,
                batch_size=4,
                force_projection=True,
                apply_mask=True,
            ),
            "3": node("LoadMoGeModel", model_name="moge_2_vitl_normal_fp16.safetensors"),
            "4": node(
                "MoGePointMapToMesh",
                moge_geometry=["2", 0],
                batch_index=0,
                decimation=1,
                discontinuity_threshold=0.04,
                texture=True,
            ),
        },
    ],
    ids=["views", "a mesh that nothing saves"],
)
def test_a_real_comfyui_takes_what_is_made_of_a_workflow(content):
    own = workflow.Workflow(content)
    info = real_comfyui.info_of(own.classes)
    for views in {("front",), own.views(info)}:
        graph, saver = sent(content, dict.fromkeys(views, "example.png"), info=info, seed=2**31 - 1)
        assert info[graph[saver]["class_type"]]["output_node"]
        faults = real_comfyui.faults(graph)
        assert not [fault for fault in faults if ".safetensors" not in fault]
