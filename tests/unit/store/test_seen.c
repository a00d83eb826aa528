/*
 * The names of readings: nothing is taken twice, nothing is swallowed, and
 * what an acknowledgement says is complete is complete.
 */
#include "tests/support/check.h"

#include <time.h>

#include "store/seen.h"
#include "tests/support/tables.h"

#define MAP_SIZE (UINT64_C(32) << 20)
#define FAR UINT64_C(1000000000000000000)

static struct tables tables;

static int setup(void **state)
{
	(void)state;
	tables_open(&tables, MAP_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tables_close(&tables);
	return 0;
}

static struct reading_name name_of(uint32_t device, const char *boot,
				   uint64_t seq)
{
	struct reading_name name = {.device = {device}, .seq = seq};

	assert_true(boot_set(&name.boot, span_of(boot)));
	return name;
}

static struct answer answer_of(uint64_t seed)
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

static void assert_answer(const struct answer *answer, uint64_t seed)
{
	struct answer expected = answer_of(seed);

	assert_int_equal(answer->result, expected.result);
	assert_int_equal(answer->code, expected.code);
	assert_true(answer->pos.value == expected.pos.value);
	assert_int_equal(answer->detail_size, expected.detail_size);
	assert_memory_equal(answer->detail, expected.detail,
			    expected.detail_size);
}

static enum seen_state find(const struct reading_name *name, uint64_t content,
			    struct answer *answer)
{
	enum seen_state state;

	assert_done(seen_find(txn_view(tables.txn), name, content, &state,
			      answer, &tables.err),
		    &tables.err);
	return state;
}

static struct seen_progress mark(const struct reading_name *name,
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
static struct seen_progress take(uint32_t device, const char *boot,
				 uint64_t seq)
{
	struct reading_name name = name_of(device, boot, seq);
	struct answer answer;

	assert_int_equal(find(&name, seq, &answer), SEEN_NEW);
	return mark(&name, seq, seq);
}

static enum seen_state state_of(uint32_t device, const char *boot, uint64_t seq)
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

/* ---- examples ---- */

/* Method: one name, asked for before, after, and with other content. */
static void a_name_taken_is_answered_as_before_or_called_reused(void **state)
{
	struct reading_name name = name_of(7, "b1", 5);
	struct answer answer = {.code = 9999};

	(void)state;
	assert_int_equal(find(&name, 100, &answer), SEEN_NEW);
	assert_progress(mark(&name, 100, 0xabcdef0123), 5, 5, 5);
	assert_int_equal(find(&name, 101, &answer), SEEN_REUSED);
	assert_int_equal(answer.code, 9999); /* untouched so far */
	tables_reopen(&tables);
	assert_int_equal(find(&name, 100, &answer), SEEN_DUPLICATE);
	assert_answer(&answer, 0xabcdef0123);
	name.device.value = 8;
	assert_int_equal(find(&name, 100, &answer), SEEN_NEW);
	name = name_of(7, "b2", 5);
	assert_int_equal(find(&name, 100, &answer), SEEN_NEW);
}

/*
 * Method: 50 is heard first, then what was sent before it, in disorder.
 */
static void numbers_below_the_first_heard_are_taken_when_they_come(void **state)
{
	(void)state;
	assert_progress(take(1, "", 50), 50, 50, 50);
	assert_progress(take(1, "", 47), 50, 50, 50);
	assert_progress(take(1, "", 48), 50, 50, 50);
	assert_int_equal(state_of(1, "", 47), SEEN_DUPLICATE);
	assert_int_equal(state_of(1, "", 49), SEEN_NEW);
	assert_progress(take(1, "", 49), 47, 50, 50);
	assert_progress(take(1, "", 51), 47, 51, 51);
	assert_progress(take(1, "", 1), 47, 51, 51);
	assert_progress(take(1, "", 1074), 47, 51, 1074);
	/* The window reaches down to 51. */
	assert_int_equal(state_of(1, "", 50), SEEN_TOO_OLD);
	assert_int_equal(state_of(1, "", 2), SEEN_TOO_OLD);
}

/* Method: 3 stays away; the window is pushed over it one by one. */
static void a_hole_is_given_up_once_when_the_window_passes_it(void **state)
{
	(void)state;
	(void)take(1, "b", 1);
	(void)take(1, "b", 2);
	for (uint64_t seq = 4; seq < 3 + SEEN_WINDOW; seq++) {
		struct seen_progress progress = take(1, "b", seq);

		assert_progress(progress, 1, 2, seq);
		assert_missing(progress, 0, 0, 0);
	}
	assert_int_equal(state_of(1, "b", 3), SEEN_NEW); /* the last chance */
	assert_missing(take(1, "b", 3 + SEEN_WINDOW), 3, 3, 1);
	assert_int_equal(state_of(1, "b", 3), SEEN_TOO_OLD);
	assert_progress(take(1, "b", 4 + SEEN_WINDOW), 1, 4 + SEEN_WINDOW,
			4 + SEEN_WINDOW);
	assert_missing(take(1, "b", 5 + SEEN_WINDOW), 0, 0, 0);
}

/* Method: as many holes as names, given up by one jump; the numbers between
 * that were taken are not counted as missing. */
static void a_jump_gives_up_all_holes_below_the_window_at_once(void **state)
{
	struct seen_progress progress;

	(void)state;
	for (uint64_t seq = 1; seq <= 19; seq += 2)
		(void)take(1, "b", seq);
	progress = take(1, "b", 18 + SEEN_WINDOW);
	/* 2, 4 ... 18 are gone; 19 is taken, so upto goes on to it. */
	assert_missing(progress, 2, 18, 9);
	assert_progress(progress, 1, 19, 18 + SEEN_WINDOW);
}

/*
 * Method: 1,024 names, then 10^18, then the last two numbers that there are.
 * Counts rows: what the window left is gone from the disk too.
 */
static void a_jump_costs_no_more_than_the_window(void **state)
{
	struct seen_progress progress;

	(void)state;
	for (uint64_t seq = 1; seq <= SEEN_WINDOW; seq++)
		(void)take(1, "b", seq);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), SEEN_WINDOW + 1);

	progress = take(1, "b", FAR);
	assert_progress(progress, 1, FAR - SEEN_WINDOW, FAR);
	assert_missing(progress, SEEN_WINDOW + 1, FAR - SEEN_WINDOW,
		       FAR - 2 * SEEN_WINDOW);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 2);
	assert_int_equal(state_of(1, "b", SEEN_WINDOW), SEEN_TOO_OLD);

	progress = take(1, "b", UINT64_MAX);
	assert_progress(progress, 1, UINT64_MAX - SEEN_WINDOW, UINT64_MAX);
	assert_missing(progress, FAR - SEEN_WINDOW + 1,
		       UINT64_MAX - SEEN_WINDOW, UINT64_MAX - FAR - 1);
	assert_progress(take(1, "b", UINT64_MAX - 1), 1,
			UINT64_MAX - SEEN_WINDOW, UINT64_MAX);
	assert_int_equal(state_of(1, "b", UINT64_MAX), SEEN_DUPLICATE);
	assert_int_equal(state_of(1, "b", UINT64_MAX - 1), SEEN_DUPLICATE);
	assert_int_equal(state_of(1, "b", UINT64_MAX - 2), SEEN_NEW);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 3);

	/* A full window up there, filled from above, and then forgotten. */
	for (uint64_t seq = UINT64_MAX - 2; seq > UINT64_MAX - SEEN_WINDOW;
	     seq--)
		progress = take(1, "b", seq);
	assert_progress(progress, 1, UINT64_MAX, UINT64_MAX);
	for (char boot[] = "c"; boot[0] < 'c' + SEEN_BOOTS_MAX; boot[0]++)
		(void)take(1, boot, UINT64_MAX);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 1 + SEEN_BOOTS_MAX);
	assert_int_equal(state_of(1, "b", UINT64_MAX), SEEN_NEW);
}

/* Method: nine boots, of which the first is used again before the ninth: the
 * second goes, with all its rows. */
static void the_boot_used_longest_ago_is_forgotten_whole(void **state)
{
	struct seen_progress progress;
	struct reading_name name = name_of(1, "B", 1);

	(void)state;
	for (char boot[] = "A"; boot[0] < 'A' + SEEN_BOOTS_MAX; boot[0]++)
		for (uint64_t seq = 1; seq <= 10; seq++)
			(void)take(1, boot, seq);
	(void)take(1, "A", 11);
	(void)take(2, "B", 1);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN),
			 2 + 10 * SEEN_BOOTS_MAX + 2);
	(void)take(1, "new", 1);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN),
			 2 + 10 * SEEN_BOOTS_MAX + 2 - 10 + 1);
	assert_code(seen_progress(txn_view(tables.txn), &name, &progress, NULL),
		    ERR_NOT_FOUND);
	name = name_of(1, "A", 1);
	assert_done(seen_progress(txn_view(tables.txn), &name, &progress,
				  &tables.err),
		    &tables.err);
	assert_progress(progress, 1, 11, 11);
	assert_missing(progress, 0, 0, 0);
	assert_int_equal(state_of(2, "B", 1), SEEN_DUPLICATE);
}

/* Method: an answer is changed while its name is in the window, and after. */
static void an_answer_can_be_changed_as_long_as_the_name_is_known(void **state)
{
	struct reading_name name = name_of(3, "b", 1);
	struct answer answer = answer_of(77);

	(void)state;
	(void)mark(&name, 500, 33);
	assert_done(seen_amend(tables.txn, &name, &answer, &tables.err),
		    &tables.err);
	assert_int_equal(find(&name, 500, &answer), SEEN_DUPLICATE);
	assert_answer(&answer, 77);
	assert_int_equal(find(&name, 501, &answer), SEEN_REUSED);
	(void)take(3, "b", 1 + SEEN_WINDOW);
	assert_code(seen_amend(tables.txn, &name, &answer, NULL),
		    ERR_NOT_FOUND);
	name.seq = 2;
	assert_code(seen_amend(tables.txn, &name, &answer, NULL),
		    ERR_NOT_FOUND);
}

/* ---- unnamed readings ---- */

static bool packet_is_known(uint16_t id, uint64_t content)
{
	bool is_known;

	assert_done(seen_packet_find(txn_view(tables.txn), id, content,
				     &is_known, &tables.err),
		    &tables.err);
	return is_known;
}

static void packet_note(uint16_t id, uint64_t content)
{
	assert_done(seen_packet_note(tables.txn, id, content, &tables.err),
		    &tables.err);
}

/* Method: 70,000 packets, so that all ids are used again; after each the edge
 * of what is remembered is looked at. */
static void the_last_2000_unnamed_readings_are_known_by_packet(void **state)
{
	uint64_t checked = 0;

	(void)state;
	assert_false(packet_is_known(1, 1));
	for (uint64_t n = 1; n <= 70000; n++) {
		packet_note((uint16_t)n, n);
		if (n <= SEEN_PACKETS_MAX || n % 100 != 0)
			continue;
		assert_true(packet_is_known((uint16_t)n, n));
		assert_false(packet_is_known((uint16_t)n, n + 1));
		assert_true(
			packet_is_known((uint16_t)(n - SEEN_PACKETS_MAX + 1),
					n - SEEN_PACKETS_MAX + 1));
		assert_false(packet_is_known((uint16_t)(n - SEEN_PACKETS_MAX),
					     n - SEEN_PACKETS_MAX));
		checked++;
		if (n % 10000 == 0)
			tables_reopen(&tables);
	}
	assert_int_equal(checked, 680);
	/* A row for each id and the running number, whatever came. */
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 65536 + 1);
	/* An id that is given again stands for the later packet. */
	packet_note(5, 1);
	packet_note(5, 2);
	assert_false(packet_is_known(5, 1));
	assert_true(packet_is_known(5, 2));
}

/* ---- the model ---- */

/*
 * Per (device, boot): the taken names in order of number, as many as the
 * window holds, the numbers told, and when it was used last. It knows nothing
 * of bits, moving or deleting: everything is worked out from the list anew.
 */
struct model_name {
	uint64_t seq;
	uint64_t content;
	uint64_t answer;
};

struct model_boot {
	uint32_t number; /* 0: not in use */
	uint64_t used;
	uint64_t from;
	uint64_t upto;
	size_t count;
	struct model_name names[SEEN_WINDOW + 1];
};

#define MODEL_DEVICES 3
#define MODEL_STEPS 50000

struct model {
	uint64_t clock;
	uint32_t boot_latest[MODEL_DEVICES];
	struct model_boot boots[MODEL_DEVICES][SEEN_BOOTS_MAX];
	uint64_t states[4];
	uint64_t given_up;
	uint64_t holes_waiting;
	uint64_t jumps;
	uint64_t boots_forgotten;
	uint64_t descents;
	uint64_t amended;
	uint64_t reopened;
};

static struct model model;

static uint64_t model_high(const struct model_boot *boot)
{
	return boot->names[boot->count - 1].seq;
}

static uint64_t model_floor(uint64_t high)
{
	return high > SEEN_WINDOW ? high - SEEN_WINDOW : 0;
}

/* The index of the first name at or above @seq. */
static size_t model_at(const struct model_boot *boot, uint64_t seq)
{
	size_t low = 0;
	size_t high = boot->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (boot->names[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct model_name *model_find(struct model_boot *boot, uint64_t seq)
{
	size_t at = model_at(boot, seq);

	if (at == boot->count || boot->names[at].seq != seq)
		return NULL;
	return &boot->names[at];
}

static struct model_boot *model_boot_of(size_t device, uint32_t number)
{
	for (size_t i = 0; i < SEEN_BOOTS_MAX; i++)
		if (model.boots[device][i].number == number)
			return &model.boots[device][i];
	return NULL;
}

/* A free one, or the one used longest ago, emptied. */
static struct model_boot *model_boot_make(size_t device, uint32_t number)
{
	struct model_boot *chosen = &model.boots[device][0];

	for (size_t i = 1; i < SEEN_BOOTS_MAX; i++)
		if (model.boots[device][i].used < chosen->used)
			chosen = &model.boots[device][i];
	if (chosen->number != 0)
		model.boots_forgotten++;
	chosen->number = number;
	chosen->count = 0;
	chosen->from = 0;
	chosen->upto = 0;
	return chosen;
}

static enum seen_state model_state(size_t device,
				   const struct reading_name *name,
				   uint32_t boot_number, uint64_t content,
				   uint64_t *ret_answer)
{
	struct model_boot *boot = model_boot_of(device, boot_number);
	const struct model_name *taken;

	if (boot == NULL)
		return SEEN_NEW;
	if (name->seq <= model_floor(model_high(boot)))
		return SEEN_TOO_OLD;
	taken = model_find(boot, name->seq);
	if (taken == NULL)
		return SEEN_NEW;
	*ret_answer = taken->answer;
	return taken->content == content ? SEEN_DUPLICATE : SEEN_REUSED;
}

/* What is missing between the old upto and the new floor, taken one by one
 * from the end, and the names below the floor dropped. */
static void model_give_up(struct model_boot *boot, uint64_t floor,
			  struct seen_progress *progress)
{
	size_t first = model_at(boot, boot->upto + 1);
	size_t kept = model_at(boot, floor + 1);
	uint64_t last = floor;

	if (floor > boot->upto) {
		for (size_t i = kept; i > first; i--) {
			if (boot->names[i - 1].seq != last)
				break;
			last--;
		}
		progress->missing_first = boot->upto + 1;
		progress->missing_last = last;
		progress->missing_count = floor - boot->upto - (kept - first);
		boot->upto = floor;
	}
	boot->count -= kept;
	memmove(boot->names, boot->names + kept,
		boot->count * sizeof(boot->names[0]));
}

static struct seen_progress model_mark(struct model_boot *boot,
				       const struct model_name *name)
{
	struct seen_progress progress = {0};
	size_t at = model_at(boot, name->seq);

	if (boot->count == 0) {
		boot->from = name->seq;
		boot->upto = name->seq;
	} else if (at == boot->count) {
		model_give_up(boot, model_floor(name->seq), &progress);
		at = boot->count;
	}
	memmove(boot->names + at + 1, boot->names + at,
		(boot->count - at) * sizeof(boot->names[0]));
	boot->names[at] = *name;
	boot->count++;
	while (boot->upto < UINT64_MAX &&
	       model_find(boot, boot->upto + 1) != NULL)
		boot->upto++;
	while (model_find(boot, boot->from - 1) != NULL)
		boot->from--;
	boot->used = ++model.clock;
	progress.from = boot->from;
	progress.upto = boot->upto;
	progress.high = model_high(boot);
	return progress;
}

/* Mostly the next number, often one again or late, with a hole, now and then a
 * leap, and once in a long time one to the end of all numbers. */
static uint64_t seq_draw(struct model_boot *boot, uint64_t *random)
{
	uint64_t draw = test_random(random) % 10000;
	uint64_t more = test_random(random);
	uint64_t high;

	if (boot == NULL)
		return 1 + more % (draw < 6000 ? 20 : 1000000);
	high = model_high(boot);
	if (draw < 1500)
		return boot->names[more % boot->count].seq;
	if (draw < 3000 && high > 1)
		return high - more % (high < 1100 ? high - 1 : 1100);
	if (draw < 3200 && boot->from > 1)
		return boot->from - 1;
	if (draw >= 9999)
		return UINT64_MAX - more % 2000;
	if (high > UINT64_MAX - FAR)
		return high - more % 100;
	if (draw < 3203)
		return high + 1 + more % FAR;
	if (draw < 3230)
		return high + 1 + more % 3000;
	return high + 1 + (draw < 3700 ? more % 5 : 0);
}

static void model_check_progress(const struct seen_progress *got,
				 const struct seen_progress *expected)
{
	assert_progress(*got, expected->from, expected->upto, expected->high);
	assert_missing(*got, expected->missing_first, expected->missing_last,
		       expected->missing_count);
}

static void model_step(uint64_t *random)
{
	size_t device = test_random(random) % MODEL_DEVICES;
	uint64_t older = test_random(random) % 200;
	uint32_t number;
	struct model_boot *boot;
	struct reading_name name;
	struct model_name taken;
	struct answer answer;
	enum seen_state state;
	uint64_t before = 0;
	char text[16];

	/* Boots follow each other, of one device seldom, of another often; and
	 * old ones speak up again. */
	if (test_random(random) % (5000 >> 2 * device) == 0)
		model.boot_latest[device]++;
	number = model.boot_latest[device];
	if (older < 12 && older < number)
		number -= (uint32_t)older;
	boot = model_boot_of(device, number);
	(void)text_format(text, sizeof(text), "boot-%u", number);
	name = name_of((uint32_t)device + 1, text, seq_draw(boot, random));
	taken.seq = name.seq;
	taken.content = test_random(random) % 2;
	taken.answer = test_random(random);

	state = model_state(device, &name, number, taken.content, &before);
	assert_int_equal(find(&name, taken.content, &answer), state);
	model.states[state]++;
	if (state == SEEN_DUPLICATE)
		assert_answer(&answer, before);
	if (state == SEEN_DUPLICATE && taken.answer % 16 == 0) {
		answer = answer_of(taken.answer);
		assert_done(seen_amend(tables.txn, &name, &answer, &tables.err),
			    &tables.err);
		model_find(boot, name.seq)->answer = taken.answer;
		model.amended++;
	}
	if (state == SEEN_NEW) {
		struct seen_progress expected;
		struct seen_progress got =
			mark(&name, taken.content, taken.answer);
		uint64_t from;

		if (boot == NULL)
			boot = model_boot_make(device, number);
		from = boot->from;
		expected = model_mark(boot, &taken);
		model_check_progress(&got, &expected);
		model.given_up += expected.missing_count > 0;
		model.jumps += expected.missing_count > 2 * SEEN_WINDOW;
		model.holes_waiting += expected.high > expected.upto;
		model.descents += from != 0 && expected.from < from;
	}
}

/* All that the model knows is found, and no row is there that it does not
 * know. Ends in what the model knew, so the walk is over the same names. */
static uint64_t model_check_all(void)
{
	uint64_t rows = 0;

	for (size_t device = 0; device < MODEL_DEVICES; device++) {
		rows++;
		for (size_t i = 0; i < SEEN_BOOTS_MAX; i++) {
			const struct model_boot *boot = &model.boots[device][i];
			char text[16];

			(void)text_format(text, sizeof(text), "boot-%u",
					  boot->number);
			for (size_t n = 0; n < boot->count; n++) {
				struct reading_name name =
					name_of((uint32_t)device + 1, text,
						boot->names[n].seq);
				struct answer answer;

				assert_int_equal(find(&name,
						      boot->names[n].content,
						      &answer),
						 SEEN_DUPLICATE);
				assert_answer(&answer, boot->names[n].answer);
				rows++;
			}
		}
	}
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), rows);
	return rows;
}

/*
 * Method: 50,000 readings of three devices over many boots, drawn from a
 * printed seed: in turn, again, with holes, late, leaping, up to the end of
 * all numbers. Each answer is compared with the model's. The store is closed
 * and opened again on the way, and a transaction is abandoned and repeated.
 */
static void it_answers_as_a_plain_list_would(void **state)
{
	uint64_t random = test_seed(20261122);
	uint64_t rows;

	(void)state;
	memset(&model, 0, sizeof(model));
	for (size_t i = 0; i < MODEL_DEVICES; i++)
		model.boot_latest[i] = 1;
	for (unsigned step = 1; step <= MODEL_STEPS; step++) {
		model_step(&random);
		if (step % 5000 == 0) {
			tables_reopen(&tables);
			model.reopened++;
			(void)model_check_all();
		}
		if (step % 5000 == 2500) {
			struct reading_name name = name_of(1, "gone", 1);

			tables_commit(&tables);
			(void)mark(&name, 1, 1);
			tables_abandon(&tables);
		}
	}
	rows = model_check_all();
	printf("new %llu, duplicate %llu, reused %llu, too old %llu; with "
	       "holes %llu, given up in %llu, by jumps %llu; descents %llu, "
	       "boots forgotten %llu, amended %llu; rows at the end %llu\n",
	       (unsigned long long)model.states[SEEN_NEW],
	       (unsigned long long)model.states[SEEN_DUPLICATE],
	       (unsigned long long)model.states[SEEN_REUSED],
	       (unsigned long long)model.states[SEEN_TOO_OLD],
	       (unsigned long long)model.holes_waiting,
	       (unsigned long long)model.given_up,
	       (unsigned long long)model.jumps,
	       (unsigned long long)model.descents,
	       (unsigned long long)model.boots_forgotten,
	       (unsigned long long)model.amended, (unsigned long long)rows);
	for (size_t i = 0; i < ARRAY_LEN(model.states); i++)
		assert_true(model.states[i] > 300);
	assert_true(model.given_up > 100);
	assert_true(model.holes_waiting > 1000);
	assert_true(model.jumps > 20);
	assert_true(model.descents > 20);
	assert_true(model.boots_forgotten > 20);
	assert_true(model.amended > 50);
	assert_int_equal(model.reopened, 10);
}

/* ---- disk ---- */

/* Method: one row of each kind, compared with its bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	struct reading_name name = name_of(258, "boot-1", 1);
	struct answer answer = {.result = RESULT_PARKED,
				.code = 300,
				.pos = pos_make(2, 1000),
				.detail_size = 3,
				.detail = "abc"};
	struct seen_progress progress;
	char device[512];

	(void)state;
	assert_done(seen_mark(tables.txn, &name, UINT64_C(0x1122334455667788),
			      &answer, &progress, &tables.err),
		    &tables.err);
	(void)take(258, "boot-1", 3);
	packet_note(515, UINT64_C(0x99aabbccddeeff00));
	/* Number 3 is beyond a hole, so the bits of the window are there: the
	 * fourth of them is set. */
	assert_true(text_format(device, sizeof(device), "%s%0254d%s",
				"9c926d602e34c08901010308", 0, "0c4da73b"));
	assert_row(&tables, TABLE_SEEN, "00000102", device);
	assert_row(&tables, TABLE_SEEN,
		   "000001029c926d602e34c0890000000000000001",
		   "112233445566778805ac0202e807036162638e61df36");
	assert_row(&tables, TABLE_SEEN, "00000000", "0000000000000001939c2c71");
	assert_row(&tables, TABLE_SEEN, "0000000000000203",
		   "99aabbccddeeff0000000000000000019b687aaa");
}

/* Method: a bit is flipped in each kind of row, and a row is taken away. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	struct reading_name name = name_of(1, "boot-1", 1);
	const struct span name_1 = SPAN_LITERAL(
		"\0\0\0\1\x9c\x92\x6d\x60\x2e\x34\xc0\x89\0\0\0\0\0\0\0\1");
	struct answer answer = answer_of(1);
	struct seen_progress progress;
	enum seen_state found;
	bool is_known;

	(void)state;
	packet_note(1, 1);
	tables_flip(&tables, TABLE_SEEN, 0);
	assert_code(seen_packet_find(txn_view(tables.txn), 1, 1, &is_known,
				     &tables.err),
		    ERR_CORRUPT);
	assert_code(seen_packet_note(tables.txn, 1, 1, NULL), ERR_CORRUPT);
	tables_flip(&tables, TABLE_SEEN, 0);
	tables_flip(&tables, TABLE_SEEN, 1);
	assert_code(seen_packet_find(txn_view(tables.txn), 1, 1, &is_known,
				     &tables.err),
		    ERR_CORRUPT);
	(void)take(1, "boot-1", 1);
	(void)take(1, "boot-1", 2);
	tables_flip(&tables, TABLE_SEEN, 3); /* the name 1 */
	assert_code(seen_find(txn_view(tables.txn), &name, 1, &found, &answer,
			      &tables.err),
		    ERR_CORRUPT);
	assert_code(seen_amend(tables.txn, &name, &answer, NULL), ERR_CORRUPT);
	assert_done(txn_delete(tables.txn, TABLE_SEEN, name_1, &tables.err),
		    &tables.err);
	assert_code(seen_find(txn_view(tables.txn), &name, 1, &found, &answer,
			      &tables.err),
		    ERR_CORRUPT);
	tables_flip(&tables, TABLE_SEEN, 2); /* the device */
	name.seq = 3;
	assert_code(seen_find(txn_view(tables.txn), &name, 1, &found, &answer,
			      &tables.err),
		    ERR_CORRUPT);
	assert_code(seen_mark(tables.txn, &name, 1, &answer, &progress, NULL),
		    ERR_CORRUPT);
	assert_code(seen_progress(txn_view(tables.txn), &name, &progress, NULL),
		    ERR_CORRUPT);
}

/* Method: the smallest map is filled until there is no more room. */
static void a_full_map_is_told_and_the_names_before_stay(void **state)
{
	struct answer answer = answer_of(120 << 5);
	struct seen_progress progress;
	uint64_t taken = 0;
	enum err_code code = ERR_OK;

	(void)state;
	tables_close(&tables);
	tables_open(&tables, ENV_MAP_SIZE_MIN);
	(void)take(1, "b", 1);
	tables_commit(&tables);
	while (code == ERR_OK && taken < 100000) {
		struct reading_name name = name_of((uint32_t)(2 + taken / 1000),
						   "b", 1 + taken % 1000);

		code = seen_mark(tables.txn, &name, 1, &answer, &progress,
				 &tables.err);
		taken += code == ERR_OK;
	}
	assert_code(code, ERR_FULL);
	assert_true(taken > 1000);
	tables_abandon(&tables);
	assert_int_equal(state_of(1, "b", 1), SEEN_DUPLICATE);
	assert_int_equal(state_of(2, "b", 1), SEEN_NEW);
}

/* Prints what a reading costs here, apart from its commit; asserts nothing
 * about it. Method: in turn, 8 devices, 1,000 readings a transaction. */
static void a_reading_in_its_turn_is_found_and_marked(void **state)
{
	const uint64_t readings = 200000;
	struct timespec from;
	struct timespec to;
	double spent = 0;

	(void)state;
	for (uint64_t n = 0; n < readings; n += 1000) {
		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		for (uint64_t i = n; i < n + 1000; i++)
			(void)take((uint32_t)(1 + i % 8), "boot-of-device",
				   1 + i / 8);
		(void)clock_gettime(CLOCK_MONOTONIC, &to);
		spent += (double)(to.tv_sec - from.tv_sec) +
			 (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		tables_commit(&tables);
	}
	printf("%.2f us a reading (find and mark)\n",
	       spent / (double)readings * 1e6);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 8 * SEEN_WINDOW + 8);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_taken_is_answered_as_before_or_called_reused),
		TEST(numbers_below_the_first_heard_are_taken_when_they_come),
		TEST(a_hole_is_given_up_once_when_the_window_passes_it),
		TEST(a_jump_gives_up_all_holes_below_the_window_at_once),
		TEST(a_jump_costs_no_more_than_the_window),
		TEST(the_boot_used_longest_ago_is_forgotten_whole),
		TEST(an_answer_can_be_changed_as_long_as_the_name_is_known),
		TEST(the_last_2000_unnamed_readings_are_known_by_packet),
		TEST(it_answers_as_a_plain_list_would),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
		TEST(a_full_map_is_told_and_the_names_before_stay),
		TEST(a_reading_in_its_turn_is_found_and_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
