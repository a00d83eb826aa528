/*
 * transform: components go into `made`, bundles come out of it.
 */
#include "gateway/core/command_booked.h"

#include "gateway/core/operate.h"
#include "gateway/core/post.h"

#define COMPONENTS_MAX 32

static const struct refusal made_of_itself = {"made_of_itself",
					      "%s cannot be a part of itself",
					      "%s 不能是自身的组件"};
static const struct refusal twice = {
	"duplicate_component", "component %s is given twice", "组件 %s 重复"};
static const struct refusal not_soundly = {
	"not_bookable", "this cannot be booked (%s)", "无法记账（%s）"};

struct part {
	struct item_no item_no;
	struct sku item;
	int64_t quantity;
};

struct transforming {
	struct asking *asking;
	struct operation bin; /* checked as any operation's */
	struct part bundle;
	struct span lot;
	uint32_t expiry;
	struct part components[COMPONENTS_MAX];
	size_t count;
};

static bool part_read(struct asking *asking, const char *name,
		      struct part *part, enum err_code *ret_code,
		      struct err *err)
{
	struct json_range range = {1, QTY_MOVE_MAX};

	if (!asking_item(asking, name, &part->item_no, ret_code, err) ||
	    !asking_int(asking, "qty", range, &part->quantity))
		return false;
	*ret_code = item_name_of(asking->view, part->item_no, &part->item, err);
	return *ret_code == ERR_OK;
}

/* One of the list: units in each bundle become units in all of them. */
static bool component_take(struct transforming *transforming, struct part *part)
{
	struct asking *asking = transforming->asking;
	struct qty units;
	struct fault fault;

	if (part->item_no.value == transforming->bundle.item_no.value) {
		(void)asking_refuse(asking, &made_of_itself,
				    sku_span(&part->item));
		return false;
	}
	for (size_t i = 0; i < transforming->count; i++) {
		if (transforming->components[i].item_no.value !=
		    part->item_no.value)
			continue;
		(void)asking_refuse(asking, &twice, sku_span(&part->item));
		return false;
	}
	if (!qty_packs(part->quantity, transforming->bundle.quantity, &units) ||
	    !qty_is_movable(units)) {
		(void)fault_of(&fault, FAULT_OUT_OF_RANGE, "components.qty",
			       sku_span(&part->item));
		fault.low = 1;
		fault.high = QTY_MOVE_MAX;
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return false;
	}
	part->quantity = units.units;
	transforming->components[transforming->count++] = *part;
	return true;
}

static bool components_read(struct transforming *transforming,
			    enum err_code *ret_code, struct err *err)
{
	struct asking *asking = transforming->asking;
	const struct json_value *whole = asking->arguments;
	const struct json_value *list;
	struct fault fault;

	*ret_code = ERR_OK;
	if (json_array(whole, "components", &list, &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return false;
	}
	for (list = json_first(list); list != NULL; list = json_next(list)) {
		struct part part;
		bool is_read;

		if (transforming->count == COMPONENTS_MAX) {
			(void)fault_of(&fault, FAULT_TOO_MANY, "components",
				       span_of(""));
			fault.high = COMPONENTS_MAX;
			(void)asking_fault(asking, &fault);
			return false;
		}
		asking->arguments = list;
		is_read = part_read(asking, "item", &part, ret_code, err);
		asking->arguments = whole;
		if (!is_read || !component_take(transforming, &part))
			return false;
	}
	if (transforming->count > 0)
		return true;
	(void)fault_of(&fault, FAULT_EMPTY, "components", span_of(""));
	(void)asking_fault(asking, &fault); /* always ERR_OK */
	return false;
}

static bool details_read(struct transforming *transforming)
{
	struct asking *asking = transforming->asking;
	const struct json_value *expiry;
	struct operation *bin = &transforming->bin;
	struct date date;
	struct fault fault;
	struct span name;

	if (!asking_text(asking, "bin", PLACE_NAME_SIZE_MAX, &name) ||
	    !asking_text_or(asking, "lot", LOT_SIZE_MAX, &transforming->lot))
		return false;
	if (!place_name_is_valid(name) || !place_name_set(&bin->bin, name)) {
		(void)asking_refuse(asking, &refusal_unknown_bin, name);
		return false;
	}
	/* Goods are put there by hand, as by a move. */
	bin->op = OP_RECEIVE;
	expiry = json_member(asking->arguments, "expiry");
	if (expiry == NULL)
		return true;
	if (json_to_date(expiry, &date, &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return false;
	}
	transforming->expiry = date_to_number(date);
	return true;
}

/* ---- booking ---- */

static struct fact fact_of(const struct transforming *transforming,
			   const struct part *part, const struct entry_ref *ref)
{
	struct side bin = {place_bin(place_name_span(&transforming->bin.bin)),
			   CONDITION_GOOD};
	struct side made = {place_of(PLACE_MADE), CONDITION_NONE};
	bool is_bundle = part == &transforming->bundle;
	struct fact fact = {.kind = MOVEMENT_TRANSFORM,
			    .item_no = part->item_no,
			    .item = part->item,
			    .quantity = {part->quantity},
			    .from = is_bundle ? made : bin,
			    .to = is_bundle ? bin : made,
			    .ref = *ref};
	bool fits = true;

	if (is_bundle) {
		fits = lot_set(&fact.lot, transforming->lot);
		fact.expiry = transforming->expiry;
	}
	ASSERT(fits);
	return fact;
}

/* All of it is named by its first entry. */
static struct entry_ref ref_of(struct act *act)
{
	struct entry_ref ref = {.kind = REF_ENTRY};
	char name[POS_PRINT_SIZE];
	bool fits;

	pos_print(batch_next(act->batch), name, sizeof(name));
	fits = ref_set(&ref.text, span_of(name));
	ASSERT(fits);
	return ref;
}

static enum err_code parts_post(const struct transforming *transforming,
				const struct entry_ref *ref, struct err *err)
{
	struct act *act = transforming->asking->act;
	struct posted posted;
	struct fact fact;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < transforming->count && code == ERR_OK; i++) {
		fact = fact_of(transforming, &transforming->components[i], ref);
		code = post_fact(act, &fact, &posted, err);
	}
	if (code != ERR_OK)
		return code;
	fact = fact_of(transforming, &transforming->bundle, ref);
	return post_fact(act, &fact, &posted, err);
}

/* What the law says of the bundle; the components say nothing of their own. */
static bool is_sound(struct transforming *transforming,
		     const struct entry_ref *ref)
{
	struct fact fact = fact_of(transforming, &transforming->bundle, ref);
	struct movement movement = fact_movement(&fact);
	enum movement_fault fault = movement_check(&movement);

	if (fault == MOVEMENT_SOUND)
		return true;
	(void)asking_refuse(transforming->asking, &not_soundly,
			    span_of(movement_fault_name(fault)));
	return false;
}

enum err_code transform_run(struct asking *asking, struct err *err)
{
	struct transforming transforming = {.asking = asking, .count = 0};
	struct entry_ref ref = ref_of(asking->act);
	struct pos first = batch_next(asking->act->batch);
	struct verdict verdict;
	enum err_code code;

	if (!part_read(asking, "bundle", &transforming.bundle, &code, err))
		return code;
	if (!details_read(&transforming))
		return ERR_OK;
	if (!components_read(&transforming, &code, err))
		return code;
	verdict_init(&verdict);
	code = operate_bins(asking->act, &transforming.bin, &verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(&verdict))
		return asking_verdict(asking, &verdict);
	if (!is_sound(&transforming, &ref))
		return ERR_OK;
	code = parts_post(&transforming, &ref, err);
	return code == ERR_OK ? booked_out(asking, first, err) : code;
}
