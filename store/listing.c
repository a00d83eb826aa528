#include "store/listing.h"

#include "store/catalogue.h"

/*
 * Two sorted walks, one step of the one that is behind at a time. A walk calls
 * back and cannot be held, so each step begins one anew: a descent of the tree.
 */
struct source {
	bool is_over;
	struct entry entry; /* of the next one */
};

struct merging {
	const struct view *view;
	enum entry_kind kind;
	struct source own;
	struct source master;
};

static struct span name_of(const struct entry *entry)
{
	return entry->kind == ENTRY_ITEM
		       ? sku_span(&entry->body.item.sku)
		       : code_text_span(&entry->body.code.code);
}

/* ---- steps ---- */

static enum err_code sku_note(void *context, struct span sku,
			      struct item_no item, struct err *err)
{
	struct entry *entry = context;

	(void)item;
	(void)err;
	entry_init(entry, ENTRY_ITEM);
	return sku_set(&entry->body.item.sku, sku) ? ERR_STOPPED : ERR_CORRUPT;
}

static enum err_code code_note(void *context, struct span key, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct entry *copy = context;

	(void)key;
	(void)pos;
	(void)err;
	*copy = *entry;
	return ERR_STOPPED;
}

static enum err_code own_step(struct merging *merging, struct span after,
			      struct err *err)
{
	struct source *own = &merging->own;
	enum err_code code =
		merging->kind == ENTRY_ITEM
			? sku_walk(merging->view, after, sku_note, &own->entry,
				   err)
			: record_walk(merging->view, TABLE_CODE, after,
				      code_note, &own->entry, err);

	own->is_over = code == ERR_OK;
	return code == ERR_STOPPED ? ERR_OK : code;
}

static enum err_code master_step(struct merging *merging, struct span after,
				 struct err *err)
{
	struct source *master = &merging->master;
	enum err_code code = catalogue_next(merging->view, merging->kind, after,
					    &master->entry, err);

	master->is_over = code == ERR_NOT_FOUND;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- merging ---- */

static enum err_code merging_begin(struct merging *merging,
				   const struct view *view,
				   enum entry_kind kind, struct span after,
				   struct err *err)
{
	enum err_code code;

	merging->view = view;
	merging->kind = kind;
	code = own_step(merging, after, err);
	return code == ERR_OK ? master_step(merging, after, err) : code;
}

static enum listed merging_next(const struct merging *merging)
{
	int order;

	if (merging->own.is_over)
		return LISTED_MASTER;
	if (merging->master.is_over)
		return LISTED_OWN;
	order = span_compare(name_of(&merging->own.entry),
			     name_of(&merging->master.entry));
	if (order == 0)
		return LISTED_BOTH;
	return order < 0 ? LISTED_OWN : LISTED_MASTER;
}

/* Past what was just visited. */
static enum err_code merging_step(struct merging *merging, enum listed listed,
				  struct err *err)
{
	struct code_text after = {.size = 0};
	enum err_code code = ERR_OK;

	if (!code_text_set(&after, name_of(listed == LISTED_OWN
						   ? &merging->own.entry
						   : &merging->master.entry)))
		return err_set(err, ERR_CORRUPT, "a name is too long");
	if (listed != LISTED_MASTER)
		code = own_step(merging, code_text_span(&after), err);
	if (code == ERR_OK && listed != LISTED_OWN)
		code = master_step(merging, code_text_span(&after), err);
	return code;
}

/* ---- lists ---- */

/* Who is told: one of the two. */
struct telling {
	listed_item_fn *item;
	listed_code_fn *code;
	void *context;
};

static enum err_code entry_tell(const struct telling *telling,
				const struct entry *entry, enum listed listed,
				struct err *err)
{
	if (telling->item != NULL)
		return telling->item(telling->context, name_of(entry), listed,
				     err);
	return telling->code(telling->context, &entry->body.code, listed, err);
}

static enum err_code list(const struct view *view, enum entry_kind kind,
			  struct span after, const struct telling *telling,
			  struct err *err)
{
	UNINITIALIZED struct merging merging;
	enum err_code code = merging_begin(&merging, view, kind, after, err);

	while (code == ERR_OK &&
	       !(merging.own.is_over && merging.master.is_over)) {
		enum listed listed = merging_next(&merging);
		const struct entry *entry = listed == LISTED_OWN
						    ? &merging.own.entry
						    : &merging.master.entry;

		code = entry_tell(telling, entry, listed, err);
		if (code == ERR_OK)
			code = merging_step(&merging, listed, err);
	}
	return code;
}

enum err_code listing_items(const struct view *view, struct span after,
			    listed_item_fn *visit, void *context,
			    struct err *err)
{
	struct telling telling = {.item = visit, .context = context};

	return list(view, ENTRY_ITEM, after, &telling, err);
}

enum err_code listing_codes(const struct view *view, struct span after,
			    listed_code_fn *visit, void *context,
			    struct err *err)
{
	struct telling telling = {.code = visit, .context = context};

	return list(view, ENTRY_CODE, after, &telling, err);
}

/* ---- counting ---- */

struct shared {
	const struct view *view;
	uint64_t count; /* of what both speak of */
};

static enum err_code shared_count(void *context, struct span sku,
				  struct item_no item, struct err *err)
{
	struct shared *shared = context;
	enum err_code code = catalogue_number(shared->view, sku, &item, err);

	shared->count += code == ERR_OK ? 1 : 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The same from the other side. */
static enum err_code shared_count_back(struct shared *shared, uint32_t items,
				       struct err *err)
{
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < items && code == ERR_OK; i++) {
		struct item_no item = {CATALOGUE_FIRST + i};

		code = item_renumber(shared->view, &item, err);
		shared->count += !catalogue_has_given(item) ? 1 : 0;
	}
	return code;
}

enum err_code listing_items_count(const struct view *view, uint64_t *ret_count,
				  struct err *err)
{
	struct shared shared = {.view = view};
	uint32_t master;
	uint64_t own;
	enum err_code code = view_count(view, TABLE_SKU, &own, err);

	if (code == ERR_OK)
		code = catalogue_count(view, &master, err);
	if (code == ERR_OK)
		code = own <= master ? sku_walk(view, (struct span){"", 0},
						shared_count, &shared, err)
				     : shared_count_back(&shared, master, err);
	if (code == ERR_OK)
		*ret_count = own + master - shared.count;
	return code;
}

static enum err_code shared_code(void *context, struct span key, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct shared *shared = context;
	struct code master;
	enum err_code code =
		catalogue_code(shared->view,
			       code_text_span(&entry->body.code.code), &master,
			       err);

	(void)key;
	(void)pos;
	shared->count += code == ERR_OK ? 1 : 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The same from the other side. */
static enum err_code shared_codes_back(struct shared *shared, struct err *err)
{
	struct code_text after = {.size = 0};
	UNINITIALIZED struct entry entry;
	enum err_code code;

	for (;;) {
		struct pos pos;

		code = catalogue_next(shared->view, ENTRY_CODE,
				      code_text_span(&after), &entry, err);
		if (code != ERR_OK)
			break;
		after = entry.body.code.code;
		code = record_find(shared->view, TABLE_CODE,
				   code_text_span(&after), &pos, &entry, err);
		shared->count += code == ERR_OK ? 1 : 0;
		if (code != ERR_OK && code != ERR_NOT_FOUND)
			break;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code listing_codes_count(const struct view *view, uint64_t *ret_count,
				  struct err *err)
{
	struct shared shared = {.view = view};
	uint64_t master;
	uint64_t own;
	enum err_code code = view_count(view, TABLE_CODE, &own, err);

	if (code == ERR_OK)
		code = catalogue_codes_count(view, &master, err);
	if (code == ERR_OK)
		code = own <= master ? record_walk(view, TABLE_CODE,
						   (struct span){"", 0},
						   shared_code, &shared, err)
				     : shared_codes_back(&shared, err);
	if (code == ERR_OK)
		*ret_count = own + master - shared.count;
	return code;
}
