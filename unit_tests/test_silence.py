"""Requests that get no answer, as requests and urllib3 fail: what each is called, and whether it is asked again."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from source_stripe.api.answers import host_and_port
from source_stripe.api.connections import BoundedAdapter
from source_stripe.api.errors import Outcome, StripeError
from source_stripe.api.policies import TABLE
from source_stripe.api.requester import StripeRequester
from unit_tests.conftest import KEY

MakeRequester = Callable[..., StripeRequester]
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[tuple[int, list[bytes]]]:
    """A server on loopback that deals so with each connection; its port, and the first bytes that each client sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65_536, socket.MSG_PEEK))
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def says(answer: bytes) -> Serve:
    """Answers so, whatever is asked, and hangs up."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(answer)

    return serve


def drips(connection: socket.socket) -> None:
    """Answers a byte at a time, each soon after the one before."""
    connection.recv(65_536)
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b" " * 500:
            connection.sendall(bytes([byte]))
            time.sleep(0.01)


def hangs_up(connection: socket.socket) -> None:
    connection.recv(65_536)


def free_port() -> int:
    """One where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def self_signed(tmp_path: Path) -> Path:
    """A certificate that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    unprotected = serialization.NoEncryption()
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unprotected)
    )
    return pem


def failure(requester: StripeRequester) -> StripeError:
    with pytest.raises(StripeError) as failed:
        requester.get("/v1/charges")
    assert KEY not in str(failed.value)
    assert KEY not in str(failed.value.internal_message)
    return failed.value


def test_nobody_listens(make_requester: MakeRequester) -> None:
    port = free_port()
    failed = failure(make_requester(api_url=f"http://127.0.0.1:{port}"))

    assert failed.policy is TABLE["no answer"]
    assert f"no answer from 127.0.0.1:{port}: ConnectionRefusedError" in str(failed)


def test_the_connection_breaks(make_requester: MakeRequester) -> None:
    with listening(hangs_up) as (port, asked):
        failed = failure(make_requester(api_url=f"http://127.0.0.1:{port}"))

    assert failed.policy is TABLE["no answer"]
    assert len(asked) > 10


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once_and_not_shown_the_key(
    make_requester: MakeRequester, self_signed: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)

    def shake_hands(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError), context.wrap_socket(connection.dup(), server_side=True) as secure:
            secure.recv(1)

    with listening(shake_hands) as (port, asked):
        failed = failure(make_requester(api_url=f"https://localhost:{port}"))

    assert failed.policy is TABLE["certificate not trusted"]
    assert f"no answer from localhost:{port}: SSLCertVerificationError, self" in str(failed)
    assert "REQUESTS_CA_BUNDLE" in str(failed)
    assert len(asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_bytes_that_keep_coming_do_not_make_an_answer_last(self_signed: Path, scheme: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)

    def drips_secretly(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection.dup(), server_side=True) as secure:
            drips(secure)

    with listening(drips if scheme == "http" else drips_secretly) as (port, _), requests.Session() as session:
        session.mount(f"{scheme}://", BoundedAdapter(whole=0.1, pool_connections=1, pool_maxsize=1))
        with pytest.raises(requests.ReadTimeout):
            session.get(f"{scheme}://localhost:{port}/", timeout=10, verify=str(self_signed))


def test_a_server_without_tls(
    make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch, self_signed: Path
) -> None:
    # Certificates are loaded for each connection: all those that the machine trusts would take long.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(self_signed))
    with listening(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (port, asked):
        failed = failure(make_requester(api_url=f"https://localhost:{port}"))

    assert failed.policy is TABLE["TLS failed"]
    assert len(asked) > 10


@pytest.mark.parametrize("exists", [False, True])
def test_ca_certificates_that_can_not_be_read(
    make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exists: bool
) -> None:
    bundle = tmp_path / "ca.pem"
    if exists:
        bundle.write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    with listening(hangs_up) as (port, asked):
        failed = failure(make_requester(api_url=f"https://localhost:{port}"))

    assert failed.policy is TABLE["no CA certificates"]
    assert not any(asked)


def test_a_host_that_no_name_server_knows(make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    failed = failure(make_requester(api_url="https://api.stripe.test"))

    assert failed.policy is TABLE["name not found"]
    assert "no answer from api.stripe.test:443: gaierror" in str(failed)


@pytest.mark.parametrize(
    ("answer", "row"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy refuses"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "proxy refuses"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy down"),
    ],
)
def test_a_proxy_that_opens_no_tunnel(
    make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch, answer: bytes, row: str
) -> None:
    with listening(says(answer)) as (port, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{port}")
        failed = failure(make_requester(api_url="https://api.stripe.test"))

    assert failed.policy is TABLE[row]
    assert "secret@" not in f"{failed} {failed.internal_message}"
    assert all(KEY.encode() not in request for request in asked)
    assert (len(asked) == 1) is (failed.outcome is not Outcome.RETRY)


def test_a_proxy_that_is_not_there(make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{port}")

    failed = failure(make_requester(api_url="https://api.stripe.test"))

    assert failed.policy is TABLE["proxy down"]
    assert f"no answer from api.stripe.test:443 by the proxy 127.0.0.1:{port}: ConnectionRefusedError" in str(failed)
    assert "secret" not in str(failed).replace("secret key", "")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://api.stripe.com", "api.stripe.com:443"),
        ("http://[::1]:8080/x", "::1:8080"),
        ("proxy:3128", "proxy:3128"),
        ("http://user:pass@proxy", "proxy:80"),
        ("http://[::1", ""),
        ("http://x:99999", ""),
        ("", ""),
    ],
)
def test_an_address_is_told_without_who_asks(url: str, told: str) -> None:
    assert host_and_port(url) == told


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://[::1"])
def test_a_proxy_whose_address_can_not_be_used(
    make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    assert failure(make_requester(api_url="https://api.stripe.test")).policy is TABLE["unusable address"]


def test_an_address_that_no_host_can_have(make_requester: MakeRequester) -> None:
    assert failure(make_requester(api_url="https://a..stripe.test")).policy is TABLE["unusable address"]


def test_no_proxy_gets_to_see_the_key_of_a_local_stripe(
    make_requester: MakeRequester, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with listening(says(answer)) as (port, asked), listening(says(answer)) as (proxy, overheard):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        make_requester(api_url=f"http://127.0.0.1:{port}").get("/v1/charges")

    assert len(asked) == 1
    assert overheard == []
