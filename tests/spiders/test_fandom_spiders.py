"""People and galleries of wikis, end to end: a real `scrapy crawl` against a real server that plays a wiki."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from golden_pages import PAGES
from in_process import refused
from origin import Asked, Origin, Reply, json_reply, serving

from support import Crawl, scrapy
from trr_crawl.catalog import write
from trr_crawl.catalog.write import Record

FANDOM = PAGES.parent / "fandom"
SHOW = "Harbour Hearts"
NELL = ("-a", "person=Nell Avery", "-a", f"title={SHOW}")
LAG = {"error": {"code": "maxlag", "info": "Waiting for db1: 6 seconds lagged.", "lag": 6}}
PICTURE = "https://static.wikia.nocookie.net/harbourhearts/images/{}/revision/latest?cb=1"
SIZED = [
    ("0/0e/Nell_Avery_S2_Promo.jpg", 800, 600),
    ("0/0a/Nell_Avery_S2_Promo_2.jpg", 640, 480),
    ("8/86/Nell%E2%80%99s_S2_Reunion_Look_%281%29.jpg", 300, 900),
]


def recorded(name: str) -> bytes:
    return (FANDOM / name).read_bytes()


def parsed(title: str, page_id: int, text: str, categories: tuple[str, ...] = ("Harbour_Hearts",)) -> dict[str, Any]:
    """What api.php answers about a page."""
    return {
        "parse": {
            "title": title,
            "pageid": page_id,
            "revid": 9000 + page_id,
            "text": f'<div class="mw-parser-output">{text}</div>',
            "categories": [{"sortkey": "", "category": category} for category in categories],
            "images": [],
            "displaytitle": title,
        }
    }


@dataclass
class Wiki:
    """A wiki: `pages` by title, `redirects` from title to title, `found` by its search, `parts` of picture sizes."""

    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    html: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    sizes: Callable[[Asked], dict[str, Any]] = lambda _asked: {"batchcomplete": True}
    api: Callable[[Asked], Reply | None] = lambda _asked: None
    """Answers in the place of api.php."""

    def reply(self, asked: Asked) -> Reply | None:
        if not asked.path.endswith("/api.php"):
            title = asked.path.rpartition("/wiki/")[2].replace("_", " ")
            return Reply(self.html[title]) if title in self.html else Reply(b"no such page", 404)
        if (special := self.api(asked)) is not None:
            return special
        if asked.query["action"] == "parse":
            title = self.redirects.get(asked.query["page"], asked.query["page"])
            missing = {"error": {"code": "missingtitle", "info": "The page you specified doesn't exist."}}
            return json_reply(self.pages.get(title, missing))
        if asked.query.get("list") == "search":
            return json_reply({"query": {"search": [{"ns": 0, "title": title} for title in self.found]}})
        return json_reply(self.sizes(asked))


@pytest.fixture
def wiki() -> Wiki:
    nell = parsed("Nell Avery", 71, "<p>She sails.</p>")
    return Wiki(pages={"Nell Avery": nell})


@pytest.fixture
def origin(wiki: Wiki) -> Iterator[Origin]:
    with serving(Origin()) as served:
        served.misbehave = wiki.reply
        yield served


def crawl(origin: Origin, tmp_path: Path, spider: str, *options: str) -> tuple[Crawl, list[Any]]:
    """A dry run on the wiki, and the items that it exported."""
    exported = tmp_path / "items.json"
    wiki = () if any(option.startswith("wiki=") for option in options) else ("-a", "wiki=harbour-hearts")
    done = scrapy(
        *("crawl", spider, *wiki, *options, "-a", "dry_run=true", "-O", exported, "-s", "RETRY_TIMES=1"),
        *("-s", f"FANDOM_URL={origin.url}/{{wiki}}", *origin.settings("graphql")),
    )
    content = exported.read_text() if exported.exists() else ""
    return done, json.loads(content) if content else []


def person(origin: Origin, tmp_path: Path, *options: str) -> tuple[Crawl, list[Any]]:
    return crawl(origin, tmp_path, "fandom_person", *options)


def gallery(origin: Origin, tmp_path: Path, *options: str) -> tuple[Crawl, list[Any]]:
    return crawl(origin, tmp_path, "fandom_gallery", *options)


def of_kind(items: list[Any], kind: str) -> list[Any]:
    return [item for item in items if item["kind"] == kind]


def kinds(items: list[Any]) -> dict[str, int]:
    return dict(Counter(item["kind"] for item in items))


def titles_asked(origin: Origin) -> list[str]:
    """The pages that were asked for by api.php, in order."""
    return [asked.query["page"] for asked in origin.asked if asked.query.get("action") == "parse"]


class TestPerson:
    def test_a_page_with_evidence_is_attached(self, origin: Origin, tmp_path: Path) -> None:
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        [asked] = [asked for asked in origin.asked if asked.path != "/robots.txt"]
        assert asked.path == "/harbour-hearts/api.php"
        assert asked.query == {
            "action": "parse", "page": "Nell Avery", "prop": "text|revid|categories|images|displaytitle",
            "redirects": "1", "disabletoc": "1", "format": "json", "formatversion": "2", "maxlag": "5",
        }  # fmt: skip
        assert kinds(items) == {"fandom_page": 1, "person": 1}
        [page] = of_kind(items, "fandom_page")
        assert (page["wiki"], page["page_id"], page["person_id"]) == ("harbour-hearts", 71, "harbour-hearts:71")
        assert page["url"] == "https://harbour-hearts.fandom.com/wiki/Nell_Avery"
        assert "Nell Avery: harbour-hearts/71 Nell Avery, the page's title is Nell Avery" in done.output

    def test_a_whole_page_comes_through(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.api = lambda _asked: Reply(b"no api here", 404)
        wiki.html["Nell Avery"] = recorded("article/full.html")
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        golden = json.loads(recorded("article/full.items.json"))["items"]
        assert kinds(items) == dict(Counter(item["kind"] for item in golden))
        assert "'drift/infobox.Twitter': 1" in done.output
        assert "'fandom/missing_files': 1" in done.output

    def test_several_people_also_from_a_file(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages["Avery, Jr."] = parsed("Avery, Jr.", 75, "<p>He sails.</p>")
        names = tmp_path / "names.txt"
        names.write_text("Avery, Jr.  # with a comma\n\nNell  Avery\n", encoding="utf-8")
        done, items = person(origin, tmp_path, "-a", f"persons=@{names}", "-a", f"title={SHOW}")
        assert done.status == 0, done.output
        assert {item["name"] for item in of_kind(items, "person")} == {"Avery, Jr.", "Nell Avery"}

    def test_only_a_name_is_kept_unattached_and_that_is_no_failure(self, origin: Origin, tmp_path: Path) -> None:
        done, items = person(origin, tmp_path, "-a", "person=Nell Avery")
        assert done.status == 0, done.output
        [page] = items
        assert "person_id" not in page
        assert page["reason"] == "only the name is known of the person looked for"
        assert len(origin.pages_asked) == 1

    def test_a_birth_date_is_evidence(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages["Nell Avery"] = json.loads(recorded("article/answer-only-the-name.json"))
        done, items = person(origin, tmp_path, "-a", "person=Nell Avery", "-a", "born=1990-03-03")
        assert done.status == 0, done.output
        assert kinds(items) == {"fandom_page": 1, "person": 1}

    def test_where_a_redirect_leads_is_what_counts(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.redirects["Nell Avery"] = "Ana Reyes"
        wiki.pages["Ana Reyes"] = parsed("Ana Reyes", 73, "<p>Nell Avery is a friend of hers.</p>")
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 3
        assert kinds(items) == {"fandom_page": 1}
        assert items[0]["reason"] == "the page is about Ana Reyes"
        assert "could not get Nell Avery (the page is about Ana Reyes (harbour-hearts/73))" in done.last_line

    def test_a_search_offers_and_never_decides(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages = {
            "Ana Reyes": parsed("Ana Reyes", 73, "<p>Nell Avery is a friend of hers.</p>"),
            "Nell Avery (USA)": parsed("Nell Avery (USA)", 74, "<p>Another one.</p>", ("Harbour_Hearts_USA",)),
            "Bo Lind": parsed("Bo Lind", 76, "<p>He knows her.</p>"),
            "Eve Holm": parsed("Eve Holm", 77, "<p>She knows her.</p>"),
        }
        wiki.found = list(wiki.pages)
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 3
        assert kinds(items) == {"candidate": 4, "fandom_page": 3}
        assert titles_asked(origin) == ["Nell Avery", "Ana Reyes", "Nell Avery (USA)", "Bo Lind"]
        assert all("person_id" not in page for page in of_kind(items, "fandom_page"))
        assert "the page says nothing of the show Harbour Hearts (harbour-hearts/74)" in done.last_line
        assert "its search offers Ana Reyes, Nell Avery (USA), Bo Lind, Eve Holm" in done.last_line

    def test_a_candidate_with_evidence_is_found(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages = {
            "Ana Reyes": parsed("Ana Reyes", 73, "<p>A friend.</p>"),
            "Nell Avery (Port Ellery)": parsed("Nell Avery (Port Ellery)", 71, "<p>She sails.</p>"),
            "Bo Lind": parsed("Bo Lind", 76, "<p>He knows her.</p>"),
        }
        wiki.found = list(wiki.pages)
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        [found] = of_kind(items, "person")
        assert (found["id"], found["name"]) == ("harbour-hearts:71", "Nell Avery")
        assert titles_asked(origin) == ["Nell Avery", "Ana Reyes", "Nell Avery (Port Ellery)"]

    def test_the_same_page_is_not_looked_at_twice(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.redirects = {"Nell Avery": "Ana Reyes", "Ana": "Ana Reyes"}
        wiki.pages["Ana Reyes"] = parsed("Ana Reyes", 73, "<p>A friend.</p>")
        wiki.found = ["Ana Reyes", "Ana"]
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 3
        assert kinds(items) == {"candidate": 2, "fandom_page": 1}
        assert done.last_line.count("the page is about Ana Reyes") == 1

    def test_for_a_mere_name_candidates_are_told_and_left_alone(
        self, origin: Origin, wiki: Wiki, tmp_path: Path
    ) -> None:
        wiki.pages, wiki.found = {}, ["Ana Reyes"]
        done, items = person(origin, tmp_path, "-a", "person=Nell Avery")
        assert done.status == 3
        assert kinds(items) == {"candidate": 1}
        assert titles_asked(origin) == ["Nell Avery"]
        assert "the wiki has no page of that name; its search offers Ana Reyes" in done.last_line

    def test_without_a_search_a_missing_page_is_the_end(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages = {}
        done, items = person(origin, tmp_path, *NELL, "-a", "search=0")
        assert (done.status, items) == (1, [])
        assert len(origin.pages_asked) == 1
        assert "could not get Nell Avery (the wiki has no page of that name)" in done.last_line

    def test_a_search_that_fails_is_a_gap(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages = {}
        wiki.api = lambda asked: json_reply({"query": {}}) if asked.query.get("list") else None
        done, items = person(origin, tmp_path, *NELL)
        assert (done.status, items) == (1, [])
        assert "answer.query.search is missing" in done.last_line

    def test_a_wiki_in_another_language(self, origin: Origin, tmp_path: Path) -> None:
        done, items = person(origin, tmp_path, "-a", "wiki=https://harbour-hearts.fandom.com/de/", *NELL)
        assert done.status == 0, done.output
        assert origin.pages_asked[0].startswith("/harbour-hearts/de/api.php?")
        assert of_kind(items, "person")[0]["id"] == "de/harbour-hearts:71"


class TestTrouble:
    @pytest.mark.parametrize(
        "reply",
        [
            Reply(b"no api here", 404),
            Reply(b"broken", 500),
            Reply(b"not JSON"),
            json_reply({"error": {"code": "readapidenied", "info": "You need read permission."}}),
            json_reply({"error": {"code": "internal_api_error", "info": "Oops."}}, 400),
            json_reply({"parse": {"title": "Nell Avery"}}),
        ],
        ids=["404", "500", "no JSON", "refused", "refused with 400", "another shape"],
    )
    def test_where_the_api_is_no_help_the_page_is(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, reply: Reply
    ) -> None:
        wiki.api = lambda _asked: reply
        wiki.html["Nell Avery"] = recorded("article/full.html")
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        assert origin.pages_asked[-1] == "/harbour-hearts/wiki/Nell_Avery"
        assert kinds(items)["person"] == 1

    @pytest.mark.parametrize("body", [recorded("article/missing.html"), recorded("article/bad-title.html"), b"", None])
    def test_pages_that_say_that_they_are_none_are_missing(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, body: bytes | None
    ) -> None:
        wiki.api = lambda asked: None if asked.query.get("list") else Reply(b"broken", 410)
        wiki.html |= {} if body is None else {"Nell Avery": body}
        done, _ = person(origin, tmp_path, *NELL)
        assert done.status == 1
        assert "could not get Nell Avery (the wiki has no page of that name)" in done.last_line

    @pytest.mark.parametrize(
        "reply",
        [
            Reply(b"Forbidden", 403),
            Reply(b"<html>Just a moment...</html>"),
            json_reply({"error": {"code": "ratelimited", "info": "Too often."}}),
        ],
        ids=["403", "a check for humans", "rate limit"],
    )
    def test_a_block_is_a_block(self, origin: Origin, wiki: Wiki, tmp_path: Path, reply: Reply) -> None:
        wiki.api = lambda _asked: reply
        wiki.html["Nell Avery"] = recorded("article/full.html")
        done, items = person(origin, tmp_path, *NELL, "-s", "BREAKER_TRIES=0", "-s", "BREAKER_BLOCKS=1")
        assert (done.status, items) == (4, [])
        assert not any("/wiki/" in path for path in origin.pages_asked)

    @pytest.mark.parametrize("reply", [Reply(b"", 403), Reply(b"<html>Just a moment...</html>")])
    def test_a_page_that_is_blocked_is_a_block_too(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, reply: Reply
    ) -> None:
        origin.misbehave = lambda asked: reply if "/wiki/" in asked.path else Reply(b"no api here", 404)
        done, _ = person(origin, tmp_path, *NELL)
        assert done.status == 4

    def test_a_page_of_another_shape_is_a_gap_with_its_reason(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.api = lambda _asked: Reply(b"no api here", 404)
        wiki.html["Nell Avery"] = recorded("article/no-article.html")
        done, _ = person(origin, tmp_path, *NELL)
        assert done.status == 1
        assert "the page holds no article" in done.last_line

    def test_robots_txt_is_obeyed(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        origin.robots_txt = "User-agent: *\nDisallow: /harbour-hearts/api.php\n"
        wiki.html["Nell Avery"] = recorded("article/full.html")
        done, _ = person(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        assert origin.pages_asked == ["/harbour-hearts/wiki/Nell_Avery"]

    @pytest.mark.parametrize("path", ["/api.php", "/wiki/"])
    def test_a_wiki_that_leads_elsewhere_is_not_taken_for_the_other(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, path: str
    ) -> None:
        elsewhere = origin.url.replace("127.0.0.1", "localhost")
        wiki.html["Nell Avery"] = recorded("article/full.html")

        def moved(asked: Asked) -> Reply | None:
            if asked.headers["Host"].startswith("localhost"):
                return wiki.reply(asked)
            if path in asked.path:
                query = "&".join(f"{name}={value}" for name, value in asked.query.items())
                return Reply(b"", 302, {"Location": f"{elsewhere}{asked.path}?{query}".replace(" ", "%20")})
            return Reply(b"no api here", 404)

        origin.misbehave = moved
        done, items = person(origin, tmp_path, *NELL)
        assert (done.status, items) == (1, [])
        assert "asked harbour-hearts, it leads to http://localhost" in done.last_line

    @pytest.mark.parametrize(
        "lag",
        [
            json_reply(LAG),
            Reply(json.dumps(LAG).encode(), 200, {"Retry-After": "0"}),
            Reply(json.dumps(LAG).encode(), 503, {"Retry-After": "0"}),
        ],
        ids=["without a header", "200", "503"],
    )
    def test_a_wiki_that_lags_is_asked_again(self, origin: Origin, wiki: Wiki, tmp_path: Path, lag: Reply) -> None:
        wiki.api = lambda _asked: lag if len(origin.pages_asked) == 1 else None
        done, items = person(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        assert len(origin.pages_asked) == 2
        assert kinds(items)["person"] == 1
        seconds = 0 if "Retry-After" in lag.headers else 5
        assert f"'retry_after/seconds': {seconds}" in done.output

    def test_a_wiki_that_goes_on_lagging_is_a_gap(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.api = lambda _asked: Reply(json.dumps(LAG).encode(), 200, {"Retry-After": "0"})
        done, _ = person(origin, tmp_path, *NELL)
        assert done.status == 1
        assert sum("api.php" in path and "parse" in path for path in origin.pages_asked) == 2

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("-a", "person=A"), "Say which wiki"),
            (("-a", "wiki=a b", "-a", "person=A"), "'a b' is no wiki of Fandom's"),
            (("-a", "wiki=a"), "Say whom to look for"),
            (("-a", "wiki=a", "-a", "person= , "), "names nobody"),
            (("-a", "wiki=a", "-a", "person=A", "-a", "born=3/9/1985"), "is no day; write it as in 1985-09-14"),
            (("-a", "wiki=a", "-a", "person=A,B", "-a", "born=1985-09-03"), "goes with a single -a person"),
            (("-a", "wiki=a", "-a", "show=tt99000001", "-a", "title=T"), "-a title goes with -a person"),
            (("-a", "wiki=a", "-a", "person=A", "-a", "search=some"), "'some' is no whole number"),
            (("-a", "wiki=a", "-a", "show=Harbour"), "is not an IMDb title"),
        ],
    )
    def test_wrong_arguments_are_refused_at_once(self, options: tuple[str, ...], words: str) -> None:
        done = refused("fandom_person", *options)
        assert done.status == 2
        assert words in done.last_line


class TestCast:
    """Whom `-a show=tt…` looks for."""

    @pytest.fixture
    def cast(self, crawl_url: str) -> str:
        """A catalog with a show and two of its cast, one of them born; a third one has no name."""
        people = [("nm99000001", "Nell Avery", "1990-03-03"), ("nm99000002", "Ana Reyes", None)]
        work = [("nm99000002", "cast"), ("nm99000001", "cast"), ("nm99000003", "cast"), ("nm99000001", "producer")]
        show = "tt99000001"
        records = [Record(source="imdb", kind="show", key=show, payload={"id": show, "original_title": SHOW})]
        for key, name, born in people:
            payload = {"id": key, "name": name, "birth_date": born}
            records.append(Record(source="imdb", kind="person", key=key, payload=payload))
        for order, (key, category) in enumerate(work, 1):
            credit = {"show_id": show, "person_id": key, "category": category, "billing_order": order}
            records.append(Record(source="imdb", kind="credit", key=f"{show}/{key}/{category}", payload=credit))
        with psycopg.connect(crawl_url) as connection:
            write.prepare(connection)
            assert write.write(connection, records).rejects == []
        return crawl_url

    def test_the_cast_is_looked_for_with_what_the_catalog_knows(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, cast: str
    ) -> None:
        wiki.pages = {
            "Nell Avery": json.loads(recorded("article/answer-other-birth-date.json")),
            "Ana Reyes": parsed("Ana Reyes", 73, "<p>She cooks.</p>"),
        }
        done, items = person(origin, tmp_path, "-a", "show=tt99000001", "-s", "CONCURRENT_REQUESTS=1")
        assert done.status == 3
        assert titles_asked(origin) == ["Ana Reyes", "Nell Avery"]
        pages = {page["wanted_id"]: page for page in of_kind(items, "fandom_page")}
        assert pages["nm99000002"]["person_id"] == "harbour-hearts:73"
        assert pages["nm99000001"]["reason"].startswith("the page's Nell Avery was born 1990-03-04")

    def test_somebody_named_is_known_by_the_show(self, origin: Origin, wiki: Wiki, tmp_path: Path, cast: str) -> None:
        wiki.pages["Bo Lind"] = parsed("Bo Lind", 76, "<p>He sails.</p>")
        done, items = person(origin, tmp_path, "-a", "show=tt99000001", "-a", "person=nell avery,Bo Lind")
        assert done.status == 0, done.output
        wanted = {page["wanted_name"]: page.get("wanted_id") for page in of_kind(items, "fandom_page")}
        assert wanted == {"Nell Avery": "nm99000001", "Bo Lind": None}
        assert len(of_kind(items, "person")) == 2

    def test_a_show_that_the_catalog_does_not_know_is_a_gap(self, origin: Origin, tmp_path: Path, cast: str) -> None:
        done, items = person(origin, tmp_path, "-a", "show=tt99000009")
        assert (done.status, items) == (1, [])
        assert "could not get tt99000009 cast (the catalog knows nobody of it" in done.last_line

    def test_without_a_catalog_there_is_no_cast(self, origin: Origin, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        done, _ = person(origin, tmp_path, "-a", "show=tt99000001")
        assert done.status == 1
        assert "The catalog cannot be read: The database" in done.last_line

    def test_it_lands_in_the_catalog_beside_what_imdb_says(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, cast: str
    ) -> None:
        wiki.api = lambda asked: Reply(b"no api here", 404) if asked.query.get("page") == "Nell Avery" else None
        wiki.html["Nell Avery"] = recorded("article/full.html")
        wiki.pages["Ana Reyes"] = parsed("Anna Reyes", 78, "<p>Somebody else.</p>")
        options = ("-a", "wiki=harbour-hearts", "-a", "show=tt99000001", "-s", f"FANDOM_URL={origin.url}/{{wiki}}")
        done = scrapy("crawl", "fandom_person", *options, *origin.settings("graphql"))
        assert done.status == 3, done.output
        with psycopg.connect(cast) as connection:
            pages = connection.execute(
                """
                SELECT page_id, wanted_id, reason IS NULL, name, hair_colour FROM fandom_pages
                LEFT JOIN external_ids ON kind = 'person' AND source = 'fandom' AND value = person_key
                LEFT JOIN people ON people.id = external_ids.entity_id ORDER BY page_id
                """
            ).fetchall()
            kept = connection.execute(
                "SELECT key, payload ->> 'reason' FROM source_records "
                "WHERE kind = 'fandom_page' AND NOT payload ? 'person_id'"
            ).fetchall()
            proposed = connection.execute("SELECT kind, score, evidence ->> 'page' FROM identity_proposals").fetchall()
        assert pages == [(71, "nm99000001", True, "Nell Avery", "Red"), (78, "nm99000002", False, None, None)]
        assert [(kind, page) for kind, _, page in proposed] == [("person", "Nell Avery")]
        assert all(score >= 0.75 for _, score, _ in proposed)
        assert kept == [("harbour-hearts/78", "the page is about Anna Reyes")]


def sizes(*pictures: tuple[str, int, int], more: dict[str, Any] | None = None) -> dict[str, Any]:
    pages = [
        {"ns": 6, "title": path, "imageinfo": [{"url": PICTURE.format(path), "width": width, "height": height}]}
        for path, width, height in pictures
    ]
    return {"query": {"pages": pages}, **({"continue": more} if more else {"batchcomplete": True})}


class TestGallery:
    @pytest.fixture(autouse=True)
    def with_gallery(self, wiki: Wiki) -> None:
        html = recorded("gallery/full.html").decode()
        text = html.partition('mw-parser-output" lang="en" dir="ltr">')[2].partition("</div></div>\n</body>")[0]
        wiki.pages["Nell Avery/Gallery"] = parsed("Nell Avery/Gallery", 80, text.replace("example.org", "a.example"))

    def test_pictures_have_places_captions_and_sizes(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.sizes = lambda asked: (
            sizes(*SIZED[1:], ("6/67/Nell_at_sea.png", 9, 9))
            if asked.query.get("gimcontinue")
            else sizes(SIZED[0], more={"gimcontinue": "80|Next", "continue": "gimcontinue||"})
        )
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 3, done.output  # for the one strange address
        assert "could not get Nell Avery pictures (1 have strange addresses" in done.last_line
        assert kinds(items) == {"fandom_page": 2, "person": 1, "image": 6, "gallery_entry": 3}
        assert [entry["position"] for entry in of_kind(items, "gallery_entry")] == [1, 2, 3]
        assert {entry["person_id"] for entry in of_kind(items, "gallery_entry")} == {"harbour-hearts:71"}
        pictures: dict[str, dict[str, Any]] = {}
        for item in of_kind(items, "image"):
            pictures.setdefault(item["picture_id"], {}).update(item)
        assert [(item["width"], item["height"]) for item in pictures.values()] == [
            (width, height) for _, width, height in SIZED
        ]
        assert pictures["harbourhearts/Nell_Avery_S2_Promo.jpg"]["caption"] == 'Promo: "Nell" & crew on deck'
        asked = [asked.query for asked in origin.asked if asked.query.get("generator")]
        assert [query.get("gimcontinue") for query in asked] == [None, "80|Next"]
        assert asked[1] == {**asked[0], "gimcontinue": "80|Next", "continue": "gimcontinue||"}
        assert "'fandom/missing_files': 2" in done.output

    @pytest.mark.parametrize("kind", ["the same", "always new"])
    def test_a_continuation_that_never_ends_is_left(
        self, origin: Origin, wiki: Wiki, tmp_path: Path, kind: str
    ) -> None:
        def endless(asked: Asked) -> dict[str, Any]:
            count = int(asked.query.get("gimcontinue", "0")) + (kind == "always new")
            return sizes(SIZED[0], more={"gimcontinue": str(count), "continue": "||"})

        wiki.sizes = endless
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 3
        assert "leads nowhere, 2 pictures have none" in done.last_line
        asked = sum("generator" in path for path in origin.pages_asked)
        assert asked == {"the same": 2, "always new": 51}[kind]
        assert kinds(items)["gallery_entry"] == 3

    def test_it_ends_when_all_sizes_came(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.sizes = lambda _asked: sizes(*SIZED, more={"iistart": "2026-01-01T00:00:00Z", "continue": "||"})
        done, _ = gallery(origin, tmp_path, *NELL)
        assert sum("generator" in path for path in origin.pages_asked) == 1
        assert "sizes" not in done.last_line

    def test_sizes_that_do_not_come_are_a_gap(self, origin: Origin, tmp_path: Path) -> None:
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 3
        assert "could not get Nell Avery sizes (3 pictures have none)" in done.last_line
        assert kinds(items)["gallery_entry"] == 3

    def test_sizes_need_not_be_asked_for(self, origin: Origin, tmp_path: Path) -> None:
        done, _ = gallery(origin, tmp_path, *NELL, "-a", "sizes=false")
        assert not any("generator" in path for path in origin.pages_asked)
        assert "sizes" not in done.last_line

    def test_somebody_elses_gallery_is_never_asked_for(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.redirects["Nell Avery"] = "Ana Reyes"
        wiki.pages["Ana Reyes"] = parsed("Ana Reyes", 73, "<p>A friend.</p>")
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 3
        assert kinds(items) == {"fandom_page": 1}
        assert titles_asked(origin) == ["Nell Avery"]

    def test_for_a_mere_name_pictures_are_nobodys(self, origin: Origin, tmp_path: Path) -> None:
        _, items = gallery(origin, tmp_path, "-a", "person=Nell Avery", "-a", "sizes=false")
        assert kinds(items) == {"fandom_page": 2, "image": 3}
        assert not any("person_ids" in item or "person_id" in item for item in items)

    def test_a_gallery_that_is_not_there_is_a_gap(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        del wiki.pages["Nell Avery/Gallery"]
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 3
        assert "could not get Nell Avery gallery (the wiki has no page Nell Avery/Gallery)" in done.last_line
        assert kinds(items) == {"fandom_page": 1, "person": 1}

    def test_a_gallery_that_leads_to_another_page_is_not_taken(
        self, origin: Origin, wiki: Wiki, tmp_path: Path
    ) -> None:
        wiki.redirects["Nell Avery/Gallery"] = "Ana Reyes/Gallery"
        wiki.pages["Ana Reyes/Gallery"] = {
            "parse": {**wiki.pages["Nell Avery/Gallery"]["parse"], "title": "Ana Reyes/Gallery"}
        }
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 3
        assert "Nell Avery/Gallery leads to Ana Reyes/Gallery" in done.last_line
        assert "image" not in kinds(items)

    def test_files_that_are_not_there_are_no_error(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages["Nell Avery/Gallery"] = json.loads(recorded("gallery/answer-all-missing.json"))
        done, items = gallery(origin, tmp_path, *NELL)
        assert done.status == 0, done.output
        assert kinds(items) == {"fandom_page": 2, "person": 1}
        assert "'fandom/missing_files': 1" in done.output

    def test_a_page_without_pictures_is_empty(self, origin: Origin, wiki: Wiki, tmp_path: Path) -> None:
        wiki.pages["Nell Avery/Gallery"] = parsed("Nell Avery/Gallery", 80, "<p>Nothing yet.</p>")
        done, _ = gallery(origin, tmp_path, *NELL)
        assert done.status == 3
        assert "the page Nell Avery/Gallery shows no pictures" in done.last_line
        assert "'outcome/empty': 1" in done.output
