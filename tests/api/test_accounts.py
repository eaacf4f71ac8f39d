"""Accounts: opening one, logging in, staying logged in, tokens of others, and what goes wrong with them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from threading import Thread
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from anyio import to_thread
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from people import Town, mailed, user
from serving import Checked, served, settings
from support import free_port
from trr_api import __main__ as command
from trr_api.accounts import mail, passwords, queries
from trr_api.accounts.service import name_from
from trr_api.app import create_app

PASSWORD = "correct horse battery"


def open_account(town: Town, capsys: pytest.CaptureFixture[str], name: str) -> dict[str, str]:
    client = town.client()
    email = f"{name}@mail.example"
    assert client.post("/accounts/registration", json={"email": email}).status_code == 202
    body = {"token": mailed(capsys, "confirm"), "name": name, "password": PASSWORD}
    answer = client.post("/accounts", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_an_account_is_opened_by_mail_and_logged_in_to(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = open_account(town, capsys, "ada")
    client = town.client()
    me = client.get("/me", headers=bearer(tokens["access_token"]))
    assert (me.json()["name"], me.json()["role"], me.json()["ban"]) == ("ada", "user", None)
    assert me.headers["cache-control"] == "private, no-cache"
    again = client.post("/accounts/login", json={"email": "ADA@mail.example", "password": PASSWORD})
    assert again.status_code == 200
    assert client.get("/me", headers=bearer(again.json()["access_token"])).json() == me.json()


def test_a_profile_is_seen_by_others(town: Town) -> None:
    client = town.client("bea")
    assert client.put("/me", json={"display_name": "Bea B.", "bio": "I like boats."}).status_code == 204
    found = town.client().get("/users/bea").json()
    assert (found["display_name"], found["bio"]) == ("Bea B.", "I like boats.")
    assert town.client().get("/users/nobody_at_all").status_code == 404
    for name in ("", "\u202eadmin", "a\nb", "\u200b", "\x00"):
        assert client.put("/me", json={"display_name": name}).status_code == 422


def test_refresh_tokens_are_good_once_and_end_the_log_in_the_second_time(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    first = open_account(town, capsys, "cleo")
    client = town.client()
    second = client.post("/accounts/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert client.get("/me", headers=bearer(second["access_token"])).status_code == 200
    assert client.post("/accounts/refresh", json={"refresh_token": first["refresh_token"]}).status_code == 401
    # The thief's copy came second: now neither of them is in.
    assert client.post("/accounts/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
    assert client.get("/me", headers=bearer(second["access_token"])).status_code == 401


def test_of_two_who_refresh_at_once_at_most_one_gets_a_pair(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    pair = open_account(town, capsys, "dora")

    def refresh(_: int) -> int:
        return town.client().post("/accounts/refresh", json={"refresh_token": pair["refresh_token"]}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(refresh, range(8))) == [200] + [401] * 7


def test_logging_out_ends_one_log_in_or_all_of_them(town: Town) -> None:
    person = user(town.connection, "emil")
    one, other, third = (bearer(town.token(person)) for _ in range(3))
    client = town.client()
    assert client.post("/accounts/logout", json={}, headers=one).status_code == 204
    assert [client.get("/me", headers=token).status_code for token in (one, other, third)] == [401, 200, 200]
    assert client.post("/accounts/logout", json={"everywhere": True}, headers=other).status_code == 204
    assert [client.get("/me", headers=token).status_code for token in (other, third)] == [401, 401]


def test_a_password_is_reset_once_by_mail_and_ends_all_log_ins(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    pair = open_account(town, capsys, "finn")
    client = town.client()
    assert client.post("/accounts/password-reset", json={"email": "finn@mail.example"}).status_code == 202
    token = mailed(capsys, "reset")
    assert client.get("/me", headers=bearer(token)).status_code == 401, "a mail's token is for nothing else"
    wanted = {"token": token, "password": "another good one"}
    assert client.post("/accounts", json={**wanted, "name": "finn2"}).status_code == 401
    assert client.post("/accounts/password", json=wanted).status_code == 204
    assert client.post("/accounts/password", json=wanted).status_code == 401
    assert client.get("/me", headers=bearer(pair["access_token"])).status_code == 401
    log_in = {"email": "finn@mail.example", "password": PASSWORD}
    assert client.post("/accounts/login", json=log_in).status_code == 401
    assert client.post("/accounts/login", json={**log_in, "password": "another good one"}).status_code == 200


def test_a_log_in_with_the_old_password_does_not_outlast_its_change(
    town: Town, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account(town, capsys, "flora")
    client = town.client()
    client.post("/accounts/password-reset", json={"email": "flora@mail.example"})
    wanted = {"token": mailed(capsys, "reset"), "password": "another good one"}
    is_right = passwords.is_right

    async def slow(password: str, kept: str | None) -> bool:
        found = await is_right(password, kept)
        answer = await to_thread.run_sync(lambda: client.post("/accounts/password", json=wanted))
        return found and answer.status_code == 204

    monkeypatch.setattr(passwords, "is_right", slow)
    log_in = {"email": "flora@mail.example", "password": PASSWORD}
    assert town.client().post("/accounts/login", json=log_in).status_code == 401


def test_a_change_of_the_password_ends_the_log_in_that_it_waited_for(
    town: Town, people_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    open_account(town, capsys, "fritz")
    client = town.client()
    client.post("/accounts/password-reset", json={"email": "fritz@mail.example"})
    wanted = {"token": mailed(capsys, "reset"), "password": "another good one"}
    [(person, kept)] = town.connection.execute(
        "SELECT user_id, password_hash FROM credentials WHERE email = 'fritz@mail.example'"
    ).fetchall()
    values = [person, b"x" * 32, timedelta(days=1), kept]
    with ThreadPoolExecutor(1) as pool, psycopg.connect(people_url, cursor_factory=psycopg.RawCursor) as other:
        [(session,)] = other.execute(queries.LOG_IN, values).fetchall()
        changing = pool.submit(client.post, "/accounts/password", json=wanted)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not town.one(waiting):
            assert not changing.done()
            time.sleep(0.01)
        other.commit()
        assert changing.result().status_code == 204
    assert town.one("SELECT revoked_at IS NOT NULL FROM sessions WHERE id = %s", session)


def test_a_link_that_is_used_twice_at_once_opens_one_account(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    client = town.client()
    client.post("/accounts/registration", json={"email": "ilse@mail.example"})
    wanted = {"token": mailed(capsys, "confirm"), "password": PASSWORD}

    def confirm(number: int) -> int:
        return town.client().post("/accounts", json={**wanted, "name": f"ilse_{number}"}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, range(4))) == [201, 409, 409, 409]
    assert town.one("SELECT count(*) FROM users WHERE starts_with(name, 'ilse_')") == 1


def test_nobody_learns_which_addresses_have_an_account(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    open_account(town, capsys, "gina")
    client = town.client()
    for path in ("/accounts/registration", "/accounts/password-reset"):
        answers = [client.post(path, json={"email": f"{name}@mail.example"}) for name in ("gina", "nobody")]
        assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
    mailed(capsys, "reset")

    def seconds(email: str) -> float:
        started = time.perf_counter()
        answer = client.post("/accounts/login", json={"email": email, "password": "wrong wrong"})
        assert (answer.status_code, answer.json()["detail"]) == (401, "The address or the password is wrong.")
        return time.perf_counter() - started

    known = median(seconds("gina@mail.example") for _ in range(5))
    unknown = median(seconds(f"nobody{number}@mail.example") for number in range(5))
    assert 0.5 < known / unknown < 2


def test_names_are_somebodys_alone_and_links_are_good_once(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    open_account(town, capsys, "hans")
    client = town.client()
    client.post("/accounts/registration", json={"email": "hans2@mail.example"})
    body = {"token": mailed(capsys, "confirm"), "name": "hans", "password": PASSWORD}
    assert client.post("/accounts", json=body).status_code == 409
    assert client.post("/accounts", json={**body, "name": "hans_2"}).status_code == 201
    assert client.post("/accounts", json={**body, "name": "hans_3"}).status_code == 409


def test_guessing_passwords_is_stopped_and_not_only_for_those_that_exist(
    people_url: str, town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    open_account(town, capsys, "ida")
    with served(create_app(settings(people_url, login_limit="3/hour"))) as address, httpx.Client() as client:
        for email in ("ida@mail.example", "nobody@mail.example"):
            found = [
                client.post(
                    f"{address}/api/v1/accounts/login", json={"email": email, "password": "wrong wrong"}
                ).status_code
                for _ in range(5)
            ]
            assert found == [401, 401, 401, 429, 429]


@pytest.mark.parametrize(
    "body",
    [
        {"email": "no address", "password": PASSWORD},
        {"email": "a@b.example", "password": 12},
        {"email": "a\x00@b.example", "password": PASSWORD},
        {"email": "a@b.example"},
        {"email": "a@b.example", "password": PASSWORD, "role": "admin"},
        [],
    ],
)
def test_nonsense_is_a_problem_that_does_not_repeat_the_password(town: Town, body: Any) -> None:
    answer = town.client().post("/accounts/login", json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_no_password_and_no_token_is_in_a_log(
    town: Town, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        pair = open_account(town, capsys, "jon")
        town.client().post("/accounts/login", json={"email": "jon@mail.example", "password": PASSWORD})
        town.client().get("/me", headers=bearer(pair["access_token"]))
    for secret in (PASSWORD, *(pair[name] for name in ("access_token", "refresh_token"))):
        assert secret not in caplog.text


class Inbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.letters: list[Envelope] = []

    async def handle_DATA(self, _: object, __: object, envelope: Envelope) -> str:  # noqa: N802
        self.letters.append(envelope)
        return "250 OK"


def test_mail_goes_out_by_smtp(people_url: str) -> None:
    inbox = Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        configured = settings(people_url, mail=f"smtp://127.0.0.1:{server.port}", mail_from="TRR <trr@site.example>")
        mail.send(
            configured, "ada@mail.example", "Your account", "Choose a name here:\n\nhttps://site.example/" + "x" * 200
        )
    finally:
        server.stop()
    [letter] = inbox.letters
    assert (letter.mail_from, letter.rcpt_tos) == ("trr@site.example", ["ada@mail.example"])
    message = message_from_bytes(letter.content, policy=default)
    assert message["subject"] == "Your account"
    assert "x" * 200 in message.get_content()


def test_mail_that_cannot_be_sent_is_logged_without_its_text(people_url: str, caplog: pytest.LogCaptureFixture) -> None:
    mail.send(settings(people_url, mail=f"smtp://me:sesame@127.0.0.1:{free_port()}"), "a@b.example", "x", "a secret")
    assert "could not be sent" in caplog.text
    for secret in ("sesame", "a secret", "a@b.example"):
        assert secret not in caplog.text


class TestTokens:
    def test_what_is_not_signed_here_is_refused(self, town: Town) -> None:
        person = user(town.connection, "kim")
        good = town.token(person)
        claims = jwt.decode(good, options={"verify_signature": False})
        secret = town.app.state.accounts.tokens._secret
        bad = {
            "unsigned": jwt.encode(claims, None, algorithm="none"),
            "another key": jwt.encode(claims, "x" * 32, algorithm="HS256"),
            "another algorithm": jwt.encode(claims, secret * 2, algorithm="HS512"),
            "expired": jwt.encode({**claims, "exp": int(time.time()) - 60}, secret, algorithm="HS256"),
            "from the future": jwt.encode({**claims, "iat": int(time.time()) + 600}, secret, algorithm="HS256"),
            "endless": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, secret, algorithm="HS256"),
            "another audience": jwt.encode({**claims, "aud": "mail reset"}, secret, algorithm="HS256"),
            "another issuer": jwt.encode({**claims, "iss": "elsewhere"}, secret, algorithm="HS256"),
            "no person": jwt.encode({**claims, "sub": "root"}, secret, algorithm="HS256"),
            "another's log-in": jwt.encode(
                {**claims, "sub": str(user(town.connection, "lea"))}, secret, algorithm="HS256"
            ),
            "long": "a" * 10_000,
            "nonsense": "a.b.c",
        }
        client = town.client()
        assert client.get("/me", headers=bearer(good)).status_code == 200
        for what, token in bad.items():
            for path in ("/me", "/users/kim"):
                answer = client.get(path, headers=bearer(token))
                assert answer.status_code == 401, what
                assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_clocks_may_differ_a_little(self, town: Town) -> None:
        person = user(town.connection, "max")
        tokens = town.app.state.accounts.tokens
        claims = jwt.decode(town.token(person), options={"verify_signature": False})
        late = jwt.encode({**claims, "exp": int(time.time()) - 10}, tokens._secret, algorithm="HS256")
        assert town.client().get("/me", headers=bearer(late)).status_code == 200

    def test_a_token_for_development_is_printed(
        self, people_url: str, town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", people_url)
        monkeypatch.setattr("sys.argv", ["trr_api", "token", "--user", "nora", "--role", "moderator"])
        monkeypatch.delenv("TRR_API_SECRET", raising=False)
        assert command.main() == 2
        assert "TRR_API_SECRET" in capsys.readouterr().err
        monkeypatch.setenv("TRR_API_SECRET", "a secret of the tests")
        assert command.main() == 0
        token = capsys.readouterr().out.strip()
        me = town.client().get("/me", headers=bearer(token)).json()
        assert (me["name"], me["role"]) == ("nora", "moderator")


class Provider:
    """An identity provider: its keys on a socket of loopback."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[Any, str]] = {}
        self.asked = 0
        self.is_away = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                body = provider.public()
                self.send_response(503 if provider.is_away else 200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/jwks"

    def add(self, kid: str, algorithm: str) -> None:
        is_rsa = algorithm == "RS256"
        key = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
        self.keys[kid] = key, algorithm

    def public(self) -> bytes:
        found = []
        for kid, (key, algorithm) in self.keys.items():
            kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
            found.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "alg": algorithm, "use": "sig"})
        return json.dumps({"keys": found}).encode()

    def token(self, kid: str, **claims: Any) -> str:
        key, algorithm = self.keys[kid]
        usual = {"iss": "https://id.example/", "aud": "app", "sub": "u|1", "exp": int(time.time()) + 60}
        return jwt.encode({**usual, **claims}, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def foreign(people_url: str, provider: Provider) -> Iterator[httpx.Client]:
    configured = settings(people_url, jwt_issuer="https://id.example/", jwt_audience="app", jwks_url=provider.url)
    app = create_app(configured)
    with (
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", event_hooks={"response": [Checked(app)]}) as client,
    ):
        yield client


class TestIdentityProviders:
    @pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
    def test_their_people_get_an_account_on_first_sight(
        self, foreign: httpx.Client, provider: Provider, algorithm: str
    ) -> None:
        provider.add("k1", algorithm)
        claims = {"sub": f"{algorithm}|1", "preferred_username": f"Zoë {algorithm}"}
        found = [foreign.get("/me", headers=bearer(provider.token("k1", **claims))).json() for _ in range(2)]
        assert found[0]["name"] == f"zoe_{algorithm.lower()}"
        assert found[0] == found[1]
        other = foreign.get("/me", headers=bearer(provider.token("k1", **{**claims, "sub": f"{algorithm}|2"}))).json()
        assert other["id"] != found[0]["id"]
        assert other["name"].startswith(f"zoe_{algorithm.lower()}_")
        assert provider.asked == 1

    @pytest.mark.parametrize("name", ["Ada\u202e", "a\x00b", "Ada\nL.", "\u200b", "  Ada   " + "x" * 80])
    def test_a_name_from_elsewhere_is_seen_only_where_one_may_have_it_here(
        self, foreign: httpx.Client, provider: Provider, name: str
    ) -> None:
        provider.add("k1", "ES256")
        answer = foreign.get("/me", headers=bearer(provider.token("k1", sub=f"named {name!r}", name=name)))
        assert answer.status_code == 200
        assert answer.json()["display_name"] == (("Ada   " + "x" * 54) if "x" * 80 in name else None)

    def test_first_requests_at_once_make_one_account(self, foreign: httpx.Client, provider: Provider) -> None:
        provider.add("k1", "ES256")
        headers = bearer(provider.token("k1", sub="twins"))
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: foreign.get("/me", headers=headers).json()["id"], range(8)))
        assert len(set(found)) == 1

    def test_bad_tokens_of_theirs_are_refused(self, foreign: httpx.Client, provider: Provider) -> None:
        provider.add("k1", "RS256")
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(provider.keys["k1"][0].public_key()))["n"]
        good = provider.token("k1")
        claims = jwt.decode(good, options={"verify_signature": False})
        assert foreign.get("/me", headers=bearer(good)).status_code == 200
        impostor = Provider()
        impostor.add("k1", "RS256")
        for what, token in {
            "the public key as a secret": jwt.encode(claims, public, algorithm="HS256", headers={"kid": "k1"}),
            "unsigned": jwt.encode(claims, None, algorithm="none", headers={"kid": "k1"}),
            "another's key": impostor.token("k1"),
            "another audience": provider.token("k1", aud="other"),
            "another issuer": provider.token("k1", iss="https://else.example/"),
            "expired": provider.token("k1", exp=int(time.time()) - 60),
            "unknown key": jwt.encode(claims, provider.keys["k1"][0], algorithm="RS256", headers={"kid": "k9"}),
        }.items():
            assert foreign.get("/me", headers=bearer(token)).status_code == 401, what
        impostor.server.shutdown()
        impostor.server.server_close()

    def test_keys_rotate_and_unknown_ones_do_not_flood_the_provider(
        self, foreign: httpx.Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider.add("k1", "ES256")
        assert foreign.get("/me", headers=bearer(provider.token("k1"))).status_code == 200
        provider.add("k2", "ES256")
        for _ in range(5):
            assert foreign.get("/me", headers=bearer(provider.token("k2"))).status_code == 401
        assert provider.asked == 1
        monkeypatch.setattr("trr_api.accounts.tokens.KEYS_PAUSE_SECONDS", 0.0)
        assert foreign.get("/me", headers=bearer(provider.token("k2"))).status_code == 200
        monkeypatch.setattr("trr_api.accounts.tokens.KEYS_SECONDS", 0.0)
        provider.is_away = True
        assert foreign.get("/me", headers=bearer(provider.token("k2"))).status_code == 200, "known keys stay good"
        provider.is_away = False
        del provider.keys["k1"], provider.keys["k2"]
        provider.add("k3", "ES256")
        assert foreign.get("/me", headers=bearer(provider.token("k3"))).status_code == 200

    def test_who_was_deleted_by_another_process_comes_back_as_somebody_new(
        self, foreign: httpx.Client, provider: Provider, people_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("trr_api.accounts.service.KNOWN_SECONDS", 0.2)
        provider.add("k1", "ES256")
        headers = bearer(provider.token("k1", sub="phoenix"))
        before = foreign.get("/me", headers=headers).json()["id"]
        with psycopg.connect(people_url) as connection:
            connection.execute("DELETE FROM identities WHERE user_id = %s", [before])
            connection.execute("DELETE FROM users WHERE id = %s", [before])
        time.sleep(0.2)
        after = foreign.get("/me", headers=headers)
        assert after.status_code == 200
        assert after.json()["id"] != before

    def test_a_provider_that_is_away_is_told_as_such(self, foreign: httpx.Client, provider: Provider) -> None:
        provider.add("k1", "ES256")
        provider.is_away = True
        assert foreign.get("/me", headers=bearer(provider.token("k1"))).status_code == 503


@pytest.mark.parametrize(
    ("text", "name"), [("Zoë Å.", "zoe_a"), ("ada@mail.example", "ada"), ("x" * 50, "x" * 30), ("A__b", "a_b")]
)
def test_names_from_elsewhere_become_ones_that_can_be_mentioned(text: str, name: str) -> None:
    assert name_from(text) == name


def test_what_cannot_be_a_name_becomes_one(people_url: str) -> None:
    with psycopg.connect(people_url) as connection:
        for text in ("", "日本", "a"):
            user(connection, name_from(text))
        connection.rollback()


def test_half_a_provider_is_refused(people_url: str) -> None:
    with pytest.raises(ValueError, match="jwt_issuer"):
        settings(people_url, jwt_issuer="https://id.example/")
