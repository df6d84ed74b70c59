# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.check_account`: tries a service's API key, and learns how many credits are left, or what a server lacks.
Spends none."""

import time

import bpy

from .. import session
from ..api.errors import ImageTo3DError
from ..api.services import SERVICES
from ..scene import settings
from . import watch
from .interrupt import Interrupt
from .outcome import interruptible_outcome, report

LOOK_S = 0.05


class IMAGE_TO_3D_OT_check_account(bpy.types.Operator):
    """Ask the service whether it accepts the API key, how many credits are left, and what it lacks for a job"""

    bl_idname = "image_to_3d.check_account"
    bl_label = "Check API Key"

    service: bpy.props.StringProperty(
        name="Service",
        description="Which service is asked; empty means the one of the scene",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene is None:
            cls.poll_message_set("There is no scene")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        service = self.service.lower() or settings.service_of(context.scene.image_to_3d)
        return interruptible_outcome(self, lambda interrupt: self._check(service, interrupt))

    def _check(self, service: str, interrupt: Interrupt) -> None:
        if service not in SERVICES:
            raise ImageTo3DError(f"There is no service {self.service!r}: use one of {', '.join(SERVICES).upper()}.")
        session.current().accounts.ask(service)
        if not bpy.app.background:  # the answer is shown in the sidebar and in the preferences when it comes
            watch.wake()
            return
        while (found := session.current().accounts.last(service)) and found.is_asking:
            time.sleep(LOOK_S)
            interrupt.check()
            session.current().accounts.hear()
        if found is None or found.is_error:
            raise ImageTo3DError(found.sentence if found else "The check was given up: try again.")
        report(self, "INFO", found.sentence)


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_check_account,))
