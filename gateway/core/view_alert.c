#include "gateway/core/view.h"

/* Sorted by code. A new alert is an entry here and a line in the operating
 * guide; a code never changes its meaning. */
static const struct alert_text alert_texts[] = {
	{
		"audit_failed",
		"The audit found that the books do not add up[: {n} findings].",
		"审计发现账目不平[：{n} 项]。",
		"Run `depot audit` to see each finding, make a backup, and "
		"call whoever looks after the box. Scanning goes on.",
		"运行 depot audit 查看每一项，先做备份，并通知维护人员。"
		"扫描可以继续。",
	},
	{
		"broker_down",
		"There is no connection to the broker: devices cannot reach "
		"the box.",
		"与代理没有连接：设备无法连到本机。",
		"Run `systemctl status depot-broker`, and see whether another "
		"program has its port. Devices that wait for their "
		"acknowledgement send again by themselves.",
		"运行 systemctl status depot-broker，并检查端口是否被其他程序"
		"占用。等待回执的设备会自动重发。",
	},
	{
		"broker_dropped",
		"The broker dropped[ {n}] messages because a queue was full.",
		"代理因队列已满丢弃了[ {n} 条]消息。",
		"Devices that wait for their acknowledgement send again by "
		"themselves. Find the client that does not read (mosquitto's "
		"log names it) and restart or remove it.",
		"等待回执的设备会自动重发。请在 mosquitto 日志中找出不读取"
		"消息的客户端，重启或移除它。",
	},
	{
		"check_failed",
		"Check {} found something that is not as it should be[: {n} "
		"answers].",
		"检查 {} 发现异常[：{n} 项]。",
		"See what was answered with `depot check history {}`, put it "
		"right, and check again: `depot check do {}`. The alert ends "
		"with the first result that is in order.",
		"用 depot check history {} 查看结果，处理后重新检查：depot "
		"check do {}。结果正常后告警自动关闭。",
	},
	{
		"check_overdue",
		"Check {} was due and has not been done[, {n} minutes of grace "
		"included].",
		"检查 {} 已到期仍未完成[（已含 {n} 分钟宽限）]。",
		"Do it now: `depot check do {}`, or the task on a scanner's or "
		"page's list. The alert says since when it is due.",
		"请立即完成：depot check do {}，或在任务列表中完成。告警时间"
		"即应检时间。",
	},
	{
		"clock_untrusted",
		"The clock has not been set since the box started.",
		"盒子启动后时钟尚未校准。",
		"Movements are booked as always; expiry dates and the age of "
		"figures are not vouched for. Connect a time server (NTP), or "
		"set the clock.",
		"移动照常记账；但保质期和数据时效无法保证。请连接时间服务器"
		"（NTP）或手动校时。",
	},
	{
		"died_twice",
		"depot stopped twice while reading one message of {}; the "
		"message was put aside unread.",
		"程序在读取 {} 的一条消息时两次中断；该消息已原样搁置。",
		"Look at it with `depot parked list`, and report it: this is "
		"a mistake in depot.",
		"用 depot parked list 查看并上报：这是程序的缺陷。",
	},
	{
		"feed_stuck",
		"Deltas of a site do not come in: {} (site.epoch: first-last, "
		"why, from whom).",
		"有站点的增量无法接收：{}（站点.纪元: 起-止，原因，来源）。",
		"All else goes on, and what came before stands. `depot peers` "
		"shows whether it still is so; it ends by itself when the "
		"range has come. If it stays, `depot hq sites` at HQ tells "
		"what to do with that site.",
		"其他数据不受影响，此前的记录有效。用 depot peers 查看是否仍然"
		"如此；收齐后自动关闭。若持续存在，请在总部用 depot hq sites "
		"处理该站点。",
	},
	{
		"link_down",
		"Link {} has not reached its broker for a while.",
		"链路 {} 已有一段时间无法连到其代理。",
		"The site works on, and sends what waits when the link is "
		"back. Look at the line, the modem and the address in [link "
		"{}]; `depot status` says how long the ledger has room.",
		"站点照常工作，恢复后自动补发。请检查线路、调制解调器和 [link "
		"{}] 中的地址；depot status 显示账本还能用多久。",
	},
	{
		"link_not_running",
		"Link {} is configured, and its process is not running.",
		"链路 {} 已配置，但其进程未运行。",
		"Start it: `systemctl enable --now depot-link@{}`; its log: "
		"`journalctl -u depot-link@{}`.",
		"请启动：systemctl enable --now "
		"depot-link@{}；日志：journalctl "
		"-u depot-link@{}。",
	},
	{
		"link_spent",
		"Link {} has used up its bytes of today.",
		"链路 {} 今日的流量已用完。",
		"Until midnight (UTC) it brings what others send and carries "
		"heads and alarms; what is booked here waits. If that is too "
		"long, raise `budget` in [link {}], or carry a stick "
		"(`depot export`).",
		"至零点（UTC）前，该链路只发送状态和警报；本机登记的内容留待之"
		"后发送。如不能等待，请提高 [link {}] 的 budget，或用 U 盘带出"
		"（depot export）。",
	},
	{
		"parked_lost",
		"Parked readings had to be dropped[ ({n})]: there were more "
		"than may be kept.",
		"搁置的读数超出上限，已丢弃[ {n} 条]。",
		"Name the unknown codes and devices that `depot parked list` "
		"shows, so that their readings are booked; the journal has a "
		"record of what was lost.",
		"请为 depot parked list 中的未知条码和设备命名，使其读数得以"
		"记账；日记账中有丢失记录。",
	},
	{
		"ring_full",
		"Readings come in faster than they can be booked[: {n} wait].",
		"读数到达的速度超过记账速度[：{n} 条等待中]。",
		"Nothing is lost: the broker keeps them. If this lasts longer "
		"than a few minutes, look at the disk with `depot top`.",
		"数据不会丢失：代理会保留。如持续数分钟以上，请用 depot top "
		"检查磁盘。",
	},
	{
		"seq_reused",
		"Device {} used a sequence number again for another reading.",
		"设备 {} 用同一序号发送了不同的读数。",
		"The reading was kept and not booked. Give the device a boot "
		"id that changes at each start, then look at `depot parked "
		"list`.",
		"该读数已保留，未记账。请让设备每次启动更换 boot 标识，然后"
		"查看 depot parked list。",
	},
	{
		"silent_device",
		"Device {} has not been heard of[ for {n} s].",
		"设备 {} [已 {n} 秒]没有消息。",
		"Check its power, its battery and the network; if it is no "
		"longer in use, `depot device revoke {}`.",
		"请检查其电源、电池和网络；若已停用，运行 depot device "
		"revoke {}。",
	},
	{
		"site_ended",
		"HQ has ended this box's feed: {} (epoch: last delta that "
		"counts, how).",
		"总部已终止本机的记录：{}（纪元: 最后有效的增量，方式）。",
		"What is booked here goes on being kept, and counts nowhere "
		"else from there on. Ask HQ: `depot hq sites` there says what "
		"was done. If this box is to go on, HQ invites it anew "
		"(`depot hq invite --replace`), and it is set up again.",
		"本机登记的内容继续保留，但自该增量之后在别处均不计入。请询问总"
		"部："
		"在总部用 depot hq sites 查看原因。若本机要继续使用，由总部重新"
		"邀请（depot hq invite --replace），再重新设置本机。",
	},
	{
		"store_filling",
		"At the rate of the last day the ledger is full[ in {n} "
		"hours].",
		"按最近一天的速度，账本[将在 {n} 小时后]写满。",
		"Give the store more room with `depot resize` while the "
		"daemon is stopped. Until then all goes on.",
		"请在停止服务后用 depot resize 扩大账本。在此之前一切照常。",
	},
	{
		"store_full",
		"The ledger is full: readings are refused.",
		"账本已满：读数被拒绝。",
		"Stop the daemon, give the store more room with `depot "
		"resize`, and start it again. Devices send again by "
		"themselves.",
		"请停止服务，用 depot resize 扩大账本后重新启动。设备会自动"
		"重发。",
	},
	{
		"transfer_late",
		"Transfer {} was expected and has not come in full.",
		"调拨单 {} 已过预计到货日，尚未全部到货。",
		"See what is still in transit with `depot transfer show {}` "
		"and ask its carrier. The addressee closes it when no more "
		"will come; one that is lost as a whole HQ closes: `depot hq "
		"write-off {}`.",
		"用 depot transfer show {} 查看在途货物并联系承运商。不会再到"
		"货时由收货方关闭；整单丢失时由总部执行 depot hq write-off "
		"{}。",
	},
};

const struct alert_text *alert_text_table(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(alert_texts);
	return alert_texts;
}

const struct alert_text *alert_text_find(struct span code)
{
	for (size_t i = 0; i < ARRAY_LEN(alert_texts); i++)
		if (span_is(code, alert_texts[i].code))
			return &alert_texts[i];
	return NULL;
}
