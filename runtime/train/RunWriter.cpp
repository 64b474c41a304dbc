// Run folders: who may write to one, and how a run replaces another. RunFolder.h has the order and its reasons.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"
#include "runtime/train/RunFolder.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace snn;

namespace {

constexpr const char *incomingPrefix = ".snn-incoming-", *completeName = "/.snn-complete";

using FileName = std::string (RunFolder::*)() const;
/// In the order in which they move up; the record last, which a reader without readRun takes for the start of a run.
constexpr std::array<FileName, 5> runFiles = {&RunFolder::weights, &RunFolder::metrics, &RunFolder::source,
                                              &RunFolder::library, &RunFolder::record};

[[noreturn]] void failWrite(const std::string &path, const char *what, int code = errno) {
  throw WriteError(fmt::format("{}: {}: {}", path, what, std::strerror(code)));
}

bool exists(const std::string &path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

/// Not one that stands for a file that is to be removed.
bool existsWithContent(const std::string &path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0 && status.st_size > 0;
}

void removeFile(const std::string &path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    failWrite(path, "cannot be removed");
}

RunFiles filesOf(const RunFolder &folder, const RunFolder &complete) {
  auto current = [&](FileName name) {
    std::string onItsWay = (complete.*name)();
    return exists(onItsWay) ? onItsWay : (folder.*name)();
  };
  return {current(&RunFolder::record), current(&RunFolder::library), current(&RunFolder::weights)};
}

/// Empty if it was moved away meanwhile.
std::string readText(const std::string &path) {
  try {
    std::vector<std::byte> bytes = readFile(path);
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
  } catch (const DataError &) {
    if (exists(path))
      throw;
    return "";
  }
}

} // namespace

void snn::readRun(const std::string &path, const std::function<void(const RunRecord &, const RunFiles &)> &read) {
  const RunFolder folder(path), complete(path + completeName);
  for (;;) {
    const RunFiles files = filesOf(folder, complete);
    const bool isRun = exists(files.record);
    const std::string record = isRun ? readText(files.record) : "";
    auto isStill = [&] {
      return files == filesOf(folder, complete) && isRun == exists(files.record) &&
             (!isRun || record == readText(files.record));
    };
    try {
      if (!isRun)
        throw DataError(fmt::format("{}: is not a run folder: it has no run.json", path));
      read(parseRunRecord(record, files.record), files);
    } catch (const DataError &) {
      if (isStill())
        throw;
      continue;
    }
    if (isStill())
      return;
  }
}

RunWriter::RunWriter(const std::string &path) : folder(path), incoming(path), complete(path + completeName) {}

RunWriter::Refusal RunWriter::tryClaim(bool overwrite) {
  for (;;) {
    std::error_code error;
    made = std::filesystem::create_directories(path(), error);
    if (error)
      failWrite(path(), "cannot be created", error.value());
    lock = Descriptor(open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock && errno == ENOENT)
      continue;
    if (!lock)
      failWrite(path(), "cannot be opened");
    while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR)
        continue;
      int code = errno;
      lock = Descriptor();
      if (code == EWOULDBLOCK)
        return Refusal::Busy;
      failWrite(path(), "cannot be locked", code);
    }
    if (isAt(lock, path())) // else its maker gave it up and removed it before it was locked here
      break;
  }
  for (FileName name : {&RunFolder::weights, &RunFolder::metrics})
    occupied |= existsWithContent((complete.*name)()) || exists((folder.*name)());
  if (occupied && !overwrite)
    return Refusal::Occupied;
  recover();
  // Another name than the last run's: a compiler that is just dying may still write there.
  for (unsigned attempt = 0;; ++attempt) {
    RunFolder candidate(fmt::format("{}/{}{}-{}", path(), incomingPrefix, getpid(), attempt));
    if (mkdir(candidate.path().c_str(), 0777) == 0) {
      incoming = candidate;
      return Refusal::None;
    }
    if (errno != EEXIST || attempt == 100)
      failWrite(candidate.path(), "cannot be created");
  }
}

RunWriter RunWriter::claim(const std::string &path, bool overwrite) {
  RunWriter writer(path);
  switch (writer.tryClaim(overwrite)) {
  case Refusal::None:
    return writer;
  case Refusal::Busy:
    throw DataError(fmt::format("{}: another process is training into this folder; wait for its end or name another "
                                "folder with --out",
                                path));
  case Refusal::Occupied:
    break;
  }
  throw DataError(fmt::format("{}: holds a run already; name another folder or say --overwrite", path));
}

RunWriter RunWriter::claimFresh(const std::string &base) {
  for (unsigned number = 1;; ++number) {
    RunWriter writer(number == 1 ? base : fmt::format("{}-{}", base, number));
    if (writer.tryClaim(false) == Refusal::None)
      return writer;
  }
}

RunWriter::~RunWriter() {
  if (!lock || committed)
    return;
  std::error_code error;
  if (incoming.path() != path())
    std::filesystem::remove_all(incoming.path(), error);
  if (made)
    std::filesystem::remove(path(), error); // it is empty, unless someone else put something there
}

/// Finishes what a killed process had decided, and clears the rest away as far as that is possible.
void RunWriter::recover() const {
  if (exists(complete.path()))
    moveUp();
  std::error_code error;
  std::vector<std::filesystem::path> abandoned;
  for (std::filesystem::directory_iterator at(path(), error), end; !error && at != end; at.increment(error))
    if (at->path().filename().string().starts_with(incomingPrefix))
      abandoned.push_back(at->path());
  for (const std::filesystem::path &entry : abandoned)
    std::filesystem::remove_all(entry, error);
  for (FileName name : runFiles)
    removeAbandonedTemporaries((folder.*name)());
}

void RunWriter::begin(const RunRecord &record) {
  incoming.writeRecord(record);
  if (!occupied)
    publish();
}

void RunWriter::publish() {
  if (published)
    return;
  // Without weights, metrics and record it was not a run, and a model's text in it is somebody's own.
  const bool holdsRun = occupied || exists(folder.record());
  for (FileName name : runFiles) {
    const std::string from = (incoming.*name)(), to = (folder.*name)();
    std::error_code error;
    if (std::filesystem::is_directory(to, error))
      throw WriteError(fmt::format("{}: cannot be replaced: it is a folder", to));
    if (exists(from))
      syncFile(from);
    else if (holdsRun && exists(to))
      writeFileAtomically(from, "");
  }
  syncFolder(incoming.path());
  if (rename(incoming.path().c_str(), complete.path().c_str()) != 0)
    failWrite(complete.path(), "cannot be created");
  committed = true;
  syncFolder(path());
  moveUp();
  published = true;
}

void RunWriter::moveUp() const {
  for (FileName name : runFiles) {
    const std::string from = (complete.*name)(), to = (folder.*name)();
    if (existsWithContent(from)) {
      if (rename(from.c_str(), to.c_str()) != 0)
        failWrite(to, "cannot be replaced");
    } else if (exists(from)) {
      removeFile(to);
      removeFile(from);
    }
  }
  syncFolder(path());
  std::error_code error;
  std::filesystem::remove_all(complete.path(), error);
  if (error)
    failWrite(complete.path(), "cannot be removed", error.value());
}
