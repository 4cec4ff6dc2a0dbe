/* Writing rows for other stages, for the sink of a stage and for operators that write to one beside what they emit. */
#ifndef WEIR_EXEC_OP_REPARTITION_H
#define WEIR_EXEC_OP_REPARTITION_H

#include "exec/exec_int.h"

/* The format whose bytes tell to which partition a key goes, and its place among others: the one that is shown, or, if that needs a
 * registry, another that takes the same keys. */
struct format_spec repartition_key_format(const struct step *sink);

struct repartition_writer;
/* `sink`: a REPARTITION_SINK. What is there after a failure is to be closed as well. */
enum status repartition_writer_open(struct op *op, const struct step *sink, struct repartition_writer **out,
                                    struct diag *d) MUST_CHECK;
void repartition_writer_close(struct repartition_writer *w); /* NULL is fine */
/* Writes the rows of a batch, whose columns are the sink's. */
enum status repartition_write(struct repartition_writer *w, struct batch *b, struct diag *d) MUST_CHECK;

#endif
