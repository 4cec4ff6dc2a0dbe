/* Positions: how far each task has read each of its source partitions, and its stream time. One record a task in a compacted
 * internal topic, written in the transaction that holds everything else that follows from what was read. One more record
 * gives the log a number of its own. */
#ifndef WEIR_EXEC_POSITIONS_H
#define WEIR_EXEC_POSITIONS_H

#include "topics/topics.h"

struct position {
    int64_t stream_time;   /* INT64_MIN: none */
    uint32_t n;            /* sources of the stage */
    int64_t *offsets;      /* where reading goes on */
};

struct positions;
/* Creates the topic if it is missing and reads all of it, up to the end of open transactions. */
enum status positions_open(struct log *log, const char *topic, struct positions **out, struct diag *d) MUST_CHECK;
void positions_close(struct positions *p);
/* The number of this log for this service: made at random when the topic was. */
uint64_t positions_log_id(const struct positions *p);
/* Reads what was written since: after a commit whose fate was not certain, and before a task is built. Thread-safe. */
enum status positions_refresh(struct positions *p, struct diag *d) MUST_CHECK;
/* Copies the position of a task into the arena; false: none is recorded. Thread-safe. */
bool positions_get(struct positions *p, struct str task, struct arena *a, struct position *out);
/* Appends a task's position (NULL: forget it) to the open transaction of `w`. */
enum status positions_append(struct positions *p, struct log_writer *w, struct str task, const struct position *position,
                             struct diag *d) MUST_CHECK;

#endif
