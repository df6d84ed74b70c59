# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "Image to 3D" in the sidebars of the 3D View and the Image Editor: picture, service, parameters, and the
button."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..api.sources import is_path
from ..scene import settings
from ..scene.shown import shown
from .parameters import draw_parameters
from .readiness import draw_readiness, in_the_way
from .sentences import draw_sentence
from .views import draw_views

PICTURE_PROPERTIES = {"FILE": "filepath", "IMAGE": "image", "URL": "url"}
"""Which property of the settings holds the picture, by source."""

PREVIEW_SCALE = 3.5  # in rows: large enough to tell pictures apart, small enough to leave the button in sight
BUTTON_SCALE = 1.6
VARIANTS_UNITS = 3.0  # the width of the number beside it, in that of a small button

SERVICES_IN_A_ROW = 2  # as many as have room for their names in a narrow sidebar

CHOOSE = "Drop a Picture, or Choose..."

RECENT_AT_MOST = 8
RECENT_SCALE = 2.0  # in rows, of the pictures in the menu

# What two panels share is in no registered class, and becomes a panel with them.
if TYPE_CHECKING:
    Mixin = bpy.types.Panel
else:
    Mixin = object


class Tab(Mixin):
    """What the panels of the tab have in common."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Image to 3D"


class ImageEditorTab(Tab):
    """The same tab beside an image."""

    bl_space_type = "IMAGE_EDITOR"


class _Generate(Mixin):
    bl_label = "Image to 3D"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        chosen = context.scene.image_to_3d
        locked = settings.locked_reason(context.scene)
        if locked:
            draw_sentence(layout, locked, context, icon="LOCKED")
            layout = layout.column()
            layout.enabled = False
        image = image_of(context)
        if image is None:
            _draw_picture(layout, chosen)
            offer = layout.column()
        else:
            layout.label(text=shown(image.name), icon="IMAGE_DATA", translate=False)
        if image is not None or getattr(chosen, PICTURE_PROPERTIES[settings.source_of(chosen)]):
            _draw_cut_out(layout, image)
        views = layout.column()
        _draw_services(layout, chosen)
        about = layout.column(align=True)
        for note in settings.unknown_notes(chosen):
            draw_sentence(layout, note, context, icon="INFO")
        sources = _sources(chosen, image)
        draw_readiness(layout, settings.service_of(chosen), sources, context)
        draw_views(views, chosen)
        draw_parameters(layout, chosen, context)
        _draw_import(layout, chosen)
        # Into their places above, as the views. Whoever reads what is drawn one by one finds first what has to be done.
        if image is None:
            _draw_offer(offer, chosen)
        _draw_about(about, context)
        _draw_button(layout, context, image, sources)


class IMAGE_TO_3D_PT_generate(Tab, _Generate, bpy.types.Panel):
    """Picture, service, parameters and the button"""


class IMAGE_TO_3D_PT_generate_image(ImageEditorTab, _Generate, bpy.types.Panel):
    """Service, parameters and the button, for the image that the editor shows"""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return image_of(context) is not None


def image_of(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image that an Image Editor shows, None in every other editor."""
    space = context.space_data
    return space.image if isinstance(space, bpy.types.SpaceImageEditor) else None


def _choice(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A row for the buttons of a choice: over the whole width, as a label before them would cut them in a narrow
    sidebar."""
    row = layout.row(align=True)
    row.use_property_split = False
    return row


def _draw_services(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    grid = layout.grid_flow(row_major=True, columns=SERVICES_IN_A_ROW, even_columns=True, align=True)
    grid.use_property_split = False
    grid.prop(chosen, "service", expand=True)


def _draw_picture(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    row = _choice(layout)
    row.prop(chosen, "source", expand=True)
    row.operator("image_to_3d.paste_picture", text="", icon="PASTEDOWN")
    icon = 0
    source = settings.source_of(chosen)
    if source == "IMAGE":
        layout.template_ID(chosen, "image", open="image.open")
        icon = layout.icon(chosen.image) if chosen.image else 0
    elif source == "FILE":
        row = layout.row(align=True)
        row.prop(chosen, "filepath")
        if session.current().recent.paths():
            row.menu("IMAGE_TO_3D_MT_recent", text="", icon="TIME")
    else:
        layout.prop(chosen, PICTURE_PROPERTIES[source])
    path = settings.picture_of(chosen)
    if is_path(path):  # an address may stand in the field for a file, and a path in that for an address
        icon = icon or session.current().previews.icon_of(path)
    if icon:
        layout.template_icon(icon_value=icon, scale=PREVIEW_SCALE)


def _draw_cut_out(layout: bpy.types.UILayout, image: bpy.types.Image | None) -> None:
    """The button that cuts the figure out; while it works, what is cut out, and the button that stops it."""
    title = session.current().cutting.title
    row = layout.row(align=True)
    row.use_property_split = False
    if title:
        row.label(text=shown(f"Cutting out {title}"), icon="TIME", translate=False)
        row.operator("image_to_3d.stop_cut_out", text="", icon="X")
        return
    operator = row.operator("image_to_3d.cut_out", icon="IMAGE_ALPHA")
    if image is not None:
        operator.image = image.name


def _draw_offer(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    """What leads to a picture, where none is chosen."""
    if settings.source_of(chosen) == "FILE" and not chosen.filepath:
        layout.operator("image_to_3d.choose_picture", text=CHOOSE, icon="IMAGE_DATA")


class IMAGE_TO_3D_MT_recent(bpy.types.Menu):
    """Choose a picture that a model was made from lately"""

    bl_label = "Recent Pictures"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        current = session.current()
        there = [path for path in current.recent.paths() if current.previews.is_there(path)][:RECENT_AT_MOST]
        for path in there:  # one below the other: Blender (5.2) sets what is beside a picture askew in a menu
            layout.template_icon(icon_value=current.previews.icon_of(path), scale=RECENT_SCALE)
            name = shown(os.path.basename(path))
            layout.operator("image_to_3d.choose_picture", text=name, translate=False).filepath = path
        if not there:
            layout.label(text="The pictures of the last jobs are gone")


def _draw_about(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the service is for, what it needs, what it costs, and how long it usually takes."""
    from ..scene import request  # here, as it would slow down the start of Blender
    from ..session import usual

    service = SERVICES[settings.service_of(context.scene.image_to_3d)]
    credits = request.cost(context.scene)
    if not service.is_paid:
        cost = "Free, on this computer" if service.reach == "none" else "Free"
    elif credits is None:
        cost = "Costs credits"
    else:
        cost = f"{credits} credits a model"
    time = usual.words(session.current().usual.seconds(service.name))
    draw_sentence(layout, service.purpose, context)
    if service.needs:
        draw_sentence(layout, service.needs, context)
    draw_sentence(layout, f"{cost}, {time}" if time else cost, context)


def _sources(chosen: bpy.types.PropertyGroup, image: bpy.types.Image | None) -> list[str]:
    """Where all pictures of a request come from, as far as they are no Blender images."""
    name = settings.service_of(chosen)
    table = SERVICES[name].parameters
    values = settings.values_that_apply(getattr(chosen, name), table)
    main = settings.picture_of(chosen) if image is None else ""
    return [main, *(values.get(other, "") for other in pictures(table)[1:])]


def _draw_import(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    header, body = layout.panel("image_to_3d_import", default_closed=True)
    header.label(text="Import")
    if body is None:
        return
    body.prop(chosen, "location")
    body.prop(chosen, "select")
    row = body.row(heading="Size")
    row.prop(chosen, "use_size", text="")
    sub = row.row()
    sub.active = chosen.use_size
    sub.prop(chosen, "size", text="")
    body.prop(chosen, "collection")
    body.prop(chosen, "target_scene")


def _draw_button(
    layout: bpy.types.UILayout, context: bpy.types.Context, image: bpy.types.Image | None, sources: Sequence[str]
) -> None:
    """The button with its price; where it cannot be pressed, the reason under it."""
    chosen = context.scene.image_to_3d
    from ..scene import request

    reason = _why_not(chosen, image, sources)
    row = layout.row(align=True)
    row.use_property_split = False
    row.scale_y = BUTTON_SCALE
    button = row.row(align=True)
    button.enabled = not reason
    text = _words(chosen.variants, request.cost(context.scene))
    operator = button.operator("image_to_3d.generate", text=text, icon="MESH_MONKEY")
    number = row.row(align=True)
    number.ui_units_x = VARIANTS_UNITS
    number.prop(chosen, "variants", text="")
    if image is not None:
        operator.image = image.name
    if reason:
        draw_sentence(layout, reason, context, icon="INFO")


def _words(variants: int, cost: int | None) -> str:
    """What stands on the button: how many models are made, and what all of them cost."""
    if cost is None:
        return "Generate 3D Model" if variants == 1 else f"Generate {variants} Models"
    number = "" if variants == 1 else f"{variants} "
    return f"Generate {number}for {variants * cost:,} Credits"


def _why_not(chosen: bpy.types.PropertyGroup, image: bpy.types.Image | None, sources: Sequence[str]) -> str:
    """Why Generate cannot be pressed, "" if it can, and where the panel has said it already."""
    from ..scene import request

    if settings.locked_reason(chosen.id_data):
        return ""

    source = image or getattr(chosen, PICTURE_PROPERTIES[settings.source_of(chosen)])
    service = settings.service_of(chosen)
    table = SERVICES[service].parameters
    if not source and settings.needs_picture(settings.values(getattr(chosen, service), table), table):
        return "Choose a picture first"
    # What to do about the first stands beside the service.
    return in_the_way(service, sources) or request.refusal(chosen.id_data).removesuffix(".")


register, unregister = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_PT_generate, IMAGE_TO_3D_PT_generate_image, IMAGE_TO_3D_MT_recent)
)
