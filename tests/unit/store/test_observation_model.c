/*
 * Observations, against a plain list.
 */
#include "tests/support/check.h"

#include "tests/support/observations.h"

#define MODEL_MAX 4000
#define MODEL_STEPS 20000
#define MODEL_BINS 5
#define MODEL_TAGS 6

struct model {
	size_t count;
	struct observation at[MODEL_MAX];
	size_t visited;
};

static void model_remove(struct model *model, size_t index)
{
	model->count--;
	memmove(model->at + index, model->at + index + 1,
		(model->count - index) * sizeof(model->at[0]));
}

static bool model_is_same_tag(const struct observation *a,
			      const struct observation *b)
{
	return a->what == OBSERVED_EPC && b->what == OBSERVED_EPC &&
	       a->device.value == b->device.value && a->antenna == b->antenna &&
	       span_equal(ref_span(&a->epc), ref_span(&b->epc));
}

/* Kept in order of time, then of arrival. */
static bool model_add(struct model *model, const struct observation *seen)
{
	size_t at = model->count;

	for (size_t i = model->count; i > 0; i--) {
		struct observation *row = &model->at[i - 1];

		if (!model_is_same_tag(row, seen))
			continue;
		/* The last of its tag: it is widened or none is. */
		if (!span_equal(place_name_span(&row->bin),
				place_name_span(&seen->bin)) ||
		    seen->at.ms < row->at.ms ||
		    seen->at.ms > row->until.ms + HOLD_MS)
			break;
		row->count += seen->count;
		if (seen->until.ms > row->until.ms)
			row->until = seen->until;
		if (seen->value > row->value)
			row->value = seen->value;
		return true;
	}
	while (at > 0 && model->at[at - 1].at.ms > seen->at.ms)
		at--;
	memmove(model->at + at + 1, model->at + at,
		(model->count - at) * sizeof(model->at[0]));
	model->at[at] = *seen;
	model->count++;
	return false;
}

static enum err_code model_visit(void *context, const struct observation *seen,
				 struct err *err)
{
	struct model *model = context;

	(void)err;
	assert_true(model->visited < model->count);
	assert_observation(seen, &model->at[model->visited]);
	model->visited++;
	return ERR_OK;
}

static void model_check(struct model *model, int64_t from)
{
	model->visited = 0;
	while (model->visited < model->count &&
	       model->at[model->visited].at.ms < from)
		model->visited++;
	assert_done(observation_walk(txn_view(tables.txn),
				     (struct moment){from}, model_visit, model,
				     &tables.err),
		    &tables.err);
	assert_int_equal(model->visited, model->count);
}

static void model_check_latest(const struct model *model, const char *bin,
			       enum observed what)
{
	for (size_t i = model->count; i > 0; i--) {
		const struct observation *row = &model->at[i - 1];

		if (row->what == what &&
		    span_equal(place_name_span(&row->bin), span_of(bin))) {
			struct observation got = latest(bin, what);

			assert_observation(&got, row);
			return;
		}
	}
	assert_code(latest_code(bin, what), ERR_NOT_FOUND);
}

/* Anything, by a clock that mostly goes on and sometimes back. */
static struct observation model_draw(int64_t now, uint64_t *random)
{
	int64_t value = (int64_t)(test_random(random) % 100) - 50;
	char bin[8];
	char epc[8];
	struct observation seen;

	(void)text_format(bin, sizeof(bin), "bin-%u",
			  (unsigned)(test_random(random) % MODEL_BINS));
	(void)text_format(epc, sizeof(epc), "e%u",
			  (unsigned)(test_random(random) % MODEL_TAGS));
	if (test_random(random) % 10 == 0)
		now -= (int64_t)(test_random(random) % 5000);
	seen = shelf(bin, now, value);
	seen.device.value = 1 + (uint32_t)(test_random(random) % 2);
	seen.what = (enum observed)(1 + test_random(random) % OBSERVED_MAX);
	seen.is_stable = test_random(random) % 2 == 0;
	seen.count = 1 + (uint32_t)(test_random(random) % 3);
	seen.until.ms += (int64_t)(test_random(random) % 300);
	if (seen.what == OBSERVED_EPC) {
		assert_true(place_name_set(&seen.bin,
					   test_random(random) % 20 == 0
						   ? SPAN_LITERAL("bin-1")
						   : SPAN_LITERAL("bin-0")));
		assert_true(ref_set(&seen.epc, span_of(epc)));
		seen.antenna = (uint8_t)(test_random(random) % 2);
	}
	return seen;
}

/*
 * Method: 20,000 observations from a printed seed, some late, with trimming
 * and restarts between them; walks and the latest of each bin are compared
 * with a plain list.
 */
static void it_keeps_what_a_plain_list_would(void **state)
{
	static struct model model;
	uint64_t random = test_seed(31337);
	uint64_t widened = 0;
	uint64_t trimmed = 0;
	int64_t now = 100000;

	(void)state;
	memset(&model, 0, sizeof(model));
	for (unsigned step = 1; step <= MODEL_STEPS; step++) {
		struct observation seen = model_draw(now, &random);
		char bin[8];

		add(&seen);
		widened += model_add(&model, &seen);
		now += (int64_t)(test_random(&random) % 200);
		(void)text_format(bin, sizeof(bin), "bin-%u",
				  (unsigned)(step % MODEL_BINS));
		model_check_latest(&model, bin,
				   (enum observed)(1 + step % OBSERVED_MAX));
		if (step % 100 == 0)
			model_check(&model, now - 20000);
		if (step % 500 == 0) {
			uint32_t removed = trim(now - 60000, 600);

			trimmed += removed;
			while (removed-- > 0) {
				assert_true(model.at[0].at.ms < now - 60000);
				model_remove(&model, 0);
			}
		}
		if (step % 5000 == 0)
			tables_reopen(&tables);
		assert_true(model.count < MODEL_MAX);
	}
	model_check(&model, 0);
	printf("widened %llu, trimmed %llu, kept %zu\n",
	       (unsigned long long)widened, (unsigned long long)trimmed,
	       model.count);
	assert_true(widened > 200 && trimmed > 5000 && model.count > 100);
	/* No index outlives what it points at. */
	assert_int_equal(trim(MOMENT_MS_MAX, UINT32_MAX), model.count);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_keeps_what_a_plain_list_would, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
