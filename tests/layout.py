# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout without a window, which notes what it is asked to draw, for what panels and preferences draw. For tests
only."""

from types import SimpleNamespace

import bpy


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
            if name == "icon":
                return AN_ICON
            if name == "panel":
                return made[0], None if CLOSED in self.drawn else made[1]
            return made[0] if made else None

        return draw

    def __setattr__(self, name, value):
        assert name in bpy.types.UILayout.bl_rna.properties
        self.asked[name] = value


AN_ICON = 1
"""What is said to be the icon of whatever has one: in the background Blender makes none."""

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
        if isinstance(value, str):
            value.encode()
        self.properties[name] = value


def check(function, asked):
    for name, value in asked.items():
        parameter = function.parameters[name]
        if parameter.type == "STRING":
            value.encode()  # half a character raises a UnicodeEncodeError in Blender too
        if parameter.type == "ENUM" and name != "heading":
            assert value in parameter.enum_items or name == "icon_value", f"{name} {value}"
    if function.identifier in ("prop", "template_ID"):
        data, prop = asked["data"], asked["property"]
        assert prop in data.bl_rna.properties, f"{prop} is no property"
    if function.identifier == "template_list":
        assert hasattr(bpy.types, asked["listtype_name"])
        assert asked["propname"] in asked["dataptr"].bl_rna.properties
        assert asked["active_propname"] in asked["active_dataptr"].bl_rna.properties
    if function.identifier in ("popover", "menu"):
        name = asked.get("panel") or asked["menu"]
        assert hasattr(bpy.types, name), f"{name} is not registered"
    if function.identifier == "progress":
        assert 0 <= asked["factor"] <= 1


def context(space=None, width=240):
    """What a panel is told about where it is drawn: in a narrow sidebar, or one of so many pixels, beside `space`."""
    system = SimpleNamespace(ui_scale=1.0)  # Blender's own says 0 as long as there is no window
    return SimpleNamespace(
        scene=bpy.context.scene,
        window_manager=bpy.context.window_manager,
        preferences=SimpleNamespace(system=system),
        region=SimpleNamespace(width=width),
        space_data=space,
    )


def drawn_by(cls, drawn=(), space=None, **attributes):
    """What a panel, or the preferences, draw."""
    owner = SimpleNamespace(layout=Layout(list(drawn)), **attributes)
    cls.draw(owner, context(space))
    return owner.layout.drawn


def words(drawn):
    """All that can be read beside the properties; a sentence may be drawn in several lines."""
    return " ".join(asked["text"] for _, asked in drawn if asked.get("text"))


def operators(drawn):
    return [(asked["operator"], asked["set"]) for name, asked in drawn if name == "operator"]


def properties(drawn):
    return [asked["property"] for name, asked in drawn if name == "prop"]
