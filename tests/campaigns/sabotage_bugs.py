"""Bugs to plant, one at a time, and the tests that must notice each.

A bug is a small edit that a tired hand could make. What it replaces must stand
in its file exactly once: a bug that can no longer be planted is a mistake of
this list, not a success of the tests."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Bug:
    area: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple  # of ctest; one that fails is enough
    targets: tuple = ()  # what to build; the tests' names if empty


BUGS = (
    Bug("intake", "a message is PUBACKed though the ring refused it",
        "gateway/edge/mqtt_inbox.c",
        "is_pushed = ring_push(inbox->ring, message) == ERR_OK;",
        "is_pushed = ring_push(inbox->ring, message) != ERR_INVALID;",
        ("edge_test_mqtt_hostile",)),
    Bug("intake", "after a start the ring gives numbers again that the ledger "
        "has taken",
        "gateway/edge/ring.c",
        "ring->next_number = (scan->last_number > last_taken",
        "ring->next_number = (scan->last_number + 1 > 0",
        ("edge_test_ring_recovery", "edge_test_ring")),
    Bug("publishing", "Paho is told of a write that failed, and keeps what it "
        "frees",
        "gateway/edge/mqtt_write.c",
        "if (result >= 0 || saved == EAGAIN || !is_paho_thread()) {",
        "if (result >= 0 || saved == EAGAIN || errno != EAGAIN) {",
        ("edge_test_mqtt_write",)),
    Bug("publishing", "a connect without an answer is left to Paho, whose "
        "sender sleeps by the wall clock",
        "gateway/edge/mqtt_session.c",
        "session->port->timer_every(session->owner, CONNECT_TIMEOUT_MS);",
        "session->port->timer_off(session->owner);",
        ("edge_test_mqtt_session",)),
    Bug("dedupe", "a reading that comes again is booked again",
        "gateway/core/engine.c",
        "if (state == SEEN_NEW) {",
        "if (state == SEEN_NEW || state == SEEN_DUPLICATE) {",
        ("core_test_engine", "core_test_engine_model")),
    Bug("dedupe", "a reading's name is not marked as seen",
        "gateway/core/engine.c",
        "\t\tcode = seen_mark(batch_txn(batch), &name, content, &answer,\n"
        "\t\t\t\t &progress, err);",
        "\t\tcode = ERR_OK;\n\t\t(void)content;",
        ("core_test_engine", "core_test_engine_model")),
    Bug("commit order", "the number of the ring's last slot is not stored "
        "with its effects",
        "store/ledger.c",
        "if (code == ERR_OK && batch->is_ring_moved)",
        "if (code == ERR_OK && batch->is_ring_moved && batch->ring == 0)",
        ("store_test_ledger", "edge_test_keeper")),
    Bug("publishing before commit", "answers are spoken before the commit",
        "gateway/edge/keeper.c",
        "\tenum err_code code = commit(keeper, batch, err);\n\n"
        "\tif (code != ERR_OK)\n\t\treturn code;\n"
        "\tkeeper_answers_say(keeper, head);",
        "\tenum err_code code;\n\n"
        "\tkeeper_answers_say(keeper, head);\n"
        "\tcode = commit(keeper, batch, err);\n\n"
        "\tif (code != ERR_OK)\n\t\treturn code;",
        ("edge_test_keeper",)),
    Bug("hash check", "a row's checksum is not compared",
        "store/row.c",
        "if (read_u32(&sum) != row_checksum(table, key, value))",
        "if (read_u32(&sum) == row_checksum(table, key, value) + 1)",
        ("store_test_tables", "store_test_scrub")),
    Bug("hash check", "the journal's chain is not compared",
        "store/journal.c",
        "\tif (verify->has_start &&\n"
        "\t    seal_checksum(verify->chain, row->bytes) != row->chain)",
        "\tif (verify->has_start && row->bytes.size == 0)",
        ("store_test_journal", "store_test_audit_lies")),
    Bug("signature check", "any signature will do",
        "store/feed_admit.c",
        "if (delta_verify(key, judging->net_id, &delta->header,\n"
        "\t\t\t delta->signature))",
        "if (delta_verify(key, judging->net_id, &delta->header,\n"
        "\t\t\t delta->signature) || judging != NULL)",
        ("store_test_feed",)),
    Bug("hash check", "rows are not compared with the hash in their header",
        "store/feed_admit.c",
        "return memcmp(hash, delta->header.rows_hash, HASH_SIZE) == 0;",
        "return hash[0] == delta->header.rows_hash[0] || true;",
        ("store_test_feed",)),
    Bug("hash check", "a delta need not follow the one before",
        "store/feed_admit.c",
        "if (memcmp(header->previous, feed->hash, HASH_SIZE) != 0 ||\n"
        "\t    header->first != feed->number + 1) {",
        "if (header->first != feed->number + 1) {",
        ("store_test_feed",)),
    Bug("epoch", "any certificate of the site will do",
        "store/heir.c",
        "\t\troster_certificate(view, site, epoch, &certificate, err);\n\n"
        "\tif (code == ERR_OK)\n\t\tmemcpy(",
        "\t\troster_site(view, site, &certificate, err);\n\n"
        "\tif (code == ERR_OK)\n\t\tmemcpy(",
        ("store_test_feed",)),
    Bug("fence", "what lies beyond a fence is admitted",
        "store/feed_admit.c",
        "if (code == ERR_OK && judging->delta->header.seq > limit)",
        "if (code == ERR_OK && judging->delta->header.seq > limit && "
        "limit == 0)",
        ("store_test_feed",)),
    Bug("adjudication", "two deltas of one place are no fork",
        "store/feed_admit.c",
        "? ADMISSION_DUPLICATE\n\t\t\t\t\t     : ADMISSION_FORK;",
        "? ADMISSION_DUPLICATE\n\t\t\t\t\t     : ADMISSION_DUPLICATE;",
        ("store_test_feed", "store_test_fork")),
    Bug("void rows", "a row that is not its writer's to say is folded",
        "store/feed_law.c",
        "if (law->is_closed || !has_authority(law, entry))",
        "if (law->is_closed && !has_authority(law, entry))",
        ("store_test_feed",)),
    Bug("authority", "anybody may touch what is between two sites",
        "rules/ledger/transfer.c",
        "return site == 0 || side_is(site, &id, side);",
        "return site == 0 || side_is(site, &id, side) || true;",
        ("rules_test_transfer",)),
    Bug("transfer law", "a closed transfer may leave goods on the way",
        "rules/ledger/transfer.c",
        "\tif (is_closed)\n\t\treturn TRANSFER_RESIDUE;",
        "\tif (is_closed)\n\t\treturn TRANSFER_UNDER_WAY;",
        ("rules_test_transfer", "store_test_audit_network")),
    Bug("canonical form", "a shape that is known may be written again",
        "store/rows_read.c",
        "if (window_find(window, *ret_shape, &slot))",
        "if (window_find(window, *ret_shape, &slot) && slot == UINT32_MAX)",
        ("store_test_rows_canonical",)),
    Bug("credit", "a server sends more than it was granted",
        "gateway/sync/sync_serve.c",
        "return serve->granted - serve->sent;",
        "return UINT64_MAX - serve->sent;",
        ("sync_test_sync", "sync_test_sync_wire")),
    Bug("fence", "an epoch of control counts beyond its end",
        "store/feed_limit.c",
        "if (code == ERR_OK && root.after_seq < *limit)",
        "if (code == ERR_OK && root.after_seq == *limit + 1)",
        ("sim_schedules_0", "sim_schedules_1", "sim_schedules_2",
         "sim_schedules_3"), ("sim",)),
    Bug("start guard", "a store that is behind its guard goes on",
        "store/guard.c",
        "? GUARD_SAME\n\t\t\t       : GUARD_ROLLBACK;",
        "? GUARD_SAME\n\t\t\t       : GUARD_SAME;",
        ("store_test_guard",)),
    Bug("start guard", "an HQ that lacks some of its words speaks",
        "gateway/core/voice.c",
        "now->was_set_back || !are_held ? HQ_BEHIND : HQ_SPEAKS;",
        "now->was_set_back && !are_held ? HQ_BEHIND : HQ_SPEAKS;",
        ("core_test_voice",)),
    Bug("start guard", "whatever HQ said is taken for what the store has",
        "store/guard_words.c",
        ".is_held = word->seq == 0};",
        ".is_held = word != NULL};",
        ("store_test_guard_words", "core_test_voice")),
    Bug("adjudication", "a fork at the first delta of a feed begins no "
        "branches where nothing of it is",
        "store/fork.c",
        "if (search->seq == feed->seq + 1 &&",
        "if (search->seq == feed->seq + 2 &&",
        ("store_test_fork",)),
    Bug("isolation", "a pack that can not go in yet holds up the others",
        "gateway/sync/sync_slot.c",
        "if (!slot_is_ready(sync, slot))\n\t\t\tcontinue;",
        "if (!slot_is_ready(sync, slot))\n\t\t\tbreak;",
        ("sim_schedules_0", "sim_schedules_1", "sim_schedules_2",
         "sim_schedules_3"), ("sim",)),
    Bug("isolation", "a fence of a site's first life ends those after it",
        "store/feed_limit.c",
        "struct feed_id id = {feed->id.site, feed->id.epoch, branch};",
        "struct feed_id id = {feed->id.site, 1, branch};",
        ("sim_schedules_0", "sim_schedules_1", "sim_schedules_2",
         "sim_schedules_3"), ("sim",)),
)
