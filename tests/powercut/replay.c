#include "tests/powercut/replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/base/text.h"
#include "tests/powercut/record.h"
#include "tests/support/check.h"

#define PAGE 4096u
#define SECTOR 512u
/* Of this many writes since the last sync each is left out once; of more, as
 * many random ones. */
#define SINGLES_MAX 24
#define SUBSETS_EACH 6
#define SUBSETS_FULL_MAX 10

/* Writes that no sync covers yet, oldest first. */
struct pending {
	const struct event **writes;
	size_t count;
};

struct disk {
	const struct replay_plan *plan;
	struct replay_report *report;
	uint8_t *durable; /* what is surely on the disk */
	uint64_t *sums;   /* of its pages */
	uint64_t sum;     /* of them all */
	uint8_t *image;   /* durable and what is tried on top of it */
	bool *is_touched; /* pages in which image differs from durable */
	size_t *touched;
	size_t touched_count;
	size_t size;
	uint64_t acked;
	uint64_t seed;
	struct pending pending;
	bool *chosen;   /* of the pending ones */
	int fd;         /* of the image's file */
	char path[512]; /* its name */
};

/* Which part of the last chosen write is there. */
struct tear {
	size_t from;
	size_t to;
};

#define TEAR_NONE ((struct tear){0, SIZE_MAX})

static uint64_t mix(uint64_t value)
{
	return test_random(&value);
}

/* The sum of an image is the xor of those of its pages, so that only the
 * pages that changed are summed again. */
static uint64_t page_sum(const uint8_t *page, size_t number)
{
	uint64_t sum = mix(number);

	for (size_t i = 0; i < PAGE; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, page + i, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x9fb21c651e98df25);
		sum ^= sum >> 32;
	}
	return mix(sum);
}

/* True if @value was not in @set, in which it is then. */
static bool set_add(uint64_t *set, uint64_t value)
{
	size_t at = value % SEEN_MAX;

	if (value == 0)
		value = 1;
	for (size_t i = 0; i < SEEN_MAX; i++) {
		if (set[at] == value)
			return false;
		if (set[at] == 0) {
			set[at] = value;
			return true;
		}
		at = (at + 1) % SEEN_MAX;
	}
	return false;
}

static void page_touch(struct disk *disk, size_t page)
{
	if (disk->is_touched[page])
		return;
	disk->is_touched[page] = true;
	disk->touched[disk->touched_count++] = page;
}

/* Puts bytes @tear of @write into the image. */
static void image_write(struct disk *disk, const struct event *write,
			struct tear tear)
{
	size_t to = tear.to < write->size ? tear.to : write->size;
	size_t end = (size_t)write->offset + to;
	size_t start = (size_t)write->offset + tear.from;

	if (tear.from >= to)
		return;
	memcpy(disk->image + start, write->bytes + tear.from, to - tear.from);
	for (size_t page = start / PAGE; page <= (end - 1) / PAGE; page++)
		page_touch(disk, page);
}

static void pages_store(struct disk *disk, const uint8_t *from)
{
	for (size_t i = 0; i < disk->touched_count; i++) {
		off_t offset = (off_t)(disk->touched[i] * PAGE);

		ASSERT(pwrite(disk->fd, from + offset, PAGE, offset) == PAGE);
	}
}

static void image_undo(struct disk *disk)
{
	for (size_t i = 0; i < disk->touched_count; i++) {
		size_t page = disk->touched[i];

		memcpy(disk->image + page * PAGE, disk->durable + page * PAGE,
		       PAGE);
		disk->is_touched[page] = false;
	}
	disk->touched_count = 0;
}

static void verdict_count(struct replay_report *report,
			  enum powercut_verdict verdict, const struct err *err)
{
	bool is_first = report->lost + report->damaged + report->crashed == 0;

	switch (verdict) {
	case POWERCUT_FINE:
		return;
	case POWERCUT_LOST:
		report->lost++;
		break;
	case POWERCUT_DAMAGED:
		report->damaged++;
		break;
	}
	if (is_first || verdict == POWERCUT_LOST)
		(void)err_set(&report->first, ERR_CORRUPT, "%s: %s", report->at,
			      err->text);
}

/* The next image would overwrite it. */
static void image_keep(const struct disk *disk)
{
	char path[600];
	FILE *file;

	(void)text_format(path, sizeof(path), "%s.bad", disk->path);
	file = fopen(path, "wb");
	ASSERT(file != NULL);
	(void)fwrite(disk->image, 1, disk->size, file);
	(void)fclose(file);
}

/* Lays the image out as a file and lets the workload judge it. */
static void image_open(struct disk *disk)
{
	const struct powercut_workload *workload = disk->plan->workload;
	struct err err = {.text = "no sentence"};
	enum powercut_verdict verdict;

	disk->report->opened++;
	pages_store(disk, disk->image);
	record_watch(disk->path);
	verdict = workload->check(workload->context, disk->plan->folder,
				  disk->acked, &err);
	verdict_count(disk->report, verdict, &err);
	if (verdict != POWERCUT_FINE && disk->plan->lie == LIE_NONE)
		image_keep(disk);
	if (record_is_touched())
		ASSERT(pwrite(disk->fd, disk->durable, disk->size, 0) ==
		       (ssize_t)disk->size);
	else
		pages_store(disk, disk->durable);
}

static bool is_enough(const struct disk *disk)
{
	const struct replay_report *report = disk->report;

	return report->lost > 0 ||
	       (disk->plan->lie == LIE_NONE && report->damaged > 0);
}

/* What is durable, the chosen ones of the pending writes, the last of them
 * torn. Returns the sum. */
static uint64_t image_build(struct disk *disk, struct tear tear)
{
	uint64_t sum = disk->sum;
	size_t last = 0;

	for (size_t i = 0; i < disk->pending.count; i++)
		if (disk->chosen[i])
			last = i;
	for (size_t i = 0; i < disk->pending.count; i++)
		if (disk->chosen[i])
			image_write(disk, disk->pending.writes[i],
				    i == last ? tear : TEAR_NONE);
	for (size_t i = 0; i < disk->touched_count; i++) {
		size_t page = disk->touched[i];

		sum ^= disk->sums[page] ^
		       page_sum(disk->image + page * PAGE, page);
	}
	return sum;
}

static void image_try(struct disk *disk, struct tear tear, enum image_kind kind)
{
	struct replay_report *report = disk->report;
	uint64_t sum;
	uint64_t pair;

	if (is_enough(disk))
		return;
	sum = image_build(disk, tear);
	pair = sum ^ mix(disk->acked);
	report->images++;
	if (set_add(report->bytes_seen, sum)) {
		report->distinct++;
		report->distinct_of[kind]++;
	}
	if (set_add(report->pairs_seen, pair)) {
		report->pairs++;
		if (!disk->plan->is_dry &&
		    (kind == IMAGE_PREFIX || mix(pair) <= disk->plan->share))
			image_open(disk);
	}
	image_undo(disk);
}

static void choose_all(struct disk *disk, bool is_chosen)
{
	for (size_t i = 0; i < disk->pending.count; i++)
		disk->chosen[i] = is_chosen;
}

static void at_say(struct disk *disk, const char *what, size_t which)
{
	(void)text_format(disk->report->at, sizeof(disk->report->at),
			  "point %llu, %zu writes not synced, %s %zu",
			  (unsigned long long)disk->report->points,
			  disk->pending.count, what, which);
}

/* Everything but one, and that one alone. */
static void singles_try(struct disk *disk)
{
	size_t count = disk->pending.count;

	for (size_t i = 0; i < count && i < SINGLES_MAX; i++) {
		size_t which = count <= SINGLES_MAX
				       ? i
				       : test_random(&disk->seed) % count;

		at_say(disk, "all but", which);
		choose_all(disk, true);
		disk->chosen[which] = false;
		image_try(disk, TEAR_NONE, IMAGE_MISSING);
		at_say(disk, "only", which);
		choose_all(disk, false);
		disk->chosen[which] = true;
		image_try(disk, TEAR_NONE, IMAGE_MISSING);
	}
}

static void subsets_try(struct disk *disk)
{
	size_t count = disk->pending.count;
	bool is_every = powercut_is_full() && count <= SUBSETS_FULL_MAX;
	size_t subsets = is_every ? (size_t)1 << count : SUBSETS_EACH;

	for (size_t i = 0; i < subsets; i++) {
		uint64_t bits = is_every ? i : test_random(&disk->seed);

		at_say(disk, "subset", i);
		for (size_t j = 0; j < count; j++)
			disk->chosen[j] = (bits >> (j % 64) & 1) != 0;
		image_try(disk, TEAR_NONE, IMAGE_MISSING);
	}
}

/* The last write, as far as each sector and from each sector on. */
static void tears_try(struct disk *disk)
{
	const struct event *last;
	size_t first_cut;

	if (disk->pending.count == 0)
		return;
	last = disk->pending.writes[disk->pending.count - 1];
	first_cut = SECTOR - (size_t)last->offset % SECTOR;
	choose_all(disk, true);
	for (size_t cut = first_cut; cut < last->size; cut += SECTOR) {
		at_say(disk, "the last torn at byte", cut);
		image_try(disk, (struct tear){0, cut}, IMAGE_TORN);
		image_try(disk, (struct tear){cut, SIZE_MAX}, IMAGE_TORN);
	}
}

/* All that a power cut at this point may leave. */
static void point_try(struct disk *disk)
{
	disk->report->points++;
	at_say(disk, "all of", disk->pending.count);
	choose_all(disk, true);
	image_try(disk, TEAR_NONE, IMAGE_PREFIX);
	at_say(disk, "none of", disk->pending.count);
	choose_all(disk, false);
	image_try(disk, TEAR_NONE, IMAGE_PREFIX);
	tears_try(disk);
	if (disk->pending.count > 1) {
		singles_try(disk);
		subsets_try(disk);
	}
}

/* What is chosen is on the disk from now on. */
static void make_durable(struct disk *disk, const struct event *write)
{
	image_write(disk, write, TEAR_NONE);
	for (size_t i = 0; i < disk->touched_count; i++) {
		size_t page = disk->touched[i];

		memcpy(disk->durable + page * PAGE, disk->image + page * PAGE,
		       PAGE);
		disk->sum ^= disk->sums[page];
		disk->sums[page] = page_sum(disk->durable + page * PAGE, page);
		disk->sum ^= disk->sums[page];
	}
	pages_store(disk, disk->durable);
	image_undo(disk);
}

static void all_make_durable(struct disk *disk)
{
	for (size_t i = 0; i < disk->pending.count; i++)
		make_durable(disk, disk->pending.writes[i]);
	disk->pending.count = 0;
}

static void event_apply(struct disk *disk, const struct event *event)
{
	switch (event->kind) {
	case EVENT_WRITE:
		disk->pending.writes[disk->pending.count++] = event;
		/* Under way: none of it, some of it or all of it. */
		point_try(disk);
		if (event->is_dsync && disk->plan->lie != LIE_DSYNC) {
			disk->pending.count--;
			make_durable(disk, event);
		}
		return;
	case EVENT_SYNC:
		if (disk->plan->lie != LIE_SYNC)
			all_make_durable(disk);
		return;
	case EVENT_ACK:
		disk->acked = event->acked;
		return;
	}
}

/* With LIE_ACK, the acknowledgement that is yet to come counts already. */
static uint64_t early_ack(const struct record *record, size_t at,
			  uint64_t otherwise)
{
	for (size_t i = at; i < record->count; i++)
		if (record->events[i].kind == EVENT_ACK)
			return record->events[i].acked;
	return otherwise;
}

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	ASSERT(memory != NULL);
	return memory;
}

static void disk_init(struct disk *disk, const struct replay_plan *plan,
		      struct replay_report *report)
{
	const struct record *record = record_taken();
	size_t pages = record->size / PAGE;

	*disk = (struct disk){.plan = plan,
			      .report = report,
			      .size = record->size,
			      .seed = plan->seed};
	disk->durable = zeroed(record->size, 1);
	disk->image = zeroed(record->size, 1);
	disk->sums = zeroed(pages, sizeof(disk->sums[0]));
	disk->is_touched = zeroed(pages, sizeof(disk->is_touched[0]));
	disk->touched = zeroed(pages, sizeof(disk->touched[0]));
	disk->chosen = zeroed(record->count, sizeof(disk->chosen[0]));
	disk->pending.writes =
		zeroed(record->count, sizeof(disk->pending.writes[0]));
	memcpy(disk->durable, record->base, record->size);
	memcpy(disk->image, record->base, record->size);
	for (size_t i = 0; i < pages; i++) {
		disk->sums[i] = page_sum(disk->durable + i * PAGE, i);
		disk->sum ^= disk->sums[i];
	}
	(void)text_format(disk->path, sizeof(disk->path), "%s/data.mdb",
			  plan->folder);
	disk->fd = open(disk->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT(disk->fd >= 0);
	ASSERT(pwrite(disk->fd, disk->durable, disk->size, 0) ==
	       (ssize_t)disk->size);
}

static void disk_release(struct disk *disk)
{
	(void)close(disk->fd);
	free(disk->durable);
	free(disk->image);
	free(disk->sums);
	free(disk->is_touched);
	free(disk->touched);
	free(disk->chosen);
	free(disk->pending.writes);
}

void replay(const struct replay_plan *plan, struct replay_report *report)
{
	const struct record *record = record_taken();
	struct disk disk;

	disk_init(&disk, plan, report);
	report->points = 0;
	point_try(&disk);
	for (size_t i = 0; i < record->count && !is_enough(&disk); i++) {
		if (plan->lie == LIE_ACK)
			disk.acked = early_ack(record, i, disk.acked);
		event_apply(&disk, &record->events[i]);
		point_try(&disk);
	}
	report->is_done = true;
	disk_release(&disk);
}
