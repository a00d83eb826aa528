#include "store/promise.h"

#include "store/master.h"
#include "store/row.h"

#define PROMISE_ROW_SIZE_MAX 48

static struct key promise_key(struct item_no item, struct span order)
{
	struct key key = key_of_pair(item.value, ENV_LODGER);

	key_add_text(&key, order);
	return key;
}

static enum err_code promise_read(struct reader *reader, struct span order,
				  struct promise *ret_promise, struct err *err)
{
	struct promise promise;

	promise.picked.units = read_signed(reader);
	promise.packed.units = read_signed(reader);
	promise.since = read_pos(reader);
	if (!reader_done(reader) || !ref_set(&promise.order, order))
		return row_garbled(TABLE_PROMISE, err);
	*ret_promise = promise;
	return ERR_OK;
}

enum err_code promise_get(const struct view *view, struct item_no item,
			  struct span order, struct promise *ret_promise,
			  struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	struct reader reader;
	struct key key;

	if (code != ERR_OK)
		return code;
	key = promise_key(item, order);
	code = row_get(view, TABLE_PROMISE, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	return promise_read(&reader, order, ret_promise, err);
}

struct walk {
	promise_visit_fn *visit;
	void *context;
};

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct walk *walk = context;
	struct promise promise;
	struct item_no item;
	uint32_t lodger;
	struct reader reader;
	struct span order;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	item.value = read_u32(&reader);
	lodger = read_u32(&reader);
	order = read_raw(&reader, reader_left(&reader));
	if (!reader_done(&reader) || lodger != ENV_LODGER)
		return row_garbled(TABLE_PROMISE, err);
	code = row_open(TABLE_PROMISE, key, value, &reader, err);
	if (code == ERR_OK)
		code = promise_read(&reader, order, &promise, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, item, &promise, err);
}

enum err_code promise_walk(const struct view *view, struct item_no item,
			   promise_visit_fn *visit, void *context,
			   struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	struct walk walk = {visit, context};
	struct span prefix = {"", 0};
	struct key key;

	if (code != ERR_OK)
		return code;
	key = key_of_pair(item.value, ENV_LODGER);
	if (item.value != 0)
		prefix = key_span(&key);
	return view_walk(view, TABLE_PROMISE, prefix, prefix, walk_row, &walk,
			 err);
}

/* The promise that was opened first, or last, among those that stand. Units
 * of no order count as promised last: they are nobody's loss. */
struct extreme {
	bool is_packed;
	bool is_latest;
	bool is_found;
	struct promise promise;
};

static enum err_code extreme_visit(void *context, struct item_no item,
				   const struct promise *promise,
				   struct err *err)
{
	struct extreme *extreme = context;
	struct qty stands =
		extreme->is_packed ? promise->packed : promise->picked;
	bool is_later = promise->order.size == 0 ||
			(extreme->promise.order.size > 0 &&
			 promise->since.value > extreme->promise.since.value);

	(void)item;
	(void)err;
	if (stands.units > 0 &&
	    (!extreme->is_found || is_later == extreme->is_latest)) {
		extreme->promise = *promise;
		extreme->is_found = true;
	}
	return ERR_OK;
}

static enum err_code extreme_find(const struct view *view, struct item_no item,
				  struct extreme *extreme, struct err *err)
{
	enum err_code code;

	code = promise_walk(view, item, extreme_visit, extreme, err);
	if (code == ERR_OK && !extreme->is_found)
		return ERR_NOT_FOUND;
	return code;
}

enum err_code promise_oldest(const struct view *view, struct item_no item,
			     bool is_packed, struct promise *ret_promise,
			     struct err *err)
{
	struct extreme oldest = {.is_packed = is_packed};
	enum err_code code;

	ASSERT(item.value != 0);
	code = extreme_find(view, item, &oldest, err);
	if (code == ERR_OK)
		*ret_promise = oldest.promise;
	return code;
}

static void side_change(struct promise_change *change, const struct side *side,
			int64_t units)
{
	if (side->condition != CONDITION_GOOD)
		return;
	if (place_is_bin(&side->place, BIN_PICKED))
		change->picked.units += units;
	else if (place_is_bin(&side->place, BIN_PACKED))
		change->packed.units += units;
}

struct promise_change promise_change_of(const struct movement *movement)
{
	struct promise_change change = {{0}, {0}};

	side_change(&change, &movement->from, -movement->quantity.units);
	side_change(&change, &movement->to, movement->quantity.units);
	return change;
}

static enum err_code promise_put(struct txn *txn, struct span key,
				 const struct promise *promise, struct err *err)
{
	uint8_t buffer[PROMISE_ROW_SIZE_MAX];
	struct writer writer;

	if (promise->picked.units == 0 && promise->packed.units == 0)
		return txn_delete(txn, TABLE_PROMISE, key, err);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, promise->picked.units);
	write_signed(&writer, promise->packed.units);
	write_pos(&writer, promise->since);
	return row_put(txn, TABLE_PROMISE, key, &writer, err);
}

static enum err_code promise_change(struct txn *txn, struct pos pos,
				    struct item_no item, struct span order,
				    const struct promise_change *change,
				    struct err *err)
{
	struct key key = promise_key(item, order);
	struct promise promise = {.since = pos};
	enum err_code code;

	code = promise_get(txn_view(txn), item, order, &promise, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!qty_add(promise.picked, change->picked, &promise.picked) ||
	    !qty_add(promise.packed, change->packed, &promise.packed))
		return err_set(err, ERR_OVERFLOW,
			       "a promise would leave 64 bits");
	if (promise.picked.units < 0 || promise.packed.units < 0)
		return err_set(
			err, ERR_CONFLICT,
			"more would leave than was picked for the order");
	return promise_put(txn, key_span(&key), &promise, err);
}

/* The way of @change for @units of its units. */
static struct promise_change change_times(const struct promise_change *change,
					  int64_t units)
{
	struct promise_change times = {{0}, {0}};

	if (change->picked.units != 0)
		times.picked.units = change->picked.units < 0 ? -units : units;
	if (change->packed.units != 0)
		times.packed.units = change->packed.units < 0 ? -units : units;
	return times;
}

/* Nobody said whose units these are: the latest promise loses them first. */
static enum err_code latest_change(struct txn *txn, struct pos pos,
				   struct item_no item,
				   const struct promise_change *change,
				   struct err *err)
{
	bool is_packed = change->packed.units < 0;
	int64_t left =
		is_packed ? -change->packed.units : -change->picked.units;

	while (left > 0) {
		struct extreme latest = {.is_packed = is_packed,
					 .is_latest = true};
		struct promise *promise = &latest.promise;
		struct promise_change part;
		int64_t stands;
		enum err_code code;

		code = extreme_find(txn_view(txn), item, &latest, err);
		if (code == ERR_NOT_FOUND)
			return err_set(err, ERR_CONFLICT,
				       "more would leave than was picked");
		if (code != ERR_OK)
			return code;
		stands = is_packed ? promise->packed.units
				   : promise->picked.units;
		part = change_times(change, stands < left ? stands : left);
		code = promise_change(txn, pos, item, ref_span(&promise->order),
				      &part, err);
		if (code != ERR_OK)
			return code;
		left -= stands < left ? stands : left;
	}
	return ERR_OK;
}

enum err_code promise_fold(struct txn *txn, struct pos pos,
			   const struct movement *movement, struct item_no item,
			   struct span order, struct err *err)
{
	struct promise_change change = promise_change_of(movement);

	if (change.picked.units == 0 && change.packed.units == 0)
		return ERR_OK;
	if (order.size == 0 &&
	    (change.picked.units < 0 || change.packed.units < 0))
		return latest_change(txn, pos, item, &change, err);
	return promise_change(txn, pos, item, order, &change, err);
}
