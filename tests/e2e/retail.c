/*
 * e2e_retail - feeds recorded readings to the engine at full speed, as the
 * keeper would: in batches, each committed to a real store.
 *
 *	e2e_retail STORE CAPTURE BATCH TIMES
 *
 * CAPTURE holds a line for each reading: when it arrives (milliseconds), topic
 * and payload, with tabs between; that time is the box's clock. BATCH readings
 * make a commit. Each batch is delivered TIMES times before the next one
 * comes, each time in a commit of its own: as by a device that hears no
 * answer. Prints the engine's counters as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/engine.h"

#define BATCH_MAX 1000 /* below SEEN_WINDOW */
#define LINE_SIZE 4096
#define TIMES_MAX 10
#define EXIT_USAGE 2
/* As depotd's configuration has them, if nothing is set. */
#define PARKED_COUNT_MAX 10000
#define PARKED_BYTES_MAX (UINT64_C(16) << 20)

struct run {
	struct ledger *ledger;
	struct engine *engine;
	struct answers *answers;
	FILE *capture;
	uint64_t batch;
	uint64_t times;
	uint64_t commits;
	int64_t now_ms;
	size_t count; /* of the lines in work */
	char lines[BATCH_MAX][LINE_SIZE];
};

static bool lines_read(struct run *run)
{
	run->count = 0;
	while (run->count < run->batch &&
	       fgets(run->lines[run->count], LINE_SIZE, run->capture) != NULL)
		run->count++;
	return run->count > 0;
}

/* What stands before the next tab, which is passed. */
static bool field_take(const char **line, struct span *ret_field)
{
	const char *tab = strchr(*line, '\t');

	if (tab == NULL)
		return false;
	*ret_field = (struct span){*line, (size_t)(tab - *line)};
	*line = tab + 1;
	return true;
}

static enum err_code line_step(struct run *run, struct batch *batch,
			       const char *line, struct err *err)
{
	struct event event = {.kind = EVENT_MESSAGE, .clock_trusted = true};
	struct message *message = &event.body.message;
	struct span time;
	uint64_t ms;

	if (!field_take(&line, &time) || !span_to_u64(time, INT64_MAX, &ms) ||
	    !field_take(&line, &message->topic))
		return err_set(err, ERR_INVALID, "not time, topic, payload");
	/* What comes again comes later. */
	if (run->now_ms < (int64_t)ms)
		run->now_ms = (int64_t)ms;
	event.at.ms = run->now_ms;
	message->payload = (struct span){line, strcspn(line, "\n")};
	return engine_step(run->engine, batch, &event, run->answers, err);
}

static enum err_code batch_run(struct run *run, struct err *err)
{
	struct batch *batch;
	enum err_code code = batch_begin(run->ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	answers_reset(run->answers);
	for (size_t i = 0; i < run->count && code == ERR_OK; i++)
		code = line_step(run, batch, run->lines[i], err);
	if (code != ERR_OK) {
		batch_abandon(batch);
		return code;
	}
	run->commits++;
	return batch_commit(batch, err);
}

static enum err_code run_open(struct run *run, const char *store,
			      const char *capture, struct err *err)
{
	struct engine_plan plan = {.parked = {PARKED_COUNT_MAX,
					      PARKED_BYTES_MAX},
				   .session_timeout_ms = 300000,
				   .observation_keep_ms = 3600000,
				   .rfid_hold_ms = 10000,
				   .recount_units = 20};
	enum err_code code = ledger_open(store, ENV_WRITE, &run->ledger, err);

	if (code == ERR_OK)
		code = engine_open(&plan, ledger_identity(run->ledger),
				   &run->engine, err);
	if (code == ERR_OK)
		code = answers_open(BATCH_MAX, &run->answers, err);
	if (code != ERR_OK)
		return code;
	run->capture = fopen(capture, "re");
	if (run->capture == NULL)
		return err_set(err, ERR_IO, "cannot open %s", capture);
	return ERR_OK;
}

static void run_close(struct run *run)
{
	if (run->capture != NULL)
		(void)fclose(run->capture); /* it was read only */
	answers_close(run->answers);
	engine_close(run->engine);
	ledger_close(run->ledger);
}

static void counters_print(const struct run *run)
{
	const struct engine_counters *counters = engine_counters(run->engine);

	printf("{\"readings\":%" PRIu64 ",\"booked\":%" PRIu64
	       ",\"duplicates\":%" PRIu64 ",\"seq_reused\":%" PRIu64
	       ",\"refused\":%" PRIu64 ",\"parked\":%" PRIu64
	       ",\"commits\":%" PRIu64 "}\n",
	       counters->readings, counters->booked, counters->duplicates,
	       counters->seq_reused, counters->refused, counters->parked,
	       run->commits);
}

int main(int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	struct err err = {.text = "out of memory"};
	enum err_code code = ERR_FULL;

	if (run == NULL || argc != 5 ||
	    !span_to_u64(span_of(argv[3]), BATCH_MAX, &run->batch) ||
	    run->batch == 0 ||
	    !span_to_u64(span_of(argv[4]), TIMES_MAX, &run->times)) {
		fprintf(stderr, "usage: see tests/e2e/retail.c\n");
		free(run);
		return EXIT_USAGE;
	}
	code = run_open(run, argv[1], argv[2], &err);
	while (code == ERR_OK && lines_read(run)) {
		for (uint64_t i = 0; i < run->times && code == ERR_OK; i++)
			code = batch_run(run, &err);
	}
	if (code == ERR_OK)
		counters_print(run);
	else
		fprintf(stderr, "e2e_retail: %s\n", err.text);
	run_close(run);
	free(run);
	return code == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
