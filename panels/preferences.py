# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: keys and addresses of the services, the network, limits, results. Connects to nothing,
reads no file."""

import os

import bpy

from .. import session
from ..api import access as needs
from ..api.services import SERVICES
from ..api.sources import LONGER_SIDE_PX
from ..api.waiting import TIME_LIMIT_S
from ..scene.shown import shown
from .sentences import draw_sentence

PACKAGE = __package__.rpartition(".")[0]

JOBS_AT_ONCE = 5  # the web services' smallest plans run about as many

MODEL_MEMORY_GB, MODEL_MINUTES = 3, 10
"""As `programs.bounds` has them, which is not loaded at Blender's start."""

LABEL_SHARE = 0.4  # of a row's width, as Blender divides rows of properties

WEB_SERVICES = tuple(name for name, service in SERVICES.items() if service.reach != "none")

KEY_LABELS = {True: "API Key", False: "Token"}
"""By whether nothing can be asked without one: a server of the user's may be behind something that asks for one."""


def _service_properties() -> dict[str, object]:
    """A key and an address for each web service."""
    made: dict[str, object] = {}
    for name in WEB_SERVICES:
        label, needs_key = SERVICES[name].label, SERVICES[name].needs_key
        what = f"Your key for {label}" if needs_key else f"Token for {label} behind a proxy that asks for one"
        made[f"{name}_key"] = bpy.props.StringProperty(
            name=f"{label} {KEY_LABELS[needs_key]}",
            description=f"{what}; {needs.key_variable(name)} in the environment is used first",
            subtype="PASSWORD",
        )
        made[f"{name}_url"] = bpy.props.StringProperty(
            name=f"{label} Address",
            description=f"Address of {label}, without what follows for each request; empty means the usual one",
        )
    return made


class IMAGE_TO_3D_AP_preferences(bpy.types.AddonPreferences):
    """Preferences of Image to 3D"""

    bl_idname = PACKAGE

    __annotations__ = {
        **_service_properties(),
        "proxy": bpy.props.StringProperty(
            name="Proxy",
            description="Address of a proxy, like http://proxy:3128; empty means the one of the system",
        ),
        "ca_file": bpy.props.StringProperty(
            name="Certificates",
            description="File in PEM format with certificates to trust in addition to those of the system",
            subtype="FILE_PATH",
        ),
        "jobs_at_once": bpy.props.IntProperty(
            name="Jobs at Once",
            description="How many jobs run at the same time; the others wait",
            default=JOBS_AT_ONCE,
            min=1,
            max=50,
        ),
        "time_limit": bpy.props.IntProperty(
            name="Time Limit in Minutes",
            description="How many minutes a service may need for a model before the job stops waiting for it",
            default=round(TIME_LIMIT_S / 60),
            min=1,
            max=24 * 60,
        ),
        "model_memory_gb": bpy.props.IntProperty(
            name="Model Memory in GB",
            description="How much memory the background Blender may take to prepare a model before it is ended",
            default=MODEL_MEMORY_GB,
            min=1,
            max=64,
        ),
        "model_minutes": bpy.props.IntProperty(
            name="Model Time in Minutes",
            description="How many minutes the background Blender may take to prepare a model before it is ended",
            default=MODEL_MINUTES,
            min=1,
            max=24 * 60,
        ),
        "picture_limit": bpy.props.IntProperty(
            name="Picture Size Limit",
            description="Pictures with a longer side than this many pixels are scaled down before they are sent",
            default=LONGER_SIDE_PX,
            min=256,
            max=16384,
            subtype="PIXEL",
        ),
    }

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in WEB_SERVICES:
            _draw_service(_box(layout, SERVICES[name].label, is_name=True), self, name, context)
        box = _box(layout, "Network")
        box.prop(self, "proxy")
        box.prop(self, "ca_file")
        box = _box(layout, "Jobs")
        box.prop(self, "jobs_at_once")
        box.prop(self, "time_limit")
        box.prop(self, "model_memory_gb")
        box.prop(self, "model_minutes")
        box.prop(self, "picture_limit")
        _draw_results(_box(layout, "Results"))


def _box(layout: bpy.types.UILayout, title: str, *, is_name: bool = False) -> bpy.types.UILayout:
    box = layout.box()
    box.label(text=title, translate=not is_name)
    return box.column()


def _draw_service(
    layout: bpy.types.UILayout, chosen: bpy.types.AddonPreferences, name: str, context: bpy.types.Context
) -> None:
    """Key and address of a service, and what it says about them."""
    from ..session import access, account

    service = SERVICES[name]
    closed = access.closed_reason(name)
    if closed:
        draw_sentence(layout, closed, context, icon="INFO")
    names = {"key": needs.key_variable(name), "url": needs.url_variable(name)}
    key = ("key", KEY_LABELS[service.needs_key], "" if service.needs_key else "Optional")
    address = ("url", "Address", "" if closed else service.default_url)
    for what, label, usual in (key, address) if service.needs_key else (address, key):
        variable = names[what]
        if os.environ.get(variable):
            _beside(layout, label).label(text=f"From the environment ({variable})")
        else:
            layout.prop(chosen, f"{name}_{what}", text=label, placeholder=usual)
    reason = access.key_reason(name)
    row = _beside(layout, "").row(align=True)
    check = row.row(align=True)
    check.enabled = not reason
    check.operator("image_to_3d.check_account", text="Check").service = name.upper()
    if service.account_page:
        row.operator("wm.url_open", text="Get a Key", icon="URL").url = service.account_page
    offline = "" if reason else access.offline_reason(name)
    last = session.current().accounts.last(name)
    if offline:
        draw_sentence(layout, offline, context, icon="INFO")
    elif last is not None:
        if last.is_asking:
            draw_sentence(layout, account.asking(name), context, icon="TIME")
        else:
            draw_sentence(layout, last.sentence, context, icon="ERROR" if last.is_error else "CHECKMARK")


def _draw_results(layout: bpy.types.UILayout) -> None:
    """Where the models are kept, and how much room they take."""
    from ..scene.amount import in_words  # here, as it would slow down the start of Blender

    folder = bpy.utils.extension_path_user(PACKAGE, path="jobs")
    _beside(layout, "Folder").label(text=shown(folder), translate=False)
    queue = session.current().queue
    if queue.was_read:
        _beside(layout, "Size").label(text=in_words(len(queue), queue.total_bytes))
    row = _beside(layout, "").row(align=True)
    row.enabled = queue.was_read  # from then on there is a folder
    row.operator("wm.path_open", text="Open Folder", icon="FILE_FOLDER").filepath = folder
    row.operator("image_to_3d.tidy_up")
    _beside(layout, "").operator("image_to_3d.add_to_asset_browser", icon="ASSET_MANAGER")


def _beside(layout: bpy.types.UILayout, label: str) -> bpy.types.UILayout:
    """Return the right part of a row that is divided as those of properties are, with `label` in its left part."""
    split = layout.split(factor=LABEL_SHARE)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=label)
    return split.column()


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_AP_preferences,))
