/*
 * entries - one journal entry of each kind, with every field set.
 *
 * Fixed values: golden files hold their bytes.
 */
#ifndef DEPOT_TESTS_SUPPORT_ENTRIES_H
#define DEPOT_TESTS_SUPPORT_ENTRIES_H

#include "rules/ledger/entry.h"
#include "tests/support/check.h"

/* Sets a text of text.h from a literal that fits. */
#define TEXT_SET(text, literal)                                            \
	do {                                                               \
		_Static_assert(sizeof(literal) - 1 <= sizeof((text).data), \
			       "the literal is longer than the text");     \
		(text).size = (uint8_t)(sizeof(literal) - 1);              \
		memcpy((text).data, (literal), sizeof(literal) - 1);       \
	} while (0)

static inline struct movement sample_movement(void)
{
	struct movement movement = {
		.kind = MOVEMENT_RECEIVE,
		.quantity = {144},
		.from = {.place = {.kind = PLACE_SUPPLIER}},
		.to = {.place = {.kind = PLACE_BIN},
		       .condition = CONDITION_GOOD},
		.expiry = 20270131,
		.reverses = pos_make(1, 300),
	};

	TEXT_SET(movement.item, "TEA-\xe7\xbb\xbf-250");
	TEXT_SET(movement.lot, "L2611");
	TEXT_SET(movement.serial, "SN0042");
	TEXT_SET(movement.from.place.name, "acme");
	TEXT_SET(movement.to.place.name, "DOCK");
	TEXT_SET(movement.reason, "as delivered");
	memcpy(movement.sscc, "106141412345678908", SSCC_SIZE);
	return movement;
}

static inline struct founding sample_founding(void)
{
	struct founding founding = {.previous = pos_make(1, 4711),
				    .previous_chain =
					    UINT64_C(0x0123456789abcdef)};

	TEXT_SET(founding.org, "acme");
	TEXT_SET(founding.site, "hz-01");
	TEXT_SET(founding.timezone, "Asia/Shanghai");
	for (size_t i = 0; i < sizeof(founding.net_id); i++)
		founding.net_id[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < sizeof(founding.public_key); i++)
		founding.public_key[i] = (uint8_t)(0xa0 + i);
	return founding;
}

static inline struct item sample_item(void)
{
	struct item item = {.unit = UNIT_GRAM,
			    .tracking = TRACK_LOT,
			    .shelf_life_days = 730,
			    .weight_mg = 1000,
			    .abc_class = 'B',
			    .is_inactive = true};

	TEXT_SET(item.sku, "TEA-\xe7\xbb\xbf-250");
	TEXT_SET(item.name_en, "Green tea, loose");
	TEXT_SET(item.name_zh,
		 "\xe6\x95\xa3\xe8\xa3\x85\xe7\xbb\xbf\xe8\x8c\xb6");
	return item;
}

static inline struct code sample_code(void)
{
	struct code code = {.pack = 12};

	TEXT_SET(code.code, "06901234567892");
	TEXT_SET(code.item, "TEA-\xe7\xbb\xbf-250");
	return code;
}

static inline struct bin sample_bin(void)
{
	struct bin bin = {.is_inactive = true};

	TEXT_SET(bin.name, "A-01-3");
	TEXT_SET(bin.zone, "cold");
	return bin;
}

static inline struct device sample_device(void)
{
	struct device device = {.kind = DEVICE_SHELF,
				.interval_s = 300,
				.is_chinese = 1,
				.is_revoked = true};

	TEXT_SET(device.name, "shelf-7");
	TEXT_SET(device.place, "A-01-3");
	TEXT_SET(device.gs_substitute, "\x1e");
	TEXT_SET(device.profile, "hx711");
	for (size_t i = 0; i < sizeof(device.key); i++)
		device.key[i] = (uint8_t)(0xff - i);
	return device;
}

static inline struct account sample_account(void)
{
	struct account account = {.roles = ROLE_OPERATOR | ROLE_MANAGER,
				  .uid = 1001,
				  .is_revoked = true};

	TEXT_SET(account.name, "li-wei");
	return account;
}

static inline struct count sample_count(void)
{
	struct count count = {.counted = 40,
			      .book = 43,
			      .at = pos_make(1, 900),
			      .verdict = COUNT_RECOUNT_BLIND,
			      .condition = CONDITION_GOOD};

	TEXT_SET(count.bin, "A-01-3");
	TEXT_SET(count.item, "TEA-\xe7\xbb\xbf-250");
	TEXT_SET(count.lot, "L2611");
	return count;
}

static inline struct task sample_task(void)
{
	struct task task = {.kind = TASK_COUNT,
			    .state = TASK_CLAIMED,
			    .due_ms = UINT64_C(1795340700000),
			    .missed = 2,
			    .is_by_uptime = true};

	TEXT_SET(task.id, "t1-901");
	TEXT_SET(task.bin, "A-01-3");
	TEXT_SET(task.item, "TEA-\xe7\xbb\xbf-250");
	TEXT_SET(task.reason, "recount blind");
	TEXT_SET(task.account, "li-wei");
	TEXT_SET(task.check, "cold-1");
	return task;
}

static inline struct alert sample_alert(void)
{
	struct alert alert = {
		.severity = SEVERITY_WARNING, .value = -7, .is_closed = true};

	TEXT_SET(alert.id, "device_silent:shelf-7");
	TEXT_SET(alert.code, "device_silent");
	TEXT_SET(alert.subject, "shelf-7");
	return alert;
}

static inline struct order sample_order(void)
{
	struct order order = {.state = 3};

	TEXT_SET(order.id, "SO-2026-1");
	return order;
}

static inline struct site_status sample_status(void)
{
	struct site_status status = {.backlog = 12};

	TEXT_SET(status.state, "ready");
	TEXT_SET(status.version, "0.1.0");
	return status;
}

static inline struct loss sample_loss(void)
{
	struct loss loss = {.first = 10, .last = 19, .bytes = 20480};

	TEXT_SET(loss.what, "parked");
	return loss;
}

static inline struct transfer sample_transfer(void)
{
	struct transfer transfer = {.state = TRANSFER_SHIPPED,
				    .from_site = 3,
				    .to_site = 7,
				    .lines = 4,
				    .pallets = 2,
				    .units = 640,
				    .expected = 20261124};

	TEXT_SET(transfer.id, "3-7-125");
	TEXT_SET(transfer.carrier, "SF 1098-33");
	TEXT_SET(transfer.reason, "for the sale");
	return transfer;
}

static inline struct transfer_claim sample_claim(void)
{
	struct transfer_claim claim = {.quantity = 12,
				       .kind = CLAIM_SURPLUS,
				       .party = CLAIM_CARRIER,
				       .state = CLAIM_REJECTED};

	TEXT_SET(claim.id, "3-7-125-c1");
	TEXT_SET(claim.transfer, "3-7-125");
	TEXT_SET(claim.item, "TEA-\xe7\xbb\xbf-250");
	TEXT_SET(claim.lot, "L2611");
	TEXT_SET(claim.reason, "one case was open");
	return claim;
}

static inline struct check sample_check(void)
{
	struct check check = {.number = 1,
			      .kind = CHECK_COLD_CHAIN,
			      .weekdays = 0x1f,
			      .every_h = 4,
			      .grace_min = 30,
			      .roles = ROLE_OPERATOR | ROLE_MANAGER,
			      .answer = ANSWER_NUMBER,
			      .has_low = true,
			      .has_high = true,
			      .low = -22000,
			      .high = -18500,
			      .is_retired = true};

	TEXT_SET(check.id, "cold-1");
	TEXT_SET(check.name_en, "Freezer, inside");
	TEXT_SET(check.name_zh, "\xe5\x86\xb7\xe5\xba\x93");
	TEXT_SET(check.times, "08:00 20:00");
	TEXT_SET(check.place, "A-01-3");
	TEXT_SET(check.measure, "\xc2\xb0\x43");
	return check;
}

static inline struct check_result sample_check_result(void)
{
	struct check_result result = {.due_ms = UINT64_C(1795340700000),
				      .missed = 2,
				      .answered = 0xff,
				      .out_of_limits = 0x02,
				      .values = {1000, -17900, 3, 4, 5, 6, 7,
						 8}};

	TEXT_SET(result.check, "cold-1");
	TEXT_SET(result.task, "t1-901");
	TEXT_SET(result.note, "door was open");
	return result;
}

/* Bytes that tell themselves apart. */
static inline void sample_raw(uint8_t *bytes, size_t size, uint8_t first)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(first + i);
}

static inline struct certificate sample_certificate(void)
{
	struct certificate certificate = {
		.site = 7,
		.epoch = 2,
		.role = SITE_ROLE_SITE,
		.rights = RIGHTS_ALL,
		.quota_cap = 5000,
		.valid_from_ms = UINT64_C(1795341600000),
		.valid_until_ms = UINT64_C(1797760800000),
		.parent_epoch = 1,
		.is_provisional = true};

	TEXT_SET(certificate.name, "hz-07");
	sample_raw(certificate.public_key, 32, 0x10);
	return certificate;
}

static inline struct fence sample_fence(void)
{
	struct fence fence = {.site = 7,
			      .epoch = 1,
			      .branch = UINT64_C(0xfedcba9876543210),
			      .seq = 411,
			      .verdict = FENCE_DROPPED};

	TEXT_SET(fence.reason, "restored from an old image");
	sample_raw(fence.hash, 32, 0x20);
	return fence;
}

static inline struct intent sample_intent(void)
{
	struct intent intent = {.target = 7,
				.expires_ms = UINT64_C(1795428000000)};

	TEXT_SET(intent.id, "i-2026-118");
	TEXT_SET(intent.verb, "task.cancel");
	TEXT_SET(intent.arguments, "{\"task\":\"t1-901\"}");
	return intent;
}

static inline struct intent_result sample_intent_result(void)
{
	struct intent_result result = {.state = INTENT_REFUSED};

	TEXT_SET(result.id, "i-2026-118");
	TEXT_SET(result.text, "the task is done");
	return result;
}

static inline struct invitation sample_invitation(void)
{
	struct invitation invitation = {.number = 12,
					.site = 7,
					.role = SITE_ROLE_SITE,
					.until_ms = UINT64_C(1797760800000),
					.expires_ms = UINT64_C(1795946400000),
					.share_permille = 150,
					.state = INVITATION_USED};

	TEXT_SET(invitation.name, "hz-07");
	TEXT_SET(invitation.like, "hz-01");
	sample_raw(invitation.secret_hash, 32, 0x30);
	sample_raw(invitation.public_key, 32, 0x40);
	return invitation;
}

static inline struct succession sample_succession(void)
{
	struct succession succession = {.parent_epoch = 1,
					.parent_seq = 100,
					.reason = SUCCESSION_RESTORED,
					.lost_first = 6401,
					.lost_last = 12800};

	sample_raw(succession.parent_hash, 32, 0x50);
	return succession;
}

static inline struct site_closing sample_closing(void)
{
	struct site_closing closing = {
		.rows = 41, .units = -3, .open_transfers = 2};

	sample_raw(closing.digest, 32, 0x60);
	return closing;
}

static inline struct root sample_root(void)
{
	struct root root = {.epoch = 2, .after_seq = 77};

	sample_raw(root.root_public, 32, 0x70);
	sample_raw(root.public_key, 32, 0x80);
	sample_raw(root.after_hash, 32, 0x90);
	sample_raw(root.signature, 64, 0xa0);
	return root;
}

/* The head that all of them share. */
static inline struct entry sample_head(enum entry_kind kind)
{
	struct entry entry;

	entry_init(&entry, kind);
	/* 2026-11-22T10:00:00.123Z and 7; it happened a minute before. */
	entry.stamp.value = UINT64_C(1795341600123) << STAMP_COUNTER_BITS | 7;
	entry.effective.ms = INT64_C(1795341540123);
	entry.clock_flags = ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED;
	entry.actor.kind = ACTOR_DEVICE;
	entry.actor.seq = 17;
	TEXT_SET(entry.actor.name, "scan-1");
	TEXT_SET(entry.actor.boot, "b7f3");
	entry.ref.kind = REF_ORDER;
	TEXT_SET(entry.ref.text, "SO-2026-1");
	return entry;
}

static inline struct entry sample_entry(enum entry_kind kind)
{
	struct entry entry = sample_head(kind);

	switch (kind) {
	case ENTRY_FOUNDING:
		entry.body.founding = sample_founding();
		break;
	case ENTRY_MOVEMENT:
		entry.body.movement = sample_movement();
		break;
	case ENTRY_ITEM:
		entry.body.item = sample_item();
		break;
	case ENTRY_CODE:
		entry.body.code = sample_code();
		break;
	case ENTRY_BIN:
		entry.body.bin = sample_bin();
		break;
	case ENTRY_DEVICE:
		entry.body.device = sample_device();
		break;
	case ENTRY_ACCOUNT:
		entry.body.account = sample_account();
		break;
	case ENTRY_COUNT:
		entry.body.count = sample_count();
		break;
	case ENTRY_TASK:
		entry.body.task = sample_task();
		break;
	case ENTRY_ALERT:
		entry.body.alert = sample_alert();
		break;
	case ENTRY_ORDER:
		entry.body.order = sample_order();
		break;
	case ENTRY_STATUS:
		entry.body.status = sample_status();
		break;
	case ENTRY_LOSS:
		entry.body.loss = sample_loss();
		break;
	case ENTRY_TRANSFER:
		entry.body.transfer = sample_transfer();
		break;
	case ENTRY_CLAIM:
		entry.body.claim = sample_claim();
		break;
	case ENTRY_CHECK:
		entry.body.check = sample_check();
		break;
	case ENTRY_CHECK_RESULT:
		entry.body.check_result = sample_check_result();
		break;
	case ENTRY_CERTIFICATE:
		entry.body.certificate = sample_certificate();
		break;
	case ENTRY_FENCE:
		entry.body.fence = sample_fence();
		break;
	case ENTRY_INTENT:
		entry.body.intent = sample_intent();
		break;
	case ENTRY_INTENT_RESULT:
		entry.body.intent_result = sample_intent_result();
		break;
	case ENTRY_INVITATION:
		entry.body.invitation = sample_invitation();
		break;
	case ENTRY_SUCCESSION:
		entry.body.succession = sample_succession();
		break;
	case ENTRY_CLOSING:
		entry.body.closing = sample_closing();
		break;
	case ENTRY_ROOT:
		entry.body.root = sample_root();
		break;
	}
	return entry;
}

/* ---- and their bytes ---- */

struct bytes {
	uint8_t data[ENTRY_SIZE_MAX];
	size_t size;
};

static inline struct bytes encode(const struct entry *entry)
{
	struct bytes bytes;
	struct writer writer;

	writer_init(&writer, bytes.data, sizeof(bytes.data));
	entry_encode(&writer, entry);
	assert_true(writer_ok(&writer));
	bytes.size = writer.size;
	return bytes;
}

static inline enum err_code decode(const struct bytes *bytes,
				   struct entry *entry)
{
	return entry_decode(
		(struct span){(const char *)bytes->data, bytes->size}, entry);
}

/* The kinds that there are, by number: @i from 0 to ENTRY_KIND_COUNT - 1. */
static inline enum entry_kind kind_at(size_t i)
{
	int kind = ENTRY_FOUNDING;

	while (!entry_kind_is_known((uint64_t)kind) || i-- > 0) {
		kind++;
		assert_in_range(kind, ENTRY_FOUNDING, ENTRY_KIND_MAX);
	}
	return (enum entry_kind)kind;
}

#endif
