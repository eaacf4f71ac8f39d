"""Mail: by SMTP, or shown on the console of whoever develops."""

from __future__ import annotations

import logging
import smtplib
import sys
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from trr_api.config import Settings

TIMEOUT = 10.0

_log = logging.getLogger(__name__)


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Send a mail. Runs after the answer: what fails is logged without the mail's text and its reader's address."""
    address = settings.mail.get_secret_value()
    if address == "console":
        sys.stdout.write(f"To: {to}\nSubject: {subject}\n\n{text}\n\n")
        sys.stdout.flush()
        return
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message.set_content(text)
    try:
        _by_smtp(address, message)
    except (OSError, smtplib.SMTPException) as error:
        _log.error("A mail could not be sent: %s", type(error).__name__)


def _by_smtp(address: str, message: EmailMessage) -> None:
    """`smtp://user:password@host:port` with STARTTLS where the server has it, `smtps://…` with TLS from the start."""
    url = urlsplit(address)
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    with kind(url.hostname or "localhost", url.port or 0, timeout=TIMEOUT) as server:
        server.ehlo()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
