// A model's code: a library that was opened from a file, or a query function of the program itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_LIBRARY_H
#define SNN_RUNTIME_CORE_LIBRARY_H

#include "runtime/core/SealedFile.h"
#include "snn/runtime.h"

#include <string>

/// Owns the handle of the dynamic linker and the copy of the file that it has mapped. The copy's descriptor stays open
/// as long as the library is loaded: its number is the name under which the linker knows the library.
struct snn_library {
  explicit snn_library(const std::string &path);
  explicit snn_library(snn_query_fn query);
  ~snn_library();
  snn_library(const snn_library &) = delete;
  snn_library &operator=(const snn_library &) = delete;

  const snn_model_table *table = nullptr;

private:
  void load(const std::string &path);
  void release() noexcept;

  snn::SealedFile file;
  void *handle = nullptr;
};

#endif // SNN_RUNTIME_CORE_LIBRARY_H
