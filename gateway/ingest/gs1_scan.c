#include "gateway/ingest/gs1_scan.h"

#include <string.h>

#include "gateway/ingest/gs1_build.h"
#include "gateway/ingest/gs1_chars.h"
#include "gateway/ingest/gs1_key.h"
#include "gateway/ingest/gs1_link.h"

#define IDENTIFIER_SIZE 3

/* In front of a composite component that follows EAN-13 or EAN-8. */
#define COMPOSITE_MARK "|]e0"

struct identifier {
	char text[IDENTIFIER_SIZE];
	uint8_t carrier;
	uint8_t content;
	bool is_of_gs1; /* one of the ten of the General Specifications */
};

static const struct identifier identifiers[] = {
	{"C0", GS1_CARRIER_CODE128, GS1_CONTENT_PLAIN, false},
	{"C1", GS1_CARRIER_GS1_128, GS1_CONTENT_ELEMENTS, true},
	{"C2", GS1_CARRIER_CODE128, GS1_CONTENT_NONE, false},
	{"C4", GS1_CARRIER_CODE128, GS1_CONTENT_PLAIN, false},
	{"E0", GS1_CARRIER_EAN13, GS1_CONTENT_NUMBER, true},
	{"E4", GS1_CARRIER_EAN8, GS1_CONTENT_NUMBER, true},
	{"I0", GS1_CARRIER_ITF, GS1_CONTENT_NUMBER, false},
	{"I1", GS1_CARRIER_ITF, GS1_CONTENT_NUMBER, false},
	{"I3", GS1_CARRIER_ITF, GS1_CONTENT_NUMBER, false},
	{"J0", GS1_CARRIER_DOTCODE, GS1_CONTENT_PLAIN, true},
	{"J1", GS1_CARRIER_DOTCODE, GS1_CONTENT_ELEMENTS, true},
	{"Q0", GS1_CARRIER_QR, GS1_CONTENT_PLAIN, false},
	{"Q1", GS1_CARRIER_QR, GS1_CONTENT_PLAIN, true},
	{"Q2", GS1_CARRIER_QR, GS1_CONTENT_PLAIN, false},
	{"Q3", GS1_CARRIER_QR, GS1_CONTENT_ELEMENTS, true},
	{"Q4", GS1_CARRIER_QR, GS1_CONTENT_ELEMENTS, false},
	{"d0", GS1_CARRIER_DATA_MATRIX, GS1_CONTENT_PLAIN, false},
	{"d1", GS1_CARRIER_DATA_MATRIX, GS1_CONTENT_PLAIN, true},
	{"d2", GS1_CARRIER_DATA_MATRIX, GS1_CONTENT_ELEMENTS, true},
	{"d4", GS1_CARRIER_DATA_MATRIX, GS1_CONTENT_PLAIN, false},
	{"d5", GS1_CARRIER_DATA_MATRIX, GS1_CONTENT_ELEMENTS, false},
	{"e0", GS1_CARRIER_DATABAR, GS1_CONTENT_ELEMENTS, true},
};

/* Symbologies of ISO/IEC 15424 that carry plain text, whatever the modifier:
 * Code 39, Codabar, Code 93, PDF417, MaxiCode, Aztec ... */
#define PLAIN_SYMBOLOGIES "ABDFGHKLMNOPRSTUVXZcghopsz"

static const struct identifier *identifier_find(struct span text)
{
	static const struct identifier plain = {"", GS1_CARRIER_OTHER,
						GS1_CONTENT_PLAIN, false};
	static const struct identifier none = {"", GS1_CARRIER_UNKNOWN,
					       GS1_CONTENT_NONE, false};

	if (text.size < IDENTIFIER_SIZE || text.data[0] != ']' ||
	    !gs1_is_letter(text.data[1]) || !gs1_is_digit(text.data[2]))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(identifiers); i++)
		if (memcmp(identifiers[i].text, text.data + 1, 2) == 0)
			return &identifiers[i];
	return strchr(PLAIN_SYMBOLOGIES, text.data[1]) != NULL ? &plain : &none;
}

bool gs1_identifier_read(struct span text, enum gs1_carrier *ret_carrier,
			 enum gs1_content *ret_content)
{
	const struct identifier *identifier = identifier_find(text);

	if (identifier == NULL)
		return false;
	*ret_carrier = identifier->carrier;
	*ret_content = identifier->content;
	return true;
}

/* A number of @size digits with its check digit, and perhaps "|]e0" and a
 * composite component, which is a message of its own. */
static bool read_number(struct gs1_message *message, struct span text,
			size_t size, const struct gs1_options *options)
{
	struct span none = {NULL, 0};
	struct span number = {text.data, size};
	struct span rest;

	if (text.size < size)
		return gs1_build_fail(message, SCAN_BAD_LENGTH, none, text);
	rest = (struct span){text.data + size, text.size - size};
	if (rest.size > 0 && !span_starts(rest, COMPOSITE_MARK))
		return gs1_build_fail(message, SCAN_BAD_LENGTH, none, text);
	if (!gs1_is_digits(number))
		return gs1_build_fail(message, SCAN_BAD_CHARACTER, none,
				      number);
	if (!gs1_check_digit_fits(number))
		return gs1_build_fail(message, SCAN_BAD_CHECK_DIGIT, none,
				      number);
	if (!gs1_build_text(message, number))
		return false;
	if (rest.size == 0)
		return true;
	rest.data += strlen(COMPOSITE_MARK);
	rest.size -= strlen(COMPOSITE_MARK);
	return gs1_build_composite(message) &&
	       gs1_build_elements(message, rest, GS1_GS, options) &&
	       gs1_build_end(message, options);
}

static bool read_content(struct gs1_message *message,
			 const struct identifier *identifier, struct span text,
			 const struct gs1_options *options)
{
	switch ((enum gs1_content)identifier->content) {
	case GS1_CONTENT_NUMBER:
		return read_number(message, text,
				   identifier->carrier == GS1_CARRIER_EAN8 ? 8
									   : 13,
				   options);
	case GS1_CONTENT_ELEMENTS:
		return gs1_build_elements(message, text, GS1_GS, options) &&
		       gs1_build_end(message, options);
	case GS1_CONTENT_PLAIN:
		if (gs1_is_link(text))
			return gs1_link_read(text, options, message);
		return gs1_build_text(message, text);
	case GS1_CONTENT_NONE:
		break;
	}
	return false;
}

bool gs1_scan_read(struct span text, const struct gs1_options *options,
		   struct gs1_message *ret_message,
		   enum gs1_carrier *ret_carrier)
{
	const struct identifier *identifier = identifier_find(text);
	struct span none = {NULL, 0};

	gs1_build_begin(ret_message);
	if (identifier == NULL)
		return gs1_build_fail(ret_message, SCAN_NO_SYMBOLOGY, none,
				      text);
	if (!identifier->is_of_gs1)
		return gs1_build_fail(ret_message, SCAN_UNSUPPORTED_SYMBOLOGY,
				      none, text);
	text.data += IDENTIFIER_SIZE;
	text.size -= IDENTIFIER_SIZE;
	if (!read_content(ret_message, identifier, text, options))
		return false;
	*ret_carrier = identifier->carrier;
	return true;
}

const char *gs1_carrier_name(enum gs1_carrier carrier)
{
	static const char *const names[GS1_CARRIER_COUNT] = {
		[GS1_CARRIER_UNKNOWN] = "unknown",
		[GS1_CARRIER_EAN13] = "ean13",
		[GS1_CARRIER_EAN8] = "ean8",
		[GS1_CARRIER_UPCE] = "upce",
		[GS1_CARRIER_ITF] = "itf",
		[GS1_CARRIER_CODE128] = "code128",
		[GS1_CARRIER_GS1_128] = "gs1_128",
		[GS1_CARRIER_DATABAR] = "databar",
		[GS1_CARRIER_DATA_MATRIX] = "data_matrix",
		[GS1_CARRIER_QR] = "qr",
		[GS1_CARRIER_DOTCODE] = "dotcode",
		[GS1_CARRIER_OTHER] = "other",
	};

	return names[carrier];
}

/* The first that occurs in a device's name wins. */
static const struct {
	const char *part;
	uint8_t carrier;
	bool has_fnc1;
} carrier_names[] = {
	{"gs1128", GS1_CARRIER_GS1_128, true},
	{"ean128", GS1_CARRIER_GS1_128, true},
	{"ucc128", GS1_CARRIER_GS1_128, true},
	{"gs1datamatrix", GS1_CARRIER_DATA_MATRIX, true},
	{"gs1qr", GS1_CARRIER_QR, true},
	{"gs1dotcode", GS1_CARRIER_DOTCODE, true},
	{"databar", GS1_CARRIER_DATABAR, true},
	{"ean13", GS1_CARRIER_EAN13, false},
	{"upce", GS1_CARRIER_UPCE, false},
	{"upc", GS1_CARRIER_EAN13, false},
	{"ean8", GS1_CARRIER_EAN8, false},
	{"itf", GS1_CARRIER_ITF, false},
	{"interleaved", GS1_CARRIER_ITF, false},
	{"code128", GS1_CARRIER_CODE128, false},
	{"datamatrix", GS1_CARRIER_DATA_MATRIX, false},
	{"qr", GS1_CARRIER_QR, false},
	{"dotcode", GS1_CARRIER_DOTCODE, false},
};

enum gs1_carrier gs1_carrier_named(struct span name, bool *ret_has_fnc1)
{
	char plain[40];
	size_t size = 0;

	for (size_t i = 0; i < name.size && size < sizeof(plain) - 1; i++) {
		char c = name.data[i];

		if (c >= 'A' && c <= 'Z')
			plain[size++] = (char)(c - 'A' + 'a');
		else if (gs1_is_letter(c) || gs1_is_digit(c))
			plain[size++] = c;
	}
	plain[size] = '\0';
	*ret_has_fnc1 = false;
	for (size_t i = 0; i < ARRAY_LEN(carrier_names); i++)
		if (strstr(plain, carrier_names[i].part) != NULL) {
			*ret_has_fnc1 = carrier_names[i].has_fnc1;
			return carrier_names[i].carrier;
		}
	return GS1_CARRIER_UNKNOWN;
}
