# SPDX-License-Identifier: GPL-3.0-or-later
"""`image_to_3d.keep`: removes the models of the other variants of a request from the file. Never their jobs."""

import bpy

from .. import session
from ..api.errors import JobError
from .jobs import InScene
from .outcome import outcome, report

# What finds and removes models is imported where it is used, as it would slow down the start of Blender.


class IMAGE_TO_3D_OT_keep(InScene, bpy.types.Operator):
    """Remove the models of the other variants from the file; their jobs stay, and can be imported again"""

    bl_idname = "image_to_3d.keep"
    bl_label = "Keep This One"
    bl_options = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        changed: list[bool] = []
        result = outcome(self, lambda: changed.append(self._keep(context)))
        return result if any(changed) else {"CANCELLED"}  # no undo step for nothing

    def _keep(self, context: bpy.types.Context) -> bool:
        """Return whether anything was removed."""
        from ..scene import found, removal, reveal
        from ..session import busy, start

        current = session.current()
        job = current.queue.refresh(self.job_id())
        if not job.group:
            raise JobError(f"{job.name} is the only one of its kind: there are no other variants of it.")
        if not found.in_scenes(job.id):
            raise JobError(f"{job.name} is not in this file: import it first, or keep another variant.")
        if busy.is_tool_held():
            raise JobError("Nothing can be removed while a tool is in use: end the tool first.")
        others = {other.id for other in start.variants(job) if other.id != job.id}
        awaited = [job_id for job_id in current.arrivals.expected() if job_id in others]
        # One that is in no scene may be seen where its collection is instanced, as it is dragged from Asset Browsers.
        roots = [root for root in found.roots_of(others) if root.library is None and root.users_scene]
        if any(obj.mode != "OBJECT" for obj in found.whole(roots)):
            reveal.leave_mode(context)
        for job_id in awaited:
            current.arrivals.leave(job_id)
        removed = removal.remove(roots)
        report(self, "INFO", _said(job.name, removed, len(awaited)))
        return bool(removed)


def _said(name: str, removed: int, awaited: int) -> str:
    """What was done, as a sentence."""
    if not removed and not awaited:
        return f"There is nothing to remove: no other variant of {name} is in this file"
    models = "1 other model is removed" if removed == 1 else f"{removed} other models are removed"
    jobs = "1 variant has" if awaited == 1 else f"{awaited} variants have"
    later = f"{jobs} not arrived yet, and will not enter the scene by {'itself' if awaited == 1 else 'themselves'}"
    return ". ".join([f"{name} is kept, {models}" if removed else f"{name} is kept", *([later] if awaited else [])])


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_keep,))
