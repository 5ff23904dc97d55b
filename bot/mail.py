"""Mails, sent one by one over SMTP with deadlines.

``smtp://`` speaks plainly first and changes to TLS (STARTTLS) where the server offers it; with a user name it must,
unless the server is on this machine. ``smtps://`` speaks TLS from the start. Certificates are checked.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from bot.errors import MailError
from bot.settings import Settings

STEP_S = 10.0
"""One exchange with the server."""
WITHIN_S = 60.0
"""A whole mail, whatever the server does meanwhile."""
_LOCAL = ("localhost", "127.0.0.1", "::1")
_PORTS = {"smtp": 25, "smtps": 465}


class Mailer:
    """Sends from ``sender`` through the server at ``url``, ``smtp[s]://[user:password@]host[:port]``, which proves who
    it is to ``trusted``: by default to the certificates that this machine trusts."""

    def __init__(self, url: str, sender: str, trusted: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls = parts.scheme == "smtps"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._trusted = trusted or ssl.create_default_context()
        self._sender = sender or (self._user if "@" in self._user else f"bot@{self._host}")

    @classmethod
    def from_settings(cls, settings: Settings) -> "Mailer | None":
        """The mailer of this installation; ``None`` where SMTP_URL is unset."""
        return cls(settings.smtp_url, settings.mail_from or "") if settings.smtp_url else None

    def send(self, recipient: str, subject: str, body: str, key: str) -> None:
        """Return once the server has taken the mail. What is sent twice under one ``key`` bears the same Message-ID, so
        that a mailbox may tell.

        Raises :class:`~bot.errors.MailError`, which says whether the mail may have arrived all the same.
        """
        mail = self._mail(recipient, subject, body, key)
        given = False
        try:
            with self._connected() as server:
                server.ehlo_or_helo_if_needed()
                server.mail(self._sender)
                code, answer = server.rcpt(recipient)
                if code not in (250, 251):
                    raise smtplib.SMTPRecipientsRefused({recipient: (code, answer)})
                given = True
                code, answer = server.data(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n")))
                given = False
                if code != 250:
                    raise smtplib.SMTPDataError(code, answer)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise MailError(
                _code(error), perhaps=given and not isinstance(error, smtplib.SMTPResponseException)
            ) from None

    def greet(self) -> None:
        """Return once the server has answered and let us in, as it must before a mail. Raises
        :class:`~bot.errors.MailError`."""
        try:
            with self._connected() as server:
                server.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise MailError(_code(error), perhaps=False) from None

    def _mail(self, recipient: str, subject: str, body: str, key: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, recipient, " ".join(subject.split())
        mail["Date"] = format_datetime(localtime())
        domain = self._sender.rpartition("@")[2]
        mail["Message-ID"] = f"<{sha256(key.encode()).hexdigest()[:32]}@{domain}>"
        mail.set_content(body)
        return mail

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=STEP_S, context=self._trusted)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=STEP_S)
        watchdog = threading.Timer(WITHIN_S, _cut, [server])
        watchdog.daemon = True
        watchdog.start()
        try:
            server.ehlo()
            if not self._tls and server.has_extn("starttls"):
                server.starttls(context=self._trusted)
                server.ehlo()
            elif not self._tls and self._user and self._host not in _LOCAL:
                raise smtplib.SMTPNotSupportedError("no STARTTLS: the password would be readable")
            if self._user:
                server.login(self._user, self._password)
            yield server
        finally:
            watchdog.cancel()
            server.close()


def _cut(server: smtplib.SMTP) -> None:
    """End the connection of a server that takes for ever."""
    if server.sock is not None:
        server.sock.shutdown(socket.SHUT_RDWR)


def _code(error: Exception) -> str:
    """A constant word for what went wrong; nothing that the server said, for it may name people."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"smtp_{error.smtp_code}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "recipient_refused"
    if isinstance(error, smtplib.SMTPServerDisconnected):  # what the library makes of an answer that does not come
        return "no_answer"
    return type(error).__name__
