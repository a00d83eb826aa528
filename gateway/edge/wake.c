#include "gateway/edge/wake.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum err_code wake_init(struct wake *wake, struct err *err)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return err_sys(err, errno, "eventfd");
	wake->fd = fd;
	atomic_init(&wake->is_armed, false);
	return ERR_OK;
}

void wake_release(struct wake *wake)
{
	/* 0 is what an all-zero wake has; eventfd never gives it to us, as a
	 * program has its standard input open. */
	if (wake->fd > 0)
		(void)close(wake->fd);
	wake->fd = 0;
}

void wake_signal(struct wake *wake)
{
	static const uint64_t one = 1;
	int saved = errno;

	if (atomic_exchange_explicit(&wake->is_armed, false,
				     memory_order_acq_rel)) {
		/* It fails only when the counter is full: readable as well. */
		ssize_t ignored = write(wake->fd, &one, sizeof(one));

		(void)ignored;
	}
	errno = saved;
}

void wake_arm(struct wake *wake)
{
	(void)atomic_exchange_explicit(&wake->is_armed, true,
				       memory_order_acq_rel);
}

void wake_disarm(struct wake *wake)
{
	uint64_t count;

	(void)atomic_exchange_explicit(&wake->is_armed, false,
				       memory_order_acq_rel);
	/* EAGAIN: nobody signalled. One read empties an eventfd. */
	if (read(wake->fd, &count, sizeof(count)) < 0)
		return;
}

void wake_wait(const struct wake *wake, int timeout_ms)
{
	struct pollfd item = {.fd = wake->fd, .events = POLLIN};

	/* A signal handler may end it early; the sleeper looks anyway. */
	(void)poll(&item, 1, timeout_ms);
}
