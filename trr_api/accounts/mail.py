"""Mail: by SMTP, or shown on the console of whoever develops."""

from __future__ import annotations

import logging
import smtplib
import sys
from email.message import EmailMessage

from trr_api.config import Settings
from trr_crawl import mail

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
        mail.send(address, message)
    except (OSError, smtplib.SMTPException) as error:
        _log.error("A mail could not be sent: %s", type(error).__name__)
