"""Search: a document for each show, person and episode, kept by triggers; and changes that call who waits for them.

Runs on PostgreSQL 15 to 18. Needs the extensions pg_trgm and unaccent, which the owner of a database may create.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The dictionary is bound when the function is made, not looked up by search_path: so it may be called immutable.
FOLD = """
CREATE FUNCTION fold(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trim(regexp_replace(
    translate(lower(unaccent('unaccent'::regdictionary, name)), '''`', ''), '[[:punct:][:space:]]+', ' ', 'g'
))
"""

# Weights: A the name, B other names, D the beginning of what is told; not by `fold`, whose expression is slow there.
DOCUMENT = """
CREATE FUNCTION search_document(name text, aliases text, told text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('simple', coalesce(aliases, '')), 'B')
    || setweight(to_tsvector('simple', translate(
        unaccent('unaccent'::regdictionary, left(coalesce(told, ''), 1000)), '''`', ''
    )), 'D')
"""

KEEP = """
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH touched AS MATERIALIZED (
        SELECT id, left(fold(thing.{name}), 200) AS name, {aliases} AS aliases, {told} AS told,
               -- Rounded: a few more votes write nothing.
               round(({popularity})::numeric, 1)::real AS popularity, {show_id} AS show_id, removed_at
        FROM ({source}) thing
    ), gone AS (
        DELETE FROM search_documents USING touched
        WHERE entity_id = touched.id AND (touched.removed_at IS NOT NULL OR coalesce(touched.name, '') = '')
    )
    INSERT INTO search_documents AS known (entity_id, kind, show_id, name, names, document, popularity)
    SELECT id, '{kind}', show_id, name, left(concat_ws(E'\\n', name, aliases), 2000),
           search_document(name, aliases, told), popularity
    FROM touched WHERE removed_at IS NULL AND name <> ''
    ORDER BY id
    ON CONFLICT (entity_id) DO UPDATE
    SET show_id = excluded.show_id, name = excluded.name, names = excluded.names, document = excluded.document,
        popularity = excluded.popularity
    WHERE (known.show_id, known.name, known.names, known.document, known.popularity)
        IS DISTINCT FROM (excluded.show_id, excluded.name, excluded.names, excluded.document, excluded.popularity);
    RETURN NULL;
END $$
"""

FORGET = """
CREATE FUNCTION forget_search_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_documents USING gone WHERE entity_id = gone.id;
    RETURN NULL;
END $$
"""

# Who listens hears of a commit, not of rows: how far he is, he knows himself. Costs writers nothing that the lock of
# order_changes did not cost before: they commit one after the other anyway.
CALL = """
CREATE FUNCTION call_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY changes;
    RETURN NULL;
END $$
"""


def _folded(names: str) -> str:
    """Other names, folded, one a line; `names` selects them as `alias`."""
    return f"(SELECT string_agg(DISTINCT fold(alias), E'\\n') FROM ({names}) named (alias))"


KINDS = {
    "show": {
        "table": "shows",
        "name": "title",
        "aliases": _folded(
            "SELECT original_title UNION ALL "
            "SELECT other ->> 'title' FROM jsonb_array_elements(alternative_titles) other"
        ),
        "told": "overview",
        "popularity": "ln(1 + coalesce(imdb_vote_count, 0) + coalesce(tmdb_vote_count, 0)) "
        "+ ln(1 + coalesce(tmdb_popularity, 0))",
        "show_id": "id",
        "columns": "title original_title alternative_titles overview imdb_vote_count tmdb_vote_count tmdb_popularity",
    },
    "person": {
        "table": "people",
        "name": "name",
        "aliases": _folded("SELECT unnest(also_known_as || ARRAY[full_name, birth_name, original_name])"),
        "told": "biography",
        "popularity": "ln(1 + coalesce(tmdb_popularity, 0))",
        "show_id": "NULL::uuid",
        "columns": "name also_known_as full_name birth_name original_name biography tmdb_popularity",
    },
    "episode": {
        "table": "episodes",
        "name": "title",
        "aliases": "NULL::text",
        "told": "overview",
        "popularity": "ln(1 + coalesce(imdb_vote_count, 0) + coalesce(tmdb_vote_count, 0))",
        "show_id": "show_id",
        "columns": "title overview imdb_vote_count tmdb_vote_count show_id",
    },
}


def _changed(columns: str) -> str:
    names = [*columns.split(), "removed_at"]
    new, old = (", ".join(f"{row}.{name}" for name in names) for row in ("changed", "before"))
    return f"SELECT changed.* FROM changed JOIN before USING (id) WHERE ({new}) IS DISTINCT FROM ({old})"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute(FOLD)
    op.execute(DOCUMENT)
    op.create_table(
        "search_documents",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("names", sa.Text(collation="C"), nullable=False),
        sa.Column("document", TSVECTOR(), nullable=False),
        sa.Column("popularity", sa.REAL(), nullable=False),
        sa.CheckConstraint("kind IN ('show', 'person', 'episode')", name=op.f("ck_search_documents_kind")),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_search_documents")),
    )
    make_triggers()
    for kind in KINDS:
        fill(kind)
    op.create_index("ix_search_documents_kind_name", "search_documents", ["kind", "name"])
    op.create_index("ix_search_documents_kind_popularity", "search_documents", ["kind", "popularity"])
    for kind in KINDS:
        where = sa.text(f"kind = '{kind}'")
        for column, operators in (("document", {}), ("names", {"names": "gin_trgm_ops"})):
            op.create_index(
                f"ix_search_documents_{kind}_{column}",
                "search_documents",
                [column],
                postgresql_using="gin",
                postgresql_ops=operators,
                postgresql_where=where,
            )
    op.execute(CALL)
    op.execute("CREATE TRIGGER call_changes AFTER INSERT ON changes FOR EACH STATEMENT EXECUTE FUNCTION call_changes()")


def make_triggers() -> None:
    op.execute(FORGET)
    for kind, parts in KINDS.items():
        table = parts["table"]
        for event, source, tables in (
            ("insert", "SELECT * FROM changed", "NEW TABLE AS changed"),
            ("update", _changed(parts["columns"]), "NEW TABLE AS changed OLD TABLE AS before"),
        ):
            function = f"keep_{kind}_documents_on_{event}"
            op.execute(KEEP.format(function=function, kind=kind, source=source, **parts))
            op.execute(
                f"CREATE TRIGGER keep_documents_on_{event} AFTER {event} ON {table} "
                f"REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
        op.execute(
            f"CREATE TRIGGER forget_documents AFTER DELETE ON {table} "
            "REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_search_documents()"
        )


def fill(kind: str) -> None:
    """Documents of what is there already, by the same statement that the triggers run."""
    parts = KINDS[kind]
    body = KEEP.format(function="fill", kind=kind, source=f"SELECT * FROM {parts['table']}", **parts)
    statement = body.partition("BEGIN\n")[2].partition("    RETURN NULL")[0]
    op.execute(statement.replace(":", r"\:"))


def drop_triggers() -> None:
    for kind, parts in KINDS.items():
        op.execute(f"DROP TRIGGER forget_documents ON {parts['table']}")
        for event in ("insert", "update"):
            op.execute(f"DROP TRIGGER keep_documents_on_{event} ON {parts['table']}")
            op.execute(f"DROP FUNCTION keep_{kind}_documents_on_{event}()")
    op.execute("DROP FUNCTION forget_search_documents()")


def downgrade() -> None:
    op.execute("DROP TRIGGER call_changes ON changes")
    op.execute("DROP FUNCTION call_changes()")
    drop_triggers()
    op.drop_table("search_documents")
    op.execute("DROP FUNCTION search_document(text, text, text)")
    op.execute("DROP FUNCTION fold(text)")
    op.execute("DROP EXTENSION pg_trgm")
