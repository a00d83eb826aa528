/*
 * intern - numbers for keys, in memory.
 *
 * Layer     store
 * Threads   one at a time
 *
 * Gives each different key the next number, from 0, so that what belongs to
 * it can lie in plain arrays. Grows as it must: for programs that come and go
 * (an audit), not for the keeper. struct dense takes keys of 64 bits, struct
 * intern takes byte strings.
 */
#ifndef DEPOT_STORE_INTERN_H
#define DEPOT_STORE_INTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"
#include "rules/base/text.h"

struct dense_slot {
	uint64_t key;
	uint64_t number; /* plus 1; 0: free */
};

/* All zero is an empty one. */
struct dense {
	uint64_t *keys; /* by number */
	size_t keys_capacity;
	struct dense_slot *slots;
	size_t slots_capacity; /* a power of two */
	uint32_t count;
};

/* Takes an empty one. */
void dense_release(struct dense *dense);
/* The number of @key, the next one if it is new. ERR_FULL: no memory. */
MUST_CHECK enum err_code dense_add(struct dense *dense, uint64_t key,
				   uint32_t *ret_number);
/* False if @key was never added. */
MUST_CHECK bool dense_find(const struct dense *dense, uint64_t key,
			   uint32_t *ret_number);

/* All zero is an empty one. */
struct intern {
	struct dense hashes; /* of the keys; a taken one gives way upwards */
	char *pool;          /* the keys, one behind the other */
	uint64_t *ends;      /* where each key's bytes end in it */
	size_t pool_capacity;
	size_t ends_capacity;
	uint32_t count;
};

/* Takes an empty one. */
void intern_release(struct intern *intern);
/* The number of @key, which is copied if it is new. ERR_FULL: no memory. */
MUST_CHECK enum err_code intern_add(struct intern *intern, struct span key,
				    uint32_t *ret_number);
/* False if @key was never added. */
MUST_CHECK bool intern_find(const struct intern *intern, struct span key,
			    uint32_t *ret_number);
/* The key behind @number, below the count. Valid until the next intern_add. */
struct span intern_key(const struct intern *intern, uint32_t number);

/*
 * Makes the array *@array, whose members have @size bytes, long enough for
 * @count members, doubling; new ones are zero. ERR_FULL: no memory.
 */
MUST_CHECK enum err_code array_reserve(void **array, size_t *capacity,
				       size_t count, size_t size);

#endif
