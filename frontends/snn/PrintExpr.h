// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions as text.

#ifndef SNN_FRONTENDS_SNN_PRINTEXPR_H
#define SNN_FRONTENDS_SNN_PRINTEXPR_H

#include "frontends/snn/Ast.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace snn::frontend {

/// What stands for an argument of a call instead of what is written; empty for what is written.
using ArgumentText = llvm::function_ref<std::string(const Expr &call, const Argument &argument)>;

/// Writes the expression with no more parentheses than it needs; the text reads as the same expression.
void printExpr(
    const Expr &expr, llvm::raw_ostream &os,
    ArgumentText argumentText = [](const Expr &, const Argument &) { return std::string(); });

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_PRINTEXPR_H
