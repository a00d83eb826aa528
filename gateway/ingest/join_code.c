#include "gateway/ingest/join_code.h"

#include <stdio.h>
#include <string.h>

#include "gateway/ingest/crockford.h"

#define PREFIX JOIN_CODE_PREFIX
#define NUMBER_SYMBOLS 4
#define SECRET_SYMBOLS 16
#define SYMBOLS (NUMBER_SYMBOLS + SECRET_SYMBOLS)
#define GROUP 4
#define BITS CROCKFORD_BITS

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* ---- reading ---- */

static struct span prefix_skip(struct span text)
{
	size_t i = 0;

	while (text.size > 0 && crockford_is_filler(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (i < text.size && PREFIX[i] != '\0' &&
	       upper(text.data[i]) == PREFIX[i])
		i++;
	if (PREFIX[i] == '\0') {
		text.data += i;
		text.size -= i;
	}
	return text;
}

/* Takes the symbols and the check symbol off the front of @text. */
static enum join_code_fault values_take(struct span *text, uint8_t *values)
{
	size_t count = 0;
	size_t i = 0;

	for (; i < text->size && text->data[i] != '/'; i++) {
		uint8_t value;

		if (crockford_is_filler(text->data[i]))
			continue;
		value = crockford_value(text->data[i]);
		if (value == CROCKFORD_NONE ||
		    (value >= CROCKFORD_PLAIN && count != SYMBOLS))
			return count > SYMBOLS ? JOIN_CODE_LONG
					       : JOIN_CODE_SYMBOL;
		if (count > SYMBOLS)
			return JOIN_CODE_LONG;
		values[count++] = value;
	}
	text->data += i;
	text->size -= i;
	if (count == 0)
		return JOIN_CODE_EMPTY;
	if (count <= SYMBOLS)
		return JOIN_CODE_SHORT;
	return crockford_check(values, SYMBOLS) == values[SYMBOLS]
		       ? JOIN_CODE_SOUND
		       : JOIN_CODE_CHECK;
}

static bool host_symbol(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-';
}

/* "/HOST:PORT", blanks behind it. */
static bool host_take(struct span text, struct join_host *ret_host)
{
	char buffer[JOIN_HOST_SIZE_MAX];
	size_t size = 0;
	const char *colon;
	uint64_t port;

	for (size_t i = 1; i < text.size; i++) {
		if (crockford_is_filler(text.data[i]) && text.data[i] != '-')
			continue;
		if (size == sizeof(buffer))
			return false;
		buffer[size++] = upper(text.data[i]);
	}
	colon = memchr(buffer, ':', size);
	if (colon == NULL || colon == buffer)
		return false;
	for (const char *c = buffer; c < colon; c++)
		if (!host_symbol(*c))
			return false;
	size -= (size_t)(colon + 1 - buffer);
	if (!span_to_u64((struct span){colon + 1, size}, UINT16_MAX, &port) ||
	    port == 0)
		return false;
	size += (size_t)(colon + 1 - buffer);
	return join_host_set(ret_host, (struct span){buffer, size});
}

static void values_spread(const uint8_t values[SYMBOLS], struct join_code *code)
{
	unsigned bits = 0;
	unsigned held = 0;
	size_t size = 0;

	for (size_t i = 0; i < NUMBER_SYMBOLS; i++)
		code->number = code->number << BITS | values[i];
	for (size_t i = NUMBER_SYMBOLS; i < SYMBOLS; i++) {
		held = held << BITS | values[i];
		bits += BITS;
		if (bits < 8)
			continue;
		bits -= 8;
		code->secret[size++] = (uint8_t)(held >> bits);
		held &= (1u << bits) - 1;
	}
}

enum join_code_fault join_code_parse(struct span text,
				     struct join_code *ret_code)
{
	struct join_code code = {0};
	uint8_t values[SYMBOLS + 1];
	enum join_code_fault fault;

	text = prefix_skip(text);
	fault = values_take(&text, values);
	if (fault != JOIN_CODE_SOUND)
		return fault;
	values_spread(values, &code);
	if (code.number == 0)
		return JOIN_CODE_CHECK;
	if (text.size > 0 && !host_take(text, &code.host))
		return JOIN_CODE_HOST;
	*ret_code = code;
	return JOIN_CODE_SOUND;
}

/* ---- writing ---- */

static void values_gather(const struct join_code *code, uint8_t values[SYMBOLS])
{
	unsigned bits = 0;
	unsigned held = 0;
	size_t count = NUMBER_SYMBOLS;

	for (unsigned i = 0; i < NUMBER_SYMBOLS; i++)
		values[i] = (uint8_t)(code->number >>
					      BITS * (NUMBER_SYMBOLS - 1 - i) &
				      31u);
	for (size_t i = 0; i < JOIN_SECRET_SIZE; i++) {
		held = held << 8 | code->secret[i];
		bits += 8;
		while (bits >= BITS) {
			bits -= BITS;
			values[count++] = (uint8_t)(held >> bits & 31u);
		}
		held &= (1u << bits) - 1;
	}
	ASSERT(count == SYMBOLS && bits == 0);
}

void join_code_write(const struct join_code *code, char *text)
{
	uint8_t values[SYMBOLS];
	char grouped[SYMBOLS + SYMBOLS / GROUP + 2];
	size_t size = 0;
	bool fits;

	ASSERT(code->number >= 1 && code->number <= JOIN_NUMBER_MAX);
	values_gather(code, values);
	for (size_t i = 0; i < SYMBOLS; i++) {
		grouped[size++] = crockford_symbol(values[i]);
		if (i % GROUP == GROUP - 1)
			grouped[size++] = '-';
	}
	grouped[size++] = crockford_symbol(crockford_check(values, SYMBOLS));
	grouped[size] = '\0';
	fits = text_format(text, JOIN_CODE_SIZE_MAX + 1, PREFIX "%s%s%.*s",
			   grouped, code->host.size > 0 ? "/" : "",
			   (int)code->host.size, code->host.data);
	ASSERT(fits);
}

bool join_code_is_same(const struct join_code *a, const struct join_code *b)
{
	return a->number == b->number &&
	       memcmp(a->secret, b->secret, JOIN_SECRET_SIZE) == 0;
}

/* ---- sentences ---- */

static const struct {
	const char *en;
	const char *zh;
} sentences[] = {
	[JOIN_CODE_SOUND] = {"the code is whole", "加入码完整"},
	[JOIN_CODE_EMPTY] =
		{"there is no join code: scan the QR code of the join sheet, "
		 "or type the line below it",
		 "没有加入码：请扫描加入单上的二维码，或输入其下方的一行"},
	[JOIN_CODE_SHORT] =
		{"the join code is too short: it has 21 letters and digits, "
		 "the dashes not counted",
		 "加入码太短：不计连字符应有 21 个字母和数字"},
	[JOIN_CODE_LONG] =
		{"the join code is too long: it has 21 letters and digits, "
		 "the dashes not counted",
		 "加入码太长：不计连字符应有 21 个字母和数字"},
	[JOIN_CODE_SYMBOL] =
		{"a character of the join code cannot be: compare it with the "
		 "sheet",
		 "加入码中有不可能出现的字符：请与加入单核对"},
	[JOIN_CODE_CHECK] =
		{"the join code is mistyped: compare it with the sheet, one "
		 "group after the other",
		 "加入码输入有误：请与加入单逐组核对"},
	[JOIN_CODE_HOST] =
		{"what follows the \"/\" of the join code is not HOST:PORT",
		 "加入码中“/”后面的部分不是“主机:端口”"},
};

const char *join_code_fault_text(enum join_code_fault fault, bool is_chinese)
{
	ASSERT((size_t)fault < ARRAY_LEN(sentences));
	return is_chinese ? sentences[fault].zh : sentences[fault].en;
}
