"""Who is told, out of the environment: what is understood, what is refused, and that no secret is repeated."""

from __future__ import annotations

import pytest
from receiver import SECRET

from trr_crawl.alerts.targets import configured
from trr_crawl.errors import UserError


def test_targets_have_names_kinds_and_secret_addresses() -> None:
    found = configured(
        {
            "ALERTS": "pager=https://pager.example/in/key ops=slack+https://hooks.chat.example/T1/B2/key "
            "mail=mailto:ana@example.org,bob@example.org here=http://127.0.0.1:9/hook six=http://[::1]:9/",
            "ALERTS_SECRET": SECRET,
            "ALERTS_MAIL": "smtp://me:sesame@mail.example:587",
            "ALERTS_SEVERITY": "error",
            "ALERTS_DASHBOARD": "https://trr.example/",
        }
    )
    assert [str(target) for target in found] == [
        "pager (webhook)", "ops (slack)", "mail (mail)", "here (webhook)", "six (webhook)",
    ]  # fmt: skip
    assert found.by_name["ops"].address == "https://hooks.chat.example/T1/B2/key"
    assert found.by_name["mail"].address == "ana@example.org, bob@example.org"
    assert (found.severity, found.dashboard) == ("error", "https://trr.example")
    for secret in ("key", "sesame", "ana@", "C2FV"):
        assert secret not in repr(found)


def test_without_configuration_nobody_is_told() -> None:
    assert not configured({})
    assert not configured({"ALERTS": "  "})


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"ALERTS": "https://pager.example/sesame"}, "entry 1 is not name=address"),
        ({"ALERTS": "Ops!=https://pager.example/sesame"}, "entry 1 is not name=address"),
        ({"ALERTS": "a=https://x.example/ a=https://y.example/"}, "a is named twice"),
        ({"ALERTS": "a=http://pager.example/sesame"}, "must begin with https://"),
        ({"ALERTS": "a=slack+http://10.0.0.7/sesame"}, "must begin with https://"),
        ({"ALERTS": "a=http://localhost.example/sesame"}, "must begin with https://"),
        ({"ALERTS": "a=ftp://pager.example/sesame"}, "begins with none of"),
        ({"ALERTS": "a=https:///sesame"}, "begins with none of"),
        ({"ALERTS": "a=https://[::1/sesame"}, "cannot be read"),
        ({"ALERTS": "a=https://pager.example:sesame/"}, "cannot be read"),
        ({"ALERTS": "a=mailto:sesame", "ALERTS_MAIL": "smtp://mail.example"}, "no mail address"),
        ({"ALERTS": "a=mailto:ana@example.org"}, "set ALERTS_MAIL"),
        ({"ALERTS": "a=mailto:ana@example.org", "ALERTS_MAIL": "https://sesame@mail.example"}, "set ALERTS_MAIL"),
        ({"ALERTS": "a=mailto:ana@example.org", "ALERTS_MAIL": "smtp://mail.example:sesame"}, "set ALERTS_MAIL"),
        ({"ALERTS": "a=https://pager.example/"}, "set ALERTS_SECRET"),
        ({"ALERTS": "a=https://pager.example/", "ALERTS_SECRET": "sesame"}, "is not whsec_"),
        ({"ALERTS": "a=https://pager.example/", "ALERTS_SECRET": "whsec_sesame"}, "is not whsec_"),
        ({"ALERTS": "a=https://pager.example/", "ALERTS_SECRET": "whsec_" + "sesame!" * 6}, "is not whsec_"),
        ({"ALERTS_SEVERITY": "terrible"}, "neither warning nor error"),
    ],
)
def test_what_is_wrong_is_said_without_the_address(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        configured(environment)
    assert "sesame" not in str(raised.value)
    assert raised.value.__cause__ is None
