// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Messages of the driver, and what may reach a terminal.

#ifndef SNN_COMPILER_DRIVER_MESSAGES_H
#define SNN_COMPILER_DRIVER_MESSAGES_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

namespace snn {

/// `text` with '?' in place of each byte that a terminal could take as a command or that hides what stands there:
/// control characters (a line's end and tabs stay), what is not UTF-8, and marks that change the direction of writing.
/// A byte gives a byte, so that columns stay.
std::string printable(llvm::StringRef text);

/// Passes what is printable on to another stream, line by line. Messages quote the input and names of files, which
/// may hold anything. Colours are the other stream's, unless NO_COLOR is set (no-color.org).
class PrintableStream : public llvm::raw_ostream {
public:
  explicit PrintableStream(llvm::raw_ostream &to);
  ~PrintableStream() override;

  raw_ostream &changeColor(Colors color, bool bold, bool background) override;
  raw_ostream &resetColor() override;
  bool has_colors() const override { return colors; }
  bool is_displayed() const override { return to.is_displayed(); }

private:
  void write_impl(const char *data, size_t size) override;
  uint64_t current_pos() const override { return written; }
  void pass();

  llvm::raw_ostream &to;
  bool colors;
  std::string line; ///< until its end, as a character may come in pieces
  uint64_t written = 0;
};

/// "snnc: error: ..." and "snnc: note: ...", coloured if the stream shows colours.
void printError(llvm::raw_ostream &os, const llvm::Twine &message);
void printNote(llvm::raw_ostream &os, const llvm::Twine &message);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_MESSAGES_H
