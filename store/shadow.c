#include "store/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/text.h"
#include "store/draft.h"
#include "store/mdbfile.h"

static enum err_code link_make(struct shadow *shadow, const char *folder,
			       struct err *err)
{
	char file[FILE_PATH_SIZE];
	char target[FILE_PATH_SIZE];
	char *whole;
	enum err_code code = file_path(folder, MDBFILE_NAME, file, err);

	if (code == ERR_OK)
		code = file_path(shadow->path, MDBFILE_NAME, target, err);
	if (code != ERR_OK)
		return code;
	/* A link within another folder needs the path from the root. */
	whole = realpath(file, NULL);
	if (whole == NULL || symlink(whole, target) < 0)
		code = file_error(err, errno, "link %s", file);
	free(whole);
	return code;
}

static enum err_code own_make(struct shadow *shadow, const char *folder,
			      const char *parent, struct err *err)
{
	enum err_code code =
		file_path(parent, "depot-shadow-XXXXXX", shadow->path, err);

	if (code != ERR_OK)
		return code;
	if (mkdtemp(shadow->path) == NULL)
		return file_error(err, errno, "make folder %s", shadow->path);
	shadow->is_own = true;
	return link_make(shadow, folder, err);
}

enum err_code shadow_open(const char *folder, const char *parent,
			  struct shadow *ret_shadow, struct err *err)
{
	struct shadow shadow = {.lock = LOCK_NONE};
	char file[FILE_PATH_SIZE];
	struct stat info;
	struct err busy;
	enum err_code code = file_path(folder, MDBFILE_NAME, file, err);

	if (code != ERR_OK)
		return code;
	if (stat(file, &info) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? err_set(err, ERR_NOT_COMMISSIONED,
					 "there is no store in %s", folder)
			       : file_error(err, errno, "stat %s", file);
	code = lock_guard(folder, &shadow.lock, &busy);
	if (code == ERR_AGAIN) {
		bool fits = text_format(shadow.path, sizeof(shadow.path), "%s",
					folder);

		ASSERT(fits); /* its file's path did */
		code = ERR_OK;
	} else if (code == ERR_OK) {
		code = own_make(&shadow, folder, parent, err);
	} else {
		(void)err_set(err, code, "%s", busy.text);
	}
	if (code != ERR_OK) {
		shadow_close(&shadow);
		return code;
	}
	*ret_shadow = shadow;
	return ERR_OK;
}

void shadow_close(struct shadow *shadow)
{
	/* What is left in a folder for temporary files harms nobody. */
	if (shadow->is_own && folder_remove(shadow->path, NULL) != ERR_OK)
		(void)rmdir(shadow->path);
	lock_close(&shadow->lock);
}
