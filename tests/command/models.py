# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of a command with real jobs on the disk, in whatever state a test wants. For tests only."""

import sys

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.command.item import Item
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs.handle import Handle
from image_to_3d.jobs.queue import Queue


class Models:
    """Jobs under `root`. Backgrounds Blenders are `blender`, "" for the module of this Python."""

    def __init__(self, root, picture, blender=""):
        self.picture = str(picture)
        self.queue = Queue(
            lambda: root,
            python=[sys.executable, "-I"],
            config_of=lambda job: {"blender": blender, "shown": True},
            reason_to_wait=lambda job: "",
            at_once=lambda: 2,
        )

    def item(self, stem="Red Star", service="meshy", **facts):
        """An item whose job's record says `facts`."""
        parameters = {"image_url": self.picture, **facts.pop("parameters", {})}
        checked = check(SERVICES[service].parameters, parameters)
        job = self.queue.create(service=service, parameters=checked, name=facts.pop("name", stem))
        item = Item(self.picture, stem, handle=Handle(self.queue, job.id))
        self.change(item, **facts)
        return item

    def change(self, item, **facts):
        """Have a job's record say something else."""
        folder = item.handle.folder
        job = folders.read(folder)
        for name, value in facts.items():
            setattr(job, name, value)
        folders.write(folder, job, synced=False)
