#include "gateway/config_table.h"

#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* The field that a directive fills. A field that is missing or was renamed
 * does not compile. */
#define FIELD(member)                              \
	.offset = offsetof(struct config, member), \
	.size = sizeof(((struct config *)NULL)->member)

/* The same of a link. */
#define LINK_FIELD(member) .is_of_link = true, FIELD(links[0].member)

static const char *const lang_words[] = {"en", "zh", NULL};
static const char *const mode_words[] = {"managed", "external", NULL};
static const char *const start_words[] = {"unit", "child", NULL};
static const char *const shown_words[] = {"none", "status", "stock", NULL};
static const char *const level_words[] = {"error", "warning", "notice",
					  "info",  "debug",   NULL};

/* Directives of one section stand together: the printed order is this one. */
const struct directive config_table[] = {
	{
		"site",
		"org",
		DIRECTIVE_NAME,
		FIELD(site.org),
		.help_en = "The organisation: the first level of every topic.",
		.help_zh = "组织名：所有主题的第一级。",
	},
	{
		"site",
		"site",
		DIRECTIVE_NAME,
		FIELD(site.site),
		.help_en = "This warehouse's name, the second level of its "
			   "topics. Never give it to another site.",
		.help_zh = "本仓库的名字，主题的第二级。不得与其他站点重名。",
	},
	{
		"site",
		"name",
		DIRECTIVE_TEXT,
		FIELD(site.name),
		.initial = "",
		.help_en = "What people call this warehouse, on labels and "
			   "pages.",
		.help_zh = "标签和页面上显示的仓库名称。",
	},
	{
		"site",
		"timezone",
		DIRECTIVE_ZONE,
		FIELD(site.timezone),
		.initial = "UTC",
		.help_en = "IANA time zone (Asia/Shanghai) that decides days, "
			   "cut-offs and calendars. What is stored and "
			   "published is UTC.",
		.help_zh = "IANA 时区（如 Asia/Shanghai），决定日界、截单和"
			   "日历；存储和发布一律用 UTC。",
	},
	{
		"site",
		"lang",
		DIRECTIVE_WORD,
		FIELD(site.lang),
		.initial = "en",
		.words = lang_words,
		.help_en = "Language of printed texts where only one fits.",
		.help_zh = "只能用一种语言时所用的语言。",
	},

	{
		"store",
		"path",
		DIRECTIVE_PATH,
		FIELD(store.path),
		.initial = "/var/lib/depot/store",
		.help_en = "The folder of the ledger. `depot init` makes it.",
		.help_zh = "账本所在文件夹，由 depot init 创建。",
	},
	{
		"store",
		"map_size",
		DIRECTIVE_SIZE,
		FIELD(store.map_size),
		.initial = "1 GiB",
		.min = 64 * MIB,
		.max = TIB,
		.help_en = "Room for the ledger, taken on the disk when it is "
			   "made. Later only `depot resize` changes it.",
		.help_zh = "账本空间，创建时即在磁盘上占用；以后只能用 "
			   "depot resize 修改。",
	},
	{
		"store",
		"batch_max",
		DIRECTIVE_INTEGER,
		FIELD(store.batch_max),
		.initial = "256",
		.min = 1,
		.max = 4096,
		.unit = "readings",
		.help_en = "Most readings in one commit.",
		.help_zh = "一次提交最多包含的读数。",
	},
	{
		"store",
		"batch_ms",
		DIRECTIVE_INTEGER,
		FIELD(store.batch_ms),
		.initial = "5",
		.min = 0,
		.max = 100,
		.unit = "ms",
		.help_en = "Longest wait for more readings before a commit "
			   "under load; an idle box commits at once.",
		.help_zh = "高负载时提交前最多等待的时间；空闲时立即提交。",
	},
	{
		"store",
		"audit_hours",
		DIRECTIVE_INTEGER,
		FIELD(store.audit_hours),
		.initial = "24",
		.min = 0,
		.max = 744,
		.unit = "h",
		.help_en = "How often the ledger is audited in the "
			   "background, and read again row by row; 0 is never. "
			   "The first audit is a minute after the start, when "
			   "no reading waits.",
		.help_zh = "后台审计账本并逐行重读的间隔；0 表示不审计。首次"
			   "审计在启动一分钟后、没有读数等待时进行。",
	},
	{
		"store",
		"parked_max_count",
		DIRECTIVE_INTEGER,
		FIELD(store.parked_max_count),
		.initial = "10000",
		.min = 100,
		.max = 1000000,
		.unit = "",
		.help_en = "Most parked inputs kept. What falls out leaves a "
			   "loss record.",
		.help_zh = "最多保留的待处理输入；超出的会留下丢失记录。",
	},
	{
		"store",
		"parked_max_bytes",
		DIRECTIVE_SIZE,
		FIELD(store.parked_max_bytes),
		.initial = "16 MiB",
		.min = MIB,
		.max = GIB,
		.help_en = "Most bytes of parked inputs kept.",
		.help_zh = "待处理输入最多占用的字节数。",
	},
	{
		"store",
		"observation_hours",
		DIRECTIVE_INTEGER,
		FIELD(store.observation_hours),
		.initial = "72",
		.min = 1,
		.max = 8760,
		.unit = "h",
		.help_en = "How long raw shelf and tag observations are kept.",
		.help_zh = "货架和标签原始观测的保留时间。",
	},

	{
		"runtime",
		"dir",
		DIRECTIVE_PATH,
		FIELD(runtime.dir),
		.initial = "/run/depot",
		.help_en = "Folder of the intake ring and the sockets; must "
			   "outlive a restart of the daemon, not a reboot.",
		.help_zh = "接收环和套接字所在文件夹；须在守护进程重启后保留，"
			   "重启机器后可清空。",
	},

	{
		"intake",
		"ring_slots",
		DIRECTIVE_INTEGER,
		FIELD(intake.ring_slots),
		.initial = "1024",
		.min = 64,
		.max = 65536,
		.unit = "slots",
		.help_en = "Readings that the intake ring holds, 4 KiB each.",
		.help_zh = "接收环可容纳的读数，每个 4 KiB。",
	},
	{
		"intake",
		"receive_maximum",
		DIRECTIVE_INTEGER,
		FIELD(intake.receive_maximum),
		.initial = "100",
		.min = 1,
		.max = 10000,
		.unit = "readings",
		.help_en = "Readings that the broker may send before the "
			   "first is acknowledged; at most a quarter of "
			   "ring_slots.",
		.help_zh = "首条被确认之前代理可发送的读数；不超过 ring_slots "
			   "的四分之一。",
	},
	{
		"intake",
		"session_expiry",
		DIRECTIVE_DURATION,
		FIELD(intake.session_expiry_ms),
		.initial = "168 h",
		.min = MINUTE,
		.max = 8760 * HOUR,
		.help_en = "How long the broker queues readings for a depotd "
			   "that is away.",
		.help_zh = "depotd 离线时代理为其保留读数的时间。",
	},
#include "gateway/config_table_broker.def"

	{
		"publish",
		"rate_per_item_per_s",
		DIRECTIVE_INTEGER,
		FIELD(publish.rate_per_item_per_s),
		.is_live = true,
		.initial = "10",
		.min = 1,
		.max = 1000,
		.unit = "per second",
		.help_en = "Most messages for one item in a second; the last "
			   "value wins.",
		.help_zh = "每个物料每秒最多发布的消息；以最后的值为准。",
	},
	{
		"publish",
		"fresh_for_s",
		DIRECTIVE_INTEGER,
		FIELD(publish.fresh_for_s),
		.is_live = true,
		.initial = "180",
		.min = 1,
		.max = 86400,
		.unit = "s",
		.help_en = "How long subscribers may call a stock value "
			   "fresh without asking.",
		.help_zh = "订阅者可以把库存值视为新鲜的时间。",
	},
	{
		"publish",
		"chunk_rows",
		DIRECTIVE_INTEGER,
		FIELD(publish.chunk_rows),
		.initial = "100",
		.min = 1,
		.max = 1000,
		.unit = "rows",
		.help_en = "Most rows in one chunk of the snapshot; a chunk "
			   "is never longer than 3,500 bytes either way.",
		.help_zh = "快照每块最多的行数；每块总不超过 3500 字节。",
	},
	{
		"publish",
		"chunk_interval",
		DIRECTIVE_DURATION,
		FIELD(publish.chunk_interval_ms),
		.is_live = true,
		.initial = "1 s",
		.min = 100,
		.max = MINUTE,
		.help_en = "Least time between two publications of one chunk.",
		.help_zh = "同一块两次发布之间的最短间隔。",
	},
	{
		"publish",
		"status_interval",
		DIRECTIVE_DURATION,
		FIELD(publish.status_interval_ms),
		.is_live = true,
		.initial = "60 s",
		.min = SECOND,
		.max = HOUR,
		.help_en = "Longest time between two status messages.",
		.help_zh = "两条状态消息之间最长的间隔。",
	},
	{
		"publish",
		"sites",
		DIRECTIVE_WORD,
		FIELD(publish.sites),
		.initial = "status",
		.words = shown_words,
		.help_en =
			"At HQ, what is published of each other site on its "
			"own topics. status: status, alerts and checks. "
			"stock: each item, too. none: where a site's own box "
			"publishes at the same broker.",
		.help_zh =
			"总部为其他各站点发布的主题。status：状态、告警和检查；"
			"stock：另加每种商品；none：站点自身也在同一代理上发布"
			"时"
			"使用。",
	},

	{
		"scanner",
		"session_timeout",
		DIRECTIVE_DURATION,
		FIELD(scanner.session_timeout_ms),
		.initial = "5 min",
		.min = 10 * SECOND,
		.max = 24 * HOUR,
		.help_en = "A scanner session ends after this long without a "
			   "scan.",
		.help_zh = "扫描会话多久没有扫描即结束。",
	},
	{
		"scanner",
		"blind_recount_threshold",
		DIRECTIVE_INTEGER,
		FIELD(scanner.blind_recount_threshold),
		.initial = "20",
		.min = 0,
		.max = 1000000000,
		.unit = "units",
		.help_en = "A count that differs from the book by more than "
			   "this is counted again, without showing the book.",
		.help_zh = "盘点与账面相差超过此数时须再次盲盘。",
	},
	{
		"scanner",
		"blind_recount_percent",
		DIRECTIVE_INTEGER,
		FIELD(scanner.blind_recount_percent),
		.initial = "0",
		.min = 0,
		.max = 100,
		.unit = "%",
		.help_en = "And by more than this share of the book; 0 leaves "
			   "the threshold alone to decide.",
		.help_zh = "且相差超过账面的此百分比；0 表示只看阈值。",
	},

	{
		"rfid",
		"hold",
		DIRECTIVE_DURATION,
		FIELD(rfid.hold_ms),
		.initial = "10 s",
		.min = 100,
		.max = HOUR,
		.help_en = "A tag that is read again within this time is one "
			   "observation.",
		.help_zh = "在此时间内再次读到的标签算作同一次观测。",
	},

	{
		"http",
		"address",
		DIRECTIVE_ADDRESS,
		FIELD(http.address),
		.initial = "127.0.0.1",
		.help_en = "Address of /metrics and /healthz.",
		.help_zh = "/metrics 和 /healthz 的监听地址。",
	},
	{
		"http",
		"port",
		DIRECTIVE_INTEGER,
		FIELD(http.port),
		.initial = "0",
		.min = 0,
		.max = 65535,
		.unit = "",
		.help_en = "Port of /metrics and /healthz; 0 is none.",
		.help_zh = "/metrics 和 /healthz 的端口；0 表示不开。",
	},

	{
		"page",
		"enabled",
		DIRECTIVE_BOOL,
		FIELD(page.is_on),
		.initial = "no",
		.help_en = "Serves the operator page to phones on the "
			   "warehouse's own network, over HTTPS. `depot page "
			   "on` sets it.",
		.help_zh = "通过 HTTPS 向仓库内网的手机提供操作页面；"
			   "可用 depot page on 打开。",
	},
	{
		"page",
		"address",
		DIRECTIVE_ADDRESS,
		FIELD(page.address),
		.initial = "0.0.0.0",
		.help_en = "Address that the operator page listens on; "
			   "127.0.0.1 is for this machine alone.",
		.help_zh = "操作页面监听的地址；127.0.0.1 仅限本机。",
	},
	{
		"page",
		"port",
		DIRECTIVE_INTEGER,
		FIELD(page.port),
		.initial = "8443",
		.min = 1,
		.max = 65535,
		.unit = "",
		.help_en = "Port of the operator page.",
		.help_zh = "操作页面的端口。",
	},

	{
		"control",
		"socket",
		DIRECTIVE_PATH,
		FIELD(control.socket),
		.initial = "",
		.help_en = "Socket on which depotd takes the commands of "
			   "`depot`; if unset, control.sock in the runtime "
			   "folder.",
		.help_zh = "depotd 接收 depot 命令的套接字；不设则为运行文件夹"
			   "中的 control.sock。",
	},

	{
		"log",
		"level",
		DIRECTIVE_WORD,
		FIELD(log.level),
		.is_live = true,
		.initial = "info",
		.words = level_words,
		.help_en = "The least important messages that are logged.",
		.help_zh = "记录日志的最低级别。",
	},

	{
		"limits",
		"items_max",
		DIRECTIVE_INTEGER,
		FIELD(limits.items_max),
		.initial = "100000",
		.min = 1000,
		.max = 10000000,
		.unit = "items",
		.help_en = "Most items; memory is taken for them at start.",
		.help_zh = "物料数上限；启动时为其预留内存。",
	},
#include "gateway/config_table_link.def"
};

const size_t config_table_count = ARRAY_LEN(config_table);

_Static_assert(ARRAY_LEN(config_table) <= CONFIG_DIRECTIVES_MAX,
	       "config.origin has a place for each directive");

const struct directive *directive_find_first(const char *section)
{
	for (size_t i = 0; i < config_table_count; i++) {
		if (strcmp(config_table[i].section, section) == 0)
			return &config_table[i];
	}
	return NULL;
}

const struct directive *directive_find(const char *section, const char *name)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];

		if (strcmp(directive->section, section) == 0 &&
		    strcmp(directive->name, name) == 0)
			return directive;
	}
	return NULL;
}

size_t directive_index(const struct directive *directive)
{
	return (size_t)(directive - config_table);
}
