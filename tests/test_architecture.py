"""The laws of the house, checked on the source itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT

CRAWL, API = ROOT / "trr_crawl", ROOT / "trr_api"


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The full names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def strangers(folder: Path, allowed: tuple[str, ...], own: str) -> list[str]:
    """Imports of the project (`own`) or of crawling libraries that a folder is not allowed."""
    watched = (own, "scrapy", "twisted", "playwright", "scrapy_playwright", "sqlalchemy", "psycopg", "boto3", "fastapi")
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(folder)
        for name in imports(path)
        if within(name, watched) and not within(name, allowed)
    ]


def test_the_crawler_never_imports_the_api() -> None:
    assert [path for path in sources(CRAWL) for name in imports(path) if within(name, ("trr_api",))] == []


def test_the_api_knows_of_the_crawler_only_the_catalog_the_database_pictures_mail_and_logs() -> None:
    # Avatars are told, decoded and kept as all pictures are, mail is sent and logs are written as everywhere: in one
    # place, by modules that know no crawl.
    pictures = ("content", "decoding", "stores", "workers")
    allowed = (
        *("trr_crawl.catalog", "trr_crawl.database", "trr_crawl.mail", "trr_crawl.jsonlogs"),
        *(f"trr_crawl.images.{module}" for module in pictures),
    )
    used = [(path, name) for path in sources(API) for name in imports(path) if within(name, ("trr_crawl",))]
    assert [use for use in used if not within(use[1], allowed)] == []


def test_features_of_the_api_never_import_each_other() -> None:
    packages = {path.name for path in API.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert packages >= {"admin", "catalog", "health", "keys"}
    crossing = [
        (str(path.relative_to(ROOT)), name)
        for feature in packages
        for path in sources(API / feature)
        for name in imports(path)
        for other in packages - {feature, "keys", "pages"}  # these are part of the foundation
        # What the catalog shows, and how it is addressed, is shared.
        if within(name, (f"trr_api.{other}",))
        and not within(name, ("trr_api.catalog.queries", "trr_api.catalog.schemas", "trr_api.catalog.places"))
    ]
    assert crossing == []


def test_sql_of_the_api_is_in_queries() -> None:
    # What configures a connection is no query.
    statement = re.compile(r"\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|FROM \w+ (WHERE|JOIN))\b")
    texts = [
        (str(path.relative_to(API)), node.value)
        for path in sources(API)
        if path.name != "queries.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and statement.search(node.value)
    ]
    assert [path for path, text in texts if "set_config" not in text] == []


def test_features_of_the_api_never_commit() -> None:
    calls = [
        str(path.relative_to(API))
        for path in sources(API)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    ]
    assert calls == []


@pytest.mark.parametrize(
    "module",
    [
        *("trr_api.app", "trr_api.__main__", "trr_crawl.catalog.write", "trr_crawl.database"),
        *("trr_crawl.images.decoding", "trr_crawl.images.stores", "trr_crawl.images.workers"),
    ],
)
def test_what_the_api_uses_starts_without_crawling_libraries(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} "
        "& {'scrapy', 'twisted', 'playwright', 'scrapy_playwright', 'itemadapter', 'parsel'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_parsers_are_pure() -> None:
    allowed = ("trr_crawl.parse", "trr_crawl.items", "trr_crawl.text", "scrapy.http", "parsel")
    assert strangers(CRAWL / "parse", allowed, "trr_crawl") == []
    io = ("socket", "requests", "urllib.request", "http.client", "pathlib", "os", "io", "subprocess", "time", "random")
    assert [name for path in sources(CRAWL / "parse") for name in imports(path) if within(name, io)] == []


def test_spiders_know_parsers_and_items_and_no_writer() -> None:
    allowed = (
        "scrapy",
        "twisted.python.failure",
        "trr_crawl.parse",
        "trr_crawl.items",
        "trr_crawl.arguments",
        "trr_crawl.report",
        "trr_crawl.blocks",
        "trr_crawl.spiders",  # what the spiders of one source share: their base class, the galleries
        "trr_crawl.datasets",  # finds and reads files: what requests are to a page, for a source without pages
        "trr_crawl.keys",  # whether there is a key, never what it is
        "trr_crawl.clock",
        "trr_crawl.subjects",  # the account of what a run was to get
        "trr_crawl.catalog.due",
    )
    assert strangers(CRAWL / "spiders", allowed, "trr_crawl") == []


def test_the_catalog_needs_sqlalchemy_and_psycopg_only() -> None:
    # The database is where the catalog is: `due` reads it for spiders, which may not.
    allowed = ("trr_crawl.catalog", "trr_crawl.database", "sqlalchemy", "psycopg")
    assert strangers(CRAWL / "catalog", allowed, "trr_crawl") == []


def test_the_fleet_knows_the_catalog_and_the_database_and_no_spider() -> None:
    allowed = ("trr_crawl.fleet", "trr_crawl.catalog", "trr_crawl.database", "trr_crawl.clock", "trr_crawl.errors")
    assert strangers(CRAWL / "fleet", (*allowed, "psycopg"), "trr_crawl") == []


def users_of(module: str) -> set[str]:
    """Who outside the catalog imports one of its modules."""
    return {
        str(path.relative_to(CRAWL))
        for path in sources(CRAWL)
        for name in imports(path)
        if within(name, (module,)) and CRAWL / "catalog" not in path.parents
    }


def test_only_the_store_writes_the_catalog() -> None:
    assert users_of("trr_crawl.catalog.write") == {"pipelines/store.py"}
    assert users_of("trr_crawl.catalog.rejects") == {"pipelines/store.py"}


def test_what_is_kept_of_pictures_is_noted_where_they_are_stored_pruned_and_moved() -> None:
    assert users_of("trr_crawl.catalog.hosting") == {"pipelines/images.py", "images/upkeep.py"}
    for path in sources(CRAWL):
        text = path.read_text(encoding="utf-8")
        tables = re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM) (image_\w+|primary_images)", text)
        allowed = {"hosting.py": "image_", "primary.py": "primary_images"}.get(path.name, "nothing")
        assert [table for table in tables if not table.startswith(allowed)] == [], path


def test_migrations_import_the_metadata_and_nothing_else() -> None:
    used = {
        name for path in sources(ROOT / "alembic") for name in imports(path) if within(name, ("trr_crawl", "trr_api"))
    }
    assert used == {"trr_api.tables.metadata"}  # the catalog's, with the API's own tables on it
    assert not (ROOT / "alembic" / "__init__.py").exists(), "it would shadow the library"


def test_spiders_have_names_like_their_files_and_start_asynchronously() -> None:
    from scrapy.utils.misc import walk_modules_iter
    from scrapy.utils.spider import iter_spider_classes

    spiders = {
        spider
        for module in walk_modules_iter("trr_crawl.spiders")
        for spider in iter_spider_classes(module)
        if spider.name
    }
    assert spiders
    for spider in spiders:
        assert spider.__module__ == f"trr_crawl.spiders.{spider.name}"
        assert "start" in vars(spider)
        assert not hasattr(spider, "start_requests"), "Scrapy would silently crawl nothing"


def test_nothing_solves_hides_or_evades() -> None:
    text = (
        "\n".join(path.read_text(encoding="utf-8") for path in sources(CRAWL)) + (ROOT / "pyproject.toml").read_text()
    )
    for word in ("stealth", "2captcha", "undetected", "curl_cffi", "fake_useragent", "Mozilla/5.0", "impersonate"):
        assert word not in text


def test_settings_are_polite() -> None:
    from trr_crawl import settings

    assert settings.ROBOTSTXT_OBEY is True
    assert settings.AUTOTHROTTLE_ENABLED is True
    assert settings.DOWNLOAD_DELAY >= 1
    assert settings.USER_AGENT.startswith("trr/")
    assert settings.TELNETCONSOLE_ENABLED is False
    assert settings.REMOTE_CONTROL_ENABLED is False


def test_pins_name_versions_and_no_index() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [pin for pin in pins if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+]+", pin)] == []
    for name in ("pyproject.toml", "Makefile", ".ci/run"):
        assert "index-url" not in (ROOT / name).read_text(encoding="utf-8")
