"""Consents: what people agreed to, and when; and what takes somebody's name out of others' posts."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MINE = "user_id = (SELECT caller())"

# Posts that mention somebody mention a deleted user instead; they are not shown as edited for that.
FORGET_NAME = r"""
CREATE FUNCTION forget_name(old text, new text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mention text := '(^|[^\w@])@' || old || '(?!\w)';
    instead text := '\1@' || new;
    found record;
BEGIN
    UPDATE post_edits SET
        body = regexp_replace(body, mention, instead, 'gi'), html = regexp_replace(html, mention, instead, 'gi')
    WHERE body ~* mention;
    UPDATE threads SET title = left(regexp_replace(title, mention, instead, 'gi'), 200) WHERE title ~* mention;
    -- Last, and all found before the first is changed: live events wait for whoever has told one.
    FOR found IN SELECT id, edited_at FROM posts WHERE body ~* mention ORDER BY id LOOP
        UPDATE posts SET
            body = left(regexp_replace(body, mention, instead, 'gi'), 10000),
            html = regexp_replace(html, mention, instead, 'gi')
        WHERE id = found.id;
        DELETE FROM post_edits WHERE post_id = found.id AND replaced_at = now();
        UPDATE posts SET edited_at = found.edited_at WHERE id = found.id;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("subject IN ('terms', 'privacy', 'mail')", name=op.f("ck_consents_subject")),
        sa.CheckConstraint("length(version) BETWEEN 1 AND 50", name=op.f("ck_consents_version")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_consents_user_id_users"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_user_id", "consents", ["user_id"], unique=False)
    op.execute("ALTER TABLE consents ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE consents FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner ON consents TO CURRENT_USER USING (true) WITH CHECK (true)")
    op.execute(f"CREATE POLICY api_select ON consents FOR SELECT TO trr_api USING ({MINE})")
    op.execute(f"CREATE POLICY api_insert ON consents FOR INSERT TO trr_api WITH CHECK ({MINE})")
    op.execute(f"CREATE POLICY api_update ON consents FOR UPDATE TO trr_api USING ({MINE}) WITH CHECK ({MINE})")
    op.execute("GRANT SELECT, INSERT (user_id, subject, version), UPDATE (withdrawn_at) ON consents TO trr_api")
    op.execute(FORGET_NAME)
    op.execute("REVOKE EXECUTE ON FUNCTION forget_name(text, text) FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION forget_name(text, text)")
    op.drop_table("consents")
