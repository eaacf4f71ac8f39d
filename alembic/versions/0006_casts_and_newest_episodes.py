"""Whose cast counts, set by people; the people of reality TV and the newest episodes, derived when they are read.

Runs on PostgreSQL 15 to 18.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = {
    "total_specials": (sa.Integer(), "total_specials >= 0"),
    "cast_rule": (sa.Text(collation="C"), "cast_rule IN ('count', 'skip', 'guests')"),
    "cast_min_episodes": (sa.SmallInteger(), "cast_min_episodes > 0"),
}

# Decided when it is read, as an episode airs by the passing of time alone. Read from the newest on it walks down the
# index of air dates, and for one show it looks at the end of that show's.
NEWEST_EPISODES = """
CREATE VIEW newest_episodes AS
SELECT show_id, id AS episode_id, season_number, episode_number, title, air_date
FROM episodes newest
WHERE air_date <= (now() AT TIME ZONE 'UTC')::date AND season_number IS DISTINCT FROM 0 AND removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM episodes later
      WHERE later.show_id = newest.show_id
        AND later.air_date BETWEEN newest.air_date AND (now() AT TIME ZONE 'UTC')::date
        AND later.season_number IS DISTINCT FROM 0 AND later.removed_at IS NULL
        AND (later.air_date, coalesce(later.season_number, -1), coalesce(later.episode_number, -1), later.id)
            > (newest.air_date, coalesce(newest.season_number, -1), coalesce(newest.episode_number, -1), newest.id)
  )
"""

ZODIAC_SIGN = """
CREATE FUNCTION zodiac_sign(born date) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT CASE
        WHEN day < 120 THEN 'Capricorn'
        WHEN day < 219 THEN 'Aquarius'
        WHEN day < 321 THEN 'Pisces'
        WHEN day < 420 THEN 'Aries'
        WHEN day < 521 THEN 'Taurus'
        WHEN day < 621 THEN 'Gemini'
        WHEN day < 723 THEN 'Cancer'
        WHEN day < 823 THEN 'Leo'
        WHEN day < 923 THEN 'Virgo'
        WHEN day < 1023 THEN 'Libra'
        WHEN day < 1122 THEN 'Scorpio'
        WHEN day < 1222 THEN 'Sagittarius'
        ELSE 'Capricorn'
    END
    FROM (SELECT extract(month FROM born) * 100 + extract(day FROM born) AS day) AS of_year
)
"""

# Who is in so many episodes of a show that counts; the larger number of what sources count and what they list.
CAST_MEMBERS = """
CREATE VIEW cast_members AS
SELECT show_id, person_id, told.episode_count, coalesce(cast_min_episodes, 4) AS min_episodes
FROM (
    SELECT show_id, person_id, max(episode_count)::integer AS episode_count
    FROM (
        SELECT show_id, person_id, episode_count FROM credits
        WHERE category = 'cast' AND removed_at IS NULL AND uncredited IS NOT TRUE AND archive_footage IS NOT TRUE
        UNION ALL SELECT show_id, person_id, total_episodes FROM appearances
    ) counted
    GROUP BY show_id, person_id
) told
JOIN shows ON shows.id = show_id
WHERE removed_at IS NULL AND told.episode_count >= coalesce(cast_min_episodes, 4)
  AND (cast_rule = 'count' OR (cast_rule IS NULL AND genres && ARRAY['Reality-TV', 'Reality']))
"""

# TMDb says who is a guest, IMDb who is the host.
TALK_SHOW_GUESTS = """
CREATE VIEW talk_show_guests AS
SELECT DISTINCT episodes.show_id, episode_id, episode_credits.person_id, known.person_id IS NOT NULL AS is_known
FROM shows
JOIN episodes ON show_id = shows.id AND episodes.removed_at IS NULL
JOIN episode_credits ON episode_id = episodes.id AND category = 'cast' AND episode_credits.removed_at IS NULL
LEFT JOIN (SELECT DISTINCT person_id FROM cast_members) known ON known.person_id = episode_credits.person_id
WHERE cast_rule = 'guests' AND archive_footage IS NOT TRUE
  AND coalesce(guest, array_to_string(characters || attributes, ' ') !~* '\\mhost\\M', true)
"""

TALK_SHOW_EPISODES = """
CREATE VIEW talk_show_episodes AS
SELECT show_id, id AS episode_id, season_number, episode_number, air_date, guest_count, known_guest_count,
       CASE WHEN known_guest_count = 0 THEN 'NONE'
            WHEN known_guest_count >= 2 THEN 'REALITEASE'
            WHEN guest_count = 1 THEN 'SOLO'
            ELSE 'ALMOST' END AS guest_status
FROM (
    SELECT episodes.*, count(person_id)::integer AS guest_count,
           count(person_id) FILTER (WHERE is_known)::integer AS known_guest_count
    FROM shows JOIN episodes ON show_id = shows.id AND episodes.removed_at IS NULL
    LEFT JOIN talk_show_guests guests ON guests.episode_id = episodes.id
    WHERE cast_rule = 'guests'
    GROUP BY episodes.id
) counted
"""

CAST_PEOPLE = """
CREATE VIEW cast_people AS
SELECT id AS person_id, name, gender, birth_date, zodiac_sign(birth_date) AS zodiac_sign, show_ids, show_titles,
       show_count, people_on_shows.episode_count, coalesce(guest_episode_count, 0) AS guest_episode_count,
       coalesce(guest_status, 'NONE') AS guest_status,
       people_on_shows.episode_count >= 6 OR guest_episode_count IS NOT NULL AS on_final_list
FROM (
    SELECT person_id, array_agg(show_id ORDER BY episode_count DESC, title, show_id) AS show_ids,
           array_agg(title ORDER BY episode_count DESC, title, show_id) AS show_titles,
           count(*)::integer AS show_count, sum(episode_count)::integer AS episode_count
    FROM cast_members JOIN shows ON shows.id = show_id
    GROUP BY person_id
) people_on_shows
JOIN people ON people.id = person_id
LEFT JOIN (
    SELECT guests.person_id, count(*)::integer AS guest_episode_count,
           (ARRAY['SOLO', 'ALMOST', 'REALITEASE'])[
               max(array_position(ARRAY['SOLO', 'ALMOST', 'REALITEASE'], guest_status))] AS guest_status
    FROM talk_show_guests guests JOIN talk_show_episodes USING (episode_id)
    WHERE is_known
    GROUP BY guests.person_id
) invited USING (person_id)
WHERE people.removed_at IS NULL
"""

VIEWS = ("newest_episodes", "cast_members", "talk_show_guests", "talk_show_episodes", "cast_people")


def upgrade() -> None:
    for name, (type_, condition) in COLUMNS.items():
        op.add_column("shows", sa.Column(name, type_, nullable=True))
        op.create_check_constraint(op.f(f"ck_shows_{name}"), "shows", condition)
    op.create_index("ix_episodes_show_id_air_date", "episodes", ["show_id", "air_date"])
    op.execute(ZODIAC_SIGN)
    for view in (NEWEST_EPISODES, CAST_MEMBERS, TALK_SHOW_GUESTS, TALK_SHOW_EPISODES, CAST_PEOPLE):
        op.execute(view)


def downgrade() -> None:
    for view in reversed(VIEWS):
        op.execute(f"DROP VIEW {view}")
    op.execute("DROP FUNCTION zodiac_sign")
    op.drop_index("ix_episodes_show_id_air_date", "episodes")
    for name in COLUMNS:
        op.drop_column("shows", name)
