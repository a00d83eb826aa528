#include "gateway/edge/publisher_parts.h"

/* The open chunk is closed before it is full, so that quantities can gain
 * digits without splitting every chunk soon. */
#define OPEN_CHUNK_SIZE (PAYLOAD_OUT_SIZE_MAX * 4 / 5)

/* Items that one chunk holds at least, except the last: ten rows are written
 * before it is full, and a split leaves half of them. */
#define CHUNK_ITEMS_MIN 5

/* ---- memory ---- */

enum err_code stock_grow(struct publisher *publisher, uint32_t count,
			 struct err *err)
{
	uint32_t capacity = publisher->due.capacity;
	enum err_code code;

	if (count < capacity)
		return ERR_OK;
	/* At the start exactly what is asked for; later by doubling. */
	if (capacity == 0 || count >= capacity * 2)
		capacity = count + 1;
	else
		capacity *= 2;
	code = marks_grow(&publisher->changed, capacity, err);
	if (code == ERR_OK)
		code = marks_grow(&publisher->sweep.pending, capacity, err);
	if (code == ERR_OK)
		code = recent_grow(&publisher->recent, capacity, err);
	if (code == ERR_OK && publisher->chunks.at == NULL)
		code = chunks_open(&publisher->chunks,
				   capacity / CHUNK_ITEMS_MIN + 2, err);
	/* Last, because its capacity tells that all have grown. */
	if (code == ERR_OK)
		code = marks_grow(&publisher->due, capacity, err);
	return code;
}

void stock_release(struct publisher *publisher)
{
	marks_release(&publisher->due);
	marks_release(&publisher->changed);
	marks_release(&publisher->sweep.pending);
	recent_release(&publisher->recent);
	chunks_release(&publisher->chunks);
}

void stock_mark(struct publisher *publisher, struct item_no item)
{
	marks_add(&publisher->due, item.value);
	marks_add(&publisher->changed, item.value);
	chunks_mark(&publisher->chunks, item.value);
}

/* ---- changes ---- */

void changes_reset(struct publisher *publisher)
{
	publisher->changes.rows = 0;
	publisher->changes.is_closed = false;
	publisher->changes.has_previous = false;
}

static void changes_close(struct run *run)
{
	struct changes *changes = &run->publisher->changes;
	struct view_link link = {.pos = run->head};

	if (changes->has_previous &&
	    changes->previous.pos.value == link.pos.value)
		link.part = changes->previous.part + 1;
	changes->link = link;
	view_changes_end(&changes->out, &changes->link,
			 changes->has_previous ? &changes->previous : NULL,
			 &run->age);
	ASSERT(out_ok(&changes->out));
	changes->is_closed = true;
}

enum err_code changes_publish(struct run *run, struct err *err)
{
	struct changes *changes = &run->publisher->changes;
	struct letter letter = {.kind = "changes"};

	(void)err;
	if (changes->rows == 0)
		return ERR_OK;
	if (!changes->is_closed)
		changes_close(run);
	letter.payload = out_span(&changes->out);
	if (run_publish(run, &letter) != ERR_OK)
		return ERR_AGAIN;
	changes->previous = changes->link;
	changes->has_previous = true;
	changes->is_closed = false;
	changes->rows = 0;
	run->publisher->counters.changes++;
	return ERR_OK;
}

/* Sees to it that the next row fits: a full message goes out first. */
static enum err_code changes_room(struct run *run, struct err *err)
{
	struct changes *changes = &run->publisher->changes;

	if (changes->rows == 0 ||
	    (!changes->is_closed && view_changes_has_room(&changes->out)))
		return ERR_OK;
	return changes_publish(run, err);
}

static void changes_join(struct publisher *publisher, const struct stock *stock)
{
	struct changes *changes = &publisher->changes;

	if (changes->rows == 0) {
		out_init(&changes->out, changes->buffer,
			 sizeof(changes->buffer));
		view_changes_begin(&changes->out);
	}
	view_changes_add(&changes->out, stock);
	changes->rows++;
}

/* ---- items ---- */

/* stock/{item}; what has left the site is cleared. */
static enum err_code item_send(struct run *run, const struct stock *stock)
{
	char level[VIEW_LEVEL_SIZE];
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct letter letter = {
		.kind = "stock", .level = level, .qos = 1, .is_retained = true};
	struct json_out out;

	view_level_print(sku_span(&stock->sku), level);
	out_init(&out, buffer, sizeof(buffer));
	if (!stock->has_left) {
		view_stock_print(stock, &run->age, &out);
		ASSERT(out_ok(&out));
	}
	letter.payload = out_span(&out);
	return run_publish(run, &letter);
}

static void item_done(struct run *run, uint32_t number)
{
	struct publisher *publisher = run->publisher;

	marks_remove(&publisher->due, number);
	marks_remove(&publisher->sweep.pending, number);
	publisher->item_turn = number + 1;
}

static enum err_code item_publish(struct run *run, uint32_t number,
				  struct err *err)
{
	struct publisher *publisher = run->publisher;
	bool is_changed = marks_has(&publisher->changed, number);
	struct stock stock;
	enum err_code code;

	code = view_stock_read(run->view, (struct item_no){number}, &stock,
			       err);
	if (code != ERR_OK)
		return code;
	/* What the broker may still hold of it, publisher_retained tells. */
	if (stock.has_left && !is_changed) {
		run->left--;
		item_done(run, number);
		return ERR_OK;
	}
	if (is_changed)
		code = changes_room(run, err);
	if (code == ERR_OK)
		code = item_send(run, &stock);
	if (code != ERR_OK)
		return code;
	if (is_changed)
		changes_join(publisher, &stock);
	item_done(run, number);
	recent_add(&publisher->recent, number, run->now->monotonic_ms);
	publisher->counters.stock++;
	return ERR_OK;
}

/* ---- load ---- */

#define LOAD_SPAN_MS 100
#define LOAD_MIN 100 /* movements in that */
#define TURN_MS 16
#define TURN_MAX 8

static void load_look(struct load *load, int64_t now_ms)
{
	if (now_ms - load->since_ms < LOAD_SPAN_MS)
		return;
	load->is_high = load->movements * LOAD_SPAN_MS >=
			LOAD_MIN * (now_ms - load->since_ms);
	load->since_ms = now_ms;
	load->movements = 0;
}

/* False if this turn's messages are out: then it is due for the next one. */
static bool turn_take(struct run *run)
{
	struct load *load = &run->publisher->load;
	int64_t now_ms = run->now->monotonic_ms;

	if (now_ms - load->turn_ms >= TURN_MS) {
		load->turn_ms = now_ms;
		load->sent = 0;
	}
	if (!load->is_high || load->sent < TURN_MAX) {
		load->sent++;
		return true;
	}
	run_due(run, load->turn_ms + TURN_MS);
	return false;
}

enum err_code stock_publish(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	uint32_t rate = publisher->rates.rate_per_item_per_s;
	uint32_t span_ms = (1000 + rate - 1) / rate;
	uint32_t number;

	load_look(&publisher->load, run->now->monotonic_ms);
	recent_expire(&publisher->recent, run->now->monotonic_ms, span_ms);
	while (marks_next(&publisher->due, &publisher->recent.marks,
			  publisher->item_turn, &number)) {
		enum err_code code;

		if (run_is_over(run) || !turn_take(run))
			return ERR_OK;
		code = item_publish(run, number, err);
		if (code != ERR_OK)
			return code;
	}
	if (publisher->due.count > 0)
		run_due(run, run->now->monotonic_ms +
				     recent_left_ms(&publisher->recent,
						    run->now->monotonic_ms,
						    span_ms));
	return ERR_OK;
}

/* ---- chunks ---- */

struct sheet {
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;
};

/* Where the chunk would have to end to fit: its end, if it does. */
struct extent {
	uint32_t next;
	uint32_t end;
};

static enum err_code chunk_write(struct run *run, uint32_t index,
				 struct sheet *sheet, struct extent *ret_extent,
				 struct err *err)
{
	struct publisher *publisher = run->publisher;
	const struct chunk *chunk = &publisher->chunks.at[index];
	bool is_open = index + 1 == publisher->chunks.count;
	struct view_chunk part = {
		.number = chunk->number,
		.count = publisher->chunks.count,
		.first = chunk->first,
		.end = is_open ? publisher->item_count + 1 : chunk[1].first,
		.rows_max = publisher->chunk_rows,
		.head = run->head,
	};
	enum err_code code;

	out_init(&sheet->out, sheet->buffer,
		 is_open ? OPEN_CHUNK_SIZE : sizeof(sheet->buffer));
	code = view_chunk_print(run->view, &part, &run->age, &sheet->out,
				&ret_extent->next, err);
	ret_extent->end = part.end;
	run->left -= RUN_CHUNK_COST;
	ASSERT(code != ERR_OK || out_ok(&sheet->out));
	return code;
}

/* Splits a chunk that did not fit: the open one behind what did, another in
 * its middle. */
static enum err_code chunk_split(struct run *run, uint32_t index,
				 const struct extent *extent, struct err *err)
{
	struct chunks *chunks = &run->publisher->chunks;
	uint32_t first = chunks->at[index].first;
	uint32_t at = extent->next;

	if (index + 1 < chunks->count)
		at = first + (at - first) / 2;
	return chunks_split(chunks, index, at, err);
}

/*
 * Every item finds its chunk before the first is published, so that the number
 * of chunks in the first ones is right.
 */
static enum err_code chunks_pack(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct extent extent;
	struct sheet sheet;

	while (!publisher->is_packed) {
		uint32_t last = publisher->chunks.count - 1;
		enum err_code code;

		if (run_is_over(run))
			return ERR_OK;
		code = chunk_write(run, last, &sheet, &extent, err);
		if (code != ERR_OK)
			return code;
		publisher->is_packed = extent.next == extent.end;
		if (!publisher->is_packed)
			code = chunk_split(run, last, &extent, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

static enum err_code chunk_publish(struct run *run, uint32_t index,
				   struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct letter letter = {
		.kind = "snapshot", .qos = 1, .is_retained = true};
	struct extent extent;
	struct sheet sheet;
	char level[12];
	enum err_code code;

	code = chunk_write(run, index, &sheet, &extent, err);
	if (code != ERR_OK)
		return code;
	/* Its new half goes first, so the caller asks again who is next. */
	if (extent.next != extent.end)
		return chunk_split(run, index, &extent, err);
	(void)text_format(level, sizeof(level), "%u",
			  (unsigned)publisher->chunks.at[index].number);
	letter.level = level;
	letter.payload = out_span(&sheet.out);
	if (run_publish(run, &letter) != ERR_OK)
		return ERR_AGAIN;
	chunks_published(&publisher->chunks, index, run->now->monotonic_ms);
	publisher->counters.chunks++;
	return ERR_OK;
}

enum err_code chunks_publish(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	uint32_t index;
	uint32_t wait_ms;
	enum err_code code = chunks_pack(run, err);

	if (code != ERR_OK || !publisher->is_packed)
		return code;
	while (chunks_next(&publisher->chunks, run->now->monotonic_ms,
			   publisher->rates.chunk_interval_ms, &index,
			   &wait_ms)) {
		if (run_is_over(run))
			return ERR_OK;
		code = chunk_publish(run, index, err);
		if (code != ERR_OK)
			return code;
	}
	if (wait_ms != UINT32_MAX)
		run_due(run, run->now->monotonic_ms + wait_ms);
	return ERR_OK;
}
