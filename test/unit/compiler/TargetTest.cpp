// Names of targets: lists, their order, what is refused.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "compiler/Emit/Target.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Target/TargetMachine.h"
#include <gtest/gtest.h>

using namespace snn;

namespace {

/// The names in the order in which they come out, or the error.
std::string parsed(llvm::StringRef names) {
  llvm::Expected<llvm::SmallVector<Target>> targets = parseTargets(names);
  if (!targets)
    return llvm::toString(targets.takeError());
  std::string text;
  for (const Target &target : *targets)
    text += (text.empty() ? "" : " ") + target.name.str();
  return text;
}

TEST(Targets, ListsHaveOneOrder) {
  EXPECT_EQ(parsed("x86-64-v3"), "x86-64-v3");
  EXPECT_EQ(parsed("x86-64-v3,x86-64-v4"), "x86-64-v4 x86-64-v3");
  EXPECT_EQ(parsed("x86-64-v4,x86-64-v3,x86-64-v4"), "x86-64-v4 x86-64-v3");
  EXPECT_EQ(parsed("armv8-a"), "armv8-a");
}

TEST(Targets, NativeIsThisMachine) {
  ASSERT_TRUE(hostTarget());
  EXPECT_EQ(parsed("native"), hostTarget()->name);
  EXPECT_EQ(parsed("native," + hostTarget()->name.str()), hostTarget()->name);
  EXPECT_EQ(hostTargets().back().name, hostTarget()->name);
}

TEST(Targets, WhatMakesNoSenseIsRefused) {
  const std::string known = " is unknown, expected native or some of x86-64-v3, x86-64-v4, armv8-a, cortex-m4";
  for (const char *name : {"", "x86-64-v2", "X86-64-v3", "native ", "armv8"})
    EXPECT_EQ(parsed(name), "'" + std::string(name) + "'" + known);
  EXPECT_EQ(parsed("x86-64-v3,"), "''" + known);
  EXPECT_EQ(parsed(",x86-64-v3"), "''" + known);
  EXPECT_EQ(parsed("x86-64-v4,armv8-a"),
            "x86-64-v4 and armv8-a are of different architectures, of which a library has one");
}

TEST(Targets, EachHasACodeGeneratorAndKnowsItsCpu) {
  for (const Target &target : allTargets()) {
    std::string error;
    std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target, /*plain=*/false, error);
    ASSERT_TRUE(machine) << error;
    EXPECT_EQ(machine->getTargetTriple().getArch(), target.architecture);
    EXPECT_EQ(machine->getTargetCPU(), target.baseCpu());
    EXPECT_TRUE(machine->getMCSubtargetInfo()->isCPUStringValid(target.cpu)) << target.name.str();
  }
}

} // namespace
