#include "gateway/core/entry_out.h"

#include <string.h>

#include "gateway/core/act.h"
#include "gateway/core/terms.h"

/* Fields that mean more than their type says. */
enum meaning {
	MEANS_TERM,   /* a number of a term set */
	MEANS_ID,     /* a number that others would round */
	MEANS_STAMP,  /* a hybrid stamp: its physical time */
	MEANS_DATE,   /* yyyymmdd */
	MEANS_ROLES,  /* bits */
	MEANS_RIGHTS, /* bits */
	MEANS_UID,    /* plus 1 */
	MEANS_DIGITS, /* text of fixed size */
	MEANS_LETTER, /* one character */
	MEANS_MOMENT, /* milliseconds since 1970 */
};

struct meaning_row {
	const char *name;
	enum meaning meaning;
	enum term_set set;
};

static const struct meaning_row meanings[] = {
	{"stamp", MEANS_STAMP, 0},
	{"seq", MEANS_ID, 0},
	{"previous_chain", MEANS_ID, 0},
	{"actor_kind", MEANS_TERM, TERM_ACTOR},
	{"ref_kind", MEANS_TERM, TERM_REF},
	{"movement", MEANS_TERM, TERM_MOVEMENT},
	{"from_kind", MEANS_TERM, TERM_PLACE},
	{"from_condition", MEANS_TERM, TERM_CONDITION},
	{"to_kind", MEANS_TERM, TERM_PLACE},
	{"to_condition", MEANS_TERM, TERM_CONDITION},
	{"expiry", MEANS_DATE, 0},
	{"sscc", MEANS_DIGITS, 0},
	{"unit", MEANS_TERM, TERM_UNIT},
	{"tracking", MEANS_TERM, TERM_TRACKING},
	{"abc_class", MEANS_LETTER, 0},
	{"device_kind", MEANS_TERM, TERM_DEVICE},
	{"roles", MEANS_ROLES, 0},
	{"uid", MEANS_UID, 0},
	{"verdict", MEANS_TERM, TERM_VERDICT},
	{"condition", MEANS_TERM, TERM_CONDITION},
	{"task_kind", MEANS_TERM, TERM_TASK},
	{"severity", MEANS_TERM, TERM_SEVERITY},
	{"check_kind", MEANS_TERM, TERM_CHECK},
	{"answer", MEANS_TERM, TERM_ANSWER},
	{"due", MEANS_MOMENT, 0},
	{"expected", MEANS_DATE, 0},
	{"transfer_state", MEANS_TERM, TERM_TRANSFER_STATE},
	{"claim_kind", MEANS_TERM, TERM_CLAIM},
	{"claim_state", MEANS_TERM, TERM_CLAIM_STATE},
	{"party", MEANS_TERM, TERM_CLAIM_PARTY},
	{"site_role", MEANS_TERM, TERM_SITE_ROLE},
	{"rights", MEANS_RIGHTS, 0},
	{"valid_from", MEANS_MOMENT, 0},
	{"valid_until", MEANS_MOMENT, 0},
	{"branch", MEANS_ID, 0},
	{"fence_verdict", MEANS_TERM, TERM_FENCE},
	{"expires", MEANS_MOMENT, 0},
	{"until", MEANS_MOMENT, 0},
	{"intent_state", MEANS_TERM, TERM_INTENT_STATE},
	{"invitation_state", MEANS_TERM, TERM_INVITATION},
	{"succession_reason", MEANS_TERM, TERM_SUCCESSION},
};

static const struct meaning_row *meaning_find(const struct entry *entry,
					      const struct field *field)
{
	static const struct meaning_row task_state = {"state", MEANS_TERM,
						      TERM_TASK_STATE};

	/* "state" is a task's word, an order's number, the site's text. */
	if (entry->kind == ENTRY_TASK && strcmp(field->name, "state") == 0)
		return &task_state;
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (strcmp(field->name, meanings[i].name) == 0)
			return &meanings[i];
	return NULL;
}

/* ---- values ---- */

/* The number of a field of any numeric type. */
static uint64_t number_of(const struct entry *entry, const struct field *field)
{
	const char *at = (const char *)entry + field->offset;
	uint64_t number = 0;
	uint32_t word;
	bool flag;

	switch (field->type) {
	case FIELD_NUMBER:
	case FIELD_SIGNED:
	case FIELD_CLOCK:
	case FIELD_POS:
		memcpy(&number, at, sizeof(number));
		break;
	case FIELD_U32:
	case FIELD_ENUM:
		memcpy(&word, at, sizeof(word));
		number = word;
		break;
	case FIELD_U8:
		number = *(const uint8_t *)at;
		break;
	case FIELD_BOOL:
		memcpy(&flag, at, sizeof(flag));
		number = flag;
		break;
	case FIELD_TEXT: /* its size */
		number = *(const uint8_t *)at;
		break;
	case FIELD_RAW:
		for (size_t i = 0; i < field->max; i++)
			number |= (uint8_t)at[i];
		break;
	}
	return number;
}

static void hex_out(struct json_out *out, const char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[128];

	ASSERT(2 * size <= sizeof(text));
	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[(uint8_t)bytes[i] >> 4];
		text[2 * i + 1] = digits[(uint8_t)bytes[i] & 0xf];
	}
	out_text(out, (struct span){text, 2 * size});
}

static void pos_value_out(struct json_out *out, struct pos pos)
{
	char text[POS_PRINT_SIZE];

	pos_print(pos, text, sizeof(text));
	out_string(out, text);
}

static void plain_out(struct json_out *out, const struct field *field,
		      const char *at, uint64_t number)
{
	switch (field->type) {
	case FIELD_CLOCK:
		out_moment(out, (struct moment){(int64_t)number});
		break;
	case FIELD_POS:
		pos_value_out(out, (struct pos){number});
		break;
	case FIELD_BOOL:
		out_bool(out, true);
		break;
	case FIELD_TEXT:
		out_text(out, (struct span){at + 1, (size_t)number});
		break;
	case FIELD_RAW:
		hex_out(out, at, field->max);
		break;
	case FIELD_NUMBER:
	case FIELD_SIGNED:
	case FIELD_U32:
	case FIELD_U8:
	case FIELD_ENUM:
		out_int(out, (int64_t)number);
		break;
	}
}

static void roles_out(struct json_out *out, uint64_t roles)
{
	out_array(out);
	for (uint32_t role = 1; role <= ROLE_HQ; role <<= 1)
		if ((roles & role) != 0)
			out_string(out, term_name(TERM_ROLE, role));
	out_array_end(out);
}

static void rights_out(struct json_out *out, uint64_t rights)
{
	out_array(out);
	if ((rights & RIGHT_PROMISE) != 0)
		out_string(out, "promise");
	if ((rights & RIGHT_GRANT) != 0)
		out_string(out, "grant");
	out_array_end(out);
}

static void date_out(struct json_out *out, uint64_t number)
{
	struct date date = {0, 0, 0};

	/* One that is none is written as null. */
	if (!date_from_number((uint32_t)number, &date))
		date.year = 0;
	out_date(out, date);
}

static void meaning_out(struct json_out *out, const struct meaning_row *row,
			const char *at, uint64_t number)
{
	struct stamp stamp = {number};
	char letter = (char)number;

	switch (row->meaning) {
	case MEANS_TERM:
		out_string(out, term_name(row->set, (uint32_t)number));
		break;
	case MEANS_ID:
		out_id(out, number);
		break;
	case MEANS_STAMP:
		out_moment(out, stamp_moment(stamp));
		break;
	case MEANS_DATE:
		date_out(out, number);
		break;
	case MEANS_ROLES:
		roles_out(out, number);
		break;
	case MEANS_RIGHTS:
		rights_out(out, number);
		break;
	case MEANS_UID:
		out_int(out, (int64_t)number - 1);
		break;
	case MEANS_DIGITS:
		out_text(out, (struct span){at, SSCC_SIZE});
		break;
	case MEANS_MOMENT:
		out_moment(out, (struct moment){(int64_t)number});
		break;
	case MEANS_LETTER:
		out_text(out, (struct span){&letter, 1});
		break;
	}
}

static void fields_out(const struct entry *entry, struct field_table table,
		       struct json_out *out)
{
	for (size_t i = 0; i < table.count; i++) {
		const struct field *field = &table.fields[i];
		const struct meaning_row *row = meaning_find(entry, field);
		const char *at = (const char *)entry + field->offset;
		uint64_t number = number_of(entry, field);

		if (number == 0)
			continue;
		out_key(out, field->name);
		if (row != NULL)
			meaning_out(out, row, at, number);
		else
			plain_out(out, field, at, number);
	}
}

void entry_out(const struct entry *entry, struct pos pos, struct json_out *out)
{
	char text[ENTRY_TEXT_SIZE];

	out_key(out, "entry");
	pos_value_out(out, pos);
	out_string_at(out, "kind", entry_kind_name(entry->kind));
	fields_out(entry, entry_head_fields(), out);
	if ((entry->clock_flags & ENTRY_CLOCK_TRUSTED) == 0)
		out_string_at(out, "clock", "untrusted");
	fields_out(entry, entry_body_fields(entry->kind), out);
	entry_text(entry, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	entry_text(entry, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
}
