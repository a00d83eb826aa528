#include "tests/bench/peers/depot_box.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/edge/link_server.h"
#include "store/seal.h"
#include "tests/bench/bench.h"

#define BROKER "/usr/sbin/mosquitto"
#define RING_SLOTS 16
#define LOOK_MS 10

extern char **environ;

static struct err err;

#define DO(call) bench_do(call, &err)

void pause_ms(int ms)
{
	(void)poll(NULL, 0, ms); /* only to look less often */
}

/* ---- other programs ---- */

static void runtime_make(struct box *box)
{
	(void)text_format(box->runtime, sizeof(box->runtime),
			  "/tmp/depot-peer-XXXXXX");
	if (mkdtemp(box->runtime) == NULL)
		bench_die("mkdtemp: %s", strerror(errno));
}

static void in_runtime(struct box *box, const char *name, char path[96])
{
	if (box->runtime[0] == '\0')
		runtime_make(box);
	if (!text_format(path, 96, "%s/%s", box->runtime, name))
		bench_die("too long: %s", box->runtime);
}

static void file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		bench_die("write %s", path);
}

static pid_t program_start(const char *const *words)
{
	char *copied[8] = {NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int number;

	for (size_t i = 0; words[i] != NULL; i++)
		copied[i] = strdup(words[i]);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
					       O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null",
					       O_WRONLY, 0);
	/* What they have to say is in what becomes of it. */
	(void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null",
					       O_WRONLY, 0);
	number = posix_spawn(&pid, words[0], &actions, NULL, copied, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	for (size_t i = 0; copied[i] != NULL; i++)
		free(copied[i]);
	if (number != 0)
		bench_die("start %s: %s", words[0], strerror(number));
	return pid;
}

static void program_end(pid_t pid)
{
	if (pid == 0)
		return;
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

/* Below those that the kernel gives to clients. */
static uint16_t port_free(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		uint16_t port = (uint16_t)(10000 + ((unsigned)getpid() * 7 +
						    i) % 20000);
		struct sockaddr_in address = loopback(port);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int bound =
			bind(fd, (struct sockaddr *)&address, sizeof(address));

		(void)close(fd);
		if (bound == 0)
			return port;
	}
	bench_die("no port is free");
}

static void broker_await(uint16_t port)
{
	struct sockaddr_in address = loopback(port);

	for (unsigned i = 0; i < 30000 / LOOK_MS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int connected = connect(fd, (struct sockaddr *)&address,
					sizeof(address));

		(void)close(fd);
		if (connected == 0)
			return;
		pause_ms(LOOK_MS);
	}
	bench_die("mosquitto does not listen");
}

uint16_t box_broker(struct box *box)
{
	uint16_t port = port_free();
	char path[96];
	char tls[512] = "";
	char text[1024];
	const char *words[] = {BROKER, "-c", path, NULL};

	in_runtime(box, "mosquitto.conf", path);
	if (box->tls != NULL &&
	    !text_format(tls, sizeof(tls),
			 "cafile %s/ca.crt\ncertfile %s/server.crt\n"
			 "keyfile %s/server.key\nrequire_certificate true\n",
			 box->tls, box->tls, box->tls))
		bench_die("too long: %s", box->tls);
	if (!text_format(text, sizeof(text),
			 "listener %u 127.0.0.1\nallow_anonymous true\n"
			 "persistence false\nuser root\n"
			 "max_inflight_messages 1000\n"
			 "max_queued_messages 100000\n"
			 "max_packet_size 65536\nset_tcp_nodelay true\n"
			 "log_dest none\n%s",
			 port, tls))
		bench_die("too long");
	file_write(path, text);
	box->broker = program_start(words);
	broker_await(port);
	return port;
}

void box_link(struct box *box, unsigned port)
{
	struct name site = ledger_identity(box->store.ledger)->site;
	char path[96];
	char tls[512] = "";
	char text[1024];
	const char *words[] = {DEPOT_LINK, "far", "--config", path, NULL};

	in_runtime(box, "depot.conf", path);
	if (box->tls != NULL &&
	    !text_format(tls, sizeof(tls),
			 "ca_file = %s/ca.crt\ncert_file = %s/client.crt\n"
			 "key_file = %s/client.key\n",
			 box->tls, box->tls, box->tls))
		bench_die("too long: %s", box->tls);
	if (!text_format(
		    text, sizeof(text),
		    "[site]\norg = " DEPOT_ORG "\nsite = %.*s\n"
		    "[store]\npath = %s\n[runtime]\ndir = %s\n"
		    "[log]\nlevel = error\n"
		    "[link far]\nuri = %s:%u\n%s",
		    (int)site.size, site.data, box->store.path, box->runtime,
		    box->tls != NULL ? "ssl://localhost" : "tcp://127.0.0.1",
		    port, tls))
		bench_die("too long");
	file_write(path, text);
	box->link = program_start(words);
}

/* ---- the box ---- */

static void ring_start(struct box *box)
{
	struct ring_config ring = {.path = box->ring_path,
				   .slot_count = RING_SLOTS,
				   .wake = &box->ring_wake};
	struct ring_report report;

	in_runtime(box, "intake.ring", box->ring_path);
	DO(ring_open(&ring, &box->ring, &report, &err));
}

static void keeper_begin(struct box *box)
{
	struct engine_plan plan = {.parked = {100, 100000},
				   .session_timeout_ms = 60000};
	struct keeper_config keeper = {.clock = &box->clock,
				       .log = box->log,
				       .ring_wake = &box->ring_wake,
				       .loop_wake = &box->loop_wake,
				       .batch_max = 256,
				       .desk = box->store.desk};

	DO(wake_init(&box->ring_wake, &err));
	DO(wake_init(&box->loop_wake, &err));
	ring_start(box);
	DO(engine_open(&plan, ledger_identity(box->store.ledger), &box->engine,
		       &err));
	keeper.ledger = box->store.ledger;
	keeper.engine = box->engine;
	keeper.ring = box->ring;
	DO(keeper_start(&keeper, &box->keeper, &err));
}

static void envoy_begin(struct box *box)
{
	struct envoy_config envoy = {.ledger = box->store.ledger,
				     .keeper = box->keeper,
				     .clock = &box->clock,
				     .log = box->log,
				     .desk = box->store.desk,
				     .signer = box->store.signer,
				     .socket = box->socket_path,
				     .guard = box->store.guard,
				     .keys = box->store.keys,
				     .site = box->store.site,
				     .is_hq = box->store.site == SITE_FIRST};

	in_runtime(box, LINK_SOCKET_NAME, box->socket_path);
	seal_random(&envoy.boot, sizeof(envoy.boot));
	seal_random(&envoy.seed, sizeof(envoy.seed));
	DO(envoy_start(&envoy, &box->envoy, &err));
}

void box_begin(struct box *box)
{
	struct log_config log = {.identifier = "depot_peer",
				 .level_max = LEVEL_ALERT,
				 .queue_lines = 16,
				 .clock = &box->clock,
				 .fd = 2};

	clock_init(&box->clock, NULL, NULL);
	DO(log_open(&log, &box->log, &err));
	keeper_begin(box);
	envoy_begin(box);
}

static void runtime_remove(struct box *box)
{
	static const char *const names[] = {"mosquitto.conf", "depot.conf",
					    "intake.ring", LINK_SOCKET_NAME};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[96];

		in_runtime(box, names[i], path);
		(void)unlink(path); /* not each was made */
	}
	(void)rmdir(box->runtime);
}

/* What the box noticed is asked before its envoy ends. */
bool box_end(struct box *box)
{
	static struct envoy_state state;

	envoy_state(box->envoy, &state);
	program_end(box->link);
	envoy_stop(box->envoy);
	keeper_stop(box->keeper);
	ring_close(box->ring);
	engine_close(box->engine);
	wake_release(&box->ring_wake);
	wake_release(&box->loop_wake);
	log_close(box->log);
	program_end(box->broker);
	runtime_remove(box);
	return state.was_set_back;
}
