/*
 * Prints what a publisher publishes of a warehouse with everything in it, as
 * "TOPIC PAYLOAD" lines: tests/e2e/schema_check.py holds them against the
 * contract, so that code and schemas cannot part.
 */
#include "tests/support/warehouse.h"

#include "gateway/edge/publisher.h"

static enum err_code line_print(void *context, const struct publication *p)
{
	(void)context;
	printf("%s %.*s\n", p->topic, (int)p->payload.size,
	       p->payload.size > 0 ? p->payload.data : "");
	return ERR_OK;
}

/* Every state, every character that JSON or a topic escapes. */
static void items_fill(struct warehouse *w)
{
	static const char *const skus[] = {"85123A", "TEA-\xe7\xbb\xbf/1",
					   "a \"b\" \\c%+#", "$SYS"};
	static const enum condition conditions[] = {CONDITION_GOOD,
						    CONDITION_ON_HOLD,
						    CONDITION_QUARANTINE,
						    CONDITION_DAMAGED};

	for (size_t i = 0; i < ARRAY_LEN(skus); i++) {
		for (size_t c = 0; c < ARRAY_LEN(conditions); c++) {
			struct entry entry = warehouse_receipt(
				skus[i], (int64_t)(i + c + 3), conditions[c]);

			(void)warehouse_enter(w, &entry);
		}
		(void)warehouse_pick(w, skus[i], 2);
		if (i % 2 == 0)
			(void)warehouse_describe(w, skus[i], "Name \"of\" it",
						 false);
	}
	(void)warehouse_describe(w, "NEVER-CAME", "Never came", false);
}

static void alerts_fill(struct warehouse *w, bool is_closed)
{
	size_t count;
	const struct alert_text *table = alert_text_table(&count);
	struct entry entry;

	for (size_t i = 0; i < count; i++) {
		entry = warehouse_alert(table[i].code, "dock/1", is_closed);
		(void)warehouse_enter(w, &entry);
	}
	entry = warehouse_alert("of_a_later_depot", "x", is_closed);
	(void)warehouse_enter(w, &entry);
}

static void tasks_fill(struct warehouse *w, enum task_state state)
{
	static const enum task_kind kinds[] = {
		TASK_COUNT, TASK_PUTAWAY, TASK_PICK, TASK_INSPECT, TASK_CHECK};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct entry entry;
		char id[16];

		(void)text_format(id, sizeof(id), "t1-%zu", i);
		entry = warehouse_task(id, state);
		entry.body.task.kind = kinds[i];
		(void)warehouse_enter(w, &entry);
	}
}

static void settle(struct publisher *publisher, struct publisher_now *now,
		   struct warehouse *w)
{
	int64_t due;

	now->monotonic_ms += 60000;
	now->moment.ms += 60000;
	do {
		assert_done(publisher_run(publisher, now, &due, &w->err),
			    &w->err);
	} while (due <= now->monotonic_ms);
}

static void publish_all(struct warehouse *w, struct publisher *publisher)
{
	static const char *const sick[] = {"store_full", "clock_untrusted"};
	struct publisher_facts facts = {.health = sick,
					.health_count = ARRAY_LEN(sick),
					.autonomy_hours = 720,
					.has_autonomy = true};
	struct publisher_now now = {.moment = {WAREHOUSE_START_MS},
				    .clock_trusted = true};
	char topic[PUBLISHER_TOPIC_SIZE];
	char payload[PAYLOAD_OUT_SIZE_MAX + 1];

	publisher_will(publisher, topic, payload);
	printf("%s %s\n", topic, payload);
	publisher_connected(publisher);
	settle(publisher, &now, w);
	tasks_fill(w, TASK_CLAIMED);
	(void)warehouse_scrap(w, "85123A", 1);
	settle(publisher, &now, w);
	publisher_facts(publisher, &facts);
	now.clock_trusted = false;
	now.backlog = 3;
	w->clock_trusted = false;
	(void)warehouse_receive(w, "85123A", 1);
	(void)warehouse_describe(w, "NEVER-CAME", "Never came", true);
	alerts_fill(w, true);
	tasks_fill(w, TASK_DONE);
	settle(publisher, &now, w);
	assert_true(publisher_farewell(publisher, SITE_DISCONNECTED, &now) ==
		    ERR_OK);
}

int main(void)
{
	struct publisher_sink sink = {line_print, NULL};
	struct publisher_plan plan = {.rates = {10, 180, 60000, 3000},
				      .chunk_rows = 100,
				      .items_max = 1000,
				      .session = SPAN_LITERAL("run-1"),
				      .version = SPAN_LITERAL("0.1.0")};
	struct publisher *publisher;
	struct warehouse w;

	warehouse_open(&w);
	items_fill(&w);
	alerts_fill(&w, false);
	tasks_fill(&w, TASK_OPEN);
	assert_done(publisher_open(&plan, w.ledger, &sink, &publisher, &w.err),
		    &w.err);
	publish_all(&w, publisher);
	publisher_close(publisher);
	warehouse_close(&w);
	return 0;
}
