#include "store/observation.h"

#include "store/row.h"

/* Kinds of rows. The two indexes hold the spot of an observation. */
#define ROW_OBSERVATION 1 /* at, number */
#define ROW_LATEST 2      /* what, bin */
#define ROW_TAG 3         /* device, antenna, EPC: the last row of a tag */

#define OBSERVATION_ROW_SIZE_MAX \
	(PLACE_NAME_SIZE_MAX + REF_SIZE_MAX + 64 + ROW_CHECKSUM_SIZE)

/* Where an observation lies: when it began, and the how many-eth it is of
 * that millisecond. */
struct spot {
	uint64_t at;
	uint32_t number;
};

static bool spot_is_after(struct spot a, struct spot b)
{
	return a.at > b.at || (a.at == b.at && a.number > b.number);
}

static bool spot_equal(struct spot a, struct spot b)
{
	return a.at == b.at && a.number == b.number;
}

static struct key moment_key(uint64_t at)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ROW_OBSERVATION);
	key_add_u64(&key, at);
	return key;
}

static struct key spot_key(struct spot spot)
{
	struct key key = moment_key(spot.at);

	key_add_u32(&key, spot.number);
	return key;
}

static enum err_code spot_read(struct span key, struct spot *ret_spot,
			       struct err *err)
{
	struct reader reader;
	struct spot spot;

	reader_init(&reader, key.data, key.size);
	(void)read_u8(&reader); /* the kind: the prefix by which it was found */
	spot.at = read_u64(&reader);
	spot.number = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_OBSERVATION, err);
	*ret_spot = spot;
	return ERR_OK;
}

static struct key latest_key(struct span bin, enum observed what)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ROW_LATEST);
	key_add_u8(&key, (uint8_t)what);
	key_add_text(&key, bin);
	return key;
}

static struct key tag_key(const struct observation *observation)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ROW_TAG);
	key_add_u32(&key, observation->device.value);
	key_add_u8(&key, observation->antenna);
	key_add_text(&key, ref_span(&observation->epc));
	return key;
}

/* ---- rows ---- */

static enum err_code observation_put(struct txn *txn, struct spot spot,
				     const struct observation *observation,
				     struct err *err)
{
	struct key key = spot_key(spot);
	uint8_t buffer[OBSERVATION_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, observation->until.ms - observation->at.ms);
	write_varint(&writer, observation->device.value);
	write_u8(&writer, (uint8_t)observation->what);
	write_span(&writer, place_name_span(&observation->bin));
	write_signed(&writer, observation->value);
	write_varint(&writer, observation->count);
	write_u8(&writer, observation->antenna);
	write_u8(&writer, observation->is_stable);
	write_span(&writer, ref_span(&observation->epc));
	return row_put(txn, TABLE_OBSERVATION, key_span(&key), &writer, err);
}

static enum err_code observation_read(struct reader *reader, struct spot spot,
				      struct observation *ret_observation,
				      struct err *err)
{
	struct observation seen = {.at = {(int64_t)spot.at}};
	int64_t stayed = read_signed(reader);
	uint64_t device = read_varint(reader);
	uint8_t what = read_u8(reader);
	struct span bin = read_span(reader, PLACE_NAME_SIZE_MAX);
	uint64_t count;
	uint8_t stable;

	seen.value = read_signed(reader);
	count = read_varint(reader);
	seen.antenna = read_u8(reader);
	stable = read_u8(reader);
	if (!ref_set(&seen.epc, read_span(reader, REF_SIZE_MAX)) ||
	    !place_name_set(&seen.bin, bin) || !reader_done(reader) ||
	    spot.at > MOMENT_MS_MAX || stayed < -MOMENT_MS_MAX ||
	    stayed > MOMENT_MS_MAX || device > UINT32_MAX || what < 1 ||
	    what > OBSERVED_MAX || count > UINT32_MAX || stable > 1)
		return row_garbled(TABLE_OBSERVATION, err);
	seen.until.ms = seen.at.ms + stayed;
	seen.device.value = (uint32_t)device;
	seen.what = (enum observed)what;
	seen.count = (uint32_t)count;
	seen.is_stable = stable == 1;
	*ret_observation = seen;
	return ERR_OK;
}

/* The row that an index names, which must be there. */
static enum err_code observation_get(const struct view *view, struct spot spot,
				     struct observation *ret_observation,
				     struct err *err)
{
	struct key key = spot_key(spot);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_OBSERVATION, key_span(&key), &reader, err);

	if (code == ERR_NOT_FOUND)
		return row_garbled(TABLE_OBSERVATION, err);
	if (code != ERR_OK)
		return code;
	return observation_read(&reader, spot, ret_observation, err);
}

/* ---- indexes ---- */

static enum err_code index_get(const struct view *view, const struct key *key,
			       struct spot *ret_spot, struct err *err)
{
	struct reader reader;
	struct spot spot;
	enum err_code code =
		row_get(view, TABLE_OBSERVATION, key_span(key), &reader, err);

	if (code != ERR_OK)
		return code;
	spot.at = read_u64(&reader);
	spot.number = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_OBSERVATION, err);
	*ret_spot = spot;
	return ERR_OK;
}

/* Lets the index name @spot, unless it names a later one. */
static enum err_code index_note(struct txn *txn, const struct key *key,
				struct spot spot, struct err *err)
{
	uint8_t buffer[12 + ROW_CHECKSUM_SIZE];
	struct writer writer;
	struct spot before;
	enum err_code code = index_get(txn_view(txn), key, &before, err);

	if (code == ERR_OK && spot_is_after(before, spot))
		return ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_u64(&writer, spot.at);
	write_u32(&writer, spot.number);
	return row_put(txn, TABLE_OBSERVATION, key_span(key), &writer, err);
}

/* Removes the index's row if @spot is what it names. */
static enum err_code index_drop(struct txn *txn, const struct key *key,
				struct spot spot, struct err *err)
{
	struct spot named;
	enum err_code code = index_get(txn_view(txn), key, &named, err);

	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK && !spot_equal(named, spot)))
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	return txn_delete(txn, TABLE_OBSERVATION, key_span(key), err);
}

enum err_code observation_latest(const struct view *view, struct span bin,
				 enum observed what,
				 struct observation *ret_observation,
				 struct err *err)
{
	struct spot spot;
	struct key key;
	enum err_code code;

	if (bin.size > PLACE_NAME_SIZE_MAX)
		return ERR_NOT_FOUND;
	key = latest_key(bin, what);
	code = index_get(view, &key, &spot, err);
	if (code != ERR_OK)
		return code;
	return observation_get(view, spot, ret_observation, err);
}

/* ---- walking ---- */

struct walk {
	observation_visit_fn *visit;
	void *context;
};

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct walk *walk = context;
	struct observation seen;
	struct reader reader;
	struct spot spot;
	enum err_code code = spot_read(key, &spot, err);

	if (code == ERR_OK)
		code = row_open(TABLE_OBSERVATION, key, value, &reader, err);
	if (code == ERR_OK)
		code = observation_read(&reader, spot, &seen, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, &seen, err);
}

enum err_code observation_walk(const struct view *view, struct moment from,
			       observation_visit_fn *visit, void *context,
			       struct err *err)
{
	struct walk walk = {visit, context};
	struct key key = moment_key(from.ms > 0 ? (uint64_t)from.ms : 0);
	struct span prefix = {(const char *)key.bytes, 1};

	return view_walk(view, TABLE_OBSERVATION, key_span(&key), prefix,
			 walk_row, &walk, err);
}

/* ---- removing ---- */

static enum err_code oldest_visit(void *context, struct span key,
				  struct span value, struct err *err)
{
	struct spot *oldest = context;
	enum err_code code = spot_read(key, oldest, err);

	(void)value;
	return code == ERR_OK ? ERR_STOPPED : code;
}

static enum err_code oldest_find(const struct view *view, struct spot *ret_spot,
				 struct err *err)
{
	static const char kind = ROW_OBSERVATION;
	struct span prefix = {&kind, 1};
	enum err_code code = view_walk(view, TABLE_OBSERVATION, prefix, prefix,
				       oldest_visit, ret_spot, err);

	if (code == ERR_STOPPED)
		return ERR_OK;
	return code == ERR_OK ? ERR_NOT_FOUND : code;
}

static enum err_code observation_remove(struct txn *txn, struct spot spot,
					struct err *err)
{
	struct key row = spot_key(spot);
	struct observation seen;
	struct key index;
	enum err_code code = observation_get(txn_view(txn), spot, &seen, err);

	if (code != ERR_OK)
		return code;
	index = latest_key(place_name_span(&seen.bin), seen.what);
	code = index_drop(txn, &index, spot, err);
	if (code == ERR_OK && seen.what == OBSERVED_EPC) {
		index = tag_key(&seen);
		code = index_drop(txn, &index, spot, err);
	}
	if (code != ERR_OK)
		return code;
	return txn_delete(txn, TABLE_OBSERVATION, key_span(&row), err);
}

enum err_code observation_trim(struct txn *txn, struct moment before,
			       uint32_t most, uint32_t *ret_removed,
			       struct err *err)
{
	uint32_t removed = 0;
	enum err_code code = ERR_OK;

	while (code == ERR_OK && removed < most) {
		struct spot spot;

		code = oldest_find(txn_view(txn), &spot, err);
		if (code == ERR_OK && (int64_t)spot.at >= before.ms)
			break;
		if (code == ERR_OK)
			code = observation_remove(txn, spot, err);
		if (code == ERR_OK)
			removed++;
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_removed = removed;
	return ERR_OK;
}

/* Each call adds at most three rows, so this goes round at most three times. */
static enum err_code table_bound(struct txn *txn, struct err *err)
{
	struct spot spot;
	uint64_t count;
	enum err_code code =
		view_count(txn_view(txn), TABLE_OBSERVATION, &count, err);

	while (code == ERR_OK && count > OBSERVATION_ROWS_MAX) {
		code = oldest_find(txn_view(txn), &spot, err);
		if (code == ERR_OK)
			code = observation_remove(txn, spot, err);
		if (code == ERR_OK)
			code = view_count(txn_view(txn), TABLE_OBSERVATION,
					  &count, err);
	}
	return code;
}

/* ---- adding ---- */

/* The first free number of the millisecond @at. */
static enum err_code spot_next(const struct view *view, uint64_t at,
			       struct spot *ret_spot, struct err *err)
{
	struct key prefix = moment_key(at);
	struct spot spot = {.at = at, .number = 0};
	struct span key;
	struct span value;
	enum err_code code = view_last(view, TABLE_OBSERVATION,
				       key_span(&prefix), &key, &value, err);

	if (code == ERR_OK) {
		code = spot_read(key, &spot, err);
		spot.number++;
	} else if (code == ERR_NOT_FOUND) {
		code = ERR_OK;
	}
	if (code == ERR_OK)
		*ret_spot = spot;
	return code;
}

static bool is_widened_by(const struct observation *row,
			  const struct observation *again, int64_t hold_ms)
{
	return span_equal(place_name_span(&row->bin),
			  place_name_span(&again->bin)) &&
	       again->at.ms >= row->at.ms &&
	       again->at.ms - row->until.ms <= hold_ms &&
	       again->count <= UINT32_MAX - row->count;
}

/* Widens the last row of @again's tag, if there is one and it is near. */
static enum err_code tag_widen(struct txn *txn, const struct observation *again,
			       int64_t hold_ms, bool *ret_is_widened,
			       struct err *err)
{
	struct key key = tag_key(again);
	struct observation row;
	struct spot spot;
	enum err_code code = index_get(txn_view(txn), &key, &spot, err);

	*ret_is_widened = false;
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		code = observation_get(txn_view(txn), spot, &row, err);
	if (code != ERR_OK || !is_widened_by(&row, again, hold_ms))
		return code;
	*ret_is_widened = true;
	if (row.until.ms < again->until.ms)
		row.until = again->until;
	if (row.value < again->value)
		row.value = again->value;
	row.count += again->count;
	return observation_put(txn, spot, &row, err);
}

static enum err_code observation_append(struct txn *txn,
					const struct observation *observation,
					struct err *err)
{
	struct spot spot;
	struct key key;
	enum err_code code = spot_next(
		txn_view(txn), (uint64_t)observation->at.ms, &spot, err);

	if (code == ERR_OK)
		code = observation_put(txn, spot, observation, err);
	if (code != ERR_OK)
		return code;
	key = latest_key(place_name_span(&observation->bin), observation->what);
	code = index_note(txn, &key, spot, err);
	if (code == ERR_OK && observation->what == OBSERVED_EPC) {
		key = tag_key(observation);
		code = index_note(txn, &key, spot, err);
	}
	return code;
}

enum err_code observation_add(struct txn *txn,
			      const struct observation *observation,
			      int64_t hold_ms, struct err *err)
{
	bool is_widened = false;
	enum err_code code = ERR_OK;

	ASSERT(observation->at.ms >= 0 && observation->at.ms <= MOMENT_MS_MAX &&
	       observation->until.ms >= 0 &&
	       observation->until.ms <= MOMENT_MS_MAX);
	ASSERT(observation->what >= 1 && observation->what <= OBSERVED_MAX);
	if (observation->what == OBSERVED_EPC)
		code = tag_widen(txn, observation, hold_ms, &is_widened, err);
	if (code == ERR_OK && !is_widened)
		code = observation_append(txn, observation, err);
	if (code == ERR_OK && !is_widened)
		code = table_bound(txn, err);
	return code;
}
