// What the processor and the operating system can run, as an x86-64 micro-architecture level.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_CPU_H
#define SNN_RUNTIME_CORE_CPU_H

namespace snn {

/// 1 to 4 on x86-64 (levels of the psABI, incl. that the system saves the vector registers); 0 on another machine.
unsigned cpuLevel();

/// CPUs that this process may use, at least 1.
unsigned cpuCount();

} // namespace snn

#endif // SNN_RUNTIME_CORE_CPU_H
