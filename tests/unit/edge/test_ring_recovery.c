/*
 * What the ring keeps over a death: everything that was pushed and not taken,
 * nothing that is half written or damaged, and whose fault the death was.
 */
#include "tests/unit/edge/ring_bed.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child that will be killed has done; shared memory. */
struct diary {
	_Atomic uint64_t returned; /* pushes that returned ERR_OK */
	_Atomic uint64_t taken;    /* as the store's meta would have it */
};

/* Pushes until it is killed; takes half of what waits when it is full. */
_Noreturn static void child_run(struct bed *bed, struct diary *diary,
				uint32_t slots)
{
	if (bed_try_open(bed, slots, atomic_load(&diary->taken)) != ERR_OK)
		_exit(1);
	for (;;) {
		if (bed_push(bed) == ERR_OK) {
			atomic_store(&diary->returned, bed->pushed);
			continue;
		}
		atomic_store(&diary->taken, bed->pushed - slots / 2);
		ring_release_upto(bed->ring, bed->pushed - slots / 2);
	}
}

/* Slots in the file whose commit word is clear, but which hold bytes. */
static unsigned half_written(const struct bed *bed, uint32_t slots)
{
	int fd = open(bed->path, O_RDONLY | O_CLOEXEC);
	unsigned count = 0;

	assert_true(fd >= 0);
	for (uint32_t i = 0; i < slots; i++) {
		uint64_t words[4];

		assert_int_equal(pread(fd, words, sizeof(words),
				       RING_SLOT_SIZE * (off_t)(i + 1)),
				 sizeof(words));
		count += words[0] == 0 && words[3] != 0;
	}
	(void)close(fd);
	return count;
}

static void child_kill_at(struct bed *bed, struct diary *diary, uint32_t slots,
			  uint64_t target)
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0)
		child_run(bed, diary, slots);
	while (atomic_load(&diary->returned) < target &&
	       waitpid(child, &status, WNOHANG) == 0)
		(void)sched_yield();
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

/* What must wait is there, in order and whole. Returns the last number. */
static uint64_t found_check(const struct bed *bed, uint64_t taken)
{
	uint32_t waiting = ring_waiting(bed->ring);

	assert_int_equal(bed->report.waiting, waiting);
	assert_int_equal(bed->report.damaged, 0);
	for (uint32_t i = 0; i < waiting; i++)
		assert_true(bed_number(bed, i) == taken + 1 + i);
	return taken + waiting;
}

/*
 * Method: a child pushes without pause and is killed when it has made a
 * random number of pushes more, 200 times over the same file of 16 slots. The
 * number of pushes that returned is in shared memory: at most one more may be
 * found (killed between the commit word and the return).
 */
static void kill_at_any_moment_loses_no_returned_push(void **state)
{
	struct bed *bed = *state;
	struct diary *diary = mmap(NULL, sizeof(*diary), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t seed = test_seed(3);
	unsigned torn = 0;
	unsigned kills = 0;

	assert_true(diary != MAP_FAILED);
	for (; kills < 200; kills++) {
		uint64_t taken;
		uint64_t last;

		child_kill_at(bed, diary, 16,
			      bed->pushed + 1 + test_random(&seed) % 3000);
		torn += half_written(bed, 16);
		taken = atomic_load(&diary->taken);
		bed_open(bed, 16, taken);
		last = found_check(bed, taken);
		assert_in_range(last - atomic_load(&diary->returned), 0, 1);
		bed_close(bed);
		bed->pushed = last;
	}
	printf("kills %u, of these in the middle of a slot %u, pushes %llu\n",
	       kills, torn, (unsigned long long)bed->pushed);
	assert_true(torn > 0); /* the dangerous moment was hit */
	assert_true(bed->pushed > 1000);
	(void)munmap(diary, sizeof(*diary));
}

/*
 * Method: of four slots, each byte of the second's commit word, checksum,
 * fields, topic and payload is changed in turn (every bit of it once over all
 * bytes), and changed back.
 */
static void a_slot_with_any_byte_changed_is_skipped(void **state)
{
	struct bed *bed = *state;
	off_t slot = RING_SLOT_SIZE * 2;
	struct ring_slot view;
	off_t size;
	unsigned flips = 0;

	bed_open(bed, 4, 0);
	bed_push_many(bed, 4);
	assert_true(ring_peek(bed->ring, 1, &view));
	size = (off_t)(16 + 36 + view.message.topic.size +
		       view.message.payload.size);
	for (off_t at = 0; at < size; at++) {
		uint8_t bits = (uint8_t)(1u << (at % 8));

		if (at >= 8 && at < 16)
			continue; /* the count of deaths: not content */
		bed_close(bed);
		file_flip(bed->path, slot + at, bits);
		bed_open(bed, 4, 0);
		assert_int_equal(bed->report.damaged, 1);
		assert_int_equal(ring_waiting(bed->ring), 3);
		assert_true(bed_number(bed, 0) == 1);
		assert_true(bed_number(bed, 1) == 3);
		assert_true(bed_number(bed, 2) == 4);
		file_flip(bed->path, slot + at, bits);
		flips++;
	}
	assert_int_equal(flips, size - 8);
	bed_close(bed);
	bed_open(bed, 4, 0);
	assert_int_equal(ring_waiting(bed->ring), 4);
}

/*
 * Method: every set of damaged slots among 6 full ones (64 sets), then taken
 * one by one while new ones are pushed into what was freed.
 */
static void around_damaged_slots_the_ring_goes_on(void **state)
{
	struct bed *bed = *state;
	unsigned sets = 0;

	for (unsigned set = 0; set < 64; set++) {
		uint64_t last = 0;
		uint64_t expected_next = 1;

		bed->pushed = 0;
		bed_open(bed, 6, 0);
		bed_push_many(bed, 6);
		bed_close(bed);
		for (off_t i = 0; i < 6; i++) {
			if ((set >> i & 1) != 0)
				file_flip(bed->path,
					  RING_SLOT_SIZE * (i + 1) + 40, 1);
			else
				expected_next = (uint64_t)i + 2;
		}
		bed_open(bed, 6, 0);
		bed->pushed = expected_next - 1;
		for (int i = 0; i < 20; i++) {
			while (bed_push(bed) == ERR_OK)
				;
			assert_in_range(ring_waiting(bed->ring), 1, 6);
			assert_true(bed_number(bed, 0) > last);
			last = bed_number(bed, 0);
			ring_release_upto(bed->ring, last);
			assert_true(ring_fill(bed->ring) < 6);
		}
		assert_true(last >= expected_next);
		bed_close(bed);
		assert_int_equal(unlink(bed->path), 0);
		sets++;
	}
	assert_int_equal(sets, 64);
}

static uint32_t deaths_of(const struct bed *bed, uint64_t number)
{
	struct ring_slot slot;

	for (uint32_t i = 0; ring_peek(bed->ring, i, &slot); i++) {
		if (slot.number == number)
			return slot.deaths;
	}
	fail_msg("slot %llu does not wait", (unsigned long long)number);
	return 0;
}

/* Works on the waiting slots up to @number and dies there. */
static void die_at(struct bed *bed, uint64_t number)
{
	struct ring_slot slot;

	for (uint32_t i = 0; ring_peek(bed->ring, i, &slot); i++) {
		ring_mark_working(bed->ring, &slot);
		if (slot.number == number)
			break;
	}
	bed_close(bed); /* to the file it's the same as a kill */
	bed_open(bed, 8, 0);
}

static void each_death_is_counted_on_the_slot_that_was_worked_on(void **state)
{
	struct bed *bed = *state;

	bed_open(bed, 8, 0);
	bed_push_many(bed, 5);
	die_at(bed, 3);
	assert_int_equal(deaths_of(bed, 3), 1);

	/* The second life works on 1 and 2 as well before it dies on 3. */
	die_at(bed, 3);
	assert_int_equal(deaths_of(bed, 3), RING_DEATHS_MAX);
	die_at(bed, 5);
	assert_int_equal(deaths_of(bed, 1), 0);
	assert_int_equal(deaths_of(bed, 2), 0);
	assert_int_equal(deaths_of(bed, 3), 2);
	assert_int_equal(deaths_of(bed, 4), 0);
	assert_int_equal(deaths_of(bed, 5), 1);
}

static void a_stop_between_slots_is_no_death_of_a_slot(void **state)
{
	struct bed *bed = *state;
	struct ring_slot slot;

	bed_open(bed, 8, 0);
	bed_push_many(bed, 2);
	assert_true(ring_peek(bed->ring, 0, &slot));
	ring_mark_working(bed->ring, &slot);
	ring_mark_idle(bed->ring);
	bed_close(bed);
	bed_open(bed, 8, 0);
	assert_int_equal(deaths_of(bed, 1), 0);

	/* A slot that was taken and written again starts at no deaths. */
	die_at(bed, 1);
	assert_int_equal(deaths_of(bed, 1), 1);
	ring_release_upto(bed->ring, 2);
	bed_push_many(bed, 8);
	for (uint64_t number = 3; number <= 10; number++)
		assert_int_equal(deaths_of(bed, number), 0);
}

static void numbers_go_on_from_the_higher_of_ring_and_store(void **state)
{
	struct bed *bed = *state;

	/* The ring is gone (a reboot), the store remembers 1,000. */
	bed_open(bed, 4, 1000);
	bed->pushed = 1000;
	bed_push_many(bed, 3);
	assert_true(bed_number(bed, 0) == 1001);
	bed_close(bed);

	/* The store is older than the ring (a restored backup). */
	bed_open(bed, 4, 5);
	assert_int_equal(bed->report.waiting, 3);
	assert_true(bed_number(bed, 0) == 1001);
	bed_push_many(bed, 1);
	assert_true(bed_number(bed, 3) == 1004);
	bed_close(bed);

	/* The store is newer than the ring: nothing waits. */
	bed_open(bed, 4, 2000);
	assert_int_equal(bed->report.waiting, 0);
	bed->pushed = 2000;
	bed_push_many(bed, 2);
	bed_close(bed);

	/* And older once more: 1003 and 1004 are still there, then the jump. */
	bed_open(bed, 4, 1002);
	assert_int_equal(bed->report.waiting, 4);
	assert_true(bed_number(bed, 0) == 1003);
	assert_true(bed_number(bed, 1) == 1004);
	assert_true(bed_number(bed, 2) == 2001);
	assert_true(bed_number(bed, 3) == 2002);
}

/* Method: of eight slots the first three are void, the next two taken. */
static void what_its_sender_was_refused_is_not_found_again(void **state)
{
	struct bed *bed = *state;

	bed_open(bed, 8, 0);
	bed_push_many(bed, 8);
	ring_void_upto(bed->ring, 3);
	assert_int_equal(ring_fill(bed->ring), 5);
	bed_close(bed);
	bed_open(bed, 8, 0); /* the store took none of them */
	assert_int_equal(bed->report.damaged, 0);
	assert_true(found_check(bed, 3) == 8);

	ring_void_upto(bed->ring, 8);
	bed_close(bed);
	bed_open(bed, 8, 0);
	assert_int_equal(bed->report.waiting, 0);
	bed->pushed = 0; /* no number was taken: they may be given again */
	bed_push_many(bed, 8);
	assert_true(bed_number(bed, 0) == 1);
}

static bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void
a_ring_of_another_size_is_set_aside_and_its_slots_come_along(void **state)
{
	struct bed *bed = *state;
	char expected[RING_PATH_SIZE];

	bed_open(bed, 8, 0);
	bed_push_many(bed, 6);
	bed_close(bed);
	bed_open(bed, 16, 2);
	assert_true(bed->report.is_created);
	assert_int_equal(bed->report.carried, 4);
	assert_int_equal(bed->report.waiting, 4);
	assert_int_equal(bed->report.left, 0);
	assert_true(
		text_format(expected, sizeof(expected), "%s.old", bed->path));
	assert_string_equal(bed->report.aside, expected);
	assert_true(file_exists(expected));
	assert_true(found_check(bed, 2) == 6);
	bed_push_many(bed, 12);
	assert_code(bed_push(bed), ERR_FULL);
	bed_close(bed);

	/* Back to a smaller one: the four oldest fit, and it says so. */
	bed_open(bed, 4, 2);
	assert_int_equal(bed->report.carried, 4);
	assert_int_equal(bed->report.left, 12);
	assert_true(file_exists(bed->report.aside));
	assert_string_not_equal(bed->report.aside, expected);
	assert_true(found_check(bed, 2) == 6);
}

/*
 * Method: a full ring of 8 slots cut at every multiple of 512 bytes: opening
 * never touches a page that is not there (SIGBUS would end the test), and all
 * slots that are whole before the cut are found.
 */
static void
a_truncated_file_is_no_sigbus_and_loses_only_what_was_cut(void **state)
{
	struct bed *bed = *state;
	unsigned cuts = 0;

	for (off_t size = 0; size < 9 * RING_SLOT_SIZE; size += 512) {
		off_t whole = size / RING_SLOT_SIZE - 1;

		bed->pushed = 0;
		bed_open(bed, 8, 0);
		bed_push_many(bed, 8);
		bed_close(bed);
		assert_int_equal(truncate(bed->path, size), 0);
		bed_open(bed, 8, 0);
		assert_true(bed->report.is_created);
		assert_int_equal(bed->report.waiting, whole > 0 ? whole : 0);
		assert_int_equal(found_check(bed, 0), bed->report.waiting);
		assert_int_equal(bed->report.is_unreadable, whole < 1);
		bed_close(bed);
		assert_int_equal(unlink(bed->path), 0);
		assert_int_equal(unlink(bed->report.aside), 0);
		cuts++;
	}
	assert_int_equal(cuts, 72);
}

static void a_file_of_another_version_is_kept_byte_for_byte(void **state)
{
	struct bed *bed = *state;
	struct stat before;
	struct stat after;

	bed_open(bed, 4, 0);
	bed_push_many(bed, 2);
	bed_close(bed);
	file_flip(bed->path, 11, 2); /* version 1 -> 3 */
	assert_int_equal(stat(bed->path, &before), 0);
	bed_open(bed, 4, 0);
	assert_true(bed->report.is_unreadable);
	assert_true(bed->report.is_created);
	assert_int_equal(ring_waiting(bed->ring), 0);
	assert_int_equal(stat(bed->report.aside, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_true(before.st_mtime == after.st_mtime);
}

static void no_file_set_aside_is_ever_written_over(void **state)
{
	struct bed *bed = *state;
	uint32_t asides = 0;

	bed_open(bed, 4, 0);
	for (uint32_t slots = 5; slots < 15; slots++) {
		bed_close(bed);
		bed_open(bed, slots, 0);
		assert_true(file_exists(bed->report.aside));
		asides++;
	}
	assert_int_equal(asides, 10);
	bed_close(bed);
	assert_code(bed_try_open(bed, 20, 0), ERR_CONFLICT);
	assert_non_null(strstr(bed->err.text, "intake.ring.old"));
	bed_open(bed, 14, 0); /* and nothing was lost by the refusal */
	assert_false(bed->report.is_created);
}

static void a_ring_that_is_open_elsewhere_is_refused(void **state)
{
	struct bed *bed = *state;
	struct ring_config config = {
		.path = bed->path, .slot_count = 4, .wake = &bed->wake};
	struct ring_report report;
	struct ring *second = NULL;

	bed_open(bed, 4, 0);
	assert_code(ring_open(&config, &second, &report, &bed->err), ERR_AGAIN);
	assert_null(second);
	config.slot_count = 8; /* nor is it set aside under its owner */
	assert_code(ring_open(&config, &second, &report, &bed->err), ERR_AGAIN);
	bed_push_many(bed, 1);
	assert_true(bed_number(bed, 0) == 1);
}

static void what_cannot_be_opened_is_an_error_with_a_sentence(void **state)
{
	struct bed *bed = *state;
	char link_target[SCRATCH_PATH_SIZE];

	(void)scratch_path(&bed->scratch, "elsewhere", link_target);
	assert_int_equal(symlink(link_target, bed->path), 0);
	assert_code(bed_try_open(bed, 4, 0), ERR_IO);
	assert_non_null(strstr(bed->err.text, bed->path));
	assert_false(file_exists(link_target));
	assert_int_equal(unlink(bed->path), 0);

	assert_int_equal(mkdir(bed->path, 0700), 0);
	assert_code(bed_try_open(bed, 4, 0), ERR_IO);
	assert_int_equal(rmdir(bed->path), 0);
	assert_null(bed->ring);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kill_at_any_moment_loses_no_returned_push),
		TEST(a_slot_with_any_byte_changed_is_skipped),
		TEST(around_damaged_slots_the_ring_goes_on),
		TEST(each_death_is_counted_on_the_slot_that_was_worked_on),
		TEST(a_stop_between_slots_is_no_death_of_a_slot),
		TEST(numbers_go_on_from_the_higher_of_ring_and_store),
		TEST(what_its_sender_was_refused_is_not_found_again),
		TEST(a_ring_of_another_size_is_set_aside_and_its_slots_come_along),
		TEST(a_truncated_file_is_no_sigbus_and_loses_only_what_was_cut),
		TEST(a_file_of_another_version_is_kept_byte_for_byte),
		TEST(no_file_set_aside_is_ever_written_over),
		TEST(a_ring_that_is_open_elsewhere_is_refused),
		TEST(what_cannot_be_opened_is_an_error_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
