#include "gateway/edge/mqtt_write.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rules/base/check.h"

/* What Paho calls its two threads begins so. */
#define PAHO_NAME "MQTTAsync"
#define THREAD_NAME_SIZE 16
#define OPENSSL_WANT_WRITE 3 /* SSL_ERROR_WANT_WRITE: no room */

static _Atomic uint64_t failures;

uint64_t mqtt_write_failures(void)
{
	return atomic_load(&failures);
}

static bool is_paho_thread(void)
{
	char name[THREAD_NAME_SIZE] = "";

	return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
	       strncmp(name, PAHO_NAME, strlen(PAHO_NAME)) == 0;
}

/* From here on nothing more can come through @fd: part of what was sent before
 * would be missing. */
static void connection_end(int fd)
{
	(void)shutdown(fd, SHUT_RDWR); /* it may be gone already */
	atomic_fetch_add(&failures, 1);
}

static ssize_t size_of(const struct iovec *parts, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	return (ssize_t)size;
}

/* Paho's write to a plain connection; for all others what it always was. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t result = syscall(SYS_writev, fd, parts, count);
	int saved = errno;

	if (result >= 0 || saved == EAGAIN || !is_paho_thread()) {
		errno = saved;
		return result;
	}
	connection_end(fd);
	return size_of(parts, count);
}

/* ---- the same by TLS; of OpenSSL, which only Paho brings ---- */

int SSL_write(void *tls, const void *data, int size);

struct openssl {
	int (*write)(void *tls, const void *data, int size);
	int (*get_error)(const void *tls, int result);
	int (*get_fd)(const void *tls);
	void (*clear_error)(void);
};

static struct openssl openssl;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void symbol_find(const char *name, void *ret_function, size_t size)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	ASSERT(symbol != NULL); /* Paho would not be here without */
	memcpy(ret_function, &symbol, size);
}

static void openssl_find(void)
{
	symbol_find("SSL_write", &openssl.write, sizeof(openssl.write));
	symbol_find("SSL_get_error", &openssl.get_error,
		    sizeof(openssl.get_error));
	symbol_find("SSL_get_fd", &openssl.get_fd, sizeof(openssl.get_fd));
	symbol_find("ERR_clear_error", &openssl.clear_error,
		    sizeof(openssl.clear_error));
}

void mqtt_write_begin(void)
{
	(void)pthread_once(&once, openssl_find);
}

int SSL_write(void *tls, const void *data, int size)
{
	int result = openssl.write(tls, data, size);

	if (result > 0 ||
	    openssl.get_error(tls, result) == OPENSSL_WANT_WRITE ||
	    !is_paho_thread())
		return result;
	connection_end(openssl.get_fd(tls));
	openssl.clear_error(); /* else the next call would find this one's */
	return size;
}
