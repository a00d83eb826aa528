#include "gateway/cli/join_over.h"

#include "gateway/cli/join_over_parts.h"
#include "gateway/edge/loop.h"

#define FOLLOW_MS 2000

static enum exit_code follow_once(struct cli *cli, bool *ret_is_over)
{
	struct over over;
	enum exit_code exit = over_begin(&over, cli, NULL);

	*ret_is_over = exit != EXIT_DONE || over.finding->is_member;
	if (exit == EXIT_DONE && over.finding->has_state &&
	    over.finding->state.stage == JOIN_STAGE_ANSWERED)
		exit = over_ready_make(&over);
	over_end(&over);
	return exit;
}

enum exit_code join_follow(struct cli *cli)
{
	bool is_over = false;
	enum exit_code exit = EXIT_DONE;
	struct loop *loop = NULL;
	struct err err;
	enum err_code code = loop_open(&loop, &err);

	while (code == ERR_OK && exit == EXIT_DONE && !is_over) {
		exit = follow_once(cli, &is_over);
		if (!is_over && exit == EXIT_DONE)
			code = loop_step(loop, FOLLOW_MS, &err);
	}
	loop_close(loop);
	return code == ERR_OK ? exit : cli_failed(cli, code, &err);
}
