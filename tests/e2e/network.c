/*
 * e2e_network - what tests of many sites do with stores beside the programs.
 *
 *	e2e_network feeds STORE       a line for each feed that it holds
 *	e2e_network cells STORE       a line for each cell of a bin by the feeds
 *	e2e_network lie STORE SITE    a unit more in one balance of that site's
 *                               first feed, as a mistake of ours would leave
 *                               it
 *
 *	e2e_network void STORE KEYS SKU    HQ's master feed says that stock of
 *                                    SKU moved, signed by its key
 *
 *	e2e_network forge STORE SITE SEQ    flips a bit of the signature of that
 *                                     delta of the site's first feed
 *
 * Exit codes: 0 done, 1 failed, 2 usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/feed.h"
#include "store/ledger.h"
#include "store/row.h"

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

/* A site's epochs each have a line of their own. */
static enum err_code cells_show(void *context,
				const struct site_balance_key *key,
				const struct balance *balance, struct err *err)
{
	(void)context;
	(void)err;
	if (key->place.kind != PLACE_BIN)
		return ERR_OK;
	for (size_t i = 0; i < balance->count; i++)
		printf("{\"site\":%u,\"item\":\"%.*s\",\"bin\":\"%.*s\","
		       "\"condition\":%d,\"units\":%" PRId64 "}\n",
		       key->feed.site, (int)key->item.size, key->item.data,
		       (int)key->place.name.size, key->place.name.data,
		       (int)balance->cells[i].condition,
		       balance->cells[i].quantity.units);
	return ERR_OK;
}

static enum err_code show(struct showing *showing, const char *what,
			  struct err *err)
{
	if (strcmp(what, "cells") == 0)
		return site_balance_walk(showing->view, NULL, cells_show, NULL,
					 err);
	return feed_walk(showing->view, NULL, feed_show, showing, err);
}

static enum err_code look(const char *what, const char *path, struct err *err)
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
		code = show(&showing, what, err);
		view_end(view);
	}
	ledger_close(ledger);
	return code;
}

/* ---- a lie ---- */

struct picked {
	struct key key;
	int64_t units;
	struct pos pos;
};

static enum err_code row_pick(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct picked *picked = context;
	struct reader reader;
	enum err_code code =
		row_open(TABLE_SITE_BALANCE, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	picked->key = key_of_text(key);
	picked->units = read_signed(&reader);
	picked->pos = read_pos(&reader);
	return ERR_STOPPED;
}

static enum err_code lie(struct txn *txn, uint32_t site, struct err *err)
{
	uint8_t buffer[64];
	struct picked picked = {.units = 0};
	struct key prefix = {.size = 0};
	struct writer writer;
	enum err_code code;

	key_add_u32(&prefix, site);
	code = view_walk(txn_view(txn), TABLE_SITE_BALANCE, key_span(&prefix),
			 key_span(&prefix), row_pick, &picked, err);
	if (code == ERR_OK)
		return err_set(err, ERR_NOT_FOUND, "no balance of that site");
	if (code != ERR_STOPPED)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, picked.units + 1);
	write_pos(&writer, picked.pos);
	return row_put(txn, TABLE_SITE_BALANCE, key_span(&picked.key), &writer,
		       err);
}

static enum err_code forge(struct txn *txn, uint32_t site, uint64_t seq,
			   struct err *err)
{
	static uint8_t bytes[ROW_DELTA_SIZE_MAX];
	struct key key = {.size = 0};
	struct delta_header header;
	struct reader reader;
	struct writer writer;
	struct span row;
	size_t at;
	enum err_code code;

	key_add_u32(&key, site);
	key_add_u32(&key, 1);
	key_add_u64(&key, 0);
	key_add_u64(&key, seq);
	code = row_get(txn_view(txn), TABLE_DELTA, key_span(&key), &reader,
		       err);
	if (code != ERR_OK)
		return code;
	row = read_raw(&reader, reader_left(&reader));
	reader_init(&reader, row.data, row.size);
	if (row.size > sizeof(bytes) ||
	    delta_header_read(&reader, &header) != ERR_OK)
		return err_set(err, ERR_CORRUPT, "no delta");
	at = row.size - reader_left(&reader);
	memcpy(bytes, row.data, row.size);
	bytes[at + 7] ^= 1;
	writer_init(&writer, bytes, sizeof(bytes));
	writer.size = row.size;
	return row_put(txn, TABLE_DELTA, key_span(&key), &writer, err);
}

/* @seq NULL: a lie; else a forgery. */
static enum err_code lie_in(const char *path, const char *site, const char *seq,
			    struct err *err)
{
	uint64_t last = 0;
	struct env *env;
	struct txn *txn;
	uint64_t number;
	enum err_code code = env_open(path, ENV_WRITE, &env, err);

	if (code != ERR_OK)
		return code;
	code = txn_begin(env, &txn, err);
	if (code == ERR_OK) {
		code = ERR_INVALID;
		if (span_to_u64(span_of(site), UINT32_MAX, &number) &&
		    (seq == NULL ||
		     span_to_u64(span_of(seq), UINT64_MAX, &last)))
			code = seq == NULL ? lie(txn, (uint32_t)number, err)
					   : forge(txn, (uint32_t)number, last,
						   err);
		if (code == ERR_OK)
			code = txn_commit(txn, err);
		else
			txn_abandon(txn);
	}
	env_close(env);
	return code;
}

/* ---- what is not its writer's to say ---- */

/* Our own writer says that it may not, and has written it. */
static enum err_code movement_write(struct feed_desk *desk, struct txn *txn,
				    const struct signer *signer,
				    const char *sku, struct err *err)
{
	uint8_t bytes[ENTRY_SIZE_MAX];
	struct entry entry;
	struct movement *movement = &entry.body.movement;
	struct writer writer;
	struct span span;
	struct feed_write write = {
		.id = {SITE_MASTER, 1, 0},
		.plan = {.signer = signer, .boot = 1, .rows_max = 1},
		.entries = &span,
		.count = 1};
	uint64_t seq;
	enum err_code code;

	entry_init(&entry, ENTRY_MOVEMENT);
	movement->kind = MOVEMENT_RECEIVE;
	movement->quantity.units = 5;
	movement->from.place.kind = PLACE_SUPPLIER;
	movement->to = (struct side){.place = {.kind = PLACE_BIN},
				     .condition = CONDITION_GOOD};
	if (!sku_set(&movement->item, span_of(sku)) ||
	    !place_name_set(&movement->from.place.name, SPAN_LITERAL("acme")) ||
	    !place_name_set(&movement->to.place.name, SPAN_LITERAL("A-01")))
		return err_set(err, ERR_INVALID, "no SKU");
	writer_init(&writer, bytes, sizeof(bytes));
	entry_encode(&writer, &entry);
	span = (struct span){(const char *)bytes, writer.size};
	code = feed_write(desk, txn, &write, &seq, err);
	return code == ERR_INVALID ? ERR_OK : code;
}

static enum err_code void_say(const char *path, const char *keys,
			      const char *sku, struct err *err)
{
	struct ledger *ledger;
	struct feed_desk *desk = NULL;
	struct signer *signer = NULL;
	struct txn *txn;
	enum err_code code = ledger_open(path, ENV_WRITE, &ledger, err);

	if (code != ERR_OK)
		return code;
	code = feed_desk_open(ledger_identity(ledger)->net_id, &desk, err);
	if (code == ERR_OK)
		code = signer_open(keys, "master-1.key", &signer, err);
	if (code == ERR_OK)
		code = txn_begin(ledger_env(ledger), &txn, err);
	if (code == ERR_OK) {
		code = movement_write(desk, txn, signer, sku, err);
		if (code == ERR_OK)
			code = txn_commit(txn, err);
		else
			txn_abandon(txn);
	}
	signer_close(signer);
	feed_desk_close(desk);
	ledger_close(ledger);
	return code;
}

int main(int argc, char **argv)
{
	enum err_code code;
	struct err err = {.text = ""};

	if (argc == 3 &&
	    (strcmp(argv[1], "feeds") == 0 || strcmp(argv[1], "cells") == 0))
		code = look(argv[1], argv[2], &err);
	else if (argc == 4 && strcmp(argv[1], "lie") == 0)
		code = lie_in(argv[2], argv[3], NULL, &err);
	else if (argc == 5 && strcmp(argv[1], "void") == 0)
		code = void_say(argv[2], argv[3], argv[4], &err);
	else if (argc == 5 && strcmp(argv[1], "forge") == 0)
		code = lie_in(argv[2], argv[3], argv[4], &err);
	else
		return EXIT_USAGE;
	if (code != ERR_OK) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
