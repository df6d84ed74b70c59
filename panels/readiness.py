# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service needs before it can make a model, with the button that leads there; else that it is ready. Asks
nobody: shows what the session knows."""

from collections.abc import Sequence

import bpy

from .. import session
from ..api.services import SERVICES
from .sentences import draw_sentence

SERVER_LINES = 2
"""What is said of a server of the user's takes so many lines at least: as many as it usually needs when it is ready.
With fewer, what is below would jump whenever it is asked again."""


def draw_readiness(
    layout: bpy.types.UILayout, service: str, sources: Sequence[str], context: bpy.types.Context
) -> None:
    """What the service with this wire name needs now, for pictures from `sources`; else that it is ready, and what the
    account has."""
    from ..session import access, account  # here, as it would slow down the start of Blender

    closed = access.closed_reason(service)
    no_key = access.key_reason(service)
    offline = access.offline_reason(service, sources)
    last = session.current().accounts.last(service)
    if closed:
        draw_sentence(layout, closed, context, icon="ERROR")
        _preferences(layout)
    elif no_key:
        draw_sentence(layout, no_key.partition(":")[0], context, icon="ERROR")
        layout.operator("image_to_3d.show_preferences", text="Enter API Key", icon="PREFERENCES")
    elif offline:
        if bpy.app.online_access_override:
            draw_sentence(layout, offline, context, icon="ERROR")
        else:
            draw_sentence(layout, offline.partition(":")[0], context, icon="ERROR")
            layout.operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
    elif last is not None and last.is_error:
        draw_sentence(layout, last.sentence, context, icon="ERROR")
        if last.page:
            layout.operator("wm.url_open", text="Get the File", icon="URL").url = last.page
        elif "preferences" in last.sentence:
            _preferences(layout)
    elif last is not None and last.credits is not None:
        draw_sentence(layout, f"Ready, {last.credits:,} credits left", context, icon="CHECKMARK")
    elif not SERVICES[service].tells_lacks:
        draw_sentence(layout, "Ready", context, icon="CHECKMARK")
    elif last is None:  # the timer is about to ask
        draw_sentence(layout, account.asking(service), context, icon="TIME", least=SERVER_LINES)
    else:
        icon = "TIME" if last.sentence == account.asking(service) else "CHECKMARK"
        draw_sentence(layout, last.sentence, context, icon=icon, least=SERVER_LINES)


def _preferences(layout: bpy.types.UILayout) -> None:
    layout.operator("image_to_3d.show_preferences", text="Open Preferences", icon="PREFERENCES")


def in_the_way(service: str, sources: Sequence[str]) -> str:
    """Why the service cannot be asked now, in few words, as the rest stands beside the service; "" where it can."""
    from ..session import access

    no_key = access.key_reason(service)
    reason = (
        (no_key and access.closed_reason(service))
        or no_key
        or access.offline_reason(service, sources)
        or session.current().accounts.lack(service)
    )
    return reason.partition(": ")[0].removesuffix(".")
