# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators that are about one job have in common: which job, and that there is one. Not an operator."""

from typing import TYPE_CHECKING

import bpy

from ..api.errors import JobError
from ..scene import joblist, session

# Blender reads the properties of a mix-in, but not those of a class that is an operator itself.
if TYPE_CHECKING:
    _Mixin = bpy.types.Operator
else:
    _Mixin = object


class OfJob(_Mixin):
    """For an operator with the property `job`: an id, or "" for the job that is selected in the list."""

    job: bpy.props.StringProperty(
        name="Job",
        description="Id of the job; empty means the one that is selected in the list",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if session.was_read() and not session.jobs():  # a script may know a job before the list was read
            cls.poll_message_set("There are no jobs yet")
            return False
        return True

    def job_id(self) -> str:
        """The job that is meant. Raises `JobError` where there is none."""
        found = self.job or joblist.selected()
        if not found:
            raise JobError("No job is selected: select one in the list of jobs.")
        return found
