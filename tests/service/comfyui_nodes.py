# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes the stand-in's ComfyUI knows: inputs, ranges, outputs, and how each version tells them. Runs none.

Source: /object_info of ComfyUI 0.33.0 and 0.3.64. VoxelFromMask and Boom are two nodes without weights, which stand for
a sampler and for one that runs out of memory; they are no part of ComfyUI. The few of extensions are as their sources
have them: ComfyUI-Hunyuan3DWrapper and ComfyUI-Trellis2, whose exporters name their file as text only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

OLD, NEW = "old", "new"  # 0.3.64 and 0.33.0
ANY = "*"
DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
MATCH = "COMFY_MATCHTYPE_V3"  # whatever comes, the editor sees to it
LONG_LIST = 20  # more options than these are not repeated in a refusal

MODELS: Mapping[str, tuple[str, ...]] = {  # what the built-in workflows load, by its folder
    "background_removal": ("birefnet.safetensors",),
    "checkpoints": ("hunyuan3d-dit-v2-mv_fp16.safetensors", "hunyuan_3d_v2.1.safetensors"),
    "clip_vision": ("dino_v3_L_naf_fp32.safetensors",),
    "diffusion_models": (
        "pixal3d_int8_convrot.safetensors",
        "pixal3d_multiview_int8_convrot.safetensors",
        "trellis_2_int8_convrot.safetensors",
    ),
    "geometry_estimation": ("moge_2_vitl_normal_fp16.safetensors",),
    "vae": ("trellis_2_shape_vae_bf16.safetensors", "trellis_2_texture_vae_bf16.safetensors"),
}


@dataclass(frozen=True)
class Combo:
    """One of a list: `options`, else the files in the models' `folder`, else (neither) the pictures in the input
    folder."""

    options: tuple[str, ...] = ()
    folder: str = ""
    more: tuple[str, ...] = ()  # which ComfyUI adds to a folder's files
    opts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dynamic:
    """One of several choices, each with inputs of its own, which are sent as `name.input`."""

    choices: Mapping[str, Mapping[str, Any]]


Input = str | tuple[str, Mapping[str, Any]] | Combo | Dynamic
Inputs = Mapping[str, Input]


@dataclass(frozen=True)
class Node:
    """One class. `is_v3` tells how it was written, which shows in its inputs; `is_slow` that it takes the time of a
    run."""

    required: Inputs
    outputs: tuple[str, ...] = ()
    optional: Inputs = field(default_factory=dict)
    module: str = "nodes"
    names: tuple[str, ...] = ()
    is_v3: bool = False
    is_output: bool = False
    is_slow: bool = False
    is_old: bool = True  # whether 0.3.64 has the class


def whole(default: int, low: int, high: int, **more: Any) -> Input:
    return "INT", {"default": default, "min": low, "max": high, **more}


def real(default: float, low: float, high: float) -> Input:
    return "FLOAT", {"default": default, "min": low, "max": high}


def flag(default: bool) -> Input:
    return "BOOLEAN", {"default": default}


def text(default: str) -> Input:
    return "STRING", {"default": default}


def one_of(*options: str, **opts: Any) -> Combo:
    return Combo(options, opts=opts)


def file_in(folder: str, *more: str) -> Combo:
    return Combo(folder=folder, more=more)


WHOLE = {"min": -(2**63) + 1, "max": 2**63 - 1}
SEED = whole(0, 0, 2**64 - 1, control_after_generate=True)
PICTURE = Combo(opts={"image_upload": True})
FILES = "FILE_3D_GLB,FILE_3D_GLTF,FILE_3D_FBX,FILE_3D_OBJ,FILE_3D_STL,FILE_3D_USDZ,FILE_3D"
SAVED = "MESH,FILE_3D_GLB,FILE_3D_GLTF,FILE_3D_OBJ,FILE_3D_FBX,FILE_3D_STL,FILE_3D_USDZ,FILE_3D_PLY,FILE_3D_SPLAT"
SAVED += ",FILE_3D_SPZ,FILE_3D_KSPLAT,FILE_3D_SPLAT_ANY,FILE_3D_POINT_CLOUD_ANY,FILE_3D"
SAMPLERS = one_of(
    *["euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2", "exp_heun_2_x0"],
    *["exp_heun_2_x0_sde", "dpm_2", "dpm_2_ancestral", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral"],
    *["dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde", "dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde"],
    *[
        "dpmpp_2m_sde_gpu",
        "dpmpp_2m_sde_heun",
        "dpmpp_2m_sde_heun_gpu",
        "dpmpp_3m_sde",
        "dpmpp_3m_sde_gpu",
        "ddpm",
        "lcm",
    ],
    *["ipndm", "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp", "res_multistep_ancestral"],
    *["res_multistep_ancestral_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "er_sde", "seeds_2"],
    *["seeds_3", "sa_solver", "sa_solver_pece", "ddim", "uni_pc", "uni_pc_bh2"],
)
SCHEDULERS = one_of(
    *[
        "simple",
        "sgm_uniform",
        "karras",
        "exponential",
        "ddim_uniform",
        "beta",
        "normal",
        "linear_quadratic",
        "kl_optimal",
    ]
)
SCALES = one_of("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
VIEWS = ("front", "left", "back", "right")
VIEWPORT: Inputs = {"viewport_state": "LOAD_3D", "width": whole(1024, 1, 4096), "height": whole(1024, 1, 4096)}
VIEWED: Inputs = {"model_3d_info": "LOAD3D_MODEL_INFO", "camera_info": "LOAD3D_CAMERA"}
VIEW_OUTPUTS = ("FILE_3D", "LOAD3D_MODEL_INFO", "LOAD3D_CAMERA", "INT", "INT")
VIEW_NAMES = ("model_3d", "model_3d_info", "camera_info", "width", "height")
FILLERS: Inputs = {"qef": flag(False), "drop_inverted_components": flag(False), "drop_enclosed_components": flag(False)}
QUADRICS: Inputs = {
    "line_quadric_weight": real(0.0, 0.0, 100.0),
    "feature_edge_quadric_weight": real(0.0, 0.0, 1000.0),
    "feature_edge_min_dihedral_deg": real(30.0, 0.0, 180.0),
    "clamp_v_to_edge": flag(True),
}
SAMPLED: Inputs = {"sampler_name": SAMPLERS, "scheduler": SCHEDULERS}
CONDITIONED: Inputs = {"positive": "CONDITIONING", "negative": "CONDITIONING"}
BOTH = ("CONDITIONING", "CONDITIONING")
STAGE = (*BOTH, "LATENT")
SIGNS = ("positive", "negative")
EXTRAS = "comfy_extras.nodes_"
MESHES, TRELLIS, HUNYUAN = f"{EXTRAS}mesh_postprocess", f"{EXTRAS}trellis2", f"{EXTRAS}hunyuan3d"
KIJAI, TRELLIS_KIT = "custom_nodes.ComfyUI-Hunyuan3DWrapper", "custom_nodes.ComfyUI-Trellis2"
FORMATS = one_of("glb", "obj", "ply", "stl", "3mf", "dae")


def v1(required: Inputs, *outputs: str, **more: Any) -> Node:
    return Node(required, outputs, **more)


def v3(module: str, required: Inputs, *outputs: str, **more: Any) -> Node:
    """A class in the newer way of writing, which 0.3.64 has in the older one."""
    return Node(required, outputs, module=module, is_v3=True, **more)


def fresh(module: str, required: Inputs, *outputs: str, **more: Any) -> Node:
    """One that 0.3.64 does not have."""
    return v3(module, required, *outputs, is_old=False, **more)


NODES: Mapping[str, Node] = {
    # pictures
    "LoadImage": v1({"image": PICTURE}, "IMAGE", "MASK"),
    "LoadImageMask": v1({"image": PICTURE, "channel": one_of("alpha", "red", "green", "blue")}, "MASK"),
    "ImageScale": v1(
        {
            "image": "IMAGE",
            "upscale_method": SCALES,
            "width": whole(512, 0, 16384),
            "height": whole(512, 0, 16384),
            "crop": one_of("disabled", "center"),
        },
        "IMAGE",
    ),
    "InvertMask": v3(f"{EXTRAS}mask", {"mask": "MASK"}, "MASK"),
    "MaskToImage": v3(f"{EXTRAS}mask", {"mask": "MASK"}, "IMAGE"),
    "ImageToMask": v3(f"{EXTRAS}mask", {"image": "IMAGE", "channel": one_of("red", "green", "blue", "alpha")}, "MASK"),
    "JoinImageWithAlpha": v3(f"{EXTRAS}compositing", {"image": "IMAGE", "alpha": "MASK"}, "IMAGE"),
    "ImageCropToMask": fresh(
        f"{EXTRAS}images",
        {
            "images": "IMAGE",
            "masks": "MASK",
            "width": whole(1024, 64, 4096),
            "height": whole(1024, 64, 4096),
            "pad_factor": real(1.0, 1.0, 2.0),
            "grow_mask": whole(0, -32, 32),
            "background": ("COLOR", {"default": "#000000"}),
        },
        "IMAGE",
        names=("images",),
    ),
    "LoadBackgroundRemovalModel": fresh(
        f"{EXTRAS}bg_removal",
        {"bg_removal_name": file_in("background_removal")},
        "BACKGROUND_REMOVAL",
        names=("bg_model",),
    ),
    "RemoveBackground": fresh(
        f"{EXTRAS}bg_removal", {"bg_removal_model": "BACKGROUND_REMOVAL", "image": "IMAGE"}, "MASK", names=("mask",)
    ),
    # models
    "ImageOnlyCheckpointLoader": v1(
        {"ckpt_name": file_in("checkpoints")}, "MODEL", "CLIP_VISION", "VAE", module=f"{EXTRAS}video_model"
    ),
    "CheckpointLoaderSimple": v1({"ckpt_name": file_in("checkpoints")}, "MODEL", "CLIP", "VAE"),
    "CLIPVisionLoader": v1({"clip_name": file_in("clip_vision")}, "CLIP_VISION"),
    "UNETLoader": v1(
        {
            "unet_name": file_in("diffusion_models"),
            "weight_dtype": one_of("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"),
        },
        "MODEL",
    ),
    "VAELoader": v1({"vae_name": file_in("vae", "pixel_space")}, "VAE"),
    "LoadMoGeModel": fresh(f"{EXTRAS}moge", {"model_name": file_in("geometry_estimation")}, "MOGE_MODEL"),
    "ModelSamplingAuraFlow": v1(
        {"model": "MODEL", "shift": real(1.73, 0.0, 100.0)}, "MODEL", module=f"{EXTRAS}model_advanced"
    ),
    "ModelSamplingSD3": v1(
        {"model": "MODEL", "shift": real(3.0, 0.0, 100.0)}, "MODEL", module=f"{EXTRAS}model_advanced"
    ),
    "RescaleCFG": v1({"model": "MODEL", "multiplier": real(0.7, 0.0, 1.0)}, "MODEL", module=f"{EXTRAS}model_advanced"),
    "CFGOverride": fresh(
        f"{EXTRAS}custom_sampler",
        {
            "model": "MODEL",
            "cfg": real(1.0, 0.0, 100.0),
            "start_percent": real(0.0, 0.0, 1.0),
            "end_percent": real(1.0, 0.0, 1.0),
        },
        "MODEL",
    ),
    # what a picture says
    "CLIPVisionEncode": v1(
        {"clip_vision": "CLIP_VISION", "image": "IMAGE", "crop": one_of("center", "none")}, "CLIP_VISION_OUTPUT"
    ),
    "Hunyuan3Dv2Conditioning": v3(HUNYUAN, {"clip_vision_output": "CLIP_VISION_OUTPUT"}, *BOTH, names=SIGNS),
    "Hunyuan3Dv2ConditioningMultiView": v3(
        HUNYUAN, {}, *BOTH, optional=dict.fromkeys(VIEWS, "CLIP_VISION_OUTPUT"), names=SIGNS
    ),
    "MoGeInference": fresh(
        f"{EXTRAS}moge",
        {
            "moge_model": "MOGE_MODEL",
            "image": "IMAGE",
            "resolution_level": whole(9, 0, 9),
            "fov_x_degrees": real(0.0, 0.0, 170.0),
            "batch_size": whole(4, 1, 64),
            "force_projection": flag(True),
            "apply_mask": flag(True),
        },
        "MOGE_GEOMETRY",
        names=("moge_geometry",),
    ),
    "MoGeGeometryToFOV": fresh(
        f"{EXTRAS}moge",
        {
            "moge_geometry": "MOGE_GEOMETRY",
            "axis": one_of("vertical", "horizontal", "diagonal", default="vertical"),
            "unit": one_of("degrees", "radians", default="degrees"),
        },
        "FLOAT",
        "FLOAT",
        names=("fov", "focal_pixels"),
    ),
    "Pixal3DConditioning": fresh(
        TRELLIS,
        {"clip_vision_model": "CLIP_VISION", "image": "IMAGE", "camera_angle_x": real(49.13, 1.0, 170.0)},
        *BOTH,
        names=SIGNS,
    ),
    "Pixal3DMultiViewConditioning": fresh(  # newer than 0.33.0
        TRELLIS,
        {"clip_vision_model": "CLIP_VISION", "fov": real(20.0, 1.0, 170.0)},
        *BOTH,
        optional=dict.fromkeys(VIEWS, "IMAGE"),
        names=SIGNS,
    ),
    "Trellis2Conditioning": fresh(TRELLIS, {"clip_vision_model": "CLIP_VISION", "image": "IMAGE"}, *BOTH, names=SIGNS),
    # sampling
    "KSampler": v1(
        {
            "model": "MODEL",
            "seed": SEED,
            "steps": whole(20, 1, 10000),
            "cfg": real(8.0, 0.0, 100.0),
            **SAMPLED,
            **CONDITIONED,
            "latent_image": "LATENT",
            "denoise": real(1.0, 0.0, 1.0),
        },
        "LATENT",
        is_slow=True,
    ),
    "KSamplerAdvanced": v1(
        {
            "model": "MODEL",
            "add_noise": one_of("enable", "disable"),
            "noise_seed": SEED,
            "steps": whole(20, 1, 10000),
            "cfg": real(8.0, 0.0, 100.0),
            **SAMPLED,
            **CONDITIONED,
            "latent_image": "LATENT",
            "start_at_step": whole(0, 0, 10000),
            "end_at_step": whole(10000, 0, 10000),
            "return_with_leftover_noise": one_of("disable", "enable"),
        },
        "LATENT",
        is_slow=True,
    ),
    "RandomNoise": v3(f"{EXTRAS}custom_sampler", {"noise_seed": SEED}, "NOISE"),
    "EmptyLatentHunyuan3Dv2": v3(
        HUNYUAN, {"resolution": whole(3072, 1, 8192), "batch_size": whole(1, 1, 4096)}, "LATENT"
    ),
    "EmptyTrellis2LatentStructure": fresh(TRELLIS, {"batch_size": whole(1, 1, 4096)}, "LATENT"),
    "Trellis2ShapeStage": fresh(TRELLIS, {**CONDITIONED, "voxel": "VOXEL"}, *STAGE, names=(*SIGNS, "LATENT")),
    "Trellis2UpsampleStage": fresh(
        TRELLIS,
        {**CONDITIONED, "shape_latent": "LATENT", "vae": "VAE", "target_resolution": whole(1024, 1024, 2048)},
        *STAGE,
        names=(*SIGNS, "LATENT"),
    ),
    "Trellis2TextureStage": fresh(TRELLIS, {**CONDITIONED, "shape_latent": "LATENT"}, *STAGE, names=(*SIGNS, "LATENT")),
    "VAEDecodeHunyuan3D": v3(
        HUNYUAN,
        {
            "samples": "LATENT",
            "vae": "VAE",
            "num_chunks": whole(8000, 1000, 500000),
            "octree_resolution": whole(256, 16, 512),
        },
        "VOXEL",
    ),
    "VaeDecodeStructureTrellis2": fresh(
        TRELLIS,
        {"samples": "LATENT", "vae": "VAE", "resolution": one_of("32", "64", default="32")},
        "VOXEL",
        names=("voxel",),
    ),
    "VaeDecodeShapeTrellis": fresh(
        TRELLIS,
        {"samples": "LATENT", "vae": "VAE"},
        "MESH",
        "SHAPE_SUBDIVIDES",
        names=("mesh", "shape_subdivides"),
    ),
    "VaeDecodeTextureTrellis": fresh(
        TRELLIS,
        {"samples": "LATENT", "vae": "VAE", "shape_subdivides": "SHAPE_SUBDIVIDES"},
        "VOXEL",
        names=("voxel_colors",),
    ),
    # meshes
    "VoxelToMesh": v3(
        HUNYUAN,
        {"voxel": "VOXEL", "algorithm": one_of("surface net", "basic"), "threshold": real(0.6, -1.0, 1.0)},
        "MESH",
    ),
    "VoxelToMeshBasic": v3(HUNYUAN, {"voxel": "VOXEL", "threshold": real(0.6, -1.0, 1.0)}, "MESH"),
    "RemeshMesh": fresh(
        MESHES,
        {
            "mesh": "MESH",
            "resolution": whole(512, 32, 2048),
            "sign_mode": Dynamic({"udf": FILLERS, "sdf": {"qef": flag(True), "manifold": flag(False)}}),
            "band": real(1.0, 0.5, 4.0),
            "project_back": real(0.0, 0.0, 1.0),
            "fix_poles": flag(False),
            "smooth_iters": whole(0, 0, 20),
            "drop_small_components": real(0.01, 0.0, 0.5),
            "precluster_max_verts": whole(20000000, 0, 100000000),
        },
        "MESH",
        names=("mesh",),
    ),
    "DecimateMesh": fresh(
        MESHES,
        {
            "mesh": "MESH",
            "target_face_count": whole(200000, 0, 50000000),
            "placement_mode": Dynamic({"midpoint": {}, "qem": QUADRICS}),
        },
        "MESH",
        names=("mesh",),
    ),
    "MeshSmoothNormals": fresh(
        MESHES, {"mesh": "MESH", "crease_angle": real(180.0, 0.0, 180.0)}, "MESH", names=("mesh",)
    ),
    "UnwrapMesh": fresh(
        MESHES,
        {
            "mesh": "MESH",
            "segmenter": one_of("pec", "adaptive", default="pec"),
            "resolution": whole(1024, 0, 8192),
            "padding": whole(1, 0, 16),
            "weld_distance": real(0.0, 0.0, 1.0),
        },
        "MESH",
        names=("mesh",),
    ),
    "BakeTextureFromVoxel": fresh(
        MESHES,
        {"mesh": "MESH", "voxel_colors": "VOXEL", "texture_size": whole(2048, 64, 8192)},
        *("IMAGE", "IMAGE", "IMAGE"),
        optional={"reference_mesh": "MESH"},
        names=("base_color", "metallic", "roughness"),
    ),
    "BakeNormalMapFromMesh": fresh(
        MESHES,
        {
            "low_poly": "MESH",
            "high_poly": "MESH",
            "resolution": whole(1024, 64, 8192),
            "cage_distance": real(0.05, 0.001, 0.5),
            "ignore_backfaces": flag(True),
        },
        "IMAGE",
        names=("normal_map",),
    ),
    "BakeAmbientOcclusion": fresh(
        MESHES,
        {
            "low_poly": "MESH",
            "high_poly": "MESH",
            "resolution": whole(1024, 64, 8192),
            "samples": whole(64, 4, 1024),
            "max_distance": real(0.5, 0.01, 2.0),
            "strength": real(1.0, 0.0, 2.0),
            "bias": real(0.01, 0.0001, 0.2),
        },
        "IMAGE",
        names=("occlusion",),
    ),
    "ApplyTextureToMesh": fresh(
        MESHES,
        {"mesh": "MESH", "base_color": "IMAGE"},
        "MESH",
        optional=dict.fromkeys(("metallic", "roughness", "occlusion", "normal_map"), "IMAGE"),
        names=("mesh",),
    ),
    "MeshToFile3D": fresh(f"{EXTRAS}save_3d", {"mesh": "MESH"}, "FILE_3D_GLB", names=("model_3d",)),
    # what ends a workflow
    "SaveGLB": v3(
        f"{EXTRAS}save_3d",
        {"mesh": SAVED, "filename_prefix": text("3d/ComfyUI")},
        is_output=True,
    ),
    "Save3DAdvanced": fresh(
        f"{EXTRAS}save_3d",
        {"model_3d": FILES, "filename_prefix": text("3d/ComfyUI"), **VIEWPORT},
        *VIEW_OUTPUTS,
        optional=VIEWED,
        names=VIEW_NAMES,
        is_output=True,
    ),
    "Preview3D": v3(
        f"{EXTRAS}load_3d",
        {"model_file": (f"STRING,{FILES}", {"default": ""})},
        optional={"camera_info": "LOAD3D_CAMERA", "bg_image": "IMAGE"},
        is_output=True,
    ),
    "Preview3DAdvanced": fresh(
        f"{EXTRAS}load_3d",
        {"model_3d": FILES, **VIEWPORT},
        *VIEW_OUTPUTS,
        optional=VIEWED,
        names=VIEW_NAMES,
        is_output=True,
    ),
    "PreviewAny": v1({"source": ANY}, "STRING", module=f"{EXTRAS}preview_any", is_output=True),
    "PreviewImage": v1({"images": "IMAGE"}, "IMAGE", names=("images",), is_output=True),
    "SaveImage": v1(
        {"images": "IMAGE", "filename_prefix": text("ComfyUI")}, "IMAGE", names=("images",), is_output=True
    ),
    "MaskPreview": v3(f"{EXTRAS}mask", {"mask": "MASK"}, "MASK", names=("mask",), is_output=True),
    # values
    "PrimitiveInt": v3(
        f"{EXTRAS}primitive",
        {"value": ("INT", {**WHOLE, "control_after_generate": "fixed"})},
        "INT",
    ),
    "PrimitiveFloat": v3(f"{EXTRAS}primitive", {"value": ("FLOAT", WHOLE)}, "FLOAT"),
    "PrimitiveBoolean": v3(f"{EXTRAS}primitive", {"value": ("BOOLEAN", {})}, "BOOLEAN"),
    "PrimitiveString": v3(f"{EXTRAS}primitive", {"value": ("STRING", {})}, "STRING"),
    "ComfySwitchNode": fresh(
        f"{EXTRAS}logic", {"switch": ("BOOLEAN", {}), "on_false": MATCH, "on_true": MATCH}, MATCH, names=("output",)
    ),
    # not ComfyUI's own
    "VoxelFromMask": v1(
        {"image": "IMAGE", "seed": SEED, "steps": whole(6, 1, 1000)},
        "VOXEL",
        optional={"seconds": real(1.2, 0.0, 3600.0)},
        module="custom_nodes.test_nodes",
        is_slow=True,
    ),
    "Hy3DModelLoader": v1(
        {"model": file_in("diffusion_models")}, "HY3DMODEL", "HY3DVAE", names=("pipeline", "vae"), module=KIJAI
    ),
    "Hy3DGenerateMesh": v1(
        {
            "pipeline": "HY3DMODEL",
            "image": "IMAGE",
            "guidance_scale": real(5.5, 0.0, 100.0),
            "steps": ("INT", {"default": 30, "min": 1}),
            "seed": whole(0, 0, 2**64 - 1),
        },
        "HY3DLATENT",
        optional={"mask": "MASK"},
        names=("latents",),
        module=KIJAI,
        is_slow=True,
    ),
    "Hy3DVAEDecode": v1(
        {
            "vae": "HY3DVAE",
            "latents": "HY3DLATENT",
            "box_v": real(1.01, -10.0, 10.0),
            "octree_resolution": whole(384, 8, 4096),
            "num_chunks": whole(8000, 1, 10000000),
            "mc_level": real(0.0, -1.0, 1.0),
            "mc_algo": one_of("mc", "dmc"),
        },
        "TRIMESH",
        names=("trimesh",),
        module=KIJAI,
    ),
    "Hy3DExportMesh": v1(
        {"trimesh": "TRIMESH", "filename_prefix": text("3D/Hy3D"), "file_format": FORMATS},
        "STRING",
        optional={"save_file": flag(True)},
        names=("glb_path",),
        module=KIJAI,
        is_output=True,
    ),
    "Trellis2ExportMesh": v1(
        {"trimesh": "TRIMESH", "filename_prefix": text("3D/Trellis2"), "file_format": FORMATS},
        "STRING",
        "STRING",
        names=("glb_path", "relative_path"),
        module=TRELLIS_KIT,
        is_output=True,
    ),
    "Boom": v1({"voxel": "VOXEL"}, "VOXEL", module="custom_nodes.test_nodes"),
}

OLD_NODES: Mapping[str, Node] = {  # those that 0.3.64 has otherwise
    "SaveGLB": v1({"mesh": "MESH", "filename_prefix": text("mesh/ComfyUI")}, module=HUNYUAN, is_output=True),
    "Preview3D": v1(
        {"model_file": text("")}, optional={"camera_info": "LOAD3D_CAMERA"}, module=f"{EXTRAS}load_3d", is_output=True
    ),
    "PreviewAny": v1({"source": ANY}, module=f"{EXTRAS}preview_any", is_output=True),
    "PreviewImage": v1({"images": "IMAGE"}, is_output=True),
    "SaveImage": v1({"images": "IMAGE", "filename_prefix": text("ComfyUI")}, is_output=True),
    "MaskPreview": v1({"mask": "MASK"}, module=f"{EXTRAS}mask", is_output=True),
    "PrimitiveInt": v1(
        {"value": ("INT", {**WHOLE, "control_after_generate": True})}, "INT", module=f"{EXTRAS}primitive"
    ),
}

Options = Callable[[Combo], list[str]]


def told(inputs: Inputs, is_v3: bool, options: Options) -> dict[str, list[Any]]:
    """Inputs as /object_info tells them: the type and what else is known, or the list itself in the older way."""
    return {name: _told(value, is_v3, options) for name, value in inputs.items()}


def _told(value: Input, is_v3: bool, options: Options) -> list[Any]:
    if isinstance(value, Dynamic):
        choices = [
            {"key": key, "inputs": {"required": told(own, is_v3, options)}} for key, own in value.choices.items()
        ]
        return [DYNAMIC, {"options": choices}]
    if isinstance(value, Combo):
        if is_v3:
            return ["COMBO", {"multiselect": False, "options": options(value), **value.opts}]
        return [options(value), dict(value.opts)] if value.opts else [options(value)]
    if isinstance(value, str):
        return [value, {}] if is_v3 else [value]
    return [value[0], dict(value[1])]


def about(name: str, node: Node, dialect: str, options: Options) -> dict[str, Any]:
    """What /object_info says of a class."""
    is_v3 = node.is_v3 and dialect == NEW
    inputs: dict[str, Any] = {"required": told(node.required, is_v3, options)}
    if node.optional:
        inputs["optional"] = told(node.optional, is_v3, options)
    fields: dict[str, Any] = {"input": inputs, "input_order": {kind: list(found) for kind, found in inputs.items()}}
    if dialect == NEW:
        fields["is_input_list"] = False
    return fields | {
        "output": list(node.outputs),
        "output_is_list": [False] * len(node.outputs),
        "output_name": list(node.names or node.outputs),
        "name": name,
        "display_name": name,
        "description": "",
        "python_module": node.module,
        "category": "3d",
        "output_node": node.is_output,
    }
