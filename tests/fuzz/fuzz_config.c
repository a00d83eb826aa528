/*
 * Any bytes as a configuration file: read without harm; every mistake can be
 * told in both languages; and if there is none, what --print-config prints
 * reads back without one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config;
static struct config_report report;

static void print_and_read_again(void)
{
	static struct config again;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ASSERT(out != NULL);
	config_print(&config, out);
	ASSERT(fclose(out) == 0);
	ASSERT(config_parse("again", (struct span){text, size}, &again,
			    &report) == ERR_OK);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	enum err_code code = config_parse("fuzz", text, &config, &report);
	struct config_sentence sentence;

	ASSERT((code == ERR_OK) == (report.count == 0));
	for (size_t i = 0; i < report.count; i++) {
		config_mistake_text(&config, &report, i, CONFIG_LANG_EN,
				    &sentence);
		config_mistake_text(&config, &report, i, CONFIG_LANG_ZH,
				    &sentence);
	}
	if (code == ERR_OK)
		print_and_read_again();
	return 0;
}
