"""Where connections lead: straight, by the proxy that the environment names, and only to whom certificates prove."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.connections import MOST_KEPT, Connections
from tests.fakes.http_server import FakeServer
from tests.fakes.scripted_http import ScriptedServer, reply

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A platform, or a proxy that answers in the platform's place."""
    with ScriptedServer() as server:
        server.on("/path", reply({"errcode": 0}))
        yield server


def get(connections: Connections, url: str) -> urllib3.BaseHTTPResponse:
    return connections(url).request("GET", url, retries=False, timeout=10)


def test_a_proxy_of_the_environment_is_asked_with_its_password(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url.replace("://", "://user:p%40ss@"))
    assert get(Connections(), "http://platform.invalid/path?token=1").status == 200
    (request,) = server.requests
    assert request.headers["host"] == "platform.invalid"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"  # user:p@ss
    assert request.query == {"token": "1"}


def test_a_proxy_may_be_named_without_a_scheme(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", server.url.removeprefix("http://"))
    assert get(Connections(), "http://platform.invalid/path").status == 200


def test_what_no_proxy_names_is_reached_straight(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")
    assert get(Connections(), f"{server.url}/path").status == 200


def test_the_environment_can_be_left_aside(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert get(Connections(environment=False), f"{server.url}/path").status == 200


def test_tls_goes_through_the_proxy_and_not_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def refuse() -> None:
            connection, _ = proxy.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://user:pass@127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(urllib3.exceptions.ProxyError):
            get(Connections(), "https://platform.invalid/path?token=1")
        thread.join()
    assert asked[0].startswith(b"CONNECT platform.invalid:443 ")
    assert b"proxy-authorization: basic dxnlcjpwyxnz" in asked[0].lower()
    assert b"token" not in asked[0]


@pytest.mark.parametrize("url", ["http://[bad/path", "ftp://127.0.0.1/path"])
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        get(Connections(environment=False), url)


def test_a_proxy_that_is_none_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks9://127.0.0.1:1")
    with pytest.raises(urllib3.exceptions.HTTPError):
        get(Connections(), "http://platform.invalid/path")


def test_connections_of_many_threads_are_kept(server: ScriptedServer) -> None:
    """With fewer kept than used, each burst would connect anew."""
    connections, at_once = Connections(environment=False), threading.Barrier(20)
    assert at_once.parties < MOST_KEPT

    def wait_for_all(_: object) -> object:
        at_once.wait(10)
        return reply({"errcode": 0})

    server.on("/together", wait_for_all)  # type: ignore[arg-type]
    for _ in range(2):
        threads = [
            threading.Thread(target=get, args=(connections, f"{server.url}/together")) for _ in range(at_once.parties)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.open_connections == at_once.parties


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a server whose certificate nobody signed, and the certificate's path."""
    certificate, key = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = FakeServer(("127.0.0.1", 0), _Empty)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/", certificate
    server.shutdown()
    thread.join()
    server.cut_open_connections()
    server.server_close()


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


def _self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a platform")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem", folder / "key.pem"


def test_whom_nobody_proves_is_not_spoken_to(tls_server: tuple[str, Path]) -> None:
    with pytest.raises(urllib3.exceptions.SSLError, match="self-signed"):
        get(Connections(), tls_server[0])


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_certificates_of_the_environment_are_believed(
    tls_server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    url, certificate = tls_server
    monkeypatch.setenv(name, str(certificate))
    assert get(Connections(), url).status == 200
    with pytest.raises(urllib3.exceptions.SSLError, match="localhost"):  # the certificate names the address alone
        get(Connections(), url.replace("127.0.0.1", "localhost"))


def test_certificates_that_are_not_there_are_said_to_be_missing(
    tls_server: tuple[str, Path], server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/bundle.pem")
    connections = Connections()
    with pytest.raises(OSError, match="No such file"):
        get(connections, tls_server[0])
    assert get(connections, f"{server.url}/path").status == 200, "where there is no TLS nobody needs them"
