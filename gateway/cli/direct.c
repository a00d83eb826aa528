#include "gateway/cli/direct.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/core/carry.h"
#include "gateway/edge/clock.h"
#include "gateway/edge/control_peer.h"
#include "gateway/edge/hq_keys.h"
#include "gateway/edge/zone_file.h"
#include "gateway/engine_plan.h"
#include "store/site.h"

struct direct {
	struct ledger *ledger;
	struct engine *engine; /* for writing only */
	struct answers *answers;
	struct desk *desk;
	struct clock clock;
	struct zone zone; /* the site's */
	struct hq_keys hq;
	struct feed_desk *feeds; /* for writing only */
	struct carry carry;      /* likewise */
};

/* ---- who ---- */

uint64_t direct_uid(void)
{
	static bool is_known; /* as it was when it was asked first */
	static uint64_t uid;
	const char *sudo = getenv("SUDO_UID");

	if (is_known)
		return uid;
	if (getuid() != 0 || sudo == NULL ||
	    !span_to_u64(span_of(sudo), UINT32_MAX, &uid))
		uid = getuid();
	is_known = true;
	return uid;
}

static enum err_code owner_find(const char *path, struct stat *ret_info,
				struct err *err)
{
	char folder[FILE_PATH_SIZE];

	if (stat(path, ret_info) == 0)
		return ERR_OK;
	if (!text_format(folder, sizeof(folder), "%s", path))
		return err_set(err, ERR_INVALID, "the path is too long");
	if (stat(dirname(folder), ret_info) < 0)
		return err_sys(err, errno, "look at %s", path);
	return ERR_OK;
}

enum err_code direct_become_owner(const char *path, struct err *err)
{
	struct stat info;
	enum err_code code;

	(void)direct_uid(); /* it remembers who came */
	if (geteuid() != 0)
		return ERR_OK;
	code = owner_find(path, &info, err);
	if (code != ERR_OK || info.st_uid == 0)
		return code;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(info.st_gid, info.st_gid, info.st_gid) < 0 ||
	    setresuid(info.st_uid, info.st_uid, info.st_uid) < 0)
		return err_sys(err, errno, "become the owner of %s", path);
	return ERR_OK;
}

/* ---- opening ---- */

static enum err_code site_read(struct ledger *ledger, uint32_t *ret_site,
			       struct err *err)
{
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, ret_site, err);
	view_end(view);
	return code;
}

/* What a site among others has, and what only HQ has. */
static enum err_code network_open(struct direct *direct,
				  const struct config *config, struct err *err)
{
	struct ledger *ledger = direct->ledger;
	const uint8_t *net_id = ledger_identity(ledger)->net_id;
	enum err_code code = feed_desk_open(net_id, &direct->feeds, err);

	if (code == ERR_OK)
		code = carry_open(&direct->carry, net_id, direct->feeds, err);
	if (code == ERR_OK)
		code = site_read(ledger, &direct->carry.site, err);
	if (code == ERR_OK)
		code = hq_keys_open(&direct->hq, ledger, config->store.path,
				    NULL, direct->feeds, err);
	return code;
}

static enum err_code writer_open(struct direct *direct,
				 const struct config *config, struct err *err)
{
	struct engine_plan plan = engine_plan_of(config);
	enum err_code code;

	plan.zone = &direct->zone;
	code = network_open(direct, config, err);
	plan.carry = &direct->carry;
	if (direct->hq.control != NULL)
		plan.hq = &direct->hq.hq;
	if (code == ERR_OK)
		code = answers_open(1, &direct->answers, err);
	if (code == ERR_OK)
		code = engine_open(&plan, ledger_identity(direct->ledger),
				   &direct->engine, err);
	return code;
}

enum err_code direct_open(const struct config *config, enum env_mode mode,
			  struct direct **ret_direct, struct err *err)
{
	struct direct *direct = calloc(1, sizeof(*direct));
	enum err_code code = ERR_OK;

	if (direct == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	clock_init(&direct->clock, NULL, NULL);
	if (zone_load(config->site.timezone, &direct->zone, NULL) != ERR_OK)
		zone_utc(&direct->zone); /* depotd says so in its log */
	(void)direct_uid();              /* it remembers who came */
	if (mode == ENV_WRITE)
		code = direct_become_owner(config->store.path, err);
	if (code == ERR_OK)
		code = ledger_open(config->store.path, mode, &direct->ledger,
				   err);
	if (code == ERR_OK)
		code = desk_open(&direct->desk, err);
	if (code == ERR_OK)
		desk_zone(direct->desk, &direct->zone);
	if (code == ERR_OK && mode == ENV_WRITE)
		code = writer_open(direct, config, err);
	if (code != ERR_OK) {
		direct_close(direct);
		return code;
	}
	*ret_direct = direct;
	return ERR_OK;
}

void direct_close(struct direct *direct)
{
	if (direct == NULL)
		return;
	answers_close(direct->answers);
	engine_close(direct->engine);
	desk_close(direct->desk);
	hq_keys_close(&direct->hq);
	carry_close(&direct->carry);
	feed_desk_close(direct->feeds);
	ledger_close(direct->ledger);
	free(direct);
}

struct ledger *direct_ledger(struct direct *direct)
{
	return direct->ledger;
}

struct feed_desk *direct_feeds(struct direct *direct)
{
	return direct->feeds;
}

/* ---- running ---- */

struct kept {
	char *buffer;
	size_t size;
};

static void answer_keep(void *context, const struct answers_message *message)
{
	struct kept *kept = context;

	memcpy(kept->buffer, message->payload.data, message->payload.size);
	kept->size = message->payload.size;
}

static enum err_code event_run(struct direct *direct, struct event *event,
			       struct kept *kept, struct err *err)
{
	struct clock_reading now = clock_now(&direct->clock);
	struct batch *batch;
	struct pos head;
	enum err_code code;

	event->at = now.moment;
	event->clock_trusted = now.is_trusted;
	answers_reset(direct->answers);
	code = batch_begin(direct->ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	code = engine_step(direct->engine, batch, event, direct->answers, err);
	if (code != ERR_OK || !engine_wrote(direct->engine)) {
		batch_abandon(batch);
		feed_desk_abandon(direct->feeds);
		return code == ERR_OK ? hq_keys_remember(&direct->hq,
							 direct->ledger, err)
				      : code;
	}
	head.value = batch_next(batch).value - 1;
	code = batch_commit(batch, err);
	if (code == ERR_OK)
		feed_desk_committed(direct->feeds);
	else
		feed_desk_abandon(direct->feeds);
	/* What HQ said may leave with a stick, at once. */
	if (code == ERR_OK)
		code = hq_keys_remember(&direct->hq, direct->ledger, err);
	if (code == ERR_OK && kept != NULL)
		answers_render(direct->answers, head, answer_keep, kept);
	return code;
}

static enum err_code account_find(struct direct *direct, struct span asked,
				  bool is_look, struct name *ret_account,
				  struct err *err)
{
	struct peer peer = {.uid = direct_uid(), .is_trusted = true};
	struct view *view;
	enum err_code code = view_begin(ledger_env(direct->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = peer_account(view, &peer, asked, is_look, ret_account, err);
	view_end(view);
	return code;
}

static enum err_code look(struct direct *direct, const struct command *command,
			  struct err *err)
{
	struct clock_reading now = clock_now(&direct->clock);
	struct moment as_of = {now.is_trusted ? now.moment.ms : 0};
	struct view *view;
	enum err_code code = view_begin(ledger_env(direct->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = query_run(direct->desk, view, as_of, command, err);
	view_end(view);
	return code;
}

enum err_code direct_run(struct direct *direct, const struct command_spec *spec,
			 struct command *command, struct span account,
			 struct err *err)
{
	bool is_look = spec->effect == COMMAND_QUERY;
	struct event event = {.kind = EVENT_COMMAND};
	enum err_code code =
		account_find(direct, account, is_look, &command->account, err);

	if (code != ERR_OK)
		return code;
	if (is_look)
		return look(direct, command, err);
	event.body.command = *command;
	return event_run(direct, &event, NULL, err);
}

enum err_code direct_scan(struct direct *direct, struct span device,
			  struct span payload, char *buffer, size_t *ret_size,
			  struct err *err)
{
	const struct founding *identity = ledger_identity(direct->ledger);
	struct event event = {.kind = EVENT_MESSAGE};
	struct kept kept = {.buffer = buffer};
	char topic[TOPIC_IN_SIZE_MAX];
	enum err_code code;

	(void)text_format(topic, sizeof(topic), "depot/v1/%.*s/%.*s/scan/%.*s",
			  (int)identity->org.size, identity->org.data,
			  (int)identity->site.size, identity->site.data,
			  (int)device.size, device.data);
	event.body.message.topic = span_of(topic);
	event.body.message.payload = payload;
	code = event_run(direct, &event, &kept, err);
	if (code == ERR_OK)
		*ret_size = kept.size;
	return code;
}
