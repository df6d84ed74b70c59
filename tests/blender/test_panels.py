# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels draw, without a window: on a layout that notes what it is asked for."""

import json
from types import SimpleNamespace

import bpy
import pytest
from layout import CLOSED, Layout, context, drawn_by, operators, properties, words
from ticking import hear, tick_until

WEB_SERVICES = ("MESHY", "CSM")
HERE = "http://127.0.0.1:1"

LINKED = "The scene is linked from another file and cannot be changed"

IMPORT = {"location", "use_size", "size", "collection", "target_scene"}


@pytest.fixture
def sidebar(extension):
    return extension.module("panels.sidebar")


@pytest.fixture
def list_of_jobs(extension):
    return extension.module("panels.jobs")


@pytest.fixture
def ready(extension):
    """Keys of both web services, at addresses on this machine."""
    for service in ("meshy", "csm"):
        setattr(extension.preferences, f"{service}_key", "secret_1")
        setattr(extension.preferences, f"{service}_url", HERE)


@pytest.fixture
def image_editor():
    """The space of an Image Editor."""
    area = bpy.context.window.screen.areas[0]
    before, area.type = area.type, "IMAGE_EDITOR"
    yield area.spaces.active
    area.type = before


def button(drawn):
    """Of the button Generate: what it is asked for, and what can be read below it."""
    (place,) = [number for number, (_, asked) in enumerate(drawn) if asked.get("operator") == "image_to_3d.generate"]
    return drawn[place][1], words(drawn[place + 1 :])


@pytest.mark.parametrize("service", ["LOCAL", *WEB_SERVICES])
@pytest.mark.parametrize("source", ["FILE", "IMAGE", "URL"])
def test_each_service_and_source_has_its_rows(sidebar, settings, ready, service, source):
    settings.service, settings.source = service, source
    settings.filepath, settings.url, settings.image = "/a.png", f"{HERE}/a.png", bpy.data.images.new("A", 4, 4)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    group = getattr(settings, service.lower())
    names = {prop.identifier for prop in group.bl_rna.properties} - {"rna_type", "name"}
    assert names - {"scaled_bbox"} | IMPORT | {"source", "service"} <= set(properties(drawn))
    assert "scaled_bbox" not in properties(drawn)  # a view of it is drawn
    chooses = [("image_to_3d.choose_image", {"parameter": name}) for name in VIEWS if name in names]
    textures = [("image_to_3d.choose_image", {"parameter": "texture_image_url"})] if service == "MESHY" else []
    assert operators(drawn) == [
        ("image_to_3d.paste_picture", {}),
        ("image_to_3d.cut_out", {}),
        *chooses,
        ("image_to_3d.reset_parameters", {}),
        *textures,
        ("image_to_3d.generate", {}),
    ]
    assert [asked["panel"] for name, asked in drawn if name == "popover"] == [
        f"IMAGE_TO_3D_PT_{service.lower()}_presets"
    ]
    assert ("filepath" in properties(drawn), "url" in properties(drawn)) == (source == "FILE", source == "URL")
    drawn_names = [name for name, _ in drawn]
    assert ("template_ID" in drawn_names) == ("template_icon" in drawn_names) == (source == "IMAGE")


def test_what_is_folded_up_is_not_drawn_but_the_button_is(sidebar, settings, ready):
    settings.service = "MESHY"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate, [CLOSED])
    assert set(properties(drawn)) == {"source", "filepath", "service", "variants"}
    assert button(drawn)


@pytest.mark.parametrize("service", ["local", "csm"])
def test_a_length_is_shown_where_it_is_not_automatic(sidebar, settings, ready, service):
    settings.service = service.upper()
    getattr(settings, service).scaled_bbox = (-1, 2, -1)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    shown = [(asked["property"], asked["index"]) for name, asked in drawn if name == "prop" and "index" in asked]
    assert shown == [
        (f"image_to_3d_{service}_scaled_bbox_auto", 0),
        (f"image_to_3d_{service}_scaled_bbox_length", 1),
        (f"image_to_3d_{service}_scaled_bbox_auto", 1),
        (f"image_to_3d_{service}_scaled_bbox_auto", 2),
    ]


def rows(sidebar, group):
    """By parameter: whether its row is greyed out."""
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    return {
        asked["property"]: asked["layout"].asked.get("active") is False
        for name, asked in drawn
        if name == "prop" and asked["data"] == group
    }


def test_what_has_no_effect_is_grey(sidebar, settings):
    settings.service = "MESHY"
    grey = {name for name, is_grey in rows(sidebar, settings.meshy).items() if is_grey}
    needs_remesh = {"topology", "target_polycount", "decimation_mode", "save_pre_remeshed_model"}
    assert grey >= {*needs_remesh, "origin_at"} and not grey & {"should_remesh", "enable_pbr", "texture_prompt"}
    settings.meshy.should_remesh, settings.meshy.should_texture = True, False
    grey = {name for name, is_grey in rows(sidebar, settings.meshy).items() if is_grey}
    assert grey >= {"enable_pbr", "texture_prompt", "texture_image_url"} and not grey & needs_remesh
    settings.service = "LOCAL"
    assert rows(sidebar, settings.local)["preserve_aspect_ratio"]
    settings.local.scaled_bbox = (1, -1, -1)
    assert not rows(sidebar, settings.local)["preserve_aspect_ratio"]


def test_the_size_is_grey_until_it_is_used(sidebar, settings):
    def is_grey():
        (row,) = [
            asked["layout"] for _, asked in drawn_by(sidebar.IMAGE_TO_3D_PT_generate) if asked.get("property") == "size"
        ]
        return row.asked["active"] is False

    assert is_grey()
    settings.use_size = True
    assert not is_grey()


ENTER_KEY = "image_to_3d.show_preferences"
GO_ONLINE = "extensions.userpref_allow_online"
OFFLINE = "Online access is off"
HOW_TO_GO_ONLINE = f"{OFFLINE}: turn on Allow Online Access in the preferences, under System"


@pytest.mark.parametrize(
    ("key", "picture", "address", "reason", "beside_service", "leads_there"),
    [
        ("secret_1", "", HERE, "Choose a picture first", "Ready", None),
        ("", "/a.png", "", "Meshy needs an API key", "Meshy needs an API key", ENTER_KEY),
        ("secret_1", "/a.png", "", OFFLINE, OFFLINE, GO_ONLINE),
        ("secret_1", "/a.png", HERE, "", "Ready", None),
    ],
)
def test_what_is_missing_is_said_and_the_button_cannot_be_pressed(
    sidebar, settings, extension, key, picture, address, reason, beside_service, leads_there
):
    settings.service, settings.filepath = "MESHY", picture
    extension.preferences.meshy_key, extension.preferences.meshy_url = key, address
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    asked, below = button(drawn)
    assert (asked["enabled"], below) == (not reason, reason)
    assert words(drawn).startswith(beside_service)
    assert {name for name, _ in operators(drawn)} & {ENTER_KEY, GO_ONLINE} == ({leads_there} if leads_there else set())
    assert "secret" not in str(drawn)


def test_a_task_stands_instead_of_the_picture(sidebar, settings, ready):
    settings.service, settings.meshy.input_task_id = "MESHY", "0193"
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[0]["enabled"]


def test_a_picture_from_the_web_needs_online_access_also_for_the_local_service(sidebar, settings):
    settings.source, settings.url = "URL", "https://example.org/a.png"
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[1] == OFFLINE
    settings.source, settings.filepath = "FILE", "/a.png"
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[1] == ""


def test_the_price_is_on_the_button(extension, sidebar, settings, ready):
    def price():
        return button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[0]["text"]

    assert price() == "Generate 3D Model"  # Local
    settings.service = "MESHY"
    textured = price()
    settings.meshy.should_texture = False
    plain = price()
    for text in (textured, plain):
        before, credits, after = text.rsplit(" ", 2)
        assert (before, after) == ("Generate for", "Credits") and int(credits) > 0
    assert textured != plain
    settings.meshy.ai_model = "meshy-99"  # of which nobody knows the price
    assert price() == "Generate 3D Model"


def test_the_account_is_shown_when_the_service_has_told(sidebar, settings, account, session):
    def readiness():
        return words(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))

    settings.service, account.credits = "MESHY", 1234
    asked = len(account.requests)
    assert readiness().startswith("Ready ") and len(account.requests) == asked
    bpy.ops.image_to_3d.check_account(service="MESHY")
    assert readiness().startswith("Ready, 1,234 credits left")


def test_a_key_that_is_not_accepted_is_said_beside_the_service(sidebar, settings, account, monkeypatch):
    monkeypatch.setenv("MESHY_API_KEY", "secret_but_wrong")
    settings.service = "MESHY"
    with pytest.raises(RuntimeError, match="does not accept the API key"):
        bpy.ops.image_to_3d.check_account(service="MESHY")
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert words(drawn).startswith("Meshy does not accept the API key") and "secret" not in words(drawn)
    assert (ENTER_KEY, {}) in operators(drawn)


def test_beside_an_image_that_image_is_what_is_sent(sidebar, settings, image_editor):
    cls = sidebar.IMAGE_TO_3D_PT_generate_image
    assert not cls.poll(context(image_editor))
    image_editor.image = bpy.data.images.new("Painted", 4, 4)
    assert cls.poll(context(image_editor))
    drawn = drawn_by(cls, space=image_editor)
    asked, below = button(drawn)
    assert (asked["set"], asked["enabled"], below) == ({"image": "Painted"}, True, "")
    assert words(drawn).startswith("Painted") and "source" not in properties(drawn)


@pytest.mark.parametrize(
    ("variants", "words_on_it"), [(1, "Generate for 30 Credits"), (4, "Generate 4 for 120 Credits")]
)
def test_the_button_says_what_all_variants_cost(sidebar, settings, ready, variants, words_on_it):
    settings.service, settings.variants, settings.filepath = "MESHY", variants, "/a.png"
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[0]["text"] == words_on_it


def test_without_a_price_the_button_says_how_many_models(sidebar, settings):
    settings.variants = 4
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[0]["text"] == "Generate 4 Models"


def test_a_linked_scene_is_said_to_be_one_and_all_is_drawn(sidebar, settings, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "linked.blend"))
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    with bpy.data.libraries.load(str(tmp_path / "linked.blend"), link=True) as (_, wanted):
        wanted.scenes = ["Scene"]
    bpy.context.window.scene = wanted.scenes[0]
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert words(drawn).startswith(LINKED) and button(drawn)[1] == ""
    assert {"source", "service", "variants"} <= set(properties(drawn))


USUAL = ["use_settings", "open_folder"]

STATES = {
    "waiting": ["cancel", *USUAL],
    "submitting": ["cancel", *USUAL],
    "running": ["cancel", *USUAL, "copy_task_id"],
    "downloading": ["cancel", *USUAL, "copy_task_id"],
    "converting": ["cancel", *USUAL, "copy_task_id"],
    "ready": ["import_result", *USUAL, "copy_task_id", "remove"],
    "imported": ["import_result", "show", *USUAL, "copy_task_id", "remove"],
    "failed": ["retry", *USUAL, "remove"],
    "cancelled": ["retry", *USUAL, "remove"],
    "unconfirmed": ["retry", "adopt", "send_again", "forget", *USUAL, "remove"],
}

LABELS = {"meshy": "Meshy", "csm": "CSM", "local": "Local", "newer": "newer"}


@pytest.mark.parametrize("panel", ["IMAGE_TO_3D_PT_jobs", "IMAGE_TO_3D_PT_jobs_image"])
@pytest.mark.parametrize("service", LABELS)
@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_buttons(list_of_jobs, session, make_job, ready, state, service, panel):
    job = make_job(
        state,
        service=service,
        parameters={"image_url": "picture.png"},
        picture_sha256="1",
        task_id="0193" if "copy_task_id" in STATES[state] else "",
        progress=0.5,
        message="What happens",
        note="What is",
        credits=30,
    )
    session.refresh(job.id)
    drawn = drawn_by(getattr(list_of_jobs, panel))
    assert operators(drawn) == [(f"image_to_3d.{name}", {"job": job.id}) for name in STATES[state]]
    said = words(drawn)
    assert said.startswith(f"Red Star: {LABELS[service]}, {state}, 30 credits")
    if service == "newer" and "cancel" in STATES[state]:
        assert "The service 'newer' is not known here: update the extension" in said
    else:
        has_result = state in ("ready", "imported")
        assert ("What is" in said, "What happens" in said) == (has_result, not has_result)
    assert [asked["factor"] for name, asked in drawn if name == "progress"] == [0.5] * ("cancel" in STATES[state])


def test_a_job_that_waits_for_online_access_says_so(list_of_jobs, session, make_job, extension):
    extension.preferences.meshy_key = "secret_1"
    session.refresh(make_job("running", service="meshy", message="In progress").id)
    said = words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))
    assert HOW_TO_GO_ONLINE in said and "In progress" not in said


def test_how_long_a_job_will_take_is_said_when_it_can_be_told(extension, list_of_jobs, session, make_job):
    job = make_job("running", progress=0.5)
    pace, clock = session.pace, extension.module("panels.jobs").time.monotonic
    session.refresh(job.id)
    assert words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)).count("left") == 0
    pace.forget(job.id)
    pace.note(job.id, 0.1, clock() - 480)
    pace.note(job.id, 0.5, clock())
    assert "50%, about 10 min left" in words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))


def test_the_selected_job_is_the_one_that_is_shown(list_of_jobs, session, make_job):
    for name in ("Oldest", "Newest"):
        make_job(name=name)
    session.tick()
    assert words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)).startswith("Newest")
    bpy.context.window_manager.image_to_3d.index = 1
    assert words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)).startswith("Oldest")


def test_there_is_a_search_where_there_are_many_jobs(list_of_jobs, session, make_job):
    for count, has_search in ((list_of_jobs.ROWS, False), (1, True)):
        for _ in range(count):
            make_job()
        session.tick()
        assert ("search" in properties(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))) == has_search


def test_without_jobs_the_list_says_so(list_of_jobs, session, no_jobs):
    assert words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)) == "No jobs yet"
    session.tick()
    assert words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)) == "No jobs yet"


def row(list_of_jobs, job_id):
    """What the list draws for one job."""
    layout = Layout()
    shown = bpy.context.window_manager.image_to_3d
    item = SimpleNamespace(name=job_id)
    list_of_jobs.IMAGE_TO_3D_UL_jobs.draw_item(SimpleNamespace(), context(), layout, shown, item, 0, shown, "index")
    return layout.drawn


@pytest.mark.parametrize("state", STATES)
def test_each_job_is_a_row_with_how_it_is(list_of_jobs, session, make_job, state):
    job = make_job(state, service="meshy", progress=0.25, message="Drawing triangles")
    session.refresh(job.id)
    drawn = row(list_of_jobs, job.id)
    if "cancel" in STATES[state]:
        assert words(drawn) == f"Red Star {'Waiting' if state == 'waiting' else '25%'}"  # the message has no room
        assert [asked["factor"] for name, asked in drawn if name == "progress"] == [0.25]
        assert operators(drawn) == [("image_to_3d.cancel", {"job": job.id})]
    else:
        assert words(drawn) == "Red Star Meshy"
        assert operators(drawn) == [("image_to_3d.select_job", {"job": job.id})]  # which has the tooltip
        assert drawn[-1][1]["icon"] == list_of_jobs.ICONS[state]


def test_a_row_of_a_job_that_was_just_removed_is_empty(list_of_jobs, session, make_job):
    job = make_job()
    session.refresh(job.id)
    session.remove(job.id)
    assert row(list_of_jobs, job.id) == []


@pytest.mark.parametrize("width", [160, 240, 600])
@pytest.mark.parametrize("icon", ["NONE", "ERROR"])
def test_a_sentence_is_broken_into_lines_that_fit(extension, width, icon):
    sentences = extension.module("panels.sentences")
    layout = Layout()
    sentences.draw_sentence(layout, HOW_TO_GO_ONLINE, context(width=width), icon=icon)
    lines = [asked["text"] for name, asked in layout.drawn if name == "label"]
    assert " ".join(lines) == HOW_TO_GO_ONLINE
    letters = width / sentences.LETTER_WIDTH_PX
    assert max(map(len, lines)) <= letters
    assert [asked["icon"] for name, asked in layout.drawn if name == "label"][0] == icon


def status_bar(extension):
    layout = Layout()
    extension.module("panels.statusbar").draw(SimpleNamespace(layout=layout), context())
    return words(layout.drawn)


def test_the_status_bar_shows_what_runs(extension, session, settings, slow_account, start_web):
    assert status_bar(extension) == ""
    start_web("csm")
    assert status_bar(extension) == ""  # it waits
    session.tick()
    assert status_bar(extension).startswith("Red Star: ")
    start_web("meshy")
    session.tick()
    assert status_bar(extension).startswith("2 models: ")


def test_the_status_bar_of_a_blender_that_has_just_started_makes_no_session(extension, no_jobs):
    """Its first drawing is a part of the start, which would take longer by all that is loaded then."""
    module = extension.module("session")
    module.unregister()
    assert status_bar(extension) == "" and module.begun() is None


def test_the_menus_offer_everything(extension, image_editor):
    menus = extension.module("panels.menus")
    drawn = drawn_by(menus.IMAGE_TO_3D_MT_all)
    presets = {f"{service}_preset_add" for service in ("local", "comfyui", "csm", "meshy")}  # beside the parameters
    offered = {name.partition(".")[2] for name, _ in operators(drawn)}
    assert offered == set(dir(bpy.ops.image_to_3d)) - presets - {
        "watch",
        "choose_candidate",
        "choose_image",
    }  # which are no menu's

    def appended(draw, space=None):
        layout = Layout()
        draw(SimpleNamespace(layout=layout), context(space))
        return layout.drawn

    assert [asked["menu"] for name, asked in appended(menus.draw_import) if name == "menu"] == ["IMAGE_TO_3D_MT_all"]
    assert operators(appended(menus.draw_add)) == [("image_to_3d.generate_from_files", {})]
    for image, said in ((None, (False, {})), (bpy.data.images.new("Painted", 4, 4), (True, {"image": "Painted"}))):
        image_editor.image = image
        drawn = [asked for name, asked in appended(menus.draw_image, image_editor) if name == "operator"]
        assert [asked["operator"] for asked in drawn] == ["image_to_3d.generate", "image_to_3d.cut_out"]
        assert [(asked["enabled"], asked["set"]) for asked in drawn] == [said, said]


@pytest.mark.parametrize(("kind", "is_offered"), [("VIEW_3D", True), ("IMAGE_EDITOR", False)])
def test_pictures_dropped_on_the_3d_view_are_offered_a_model(extension, kind, is_offered):
    handler = bpy.types.IMAGE_TO_3D_FH_pictures
    assert handler.poll_drop(SimpleNamespace(area=SimpleNamespace(type=kind))) == is_offered
    assert handler.bl_import_operator == "image_to_3d.generate_from_files"
    assert {".png", ".jpg", ".jpeg"} <= set(handler.bl_file_extensions.split(";"))


def test_the_status_bar_and_the_list_say_what_a_finished_model_waits_for(
    extension, list_of_jobs, session, no_jobs, settings, star, monkeypatch
):
    monkeypatch.setattr(extension.module("session.busy"), "reader", lambda: "the render")
    start_job = extension.module("session.start").start_job
    for count, words_then in (
        (1, "Red Star is ready and waits for the render to end"),
        (2, "2 models are ready and wait for the render to end"),
    ):
        start_job(bpy.context.scene, filepath=str(star))
        tick_until(session, lambda: all(job.state == "ready" for job in session.jobs()))
        assert status_bar(extension) == words_then
        assert len(session.jobs()) == count
        drawn = words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))
        assert "Red Star is ready and waits for the render to end" in drawn
    monkeypatch.setattr(extension.module("session.busy"), "reader", lambda: "")
    session.tick()
    assert status_bar(extension) == ""
    assert "waits" not in words(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))


# The model of a job


@pytest.fixture
def variant(settings, session, star, no_jobs, quick_models):
    """A job whose model is in the file, with an image in its material, and one other variant of it that is not."""
    settings.variants = 2
    bpy.ops.image_to_3d.generate(filepath=str(star))
    return session.jobs()[0].id  # the newest is selected


def names(drawn):
    return [name.removeprefix("image_to_3d.") for name, _ in operators(drawn)]


def test_a_variant_can_be_kept_where_its_model_is_here_and_others_are_to_go(list_of_jobs, session, variant):
    assert "keep" in names(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))
    bpy.ops.image_to_3d.keep(job=variant)
    assert "keep" not in names(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))


def test_a_variant_whose_model_is_not_here_cannot_be_kept(list_of_jobs, session, variant):
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    session.tick()
    drawn = names(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))
    assert "show" in drawn and "keep" not in drawn


@pytest.fixture
def shading():
    """Of the one 3D View of the window."""
    area = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
    area.spaces.active.shading.type, area.spaces.active.shading.color_type = "SOLID", "MATERIAL"
    return area.spaces.active.shading


def give_texture(job):
    root = next(obj for obj in bpy.data.objects if obj.get("image_to_3d_job") == job)
    material = bpy.data.materials.new("Textured")
    if not material.node_tree:
        material.use_nodes = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = bpy.data.images.new("Colour", 4, 4)
    root.data.materials.append(material)


def test_textures_are_offered_once_the_model_was_shown(list_of_jobs, session, variant, shading):
    def offered():
        return "show_textures" in names(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))

    first = session.current.arrivals.first
    assert not offered()
    bpy.ops.image_to_3d.show(job=variant)
    assert not offered(), "it has none"
    give_texture(variant)
    session.tick()
    assert offered() and first != variant
    shading.type = "MATERIAL"
    assert not offered()
    shading.type = "SOLID"
    assert bpy.ops.image_to_3d.show_textures() == {"FINISHED"}
    assert shading.color_type == "TEXTURE" and not offered()
    with pytest.raises(RuntimeError, match="No 3D View of this window uses Solid shading without textures"):
        bpy.ops.image_to_3d.show_textures()


def test_textures_are_offered_with_the_first_model_that_arrives(
    list_of_jobs, session, star, no_jobs, quick_models, shading
):
    session.end()
    bpy.ops.image_to_3d.generate(filepath=str(star))
    (job,) = session.jobs()
    give_texture(job.id)
    assert shading.color_type == "MATERIAL"
    assert "show_textures" in names(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))


# More views


VIEWS = ["back_image_url", "left_image_url", "right_image_url"]


def test_further_pictures_stand_apart_from_the_other_parameters(sidebar, settings):
    settings.service, settings.comfyui.workflow = "COMFYUI", "VIEWS"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert [name for name in properties(drawn) if name in VIEWS] == VIEWS
    assert "More Views" in words(drawn).partition("Parameters")[0]
    settings.service = "CSM"
    assert "More Views" not in words(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))


def test_further_pictures_are_grey_where_they_do_not_apply_and_counted_where_they_do(sidebar, settings):
    settings.service, settings.comfyui.back_image_url = "COMFYUI", "//back.png"
    assert all(rows(sidebar, settings.comfyui)[name] for name in VIEWS)
    assert "More Views (" not in words(drawn_by(sidebar.IMAGE_TO_3D_PT_generate, [CLOSED]))
    settings.comfyui.workflow = "VIEWS"
    assert not any(rows(sidebar, settings.comfyui)[name] for name in VIEWS)
    assert "More Views (1)" in words(drawn_by(sidebar.IMAGE_TO_3D_PT_generate, [CLOSED]))


def test_images_among_the_further_pictures_have_small_previews(sidebar, settings):
    for name in ("Back", "Right"):
        setattr(settings.local, f"{name.lower()}_image_url", bpy.data.images.new(name, 4, 4).name)
    settings.local.left_image_url = "Gone"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert len([name for name, _ in drawn if name == "template_icon"]) == 2
    shown = words(drawn).partition("More Views (3)")[2]
    assert "Back" in shown and "Right" in shown and "Left" not in shown


def test_a_further_picture_that_is_not_there_is_named_before_a_job_is_made(settings, star, session, no_jobs, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings = bpy.context.scene.image_to_3d
    settings.service, settings.comfyui.workflow = "COMFYUI", "VIEWS"
    settings.comfyui.left_image_url = "//left.png"
    with pytest.raises(RuntimeError, match=r"There is no picture at .*left\.png for Left: choose one that exists"):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert not session.jobs()


def test_a_further_picture_from_the_web_needs_online_access_where_we_fetch_it(sidebar, settings, ready):
    settings.service, settings.filepath, settings.comfyui.workflow = "COMFYUI", "/a.png", "VIEWS"
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[1] == ""
    settings.comfyui.right_image_url = "https://example.org/right.png"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert button(drawn)[1] == OFFLINE and (GO_ONLINE, {}) in operators(drawn)
    settings.comfyui.workflow = "TEXTURED"  # which does not take it
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[1] == ""


# What the table says of values beside each other


def test_a_number_that_the_service_assumes_by_itself_is_shown_and_can_be_made_ones_own(sidebar, settings, ready):
    settings.service, settings.meshy.model_type = "MESHY", "SMART-TOPOLOGY"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert "Faces 4,000 (usual)" in words(drawn) and "target_polycount" not in properties(drawn)
    ((_, asked),) = [entry for entry in operators(drawn) if entry[0] == "wm.context_set_int"]
    assert bpy.ops.wm.context_set_int(**asked) == {"FINISHED"}
    assert settings.meshy.target_polycount == 4000
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert "(usual)" not in words(drawn) and "target_polycount" in properties(drawn)


def test_values_that_the_service_refuses_are_said_at_the_button(sidebar, settings, ready):
    settings.service, settings.filepath = "MESHY", "/a.png"
    settings.meshy.ai_model = "meshy-t2"
    asked, below = button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))
    assert asked["enabled"] is False and below.startswith("ai_model cannot be 'meshy-t2' beside model_type 'standard'")
    settings.meshy.ai_model = "meshy-5"
    assert "has ended" in button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[1]
    settings.meshy.ai_model = "meshy-99"  # which may come any day
    assert button(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))[0]["enabled"]


def test_a_value_that_ends_soon_is_said_and_can_be_used_until_then(sidebar, settings, ready):
    settings.service, settings.filepath = "MESHY", "/a.png"
    assert "until 31 December" not in words(drawn_by(sidebar.IMAGE_TO_3D_PT_generate))
    settings.meshy.ai_model = "meshy-7"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert "Meshy takes meshy-7 until 31 December 2026: choose another" in words(drawn)
    assert button(drawn)[0]["enabled"]


# A service that has closed


def test_that_a_service_has_closed_is_said_before_anybody_looks_for_a_key(sidebar, settings, extension):
    settings.service, settings.filepath = "CSM", "/a.png"
    closed = "CSM closed in January 2026"

    def panel():
        drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
        return words(drawn), *button(drawn)

    said, asked, below = panel()
    assert said.startswith(closed) and asked["enabled"] is False
    assert below.startswith(closed) and "API key" not in said
    extension.preferences.csm_url = HERE
    said, asked, below = panel()
    assert said.startswith("CSM needs an API key") and below == "CSM needs an API key"
    extension.preferences.csm_key = "secret_1"
    said, asked, below = panel()
    assert said.startswith("Ready") and asked["enabled"] and below == ""


# A server of the user's own


@pytest.fixture
def accounts(extension, no_jobs):
    accounts = extension.module("session").current().accounts
    accounts.close()
    yield accounts
    accounts.close()


def test_whether_a_server_of_ones_own_is_ready_is_shown(sidebar, settings, comfyui, accounts):
    settings.service, settings.filepath, settings.comfyui.workflow = "COMFYUI", "/a.png", "MESH"

    def panel():
        drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
        return words(drawn), button(drawn)[0]["enabled"]

    said, can_generate = panel()
    assert said.startswith("Looking for ComfyUI More Views") and can_generate and not comfyui.requests
    accounts.ask("comfyui")
    hear(accounts)
    said, can_generate = panel()
    assert said.startswith("Ready: ComfyUI 0.33") and can_generate


def test_what_a_server_of_ones_own_lacks_is_shown_with_the_way_to_it(sidebar, settings, comfyui, accounts):
    settings.service, settings.filepath, settings.comfyui.workflow = "COMFYUI", "/a.png", "MESH"
    comfyui.comfyui.models = {}
    accounts.ask("comfyui")
    hear(accounts)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    asked, below = button(drawn)
    assert words(drawn).startswith("ComfyUI lacks ") and asked["enabled"] is False
    assert below.startswith("ComfyUI lacks ") and ":" not in below
    ((_, page),) = [entry for entry in operators(drawn) if entry[0] == "wm.url_open"]
    assert page["url"].startswith("https://")


def test_a_server_of_ones_own_that_is_away_is_looked_for_in_the_preferences(sidebar, settings, comfyui, accounts):
    settings.service, settings.filepath = "COMFYUI", "/a.png"
    comfyui.close()
    accounts.ask("comfyui")
    hear(accounts)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert words(drawn).startswith("No ComfyUI answers at 127.0.0.1") and (ENTER_KEY, {}) in operators(drawn)
    asked, below = button(drawn)
    assert asked["enabled"] is False and below == f"No ComfyUI answers at {comfyui.comfyui_url.partition('//')[2]}"


def test_what_the_preferences_cannot_mend_leads_nowhere(sidebar, settings, comfyui, accounts):
    settings.service, settings.comfyui.workflow = "COMFYUI", "FILE"
    accounts.ask("comfyui")
    hear(accounts)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert words(drawn).startswith("There is no workflow file")
    assert not {"wm.url_open", ENTER_KEY} & {name for name, _ in operators(drawn)}


# A workflow of the user's own


OF_A_FILE = {"workflow_file", "picture_node", "model_node"}


def test_what_belongs_to_a_workflow_of_ones_own_is_shown_where_one_is_asked_for(sidebar, settings):
    settings.service = "COMFYUI"
    assert not OF_A_FILE & set(rows(sidebar, settings.comfyui))
    settings.comfyui.workflow = "FILE"
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert set(properties(drawn)) >= OF_A_FILE
    chooses = [asked["parameter"] for name, asked in operators(drawn) if name == "image_to_3d.choose_candidate"]
    assert chooses == ["picture_node", "model_node"]


def workflow_of(path, *pictures):
    """Write a workflow as ComfyUI exports it, which loads the pictures of these titles, and return its path."""
    loaders = {
        str(number): {"class_type": "LoadImage", "inputs": {"image": f"{title}.png"}, "_meta": {"title": title}}
        for number, title in enumerate(pictures, 1)
    }
    mesh = {
        "class_type": "MyMesh",
        "inputs": {f"picture_{number}": [number, 0] for number in loaders},
        "_meta": {"title": "Mesh"},
    }
    saver = {"class_type": "SaveGLB", "inputs": {"mesh": ["90", 0], "filename_prefix": "x"}, "_meta": {"title": "Save"}}
    path.write_text(json.dumps({**loaders, "90": mesh, "91": saver}))
    return path


@pytest.fixture
def own_workflow(settings):
    settings.service, settings.comfyui.workflow = "COMFYUI", "FILE"
    return settings.comfyui


def test_a_workflow_that_cannot_be_used_says_so_before_a_job_is_made(own_workflow, session, no_jobs, star, tmp_path):
    def refusal():
        with pytest.raises(RuntimeError) as failure:
            bpy.ops.image_to_3d.generate(filepath=str(star))
        assert not session.jobs()
        return str(failure.value)

    assert "There is no workflow file: choose one" in refusal()
    own_workflow.workflow_file = str(tmp_path / "gone.json")
    assert "gone.json" in refusal()
    own_workflow.workflow_file = str(workflow_of(tmp_path / "two.json", "Hero", "Style"))
    assert "as Picture Node" in refusal()


def test_the_nodes_of_a_workflow_beside_the_blend_can_be_chosen(own_workflow, tmp_path):
    workflow_of(tmp_path / "two.json", "Hero", "Style")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    chosen = bpy.context.scene.image_to_3d.comfyui
    chosen.workflow_file = "//two.json"
    choose = bpy.ops.image_to_3d.choose_candidate
    assert choose(parameter="picture_node", value="2") == {"FINISHED"}
    assert choose(parameter="model_node", value="91") == {"FINISHED"}
    assert (chosen.picture_node, chosen.model_node) == ("2", "91")
    with pytest.raises(RuntimeError, match="does not offer '90': choose one of 1, 2"):
        choose(parameter="picture_node", value="90")
    with pytest.raises(RuntimeError, match="ComfyUI offers nothing for 'seed'"):
        choose(parameter="seed", value="1")


def test_of_a_workflow_with_endless_and_odd_nodes_few_are_named(own_workflow, tmp_path):
    loader = {"class_type": "LoadImage", "inputs": {"image": "a.png"}}
    ids = [f"n{number}" for number in range(1000)]
    graph = dict.fromkeys(["half\ud83d", "bell\a", "x" * 2000, *ids], loader)
    mesh = {"class_type": "SaveGLB", "inputs": {f"i{n}": [id, 0] for n, id in enumerate(graph)}}
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({**graph, "end": mesh}))
    own_workflow.workflow_file = str(path)
    for value in ("half", "x" * 100_000, "bell\a"):
        with pytest.raises(RuntimeError, match="choose one of n0, n1, n2, n3, n4, n5\\.") as refusal:
            bpy.ops.image_to_3d.choose_candidate(parameter="picture_node", value=value)
        assert len(str(refusal.value)) < 300
    assert bpy.ops.image_to_3d.choose_candidate(parameter="picture_node", value="n999") == {"FINISHED"}


# Names are not translated


def test_names_of_pictures_and_services_are_left_as_they_are(
    extension, sidebar, list_of_jobs, settings, session, image_editor, make_job
):
    for state in ("running", "imported"):
        session.refresh(make_job(state, name="Star", message="Star").id)
    image_editor.image = bpy.data.images.new("Star", 4, 4)
    items = drawn_rows(list_of_jobs)
    drawn = [
        *items,
        *drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs),
        *drawn_by(sidebar.IMAGE_TO_3D_PT_generate_image, space=image_editor),
    ]
    named = [asked for _, asked in drawn if "Star" in asked.get("text", "") or asked.get("text") == "Local"]
    assert len(named) >= 5 and all(asked.get("translate") is False for asked in named)
    assert settings.bl_rna.properties["service"].translation_context == "Names of Services"


def drawn_rows(list_of_jobs):
    """What the rows of the list draw."""
    layout, listed = Layout(), bpy.context.window_manager.image_to_3d
    for item in listed.items:
        list_of_jobs.IMAGE_TO_3D_UL_jobs.draw_item(None, context(), layout, listed, item, 0, listed, "index")
    return layout.drawn


# What the buttons say that they take


def texts(drawn):
    return {asked["operator"].partition(".")[2]: asked.get("text") for name, asked in drawn if name == "operator"}


SENT = {"sent": "2026-01-01T00:00:00.000Z", "task_id": "0193"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Retry for 30 Credits"),  # it was never sent
        (SENT, "Retry"),  # its task may still have the model
        ({**SENT, "task_over": True}, "Retry for 30 Credits"),
        ({**SENT, "gone": True}, "Retry for up to 30 Credits"),
        ({"parameters": {"image_url": "picture.png", "ai_model": "meshy-99"}}, "Retry (Costs Credits)"),
        ({"service": "local"}, "Retry"),
    ],
)
def test_what_takes_credits_says_how_many(list_of_jobs, session, make_job, fields, text):
    fields = {"service": "meshy", "parameters": {"image_url": "picture.png"}, **fields}
    session.refresh(make_job("failed", **fields).id)
    assert texts(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))["retry"] == text


def test_sending_again_and_trying_all_again_say_what_they_take(list_of_jobs, session, make_job):
    fields = {"service": "meshy", "parameters": {"image_url": "picture.png"}}
    make_job("failed", **fields)
    make_job("failed", **fields)
    make_job("unconfirmed", **fields)
    session.tick()
    drawn = texts(drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs))
    assert (drawn["retry_all"], drawn["send_again"]) == ("Retry All 2 for 60 Credits", "Send Again for 30 Credits...")


@pytest.mark.parametrize(
    ("service", "price", "each"),
    [
        ("LOCAL", "", ""),
        ("MESHY", " for 120 Credits", " for 120 Credits Each"),
        ("CSM", " (Costs Credits)", " (Costs Credits)"),
    ],
)
def test_the_menus_say_what_a_press_takes(extension, settings, no_jobs, image_editor, service, price, each):
    settings.service, settings.variants = service, 4
    menus = extension.module("panels.menus")
    drawn = texts(drawn_by(menus.IMAGE_TO_3D_MT_all))
    assert drawn["generate"] == f"Generate 3D Model{price}"
    assert drawn["generate_from_files"] == f"Generate from Files{each}..."
    for draw, read in (
        (menus.draw_add, [f"Image to 3D{each}..."]),
        (menus.draw_image, [f"Generate 3D Model{price}", "Cut Out for Image to 3D"]),
    ):
        layout = Layout()
        draw(SimpleNamespace(layout=layout), context(image_editor))
        assert list(texts(layout.drawn).values()) == read


@pytest.mark.parametrize(
    ("state", "retry", "send_again"),
    [
        ("failed", "Retry Job for 30 Credits", "Send Again..."),
        ("unconfirmed", "Retry Job", "Send Again for 30 Credits..."),
        ("imported", "Retry Job", "Send Again..."),
    ],
)
def test_the_menu_says_what_the_selected_job_takes(extension, session, make_job, state, retry, send_again):
    session.refresh(make_job(state, service="meshy", parameters={"image_url": "picture.png"}).id)
    drawn = texts(drawn_by(extension.module("panels.menus").IMAGE_TO_3D_MT_all))
    assert (drawn["retry"], drawn["send_again"]) == (retry, send_again)


def test_an_imported_variant_says_so_beside_its_buttons(list_of_jobs, session, make_job):
    for number, state in ((1, "imported"), (2, "failed")):
        make_job(state, name=f"Fox {number}", group="a1", variant=number)
    session.tick()
    drawn = drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)
    assert "Fox 1 Imported Fox 2 Failed" in words(drawn)


def test_folded_variants_leave_the_room_of_the_service_to_their_name(list_of_jobs, session, make_job):
    for number in (1, 2):
        make_job("failed", service="meshy", name=f"Fox {number}", group="a1", variant=number)
    session.tick()
    assert words(row_of_group(list_of_jobs)) == "Fox, 2 variants"


def test_variants_show_how_far_they_are_together(list_of_jobs, session, make_job):
    jobs = [
        make_job(state, name=f"Fox {number}", group="a1", variant=number, progress=0.5)
        for number, state in ((1, "imported"), (2, "running"))
    ]
    session.tick()
    (bar,) = [asked for name, asked in row_of_group(list_of_jobs) if name == "progress"]
    assert (bar["factor"], bar["text"]) == (0.75, "75%")
    drawn = drawn_by(list_of_jobs.IMAGE_TO_3D_PT_jobs)
    assert words(drawn).startswith("Fox, 2 variants: Local, 1 of 2 have ended")
    assert ("image_to_3d.cancel", {"job": jobs[1].id}) in operators(drawn)


def row_of_group(list_of_jobs):
    layout = Layout()
    shown = bpy.context.window_manager.image_to_3d
    list_of_jobs.IMAGE_TO_3D_UL_jobs.draw_item(
        SimpleNamespace(), context(), layout, shown, shown.items[0], 0, shown, "index"
    )
    return layout.drawn
