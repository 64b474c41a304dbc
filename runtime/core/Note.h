// Reads the ELF note of a model library from the file, before any of its code is mapped.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_NOTE_H
#define SNN_RUNTIME_CORE_NOTE_H

#include "snn/abi.h"

#include <string>

namespace snn {

/// The note of the ELF shared library open at `fd`; `path` is for messages. Throws Error(SNN_ERROR_LIBRARY) if the
/// file is not a shared library for this kind of machine, is cut short, or has no valid note.
snn_note readNote(int fd, const std::string &path);

/// Throws Error(SNN_ERROR_LIBRARY) if this runtime does not speak the note's ABI version or the CPU lacks features.
void checkNote(const snn_note &note, const std::string &path);

} // namespace snn

#endif // SNN_RUNTIME_CORE_NOTE_H
