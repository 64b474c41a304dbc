// What readers and writers of HDF5 share: identifiers that are closed, and the library's own words about an error.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_HDF5HANDLE_H
#define SNN_FRONTENDS_NIR_HDF5HANDLE_H

#include <hdf5.h>
#include <string>

namespace snn::nir {

/// An identifier of the library, closed with the scope; negative if there is none.
class Handle {
public:
  Handle() = default;
  Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  Handle(Handle &&other) noexcept : id(other.id), close(other.close) { other.id = -1; }
  Handle(const Handle &) = delete;
  Handle &operator=(Handle &&) = delete;
  ~Handle() {
    if (id >= 0)
      close(id);
  }
  hid_t get() const { return id; }
  explicit operator bool() const { return id >= 0; }

private:
  hid_t id = -1;
  herr_t (*close)(hid_t) = nullptr;
};

/// The innermost sentence of the library about its last error.
inline std::string lastError() {
  std::string text = "the library gives no reason";
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned level, const H5E_error2_t *error, void *to) -> herr_t {
        if (level == 0 && error->desc && *error->desc)
          *static_cast<std::string *>(to) = error->desc;
        return 0;
      },
      &text);
  return text;
}

/// Neither prints on its own nor loads filters from files. May be called again.
inline void prepareLibrary() {
  H5dont_atexit();
  H5open();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
}

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_HDF5HANDLE_H
