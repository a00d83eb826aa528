/*
 * The keeper's thread on a real ring, engine and store: what is pushed is
 * booked once and answered after the commit; commands are answered; a full
 * store refuses and says so; what waits at the end is taken.
 *
 * Runs under tsan too: the producer, the keeper and the loop's side are three
 * threads, as in the daemon.
 */
#include "tests/support/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "gateway/edge/keeper.h"
#include "store/balance.h"
#include "store/master.h"
#include "store/parked.h"
#include "tests/support/moves.h"

#define SLOTS 64
#define PATIENCE_MS 180000

struct bed {
	char folder[64];
	char store[96];
	char ring_path[96];
	struct ledger *ledger;
	struct engine *engine;
	struct ring *ring;
	struct wake ring_wake;
	struct wake loop_wake;
	struct clock clock;
	struct keeper *keeper;
	uint64_t map_size;
};

static const char *const files[] = {
	"store/data.mdb",      "store/lock.mdb",         "store/writer.lock",
	"store-keys/root.key", "store-keys/epoch-1.key", "intake.ring",
};

static void entry_add(struct bed *bed, struct entry *entry)
{
	struct batch *batch;
	struct err err;

	assert_done(batch_begin(bed->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){INT64_C(1795000000000)}, true);
	assert_done(batch_post(batch, entry, NULL, &err), &err);
	assert_done(batch_commit(batch, &err), &err);
}

static void masters_add(struct bed *bed)
{
	struct entry entry;

	entry_init(&entry, ENTRY_ACCOUNT);
	assert_true(name_set(&entry.body.account.name, SPAN_LITERAL("boss")));
	entry.body.account.roles = ROLE_MANAGER;
	entry_add(bed, &entry);
	entry_init(&entry, ENTRY_DEVICE);
	assert_true(name_set(&entry.body.device.name, SPAN_LITERAL("dock-1")));
	entry.body.device.kind = DEVICE_SCANNER;
	entry_add(bed, &entry);
	entry_init(&entry, ENTRY_ITEM);
	assert_true(sku_set(&entry.body.item.sku, SPAN_LITERAL("MUG")));
	entry.body.item.unit = UNIT_EACH;
	entry_add(bed, &entry);
}

static void bed_open(struct bed *bed)
{
	struct engine_plan plan = {.parked = {100, 100000},
				   .session_timeout_ms = 60000};
	struct ring_config ring = {.path = bed->ring_path,
				   .slot_count = SLOTS,
				   .wake = &bed->ring_wake};
	struct ring_report report;
	struct view *view;
	struct err err;

	assert_done(ledger_open(bed->store, ENV_WRITE, &bed->ledger, &err),
		    &err);
	assert_done(engine_open(&plan, ledger_identity(bed->ledger),
				&bed->engine, &err),
		    &err);
	assert_done(view_begin(ledger_env(bed->ledger), &view, &err), &err);
	assert_done(ledger_ring(view, &ring.last_taken, &err), &err);
	view_end(view);
	assert_done(ring_open(&ring, &bed->ring, &report, &err), &err);
}

static void keeper_begin(struct bed *bed, uint64_t reserve)
{
	struct keeper_config config = {.ledger = bed->ledger,
				       .engine = bed->engine,
				       .ring = bed->ring,
				       .ring_wake = &bed->ring_wake,
				       .clock = &bed->clock,
				       .loop_wake = &bed->loop_wake,
				       .batch_max = 16,
				       .reserve_size = reserve};
	struct err err;

	assert_done(keeper_start(&config, &bed->keeper, &err), &err);
}

static void bed_close(struct bed *bed)
{
	keeper_stop(bed->keeper);
	bed->keeper = NULL;
	ring_close(bed->ring);
	engine_close(bed->engine);
	ledger_close(bed->ledger);
}

static int bed_setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct ledger_plan plan = {.map_size = 16 << 20,
				   .now = {INT64_C(1795000000000)}};
	struct err err;

	assert_non_null(bed);
	snprintf(bed->folder, sizeof(bed->folder), "/tmp/depot-keeper-XXXXXX");
	assert_non_null(mkdtemp(bed->folder));
	snprintf(bed->store, sizeof(bed->store), "%s/store", bed->folder);
	snprintf(bed->ring_path, sizeof(bed->ring_path), "%s/intake.ring",
		 bed->folder);
	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-01")));
	assert_done(ledger_create(bed->store, &plan, &err), &err);
	clock_init(&bed->clock, NULL, NULL);
	assert_done(wake_init(&bed->ring_wake, &err), &err);
	assert_done(wake_init(&bed->loop_wake, &err), &err);
	bed_open(bed);
	masters_add(bed);
	*state = bed;
	return 0;
}

static int bed_teardown(void **state)
{
	struct bed *bed = *state;
	char path[160];

	bed_close(bed);
	wake_release(&bed->ring_wake);
	wake_release(&bed->loop_wake);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", bed->folder, files[i]);
		(void)unlink(path);
	}
	snprintf(path, sizeof(path), "%s/store", bed->folder);
	(void)rmdir(path);
	snprintf(path, sizeof(path), "%s/store-keys", bed->folder);
	(void)rmdir(path);
	(void)rmdir(bed->folder);
	free(bed);
	return 0;
}

static enum err_code push(struct bed *bed, unsigned seq, const char *format)
{
	char payload[256];
	struct ring_message message = {
		.topic = SPAN_LITERAL("depot/v1/acme/hz-01/scan/dock-1"),
		.arrived = {{INT64_C(1795000000000) + seq}, true},
		.packet_id = (uint16_t)(seq % 1000 + 1),
		.qos = 1,
	};

	(void)text_format(payload, sizeof(payload), "%s%u%s",
			  "{\"v\":1,\"seq\":", seq, format);
	message.payload = span_of(payload);
	return ring_push(bed->ring, &message);
}

#define RECEIVE ",\"op\":\"receive\",\"code\":\"MUG\"}"

/* The last number that an answer called complete, taken so far. */
static uint64_t answers_take(struct bed *bed, uint64_t upto)
{
	struct keeper_answer answer;

	while (keeper_answer(bed->keeper, &answer)) {
		char text[PAYLOAD_OUT_SIZE_MAX + 1];
		const char *at;

		memcpy(text, answer.payload, answer.size);
		text[answer.size] = '\0';
		at = strstr(text, "\"upto\":\"");
		if (at != NULL)
			upto = strtoull(at + 8, NULL, 10);
	}
	return upto;
}

static void loop_wait(struct bed *bed)
{
	wake_arm(&bed->loop_wake);
	wake_wait(&bed->loop_wake, 100);
	wake_disarm(&bed->loop_wake);
}

/* Waits for the keeper's signals until @condition holds; the limit is there for
 * a keeper that hangs. */
#define WAIT_UNTIL(bed, condition)                                       \
	do {                                                             \
		int64_t end_ =                                           \
			clock_monotonic_ms(&(bed)->clock) + PATIENCE_MS; \
		while (!(condition)) {                                   \
			if (clock_monotonic_ms(&(bed)->clock) > end_)    \
				fail_msg("never: %s", #condition);       \
			loop_wait(bed);                                  \
		}                                                        \
	} while (0)

static int64_t mugs(struct bed *bed)
{
	struct item_no item;
	struct tally tally;
	struct view *view;
	struct pos pos;
	struct err err;

	assert_done(view_begin(ledger_env(bed->ledger), &view, &err), &err);
	assert_done(item_find(view, SPAN_LITERAL("MUG"), &item, &err), &err);
	assert_done(balance_tally(view, item, &tally, &pos, &err), &err);
	view_end(view);
	return tally.on_hand.units;
}

static uint64_t dropped(struct bed *bed)
{
	struct keeper_state now;

	keeper_state(bed->keeper, &now);
	return now.answers_dropped;
}

static bool is_full(struct bed *bed)
{
	struct keeper_state now;

	keeper_state(bed->keeper, &now);
	return now.is_full;
}

#define READINGS 2000

static void *producer(void *context)
{
	struct bed *bed = context;

	for (unsigned seq = 1; seq <= READINGS;)
		if (push(bed, seq, RECEIVE) == ERR_OK)
			seq++;
		else
			(void)sched_yield(); /* full: the keeper is behind */
	return NULL;
}

/* Method: 2,000 readings from another thread through a ring of 64 slots. Who
 * takes answers too late misses some, and asks again. */
static void what_is_pushed_is_booked_once_and_answered(void **state)
{
	struct bed *bed = *state;
	uint64_t upto = 0;
	pthread_t thread;

	keeper_begin(bed, 0);
	assert_int_equal(pthread_create(&thread, NULL, producer, bed), 0);
	WAIT_UNTIL(bed, (upto = answers_take(bed, upto)) == READINGS ||
				dropped(bed) > 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (upto < READINGS) {
		WAIT_UNTIL(bed, ring_fill(bed->ring) == 0);
		(void)answers_take(bed, upto);
		assert_code(push(bed, READINGS, RECEIVE), ERR_OK);
		WAIT_UNTIL(bed, (upto = answers_take(bed, upto)) == READINGS);
	}
	assert_int_equal(mugs(bed), READINGS);
}

static void what_waits_at_the_end_is_taken(void **state)
{
	struct bed *bed = *state;

	for (unsigned seq = 1; seq <= SLOTS; seq++)
		assert_code(push(bed, seq, RECEIVE), ERR_OK);
	keeper_begin(bed, 0);
	bed_close(bed);
	bed_open(bed);
	assert_int_equal(mugs(bed), SLOTS);
	assert_int_equal(ring_waiting(bed->ring), 0);
}

static void a_full_store_refuses_and_says_so(void **state)
{
	struct bed *bed = *state;
	struct keeper_answer answer = {.size = 0};

	/* A reserve beyond the map: there is never room. */
	keeper_begin(bed, UINT64_C(1) << 40);
	WAIT_UNTIL(bed, is_full(bed));
	assert_code(push(bed, 1, RECEIVE), ERR_OK);
	WAIT_UNTIL(bed, keeper_answer(bed->keeper, &answer));
	assert_non_null(memmem(answer.payload, answer.size, "store_full", 10));
	assert_int_equal(mugs(bed), 0);
	/* What was refused does not come back by itself. */
	bed_close(bed);
	bed_open(bed);
	assert_int_equal(ring_waiting(bed->ring), 0);
}

struct asked {
	atomic_bool is_done;
	struct bed *bed;
};

static void on_done(struct keeper_request *request)
{
	struct asked *asked = request->context;

	atomic_store(&asked->is_done, true);
	wake_signal(&asked->bed->loop_wake);
}

static void ask(struct bed *bed, const char *name, const char *arguments)
{
	struct asked asked = {.bed = bed};
	char buffer[1024];
	struct json_out out;
	struct keeper_request request = {
		.command = {.name = span_of(name),
			    .arguments = span_of(arguments),
			    .reply = &out},
		.done = on_done,
		.context = &asked,
	};

	out_init(&out, buffer, sizeof(buffer));
	assert_true(name_set(&request.command.account, SPAN_LITERAL("boss")));
	assert_code(keeper_ask(bed->keeper, &request), ERR_OK);
	WAIT_UNTIL(bed, atomic_load(&asked.is_done));
	assert_code(request.code, ERR_OK);
	assert_non_null(memmem(out.data, out.size, "\"pos\"", 5));
}

static void a_command_is_answered_after_its_commit(void **state)
{
	struct bed *bed = *state;

	keeper_begin(bed, 0);
	ask(bed, "bin.set", "{\"bin\":\"A-01\"}");
}

/* ---- a parked reading that cannot be booked ---- */

static enum err_code codes_add(void *context, const struct parked *parked,
			       struct err *err)
{
	unsigned *codes = context;

	(void)err;
	assert_true(parked->code < 1000);
	*codes = *codes * 1000 + parked->code;
	return ERR_OK;
}

/* Why readings are parked, oldest first, three digits each; 0: none. */
static unsigned parked_codes(struct bed *bed)
{
	struct view *view;
	unsigned codes = 0;
	struct err err;

	assert_done(view_begin(ledger_env(bed->ledger), &view, &err), &err);
	assert_done(parked_walk(view, 1, codes_add, &codes, &err), &err);
	view_end(view);
	return codes;
}

/* The dock holds as many lots of MUG as a bin can, and two readings wait for
 * the code CUP. */
static void cup_is_parked(struct bed *bed)
{
	for (unsigned i = 0; i < BALANCE_CELLS_MAX; i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "MUG", 1,
					     "supplier:x", "DOCK");
		char lot[16];

		(void)text_format(lot, sizeof(lot), "L%u", i);
		assert_true(lot_set(&entry.body.movement.lot, span_of(lot)));
		entry_add(bed, &entry);
	}
	for (unsigned seq = 1; seq <= 2; seq++)
		assert_code(push(bed, seq,
				 ",\"op\":\"receive\",\"code\":\"CUP\"}"),
			    ERR_OK);
	keeper_begin(bed, 0);
	WAIT_UNTIL(bed, parked_codes(bed) >= 1000);
}

static void cup_is_set_aside(struct bed *bed)
{
	struct keeper_state now;

	WAIT_UNTIL(bed, parked_codes(bed) ==
				WORD_ENGINE_FAILED * 1000 + WORD_ENGINE_FAILED);
	assert_int_equal(mugs(bed), BALANCE_CELLS_MAX);
	keeper_state(bed->keeper, &now);
	assert_false(now.is_failed);
	ask(bed, "bin.set", "{\"bin\":\"A-01\"}");
}

static void
naming_a_code_stands_though_what_waited_cannot_be_booked(void **state)
{
	struct bed *bed = *state;

	cup_is_parked(bed);
	ask(bed, "code.set", "{\"code\":\"CUP\",\"item\":\"MUG\"}");
	cup_is_set_aside(bed);
}

/* Method: the code is named behind the keeper's back, and the table of
 * transfers grows, upon which a tick tries what waits. */
static void a_tick_goes_on_though_what_waited_cannot_be_booked(void **state)
{
	struct bed *bed = *state;
	struct entry out = move_of(MOVEMENT_TRANSFER_OUT, "MUG", 1, "DOCK",
				   "transit:5-6-1");
	struct entry code;

	cup_is_parked(bed);
	bed_close(bed);
	bed_open(bed);
	entry_init(&code, ENTRY_CODE);
	assert_true(code_text_set(&code.body.code.code, SPAN_LITERAL("CUP")));
	assert_true(sku_set(&code.body.code.item, SPAN_LITERAL("MUG")));
	code.body.code.pack = 1;
	entry_add(bed, &code);
	assert_true(lot_set(&out.body.movement.lot, SPAN_LITERAL("L0")));
	entry_add(bed, &out);
	out = move_of(MOVEMENT_RECEIVE, "MUG", 1, "supplier:x", "DOCK");
	assert_true(lot_set(&out.body.movement.lot, SPAN_LITERAL("L0")));
	entry_add(bed, &out);
	keeper_begin(bed, 0);
	cup_is_set_aside(bed);
}

/* ---- jobs ---- */

struct working {
	struct bed *bed;
	enum err_code result; /* of run */
	atomic_int code;      /* that done was told; -1: not yet */
	atomic_int runs;
};

static enum err_code work_run(void *context, struct batch *batch,
			      struct err *err)
{
	struct working *working = context;
	struct entry entry;

	atomic_fetch_add(&working->runs, 1);
	if (working->result != ERR_OK)
		return err_set(err, working->result, "as the test wants it");
	entry_init(&entry, ENTRY_BIN);
	assert_true(place_name_set(&entry.body.bin.name, SPAN_LITERAL("J-01")));
	return batch_post(batch, &entry, NULL, err);
}

static void work_done(void *context, enum err_code code)
{
	struct working *working = context;

	atomic_store(&working->code, (int)code);
	wake_signal(&working->bed->loop_wake);
}

static void work_give(struct bed *bed, struct working *working,
		      struct keeper_job *job)
{
	working->bed = bed;
	atomic_init(&working->code, -1);
	atomic_init(&working->runs, 0);
	*job = (struct keeper_job){
		.run = work_run, .done = work_done, .context = working};
	assert_code(keeper_give(bed->keeper, job), ERR_OK);
	WAIT_UNTIL(bed, atomic_load(&working->code) != -1);
}

static bool bin_is_there(struct bed *bed)
{
	struct view *view;
	struct bin bin;
	struct err err;
	enum err_code code;

	assert_done(view_begin(ledger_env(bed->ledger), &view, &err), &err);
	code = bin_get(view, SPAN_LITERAL("J-01"), &bin, &err);
	view_end(view);
	return code == ERR_OK;
}

static void a_job_is_one_transaction_and_done_after_its_commit(void **state)
{
	struct bed *bed = *state;
	struct working refused = {.result = ERR_INVALID};
	struct working good = {.result = ERR_OK};
	struct keeper_job job;

	keeper_begin(bed, 0);
	work_give(bed, &refused, &job);
	assert_int_equal(atomic_load(&refused.code), ERR_INVALID);
	assert_false(bin_is_there(bed));
	work_give(bed, &good, &job);
	assert_int_equal(atomic_load(&good.code), ERR_OK);
	assert_true(bin_is_there(bed));
	assert_int_equal(atomic_load(&good.runs), 1);
}

/* Whoever gave a job waits for it, also at the end of the daemon: the keeper
 * gives it back when the store has failed, unrun. */
static void a_job_comes_back_when_the_store_has_failed(void **state)
{
	struct bed *bed = *state;
	struct working damaged = {.result = ERR_CORRUPT};
	struct working late = {.result = ERR_OK};
	struct keeper_state now;
	struct keeper_job job;

	keeper_begin(bed, 0);
	work_give(bed, &damaged, &job);
	keeper_state(bed->keeper, &now);
	assert_true(now.is_failed);
	work_give(bed, &late, &job);
	assert_int_equal(atomic_load(&late.code), ERR_STOPPED);
	assert_int_equal(atomic_load(&late.runs), 0);
}

#define STORY(function) \
	cmocka_unit_test_setup_teardown(function, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_pushed_is_booked_once_and_answered),
		STORY(what_waits_at_the_end_is_taken),
		STORY(a_full_store_refuses_and_says_so),
		STORY(a_command_is_answered_after_its_commit),
		STORY(naming_a_code_stands_though_what_waited_cannot_be_booked),
		STORY(a_tick_goes_on_though_what_waited_cannot_be_booked),
		STORY(a_job_is_one_transaction_and_done_after_its_commit),
		STORY(a_job_comes_back_when_the_store_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
