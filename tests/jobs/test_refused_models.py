# SPDX-License-Identifier: GPL-3.0-or-later
"""A model in a job's folder that an earlier version took and this one refuses: the job says why, keeps it, and asks
nobody for another. No Blender is started."""

import pytest
from once import once
from service.textures import assembled

from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State

pytestmark = once


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"materials": [{"pbrMetallicRoughness": []}]}, "materials[0].pbrMetallicRoughness is no object"),
        ({"nodes": [{"children": [0]}]}, "circle"),
        ({"images": [{"uri": "data:/../../etc/passwd"}]}, "outside itself"),
    ],
)
def test_it_is_kept_and_no_other_is_made(jobs, document, words):
    folder = jobs.create()
    content = assembled({"asset": {"version": "2.0"}, **document}, b"")
    (folder / folders.GLB).write_bytes(content)
    for _ in range(3):
        job = jobs.finish(folder)
        assert job.state is State.FAILED and words in job.message
        assert job.message.endswith("It is kept as result.glb in the job's folder.")
        assert job.message.count(". ") == 1 and "again" not in job.message
        assert (folder / folders.GLB).read_bytes() == content
        assert not list(folder.glob("*-kept-*")) and not list(folder.glob("tmp-*")) and not job.task_id
        history.retry(folder)
