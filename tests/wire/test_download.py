# SPDX-License-Identifier: GPL-3.0-or-later
"""Results come whole or not at all, are not fetched twice, and cost no key: over real HTTP, with every fault on the way."""

import resource
import subprocess
import sys

import pytest

from image_to_3d import api
from image_to_3d.api import errors, glb
from image_to_3d.api.download import download
from image_to_3d.api.network import Network
from image_to_3d.api.results import fetch

OFFLINE = Network(online=False, read_s=2.0)


@pytest.fixture
def finished(meshy, picture):
    """A task of Meshy that has succeeded."""
    return meshy.get(meshy.create(picture).id)


@pytest.fixture
def url(finished):
    return finished.result.glb


def downloads(stand_in):
    return [request for request in stand_in.requests if request.step == "download"]


def get(url, path, **options):
    pauses = []
    download(url, path, network=OFFLINE, pause=pauses.append, **options)
    return pauses


def leftovers(path):
    return [entry.name for entry in path.parent.iterdir() if entry != path]


def test_a_result_arrives_whole_and_without_a_key(stand_in, url, cube, tmp_path):
    seen = []
    get(url, tmp_path / "model.glb", tell=seen.append)
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes() and not leftovers(tmp_path / "model.glb")
    assert seen[-1] == 1.0
    (request,) = downloads(stand_in)
    assert request.headers.get("Authorization") is None and request.headers.get("x-api-key") is None


def test_what_is_there_is_not_fetched_again(stand_in, url, cube, tmp_path):
    stand_in.play("download", "cut", bytes=290_000)
    get(url, tmp_path / "model.glb")
    first, second = downloads(stand_in)
    assert first.headers.get("Range") is None
    start = int(second.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 200_000 < start <= 290_000 and second.status == 206 and second.headers["If-Range"]
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes()


class Killed(Exception):
    pass


def test_a_later_start_goes_on_where_the_earlier_one_ended(stand_in, url, cube, tmp_path):
    def kill(fraction):
        raise Killed

    with pytest.raises(Killed):
        get(url, tmp_path / "model.glb", tell=kill)
    there = (tmp_path / "model.glb.part").stat().st_size
    assert there and not (tmp_path / "model.glb").exists()
    get(url, tmp_path / "model.glb")
    assert downloads(stand_in)[-1].headers["Range"] == f"bytes={there}-"
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes()


@pytest.mark.parametrize("action", ["other_file", "no_range"])
def test_parts_of_two_files_are_never_joined(stand_in, url, cube, tmp_path, action):
    stand_in.play("download", "cut", bytes=290_000)
    with pytest.raises(Killed):
        download(url, tmp_path / "model.glb", network=OFFLINE, pause=lambda seconds: (_ for _ in ()).throw(Killed()))
    stand_in.play("download", action)
    get(url, tmp_path / "model.glb")
    glb.check(tmp_path / "model.glb")
    assert downloads(stand_in)[-1].status == 200


def test_a_length_that_is_not_told_is_no_trouble(stand_in, url, cube, tmp_path):
    stand_in.play("download", "no_length")
    get(url, tmp_path / "model.glb")
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes()


def test_a_whole_part_is_not_fetched_at_all(stand_in, url, cube, tmp_path):
    stand_in.play("download", "cut", bytes=290_000)
    with pytest.raises(Killed):
        download(url, tmp_path / "model.glb", network=OFFLINE, pause=lambda seconds: (_ for _ in ()).throw(Killed()))
    (tmp_path / "model.glb.part").write_bytes(cube.read_bytes())
    get(url, tmp_path / "model.glb")
    assert downloads(stand_in)[-1].status == 416
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes()


def test_a_host_that_never_sends_more_is_given_up(stand_in, url, tmp_path):
    stand_in.play("download", "drop", times=9)
    pauses = []
    with pytest.raises(errors.ConnectionFailedError):
        download(url, tmp_path / "model.glb", network=OFFLINE, pause=pauses.append)
    assert pauses == [0.5, 1.0, 2.0, 4.0] and not (tmp_path / "model.glb").exists()


@pytest.mark.parametrize("action", ["expired", "gone"])
def test_an_address_that_is_over_is_asked_for_again_once(meshy, stand_in, finished, cube, tmp_path, action):
    asked = len(stand_in.requests)
    stand_in.play("download", action)
    api.save(meshy, finished, tmp_path / "model.glb")
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes()
    assert [request.step for request in stand_in.requests[asked:]] == ["download", "get", "download"]
    stand_in.play("download", action, times=9)
    with pytest.raises(errors.AddressExpiredError):
        api.save(meshy, finished, tmp_path / "again.glb")
    assert not (tmp_path / "again.glb").exists()


def test_a_web_page_instead_of_a_model_is_noticed(meshy, stand_in, finished, tmp_path):
    stand_in.play("download", "html")
    api.save(meshy, finished, tmp_path / "model.glb")
    glb.check(tmp_path / "model.glb")
    stand_in.play("download", "html", times=2)
    with pytest.raises(errors.GlbError, match="not a GLB model"):
        api.save(meshy, finished, tmp_path / "page.glb")
    assert not (tmp_path / "page.glb").exists() and not list(tmp_path.glob("page*"))


def test_a_redirect_is_followed_without_a_key_and_not_for_ever(stand_in, url, tmp_path):
    stand_in.play("download", "redirect", hops=5)
    get(url, tmp_path / "model.glb")
    stand_in.play("download", "redirect", to="loop")
    with pytest.raises(errors.DownloadError, match="without end"):
        get(url, tmp_path / "again.glb")
    for request in stand_in.requests:
        if request.service in ("files", "elsewhere"):
            assert stand_in.meshy_key not in str(dict(request.headers))


@pytest.mark.parametrize("to", ["http://example.invalid/model.glb", "https://example.invalid/model.glb", "ftp://a/b"])
def test_a_redirect_off_this_machine_obeys_the_rules(stand_in, url, tmp_path, to):
    stand_in.play("download", "redirect", to=to)
    with pytest.raises((errors.DownloadError, errors.OfflineError)):
        get(url, tmp_path / "model.glb")


def test_only_safe_addresses_are_fetched(tmp_path):
    with pytest.raises(errors.DownloadError, match="https://"):
        download("http://example.invalid/model.glb", tmp_path / "model.glb")
    with pytest.raises(errors.DownloadError, match="https://"):
        download("file:///etc/passwd", tmp_path / "model.glb")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("told", [True, False])
def test_more_than_the_limit_is_not_fetched(stand_in, url, tmp_path, told):
    if not told:
        stand_in.play("download", "no_length")
    with pytest.raises(errors.DownloadError, match="MB"):
        get(url, tmp_path / "model.glb", limit_bytes=290_000)
    assert not (tmp_path / "model.glb").exists()


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from image_to_3d.api.download import download
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    download(sys.argv[2], Path(sys.argv[3]))
except OSError as error:
    print(type(error).__name__, error.errno)
"""


def test_a_disk_that_takes_no_more_is_the_disk_s_error(url, tmp_path):
    assert resource  # what FULL needs, too
    search = next(path for path in sys.path if path.endswith("user_default"))
    command = [sys.executable, "-c", FULL, search, url, str(tmp_path / "model.glb")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said.stdout.startswith("OSError 27"), said.stderr
    assert not (tmp_path / "model.glb").exists()


def test_other_files_of_a_result_are_fetched_alike(meshy, stand_in, finished, tmp_path):
    stand_in.play("map", "expired")
    fetch(meshy, finished, lambda result: result.maps["normal"], tmp_path / "normal.png")
    assert (tmp_path / "normal.png").read_bytes().startswith(b"\x89PNG")
