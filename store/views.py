"""The stable SQL views: what other programs may read at any time (docs/views.md)."""

from __future__ import annotations

VIEWS = {
    "v_customers": "SELECT id, language, created_at, name FROM customers",
    "v_identities": """
        SELECT id, customer_id, address, name, failing_since, created_at FROM identities""",
    "v_conversations": "SELECT id, customer_id, created_at FROM conversations",
    "v_cases": """
        SELECT id, conversation_id, customer_id, reference, channel, subject, status, stage, owner,
               tags, unverified, opened_at, resolved_at, priority, mode, attributes,
               next_update_by, waiting_for
        FROM cases""",
    # What we send has its status in the outbox, and nowhere else.
    "v_messages": """
        SELECT m.id, m.conversation_id, m.case_id, m.customer_id, m.channel, m.direction, m.kind,
               m.subject, m.text, COALESCE(m.reply_text, m.text) AS reply_text, m.language, m.message_id, m.in_reply_to,
               COALESCE(o.state, m.status) AS status, m.authentication, m.received_at
        FROM messages m LEFT JOIN outbox o ON o.message_id = m.id AND o.piece = 0""",
    "v_ledger": "SELECT id, channel, unit, outcome, reason, message_id, at FROM ledger",
    "v_outbox": """
        SELECT id, message_id, conversation_id, channel, state, due_at, attempts, error, created_at,
               piece
        FROM outbox""",
    "v_watched": """
        SELECT w.id, w.message_id, m.conversation_id, m.case_id, w.kind, w.rule, w.reason, w.channel,
               w.language, w.subject, w.text, w.at
        FROM watched w JOIN messages m ON m.id = w.message_id""",
    "v_follow_ups": """
        SELECT id, case_id, conversation_id, rule, state, due_at, settled_at, reason
        FROM follow_ups""",
    "v_promises": """
        SELECT m.id AS message_id, m.conversation_id, m.case_id, m.channel, m.kind,
               m.received_at AS made_at, m.promised_by,
               (SELECT min(r.received_at) FROM messages r WHERE r.case_id = m.case_id
                AND r.direction = 'out' AND r.kind = 'reply') AS answered_at
        FROM messages m JOIN outbox o ON o.message_id = m.id AND o.piece = 0
        WHERE m.promised_by IS NOT NULL AND o.state NOT IN ('draft', 'failed')""",
    "v_surveys": """
        SELECT s.id AS message_id, c.conversation_id, s.case_id, s.scale, s.asked_at, s.closes_at,
               s.score, s.comment, s.answered_at
        FROM surveys s JOIN cases c ON c.id = s.case_id""",
    "v_notices": """
        SELECT id, kind, state, words, author, started_at, ended_at, total FROM notices""",
    # Once it is queued, a delivery says how far it has come; a stop keeps back who still waited.
    "v_notice_recipients": """
        SELECT r.notice_id, r.customer_id, r.case_id, r.identity_id, r.message_id,
               CASE WHEN r.state = 'queued' THEN COALESCE(o.state, r.state)
                    WHEN r.state = 'waiting' AND n.state = 'stopped' THEN n.state
                    ELSE r.state END AS state,
               CASE WHEN r.state = 'queued' THEN COALESCE(o.error, '') ELSE r.reason END AS reason,
               r.channel, r.language, r.due_at, r.at
        FROM notice_recipients r JOIN notices n ON n.id = r.notice_id
        LEFT JOIN outbox o ON o.message_id = r.message_id AND o.piece = 0""",
    "v_consents": """
        SELECT c.id, c.identity_id, i.customer_id, c.purpose, c.given, c.source, c.author,
               c.message_id, c.at,
               c.id = (SELECT max(l.id) FROM consents l WHERE l.identity_id = c.identity_id
                       AND l.purpose = c.purpose) AS holds
        FROM consents c JOIN identities i ON i.id = c.identity_id""",
    "v_events": "SELECT cursor, type, conversation_id, at, data FROM events",
}
