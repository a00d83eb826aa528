#include "gateway/cli/verbs.h"

#include <string.h>

const struct option_spec global_options[] = {
	{"--config", "FILE",
	 "the configuration; /etc/depot/depot.conf if not "
	 "given",
	 "配置文件，默认 /etc/depot/depot.conf"},
	{"--json", NULL, "results and errors as JSON, a document a line",
	 "以 JSON 输出结果和错误，每行一个文档"},
	{"--lang", "LANG", "en or zh", "en 或 zh"},
	{"--as", "ACCOUNT", "the account that acts, if not the one of the user",
	 "操作所用账户，默认为当前用户的账户"},
	{"--yes", NULL, "does not ask before what cannot be undone",
	 "不可撤销的操作不再询问"},
	{"--help", NULL, "how the command goes", "显示用法"},
	{"--version", NULL, "the version", "显示版本"},
};
const size_t global_option_count = ARRAY_LEN(global_options);

const struct verb *verb_at(size_t index, const struct verb_group **ret_group)
{
	for (size_t i = 0; i < verb_group_count; i++) {
		const struct verb *const *module = verb_groups[i].modules;

		*ret_group = &verb_groups[i];
		for (; *module != NULL; module++)
			for (size_t j = 0; (*module)[j].name != NULL; j++)
				if (index-- == 0)
					return &(*module)[j];
	}
	return NULL;
}

const struct verb *verb_find(struct span name)
{
	const struct verb_group *group;
	const struct verb *verb;
	size_t index = 0;

	do {
		verb = verb_at(index++, &group);
	} while (verb != NULL && !span_is(name, verb->name));
	return verb;
}

bool verb_is_group(struct span word)
{
	const struct verb_group *group;
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i, &group)) != NULL; i++) {
		size_t size = strcspn(verb->name, " ");

		if (verb->name[size] == ' ' &&
		    span_equal(word, (struct span){verb->name, size}))
			return true;
	}
	return false;
}
