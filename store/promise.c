#include "store/promise.h"

#include "store/row.h"

#define PROMISE_ROW_SIZE_MAX 48

static struct key promise_key(struct item_no item, struct span order)
{
	struct key key = key_of_number(item.value);

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
	struct key key = promise_key(item, order);
	struct reader reader;
	enum err_code code;

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
	struct reader reader;
	struct span order;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	item.value = read_u32(&reader);
	order = read_raw(&reader, reader_left(&reader));
	if (!reader_done(&reader))
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
	struct walk walk = {visit, context};
	struct key key = key_of_number(item.value);
	struct span prefix =
		item.value == 0 ? (struct span){"", 0} : key_span(&key);

	return view_walk(view, TABLE_PROMISE, prefix, prefix, walk_row, &walk,
			 err);
}

struct oldest {
	bool is_packed;
	bool is_found;
	struct promise promise;
};

static enum err_code oldest_visit(void *context, struct item_no item,
				  const struct promise *promise,
				  struct err *err)
{
	struct oldest *oldest = context;
	struct qty stands =
		oldest->is_packed ? promise->packed : promise->picked;

	(void)item;
	(void)err;
	if (stands.units > 0 &&
	    (!oldest->is_found ||
	     promise->since.value < oldest->promise.since.value)) {
		oldest->promise = *promise;
		oldest->is_found = true;
	}
	return ERR_OK;
}

enum err_code promise_oldest(const struct view *view, struct item_no item,
			     bool is_packed, struct promise *ret_promise,
			     struct err *err)
{
	struct oldest oldest = {.is_packed = is_packed};
	enum err_code code;

	ASSERT(item.value != 0);
	code = promise_walk(view, item, oldest_visit, &oldest, err);
	if (code != ERR_OK)
		return code;
	if (!oldest.is_found)
		return ERR_NOT_FOUND;
	*ret_promise = oldest.promise;
	return ERR_OK;
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

enum err_code promise_fold(struct txn *txn, struct pos pos,
			   const struct movement *movement, struct item_no item,
			   struct span order, struct err *err)
{
	struct promise_change change = promise_change_of(movement);
	struct key key = promise_key(item, order);
	struct promise promise = {.since = pos};
	uint8_t buffer[PROMISE_ROW_SIZE_MAX];
	struct writer writer;
	enum err_code code;

	if (change.picked.units == 0 && change.packed.units == 0)
		return ERR_OK;
	code = promise_get(txn_view(txn), item, order, &promise, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!qty_add(promise.picked, change.picked, &promise.picked) ||
	    !qty_add(promise.packed, change.packed, &promise.packed))
		return err_set(err, ERR_OVERFLOW,
			       "a promise would leave 64 bits");
	if (promise.picked.units < 0 || promise.packed.units < 0)
		return err_set(
			err, ERR_CONFLICT,
			"more would leave than was picked for the order");
	if (promise.picked.units == 0 && promise.packed.units == 0)
		return txn_delete(txn, TABLE_PROMISE, key_span(&key), err);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, promise.picked.units);
	write_signed(&writer, promise.packed.units);
	write_pos(&writer, promise.since);
	return row_put(txn, TABLE_PROMISE, key_span(&key), &writer, err);
}
