/*
 * A small warehouse for engine tests: a real store in a temporary folder, a
 * manager, two scanners, bins, items with codes, and a way to send a payload
 * and read the acknowledgement.
 */
#ifndef DEPOT_TESTS_UNIT_CORE_BENCH_WAREHOUSE_H
#define DEPOT_TESTS_UNIT_CORE_BENCH_WAREHOUSE_H

#include "tests/support/check.h"

#include <unistd.h>

#include "gateway/core/command.h"
#include "gateway/core/engine.h"
#include "gateway/core/hq.h"
#include "gateway/ingest/json.h"
#include "store/audit.h"
#include "store/balance.h"
#include "store/master.h"

struct warehouse {
	char folder[64];
	char path[80];
	struct ledger *ledger;
	struct engine *engine;
	struct answers *answers;
	int64_t now_ms;
	bool is_clock_untrusted;
	uint16_t packet_id;
	bool was_committed;      /* the last step wrote something */
	const struct zone *zone; /* for warehouse_open; NULL: UTC */
	const struct hq *hq;     /* likewise; NULL: it is not HQ */
	struct desk *desk;
	struct json json; /* of the last reply */
	void *json_memory;
	size_t reply_size_max;
	char suffix[ANSWERS_SUFFIX_SIZE_MAX + 1];   /* of the last answer */
	char correlation[CORRELATION_SIZE_MAX + 1]; /* likewise */
	char ack[4096];                             /* the last answer */
	char reply[REPLY_SIZE_MAX + 1]; /* the last command's reply */
};

static inline void warehouse_open(struct warehouse *warehouse)
{
	struct engine_plan plan = {
		.parked = {100, 100000},
		.session_timeout_ms = 15 * 60 * 1000,
		.observation_keep_ms = 86400000,
		.rfid_hold_ms = 5000,
		.recount_units = 5,
		.recount_percent = 20,
		.zone = warehouse->zone,
		.hq = warehouse->hq,
	};
	struct err err;

	assert_done(ledger_open(warehouse->path, ENV_WRITE, &warehouse->ledger,
				&err),
		    &err);
	assert_done(engine_open(&plan, ledger_identity(warehouse->ledger),
				&warehouse->engine, &err),
		    &err);
	assert_done(answers_open(256, &warehouse->answers, &err), &err);
	assert_done(desk_open(&warehouse->desk, &err), &err);
}

static inline void warehouse_close(struct warehouse *warehouse)
{
	desk_close(warehouse->desk);
	answers_close(warehouse->answers);
	engine_close(warehouse->engine);
	ledger_close(warehouse->ledger);
}

static inline void ack_keep(void *context,
			    const struct answers_message *message)
{
	struct warehouse *warehouse = context;

	assert_true(message->payload.size <= PAYLOAD_OUT_SIZE_MAX);
	assert_true(message->suffix.size <= ANSWERS_SUFFIX_SIZE_MAX);
	assert_true(message->correlation.size <= CORRELATION_SIZE_MAX);
	text_print(message->suffix, warehouse->suffix,
		   sizeof(warehouse->suffix));
	text_print(message->payload, warehouse->ack, sizeof(warehouse->ack));
	text_print(message->correlation, warehouse->correlation,
		   sizeof(warehouse->correlation));
}

static inline void warehouse_step(struct warehouse *warehouse,
				  struct event *event)
{
	struct batch *batch;
	struct pos head;
	struct err err;

	event->at.ms = warehouse->now_ms;
	event->clock_trusted = !warehouse->is_clock_untrusted;
	warehouse->now_ms += 1000;
	warehouse->ack[0] = '\0';
	warehouse->suffix[0] = '\0';
	answers_reset(warehouse->answers);
	assert_done(batch_begin(warehouse->ledger, &batch, &err), &err);
	assert_done(engine_step(warehouse->engine, batch, event,
				warehouse->answers, &err),
		    &err);
	warehouse->was_committed = engine_wrote(warehouse->engine);
	if (!warehouse->was_committed) {
		batch_abandon(batch);
		if (warehouse->hq != NULL)
			feed_desk_abandon(warehouse->hq->desk);
	} else {
		head.value = batch_next(batch).value - 1;
		assert_done(batch_commit(batch, &err), &err);
		if (warehouse->hq != NULL)
			feed_desk_committed(warehouse->hq->desk);
		answers_render(warehouse->answers, head, ack_keep, warehouse);
	}
}

/* Sends @payload as @device; the acknowledgement is in ->ack. */
static inline void send(struct warehouse *warehouse, const char *topic,
			const char *payload)
{
	char whole[160];
	struct event event = {.kind = EVENT_MESSAGE};

	snprintf(whole, sizeof(whole), "depot/v1/acme/hz-01/%s", topic);
	event.body.message.topic = span_of(whole);
	event.body.message.payload = span_of(payload);
	event.body.message.packet_id = ++warehouse->packet_id;
	warehouse_step(warehouse, &event);
}

/* Who asks for what; an account and a name alone are enough. */
struct asked {
	const char *account;
	const char *name;
	const char *arguments;
	struct span file;
};

static inline struct command command_of(struct warehouse *warehouse,
					const struct asked *asked,
					struct json_out *out)
{
	struct command command = {.name = span_of(asked->name),
				  .file = asked->file,
				  .reply = out};

	if (asked->arguments != NULL)
		command.arguments = span_of(asked->arguments);
	assert_true(name_set(&command.account, span_of(asked->account)));
	out_init(out, warehouse->reply,
		 warehouse->reply_size_max != 0 ? warehouse->reply_size_max
						: REPLY_SIZE_MAX);
	return command;
}

static inline void reply_end(struct warehouse *warehouse,
			     const struct json_out *out)
{
	assert_true(out_ok(out));
	warehouse->reply[out_span(out).size] = '\0';
}

/* Runs a command; the reply is in ->reply. */
static inline void ask_of(struct warehouse *warehouse,
			  const struct asked *asked)
{
	struct json_out out;
	struct event event = {.kind = EVENT_COMMAND};

	event.body.command = command_of(warehouse, asked, &out);
	warehouse_step(warehouse, &event);
	reply_end(warehouse, &out);
}

/* The same as the manager. */
static inline void ask(struct warehouse *warehouse, const char *name,
		       const char *arguments)
{
	struct asked asked = {"boss", name, arguments, {"", 0}};

	ask_of(warehouse, &asked);
}

static inline void ask_ok(struct warehouse *warehouse, const char *name,
			  const char *arguments)
{
	ask(warehouse, name, arguments);
	if (strstr(warehouse->reply, "\"error\"") != NULL)
		fail_msg("%s %s: %s", name, arguments, warehouse->reply);
}

/* The command is refused with @code, and has written nothing. */
static inline void ask_refused(struct warehouse *warehouse, const char *name,
			       const char *arguments, const char *code)
{
	char front[96];

	snprintf(front, sizeof(front), "{\"error\":{\"code\":\"%s\",", code);
	ask(warehouse, name, arguments);
	if (strncmp(warehouse->reply, front, strlen(front)) != 0)
		fail_msg("%s %s: not %s: %s", name, arguments, code,
			 warehouse->reply);
	assert_false(warehouse->was_committed);
}

/* Runs a query on a snapshot; the reply is in ->reply. */
static inline void look_of(struct warehouse *warehouse,
			   const struct asked *asked)
{
	struct json_out out;
	struct command command = command_of(warehouse, asked, &out);
	struct moment now = {warehouse->now_ms};
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(warehouse->ledger), &view, &err),
		    &err);
	assert_done(query_run(warehouse->desk, view, now, &command, &err),
		    &err);
	view_end(view);
	reply_end(warehouse, &out);
}

static inline void look(struct warehouse *warehouse, const char *name,
			const char *arguments)
{
	struct asked asked = {"boss", name, arguments, {"", 0}};

	look_of(warehouse, &asked);
}

static inline void look_ok(struct warehouse *warehouse, const char *name,
			   const char *arguments)
{
	look(warehouse, name, arguments);
	if (strstr(warehouse->reply, "{\"error\"") == warehouse->reply)
		fail_msg("%s %s: %s", name, arguments, warehouse->reply);
}

static inline void look_refused(struct warehouse *warehouse, const char *name,
				const char *arguments, const char *code)
{
	char front[96];

	snprintf(front, sizeof(front), "{\"error\":{\"code\":\"%s\",", code);
	look(warehouse, name, arguments);
	if (strncmp(warehouse->reply, front, strlen(front)) != 0)
		fail_msg("%s %s: not %s: %s", name, arguments, code,
			 warehouse->reply);
}

/* The last reply, which must be sound JSON, until the next one. */
static inline const struct json_value *reply_root(struct warehouse *warehouse)
{
	size_t size = JSON_MEMORY_SIZE(REPLY_SIZE_MAX);
	struct fault fault = {.kind = FAULT_NONE};
	char text[FAULT_TEXT_SIZE];

	if (warehouse->json_memory == NULL) {
		warehouse->json_memory = malloc(size);
		assert_non_null(warehouse->json_memory);
		json_init(&warehouse->json, warehouse->json_memory, size);
	}
	if (json_parse(&warehouse->json, span_of(warehouse->reply), &fault) !=
	    ERR_OK) {
		fault_text_en(&fault, text, sizeof(text));
		fail_msg("%s: %s", text, warehouse->reply);
	}
	return json_root(&warehouse->json);
}

/* The list @name of the last reply: its first row, and how many there are. */
static inline const struct json_value *
reply_list(struct warehouse *warehouse, const char *name, size_t *ret_count)
{
	const struct json_value *list =
		json_member(reply_root(warehouse), name);

	if (list == NULL || json_kind(list) != JSON_ARRAY)
		fail_msg("no list %s in %s", name, warehouse->reply);
	*ret_count = 0;
	for (const struct json_value *row = json_first(list); row != NULL;
	     row = json_next(row))
		(*ret_count)++;
	return json_first(list);
}

/* A member's number or text; the test fails if it is not there. */
static inline int64_t member_int(const struct json_value *object,
				 const char *name)
{
	struct json_range any = {INT64_MIN, INT64_MAX};
	struct fault fault;
	int64_t number = 0;

	if (json_int(object, name, any, &number, &fault) != ERR_OK)
		fail_msg("no number %s", name);
	return number;
}

static inline struct span member_text(const struct json_value *object,
				      const char *name)
{
	struct span text = {"", 0};
	struct fault fault;

	if (json_text(object, name, &text, &fault) != ERR_OK)
		fail_msg("no text %s", name);
	return text;
}

static inline void assert_reply(struct warehouse *warehouse, const char *part)
{
	if (strstr(warehouse->reply, part) == NULL)
		fail_msg("no %s in %s", part, warehouse->reply);
}

static inline void assert_no_reply(struct warehouse *warehouse,
				   const char *part)
{
	if (strstr(warehouse->reply, part) != NULL)
		fail_msg("%s in %s", part, warehouse->reply);
}

/* The end of the journal. */
static inline struct pos head_pos(struct warehouse *warehouse)
{
	struct journal_head head;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(warehouse->ledger), &view, &err),
		    &err);
	assert_done(ledger_head(view, &head, &err), &err);
	view_end(view);
	return head.pos;
}

static inline void manager_add(struct warehouse *warehouse)
{
	struct entry entry;
	struct batch *batch;
	struct err err;

	entry_init(&entry, ENTRY_ACCOUNT);
	assert_true(name_set(&entry.body.account.name, SPAN_LITERAL("boss")));
	entry.body.account.roles = ROLE_MANAGER;
	assert_done(batch_begin(warehouse->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){warehouse->now_ms}, true);
	assert_done(batch_post(batch, &entry, NULL, &err), &err);
	assert_done(batch_commit(batch, &err), &err);
}

static inline struct warehouse *warehouse_found(uint64_t map_size)
{
	struct warehouse *warehouse = calloc(1, sizeof(*warehouse));
	struct ledger_plan plan = {.map_size = map_size};
	struct err err;

	assert_non_null(warehouse);
	warehouse->now_ms = INT64_C(1795000000000);
	plan.now.ms = warehouse->now_ms;
	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-01")));
	snprintf(warehouse->folder, sizeof(warehouse->folder),
		 "/tmp/depot-core-XXXXXX");
	assert_non_null(mkdtemp(warehouse->folder));
	snprintf(warehouse->path, sizeof(warehouse->path), "%s/store",
		 warehouse->folder);
	assert_done(ledger_create(warehouse->path, &plan, &err), &err);
	warehouse_open(warehouse);
	manager_add(warehouse);
	return warehouse;
}

static inline int warehouse_setup(void **state)
{
	struct warehouse *warehouse = warehouse_found(16 << 20);

	ask_ok(warehouse, "device.set",
	       "{\"device\":\"dock-1\",\"kind\":\"scanner\"}");
	ask_ok(warehouse, "device.set",
	       "{\"device\":\"gun-2\",\"kind\":\"scanner\"}");
	ask_ok(warehouse, "device.set",
	       "{\"device\":\"shelf-1\",\"kind\":\"shelf\"}");
	ask_ok(warehouse, "bin.set", "{\"bin\":\"A-01\"}");
	ask_ok(warehouse, "bin.set", "{\"bin\":\"A-02\"}");
	ask_ok(warehouse, "item.set",
	       "{\"item\":\"MUG\",\"name_en\":\"White mug\","
	       "\"weight_mg\":300000}");
	ask_ok(warehouse, "code.set",
	       "{\"code\":\"4006381333931\",\"item\":\"MUG\"}");
	ask_ok(warehouse, "code.set",
	       "{\"code\":\"14006381333938\",\"item\":\"MUG\",\"pack\":12}");
	ask_ok(warehouse, "item.set",
	       "{\"item\":\"MILK\",\"tracking\":\"lot\"}");
	ask_ok(warehouse, "code.set",
	       "{\"code\":\"09521234567899\",\"item\":\"MILK\"}");
	*state = warehouse;
	return 0;
}

static inline int warehouse_teardown(void **state)
{
	static const char *const files[] = {"store/data.mdb", "store/lock.mdb",
					    "store/writer.lock",
					    "store-keys/root.key",
					    "store-keys/epoch-1.key"};
	static const char *const folders[] = {"store", "store-keys", "."};
	struct warehouse *warehouse = *state;
	char path[160];

	warehouse_close(warehouse);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", warehouse->folder,
			 files[i]);
		(void)unlink(path);
	}
	for (size_t i = 0; i < ARRAY_LEN(folders) - 1; i++) {
		snprintf(path, sizeof(path), "%s/%s", warehouse->folder,
			 folders[i]);
		(void)rmdir(path);
	}
	(void)rmdir(warehouse->folder);
	free(warehouse->json_memory);
	free(warehouse);
	return 0;
}

/* Units of @sku in one bin and condition, over all lots. */
static inline int64_t units(struct warehouse *warehouse, const char *sku,
			    const char *bin, enum condition condition)
{
	struct place place = place_bin(span_of(bin));
	struct place_no place_no;
	struct item_no item;
	struct balance balance;
	struct view *view;
	int64_t result = 0;
	struct err err;
	enum err_code code;

	assert_done(view_begin(ledger_env(warehouse->ledger), &view, &err),
		    &err);
	assert_done(item_find(view, span_of(sku), &item, &err), &err);
	code = place_find(view, &place, &place_no, &err);
	if (code == ERR_OK)
		code = balance_get(view, item, place_no, &balance, &err);
	if (code == ERR_OK)
		result = balance_condition(&balance, condition).units;
	else
		assert_code(code, ERR_NOT_FOUND);
	view_end(view);
	return result;
}

/* The audit of the whole store finds nothing and nothing is unexplained. */
static inline void assert_clean(struct warehouse *warehouse)
{
	static struct audit_result result;
	struct audit_plan plan = {.progress = NULL};
	char text[FINDING_PRINT_SIZE];
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(warehouse->ledger), &view, &err),
		    &err);
	assert_done(audit_run(view, &plan, &result, &err), &err);
	view_end(view);
	if (audit_is_clean(&result))
		return;
	text[0] = '\0';
	if (result.findings > 0)
		finding_print(&result.list[0], false, text, sizeof(text));
	fail_msg("audit: %llu findings, %llu unexplained: %s",
		 (unsigned long long)result.findings,
		 (unsigned long long)result.unexplained, text);
}

static inline void assert_ack(struct warehouse *warehouse, const char *part)
{
	if (strstr(warehouse->ack, part) == NULL)
		fail_msg("no %s in %s", part, warehouse->ack);
}

#define STORY(function)                                            \
	cmocka_unit_test_setup_teardown(function, warehouse_setup, \
					warehouse_teardown)

#endif
