# SPDX-License-Identifier: GPL-3.0-or-later
"""Small graphs for tests of the stand-in's ComfyUI, and one way to hear its socket. Asks nobody by itself."""

import asyncio
import copy
import random
import uuid

import aiohttp

PICTURE = "image_to_3d/alpha.png"


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def mesh_graph(seed=None, *, prefix="", picture=PICTURE, seconds=0.1):
    """A picture becomes a mesh and a GLB, without any weights. What nobody names is new each time."""
    return {
        "1": node("LoadImage", image=picture),
        "2": node(
            "VoxelFromMask",
            image=["1", 0],
            seed=random.randrange(2**31) if seed is None else seed,
            steps=6,
            seconds=seconds,
        ),
        "3": node("VoxelToMesh", voxel=["2", 0], algorithm="surface net", threshold=0.6),
        "4": node("SaveGLB", mesh=["3", 0], filename_prefix=prefix or f"image_to_3d/{uuid.uuid4().hex}"),
    }


def hunyuan_graph(seed=None, *, prefix="", picture=PICTURE):
    """Hunyuan3D 2.1 as ComfyUI's own template has it."""
    return {
        "image": node("LoadImage", image=picture),
        "ckpt": node("ImageOnlyCheckpointLoader", ckpt_name="hunyuan_3d_v2.1.safetensors"),
        "shift": node("ModelSamplingAuraFlow", model=["ckpt", 0], shift=1.0),
        "see": node("CLIPVisionEncode", clip_vision=["ckpt", 1], image=["image", 0], crop="center"),
        "cond": node("Hunyuan3Dv2Conditioning", clip_vision_output=["see", 0]),
        "latent": node("EmptyLatentHunyuan3Dv2", resolution=4096, batch_size=1),
        "sample": node(
            "KSampler",
            model=["shift", 0],
            positive=["cond", 0],
            negative=["cond", 1],
            latent_image=["latent", 0],
            seed=random.randrange(2**31) if seed is None else seed,
            steps=30,
            cfg=5.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "decode": node(
            "VAEDecodeHunyuan3D", samples=["sample", 0], vae=["ckpt", 2], num_chunks=8000, octree_resolution=256
        ),
        "mesh": node("VoxelToMesh", voxel=["decode", 0], algorithm="surface net", threshold=0.6),
        "save": node("SaveGLB", mesh=["mesh", 0], filename_prefix=prefix or f"image_to_3d/{uuid.uuid4().hex}"),
    }


def with_inputs(graph, node_id, **inputs):
    """The same graph with other inputs of one node; None takes an input away."""
    changed = copy.deepcopy(graph)
    own = changed[node_id]["inputs"]
    own.update(inputs)
    changed[node_id]["inputs"] = {name: value for name, value in own.items() if value is not None}
    return changed


def heard(customer, client, act, is_last):
    """What the socket says from its opening until `is_last` of a frame; `act` is called once it has said something."""

    async def listen():
        address = f"{customer.url}/ws?clientId={client}"
        async with aiohttp.ClientSession() as session, session.ws_connect(address, headers=customer.headers) as socket:
            frames = [await socket.receive_json(timeout=10)]
            await asyncio.to_thread(act)
            while not is_last(frames[-1]):
                frames.append(await socket.receive_json(timeout=10))
            return frames

    return asyncio.run(listen())


def is_over(frame):
    """Whether a frame is the last one about a job."""
    return frame["type"] == "executing" and frame["data"]["node"] is None
