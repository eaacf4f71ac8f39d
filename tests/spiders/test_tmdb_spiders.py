"""The spiders for TMDb against a real server: what they ask, yield and own up to, and where keys do not go."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import in_process
import psycopg
import pytest
from in_process import refused
from origin import Asked, Origin, Reply, json_reply, serving
from scrapy.exceptions import DownloadFailedError
from scrapy.http import Request, Response

from support import Crawl, scrapy
from trr_crawl.catalog import due, write
from trr_crawl.catalog.write import Record
from trr_crawl.keys import SendsKeys
from trr_crawl.spiders.tmdb import TmdbSpider

PAGES = Path(__file__).parents[1] / "pages" / "tmdb"
SHOW_ID = 990001
TOKEN, API_KEY = "sesame.bearer.token", "sesameapikey"
JSON = {"Content-Type": "application/json;charset=utf-8"}


def page(name: str) -> Any:
    return json.loads((PAGES / f"{name}.json").read_bytes())


def refusal(code: int, status: int) -> Reply:
    return json_reply({"status_code": code, "status_message": "Words of theirs.", "success": False}, status)


class Tmdb:
    """Answers as TMDb does, and only to who has a key."""

    def __init__(self) -> None:
        whole = page("show/whole")
        self.show = {key: value for key, value in whole.items() if not key.startswith("season/")}
        self.seasons = {0: whole["season/0"], 1: whole["season/1"]}
        self.answers: dict[str, Any] = {}
        """By path: an answer, or pages of answers."""
        self.nested = True
        """Whether parts of seasons can be appended."""
        self.misbehave: Callable[[Asked], Reply | None] = lambda _asked: None
        self.headers: dict[str, str] = {}

    def __call__(self, asked: Asked) -> Reply | None:
        if asked.path.startswith("/exports/"):
            return None
        if (special := self.misbehave(asked)) is not None:
            return special
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}" and asked.query.get("api_key") != API_KEY:
            return refusal(7, 401)
        parts = [part for part in asked.query.get("append_to_response", "").split(",") if part]
        if len(parts) > 20:
            return refusal(27, 400)
        found = self.find(asked.path.strip("/").split("/"), parts, asked.query)
        if found is None:
            return refusal(34, 404)
        reply = json_reply(found)
        return Reply(reply.body, headers={**JSON, **self.headers})

    def find(self, path: list[str], parts: list[str], query: dict[str, str]) -> Any:
        place = "/".join(path[1:])
        if place in self.answers:
            found = self.answers[place]
            return found[int(query.get("page", "1")) - 1] if isinstance(found, list) else found
        if place.startswith(f"tv/{SHOW_ID}/season/"):
            return {**self.season(path[-1]), **{part: self.part(f"season/{path[-1]}/{part}") for part in parts}}
        if place == f"tv/{SHOW_ID}":
            details = {key: value for key, value in self.show.items() if "/" not in key}
            own = {key for key, value in details.items() if key in page("show/whole") and isinstance(value, dict)}
            answer = {key: value for key, value in details.items() if key not in own - {"last_episode_to_air"}}
            answer["next_episode_to_air"] = details["next_episode_to_air"]
            return answer | {part: found for part in parts if (found := self.part(part)) is not None}
        return None

    def season(self, number: str) -> Any:
        return self.seasons[int(number)]

    def part(self, name: str) -> Any:
        words = name.split("/")
        if words[0] != "season":
            return self.show.get(name)
        if int(words[1]) not in self.seasons or (len(words) > 2 and not self.nested):
            return None
        if len(words) == 2:
            return self.season(words[1])
        return {"posters": []} if words[2] == "images" else {"tvdb_id": 990700 + int(words[1])}

    def with_seasons(self, count: int) -> None:
        """Give the show so many seasons of two episodes each, beside its specials."""
        template, episodes = self.seasons[1], self.seasons[1]["episodes"]
        for number in range(2, count + 1):
            own = [{**episode, "id": episode["id"] + 100 * number, "season_number": number} for episode in episodes]
            self.seasons[number] = {**template, "id": 990200 + number, "season_number": number, "episodes": own}
        listed = self.show["seasons"][1]
        self.show["seasons"] = [
            self.show["seasons"][0],
            *({**listed, "id": 990200 + number, "season_number": number} for number in range(1, count + 1)),
        ]


@pytest.fixture
def tmdb() -> Tmdb:
    return Tmdb()


@pytest.fixture
def origin(tmdb: Tmdb) -> Iterator[Origin]:
    with serving(Origin()) as served:
        served.misbehave = tmdb
        yield served


class Crawled:
    """A run and its items."""

    def __init__(self, done: Crawl, path: Path) -> None:
        self.status, self.output, self.last_line = done.status, done.output, done.last_line
        self.items: list[dict[str, Any]] = json.loads(path.read_text() or "[]") if path.exists() else []
        self.kinds = Counter(item["kind"] for item in self.items)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self.items if item["kind"] == kind]


Run = Callable[..., Crawled]


@pytest.fixture
def run(origin: Origin, tmp_path: Path) -> Run:
    """Crawls the stand-in, dry and without waiting; `key` and `dry` say otherwise."""

    def crawl(spider: str, *arguments: str | Path, dry: bool = True, **environment: str) -> Crawled:
        path = tmp_path / "items.json"
        keys = {"TMDB_BEARER_TOKEN": TOKEN, "TMDB_API_KEY": ""}
        done = scrapy(
            "crawl", spider, "-O", path, "-s", f"TMDB_BASE_URL={origin.url}", "-s", "DOWNLOAD_DELAY=0",
            "-s", f"TMDB_FILES_URL={origin.url}/exports", "-s", "BACK_OFF_SECONDS=0.01,0.02,0.04",
            "-s", "BREAKER_PAUSE=0.05", *(("-a", "dry_run=true") if dry else ()), *arguments,
            **{**keys, "TRR_HOME": str(tmp_path / "home"), **environment},
        )  # fmt: skip
        assert "Traceback" not in done.output, done.output
        assert TOKEN not in done.output
        assert API_KEY not in done.output
        return Crawled(done, path)

    return crawl


def asked_parts(origin: Origin) -> list[list[str]]:
    """The parts of each question about a show."""
    return [asked.query["append_to_response"].split(",") for asked in origin.asked if asked.path == f"/3/tv/{SHOW_ID}"]


class TestShow:
    def test_a_short_show_is_one_request(self, run: Run, origin: Origin) -> None:
        done = run("tmdb_show", "-a", f"show={SHOW_ID}")
        assert done.status == 0, done.output
        [parts] = asked_parts(origin)
        assert len(parts) == 20
        assert origin.asked[-1].query["include_image_language"] == "en,null"
        assert done.kinds["credit"] == 8
        assert done.kinds["episode"] == 3
        assert done.kinds["offer"] == 4
        assert {season.get("external_ids", {}).get("tvdb") for season in done.of("season")} == {
            None,
            "990700",
            "990701",
        }
        assert "nobody reads department Kites & Gliders yet" in done.output

    def test_sixteen_seasons_and_specials_are_three_requests(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.with_seasons(16)
        done = run("tmdb_show", "-a", f"show=https://www.themoviedb.org/tv/{SHOW_ID}-salt-ladder")
        assert done.status == 0, done.output
        parts = asked_parts(origin)
        assert [len(some) for some in parts] == [20, 20, 20]
        assert len({part for some in parts for part in some}) == 60, "nothing is asked for twice"
        assert done.kinds["episode"] == 33
        assert {season["season_number"] for season in done.of("season")} == set(range(17))

    def test_where_parts_of_seasons_cannot_be_appended_seasons_are_asked_alone(
        self, run: Run, origin: Origin, tmdb: Tmdb
    ) -> None:
        tmdb.nested = False
        done = run("tmdb_show", "-a", f"show={SHOW_ID}")
        assert done.status == 0, done.output
        assert sorted(asked.path for asked in origin.asked if "season" in asked.path) == [
            f"/3/tv/{SHOW_ID}/season/{number}" for number in (0, 1)
        ]

    def test_by_its_id_at_imdb(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.answers["find/tt99003000"] = page("find/one-show")
        done = run("tmdb_show", "-a", "show=tt99003000")
        assert done.status == 0, done.output
        assert [asked.path for asked in origin.asked[1:]] == ["/3/find/tt99003000", f"/3/tv/{SHOW_ID}"]
        assert done.of("show")[0]["external_ids"]["imdb"] == "tt99003000"

    def test_by_its_id_at_imdb_it_is_remembered_by_tmdbs_and_a_gap_of_its_later_part_is_its_own(
        self, run: Run, tmdb: Tmdb, crawl_url: str
    ) -> None:
        tmdb.answers["find/tt99003000"] = tmdb.answers["find/tt99003001"] = page("find/one-show")
        for imdb_id, outcome in (("tt99003001", "failed"), ("tt99003000", "ok")):
            run("tmdb_show", "-a", f"show={imdb_id}", dry=False)
            with psycopg.connect(crawl_url) as connection:
                states = connection.execute("SELECT subject, outcome FROM crawl_states").fetchall()
            assert states == [(str(SHOW_ID), outcome)]

    def test_an_id_that_the_show_does_not_name_itself_is_a_gap(self, run: Run, tmdb: Tmdb) -> None:
        tmdb.answers["find/tt99003001"] = page("find/one-show")
        done = run("tmdb_show", "-a", "show=tt99003001")
        assert done.status == 3
        assert f"{SHOW_ID} (TMDb finds it by tt99003001, but names tt99003000 as its id at IMDb)" in done.last_line

    def test_several_shows_under_one_id_stay_open(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.answers["find/tt99003000"] = page("find/two-shows")
        done = run("tmdb_show", "-a", "show=tt99003000")
        assert done.status == 3
        assert "tt99003000 (ambiguous: TMDb has several shows with this id: 990002, 990001)" in done.last_line
        assert asked_parts(origin) == []
        assert [candidate["id"] for candidate in done.of("candidate")] == ["990002", "990001"]

    def test_one_that_nobody_knows_does_not_stop_the_others(self, run: Run) -> None:
        done = run("tmdb_show", "-a", f"shows=990009,{SHOW_ID}")
        assert done.status == 3
        assert "could not get 990009 (TMDb knows no show 990009)" in done.last_line
        assert len(done.of("show")) == 1

    def test_fewer_episodes_than_announced_is_partial(self, run: Run, tmdb: Tmdb) -> None:
        tmdb.show["seasons"][0]["episode_count"] = 286
        done = run("tmdb_show", "-a", f"show={SHOW_ID}")
        assert done.status == 3
        assert f"{SHOW_ID} season 0 (1 of 286 episodes came)" in done.last_line

    def test_a_part_that_is_left_out_is_named(self, run: Run, tmdb: Tmdb) -> None:
        del tmdb.show["watch/providers"]
        done = run("tmdb_show", "-a", f"show={SHOW_ID}")
        assert done.status == 3
        assert f"{SHOW_ID} watch/providers (the answer leaves it out)" in done.last_line

    def test_seasons_that_fail_are_named(self, run: Run, tmdb: Tmdb) -> None:
        tmdb.with_seasons(10)
        tmdb.misbehave = lambda asked: (
            Reply(b"oops", 500) if "season/10" in asked.query.get("append_to_response", "") else None
        )
        done = run("tmdb_show", "-a", f"show={SHOW_ID}", "-s", "RETRY_TIMES=0")
        assert done.status == 3
        assert f"{SHOW_ID} seasons 10" in done.last_line or "seasons 3, 4, 5, 6, 7, 8, 9, 10" in done.last_line

    def test_networks_and_companies_once_a_run(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.answers["network/9901"], tmdb.answers["company/9911"] = page("network/whole"), page("company/owned")
        done = run("tmdb_show", "-a", f"show={SHOW_ID}", "-a", "organisations=true")
        assert done.status == 0, done.output
        assert [network.get("headquarters") for network in done.of("network")] == [None, "Port Salt"]
        assert done.of("company")[-1]["owner_id"] == "9912"

    def test_an_offer_that_vanished_is_closed(self, run: Run, tmdb: Tmdb, crawl_url: str) -> None:
        assert run("tmdb_show", "-a", f"show={SHOW_ID}", dry=False).status == 0
        del tmdb.show["watch/providers"]["results"]["CA"]
        tmdb.show["watch/providers"]["results"]["US"]["buy"].pop()
        tmdb.show["aggregate_credits"]["crew"].pop()
        done = run("tmdb_show", "-a", f"show={SHOW_ID}", dry=False)
        assert done.status == 0, done.output
        with psycopg.connect(crawl_url) as connection:
            offers = connection.execute(
                """
                SELECT region, offer_type, removed_at IS NULL FROM offers
                ORDER BY region, offer_type, display_priority
                """
            ).fetchall()
            assert offers == [("CA", "ads", False), ("US", "buy", True), ("US", "buy", False), ("US", "flatrate", True)]
            gone = connection.execute("SELECT category FROM credits WHERE removed_at IS NOT NULL").fetchall()
            assert gone == [("kites_and_gliders",)]
            row = connection.execute(
                "SELECT tmdb_rating, programme_type, networks, tmdb_network_ids, provenance ->> 'networks' FROM shows"
            ).fetchone()
            assert row is not None
            assert (float(row[0]), *row[1:]) == (7.25, "Reality", ["Harbour TV"], ["9901"], "tmdb")
            roles = connection.execute(
                "SELECT roles FROM credits JOIN people ON people.id = person_id WHERE name = 'Ana Reyes'"
            ).fetchone()
            assert roles is not None
            assert [(role["name"], role["episode_count"]) for role in roles[0]] == [
                ("Self - Host", 2),
                ("Self - Judge", 1),
            ]


class TestKeys:
    def test_without_one_nothing_is_asked(self, run: Run, origin: Origin) -> None:
        done = run("tmdb_show", "-a", f"show={SHOW_ID}", TMDB_BEARER_TOKEN=" ")
        assert done.status == 1
        assert "TMDb wants a key: set TMDB_BEARER_TOKEN (an API read access token) or TMDB_API_KEY" in done.last_line
        assert origin.asked == []

    @pytest.mark.parametrize("variable", ["TMDB_BEARER_TOKEN", "TMDB_API_KEY"])
    def test_a_wrong_one_ends_the_run_and_is_not_shown(self, run: Run, origin: Origin, variable: str) -> None:
        keys = {"TMDB_BEARER_TOKEN": "", "TMDB_API_KEY": "", variable: "wrongsecret"}
        shows = ",".join(str(SHOW_ID + number) for number in range(200))
        done = run("tmdb_show", "-a", f"shows={shows}", "-s", "LOG_LEVEL=DEBUG", **keys)
        assert done.status == 1
        assert f"failed: TMDb does not know the key: look at {variable} in the environment." in done.last_line
        assert "wrongsecret" not in done.output
        assert len(origin.asked) < 100

    @pytest.mark.parametrize(("variable", "secret"), [("TMDB_BEARER_TOKEN", TOKEN), ("TMDB_API_KEY", API_KEY)])
    def test_they_reach_neither_log_nor_archive_nor_runs(
        self, run: Run, origin: Origin, crawl_url: str, tmp_path: Path, variable: str, secret: str
    ) -> None:
        keys = {"TMDB_BEARER_TOKEN": "", "TMDB_API_KEY": "", variable: secret}
        archive = tmp_path / "recorded.warc"
        done = run(
            "tmdb_show", "-a", f"show={SHOW_ID}", "-s", f"ARCHIVE={archive}", "-s", "LOG_LEVEL=DEBUG", dry=False, **keys
        )
        assert done.status == 0, done.output
        assert secret.encode() not in archive.read_bytes()
        with psycopg.connect(crawl_url) as connection:
            found = connection.execute("SELECT to_jsonb(crawl_runs)::text FROM crawl_runs").fetchall()
        assert secret not in str(found)
        count = len(origin.asked)
        replayed = run(
            "tmdb_show", "-a", f"show={SHOW_ID}", "-s", f"REPLAY={archive}", TMDB_BEARER_TOKEN="", TMDB_API_KEY=""
        )
        assert replayed.status == 0, replayed.output
        assert replayed.items == done.items
        assert len(origin.asked) == count

    def test_an_archive_made_elsewhere_with_a_key_replays(self, run: Run, origin: Origin, tmp_path: Path) -> None:
        run("tmdb_person", "-a", "person=990101")
        asked = origin.asked[-1]
        query = "&".join(f"{name}={value}" for name, value in asked.query.items())
        archive = tmp_path / "elsewhere.warc.gz"
        url = f"{origin.url}{asked.path}?api_key=theirs&{query}"
        assert in_process.scrapy("archive-add", archive, url, PAGES / "person" / "whole.json").status == 0
        done = run("tmdb_person", "-a", "person=990101", "-s", f"REPLAY={archive}", TMDB_BEARER_TOKEN="")
        assert done.status == 0, done.output

    def test_a_connection_that_fails_does_not_tell_it(self, run: Run) -> None:
        done = run(
            "tmdb_show", "-a", f"show={SHOW_ID}", "-s", "TMDB_BASE_URL=http://127.0.0.1:9", "-s", "RETRY_TIMES=0",
            "-s", "ROBOTSTXT_OBEY=0", "-s", "LOG_LEVEL=DEBUG", TMDB_BEARER_TOKEN="", TMDB_API_KEY=API_KEY,
        )  # fmt: skip
        assert done.status == 1
        assert f"could not get {SHOW_ID}" in done.last_line

    def test_an_answer_that_is_late_or_repeats_it_does_not_tell_it(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.misbehave = lambda _asked: Reply(b"", 301, {"Location": f"{origin.url}/3/x?api_key={API_KEY}"})
        keys = {"TMDB_BEARER_TOKEN": "", "TMDB_API_KEY": API_KEY}
        done = run("tmdb_show", "-a", f"show={SHOW_ID}", "-s", "LOG_LEVEL=DEBUG", **keys)
        assert done.status == 1
        tmdb.misbehave = lambda _asked: None
        origin.delay = 2.0
        options = ("-s", "DOWNLOAD_TIMEOUT=0.5", "-s", "RETRY_TIMES=0", "-s", "ROBOTSTXT_OBEY=0")
        done = run("tmdb_show", "-a", f"show={SHOW_ID}", *options, **keys)
        assert done.status == 1
        assert "TimeoutError" in done.last_line


class Sent:
    """A download handler that only takes down what it is to send."""

    def __init__(self, _crawler: Any) -> None:
        self.requests: list[Request] = []
        self.fails = False

    async def download_request(self, request: Request) -> Response:
        self.requests.append(request)
        if self.fails:
            raise DownloadFailedError(f"{request.url} did not answer")
        return Response(request.url, headers={"Location": request.url, "Server": "gull"}, request=request)


class Handler(SendsKeys, Sent):
    pass


class TestHandler:
    """Where a key goes, and where not."""

    URL = "https://api.themoviedb.org/3/tv/1"

    @pytest.fixture
    def handler(self, monkeypatch: pytest.MonkeyPatch) -> Handler:
        monkeypatch.setenv("TMDB_API_KEY", API_KEY)
        monkeypatch.delenv("TMDB_BEARER_TOKEN", raising=False)
        handler = Handler(None)
        handler.crawler = SimpleNamespace(settings={"TMDB_BASE_URL": "https://api.themoviedb.org"})  # type: ignore[assignment]
        return handler

    def send(self, handler: Handler, url: str = URL, **meta: Any) -> Response:
        return asyncio.run(handler.download_request(Request(url, meta=meta)))

    def test_into_the_address_and_out_of_the_answer(self, handler: Handler) -> None:
        response = self.send(handler, key="tmdb")
        assert handler.requests[0].url == f"{self.URL}?api_key={API_KEY}"
        assert API_KEY not in repr(handler.requests[0]) + str(handler.requests[0])
        assert (response.url, response.headers.to_unicode_dict()) == (self.URL, {"Server": "gull"})

    def test_rather_into_a_header(self, handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TMDB_BEARER_TOKEN", f" {TOKEN}\n")
        self.send(handler, key="tmdb")
        assert handler.requests[0].url == self.URL
        assert handler.requests[0].headers["Authorization"] == f"Bearer {TOKEN}".encode()

    @pytest.mark.parametrize(
        ("url", "meta"),
        [
            (URL, {}),
            ("https://elsewhere.example/3/tv/1", {"key": "tmdb"}),
            ("http://api.themoviedb.org/3/tv/1", {"key": "tmdb"}),
        ],
    )
    def test_to_nobody_else(self, handler: Handler, url: str, meta: dict[str, Any]) -> None:
        self.send(handler, url, **meta)
        assert handler.requests[0].url == url
        assert "Authorization" not in handler.requests[0].headers

    def test_not_into_an_error(self, handler: Handler) -> None:
        handler.fails = True
        with pytest.raises(DownloadFailedError) as caught:
            self.send(handler, key="tmdb")
        assert str(caught.value) == f"{self.URL}?api_key=… did not answer"


def test_half_of_what_tmdb_allows() -> None:
    assert 20 <= 1 / TmdbSpider.custom_settings["DOWNLOAD_DELAY"] <= 25


class TestPace:
    def test_a_storm_of_429_is_waited_out(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        seen: Counter[str] = Counter()

        def busy(asked: Asked) -> Reply | None:
            seen[asked.path] += 1
            return refusal(25, 429) if seen[asked.path] <= 3 else None

        tmdb.misbehave = busy
        done = run("tmdb_show", "-a", f"show={SHOW_ID}")
        assert done.status == 0, done.output
        assert "'back_off/count': 3" in done.output

    def test_one_without_end_blocks_the_run(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.misbehave = lambda _asked: refusal(25, 429)
        done = run("tmdb_show", "-a", f"shows={SHOW_ID},990002", "-s", "BREAKER_TRIES=1")
        assert done.status == 4
        assert "ask too often" in done.last_line
        assert "'back_off/max_reached'" in done.output

    def test_retry_after_is_honoured_first(self, run: Run, tmdb: Tmdb) -> None:
        answers = [Reply(b"{}", 429, {**JSON, "Retry-After": "0"}), None]
        tmdb.misbehave = lambda asked: answers.pop(0) if answers and asked.path != "/robots.txt" else None
        done = run("tmdb_show", "-a", f"show={SHOW_ID}")
        assert done.status == 0, done.output
        assert "back_off/count" not in done.output
        assert "'retry_after/count': 1" in done.output

    def test_what_did_not_change_is_only_confirmed(self, run: Run, origin: Origin, tmdb: Tmdb, tmp_path: Path) -> None:
        tmdb.headers = {"ETag": 'W/"tide"', "Cache-Control": "public, max-age=0"}
        options = ("-a", f"show={SHOW_ID}", "-s", f"TMDB_CACHE={tmp_path / 'cache'}")
        first = run("tmdb_show", *options, dry=False, DATABASE_URL="")
        assert first.status == 0, first.output
        tmdb.misbehave = lambda asked: Reply(b"", 304, tmdb.headers) if "If-None-Match" in asked.headers else None
        again = run("tmdb_show", *options, dry=False, DATABASE_URL="")
        assert again.status == 0, again.output
        assert origin.asked[-1].headers["If-None-Match"] == 'W/"tide"'
        assert again.items == first.items
        assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


class TestPerson:
    def test_one_request_a_person(self, run: Run, origin: Origin, tmdb: Tmdb) -> None:
        tmdb.answers["person/990101"] = page("person/whole")
        done = run("tmdb_person", "-a", "person=https://www.themoviedb.org/person/990101-ana-reyes")
        assert done.status == 0, done.output
        assert done.kinds == {"person": 1, "show": 2, "credit": 3, "image": 2, "gallery_entry": 2}
        assert origin.asked[-1].query["append_to_response"] == "external_ids,images,tv_credits"

    def test_by_the_id_at_imdb(self, run: Run, tmdb: Tmdb) -> None:
        tmdb.answers |= {"person/990101": page("person/whole"), "find/nm99000101": page("find/one-person")}
        assert run("tmdb_person", "-a", "people=nm99000101").status == 0

    def test_nobody_and_missing_parts(self, run: Run, tmdb: Tmdb) -> None:
        tmdb.answers |= {"person/990101": page("person/bare"), "find/nm99000109": page("find/nothing")}
        done = run("tmdb_person", "-a", "people=990101,nm99000109")
        assert done.status == 3
        assert "nm99000109 (TMDb has nobody with this id)" in done.last_line
        assert "990101 images (the answer leaves it out)" in done.last_line


class TestList:
    @pytest.fixture
    def pages(self, tmdb: Tmdb) -> list[Any]:
        first = page("list/version-3")
        second = {**first, "page": 2, "items": [{**first["items"][0], "id": 990003}, first["items"][0]]}
        tmdb.answers["list/7001"] = [first, second]
        for number in (990001, 990002, 990003):
            tmdb.answers[f"tv/{number}/external_ids"] = {"id": number, "imdb_id": f"tt99{number}"}
        tmdb.answers["movie/990001/external_ids"] = {"id": 990001, "imdb_id": None}
        return [first, second]

    def test_all_pages_and_every_title_s_ids(self, run: Run, origin: Origin, pages: list[Any]) -> None:
        done = run("tmdb_list", "-a", "list=https://www.themoviedb.org/list/7001")
        assert done.status == 0, done.output
        entries = [(entry["show_id"], entry["occurrence"], entry["position"]) for entry in done.of("list_entry")]
        assert entries == [
            ("990001", 1, 1), ("movie/990001", 1, 2), ("990002", 1, 3), ("990003", 1, 4), ("990001", 2, 5)
        ]  # fmt: skip
        told = {show["id"]: show["external_ids"] for show in done.of("show") if "external_ids" in show}
        assert told == {
            "990001": {"imdb": "tt99990001"},
            "movie/990001": {},
            "990002": {"imdb": "tt99990002"},
            "990003": {"imdb": "tt99990003"},
        }
        assert len(origin.asked) == 1 + 2 + 4

    def test_without_ids(self, run: Run, origin: Origin, pages: list[Any]) -> None:
        assert run("tmdb_list", "-a", "list=7001", "-a", "external_ids=false").status == 0
        assert len(origin.asked) == 3

    def test_less_than_promised_is_partial(self, run: Run, pages: list[Any]) -> None:
        pages[1]["items"].pop()
        done = run("tmdb_list", "-a", "list=7001", "-a", "external_ids=false")
        assert done.status == 3
        assert "7001 entries (4 of 5 came)" in done.last_line

    def test_a_page_that_comes_again_ends_it(self, run: Run, pages: list[Any]) -> None:
        pages[1]["page"] = 1
        done = run("tmdb_list", "-a", "list=7001", "-a", "external_ids=false")
        assert done.status == 3
        assert "7001 page 2 (TMDb answers with page 1)" in done.last_line

    def test_version_4_and_a_file_of_lists(self, run: Run, origin: Origin, tmdb: Tmdb, tmp_path: Path) -> None:
        tmdb.answers["list/7001"] = page("list/version-4")
        config = tmp_path / "lists.yaml"
        config.write_text("imdb_lists: [ls000000001]\ntmdb_lists: [7001]\n")
        done = run("tmdb_list", "-a", f"config={config}", "-a", "version=4", "-a", "external_ids=false")
        assert done.status == 0, done.output
        assert origin.asked[-1].path == "/4/list/7001"
        assert [entry.get("note") for entry in done.of("list_entry")] == ["Best one.", None, "Best one."]


class TestFind:
    @pytest.fixture(autouse=True)
    def answers(self, tmdb: Tmdb) -> None:
        tmdb.answers |= {
            "find/tt99003000": page("find/one-show"),
            "find/tt99003001": page("find/two-shows"),
            "find/tt99003002": page("find/a-film-an-episode-and-a-season"),
            "find/nm99000101": page("find/one-person"),
            "tv/990001/external_ids": {"id": 990001, "imdb_id": "tt99003000"},
            "tv/990002/external_ids": {"id": 990002, "imdb_id": "tt99003001", "tvdb_id": 5},
            "person/990101/external_ids": {"id": 990101, "imdb_id": "nm99000101"},
        }

    def test_what_is_clear_and_what_stays_open(self, run: Run) -> None:
        done = run("tmdb_find", "-a", "titles=tt99003000,tt99003001,tt99003002", "-a", "person=nm99000101")
        assert done.status == 3
        assert [(show["id"], show["external_ids"]["imdb"]) for show in done.of("show") if "external_ids" in show] == [
            ("990001", "tt99003000")
        ]
        assert [person.get("external_ids") for person in done.of("person")] == [None, {"imdb": "nm99000101"}]
        assert [(found["query"], found["id"]) for found in done.of("candidate")] == [
            ("tt99003001", "990002"),
            ("tt99003001", "990001"),
        ]
        assert "tt99003001 (ambiguous: TMDb has several shows with this id: 990002, 990001)" in done.last_line
        assert "tt99003002 (no_tv_results: TMDb has no show with this id, but the film 990001" in done.last_line
        assert "'find/single_result': 2" in done.output

    def test_name_and_year_decide(self, run: Run, tmp_path: Path) -> None:
        listed = tmp_path / "titles.txt"
        listed.write_text("tt99003001|Salt|2023 # the spin-off\n")
        done = run("tmdb_find", "-a", f"titles=@{listed}")
        assert done.status == 0, done.output
        assert "tt99003001: name_match, 990002" in done.output
        assert done.of("show")[-1]["external_ids"] == {"imdb": "tt99003001", "tvdb": "5"}
        again = run("tmdb_find", "-a", "title=tt99003001", "-a", "name=Salt & Ladder", "-a", "year=2024")
        assert "tt99003001: name_match, 990001" in again.output
        assert again.status == 3, "that show names another id itself"

    def test_what_the_catalog_lacks(self, run: Run, origin: Origin, crawl_url: str) -> None:
        with psycopg.connect(crawl_url) as connection:
            write.prepare(connection)
            shows = {
                "tt99003001": {"title": "Salt", "country": "US", "start_year": 2023, "show_type": "tvSeries"},
                "tt99003007": {"title": "Salt: The Film", "country": "US", "show_type": "movie"},
            }
            write.write(
                connection,
                [
                    Record(source="imdb", kind="show", key=key, payload={"id": key, **said})
                    for key, said in shows.items()
                ],
            )
        done = run("tmdb_find", "-a", "due=true", dry=False)
        assert done.status == 0, done.output
        assert "tt99003001: name_match, 990002" in done.output
        with psycopg.connect(crawl_url) as connection:
            ids = connection.execute(
                "SELECT source, value FROM external_ids JOIN shows ON shows.id = entity_id WHERE title = 'Salt'"
            ).fetchall()
        assert sorted(ids) == [("imdb", "tt99003001"), ("tmdb", "990002"), ("tvdb", "5")]
        again = run("tmdb_find", "-a", "due=true", dry=False)
        assert again.status == 0, again.output
        assert "nothing to do: all shows of the catalog with an id at IMDb have one at TMDb." in again.last_line


class TestChanges:
    @pytest.fixture(autouse=True)
    def answers(self, tmdb: Tmdb) -> None:
        first = page("changes/a-page")
        tmdb.answers["tv/changes"] = [first, {**first, "page": 2, "results": [{"id": 990002}, {"id": 990003}]}]

    def test_all_pages_of_all_pieces_each_id_once(self, run: Run, origin: Origin) -> None:
        done = run("tmdb_changes", "-a", "since=2026-10-01", "-a", "until=2026-10-20")
        assert done.status == 0, done.output
        assert [change["id"] for change in done.of("change")] == ["990001", "990002", "990003"]
        asked = [
            (asked.query["start_date"], asked.query["end_date"], asked.query["page"]) for asked in origin.asked[1:]
        ]
        assert sorted(asked) == [
            ("2026-10-01", "2026-10-15", "1"), ("2026-10-01", "2026-10-15", "2"),
            ("2026-10-15", "2026-10-20", "1"), ("2026-10-15", "2026-10-20", "2"),
        ]  # fmt: skip

    def test_the_changed_shows_themselves(self, run: Run, origin: Origin) -> None:
        done = run("tmdb_changes", "-a", "since=2026-11-20", "-a", f"shows={SHOW_ID},990055", "-a", "refresh=true")
        assert done.status == 0, done.output
        assert [change["id"] for change in done.of("change")] == [str(SHOW_ID)]
        assert len(asked_parts(origin)) == 1
        assert done.kinds["episode"] == 3

    def test_since_the_last_run_and_only_what_the_catalog_has(self, run: Run, origin: Origin, crawl_url: str) -> None:
        with psycopg.connect(crawl_url) as connection:
            write.prepare(connection)
            write.write(connection, [Record(source="tmdb", kind="show", key="990003", payload={"id": "990003"})])
            connection.execute(
                "INSERT INTO crawl_runs (spider, host, pid, version, started_at, finished_at, outcome)"
                "VALUES ('tmdb_changes', 'h', 1, '1', '2026-10-02 23:00+00', now(), 'ok')"
            )
        done = run("tmdb_changes", "-a", "until=2026-10-05", "-a", "known=true", dry=False)
        assert done.status == 0, done.output
        assert [change["id"] for change in done.of("change")] == ["990003"]
        assert origin.asked[1].query["start_date"] == "2026-10-02"
        with psycopg.connect(crawl_url) as connection:
            noted = connection.execute("SELECT source, kind, key FROM source_changes").fetchall()
        assert noted == [("tmdb", "show", "990003")], "what makes it due"

    def test_a_show_that_is_crawled_for_its_change_is_not_due_again(self, run: Run, crawl_url: str) -> None:
        done = run("tmdb_changes", "-a", "since=2026-11-20", "-a", f"shows={SHOW_ID}", "-a", "refresh=true", dry=False)
        assert done.status == 0, done.output
        with psycopg.connect(crawl_url) as connection:
            states = connection.execute("SELECT spider, subject, outcome FROM crawl_states").fetchall()
            (decided,) = due.decide(connection, "tmdb_show", datetime.now(UTC), all_of_them=True)
        assert states == [("tmdb_show", str(SHOW_ID), "ok")]
        assert decided.reason == "up-to-date"


class TestIds:
    LINES = b'{"id":1,"original_name":"Tide Talk","popularity":9.5}\n{"id":2,"original_name":"Gull","popularity":0.5}\n'

    @pytest.fixture
    def files(self, origin: Origin, tmdb: Tmdb) -> dict[str, bytes]:
        """What `/exports` serves."""
        served: dict[str, bytes] = {}

        def answer(asked: Asked) -> Reply | None:
            if not asked.path.startswith("/exports/"):
                return tmdb(asked)
            if "If-None-Match" in asked.headers:
                return Reply(status=304)
            body = served.get(asked.path.rpartition("/")[2])
            return Reply(body, headers={"ETag": '"a"'}) if body else Reply(b"<Error/>", 404)

        origin.misbehave = answer
        return served

    def test_a_daily_list_is_streamed_and_asked_for_again_only_when_it_changed(
        self, run: Run, origin: Origin, files: dict[str, bytes]
    ) -> None:
        files["tv_series_ids_08_31_2026.json.gz"] = gzip.compress(self.LINES)
        options = ("-a", "popularity=1", "-a", "date=2026-08-31")
        done = run("tmdb_ids", *options, TMDB_BEARER_TOKEN="")
        assert done.status == 0, done.output
        assert [(show["id"], show["popularity"]) for show in done.items] == [("1", 9.5)]
        assert "'export/lines': 2" in done.output
        again = run("tmdb_ids", *options, TMDB_BEARER_TOKEN="")
        assert (again.status, again.items) == (0, done.items)
        assert "'downloader/response_status_count/304': 1" in again.output

    def test_a_day_without_list_is_named(self, run: Run, files: dict[str, bytes]) -> None:
        done = run("tmdb_ids", "-a", "popularity=1", "-a", "of=people", "-a", "date=2026-08-30")
        assert done.status == 1
        assert "could not get person_ids_08_30_2026.json.gz" in done.last_line

    def test_a_list_that_breaks_off_is_named_and_what_came_lands(self, run: Run, tmp_path: Path) -> None:
        packed = gzip.compress(self.LINES, mtime=0)
        cut = tmp_path / "ids.json.gz"
        cut.write_bytes(packed[:-9])
        done = run("tmdb_ids", "-a", f"file={cut}", "-a", "popularity=0")
        assert done.status == 3
        assert [show["id"] for show in done.items] == ["1", "2"]
        assert "ids.json.gz (the gzip breaks off before its end)" in done.last_line

    def test_a_file_of_names_and_lines_that_cannot_be_read(self, run: Run, tmp_path: Path) -> None:
        listed, names = tmp_path / "ids.json", tmp_path / "names.txt"
        listed.write_bytes(self.LINES + b'{"id":\n')
        names.write_text("gull\n")
        done = run("tmdb_ids", "-a", f"file={listed}", "-a", f"names=@{names}")
        assert done.status == 3
        assert [show["id"] for show in done.items] == ["2"]
        assert "1 lines cannot be read: line 3 (not JSON" in done.last_line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tmdb_show",), "Say which show to crawl"),
        (("tmdb_show", "-a", "show=nm0000001"), "'nm0000001' is no show: give TMDb's number"),
        (("tmdb_show", "-a", "show=0"), "'0' is no show"),
        (("tmdb_show", "-a", "show=,"), "names nothing"),
        (("tmdb_person", "-a", "person=tt0000001"), "is no person"),
        (("tmdb_person",), "Say whom to crawl"),
        (("tmdb_list", "-a", "list=ls000000001"), "is no list of TMDb"),
        (("tmdb_list", "-a", "list=1", "-a", "version=5"), "there are 3 and 4"),
        (("tmdb_find",), "Say what to look for"),
        (("tmdb_find", "-a", "titles=tt0000001,tt0000002", "-a", "name=Tide"), "name and year tell of one title"),
        (("tmdb_changes", "-a", "since=yesterday"), "is no da"),
        (("tmdb_changes", "-a", "since=2026-02-02", "-a", "until=2026-01-01"), "is after until"),
        (("tmdb_changes", "-a", "of=films"), "there are shows, people"),
        (("tmdb_changes", "-a", "of=people", "-a", "refresh=true"), "are for the changes of shows"),
        (("tmdb_changes", "-a", "shows=tt0000001"), "by its own numbers"),
        (("tmdb_ids",), "Say what to take"),
        (("tmdb_ids", "-a", "popularity=much"), "is no number"),
        (("tmdb_ids", "-a", "popularity=-1"), "start at 0"),
        (("tmdb_ids", "-a", "popularity=1", "-a", "of=gulls"), "nothing that TMDb lists"),
    ],
)
def test_a_mistake_in_the_call_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = refused(*arguments)
    assert done.status == 2
    assert words in done.last_line
