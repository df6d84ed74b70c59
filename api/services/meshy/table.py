# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of Meshy's image-to-3D tasks, from one picture and from several, and which of them go together. Sends
nothing.

Source: Meshy, "Image To 3D API" and "Multi-Image To 3D API" (August to November 2026), and what Meshy's own MCP server
(0.6.8) and command line (0.8.6, both November 2026) leave out: Meshy refuses some parameters by their mere presence.
What a model can do that is newer than this table, nobody knows here: beside it nothing is left out.
"""

from ...parameters import Choice, Flag, Number, Option, Picture, Range, Table, Text, Where
from .. import rows

NEWEST = ("latest", "meshy-7.1")
STANDARD_MODELS = (*NEWEST, "meshy-7", "meshy-6", "meshy-6-lite")
SMART_MODELS = ("meshy-t2.5", "meshy-t2")
SMART_DEFAULT = "meshy-t2"
"""The model that makes a mesh with smart topology where none is named."""
SMART_TOPOLOGY = "smart-topology"

SMART: Where = {"model_type": (SMART_TOPOLOGY,)}
LITE: Where = {"ai_model": ("meshy-6-lite",)}
N1: Where = {"texture_model": ("meshy-n1",)}
COARSE: tuple[Where, ...] = (LITE, {"texture_model": ("meshy-n1", "meshy-6-lite")})
"""Textures have 2048 pixels there, and no more."""
NAMED: tuple[Where, ...] = ({"ai_model": True, "model_type": ("standard",)},)
"""A model is named, and each has another default for rebuilding the mesh."""
SEVERAL: tuple[Where, ...] = tuple({name: True} for name in rows.VIEWS)
"""There are further pictures."""

PARAMETERS: Table = (
    Picture(
        name="image_url",
        description="Picture that becomes the model: a path, an address, or the picture itself as a data URI",
        instead="input_task_id",
    ),
    *rows.views(excluded=(SMART, {"input_task_id": True})),
    Text(
        name="ai_model",
        description="Which AI model of Meshy is used: new ones come every few months",
        default="latest",
        length=100,
        suggestions=(*STANDARD_MODELS, *SMART_MODELS),
        # "latest" is not sent, so that it goes with smart topology, too.
        refused={
            **dict.fromkeys(STANDARD_MODELS[1:], (SMART,)),
            **dict.fromkeys(SMART_MODELS, ({"model_type": ("standard",)},)),
        },
        ended={
            "meshy-4": "meshy-6-lite",
            "meshy-5": "meshy-6-lite",
            "meshy-t1": "meshy-t2 with the model_type smart-topology",
        },
        ending={"meshy-7": "2026-12-31"},  # as a texture_model it stays
    ),
    Choice(
        name="model_type",
        description="What kind of mesh is made",
        default="standard",
        options={
            "standard": Option(0, "A detailed mesh with many faces"),
            SMART_TOPOLOGY: Option(
                1, "Few, well-placed triangles, made by the AI models meshy-t2 and meshy-t2.5", label="Smart Topology"
            ),
        },
        rare=True,
    ),
    Flag(name="should_texture", label="Texture", description="Make a texture, and not only the mesh", default=True),
    Flag(
        name="enable_pbr",
        label="PBR Maps",
        description="Make metallic, roughness and normal maps, and not only the base color",
        default=True,  # the first page's; the later one has false, and a Blender user wants the maps
        needs="should_texture",
        excluded=(N1,),
        always_sent=True,
    ),
    Text(
        name="texture_prompt",
        description="What the texture should look like, in words, instead of the texture image",
        length=800,
        needs="should_texture",
        excluded=(N1,),
    ),
    Picture(
        name="texture_image_url",
        label="Texture Image",
        description="Picture that shows what the texture should look like: a path or an address",
        optional=True,
        needs="should_texture",
        excluded=({"texture_prompt": True},),
        rare=True,
    ),
    Text(
        name="texture_model",
        description="Which AI model of Meshy makes the texture; empty leaves that to Meshy",
        length=100,
        suggestions=("meshy-7", "meshy-n1", "meshy-6-lite"),
        refused={"meshy-6-lite": SEVERAL},
        needs="should_texture",
        rare=True,
    ),
    Choice(
        name="texture_resolution",
        label="Texture Size",
        description="How large the base color map is",
        default="2k",
        options={
            "2k": Option(0, "2048 pixels"),
            "4k": Option(1, "4096 pixels"),
            "8k": Option(2, "8192 pixels, which costs five more credits"),
        },
        needs="should_texture",
        excluded=COARSE,
        rare=True,
    ),
    Flag(
        name="hd_texture",
        description="Make a base color map of 4096 pixels: an older form of Texture Size 4K",
        default=False,
        needs="should_texture",
        excluded=COARSE,
        rare=True,
    ),
    Flag(
        name="remove_lighting",
        description="Remove highlights and shadows from the base color",
        default=True,
        needs="should_texture",
        excluded=(SMART, LITE, N1, {"ai_model": (*NEWEST, "meshy-7"), **rows.NO_VIEWS}),
        rare=True,
    ),
    Flag(
        name="should_remesh",
        label="Remesh",
        description="Rebuild the mesh with the topology and number of faces below; off keeps the dense triangles",
        default=False,
        excluded=(SMART,),
        sent_beside=NAMED,
    ),
    Choice(
        name="topology",
        description="What kind of faces the mesh has",
        default="triangle",
        options={
            "triangle": Option(0, "Faces with three sides", label="Triangles"),
            "quad": Option(1, "Faces with four sides, which are easier to edit and to subdivide", label="Quads"),
        },
        needs="should_remesh",
        excluded=(SMART,),
        sent_beside=NAMED,
    ),
    Number(
        name="target_polycount",
        label="Faces",
        description="About how many faces the mesh gets",
        default=30_000,
        minimum=100,
        maximum=300_000,
        ranges=(
            Range({**SMART, "ai_model": ("latest", SMART_DEFAULT)}, minimum=100, maximum=15_000, default=4_000),
            Range({**SMART, "ai_model": ("meshy-t2.5",)}, minimum=100, maximum=30_000, default=15_000),
        ),
        needs="should_remesh",
        needless=(SMART,),
        excluded=({"decimation_mode": True},),
        sent_beside=NAMED,
    ),
    Number(
        name="decimation_mode",
        label="Decimation",
        description="How much to reduce the mesh, from 1 (least) to 4 (most), instead of a number of faces",
        default=None,
        minimum=1,
        maximum=4,
        needs="should_remesh",
        excluded=(SMART,),
        rare=True,
    ),
    Flag(
        name="save_pre_remeshed_model",
        label="Keep Dense Mesh",
        description="Keep the dense mesh as well, as pre_remeshed.glb in the job's folder",
        default=False,
        needs="should_remesh",
        excluded=(SMART,),
        rare=True,
    ),
    Choice(
        name="geometry_resolution",
        label="Shape Detail",
        description="How much detail the shape has",
        default="standard",
        options={
            "standard": Option(0, "The usual detail"),
            "2k": Option(1, "More detail, which costs five more credits"),
            "4k": Option(2, "The most detail, which costs five more credits", excluded=SEVERAL),
        },
        excluded=(SMART, {"ai_model": ("meshy-7", "meshy-6", "meshy-6-lite")}),
        rare=True,
    ),
    Choice(
        name="pose_mode",
        label="Pose",
        description="Which pose a figure gets",
        default="",
        options={
            "": Option(0, "The pose in the picture", label="As in Picture"),
            "a-pose": Option(1, "Arms half lowered"),
            "t-pose": Option(2, "Arms stretched out to the sides"),
        },
        rare=True,
    ),
    Flag(
        name="auto_size",
        description="Let Meshy estimate how tall the object really is, and make the model as tall",
        default=False,
        rare=True,
    ),
    Choice(
        name="origin_at",
        label="Origin",
        description="Where Meshy puts the origin of the model",
        default="bottom",
        options={"bottom": Option(0, "At the bottom of the model"), "center": Option(1, "In the middle of the model")},
        needs="auto_size",
        rare=True,
    ),
    Flag(
        name="image_enhancement",
        label="Enhance Picture",
        description="Let Meshy improve the picture before it makes the model",
        default=True,
        excluded=(SMART, LITE),
        rare=True,
    ),
    Flag(
        name="moderation",
        description="Let Meshy check pictures and texts, and refuse content that is not allowed",
        default=False,
        rare=True,
    ),
    Flag(
        name="alpha_thumbnail",
        description="Keep Meshy's preview of the model without a background, as a picture in the job's folder",
        default=False,
        rare=True,
    ),
    Flag(
        name="multi_view_thumbnails",
        label="Four Thumbnails",
        description="Keep Meshy's previews of the model from four sides, as pictures in the job's folder",
        default=False,
        rare=True,
    ),
    Text(
        name="input_task_id",
        description="ID of a finished image task at Meshy, whose picture is used instead of the one above",
        length=100,
        rare=True,
    ),
)

FIXED = {"target_formats": ["glb"]}
"""Sent with every request: fewer formats are made faster, and Blender takes this one."""
