/* Lowering: what the files of the pass share. Private to physical/. */
#ifndef WEIR_PLANNER_PHYSICAL_INT_H
#define WEIR_PLANNER_PHYSICAL_INT_H

#include "planner/logical/logical.h"

enum { MAX_STAGES = 64, MAX_SOURCES = MAX_JOINED };

/* A stage that is still growing: the step on top, and the sources below it. */
struct fragment {
    struct step *top;
    struct step *sources[MAX_SOURCES];
    uint32_t n_sources;
    bool has_state;
    bool needs_partition, needs_offset; /* of the sources since the last join */
    const struct fragment *after;       /* comes right behind it in the list of stages; NULL: none */
};

struct lowering {
    struct planner *p;
    const struct query *q;
    struct stage stages[MAX_STAGES];
    uint32_t n_stages;
    uint32_t n_names;
    const char *names[MAX_SOURCES]; /* of streams and tables, distinct */
};

static inline bool is_table(const struct logical *node)
{
    return node->changelog != CHANGELOG_APPEND;
}

/* The steps of a node and what is below it, on top of `f`. False after an error. */
bool lower(struct lowering *w, const struct logical *node, struct fragment *f);
bool lower_join(struct lowering *w, const struct logical *node, struct fragment *f);
/* A step on top of the fragment, with the node's context and schema. */
struct step *step_new(struct lowering *w, enum step_kind kind, const struct logical *node, struct fragment *f);
bool fragment_add_source(struct lowering *w, struct fragment *f, struct step *source);
/* The fragment becomes a stage. */
bool close_stage(struct lowering *w, const struct fragment *f);
/* Ends the stage at a repartition topic, and begins the next one there. */
bool repartition(struct lowering *w, const struct logical *node, struct fragment *f, const struct moved *moved);
/* Tells the sources what besides columns the steps above them want. */
void settle_sources(struct fragment *f);
void note_exprs(struct fragment *f, const struct expr *const *exprs, uint32_t n);

#endif
