/* The operator page. A reading is kept in this browser, under its number,
 * until the box has acknowledged it: exactly as a scanner does. */
"use strict";

const OPS = ["receive", "putaway", "move", "pick", "count", "return",
	"pack", "ship", "scrap", "hold", "release", "transfer_out", "transfer_in"];
const OPS_FIRST = 5;
const PAST_MAX = 5;
const CODE_MAX = 600; /* longer than any that a box takes */
const QUEUE_MAX = 900; /* the box remembers 1,024 numbers */
const POLL_MS = 2500;
const AGAIN_MS = [500, 1000, 2000, 4000, 8000];
const LABEL = "DEPOT.";

const $ = (id) => document.getElementById(id);

/* ---- what this browser keeps ---- */

const store = {
	memory: {},
	works: true,
	get(name, otherwise) {
		try {
			const text = localStorage.getItem("depot." + name);
			return text === null ? (name in this.memory ? this.memory[name] : otherwise) : JSON.parse(text);
		} catch (error) {
			return name in this.memory ? this.memory[name] : otherwise;
		}
	},
	set(name, value) {
		this.memory[name] = value;
		try {
			localStorage.setItem("depot." + name, JSON.stringify(value));
		} catch (error) {
			this.works = false;
		}
	}
};

function random(size) {
	const bytes = crypto.getRandomValues(new Uint8Array(size));
	return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}

let lang = store.get("lang", (navigator.language || "").startsWith("zh") ? "zh" : "en");
let tab = "scan";
let state = null; /* what the box said last */
let tag = null;
let heard = 0; /* when it last answered; 0: never */
let paired = true;
let times = 1;
let last = store.get("last", null); /* {result, now, text_en, text_zh, next} */
let past = store.get("past", []);
let all_ops = false;
let bins = null;

/* ---- words ---- */

function w(path, ...fill) {
	let found = WORDS[lang];
	for (const step of path.split(".")) found = found === undefined ? undefined : found[step];
	return fill.reduce((text, one) => text.replace("{}", one), found === undefined ? "" : found);
}

/* The box writes for every terminal; a browser has the signs. */
const said = (thing) => (thing["text_" + lang] || thing.text_en || "").replace(/->/g, "→").replace(/(\d) x /g, "$1 × ");

function make(name, shape, ...inside) {
	const made = document.createElement(name);
	for (const key of Object.keys(shape || {})) {
		if (key === "on") for (const what of Object.keys(shape.on)) made.addEventListener(what, shape.on[what]);
		else if (key === "text") made.textContent = shape.text;
		else if (key in made && key !== "list") made[key] = shape[key];
		else made.setAttribute(key, shape[key]);
	}
	made.append(...inside.filter((one) => one));
	return made;
}

/* ---- the box ---- */

async function call(method, path, body, headers) {
	const limit = new AbortController();
	const timer = setTimeout(() => limit.abort(), 12000);
	try {
		const answer = await fetch(path, {
			method, cache: "no-store", credentials: "same-origin", signal: limit.signal,
			headers: Object.assign(body === undefined ? {} : {"Content-Type": "application/json"}, headers),
			body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
		});
		heard = Date.now();
		const text = await answer.text();
		return {status: answer.status, tag: answer.headers.get("ETag"), data: text === "" ? null : JSON.parse(text)};
	} catch (error) {
		return {status: 0, data: null};
	} finally {
		clearTimeout(timer);
	}
}

async function command(name, args, is_write) {
	const asked = is_write ? Object.assign({id: "p" + random(8)}, args) : args;
	let answer;
	for (const pause of [0, 700, 1500]) {
		if (pause) await new Promise((go) => setTimeout(go, pause));
		answer = await call("POST", "/api/command", {name, args: asked});
		if (answer.status !== 0 && answer.status !== 503 && answer.status !== 429) break;
	}
	if (answer.status === 401) unpair();
	return answer.data || {error: {text_en: WORDS.en.silent, text_zh: WORDS.zh.silent}};
}

/* ---- readings: kept, sent, acknowledged ---- */

/* When it happened, by the box's clock: a phone's may be anything. A reading
 * that is sent late is booked with its own time. */
function time_of() {
	const ahead = store.get("ahead", null);
	return ahead === null ? {} : {at: new Date(Date.now() + ahead).toISOString()};
}

/* "missing" tells of a number that the box has not got. */
const is_of = (each, one) => each.result !== "missing" && Number(each.seq) === one.seq;

const queue = {
	list: store.get("queue", []),
	is_sending: false,
	tries: 0,

	add(fields, words) {
		if (this.list.length >= QUEUE_MAX) {
			show({result: "refused", text_en: WORDS.en.full, text_zh: WORDS.zh.full});
			return;
		}
		let boot = store.get("boot", null);
		if (boot === null) {
			boot = "w" + random(10);
			store.set("boot", boot);
		}
		const seq = store.get("seq", 0) + 1;
		store.set("seq", seq);
		this.list.push({boot, seq, words, body: JSON.stringify(
			Object.assign({v: 1, boot, seq}, time_of(), fields))});
		this.keep();
		show({result: heard && !this.tries ? "sending" : "kept", text_en: words, text_zh: words});
		this.send();
	},

	keep() {
		store.set("queue", this.list);
		waiting();
	},

	/* True if the acknowledgement speaks of the reading. */
	covers(ack, one) {
		if (!ack || ack.boot !== one.boot) return false;
		if ((ack.except || []).some((each) => is_of(each, one))) return true;
		/* Taken, above a number that was given and never sent. */
		if (Number(ack.high) === one.seq) return true;
		return ack.upto !== null && Number(ack.from) <= one.seq && one.seq <= Number(ack.upto);
	},

	async send() {
		if (this.is_sending) return;
		this.is_sending = true;
		while (this.list.length > 0 && paired) {
			const one = this.list[0];
			const answer = await call("POST", "/api/scan", one.body);
			if (answer.status === 200 && this.covers(answer.data.ack, one)) {
				this.tries = 0;
				this.list.shift();
				this.keep();
				acknowledged(answer.data.ack, one);
				continue;
			}
			if (answer.status === 401) {
				unpair();
				break;
			}
			/* A reading that no box will ever take would stand in the way
			 * of all others. */
			if (answer.status === 400 || answer.status === 413) {
				this.list.shift();
				this.keep();
			}
			if (answer.data && answer.data.error && answer.status !== 503)
				show(Object.assign({result: "refused"}, answer.data.error));
			else if (this.tries > 0)
				show({result: "kept", text_en: one.words, text_zh: one.words});
			await new Promise((go) => setTimeout(go, AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)]));
			this.tries++;
			waiting();
		}
		this.is_sending = false;
		poll();
	}
};

function acknowledged(ack, one) {
	const except = (ack.except || []).find((each) => is_of(each, one));
	const session = ack.session || {};
	const told = except || session;
	const result = except ? except.result : session.what || "booked";
	const shown = {result, is_step: !except && result !== "booked", next: session.next,
		text_en: told.text_en || one.words, text_zh: told.text_zh || one.words};
	/* A session's sentence says more than that something is kept. */
	if (except && session.text_en && result === "parked") {
		shown.text_en = session.text_en;
		shown.text_zh = session.text_zh;
	}
	past.unshift({words: one.words, result, text_en: shown.text_en, text_zh: shown.text_zh});
	past = past.slice(0, PAST_MAX);
	store.set("past", past);
	show(shown);
	if (navigator.vibrate) navigator.vibrate(except ? [80, 60, 80] : 40);
}

/* ---- the scan view ---- */

const COLOURS = {booked: "good", duplicate: "wait", parked: "look", seq_reused: "look",
	camera: "look", refused: "bad", missing: "look", sending: "wait", kept: "wait",
	operation: "wait", bin: "wait", quantity: "wait", ref: "wait", counted: "wait",
	done: "wait", undone: "wait", join: "wait"};

function show(what) {
	if (what.next === undefined && last) what.next = last.next;
	last = what;
	store.set("last", last);
	draw_say();
	if (tab === "scan") scrollTo(0, 0);
}

function draw_say() {
	const session = state && state.session;
	const text = last ? said(last) : "";
	const doing = session && session.op ? [w("op." + session.op), session.bin, session.to].filter(Boolean).join(" · ") : "";
	$("say").className = "say " + (last ? COLOURS[last.result] || "wait" : "");
	$("say").dataset.result = last ? last.result : "";
	$("now").textContent = last ? [w("result." + last.result), doing].filter(Boolean).join(" — ") : doing;
	/* What was understood is big; behind it comes what to do. */
	const [big, ...rest] = text.split(/[;；] */);
	const hint = last && last.next ? w("next." + last.next) : "";
	$("big").textContent = big || w("what");
	$("big").classList.toggle("long", big.length > (lang === "zh" ? 26 : 48));
	$("next").textContent = last && (last.result === "booked" || last.is_step) && hint ? hint : rest.join("; ") || hint;
	$("past").replaceChildren(...past.slice(1).map((one) =>
		make("li", {}, make("b", {text: w("result." + one.result)}), said(one))));
}

function draw_ops() {
	const now = state && state.session ? state.session.op : "";
	$("other").hidden = now === "" || all_ops;
	$("ops").hidden = now !== "" && !all_ops;
	/* A button that is made anew under a thumb does not hear it. */
	const key = [lang, now, all_ops].join(" ");
	if ($("ops").dataset.key === key) return;
	$("ops").dataset.key = key;
	const list = all_ops ? OPS : OPS.slice(0, OPS_FIRST);
	const made = list.map((op) => make("button", {type: "button", text: w("op." + op),
		className: op === now ? "is-on" : "", "data-op": op, on: {click: () => choose(op)}}));
	if (list.length < OPS.length)
		made.push(make("button", {type: "button", text: w("more_ops"), id: "more-ops", on: {click: () => {
			all_ops = true;
			draw_ops();
		}}}));
	$("ops").replaceChildren(...made);
}

function choose(op) {
	queue.add({code: LABEL + "OP." + op.toUpperCase().replace("_", "-")}, w("op." + op));
	all_ops = false;
	$("code").focus({preventScroll: true});
}

function draw_times() {
	$("times").textContent = String(times);
	$("less").disabled = times <= 1;
}

/* A bin that was typed is as good as its label. */
function label_of(text) {
	if (text.startsWith(LABEL)) return text;
	const wanted = last && last.next === "bin";
	return wanted || (bins && bins.has(text)) ? LABEL + "BIN." + text : text;
}

function scan(seen) {
	/* A camera may see a whole page in one code. */
	const text = (seen.toWellFormed ? seen.toWellFormed() : seen).slice(0, CODE_MAX);
	const code = label_of(text);
	if (times > 1 && !code.startsWith(LABEL)) {
		queue.add({code: LABEL + "QTY." + times}, "× " + times);
		times = 1;
		draw_times();
	}
	queue.add({code}, text);
}

function waiting() {
	const count = queue.list.length;
	const is_shown = count > 0 && (queue.tries > 0 || !heard);
	$("waiting").hidden = !is_shown && store.works;
	$("waiting").textContent = (is_shown ? w("waiting", count) : "") + (store.works ? "" : " " + w("no_store"));
}

/* ---- the camera ---- */

const camera = {
	stream: null,
	seen: "",
	seen_at: 0,

	turn() {
		if (this.stream) this.close();
		else this.open();
	},

	async open() {
		if (!("BarcodeDetector" in window) || !navigator.mediaDevices) {
			show({result: "camera", text_en: WORDS.en.camera_none, text_zh: WORDS.zh.camera_none});
			return;
		}
		try {
			this.stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment"}});
		} catch (error) {
			show({result: "camera", text_en: WORDS.en.camera_denied, text_zh: WORDS.zh.camera_denied});
			return;
		}
		$("video").srcObject = this.stream;
		await $("video").play();
		$("camera-box").hidden = false;
		this.label("camera_off");
		this.look(new BarcodeDetector());
	},

	close() {
		if (this.stream) this.stream.getTracks().forEach((one) => one.stop());
		this.stream = null;
		$("camera-box").hidden = true;
		this.label("camera");
	},

	label(word) {
		$("camera").dataset.w = word;
		$("camera").textContent = w(word);
	},

	/* The same code counts again only after it has been out of sight. */
	async look(detector) {
		while (this.stream) {
			let found = [];
			try {
				found = await detector.detect($("video"));
			} catch (error) {
				found = [];
			}
			const now = Date.now();
			if (found.length > 0) {
				const text = found[0].rawValue;
				if (text !== this.seen || now - this.seen_at > 1500) scan(text);
				this.seen = text;
				this.seen_at = now;
			}
			await new Promise((go) => setTimeout(go, 150));
		}
	}
};

/* ---- tasks, names, box ---- */

function wrong(card, reply) {
	if (!reply.error) return false;
	const old = card.querySelector(".wrong");
	if (old) old.remove();
	card.append(make("p", {className: "wrong", text: said(reply.error)}));
	return true;
}

async function act(card, name, args) {
	card.querySelectorAll("button").forEach((one) => { one.disabled = true; });
	const reply = await command(name, args, true);
	card.querySelectorAll("button").forEach((one) => { one.disabled = false; });
	if (!wrong(card, reply)) tag = null;
	poll();
}

function count_now(task) {
	queue.add({code: LABEL + "OP.COUNT"}, w("op.count"));
	queue.add({code: LABEL + "BIN." + task.bin}, task.bin);
	turn("scan");
}

/* A site check's questions; @answers takes what is said to each. */
function question_field(one, i, answers) {
	const text = one["text_" + lang] || one.text_en || one.text_zh;
	if (one.answer === "number") {
		const input = make("input", {inputMode: "decimal", name: "answer-" + one.question, autocomplete: "off",
			on: {input: () => { answers[i] = input.value.trim(); }}});
		return make("label", {}, one.measure ? text + " (" + one.measure + ")" : text, input);
	}
	const words = ["yes", "no"].map((word) => make("button", {type: "button", text: w(word), "data-answer": word, on: {click: (event) => {
		answers[i] = word;
		words.forEach((other) => other.classList.toggle("is-on", other === event.currentTarget));
	}}}));
	return make("div", {className: "question"}, make("p", {text: text}), make("div", {className: "acts"}, ...words));
}

function finish(card, task, answers) {
	if (!task.check) act(card, "task.done", {task: task.id});
	else if (answers.some((one) => !one)) wrong(card, {error: {text_en: w("answer_all"), text_zh: w("answer_all")}});
	else act(card, "check.do", {check: task.id, answers: answers});
}

/* One question of a site check: its answer is a radio's or a number's. */
function question(one, task) {
	const name = task.id + "." + one.question;
	const label = make("legend", {text: said(one) + (one.measure ? " (" + one.measure + ")" : "")});
	if (one.answer === "number")
		return make("fieldset", {}, label, make("input", {name, inputMode: "decimal", required: true, autocomplete: "off"}));
	return make("fieldset", {}, label, make("div", {className: "yesno"}, ...["yes", "no"].map((value) =>
		make("label", {}, make("input", {type: "radio", name, value, required: true}), make("span", {text: w(value)})))));
}

async function check_open(task, card, place) {
	let asked = task.questions;
	if (!asked) {
		const reply = await command("check.show", {check: task.check});
		if (wrong(card, reply)) return;
		asked = reply.questions;
	}
	const note = make("input", {name: task.id + ".note", maxLength: 48, autocomplete: "off"});
	const form = make("form", {on: {submit: (event) => {
		event.preventDefault();
		const answers = asked.map((one) => new FormData(form).get(task.id + "." + one.question).trim().replace(",", "."));
		act(card, "check.do", Object.assign({check: task.id, answers}, note.value.trim() ? {note: note.value.trim()} : {}));
	}}}, ...asked.map((one) => question(one, task)),
	make("label", {}, w("note"), note), make("button", {className: "main", text: w("check_send")}));
	place.replaceWith(form);
}

function task_card(task) {
	const card = make("section", {className: "card", "data-task": task.id}, make("div", {className: "what", text: said(task)}));
	const acts = make("div", {className: "acts"});
	const mine = task.account === state.account;
	const answers = (task.questions || []).map(() => "");
	if (task.account && !mine) card.append(make("p", {text: w("claimed", task.account)}));
	if (task.kind === "check") {
		acts.append(make("button", {type: "button", text: w("check_go"), className: "main answer", on: {click: () => check_open(task, card, acts)}}));
		card.append(acts);
		return card;
	}
	if (task.state === "open")
		acts.append(make("button", {type: "button", text: w("claim"), className: "claim", on: {click: () => act(card, "task.claim", {task: task.id})}}));
	const is_count = (task.kind === "count" || task.kind === "recount") && task.bin;
	if (is_count)
		acts.append(make("button", {type: "button", text: w("count_now"), className: "main", on: {click: () => count_now(task)}}));
	acts.append(make("button", {type: "button", text: w("task_done"), className: is_count ? "finish" : "main finish", on: {click: () => finish(card, task, answers)}}));
	card.append(...(task.questions || []).map((one, i) => question_field(one, i, answers)), acts);
	return card;
}

function name_card(one) {
	const card = make("section", {className: "card", "data-number": one.number},
		make("div", {className: "code", text: one.wants || one.code}),
		make("p", {text: said(one)}),
		one.device ? make("p", {text: w("from_device", one.device)}) : null);
	if (!one.wants) {
		card.append(make("div", {className: "acts"}, make("button", {type: "button", text: w("retry"),
			on: {click: () => act(card, "parked.retry", {number: one.number})}})));
		return card;
	}
	const item = make("input", {list: "items", maxLength: 64, name: "item", autocomplete: "off", spellcheck: false});
	const pack = make("input", {type: "number", min: 1, value: 1, name: "pack", inputMode: "numeric"});
	card.append(make("form", {autocomplete: "off", on: {submit: (event) => {
		event.preventDefault();
		if (item.value.trim() !== "")
			act(card, "parked.name", {number: one.number, item: item.value.trim().split(" — ")[0], pack: Number(pack.value) || 1});
	}}}, make("label", {}, w("name_item"), item), make("label", {}, w("name_pack"), pack),
	make("button", {className: "main", text: w("name_go")})));
	return card;
}

/* Cards stay as they are while somebody types in them. */
function draw_list(place, rows, empty, build) {
	const key = lang + JSON.stringify(rows);
	if (place.dataset.key === key || place.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
	place.dataset.key = key;
	place.replaceChildren(...(rows.length > 0 ? rows.map(build) : [make("p", {className: "empty", text: empty})]));
}

function facts(rows) {
	return make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {text: name}), make("dd", {text: value})]));
}

function alert_card(one) {
	return make("section", {className: "card"}, make("div", {className: "what", text: said(one)}),
		make("p", {text: one["next_" + lang] || ""}));
}

function draw_box() {
	const health = state.health.map((code) => w("health." + code) || code);
	const key = lang + JSON.stringify([health, state.is_connected, state.alerts.alerts, state.device, state.account]);
	if ($("box-list").dataset.key !== key) {
		$("box-list").dataset.key = key;
		$("box-list").replaceChildren(
			make("section", {className: "card"},
				make("div", {className: "what", text: health.length > 0 ? health.join(lang === "zh" ? "；" : "; ") : w("well")}),
				facts([[w("broker"), w(state.is_connected ? "broker_up" : "broker_down")],
					[w("account"), state.account], [w("device"), state.device],
					[w("alerts"), state.alerts.alerts.length > 0 ? String(state.alerts.alerts.length) : w("no_alerts")]])),
			...state.alerts.alerts.map(alert_card));
	}
	$("join-form").hidden = !state.can_join;
	if (state.joining) $("join-say").textContent = said(state.joining);
}

async function items_load() {
	const list = await command("item.list", {limit: 1000});
	if (list.items)
		$("items").replaceChildren(...list.items.map((one) =>
			make("option", {value: one.item + ((lang === "zh" ? one.name_zh : one.name_en) ? " — " + ((lang === "zh" ? one.name_zh : one.name_en)) : "")})));
}

async function bins_load() {
	const list = await command("bin.list", {limit: 1000});
	if (list.bins) bins = new Set(list.bins.map((one) => one.bin));
}

/* ---- the whole ---- */

function badge(name, count) {
	const button = document.querySelector("[data-tab=" + name + "]");
	const old = button.querySelector("i");
	if (old) old.remove();
	if (count > 0) button.append(make("i", {text: String(count)}));
}

function draw_age() {
	const late = heard === 0 || Date.now() - heard > 3 * POLL_MS + 4000;
	const time = new Date(heard).toLocaleTimeString(lang === "zh" ? "zh-CN" : "en-GB");
	$("age").className = late ? "late" : "";
	$("age").textContent = !late ? w("as_of", time) : heard ? w("since", time) : w("silent");
}

function draw() {
	document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
	document.querySelectorAll("[data-w]").forEach((one) => {
		const mark = one.querySelector("i");
		one.textContent = w(one.dataset.w);
		if (mark) one.append(mark);
	});
	document.querySelectorAll("[data-a]").forEach((one) => one.setAttribute("aria-label", w(one.dataset.a)));
	$("lang").textContent = w("other");
	$("code").placeholder = w("code");
	$("code").setAttribute("aria-label", w("code"));
	$("tabs").hidden = !paired;
	for (const name of ["scan", "tasks", "names", "box"]) {
		$(name).hidden = !paired || tab !== name;
		document.querySelector("[data-tab=" + name + "]").classList.toggle("is-on", tab === name);
	}
	$("pair").hidden = paired;
	if (!paired && $("pair-say").dataset.key !== lang) {
		$("pair-say").dataset.key = lang;
		$("pair-say").replaceChildren(w("pair_first"), make("small", {text: w("pair_how")}), make("code", {text: "sudo depot page pair --account " + w("pair_name")}));
	}
	draw_age();
	draw_times();
	draw_say();
	draw_ops();
	waiting();
	if (state) draw_state();
}

function draw_state() {
	$("title").textContent = state.title || state.site;
	document.title = (state.title || state.site) + " · depot";
	badge("tasks", state.tasks.tasks.length);
	badge("names", state.parked.parked.length);
	draw_list($("task-list"), state.tasks.tasks, w("no_tasks"), task_card);
	draw_list($("name-list"), state.parked.parked, w("no_names"), name_card);
	draw_box();
}

function turn(name) {
	tab = name;
	if (name !== "scan") camera.close();
	if (name === "names") items_load();
	draw();
	scrollTo(0, 0);
}

function unpair() {
	paired = false;
	$("pair-say").className = "say";
	$("pair-say").dataset.key = "";
	state = null;
	tag = null;
	draw();
}

async function poll() {
	if (!paired) return;
	const asked = Date.now();
	const answer = await call("GET", "/api/state", undefined, tag ? {"If-None-Match": tag} : {});
	if (answer.status === 401) {
		unpair();
	} else if (answer.status === 200) {
		const is_first = state === null;
		state = answer.data;
		tag = answer.tag;
		store.set("ahead", state.as_of === null ? null : Date.parse(state.as_of) - (asked + Date.now()) / 2);
		if (is_first) {
			if (store.get("lang", null) === null && !(navigator.language || "").startsWith("zh")) lang = state.lang;
			bins_load();
		}
		draw();
	}
	draw_age();
	if (answer.status !== 0 && queue.list.length > 0) queue.send();
}

async function pair(code) {
	const answer = await call("POST", "/api/pair", {code});
	if (answer.status === 200) {
		paired = true;
		tag = null;
		$("pair-code").value = "";
		await poll();
		queue.send();
		return;
	}
	const error = answer.data && answer.data.error;
	$("pair-say").className = "say bad";
	$("pair-say").dataset.key = lang;
	$("pair-say").textContent = error ? said(error) : w("silent");
}

/* A code that was used by this very browser is no reason to stop. */
async function still_paired() {
	const answer = await call("GET", "/api/state");
	paired = answer.status === 200;
	if (paired) await poll();
	else draw();
}

function listen() {
	$("lang").addEventListener("click", () => {
		lang = lang === "en" ? "zh" : "en";
		store.set("lang", lang);
		draw();
	});
	document.querySelectorAll("[data-tab]").forEach((one) => one.addEventListener("click", () => turn(one.dataset.tab)));
	$("scan-form").addEventListener("submit", (event) => {
		event.preventDefault();
		const text = $("code").value.trim();
		$("code").value = "";
		if (text !== "") scan(text);
	});
	$("less").addEventListener("click", () => { times = Math.max(1, times - 1); draw_times(); });
	$("more").addEventListener("click", () => { times = Math.min(999, times + 1); draw_times(); });
	$("undo").addEventListener("click", () =>
		queue.add(state && !state.session ? {op: "undo"} : {code: LABEL + "UNDO"}, w("undo")));
	$("done").addEventListener("click", () => queue.add({code: LABEL + "DONE"}, w("done")));
	$("other").addEventListener("click", () => {
		all_ops = true;
		draw_ops();
	});
	$("camera").addEventListener("click", () => camera.turn());
	$("pair-form").addEventListener("submit", (event) => {
		event.preventDefault();
		pair($("pair-code").value);
	});
	$("join-form").addEventListener("submit", async (event) => {
		event.preventDefault();
		const answer = await call("POST", "/api/join", {code: $("join-code").value.trim()});
		const error = answer.data && answer.data.error;
		$("join-say").textContent = error ? said(error) : answer.status === 200 ? said(answer.data) || w("join_done") : w("silent");
	});
	$("leave").addEventListener("click", async () => {
		if ($("leave").dataset.sure !== "yes") {
			$("leave").dataset.sure = "yes";
			$("leave").textContent = w("leave_sure");
			return;
		}
		$("leave").dataset.sure = "";
		await call("POST", "/api/leave", {});
		unpair();
	});
	document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
}

async function begin() {
	const code = /^#pair=([0-9A-Za-z-]+)$/.exec(location.hash);
	listen();
	draw();
	if (code) {
		history.replaceState(null, "", "/");
		paired = false;
		await pair(code[1]);
		if (!paired) await still_paired();
	} else {
		await poll();
	}
	queue.send();
	setInterval(() => { if (!document.hidden) poll(); else draw_age(); }, POLL_MS);
	setInterval(draw_age, 1000);
}

/* Two tabs would give one number twice. */
if (navigator.locks) {
	navigator.locks.request("depot", {ifAvailable: true}, (lock) => {
		if (lock === null) {
			$("pair").hidden = false;
			$("pair-form").hidden = true;
			$("pair-say").textContent = w("other_tab");
			return undefined;
		}
		begin();
		return new Promise(() => {}); /* held as long as the tab lives */
	});
} else {
	begin();
}
