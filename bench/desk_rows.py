"""The rows of a newsroom of five years' standing, as PostgreSQL makes them: see `bench.desk_fill`."""

from __future__ import annotations

from typing import Final

PEOPLE: Final = """
INSERT INTO subscribers (address, address_key, address_hash, domain, name, zone, language, text_size,
    attributes, last_sign_of_life_at, created_at)
SELECT a, a, encode(sha256(a::bytea), 'hex'), split_part(a, '@', 2), 'Anahit Sarian ' || n,
    (ARRAY['Asia/Yerevan', 'Europe/Paris', 'America/Los_Angeles', NULL])[1 + n % 4],
    (ARRAY['hy', 'en', NULL])[1 + n % 3], (ARRAY['normal', 'normal', 'normal', 'large'])[1 + n % 4],
    jsonb_build_object('city', (ARRAY['Yerevan', 'Paris', 'Gyumri'])[1 + n % 3], 'age', n % 90),
    :now - make_interval(days => n % 1000), :now - make_interval(days => 1000 + n % 800)
FROM (SELECT n, 'reader' || n || '@mail' || n % 200 || '.test' AS a FROM generate_series(1, :people) n) made
"""
# Of twenty people one has left, one rests or was never confirmed; one in six reads on Sundays alone.
SUBSCRIPTIONS: Final = """
INSERT INTO subscriptions (list_id, subscriber_id, status, cadence_id, topics, created_at, changed_at)
SELECT :list, id, CASE id % 40 WHEN 0 THEN 'ended' WHEN 1 THEN 'ended' WHEN 2 THEN 'paused'
        WHEN 3 THEN 'pending' ELSE 'active' END,
    CASE WHEN id % 6 = 0 THEN :rare ELSE :usual END, '[]', created_at, created_at
FROM subscribers WHERE id % :every = 0 ORDER BY id
"""
CONSENT: Final = """
INSERT INTO consent_events (subscription_id, number, at, action, status, source, details, salt, commitment,
    link)
SELECT id, 1, created_at, 'sign_up', status, 'cli', jsonb_build_object('address',
    'reader' || subscriber_id || '@mail.test', 'consent', 'signed a card at the fair', 'actor', 'cli:nare'),
    md5(id::text), md5(id::text) || md5('c' || id), md5('l' || id) || md5('k' || id)
FROM subscriptions ORDER BY id
"""
SUPPRESSIONS: Final = """
INSERT INTO suppressions (kind, value, cause, reason, source, created_at)
SELECT 'address', address_hash, (ARRAY['bounce', 'complaint', 'never'])[1 + id % 3], 'asked to', 'cli', :now
FROM subscribers WHERE id % 50 = 0
"""
POSTS: Final = """
INSERT INTO posts (url, title, author, categories, tags, language, published_at, excerpt, body_html,
    content_fingerprint, first_seen_at, changed_at)
SELECT 'https://news.example.org/' || n, 'Apricot growers of village ' || n || ' expect a harvest',
    'Anahit Sarian', CASE WHEN n % 17 = 0 THEN '["Commentary"]'::jsonb ELSE '["Community"]' END, '[]', 'en',
    :now - make_interval(mins => 15 * (:posts - n) + 5), 'YEREVAN -- The orchards are heavy this year…',
    :body, md5(n::text) || md5('p' || n), :now - make_interval(mins => 15 * (:posts - n)),
    :now - make_interval(mins => 15 * (:posts - n))
FROM generate_series(1, :posts) n
"""
POST_SOURCES: Final = """
INSERT INTO post_sources (source_id, post_id, is_news, seen_at)
SELECT (SELECT min(id) FROM sources) + id % :sources, id, true, first_seen_at FROM posts
"""
FETCHES: Final = """
INSERT INTO fetches (source_id, at, status, posts, new, changed, size, milliseconds)
SELECT s.id, :now - make_interval(mins => 15 * n), 200, 20, 1, 0, 90000, 400
FROM sources s, generate_series(1, 100) n
"""
ITEMS: Final = """
INSERT INTO items (revision_id, position, role, post_id, story)
SELECT r.id, p, CASE p WHEN 0 THEN 'featured' ELSE 'recent' END, 1 + (r.id * :stories + p) % :posts,
    CAST(:story AS jsonb)
FROM revisions r, generate_series(0, :stories - 1) p
"""
REVISIONS: Final = """
INSERT INTO revisions (edition_id, number, subject, preheader, web_html, fingerprint, approved_at,
    approved_by, created_at)
SELECT id, 1, 'A bridge is mended, and ' || id || ' more stories', 'Also in this edition', :web,
    md5(id::text) || md5('r' || id), send_at, 'freeze', send_at
FROM editions WHERE state NOT IN ('upcoming', 'held') ORDER BY id
"""
VARIANTS: Final = """
INSERT INTO variants (revision_id, topics, text_size, html, text, mail, fingerprint)
SELECT r.id, '', s.size, :html, :text, ''::bytea, md5(r.id || s.size) || md5('v' || r.id)
FROM revisions r, (VALUES ('normal'), ('large')) s (size)
"""
TOTALS: Final = """
INSERT INTO edition_totals (edition_id, sent, failed, skipped, uncertain, dropped_at)
SELECT e.id, :people - 40 - e.id % 9, 20, 20, e.id % 9, :now
FROM editions e WHERE e.cadence_id = ANY(:cadences) AND e.state = 'sent' AND NOT e.id = ANY(:full)
"""
BATCHES: Final = """
INSERT INTO batches (edition_id, not_before, lease, closed_at, fault, faults_in_a_row)
SELECT e.id, e.send_at, 1, CASE WHEN e.state = 'sent' OR n % 2 = 0 THEN e.send_at END, '', 0
FROM editions e, generate_series(1, :batches) n WHERE e.id = :edition
"""
DELIVERIES: Final = """
INSERT INTO deliveries (edition_id, subscriber_id, variant_id, subscription_id, batch_id, status, attempt,
    transport_id, reply_id, reason, sent_at)
SELECT :edition, subscriber_id, :variant, id, :first_batch + number % :batches,
    CASE WHEN :is_half AND number % 2 = 0 THEN 'pending' WHEN number % 1000 = 3 THEN 'failed'
        WHEN number % 900 = 5 THEN 'skipped' WHEN number % 5000 = 7 THEN 'uncertain' ELSE 'sent' END,
    0, :transport, :reply,
    CASE WHEN number % 900 = 5 AND NOT (:is_half AND number % 2 = 0) THEN 'not_wanted' END,
    CASE WHEN NOT (:is_half AND number % 2 = 0) THEN CAST(:at AS timestamptz) END
FROM (SELECT id, subscriber_id, row_number() OVER () AS number FROM subscriptions
      WHERE list_id = :list AND status = 'active' AND cadence_id = :cadence) planned
"""
CASES: Final = """
INSERT INTO uncertain_cases (edition_id, subscriber_id, attempt, since, cause, settlement, settled_at,
    settled_by)
SELECT edition_id, subscriber_id, attempt, :now, 'no_answer', 'closed', :now, 'policy'
FROM deliveries WHERE status = 'uncertain'
"""
AUDIT: Final = """
INSERT INTO audit (at, actor, action, target_kind, target_id, details)
SELECT :now - make_interval(mins => :trail - n), 'account:' || (1 + n % :staff),
    (ARRAY['edition.rewrite', 'edition.approve', 'list.set', 'suppression.add'])[1 + n % 4],
    (ARRAY['Edition', 'Edition', 'MailingList', 'Subscriber'])[1 + n % 4], 1 + n % 500,
    jsonb_build_object('place', n % 13)
FROM generate_series(1, :trail) n
"""
NOTICES: Final = """
INSERT INTO notices (key, kind, address, sender_address, message, state, not_before, attempt, reply,
    created_at, done_at)
SELECT 'welcome:' || id, 'welcome', address, 'news@courier.example', ''::bytea, 'sent', created_at, 1,
    '250 ok', created_at, created_at
FROM subscribers WHERE id % 20 = 1
"""
