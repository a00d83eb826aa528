/*
 * e2e_network - what tests of many sites do with stores beside the programs.
 *
 *	e2e_network net STORE                the network's id, as hex
 *	e2e_network commission HQ SITE...    HQ's control feed begins: a number
 *	                                     and a certificate for each store
 *	e2e_network feeds STORE              a line for each feed that it holds
 *
 * Exit codes: 0 done, 1 failed, 2 usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/hq.h"
#include "store/site.h"

#define EXIT_USAGE 2
#define SITES_MAX 8
/* 2026-11-22T10:00:00Z */
#define COMMISSIONED_MS INT64_C(1795341600000)

static void hex_print(const char *name, const uint8_t *bytes, size_t size)
{
	printf(",\"%s\":\"", name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	printf("\"");
}

/* ---- commissioning ---- */

static enum err_code key_make(const char *store, const char *name,
			      struct signer **ret_signer, struct err *err)
{
	char folder[FILE_PATH_SIZE];
	uint8_t public_half[KEY_PUBLIC_SIZE];
	enum err_code code = ledger_keys_folder(store, folder, err);

	if (code == ERR_OK)
		code = keys_make(folder, name, public_half, err);
	if (code == ERR_OK)
		code = signer_open(folder, name, ret_signer, err);
	return code;
}

/* Gives the store at @path its number, and takes its name and key. */
static enum err_code site_enlist(const char *path, uint32_t site,
				 struct certificate *certificate,
				 struct err *err)
{
	struct ledger *ledger;
	struct batch *batch;
	enum err_code code = ledger_open(path, ENV_WRITE, &ledger, err);

	if (code != ERR_OK)
		return code;
	code = batch_begin(ledger, &batch, err);
	if (code == ERR_OK)
		code = site_number_put(batch_txn(batch), site, err);
	if (code == ERR_OK)
		code = batch_commit(batch, err);
	*certificate = (struct certificate){
		.site = site,
		.epoch = 1,
		.name = ledger_identity(ledger)->site,
		.role = SITE_ROLE_SITE,
		.rights = RIGHT_PROMISE,
		.valid_from_ms = (uint64_t)COMMISSIONED_MS,
	};
	memcpy(certificate->public_key, ledger_identity(ledger)->public_key,
	       KEY_PUBLIC_SIZE);
	ledger_close(ledger);
	return code;
}

static enum err_code sites_enlist(char **paths, int count,
				  struct entry *entries, struct err *err)
{
	enum err_code code = ERR_OK;

	for (int i = 0; i < count && code == ERR_OK; i++) {
		entry_init(&entries[i], ENTRY_CERTIFICATE);
		code = site_enlist(paths[i], SITE_FIRST + 1 + (uint32_t)i,
				   &entries[i].body.certificate, err);
	}
	return code;
}

static enum err_code network_found(struct hq *hq, struct batch *batch,
				   const struct signer *root,
				   struct hq_word *word, struct err *err)
{
	enum err_code code;

	batch_time(batch, (struct moment){COMMISSIONED_MS}, true);
	code = hq_found(hq, batch, root, err);
	if (code == ERR_OK && word->count > 0)
		code = hq_say(hq, batch, word, NULL, err);
	if (code == ERR_OK)
		code = site_number_put(batch_txn(batch), SITE_FIRST, err);
	return code;
}

static enum err_code hq_begin(const char *path, struct ledger *ledger,
			      struct hq_word *word, struct err *err)
{
	struct hq hq = {.identity = ledger_identity(ledger),
			.control_epoch = 1,
			.master_epoch = 1,
			.boot = 1};
	struct signer *root = NULL;
	struct signer *control = NULL;
	struct signer *master = NULL;
	struct batch *batch;
	char folder[FILE_PATH_SIZE];
	enum err_code code = ledger_keys_folder(path, folder, err);

	if (code == ERR_OK)
		code = signer_open(folder, "root.key", &root, err);
	if (code == ERR_OK)
		code = key_make(path, "control-1.key", &control, err);
	if (code == ERR_OK)
		code = key_make(path, "master-1.key", &master, err);
	if (code == ERR_OK)
		code = feed_desk_open(hq.identity->net_id, &hq.desk, err);
	hq.control = control;
	hq.master = master;
	if (code == ERR_OK)
		code = batch_begin(ledger, &batch, err);
	if (code == ERR_OK) {
		code = network_found(&hq, batch, root, word, err);
		if (code == ERR_OK)
			code = batch_commit(batch, err);
		else
			batch_abandon(batch);
	}
	feed_desk_close(hq.desk);
	signer_close(root);
	signer_close(control);
	signer_close(master);
	return code;
}

static enum err_code commission(const char *path, char **sites, int count,
				struct err *err)
{
	struct entry entries[SITES_MAX];
	struct hq_word word = {entries, (size_t)count, false};
	struct ledger *ledger;
	enum err_code code = sites_enlist(sites, count, entries, err);

	if (code == ERR_OK)
		code = ledger_open(path, ENV_WRITE, &ledger, err);
	if (code != ERR_OK)
		return code;
	code = hq_begin(path, ledger, &word, err);
	ledger_close(ledger);
	return code;
}

/* ---- looking ---- */

struct showing {
	const struct view *view;
	const uint8_t *net_id;
};

static enum err_code feed_show(void *context, const struct feed_record *feed,
			       struct err *err)
{
	const struct showing *showing = context;
	uint8_t digest[HASH_SIZE];
	enum err_code code = feed_digest(showing->view, showing->net_id,
					 feed->id, digest, err);

	if (code != ERR_OK)
		return code;
	printf("{\"site\":%u,\"epoch\":%u,\"branch\":\"%016" PRIx64
	       "\",\"state\":\"%s\",\"seq\":%" PRIu64 ",\"number\":%" PRIu64
	       ",\"rows\":%" PRIu64 ",\"void\":%" PRIu64,
	       feed->id.site, feed->id.epoch, feed->id.branch,
	       feed_state_name(feed->state), feed->seq, feed->number,
	       feed->rows, feed->void_rows);
	hex_print("hash", feed->hash, HASH_SIZE);
	hex_print("digest", digest, HASH_SIZE);
	printf("}\n");
	return ERR_OK;
}

static enum err_code look(const char *path, bool is_net, struct err *err)
{
	struct showing showing;
	struct ledger *ledger;
	struct view *view;
	enum err_code code = ledger_open(path, ENV_READ, &ledger, err);

	if (code != ERR_OK)
		return code;
	showing.net_id = ledger_identity(ledger)->net_id;
	if (is_net) {
		printf("{\"v\":1");
		hex_print("net", showing.net_id, NET_ID_SIZE);
		printf("}\n");
		ledger_close(ledger);
		return ERR_OK;
	}
	code = view_begin(ledger_env(ledger), &view, err);
	if (code == ERR_OK) {
		showing.view = view;
		code = feed_walk(view, NULL, feed_show, &showing, err);
		view_end(view);
	}
	ledger_close(ledger);
	return code;
}

int main(int argc, char **argv)
{
	enum err_code code;
	struct err err;

	if (argc == 3 && strcmp(argv[1], "net") == 0)
		code = look(argv[2], true, &err);
	else if (argc == 3 && strcmp(argv[1], "feeds") == 0)
		code = look(argv[2], false, &err);
	else if (argc >= 3 && argc - 3 <= SITES_MAX &&
		 strcmp(argv[1], "commission") == 0)
		code = commission(argv[2], argv + 3, argc - 3, &err);
	else
		return EXIT_USAGE;
	if (code != ERR_OK) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
