"""Who is told of findings, from the environment. Addresses and secrets are no settings: settings get into logs.

ALERTS              name=address, by spaces; https://… for a signed webhook, slack+https://… for Slack's format,
                    mailto:a@example.org,b@example.org for mail
ALERTS_SECRET       whsec_…, with which webhooks are signed; two of them by a space while they are changed
ALERTS_SEVERITY     `warning`, or `error` for those alone
ALERTS_MAIL         smtp://user:password@host:587 or smtps://…
ALERTS_MAIL_FROM    who the mails are from
ALERTS_DASHBOARD    the address before /crawls, for links
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal, cast
from urllib.parse import SplitResult, unquote, urlsplit

from standardwebhooks import Webhook

from trr_crawl.catalog.monitoring.checks import Severity
from trr_crawl.errors import UserError

Kind = Literal["webhook", "slack", "mail"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_RECIPIENT: Final = re.compile(r"[^\s@,<>]+@[^\s@,<>]+")
_SECRET: Final = re.compile(r"whsec_[A-Za-z0-9+/]{32,86}={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Somebody to tell. Only its name and kind may be shown."""

    name: str
    kind: Kind
    address: str = field(repr=False)
    """Where to post; for mail, the recipients by commas."""

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """All that is configured."""

    by_name: Mapping[str, Target] = field(default_factory=dict)
    severity: Severity = "warning"
    signers: tuple[Webhook, ...] = field(default=(), repr=False)
    mail: str = field(default="", repr=False)
    mail_from: str = "TRR <trr@localhost>"
    dashboard: str = ""

    def __iter__(self) -> Iterator[Target]:
        return iter(self.by_name.values())

    def __len__(self) -> int:
        return len(self.by_name)


def configured(environment: Mapping[str, str] = os.environ) -> Targets:
    """What the environment says; UserError, which repeats no address, for what is wrong with it."""
    by_name: dict[str, Target] = {}
    for number, text in enumerate(environment.get("ALERTS", "").split(), 1):
        name, equals, address = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise UserError(f"ALERTS: entry {number} is not name=address, the name of a-z, 0-9, - and _.")
        if name in by_name:
            raise UserError(f"ALERTS: {name} is named twice.")
        by_name[name] = _target(name, address)
    severity = environment.get("ALERTS_SEVERITY") or "warning"
    if severity not in ("warning", "error"):
        raise UserError(f"ALERTS_SEVERITY={severity} is neither warning nor error.")
    found = Targets(
        by_name=by_name,
        severity=cast(Severity, severity),
        signers=tuple(map(_signer, environment.get("ALERTS_SECRET", "").split())),
        mail=environment.get("ALERTS_MAIL", ""),
        mail_from=environment.get("ALERTS_MAIL_FROM") or Targets().mail_from,
        dashboard=environment.get("ALERTS_DASHBOARD", "").rstrip("/"),
    )
    kinds = {target.kind for target in found}
    if "webhook" in kinds and not found.signers:
        raise UserError("ALERTS has a webhook: set ALERTS_SECRET to whsec_ and 24 to 64 random bytes as base64.")
    if "mail" in kinds:
        url = _read(found.mail)
        if url is None or url.scheme not in ("smtp", "smtps") or not url.hostname:
            raise UserError("ALERTS has mail: set ALERTS_MAIL to smtp://user:password@host:587 or smtps://….")
    return found


def _target(name: str, address: str) -> Target:
    if address.startswith("mailto:"):
        recipients = [unquote(one) for one in address.removeprefix("mailto:").split(",")]
        if not all(map(_RECIPIENT.fullmatch, recipients)):
            raise UserError(f"ALERTS: {name} has a recipient that is no mail address.")
        return Target(name=name, kind="mail", address=", ".join(recipients))
    kind: Kind = "slack" if address.startswith("slack+") else "webhook"
    address = address.removeprefix("slack+")
    if (url := _read(address)) is None:
        raise UserError(f"ALERTS: the address of {name} cannot be read.")
    if url.scheme not in ("https", "http") or not url.hostname:
        raise UserError(f"ALERTS: the address of {name} begins with none of https://, slack+https:// and mailto:.")
    if url.scheme == "http" and not _is_loopback(url):
        raise UserError(f"ALERTS: {name} is on another host: its address must begin with https://.")
    return Target(name=name, kind=kind, address=address)


def _read(address: str) -> SplitResult | None:
    """The parts of an address; None, for the error would repeat it, where it has no such form."""
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:
        return None
    return url


def _is_loopback(url: SplitResult) -> bool:
    assert url.hostname is not None
    try:
        return ip_address(url.hostname).is_loopback
    except ValueError:
        return url.hostname == "localhost"


def _signer(secret: str) -> Webhook:
    # Shorter ones are not safe, and one without the prefix is most likely something else.
    wrong = UserError("ALERTS_SECRET is not whsec_ and 24 to 64 random bytes as base64.")
    if not _SECRET.fullmatch(secret):
        raise wrong
    try:
        return Webhook(secret)
    except ValueError:
        raise wrong from None  # it would repeat the secret
