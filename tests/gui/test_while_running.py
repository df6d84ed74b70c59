# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do to Blender while jobs run, in real windows: other files, other modes, other tools, quitting, crashes,
autosave."""

import time
from pathlib import Path

import pytest
from gui import jobs
from gui.blender import BlenderError, Box
from PIL import Image
from thorough import thorough

QUIT_AT_MOST_S = 20  # far beyond what a person would put up with; the bench knows the bound
PROGRESS_PX = 260  # the right end of the status bar, with the progress

CUBE = "[round(value, 3) for value in bpy.data.objects['Cube'].location]"
PROCESSES = "[p.pid for p in session.processes.values()]"


def ended(pid):
    """Whether a process is gone, or only waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until_ended(pids, seconds=10):
    end = time.monotonic() + seconds
    while not all(ended(pid) for pid in pids):
        assert time.monotonic() < end, f"of the processes {pids}, some still run"
        time.sleep(0.05)


def children(blender):
    """The processes that Blender has started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == blender.process.pid and after[0] != "Z":
            found.append(int(path.parent.name))
    return found


def progress_box(blender):
    """Where the status bar shows the progress."""
    bar = blender.status_bar()
    return Box(bar.right - PROGRESS_PX, bar.top, bar.right, bar.bottom)


@pytest.fixture
def running(blender, slow_services, sign_in, star):
    """A job that the service works on until a test lets it finish: its id."""
    sign_in(slow_services)
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    return job


@pytest.fixture
def finish(slow_services):
    """Lets the service finish the one task there is."""

    def finish():
        (create,) = slow_services.creates
        slow_services.finish(create.id)

    return finish


def import_by_hand(blender, job):
    """Import a job's model by its button, once it is said that it waits."""
    jobs.until_state(blender, job, "ready")
    blender.find("import it from the list of jobs", blender.status_bar())
    assert jobs.models(blender) == []
    blender.click_on("Import", jobs.open_panel(blender))
    blender.until("'Red Star' in bpy.data.objects")
    assert jobs.state(blender, job) == "imported"


@thorough
@pytest.mark.usefixtures("newest")
def test_new_file_does_not_get_the_model_by_itself(blender, running, finish):
    blender.press("N", ctrl=True)
    blender.click_on("General", blender.around())
    blender.until("session.job(job).state == 'running'", job=running)
    finish()
    import_by_hand(blender, running)


def test_opened_file_does_not_get_the_model_by_itself(blender, running, finish, tmp_path):
    path = str(tmp_path / "other.blend")
    blender.run("bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)", path=path)
    blender.run("bpy.ops.wm.open_mainfile(filepath=path)", path=path)
    finish()
    import_by_hand(blender, running)


@pytest.mark.parametrize(
    "mode", ["EDIT", pytest.param("SCULPT", marks=thorough), pytest.param("TEXTURE_PAINT", marks=thorough)]
)
def test_mode_and_selection_stay(blender, services, sign_in, star, mode):
    sign_in(services)
    how = "[bpy.context.mode, bpy.context.object.name, sorted(o.name for o in bpy.context.selected_objects)]"
    blender.run("bpy.ops.object.mode_set(mode=mode)", mode=mode)
    before = blender.run(how)
    jobs.start(blender, star)
    blender.until("'Red Star' in bpy.data.objects")
    assert blender.run(how) == before
    assert mode.partition("_")[2] or mode in before[0]


@pytest.mark.parametrize("end", ["LEFTMOUSE", pytest.param("ESC", marks=thorough)])
def test_model_waits_for_the_end_of_a_move(blender, running, finish, end):
    """And so undo takes back the move as a whole, and the model by itself."""
    x, y = blender.area("VIEW_3D", "WINDOW").center
    blender.press("G")
    blender.move(x + 60, y + 20)
    finish()
    jobs.until_state(blender, running, "ready")
    blender.move(x + 120, y + 40)
    assert blender.run("'TRANSFORM_OT_translate' in [o.bl_idname for o in bpy.context.window.modal_operators]")
    assert jobs.models(blender) == []
    blender.press(end)
    blender.until("'Red Star' in bpy.data.objects")
    moved = blender.run(CUBE)
    assert (moved != [0, 0, 0]) == (end == "LEFTMOUSE")
    blender.press("Z", ctrl=True)
    assert jobs.models(blender) == []
    assert blender.run(CUBE) == moved
    blender.press("Z", ctrl=True)
    assert blender.run(CUBE) == [0, 0, 0]


SCULPT = """
bpy.ops.object.mode_set(mode="EDIT")
bpy.ops.mesh.subdivide(number_cuts=20)
bpy.ops.object.mode_set(mode="SCULPT")
bpy.ops.ed.undo_push(message="Sculpt Mode")
"""
MODAL = "[operator.bl_idname for operator in bpy.context.window.modal_operators if operator]"


def test_model_waits_for_the_end_of_a_stroke(blender, running, finish):
    """One that came in the middle of it ended Blender 5.2.2."""
    blender.run(SCULPT)
    x, y = blender.area("VIEW_3D", "WINDOW").center
    blender.move(x, y)
    blender.hold()
    blender.move(x + 20, y + 10)
    if "SCULPT_OT_brush_stroke" not in blender.run(MODAL):
        blender.let_go()
        pytest.skip("this Blender comes without brushes")
    finish()
    jobs.until_state(blender, running, "ready", "imported")
    blender.until("session.waits_for(session.job(job))", job=running)
    assert jobs.models(blender) == []
    blender.move(x + 40, y + 20)
    blender.let_go()
    blender.until("'Red Star' in bpy.data.objects")
    assert blender.run("bpy.context.mode") == "SCULPT"
    blender.press("Z", ctrl=True)
    blender.press("Z", ctrl=True)  # 5.2.2 takes any step that follows a stroke back with the second undo only
    assert jobs.models(blender) == []
    assert blender.run("bpy.context.mode") == "SCULPT"


@pytest.fixture
def short_hold(blender):
    """A tool may be held for a second only, before a model is left to the user."""
    limit = blender.run("session.arrivals.hand_full_at_most_s")
    blender.run("session.arrivals.hand_full_at_most_s = 1")
    yield
    blender.run("session.arrivals.hand_full_at_most_s = limit", limit=limit)


@pytest.fixture
def left_while_a_move_is_held(blender, running, finish, short_hold):
    """A job whose model is left to the user, as the cube is being moved for so long: its id."""
    x, y = blender.area("VIEW_3D", "WINDOW").center
    blender.press("G")
    blender.move(x + 60, y + 20)
    finish()
    jobs.until_state(blender, running, "ready", "imported")
    blender.until("not session.is_busy()")
    assert jobs.models(blender) == []
    assert blender.run(CUBE) != [0, 0, 0]
    return running


def cancel_undo_and_redo(blender):
    """Where the cube stands after each of these."""
    blender.press("ESC")
    places = [blender.run(CUBE)]
    for shift in (False, True):
        blender.press("Z", ctrl=True, shift=shift)
        places.append(blender.run(CUBE))
    return places


@thorough
def test_model_is_left_to_the_user_where_a_tool_is_held_for_long(blender, left_while_a_move_is_held):
    """And the move that was cancelled is in no undo step."""
    blender.find("Red Star is ready", blender.status_bar())
    assert cancel_undo_and_redo(blender) == [[0, 0, 0]] * 3
    import_by_hand(blender, left_while_a_move_is_held)


@thorough
def test_model_that_is_imported_while_a_tool_is_held_is_no_undo_step(blender, left_while_a_move_is_held):
    blender.run("bpy.ops.image_to_3d.import_result(job=job)", job=left_while_a_move_is_held)
    assert jobs.models(blender) == ["Red Star"]
    assert cancel_undo_and_redo(blender) == [[0, 0, 0]] * 3


RENDER = """
import time
scene = bpy.context.scene
scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
scene.cycles.samples, scene.cycles.use_denoising = 1, False  # not every Blender can denoise
scene.render.resolution_x, scene.render.resolution_y, scene.render.filepath = 32, 32, path
scene.frame_end = 6
bpy.data.objects["Cube"].hide_render = True  # the model would stand in it
bpy.context.preferences.view.render_display_type = "NONE"
bpy.app.driver_namespace["hold"] = True

def hold(scene, *_):
    while scene.frame_current == 3 and bpy.app.driver_namespace["hold"]:
        time.sleep(0.02)  # in the render's own thread

bpy.app.handlers.render_pre.append(hold)
bpy.ops.render.render("INVOKE_DEFAULT", animation=True)
"""
GO_ON = "bpy.app.driver_namespace['hold'] = False"

VIEWPORT_RENDER = """
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y, scene.render.filepath = 32, 32, path
scene.frame_end = 100_000
bpy.context.preferences.view.render_display_type = "NONE"
bpy.ops.render.opengl("INVOKE_DEFAULT", animation=True)
"""
TO_THE_LAST = "bpy.context.scene.frame_set(bpy.context.scene.frame_end)"  # 5.2 does not see a simulated Esc

NO_RENDER = """
modal = [operator.bl_idname for operator in bpy.context.window.modal_operators if operator]
not bpy.app.is_job_running("RENDER") and "RENDER_OT_opengl" not in modal
"""
WAITS = "Red Star is ready and waits for the render to end"


@pytest.fixture
def render(blender, tmp_path):
    """Begins a render of an animation; it waits at its third frame to be told to go on. Returns where its pictures
    are."""
    yield lambda: blender.run(RENDER, path=f"{tmp_path}/") and tmp_path
    blender.run(GO_ON)
    blender.until(NO_RENDER)


@pytest.fixture
def viewport_render(blender, tmp_path):
    """Begins a render of the 3D View, which is long."""
    yield lambda: blender.run(VIEWPORT_RENDER, path=f"{tmp_path}/")
    blender.run(TO_THE_LAST)
    blender.until(NO_RENDER)


def test_model_waits_for_the_end_of_a_render(blender, running, finish, render):
    panel = jobs.open_panel(blender)
    folder = render()
    finish()
    jobs.until_state(blender, running, "ready", "imported")
    blender.find(WAITS, blender.status_bar())
    blender.find(WAITS, panel)
    with pytest.raises(BlenderError, match="wait for the render to end, then import it"):
        blender.run("bpy.ops.image_to_3d.import_result(job=job)", job=running)
    assert jobs.models(blender) == []
    assert not blender.run(NO_RENDER)
    blender.run(GO_ON)
    blender.until("'Red Star' in bpy.data.objects")
    pictures = [Image.open(path).tobytes() for path in sorted(folder.glob("*.png"))]
    assert len(pictures) == 6 and len(set(pictures)) == 1
    blender.find("Red Star: Meshy, imported", panel)
    assert not blender.sees("waits", blender.status_bar())


@thorough
def test_model_waits_for_the_end_of_a_viewport_render(blender, running, finish, viewport_render):
    viewport_render()
    finish()
    jobs.until_state(blender, running, "ready", "imported")
    blender.find(WAITS, blender.status_bar())
    assert jobs.models(blender) == []
    assert not blender.run(NO_RENDER)
    blender.run(TO_THE_LAST)
    blender.until("'Red Star' in bpy.data.objects")


@thorough
def test_model_arrives_beside_a_box_that_is_drawn(blender, running, finish):
    blender.run("bpy.context.space_data.overlay.show_overlays = True")  # else a box takes neither camera nor light
    x, y = blender.area("VIEW_3D", "WINDOW").center
    blender.press("B")
    blender.move(x + 60, y + 20)
    finish()
    jobs.until_state(blender, running, "ready", "imported")
    blender.drag((x - 300, y - 300), (x + 300, y + 300))
    blender.until("'Red Star' in bpy.data.objects")
    assert blender.run("bpy.data.objects['Cube'].select_get()")


@thorough
def test_model_arrives_while_an_animation_plays(blender, running, finish):
    blender.press("SPACE")
    blender.until("bpy.context.screen.is_animation_playing")
    finish()
    blender.until("'Red Star' in bpy.data.objects")
    assert blender.run("bpy.context.screen.is_animation_playing")
    blender.press("SPACE")
    blender.until("not bpy.context.screen.is_animation_playing")


@pytest.mark.usefixtures("newest")
def test_keyboard_and_mouse_work_while_a_job_runs(blender, running):
    blender.press("F2")
    blender.press("A", ctrl=True)
    blender.type("Hat-Box 7")
    blender.press("RET")
    blender.until("'Hat-Box 7' in bpy.data.objects")
    blender.search("Add Monkey")
    blender.until("'Suzanne' in bpy.data.objects")
    x, y = blender.area("VIEW_3D", "WINDOW").center
    before = blender.run("[*bpy.context.region_data.view_rotation]")
    blender.drag((x, y), (x + 200, y + 50), button="MIDDLEMOUSE")
    assert blender.run("[*bpy.context.region_data.view_rotation]") != before
    assert jobs.state(blender, running) == "running"


@pytest.mark.usefixtures("newest")
def test_status_bar_shows_the_progress_and_nothing_afterwards(blender, running, finish, slow_services):
    slow_services.set_progress(slow_services.creates[0].id, 40)
    blender.find("Red Star: 30%", progress_box(blender))
    finish()
    blender.until("'Red Star' in bpy.data.objects")
    blender.until("not session.is_busy()")
    assert not blender.sees("Red Star", progress_box(blender))


LEFT = """
import sys
handlers = {name: len(kind) for name in dir(bpy.app.handlers) if isinstance(kind := getattr(bpy.app.handlers, name), list)}
menus = {
    name: len(kind.draw._draw_funcs)
    for name in dir(bpy.types)
    if hasattr(getattr(kind := getattr(bpy.types, name), "draw", None), "_draw_funcs")
}
classes = sorted(name for name in dir(bpy.types) if "image_to_3d" in name.lower())
properties = [hasattr(kind, "image_to_3d") for kind in (bpy.types.Scene, bpy.types.WindowManager)]
modules = sorted(name for name in sys.modules if name.startswith(EXTENSION + "."))
windows = bpy.context.window_manager.windows
modal = [str(o) for w in windows for o in w.modal_operators if o and bpy.types.bpy_struct.as_pointer(o)]
timers = [bpy.app.timers.is_registered(timer) for timer in bpy.app.driver_namespace.get("timers", [])]
[handlers, menus, classes, properties, modules, dir(bpy.ops.image_to_3d), modal, timers]
"""
DISABLE = "bpy.ops.preferences.addon_disable(module=EXTENSION)"
ENABLE = "bpy.ops.preferences.addon_enable(module=EXTENSION)"
NOTE_TIMERS = "bpy.app.driver_namespace['timers'] = [module('operators.watch').beat]"


def test_disabled_while_jobs_run_and_enabled_again(start_blender, slow_services, star):
    blender = start_blender(**jobs.account(slow_services))
    blender.run(DISABLE)
    blender.run(ENABLE)
    blender.run(DISABLE)
    nothing = blender.run(LEFT)
    assert nothing[2:] == [[], [False, False], [], [], [], []]
    blender.run(ENABLE)
    assert blender.run(LEFT) != nothing
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")

    web, local = jobs.start(blender, star), jobs.start(blender, star, "LOCAL")
    jobs.until_task(blender, web)
    processes = blender.run(PROCESSES)
    assert processes and set(processes) <= set(children(blender))
    blender.run(NOTE_TIMERS)
    assert blender.run(LEFT)[-1] == [True]
    blender.run(DISABLE)
    left = blender.run(LEFT)
    assert left == [*nothing[:-1], [False]]
    until_ended(processes)
    assert children(blender) == []
    blender.search("Add Monkey")  # nothing of ours is in the way of an event, or of a drawing
    blender.until("'Suzanne' in bpy.data.objects")

    blender.run(ENABLE)
    blender.find("jobs from before go on", blender.status_bar())
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    for job in (web, local):  # the file is still open: both models enter it
        jobs.until_state(blender, job, "imported", seconds=60)
    assert len(slow_services.creates) == 1


@pytest.mark.usefixtures("newest")
def test_killed_and_started_again(start_blender, slow_services, star):
    blender = start_blender(**jobs.account(slow_services))
    job = jobs.start(blender, star)
    jobs.until_task(blender, job)
    processes = blender.run(PROCESSES)
    blender.kill()
    until_ended(processes)
    blender.start()
    blender.find("1 job from before goes on", blender.status_bar())
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    import_by_hand(blender, job)
    assert len(slow_services.creates) == 1


@pytest.mark.usefixtures("newest")
def test_quit_while_jobs_run_and_started_again(start_blender, slow_services, star):
    blender = start_blender(**jobs.account(slow_services))
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")
    web, local = jobs.start(blender, star), jobs.start(blender, star, "LOCAL")
    jobs.until_task(blender, web)
    processes = blender.run(PROCESSES)
    assert processes
    took_s = blender.quit()
    print(f"Blender ended within {took_s:.2f} s")
    assert took_s < QUIT_AT_MOST_S
    until_ended(processes)
    blender.start()
    blender.find("jobs from before go on", blender.status_bar())
    (create,) = slow_services.creates
    slow_services.finish(create.id)
    for job in (web, local):
        jobs.until_state(blender, job, "ready", seconds=60)
    assert jobs.models(blender) == []
    assert len(slow_services.creates) == 1


@pytest.mark.timeout(300)
def test_autosave_during_a_job_of_three_minutes(long_job):
    """Begun before the first test, so that it runs beside all others."""
    blender, job, stand_in = long_job
    jobs.until_state(blender, job, "imported", seconds=240)
    saves = blender.run("bpy.app.driver_namespace['saves']")
    (create,) = stand_in.creates
    until = stand_in.done_at(create.id)
    during = [path for path, at in saves if create.at < at < until]
    assert len(during) >= 2, saves
