/* WINDOW clauses: sizes, and the defaults of grace and retention. */
#include "planner/logical/logical.h"

enum status window_bind(struct planner *p, const struct ast_window *w, bool is_final, struct window_spec *out)
{
    const int64_t day = MS_PER_DAY;
    *out = (struct window_spec){.kind = w->kind, .size = w->size.ms, .emit_final = is_final};
    out->advance = w->kind == WINDOW_HOPPING ? w->advance.ms : out->size;
    out->has_grace = ast_duration_given(&w->grace);
    out->grace = out->has_grace ? w->grace.ms : out->size < day ? day - out->size : 0;
    if (out->size <= 0 && w->kind != WINDOW_SESSION)
        return plan_error(p, w->size.span, "Window size must be larger than zero");
    if (out->size <= 0)
        return plan_error(p, w->size.span, "Gap time cannot be zero or negative.");
    if (out->advance <= 0 && w->kind == WINDOW_HOPPING)
        return plan_error(p, w->advance.span, "Window advance interval must be larger than zero");
    if (out->advance > out->size)
        return plan_error(p, w->advance.span,
                          "Window advance interval should be less than or equal to window duration");
    int64_t least;
    if (__builtin_add_overflow(out->size, out->grace, &least))
        return plan_error(p, w->span, "Window size and grace period are too long together");
    out->retention = ast_duration_given(&w->retention) ? w->retention.ms : least;
    if (out->retention < least)
        return plan_error(p, w->retention.span,
                          "Window retention must be at least the window's size plus its grace period: %lld ms, but is "
                          "%lld ms",
                          (long long)least, (long long)out->retention);
    return STATUS_OK;
}
