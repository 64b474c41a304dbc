// RUN: %snn-opt --snn-expose-detached=mode=other --verify-diagnostics %s

// expected-error @below {{mode is 'other', expected record or replay}}
module {
}
