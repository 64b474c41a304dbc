// Errors inside the runtime's core: an exception with a status code, turned into code and message at the C interface.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_ERROR_H
#define SNN_RUNTIME_CORE_ERROR_H

#include "snn/runtime.h"

#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

namespace snn {

/// A failure with a code of enum snn_status or enum snn_runtime_error.
class Error : public std::runtime_error {
public:
  Error(int32_t code, const std::string &message) : std::runtime_error(message), code(code) {}
  const int32_t code;
};

/// Keeps `message` as the calling thread's last error, cut to a fixed size (no allocation); returns `code`.
int32_t setLastError(int32_t code, const char *message) noexcept;

/// Runs `body` and turns whatever it throws into a code and a message: nothing may cross the C interface.
template <typename Body> int32_t guarded(Body &&body) noexcept {
  try {
    body();
    return SNN_OK;
  } catch (const Error &error) {
    return setLastError(error.code, error.what());
  } catch (const std::bad_alloc &) {
    return setLastError(SNN_ERROR_MEMORY, "out of memory");
  } catch (const std::system_error &error) {
    return setLastError(SNN_ERROR_MEMORY, error.what());
  } catch (const std::exception &error) {
    return setLastError(SNN_ERROR_INTERNAL, error.what());
  } catch (...) {
    return setLastError(SNN_ERROR_INTERNAL, "unknown exception in the runtime");
  }
}

} // namespace snn

#endif // SNN_RUNTIME_CORE_ERROR_H
