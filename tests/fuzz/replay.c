/*
 * replay - runs every file of a folder through a fuzz target, so that what
 * fuzzing once found stays found in every profile. A folder without files is
 * a failure: nothing would have been tested.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rules/base/text.h"
#include "tests/fuzz/fuzz.h"

#define PATH_SIZE 4096

/* Reads the file at @path and feeds it. False if it cannot be read. */
static bool replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat info;
	uint8_t *data = NULL;
	size_t size = 0;
	bool is_read = false;

	if (file == NULL)
		return false;
	if (fstat(fileno(file), &info) == 0) {
		size = (size_t)info.st_size;
		data = malloc(size == 0 ? 1 : size);
	}
	if (data != NULL)
		is_read = fread(data, 1, size, file) == size;
	(void)fclose(file); /* it was only read */
	if (is_read)
		(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return is_read;
}

static bool replay_entry(const char *folder, const char *name)
{
	char path[PATH_SIZE];

	if (!text_format(path, sizeof(path), "%s/%s", folder, name) ||
	    !replay_file(path)) {
		(void)fprintf(stderr, "cannot read %s/%s\n", folder, name);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int found =
		argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
	int replayed = 0;
	bool is_good = true;

	if (found < 0) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < found; i++) {
		if (entries[i]->d_name[0] != '.') {
			is_good = replay_entry(argv[1], entries[i]->d_name) &&
				  is_good;
			replayed++;
		}
		free(entries[i]);
	}
	free(entries);
	printf("replayed %d files of %s\n", replayed, argv[1]);
	return is_good && replayed > 0 ? 0 : 1;
}
