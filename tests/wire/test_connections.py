# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, proxies, bodies and what must not be told: with real TLS and a real proxy on loopback."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading

import pytest
import trustme
from service.stand_in import StandIn

from image_to_3d import api
from image_to_3d.api import errors
from image_to_3d.api.body import PIECE_BYTES, Body
from image_to_3d.api.network import Network
from image_to_3d.api.redact import redact

VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    file = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture
def secure(authority, cube):
    """The services behind a certificate of a company's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with StandIn(model=cube, tls=context) as made:
        yield made


def balance(stand_in, **network):
    key, url = stand_in.meshy_key, stand_in.meshy_url
    return api.connect("meshy", key=key, url=url, network=Network(online=False, **network)).balance()


def test_a_certificate_of_ones_own_is_refused_until_its_file_is_named(secure, ca_file, picture, connect, tmp_path):
    assert secure.meshy_url.startswith("https://")
    with pytest.raises(errors.CertificateError, match="choose its file in the preferences") as refusal:
        balance(secure)
    assert not errors.passes(refusal.value)
    assert balance(secure, ca_file=ca_file) == 1000
    meshy = connect(secure, "meshy", network=Network(online=False, ca_file=ca_file))
    task = api.wait(meshy, meshy.create(picture).id)
    api.save(meshy, task, tmp_path / "model.glb")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_may_name_the_certificates(secure, ca_file, variable):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from image_to_3d import api;"
        "print(api.connect('meshy', key=sys.argv[2], url=sys.argv[3]).balance())"
    )
    search = next(path for path in sys.path if path.endswith("user_default"))
    command = [sys.executable, "-c", program, search, secure.meshy_key, secure.meshy_url]
    done = subprocess.run(command, env={**os.environ, variable: ca_file}, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "1000", done.stderr[-500:]


def test_a_file_without_certificates_is_told(secure, tmp_path, monkeypatch):
    (tmp_path / "no.pem").write_text("no certificate")
    for file in ("no.pem", "nowhere.pem"):
        with pytest.raises(errors.CertificateError, match="PEM format"):
            balance(secure, ca_file=str(tmp_path / file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(errors.CertificateError, match="REQUESTS_CA_BUNDLE"):
        balance(secure)


class Proxy:
    """Opens tunnels to this machine, whatever host is asked for, and notes which; sees nothing of what goes through."""

    def __init__(self):
        self.asked = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = self.run(asyncio.start_server(self.tunnel, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def tunnel(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        there = head.split()[1].decode()
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", int(there.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(self.pump(reader, other_writer), self.pump(other_reader, writer))

    @staticmethod
    async def pump(reader, writer):
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
        writer.close()

    def close(self):
        self.server.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def proxy():
    made = Proxy()
    yield made
    made.close()


@pytest.fixture
def elsewhere(authority, cube):
    """The services under a name that only the proxy knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("services.test").configure_cert(context)
    with StandIn(model=cube, tls=context) as made:
        yield made


def test_a_proxy_can_be_set_and_comes_from_the_environment(elsewhere, ca_file, proxy, monkeypatch):
    url = elsewhere.meshy_url.replace("127.0.0.1", "services.test")

    def balance(**network):
        network = Network(ca_file=ca_file, connect_s=2.0, **network)
        return api.connect("meshy", key=elsewhere.meshy_key, url=url, network=network).balance()

    assert balance(proxy=proxy.url) == 1000 and len(proxy.asked) == 1
    assert b"CONNECT services.test:" in proxy.asked[0] and elsewhere.meshy_key.encode() not in proxy.asked[0]
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert balance() == 1000 and len(proxy.asked) == 2
    assert balance(proxy=proxy.url) == 1000
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert balance(proxy=proxy.url) == 1000  # what was set goes before what was found
    with pytest.raises(errors.ProxyError, match="check its address"):
        balance()
    monkeypatch.setenv("NO_PROXY", "services.test")
    with pytest.raises(errors.ServiceAwayError):
        balance()


def test_what_stays_on_this_machine_goes_through_no_proxy(stand_in, monkeypatch):
    """It would carry the key in clear text to another machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert balance(stand_in) == 1000
    assert balance(stand_in, proxy="http://127.0.0.1:9") == 1000


def test_a_dead_proxy_is_told_and_nothing_was_made(picture):
    network = Network(proxy="http://127.0.0.1:9")
    meshy = api.connect("meshy", key="k" * 8, url="https://services.test", network=network)
    with pytest.raises(errors.ProxyError, match="check its address"):
        meshy.create(picture)


def test_a_password_file_does_not_replace_the_key(stand_in, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert balance(stand_in) == 1000
    assert stand_in.requests[0].headers["Authorization"] == f"Bearer {stand_in.meshy_key}"


@pytest.mark.parametrize("size", [4, 5, 6, 7, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_a_body_is_the_json_it_says_with_the_length_it_says(tmp_path, size):
    one, other = tmp_path / "one.png", tmp_path / "other.jpg"
    one.write_bytes(b"\x89PNG" + bytes(size - 4))
    other.write_bytes(b"\xff\xd8\xff\xe0" + bytes(size))
    body = Body({"first": one, "text": 'grün "quoted"', "second": other, "number": [1.5, -1]})
    pieces = []
    for piece in body:
        assert body.sent_whole == (len(b"".join(pieces)) + len(piece) == len(body))
        pieces.append(piece)
    content = b"".join(pieces)
    assert len(content) == len(body) and body.sent_whole
    read = json.loads(content)
    assert read["first"].startswith("data:image/png;base64,iVBOR") and read["second"].startswith("data:image/jpeg;")
    assert (read["text"], read["number"]) == ('grün "quoted"', [1.5, -1])


SECRET = "msy_0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"key {SECRET} here",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"GET https://a.test/model.glb?Expires=1&Signature={SECRET} failed",
        f"HTTPConnectionPool(host='a'): Max retries exceeded with url: /u/model.glb?sig={SECRET} (Caused by x)",
        f"http://user:{SECRET}@proxy:3128",
        f'"image_url": "data:image/png;base64,{SECRET}=="',
        f"x-api-key: {SECRET}",
    ],
)
def test_what_nobody_may_read_is_taken_out(text):
    assert SECRET not in redact(text)[:-1] or text.startswith("key")
    assert SECRET not in redact(text, [SECRET, ""])


def test_ordinary_text_is_left_alone():
    text = "Meshy answered 404 at https://api.meshy.ai/openapi/v1/image-to-3d/0190 (key question?): data: none"
    assert redact(text, ["", "abc"]) == text
