// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// The echo server on callbacks, in TLS.

#include <aio/aio.hpp>

#include <memory>
#include <string_view>

#include "server.hpp"

namespace {

struct echo : aio::protocol {
  void connection_made(aio::transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  aio::transport* transport_ = nullptr;
};

aio::coro<> serve(bench::tls_address where) {
  const auto context = aio::ssl_context::server(where.certificate, where.key);
  auto server = co_await aio::get_running_loop().create_server(
      [] { return std::make_unique<echo>(); }, where.host, where.port,
      {.ssl = context});
  bench::announce(where.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up_tls(argc, argv))); }
