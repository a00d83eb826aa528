#include "store/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

void keys_net_id(const uint8_t root_public[KEY_PUBLIC_SIZE],
		 uint8_t ret_net_id[NET_ID_SIZE])
{
	static const uint8_t domain[] = "depot net v1";

	(void)crypto_generichash(ret_net_id, NET_ID_SIZE, root_public,
				 KEY_PUBLIC_SIZE, domain, sizeof(domain) - 1);
}
