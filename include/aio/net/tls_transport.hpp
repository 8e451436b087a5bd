// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// TLS over any other transport.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/loop.hpp>
#include <aio/core/ready_node.hpp>
#include <aio/core/timer_heap.hpp>
#include <aio/detail/move_only_function.hpp>
#include <aio/detail/scope_exit.hpp>
#include <aio/net/detail/byte_transport.hpp>
#include <aio/net/detail/plaintext_room.hpp>
#include <aio/net/detail/tls_engine.hpp>
#include <aio/net/detail/tls_settings.hpp>
#include <aio/net/protocol.hpp>
#include <aio/net/ssl_error.hpp>
#include <aio/net/tls_info.hpp>
#include <aio/net/transport.hpp>

#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace aio::detail {

/// Between a transport, of which it is the protocol, and a protocol, of which it is the
/// transport:
///
///     protocol  <- plaintext  - tls_transport <- ciphertext - transport below
///               -> queue      -               -> its queue  ->
///
/// Nothing is kept on the way in: ciphertext is decrypted as it comes, and a protocol
/// that has paused reading pauses the transport below. On the way out plaintext goes
/// through the engine straight into the transport below until that asks for a pause; the
/// rest waits here, unencrypted.
///
/// The end is said within TLS: an orderly close sends what is queued and close_notify,
/// and waits for that of the peer. An end without it is an ssl_eof_error.
///
/// It owns itself from the beginning of the handshake until the transport below is gone.
class tls_transport final : public byte_transport, private tls_wire {
 public:
  /// Called once: null, the connection is safe and can be started; else why not.
  using handshake_callback = move_only_function<void(std::exception_ptr)>;

  /// Throws: see tls_context::make_engine
  tls_transport(loop_core& loop, intrusive_ptr<stream_interface> below,
                const tls_settings& settings)
      : byte_transport(loop),
        below_(std::move(below)),
        engine_(settings.make_engine(*this)),
        handshake_timeout_(settings.handshake_timeout),
        shutdown_timeout_(settings.shutdown_timeout) {}

  /// To be given to the transport below as its protocol, before shake_hands().
  std::shared_ptr<base_protocol> link() noexcept {
    // Without a control block: we own ourselves as long as there is something below.
    return std::shared_ptr<base_protocol>(std::shared_ptr<void>(), &link_);
  }

  /// Begins a connection of its own: start() follows in `done`, if it succeeds.
  void shake_hands(handshake_callback done) {
    done_ = std::move(done);
    keep_ = intrusive_ptr<tls_transport>(this);
    set_write_buffer_limits(std::nullopt, std::nullopt);
    loop_->arm(timer_, deadline_after(loop_->time(), handshake_timeout_));
    process();
  }

  /// Takes over a connection that `protocol` has had so far: it is not greeted again,
  /// and told if the handshake fails. `early` came over the connection and was not
  /// taken.
  void upgrade(std::shared_ptr<base_protocol> protocol, std::string_view early,
               handshake_callback done) {
    is_upgrade_ = true;
    start(std::move(protocol));
    below_->set_protocol(link());
    // A server that closes its connections is to close them in TLS.
    below_->list_hook<server_tag>::replace_with(*this);
    kept_.append(early);
    shake_hands(std::move(done));
    if (!is_below_gone_) below_->resume_reading();
  }

  // ----- reading -----

  void pause_reading() override {
    is_paused_ = true;
    if (phase_ == phase::open && !is_closing_) below_->pause_reading();
  }
  void resume_reading() override {
    if (!is_paused_ || is_closing_) return;
    is_paused_ = false;
    if (phase_ != phase::open) return;
    below_->resume_reading();
    work_soon();
  }

  // ----- writing -----

  void write(std::string_view bytes) override {
    if (!admits(bytes)) return;
    if (is_closing_) return warn_of_lost_write();
    const intrusive_ptr<stream_interface> keep(this);
    if (queue_.empty()) bytes.remove_prefix(encrypt(bytes));
    if (bytes.empty() || is_lost_) return;
    queue_.append(bytes);
    check_high_water();
  }

  void write_eof() override {
    throw usage_error("TLS knows no half-closed connection: use close()");
  }
  bool can_write_eof() const noexcept override { return false; }

  std::size_t get_write_buffer_size() const noexcept override {
    return queue_.size() + below_->get_write_buffer_size();
  }

  void set_write_buffer_limits(std::optional<std::size_t> high,
                               std::optional<std::size_t> low) override {
    if (!high && !low) high = default_high_water;
    byte_transport::set_write_buffer_limits(high, low);
    // Ours are looked at when the transport below asks us to pause, and to go on.
    const auto [lower, upper] = get_write_buffer_limits();
    below_->set_write_buffer_limits(std::min(upper, high_water_below),
                                    std::min(lower, high_water_below / 4));
  }

  // ----- the end -----

  void close() noexcept override {
    if (is_closing_) return;
    if (phase_ == phase::handshake) return abort();
    is_closing_ = true;
    if (!limit_shutdown()) return abort();
    if (is_paused_) below_->resume_reading();  // to see the end of the peer
    work_soon();                               // to drop what is kept
    go_on_closing();
  }

  void abort() noexcept override {
    const intrusive_ptr<stream_interface> keep(this);
    if (is_lost_) return below_->abort();  // which may still say goodbye
    finish(error_of([] {
             return boost::system::system_error(
                 make_error_code(boost::system::errc::connection_aborted),
                 "the connection was closed during the SSL handshake");
           }),
           nullptr);
  }

  // ----- about it -----

  endpoint peername() const override { return below_->peername(); }
  endpoint sockname() const override { return below_->sockname(); }
  int native_handle() const noexcept override { return below_->native_handle(); }
  std::optional<tls_info> tls() const override {
    if (phase_ == phase::handshake) return std::nullopt;
    return engine_->info();
  }

 private:
  static constexpr std::size_t default_high_water = 512 * 1024;
  static constexpr std::size_t high_water_below = 64 * 1024;
  static constexpr std::size_t least_room = 256;
  // Of answers that the peer makes us give without reading them.
  static constexpr std::size_t unread_answers = 64 * 1024;

  enum class phase : unsigned char { handshake, open, over };

  /// What the transport below tells us.
  struct protocol_below final : aio::protocol {
    explicit protocol_below(tls_transport& of) noexcept : self(of) {}
    void data_received(std::string_view data) override { self.ciphertext_came(data); }
    bool eof_received() override { return self.end_below(); }
    void connection_lost(std::exception_ptr error) override {
      self.lost_below(std::move(error));
    }
    void pause_writing() override { self.is_below_full_ = true; }
    void resume_writing() override { self.room_below(); }
    tls_transport& self;
  };

  struct time_over final : detail::ready_node {
    explicit time_over(tls_transport& of) noexcept : self(of) {}
    void run() override { self.took_too_long(); }
    tls_transport& self;
  };

  // ----- ciphertext -----

  std::size_t take_ciphertext(std::span<char> room) override {
    std::size_t taken = 0;
    if (!kept_.empty()) {
      taken = take_from(kept_view(), room);
      kept_taken_ += taken;
      if (kept_taken_ == kept_.size()) forget_kept();
      if (taken == room.size()) return taken;
    }
    const std::size_t more = take_from(arriving_, room.subspan(taken));
    arriving_.remove_prefix(more);
    return taken + more;
  }

  static std::size_t take_from(std::string_view bytes, std::span<char> room) noexcept {
    const std::size_t n = std::min(bytes.size(), room.size());
    if (n > 0) std::memcpy(room.data(), bytes.data(), n);
    return n;
  }

  std::string_view kept_view() const noexcept {
    return std::string_view(kept_).substr(kept_taken_);
  }
  void forget_kept() noexcept {
    kept_ = std::string();
    kept_taken_ = 0;
  }

  void send_ciphertext(std::string_view bytes) override {
    if (is_below_gone_ || below_->is_closing()) return;
    if (is_below_full_ && is_reading_) unread_answers_ += bytes.size();
    below_->write(bytes);
  }

  void ciphertext_came(std::string_view bytes) {
    const intrusive_ptr<stream_interface> keep(this);
    arriving_ = bytes;
    const scope_exit no_longer([this] { arriving_ = {}; });
    process();
    // There is a rest only if the protocol has paused reading.
    if (!is_lost_ && !is_eof_received_) kept_.append(arriving_);
  }

  void work() override {
    guarded("a TLS connection failed", [this] {
      process();
      go_on_closing();
    });
  }

  void process() {
    if (phase_ == phase::handshake) go_on_with_handshake();
    if (phase_ == phase::open) receive();
  }

  // ----- the handshake -----

  void go_on_with_handshake() {
    switch (engine_->handshake()) {
      case tls_engine::status::ok:
        return handshake_done();
      case tls_engine::status::needs_input:
        return;
      case tls_engine::status::closed:
        return finish(cut_off_in_handshake(), nullptr);
      case tls_engine::status::failed:
        return fail_politely();
    }
  }

  void handshake_done() {
    phase_ = phase::open;
    loop_->disarm(timer_);
    if (const handshake_callback done = std::exchange(done_, nullptr)) done(nullptr);
    if (is_lost_ || is_closing_) return;
    if (is_paused_) below_->pause_reading();
    flush();  // what was written meanwhile
  }

  static std::exception_ptr cut_off_in_handshake() noexcept {
    return error_of([] {
      return boost::system::system_error(
          make_error_code(boost::system::errc::connection_reset),
          "the peer closed the connection during the SSL handshake");
    });
  }

  /// What `make()` returns, or that there is no memory for it.
  template <class Make>
  static std::exception_ptr error_of(Make make) noexcept {
    try {
      throw make();
    } catch (...) {
      return std::current_exception();
    }
  }

  // ----- plaintext in -----

  void receive() {
    while (phase_ == phase::open && !is_peer_done_ &&
           (wants_to_read() || is_closing_)) {
      is_reading_ = true;
      const auto how = is_buffered() && !is_closing_ ? receive_record() : receive_all();
      is_reading_ = false;
      if (is_lost_) return;
      if (unread_answers_ > unread_answers) {
        return finish_with([] {
          return ssl_error(ssl_errc::protocol,
                           "TLS connection failed: the peer wants answers that it does "
                           "not read");
        });
      }
      if (how == tls_engine::status::needs_input) return;
      if (how == tls_engine::status::closed) return peer_has_closed();
      if (how == tls_engine::status::failed) return fail_politely();
    }
  }

  /// Into the memory of the protocol.
  tls_engine::status receive_record() {
    const tls_engine::progress waiting = engine_->next_record();
    if (waiting.how != tls_engine::status::ok) return waiting.how;
    const std::span<char> room = lend_room(std::max(waiting.size, least_room));
    if (room.empty() || is_closing_) return waiting.how;  // it has failed, or closed
    const tls_engine::progress done = engine_->read(room);
    if (done.how == tls_engine::status::ok) deliver(room.first(done.size));
    return done.how;
  }

  /// As much as there is and fits, in one call of the protocol.
  tls_engine::status receive_all() {
    const plaintext_room lent;
    const std::span<char> room = lent.all();
    std::size_t filled = 0;
    tls_engine::progress last{tls_engine::status::ok};
    while (filled < room.size()) {
      last = engine_->read(room.subspan(filled));
      if (last.how != tls_engine::status::ok) break;
      filled += last.size;
    }
    if (filled > 0 && !is_closing_) deliver(room.first(filled));
    return last.how;
  }

  // ----- plaintext out -----

  /// Returns how much of it has gone.
  std::size_t encrypt(std::string_view bytes) {
    std::size_t done = 0;
    while (done < bytes.size() && can_send()) {
      const tls_engine::progress step = engine_->write(bytes.substr(done));
      if (step.how == tls_engine::status::failed) {
        fail_politely();
        return bytes.size();
      }
      if (step.how != tls_engine::status::ok) break;
      done += step.size;
    }
    return done;
  }

  bool can_send() const noexcept {
    return phase_ == phase::open && !is_below_full_ && !below_->is_closing();
  }

  void flush() {
    while (!queue_.empty() && can_send()) {
      std::string_view first;
      queue_.for_each_chunk(1, [&](std::string_view chunk) { first = chunk; });
      const std::size_t done = encrypt(first);  // a failure clears the queue
      if (is_lost_ || done == 0) return;
      queue_.consume(done);
    }
    check_low_water();
  }

  void room_below() {
    const intrusive_ptr<stream_interface> keep(this);
    is_below_full_ = false;
    unread_answers_ = 0;
    if (is_lost_ || phase_ != phase::open) return;
    flush();
    go_on_closing();
  }

  // ----- the end -----

  /// close_notify has come: no plaintext follows, and ours ends after what is queued.
  void peer_has_closed() {
    is_peer_done_ = true;
    arriving_ = {};
    forget_kept();
    if (!is_closing_) {
      end_of_file();
      if (!is_lost_) close();  // whatever the protocol says
    }
    go_on_closing();
  }

  void go_on_closing() noexcept {
    if (!is_closing_ || is_lost_ || phase_ != phase::open || !queue_.empty()) return;
    if (!is_close_sent_) {
      is_close_sent_ = true;
      engine_->send_close();
      work_soon();
    }
    if (below_->get_write_buffer_size() == 0) is_all_sent_ = true;
    if (is_peer_done_) below_->close();  // and lost_below() ends us
  }

  bool end_below() {
    const intrusive_ptr<stream_interface> keep(this);
    if (is_lost_) return false;
    if (phase_ == phase::handshake) {
      finish(cut_off_in_handshake(), nullptr);
      return false;
    }
    if (!is_closing_) {
      finish_with([] {
        return ssl_eof_error(
            "TLS connection failed: the peer closed the connection without saying so "
            "in "
            "TLS; what came may be cut off");
      });
      return false;
    }
    is_peer_done_ = true;
    go_on_closing();
    return true;  // what is queued may still reach the peer
  }

  void lost_below(std::exception_ptr error) {
    const intrusive_ptr<tls_transport> keep = std::move(keep_);
    is_below_gone_ = true;
    // It keeps the server, whose list we are in, for both of us.
    if (is_upgrade_) list_hook<server_tag>::unlink();
    loop_->disarm(timer_);
    if (phase_ == phase::handshake && !error) error = cut_off_in_handshake();
    // Peers that have all they want vanish without an answer, and with a reset if it has
    // crossed ours on the way.
    if (is_all_sent_) error = nullptr;
    finish(error, error);
  }

  void took_too_long() {
    const intrusive_ptr<stream_interface> keep(this);
    if (is_lost_) return below_->abort();
    if (phase_ == phase::handshake) {
      const auto error = error_of([] {
        return boost::system::system_error(
            make_error_code(boost::system::errc::connection_aborted),
            "the SSL handshake took too long: aborting the connection");
      });
      return finish(error, error);
    }
    finish_with([] { return timeout_error("the SSL shutdown timed out"); });
  }

  /// The engine has failed, and has told the peer why: that still leaves.
  void fail_politely() {
    is_polite_ = true;
    finish(engine_->error(), engine_->error());
  }

  template <class Make>
  void finish_with(Make make) noexcept {
    const std::exception_ptr made = error_of(make);
    finish(made, made);
  }

  /// The one who waits for the handshake is told `in_handshake`, the protocol (if there
  /// is one) `error`.
  void finish(std::exception_ptr in_handshake, std::exception_ptr error) noexcept {
    if (is_lost_) return;
    is_closing_ = true;
    const bool was_in_handshake =
        std::exchange(phase_, phase::over) == phase::handshake;
    if (!face()) {  // it was never started
      is_lost_ = true;
      drop_queue();
    } else {
      lose(was_in_handshake ? in_handshake : error);
    }
    if (const handshake_callback done = std::exchange(done_, nullptr)) {
      done(in_handshake);
    }
  }

  void drop_queue() noexcept override {
    byte_transport::drop_queue();
    phase_ = phase::over;
    arriving_ = {};
    forget_kept();
    loop_->disarm(timer_);
    if (is_below_gone_) return;
    if (!is_polite_) return below_->abort();
    below_->close();
    if (!limit_shutdown()) below_->abort();
  }

  /// False: there is no memory to keep the time.
  bool limit_shutdown() noexcept {
    try {
      loop_->arm(timer_, deadline_after(loop_->time(), shutdown_timeout_));
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  void greet() override {
    if (!is_upgrade_) byte_transport::greet();
  }

  intrusive_ptr<stream_interface> below_;
  std::unique_ptr<tls_engine> engine_;
  intrusive_ptr<tls_transport> keep_;
  handshake_callback done_;
  std::string_view arriving_;  ///< while the transport below delivers
  std::string kept_;           ///< of it, what could not be taken
  std::size_t kept_taken_ = 0;
  std::size_t unread_answers_ = 0;
  duration handshake_timeout_;
  duration shutdown_timeout_;
  phase phase_ = phase::handshake;
  bool is_upgrade_ : 1 = false;
  bool is_reading_ : 1 = false;
  bool is_below_full_ : 1 = false;
  bool is_below_gone_ : 1 = false;
  bool is_peer_done_ : 1 = false;   ///< it has announced its end
  bool is_close_sent_ : 1 = false;  ///< we have
  bool is_all_sent_ : 1 = false;    ///< and the kernel has it
  bool is_polite_ : 1 = false;      ///< the engine has left a message for the peer
  protocol_below link_{*this};
  time_over time_over_{*this};
  timer timer_{time_over_};
};

}  // namespace aio::detail
