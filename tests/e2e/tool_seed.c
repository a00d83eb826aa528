/*
 * The list that a store is founded from. A line is a word and its fields, with
 * tabs between:
 *
 *	site    ORG SITE NET        first, once; NET: hex, or absent for a
 *network of its own account NAME ROLES          bits of enum role device  NAME
 *KIND PLACE     number of enum device_kind; PLACE may be "" item    SKU
 *TRACKING        number of enum tracking code    TEXT SKU PACK       GTINs as
 *14 digits bin     NAME
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/tool.h"

#define FIELDS_MAX 4
#define LINE_SIZE 1024
/* 2010-11-01T00:00:00Z: before anything that a test replays. */
#define FOUNDED_MS INT64_C(1288569600000)
#define BATCH_ENTRIES 1000

struct seeding {
	const char *path;
	uint64_t map_size;
	struct ledger *ledger;
	struct batch *batch;
	uint32_t entries; /* in the batch */
	size_t count;     /* of the line's fields, word included */
	struct span fields[FIELDS_MAX];
};

static void line_split(struct seeding *seeding, char *line)
{
	char *rest = line;
	char *field;

	line[strcspn(line, "\r\n")] = '\0';
	seeding->count = 0;
	while ((field = strsep(&rest, "\t")) != NULL &&
	       seeding->count < FIELDS_MAX)
		seeding->fields[seeding->count++] = span_of(field);
	for (size_t i = seeding->count; i < FIELDS_MAX; i++)
		seeding->fields[i] = (struct span){"", 0};
}

static bool net_read(struct span hex, uint8_t net_id[16])
{
	for (size_t i = 0; i < hex.size; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = memchr(digits, hex.data[i], 16);

		if (hex.size != 32 || at == NULL)
			return false;
		net_id[i / 2] = (uint8_t)(net_id[i / 2] << 4 | (at - digits));
	}
	return true;
}

static enum err_code found(struct seeding *seeding, struct err *err)
{
	struct ledger_plan plan = {.map_size = seeding->map_size,
				   .now = {FOUNDED_MS},
				   .clock_trusted = true};
	enum err_code code;

	if (!net_read(seeding->fields[3], plan.founding.net_id) ||
	    !name_set(&plan.founding.org, seeding->fields[1]) ||
	    !name_set(&plan.founding.site, seeding->fields[2]) ||
	    !ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")))
		return err_set(err, ERR_INVALID, "site's names");
	code = ledger_create(seeding->path, &plan, err);
	if (code == ERR_OK)
		code = ledger_open(seeding->path, ENV_WRITE, &seeding->ledger,
				   err);
	return code;
}

static bool number_of(struct span text, uint64_t max, uint64_t *ret_number)
{
	return span_to_u64(text, max, ret_number);
}

static bool account_read(const struct span *fields, struct entry *entry)
{
	uint64_t roles;

	entry_init(entry, ENTRY_ACCOUNT);
	if (!number_of(fields[2], UINT32_MAX, &roles))
		return false;
	entry->body.account.roles = (uint32_t)roles;
	return name_set(&entry->body.account.name, fields[1]);
}

static bool device_read(const struct span *fields, struct entry *entry)
{
	uint64_t kind;

	entry_init(entry, ENTRY_DEVICE);
	if (!number_of(fields[2], DEVICE_RFID, &kind))
		return false;
	entry->body.device.kind = (enum device_kind)kind;
	return name_set(&entry->body.device.name, fields[1]) &&
	       place_name_set(&entry->body.device.place, fields[3]);
}

static bool item_read(const struct span *fields, struct entry *entry)
{
	uint64_t tracking;

	entry_init(entry, ENTRY_ITEM);
	if (!number_of(fields[2], TRACK_SERIAL, &tracking))
		return false;
	entry->body.item.unit = UNIT_EACH;
	entry->body.item.tracking = (enum tracking)tracking;
	return sku_set(&entry->body.item.sku, fields[1]);
}

static bool code_read(const struct span *fields, struct entry *entry)
{
	uint64_t pack;

	entry_init(entry, ENTRY_CODE);
	if (!number_of(fields[3], QTY_MOVE_MAX, &pack))
		return false;
	entry->body.code.pack = (int64_t)pack;
	return code_text_set(&entry->body.code.code, fields[1]) &&
	       sku_set(&entry->body.code.item, fields[2]);
}

static bool bin_read(const struct span *fields, struct entry *entry)
{
	entry_init(entry, ENTRY_BIN);
	return place_name_set(&entry->body.bin.name, fields[1]);
}

static const struct {
	const char *word;
	bool (*read)(const struct span *fields, struct entry *entry);
} words[] = {
	{"account", account_read}, {"device", device_read}, {"item", item_read},
	{"code", code_read},       {"bin", bin_read},
};

static enum err_code batch_close(struct seeding *seeding, struct err *err)
{
	enum err_code code = ERR_OK;

	if (seeding->batch != NULL)
		code = batch_commit(seeding->batch, err);
	seeding->batch = NULL;
	seeding->entries = 0;
	return code;
}

static enum err_code post(struct seeding *seeding, struct entry *entry,
			  struct err *err)
{
	enum err_code code = ERR_OK;

	if (seeding->batch == NULL) {
		code = batch_begin(seeding->ledger, &seeding->batch, err);
		if (code != ERR_OK)
			return code;
		batch_time(seeding->batch, (struct moment){FOUNDED_MS}, true);
	}
	entry->actor.kind = ACTOR_RULE;
	if (!name_set(&entry->actor.name, SPAN_LITERAL("seed")))
		return ERR_INVALID; /* it fits */
	code = batch_post(seeding->batch, entry, NULL, err);
	if (code == ERR_OK && ++seeding->entries == BATCH_ENTRIES)
		code = batch_close(seeding, err);
	return code;
}

static enum err_code line_take(struct seeding *seeding, struct err *err)
{
	struct entry entry;

	if (span_is(seeding->fields[0], "site"))
		return found(seeding, err);
	if (seeding->ledger == NULL)
		return err_set(err, ERR_INVALID, "the site comes first");
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!span_is(seeding->fields[0], words[i].word))
			continue;
		if (!words[i].read(seeding->fields, &entry))
			break;
		return post(seeding, &entry, err);
	}
	return err_set(err, ERR_INVALID, "no such line: %.*s",
		       (int)seeding->fields[0].size, seeding->fields[0].data);
}

enum err_code tool_seed(const char *path, const char *list, uint64_t map_size,
			struct err *err)
{
	struct seeding seeding = {.path = path, .map_size = map_size};
	enum err_code code = ERR_OK;
	char line[LINE_SIZE];
	FILE *file = fopen(list, "re");

	if (file == NULL)
		return err_set(err, ERR_IO, "cannot open %s", list);
	while (code == ERR_OK && fgets(line, sizeof(line), file) != NULL) {
		line_split(&seeding, line);
		code = line_take(&seeding, err);
	}
	if (code == ERR_OK)
		code = batch_close(&seeding, err);
	batch_abandon(seeding.batch);
	ledger_close(seeding.ledger);
	(void)fclose(file); /* it was read only */
	return code;
}
