/*
 * resolve - what a scanned text stands for in this warehouse.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * Order: depot's own labels; then registered codes (a GTIN by its 14 digits,
 * anything else byte for byte); then SKUs; then bins. So a code that somebody
 * registered always wins over a name that happens to look like it.
 */
#ifndef DEPOT_GATEWAY_CORE_RESOLVE_H
#define DEPOT_GATEWAY_CORE_RESOLVE_H

#include "gateway/core/verdict.h"
#include "gateway/ingest/reading.h"
#include "gateway/ingest/scan_text.h"
#include "store/master.h"

enum found_kind {
	FOUND_NOTHING, /* no one knows it: wants is what has to be named */
	FOUND_ITEM,
	FOUND_DETAILS, /* GS1 elements that belong to an item beside it */
	FOUND_PALLET,  /* an SSCC alone */
	FOUND_BIN,
	FOUND_OP,
	FOUND_QTY,
	FOUND_UNDO,
	FOUND_DONE,
	FOUND_FAULT, /* a damaged code: problem */
};

struct found {
	enum found_kind kind;
	struct item_no item_no;
	struct item item;
	int64_t pack;    /* base units in one of the code */
	int64_t count;   /* of the text's own (30) or (37); 0: not said */
	int64_t measure; /* base units of a variable measure; 0: none */
	struct lot lot;
	struct serial serial;
	uint32_t expiry;      /* yyyymmdd; 0: not said */
	char sscc[SSCC_SIZE]; /* NULs: none */
	struct place_name bin;
	enum reading_op op;
	int64_t quantity;       /* FOUND_QTY */
	struct code_text wants; /* canonical text of what was scanned */
	/* FOUND_FAULT: what is wrong. Else SCAN_OK, or a separator that was
	 * lost: then the lot or serial is probably not what the label says. */
	struct scan_problem problem;
};

/*
 * @scan is working memory. @gs is what the device sends in place of GS; @year
 * is the present one, for two-digit years.
 * Errors only of the store; what is wrong with the text is in the result.
 */
struct resolving {
	const struct view *view;
	struct span gs;
	uint16_t year;
	enum gs1_carrier carrier; /* as the device told it beside the text */
	bool has_fnc1;
	struct scan_text *scan;
};
MUST_CHECK enum err_code resolve(const struct resolving *resolving,
				 struct span text, struct found *ret_found,
				 struct err *err);

#endif
