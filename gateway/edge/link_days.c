#include "gateway/edge/link_days.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "gateway/edge/replace.h"

/* Room for a name and three numbers in each line. */
#define DAYS_TEXT_SIZE (LINK_DAYS_MAX * (NAME_SIZE_MAX + 64))
#define DAYS_PATH_SIZE 512

/* Takes the word before the next blank, and the blank. */
static struct span word_take(struct span *line)
{
	struct span word = {line->data, 0};

	while (word.size < line->size && line->data[word.size] != ' ')
		word.size++;
	line->data += word.size;
	line->size -= word.size;
	if (line->size > 0) {
		line->data++;
		line->size--;
	}
	return word;
}

static bool line_read(struct span line, struct link_day *day)
{
	struct span name = word_take(&line);
	uint64_t number;

	if (!text_is_name(name) || !name_set(&day->name, name) ||
	    !span_to_u64(word_take(&line), INT32_MAX, &number) ||
	    !span_to_u64(word_take(&line), INT64_MAX, &day->used.in) ||
	    !span_to_u64(word_take(&line), INT64_MAX, &day->used.out))
		return false;
	day->day = (int64_t)number;
	return line.size == 0;
}

void link_days_read(const char *path, struct link_day days[LINK_DAYS_MAX])
{
	char text[DAYS_TEXT_SIZE];
	size_t count = 0;
	ssize_t size;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	memset(days, 0, LINK_DAYS_MAX * sizeof(*days));
	if (fd < 0)
		return;
	size = read(fd, text, sizeof(text));
	(void)close(fd); /* opened for reading: nothing to lose */
	for (ssize_t at = 0; at < size && count < LINK_DAYS_MAX;) {
		struct span line = {text + at, 0};

		while (at < size && text[at] != '\n') {
			line.size++;
			at++;
		}
		at++;
		if (line_read(line, &days[count]))
			count++;
		else
			days[count] = (struct link_day){.day = 0};
	}
}

static void lines_write(FILE *out, const struct link_day days[LINK_DAYS_MAX])
{
	for (size_t i = 0; i < LINK_DAYS_MAX; i++) {
		const struct link_day *day = &days[i];

		if (day->name.size == 0)
			continue;
		(void)fprintf(out, "%.*s %" PRId64 " %" PRIu64 " %" PRIu64 "\n",
			      (int)day->name.size, day->name.data, day->day,
			      day->used.in, day->used.out);
	}
}

enum err_code link_days_write(const char *path,
			      const struct link_day days[LINK_DAYS_MAX],
			      struct err *err)
{
	char folder[DAYS_PATH_SIZE];
	struct replace replace;
	char *slash;
	enum err_code code;
	int fd;

	if (!text_format(folder, sizeof(folder), "%s", path))
		return err_set(err, ERR_IO, "the path is too long: %s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return err_set(err, ERR_IO, "no folder in %s", path);
	*slash = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_IO, "open folder %s", folder);
	code = replace_begin(&replace, fd, slash + 1, 0600, err);
	if (code == ERR_OK) {
		lines_write(replace.out, days);
		code = replace_commit(&replace, false, err);
	}
	(void)close(fd); /* opened for reading */
	return code;
}
