/* Texts in JSON and CSV, for what has no schema. */
#ifndef WEIR_CLI_TEXT_H
#define WEIR_CLI_TEXT_H

#include "core/core.h"

void put_json_text(struct buf *out, struct str s); /* in quotes; p NULL: null. UTF-8 is taken as it is. */
void put_csv_text(struct buf *out, struct str s);  /* in quotes where it must be */

#endif
