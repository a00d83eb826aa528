/*
 * depot_peer - depot as a peer of the bench (docs/performance.md, "Another
 * peer").
 *
 *	depot_peer about | serve STORE FEEDS | pull STORE PORT INVITATION
 *	           | dump STORE
 *	depot_peer --follow pull STORE PORT INVITATION
 *	depot_peer --tls FOLDER ...  over TLS, with what lies there
 *(depot_box.h)
 *
 * What runs is what depotd runs of it: keeper, envoy and store, and depot-link
 * as a process of its own, over MQTT to a mosquitto that `serve` starts. The
 * invitation is the folder of the writer's store: there lies what HQ, who
 * reads, begins with, and there the reader looks whether it has everything.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tests/bench/peers/depot_box.h"
#include "tests/bench/peers/depot_text.h"

#define COMMIT_ROWS 1024
#define LOOK_MS 10
#define SEAL_MS 30000
#define BACKLOG 1024 /* movements: more than live deltas carry */
#define LINE_SIZE 1024

static struct err err;
static const char *tls; /* --tls */

#define DO(call) bench_do(call, &err)

static void say(const char *text)
{
	(void)puts(text);
	(void)fflush(stdout);
}

/* ---- the last line ---- */

static enum err_code fork_show(void *context, const struct fork_proof *proof,
			       struct err *ret_err)
{
	uint8_t bytes[FORK_PROOF_SIZE_MAX];
	bool *has_one = context;
	struct writer writer;

	(void)ret_err;
	writer_init(&writer, bytes, sizeof(bytes));
	fork_proof_write(&writer, proof);
	printf("%s{\"feed\":%u,\"position\":%" PRIu64 ",\"bytes\":%zu}",
	       *has_one ? "," : "", proof->first.site - DEPOT_SITE_WRITER,
	       proof->first.seq, writer.size);
	*has_one = true;
	return ERR_OK;
}

/* That a site's box goes on in another epoch than it had: HQ's people are
 * asked to certify it, and the site's to count. */
static enum err_code succession_show(void *context, struct pos pos,
				     const struct entry *entry,
				     struct err *ret_err)
{
	const struct succession *succession = &entry->body.succession;

	(void)context;
	(void)ret_err;
	printf("\"set back: epoch %" PRIu32 " goes on from delta %" PRIu64
	       " of epoch %" PRIu32 "\"",
	       pos_epoch(pos), succession->parent_seq,
	       succession->parent_epoch);
	return ERR_OK;
}

static void end_say(const struct depot_store *store, const char *error)
{
	struct view *view;
	bool has_one = false;

	DO(view_begin(ledger_env(store->ledger), &view, &err));
	printf("{\"end\":true,\"errors\":[%s],\"forks\":[", error);
	DO(fork_walk(view, fork_show, &has_one, &err));
	printf("],\"told\":[");
	DO(feed_latest_walk(view, DEPOT_SITE_WRITER, ENTRY_SUCCESSION,
			    succession_show, NULL, &err));
	say("]}");
	view_end(view);
}

static void box_finish(struct box *box)
{
	static const char set_back[] =
		"\"this box was set back, and seals nothing\"";

	end_say(&box->store, box_end(box) ? set_back : "");
	depot_store_close(&box->store);
}

/* ---- serve ---- */

struct append {
	struct box *box;
	unsigned feed;
	FILE *file;
	bool is_over;
	unsigned count;
	pthread_mutex_t mutex;
	pthread_cond_t done;
	bool is_done;
	enum err_code code;
};

/* The next movement of the file. */
static bool entry_next(struct append *append, struct entry *ret_entry)
{
	char line[LINE_SIZE];
	size_t size;

	if (fgets(line, sizeof(line), append->file) == NULL) {
		append->is_over = true;
		return false;
	}
	size = strlen(line);
	if (size > 0 && line[size - 1] == '\n')
		size--;
	if (!depot_text_read((struct span){line, size}, ret_entry))
		bench_die("no movement: %s", line);
	append->count++;
	return true;
}

static enum err_code append_run(void *context, struct batch *batch,
				struct err *ret_err)
{
	static struct entry entries[DEPOT_DELTA_ROWS];
	struct append *append = context;
	enum err_code code = ERR_OK;
	size_t count = 0;

	if (append->feed == 0) {
		while (code == ERR_OK && count++ < COMMIT_ROWS &&
		       entry_next(append, &entries[0]))
			code = depot_journal_add(batch, &entries[0], ret_err);
		return code;
	}
	while (count < DEPOT_DELTA_ROWS && entry_next(append, &entries[count]))
		count++;
	return count == 0
		       ? ERR_OK
		       : depot_feed_add(&append->box->store, batch,
					append->feed, entries, count, ret_err);
}

static void append_done(void *context, enum err_code code)
{
	struct append *append = context;

	(void)pthread_mutex_lock(&append->mutex);
	append->code = code;
	append->is_done = true;
	(void)pthread_cond_signal(&append->done);
	(void)pthread_mutex_unlock(&append->mutex);
}

static void append_commit(struct append *append)
{
	struct keeper_job job = {
		.run = append_run, .done = append_done, .context = append};

	append->is_done = false;
	while (keeper_give(append->box->keeper, &job) == ERR_AGAIN)
		pause_ms(1);
	(void)pthread_mutex_lock(&append->mutex);
	while (!append->is_done)
		(void)pthread_cond_wait(&append->done, &append->mutex);
	(void)pthread_mutex_unlock(&append->mutex);
	if (append->code != ERR_OK)
		bench_die("append: %s", err_code_name(append->code));
	envoy_notice(append->box->envoy);
}

static uint64_t unsealed(const struct view *view)
{
	uint64_t count;

	DO(feed_unsealed(view, DEPOT_SITE_WRITER, &count, &err));
	return count;
}

static uint64_t sealed_at(struct box *box)
{
	static struct envoy_state state;
	struct view *view;
	uint64_t count;

	DO(view_begin(ledger_env(box->store.ledger), &view, &err));
	count = unsealed(view);
	view_end(view);
	envoy_state(box->envoy, &state);
	return count == 0 ? state.ms : 0;
}

/* A box that has just been founded seals what it has before anybody asks, and
 * of a backlog its next head has told, as of one that has been there for a
 * while. One that comes back seals when it may, after it has heard its peers.
 */
static void seal_await(struct box *box, unsigned count)
{
	uint64_t told_ms = count > BACKLOG ? SYNC_HEAD_MS_MIN + 1000 : 0;
	uint64_t since = 0;

	for (unsigned i = 0; box->store.is_new && i < SEAL_MS / LOOK_MS; i++) {
		uint64_t now = sealed_at(box);

		if (since == 0)
			since = now;
		if (now != 0 && now - since >= told_ms)
			return;
		pause_ms(LOOK_MS);
	}
}

static void append(struct box *box, unsigned feed, const char *path)
{
	struct append append = {.box = box,
				.feed = feed,
				.file = fopen(path, "re"),
				.mutex = PTHREAD_MUTEX_INITIALIZER,
				.done = PTHREAD_COND_INITIALIZER};

	if (append.file == NULL || feed >= DEPOT_FEEDS_MAX)
		bench_die("append %s to %u", path, feed);
	while (!append.is_over)
		append_commit(&append);
	(void)fclose(append.file);
	seal_await(box, append.count);
	printf("{\"appended\":%u}\n", append.count);
	(void)fflush(stdout);
}

static void serve(const char *path, const char *feeds)
{
	static struct box box;
	char line[LINE_SIZE];
	char file[LINE_SIZE];
	unsigned port;
	unsigned feed;

	depot_store_write(&box.store, path,
			  bench_number(feeds, DEPOT_FEEDS_MAX));
	box.tls = tls;
	port = box_broker(&box);
	box_begin(&box);
	box_link(&box, port);
	printf("{\"port\":%u,\"invitation\":\"%s\"}\n", port, path);
	(void)fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		if (sscanf(line, "{\"feed\": %u, \"file\": \"%1000[^\"]\"}",
			   &feed, file) == 2)
			append(&box, feed, file);
	box_finish(&box);
}

/* ---- pull ---- */

static unsigned peak_kib(pid_t pid)
{
	char path[64];
	char line[256];
	unsigned kib = 0;
	FILE *file;

	(void)text_format(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "VmHWM: %u", &kib);
	if (file != NULL)
		(void)fclose(file);
	return kib;
}

struct looking {
	struct ledger *own;
	struct ledger *writer;
};

static enum err_code rows_count(void *context, const struct feed_record *feed,
				struct err *ret_err)
{
	uint64_t *rows = context;

	(void)ret_err;
	if (feed->id.site >= DEPOT_SITE_WRITER)
		*rows += feed->rows;
	return ERR_OK;
}

/* Whether all that the writer has is here; and how many rows. */
static bool look(const struct looking *looking, uint64_t *ret_rows)
{
	struct view *own;
	struct view *writer;
	bool has_all;

	*ret_rows = 0;
	DO(view_begin(ledger_env(looking->own), &own, &err));
	DO(view_begin(ledger_env(looking->writer), &writer, &err));
	has_all = unsealed(writer) == 0 && depot_store_holds(own, writer);
	view_end(writer);
	DO(feed_walk(own, NULL, rows_count, ret_rows, &err));
	view_end(own);
	return has_all;
}

/* Whether stdin has ended. */
static bool is_over(void)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	char byte;

	if (poll(&input, 1, LOOK_MS) == 0)
		return false;
	return read(0, &byte, 1) <= 0;
}

static void follow(const struct looking *looking, uint64_t rows)
{
	while (!is_over()) {
		uint64_t now;

		if (look(looking, &now) && now > rows) {
			printf("{\"news\":%" PRIu64 "}\n", now - rows);
			(void)fflush(stdout);
			rows = now;
		}
	}
}

static void pull(const char *path, const char *port, const char *invitation)
{
	static struct box box;
	struct looking looking;
	char other[FILE_PATH_SIZE];
	uint64_t start;
	uint64_t rows = 0;
	bool is_over_early = false;

	depot_store_read(&box.store, path, invitation);
	if (!text_format(other, sizeof(other), "%s/store", invitation))
		bench_die("too long: %s", invitation);
	DO(ledger_open(other, ENV_READ, &looking.writer, &err));
	looking.own = box.store.ledger;
	box.tls = tls;
	box_begin(&box);
	start = bench_now_ns();
	box_link(&box, bench_number(port, 65535));
	while (!is_over_early && !look(&looking, &rows))
		is_over_early = is_over();
	if (!is_over_early) {
		printf("{\"in_sync\":true,\"seconds\":%.3f,\"rss_kib\":%u}\n",
		       bench_seconds(start),
		       peak_kib(getpid()) + peak_kib(box.link));
		(void)fflush(stdout);
		follow(&looking, rows);
	}
	box_finish(&box);
	ledger_close(looking.writer);
}

/* ---- dump ---- */

struct dumping {
	const struct depot_store *store;
	const struct view *view;
	struct feed_desk *desk;
	uint32_t feed;
};

static void entry_show(const struct dumping *dumping, const struct entry *entry)
{
	char text[DEPOT_TEXT_SIZE];

	if (!depot_text_write(entry, text))
		return;
	printf("{\"feed\":%u,\"movement\":\"", dumping->feed);
	for (const char *at = text; *at != '\0'; at++)
		printf(*at == '"' ? "\\\"" : "%c", *at);
	puts("\"}");
}

static enum err_code sealed_show(void *context, struct pos pos,
				 const struct entry *entry, struct err *ret_err)
{
	(void)pos;
	(void)ret_err;
	entry_show(context, entry);
	return ERR_OK;
}

static enum err_code feed_show(void *context, const struct feed_record *feed,
			       struct err *ret_err)
{
	struct dumping *dumping = context;
	struct delta_place place = {.feed = feed->id};
	enum err_code code = ERR_OK;

	if (feed->id.site < DEPOT_SITE_WRITER)
		return ERR_OK;
	dumping->feed = feed->id.site - DEPOT_SITE_WRITER;
	for (place.seq = feed->base + 1;
	     place.seq <= feed->seq && code == ERR_OK; place.seq++)
		code = feed_entries(dumping->desk, dumping->view, &place,
				    sealed_show, dumping, ret_err);
	return code;
}

/* What is in no delta yet. */
static enum err_code journal_show(void *context, const struct journal_row *row,
				  struct err *ret_err)
{
	struct entry entry;

	(void)ret_err;
	if (entry_decode(row->bytes, &entry) == ERR_OK)
		entry_show(context, &entry);
	return ERR_OK;
}

static struct pos unsealed_from(const struct dumping *dumping)
{
	struct feed_id id = {DEPOT_SITE_WRITER, 1, 0};
	struct feed_record feed = {.number = 0};
	struct journal_head head;
	enum err_code code;

	DO(ledger_head(dumping->view, &head, &err));
	id.epoch = pos_epoch(head.pos);
	code = feed_get(dumping->view, id, &feed, &err);
	if (code != ERR_NOT_FOUND)
		DO(code);
	return pos_make(id.epoch, feed.number + 1);
}

static void dump(const char *path)
{
	static struct depot_store store;
	struct dumping dumping = {.store = &store};
	struct view *view;

	depot_store_read(&store, path, NULL);
	DO(feed_desk_open(ledger_identity(store.ledger)->net_id, &dumping.desk,
			  &err));
	DO(view_begin(ledger_env(store.ledger), &view, &err));
	dumping.view = view;
	DO(feed_walk(view, NULL, feed_show, &dumping, &err));
	dumping.feed = 0;
	if (store.site == DEPOT_SITE_WRITER)
		DO(journal_walk(view, unsealed_from(&dumping), journal_show,
				&dumping, &err));
	view_end(view);
	feed_desk_close(dumping.desk);
	end_say(&store, "");
	depot_store_close(&store);
}

int main(int argc, char **argv)
{
	bool has_tls = argc > 2 && strcmp(argv[1], "--tls") == 0;
	char **words = argv + (has_tls ? 3 : 1);
	int count = argc - (has_tls ? 3 : 1);

	if (has_tls)
		tls = argv[2];
	if (count > 0 && strcmp(words[0], "--follow") == 0) {
		words++;
		count--;
	}
	if (count == 1 && strcmp(words[0], "about") == 0)
		say("{\"name\":\"depot\",\"version\":\"" DEPOT_VERSION
		    "\",\"live\":true,\"verifies\":\"each delta's signature, "
		    "its place in the chain, and every row by the rules; "
		    "stock is booked\"}");
	else if (count == 3 && strcmp(words[0], "serve") == 0)
		serve(words[1], words[2]);
	else if (count == 4 && strcmp(words[0], "pull") == 0)
		pull(words[1], words[2], words[3]);
	else if (count == 2 && strcmp(words[0], "dump") == 0)
		dump(words[1]);
	else
		return 2;
	return EXIT_SUCCESS;
}
