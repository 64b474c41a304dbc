// Run folders: JSON in and out.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/RunFolder.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace snn;
using Json = nlohmann::ordered_json;

bool RunFolder::holdsRun() const {
  std::error_code error;
  for (const std::string &file : {record(), weights(), metrics()})
    if (std::filesystem::exists(file, error))
      return true;
  return false;
}

bool RunFolder::claim(bool overwrite) const {
  if (holdsRun() && !overwrite)
    throw DataError(fmt::format("{}: holds a run already; name another folder or say --overwrite", folder));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  bool made = !error && std::filesystem::create_directory(incoming().path(), error);
  if (error)
    throw WriteError(fmt::format("{}: cannot be created: {}", folder, error.message()));
  return made;
}

void RunFolder::adopt(const RunRecord &record) const {
  std::error_code error;
  for (const std::string &old : {weights(), metrics(), this->record(), source()}) {
    std::filesystem::remove(old, error);
    if (error)
      throw WriteError(fmt::format("{}: cannot be removed: {}", old, error.message()));
  }
  for (auto [from, to] : {std::pair{incoming().library(), library()}, {incoming().source(), source()}}) {
    if (!std::filesystem::exists(from, error))
      continue;
    std::filesystem::rename(from, to, error);
    if (error)
      throw WriteError(fmt::format("{}: cannot be written: {}", to, error.message()));
  }
  writeRecord(record);
  std::filesystem::remove_all(incoming().path(), error);
}

void RunFolder::release() const {
  std::error_code error;
  std::filesystem::remove_all(incoming().path(), error);
  std::filesystem::remove(folder, error); // only if the claim made it: it is empty then
}

void RunFolder::writeRecord(const RunRecord &record) const {
  Json hyper = Json::object();
  for (const auto &[name, value] : record.hyper)
    hyper[name] = value;
  Json json = {{"command_line", record.commandLine},
               {"versions", {{"runtime", record.runtimeVersion}, {"compiler", record.compiler}}},
               {"target", record.target},
               {"seed", record.seed},
               {"model", record.model},
               {"model_hash", record.modelHash},
               {"precision", record.precision},
               {"source", record.source},
               {"dataset", record.dataset},
               {"data", record.dataFolder},
               {"threads", record.threads},
               {"batch", record.batch},
               {"epochs", record.epochs},
               {"steps", record.steps},
               {"hyper", hyper},
               {"started", record.started}};
  writeFileAtomically(this->record(), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void RunFolder::appendMetrics(const EpochMetrics &metrics) const {
  Json json = {{"epoch", metrics.epoch},
               {"train_loss", metrics.trainLoss},
               {"test_accuracy", metrics.testAccuracy},
               {"train_seconds", metrics.trainSeconds},
               {"eval_seconds", metrics.evalSeconds}};
  std::string line = json.dump() + "\n";
  std::FILE *file = std::fopen(this->metrics().c_str(), "ae");
  bool written = file && std::fwrite(line.data(), 1, line.size(), file) == line.size();
  if (file)
    written = std::fclose(file) == 0 && written;
  if (!written)
    throw WriteError(fmt::format("{}: cannot be written: {}", this->metrics(), std::strerror(errno)));
}

RunRecord RunFolder::readRecord() const {
  std::error_code error;
  if (!std::filesystem::exists(record(), error))
    throw DataError(fmt::format("{}: is not a run folder: it has no run.json", folder));
  std::vector<std::byte> bytes = readFile(record());
  const auto *text = reinterpret_cast<const char *>(bytes.data());
  try {
    Json json = Json::parse(text, text + bytes.size());
    RunRecord record;
    record.commandLine = json.at("command_line").get<std::vector<std::string>>();
    record.runtimeVersion = json.at("versions").at("runtime");
    record.compiler = json.at("versions").at("compiler");
    for (auto [key, field] : {std::pair{"target", &record.target},
                              {"model", &record.model},
                              {"model_hash", &record.modelHash},
                              {"precision", &record.precision},
                              {"source", &record.source},
                              {"dataset", &record.dataset},
                              {"data", &record.dataFolder},
                              {"started", &record.started}})
      *field = json.at(key).get<std::string>();
    for (auto [key, field] : {std::pair{"seed", &record.seed},
                              {"threads", &record.threads},
                              {"batch", &record.batch},
                              {"epochs", &record.epochs},
                              {"steps", &record.steps}})
      *field = json.at(key).get<uint64_t>();
    for (const auto &[name, value] : json.at("hyper").items())
      record.hyper.emplace_back(name, value.get<double>());
    return record;
  } catch (const nlohmann::json::exception &exception) {
    throw DataError(fmt::format("{}: is damaged: {}", record(), exception.what()));
  }
}

RunFolder snn::claimFreshFolder(const std::string &base) {
  for (unsigned number = 1;; ++number) {
    RunFolder folder(number == 1 ? base : fmt::format("{}-{}", base, number));
    if (!folder.holdsRun() && folder.claim(false))
      return folder;
  }
}
