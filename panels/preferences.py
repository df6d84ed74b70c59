# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences: keys and addresses of the services, the network, limits. Connects to nothing."""

import os

import bpy

from ..api.picture import LONGER_SIDE_PX
from ..api.services import SERVICES
from ..api.waiting import TIME_LIMIT_S

PACKAGE = __package__.rpartition(".")[0]

JOBS_AT_ONCE = 5  # the web services' smallest plans run about as many

WEB_SERVICES = tuple(name for name, service in SERVICES.items() if not service.local)


def _service_properties() -> dict[str, object]:
    """A key and an address for each web service."""
    made: dict[str, object] = {}
    for name in WEB_SERVICES:
        label = SERVICES[name].label
        made[f"{name}_key"] = bpy.props.StringProperty(
            name=f"{label} API Key",
            description=f"Your key for {label}; {name.upper()}_API_KEY in the environment goes before it",
            subtype="PASSWORD",
        )
        made[f"{name}_url"] = bpy.props.StringProperty(
            name=f"{label} Address",
            description=f"Where {label} is, up to the path of the request; empty means the usual address",
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
            description="File in PEM format with certificates to trust beside those of the system",
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
            col = layout.column()
            if os.environ.get(f"{name.upper()}_API_KEY"):
                col.label(text=f"The API key for {SERVICES[name].label} comes from the environment")
            else:
                col.prop(self, f"{name}_key")
            if os.environ.get(f"{name.upper()}_API_URL"):
                col.label(text=f"The address of {SERVICES[name].label} comes from the environment")
            else:
                col.prop(self, f"{name}_url")
        col = layout.column()
        col.prop(self, "proxy")
        col.prop(self, "ca_file")
        col = layout.column()
        col.prop(self, "jobs_at_once")
        col.prop(self, "time_limit")
        col.prop(self, "picture_limit")


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_AP_preferences)


def unregister() -> None:
    bpy.utils.unregister_class(IMAGE_TO_3D_AP_preferences)
