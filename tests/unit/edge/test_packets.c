/*
 * The packets: what the broker sends again is known, and nothing else is.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "gateway/edge/packets.h"
#include "tests/support/scratch.h"

static struct scratch scratch;
static char path[SCRATCH_PATH_SIZE];
static struct packets *packets;
static struct err err;

static void life_begin(void)
{
	assert_done(packets_open(path, &packets, &err), &err);
}

/* As kill -9 leaves it: nothing is written at the end. */
static void life_end(void)
{
	packets_close(packets);
	packets = NULL;
}

static int setup(void **state)
{
	(void)state;
	scratch_make(&scratch);
	(void)scratch_path(&scratch, "intake.packets", path);
	life_begin();
	packets_forget(packets);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	life_end();
	scratch_remove(&scratch);
	return 0;
}

static struct ring_message message(uint16_t packet_id, const char *payload)
{
	return (struct ring_message){
		.topic = SPAN_LITERAL("depot/v1/acme/hz-01/scan/d1"),
		.payload = span_of(payload),
		.packet_id = packet_id,
		.qos = 1,
	};
}

static void push(uint16_t packet_id, const char *payload)
{
	struct ring_message pushed = message(packet_id, payload);

	packets_begin(packets, &pushed);
	packets_end(packets, &pushed, true);
}

static enum packet_verdict look(uint16_t packet_id, const char *payload)
{
	struct ring_message again = message(packet_id, payload);

	return packets_look(packets, &again);
}

static void what_was_pushed_is_known_also_by_the_next_life(void **state)
{
	(void)state;
	push(7, "A");
	assert_int_equal(look(7, "A"), PACKET_KNOWN);
	assert_int_equal(look(7, "B"), PACKET_NEW);
	assert_int_equal(look(8, "A"), PACKET_NEW);
	life_end();
	life_begin();
	assert_int_equal(look(7, "A"), PACKET_KNOWN);
	assert_int_equal(look(7, "B"), PACKET_NEW);
}

/* Method: the same bytes, split between topic and payload in another way. */
static void another_topic_is_another_message(void **state)
{
	struct ring_message other = message(7, "");

	(void)state;
	push(7, "A");
	other.topic = SPAN_LITERAL("depot/v1/acme/hz-01/scan/d1A");
	assert_int_equal(packets_look(packets, &other), PACKET_NEW);
}

static void a_death_between_push_and_note_leaves_it_to_the_ledger(void **state)
{
	struct ring_message pushed = message(7, "A");

	(void)state;
	packets_begin(packets, &pushed);
	life_end();
	life_begin();
	assert_int_equal(look(7, "A"), PACKET_UNSURE);
}

static void what_the_ring_refused_is_new(void **state)
{
	struct ring_message refused = message(7, "A");

	(void)state;
	packets_begin(packets, &refused);
	packets_end(packets, &refused, false);
	assert_int_equal(look(7, "A"), PACKET_NEW);
}

/* The worker scans the same mug in both sessions, and the ids begin anew. */
static void a_new_session_knows_nothing_of_the_old_one(void **state)
{
	(void)state;
	push(7, "MUG");
	packets_forget(packets);
	assert_int_equal(look(7, "MUG"), PACKET_NEW);
	push(7, "MUG");
	assert_int_equal(look(7, "MUG"), PACKET_KNOWN);
}

/* Method: one of each id, all with the same content; then each is looked at
 * when it is just young enough and just too old. */
static void a_note_counts_until_its_id_may_be_another_messages(void **state)
{
	uint32_t known = 0;
	uint32_t fresh = 0;

	(void)state;
	for (uint32_t i = 1; i <= 65535; i++) {
		push((uint16_t)i, "MUG");
		if (i < PACKETS_AGE_MAX)
			continue;
		known += look((uint16_t)(i - PACKETS_AGE_MAX + 1), "MUG") ==
			 PACKET_KNOWN;
		fresh += i == PACKETS_AGE_MAX ||
			 look((uint16_t)(i - PACKETS_AGE_MAX), "MUG") ==
				 PACKET_NEW;
	}
	assert_int_equal(known, 65535 - PACKETS_AGE_MAX + 1);
	assert_int_equal(fresh, 65535 - PACKETS_AGE_MAX + 1);
}

/* Without the session's beginning nobody can tell what came before. */
static void
a_file_made_within_a_session_is_unsure_of_what_it_lacks(void **state)
{
	(void)state;
	push(7, "A");
	life_end();
	assert_int_equal(unlink(path), 0);
	life_begin();
	assert_int_equal(look(7, "A"), PACKET_UNSURE);
	push(8, "B");
	assert_int_equal(look(8, "B"), PACKET_KNOWN);
	packets_forget(packets);
	assert_int_equal(look(7, "A"), PACKET_NEW);
}

static void file_write(const char *text, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	assert_int_equal(close(fd), 0);
}

/* Method: the machine's start is told by a text behind the magic; another one
 * there is another start. A damaged magic and a cut file likewise. */
static void a_file_of_another_start_or_form_is_emptied(void **state)
{
	(void)state;
	push(7, "A");
	life_end();
	file_write("another start", 16);
	life_begin();
	assert_int_equal(look(7, "A"), PACKET_UNSURE);
	push(7, "A");
	life_end();
	file_write("?", 0);
	life_begin();
	assert_int_equal(look(7, "A"), PACKET_UNSURE);
	push(7, "A");
	life_end();
	assert_int_equal(truncate(path, 4711), 0);
	life_begin();
	assert_int_equal(look(7, "A"), PACKET_UNSURE);
}

static void a_folder_in_its_place_is_an_error(void **state)
{
	struct packets *none = NULL;

	(void)state;
	assert_int_equal(packets_open(scratch.folder, &none, &err), ERR_IO);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_pushed_is_known_also_by_the_next_life, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			another_topic_is_another_message, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_death_between_push_and_note_leaves_it_to_the_ledger,
			setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_ring_refused_is_new,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_new_session_knows_nothing_of_the_old_one, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_note_counts_until_its_id_may_be_another_messages,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_made_within_a_session_is_unsure_of_what_it_lacks,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_of_another_start_or_form_is_emptied, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_folder_in_its_place_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
