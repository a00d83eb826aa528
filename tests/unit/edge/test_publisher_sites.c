/*
 * At HQ each site's own topics say what its feed says, and what no feed says
 * any more is cleared, also when it went while HQ's daemon was down.
 */
#include "tests/unit/edge/network_bed.h"

static int setup_status(void **state)
{
	return setup_shown(state, NETWORK_SITES_STATUS);
}

static int setup_stock(void **state)
{
	return setup_shown(state, NETWORK_SITES_STOCK);
}

static void alert_say(struct bed *bed, uint32_t site, const char *code,
		      const char *subject, bool is_closed)
{
	struct entry entry;
	struct alert *alert = &entry.body.alert;
	char id[REF_SIZE_MAX];

	entry_init(&entry, ENTRY_ALERT);
	snprintf(id, sizeof(id), "%s%s%s", code, *subject == '\0' ? "" : "-",
		 subject);
	assert_true(ref_set(&alert->id, span_of(id)));
	assert_true(reason_set(&alert->code, span_of(code)));
	assert_true(code_text_set(&alert->subject, span_of(subject)));
	alert->severity = SEVERITY_WARNING;
	alert->is_closed = is_closed;
	(void)feeds_say(&bed->feeds, site, &entry);
}

static void status_say(struct bed *bed, uint32_t site, const char *version)
{
	struct entry entry;

	entry_init(&entry, ENTRY_STATUS);
	assert_true(
		reason_set(&entry.body.status.state, SPAN_LITERAL("ready")));
	assert_true(reason_set(&entry.body.status.version, span_of(version)));
	(void)feeds_say(&bed->feeds, site, &entry);
}

/* The site's task for its check "cold". */
static void task_say(struct bed *bed, uint32_t site, enum task_state state)
{
	struct entry entry;
	struct task *task = &entry.body.task;

	entry_init(&entry, ENTRY_TASK);
	assert_true(name_set(&task->id, SPAN_LITERAL("t1-7")));
	assert_true(name_set(&task->check, SPAN_LITERAL("cold")));
	assert_true(reason_set(&task->reason, SPAN_LITERAL("check_due")));
	task->kind = TASK_CHECK;
	task->state = state;
	(void)feeds_say(&bed->feeds, site, &entry);
}

static void check_say(struct bed *bed, uint32_t site, uint32_t number)
{
	struct entry entry;
	struct check *check = &entry.body.check;

	entry_init(&entry, ENTRY_CHECK);
	assert_true(name_set(&check->id, SPAN_LITERAL("cold")));
	check->number = number;
	assert_true(item_name_set(&check->name_en, SPAN_LITERAL("Freezer")));
	check->kind = CHECK_COLD_CHAIN;
	check->every_h = 12;
	if (number > 0) {
		check->every_h = 0;
		check->kind = 0;
		check->answer = ANSWER_YES;
	}
	(void)feeds_say(&bed->feeds, site, &entry);
}

/* All of it is named "hz-04/...": site B. */
static void a_sites_alerts_and_checks_are_shown_and_taken_back(void **state)
{
	struct bed *bed = *state;
	size_t alerts;

	alert_say(bed, B, "silent_device", "dock-1", false);
	alert_say(bed, B, "store_full", "", false);
	alert_say(bed, B, "ring_full", "", false);
	alert_say(bed, B, "ring_full", "", true);
	check_say(bed, B, 0);
	check_say(bed, B, 1);
	task_say(bed, B, TASK_OPEN);
	status_say(bed, B, "0.1.0");
	hear(bed);
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_span(
		payload_text(kept_read(bed, "hz-04/alert/silent_device-dock-1"),
			     "via"),
		"feed");
	assert_span(payload_text(&bed->payload, "subject"), "dock-1");
	assert_int_equal(kept_at(bed, "hz-04/alert/ring_full")->count, 0);
	assert_span(payload_text(kept_read(bed, "hz-04/task/t1-7"), "text_en"),
		    "Check Freezer (cold).");
	assert_int_equal(payload_count(payload_at(&bed->payload, "questions")),
			 1);
	assert_span(payload_text(kept_read(bed, "hz-04/status"), "version"),
		    "0.1.0");
	/* What is wrong with the box itself, without a subject. */
	assert_int_equal(payload_count(payload_at(&bed->payload, "health")), 1);
	alerts = kept_at(bed, "hz-04/alert/store_full")->count;
	alert_say(bed, B, "silent_device", "dock-1", true);
	task_say(bed, B, TASK_DONE);
	hear(bed);
	live(bed, 2000);
	assert_int_equal(kept_at(bed, "hz-04/alert/silent_device-dock-1")->size,
			 0);
	assert_int_equal(kept_at(bed, "hz-04/task/t1-7")->size, 0);
	assert_int_equal(kept_at(bed, "hz-04/alert/store_full")->count, alerts);
	/* Stock is not asked for. */
	receive(bed, B, "TEA", 5);
	hear(bed);
	live(bed, 2000);
	assert_int_equal(kept_at(bed, "hz-04/stock/TEA")->count, 0);
}

/* Method: B's head is heard, then nothing for longer than three of them. */
static void a_status_says_how_old_it_is_and_when_it_is_lost(void **state)
{
	struct bed *bed = *state;

	status_say(bed, B, "0.1.0");
	hear(bed);
	bed->heads[0] = (struct network_head){
		.site = B,
		.epoch = 1,
		.seq = node_feed(&bed->hq, (struct feed_id){B, 1, 0}).seq,
		.stamp = {(uint64_t)bed->now.moment.ms << STAMP_COUNTER_BITS},
		.clock_trusted = true};
	bed->head_count = 1;
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_span(payload_text(kept_read(bed, "hz-04/status"), "state"),
		    "ready");
	assert_false(payload_is_null(&bed->payload, "as_of"));
	assert_span(payload_text(&bed->payload, "feed"), "contiguous");
	live(bed, 200000);
	assert_span(payload_text(kept_read(bed, "hz-04/status"), "state"),
		    "lost");
	assert_span(payload_text(&bed->payload, "version"), "0.1.0");
}

/* Each item of each site, and only those that changed again. */
static void a_sites_stock_is_shown_where_it_is_asked_for(void **state)
{
	struct bed *bed = *state;
	size_t mug;

	receive(bed, A, "TEA", 5);
	receive(bed, B, "TEA", 7);
	receive(bed, B, "MUG", 1);
	hear(bed);
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_int_equal(
		payload_int(kept_read(bed, "hz-04/stock/TEA"), "on_hand"), 7);
	assert_int_equal(payload_int(&bed->payload, "good"), 7);
	assert_true(payload_is_null(&bed->payload, "available"));
	assert_int_equal(
		payload_int(kept_read(bed, "hz-03/stock/TEA"), "on_hand"), 5);
	assert_int_equal(kept_at(bed, "hz-03/stock/MUG")->count, 0);
	mug = kept_at(bed, "hz-04/stock/MUG")->count;
	receive(bed, A, "MUG", 2);
	hear(bed);
	live(bed, 2000);
	assert_int_equal(
		payload_int(kept_read(bed, "hz-03/stock/MUG"), "on_hand"), 2);
	assert_int_equal(kept_at(bed, "hz-04/stock/MUG")->count, mug);
	(void)feeds_move(&bed->feeds, A, MOVEMENT_REVERSE, "MUG", 2, "DOCK",
			 "supplier:acme");
	hear(bed);
	live(bed, 2000);
	assert_int_equal(kept_at(bed, "hz-03/stock/MUG")->size, 0);
}

/* Method: the broker kept topics of things that no feed tells, as after a
 * restart of HQ's box, among others that one does. */
static void what_went_while_hq_was_down_is_cleared(void **state)
{
	static const char *const gone[] = {
		"network/stock/GONE",      "network/stock/GONE/0",
		"network/stock/TEA/1",     "hz-04/stock/GONE",
		"hz-04/alert/ring_full",   "hz-04/task/t1-1",
		"hz-04/alert/not%20as%2x",
	};
	static const char *const kept[] = {
		"network/stock/TEA", "network/stock/TEA/0",    "network/status",
		"hz-04/stock/TEA",   "hz-04/alert/store_full", "hz-04/status",
		"sh-99/stock/GONE", /* not of the network */
	};
	struct bed *bed = *state;
	char topic[128];

	receive(bed, B, "TEA", 7);
	alert_say(bed, B, "store_full", "", false);
	alert_say(bed, B, "ring_full", "", false);
	alert_say(bed, B, "ring_full", "", true);
	hear(bed);
	publisher_network_connected(bed->network);
	for (size_t i = 0; i < ARRAY_LEN(gone) + ARRAY_LEN(kept); i++) {
		const char *name = i < ARRAY_LEN(gone)
					   ? gone[i]
					   : kept[i - ARRAY_LEN(gone)];

		snprintf(topic, sizeof(topic), PREFIX "%s", name);
		assert_code(publisher_network_retained(bed->network,
						       span_of(topic), NULL),
			    ERR_OK);
	}
	live(bed, 2000);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
		const char *name = gone[i];

		if (span_starts(span_of(name), NETWORK_LEVEL))
			name += strlen(NETWORK_LEVEL);
		assert_int_equal(kept_at(bed, name)->count, 1);
		assert_int_equal(kept_at(bed, name)->size, 0);
	}
	assert_true(kept_at(bed, "stock/TEA")->size > 0);
	assert_true(kept_at(bed, "hz-04/stock/TEA")->size > 0);
	assert_true(kept_at(bed, "hz-04/alert/store_full")->size > 0);
	assert_int_equal(kept_at(bed, "sh-99/stock/GONE")->count, 0);
	assert_false(publisher_network_wants_retained(bed->network));
}

/* More than are noted at once: the tree is asked for again until all is gone.
 */
static void more_than_can_be_noted_is_asked_for_again(void **state)
{
	struct bed *bed = *state;
	size_t readings = 0;
	char topic[128];

	receive(bed, B, "TEA", 7);
	hear(bed);
	publisher_network_connected(bed->network);
	do {
		for (int i = 0; i < 150; i++) {
			snprintf(topic, sizeof(topic), "stock/GONE-%d", i);
			if (kept_at(bed, topic)->count > 0)
				continue;
			snprintf(topic, sizeof(topic),
				 PREFIX "network/stock/GONE-%d", i);
			assert_code(publisher_network_retained(
					    bed->network, span_of(topic), NULL),
				    ERR_OK);
		}
		live(bed, 2000);
		readings++;
		assert_true(readings < 10);
	} while (publisher_network_wants_retained(bed->network));
	assert_int_equal(readings, 3);
	for (int i = 0; i < 150; i++) {
		snprintf(topic, sizeof(topic), "stock/GONE-%d", i);
		assert_int_equal(kept_at(bed, topic)->count, 1);
	}
}

/* Method: 120 alerts, and a broker that takes ten messages a round. */
static void a_full_broker_delays_alerts_and_loses_none(void **state)
{
	struct bed *bed = *state;
	char name[64];

	for (int i = 0; i < 120; i++) {
		snprintf(name, sizeof(name), "gun-%d", i);
		alert_say(bed, B, "silent_device", name, false);
	}
	hear(bed);
	publisher_network_connected(bed->network);
	for (int i = 0; i < 30; i++) {
		bed->room = 10;
		live(bed, NETWORK_ROUND_MS);
	}
	for (int i = 0; i < 120; i++) {
		snprintf(name, sizeof(name), "hz-04/alert/silent_device-gun-%d",
			 i);
		assert_int_equal(kept_at(bed, name)->count, 1);
	}
}

#define S(test) cmocka_unit_test_setup_teardown(test, setup_status, teardown)
#define T(test) cmocka_unit_test_setup_teardown(test, setup_stock, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(a_sites_alerts_and_checks_are_shown_and_taken_back),
		S(a_status_says_how_old_it_is_and_when_it_is_lost),
		T(a_sites_stock_is_shown_where_it_is_asked_for),
		T(what_went_while_hq_was_down_is_cleared),
		S(more_than_can_be_noted_is_asked_for_again),
		S(a_full_broker_delays_alerts_and_loses_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
