// What can go wrong with files; the tools turn the type into an exit status.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_ERRORS_H
#define SNN_RUNTIME_DATA_ERRORS_H

#include <stdexcept>

namespace snn {

/// A file that is read, or a model, is wrong: what was found, what was expected.
struct DataError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// There is not enough memory: nobody's mistake, and another machine may succeed.
struct MemoryError : DataError {
  using DataError::DataError;
};

/// A file cannot be written.
struct WriteError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace snn

#endif // SNN_RUNTIME_DATA_ERRORS_H
