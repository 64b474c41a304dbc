// Opening model libraries: the note first, then the dynamic linker, both on one sealed copy of the file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Library.h"
#include "runtime/core/Cpu.h"
#include "runtime/core/Error.h"
#include "runtime/core/Note.h"
#include "runtime/core/Table.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

using namespace snn;

static const snn_model_table *queryTable(snn_query_fn query, const std::string &origin) {
  const snn_model_table *table = query(SNN_ABI_VERSION);
  if (!table)
    throw Error(SNN_ERROR_LIBRARY,
                origin + ": does not speak ABI version " + std::to_string(SNN_ABI_VERSION) +
                    (cpuLevel() == 0 ? ""
                                     : ", or needs a better CPU than this machine's, of level x86-64-v" +
                                           std::to_string(cpuLevel())));
  checkTable(table, origin.c_str());
  return table;
}

snn_library::snn_library(snn_query_fn query) {
  if (!query)
    throw Error(SNN_ERROR_ARGUMENT, "the query function is NULL");
  table = queryTable(query, "the linked model");
}

snn_library::snn_library(const std::string &path) {
  try {
    load(path);
  } catch (...) {
    release();
    throw;
  }
}

/// Opens the file to be read. Nothing may wait: opening a FIFO would, until somebody writes.
static int openSource(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    throw Error(SNN_ERROR_LIBRARY, path + ": cannot be opened: " + std::strerror(errno));
  return fd;
}

static SealedFile checkedCopy(const std::string &path, snn_note &note) {
  int source = openSource(path);
  try {
    // A first look, so that no large file is copied that is no model at all. What counts is what the copy says.
    checkNote(readNote(source, path), path);
    SealedFile copy(source, path);
    note = readNote(copy.descriptor(), path);
    checkNote(note, path);
    close(source);
    return copy;
  } catch (...) {
    close(source);
    throw;
  }
}

static std::string linkerMessage() {
  const char *message = dlerror();
  return message ? message : "the dynamic linker gives no reason";
}

/// The dynamic linker takes a file for one that it has loaded if it knows the name, or else the inode. The inode is the
/// copy's own. The name is a descriptor's number, which is free of others while their libraries hold theirs; but a
/// host may have closed those, and a library that can never be unloaded keeps its name for good.
static void takeUnknownName(SealedFile &file, const std::string &path) {
  while (void *known = dlopen(file.name().c_str(), RTLD_LAZY | RTLD_NOLOAD)) {
    dlclose(known);
    file.rename(path);
  }
}

void snn_library::load(const std::string &path) {
  snn_note note;
  file = checkedCopy(path, note);
  takeUnknownName(file, path);
  handle = dlopen(file.name().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    throw Error(SNN_ERROR_LIBRARY, path + ": cannot be loaded: " + linkerMessage());
  void *symbol = dlsym(handle, note.query_symbol);
  if (!symbol)
    throw Error(SNN_ERROR_LIBRARY, path + ": has no symbol \"" + note.query_symbol + "\", which its note names");
  snn_query_fn query;
  static_assert(sizeof(query) == sizeof(symbol));
  std::memcpy(&query, &symbol, sizeof(query));
  table = queryTable(query, path);
  if (table->model_hash != note.model_hash)
    throw Error(SNN_ERROR_LIBRARY, path + ": the table and the note are of different models");
}

snn_library::~snn_library() { release(); }

void snn_library::release() noexcept {
  if (handle)
    dlclose(handle);
}

snn_library *snn_library_open(const char *path) {
  snn_library *result = nullptr;
  guarded([&] {
    if (!path)
      throw Error(SNN_ERROR_ARGUMENT, "the path is NULL");
    result = new snn_library(std::string(path));
  });
  return result;
}

snn_library *snn_library_from_query(snn_query_fn query) {
  snn_library *result = nullptr;
  guarded([&] { result = new snn_library(query); });
  return result;
}

void snn_library_close(snn_library *library) { delete library; }

const snn_model_table *snn_library_table(const snn_library *library) { return library ? library->table : nullptr; }
