#include "store/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/bytes.h"
#include "store/feed.h"
#include "store/file.h"
#include "store/journal.h"
#include "store/seal.h"

#define GUARD_VERSION 2
/* Without HQ's words. */
#define GUARD_VERSION_FIRST 1
#define GUARD_MAGIC "depot guard"
#define GUARD_SIZE_MAX 256
#define FLAG_WORDS 1
#define FLAG_SURE 2
#define MACHINE_FILE "/etc/machine-id"
#define MACHINE_TAG "depot machine v1"

const char *guard_verdict_name(enum guard_verdict verdict)
{
	static const char *const names[] = {
		[GUARD_SAME] = "same",       [GUARD_ROLLBACK] = "rollback",
		[GUARD_MISSING] = "missing", [GUARD_MOVED] = "moved",
		[GUARD_FOREIGN] = "foreign",
	};

	ASSERT(verdict >= GUARD_SAME && verdict <= GUARD_FOREIGN);
	return names[verdict];
}

/* ---- bytes ---- */

static void words_encode(struct writer *writer, const struct guard *guard)
{
	write_u8(writer, (guard->has_words ? FLAG_WORDS : 0) |
				 (guard->is_sure ? FLAG_SURE : 0));
	for (size_t i = 0; i < GUARD_FEEDS; i++) {
		write_u32(writer, guard->words.ends[i].epoch);
		write_u64(writer, guard->words.ends[i].seq);
		write_raw(writer, guard->words.ends[i].hash, HASH_SIZE);
	}
}

static void guard_encode(struct writer *writer, const struct guard *guard)
{
	struct span bytes;

	write_raw(writer, GUARD_MAGIC, sizeof(GUARD_MAGIC));
	write_u8(writer, GUARD_VERSION);
	write_raw(writer, guard->net_id, NET_ID_SIZE);
	write_u32(writer, guard->site);
	write_u32(writer, guard->epoch);
	write_u64(writer, guard->seq);
	write_raw(writer, guard->hash, HASH_SIZE);
	write_u64(writer, guard->number);
	write_raw(writer, guard->machine, GUARD_MACHINE_SIZE);
	words_encode(writer, guard);
	bytes = (struct span){(const char *)writer->data, writer->size};
	write_u64(writer, seal_checksum(0, bytes));
	ASSERT(writer_ok(writer));
}

static void read_copy(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static void words_decode(struct reader *reader, struct guard *guard)
{
	uint8_t flags = read_u8(reader);

	guard->has_words = (flags & FLAG_WORDS) != 0;
	guard->is_sure = (flags & FLAG_SURE) != 0;
	for (size_t i = 0; i < GUARD_FEEDS; i++) {
		guard->words.ends[i].epoch = read_u32(reader);
		guard->words.ends[i].seq = read_u64(reader);
		read_copy(reader, guard->words.ends[i].hash, HASH_SIZE);
	}
}

static enum err_code guard_decode(struct span bytes, struct guard *ret_guard)
{
	struct guard guard = {.has_words = false};
	struct reader reader;
	struct span magic;
	uint8_t version;

	reader_init(&reader, bytes.data, bytes.size);
	magic = read_raw(&reader, sizeof(GUARD_MAGIC));
	version = read_u8(&reader);
	if (!reader_ok(&reader) ||
	    memcmp(magic.data, GUARD_MAGIC, sizeof(GUARD_MAGIC)) != 0)
		return ERR_CORRUPT;
	if (version > GUARD_VERSION)
		return ERR_VERSION;
	read_copy(&reader, guard.net_id, NET_ID_SIZE);
	guard.site = read_u32(&reader);
	guard.epoch = read_u32(&reader);
	guard.seq = read_u64(&reader);
	read_copy(&reader, guard.hash, HASH_SIZE);
	guard.number = read_u64(&reader);
	read_copy(&reader, guard.machine, GUARD_MACHINE_SIZE);
	if (version > GUARD_VERSION_FIRST)
		words_decode(&reader, &guard);
	bytes.size = reader.at;
	if (read_u64(&reader) != seal_checksum(0, bytes) ||
	    !reader_done(&reader))
		return ERR_CORRUPT;
	*ret_guard = guard;
	return ERR_OK;
}

/* ---- the file ---- */

static enum err_code folder_sync(const char *path, struct err *err)
{
	char folder[FILE_PATH_SIZE];
	const char *slash = strrchr(path, '/');
	size_t size = slash == NULL ? 0 : (size_t)(slash - path);
	enum err_code code = ERR_OK;
	int fd;

	if (!text_format(folder, sizeof(folder), "%.*s", (int)size, path))
		return err_set(err, ERR_INVALID, "path too long: %.60s", path);
	if (slash == NULL)
		(void)text_format(folder, sizeof(folder), ".");
	else if (size == 0)
		(void)text_format(folder, sizeof(folder), "/");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_error(err, errno, "open %.200s", folder);
	if (fsync(fd) < 0)
		code = file_error(err, errno, "sync %.200s", folder);
	(void)close(fd);
	return code;
}

static enum err_code file_fill(const char *path, struct span bytes,
			       struct err *err)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	enum err_code code = ERR_OK;

	if (fd < 0)
		return file_error(err, errno, "open %.200s", path);
	errno = ENOSPC; /* of a write that is only short */
	if (write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size ||
	    fsync(fd) < 0)
		code = file_error(err, errno, "write %.200s", path);
	if (close(fd) < 0 && code == ERR_OK)
		code = file_error(err, errno, "close %.200s", path);
	return code;
}

enum err_code guard_write(const char *path, const struct guard *guard,
			  struct err *err)
{
	uint8_t buffer[GUARD_SIZE_MAX];
	char draft[FILE_PATH_SIZE];
	struct writer writer;
	enum err_code code = file_beside(path, ".partial", draft, err);

	writer_init(&writer, buffer, sizeof(buffer));
	guard_encode(&writer, guard);
	if (code == ERR_OK)
		code = file_fill(
			draft, (struct span){(const char *)buffer, writer.size},
			err);
	if (code == ERR_OK && rename(draft, path) < 0)
		code = file_error(err, errno, "rename to %.200s", path);
	if (code == ERR_OK)
		code = folder_sync(path, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "start guard");
	return ERR_OK;
}

/* Up to @size bytes of a small file; -1: errno says why. */
static ssize_t file_load(const char *path, void *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;
	int number;

	if (fd < 0)
		return -1;
	got = read(fd, buffer, size);
	number = errno;
	(void)close(fd);
	errno = number;
	return got;
}

enum err_code guard_read(const char *path, struct guard *ret_guard,
			 struct err *err)
{
	char buffer[GUARD_SIZE_MAX];
	ssize_t size = file_load(path, buffer, sizeof(buffer));
	enum err_code code;

	if (size < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (size < 0)
		return file_error(err, errno, "start guard %.200s", path);
	code = guard_decode((struct span){buffer, (size_t)size}, ret_guard);
	if (code != ERR_OK)
		return err_set(err, code, "start guard %.200s is %s", path,
			       code == ERR_VERSION ? "of a newer depot"
						   : "damaged");
	return ERR_OK;
}

void guard_machine(uint8_t ret_machine[GUARD_MACHINE_SIZE])
{
	static const uint8_t no_net[NET_ID_SIZE] = {0};
	char text[64];
	ssize_t size = file_load(MACHINE_FILE, text, sizeof(text));

	_Static_assert(GUARD_MACHINE_SIZE == HASH_SIZE, "it is a hash");
	memset(ret_machine, 0, GUARD_MACHINE_SIZE);
	if (size > 0)
		seal_hash(MACHINE_TAG, no_net,
			  (struct span){text, (size_t)size}, ret_machine);
}

/* ---- judging ---- */

static enum err_code own_note(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct feed_record *own = context;

	(void)err;
	if (feed->is_own && feed->seq > 0 && feed->id.site == own->id.site &&
	    (feed->id.epoch > own->id.epoch || feed->seq >= own->seq))
		*own = *feed;
	return ERR_OK;
}

enum err_code guard_of(const struct view *view,
		       const uint8_t net_id[NET_ID_SIZE], uint32_t site,
		       struct guard *ret_guard, struct err *err)
{
	struct feed_record own = {.id = {.site = site}};
	struct guard guard = {.site = site, .has_words = site == SITE_FIRST};
	enum err_code code = feed_walk(view, NULL, own_note, &own, err);

	if (code == ERR_OK && guard.has_words)
		code = guard_words_of(view, &guard.words, err);
	if (code == ERR_OK && own.seq == 0 &&
	    guard.words.ends[GUARD_CONTROL].seq == 0)
		return ERR_NOT_FOUND;
	if (code != ERR_OK)
		return code;
	memcpy(guard.net_id, net_id, NET_ID_SIZE);
	guard.epoch = own.id.epoch;
	guard.seq = own.seq;
	memcpy(guard.hash, own.hash, HASH_SIZE);
	guard.number = own.number;
	guard_machine(guard.machine);
	*ret_guard = guard;
	return ERR_OK;
}

struct own_search {
	uint32_t site;
	uint32_t epoch;
	struct feed_record own;
};

/* Past a fork of our own feed, this box's branch is the longest. */
static enum err_code epoch_note(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct own_search *search = context;

	(void)err;
	if (feed->is_own && feed->id.site == search->site &&
	    feed->id.epoch == search->epoch && feed->seq >= search->own.seq)
		search->own = *feed;
	return ERR_OK;
}

enum err_code guard_witness(const struct view *view, struct feed_id feed,
			    uint64_t seq, const uint8_t hash[HASH_SIZE],
			    enum guard_verdict *ret_verdict, struct err *err)
{
	struct own_search search = {
		.site = feed.site, .epoch = feed.epoch, .own = {.id = feed}};
	uint8_t ours[HASH_SIZE];
	enum err_code code;

	if (seq == 0) {
		*ret_verdict = GUARD_SAME;
		return ERR_OK;
	}
	code = feed_walk(view, NULL, epoch_note, &search, err);
	if (code != ERR_OK)
		return code;
	code = feed_hash_at(view, search.own.id, seq, ours, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_verdict = code == ERR_OK && memcmp(ours, hash, HASH_SIZE) == 0
			       ? GUARD_SAME
			       : GUARD_ROLLBACK;
	return ERR_OK;
}

static bool machine_is_other(const struct guard *guard, const struct guard *now)
{
	static const uint8_t unknown[GUARD_MACHINE_SIZE] = {0};

	return memcmp(guard->machine, unknown, sizeof(unknown)) != 0 &&
	       memcmp(guard->machine, now->machine, GUARD_MACHINE_SIZE) != 0;
}

struct sealed_last {
	struct pos pos;
	bool is_found;
	struct entry entry;
};

static enum err_code sealed_note(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct sealed_last *last = context;

	(void)err;
	if (pos.value != last->pos.value)
		return ERR_OK;
	last->is_found = true;
	last->entry = *entry;
	return ERR_STOPPED;
}

/* But for what stays in the box. */
static bool entries_are_same(const struct entry *a, const struct entry *b)
{
	const struct entry *both[] = {a, b};
	UNINITIALIZED uint8_t bytes[2][ENTRY_SIZE_MAX];
	struct writer writers[2];

	for (size_t i = 0; i < 2; i++) {
		struct entry told = *both[i];

		told.actor.boot.size = 0;
		told.actor.seq = 0;
		writer_init(&writers[i], bytes[i], ENTRY_SIZE_MAX);
		entry_encode(&writers[i], &told);
	}
	return writers[0].size == writers[1].size &&
	       memcmp(bytes[0], bytes[1], writers[0].size) == 0;
}

/* The last entry of @feed's head; not found where its rows cannot be read. */
static enum err_code sealed_read(const struct view *view,
				 const uint8_t net_id[NET_ID_SIZE],
				 const struct feed_record *feed,
				 struct sealed_last *last, struct err *err)
{
	struct delta_place place = {feed->id, feed->seq};
	struct feed_desk *desk;
	enum err_code code = feed_desk_open(net_id, &desk, err);

	if (code != ERR_OK)
		return code;
	code = feed_entries(desk, view, &place, sealed_note, last, err);
	feed_desk_close(desk);
	return code == ERR_STOPPED || code == ERR_NOT_FOUND ? ERR_OK : code;
}

/*
 * A box that was set back gets its feed from peers before its journal has it
 * (core/incarnation.h). If it was killed in between, the feed is what the guard
 * remembers, and the journal is not: what it would journal next has numbers
 * that are sealed, and would never leave.
 */
static enum err_code journal_judge(const struct view *view,
				   const struct guard *now,
				   enum guard_verdict *ret_verdict,
				   struct err *err)
{
	struct own_search search = {.site = now->site, .epoch = now->epoch};
	struct sealed_last last = {.pos = pos_make(now->epoch, now->number)};
	struct journal_head head;
	struct entry entry;
	enum err_code code = journal_head_get(view, &head, err);

	if (code != ERR_OK || now->seq == 0 ||
	    pos_epoch(head.pos) != now->epoch)
		return code;
	code = journal_read(view, last.pos, &entry, err);
	if (code == ERR_NOT_FOUND) {
		*ret_verdict = GUARD_ROLLBACK;
		return ERR_OK;
	}
	if (code == ERR_VERSION)
		return ERR_OK;
	if (code == ERR_OK)
		code = feed_walk(view, NULL, epoch_note, &search, err);
	if (code == ERR_OK)
		code = sealed_read(view, now->net_id, &search.own, &last, err);
	if (code == ERR_OK && last.is_found &&
	    !entries_are_same(&last.entry, &entry))
		*ret_verdict = GUARD_ROLLBACK;
	return code;
}

enum err_code guard_judge(const struct view *view, const struct guard *guard,
			  const struct guard *now,
			  enum guard_verdict *ret_verdict, struct err *err)
{
	struct feed_id feed = {guard->site, guard->epoch, 0};
	enum err_code code;

	if (guard->site != now->site ||
	    memcmp(guard->net_id, now->net_id, NET_ID_SIZE) != 0) {
		*ret_verdict = GUARD_FOREIGN;
		return ERR_OK;
	}
	code = guard_witness(view, feed, guard->seq, guard->hash, ret_verdict,
			     err);
	if (code == ERR_OK && *ret_verdict == GUARD_SAME)
		code = journal_judge(view, now, ret_verdict, err);
	if (code == ERR_OK && *ret_verdict == GUARD_SAME &&
	    machine_is_other(guard, now))
		*ret_verdict = GUARD_MOVED;
	return code;
}

/* Of HQ's words, where a guard of this box is there. */
static enum err_code words_judge(const struct view *view,
				 const struct guard *guard,
				 enum guard_verdict own,
				 enum guard_verdict *ret_words, struct err *err)
{
	struct guard now;
	bool are_held = false;
	enum err_code code;

	*ret_words = own == GUARD_FOREIGN ? GUARD_FOREIGN : GUARD_MISSING;
	if (own == GUARD_FOREIGN || !guard->has_words)
		return ERR_OK;
	guard_machine(now.machine);
	code = guard_words_held(view, &guard->words, &are_held, err);
	if (code != ERR_OK)
		return code;
	if (!are_held)
		*ret_words = GUARD_ROLLBACK;
	else if (machine_is_other(guard, &now))
		*ret_words = GUARD_MOVED;
	else if (guard->is_sure)
		*ret_words = GUARD_SAME;
	return ERR_OK;
}

enum err_code guard_recall(const struct guard_place *place,
			   const struct view *view,
			   struct guard_memory *ret_memory, struct err *err)
{
	struct guard_memory memory = {.verdict = GUARD_MISSING,
				      .words = GUARD_MISSING};
	struct guard now;
	enum err_code seen = guard_read(place->path, &memory.guard, NULL);
	enum err_code code =
		guard_of(view, place->net_id, place->site, &now, err);

	memory.has_guard = seen == ERR_OK;
	if (code == ERR_OK && memory.has_guard)
		code = guard_judge(view, &memory.guard, &now, &memory.verdict,
				   err);
	else if (code == ERR_NOT_FOUND && memory.has_guard)
		memory.verdict = GUARD_ROLLBACK;
	else if (code == ERR_NOT_FOUND && seen == ERR_NOT_FOUND)
		memory.verdict = GUARD_SAME;
	if (code == ERR_NOT_FOUND)
		code = ERR_OK;
	if (code == ERR_OK && place->site != SITE_FIRST)
		memory.words = GUARD_SAME;
	else if (code == ERR_OK && memory.has_guard)
		code = words_judge(view, &memory.guard, memory.verdict,
				   &memory.words, err);
	if (code == ERR_OK)
		*ret_memory = memory;
	return code;
}

/* ---- saving ---- */

/* The end of the own feed that is not here stays, until another epoch goes on.
 */
static enum err_code own_keep(const struct view *view, const struct guard *old,
			      struct guard *guard, struct err *err)
{
	struct feed_id feed = {old->site, old->epoch, 0};
	enum guard_verdict verdict = GUARD_SAME;
	enum err_code code = ERR_OK;

	if (old->epoch >= guard->epoch)
		code = guard_witness(view, feed, old->seq, old->hash, &verdict,
				     err);
	if (code != ERR_OK || verdict == GUARD_SAME)
		return code;
	guard->epoch = old->epoch;
	guard->seq = old->seq;
	memcpy(guard->hash, old->hash, HASH_SIZE);
	guard->number = old->number;
	return ERR_OK;
}

/* What is remembered, and not here, stays remembered. */
static enum err_code memory_keep(const struct guard_place *place,
				 const struct view *view, struct guard *guard,
				 struct err *err)
{
	struct guard old;
	enum err_code code;

	if (guard_read(place->path, &old, NULL) != ERR_OK ||
	    old.site != guard->site ||
	    memcmp(old.net_id, guard->net_id, NET_ID_SIZE) != 0)
		return ERR_OK;
	code = own_keep(view, &old, guard, err);
	if (code != ERR_OK || !old.has_words || !guard->has_words)
		return code;
	guard->words = old.words;
	guard->is_sure = old.is_sure && !machine_is_other(&old, guard);
	return guard_words_raise(view, &guard->words, err);
}

/* @is_sure: NULL: as it was. */
static enum err_code memory_save(const struct guard_place *place,
				 const struct view *view, const bool *is_sure,
				 struct err *err)
{
	struct guard guard;
	enum err_code code =
		guard_of(view, place->net_id, place->site, &guard, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		code = memory_keep(place, view, &guard, err);
	if (is_sure != NULL)
		guard.is_sure = *is_sure;
	return code == ERR_OK ? guard_write(place->path, &guard, err) : code;
}

enum err_code guard_save(const struct guard_place *place,
			 const struct view *view, struct err *err)
{
	return memory_save(place, view, NULL, err);
}

enum err_code guard_vouch(const struct guard_place *place,
			  const struct view *view, bool is_sure,
			  struct err *err)
{
	return memory_save(place, view, &is_sure, err);
}
