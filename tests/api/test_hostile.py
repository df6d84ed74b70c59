# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server may do to whoever asks it: each answer that never ends, lies about its length or leads astray ends in
one sentence.

No test asserts a time; but whoever waits for the end of an endless answer runs into the limit of its test.
"""

import contextlib
import itertools
import resource
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from hostile import Hostile
from scripted import chunk, http

import image_to_3d
from image_to_3d import api
from image_to_3d.api import address, errors, picture
from image_to_3d.api.address import Reach
from image_to_3d.api.connection import require_allowed
from image_to_3d.api.download import download

pytestmark = pytest.mark.timeout(60)

PICTURE = {"image_url": "https://example.org/fox.png"}
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
RUNNING = http({"id": "T", "status": "IN_PROGRESS", "progress": 3})
DRIP_S = 0.1


class Stop(Exception):
    """What whoever looks raises to end it."""


def endless(head, *pieces):
    """What a server says that says `pieces` for ever after `head`; a number among them is a pause in seconds."""
    return lambda request: itertools.chain([head], itertools.cycle(pieces))


ENDLESS = {
    "a status in drips": endless(b"", b"H", DRIP_S),
    "a header in drips": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x", DRIP_S),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a header without end": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 1000),
    "continue without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "continue now and then": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", DRIP_S),
    "a body in drips": endless(JSON + b"Content-Length: 1000\r\n\r\n", b" ", DRIP_S),
    "a body without end": endless(JSON + b"\r\n", b" " * 10_000),
    "a chunk of less than nothing": endless(JSON + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n", b"x" * 10_000),
    "a size of a chunk without end": endless(JSON + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 10_000),
    "a chunk in drips": endless(JSON + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n", DRIP_S, b" \r\n", DRIP_S),
    "nothing": endless(b"", 1.0),
}


@pytest.fixture(params=ENDLESS)
def endless_server(request, hostile):
    hostile.play(ENDLESS[request.param])
    return hostile


def test_an_answer_without_end_is_given_up(connect, endless_server, is_sentence):
    service = connect(endless_server, "meshy", network={"read_s": 0.2})
    with pytest.raises(errors.ImageTo3DError) as failure:
        service.get("T")
    assert is_sentence(str(failure.value)) and errors.is_transient(failure.value)


def test_who_asked_for_a_model_and_is_told_without_end_may_have_to_pay(connect, endless_server):
    service = connect(endless_server, "meshy", network={"create_s": 0.5})
    with pytest.raises(errors.AnswerLostError):
        service.create(PICTURE)
    assert len(endless_server.requests) == 1


@pytest.mark.parametrize("call", ["get", "fetch"])
def test_whoever_looks_may_end_whatever_drips(connect, endless_server, tmp_path, call):
    def look(seconds):
        if time.monotonic() > until:
            raise Stop
        time.sleep(min(seconds, 0.1))

    until = time.monotonic() + 0.3
    service = connect(endless_server, "meshy", sleep=look, network={"read_s": 30.0})
    asked = {
        "get": lambda: service.get("T"),
        "fetch": lambda: service.fetch(f"{endless_server.url}/x.glb", tmp_path / "x.glb"),
    }
    with contextlib.suppress(Stop, errors.ImageTo3DError):  # some end by themselves before anybody looks
        asked[call]()


@pytest.mark.parametrize("chunked", [False, True], ids=["to the end", "in chunks"])
@pytest.mark.parametrize(
    "comment",
    [b":\n", b": still here\n\n", b"x" * 1000, b"data: x\n"],
    ids=["comments", "events", "a line", "data"],
)
def test_a_stream_that_only_keeps_alive_ends_with_the_limit_of_the_task(connect, hostile, chunked, comment):
    head = STREAM + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n")
    said = endless(head, chunk(comment) if chunked else comment, 0.05)
    hostile.play(lambda request: said(request) if request.target.endswith("/stream") else [RUNNING])
    with pytest.raises(errors.TimeLimitError):
        api.wait(connect(hostile, "meshy"), "T", time_limit_s=0.6)


def test_of_a_stream_that_keeps_alive_whoever_looks_is_asked(connect, hostile):
    said = endless(STREAM + b"\r\n", b":\n", 0.05)
    hostile.play(lambda request: said(request) if request.target.endswith("/stream") else [RUNNING])
    until = time.monotonic() + 0.5

    def pause(seconds):
        if time.monotonic() > until:
            raise Stop
        time.sleep(seconds)

    with pytest.raises(Stop):
        api.wait(connect(hostile, "meshy"), "T", sleep=pause)


def test_a_line_of_a_megabyte_and_what_follows_it_are_read(connect, hostile):
    done = b'data: {"id": "T", "status": "SUCCEEDED", "model_urls": {"glb": "%s/x.glb"}}\n\n' % hostile.url.encode()
    line = chunk(b":" + b"x" * (1 << 20) + b"\n\n")
    head = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
    hostile.play(lambda request: [head, line, chunk(done)] if request.target.endswith("/stream") else [RUNNING])
    assert api.wait(connect(hostile, "meshy"), "T").result.glb == f"{hostile.url}/x.glb"


def test_two_events_in_one_packet_are_both_seen_at_once(connect, hostile):
    """Without the end of the connection, which comes much later."""
    events = b"".join(b'data: {"id": "T", "status": "IN_PROGRESS", "progress": %d}\n\n' % done for done in (10, 20))
    said = endless(STREAM + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(events), 1.0)
    hostile.play(lambda request: said(request) if request.target.endswith("/stream") else [RUNNING])
    seen = []

    def on_progress(task):
        seen.append(task.progress)
        if task.progress == 0.2:
            raise Stop

    with pytest.raises(Stop):
        api.wait(connect(hostile, "meshy"), "T", on_progress=on_progress, time_limit_s=20)
    assert seen == [0.03, 0.1, 0.2]


def test_a_model_in_one_byte_chunks_arrives(connect, scripted, tmp_path):
    content = bytes(range(256)) * 1600
    chunks = b"".join(chunk(content[at : at + 1]) for at in range(len(content)))
    scripted.say(http(chunks + b"0\r\n\r\n", Transfer_Encoding="chunked"))
    download(f"{scripted.url}/x", tmp_path / "x.glb", network=api.Network(online=False))
    assert (tmp_path / "x.glb").read_bytes() == content


@pytest.mark.parametrize("length", ["²", "٣", "-1", "9" * 30, "9" * 5000, "0x10", "1e3", "1, 3", ""])
def test_a_length_that_is_none_is_no_trouble_of_ours(connect, scripted, tmp_path, is_sentence, length):
    scripted.say(http(b"abc", Content_Length=length.encode().decode("latin-1")))
    try:
        download(f"{scripted.url}/x", tmp_path / "x.glb", network=api.Network(online=False), sleep=lambda seconds: None)
        assert (tmp_path / "x.glb").read_bytes() in (b"abc", b"")
    except errors.ImageTo3DError as error:
        assert is_sentence(str(error))


def test_a_model_that_drips_is_given_up_and_what_came_of_it_is_kept(connect, hostile, tmp_path, is_sentence):
    model = b"x" * 200_000
    head = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n' % len(model)
    hostile.play(endless(head + model[:150_000], b"x", 0.2))
    service = connect(hostile, "meshy", network={"read_s": 0.1}, sleep=lambda seconds: None)
    with pytest.raises(errors.ConnectionFailedError, match="too slowly") as failure:
        service.fetch(f"{hostile.url}/x.glb", tmp_path / "x.glb")
    assert is_sentence(str(failure.value)) and (tmp_path / "x.glb.part").stat().st_size >= 100_000
    assert len(hostile.requests) < 10


# What nobody asked to be compressed.


@pytest.fixture(scope="module")
def bomb():
    # Made elsewhere, so that this process's memory says what unpacking takes.
    code = "import gzip, sys; sys.stdout.buffer.write(gzip.compress(gzip.compress(b'\\0' * (1 << 28))))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("named", ["gzip, gzip", "X-GZIP", "br"])
@pytest.mark.parametrize("call", ["get", "create", "fetch", "check_key", "find", "picture"])
def test_what_comes_compressed_is_not_unpacked(connect, scripted, tmp_path, bomb, is_sentence, named, call):
    service = connect(scripted, "meshy", sleep=lambda seconds: None)
    url = f"{scripted.url}/x"
    calls = {
        "get": lambda: service.get("T"),
        "create": lambda: service.create(PICTURE),
        "fetch": lambda: service.fetch(url, tmp_path / "x.glb"),
        "check_key": service.check_key,
        "find": lambda: service.find(PICTURE, 1.0),
        "picture": lambda: picture.to_file(url, tmp_path / "x", network=api.Network(online=False)),
    }
    before = peak_mb()
    for status, more in (("200 OK", {}), ("302 Found", {"Location": "/y"}), ("500 Oops", {})):
        scripted.say(http(bomb, status, Content_Encoding=named, **more))
        with pytest.raises(errors.ImageTo3DError) as failure:
            calls[call]()
        assert is_sentence(str(failure.value))
    assert peak_mb() - before < 100


def peak_mb():
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_nothing_is_asked_for_compressed(connect, scripted, tmp_path):
    scripted.say(http(b"abc"))
    picture.to_file(f"{scripted.url}/x.png", tmp_path / "x", network=api.Network(online=False))
    with pytest.raises(errors.ImageTo3DError):
        connect(scripted, "csm").get("T")
    assert all("accept-encoding: identity" in head.lower() for head, _ in scripted.requests)


# Addresses.

ODD = [
    "http://127.0.0.2:{port}\\@127.0.0.1/a.png",
    "http://127.0.0.1\\@127.0.0.2:{port}/a.png",
    "http:\\\\127.0.0.2:{port}/a.png",
    "http://127.0.0.2:{port}/a.png\\",
    "http://127.0.0.1:{port}/a b.png",
    "http://127.0.0.1:{port}/a\tb.png",
    "http://127.0.0.1:{port}/a\nb.png",
    "http://127.0.0.1:{port}\u2028/a.png",
    "http://127.0.0.1\u200b:{port}/a.png",
    "http://127.0.0.1:{port}/\0a.png",
    "http://127.0.0.1:{port}/\ud83da.png",
    " http://127.0.0.1:{port}/a.png",
    "http://127.0.0.1:{port}/a.png ",
]


@pytest.fixture
def other_host():
    """Another host, as far as its address says: on this machine only so that a test can have one."""
    server = Hostile("127.0.0.2")
    server.play(lambda request: [http(b"abc")])
    yield server
    server.close()


@pytest.mark.parametrize("url", ODD, ids=ascii)
@pytest.mark.parametrize("online", [False, True])
def test_an_address_that_may_be_read_in_two_ways_is_refused(other_host, tmp_path, is_sentence, url, online):
    url = url.format(port=other_host.port)
    with pytest.raises(errors.DownloadError, match="backslash, a space or a control character") as refusal:
        require_allowed(url, api.Network(online=online))
    assert is_sentence(str(refusal.value))
    with pytest.raises(errors.ImageTo3DError):
        picture.to_file(url, tmp_path / "x", network=api.Network(online=online))
    with pytest.raises(errors.ImageTo3DError):
        api.connect("meshy", key="some-key-0123456789", url=url, network=api.Network(online=online)).check_key()
    assert not other_host.requests


@pytest.mark.parametrize("url", ODD, ids=ascii)
def test_neither_a_result_nor_a_redirect_leads_there(connect, scripted, other_host, tmp_path, url):
    url = url.format(port=other_host.port)
    service = connect(scripted, "meshy", network={"online": True}, sleep=lambda seconds: None)
    with pytest.raises(errors.ImageTo3DError):
        service.fetch(url, tmp_path / "x.glb")
    if "\n" not in url and url.isascii():
        scripted.say(http(b"", "302 Found", Location=url))
        with pytest.raises(errors.ImageTo3DError):
            service.fetch(f"{scripted.url}/x", tmp_path / "x.glb")
    assert not other_host.requests


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://127.0.0.1:80/x", Reach.THIS_MACHINE),
        ("http://LocalHost/x", Reach.THIS_MACHINE),
        ("https://localhost./", Reach.THIS_MACHINE),
        ("https://a.localhost/", Reach.THIS_MACHINE),
        ("http://[::1]/", Reach.THIS_MACHINE),
        ("http://[0:0:0:0:0:0:0:1]/", Reach.THIS_MACHINE),
        ("http://[::ffff:127.0.0.1]/", Reach.THIS_MACHINE),
        ("https://0.0.0.0/", Reach.THIS_MACHINE),
        ("https://[::]/", Reach.THIS_MACHINE),
        ("https://127.1/", Reach.THIS_MACHINE),
        ("https://2130706433/", Reach.THIS_MACHINE),
        ("https://0x7f.0.0.1/", Reach.THIS_MACHINE),
        ("https://0177.0.0.1/", Reach.THIS_MACHINE),
        ("https://127.0.0.2/", Reach.PRIVATE),
        ("https://10.1.2.3/", Reach.PRIVATE),
        ("https://172.16.0.1/", Reach.PRIVATE),
        ("https://192.168.1.1/", Reach.PRIVATE),
        ("https://169.254.169.254/latest/meta-data", Reach.PRIVATE),
        ("https://[fe80::1%25eth0]/", Reach.PRIVATE),
        ("https://[fd00::1]/", Reach.PRIVATE),
        ("https://224.0.0.1/", Reach.PRIVATE),
        ("https://192.0.0.8/", Reach.PRIVATE),
        ("https://[fec0::1]/", Reach.PRIVATE),
        ("https://[2002:7f00:1::]/", Reach.THIS_MACHINE),
        ("https://[::127.0.0.1]/", Reach.THIS_MACHINE),
        ("https://[64:ff9b::7f00:1]/", Reach.THIS_MACHINE),
        ("https://[::ffff:0:10.0.0.1]/", Reach.PRIVATE),
        ("https://[64:ff9b::808:808]/", Reach.WEB),
        ("https://printer/", Reach.PRIVATE),
        ("https://nas.local/", Reach.PRIVATE),
        ("https://8.8.8.8/", Reach.WEB),
        ("https://example.org./", Reach.WEB),
        ("https://[2606:4700::1111]/", Reach.WEB),
    ],
)
def test_how_far_away_a_host_is(url, reach):
    assert address.read(url).reach is reach


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8o", "٣"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(errors.DownloadError, match="https://"):
        address.read(f"https://example.org:{port}/x")


@pytest.mark.parametrize("path", ["f\u00fcchse.png", "\U0001f469\u200d\U0001f680.png", "\U0001fae8.png", "%20.png"])
def test_a_picture_s_address_may_hold_any_letters(scripted, tmp_path, path):
    scripted.say(http(b"abc"))
    assert picture.to_file(f"{scripted.url}/{path}", tmp_path / "x", network=api.Network(online=False)).exists()


@pytest.mark.parametrize("name", ["\u00e4", "\u00c4"])
def test_a_redirect_may_say_where_to_in_utf_8(scripted, tmp_path, name):
    scripted.say(http(b"", "302 Found", Location=f"/{name}.png"))
    scripted.say(http(b"abc"))
    picture.to_file(f"{scripted.url}/x", tmp_path / "x", network=api.Network(online=False))
    assert scripted.requests[1][0].startswith(f"GET /{quote(name)}.png ")


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def elsewhere(authority, tmp_path):
    """A service that is not on this machine, as far as its address says; `network` trusts its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.2").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = Hostile("127.0.0.2", tls=context)
    server.network = {"online": True, "ca_file": str(tmp_path / "ca.pem")}
    yield server
    server.close()


def finished(glb):
    return lambda request: [http({"id": "T", "status": "SUCCEEDED", "model_urls": {"glb": glb}})]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "localhost."])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_service_elsewhere_names_nothing_on_this_machine(
    connect, hostile, elsewhere, tmp_path, is_sentence, host, scheme
):
    elsewhere.play(finished(f"{scheme}://{host}:{hostile.port}/admin?shutdown=1"))
    service = connect(elsewhere, "meshy", network=elsewhere.network)
    task = service.get("T")
    with pytest.raises(errors.DownloadError, match="on this machine") as refusal:
        api.save(service, task, tmp_path / "x.glb")
    assert is_sentence(str(refusal.value)) and not hostile.requests


def test_a_redirect_of_a_host_elsewhere_leads_to_nothing_on_this_machine(connect, hostile, elsewhere, tmp_path):
    elsewhere.play(lambda request: [http(b"", "302 Found", Location=f"{hostile.url}/admin")])
    with pytest.raises(errors.DownloadError, match="on this machine"):
        connect(elsewhere, "meshy", network=elsewhere.network).fetch(f"{elsewhere.url}/x", tmp_path / "x.glb")
    assert not hostile.requests


@pytest.mark.parametrize(
    "url", ["https://192.168.0.1/x", "https://printer/x", "https://169.254.169.254/x", "https://127.0.0.1/"]
)
def test_a_service_in_the_web_names_nothing_in_a_private_network(url):
    network = api.Network(online=True)
    with pytest.raises(errors.DownloadError, match="which is not used"):
        require_allowed(url, network, address.read("https://api.example.org"))
    if "127" not in url:
        require_allowed(url, network, address.read("https://10.0.0.1/openapi"))
    require_allowed(url, network, address.read("http://127.0.0.1:8765/openapi"))


def test_what_a_service_elsewhere_names_of_its_own_arrives(connect, elsewhere, tmp_path, cube):
    glb = cube.read_bytes()
    elsewhere.play(lambda request: [http(glb)])
    service = connect(elsewhere, "meshy", network=elsewhere.network)
    service.fetch(f"{elsewhere.url}/x.glb", tmp_path / "x.glb")
    assert (tmp_path / "x.glb").read_bytes() == glb


def test_tls_that_never_begins_is_given_up(connect, tmp_path, hostile):
    """Whoever looks is asked meanwhile, too."""
    hostile.play(endless(b"", 1.0))
    looks = []
    service = connect(
        hostile, "meshy", url=hostile.url.replace("http:", "https:"), sleep=looks.append, network={"connect_s": 1.0}
    )
    with pytest.raises(errors.ServiceAwayError):
        service.check_key()
    assert looks


# What a service says about time.


@pytest.mark.parametrize(
    "said",
    [
        {"Retry_After": "9" * 30},
        {"Retry_After": "9" * 4000},
        {"Retry_After": "²"},
        {"Retry_After": "٣".encode().decode("latin-1")},
        {"Retry_After": "-5"},
        {"Retry_After": "nan"},
        {"Retry_After": "Fri, 31 Dec 99999 23:59:59 GMT"},
        {"Retry_After": "Fri, 31 Dec 9999 23:59:59 -9959"},
        {"Retry_After": "Mon, 01 Jan 0001 00:00:00 +2359"},
        {"Retry_After": "Mon, 01 Jan 2027 00:00:00 +99999999"},
        {"Date": "Mon, 01 Jan 0001 00:00:00 +2359", "Retry_After": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "x" * 5000, "Retry_After": ","},
    ],
    ids=lambda said: str(said)[:60],
)
def test_a_refusal_stays_one_whatever_is_said_about_time(connect, scripted, name, is_sentence, said):
    service = connect(scripted, name)
    for status, kind in (("429 Too Many", errors.RateLimitError), ("401 Unauthorized", errors.KeyRefusedError)):
        scripted.say(http({"message": "RateLimitExceeded"}, status, **said))
        with pytest.raises(kind) as refusal:
            service.create(PICTURE)
        assert is_sentence(str(refusal.value))
        assert refusal.value.retry_after_s is None or 0 <= refusal.value.retry_after_s <= 86_400
    scripted.say(http([] if name == "meshy" else {"data": {"results": []}}, **said))
    assert service.find(PICTURE, 1.0) == []


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:05 GMT"]
)
def test_a_paid_task_is_found_whatever_day_a_service_believes_it_is(connect, scripted, date):
    tasks = [{"id": "T", "created_at": int(time.time() * 1000), "texture_prompt": ""}]
    scripted.say(http(tasks, Date=date))
    assert connect(scripted, "meshy").find(PICTURE, 1.0) == ["T"]


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 5000\r\n\r\n{}",
        b"Content-Length: %s\r\n\r\n{}" % (b"9" * 30),
        b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}",
        b"Content-Encoding: gzip\r\n\r\n{}",
    ],
    ids=["cut off", "without end", "a size below nothing", "no size", "packed"],
)
def test_a_refusal_stays_one_also_where_its_words_do_not_arrive(connect, scripted, name, is_sentence, body):
    scripted.say(b"HTTP/1.1 402 Payment Required\r\n" + body)
    with pytest.raises(errors.NoCreditsError) as refusal:
        connect(scripted, name).create(PICTURE)
    assert is_sentence(str(refusal.value))


def test_a_pause_without_end_ends_with_the_limit_of_the_task(connect, hostile):
    now = [0.0]

    def pause(seconds):
        now[0] += seconds

    refused = http({"message": "RateLimitExceeded"}, "429 Too Many", Retry_After="9" * 30)
    for answer in (refused, http({"id": "T", "status": "IN_PROGRESS"}, Retry_After="9" * 30)):
        hostile.play(lambda request, answer=answer: [http(b"", "404 x") if "stream" in request.target else answer])
        now[0] = 0.0
        with pytest.raises(errors.TimeLimitError):
            api.wait(connect(hostile, "meshy"), "T", sleep=pause, now=lambda: now[0], time_limit_s=100.0)
        assert now[0] == pytest.approx(100.0)


def test_our_own_import_costs_blender_s_start_nothing():
    """What connects brings requests and urllib3 along: only what connects may."""
    root = str(Path(image_to_3d.__path__[0]).parent)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from image_to_3d import api; from image_to_3d.api "
        "import picture\n"
        "picture.leaves_machine('http://127.0.0.1/x'); print('urllib3' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, root], capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["False", "False"], done.stderr
