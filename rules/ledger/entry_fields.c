/*
 * The field tables. A line added here is a change of the format: it needs its
 * own tag, a line in docs/format/journal.md and a golden entry.
 */
#include "rules/ledger/entry.h"

#define FIELD(tag, type, member, max)                                    \
	{                                                                \
		(tag), (type), (uint16_t)offsetof(struct entry, member), \
			(max), #member                                   \
	}
#define NAMED(tag, type, member, max, name)                              \
	{                                                                \
		(tag), (type), (uint16_t)offsetof(struct entry, member), \
			(max), (name)                                    \
	}
#define BODY(tag, type, part, member, max)                                  \
	{                                                                   \
		(tag), (type),                                              \
			(uint16_t)offsetof(struct entry, body.part.member), \
			(max), #member                                      \
	}
#define SIDE(tag, type, member, max, name) \
	NAMED(tag, type, body.movement.member, max, name)

static const struct field head[] = {
	NAMED(1, FIELD_NUMBER, stamp.value, 0, "stamp"),
	FIELD(2, FIELD_CLOCK, effective, 0),
	FIELD(3, FIELD_U32, clock_flags, 0),
	NAMED(4, FIELD_ENUM, actor.kind, ACTOR_RULE, "actor_kind"),
	NAMED(5, FIELD_TEXT, actor.name, NAME_SIZE_MAX, "actor"),
	NAMED(6, FIELD_TEXT, actor.boot, BOOT_SIZE_MAX, "boot"),
	NAMED(7, FIELD_NUMBER, actor.seq, 0, "seq"),
	NAMED(8, FIELD_ENUM, ref.kind, REF_TASK, "ref_kind"),
	NAMED(9, FIELD_TEXT, ref.text, REF_SIZE_MAX, "ref"),
	FIELD(10, FIELD_POS, carried, 0),
	FIELD(11, FIELD_POS, regained, 0),
};

static const struct field founding[] = {
	BODY(16, FIELD_TEXT, founding, org, NAME_SIZE_MAX),
	BODY(17, FIELD_TEXT, founding, site, NAME_SIZE_MAX),
	BODY(18, FIELD_RAW, founding, net_id, 16),
	BODY(19, FIELD_RAW, founding, public_key, 32),
	BODY(20, FIELD_TEXT, founding, timezone, REF_SIZE_MAX),
	BODY(21, FIELD_POS, founding, previous, 0),
	BODY(22, FIELD_NUMBER, founding, previous_chain, 0),
};

static const struct field movement[] = {
	SIDE(16, FIELD_ENUM, kind, MOVEMENT_KIND_MAX, "movement"),
	SIDE(17, FIELD_TEXT, item, SKU_SIZE_MAX, "item"),
	SIDE(18, FIELD_TEXT, lot, LOT_SIZE_MAX, "lot"),
	SIDE(19, FIELD_TEXT, serial, SERIAL_SIZE_MAX, "serial"),
	SIDE(20, FIELD_SIGNED, quantity.units, 0, "quantity"),
	SIDE(21, FIELD_ENUM, from.place.kind, PLACE_KIND_MAX, "from_kind"),
	SIDE(22, FIELD_TEXT, from.place.name, PLACE_NAME_SIZE_MAX, "from"),
	SIDE(23, FIELD_ENUM, from.condition, CONDITION_MAX, "from_condition"),
	SIDE(24, FIELD_ENUM, to.place.kind, PLACE_KIND_MAX, "to_kind"),
	SIDE(25, FIELD_TEXT, to.place.name, PLACE_NAME_SIZE_MAX, "to"),
	SIDE(26, FIELD_ENUM, to.condition, CONDITION_MAX, "to_condition"),
	SIDE(27, FIELD_U32, expiry, 0, "expiry"),
	SIDE(28, FIELD_RAW, sscc, SSCC_SIZE, "sscc"),
	SIDE(29, FIELD_TEXT, reason, REASON_SIZE_MAX, "reason"),
	SIDE(30, FIELD_POS, reverses, 0, "reverses"),
};

static const struct field item[] = {
	BODY(16, FIELD_TEXT, item, sku, SKU_SIZE_MAX),
	BODY(17, FIELD_TEXT, item, name_en, ITEM_NAME_SIZE_MAX),
	BODY(18, FIELD_TEXT, item, name_zh, ITEM_NAME_SIZE_MAX),
	BODY(19, FIELD_ENUM, item, unit, UNIT_MILLIMETRE),
	BODY(20, FIELD_ENUM, item, tracking, TRACK_SERIAL),
	BODY(21, FIELD_U32, item, shelf_life_days, 0),
	BODY(22, FIELD_NUMBER, item, weight_mg, 0),
	BODY(23, FIELD_U8, item, abc_class, 0),
	BODY(24, FIELD_BOOL, item, is_inactive, 0),
};

static const struct field code[] = {
	BODY(16, FIELD_TEXT, code, code, CODE_SIZE_MAX),
	BODY(17, FIELD_TEXT, code, item, SKU_SIZE_MAX),
	BODY(18, FIELD_SIGNED, code, pack, 0),
};

static const struct field bin[] = {
	BODY(16, FIELD_TEXT, bin, name, PLACE_NAME_SIZE_MAX),
	BODY(17, FIELD_TEXT, bin, zone, REF_SIZE_MAX),
	BODY(18, FIELD_BOOL, bin, is_inactive, 0),
};

static const struct field device[] = {
	BODY(16, FIELD_TEXT, device, name, NAME_SIZE_MAX),
	NAMED(17, FIELD_ENUM, body.device.kind, DEVICE_RFID, "device_kind"),
	BODY(18, FIELD_TEXT, device, place, PLACE_NAME_SIZE_MAX),
	BODY(19, FIELD_TEXT, device, gs_substitute, REASON_SIZE_MAX),
	BODY(20, FIELD_TEXT, device, profile, NAME_SIZE_MAX),
	BODY(21, FIELD_RAW, device, key, 32),
	BODY(22, FIELD_U32, device, interval_s, 0),
	BODY(23, FIELD_U8, device, is_chinese, 0),
	BODY(24, FIELD_BOOL, device, is_revoked, 0),
};

static const struct field account[] = {
	BODY(16, FIELD_TEXT, account, name, NAME_SIZE_MAX),
	BODY(17, FIELD_U32, account, roles, 0),
	BODY(18, FIELD_NUMBER, account, uid, 0),
	BODY(19, FIELD_BOOL, account, is_revoked, 0),
};

static const struct field count[] = {
	BODY(16, FIELD_TEXT, count, bin, PLACE_NAME_SIZE_MAX),
	BODY(17, FIELD_TEXT, count, item, SKU_SIZE_MAX),
	BODY(18, FIELD_TEXT, count, lot, LOT_SIZE_MAX),
	BODY(19, FIELD_SIGNED, count, counted, 0),
	BODY(20, FIELD_SIGNED, count, book, 0),
	BODY(21, FIELD_POS, count, at, 0),
	BODY(22, FIELD_ENUM, count, verdict, COUNT_RECOUNT_BLIND),
	BODY(23, FIELD_ENUM, count, condition, CONDITION_MAX),
};

static const struct field task[] = {
	BODY(16, FIELD_TEXT, task, id, NAME_SIZE_MAX),
	NAMED(17, FIELD_ENUM, body.task.kind, TASK_CHECK, "task_kind"),
	BODY(18, FIELD_ENUM, task, state, TASK_CANCELLED),
	BODY(19, FIELD_TEXT, task, bin, PLACE_NAME_SIZE_MAX),
	BODY(20, FIELD_TEXT, task, item, SKU_SIZE_MAX),
	BODY(21, FIELD_TEXT, task, reason, REASON_SIZE_MAX),
	BODY(22, FIELD_TEXT, task, account, NAME_SIZE_MAX),
	BODY(23, FIELD_TEXT, task, check, NAME_SIZE_MAX),
	NAMED(24, FIELD_NUMBER, body.task.due_ms, 0, "due"),
	BODY(25, FIELD_U32, task, missed, 0),
	BODY(26, FIELD_BOOL, task, is_by_uptime, 0),
};

static const struct field alert[] = {
	BODY(16, FIELD_TEXT, alert, id, REF_SIZE_MAX),
	BODY(17, FIELD_TEXT, alert, code, REASON_SIZE_MAX),
	BODY(18, FIELD_ENUM, alert, severity, SEVERITY_CRITICAL),
	BODY(19, FIELD_TEXT, alert, subject, CODE_SIZE_MAX),
	BODY(20, FIELD_SIGNED, alert, value, 0),
	BODY(21, FIELD_BOOL, alert, is_closed, 0),
};

static const struct field order[] = {
	BODY(16, FIELD_TEXT, order, id, REF_SIZE_MAX),
	BODY(17, FIELD_U32, order, state, 0),
};

static const struct field status[] = {
	BODY(16, FIELD_TEXT, status, state, REASON_SIZE_MAX),
	BODY(17, FIELD_NUMBER, status, backlog, 0),
	BODY(18, FIELD_TEXT, status, version, REASON_SIZE_MAX),
};

static const struct field loss[] = {
	BODY(16, FIELD_TEXT, loss, what, REASON_SIZE_MAX),
	BODY(17, FIELD_NUMBER, loss, first, 0),
	BODY(18, FIELD_NUMBER, loss, last, 0),
	BODY(19, FIELD_NUMBER, loss, bytes, 0),
};

static const struct field transfer[] = {
	BODY(16, FIELD_TEXT, transfer, id, PLACE_NAME_SIZE_MAX),
	NAMED(17, FIELD_ENUM, body.transfer.state, TRANSFER_LOST,
	      "transfer_state"),
	BODY(18, FIELD_U32, transfer, from_site, 0),
	BODY(19, FIELD_U32, transfer, to_site, 0),
	BODY(20, FIELD_U32, transfer, lines, 0),
	BODY(21, FIELD_U32, transfer, pallets, 0),
	BODY(22, FIELD_NUMBER, transfer, units, 0),
	BODY(23, FIELD_U32, transfer, expected, 0),
	BODY(24, FIELD_TEXT, transfer, carrier, REF_SIZE_MAX),
	BODY(25, FIELD_TEXT, transfer, reason, REASON_SIZE_MAX),
	BODY(26, FIELD_POS, transfer, answers, 0),
};

static const struct field claim[] = {
	BODY(16, FIELD_TEXT, claim, id, REF_SIZE_MAX),
	BODY(17, FIELD_TEXT, claim, transfer, PLACE_NAME_SIZE_MAX),
	BODY(18, FIELD_TEXT, claim, item, SKU_SIZE_MAX),
	BODY(19, FIELD_TEXT, claim, lot, LOT_SIZE_MAX),
	BODY(20, FIELD_SIGNED, claim, quantity, 0),
	NAMED(21, FIELD_ENUM, body.claim.kind, CLAIM_SURPLUS, "claim_kind"),
	BODY(22, FIELD_ENUM, claim, party, CLAIM_CARRIER),
	NAMED(23, FIELD_ENUM, body.claim.state, CLAIM_WITHDRAWN, "claim_state"),
	BODY(24, FIELD_TEXT, claim, reason, REASON_SIZE_MAX),
};

static const struct field check[] = {
	BODY(16, FIELD_TEXT, check, id, NAME_SIZE_MAX),
	BODY(17, FIELD_U32, check, number, 0),
	BODY(18, FIELD_TEXT, check, name_en, ITEM_NAME_SIZE_MAX),
	BODY(19, FIELD_TEXT, check, name_zh, ITEM_NAME_SIZE_MAX),
	NAMED(20, FIELD_ENUM, body.check.kind, CHECK_OTHER, "check_kind"),
	BODY(21, FIELD_TEXT, check, times, REF_SIZE_MAX),
	BODY(22, FIELD_U8, check, weekdays, 0),
	BODY(23, FIELD_U8, check, every_h, 0),
	BODY(24, FIELD_U32, check, grace_min, 0),
	BODY(25, FIELD_TEXT, check, place, PLACE_NAME_SIZE_MAX),
	BODY(26, FIELD_U32, check, roles, 0),
	BODY(27, FIELD_ENUM, check, answer, ANSWER_NUMBER),
	BODY(28, FIELD_BOOL, check, has_low, 0),
	BODY(29, FIELD_BOOL, check, has_high, 0),
	BODY(30, FIELD_SIGNED, check, low, 0),
	BODY(31, FIELD_SIGNED, check, high, 0),
	BODY(32, FIELD_TEXT, check, measure, CHECK_UNIT_SIZE_MAX),
	BODY(33, FIELD_BOOL, check, is_retired, 0),
};

#define VALUE(number)                      \
	NAMED(23 + (number), FIELD_SIGNED, \
	      body.check_result.values[(number)-1], 0, "value_" #number)

static const struct field check_result[] = {
	BODY(16, FIELD_TEXT, check_result, check, NAME_SIZE_MAX),
	BODY(17, FIELD_TEXT, check_result, task, NAME_SIZE_MAX),
	NAMED(18, FIELD_NUMBER, body.check_result.due_ms, 0, "due"),
	BODY(19, FIELD_U32, check_result, missed, 0),
	BODY(20, FIELD_U32, check_result, answered, 0),
	BODY(21, FIELD_U32, check_result, out_of_limits, 0),
	BODY(22, FIELD_TEXT, check_result, note, REASON_SIZE_MAX),
	VALUE(1),
	VALUE(2),
	VALUE(3),
	VALUE(4),
	VALUE(5),
	VALUE(6),
	VALUE(7),
	VALUE(8),
};

static const struct field certificate[] = {
	BODY(16, FIELD_U32, certificate, site, 0),
	BODY(17, FIELD_U32, certificate, epoch, 0),
	BODY(18, FIELD_TEXT, certificate, name, NAME_SIZE_MAX),
	BODY(19, FIELD_RAW, certificate, public_key, 32),
	NAMED(20, FIELD_ENUM, body.certificate.role, SITE_ROLE_MAX,
	      "site_role"),
	BODY(21, FIELD_U32, certificate, rights, 0),
	BODY(22, FIELD_SIGNED, certificate, quota_cap, 0),
	NAMED(23, FIELD_NUMBER, body.certificate.valid_from_ms, 0,
	      "valid_from"),
	NAMED(24, FIELD_NUMBER, body.certificate.valid_until_ms, 0,
	      "valid_until"),
	BODY(25, FIELD_U32, certificate, parent_epoch, 0),
	BODY(26, FIELD_BOOL, certificate, is_provisional, 0),
};

static const struct field fence[] = {
	BODY(16, FIELD_U32, fence, site, 0),
	BODY(17, FIELD_U32, fence, epoch, 0),
	BODY(18, FIELD_NUMBER, fence, branch, 0),
	NAMED(19, FIELD_NUMBER, body.fence.seq, 0, "last_seq"),
	BODY(20, FIELD_RAW, fence, hash, 32),
	NAMED(21, FIELD_ENUM, body.fence.verdict, FENCE_VERDICT_MAX,
	      "fence_verdict"),
	BODY(22, FIELD_TEXT, fence, reason, REASON_SIZE_MAX),
};

static const struct field intent[] = {
	BODY(16, FIELD_TEXT, intent, id, REF_SIZE_MAX),
	BODY(17, FIELD_U32, intent, target, 0),
	BODY(18, FIELD_TEXT, intent, verb, REASON_SIZE_MAX),
	BODY(19, FIELD_TEXT, intent, arguments, INTENT_ARGUMENTS_SIZE_MAX),
	NAMED(20, FIELD_NUMBER, body.intent.expires_ms, 0, "expires"),
};

static const struct field intent_result[] = {
	BODY(16, FIELD_TEXT, intent_result, id, REF_SIZE_MAX),
	NAMED(17, FIELD_ENUM, body.intent_result.state, INTENT_STATE_MAX,
	      "intent_state"),
	BODY(18, FIELD_TEXT, intent_result, text, INTENT_TEXT_SIZE_MAX),
};

static const struct field invitation[] = {
	BODY(16, FIELD_U32, invitation, number, 0),
	BODY(17, FIELD_U32, invitation, site, 0),
	BODY(18, FIELD_TEXT, invitation, name, NAME_SIZE_MAX),
	BODY(19, FIELD_RAW, invitation, secret_hash, 32),
	NAMED(20, FIELD_ENUM, body.invitation.role, SITE_ROLE_MAX, "site_role"),
	NAMED(21, FIELD_NUMBER, body.invitation.until_ms, 0, "until"),
	NAMED(22, FIELD_NUMBER, body.invitation.expires_ms, 0, "expires"),
	BODY(23, FIELD_TEXT, invitation, like, NAME_SIZE_MAX),
	BODY(24, FIELD_U32, invitation, share_permille, 0),
	NAMED(25, FIELD_ENUM, body.invitation.state, INVITATION_STATE_MAX,
	      "invitation_state"),
	BODY(26, FIELD_RAW, invitation, public_key, 32),
};

static const struct field succession[] = {
	BODY(16, FIELD_U32, succession, parent_epoch, 0),
	BODY(17, FIELD_NUMBER, succession, parent_seq, 0),
	BODY(18, FIELD_RAW, succession, parent_hash, 32),
	NAMED(19, FIELD_ENUM, body.succession.reason, SUCCESSION_REASON_MAX,
	      "succession_reason"),
	BODY(20, FIELD_NUMBER, succession, lost_first, 0),
	BODY(21, FIELD_NUMBER, succession, lost_last, 0),
	BODY(22, FIELD_RAW, succession, signature, 64),
};

static const struct field closing[] = {
	BODY(16, FIELD_NUMBER, closing, rows, 0),
	BODY(17, FIELD_SIGNED, closing, units, 0),
	BODY(18, FIELD_U32, closing, open_transfers, 0),
	BODY(19, FIELD_RAW, closing, digest, 32),
};

static const struct field root[] = {
	BODY(16, FIELD_U32, root, epoch, 0),
	BODY(17, FIELD_RAW, root, root_public, 32),
	BODY(18, FIELD_RAW, root, public_key, 32),
	BODY(19, FIELD_NUMBER, root, after_seq, 0),
	BODY(20, FIELD_RAW, root, after_hash, 32),
	BODY(21, FIELD_RAW, root, signature, 64),
};

#define TABLE(fields)                       \
	{                                   \
		(fields), ARRAY_LEN(fields) \
	}

static const struct field_table bodies[] = {
	[ENTRY_FOUNDING] = TABLE(founding),
	[ENTRY_MOVEMENT] = TABLE(movement),
	[ENTRY_ITEM] = TABLE(item),
	[ENTRY_CODE] = TABLE(code),
	[ENTRY_BIN] = TABLE(bin),
	[ENTRY_DEVICE] = TABLE(device),
	[ENTRY_ACCOUNT] = TABLE(account),
	[ENTRY_COUNT] = TABLE(count),
	[ENTRY_TASK] = TABLE(task),
	[ENTRY_ALERT] = TABLE(alert),
	[ENTRY_ORDER] = TABLE(order),
	[ENTRY_STATUS] = TABLE(status),
	[ENTRY_LOSS] = TABLE(loss),
	[ENTRY_CERTIFICATE] = TABLE(certificate),
	[ENTRY_FENCE] = TABLE(fence),
	[ENTRY_INTENT] = TABLE(intent),
	[ENTRY_INTENT_RESULT] = TABLE(intent_result),
	[ENTRY_INVITATION] = TABLE(invitation),
	[ENTRY_SUCCESSION] = TABLE(succession),
	[ENTRY_CLOSING] = TABLE(closing),
	[ENTRY_TRANSFER] = TABLE(transfer),
	[ENTRY_CLAIM] = TABLE(claim),
	[ENTRY_CHECK] = TABLE(check),
	[ENTRY_CHECK_RESULT] = TABLE(check_result),
	[ENTRY_ROOT] = TABLE(root),
};

static const char *const kind_names[] = {
	[ENTRY_FOUNDING] = "founding",
	[ENTRY_MOVEMENT] = "movement",
	[ENTRY_ITEM] = "item",
	[ENTRY_CODE] = "code",
	[ENTRY_BIN] = "bin",
	[ENTRY_DEVICE] = "device",
	[ENTRY_ACCOUNT] = "account",
	[ENTRY_COUNT] = "count",
	[ENTRY_TASK] = "task",
	[ENTRY_ALERT] = "alert",
	[ENTRY_ORDER] = "order",
	[ENTRY_STATUS] = "status",
	[ENTRY_LOSS] = "loss",
	[ENTRY_CERTIFICATE] = "certificate",
	[ENTRY_FENCE] = "fence",
	[ENTRY_INTENT] = "intent",
	[ENTRY_INTENT_RESULT] = "intent_result",
	[ENTRY_INVITATION] = "invitation",
	[ENTRY_SUCCESSION] = "succession",
	[ENTRY_CLOSING] = "closing",
	[ENTRY_TRANSFER] = "transfer",
	[ENTRY_CLAIM] = "claim",
	[ENTRY_CHECK] = "check",
	[ENTRY_CHECK_RESULT] = "check_result",
	[ENTRY_ROOT] = "root",
};

struct field_table entry_head_fields(void)
{
	return (struct field_table){head, ARRAY_LEN(head)};
}

bool entry_kind_is_known(uint64_t kind)
{
	return kind < ARRAY_LEN(bodies) && bodies[kind].count > 0;
}

struct field_table entry_body_fields(enum entry_kind kind)
{
	ASSERT(entry_kind_is_known(kind));
	return bodies[kind];
}

const char *entry_kind_name(enum entry_kind kind)
{
	ASSERT(entry_kind_is_known(kind));
	return kind_names[kind];
}
