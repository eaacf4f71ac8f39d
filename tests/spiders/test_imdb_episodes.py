"""The main job, end to end: a real `scrapy crawl` against a real server into a real database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from in_process import refused
from origin import Origin, Reply, json_reply, serving
from psycopg.rows import dict_row

from samples.harbour_hearts import SHOW, SHOW_ID
from samples.imdb_pages import SampleEpisode, SampleShow, answer, page
from support import catalog_state, crawl_episodes

OTHER = SampleShow(
    id="tt99000777",
    title="Lock & Key",
    plot="Keepers of a canal lock compete for a cottage.",
    start_year=2025,
    episodes=tuple(
        SampleEpisode(
            id=f"tt990777{number:02d}", season=None if number == 9 else 1, number=number, title=f"Lock {number}"
        )
        for number in range(1, 10)
    ),
)


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(Origin(SHOW, OTHER)) as served:
        yield served


def rows(url: str, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def runs(url: str) -> list[dict[str, Any]]:
    """All runs, oldest first."""
    return rows(url, "SELECT * FROM crawl_runs ORDER BY started_at")


EPISODES = """
    SELECT value AS id, season_number AS season, episode_number AS number, title, overview AS plot,
           air_date AS released, imdb_rating::float AS rating, imdb_vote_count AS votes
    FROM episodes JOIN external_ids ON entity_id = episodes.id ORDER BY value
"""


def facts(*shows: SampleShow) -> list[dict[str, Any]]:
    """What the catalog must say of the shows' episodes."""
    names = ("id", "season", "number", "title", "plot", "released", "rating", "votes")
    episodes = sorted((episode for show in shows for episode in show.episodes), key=lambda episode: episode.id)
    return [{name: getattr(episode, name) for name in names} for episode in episodes]


class TestWholeShow:
    @pytest.mark.parametrize("transport", ["graphql", "html"])
    def test_every_fact_lands_and_again_nothing_changes(self, origin: Origin, crawl_url: str, transport: str) -> None:
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings(transport))
        assert done.status == 0, done.output
        assert done.last_line.endswith(
            "ok: 1 show inserted, 4 seasons inserted, 30 episodes inserted, 4 people inserted."
        )
        assert rows(crawl_url, EPISODES) == facts(SHOW)
        [show] = rows(crawl_url, "SELECT * FROM shows")
        assert (show["title"], show["start_year"], show["genres"]) == (SHOW.title, 2023, list(SHOW.genres))
        assert (show["total_episodes"], show["overview"], show["certificate"]) == (30, SHOW.plot, "TV-14")
        assert [row["season_number"] for row in rows(crawl_url, "SELECT * FROM seasons ORDER BY 1, 3")] == [0, 1, 2, 3]
        before = catalog_state(crawl_url)
        again = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings(transport))
        assert again.status == 0
        assert "30 episodes unchanged" in again.last_line
        assert "inserted" not in again.last_line
        assert "updated" not in again.last_line
        assert catalog_state(crawl_url) == before
        assert [run["outcome"] for run in runs(crawl_url)] == ["ok", "ok"]
        assert runs(crawl_url)[0]["items"]["episode"] == {"inserted": 30}

    def test_a_run_is_described_by_its_row(self, origin: Origin, crawl_url: str) -> None:
        crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"), SCRAPY_JOB="job-7")
        [run] = runs(crawl_url)
        assert (run["spider"], run["args"], run["job_id"]) == ("imdb_episodes", {"show": SHOW_ID}, "job-7")
        assert run["requests"] == 5  # robots.txt and four seasons
        assert run["bytes"] > 10_000
        assert run["finished_at"] >= run["heartbeat_at"] >= run["started_at"]
        assert run["stats"]["outcome/ok"] == 4
        assert (run["blocks"], run["gaps"], run["reason"]) == (0, [], None)
        records = rows(crawl_url, "SELECT DISTINCT run_id FROM source_records")
        assert records == [{"run_id": run["id"]}]

    def test_both_transports_lead_to_the_same_truth(self, origin: Origin, crawl_url: str) -> None:
        tables = "SELECT title, original_title, start_year, end_year, overview, genres, total_episodes FROM shows"
        truths = []
        for transport in ("graphql", "html"):
            crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings(transport))
            truths.append((rows(crawl_url, tables), rows(crawl_url, EPISODES)))
        assert truths[0] == truths[1]

    def test_graphql_needs_one_request_a_show(self, origin: Origin, crawl_url: str) -> None:
        crawl_episodes("-a", f"show={SHOW_ID},{OTHER.id}", *origin.settings("graphql"))
        assert origin.pages_asked == ["/graphql", "/graphql"]
        assert rows(crawl_url, EPISODES) == facts(SHOW, OTHER)

    def test_graphql_follows_cursors_to_the_end(self, origin: Origin, crawl_url: str) -> None:
        origin.page_size = 7
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 5
        assert rows(crawl_url, EPISODES) == facts(SHOW)

    def test_we_say_who_we_are_and_where_from(self, origin: Origin, crawl_url: str) -> None:
        crawl_episodes(
            "-a",
            f"show={SHOW_ID}",
            *origin.settings("graphql"),
            TRR_CONTACT="https://trr.example/bot",
            IMDB_COUNTRY="GB",
        )
        sent = origin.asked[-1].headers
        assert sent["User-Agent"].startswith("trr/")
        assert "https://trr.example/bot" in sent["User-Agent"]
        assert sent["X-Imdb-User-Country"] == "GB"
        assert sent["Accept-Language"].startswith("en-US")
        assert rows(crawl_url, "SELECT payload ->> 'country' AS country FROM source_records WHERE kind = 'show'") == [
            {"country": "GB"}
        ]


class TestChoice:
    def test_shows_from_a_file(self, origin: Origin, crawl_url: str, tmp_path: Path) -> None:
        listed = tmp_path / "shows.txt"
        listed.write_text(f"# ours\n{SHOW_ID}\n\nhttps://www.imdb.com/title/{OTHER.id}/  # theirs\n{SHOW_ID}\n")
        done = crawl_episodes("-a", f"shows=@{listed}", *origin.settings("html"))
        assert done.status == 0, done.output
        assert rows(crawl_url, EPISODES) == facts(SHOW, OTHER)

    @pytest.mark.parametrize("transport", ["graphql", "html"])
    def test_chosen_seasons_only(self, origin: Origin, crawl_url: str, transport: str) -> None:
        done = crawl_episodes("-a", f"show={SHOW_ID}", "-a", "seasons=2-3", *origin.settings(transport))
        assert done.status == 0, done.output
        assert {row["season"] for row in rows(crawl_url, EPISODES)} == {2, 3}
        assert len(rows(crawl_url, EPISODES)) == 17

    @pytest.mark.parametrize("transport", ["graphql", "html"])
    def test_episodes_of_no_known_season(self, origin: Origin, crawl_url: str, transport: str) -> None:
        crawl_episodes("-a", f"show={OTHER.id}", "-a", "seasons=unknown", *origin.settings(transport))
        assert [(row["id"], row["season"]) for row in rows(crawl_url, EPISODES)] == [("tt99077709", None)]

    @pytest.mark.parametrize("transport", ["graphql", "html"])
    def test_a_season_that_does_not_exist_is_named(self, origin: Origin, crawl_url: str, transport: str) -> None:
        done = crawl_episodes("-a", f"show={SHOW_ID}", "-a", "seasons=1,12", *origin.settings(transport))
        assert done.status == 3
        assert f"{SHOW_ID} season 12 (there is no such season, IMDb lists 0, 1, 2, 3)" in done.last_line
        assert len(rows(crawl_url, EPISODES)) == 11

    def test_items_can_be_exported_as_scrapy_does(self, origin: Origin, tmp_path: Path) -> None:
        exported = tmp_path / "items.jsonl"
        crawl_episodes(
            "-a", f"show={SHOW_ID}", "-a", "dry_run=true", "-O", exported, *origin.settings("graphql"),
        )  # fmt: skip
        items = [json.loads(line) for line in exported.read_text().splitlines()]
        assert Counter(item["kind"] for item in items) == {"show": 1, "person": 4, "season": 4, "episode": 30}
        assert "can_rate" not in items[-1], "GraphQL does not speak of it"
        [unaired] = [item for item in items if item.get("episode_number") == 0]
        assert (unaired["title"], unaired["air_date"]) == ("Unaired Pilot", None)

    def test_dry_run_writes_nowhere(self, origin: Origin, tmp_path: Path) -> None:
        done = crawl_episodes(
            "-a", f"show={SHOW_ID}", "-a", "dry_run=true", "-s", f"ARCHIVE={tmp_path / 'x.warc.gz'}",
            *origin.settings("html"), TRR_HOME=str(tmp_path / "home"), DATABASE_URL="postgresql://127.0.0.1:1/none",
        )  # fmt: skip
        assert done.status == 0, done.output
        assert "30 episodes not stored" in done.last_line
        assert list(tmp_path.iterdir()) == []


CHALLENGE = Reply(b"", 202, {"x-amzn-waf-action": "challenge", "Content-Type": "text/html"})
VERIFICATION = Reply(b"<html><title>Human Verification</title><body>Are you one?</body></html>")


class TestOutcomes:
    @pytest.fixture
    def stored(self, origin: Origin, crawl_url: str) -> dict[str, Any]:
        """A catalog that knows the show already."""
        assert crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html")).status == 0
        return catalog_state(crawl_url)

    @pytest.mark.parametrize("transport", ["graphql", "html"])
    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (CHALLENGE, "challenge for browsers (202)"),
            (Reply(b"<html>403 Forbidden</html>", 403), "forbids it (403)"),
            (Reply(b"slow down", 429), "we ask too often (429)"),
        ],
        ids=["challenge", "forbidden", "rate limited"],
    )
    def test_a_block_is_said_and_overwrites_nothing(
        self, origin: Origin, crawl_url: str, stored: dict[str, Any], transport: str, reply: Reply, words: str
    ) -> None:
        origin.misbehave = lambda _asked: reply
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings(transport), "-s", "RETRY_TIMES=0")
        assert done.status == 4
        assert "blocked: could not get" in done.last_line
        assert words in done.last_line
        assert "Traceback" not in done.output
        assert catalog_state(crawl_url) == stored
        assert (runs(crawl_url)[-1]["outcome"], runs(crawl_url)[-1]["blocks"]) == ("blocked", 1)

    def test_a_verification_page_is_never_an_empty_result(
        self, origin: Origin, crawl_url: str, stored: dict[str, Any]
    ) -> None:
        origin.misbehave = lambda _asked: VERIFICATION
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
        assert done.status == 4
        assert "no title data" in done.last_line
        assert catalog_state(crawl_url) == stored

    def test_after_a_block_nothing_more_is_asked(self, origin: Origin, crawl_url: str) -> None:
        origin.misbehave = lambda asked: CHALLENGE if asked.query.get("season") == "1" else None
        done = crawl_episodes("-a", f"show={SHOW_ID},{OTHER.id}", *origin.settings("html"), "-s", "DOWNLOAD_DELAY=0.2")
        assert done.status == 4
        assert f"/title/{SHOW_ID}/episodes/?season=3" not in origin.pages_asked
        assert f"{SHOW_ID} season 2, 3 (not asked for: " in done.last_line
        assert {row["season"] for row in rows(crawl_url, EPISODES)} >= {0}

    def test_a_show_that_is_gone_does_not_stop_the_others(self, origin: Origin, crawl_url: str) -> None:
        done = crawl_episodes("-a", f"show=tt99404404,{SHOW_ID}", *origin.settings("html"))
        assert done.status == 3
        assert "tt99404404 (127.0.0.1:" in done.last_line
        assert "has no such page (404)" in done.last_line
        assert origin.pages_asked.count("/title/tt99404404/episodes/") == 1
        assert len(rows(crawl_url, EPISODES)) == 30

    def test_graphql_that_knows_no_such_title(self, origin: Origin, crawl_url: str) -> None:
        done = crawl_episodes("-a", "show=tt99404404", *origin.settings("graphql"))
        assert done.status == 1
        assert "tt99404404 (IMDb knows no title tt99404404)" in done.last_line

    @pytest.mark.parametrize("status", [200, 400])
    def test_graphql_that_refuses_names_the_field(self, origin: Origin, crawl_url: str, status: int) -> None:
        problem = {"message": "Cannot query field moods on type Title", "extensions": {"code": "BAD_USER_INPUT"}}
        origin.misbehave = lambda _asked: json_reply({"errors": [problem], "data": None}, status)
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 1
        assert "(BAD_USER_INPUT): Cannot query field moods on type Title" in done.last_line
        assert runs(crawl_url)[0]["blocks"] == 0

    def test_fewer_episodes_than_promised_is_partial(self, origin: Origin, crawl_url: str) -> None:
        many = tuple(SampleEpisode(id=f"tt9955{n:04d}", season=1, number=n, title=f"Day {n}") for n in range(1, 61))
        origin.shows["tt99550000"] = SampleShow(
            id="tt99550000", title="Daily", plot="Every day.", start_year=2026, episodes=many
        )
        done = crawl_episodes("-a", "show=tt99550000", *origin.settings("html"))
        assert done.status == 3
        assert "50 of 60 episodes came" in done.last_line
        assert "cursor-50" in done.last_line
        assert len(rows(crawl_url, EPISODES)) == 50

    def test_a_show_that_has_more_than_its_seasons_is_partial(self, origin: Origin, crawl_url: str) -> None:
        promised, more = b'"totalEpisodes":{"total":30}', b'"totalEpisodes":{"total":31}'
        origin.misbehave = lambda asked: Reply(page(SHOW, asked.query.get("season")).replace(promised, more))
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
        assert done.status == 3
        assert f"{SHOW_ID} as a whole (30 of 31 episodes came)" in done.last_line

    def test_an_empty_page_that_promises_some_is_a_failure(
        self, origin: Origin, crawl_url: str, stored: dict[str, Any]
    ) -> None:
        empty = answer(SHOW)
        empty["data"]["title"]["episodes"]["episodes"]["edges"] = []
        origin.misbehave = lambda _asked: json_reply(empty)
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "0 of 30 episodes came" in done.last_line
        assert runs(crawl_url)[-1]["stats"]["outcome/empty"] == 1
        assert catalog_state(crawl_url)["episodes"] == stored["episodes"]

    def test_a_cursor_that_repeats_ends_the_show(self, origin: Origin, crawl_url: str) -> None:
        again = answer(SHOW, first=5)
        origin.misbehave = lambda _asked: json_reply(again)
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "the cursor 5 leads nowhere" in done.last_line
        assert len(origin.pages_asked) == 2

    def test_cursors_that_go_round_end_too(self, origin: Origin, crawl_url: str) -> None:
        def round_and_round(_asked: object) -> Reply:
            again = answer(SHOW, first=5)
            info = again["data"]["title"]["episodes"]["episodes"]["pageInfo"]
            info["endCursor"] = "odd" if len(origin.pages_asked) % 2 else "even"
            return json_reply(again)

        origin.misbehave = round_and_round
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "leads nowhere after 5 of 30" in done.last_line
        assert len(origin.pages_asked) == 2

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (Reply(page(OTHER)), f"asked for {SHOW_ID}, the page is about {OTHER.id} (Lock & Key)"),
            (Reply(page(SHOW, filler=5000)[:4000]), "the page is cut"),
            (Reply(page(SHOW).replace(b'"total":2', b'"total":"two"')), "total"),
        ],
        ids=["another title", "cut", "not understood"],
    )
    def test_a_page_that_cannot_be_used_is_told_without_a_traceback(
        self, origin: Origin, crawl_url: str, stored: dict[str, Any], reply: Reply, words: str
    ) -> None:
        origin.misbehave = lambda _asked: reply
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
        assert done.status == 1
        assert words in done.last_line
        assert "Traceback" not in done.output
        assert catalog_state(crawl_url) == stored

    def test_robots_txt_is_obeyed(self, origin: Origin, crawl_url: str) -> None:
        origin.robots_txt = "User-agent: *\nDisallow: /title/\n"
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
        assert done.status == 1
        assert "Forbidden by robots.txt" in done.last_line
        assert origin.pages_asked == []

    def test_nobody_there(self, crawl_url: str) -> None:
        nowhere = Origin()
        nowhere.url = "http://127.0.0.1:9"
        done = crawl_episodes("-a", f"show={SHOW_ID}", *nowhere.settings("html"), "-s", "RETRY_TIMES=0")
        assert done.status == 1
        assert "refused" in done.last_line.lower()

    def test_a_new_key_is_reported_and_harmless(self, origin: Origin, crawl_url: str) -> None:
        origin.misbehave = lambda asked: Reply(
            page(SHOW, asked.query.get("season")).replace(b'"canRate"', b'"moodRing": "teal", "canRate"')
        )
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("html"))
        assert done.status == 0
        assert done.output.count("nobody reads episode.moodRing yet") == 1
        assert runs(crawl_url)[0]["stats"]["drift/episode.moodRing"] == 4

    def test_a_row_that_the_database_refuses_is_kept_apart(self, origin: Origin, crawl_url: str) -> None:
        broken = answer(SHOW)
        broken["data"]["title"]["episodes"]["episodes"]["edges"][3]["node"]["ratingsSummary"]["aggregateRating"] = 99
        origin.misbehave = lambda _asked: json_reply(broken)
        done = crawl_episodes("-a", f"show={SHOW_ID}", *origin.settings("graphql"))
        assert done.status == 3
        assert "1 episode rejected" in done.last_line
        assert len(rows(crawl_url, EPISODES)) == 29
        [reject] = rows(crawl_url, "SELECT * FROM crawl_rejects")
        assert reject["run_id"] == runs(crawl_url)[0]["id"]
        assert "ck_episodes_imdb_rating" in reject["error"] or "numeric" in reject["error"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "Say which show to crawl"),
            (("-a", "show=tt12"), "-a show: 'tt12' is not an IMDb title"),
            (("-a", "show=nm0000001"), "'nm0000001' is not an IMDb title"),
            (("-a", f"show={SHOW_ID}", "-a", "seasons=first"), "'first' is no season"),
            (("-a", f"show={SHOW_ID}", "-a", "seasons=3-1"), "'3-1' is no season"),
            (("-a", f"show={SHOW_ID}", "-a", "dry_run=perhaps"), "neither true nor false"),
            (("-a", f"show={SHOW_ID}", "-a", "region=US"), "has no argument 'region'; it takes dry_run, due, force"),
            (("-a", "shows=@/no/such/file"), "The file /no/such/file cannot be read: No such file or directory"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_of_arguments_each_is_one_sentence_and_status_2(self, arguments: tuple[str, ...], words: str) -> None:
        done = refused("imdb_episodes", *arguments)
        assert (done.status, done.output.count("\n")) == (2, 1)
        assert words in done.output

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("-a", "show=tt12"), "-a show: 'tt12' is not an IMDb title"),
            (("-a", f"show={SHOW_ID}", "-s", "IMDB_TRANSPORT=pigeon"), "IMDB_TRANSPORT=pigeon is unknown"),
            (("-a", f"show={SHOW_ID}", "-s", "REPLAY=/no/archive"), "The archive /no/archive cannot be read"),
            (
                ("-a", f"show={SHOW_ID}", "-s", "REPLAY=/no/archive", "-s", "IMDB_TRANSPORT=html"),
                "The archive /no/archive cannot be read",
            ),
            (("-a", f"show={SHOW_ID}", "-s", "IMDB_GRAPHQL_HEADERS=[1"), "IMDB_GRAPHQL_HEADERS is not a JSON object"),
            (("-a", f"show={SHOW_ID}", "-s", "REPLAY=a", "-s", "ARCHIVE=b"), "REPLAY and ARCHIVE exclude each other"),
            (
                ("-a", f"show={SHOW_ID}", "-s", "ARCHIVE=/proc/no/x.warc"),
                "The archive /proc/no/x.warc cannot be written",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_each_is_one_sentence_and_status_2(self, arguments: tuple[str, ...], words: str, crawl_url: str) -> None:
        done = crawl_episodes(*arguments)
        assert done.status == 2
        assert words in done.last_line
        assert "Traceback" not in done.output
        assert runs(crawl_url) == []

    def test_an_unknown_spider(self) -> None:
        from support import scrapy

        done = scrapy("crawl", "imdb_episode")
        assert done.status == 2
        assert "there is no such spider; there are " in done.last_line
        assert ", imdb_episodes, " in done.last_line
