#include "gateway/ingest/csv_text.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";

/* How .xlsx, .ods and any other ZIP file begin, and .xls. */
static const char *const containers[] = {"PK\x03\x04", "\xd0\xcf\x11\xe0"};

/* The line, from 1, in which byte @at of @text stands. */
static uint32_t line_of(struct span text, size_t at)
{
	uint32_t line = 1;

	for (size_t i = 0; i < at; i++) {
		if (text.data[i] == '\n')
			line++;
		else if (text.data[i] == '\r' &&
			 (i + 1 == text.size || text.data[i + 1] != '\n'))
			line++;
	}
	return line;
}

static enum err_code encoding_fault(struct span text, size_t at,
				    enum fault_kind kind, struct fault *fault)
{
	enum err_code code = fault_set(fault, kind);

	fault->line = line_of(text, at);
	return code;
}

/* How much of a text is UTF-8. */
struct utf8_share {
	size_t wide;   /* characters of three bytes or more: Chinese is */
	size_t bad;    /* bytes that are not part of any */
	size_t bad_at; /* the first of them */
};

static struct utf8_share utf8_share_of(struct span text)
{
	struct utf8_share share = {0};
	size_t at = 0;

	while (at < text.size) {
		size_t size = utf8_first_size(
			(struct span){text.data + at, text.size - at});

		if (size == 0 && share.bad++ == 0)
			share.bad_at = at;
		if (size >= 3)
			share.wide++;
		at += size == 0 ? 1 : size;
	}
	return share;
}

/* Room for @file as UTF-8: two bytes of GB18030 become three at most, and
 * four stay four. */
static size_t decoded_size_max(size_t size)
{
	return size + size / 2;
}

/*
 * Decodes all of @from, or sets *@ret_at to the first byte that is not
 * GB18030. False also where the system has no such decoder.
 */
static bool gb18030_decode(char *from, size_t from_size, struct csv_text *to,
			   size_t *ret_at)
{
	iconv_t decoder = iconv_open("UTF-8", "GB18030");
	size_t capacity = decoded_size_max(from_size);
	size_t left = from_size;
	size_t room = capacity;
	char *out = to->data;
	size_t result;

	*ret_at = 0;
	if (decoder == (iconv_t)-1)
		return false;
	result = iconv(decoder, &from, &left, &out, &room);
	if (result != (size_t)-1)
		result = iconv(decoder, NULL, NULL, &out, &room);
	(void)iconv_close(decoder); /* nothing can be done about it */
	*ret_at = from_size - left;
	to->size = capacity - room;
	return result != (size_t)-1;
}

static char *copy_of(struct span file, size_t capacity)
{
	char *copy = malloc(capacity == 0 ? 1 : capacity);

	if (copy != NULL && file.size > 0)
		memcpy(copy, file.data, file.size);
	return copy;
}

static enum err_code decode_utf8(struct span file, struct csv_text *ret_text)
{
	char *data = copy_of(file, file.size);

	if (data == NULL)
		return ERR_FULL;
	*ret_text = (struct csv_text){
		.data = data, .size = file.size, .encoding = CSV_UTF8};
	return ERR_OK;
}

static enum err_code decode_gb18030(struct span file, struct csv_text *ret_text,
				    struct fault *fault)
{
	struct csv_text text = {.encoding = CSV_GB18030};
	char *from = copy_of(file, file.size);
	enum err_code code = ERR_OK;
	size_t at;

	text.data = malloc(decoded_size_max(file.size));
	if (from == NULL || text.data == NULL)
		code = ERR_FULL;
	else if (!gb18030_decode(from, file.size, &text, &at))
		code = encoding_fault(file, at, FAULT_ENCODING, fault);
	free(from);
	if (code != ERR_OK) {
		free(text.data);
		return code;
	}
	*ret_text = text;
	return ERR_OK;
}

enum err_code csv_decode(struct span file, struct csv_text *ret_text,
			 struct fault *fault)
{
	const char *nul =
		file.size == 0 ? NULL : memchr(file.data, '\0', file.size);
	struct utf8_share share;
	struct csv_text text;
	enum err_code code;

	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		if (span_starts(file, containers[i]))
			return fault_set(fault, FAULT_SPREADSHEET);
	if (nul != NULL)
		return encoding_fault(file, (size_t)(nul - file.data),
				      FAULT_ENCODING_NUL, fault);
	share = utf8_share_of(file);
	if (share.bad == 0)
		code = decode_utf8(file, &text);
	else if (share.wide >= share.bad || span_starts(file, byte_order_mark))
		code = encoding_fault(file, share.bad_at, FAULT_ENCODING,
				      fault);
	else
		code = decode_gb18030(file, &text, fault);
	if (code != ERR_OK)
		return code;
	if (span_starts((struct span){text.data, text.size}, byte_order_mark))
		text.at = sizeof(byte_order_mark) - 1;
	*ret_text = text;
	return ERR_OK;
}
