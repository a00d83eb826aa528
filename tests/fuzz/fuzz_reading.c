/*
 * Any payload, on any of the three topics, gives a reading within its bounds
 * or a refusal that can be told.
 */
#include <stdalign.h>
#include <string.h>

#include "gateway/ingest/reading.h"
#include "rules/base/qty.h"
#include "tests/fuzz/fuzz.h"

static alignas(16) unsigned char memory[READING_JSON_SIZE];
static struct reading reading;

static void check_scan(const struct scan_reading *scan)
{
	bool needs_code = scan->op != OP_UNDO && scan->op != OP_DONE;

	ASSERT(scan->code_count <= READING_CODES_MAX);
	ASSERT(scan->code_count > 0 || !needs_code);
	ASSERT(!scan->is_bare || scan->code_count == 1);
	for (size_t i = 0; i < scan->code_count; i++) {
		struct span code = reading_code(scan, i);

		ASSERT(code.size >= 1 && code.size <= READING_CODE_SIZE_MAX);
		ASSERT(utf8_is_valid(code));
		ASSERT(memchr(code.data, '\0', code.size) == NULL);
	}
	if (scan->has_qty)
		ASSERT(scan->qty >= (scan->op == OP_COUNT ? 0 : 1) &&
		       scan->qty <= QTY_MOVE_MAX);
	ASSERT(scan->bin.size == 0 ||
	       place_name_is_valid(place_name_span(&scan->bin)));
	ASSERT(scan->to.size == 0 ||
	       place_name_is_valid(place_name_span(&scan->to)));
	ASSERT(text_is_clean(lot_span(&scan->lot)));
	ASSERT(text_is_clean(serial_span(&scan->serial)));
	ASSERT(text_is_clean(ref_span(&scan->ref)));
	ASSERT(text_is_clean(reason_span(&scan->reason)));
	ASSERT(scan->condition <= CONDITION_MAX);
}

static void check_rfid(const struct rfid_reading *rfid)
{
	ASSERT(rfid->tag_count >= 1 && rfid->tag_count <= READING_TAGS_MAX);
	for (size_t i = 0; i < rfid->tag_count; i++) {
		ASSERT(rfid->tags[i].epc_size >= 1 &&
		       rfid->tags[i].epc_size <= READING_EPC_SIZE_MAX);
		ASSERT(rfid->tags[i].count >= 1);
	}
}

static void check_reading(void)
{
	ASSERT(!reading.has_seq || reading.seq >= 1);
	ASSERT(!reading.has_at ||
	       (reading.at.ms >= 0 && reading.at.ms <= MOMENT_TEXT_MS_MAX));
	switch (reading.kind) {
	case READING_SCAN:
		check_scan(&reading.body.scan);
		break;
	case READING_SHELF:
		ASSERT(reading.body.shelf.bin.size == 0 ||
		       place_name_is_valid(
			       place_name_span(&reading.body.shelf.bin)));
		break;
	case READING_RFID:
		check_rfid(&reading.body.rfid);
		break;
	}
}

static void check_refusal(const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];

	ASSERT(fault->kind > FAULT_NONE && fault->kind < FAULT_FILE_EMPTY);
	ASSERT(fault->kind != FAULT_TOO_MUCH);
	fault_text_en(fault, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
	fault_text_zh(fault, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
	ASSERT(!reading.has_seq || reading.seq >= 1);
	ASSERT(text_is_clean(boot_span(&reading.boot)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span payload = {(const char *)data, size};
	struct json json;
	struct fault fault;

	json_init(&json, memory, sizeof(memory));
	for (int kind = READING_SCAN; kind <= READING_RFID; kind++) {
		memset(&reading, 0xa5, sizeof(reading));
		if (reading_parse((enum reading_kind)kind, payload, &json,
				  &reading, &fault) == ERR_OK)
			check_reading();
		else
			check_refusal(&fault);
	}
	return 0;
}
