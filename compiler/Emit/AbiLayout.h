// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The structs of snn/abi.h as lists of fields, from which the LLVM types of the descriptor are made.
// The compiler checks each list against the C struct, so that the two cannot drift apart.

#ifndef SNN_COMPILER_EMIT_ABILAYOUT_H
#define SNN_COMPILER_EMIT_ABILAYOUT_H

#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "snn/abi.h"
#include <cstddef>
#include <span>

namespace snn::abi {

/// Sizes of the kinds of field; natural alignment is the size.
enum class Kind : size_t { Pointer, U32, I64, F64 };

constexpr size_t sizeOf(Kind kind) { return kind == Kind::U32 ? 4 : 8; }

struct Field {
  Kind kind;
  size_t offset;
};

/// True if the fields, laid out in order and naturally aligned, have exactly the given offsets and fill `size` bytes.
constexpr bool isNaturalLayout(std::span<const Field> fields, size_t size) {
  size_t end = 0;
  for (const Field &field : fields) {
    const size_t bytes = sizeOf(field.kind);
    end = (end + bytes - 1) / bytes * bytes;
    if (end != field.offset)
      return false;
    end += bytes;
  }
  return (end + 7) / 8 * 8 == size;
}

inline constexpr Field kTensorInfo[] = {
    {Kind::Pointer, offsetof(snn_tensor_info, name)},    {Kind::U32, offsetof(snn_tensor_info, dtype)},
    {Kind::U32, offsetof(snn_tensor_info, rank)},        {Kind::Pointer, offsetof(snn_tensor_info, shape)},
    {Kind::Pointer, offsetof(snn_tensor_info, strides)}, {Kind::I64, offsetof(snn_tensor_info, offset)},
    {Kind::U32, offsetof(snn_tensor_info, init)},        {Kind::U32, offsetof(snn_tensor_info, flags)},
    {Kind::F64, offsetof(snn_tensor_info, init_low)},    {Kind::F64, offsetof(snn_tensor_info, init_high)},
};
static_assert(isNaturalLayout(kTensorInfo, sizeof(snn_tensor_info)));

inline constexpr Field kHyperInfo[] = {
    {Kind::Pointer, offsetof(snn_hyper_info, name)}, {Kind::F64, offsetof(snn_hyper_info, value)},
    {Kind::F64, offsetof(snn_hyper_info, low)},      {Kind::F64, offsetof(snn_hyper_info, high)},
    {Kind::U32, offsetof(snn_hyper_info, flags)},    {Kind::U32, offsetof(snn_hyper_info, reserved)},
};
static_assert(isNaturalLayout(kHyperInfo, sizeof(snn_hyper_info)));

inline constexpr Field kModelTable[] = {
    {Kind::I64, offsetof(snn_model_table, struct_size)},
    {Kind::U32, offsetof(snn_model_table, abi_version)},
    {Kind::U32, offsetof(snn_model_table, precision)},
    {Kind::I64, offsetof(snn_model_table, tensor_info_size)},
    {Kind::Pointer, offsetof(snn_model_table, name)},
    {Kind::Pointer, offsetof(snn_model_table, compiler)},
    {Kind::Pointer, offsetof(snn_model_table, target)},
    {Kind::I64, offsetof(snn_model_table, model_hash)},
    {Kind::I64, offsetof(snn_model_table, steps)},
    {Kind::I64, offsetof(snn_model_table, max_steps)},
    {Kind::I64, offsetof(snn_model_table, classes)},
    {Kind::I64, offsetof(snn_model_table, default_batch)},
    {Kind::I64, offsetof(snn_model_table, default_epochs)},
    {Kind::Pointer, offsetof(snn_model_table, parameters)},
    {Kind::I64, offsetof(snn_model_table, parameter_count)},
    {Kind::Pointer, offsetof(snn_model_table, buffers)},
    {Kind::I64, offsetof(snn_model_table, buffer_count)},
    {Kind::Pointer, offsetof(snn_model_table, constants)},
    {Kind::I64, offsetof(snn_model_table, constant_count)},
    {Kind::Pointer, offsetof(snn_model_table, inputs)},
    {Kind::I64, offsetof(snn_model_table, input_count)},
    {Kind::Pointer, offsetof(snn_model_table, outputs)},
    {Kind::I64, offsetof(snn_model_table, output_count)},
    {Kind::Pointer, offsetof(snn_model_table, states)},
    {Kind::I64, offsetof(snn_model_table, state_count)},
    {Kind::Pointer, offsetof(snn_model_table, hyper)},
    {Kind::I64, offsetof(snn_model_table, hyper_count)},
    {Kind::I64, offsetof(snn_model_table, parameter_bytes)},
    {Kind::I64, offsetof(snn_model_table, buffer_bytes)},
    {Kind::I64, offsetof(snn_model_table, optimizer_bytes)},
    {Kind::I64, offsetof(snn_model_table, state_bytes)},
    {Kind::Pointer, offsetof(snn_model_table, arena_size)},
    {Kind::Pointer, offsetof(snn_model_table, forward)},
    {Kind::Pointer, offsetof(snn_model_table, step)},
    {Kind::Pointer, offsetof(snn_model_table, loss_and_gradient)},
    {Kind::Pointer, offsetof(snn_model_table, backward)},
    {Kind::Pointer, offsetof(snn_model_table, update)},
    {Kind::Pointer, offsetof(snn_model_table, train_step)},
    {Kind::Pointer, offsetof(snn_model_table, evaluate)},
    {Kind::I64, offsetof(snn_model_table, window)},
    {Kind::Pointer, offsetof(snn_model_table, initial_parameters)},
    {Kind::Pointer, offsetof(snn_model_table, initial_buffers)},
    {Kind::Pointer, offsetof(snn_model_table, forward_training)},
    {Kind::I64, offsetof(snn_model_table, random)},
};
static_assert(isNaturalLayout(kModelTable, sizeof(snn_model_table)));

/// The note is one packed run of bytes in the file: three words, the owner padded to 8 bytes, then snn_note.
static_assert(offsetof(snn_note, abi_version) == 0 && offsetof(snn_note, cpu_level) == 4 &&
              offsetof(snn_note, model_hash) == 8 && offsetof(snn_note, query_symbol) == 16);
static_assert(sizeof(SNN_NOTE_OWNER) > 4 && sizeof(SNN_NOTE_OWNER) <= 8);

/// The LLVM type with these fields.
mlir::LLVM::LLVMStructType structType(mlir::MLIRContext *context, std::span<const Field> fields);

} // namespace snn::abi

#endif // SNN_COMPILER_EMIT_ABILAYOUT_H
