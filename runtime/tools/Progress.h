// A progress bar on a terminal; nothing elsewhere.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TOOLS_PROGRESS_H
#define SNN_RUNTIME_TOOLS_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <unistd.h>

namespace snn::tools {

/// One line of stdout that is drawn over at most 20 times a second.
class Progress {
public:
  Progress() : onTerminal(isatty(STDOUT_FILENO) != 0) {}
  bool enabled() const { return onTerminal; }

  void begin(std::string newLabel) {
    label = std::move(newLabel);
    lastDrawn = {};
  }

  void update(uint64_t done, uint64_t total) {
    auto now = std::chrono::steady_clock::now();
    if (!onTerminal || total == 0 || (done < total && now - lastDrawn < std::chrono::milliseconds(50)))
      return;
    lastDrawn = now;
    constexpr uint64_t width = 40;
    uint64_t filled = done * width / total;
    fmt::print("\r{} [{}{}] {:3d} %", label, std::string(filled, '='), std::string(width - filled, ' '),
               done * 100 / total);
    std::fflush(stdout);
  }

  /// Clears the line.
  void end() {
    if (!onTerminal)
      return;
    fmt::print("\r\033[K");
    std::fflush(stdout);
  }

private:
  bool onTerminal;
  std::string label;
  std::chrono::steady_clock::time_point lastDrawn;
};

} // namespace snn::tools

#endif // SNN_RUNTIME_TOOLS_PROGRESS_H
