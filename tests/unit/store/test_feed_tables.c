/*
 * The bytes of the tables that are folded from feeds are those of the golden
 * files. Keys, clocks and random numbers are fixed, and so are signatures.
 */
#include "tests/support/feeds.h"
#include "tests/support/golden_tables.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)

/* ---- what is said ---- */

static void say_sample(struct feeds *feeds, uint32_t site, enum entry_kind kind)
{
	struct entry entry;
	struct entry sample = sample_entry(kind);

	entry_init(&entry, kind);
	entry.body = sample.body;
	if (kind == ENTRY_INTENT)
		entry.body.intent.target = A;
	if (kind == ENTRY_FENCE) /* of a feed that is not here */
		entry.body.fence.branch = 0;
	(void)feeds_say(feeds, site, &entry);
}

static void void_say(struct feeds *feeds)
{
	struct entry entry = move_of(MOVEMENT_TRANSFER_IN, "TEA", 5,
				     "transit:4-5-1", "DOCK");
	struct writing *writing = writing_new(0);
	struct feed_write write = {.id = {A, 1, 0},
				   .plan = {.signer = feeds->sites[0],
					    .now = {feeds->now_ms++},
					    .rows_max = 1},
				   .entries = writing->spans,
				   .count = 1};
	uint64_t seq;

	writing_add(feeds, writing, &entry);
	assert_code(feed_write(feeds->author.desk, feeds->author.t.txn, &write,
			       &seq, NULL),
		    ERR_INVALID);
}

static void lots_say(struct feeds *feeds)
{
	struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA-\xe7\xbb\xbf", 90,
				     "supplier:acme", "A-01");

	move_lot(&entry, "L1");
	(void)feeds_say(feeds, B, &entry);
	move_lot(&entry, "L2");
	entry.body.movement.to.condition = CONDITION_QUARANTINE;
	(void)feeds_say(feeds, B, &entry);
}

/* Both branches of B past its third delta, of which one is here. */
static void fork_say(struct feeds *feeds)
{
	static struct sent sent;
	struct fork_proof proof;
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];

	node_send(&feeds->author, (struct feed_id){B, 1, 0}, 3, &sent);
	proof.first = sent.delta.header;
	memcpy(proof.first_signature, sent.delta.signature, SIGNATURE_SIZE);
	proof.second = proof.first;
	do {
		proof.second.boot++;
		delta_hash(feeds->net_id, &proof.first, first);
		delta_hash(feeds->net_id, &proof.second, second);
	} while (memcmp(first, second, HASH_SIZE) > 0);
	delta_sign(feeds->sites[1], feeds->net_id, &proof.second,
		   proof.second_signature);
	assert_true(fork_proof_verify(signer_public(feeds->sites[1]),
				      feeds->net_id, &proof));
	assert_done(fork_note(feeds->author.desk, feeds->author.t.txn, &proof,
			      &feeds->err),
		    &feeds->err);
}

static void day_say(struct feeds *feeds)
{
	static const enum entry_kind of_hq[] = {ENTRY_INVITATION, ENTRY_INTENT,
						ENTRY_FENCE};
	static const enum entry_kind of_site[] = {
		ENTRY_STATUS,    ENTRY_ALERT,        ENTRY_TASK,
		ENTRY_CHECK,     ENTRY_CHECK_RESULT, ENTRY_INTENT_RESULT,
		ENTRY_SUCCESSION};

	for (size_t i = 0; i < ARRAY_LEN(of_hq); i++)
		say_sample(feeds, SITE_CONTROL, of_hq[i]);
	for (size_t i = 0; i < ARRAY_LEN(of_site); i++)
		say_sample(feeds, A, of_site[i]);
	(void)feeds_move(feeds, A, MOVEMENT_RECEIVE, "CUP", 12, "supplier:acme",
			 "DOCK");
	(void)feeds_move(feeds, A, MOVEMENT_PICK, "CUP", 12, "DOCK", "PICKED");
	void_say(feeds);
	say_sample(feeds, A, ENTRY_CLOSING);
	lots_say(feeds);
	fork_say(feeds);
}

static void the_rows_of_a_network_are_those_of_the_golden_files(void **state)
{
	static const enum table tables[] = {TABLE_DELTA, TABLE_FEED,
					    TABLE_SITE_BALANCE, TABLE_ROSTER};
	struct feeds feeds;
	size_t rows = 0;

	(void)state;
	feeds_open(&feeds);
	day_say(&feeds);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		assert_table_is_golden(node_view(&feeds.author), tables[i]);
		rows += tables_rows(&feeds.author.t, tables[i]);
	}
	printf("%zu rows\n", rows);
	assert_true(rows > 50);
	feeds_close(&feeds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_rows_of_a_network_are_those_of_the_golden_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
