#include "gateway/cli/join_over.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/join_over_parts.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"

#define FOLLOW_MS 2000

/* What is told when. Each but the last is what it waits for. */
enum told {
	TOLD_NOTHING = 0,
	TOLD_IDLE,
	TOLD_ASKING,
	TOLD_WAITING,
	TOLD_REFUSED,
	TOLD_ANSWERED,
	TOLD_READY,
	TOLD_JOINED,
};

struct following {
	struct cli *cli;
	struct log *log;
	struct clock clock;
	/* What was told last is not told again. */
	enum told told;
	uint32_t invitation;
	char uri[JOIN_URI_SIZE];
	char why[ERR_TEXT_SIZE];
};

/* ---- what is told ---- */

static bool is_same(const struct following *following,
		    const struct join_state *state)
{
	return following->invitation == state->code.number &&
	       strcmp(following->uri, state->uri) == 0;
}

/* True if it was not told yet: of another code or broker all is new. */
static bool is_news(struct following *following, enum told told,
		    const struct join_state *state, const char *why)
{
	if (following->told == told && is_same(following, state) &&
	    strcmp(following->why, why) == 0)
		return false;
	following->told = told;
	following->invitation = state->code.number;
	(void)text_format(following->uri, sizeof(following->uri), "%s",
			  state->uri);
	(void)text_format(following->why, sizeof(following->why), "%s", why);
	return true;
}

static void idle_tell(struct following *following)
{
	const struct join_state none = {.tries = 0};

	/* That it waits was said with the refusal. */
	if (following->told != TOLD_REFUSED &&
	    is_news(following, TOLD_IDLE, &none, ""))
		log_event(following->log, LEVEL_NOTICE, "join_idle",
			  "this box works by itself, and waits for a join "
			  "code: scan the sheet, type the code on the box's "
			  "page, or depot join CODE");
}

/* Before it is asked: that takes a while. What it came to last is no news
 * again. */
static void asking_tell(struct following *following,
			const struct join_state *state)
{
	if (following->told == TOLD_WAITING && is_same(following, state))
		return;
	if (is_news(following, TOLD_ASKING, state, ""))
		log_event(following->log, LEVEL_NOTICE, "join_asking",
			  "the code of invitation %" PRIu32
			  " was used: HQ is asked at %s; the box books "
			  "meanwhile",
			  state->code.number, state->uri);
}

/* Whoever began with another code meanwhile has not been asked for yet. */
static void waiting_tell(struct following *following,
			 const struct join_state *state, const char *why)
{
	if (is_same(following, state) &&
	    is_news(following, TOLD_WAITING, state, why))
		log_event(following->log, LEVEL_WARNING, "join_waiting",
			  "HQ has not answered yet, and is asked on: %s", why);
}

static void refused_tell(struct following *following,
			 const struct join_state *state)
{
	if (is_news(following, TOLD_REFUSED, state, ""))
		log_event(following->log, LEVEL_WARNING, "join_refused",
			  "of invitation %" PRIu32
			  " HQ says: %s. The box waits for another code",
			  state->code.number,
			  join_refusal_text(state->refusal, false));
}

static void answered_tell(struct following *following,
			  const struct join_state *state)
{
	const struct join_answer *answer = &state->answer;

	if (is_news(following, TOLD_ANSWERED, state, ""))
		log_event(following->log, LEVEL_NOTICE, "join_answered",
			  "HQ has answered: this box is %.*s/%.*s, site "
			  "%" PRIu32 ", epoch %" PRIu32,
			  (int)answer->org.size, answer->org.data,
			  (int)answer->name.size, answer->name.data,
			  answer->site, answer->epoch);
}

static void ready_tell(struct following *following,
		       const struct join_state *state)
{
	if (is_news(following, TOLD_READY, state, ""))
		log_event(following->log, LEVEL_NOTICE, "join_ready",
			  "the configuration says so: depotd starts anew as "
			  "that site, which is waited for");
}

static void joined_tell(struct following *following,
			const struct finding *finding)
{
	const struct join_state none = {.tries = 0};

	if (is_news(following, TOLD_JOINED, &none, ""))
		log_event(following->log, LEVEL_NOTICE, "joined",
			  "this box is site %" PRIu32 " of its network, epoch "
			  "%" PRIu32 "; HQ's certificate for that is %s",
			  finding->site, finding->epoch,
			  finding->is_certified
				  ? "here"
				  : "not here yet, and comes over the link");
}

static void stage_tell(struct following *following, const struct over *over)
{
	const struct finding *finding = over->finding;
	const struct join_state *state = &finding->state;

	if (finding->is_member)
		joined_tell(following, finding);
	else if (!finding->has_state)
		idle_tell(following);
	else if (state->stage == JOIN_STAGE_ASKING)
		waiting_tell(following, state, over->why.text);
	else if (state->stage == JOIN_STAGE_ANSWERED)
		answered_tell(following, state);
	else if (state->stage == JOIN_STAGE_READY)
		ready_tell(following, state);
	else
		refused_tell(following, state);
}

/* What is to be asked now, as far as it can be read here. */
static void intent_tell(struct following *following, const struct over *over)
{
	struct join_state state;

	if (join_state_read(over->path, &state, NULL) != ERR_OK)
		return;
	if (state.stage == JOIN_STAGE_ASKING)
		asking_tell(following, &state);
	join_state_wipe(&state);
}

/* ---- following ---- */

static enum exit_code follow_once(struct following *following,
				  bool *ret_is_over)
{
	struct over over;
	enum exit_code exit = over_begin(&over, following->cli, NULL);

	if (exit == EXIT_DONE) {
		intent_tell(following, &over);
		exit = over_ask(&over);
	}
	if (exit == EXIT_DONE)
		stage_tell(following, &over);
	*ret_is_over = exit != EXIT_DONE || over.finding->is_member;
	if (exit == EXIT_DONE && over.finding->has_state &&
	    over.finding->state.stage == JOIN_STAGE_ANSWERED) {
		exit = over_ready_make(&over);
		if (exit == EXIT_DONE)
			ready_tell(following, &over.finding->state);
	}
	over_end(&over);
	return exit;
}

static enum err_code following_begin(struct following *following,
				     struct cli *cli, struct err *err)
{
	const struct log_config config = {
		.identifier = "depot-join",
		.level_max = LEVEL_NOTICE,
		.clock = &following->clock,
		.fd = STDERR_FILENO,
	};

	*following = (struct following){.cli = cli, .told = TOLD_NOTHING};
	clock_init(&following->clock, NULL, NULL);
	return log_open(&config, &following->log, err);
}

enum exit_code join_follow(struct cli *cli)
{
	bool is_over = false;
	enum exit_code exit = EXIT_DONE;
	struct following following;
	struct loop *loop = NULL;
	struct err err;
	enum err_code code = following_begin(&following, cli, &err);

	if (code == ERR_OK)
		code = loop_open(&loop, &err);
	while (code == ERR_OK && exit == EXIT_DONE && !is_over) {
		exit = follow_once(&following, &is_over);
		if (!is_over && exit == EXIT_DONE)
			code = loop_step(loop, FOLLOW_MS, &err);
	}
	loop_close(loop);
	log_close(following.log);
	return code == ERR_OK ? exit : cli_failed(cli, code, &err);
}
