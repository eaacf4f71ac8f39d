"""Mail by SMTP, for the crawler's alerts and the API's accounts. The standard library only."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

TIMEOUT: Final = 10.0


def send(address: str, message: EmailMessage) -> None:
    """Send by `smtp://user:password@host:port` with STARTTLS where the server has it, `smtps://…` with TLS from the
    start. Raises OSError or SMTPException."""
    url = urlsplit(address)
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    with kind(url.hostname or "localhost", url.port or 0, timeout=TIMEOUT) as server:
        server.ehlo()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
