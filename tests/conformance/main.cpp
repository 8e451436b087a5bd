// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// conformance NAME...: runs the twins of these names, one after the other.
// conformance --list: says which there are.

#include "twin.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace conformance {
namespace {

std::vector<const twin*>& twins() {
  static std::vector<const twin*> all;
  return all;
}

std::string label_of_code(const boost::system::error_code& code) {
  namespace errc = boost::system::errc;
  if (code == errc::connection_refused) return "connection_refused";
  if (code == errc::connection_reset) return "connection_reset";
  if (code == errc::connection_aborted) return "connection_aborted";
  if (code == errc::broken_pipe) return "broken_pipe";
  if (code == errc::no_such_file_or_directory) return "not_found";
  return "os_error";
}

std::string label_of_group(const aio::exception_group& group) {
  std::vector<std::string> labels;
  for (const std::exception_ptr& one : group.exceptions()) labels.push_back(label(one));
  std::sort(labels.begin(), labels.end());
  return fmt::format("group({})", fmt::join(labels, ","));
}

}  // namespace

twin::twin(std::string_view name_, void (*main_)()) : name(name_), main(main_) {
  twins().push_back(this);
}

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else {
      text += c;
    }
  }
  return text + '"';
}

temporary_folder::temporary_folder() : path_("/tmp/aio_twin_XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
}
temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string label(const std::exception_ptr& error) {
  if (!error) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const aio::cancelled_error&) {
    return "cancelled";
  } catch (const aio::keyboard_interrupt&) {
    return "keyboard_interrupt";
  } catch (const aio::exception_group& group) {
    return label_of_group(group);
  } catch (const aio::timeout_error&) {
    return "timeout";
  } catch (const aio::invalid_state_error&) {
    return "invalid_state";
  } catch (const aio::incomplete_read_error& e) {
    return fmt::format("incomplete_read partial={} expected={}", quoted(e.partial),
                       e.expected ? fmt::format("{}", *e.expected) : "none");
  } catch (const aio::limit_overrun_error& e) {
    return fmt::format("limit_overrun consumed={}", e.consumed);
  } catch (const aio::queue_full&) {
    return "queue_full";
  } catch (const aio::queue_empty&) {
    return "queue_empty";
  } catch (const aio::queue_shut_down&) {
    return "queue_shut_down";
  } catch (const aio::broken_barrier_error&) {
    return "broken";
  } catch (const aio::usage_error&) {
    return "runtime_error";
  } catch (const value_error&) {
    return "value_error";
  } catch (const key_error&) {
    return "key_error";
  } catch (const aio::ssl_cert_verification_error&) {
    return "certificate_error";
  } catch (const aio::ssl_error&) {
    return "ssl_error";
  } catch (const boost::system::system_error& e) {
    return label_of_code(e.code());
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace conformance

int main(int argc, char** argv) {
  using conformance::twin;
  const std::vector<std::string_view> names(argv + 1, argv + argc);
  auto& all = conformance::twins();
  if (names.size() == 1 && names[0] == "--list") {
    for (const twin* one : all) fmt::print("{}\n", one->name);
    return EXIT_SUCCESS;
  }
  for (const std::string_view name : names) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const twin* one) { return one->name == name; });
    if (found == all.end()) {
      fmt::print(stderr, "conformance: there is no twin '{}'\n", name);
      return EXIT_FAILURE;
    }
    (*found)->main();
  }
  return names.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
}
