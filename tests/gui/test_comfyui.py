# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI as a service in real windows: what the tab says of the user's server, and the way from pictures and workflows
to a model by mouse and keyboard. The server is a stand-in on this machine."""

import json
import urllib.request

import pytest
from drawing import star_png
from gui import jobs
from service.comfyui_graphs import mesh_graph, node
from service.cube import cube_glb
from thorough import thorough

ARRIVES_S = 60
LACKS_UNTIL_S = 30  # it is asked every ten seconds whether the server has what it lacked

IS_ANSWERED = "(answer := session.accounts.last('comfyui')) and not answer.is_asking"
IS_RUNNING = "session.jobs()[0].message.startswith('ComfyUI runs')"

PAINTED = """
material = bpy.data.objects[name].material_slots[0].material
node = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
[list(link.from_node.image.size) for link in node.inputs["Base Color"].links]
"""
"""The sizes of the images that the model is painted with."""


@pytest.fixture
def bare(cube, tmp_path):
    """Gives a stand-in's ComfyUI workflows whose models come without a texture."""
    path = tmp_path / "bare.glb"
    path.write_bytes(cube_glb(textured=False))

    def bare(stand_in):
        stand_in.comfyui.plain_model = path

    return bare


def choose(blender, picture, workflow="Mesh"):
    """Open the tab, and choose a picture, ComfyUI and a workflow; return the tab's box."""
    side = blender.open_sidebar()
    blender.enter(str(picture), "File", side, number=1)  # the first is the source
    blender.click_on("ComfyUI", side, number=0)
    blender.leave()
    blender.until(IS_ANSWERED)  # what it says may need more lines than that it is asked
    blender.pick(workflow, "Workflow", side)
    blender.until(IS_ANSWERED)
    return side


def sampler(create):
    """The node that takes the time."""
    graph = create.parameters["prompt"]
    return next(id for id, about in graph.items() if about["class_type"] == "KSampler")


def pictures(stand_in, create):
    """What the server was given to load for a prompt, by the node that loads it: the files' bytes."""
    graph = create.parameters["prompt"]
    disk = stand_in.comfyui.installed.disk
    return {
        id: disk.picture(about["inputs"]["image"]).read_bytes()
        for id, about in graph.items()
        if about["class_type"] == "LoadImage"
    }


@pytest.mark.usefixtures("newest")
def test_from_ready_to_a_painted_model(blender, slow_services, sign_in, bare, star):
    sign_in(slow_services)
    bare(slow_services)
    side = choose(blender, star)
    blender.find("AI on your own graphics card", side)
    blender.find("Ready: ComfyUI 0.33.0 on", side)
    blender.enter("7", "Seed", side)
    blender.leave()
    blender.click_on("Generate 3D Model", side)
    (create,) = jobs.created(slow_services)
    assert create.parameters["prompt"][sampler(create)]["inputs"]["seed"] == 7
    blender.until(IS_RUNNING)
    slow_services.comfyui.set_progress(create.id, sampler(create), 15, 30)
    blender.until("session.jobs()[0].progress > 0.3")
    shown = blender.run("f'{session.jobs()[0].progress:.0%}'")
    blender.find(f"Red Star: {shown}", blender.status_bar())
    panel = jobs.fold(blender, side)
    blender.find("ComfyUI runs", panel)
    blender.find(shown, panel, number=1)  # in the list, and below it
    slow_services.comfyui.finish(create.id)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)
    blender.find("Red Star: ComfyUI, imported", panel)
    blender.find("it is painted with", panel)
    assert blender.run(PAINTED, name="Red Star")


@pytest.mark.usefixtures("newest")
def test_a_file_that_is_missing_is_named_until_it_is_there(blender, services, sign_in, star):
    sign_in(services)
    there, services.comfyui.models = services.comfyui.models, {}
    side = choose(blender, star)
    blender.find("ComfyUI lacks", side, number=0)
    blender.find("hunyuan_3d_v2.1.safetensors", side, number=1)  # beside the service, and under the button
    blender.find("put it into models/checkpoints", side)
    blender.find("Get the File", side)
    blender.click_on("Generate 3D Model", side)  # greyed out
    blender.leave()
    assert blender.run("len(session.jobs())") == 0
    services.comfyui.models = there
    blender.find("Ready: ComfyUI 0.33.0 on", side, seconds=LACKS_UNTIL_S)
    assert not blender.sees("Get the File", side)
    blender.click_on("Generate 3D Model", side)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)


@pytest.mark.usefixtures("newest")
def test_a_server_that_is_away_is_said_with_its_address(blender, services, sign_in, star):
    sign_in(services)
    services.close()
    side = choose(blender, star)
    place = services.comfyui_url.partition("//")[2]
    blender.find("No ComfyUI answers at", side, number=0)
    blender.find(place, side, number=1)  # beside the service, and under the button
    blender.click_on("Generate 3D Model", side)  # greyed out
    blender.leave()
    assert blender.run("len(session.jobs())") == 0
    blender.click_on("Open Preferences", side)
    blender.until("len(bpy.context.window_manager.windows) == 2")


@thorough
@pytest.mark.usefixtures("newest")
def test_cancel_stops_our_prompt_and_no_other(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    side = choose(blender, star)
    blender.click_on("Generate 3D Model", side)
    (create,) = jobs.created(slow_services)
    blender.until(IS_RUNNING)
    another = put_another(slow_services)
    panel = jobs.fold(blender, side)
    blender.click_on("Cancel", panel)
    blender.until("(shown := session.jobs()[0]).state == 'cancelled' and not shown.untold")
    blender.find("Red Star: ComfyUI, cancelled", panel)
    assert slow_services.comfyui.interrupted == [create.id]
    assert queued(slow_services) == [another]


def put_another(stand_in):
    """Somebody else's prompt; return its id."""
    stand_in.comfyui.installed.disk.upload("input", "", "theirs.png", star_png(32), True)
    body = json.dumps({"prompt": mesh_graph(picture="theirs.png")}).encode()
    request = urllib.request.Request(f"{stand_in.comfyui_url}/prompt", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["prompt_id"]


def queued(stand_in):
    """The ids of all prompts that run or wait."""
    with urllib.request.urlopen(f"{stand_in.comfyui_url}/queue") as answer:
        queue = json.load(answer)
    return [entry[1] for name in ("queue_running", "queue_pending") for entry in queue[name]]


@thorough
@pytest.mark.usefixtures("newest")
def test_more_views_are_typed_in_and_sent(blender, services, sign_in, star, tmp_path):
    sign_in(services)
    side = choose(blender, star, "Views")
    blender.click_on("More Views", side)
    for label in ("Back", "Left", "Right"):
        path = tmp_path / f"{label}.png"
        path.write_bytes(star.read_bytes())
        blender.enter(str(path), label, side)
    blender.leave()
    blender.find("More Views (3)", side)
    blender.click_on("Generate 3D Model", side)
    (create,) = jobs.created(services)
    assert len(pictures(services, create)) == 4
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)


@thorough
@pytest.mark.usefixtures("newest")
def test_a_workflow_of_two_pictures_asks_which_and_is_told_by_a_menu(blender, services, sign_in, star, tmp_path):
    sign_in(services)
    style = star_png(32)
    services.comfyui.installed.disk.upload("input", "", "style.png", style, True)
    workflow = tmp_path / "own.json"
    workflow.write_text(json.dumps(two_pictures()))
    side = choose(blender, star, "From File")
    blender.find("There is no workflow file", side, number=0)
    blender.enter(str(workflow), "Workflow File", below_parameters(blender, side), number=0)
    blender.leave()
    blender.find("The workflow has 2 nodes that", side, number=0)
    field = blender.find("Picture Node", below_parameters(blender, side))
    blender.click(side.right - MENU_PX, field.center[1])
    blender.find("Choose Picture Node", blender.around())
    blender.click_on("Hero (1)", blender.around())
    blender.leave()
    blender.find("Ready: ComfyUI 0.33.0 on", side)
    blender.click_on("Generate 3D Model", side)
    (create,) = jobs.created(services)
    given = pictures(services, create)
    assert given["5"] == style and given["1"] != style
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)


def below_parameters(blender, side):
    """The tab from the parameters on: sentences above them name some of these."""
    return side._replace(top=blender.find("Parameters", side, number=0).bottom)


MENU_PX = 24  # from the right edge of the tab to the arrow beside a field


def two_pictures():
    """A workflow as ComfyUI exports it, in which a model comes of two pictures."""
    graph = mesh_graph(picture="hero.png")
    graph["1"]["_meta"] = {"title": "Hero"}
    graph["5"] = {**node("LoadImage", image="style.png"), "_meta": {"title": "Style"}}
    graph["6"] = node("JoinImageWithAlpha", image=["1", 0], alpha=["5", 1])
    graph["2"]["inputs"]["image"] = ["6", 0]
    return graph
