// The thread-local message behind snn_last_error.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Error.h"

#include <cstdio>

static thread_local char lastError[1024] = "";

int32_t snn::setLastError(int32_t code, const char *message) noexcept {
  std::snprintf(lastError, sizeof(lastError), "%s", message);
  return code;
}

const char *snn_last_error(void) { return lastError; }
