# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "Image to 3D" in the 3D View's sidebar, drawn from the chosen service's table of parameters and the jobs last seen."""

import textwrap

import bpy

from ..api.parameters import applies, pictures
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..jobs.folder import Job, State
from ..scene import session, settings

LETTER_WIDTH_PX = 7.5  # of the interface's font at scale 1, on average and with the box around it

JOBS_SHOWN = 8  # the newest; a list with search takes this over

PICTURE_PROPERTIES = {"FILE": "filepath", "IMAGE": "image", "URL": "url"}
"""Which property of the settings holds the picture, by source."""

BUTTONS = {
    State.READY: ("image_to_3d.import_result", "IMPORT"),
    State.IMPORTED: ("image_to_3d.import_result", "IMPORT"),
    State.FAILED: ("image_to_3d.retry", "FILE_REFRESH"),
    State.CANCELLED: ("image_to_3d.retry", "FILE_REFRESH"),
    State.UNCONFIRMED: ("image_to_3d.retry", "VIEWZOOM"),
}
"""What can be done with a job that has ended, beside removing it."""

CHOICES = ("image_to_3d.adopt", "image_to_3d.send_again", "image_to_3d.forget")
"""What can be done with an unconfirmed job: each costs something else, so each says what it is."""


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Image to 3D"


class IMAGE_TO_3D_PT_generate(_Sidebar, bpy.types.Panel):
    """Picture, service, parameters and the button"""

    bl_label = "Image to 3D"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        chosen = context.scene.image_to_3d
        layout.prop(chosen, "source")
        if chosen.source == "IMAGE":
            layout.template_ID(chosen, "image", open="image.open")
        else:
            layout.prop(chosen, PICTURE_PROPERTIES[chosen.source])
        layout.prop(chosen, "service")
        _draw_parameters(layout, chosen)
        reason = _why_not(chosen)
        row = layout.row()
        row.scale_y = 1.5
        row.enabled = not reason
        row.operator("image_to_3d.generate", icon="MESH_MONKEY")
        if reason:
            _draw_text(layout, reason, context)


class IMAGE_TO_3D_PT_jobs(_Sidebar, bpy.types.Panel):
    """The newest jobs"""

    bl_label = "Jobs"

    def draw(self, context: bpy.types.Context) -> None:
        jobs = session.jobs()
        if not jobs:
            self.layout.label(text="No jobs yet")
        for job in jobs[:JOBS_SHOWN]:
            _draw_job(self.layout.box(), job, context)


def _draw_parameters(layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
    """One row a parameter of the chosen service, grey where it has no effect beside the others."""
    name = chosen.service.lower()
    table = SERVICES[name].parameters
    group = getattr(chosen, name)
    values = {**settings.values(group, table), pictures(table)[0]: ""}
    shown = settings.shown(table)
    usual = layout.column()
    more = None
    if any(parameter.rare for parameter in shown):
        header, more = layout.panel(f"image_to_3d_{name}", default_closed=True)
        header.label(text="More Parameters")
    for parameter in shown:
        col = more if parameter.rare else usual
        if col is not None:
            row = col.row()
            row.active = applies(table, parameter, values)
            row.prop(group, parameter.name)


def _why_not(chosen: bpy.types.PropertyGroup) -> str:
    """Why Generate cannot be pressed, "" if it can."""
    source = getattr(chosen, PICTURE_PROPERTIES[chosen.source])
    service = chosen.service.lower()
    table = SERVICES[service].parameters
    if not source and settings.needs_picture(settings.values(getattr(chosen, service), table), table):
        return "Choose a picture first"
    return session.key_reason(service) or session.offline_reason(service, source if chosen.source == "URL" else "")


def _draw_text(layout: bpy.types.UILayout, text: str, context: bpy.types.Context) -> None:
    """A sentence in as many lines as the sidebar needs: a label does not break by itself."""
    letters = max(20, int(context.region.width / (LETTER_WIDTH_PX * context.preferences.system.ui_scale)))
    col = layout.column(align=True)
    col.scale_y = 0.8
    for line in textwrap.wrap(text, letters):
        col.label(text=line)


def _draw_job(layout: bpy.types.UILayout, job: Job, context: bpy.types.Context) -> None:
    row = layout.row()
    row.label(text=job.name)
    button = BUTTONS.get(job.state)
    if job.state in folders.UNFINISHED:
        row.operator("image_to_3d.cancel", text="", icon="X").job = job.id
        layout.progress(factor=job.progress, text=job.message)
        return
    if button:
        row.operator(button[0], text="", icon=button[1]).job = job.id
    row.operator("image_to_3d.remove", text="", icon="TRASH").job = job.id
    if job.state is State.UNCONFIRMED:
        for choice in CHOICES:
            layout.operator(choice).job = job.id
    _draw_text(layout, job.note if job.state in folders.HAS_RESULT else job.message, context)


_CLASSES = (IMAGE_TO_3D_PT_generate, IMAGE_TO_3D_PT_jobs)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
