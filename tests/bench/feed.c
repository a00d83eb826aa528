/*
 * bench_feed - how fast a feed of another site is verified, applied and
 * committed.
 *
 *	bench_feed AUTHOR FOLDER WEEKS DELTAS
 *
 * Seals WEEKS made-up weeks into a feed in the new store AUTHOR, 128 rows a
 * delta. The new store FOLDER takes it, DELTAS a commit, through the checks
 * that a peer's deltas get. What is counted is the second part.
 */
#include <inttypes.h>
#include <string.h>

#include "store/audit_network.h"
#include "store/feed.h"
#include "store/roster.h"
#include "tests/bench/bench.h"
#include "tests/bench/week.h"

#define SITE SITE_FIRST
#define MAP_SIZE_WEEK (UINT64_C(128) << 20)

struct bench {
	uint8_t net_id[NET_ID_SIZE];
	struct signer *root;
	struct signer *control;
	struct signer *site;
	struct moment now;
	struct env *author;
	struct env *taker;
	uint64_t movements;
	struct err err;
};

static const struct feed_id control_id = {SITE_CONTROL, 1, 0};
static const struct feed_id site_id = {SITE, 1, 0};

static struct signer *signer_make(uint8_t number, struct err *err)
{
	uint8_t seed[32];
	struct signer *signer;

	memset(seed, number, sizeof(seed));
	bench_do(signer_of_seed(seed, &signer, err), err);
	return signer;
}

static struct env *store_make(const char *path, uint32_t weeks, struct err *err)
{
	struct env *env;

	bench_do(env_create(path, (weeks + 1) * MAP_SIZE_WEEK, NULL, NULL, err),
		 err);
	bench_do(env_open(path, ENV_WRITE, &env, err), err);
	return env;
}

static struct span entry_at(const struct entries *entries, size_t index)
{
	size_t from = index == 0 ? 0 : entries->ends[index - 1];

	return (struct span){(const char *)entries->bytes + from,
			     entries->ends[index] - from};
}

/* ---- the author ---- */

static void delta_write(struct bench *bench, struct feed_desk *desk,
			struct txn *txn, struct feed_write *write)
{
	uint64_t seq;

	write->plan = (struct seal_plan){.now = bench->now,
					 .clock_trusted = true,
					 .boot = 1,
					 .rows_max = DELTA_ROWS_MAX};
	write->plan.signer =
		write->id.site == SITE_CONTROL ? bench->control : bench->site;
	bench->now.ms += 5000;
	bench_do(feed_write(desk, txn, write, &seq, &bench->err), &bench->err);
}

static void entry_write(struct bench *bench, struct feed_desk *desk,
			struct txn *txn, struct feed_id id, struct entry *entry)
{
	uint8_t bytes[ENTRY_SIZE_MAX];
	struct writer writer;
	struct span span;
	struct feed_write write = {.id = id, .entries = &span, .count = 1};

	entry->stamp = stamp_next((struct stamp){0}, bench->now);
	entry->effective = bench->now;
	writer_init(&writer, bytes, sizeof(bytes));
	entry_encode(&writer, entry);
	span = (struct span){(const char *)bytes, writer.size};
	delta_write(bench, desk, txn, &write);
}

static void founding_write(struct bench *bench, struct feed_desk *desk,
			   struct txn *txn)
{
	struct entry entry;

	entry_init(&entry, ENTRY_ROOT);
	entry.body.root.epoch = 1;
	memcpy(entry.body.root.public_key, signer_public(bench->control),
	       KEY_PUBLIC_SIZE);
	root_sign(bench->root, &entry.body.root);
	entry_write(bench, desk, txn, control_id, &entry);
	entry_init(&entry, ENTRY_CERTIFICATE);
	entry.body.certificate = (struct certificate){
		.site = SITE, .epoch = 1, .role = SITE_ROLE_SITE};
	if (!name_set(&entry.body.certificate.name, SPAN_LITERAL("hz-01")))
		bench_die("no name");
	memcpy(entry.body.certificate.public_key, signer_public(bench->site),
	       KEY_PUBLIC_SIZE);
	entry_write(bench, desk, txn, control_id, &entry);
	entry_init(&entry, ENTRY_FOUNDING);
	if (!name_set(&entry.body.founding.org, SPAN_LITERAL("acme")) ||
	    !name_set(&entry.body.founding.site, SPAN_LITERAL("hz-01")))
		bench_die("no name");
	memcpy(entry.body.founding.net_id, bench->net_id, NET_ID_SIZE);
	memcpy(entry.body.founding.public_key, signer_public(bench->site),
	       KEY_PUBLIC_SIZE);
	entry_write(bench, desk, txn, site_id, &entry);
}

static void week_write(struct bench *bench, struct feed_desk *desk,
		       uint64_t seed)
{
	static struct span spans[DELTA_ROWS_LIVE_MAX];
	struct entries entries = {.count = 0};
	struct txn *txn;

	week_make(seed, &entries);
	bench->movements += entries.movements;
	bench_do(txn_begin(bench->author, &txn, &bench->err), &bench->err);
	for (size_t at = 0; at < entries.count;) {
		struct feed_write write = {.id = site_id, .entries = spans};

		while (write.count < DELTA_ROWS_LIVE_MAX && at < entries.count)
			spans[write.count++] = entry_at(&entries, at++);
		delta_write(bench, desk, txn, &write);
	}
	bench_do(txn_commit(txn, &bench->err), &bench->err);
	entries_free(&entries);
}

static void author_write(struct bench *bench, uint32_t weeks)
{
	struct feed_desk *desk;
	struct txn *txn;

	bench_do(feed_desk_open(bench->net_id, &desk, &bench->err),
		 &bench->err);
	bench_do(txn_begin(bench->author, &txn, &bench->err), &bench->err);
	founding_write(bench, desk, txn);
	bench_do(txn_commit(txn, &bench->err), &bench->err);
	for (uint32_t i = 0; i < weeks; i++)
		week_write(bench, desk, i + 1);
	feed_desk_close(desk);
}

/* ---- the taker ---- */

static void delta_take(struct bench *bench, struct feed_desk *desk,
		       struct txn *txn, const struct delta *delta,
		       struct feed_id id)
{
	enum admission admission;

	bench_do(feed_judge(txn_view(txn), bench->net_id, delta, 0, &admission,
			    &bench->err),
		 &bench->err);
	if (admission == ADMISSION_APPLIED)
		bench_do(feed_admit(desk, txn, id, delta, &admission,
				    &bench->err),
			 &bench->err);
	if (admission != ADMISSION_APPLIED)
		bench_die("delta %" PRIu64 ": %s", delta->header.seq,
			  admission_name(admission));
}

static void feed_take(struct bench *bench, struct feed_desk *desk,
		      const struct view *author, struct feed_id id,
		      uint32_t deltas)
{
	struct feed_record feed;
	uint64_t seq = 1;

	bench_do(feed_get(author, id, &feed, &bench->err), &bench->err);
	while (seq <= feed.seq) {
		struct txn *txn;

		bench_do(txn_begin(bench->taker, &txn, &bench->err),
			 &bench->err);
		for (uint32_t i = 0; i < deltas && seq <= feed.seq; i++) {
			struct delta delta;

			bench_do(feed_delta(author, id, seq++, &delta,
					    &bench->err),
				 &bench->err);
			delta_take(bench, desk, txn, &delta, id);
		}
		bench_do(txn_commit(txn, &bench->err), &bench->err);
		feed_desk_committed(desk);
	}
}

/* Memory of this process that no file is behind, in KiB. */
static uint64_t anonymous_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t kib = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "RssAnon: %" SCNu64, &kib);
	if (file != NULL)
		(void)fclose(file);
	return kib;
}

/* Seconds that the audit of all of it takes; it is clean. */
static double network_audit(struct bench *bench)
{
	static struct network_result result;
	struct network_plan plan = {.progress = NULL};
	uint64_t start = bench_now_ns();
	struct view *view;

	memcpy(plan.net_id, bench->net_id, NET_ID_SIZE);
	bench_do(view_begin(bench->taker, &view, &bench->err), &bench->err);
	bench_do(audit_network_run(view, &plan, &result, &bench->err),
		 &bench->err);
	view_end(view);
	if (result.unexplained != 0 || result.movements != bench->movements)
		bench_die("the audit found something");
	return bench_seconds(start);
}

int main(int argc, char **argv)
{
	struct bench bench = {.now = {INT64_C(1795341600000)}};
	struct feed_desk *desk;
	struct view *author;
	uint64_t start;
	uint64_t before;
	double seconds;
	uint32_t weeks;

	if (argc != 5)
		bench_die("usage: bench_feed AUTHOR FOLDER WEEKS DELTAS");
	bench.root = signer_make(1, &bench.err);
	bench.control = signer_make(2, &bench.err);
	bench.site = signer_make(3, &bench.err);
	keys_net_id(signer_public(bench.root), bench.net_id);
	weeks = bench_number(argv[3], 1000);
	bench.author = store_make(argv[1], weeks, &bench.err);
	author_write(&bench, weeks);
	bench.taker = store_make(argv[2], weeks, &bench.err);
	bench_do(feed_desk_open(bench.net_id, &desk, &bench.err), &bench.err);
	bench_do(view_begin(bench.author, &author, &bench.err), &bench.err);
	feed_take(&bench, desk, author, control_id, 1);
	before = anonymous_kib();
	start = bench_now_ns();
	feed_take(&bench, desk, author, site_id, bench_number(argv[4], 100000));
	seconds = bench_seconds(start);
	printf("{\"movements\": %" PRIu64 ", \"seconds\": %.3f, "
	       "\"rate\": %.0f, \"anonymous_kib\": %" PRIu64
	       ", \"grown_kib\": %" PRIu64,
	       bench.movements, seconds, (double)bench.movements / seconds,
	       anonymous_kib(), anonymous_kib() - before);
	printf(", \"audit_seconds\": %.3f}\n", network_audit(&bench));
	view_end(author);
	feed_desk_close(desk);
	env_close(bench.taker);
	env_close(bench.author);
	signer_close(bench.root);
	signer_close(bench.control);
	signer_close(bench.site);
	return EXIT_SUCCESS;
}
