#include "store/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "rules/base/datetime.h"
#include "store/file.h"
#include "store/seal.h"

/*
 * A line a fact, "word value", in this order, the last one the checksum of
 * the lines before it. Only what this wrote is read, so there is no second
 * form: a manifest reads if writing what it says gives the same bytes.
 */
#define MANIFEST_TITLE "depot-backup"
#define MANIFEST_FORMAT 1

static void hex_write(const uint8_t *bytes, size_t size, char *text)
{
	for (size_t i = 0; i < size; i++) {
		bool fits = text_format(text + 2 * i, 3, "%02x", bytes[i]);

		ASSERT(fits);
	}
}

/* Returns false if it does not fit, which a valid @info always does. */
static bool manifest_format(const struct backup_info *info, char *text)
{
	char net_id[2 * sizeof(info->net_id) + 1];
	char made[MOMENT_TEXT_SIZE];
	size_t size;

	hex_write(info->net_id, sizeof(info->net_id), net_id);
	if (!moment_print(info->made, made))
		return false;
	if (!text_format(text, MANIFEST_SIZE_MAX,
			 MANIFEST_TITLE
			 " %d\norg %.*s\nsite %.*s\nnet_id %s\n"
			 "pos %" PRIu32 ".%" PRIu64 "\nchain %016" PRIx64 "\n"
			 "entries %" PRIu64 "\nitems %" PRIu64 "\n"
			 "map_size %" PRIu64 "\nmade %s\n",
			 MANIFEST_FORMAT, (int)info->org.size, info->org.data,
			 (int)info->site.size, info->site.data, net_id,
			 pos_epoch(info->pos), pos_number(info->pos),
			 info->chain, info->entries, info->items,
			 info->map_size, made))
		return false;
	size = strlen(text);
	return text_format(text + size, MANIFEST_SIZE_MAX - size,
			   "checksum %016" PRIx64 "\n",
			   seal_checksum(0, (struct span){text, size}));
}

enum err_code manifest_write(const char *path, const struct backup_info *info,
			     struct err *err)
{
	char text[MANIFEST_SIZE_MAX];
	enum err_code code = ERR_OK;
	size_t size;
	int fd;

	if (!manifest_format(info, text))
		return err_set(err, ERR_INVALID, "no moment: when is it made?");
	size = strlen(text);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_error(err, errno, "create %s", path);
	if (write(fd, text, size) != (ssize_t)size || fsync(fd) < 0)
		code = file_error(err, errno, "write %s", path);
	if (close(fd) < 0 && code == ERR_OK)
		code = file_error(err, errno, "close %s", path);
	return code;
}

/* ---- reading ---- */

/* The value of the line "@word value" that @text begins with, which leaves
 * @text. Empty if that is not what comes. */
static struct span line_take(struct span *text, const char *word)
{
	size_t start = strlen(word) + 1;
	struct span value = {"", 0};
	const char *end = memchr(text->data, '\n', text->size);

	if (end == NULL || !span_starts(*text, word) ||
	    text->data + start > end || text->data[start - 1] != ' ')
		return value;
	value = (struct span){text->data + start,
			      (size_t)(end - text->data) - start};
	text->size -= (size_t)(end + 1 - text->data);
	text->data = end + 1;
	return value;
}

static bool hex_read(struct span text, uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	if (text.size != 2 * size)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		const char *digit = memchr(digits, text.data[i], 16);

		if (digit == NULL)
			return false;
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - digits));
	}
	return true;
}

static bool pos_read(struct span text, struct pos *ret_pos)
{
	const char *dot = memchr(text.data, '.', text.size);
	struct span epoch = text;
	uint64_t epoch_number;
	uint64_t number;

	if (dot == NULL)
		return false;
	epoch.size = (size_t)(dot - text.data);
	text.data += epoch.size + 1;
	text.size -= epoch.size + 1;
	if (!span_to_u64(epoch, EPOCH_MAX, &epoch_number) ||
	    !span_to_u64(text, POS_NUMBER_MAX, &number))
		return false;
	*ret_pos = pos_make((uint32_t)epoch_number, number);
	return true;
}

static bool facts_read(struct span text, struct backup_info *info)
{
	uint8_t chain[8] = {0};
	bool reads;

	reads = name_set(&info->org, line_take(&text, "org")) &&
		name_set(&info->site, line_take(&text, "site")) &&
		hex_read(line_take(&text, "net_id"), info->net_id,
			 sizeof(info->net_id)) &&
		pos_read(line_take(&text, "pos"), &info->pos) &&
		hex_read(line_take(&text, "chain"), chain, sizeof(chain)) &&
		span_to_u64(line_take(&text, "entries"), UINT64_MAX,
			    &info->entries) &&
		span_to_u64(line_take(&text, "items"), UINT64_MAX,
			    &info->items) &&
		span_to_u64(line_take(&text, "map_size"), UINT64_MAX,
			    &info->map_size) &&
		moment_parse(line_take(&text, "made"), &info->made);
	for (size_t i = 0; i < sizeof(chain); i++)
		info->chain = info->chain << 8 | chain[i];
	return reads;
}

static enum err_code file_read(const char *path, char *text, size_t *ret_size,
			       struct err *err)
{
	enum err_code code = ERR_OK;
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_NOT_FOUND,
			       "there is no %s: no backup, or one that was "
			       "not finished",
			       path);
	if (fd < 0)
		return file_error(err, errno, "open %s", path);
	size = read(fd, text, MANIFEST_SIZE_MAX);
	if (size < 0)
		code = file_error(err, errno, "read %s", path);
	else
		*ret_size = (size_t)size;
	(void)close(fd); /* opened for reading: nothing to lose */
	return code;
}

enum err_code manifest_read(const char *path, struct backup_info *ret_info,
			    struct err *err)
{
	struct backup_info info = {.chain = 0};
	char text[MANIFEST_SIZE_MAX];
	char again[MANIFEST_SIZE_MAX];
	struct span rest;
	size_t size = 0;
	uint64_t format;
	enum err_code code = file_read(path, text, &size, err);

	if (code != ERR_OK)
		return code;
	rest = (struct span){text, size};
	if (!span_to_u64(line_take(&rest, MANIFEST_TITLE), UINT64_MAX,
			 &format) ||
	    format == 0)
		return err_set(err, ERR_CORRUPT, "%s is no manifest", path);
	if (format > MANIFEST_FORMAT)
		return err_set(err, ERR_VERSION,
			       "%s was written by a newer depot", path);
	if (!facts_read(rest, &info) || !manifest_format(&info, again) ||
	    !span_equal((struct span){text, size}, span_of(again)))
		return err_set(err, ERR_CORRUPT, "%s is not as it was written",
			       path);
	*ret_info = info;
	return ERR_OK;
}
