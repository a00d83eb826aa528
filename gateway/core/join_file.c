#include "gateway/core/join_file.h"

#include <string.h>

#include "gateway/sync/bundle.h"
#include "store/roster.h"

#define INVITATION "invitation"
#define ASK "ask"

static const char invitation_note[] =
	"A box becomes a site with this:  depot join FILE\n"
	"It holds a secret: for one pair of hands, and only once.\n"
	"在新盒子上运行 depot join 本文件，即可加入网络。\n"
	"内含密钥，只能使用一次，请妥善保管。";
static const char ask_note[] = "Back to HQ with this:  depot hq admit FILE\n"
			       "请带回总部，运行 depot hq admit 本文件。";

static void key_of(const struct join_code *code, uint8_t key[JOIN_KEY_SIZE])
{
	struct span secret = {(const char *)code->secret, sizeof(code->secret)};

	join_key(code->number, secret, key);
}

void invitation_file_write(struct writer *writer, const struct join_code *code,
			   struct span frame)
{
	uint8_t bytes[ARMOUR_SIZE_MAX];
	char text[JOIN_CODE_SIZE_MAX + 1];
	struct writer inner;

	join_code_write(code, text);
	writer_init(&inner, bytes, sizeof(bytes));
	write_span(&inner, span_of(text));
	write_raw(&inner, frame.data, frame.size);
	ASSERT(writer_ok(&inner));
	armour_write(writer, INVITATION, invitation_note,
		     (struct span){(const char *)bytes, inner.size});
	seal_wipe(bytes, sizeof(bytes));
	seal_wipe(text, sizeof(text));
}

static bool answer_take(struct span bytes, struct invitation_file *file)
{
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	bool is_taken;

	key_of(&file->code, key);
	is_taken =
		join_read(bytes, key, &frame) == ERR_OK &&
		frame.type == JOIN_ANSWER &&
		frame.number == file->code.number &&
		root_verify(frame.body.answer.net_id, &frame.body.answer.root);
	seal_wipe(key, sizeof(key));
	if (is_taken)
		file->answer = frame.body.answer;
	return is_taken;
}

enum armour_fault invitation_file_read(struct span text,
				       struct invitation_file *ret_file,
				       unsigned *ret_line)
{
	uint8_t bytes[ARMOUR_SIZE_MAX];
	struct invitation_file file = {.code = {0}};
	struct reader reader;
	struct span code;
	struct span rest;
	size_t size = 0;
	enum armour_fault fault =
		armour_read(text, INVITATION, bytes, &size, ret_line);

	if (fault != ARMOUR_SOUND)
		return fault;
	reader_init(&reader, bytes, size);
	code = read_span(&reader, JOIN_CODE_SIZE_MAX);
	rest = read_raw(&reader, reader_left(&reader));
	if (reader_ok(&reader) &&
	    join_code_parse(code, &file.code) == JOIN_CODE_SOUND &&
	    answer_take(rest, &file))
		*ret_file = file;
	else
		fault = ARMOUR_WHOLE;
	seal_wipe(bytes, sizeof(bytes));
	seal_wipe(&file, sizeof(file));
	return fault;
}

bool invitation_file_is(struct span text)
{
	return span_starts(text, "depot " INVITATION " ");
}

/* A magic that is cut begins a bundle too. */
static bool bundle_begins(struct span rest)
{
	struct span magic = SPAN_LITERAL(BUNDLE_MAGIC);

	if (rest.size < magic.size)
		magic.size = rest.size;
	return rest.size > 0 && memcmp(rest.data, magic.data, magic.size) == 0;
}

size_t invitation_file_size(struct span text, bool *ret_has_bundle)
{
	struct span rest = text;

	*ret_has_bundle = false;
	while (rest.size > 0) {
		const char *end = memchr(rest.data, '\n', rest.size);
		size_t size =
			end == NULL ? rest.size : (size_t)(end - rest.data) + 1;

		if (*ret_has_bundle && bundle_begins(rest))
			break;
		*ret_has_bundle =
			*ret_has_bundle || span_starts(rest, "# bundle");
		rest.data += size;
		rest.size -= size;
	}
	return text.size - rest.size;
}

void ask_file_write(struct writer *writer, const struct join_code *code,
		    const struct join_ask *ask)
{
	uint8_t bytes[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	struct writer inner;

	memset(&frame, 0, sizeof(frame));
	frame.type = JOIN_ASK;
	frame.number = code->number;
	frame.body.ask = *ask;
	key_of(code, key);
	writer_init(&inner, bytes, sizeof(bytes));
	join_write(&inner, &frame, key);
	ASSERT(writer_ok(&inner));
	armour_write(writer, ASK, ask_note,
		     (struct span){(const char *)bytes, inner.size});
	seal_wipe(key, sizeof(key));
}

enum armour_fault ask_file_read(struct span text, uint8_t *frame,
				size_t *ret_size, unsigned *ret_line)
{
	return armour_read(text, ASK, frame, ret_size, ret_line);
}
