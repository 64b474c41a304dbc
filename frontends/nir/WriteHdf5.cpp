// Writing over the C library, into memory first.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Hdf5.h"
#include "frontends/nir/Hdf5Handle.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"

#include <fmt/format.h>

using namespace snn;
using namespace snn::nir;

namespace {

class Writer {
public:
  explicit Writer(const std::string &path) : path(path) {}

  void writeGroup(hid_t group, const Group &from) const {
    for (const auto &[name, value] : from.values)
      writeValue(group, name, value);
    for (const auto &[name, child] : from.groups) {
      Handle handle(H5Gcreate2(group, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      known(handle.get());
      writeGroup(handle.get(), child);
    }
  }

  template <typename Number> Number known(Number result) const {
    if (result < 0)
      throw WriteError(fmt::format("{}: cannot be written: {}", path, lastError()));
    return result;
  }

private:
  void writeValue(hid_t group, const std::string &name, const Value &value) const {
    const std::vector<hsize_t> extents(value.shape.begin(), value.shape.end());
    Handle space(extents.empty() ? H5Screate(H5S_SCALAR)
                                 : H5Screate_simple(int(extents.size()), extents.data(), nullptr),
                 H5Sclose);
    Handle text(H5Tcopy(H5T_C_S1), H5Tclose);
    known(H5Tset_size(text.get(), H5T_VARIABLE));
    known(H5Tset_cset(text.get(), H5T_CSET_UTF8));
    hid_t type = H5T_IEEE_F64LE;
    if (value.kind == Value::Kind::Single)
      type = H5T_IEEE_F32LE;
    else if (value.kind == Value::Kind::Integer)
      type = H5T_STD_I64LE;
    else if (value.kind == Value::Kind::Text)
      type = text.get();
    Handle set(H5Dcreate2(group, name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose);
    known(set.get());
    if (value.size() == 0)
      return;
    if (value.kind != Value::Kind::Text) {
      known(H5Dwrite(set.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.numbers.data()));
      return;
    }
    std::vector<const char *> pointers;
    for (const std::string &element : value.texts)
      pointers.push_back(element.c_str());
    known(H5Dwrite(set.get(), text.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()));
  }

  const std::string &path;
};

} // namespace

void nir::writeHdf5(const std::string &path, const Group &root) {
  prepareLibrary();
  Writer writer(path);
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  writer.known(H5Pset_fapl_core(access.get(), size_t(1) << 16, /*backing_store=*/false));
  Handle file(H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose);
  writer.known(file.get());
  {
    Handle top(H5Gopen2(file.get(), "/", H5P_DEFAULT), H5Gclose);
    writer.writeGroup(writer.known(top.get()), root);
  }
  writer.known(H5Fflush(file.get(), H5F_SCOPE_GLOBAL));
  std::vector<std::byte> bytes(size_t(writer.known(H5Fget_file_image(file.get(), nullptr, 0))));
  writer.known(H5Fget_file_image(file.get(), bytes.data(), bytes.size()));
  const std::span<const std::byte> part = bytes;
  writeFileAtomically(path, std::span(&part, 1));
}
