/*
 * HQ's keys and commands on a real store: a network is founded once, a box is
 * invited once, admitted once, and its feed ended.
 */

#include <sys/stat.h>

#include "gateway/core/join_file.h"
#include "store/keys.h"
#include "store/site.h"
#include "tests/unit/edge/bench_hq.h"

/* ---- what a box does ---- */

static void invitation_read(struct warehouse *w, struct invitation_file *file)
{
	unsigned line;

	assert_int_equal(
		invitation_file_read(member_text(reply_root(w), "file"), file,
				     &line),
		ARMOUR_SOUND);
}

static void admit(struct warehouse *w, const struct join_code *code,
		  uint8_t key)
{
	static char text[ARMOUR_TEXT_SIZE_MAX];
	struct join_ask ask_frame = {.epoch = 1, .boot = 9};
	struct asked asked = {"boss", "hq.admit", NULL, {"", 0}};
	struct writer writer;

	memset(ask_frame.public_key, key, sizeof(ask_frame.public_key));
	writer_init(&writer, text, sizeof(text));
	ask_file_write(&writer, code, &ask_frame);
	assert_true(writer_ok(&writer));
	asked.file = (struct span){text, writer.size};
	ask_of(w, &asked);
}

/* ---- the stories ---- */

static void a_network_is_founded_once(void **state)
{
	struct bench *bench = *state;
	struct err err;

	assert_code(found(bench->w, &err), ERR_CONFLICT);
	look_ok(bench->w, "hq.sites", "");
	assert_reply(bench->w, "\"own\":3,\"sites\":[{\"site\":3,\"name\":"
			       "\"hz-01\",\"role\":\"hq\",\"epoch\":1,"
			       "\"state\":\"admitted\",\"seq\":0}]");
	assert_non_null(bench->keys.master);
}

static void reopen(struct bench *bench)
{
	hq_keys_close(&bench->keys);
	feed_desk_close(bench->desk);
	bench_open(bench);
}

/* Method: the power went between the network's commit and its guard; then the
 * guard is lost when HQ has spoken. */
static void a_founding_that_was_cut_short_is_vouched_for_once(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct err err;

	assert_int_equal(unlink(bench->keys.guard), 0);
	reopen(bench);
	ask_refused(w, "hq.invite", "{\"site\":\"hz-07\"}", "hq_listens");
	assert_done(hq_keys_found_again(w->ledger, w->path, &err), &err);
	reopen(bench);
	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	assert_done(hq_keys_remember(&bench->keys, w->ledger, &err), &err);
	assert_int_equal(unlink(bench->keys.guard), 0);
	assert_done(hq_keys_found_again(w->ledger, w->path, &err), &err);
	reopen(bench);
	ask_refused(w, "hq.invite", "{\"site\":\"hz-08\"}", "hq_listens");
	/* Nobody remembers what is not sure. */
	assert_done(hq_keys_remember(&bench->keys, w->ledger, &err), &err);
	assert_int_not_equal(access(bench->keys.guard, F_OK), 0);
	ask_ok(w, "hq.confirm", "{}");
	assert_reply(w, "\"confirmed\":true");
	assert_done(hq_keys_remember(&bench->keys, w->ledger, &err), &err);
	reopen(bench);
	ask_ok(w, "hq.invite", "{\"site\":\"hz-08\"}");
}

static void a_box_that_is_not_hq_says_so(void **state)
{
	static const char *const commands[] = {
		"hq.invite", "hq.withdraw", "hq.admit",
		"hq.revoke", "hq.fence",    "hq.write_off",
	};
	struct warehouse *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		ask_refused(w, commands[i], "{}", "not_hq");
	look_ok(w, "hq.sites", "");
	assert_reply(w, "\"own\":0,\"sites\":[]");
}

static void an_invitation_is_read_by_the_box_that_it_is_for(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	const struct founding *hq = ledger_identity(w->ledger);
	struct invitation_file file;

	ask_ok(w, "hq.invite",
	       "{\"site\":\"hz-07\",\"until\":\"2026-12-20\",\"like\":"
	       "\"hz-01\",\"share\":0.15,\"host\":\"hq.example:8883\"}");
	assert_reply(w, "\"number\":1,\"site\":4,\"name\":\"hz-07\",\"code\":"
			"\"DEPOT:0001-");
	assert_reply(w, "/HQ.EXAMPLE:8883\"");
	assert_reply(w, "\"until\":\"2026-12-21T00:00:00Z\"");
	invitation_read(w, &file);
	assert_int_equal(file.code.number, 1);
	assert_int_equal(file.answer.site, 4);
	assert_span(name_span(&file.answer.name), "hz-07");
	assert_span(name_span(&file.answer.org), "acme");
	assert_memory_equal(file.answer.net_id, hq->net_id, NET_ID_SIZE);
	look_ok(w, "hq.sites", "");
	assert_reply(w, "{\"site\":4,\"name\":\"hz-07\",\"role\":\"site\","
			"\"state\":\"invited\",\"invitation\":1,");
}

static void what_cannot_be_an_invitation_is_refused(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	ask_refused(w, "hq.invite", "{}", "missing_field");
	ask_refused(w, "hq.invite", "{\"site\":\"HZ 7\"}", "bad_name");
	ask_refused(w, "hq.invite", "{\"site\":\"hz-01\"}", "already_invited");
	ask_refused(w, "hq.invite", "{\"site\":\"hz-07\",\"like\":\"hz-99\"}",
		    "unknown_site");
	ask_refused(w, "hq.invite",
		    "{\"site\":\"hz-07\",\"until\":\"2020-01-01\"}",
		    "bad_date");
	ask_refused(w, "hq.invite", "{\"site\":\"hz-07\",\"share\":1.5}",
		    "out_of_range");
	ask_refused(w, "hq.invite", "{\"site\":\"hz-07\",\"host\":\"no port\"}",
		    "bad_host");
	ask_refused(w, "hq.invite",
		    "{\"site\":\"hz-07\",\"host\":"
		    "\"a-name-that-is-too-long.example:1\"}",
		    "bad_host");
	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	ask_refused(w, "hq.invite", "{\"site\":\"hz-07\"}", "already_invited");
	assert_reply(w, "\"already_invited\"");
	w->is_clock_untrusted = true;
	ask_ok(w, "hq.invite", "{\"site\":\"hz-08\"}");
	assert_reply(w, "\"clock_trusted\":false");
}

static void a_box_is_admitted_once_and_no_other_with_its_code(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct invitation_file file;
	struct join_code forged;

	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	invitation_read(w, &file);
	forged = file.code;
	forged.secret[0] ^= 1;
	admit(w, &forged, 1);
	assert_reply(w, "{\"error\":{\"code\":\"unknown_invitation\"");
	assert_false(w->was_committed);
	admit(w, &file.code, 1);
	assert_reply(w, "{\"site\":4,\"name\":\"hz-07\",\"epoch\":1,"
			"\"invitation\":1}");
	look_ok(w, "hq.sites", "");
	assert_reply(w, "{\"site\":4,\"name\":\"hz-07\",\"role\":\"site\","
			"\"epoch\":1,\"state\":\"admitted\",\"seq\":0}");
	assert_no_reply(w, "\"invited\"");
	/* The same box again is the same answer; another is told. */
	admit(w, &file.code, 1);
	assert_reply(w, "\"site\":4");
	admit(w, &file.code, 2);
	assert_reply(w, "{\"error\":{\"code\":\"join_refused\"");
	assert_false(w->was_committed);
}

static void a_withdrawn_or_expired_code_admits_nobody(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct invitation_file withdrawn;
	struct invitation_file expired;

	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	invitation_read(w, &withdrawn);
	ask_refused(w, "hq.withdraw", "{\"invitation\":7}",
		    "unknown_invitation");
	ask_ok(w, "hq.withdraw", "{\"invitation\":1}");
	admit(w, &withdrawn.code, 1);
	assert_reply(w, join_refusal_text(JOIN_WITHDRAWN, false));
	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\",\"hours\":1}");
	invitation_read(w, &expired);
	w->now_ms += INT64_C(3600001);
	admit(w, &expired.code, 1);
	assert_reply(w, join_refusal_text(JOIN_EXPIRED, false));
	look_ok(w, "hq.sites", "");
	assert_reply(w, "\"state\":\"expired\"");
}

/* Units of so many items leave on one transfer. */
static void items_send(struct warehouse *w, int items)
{
	char text[200];

	for (int i = 0; i < items; i++) {
		snprintf(text, sizeof(text), "{\"item\":\"THING-%d\"}", i);
		ask_ok(w, "item.set", text);
		snprintf(text, sizeof(text),
			 "{\"op\":\"receive\",\"code\":\"THING-%d\",\"qty\":2,"
			 "\"bin\":\"A-01\"}",
			 i);
		ask_ok(w, "book", text);
		snprintf(text, sizeof(text),
			 "{\"op\":\"transfer_out\",\"code\":\"THING-%d\","
			 "\"qty\":2,\"bin\":\"A-01\",\"ref\":\"3-4-1\"}",
			 i);
		ask_ok(w, "book", text);
	}
}

/* Method: more items than one delta of control says at once. */
static void a_lost_transfer_is_written_off_as_a_whole(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct invitation_file file;

	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	invitation_read(w, &file);
	admit(w, &file.code, 1);
	ask_refused(w, "hq.write_off", "{\"transfer\":\"3-4-1\"}",
		    "unknown_transfer");
	ask_refused(w, "transfer.create", "{\"to\":\"hz-08\"}", "unknown_site");
	ask_refused(w, "transfer.create", "{\"to\":\"hz-01\"}", "bad_site");
	ask_ok(w, "transfer.create", "{\"to\":\"hz-07\"}");
	assert_reply(w, "\"transfer\":\"3-4-1\"");
	items_send(w, 40);
	ask_ok(w, "transfer.ship", "{\"transfer\":\"3-4-1\"}");
	look_ok(w, "transfer.list", "{\"to\":\"hz-07\",\"from\":3}");
	assert_reply(w, "\"to_site\":4,\"to_name\":\"hz-07\"");
	assert_reply(w, "\"unsettled\":40");
	look_ok(w, "transfer.list", "{\"from\":\"hz-07\"}");
	assert_reply(w, "\"transfers\":[]");
	ask_ok(w, "hq.write_off",
	       "{\"transfer\":\"3-4-1\",\"reason\":\"truck burnt\"}");
	assert_reply(w, "\"units\":80");
	look_ok(w, "transfer.list", "{\"all\":true}");
	assert_reply(w, "\"state\":\"lost\",\"closed\":true,\"unsettled\":0");
	assert_reply(w, "\"reason\":\"truck burnt\"");
	ask_refused(w, "hq.write_off", "{\"transfer\":\"3-4-1\"}",
		    "transfer_over");
}

static void a_site_is_revoked_and_hq_never(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct invitation_file file;

	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	invitation_read(w, &file);
	ask_refused(w, "hq.revoke", "{\"site\":\"hz-07\"}", "unknown_site");
	admit(w, &file.code, 1);
	ask_refused(w, "hq.revoke", "{\"site\":\"hz-01\"}", "bad_site");
	ask_refused(w, "hq.fence", "{\"site\":\"hz-07\",\"seq\":5}",
		    "not_held");
	ask_refused(w, "hq.withdraw", "{\"invitation\":1}", "invitation_used");
	ask_ok(w, "hq.revoke", "{\"site\":\"hz-07\",\"reason\":\"stolen\"}");
	assert_reply(w, "{\"site\":4,\"name\":\"hz-07\",\"epoch\":1,\"seq\":0,"
			"\"verdict\":\"revoked\"}");
	look_ok(w, "hq.sites", "");
	assert_reply(w, "\"name\":\"hz-07\",\"role\":\"site\",\"epoch\":1,"
			"\"state\":\"fenced\"");
	assert_reply(w, "\"until\":");
}

/* Method: an operator asks for everything that a manager may. */
static void an_operator_may_look_and_nothing_else(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct asked invite = {
		"ann", "hq.invite", "{\"site\":\"hz-07\"}", {"", 0}};
	struct asked sites = {"ann", "hq.sites", NULL, {"", 0}};

	ask_ok(w, "account.set",
	       "{\"account\":\"ann\",\"roles\":[\"operator\"]}");
	ask_of(w, &invite);
	assert_reply(w, "\"denied\"");
	look_of(w, &sites);
	assert_reply(w, "\"sites\":[");
}

/* A command that is refused after another was taken, and a store that is opened
 * again, go on where the feed stands. */
static void what_was_said_is_said_for_good(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;

	for (unsigned i = 0; i < 20; i++) {
		char arguments[64];

		snprintf(arguments, sizeof(arguments), "{\"site\":\"s-%u\"}",
			 i);
		ask_ok(w, "hq.invite", arguments);
		ask_refused(w, "hq.invite", arguments, "already_invited");
	}
	hq_keys_close(&bench->keys);
	feed_desk_close(bench->desk);
	warehouse_close(w);
	warehouse_open(w);
	bench_open(bench);
	ask_ok(w, "hq.invite", "{\"site\":\"s-20\"}");
	assert_reply(w, "\"number\":21,\"site\":24");
	look_ok(w, "hq.sites", "{\"limit\":10}");
	assert_reply(w, "\"next\":\"10\"");
	look_ok(w, "hq.sites", "{\"limit\":10,\"after\":\"20\"}");
	assert_reply(w, "\"name\":\"s-19\"");
	assert_no_reply(w, "\"next\"");
}

/* ---- keys ---- */

static void the_root_key_leaves_the_box_and_comes_back(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	const struct founding *identity = ledger_identity(w->ledger);
	uint8_t seed[KEY_SEED_SIZE];
	uint8_t net_id[NET_ID_SIZE];
	char folder[FILE_PATH_SIZE];
	struct signer *signer;
	struct err err;

	assert_done(ledger_keys_folder(w->path, folder, &err), &err);
	assert_done(keys_seed(folder, "root.key", seed, &err), &err);
	assert_done(keys_destroy(folder, "root.key", &err), &err);
	assert_code(keys_seed(folder, "root.key", seed, &err), ERR_NOT_FOUND);
	assert_code(keys_destroy(folder, "root.key", &err), ERR_NOT_FOUND);
	assert_done(signer_of_seed(seed, &signer, &err), &err);
	keys_net_id(signer_public(signer), net_id);
	signer_close(signer);
	assert_memory_equal(net_id, identity->net_id, NET_ID_SIZE);
}

static void a_key_that_others_may_read_is_not_taken(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct hq_keys keys;
	char path[160];
	struct err err;

	snprintf(path, sizeof(path), "%s/store-keys/control-1.key", w->folder);
	assert_int_equal(chmod(path, 0644), 0);
	assert_code(hq_keys_open(&keys, w->ledger, w->path, NULL, bench->desk,
				 &err),
		    ERR_UNSAFE);
	/* Without them it is a box that holds HQ's ledger, and cannot speak. */
	key_unlink(w, "control-1.key");
	assert_done(hq_keys_open(&keys, w->ledger, w->path, NULL, bench->desk,
				 &err),
		    &err);
	assert_null(keys.control);
}

static enum err_code renew(struct warehouse *w, const struct signer *root,
			   struct hq_renewed *ret_renewed, struct err *err)
{
	struct hq_founding renewal = {.path = w->path,
				      .root = root,
				      .now = {w->now_ms},
				      .clock_trusted = true};

	return hq_keys_renew(w->ledger, &renewal, ret_renewed, err);
}

static struct signer *root_of(struct warehouse *w)
{
	char folder[FILE_PATH_SIZE];
	struct signer *root;
	struct err err;

	assert_done(ledger_keys_folder(w->path, folder, &err), &err);
	assert_done(signer_open(folder, "root.key", &root, &err), &err);
	return root;
}

/* Method: what the envoy does when a peer shows more than is here; then the
 * root's word, as depot hq renew gives it. */
static void
an_hq_that_was_set_back_says_nothing_until_it_is_renewed(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct signer *root = root_of(w);
	struct signer *thief;
	struct hq_renewed renewed;
	struct feed_record feed;
	struct view *view;
	struct err err;

	ask_ok(w, "hq.invite", "{\"site\":\"hz-07\"}");
	atomic_store(&bench->keys.voice, HQ_DOUBTS);
	ask_refused(w, "hq.invite", "{\"site\":\"hz-08\"}", "hq_behind");
	ask_refused(w, "hq.succeed", "{\"site\":\"hz-07\"}", "hq_behind");
	ask_refused(w, "item.set", "{\"item\":\"TEA\"}", "hq_behind");
	assert_done(signer_of_seed((const uint8_t[KEY_SEED_SIZE]){66}, &thief,
				   &err),
		    &err);
	assert_code(renew(w, thief, &renewed, &err), ERR_INVALID);
	signer_close(thief);
	assert_done(renew(w, root, &renewed, &err), &err);
	signer_close(root);
	assert_int_equal(renewed.before, 1);
	assert_int_equal(renewed.seq, 2);
	assert_false(renewed.is_certified);
	hq_keys_close(&bench->keys);
	feed_desk_close(bench->desk);
	bench_open(bench);
	assert_int_equal(bench->keys.hq.control_epoch, 2);
	assert_int_equal(bench->keys.hq.master_epoch, 2);
	ask_refused(w, "hq.invite", "{\"site\":\"hz-07\"}", "already_invited");
	ask_ok(w, "hq.invite", "{\"site\":\"hz-08\"}");
	assert_reply(w, "\"number\":2,\"site\":5");
	ask_ok(w, "item.set", "{\"item\":\"TEA\"}");
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(feed_get(view, (struct feed_id){SITE_CONTROL, 1, 0}, &feed,
			     &err),
		    &err);
	assert_int_equal(feed.state, FEED_FENCED);
	assert_done(feed_get(view, (struct feed_id){SITE_MASTER, 2, 0}, &feed,
			     &err),
		    &err);
	assert_int_equal(feed.seq, 1);
	view_end(view);
}

/* Method: a restored store's mark, as store/backup.h sets it. */
static void a_backup_of_hq_first_hears_what_sites_know(void **state)
{
	struct bench *bench = *state;
	struct warehouse *w = bench->w;
	struct signer *root = root_of(w);
	struct hq_renewed renewed;
	struct batch *batch;
	struct err err;

	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	assert_done(site_restored_put(batch_txn(batch), true, &err), &err);
	assert_done(batch_commit(batch, &err), &err);
	ask_refused(w, "hq.invite", "{\"site\":\"hz-08\"}", "hq_behind");
	assert_code(renew(w, root, &renewed, &err), ERR_AGAIN);
	signer_close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HQ_STORY(a_network_is_founded_once),
		HQ_STORY(a_founding_that_was_cut_short_is_vouched_for_once),
		cmocka_unit_test_setup_teardown(a_box_that_is_not_hq_says_so,
						warehouse_setup,
						warehouse_teardown),
		HQ_STORY(an_invitation_is_read_by_the_box_that_it_is_for),
		HQ_STORY(what_cannot_be_an_invitation_is_refused),
		HQ_STORY(a_box_is_admitted_once_and_no_other_with_its_code),
		HQ_STORY(a_withdrawn_or_expired_code_admits_nobody),
		HQ_STORY(a_lost_transfer_is_written_off_as_a_whole),
		HQ_STORY(a_site_is_revoked_and_hq_never),
		HQ_STORY(an_operator_may_look_and_nothing_else),
		HQ_STORY(what_was_said_is_said_for_good),
		HQ_STORY(the_root_key_leaves_the_box_and_comes_back),
		HQ_STORY(a_key_that_others_may_read_is_not_taken),
		HQ_STORY(
			an_hq_that_was_set_back_says_nothing_until_it_is_renewed),
		HQ_STORY(a_backup_of_hq_first_hears_what_sites_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
