/* A planning session for the tests: a catalog, properties, topics that exist, and scripts that are planned and applied
 * statement by statement. */
#ifndef WEIR_TESTS_PLANNER_HARNESS_H
#define WEIR_TESTS_PLANNER_HARNESS_H

#include "planner/planner.h"
#include "tests/unit/unit.h"

struct session {
    struct arena arena;
    struct catalog *catalog;
    struct planner_context context;
    struct diag diag;    /* of the last statement that failed */
    struct planned last; /* the last statement that was planned */
    uint64_t query_number;
    uint32_t n_properties;
    struct str properties[16][2];
    uint32_t topic_partitions; /* of every topic; 0: topics do not exist unless they were created */
    struct map created;
    void (*each)(struct session *s, const struct ast_stmt *statement, enum status st); /* may be NULL */
    struct buf *out;
};

void session_open(struct session *s);
void session_close(struct session *s);
void session_set(struct session *s, const char *name, const char *value);
/* Plans and applies all statements; stops at the first error unless `each` is set. */
enum status session_run(struct session *s, const char *sql);
/* Checks that the statements are refused so. */
void session_refuses(struct session *s, const char *sql, enum status wanted, const char *message);
/* plan_check.c: what is wrong with a plan in itself, a line each; nothing: it is sound. */
void plan_check(const struct plan *plan, struct buf *why);
/* The one column `e` of `SELECT e FROM T`, over a stream T with a column of every type. NULL: see s->diag. */
const struct expr *session_expr(struct session *s, const char *e);

#endif
