//===- convolution.cpp - Where the chains of a convolution may end --------===//
//
// A convolution sums over (kh, kw, ic). Its chains may end after every 64 terms,
// wherever that is, or at each tap (ic) or row of the kernel (kw, ic) as well.
// Depthwise 3 x 3 over 64 channels of 28 x 28; 5 x 5 from 12 and from 64 to 64
// channels, 16 x 16 to 12 x 12, dense and from spikes by tables. Channels are
// innermost and lie in the lanes.
//
//===----------------------------------------------------------------------===//
#include "Measure.h"

namespace {

//===----------------------------------------------------------------------===//
// Depthwise
//===----------------------------------------------------------------------===//

constexpr int kSide = 28, kPadded = kSide + 2, kChannels = 64;

/// y = depthwise(x, w); x with its padding. `Ends` says after how many taps a chain ends: 9 or 3. `Zero`: the chain's
/// sum is added to +0, as to any total, so that no result is -0.
template <int Ends, bool Zero = true> void depthwise(const Floats &x, const Floats &w, const Floats &y) {
  for (int c = 0; c < kChannels; c += kLanes) {
    Vector weights[9];
    for (int tap = 0; tap < 9; ++tap)
      weights[tap] = load(w + tap * kChannels + c);
    for (int h = 0; h < kSide; ++h)
      for (int p = 0; p < kSide; p += 4) {
        Vector total[4] = {}, sum[4] = {};
        for (int tap = 0; tap < 9; ++tap)
          for (int i = 0; i < 4; ++i) {
            const float *from = x + static_cast<size_t>((h + tap / 3) * kPadded + p + i + tap % 3) * kChannels + c;
            sum[i] = __builtin_elementwise_fma(load(from), weights[tap], sum[i]);
            if (Ends < 9 && tap % Ends == Ends - 1)
              total[i] += sum[i], sum[i] = Vector(0);
          }
        for (int i = 0; i < 4; ++i)
          store(y + static_cast<size_t>(h * kSide + p + i) * kChannels + c,
                Ends < 9 ? total[i] : sum[i] + Vector(Zero ? 0.0f : -0.0f));
      }
  }
}

/// dw[tap][c] = sum over positions of x * dy, chains of `block` positions, 0 for one chain.
void depthwiseWeights(const Floats &x, const Floats &dy, const Floats &dw, int block) {
  constexpr int positions = kSide * kSide;
  for (int c = 0; c < kChannels; c += kLanes) {
    Vector total[9] = {};
    for (int first = 0; first < positions;) {
      const int last = block ? std::min(first + block, positions) : positions;
      Vector sum[9] = {};
      for (int at = first; at < last;) { // the stretch of an image row that lies in the block
        const int h = at / kSide, begin = at % kSide, end = std::min(kSide, begin + last - at);
        for (int p = begin; p < end; ++p) {
          const Vector error = load(dy + static_cast<size_t>(h * kSide + p) * kChannels + c);
          for (int tap = 0; tap < 9; ++tap)
            sum[tap] = __builtin_elementwise_fma(
                load(x + static_cast<size_t>((h + tap / 3) * kPadded + p + tap % 3) * kChannels + c), error, sum[tap]);
        }
        at += end - begin;
      }
      for (int tap = 0; tap < 9; ++tap)
        total[tap] += sum[tap];
      first = last;
    }
    for (int tap = 0; tap < 9; ++tap)
      store(dw + tap * kChannels + c, total[tap]);
  }
}

void measureDepthwise() {
  Floats x(static_cast<size_t>(kPadded) * kPadded * kChannels), y(static_cast<size_t>(kSide) * kSide * kChannels);
  Floats w(9 * kChannels);
  fillUniform(x, 1, -1, 1);
  fillUniform(w, 2, -1, 1);
  const double flops = 2.0 * 9 * kSide * kSide * kChannels;
  Race forward("depthwise 3 x 3, forward and input gradient");
  forward.add("one chain of 9, results may be -0", [&] { depthwise<9, false>(x, w, y); });
  forward.add("one chain of 9, added to +0", [&] { depthwise<9>(x, w, y); });
  forward.add("ends at each row of the kernel", [&] { depthwise<3>(x, w, y); });
  forward.print(flops);
  Race weights("depthwise 3 x 3, weight gradient, 784 positions");
  for (int block : {0, 64, 128, kSide, 32})
    weights.add(block == kSide ? "ends at each image row (28)"
                : block        ? "blocks of " + std::to_string(block)
                               : "one chain",
                [&, block] { depthwiseWeights(x, y, w, block); });
  weights.print(flops);
}

//===----------------------------------------------------------------------===//
// 5 x 5
//===----------------------------------------------------------------------===//

constexpr int kIn = 16, kOut = 12, kKernel = 5, kOutputs = 64;

#if LANES == 16
constexpr int kTile = 12;
#else
constexpr int kTile = 6;
#endif

/// Where chains end. Each `run` terms, and within a run each `block`; 0: no such end.
std::vector<int> endsOf(int terms, int run, int block) {
  std::vector<int> ends;
  for (int first = 0; first < terms; first += run ? run : terms) {
    const int stop = std::min(first + (run ? run : terms), terms);
    for (int at = first; at < stop; at += block ? block : stop - first)
      ends.push_back(std::min(at + (block ? block : stop - first), stop));
  }
  return ends;
}

/// The dense product of a tile of positions: terms are read through a table of offsets, so that chains may end
/// anywhere without a case of its own.
void dense(const Floats &x, const Floats &panels, const Floats &y, int channels, const std::vector<int> &offsets,
           const std::vector<int> &ends) {
  constexpr int width = 2 * kLanes;
  const size_t terms = offsets.size();
  for (int n = 0; n < kOutputs; n += width)
    for (int h = 0; h < kOut; ++h)
      for (int p = 0; p < kOut; p += kTile) {
        const float *from = x + static_cast<size_t>(h * kIn + p) * channels;
        float *to = y + static_cast<size_t>(h * kOut + p) * kOutputs + n;
        const float *panel = panels + terms * n;
        int term = 0;
        for (int end : ends) {
          const bool first = term == 0;
          Vector sum[kTile][2] = {};
          for (; term < end; ++term) {
            const Vector one = load(panel + static_cast<size_t>(term) * width);
            const Vector two = load(panel + static_cast<size_t>(term) * width + kLanes);
            const float *factors = from + offsets[term];
            for (int i = 0; i < kTile; ++i) {
              sum[i][0] = fma(factors[i * channels], one, sum[i][0]);
              sum[i][1] = fma(factors[i * channels], two, sum[i][1]);
            }
          }
          for (int i = 0; i < kTile; ++i)
            for (int v = 0; v < 2; ++v) {
              float *at = to + i * kOutputs + v * kLanes;
              store(at, (first ? Vector(0) : load(at)) + sum[i][v]);
            }
        }
      }
}

/// Tables over groups of four terms: `Groups` at once, a chain ends after each `Block` of them, totals in registers
/// meanwhile. Bits: [group][position], a byte each.
template <int Groups, int Block, int Vectors>
void tables(const std::vector<uint8_t> &bits, const Floats &w, const Floats &y, int terms) {
  constexpr int width = Vectors * kLanes, positions = kOut * kOut;
  alignas(64) static float table[Groups][16 * width];
  const int groups = terms / 4;
  for (int n = 0; n < kOutputs; n += width)
    for (int begin = 0; begin < groups; begin += Groups) {
      const int here = std::min(Groups, groups - begin);
      for (int g = 0; g < here; ++g) {
        std::memset(table[g], 0, width * sizeof(float));
        for (int bit = 0; bit < 4; ++bit)
          for (int v = 0; v < Vectors; ++v) {
            const Vector row = load(w + static_cast<size_t>(4 * (begin + g) + bit) * kOutputs + n + v * kLanes);
            for (int low = 0; low < 1 << bit; ++low)
              store(table[g] + (low + (1 << bit)) * width + v * kLanes,
                    load(table[g] + low * width + v * kLanes) + row);
          }
      }
      auto rows = [&](auto full) {
        for (int position = 0; position < positions; ++position) {
          float *to = y + static_cast<size_t>(position) * kOutputs + n;
          Vector total[Vectors];
          for (int v = 0; v < Vectors; ++v)
            total[v] = begin ? load(to + v * kLanes) : Vector(0);
          for (int g = 0; g < (full ? Groups : here);) {
            Vector sum[Vectors] = {};
            for (const int end = full ? g + Block : std::min(g + Block, here); g < end; ++g)
              for (int v = 0; v < Vectors; ++v)
                sum[v] +=
                    load(table[g] + bits[static_cast<size_t>(begin + g) * positions + position] * width + v * kLanes);
            for (int v = 0; v < Vectors; ++v)
              total[v] += sum[v];
          }
          for (int v = 0; v < Vectors; ++v)
            store(to + v * kLanes, total[v]);
        }
      };
      if (here == Groups)
        rows(std::true_type());
      else
        rows(std::false_type());
    }
}

/// The order, written down: `factor(position, term)` times the term's row of w, chains that end at `ends`, for spikes
/// of groups of four terms.
template <class Factor> Floats reference(Factor factor, const Floats &w, const std::vector<int> &ends, bool grouped) {
  Floats y(static_cast<size_t>(kOut) * kOut * kOutputs);
  for (int position = 0; position < kOut * kOut; ++position)
    for (int n = 0; n < kOutputs; ++n) {
      float total = 0;
      int term = 0;
      for (int end : ends) {
        float chain = 0;
        while (term < end) {
          float sum = grouped ? 0 : chain;
          for (const int stop = grouped ? std::min(term + 4, end) : end; term < stop; ++term)
            sum = __builtin_fmaf(factor(position, term), w[static_cast<size_t>(term) * kOutputs + n], sum);
          chain = grouped ? chain + sum : sum;
        }
        total += chain;
      }
      y[static_cast<size_t>(position) * kOutputs + n] = total;
    }
  return y;
}

void measureFive(int channels) {
  const int terms = kKernel * kKernel * channels;
  Floats x(static_cast<size_t>(kIn) * kIn * channels), w(static_cast<size_t>(terms) * kOutputs);
  Floats y(static_cast<size_t>(kOut) * kOut * kOutputs), panels(w.count());
  fillUniform(x, 1, -1, 1);
  fillUniform(w, 2, -1, 1);
  for (int term = 0; term < terms; ++term)
    for (int n = 0; n < kOutputs; ++n)
      panels[static_cast<size_t>(n / (2 * kLanes)) * terms * 2 * kLanes + term * 2 * kLanes + n % (2 * kLanes)] =
          w[static_cast<size_t>(term) * kOutputs + n];
  std::vector<int> offsets;
  for (int kh = 0; kh < kKernel; ++kh)
    for (int kw = 0; kw < kKernel; ++kw)
      for (int ic = 0; ic < channels; ++ic)
        offsets.push_back((kh * kIn + kw) * channels + ic);
  const double flops = 2.0 * terms * kOut * kOut * kOutputs;
  const std::string title = "5 x 5 convolution, " + std::to_string(channels) + " to 64 channels";

  struct Kind {
    const char *name;
    int run, block;
  };
  Race real(title + ", dense");
  for (Kind kind : {Kind{"one chain", 0, 0}, Kind{"blocks of 64", 0, 64}, Kind{"blocks of 128", 0, 128},
                    Kind{"ends at each tap, blocks of 64", channels, 64},
                    Kind{"ends at each kernel row, blocks of 64", kKernel * channels, 64}})
    real.add(kind.name,
             [&, ends = endsOf(terms, kind.run, kind.block)] { dense(x, panels, y, channels, offsets, ends); });
  real.print(flops);

  std::vector<uint8_t> bits(static_cast<size_t>(terms / 4) * kOut * kOut);
  Random random(3);
  for (uint8_t &four : bits)
    for (int bit = 0; bit < 4; ++bit)
      four |= (random.next() < 0.2f) << bit;
  auto at = [&](int position, int term) {
    return x[static_cast<size_t>(position / kOut * kIn + position % kOut) * channels + offsets[term]];
  };
  auto bit = [&](int position, int term) {
    return static_cast<float>(bits[static_cast<size_t>(term / 4) * kOut * kOut + position] >> (term % 4) & 1);
  };
  for (auto ends : {endsOf(terms, 0, 64), endsOf(terms, channels, 64)}) {
    dense(x, panels, y, channels, offsets, ends);
    expectBits(y, reference(at, w, ends, false), "dense");
  }
  tables<16, 16, 4>(bits, w, y, terms);
  expectBits(y, reference(bit, w, endsOf(terms, 0, 64), true), "tables, blocks of 16 groups");
  if (channels == 12) {
    tables<15, 3, 4>(bits, w, y, terms);
    expectBits(y, reference(bit, w, endsOf(terms, channels, 64), true), "tables, blocks end at each tap");
  }

  Race spikes(title + ", tables");
  spikes.add("blocks of 16 groups", [&] { tables<16, 16, 4>(bits, w, y, terms); });
  spikes.add("blocks of 8 groups", [&] { tables<16, 8, 4>(bits, w, y, terms); });
  spikes.add("ends at each kernel row of 15 groups", [&] { tables<15, 15, 4>(bits, w, y, terms); });
  if (channels == 12)
    spikes.add("ends at each tap of 3 groups", [&] { tables<15, 3, 4>(bits, w, y, terms); });
  spikes.print(flops);
}

} // namespace

int main() {
  measureDepthwise();
  measureFive(12);
  measureFive(64);
}
