#include "tests/bench/peers/depot_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/core/hq.h"
#include "gateway/edge/hq_keys.h"
#include "store/balance.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/master.h"
#include "store/site.h"
#include "tests/bench/bench.h"

#define MAP_SIZE (UINT64_C(192) << 20)
/* Before anything that is recorded: stamps rise. */
#define FOUNDED_MS INT64_C(1230768000000) /* 2009 */
#define CERTIFICATES_MAX 30               /* said at once */
#define FOUND_REASON "not in the book"

static struct err err;

#define DO(call) bench_do(call, &err)

static void path_join(char path[FILE_PATH_SIZE], const char *folder,
		      const char *name)
{
	if (!text_format(path, FILE_PATH_SIZE, "%s/%s", folder, name))
		bench_die("too long: %s", folder);
}

static void folder_make(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		bench_die("mkdir %s: %s", path, strerror(errno));
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- opening ---- */

static struct signer *key_open(const char *path, const char *name)
{
	char folder[FILE_PATH_SIZE];
	struct signer *signer;

	DO(ledger_keys_folder(path, folder, &err));
	DO(signer_open(folder, name, &signer, &err));
	return signer;
}

static void store_open(struct depot_store *store)
{
	struct journal_head head;
	char name[KEY_NAME_SIZE];
	struct view *view;

	DO(file_beside(store->path, "-guard", store->guard, &err));
	DO(ledger_keys_folder(store->path, store->keys, &err));
	DO(ledger_open(store->path, ENV_WRITE, &store->ledger, &err));
	DO(view_begin(ledger_env(store->ledger), &view, &err));
	DO(site_number_get(view, &store->site, &err));
	DO(ledger_head(view, &head, &err));
	view_end(view);
	keys_epoch_name(pos_epoch(head.pos), name);
	store->signer = key_open(store->path, name);
	DO(feed_desk_open(ledger_identity(store->ledger)->net_id, &store->desk,
			  &err));
}

void depot_store_close(struct depot_store *store)
{
	feed_desk_close(store->desk);
	signer_close(store->signer);
	ledger_close(store->ledger);
}

/* ---- founding ---- */

/* A key that follows from the feed's number. */
static struct signer *feed_signer(uint32_t feed)
{
	uint8_t seed[KEY_SEED_SIZE] = "a key of the bench";
	struct signer *signer;

	seed[KEY_SEED_SIZE - 1] = (uint8_t)feed;
	DO(signer_of_seed(seed, &signer, &err));
	return signer;
}

static void name_of_feed(uint32_t feed, struct name *ret_name)
{
	char text[16];

	if (!text_format(text, sizeof(text), "site-%02u", feed) ||
	    !name_set(ret_name, span_of(text)))
		bench_die("no name");
}

static void ledger_found(const char *path, struct span name,
			 const uint8_t *net_id)
{
	struct ledger_plan plan = {.map_size = MAP_SIZE,
				   .now = {FOUNDED_MS},
				   .clock_trusted = true};

	if (!name_set(&plan.founding.org, SPAN_LITERAL(DEPOT_ORG)) ||
	    !name_set(&plan.founding.site, name) ||
	    !ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")))
		bench_die("no name");
	if (net_id != NULL)
		memcpy(plan.founding.net_id, net_id, NET_ID_SIZE);
	DO(ledger_create(path, &plan, &err));
}

static struct batch *batch_open(struct depot_store *store)
{
	struct batch *batch;

	DO(batch_begin(store->ledger, &batch, &err));
	batch_time(batch, (struct moment){FOUNDED_MS}, true);
	return batch;
}

/* Seals what the journal has; the guard remembers it. */
static void journal_seal(struct depot_store *store)
{
	struct seal_plan plan = {.site = store->site,
				 .signer = store->signer,
				 .now = {FOUNDED_MS},
				 .clock_trusted = true,
				 .boot = 1,
				 .rows_max = DEPOT_DELTA_ROWS};
	struct batch *batch = batch_open(store);
	struct guard_place place = {store->guard,
				    ledger_identity(store->ledger)->net_id,
				    store->site};
	struct view *view;
	uint64_t seq;

	DO(feed_seal(store->desk, batch_txn(batch), &plan, &seq, &err));
	DO(batch_commit(batch, &err));
	feed_desk_committed(store->desk);
	DO(view_begin(ledger_env(store->ledger), &view, &err));
	DO(guard_save(&place, view, &err));
	view_end(view);
}

static void certify(struct depot_store *hq, const struct depot_store *writer,
		    uint32_t feeds)
{
	static struct entry entries[CERTIFICATES_MAX];
	struct hq_keys keys;

	DO(hq_keys_open(&keys, hq->ledger, hq->path, NULL, hq->desk, &err));
	for (uint32_t feed = 0; feed < feeds;) {
		struct batch *batch = batch_open(hq);
		struct hq_word word = {.entries = entries};

		while (word.count < CERTIFICATES_MAX && feed < feeds) {
			struct signer *signer =
				feed == 0 ? NULL : feed_signer(feed);
			struct certificate *certificate =
				&entries[word.count].body.certificate;

			entry_init(&entries[word.count++], ENTRY_CERTIFICATE);
			*certificate =
				hq_certificate(batch, DEPOT_SITE_WRITER + feed,
					       SITE_ROLE_SITE);
			name_of_feed(feed++, &certificate->name);
			memcpy(certificate->public_key,
			       signer_public(signer != NULL ? signer
							    : writer->signer),
			       KEY_PUBLIC_SIZE);
			signer_close(signer);
		}
		DO(hq_say(&keys.hq, batch, &word, NULL, &err));
		DO(batch_commit(batch, &err));
		feed_desk_committed(hq->desk);
	}
	hq_keys_close(&keys);
}

static void hq_make(struct depot_store *hq, const char *folder)
{
	struct hq_founding founding = {
		.path = hq->path, .now = {FOUNDED_MS}, .clock_trusted = true};
	struct signer *root;

	folder_make(folder);
	path_join(hq->path, folder, "store");
	ledger_found(hq->path, SPAN_LITERAL(DEPOT_HQ), NULL);
	DO(ledger_open(hq->path, ENV_WRITE, &hq->ledger, &err));
	root = key_open(hq->path, "root.key");
	founding.root = root;
	DO(hq_keys_found(hq->ledger, &founding, &err));
	signer_close(root);
	ledger_close(hq->ledger);
	store_open(hq);
	journal_seal(hq);
}

/* What HQ has said so far comes with the box. */
static enum err_code feed_copy(void *context, const struct feed_record *feed,
			       struct err *ret_err)
{
	struct depot_store **stores = context; /* from, to */
	struct view *view;

	(void)ret_err;
	DO(view_begin(ledger_env(stores[0]->ledger), &view, &err));
	for (uint64_t seq = 1; seq <= feed->seq; seq++) {
		struct batch *batch = batch_open(stores[1]);
		enum admission admission;
		struct delta delta;

		DO(feed_delta(view, feed->id, seq, &delta, &err));
		DO(feed_admit(stores[1]->desk, batch_txn(batch), feed->id,
			      &delta, &admission, &err));
		if (admission != ADMISSION_APPLIED)
			bench_die("HQ's delta: %s", admission_name(admission));
		DO(batch_commit(batch, &err));
		feed_desk_committed(stores[1]->desk);
	}
	view_end(view);
	return ERR_OK;
}

static void hq_copy(struct depot_store *hq, struct depot_store *writer)
{
	struct depot_store *stores[] = {hq, writer};
	struct view *view;

	DO(view_begin(ledger_env(hq->ledger), &view, &err));
	DO(feed_walk(view, NULL, feed_copy, stores, &err));
	view_end(view);
}

static void founding_say(struct depot_store *writer, uint32_t feed)
{
	struct signer *signer = feed_signer(feed);
	struct founding *founding;
	struct batch *batch = batch_open(writer);
	struct entry entry;

	entry_init(&entry, ENTRY_FOUNDING);
	founding = &entry.body.founding;
	*founding = *ledger_identity(writer->ledger);
	name_of_feed(feed, &founding->site);
	memcpy(founding->public_key, signer_public(signer), KEY_PUBLIC_SIZE);
	entry.effective.ms = FOUNDED_MS;
	DO(depot_feed_add(writer, batch, feed, &entry, 1, &err));
	DO(batch_commit(batch, &err));
	feed_desk_committed(writer->desk);
	signer_close(signer);
}

static void writer_make(struct depot_store *writer, const char *folder,
			uint32_t feeds)
{
	struct depot_store hq = {.site = SITE_FIRST};
	char reader[FILE_PATH_SIZE];
	struct name name;
	struct batch *batch;

	path_join(reader, folder, "reader");
	hq_make(&hq, reader);
	name_of_feed(0, &name);
	ledger_found(writer->path, name_span(&name),
		     ledger_identity(hq.ledger)->net_id);
	DO(ledger_open(writer->path, ENV_WRITE, &writer->ledger, &err));
	batch = batch_open(writer);
	DO(site_number_put(batch_txn(batch), DEPOT_SITE_WRITER, &err));
	DO(batch_commit(batch, &err));
	ledger_close(writer->ledger);
	store_open(writer);
	certify(&hq, writer, feeds);
	hq_copy(&hq, writer);
	depot_store_close(&hq);
	for (uint32_t feed = 1; feed < feeds; feed++)
		founding_say(writer, feed);
}

void depot_store_write(struct depot_store *store, const char *path,
		       uint32_t feeds)
{
	*store = (struct depot_store){.site = 0};
	path_join(store->path, path, "store");
	store->is_new = !is_there(store->path);
	if (store->is_new)
		writer_make(store, path, feeds);
	else
		store_open(store);
}

/* ---- the reader's ---- */

static void file_copy(const char *from, const char *to)
{
	static uint8_t bytes[1 << 16];
	int source = open(from, O_RDONLY | O_CLOEXEC);
	int sink = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t size;

	if (source < 0 || sink < 0)
		bench_die("copy %s to %s: %s", from, to, strerror(errno));
	while ((size = read(source, bytes, sizeof(bytes))) > 0)
		if (write(sink, bytes, (size_t)size) != size)
			bench_die("write %s: %s", to, strerror(errno));
	(void)close(source);
	if (size < 0 || close(sink) < 0)
		bench_die("copy %s: %s", from, strerror(errno));
}

void depot_store_read(struct depot_store *store, const char *path,
		      const char *invitation)
{
	static const char *const folders[] = {"store", "store-keys"};
	static const char *const files[] = {
		"store/data.mdb",          "store-keys/root.key",
		"store-keys/epoch-1.key",  "store-keys/control-1.key",
		"store-keys/master-1.key", "store-guard",
	};

	*store = (struct depot_store){.site = 0};
	path_join(store->path, path, "store");
	store->is_new = !is_there(store->path);
	for (size_t i = 0; store->is_new && i < ARRAY_LEN(folders); i++) {
		char folder[FILE_PATH_SIZE];

		path_join(folder, path, folders[i]);
		folder_make(folder);
	}
	for (size_t i = 0; store->is_new && i < ARRAY_LEN(files); i++) {
		char template[FILE_PATH_SIZE];
		char from[FILE_PATH_SIZE];
		char to[FILE_PATH_SIZE];

		path_join(template, invitation, "reader");
		path_join(from, template, files[i]);
		path_join(to, path, files[i]);
		file_copy(from, to);
	}
	store_open(store);
}

/* ---- booking ---- */

/* What the book has less than leaves. */
static enum err_code short_of(const struct view *view,
			      const struct movement *movement,
			      int64_t *ret_units, struct err *ret_err)
{
	static struct balance balance;
	struct item_no item;
	struct place_no place;
	enum err_code code =
		item_find(view, sku_span(&movement->item), &item, ret_err);

	*ret_units = movement->quantity.units;
	if (code == ERR_OK)
		code = place_find(view, &movement->from.place, &place, ret_err);
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, ret_err);
	if (code == ERR_OK)
		*ret_units -=
			balance_condition(&balance, movement->from.condition)
				.units;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code found_add(struct batch *batch, const struct entry *entry,
			       int64_t units, struct err *ret_err)
{
	struct entry found = *entry;
	struct movement *movement = &found.body.movement;
	bool fits;

	movement->kind = MOVEMENT_FOUND;
	movement->quantity.units = units;
	movement->to = movement->from;
	movement->from = (struct side){.place = place_of(PLACE_FOUND)};
	fits = reason_set(&movement->reason, SPAN_LITERAL(FOUND_REASON));
	ASSERT(fits);
	return batch_post(batch, &found, NULL, ret_err);
}

enum err_code depot_journal_add(struct batch *batch, struct entry *entry,
				struct err *ret_err)
{
	const struct movement *movement = &entry->body.movement;
	int64_t units = 0;
	enum err_code code = ERR_OK;

	batch_time(batch, entry->effective, true);
	if (movement->from.place.kind == PLACE_BIN)
		code = short_of(batch_view(batch), movement, &units, ret_err);
	if (code == ERR_OK && units > 0)
		code = found_add(batch, entry, units, ret_err);
	return code == ERR_OK ? batch_post(batch, entry, NULL, ret_err) : code;
}

enum err_code depot_feed_add(struct depot_store *store, struct batch *batch,
			     uint32_t feed, struct entry *entries, size_t count,
			     struct err *ret_err)
{
	static uint8_t bytes[DEPOT_DELTA_ROWS * 1024];
	struct span spans[DEPOT_DELTA_ROWS];
	struct signer *signer = feed_signer(feed);
	struct feed_write write = {.id = {DEPOT_SITE_WRITER + feed, 1, 0},
				   .plan = {.signer = signer,
					    .now = batch_now(batch),
					    .clock_trusted = true,
					    .boot = 1,
					    .rows_max = DEPOT_DELTA_ROWS},
				   .entries = spans,
				   .count = count};
	struct writer writer;
	uint64_t seq;
	enum err_code code;

	writer_init(&writer, bytes, sizeof(bytes));
	for (size_t i = 0; i < count; i++) {
		size_t start = writer.size;
		struct stamp *stamp = &store->stamps[feed];

		*stamp = stamp_next(*stamp, entries[i].effective);
		entries[i].stamp = *stamp;
		entries[i].clock_flags =
			ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED;
		entry_encode(&writer, &entries[i]);
		spans[i] = (struct span){(const char *)bytes + start,
					 writer.size - start};
	}
	if (!writer_ok(&writer))
		bench_die("a delta's entries are too long");
	code = feed_write(store->desk, batch_txn(batch), &write, &seq, ret_err);
	signer_close(signer);
	return code;
}

/* ---- comparing ---- */

struct comparing {
	const struct view *own;
};

static enum err_code feed_compare(void *context, const struct feed_record *feed,
				  struct err *ret_err)
{
	const struct comparing *comparing = context;
	uint8_t hash[HASH_SIZE];
	enum err_code code = feed_hash_at(comparing->own, feed->id, feed->seq,
					  hash, ret_err);

	if (code == ERR_OK && memcmp(hash, feed->hash, HASH_SIZE) == 0)
		return ERR_OK;
	return code == ERR_OK ? ERR_STOPPED : code;
}

bool depot_store_holds(const struct view *own, const struct view *other)
{
	struct comparing comparing = {own};

	return feed_walk(other, NULL, feed_compare, &comparing, &err) == ERR_OK;
}
