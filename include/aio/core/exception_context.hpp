// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What an exception handler is told about an error that nobody took.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <typeinfo>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace aio {

/// Like: the `context` dict of asyncio's loop.call_exception_handler()
struct exception_context {
  std::string message = {};           ///< what happened, always given
  std::exception_ptr exception = {};  ///< null if there is none
  std::string source = {};            ///< whose error it is: a task, server, transport
};

/// `exception` as text: its type and what() for a std::exception.
inline std::string describe(const std::exception_ptr& exception);

namespace detail {

inline std::string readable_type(const std::type_info& type) {
#if __has_include(<cxxabi.h>)
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  if (status == 0) return name.get();
#endif
  return type.name();
}

/// Writes to stderr; what a loop does with errors unless it was told otherwise.
inline void default_exception_handler(const exception_context& context) {
  std::string text = "aio: " + context.message;
  if (!context.source.empty()) text += "\n  in: " + context.source;
  if (context.exception) text += "\n  exception: " + describe(context.exception);
  text += '\n';
  std::fputs(text.c_str(), stderr);
}

}  // namespace detail

inline std::string describe(const std::exception_ptr& exception) {
  if (!exception) return "none";
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return detail::readable_type(typeid(e)) + ": " + e.what();
  } catch (...) {
#if __has_include(<cxxabi.h>)
    if (const std::type_info* type = abi::__cxa_current_exception_type()) {
      return detail::readable_type(*type);
    }
#endif
    return "an exception that is no std::exception";
  }
}

}  // namespace aio
