#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/text.h"
#include "store/file.h"

#define PID_TEXT_SIZE 24

/* The holder may be between locking and writing its number: then the file
 * is empty or has a dead process's number, and we name nobody. */
static enum err_code lock_refused(int fd, struct err *err)
{
	char text[PID_TEXT_SIZE];
	ssize_t size = pread(fd, text, sizeof(text), 0);
	uint64_t pid;

	if (size > 1 && text[size - 1] == '\n' &&
	    span_to_u64((struct span){text, (size_t)size - 1}, INT32_MAX, &pid))
		return err_set(err, ERR_AGAIN,
			       "process %llu writes this store: stop it first",
			       (unsigned long long)pid);
	return err_set(err, ERR_AGAIN,
		       "another process writes this store: stop it first");
}

/* Only the sentence is at stake: a full disk must not keep a store shut. */
static void pid_write(int fd)
{
	char text[PID_TEXT_SIZE];

	(void)text_format(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, strlen(text), 0);
}

enum err_code lock_open(const char *folder, struct lock *ret_lock,
			struct err *err)
{
	char path[FILE_PATH_SIZE];
	enum err_code code;
	int fd;

	code = file_path(folder, LOCK_FILE_NAME, path, err);
	if (code != ERR_OK)
		return code;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return file_error(err, errno, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		code = errno == EWOULDBLOCK
			       ? lock_refused(fd, err)
			       : err_sys(err, errno, "lock %s", path);
		(void)close(fd); /* nothing was written that could be lost */
		return code;
	}
	pid_write(fd);
	ret_lock->fd = fd;
	return ERR_OK;
}

enum err_code lock_guard(const char *folder, struct lock *ret_lock,
			 struct err *err)
{
	char path[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, LOCK_FILE_NAME, path, err);
	int fd;

	if (code != ERR_OK)
		return code;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		*ret_lock = LOCK_NONE;
		return ERR_OK;
	}
	if (fd < 0)
		return file_error(err, errno, "open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		code = errno == EWOULDBLOCK
			       ? lock_refused(fd, err)
			       : err_sys(err, errno, "lock %s", path);
		(void)close(fd); /* it was only read */
		return code;
	}
	ret_lock->fd = fd;
	return ERR_OK;
}

void lock_close(struct lock *lock)
{
	if (lock->fd < 0)
		return;
	/* Only the sentence is at stake, so a failure is no accident; a lock
	 * of lock_guard fails always. */
	(void)!ftruncate(lock->fd, 0);
	(void)close(lock->fd);
	*lock = LOCK_NONE;
}

static struct claim *claims;
static pthread_mutex_t claims_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t claims_once = PTHREAD_ONCE_INIT;

static void claims_lock(void)
{
	(void)pthread_mutex_lock(&claims_mutex); /* cannot fail: ours */
}

static void claims_unlock(void)
{
	(void)pthread_mutex_unlock(&claims_mutex);
}

/* A child (store/child.h) opens stores, too: it must not inherit the mutex from
 * a thread that it does not have. */
static void claims_keep_over_fork(void)
{
	int number = pthread_atfork(claims_lock, claims_unlock, claims_unlock);

	ASSERT(number == 0); /* once, at the start */
}

enum err_code claim_begin(struct claim *claim, const char *path,
			  struct err *err)
{
	const struct claim *other;
	struct stat info;

	if (stat(path, &info) < 0)
		return file_error(err, errno, "stat %s", path);
	(void)pthread_once(&claims_once, claims_keep_over_fork);
	claims_lock();
	for (other = claims; other != NULL; other = other->next)
		if (other->holder == getpid() && other->device == info.st_dev &&
		    other->inode == info.st_ino)
			break;
	if (other == NULL) {
		claim->holder = getpid();
		claim->device = info.st_dev;
		claim->inode = info.st_ino;
		claim->next = claims;
		claims = claim;
	}
	claims_unlock();
	if (other != NULL)
		return err_set(err, ERR_AGAIN,
			       "this process has the store open already");
	return ERR_OK;
}

void claim_end(struct claim *claim)
{
	claims_lock();
	for (struct claim **at = &claims; *at != NULL; at = &(*at)->next)
		if (*at == claim) {
			*at = claim->next;
			break;
		}
	claims_unlock();
}
