"""The pages that follow from the code say what it says now, and links between pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import architecture, schema
from support import ROOT, Server
from trr_api.tables import metadata

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_the_page_of_the_schema_is_what_the_migrations_make(embedded_server: Server) -> None:
    url = embedded_server.take()
    try:
        made = schema.text(url)
    finally:
        embedded_server.put_back(url)
    for table in metadata.tables:
        assert f"\n### {table}\n" in made
    assert made == schema.PATH.read_text(encoding="utf-8"), "run: make schema"


def test_the_meaning_of_a_column_is_the_comment_above_it(tmp_path: Path) -> None:
    (tmp_path / "tables.py").write_text(
        """
# Boats,
# and their berths.
boats = Table(
    "boats",
    metadata,
    Column("id", Uuid),
    # In metres.
    Column("length", Integer),
    # Not unique.
    Index("ix_boats_length", "length"),
)


def _entity(name):
    # Whoever sails it.
    return Column("skipper", Text)
"""
    )
    assert schema.said_in(tmp_path / "tables.py") == {
        ("boats", ""): "Boats, and their berths.",
        ("boats", "length"): "In metres.",
        ("boats", "ix_boats_length"): "Not unique.",
        ("", "skipper"): "Whoever sails it.",
    }


def test_the_diagrams_are_what_the_code_is() -> None:
    page = architecture.PATH.read_text(encoding="utf-8")
    assert page == architecture.text(page), "run: make architecture"


def test_a_page_without_a_place_for_a_diagram_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match=r"no place for 'packages'.*<!-- generated: packages -->"):
        architecture.text("# Architecture")


def test_arrows_that_follow_from_others_are_left_out_and_circles_stay() -> None:
    assert architecture.reduced({"a": {"b", "c"}, "b": {"c"}}) == {"a": {"b"}, "b": {"c"}}
    assert architecture.reduced({"a": {"b"}, "b": {"a"}}) == {"a": {"b"}, "b": {"a"}}


def test_tables_are_found_in_every_kind_of_statement(tmp_path: Path) -> None:
    (tmp_path / "queries.py").write_text(
        'ADD = b"INSERT INTO users (name) VALUES ($1)"\n'
        'f"UPDATE {table} SET gone = true"\n'
        '"DELETE FROM crawl_leases"\n'
        '"UPDATE nothing SET x = 1"\n'
    )
    assert architecture.tables_written(tmp_path / "queries.py") == [
        "`crawl_leases`",
        "`users`",
        "tables by their names",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    links = set(re.findall(r"\]\(([^)\s]+)\)", text))
    assert {link for link in links if link.startswith("#") and link[1:] not in headings} == set()
    files = {link.partition("#")[0] for link in links if not re.match(r"#|https?:", link)}
    assert {link for link in files if not (page.parent / link).exists()} == set()
