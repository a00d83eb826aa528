#include "gateway/edge/broker_passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/broker_files.h"
#include "gateway/edge/replace.h"

#define FILE_MODE 0640
/* Of accounts that came and went since the broker's start there may be more
 * than BROKER_ACCOUNTS_MAX; of this many bytes a broker is not held up. */
#define FILE_SIZE_MAX (16 << 20)

struct line {
	struct span name;
	struct span hash;
	bool is_account; /* of broker_account.h, still */
};

/* The file as it is, in memory. */
struct old {
	char *text;
	size_t size;
	struct line *lines;
	size_t count;
	size_t next; /* where the next account most likely stands */
	bool is_sound;
};

static void old_free(struct old *old)
{
	free(old->text);
	free(old->lines);
}

/* ---- reading ---- */

static bool line_read(struct span text, struct line *line)
{
	const char *colon = memchr(text.data, ':', text.size);

	if (colon == NULL)
		return false;
	line->name = (struct span){text.data, (size_t)(colon - text.data)};
	line->hash = (struct span){colon + 1, text.size - line->name.size - 1};
	return true;
}

static enum err_code lines_read(struct old *old, struct err *err)
{
	const char *end = old->text + old->size;
	size_t feeds = 0;

	for (const char *at = old->text; at < end; at++)
		feeds += *at == '\n';
	old->lines = calloc(feeds + 1, sizeof(*old->lines));
	if (old->lines == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	old->is_sound = old->size > 0 && end[-1] == '\n';
	for (const char *at = old->text; old->is_sound && at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		struct span text = {at, (size_t)(feed - at)};

		old->is_sound = line_read(text, &old->lines[old->count++]);
		at = feed + 1;
	}
	return ERR_OK;
}

static enum err_code text_read(int fd, struct old *old, struct err *err)
{
	struct stat info;
	ssize_t got = 0;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "look at " BROKER_PASSWD_NAME);
	if (info.st_size > FILE_SIZE_MAX)
		return err_set(err, ERR_FULL,
			       BROKER_PASSWD_NAME " is too long: restart the "
						  "broker");
	old->text = malloc((size_t)info.st_size + 1);
	if (old->text == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	do {
		old->size += (size_t)got;
		got = read(fd, old->text + old->size,
			   (size_t)info.st_size - old->size);
	} while (got > 0);
	if (got < 0)
		return err_sys(err, errno, "read " BROKER_PASSWD_NAME);
	return lines_read(old, err);
}

/* @old is to be freed, whatever comes. */
static enum err_code old_read(int folder, struct old *old, struct err *err)
{
	int fd = openat(folder, BROKER_PASSWD_NAME,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum err_code code;

	*old = (struct old){.is_sound = false};
	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0)
		return err_sys(err, errno, "open " BROKER_PASSWD_NAME);
	code = text_read(fd, old, err);
	(void)close(fd); /* opened for reading */
	return code;
}

/* Accounts stand in the order of the file, mostly. */
static struct line *line_find(struct old *old, struct span name)
{
	for (size_t i = 0; i < old->count; i++) {
		size_t at = (old->next + i) % old->count;

		if (span_equal(old->lines[at].name, name)) {
			old->next = at + 1;
			return &old->lines[at];
		}
	}
	return NULL;
}

/* ---- what has changed ---- */

struct comparison {
	struct old old;
	bool is_changed;
};

static enum err_code account_compare(void *context,
				     const struct broker_account *account,
				     struct err *err)
{
	struct comparison *comparison = context;
	const struct line *line =
		line_find(&comparison->old, name_span(&account->name));

	(void)err;
	if (line != NULL && !span_is(line->hash, account->hash))
		comparison->is_changed = true;
	return ERR_OK;
}

enum err_code broker_passwd_is_changed(int folder, const char *keys,
				       bool *ret_is_changed, struct err *err)
{
	struct comparison comparison = {.is_changed = false};
	enum err_code code = old_read(folder, &comparison.old, err);

	if (code == ERR_OK)
		code = broker_account_walk(keys, account_compare, &comparison,
					   err);
	if (code == ERR_OK)
		*ret_is_changed =
			comparison.is_changed || !comparison.old.is_sound;
	old_free(&comparison.old);
	return code;
}

/* ---- writing ---- */

struct writing {
	struct old old;
	FILE *out;
};

static enum err_code account_write(void *context,
				   const struct broker_account *account,
				   struct err *err)
{
	struct writing *writing = context;
	struct line *line = line_find(&writing->old, name_span(&account->name));

	(void)err;
	if (line != NULL)
		line->is_account = true;
	broker_passwd_add(writing->out, account);
	return ERR_OK;
}

static void gone_write(const struct writing *writing)
{
	for (size_t i = 0; i < writing->old.count; i++) {
		const struct line *line = &writing->old.lines[i];

		if (!line->is_account && !span_is(line->name, BROKER_USER))
			(void)fprintf(writing->out, "%.*s:%.*s\n",
				      (int)line->name.size, line->name.data,
				      (int)line->hash.size, line->hash.data);
	}
}

static enum err_code file_write(int folder, const char *keys, const char *hash,
				struct writing *writing, struct err *err)
{
	struct replace replace;
	enum err_code code = replace_begin(&replace, folder, BROKER_PASSWD_NAME,
					   FILE_MODE, err);

	if (code != ERR_OK)
		return code;
	writing->out = replace.out;
	broker_passwd_begin(replace.out, hash);
	code = broker_account_walk(keys, account_write, writing, err);
	if (code != ERR_OK) {
		replace_abandon(&replace);
		return code;
	}
	gone_write(writing);
	return replace_commit(&replace, false, err);
}

enum err_code broker_passwd_write(int folder, const char *keys,
				  const char *hash, bool is_kept,
				  struct err *err)
{
	struct writing writing = {.out = NULL};
	enum err_code code = ERR_OK;

	if (is_kept)
		code = old_read(folder, &writing.old, err);
	if (code == ERR_OK)
		code = file_write(folder, keys, hash, &writing, err);
	old_free(&writing.old);
	return code;
}
