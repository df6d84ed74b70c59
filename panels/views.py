# SPDX-License-Identifier: GPL-3.0-or-later
"""The sub-panel "More Views": further pictures of the same object, for services that take them. Reads no picture."""

import bpy

from .. import session
from ..api.parameters import applies, pictures
from ..api.services import SERVICES
from ..api.sources import is_path
from ..scene import settings

PREVIEW_SCALE = 2.0  # in rows, of the picture beside its file


def draw_views(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    """One row a view with a small picture of it, grey where the view has no effect beside the other parameters."""
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
    for view in views:
        row = body.row()
        row.active = applies(table, view, values)
        row.prop(group, view.name)
        source = values[view.name]
        icon = session.current().previews.icon_of(source) if source and is_path(source) else 0
        if icon:
            row.template_icon(icon_value=icon, scale=PREVIEW_SCALE)
