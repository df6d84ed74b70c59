# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs in the tab, and what can be done with the selected one. Draws what the session saw last; reads no
file."""

import time
from typing import TYPE_CHECKING, Any

import bpy

from .. import session
from ..api.services import label_of
from ..jobs.state import HAS_RESULT, UNFINISHED, State
from ..scene.shown import shown
from ..session.joblist import STATES
from .found import draw_show, draw_show_small, draw_textures
from .sentences import draw_sentence, waiting
from .sidebar import ImageEditorTab, Mixin, Tab

if TYPE_CHECKING:
    from ..jobs.folder import Job

ROWS = 5
THUMBNAIL_SCALE = 5.0
LARGE_SCALE = 4.0
GRID_COLUMNS, GRID_ROWS = 3, 3
NO_GRID_SINCE = (5, 0)
"""From here on Blender's lists have no grid, so that a large picture has a row of its own."""
FILTERED_AT_MOST = 1000
"""So many rows are searched while Blender draws."""
PRICED_AT_MOST = 50
"""Of so many failed jobs the price is added up whenever the list is drawn."""

ICONS = {
    State.READY: "IMPORT",
    State.IMPORTED: "CHECKMARK",
    State.FAILED: "ERROR",
    State.CANCELLED: "X",
    State.UNCONFIRMED: "QUESTION",
}
"""How a job that has ended looks in the list."""

BUTTONS: dict[State, tuple[tuple[str, str, str], ...]] = {
    State.READY: (("image_to_3d.import_result", "Import", "IMPORT"),),
    State.IMPORTED: (("image_to_3d.import_result", "Import Again", "IMPORT"),),
    State.FAILED: (("image_to_3d.retry", "Retry", "FILE_REFRESH"),),
    State.CANCELLED: (("image_to_3d.retry", "Retry", "FILE_REFRESH"),),
    # Each of these costs something else, so each says what it is.
    State.UNCONFIRMED: (
        ("image_to_3d.retry", "Look Again", "VIEWZOOM"),
        ("image_to_3d.adopt", "Adopt Task...", "LINKED"),
        ("image_to_3d.send_again", "Send Again...", "EXPORT"),
        ("image_to_3d.forget", "Forget Task", "X"),
    ),
}
"""What can be done with a job that has ended: operator, words, icon."""


class IMAGE_TO_3D_UL_jobs(bpy.types.UIList):
    """One row a job, or a group of variants"""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        current = session.current()
        job = current.queue.job(item.name)
        if job is None:  # it was just removed
            return
        jobs = _folded(job)
        picture = _icon_of(job)
        if data.large:
            self._draw_large(layout, item, job, jobs, picture)
            return
        is_going = any(one.state in UNFINISHED for one in jobs)
        # Folded variants have a longer name, and their service stands below the list.
        is_wide = len(jobs) > 1 and not current.joblist.is_behind_toggle(job.id)
        split = layout.split(factor=0.62 if not is_wide else 0.75 if is_going else 0.85)
        row = split.row(align=True)
        if current.joblist.variants(job.id):
            _draw_arrow(row, item, jobs)
        elif current.joblist.is_unfolded(job.id):
            row.label(text="", icon="BLANK1")
        row.label(text=shown(_title(jobs)), icon_value=picture, translate=False)
        row = split.row(align=is_going)
        if is_going:
            row.progress(factor=_progress(jobs), text=_how_far(jobs))
            if len(jobs) == 1:
                row.operator("image_to_3d.cancel", text="", icon="X", emboss=False).job = job.id
            return
        if current.joblist.is_behind_toggle(job.id):
            sub = row.row()
            sub.active = False
            sub.label(text=shown(_origin(job)), translate=False)
        elif not is_wide:
            row.label(text=shown(label_of(job.service)) if job.service else "", translate=False)
        _draw_state(row, jobs)

    def _draw_large(self, layout: bpy.types.UILayout, item: Any, job: "Job", jobs: "list[Job]", picture: int) -> None:
        """The same with a large picture, below the line that Blender highlights when the job is selected."""
        col = layout.column(align=True)
        col.active = not session.current().joblist.is_behind_toggle(job.id)
        row = col.row(align=True)
        if session.current().joblist.variants(job.id):
            _draw_arrow(row, item, jobs)
        row.label(text=shown(_title(jobs)), translate=False)
        is_going = any(one.state in UNFINISHED for one in jobs)
        if not is_going:
            _draw_state(row, jobs)
        if picture:
            col.template_icon(icon_value=picture, scale=LARGE_SCALE)
        if is_going:
            col.progress(factor=_progress(jobs), text=_how_far(jobs))

    def filter_items(self, context: bpy.types.Context, data: Any, property: str) -> tuple[list[int], list[int]]:
        """The items are those that are to be shown, but for the moment after a letter was typed."""
        joblist = session.current().joblist
        if not data.search or joblist.is_for(data.search):
            return [], []
        flags = [self.bitflag_filter_item if found else 0 for found in joblist.found(data.search, FILTERED_AT_MOST)]
        return flags + [0] * (len(data.items) - len(flags)), []


def _draw_arrow(row: bpy.types.UILayout, item: Any, jobs: "list[Job]") -> None:
    """What folds variants, and unfolds them."""
    row.prop(item, "is_unfolded", text="", icon="TRIA_DOWN" if len(jobs) == 1 else "TRIA_RIGHT", emboss=False)


def _draw_state(row: bpy.types.UILayout, jobs: "list[Job]") -> None:
    """How jobs are that have ended, as an icon whose tooltip says it; of several the one that needs somebody most."""
    worst = min(jobs, key=lambda one: STATES.index(one.state))
    row.operator("image_to_3d.select_job", text="", icon=ICONS[worst.state], emboss=False).job = worst.id


def _folded(job: "Job") -> "list[Job]":
    """The jobs that the row of this one stands for: itself, or all variants where they are folded."""
    current = session.current()
    if current.joblist.is_unfolded(job.id):
        return [job]
    variants = (current.queue.job(job_id) for job_id in current.joblist.variants(job.id))
    return [variant for variant in variants if variant is not None] or [job]


def _title(jobs: "list[Job]") -> str:
    if len(jobs) == 1:
        return jobs[0].name
    return f"{jobs[0].name.removesuffix(f' {jobs[0].variant}')}, {len(jobs)} variants"


def _progress(jobs: "list[Job]") -> float:
    """How far all of them are together; one that has ended is as far as it gets."""
    return sum(job.progress if job.state in UNFINISHED else 1.0 for job in jobs) / len(jobs)


def _how_far(jobs: "list[Job]") -> str:
    """The same in words that a row has room for. What a job does just now stands below the list."""
    if all(job.state is State.WAITING for job in jobs):
        return "Waiting"
    return f"{_progress(jobs):.0%}"


def _origin(job: "Job") -> str:
    """Where a job comes from that is shown only where those of other files are."""
    if session.current().joblist.is_of_file(job.id):
        return "Cleared"
    return bpy.path.display_name_from_filepath(job.file) or "Unsaved file"


class _Jobs(Mixin):
    bl_label = "Jobs"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """At the right end of the panel's header, so that it takes no room from the list."""
        self.layout.operator("image_to_3d.add_to_asset_browser", text="", icon="ASSET_MANAGER", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        listed = context.window_manager.image_to_3d
        current = session.current()
        if current.queue.trouble:
            draw_sentence(layout, current.queue.trouble, context, icon="ERROR")
            return
        count, more = len(listed.items), current.joblist.more
        if not (count or more or listed.search):
            layout.label(text="No jobs yet")
            return
        if count + more > 1 or listed.search:
            _draw_tools(layout, listed, has_search=count + more > ROWS or bool(listed.search))
        if not current.joblist.has_of_file and current.joblist.has_others:
            draw_sentence(layout, "This file has no jobs yet. These are jobs of other files:", context)
        if count:
            _draw_list(layout, listed, count)
        elif listed.search:
            layout.label(text="Nothing found")
        if current.joblist.has_of_file and (more or (listed.other_files and current.joblist.has_others)):
            text, icon = ("Other Files", "TRIA_DOWN") if listed.other_files else (f"{more:,} More", "TRIA_RIGHT")
            layout.prop(listed, "other_files", text=text, icon=icon, toggle=True)
        if current.joblist.count_failed > 1:
            _draw_retry_all(layout)
        job = current.queue.job(current.joblist.selected())
        if job is None:
            return
        jobs = _folded(job)
        if len(jobs) > 1:
            _draw_variants(layout, jobs, context)
        else:
            _draw_job(layout, job, context)


def _draw_tools(layout: bpy.types.UILayout, listed: Any, *, has_search: bool) -> None:
    """What is done with the list as a whole."""
    row = layout.row(align=True)
    if has_search:
        row.prop(listed, "search", text="", icon="VIEWZOOM")
        row.separator()
    else:
        row.alignment = "RIGHT"
    row.prop(listed, "sort", text="", icon_only=True)
    row.prop(listed, "large", text="", icon="IMGDISPLAY")
    row.operator("image_to_3d.clear_finished", text="", icon="BRUSH_DATA")


def _draw_list(layout: bpy.types.UILayout, listed: Any, count: int) -> None:
    arguments = ("IMAGE_TO_3D_UL_jobs", "", listed, "items", listed, "index")
    if listed.large and bpy.app.version < NO_GRID_SINCE:
        layout.template_list(
            *arguments, type="GRID", columns=GRID_COLUMNS, rows=min(GRID_ROWS, 1 + count // GRID_COLUMNS)
        )
    elif listed.large:
        layout.template_list(*arguments, rows=min(GRID_ROWS, max(2, count)))
    else:
        layout.template_list(*arguments, rows=min(ROWS, max(2, count)))


def _draw_retry_all(layout: bpy.types.UILayout) -> None:
    from ..scene.request import price_of_retry  # here, as it would slow down the start of Blender

    current = session.current()
    count = current.joblist.count_failed
    text = f"Retry All {count:,}"
    if count <= PRICED_AT_MOST:  # the question before it names the price of more
        failed = (current.queue.job(job_id) for job_id in current.joblist.failed())
        price = price_of_retry([job for job in failed if job is not None])
        text += f" {price.words}" if price else ""
    layout.operator("image_to_3d.retry_all", text=text, icon="FILE_REFRESH")


class IMAGE_TO_3D_PT_jobs(Tab, _Jobs, bpy.types.Panel):
    """All jobs, and what can be done with them"""


class IMAGE_TO_3D_PT_jobs_image(ImageEditorTab, _Jobs, bpy.types.Panel):
    """All jobs, and what can be done with them"""


def _icon_of(job: "Job") -> int:
    """The icon of a job. Its model's is drawn when the model is there already: until then the picture that it was made
    from stays, so that no button moves twice."""
    queue, previews = session.current().queue, session.current().previews
    return previews.icon_of(queue.picture_of(job)) or previews.icon_of(queue.source_of(job))


def _draw_job(layout: bpy.types.UILayout, job: "Job", context: bpy.types.Context) -> None:
    """The selected job: what it looks like, how it is, and what can be done with it."""
    from ..session import pace  # here, as it would slow down the start of Blender

    current = session.current()
    icon = _icon_of(job)
    if icon:
        layout.template_icon(icon_value=icon, scale=THUMBNAIL_SCALE)
    credits = f", {job.credits} credits" if job.credits else ""
    service = f"{label_of(job.service)}, " if job.service else ""  # of a record that cannot be read, nobody knows it
    draw_sentence(layout, f"{job.name}: {service}{job.state}{credits}", context)
    if job.state in UNFINISHED:
        left = pace.words(current.pace.seconds_left(job.id, time.monotonic()))
        layout.progress(factor=job.progress, text=f"{job.progress:.0%}, {left}" if left else f"{job.progress:.0%}")
        draw_sentence(layout, current.queue.reason_to_wait(job) or job.message, context)
        layout.operator("image_to_3d.cancel", text="Cancel", icon="X").job = job.id
    else:
        said = job.note if job.state in HAS_RESULT else job.message
        if current.arrivals.waits_for(job):
            said = waiting([job])
        if said.casefold() != job.state:  # "Cancelled" stands there already
            draw_sentence(layout, said, context)
        col = layout.column(align=True)
        half = None  # a row with room for one more
        for operator, text, icon_name in BUTTONS[job.state]:
            priced = with_price(operator, text, job)
            is_wide = priced != text or half is not None
            place = half if half is not None and priced == text else col.row(align=True)
            half = None if is_wide else place
            place.operator(operator, text=priced, icon=icon_name).job = job.id
        if job.state is State.IMPORTED:
            draw_show(layout, job, context)
    row = layout.row(align=True)
    row.operator("image_to_3d.use_settings", text="Use Settings", icon="SETTINGS").job = job.id
    row.operator("image_to_3d.open_folder", text="", icon="FILE_FOLDER").job = job.id
    if job.task_id:
        row.operator("image_to_3d.copy_task_id", text="", icon="COPYDOWN").job = job.id
    if job.state not in UNFINISHED:
        row.operator("image_to_3d.remove", text="", icon="TRASH").job = job.id


def with_price(operator: str, text: str, job: "Job") -> str:
    """What stands on a button, with what it takes."""
    from ..scene import request  # here, as it would slow down the start of Blender

    if operator == "image_to_3d.retry" and (price := request.price_of_retry([job])):
        return f"{text} {price.words}"
    is_unconfirmed = job.state is State.UNCONFIRMED  # no other can be sent again
    if operator == "image_to_3d.send_again" and is_unconfirmed and (cost := request.cost_of(job)) is not None:
        return f"{text.removesuffix('...')} for {cost:,} Credits..."
    return text


def _draw_variants(layout: bpy.types.UILayout, jobs: "list[Job]", context: bpy.types.Context) -> None:
    """The variants of one request that are folded: how each is, and what it needs next."""
    service = [label_of(jobs[0].service)] if jobs[0].service else []
    ended = sum(job.state not in UNFINISHED for job in jobs)
    going = [f"{ended} of {len(jobs)} have ended"] if ended < len(jobs) else []
    draw_sentence(
        layout, ": ".join([_title(jobs), *([", ".join(service + going)] if service + going else [])]), context
    )
    if ended < len(jobs):
        layout.progress(factor=_progress(jobs), text=f"{_progress(jobs):.0%}")
    col = layout.column(align=True)
    for job in jobs:
        split = col.split(factor=0.45)
        icon = _icon_of(job)
        split.label(text=shown(job.name), icon_value=icon, translate=False)
        row = split.row(align=True)
        if job.state in UNFINISHED:
            row.progress(factor=job.progress, text=f"{job.progress:.0%}")
            row.operator("image_to_3d.cancel", text="", icon="X", emboss=False).job = job.id
        else:
            row.label(text=job.state.capitalize())
            if job.state is State.IMPORTED:
                draw_show_small(row, job)
            row.operator("image_to_3d.select_job", text="", icon=ICONS[job.state], emboss=False).job = job.id
    draw_textures(layout, jobs)
    layout.operator("image_to_3d.use_settings", text="Use Settings", icon="SETTINGS").job = jobs[0].id


register, unregister = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_UL_jobs, IMAGE_TO_3D_PT_jobs, IMAGE_TO_3D_PT_jobs_image)
)
