"""Surveys and games: tables, counts, answer keys, scores, and row-level security on all of it.

A game is a survey with answer keys. The API reads what its caller may see and writes through functions of the owner;
the counts and, until the end, the answer keys are closed to it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    "surveys",
    "questions",
    "options",
    "answer_keys",
    "responses",
    "response_counts",
    "tallies",
    "results",
    "scores",
    "score_counts",
)

PINNED = "SET search_path = pg_catalog, public, pg_temp"

SLOTS = 16

# Fewer people than that are nobody's to count: results come out, and change, only for so many at once.
FEWEST = 5

# name and arguments -> what follows. The API may call those of CALLABLE, nobody may call the others. Bodies that are
# parsed here and now need no pinned path, and become part of the statements that call them.
FUNCTIONS = {
    "is_over(survey surveys)": """
RETURNS boolean LANGUAGE sql STABLE
RETURN survey.closed_at IS NOT NULL OR coalesce(survey.ends_at <= now(), false)
""",
    "survey_topic(survey surveys)": """
RETURNS text LANGUAGE sql STABLE
RETURN CASE survey.kind WHEN 'survey' THEN 'survey:' ELSE 'game:' END || survey.id
""",
    # What a response adds to the counts. A number's key is its place on a scale of ten, a rating's the rating.
    "tallied(answers jsonb)": """
RETURNS TABLE (question_id uuid, key text, total numeric) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT question.id, counted.key, counted.total
    FROM jsonb_each(answers) given (id, answer) JOIN questions question ON question.id = given.id::uuid
    CROSS JOIN LATERAL (
        SELECT '', coalesce((answer ->> 'number')::numeric, 0)
        UNION ALL
        SELECT option, place
        FROM jsonb_array_elements_text(answer -> 'option_ids') WITH ORDINALITY chosen (option, place)
        UNION ALL
        SELECT CASE question.type
            WHEN 'rating' THEN trunc((answer ->> 'number')::numeric)
            ELSE least(10, width_bucket((answer ->> 'number')::numeric, question.minimum, question.maximum, 10))
        END::text, 0
        WHERE answer ? 'number'
    ) counted (key, total);
END
""",
    # In the order of the keys, so that two who count at once never wait for each other in a circle.
    "count_response()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    at smallint := pg_backend_pid() % {SLOTS};
    step integer := CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'DELETE' THEN -1 ELSE 0 END;
    is_change boolean := TG_OP <> 'UPDATE' OR NEW.changed_in > OLD.changed_in;
BEGIN
    INSERT INTO response_counts AS kept (survey_id, slot, responses, changes)
    VALUES (coalesce(NEW.survey_id, OLD.survey_id), at, step, is_change::int)
    ON CONFLICT (survey_id, slot) DO UPDATE SET
        responses = kept.responses + excluded.responses, changes = kept.changes + excluded.changes;
    INSERT INTO tallies AS kept (question_id, key, slot, count, total)
    SELECT question_id, key, at, sum(sign), sum(sign * total) FROM (
        SELECT *, 1 AS sign FROM tallied(NEW.answers) UNION ALL SELECT *, -1 FROM tallied(OLD.answers)
    ) changed
    GROUP BY question_id, key HAVING sum(sign) <> 0 OR sum(sign * total) <> 0 ORDER BY question_id, key
    ON CONFLICT (question_id, key, slot) DO UPDATE SET
        count = kept.count + excluded.count, total = kept.total + excluded.total;
    RETURN NULL;
END $$
""",
    # Null where there is no such draft to write over, or nothing that it could be about.
    "write_survey(draft uuid, wanted jsonb)": f"""
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    given surveys := jsonb_populate_record(NULL::surveys, wanted);
    question jsonb;
    place bigint;
    made uuid;
BEGIN
    PERFORM require_role('moderator');
    IF given.season_id IS NULL THEN
        given.season_id := (SELECT season_id FROM episodes WHERE id = given.episode_id);
    END IF;
    IF NOT EXISTS (SELECT FROM shows WHERE id = given.show_id)
        OR given.episode_id IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM episodes WHERE id = given.episode_id AND show_id = given.show_id
                AND season_id IS NOT DISTINCT FROM given.season_id
            )
        OR given.season_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM seasons WHERE id = given.season_id AND show_id = given.show_id)
    THEN
        RETURN NULL;
    END IF;
    IF draft IS NULL THEN
        INSERT INTO surveys (
            kind, show_id, season_id, episode_id, author_id, title, description, is_anonymous, starts_at, ends_at
        ) VALUES (
            given.kind, given.show_id, given.season_id, given.episode_id, caller(), given.title, given.description,
            given.is_anonymous, given.starts_at, given.ends_at
        ) RETURNING id INTO made;
    ELSE
        UPDATE surveys SET (show_id, season_id, episode_id, title, description, is_anonymous, starts_at, ends_at) = (
            given.show_id, given.season_id, given.episode_id, given.title, given.description, given.is_anonymous,
            given.starts_at, given.ends_at
        ) WHERE id = draft AND kind = given.kind AND published_at IS NULL RETURNING id INTO made;
        DELETE FROM answer_keys WHERE question_id IN (SELECT id FROM questions WHERE survey_id = made);
        DELETE FROM options WHERE question_id IN (SELECT id FROM questions WHERE survey_id = made);
        DELETE FROM questions WHERE survey_id = made;
    END IF;
    IF made IS NULL THEN
        RETURN NULL;
    END IF;
    FOR question, place IN SELECT * FROM jsonb_array_elements(wanted -> 'questions') WITH ORDINALITY LOOP
        WITH asked AS (
            INSERT INTO questions (
                survey_id, position, type, prompt, is_required, minimum, maximum, step, shuffle_options,
                shown_if_question, shown_if_option
            ) SELECT made, place, type, prompt, is_required, minimum, maximum, step, shuffle_options,
                shown_if_question, shown_if_option FROM jsonb_populate_record(NULL::questions, question) RETURNING id
        )
        INSERT INTO options (question_id, position, label)
        SELECT asked.id, rank, label
        FROM asked, jsonb_array_elements_text(question -> 'options') WITH ORDINALITY offered (label, rank);
    END LOOP;
    RETURN made;
END $$
""",
    "publish_survey(draft uuid)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM require_role('moderator');
    UPDATE surveys SET published_at = now()
    WHERE id = draft AND published_at IS NULL AND (ends_at IS NULL OR ends_at > now());
    RETURN FOUND;
END $$
""",
    # Waits for those who are answering; who comes later finds it closed.
    "close_survey(asked uuid)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    closed surveys;
BEGIN
    PERFORM require_role('moderator');
    UPDATE surveys SET closed_at = coalesce(closed_at, now()) WHERE id = asked AND published_at IS NOT NULL
    RETURNING * INTO closed;
    IF closed.closed_at = now() THEN
        PERFORM tell(survey_topic(closed), 'survey_closed', jsonb_build_object('survey_id', asked));
    END IF;
    RETURN closed.id IS NOT NULL;
END $$
""",
    # A game that was scored is scored anew.
    "set_answer_key(asked uuid, wanted jsonb, worth integer)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM require_role('moderator');
    UPDATE surveys SET scored_at = NULL
    WHERE id = (SELECT survey_id FROM questions WHERE id = asked) AND kind NOT IN ('survey', 'poll');
    IF FOUND THEN
        INSERT INTO answer_keys (question_id, key, points) VALUES (asked, wanted, worth)
        ON CONFLICT (question_id) DO UPDATE SET key = excluded.key, points = excluded.points, set_at = now();
    END IF;
    RETURN FOUND;
END $$
""",
    # The response, or what stands against it; the words are those of `trr_api.surveys.routes.OBSTACLES`.
    "submit_response(asked uuid, ballot bytea, given jsonb)": f"""
RETURNS TABLE (response uuid, obstacle text) LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    survey surveys;
    newest integer := coalesce((SELECT number FROM results WHERE survey_id = asked), 0);
BEGIN
    SELECT * INTO survey FROM surveys WHERE id = asked AND published_at IS NOT NULL FOR SHARE;
    obstacle := CASE
        WHEN survey.id IS NULL THEN 'missing'
        -- By the clock: whoever began before the end and comes after the scoring is late.
        WHEN is_over(survey) OR survey.ends_at <= clock_timestamp() THEN 'over'
        WHEN survey.starts_at > now() THEN 'early'
        WHEN survey.is_anonymous AND ballot IS NULL THEN 'needs token'
        WHEN NOT survey.is_anonymous AND (ballot IS NOT NULL OR caller() IS NULL) THEN 'needs log-in'
        WHEN NOT survey.is_anonymous AND is_banned() THEN 'banned'
    END;
    IF obstacle IS NULL AND survey.is_anonymous THEN
        INSERT INTO responses AS kept (survey_id, token_hash, answers, changed_in)
        VALUES (asked, ballot, given, newest)
        ON CONFLICT (survey_id, token_hash) DO UPDATE SET
            answers = excluded.answers, updated_at = now(),
            changed_in = CASE WHEN kept.answers <> excluded.answers THEN newest ELSE kept.changed_in END
        RETURNING id INTO response;
    ELSIF obstacle IS NULL THEN
        INSERT INTO responses AS kept (survey_id, user_id, answers, changed_in)
        VALUES (asked, caller(), given, newest)
        ON CONFLICT (survey_id, user_id) DO UPDATE SET
            answers = excluded.answers, updated_at = now(),
            changed_in = CASE WHEN kept.answers <> excluded.answers THEN newest ELSE kept.changed_in END
        RETURNING id INTO response;
    END IF;
    RETURN NEXT;
END $$
""",
    # Of a quiz, what most people say is nearly what is right.
    "has_new_results(asked uuid)": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN coalesce((
    SELECT sum(counted.responses) >= {FEWEST}
        AND sum(counted.changes) - coalesce(min(latest.changes), 0) >= {FEWEST}
        AND (min(survey.kind) <> 'quiz' OR bool_and(is_over(survey)))
    FROM surveys survey JOIN response_counts counted ON counted.survey_id = survey.id
    LEFT JOIN results latest ON latest.survey_id = survey.id WHERE survey.id = asked
), false)
""",
    # In rankings the nearer the better (Spearman's footrule; what was not ranked stands one place after the last);
    # everything else is right or not.
    "points_for(type text, given jsonb, key jsonb, points integer)": """
RETURNS integer LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN given IS NULL THEN 0
    WHEN type = 'ranking' THEN (
        SELECT floor(points * greatest(0, 1 - (
            sum(abs(wanted.place - coalesce(placed.place, count + 1))) / greatest(1, floor(count * count / 2))
        )))::int
        FROM jsonb_array_elements_text(key -> 'option_ids') WITH ORDINALITY wanted (option, place)
        LEFT JOIN jsonb_array_elements_text(given -> 'option_ids') WITH ORDINALITY placed (option, place) USING (option)
        CROSS JOIN (SELECT jsonb_array_length(key -> 'option_ids')::numeric) counted (count)
        GROUP BY count
    )
    ELSE points * CASE type
        WHEN 'free_text' THEN EXISTS (
            SELECT FROM jsonb_array_elements_text(key -> 'texts') accepted
            WHERE lower(btrim(accepted)) = lower(btrim(given ->> 'text'))
        )
        WHEN 'numeric' THEN abs((given ->> 'number')::numeric - (key ->> 'number')::numeric)
            <= coalesce((key ->> 'tolerance')::numeric, 0)
        WHEN 'rating' THEN (given ->> 'number')::numeric = (key ->> 'number')::numeric
        ELSE given -> 'option_ids' @> (key -> 'option_ids') AND given -> 'option_ids' <@ (key -> 'option_ids')
    END::int
END
""",
    "can_be_scored(game surveys)": """
RETURNS boolean LANGUAGE sql STABLE
RETURN game.scored_at IS NULL AND game.published_at IS NOT NULL AND is_over(game) AND EXISTS (
    SELECT FROM questions JOIN answer_keys ON question_id = questions.id WHERE survey_id = game.id
)
""",
    # Adds what is new to the boards of the game, its season and its show; as often as one likes.
    "score_game(asked uuid)": f"""
RETURNS boolean LANGUAGE plpgsql {PINNED} AS $$
DECLARE
    game surveys;
BEGIN
    SELECT * INTO game FROM surveys WHERE id = asked FOR NO KEY UPDATE;
    IF NOT coalesce(can_be_scored(game), false) THEN
        RETURN false;
    END IF;
    -- Games of one show, one after the other: they add to the same rows.
    PERFORM pg_advisory_xact_lock(hashtextextended('scores ' || game.show_id, 0));
    -- Accounts that are being deleted are waited for before anything is written that they may wait for.
    PERFORM FROM users WHERE id IN (SELECT user_id FROM responses WHERE survey_id = asked) ORDER BY id FOR KEY SHARE;
    WITH earned AS (
        SELECT user_id, sum(points_for(question.type, answers -> question.id::text, key, points)) AS points
        FROM responses JOIN questions question USING (survey_id) JOIN answer_keys ON question_id = question.id
        WHERE survey_id = asked AND user_id IS NOT NULL GROUP BY user_id
    ), changed AS (
        SELECT earned.user_id, earned.points - coalesce(before.points, 0) AS step, before.user_id IS NULL AS is_new
        FROM earned LEFT JOIN scores before ON before.board_id = asked AND before.user_id = earned.user_id
    )
    INSERT INTO scores AS kept (board_id, user_id, points)
    SELECT board, user_id, step
    FROM changed, unnest(ARRAY[game.id, game.season_id, game.show_id]) board
    WHERE board IS NOT NULL AND (is_new OR step <> 0) ORDER BY board, user_id
    ON CONFLICT (board_id, user_id) DO UPDATE SET points = kept.points + excluded.points;
    UPDATE surveys SET scored_at = now() WHERE id = asked;
    PERFORM tell(survey_topic(game), 'game_scored', jsonb_build_object('survey_id', asked));
    RETURN true;
END $$
""",
    "count_scores()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO score_counts AS kept (board_id, points, people)
        SELECT board_id, points, count(*) FROM come GROUP BY board_id, points ORDER BY board_id, points
        ON CONFLICT (board_id, points) DO UPDATE SET people = kept.people + excluded.people;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE score_counts SET people = score_counts.people - went.people
        FROM (SELECT board_id, points, count(*) AS people FROM gone GROUP BY board_id, points) went
        WHERE score_counts.board_id = went.board_id AND score_counts.points = went.points;
        DELETE FROM score_counts WHERE people = 0 AND board_id IN (SELECT board_id FROM gone);
    END IF;
    RETURN NULL;
END $$
""",
    # Two shows or two seasons prove to be one: the points go along.
    "move_scores()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    before uuid;
    after uuid;
BEGIN
    FOR before, after IN
        VALUES (OLD.show_id, NEW.show_id), (OLD.season_id, NEW.season_id)
    LOOP
        CONTINUE WHEN before IS NOT DISTINCT FROM after;
        INSERT INTO scores AS kept (board_id, user_id, points)
        SELECT after, user_id, points FROM scores WHERE board_id = NEW.id AND after IS NOT NULL
        ON CONFLICT (board_id, user_id) DO UPDATE SET points = kept.points + excluded.points;
        UPDATE scores SET points = scores.points - game.points
        FROM scores game WHERE scores.board_id = before AND game.board_id = NEW.id AND game.user_id = scores.user_id;
        DELETE FROM scores WHERE board_id = before AND NOT EXISTS (
            SELECT FROM surveys WHERE id <> NEW.id AND before IN (show_id, season_id)
        );
    END LOOP;
    RETURN NULL;
END $$
""",
}

CALLABLE = (
    "is_over(surveys)",
    "write_survey(uuid, jsonb)",
    "publish_survey(uuid)",
    "close_survey(uuid)",
    "set_answer_key(uuid, jsonb, integer)",
    "submit_response(uuid, bytea, jsonb)",
    "has_new_results(uuid)",
)

# table, name, function, event, what follows
TRIGGERS = (
    ("responses", "count_response", "count_response", "AFTER INSERT OR DELETE OR UPDATE OF answers", "FOR EACH ROW"),
    ("surveys", "move_scores", "move_scores", "AFTER UPDATE OF show_id, season_id", "FOR EACH ROW"),
    ("scores", "count_new_scores", "count_scores", "AFTER INSERT", "REFERENCING NEW TABLE AS come"),
    ("scores", "count_gone_scores", "count_scores", "AFTER DELETE", "REFERENCING OLD TABLE AS gone"),
    (
        "scores", "count_changed_scores", "count_scores", "AFTER UPDATE",
        "REFERENCING OLD TABLE AS gone NEW TABLE AS come",
    ),
)  # fmt: skip

# The owner's own rule: it counts, scores and publishes.
OWNER = "CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)"

# table -> what the API may read of it. A table with None is closed to it; it writes through functions only.
POLICIES = {
    "surveys": "published_at IS NOT NULL OR (SELECT is_moderator())",
    "questions": "EXISTS (SELECT FROM surveys WHERE surveys.id = survey_id)",
    "options": "EXISTS (SELECT FROM questions WHERE questions.id = question_id)",
    "answer_keys": "EXISTS (SELECT FROM questions JOIN surveys ON surveys.id = survey_id "
    "WHERE questions.id = question_id AND is_over(surveys))",
    "responses": "user_id = (SELECT caller())",
    "response_counts": None,
    "tallies": None,
    "results": "EXISTS (SELECT FROM surveys WHERE surveys.id = survey_id)",
    "scores": "true",
    "score_counts": "true",
}


def make_tables() -> None:
    op.create_table(
        "surveys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("show_id", sa.Uuid(), nullable=False),
        sa.Column("season_id", sa.Uuid(), nullable=True),
        sa.Column("episode_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("NOT is_anonymous OR kind IN ('survey', 'poll')", name=op.f("ck_surveys_is_anonymous")),
        sa.CheckConstraint("kind IN ('survey', 'quiz', 'poll', 'prediction', 'ranking')", name=op.f("ck_surveys_kind")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_surveys_ends_at")),
        sa.CheckConstraint("length(description) <= 5000", name=op.f("ck_surveys_description")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name=op.f("ck_surveys_title")),
        sa.CheckConstraint("published_at IS NOT NULL OR closed_at IS NULL", name=op.f("ck_surveys_closed_at")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_surveys_author_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["episode_id"], ["episodes.id"], name=op.f("fk_surveys_episode_id_episodes"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["season_id"], ["seasons.id"], name=op.f("fk_surveys_season_id_seasons"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["show_id"], ["shows.id"], name=op.f("fk_surveys_show_id_shows"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surveys")),
    )
    op.create_index("ix_surveys_author_id", "surveys", ["author_id"], unique=False)
    op.create_index("ix_surveys_created_at_id", "surveys", ["created_at", "id"], unique=False)
    op.create_index("ix_surveys_episode_id", "surveys", ["episode_id"], unique=False)
    op.create_index("ix_surveys_season_id", "surveys", ["season_id"], unique=False)
    op.create_index("ix_surveys_show_id_created_at_id", "surveys", ["show_id", "created_at", "id"], unique=False)
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("minimum", sa.Numeric(), nullable=True),
        sa.Column("maximum", sa.Numeric(), nullable=True),
        sa.Column("step", sa.Numeric(), nullable=True),
        sa.Column("shuffle_options", sa.Boolean(), nullable=False),
        sa.Column("shown_if_question", sa.Integer(), nullable=True),
        sa.Column("shown_if_option", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "type IN ('single_choice', 'multiple_choice', 'ranking', 'numeric', 'free_text', 'rating')",
            name=op.f("ck_questions_type"),
        ),
        sa.CheckConstraint("type NOT IN ('numeric', 'rating') OR maximum > minimum", name=op.f("ck_questions_range")),
        sa.CheckConstraint("length(prompt) BETWEEN 1 AND 1000", name=op.f("ck_questions_prompt")),
        sa.CheckConstraint("maximum >= minimum", name=op.f("ck_questions_maximum")),
        sa.CheckConstraint(
            "num_nulls(shown_if_question, shown_if_option) IN (0, 2) AND shown_if_question < position",
            name=op.f("ck_questions_shown_if"),
        ),
        sa.CheckConstraint("step > 0", name=op.f("ck_questions_step")),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["surveys.id"], name=op.f("fk_questions_survey_id_surveys"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint("survey_id", "position", name=op.f("uq_questions_survey_id_position")),
    )
    op.create_table(
        "options",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.CheckConstraint("length(label) BETWEEN 1 AND 200", name=op.f("ck_options_label")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["questions.id"], name=op.f("fk_options_question_id_questions"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_options")),
        sa.UniqueConstraint("question_id", "position", name=op.f("uq_options_question_id_position")),
    )
    op.create_table(
        "answer_keys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("key", postgresql.JSONB(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("points BETWEEN 1 AND 1000", name=op.f("ck_answer_keys_points")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["questions.id"], name=op.f("fk_answer_keys_question_id_questions"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_keys")),
        sa.UniqueConstraint("question_id", name=op.f("uq_answer_keys_question_id")),
    )
    op.create_table(
        "responses",
        sa.Column("id", sa.Uuid(), server_default=sa.text("new_id()"), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_in", sa.Integer(), nullable=False),
        sa.CheckConstraint("num_nonnulls(user_id, token_hash) <= 1", name=op.f("ck_responses_respondent")),
        sa.CheckConstraint("octet_length(token_hash) = 32", name=op.f("ck_responses_token_hash")),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["surveys.id"], name=op.f("fk_responses_survey_id_surveys"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_responses_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responses")),
        sa.UniqueConstraint("survey_id", "token_hash", name=op.f("uq_responses_survey_id_token_hash")),
        sa.UniqueConstraint("survey_id", "user_id", name=op.f("uq_responses_survey_id_user_id")),
    )
    op.create_index("ix_responses_user_id", "responses", ["user_id"], unique=False)
    op.create_table(
        "response_counts",
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("responses", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["surveys.id"], name=op.f("fk_response_counts_survey_id_surveys"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("survey_id", "slot", name=op.f("pk_response_counts")),
    )
    op.create_table(
        "tallies",
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Numeric(), nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["questions.id"], name=op.f("fk_tallies_question_id_questions"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("question_id", "key", "slot", name=op.f("pk_tallies")),
    )
    op.create_table(
        "results",
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["surveys.id"], name=op.f("fk_results_survey_id_surveys"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("survey_id", name=op.f("pk_results")),
    )
    op.create_table(
        "scores",
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_scores_user_id_users"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("board_id", "user_id", name=op.f("pk_scores")),
    )
    op.create_index("ix_scores_board_id_points_user_id", "scores", ["board_id", "points", "user_id"], unique=False)
    op.create_index("ix_scores_user_id", "scores", ["user_id"], unique=False)
    op.create_table(
        "score_counts",
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.CheckConstraint("people >= 0", name=op.f("ck_score_counts_people")),
        sa.PrimaryKeyConstraint("board_id", "points", name=op.f("pk_score_counts"), postgresql_include=["people"]),
    )


def upgrade() -> None:
    make_tables()
    for function, rest in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {function} {rest}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    for function in CALLABLE:
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO trr_api")
    for table, name, function, event, rest in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {event} ON {table} {rest} EXECUTE FUNCTION {function}()")
    for table, readable in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(OWNER.format(table=table))
        if readable is not None:
            op.execute(f"CREATE POLICY api_select ON {table} FOR SELECT TO trr_api USING ({readable})")
            op.execute(f"GRANT SELECT ON {table} TO trr_api")


def downgrade() -> None:
    for table, name, *_ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for table, readable in POLICIES.items():
        if readable is not None:
            op.execute(f"DROP POLICY api_select ON {table}")
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
    for table in reversed(TABLES):
        op.drop_table(table)
