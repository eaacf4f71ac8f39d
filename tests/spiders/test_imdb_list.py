"""Lists, end to end but for the store: a real `scrapy crawl` against a real server, and exports from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dry_runs import DryRun, dry_run
from golden_pages import PAGES
from in_process import refused
from origin import Asked, Origin, Reply, json_reply

from support import CAPTURES

LIST_ID, WATCHLIST = "ls990000001", "ur99000001/watchlist"
ENTRIES = 7
PART = 3
"""Entries that the origin puts into an answer or page."""


def edge(position: int) -> dict[str, Any]:
    """Entries 1 and 5 name the same title."""
    title_id = f"tt990000{1 if position == 5 else position:02d}"
    title = {"id": title_id, "titleText": {"text": title_id}, "titleType": {"id": "tvSeries"}, "series": None}
    return {"node": {"absolutePosition": position}, "listItem": title}


def held(start: int) -> dict[str, Any]:
    """The list, with its entries after the first `start`."""
    last = min(start + PART, ENTRIES)
    return {
        "id": LIST_ID,
        "name": {"originalText": "Shows of the coast"},
        "titleListItemSearch": {
            "total": ENTRIES,
            "pageInfo": {"hasNextPage": last < ENTRIES, "endCursor": str(last)},
            "edges": [edge(position) for position in range(start + 1, last + 1)],
        },
    }


def page(root: str, data: Any) -> Reply:
    script = json.dumps({"props": {"pageProps": {"mainColumnData": {root: data}}}})
    return Reply(f'<script id="__NEXT_DATA__" type="application/json">{script}</script>'.encode())


def answer(asked: Asked) -> Reply:
    """What a list of seven entries answers, by GraphQL or as pages."""
    if asked.method == "POST":
        body = json.loads(asked.body)
        root = "list" if body["operationName"] == "TitleListEntries" else "predefinedList"
        assert body["variables"]["id"] == (LIST_ID if root == "list" else "ur99000001")
        return json_reply({"data": {root: held(int(body["variables"]["after"] or 0))}})
    root = "list" if asked.path.startswith("/list/") else "predefinedList"
    return page(root, held((int(asked.query.get("page", 1)) - 1) * PART))


def crawl(tmp_path: Path, *options: str | Path) -> DryRun:
    return dry_run("imdb_list", tmp_path, *options)


def entries(done: DryRun) -> list[tuple[str, int, int]]:
    return [(item["show_id"], item["occurrence"], item["position"]) for item in done.of("list_entry")]


ALL = [(f"tt990000{1 if n == 5 else n:02d}", 2 if n == 5 else 1, n) for n in range(1, 8)]


@pytest.mark.parametrize("transport", ["graphql", "html"])
@pytest.mark.parametrize("list_id", [LIST_ID, WATCHLIST])
def test_a_list_is_followed_to_its_end(origin: Origin, tmp_path: Path, transport: str, list_id: str) -> None:
    done = crawl(tmp_path, "-a", f"list={list_id}", *origin.settings(transport))
    assert done.status == 0, done.output
    assert len(origin.pages_asked) == 3
    assert done.kinds == {"list": 1, "show": 6, "list_entry": 7}
    assert entries(done) == ALL
    assert {item["list_id"] for item in done.of("list_entry")} == {list_id}
    if transport == "html":
        path = f"/list/{LIST_ID}/" if list_id == LIST_ID else f"/user/{WATCHLIST}/"
        assert origin.pages_asked == [path, f"{path}?page=2", f"{path}?page=3"]


def test_several_lists_are_kept_apart(origin: Origin, tmp_path: Path) -> None:
    given = f"https://www.imdb.com/list/{LIST_ID}/?ref_=x,https://www.imdb.com/user/ur99000001/watchlist"
    done = crawl(tmp_path, "-a", f"list={given}", *origin.settings("graphql"))
    assert done.status == 0, done.output
    assert {item["id"] for item in done.of("list")} == {LIST_ID, WATCHLIST}
    assert done.kinds["list_entry"] == 14


@pytest.mark.parametrize("name", ["lists.yaml", "lists.json"])
def test_lists_of_a_configuration(origin: Origin, tmp_path: Path, name: str) -> None:
    config = tmp_path / name
    config.write_text(
        json.dumps({"imdb_lists": [LIST_ID], "tmdb_lists": ["1"]})
        if name.endswith("json")
        else f"imdb_lists:\n  - https://www.imdb.com/list/{LIST_ID}/  # ours\ntmdb_lists: [1]\n"
    )
    done = crawl(tmp_path, "-a", f"config={config}", *origin.settings("graphql"))
    assert done.status == 0, done.output
    assert done.kinds["list_entry"] == 7


def test_a_private_list_is_called_private_and_blocks_nothing(origin: Origin, tmp_path: Path) -> None:
    private = (PAGES / "list" / "answer-private.json").read_bytes()

    def one_is_private(asked: Asked) -> Reply:
        if json.loads(asked.body)["variables"]["id"] == "ls990000009":
            return Reply(private, headers={"Content-Type": "application/json"})
        return answer(asked)

    origin.misbehave = one_is_private
    done = crawl(tmp_path, "-a", f"list=ls990000009,{LIST_ID}", *origin.settings("graphql"))
    assert done.status == 3
    assert "could not get ls990000009 (the source refused the query (FORBIDDEN): the list ls990000009 is private)" in (
        done.last_line
    )
    assert done.kinds["list_entry"] == 7


def test_a_short_list_is_partial(origin: Origin, tmp_path: Path) -> None:
    short = held(4)
    origin.misbehave = lambda _asked: json_reply({"data": {"list": short}})
    done = crawl(tmp_path, "-a", f"list={LIST_ID}", *origin.settings("graphql"))
    assert done.status == 3
    assert f"could not get {LIST_ID} entries (3 of 7 came)" in done.last_line
    assert done.kinds["list_entry"] == 3


def test_a_list_that_promises_and_gives_nothing_is_empty(origin: Origin, tmp_path: Path) -> None:
    search = {"total": 9, "edges": []}
    origin.misbehave = lambda _asked: json_reply({"data": {"list": {"titleListItemSearch": search}}})
    done = crawl(tmp_path, "-a", f"list={LIST_ID}", *origin.settings("graphql"))
    assert done.status == 3
    assert "outcome/empty" in done.output
    assert "0 of 9 came" in done.last_line


@pytest.mark.parametrize(
    ("transport", "words"),
    [("graphql", "the cursor 3 leads nowhere after 3 of 7"), ("html", "page 2 has nothing new after 3 of 7")],
)
def test_a_part_that_repeats_ends_with_a_gap(origin: Origin, tmp_path: Path, transport: str, words: str) -> None:
    first = held(0)
    origin.misbehave = lambda asked: (
        json_reply({"data": {"list": first}}) if asked.method == "POST" else page("list", first)
    )
    done = crawl(tmp_path, "-a", f"list={LIST_ID}", *origin.settings(transport))
    assert done.status == 3
    assert words in done.last_line
    assert entries(done) == ALL[:3]


def test_a_page_with_json_ld_only_is_no_whole_list(origin: Origin, tmp_path: Path) -> None:
    body = (PAGES / "list" / "json-ld.html").read_bytes()
    origin.misbehave = lambda _asked: Reply(body + b'<script id="__NEXT_DATA__">{"props":{"pageProps":{}}}</script>')
    done = crawl(tmp_path, "-a", f"list={LIST_ID}", *origin.settings("html"))
    assert done.status == 3
    assert "3 came, and the page does not say of how many" in done.last_line
    assert "it does not say to which series 1 belong: tt99000101" in done.last_line
    assert done.kinds == {"list": 1, "show": 2, "list_entry": 2}


def test_a_page_with_markup_only_is_followed_and_never_called_whole(origin: Origin, tmp_path: Path) -> None:
    item = '<li class="ipc-metadata-list-summary-item"><a href="/title/tt990000{0:02d}/"><h3>{0}. Salt</h3></a></li>'

    def marked(asked: Asked) -> Reply:
        number = int(asked.query.get("page", 1))
        shown = "".join(item.format(2 * number + place) for place in (-1, 0)) if number < 4 else item.format(6)
        return Reply(f'{shown}<a href="/list/{LIST_ID}/?page={number + 1}">Next</a>'.encode())

    origin.misbehave = marked
    done = crawl(tmp_path, "-a", f"list={LIST_ID}", *origin.settings("html"))
    assert done.status == 3
    assert len(origin.pages_asked) == 4
    assert f"could not get {LIST_ID} entries (page 4 has nothing new after 6 of an unknown number)" in done.last_line
    assert [entry["position"] for entry in done.of("list_entry")] == [1, 2, 3, 4, 5, 6]


def test_links_to_titles_on_a_page_that_is_no_list_are_a_block(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "list" / "links-of-no-list.html").read_bytes())
    done = crawl(tmp_path, "-a", f"list={LIST_ID}", *origin.settings("html"))
    assert (done.status, done.items) == (4, [])


class TestExports:
    def test_an_export_needs_no_network(self, tmp_path: Path) -> None:
        export = tmp_path / f"{LIST_ID}.csv"
        export.write_bytes((PAGES / "list" / "export-of-ratings.csv").read_bytes())
        done = crawl(tmp_path, "-a", f"file={export}")
        assert done.status == 0, done.output
        assert [item["list_id"] for item in done.of("list_entry")] == [LIST_ID]

    def test_what_an_export_does_not_tell_is_a_gap(self, tmp_path: Path) -> None:
        done = crawl(tmp_path, "-a", f"file={PAGES / 'list' / 'export.csv'}")
        assert done.status == 3
        assert "could not get csv:export episodes (it does not say to which series 1 belong: tt99000101)" in (
            done.last_line
        )
        assert done.kinds == {"list": 1, "show": 2, "list_entry": 3}

    def test_a_bad_export_does_not_stop_a_good_one(self, tmp_path: Path) -> None:
        folder = PAGES / "list"
        done = crawl(tmp_path, "-a", f"files={folder / 'export-cut.csv'},{folder / 'export-of-ratings.csv'}")
        assert done.status == 3
        assert "row 2 has not as many cells as there are columns" in done.last_line
        assert done.kinds == {"list": 1, "show": 1, "list_entry": 1}

    def test_real_exports_are_read(self, tmp_path: Path) -> None:
        folder = CAPTURES / "imdb" / "list"
        if not folder.is_dir():
            pytest.skip(f"no recorded pages in {CAPTURES}")
        done = crawl(tmp_path, "-a", f"files={','.join(map(str, sorted(folder.glob('*.csv'))))}")
        assert done.status == 0, done.output
        assert done.kinds == {"list": 2, "show": 3, "list_entry": 6}  # the same three titles


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (None, "Say which list to crawl: -a list=ls…"),
        ("list=nonsense", "'nonsense' is not an IMDb list"),
        ("list=,", "names no list"),
        ("file=/nowhere/export.csv", "The file /nowhere/export.csv cannot be read: No such file"),
        ("file=,", "names no file"),
        ("config=/nowhere/lists.yaml", "The file /nowhere/lists.yaml cannot be read"),
    ],
)
def test_wrong_arguments_are_refused_at_once(option: str | None, words: str) -> None:
    done = refused("imdb_list", *(("-a", option) if option else ()))
    assert done.status == 2
    assert words in done.last_line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"imdb_lists: [", "is not YAML"),
        (b"[]", "holds something else than the keys imdb_lists and tmdb_lists"),
        (b"imdb_list: [ls990000001]", "holds something else"),
        (b"tmdb_lists: [1]", "names no list under imdb_lists"),
        (b"imdb_lists: [1]", "names no list under imdb_lists"),
        (b"imdb_lists: [nonsense]", "'nonsense' is not an IMDb list"),
        (b"imdb_lists: [\xff]", "it is not UTF-8 text"),
    ],
)
def test_a_configuration_is_checked_at_once(tmp_path: Path, content: bytes, words: str) -> None:
    config = tmp_path / "lists.yaml"
    config.write_bytes(content)
    done = refused("imdb_list", "-a", f"config={config}")
    assert done.status == 2
    assert words in done.last_line
