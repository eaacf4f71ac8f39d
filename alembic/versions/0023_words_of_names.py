"""Words of names: what a misspelt word may have been meant as, and an index of names without what is told.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KINDS = ("show", "person", "episode")

SORTED_LETTERS = """
CREATE FUNCTION sorted_letters(word text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT string_agg(letter, '' ORDER BY letter COLLATE "C") FROM string_to_table(word, NULL) letter)
"""

# Of names that are given as rows of `{names}`. Two letters are no word to be misspelt, and nobody types sixty.
KEEP = """
    INSERT INTO search_words (word, letters)
    SELECT word, sorted_letters(word)
    FROM (SELECT DISTINCT word FROM {names} named, string_to_table(translate(names, E'\\n', ' '), ' ') word) listed
    WHERE length(word) BETWEEN 3 AND 40
    ORDER BY word
    ON CONFLICT DO NOTHING
"""

KEEP_WORDS = f"""
CREATE FUNCTION keep_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
{KEEP.format(names="written").rstrip()};
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(SORTED_LETTERS)
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("letters", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )
    op.execute(KEEP.format(names="search_documents"))
    op.create_index("ix_search_words_letters", "search_words", ["letters"])
    op.create_index(
        "ix_search_words_word",
        "search_words",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.execute(KEEP_WORDS)
    for event in ("insert", "update"):
        op.execute(
            f"CREATE TRIGGER keep_words_on_{event} AFTER {event} ON search_documents "
            "REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION keep_search_words()"
        )
    for kind in KINDS:
        op.create_index(
            f"ix_search_documents_{kind}_words",
            "search_documents",
            [sa.text("ts_filter(document, '{a,b}')")],
            postgresql_using="gin",
            postgresql_where=sa.text(f"kind = '{kind}'"),
        )


def downgrade() -> None:
    for kind in KINDS:
        op.drop_index(f"ix_search_documents_{kind}_words")
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER keep_words_on_{event} ON search_documents")
    op.execute("DROP FUNCTION keep_search_words()")
    op.drop_table("search_words")
    op.execute("DROP FUNCTION sorted_letters(text)")
