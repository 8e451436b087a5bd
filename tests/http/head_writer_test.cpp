// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/http/detail/head_writer.hpp>

#include <support/catch.hpp>
#include <support/http_framing.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace detail = aio::http::detail;
using aio::http::invalid_header;

TEST_CASE("head_writer: writes heads as they are sent", "[http][head_writer]") {
  std::string out;
  detail::write_request_line(out, "GET", "/a?b");
  detail::write_field(out, "Host", "example.org");
  detail::write_field(out, "Content-Length", std::uint64_t{0});
  detail::write_fields(out, aio::http::headers{{"A", "b"}, {"C", "d"}});
  detail::end_head(out);
  CHECK(out ==
        "GET /a?b HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n"
        "A: b\r\nC: d\r\n\r\n");

  out.clear();
  detail::write_status_line(out, 404, "Not Found");
  detail::write_status_line(out, 200, "", 0);
  detail::write_field(out, "X", " \t y ");
  detail::write_field(out, "Y", std::numeric_limits<std::uint64_t>::max());
  CHECK(out ==
        "HTTP/1.1 404 Not Found\r\nHTTP/1.0 200 \r\nX: y\r\n"
        "Y: 18446744073709551615\r\n");
}

TEST_CASE("head_writer: writes chunks, and no empty one", "[http][head_writer]") {
  std::string out;
  detail::write_chunk(out, std::string(26, 'x'));
  CHECK(out == "1a\r\n" + std::string(26, 'x') + "\r\n");
  detail::write_chunk(out, "");
  CHECK(out.size() == 32);
  CHECK(std::string(detail::chunk_head(0xfedcba9876543210)) == "fedcba9876543210\r\n");
}

TEST_CASE("head_writer: not a byte of what cannot be in a line is written",
          "[http][head_writer]") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    const std::string text = std::string("ab") + c + "cd";
    std::string out = "before";
    const bool control = (byte < 0x20 && c != '\t') || byte == 0x7f;
    if (control) {
      CHECK_THROWS_AS(detail::write_status_line(out, 200, text), invalid_header);
      CHECK_THROWS_AS(detail::write_field(out, "X", text), invalid_header);
    }
    if (control || c == ' ' || c == '\t' || c == '#' || byte >= 0x80) {
      CHECK_THROWS_AS(detail::write_request_line(out, "GET", text), invalid_header);
    } else {
      CHECK_NOTHROW(detail::write_request_line(out, "GET", text));
      out = "before";
    }
    if (control || byte >= 0x80 ||
        std::string_view(" \t\"(),/:;<=>?@[\\]{}").find(c) != std::string_view::npos) {
      CHECK_THROWS_AS(detail::write_request_line(out, text, "/"), invalid_header);
      CHECK_THROWS_AS(detail::write_field(out, text, "y"), invalid_header);
    }
    CHECK(out == "before");
  }
  std::string out;
  CHECK_THROWS_AS(detail::write_request_line(out, "", "/"), invalid_header);
  CHECK_THROWS_AS(detail::write_request_line(out, "GET", ""), invalid_header);
  CHECK_THROWS_AS(detail::write_field(out, "", "y"), invalid_header);
  CHECK_THROWS_AS(detail::write_status_line(out, 99, ""), invalid_header);
  CHECK_THROWS_AS(detail::write_status_line(out, 1000, ""), invalid_header);
  CHECK_THROWS_AS(detail::write_status_line(out, -200, ""), invalid_header);
  CHECK(out.empty());
}

namespace {

/// Makes messages of any valid shape, and any kind of damage.
class maker {
 public:
  explicit maker(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string text(std::string_view alphabet, std::size_t least, std::size_t most) {
    std::string out(least + below(most - least + 1), '\0');
    for (char& c : out) c = alphabet[below(alphabet.size())];
    return out;
  }

  /// Appends a request to `out`, and what framing_verdict() says of it to `verdict`.
  void add_request(std::string& out, std::string& verdict) {
    const std::string method = text("ABCXYZ-!", 1, 8);
    const std::string target = "/" + text("abc/?=%&\"<>~", 0, 40);
    const std::string body = text("abc\r\n0;: ", 0, 60);
    detail::write_request_line(out, method, target);
    const std::size_t host_place = below(4);
    for (std::size_t i = 0; i < 4; ++i) {
      if (i == host_place) detail::write_field(out, "Host", text("abc.-", 0, 9));
      detail::write_field(out, text("abcXYZ-_", 18, 25),
                          text("ab \t:,\x80\xff", 0, 50));
    }
    verdict += method + " " + target + " ";
    if (!body.empty()) verdict += "[" + body + "] ";
    if (below(2) == 0) {
      detail::write_field(out, "Content-Length", body.size());
      detail::end_head(out);
      out += body;
      return;
    }
    detail::write_field(out, "Transfer-Encoding", "chunked");
    detail::end_head(out);
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t size = 1 + below(20);
      detail::write_chunk(out, body.substr(at, size));
      at += size;
    }
    out += detail::last_chunk;
  }

  void damage(std::string& bytes) {
    constexpr std::string_view odd("\r\n\0 \t:;,0aF-\x7f\xff", 15);
    for (std::size_t n = 1 + below(3); n > 0 && !bytes.empty(); --n) {
      const std::size_t at = below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes.erase(at, 1 + below(4));
          break;
        case 1:
          bytes.insert(at, 1, odd[below(odd.size())]);
          break;
        case 2:
          bytes[at] = odd[below(odd.size())];
          break;
        default:
          bytes.insert(at, bytes.substr(below(bytes.size()), below(30)));
      }
    }
  }

  std::string verdict_in_random_segments(std::string_view bytes) {
    aio::testing::framing_reader reader;
    while (!bytes.empty()) {
      const std::string_view segment = bytes.substr(0, 1 + below(40));
      reader.receive(segment);
      bytes.remove_prefix(segment.size());
    }
    return reader.finish();
  }

 private:
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("framing: what was written is read again, however it is cut",
          "[http][framing]") {
  maker make(11);
  for (int i = 0; i < 300; ++i) {
    std::string bytes, verdict;
    for (std::size_t n = 1 + make.below(4); n > 0; --n)
      make.add_request(bytes, verdict);
    REQUIRE(aio::testing::framing_verdict(bytes, 0) == verdict);
    REQUIRE(make.verdict_in_random_segments(bytes) == verdict);
  }
}

TEST_CASE("framing: damaged messages have one verdict, however they are cut",
          "[http][framing]") {
  maker make(12);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes, ignored;
    for (std::size_t n = 1 + make.below(2); n > 0; --n)
      make.add_request(bytes, ignored);
    make.damage(bytes);
    CAPTURE(bytes);
    const std::string verdict = aio::testing::framing_verdict(bytes, 0);
    REQUIRE(aio::testing::framing_verdict(bytes, 1) == verdict);
    REQUIRE(make.verdict_in_random_segments(bytes) == verdict);
    refused += verdict.find('!') != verdict.npos ? 1 : 0;
  }
  CHECK(refused > 500);
}
