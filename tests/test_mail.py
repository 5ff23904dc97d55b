"""Mails over a real server, and what is said of those it does not take."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bot import mail
from bot.errors import MailError
from bot.mail import Mailer
from tests.fakes.mail_server import MailServer

TO = "pv@example.com"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    Mailer(server.url, "bot@example.com").send(
        TO, "【药物警戒】病例 1", "全身皮疹\n.一行以点开头\n" + "长" * 2000, "case:1"
    )
    (mail_,) = server.mails
    assert server.recipients == [TO]
    assert (mail_["From"], mail_["To"], mail_["Subject"]) == ("bot@example.com", TO, "【药物警戒】病例 1")
    assert mail_.get_content().splitlines()[:2] == ["全身皮疹", ".一行以点开头"]
    assert "长" * 2000 in mail_.get_content()


def test_what_is_sent_twice_bears_the_same_id(server: MailServer) -> None:
    for key in ("one", "one", "other"):
        Mailer(server.url, "bot@example.com").send(TO, "s", "b", key)
    first, again, other = (mail_["Message-ID"] for mail_ in server.mails)
    assert first == again != other


def test_a_user_logs_in(server: MailServer) -> None:
    with MailServer(user="bot@example.com", password="p@ss") as guarded:
        url = guarded.url.replace("bot@example.com:p@ss", "bot%40example.com:p%40ss")
        Mailer(url, "").send(TO, "s", "b", "k")
        assert guarded.logged_in == [True]
        assert guarded.mails[0]["From"] == "bot@example.com"


def test_a_server_that_offers_tls_gets_nothing_without(tmp_path: Path) -> None:
    serving, trusting = _certified(tmp_path)
    with MailServer(tls=serving) as guarded:
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            Mailer(guarded.url, "bot@example.com").send(TO, "s", "b", "k")
        Mailer(guarded.url, "bot@example.com", trusting).send(TO, "s", "b", "k")
        assert len(guarded.mails) == 1


def _certified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server of 127.0.0.1, and a client that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now, host = datetime.now(UTC), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "mail.pem"
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cafile=str(path))


def test_a_password_is_not_told_without_tls_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with MailServer(user="bot", password="p") as guarded:
        monkeypatch.setattr(mail, "_LOCAL", ())
        with pytest.raises(MailError, match="SMTPNotSupportedError"):
            Mailer(guarded.url, "bot@example.com").send(TO, "s", "b", "k")
        assert guarded.logged_in == []


@pytest.mark.parametrize(
    ("answer", "code"), [("550 no such box", "recipient_refused"), ("451 later", "recipient_refused")]
)
def test_who_is_refused_is_told_so(server: MailServer, answer: str, code: str) -> None:
    server.answer = lambda _recipient: answer
    with pytest.raises(MailError) as caught:
        Mailer(server.url, "bot@example.com").send(TO, "s", "b", "k")
    assert (caught.value.code, caught.value.perhaps) == (code, False)


def test_nobody_there(server: MailServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MailError) as caught:
        Mailer(f"smtp://127.0.0.1:{port}", "bot@example.com").send(TO, "s", "b", "k")
    assert (caught.value.code, caught.value.perhaps) == ("ConnectionRefusedError", False)


@pytest.mark.parametrize(("silent_from", "perhaps"), [("greeting", False), ("content", True)])
def test_a_server_that_falls_silent_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch, silent_from: str, perhaps: bool
) -> None:
    monkeypatch.setattr(mail, "STEP_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_speak_until, args=(listening, silent_from), daemon=True)
        thread.start()
        with pytest.raises(MailError) as caught:
            Mailer(f"smtp://127.0.0.1:{listening.getsockname()[1]}", "bot@example.com").send(TO, "s", "b", "k")
    assert (caught.value.code, caught.value.perhaps) == ("no_answer", perhaps)


def test_a_server_that_drips_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_drip, args=(listening,), daemon=True).start()
        with pytest.raises(MailError):
            Mailer(f"smtp://127.0.0.1:{listening.getsockname()[1]}", "bot@example.com").send(TO, "s", "b", "k")


def _speak_until(listening: socket.socket, silent_from: str) -> None:
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb") as file:
        if silent_from != "greeting":
            file.write(b"220 here\r\n")
            file.flush()
            for line in file:
                if line.strip() == b".":
                    break  # the content has come, and no word follows
                if line.split(b" ")[0].strip().upper() in (b"EHLO", b"MAIL", b"RCPT", b"DATA"):
                    file.write(b"354 go on\r\n" if line.upper().startswith(b"DATA") else b"250 fine\r\n")
                    file.flush()
        _wait_for_the_end(connection)


def _drip(listening: socket.socket) -> None:
    """A greeting, then one letter of an answer after the other."""
    connection, _ = listening.accept()
    pause = threading.Event()
    with connection:
        connection.sendall(b"220 here\r\n")
        try:
            while not pause.wait(0.05):
                connection.sendall(b"250-x\r\n")
        except OSError:
            return


def _wait_for_the_end(connection: socket.socket) -> None:
    try:
        while connection.recv(1024):
            pass
    except OSError:
        return
