/*
 * The table of all verbs, in the order in which help shows them. It stands
 * above every module that gives it rows, and nothing includes it.
 */
#include "gateway/cli/verbs.h"

#include "gateway/cli/broker_access.h"
#include "gateway/cli/carry.h"
#include "gateway/cli/checks.h"
#include "gateway/cli/close.h"
#include "gateway/cli/configure.h"
#include "gateway/cli/decode.h"
#include "gateway/cli/errands.h"
#include "gateway/cli/forks.h"
#include "gateway/cli/goods.h"
#include "gateway/cli/help.h"
#include "gateway/cli/hq.h"
#include "gateway/cli/hq_ask.h"
#include "gateway/cli/join.h"
#include "gateway/cli/keep.h"
#include "gateway/cli/label.h"
#include "gateway/cli/look.h"
#include "gateway/cli/page.h"
#include "gateway/cli/peers.h"
#include "gateway/cli/people.h"
#include "gateway/cli/replay.h"
#include "gateway/cli/scan.h"
#include "gateway/cli/setup.h"
#include "gateway/cli/status.h"
#include "gateway/cli/top.h"
#include "gateway/cli/transfers.h"
#include "gateway/cli/work.h"

const struct verb_group verb_groups[] = {
	{"Looking",
	 "查看",
	 {status_verbs, look_verbs, top_verbs, decode_verbs}},
	{"Working",
	 "作业",
	 {work_verbs, scan_verbs, errand_verbs, check_verbs, transfer_verbs}},
	{"What is traded, and where it lies",
	 "商品与库位",
	 {goods_verbs, label_verbs}},
	{"People and devices",
	 "人员与设备",
	 {people_verbs, broker_access_verbs, page_verbs}},
	{"The network",
	 "网络",
	 {hq_verbs, hq_ask_verbs, fork_verbs, join_verbs, peers_verbs,
	  carry_verbs, close_verbs}},
	{"Setting up", "启用", {setup_verbs, configure_verbs}},
	{"Keeping the ledger", "账本维护", {keep_verbs, replay_verbs}},
	{"Help", "帮助", {help_verbs}},
};
const size_t verb_group_count = ARRAY_LEN(verb_groups);
