# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates of a system are trusted, with stores and keychains as Windows and macOS have them, played to real
OpenSSL."""

import os
import socket
import ssl
import sys
import threading
from pathlib import Path

import pytest
import trustme

from image_to_3d.api import certificates
from image_to_3d.api.errors import CertificateError, is_transient, user_message

SERVERS = "1.3.6.1.5.5.7.3.1"
E_MAILS = "1.3.6.1.5.5.7.3.4"
BROKEN = b"\x30\x82\x01\x0anot a certificate"
"""Looks like one to Windows; OpenSSL finds its end too early, as it does with those that stopped Python."""


@pytest.fixture(scope="module")
def company():
    """A company's own authority, which no list of authorities knows."""
    return trustme.CA()


@pytest.fixture(scope="module")
def other():
    return trustme.CA()


def der(authority):
    return ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())


def context(find=list, ca_file="", bundles=()):
    return certificates.trusting(lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca_file, find=find, bundles=bundles)


def accepts(context, authority, host="service.example"):
    """Whether a connection to a server with a certificate of this authority can be made, in a real handshake."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("service.example").configure_cert(server)
    ours, theirs = socket.socketpair()

    def serve():
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        context.wrap_socket(ours, server_hostname=host).close()
    except ssl.SSLCertVerificationError:
        ours.close()
        return False
    finally:
        thread.join()
    return True


def test_what_the_system_keeps_is_trusted_and_nobody_else(company, other):
    trusting = context(lambda: [der(company)])
    assert accepts(trusting, company) and not accepts(trusting, other)
    assert not accepts(trusting, company, host="another.example"), "a certificate for another host was taken"
    assert not accepts(context(), company)


@pytest.mark.parametrize("bad", [BROKEN, b"", b"\0" * 50], ids=["broken", "empty", "zeros"])
def test_one_bad_certificate_in_the_system_s_store_stops_nothing(company, bad):
    store = {"ROOT": [(bad, "x509_asn", True), (der(company), "x509_asn", True), (bad, "x509_asn", True)], "CA": []}
    assert accepts(context(lambda: certificates.of_windows(store.__getitem__)), company)


def test_python_s_own_way_is_stopped_by_it(company):
    """All certificates at once, as `ssl.SSLContext.load_default_certs` has them: when this fails, our own way may
    go."""
    with pytest.raises(ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=BROKEN + der(company))


@pytest.mark.parametrize(
    ("encoding", "trusted_for", "is_taken"),
    [
        ("x509_asn", True, True),
        ("x509_asn", {SERVERS, E_MAILS}, True),
        ("x509_asn", frozenset({SERVERS}), True),
        ("x509_asn", {E_MAILS}, False),
        ("x509_asn", set(), False),
        ("pkcs_7_asn", True, False),
    ],
)
@pytest.mark.parametrize("where", ["CA", "ROOT"])
def test_of_windows_stores_what_is_trusted_for_servers_is_taken(company, where, encoding, trusted_for, is_taken):
    stores = {"CA": [], "ROOT": [], where: [(der(company), encoding, trusted_for)]}
    assert certificates.of_windows(stores.__getitem__) == ([der(company)] if is_taken else [])


def test_a_store_that_may_not_be_read_does_not_hide_the_other(company):
    def enumerate_store(store):
        if store == "CA":
            raise PermissionError(13, "Access is denied")
        return [(der(company), "x509_asn", True)]

    assert certificates.of_windows(enumerate_store) == [der(company)]


class Keychain:
    """Answers as /usr/bin/security does. `trusted` are the certificates that macOS trusts; `then` is called before each
    answer."""

    def __init__(self, listed, trusted=(), then=lambda number: None):
        self._listed, self._trusted, self._then = listed, trusted, then
        self.commands = []

    def __call__(self, command):
        self.commands.append(list(command))
        self._then(len(self.commands))
        if "find-certificate" in command:
            return self._listed
        asked = ssl.PEM_cert_to_DER_cert(Path(command[command.index("-c") + 1]).read_text())
        return b"" if asked in self._trusted else None


def pem(*authorities):
    return b"".join(authority.cert_pem.bytes() for authority in authorities)


def test_of_the_keychains_what_macos_trusts_is_taken_and_nothing_else(company, other):
    keychain = Keychain(pem(company, other), trusted=[der(company)])
    trusting = context(lambda: certificates.of_keychains(keychain))
    assert accepts(trusting, company) and not accepts(trusting, other)
    listing, *questions = keychain.commands
    assert listing == ["/usr/bin/security", "find-certificate", "-a", "-p"] and len(questions) == 2
    for question in questions:  # about an authority, offline, for TLS
        assert question[:8] == ["/usr/bin/security", "verify-cert", "-l", "-L", "-R", "offline", "-p", "ssl"]


def test_a_person_s_own_certificate_is_not_even_asked_about(company):
    own = company.issue_cert("me@example.org").cert_chain_pems[0].bytes()
    keychain = Keychain(own + pem(company), trusted=[der(company)])
    assert certificates.of_keychains(keychain) == [der(company)] and len(keychain.commands) == 2


@pytest.mark.parametrize(
    "listed",
    [
        None,
        b"",
        b"SecKeychainSearchCopyNext: no such item",
        b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=["failed", "nothing", "words", "no base64", "no certificate"],
)
def test_a_keychain_that_tells_nothing_useful_stops_nothing(company, tmp_path, listed):
    file = tmp_path / "ca.pem"
    file.write_bytes(pem(company))
    assert accepts(context(lambda: certificates.of_keychains(Keychain(listed)), ca_file=str(file)), company)


def test_a_keychain_that_falls_silent_keeps_nobody(company, other):
    def then(number):
        if number == 3:
            raise TimeoutError

    keychain = Keychain(pem(company, other) + pem(trustme.CA()), [der(company), der(other)], then)
    assert len(certificates.of_keychains(keychain)) == 1 and len(keychain.commands) == 3


def test_a_damaged_bundle_does_not_hide_the_others(company, tmp_path):
    good, bad = tmp_path / "good.pem", tmp_path / "bad.pem"
    good.write_bytes(pem(company))
    bad.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    assert accepts(context(bundles=[str(bad), str(tmp_path / "none.pem"), str(good)]), company)


def test_the_certificate_in_the_middle_of_a_chain_is_enough(company):
    middle = company.create_child_ca()
    assert accepts(context(lambda: [der(middle)]), middle)


def refuse(*_):
    raise ssl.SSLError(1, "[ASN1: NOT_ENOUGH_DATA] not enough data (_ssl.c:4035)")


@pytest.mark.parametrize(
    "options",
    [{"make": refuse}, {"find": refuse}, {"find": lambda: os.listdir("/nowhere")}, {"bundles": iter(refuse, 1)}],
    ids=["context", "store", "disk", "bundles"],
)
def test_whatever_fails_is_told_as_a_certificate_s_and_never_as_the_disk_s(is_sentence, options):
    make = options.pop("make", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(CertificateError) as failure:
        certificates.trusting(make, "", **options)
    said = user_message(failure.value)
    assert is_sentence(said) and "certificates cannot be used" in said and "disk" not in said.lower()
    assert not is_transient(failure.value), "asking again does not help"


def test_each_system_is_asked_in_its_own_way(company, monkeypatch):
    store = {"ROOT": [(BROKEN, "x509_asn", True), (der(company), "x509_asn", True)], "CA": []}
    monkeypatch.setattr(ssl, "enum_certificates", store.__getitem__, raising=False)
    assert accepts(context(lambda: certificates.of_this_system("win32")), company)
    assert certificates.of_this_system("linux") == []


@pytest.mark.skipif(sys.platform == "darwin", reason="there the program is where it is looked for")
def test_where_there_is_no_program_for_keychains_nothing_is_found():
    assert certificates.of_this_system("darwin") == []
