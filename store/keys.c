#include "store/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/ids.h"

static enum err_code key_write(int folder, const char *name,
			       const uint8_t *secret, size_t size,
			       struct err *err)
{
	enum err_code code = ERR_OK;
	int fd;

	(void)unlinkat(folder, name, 0); /* absent is as good */
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return err_sys(err, errno, "create key file %s", name);
	if (write(fd, secret, size) != (ssize_t)size || fsync(fd) < 0)
		code = err_sys(err, errno, "write key file %s", name);
	if (close(fd) < 0 && code == ERR_OK)
		code = err_sys(err, errno, "close key file %s", name);
	if (code == ERR_OK && fsync(folder) < 0)
		code = err_sys(err, errno, "sync the folder of keys");
	return code;
}

enum err_code keys_make(const char *folder, const char *name,
			uint8_t ret_public[KEY_PUBLIC_SIZE], struct err *err)
{
	uint8_t public_half[crypto_sign_PUBLICKEYBYTES];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	enum err_code code;
	int fd;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create folder %s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open folder %s", folder);
	(void)crypto_sign_keypair(public_half, secret); /* always 0 */
	code = key_write(fd, name, secret, sizeof(secret), err);
	sodium_memzero(secret, sizeof(secret));
	(void)close(fd); /* opened for reading: nothing to lose */
	if (code == ERR_OK)
		memcpy(ret_public, public_half, sizeof(public_half));
	return code;
}

void keys_epoch_name(uint32_t epoch, char *name)
{
	bool fits = text_format(name, KEY_NAME_SIZE, "epoch-%" PRIu32 ".key",
				epoch);

	ASSERT(fits);
}

/* 0 if it is no name of an epoch's key. */
static uint32_t epoch_of_name(struct span name)
{
	static const struct span start = {"epoch-", 6};
	static const struct span end = {".key", 4};
	uint64_t epoch;

	if (name.size <= start.size + end.size ||
	    !span_starts(name, start.data) ||
	    memcmp(name.data + name.size - end.size, end.data, end.size) != 0)
		return 0;
	name.data += start.size;
	name.size -= start.size + end.size;
	return span_to_u64(name, EPOCH_MAX, &epoch) ? (uint32_t)epoch : 0;
}

enum err_code keys_epoch_last(const char *folder, uint32_t *ret_epoch,
			      struct err *err)
{
	DIR *listing = opendir(folder);
	const struct dirent *entry;
	uint32_t last = 0;
	int number;

	if (listing == NULL && errno == ENOENT) {
		*ret_epoch = 0;
		return ERR_OK;
	}
	if (listing == NULL)
		return err_sys(err, errno, "list %s", folder);
	errno = 0;
	while ((entry = readdir(listing)) != NULL) {
		uint32_t epoch = epoch_of_name(span_of(entry->d_name));

		if (epoch > last)
			last = epoch;
		errno = 0;
	}
	number = errno;
	(void)closedir(listing);
	if (number != 0)
		return err_sys(err, number, "list %s", folder);
	*ret_epoch = last;
	return ERR_OK;
}

void keys_net_id(const uint8_t root_public[KEY_PUBLIC_SIZE],
		 uint8_t ret_net_id[NET_ID_SIZE])
{
	static const uint8_t domain[] = "depot net v1";

	(void)crypto_generichash(ret_net_id, NET_ID_SIZE, root_public,
				 KEY_PUBLIC_SIZE, domain, sizeof(domain) - 1);
}
