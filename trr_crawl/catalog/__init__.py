"""The catalog: what every source said, and the one truth derived from it.

SQLAlchemy and psycopg only, so that the API can use it without Scrapy.
"""

SCHEMA_REVISION = "0023"
"""The migration that this code needs; `alembic upgrade head` leads to it."""
