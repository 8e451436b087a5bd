// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

// Frames of WebSockets, to a server and to a client, with and without compression: cut
// into pieces they must give the same messages and the same verdict.

#include "fuzz.hpp"

#include <aio/http/detail/websocket_frames.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using aio::http::detail::ws_decoder;
using kind = ws_decoder::event::kind;

using namespace std::string_view_literals;

constexpr std::string_view seeds[] = {
    // Of a server: a text, a ping, a close.
    "\x00\x81\x05hello\x89\x02hi\x88\x04\x03\xe8ok"sv,
    // Of a client, in fragments, with a ping between them.
    "\x01\x01\x82\x01\x02\x03\x04"
    "ab\x89\x80\x00\x00\x00\x00\x80\x81\x00\x00\x00\x00z"sv,
    "\x00\x82\x7e\x00\x7e"sv,
    "\x00\x01\x02\xc3\xa4\x80\x03\xe2\x82\xac"sv,
    // Compressed: "Hello", and again as a reference to it.
    "\x02\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00"sv,
    "\x02\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"sv,
};

/// All that came of it, in words.
std::string read(std::string_view bytes, std::size_t piece, bool masked, bool deflate) {
  ws_decoder decoder(masked, 1 << 16);
  if (deflate) decoder.set_deflate({.is_on = true});
  std::string all;
  while (!bytes.empty()) {
    std::string_view some = bytes.substr(0, piece);
    bytes.remove_prefix(some.size());
    for (;;) {
      const auto made = decoder.next(some);
      if (made.what == kind::none) break;
      all += std::to_string(static_cast<int>(made.what)) + " " +
             std::to_string(static_cast<int>(made.opcode)) + " " +
             std::to_string(made.code) + " " + made.data + "\n";
      if (made.what == kind::failure) return all;
      if (made.data.size() > 1 << 16) std::abort();
    }
    if (!some.empty()) std::abort();  // bytes that were neither taken nor complained of
  }
  return all;
}

}  // namespace

/// The first byte says how the rest is read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool masked = (data[0] & 1) != 0;
  const bool deflate = (data[0] & 2) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(bytes, size, masked, deflate);
  for (const std::size_t piece : {std::size_t(1), std::size_t(2), std::size_t(7)}) {
    if (read(bytes, piece, masked, deflate) != whole) std::abort();
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned random) {
  return aio::testing::mutate_or_seed(data, size, max_size, random, seeds);
}
