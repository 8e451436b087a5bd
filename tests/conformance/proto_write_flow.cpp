// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <memory>

namespace proto_write_flow {
using namespace conformance;

const std::string chunk(100'000, 'z');

struct sender : aio::protocol {
  void pause_writing() override { log.push_back("pause"); }
  void resume_writing() override {
    log.push_back("resume");
    resumed.set();
  }

  std::vector<std::string> log;
  aio::event resumed;
};

class receiver : public aio::protocol {
 public:
  receiver(aio::future<aio::transport> made, aio::future<std::size_t> done)
      : made_(std::move(made)), done_(std::move(done)) {}

  void connection_made(aio::transport& transport) override {
    transport.pause_reading();
    made_.set_result(transport);
  }
  void data_received(std::string_view data) override { total_ += data.size(); }
  void connection_lost(std::exception_ptr) override { done_.set_result(total_); }

 private:
  aio::future<aio::transport> made_;
  aio::future<std::size_t> done_;
  std::size_t total_ = 0;
};

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  auto made = loop.create_future<aio::transport>();
  auto done = loop.create_future<std::size_t>();
  const temporary_folder folder;
  const std::string path = folder / "s";
  const auto make_receiver = [&] { return std::make_unique<receiver>(made, done); };
  const auto make_sender = [] { return std::make_unique<sender>(); };
  const aio::server server = co_await loop.create_unix_server(make_receiver, path);
  auto [transport, protocol] = co_await loop.create_unix_connection(make_sender, path);
  aio::transport receiving = co_await made;
  transport.set_write_buffer_limits(50'000, 10'000);
  const auto [low, high] = transport.get_write_buffer_limits();
  print("reading", receiving.is_reading(), "limits", low, high);

  std::size_t sent = 0;
  while (protocol->log.empty()) {
    transport.write(chunk);
    sent += chunk.size();
  }
  print("pause_writing came inside write():", words(protocol->log));
  print("buffer above the high mark", transport.get_write_buffer_size() > 50'000);
  for (int i = 0; i < 3; ++i) {
    transport.write(chunk);
    sent += chunk.size();
  }
  co_await aio::sleep(20ms);
  print("more writes, no second pause:", words(protocol->log));

  receiving.resume_reading();
  co_await protocol->resumed.wait();
  print("reader resumed:", words(protocol->log));
  print("buffer at the low mark", transport.get_write_buffer_size() <= 10'000);
  transport.close();
  const std::size_t arrived = co_await done;
  print("everything arrived", arrived == sent);
  server.close();
}

AIO_TWIN(proto_write_flow) { aio::run(amain()); }

}  // namespace proto_write_flow
