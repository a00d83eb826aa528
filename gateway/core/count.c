#include "gateway/core/count.h"

#include "gateway/core/post.h"
#include "store/balance.h"
#include "store/fold.h"

/* The book's units of the statement's cell, and the last movement there. */
static enum err_code book_read(struct act *act,
			       const struct statement *statement,
			       int64_t *ret_book, struct pos *ret_moved,
			       struct err *err)
{
	struct place bin = place_bin(place_name_span(&statement->bin));
	UNINITIALIZED struct balance balance;
	struct place_no place;
	enum err_code code;

	*ret_book = 0;
	ret_moved->value = 0;
	code = place_find(batch_view(act->batch), &bin, &place, err);
	if (code == ERR_OK)
		code = balance_get(batch_view(act->batch), statement->item_no,
				   place, &balance, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	/* A count that names no lot is of all lots together. */
	*ret_book = statement->lot.size > 0
			    ? balance_cell(&balance, statement->condition,
					   lot_span(&statement->lot))
				      .units
			    : balance_condition(&balance, statement->condition)
				      .units;
	*ret_moved = balance.pos;
	return ERR_OK;
}

/* True if the earlier statement, still waiting to be confirmed, says the
 * same. */
static enum err_code is_confirmed(struct act *act,
				  const struct statement *statement,
				  int64_t book, bool *ret_is, struct err *err)
{
	struct count_record before;
	enum err_code code;

	*ret_is = false;
	code = count_get(batch_view(act->batch),
			 place_name_span(&statement->bin),
			 sku_span(&statement->item), lot_span(&statement->lot),
			 &before, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		*ret_is = before.count.verdict == COUNT_RECOUNT_BLIND &&
			  before.count.condition == statement->condition &&
			  before.count.counted == statement->counted &&
			  before.count.book == book;
	return code;
}

static bool is_far(const struct engine_plan *plan, int64_t counted,
		   int64_t book)
{
	int64_t distance = counted > book ? counted - book : book - counted;
	int64_t scaled;
	int64_t share;

	if (distance <= plan->recount_units)
		return false;
	return __builtin_mul_overflow(distance, INT64_C(100), &scaled) ||
	       __builtin_mul_overflow(book, (int64_t)plan->recount_percent,
				      &share) ||
	       scaled > share;
}

static enum err_code statement_post(struct act *act,
				    const struct statement *statement,
				    struct counted *counted, struct err *err)
{
	struct entry entry;
	struct count *count = &entry.body.count;
	enum err_code code;

	act_entry(act, &entry, ENTRY_COUNT);
	count->bin = statement->bin;
	count->item = statement->item;
	count->lot = statement->lot;
	count->condition = statement->condition;
	count->counted = statement->counted;
	count->book = counted->book;
	count->at = statement->at;
	if (count->at.value == 0)
		count->at.value = batch_next(act->batch).value - 1;
	count->verdict = counted->verdict;
	code = act_post(act, &entry, &counted->first, err);
	if (code == ERR_OK)
		counted->last = counted->first;
	return code;
}

static enum err_code adjustment_post(struct act *act,
				     const struct statement *statement,
				     struct counted *counted, struct err *err)
{
	struct side bin = {place_bin(place_name_span(&statement->bin)),
			   statement->condition};
	bool is_more = counted->change > 0;
	struct side outside = {place_of(is_more ? PLACE_FOUND : PLACE_LOSS),
			       CONDITION_NONE};
	struct fact fact = {.kind = MOVEMENT_COUNT_ADJUST,
			    .item_no = statement->item_no,
			    .item = statement->item,
			    .lot = statement->lot,
			    .from = is_more ? outside : bin,
			    .to = is_more ? bin : outside,
			    .ref = {.kind = REF_COUNT}};
	int64_t left = is_more ? counted->change : -counted->change;
	char name[POS_PRINT_SIZE];
	struct posted posted;
	enum err_code code;
	bool fits;

	pos_print(counted->first, name, sizeof(name));
	fits = ref_set(&fact.ref.text, span_of(name)) &&
	       reason_set(&fact.reason, SPAN_LITERAL("count"));
	ASSERT(fits);
	/* The book may have, and a person may say, more than one movement
	 * carries. */
	while (left > 0) {
		fact.quantity.units = left < QTY_MOVE_MAX ? left : QTY_MOVE_MAX;
		code = post_fact(act, &fact, &posted, err);
		if (code != ERR_OK)
			return code;
		counted->last = posted.last;
		left -= fact.quantity.units;
	}
	return ERR_OK;
}

/* A count that was accepted ends the task that asked for it. */
static enum err_code task_end(struct act *act, struct span bin,
			      struct span item, struct err *err)
{
	struct entry entry;
	struct name id;
	enum err_code code;

	code = task_open_count(batch_view(act->batch), bin, item, &id, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	act_entry(act, &entry, ENTRY_TASK);
	if (code == ERR_OK)
		code = task_get(batch_view(act->batch), name_span(&id),
				&entry.body.task, err);
	if (code != ERR_OK)
		return code;
	entry.body.task.state = TASK_DONE;
	return act_post(act, &entry, NULL, err);
}

static enum err_code verdict_of(struct act *act,
				const struct statement *statement,
				struct counted *counted, struct err *err)
{
	bool is_same = false;
	struct pos moved;
	enum err_code code;

	code = book_read(act, statement, &counted->book, &moved, err);
	if (code != ERR_OK)
		return code;
	if (statement->at.value != 0 && moved.value > statement->at.value &&
	    (statement->begun.value == 0 ||
	     moved.value < statement->begun.value)) {
		counted->verdict = COUNT_RECOUNT_MOVED;
		return ERR_OK;
	}
	counted->verdict = COUNT_ACCEPTED;
	if (!is_far(act->plan, statement->counted, counted->book))
		return ERR_OK;
	code = is_confirmed(act, statement, counted->book, &is_same, err);
	if (code == ERR_OK && !is_same)
		counted->verdict = COUNT_RECOUNT_BLIND;
	return code;
}

enum err_code count_state(struct act *act, const struct statement *statement,
			  struct counted *ret_counted, struct err *err)
{
	struct span bin = place_name_span(&statement->bin);
	struct span item = sku_span(&statement->item);
	struct counted counted = {.change = 0};
	enum err_code code;

	ASSERT(statement->counted >= 0);
	code = verdict_of(act, statement, &counted, err);
	if (code == ERR_OK)
		code = statement_post(act, statement, &counted, err);
	if (code != ERR_OK)
		return code;
	if (counted.verdict != COUNT_ACCEPTED) {
		code = act_count_task(act, bin, item,
				      counted.verdict == COUNT_RECOUNT_MOVED
					      ? "moved"
					      : "blind_recount",
				      err);
	} else {
		counted.change = statement->counted - counted.book;
		if (counted.change != 0)
			code = adjustment_post(act, statement, &counted, err);
		if (code == ERR_OK)
			code = task_end(act, bin, item, err);
	}
	if (code == ERR_OK)
		*ret_counted = counted;
	return code;
}
