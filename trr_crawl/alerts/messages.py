"""An alert in the words and the shape that a receiver wants."""

from __future__ import annotations

import json
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, Final

from trr_crawl.catalog.monitoring.outbox import Alert

LONGEST: Final = 2000
"""Characters of a sentence in Slack: the reason of a run may be long."""

_SIGNS: Final = {"error": ":red_circle:", "warning": ":large_yellow_circle:", "resolved": ":white_check_mark:"}


def webhook(alert: Alert, dashboard: str = "") -> str:
    """The body of a webhook: JSON with `type`, `timestamp` and `data`, as Standard Webhooks wants it."""
    data: dict[str, Any] = {
        "finding": alert.finding_id,
        "key": alert.key,
        "scope": alert.scope,
        "rule": alert.rule,
        "severity": alert.severity,
        "subject": alert.subject,
        "message": alert.message,
        "advice": alert.advice,
        "run_id": None if alert.run_id is None else str(alert.run_id),
        "found_at": alert.found_at.isoformat(),
        "resolved_at": None if alert.resolved_at is None else alert.resolved_at.isoformat(),
        "url": link(alert, dashboard),
    }
    told = {"type": f"crawl.finding.{alert.event}", "timestamp": alert.at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def slack(alert: Alert, dashboard: str = "") -> str:
    """The body for an incoming webhook of Slack, and of others who take that format."""
    sign = _SIGNS["resolved" if alert.event == "resolved" else alert.severity]
    lines = [f"{sign} *{_escaped(headline(alert))}*", _escaped(alert.message[:LONGEST])]
    if alert.event == "opened":
        lines.append(_escaped(alert.advice))
    if (url := link(alert, dashboard)) is not None:
        lines.append(f"<{_escaped(url)}|Look at it>")
    return json.dumps({"text": "\n".join(lines), "mrkdwn": True}, ensure_ascii=False)


def mail(alert: Alert, to: str, sender: str, dashboard: str = "") -> EmailMessage:
    """A mail; in another attempt it has the same Message-ID, so that mailboxes know it again."""
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = f"[TRR] {headline(alert)}"
    message["Date"] = format_datetime(alert.at)
    message["Message-ID"] = f"<{alert.message_id}@{parseaddr(sender)[1].rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [alert.message, *([alert.advice] if alert.event == "opened" else []), link(alert, dashboard)]
    message.set_content("\n\n".join(filter(None, lines)))
    return message


def headline(alert: Alert) -> str:
    """What it is about, on one line."""
    words = f"{alert.scope}: {alert.rule.replace('_', ' ')} {alert.subject}"
    return " ".join((f"Resolved: {words}" if alert.event == "resolved" else words).split())


def link(alert: Alert, dashboard: str) -> str | None:
    """Where one can look at it; None if nobody said where the pages are."""
    if not dashboard:
        return None
    return f"{dashboard}/crawls" if alert.run_id is None else f"{dashboard}/crawls/runs/{alert.run_id}"


def _escaped(text: str) -> str:
    """Slack's own three characters; what pages say must mention nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
