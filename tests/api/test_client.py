# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of a connection, each apart from the others; and a server of the user's own. Real HTTP on loopback; no
test asserts a time."""

import contextlib
import itertools
import json
import socket
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hostile import Hostile
from scripted import http

from image_to_3d import api
from image_to_3d.api import address, errors
from image_to_3d.api.connection import REDIRECTS_AT_MOST, get, require_allowed
from image_to_3d.api.services import SERVICES

pytestmark = pytest.mark.timeout(30)

PICTURE = {"image_url": "https://example.org/fox.png"}
HERE = api.Network(online=False, connect_s=3.0, read_s=2.0)
OWN = api.Network(is_own=True)
MADE = {"csm": {"data": {"session_code": "T"}}, "meshy": {"result": "T"}}
RUNNING = {"csm": {"data": {"session_status": "queued"}}, "meshy": {"status": "IN_PROGRESS"}}


def test_the_answer_to_a_create_is_awaited_longer_than_any_other(connect, scripted, name):
    """It is the id of what is paid for."""
    scripted.say(1.5, http(MADE[name], "202 Accepted"))
    service = connect(scripted, name, network={"read_s": 0.5, "create_s": 10.0})
    assert service.create(PICTURE).id == "T"
    scripted.say(1.5, http(RUNNING[name]))
    with pytest.raises(errors.ServiceAwayError, match="does not answer"):
        service.get("T")


def test_the_answer_to_a_create_is_awaited_for_three_minutes_unless_told_otherwise():
    assert api.Network().create_s == 180.0 > api.Network().answer_s


def test_who_cancels_once_all_was_sent_hears_the_answer_to_a_create_all_the_same(connect, scripted, name):
    """Without the id nobody could find what is paid for; of any other request nobody wants the answer then."""

    class Stop(Exception):
        pass

    def sleep(seconds):
        if scripted.requests:
            raise Stop

    scripted.say(1.0, http(MADE[name], "202 Accepted"))
    service = connect(scripted, name, network={"create_s": 10.0}, sleep=sleep)
    assert service.create(PICTURE).id == "T"
    with pytest.raises(Stop):
        service.get("T")


def test_a_slow_upload_may_take_longer_than_an_answer(connect, server, name, star, tmp_path):
    picture = tmp_path / "large.png"
    picture.write_bytes(star.read_bytes() + bytes(500_000))
    naps_s, is_sending = iter([1.0]), []

    def sleep(seconds):
        time.sleep(next(naps_s, 0.0) if is_sending else 0.0)

    service = connect(server, name, network={"read_s": 0.2}, sleep=sleep)
    task = service.create({"image_url": str(picture)}, before_sending=lambda: is_sending.append(True))
    assert task.id == server.creates[0].id


def test_a_host_that_does_not_even_refuse_is_given_up():
    """The system answers no connection beyond those that it may keep waiting."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        network = api.Network(online=False, connect_s=0.5, read_s=20.0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(errors.ServiceAwayError, match="cannot be reached"):
            api.connect("csm", key="some-key-0123456789", url=url, network=network).get("T")


@pytest.mark.parametrize(("mb", "is_read"), [(1, True), (9, False)])
def test_an_answer_has_a_greatest_length(connect, scripted, name, mb, is_read):
    body = {**RUNNING[name], "padding": "x" * (mb << 20)}
    scripted.say(http(json.dumps(body).encode()))
    service = connect(scripted, name)
    if is_read:
        assert not service.get("T").has_ended
    else:
        with pytest.raises(errors.UnavailableError, match="not understood"):
            service.get("T")


def test_a_file_may_take_longer_than_an_answer_as_long_as_it_comes(connect, hostile, tmp_path):
    piece = b"x" * 2000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (20 * len(piece))
    hostile.play(lambda request: itertools.chain([head], *itertools.repeat((piece, 0.05), 20)))
    service = connect(hostile, "csm", network={"read_s": 0.2}, sleep=lambda seconds: None)
    service.fetch(f"{hostile.url}/x.glb", tmp_path / "x.glb")
    assert (tmp_path / "x.glb").stat().st_size == 40_000 and len(hostile.requests) == 1


def test_a_file_that_falls_silent_is_given_up(connect, hostile, tmp_path):
    hostile.play(lambda request: [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc", 60.0])
    service = connect(hostile, "csm", network={"read_s": 0.3}, sleep=lambda seconds: None)
    with pytest.raises(errors.ConnectionFailedError, match="does not answer"):
        service.fetch(f"{hostile.url}/x.glb", tmp_path / "x.glb")


@pytest.mark.parametrize("times", [REDIRECTS_AT_MOST, REDIRECTS_AT_MOST + 1])
def test_five_redirects_are_followed_and_no_more(hostile, times):
    hops = iter(range(times))

    def respond(request):
        more = next(hops, None)
        return [http(b"whole") if more is None else http(b"", "302 Found", Location=f"/{more}")]

    hostile.play(respond)
    if times == REDIRECTS_AT_MOST:
        with get(f"{hostile.url}/x", network=HERE) as opened:
            assert b"".join(opened.pieces()) == b"whole"
    else:
        with (
            pytest.raises(errors.DownloadError, match="from one address to the next"),
            get(f"{hostile.url}/x", network=HERE),
        ):
            pass
    assert len(hostile.requests) == REDIRECTS_AT_MOST + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_host_that_only_the_proxy_knows_leads_to_nothing_on_this_machine(hostile, status):
    """Its name says that it is in the web; the proxy is a server of the test's, and speaks for it."""
    proxy = Hostile()
    proxy.play(lambda request: [http(b"", f"{status} Found", Location=f"{hostile.url}/admin")])
    network = api.Network(is_own=True, proxy=proxy.url)  # plain http, which needs no certificate
    with (
        contextlib.closing(proxy),
        pytest.raises(errors.DownloadError, match="leads to an address on this machine"),
        get("http://files.lan/x", network=network),
    ):
        pass
    assert [request.target for request in proxy.requests] == ["http://files.lan/x"] and not hostile.requests


# A server of the user's own.


@pytest.mark.parametrize(
    "url",
    ["http://192.168.1.5:8188", "http://10.0.0.2", "http://render-box:8188", "http://nas.local", "http://[fd00::1]"],
)
def test_plain_http_is_fine_in_private_networks_with_a_server_of_ones_own(url):
    assert require_allowed(url, OWN).reach is address.Reach.PRIVATE
    with pytest.raises(errors.DownloadError, match="https://"):
        require_allowed(url, api.Network())
    with pytest.raises(errors.OfflineError):
        require_allowed(url, api.Network(is_own=True, online=False))


@pytest.mark.parametrize("url", ["http://example.org", "http://8.8.8.8", "ftp://192.168.1.5/x", "http://127.1/x"])
def test_and_nowhere_else(url):
    with pytest.raises(errors.DownloadError, match="https://"):
        require_allowed(url, OWN)


@pytest.fixture
def own():
    """A service of the user's own, as one of the known ones would be, without a key; and its server, in a private
    network as it says."""

    class Own(SERVICES["csm"].client()):
        about = replace(SERVICES["csm"], name="own", label="Own", reach="own", needs_key=False)

    server = Hostile("127.0.0.2")
    yield Own, server
    server.close()


def test_a_server_of_ones_own_is_asked_in_plain_http_and_what_it_names_is_fetched(own, hostile, tmp_path):
    make, server = own
    done = {"data": {"session_status": "complete", "mesh_url_glb": f"{server.url}/x.glb"}}
    server.play(lambda request: [http(b"glTF") if request.target == "/x.glb" else http(done)])
    service = make(url=server.url, network=api.Network(read_s=2.0), sleep=lambda seconds: None)
    service.fetch(service.get("T").result.glb, tmp_path / "x.glb")
    assert (tmp_path / "x.glb").read_bytes() == b"glTF"
    with pytest.raises(errors.DownloadError, match="on this machine"):
        service.fetch(f"{hostile.url}/x.glb", tmp_path / "y.glb")
    assert not hostile.requests


def test_a_service_in_the_web_takes_no_plain_http_whatever_it_is_told(name):
    with pytest.raises(errors.DownloadError, match="https://"):
        api.connect(name, key="some-key", url="http://192.168.1.5", network=OWN)


def test_a_service_is_told_which_version_asks(connect, scripted, name):
    """As the manifest has it, the only place where the number is written."""
    scripted.say(0.0, http(MADE[name], "202 Accepted"))
    connect(scripted, name).create(PICTURE)
    manifest = tomllib.loads((Path(api.__file__).parents[1] / "blender_manifest.toml").read_text())
    head, _ = scripted.requests[0]
    assert f"\nUser-Agent: image_to_3d/{manifest['version']}\n" in head
