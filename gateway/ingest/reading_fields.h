/*
 * reading_fields - what the kinds of readings share in taking their fields.
 *
 * Layer     gateway/ingest; for reading*.c only
 * Threads   any
 */
#ifndef DEPOT_GATEWAY_INGEST_READING_FIELDS_H
#define DEPOT_GATEWAY_INGEST_READING_FIELDS_H

#include "gateway/ingest/reading.h"

/*
 * Takes @value, a member of the payload, into @reading. ERR_INVALID: *@fault
 * tells what is wrong with it.
 */
typedef enum err_code reading_take_fn(struct reading *reading,
				      const struct json_value *value,
				      struct fault *fault);

struct reading_field {
	struct span name;
	reading_take_fn *take;
};

/* Sized by the compiler: a strlen a field and member was a third of the time
 * that a reading takes beyond its JSON. */
#define READING_FIELD(name, take)                  \
	{                                          \
		{(name), sizeof(name) - 1}, (take) \
	}

/* Takes every member of @root that the @count @fields know, in the order of
 * the payload, up to the first that is wrong; the others are ignored. */
MUST_CHECK enum err_code reading_take_fields(struct reading *reading,
					     const struct json_value *root,
					     const struct reading_field *fields,
					     size_t count, struct fault *fault);

/* "at", in every kind. */
reading_take_fn reading_take_at;

/* A string that is not empty and has no control characters; borrowed. */
MUST_CHECK enum err_code reading_text(const struct json_value *value,
				      struct span *ret_text,
				      struct fault *fault);

/* The name of a place: one that place_bin() may be given. */
MUST_CHECK enum err_code reading_place(const struct json_value *value,
				       struct place_name *ret_name,
				       struct fault *fault);

/* Faults: of @field that is missing; of one (or "", the message) that has
 * @size where @max is most; the same for a member. All return ERR_INVALID. */
enum err_code reading_missing(const char *field, struct fault *fault);
enum err_code reading_size_fault(enum fault_kind kind, const char *field,
				 size_t size, size_t max, struct fault *fault);
enum err_code reading_too_long(const struct json_value *value, size_t size,
			       size_t max, struct fault *fault);

/* The kinds. reading_bare takes a payload that is no JSON. */
MUST_CHECK enum err_code reading_scan(struct reading *reading,
				      const struct json_value *root,
				      struct fault *fault);
MUST_CHECK enum err_code reading_bare(struct reading *reading, struct span text,
				      struct fault *fault);
MUST_CHECK enum err_code reading_shelf(struct reading *reading,
				       const struct json_value *root,
				       struct fault *fault);
MUST_CHECK enum err_code reading_rfid(struct reading *reading,
				      const struct json_value *root,
				      struct fault *fault);

#endif
