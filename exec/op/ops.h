/* Small things that several operators need. */
#ifndef WEIR_EXEC_OP_OPS_H
#define WEIR_EXEC_OP_OPS_H

#include "exec/exec_int.h"

int64_t op_wall_ms(const struct op *op);

/* The value of the last header of that name, as BYTES. */
struct value header_find(const struct headers *headers, struct str name);
/* All headers: ARRAY<STRUCT<KEY STRING, VALUE BYTES>>. False: no memory. */
bool headers_array(struct arena *a, const struct headers *headers, struct value *out);

#endif
