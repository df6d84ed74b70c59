# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs have brought into the open file, found by the custom property of the models' roots, whatever they are
called by now. Changes nothing."""

from collections.abc import Collection, Iterable, Iterator

import bpy

JOB = "image_to_3d_job"
"""The custom property of a root that holds the id of the job it came from: see `place`."""


def roots_of(job_ids: Collection[str]) -> list[bpy.types.Object]:
    """All roots of models of these jobs in the file, the newest last: a model may be imported several times. Some may
    be in no scene: the data of what was deleted stay until the file is saved and opened again."""
    found = [obj for obj in bpy.data.objects if isinstance(job := obj.get(JOB), str) and job in job_ids]
    return sorted(found, key=lambda obj: obj.session_uid)


def in_scenes(job_id: str) -> list[bpy.types.Object]:
    """The roots of a job's models that stand in a scene of the file, the newest last."""
    return [root for root in roots_of({job_id}) if root.users_scene]


def jobs_in_scenes() -> frozenset[str]:
    """The jobs whose models stand in a scene of the file."""
    found = (obj.get(JOB) for scene in bpy.data.scenes for obj in scene.objects)
    return frozenset(job for job in found if isinstance(job, str))


def whole(roots: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """The roots and all that is below them, each object once."""
    return list(dict.fromkeys(obj for root in roots for obj in (root, *root.children_recursive)))


def images_of(objects: Iterable[bpy.types.Object]) -> Iterator[bpy.types.Image]:
    """The images in the materials of these objects."""
    materials = {slot.material for obj in objects for slot in obj.material_slots if slot.material}
    for material in materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.type == "TEX_IMAGE" and node.image:
                yield node.image
