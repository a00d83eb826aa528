/*
 * What is in a store, as JSON lines. Fields come from the tables that also
 * encode them (entry.h); numbers of enums stay numbers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/balance.h"
#include "store/master.h"
#include "store/parked.h"
#include "tests/e2e/tool.h"

/* Texts here are clean UTF-8 or raw input: what is not plain ASCII is escaped
 * byte by byte as Latin-1, which a reader turns back into the same bytes. */
static void text_put(struct span text)
{
	putchar('"');
	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\')
			printf("\\u%04x", byte);
		else
			putchar(byte);
	}
	putchar('"');
}

static void text_member(const char *name, struct span text)
{
	if (text.size == 0)
		return;
	printf(",\"%s\":", name);
	text_put(text);
}

/* ---- balances ---- */

struct reading_from {
	const struct view *view;
};

static enum err_code balance_put(void *context, struct item_no item,
				 struct place_no place_no,
				 const struct balance *balance, struct err *err)
{
	const struct view *view = ((struct reading_from *)context)->view;
	struct place place;
	struct sku sku;
	char where[PLACE_PRINT_SIZE];
	enum err_code code = item_name_of(view, item, &sku, err);

	if (code == ERR_OK)
		code = place_get(view, place_no, &place, err);
	if (code != ERR_OK)
		return code;
	place_print(&place, where, sizeof(where));
	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];

		fputs("{\"item\":", stdout);
		text_put(sku_span(&sku));
		text_member("place", span_of(where));
		text_member("lot", lot_span(&cell->lot));
		if (cell->condition != CONDITION_NONE)
			text_member("condition",
				    span_of(condition_name(cell->condition)));
		printf(",\"quantity\":%" PRId64 "}\n", cell->quantity.units);
	}
	return ERR_OK;
}

enum err_code tool_balances(const struct view *view, struct err *err)
{
	struct reading_from from = {view};

	return balance_walk_all(view, balance_put, &from, err);
}

/* ---- the journal ---- */

static void raw_put(const char *name, struct span raw)
{
	bool is_zero = true;

	for (size_t i = 0; i < raw.size; i++)
		is_zero = is_zero && raw.data[i] == '\0';
	if (!is_zero)
		text_member(name, raw);
}

static void number_put(const char *name, int64_t number)
{
	if (number != 0)
		printf(",\"%s\":%" PRId64, name, number);
}

static void field_put(const struct entry *entry, const struct field *field)
{
	const char *at = (const char *)entry + field->offset;
	uint64_t number = 0;
	int64_t negative;
	uint32_t word;

	switch (field->type) {
	case FIELD_TEXT:
		text_member(field->name,
			    (struct span){at + 1, (unsigned char)*at});
		return;
	case FIELD_RAW:
		raw_put(field->name, (struct span){at, field->max});
		return;
	case FIELD_SIGNED:
	case FIELD_CLOCK:
		memcpy(&negative, at, sizeof(negative));
		number_put(field->name, negative);
		return;
	case FIELD_NUMBER:
		memcpy(&number, at, sizeof(number));
		break;
	case FIELD_U32:
	case FIELD_ENUM:
		memcpy(&word, at, sizeof(word));
		number = word;
		break;
	case FIELD_U8:
	case FIELD_BOOL:
		number = (unsigned char)*at;
		break;
	case FIELD_POS:
		memcpy(&number, at, sizeof(number));
		number &= POS_NUMBER_MAX;
		break;
	}
	if (number != 0)
		printf(",\"%s\":%" PRIu64, field->name, number);
}

static void fields_put(const struct entry *entry, struct field_table table)
{
	for (size_t i = 0; i < table.count; i++)
		field_put(entry, &table.fields[i]);
}

static enum err_code entry_put(void *context, const struct journal_row *row,
			       struct err *err)
{
	struct entry entry;
	enum err_code code = entry_decode(row->bytes, &entry);

	(void)context;
	if (code != ERR_OK)
		return err_set(err, code, "entry %" PRIu64,
			       pos_number(row->pos));
	printf("{\"epoch\":%" PRIu32 ",\"pos\":%" PRIu64 ",\"kind\":\"%s\"",
	       pos_epoch(row->pos), pos_number(row->pos),
	       entry_kind_name(entry.kind));
	fields_put(&entry, entry_head_fields());
	fields_put(&entry, entry_body_fields(entry.kind));
	puts("}");
	return ERR_OK;
}

enum err_code tool_journal(const struct view *view, struct pos from,
			   struct err *err)
{
	return journal_walk(view, from, entry_put, NULL, err);
}

/* ---- parked input ---- */

static enum err_code parked_put(void *context, const struct parked *parked,
				struct err *err)
{
	(void)context;
	(void)err;
	printf("{\"number\":%" PRIu64
	       ",\"code\":%u,\"cut\":%s,\"seq\":%" PRIu64,
	       parked->number, parked->code, parked->is_cut ? "true" : "false",
	       parked->name.seq);
	text_member("topic", parked->topic);
	text_member("wants", code_text_span(&parked->wants));
	text_member("payload", parked->payload);
	puts("}");
	return ERR_OK;
}

enum err_code tool_parked(const struct view *view, struct err *err)
{
	return parked_walk(view, 0, parked_put, NULL, err);
}
