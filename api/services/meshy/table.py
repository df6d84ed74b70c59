# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of Meshy's image-to-3D tasks. Sends nothing.

Source: Meshy, "Image To 3D API", its v1 page and the current one (2026).
"""

from ...parameters import Choice, Flag, Number, Option, Picture, Table, Text

PARAMETERS: Table = (
    Picture(
        name="image_url",
        description="Picture to be turned into a model: a path, an address, or the picture itself as a data URI",
        instead="input_task_id",
    ),
    Text(
        name="ai_model",
        description="Which model Meshy uses; the names change every few months",
        default="latest",
        length=100,
        suggestions=("latest", "meshy-7.1", "meshy-7", "meshy-6", "meshy-6-lite", "meshy-t2"),
    ),
    Choice(
        name="model_type",
        description="What kind of mesh is made",
        default="standard",
        options={
            "standard": Option(0, "A mesh with much detail"),
            "smart-topology": Option(1, "Few, well placed faces; made by the model meshy-t2"),
        },
        rare=True,
    ),
    Flag(name="should_texture", description="Make a texture, not the mesh alone", default=True),
    Flag(
        name="enable_pbr",
        description="Make metallic, roughness and normal maps beside the base color",
        default=True,  # the first page's; the later one has false, and a Blender user wants the maps
        needs="should_texture",
        always_sent=True,
    ),
    Text(
        name="texture_prompt",
        description="What the texture should look like, in words; goes before a texture picture",
        length=600,
        needs="should_texture",
    ),
    Picture(
        name="texture_image_url",
        description="Picture that the texture should look like: a path or an address",
        optional=True,
        needs="should_texture",
        rare=True,
    ),
    Choice(
        name="texture_resolution",
        description="How large the base color map is",
        default="2k",
        options={
            "2k": Option(0, "2048 pixels"),
            "4k": Option(1, "4096 pixels"),
            "8k": Option(2, "8192 pixels, for five more credits"),
        },
        needs="should_texture",
        rare=True,
    ),
    Flag(
        name="hd_texture",
        description="Make the base color map with 4096 pixels; the older way to say Texture Resolution 4k",
        default=False,
        needs="should_texture",
        rare=True,
    ),
    Flag(
        name="remove_lighting",
        description="Take highlights and shadows out of the base color",
        default=True,
        needs="should_texture",
        rare=True,
    ),
    Flag(
        name="should_remesh",
        description=(
            "Make the mesh anew with the topology and the number of faces below; off gives the densest triangles"
        ),
        default=False,
        sent_with="ai_model",  # each of them has another default
    ),
    Choice(
        name="topology",
        description="What the faces of the mesh are",
        default="triangle",
        options={
            "triangle": Option(0, "Triangles"),
            "quad": Option(1, "Four-sided faces, for editing and subdivision"),
        },
        needs="should_remesh",
        sent_with="ai_model",  # each of them has another default
    ),
    Number(
        name="target_polycount",
        description="About how many faces the mesh gets",
        default=30_000,
        minimum=100,
        maximum=300_000,
        needs="should_remesh",
        sent_with="ai_model",  # each of them has another default
    ),
    Number(
        name="decimation_mode",
        description="How far the mesh is reduced, from 1 (least) to 4 (most), instead of a number of faces",
        default=None,
        minimum=1,
        maximum=4,
        needs="should_remesh",
        rare=True,
    ),
    Flag(
        name="save_pre_remeshed_model",
        description="Keep the dense mesh too, as pre_remeshed.glb in the job's folder",
        default=False,
        needs="should_remesh",
        rare=True,
    ),
    Choice(
        name="geometry_resolution",
        description="How fine the shape is",
        default="standard",
        options={
            "standard": Option(0, "The usual"),
            "2k": Option(1, "Finer, for five more credits"),
            "4k": Option(2, "Finest, for five more credits"),
        },
        rare=True,
    ),
    Choice(
        name="pose_mode",
        description="Which pose a figure gets",
        default="",
        options={
            "": Option(0, "As in the picture"),
            "a-pose": Option(1, "Arms lowered"),
            "t-pose": Option(2, "Arms stretched out"),
        },
        rare=True,
    ),
    Flag(
        name="auto_size",
        description="Let Meshy estimate how tall the thing really is",
        default=False,
        rare=True,
    ),
    Choice(
        name="origin_at",
        description="Where Meshy puts the model's origin",
        default="bottom",
        options={"bottom": Option(0, "Under the model"), "center": Option(1, "In the middle of the model")},
        needs="auto_size",
        rare=True,
    ),
    Flag(
        name="image_enhancement",
        description="Let Meshy improve the picture before it is used",
        default=True,
        rare=True,
    ),
    Flag(
        name="moderation",
        description="Have Meshy look for content that is not allowed, and refuse it",
        default=False,
        rare=True,
    ),
    Flag(
        name="alpha_thumbnail",
        description="Keep Meshy's own picture of the model without a background in the job's folder",
        default=False,
        rare=True,
    ),
    Flag(
        name="multi_view_thumbnails",
        description="Keep Meshy's own pictures of the model from four sides in the job's folder",
        default=False,
        rare=True,
    ),
    Text(
        name="input_task_id",
        description="Id of a finished image task at Meshy whose picture is used instead of the picture above",
        length=100,
        rare=True,
    ),
)

FIXED = {"target_formats": ["glb"]}
"""Sent with every request: fewer formats are made faster, and Blender takes this one."""
