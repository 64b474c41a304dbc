// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See StreamLayout.h.

#include "compiler/Codegen/StreamLayout.h"
#include "compiler/Codegen/SpanLayout.h"

using namespace mlir;

namespace snn {

StreamLayout StreamLayout::of(ModuleOp module, int64_t pointerBytes) {
  const SpanLayout spans = SpanLayout::of(module);
  StreamLayout layout;
  layout.stateBytes = spans.stateBytes();
  int64_t end = kState + layout.stateBytes;
  auto add = [&](std::optional<int64_t> &field, int64_t bytes, StringRef values) {
    if (bytes == 0 || getModel(module)->hasAttr(values))
      return;
    field = end;
    end += pointerBytes;
  };
  add(layout.parameters, spans.parameterBytes(), SnnDialect::initialParametersAttrName());
  add(layout.buffers, spans.bufferBytes(), SnnDialect::initialBuffersAttrName());
  return layout;
}

std::string streamSymbolOf(StringRef model) { return (model + "_step").str(); }

} // namespace snn
