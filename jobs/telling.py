# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a service that the user has given a task up. Asks for the task first, and deletes none that has succeeded;
writes no record."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import api
from ..api.errors import ImageTo3DError, RefusedError, is_transient
from ..api.waiting import FAILURE_PAUSES_S
from . import folder as folders
from .folder import Job, State


@dataclass
class Telling:
    """One attempt to tell `service` of the end of `job`'s task. `sleep` and `check_cancelled` may raise; `log_error` is
    called while an error is handled that the next try may not meet.
    """

    service: api.Service
    job: Job
    sleep: Callable[[float], None]
    check_cancelled: Callable[[], None]
    log_error: Callable[[], None]

    _is_deletion_sent: bool = False
    """Whether this attempt has asked the service to delete the task: what it does not know any more was then deleted.
    """

    def tell(self) -> None:
        """Tell it, and note in the job what the user hears. Tried again where it fails for a reason that may pass.
        Raises `ImageTo3DError`."""
        for seconds in FAILURE_PAUSES_S:
            try:
                self._give_task_up()
                return
            except ImageTo3DError as error:
                if not is_transient(error):
                    raise
                self.log_error()
            self.sleep(seconds)
        self._give_task_up()

    def _give_task_up(self) -> None:
        """Ask how the task is and, where it has not ended, have it deleted. One that has succeeded is paid for, and a
        service may delete its model with it.
        """
        job = self.job
        task = self.service.get(job.task_id)
        self.check_cancelled()
        is_gone = task.status is api.Status.GONE
        if is_gone and job.adopted:  # mistyped: what became of the request is as unknown as before
            job.task_id, job.adopted = "", False
            job.end(State.CANCELLED, folders.CANCELLED_MESSAGE)
        elif is_gone and not self._is_deletion_sent:  # a wrong address says that, too: a retry asks once more
            job.gone = True
            job.say(folders.UNKNOWN_MESSAGE)
        elif task.status is api.Status.SUCCEEDED:
            job.say(folders.FINISHED_MESSAGE)
        elif task.has_ended or self._is_deleted():
            job.task_over, job.message = True, folders.CANCELLED_MESSAGE
        else:
            has_refused = self.service.about.can_cancel  # Meshy only where it works on the task already: that is paid
            job.say(folders.PAID_MESSAGE if has_refused else folders.GOES_ON_MESSAGE)

    def _is_deleted(self) -> bool:
        self._is_deletion_sent = True
        try:
            return self.service.cancel(self.job.task_id)
        except RefusedError:  # it works on the task already
            self.log_error()
            return False
