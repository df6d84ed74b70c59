# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel "More Views": further pictures of the same object, for services that take them. Reads no picture."""

import os

import bpy

from .. import session
from ..api.parameters import applies, pictures
from ..api.services import SERVICES
from ..api.sources import is_path
from ..scene import settings

PREVIEW_SCALE = 2.5  # in rows, of the pictures, side by side: beside the fields these would have no room for a name


def draw_views(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    """One row a view, grey where the view has no effect beside the other parameters; and below them small pictures of
    the views that there are."""
    name = settings.service_of(chosen)
    about, group = SERVICES[name], getattr(chosen, name)
    if not about.views:
        return
    table = about.parameters
    values = {**settings.values(group, table), pictures(table)[0]: ""}
    views = [parameter for parameter in table if parameter.name in about.views]
    there = [view for view in views if values[view.name] and applies(table, view, values)]
    header, body = layout.panel("image_to_3d_views", default_closed=True)
    header.label(text=f"More Views ({len(there)})" if there else "More Views")
    if body is None:
        return
    icons = {}
    for view in views:
        row = body.row(align=True)
        row.active = applies(table, view, values)
        icons[view.label] = draw_picture(row, group, view.name, values[view.name])
    previews = body.row()
    for label, icon in icons.items():
        if icon:
            column = previews.column(align=True)
            column.template_icon(icon_value=icon, scale=PREVIEW_SCALE)
            name = column.row()
            name.alignment = "CENTER"
            name.label(text=label)


def draw_picture(row: bpy.types.UILayout, group: bpy.types.PropertyGroup, name: str, source: str) -> int:
    """The field of a further picture, which is at `source`, and the button that lists the images of this Blender file,
    into an aligned row. Return the icon that shows the picture, 0 for none."""
    from ..scene.named import image_named  # here, as it would slow down the start of Blender

    image = image_named(getattr(group, name))
    if image is not None:
        icon = row.icon(image)
    else:
        icon = session.current().previews.icon_of(source) if source and is_path(source) else 0
    # What is a name alone and leads to nothing was an image, which has gone or is called otherwise now.
    is_name = image is None and is_path(source) and os.path.basename(source) == source
    row.alert = bool(source) and is_name and not icon
    row.prop(group, name)
    row.alert = False
    row.operator("image_to_3d.choose_image", text="", icon="IMAGE_DATA").parameter = name
    return icon
