// The floating-point mode of the runtime's own arithmetic.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_FLOATMODE_H
#define SNN_RUNTIME_CORE_FLOATMODE_H

#include <cfenv>

namespace snn {

/// While it lives the calling thread rounds to nearest, keeps subnormal numbers and does not trap; then the host's mode
/// and sticky flags are as they were. For functions whose results are bits that count. Compilers do not know of modes,
/// but arithmetic on what is read from memory, whose results go to memory, stays between two calls that they cannot
/// look into.
class StandardFloatMode {
public:
  StandardFloatMode() {
    std::fegetenv(&host);
    std::fesetenv(FE_DFL_ENV);
  }
  ~StandardFloatMode() { std::fesetenv(&host); }
  StandardFloatMode(const StandardFloatMode &) = delete;
  StandardFloatMode &operator=(const StandardFloatMode &) = delete;

private:
  std::fenv_t host;
};

} // namespace snn

#endif // SNN_RUNTIME_CORE_FLOATMODE_H
