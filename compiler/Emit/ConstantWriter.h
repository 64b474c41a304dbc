// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes nested constants (strings, arrays, structs, pointers to them) as globals of the LLVM dialect.

#ifndef SNN_COMPILER_EMIT_CONSTANTWRITER_H
#define SNN_COMPILER_EMIT_CONSTANTWRITER_H

#include "compiler/Emit/AbiLayout.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <variant>
#include <vector>

namespace snn::abi {

/// A field's value: a number, or a reference to a global or function by its symbol ("": NULL).
struct Symbol {
  std::string name;
};
using FieldValue = std::variant<int64_t, double, Symbol>;

/// The contents of one C struct. Fields are named by their offsets in it; those that are not set are zero.
class Record {
public:
  explicit Record(std::span<const Field> layout) : layout(layout) {}

  void set(size_t offset, FieldValue value);

private:
  friend class ConstantWriter;
  std::span<const Field> layout;
  std::vector<std::pair<int64_t, FieldValue>> values;
};

/// Adds internal constants to a module, named `snn_data_0`, `snn_data_1`, ... in the order of the calls.
class ConstantWriter {
public:
  /// Writes at the builder's insertion point, which must stay inside the module's body.
  explicit ConstantWriter(mlir::ImplicitLocOpBuilder &b) : b(b) {}

  Symbol string(llvm::StringRef text);
  Symbol integers(llvm::ArrayRef<int64_t> values);
  /// An array of structs of one layout. Empty lists become NULL.
  Symbol records(llvm::ArrayRef<Record> records);

private:
  Symbol global(mlir::Type type, mlir::Attribute value);
  mlir::Value emit(const Record &record);

  mlir::ImplicitLocOpBuilder &b;
  unsigned count = 0;
};

} // namespace snn::abi

#endif // SNN_COMPILER_EMIT_CONSTANTWRITER_H
