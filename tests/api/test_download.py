# SPDX-License-Identifier: GPL-3.0-or-later
"""A result comes to this machine: whole or not at all, without a key, and nothing of it twice. Real HTTP on
loopback."""

import os
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
        "die = lambda fraction: fraction > 0.5 and os.kill(os.getpid(), signal.SIGKILL);"
        "download(sys.argv[2], Path(sys.argv[3]), on_progress=die)"
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
    with pytest.raises(errors.GlbError, match="led to a web page"):
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
    with pytest.raises(errors.DownloadError, match="0 MB.*: ask for fewer faces") as failure:
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


# A host that cuts.


WHOLE = bytes(range(256)) * 4000  # about 1 MB
LIMIT = pytest.mark.timeout(30)  # what would go on for ever fails, and does not keep the run


def cut(start, end, etag='"1"', whole=WHOLE):
    """An answer with the bytes from `start` on, of which those from `end` on never come."""
    length = {"Content_Length": len(whole) - start, "ETag": etag}
    if start:
        length["Content_Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
    return http(whole[start:end], "206 Partial Content" if start else "200 OK", **length)


def try_all(server, path):
    """Download from a server that has been told what to say; return the pauses."""
    pauses = []
    download(server.url + "/x.glb", path, network=HERE, sleep=pauses.append)
    return pauses


@LIMIT
@pytest.mark.parametrize(
    "reached",
    [[300_000], [300_000, 100_000], [100_000, 200_000, 150_000], [0, 300_000], [10, 20, 30, 40, 50, 60, 70]],
    ids=str,
)
@pytest.mark.parametrize(
    "etag", ['"{number}"', '"same"', 'W/"weak"', None], ids=["new tags", "same tag", "weak", "none"]
)
def test_a_host_that_always_begins_anew_and_never_comes_further_is_given_up(scripted, path, reached, etag):
    for number in range(40):
        end = reached[number % len(reached)]
        scripted.say(cut(0, end, etag and etag.format(number=number)))
    with pytest.raises(errors.ConnectionFailedError):
        try_all(scripted, path)
    assert 5 <= len(scripted.requests) <= 4 + len(reached), (
        "each new farthest point gives five tries, and nothing else does"
    )


@LIMIT
def test_as_long_as_it_comes_further_it_may_break_off_as_often_as_it_likes(scripted, path):
    places = list(range(0, len(WHOLE), 1 << 16))
    for start, end in zip(places, [*places[1:], len(WHOLE)], strict=True):
        scripted.say(cut(start, end))
    assert try_all(scripted, path) == [0.5] * (len(places) - 1) and len(places) > 10
    assert path.read_bytes() == WHOLE
    asked = [head.partition("Range: bytes=")[2].partition("-")[0] for head, _ in scripted.requests]
    assert asked == ["", *map(str, places[1:])]


@LIMIT
@pytest.mark.parametrize("brought", [1, 60_000], ids=["a byte", "almost enough"])
def test_a_host_that_comes_a_little_further_each_time_is_given_up(scripted, path, brought):
    for number in range(12):
        scripted.say(cut(number * brought, (number + 1) * brought))
    with pytest.raises(errors.ConnectionFailedError):
        try_all(scripted, path)
    assert len(scripted.requests) == 5


@LIMIT
def test_what_lay_there_before_counts_as_reached_only_where_it_is_of_use(scripted, path):
    part, _ = part_of(path)
    part.write_bytes(WHOLE[:900_000])  # without its tag
    scripted.say(b"")  # no answer: nobody has looked yet at what lies there
    for start in range(0, 800_000, 100_000):
        scripted.say(cut(start, start + 100_000))
    scripted.say(cut(800_000, None))
    assert try_all(scripted, path) == [0.5] * 9 and path.read_bytes() == WHOLE


@LIMIT
def test_a_host_that_gives_less_than_it_is_asked_for_is_asked_for_the_rest(scripted, path):
    """Each answer is whole, by what it says of itself; the file is not."""
    for start in range(0, len(WHOLE), 300_000):
        end = min(start + 300_000, len(WHOLE))
        said = {"Content_Range": f"bytes {start}-{end - 1}/{len(WHOLE)}", "ETag": '"1"'}
        scripted.say(http(WHOLE[start:end], "206 Partial Content", **said))
    assert try_all(scripted, path) == [0.5] * 3 and path.read_bytes() == WHOLE


@pytest.mark.parametrize("etag", ['W/"1"', None, ""], ids=["weak", "none", "empty"])
def test_without_a_strong_tag_no_two_parts_are_joined(scripted, path, folder, etag):
    """A weak tag may stand for files that differ (RFC 9110, 8.8.1)."""
    other = WHOLE[::-1]
    scripted.say(cut(0, 300_000, etag))
    scripted.say(cut(0, None, etag, other))
    try_all(scripted, path)
    assert path.read_bytes() == other and names(folder) == ["model.glb"]
    assert all("range" not in head.lower() for head, _ in scripted.requests)


@LIMIT
@pytest.mark.parametrize(
    "head", [b"", cut(0, 100_000), cut(0, 0)], ids=["at once", "in the middle", "after the headers"]
)
def test_a_host_that_falls_silent_is_asked_again_and_then_given_up(scripted, path, is_sentence, head):
    scripted.say(head, 60.0)
    scripted.say(head, 60.0)
    network = api.Network(online=False, connect_s=3.0, read_s=0.25)
    stop = []

    def sleep(seconds):
        stop.append(seconds)
        if len(stop) == 2:
            raise Stop

    with pytest.raises(Stop):
        download(scripted.url + "/x.glb", path, network=network, sleep=sleep)
    assert stop == [0.5, 1.0], "it was not asked again"


# What a power failure or a kill leaves.


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from image_to_3d import api
from image_to_3d.api.download import download
left = int(sys.argv[4])
def strike(event, arguments):
    global left
    is_writing = event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wa"
    if (is_writing or event in ("os.remove", "os.rename")) and "model.glb" in str(arguments[0]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
import urllib3, requests
sys.addaudithook(strike)
download(sys.argv[2], Path(sys.argv[3]), network=api.Network(online=False), sleep=lambda seconds: None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_whenever_it_is_killed_no_new_tag_stands_beside_old_bytes(scripted, path, folder):
    """The file at the host has changed since the part came. Killed before each change that is made to the disk."""
    part, tag = part_of(path)
    old, new = b"o" * 500_000, WHOLE
    root = str(Path(image_to_3d.__path__[0]).parent)
    moments = 0
    while not path.exists():
        part.write_bytes(old)
        tag.write_text('"old"')
        scripted.say(cut(0, None, '"new"'))
        command = [sys.executable, "-P", "-c", KILLED, root, scripted.url + "/x.glb", str(path), str(moments)]
        done = subprocess.run(command, timeout=30, capture_output=True)
        assert done.returncode in (0, -9), done.stderr
        if done.returncode and part.exists() and part.stat().st_size and tag.exists():
            there = part.read_bytes()
            kept, which = (old, '"old"') if there[:1] == b"o" else (new, '"new"')
            assert tag.read_text() == which and kept.startswith(there), f"moment {moments}"
        moments += 1
    assert path.read_bytes() == new and moments > 4


@pytest.mark.parametrize("size", [1, 100, 9000, len(WHOLE)])
def test_what_has_its_name_is_on_the_disk_first(scripted, path, monkeypatch, size):
    """Else a power failure leaves a file of the right name and length that holds nothing."""
    scripted.say(cut(0, None, whole=WHOLE[:size]))
    done = []
    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, noted(done, name, getattr(os, name)))
    try_all(scripted, path)
    assert done == [("fsync", size), ("replace", size)], "it was synced before all of it was written, or not at all"


def noted(done, name, function):
    def note(target, *arguments):
        done.append((name, os.stat(target).st_size))
        return function(target, *arguments)

    return note
