/*
 * Shelf sensors and RFID readers: observations, which never move stock. Where
 * a steady one and the book part, somebody is asked to count.
 */
#include "gateway/core/state.h"

#include "store/balance.h"
#include "store/observation.h"

/* A device whose clock is ahead must not stay the latest word on its bin. */
static struct moment seen_at(const struct intake *intake)
{
	const struct reading *reading = &intake->engine->reading;

	if (reading->has_at && reading->at.ms < intake->now.ms)
		return reading->at;
	return intake->now;
}

static enum observed observed_of(enum shelf_measure measure)
{
	switch (measure) {
	case SHELF_WEIGHT_G:
		return OBSERVED_WEIGHT_G;
	case SHELF_DISTANCE_MM:
		return OBSERVED_DISTANCE_MM;
	case SHELF_QUANTITY:
		break;
	}
	return OBSERVED_QUANTITY;
}

/* What the book has in a bin: units, and weight if every item has one. */
struct book {
	const struct view *view;
	int64_t units;
	int64_t weight_mg;
	int64_t lightest_mg;
	bool has_weights;
	uint32_t items;
	struct item_no item; /* the last one */
};

static enum err_code book_row(void *context, struct item_no item_no,
			      struct place_no place,
			      const struct balance *balance, struct err *err)
{
	struct book *book = context;
	struct item item;
	int64_t units = 0;
	int64_t weight;
	enum err_code code;

	(void)place;
	for (size_t i = 0; i < balance->count; i++)
		units += balance->cells[i].quantity.units;
	if (units == 0)
		return ERR_OK;
	book->units += units;
	book->items++;
	book->item = item_no;
	code = item_get(book->view, item_no, &item, err);
	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK &&
	     (item.weight_mg == 0 || item.weight_mg > INT64_MAX ||
	      __builtin_mul_overflow(units, (int64_t)item.weight_mg, &weight) ||
	      __builtin_add_overflow(book->weight_mg, weight,
				     &book->weight_mg)))) {
		book->has_weights = false;
		return ERR_OK;
	}
	if (code == ERR_OK && (book->lightest_mg == 0 ||
			       (int64_t)item.weight_mg < book->lightest_mg))
		book->lightest_mg = (int64_t)item.weight_mg;
	return code;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* Half of the lightest unit, and a hundredth of the whole: less than that no
 * scale tells apart from its own error. */
static bool weight_differs(const struct book *book, int64_t weight_g)
{
	int64_t difference = distance(weight_g * 1000, book->weight_mg);

	return book->has_weights && book->items > 0 &&
	       difference > book->lightest_mg / 2 &&
	       difference > book->weight_mg / 100;
}

static enum err_code differs_check(struct intake *intake,
				   const struct shelf_reading *shelf,
				   const struct place_name *name,
				   struct err *err)
{
	const struct view *view = batch_view(intake->act.batch);
	struct span bin = place_name_span(name);
	struct place place = place_bin(bin);
	struct book book = {.view = view, .has_weights = true};
	struct sku item = {.size = 0};
	struct place_no number;
	enum err_code code;
	bool differs;

	if (!shelf->is_stable)
		return ERR_OK;
	code = place_find(view, &place, &number, err);
	if (code == ERR_OK)
		code = balance_walk_bin(view, number, book_row, &book, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	differs = shelf->measure == SHELF_QUANTITY
			  ? shelf->value != book.units
			  : shelf->measure == SHELF_WEIGHT_G &&
				    weight_differs(&book, shelf->value);
	if (!differs)
		return ERR_OK;
	if (book.items == 1) {
		code = item_name_of(view, book.item, &item, err);
		if (code != ERR_OK)
			return code;
	}
	return act_count_task(&intake->act, bin, sku_span(&item),
			      "shelf_differs", err);
}

enum err_code on_shelf(struct intake *intake, struct verdict *verdict,
		       struct err *err)
{
	const struct reading *reading = &intake->engine->reading;
	const struct shelf_reading *shelf = &reading->body.shelf;
	struct moment at = seen_at(intake);
	struct observation observation = {.at = at,
					  .until = at,
					  .device = intake->device_no,
					  .what = observed_of(shelf->measure),
					  .bin = shelf->bin,
					  .value = shelf->value,
					  .count = 1,
					  .is_stable = shelf->is_stable};
	struct operation operation = {.op = OP_COUNT,
				      .bin = shelf->bin,
				      .place = intake->device.place};
	enum err_code code;

	if (shelf->bin.size == 0 && intake->device.place.size == 0) {
		struct fault fault;

		(void)fault_of(&fault, FAULT_MISSING, "bin", span_of(""));
		verdict_fault(verdict, &fault);
		return ERR_OK;
	}
	code = operate_bins(&intake->act, &operation, verdict, err);
	if (code != ERR_OK || !verdict_is_open(verdict))
		return code;
	observation.bin = operation.bin;
	intake->engine->counters.observations++;
	code = observation_add(batch_txn(intake->act.batch), &observation, 0,
			       err);
	if (code == ERR_OK)
		code = differs_check(intake, shelf, &operation.bin, err);
	return code;
}

static void epc_hex(const struct tag_read *tag, char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < tag->epc_size; i++) {
		text[2 * i] = digits[tag->epc[i] >> 4];
		text[2 * i + 1] = digits[tag->epc[i] & 15];
	}
}

enum err_code on_rfid(struct intake *intake, struct verdict *verdict,
		      struct err *err)
{
	const struct reading *reading = &intake->engine->reading;
	const struct rfid_reading *rfid = &reading->body.rfid;
	struct moment at = seen_at(intake);

	(void)verdict; /* an observation is always taken */
	for (size_t i = 0; i < rfid->tag_count; i++) {
		const struct tag_read *tag = &rfid->tags[i];
		char text[2 * READING_EPC_SIZE_MAX];
		struct observation observation = {
			.at = at,
			.until = at,
			.device = intake->device_no,
			.what = OBSERVED_EPC,
			.bin = intake->device.place,
			.value = tag->has_rssi ? tag->rssi_cdbm / 100 : 0,
			.count = tag->count,
			.antenna = (uint8_t)tag->antenna,
			.is_stable = true,
		};
		enum err_code code;

		epc_hex(tag, text);
		if (!ref_set(&observation.epc,
			     (struct span){text, 2u * tag->epc_size}))
			continue; /* longer than any tag in use; counted below
				   */
		intake->engine->counters.observations++;
		code = observation_add(batch_txn(intake->act.batch),
				       &observation,
				       intake->engine->plan.rfid_hold_ms, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}
