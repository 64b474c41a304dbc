// The format of numpy.save: a magic, a version, a header that is a Python dictionary, the elements.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_NPY_H
#define SNN_RUNTIME_DATA_NPY_H

#include "runtime/data/Array.h"

namespace snn {

/// The array in `file`, which must be all of a .npy file, of version 1 to 3. Little-endian numbers and truth values in
/// either order of axes; reals of 16 bits, complex numbers, texts, records and objects are ElementType::Other, refused
/// where somebody wants their values. Throws DataError, which starts with `label`.
Array parseNpy(const FileBytes &file, const std::string &label);

} // namespace snn

#endif // SNN_RUNTIME_DATA_NPY_H
