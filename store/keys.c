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

/* ---- signing ---- */

struct signer {
	uint8_t public_half[KEY_PUBLIC_SIZE];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

/* Others' rights: to a key, and to a credential, where systemd's ACL for the
 * one user shows as the group's reading. */
#define KEY_MODE_REFUSED 077
#define CREDENTIAL_MODE_REFUSED 037

_Static_assert(SIGNATURE_SIZE == crypto_sign_BYTES &&
		       KEY_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES,
	       "Ed25519");

/* Locked in memory where the system allows it, with guard pages around. */
static enum err_code signer_allocate(struct signer **ret_signer,
				     struct err *err)
{
	struct signer *signer = NULL;

	if (sodium_init() >= 0)
		signer = sodium_malloc(sizeof(*signer));
	if (signer == NULL)
		return err_set(err, ERR_FULL, "no memory for a key");
	*ret_signer = signer;
	return ERR_OK;
}

static struct signer *signer_ready(struct signer *signer)
{
	/* One more wall; where the system has none, nothing is lost. */
	(void)sodium_mprotect_readonly(signer);
	return signer;
}

enum err_code signer_of_seed(const uint8_t seed[32], struct signer **ret_signer,
			     struct err *err)
{
	struct signer *signer;
	enum err_code code = signer_allocate(&signer, err);

	if (code != ERR_OK)
		return code;
	(void)crypto_sign_seed_keypair(signer->public_half, signer->secret,
				       seed); /* always 0 */
	*ret_signer = signer_ready(signer);
	return ERR_OK;
}

static enum err_code key_check(int fd, mode_t refused, struct err *err)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "stat");
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_UNSAFE, "it is no regular file");
	if ((info.st_mode & refused) != 0)
		return err_set(err, ERR_UNSAFE, "mode is %04o, must be 0600",
			       (unsigned)info.st_mode & 07777u);
	return ERR_OK;
}

/* *@ret_fd is -1 if it fails. */
static enum err_code key_open(const char *folder, const char *name, int *ret_fd,
			      struct err *err)
{
	int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int number = errno;
	int fd = -1;

	if (folder_fd >= 0) {
		/* O_NONBLOCK: a FIFO of that name is not waited for. */
		fd = openat(folder_fd, name,
			    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		number = errno;
		(void)close(folder_fd); /* opened for reading */
	}
	*ret_fd = fd;
	if (fd >= 0)
		return ERR_OK;
	if (number == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is none");
	if (number == ELOOP)
		return err_set(err, ERR_UNSAFE, "it is a link");
	return err_sys(err, number, "open");
}

/* The secret half ends in the public one, which follows from its seed: that
 * tells a key from what was damaged. */
static enum err_code key_load(int fd, struct signer *signer, struct err *err)
{
	uint8_t file[crypto_sign_SECRETKEYBYTES + 1];
	ssize_t size = read(fd, file, sizeof(file));
	enum err_code code = ERR_OK;

	if (size < 0) {
		code = err_sys(err, errno, "read");
	} else if (size != crypto_sign_SECRETKEYBYTES) {
		code = err_set(err, ERR_CORRUPT, "it is no key");
	} else if (sodium_is_zero(file, (size_t)size) != 0) {
		code = err_set(err, ERR_NOT_FOUND, "it was written over");
	} else {
		(void)crypto_sign_seed_keypair(signer->public_half,
					       signer->secret, file);
		if (sodium_memcmp(signer->secret, file, (size_t)size) != 0)
			code = err_set(err, ERR_CORRUPT,
				       "its halves do not belong together");
	}
	sodium_memzero(file, sizeof(file));
	return code;
}

static enum err_code signer_load(const char *folder, const char *name,
				 mode_t refused, struct signer **ret_signer,
				 struct err *err)
{
	struct signer *signer = NULL;
	enum err_code code;
	int fd;

	code = key_open(folder, name, &fd, err);
	if (code != ERR_OK)
		goto out;
	code = key_check(fd, refused, err);
	if (code != ERR_OK)
		goto out;
	code = signer_allocate(&signer, err);
	if (code != ERR_OK)
		goto out;
	code = key_load(fd, signer, err);
	if (code == ERR_OK)
		*ret_signer = signer_ready(signer);
out:
	if (fd >= 0)
		(void)close(fd); /* opened for reading */
	if (code == ERR_OK)
		return ERR_OK;
	signer_close(signer);
	return err_wrap(err, code, "key %s/%s", folder, name);
}

enum err_code keys_seed(const char *folder, const char *name,
			uint8_t ret_seed[KEY_SEED_SIZE], struct err *err)
{
	struct signer *signer;
	enum err_code code =
		signer_load(folder, name, KEY_MODE_REFUSED, &signer, err);

	if (code != ERR_OK)
		return code;
	memcpy(ret_seed, signer->secret, KEY_SEED_SIZE);
	signer_close(signer);
	return ERR_OK;
}

static enum err_code key_overwrite(int folder, const char *name,
				   struct err *err)
{
	static const uint8_t zeros[crypto_sign_SECRETKEYBYTES];
	enum err_code code = ERR_OK;
	int fd = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no key %s", name);
	if (fd < 0)
		return err_sys(err, errno, "open key file %s", name);
	if (write(fd, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros) ||
	    fsync(fd) < 0)
		code = err_sys(err, errno, "write over key file %s", name);
	(void)close(fd); /* synced */
	return code;
}

enum err_code keys_destroy(const char *folder, const char *name,
			   struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code code;

	if (fd < 0)
		return err_sys(err, errno, "open folder %s", folder);
	code = key_overwrite(fd, name, err);
	if (code == ERR_OK && (unlinkat(fd, name, 0) < 0 || fsync(fd) < 0))
		code = err_sys(err, errno, "remove key file %s", name);
	(void)close(fd); /* opened for reading */
	return code;
}

enum err_code signer_open(const char *folder, const char *name,
			  struct signer **ret_signer, struct err *err)
{
	return signer_load(folder, name, KEY_MODE_REFUSED, ret_signer, err);
}

enum err_code signer_find(const char *credentials, const char *folder,
			  const char *name, struct signer **ret_signer,
			  struct err *err)
{
	enum err_code code = ERR_NOT_FOUND;

	if (credentials != NULL)
		code = signer_load(credentials, name, CREDENTIAL_MODE_REFUSED,
				   ret_signer, err);
	if (code == ERR_NOT_FOUND)
		code = signer_open(folder, name, ret_signer, err);
	return code;
}

void signer_close(struct signer *signer)
{
	sodium_free(signer); /* wipes; takes NULL */
}

const uint8_t *signer_public(const struct signer *signer)
{
	return signer->public_half;
}

/* What is signed, into @message of SEAL_PREFIX_SIZE + SIGNED_SIZE_MAX bytes;
 * returns its size. */
static size_t message_make(const char *tag, const uint8_t net_id[NET_ID_SIZE],
			   struct span bytes, uint8_t *message)
{
	seal_prefix(tag, net_id, message);
	if (bytes.size > 0)
		memcpy(message + SEAL_PREFIX_SIZE, bytes.data, bytes.size);
	return SEAL_PREFIX_SIZE + bytes.size;
}

void signer_sign(const struct signer *signer, const char *tag,
		 const uint8_t net_id[NET_ID_SIZE], struct span bytes,
		 uint8_t ret_signature[SIGNATURE_SIZE])
{
	uint8_t message[SEAL_PREFIX_SIZE + SIGNED_SIZE_MAX] UNINITIALIZED;
	size_t size;

	ASSERT(bytes.size <= SIGNED_SIZE_MAX);
	size = message_make(tag, net_id, bytes, message);
	(void)crypto_sign_detached(ret_signature, NULL, message, size,
				   signer->secret); /* always 0 */
}

bool signature_is_good(const uint8_t public_key[KEY_PUBLIC_SIZE],
		       const char *tag, const uint8_t net_id[NET_ID_SIZE],
		       struct span bytes,
		       const uint8_t signature[SIGNATURE_SIZE])
{
	uint8_t message[SEAL_PREFIX_SIZE + SIGNED_SIZE_MAX] UNINITIALIZED;
	size_t size;

	if (bytes.size > SIGNED_SIZE_MAX)
		return false;
	size = message_make(tag, net_id, bytes, message);
	return crypto_sign_verify_detached(signature, message, size,
					   public_key) == 0;
}
