/* Which stages of a plan write to which repartition topics, and where they write in a circle: the two halves of a join
 * by a foreign key read what the other one writes. */
#include "exec/executor_int.h"

static bool has_foreign_key(const struct step *s)
{
    bool has = s->kind == STEP_FOREIGN_KEY_JOIN || s->kind == STEP_FOREIGN_KEY_ANSWER;
    for (uint32_t i = 0; i < s->n_inputs && !has; i++)
        has = has_foreign_key(s->inputs[i]);
    return has;
}

bool stage_in_circle(const struct stage *stage)
{
    return has_foreign_key(stage->root);
}

bool plan_has_circle(const struct plan *p)
{
    bool has = false;
    for (uint32_t i = 0; i < p->n_stages && !has; i++)
        has = stage_in_circle(&p->stages[i]);
    return has;
}

static bool is_between_halves(const struct step *s, const struct step *source)
{
    bool is = (s->kind == STEP_FOREIGN_KEY_JOIN && s->inputs[1] == source) ||
              (s->kind == STEP_FOREIGN_KEY_ANSWER && s->inputs[0] == source);
    for (uint32_t i = 0; i < s->n_inputs && !is; i++)
        is = is_between_halves(s->inputs[i], source);
    return is;
}

bool source_closes_circle(const struct stage *stage, uint32_t source)
{
    return is_between_halves(stage->root, stage->sources[source]);
}

/* Whether a step or one below writes to the topic. */
static bool step_writes(const struct step *s, const char *name)
{
    bool writes = (s->kind == STEP_REPARTITION_SINK && strcmp(s->repartition.name, name) == 0) ||
                  (s->kind == STEP_FOREIGN_KEY_JOIN && step_writes(s->foreign_key.subscriptions, name));
    for (uint32_t i = 0; i < s->n_inputs && !writes; i++)
        writes = step_writes(s->inputs[i], name);
    return writes;
}

bool stage_writes(const struct stage *stage, const struct step *source)
{
    return step_writes(stage->root, source->repartition.name);
}
