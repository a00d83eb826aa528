/*
 * master - items, codes, bins, devices, accounts, tasks, alerts: the last
 * entry of each, found by name.
 *
 * Layer     store
 * Threads   reading: any, through a view; master_fold: the writer
 * On disk   docs/format/tables.md: a row is [number] pos, entry bytes
 *
 * All of it is derived: each row holds the bytes of the journal entry that
 * last said something about its thing, so there is no second encoding that
 * could part from the first.
 */
#ifndef DEPOT_STORE_MASTER_H
#define DEPOT_STORE_MASTER_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* ---- numbers for names; they never leave the box ---- */

/* ERR_NOT_FOUND  no entry has named that item / place yet (@err untouched). An
 * item that only HQ's master data name has a number beyond all that entries of
 * this journal get (store/catalogue.h): nothing lies under it. */
MUST_CHECK enum err_code item_find(const struct view *view, struct span sku,
				   struct item_no *ret_item, struct err *err);
MUST_CHECK enum err_code place_find(const struct view *view,
				    const struct place *place,
				    struct place_no *ret_place,
				    struct err *err);

/* A number that was kept while entries were posted: if it is HQ's, and the
 * journal has named the item since, *@item becomes the journal's. */
MUST_CHECK enum err_code item_renumber(const struct view *view,
				       struct item_no *item, struct err *err);

/* A place's number says its kind, and bins sort first. The system bins have
 * the numbers below in every store: founding names them in this order. */
#define PLACE_NO_KIND_SHIFT 24
#define PLACE_NO_DOCK ((uint32_t)PLACE_BIN << PLACE_NO_KIND_SHIFT | 1)
#define PLACE_NO_PICKED ((uint32_t)PLACE_BIN << PLACE_NO_KIND_SHIFT | 2)
#define PLACE_NO_PACKED ((uint32_t)PLACE_BIN << PLACE_NO_KIND_SHIFT | 3)
enum place_kind place_no_kind(struct place_no place);

/* Finds the number or gives the next one. ERR_FULL: no room in the map. */
MUST_CHECK enum err_code item_intern(struct txn *txn, struct span sku,
				     struct item_no *ret_item, struct err *err);
MUST_CHECK enum err_code place_intern(struct txn *txn,
				      const struct place *place,
				      struct place_no *ret_place,
				      struct err *err);

/* The name behind a number that this store gave. ERR_CORRUPT: there is none. */
MUST_CHECK enum err_code item_name_of(const struct view *view,
				      struct item_no item, struct sku *ret_sku,
				      struct err *err);
MUST_CHECK enum err_code place_get(const struct view *view,
				   struct place_no place,
				   struct place *ret_place, struct err *err);

/*
 * Visits every SKU after @after (empty: all) with its number, in byte order;
 * an item that was moved but never described too. Bins likewise: the system's,
 * and those that are registered. What @visit returns, if not ERR_OK, ends the
 * walk and is the result.
 */
typedef enum err_code sku_visit_fn(void *context, struct span sku,
				   struct item_no item, struct err *err);
MUST_CHECK enum err_code sku_walk(const struct view *view, struct span after,
				  sku_visit_fn *visit, void *context,
				  struct err *err);
typedef enum err_code bin_visit_fn(void *context, struct span name,
				   struct place_no place, struct err *err);
MUST_CHECK enum err_code bin_walk(const struct view *view, struct span after,
				  bin_visit_fn *visit, void *context,
				  struct err *err);

/* ---- records ---- */

/* Each: ERR_NOT_FOUND when nothing has that name (@err untouched). A record
 * that is revoked or inactive is found and says so itself. */

/*
 * Of items and codes, HQ's word goes before this site's (store/catalogue.h).
 * An item that was moved but never described has only its SKU: NOT_FOUND.
 */
MUST_CHECK enum err_code item_get(const struct view *view, struct item_no item,
				  struct item *ret_item, struct err *err);
/* What this site's own journal says of it, whatever HQ says. */
MUST_CHECK enum err_code item_get_own(const struct view *view, struct span sku,
				      struct item *ret_item, struct err *err);
/* A code that stands for nothing any more has no item. */
MUST_CHECK enum err_code code_get(const struct view *view, struct span text,
				  struct code *ret_code, struct err *err);
/* What a scanned text stands for; @ret_pack is base units in one of it. */
MUST_CHECK enum err_code code_find(const struct view *view, struct span text,
				   struct item_no *ret_item, int64_t *ret_pack,
				   struct err *err);
MUST_CHECK enum err_code bin_get(const struct view *view, struct span name,
				 struct bin *ret_bin, struct err *err);
MUST_CHECK enum err_code device_get(const struct view *view, struct span name,
				    struct device *ret_device,
				    struct device_no *ret_number,
				    struct err *err);
MUST_CHECK enum err_code account_get(const struct view *view, struct span name,
				     struct account *ret_account,
				     struct err *err);
MUST_CHECK enum err_code task_get(const struct view *view, struct span id,
				  struct task *ret_task, struct err *err);
MUST_CHECK enum err_code alert_get(const struct view *view, struct span id,
				   struct alert *ret_alert, struct err *err);
/* The open count task of a bin and item (or whole bin: empty @item). */
MUST_CHECK enum err_code task_open_count(const struct view *view,
					 struct span bin, struct span item,
					 struct name *ret_id, struct err *err);

/* The entry that last said something about the thing with the key @key in
 * @table (as record_walk gives keys), and its pos. */
MUST_CHECK enum err_code record_find(const struct view *view, enum table table,
				     struct span key, struct pos *ret_pos,
				     struct entry *ret_entry, struct err *err);

/*
 * Visits the records of @table (ITEM, CODE, PLACE_NAME's bins are in BIN,
 * DEVICE, ACCOUNT, TASK, ALERT) whose key is after @after (empty: all), in
 * key order, as the entries that made them. For paging, the key is given too.
 */
typedef enum err_code record_visit_fn(void *context, struct span key,
				      struct pos pos, const struct entry *entry,
				      struct err *err);
MUST_CHECK enum err_code record_walk(const struct view *view, enum table table,
				     struct span after, record_visit_fn *visit,
				     void *context, struct err *err);

/* Folds an entry of any of these kinds, which lies at @pos, into the tables.
 * @bytes are its bytes as journalled. ERR_FULL: no room in the map. */
MUST_CHECK enum err_code master_fold(struct txn *txn, struct pos pos,
				     const struct entry *entry,
				     struct span bytes, struct err *err);

#endif
