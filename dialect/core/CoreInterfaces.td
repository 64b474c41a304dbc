// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How passes see ops that read and write elements through maps, without knowing which op it is.

#ifndef SNN_CORE_INTERFACES_TD
#define SNN_CORE_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Core_IndexedOpInterface : OpInterface<"IndexedOpInterface"> {
  let cppNamespace = "::snn::core";
  let description = [{
    An op that visits each point of a domain once. At a point it reads one element of each input, through that input's
    map, and gives one term to one element of each result, through that result's map. Dims in `along` are summed: all
    others are determined by the element that is written.

    The constraints `indexed_c1` to `indexed_c6` of the dialect's README are verified here for all of them.
  }];
  let methods = [
    InterfaceMethod<"The extents of the domain, with ArrayType's marks for time and samples.",
      "::llvm::ArrayRef<int64_t>", "getDomain">,
    InterfaceMethod<"The map of each input, in order of the operands.",
      "::llvm::SmallVector<::mlir::AffineMap>", "getReadMaps", (ins), "", [{
        return ::llvm::to_vector($_op.getReads().template getAsValueRange<::mlir::AffineMapAttr>());
      }]>,
    InterfaceMethod<"The map of each result.", "::llvm::SmallVector<::mlir::AffineMap>", "getWriteMaps", (ins), "", [{
        return ::llvm::SmallVector<::mlir::AffineMap>($_op->getNumResults(), $_op.getWrite());
      }]>,
    InterfaceMethod<"The dims that are summed, in the order of summation.",
      "::llvm::ArrayRef<int64_t>", "getAlong">,
    InterfaceMethod<"Whether a read outside of input `index` has a meaning: its term is left out, or it has a default.",
      "bool", "mayReadOutside", (ins "unsigned":$index), "", "return true;">,
    InterfaceMethod<"Whether samples are among the dims that are summed.",
      "bool", "reducesSamples", (ins), "", [{
        return ::llvm::any_of($_op.getAlong(), [&](int64_t dim) { return $_op.getDomain()[dim] == ArrayType::kSample; });
      }]>,
  ];
  let verify = "return ::snn::core::verifyIndexedOp($_op);";
}

def Core_DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::snn::core";
  let description = [{
    An op whose adjoint is known. The rules are external models in compiler/Autodiff: one for each op of the core, and those
    of arith and math. An op without the interface passes no gradient on.
  }];
  let methods = [
    InterfaceMethod<[{
      Writes the adjoint at the builder's insertion point: reads the adjoints of the results from `adjoints` and adds
      what they contribute to the adjoints of the operands. Values of the forward pass may be referred to directly.
      Is called only if at least one result has an adjoint.
    }], "::llvm::LogicalResult", "buildAdjoint", (ins "::mlir::OpBuilder &":$builder, "::snn::core::Adjoints &":$adjoints)>
  ];
}

#endif // SNN_CORE_INTERFACES_TD
