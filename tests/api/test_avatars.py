"""Avatars: told by their bytes, made anew, kept in the store, and gone when they are taken away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
import pytest
from images.pictures import SVG, bomb, picture
from moto.server import ThreadedMotoServer
from PIL import Image

from people import Town
from serving import served, settings
from trr_api.app import create_app
from trr_api.routing import LARGEST_AVATAR

_names = count(1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def shown(people_url: str, store: Path) -> Iterator[Town]:
    """The API with a store in a folder."""
    app = create_app(settings(people_url, images_store=str(store)))
    with served(app) as address, psycopg.connect(people_url, autocommit=True) as connection:
        people = Town(app, address, connection)
        yield people
        people.close()


@pytest.fixture
def name() -> str:
    return f"shown_{next(_names)}"


@pytest.fixture
def ada(shown: Town, name: str) -> httpx.Client:
    return shown.client(name)


def choose(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.put("/me/avatar", content=content, headers={"content-type": "application/octet-stream"})


def test_it_is_a_square_without_anything_beside_its_pixels(
    shown: Town, store: Path, ada: httpx.Client, name: str
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Taken at home"
    assert ada.get("/me").json()["avatar_url"] is None
    assert choose(ada, picture(size=(900, 500), exif=exif)).status_code == 204
    url = ada.get("/me").json()["avatar_url"]
    assert re.fullmatch(rf"/objects/avatars/{ada.get('/me').json()['id']}/[0-9a-f]{{32}}\.webp", url)
    assert shown.client().get(f"/users/{name}").json()["avatar_url"] == url
    answer = httpx.get(f"{shown.address}{url}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["cache-control"]
    with Image.open(BytesIO(answer.content)) as made:
        assert (made.format, made.size, dict(made.getexif())) == ("WEBP", (400, 400), {})
    assert b"home" not in answer.content


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (37, 900), (400, 400)])
def test_whatever_its_format_and_size(ada: httpx.Client, format_: str, size: tuple[int, int]) -> None:
    assert choose(ada, picture(size=size, format_=format_)).status_code == 204
    assert ada.get("/me").json()["avatar_url"].endswith(".webp")


def test_the_one_before_goes(store: Path, ada: httpx.Client) -> None:
    def kept() -> list[str]:
        folder = store / "avatars" / ada.get("/me").json()["id"]
        return sorted(path.name for path in folder.glob("*.webp"))

    choose(ada, picture(1))
    choose(ada, picture(1))
    [first] = kept()
    choose(ada, picture(2))
    [second] = kept()
    assert second != first
    for _ in range(2):
        assert ada.delete("/me/avatar").status_code == 204
    assert ada.get("/me").json()["avatar_url"] is None
    assert kept() == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Send the bytes"),
        (b"<html><script>alert(1)</script></html>", "it is HTML"),
        (SVG, "SVG"),
        (picture(format_="GIF"), "image/gif"),
        (picture(format_="PNG")[:-40], "breaks off"),
        (picture()[:200] + b"\0" * 4000 + b"\xff\xd9", "cannot be"),
        (bomb(), "pixels"),
    ],
)
def test_what_is_no_such_picture_is_refused(store: Path, ada: httpx.Client, content: bytes, why: str) -> None:
    answer = choose(ada, content)
    assert (answer.status_code, why in answer.json()["detail"]) == (422, True), answer.text
    assert ada.get("/me").json()["avatar_url"] is None
    assert not (store / "avatars" / ada.get("/me").json()["id"]).exists()


def test_two_megabytes_are_the_most(ada: httpx.Client) -> None:
    for content in (b"x" * (LARGEST_AVATAR + 1), iter([b"x" * LARGEST_AVATAR, b"xx"])):
        assert ada.put("/me/avatar", content=content).status_code == 413


def test_it_is_ones_own(shown: Town, store: Path, ada: httpx.Client) -> None:
    identifier = ada.get("/me").json()["id"]
    nobody = shown.client()
    assert choose(nobody, picture()).status_code == 401
    assert nobody.delete("/me/avatar").status_code == 401
    ada.post("/accounts/logout", json={})
    assert choose(ada, picture()).status_code == 401
    assert not (store / "avatars" / identifier).exists()


def test_a_moderator_takes_one_away(shown: Town, store: Path, ada: httpx.Client, name: str) -> None:
    mod = shown.client(f"mod_{name}", "moderator")
    path = f"/moderation/users/{name}/avatar"
    choose(ada, picture())
    folder = store / "avatars" / ada.get("/me").json()["id"]
    assert [client.delete(path).status_code for client in (shown.client(), ada)] == [401, 403]
    assert len(list(folder.glob("*.webp"))) == 1
    for _ in range(2):
        assert mod.delete(path).status_code == 204
    assert mod.delete("/moderation/users/nobody_at_all/avatar").status_code == 404
    assert ada.get("/me").json()["avatar_url"] is None
    assert list(folder.glob("*.webp")) == []
    entries = [entry for entry in mod.get("/moderation/log").json()["data"] if entry["action"] == "avatar_removed"]
    assert [entry["user"]["name"] for entry in entries] == [name], "once"


def test_the_banned_do_not_change_how_they_are_seen(shown: Town, store: Path, ada: httpx.Client, name: str) -> None:
    mod = shown.client(f"mod_{name}", "moderator")
    mod.post("/moderation/bans", json={"name": name, "reason": "Pictures"})
    refused = [choose(ada, picture()), ada.delete("/me/avatar"), ada.put("/me", json={"bio": "Hi"})]
    assert [(answer.status_code, "banned" in answer.text) for answer in refused] == [(403, True)] * 3
    assert not (store / "avatars" / ada.get("/me").json()["id"]).exists()
    mod.delete(f"/moderation/bans/{name}")
    assert choose(ada, picture()).status_code == 204


def test_what_was_kept_for_a_log_in_that_ended_meanwhile_goes(
    shown: Town, store: Path, ada: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = ada.get("/me").json()["id"]
    keep = shown.app.state.avatars.keep

    async def slow(*given: Any) -> str:
        made: str = await keep(*given)
        shown.connection.execute("UPDATE sessions SET revoked_at = now() WHERE user_id = %s", [identifier])
        return made

    monkeypatch.setattr(shown.app.state.avatars, "keep", slow)
    assert choose(ada, picture()).status_code == 401
    assert list((store / "avatars" / identifier).glob("*.webp")) == []


def test_where_the_store_takes_nothing_the_caller_is_told(people_url: str, tmp_path: Path, name: str) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    app = create_app(settings(people_url, images_store=str(blocked)))
    with served(app) as address, psycopg.connect(people_url, autocommit=True) as connection:
        town = Town(app, address, connection)
        client = town.client(name)
        assert choose(client, picture()).status_code == 503
        assert client.get("/me").json()["avatar_url"] is None
        town.close()


def test_a_bucket_keeps_them_too(people_url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        bucket = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        bucket.create_bucket(Bucket="faces")
        configured = settings(
            people_url,
            images_store="s3://faces/test",
            images_cdn_url="https://cdn.pictures.test",
            aws_endpoint_url=endpoint,
            aws_region="us-east-1",
        )
        app = create_app(configured)
        with served(app) as address, psycopg.connect(people_url, autocommit=True) as connection:
            town = Town(app, address, connection)
            client = town.client(name)
            assert choose(client, picture()).status_code == 204
            url = client.get("/me").json()["avatar_url"]
            [kept] = bucket.list_objects_v2(Bucket="faces")["Contents"]
            assert url == f"https://cdn.pictures.test/{kept['Key']}"
            assert kept["Key"].startswith("test/avatars/")
            client.delete("/me/avatar")
            assert "Contents" not in bucket.list_objects_v2(Bucket="faces")
            town.close()
    finally:
        server.stop()
