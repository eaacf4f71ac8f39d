"""Accounts and discussions under row-level security: role, functions, triggers, policies, grants.

The API works as the role `trr_api`, which may do what is granted and allowed here and nothing else. What it may not do
with a plain statement is behind functions of the tables' owner, granted one by one. The owner itself, which crawls and
migrates, is let through by a policy of its own. Runs on PostgreSQL 15 to 18.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Roles belong to the whole cluster: another database may have made it, or be making it at this moment.
MAKE_ROLE = """
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trr_api') THEN
            CREATE ROLE trr_api NOLOGIN;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'trr_api' AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'The role trr_api passes by row-level security.'
            USING HINT = 'ALTER ROLE trr_api NOSUPERUSER NOBYPASSRLS';
    END IF;
    IF NOT pg_has_role(
        'trr_api', CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END
    ) THEN
        GRANT trr_api TO CURRENT_USER;
    END IF;
END $$
"""

DROP_ROLE = """
DO $$
BEGIN
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM trr_api;
    REVOKE ALL ON SCHEMA public FROM trr_api;
    DROP ROLE trr_api;
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
    NULL;  -- other databases of the cluster use it, or it is not ours
END $$
"""

PINNED = "SET search_path = pg_catalog, public, pg_temp"

# name and arguments -> what follows. The API may call those of CALLABLE, nobody may call the others.
FUNCTIONS = {
    "caller()": """
RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE RETURN nullif(current_setting('trr.user_id', true), '')::uuid
""",
    "is_moderator()": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN EXISTS (SELECT FROM users WHERE id = caller() AND role IN ('moderator', 'admin'))
""",
    "is_banned()": f"""
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER {PINNED}
RETURN EXISTS (SELECT FROM bans WHERE user_id = caller() AND (ends_at IS NULL OR ends_at > now()))
""",
    "tell(topic text, event text, payload jsonb)": f"""
RETURNS void LANGUAGE sql SECURITY DEFINER {PINNED}
BEGIN ATOMIC INSERT INTO outbox (topic, event, payload) VALUES (topic, event, payload); END
""",
    "wake_readers()": f"""
RETURNS trigger LANGUAGE plpgsql {PINNED} AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$
""",
    "open_thread()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    -- Sources know the day, not the hour: it opens when the day begins in UTC.
    IF NEW.type IN ('episode_live', 'post_episode') THEN
        NEW.opens_at := (SELECT air_date::timestamp AT TIME ZONE 'UTC' FROM episodes WHERE id = NEW.episode_id);
    END IF;
    RETURN NEW;
END $$
""",
    "note_thread()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM tell(
        coalesce('episode:' || NEW.episode_id, 'season:' || NEW.season_id, 'show:' || NEW.show_id), 'thread_created',
        jsonb_build_object('thread_id', NEW.id, 'author_id', NEW.author_id, 'type', NEW.type)
    );
    RETURN NULL;
END $$
""",
    "place_post()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    above posts;
BEGIN
    IF NEW.parent_id IS NULL THEN
        NEW.root_id := NEW.id;
        NEW.path := ARRAY[NEW.number];
    ELSE
        SELECT * INTO above FROM posts
        WHERE id = NEW.parent_id AND thread_id = NEW.thread_id AND deleted_at IS NULL AND removed_at IS NULL;
        IF NOT FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = 'there is no such post in this thread to answer to';
        END IF;
        NEW.root_id := above.root_id;
        NEW.path := above.path || NEW.number;
    END IF;
    NEW.hot := extract(epoch FROM NEW.created_at) / 45000;
    RETURN NEW;
END $$
""",
    "note_post()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    UPDATE threads SET post_count = post_count + 1, last_post_at = greatest(last_post_at, NEW.created_at)
    WHERE id = NEW.thread_id;
    IF NEW.parent_id IS NOT NULL THEN
        UPDATE posts SET reply_count = reply_count + 1 WHERE id = NEW.parent_id;
        INSERT INTO notifications (user_id, kind, post_id)
        SELECT author_id, 'reply', NEW.id FROM posts WHERE id = NEW.parent_id AND author_id <> NEW.author_id;
    END IF;
    IF position('@' IN NEW.body) > 0 THEN
        INSERT INTO notifications (user_id, kind, post_id)
        SELECT id, 'mention', NEW.id FROM users
        WHERE id <> NEW.author_id AND name IN (
            SELECT lower(named[1])
            FROM regexp_matches(NEW.body, '(?:^|[^\\w@])@(\\w{{3,30}})(?!\\w)', 'g') named LIMIT 20
        )
        ON CONFLICT (user_id, post_id) DO NOTHING;
    END IF;
    PERFORM tell('thread:' || NEW.thread_id, 'post_created', jsonb_build_object(
        'post_id', NEW.id, 'thread_id', NEW.thread_id, 'parent_id', NEW.parent_id, 'author_id', NEW.author_id
    ));
    RETURN NULL;
END $$
""",
    # What is gone keeps its place in the tree; its text is put away, and comes back with it.
    "revise_post()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    was_gone boolean := OLD.deleted_at IS NOT NULL OR OLD.removed_at IS NOT NULL;
    is_gone boolean := NEW.deleted_at IS NOT NULL OR NEW.removed_at IS NOT NULL;
BEGIN
    IF is_gone AND NOT was_gone THEN
        INSERT INTO post_edits (post_id, body, html) VALUES (OLD.id, OLD.body, OLD.html);
        NEW.body := '';
        NEW.html := '';
        PERFORM tell('thread:' || NEW.thread_id, 'post_gone', jsonb_build_object('post_id', NEW.id));
    ELSIF was_gone AND NOT is_gone THEN
        DELETE FROM post_edits WHERE id = (
            SELECT id FROM post_edits WHERE post_id = NEW.id ORDER BY replaced_at DESC, id DESC LIMIT 1
        ) RETURNING body, html INTO NEW.body, NEW.html;
        PERFORM tell('thread:' || NEW.thread_id, 'post_restored', jsonb_build_object('post_id', NEW.id));
    ELSIF NEW.body <> OLD.body THEN
        INSERT INTO post_edits (post_id, body, html) VALUES (OLD.id, OLD.body, OLD.html);
        NEW.edited_at := now();
        PERFORM tell('thread:' || NEW.thread_id, 'post_edited', jsonb_build_object('post_id', NEW.id));
    END IF;
    RETURN NEW;
END $$
""",
    "rank_post()": f"""
RETURNS trigger LANGUAGE plpgsql {PINNED} AS $$
DECLARE
    votes integer := NEW.upvotes - NEW.downvotes;
BEGIN
    NEW.hot := sign(votes) * log(greatest(abs(votes), 1)) + extract(epoch FROM NEW.created_at) / 45000;
    RETURN NEW;
END $$
""",
    # One UPDATE for each reaction: the row's lock keeps the count right, whoever else reacts.
    "count_reaction()": f"""
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    changed reactions := coalesce(NEW, OLD);
    step integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    thread uuid;
BEGIN
    UPDATE posts SET
        upvotes = upvotes + step * (changed.reaction = 'upvote')::int,
        downvotes = downvotes + step * (changed.reaction = 'downvote')::int,
        lols = lols + step * (changed.reaction = 'lol')::int,
        shades = shades + step * (changed.reaction = 'shade')::int,
        fires = fires + step * (changed.reaction = 'fire')::int,
        hearts = hearts + step * (changed.reaction = 'heart')::int
    WHERE id = changed.post_id RETURNING thread_id INTO thread;
    PERFORM tell('thread:' || thread, 'reaction_changed', jsonb_build_object(
        'post_id', changed.post_id, 'reaction', changed.reaction, 'step', step
    ));
    RETURN NULL;
END $$
""",
    "require_role(lowest text)": f"""
RETURNS void LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM users WHERE id = caller() AND (role = 'admin' OR role = 'moderator' AND lowest = 'moderator')
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = 'this is for the role ' || lowest;
    END IF;
END $$
""",
    "withdraw_post(post uuid, gone boolean)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    UPDATE posts SET deleted_at = CASE WHEN gone THEN coalesce(deleted_at, now()) END
    WHERE id = post AND author_id = caller() AND removed_at IS NULL AND NOT is_banned();
    RETURN FOUND;
END $$
""",
    "moderate_post(post uuid, gone boolean, why text)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM require_role('moderator');
    UPDATE posts SET removed_at = CASE WHEN gone THEN now() END
    WHERE id = post AND (removed_at IS NULL) = gone;
    IF FOUND THEN
        INSERT INTO moderation_log (moderator_id, action, post_id, reason)
        VALUES (caller(), CASE WHEN gone THEN 'post_removed' ELSE 'post_restored' END, post, why);
    END IF;
    RETURN EXISTS (SELECT FROM posts WHERE id = post);
END $$
""",
    "moderate_thread(thread uuid, sticky boolean, locked boolean, gone boolean, opens timestamptz, why text)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    before threads;
BEGIN
    PERFORM require_role('moderator');
    SELECT * INTO before FROM threads WHERE id = thread FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE threads SET
        is_sticky = coalesce(sticky, is_sticky),
        locked_at = CASE WHEN locked IS NULL THEN locked_at WHEN locked THEN coalesce(locked_at, now()) END,
        removed_at = CASE WHEN gone IS NULL THEN removed_at WHEN gone THEN coalesce(removed_at, now()) END,
        opens_at = coalesce(opens, opens_at)
    WHERE id = thread;
    INSERT INTO moderation_log (moderator_id, action, thread_id, reason)
    SELECT caller(), action, thread, why FROM (VALUES
        (CASE WHEN sticky THEN 'thread_stuck' ELSE 'thread_unstuck' END, sticky <> before.is_sticky),
        (CASE WHEN locked THEN 'thread_locked' ELSE 'thread_unlocked' END, locked <> (before.locked_at IS NOT NULL)),
        (CASE WHEN gone THEN 'thread_removed' ELSE 'thread_restored' END, gone <> (before.removed_at IS NOT NULL)),
        ('thread_rescheduled', opens IS DISTINCT FROM before.opens_at AND opens IS NOT NULL)
    ) done (action, is_new) WHERE is_new;
    RETURN true;
END $$
""",
    "resolve_report(report uuid, verdict text)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    reported reports;
BEGIN
    PERFORM require_role('moderator');
    SELECT * INTO reported FROM reports WHERE id = report AND resolved_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- What others say of the same post is answered by it too.
    UPDATE reports SET outcome = verdict, resolved_at = now(), resolved_by = caller()
    WHERE post_id = reported.post_id AND resolved_at IS NULL;
    IF verdict = 'upheld' THEN
        PERFORM moderate_post(reported.post_id, true, reported.reason);
    END IF;
    RETURN true;
END $$
""",
    "ban(banned uuid, until timestamptz, why text)": f"""
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
DECLARE
    made uuid;
BEGIN
    PERFORM require_role('moderator');
    INSERT INTO bans (user_id, ends_at, reason)
    SELECT id, until, why FROM users WHERE id = banned AND role = 'user' RETURNING id INTO made;
    IF FOUND THEN
        INSERT INTO moderation_log (moderator_id, action, user_id, reason)
        VALUES (caller(), 'user_banned', banned, why);
    END IF;
    RETURN made;
END $$
""",
    "lift_bans(banned uuid, why text)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM require_role('moderator');
    UPDATE bans SET ends_at = clock_timestamp() WHERE user_id = banned AND (ends_at IS NULL OR ends_at > now());
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO moderation_log (moderator_id, action, user_id, reason) VALUES (caller(), 'ban_lifted', banned, why);
    RETURN true;
END $$
""",
    "set_role(person uuid, wanted text)": f"""
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER {PINNED} AS $$
BEGIN
    PERFORM require_role('admin');
    UPDATE users SET role = wanted WHERE id = person;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO moderation_log (moderator_id, action, user_id, reason)
    VALUES (caller(), 'role_changed', person, wanted);
    RETURN true;
END $$
""",
}

CALLABLE = (
    "caller()",
    "is_moderator()",
    "is_banned()",
    "withdraw_post(uuid, boolean)",
    "moderate_post(uuid, boolean, text)",
    "moderate_thread(uuid, boolean, boolean, boolean, timestamptz, text)",
    "resolve_report(uuid, text)",
    "ban(uuid, timestamptz, text)",
    "lift_bans(uuid, text)",
    "set_role(uuid, text)",
)

TRIGGERS = (
    ("outbox", "wake_readers", "AFTER INSERT", "FOR EACH STATEMENT"),
    ("threads", "open_thread", "BEFORE INSERT", "FOR EACH ROW"),
    ("threads", "note_thread", "AFTER INSERT", "FOR EACH ROW"),
    ("posts", "place_post", "BEFORE INSERT", "FOR EACH ROW"),
    ("posts", "note_post", "AFTER INSERT", "FOR EACH ROW"),
    ("posts", "revise_post", "BEFORE UPDATE OF body, deleted_at, removed_at", "FOR EACH ROW"),
    ("posts", "rank_post", "BEFORE UPDATE OF upvotes, downvotes", "FOR EACH ROW"),
    ("reactions", "count_reaction", "AFTER INSERT OR DELETE", "FOR EACH ROW"),
)

# The owner's own rule: crawls join what proves to be one thing, whoever wrote about it.
OWNER = "CREATE POLICY owner ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)"

MINE = "user_id = (SELECT caller())"
AUTHOR = "author_id = (SELECT caller()) AND NOT (SELECT is_banned())"
MODERATOR = "(SELECT is_moderator())"

# Seen as the caller: what they do not see is not open to them. No functions: their bodies would be planned each time.
OPEN_THREAD = """EXISTS (
    SELECT FROM threads WHERE threads.id = {thread} AND threads.locked_at IS NULL AND threads.removed_at IS NULL
    AND (threads.opens_at IS NULL OR threads.opens_at <= now())
)"""
OPEN_POST = (
    "EXISTS (SELECT FROM posts WHERE posts.id = {post} AND posts.deleted_at IS NULL AND posts.removed_at IS NULL AND "
    + OPEN_THREAD.format(thread="posts.thread_id")
    + ")"
)

# table -> (command, USING, WITH CHECK) of the API. A table without any is closed to it.
POLICIES = {
    "users": (("SELECT", "true", ""), ("UPDATE", "id = (SELECT caller())", "id = (SELECT caller())")),
    "sessions": (("SELECT", MINE, ""), ("UPDATE", MINE, MINE)),
    "progress": (("SELECT", MINE, ""), ("INSERT", "", MINE), ("DELETE", MINE, "")),
    "threads": (
        ("SELECT", f"removed_at IS NULL OR author_id = (SELECT caller()) OR {MODERATOR}", ""),
        ("INSERT", "", AUTHOR),
        ("UPDATE", f"{AUTHOR} AND locked_at IS NULL AND removed_at IS NULL", AUTHOR),
    ),
    "posts": (
        ("SELECT", "EXISTS (SELECT FROM threads WHERE threads.id = thread_id)", ""),
        ("INSERT", "", f"{AUTHOR} AND {OPEN_THREAD.format(thread='posts.thread_id')}"),
        (
            "UPDATE",
            f"{AUTHOR} AND deleted_at IS NULL AND removed_at IS NULL AND "
            + OPEN_THREAD.format(thread="posts.thread_id"),
            AUTHOR,
        ),
    ),
    "post_edits": (
        (
            "SELECT",
            "EXISTS (SELECT FROM posts WHERE posts.id = post_id AND ("
            f"deleted_at IS NULL AND removed_at IS NULL OR author_id = (SELECT caller()) OR {MODERATOR}))",
            "",
        ),
    ),
    "reactions": (
        ("SELECT", MINE, ""),
        ("INSERT", "", f"{MINE} AND NOT (SELECT is_banned()) AND {OPEN_POST.format(post='reactions.post_id')}"),
        ("DELETE", f"{MINE} AND NOT (SELECT is_banned()) AND {OPEN_POST.format(post='reactions.post_id')}", ""),
    ),
    "notifications": (("SELECT", MINE, ""), ("UPDATE", MINE, MINE)),
    "reports": (
        ("SELECT", f"reporter_id = (SELECT caller()) OR {MODERATOR}", ""),
        (
            "INSERT",
            "",
            "reporter_id = (SELECT caller()) AND NOT (SELECT is_banned()) "
            "AND EXISTS (SELECT FROM posts WHERE posts.id = post_id)",
        ),
    ),
    "bans": (("SELECT", f"{MINE} OR {MODERATOR}", ""),),
    "moderation_log": (("SELECT", "true", ""),),
    "credentials": (),
    "identities": (),
    "refresh_tokens": (),
    "outbox": (),
}

# Column by column: nobody moves a post to another thread, or writes a date.
GRANTS = {
    "users": "SELECT, UPDATE (display_name, bio)",
    "sessions": "SELECT, UPDATE (revoked_at)",
    "progress": "SELECT, INSERT (user_id, show_id, season_number, episode_number), DELETE",
    "threads": "SELECT, INSERT (show_id, season_id, episode_id, type, title, author_id), UPDATE (title)",
    "posts": "SELECT, INSERT (thread_id, parent_id, author_id, about_episode_id, body, html), UPDATE (body, html)",
    "post_edits": "SELECT",
    "reactions": "SELECT, INSERT (post_id, user_id, reaction), DELETE",
    "notifications": "SELECT, UPDATE (read_at)",
    "reports": "SELECT, INSERT (post_id, reporter_id, reason)",
    "bans": "SELECT",
    "moderation_log": "SELECT",
    **dict.fromkeys(("shows", "seasons", "episodes", "slugs", "entity_redirects", "changes"), "SELECT"),
}


def upgrade() -> None:
    op.execute(MAKE_ROLE)
    for function, rest in FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {function} {rest}")
        op.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
    for function in CALLABLE:
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO trr_api")
    for table, function, event, each in TRIGGERS:
        op.execute(f"CREATE TRIGGER {function} {event} ON {table} {each} EXECUTE FUNCTION {function}()")
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(OWNER.format(table=table))
        for command, using, check in policies:
            op.execute(
                f"CREATE POLICY api_{command.lower()} ON {table} FOR {command} TO trr_api"
                + (f" USING ({using})" if using else "")
                + (f" WITH CHECK ({check})" if check else "")
            )
    op.execute("GRANT USAGE ON SCHEMA public TO trr_api")
    for table, granted in GRANTS.items():
        op.execute(f"GRANT {granted} ON {table} TO trr_api")


def downgrade() -> None:
    for table, function, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {function} ON {table}")
    for table, policies in POLICIES.items():
        for command, _, _ in policies:
            op.execute(f"DROP POLICY api_{command.lower()} ON {table}")
        op.execute(f"DROP POLICY owner ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for function in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {function}")
    op.execute(DROP_ROLE)
