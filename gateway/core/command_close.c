/*
 * Commands that end a warehouse: what stands in the way, writing it off, and
 * the wish itself.
 */
#include "gateway/core/asking.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/post.h"
#include "gateway/core/rights.h"
#include "gateway/core/task.h"
#include "gateway/core/view.h"
#include "gateway/sync/ack.h"
#include "store/balance.h"
#include "store/closing.h"
#include "store/parked.h"
#include "store/roster.h"
#include "store/site.h"
#include "store/transfer.h"

#define LISTED_MAX 100
/* Things written off in one transaction: readings wait for no more. */
#define CLEAR_MAX 64
#define REASON_ROOM 40

static const struct refusal no_network = {
	"no_network", "this box belongs to no network: there is nobody to tell",
	"本机不属于任何网络：无需关闭"};
static const struct refusal is_hq = {
	"is_hq", "this is HQ: it ends with its network, not by this command",
	"本机是总部，不能用此命令关闭"};
static const struct refusal is_blocked = {
	"not_empty",
	"in the way: %s; depot close lists them, --write-off REASON ends them",
	"尚有未了结事项：%s；可用 depot close 查看，或用 --write-off 原因 "
	"核销"};

/* ---- what stands in the way ---- */

struct obstacles {
	struct asking *asking;
	bool is_listing;
	uint32_t site;
	uint32_t listed;
	uint64_t stock; /* cells of bins that are not empty */
	int64_t units;
	uint64_t transfers;
	uint64_t under_way; /* sent, and not the sender's any more */
	uint64_t tasks;
	uint64_t parked;
};

/* Begins a row of the list; false: there are enough. */
static bool row_begin(struct obstacles *obstacles, const char *kind)
{
	if (!obstacles->is_listing || obstacles->listed == LISTED_MAX)
		return false;
	obstacles->listed++;
	out_object(obstacles->asking->out);
	out_string_at(obstacles->asking->out, "kind", kind);
	return true;
}

static enum err_code stock_out(struct obstacles *obstacles, struct item_no item,
			       struct place_no place, const struct cell *cell,
			       struct err *err)
{
	const struct view *view = obstacles->asking->view;
	struct json_out *out = obstacles->asking->out;
	struct place bin;
	struct sku sku;
	enum err_code code = item_name_of(view, item, &sku, err);

	if (code == ERR_OK)
		code = place_get(view, place, &bin, err);
	if (code != ERR_OK || !row_begin(obstacles, "stock"))
		return code;
	out_text_at(out, "item", sku_span(&sku));
	out_text_at(out, "bin", place_name_span(&bin.name));
	out_string_at(out, "condition", condition_name(cell->condition));
	if (cell->lot.size > 0)
		out_text_at(out, "lot", lot_span(&cell->lot));
	out_int_at(out, "units", cell->quantity.units);
	out_object_end(out);
	return ERR_OK;
}

static enum err_code stock_look(void *context, struct item_no item,
				struct place_no place,
				const struct balance *balance, struct err *err)
{
	struct obstacles *obstacles = context;
	enum err_code code = ERR_OK;

	if (place_no_kind(place) != PLACE_BIN)
		return ERR_OK;
	for (size_t i = 0; i < balance->count && code == ERR_OK; i++) {
		const struct cell *cell = &balance->cells[i];

		if (cell->quantity.units == 0)
			continue;
		obstacles->stock++;
		obstacles->units += cell->quantity.units;
		code = stock_out(obstacles, item, place, cell, err);
	}
	return code;
}

/* What has left for another site is that one's to receive. */
static enum err_code transfer_look(void *context,
				   const struct transfer_record *record,
				   struct err *err)
{
	struct obstacles *obstacles = context;
	struct json_out *out = obstacles->asking->out;
	struct span name = place_name_span(&record->id);
	struct transfer_id id;

	(void)err;
	if (!transfer_id_parse(name, &id) ||
	    (id.from != obstacles->site && id.to != obstacles->site) ||
	    transfer_is_closed(&record->states))
		return ERR_OK;
	if (id.from == obstacles->site &&
	    transfer_list_is_whole(&record->states)) {
		obstacles->under_way++;
		return ERR_OK;
	}
	obstacles->transfers++;
	if (!row_begin(obstacles, "transfer"))
		return ERR_OK;
	out_text_at(out, "transfer", name);
	out_string_at(out, "direction",
		      id.from == obstacles->site ? "out" : "in");
	out_object_end(out);
	return ERR_OK;
}

static enum err_code task_look(void *context, struct span key, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct obstacles *obstacles = context;
	const struct task *task = &entry->body.task;

	(void)key;
	(void)pos;
	(void)err;
	if (!view_task_is_open(task))
		return ERR_OK;
	obstacles->tasks++;
	if (!row_begin(obstacles, "task"))
		return ERR_OK;
	out_text_at(obstacles->asking->out, "task", name_span(&task->id));
	out_object_end(obstacles->asking->out);
	return ERR_OK;
}

static enum err_code parked_look(void *context, const struct parked *parked,
				 struct err *err)
{
	struct obstacles *obstacles = context;

	(void)err;
	obstacles->parked++;
	if (!row_begin(obstacles, "parked"))
		return ERR_OK;
	out_int_at(obstacles->asking->out, "number", (int64_t)parked->number);
	out_object_end(obstacles->asking->out);
	return ERR_OK;
}

static enum err_code obstacles_look(struct obstacles *obstacles,
				    struct err *err)
{
	const struct view *view = obstacles->asking->view;
	struct span all = {"", 0};
	enum err_code code = balance_walk_all(view, stock_look, obstacles, err);

	if (code == ERR_OK)
		code = transfer_walk(view, all, transfer_look, obstacles, err);
	if (code == ERR_OK)
		code = record_walk(view, TABLE_TASK, all, task_look, obstacles,
				   err);
	if (code == ERR_OK)
		code = parked_walk(view, 0, parked_look, obstacles, err);
	return code;
}

static bool is_free(const struct obstacles *obstacles)
{
	return obstacles->stock == 0 && obstacles->transfers == 0 &&
	       obstacles->tasks == 0 && obstacles->parked == 0;
}

/* ---- how far it is ---- */

static enum err_code covered_out(struct asking *asking, uint32_t site,
				 struct err *err)
{
	struct json_out *out = asking->out;
	struct feed_record feed = {.seq = 0};
	uint64_t acked = 0;
	enum err_code code = closing_feed(asking->view, site, &feed, err);
	bool is_sealed = code == ERR_OK && feed.state == FEED_SEALED;

	if (code == ERR_OK)
		code = ack_known(asking->view, SITE_FIRST, feed.id, &acked,
				 err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	out_int_at(out, "seq", (int64_t)feed.seq);
	out_bool_at(out, "sealed", is_sealed);
	out_int_at(out, "acked", (int64_t)acked);
	/* HQ signed that it durably has the SEAL. */
	out_bool_at(out, "covered", is_sealed && acked >= feed.seq);
	return ERR_OK;
}

static enum err_code state_out(struct asking *asking, uint32_t site,
			       struct err *err)
{
	struct closing closing;
	enum err_code code = closing_get(asking->view, &closing, err);

	out_int_at(asking->out, "own", site);
	out_bool_at(asking->out, "closing", code == ERR_OK);
	if (code == ERR_OK) {
		out_text_at(asking->out, "by", name_span(&closing.account));
		out_moment_at(asking->out, "asked", closing.asked);
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	return covered_out(asking, site, err);
}

static enum err_code closing_show(struct asking *asking, struct err *err)
{
	struct obstacles obstacles = {.asking = asking, .is_listing = true};
	struct json_out *out = asking->out;
	enum err_code code =
		site_number_get(asking->view, &obstacles.site, err);

	if (code != ERR_OK)
		return code;
	code = state_out(asking, obstacles.site, err);
	if (code != ERR_OK)
		return code;
	out_array_at(out, "obstacles");
	code = obstacles_look(&obstacles, err);
	out_array_end(out);
	out_int_at(out, "stock", (int64_t)obstacles.stock);
	out_int_at(out, "units", obstacles.units);
	out_int_at(out, "transfers", (int64_t)obstacles.transfers);
	out_int_at(out, "under_way", (int64_t)obstacles.under_way);
	out_int_at(out, "tasks", (int64_t)obstacles.tasks);
	out_int_at(out, "parked", (int64_t)obstacles.parked);
	return code;
}

/* ---- writing off ---- */

/* What a transaction ends: looked up first, since a walk bears no change. */
struct clearing {
	struct asking *asking;
	struct reason reason;
	size_t count;
	struct {
		struct item_no item;
		struct place_no place;
		struct cell cell;
	} cells[CLEAR_MAX];
	struct name tasks[CLEAR_MAX];
	struct {
		uint64_t number;
		uint64_t size;
	} parked[CLEAR_MAX];
	uint64_t units;
	uint64_t done;
};

static enum err_code cell_note(void *context, struct item_no item,
			       struct place_no place,
			       const struct balance *balance, struct err *err)
{
	struct clearing *clearing = context;

	(void)err;
	if (place_no_kind(place) != PLACE_BIN)
		return ERR_OK;
	for (size_t i = 0; i < balance->count; i++) {
		if (balance->cells[i].quantity.units <= 0)
			continue;
		if (clearing->count == CLEAR_MAX)
			return ERR_STOPPED;
		clearing->cells[clearing->count].item = item;
		clearing->cells[clearing->count].place = place;
		clearing->cells[clearing->count++].cell = balance->cells[i];
	}
	return ERR_OK;
}

static enum err_code cell_clear(struct clearing *clearing, size_t index,
				struct err *err)
{
	const struct view *view = clearing->asking->view;
	const struct cell *cell = &clearing->cells[index].cell;
	struct fact fact = {
		.kind = MOVEMENT_SCRAP,
		.item_no = clearing->cells[index].item,
		.lot = cell->lot,
		.quantity = cell->quantity,
		.from = {.condition = cell->condition},
		.to = {.place = place_of(PLACE_SCRAP)},
		.reason = clearing->reason,
	};
	struct posted posted;
	enum err_code code = item_name_of(view, fact.item_no, &fact.item, err);

	if (code == ERR_OK)
		code = place_get(view, clearing->cells[index].place,
				 &fact.from.place, err);
	if (fact.quantity.units > QTY_MOVE_MAX)
		fact.quantity.units = QTY_MOVE_MAX; /* the rest comes next */
	if (code == ERR_OK)
		code = post_fact(clearing->asking->act, &fact, &posted, err);
	clearing->units += (uint64_t)fact.quantity.units;
	return code;
}

static enum err_code stock_clear(struct clearing *clearing, struct err *err)
{
	enum err_code code = balance_walk_all(clearing->asking->view, cell_note,
					      clearing, err);

	if (code == ERR_STOPPED)
		code = ERR_OK;
	for (size_t i = 0; i < clearing->count && code == ERR_OK; i++)
		code = cell_clear(clearing, i, err);
	clearing->done += clearing->count;
	clearing->count = 0;
	return code;
}

static enum err_code task_note(void *context, struct span key, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct clearing *clearing = context;

	(void)key;
	(void)pos;
	(void)err;
	if (!view_task_is_open(&entry->body.task))
		return ERR_OK;
	if (clearing->count == CLEAR_MAX)
		return ERR_STOPPED;
	clearing->tasks[clearing->count++] = entry->body.task.id;
	return ERR_OK;
}

static enum err_code tasks_clear(struct clearing *clearing, struct err *err)
{
	struct asking *asking = clearing->asking;
	enum err_code code =
		record_walk(asking->view, TABLE_TASK, (struct span){"", 0},
			    task_note, clearing, err);

	if (code == ERR_STOPPED)
		code = ERR_OK;
	for (size_t i = 0; i < clearing->count && code == ERR_OK; i++)
		code = task_move(asking->act, name_span(&clearing->tasks[i]),
				 TASK_CANCELLED,
				 name_span(&asking->command->account), err);
	clearing->done += clearing->count;
	clearing->count = 0;
	return code;
}

static enum err_code parked_note(void *context, const struct parked *parked,
				 struct err *err)
{
	struct clearing *clearing = context;

	(void)err;
	if (clearing->count == CLEAR_MAX)
		return ERR_STOPPED;
	clearing->parked[clearing->count].number = parked->number;
	clearing->parked[clearing->count++].size =
		parked->topic.size + parked->payload.size;
	return ERR_OK;
}

/* Each leaves a loss record, as parked.drop does. */
static enum err_code parked_clear_one(struct clearing *clearing, size_t index,
				      struct err *err)
{
	struct asking *asking = clearing->asking;
	uint64_t number = clearing->parked[index].number;
	char what[REASON_SIZE_MAX + 1];
	struct entry entry;
	struct pos pos;
	bool fits;
	enum err_code code;

	act_entry(asking->act, &entry, ENTRY_LOSS);
	(void)text_format(what, sizeof(what), "parked: %.*s",
			  (int)clearing->reason.size, clearing->reason.data);
	fits = reason_set(&entry.body.loss.what, span_of(what));
	ASSERT(fits);
	entry.body.loss.first = number;
	entry.body.loss.last = number;
	entry.body.loss.bytes = clearing->parked[index].size;
	code = parked_remove(batch_txn(asking->act->batch), number, err);
	return code == ERR_OK ? act_post(asking->act, &entry, &pos, err) : code;
}

static enum err_code parked_clear(struct clearing *clearing, struct err *err)
{
	enum err_code code = parked_walk(clearing->asking->view, 0, parked_note,
					 clearing, err);

	if (code == ERR_STOPPED)
		code = ERR_OK;
	for (size_t i = 0; i < clearing->count && code == ERR_OK; i++)
		code = parked_clear_one(clearing, i, err);
	clearing->done += clearing->count;
	clearing->count = 0;
	return code;
}

static enum err_code clear(struct asking *asking, struct err *err)
{
	UNINITIALIZED struct clearing clearing;
	struct span reason;
	bool fits;
	enum err_code code;

	clearing.asking = asking;
	clearing.count = 0;
	clearing.units = 0;
	clearing.done = 0;
	if (!asking_text(asking, "reason", REASON_ROOM, &reason))
		return ERR_OK;
	fits = reason_set(&clearing.reason, reason);
	ASSERT(fits);
	code = stock_clear(&clearing, err);
	if (code == ERR_OK)
		code = tasks_clear(&clearing, err);
	if (code == ERR_OK)
		code = parked_clear(&clearing, err);
	if (code != ERR_OK)
		return code;
	asking->is_idle = clearing.done == 0;
	out_int_at(asking->out, "done", (int64_t)clearing.done);
	out_int_at(asking->out, "units", (int64_t)clearing.units);
	return ERR_OK;
}

/* ---- the wish ---- */

static enum err_code blocked(struct obstacles *obstacles)
{
	char text[128];

	(void)text_format(text, sizeof(text),
			  "%" PRIu64 " stock, %" PRIu64 " transfer, %" PRIu64
			  " task, %" PRIu64 " parked",
			  obstacles->stock, obstacles->transfers,
			  obstacles->tasks, obstacles->parked);
	return asking_refuse(obstacles->asking, &is_blocked, span_of(text));
}

static enum err_code close_site(struct asking *asking, struct err *err)
{
	struct obstacles obstacles = {.asking = asking};
	struct closing closing = {.account = asking->command->account,
				  .asked = batch_now(asking->act->batch)};
	struct closing before;
	enum err_code code =
		site_number_get(asking->view, &obstacles.site, err);

	if (code != ERR_OK)
		return code;
	if (obstacles.site == 0)
		return asking_refuse(asking, &no_network, SPAN_LITERAL(""));
	if (obstacles.site == SITE_FIRST)
		return asking_refuse(asking, &is_hq, SPAN_LITERAL(""));
	code = closing_get(asking->view, &before, err);
	asking->is_idle = code == ERR_OK;
	if (code == ERR_NOT_FOUND) {
		code = obstacles_look(&obstacles, err);
		if (code == ERR_OK && !is_free(&obstacles))
			return blocked(&obstacles);
		if (code == ERR_OK)
			code = closing_put(batch_txn(asking->act->batch),
					   &closing, err);
	}
	return code == ERR_OK ? state_out(asking, obstacles.site, err) : code;
}

static const struct command_row rows[] = {
	{{"site.closing", COMMAND_QUERY, RIGHTS_READ}, closing_show, NULL},
	{{"site.clear", COMMAND_WRITE, RIGHTS_SITE}, clear, NULL},
	{{"site.close", COMMAND_WRITE, RIGHTS_SITE}, close_site, NULL},
};
const struct command_table close_commands = {rows, ARRAY_LEN(rows)};
