/*
 * store - a large store made, judged, and stepped through by the engine.
 *
 *	bench_store list ITEMS BINS
 *	bench_store fill STORE MOVEMENTS ITEMS BINS
 *	bench_store audit STORE
 *	bench_store payloads COUNT ITEMS BINS
 *	bench_store steps STORE PAYLOADS BATCH [ROWS]
 *
 * `list` is what e2e_tool founds a store from. `fill` posts movements of those
 * items. `audit` times one audit. `steps` takes each line of a file, such as
 * `payloads` prints, as one payload of gun-1, BATCH to a commit, as the keeper
 * does, and times all of it: no broker, no threads. With ROWS it seals the
 * journal whenever so many entries wait, as the envoy of a busy box does while
 *a link is up, in a transaction of its own and with the guard saved behind it.
 * For perf and callgrind.
 */
#include <inttypes.h>
#include <string.h>

#include "gateway/core/engine.h"
#include "store/audit.h"
#include "store/feed.h"
#include "store/guard.h"
#include "store/keys.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"

/* 2026-11-22T10:00:00Z */
#define STARTED_MS INT64_C(1795341600000)
#define GUNS 4
#define FILL_BATCH 1000
#define COUNT_MAX 100000000
#define ITEMS_MAX 1000000
#define BINS_MAX 10000
#define TOPIC "depot/v1/acme/hz-01/scan/gun-1"

static void list(uint32_t items, uint32_t bins)
{
	char code[LOAD_NAME_SIZE];
	char name[LOAD_NAME_SIZE];

	for (int i = 1; i <= GUNS; i++)
		printf("device\tgun-%d\t%d\t\n", i, DEVICE_SCANNER);
	for (uint32_t i = 0; i < bins; i++) {
		load_bin(i, name);
		printf("bin\t%s\n", name);
	}
	for (uint32_t i = 0; i < items; i++) {
		load_sku(i, name);
		load_code(i, code);
		printf("item\t%s\t%d\ncode\t0%s\t%s\t1\n", name, TRACK_NONE,
		       code, name);
	}
}

static struct ledger *store_open(const char *path)
{
	struct ledger *ledger;
	struct err err;

	bench_do(ledger_open(path, ENV_WRITE, &ledger, &err), &err);
	return ledger;
}

static void fill_batch(struct ledger *ledger, const struct load *load,
		       uint32_t from, uint32_t count)
{
	struct batch *batch;
	struct err err;

	bench_do(batch_begin(ledger, &batch, &err), &err);
	for (uint32_t i = from; i < from + count; i++) {
		struct entry entry;

		batch_time(batch, (struct moment){STARTED_MS + i}, true);
		load_entry(load, i, &entry);
		bench_do(batch_post(batch, &entry, NULL, &err), &err);
	}
	bench_do(batch_commit(batch, &err), &err);
}

static void fill(const char *path, uint32_t movements, const struct load *load)
{
	struct ledger *ledger = store_open(path);
	uint64_t began = bench_now_ns();

	for (uint32_t i = 0; i < movements; i += FILL_BATCH)
		fill_batch(ledger, load, i,
			   movements - i < FILL_BATCH ? movements - i
						      : FILL_BATCH);
	printf("{\"movements\":%" PRIu32 ",\"seconds\":%.3f}\n", movements,
	       bench_seconds(began));
	ledger_close(ledger);
}

static void audit(const char *path)
{
	static struct audit_result result;
	struct audit_plan plan = {.progress = NULL};
	struct ledger *ledger;
	struct view *view;
	struct err err;
	uint64_t began;

	bench_do(ledger_open(path, ENV_READ, &ledger, &err), &err);
	bench_do(view_begin(ledger_env(ledger), &view, &err), &err);
	began = bench_now_ns();
	bench_do(audit_run(view, &plan, &result, &err), &err);
	printf("{\"movements\":%" PRIu64 ",\"seconds\":%.3f,\"clean\":%s}\n",
	       result.movements, bench_seconds(began),
	       audit_is_clean(&result) ? "true" : "false");
	view_end(view);
	ledger_close(ledger);
}

/* ---- the engine ---- */

static void payloads(uint32_t count, const struct load *load)
{
	char payload[LOAD_PAYLOAD_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		(void)load_payload(load, "b1", i, payload);
		puts(payload);
	}
}

struct stepping {
	struct ledger *ledger;
	struct engine *engine;
	struct answers *answers;
	FILE *payloads;
	uint64_t readings;
	uint64_t refused; /* acknowledgements with exceptions */
};

/* What seals, in a site's own feed. */
struct sealing {
	uint32_t rows; /* 0: nothing is sealed */
	struct signer *signer;
	struct feed_desk *desk;
	char guard[FILE_PATH_SIZE];
	uint64_t deltas;
};

static void sealing_open(struct sealing *sealing, struct ledger *ledger,
			 const char *path)
{
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	struct err err;

	keys_epoch_name(1, name);
	bench_do(ledger_keys_folder(path, folder, &err), &err);
	bench_do(signer_open(folder, name, &sealing->signer, &err), &err);
	bench_do(file_beside(path, "-guard", sealing->guard, &err), &err);
	bench_do(feed_desk_open(ledger_identity(ledger)->net_id, &sealing->desk,
				&err),
		 &err);
}

static void sealing_close(struct sealing *sealing)
{
	feed_desk_close(sealing->desk);
	signer_close(sealing->signer);
}

static void own_guard_save(const struct sealing *sealing, struct ledger *ledger)
{
	struct guard_place place = {
		sealing->guard, ledger_identity(ledger)->net_id, SITE_FIRST};
	struct view *view;
	struct err err;

	bench_do(view_begin(ledger_env(ledger), &view, &err), &err);
	bench_do(guard_save(&place, view, &err), &err);
	view_end(view);
}

/* All that waits, if that is enough. */
static void journal_seal(struct sealing *sealing, struct ledger *ledger)
{
	struct seal_plan plan = {.site = SITE_FIRST,
				 .signer = sealing->signer,
				 .now = {STARTED_MS},
				 .clock_trusted = true,
				 .boot = 1,
				 .rows_max = DELTA_ROWS_LIVE_MAX,
				 .is_busy = true};
	struct batch *batch;
	uint64_t unsealed;
	uint64_t seq = 1;
	struct err err;

	bench_do(batch_begin(ledger, &batch, &err), &err);
	bench_do(feed_unsealed(batch_view(batch), SITE_FIRST, &unsealed, &err),
		 &err);
	if (unsealed < sealing->rows) {
		batch_abandon(batch);
		return;
	}
	while (seq != 0) {
		bench_do(feed_seal(sealing->desk, batch_txn(batch), &plan, &seq,
				   &err),
			 &err);
		sealing->deltas += seq != 0;
	}
	bench_do(batch_commit(batch, &err), &err);
	feed_desk_committed(sealing->desk);
	own_guard_save(sealing, ledger);
}

static struct engine *engine_make(struct ledger *ledger)
{
	struct engine_plan plan = {
		.parked = {10000, 16 << 20},
		.session_timeout_ms = 900000,
		.observation_keep_ms = 259200000,
		.rfid_hold_ms = 5000,
		.recount_units = 5,
		.recount_percent = 20,
	};
	struct engine *engine;
	struct err err;

	bench_do(engine_open(&plan, ledger_identity(ledger), &engine, &err),
		 &err);
	return engine;
}

static void ack_look(void *context, const struct answers_message *message)
{
	struct stepping *stepping = context;
	static const char none[] = "\"except\":[]";

	stepping->refused +=
		memmem(message->payload.data, message->payload.size, none,
		       sizeof(none) - 1) == NULL;
}

/* The next payload; false at the end of the file. */
static bool line_read(struct stepping *stepping, char *line, size_t size)
{
	if (fgets(line, (int)size, stepping->payloads) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

/* Returns false if there was nothing left to take. */
static bool batch_step(struct stepping *stepping, uint32_t count)
{
	char line[LOAD_PAYLOAD_SIZE];
	struct batch *batch;
	struct pos head;
	struct err err;
	uint32_t taken = 0;

	answers_reset(stepping->answers);
	bench_do(batch_begin(stepping->ledger, &batch, &err), &err);
	while (taken < count && line_read(stepping, line, sizeof(line))) {
		struct event event = {
			.kind = EVENT_MESSAGE,
			.at = {STARTED_MS + (int64_t)stepping->readings},
			.clock_trusted = true,
			.body.message = {.topic = SPAN_LITERAL(TOPIC),
					 .payload = span_of(line),
					 .packet_id = 1}};

		bench_do(engine_step(stepping->engine, batch, &event,
				     stepping->answers, &err),
			 &err);
		stepping->readings++;
		taken++;
	}
	if (taken == 0) {
		batch_abandon(batch);
		return false;
	}
	batch_ring(batch, stepping->readings);
	head.value = batch_next(batch).value - 1;
	bench_do(batch_commit(batch, &err), &err);
	answers_render(stepping->answers, head, ack_look, stepping);
	return true;
}

static void steps(const char *path, const char *payloads, uint32_t batch,
		  uint32_t rows)
{
	struct sealing sealing = {.rows = rows};
	struct stepping stepping = {.ledger = store_open(path),
				    .payloads = fopen(payloads, "re")};
	uint64_t commits = 0;
	struct err err;
	uint64_t began;
	double seconds;

	if (stepping.payloads == NULL)
		bench_die("cannot open %s", payloads);
	stepping.engine = engine_make(stepping.ledger);
	bench_do(answers_open(batch, &stepping.answers, &err), &err);
	if (rows > 0)
		sealing_open(&sealing, stepping.ledger, path);
	began = bench_now_ns();
	while (batch_step(&stepping, batch)) {
		commits++;
		if (rows > 0)
			journal_seal(&sealing, stepping.ledger);
	}
	seconds = bench_seconds(began);
	printf("{\"readings\":%" PRIu64 ",\"commits\":%" PRIu64
	       ",\"seconds\":%.3f,\"movements\":%" PRIu64
	       ",\"acks_with_exceptions\":%" PRIu64 ",\"deltas\":%" PRIu64
	       "}\n",
	       stepping.readings, commits, seconds,
	       engine_counters(stepping.engine)->movements, stepping.refused,
	       sealing.deltas);
	sealing_close(&sealing);
	(void)fclose(stepping.payloads);
	answers_close(stepping.answers);
	engine_close(stepping.engine);
	ledger_close(stepping.ledger);
}

int main(int argc, char **argv)
{
	struct load load = {.seed = 1};

	if (argc == 4 && strcmp(argv[1], "list") == 0) {
		list(bench_number(argv[2], ITEMS_MAX),
		     bench_number(argv[3], BINS_MAX));
	} else if (argc == 6 && strcmp(argv[1], "fill") == 0) {
		load.items = bench_number(argv[4], ITEMS_MAX);
		load.bins = bench_number(argv[5], BINS_MAX);
		fill(argv[2], bench_number(argv[3], COUNT_MAX), &load);
	} else if (argc == 5 && strcmp(argv[1], "payloads") == 0) {
		load.items = bench_number(argv[3], ITEMS_MAX);
		load.bins = bench_number(argv[4], BINS_MAX);
		payloads(bench_number(argv[2], COUNT_MAX), &load);
	} else if (argc == 3 && strcmp(argv[1], "audit") == 0) {
		audit(argv[2]);
	} else if ((argc == 5 || argc == 6) && strcmp(argv[1], "steps") == 0) {
		steps(argv[2], argv[3], bench_number(argv[4], 4096),
		      argc == 6 ? bench_number(argv[5], COUNT_MAX) : 0);
	} else {
		bench_die("usage: see tests/bench/store.c");
	}
	return EXIT_SUCCESS;
}
