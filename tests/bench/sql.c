#include "tests/bench/sql.h"

#include <sqlite3.h>

#include "tests/bench/bench.h"

#define PLACE_PICKED 1000000
#define PLACE_OUTSIDE 1000001

enum statement { JOURNAL, BALANCE, SEEN, STATEMENTS };

static const char *const texts[STATEMENTS] = {
	[JOURNAL] = "INSERT INTO journal (pos, bytes) VALUES (?1, ?2)",
	[BALANCE] = "INSERT INTO balance (item, place, units, pos)"
		    " VALUES (?1, ?2, ?3, ?4)"
		    " ON CONFLICT (item, place) DO UPDATE"
		    " SET units = units + excluded.units, pos = excluded.pos",
	[SEEN] = "INSERT INTO seen (device, slot, seq, content, result, pos)"
		 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
		 " ON CONFLICT (device, slot) DO UPDATE"
		 " SET seq = excluded.seq, content = excluded.content,"
		 " result = excluded.result, pos = excluded.pos",
};

struct sql {
	sqlite3 *base;
	sqlite3_stmt *statements[STATEMENTS];
};

static void run(struct sql *sql, const char *text)
{
	if (sqlite3_exec(sql->base, text, NULL, NULL, NULL) != SQLITE_OK)
		bench_die("%s: %s", text, sqlite3_errmsg(sql->base));
}

struct sql *sql_open(const char *path)
{
	struct sql *sql = calloc(1, sizeof(*sql));

	if (sql == NULL || sqlite3_open(path, &sql->base) != SQLITE_OK)
		bench_die("cannot open %s", path);
	run(sql, "PRAGMA journal_mode = WAL");
	run(sql, "PRAGMA synchronous = FULL");
	run(sql, "CREATE TABLE journal (pos INTEGER PRIMARY KEY, bytes BLOB)");
	run(sql, "CREATE TABLE balance (item INTEGER, place INTEGER,"
		 " units INTEGER, pos INTEGER,"
		 " PRIMARY KEY (item, place)) WITHOUT ROWID");
	run(sql, "CREATE TABLE seen (device INTEGER, slot INTEGER,"
		 " seq INTEGER, content INTEGER, result INTEGER, pos INTEGER,"
		 " PRIMARY KEY (device, slot)) WITHOUT ROWID");
	for (size_t i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(sql->base, texts[i], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &sql->statements[i], NULL) != SQLITE_OK)
			bench_die("%s: %s", texts[i],
				  sqlite3_errmsg(sql->base));
	return sql;
}

void sql_close(struct sql *sql)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(sql->statements[i]);
	(void)sqlite3_close(sql->base);
	free(sql);
}

void sql_begin(struct sql *sql)
{
	run(sql, "BEGIN IMMEDIATE");
}

void sql_commit(struct sql *sql)
{
	run(sql, "COMMIT");
}

static void step(struct sql *sql, enum statement which)
{
	if (sqlite3_step(sql->statements[which]) != SQLITE_DONE)
		bench_die("%s: %s", texts[which], sqlite3_errmsg(sql->base));
	(void)sqlite3_reset(sql->statements[which]);
}

static void bind(struct sql *sql, enum statement which, int at, int64_t value)
{
	(void)sqlite3_bind_int64(sql->statements[which], at, value);
}

static void balance_add(struct sql *sql, const struct load_reading *reading,
			uint32_t place, int64_t units, uint32_t pos)
{
	bind(sql, BALANCE, 1, reading->item);
	bind(sql, BALANCE, 2, place);
	bind(sql, BALANCE, 3, units);
	bind(sql, BALANCE, 4, pos);
	step(sql, BALANCE);
}

static void balances_move(struct sql *sql, const struct load_reading *reading,
			  uint32_t pos)
{
	uint32_t from = reading->kind == MOVEMENT_RECEIVE ? PLACE_OUTSIDE
			: reading->kind == MOVEMENT_PICK  ? reading->bin
							  : PLACE_PICKED;
	uint32_t to = reading->kind == MOVEMENT_RECEIVE ? reading->bin
		      : reading->kind == MOVEMENT_PICK  ? PLACE_PICKED
							: PLACE_OUTSIDE;

	balance_add(sql, reading, from, -reading->units, pos);
	balance_add(sql, reading, to, reading->units, pos);
}

void sql_post(struct sql *sql, const struct load *load, uint32_t index)
{
	struct load_reading reading = load_reading(load, index);
	uint8_t bytes[ENTRY_SIZE_MAX];
	struct writer writer;
	struct entry entry;
	uint32_t pos = index + 1;

	load_entry(load, index, &entry);
	writer_init(&writer, bytes, sizeof(bytes));
	entry_encode(&writer, &entry);
	bind(sql, JOURNAL, 1, pos);
	(void)sqlite3_bind_blob(sql->statements[JOURNAL], 2, bytes,
				(int)writer.size, SQLITE_STATIC);
	step(sql, JOURNAL);
	balances_move(sql, &reading, pos);
	bind(sql, SEEN, 1, 1);
	bind(sql, SEEN, 2, index % SEEN_WINDOW);
	bind(sql, SEEN, 3, pos);
	bind(sql, SEEN, 4, index);
	bind(sql, SEEN, 5, 1);
	bind(sql, SEEN, 6, pos);
	step(sql, SEEN);
}
