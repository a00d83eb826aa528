/*
 * HQ's word to its sites: master data, proposals that it adopts or declines,
 * and what it asks for, which the site carries out once.
 *
 * Method: HQ's own box on a real store. HQ is a site like any other, so it asks
 * itself here; tests/e2e/master.py has sites that are cut off.
 */
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/fold.h"
#include "store/rebuild.h"
#include "tests/unit/edge/bench_hq.h"

#define HOUR_MS INT64_C(3600000)

/* Seals what the journal has: so it is a proposal to HQ. */
static void seal(struct bench *bench)
{
	struct warehouse *w = bench->w;
	struct seal_plan plan = {.site = SITE_FIRST,
				 .now = {w->now_ms},
				 .clock_trusted = true,
				 .boot = 7,
				 .rows_max = DELTA_ROWS_MAX};
	char folder[FILE_PATH_SIZE];
	struct signer *signer;
	struct batch *batch;
	uint64_t seq;
	struct err err;

	assert_done(ledger_keys_folder(w->path, folder, &err), &err);
	assert_done(signer_open(folder, "epoch-1.key", &signer, &err), &err);
	plan.signer = signer;
	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	do {
		assert_done(feed_seal(bench->desk, batch_txn(batch), &plan,
				      &seq, &err),
			    &err);
	} while (seq != 0);
	assert_done(batch_commit(batch, &err), &err);
	feed_desk_committed(bench->desk);
	signer_close(signer);
}

/* One turn at what HQ asks. */
static void act(struct warehouse *w)
{
	struct event event = {.kind = EVENT_INTENT};

	warehouse_step(w, &event);
}

static void act_on_all(struct warehouse *w)
{
	do {
		act(w);
	} while (w->was_committed);
}

/* HQ says it, whatever hq.ask would say to it. */
static void intent_say(struct bench *bench, const char *id, const char *verb,
		       const char *arguments, int64_t expires_ms)
{
	struct warehouse *w = bench->w;
	struct entry entry;
	struct hq_word word = {&entry, 1, false};
	struct batch *batch;
	struct err err;

	entry_init(&entry, ENTRY_INTENT);
	assert_true(ref_set(&entry.body.intent.id, span_of(id)));
	assert_true(reason_set(&entry.body.intent.verb, span_of(verb)));
	assert_true(intent_arguments_set(&entry.body.intent.arguments,
					 span_of(arguments)));
	entry.body.intent.target = SITE_FIRST;
	entry.body.intent.expires_ms = (uint64_t)expires_ms;
	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){w->now_ms}, true);
	assert_done(hq_say(&bench->keys.hq, batch, &word, NULL, &err), &err);
	assert_done(batch_commit(batch, &err), &err);
	feed_desk_committed(bench->desk);
}

/* ---- master data ---- */

static void what_hq_sets_is_said_to_all_and_scanned_at_once(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct pos head = head_pos(w);

	ask_ok(w, "item.set", "{\"item\":\"TEA\",\"name_en\":\"Tea\"}");
	assert_reply(w, "\"standing\":\"master\",\"seq\":1");
	ask_refused(w, "code.set", "{\"code\":\"HOUSE-9\",\"item\":\"MUG\"}",
		    "unknown_item"); /* no site would know MUG */
	ask_ok(w, "code.set", "{\"code\":\"4006381333948\",\"item\":\"TEA\"}");
	assert_int_equal(head_pos(w).value, head.value);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"boot\":\"b\",\"op\":\"receive\","
	     "\"code\":\"4006381333948\",\"qty\":3,\"bin\":\"A-01\"}");
	look_ok(w, "stock.list", "{\"item\":\"TEA\"}");
	assert_reply(w, "\"on_hand\":3");
	look_ok(w, "item.list", "");
	assert_reply(w, "{\"item\":\"MILK\",");
	assert_reply(w, "\"standing\":\"proposal\"},{\"item\":\"MUG\"");
	assert_reply(w, "{\"item\":\"TEA\",\"name_en\":\"Tea\",\"unit\":"
			"\"each\",\"tracking\":\"none\",\"standing\":"
			"\"master\"}");
	/* Now that it has moved, nobody changes what it is counted in. */
	seal(bench);
	ask_refused(w, "item.set", "{\"item\":\"TEA\",\"unit\":\"gram\"}",
		    "unit_fixed");
}

static void a_reading_that_waited_is_booked_when_hq_names_its_code(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"boot\":\"b\",\"op\":\"receive\","
	     "\"code\":\"4006381333948\",\"qty\":3,\"bin\":\"A-01\"}");
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"code\":\"unknown_item\"");
	ask_ok(w, "item.set", "{\"item\":\"TEA\"}");
	ask_ok(w, "code.set", "{\"code\":\"4006381333948\",\"item\":\"TEA\"}");
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"parked\":[]");
	look_ok(w, "stock.list", "{\"item\":\"TEA\"}");
	assert_reply(w, "\"on_hand\":3");
}

/* Method: 1,000 items in one file: so many deltas that a segment's state goes
 * on, and none too long; the same file again says nothing. */
static void a_catalogue_is_imported_once(void **state)
{
	static char file[200000];
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct asked asked = {"boss", "item.import", "{}", {file, 0}};
	struct pos head = head_pos(w);
	size_t at = (size_t)snprintf(file, sizeof(file), "item,name_en\n");

	for (int i = 0; i < 1000; i++)
		at += (size_t)snprintf(file + at, sizeof(file) - at,
				       "SKU-%04d,\"A thing with a name that is "
				       "rather long, number %d\"\n",
				       i, i);
	asked.file.size = at;
	ask_of(w, &asked);
	assert_reply(w, "\"added\":1000,");
	assert_reply(w, "\"standing\":\"master\"");
	assert_int_equal(head_pos(w).value, head.value);
	ask_of(w, &asked);
	assert_reply(w, "\"added\":0,\"changed\":0,\"unchanged\":1000");
	assert_false(w->was_committed);
	look_ok(w, "item.list", "{\"after\":\"SKU-0998\",\"limit\":1}");
	assert_reply(w, "\"item\":\"SKU-0999\"");
}

/* ---- proposals ---- */

static void a_proposal_is_adopted_with_its_codes(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	seal(bench);
	look_ok(w, "hq.proposals", "");
	assert_reply(w, "{\"site\":3,\"name\":\"hz-01\",\"kind\":\"item\","
			"\"item\":\"MILK\"");
	assert_reply(w, "\"code\":\"14006381333938\",\"pack\":12,"
			"\"standing\":\"new\"");
	ask_ok(w, "hq.adopt", "{\"site\":\"hz-01\",\"item\":\"MUG\"}");
	assert_reply(w, "{\"items\":1,\"codes\":2,\"left\":0}");
	look_ok(w, "hq.proposals", "{\"site\":\"hz-01\"}");
	assert_no_reply(w, "\"item\":\"MUG\"");
	ask_refused(w, "hq.adopt", "{\"site\":\"hz-01\",\"item\":\"MUG\"}",
		    "unknown_proposal");
	ask_ok(w, "hq.adopt", "{\"site\":\"hz-01\",\"all\":true}");
	assert_reply(w, "{\"items\":1,\"codes\":1,\"left\":0}");
	look_ok(w, "hq.proposals", "");
	assert_reply(w, "\"proposals\":[]");
	ask_ok(w, "hq.adopt", "{\"site\":\"hz-01\",\"all\":true}");
	assert_false(w->was_committed);
}

static void a_proposal_that_differs_is_named_and_left(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	seal(bench);
	ask_ok(w, "item.set", "{\"item\":\"MUG\",\"name_en\":\"Mug\"}");
	look_ok(w, "hq.proposals", "{\"limit\":2}");
	assert_reply(w, "\"standing\":\"differs\"");
	assert_reply(w, "\"next\":\"3 i MUG\"");
	look_ok(w, "hq.proposals", "{\"after\":\"3 i MUG\"}");
	assert_no_reply(w, "\"kind\":\"item\"");
	ask_ok(w, "hq.adopt", "{\"site\":\"hz-01\",\"all\":true}");
	assert_reply(w, "\"left\":1}");
	look_ok(w, "item.list", "");
	assert_reply(w, "\"name_en\":\"Mug\"");
	ask_ok(w, "hq.adopt", "{\"site\":\"hz-01\",\"item\":\"MUG\"}");
	look_ok(w, "item.list", "");
	assert_reply(w, "\"name_en\":\"White mug\"");
}

static void a_proposal_that_is_declined_is_taken_back_by_its_site(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	seal(bench);
	ask_ok(w, "hq.decline", "{\"site\":\"hz-01\",\"item\":\"MILK\"}");
	assert_reply(w, "\"verb\":\"item.set\"");
	ask_ok(w, "hq.decline",
	       "{\"site\":\"hz-01\",\"code\":\"09521234567899\"}");
	ask_refused(w, "hq.decline", "{\"site\":\"hz-01\",\"item\":\"NONE\"}",
		    "unknown_proposal");
	ask_refused(w, "hq.decline", "{\"site\":\"hz-01\"}", "missing_field");
	act_on_all(w);
	seal(bench);
	look_ok(w, "hq.proposals", "");
	assert_no_reply(w, "MILK");
	look_ok(w, "hq.intents", "{\"open\":true}");
	assert_reply(w, "\"intents\":[]");
}

/* ---- intents ---- */

static void what_hq_asks_is_done_once_and_answered(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct pos head;

	ask_ok(w, "hq.ask",
	       "{\"site\":\"hz-01\",\"verb\":\"task.add\",\"args\":"
	       "{\"bin\":\"A-01\",\"item\":\"MUG\"}}");
	assert_reply(w, "{\"intent\":\"i1-000004\",\"site\":3,\"verb\":"
			"\"task.add\",\"expires\":");
	look_ok(w, "hq.intents", "");
	assert_reply(w, "\"arguments\":\"{\\\"bin\\\":\\\"A-01\\\","
			"\\\"item\\\":\\\"MUG\\\"}\",\"by\":\"boss\"");
	assert_reply(w, "\"state\":\"asked\"");
	act(w);
	assert_true(w->was_committed);
	head = head_pos(w);
	act(w);
	assert_false(w->was_committed);
	assert_int_equal(head_pos(w).value, head.value);
	look_ok(w, "task.list", "");
	assert_reply(w, "\"reason\":\"asked\"");
	seal(bench);
	look_ok(w, "hq.intents", "");
	assert_reply(w, "\"state\":\"done\",\"answered\":");
	assert_reply(w, "\"text\":\"count task ");
	assert_reply(w, " is open / ");
	look_ok(w, "journal.list", "{\"backwards\":true,\"limit\":2}");
	assert_reply(w, "\"kind\":\"intent_result\"");
	assert_reply(w, "\"kind\":\"task\"");
}

/* Method: the transaction is lost behind the step, as a kill before the commit
 * would; a fresh start then does it, once. */
static void a_kill_between_neither_doubles_nor_loses_it(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct event event = {.kind = EVENT_INTENT, .clock_trusted = true};
	struct batch *batch;
	struct pos head;
	struct err err;
	size_t count;

	ask_ok(w, "hq.ask",
	       "{\"site\":\"hz-01\",\"verb\":\"task.add\","
	       "\"args\":{\"bin\":\"A-02\"}}");
	head = head_pos(w);
	event.at.ms = w->now_ms;
	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	assert_done(engine_step(w->engine, batch, &event, w->answers, &err),
		    &err);
	assert_true(engine_wrote(w->engine));
	batch_abandon(batch);
	assert_int_equal(head_pos(w).value, head.value);
	hq_keys_close(&bench->keys);
	feed_desk_close(bench->desk);
	warehouse_close(w);
	warehouse_open(w);
	bench_open(bench);
	act_on_all(w);
	look_ok(w, "task.list", "{\"all\":true}");
	(void)reply_list(w, "tasks", &count);
	assert_int_equal(count, 1);
	look_ok(w, "hq.intents", "");
	assert_no_reply(w, "\"state\":\"asked\"");
	head = head_pos(w);
	act(w);
	assert_false(w->was_committed);
}

static void what_cannot_be_done_is_refused_with_a_sentence(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct pos head;

	ask_refused(w, "hq.ask", "{\"site\":\"hz-01\",\"verb\":\"launch\"}",
		    "unknown_verb");
	ask_refused(w, "hq.ask", "{\"site\":\"hz-99\",\"verb\":\"task.add\"}",
		    "unknown_site");
	ask_refused(w, "hq.ask",
		    "{\"site\":\"hz-01\",\"verb\":\"task.add\",\"args\":"
		    "{\"bin\":[\"A-01\"]}}",
		    "bad_arguments");
	ask_ok(w, "hq.ask",
	       "{\"site\":\"hz-01\",\"verb\":\"task.add\",\"args\":"
	       "{\"bin\":\"Z-99\"}}");
	intent_say(bench, "of-a-newer-depot", "launch", "{}", 0);
	intent_say(bench, "not-for-hq", "account.set",
		   "{\"account\":\"spy\",\"roles\":[\"manager\"]}", 0);
	intent_say(bench, "garbled", "task.cancel", "{\"task\"", 0);
	head = head_pos(w);
	act_on_all(w);
	/* Four answers, and nothing else. */
	assert_int_equal(head_pos(w).value, head.value + 4);
	seal(bench);
	look_ok(w, "hq.intents", "");
	assert_no_reply(w, "\"state\":\"done\"");
	assert_reply(w, "\"state\":\"refused\"");
	assert_reply(w, "there is no bin Z-99 / 没有库位 Z-99");
	assert_reply(w, "this depot cannot be asked for launch");
	assert_reply(w, "this depot cannot be asked for account.set");
	look_ok(w, "account.list", "");
	assert_no_reply(w, "spy");
}

static void one_that_has_run_out_is_not_carried_out(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	ask_ok(w, "hq.ask",
	       "{\"site\":\"hz-01\",\"verb\":\"task.add\",\"hours\":1,"
	       "\"args\":{\"bin\":\"A-01\"}}");
	w->now_ms += 2 * HOUR_MS;
	look_ok(w, "hq.intents", "");
	assert_reply(w, "\"state\":\"asked\",\"overdue\":true");
	act_on_all(w);
	look_ok(w, "task.list", "");
	assert_reply(w, "\"tasks\":[]");
	seal(bench);
	look_ok(w, "hq.intents", "");
	assert_reply(w, "\"state\":\"expired\"");
}

/*
 * A box that does not know the time: what has no end is done; what has one is
 * received, and waits; it has run out when HQ says something that is later,
 * and is done when the clock is trusted in time.
 */
static void without_a_trusted_clock_what_may_have_run_out_waits(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	int64_t noon = w->now_ms;

	ask_ok(w, "hq.ask",
	       "{\"site\":\"hz-01\",\"verb\":\"task.add\",\"hours\":0,"
	       "\"args\":{\"bin\":\"A-01\"}}");
	intent_say(bench, "soon", "task.add", "{\"bin\":\"A-02\"}",
		   noon + HOUR_MS);
	intent_say(bench, "tonight", "task.add", "{\"bin\":\"DOCK\"}",
		   noon + 9 * HOUR_MS);
	w->is_clock_untrusted = true;
	w->now_ms = 86400000; /* in 1970 */
	act_on_all(w);
	look_ok(w, "task.list", "");
	assert_reply(w, "\"bin\":\"A-01\"");
	assert_no_reply(w, "\"bin\":\"A-02\"");
	assert_no_reply(w, "\"bin\":\"DOCK\"");
	look_ok(w, "hq.intents", "");
	assert_reply(w, "\"state\":\"received\"");
	/* HQ says something two hours later. */
	w->now_ms = noon + 2 * HOUR_MS;
	intent_say(bench, "news", "launch", "{}", 0);
	w->now_ms = 86500000;
	act_on_all(w);
	look_ok(w, "task.list", "");
	assert_no_reply(w, "\"bin\":\"A-02\"");
	assert_no_reply(w, "\"bin\":\"DOCK\"");
	w->is_clock_untrusted = false;
	w->now_ms = noon + 3 * HOUR_MS;
	act_on_all(w);
	look_ok(w, "task.list", "");
	assert_no_reply(w, "\"bin\":\"A-02\"");
	assert_reply(w, "\"bin\":\"DOCK\"");
	seal(bench);
	look_ok(w, "hq.intents", "{\"open\":true}");
	assert_reply(w, "\"intents\":[]");
}

/* ---- keeping ---- */

static void a_rebuild_and_the_audits_agree_with_all_of_it(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct rebuild_difference difference;
	struct err err;
	struct view *view;
	char scratch[120];

	ask_ok(w, "item.set", "{\"item\":\"TEA\",\"name_en\":\"Tea\"}");
	ask_ok(w, "code.set", "{\"code\":\"4006381333948\",\"item\":\"TEA\"}");
	ask_ok(w, "hq.ask",
	       "{\"site\":\"hz-01\",\"verb\":\"task.add\",\"args\":"
	       "{\"bin\":\"A-01\"}}");
	act_on_all(w);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"boot\":\"b\",\"op\":\"receive\","
	     "\"code\":\"4006381333948\",\"qty\":3,\"bin\":\"A-01\"}");
	snprintf(scratch, sizeof(scratch), "%s/again", w->folder);
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(rebuild_compare(view, scratch, 16 << 20, &difference, &err),
		    &err);
	view_end(view);
	assert_int_equal(difference.rows, 0);
	seal(bench);
	act(w);
	assert_false(w->was_committed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HQ_STORY(what_hq_sets_is_said_to_all_and_scanned_at_once),
		HQ_STORY(
			a_reading_that_waited_is_booked_when_hq_names_its_code),
		HQ_STORY(a_catalogue_is_imported_once),
		HQ_STORY(a_proposal_is_adopted_with_its_codes),
		HQ_STORY(a_proposal_that_differs_is_named_and_left),
		HQ_STORY(a_proposal_that_is_declined_is_taken_back_by_its_site),
		HQ_STORY(what_hq_asks_is_done_once_and_answered),
		HQ_STORY(a_kill_between_neither_doubles_nor_loses_it),
		HQ_STORY(what_cannot_be_done_is_refused_with_a_sentence),
		HQ_STORY(one_that_has_run_out_is_not_carried_out),
		HQ_STORY(without_a_trusted_clock_what_may_have_run_out_waits),
		HQ_STORY(a_rebuild_and_the_audits_agree_with_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
