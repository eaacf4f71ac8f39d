"""The arguments that name people and lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from trr_crawl.arguments import ArgumentError, files, list_id, list_ids, name_id, name_ids, words


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("nm0000126", "nm0000126"),
        (" nm12345678 ", "nm12345678"),
        ("https://www.imdb.com/name/nm0000126/?ref_=x", "nm0000126"),
        ("https://m.imdb.com/de/name/nm0000126/mediaindex", "nm0000126"),
    ],
)
def test_a_person_is_an_id_or_an_address(text: str, person: str) -> None:
    assert name_id(text) == person


@pytest.mark.parametrize("text", ["", "nm1", "tt0000126", "https://elsewhere.example/name/nm0000126/", "nm0000126x"])
def test_what_is_no_person_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="is not an IMDb person"):
        name_id(text)


def test_people_from_a_file(tmp_path: Path) -> None:
    listed = tmp_path / "people.txt"
    listed.write_text("nm0000126  # one\n\nhttps://www.imdb.com/name/nm0000127/\nnm0000126\n")
    assert name_ids(f"@{listed}") == ("nm0000126", "nm0000127")


@pytest.mark.parametrize(
    ("text", "known_as"),
    [
        ("ls055350410", "ls055350410"),
        ("https://www.imdb.com/list/ls055350410/", "ls055350410"),
        ("https://m.imdb.com/list/ls055350410?sort=a,asc&page=2", "ls055350410"),
        ("https://www.imdb.com/de/list/ls055350410/#top", "ls055350410"),
        ("ur12345678", "ur12345678/watchlist"),
        ("ur12345678/watchlist", "ur12345678/watchlist"),
        ("https://www.imdb.com/user/ur12345678/watchlist/?ref_=x", "ur12345678/watchlist"),
        ("https://www.imdb.com/user/ur12345678/", "ur12345678/watchlist"),
    ],
)
def test_a_list_is_an_id_or_an_address(text: str, known_as: str) -> None:
    assert list_id(text) == known_as


@pytest.mark.parametrize(
    "text", ["", "ls", "tt0000126", "https://elsewhere.example/list/ls055350410/", "https://www.imdb.com/user/p.abc/"]
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="is not an IMDb list"):
        list_id(text)


def test_several_lists_each_once() -> None:
    assert list_ids("ls055350410, ur12345678,https://www.imdb.com/list/ls055350410/") == (
        "ls055350410",
        "ur12345678/watchlist",
    )


def test_words_are_one_text() -> None:
    assert words("  Harbour   Hearts, again ") == ("Harbour Hearts, again",)


def test_files_must_be_readable(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.touch()
    assert files(f"{export}, {export}") == (export,)
    with pytest.raises(ArgumentError, match="cannot be read: Is a directory"):
        files(str(tmp_path))
