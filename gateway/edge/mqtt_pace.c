#include "gateway/edge/mqtt_pace.h"

#include "gateway/edge/valve.h"

#define PUSH_MS 1
/* So many arrivals between a publication and its push are a load. */
#define LOAD_MIN 8

static void prompt_set(struct pace *pace, bool is_prompt)
{
	pace->is_prompt = is_prompt;
	(void)valve_prompt(pace->port, is_prompt); /* it may be gone */
}

/* What was published has been written. */
static void on_push(void *context, uint32_t what)
{
	struct pace *pace = context;
	uint64_t pushed =
		atomic_load_explicit(pace->pushed, memory_order_relaxed);
	bool is_load = pushed - pace->pushed_then >= LOAD_MIN;

	(void)what;
	pace->pushed_then = pushed;
	pace->is_due = false;
	if (!pace->is_prompt)
		prompt_set(pace, true);
	if (is_load)
		prompt_set(pace, false);
}

enum err_code pace_open(struct pace *pace, struct loop *loop, struct err *err)
{
	return loop_add_timer(loop, (struct loop_call){on_push, pace},
			      &pace->timer, err);
}

void pace_close(struct pace *pace)
{
	loop_remove(pace->timer);
}

void pace_connected(struct pace *pace)
{
	prompt_set(pace, true);
}

void pace_push(struct pace *pace)
{
	if (pace->is_due)
		return;
	pace->is_due = true;
	loop_timer_once(pace->timer, PUSH_MS);
}
