#include "gateway/edge/panel_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/replace.h"
#include "store/seal.h"

#define FROM_S 1704067200  /* 2024-01-01 */
#define UNTIL_S 2524607999 /* 2049-12-31, the last that UTCTime can say */
#define SERIAL_SIZE 16

static enum err_code gnutls_failed(struct err *err, int status,
				   const char *what)
{
	return err_set(err, ERR_IO, "%s: %s", what, gnutls_strerror(status));
}

/* ---- making ---- */

/* What a browser asks for by: the site's name, also as multicast DNS has it.
 * The address is no part of it: it changes. */
static int names_set(gnutls_x509_crt_t cert, struct span site)
{
	char name[96];
	int status;

	(void)text_format(name, sizeof(name), "depot %.*s", (int)site.size,
			  site.data);
	status =
		gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME,
					      0, name, (unsigned)strlen(name));
	if (status < 0)
		return status;
	(void)text_format(name, sizeof(name), "%.*s.local", (int)site.size,
			  site.data);
	return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME,
						    name,
						    (unsigned)strlen(name),
						    GNUTLS_FSAN_SET);
}

static int cert_fill(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
		     struct span site)
{
	uint8_t serial[SERIAL_SIZE];
	int status;

	seal_random(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, whole */
	status = gnutls_x509_crt_set_version(cert, 3);
	if (status >= 0)
		status = gnutls_x509_crt_set_serial(cert, serial,
						    sizeof(serial));
	if (status >= 0)
		status = gnutls_x509_crt_set_activation_time(cert, FROM_S);
	if (status >= 0)
		status = gnutls_x509_crt_set_expiration_time(cert, UNTIL_S);
	if (status >= 0)
		status = names_set(cert, site);
	if (status >= 0)
		status = gnutls_x509_crt_set_key(cert, key);
	if (status >= 0)
		status = gnutls_x509_crt_set_basic_constraints(cert, 0, -1);
	if (status >= 0)
		status = gnutls_x509_crt_set_key_purpose_oid(
			cert, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (status >= 0)
		status = gnutls_x509_crt_sign2(cert, cert, key,
					       GNUTLS_DIG_SHA256, 0);
	return status;
}

static int pem_export(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key,
		      struct panel_cert *made)
{
	size_t size = sizeof(made->cert) - 1;
	int status = gnutls_x509_crt_export(cert, GNUTLS_X509_FMT_PEM,
					    made->cert, &size);

	if (status < 0)
		return status;
	made->cert[size] = '\0';
	size = sizeof(made->key) - 1;
	status = gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, made->key,
					    &size);
	if (status >= 0)
		made->key[size] = '\0';
	return status;
}

static enum err_code cert_make(struct span site, struct panel_cert *made,
			       struct err *err)
{
	const unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t cert = NULL;
	int status = gnutls_x509_privkey_init(&key);

	if (status >= 0)
		status = gnutls_x509_crt_init(&cert);
	if (status >= 0)
		status = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						      bits, 0);
	if (status >= 0)
		status = cert_fill(cert, key, site);
	if (status >= 0)
		status = pem_export(cert, key, made);
	if (cert != NULL)
		gnutls_x509_crt_deinit(cert);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	return status < 0 ? gnutls_failed(err, status, "make a certificate")
			  : ERR_OK;
}

/* ---- the files ---- */

static enum err_code pem_write(int folder, const char *name, const char *text,
			       mode_t mode, struct err *err)
{
	struct replace replace;
	enum err_code code = replace_begin(&replace, folder, name, mode, err);

	if (code != ERR_OK)
		return code;
	(void)fputs(text, replace.out);
	return replace_commit(&replace, true, err);
}

/* ERR_NOT_FOUND (@err untouched): it is not there. */
static enum err_code pem_read(int folder, const char *name, mode_t refused,
			      char text[PANEL_PEM_SIZE], struct err *err)
{
	struct stat info;
	enum err_code code = ERR_OK;
	ssize_t count;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND
				       : err_sys(err, errno, "open %s", name);
	count = read(fd, text, PANEL_PEM_SIZE - 1);
	if (count < 0 || fstat(fd, &info) < 0)
		code = err_sys(err, errno, "read %s", name);
	else if ((info.st_mode & refused) != 0)
		code = err_set(err, ERR_UNSAFE, "%s has mode %04o", name,
			       (unsigned)info.st_mode & 07777u);
	(void)close(fd); /* opened for reading: nothing to lose */
	text[count < 0 ? 0 : count] = '\0';
	return code;
}

static enum err_code files_take(int folder, struct span site,
				struct panel_cert *cert, struct err *err)
{
	enum err_code has_key =
		pem_read(folder, PANEL_KEY_NAME, 07177, cert->key, err);
	enum err_code has_cert;
	enum err_code code;

	if (has_key != ERR_OK && has_key != ERR_NOT_FOUND)
		return has_key;
	has_cert = pem_read(folder, PANEL_CERT_NAME, 07022, cert->cert, err);
	if (has_cert != ERR_OK && has_cert != ERR_NOT_FOUND)
		return has_cert;
	if (has_key == ERR_OK && has_cert == ERR_OK)
		return ERR_OK;
	/* A key whose certificate was not written any more is of no use. */
	if (has_cert == ERR_OK)
		return err_set(err, ERR_CORRUPT,
			       PANEL_CERT_NAME " is there, and " PANEL_KEY_NAME
					       " is not: take it away");
	code = cert_make(site, cert, err);
	if (code == ERR_OK)
		code = pem_write(folder, PANEL_KEY_NAME, cert->key, 0600, err);
	if (code == ERR_OK)
		code = pem_write(folder, PANEL_CERT_NAME, cert->cert, 0644,
				 err);
	return code;
}

/* ---- the fingerprint ---- */

static void fingerprint_print(const uint8_t *bytes, size_t size,
			      char text[PANEL_FINGERPRINT_SIZE])
{
	for (size_t i = 0; i < size; i++)
		(void)text_format(text + 3 * i, 4, "%02X%s", bytes[i],
				  i + 1 < size ? ":" : "");
}

static enum err_code fingerprint_make(struct panel_cert *cert, struct err *err)
{
	gnutls_datum_t datum = {(unsigned char *)cert->cert,
				(unsigned)strlen(cert->cert)};
	gnutls_x509_crt_t read;
	uint8_t hash[32];
	size_t size = sizeof(hash);
	int status = gnutls_x509_crt_init(&read);

	if (status < 0)
		return gnutls_failed(err, status, "read a certificate");
	status = gnutls_x509_crt_import(read, &datum, GNUTLS_X509_FMT_PEM);
	if (status >= 0)
		status = gnutls_x509_crt_get_fingerprint(
			read, GNUTLS_DIG_SHA256, hash, &size);
	gnutls_x509_crt_deinit(read);
	if (status < 0)
		return err_set(err, ERR_CORRUPT, PANEL_CERT_NAME ": %s",
			       gnutls_strerror(status));
	fingerprint_print(hash, size, cert->fingerprint);
	return ERR_OK;
}

enum err_code panel_cert_take(const char *folder, struct span site,
			      struct panel_cert *ret_cert, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code code;

	if (fd < 0)
		return err_sys(err, errno, "open folder %s", folder);
	code = files_take(fd, site, ret_cert, err);
	(void)close(fd); /* opened for reading */
	if (code == ERR_OK)
		code = fingerprint_make(ret_cert, err);
	if (code != ERR_OK)
		panel_cert_wipe(ret_cert);
	return code == ERR_OK
		       ? ERR_OK
		       : err_wrap(err, code, "certificate in %s", folder);
}

void panel_cert_wipe(struct panel_cert *cert)
{
	seal_wipe(cert->key, sizeof(cert->key));
}
