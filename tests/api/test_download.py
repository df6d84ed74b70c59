# SPDX-License-Identifier: GPL-3.0-or-later
"""A result comes to this machine: whole or not at all, without a key, and nothing of it twice. Real HTTP on loopback."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from scripted import http

import image_to_3d
from image_to_3d import api
from image_to_3d.api import errors, glb, results
from image_to_3d.api.connection import require_allowed
from image_to_3d.api.download import download

PICTURE = {"image_url": "https://example.org/fox.png"}
HERE = api.Network(online=False, connect_s=3.0, read_s=1.0)


@pytest.fixture
def task(service):
    """A task that has succeeded, with addresses for its model."""
    return service.get(service.create(PICTURE).id)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "model.glb"


@pytest.fixture(autouse=True)
def folder(path):
    """Where the results go. When a test is over, only what it expects may lie there."""
    path.parent.mkdir()
    return path.parent


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def fetches(server):
    return [request for request in server.requests if request.service == "files"]


def test_a_model_arrives_whole_and_alone_and_the_host_sees_no_key(service, server, task, path, folder, cube):
    told = []
    assert api.save(service, task, path, on_progress=told.append) == task
    assert path.read_bytes() == cube.read_bytes() and names(folder) == ["model.glb"]
    assert told and told == sorted(told) and told[-1] == 1.0
    (request,) = fetches(server)
    assert not {"authorization", "x-api-key", "cookie"} & {name.lower() for name in request.headers}
    assert request.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("cut", [1, 1000, 300_000])
def test_what_was_cut_off_is_continued_and_nothing_is_sent_twice(service, server, task, path, cube, cut):
    server.play("download", "cut", bytes=cut)
    pauses = []
    download(task.result.glb, path, network=HERE, sleep=pauses.append)
    assert path.read_bytes() == cube.read_bytes() and pauses == [0.5]
    _, second = fetches(server)
    start = int(second.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    assert start <= cut and second.status == (206 if start else 200)
    assert cut - start < 1 << 18, "more than a piece of it was fetched again"


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("drop", {}, errors.ConnectionFailedError),
        ("cut", {"bytes": 0}, errors.ConnectionFailedError),
        ("status", {"status": 503}, errors.UnavailableError),
        ("status", {"status": 429}, errors.UnavailableError),
    ],
    ids=str,
)
def test_after_five_tries_without_a_new_byte_it_is_given_up(server, task, path, is_sentence, fault, options, kind):
    server.play("download", fault, times=5, **options)
    pauses = []
    with pytest.raises(kind) as failure:
        download(task.result.glb, path, network=HERE, sleep=pauses.append)
    assert pauses == [0.5, 1.0, 2.0, 4.0] and is_sentence(str(failure.value)) and not path.exists()
    download(task.result.glb, path, network=HERE)
    assert path.exists()


@pytest.mark.parametrize(
    ("later", "options"), [("other_file", {}), ("no_range", {})], ids=["the file has changed", "no ranges"]
)
def test_two_files_are_never_joined(server, task, path, folder, cube, later, options):
    server.play("download", "cut", bytes=300_000)
    server.play("download", later, **options)
    download(task.result.glb, path, network=HERE, sleep=lambda _: None)
    content = path.read_bytes()
    assert (content == cube.read_bytes()) is (later == "no_range")
    assert glb.check(path)["asset"]["generator"] == ("The stand-in" if later == "no_range" else "Another making")
    assert [request.status for request in fetches(server)] == [200, 200]
    assert "If-Range" in fetches(server)[1].headers and names(folder) == ["model.glb"]


def test_a_length_that_nobody_tells_is_no_trouble(server, task, path, cube):
    server.play("download", "no_length")
    told = []
    download(task.result.glb, path, network=HERE, on_progress=told.append, sleep=lambda _: None)
    assert path.read_bytes() == cube.read_bytes() and set(told) == {0.0}


def part_of(path):
    return path.with_name(path.name + ".part"), path.with_name(path.name + ".part-tag")


class Stop(Exception):
    pass


@pytest.mark.parametrize("stop_at", [0.1, 0.9])
def test_who_stops_on_the_way_goes_on_from_there_the_next_time(server, task, path, folder, cube, stop_at):
    def on_progress(fraction):
        if fraction > stop_at:
            raise Stop

    with pytest.raises(Stop):
        download(task.result.glb, path, network=HERE, on_progress=on_progress)
    part, tag = part_of(path)
    there = part.stat().st_size
    assert there and tag.exists() and not path.exists()
    download(task.result.glb, path, network=HERE)
    assert path.read_bytes() == cube.read_bytes() and names(folder) == ["model.glb"]
    assert fetches(server)[-1].headers["Range"] == f"bytes={there}-"


def test_a_part_that_is_whole_already_is_only_given_its_name(server, task, path, cube):
    part, tag = part_of(path)
    download(task.result.glb, path, network=HERE)
    etag = '"odd"'
    path.replace(part)
    tag.write_text(etag)  # of another version: fetched anew
    download(task.result.glb, path, network=HERE)
    assert fetches(server)[-1].status == 200
    path.replace(part)
    import requests

    tag.write_text(requests.head(task.result.glb, timeout=5).headers["ETag"])
    download(task.result.glb, path, network=HERE)
    assert fetches(server)[-1].status == 416 and path.read_bytes() == cube.read_bytes()


def test_a_part_without_its_tag_is_not_trusted(server, task, path, cube):
    part_of(path)[0].write_bytes(b"glTF of somebody else")
    download(task.result.glb, path, network=HERE)
    assert path.read_bytes() == cube.read_bytes()


@pytest.mark.parametrize(
    "answer",
    [
        http(b"abc", "206 Partial Content", Content_Range="bytes 5-7/8"),
        http(b"abc", "206 Partial Content"),
        http(b"", "416 Range Not Satisfiable"),
        http(b"", "416 Range Not Satisfiable", Content_Range="bytes */3"),
    ],
    ids=["another part", "which part", "no range", "shorter"],
)
def test_an_answer_that_does_not_fit_what_is_there_lets_it_begin_anew(scripted, path, answer):
    part, tag = part_of(path)
    part.write_bytes(b"12345678")
    tag.write_text('"1"')
    scripted.say(answer)
    scripted.say(http(b"whole", ETag='"2"'))
    download(scripted.url + "/x.glb", path, network=HERE, sleep=lambda _: None)
    assert path.read_bytes() == b"whole"
    assert "range" in scripted.requests[0][0].lower() and "range" not in scripted.requests[1][0].lower()


def test_a_process_that_is_killed_on_the_way_leaves_what_the_next_one_goes_on_with(server, task, path, cube):
    code = (
        "import sys, os, signal; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from image_to_3d.api.download import download;"
        "download(sys.argv[2], Path(sys.argv[3]), on_progress=lambda f: f > 0.5 and os.kill(os.getpid(), signal.SIGKILL))"
    )
    root = str(Path(image_to_3d.__path__[0]).parent)
    done = subprocess.run([sys.executable, "-P", "-c", code, root, task.result.glb, str(path)], timeout=30)
    assert done.returncode == -9 and not path.exists()
    download(task.result.glb, path, network=HERE)
    assert path.read_bytes() == cube.read_bytes()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_is_over_is_asked_for_anew_and_only_once(service, server, task, path, cube, status):
    server.play("download", "status", status=status)
    fresh = api.save(service, task, path)
    assert path.read_bytes() == cube.read_bytes() and fresh.result.glb != task.result.glb
    assert [request.step for request in server.requests[-3:]] == ["download", "get", "download"]
    path.unlink()
    server.play("download", "status", times=2, status=status)
    with pytest.raises(errors.AddressExpiredError, match=f"status {status}"):
        api.save(service, task, path)
    assert [request.step for request in server.requests[-3:]] == ["download", "get", "download"]


def test_an_address_that_is_over_in_the_middle_is_continued_at_the_fresh_one(service, server, task, path, cube):
    server.play("download", "cut", bytes=300_000)
    server.play("download", "expired")
    api.save(service, task, path)
    assert path.read_bytes() == cube.read_bytes() and fetches(server)[-1].status == 206


def test_a_web_page_instead_of_a_model_is_asked_for_once_more(service, server, task, path, folder, cube):
    server.play("download", "html")
    api.save(service, task, path)
    assert path.read_bytes() == cube.read_bytes()
    path.unlink()
    server.play("download", "html", times=2)
    with pytest.raises(errors.GlbError, match="not a GLB model"):
        api.save(service, task, path)
    assert names(folder) == []


def test_where_the_task_is_gone_by_then_that_is_said(service, server, task, path, folder):
    server.forget(task.id)
    with pytest.raises(errors.GoneError):
        api.save(service, task, path)
    assert names(folder) == []


def test_a_task_that_is_not_finished_has_nothing_to_save(connect, slow_server, name, path):
    service = connect(slow_server, name)
    with pytest.raises(errors.ServiceError, match="not finished yet"):
        api.save(service, service.create(PICTURE), path)


def test_another_file_of_a_result_is_fetched_as_it_is(meshy, path, folder):
    task = meshy.get(meshy.create(PICTURE).id)
    results.fetch(meshy, task, lambda result: result.maps["normal"], folder / "normal.png")
    assert (folder / "normal.png").read_bytes().startswith(b"\x89PNG") and names(folder) == ["normal.png"]


@pytest.mark.parametrize("hops", [1, 5])
def test_a_redirect_is_followed_without_a_key(service, server, task, path, cube, hops):
    server.play("download", "redirect", hops=hops)
    api.save(service, task, path)
    assert path.read_bytes() == cube.read_bytes()
    for request in server.requests[2:]:
        assert "Authorization" not in request.headers and "x-api-key" not in request.headers


@pytest.mark.parametrize("options", [{"to": "loop"}, {"hops": 6}], ids=str)
def test_redirects_without_end_are_given_up(server, task, path, is_sentence, options):
    server.play("download", "redirect", **options)
    with pytest.raises(errors.DownloadError, match="without end") as failure:
        download(task.result.glb, path, network=HERE)
    assert is_sentence(str(failure.value)) and len(fetches(server)) + len(server.requests) < 20


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("http://example.org/x.glb", errors.OfflineError),
        ("https://example.org/x.glb", errors.OfflineError),
        ("file:///etc/passwd", errors.OfflineError),
    ],
)
def test_a_redirect_obeys_the_same_rules_as_an_address(server, task, path, folder, is_sentence, to, kind):
    server.play("download", "redirect", to=to)
    with pytest.raises(kind) as failure:
        download(task.result.glb, path, network=HERE)
    assert is_sentence(str(failure.value)) and names(folder) == []


@pytest.mark.parametrize("to", ["http://[bad", "https://[bad]x/", "", "http://"])
def test_a_redirect_to_nothing_is_told(scripted, path, folder, is_sentence, to):
    scripted.say(http(b"", "302 Found", Location=to))
    with pytest.raises(errors.ImageTo3DError) as failure:
        download(scripted.url + "/x", path, network=HERE, sleep=lambda _: None)
    assert is_sentence(str(failure.value)) and names(folder) == []


@pytest.mark.parametrize(
    ("url", "online", "kind"),
    [
        ("https://example.org/x", True, None),
        ("HTTPS://example.org/x", True, None),
        ("http://127.0.0.1:1/x", False, None),
        ("http://[::1]:1/x", False, None),
        ("http://localhost/x", False, None),
        ("https://example.org/x", False, errors.OfflineError),
        ("http://example.org/x", True, errors.DownloadError),
        ("ftp://example.org/x", True, errors.DownloadError),
        ("file:///etc/passwd", True, errors.DownloadError),
        ("http://127.0.0.1.example.org/", True, errors.DownloadError),
        ("http://localhost@example.org/", True, errors.DownloadError),
        ("https://[bad", True, errors.DownloadError),
        ("", True, errors.DownloadError),
    ],
)
def test_which_addresses_are_used_at_all(is_sentence, url, online, kind):
    network = api.Network(online=online)
    if kind is None:
        require_allowed(url, network)
        return
    with pytest.raises(kind) as refusal:
        require_allowed(url, network)
    assert is_sentence(str(refusal.value))


@pytest.mark.parametrize("fault", ["", "no_length"])
def test_more_than_the_limit_is_not_fetched(server, task, path, is_sentence, fault):
    if fault:
        server.play("download", fault)
    with pytest.raises(errors.DownloadError, match="more than 0 MB") as failure:
        download(task.result.glb, path, network=HERE, limit_bytes=100_000)
    assert is_sentence(str(failure.value)) and not path.exists()


def test_a_disk_that_takes_no_more_is_told_as_that(task, path, cube):
    """The limit on a file's size stands for a full disk: the system refuses the write in the same way."""
    code = (
        "import sys, resource, signal; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from image_to_3d.api.download import download\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try: download(sys.argv[2], Path(sys.argv[3]))\n"
        "except OSError as error: print(type(error).__name__, error.errno)"
    )
    root = str(Path(image_to_3d.__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, root, task.result.glb, str(path)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["OSError", "27"] and not path.exists(), done.stderr
    download(task.result.glb, path, network=HERE)
    assert path.read_bytes() == cube.read_bytes()


def test_a_folder_that_is_not_there_is_told_as_that(task, path):
    with pytest.raises(FileNotFoundError):
        download(task.result.glb, path.parent / "nowhere" / "model.glb", network=HERE)


def test_the_signed_part_of_an_address_is_in_no_error(server, task, path):
    for fault, options in (("status", {"status": 418}), ("drop", {"times": 5}), ("redirect", {"to": "loop"})):
        server.play("download", fault, **options)
        with pytest.raises(errors.ImageTo3DError) as failure:
            download(task.result.glb, path, network=HERE, sleep=lambda _: None)
        assert urlsplit(task.result.glb).query not in str(failure.value)
