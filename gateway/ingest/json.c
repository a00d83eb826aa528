#include "gateway/ingest/json.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <string.h>

#include "gateway/ingest/json_scan.h"

/* ---- cJSON behind the scan ---- */

/*
 * cJSON's hooks are one pair for the whole process, and several threads parse:
 * the hook looks up which document this thread is parsing. Nothing is ever
 * freed; the next parse begins at the front again.
 *
 * cJSON also notes its last error in a global, unguarded; nobody reads it.
 */
static _Thread_local struct json *parsing;
static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

#define NODE_ALIGN sizeof(void *)

static size_t rounded(size_t size)
{
	return (size + NODE_ALIGN - 1) & ~(NODE_ALIGN - 1);
}

static void *node_allocate(size_t size)
{
	struct json *json = parsing;
	void *node;

	ASSERT(json != NULL);
	if (rounded(size) > json->memory_size - json->memory_used)
		return NULL;
	node = json->memory + json->memory_used;
	json->memory_used += rounded(size);
	return node;
}

static void node_free(void *node)
{
	(void)node;
}

static void hooks_set(void)
{
	cJSON_Hooks hooks = {node_allocate, node_free};

	cJSON_InitHooks(&hooks);
}

void json_init(struct json *json, void *memory, size_t memory_size)
{
	ASSERT((uintptr_t)memory % NODE_ALIGN == 0);
	/* A whole number of places, so that rounding up stays inside. */
	memory_size -= memory_size % NODE_ALIGN;
	*json = (struct json){.memory = memory, .memory_size = memory_size};
	(void)pthread_once(&hooks_once, hooks_set); /* cannot fail */
}

static cJSON *tree_build(struct json *json, struct span text)
{
	cJSON *root;

	parsing = json;
	root = cJSON_ParseWithLengthOpts(text.data, text.size, NULL, 0);
	parsing = NULL;
	return root;
}

/* FNV-1a, folded to a bit of a set. */
static uint64_t key_bit(const char *key)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT32_C(16777619);
	return UINT64_C(1) << (hash >> 26);
}

static const cJSON *twin_before(const cJSON *first, const cJSON *member)
{
	for (; first != member; first = first->next)
		if (strcmp(first->string, member->string) == 0)
			return first;
	return NULL;
}

static enum err_code keys_check(const cJSON *object, struct fault *fault)
{
	uint64_t seen = 0;

	for (const cJSON *member = object->child; member != NULL;
	     member = member->next) {
		uint64_t bit = key_bit(member->string);

		/* Only keys that share a bit can be equal. */
		if ((seen & bit) != 0 &&
		    twin_before(object->child, member) != NULL)
			return json_fault((const struct json_value *)member,
					  FAULT_DUPLICATE_KEY, fault);
		seen |= bit;
	}
	return ERR_OK;
}

/* A number as it was written: what the values below are read from. */
static char *number_copy(struct json *json, struct span number)
{
	char *copy;

	parsing = json;
	copy = node_allocate(number.size + 1);
	parsing = NULL;
	if (copy != NULL) {
		memcpy(copy, number.data, number.size);
		copy[number.size] = '\0';
	}
	return copy;
}

/* What turns cJSON's tree into ours, node by node in the text's order. */
struct adoption {
	struct json *json;
	struct span text;
	const uint32_t *places; /* of the next node, and those after it */
	struct fault *fault;
};

/*
 * Gives each node its place and each number its text. They go where cJSON
 * keeps its own idea of a number, which is never used.
 */
static enum err_code adopt(struct adoption *adoption, cJSON *node)
{
	size_t at = *adoption->places++;
	enum err_code code = ERR_OK;

	node->valueint = (int)at;
	if (cJSON_IsNumber(node)) {
		struct span rest = {adoption->text.data + at - 1,
				    adoption->text.size - at + 1};

		node->valuestring =
			number_copy(adoption->json, json_number_run(rest));
		if (node->valuestring == NULL)
			return fault_set(adoption->fault, FAULT_TOO_MUCH);
	}
	for (cJSON *child = node->child; child != NULL && code == ERR_OK;
	     child = child->next)
		code = adopt(adoption, child);
	if (code == ERR_OK && cJSON_IsObject(node))
		code = keys_check(node, adoption->fault);
	return code;
}

enum err_code json_parse(struct json *json, struct span text,
			 struct fault *fault)
{
	uint32_t *places = (uint32_t *)(void *)json->memory;
	struct adoption adoption = {json, text, places, fault};
	size_t count;
	enum err_code code;
	cJSON *root;

	json->root = NULL;
	if (text.size > JSON_TEXT_SIZE_MAX)
		return fault_set(fault, FAULT_TOO_MUCH);
	code = json_scan(text, places, json->memory_size / sizeof(*places),
			 &count, fault);
	if (code != ERR_OK)
		return code;
	json->memory_used = rounded(count * sizeof(*places));
	root = tree_build(json, text);
	if (root == NULL)
		return fault_set(fault, FAULT_TOO_MUCH);
	code = adopt(&adoption, root);
	if (code == ERR_OK)
		json->root = (const struct json_value *)root;
	return code;
}

const struct json_value *json_root(const struct json *json)
{
	return json->root;
}

/* ---- the tree ---- */

static const cJSON *node_of(const struct json_value *value)
{
	ASSERT(value != NULL);
	return (const cJSON *)value;
}

static const struct json_value *value_of(const cJSON *node)
{
	return (const struct json_value *)node;
}

enum json_kind json_kind(const struct json_value *value)
{
	const cJSON *node = node_of(value);

	if (cJSON_IsObject(node))
		return JSON_OBJECT;
	if (cJSON_IsArray(node))
		return JSON_ARRAY;
	if (cJSON_IsString(node))
		return JSON_STRING;
	if (cJSON_IsNumber(node))
		return JSON_NUMBER;
	return cJSON_IsBool(node) ? JSON_BOOL : JSON_NULL;
}

const struct json_value *json_member(const struct json_value *object,
				     const char *name)
{
	const cJSON *node = node_of(object);

	if (!cJSON_IsObject(node))
		return NULL;
	for (node = node->child; node != NULL; node = node->next)
		if (strcmp(node->string, name) == 0)
			break;
	return value_of(node);
}

const struct json_value *json_first(const struct json_value *value)
{
	return value_of(node_of(value)->child);
}

const struct json_value *json_next(const struct json_value *value)
{
	return value_of(node_of(value)->next);
}

struct span json_key(const struct json_value *value)
{
	const char *key = node_of(value)->string;

	return span_of(key != NULL ? key : "");
}

/* ---- values ---- */

/* How @value reads in a sentence; @buffer holds what had to be made. */
static const char *as_written(const struct json_value *value, char *buffer,
			      size_t size)
{
	const cJSON *node = node_of(value);

	switch (json_kind(value)) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return cJSON_IsTrue(node) ? "true" : "false";
	case JSON_NUMBER:
		return node->valuestring;
	case JSON_STRING:
		(void)text_format(buffer, size, "\"%s\"", node->valuestring);
		return buffer;
	case JSON_ARRAY:
		return "[...]";
	case JSON_OBJECT:
		break;
	}
	return "{...}";
}

enum err_code json_fault(const struct json_value *value, enum fault_kind kind,
			 struct fault *fault)
{
	char buffer[FAULT_VALUE_SIZE];
	const char *key = node_of(value)->string;
	enum err_code code;

	if (key == NULL)
		key = ""; /* an entry of a list, or the root */
	else if (*key == '\0')
		key = "\"\"";
	code = fault_of(fault, kind, key,
			span_of(as_written(value, buffer, sizeof(buffer))));
	fault->at = (uint32_t)node_of(value)->valueint;
	return code;
}

/* Checks the kind; null has a sentence of its own. */
static enum err_code kind_check(const struct json_value *value,
				enum json_kind wanted,
				enum fault_kind otherwise, struct fault *fault)
{
	enum json_kind kind = json_kind(value);

	if (kind == wanted)
		return ERR_OK;
	return json_fault(value, kind == JSON_NULL ? FAULT_IS_NULL : otherwise,
			  fault);
}

static bool append_digit(int64_t *number, char digit, bool is_negative)
{
	int64_t units = digit - '0';

	return !__builtin_mul_overflow(*number, INT64_C(10), number) &&
	       !__builtin_add_overflow(*number, is_negative ? -units : units,
				       number);
}

/* How the digits of a number are to be read. */
struct scaling {
	unsigned decimals;         /* digits taken behind the point */
	bool is_exact;             /* the others must be 0 */
	enum fault_kind otherwise; /* if it is not written so */
};

static enum fault_kind number_scale(const char *text, struct scaling scaling,
				    int64_t *ret_number)
{
	bool is_negative = *text == '-';
	int64_t number = 0;

	for (text += is_negative ? 1 : 0; json_is_digit(*text); text++)
		if (!append_digit(&number, *text, is_negative))
			return FAULT_OUT_OF_RANGE;
	if (*text == '.')
		text++;
	for (; json_is_digit(*text); text++) {
		if (scaling.decimals > 0) {
			scaling.decimals--;
			if (!append_digit(&number, *text, is_negative))
				return FAULT_OUT_OF_RANGE;
		} else if (scaling.is_exact && *text != '0') {
			return scaling.otherwise;
		}
	}
	if (*text != '\0')
		return scaling.otherwise;
	for (; scaling.decimals > 0; scaling.decimals--)
		if (!append_digit(&number, '0', is_negative))
			return FAULT_OUT_OF_RANGE;
	*ret_number = number;
	return FAULT_NONE;
}

static enum err_code number_read(const struct json_value *value,
				 struct scaling scaling,
				 struct json_range range, int64_t *ret_number,
				 struct fault *fault)
{
	int64_t number = 0;
	int64_t one = 1;
	enum fault_kind kind;
	enum err_code code;

	for (unsigned i = 0; i < scaling.decimals; i++)
		one *= 10;
	ASSERT(range.low <= range.high && range.high >= 0);
	ASSERT(range.low >= INT64_MIN / one && range.high <= INT64_MAX / one);
	code = kind_check(value, JSON_NUMBER, scaling.otherwise, fault);
	if (code != ERR_OK)
		return code;
	kind = number_scale(node_of(value)->valuestring, scaling, &number);
	if (kind == FAULT_NONE &&
	    (number < range.low * one || number > range.high * one))
		kind = FAULT_OUT_OF_RANGE;
	if (kind != FAULT_NONE) {
		code = json_fault(value, kind, fault);
		fault->low = range.low;
		fault->high = (uint64_t)range.high;
		return code;
	}
	*ret_number = number;
	return ERR_OK;
}

enum err_code json_to_int(const struct json_value *value,
			  struct json_range range, int64_t *ret_int,
			  struct fault *fault)
{
	struct scaling whole = {0, true, FAULT_NOT_WHOLE};

	return number_read(value, whole, range, ret_int, fault);
}

enum err_code json_to_scaled(const struct json_value *value, unsigned decimals,
			     struct json_range range, int64_t *ret_scaled,
			     struct fault *fault)
{
	struct scaling scaling = {decimals, false, FAULT_NOT_NUMBER};

	ASSERT(decimals <= 9);
	return number_read(value, scaling, range, ret_scaled, fault);
}

/* True for digits, with or without a minus, that are only out of range. */
static bool is_whole(struct span text)
{
	if (text.size > 0 && text.data[0] == '-') {
		text.data++;
		text.size--;
	}
	if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (!json_is_digit(text.data[i]))
			return false;
	return true;
}

enum err_code json_to_id(const struct json_value *value, uint64_t low,
			 uint64_t *ret_id, struct fault *fault)
{
	enum json_kind kind = json_kind(value);
	struct span text;
	uint64_t id;
	enum err_code code;

	if (kind == JSON_NULL)
		return json_fault(value, FAULT_IS_NULL, fault);
	if (kind != JSON_NUMBER && kind != JSON_STRING)
		return json_fault(value, FAULT_NOT_ID, fault);
	text = span_of(node_of(value)->valuestring);
	if (!is_whole(text))
		return json_fault(value, FAULT_NOT_ID, fault);
	if (!span_to_u64(text, UINT64_MAX, &id) || id < low) {
		code = json_fault(value, FAULT_OUT_OF_RANGE, fault);
		fault->low = (int64_t)low;
		fault->high = UINT64_MAX;
		return code;
	}
	*ret_id = id;
	return ERR_OK;
}

enum err_code json_to_bool(const struct json_value *value, bool *ret_bool,
			   struct fault *fault)
{
	enum err_code code =
		kind_check(value, JSON_BOOL, FAULT_NOT_BOOL, fault);

	if (code == ERR_OK)
		*ret_bool = cJSON_IsTrue(node_of(value)) != 0;
	return code;
}

enum err_code json_to_text(const struct json_value *value,
			   struct span *ret_text, struct fault *fault)
{
	enum err_code code =
		kind_check(value, JSON_STRING, FAULT_NOT_TEXT, fault);

	if (code == ERR_OK)
		*ret_text = span_of(node_of(value)->valuestring);
	return code;
}

enum err_code json_to_moment(const struct json_value *value,
			     struct moment *ret_moment, struct fault *fault)
{
	enum err_code code =
		kind_check(value, JSON_STRING, FAULT_BAD_TIME, fault);

	if (code != ERR_OK)
		return code;
	if (!moment_parse(span_of(node_of(value)->valuestring), ret_moment))
		return json_fault(value, FAULT_BAD_TIME, fault);
	return ERR_OK;
}

enum err_code json_to_date(const struct json_value *value,
			   struct date *ret_date, struct fault *fault)
{
	enum err_code code =
		kind_check(value, JSON_STRING, FAULT_BAD_DATE, fault);

	if (code != ERR_OK)
		return code;
	if (!date_parse(span_of(node_of(value)->valuestring), ret_date))
		return json_fault(value, FAULT_BAD_DATE, fault);
	return ERR_OK;
}

enum err_code json_to_array(const struct json_value *value, struct fault *fault)
{
	return kind_check(value, JSON_ARRAY, FAULT_NOT_LIST, fault);
}

enum err_code json_to_object(const struct json_value *value,
			     struct fault *fault)
{
	return kind_check(value, JSON_OBJECT, FAULT_NOT_OBJECT, fault);
}

/* ---- members ---- */

static enum err_code member_find(const struct json_value *object,
				 const char *name,
				 const struct json_value **ret_value,
				 struct fault *fault)
{
	const struct json_value *value = json_member(object, name);

	if (value == NULL) {
		(void)fault_of(fault, FAULT_MISSING, name, span_of(""));
		return ERR_NOT_FOUND;
	}
	*ret_value = value;
	return ERR_OK;
}

enum err_code json_int(const struct json_value *object, const char *name,
		       struct json_range range, int64_t *ret_int,
		       struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code != ERR_OK)
		return code;
	return json_to_int(value, range, ret_int, fault);
}

enum err_code json_id(const struct json_value *object, const char *name,
		      uint64_t low, uint64_t *ret_id, struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code != ERR_OK)
		return code;
	return json_to_id(value, low, ret_id, fault);
}

enum err_code json_bool(const struct json_value *object, const char *name,
			bool *ret_bool, struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code != ERR_OK)
		return code;
	return json_to_bool(value, ret_bool, fault);
}

enum err_code json_text(const struct json_value *object, const char *name,
			struct span *ret_text, struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code != ERR_OK)
		return code;
	return json_to_text(value, ret_text, fault);
}

enum err_code json_moment(const struct json_value *object, const char *name,
			  struct moment *ret_moment, struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code != ERR_OK)
		return code;
	return json_to_moment(value, ret_moment, fault);
}

enum err_code json_array(const struct json_value *object, const char *name,
			 const struct json_value **ret_array,
			 struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code == ERR_OK)
		code = json_to_array(value, fault);
	if (code == ERR_OK)
		*ret_array = value;
	return code;
}

enum err_code json_object(const struct json_value *object, const char *name,
			  const struct json_value **ret_object,
			  struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = member_find(object, name, &value, fault);

	if (code == ERR_OK)
		code = json_to_object(value, fault);
	if (code == ERR_OK)
		*ret_object = value;
	return code;
}
