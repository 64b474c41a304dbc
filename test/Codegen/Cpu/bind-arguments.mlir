// RUN: %snn-opt %s --snn-bind-arguments | FileCheck %s

// What all calls give alike becomes a constant, also through a function that passes it on, and what is not used goes.
// CHECK-LABEL: func.func @caller(
// CHECK-SAME: %[[X:.*]]: index)
// CHECK: call @outer(%[[X]]) : (index) -> index
// CHECK: call @outer(%[[Y:.*]]) : (index) -> index
func.func @caller(%x: index) -> index {
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %0 = call @outer(%x, %c4, %c5) : (index, index, index) -> index
  %y = arith.addi %0, %c5 : index
  %1 = call @outer(%y, %c4, %y) : (index, index, index) -> index
  return %1 : index
}

// CHECK: func.func private @outer(%[[X:.*]]: index) -> index
// CHECK: call @inner(%[[X]]) : (index) -> index
func.func private @outer(%x: index, %same: index, %unused: index) -> index {
  %0 = call @inner(%x, %same) : (index, index) -> index
  return %0 : index
}

// CHECK: func.func private @inner(%[[X:.*]]: index) -> index
// CHECK: %[[C:.*]] = arith.constant 4 : index
// CHECK: arith.muli %[[X]], %[[C]]
func.func private @inner(%x: index, %y: index) -> index {
  %0 = arith.muli %x, %y : index
  return %0 : index
}

// Calls that differ keep the argument.
// CHECK-LABEL: func.func @differ()
// CHECK: call @taken(%{{.*}}) : (index) -> ()
// CHECK: call @taken(%{{.*}}) : (index) -> ()
func.func @differ() {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  call @taken(%c1) : (index) -> ()
  call @taken(%c2) : (index) -> ()
  return
}
func.func private @taken(%x: index) {
  call @external(%x) : (index) -> ()
  return
}
func.func private @external(index)

// A function whose address is taken has calls that nobody sees.
// CHECK-LABEL: func.func @address()
// CHECK: call @pointedAt(%{{.*}}) : (index) -> ()
func.func @address() -> ((index) -> ()) {
  %c1 = arith.constant 1 : index
  call @pointedAt(%c1) : (index) -> ()
  %f = constant @pointedAt : (index) -> ()
  return %f : (index) -> ()
}
func.func private @pointedAt(%x: index) {
  call @external(%x) : (index) -> ()
  return
}
