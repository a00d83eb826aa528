/*
 * No batch that the ledger acknowledged is lost to a power cut, none is half
 * there, and what is there passes the audit. Method: see powercut.h. A day's
 * work is scripted: what batch n posts follows from n alone, so the check
 * knows from the journal's end which batch was the last, and the ring's number
 * has to be that batch's.
 */
#include "store/audit.h"
#include "store/draft.h"
#include "store/ledger.h"
#include "store/rebuild.h"
#include "tests/powercut/powercut.h"
#include "tests/support/check.h"
#include "tests/support/entries.h"
#include "tests/support/moves.h"

#define MAP_SIZE (UINT64_C(1) << 20)
#define BATCHES_NORMAL 72
#define BATCHES_FULL 240
#define REBUILT_AT 40 /* the tables are emptied and folded again then */
#define CYCLE 12      /* batches of a round through all kinds of work */
#define ENTRIES_MAX 24

/* 2026-11-22T10:00:00Z */
#define START_MS INT64_C(1795341600000)

/* What one batch posts. */
struct script {
	size_t count;
	struct entry entries[ENTRIES_MAX];
};

static struct script script; /* too large for a stack, both */
static struct audit_result found;

static void say(struct script *to, const struct entry *entry)
{
	assert_true(to->count < ENTRIES_MAX);
	to->entries[to->count++] = *entry;
}

/* ---- the work of a round ---- */

struct round {
	char sku[16];
	char lot[16];
	char order[16];
	uint64_t batch;
};

static struct round round_of(uint64_t batch)
{
	struct round round = {.batch = batch};
	unsigned number = (unsigned)(batch / CYCLE);

	(void)text_format(round.sku, sizeof(round.sku), "ITEM-%u", number % 4);
	(void)text_format(round.lot, sizeof(round.lot), "L%u", number % 3);
	(void)text_format(round.order, sizeof(round.order), "SO-%u", number);
	return round;
}

static void say_move(const struct round *round, enum movement_kind kind,
		     int64_t units, const char *from, const char *to)
{
	struct entry entry = move_of(kind, round->sku, units, from, to);

	move_lot(&entry, round->lot);
	if (kind == MOVEMENT_COUNT_ADJUST)
		move_ref(&entry, REF_COUNT, "1.1");
	else
		move_ref(&entry, REF_ORDER, round->order);
	say(&script, &entry);
}

static void say_sample(enum entry_kind kind)
{
	struct entry entry = sample_entry(kind);

	entry.effective.ms = 0;
	say(&script, &entry);
}

static void say_task(bool is_end)
{
	struct entry task = sample_entry(ENTRY_TASK);
	struct entry alert = sample_entry(ENTRY_ALERT);

	task.body.task.state = is_end ? TASK_DONE : TASK_OPEN;
	alert.body.alert.is_closed = is_end;
	say(&script, &task);
	say(&script, &alert);
}

static void say_receipts(const struct round *round)
{
	for (unsigned i = 0; i < 20; i++) {
		struct entry entry;
		char sku[32];

		(void)text_format(sku, sizeof(sku), "MANY-%u",
				  (unsigned)round->batch * 7 % 50 + i);
		entry = move_of(MOVEMENT_RECEIVE, sku, 1 + i, "supplier:acme",
				"B-02");
		say(&script, &entry);
	}
}

static void script_incoming(const struct round *round, uint64_t turn)
{
	if (turn == 0) {
		say_sample(ENTRY_ITEM);
		say_sample(ENTRY_CODE);
		say_move(round, MOVEMENT_RECEIVE, 40, "supplier:acme", "DOCK");
	} else if (turn == 1) {
		say_sample(ENTRY_BIN);
		say_move(round, MOVEMENT_PUTAWAY, 30, "DOCK", "A-01");
	} else {
		say_move(round, MOVEMENT_RETURN, 1, "customer",
			 "DOCK/quarantine");
		say_move(round, MOVEMENT_RELEASE, 1, "DOCK/quarantine", "DOCK");
		say_receipts(round);
	}
}

static void script_outgoing(const struct round *round, uint64_t turn)
{
	if (turn == 2) {
		say_move(round, MOVEMENT_PICK, 9, "A-01", "PICKED");
	} else if (turn == 3) {
		say_move(round, MOVEMENT_PACK, 9, "PICKED", "PACKED");
	} else if (turn == 4) {
		say_move(round, MOVEMENT_SHIP, 7, "PACKED", "customer");
	} else {
		say_move(round, MOVEMENT_PICK, 2, "A-01", "PICKED");
		say_move(round, MOVEMENT_REVERSE, 2, "PICKED", "A-01");
	}
}

static void script_keeping(const struct round *round, uint64_t turn)
{
	if (turn == 5) {
		say_sample(ENTRY_COUNT);
		say_move(round, MOVEMENT_COUNT_ADJUST, 1, "A-01", "loss");
	} else if (turn == 6) {
		say_move(round, MOVEMENT_FOUND, 3, "found", "A-01");
		say_move(round, MOVEMENT_SHIP, 3, "A-01", "customer");
	} else {
		say_task(turn == 9);
	}
	if (turn == 9) {
		say_sample(ENTRY_DEVICE);
		say_sample(ENTRY_ACCOUNT);
	}
}

/* What batch @batch, from 1, posts; each tenth of a round posts nothing and
 * only takes slots of the ring. */
static const struct script *script_of(uint64_t batch)
{
	uint64_t turn = (batch - 1) % CYCLE;
	struct round round = round_of(batch - 1);

	script.count = 0;
	if (turn <= 1 || turn == 11)
		script_incoming(&round, turn);
	else if (turn <= 4 || turn == 7)
		script_outgoing(&round, turn);
	else if (turn != 10)
		script_keeping(&round, turn);
	return &script;
}

/* ---- writing ---- */

static enum err_code batch_run(struct ledger *ledger, uint64_t number,
			       struct err *err)
{
	const struct script *work = script_of(number);
	struct batch *batch;
	enum err_code code = batch_begin(ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	batch_time(batch, (struct moment){START_MS + (int64_t)number}, true);
	for (size_t i = 0; i < work->count && code == ERR_OK; i++) {
		struct entry entry = work->entries[i];

		code = batch_post(batch, &entry, NULL, err);
	}
	batch_ring(batch, number * 3);
	if (code == ERR_OK)
		return batch_commit(batch, err);
	batch_abandon(batch);
	return code;
}

/* The keys beside the store are no part of what is tried. */
static void keys_remove(const char *folder)
{
	char keys[FILE_PATH_SIZE];
	struct err err;

	assert_done(ledger_keys_folder(folder, keys, &err), &err);
	assert_done(folder_remove(keys, &err), &err);
}

static void run(void *context, const char *folder)
{
	uint64_t batches = *(uint64_t *)context;
	struct ledger_plan plan = {.map_size = MAP_SIZE, .now = {START_MS}};
	const struct rebuild_plan silent = {.progress = NULL};
	struct ledger *ledger;
	struct err err;

	TEXT_SET(plan.founding.org, "acme");
	TEXT_SET(plan.founding.site, "hz-01");
	assert_done(ledger_create(folder, &plan, &err), &err);
	assert_done(ledger_open(folder, ENV_WRITE, &ledger, &err), &err);
	powercut_begin(folder);
	for (uint64_t i = 1; i <= batches; i++) {
		bool is_killed = i % 17 == 0;

		if (is_killed)
			powercut_kill_in_commit();
		assert_done(batch_run(ledger, i, &err), &err);
		/* A restart; the batch is there, and only now acknowledged. */
		if (is_killed) {
			ledger_close(ledger);
			assert_done(ledger_open(folder, ENV_WRITE, &ledger,
						&err),
				    &err);
		}
		powercut_mark_acked(i);
		if (i == REBUILT_AT)
			assert_done(rebuild_run(ledger_env(ledger), &silent,
						&err),
				    &err);
	}
	powercut_end();
	ledger_close(ledger);
	keys_remove(folder);
}

/* ---- judging ---- */

/* The batch after which the journal ends at @number and the ring's number is
 * @ring. False if there is none: half a batch. */
static bool last_batch(uint64_t number, uint64_t ring, uint64_t *ret_batch)
{
	uint64_t end = 1; /* the founding */
	uint64_t batch = 0;

	while (batch * 3 < ring)
		end += script_of(++batch)->count;
	*ret_batch = batch;
	return end == number && batch * 3 == ring;
}

static enum err_code state_read(struct ledger *ledger, uint64_t *ret_number,
				uint64_t *ret_ring, struct err *err)
{
	const struct audit_plan silent = {.progress = NULL};
	struct journal_head head;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = ledger_head(view, &head, err);
	if (code == ERR_OK)
		code = ledger_ring(view, ret_ring, err);
	if (code == ERR_OK)
		code = audit_run(view, &silent, &found, err);
	view_end(view);
	if (code == ERR_OK)
		*ret_number = pos_number(head.pos);
	return code;
}

static enum err_code state_check(struct ledger *ledger, uint64_t *ret_batch,
				 struct err *err)
{
	uint64_t number;
	uint64_t ring;
	enum err_code code = state_read(ledger, &number, &ring, err);

	if (code != ERR_OK)
		return code;
	if (!audit_is_clean(&found)) {
		char text[FINDING_PRINT_SIZE];

		finding_print(&found.list[0], false, text, sizeof(text));
		return err_set(err, ERR_CORRUPT, "%s", text);
	}
	if (!last_batch(number, ring, ret_batch))
		return err_set(err, ERR_CORRUPT,
			       "the journal ends at 1.%llu, the ring at %llu: "
			       "no batch ended so",
			       (unsigned long long)number,
			       (unsigned long long)ring);
	return ERR_OK;
}

static enum powercut_verdict ledger_judge(struct ledger *ledger, uint64_t acked,
					  struct err *err)
{
	uint64_t batch;

	if (state_check(ledger, &batch, err) != ERR_OK)
		return POWERCUT_DAMAGED;
	if (batch < acked) {
		(void)err_set(err, ERR_CORRUPT,
			      "batch %llu was acknowledged, %llu is the last",
			      (unsigned long long)acked,
			      (unsigned long long)batch);
		return POWERCUT_LOST;
	}
	/* What is there takes the next batch. */
	if (batch % 8 == 0 && (batch_run(ledger, batch + 1, err) != ERR_OK ||
			       state_check(ledger, &batch, err) != ERR_OK))
		return POWERCUT_DAMAGED;
	return POWERCUT_FINE;
}

static enum powercut_verdict check(void *context, const char *folder,
				   uint64_t acked, struct err *err)
{
	struct ledger *ledger;
	enum powercut_verdict verdict;

	(void)context;
	if (ledger_open(folder, ENV_WRITE, &ledger, err) != ERR_OK)
		return POWERCUT_DAMAGED;
	verdict = ledger_judge(ledger, acked, err);
	ledger_close(ledger);
	return verdict;
}

int main(void)
{
	uint64_t batches = powercut_is_full() ? BATCHES_FULL : BATCHES_NORMAL;
	const struct powercut_workload workload = {
		.name = "ledger",
		.context = &batches,
		.run = run,
		.check = check,
	};

	return powercut_main(&workload);
}
