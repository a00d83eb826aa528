#include "gateway/cli/carry_along.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/join_file.h"
#include "gateway/sync/bundle.h"
#include "store/file.h"
#include "store/guard.h"

#define POLL_MS 50
#define POLLS_MAX 200 /* 10 s */

static const struct control_refusal cannot_write = {
	"io", "the bundle cannot be written: %s", "无法写入数据包：%s"};

struct along {
	struct ledger *ledger;
	bool is_ledger_ours; /* else the session's */
	struct view *view;
};

static enum exit_code along_open(struct cli *cli, struct along *along)
{
	struct direct *direct;
	struct err err;
	enum exit_code exit = ask_direct(cli, ENV_READ, &direct);
	enum err_code code = ERR_OK;

	if (exit != EXIT_DONE)
		return exit;
	along->is_ledger_ours = direct == NULL;
	if (direct != NULL)
		along->ledger = direct_ledger(direct);
	else
		code = ledger_open(cli->config->store.path, ENV_READ,
				   &along->ledger, &err);
	if (code == ERR_OK)
		code = view_begin(ledger_env(along->ledger), &along->view,
				  &err);
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}

static void along_close(struct along *along)
{
	view_end(along->view);
	if (along->is_ledger_ours)
		ledger_close(along->ledger);
}

static enum err_code bytes_put(void *context, struct span bytes,
			       struct err *err)
{
	FILE *out = context;

	if (fwrite(bytes.data, 1, bytes.size, out) != bytes.size)
		return err_sys(err, errno, "write");
	return ERR_OK;
}

/* What HQ says to all; what one site says to another is not for this one. */
static uint64_t since(void *context, struct feed_id feed)
{
	(void)context;
	return feed.site == SITE_CONTROL || feed.site == SITE_MASTER
		       ? 0
		       : BUNDLE_SINCE_ALL;
}

static bool are_remembered(const struct guard_words *said, const char *path)
{
	struct guard guard;

	if (guard_read(path, &guard, NULL) != ERR_OK || !guard.has_words)
		return false;
	for (size_t i = 0; i < GUARD_FEEDS; i++) {
		const struct guard_word *end = &guard.words.ends[i];

		if (end->epoch < said->ends[i].epoch ||
		    (end->epoch == said->ends[i].epoch &&
		     end->seq < said->ends[i].seq))
			return false;
	}
	return true;
}

/* The daemon saves what HQ said at once, and it does not leave before. */
static enum err_code guard_await(const struct cli *cli,
				 const struct along *along, struct err *err)
{
	char path[FILE_PATH_SIZE];
	struct guard_words said;
	enum err_code code =
		file_beside(cli->config->store.path, "-guard", path, err);

	if (code == ERR_OK)
		code = guard_words_of(along->view, &said, err);
	if (code != ERR_OK)
		return code;
	for (int i = 0; i < POLLS_MAX; i++) {
		if (are_remembered(&said, path))
			return ERR_OK;
		(void)poll(NULL, 0, POLL_MS); /* cut short: earlier */
	}
	return err_set(err, ERR_AGAIN, "%s is not written", path);
}

static enum err_code feeds_write(const struct along *along, FILE *out,
				 struct err *err)
{
	const struct founding *identity = ledger_identity(along->ledger);
	const struct bundle_io io = {.context = out, .write = bytes_put};
	struct bundle_plan plan = {.from = name_span(&identity->site),
				   .since = since};
	struct bundle *bundle = malloc(sizeof(*bundle));
	enum err_code code;

	if (bundle == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	memcpy(plan.net_id, identity->net_id, NET_ID_SIZE);
	code = bytes_put(out, SPAN_LITERAL(INVITATION_BUNDLE_NOTE), err);
	if (code == ERR_OK)
		code = bundle_write(bundle, &io, along->view, &plan, err);
	free(bundle);
	return code;
}

enum exit_code carry_along_check(struct cli *cli)
{
	struct along along = {.ledger = NULL};
	enum exit_code exit = along_open(cli, &along);

	along_close(&along);
	return exit;
}

enum exit_code carry_along_write(struct cli *cli, FILE *out)
{
	struct along along = {.ledger = NULL};
	enum exit_code exit = along_open(cli, &along);
	struct err err;

	if (exit == EXIT_DONE && (guard_await(cli, &along, &err) != ERR_OK ||
				  feeds_write(&along, out, &err) != ERR_OK))
		exit = cli_refuse(cli, EXIT_FAILED, &cannot_write, err.text);
	along_close(&along);
	return exit;
}
