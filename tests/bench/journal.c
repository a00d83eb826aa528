/*
 * journal - the ledger's appends against raw LMDB and against SQLite.
 *
 *	bench_journal FOLDER ROUNDS MOVEMENTS BATCH
 *
 * Each round does the same movements three times, BATCH to a commit, each on
 * a new store in FOLDER:
 *   ledger  batch_post (journal, balances, promises) and seen_mark
 *   raw     the ledger's own puts, recorded, put again by plain LMDB
 *   sqlite  one row of the journal, two balances, one name seen; WAL,
 *           synchronous=FULL
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "store/seen.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/record.h"
#include "tests/bench/sql.h"
#include "store/ledger.h"

/* 2026-11-22T10:00:00Z */
#define STARTED_MS INT64_C(1795341600000)
#define MAP_SIZE (UINT64_C(1) << 30)
#define ITEMS 4000
#define BINS 400
#define PATH_SIZE 256

struct job {
	const char *folder;
	uint32_t movements;
	uint32_t batch;
	struct load load;
};

static const struct device_no gun = {1};

static void store_found(const char *path)
{
	struct ledger_plan plan = {.map_size = MAP_SIZE,
				   .now = {STARTED_MS},
				   .clock_trusted = true};
	struct err err = {.text = "a name does not fit"};

	if (!name_set(&plan.founding.org, SPAN_LITERAL("acme")) ||
	    !name_set(&plan.founding.site, SPAN_LITERAL("hz-01")) ||
	    !ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")))
		bench_die("%s", err.text);
	bench_do(ledger_create(path, &plan, &err), &err);
}

static void movement_post(struct batch *batch, const struct load *load,
			  uint32_t index)
{
	struct reading_name name = {.device = gun, .seq = index + 1u};
	struct answer answer = {.result = RESULT_BOOKED};
	struct seen_progress progress;
	struct entry entry;
	struct err err;

	batch_time(batch, (struct moment){STARTED_MS + index}, true);
	load_entry(load, index, &entry);
	bench_do(batch_post(batch, &entry, &answer.pos, &err), &err);
	bench_do(seen_mark(batch_txn(batch), &name, index, &answer, &progress,
			   &err),
		 &err);
}

static double ledger_run(const struct job *job, const char *path,
			 struct record *record)
{
	struct ledger *ledger;
	struct err err;
	uint64_t began;
	double seconds;

	bench_do(ledger_open(path, ENV_WRITE, &ledger, &err), &err);
	if (record != NULL)
		record_start(record);
	began = bench_now_ns();
	for (uint32_t i = 0; i < job->movements;) {
		struct batch *batch;

		bench_do(batch_begin(ledger, &batch, &err), &err);
		for (uint32_t j = 0; j < job->batch && i < job->movements; j++)
			movement_post(batch, &job->load, i++);
		batch_ring(batch, i);
		bench_do(batch_commit(batch, &err), &err);
	}
	seconds = bench_seconds(began);
	record_stop();
	ledger_close(ledger);
	return seconds;
}

static double sqlite_run(const struct job *job, const char *path)
{
	struct sql *sql = sql_open(path);
	uint64_t began = bench_now_ns();
	double seconds;

	for (uint32_t i = 0; i < job->movements;) {
		sql_begin(sql);
		for (uint32_t j = 0; j < job->batch && i < job->movements; j++)
			sql_post(sql, &job->load, i++);
		sql_commit(sql);
	}
	seconds = bench_seconds(began);
	sql_close(sql);
	return seconds;
}

static void path_make(const struct job *job, const char *kind, uint32_t round,
		      char *path)
{
	if (!text_format(path, PATH_SIZE, "%s/%s-%" PRIu32, job->folder, kind,
			 round))
		bench_die("the path is too long: %s", job->folder);
}

static void round_run(const struct job *job, const struct record *record,
		      uint32_t round)
{
	char ledger[PATH_SIZE];
	char raw[PATH_SIZE];
	char sqlite[PATH_SIZE];
	double seconds[3];

	path_make(job, "ledger", round, ledger);
	path_make(job, "raw", round, raw);
	path_make(job, "sqlite", round, sqlite);
	store_found(ledger);
	store_found(raw);
	sync(); /* what founding wrote is not to be paid for below */
	seconds[0] = ledger_run(job, ledger, NULL);
	seconds[1] = record_replay(record, raw);
	seconds[2] = sqlite_run(job, sqlite);
	printf("%s{\"ledger\":%.1f,\"raw\":%.1f,\"sqlite\":%.1f}",
	       round == 1 ? "" : ",", job->movements / seconds[0],
	       job->movements / seconds[1], job->movements / seconds[2]);
}

int main(int argc, char **argv)
{
	struct job job = {.load = {.seed = 1, .items = ITEMS, .bins = BINS}};
	struct record record = {.bytes = NULL};
	char path[PATH_SIZE];
	uint32_t rounds;

	if (argc != 5)
		bench_die("usage: see tests/bench/journal.c");
	job.folder = argv[1];
	rounds = bench_number(argv[2], 1000);
	job.movements = bench_number(argv[3], 100000000);
	job.batch = bench_number(argv[4], 4096);
	path_make(&job, "record", 0, path);
	store_found(path);
	(void)ledger_run(&job, path, &record);
	printf("{\"movements\":%" PRIu32 ",\"batch\":%" PRIu32
	       ",\"puts\":%" PRIu64 ",\"commits\":%" PRIu64
	       ",\"put_size\":%" PRIu64 ",\"rounds\":[",
	       job.movements, job.batch, record.puts, record.commits,
	       record.put_size);
	for (uint32_t i = 1; i <= rounds; i++)
		round_run(&job, &record, i);
	puts("]}");
	record_release(&record);
	return EXIT_SUCCESS;
}
