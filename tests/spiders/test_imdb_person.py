"""People, end to end but for the store: a real `scrapy crawl` against a real server, and from an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dry_runs import DryRun, dry_run
from golden_pages import PAGES
from in_process import refused, scrapy
from origin import Asked, Origin, Reply, json_reply

from support import CAPTURES

PERSON_ID = "nm99000001"
CREDITS = 5
PART = 2
"""Credits that the origin puts into an answer."""


def node(number: int) -> dict[str, Any]:
    """Every second credit is for the same show, first as herself, then from the archive."""
    title = {"id": f"tt990001{number if number % 2 else 0:02d}", "titleType": {"id": "tvSeries"}, "series": None}
    remarks = [{"text": "archive footage"}] if number == 4 else None
    category = {"categoryId": "self", "text": "Self", "traits": ["SELF_TRAIT"]}
    role = {"text": "Self", "category": category, "attributes": remarks, "characters": None}
    return {"title": title, "creditedRoles": {"edges": [{"node": role}]}}


def answer(asked: Asked) -> Reply:
    variables = json.loads(asked.body)["variables"]
    start = int(variables["after"] or 0)
    last = min(start + PART, CREDITS)
    return json_reply(
        {
            "data": {
                "name": {
                    "id": variables["id"],
                    "nameText": {"text": "Nell Avery"},
                    "creditsV2": {
                        "total": CREDITS,
                        "pageInfo": {"hasNextPage": last < CREDITS, "endCursor": str(last)},
                        "edges": [{"node": node(number)} for number in range(start + 1, last + 1)],
                    },
                }
            }
        }
    )


def crawl(tmp_path: Path, *options: str | Path) -> DryRun:
    return dry_run("imdb_person", tmp_path, "-a", f"person={PERSON_ID}", *options)


def test_a_filmography_is_followed_to_its_end_and_joined(origin: Origin, tmp_path: Path) -> None:
    done = crawl(tmp_path, *origin.settings("graphql"))
    assert done.status == 0, done.output
    assert len(origin.pages_asked) == 3
    assert done.kinds == {"person": 1, "show": 4, "credit": 4}
    [joint] = [item for item in done.of("credit") if item["show_id"] == "tt99000100"]
    assert (joint["archive_footage"], joint["as_self"]) == (False, True)
    assert joint["attributes"] == ["archive footage"]


@pytest.mark.parametrize("layout", ["older-layout", "current-layout"])
def test_a_whole_filmography_on_a_page_is_ok(origin: Origin, tmp_path: Path, layout: str) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "person" / f"{layout}.html").read_bytes())
    done = crawl(tmp_path, *origin.settings("html"))
    assert done.status == 0, done.output
    assert origin.pages_asked == [f"/name/{PERSON_ID}/"]
    assert done.kinds == {"person": 1, "show": 4, "credit": 6}


def test_a_partial_filmography_on_a_page_is_a_gap(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "person" / "partial-current.html").read_bytes())
    done = crawl(tmp_path, *origin.settings("html"))
    assert done.status == 3
    assert f"{PERSON_ID} credits (Actress 2 of 40, Self 0 of 259; only GraphQL serves the rest)" in done.last_line
    assert done.kinds["credit"] == 5


def test_what_came_before_a_failure_is_kept(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda asked: (
        answer(asked) if b'"after":null' in asked.body.replace(b" ", b"") else Reply(b"", 403)
    )
    done = crawl(tmp_path, *origin.settings("graphql"))
    assert done.status == 4
    assert f"could not get {PERSON_ID} credits from cursor 2" in done.last_line
    assert done.kinds == {"person": 1, "show": 2, "credit": 2}


def test_what_came_before_a_page_that_cannot_be_used_is_kept(origin: Origin, tmp_path: Path) -> None:
    def garbled(asked: Asked) -> Reply:
        return answer(asked) if json.loads(asked.body)["variables"]["after"] is None else json_reply({"data": {}})

    origin.misbehave = garbled
    done = crawl(tmp_path, *origin.settings("graphql"))
    assert done.status == 3
    assert f"IMDb knows no person {PERSON_ID}" in done.last_line
    assert done.kinds == {"person": 1, "show": 2, "credit": 2}


def test_a_cursor_that_goes_round_ends_with_a_gap(origin: Origin, tmp_path: Path) -> None:
    def round_and_round(asked: Asked) -> Reply:
        body = json.loads(answer(asked).body)
        body["data"]["name"]["creditsV2"].update(total=99, pageInfo={"hasNextPage": True, "endCursor": "2"})
        return json_reply(body)

    origin.misbehave = round_and_round
    done = crawl(tmp_path, *origin.settings("graphql"))
    assert done.status == 3
    assert len(origin.pages_asked) == 2
    assert "the cursor 2 leads nowhere after 4 of 99" in done.last_line
    assert done.kinds["credit"] == 3


def test_a_filmography_that_promises_and_gives_nothing_is_empty(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: json_reply({"data": {"name": {"id": PERSON_ID, "creditsV2": {"total": 9}}}})
    done = crawl(tmp_path, *origin.settings("graphql"))
    assert done.status == 3
    assert "outcome/empty" in done.output
    assert f"could not get {PERSON_ID} credits (0 of 9 came)" in done.last_line
    assert done.kinds == {"person": 1}


def test_roles_that_are_told_in_part_are_a_gap(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "person" / "answer-roles-cut.json").read_bytes())
    done = crawl(tmp_path, *origin.settings("graphql"))
    assert done.status == 3
    words = "told in part: the roles in tt99000010, the roles in tt99000030, the other names"
    assert f"could not get {PERSON_ID} ({words})" in done.last_line


def test_some_trades_are_asked_for_alone(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "person" / "answer-director-full.json").read_bytes())
    done = crawl(tmp_path, "-a", "roles=director", *origin.settings("graphql"))
    assert done.status == 0, done.output
    question = json.loads(origin.asked[-1].body)
    assert (question["operationName"], question["variables"]["categories"]) == ("PersonRoles", ["director"])
    assert [credit["category"] for credit in done.of("credit")] == ["director"]


def test_an_answer_that_names_nobody_is_about_whom_we_asked_for(origin: Origin, tmp_path: Path) -> None:
    origin.misbehave = lambda _asked: Reply((PAGES / "person" / "answer-director-bare.json").read_bytes())
    done = crawl(tmp_path, "-a", "roles=director", *origin.settings("graphql"))
    assert done.status == 3
    assert f"{PERSON_ID} credits (2 came, and the page does not say of how many)" in done.last_line
    assert {credit["person_id"] for credit in done.of("credit")} == {PERSON_ID}


def test_a_captured_page_replays_from_an_archive(tmp_path: Path) -> None:
    folder = CAPTURES / "imdb" / "person"
    if not folder.is_dir():
        pytest.skip(f"no recorded pages in {CAPTURES}")
    archive = tmp_path / "captured.warc.gz"
    [page] = folder.glob("*2025-10-13.json")
    assert scrapy("archive-add", archive, "https://www.imdb.com/name/nm0000126/", page).status == 0
    done = crawl(tmp_path, "-a", "persons=nm0000126", "-s", f"REPLAY={archive}")
    assert done.status == 3
    assert f"could not get {PERSON_ID} (not in the archive" in done.last_line
    assert "Actor 19 of 70, Producer 21 of 31, Self 15 of 259, Archive Footage 16 of 91" in done.last_line
    assert done.kinds == {"person": 1, "show": 81, "credit": 106}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Say whom to crawl: -a person=nm…"),
        (("-a", "person=tt99000001"), "is not an IMDb person"),
        (("-a", f"person={PERSON_ID}", "-a", "roles=hero"), "'hero' is no role; roles are accountant"),
        (("-a", "persons=@/nowhere/people.txt"), "The file /nowhere/people.txt cannot be read"),
    ],
)
def test_wrong_arguments_are_refused_at_once(options: tuple[str, ...], words: str) -> None:
    done = refused("imdb_person", *options)
    assert done.status == 2
    assert words in done.last_line
