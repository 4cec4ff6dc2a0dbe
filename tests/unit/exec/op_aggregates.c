/* The harness of op_harness.h: aggregates with states of both sizes. */
#include "op_harness.h"

static uint32_t eight_bytes(const struct aggregate_call *c)
{
    (void)c;
    return 8;
}

static void zero(const struct aggregate_call *c, void *state)
{
    (void)c;
    memset(state, 0, 8);
}

static bool add_i64(void *state, int64_t n)
{
    int64_t v;
    memcpy(&v, state, sizeof v);
    v += n;
    memcpy(state, &v, sizeof v);
    return true;
}

static bool count_step(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    (void)args;
    return add_i64(state, 1);
}

static bool count_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    (void)args;
    return add_i64(state, -1);
}

static bool sum_step(struct aggregate_call *c, void *state, const struct value *args)
{
    if (args[0].kind != KIND_NULL && args[0].i64 == 666) {
        snprintf(c->error, sizeof c->error, "Numeric field overflow");
        return false;
    }
    return add_i64(state, args[0].kind == KIND_NULL ? 0 : args[0].i64);
}

static bool sum_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    return add_i64(state, args[0].kind == KIND_NULL ? 0 : -args[0].i64);
}

static bool merge_i64(struct aggregate_call *c, void *state, const void *other)
{
    int64_t v;
    (void)c;
    memcpy(&v, other, sizeof v);
    return add_i64(state, v);
}

static bool result_i64(struct aggregate_call *c, const void *state, struct value *out)
{
    (void)c;
    out->kind = KIND_BIGINT;
    memcpy(&out->i64, state, sizeof out->i64);
    return true;
}

static uint32_t variable(const struct aggregate_call *c)
{
    (void)c;
    return 0;
}

static const struct type *list_type(struct arena *a, const struct aggregate_call *c)
{
    (void)c;
    return type_array(a, &TYPE_STRING);
}

static void empty_list(const struct aggregate_call *c, void *state)
{
    struct nested *list = ARENA_NEW(c->arena, struct nested);
    *(struct value *)state = (struct value){.kind = KIND_ARRAY, .nested = list};
}

static bool append(struct arena *a, struct value *list, const struct value *items, uint32_t n)
{
    const struct nested *old = list->nested;
    struct nested *now = ARENA_NEW(a, struct nested);
    struct value *all = ARENA_ARRAY(a, struct value, old->n + n);
    if (!now || !all)
        return false;
    if (old->n)
        memcpy(all, old->items, old->n * sizeof *all);
    if (n)
        memcpy(all + old->n, items, n * sizeof *items);
    *now = (struct nested){.n = old->n + n, .items = all};
    list->nested = now;
    return true;
}

static bool list_step(struct aggregate_call *c, void *state, const struct value *args)
{
    return append(c->arena, state, args, 1);
}

static bool list_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    struct value *list = state, kept = *list;
    empty_list(c, list);
    bool found = false, ok = !c->arena->failed;
    for (uint32_t i = 0; ok && i < kept.nested->n; i++) {
        if (!found && value_eq(&kept.nested->items[i], args))
            found = true;
        else
            ok = append(c->arena, list, &kept.nested->items[i], 1);
    }
    return ok;
}

static bool list_merge(struct aggregate_call *c, void *state, const void *other)
{
    const struct value *theirs = other;
    return append(c->arena, state, theirs->nested->items, theirs->nested->n);
}

static bool list_result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct nested *list = ((const struct value *)state)->nested;
    struct buf text;
    buf_init(&text, 0);
    for (uint32_t i = 0; i < list->n; i++) {
        if (i)
            buf_putc(&text, '+');
        buf_puts(&text, list->items[i].kind == KIND_NULL ? STR("null") : list->items[i].str);
    }
    *out = (struct value){.kind = KIND_STRING, .str = str_dup(c->arena, buf_str(&text))};
    bool ok = !text.failed && !c->arena->failed;
    c->arena->failed |= !ok; /* how the operator tells it from an error of the data */
    buf_free(&text);
    return ok;
}

static const struct aggregate aggregates[] = {
    [OP_COUNT] = {eight_bytes, NULL, zero, count_step, count_undo, merge_i64, result_i64},
    [OP_SUM] = {eight_bytes, NULL, zero, sum_step, sum_undo, merge_i64, result_i64},
    [OP_COLLECT] = {variable, list_type, empty_list, list_step, list_undo, list_merge, list_result},
};

struct step *op_aggregate_step(struct op_test *t, enum step_kind kind, const struct step *input, const char *columns,
                               uint32_t n_required, const uint32_t *required, uint32_t n_calls,
                               const enum op_aggregate *calls, const uint32_t *args)
{
    struct step *s = op_step(t, kind, input, columns);
    struct step_aggregate_call *list = ARENA_ARRAY(&t->arena, struct step_aggregate_call, n_calls);
    for (uint32_t i = 0; i < n_calls; i++) {
        struct function_variant *v = ARENA_NEW(&t->arena, struct function_variant);
        struct resolved_call *call = ARENA_NEW(&t->arena, struct resolved_call);
        v->aggregate = &aggregates[calls[i]];
        *call = (struct resolved_call){
            .variant = v, .n_args = 1, .n_columns = 1, .result = calls[i] == OP_COLLECT ? &TYPE_STRING : &TYPE_BIGINT};
        list[i] = (struct step_aggregate_call){
            .call = call, .n_args = calls[i] != OP_COUNT, .args = arena_dup(&t->arena, &args[i], sizeof *args)};
    }
    s->aggregate.n_required = n_required;
    s->aggregate.required = required;
    s->aggregate.n_calls = n_calls;
    s->aggregate.calls = list;
    s->aggregate.store = "Aggregate-Aggregate-Materialize";
    return s;
}
