/* The public face of core/: include this from other folders. */
#ifndef WEIR_CORE_H
#define WEIR_CORE_H

#include "batch.h"
#include "clock.h"
#include "datetime.h"
#include "map.h"
#include "mem.h"
#include "status.h"
#include "str.h"
#include "type.h"
#include "value.h"

#endif
