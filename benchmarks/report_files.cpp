// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "report_files.hpp"

#include <sys/utsname.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/version.hpp>

namespace bench {
namespace {

std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      return std::to_string(std::thread::hardware_concurrency()) + " × " +
             line.substr(line.find(':') + 2);
    }
  }
  return "unknown";
}

std::string kernel() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string compiler() {
#if defined(__clang__)
  return "clang++ " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string boost() {
  return std::to_string(BOOST_VERSION / 100000) + "." +
         std::to_string(BOOST_VERSION / 100 % 1000);
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::localtime(&now));
  return text;
}

std::string commit() {
  try {
    child_process git(
        "/usr/bin/git",
        {"-C", BENCH_SOURCE, "describe", "--always", "--dirty", "--abbrev=12"},
        child_process::errors::hidden);
    return git.read_line(5000).value_or("unknown");
  } catch (const std::exception&) {
    return "unknown";
  }
}

void add_conditions(session& in) {
  in.report.add_condition("machine", machine());
  in.report.add_condition("kernel", kernel());
  in.report.add_condition("compiler", compiler() + ", " BENCH_FLAGS);
  in.report.add_condition("boost", boost());
  in.report.add_condition("commit", commit());
  in.report.add_condition("date", today());
  char text[64];
  std::snprintf(text, sizeof text, "%d of %g s for each server", in.wanted.rounds,
                in.wanted.window);
  in.report.add_condition("rounds", text);
}

void plot(const session& in, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), in.folder / "plot.py");
  child_process python("/usr/bin/python3", arguments);
  while (const auto line = python.read_line()) std::printf("%s\n", line->c_str());
  if (const std::string fate = python.join(); fate != "exit code 0") {
    throw std::runtime_error("plot.py: " + fate + " (it needs python3)");
  }
}

/// Where there must be JSON for plot.py, but none is wanted.
struct temporary_file {
  std::string name = std::filesystem::temp_directory_path() /
                     ("aio-bench-" + std::to_string(getpid()) + ".json");
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(name, ignored);
  }
};

}  // namespace

void write_files(session& in) {
  const options& o = in.wanted;
  if (o.json.empty() && o.markdown.empty() && o.report.empty()) return;
  add_conditions(in);
  if (!o.json.empty()) in.report.write_to(o.json);
  if (!o.markdown.empty()) {
    const temporary_file file;
    in.report.write_to(file.name);
    plot(in, {file.name, "--markdown", o.markdown});
  }
  if (!o.report.empty()) {
    std::filesystem::create_directories(o.report);
    const std::string file = std::filesystem::path(o.report) / "results.json";
    in.report.write_to(file);
    plot(in, {file, "--report", o.report});
  }
}

}  // namespace bench
