// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Lines on callbacks, which are found here: the answers of one receive leave together.

#include <aio/aio.hpp>

#include <memory>
#include <string>
#include <string_view>

#include "lines.hpp"
#include "server.hpp"

namespace {

std::string answers;  // nobody else runs before they are written

struct line_echo : aio::protocol {
  void connection_made(aio::transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override {
    answers.clear();
    bench::answer_lines(begun_, data, answers);
    transport_->write(answers);
  }
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  aio::transport* transport_ = nullptr;
  std::string begun_;
};

aio::coro<> serve(bench::address address) {
  auto server = co_await aio::get_running_loop().create_server(
      [] { return std::make_unique<line_echo>(); }, address.host, address.port);
  bench::announce(address.host, server.port());
  co_await server.serve_forever();
}

}  // namespace

int main(int argc, char** argv) { aio::run(serve(bench::start_up(argc, argv))); }
