// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// References that are told when what they refer to dies.

#pragma once

#include <aio/detail/intrusive_list.hpp>

namespace aio::detail {

struct tie_tag;
class ties;

/// True until what it is tied to is destroyed. A node, so it costs no allocation.
class tie : public list_hook<tie_tag> {
 public:
  tie() noexcept = default;
  explicit tie(ties& to) noexcept { attach(to); }
  ~tie() { unlink(); }

  inline void attach(ties& to) noexcept;

  explicit operator bool() const noexcept { return is_linked(); }
};

/// Member of what may die before those who refer to it: a cancelled task destroys its
/// locals while others, which are cancelled next, still hold a guard of them.
class ties {
 public:
  ties() noexcept = default;
  ties(const ties&) = delete;
  ties& operator=(const ties&) = delete;
  ~ties() {
    while (!all_.empty()) all_.pop_front();
  }

 private:
  friend class tie;
  intrusive_list<tie, tie_tag> all_;
};

inline void tie::attach(ties& to) noexcept { to.all_.push_back(*this); }

}  // namespace aio::detail
