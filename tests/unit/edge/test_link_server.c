/*
 * depotd's side of the links, against links that are none: they speak the wire
 * by hand, die, stall, babble and lie. Whatever one does, another one works.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/edge/link_hand.h"

/* ---- the tests ---- */

static void a_link_is_greeted_hears_what_is_published_and_is_heard(void **state)
{
	struct link_packet packet;
	struct name name;
	int fd = peer_up("hq");

	(void)state;
	name = link_name(bed.link);
	assert_span(name_span(&name), "hq");
	assert_false(link_is_metered(bed.link));
	assert_ptr_equal(link_server_link(bed.server, 0), bed.link);
	assert_null(link_server_link(bed.server, 1));
	assert_code(link_bed_publish(bed.link, HEAD, span_of("me"), true),
		    ERR_OK);
	assert_true(peer_hear(fd, &packet));
	assert_int_equal(packet.kind, LINK_PUBLISH);
	assert_span(packet.message.topic, HEAD);
	assert_span(packet.message.payload, "me");
	assert_true(packet.message.is_retained);
	assert_true(peer_message(fd, REP, sizeof(frame)));
	LINK_UNTIL(link_bed_step(&bed), bed.messages == 1);
	assert_string_equal(bed.topic, REP);
	assert_int_equal(bed.payload_size, sizeof(frame));
	(void)close(fd);
	LINK_UNTIL(link_bed_step(&bed), bed.downs == 1);
	assert_string_equal(bed.reason, "the link's process ended");
	assert_code(link_bed_publish(bed.link, HEAD, span_of("me"), true),
		    ERR_AGAIN);
}

static void what_may_not_travel_is_not_published(void **state)
{
	int fd = peer_up("hq");
	struct span whole = {frame, sizeof(frame)};

	(void)state;
	assert_code(link_bed_publish(bed.link, "head/+", span_of(""), true),
		    ERR_INVALID);
	assert_code(link_bed_publish(bed.link, "status", span_of(""), true),
		    ERR_INVALID);
	assert_code(link_bed_publish(bed.link, HEAD, whole, true), ERR_INVALID);
	assert_code(link_bed_publish(bed.link, REP, whole, false), ERR_OK);
	(void)close(fd);
}

static void more_than_there_is_room_for_waits_and_is_told_of(void **state)
{
	struct link_packet up = {.kind = LINK_UP};
	struct span whole = {frame, sizeof(frame)};
	int fd = peer_open();

	(void)state;
	peer_hello(fd, "hq", 0);
	peer_room(fd, 2 * (sizeof(frame) + LINK_COST_FIXED + strlen(REP)));
	assert_true(peer_say(fd, &up));
	LINK_UNTIL(link_bed_step(&bed), bed.ups == 1);
	assert_code(link_bed_publish(bed.link, REP, whole, false), ERR_OK);
	assert_code(link_bed_publish(bed.link, REP, whole, false), ERR_OK);
	assert_int_equal(link_room(bed.link), 0);
	assert_code(link_bed_publish(bed.link, REP, whole, false), ERR_AGAIN);
	assert_int_equal(bed.rooms, 0);
	peer_room(fd, 3 * (sizeof(frame) + LINK_COST_FIXED + strlen(REP)));
	LINK_UNTIL(link_bed_step(&bed), bed.rooms == 1);
	assert_code(link_bed_publish(bed.link, REP, whole, false), ERR_OK);
	assert_code(link_bed_publish(bed.link, REP, whole, false), ERR_AGAIN);
	(void)close(fd);
}

/* Method: a link that gives room for ever and reads nothing. */
static void
a_link_that_does_not_read_gets_no_more_and_stops_nobody(void **state)
{
	struct span whole = {frame, sizeof(frame)};
	struct link_packet packet;
	int deaf = peer_up("deaf");
	struct link *to_deaf = bed.link;
	int fd = peer_up("hq");
	unsigned sent = 0;

	(void)state;
	while (link_bed_publish(to_deaf, REP, whole, false) == ERR_OK)
		assert_true(++sent < 1000);
	printf("%u frames before it was full\n", sent);
	assert_true(sent > 0);
	assert_code(link_bed_publish(bed.link, HEAD, span_of("x"), true),
		    ERR_OK);
	assert_true(peer_hear(fd, &packet));
	while (peer_hear(deaf, &packet))
		sent--;
	assert_int_equal(sent, 0);
	LINK_UNTIL(link_bed_step(&bed), bed.rooms == 1);
	assert_code(link_bed_publish(to_deaf, REP, whole, false), ERR_OK);
	(void)close(deaf);
	(void)close(fd);
}

/* Method: each lie by a link of its own, beside one that is honest. */
static void a_link_that_lies_is_hung_up_on_and_no_other(void **state)
{
	static const uint8_t nothing[] = {99, 1, 2};
	static const uint8_t wildcard[] = {LINK_MESSAGE, 0,   6,   'h', 'e',
					   'a',          'd', '/', '+', 0};
	static const struct link_packet lies[] = {
		{.kind = LINK_ROOM, .room = 5},
		{.kind = LINK_USED, .used = {1, 0}},
		{.kind = LINK_HELLO, .hello = {.version = 1}},
	};
	int honest = peer_up("honest");
	unsigned told = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies) + 3; i++) {
		struct link_packet used = {.kind = LINK_USED, .used = {9, 9}};
		struct link_packet lie = lies[i % ARRAY_LEN(lies)];
		int fd = peer_up("liar");

		assert_true(peer_say(fd, &used));
		if (i == ARRAY_LEN(lies))
			assert_true(send(fd, nothing, 3, MSG_NOSIGNAL) == 3);
		else if (i == ARRAY_LEN(lies) + 1)
			assert_true(send(fd, wildcard, sizeof(wildcard),
					 MSG_NOSIGNAL) > 0);
		else if (i == ARRAY_LEN(lies) + 2)
			assert_true(send(fd, frame, sizeof(frame),
					 MSG_NOSIGNAL) > 0);
		else if (lie.kind == LINK_HELLO)
			peer_hello(fd, "liar", 0);
		else
			assert_true(peer_say(fd, &lie));
		LINK_UNTIL(link_bed_step(&bed), peer_is_hung_up(fd));
		assert_int_equal(bed.downs, ++told);
		(void)close(fd);
		assert_true(peer_message(honest, HEAD, 3));
		LINK_UNTIL(link_bed_step(&bed), bed.messages == told);
	}
	assert_int_equal(told, 6);
	assert_true(link_is_reached(link_server_link(bed.server, 1)) ||
		    link_is_reached(link_server_link(bed.server, 0)));
	(void)close(honest);
}

static void
who_does_not_say_who_he_is_or_speaks_otherwise_is_no_link(void **state)
{
	struct link_packet up = {.kind = LINK_UP};
	struct link_packet hello = {.kind = LINK_HELLO,
				    .hello = {.version = LINK_VERSION + 1}};
	int silent = peer_open();
	int rude = peer_open();
	int newer = peer_open();

	(void)state;
	assert_true(peer_say(rude, &up));
	assert_true(name_set(&hello.hello.name, span_of("hq")));
	assert_true(peer_say(newer, &hello));
	LINK_UNTIL(link_bed_step(&bed), peer_is_hung_up(rude));
	LINK_UNTIL(link_bed_step(&bed), peer_is_hung_up(newer));
	assert_false(peer_is_hung_up(silent));
	bed.later_ms += LINK_HELLO_MS;
	LINK_UNTIL(link_bed_step(&bed), peer_is_hung_up(silent));
	assert_int_equal(bed.ups + bed.downs, 0);
	assert_null(link_server_link(bed.server, 0));
	(void)close(silent);
	(void)close(rude);
	(void)close(newer);
}

static void a_link_that_says_nothing_any_more_is_down(void **state)
{
	int fd = peer_up("hq");

	(void)state;
	bed.later_ms += LINK_SILENCE_MS;
	LINK_UNTIL(link_bed_step(&bed), bed.downs == 1);
	assert_true(peer_is_hung_up(fd));
	(void)close(fd);
}

static void a_link_that_comes_anew_takes_the_place_of_its_old_self(void **state)
{
	int old = peer_up("hq");
	struct link *link = bed.link;
	int fd = peer_up("hq");
	struct link_packet packet;

	(void)state;
	assert_ptr_equal(bed.link, link);
	assert_int_equal(bed.downs, 1);
	assert_true(peer_is_hung_up(old));
	assert_code(link_bed_publish(link, HEAD, span_of("x"), true), ERR_OK);
	assert_true(peer_hear(fd, &packet));
	(void)close(old);
	(void)close(fd);
}

/* Method: one more than there are places, of which one is then given up. */
static void there_are_four_places(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	int fds[ARRAY_LEN(names)];
	int fifth = peer_open();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		fds[i] = peer_up(names[i]);
	peer_hello(fifth, "e", 0);
	LINK_UNTIL(link_bed_step(&bed), peer_is_hung_up(fifth));
	(void)close(fifth);
	(void)close(fds[1]);
	LINK_UNTIL(link_bed_step(&bed), bed.downs == 1);
	fds[1] = peer_up("e");
	assert_int_equal(bed.ups, 5);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)close(fds[i]);
}

static unsigned alarm_at;

static void alarm_note(struct link_bed *on, struct link *link,
		       const struct link_message *message)
{
	(void)link;
	if (span_starts(message->topic, "alarm/"))
		alarm_at = on->messages;
}

/* Method: one link says so much that there is always more. */
static void
a_link_that_babbles_does_not_keep_another_from_being_heard(void **state)
{
	int babbler = peer_up("babbler");
	int fd = peer_up("hq");
	unsigned said = 0;

	(void)state;
	while (peer_message(babbler, HEAD, 1))
		said++;
	assert_true(said > 4 * LINK_TURN);
	assert_true(peer_message(fd, "alarm/hz-01", 7));
	bed.on_message = alarm_note;
	LINK_UNTIL(link_bed_step(&bed), alarm_at > 0);
	/* In one turn of the loop, and not all of the babble with it. */
	assert_int_equal(bed.messages, LINK_TURN + 1);
	(void)close(babbler);
	(void)close(fd);
}

static void
retained_news_of_a_plane_that_retains_nothing_are_dropped(void **state)
{
	struct link_packet packet = {
		.kind = LINK_MESSAGE,
		.message = {.topic = SPAN_LITERAL("live/hz-01"),
			    .payload = SPAN_LITERAL("old"),
			    .is_retained = true}};
	int fd = peer_up("hq");

	(void)state;
	assert_true(peer_say(fd, &packet));
	packet.message.topic = span_of(HEAD);
	assert_true(peer_say(fd, &packet));
	LINK_UNTIL(link_bed_step(&bed), bed.messages == 1);
	assert_string_equal(bed.topic, HEAD);
	assert_true(bed.is_retained);
	(void)close(fd);
}

static void answer(struct link_bed *on, struct link *link,
		   const struct link_message *message)
{
	(void)on;
	assert_code(link_bed_publish(link, HEAD, span_of("answer"), true),
		    ERR_OK);
	assert_span(message->topic, REP);
	assert_memory_equal(message->payload.data, frame, sizeof(frame));
}

static void
a_publish_from_within_a_message_leaves_the_message_whole(void **state)
{
	int fd = peer_up("hq");

	(void)state;
	memset(frame, 'f', sizeof(frame));
	bed.on_message = answer;
	assert_true(peer_message(fd, REP, sizeof(frame)));
	LINK_UNTIL(link_bed_step(&bed), bed.messages == 1);
	(void)close(fd);
}

/* ---- a thread of its own ---- */

static void *sync_thread(void *context)
{
	struct link_bed *on = context;

	return loop_run(on->loop, &on->err) == ERR_OK ? on : NULL;
}

static void echo(struct link_bed *on, struct link *link,
		 const struct link_message *message)
{
	(void)link_bed_publish(link, HEAD, message->payload, false);
	if (on->messages == 100)
		loop_stop(on->loop);
}

/* Method: the server's loop runs in a thread, another loop in this one; what
 * the link says comes back, while this loop's timer beats. */
static void on_tick(void *context, uint32_t what)
{
	(void)what;
	++*(unsigned *)context;
}

static void it_runs_in_a_thread_beside_another_loop(void **state)
{
	struct loop_source *timer;
	struct loop *other;
	struct link_packet packet;
	unsigned ticks = 0;
	unsigned echoes = 0;
	pthread_t thread;
	void *result;
	int fd = peer_up("hq");

	(void)state;
	assert_done(loop_open(&other, &bed.err), &bed.err);
	assert_done(loop_add_timer(other, (struct loop_call){on_tick, &ticks},
				   &timer, &bed.err),
		    &bed.err);
	loop_timer_every(timer, 1);
	bed.on_message = echo;
	assert_int_equal(pthread_create(&thread, NULL, sync_thread, &bed), 0);
	for (unsigned said = 0; echoes < 100;) {
		struct err err;

		if (said < 100 && peer_message(fd, HEAD, 5))
			said++;
		while (peer_hear(fd, &packet))
			echoes++;
		assert_done(loop_step(other, 1, &err), &err);
	}
	LINK_UNTIL(assert_done(loop_step(other, 1, &bed.err), &bed.err),
		   ticks > 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &bed);
	assert_int_equal(bed.messages, 100);
	loop_remove(timer);
	loop_close(other);
	(void)close(fd);
}

/* ---- who may come ---- */

static int as_nobody_connect(void)
{
	struct link_packet up = {.kind = LINK_UP};
	int fd;
	struct err err;

	if (setresuid(65534, 65534, 65534) != 0 ||
	    local_connect(bed.path, SOCK_SEQPACKET, &fd, &err) != ERR_OK)
		return 1;
	/* Hung up on before a word: whatever is said finds nobody. */
	for (int i = 0; i < 1000000; i++) {
		char byte;
		ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);

		if (got == 0)
			return 0;
		(void)peer_say(fd, &up);
	}
	return 2;
}

/* Method: the socket's mode is opened to all first, so that it is the kernel's
 * word on the peer that is tested. */
static void another_user_is_not_let_in(void **state)
{
	struct stat info;
	int status = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(stat(bed.path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	if (geteuid() != 0)
		skip_because("only root can become somebody else");
	assert_int_equal(chmod(bed.path, 0666), 0);
	assert_int_equal(chmod(bed.scratch.folder, 0755), 0);
	pid = fork();
	if (pid == 0)
		_exit(as_nobody_connect());
	LINK_UNTIL(link_bed_step(&bed), waitpid(pid, &status, WNOHANG) == pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(bed.ups, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_link_is_greeted_hears_what_is_published_and_is_heard),
		TEST(what_may_not_travel_is_not_published),
		TEST(more_than_there_is_room_for_waits_and_is_told_of),
		TEST(a_link_that_does_not_read_gets_no_more_and_stops_nobody),
		TEST(a_link_that_lies_is_hung_up_on_and_no_other),
		TEST(who_does_not_say_who_he_is_or_speaks_otherwise_is_no_link),
		TEST(a_link_that_says_nothing_any_more_is_down),
		TEST(a_link_that_comes_anew_takes_the_place_of_its_old_self),
		TEST(there_are_four_places),
		TEST(a_link_that_babbles_does_not_keep_another_from_being_heard),
		TEST(retained_news_of_a_plane_that_retains_nothing_are_dropped),
		TEST(a_publish_from_within_a_message_leaves_the_message_whole),
		TEST(it_runs_in_a_thread_beside_another_loop),
		TEST(another_user_is_not_let_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
