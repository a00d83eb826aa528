/*
 * Any bytes as the rows of a delta that says who may speak: HQ's control feed,
 * behind its first word (certificates, fences, invitations, intents), or as the
 * first of the next epoch of control (the root's statement), or of a site's
 * (its parent's). The first byte says which.
 *
 * Whatever they are, they are admitted, rows that say nothing as void, or
 * refused by name; what the roster holds then reads back in its one form, and
 * the feeds go on. Nothing is committed: each input finds the same store.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/feed.h"
#include "store/heir.h"
#include "store/roster.h"
#include "store/rows.h"
#include "tests/fuzz/fuzz.h"

#define MAP_SIZE (UINT64_C(16) << 20)
#define START_MS INT64_C(1795341600000)
#define SITE (SITE_FIRST + 1)
#define SITES 3
#define EPOCHS_LOOKED 4

enum turn {
	TURN_CONTROL, /* behind control's first delta */
	TURN_ROOT,    /* the first of the next epoch of control */
	TURN_HEIR,    /* the first of the next epoch of a site */
	TURNS,
};

static struct env *env;
static struct txn *txn;
static struct feed_desk *desk;
static struct rows *rows;
static uint8_t net_id[NET_ID_SIZE];
static struct signer *root;
static struct signer *control[2];   /* of each epoch */
static struct signer *sites[SITES]; /* SITE_FIRST and the next */
static struct signer *heir_of_site; /* SITE's next epoch */
static uint64_t stamp = (uint64_t)START_MS << STAMP_COUNTER_BITS;

static struct signer *signer_make(uint8_t number)
{
	uint8_t seed[KEY_SEED_SIZE];
	struct signer *signer;

	memset(seed, number, sizeof(seed));
	ASSERT(signer_of_seed(seed, &signer, NULL) == ERR_OK);
	return signer;
}

static void begin(void)
{
	ASSERT(txn_begin(env, &txn, NULL) == ERR_OK);
}

/* ---- what the store begins with ---- */

/* Of an open store nothing need be left in any folder. */
static void folder_remove(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	ASSERT(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			ASSERT(unlinkat(dirfd(folder), entry->d_name, 0) == 0);
	(void)closedir(folder);
	ASSERT(rmdir(path) == 0);
}

static void store_make(void)
{
	char folder[] = "/tmp/depot-fuzz-XXXXXX";
	char path[sizeof(folder) + 8];

	ASSERT(mkdtemp(folder) != NULL);
	ASSERT(text_format(path, sizeof(path), "%s/store", folder));
	ASSERT(env_create(path, MAP_SIZE, NULL, NULL, NULL) == ERR_OK);
	ASSERT(env_open(path, ENV_WRITE, &env, NULL) == ERR_OK);
	folder_remove(path);
	ASSERT(rmdir(folder) == 0);
	begin();
}

#define SAID_MAX 8

static void say(struct feed_id id, const struct signer *signer,
		struct entry *entries, size_t count)
{
	static uint8_t bytes[SAID_MAX][ENTRY_SIZE_MAX];
	struct span spans[SAID_MAX];
	struct feed_write write = {.id = id,
				   .plan = {.signer = signer,
					    .now = {START_MS},
					    .clock_trusted = true,
					    .boot = 7,
					    .rows_max = DELTA_ROWS_MAX},
				   .entries = spans,
				   .count = count};
	uint64_t seq;

	ASSERT(count <= SAID_MAX);
	for (size_t i = 0; i < count; i++) {
		struct writer writer;

		entries[i].stamp.value = ++stamp;
		entries[i].effective = stamp_moment(entries[i].stamp);
		writer_init(&writer, bytes[i], sizeof(bytes[i]));
		entry_encode(&writer, &entries[i]);
		spans[i] = (struct span){(const char *)bytes[i], writer.size};
	}
	ASSERT(feed_write(desk, txn, &write, &seq, NULL) == ERR_OK);
}

static void certificate_make(struct entry *entry, uint32_t site,
			     const struct signer *signer)
{
	struct certificate *certificate = &entry->body.certificate;
	char name[16];

	entry_init(entry, ENTRY_CERTIFICATE);
	*certificate = (struct certificate){.site = site,
					    .epoch = 1,
					    .role = SITE_ROLE_SITE,
					    .rights = RIGHTS_ALL};
	ASSERT(text_format(name, sizeof(name), "hz-%02u", (unsigned)site) &&
	       name_set(&certificate->name, span_of(name)));
	memcpy(certificate->public_key, signer_public(signer), KEY_PUBLIC_SIZE);
}

static void founding_make(struct entry *entry, const struct signer *signer)
{
	struct founding *founding = &entry->body.founding;

	entry_init(entry, ENTRY_FOUNDING);
	ASSERT(name_set(&founding->org, SPAN_LITERAL("acme")) &&
	       name_set(&founding->site, SPAN_LITERAL("hz")));
	memcpy(founding->net_id, net_id, NET_ID_SIZE);
	memcpy(founding->public_key, signer_public(signer), KEY_PUBLIC_SIZE);
}

static void network_found(void)
{
	struct entry entries[SAID_MAX];

	entry_init(&entries[0], ENTRY_ROOT);
	entries[0].body.root.epoch = 1;
	memcpy(entries[0].body.root.public_key, signer_public(control[0]),
	       KEY_PUBLIC_SIZE);
	root_sign(root, &entries[0].body.root);
	for (uint32_t i = 0; i < SITES; i++)
		certificate_make(&entries[1 + i], SITE_FIRST + i, sites[i]);
	say((struct feed_id){SITE_CONTROL, 1, 0}, control[0], entries,
	    1 + SITES);
	for (uint32_t i = 0; i < SITES; i++) {
		founding_make(&entries[0], sites[i]);
		say((struct feed_id){SITE_FIRST + i, 1, 0}, sites[i], entries,
		    1);
	}
	ASSERT(txn_commit(txn, NULL) == ERR_OK);
	feed_desk_committed(desk);
	begin();
}

static void once(void)
{
	root = signer_make(1);
	control[0] = signer_make(2);
	control[1] = signer_make(3);
	heir_of_site = signer_make(4);
	for (uint8_t i = 0; i < SITES; i++)
		sites[i] = signer_make((uint8_t)(10 + i));
	keys_net_id(signer_public(root), net_id);
	ASSERT(rows_open(&rows, NULL) == ERR_OK &&
	       feed_desk_open(net_id, &desk, NULL) == ERR_OK);
	store_make();
	network_found();
}

/* ---- the delta ---- */

/* How many rows they are, as far as they are rows. */
static uint32_t rows_count(struct span bytes, uint32_t epoch, uint64_t first)
{
	static struct entry_bytes entry;
	struct reader reader;
	uint32_t count = 0;

	rows_reset(rows);
	reader_init(&reader, bytes.data, bytes.size);
	while (reader_left(&reader) > 0 && count < DELTA_ROWS_MAX &&
	       rows_read(rows, pos_make(epoch, first + count), &reader,
			 &entry) == ERR_OK)
		count++;
	return count == 0 ? 1 : count;
}

static void delta_make(struct delta *delta, struct feed_id id,
		       const struct signer *signer, struct span bytes)
{
	struct feed_record head = {.seq = 0};
	struct delta_header *header = &delta->header;

	if (feed_get(txn_view(txn), id, &head, NULL) != ERR_OK)
		head = (struct feed_record){.seq = 0};
	*header = (struct delta_header){
		.site = id.site,
		.epoch = id.epoch,
		.seq = head.seq + 1,
		.stamp = {stamp + 1000},
		.flags = DELTA_CLOCK_TRUSTED | DELTA_SEGMENT_START,
		.boot = 7,
		.first = head.number + 1,
		.rules = 1,
		.row_count = rows_count(bytes, id.epoch, head.number + 1),
		.rows_size = (uint32_t)bytes.size};
	memcpy(header->previous, head.hash, HASH_SIZE);
	delta_rows_hash(net_id, bytes, header->rows_hash);
	delta_sign(signer, net_id, header, delta->signature);
	delta->rows = bytes;
}

static enum admission take(struct feed_id id, const struct signer *signer,
			   struct span bytes)
{
	struct delta delta;
	enum admission admission;

	delta_make(&delta, id, signer, bytes);
	ASSERT(feed_judge(txn_view(txn), net_id, &delta, 0, &admission, NULL) ==
	       ERR_OK);
	if (admission == ADMISSION_APPLIED)
		ASSERT(feed_admit(desk, txn, id, &delta, &admission, NULL) ==
		       ERR_OK);
	if (admission != ADMISSION_APPLIED)
		ASSERT(feed_refused(txn, &delta.header, admission,
				    (struct moment){START_MS}, NULL) == ERR_OK);
	return admission;
}

/* ---- what became of it ---- */

static enum err_code entry_look(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	uint8_t bytes[ENTRY_SIZE_MAX];
	struct entry again;
	struct writer writer;

	(void)context;
	(void)pos;
	(void)err;
	writer_init(&writer, bytes, sizeof(bytes));
	entry_encode(&writer, entry);
	ASSERT(writer_ok(&writer));
	ASSERT(entry_decode((struct span){(const char *)bytes, writer.size},
			    &again) == ERR_OK);
	return ERR_OK;
}

static enum err_code heir_look(void *context, const struct heir *heir,
			       struct err *err)
{
	bool stands;

	(void)context;
	ASSERT(heir->epoch > heir->succession.parent_epoch);
	return heir_stands(txn_view(txn), heir, &stands, err);
}

static void epochs_look(const struct view *view, uint32_t site)
{
	uint8_t key[KEY_PUBLIC_SIZE];
	struct certificate certificate;
	struct fence fence;

	for (uint32_t epoch = 1; epoch <= EPOCHS_LOOKED; epoch++) {
		enum err_code code = roster_certificate(view, site, epoch,
							&certificate, NULL);

		ASSERT(code == ERR_OK || code == ERR_NOT_FOUND);
		code = roster_fence(view, (struct feed_id){site, epoch, 0},
				    &fence, NULL);
		ASSERT(code == ERR_OK || code == ERR_NOT_FOUND);
		code = site_key_known(view, site, epoch, key, NULL);
		ASSERT(code == ERR_OK || code == ERR_NOT_FOUND);
	}
}

static void roster_look(void)
{
	static const enum entry_kind kinds[] = {ENTRY_CERTIFICATE, ENTRY_FENCE,
						ENTRY_INVITATION, ENTRY_INTENT};
	const struct view *view = txn_view(txn);
	struct certificate certificate;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		ASSERT(roster_walk(view, kinds[i], entry_look, NULL, NULL) ==
		       ERR_OK);
	ASSERT(heir_walk(view, heir_look, NULL, NULL) == ERR_OK);
	for (uint32_t site = SITE_CONTROL; site < SITE_FIRST + SITES; site++)
		epochs_look(view, site);
	/* Whom HQ had certified it has certified, and by the same key. */
	for (uint32_t i = 0; i < SITES; i++) {
		ASSERT(roster_certificate(view, SITE_FIRST + i, 1, &certificate,
					  NULL) == ERR_OK);
		ASSERT(memcmp(certificate.public_key, signer_public(sites[i]),
			      KEY_PUBLIC_SIZE) == 0);
	}
}

/* A row of nothing that anybody knows: void, and the feed goes on. */
static void go_on(void)
{
	const struct span nothing = SPAN_LITERAL("\xff");
	enum admission admission = take((struct feed_id){SITE, 1, 0},
					sites[SITE - SITE_FIRST], nothing);

	ASSERT(admission == ADMISSION_APPLIED || admission == ADMISSION_FENCED);
	/* HQ may have ended it; a site that nobody spoke of it has not. */
	admission =
		take((struct feed_id){SITE_CONTROL, 1, 0}, control[0], nothing);
	ASSERT(admission == ADMISSION_APPLIED || admission == ADMISSION_FENCED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = {(const char *)data + 1, size - 1};
	enum admission admission = ADMISSION_APPLIED;

	if (env == NULL)
		once();
	if (size < 2 || size > DELTA_ROWS_SIZE_MAX)
		return 0;
	switch ((enum turn)(data[0] % TURNS)) {
	case TURN_CONTROL:
		admission = take((struct feed_id){SITE_CONTROL, 1, 0},
				 control[0], bytes);
		ASSERT(admission == ADMISSION_APPLIED);
		break;
	case TURN_ROOT:
		admission = take((struct feed_id){SITE_CONTROL, 2, 0},
				 control[1], bytes);
		break;
	case TURN_HEIR:
		admission =
			take((struct feed_id){SITE, 2, 0}, heir_of_site, bytes);
		break;
	case TURNS:
		break;
	}
	ASSERT(admission_name(admission)[0] != '\0');
	roster_look();
	go_on();
	txn_abandon(txn);
	feed_desk_abandon(desk);
	begin();
	return 0;
}
