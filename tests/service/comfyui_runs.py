# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI's queue and what becomes of its jobs: one at a time, node by node, remembered until a restart. No HTTP.

`look` brings everything to where it is by now; only the server's thread calls it. What a test says (`finish`, `fail`,
`set_progress`) is noted, and done at the next look.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from . import comfyui_nodes as nodes
from .comfyui_disk import Disk, OutsideError, write
from .comfyui_nodes import NEW, OLD, Dynamic
from .comfyui_rules import PICTURE_LOADERS, Graph, Installed
from .incoming import SIGNATURES
from .ledger import Ledger, State, Task

PIXEL = bytes.fromhex(  # a PNG of one pixel, for what nodes preview
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
OOM_TYPE = "torch.OutOfMemoryError"
OOM = "CUDA out of memory. Tried to allocate 2.00 GiB"
OOM_HINT = (
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have "
    "accidentally set the batch_size to a large number."
)
WINDOWS = "C:\\ComfyUI\\output\\"  # where the output folder lies, with the quirk of that name


class NodeError(Exception):
    """A node raises; says what, in Python's words."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Place(NamedTuple):
    """How far a job is: a node of its order, and that node's own steps."""

    at: int
    value: float = 0
    most: float = 1


class Failure(NamedTuple):
    kind: str
    message: str
    node: str


@dataclass
class Kept:
    """What the cache has of a node: what it told, its texts by output, and the model that came of its job."""

    ui: dict[str, Any] | None
    texts: list[Any]
    model: Path | None = None


@dataclass
class Job:
    """One accepted prompt."""

    number: float
    id: str
    graph: Graph
    extra: dict[str, Any]
    outputs: list[str]
    task: Task  # whose model it ends with
    started: float = 0.0
    order: list[str] = field(default_factory=list)  # the nodes that run, first to last
    signatures: dict[str, str] = field(default_factory=dict)  # by node, as they were when it began
    at: int = 0  # where in the order it is
    is_on: bool = False  # whether that node has begun
    value: float = 0  # and how far that node is
    is_interrupted: bool = False  # and has not heeded it yet
    is_told: bool = False  # a test has let it finish
    told: tuple[str, float, float] | None = None  # a test has said how far it is
    failure: Failure | None = None  # a test has let it fail
    model: Path | None = None
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    ui: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[Any]] = field(default_factory=dict)
    messages: list[list[Any]] = field(default_factory=list)

    @property
    def client(self) -> str | None:
        return self.extra.get("client_id")

    @property
    def node(self) -> str:
        """The node that runs."""
        return self.order[min(self.at, len(self.order) - 1)] if self.order else self.outputs[0]

    def row(self) -> list[Any]:
        """The job as /queue and /history tell it."""
        return [self.number, self.id, self.graph, self.extra, self.outputs]


class Runs:
    """All that a test may set or ask: the version, what is installed, the jobs. May be used by any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self.installed = Installed(Disk())
        self.plain_model: Path | None = None
        """The GLB of workflows that paint nothing; the usual one where it is None."""
        self.seconds = ledger.seconds
        self.most_bytes = 100 << 20  # of a request's body
        self.interrupted: list[str] = []
        """The ids of jobs that were interrupted while they ran."""
        self.start: Callable[[Task, bytes | None], None] = lambda task, picture: None
        self.give_up: Callable[[str], None] = lambda task_id: None
        self.age = 0
        """How often it was restarted."""
        self._ledger = ledger
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self.history: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[str | None, dict[str, Any]]] = []  # for a client, or for all
        self._numbers = itertools.count()
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._free_at = 0.0  # since when nothing runs
        self._cache: dict[str, Kept] = {}

    @property
    def dialect(self) -> str:
        """ "new" speaks as 0.33.0, "old" as 0.3.64."""
        return self.installed.dialect

    @dialect.setter
    def dialect(self, name: str) -> None:
        if name not in (OLD, NEW):
            raise ValueError(f"no such dialect: {name}")
        self.installed.dialect = name

    @property
    def models(self) -> dict[str, list[str]]:
        """The files that are there, by the folder of models."""
        return self.installed.models

    @models.setter
    def models(self, files: dict[str, list[str]]) -> None:
        self.installed.models = files

    @property
    def missing_classes(self) -> set[str]:
        return self.installed.missing_classes

    @missing_classes.setter
    def missing_classes(self, names: set[str]) -> None:
        self.installed.missing_classes = set(names)

    @property
    def device(self) -> str:
        """ "cuda" or "cpu"."""
        return self.installed.device

    @device.setter
    def device(self, name: str) -> None:
        self.installed.device = name

    # what a test says

    def finish(self, job_id: str) -> None:
        """Let a job succeed, as soon as it is its turn."""
        with self._lock:
            self._find(job_id).is_told = True

    def fail(self, job_id: str, exception_type: str = OOM_TYPE, message: str = OOM, node: str = "") -> None:
        """Let a job end with an exception in `node`, else in the one that runs, as soon as it is its turn."""
        with self._lock:
            self._find(job_id, node).failure = Failure(exception_type, message, node)

    def set_progress(self, job_id: str, node: str, value: float, most: float) -> None:
        """How far a job is from now on."""
        with self._lock:
            self._find(job_id, node).told = node, value, most

    def restart(self) -> None:
        """Forget queue, history and cache, close the sockets, empty temp. What lies in input and output stays."""
        with self._lock:
            jobs = [*self._waiting, *([self._running] if self._running else [])]
            self._forget()
            self.age += 1
            self.installed.disk.empty("temp")
        for job in jobs:
            self.give_up(job.task.id)

    def forget_output(self) -> None:
        """Let somebody empty the output folder."""
        self.installed.disk.empty("output")

    def _find(self, job_id: str, node: str = "") -> Job:
        """A job that is not over, and has this node where one is named. Raises KeyError."""
        for job in [*([self._running] if self._running else []), *self._waiting]:
            if job.id == job_id and not job.is_told:
                if node and node not in job.graph:
                    raise KeyError(f"job {job_id} has no node {node!r}")
                return job
        raise KeyError(f"no job {job_id} waits or runs")

    # what a client says

    def number(self, is_first: bool) -> int:
        """The next number of the queue; negative for one that goes before all others."""
        number = next(self._numbers)
        return -number if is_first else number

    def put(self, job: Job) -> None:
        with self._lock:
            self._waiting.append(job)
            self._waiting.sort(key=lambda waiting: waiting.number)
            self._tell_status()

    def queue(self) -> tuple[list[Job], list[Job]]:
        """The job that runs, and those that wait."""
        with self._lock:
            return [self._running] if self._running else [], list(self._waiting)

    def remaining(self) -> int:
        return sum(len(jobs) for jobs in self.queue())

    def delete(self, job_id: str) -> bool:
        """Take a waiting job out of the queue; whether there was one."""
        with self._lock:
            for job in self._waiting:
                if job.id == job_id:
                    self._waiting.remove(job)
                    self._tell_status()
                    return True
        return False

    def clear(self) -> None:
        """Take all waiting jobs out of the queue, whoever they belong to."""
        with self._lock:
            self._waiting.clear()
            self._tell_status()

    def interrupt(self, job_id: str | None) -> bool:
        """Break the running job off, if it is this one; whichever runs where none is named."""
        with self._lock:
            job = self._running
            if job is None or job_id not in (None, job.id):
                return False
            self.interrupted.append(job.id)
            job.is_interrupted = True
            if not self._quirk("late_interrupt"):
                self._break_off(job)
        return True

    def _break_off(self, job: Job) -> None:
        data = {**self._place(job), "executed": list(job.executed)}
        self._end(job, "execution_interrupted", data, time.time())
        self.give_up(job.task.id)

    def running_node(self, client: str) -> str | None:
        """The node that runs for a client that has come back."""
        with self._lock:
            job = self._running
            return job.node if job is not None and job.client == client and job.is_on else None

    # the work

    def look(self) -> None:
        """Bring all jobs to where they are by now. In the server's thread."""
        with self._lock:
            now = time.time()
            while True:
                if self._running is None:
                    if not self._waiting:
                        return
                    self._begin(self._waiting.pop(0))
                job = self._running
                assert job is not None
                if not self._go_on(job, now):
                    return

    def _begin(self, job: Job) -> None:
        self._running = job
        self._tell_status()
        job.started = max(job.task.created, self._free_at)
        self._say(job, "execution_start", {}, job.started)
        signatures = job.signatures = self._signatures(job)
        known = [node_id for node_id in job.graph if signatures[node_id] in self._cache]
        self._say(job, "execution_cached", {"nodes": known}, job.started)
        job.order = list(_in_order(job.graph, job.outputs, set(known)))
        for node_id in known:
            kept = self._cache[signatures[node_id]]
            job.texts[node_id] = kept.texts
            job.model = job.model or kept.model
            if node_id in job.outputs and kept.ui is not None:
                self._tell_output(job, node_id, kept.ui)
                self._show(job, node_id, 1, 1, "finished")
        if job.model is None and job.order:
            self.start(job.task, self._picture(job))
        if self.dialect == OLD:  # which keeps what the last graph had, and no more
            self._cache = {key: kept for key, kept in self._cache.items() if key in signatures.values()}

    def _go_on(self, job: Job, now: float) -> bool:
        """Bring the running job to where it is by now; whether it is over."""
        job.model = job.model or job.task.model
        try:
            if job.task.state is State.FAILED:  # nothing came of its model
                raise NodeError("RuntimeError", job.task.message)
            if job.failure is not None:
                self._reach(
                    job, Place(self._index(job, job.failure.node)) if job.failure.node else self._target(job, now)
                )
                raise NodeError(job.failure.kind, job.failure.message)
            target = self._target(job, now)
            if job.is_interrupted and target.at > job.at:  # heeded between two nodes
                self._break_off(job)
                return True
            self._reach(job, target)
        except NodeError as error:
            self._end(job, "execution_error", self._error(job, error), now)
            return True
        if target.at < len(job.order):
            return False
        seconds = 0.0 if job.is_told or job.told or not self._slow(job) else self.seconds or 0.0
        at = now if job.is_told else min(now, max(job.started + seconds, job.task.model_at))
        self._end(job, "execution_success", {}, at)
        return True

    def _index(self, job: Job, node_id: str) -> int:
        if node_id not in job.order:
            raise NodeError("KeyError", f"the test named the node {node_id!r}, which this job does not run (again)")
        return job.order.index(node_id)

    def _slow(self, job: Job) -> list[int]:
        """Which nodes of the order take the time: the samplers; in a graph without any, the last before its end."""
        if any(nodes.NODES[each["class_type"]].is_slow for each in job.graph.values()):
            return [i for i, node_id in enumerate(job.order) if self._node(job, node_id).is_slow]
        quick = [i for i, node_id in enumerate(job.order) if not self._node(job, node_id).is_output]
        return quick[-1:]

    def _node(self, job: Job, node_id: str) -> nodes.Node:
        return nodes.NODES[job.graph[node_id]["class_type"]]

    def _target(self, job: Job, now: float) -> Place:
        """How far a job ought to be."""
        place = self._wanted(job, now)
        if job.model is None:  # it cannot be written yet
            written = [i for i, node_id in enumerate(job.order) if self._node(job, node_id).is_output]
            if written and place.at > written[0] - 1:
                return Place(max(0, written[0] - 1))
        return place

    def _wanted(self, job: Job, now: float) -> Place:
        if job.is_told:
            return Place(len(job.order))
        if job.told is not None:
            node_id, value, most = job.told
            return Place(self._index(job, node_id), value, most)
        slow = self._slow(job)
        if not slow:
            return Place(len(job.order))
        steps = [_steps(job.graph[job.order[i]]) for i in slow]
        if self.seconds is None:
            return Place(slow[0], 0, steps[0])
        share = (now - job.started) / self.seconds if self.seconds else 1.0
        left = share * sum(steps)
        for index, most in zip(slow, steps, strict=True):
            if left < most:
                return Place(index, int(left), most)
            left -= most
        return Place(len(job.order))

    def _reach(self, job: Job, place: Place) -> None:
        """Run nodes until a job is there. Raises `NodeError`."""
        while job.at < min(place.at, len(job.order)):
            self._start_node(job)
            self._finish_node(job)
        if job.at == place.at < len(job.order):
            self._start_node(job)
            self._step(job, place.value, place.most)

    def _start_node(self, job: Job) -> None:
        if job.is_on:
            return
        node_id = job.order[job.at]
        job.is_on, job.value = True, 0
        self._show(job, node_id, 0.0, 1.0, "running")
        self._tell(job, "executing", {"node": node_id, "display_node": node_id})
        self._check(job, node_id)

    def _step(self, job: Job, value: float, most: float) -> None:
        if value <= job.value:
            return
        job.value = value
        node_id = job.order[job.at]
        self._show(job, node_id, value, most, "running")
        self._tell(job, "progress", {"value": value, "max": most, "node": node_id})

    def _finish_node(self, job: Job) -> None:
        node_id = job.order[job.at]
        steps = _steps(job.graph[node_id]) if self._node(job, node_id).is_slow else 0
        if steps:
            self._step(job, steps, steps)
        ui = self._ui(job, node_id)
        job.texts[node_id] = self._texts(job, node_id)
        if ui is not None:
            self._tell_output(job, node_id, ui)
        self._show(job, node_id, steps or 1.0, steps or 1.0, "finished")
        job.executed.append(node_id)
        self._cache[job.signatures[node_id]] = Kept(ui, job.texts[node_id], job.model)
        job.at, job.is_on = job.at + 1, False

    def _check(self, job: Job, node_id: str) -> None:
        """Whether a node can do its work at all. Raises `NodeError`."""
        name, sent = job.graph[node_id]["class_type"], job.graph[node_id]["inputs"]
        if name == "Boom":
            raise NodeError(OOM_TYPE, OOM)
        if name in PICTURE_LOADERS and not isinstance(sent["image"], list):
            path = self.installed.disk.picture(sent["image"])
            if path is None:
                raise NodeError("FileNotFoundError", f"[Errno 2] No such file or directory: '{sent['image']}'")
            if not path.read_bytes().startswith(tuple(SIGNATURES.values())):
                raise NodeError("PIL.UnidentifiedImageError", f"cannot identify image file '{path}'")
        for own, value in self._node(job, node_id).required.items():
            if isinstance(value, Dynamic) and sent.get(own) not in value.choices:
                message = f"{name}.execute() missing 1 required positional argument: '{own}'"
                raise NodeError("TypeError", message)

    def _ui(self, job: Job, node_id: str) -> dict[str, Any] | None:
        """What a node tells of its work, if it tells anything; its file is written. Raises `NodeError`."""
        name, sent = job.graph[node_id]["class_type"], job.graph[node_id]["inputs"]
        disk = self.installed.disk
        if name == "PreviewAny":
            return {"text": [self._text(job, sent["source"])]}
        if name in ("PreviewImage", "MaskPreview"):
            file = f"ComfyUI_temp_{uuid.uuid4().hex[:5]}_00001_.png"
            write(disk.folder("temp") / file, PIXEL)
            return {"images": [{"filename": file, "subfolder": "", "type": "temp"}]}
        if name == "SaveImage":
            subfolder, file = self._save(sent, "_.png", PIXEL)
            return {"images": [{"filename": file, "subfolder": subfolder, "type": "output"}]}
        if name == "SaveGLB":
            subfolder, file = self._save(sent, "_.glb", self._glb(job, node_id))
            return {"3d": [{"filename": file, "subfolder": subfolder, "type": "output"}]}
        if name == "Save3DAdvanced":
            subfolder, file = self._save(sent, ".glb", self._glb(job, node_id))
            told: dict[str, Any] = {"result": [f"{subfolder}/{file}" if subfolder else file, None, []]}
            if self._quirk("save_3d"):
                told["3d"] = [{"filename": file, "subfolder": subfolder, "type": "output"}]
            return told
        if name in ("Preview3D", "Preview3DAdvanced"):
            return self._preview(job, node_id)
        return None

    def _preview(self, job: Job, node_id: str) -> dict[str, Any]:
        if job.graph[node_id]["class_type"] == "Preview3DAdvanced":
            file = f"preview3d_advanced_{uuid.uuid4().hex}.glb"
            write(self.installed.disk.folder("temp") / file, self._glb(job, node_id))
            return {"result": [file, None, []]}
        source = job.graph[node_id]["inputs"]["model_file"]
        file = source if isinstance(source, str) else self._linked(job, source)
        if not isinstance(file, str):
            file = f"preview3d_{uuid.uuid4().hex}.glb"
            write(self.installed.disk.folder("output") / file, self._glb(job, node_id))
        return {"result": [file, None, None] if self.dialect == NEW else [file, None]}

    def _save(self, sent: dict[str, Any], ending: str, content: bytes | Path) -> tuple[str, str]:
        prefix = sent["filename_prefix"]
        if isinstance(prefix, list):
            prefix = "ComfyUI"
        try:
            return self.installed.disk.save(prefix, ending, content)
        except OutsideError as error:
            message = "**** ERROR: Saving image outside the output folder is not allowed."
            raise NodeError("Exception", f"{message}\n full_output_folder: {error}") from None

    def _glb(self, job: Job, node_id: str) -> Path:
        """The file that a node writes: another one where nothing that it needs paints."""
        above = _in_order(job.graph, [node_id], set())
        is_painted = any(job.graph[each]["class_type"] == "ApplyTextureToMesh" for each in above)
        assert job.model is not None  # it is not run before that
        return job.model if is_painted or self.plain_model is None else self.plain_model

    def _texts(self, job: Job, node_id: str) -> list[Any]:
        """What the outputs of a node are, as far as they are plain values. An exporter writes its file."""
        name, sent = job.graph[node_id]["class_type"], job.graph[node_id]["inputs"]
        if name in ("Hy3DExportMesh", "Trellis2ExportMesh"):
            relative = "/".join(self._save(sent, f"_.{sent['file_format']}", self._glb(job, node_id)))
            absolute = str(self.installed.disk.folder("output") / relative)
            if self._quirk("windows_path"):
                absolute = relative = WINDOWS + relative.replace("/", "\\")
            return [relative] if name == "Hy3DExportMesh" else [absolute, relative]
        if name.startswith("Primitive"):
            return [sent["value"]]
        if name == "PreviewAny":
            return [self._text(job, sent["source"])]
        return []

    def _linked(self, job: Job, link: list[Any]) -> Any:
        values = job.texts.get(link[0], [])
        return values[link[1]] if link[1] < len(values) else None

    def _text(self, job: Job, source: Any) -> str:
        value = self._linked(job, source) if isinstance(source, list) else source
        return value if isinstance(value, str) else str(value)

    def _picture(self, job: Job) -> bytes | None:
        """The picture that a job is about: of its first loader."""
        for node in job.graph.values():
            if node["class_type"] in PICTURE_LOADERS and isinstance(node["inputs"]["image"], str):
                path = self.installed.disk.picture(node["inputs"]["image"])
                return None if path is None else path.read_bytes()
        return None

    def _signatures(self, job: Job) -> dict[str, str]:
        """What makes each node of a graph the same as one that was run before."""
        found: dict[str, str] = {}

        def sign(node_id: str) -> str:
            if node_id not in found:
                found[node_id] = ""  # for one in a circle
                node = job.graph[node_id]
                seeds = [node["class_type"]]
                for name, value in sorted(node.get("inputs", {}).items()):
                    is_link = isinstance(value, list) and len(value) == 2 and value[0] in job.graph
                    seeds.append(f"{name} {sign(value[0])} {value[1]}" if is_link else f"{name} {json.dumps(value)}")
                    if node["class_type"] in PICTURE_LOADERS and isinstance(value, str):
                        path = self.installed.disk.picture(value)
                        seeds.append(hashlib.sha256(path.read_bytes()).hexdigest() if path else "")
                found[node_id] = hashlib.sha256("\n".join(seeds).encode()).hexdigest()
            return found[node_id]

        return {node_id: sign(node_id) for node_id in job.graph}

    def _quirk(self, name: str) -> Any:
        return self._ledger.quirk("comfyui", name)

    # what is said

    def _place(self, job: Job) -> dict[str, Any]:
        return {"node_id": job.node, "node_type": job.graph[job.node]["class_type"]}

    def _error(self, job: Job, error: NodeError) -> dict[str, Any]:
        hint = OOM_HINT if error.kind.endswith("OutOfMemoryError") else ""
        return {
            **self._place(job),
            "executed": list(job.executed),
            "exception_message": f"{error}\n{hint}",
            "exception_type": error.kind,
            "traceback": ['  File "/home/user/ComfyUI/execution.py", line 545, in execute\n'],
            "current_inputs": {},
            "current_outputs": [],
        }

    def _end(self, job: Job, name: str, data: dict[str, Any], at: float) -> None:
        self._say(job, name, data, at)
        is_good = name == "execution_success"
        outputs = {} if self._quirk("no_output") else job.ui
        meta = {
            node_id: {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}
            for node_id in outputs
        }
        self.history.pop(job.id, None)
        self.history[job.id] = {
            "prompt": job.row(),
            "outputs": outputs,
            "status": {
                "status_str": "success" if is_good else "error",
                "completed": is_good,
                "messages": job.messages,
            },
            "meta": meta,
        }
        self._running, self._free_at = None, at
        self._tell_status()
        self._tell(job, "executing", {"node": None})

    def _say(self, job: Job, name: str, data: dict[str, Any], at: float) -> None:
        """Tell the client, and keep it for the history."""
        told = {"prompt_id": job.id, **data, "timestamp": int(at * 1000)}
        if name == "execution_cached":
            told = {**data, "prompt_id": job.id, "timestamp": int(at * 1000)}
        job.messages.append([name, told])
        if job.client is not None or name == "execution_interrupted":
            self.events.append((job.client, {"type": name, "data": told}))

    def _tell(self, job: Job, name: str, data: dict[str, Any]) -> None:
        if job.client is not None:
            self.events.append((job.client, {"type": name, "data": {**data, "prompt_id": job.id}}))

    def _tell_output(self, job: Job, node_id: str, ui: dict[str, Any]) -> None:
        if self._quirk("no_output"):
            return
        job.ui[node_id] = ui
        self._tell(job, "executed", {"node": node_id, "display_node": node_id, "output": ui})

    def _tell_status(self) -> None:
        self.events.append((None, {"type": "status", "data": self.status()}))

    def status(self) -> dict[str, Any]:
        return {"status": {"exec_info": {"queue_remaining": self.remaining()}}}

    def _show(self, job: Job, node_id: str, value: float, most: float, state: str) -> None:
        job.shown[node_id] = {
            "value": value,
            "max": most,
            "state": state,
            "node_id": node_id,
            "prompt_id": job.id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }
        if job.client is not None:
            data = {"prompt_id": job.id, "nodes": copy.deepcopy(job.shown)}
            self.events.append((job.client, {"type": "progress_state", "data": data}))


def _steps(node: dict[str, Any]) -> int:
    steps = node["inputs"].get("steps", 1)
    return steps if isinstance(steps, int) and steps > 0 else 1


def _in_order(graph: Graph, outputs: list[str], known: set[str]) -> Iterator[str]:
    """What has to run for these outputs, each node after those that it needs; nothing behind what is known."""
    done = set(known)

    def visit(node_id: str) -> Iterator[str]:
        if node_id in done:
            return
        done.add(node_id)
        for value in graph[node_id]["inputs"].values():
            if isinstance(value, list) and len(value) == 2 and value[0] in graph:
                yield from visit(value[0])
        yield node_id

    for output in outputs:
        yield from visit(output)
