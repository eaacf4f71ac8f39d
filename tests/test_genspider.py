"""`scrapy genspider` in a copy of the tree: what it writes passes its own tests, ruff and mypy at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapy.cmdline import execute

from support import ROOT
from trr_crawl.commands import genspider

COPIED = ("trr_crawl", "trr_api", "tests", "samples", "docs", "alembic", "pyproject.toml", "scrapy.cfg")
NAME, DOMAIN = "island_shows", "shows.example.com"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project, without its pages."""
    folder = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "pages"))
        else:
            shutil.copy(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(folder)


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python module in the copy, which must not be taken for the installed project."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file() and "cache" not in str(path)}


@pytest.fixture(scope="module")
def written(tree: Path) -> list[str]:
    """The files that the command wrote, as it says itself."""
    before = files(tree)
    done = run(tree, "scrapy", "genspider", NAME, DOMAIN)
    assert done.returncode == 0, done.stderr
    listed = done.stdout.partition("\n\n")[0].splitlines()
    assert set(listed) == files(tree) - before
    return listed


def test_writes_a_source_from_its_spider_to_its_tests(written: list[str]) -> None:
    assert {
        f"trr_crawl/spiders/{NAME}.py",
        f"trr_crawl/parse/{NAME}/show.py",
        f"tests/pages/{NAME}/show/example.html",
        f"tests/pages/{NAME}/show/example.items.json",
        f"tests/parse/test_{NAME}_pages.py",
        f"tests/spiders/test_{NAME}.py",
    } <= set(written)


def test_its_tests_pass_at_once(tree: Path, written: list[str]) -> None:
    tests = [path for path in written if path.startswith("tests/") and path.endswith(".py")]
    done = run(tree, "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout


@pytest.mark.parametrize("check", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join)
def test_the_sources_are_clean(tree: Path, written: list[str], check: tuple[str, ...]) -> None:
    sources = [path for path in written if path.endswith(".py")]
    if check == ("mypy",):
        sources = [path for path in sources if path.startswith("trr_crawl/")]
    done = run(tree, *check, *sources)
    assert done.returncode == 0, done.stdout


def test_the_spider_is_listed_and_keeps_the_laws(tree: Path, written: list[str]) -> None:
    assert NAME in run(tree, "scrapy", "list").stdout.split()
    done = run(
        tree, "pytest", "-q", "-p", "no:cacheprovider", "tests/test_architecture.py",
        "-k", "pure or start_asynchronously",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_a_second_time_it_writes_nothing(tree: Path, written: list[str]) -> None:
    before = {path: (tree / path).read_bytes() for path in written}
    (tree / written[0]).unlink()
    done = run(tree, "scrapy", "genspider", NAME, "other.example.com")
    assert done.returncode == 2
    assert "is there already." in done.stderr
    assert not (tree / written[0]).exists()
    (tree / written[0]).write_bytes(before[written[0]])
    assert {path: (tree / path).read_bytes() for path in written} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a name and a domain"),
        (("island",), "give a name and a domain"),
        (("Island", DOMAIN), "'Island' is no name for a spider"),
        (("../island", DOMAIN), "'../island' is no name for a spider"),
        (("class", DOMAIN), "'class' is no name for a spider"),
        (("a" * 31, DOMAIN), "is no name for a spider: write up to 30 small letters"),
        (("island", "https://example.com/"), "'https://example.com/' is no domain"),
        (("island", "nowhere"), "'nowhere' is no domain"),
        (("imdb_episodes", "www.imdb.com"), "trr_crawl/spiders/imdb_episodes.py is there already."),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    tree: Path,
    arguments: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command line in this process, for the copy: the start of another would be most of it."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SCRAPY_SETTINGS_MODULE", "trr_crawl.settings")
    monkeypatch.setattr(genspider, "PROJECT", tree)
    before = files(tree)
    with pytest.raises(SystemExit) as left:
        execute(["scrapy", "genspider", *arguments])
    told = capsys.readouterr()
    assert left.value.code == 2
    assert words in told.err + told.out
    assert files(tree) == before
