#include "gateway/core/why.h"

static const struct why deltas[] = {
	{"missing", "somebody has it, and it does not come",
	 "有站点持有，但未送达"},
	{"unreachable", "who has it is not heard", "持有者失联"},
	{"damaged", "it is here, and cannot be read", "本机已有，但无法读取"},
	{"gap", "what comes before it is not here", "之前的增量尚缺"},
	{"waiting_gap", "what comes before it is not here", "之前的增量尚缺"},
	{"desynchronized", "what is offered does not join what is here",
	 "所提供的与本机不衔接"},
	{"stranger", "HQ's certificate of it is not here", "尚无总部的证书"},
	{"fork", "there is another delta with its number",
	 "同一编号已有另一增量"},
	{"forked", "that site has written two histories", "该站点有两段历史"},
	{"fenced", "HQ has ended that epoch before it", "总部已终止该纪元"},
	{"forged", "its signature is not that site's", "签名不是该站点的"},
	{"broken", "it does not follow what is here", "与前一增量不衔接"},
	{"garbled", "it is damaged", "内容已损坏"},
};

static const struct why voids[] = {
	{"rows", "the delta's rows cannot be read", "增量的行无法读取"},
	{"garbled", "the row cannot be read", "该行无法读取"},
	{"unsound", "it says what cannot be", "内容不成立"},
	{"founding", "it founds what was founded before", "重复的创始记录"},
	{"authority", "it is not that site's to say", "该站点无权记录"},
	{"overflow", "the sum would be too large", "合计超出范围"},
};

static const struct why *find(const struct why *table, size_t count,
			      struct span code)
{
	for (size_t i = 0; i < count; i++)
		if (span_is(code, table[i].code))
			return &table[i];
	return NULL;
}

const struct why *why_delta_find(struct span code)
{
	return find(deltas, ARRAY_LEN(deltas), code);
}

const struct why *why_void_find(struct span code)
{
	return find(voids, ARRAY_LEN(voids), code);
}

const struct why *why_delta_table(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(deltas);
	return deltas;
}

const struct why *why_void_table(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(voids);
	return voids;
}

void why_out(const struct why *why, struct json_out *out)
{
	if (why == NULL)
		return;
	out_string_at(out, "why", why->code);
	out_string_at(out, "why_en", why->en);
	out_string_at(out, "why_zh", why->zh);
}
