"""One attempt to tell one receiver. Addresses are secrets: neither errors nor logs repeat them."""

from __future__ import annotations

import logging
import smtplib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Final

import requests

from trr_crawl import mail
from trr_crawl.alerts import messages
from trr_crawl.alerts.targets import Target, Targets
from trr_crawl.catalog.monitoring.outbox import Alert
from trr_crawl.retry_after import retry_after
from trr_crawl.version import VERSION

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0

# It logs the path of every address to debug.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class NotDelivered(Exception):
    """The receiver did not acknowledge; the message is a clause that says why, for people."""

    def __init__(self, why: str, *, refused: bool = False, not_before: timedelta = timedelta()) -> None:
        super().__init__(why)
        self.refused = refused
        """It is there, and would not have this alert."""
        self.not_before = not_before
        """It wants to be left alone for so long."""


def send(alert: Alert, target: Target, targets: Targets) -> None:
    """Tell a receiver. Raises NotDelivered, whatever went wrong: one alert must not keep all others."""
    try:
        _send(alert, target, targets)
    except NotDelivered:
        raise
    except Exception as error:  # its text may repeat the address
        raise NotDelivered(f"a bug of ours, {type(error).__name__}", refused=True) from None


def _send(alert: Alert, target: Target, targets: Targets) -> None:
    match target.kind:
        case "webhook":
            body = messages.webhook(alert, targets.dashboard)
            _post(target.address, body, signature(alert, body, targets))
        case "slack":
            _post(target.address, messages.slack(alert, targets.dashboard), {})
        case "mail":
            _mail(messages.mail(alert, target.address, targets.mail_from, targets.dashboard), targets.mail)


def signature(alert: Alert, body: str, targets: Targets) -> dict[str, str]:
    """The headers of Standard Webhooks: signed with every secret, so that receivers can change theirs."""
    now = datetime.now(UTC)
    name = f"msg_{alert.message_id.hex}"
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signer.sign(name, now, body) for signer in targets.signers),
    }


def _post(address: str, body: str, headers: dict[str, str]) -> None:
    try:
        with requests.post(
            address,
            data=body.encode(),
            headers={"Content-Type": "application/json", "User-Agent": f"trr/{VERSION}", **headers},
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            # Who redirects is not who was configured.
            allow_redirects=False,
            stream=True,  # what it says besides its status is not read
        ) as answer:
            status, wait = answer.status_code, answer.headers.get("Retry-After", "")
    # Not chained: these errors repeat the address.
    except requests.Timeout:
        raise NotDelivered("it gave no answer in time") from None
    except requests.exceptions.SSLError:
        raise NotDelivered("its certificate cannot be trusted") from None
    except requests.RequestException as error:
        raise NotDelivered(f"it cannot be reached ({type(error).__name__})") from None
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotDelivered(f"it redirects ({status}): put its new address into ALERTS")
    raise NotDelivered(
        f"it answered {status}",
        refused=400 <= status < 500 and status not in (408, 425, 429),
        not_before=_asked_to_wait(wait),
    )


def _asked_to_wait(value: str) -> timedelta:
    """By Retry-After; a day at most, and nothing for what cannot be read."""
    try:
        return min(timedelta(seconds=retry_after(value, datetime.now(UTC))), timedelta(days=1))
    except ValueError:
        return timedelta()


def _mail(message: EmailMessage, server: str) -> None:
    try:
        mail.send(server, message)
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"the mail server answered {error.smtp_code}") from None  # it may repeat who logs in
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(f"the mail server cannot be used ({type(error).__name__})") from None
