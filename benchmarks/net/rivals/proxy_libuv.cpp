// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// A proxy on libuv: what one side sends is written to the other, and while the other
// does not take it, the first is not read.

#include <uv.h>

#include <string_view>

#include "libuv_peer.hpp"

namespace {

sockaddr_in target;

/// Both sides of a connection are freed together.
class side : public bench::uv_peer {
 public:
  void accepted() override {
    join(new side);
    connecting_.data = this;
    const auto to = reinterpret_cast<const sockaddr*>(&target);
    if (uv_tcp_connect(&connecting_, &other_->handle(), to, connected) != 0) failed();
  }

 private:
  void join(side* other) {
    other_ = other;
    other->other_ = this;
  }

  static void connected(uv_connect_t* request, int error) {
    side& self = *static_cast<side*>(request->data);
    if (error == UV_ECANCELED) return;
    if (error != 0) return self.failed();
    uv_tcp_nodelay(&self.other_->handle(), 1);
    self.start_reading();
    self.other_->start_reading();
  }

  void received(std::string_view data) override { pass_on(*other_, data); }

  void ended() override {
    has_ended_ = true;
    if (other_->has_ended_) return failed();
    uv_shutdown(&shutting_, other_->stream(), nullptr);
  }

  void failed() override {
    close();
    other_->close();
  }

  void closed() override {
    is_closed_ = true;
    if (other_ != nullptr && !other_->is_closed_) return;
    delete other_;
    delete this;
  }

  side* other_ = nullptr;
  bool has_ended_ = false;
  bool is_closed_ = false;
  uv_connect_t connecting_;
  uv_shutdown_t shutting_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto [address, to] = bench::start_up_proxy(argc, argv);
  target = bench::to_native(to);
  bench::serve_with_libuv<side>(address);
}
