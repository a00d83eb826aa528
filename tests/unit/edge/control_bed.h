/*
 * A control socket on a real store, engine, keeper, clerk and loop; and
 * clients that talk to it over the socket, in the test's own thread.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_CONTROL_BED_H
#define DEPOT_TESTS_UNIT_EDGE_CONTROL_BED_H

#include "tests/support/warehouse.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

#include "gateway/edge/auditor.h"
#include "gateway/edge/control.h"
#include "gateway/edge/control_request.h"

#define BED_SLOTS 64
#define BED_PATIENCE_S 180 /* before a test gives up */
#define BED_TEXT (REPLY_SIZE_MAX + CONTROL_STATUS_SIZE + 1)

struct bed {
	struct warehouse w;
	struct engine *engine;
	struct ring *ring;
	struct wake ring_wake;
	struct wake loop_wake;
	struct clock clock;
	struct loop *loop;
	struct keeper *keeper;
	struct clerk *clerk;
	struct auditor *auditor;
	struct control *control;
	char socket[96];
	char ring_path[96];
	/* What the ports saw. */
	struct name scanned;
	char payload[256];
	bool has_broker;
	_Atomic int64_t ahead_ms; /* of this machine's clocks */
	char reply[BED_TEXT];
};

/* ---- a clock that can be moved on ---- */

static int64_t bed_clock_ns(clockid_t clock, const struct bed *bed)
{
	struct timespec now;

	assert_int_equal(clock_gettime(clock, &now), 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec +
	       bed->ahead_ms * 1000000;
}

static int64_t bed_wall_ms(void *context)
{
	return bed_clock_ns(CLOCK_REALTIME, context) / 1000000;
}

static int64_t bed_monotonic_ns(void *context)
{
	return bed_clock_ns(CLOCK_MONOTONIC, context);
}

static int64_t bed_boot_ns(void *context)
{
	return bed_clock_ns(CLOCK_BOOTTIME, context);
}

static bool bed_is_synchronised(void *context)
{
	(void)context;
	return true;
}

static const struct clock_port bed_port = {bed_wall_ms, bed_monotonic_ns,
					   bed_boot_ns, bed_is_synchronised};

static void bed_status(void *context, struct json_out *out)
{
	(void)context;
	out_string_at(out, "broker", "up");
}

static enum err_code bed_scan(void *context, struct span device,
			      struct span payload)
{
	struct bed *bed = context;

	if (!bed->has_broker)
		return ERR_AGAIN;
	assert_true(name_set(&bed->scanned, device));
	text_print(payload, bed->payload, sizeof(bed->payload));
	return ERR_OK;
}

static bool bed_extra(void *context, const struct json_value *arguments,
		      struct json_out *out)
{
	struct span word;
	struct fault fault;

	(void)context;
	if (json_text(arguments, "word", &word, &fault) != ERR_OK) {
		control_fault(out, &fault);
		return false;
	}
	out_text_at(out, "echo", word);
	return true;
}

static void bed_account(struct bed *bed, const char *name, uint32_t roles,
			uint64_t uid_plus_1)
{
	struct entry entry;

	warehouse_begin(&bed->w);
	entry_init(&entry, ENTRY_ACCOUNT);
	assert_true(name_set(&entry.body.account.name, span_of(name)));
	entry.body.account.roles = roles;
	entry.body.account.uid = uid_plus_1;
	(void)warehouse_post(&bed->w, &entry);
	warehouse_commit(&bed->w);
}

static void bed_ring_open(struct bed *bed)
{
	struct ring_config config = {.path = bed->ring_path,
				     .slot_count = BED_SLOTS,
				     .wake = &bed->ring_wake};
	struct ring_report report;
	struct err err;

	assert_done(wake_init(&bed->ring_wake, &err), &err);
	assert_done(wake_init(&bed->loop_wake, &err), &err);
	assert_done(ring_open(&config, &bed->ring, &report, &err), &err);
}

static void bed_keeper_start(struct bed *bed)
{
	struct engine_plan plan = {.parked = {100, 100000},
				   .session_timeout_ms = 60000};
	struct keeper_config config = {.ledger = bed->w.ledger,
				       .ring = bed->ring,
				       .ring_wake = &bed->ring_wake,
				       .clock = &bed->clock,
				       .loop_wake = &bed->loop_wake,
				       .batch_max = 16};
	struct err err;

	assert_done(engine_open(&plan, ledger_identity(bed->w.ledger),
				&bed->engine, &err),
		    &err);
	config.engine = bed->engine;
	assert_done(keeper_start(&config, &bed->keeper, &err), &err);
}

static struct control_config bed_config(struct bed *bed)
{
	static struct control_extra extra = {"echo", (uint32_t)ROLE_MANAGER,
					     bed_extra, NULL};

	return (struct control_config){.path = bed->socket,
				       .ledger = bed->w.ledger,
				       .keeper = bed->keeper,
				       .clerk = bed->clerk,
				       .auditor = bed->auditor,
				       .loop = bed->loop,
				       .clock = &bed->clock,
				       .ports = {bed_status, bed_scan, NULL,
						 &extra, 1, bed}};
}

static inline int bed_setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct auditor_config auditor = {.hours = 0};
	struct control_config config;
	struct err err;

	assert_non_null(bed);
	bed->has_broker = true;
	warehouse_open(&bed->w);
	clock_init(&bed->clock, &bed_port, bed);
	bed_account(bed, "boss", (uint32_t)ROLE_MANAGER, 1); /* of uid 0 */
	bed_account(bed, "li", (uint32_t)ROLE_OPERATOR, 4712);
	bed_account(bed, "any", (uint32_t)ROLE_OPERATOR, 65535);
	assert_true(text_format(bed->socket, sizeof(bed->socket),
				"%s/control.sock", bed->w.folder));
	assert_true(text_format(bed->ring_path, sizeof(bed->ring_path),
				"%s/intake.ring", bed->w.folder));
	bed_ring_open(bed);
	assert_done(loop_open(&bed->loop, &err), &err);
	bed_keeper_start(bed);
	assert_done(clerk_start(bed->w.ledger, &bed->clerk, &err), &err);
	auditor.clerk = bed->clerk;
	auditor.store = bed->w.store;
	assert_done(auditor_open(&auditor, &bed->auditor, &err), &err);
	config = bed_config(bed);
	assert_done(control_open(&config, &bed->control, &err), &err);
	*state = bed;
	return 0;
}

static inline int bed_teardown(void **state)
{
	struct bed *bed = *state;

	control_stop(bed->control);
	keeper_stop(bed->keeper);
	clerk_stop(bed->clerk);
	control_close(bed->control);
	auditor_close(bed->auditor);
	loop_close(bed->loop);
	ring_close(bed->ring);
	engine_close(bed->engine);
	wake_release(&bed->ring_wake);
	wake_release(&bed->loop_wake);
	warehouse_close(&bed->w);
	free(bed);
	return 0;
}

/* ---- clients ---- */

static inline int client_open(const struct bed *bed)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_true(text_format(address.sun_path, sizeof(address.sun_path),
				"%s", bed->socket));
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void client_send(int fd, struct span text, int file)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	union {
		const char *read;
		void *any;
	} bytes = {.read = text.data};
	struct iovec data = {bytes.any, text.size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	struct cmsghdr *part;

	if (file >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(file));
		memcpy(CMSG_DATA(part), &file, sizeof(file));
	}
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), text.size);
}

/* By a clock that nobody moves on. */
static inline time_t bed_end(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec + BED_PATIENCE_S;
}

static inline bool bed_is_over(time_t end)
{
	return bed_end() > end + BED_PATIENCE_S;
}

/* One line from @fd into bed->reply, while the loop turns. False: the end. */
static inline bool client_line(struct bed *bed, int fd)
{
	size_t size = 0;
	struct err err;

	for (time_t end = bed_end(); !bed_is_over(end);) {
		char byte;
		ssize_t got = recv(fd, &byte, 1, 0);

		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return false;
		if (got < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_done(loop_step(bed->loop, 10, &err), &err);
			continue;
		}
		if (byte == '\n') {
			bed->reply[size] = '\0';
			return true;
		}
		assert_true(size < BED_TEXT - 1);
		bed->reply[size++] = byte;
	}
	fail_msg("no answer");
	return false;
}

/* Asks on @fd and waits for the answer, past progress. */
static inline const char *client_ask(struct bed *bed, int fd, const char *line)
{
	client_send(fd, span_of(line), -1);
	do {
		assert_true(client_line(bed, fd));
	} while (strncmp(bed->reply, "{\"progress\"", 11) == 0);
	return bed->reply;
}

static inline void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s is not in %s", part, text);
}

static inline int memfd_of(const char *text, bool is_sealed)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (is_sealed)
		assert_int_equal(fcntl(fd, F_ADD_SEALS,
				       F_SEAL_WRITE | F_SEAL_SHRINK),
				 0);
	return fd;
}

#endif
