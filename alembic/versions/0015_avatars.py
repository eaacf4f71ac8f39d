"""Avatars: where the picture is by which somebody is shown, and who may change how somebody is seen.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

PINNED = "SET search_path = pg_catalog, public, pg_temp"

# The address of the picture before; no row where there is nobody by that id.
TAKE_AVATAR = f"""
CREATE FUNCTION take_avatar(person uuid, why text) RETURNS TABLE (before text)
LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM require_role('moderator');
    SELECT avatar_url INTO before FROM users WHERE id = person FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF before IS NOT NULL THEN
        UPDATE users SET avatar_url = NULL WHERE id = person;
        INSERT INTO moderation_log (moderator_id, action, user_id, reason)
        VALUES (caller(), 'avatar_removed', person, why);
    END IF;
    RETURN NEXT;
END $$
"""

MYSELF = "id = (SELECT caller())"


def _let_change(condition: str) -> None:
    op.execute("DROP POLICY api_update ON users")
    op.execute(f"CREATE POLICY api_update ON users FOR UPDATE TO trr_api USING ({condition}) WITH CHECK ({condition})")


def upgrade() -> None:
    op.add_column("users", sa.Column("avatar_url", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (avatar_url) ON users TO trr_api")
    _let_change(f"{MYSELF} AND NOT (SELECT is_banned())")
    op.execute(TAKE_AVATAR)
    op.execute("REVOKE EXECUTE ON FUNCTION take_avatar(uuid, text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION take_avatar(uuid, text) TO trr_api")


def downgrade() -> None:
    op.execute("DROP FUNCTION take_avatar(uuid, text)")
    _let_change(MYSELF)
    op.drop_column("users", "avatar_url")
