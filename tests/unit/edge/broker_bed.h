/*
 * broker_bed - what the tests of the managed broker share: a runtime folder, a
 * folder of keys with accounts, a loop, and the configuration.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_BROKER_BED_H
#define DEPOT_TESTS_UNIT_EDGE_BROKER_BED_H

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "gateway/edge/broker.h"
#include "gateway/edge/broker_account.h"
#include "gateway/edge/broker_files.h"
#include "gateway/edge/broker_process.h"
#include "gateway/edge/port.h"
#include "tests/support/broker.h"

#define BED_PATIENCE_MS 180000
#define BED_PEER DEPOT_GOLDEN "/../unit/edge/broker_peer.py"

struct broker_bed {
	struct scratch dir;
	struct scratch keys;
	struct clock clock;
	struct loop *loop;
	struct broker *broker;
	struct broker_config config;
	char credentials[SCRATCH_PATH_SIZE]; /* "NAME PASSWORD" a line */
	struct err err;
};

static inline void bed_open(struct broker_bed *bed)
{
	assert_done(broker_open(&bed->config, &bed->broker, &bed->err),
		    &bed->err);
}

static inline void bed_close(struct broker_bed *bed, bool ends)
{
	broker_close(bed->broker, ends);
	bed->broker = NULL;
}

static inline int bed_setup(void **state)
{
	struct broker_bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	scratch_make(&bed->dir);
	scratch_make(&bed->keys);
	clock_init(&bed->clock, NULL, NULL);
	assert_done(loop_open(&bed->loop, &bed->err), &bed->err);
	(void)scratch_path(&bed->keys, "credentials", bed->credentials);
	bed->config = (struct broker_config){
		.dir = bed->dir.folder,
		.keys = bed->keys.folder,
		.org = "acme",
		.site = "hz-01",
		.address = "127.0.0.1",
		.port = port_free(),
		.memory_limit = UINT64_C(256) << 20,
		.is_child = true,
		.program = BROKER_PROGRAM,
		.loop = bed->loop,
		.clock = &bed->clock,
	};
	*state = bed;
	return 0;
}

/* Finds the broker of the bed's folder, whoever started it. */
static inline bool bed_find(struct broker_bed *bed,
			    struct broker_process *process)
{
	char pid_path[SCRATCH_PATH_SIZE];
	char conf_path[SCRATCH_PATH_SIZE];

	(void)scratch_path(&bed->dir, BROKER_PID_NAME, pid_path);
	(void)scratch_path(&bed->dir, BROKER_CONF_NAME, conf_path);
	return process_find(pid_path, conf_path, process, NULL) == ERR_OK;
}

/* Also ends what a test that failed has left. */
static inline int bed_teardown(void **state)
{
	struct broker_bed *bed = *state;
	struct broker_process process;

	bed_close(bed, true);
	if (bed_find(bed, &process))
		process_end(&process, 3000);
	loop_close(bed->loop);
	scratch_remove(&bed->dir);
	scratch_remove(&bed->keys);
	free(bed);
	return 0;
}

/* Gives @name an account; its password stands in bed->credentials. */
static inline void bed_account(struct broker_bed *bed, const char *name,
			       const char *role)
{
	char password[BROKER_PASSWORD_SIZE];
	FILE *file = fopen(bed->credentials, "ae");

	assert_non_null(file);
	assert_done(broker_account_add(bed->keys.folder, span_of(name),
				       span_of(role), password, &bed->err),
		    &bed->err);
	assert_true(fprintf(file, "%s %s\n", name, password) > 0);
	assert_int_equal(fclose(file), 0);
}

/* Runs the loop until @condition holds; gives up after BED_PATIENCE_MS, which
 * no healthy run comes near. */
#define BED_UNTIL(bed, condition)                                            \
	do {                                                                 \
		int64_t end_ =                                               \
			clock_monotonic_ms(&(bed)->clock) + BED_PATIENCE_MS; \
		while (!(condition)) {                                       \
			if (clock_monotonic_ms(&(bed)->clock) > end_)        \
				fail_msg("never: %s", #condition);           \
			assert_done(loop_step((bed)->loop, 10, &(bed)->err), \
				    &(bed)->err);                            \
		}                                                            \
	} while (0)

static inline struct broker_state bed_state(struct broker_bed *bed)
{
	struct broker_state state;

	broker_state(bed->broker, &state);
	return state;
}

static inline bool bed_listens(const struct broker_bed *bed)
{
	return port_answers("127.0.0.1", bed->config.port, 1000);
}

/* ---- the foreign client ---- */

struct peer {
	struct broker_bed *bed; /* whose loop runs while the peer does */
	pid_t pid;
	FILE *out; /* what it prints */
};

/* Starts broker_peer.py; @more may be NULL. */
static inline void peer_start(struct broker_bed *bed, struct peer *peer,
			      const char *what, uint16_t port, const char *more)
{
	char number[8];
	int ends[2];

	(void)text_format(number, sizeof(number), "%u", port);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	peer->bed = bed;
	peer->pid = fork();
	assert_true(peer->pid >= 0);
	if (peer->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)execl("/usr/bin/python3", "python3", "-B", BED_PEER, what,
			    number, more, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	peer->out = fdopen(ends[0], "r");
	assert_non_null(peer->out);
}

/* Waits for the next line, or the end. */
static inline void peer_await(struct peer *peer)
{
	struct broker_bed *bed = peer->bed;
	struct pollfd out = {.fd = fileno(peer->out), .events = POLLIN};

	while (poll(&out, 1, 0) == 0)
		assert_done(loop_step(bed->loop, 10, &bed->err), &bed->err);
}

static inline void peer_says(struct peer *peer, const char *expected)
{
	char line[256];

	peer_await(peer);
	if (fgets(line, sizeof(line), peer->out) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	printf("peer: %s\n", line);
	if (expected != NULL)
		assert_string_equal(line, expected);
}

static inline void peer_end(struct peer *peer)
{
	int status;

	assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	(void)fclose(peer->out);
}

static inline void peer_run(struct broker_bed *bed, const char *what,
			    uint16_t port, const char *more,
			    const char *expected)
{
	struct peer peer;

	peer_start(bed, &peer, what, port, more);
	peer_says(&peer, expected);
	peer_end(&peer);
}

#endif
