#include "gateway/edge/panel_badge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/replace.h"
#include "store/seal.h"

#define FIRST_LINE "depot-page-badges 1\n"
#define LINE_SIZE 192

void badge_draw(char *ret_text, size_t size)
{
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

	seal_random(ret_text, size);
	for (size_t i = 0; i + 1 < size; i++)
		ret_text[i] = letters[(unsigned char)ret_text[i] % 32];
	ret_text[size - 1] = '\0';
}

void badge_hash(struct span token, uint8_t ret_hash[BADGE_HASH_SIZE])
{
	uint8_t whole[SEAL_STRETCH_SIZE];

	seal_stretch(token, SPAN_LITERAL("depot page"), 1, whole);
	memcpy(ret_hash, whole, BADGE_HASH_SIZE);
	seal_wipe(whole, sizeof(whole));
}

/* ---- the list ---- */

/* Every byte is looked at, whatever the first ones say. */
static bool hash_equal(const uint8_t *a, const uint8_t *b)
{
	uint8_t differs = 0;

	for (size_t i = 0; i < BADGE_HASH_SIZE; i++)
		differs |= (uint8_t)(a[i] ^ b[i]);
	return differs == 0;
}

bool badges_find(const struct badges *badges, struct span token,
		 size_t *ret_index)
{
	uint8_t hash[BADGE_HASH_SIZE];
	bool is_found = false;

	badge_hash(token, hash);
	for (size_t i = 0; i < BADGES_MAX; i++) {
		const struct badge *badge = &badges->at[i];

		if (hash_equal(badge->hash, hash) && badge->device.size > 0) {
			*ret_index = i;
			is_found = true;
		}
	}
	return is_found;
}

bool badges_find_device(const struct badges *badges, struct span device,
			size_t *ret_index)
{
	for (size_t i = 0; i < BADGES_MAX; i++) {
		if (!span_equal(name_span(&badges->at[i].device), device))
			continue;
		*ret_index = i;
		return true;
	}
	return false;
}

enum err_code badges_put(struct badges *badges, const struct badge *badge,
			 size_t *ret_index)
{
	size_t index;

	ASSERT(badge->device.size > 0);
	if (!badges_find_device(badges, name_span(&badge->device), &index) &&
	    !badges_find_device(badges, (struct span){"", 0}, &index))
		return ERR_FULL;
	badges->at[index] = *badge;
	*ret_index = index;
	return ERR_OK;
}

/* ---- a line ---- */

static struct span word_take(struct span *rest)
{
	struct span word = {rest->data, 0};

	while (word.size < rest->size && rest->data[word.size] != ' ' &&
	       rest->data[word.size] != '\n')
		word.size++;
	rest->data += word.size;
	rest->size -= word.size;
	if (rest->size > 0) {
		rest->data++;
		rest->size--;
	}
	return word;
}

static bool digit_read(char digit, uint8_t *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit == '\0' ? NULL : strchr(digits, digit);

	if (at == NULL)
		return false;
	*value = (uint8_t)(*value << 4 | (uint8_t)(at - digits));
	return true;
}

static bool hash_read(struct span text, uint8_t *hash)
{
	if (text.size != 2 * BADGE_HASH_SIZE)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (!digit_read(text.data[i], &hash[i / 2]))
			return false;
	return true;
}

static bool line_read(const char *line, struct badge *badge)
{
	struct span rest = span_of(line);
	struct span device = word_take(&rest);
	struct span account = word_take(&rest);
	struct span hash = word_take(&rest);
	struct span since = word_take(&rest);
	uint64_t since_ms;

	memset(badge, 0, sizeof(*badge));
	if (strchr(line, '\n') == NULL || rest.size != 0 ||
	    !text_is_name(device) || !name_set(&badge->device, device) ||
	    !text_is_name(account) || !name_set(&badge->account, account) ||
	    !hash_read(hash, badge->hash) ||
	    !span_to_u64(since, MOMENT_MS_MAX, &since_ms))
		return false;
	badge->since.ms = (int64_t)since_ms;
	return true;
}

static void line_write(FILE *out, const struct badge *badge)
{
	(void)fprintf(out, "%.*s %.*s ", (int)badge->device.size,
		      badge->device.data, (int)badge->account.size,
		      badge->account.data);
	for (size_t i = 0; i < BADGE_HASH_SIZE; i++)
		(void)fprintf(out, "%02x", badge->hash[i]);
	(void)fprintf(out, " %" PRId64 "\n", badge->since.ms);
}

/* ---- the file ---- */

static enum err_code lines_read(FILE *in, struct badges *badges,
				struct err *err)
{
	struct badge badge;
	char line[LINE_SIZE];
	unsigned number = 1;
	size_t index;

	if (fgets(line, sizeof(line), in) == NULL ||
	    strcmp(line, FIRST_LINE) != 0)
		return err_set(err, ERR_CORRUPT,
			       BADGES_NAME ":1: not a file of badges");
	while (fgets(line, sizeof(line), in) != NULL) {
		number++;
		if (!line_read(line, &badge) ||
		    badges_put(badges, &badge, &index) != ERR_OK)
			return err_set(err, ERR_CORRUPT,
				       BADGES_NAME ":%u: not a badge", number);
	}
	if (ferror(in) != 0)
		return err_set(err, ERR_IO, "read " BADGES_NAME);
	return ERR_OK;
}

static enum err_code file_read(int fd, struct badges *badges, struct err *err)
{
	struct stat info;
	enum err_code code;
	FILE *in;

	if (fstat(fd, &info) == 0 && (info.st_mode & 07177) != 0) {
		(void)close(fd);
		return err_set(err, ERR_UNSAFE,
			       BADGES_NAME " has mode %04o, must be 0600",
			       (unsigned)info.st_mode & 07777u);
	}
	in = fdopen(fd, "r");
	if (in == NULL) {
		code = err_sys(err, errno, "open " BADGES_NAME);
		(void)close(fd);
		return code;
	}
	code = lines_read(in, badges, err);
	(void)fclose(in); /* opened for reading: nothing to lose */
	return code;
}

static enum err_code folder_open(const char *folder, int *ret_fd,
				 struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "open folder %s", folder);
	*ret_fd = fd;
	return ERR_OK;
}

enum err_code badges_load(const char *folder, struct badges *ret_badges,
			  struct err *err)
{
	struct badges badges = {.at = {{.device = {.size = 0}}}};
	int folder_fd = -1;
	int fd;
	enum err_code code = folder_open(folder, &folder_fd, err);

	if (code != ERR_OK)
		return code;
	fd = openat(folder_fd, BADGES_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		code = file_read(fd, &badges, err);
	else if (errno != ENOENT)
		code = err_sys(err, errno, "open " BADGES_NAME);
	(void)close(folder_fd); /* opened for reading */
	if (code == ERR_OK)
		*ret_badges = badges;
	return code;
}

enum err_code badges_save(const char *folder, const struct badges *badges,
			  struct err *err)
{
	struct replace replace;
	int fd;
	enum err_code code = folder_open(folder, &fd, err);

	if (code != ERR_OK)
		return code;
	code = replace_begin(&replace, fd, BADGES_NAME, 0600, err);
	if (code == ERR_OK) {
		(void)fputs(FIRST_LINE, replace.out);
		for (size_t i = 0; i < BADGES_MAX; i++)
			if (badges->at[i].device.size > 0)
				line_write(replace.out, &badges->at[i]);
		code = replace_commit(&replace, true, err);
	}
	(void)close(fd); /* opened for reading */
	return code;
}
