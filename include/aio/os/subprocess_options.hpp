// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// How a program is started.

#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aio {

/// What a child has as its standard input, output or errors: `aio::inherit`,
/// `aio::pipe`, `aio::devnull`, a descriptor, and for errors `aio::to_stdout`.
class child_stream {
 public:
  enum class kind : std::uint8_t {
    unset,
    inherit,
    pipe,
    devnull,
    to_stdout,
    descriptor
  };

  constexpr child_stream() noexcept = default;
  constexpr child_stream(kind what) noexcept : kind_(what) {}
  /// A descriptor that is open here; it stays open, and yours.
  constexpr child_stream(int fd) noexcept : kind_(kind::descriptor), fd_(fd) {}

  constexpr kind what() const noexcept { return kind_; }
  constexpr int fd() const noexcept { return fd_; }
  /// What it is unless something was said.
  constexpr child_stream otherwise(child_stream usual) const noexcept {
    return kind_ == kind::unset ? usual : *this;
  }

  friend constexpr bool operator==(const child_stream&, const child_stream&) = default;

 private:
  kind kind_ = kind::unset;
  int fd_ = -1;
};

/// That of this process.
inline constexpr child_stream inherit{child_stream::kind::inherit};
/// A pipe to this process: `p.in`, `p.out`, `p.err`. Like: subprocess.PIPE
inline constexpr child_stream pipe{child_stream::kind::pipe};
/// /dev/null. Like: subprocess.DEVNULL
inline constexpr child_stream devnull{child_stream::kind::devnull};
/// Errors go where the output goes. Like: subprocess.STDOUT
inline constexpr child_stream to_stdout{child_stream::kind::to_stdout};

/// Refers to the variables of an environment: any range of pairs of strings, such as
/// std::map<std::string, std::string>, or of strings "NAME=value". None: that of this
/// process. It is copied by the function that takes the option.
class environment_ref {
 public:
  constexpr environment_ref() noexcept = default;
  template <std::ranges::input_range R>
  requires(!std::same_as<R, environment_ref>) environment_ref(const R& variables)
  noexcept : object_(&variables), copy_(&copy_of<R>) {}

  constexpr explicit operator bool() const noexcept { return copy_ != nullptr; }

  /// As NAME=value.
  std::vector<std::string> copy() const { return copy_(object_); }

 private:
  template <class R>
  static std::vector<std::string> copy_of(const void* object) {
    std::vector<std::string> made;
    for (const auto& one : *static_cast<const R*>(object)) {
      if constexpr (std::convertible_to<decltype(one), std::string_view>) {
        made.emplace_back(std::string_view(one));
      } else {
        made.emplace_back(std::string(one.first) + "=" + std::string(one.second));
      }
    }
    return made;
  }

  const void* object_ = nullptr;
  std::vector<std::string> (*copy_)(const void*) = nullptr;
};

/// What becomes of a child that runs when nobody has a `process` for it any more.
enum class child_on_drop : std::uint8_t {
  keep,       ///< it goes on, and is killed and reported when its loop is closed
  kill,       ///< it is killed
  terminate,  ///< it is asked to end (SIGTERM)
  leave       ///< it goes on, also after the loop
};

/// Options are named in this order.
///
/// Like: the keyword arguments of subprocess.Popen
struct subprocess_options {
  /// Inherited if not given, but pipes for loop.subprocess_exec().
  child_stream in = {};
  child_stream out = {};
  child_stream err = {};
  /// The folder to run in.
  std::string_view cwd = {};
  environment_ref env = {};
  /// The program to run, if that is not the first of the arguments.
  std::string_view executable = {};
  /// Descriptors that the child has as well, under their numbers; all others are closed
  /// in it.
  std::span<const int> pass_fds = {};
  /// In a session of its own (setsid), out of reach of the terminal's signals.
  bool start_new_session = false;
  /// In this process group; 0: one of its own.
  std::optional<int> process_group = {};
  /// Bytes that readline() and readuntil() look through at most; see connect_options.
  std::size_t limit = 64 * 1024;
  child_on_drop on_drop = child_on_drop::keep;
};

}  // namespace aio
