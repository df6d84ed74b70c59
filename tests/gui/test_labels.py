# SPDX-License-Identifier: GPL-3.0-or-later
"""No label of the tab is cut in a sidebar that is as wide as Blender makes it: each is measured with Blender's own font
against the room that it has there, and the tab is read on the screen.

What room a text has was found out in 4.3.2 and 5.2.2, at resolution scale 1 and 2, with longer and longer texts.
"""

import pytest
from gui import eyes
from thorough import thorough

SIDEBAR_PX = 280  # how wide Blender makes it, at scale 1 of the interface
NARROW_PX = 240  # as narrow as people have it
UNIT_PX = 20  # Blender's unit of width, at the same scale

LABEL_SHARE = 0.4  # of a row's width; the field beside it has the rest

TEXTS = """
settings, services = module("scene.settings"), module("api.services").SERVICES
kinds, buttons = module("api.parameters"), module("panels.jobs").BUTTONS
chosen = bpy.context.scene.image_to_3d
found = []

def add_row(group, name):
    prop = group.bl_rna.properties[name]
    found.append(["box" if prop.type == "BOOLEAN" else "label", 1, prop.name])
    if prop.type == "ENUM":
        found.extend(["menu", 1, item.name] for item in prop.enum_items)

for name, service in services.items():
    for parameter in settings.shown(service.parameters):
        if isinstance(parameter, kinds.Vector):
            found.extend(["label", 1, axis.title()] for axis in parameter.axes)
        else:
            add_row(getattr(chosen, name), parameter.name)
for name in ("filepath", "url", "location", "size", "collection", "target_scene"):
    add_row(chosen, name)
shares = {"source": 3 + 1 / 3, "service": module("panels.sidebar").SERVICES_IN_A_ROW}
for name, share in shares.items():
    found.extend(["choice", share, item.name] for item in chosen.bl_rna.properties[name].enum_items)
for of_a_state in buttons.values():
    found.extend(["button", min(2, len(of_a_state)), text] for _, text, _ in of_a_state)
found
"""
"""Of each text: what it stands on, how many of these share the width, and the text."""

ELSEWHERE = (
    ("field", 1, "Automatic"),
    ("field", 2, "Auto"),
    ("field with a button", 1, "15,000 (usual)"),
    ("header", 1, "Parameters"),
    ("header", 1, "More Parameters"),
    ("header", 1, "Import"),
    ("header", 1, "More Views (3)"),
    ("button", 1, "Enter API Key"),
    ("button", 1, "Allow Online Access"),
    ("button", 1, "Open Preferences"),
    ("button", 1, "Get the File"),
    ("button", 1, "Cut Out"),
    ("button with a number", 1, "Generate 3D Model"),
    ("button with a number", 1, "Generate for 1,000 Credits"),
    ("button with a number", 1, "Generate 8 for 320 Credits"),
    ("button with a number", 1, "Generate 8 Models"),
    ("button", 1, "Drop a Picture, or Choose..."),
    ("button", 1, "Retry for up to 40 Credits"),
    ("button", 1, "Retry (Costs Credits)"),
    ("button", 1, "Retry All 20 for 800 Credits"),
    ("button", 1, "Retry All 20 for up to 800 Credits"),
    ("button", 1, "Send Again for 40 Credits..."),
    ("button", 1, "Show Textures"),
    ("button", 1, "Keep This One"),
    ("button", 1, "10,000 More"),
    ("button", 1, "Other Files"),
    ("button", 1, "Cancel"),
    ("button with icons", 1, "Use Settings"),
)
"""What only the panels' own code says."""

WIDTHS = """
import blf
blf.size(0, bpy.context.preferences.ui_styles[0].widget.points * bpy.context.preferences.system.ui_scale)
[blf.dimensions(0, text)[0] for text in texts]
"""

REDRAW = "[area.tag_redraw() for area in bpy.context.screen.areas]; 0"


def room(kind, sharing, width, unit):
    """How many pixels a text has, in a sidebar of this width, where a unit is so many."""
    whole = width - 2.7 * unit  # beside the tabs, within a panel
    part = whole / sharing
    field = (1 - LABEL_SHARE) * whole - 0.25 * unit
    return {
        "label": LABEL_SHARE * whole - 0.25 * unit,
        "box": field - 1.1 * unit,
        "menu": field - 0.95 * unit,
        "field": field / sharing - 0.2 * unit,
        "field with a button": field - 1.2 * unit,
        "choice": part - 0.2 * unit,
        "button": part - 1.05 * unit,
        "button with a number": whole - 4.05 * unit,  # the number of variants
        "button with icons": whole - 4.2 * unit,  # three more beside it
        "header": whole - 4 * unit,  # beside an arrow and two icons
        "line": whole,
        "line with icon": whole - 1.2 * unit,
    }[kind]


def sidebar_px(blender):
    """How wide the sidebar is."""
    box = blender.area("VIEW_3D", "UI")
    return box.right - box.left


@pytest.fixture(params=[1, 2])
def scale(blender, request):
    """The resolution scale of the preferences; the tab is open."""
    blender.open_sidebar()
    blender.leave()
    blender.run(f"bpy.context.preferences.view.ui_scale = scale; {REDRAW}", scale=request.param)
    blender.settle()
    yield request.param
    blender.run(f"bpy.context.preferences.view.ui_scale = 1; {REDRAW}")
    blender.settle()


def too_long(blender, texts, width=0):
    """Those of the texts that are longer than their room, with both in pixels, in a sidebar of this width; as wide as
    Blender makes it where none is given."""
    scale = blender.run("bpy.context.preferences.system.ui_scale")
    if not width:
        width = sidebar_px(blender)
        assert width == pytest.approx(SIDEBAR_PX * scale, abs=2 * scale)
    lengths = blender.run(WIDTHS, texts=[text for _, _, text in texts])
    rooms = [room(kind, sharing, width, UNIT_PX * scale) for kind, sharing, _ in texts]
    return [
        (text, kind, length, has)
        for (kind, _, text), length, has in zip(texts, lengths, rooms, strict=True)
        if length > has
    ]


@pytest.mark.usefixtures("newest")
def test_every_label_has_the_room_that_it_needs(blender, scale):
    texts = [*blender.run(TEXTS), *ELSEWHERE]
    assert len(texts) > 80
    assert too_long(blender, texts) == []


CUT = [("label", 1, "Texture Resolution"), ("box", 1, "Preserve Aspect Ratio"), ("box", 1, "Save Pre Remeshed Model")]
"""What is cut in every window."""


@pytest.mark.usefixtures("newest")
def test_what_is_cut_is_found(blender, scale):
    assert [text for text, *_ in too_long(blender, CUT)] == [text for _, _, text in CUT]


LINES = """
from types import SimpleNamespace
from layout import Layout

services = module("api.services").SERVICES.values()
sentences = [text for service in services for text in (service.description, service.closed) if text]
for parameter in [parameter for service in services for parameter in service.parameters]:
    sentences += [parameter.description, *(option.description for option in getattr(parameter, "options", {}).values())]
sentences.append("Ready: ComfyUI 0.33.0 on NVIDIA GeForce RTX 4090, 24 GB")  # capitals are wide
context = SimpleNamespace(preferences=bpy.context.preferences, region=SimpleNamespace(width=width))
found = []
for sentence in sentences:
    for icon, kind in (("NONE", "line"), ("INFO", "line with icon")):
        layout = Layout()
        module("panels.sentences").draw_sentence(layout, sentence, context, icon=icon)
        found.extend([kind, 1, asked["text"]] for name, asked in layout.drawn if name == "label")
found
"""
"""Sentences as panels break them into lines: those of the tables stand for all, as they are long and many."""


@pytest.mark.usefixtures("newest")
@pytest.mark.parametrize("width", [SIDEBAR_PX, NARROW_PX])
def test_the_lines_of_a_sentence_fit(blender, scale, width):
    drawn = width * blender.run("bpy.context.preferences.system.ui_scale")
    lines = blender.run(LINES, width=drawn)
    assert len(lines) > 200
    assert too_long(blender, lines, drawn) == []


SETTINGS = """
chosen = bpy.context.scene.image_to_3d
chosen.service = service
chosen.local.scaled_bbox = chosen.csm.scaled_bbox = (-1, 2, -1)
"""


DOTS_OF_ITS_OWN = "Choose..."  # on a button that opens a window; its room is measured above


def cut(blender, side):
    """The texts in the tab that end in dots, from its top to its end."""
    found = set()
    for _ in range(4):
        words = eyes.read(blender.picture(), side)
        found |= {word.text for word in words if word.text.endswith(("..", "…"))}
        for _ in range(8):
            blender.press("WHEELDOWNMOUSE")
    return found


@pytest.mark.usefixtures("newest")
@pytest.mark.parametrize(
    "service", ["LOCAL", pytest.param("COMFYUI", marks=thorough), pytest.param("CSM", marks=thorough), "MESHY"]
)
def test_nothing_in_the_tab_ends_in_dots(blender, service):
    blender.run(SETTINGS, service=service)
    side = blender.open_sidebar()
    closed = ["Import", *(["More Parameters"] if service in ("COMFYUI", "MESHY") else [])]
    for header in closed:
        blender.click_on(header, side)
    blender.move(*side.center)
    assert cut(blender, side) - {DOTS_OF_ITS_OWN} == set()
