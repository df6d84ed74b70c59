# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in a real Blender with real windows, which is used through mouse, keyboard and screen; and web services
for it.

The Blender is the one that IMAGE_TO_3D_BLENDER names. Where IMAGE_TO_3D_PICTURES is set, the pictures for the manual
are made anew.
"""

import contextlib
import os
import shutil
import tempfile

import pytest
from drawing import star_png
from gui import jobs, screen
from gui.blender import PICTURES_FROM, ROOT, Blender
from gui.hands import Hands
from gui.newcomer import NewBlender
from PIL import Image
from service.cube import cube_glb
from service.stand_in import StandIn

PICTURES = ROOT / "docs" / "pictures"
WHOLE_WIDTH_PX = 1200  # of a picture of the whole window

RESET = """
import os, shutil
bpy.ops.wm.read_homefile(app_template="")
session.end()
shutil.rmtree(session.root())
session.end()
preferences = bpy.context.preferences
preferences.system.use_online_access = False
preferences.view.ui_scale = 1
ours = preferences.addons[EXTENSION].preferences
for property in ours.bl_rna.properties:
    if not property.is_readonly:
        ours.property_unset(property.identifier)
for name in [name for name in os.environ if name.startswith(("CSM_API_", "MESHY_API_", "COMFYUI_API_"))]:
    del os.environ[name]
"""


LONG_JOB_S = 180

AUTOSAVE = """
import glob, os
paths = bpy.context.preferences.filepaths
paths.auto_save_time = 1
paths.use_auto_save_temporary_files = True
saves = bpy.app.driver_namespace["saves"] = []

def look():
    for path in glob.glob(os.path.join(os.environ["TMPDIR"], "*.blend")):
        save = [path, os.stat(path).st_mtime]
        if save not in saves:
            saves.append(save)
    return 1.0

bpy.app.timers.register(look, persistent=True)
0
"""


HURRY = "session.run_in(program, '40')"
CALM = "session.run_in()"


@pytest.fixture(scope="session")
def binary():
    """The path of the Blender that is tested."""
    path = os.environ.get("IMAGE_TO_3D_BLENDER", "")
    if not path:
        pytest.skip("IMAGE_TO_3D_BLENDER does not name a Blender with windows")
    return path


@pytest.fixture(scope="session")
def _shared(binary, tmp_path_factory):
    """Gives a Blender which many tests use one after the other, as a start takes seconds; a new one where it is
    gone."""
    with screen.screen() as display:
        running = []

        def get():
            if not running or not running[-1].is_alive():
                running.append(Blender(binary, display, tmp_path_factory.mktemp("blender")))
            return running[-1]

        yield get
        if running and running[-1].is_alive():
            running[-1].quit()


@pytest.fixture(scope="session")
def long_job(binary, cube, tmp_path_factory):
    """A job of three minutes in a Blender of its own, which autosaves every minute: Blender, job, and the service.
    Nobody touches it."""
    picture = tmp_path_factory.mktemp("pictures") / "Long Star.png"
    picture.write_bytes(star_png(96))
    with StandIn(model=cube, seconds=LONG_JOB_S) as stand_in, screen.screen() as display:
        made = Blender(binary, display, tmp_path_factory.mktemp("blender"), jobs.account(stand_in))
        try:
            made.run(AUTOSAVE)
            made.search("Add Monkey")  # so that there is something to save
            made.until("'Suzanne' in bpy.data.objects")
            yield made, jobs.start(made, picture), stand_in
            check(made)
        finally:
            made.kill()


@pytest.fixture(scope="session", autouse=True)
def _long_job_first(request):
    """Begin the long job before the first test where a test will look at it, so that it runs beside all others."""
    if any("long_job" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("long_job")


@pytest.fixture
def blender(_shared):
    """A Blender as it is after the start, without jobs and keys."""
    made = _shared()
    made.run(RESET)
    made.move(*made.area("VIEW_3D", "WINDOW").center)
    made.settle()
    made.forget_output()
    yield made
    check(made)


@pytest.fixture
def newest(_shared):
    """For what one Blender with windows shows for all: the wheels of the others have tests of the same."""
    if _shared().version[:2] < PICTURES_FROM:
        pytest.skip(f"seen in Blender {'.'.join(map(str, PICTURES_FROM))}; the wheels of the others test the same")


@pytest.fixture
def start_blender(binary, tmp_path_factory):
    """Starts a Blender of the test's own on a screen of its own, with an environment beside the usual. It may be killed
    and started again. `folder` is one in which an extension is installed."""
    running = []
    with contextlib.ExitStack() as screens:

        def start(folder=None, **environment):
            display = screens.enter_context(screen.screen())
            running.append(Blender(binary, display, folder or tmp_path_factory.mktemp("blender"), environment))
            return running[-1]

        yield start
        try:
            for made in running:
                check(made)
        finally:
            for made in running:
                made.kill()


@pytest.fixture
def new_blender(binary, tmp_path_factory):
    """A Blender as somebody new has it, on a screen of its own, with an empty home."""
    for program in ("Xvfb", "xdotool"):
        if not shutil.which(program):
            pytest.skip(f"{program} is missing, without which there is no real mouse (apt install {program.lower()})")
    with (
        screen.screen() as display,
        contextlib.closing(Hands(display)) as hands,
        tempfile.TemporaryDirectory(prefix="you-") as home,  # short, as it is seen in the manual's pictures
    ):
        made = NewBlender(binary, display, tmp_path_factory.mktemp("blender"), hands, home)
        try:
            yield made
            check(made)
        finally:
            made.kill()


@pytest.fixture
def fresh_blender(start_blender):
    """A Blender that was just started, which no other test uses."""
    return start_blender()


def check(blender):
    """What a test should not have to ask: Blender is alive, and no Python in it has failed where nobody was told."""
    if blender.is_connected:
        blender.settle()
    if "Traceback (most recent call last)" in blender.output():
        pytest.fail("Python has failed in Blender, as its output says", pytrace=False)


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    """The model that the web services make."""
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb())
    return path


@pytest.fixture
def services(cube):
    """CSM, Meshy and ComfyUI on loopback, which make every model at once."""
    with StandIn(model=cube) as made:
        yield made


@pytest.fixture
def slow_services(cube):
    """CSM, Meshy and ComfyUI on loopback, which make a model when a test says so."""
    with StandIn(model=cube, seconds=None) as made:
        yield made


@pytest.fixture
def sign_in(blender):
    """Gives the Blender that runs the keys and addresses of a stand-in."""
    return lambda stand_in: blender.run("import os; os.environ.update(account)", account=jobs.account(stand_in))


@pytest.fixture
def hurry(blender):
    """The clock of the jobs' processes runs fast: what waits half a minute takes a second."""
    blender.run(HURRY, program=str(ROOT / "tests" / "programs" / "hurry.py"))
    yield
    blender.run(CALM)


@pytest.fixture
def save(request, tmp_path):
    """Writes a part of the screen down, for the manual when its pictures are asked for: save("jobs", blender, box)."""

    def save(name, blender, box=None):
        asked = os.environ.get("IMAGE_TO_3D_PICTURES") and blender.version[:2] == PICTURES_FROM
        folder = PICTURES if asked else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        picture = blender.picture()
        picture = picture.crop(box or (0, 0, *picture.size))
        picture.thumbnail((WHOLE_WIDTH_PX, picture.height), Image.Resampling.LANCZOS)
        picture.save(folder / f"{name}.png", optimize=True)
        return folder / f"{name}.png"

    return save


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows what its Blenders have printed, and leaves a picture of the screen."""
    report = yield
    if report.failed:
        for blender in {id(made): made for made in item.funcargs.values() if isinstance(made, Blender)}.values():
            report.sections.append(("Blender's output", blender.output()))
            path = blender.folder / f"{item.name} {report.when}.png".replace("/", "-")
            with contextlib.suppress(OSError):  # after the last test the screen is gone already
                screen.picture(blender.display).save(path)
                report.sections.append(("Picture of the screen", str(path)))
    return report
