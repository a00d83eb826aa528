#include "gateway/depotd_network.h"

#include <inttypes.h>
#include <stdlib.h>

#include "gateway/core/carry.h"
#include "gateway/edge/envoy_control.h"
#include "gateway/edge/hq_keys.h"
#include "gateway/edge/link_server.h"
#include "store/feed.h"
#include "store/file.h"
#include "store/roster.h"
#include "store/seal.h"
#include "store/site.h"

struct network {
	uint32_t site;
	bool is_hq;
	bool is_restored; /* from a backup, and no new epoch has begun */
	struct signer *signer;
	struct feed_desk *desk;
	struct carry carry;
	struct hq_keys hq; /* all zero: this box is not HQ */
	struct envoy *envoy;
	char socket[CONFIG_PATH_SIZE + sizeof(LINK_SOCKET_NAME)];
	char days[FILE_PATH_SIZE];  /* what its links used today */
	char guard[FILE_PATH_SIZE]; /* remembers beside the store how far it is
				     */
	char keys[FILE_PATH_SIZE];
};

/* Number, epoch and role, as the store has them. */
static enum err_code identity_read(struct box *box, struct network *network,
				   uint32_t *ret_epoch, struct err *err)
{
	struct certificate certificate;
	struct journal_head head;
	struct view *view;
	enum err_code code = view_begin(ledger_env(box->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, &network->site, err);
	if (code == ERR_OK)
		code = site_restored_get(view, &network->is_restored, err);
	if (code == ERR_OK)
		code = ledger_head(view, &head, err);
	if (code == ERR_OK) {
		*ret_epoch = pos_epoch(head.pos);
		code = roster_site(view, network->site, &certificate, err);
	}
	if (code == ERR_OK)
		network->is_hq = certificate.role == SITE_ROLE_HQ;
	if (code == ERR_NOT_FOUND) /* HQ has not answered yet */
		code = ERR_OK;
	view_end(view);
	return code;
}

static enum err_code key_open(struct box *box, struct network *network,
			      uint32_t epoch, struct err *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	enum err_code code =
		ledger_keys_folder(box->config->store.path, folder, err);

	keys_epoch_name(epoch, name);
	if (code == ERR_OK)
		code = signer_find(credentials, folder, name, &network->signer,
				   err);
	return code;
}

enum err_code start_network(struct box *box, struct err *err)
{
	struct network *network = calloc(1, sizeof(*network));
	uint32_t epoch = 0;
	enum err_code code;

	if (network == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	box->network = network;
	code = identity_read(box, network, &epoch, err);
	if (code != ERR_OK || network->site == 0)
		return code;
	code = key_open(box, network, epoch, err);
	/* A backup has no keys, and its store seals nothing in that epoch. */
	if (code == ERR_NOT_FOUND && network->is_restored)
		code = ERR_OK;
	if (code == ERR_OK)
		code = feed_desk_open(ledger_identity(box->ledger)->net_id,
				      &network->desk, err);
	if (code == ERR_OK)
		code = carry_open(&network->carry,
				  ledger_identity(box->ledger)->net_id,
				  network->desk, err);
	network->carry.site = network->site;
	if (code == ERR_OK)
		code = hq_keys_open(&network->hq, box->ledger,
				    box->config->store.path,
				    getenv("CREDENTIALS_DIRECTORY"),
				    network->desk, err);
	return code;
}

const struct hq *network_hq(const struct box *box)
{
	const struct hq_keys *keys = &box->network->hq;

	return keys->control != NULL ? &keys->hq : NULL;
}

const struct carry *network_carry(const struct box *box)
{
	return box->network->site != 0 ? &box->network->carry : NULL;
}

enum err_code start_envoy(struct box *box, struct err *err)
{
	struct network *network = box->network;
	struct envoy_config config = {
		.ledger = box->ledger,
		.keeper = box->keeper,
		.clock = &box->clock,
		.log = box->log,
		.desk = network->desk,
		.signer = network->signer,
		.socket = network->socket,
		.days = network->days,
		.guard = network->guard,
		.keys = network->keys,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
		.site = network->site,
		.is_hq = network->is_hq,
		.has_no_links = box->config->link_count == 0,
		.hq = network_hq(box),
	};
	enum err_code code;

	if (network->site == 0)
		return ERR_OK;
	if (!text_format(network->socket, sizeof(network->socket),
			 "%s/" LINK_SOCKET_NAME, box->config->runtime.dir))
		return err_set(err, ERR_INVALID, "[runtime] dir is too long");
	code = file_beside(box->config->store.path, "-guard", network->guard,
			   err);
	if (code == ERR_OK)
		code = ledger_keys_folder(box->config->store.path,
					  network->keys, err);
	if (code == ERR_OK)
		code = file_beside(box->config->store.path, "-links",
				   network->days, err);
	if (code != ERR_OK)
		return code;
	seal_random(&config.boot, sizeof(config.boot));
	seal_random(&config.seed, sizeof(config.seed));
	code = envoy_start(&config, &network->envoy, err);
	if (code == ERR_OK)
		log_event(box->log, LEVEL_NOTICE, "network",
			  "site %" PRIu32 "%s of its network", network->site,
			  network->is_hq ? ", HQ," : "");
	return code;
}

struct feed_desk *network_desk(const struct box *box)
{
	return box->network->desk;
}

void network_control(const struct box *box, struct envoy_control *ret_control)
{
	ret_control->envoy = box->network->envoy;
	ret_control->site = box->network->site;
}

uint32_t network_site(const struct box *box)
{
	return box->network->site;
}

uint32_t network_hq_site(const struct box *box)
{
	return box->network->is_hq ? box->network->site : 0;
}

size_t network_heads(void *context,
		     struct network_head heads[NETWORK_HEADS_MAX])
{
	const struct box *box = context;
	struct envoy_state state;
	size_t count = 0;

	/* Their end comes before the last word at the broker. */
	if (box->network == NULL || box->network->envoy == NULL)
		return 0;
	envoy_state(box->network->envoy, &state);
	for (size_t i = 0; i < state.peer_count && i < ENVOY_PEERS_MAX; i++) {
		const struct sync_peer_status *peer = &state.peers[i];

		if (!peer->has_head || count == NETWORK_HEADS_MAX)
			continue;
		heads[count++] = (struct network_head){peer->site, peer->epoch,
						       peer->seq, peer->stamp,
						       peer->clock_trusted};
	}
	return count;
}

void network_notice(struct box *box)
{
	if (box->network->envoy != NULL)
		envoy_notice(box->network->envoy);
}

void stop_envoy(struct box *box)
{
	if (box->network == NULL)
		return;
	envoy_stop(box->network->envoy);
	box->network->envoy = NULL;
}

void stop_network(struct box *box)
{
	if (box->network == NULL)
		return;
	hq_keys_close(&box->network->hq);
	carry_close(&box->network->carry);
	feed_desk_close(box->network->desk);
	signer_close(box->network->signer);
	free(box->network);
	box->network = NULL;
}
