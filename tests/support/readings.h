/*
 * readings - names of readings found and marked, for the tests of seen.
 */
#ifndef DEPOT_TESTS_SUPPORT_READINGS_H
#define DEPOT_TESTS_SUPPORT_READINGS_H

#include "store/seen.h"
#include "tests/support/tables.h"

/* Where a leap goes. */
#define FAR UINT64_C(1000000000000000000)

static struct tables tables;

static inline int setup(void **state)
{
	(void)state;
	tables_open(&tables, UINT64_C(32) << 20);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	tables_close(&tables);
	return 0;
}

static inline struct reading_name name_of(uint32_t device, const char *boot,
					  uint64_t seq)
{
	struct reading_name name = {.device = {device}, .seq = seq};

	assert_true(boot_set(&name.boot, span_of(boot)));
	return name;
}

static inline struct answer answer_of(uint64_t seed)
{
	struct answer answer = {
		.result = (enum result)(1 + seed % RESULT_MAX),
		.code = (uint16_t)(seed >> 3),
		.pos = pos_make((uint32_t)(seed >> 40) & EPOCH_MAX,
				seed & POS_NUMBER_MAX),
		.detail_size =
			(uint8_t)((seed >> 5) % (SEEN_DETAIL_SIZE_MAX + 1)),
	};

	memset(answer.detail, 'a' + (int)(seed % 26), answer.detail_size);
	return answer;
}

static inline void assert_answer(const struct answer *answer, uint64_t seed)
{
	struct answer expected = answer_of(seed);

	assert_int_equal(answer->result, expected.result);
	assert_int_equal(answer->code, expected.code);
	assert_true(answer->pos.value == expected.pos.value);
	assert_int_equal(answer->detail_size, expected.detail_size);
	assert_memory_equal(answer->detail, expected.detail,
			    expected.detail_size);
}

static inline enum seen_state find(const struct reading_name *name,
				   uint64_t content, struct answer *answer)
{
	enum seen_state state;

	assert_done(seen_find(txn_view(tables.txn), name, content, &state,
			      answer, &tables.err),
		    &tables.err);
	return state;
}

static inline struct seen_progress mark(const struct reading_name *name,
					uint64_t content, uint64_t seed)
{
	struct answer answer = answer_of(seed);
	struct seen_progress progress;

	assert_done(seen_mark(tables.txn, name, content, &answer, &progress,
			      &tables.err),
		    &tables.err);
	return progress;
}

/* Finds it new and marks it, with its number as content. */
static inline struct seen_progress take(uint32_t device, const char *boot,
					uint64_t seq)
{
	struct reading_name name = name_of(device, boot, seq);
	struct answer answer;

	assert_int_equal(find(&name, seq, &answer), SEEN_NEW);
	return mark(&name, seq, seq);
}

static inline enum seen_state state_of(uint32_t device, const char *boot,
				       uint64_t seq)
{
	struct reading_name name = name_of(device, boot, seq);
	struct answer answer;

	return find(&name, seq, &answer);
}

#define assert_progress(progress, from_, upto_, high_) \
	do {                                           \
		struct seen_progress p_ = (progress);  \
		assert_true(p_.from == (from_));       \
		assert_true(p_.upto == (upto_));       \
		assert_true(p_.high == (high_));       \
	} while (0)

#define assert_missing(progress, first_, last_, count_)    \
	do {                                               \
		struct seen_progress m_ = (progress);      \
		assert_true(m_.missing_first == (first_)); \
		assert_true(m_.missing_last == (last_));   \
		assert_true(m_.missing_count == (count_)); \
	} while (0)

#endif
