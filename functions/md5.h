/* MD5 (RFC 1321), for the function of that name only. */
#ifndef WEIR_FUNCTIONS_MD5_H
#define WEIR_FUNCTIONS_MD5_H

#include "core/core.h"

void md5(struct str text, uint8_t digest[16]);

#endif
