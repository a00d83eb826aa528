#include "store/seen.h"

#include <string.h>

#include "store/row.h"
#include "store/seal.h"

/* Kinds of rows. Devices' rows lie together: most change with each batch. */
#define ROW_DEVICE 1 /* device: the windows of its boots */
#define ROW_NAME 2   /* device, slot: a name */
#define ROW_PACKET 3 /* packet id; without one, how many there were */

#define TAKEN_SIZE (SEEN_WINDOW / 8)

/* Boot, ring, life, three numbers, the bits of the window. */
#define WINDOW_SIZE_MAX (8 + 1 + 4 * 10 + TAKEN_SIZE)

/* Must stay below half a page, or LMDB gives each row pages of its own. */
#define DEVICE_ROW_SIZE_MAX \
	(SEEN_BOOTS_MAX * WINDOW_SIZE_MAX + ROW_CHECKSUM_SIZE)
_Static_assert(DEVICE_ROW_SIZE_MAX < 2000, "two fit a page");

/* Life, seq, content, result, code, pos, detail. */
#define NAME_ROW_SIZE_MAX \
	(2 * 10 + 8 + 1 + 3 + 10 + 1 + SEEN_DETAIL_SIZE_MAX + ROW_CHECKSUM_SIZE)

/* ---- the window of a boot ---- */

/*
 * Which numbers are taken: all from @from to @upto (or given up, below the
 * window), and above that the ones whose bits are set. The bit of a number is
 * number mod SEEN_WINDOW; bits of numbers that are not in (upto, high] are 0,
 * so the window moves without shifting anything.
 *
 * The names lie in rings of SEEN_WINDOW slots, likewise by number: the name
 * that comes overwrites the one that leaves, and nothing is ever deleted. A
 * boot that is forgotten leaves its ring to another. So a slot may hold what
 * is long gone: its row says of which life and number it is.
 */
struct window {
	uint64_t boot; /* checksum of the boot's text */
	uint8_t ring;
	uint64_t life; /* above that of every boot heard before it */
	uint64_t from;
	uint64_t upto;
	uint64_t high;
	uint8_t taken[TAKEN_SIZE];
};

/* The highest number that is too old when @high is the highest taken. */
static uint64_t window_floor(uint64_t high)
{
	return high > SEEN_WINDOW ? high - SEEN_WINDOW : 0;
}

static bool window_is_taken(const struct window *window, uint64_t seq)
{
	unsigned bit = (unsigned)(seq % SEEN_WINDOW);

	return (window->taken[bit / 8] >> bit % 8 & 1) != 0;
}

static void window_flip(struct window *window, uint64_t seq)
{
	unsigned bit = (unsigned)(seq % SEEN_WINDOW);

	window->taken[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* When nothing is news: from is above upto, where there is such a number. */
static struct seen_progress window_progress(const struct window *window)
{
	uint64_t upto = window->upto;

	return (struct seen_progress){.from = upto + (upto < UINT64_MAX),
				      .upto = upto,
				      .high = window->high};
}

/* Gives up the holes from upto to @floor, which become the window's floor. */
static void window_give_up(struct window *window, uint64_t floor,
			   struct seen_progress *progress)
{
	uint64_t known = floor < window->high ? floor : window->high;

	if (floor <= window->upto)
		return;
	progress->missing_first = window->upto + 1; /* a hole by definition */
	while (window->upto < known) {
		window->upto++;
		if (window_is_taken(window, window->upto)) {
			window_flip(window, window->upto);
		} else {
			progress->missing_last = window->upto;
			progress->missing_count++;
		}
	}
	if (floor > window->high) {
		progress->missing_last = floor;
		progress->missing_count += floor - window->upto;
		window->upto = floor;
	}
}

/* Takes @seq, which is new and not below the window. Sets what is missing in
 * @progress, which is all 0, if anything is given up. */
static void window_take(struct window *window, uint64_t seq,
			struct seen_progress *progress)
{
	ASSERT(seq > window_floor(window->high));
	if (seq > window->high) {
		window_give_up(window, window_floor(seq), progress);
		window->high = seq;
	}
	if (seq > window->upto) {
		ASSERT(!window_is_taken(window, seq));
		window_flip(window, seq);
	}
	while (window->upto < window->high &&
	       window_is_taken(window, window->upto + 1)) {
		window->upto++;
		window_flip(window, window->upto);
	}
}

static void window_write(struct writer *writer, const struct window *window)
{
	write_u64(writer, window->boot);
	write_u8(writer, window->ring);
	write_varint(writer, window->life);
	write_varint(writer, window->from);
	write_varint(writer, window->upto);
	write_varint(writer, window->high);
	if (window->high > window->upto)
		write_raw(writer, window->taken, TAKEN_SIZE);
}

static bool window_read(struct reader *reader, struct window *window)
{
	struct span taken = {"", 0};

	window->boot = read_u64(reader);
	window->ring = read_u8(reader);
	window->life = read_varint(reader);
	window->from = read_varint(reader);
	window->upto = read_varint(reader);
	window->high = read_varint(reader);
	if (window->ring >= SEEN_BOOTS_MAX || window->from < 1 ||
	    window->from > window->upto || window->upto > window->high ||
	    window->high - window->upto > SEEN_WINDOW)
		return false;
	memset(window->taken, 0, TAKEN_SIZE);
	if (window->high > window->upto)
		taken = read_raw(reader, TAKEN_SIZE);
	memcpy(window->taken, taken.data, taken.size);
	return reader_ok(reader);
}

/* ---- a device's row: the windows of its boots, the one used last first ----
 */

struct boots {
	size_t count;
	struct window at[SEEN_BOOTS_MAX];
};

static uint64_t boot_number(const struct reading_name *name)
{
	return seal_checksum(0, boot_span(&name->boot));
}

static struct key device_key(struct device_no device)
{
	struct key key = {.size = 0};

	ASSERT(device.value != 0);
	key_add_u8(&key, ROW_DEVICE);
	key_add_u32(&key, device.value);
	return key;
}

static enum err_code boots_get(const struct view *view, struct device_no device,
			       struct boots *ret_boots, struct err *err)
{
	struct key key = device_key(device);
	struct reader reader;
	enum err_code code;

	ret_boots->count = 0;
	code = row_get(view, TABLE_SEEN, key_span(&key), &reader, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	while (reader_left(&reader) > 0) {
		if (ret_boots->count == SEEN_BOOTS_MAX ||
		    !window_read(&reader, &ret_boots->at[ret_boots->count]))
			return row_garbled(TABLE_SEEN, err);
		ret_boots->count++;
	}
	return ERR_OK;
}

static enum err_code boots_put(struct txn *txn, struct device_no device,
			       const struct boots *boots, struct err *err)
{
	struct key key = device_key(device);
	uint8_t buffer[DEVICE_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	for (size_t i = 0; i < boots->count; i++)
		window_write(&writer, &boots->at[i]);
	return row_put(txn, TABLE_SEEN, key_span(&key), &writer, err);
}

/* NULL if it is not there. */
static struct window *boots_find(struct boots *boots, uint64_t boot)
{
	for (size_t i = 0; i < boots->count; i++)
		if (boots->at[i].boot == boot)
			return &boots->at[i];
	return NULL;
}

/* Moves @used, which is one of @boots, before all others. */
static void boots_to_front(struct boots *boots, const struct window *used)
{
	size_t index = (size_t)(used - boots->at);
	struct window window = *used;

	memmove(boots->at + 1, boots->at, index * sizeof(window));
	boots->at[0] = window;
}

/*
 * Puts the window of @boot in front. One that is not known begins at @seq, and
 * takes over the ring of the one that was used longest ago when there are too
 * many.
 */
static void boots_use(struct boots *boots, uint64_t boot, uint64_t seq)
{
	struct window *window = boots_find(boots, boot);
	struct window begun = {.boot = boot,
			       .ring = (uint8_t)boots->count,
			       .from = seq,
			       .upto = seq,
			       .high = seq};

	if (window == NULL) {
		for (size_t i = 0; i < boots->count; i++)
			if (boots->at[i].life >= begun.life)
				begun.life = boots->at[i].life + 1;
		if (boots->count == SEEN_BOOTS_MAX)
			begun.ring = boots->at[--boots->count].ring;
		window = &boots->at[boots->count++];
		*window = begun;
	}
	boots_to_front(boots, window);
}

/* ---- a name's row ---- */

struct taken {
	uint64_t content;
	struct answer answer;
};

static struct key name_key(struct device_no device, const struct window *window,
			   uint64_t seq)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ROW_NAME);
	key_add_u32(&key, device.value);
	key_add_u32(&key, window->ring * (uint32_t)SEEN_WINDOW +
				  (uint32_t)(seq % SEEN_WINDOW));
	return key;
}

static enum err_code name_put(struct txn *txn, struct device_no device,
			      const struct window *window, uint64_t seq,
			      const struct taken *taken, struct err *err)
{
	const struct answer *answer = &taken->answer;
	struct key key = name_key(device, window, seq);
	uint8_t buffer[NAME_ROW_SIZE_MAX];
	struct writer writer;

	ASSERT(answer->detail_size <= SEEN_DETAIL_SIZE_MAX);
	ASSERT(answer->result >= 1 && answer->result <= RESULT_MAX);
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, window->life);
	write_varint(&writer, seq);
	write_u64(&writer, taken->content);
	write_u8(&writer, (uint8_t)answer->result);
	write_varint(&writer, answer->code);
	write_pos(&writer, answer->pos);
	write_span(&writer, (struct span){answer->detail, answer->detail_size});
	return row_put(txn, TABLE_SEEN, key_span(&key), &writer, err);
}

static enum err_code taken_read(struct reader *reader, struct taken *ret_taken,
				struct err *err)
{
	struct answer *answer = &ret_taken->answer;
	struct span detail;
	uint64_t word;
	uint8_t result;

	ret_taken->content = read_u64(reader);
	result = read_u8(reader);
	word = read_varint(reader);
	answer->pos = read_pos(reader);
	detail = read_span(reader, SEEN_DETAIL_SIZE_MAX);
	if (!reader_done(reader) || result < 1 || result > RESULT_MAX ||
	    word > UINT16_MAX)
		return row_garbled(TABLE_SEEN, err);
	answer->result = (enum result)result;
	answer->code = (uint16_t)word;
	answer->detail_size = (uint8_t)detail.size;
	memcpy(answer->detail, detail.data, detail.size);
	return ERR_OK;
}

/* ERR_NOT_FOUND also when the slot holds another name. The caller has seen to
 * it that the window reaches down to @seq. */
static enum err_code name_get(const struct view *view, struct device_no device,
			      const struct window *window, uint64_t seq,
			      struct taken *ret_taken, struct err *err)
{
	struct key key = name_key(device, window, seq);
	struct reader reader;
	uint64_t life;
	enum err_code code =
		row_get(view, TABLE_SEEN, key_span(&key), &reader, err);

	if (code != ERR_OK)
		return code;
	life = read_varint(&reader);
	if (read_varint(&reader) != seq || life != window->life)
		return ERR_NOT_FOUND;
	return taken_read(&reader, ret_taken, err);
}

/* ---- finding ---- */

/*
 * True if the window tells without a look at the name's row, as it does for
 * each reading that comes in its turn.
 */
static bool window_tells(const struct window *window, uint64_t seq,
			 enum seen_state *ret_state)
{
	if (seq > window->high) {
		*ret_state = SEEN_NEW;
		return true;
	}
	if (seq <= window_floor(window->high)) {
		*ret_state = SEEN_TOO_OLD;
		return true;
	}
	*ret_state = SEEN_NEW;
	return seq > window->upto && !window_is_taken(window, seq);
}

enum err_code seen_find(const struct view *view,
			const struct reading_name *name, uint64_t content,
			enum seen_state *ret_state, struct answer *ret_answer,
			struct err *err)
{
	enum seen_state state = SEEN_NEW;
	const struct window *window;
	struct taken taken;
	struct boots boots;
	enum err_code code = boots_get(view, name->device, &boots, err);

	ASSERT(name->seq >= 1);
	if (code != ERR_OK)
		return code;
	window = boots_find(&boots, boot_number(name));
	if (window == NULL || window_tells(window, name->seq, &state)) {
		*ret_state = state;
		return ERR_OK;
	}
	code = name_get(view, name->device, window, name->seq, &taken, err);
	if (code == ERR_NOT_FOUND && name->seq >= window->from)
		return row_garbled(TABLE_SEEN, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (code == ERR_OK)
		state = taken.content == content ? SEEN_DUPLICATE : SEEN_REUSED;
	*ret_state = state;
	if (state == SEEN_DUPLICATE)
		*ret_answer = taken.answer;
	return ERR_OK;
}

enum err_code seen_progress(const struct view *view,
			    const struct reading_name *name,
			    struct seen_progress *ret_progress, struct err *err)
{
	const struct window *window;
	struct boots boots;
	enum err_code code = boots_get(view, name->device, &boots, err);

	if (code != ERR_OK)
		return code;
	window = boots_find(&boots, boot_number(name));
	if (window == NULL)
		return ERR_NOT_FOUND;
	*ret_progress = window_progress(window);
	return ERR_OK;
}

enum err_code seen_recent(const struct view *view, struct device_no device,
			  struct seen_progress *ret_progress, struct err *err)
{
	struct boots boots;
	enum err_code code = boots_get(view, device, &boots, err);

	if (code != ERR_OK)
		return code;
	if (boots.count == 0)
		return ERR_NOT_FOUND;
	*ret_progress = window_progress(&boots.at[0]);
	return ERR_OK;
}

/* ---- marking ---- */

/* When @seq closes up to what is known from above, what lies below it may be
 * there already. */
static enum err_code window_descend(const struct view *view,
				    struct device_no device,
				    struct window *window, uint64_t seq,
				    struct err *err)
{
	uint64_t floor = window_floor(window->high);
	struct taken taken;
	enum err_code code = ERR_OK;

	if (seq != window->from - 1)
		return ERR_OK;
	window->from = seq;
	while (code == ERR_OK && window->from - 1 > floor) {
		code = name_get(view, device, window, window->from - 1, &taken,
				err);
		if (code == ERR_OK)
			window->from--;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code seen_mark(struct txn *txn, const struct reading_name *name,
			uint64_t content, const struct answer *answer,
			struct seen_progress *ret_progress, struct err *err)
{
	struct seen_progress progress = {0};
	struct taken taken = {content, *answer};
	struct boots boots;
	struct window *window = &boots.at[0];
	uint64_t bottom;
	enum err_code code =
		boots_get(txn_view(txn), name->device, &boots, err);

	ASSERT(name->seq >= 1);
	if (code != ERR_OK)
		return code;
	boots_use(&boots, boot_number(name), name->seq);
	bottom = window->from;
	progress.from = window_progress(window).from;
	window_take(window, name->seq, &progress);
	code = name_put(txn, name->device, window, name->seq, &taken, err);
	if (code == ERR_OK)
		code = window_descend(txn_view(txn), name->device, window,
				      name->seq, err);
	if (code == ERR_OK)
		code = boots_put(txn, name->device, &boots, err);
	if (code != ERR_OK)
		return code;
	/* Closed up to from below, or begun just now. */
	if (window->from < bottom || window->from == name->seq)
		progress.from = window->from;
	progress.upto = window->upto;
	progress.high = window->high;
	*ret_progress = progress;
	return ERR_OK;
}

enum err_code seen_amend(struct txn *txn, const struct reading_name *name,
			 const struct answer *answer, struct err *err)
{
	const struct window *window;
	struct taken taken;
	struct boots boots;
	enum err_code code =
		boots_get(txn_view(txn), name->device, &boots, err);

	if (code != ERR_OK)
		return code;
	window = boots_find(&boots, boot_number(name));
	if (window == NULL || name->seq <= window_floor(window->high))
		return ERR_NOT_FOUND;
	code = name_get(txn_view(txn), name->device, window, name->seq, &taken,
			err);
	if (code != ERR_OK)
		return code;
	taken.answer = *answer;
	return name_put(txn, name->device, window, name->seq, &taken, err);
}

/* ---- unnamed readings ---- */

static struct key packet_key(uint16_t packet_id)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ROW_PACKET);
	key_add_u32(&key, packet_id);
	return key;
}

static struct key packet_last_key(void)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ROW_PACKET);
	return key;
}

/* The running number of the last one noted; 0: none yet. */
static enum err_code packet_last(const struct view *view, uint64_t *ret_number,
				 struct err *err)
{
	struct key key = packet_last_key();
	struct reader reader;
	uint64_t number;
	enum err_code code =
		row_get(view, TABLE_SEEN, key_span(&key), &reader, err);

	if (code == ERR_NOT_FOUND) {
		*ret_number = 0;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	number = read_u64(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_SEEN, err);
	*ret_number = number;
	return ERR_OK;
}

enum err_code seen_packet_find(const struct view *view, uint16_t packet_id,
			       uint64_t content, bool *ret_is_known,
			       struct err *err)
{
	struct key key = packet_key(packet_id);
	struct reader reader;
	uint64_t before;
	uint64_t number;
	uint64_t last;
	enum err_code code = packet_last(view, &last, err);

	if (code == ERR_OK)
		code = row_get(view, TABLE_SEEN, key_span(&key), &reader, err);
	if (code == ERR_NOT_FOUND) {
		*ret_is_known = false;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	before = read_u64(&reader);
	number = read_u64(&reader);
	if (!reader_done(&reader) || number > last)
		return row_garbled(TABLE_SEEN, err);
	*ret_is_known = before == content && last - number < SEEN_PACKETS_MAX;
	return ERR_OK;
}

enum err_code seen_packet_note(struct txn *txn, uint16_t packet_id,
			       uint64_t content, struct err *err)
{
	uint8_t buffer[16 + ROW_CHECKSUM_SIZE];
	struct key key = packet_last_key();
	struct writer writer;
	uint64_t number;
	enum err_code code = packet_last(txn_view(txn), &number, err);

	if (code != ERR_OK)
		return code;
	number++;
	writer_init(&writer, buffer, sizeof(buffer));
	write_u64(&writer, number);
	code = row_put(txn, TABLE_SEEN, key_span(&key), &writer, err);
	if (code != ERR_OK)
		return code;
	key = packet_key(packet_id);
	writer_init(&writer, buffer, sizeof(buffer));
	write_u64(&writer, content);
	write_u64(&writer, number);
	return row_put(txn, TABLE_SEEN, key_span(&key), &writer, err);
}
