# SPDX-License-Identifier: GPL-3.0-or-later
"""What costs money when it goes wrong, one at a time: another job's task, a request that never left whole, pauses,
limits, leftovers."""

import contextlib
import json
import re
import socket
import struct
import subprocess
import time
import zlib
from datetime import datetime, timedelta

import pytest
from paid_job import Paid
from service.cube import cube_glb

from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb())
    return path


@pytest.fixture
def make(tmp_path, star, cube, stand_in):
    """Makes jobs in one user folder; the later ones at the first one's service."""
    made = []

    def make(service="meshy", *, picture=star, model=cube, blender=stand_in, **options):
        paid = Paid(service, tmp_path / "jobs", picture, model, blender, **options)
        if made:
            paid.stand_in.close()
            paid.stand_in = made[0].stand_in
        made.append(paid)
        return paid

    yield make
    for paid in made:
        paid.close()


@pytest.mark.parametrize(
    "service, known", [("meshy", "as its own"), ("csm", "as its own"), ("meshy", "as one that was given up")]
)
def test_a_lost_request_does_not_take_the_task_that_another_job_knows(make, service, known):
    """The other job asked for the same a moment ago, and ours never arrived: the only task in the list is the
    other's."""
    other = make(service)
    other.run()
    assert other.job.state is State.READY
    if known == "as one that was given up":
        job = other.job
        job.give_task_up()
        folders.write(other.folder, job)
    paid = make(service)
    paid.stand_in.play("create", "drop")
    paid.run()
    assert (paid.job.state, paid.job.task_id, paid.job.candidates) == (State.UNCONFIRMED, "", ())
    assert len(paid.stand_in.creates) == 1


def test_what_only_this_job_gave_up_is_not_found_again_either(make):
    paid = make()
    paid.run()
    job = paid.job
    job.give_task_up()
    job.state = State.WAITING
    folders.write(paid.folder, job)
    (paid.folder / "result.glb").unlink()
    paid.stand_in.play("create", "drop")
    paid.run()
    assert (paid.job.state, paid.job.candidates) == (State.UNCONFIRMED, ())


def large_png(star, path):
    """The star with 12 MB that no program shows: a chunk of its own (PNG, 5.4)."""
    content, filler = star.read_bytes(), bytes(12 << 20)
    chunk = b"prVt" + filler
    made = struct.pack(">I", len(filler)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(content[:33] + made + content[33:])  # behind the signature and IHDR
    return path


@pytest.fixture
def deaf():
    """A server that takes connections and never reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


@pytest.mark.parametrize("service, deed", [("meshy", "blender quits"), ("csm", "blender quits"), ("meshy", "cancel")])
def test_a_request_that_was_broken_off_in_the_middle_never_left(make, deaf, star, tmp_path, service, deed):
    """Blender goes, or the user cancels, while the picture is on its way: the service has made nothing, and the record
    does not say that it may."""
    url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
    paid = make(service, picture=large_png(star, tmp_path / "large.png"), connection={"url": url})
    started = paid.start()
    connection, _ = deaf.accept()
    with connection:
        paid.wait_until(lambda: paid.job.sent)
        assert paid.job.state is State.SUBMITTING and connection.recv(4) == b"POST"
        time.sleep(0.2)  # the system's own buffers are full
        if deed == "cancel":
            history.cancel(paid.folder)
        else:
            process.stop(started)
        started.wait(60)
    job = paid.job
    assert job.state is (State.CANCELLED if deed == "cancel" else State.WAITING), paid.log
    assert (job.sent, job.awaited, job.task_id, job.earlier) == ("", False, "", ())
    assert job.message == ("Cancelled" if deed == "cancel" else folders.WAITING_MESSAGE)
    deaf.close()
    paid.connection = {}
    if deed == "cancel":
        history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 1


def moment_in(message):
    """When the job asks again, as its message says."""
    hour, minute = map(int, re.search(r"asks again at (\d\d):(\d\d)", message).groups())
    return datetime.now().replace(hour=hour, minute=minute, second=0, microsecond=0)


def minutes_until(message):
    """In how many minutes the job asks again, to the minute; over midnight as well."""
    return round((moment_in(message) - datetime.now()) / timedelta(minutes=1)) % (24 * 60)


@pytest.mark.parametrize(
    "action, status, retry_after_s, limit_s, minutes",
    [
        ("rate_limit", 429, 7200, 10_000.0, 120),
        ("status", 503, 3600, 10_000.0, 60),
        ("rate_limit", 429, 7200, 1800.0, 30),  # nobody is waited for longer than the user allows
    ],
)
def test_a_service_that_is_busy_is_left_alone_for_as_long_as_it_says(
    make, action, status, retry_after_s, limit_s, minutes
):
    paid = make(config={"time_limit_s": limit_s})
    headers = {"Retry-After": str(retry_after_s)}
    options = {"seconds": retry_after_s} if action == "rate_limit" else {"status": status, "headers": headers}
    paid.stand_in.play("create", action, times=99, **options)
    started = paid.start()
    paid.wait_until(lambda: "asks again at" in paid.job.message)
    assert abs(minutes_until(paid.job.message) - minutes) <= 1, paid.job.message
    assert (paid.job.state, paid.job.sent) == (State.WAITING, "")
    started.kill()
    started.wait()


@pytest.mark.parametrize("limit_s, said", [(30.0, "0.5 minutes"), (90.0, "1.5 minutes")])
def test_a_task_that_takes_longer_than_the_user_allows_is_said_and_kept(make, limit_s, said):
    paid = make(config={"time_limit_s": limit_s}, seconds=None)
    paid.run()
    assert paid.job.state is State.FAILED and f"longer than {said}: retry" in paid.job.message, paid.job.message
    assert paid.job.task_id and not paid.job.task_over
    paid.stand_in.finish(paid.job.task_id)
    history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 1


def test_a_task_within_the_time_that_the_user_allows_is_waited_for(make):
    paid = make(config={"time_limit_s": 3600.0}, seconds=None)
    started = paid.start()
    paid.wait_until(lambda: paid.job.task_id)
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(2)  # 80 seconds for the job, which would be too long if it took minutes for seconds
    assert process.is_alive(started), paid.job.message
    paid.stand_in.finish(paid.job.task_id)
    started.wait(60)
    assert paid.job.state is State.READY


def noting(tmp_path, stand_in):
    """A Blender that keeps each request it gets."""
    script = tmp_path / "noting"
    kept = f'for last; do :; done\ncat "$last" >> "{tmp_path}/requests"\necho >> "{tmp_path}/requests"\n'
    script.write_text(f'#!/bin/sh\n{kept}exec "{stand_in}" "$@"\n')
    script.chmod(0o755)
    return str(script)


@pytest.mark.parametrize(
    "service, limit_px, is_scaled", [("meshy", 64, True), ("csm", 64, True), ("meshy", 2048, False)]
)
def test_the_longest_side_that_the_user_allows_reaches_the_program_that_scales(
    make, tmp_path, stand_in, service, limit_px, is_scaled
):
    blender = noting(tmp_path, stand_in)
    paid = make(service, blender=blender, connection={"picture_limit_px": limit_px})
    paid.run()
    asked = [json.loads(line) for line in (tmp_path / "requests").read_text().splitlines() if line]
    (fit,) = [request for request in asked if "limit_px" in request]
    assert (fit["limit_px"], fit["only_look"]) == (limit_px, not is_scaled)


def with_maps(*names):
    """The cube with the maps of these names in its material."""
    whole = cube_glb()
    (length,) = struct.unpack_from("<I", whole, 12)
    document = json.loads(whole[20 : 20 + length])
    (material,) = document["materials"]
    if "normal" in names:
        material["normalTexture"] = {"index": 0}
    if "roughness" in names:
        material["pbrMetallicRoughness"]["metallicRoughnessTexture"] = {"index": 0}
    content = json.dumps(document).encode()
    content += b" " * (-len(content) % 4)
    rest = whole[20 + length :]
    return struct.pack("<4sIII4s", b"glTF", 2, 20 + len(content) + len(rest), len(content), b"JSON") + content + rest


@pytest.mark.parametrize(
    "there, fetched",
    [
        (("roughness",), {"map-normal", "map-roughness"}),
        (("normal",), {"map-metallic", "map-normal", "map-roughness"}),
        (("normal", "roughness"), set()),
    ],
)
def test_of_maps_that_may_have_been_exchanged_both_are_fetched(make, tmp_path, there, fetched):
    """Which of the two is which is seen only side by side; a model that lacks neither needs neither."""
    model = tmp_path / "model.glb"
    model.write_bytes(with_maps(*there))
    paid = make(model=model, parameters={"enable_pbr": True})
    paid.run()
    assert paid.job.state is State.READY, paid.log
    assert {file.name for file in paid.folder.glob("map-*")} - {"map-emission"} == fetched


LEFT = {
    "fetched.glb": b"an older model",
    "fetched.glb.part": b"half a model",
    "fetched.glb.part-tag": b'"tag of the half"',
    "result.blend": b"an older blend",
    "thumbnail.png": b"an older picture",
    "map-normal": b"an older map",
}


@pytest.mark.parametrize("how", ["the task failed", "sent again", "the task is gone"])
def test_nothing_of_an_older_task_is_taken_for_the_new_ones(make, cube, how):
    paid = make(parameters={"enable_pbr": True})
    paid.stand_in.quirk("meshy", no_list=True)
    if how == "the task failed":
        paid.stand_in.quirk("meshy", final="FAILED", message="Too blurry")
    if how == "sent again":
        paid.stand_in.play("create", "drop_after")
    if how == "the task is gone":
        paid.stand_in.play("get", "status", status=404, times=99)
        paid.stand_in.play("stream", "status", status=404, times=99)
    paid.run()
    assert paid.job.state is (State.UNCONFIRMED if how == "sent again" else State.FAILED), paid.job.message
    left = {name: content for name, content in LEFT.items() if how != "the task is gone" or name != "fetched.glb"}
    for name, content in left.items():
        (paid.folder / name).write_bytes(content)
    paid.stand_in.play_nothing()
    paid.stand_in.quirk("meshy", final="")
    if how == "the task is gone":
        paid.stand_in.forget(paid.job.task_id)
    (history.send_again if how == "sent again" else history.retry)(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 2, paid.log
    assert (paid.folder / "result.glb").read_bytes() == cube.read_bytes()
    for name, content in left.items():
        there = paid.folder / name
        assert not there.exists() or there.read_bytes() != content, name
    if "fetched.glb" in left:
        assert (paid.folder / "fetched-kept-1.glb").read_bytes() == left["fetched.glb"]
