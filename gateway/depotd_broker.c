#include "gateway/depotd_broker.h"

#include <inttypes.h>

#include "gateway/depotd_watch.h"
#include "gateway/edge/broker_account.h"
#include "gateway/edge/password.h"
#include "gateway/edge/publisher.h"
#include "store/master.h"

#define LOOK_EVERY_MS 10000
/* In one look; the rest is the next one's. */
#define GOING_MAX 32

static bool is_managed(const struct box *box)
{
	return box->config->broker.mode == CONFIG_BROKER_MANAGED;
}

enum err_code start_broker(struct box *box, struct err *err)
{
	const struct config *config = box->config;
	struct broker_config broker = {
		.dir = config->runtime.dir,
		.keys = box->keys,
		.org = config->site.org,
		.site = config->site.site,
		.former = publisher_former(box->publisher),
		.address = config->broker.address,
		.port = config->broker.port,
		.websocket_port = config->broker.websocket_port,
		.tls_port = config->broker.tls_port,
		.tls_cert = config->broker.tls_cert_file,
		.tls_key = config->broker.tls_key_file,
		.memory_limit = config->broker.memory_limit,
		.is_anonymous = config->broker.is_anonymous,
		.is_child = config->broker.start == CONFIG_START_CHILD,
		.program = config->broker.mosquitto,
		.loop = box->loop,
		.log = box->log,
		.clock = &box->clock,
	};
	enum err_code code =
		ledger_keys_folder(config->store.path, box->keys, err);

	if (code != ERR_OK)
		return code;
	if (is_managed(box))
		return broker_open(&broker, &box->broker, err);
	broker_retire(config->runtime.dir, box->log);
	return ERR_OK;
}

void stop_broker(struct box *box)
{
	struct broker_state state;
	bool ends;

	if (box->broker == NULL)
		return;
	broker_state(box->broker, &state);
	ends = box->is_stopping || !state.was_adopted;
	broker_close(box->broker, box->result == ERR_OK && ends);
}

enum err_code broker_login(struct box *box, char user[LOGIN_USER_SIZE],
			   char password[LOGIN_PASSWORD_SIZE], struct err *err)
{
	if (box->broker == NULL) {
		(void)text_format(user, LOGIN_USER_SIZE, "%s",
				  box->config->broker.user);
		return password_read(box->config->broker.password_file,
				     password, LOGIN_PASSWORD_SIZE, err);
	}
	(void)text_format(user, LOGIN_USER_SIZE, BROKER_USER);
	(void)text_format(password, LOGIN_PASSWORD_SIZE, "%s",
			  broker_password(box->broker));
	return ERR_OK;
}

void broker_accounts_changed(struct box *box)
{
	struct err err;

	if (box->broker != NULL && broker_refresh(box->broker, &err) != ERR_OK)
		log_event(box->log, LEVEL_ERROR, "broker_not_refreshed", "%s",
			  err.text);
}

/* ---- whose accounts have to go ---- */

struct going {
	const struct view *view;
	struct name names[GOING_MAX];
	size_t count;
};

/* What the ledger does not know (yet) is not revoked. */
static enum err_code is_revoked(const struct view *view,
				const struct broker_account *account,
				bool *ret_is_revoked, struct err *err)
{
	struct span name = name_span(&account->name);
	struct device device = {.is_revoked = false};
	struct account person = {.is_revoked = false};
	struct device_no number;
	enum err_code code =
		account->role == BROKER_DEVICE
			? device_get(view, name, &device, &number, err)
			: account_get(view, name, &person, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_is_revoked = device.is_revoked || person.is_revoked;
	return ERR_OK;
}

static enum err_code account_look(void *context,
				  const struct broker_account *account,
				  struct err *err)
{
	struct going *going = context;
	bool goes;
	enum err_code code = is_revoked(going->view, account, &goes, err);

	if (code == ERR_OK && goes && going->count < GOING_MAX)
		going->names[going->count++] = account->name;
	return code;
}

static enum err_code going_find(struct box *box, struct going *going,
				struct err *err)
{
	struct view *view;
	enum err_code code = view_begin(ledger_env(box->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	going->view = view;
	code = broker_account_walk(box->keys, account_look, going, err);
	view_end(view);
	return code;
}

static enum err_code going_remove(struct box *box, const struct going *going,
				  struct err *err)
{
	for (size_t i = 0; i < going->count; i++) {
		struct span name = name_span(&going->names[i]);
		enum err_code code =
			broker_account_remove(box->keys, name, err);

		/* Whoever revoked it may have been quicker. */
		if (code != ERR_OK && code != ERR_NOT_FOUND)
			return code;
		log_event(box->log, LEVEL_NOTICE, "broker_account_revoked",
			  "%.*s is revoked, and has no account at the broker "
			  "any more",
			  (int)name.size, name.data);
	}
	return ERR_OK;
}

void broker_look(struct box *box, struct pos head)
{
	int64_t now_ms = clock_monotonic_ms(&box->clock);
	struct going going = {.count = 0};
	struct err err;
	enum err_code code;

	if (box->broker == NULL || head.value == box->accounts_seen.value ||
	    now_ms < box->accounts_ms)
		return;
	box->accounts_ms = now_ms + LOOK_EVERY_MS;
	code = going_find(box, &going, &err);
	if (code == ERR_OK)
		code = going_remove(box, &going, &err);
	if (code != ERR_OK) {
		log_event(box->log, LEVEL_ERROR, "broker_accounts_unread", "%s",
			  err.text);
		return;
	}
	if (going.count > 0)
		broker_accounts_changed(box);
	if (going.count < GOING_MAX)
		box->accounts_seen = head;
}
