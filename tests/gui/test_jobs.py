# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs in real windows: what it shows, and what its buttons do. Services are stand-ins on this machine."""

import pytest
from gui import jobs
from gui.blender import Box
from gui.screen import HEIGHT, WIDTH
from thorough import thorough

MANY = 1000

DIALOG = Box(WIDTH // 4, HEIGHT // 4, WIDTH * 3 // 4, HEIGHT * 3 // 4)  # where Blender asks for a confirmation


def steps(stand_in, step):
    """The answers that requests of a step have had."""
    return [request.status for request in stand_in.requests if request.step == step]


@pytest.mark.usefixtures("newest")
def test_cancel_and_retry_by_their_buttons(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    panel = jobs.open_panel(blender)
    slow_services.set_progress(slow_services.creates[0].id, -1)  # Meshy has not begun
    blender.click_on("Cancel", panel)
    jobs.until_state(blender, job, "cancelled", seconds=10)
    blender.until("not session.is_busy()", 10)
    assert steps(slow_services, "delete") == [200]
    blender.find("Red Star: Meshy, cancelled", panel)
    blender.click_on("Retry", panel)
    jobs.until_task(blender, job)
    _, second = slow_services.creates
    slow_services.finish(second.id)
    blender.until("'Red Star' in bpy.data.objects")
    blender.find("Red Star: Meshy, imported", panel)


@thorough
@pytest.mark.usefixtures("newest")
def test_cancelling_what_the_service_goes_on_with_says_so(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    panel = jobs.open_panel(blender)
    blender.click_on("Cancel", panel)
    blender.find("Meshy cannot be stopped", blender.status_bar(), seconds=20)
    assert steps(slow_services, "delete") == [409]
    blender.press("ESC")
    blender.find("which is paid for", panel)
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    blender.click_on("Retry", panel, number=1)  # below the sentence
    blender.until("'Red Star' in bpy.data.objects")
    assert len(slow_services.creates) == 1


@pytest.mark.usefixtures("newest")
def test_failure_is_shown_and_reported_and_tried_again(blender, services, sign_in, star):
    sign_in(services)
    services.credits = 0
    panel = jobs.open_panel(blender)
    job = jobs.start(blender, star)
    blender.find("The account at Meshy has too few credits", blender.status_bar(), seconds=20)
    assert jobs.state(blender, job) == "failed"
    blender.press("ESC")  # the report may be beside the mouse, too
    blender.find("Red Star: Meshy, failed", panel)
    blender.find("The account at Meshy has too few", panel)
    services.credits = 100
    blender.click_on("Retry", panel)
    blender.until("'Red Star' in bpy.data.objects")
    assert len(services.creates) == 1


@pytest.mark.usefixtures("newest")
def test_lost_answer_is_adopted_by_its_id(blender, services, sign_in, star, hurry):
    sign_in(services)
    services.play("create", "drop_after")
    services.quirk("meshy", no_list=True)
    panel = jobs.open_panel(blender)
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "unconfirmed")
    for button in ("Look Again", "Adopt Task", "Send Again", "Forget Task"):
        blender.find(button, panel)
    (create,) = services.creates
    blender.click_on("Adopt Task", panel)
    blender.enter(create.id, "Task ID", blender.around())
    blender.click_on("OK", blender.around())
    blender.until("'Red Star' in bpy.data.objects")
    assert blender.run("bpy.data.objects['Red Star']['image_to_3d_task']") == create.id
    assert len(services.creates) == 1


def test_import_undo_and_import_again(blender, services, sign_in, star):
    sign_in(services)
    job = jobs.ready(blender, star)
    panel = jobs.open_panel(blender)
    view = blender.area("VIEW_3D", "WINDOW").center
    blender.click_on("Import", panel)
    blender.until("'Red Star' in bpy.data.objects")
    blender.find("Red Star: Meshy, imported", panel)
    before = blender.run("[o.name for o in bpy.data.objects if 'image_to_3d_job' not in o]")

    blender.move(*view)
    blender.press("Z", ctrl=True)
    blender.until("'Red Star' not in bpy.data.objects")
    assert sorted(blender.run("[o.name for o in bpy.data.objects]")) == sorted(before)
    blender.press("Z", ctrl=True, shift=True)
    blender.until("'Red Star' in bpy.data.objects")
    assert jobs.state(blender, job) == "imported"

    blender.click_on("Import Again", panel)
    blender.until("'Red Star.001' in bpy.data.objects")
    assert len(services.creates) == 1


@thorough
@pytest.mark.usefixtures("newest")
def test_removing_asks_only_where_something_is_lost(blender, services, sign_in, star):
    sign_in(services)
    job = jobs.ready(blender, star)
    panel = jobs.open_panel(blender)
    blender.click(*jobs.trash(blender, panel))
    blender.find("Remove Red Star?", DIALOG)
    blender.press("ESC")
    assert jobs.state(blender, job) == "ready"
    blender.click(*jobs.trash(blender, panel))
    blender.find("Remove Red Star?", DIALOG)
    blender.press("RET")
    blender.find("No jobs yet", panel)

    services.credits = 0
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "failed")
    blender.press("ESC")  # the report of the failure may be beside the mouse
    blender.find("Red Star: Meshy, failed", panel)
    blender.click(*jobs.trash(blender, panel))
    blender.find("No jobs yet", panel)


@thorough
@pytest.mark.usefixtures("newest")
def test_search_among_a_thousand_jobs(blender, services, sign_in, star):
    sign_in(services)
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "imported")
    jobs.copy(blender, job, MANY)
    blender.until("len(session.jobs()) == many + 1", 120, many=MANY)
    panel = jobs.open_panel(blender)
    assert blender.sees("Lantern", jobs.list_of(panel))
    blender.click(*jobs.search_field(panel))
    blender.type("whale mesh")
    blender.press("RET")
    blender.find("Blue Whale", jobs.list_of(panel))
    assert not blender.sees("Lantern", jobs.list_of(panel))
    blender.click_on("Blue Whale", jobs.list_of(panel))
    blender.find("Blue Whale: Meshy, imported", panel)


MENU_PX = 26  # the height of the bar with Blender's own menus

CLOSE_SECOND = """
with bpy.context.temp_override(window=bpy.context.window_manager.windows[1]):
    bpy.ops.wm.window_close()
"""


@pytest.fixture
def two_windows(blender):
    """The Blender with the list of jobs in sight, and a second window as a user opens it."""
    jobs.open_panel(blender)
    blender.click_on("Window", Box(0, 0, WIDTH // 2, MENU_PX))
    blender.click_on("New Window", blender.around())
    blender.until("len(bpy.context.window_manager.windows) == 2")
    blender.settle()
    return blender


@thorough
def test_both_windows_show_the_job_and_the_model_arrives_once(two_windows, slow_services, sign_in, star):
    blender = two_windows
    sign_in(slow_services)
    second = jobs.open_panel(blender, number=1)
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    blender.find("Red Star: Meshy, running", second)
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    blender.find("Red Star: Meshy, imported", second)
    assert jobs.models(blender) == ["Red Star"]
    blender.run(CLOSE_SECOND)
    blender.find("Red Star: Meshy, imported", blender.area("VIEW_3D", "UI"))


def test_closing_the_window_in_which_generate_was_pressed(two_windows, slow_services, sign_in, star):
    blender = two_windows
    sign_in(slow_services)
    blender.run(
        "chosen = bpy.context.scene.image_to_3d\nchosen.service, chosen.filepath = 'MESHY', path\n", path=str(star)
    )
    side = blender.open_sidebar(number=1)
    blender.click_on("Generate for 30 Credits", side)
    blender.until("len(session.jobs()) == 1")
    job = blender.run(f"{jobs.LAST}.id")
    jobs.until_task(blender, job)
    blender.run(CLOSE_SECOND)
    blender.until("len(bpy.context.window_manager.windows) == 1")
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    blender.until("'Red Star' in bpy.data.objects")
    assert jobs.models(blender) == ["Red Star"]


@pytest.mark.usefixtures("newest")
def test_stage_and_time_left_in_words(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    panel = jobs.open_panel(blender)
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    blender.find("Meshy is working", panel, number=0)  # once in the list, once below it
    (create,) = slow_services.creates
    for percent in range(10, 95):
        slow_services.set_progress(create.id, percent)
        blender.until("session.job(job).progress >= share", job=job, share=percent / 100 * 0.75)
        if blender.run("session.pace.seconds_left(job, __import__('time').monotonic())", job=job) is not None:
            break
    blender.find("less than 1 min left", panel)
