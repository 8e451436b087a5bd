// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy on callbacks: what comes from one side is written to the other, and a side
// that does not take it stops the reading of the first.

#include <aio/aio.hpp>

#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "server.hpp"

namespace {

class side : public aio::protocol, public std::enable_shared_from_this<side> {
 public:
  void connection_made(aio::transport& t) override { transport_ = t; }
  void data_received(std::string_view data) override { other_->transport_.write(data); }
  bool eof_received() override {
    other_->transport_.write_eof();
    return !std::exchange(other_->has_ended_, true) || !has_ended_;
  }
  void pause_writing() override { other_->transport_.pause_reading(); }
  void resume_writing() override { other_->transport_.resume_reading(); }
  void connection_lost(std::exception_ptr) override {
    if (const auto other = std::exchange(other_, nullptr)) other->transport_.close();
  }

  void join(const std::shared_ptr<side>& other) {
    other_ = other;
    other->other_ = shared_from_this();
  }

  aio::transport transport_;

 protected:
  std::shared_ptr<side> other_;
  bool has_ended_ = false;
};

/// The side of the client: nothing is read until the other side is there.
class client_side final : public side {
 public:
  explicit client_side(bench::address target) : target_(std::move(target)) {}

  void connection_made(aio::transport& t) override {
    side::connection_made(t);
    t.pause_reading();
    aio::create_task(
        connect(std::static_pointer_cast<client_side>(shared_from_this())));
  }

 private:
  static aio::coro<> connect(std::shared_ptr<client_side> self) {
    aio::event_loop& loop = aio::get_running_loop();
    const auto make = [] { return std::make_shared<side>(); };
    try {
      auto [transport, other] =
          co_await loop.create_connection(make, self->target_.host, self->target_.port);
      if (self->transport_.is_closing()) {
        transport.close();
      } else {
        self->join(other);
        self->transport_.resume_reading();
      }
    } catch (const boost::system::system_error&) {
      self->transport_.close();  // nobody there
    }
  }

  bench::address target_;
};

aio::coro<> serve(bench::address address, bench::address target) {
  auto server = co_await aio::get_running_loop().create_server(
      [target] { return std::make_shared<client_side>(target); }, address.host,
      address.port);
  bench::announce(address.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) {
  const auto [address, target] = bench::start_up_proxy(argc, argv);
  aio::run(serve(address, target));
}
