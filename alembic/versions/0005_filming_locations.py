"""Where titles were filmed; what sources remark on offers.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shows", sa.Column("filming_locations", JSONB(), nullable=True))
    op.add_column("episodes", sa.Column("filming_locations", JSONB(), nullable=True))
    op.add_column("offers", sa.Column("note", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("offers", "note")
    op.drop_column("episodes", "filming_locations")
    op.drop_column("shows", "filming_locations")
