# SPDX-License-Identifier: GPL-3.0-or-later
"""The real extension, enabled in a real Blender without windows, and an empty file before each test; and web services
for it."""

import importlib
import itertools
import shutil
import traceback
from pathlib import Path

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils
import leftovers
import pytest
from looking import Looking
from service.cube import cube_glb
from service.stand_in import StandIn
from ticking import tick_until

HURRY = Path(__file__).parent.parent / "programs" / "hurry.py"
LONG_STEP_S = 5.0  # of a look: how much fits into a short one depends on the machine

HURRY_FACTOR = 40  # what waits half a minute takes under a second

ACCOUNT = tuple(f"{service}_{what}" for service in ("csm", "meshy", "comfyui") for what in ("key", "url"))


class Extension:
    """The extension as Blender's preferences see it."""

    name = "bl_ext.user_default.image_to_3d"

    def enable(self):
        def fail(_):
            pytest.fail(traceback.format_exc())

        assert addon_utils.enable(self.name, default_set=True, handle_error=fail)

    def disable(self):
        addon_utils.disable(self.name, default_set=True)
        left = leftovers.take_away(self.name)
        assert not left, f"left in Blender after disabling: {left}"

    def module(self, name):
        """A module of it, under the name and in the state that it has now."""
        return importlib.import_module(f"{self.name}.{name}")

    @property
    def preferences(self):
        return bpy.context.preferences.addons[self.name].preferences


@pytest.fixture(scope="session")
def extension():
    made = Extension()
    made.enable()
    yield made
    made.disable()  # a class that is still registered when Python ends crashes Blender 4.2 and hangs 4.5


@pytest.fixture(autouse=True)
def empty_file(extension):
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    bpy.context.preferences.system.use_online_access = False


@pytest.fixture(autouse=True)
def no_account(extension, monkeypatch):
    """Neither this machine's keys nor those of the test before."""
    for name in ACCOUNT:
        monkeypatch.delenv(f"{name.partition('_')[0]}_API_{name.partition('_')[2]}".upper(), raising=False)
    yield
    for name in (*ACCOUNT, "ca_file", "jobs_at_once"):
        extension.preferences.property_unset(name)


@pytest.fixture
def settings():
    """The scene's settings, quick ones: what is not tested does not have to be beautiful."""
    chosen = bpy.context.scene.image_to_3d
    chosen.local.resolution, chosen.local.texture_model = "LOW_POLY", "NONE"
    return chosen


@pytest.fixture
def session(extension):
    """What looks after the jobs."""
    looking = Looking(extension.module, LONG_STEP_S)
    yield looking
    looking.calm()
    looking.end()


@pytest.fixture(scope="session")
def made_model(extension, star, tmp_path_factory):
    """The folder of a finished job, which made a small model with all its maps."""
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    chosen = bpy.context.scene.image_to_3d.local
    chosen.resolution, chosen.texture_model = "LOW_POLY", "PBR"
    bpy.ops.image_to_3d.generate(filepath=str(star))
    session = Looking(extension.module)
    job = bpy.data.objects["Red Star"]["image_to_3d_job"]
    return Path(shutil.copytree(session.folder_of(job), tmp_path_factory.mktemp("jobs") / job))


@pytest.fixture
def model(made_model, empty_file, session):
    """The root object of that model, imported into the empty file."""
    session.tick()
    if session.job(made_model.name) is None:
        shutil.copytree(made_model, session.root() / made_model.name)
        tick_until(session, lambda: session.job(made_model.name))
    bpy.ops.image_to_3d.import_result(job=made_model.name)
    return bpy.data.objects["Red Star"]


NAME = "Name of the model, as long as names can be"  # what the stand-in for Blender replaces


@pytest.fixture(scope="session")
def quick_blender(tmp_path_factory, make_stand_in_with):
    """The path of a stand-in for Blender: every picture is fit, and every model is a cube, for a tenth of the work."""
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    mesh = bpy.data.meshes.new(NAME)
    mesh.from_pydata([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 2)], [], [(0, 1, 3, 2), (4, 6, 7, 5)])
    collection = bpy.data.collections.new(NAME)
    collection.objects.link(bpy.data.objects.new(NAME, mesh))
    blend = tmp_path_factory.mktemp("model") / "model.blend"
    bpy.data.libraries.write(str(blend), {collection}, compress=False)
    return make_stand_in_with(blend)


@pytest.fixture
def quick_models(session, quick_blender):
    """Jobs start the stand-in instead of Blender, where it is about jobs and not about models and pictures."""
    session.configure(lambda config: {**config, "blender": quick_blender})


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    """The model that the web services make."""
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb())
    return path


@pytest.fixture
def no_jobs(extension, session):
    """No job of another test, nor one for another test."""
    _clear(session)
    yield
    _clear(session)


def _clear(session):
    session.end()
    shutil.rmtree(session.root())
    session.end()  # which has just made the folder known


@pytest.fixture
def make_job(extension, session, no_jobs):
    """Writes a job down as it may lie in the folder, each newer than the one before, and starts nothing."""
    folders = extension.module("jobs.folder")
    numbers = itertools.count()

    def make_job(state="imported", **fields):
        job_id = fields.pop("id", f"20260101-{next(numbers):06}-000000-0000")
        fields = {
            "service": "local",
            "name": "Red Star",
            "parameters": {},
            "created": "2026-01-01T00:00:00.000Z",
            **fields,
        }
        job = folders.Job(id=job_id, state=folders.State(state), **fields)
        folder = session.root() / job_id
        folder.mkdir()
        (folder / folders.LOCK).touch()
        folders.write(folder, job, synced=False)
        return job

    return make_job


@pytest.fixture
def services(cube, no_jobs):
    """CSM and Meshy on loopback, which make every model at once."""
    with StandIn(model=cube) as made:
        yield made


@pytest.fixture
def patient(cube, no_jobs):
    """CSM and Meshy on loopback, which make a model when a test says so."""
    with StandIn(model=cube, seconds=None) as made:
        yield made


@pytest.fixture
def sign_in(monkeypatch):
    """Sets the environment that makes a stand-in's accounts ours."""

    def sign_in(stand_in):
        for name in ("csm", "meshy"):
            monkeypatch.setenv(f"{name.upper()}_API_KEY", getattr(stand_in, f"{name}_key"))
            monkeypatch.setenv(f"{name.upper()}_API_URL", getattr(stand_in, f"{name}_url"))

    return sign_in


@pytest.fixture
def account(services, sign_in):
    """The services, and an environment with their keys and addresses."""
    sign_in(services)
    return services


@pytest.fixture
def comfyui(services, monkeypatch):
    """The services, and an environment with the address of the ComfyUI among them."""
    monkeypatch.setenv("COMFYUI_API_URL", services.comfyui_url)
    return services


@pytest.fixture
def slow_account(patient, sign_in):
    """The patient services, and an environment with their keys and addresses."""
    sign_in(patient)
    return patient


@pytest.fixture
def start_web(extension, star):
    """Start a job at a web service as the button does with a window: it goes on without us."""
    start = extension.module("session.start").start_job
    return lambda service, **options: start(
        bpy.context.scene, **{"filepath": str(star), "service": service.upper(), **options}
    )


@pytest.fixture
def hurry(session):
    """The clock of the jobs' processes runs fast."""
    session.run_in(str(HURRY), str(HURRY_FACTOR))
