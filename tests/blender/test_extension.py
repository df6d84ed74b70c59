# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as a guest: it leaves nothing behind, starts nothing by itself, and speaks as Blender's guidelines
say."""

import subprocess
import sys

import bpy
import bpy.utils.previews
import leftovers

MENUS = ("TOPBAR_MT_file_import", "VIEW3D_MT_add", "IMAGE_MT_image", "STATUSBAR_HT_header")


def entries(extension):
    """By menu and header of Blender: how many of our functions draw in it."""
    drawing = {name: getattr(bpy.types, name)._dyn_ui_initialize() for name in MENUS}
    return {
        name: sum(draw.__module__.startswith(extension.name) for draw in functions)
        for name, functions in drawing.items()
    }


def traces(extension):
    """What a registered extension shows of itself."""
    return {
        "entries": entries(extension),
        "timers": len(leftovers.timers(extension.name)),
        "handlers": len(leftovers.handlers(extension.name)),
        "previews": len(bpy.utils.previews._uuid_open),
        "window manager": hasattr(bpy.types.WindowManager, "image_to_3d"),
        "file handlers": [cls.__name__ for cls in bpy.types.FileHandler.__subclasses__() if cls.is_registered],
        "operators": dir(bpy.ops.image_to_3d),
        "types": [name for name in dir(bpy.types) if name.startswith("IMAGE_TO_3D")],
        "scene": hasattr(bpy.types.Scene, "image_to_3d"),
        "groups": [cls.__name__ for cls in bpy.types.PropertyGroup.__subclasses__() if "IMAGE_TO_3D" in cls.__name__],
        "modules": sorted(name for name in sys.modules if name.startswith(f"{extension.name}.")),
    }


def test_enable_disable_enable_leaves_nothing_and_works_again(extension, star):
    extension.module("session").current().previews.icon_of(str(star))
    enabled = traces(extension)
    assert enabled["timers"], "without one, this would not see one that is left"
    assert enabled["operators"] and enabled["types"] and enabled["scene"] and enabled["window manager"]
    assert enabled["entries"] == dict.fromkeys(MENUS, 1)
    assert "IMAGE_TO_3D_FH_pictures" in enabled["file handlers"]
    try:
        extension.disable()
        gone = traces(extension)
        assert not gone["operators"] and not gone["types"] and not gone["scene"] and not gone["modules"]
        assert not hasattr(sys.modules[extension.name], "session")  # which the next start would find instead of its own
        assert not gone["window manager"] and gone["entries"] == dict.fromkeys(MENUS, 0)
        assert "IMAGE_TO_3D_FH_pictures" not in gone["file handlers"]
        assert gone["previews"] == enabled["previews"] - 1
        assert gone["timers"] == gone["handlers"] == 0
    finally:
        extension.enable()
    changed = {"groups": 0, "modules": 0, "previews": 0}
    assert {**traces(extension), **changed} == {**enabled, **changed}
    bpy.context.scene.image_to_3d.local.resolution = "LOW_POLY"
    assert bpy.ops.image_to_3d.generate(filepath=str(star)) == {"FINISHED"}


def test_disabling_while_a_job_runs_stops_its_process(extension, settings, star, session):
    job = extension.module("session.start").start_job(bpy.context.scene, filepath=str(star))
    session.tick()
    process = session.processes[job.id]
    beat = extension.module("operators.watch").beat
    assert bpy.app.timers.is_registered(beat)
    extension.disable()
    try:
        process.wait(30)
        assert not leftovers.timers(extension.name)
    finally:
        extension.enable()
    assert bpy.app.timers.is_registered(extension.module("operators.watch").beat)


def test_enabling_imports_nothing_slow():
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); import image_to_3d, image_to_3d.api, "
            "image_to_3d.jobs.history; "
            "print([name for name in ('requests', 'numpy', 'bpy') if name in sys.modules])",
            next(path for path in sys.path if path.endswith("user_default")),
        ],
        capture_output=True,
        text=True,
    )
    assert loaded.stdout.strip() == "[]", loaded.stderr


ENABLING = """
import sys

import bpy
import addon_utils

addon_utils.modules(refresh=True)  # Blender has read the manifests of all extensions before
before = set(sys.modules)
package = __import__(sys.argv[1], fromlist=["register"])
package.register()
print(*(set(sys.modules) - before))
package.unregister()
"""
"""What Blender does with an enabled extension at its start, and what that has loaded."""

AT_THE_START = {
    "api": {"about", "access", "errors", "parameters", "services", "sources", "waiting"},
    "jobs": {"state"},
    "scene": {"lengths", "settings", "shown"},
    "scripting": {"interrupt"},
    "session": {"joblist"},
}
"""All that may be loaded of the rooms behind the operators and panels: what they register and compare. A module that
comes to this list makes every start of Blender slower."""


def test_enabling_loads_nothing_that_is_used_later_only(extension):
    """In a process of its own, as another test may have loaded anything."""
    done = subprocess.run([sys.executable, "-c", ENABLING, extension.name], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    ours = {name.removeprefix(f"{extension.name}.") for name in loaded if name.startswith(f"{extension.name}.")}
    found = {tuple(name.split(".")[:2]) for name in ours if "." in name}
    assert {room for room, _ in found} | (ours & {"files", "headless", "programs"}) == {
        *AT_THE_START,
        "operators",
        "panels",
    }
    for room, modules in AT_THE_START.items():
        assert {module for its_room, module in found if its_room == room} == modules
    assert not [name for name in ours if name.endswith((".client", ".web", ".prices"))]
    assert "operators.background" not in ours
    slow = {"ctypes", "json", "numpy", "requests", "signal", "ssl", "subprocess", "urllib3"}
    assert not loaded & slow


BLENDERS_OWN = {"remove_name", "remove_active"}
"""Properties that Blender's preset operators bring along."""


def labelled(extension):
    """Each operator, panel and property of ours, with the label and the tooltip that people read."""
    for name in dir(bpy.ops.image_to_3d):
        rna = getattr(bpy.ops.image_to_3d, name).get_rna_type()
        yield f"operator {name}", rna.name, rna.description
        yield from _properties(f"operator {name}", rna)
    settings = bpy.context.scene.image_to_3d
    yield from _properties("settings", settings.bl_rna)
    for service in ("local", "comfyui", "csm", "meshy"):
        yield from _properties(service, getattr(settings, service).bl_rna)
    yield from _properties("preferences", extension.preferences.bl_rna)
    yield from _properties("list of jobs", bpy.context.window_manager.image_to_3d.bl_rna)
    for name in dir(bpy.types):
        if "IMAGE_TO_3D_PT" in name or "IMAGE_TO_3D_MT" in name or "IMAGE_TO_3D_FH" in name:
            cls = getattr(bpy.types, name)
            yield name, cls.bl_label, cls.__doc__.partition("\n")[0].partition(";")[0]


def _properties(owner, rna):
    for prop in rna.properties:
        if prop.identifier in {"rna_type", "name", "bl_idname", "local", *BLENDERS_OWN}:
            continue
        yield f"{owner}.{prop.identifier}", prop.name, prop.description
        if prop.type == "ENUM":
            for item in prop.enum_items:
                yield f"{owner}.{prop.identifier} {item.identifier}", item.name, item.description


SMALL_WORDS = {"at", "on", "to", "of", "in", "a", "the", "and"}


def test_every_label_is_in_title_case_and_every_tooltip_a_sentence_without_full_stop(extension):
    wrong = []
    for where, label, tooltip in labelled(extension):
        words = label.split()
        title = all(word[0].isupper() or word[0].isdigit() or word in SMALL_WORDS for word in words)
        begins_well = tooltip and (tooltip[0].isupper() or tooltip[0].isdigit())
        good_tooltip = begins_well and not tooltip.endswith(".") and "\n" not in tooltip
        if not (words and title and good_tooltip):
            wrong.append((where, label, tooltip))
    assert not wrong


def test_the_properties_mirror_the_services_parameters():
    group = bpy.context.scene.image_to_3d.local
    names = {prop.identifier for prop in group.bl_rna.properties} - {"rna_type", "name"}
    assert names == {
        "geometry_model",
        "texture_model",
        "scaled_bbox",
        "preserve_aspect_ratio",
        "topology",
        "resolution",
        "cutout",
        "back",
        "back_image_url",
        "left_image_url",
        "right_image_url",
    }
    assert (group.geometry_model, group.texture_model, group.topology) == ("BASE", "PBR", "TRIS")
    assert (group.resolution, group.preserve_aspect_ratio, group.cutout) == ("HIGH_POLY", False, "AUTO")
    assert group.back == "MIRRORED"
    assert list(group.scaled_bbox) == [-1, -1, -1]


def test_nothing_of_the_settings_is_lost_in_a_saved_file(tmp_path):
    bpy.context.scene.image_to_3d.local.topology = "QUADS"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert bpy.context.scene.image_to_3d.local.topology == "QUADS"
