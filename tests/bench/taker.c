#include "tests/bench/taker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <MQTTAsync.h>

#include "tests/bench/bench.h"

/* As gateway/edge/mqtt.c and its defaults. */
#define RECEIVE_MAX 100
#define SESSION_S (7 * 86400)
#define PACKET_SIZE_MAX 65536

struct taker {
	MQTTAsync handle;
	char filters[4][96];
	struct taker_count *count;
};

static int on_message(void *context, char *topic, int topic_size,
		      MQTTAsync_message *message)
{
	struct taker *taker = context;

	(void)topic_size;
	(void)atomic_fetch_add(&taker->count->taken, 1);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static void on_lost(void *context, char *cause)
{
	(void)context;
	(void)cause;
	bench_die("the null subscriber lost its connection");
}

static void on_failed(void *context, MQTTAsync_failureData5 *data)
{
	(void)context;
	bench_die("the null subscriber: Paho says %d", data->code);
}

static void on_subscribed(void *context, MQTTAsync_successData5 *data)
{
	struct taker *taker = context;

	(void)data;
	atomic_store(&taker->count->is_up, true);
}

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
	struct taker *taker = context;
	MQTTAsync_responseOptions options =
		MQTTAsync_responseOptions_initializer;
	char *filters[ARRAY_LEN(taker->filters)];
	int qos[ARRAY_LEN(taker->filters)];
	MQTTSubscribe_options each[ARRAY_LEN(taker->filters)];

	(void)data;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		filters[i] = taker->filters[i];
		qos[i] = 1;
		each[i] = (MQTTSubscribe_options)
			MQTTSubscribe_options_initializer;
	}
	options.onSuccess5 = on_subscribed;
	options.onFailure5 = on_failed;
	options.context = taker;
	options.subscribeOptionsCount = ARRAY_LEN(each);
	options.subscribeOptionsList = each;
	if (MQTTAsync_subscribeMany(taker->handle, ARRAY_LEN(filters), filters,
				    qos, &options) != MQTTASYNC_SUCCESS)
		bench_die("the null subscriber cannot subscribe");
}

static void property_add(MQTTProperties *properties,
			 enum MQTTPropertyCodes code, uint32_t value)
{
	MQTTProperty property = {.identifier = code};

	if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
		property.value.integer2 = (unsigned short)value;
	else
		property.value.integer4 = value;
	if (MQTTProperties_add(properties, &property) != 0)
		bench_die("Paho takes no property");
}

static void taker_connect(struct taker *taker)
{
	MQTTAsync_connectOptions options =
		MQTTAsync_connectOptions_initializer5;
	MQTTProperties properties = MQTTProperties_initializer;

	property_add(&properties, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
		     SESSION_S);
	property_add(&properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM,
		     RECEIVE_MAX);
	property_add(&properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE,
		     PACKET_SIZE_MAX);
	options.cleanstart = 0;
	options.keepAliveInterval = 30;
	options.maxInflight = 65535;
	options.automaticReconnect = 0;
	options.connectProperties = &properties;
	options.onSuccess5 = on_connected;
	options.onFailure5 = on_failed;
	options.context = taker;
	if (MQTTAsync_connect(taker->handle, &options) != MQTTASYNC_SUCCESS)
		bench_die("the null subscriber cannot connect");
	MQTTProperties_free(&properties);
}

static void taker_run(struct taker *taker, uint16_t port)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
	char uri[64];

	(void)text_format(uri, sizeof(uri), "tcp://127.0.0.1:%u", port);
	options.sendWhileDisconnected = 0;
	if (MQTTAsync_createWithOptions(&taker->handle, uri, "bench-taker",
					MQTTCLIENT_PERSISTENCE_NONE, NULL,
					&options) != MQTTASYNC_SUCCESS ||
	    MQTTAsync_setCallbacks(taker->handle, taker, on_lost, on_message,
				   NULL) != MQTTASYNC_SUCCESS)
		bench_die("the null subscriber has no handle");
	taker_connect(taker);
	for (;;)
		(void)pause();
}

pid_t taker_start(uint16_t port, const char *prefix, struct taker_count *count)
{
	static const char *const inputs[] = {"scan/+", "shelf/+", "rfid/+",
					     "task/+/+/+"};
	static struct taker taker;
	pid_t pid = fork();

	if (pid < 0)
		bench_die("cannot fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	taker.count = count;
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
		(void)text_format(taker.filters[i], sizeof(taker.filters[i]),
				  "%s/%s", prefix, inputs[i]);
	taker_run(&taker, port);
	_exit(EXIT_FAILURE);
}

void taker_stop(pid_t taker)
{
	(void)kill(taker, SIGKILL);
	(void)waitpid(taker, NULL, 0);
}
