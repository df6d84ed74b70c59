# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose certificates this system trusts, beside those that requests brings along. Connects to nothing.

Python's own way (`ssl.SSLContext.load_default_certs`) fails on two systems. On Windows it gives all certificates of the
system's store to OpenSSL at once, so a single one that OpenSSL does not read stops every connection (python/cpython PR
91740; Blender's own `blender_ext.py` of 4.2 to 5.2 has a work-around). On macOS it reads no keychain, which is where a
company's own certificate is installed.

Here each certificate is given to OpenSSL by itself, and one that it does not read is left out. OpenSSL checks the
host's certificate on every system. The package `truststore` would have the system check it instead. It was not taken,
for three reasons:

- What is found here is only added to the certificates that requests brings along. So whatever fails here, public
  services can still be reached. With `truststore`, every connection on Windows and macOS would depend on it.
- It makes its sockets by itself, with a handshake that nobody can cut into slices (`watch.py`), unless its private
  names are used.
- It refuses what works today: the user's own file with a certificate from the middle of a chain (Windows takes only
  roots for its exclusive store), and certificates that are valid for longer than macOS allows.

Linux needs none of it: its certificates lie in files.
"""

import contextlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from .errors import CertificateError
from .words import clean, named

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where Linux distributions and macOS keep the system's certificates as files: Blender's own OpenSSL was built to look
elsewhere."""

WINDOWS_STORES = ("CA", "ROOT")
"""What Python reads too: certificates in the middle of a chain, and at its end."""
X509 = "x509_asn"
"""What Windows calls a single certificate (`ssl.enum_certificates`); the other kind is a chain, which no authority is
kept as."""

SECURITY = "/usr/bin/security"
"""macOS's own program about its keychains (`man security`)."""
SECURITY_S = 5.0
"""How long it may take for one answer. Usual are 0.05 s."""
KEYCHAIN_AT_MOST = 64
"""So many certificates of the keychains are looked at, each with a call of `SECURITY`. An administration installs a
handful."""

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")

Enumerate = Callable[[str], Iterable[tuple[bytes, str, bool | set[str]]]]
"""Gives each certificate (DER) of the store of that name, its encoding, and what it is trusted for (True: anything)."""

Ask = Callable[[Sequence[str]], bytes | None]
"""Runs a command; gives what it prints, None where it ends badly. Raises `TimeoutError` where it does not end."""

Context = TypeVar("Context", bound=ssl.SSLContext)


def trusting(
    make: Callable[[], Context],
    ca_file: str,
    *,
    find: Callable[[], Iterable[bytes]] | None = None,
    bundles: Iterable[str] = SYSTEM_BUNDLES,
) -> Context:
    """Return a new context (`make()`) that trusts what the system trusts, and the user's own `ca_file` ("" for none).

    `find` gives the certificates (DER) that the system keeps otherwise than as a file, by default those of this system;
    `bundles` are the files that may be there. Raises `CertificateError`, whatever fails.
    """
    try:
        context = make()
        # A company may hand out only the certificate in the middle of the chain; Python 3.13 takes that by itself.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.set_default_verify_paths()  # where this OpenSSL looks by itself; honours SSL_CERT_FILE and SSL_CERT_DIR
        for certificate in (find or of_this_system)():
            _load(context, cadata=certificate)
        for bundle in bundles:
            if os.path.exists(bundle):
                _load(context, cafile=bundle)
    except OSError as error:  # ssl.SSLError is one
        reason = clean(error.strerror or str(error)).rstrip(".") or "it does not say why"
        raise CertificateError(
            f"This system's certificates cannot be used ({reason}): have them checked, then try again."
        ) from error
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError:
            raise CertificateError(
                f"The certificate file {named(ca_file)} cannot be read: choose a file in PEM format in the preferences."
            ) from None
    return context


def _load(context: ssl.SSLContext, *, cafile: str | None = None, cadata: bytes | None = None) -> None:
    """Trust one file or one certificate. One that cannot be read is left out: the others are as good as before."""
    with contextlib.suppress(OSError, ValueError):  # ssl.SSLError is the first; the second is told of no data at all
        context.load_verify_locations(cafile=cafile, cadata=cadata)


def of_this_system(platform: str = sys.platform) -> list[bytes]:
    """The certificates (DER) that a system, named as in `sys.platform`, does not keep as a file. Raises nothing."""
    if platform == "win32":
        return of_windows(ssl.enum_certificates)  # type: ignore[attr-defined]  # Windows alone has it
    if platform == "darwin":
        return of_keychains(_said)
    return []


def of_windows(enumerate_store: Enumerate) -> list[bytes]:
    """The certificates (DER) of Windows' stores that are trusted to say who a server is. A store that may not be read
    is left out."""
    found = []
    for store in WINDOWS_STORES:
        with contextlib.suppress(OSError):
            for certificate, encoding, trusted_for in enumerate_store(store):
                is_for_servers = trusted_for is True or (
                    isinstance(trusted_for, (set, frozenset)) and ssl.Purpose.SERVER_AUTH.oid in trusted_for
                )
                if encoding == X509 and is_for_servers:
                    found.append(certificate)
    return found


def of_keychains(ask: Ask) -> list[bytes]:
    """The certificates (DER) of authorities in the user's and the administration's keychains that macOS trusts for TLS.

    A keychain also holds what is not trusted, or no longer, so the system is asked about each: offline, and as about an
    authority. Those that come with macOS lie in a file (`SYSTEM_BUNDLES`) and are not asked for.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as folder, contextlib.suppress(TimeoutError):
        file = Path(folder, "authority.pem")
        listed = ask([SECURITY, "find-certificate", "-a", "-p"])  # without a name: of all keychains of the search list
        for certificate in _authorities(listed or b"")[:KEYCHAIN_AT_MOST]:
            file.write_text(ssl.DER_cert_to_PEM_cert(certificate), encoding="ascii")
            question = [SECURITY, "verify-cert", "-l", "-L", "-R", "offline", "-p", "ssl", "-c", str(file)]
            if ask(question) is not None:
                found.append(certificate)
    return found


def _authorities(listed: bytes) -> list[bytes]:
    """Each certificate (DER) of this PEM text that may vouch for others, once. A keychain holds many a person's own
    beside."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for pem in _PEM.findall(listed):
        with contextlib.suppress(OSError, ValueError):  # ValueError: it is no base64
            context.load_verify_locations(cadata=ssl.PEM_cert_to_DER_cert(pem.decode("ascii")))
    return context.get_ca_certs(binary_form=True)


def _said(command: Sequence[str]) -> bytes | None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECURITY_S)
    except subprocess.TimeoutExpired:
        raise TimeoutError("it does not answer") from None
    except OSError:  # there is no such program
        return None
    return done.stdout if done.returncode == 0 else None
