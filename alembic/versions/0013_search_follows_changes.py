"""Search follows `changes`, as every other reader does: writing a thing no longer waits for its document.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# An array of ids, not a join: whatever the statistics say, a batch is looked up and nothing is scanned.
INDEX_KIND = """
CREATE FUNCTION index_{kind}_documents(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH things AS MATERIALIZED (
        SELECT id, left(fold({name}), 200) AS name, {aliases} AS aliases, {told} AS told,
               -- Rounded: a few more votes write nothing.
               round(({popularity})::numeric, 1)::real AS popularity, {show_id} AS show_id
        FROM {table} WHERE id = ANY (ids) AND removed_at IS NULL
    ), gone AS (
        DELETE FROM search_documents
        WHERE entity_id = ANY (ids) AND NOT EXISTS (SELECT FROM things WHERE id = entity_id AND name <> '')
    )
    INSERT INTO search_documents AS known (entity_id, kind, show_id, name, names, document, popularity)
    SELECT id, '{kind}', show_id, name, left(concat_ws(E'\\n', name, aliases), 2000),
           search_document(name, aliases, told), popularity
    FROM things WHERE name <> ''
    ON CONFLICT (entity_id) DO UPDATE
    SET show_id = excluded.show_id, name = excluded.name, names = excluded.names, document = excluded.document,
        popularity = excluded.popularity
    WHERE (known.show_id, known.name, known.names, known.document, known.popularity)
        IS DISTINCT FROM (excluded.show_id, excluded.name, excluded.names, excluded.document, excluded.popularity);
END $$
"""

# One at a time: whoever holds the row works, the others need not. A show that became one with another, or two again,
# takes its episodes along, of which nothing else changed.
INDEX = """
CREATE FUNCTION index_search_documents(most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
    upto bigint;
BEGIN
    SELECT seq INTO done FROM search_progress FOR UPDATE SKIP LOCKED;
    IF done IS NULL THEN
        RETURN 0;
    END IF;
    SELECT max(seq) INTO upto FROM (SELECT seq FROM changes WHERE seq > done ORDER BY seq LIMIT most) next;
    IF upto IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM index_show_documents(ARRAY(
        SELECT DISTINCT entity_id FROM changes WHERE seq > done AND seq <= upto AND kind = 'show'
    ));
    PERFORM index_person_documents(ARRAY(
        SELECT DISTINCT entity_id FROM changes WHERE seq > done AND seq <= upto AND kind = 'person'
    ));
    PERFORM index_episode_documents(ARRAY(
        SELECT entity_id FROM changes WHERE seq > done AND seq <= upto AND kind = 'episode'
        UNION
        SELECT episodes.id
        FROM changes LEFT JOIN entity_redirects ON old_id = entity_id
        JOIN episodes ON show_id = coalesce(new_id, entity_id)
        WHERE seq > done AND seq <= upto AND changes.kind = 'show' AND op <> 'update'
    ));
    UPDATE search_progress SET seq = upto;
    RETURN upto - done;
END $$
"""


def upgrade() -> None:
    first = _first_form()
    op.create_table(
        "search_progress",
        sa.Column("is_only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("is_only", name=op.f("ck_search_progress_is_only")),
        sa.PrimaryKeyConstraint("is_only", name=op.f("pk_search_progress")),
    )
    # Up to here the triggers kept them.
    op.execute("INSERT INTO search_progress (seq) SELECT coalesce(max(seq), 0) FROM changes")
    first.drop_triggers()
    for kind, parts in first.KINDS.items():
        op.execute(INDEX_KIND.format(kind=kind, **parts))
    op.execute(INDEX)


def downgrade() -> None:
    first = _first_form()
    op.execute("DROP FUNCTION index_search_documents(integer)")
    for kind in first.KINDS:
        op.execute(f"DROP FUNCTION index_{kind}_documents(uuid[])")
    op.drop_table("search_progress")
    op.execute("TRUNCATE search_documents")
    first.make_triggers()
    for kind in first.KINDS:
        first.fill(kind)


def _first_form():
    """The migration that made the documents: what is in them is as it was."""
    return op.get_context().opts["script"].get_revision("0009").module
