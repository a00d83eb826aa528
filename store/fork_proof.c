/*
 * The bytes of a fork's proof: two signed headers, what both share said once.
 */
#include <string.h>

#include "store/feed_parts.h"

#define PROOF_VERSION 1

/* Fields that both headers share are there once. */
#define SAME_PREVIOUS 1u
#define SAME_BOOT 2u
#define SAME_CONTROL 4u
#define SAME_NEEDS 8u
#define SAME_FIRST 16u
#define SAME_KNOWN 31u

static bool needs_equal(const struct delta_header *a,
			const struct delta_header *b)
{
	if (a->need_count != b->need_count)
		return false;
	for (size_t i = 0; i < a->need_count; i++)
		if (a->needs[i].site != b->needs[i].site ||
		    a->needs[i].epoch != b->needs[i].epoch ||
		    a->needs[i].seq != b->needs[i].seq)
			return false;
	return true;
}

static unsigned same_of(const struct delta_header *a,
			const struct delta_header *b)
{
	unsigned same = 0;

	if (memcmp(a->previous, b->previous, HASH_SIZE) == 0)
		same |= SAME_PREVIOUS;
	if (a->boot == b->boot)
		same |= SAME_BOOT;
	if (a->control.value == b->control.value)
		same |= SAME_CONTROL;
	if (needs_equal(a, b))
		same |= SAME_NEEDS;
	if (a->first == b->first)
		same |= SAME_FIRST;
	return same;
}

/* The fields of @header but those in @left_out. */
static void half_write(struct writer *writer, const struct delta_header *header,
		       unsigned left_out)
{
	if ((left_out & SAME_PREVIOUS) == 0)
		write_raw(writer, header->previous, HASH_SIZE);
	if ((left_out & SAME_BOOT) == 0)
		write_u64(writer, header->boot);
	if ((left_out & SAME_CONTROL) == 0) {
		write_varint(writer, pos_epoch(header->control));
		write_varint(writer, pos_number(header->control));
	}
	if ((left_out & SAME_NEEDS) == 0) {
		write_varint(writer, header->need_count);
		for (size_t i = 0; i < header->need_count; i++) {
			write_varint(writer, header->needs[i].site);
			write_varint(writer, header->needs[i].epoch);
			write_varint(writer, header->needs[i].seq);
		}
	}
	if ((left_out & SAME_FIRST) == 0)
		write_varint(writer, header->first);
	write_u64(writer, header->stamp.value);
	write_varint(writer, header->flags);
	write_varint(writer, header->rules);
	write_varint(writer, header->row_count);
	write_varint(writer, header->rows_size);
	write_raw(writer, header->rows_hash, HASH_SIZE);
}

void fork_proof_write(struct writer *writer, const struct fork_proof *proof)
{
	unsigned same = same_of(&proof->first, &proof->second);

	write_u8(writer, PROOF_VERSION);
	write_u8(writer, (uint8_t)same);
	write_varint(writer, proof->first.site);
	write_varint(writer, proof->first.epoch);
	write_varint(writer, proof->first.seq);
	half_write(writer, &proof->first, 0);
	half_write(writer, &proof->second, same);
	write_raw(writer, proof->first_signature, SIGNATURE_SIZE);
	write_raw(writer, proof->second_signature, SIGNATURE_SIZE);
}

static uint32_t read_word(struct reader *reader)
{
	uint64_t value = read_varint(reader);

	if (value > UINT32_MAX)
		reader->has_failed = true;
	return (uint32_t)value;
}

static void read_copy(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static void control_read(struct reader *reader, struct delta_header *header)
{
	uint64_t epoch = read_varint(reader);
	uint64_t number = read_varint(reader);

	if (epoch > EPOCH_MAX || number > POS_NUMBER_MAX)
		reader->has_failed = true;
	else
		header->control = pos_make((uint32_t)epoch, number);
}

static void needs_read(struct reader *reader, struct delta_header *header)
{
	uint64_t count = read_varint(reader);

	if (count > DELTA_NEEDS_MAX) {
		reader->has_failed = true;
		return;
	}
	memset(header->needs, 0, sizeof(header->needs));
	header->need_count = (uint8_t)count;
	for (size_t i = 0; i < header->need_count; i++) {
		header->needs[i].site = read_word(reader);
		header->needs[i].epoch = read_word(reader);
		header->needs[i].seq = read_varint(reader);
	}
}

static void half_read(struct reader *reader, struct delta_header *header,
		      unsigned left_out)
{
	if ((left_out & SAME_PREVIOUS) == 0)
		read_copy(reader, header->previous, HASH_SIZE);
	if ((left_out & SAME_BOOT) == 0)
		header->boot = read_u64(reader);
	if ((left_out & SAME_CONTROL) == 0)
		control_read(reader, header);
	if ((left_out & SAME_NEEDS) == 0)
		needs_read(reader, header);
	if ((left_out & SAME_FIRST) == 0)
		header->first = read_varint(reader);
	header->stamp.value = read_u64(reader);
	header->flags = read_word(reader);
	header->rules = read_word(reader);
	header->row_count = read_word(reader);
	header->rows_size = read_word(reader);
	read_copy(reader, header->rows_hash, HASH_SIZE);
}

enum err_code fork_proof_read(struct reader *reader,
			      struct fork_proof *ret_proof)
{
	struct fork_proof proof = {.first = {.site = 0}};
	uint8_t version = read_u8(reader);
	unsigned same = read_u8(reader);

	if (reader_ok(reader) && version > PROOF_VERSION)
		return ERR_VERSION;
	proof.first.site = read_word(reader);
	proof.first.epoch = read_word(reader);
	proof.first.seq = read_varint(reader);
	half_read(reader, &proof.first, 0);
	proof.second = proof.first;
	half_read(reader, &proof.second, same);
	read_copy(reader, proof.first_signature, SIGNATURE_SIZE);
	read_copy(reader, proof.second_signature, SIGNATURE_SIZE);
	if (!reader_ok(reader) || version == 0 || (same & ~SAME_KNOWN) != 0 ||
	    same != same_of(&proof.first, &proof.second) ||
	    !delta_header_is_sound(&proof.first) ||
	    !delta_header_is_sound(&proof.second))
		return ERR_CORRUPT;
	*ret_proof = proof;
	return ERR_OK;
}

bool fork_proof_verify(const uint8_t public_key[KEY_PUBLIC_SIZE],
		       const uint8_t net_id[NET_ID_SIZE],
		       const struct fork_proof *proof)
{
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];

	if (!delta_header_is_sound(&proof->first) ||
	    !delta_header_is_sound(&proof->second) ||
	    proof->first.site != proof->second.site ||
	    proof->first.epoch != proof->second.epoch ||
	    proof->first.seq != proof->second.seq)
		return false;
	delta_hash(net_id, &proof->first, first);
	delta_hash(net_id, &proof->second, second);
	return memcmp(first, second, HASH_SIZE) < 0 &&
	       delta_verify(public_key, net_id, &proof->first,
			    proof->first_signature) &&
	       delta_verify(public_key, net_id, &proof->second,
			    proof->second_signature);
}
