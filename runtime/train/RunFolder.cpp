// Run folders: JSON in and out. RunWriter.cpp has what changes the folder as a whole.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/RunFolder.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace snn;
using Json = nlohmann::ordered_json;

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
               {"data", record.data},
               {"validation", record.validation},
               {"validation_samples", record.validationSamples},
               {"test", record.test},
               {"time_first", record.timeFirst},
               {"threads", record.threads},
               {"batch", record.batch},
               {"epochs", record.epochs},
               {"steps", record.steps},
               {"hyper", hyper},
               {"started", record.started}};
  writeFileAtomically(this->record(), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

void RunFolder::appendMetrics(const EpochMetrics &metrics) const {
  Json json = {{"epoch", metrics.epoch}};
  for (const auto &[part, measures] : metrics.parts) {
    if (measures.loss)
      json[part + "_loss"] = *measures.loss;
    if (measures.correct)
      json[part + "_accuracy"] = measures.accuracy();
    for (const auto &[name, value] : measures.metrics)
      json[part + "_metrics"][name] = value;
  }
  if (metrics.trainSeconds)
    json["train_seconds"] = *metrics.trainSeconds;
  if (metrics.evalSeconds)
    json["eval_seconds"] = *metrics.evalSeconds;
  const std::string line = json.dump() + "\n", path = this->metrics();
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666));
  off_t before = file ? lseek(file.get(), 0, SEEK_END) : -1;
  if (before < 0)
    throw WriteError(fmt::format("{}: cannot be opened for writing: {}", path, std::strerror(errno)));
  ssize_t written = write(file.get(), line.data(), line.size());
  if (written == ssize_t(line.size()) && fsync(file.get()) == 0)
    return;
  int code = written < 0 || written == ssize_t(line.size()) ? errno : ENOSPC;
  if (ftruncate(file.get(), before) != 0)
    code = errno;
  throw WriteError(fmt::format("{}: cannot be written: {}", path, std::strerror(code)));
}

RunRecord snn::parseRunRecord(std::string_view text, const std::string &path) {
  try {
    Json json = Json::parse(text);
    RunRecord record;
    record.commandLine = json.at("command_line").get<std::vector<std::string>>();
    record.runtimeVersion = json.at("versions").at("runtime");
    record.compiler = json.at("versions").at("compiler");
    for (auto [key, field] : {std::pair{"target", &record.target},
                              {"model", &record.model},
                              {"model_hash", &record.modelHash},
                              {"precision", &record.precision},
                              {"source", &record.source},
                              {"started", &record.started}})
      *field = json.at(key).get<std::string>();
    for (auto [key, field] : {std::pair{"seed", &record.seed},
                              {"threads", &record.threads},
                              {"batch", &record.batch},
                              {"epochs", &record.epochs},
                              {"steps", &record.steps}})
      *field = json.at(key).get<uint64_t>();
    if (json.at("data").is_string()) // before there were other data than folders
      json["data"] = {json["data"]};
    for (auto [key, field] :
         {std::pair{"data", &record.data}, {"validation", &record.validation}, {"test", &record.test}})
      *field = json.value(key, std::vector<std::string>());
    record.validationSamples = json.value("validation_samples", uint64_t{0});
    record.timeFirst = json.value("time_first", false);
    for (const auto &[name, value] : json.at("hyper").items())
      record.hyper.emplace_back(name, value.get<double>());
    return record;
  } catch (const nlohmann::json::exception &exception) {
    throw DataError(fmt::format("{}: is damaged: {}", path, exception.what()));
  }
}
