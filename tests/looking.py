# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests ask the extension's session, whichever object that is now: it is another one after the extension was
disabled."""


class Looking:
    """The session of an enabled extension, as `module(name)` gives its modules. `step_s` is how long a look goes on,
    None for as long as it does."""

    def __init__(self, module, step_s=None):
        self._module = module
        self._step_s = step_s
        self._wrapper = []
        self._changes = []

    @property
    def current(self):
        return self._module("session").current()

    def __getattr__(self, name):
        """Its own, or that of its queue or its arrivals."""
        current = self.current
        for part in (current, current.queue, current.arrivals):
            if hasattr(part, name):
                return getattr(part, name)
        raise AttributeError(name)

    @property
    def folders(self):
        return self._module("jobs.folder")

    @property
    def State(self):
        return self.folders.State

    @property
    def News(self):
        return self._module("jobs.queue").News

    def tick(self):
        """What a timer does."""
        return self.current.look()

    @property
    def root(self):
        return lambda: self.current.queue.root

    def refresh(self, job_id):
        """Read a job, and have the list show it."""
        job = self.current.queue.refresh(job_id)
        self.current.show()
        return job

    def was_read(self):
        return self.current.queue.was_read

    def trouble(self):
        return self.current.queue.trouble

    def cancel(self, job_id):
        self.current.queue.cancel(job_id)
        self.current.arrivals.leave(job_id)

    def retry(self, job_id, scene):
        self.current.queue.retry(job_id)
        self.current.arrivals.expect(job_id, scene)

    def adopt(self, job_id, task_id, scene):
        self.current.queue.adopt(job_id, task_id)
        self.current.arrivals.expect(job_id, scene)

    def run_in(self, *wrapper):
        """Have the processes of jobs run in another program, also those of the sessions to come."""
        python = self.current.queue.python
        del python[len(python) - len(self._wrapper) :]
        self._wrapper = list(wrapper)
        python += wrapper

    def configure(self, change):
        """Have `change` make another config of that of each job's process, also in the sessions to come."""
        self._changes.append(change)
        self._begin()

    def calm(self):
        """Have processes run as usual again, from the next session on."""
        self._wrapper, self._changes = [], []

    def _begin(self):
        """What was asked for, in a new session."""
        self._module("session").unregister()
        queue = self.current.queue
        queue.python += self._wrapper
        for change in self._changes:
            queue.config_of = lambda job, before=queue.config_of, change=change: change(before(job))
        if self._step_s is not None:
            queue.step_s = self._step_s

    def end(self):
        """What the end of Blender does: processes see the end of their standard input. The next look is that of another
        session."""
        processes = list(self.current.queue.processes.values())
        self.leave()
        for process in processes:
            process.wait(30)

    def leave(self):
        """The same, and whoever looks next may find that they have not ended yet."""
        self._begin()

    def kill(self, job_id):
        """End the process of a job as the system would."""
        process = self.current.queue.processes[job_id]
        process.kill()
        process.wait()
