/* Wall clock and monotonic clock. Operators never read them: the worker passes time in, tests inject it. */
#ifndef WEIR_CORE_CLOCK_H
#define WEIR_CORE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* since 1970 */
int64_t clock_mono_ns(void); /* since some fixed point */
int64_t clock_cpu_ns(void);  /* CPU time of this process, all threads */
void clock_sleep_ms(int ms);

#endif
