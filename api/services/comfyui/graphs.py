# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflows that come with the extension, by the value of `workflow`: what each needs at the server, and its graph
for `POST /prompt`. Only nodes that ComfyUI brings along. Connects to nothing.

Source: ComfyUI's own templates for Hunyuan3D 2.1, Hunyuan3D 2mv, Pixal3D and TRELLIS.2 (of 0.3.28 to 0.35), whose
numbers these are; names and ranges of inputs as ComfyUI 0.33.0 says them in `/object_info`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ...parameters import check
from . import nodes
from .nodes import Graph, Info
from .table import MESH, PARAMETERS, TEXTURED, VIEWS_TOO

SIDES = {"front": "front", "back": "back", "left": "right", "right": "left"}
"""ComfyUI's words for our views, by ours. Our left and right are those of Blender's views: left is seen from -X, where
the front is seen from -Y. ComfyUI's are the object's own: `Pixal3DMultiViewConditioning` (since 0.35) places its
camera "left" at 90 degrees around the vertical axis from "front", which is at +X. `Hunyuan3Dv2ConditioningMultiView`
only numbers its views, in the same order. Nobody here could try either, as it takes a graphics card."""

RESOLUTION_STEP = 128  # of Trellis2UpsampleStage, target_resolution
OCCLUSION_PX = 1024  # at most; the template's size for what has no fine detail
VIEW_DEGREES = 20.0  # the field of view that Pixal3D's model of several views was trained with
REMESHED_RESOLUTION = 768


@dataclass(frozen=True)
class Model:
    """A file of weights that a node loads.

    `node_class` loads it through `input`; it lies in `models/<folder>` under the name `file`; `page` is where people
    get it. `instead` is a file of the same weights that is larger, for graphics cards that cannot compute with those
    of `file` (integers of 8 bits); "" for none.
    """

    node_class: str
    input: str
    folder: str
    file: str
    page: str
    instead: str = ""

    def found(self, info: Info) -> str:
        """What the server calls the file, or that which it has instead, also where it lies in a folder of its own below
        `folder`; "" where the server has neither."""
        offered = nodes.choices(info, self.node_class, self.input)
        by_file = {name.replace("\\", "/").rpartition("/")[2]: name for name in reversed(offered)}
        return by_file.get(self.file) or by_file.get(self.instead, "")


Build = Callable[[Mapping[str, Any], Mapping[str, str], str, Info], Graph]


@dataclass(frozen=True)
class Recipe:
    """A workflow that comes with the extension.

    `title` is what people call it. `models` are the files that it needs, `views` the pictures that it takes by our
    names, "front" first, and `frame` is how they are prepared: on white, or with their transparency.
    """

    title: str
    models: tuple[Model, ...]
    views: tuple[str, ...]
    frame: Literal["white", "alpha"]
    build: Build

    @cached_property
    def classes(self) -> frozenset[str]:
        """The classes of all nodes that it may use."""
        usual = check(PARAMETERS, {"image_url": "any"})
        graph = self.build(usual, dict.fromkeys(self.views, ""), "", {})
        return frozenset(node["class_type"] for node in graph.values())

    def graph(self, parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info) -> Graph:
        """Return what `POST /prompt` takes.

        `parameters` are checked, with a seed that was drawn; `pictures` are names at the server by view, of which only
        "front" has to be there; the file's name begins with `prefix`; `info` is what the server says of `classes`.
        """
        return nodes.complete(self.build(parameters, pictures, prefix, info), info)


def _node(class_type: str, inputs: Mapping[str, Any], title: str = "") -> dict[str, Any]:
    node: dict[str, Any] = {"class_type": class_type, "inputs": dict(inputs)}
    if title:
        node["_meta"] = {"title": title}
    return node


def _load(model: Model, info: Info, **inputs: Any) -> dict[str, Any]:
    return _node(model.node_class, {model.input: model.found(info) or model.file, **inputs})


def _sampler(title: str, model: str, conditions: str, latent: list[Any], **inputs: Any) -> dict[str, Any]:
    """A sampler; the node `conditions` has what it follows as its first two outputs. There are several in a graph, so
    each has a title that people can tell it by."""
    given = {
        "model": [model, 0],
        "positive": [conditions, 0],
        "negative": [conditions, 1],
        "latent_image": latent,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
    }
    return _node("KSampler", given | inputs, title)


# Hunyuan3D: a mesh without a texture.


def _hunyuan(model: Model, parameters: Mapping[str, Any], info: Info, latent_size: int, cfg: float) -> Graph:
    """All but the pictures, which go to "cond", and the saver."""
    return {
        "ckpt": _load(model, info),
        "shift": _node("ModelSamplingAuraFlow", {"model": ["ckpt", 0], "shift": 1.0}),
        "latent": _node("EmptyLatentHunyuan3Dv2", {"resolution": latent_size, "batch_size": 1}),
        "sample": _sampler(
            "Shape",
            "shift",
            "cond",
            ["latent", 0],
            seed=parameters["seed"],
            steps=parameters["steps"],
            cfg=cfg,
        ),
        "decode": _node(
            "VAEDecodeHunyuan3D",
            {
                "samples": ["sample", 0],
                "vae": ["ckpt", 2],
                "num_chunks": 8000,
                "octree_resolution": parameters["octree_resolution"],
            },
        ),
        "mesh": _node("VoxelToMesh", {"voxel": ["decode", 0], "algorithm": "surface net", "threshold": 0.6}),
    }


def _saver(mesh: str, prefix: str) -> dict[str, Any]:
    return _node("SaveGLB", {"mesh": [mesh, 0], "filename_prefix": prefix})


def _hunyuan_21(parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info) -> Graph:
    return {
        "front": _node("LoadImage", {"image": pictures["front"]}),
        "front_seen": _node("CLIPVisionEncode", {"clip_vision": ["ckpt", 1], "image": ["front", 0], "crop": "center"}),
        "cond": _node("Hunyuan3Dv2Conditioning", {"clip_vision_output": ["front_seen", 0]}),
        **_hunyuan(HUNYUAN_21, parameters, info, latent_size=4096, cfg=5.0),
        "save": _saver("mesh", prefix),
    }


def _hunyuan_2mv(parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info) -> Graph:
    graph: Graph = {}
    for view in pictures:
        graph[view] = _node("LoadImage", {"image": pictures[view]})
        graph[f"{view}_seen"] = _node(
            "CLIPVisionEncode", {"clip_vision": ["ckpt", 1], "image": [view, 0], "crop": "none"}
        )
    seen = {SIDES[view]: [f"{view}_seen", 0] for view in pictures}
    graph["cond"] = _node("Hunyuan3Dv2ConditioningMultiView", seen)
    graph |= _hunyuan(HUNYUAN_2MV, parameters, info, latent_size=3072, cfg=7.5)
    graph["save"] = _saver("mesh", prefix)
    return graph


# Pixal3D and TRELLIS.2: a model with PBR maps. Both are made by the same nodes from what their conditioning gives.


def _cut_out(graph: Graph, view: str, picture: str, margin: float) -> str:
    """Add a picture as these models take it, and return the id of the node that gives it. The picture's own alpha says
    what is cut out, so that no further model is needed for that; LoadImage gives the opposite of it."""
    graph[view] = _node("LoadImage", {"image": picture})
    graph[f"{view}_alpha"] = _node("InvertMask", {"mask": [view, 1]})
    graph[f"{view}_cut"] = _node(
        "ImageCropToMask",
        {
            "images": [view, 0],
            "masks": [f"{view}_alpha", 0],
            "width": 1024,
            "height": 1024,
            "pad_factor": margin,
            "grow_mask": 0,
            "background": "#000000",
        },
    )
    return f"{view}_cut"


def _pixal3d(parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info) -> Graph:
    graph: Graph = {}
    cut = _cut_out(graph, "front", pictures["front"], margin=1.1)
    graph["moge"] = _load(MOGE, info)
    graph["depth"] = _node(
        "MoGeInference",
        {
            "moge_model": ["moge", 0],
            "image": [cut, 0],
            "resolution_level": 9,
            "fov_x_degrees": 0.0,  # found out
            "batch_size": 4,
            "force_projection": True,
            "apply_mask": True,
            "refine_steps": 3,  # newer than 0.33.0, which does not mind
        },
    )
    graph["fov"] = _node("MoGeGeometryToFOV", {"moge_geometry": ["depth", 0], "axis": "horizontal", "unit": "degrees"})
    graph["cond"] = _node(
        "Pixal3DConditioning",
        {"clip_vision_model": ["dino", 0], "image": [cut, 0], "camera_angle_x": ["fov", 0]},
    )
    return graph | _shape_and_maps(PIXAL3D, parameters, prefix, info)


def _trellis_2(parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info) -> Graph:
    graph: Graph = {}
    cut = _cut_out(graph, "front", pictures["front"], margin=1.0)
    graph["cond"] = _node("Trellis2Conditioning", {"clip_vision_model": ["dino", 0], "image": [cut, 0]})
    return graph | _shape_and_maps(TRELLIS_2, parameters, prefix, info)


def _pixal3d_views(parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info) -> Graph:
    graph: Graph = {}
    cut = {SIDES[view]: [_cut_out(graph, view, pictures[view], margin=1.1), 0] for view in pictures}
    graph["cond"] = _node(
        "Pixal3DMultiViewConditioning", {"clip_vision_model": ["dino", 0], "fov": VIEW_DEGREES, **cut}
    )
    return graph | _shape_and_maps(PIXAL3D_VIEWS, parameters, prefix, info, shape_steps=parameters["steps"])


def _shape_and_maps(
    model: Model, parameters: Mapping[str, Any], prefix: str, info: Info, shape_steps: int = 20
) -> Graph:
    """From "cond" to the file: a coarse structure, the shape, the same shape finer, its colors; then a mesh of fewer
    faces with all that in its maps."""
    seed, texture_px = parameters["seed"], int(parameters["texture_size"])
    fineness = parameters["target_resolution"] // RESOLUTION_STEP * RESOLUTION_STEP
    smoothed = {"crease_angle": 180.0}
    fine_and_coarse = {"low_poly": ["unwrap", 0], "high_poly": ["remesh", 0]}
    return {
        "dino": _load(DINO, info),
        "unet": _load(model, info, weight_dtype="default"),
        "vae_shape": _load(SHAPE_VAE, info),
        "vae_maps": _load(TEXTURE_VAE, info),
        "cfg_structure": _cfg_override("unet", start=0.667),
        "rescale_structure": _node("RescaleCFG", {"model": ["cfg_structure", 0], "multiplier": 0.7}),
        "shift_structure": _node("ModelSamplingSD3", {"model": ["rescale_structure", 0], "shift": 5.0}),
        "latent": _node("EmptyTrellis2LatentStructure", {"batch_size": 1}),
        "structure": _sampler("Structure", "shift_structure", "cond", ["latent", 0], seed=seed, steps=12, cfg=7.5),
        "voxels": _node(
            "VaeDecodeStructureTrellis2",
            {"samples": ["structure", 0], "vae": ["vae_shape", 0], "resolution": "32"},
        ),
        "cfg_shape": _cfg_override("unet", start=0.769),
        "rescale_shape": _node("RescaleCFG", {"model": ["cfg_shape", 0], "multiplier": 0.5}),
        "stage_shape": _node(
            "Trellis2ShapeStage", {"positive": ["cond", 0], "negative": ["cond", 1], "voxel": ["voxels", 0]}
        ),
        "shape": _sampler(
            "Shape", "rescale_shape", "stage_shape", ["stage_shape", 2], seed=seed + 1, steps=shape_steps, cfg=7.5
        ),
        "stage_fine": _node(
            "Trellis2UpsampleStage",
            {
                "positive": ["stage_shape", 0],
                "negative": ["stage_shape", 1],
                "shape_latent": ["shape", 0],
                "vae": ["vae_shape", 0],
                "target_resolution": fineness,
            },
        ),
        "fine": _sampler(
            "Fine Shape",
            "rescale_shape",
            "stage_fine",
            ["stage_fine", 2],
            seed=seed + 2,
            steps=12,
            cfg=7.5,
            scheduler="simple",
        ),
        "mesh": _node("VaeDecodeShapeTrellis", {"samples": ["fine", 0], "vae": ["vae_shape", 0]}),
        "stage_maps": _node(
            "Trellis2TextureStage",
            {"positive": ["stage_fine", 0], "negative": ["stage_fine", 1], "shape_latent": ["fine", 0]},
        ),
        "colors": _sampler("Texture", "unet", "stage_maps", ["stage_maps", 2], seed=seed + 3, steps=12, cfg=1.0),
        "colored": _node(
            "VaeDecodeTextureTrellis",
            {"samples": ["colors", 0], "vae": ["vae_maps", 0], "shape_subdivides": ["mesh", 1]},
        ),
        "remesh": _node(
            "RemeshMesh",
            {
                "mesh": ["mesh", 0],
                "resolution": REMESHED_RESOLUTION,
                **_sign_mode(info),
                "band": 1.0,
                "project_back": 0.0,
                "fix_poles": False,
                "smooth_iters": 20,
                "drop_small_components": 0.01,
                "precluster_max_verts": 20_000_000,
            },
        ),
        "decimate": _node(
            "DecimateMesh",
            {
                "mesh": ["remesh", 0],
                "target_face_count": parameters["target_face_count"],
                "placement_mode": "midpoint",
            },
        ),
        "smooth": _node("MeshSmoothNormals", {"mesh": ["decimate", 0], **smoothed}),
        "unwrap": _node(
            "UnwrapMesh",
            {
                "mesh": ["smooth", 0],
                "segmenter": "pec",
                "resolution": texture_px,
                "padding": 1,
                "weld_distance": 0.0002,
            },
        ),
        "bake": _node(
            "BakeTextureFromVoxel",
            {
                "mesh": ["unwrap", 0],
                "voxel_colors": ["colored", 0],
                "reference_mesh": ["mesh", 0],
                "texture_size": texture_px,
            },
        ),
        "bake_normals": _node(
            "BakeNormalMapFromMesh",
            {**fine_and_coarse, "resolution": texture_px, "cage_distance": 0.05, "ignore_backfaces": True},
        ),
        "bake_occlusion": _node(
            "BakeAmbientOcclusion",
            {
                **fine_and_coarse,
                "resolution": min(texture_px, OCCLUSION_PX),
                "samples": 64,
                "max_distance": 0.71,
                "strength": 1.0,
                "bias": 0.01,
            },
        ),
        "textured": _node(
            "ApplyTextureToMesh",
            {
                "mesh": ["unwrap", 0],
                "base_color": ["bake", 0],
                "metallic": ["bake", 1],
                "roughness": ["bake", 2],
                "occlusion": ["bake_occlusion", 0],
                "normal_map": ["bake_normals", 0],
            },
        ),
        "smooth_again": _node("MeshSmoothNormals", {"mesh": ["textured", 0], **smoothed}),
        "save": _saver("smooth_again", prefix),
    }


def _cfg_override(model: str, start: float) -> dict[str, Any]:
    return _node("CFGOverride", {"model": [model, 0], "cfg": 1.0, "start_percent": start, "end_percent": 1.0})


def _sign_mode(info: Info) -> dict[str, Any]:
    """How the remeshed surface knows its inside: "solid" as in the template, where the server has it (after 0.33.0). A
    server takes any word here, and only fails when it comes to the node."""
    if "solid" in nodes.choices(info, "RemeshMesh", "sign_mode"):
        return {"sign_mode": "solid", "sign_mode.fill": 20.0, "sign_mode.qef": False}
    return {
        "sign_mode": "udf",
        "sign_mode.qef": False,
        "sign_mode.drop_inverted_components": False,
        "sign_mode.drop_enclosed_components": False,
    }


def _file(
    node_class: str, input: str, folder: str, file: str, repository: str, path: str = "", instead: str = ""
) -> Model:
    page = f"https://huggingface.co/Comfy-Org/{repository}/blob/main/{path}{file}"
    return Model(node_class, input, folder, file, page, instead)


def _diffusion(name: str, repository: str) -> Model:
    file, instead = f"{name}_int8_convrot.safetensors", f"{name}_bf16.safetensors"
    return _file("UNETLoader", "unet_name", "diffusion_models", file, repository, "diffusion_models/", instead)


def _vae(file: str) -> Model:
    return _file("VAELoader", "vae_name", "vae", file, "Pixal3D", "vae/")


def _checkpoint(file: str, repository: str, path: str = "") -> Model:
    return _file("ImageOnlyCheckpointLoader", "ckpt_name", "checkpoints", file, repository, path)


HUNYUAN_21 = _checkpoint("hunyuan_3d_v2.1.safetensors", "hunyuan3D_2.1_repackaged")
HUNYUAN_2MV = _checkpoint("hunyuan3d-dit-v2-mv_fp16.safetensors", "hunyuan3D_2.0_repackaged", "split_files/")
PIXAL3D = _diffusion("pixal3d", "Pixal3D")
PIXAL3D_VIEWS = _diffusion("pixal3d_multiview", "Pixal3D")
TRELLIS_2 = _diffusion("trellis_2", "TRELLIS.2")
SHAPE_VAE = _vae("trellis_2_shape_vae_bf16.safetensors")
TEXTURE_VAE = _vae("trellis_2_texture_vae_bf16.safetensors")
DINO = _file(
    "CLIPVisionLoader", "clip_name", "clip_vision", "dino_v3_L_naf_fp32.safetensors", "Pixal3D", "clip_vision/"
)
MOGE = _file(
    "LoadMoGeModel",
    "model_name",
    "geometry_estimation",
    "moge_2_vitl_normal_fp16.safetensors",
    "MoGe",
    "geometry_estimation/",
)
SHARED = (DINO, SHAPE_VAE, TEXTURE_VAE)
ALL_SIDES = ("front", "back", "left", "right")

RECIPES: Mapping[str, tuple[Recipe, ...]] = {
    TEXTURED: (
        Recipe("Pixal3D", (PIXAL3D, *SHARED, MOGE), ("front",), "alpha", _pixal3d),
        Recipe("TRELLIS.2", (TRELLIS_2, *SHARED), ("front",), "alpha", _trellis_2),
    ),
    MESH: (Recipe("Hunyuan3D 2.1", (HUNYUAN_21,), ("front",), "white", _hunyuan_21),),
    VIEWS_TOO: (
        Recipe("Pixal3D with several views", (PIXAL3D_VIEWS, *SHARED), ALL_SIDES, "alpha", _pixal3d_views),
        Recipe("Hunyuan3D 2mv", (HUNYUAN_2MV,), ALL_SIDES, "white", _hunyuan_2mv),
    ),
}
"""By the value of `workflow`, the one that is used where the server can run it first."""
