/* Compiled as strict C99: the runtime's public header is C.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "snn/runtime.h"

const char *snn_last_error_from_c(void);
const char *snn_last_error_from_c(void) { return snn_last_error(); }
