# SPDX-License-Identifier: GPL-3.0-or-later
"""One job at a stand-in for a paid service, whatever befalls it, and what must hold then. For tests only."""

import contextlib
import json
import sys
import time
from pathlib import Path

from service.stand_in import StandIn

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history, worker
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process

PROGRAMS = Path(__file__).parents[1] / "programs"
FACTOR = 40  # of the fast clock: what waits half a minute takes under a second
DEADLINE_S = 60  # against a hang; nothing is measured with it


class Paid:
    """A job of `service` in a user folder of its own, with a stand-in of its own that counts. "meshy views" is a job of
    Meshy with a further view of the object: its task is of another path.

    `parameters`, `config` and `connection` are what is unusual in the request, for the process and for the service;
    `options` are the stand-in's.
    """

    def __init__(self, service, root, picture, model, blender, *, parameters=(), config=(), connection=(), **options):
        service, _, views = service.partition(" ")
        self.service = service
        self.root = root
        self.blender = blender
        self.stand_in = StandIn(model=model, **options)
        self.key = getattr(self.stand_in, f"{service}_key")
        self.started = []
        self.config = dict(config)
        self.connection = dict(connection)
        shown = {"image_url": str(picture), **({"back_image_url": str(picture)} if views else {})}
        asked = check(SERVICES[service].parameters, {**shown, **dict(parameters)})
        self.folder = folders.create(root, service=service, parameters=asked, name="Red Star")

    def start(self, *wrappers):
        """Start the job's process, inside the programs that `wrappers` are command lines of."""
        config = {
            "blender": self.blender,
            "connection": {
                "key": self.key,
                "url": getattr(self.stand_in, f"{self.service}_url"),
                "network": {"read_s": 1.0, "create_s": 1.0, "online": False},
                **self.connection,
            },
            **self.config,
        }
        before = [str(PROGRAMS / "hurry.py"), str(FACTOR), *map(str, wrappers)]
        started = worker.start(self.folder, python=[sys.executable, "-I", *before], config=config)
        self.started.append(started)
        return started

    def run(self, *wrappers):
        """Run the job's process to its end; return its exit code."""
        started = self.start(*wrappers)
        code = started.wait(DEADLINE_S)
        with contextlib.suppress(OSError):
            process.stop(started)
        return code

    @property
    def job(self):
        return folders.read(self.folder)

    @property
    def deleted(self):
        """How often the service was told to give the task up."""
        return sum(request.method == "DELETE" for request in self.stand_in.requests)

    def wait_until(self, condition):
        until = time.monotonic() + DEADLINE_S
        while not (result := condition()):
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.005)
        return result

    def check(self):
        """At any moment: at most one task was made, and it is known, or it is known that it may have been made."""
        made = self.stand_in.creates
        assert len(made) <= 1, "paid twice"
        job = self.job
        known = job.task_id == made[0].id if made else not job.task_id
        assert known or job.is_unresolved or (job.state is State.CANCELLED and self.deleted), "a paid task is lost"
        if job.state is State.UNCONFIRMED:
            assert "adopt its id" in job.message

    def go_on(self):
        """What a user does after a fault: start Blender again, retry what failed, decide what is unconfirmed. It ends
        well."""
        self.stand_in.play_nothing()
        if self.job.needs_process:
            self.run()
            self.check()
        if self.job.state in (State.FAILED, State.CANCELLED):
            history.retry(self.folder)
            self.run()
            self.check()
        if self.job.state is State.UNCONFIRMED:
            if self.stand_in.creates:
                history.adopt(self.folder, self.stand_in.creates[0].id)
            else:
                history.send_again(self.folder)
            self.run()
        assert self.job.state is State.READY, f"{self.job.state}: {self.job.message}\n{self.log}"
        assert len(self.stand_in.creates) == 1, f"{len(self.stand_in.creates)} creates"
        assert self.job.task_id == self.stand_in.creates[0].id
        assert (self.folder / folders.GLB).stat().st_size > 1000
        assert not list(self.folder.glob("*.part")) and not list(self.folder.glob("tmp-*"))
        self.check_secrets()

    def check_secrets(self):
        """The key is nowhere on the disk, and went to no host but the service's own."""
        for file in filter(Path.is_file, self.root.rglob("*")):
            content = file.read_bytes()
            assert self.key.encode() not in content, f"the key is in {file.name}"
            if file.name == folders.LOG:
                assert b"base64" not in content and b"Signature=" not in content and b"sig=" not in content
        for request in self.stand_in.requests:
            if request.service in ("files", "elsewhere"):
                assert self.key not in json.dumps(dict(request.headers)), f"the key went to {request.path}"

    @property
    def log(self):
        return (self.folder / folders.LOG).read_text(errors="replace")[-3000:]

    def close(self):
        for started in self.started:
            if process.is_alive(started):
                started.kill()
            started.wait()
            with contextlib.suppress(OSError):
                process.stop(started)
        self.stand_in.close()
