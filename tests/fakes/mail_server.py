"""A real SMTP server on this machine that keeps what it takes, and fails as told."""

import email
import email.policy
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from types import TracebackType
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCEPTED = "250 taken"


class _Controller(Controller):
    """Takes any free port; aiosmtpd would look for itself on the one that it was given."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """``answer(recipient)`` is what a mail is answered with; ``mails`` are those that were taken."""

    def __init__(self, *, user: str = "", password: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answer: Callable[[str], str] = lambda _recipient: ACCEPTED
        self.logged_in: list[bool] = []
        self._user, self._password = user, password
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0}
        if tls is not None:
            options |= {"tls_context": tls, "require_starttls": True}
        if user:
            options |= {"authenticator": self._authenticate, "auth_require_tls": False}
        self._controller = _Controller(self, **options)

    def __enter__(self) -> "MailServer":
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        who = f"{self._user}:{self._password}@" if self._user else ""
        return f"smtp://{who}127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.answer(address)
        if answer == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = cast(bytes, envelope.content)
        self.mails.append(cast(EmailMessage, email.message_from_bytes(content, policy=email.policy.default)))
        self.recipients += envelope.rcpt_tos
        return ACCEPTED

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        right = (data.login.decode(), data.password.decode()) == (self._user, self._password)
        self.logged_in.append(right)
        return AuthResult(success=right, handled=right)  # else the server answers 535
