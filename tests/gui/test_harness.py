# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools of the other tests: that what they press arrives, what they read is there, and what breaks is told."""

import pytest
from gui.blender import BlenderError, BlenderGone

REPORT = """
class Try(bpy.types.Operator):
    bl_idname, bl_label = "wm.try_report", "Try"

    def modal(self, context, event):
        self.report({kind}, "Red Star: 3 of 4 jobs have ended")
        return {"FINISHED"}

    def invoke(self, context, event):
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

bpy.utils.register_class(Try)
bpy.ops.wm.try_report("INVOKE_DEFAULT")
bpy.app.timers.register(lambda: bpy.utils.unregister_class(Try), first_interval=3)
"""


def test_sidebar_and_generate_by_mouse_and_keyboard(blender, star, save):
    side = blender.open_sidebar()
    blender.find("Generate 3D Model", side)
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")
    blender.enter(str(star), "File", side, number=1)  # the first is the source's value
    assert blender.run("bpy.context.scene.image_to_3d.filepath") == str(star)
    blender.click_on("Generate 3D Model", side)
    blender.until("'Red Star' in bpy.data.objects", 60)
    assert save("whole_window", blender).is_file()


@pytest.mark.usefixtures("newest")
def test_operator_from_the_search_menu(blender):
    blender.search("Add Monkey")
    blender.until("'Suzanne' in bpy.data.objects")


@pytest.mark.usefixtures("newest")
def test_menu_is_read_and_clicked(blender):
    blender.click_on("Add", blender.area("VIEW_3D", "HEADER"))
    blender.click_on("Empty", blender.around())
    blender.click_on("Plain Axes", blender.around())
    blender.until("'Empty' in bpy.data.objects")


@pytest.mark.usefixtures("newest")
def test_what_is_not_there_is_not_found(blender):
    header = blender.area("VIEW_3D", "HEADER")
    assert blender.sees("Object Mode", header)
    assert not blender.sees("Sculpt Mode", header)
    with pytest.raises(AssertionError, match=r"'Sculpt Mode' is nowhere. .*not found.png .* read was: .*Object Mode"):
        blender.find("Sculpt Mode", header, seconds=0)


def test_drag_moves_the_view(blender):
    before = blender.run("[*bpy.context.region_data.view_rotation]")
    x, y = blender.area("VIEW_3D", "WINDOW").center
    blender.drag((x, y), (x + 200, y + 50), button="MIDDLEMOUSE")
    assert blender.run("[*bpy.context.region_data.view_rotation]") != before


@pytest.mark.usefixtures("newest")
def test_another_window_is_used_where_it_is(blender):
    blender.run("bpy.ops.screen.userpref_show(section='SYSTEM')")
    box = blender.area("PREFERENCES")
    blender.click_on("Themes", box)
    blender.until("bpy.context.preferences.active_section == 'THEMES'")


@pytest.mark.usefixtures("newest")
def test_each_test_begins_anew(blender):
    """After the tests before: one window, the usual objects, no jobs, a closed sidebar."""
    assert blender.run("len(bpy.context.window_manager.windows)") == 1
    assert sorted(blender.run("[o.name for o in bpy.data.objects]")) == ["Camera", "Cube", "Light"]
    assert blender.run("len(session.jobs())") == 0
    assert not blender.run("bpy.context.space_data.show_region_ui")


@pytest.mark.usefixtures("newest")
def test_python_that_fails_says_where(blender):
    with pytest.raises(BlenderError, match="ZeroDivisionError"):
        blender.run("1 / 0")


@pytest.mark.usefixtures("newest")
def test_killed_and_started_again_in_the_same_folder(fresh_blender):
    fresh_blender.run("import os; open(os.path.join(bpy.utils.resource_path('USER'), 'left'), 'w').close()")
    fresh_blender.kill()
    fresh_blender.start()
    assert fresh_blender.run("import os; os.path.exists(os.path.join(bpy.utils.resource_path('USER'), 'left'))")
    fresh_blender.quit()
    assert not fresh_blender.is_alive()


@pytest.mark.usefixtures("newest")
def test_crash_is_told(start_blender):
    blender = start_blender()
    with pytest.raises(BlenderGone, match="Blender ended with"):
        blender.run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")


@pytest.mark.usefixtures("newest")
def test_file_new_does_not_end_the_line(blender):
    blender.press("N", ctrl=True)
    blender.click_on("General", blender.around())
    blender.until("bpy.data.filepath == ''")
    assert blender.run("1 + 1") == 2


def test_services_are_reached(blender, services, sign_in, star):
    sign_in(services)
    blender.run("bpy.ops.image_to_3d.generate('INVOKE_DEFAULT', filepath=path, service='MESHY'); 0", path=str(star))
    blender.until("'Red Star' in bpy.data.objects", 60)
    assert len(services.creates) == 1


@pytest.mark.usefixtures("newest")
@pytest.mark.parametrize("kind", ["INFO", "WARNING", "ERROR"])
def test_report_is_read_in_the_status_bar(blender, kind):
    blender.run(REPORT, kind=kind)
    blender.move(700, 500)  # the operator waits for an event
    blender.find("Red Star: 3 of 4 jobs have ended", blender.status_bar())
