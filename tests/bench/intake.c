/*
 * intake - the rate of durable intake against that of a null subscriber, and
 * how long an acknowledgement takes when the box is idle.
 *
 *	bench_intake rate PORT ROUNDS READINGS GUNS IN_FLIGHT WINDOW \
 *		BROKER_PID BOX_PID
 *	bench_intake idle PORT READINGS
 *
 * depotd runs already, as acme/hz-01 on the broker at PORT, on a store that
 * knows the ITEMS and BINS below (`bench_store list`). The null subscriber
 *listens to another site's topics of the same lengths, so the two never hear
 *each other's readings. Rounds alternate: the null subscriber, the box, the
 *null subscriber ...
 */
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/bench.h"
#include "tests/bench/taker.h"
#include "tests/bench/traffic.h"

#define PREFIX_BOX "depot/v1/acme/hz-01"
#define PREFIX_NULL "depot/v1/acme/nl-01"
#define ITEMS 2000
#define BINS 200
#define WARM_UP 1000 /* readings of each gun, not measured */
#define READINGS_MAX 1000000
#define WINDOW_MAX 100000 /* the broker queues no more */
#define IDLE_PAUSE_MS 20

/* Names that no earlier run on the same store has used. */
static void boot_name(char *boot, size_t size)
{
	static unsigned count;

	(void)text_format(boot, size, "b%" PRIu64 "-%u",
			  bench_now_ns() / 1000000, count++);
}

/* One side of a round: readings a second, and processor time a reading. */
struct side_result {
	double rate;
	double broker_us;
	double taker_us; /* the box or the null subscriber */
	double guns_us;
};

static double cpu_us(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) != 0)
		bench_die("there is no process %d", (int)pid);
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

struct sides {
	uint16_t port;
	uint32_t readings;
	uint32_t guns;
	uint32_t in_flight; /* as in traffic.h, as the next */
	uint32_t window;
	pid_t broker;
	pid_t box;
	pid_t taker;
	struct taker_count *count;
};

static struct side_result run(const struct sides *sides, bool is_box,
			      uint32_t readings)
{
	pid_t taker = is_box ? sides->box : sides->taker;
	double broker_us = cpu_us(sides->broker);
	double taker_us = cpu_us(taker);
	double guns_us = cpu_us(0);
	char boot[32];
	struct traffic_plan plan = {.port = sides->port,
				    .prefix = is_box ? PREFIX_BOX : PREFIX_NULL,
				    .boot = boot,
				    .guns = sides->guns,
				    .readings = readings / sides->guns,
				    .items = ITEMS,
				    .bins = BINS,
				    .in_flight = sides->in_flight,
				    .window = sides->window};
	struct side_result result;

	boot_name(boot, sizeof(boot));
	atomic_store(&sides->count->taken, 0);
	if (!is_box)
		plan.taken = &sides->count->taken;
	result.rate = readings / traffic_run(&plan);
	result.broker_us = (cpu_us(sides->broker) - broker_us) / readings;
	result.taker_us = (cpu_us(taker) - taker_us) / readings;
	result.guns_us = (cpu_us(0) - guns_us) / readings;
	return result;
}

static void side_print(const char *name, const struct side_result *side)
{
	printf("\"%s\":{\"rate\":%.1f,\"broker_us\":%.2f,\"taker_us\":%.2f,"
	       "\"guns_us\":%.2f}",
	       name, side->rate, side->broker_us, side->taker_us,
	       side->guns_us);
}

static struct taker_count *count_map(void)
{
	struct taker_count *count =
		mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (count == MAP_FAILED)
		bench_die("out of memory");
	return count;
}

static void rate(struct sides *sides, uint32_t rounds)
{
	sides->count = count_map();
	sides->taker = taker_start(sides->port, PREFIX_NULL, sides->count);
	while (!atomic_load(&sides->count->is_up))
		(void)poll(NULL, 0, 1);
	(void)run(sides, false, WARM_UP * sides->guns);
	(void)run(sides, true, WARM_UP * sides->guns);
	printf("{\"readings\":%" PRIu32 ",\"rounds\":[", sides->readings);
	for (uint32_t i = 0; i < rounds; i++) {
		struct side_result none = run(sides, false, sides->readings);
		struct side_result box = run(sides, true, sides->readings);

		fputs(i == 0 ? "{" : ",{", stdout);
		side_print("null", &none);
		fputs(",", stdout);
		side_print("box", &box);
		fputs("}", stdout);
	}
	puts("]}");
	taker_stop(sides->taker);
}

static int ns_compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void idle(uint16_t port, uint32_t readings)
{
	uint64_t *ns = calloc(readings, sizeof(*ns));
	char boot[32];
	struct traffic_plan plan = {.port = port,
				    .prefix = PREFIX_BOX,
				    .boot = boot,
				    .guns = 1,
				    .readings = readings,
				    .items = ITEMS,
				    .bins = BINS,
				    .in_flight = 1,
				    .window = 1};

	if (ns == NULL)
		bench_die("out of memory");
	boot_name(boot, sizeof(boot));
	traffic_idle(&plan, IDLE_PAUSE_MS, ns);
	qsort(ns, readings, sizeof(*ns), ns_compare);
	printf("{\"readings\":%" PRIu32 ",\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
	       "\"max_ms\":%.3f}\n",
	       readings, (double)ns[readings / 2] / 1e6,
	       (double)ns[readings - 1 - readings / 100] / 1e6,
	       (double)ns[readings - 1] / 1e6);
	free(ns);
}

int main(int argc, char **argv)
{
	struct sides sides = {.port = 0};

	if (argc == 10 && strcmp(argv[1], "rate") == 0) {
		sides.port = (uint16_t)bench_number(argv[2], UINT16_MAX);
		sides.readings = bench_number(argv[4], READINGS_MAX);
		sides.guns = bench_number(argv[5], TRAFFIC_GUNS_MAX);
		sides.in_flight = bench_number(argv[6], TRAFFIC_IN_FLIGHT_MAX);
		sides.window = bench_number(argv[7], WINDOW_MAX);
		sides.broker = (pid_t)bench_number(argv[8], INT32_MAX);
		sides.box = (pid_t)bench_number(argv[9], INT32_MAX);
		rate(&sides, bench_number(argv[3], 1000));
	} else if (argc == 4 && strcmp(argv[1], "idle") == 0)
		idle((uint16_t)bench_number(argv[2], UINT16_MAX),
		     bench_number(argv[3], READINGS_MAX));
	else
		bench_die("usage: see tests/bench/intake.c");
	return EXIT_SUCCESS;
}
