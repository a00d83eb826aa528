#include "gateway/edge/keeper_event.h"

#include <string.h>

struct event event_of(const struct ring_slot *slot)
{
	const struct ring_message *message = &slot->message;

	return (struct event){
		.kind = EVENT_MESSAGE,
		.at = message->arrived.moment,
		.clock_trusted = message->arrived.is_trusted,
		.body.message = {.topic = message->topic,
				 .payload = message->payload,
				 .response = message->response,
				 .correlation = message->correlation,
				 .packet_id = message->packet_id,
				 .is_again = message->is_dup,
				 .is_cut = slot->is_cut,
				 .deaths = slot->deaths},
	};
}

bool answer_pack(const struct answers_message *message,
		 struct keeper_answer *answer)
{
	if (message->suffix.size > sizeof(answer->suffix) ||
	    message->payload.size > sizeof(answer->payload) ||
	    message->correlation.size > sizeof(answer->correlation))
		return false;
	answer->suffix_size = (uint16_t)message->suffix.size;
	memcpy(answer->suffix, message->suffix.data, message->suffix.size);
	answer->size = (uint16_t)message->payload.size;
	memcpy(answer->payload, message->payload.data, message->payload.size);
	answer->correlation_size = (uint16_t)message->correlation.size;
	if (message->correlation.size > 0)
		memcpy(answer->correlation, message->correlation.data,
		       message->correlation.size);
	return true;
}
