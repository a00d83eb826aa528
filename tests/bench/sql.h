/*
 * sql - the ledger's bookkeeping of one movement, as one would do it with
 * SQLite: a row of the journal, two balances, the reading's name.
 *
 * Write-ahead log and synchronous=FULL: as durable as the ledger's commit.
 * It is spared what the ledger does besides: names are numbers already, and
 * nothing is chained, checked or promised.
 */
#ifndef DEPOT_TESTS_BENCH_SQL_H
#define DEPOT_TESTS_BENCH_SQL_H

#include "tests/bench/load.h"

struct sql;

struct sql *sql_open(const char *path);
void sql_close(struct sql *sql);

void sql_begin(struct sql *sql);
/* Journals and folds the reading at @index, and marks its name. */
void sql_post(struct sql *sql, const struct load *load, uint32_t index);
void sql_commit(struct sql *sql);

#endif
