# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of a job at ComfyUI: which workflow runs, its pictures, and the few inputs of its nodes that decide
quality and memory. Sends nothing.

Source: the nodes of ComfyUI 0.33.0 (August 2026), whose inputs have these names and ranges.
"""

from ...parameters import Choice, File, Flag, Number, Option, Range, Table, Text
from .. import rows

TEXTURED, MESH, VIEWS_TOO, FILE = "textured", "mesh", "views", "file"
"""The values of `workflow`."""

SEED_MOST = 2**31 - 1  # some custom nodes take no larger one; ComfyUI's own take 64 bits

_ONE_PICTURE = ({"workflow": (TEXTURED, MESH)},)
_BUILT_IN = ({"workflow": (TEXTURED, MESH, VIEWS_TOO)},)
_UNTEXTURED = ({"workflow": (MESH, FILE)},)
"""States in which some of the parameters have no effect."""

PARAMETERS: Table = (
    rows.IMAGE_URL,
    *rows.views(excluded=_ONE_PICTURE),
    Choice(
        name="workflow",
        description="What ComfyUI runs",
        default=TEXTURED,
        options={
            TEXTURED: Option(0, "Pixal3D or TRELLIS.2: a model with PBR maps; needs ComfyUI 0.33 or later"),
            MESH: Option(1, "Hunyuan3D 2.1: a mesh without a texture"),
            VIEWS_TOO: Option(2, "Pixal3D or Hunyuan3D 2mv: a model from up to four pictures"),
            FILE: Option(3, "A workflow of your own, which ComfyUI has exported with Export (API)", label="From File"),
        },
    ),
    File(
        name="workflow_file",
        description="Workflow that ComfyUI has exported with Export (API), or a PNG or GLB that it made with one",
        excluded=_BUILT_IN,
    ),
    Text(
        name="picture_node",
        label="Picture Node",
        description="ID of the node in your workflow that loads the picture; empty means the only one there is",
        length=100,
        excluded=_BUILT_IN,
    ),
    Text(
        name="model_node",
        label="Model Node",
        description="ID of the node in your workflow that saves the model; empty means the only one there is",
        length=100,
        excluded=_BUILT_IN,
    ),
    Number(
        name="seed",
        description="Another number gives another model of the same picture; -1 draws one for each job",
        default=-1,
        minimum=-1,
        maximum=SEED_MOST,
    ),
    Flag(
        name="project_picture",
        label="Project Picture",
        description="Where the model comes without a texture, paint it with the picture, as Local does",
        default=True,
        excluded=({"workflow": (TEXTURED,)},),
    ),
    Number(
        name="octree_resolution",
        label="Mesh Detail",
        description="How fine the mesh of Hunyuan3D is; a smaller number needs less memory",
        default=256,
        minimum=16,
        maximum=512,
        excluded=({"workflow": (TEXTURED, FILE)},),
    ),
    Number(
        name="target_resolution",
        label="Shape Detail",
        description="How fine the shape is before it is simplified, in steps of 128; 1024 needs the least memory",
        default=1536,
        minimum=1024,
        maximum=2048,
        excluded=_UNTEXTURED,
    ),
    Number(
        name="target_face_count",
        label="Faces",
        description="About how many faces the mesh gets",
        default=200_000,
        minimum=1_000,
        maximum=10_000_000,
        excluded=_UNTEXTURED,
    ),
    Choice(
        name="texture_size",
        label="Texture Size",
        description="How large the maps are; a smaller one needs less memory",
        default="2048",
        options={
            "1024": Option(0, "1024 pixels"),
            "2048": Option(1, "2048 pixels"),
            "4096": Option(2, "4096 pixels, for which graphics cards with 12 GB may have too little memory"),
        },
        excluded=_UNTEXTURED,
    ),
    Number(
        name="steps",
        description="How often the shape is refined; more steps take longer",
        default=30,
        minimum=1,
        maximum=200,
        ranges=(Range({"workflow": (VIEWS_TOO,)}, minimum=1, maximum=200, default=20),),
        excluded=({"workflow": (TEXTURED, FILE)},),
        rare=True,
    ),
    Flag(
        name="send_transparency",
        description="Send the picture with its transparency, for workflows that use the mask; else it is laid on white",
        default=False,
        excluded=_BUILT_IN,
        rare=True,
    ),
)
