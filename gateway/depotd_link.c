#include "gateway/depotd_link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/depotd_network.h"
#include "gateway/edge/backoff.h"
#include "gateway/edge/broker_process.h"
#include "store/seal.h"

#define PROGRAM "depot-link"
#define PAUSE_LEAST_MS 1000
#define PAUSE_MOST_MS 60000
#define STEADY_MS 60000 /* ran this long: the next pause is a short one */
#define END_MS 3000
#define PROGRAM_SIZE 256

struct runner {
	struct links *links;
	const char *name;
	struct broker_process process; /* pid 0: it does not run */
	struct loop_source *watch;     /* of its end; NULL likewise */
	struct loop_source *timer;
	struct backoff backoff;
	int64_t started_ms;
};

struct links {
	struct box *box;
	char program[PROGRAM_SIZE];
	size_t count;
	struct runner runners[CONFIG_LINKS_MAX];
};

/* It stands beside depotd. */
static enum err_code program_find(struct links *links, struct err *err)
{
	const size_t room = sizeof(links->program) - sizeof(PROGRAM);
	ssize_t size = readlink("/proc/self/exe", links->program, room);
	char *slash;

	if (size < 0 || (size_t)size == room)
		return err_sys(err, size < 0 ? errno : ENAMETOOLONG,
			       "look for " PROGRAM " beside depotd");
	links->program[size] = '\0';
	slash = strrchr(links->program, '/');
	ASSERT(slash != NULL);
	memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
	return ERR_OK;
}

static void again_later(struct runner *runner)
{
	loop_timer_once(runner->timer, backoff_next_ms(&runner->backoff));
}

static void on_end(void *context, uint32_t what)
{
	struct runner *runner = context;
	struct box *box = runner->links->box;
	char words[PROCESS_WORDS_SIZE];

	(void)what;
	loop_remove(runner->watch);
	runner->watch = NULL;
	process_reap(&runner->process, words);
	log_event(box->log, LEVEL_NOTICE, "link_process_ended",
		  PROGRAM " %s: %s; it is started again", runner->name, words);
	if (clock_monotonic_ms(&box->clock) - runner->started_ms >= STEADY_MS)
		backoff_reset(&runner->backoff);
	again_later(runner);
}

static enum err_code runner_try(struct runner *runner, struct err *err)
{
	struct box *box = runner->links->box;
	char option[] = "--config";
	char config[CONFIG_PATH_SIZE];
	char name[NAME_SIZE_MAX + 1];
	char *arguments[] = {runner->links->program, name, option, config,
			     NULL};
	enum err_code code;

	(void)text_format(config, sizeof(config), "%s", box->config->path);
	(void)text_format(name, sizeof(name), "%s", runner->name);
	runner->started_ms = clock_monotonic_ms(&box->clock);
	code = process_run(arguments, &runner->process, err);
	if (code != ERR_OK)
		return code;
	code = loop_add_fd(box->loop, runner->process.fd, EPOLLIN,
			   (struct loop_call){on_end, runner}, &runner->watch,
			   err);
	if (code != ERR_OK)
		process_end(&runner->process, END_MS);
	return code;
}

static void on_due(void *context, uint32_t what)
{
	struct runner *runner = context;
	struct err err;

	(void)what;
	if (runner_try(runner, &err) == ERR_OK)
		return;
	log_event(runner->links->box->log, LEVEL_ERROR, "link_not_started",
		  "link %s: %s", runner->name, err.text);
	again_later(runner);
}

static enum err_code runner_add(struct links *links, const char *name,
				struct err *err)
{
	struct runner *runner = &links->runners[links->count++];
	uint64_t seed;
	enum err_code code;

	runner->links = links;
	runner->name = name;
	seal_random(&seed, sizeof(seed));
	backoff_init(&runner->backoff, PAUSE_LEAST_MS, PAUSE_MOST_MS, seed);
	code = loop_add_timer(links->box->loop,
			      (struct loop_call){on_due, runner},
			      &runner->timer, err);
	if (code == ERR_OK)
		loop_timer_once(runner->timer, 0);
	return code;
}

enum err_code start_links(struct box *box, struct err *err)
{
	const struct config *config = box->config;
	enum err_code code;

	/* A network of one has nobody at its end of them. */
	if (config->broker.start != CONFIG_START_CHILD ||
	    config->link_count == 0 || network_site(box) == 0)
		return ERR_OK;
	box->links = calloc(1, sizeof(*box->links));
	if (box->links == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	box->links->box = box;
	code = program_find(box->links, err);
	for (size_t i = 0; i < config->link_count && code == ERR_OK; i++)
		if (config->links[i].is_enabled)
			code = runner_add(box->links, config->links[i].name,
					  err);
	return code;
}

/* All are told before the first is waited for. */
void stop_links(struct box *box)
{
	struct links *links = box->links;

	if (links == NULL)
		return;
	for (size_t i = 0; i < links->count; i++)
		process_signal(&links->runners[i].process, SIGTERM);
	for (size_t i = 0; i < links->count; i++) {
		loop_remove(links->runners[i].watch);
		loop_remove(links->runners[i].timer);
		process_end(&links->runners[i].process, END_MS);
	}
	free(links);
	box->links = NULL;
}
