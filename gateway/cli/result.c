#include "gateway/cli/result.h"

#include <stdlib.h>

struct result *result_begin(struct cli *cli)
{
	struct result *result = malloc(sizeof(*result));

	if (result == NULL) {
		(void)cli_failed(cli, ERR_FULL, NULL);
		return NULL;
	}
	out_init(&result->out, result->text, sizeof(result->text));
	out_object(&result->out);
	return result;
}

enum exit_code result_end(struct cli *cli, struct result *result, show_fn *show)
{
	struct reply reply;
	enum exit_code exit;

	out_object_end(&result->out);
	if (!out_ok(&result->out)) {
		free(result);
		return cli_failed(cli, ERR_OVERFLOW, NULL);
	}
	exit = reply_take(cli, out_span(&result->out), &reply);
	if (exit == EXIT_DONE) {
		if (cli->is_json)
			cli_document(reply.text);
		exit = show(cli, reply.root);
		reply_release(&reply);
	}
	free(result);
	return exit;
}
