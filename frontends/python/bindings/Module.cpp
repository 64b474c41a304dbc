// The module snnc._runtime: compiled models, their memory and their files in Python.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Files.h"
#include "frontends/python/bindings/Library.h"

namespace nb = nanobind;
using namespace snn;
using namespace snn::python;

namespace {

/// The classes of Python that failures become; they live as long as the interpreter.
PyObject *modelError, *fileError;

void raise(PyObject *type, const char *message, int32_t code) {
  nb::object error = nb::steal(PyObject_CallFunction(type, "s", message));
  if (!error)
    return; // the failure to make it is raised instead
  error.attr("code") = code;
  PyErr_SetObject(type, error.ptr());
}

} // namespace

NB_MODULE(_runtime, module) {
  nb::set_leak_warnings(false); // threads and models live until the interpreter ends
  module.doc() = "Compiled models: tables, calls and files. What programs use is in the package snnc.";
  modelError = PyErr_NewExceptionWithDoc(
      "snnc.ModelError",
      "A model refuses a call, or a file is no model that runs here. `code` is that of snn/abi.h or snn/runtime.h.",
      PyExc_ValueError, nullptr);
  fileError = PyErr_NewExceptionWithDoc("snnc.FileError",
                                        "A file of tensors cannot be read or written, or is not what "
                                        "its format says.",
                                        PyExc_ValueError, nullptr);
  module.attr("ModelError") = nb::borrow(modelError);
  module.attr("FileError") = nb::borrow(fileError);
  nb::register_exception_translator([](const std::exception_ptr &pointer, void *) {
    try {
      std::rethrow_exception(pointer);
    } catch (const ModelFailure &failure) {
      raise(modelError, failure.what(), failure.code);
    } catch (const DataError &failure) {
      raise(fileError, failure.what(), 1);
    } catch (const WriteError &failure) {
      raise(fileError, failure.what(), 74);
    }
  });
  bindLibrary(module);
  bindFiles(module);
}
