/*
 * The names of readings, against a plain list: nothing is taken twice, nothing
 * is swallowed, whatever a device does.
 */
#include "tests/support/check.h"

#include "tests/support/readings.h"

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
	uint64_t bottom = boot->count > 0 ? boot->from : UINT64_MAX;
	uint64_t upto = boot->upto;

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
	progress.from = upto + (upto < UINT64_MAX);
	if (boot->from < bottom)
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
		model.descents += from != 0 && boot->from < from;
	}
}

/* All that the model knows is found, in no more rows than there may be. */
static uint64_t model_check_all(void)
{
	uint64_t names = 0;

	for (size_t device = 0; device < MODEL_DEVICES; device++) {
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
				names++;
			}
		}
	}
	assert_true(tables_rows(&tables, TABLE_SEEN) <=
		    MODEL_DEVICES * (1 + SEEN_BOOTS_MAX * SEEN_WINDOW));
	return names;
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
	uint64_t names;

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
	names = model_check_all();
	printf("new %llu, duplicate %llu, reused %llu, too old %llu; with "
	       "holes %llu, given up in %llu, by jumps %llu; descents %llu, "
	       "boots forgotten %llu, amended %llu; names at the end %llu\n",
	       (unsigned long long)model.states[SEEN_NEW],
	       (unsigned long long)model.states[SEEN_DUPLICATE],
	       (unsigned long long)model.states[SEEN_REUSED],
	       (unsigned long long)model.states[SEEN_TOO_OLD],
	       (unsigned long long)model.holes_waiting,
	       (unsigned long long)model.given_up,
	       (unsigned long long)model.jumps,
	       (unsigned long long)model.descents,
	       (unsigned long long)model.boots_forgotten,
	       (unsigned long long)model.amended, (unsigned long long)names);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_answers_as_a_plain_list_would, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
