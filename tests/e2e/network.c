/*
 * e2e_network - what tests of many sites do with stores beside the programs.
 *
 *	e2e_network feeds STORE    a line for each feed that it holds
 *
 * Exit codes: 0 done, 1 failed, 2 usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/feed.h"
#include "store/ledger.h"

#define EXIT_USAGE 2

static void hex_print(const char *name, const uint8_t *bytes, size_t size)
{
	printf(",\"%s\":\"", name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	printf("\"");
}

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

static enum err_code look(const char *path, struct err *err)
{
	struct showing showing;
	struct ledger *ledger;
	struct view *view;
	enum err_code code = ledger_open(path, ENV_READ, &ledger, err);

	if (code != ERR_OK)
		return code;
	showing.net_id = ledger_identity(ledger)->net_id;
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

	if (argc != 3 || strcmp(argv[1], "feeds") != 0)
		return EXIT_USAGE;
	code = look(argv[2], &err);
	if (code != ERR_OK) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
