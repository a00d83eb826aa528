/*
 * ids - the names of things, as types that cannot be mixed up.
 *
 * Layer     rules/base
 * Threads   any
 *
 * Text names travel (in the journal, deltas, topics). Numbers of type *_no
 * are what one store interned a name to; they never leave the box.
 */
#ifndef DEPOT_RULES_BASE_IDS_H
#define DEPOT_RULES_BASE_IDS_H

#include <stdint.h>

#include "rules/base/limits.h"
#include "rules/base/text.h"

TEXT_DECLARE(sku, SKU_SIZE_MAX)   /* item, byte for byte as named */
TEXT_DECLARE(name, NAME_SIZE_MAX) /* org, site, device, account, rule */
TEXT_DECLARE(lot, LOT_SIZE_MAX)   /* empty: none */
TEXT_DECLARE(serial, SERIAL_SIZE_MAX)
TEXT_DECLARE(boot, BOOT_SIZE_MAX) /* a device's boot id; empty: none */
TEXT_DECLARE(ref, REF_SIZE_MAX)   /* order, purchase order, transfer ... */
TEXT_DECLARE(reason, REASON_SIZE_MAX)
TEXT_DECLARE(code_text, CODE_SIZE_MAX) /* a barcode's canonical text */

struct item_no {
	uint32_t value; /* from 1; 0 is none */
};

struct place_no {
	uint32_t value; /* from 1; 0 is none */
};

struct device_no {
	uint32_t value; /* from 1; 0 is none */
};

/*
 * Place of an entry in this site's journal: the epoch, and its number within
 * the epoch, from 1 without gaps. Together in one value, so that places
 * compare as numbers over all lives of the journal. 0: none.
 */
struct pos {
	uint64_t value;
};

#define POS_NUMBER_BITS 40
#define POS_NUMBER_MAX ((UINT64_C(1) << POS_NUMBER_BITS) - 1)
#define EPOCH_MAX ((UINT32_C(1) << 24) - 1)

static inline struct pos pos_make(uint32_t epoch, uint64_t number)
{
	ASSERT(epoch <= EPOCH_MAX && number <= POS_NUMBER_MAX);
	return (struct pos){(uint64_t)epoch << POS_NUMBER_BITS | number};
}

static inline uint32_t pos_epoch(struct pos pos)
{
	return (uint32_t)(pos.value >> POS_NUMBER_BITS);
}

static inline uint64_t pos_number(struct pos pos)
{
	return pos.value & POS_NUMBER_MAX;
}

#endif
