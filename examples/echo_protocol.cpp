// echo_protocol: the echo server with callbacks instead of coroutines: an object per
// client, which the loop calls when something has happened. The fastest way.
//
//   $ echo_protocol [HOST] [PORT]
//   Serving on 127.0.0.1:8888        (until Ctrl-C)
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>

#include <memory>
#include <string_view>

#include "support/program.hpp"

class echo_protocol : public aio::protocol {
 public:
  void connection_made(aio::transport& transport) override { transport_ = &transport; }

  void data_received(std::string_view data) override { transport_->write(data); }

  // A client that does not read is not read from either.
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  aio::transport* transport_ = nullptr;
};

aio::coro<int> serve(support::address at) {
  aio::event_loop& loop = aio::get_running_loop();
  aio::server server = co_await loop.create_server(
      [] { return std::make_unique<echo_protocol>(); }, at.host, at.port);
  co_return co_await support::serve_until_signal(server);
}

int main(int argc, char** argv) {
  return support::run("echo_protocol", serve(support::parse_address(argc, argv)));
}
