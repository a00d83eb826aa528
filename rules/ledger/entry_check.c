#include "rules/ledger/entry.h"

#include <string.h>

#include "rules/base/datetime.h"

static bool text_is_sound(struct span text)
{
	return utf8_is_valid(text) &&
	       (text.size == 0 || memchr(text.data, '\0', text.size) == NULL);
}

static bool fields_are_sound(const struct entry *entry,
			     struct field_table table)
{
	for (size_t i = 0; i < table.count; i++) {
		const struct field *field = &table.fields[i];
		const char *at = (const char *)entry + field->offset;
		struct span text;
		uint32_t number;

		if (field->type == FIELD_TEXT) {
			text = (struct span){at + 1, *(const uint8_t *)at};
			if (text.size > field->max || !text_is_sound(text))
				return false;
		} else if (field->type == FIELD_ENUM) {
			memcpy(&number, at, sizeof(number));
			if (number > field->max)
				return false;
		}
	}
	return true;
}

static bool moment_is_sound(struct moment moment)
{
	return moment.ms >= 0 && moment.ms <= MOMENT_MS_MAX;
}

static bool sku_is_sound(const struct sku *sku)
{
	return sku->size > 0 && text_is_clean(sku_span(sku));
}

static bool name_is_sound(const struct name *name)
{
	return text_is_name(name_span(name));
}

static bool bin_is_sound(const struct place_name *bin)
{
	return place_name_is_valid(place_name_span(bin));
}

static bool code_is_sound(const struct code *code)
{
	return code->code.size > 0 &&
	       (code->item.size == 0 ||
		(code->pack >= 1 && sku_is_sound(&code->item)));
}

static bool count_is_sound(const struct count *count)
{
	return bin_is_sound(&count->bin) && sku_is_sound(&count->item) &&
	       text_is_clean(lot_span(&count->lot)) && count->counted >= 0 &&
	       count->verdict != 0;
}

static bool task_is_sound(const struct task *task)
{
	return name_is_sound(&task->id) && task->kind != 0 &&
	       task->state != 0 &&
	       (task->bin.size == 0 || bin_is_sound(&task->bin)) &&
	       (task->item.size == 0 || sku_is_sound(&task->item)) &&
	       (task->check.size == 0 || name_is_sound(&task->check));
}

static bool device_is_sound(const struct device *device)
{
	return name_is_sound(&device->name) && device->kind != 0 &&
	       (device->place.size == 0 || bin_is_sound(&device->place));
}

static bool transfer_is_sound(const struct transfer *transfer)
{
	struct date expected;

	return place_name_is_valid(place_name_span(&transfer->id)) &&
	       transfer->state != 0 &&
	       (transfer->expected == 0 ||
		date_from_number(transfer->expected, &expected)) &&
	       text_is_clean(ref_span(&transfer->carrier)) &&
	       text_is_clean(reason_span(&transfer->reason));
}

static bool claim_is_sound(const struct transfer_claim *claim)
{
	return claim->id.size > 0 && text_is_clean(ref_span(&claim->id)) &&
	       place_name_is_valid(place_name_span(&claim->transfer)) &&
	       sku_is_sound(&claim->item) &&
	       text_is_clean(lot_span(&claim->lot)) &&
	       text_is_clean(reason_span(&claim->reason)) &&
	       qty_is_movable((struct qty){claim->quantity}) &&
	       claim->kind != 0 && claim->party != 0 && claim->state != 0;
}

/* The schedule's own rules are rules/check's: what does not follow them is
 * never due. */
static bool check_is_sound(const struct check *check)
{
	if (!name_is_sound(&check->id) || check->number > CHECK_QUESTIONS_MAX)
		return false;
	return check->number == 0 ? check->kind != 0 : check->answer != 0;
}

static bool check_result_is_sound(const struct check_result *result)
{
	return name_is_sound(&result->check) &&
	       (result->task.size == 0 || name_is_sound(&result->task)) &&
	       (result->answered | result->out_of_limits) >>
			       CHECK_QUESTIONS_MAX ==
		       0;
}

static bool epoch_is_sound(uint32_t epoch)
{
	return epoch > 0 && epoch <= EPOCH_MAX;
}

static bool certificate_is_sound(const struct certificate *certificate)
{
	return certificate->site > 0 && epoch_is_sound(certificate->epoch) &&
	       name_is_sound(&certificate->name) && certificate->role != 0 &&
	       certificate->quota_cap >= 0;
}

static bool invitation_is_sound(const struct invitation *invitation)
{
	return invitation->number > 0 && invitation->site > 0 &&
	       name_is_sound(&invitation->name) && invitation->role != 0 &&
	       invitation->state != 0 && invitation->share_permille <= 1000 &&
	       (invitation->like.size == 0 || name_is_sound(&invitation->like));
}

/* What is said about the network: rules/ledger/network.h. */
static bool network_is_sound(const struct entry *entry)
{
	const struct fence *fence = &entry->body.fence;
	const struct intent *intent = &entry->body.intent;

	if (entry->kind == ENTRY_CERTIFICATE)
		return certificate_is_sound(&entry->body.certificate);
	if (entry->kind == ENTRY_FENCE)
		return fence->site > 0 && epoch_is_sound(fence->epoch) &&
		       fence->verdict != 0;
	if (entry->kind == ENTRY_INTENT)
		return intent->id.size > 0 && intent->target > 0 &&
		       intent->verb.size > 0;
	if (entry->kind == ENTRY_INTENT_RESULT)
		return entry->body.intent_result.id.size > 0 &&
		       entry->body.intent_result.state != 0;
	if (entry->kind == ENTRY_INVITATION)
		return invitation_is_sound(&entry->body.invitation);
	if (entry->kind == ENTRY_SUCCESSION)
		return epoch_is_sound(entry->body.succession.parent_epoch) &&
		       entry->body.succession.reason != 0;
	if (entry->kind == ENTRY_CLOSING)
		return entry->body.closing.rows > 0;
	return epoch_is_sound(entry->body.root.epoch);
}

static bool body_is_sound(const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_FOUNDING:
		return name_is_sound(&entry->body.founding.org) &&
		       name_is_sound(&entry->body.founding.site);
	case ENTRY_MOVEMENT:
		return movement_check(&entry->body.movement) == MOVEMENT_SOUND;
	case ENTRY_ITEM:
		return sku_is_sound(&entry->body.item.sku) &&
		       entry->body.item.unit != 0;
	case ENTRY_CODE:
		return code_is_sound(&entry->body.code);
	case ENTRY_BIN:
		return bin_is_sound(&entry->body.bin.name);
	case ENTRY_DEVICE:
		return device_is_sound(&entry->body.device);
	case ENTRY_ACCOUNT:
		return name_is_sound(&entry->body.account.name);
	case ENTRY_COUNT:
		return count_is_sound(&entry->body.count);
	case ENTRY_TASK:
		return task_is_sound(&entry->body.task);
	case ENTRY_ALERT:
		return entry->body.alert.id.size > 0;
	case ENTRY_ORDER:
		return entry->body.order.id.size > 0;
	case ENTRY_TRANSFER:
		return transfer_is_sound(&entry->body.transfer);
	case ENTRY_CLAIM:
		return claim_is_sound(&entry->body.claim);
	case ENTRY_CHECK:
		return check_is_sound(&entry->body.check);
	case ENTRY_CHECK_RESULT:
		return check_result_is_sound(&entry->body.check_result);
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		return network_is_sound(entry);
	case ENTRY_STATUS:
	case ENTRY_LOSS:
		return true;
	}
	return false;
}

bool entry_is_sound(const struct entry *entry)
{
	if (!entry_kind_is_known(entry->kind))
		return false;
	return moment_is_sound(entry->effective) &&
	       fields_are_sound(entry, entry_head_fields()) &&
	       fields_are_sound(entry, entry_body_fields(entry->kind)) &&
	       body_is_sound(entry);
}
