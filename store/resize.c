#include "store/resize.h"

#include "store/draft.h"
#include "store/file.h"

/* What a crash left: the store as it was, or a copy of it. Both are ours to
 * remove, as we hold the store's lock. */
static enum err_code leftover_clear(const char *copy, struct err *err)
{
	if (env_absent(copy, NULL) == ERR_OK)
		return ERR_OK;
	return folder_remove(copy, err);
}

static enum err_code resize_in(struct env *env, const char *path,
			       const char *copy, uint64_t map_size,
			       struct err *err)
{
	enum err_code code = leftover_clear(copy, err);

	if (code == ERR_OK)
		code = env_copy(env, copy, map_size, err);
	/* Under the lock: what another writer put into the old one between
	 * copy and exchange would be lost. */
	if (code == ERR_OK)
		code = folder_exchange(copy, path, err);
	return code;
}

enum err_code store_resize(const char *path, uint64_t map_size, struct err *err)
{
	char copy[FILE_PATH_SIZE];
	struct env *env;
	enum err_code removed;
	enum err_code code = file_beside(path, ".resized", copy, err);

	if (code == ERR_OK)
		code = env_open(path, ENV_WRITE, &env, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "resize");
	code = resize_in(env, path, copy, map_size, err);
	env_close(env);
	/* The old one now, or a copy that did not come to be. */
	removed = leftover_clear(copy, code == ERR_OK ? err : NULL);
	if (code == ERR_OK)
		code = removed;
	if (code != ERR_OK)
		return err_wrap(err, code, "resize %s", path);
	return ERR_OK;
}
