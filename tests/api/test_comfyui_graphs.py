# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflows for ComfyUI that come with the extension: whole, and with what people chose in the right places."""

import subprocess
import sys

import pytest
import real_comfyui

from image_to_3d.api import parameters
from image_to_3d.api.services.comfyui import graphs
from image_to_3d.api.services.comfyui.table import PARAMETERS

RECIPES = [(workflow, recipe) for workflow, recipes in graphs.RECIPES.items() for recipe in recipes]
every_recipe = pytest.mark.parametrize("workflow, recipe", RECIPES, ids=[recipe.title for _, recipe in RECIPES])
TITLES = {recipe.title: (workflow, recipe) for workflow, recipe in RECIPES}


def built(title, views=("front",), info=None, **chosen):
    workflow, recipe = TITLES[title]
    values = parameters.check(PARAMETERS, {"image_url": "fox.png", "seed": 7, "workflow": workflow, **chosen})
    return recipe.graph(values, {view: f"image_to_3d/{view}.png" for view in views}, "image_to_3d/job", info or {})


def links(node):
    return {name: value for name, value in node["inputs"].items() if isinstance(value, list)}


def the(graph, class_type):
    (found,) = [node["inputs"] for node in graph.values() if node["class_type"] == class_type]
    return found


@every_recipe
def test_every_node_is_there_and_leads_to_the_file(workflow, recipe):
    graph = built(recipe.title, recipe.views)
    assert all(source in graph for node in graph.values() for source, _ in links(node).values())
    reached, todo = set(), ["save"]
    while todo:
        reached.add(id := todo.pop())
        todo += [source for source, _ in links(graph[id]).values() if source not in reached]
    assert reached == set(graph)
    assert graph["save"]["class_type"] == "SaveGLB"
    assert graph["save"]["inputs"]["filename_prefix"] == "image_to_3d/job"


@every_recipe
def test_a_recipe_names_all_classes_and_files_that_its_graph_needs(workflow, recipe):
    graph = built(recipe.title, recipe.views)
    assert recipe.classes == {node["class_type"] for node in graph.values()}
    loaded = {
        (node["class_type"], value)
        for node in graph.values()
        for value in node["inputs"].values()
        if str(value).endswith(".safetensors")
    }
    assert {(model.node_class, model.file) for model in recipe.models} == loaded
    for model in recipe.models:
        assert model.page.startswith("https://huggingface.co/Comfy-Org/") and model.page.endswith(model.file)
        assert "/blob/main/" in model.page and model.folder


@every_recipe
def test_another_seed_changes_every_sampler_and_no_other_input(workflow, recipe):
    one, other = built(recipe.title, recipe.views), built(recipe.title, recipe.views, seed=2**31 - 1)
    changed = {
        (node["class_type"], name)
        for id, node in one.items()
        for name, value in node["inputs"].items()
        if other[id]["inputs"][name] != value
    }
    assert changed == {("KSampler", "seed")}
    seeds = [node["inputs"]["seed"] for node in one.values() if node["class_type"] == "KSampler"]
    assert seeds[0] == 7 and len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("title", ["Pixal3D with several views", "Hunyuan3D 2mv"])
def test_only_the_views_that_are_given_enter_the_graph_and_sides_are_the_objects_own(title):
    graph = built(title, ("front", "left"))
    pictures = [node["inputs"]["image"] for node in graph.values() if node["class_type"] == "LoadImage"]
    assert sorted(pictures) == ["image_to_3d/front.png", "image_to_3d/left.png"]
    # What Blender shows from -X, of an object that looks to -Y, is its own right side.
    assert set(links(graph["cond"])) - {"clip_vision_model"} == {"front", "right"}
    source = links(graph["cond"])["right"][0]
    while graph[source]["class_type"] != "LoadImage":
        source = (links(graph[source]).get("image") or links(graph[source])["images"])[0]
    assert graph[source]["inputs"]["image"] == "image_to_3d/left.png"
    assert set(links(built(title, ("front", "right", "back"))["cond"])) >= {"front", "left", "back"}


def test_what_people_choose_reaches_the_nodes_it_is_for():
    mesh = built("Hunyuan3D 2.1", octree_resolution=384, steps=50)
    assert the(mesh, "VAEDecodeHunyuan3D")["octree_resolution"] == 384
    assert the(mesh, "KSampler")["steps"] == 50
    textured = built("TRELLIS.2", target_resolution=1100, target_face_count=5000, texture_size="4096")
    assert the(textured, "Trellis2UpsampleStage")["target_resolution"] == 1024  # ComfyUI's steps are of 128
    assert the(textured, "DecimateMesh")["target_face_count"] == 5000
    assert the(textured, "BakeTextureFromVoxel")["texture_size"] == the(textured, "UnwrapMesh")["resolution"] == 4096
    views = built("Pixal3D with several views", steps=33)
    assert [node["inputs"]["steps"] for node in views.values() if node["class_type"] == "KSampler"].count(33) == 1


def test_without_a_choice_the_steps_are_those_of_comfyuis_templates():
    assert the(built("Hunyuan3D 2.1"), "KSampler")["steps"] == 30
    assert the(built("Hunyuan3D 2mv"), "KSampler")["steps"] == 20


def test_the_pictures_own_transparency_says_what_is_cut_out():
    graph = built("Pixal3D")
    crop = the(graph, "ImageCropToMask")
    mask = graph[crop["masks"][0]]
    assert mask["class_type"] == "InvertMask"  # LoadImage gives white where nothing is
    assert mask["inputs"]["mask"] == [crop["images"][0], 1]


def test_a_server_is_given_the_inputs_that_it_demands_besides():
    info = {"MoGeInference": {"input": {"required": {"moge_model": ["MOGE"], "tiles": ["INT", {"default": 4}]}}}}
    assert the(built("Pixal3D", info=info), "MoGeInference")["tiles"] == 4
    assert "tiles" not in the(built("Pixal3D"), "MoGeInference")
    info["MoGeInference"]["input"]["required"]["tiles"] = ["INT", {"default": {"not": "plain"}}]
    assert "tiles" not in the(built("Pixal3D", info=info), "MoGeInference")


def sign_modes(*keys):
    options = [{"key": key, "inputs": {"required": {"more": ["FLOAT", {"default": 1.5}]}}} for key in keys]
    return {"RemeshMesh": {"input": {"required": {"sign_mode": ["COMFY_DYNAMICCOMBO_V3", {"options": options}]}}}}


def test_the_surface_is_remeshed_as_the_server_knows_how():
    old = the(built("Pixal3D", info=sign_modes("udf", "sdf")), "RemeshMesh")
    assert (old["sign_mode"], old["sign_mode.qef"], old["sign_mode.more"]) == ("udf", False, 1.5)
    assert "sign_mode.fill" not in old
    new = the(built("Pixal3D", info=sign_modes("udf", "solid")), "RemeshMesh")
    assert (new["sign_mode"], new["sign_mode.fill"]) == ("solid", 20.0)
    assert "sign_mode.drop_inverted_components" not in new


@pytest.mark.parametrize(
    "offered", [["other.safetensors", "3d\\hunyuan_3d_v2.1.safetensors"], ["3d/hunyuan_3d_v2.1.safetensors"]]
)
@pytest.mark.parametrize("shape", [lambda names: [names], lambda names: ["COMBO", {"options": names}]])
def test_a_file_is_found_in_a_folder_of_its_own(offered, shape):
    info = {"ImageOnlyCheckpointLoader": {"input": {"required": {"ckpt_name": shape(offered)}}}}
    assert graphs.HUNYUAN_21.found(info) == offered[-1]
    assert the(built("Hunyuan3D 2.1", info=info), "ImageOnlyCheckpointLoader")["ckpt_name"] == offered[-1]


def test_a_file_of_the_same_weights_will_do():
    files = ["pixal3d_bf16.safetensors", "pixal3d_multiview_int8_convrot.safetensors"]
    info = {"UNETLoader": {"input": {"required": {"unet_name": [files]}}}}
    assert graphs.PIXAL3D.found(info) == the(built("Pixal3D", info=info), "UNETLoader")["unet_name"] == files[0]
    files.append("3d/pixal3d_int8_convrot.safetensors")  # which needs less memory
    assert graphs.PIXAL3D.found(info) == files[2]
    assert graphs.TRELLIS_2.found(info) == ""


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {"input": 5},
        {"input": {"required": {"ckpt_name": []}}},
        {"input": {"required": {"ckpt_name": [[5, {}]]}}},
    ]
    + [
        {"input": {"required": {"ckpt_name": ["COMBO", {"options": "abc"}]}}},
        {"input": {"required": {"ckpt_name": ["COMBO", 7]}}},
    ],
)
def test_a_file_is_not_found_where_the_server_says_something_odd(said):
    info = {"ImageOnlyCheckpointLoader": said}
    assert graphs.HUNYUAN_21.found(info) == ""
    name = the(built("Hunyuan3D 2.1", info=info), "ImageOnlyCheckpointLoader")["ckpt_name"]
    assert name == "hunyuan_3d_v2.1.safetensors"


def test_blender_does_not_load_the_workflows_at_its_start():
    lines = "import sys\nimport image_to_3d.api.services\nprint(*[name for name in sys.modules if 'comfyui.' in name])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{lines}"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["image_to_3d.api.services.comfyui.table"], done.stderr


@real_comfyui.wanted
@every_recipe
@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {
            "octree_resolution": 16,
            "steps": 1,
            "target_resolution": 1024,
            "target_face_count": 1000,
            "texture_size": "1024",
        },
        {
            "octree_resolution": 512,
            "steps": 200,
            "target_resolution": 2048,
            "target_face_count": 10_000_000,
            "texture_size": "4096",
            "seed": 2**31 - 1,
        },
    ],
    ids=["usual", "least", "most"],
)
def test_a_real_comfyui_takes_them(workflow, recipe, chosen):
    names = {
        parameter.name
        for parameter in PARAMETERS
        if parameters.applies(
            PARAMETERS, parameter, parameters.check(PARAMETERS, {"image_url": "x", "workflow": workflow})
        )
    }
    chosen = {name: value for name, value in chosen.items() if name in names}
    info = real_comfyui.info_of(recipe.classes)
    if missing := recipe.classes - info.keys():
        pytest.skip(f"this ComfyUI has no {', '.join(missing)}")
    for views in {("front",), recipe.views[:2], recipe.views}:
        graph = built(recipe.title, views, info, **chosen)
        for node in graph.values():
            if node["class_type"] == "LoadImage":
                node["inputs"]["image"] = "example.png"  # ComfyUI brings it along
        lacks = {model.file for model in recipe.models if not model.found(info)}
        faults = real_comfyui.faults(graph)
        assert not [fault for fault in faults if not any(file in fault for file in lacks)]
