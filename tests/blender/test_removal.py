# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken out of the file with a model that is made of many objects."""

import bpy

from image_to_3d.scene import removal

DEPTH = 1100  # Python's own limit is at 1,000


def test_a_long_chain_of_objects_goes_and_what_the_user_hung_on_it_stays(extension):
    collection = bpy.data.collections.new("Chain")
    collection["image_to_3d_job"] = "a-job"
    bpy.context.scene.collection.children.link(collection)
    last = None
    for number in range(DEPTH):
        link = bpy.data.objects.new(f"Link {number}", None)
        collection.objects.link(link)
        link.parent, link.location.x = last, 1
        last = link
    root = bpy.data.objects["Link 0"]
    root["image_to_3d_job"] = "a-job"
    own = bpy.data.objects.new("Own", bpy.data.meshes.new("Own"))
    bpy.context.scene.collection.objects.link(own)
    own.parent = last
    bpy.context.view_layer.update()
    assert removal.remove([root]) == 1
    assert list(bpy.data.objects) == [own]
    bpy.context.view_layer.update()
    assert own.matrix_world.translation.x == DEPTH
    assert list(bpy.data.collections) == []
