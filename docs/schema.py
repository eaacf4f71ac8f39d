"""`make schema`: writes docs/schema.md from a migrated database.

What PostgreSQL knows comes from its catalog. What things mean comes from where the code says it: comments above tables,
columns and indexes in the two `tables.py`, and the docstrings of the items' fields that a column is derived from.
"""

from __future__ import annotations

import ast
import io
import os
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.rows import namedtuple_row

from trr_api import tables as api
from trr_crawl import database, items
from trr_crawl.catalog import tables as catalog
from trr_crawl.catalog.precedence import PRECEDENCE

PATH: Final = Path(__file__).with_name("schema.md")

PICTURES: Final = ("image_files", "image_objects", "image_sources", "primary_images")
OBSERVATIONS: Final = (
    *("crawl_runs", "source_records", "crawl_rejects", "external_ids", "overrides", "changes"),
    *("entity_merges", "entity_redirects", "identity_proposals"),
)
AREAS: Final = (
    ("Observations and identity", OBSERVATIONS),
    ("Truth", tuple(table.name for table in catalog.ENTITIES.values())),
    ("Pictures", PICTURES),
    ("People and what they write", tuple(table.name for table in api.SOCIAL)),
)
"""Which tables belong together; all others are in a last area of their own."""

HEAD: Final = """\
# The schema

Written by `make schema` from a migrated database: change the migrations and `tables.py`, not this page. What the tables
are for is in [the catalog](catalog.md), [pictures](images.md), [operations](operations.md) and [accounts](accounts.md).

Ids are UUIDv7 (`new_id()`), times `timestamptz`. "From" names the sources that a derived column follows, best first
([`precedence.py`](../trr_crawl/catalog/precedence.py)). The scheduler's engine keeps its own tables in the schema
`procrastinate`; they are not listed.
"""

RELATIONS: Final = """
SELECT relname AS name, relkind::text AS kind, relrowsecurity AS guarded, reloptions AS options FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') AND relname <> 'alembic_version'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
ORDER BY relname
"""

COLUMNS: Final = """
SELECT relname AS table, attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
       pg_get_expr(adbin, adrelid) AS default, attgenerated <> '' AS generated, attidentity <> '' AS counted,
       (SELECT confrelid::regclass::text FROM pg_constraint
        WHERE conrelid = attrelid AND contype = 'f' AND conkey = ARRAY[attnum] LIMIT 1) AS target
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p') AND attnum > 0 AND NOT attisdropped
ORDER BY attrelid, attnum
"""

CHECKS: Final = """
SELECT conrelid::regclass::text AS table, pg_get_constraintdef(oid, true) AS rule FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype = 'c' ORDER BY conname
"""

INDEXES: Final = """
SELECT indrelid::regclass::text AS table, relname AS name, indisprimary AS is_primary, indisunique AS is_unique,
       regexp_replace(pg_get_indexdef(indexrelid), '^.* USING (btree )?', '') AS definition
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace ORDER BY NOT indisprimary, relname
"""

POLICIES: Final = """
SELECT tablename AS table, policyname AS name, cmd AS command, qual AS sees, with_check AS writes FROM pg_policies
WHERE schemaname = 'public' AND 'trr_api' = ANY (roles) ORDER BY policyname
"""

GRANTS: Final = """
SELECT table_name AS table, lower(privilege_type) AS privilege, NULL AS columns
FROM information_schema.table_privileges WHERE grantee = 'trr_api' AND table_schema = 'public'
UNION ALL
SELECT attrelid::regclass::text, CASE granted.privilege_type WHEN 'INSERT' THEN 'insert' ELSE 'update' END,
       string_agg(attname, ', ' ORDER BY attnum)
FROM pg_attribute, aclexplode(attacl) granted
WHERE granted.grantee = 'trr_api'::regrole AND granted.privilege_type IN ('INSERT', 'UPDATE')
GROUP BY 1, 2
ORDER BY 1, 2
"""

TRIGGERS: Final = """
SELECT tgrelid::regclass::text AS table, tgname AS name,
       regexp_replace(pg_get_triggerdef(oid), '^CREATE (CONSTRAINT )?TRIGGER \\S+ (.*?) ON .*', '\\2') AS event
FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (
    SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
) ORDER BY tgname
"""

FUNCTIONS: Final = """
SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ')' AS signature,
       pg_get_function_result(oid) AS result
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND prorettype <> 'trigger'::regtype
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
ORDER BY proname, 1
"""


def text(url: str) -> str:
    """The page, of a database with the newest schema."""
    with psycopg.connect(url) as connection:
        # What is outside of the path is written with its schema: nothing of ours is.
        connection.execute("SET search_path = public")
        return "\n".join(_page(connection))


def _page(connection: Connection[Any]) -> Iterator[str]:
    relations = {row.name: row for row in _rows(connection, RELATIONS)}
    listed = {
        query: _by_table(_rows(connection, query)) for query in (COLUMNS, CHECKS, INDEXES, POLICIES, GRANTS, TRIGGERS)
    }
    told = {**said_in(Path(catalog.__file__)), **said_in(Path(api.__file__))}
    tables = [name for name, row in relations.items() if row.kind in "rp"]
    grouped = {name for _, names in AREAS for name in names}
    areas = [*AREAS, ("Operations and everything else", tuple(name for name in tables if name not in grouped))]
    yield HEAD
    for title, names in areas:
        yield f"* {title}: {', '.join(f'[`{name}`](#{name})' for name in names)}"
    yield "* [Views](#views), [functions](#functions)\n"
    for title, names in areas:
        yield f"## {title}\n"
        for name in names:
            yield from _table(relations[name], {query: found.get(name, []) for query, found in listed.items()}, told)
    yield "## Views\n\n| view | columns |\n|---|---|"
    for name, row in relations.items():
        if row.kind in "vm":
            yield f"| `{name}` | {', '.join(f'`{column.name}` {column.type}' for column in listed[COLUMNS][name])} |"
    yield "\n## Functions\n\nThose of triggers are named at their tables.\n\n| function | gives |\n|---|---|"
    for function in _rows(connection, FUNCTIONS):
        yield f"| `{function.signature}` | {function.result} |"
    yield ""


def _table(table: Any, of: dict[str, list[Any]], told: dict[tuple[str, str], str]) -> Iterator[str]:
    yield f"### {table.name}\n"
    if meaning := told.get((table.name, "")):
        yield f"{meaning}\n"
    derived = _derived(table.name)
    yield f"| column | type | | default | meaning |{' from |' if derived else ''}"
    yield f"|---|---|---|---|---|{'---|' if derived else ''}"
    for column in of[COLUMNS]:
        meaning, sources = derived.get(column.name, ("", ""))
        meaning = told.get((table.name, column.name)) or meaning or (told.get(("", column.name), "") if derived else "")
        target = f"[`{column.target}`](#{column.target})" if column.target else ""
        cells = [
            f"`{column.name}`",
            column.type,
            "required" if column.required else "",
            _default(column),
            _escaped(" ".join(filter(None, (target, meaning)))),
            *([sources] if derived else []),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    for index in of[INDEXES]:
        kind = "primary key" if index.is_primary else "unique" if index.is_unique else "index"
        meaning = told.get((table.name, index.name), "")
        yield f"* {kind} `{index.definition}`{f': {meaning}' if meaning else ''}"
    for check in of[CHECKS]:
        yield f"* `{_plain(check.rule)}`"
    for trigger in of[TRIGGERS]:
        yield f"* trigger `{trigger.name}`: {trigger.event}"
    if table.options:
        yield f"* stored with `{', '.join(table.options)}`"
    if table.guarded:
        yield "* row-level security; `trr_api` may" + (":" if of[POLICIES] else " do nothing")
    for policy in of[POLICIES]:
        rules = (("sees", policy.sees), ("writes", policy.writes))
        yield f"  * {policy.command}: " + "; ".join(f"{verb} `{_plain(rule)}`" for verb, rule in rules if rule)
    if of[GRANTS]:
        granted = (f"{grant.privilege}{f' ({grant.columns})' if grant.columns else ''}" for grant in of[GRANTS])
        yield f"* granted to `trr_api`: {', '.join(granted)}"
    yield ""


def _default(column: Any) -> str:
    if column.counted:
        return "a number of its own"
    if column.default is None:
        return ""
    return f"{'always ' if column.generated else ''}`{_escaped(_plain(column.default))}`"


def _derived(table: str) -> dict[str, tuple[str, str]]:
    """Of each column that follows from what sources say: what it means, and whose word counts."""
    kind = next((kind for kind, entity in catalog.ENTITIES.items() if entity.name == table), None)
    if kind is None:
        return {}
    fields = item_fields().get(kind, {})
    return {
        column: (
            next((fields[said.field] for said in rule if said.field in fields), ""),
            ", ".join(dict.fromkeys(said.source for said in rule)),
        )
        for column, rule in PRECEDENCE.get(kind, {}).items()
    }


def said_in(path: Path) -> dict[tuple[str, str], str]:
    """What the comments in a `tables.py` say: (table, column or index) -> the comment above it.

    No column is the table itself, no table is what a function adds to several.
    """
    source = path.read_text(encoding="utf-8")
    comments = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
    }

    def above(line: int) -> str:
        first = line
        while first - 1 in comments:
            first -= 1
        return " ".join(comments[number] for number in range(first, line))

    said: dict[tuple[str, str], str] = {}
    for statement in ast.parse(source).body:
        table = _named(statement.value) if isinstance(statement, ast.Assign) else None
        if table is None and not isinstance(statement, ast.FunctionDef):
            continue
        for node in ast.walk(statement):
            name = _named(node)
            if name and node.lineno > statement.lineno and (words := above(node.lineno)):  # type: ignore[attr-defined]
                said[table or "", name] = words
        if table is not None:
            said[table, ""] = above(statement.lineno)
    return said


def _named(node: ast.AST) -> str | None:
    """The first argument of a call: what it makes is called so."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return None


def item_fields() -> dict[str, dict[str, str]]:
    """Of each kind of item: the docstrings of its fields."""
    tree = ast.parse(Path(items.__file__).read_text(encoding="utf-8"))
    return {
        kind.value.value: {
            field.target.id: " ".join(doc.value.value.split())
            for field, doc in zip(item.body, item.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
            and isinstance(doc.value.value, str)
        }
        for item in tree.body
        if isinstance(item, ast.ClassDef)
        for kind in item.body
        if isinstance(kind, ast.AnnAssign)
        and isinstance(kind.target, ast.Name)
        and kind.target.id == "kind"
        and isinstance(kind.value, ast.Constant)
        and isinstance(kind.value.value, str)
    }


def _rows(connection: Connection[Any], query: str) -> list[Any]:
    return connection.cursor(row_factory=namedtuple_row).execute(query.encode()).fetchall()


def _by_table(rows: Iterable[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.table, []).append(row)
    return grouped


def _plain(expression: str) -> str:
    """On one line, and less as PostgreSQL and more as people write it."""
    listed = re.sub(r"= ANY \(ARRAY\[(.*?)\]\)", r"IN (\1)", " ".join(expression.split()))
    return re.sub(r"\( ?SELECT (\w+\(\)) AS \w+\)", r"\1", re.sub("::(text|numeric)", "", listed))


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def main() -> int:
    """Write the page, of a database that is made for it: one that is there may be of an earlier day."""
    name = f"schema_{os.getpid()}"
    url = database.embedded(name)
    try:
        PATH.write_text(text(url), encoding="utf-8")
    finally:
        with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
