#include "gateway/ingest/reading_fields.h"
#include "rules/base/qty.h"

/* ---- shelf ---- */

static enum err_code take_measure(struct reading *reading,
				  const struct json_value *value,
				  struct json_range range,
				  enum shelf_measure measure,
				  struct fault *fault)
{
	struct shelf_reading *shelf = &reading->body.shelf;

	shelf->measure = measure;
	return json_to_int(value, range, &shelf->value, fault);
}

static enum err_code take_weight_g(struct reading *reading,
				   const struct json_value *value,
				   struct fault *fault)
{
	const struct json_range range = {-READING_WEIGHT_G_MAX,
					 READING_WEIGHT_G_MAX};

	return take_measure(reading, value, range, SHELF_WEIGHT_G, fault);
}

static enum err_code take_distance_mm(struct reading *reading,
				      const struct json_value *value,
				      struct fault *fault)
{
	const struct json_range range = {0, READING_DISTANCE_MM_MAX};

	return take_measure(reading, value, range, SHELF_DISTANCE_MM, fault);
}

static enum err_code take_quantity(struct reading *reading,
				   const struct json_value *value,
				   struct fault *fault)
{
	const struct json_range range = {0, QTY_MOVE_MAX};

	return take_measure(reading, value, range, SHELF_QUANTITY, fault);
}

static enum err_code take_shelf_bin(struct reading *reading,
				    const struct json_value *value,
				    struct fault *fault)
{
	return reading_place(value, &reading->body.shelf.bin, fault);
}

static enum err_code take_stable(struct reading *reading,
				 const struct json_value *value,
				 struct fault *fault)
{
	return json_to_bool(value, &reading->body.shelf.is_stable, fault);
}

static const struct reading_field shelf_fields[] = {
	READING_FIELD("at", reading_take_at),
	READING_FIELD("bin", take_shelf_bin),
	READING_FIELD("weight_g", take_weight_g),
	READING_FIELD("distance_mm", take_distance_mm),
	READING_FIELD("quantity", take_quantity),
	READING_FIELD("stable", take_stable),
};

/* Exactly one of the measures. */
static enum err_code measure_check(const struct json_value *root,
				   struct fault *fault)
{
	static const char *const names[] = {"weight_g", "distance_mm",
					    "quantity"};
	const char *given = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (json_member(root, names[i]) == NULL)
			continue;
		if (given != NULL)
			return fault_of(fault, FAULT_TWO_GIVEN, given,
					span_of(names[i]));
		given = names[i];
	}
	if (given == NULL)
		return reading_missing("weight_g / distance_mm / quantity",
				       fault);
	return ERR_OK;
}

enum err_code reading_shelf(struct reading *reading,
			    const struct json_value *root, struct fault *fault)
{
	enum err_code code;

	reading->body.shelf = (struct shelf_reading){0};
	code = reading_take_fields(reading, root, shelf_fields,
				   ARRAY_LEN(shelf_fields), fault);
	if (code != ERR_OK)
		return code;
	if (json_member(root, "stable") == NULL)
		return reading_missing("stable", fault);
	return measure_check(root, fault);
}

/* ---- rfid ---- */

/* The value of a hexadecimal digit, or -1. */
static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool epc_parse(struct span text, struct tag_read *tag)
{
	if (text.size == 0 || text.size % 2 != 0 ||
	    text.size / 2 > sizeof(tag->epc))
		return false;
	for (size_t i = 0; i < text.size; i += 2) {
		int high = nibble(text.data[i]);
		int low = nibble(text.data[i + 1]);

		if (high < 0 || low < 0)
			return false;
		tag->epc[i / 2] = (uint8_t)(high << 4 | low);
	}
	tag->epc_size = (uint8_t)(text.size / 2);
	return true;
}

static enum err_code take_epc(const struct json_value *value,
			      struct tag_read *tag, struct fault *fault)
{
	struct span text = {"", 0};
	enum err_code code = json_text(value, "epc", &text, fault);

	if (code == ERR_NOT_FOUND)
		return ERR_INVALID; /* it says missing */
	if (code == ERR_OK && !epc_parse(text, tag)) {
		code = json_fault(json_member(value, "epc"), FAULT_BAD_EPC,
				  fault);
		fault->low = 1;
		fault->high = READING_EPC_SIZE_MAX;
	}
	return code;
}

static enum err_code take_rssi(const struct json_value *value,
			       struct tag_read *tag, struct fault *fault)
{
	const struct json_range dbm = {-200, 100};
	const struct json_value *rssi = json_member(value, "rssi");
	int64_t cdbm;
	enum err_code code;

	if (rssi == NULL)
		return ERR_OK;
	code = json_to_scaled(rssi, 2, dbm, &cdbm, fault);
	if (code != ERR_OK)
		return code;
	tag->has_rssi = true;
	tag->rssi_cdbm = (int16_t)cdbm;
	return ERR_OK;
}

static enum err_code take_tag(const struct json_value *value,
			      struct tag_read *tag, struct fault *fault)
{
	const struct json_range antennas = {0, UINT16_MAX};
	const struct json_range counts = {1, INT32_MAX};
	int64_t antenna = -1;
	int64_t count = 1;
	enum err_code code = json_to_object(value, fault);

	*tag = (struct tag_read){0};
	if (code == ERR_OK)
		code = take_epc(value, tag, fault);
	if (code == ERR_OK)
		code = json_optional(
			json_int(value, "antenna", antennas, &antenna, fault));
	if (code == ERR_OK)
		code = json_optional(
			json_int(value, "count", counts, &count, fault));
	if (code == ERR_OK)
		code = take_rssi(value, tag, fault);
	if (code != ERR_OK)
		return code;
	tag->has_antenna = antenna >= 0;
	tag->antenna = tag->has_antenna ? (uint16_t)antenna : 0;
	tag->count = (uint32_t)count;
	return ERR_OK;
}

static enum err_code take_reads(struct reading *reading,
				const struct json_value *value,
				struct fault *fault)
{
	struct rfid_reading *rfid = &reading->body.rfid;
	enum err_code code = json_to_array(value, fault);

	if (code != ERR_OK)
		return code;
	value = json_first(value);
	if (value == NULL)
		return fault_of(fault, FAULT_EMPTY, "reads", span_of(""));
	for (; value != NULL; value = json_next(value)) {
		if (rfid->tag_count == READING_TAGS_MAX)
			return reading_size_fault(FAULT_TOO_MANY, "reads",
						  READING_TAGS_MAX + 1,
						  READING_TAGS_MAX, fault);
		code = take_tag(value, &rfid->tags[rfid->tag_count], fault);
		if (code != ERR_OK) {
			fault_within(fault, "reads", rfid->tag_count);
			return code;
		}
		rfid->tag_count++;
	}
	return ERR_OK;
}

static const struct reading_field rfid_fields[] = {
	READING_FIELD("at", reading_take_at),
	READING_FIELD("reads", take_reads),
};

enum err_code reading_rfid(struct reading *reading,
			   const struct json_value *root, struct fault *fault)
{
	enum err_code code;

	reading->body.rfid.tag_count = 0;
	code = reading_take_fields(reading, root, rfid_fields,
				   ARRAY_LEN(rfid_fields), fault);
	if (code == ERR_OK && reading->body.rfid.tag_count == 0)
		return reading_missing("reads", fault);
	return code;
}
