// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Printer.h.

#include "compiler/Remarks/Printer.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

#include "llvm/Support/Format.h"
#include <map>

using namespace mlir;

namespace snn {
namespace {

/// Three digits and a prefix: 1,260,000,000 multiply-adds are "1.26 G multiply-adds", and as many bytes of cache
/// "1.17 GiB of cache".
std::string quantity(uint64_t number, StringRef unit) {
  const bool bytes = unit.consume_front("bytes");
  const double base = bytes ? 1024 : 1000;
  static constexpr StringLiteral prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  double value = double(number);
  unsigned prefix = 0;
  for (; value >= base && prefix + 1 < std::size(prefixes); ++prefix)
    value /= base;
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << llvm::format(prefix == 0 || value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value) << ' ';
  if (bytes && prefix > 0)
    stream << (prefix == 1 ? "K" : prefixes[prefix]) << "iB" << unit;
  else
    stream << prefixes[prefix] << (prefix > 0 ? " " : "") << (bytes ? "bytes" : "") << unit;
  return text;
}

class Printer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Printer(llvm::raw_ostream &os) : os(os) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    Place place;
    if (auto file = remark.getLocation()->findInstanceOf<FileLineColLoc>())
      place = {file.getFilename().str(), file.getLine(), file.getColumn()};
    ++said[place][(remark.getCategoryName() + ": " + textOf(remark)).str()][remark.getFunction().str()];
  }

  void finalize() override {
    for (const auto &[place, texts] : said)
      for (const auto &[text, functions] : texts)
        print(place, text, functions);
  }

private:
  using Place = std::tuple<std::string, unsigned, unsigned>; ///< file, line, column
  using Functions =
      llvm::MapVector<std::string, unsigned, std::map<std::string, unsigned>>; ///< how often each has a remark

  void print(const Place &place, StringRef text, const Functions &functions) {
    const auto &[file, line, column] = place;
    if (!file.empty())
      os << file << ':' << line << ':' << column << ": ";
    os << text << " (";
    llvm::interleaveComma(functions, os, [&](const auto &function) {
      os << function.first;
      if (function.second > 1)
        os << " x " << function.second;
    });
    os << ")\n";
  }

  static std::string textOf(const remark::detail::Remark &remark) {
    std::string text, numbers;
    for (const remark::detail::Remark::Arg &arg : remark.getArgs()) {
      uint64_t number = 0;
      if (arg.key == "Reason")
        text += "; " + arg.val;
      else if (arg.key != "Remark" && !StringRef(arg.val).getAsInteger(10, number))
        numbers += (numbers.empty() ? "; " : ", ") + quantity(number, arg.key);
      else
        text += arg.val;
    }
    return text + numbers;
  }

  llvm::raw_ostream &os;
  std::map<Place, llvm::MapVector<std::string, Functions, std::map<std::string, unsigned>>>
      said; ///< texts as they came
};

} // namespace

void printRemarks(MLIRContext &context, StringRef filter, llvm::raw_ostream &os) {
  const std::string category = filter.str();
  // Fails only where the context has remarks printed already.
  LogicalResult enabled = remark::enableOptimizationRemarks(
      context, std::make_unique<Printer>(os), std::make_unique<remark::RemarkEmittingPolicyAll>(),
      remark::RemarkCategories{{}, category, category, category, category});
  assert(succeeded(enabled) && "remarks are printed twice");
  (void)enabled;
}

} // namespace snn
