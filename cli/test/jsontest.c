/* Runs one case of a JSON file: statements, then the inputs through every query, then the comparison. */
#include "cli/test/schemas.h"

struct run {
    const struct test_case *c;
    struct world w;
    struct diag d;
    const char *phase; /* of an error */
    bool at_last;      /* the error came from the last statement, or from running */
};

/* Statement texts, joined by line breaks, with {FORMAT} filled in. */
static enum status join_statements(struct run *r, struct str *out)
{
    struct buf text;
    const struct str mark = STR("{FORMAT}");
    buf_init(&text, 0);
    JSON_EACH (json_member(r->c->node, "statements"), s) {
        const char *p = s->text.p, *end = p + s->text.len, *at;
        while (r->c->format.p && p < end && (at = memmem(p, (size_t)(end - p), mark.p, mark.len))) {
            buf_put(&text, p, (size_t)(at - p));
            buf_puts(&text, r->c->format);
            p = at + mark.len;
        }
        buf_put(&text, p, (size_t)(end - p));
        buf_putc(&text, '\n');
    }
    *out = str_dup(&r->w.arena, buf_str(&text));
    bool failed = text.failed || r->w.arena.failed;
    buf_free(&text);
    return failed ? diag_nomem(&r->d) : STATUS_OK;
}

static enum status set_properties(struct run *r)
{
    enum status st = STATUS_OK;
    JSON_EACH (json_member(r->c->node, "properties"), p) {
        struct str value = p->kind == JSON_TRUE ? STR("true") : p->kind == JSON_FALSE ? STR("false") : p->text;
        TRY(world_set(&r->w, p->key, str_eq(value, STR("{CONFIG}")) ? r->c->config : value, &r->d));
    }
done:
    return st;
}

static uint32_t number_member(const struct json *node, const char *name, uint32_t otherwise)
{
    const struct json *j = json_member(node, name);
    int64_t n;
    return j && parse_i64(j->text, &n) && n > 0 && n <= INT32_MAX ? (uint32_t)n : otherwise;
}

static enum status add_named_topics(struct run *r, const char *list, const char *name, bool with_partitions)
{
    JSON_EACH (json_member(r->c->node, list), t) {
        struct str topic = str_dup(&r->w.arena, json_text(t, name));
        if (!topic.p || (with_partitions && !json_member(t, "partitions")))
            continue;
        enum status st = world_add_topic(&r->w, topic.p, number_member(t, "partitions", WORLD_PARTITIONS),
                                         number_member(t, "replicas", 1), &r->d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* Topics that the case names, those of its CREATE statements, and those of its records. A number of partitions comes
 * from the first of these that has one. */
static enum status add_topics(struct run *r, const struct script *script)
{
    enum status st = STATUS_OK;
    const struct json *topics = json_member(r->c->node, "topics");
    TRY(add_named_topics(r, "topics", "name", true));
    for (uint32_t i = 0; i < script->n; i++)
        TRY(world_topics_of(&r->w, script->statements[i], &r->d));
    TRY(add_named_topics(r, "topics", "name", false));
    TRY(add_named_topics(r, "inputs", "topic", false));
    for (uint32_t i = 0; i < script->n; i++)
        TRY(schemas_of_statement(&r->w, script->statements[i], topics, &r->d));
    TRY(schemas_of_topics(&r->w, topics, &r->d));
done:
    return st;
}

static enum status execute_all(struct run *r)
{
    enum status st = STATUS_OK;
    struct str text;
    struct script script;
    struct test_topic *inserted;
    r->phase = "parse";
    r->at_last = true; /* the whole script fails at once */
    TRY(set_properties(r));
    TRY(join_statements(r, &text));
    TRY(parser_parse(&r->w.arena, text, NULL, &script, &r->d));
    TRY(add_topics(r, &script));
    r->phase = "plan";
    for (uint32_t i = 0; i < script.n; i++) {
        r->at_last = i + 1 == script.n;
        TRY(world_execute(&r->w, script.statements[i], &inserted, &r->d));
    }
done:
    return st;
}

/* ---- records --------------------------------------------------------------------------------------------- */

static bool has_input(const struct json *inputs, const struct query *q)
{
    JSON_EACH (inputs, i) {
        char name[256];
        struct str topic = json_text(i, "topic");
        snprintf(name, sizeof name, STR_FMT, STR_ARG(topic));
        if (query_reads(q, name))
            return true;
    }
    return false;
}

static bool is_input_topic(const struct json *inputs, const char *topic)
{
    JSON_EACH (inputs, i)
        if (str_eq(json_text(i, "topic"), str_from(topic)))
            return true;
    return false;
}

/* All inputs of the query in the order of the file; up to `batch` neighbours of one topic at once. */
static enum status pipe_inputs(struct run *r, struct query *q)
{
    enum status st = STATUS_OK;
    struct records waiting = {0};
    const char *topic = NULL;
    JSON_EACH (json_member(r->c->node, "inputs"), i) {
        struct str name = str_dup(&r->w.arena, json_text(i, "topic"));
        struct record record;
        if (!name.p || !query_reads(q, name.p))
            continue;
        if (topic && (strcmp(topic, name.p) != 0 || waiting.n == r->w.options->batch)) {
            TRY(query_pipe(q, topic, waiting.items, waiting.n, &r->d));
            TRY(query_between(q, &r->d));
            waiting.n = 0;
        }
        topic = name.p;
        TRY(record_from_json(&r->w, i, world_source_of(&r->w, name.p), &record, &r->d));
        if (!records_add(&waiting, &r->w.arena, &record))
            return diag_nomem(&r->d);
    }
    if (waiting.n)
        st = query_pipe(q, topic, waiting.items, waiting.n, &r->d);
done:
    return st;
}

/* Everything that earlier queries and INSERT VALUES have written into a topic. */
static enum status pipe_topic(struct run *r, struct query *q, const struct test_topic *t)
{
    enum status st = STATUS_OK;
    const struct records *all = &t->records;
    const size_t n = all->n;
    for (size_t i = 0; i < n;) {
        size_t most = n - i < r->w.options->batch ? n - i : r->w.options->batch;
        TRY(query_pipe(q, t->name, all->items + i, most, &r->d));
        TRY(query_between(q, &r->d));
        i += most;
    }
done:
    return st;
}

static enum status run_query(struct run *r, struct query *q)
{
    enum status st = STATUS_OK;
    const struct json *inputs = json_member(r->c->node, "inputs");
    if (has_input(inputs, q))
        TRY(pipe_inputs(r, q));
    MAP_EACH (&r->w.topics, e) {
        const struct test_topic *t = e->value;
        if (query_reads(q, t->name) && !is_input_topic(inputs, t->name))
            TRY(pipe_topic(r, q, t));
    }
done:
    return st;
}

static enum status run_queries(struct run *r)
{
    enum status st = STATUS_OK;
    r->phase = "run";
    r->at_last = true;
    for (uint32_t i = 0; i < r->w.n_queries; i++)
        TRY(run_query(r, r->w.queries[i]));
done:
    return st;
}

/* ---- the verdict ----------------------------------------------------------------------------------------- */

static bool check_error(struct run *r, enum status st, const struct json *expected, struct buf *reason)
{
    struct str type = json_text(expected, "type"), message = json_text(expected, "message"),
               cause = json_text(expected, "causeMessage");
    if (st == STATUS_OK) {
        buf_printf(reason, "error: nothing failed, but expected was: " STR_FMT, STR_ARG(message));
        return false;
    }
    bool same_type = !type.p || error_is_a(st, type),
         same_text = error_contains(st, &r->d, message) && error_contains(st, &r->d, cause);
    if (r->at_last && same_type && same_text)
        return true;
    error_describe(reason, r->phase, st, &r->d);
    const char *dot = type.p ? memrchr(type.p, '.', type.len) : NULL;
    buf_printf(reason, "; expected %s: %.*s: " STR_FMT "%s" STR_FMT,
               !r->at_last  ? "of the last statement"
               : !same_type ? "another type"
                            : "another message",
               dot ? (int)(type.p + type.len - dot - 1) : 0, dot ? dot + 1 : "", STR_ARG(message),
               cause.len ? ": " : "", STR_ARG(cause));
    return false;
}

static bool check_outputs(struct run *r, struct buf *reason)
{
    const struct json *inputs = json_member(r->c->node, "inputs"), *outputs = json_member(r->c->node, "outputs"),
                      *post = json_member(r->c->node, "post");
    if (!r->w.n_queries) {
        buf_puts(reason, STR("the case made no query"));
        return false;
    }
    return compare_outputs(&r->w, outputs, !inputs || !inputs->n, reason) && (!post || post_check(&r->w, post, reason));
}

/* With --mutate: whether the comparison notices a falsified expectation. */
static enum outcome check_mutated(struct run *r, struct buf *reason)
{
    const struct json *inputs = json_member(r->c->node, "inputs");
    const struct json *mutated = mutate_outputs(&r->w.arena, json_member(r->c->node, "outputs"), r->c->name.len);
    struct buf ignored;
    if (!mutated)
        return CASE_SKIPPED;
    buf_init(&ignored, 0);
    bool same = compare_outputs(&r->w, mutated, !inputs || !inputs->n, &ignored);
    buf_free(&ignored);
    if (same)
        buf_puts(reason, STR("the case passes with a falsified expectation"));
    return same ? CASE_FAILED : CASE_PASSED;
}

enum outcome jsontest_run(const struct test_case *c, const struct test_options *o, struct buf *reason)
{
    struct run r = {.c = c, .d = DIAG_INIT};
    const struct json *exception = json_member(c->node, "expectedException");
    enum outcome outcome = CASE_FAILED;
    if (!json_member(c->node, "statements")) {
        buf_puts(reason, STR("the case has no statements"));
        return CASE_FAILED;
    }
    enum status st = world_init(&r.w, o, &r.d);
    if (json_member(c->node, "responses") || json_member(c->node, "expectedError")) {
        buf_puts(reason, STR("needs the server"));
    } else if (o->mutate && exception) {
        outcome = CASE_SKIPPED;
    } else {
        if (st == STATUS_OK)
            st = execute_all(&r);
        if (st == STATUS_OK)
            st = run_queries(&r);
        if (exception)
            outcome = check_error(&r, st, exception, reason) ? CASE_PASSED : CASE_FAILED;
        else if (st != STATUS_OK)
            error_describe(reason, r.phase, st, &r.d);
        else if (o->mutate)
            outcome = check_mutated(&r, reason);
        else
            outcome = check_outputs(&r, reason) ? CASE_PASSED : CASE_FAILED;
    }
    world_free(&r.w);
    return outcome;
}
