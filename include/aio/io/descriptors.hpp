// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// Descriptors of the user: callbacks when they can be read or written.

#pragma once

#include <aio/core/handle.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/io/asio_driver.hpp>
#include <aio/io/event_loop.hpp>

#include <boost/system/system_error.hpp>

#include <sys/epoll.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace aio {
namespace detail {

/// A callback that may run many times.
template <class F>
class repeated_callback final : public callback_base {
 public:
  repeated_callback(loop_core& loop, F f)
      : callback_base(loop), f_(std::make_shared<F>(std::move(f))) {}

 private:
  void call() override {
    const std::shared_ptr<F> running = f_;  // it may cancel itself
    std::invoke(*running);
  }
  void drop() noexcept override { f_.reset(); }

  std::shared_ptr<F> f_;
};

/// Who waits for which descriptor, to read and to write: callbacks, which stay, and
/// coroutines, which wait once. The set knows a descriptor only once, so that both
/// directions share a place in it.
class descriptors final : public loop_service {
  struct entry;

 public:
  enum class direction : unsigned char { read, write };

  /// A coroutine that waits. It stops when it is destroyed.
  class waiter {
   protected:
    waiter() noexcept = default;
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;
    ~waiter() { stop_waiting(); }

    /// It waits no more.
    virtual void became_ready() noexcept = 0;

    bool is_waiting() const noexcept { return at_ != nullptr; }
    inline void stop_waiting() noexcept;

   private:
    friend class descriptors;
    entry* at_ = nullptr;
    direction for_{};
  };

  explicit descriptors(event_loop& loop) : loop_(loop.core()), driver_(loop.asio()) {}
  ~descriptors() override {
    for (auto& [fd, one] : entries_) {
      one.reader.clear();
      one.writer.clear();
      driver_.unwatch(fd, one);
    }
  }

  /// Replaces a callback for the same direction.
  void add(int fd, direction to, intrusive_ptr<callback_base> callback) {
    entry& at = entry_for(fd);
    slot& place = at[to];
    if (place.waiting != nullptr) throw_taken(fd, to);
    const auto former = std::exchange(place.callback, std::move(callback));
    try {
      enlist(at);
    } catch (...) {
      place.callback = nullptr;
      settle(at);
      throw;
    }
    if (former) former->cancel();
  }

  /// False if there was none.
  bool remove(int fd, direction to) {
    const auto found = entries_.find(fd);
    if (found == entries_.end()) {
      if (driver_.is_watched(fd)) throw_belongs_to_transport(fd);
      return false;
    }
    const auto former = std::exchange(found->second[to].callback, nullptr);
    if (!former) return false;
    settle(found->second);
    former->cancel();
    return true;
  }

  /// Takes the place of a callback, as asyncio does.
  void wait(int fd, direction to, waiter& who) {
    entry& at = entry_for(fd);
    slot& place = at[to];
    if (place.waiting != nullptr) throw_taken(fd, to);
    place.waiting = &who;
    try {
      enlist(at);
    } catch (...) {
      place.waiting = nullptr;
      settle(at);
      throw;
    }
    who.at_ = &at;
    who.for_ = to;
    if (const auto former = std::exchange(place.callback, nullptr)) former->cancel();
  }

 private:
  struct slot {
    bool empty() const noexcept { return !callback && waiting == nullptr; }

    void clear() noexcept {
      if (waiting != nullptr) std::exchange(waiting, nullptr)->at_ = nullptr;
      if (callback) callback->cancel();
    }

    intrusive_ptr<callback_base> callback;
    waiter* waiting = nullptr;
  };

  struct entry final : watcher {
    entry(descriptors& all, int number) noexcept : of(all), fd(number) {}

    slot& operator[](direction to) noexcept {
      return to == direction::read ? reader : writer;
    }

    // A failure or hang-up is for both, whatever they wait for.
    void ready(std::uint32_t events) override {
      if ((events & ~std::uint32_t{EPOLLOUT}) != 0) of.call(reader);
      if ((events & ~std::uint32_t{EPOLLIN}) != 0) of.call(writer);
      of.settle(*this);
    }

    descriptors& of;
    const int fd;
    slot reader;
    slot writer;
    std::uint32_t watched_for = 0;
  };

  entry& entry_for(int fd) {
    if (fd < 0) {
      throw std::invalid_argument("not a descriptor: " + std::to_string(fd));
    }
    return entries_.try_emplace(fd, *this, fd).first->second;
  }

  void call(slot& one) noexcept {
    if (one.waiting != nullptr) {
      waiter& woken = *std::exchange(one.waiting, nullptr);
      woken.at_ = nullptr;
      woken.became_ready();
    } else if (one.callback && !one.callback->is_linked()) {
      one.callback->add_ref();
      loop_.push(*one.callback);
    }
  }

  static std::uint32_t wanted(const entry& at) noexcept {
    return (at.reader.empty() ? 0U : std::uint32_t{EPOLLIN}) |
           (at.writer.empty() ? 0U : std::uint32_t{EPOLLOUT});
  }

  /// Somebody has come. Tells the set also if nothing has changed: the descriptor may
  /// have been closed and be another one now, of which the set knows nothing.
  void enlist(entry& at) {
    if (at.watched_for != 0 && !is_known(at)) {
      driver_.unwatch(at.fd, at);
      at.watched_for = 0;
    }
    if (at.watched_for == 0) watch(at);
    at.watched_for = wanted(at);
  }

  bool is_known(entry& at) {
    try {
      driver_.watch_for(at.fd, wanted(at), at);
      return true;
    } catch (const boost::system::system_error& error) {
      if (error.code() != boost::system::errc::no_such_file_or_directory) throw;
      return false;
    }
  }

  void watch(entry& at) {
    try {
      driver_.watch(at.fd, wanted(at), at);
    } catch (const boost::system::system_error& error) {
      if (error.code() != boost::system::errc::file_exists) throw;
      throw_belongs_to_transport(at.fd);
    }
  }

  /// Somebody has gone; with the last the entry goes.
  void settle(entry& at) noexcept {
    const std::uint32_t now = wanted(at);
    if (now == 0) {
      if (at.watched_for != 0) driver_.unwatch(at.fd, at);
      entries_.erase(at.fd);
    } else if (std::exchange(at.watched_for, now) != now) {
      try {
        driver_.watch_for(at.fd, now, at);
      } catch (const boost::system::system_error&) {
        // It was closed: nothing will be heard of it.
      }
    }
  }

  [[noreturn]] static void throw_belongs_to_transport(int fd) {
    throw usage_error("descriptor " + std::to_string(fd) + " is used by a transport");
  }
  [[noreturn]] static void throw_taken(int fd, direction to) {
    throw usage_error("another coroutine already waits to " +
                      std::string(to == direction::read ? "read from" : "write to") +
                      " descriptor " + std::to_string(fd));
  }

  loop_core& loop_;
  asio_driver& driver_;
  std::map<int, entry> entries_;
};

inline void descriptors::waiter::stop_waiting() noexcept {
  if (at_ == nullptr) return;
  entry& at = *std::exchange(at_, nullptr);
  at[for_].waiting = nullptr;
  at.of.settle(at);
}

/// A descriptor, or an object that has one, such as a socket of Asio.
inline int native_handle_of(int fd) noexcept { return fd; }
template <class Object>
requires requires(Object& o) {
  { o.native_handle() } -> std::convertible_to<int>;
}
int native_handle_of(Object& object) { return object.native_handle(); }

template <class F, class... Args>
intrusive_ptr<callback_base> make_repeated(loop_core& loop, F&& f, Args&&... args) {
  auto bound = bind_for_many(std::forward<F>(f), std::forward<Args>(args)...);
  return intrusive_ptr<callback_base>(
      new repeated_callback<decltype(bound)>(loop, std::move(bound)));
}

}  // namespace detail

/// Calls `f(args...)` as a callback of this loop whenever `fd` can be read: has bytes,
/// a connection or its end. Who does not read is called again and again. Replaces an
/// earlier callback; remove_reader() ends it.
///
///     loop.add_reader(fd, [&] { n = ::read(fd, room, sizeof room); });
///
/// Takes:    a descriptor, or an object with native_handle(); it is not owned: remove
///           the callbacks before it is closed
/// Throws:   usage_error – it belongs to a transport, a coroutine waits for the same, or
///           the loop is closed; std::invalid_argument – negative;
///           boost::system::system_error – it cannot be waited for
/// Like:     loop.add_reader
template <class Descriptor, class F, class... Args>
requires detail::repeatable<F, Args...>
void event_loop::add_reader(Descriptor&& fd, F&& f, Args&&... args) {
  check();
  use_service<detail::descriptors>().add(
      detail::native_handle_of(fd), detail::descriptors::direction::read,
      detail::make_repeated(*core_, std::forward<F>(f), std::forward<Args>(args)...));
}

/// The same whenever `fd` can be written to.
template <class Descriptor, class F, class... Args>
requires detail::repeatable<F, Args...>
void event_loop::add_writer(Descriptor&& fd, F&& f, Args&&... args) {
  check();
  use_service<detail::descriptors>().add(
      detail::native_handle_of(fd), detail::descriptors::direction::write,
      detail::make_repeated(*core_, std::forward<F>(f), std::forward<Args>(args)...));
}

/// Returns whether there was a callback; it does not run any more.
///
/// Throws: usage_error – it belongs to a transport
template <class Descriptor>
bool event_loop::remove_reader(Descriptor&& fd) {
  return !is_closed() &&
         use_service<detail::descriptors>().remove(
             detail::native_handle_of(fd), detail::descriptors::direction::read);
}

/// See remove_reader.
template <class Descriptor>
bool event_loop::remove_writer(Descriptor&& fd) {
  return !is_closed() &&
         use_service<detail::descriptors>().remove(
             detail::native_handle_of(fd), detail::descriptors::direction::write);
}

}  // namespace aio
