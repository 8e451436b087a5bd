// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// What all transports do in the same way: water marks, failures, the end.

#pragma once

#include <aio/core/error.hpp>
#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/detail/intrusive_ptr.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/transport.hpp>

#include <boost/system/system_error.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace aio::detail {

/// Somebody who wants to know of the end of its connections: a server.
class connection_owner : public ref_counted {
 public:
  virtual void connection_ended() noexcept = 0;
};

/// `Handle`: the public face that the protocol is given.
///
/// It owns itself from begin() until connection_lost() has returned.
template <class Interface, class Handle>
class transport_base : public Interface, private ready_node {
 public:
  Handle& face() noexcept { return face_; }

  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override {
    const std::size_t upper = high ? *high : low ? 4 * *low : 64 * 1024;
    const std::size_t lower = low ? *low : upper / 4;
    if (lower > upper) {
      throw std::invalid_argument("write buffer limits: low must not be above high");
    }
    high_water_ = upper;
    low_water_ = lower;
    check_high_water();
  }
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override {
    return {low_water_, high_water_};
  }

  bool is_writing_paused() const noexcept override { return is_writing_paused_; }

  void close() noexcept override {
    if (is_closing_) return;
    is_closing_ = true;
    if (this->get_write_buffer_size() == 0) lose(nullptr);
  }
  void abort() noexcept override {
    is_closing_ = true;
    lose(nullptr);
  }
  bool is_closing() const noexcept override { return is_closing_; }
  bool is_lost() const noexcept { return is_lost_; }

  std::shared_ptr<base_protocol> get_protocol() const override { return protocol_; }

 protected:
  explicit transport_base(loop_core& loop) noexcept : loop_(&loop) {}

  // ----- what the kinds do -----

  /// protocol.connection_made()
  virtual void greet() = 0;
  /// All that is to be done on the next turn.
  virtual void work() = 0;
  /// Makes the queue shorter, if that takes no waiting.
  virtual void relieve() {}
  virtual void drop_queue() noexcept = 0;
  /// connection_lost() has returned.
  virtual void let_go() noexcept = 0;

  // ----- what they do it with -----

  /// It has its protocol, and lives from here on.
  void begin(intrusive_ptr<connection_owner> owner = nullptr) {
    face_ = Handle(intrusive_ptr<Interface>(this));
    loop_->add_service(*this);
    owner_ = std::move(owner);
    guarded("protocol.connection_made() failed", [this] { greet(); });
  }

  void work_soon() noexcept {
    if (!ready_node::is_linked()) loop_->push(*this);
  }

  void check_high_water() {
    if (is_writing_paused_ || this->get_write_buffer_size() <= high_water_) return;
    relieve();
    if (is_lost_ || this->get_write_buffer_size() <= high_water_) return;
    is_writing_paused_ = true;
    reported("protocol.pause_writing() failed", [this] { protocol_->pause_writing(); });
  }

  void check_low_water() {
    if (!is_writing_paused_ || this->get_write_buffer_size() > low_water_) return;
    is_writing_paused_ = false;
    reported("protocol.resume_writing() failed",
             [this] { protocol_->resume_writing(); });
  }

  void warn_of_lost_write() {
    constexpr int tolerated = 5;
    if (writes_after_loss_ <= tolerated) ++writes_after_loss_;
    if (writes_after_loss_ == tolerated) {
      loop_->call_exception_handler(
          {"write() on a connection that is lost, again and again: ask is_closing()",
           nullptr,
           {}});
    }
  }

  /// Something broke that no caller can be told about.
  void fail(std::exception_ptr error) noexcept {
    is_closing_ = true;
    lose(std::move(error));
  }
  void fail_with(boost::system::error_code error, const char* doing) noexcept {
    fail(std::make_exception_ptr(boost::system::system_error(error, doing)));
  }

  void lose(std::exception_ptr error) noexcept {
    if (is_lost_) return;
    is_lost_ = true;
    error_ = std::move(error);
    drop_queue();
    work_soon();
  }

  /// A callback whose failure ends the connection.
  template <class F>
  void guarded(const char* message, F call) {
    reported(message, call, [this] { fail(std::current_exception()); });
  }

  /// A callback whose failure is only reported; `and_then` follows the report.
  template <class F>
  void reported(const char* message, F call) {
    reported(message, call, [] {});
  }
  template <class F, class G>
  void reported(const char* message, F call, G and_then) {
    try {
      call();
    } catch (const keyboard_interrupt&) {
      throw;
    } catch (...) {
      loop_->call_exception_handler({message, std::current_exception(), {}});
      and_then();
    }
  }

  intrusive_ptr<loop_core> loop_;
  std::shared_ptr<base_protocol> protocol_;

 private:
  // Our place in the ready queue.
  void run() override {
    const intrusive_ptr<Interface> keep(this);
    if (is_lost_) {
      connection_lost();
    } else {
      work();
    }
  }

  void connection_lost() {
    const scope_exit at_last([this] { end(); });
    reported("protocol.connection_lost() failed",
             [this] { protocol_->connection_lost(std::exchange(error_, nullptr)); });
  }

  void end() noexcept {
    resident::unlink();
    list_hook<server_tag>::unlink();
    let_go();
    const Handle own_reference = std::move(face_);
    const std::shared_ptr<base_protocol> last_of_it = std::move(protocol_);
    if (owner_) std::exchange(owner_, nullptr)->connection_ended();
  }

  void loop_closing() noexcept override {
    is_closing_ = is_lost_ = true;
    drop_queue();
    ready_node::unlink();
    connection_lost();
  }

  Handle face_;  // also our own reference
  intrusive_ptr<connection_owner> owner_;
  std::exception_ptr error_;
  std::size_t high_water_ = 64 * 1024;
  std::size_t low_water_ = 16 * 1024;
  std::uint8_t writes_after_loss_ = 0;
  bool is_writing_paused_ : 1 = false;

 protected:
  bool is_closing_ : 1 = false;
  bool is_lost_ : 1 = false;
};

}  // namespace aio::detail
