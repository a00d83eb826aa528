/*
 * docs/protocol/sync.md: its tables against the code, so that another peer can
 * be written from them.
 */
#include "gateway/sync/join.h"
#include "tests/support/document.h"
#include "tests/support/frames.h"
#include "tests/support/peers.h"

#define DOCUMENT DEPOT_GOLDEN "/../../docs/protocol/sync.md"

/* ---- planes ---- */

static const enum sync_plane planes[] = {
	SYNC_PLANE_HEAD,  SYNC_PLANE_LIVE,  SYNC_PLANE_REQUEST,
	SYNC_PLANE_REPLY, SYNC_PLANE_ALARM,
};

static void topic_check(const struct document *document, enum sync_plane plane)
{
	bool has_addressee =
		plane == SYNC_PLANE_REQUEST || plane == SYNC_PLANE_REPLY;
	struct sync_out out = {.plane = plane,
			       .from = span_of(has_addressee ? "{from}"
							     : "{site}"),
			       .to = SPAN_LITERAL("{to}"),
			       .session = 0x0c0ffee1};
	char topic[SYNC_TOPIC_SIZE];
	char text[SYNC_TOPIC_SIZE + 8];
	char *session;

	sync_topic_write(&out, topic);
	session = strstr(topic, "0c0ffee1");
	assert_true((session != NULL) == (plane == SYNC_PLANE_REPLY));
	if (session != NULL)
		*session = '\0';
	assert_true(text_format(text, sizeof(text), "`%s%s`", topic,
				session != NULL ? "{session}" : ""));
	document_cell(document, 1, text);
}

/* What is too long, or on a plane that is not its own, is garbled. */
static bool is_taken(struct bed *bed, enum sync_plane plane,
		     const struct frame *frame)
{
	static uint8_t bytes[2 * SYNC_FRAME_SIZE_MAX];
	uint64_t before = box_counts(&bed->boxes[0]).frames_garbled;
	struct writer writer;

	memset(bytes, 0, sizeof(bytes));
	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	frame_give(bed, 0, "stranger", plane,
		   (struct span){(const char *)bytes, writer.size});
	return box_counts(&bed->boxes[0]).frames_garbled == before;
}

/* What these two carry is no pack and no proof, and garbled on any plane. */
static bool is_told_apart(enum frame_type type)
{
	return type != FRAME_LIVE && type != FRAME_PROOF;
}

/* Method: each frame's sample on each plane. */
static size_t carries_check(const struct document *document, struct bed *bed,
			    enum sync_plane plane)
{
	size_t carried = 0;

	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct sample sample;
		char name[32];
		bool is_said;

		sample_make(&sample, i);
		(void)text_format(name, sizeof(name), "`%s`",
				  frame_type_name(sample.frame.type));
		is_said = strstr(document->cells[5], name) != NULL;
		if (is_told_apart(sample.frame.type) &&
		    is_said != is_taken(bed, plane, &sample.frame))
			fail_msg("%s on %s", name, document->cells[1]);
		carried += is_said;
	}
	return carried;
}

/* Method: packs in a reply that is as long as may be, and one byte longer. */
static void longest_check(struct bed *bed)
{
	static uint8_t packs[SYNC_FRAME_SIZE_MAX + 1];
	struct frame frame = {.type = FRAME_BATCHES, .session = 1};
	struct writer writer;

	for (size_t more = 0; more <= 1; more++) {
		size_t size = SYNC_FRAME_SIZE_MAX - 5 - 3 + more;

		memset(packs, 0, sizeof(packs));
		writer_init(&writer, packs, sizeof(packs));
		write_varint(&writer, size);
		assert_int_equal(writer.size, 3);
		frame.body.packs = (struct span){(const char *)packs, 3 + size};
		assert_int_equal(is_taken(bed, SYNC_PLANE_REPLY, &frame),
				 more == 0);
	}
}

static void the_document_has_topic_length_and_frames_of_each_plane(void **state)
{
	static const size_t longest[] = {
		SYNC_HEAD_SIZE_MAX, SYNC_FRAME_SIZE_MAX, SYNC_REQUEST_SIZE_MAX,
		SYNC_FRAME_SIZE_MAX, SYNC_PROOF_SIZE_MAX};
	struct sync_config small = {
		.feeds_max = 16, .peers_max = 8, .waiting_max = 32};
	struct bed *bed = bed_open(1, 1, test_seed(1), &small);
	struct document document;
	size_t carried = 0;

	(void)state;
	bed_links(bed, true);
	document_open(&document, DOCUMENT, "## Planes", "| plane | topic |");
	while (document_next(&document)) {
		enum sync_plane plane = planes[document.rows - 1];

		assert_true(document.rows <= SYNC_PLANE_MAX);
		topic_check(&document, plane);
		document_number(&document, 4, longest[document.rows - 1]);
		carried += carries_check(&document, bed, plane);
	}
	assert_int_equal(document.rows, SYNC_PLANE_MAX);
	longest_check(bed);
	/* Each sample on one plane; proof, on two. */
	assert_int_equal(carried, SAMPLE_COUNT + 1);
	bed_close(bed);
}

/* ---- what is retained ---- */

static uint64_t retained_on[SYNC_PLANE_MAX + 1];
static uint64_t said_on[SYNC_PLANE_MAX + 1];

static void retained_count(struct bed *bed, const struct sync_out *out,
			   uint32_t from)
{
	(void)bed;
	(void)from;
	said_on[out->plane]++;
	retained_on[out->plane] += out->is_retained;
}

/* Method: two boxes with news and a backlog; all that they say. */
static void the_document_says_what_is_retained(void **state)
{
	struct sync_config small = {
		.feeds_max = 16, .peers_max = 8, .waiting_max = 32};
	struct bed *bed = bed_open(2, 2, test_seed(1), &small);
	struct document document;

	(void)state;
	bed->tap = retained_count;
	box_receive(&bed->boxes[1], 12);
	bed_links(bed, true);
	(void)bed_settle(bed, 120000);
	box_receive(&bed->boxes[1], 1);
	(void)bed_settle(bed, 120000);
	document_open(&document, DOCUMENT, "## Planes", "| plane | topic |");
	while (document_next(&document)) {
		enum sync_plane plane = planes[document.rows - 1];
		bool is_retained = strcmp(document.cells[3], "yes") == 0;

		if (!is_retained)
			document_cell(&document, 3, "no");
		if (plane == SYNC_PLANE_ALARM)
			continue; /* sync_test_sync_hostile has forks */
		assert_true(said_on[plane] > 0);
		assert_int_equal(retained_on[plane],
				 is_retained ? said_on[plane] : 0);
	}
	bed_close(bed);
}

/* ---- names ---- */

static void the_document_has_each_reason_with_its_number(void **state)
{
	struct document document;

	(void)state;
	document_open(&document, DOCUMENT, "### The reasons",
		      "| number | reason |");
	while (document_next(&document)) {
		document_number(&document, 0, document.rows);
		document_name(&document, 1,
			      admission_name((enum admission)document.rows));
	}
	assert_int_equal(document.rows, ADMISSION_GARBLED);
}

static void the_document_has_each_state_of_a_feed_with_its_number(void **state)
{
	struct document document;
	unsigned seen = 0;

	(void)state;
	document_open(&document, DOCUMENT, "### The states of a feed",
		      "| number | state |");
	while (document_next(&document)) {
		unsigned number = (unsigned)(document.cells[0][0] - '0');

		assert_in_range(number, 1, FEED_STATE_MAX);
		document_number(&document, 0, number);
		document_name(&document, 1,
			      feed_state_name((enum feed_state)number));
		seen |= 1u << number;
	}
	assert_int_equal(document.rows, FEED_STATE_MAX);
	assert_int_equal(seen, (2u << FEED_STATE_MAX) - 2);
}

/* ---- joining ---- */

static void the_document_has_joinings_topics_frames_and_reasons(void **state)
{
	static const char *const names[] = {"ask", "answer", "refuse"};
	struct document document;
	char reasons[80];

	(void)state;
	document_open(&document, DOCUMENT, "## Joining", "| topic | QoS |");
	while (document_next(&document)) {
		struct join_topic topic = {17, document.rows == 2};
		char text[JOIN_TOPIC_SIZE];
		char said[64];

		join_topic_write(&topic, text);
		assert_true(text_format(said, sizeof(said), "`join/{number}%s`",
					text + strlen("join/17")));
		document_cell(&document, 0, said);
		document_number(&document, 3, JOIN_FRAME_SIZE_MAX);
	}
	assert_int_equal(document.rows, 2);
	document_open(&document, DOCUMENT, "## Joining",
		      "| type | name | fields |");
	while (document_next(&document)) {
		document_number(&document, 0,
				FRAME_JOIN_FIRST + document.rows - 1);
		document_name(&document, 1, names[document.rows - 1]);
	}
	assert_int_equal(document.rows, JOIN_REFUSE - JOIN_ASK + 1);
	document_open(&document, DOCUMENT, "## Joining",
		      "| type | name | fields |");
	assert_true(text_format(reasons, sizeof(reasons),
				"reason u8: %d used, %d expired, %d withdrawn, "
				"%d busy",
				JOIN_USED, JOIN_EXPIRED, JOIN_WITHDRAWN,
				JOIN_BUSY));
	assert_int_equal(JOIN_REFUSAL_MAX, JOIN_BUSY);
	while (document_next(&document))
		if (document.rows == 3)
			assert_non_null(strstr(document.cells[2], reasons));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_document_has_topic_length_and_frames_of_each_plane),
		cmocka_unit_test(the_document_says_what_is_retained),
		cmocka_unit_test(the_document_has_each_reason_with_its_number),
		cmocka_unit_test(
			the_document_has_each_state_of_a_feed_with_its_number),
		cmocka_unit_test(
			the_document_has_joinings_topics_frames_and_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
