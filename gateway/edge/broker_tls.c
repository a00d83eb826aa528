#include "gateway/edge/broker_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/broker_files.h"
#include "gateway/edge/replace.h"
#include "store/seal.h"

#define PEM_SIZE_MAX 65536
#define PEM_MODE 0600

struct pem {
	const char *path;
	const char *name; /* of the copy */
	const char *label;
	bool is_secret;
	size_t size;
	char text[PEM_SIZE_MAX + 1];
};

static enum err_code pem_check(const struct pem *pem, struct err *err)
{
	if (pem->size > PEM_SIZE_MAX)
		return err_set(err, ERR_INVALID, "it has more than %d bytes",
			       PEM_SIZE_MAX);
	if (strlen(pem->text) != pem->size ||
	    strstr(pem->text, "-----BEGIN ") == NULL ||
	    strstr(pem->text, pem->label) == NULL)
		return err_set(err, ERR_INVALID, "it has no PEM of a %s",
			       pem->label);
	if (pem->is_secret && strstr(pem->text, "ENCRYPTED") != NULL)
		return err_set(err, ERR_INVALID,
			       "it has a password, which nobody could type");
	return ERR_OK;
}

static enum err_code pem_fill(struct pem *pem, int fd, struct err *err)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "look at it");
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_INVALID, "it is no regular file");
	if (pem->is_secret && (info.st_mode & 07) != 0)
		return err_set(err, ERR_UNSAFE,
			       "it has mode %04o, others must not read it",
			       (unsigned)info.st_mode & 07777u);
	while (pem->size < sizeof(pem->text)) {
		ssize_t count = read(fd, pem->text + pem->size,
				     sizeof(pem->text) - pem->size);

		if (count < 0)
			return err_sys(err, errno, "read it");
		if (count == 0)
			break;
		pem->size += (size_t)count;
	}
	pem->text[pem->size < PEM_SIZE_MAX ? pem->size : PEM_SIZE_MAX] = '\0';
	return pem_check(pem, err);
}

static enum err_code pem_write(const struct pem *pem, int folder,
			       struct err *err)
{
	struct replace replace;
	enum err_code code =
		replace_begin(&replace, folder, pem->name, PEM_MODE, err);

	if (code != ERR_OK)
		return code;
	(void)fwrite(pem->text, 1, pem->size, replace.out);
	return replace_commit(&replace, false, err);
}

/* Links are followed: who renews certificates keeps them so. */
static enum err_code pem_copy(struct pem *pem, int folder, struct err *err)
{
	int fd = open(pem->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum err_code code;

	pem->size = 0;
	if (fd < 0)
		return err_sys(err, errno, "open %s", pem->path);
	code = pem_fill(pem, fd, err);
	(void)close(fd); /* opened for reading: nothing to lose */
	if (code == ERR_OK)
		code = pem_write(pem, folder, err);
	seal_wipe(pem->text, sizeof(pem->text));
	return code == ERR_OK ? ERR_OK : err_wrap(err, code, "%s", pem->path);
}

enum err_code broker_tls_copy(const struct broker_config *config, int folder,
			      struct err *err)
{
	/* Too large for the stack; the loop's alone. */
	static struct pem certificate;
	static struct pem key;
	enum err_code code;

	if (config->tls_port == 0) {
		(void)unlinkat(folder, BROKER_CERT_NAME, 0); /* mostly none */
		(void)unlinkat(folder, BROKER_KEY_NAME, 0);
		return ERR_OK;
	}
	certificate.path = config->tls_cert;
	certificate.name = BROKER_CERT_NAME;
	certificate.label = "CERTIFICATE";
	key.path = config->tls_key;
	key.name = BROKER_KEY_NAME;
	key.label = "PRIVATE KEY";
	key.is_secret = true;
	code = pem_copy(&certificate, folder, err);
	if (code == ERR_OK)
		code = pem_copy(&key, folder, err);
	return code == ERR_OK ? ERR_OK
			      : err_wrap(err, code, "TLS of the broker");
}
