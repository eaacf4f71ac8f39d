"""Spider arguments: every dress that a value may have, and what is wrong in the words of the person who typed it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trr_crawl.arguments import ArgumentError, flag, season_labels, title_id, title_ids
from trr_crawl.errors import UserError
from trr_crawl.spiders.imdb_episodes import ImdbEpisodesSpider

IDS = st.integers(0, 9_999_999_999).map(lambda number: f"tt{number:07}")


class TestTitleId:
    @pytest.mark.parametrize(
        "text",
        [
            "tt99000001",
            "  tt99000001\n",
            "tt99000001/",
            "tt99000001?ref_=x",
            "https://www.imdb.com/title/tt99000001",
            "https://www.imdb.com/title/tt99000001/",
            "http://imdb.com/title/tt99000001/episodes/?season=2&ref_=tt_ep#top",
            "https://m.imdb.com/title/tt99000001/reference",
            "https://www.imdb.com/es/title/tt99000001/",
            "https://www.imdb.com/fr-ca/title/tt99000001/?ref_=x",
        ],
    )
    def test_in_any_dress(self, text: str) -> None:
        assert title_id(text) == "tt99000001"

    @pytest.mark.parametrize("title", ["tt0000001", "tt00000001", "tt000000001", "tt0000000001"])
    def test_of_any_length(self, title: str) -> None:
        assert title_id(title) == title

    @pytest.mark.parametrize(
        "text",
        [
            *("", "99000001", "tt", "tt123456", "tt12345678901", "TT99000001", "nm99000001", "tt99000001x"),
            *("tt99000001 tt99000002", "tt99000001\ntt99000002", "tt990000\u0660\u0661", "Harbour Hearts"),
            *("https://www.imdb.com/name/nm99000001/", "https://www.imdb.com/title/", "https://www.imdb.com/"),
            *("https://www.example.com/title/tt99000001/", "https://evil-imdb.com/title/tt99000001/"),
            "https://www.imdb.com/a/b/title/tt99000001/",
        ],
    )
    def test_what_is_none_is_quoted(self, text: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            title_id(text)
        assert str(caught.value) == (
            f"{text!r} is not an IMDb title: give tt and 7 to 10 digits, or the title's address."
        )

    def test_a_whole_page_is_not_quoted_whole(self) -> None:
        with pytest.raises(ArgumentError) as caught:
            title_id("<html>" + "x" * 100_000)
        assert str(caught.value).startswith("'<html>xxx")
        assert len(str(caught.value)) < 250


class TestTitleIds:
    @pytest.mark.parametrize(
        ("text", "ids"),
        [
            ("tt99000001", ["tt99000001"]),
            ("tt99000002,tt99000001", ["tt99000002", "tt99000001"]),
            (" tt99000002 , tt99000001 ,", ["tt99000002", "tt99000001"]),
            ("tt99000002,,tt99000001,tt99000002", ["tt99000002", "tt99000001"]),
            ("tt99000001,https://www.imdb.com/de/title/tt99000001/", ["tt99000001"]),
        ],
    )
    def test_separated_by_commas(self, text: str, ids: list[str]) -> None:
        assert title_ids(text) == tuple(ids)

    @pytest.mark.parametrize("text", ["", " ", ",", " , ,"])
    def test_none_at_all(self, text: str) -> None:
        with pytest.raises(ArgumentError, match="names no title") as caught:
            title_ids(text)
        assert repr(text) in str(caught.value)

    def test_one_wrong_among_many_is_the_one_quoted(self) -> None:
        with pytest.raises(ArgumentError, match=r"^'tt9' is not an IMDb title"):
            title_ids("tt99000001, tt9 ,tt99000002")

    @given(st.lists(IDS, min_size=1), st.sampled_from([",", " , ", ",,"]))
    def test_round_trip(self, ids: list[str], separator: str) -> None:
        assert title_ids(separator.join(ids)) == tuple(dict.fromkeys(ids))


class TestTitleIdsOfAFile:
    @pytest.fixture
    def listed(self, tmp_path: Path) -> Path:
        return tmp_path / "shows.txt"

    @pytest.mark.parametrize(
        "content",
        [
            "tt99000002\ntt99000001\n",
            "tt99000002\r\ntt99000001",
            "\ufefftt99000002\ntt99000001\n",
            "# our shows\n\n  tt99000002  # the second\n\t\n#tt99000003\ntt99000001#\ntt99000002\n",
            "https://www.imdb.com/title/tt99000002/#top\nhttps://www.imdb.com/pt/title/tt99000001/?ref_=a,b\n",
        ],
        ids=["plain", "windows", "byte-order-mark", "comments", "addresses"],
    )
    def test_one_a_line(self, listed: Path, content: str) -> None:
        listed.write_bytes(content.encode())
        assert title_ids(f"@{listed}") == ("tt99000002", "tt99000001")

    @pytest.mark.parametrize("content", ["", "\n\n", "# nothing\n", "\ufeff"])
    def test_naming_nothing(self, listed: Path, content: str) -> None:
        listed.write_bytes(content.encode())
        with pytest.raises(ArgumentError) as caught:
            title_ids(f"@{listed}")
        assert str(caught.value) == f"'@{listed}' names no title."

    @pytest.mark.parametrize("line", ["tt99", "tt99000001,tt99000002", "PK\x03\x04"])
    def test_a_wrong_line_is_quoted(self, listed: Path, line: str) -> None:
        listed.write_text(f"tt99000001\n{line}\n")
        with pytest.raises(ArgumentError) as caught:
            title_ids(f"@{listed}")
        assert str(caught.value).startswith(f"{line!r} is not an IMDb title: ")

    @pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", b"\xff\xfet\x00t\x00", b"tt99000001 \xe9\n"])
    def test_not_text(self, listed: Path, content: bytes) -> None:
        listed.write_bytes(content)
        with pytest.raises(ArgumentError) as caught:
            title_ids(f"@{listed}")
        assert str(caught.value) == f"The file {listed} cannot be read: it is not UTF-8 text."

    def test_missing(self, listed: Path) -> None:
        with pytest.raises(ArgumentError) as caught:
            title_ids(f"@{listed}")
        assert str(caught.value) == f"The file {listed} cannot be read: No such file or directory."

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError) as caught:
            title_ids(f"@{tmp_path}")
        assert str(caught.value) == f"The file {tmp_path} cannot be read: Is a directory."

    @pytest.mark.parametrize("text", ["@", "@" + "x" * 5000])
    def test_no_file_at_all(self, text: str) -> None:
        with pytest.raises(ArgumentError, match="cannot be read"):
            title_ids(text)


LABELS = st.integers(0, 9999).map(str) | st.just("unknown")


class TestSeasonLabels:
    @pytest.mark.parametrize(
        ("text", "labels"),
        [
            ("1", ["1"]),
            ("0", ["0"]),
            ("1,3-5,unknown", ["1", "3", "4", "5", "unknown"]),
            (" 2 , Unknown,1", ["2", "unknown", "1"]),
            ("3-3", ["3"]),
            ("007", ["7"]),
            ("2,1-3,2", ["2", "1", "3"]),
            ("2019-2021", ["2019", "2020", "2021"]),
        ],
    )
    def test_syntax(self, text: str, labels: list[str]) -> None:
        assert season_labels(text) == tuple(labels)

    @pytest.mark.parametrize(
        ("text", "wrong"),
        [
            *((text, text) for text in ("", "x", "-1", "1-", "1-2-3", "5-3", "1.5", "s1", "12345", "1;2", "²", "٣")),
            *(("1,", ""), ("1,,2", ""), ("1,two,3", "two"), ("1 - 3", "1 - 3"), ("1,ALL", "all")),
        ],
    )
    def test_what_is_none_is_quoted(self, text: str, wrong: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            season_labels(text)
        assert str(caught.value).startswith(f"seasons={text}: {wrong!r} is no season; ")

    @given(st.lists(LABELS, min_size=1))
    def test_round_trip(self, labels: list[str]) -> None:
        assert season_labels(",".join(labels)) == tuple(dict.fromkeys(labels))

    @given(st.integers(0, 9999), st.integers(0, 200))
    def test_a_range_holds_all_between_its_ends(self, first: int, more: int) -> None:
        last = min(first + more, 9999)
        assert season_labels(f"{first}-{last}") == tuple(str(number) for number in range(first, last + 1))

    @given(st.text(max_size=30))
    def test_anything_else_is_an_argument_error(self, text: str) -> None:
        try:
            labels = season_labels(text)
        except ArgumentError as error:
            assert text in str(error)
        else:
            assert all(label == "unknown" or label.isdecimal() for label in labels)
            assert season_labels(",".join(labels)) == labels


class TestFlag:
    @pytest.mark.parametrize("text", ["true", "True", " YES ", "1"])
    def test_true(self, text: str) -> None:
        assert flag(text) is True

    @pytest.mark.parametrize("text", ["false", "FALSE", "no\n", "0"])
    def test_false(self, text: str) -> None:
        assert flag(text) is False

    @pytest.mark.parametrize("text", ["", "on", "2", "truee", "none"])
    def test_neither(self, text: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            flag(text)
        assert str(caught.value) == f"{text!r} is neither true nor false."


class TestSpider:
    def test_all_arguments(self) -> None:
        args = ImdbEpisodesSpider(show="tt99000001", seasons="1,3-4", dry_run="yes").args
        assert (args.shows, args.seasons, args.dry_run) == (("tt99000001",), ("1", "3", "4"), True)

    def test_defaults(self) -> None:
        args = ImdbEpisodesSpider(shows="tt99000001").args
        assert (args.seasons, args.dry_run) == ((), False)

    def test_show_and_shows_together(self, tmp_path: Path) -> None:
        (tmp_path / "list").write_text("tt99000003\ntt99000001\n")
        args = ImdbEpisodesSpider(shows=f"@{tmp_path / 'list'}", show="tt99000001,tt99000002").args
        assert list(dict.fromkeys(args.shows)) == ["tt99000001", "tt99000002", "tt99000003"]

    def test_arguments_of_scrapyd_are_not_ours(self) -> None:
        spider = ImdbEpisodesSpider(show="tt99000001", _job="abc")
        assert spider.given_arguments == {"show": "tt99000001"}

    @pytest.mark.parametrize(
        ("given_", "sentence"),
        [
            ({}, "Say which show to crawl: -a show=tt…, -a shows=@file or -a due=true."),
            ({"seasons": "1"}, "Say which show to crawl: -a show=tt…, -a shows=@file or -a due=true."),
            (
                {"show": "tt99000001", "season": "1"},
                "imdb_episodes has no argument 'season'; it takes dry_run, due, force, limit, resume, seasons, ",
            ),
            ({"show": ""}, "-a show: '' names no title."),
            ({"show": "tt99000001", "shows": "@/no/file"}, "-a shows: The file /no/file cannot be read: No such file "),
            ({"show": "tt1"}, "-a show: 'tt1' is not an IMDb title: "),
            ({"show": "tt99000001", "seasons": "x"}, "-a seasons: seasons=x: 'x' is no season; "),
            ({"show": "tt99000001", "dry_run": "maybe"}, "-a dry_run: 'maybe' is neither true nor false."),
        ],
    )
    def test_mistakes(self, given_: dict[str, str], sentence: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            ImdbEpisodesSpider(**given_)
        assert str(caught.value).startswith(sentence)
        assert isinstance(caught.value, UserError)
