# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, proxies and password files, over real TLS on loopback. What an environment says is said to another
process."""

import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme
from proxy import Proxy
from service.stand_in import StandIn

import image_to_3d
from image_to_3d import api
from image_to_3d.api import errors

PICTURE = {"image_url": "https://example.org/fox.png"}
ROOT = str(Path(image_to_3d.__path__[0]).parent)
AWAY = "https://meshy.example"
"""An address off this machine, which only the proxy knows the way to: to the stand-in."""


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("certificates") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def secure(authority, cube):
    """A stand-in that speaks TLS with a certificate of somebody whom nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "meshy.example").configure_cert(context)
    with StandIn(model=cube, tls=context, seconds=0.5) as server:
        yield server


def balance_elsewhere(server, url, **environment):
    """The balance as another process sees it, or the name of the error."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from image_to_3d import api\n"
        "try: print(api.connect('meshy', key=sys.argv[2], url=sys.argv[3]).check_key())\n"
        "except api.ImageTo3DError as error: print(type(error).__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, ROOT, server.meshy_key, url],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_certificate_that_nobody_knows_is_refused_and_asking_again_does_not_help(connect, secure, name, is_sentence):
    service = connect(secure, name)
    for ask in (lambda: service.get("T"), lambda: service.create(PICTURE)):
        with pytest.raises(errors.CertificateError, match="choose its file in the preferences") as refusal:
            ask()
        assert is_sentence(str(refusal.value)) and not errors.is_transient(refusal.value)
    assert not secure.requests


def test_with_the_user_s_own_file_all_of_it_goes_over_tls(connect, secure, ca_file, tmp_path, name, cube):
    service = connect(secure, name, network={"ca_file": ca_file})
    seen = []
    task = api.wait(service, service.create(PICTURE).id, on_progress=lambda task: seen.append(task.progress))
    api.save(service, task, tmp_path / "model.glb")
    assert (tmp_path / "model.glb").read_bytes() == cube.read_bytes() and task.result.glb.startswith("https:")


def test_a_certificate_for_another_host_is_refused(connect, secure, ca_file):
    url = secure.meshy_url.replace("127.0.0.1", "localhost")
    with pytest.raises(errors.CertificateError):
        connect(secure, "meshy", url=url, network={"ca_file": ca_file}).check_key()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_may_name_the_file(secure, ca_file, variable):
    assert balance_elsewhere(secure, secure.meshy_url, **{variable: ca_file}) == "1000"


def test_a_bundle_in_the_environment_that_is_not_there_is_told(secure):
    assert balance_elsewhere(secure, secure.meshy_url, REQUESTS_CA_BUNDLE="/nowhere/ca.pem") == "CertificateError"


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\x89PNG"])
def test_a_file_without_certificates_is_told(connect, secure, tmp_path, is_sentence, content):
    path = tmp_path / "bad.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.CertificateError, match="choose a file in PEM format") as refusal:
        connect(secure, "meshy", network={"ca_file": str(path)}).check_key()
    assert is_sentence(str(refusal.value)) and "bad.pem" in str(refusal.value)


@pytest.fixture
def proxy(secure):
    proxy = Proxy(int(secure.url.rpartition(":")[2]))
    yield proxy
    proxy.close()


def dead():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_what_leaves_the_machine_goes_through_the_proxy_of_the_preferences(
    connect, secure, proxy, ca_file, monkeypatch
):
    monkeypatch.setenv("HTTPS_PROXY", dead())  # the preferences count more
    network = {"proxy": proxy.url.replace("//", "//me:secret@"), "ca_file": ca_file, "online": True}
    meshy = connect(secure, "meshy", url=f"{AWAY}/meshy/openapi", network=network)
    assert meshy.check_key() == 1000
    assert proxy.asked == ["meshy.example:443"]
    assert secure.meshy_key not in proxy.heads[0] and "Proxy-Authorization: Basic" in proxy.heads[0]


def test_a_proxy_may_speak_tls_itself(connect, secure, authority, ca_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    proxy = Proxy(int(secure.url.rpartition(":")[2]), tls=context)
    network = {"proxy": proxy.url, "ca_file": ca_file, "online": True}
    assert connect(secure, "meshy", url=f"{AWAY}/meshy/openapi", network=network).check_key() == 1000
    assert proxy.asked == ["meshy.example:443"] and secure.meshy_key not in proxy.heads[0]
    proxy.close()


def test_behind_a_proxy_an_upload_may_take_longer_than_the_answer(connect, secure, proxy, ca_file):
    """The answer's time begins when all is sent: not with the proxy's answer to CONNECT, which comes before."""
    naps_s = iter([2.0])
    meshy = connect(
        secure,
        "meshy",
        url=f"{AWAY}/meshy/openapi",
        network={"proxy": proxy.url, "ca_file": ca_file, "online": True, "create_s": 1.0},
        sleep=lambda seconds: time.sleep(next(naps_s, 0.0)),
    )
    assert meshy.create(PICTURE).id == secure.creates[0].id


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_environment_may_name_the_proxy(secure, proxy, ca_file, variable):
    said = balance_elsewhere(secure, f"{AWAY}/meshy/openapi", SSL_CERT_FILE=ca_file, **{variable: proxy.url})
    assert said == "1000" and proxy.asked == ["meshy.example:443"]


def test_what_stays_on_this_machine_goes_through_no_proxy(connect, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", dead())
    assert connect(server, "meshy").check_key() == 1000
    assert connect(server, "meshy", network={"proxy": dead()}).check_key() == 1000


@pytest.mark.parametrize("proxy", ["dead", "nonsense", "socks5://127.0.0.1:9", "refusing"])
def test_a_proxy_that_cannot_be_used_is_told_as_that_and_nothing_was_made(connect, server, is_sentence, proxy):
    if proxy == "refusing":
        refusing = Proxy(0, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        proxy = refusing.url
    network = {"proxy": dead() if proxy == "dead" else proxy, "online": True}
    with pytest.raises(errors.ProxyError, match="check its address in the preferences") as failure:
        connect(server, "meshy", url=AWAY, network=network).create(PICTURE)
    assert is_sentence(str(failure.value)) and errors.is_transient(failure.value)


@pytest.mark.parametrize("name", ["csm", "meshy"])
def test_a_password_file_does_not_take_the_key_s_place(connect, server, name, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login you password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    service = connect(server, name)
    task = service.get(service.create(PICTURE).id)
    service.fetch(task.result.glb, tmp_path / "model.glb")
    assert all("Basic" not in request.headers.get("Authorization", "") for request in server.requests)
    assert "Authorization" not in server.requests[-1].headers


def test_what_is_on_this_machine_is_known_without_connecting_also_as_people_type_it():
    from image_to_3d.api.network import is_loopback

    here = ["http://127.0.0.1:8188", "127.0.0.1:8188", "localhost:8000/a", "[::1]:8188", "https://localhost"]
    away = [
        "127.0.0.1.example.com",
        "a@127.0.0.1:8188",
        "http://127.0.0.1@b.example",
        "localhostess",
        "127.0.0.1\\.b",
        "",
    ]
    assert all(map(is_loopback, here)) and not any(map(is_loopback, away))
