// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Magic numbers of the files that people have beside their models.

#include "compiler/Driver/FileKind.h"

#include "llvm/Support/Endian.h"

using namespace llvm;

namespace snn {
namespace {

constexpr StringLiteral kWeights = "weights go to snn-train and snn-run, the compiler takes the text of a model";

constexpr StringLiteral kTensors = "'snnc import' takes its tensors out, for snn-train and snn-run";

struct Magic {
  StringLiteral bytes;
  FileKind kind;
};

// Literals with a zero byte need their length.
template <size_t N> constexpr StringLiteral bytes(const char (&text)[N]) { return StringLiteral::withInnerNUL(text); }

const Magic kMagics[] = {
    {bytes("\x7f\x45LF"), {"a compiled library or object file (ELF)", "snn-train and snn-run take compiled models"}},
    {bytes("!<arch>\n"), {"an archive of object files", ""}},
    {bytes("\x89HDF\r\n\x1a\n"), {"an HDF5 file", "'snnc import' makes a model of a NIR graph"}},
    {bytes("\x93NUMPY"), {"a NumPy array", "data goes to snn-train and snn-run"}},
    {bytes("\x1f\x8b"), {"compressed by gzip", "unpack it first"}},
    {bytes("\x28\xb5\x2f\xfd"), {"compressed by zstd", "unpack it first"}},
    {bytes("\xfd\x37zXZ"), {"compressed by xz", "unpack it first"}},
    {bytes("BZh"), {"compressed by bzip2", "unpack it first"}},
    {bytes("\x89PNG\r\n\x1a\n"), {"a PNG picture", ""}},
    {bytes("\xff\xd8\xff"), {"a JPEG picture", ""}},
    {bytes("%PDF-"), {"a PDF document", ""}},
    {bytes("\xff\xfe"), {"text in UTF-16", "save it as UTF-8"}},
    {bytes("\xfe\xff"), {"text in UTF-16", "save it as UTF-8"}},
    {bytes("ML\xefR"), {"bytecode of MLIR", "mlir-opt turns it into text"}},
    {bytes("\x42\x43\xc0\xde"), {"bitcode of LLVM", ""}},
    {bytes("\0\0\x08\x01"), {"a file of labels (IDX)", "snn-train takes a folder of these"}},
    {bytes("\0\0\x08\x03"), {"a file of pictures (IDX)", "snn-train takes a folder of these"}},
};

/// A zip archive's first entry says what it is.
FileKind zipKind(StringRef head) {
  if (head.contains("data.pkl") || head.contains("archive/"))
    return {"a checkpoint of PyTorch", kTensors};
  if (head.contains(".npy"))
    return {"an archive of NumPy arrays", "data goes to snn-train and snn-run"};
  return {"a zip archive", "unpack it first"};
}

/// A length of eight bytes, then JSON.
bool isSafetensors(StringRef head) {
  return head.size() > 9 && head[8] == '{' && support::endian::read64le(head.data()) < (uint64_t(1) << 32);
}

/// Protocol 2 and later: the version, then an opcode that begins a frame, a container or a reference.
bool isPickle(StringRef head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5 &&
         StringRef("\x95}]c(\x8a\x8c\x58").contains(head[2]);
}

} // namespace

std::optional<FileKind> binaryKind(StringRef head) {
  if (head.starts_with("PK\x03\x04"))
    return zipKind(head);
  if (isPickle(head))
    return FileKind{"a pickle of Python, as torch.save writes", kTensors};
  for (const Magic &magic : kMagics)
    if (head.starts_with(magic.bytes))
      return magic.kind;
  if (isSafetensors(head))
    return FileKind{"a safetensors file", kWeights};
  if (head.contains('\0'))
    return FileKind{"not text: it has a zero byte", ""};
  return std::nullopt;
}

} // namespace snn
