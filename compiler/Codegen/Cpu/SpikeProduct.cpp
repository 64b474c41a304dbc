// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with spikes: lists of the set bits, sums of the rows they select, and the dense form for busy layers.

#include "compiler/Codegen/Cpu/Products.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace snn {
namespace {

/// Above one spike in five the dense product is faster.
constexpr int64_t kDensestSparse = 5;
/// Accumulators of a gather: enough to hide the latency of an addition.
constexpr int64_t kGatherVectors = 8;

Type i32(Emitter &e) { return e.b.getI32Type(); }

Value toI32(Emitter &e, Value index) { return e.b.createOrFold<arith::IndexCastOp>(i32(e), index); }

/// Calls body(k) for each set bit k of the word, ascending; `carry` goes along.
Value forEachBit(Emitter &e, Value word, Value carry, const std::function<Value(Value bit, Value carry)> &body) {
  Value bits = arith::ExtUIOp::create(e.b, i32(e), word);
  Value zero = arith::ConstantIntOp::create(e.b, i32(e), 0), one = arith::ConstantIntOp::create(e.b, i32(e), 1);
  auto loop = scf::WhileOp::create(
      e.b, TypeRange{i32(e), carry.getType()}, ValueRange{bits, carry},
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, args[0], zero);
        scf::ConditionOp::create(b, loc, more, args);
      },
      [&](OpBuilder &b, Location loc, ValueRange args) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
        Value position = e.toIndex(math::CountTrailingZerosOp::create(e.b, args[0]));
        Value next = body(position, args[1]);
        Value rest = e.both(args[0], arith::SubIOp::create(e.b, args[0], one));
        scf::YieldOp::create(e.b, ValueRange{rest, next});
      });
  return loop.getResult(1);
}

/// Number of set bits in `count` words.
Value countSpikes(Emitter &e, ModuleOp module, Memory words, Value count) {
  Type memory = e.memoryType(e.b.getI16Type()), index = e.b.getIndexType();
  auto kernel = e.kernel(module, "snn_count_spikes", {memory, index, index}, {index},
                         [&](Emitter &in, Block::BlockArgListType args) {
                           Memory from{args[0], args[1]};
                           auto total = in.loop(in.index(0), args[2], 1, {in.index(0)}, [&](Value i, ValueRange sum) {
                             Value word = arith::ExtUIOp::create(in.b, in.b.getI32Type(), in.load(from, i));
                             Value set = math::CtPopOp::create(in.b, word);
                             return SmallVector<Value>{in.add(sum[0], in.toIndex(set))};
                           });
                           func::ReturnOp::create(in.b, total);
                         });
  return func::CallOp::create(e.b, kernel, ValueRange{words.base, words.offset, count}).getResult(0);
}

/// Lists for each row its set bits: entries[starts[r] .. starts[r + 1]).
void listRows(Emitter &e, ModuleOp module, const SpikeMatrix &spikes, Memory starts, Memory entries) {
  Type words = e.memoryType(e.b.getI16Type()), ints = e.memoryType(i32(e)), index = e.b.getIndexType();
  auto kernel = e.kernel(module, "snn_list_rows", {words, index, index, index, ints, index, ints, index}, {},
                         [&](Emitter &in, Block::BlockArgListType args) {
                           Memory from{args[0], args[1]}, first{args[4], args[5]}, list{args[6], args[7]};
                           Value rows = args[2], perRow = args[3];
                           auto end = in.loop(in.index(0), rows, 1, {in.index(0)}, [&](Value r, ValueRange count) {
                             in.store(toI32(in, count[0]), first, r);
                             return in.loop(in.index(0), perRow, 1, count, [&](Value w, ValueRange inRow) {
                               Value word = in.load(from, in.add(in.mul(r, perRow), w));
                               return SmallVector<Value>{forEachBit(in, word, inRow[0], [&](Value bit, Value position) {
                                 in.store(toI32(in, in.add(in.mul(w, kLanes), bit)), list, position);
                                 return in.add(position, 1);
                               })};
                             });
                           });
                           in.store(toI32(in, end[0]), first, rows);
                           func::ReturnOp::create(in.b);
                         });
  SmallVector<Value> operands;
  Emitter::append(operands, spikes.words);
  operands.append({spikes.rows, e.index(spikes.wordsPerRow)});
  Emitter::append(operands, starts);
  Emitter::append(operands, entries);
  func::CallOp::create(e.b, kernel, operands);
}

/// Lists for each column the rows in which its bit is set, by counting: entries[starts[k] .. starts[k + 1]).
/// `cursor` is scratch of one integer for each column.
void listColumns(Emitter &e, ModuleOp module, const SpikeMatrix &spikes, Memory starts, Memory cursor, Memory entries) {
  Type words = e.memoryType(e.b.getI16Type()), ints = e.memoryType(i32(e)), index = e.b.getIndexType();
  auto kernel =
      e.kernel(module, "snn_list_columns", {words, index, index, index, ints, index, ints, index, ints, index}, {},
               [&](Emitter &in, Block::BlockArgListType args) {
                 Memory from{args[0], args[1]}, first{args[4], args[5]}, next{args[6], args[7]}, list{args[8], args[9]};
                 Value rows = args[2], perRow = args[3], columns = in.mul(perRow, kLanes);
                 Value one = arith::ConstantIntOp::create(in.b, i32(in), 1);
                 Value zero = arith::ConstantIntOp::create(in.b, i32(in), 0);
                 auto forEachSpike = [&](const std::function<void(Value row, Value column)> &body) {
                   in.loop(rows, [&](Value r) {
                     in.loop(perRow, [&](Value w) {
                       Value word = in.load(from, in.add(in.mul(r, perRow), w));
                       forEachBit(in, word, in.index(0), [&](Value bit, Value unused) {
                         body(r, in.add(in.mul(w, kLanes), bit));
                         return unused;
                       });
                     });
                   });
                 };
                 in.loop(columns, [&](Value k) { in.store(zero, next, k); });
                 forEachSpike([&](Value, Value k) { in.store(in.add(in.load(next, k), one), next, k); });
                 auto end = in.loop(in.index(0), columns, 1, {zero}, [&](Value k, ValueRange sum) {
                   Value count = in.load(next, k);
                   in.store(sum[0], first, k);
                   in.store(sum[0], next, k);
                   return SmallVector<Value>{in.add(sum[0], count)};
                 });
                 in.store(end[0], first, columns);
                 forEachSpike([&](Value r, Value k) {
                   Value position = in.load(next, k);
                   in.store(toI32(in, r), list, in.toIndex(position));
                   in.store(in.add(position, one), next, k);
                 });
                 func::ReturnOp::create(in.b);
               });
  SmallVector<Value> operands;
  Emitter::append(operands, spikes.words);
  operands.append({spikes.rows, e.index(spikes.wordsPerRow)});
  Emitter::append(operands, starts);
  Emitter::append(operands, cursor);
  Emitter::append(operands, entries);
  func::CallOp::create(e.b, kernel, operands);
}

/// C[r, :] = start + sum of the rows B[i, :] in r's list. A strip of columns stays in registers while its rows go by.
void gatherRows(Emitter &e, ModuleOp module, const SpikeProduct &product, Value rows, Memory starts, Memory entries) {
  std::string name = llvm::formatv("snn_gather_{0}_{1}", product.columns, nameOf(product.start)).str();
  Type reals = e.memoryType(e.real), ints = e.memoryType(i32(e)), index = e.b.getIndexType();
  auto kernel = e.kernel(
      module, name, {reals, index, reals, index, reals, index, index, ints, index, ints, index, e.b.getI1Type()}, {},
      [&](Emitter &in, Block::BlockArgListType args) {
        Memory b{args[0], args[1]}, c{args[2], args[3]}, bias{args[4], args[5]}, first{args[7], args[8]},
            list{args[9], args[10]};
        int64_t lanes = in.machineLanes(), strip = kGatherVectors * lanes;
        auto emitStrip = [&](Value column, int64_t vectors) {
          in.loop(args[6], [&](Value r) {
            Value row = in.add(in.mul(r, product.columns), column);
            SmallVector<Value> sums;
            for (int64_t v = 0; v < vectors; ++v) {
              Value zero = in.constant(in.vector(lanes, in.real), 0);
              if (product.start == Start::Zero)
                sums.push_back(zero);
              else if (product.start == Start::Bias)
                sums.push_back(emitBiasStart(in, bias, in.add(column, v * lanes), lanes));
              else
                sums.push_back(
                    arith::SelectOp::create(in.b, args[11], zero, in.loadVector(c, in.add(row, v * lanes), lanes)));
            }
            Value from = in.toIndex(in.load(first, r)), to = in.toIndex(in.load(first, in.add(r, 1)));
            auto total = in.loop(from, to, 1, sums, [&](Value i, ValueRange acc) {
              Value source = in.add(in.mul(in.toIndex(in.load(list, i)), product.columns), column);
              SmallVector<Value> next;
              for (int64_t v = 0; v < vectors; ++v)
                next.push_back(arith::AddFOp::create(in.b, acc[v], in.loadVector(b, in.add(source, v * lanes), lanes)));
              return next;
            });
            for (int64_t v = 0; v < vectors; ++v)
              in.storeVector(total[v], c, in.add(row, v * lanes));
          });
        };
        int64_t whole = product.columns / strip * strip;
        if (whole > 0)
          in.loop(in.index(0), in.index(whole), strip, [&](Value column) { emitStrip(column, kGatherVectors); });
        if (whole < product.columns)
          emitStrip(in.index(whole), (product.columns - whole) / lanes);
        func::ReturnOp::create(in.b);
      });
  SmallVector<Value> operands;
  Emitter::append(operands, product.b);
  Emitter::append(operands, product.c);
  Emitter::append(operands, product.start == Start::Bias ? product.bias : product.c);
  operands.push_back(rows);
  Emitter::append(operands, starts);
  Emitter::append(operands, entries);
  operands.push_back(product.start == Start::Sum ? product.fresh : e.truth(false));
  func::CallOp::create(e.b, kernel, operands);
}

} // namespace

void emitSpreadSpikes(Emitter &e, ModuleOp module, Memory words, Value count, Memory out) {
  Type shorts = e.memoryType(e.b.getI16Type()), reals = e.memoryType(e.real), index = e.b.getIndexType();
  auto kernel = e.kernel(module, "snn_spread_spikes", {shorts, index, index, reals, index}, {},
                         [&](Emitter &in, Block::BlockArgListType args) {
                           Memory from{args[0], args[1]}, to{args[3], args[4]};
                           in.loop(args[2], [&](Value w) {
                             Value bits = in.wordToBits(in.load(from, w));
                             in.storeVector(in.bitsToReals(bits), to, in.mul(w, kLanes));
                           });
                           func::ReturnOp::create(in.b);
                         });
  SmallVector<Value> operands;
  Emitter::append(operands, words);
  operands.push_back(count);
  Emitter::append(operands, out);
  func::CallOp::create(e.b, kernel, operands);
}

void emitSpikeProduct(Emitter &e, ModuleOp module, const SpikeProduct &product) {
  const SpikeMatrix &spikes = product.spikes;
  int64_t width = spikes.wordsPerRow * kLanes;
  Value words = e.mul(spikes.rows, spikes.wordsPerRow), bits = e.mul(words, kLanes);
  Value set = countSpikes(e, module, spikes.words, words);
  // Scratch: spread spikes or list entries first, then the lists' starts and cursors.
  Value lists = e.add(spikes.scratchOffset, e.mul(bits, e.realBytes()));
  // Positions in lists are 32 bits wide.
  Value sparse = e.both(e.below(e.mul(set, kDensestSparse), bits), e.below(bits, e.index(int64_t(1) << 31)));
  e.when(
      sparse,
      [&] {
        Memory entries = e.view(spikes.scratch, spikes.scratchOffset, i32(e));
        Memory starts = e.view(spikes.scratch, lists, i32(e));
        if (product.transposed) {
          Memory cursor = e.view(spikes.scratch, e.add(lists, sizeof(int32_t) * (width + kLanes)), i32(e));
          listColumns(e, module, spikes, starts, cursor, entries);
          gatherRows(e, module, product, e.index(product.inputs), starts, entries);
        } else {
          listRows(e, module, spikes, starts, entries);
          gatherRows(e, module, product, spikes.rows, starts, entries);
        }
      },
      [&] {
        Memory spread = e.view(spikes.scratch, spikes.scratchOffset, e.real);
        emitSpreadSpikes(e, module, spikes.words, words, spread);
        DenseProduct dense;
        dense.a = spread;
        dense.b = product.b;
        dense.c = product.c;
        dense.bias = product.bias;
        dense.bRow = dense.cRow = dense.columns = product.columns;
        dense.start = product.start;
        dense.fresh = product.fresh;
        dense.aRow = product.transposed ? 1 : width;
        dense.aStep = product.transposed ? width : 1;
        dense.rows = product.transposed ? e.index(product.inputs) : spikes.rows;
        dense.depth = product.transposed ? spikes.rows : e.index(product.inputs);
        emitDenseProduct(e, module, dense);
      });
}

} // namespace snn
