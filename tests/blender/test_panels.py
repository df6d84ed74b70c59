# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels and the preferences draw, without a window: on a layout that notes what it is asked for."""

from types import SimpleNamespace

import bpy
import pytest

WEB_SERVICES = ("MESHY", "CSM")


class Layout:
    """Notes what is drawn, and refuses what Blender's own layout would refuse."""

    def __init__(self, drawn=None):
        self.__dict__.update(drawn=[] if drawn is None else drawn, asked={})

    def __getattr__(self, name):
        function = bpy.types.UILayout.bl_rna.functions[name]  # a KeyError is one in Blender too

        def draw(*arguments, **options):
            names = [parameter.identifier for parameter in function.parameters if not parameter.is_output]
            asked = {**dict(zip(names, arguments, strict=False)), **options}
            check(function, asked)
            if name == "operator":
                operator = Operator(asked["operator"])
                self.drawn.append((name, {**asked, "set": operator.properties, "enabled": self.asked.get("enabled")}))
                return operator
            self.drawn.append((name, {**asked, "layout": self}))
            made = [Layout(self.drawn) for parameter in function.parameters if parameter.is_output]
            if name == "panel":
                return made[0], None if CLOSED in self.drawn else made[1]
            return made[0] if made else None

        return draw

    def __setattr__(self, name, value):
        assert name in bpy.types.UILayout.bl_rna.properties
        self.asked[name] = value


CLOSED = ("closed", {})
"""In the list of what is drawn: sub-panels are closed."""


class Operator:
    """What a layout gives for an operator: its properties can be set, and no others."""

    def __init__(self, idname):
        group, _, name = idname.partition(".")
        known = getattr(getattr(bpy.ops, group), name).get_rna_type()  # a KeyError where there is none
        self.__dict__.update(known={prop.identifier for prop in known.properties}, properties={})

    def __setattr__(self, name, value):
        assert name in self.known
        self.properties[name] = value


def check(function, asked):
    for name, value in asked.items():
        parameter = function.parameters[name]
        if parameter.type == "ENUM" and name != "heading":
            assert value in parameter.enum_items or name == "icon_value", f"{name} {value}"
    if function.identifier == "prop":
        data, prop = asked["data"], asked["property"]
        assert prop in data.bl_rna.properties, f"{prop} is no property"
    if function.identifier == "progress":
        assert 0 <= asked["factor"] <= 1


def drawn_by(cls, drawn=(), **attributes):
    """What a panel, or the preferences, draw."""
    owner = SimpleNamespace(layout=Layout(list(drawn)), **attributes)
    system = SimpleNamespace(ui_scale=1.0)  # Blender's own says 0 as long as there is no window
    context = SimpleNamespace(
        scene=bpy.context.scene,
        preferences=SimpleNamespace(system=system),
        region=SimpleNamespace(width=240),
    )
    cls.draw(owner, context)
    return owner.layout.drawn


def words(drawn):
    """All that can be read beside the properties; a sentence may be drawn in several lines."""
    return " ".join(asked["text"] for _, asked in drawn if asked.get("text"))


def operators(drawn):
    return [(asked["operator"], asked["set"]) for name, asked in drawn if name == "operator"]


def properties(drawn):
    return [asked["property"] for name, asked in drawn if name == "prop"]


@pytest.fixture
def sidebar(extension):
    return extension.module("panels.sidebar")


@pytest.mark.parametrize("service", ["LOCAL", *WEB_SERVICES])
@pytest.mark.parametrize("source", ["FILE", "IMAGE", "URL"])
def test_each_service_and_source_has_its_rows(sidebar, settings, monkeypatch, service, source):
    monkeypatch.setenv("MESHY_API_KEY", "msy_1")
    settings.service, settings.source = service, source
    settings.filepath, settings.url, settings.image = "/a.png", "http://127.0.0.1/a.png", bpy.data.images.new("A", 4, 4)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    group = getattr(settings, service.lower())
    assert {prop.identifier for prop in group.bl_rna.properties} - {"rna_type", "name"} <= set(properties(drawn))
    assert operators(drawn) == [("image_to_3d.generate", {})]
    assert ("template_ID" in [name for name, _ in drawn]) == (source == "IMAGE")
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate, [CLOSED])
    assert {"topology", "texture_model" if service != "MESHY" else "enable_pbr"} <= set(properties(drawn))


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
    assert grey == {*needs_remesh, "origin_at"}
    settings.meshy.should_remesh, settings.meshy.should_texture = True, False
    grey = {name for name, is_grey in rows(sidebar, settings.meshy).items() if is_grey}
    assert grey >= {"enable_pbr", "texture_prompt", "texture_image_url"} and not grey & needs_remesh


@pytest.mark.parametrize(
    ("key", "picture", "address", "reason"),
    [
        ("msy_1", "", "", "Choose a picture first"),
        ("", "/a.png", "", "Meshy needs an API key: enter it in the preferences of Image to 3D, or set MESHY_API_KEY"),
        ("msy_1", "/a.png", "", "Online access is off: turn on Allow Online Access in the preferences, under System"),
        ("msy_1", "/a.png", "http://127.0.0.1:1/openapi", ""),
    ],
)
def test_the_button_says_why_it_cannot_be_pressed(
    sidebar, settings, monkeypatch, key, picture, address, reason, extension
):
    settings.service, settings.filepath = "MESHY", picture
    extension.preferences.meshy_key, extension.preferences.meshy_url = key, address
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_generate)
    assert words(drawn).removeprefix("More Parameters").strip() == reason
    (enabled,) = [asked["enabled"] for name, asked in drawn if name == "operator"]
    assert enabled is (not reason)


STATES = {
    "waiting": ["cancel"],
    "submitting": ["cancel"],
    "running": ["cancel"],
    "downloading": ["cancel"],
    "converting": ["cancel"],
    "ready": ["import_result", "remove"],
    "imported": ["import_result", "remove"],
    "failed": ["retry", "remove"],
    "cancelled": ["retry", "remove"],
    "unconfirmed": ["retry", "remove", "adopt", "send_again", "forget"],
}


@pytest.mark.parametrize("service", ["meshy", "csm", "local", "newer"])
@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_buttons(extension, sidebar, session, no_jobs, star, state, service):
    folders = extension.module("jobs.folder")
    folder = folders.create(session.root(), service="local", parameters={"image_url": str(star)}, name="Red Star")
    job = folders.read(folder)
    job.state, job.service, job.progress, job.message, job.note = state, service, 0.5, "What happens", "What is"
    folders.write(folder, job)
    session.refresh(job.id)
    drawn = drawn_by(sidebar.IMAGE_TO_3D_PT_jobs)
    assert operators(drawn) == [(f"image_to_3d.{name}", {"job": job.id}) for name in STATES[state]]
    assert words(drawn) == f"Red Star {'What is' if state in ('ready', 'imported') else 'What happens'}"


def test_without_jobs_the_list_says_so(sidebar, session, no_jobs):
    session.unregister()
    assert words(drawn_by(sidebar.IMAGE_TO_3D_PT_jobs)) == "No jobs yet"


@pytest.mark.parametrize("in_environment", [False, True])
def test_the_preferences_never_show_a_key(extension, monkeypatch, in_environment):
    extension.preferences.meshy_key = "msy_secret_of_the_preferences"
    if in_environment:
        monkeypatch.setenv("MESHY_API_KEY", "msy_secret_of_the_environment")
        monkeypatch.setenv("MESHY_API_URL", "http://127.0.0.1:1")
    module = extension.module("panels.preferences")

    drawn = drawn_by(module.IMAGE_TO_3D_AP_preferences, bl_rna=extension.preferences.bl_rna)
    assert "secret" not in words(drawn)
    assert ("meshy_key" in properties(drawn), "meshy_url" in properties(drawn)) == (not in_environment,) * 2
    assert {"csm_key", "csm_url", "proxy", "ca_file"} <= set(properties(drawn))
    assert ("API key" in words(drawn) and "from the environment" in words(drawn)) == in_environment
