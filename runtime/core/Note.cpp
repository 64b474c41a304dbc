// ELF64 header, program headers and PT_NOTE by hand; layout from <elf.h>.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Note.h"
#include "runtime/core/Cpu.h"
#include "runtime/core/Error.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace snn;

namespace {

const char *machineName(uint16_t machine) {
  return machine == EM_X86_64 ? "x86-64" : machine == EM_AARCH64 ? "aarch64" : "another kind of machine";
}

#if defined(__x86_64__)
constexpr uint16_t hostMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t hostMachine = EM_AARCH64;
#else
#error "unknown host: add its ELF machine number"
#endif

constexpr uint64_t largestNoteSegment = 1 << 20;

class Reader {
public:
  Reader(int fd, const std::string &path) : fd(fd), path(path) {
    struct stat status;
    if (fstat(fd, &status) != 0)
      fail(std::string("cannot be examined: ") + std::strerror(errno));
    if (!S_ISREG(status.st_mode))
      fail("is not a regular file, expected a model library (.so)");
    fileSize = uint64_t(status.st_size);
  }

  [[noreturn]] void fail(const std::string &what) const { throw Error(SNN_ERROR_LIBRARY, path + ": " + what); }

  void require(uint64_t offset, uint64_t size, const char *what) const {
    if (offset > fileSize || size > fileSize - offset)
      fail(std::string("is cut short: ") + what + " would lie beyond its end");
  }

  void read(uint64_t offset, void *to, uint64_t size, const char *what) const {
    require(offset, size, what);
    for (auto *bytes = static_cast<char *>(to); size != 0;) {
      ssize_t count = pread(fd, bytes, size, off_t(offset));
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        fail(std::string("cannot be read: ") + (count < 0 ? std::strerror(errno) : "unexpected end"));
      bytes += count;
      offset += uint64_t(count);
      size -= uint64_t(count);
    }
  }

  uint64_t size() const { return fileSize; }

private:
  int fd;
  const std::string &path;
  uint64_t fileSize = 0;
};

/// Walks the notes of one segment. Names and descriptors are padded to 4 bytes, or to 8 in segments aligned to 8.
std::optional<snn_note> findNote(const std::vector<char> &segment, uint64_t alignment) {
  auto padded = [&](uint64_t size) { return (size + alignment - 1) & ~(alignment - 1); };
  const uint64_t size = segment.size();
  Elf64_Nhdr header;
  for (uint64_t offset = 0; size - offset >= sizeof(header);) {
    std::memcpy(&header, segment.data() + offset, sizeof(header));
    uint64_t name = offset + sizeof(header);
    uint64_t descriptor = offset + padded(sizeof(header) + uint64_t{header.n_namesz});
    uint64_t next = descriptor + padded(header.n_descsz);
    if (descriptor > size || header.n_descsz > size - descriptor)
      return std::nullopt;
    if (header.n_type == SNN_NOTE_TYPE && header.n_namesz == sizeof(SNN_NOTE_OWNER) &&
        std::memcmp(segment.data() + name, SNN_NOTE_OWNER, sizeof(SNN_NOTE_OWNER)) == 0) {
      snn_note note = {};
      if (header.n_descsz < sizeof(note))
        return std::nullopt;
      std::memcpy(&note, segment.data() + descriptor, sizeof(note));
      return note;
    }
    if (next > size)
      break;
    offset = next;
  }
  return std::nullopt;
}

} // namespace

snn_note snn::readNote(int fd, const std::string &path) {
  Reader file(fd, path);
  Elf64_Ehdr header;
  if (file.size() < SELFMAG)
    file.fail("is not an ELF file, expected a model library (.so)");
  char magic[SELFMAG];
  file.read(0, magic, SELFMAG, "the ELF magic");
  if (std::memcmp(magic, ELFMAG, SELFMAG) != 0)
    file.fail("is not an ELF file, expected a model library (.so)");
  file.read(0, &header, sizeof(header), "the ELF header");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    file.fail("is not an ELF file of 64 bits in little-endian order");
  if (header.e_machine != hostMachine)
    file.fail(std::string("is for ") + machineName(header.e_machine) + ", but this machine is " +
              machineName(hostMachine) + "; compile the model for it");
  if (header.e_type != ET_DYN)
    file.fail("is not a shared library (ELF type " + std::to_string(header.e_type) + ", expected ET_DYN)");
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    file.fail("has program headers of " + std::to_string(header.e_phentsize) + " bytes, expected 56");

  file.require(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize, "the section table");
  file.require(header.e_phoff, uint64_t{header.e_phnum} * sizeof(Elf64_Phdr), "the program headers");

  std::optional<snn_note> found;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    file.read(header.e_phoff + i * sizeof(segment), &segment, sizeof(segment), "a program header");
    // A page that is mapped beyond the end of the file would kill the process when it is touched.
    if (segment.p_type == PT_LOAD)
      file.require(segment.p_offset, segment.p_filesz, "a segment");
    if (segment.p_type != PT_NOTE || found)
      continue;
    if (segment.p_filesz > largestNoteSegment)
      file.fail("has a note segment of " + std::to_string(segment.p_filesz) + " bytes, expected at most 1 MiB");
    std::vector<char> bytes(segment.p_filesz);
    file.read(segment.p_offset, bytes.data(), bytes.size(), "a note");
    uint64_t alignment = segment.p_align == 8 ? 8 : 4;
    found = findNote(bytes, alignment);
  }
  if (!found)
    file.fail("has no \"" SNN_NOTE_OWNER "\" note, so it is not a compiled model");
  if (found->query_symbol[0] == '\0' || !std::memchr(found->query_symbol, '\0', sizeof(found->query_symbol)))
    file.fail("has a damaged model note: the query symbol is empty or does not end");
  return *found;
}

void snn::checkNote(const snn_note &note, const std::string &path) {
  if (note.abi_version != SNN_ABI_VERSION)
    throw Error(SNN_ERROR_LIBRARY, path + ": speaks ABI version " + std::to_string(note.abi_version) +
                                       ", this runtime speaks version " + std::to_string(SNN_ABI_VERSION) +
                                       "; compile the model again with the snnc that belongs to this runtime");
  if (note.cpu_level > cpuLevel())
    throw Error(SNN_ERROR_LIBRARY, path + ": needs a CPU of level x86-64-v" + std::to_string(note.cpu_level) +
                                       ", this machine has x86-64-v" + std::to_string(cpuLevel()) +
                                       "; compile the model for this machine");
}
