// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <support/http_framing.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <string>
#include <string_view>

// One case is a stream of bytes and what comes of it. In the bytes, | is CR LF, { is CR,
// } is LF, $ is NUL, and ^ is DEL. For the verdict see support/http_framing.hpp.

namespace {

struct framing_case {
  std::string_view input;
  std::string_view verdict;
};

std::string bytes_of(std::string_view notation) {
  std::string bytes;
  for (const char c : notation) {
    switch (c) {
      case '|':
        bytes += "\r\n";
        break;
      case '{':
        bytes += '\r';
        break;
      case '}':
        bytes += '\n';
        break;
      case '$':
        bytes += '\0';
        break;
      case '^':
        bytes += '\x7f';
        break;
      default:
        bytes += c;
    }
  }
  return bytes;
}

void check_bytes(std::string_view bytes, std::string_view verdict,
                 std::string_view method = {}) {
  for (const std::size_t segment : {0u, 1u, 2u, 3u, 7u}) {
    CAPTURE(segment);
    CHECK(aio::testing::framing_verdict(bytes, segment, method) == verdict);
  }
}

template <std::size_t N>
void check_all(const framing_case (&cases)[N], std::string_view method = {}) {
  for (const auto& [input, verdict] : cases) {
    CAPTURE(input);
    check_bytes(bytes_of(input), verdict, method);
  }
}

/// Requests with this as their only field besides Host.
std::string with_field(std::string_view field, std::string_view rest = "") {
  return "POST / HTTP/1.1|Host: h|" + std::string(field) + "||" + std::string(rest);
}

std::string chunked(std::string_view body) {
  return with_field("Transfer-Encoding: chunked", body);
}

struct part_case {
  std::string_view part;
  std::string_view verdict;
};

}  // namespace

TEST_CASE("framing: request lines", "[http][framing]") {
  check_all({
      {"GET / HTTP/1.1|Host: h||", "GET / "},
      {"GET /a/b?c=d&e=%20 HTTP/1.1|Host: h||", "GET /a/b?c=d&e=%20 "},
      {"get / HTTP/1.1|Host: h||", "get / "},
      {"M-SEARCH /x HTTP/1.1|Host: h||", "M-SEARCH /x "},
      {"A!#%&'*+-.9_`~ / HTTP/1.1|Host: h||", "A!#%&'*+-.9_`~ / "},
      {"GET /\"<>[]\\` HTTP/1.1|Host: h||", "GET /\"<>[]\\` "},
      {"|GET / HTTP/1.1|Host: h||", "GET / "},
      {"||GET / HTTP/1.1|Host: h||", "!400"},
      {"|", "+head"},
      {"{GET / HTTP/1.1|Host: h||", "!400"},
      {"}GET / HTTP/1.1|Host: h||", "!400"},
      {" GET / HTTP/1.1|Host: h||", "!400"},
      {"\tGET / HTTP/1.1|Host: h||", "!400"},
      {"GET  / HTTP/1.1|Host: h||", "!400"},
      {"GET /  HTTP/1.1|Host: h||", "!400"},
      {"GET / HTTP/1.1 |Host: h||", "!400"},
      {"GET\t/ HTTP/1.1|Host: h||", "!400"},
      {"GET /\tHTTP/1.1|Host: h||", "!400"},
      {"GET/ HTTP/1.1|Host: h||", "!400"},
      {"GET /|Host: h||", "!400"},
      {"GET /||", "!400"},
      {"GET||", "!400"},
      {"GET HTTP/1.1|Host: h||", "!400"},
      {"GET  HTTP/1.1|Host: h||", "!400"},
      {"G@T / HTTP/1.1|Host: h||", "!400"},
      {"G(T / HTTP/1.1|Host: h||", "!400"},
      {"GET: / HTTP/1.1|Host: h||", "!400"},
      {"G$T / HTTP/1.1|Host: h||", "!400"},
      {"G\x80T / HTTP/1.1|Host: h||", "!400"},
      {": / HTTP/1.1|Host: h||", "!400"},
      {"\x16\x03\x01\x02", "!400"},
      {"\xff", "!400"},
      {"$", "!400"},
      {"GET /a b HTTP/1.1|Host: h||", "!400"},
      {"GET /$ HTTP/1.1|Host: h||", "!400"},
      {"GET /^ HTTP/1.1|Host: h||", "!400"},
      {"GET /\x01 HTTP/1.1|Host: h||", "!400"},
      {"GET /{ HTTP/1.1|Host: h||", "!400"},
      {"GET /} HTTP/1.1|Host: h||", "!400"},
      {"GET /\xc3\xa9 HTTP/1.1|Host: h||", "!400"},
      {"GET /\x80 HTTP/1.1|Host: h||", "!400"},
      {"GET /a#b HTTP/1.1|Host: h||", "!400"},
      {"GET / HTTP/1.1{Host: h||", "!400"},
      {"GET / HTTP/1.1}Host: h||", "!400"},
      {"GET / HTTP/1.1{|Host: h||", "!400"},
      {"GET / HTTP/1.1}}", "!400"},
      {"GET / HTTP/1.1$|Host: h||", "!400"},
      {"GET / HTTP/1.1 x|Host: h||", "!400"},
      {"GET / HTTP/1.1", "+head"},
      {"GET / HTTP/1.1{", "+head"},
      {"GET / HTTP/1.1|Host: h|", "+head"},
      {"GET / HTTP/1.1|Host: h|{", "+head"},
      {"GET / HTTP/1.1|Host: h|{x", "+head"},
      {"GET / HTTP/1.1|Host: h|{x|", "+head"},
      {"GET / HTTP/1.1|Host: h|{x||", "!400"},
      {"G", "+head"},
      {"", ""},
  });
}

TEST_CASE("framing: versions", "[http][framing]") {
  check_all({
      {"GET / HTTP/1.0||", "GET / close"},
      {"GET / HTTP/1.0|Host: h||", "GET / close"},
      {"GET / HTTP/1.0|Connection: keep-alive||GET /2 HTTP/1.0||",
       "GET / GET /2 close"},
      {"GET / HTTP/1.0|Connection: keep-alive, close||", "GET / close"},
      {"GET / HTTP/1.2|Host: h||", "!505"},
      {"GET / HTTP/1.9|Host: h||", "!505"},
      {"GET / HTTP/2.0|Host: h||", "!505"},
      {"PRI * HTTP/2.0||SM||", "!505"},
      {"GET / HTTP/0.9|Host: h||", "!505"},
      {"GET / HTTP/3.0||", "!505"},
      {"GET / HTTP/1.10|Host: h||", "!400"},
      {"GET / HTTP/1.1.1|Host: h||", "!400"},
      {"GET / HTTP/11|Host: h||", "!400"},
      {"GET / HTTP/1|Host: h||", "!400"},
      {"GET / HTTP/1.|Host: h||", "!400"},
      {"GET / HTTP/.1|Host: h||", "!400"},
      {"GET / HTTP/01.1|Host: h||", "!400"},
      {"GET / HTTP/1.01|Host: h||", "!400"},
      {"GET / HTTP/-1.1|Host: h||", "!400"},
      {"GET / HTTP/1,1|Host: h||", "!400"},
      {"GET / HTTP 1.1|Host: h||", "!400"},
      {"GET / http/1.1|Host: h||", "!400"},
      {"GET / HtTP/1.1|Host: h||", "!400"},
      {"GET / HTTPS/1.1|Host: h||", "!400"},
      {"GET / HTT/1.1|Host: h||", "!400"},
      {"GET / ICE/1.1|Host: h||", "!400"},
      {"GET / /1.1|Host: h||", "!400"},
      {"GET / HTTP/x.1|Host: h||", "!400"},
      {"GET / HTTP/\xd9\xa1.1|Host: h||", "!400"},
  });
}

TEST_CASE("framing: forms of targets", "[http][framing]") {
  check_all({
      {"GET http://h/ HTTP/1.1|Host: h||", "GET http://h/ "},
      {"GET http://h HTTP/1.1|Host: h||", "GET http://h "},
      {"GET http://h?q HTTP/1.1|Host: h||", "GET http://h?q "},
      {"GET HTTPS://h:443/x HTTP/1.1|Host: h||", "GET HTTPS://h:443/x "},
      {"GET http://[::1]:80/ HTTP/1.1|Host: h||", "GET http://[::1]:80/ "},
      {"GET http:/// HTTP/1.1|Host: h||", "!400"},
      {"GET http:// HTTP/1.1|Host: h||", "!400"},
      {"GET http://:80/ HTTP/1.1|Host: h||", "!400"},
      {"GET http://u@h/ HTTP/1.1|Host: h||", "!400"},
      {"GET http://h:x/ HTTP/1.1|Host: h||", "!400"},
      {"GET http://h:123456/ HTTP/1.1|Host: h||", "!400"},
      {"GET http:/h/ HTTP/1.1|Host: h||", "!400"},
      {"GET ftp://h/ HTTP/1.1|Host: h||", "!400"},
      {"GET javascript:x HTTP/1.1|Host: h||", "!400"},
      {"GET ://h/ HTTP/1.1|Host: h||", "!400"},
      {"GET x HTTP/1.1|Host: h||", "!400"},
      {"GET ?x HTTP/1.1|Host: h||", "!400"},
      {"GET h:80 HTTP/1.1|Host: h||", "!400"},
      {"GET //evil/x HTTP/1.1|Host: h||", "GET //evil/x "},
      {"OPTIONS * HTTP/1.1|Host: h||", "OPTIONS * "},
      {"GET * HTTP/1.1|Host: h||", "!400"},
      {"OPTIONS ** HTTP/1.1|Host: h||", "!400"},
      {"OPTIONS *x HTTP/1.1|Host: h||", "!400"},
      {"CONNECT h:443 HTTP/1.1|Host: h||", "CONNECT h:443 "},
      {"CONNECT [::1]:443 HTTP/1.1|Host: h||", "CONNECT [::1]:443 "},
      {"CONNECT h HTTP/1.1|Host: h||", "!400"},
      {"CONNECT h: HTTP/1.1|Host: h||", "!400"},
      {"CONNECT :443 HTTP/1.1|Host: h||", "!400"},
      {"CONNECT [::1] HTTP/1.1|Host: h||", "!400"},
      {"CONNECT [::1 HTTP/1.1|Host: h||", "!400"},
      {"CONNECT h:99999999 HTTP/1.1|Host: h||", "!400"},
      {"CONNECT h:80:80 HTTP/1.1|Host: h||", "!400"},
      {"CONNECT / HTTP/1.1|Host: h||", "!400"},
      {"CONNECT http://h/ HTTP/1.1|Host: h||", "!400"},
      {"CONNECT u@h:443 HTTP/1.1|Host: h||", "!400"},
      {"CONNECT h:443 HTTP/1.1|Host: h|Content-Length: 0||", "!400"},
      {"CONNECT h:443 HTTP/1.1|Host: h|Transfer-Encoding: chunked||0||", "!400"},
  });
}

TEST_CASE("framing: hosts", "[http][framing]") {
  check_all({
      {"GET / HTTP/1.1||", "!400"},
      {"GET / HTTP/1.1|Hos: h||", "!400"},
      {"GET / HTTP/1.1|X: Host: h||", "!400"},
      {"GET / HTTP/1.1|Host: h|Host: h||", "!400"},
      {"GET / HTTP/1.1|Host: a|host: b||", "!400"},
      {"GET / HTTP/1.0|Host: a|Host: b||", "!400"},
      {"GET / HTTP/1.1|Host:||", "GET / "},
      {"GET / HTTP/1.1|Host:h||", "GET / "},
      {"GET / HTTP/1.1|HOST: \t h \t ||", "GET / "},
      {"GET / HTTP/1.1|Host: 127.0.0.1:8080||", "GET / "},
      {"GET / HTTP/1.1|Host: [::1]||", "GET / "},
      {"GET / HTTP/1.1|Host: [::ffff:1.2.3.4]:80||", "GET / "},
      {"GET / HTTP/1.1|Host: xn--bcher-kva.example:1||", "GET / "},
      {"GET / HTTP/1.1|Host: h:||", "GET / "},
      {"GET / HTTP/1.1|Host: a, b||", "!400"},
      {"GET / HTTP/1.1|Host: a,b||", "!400"},
      {"GET / HTTP/1.1|Host: a b||", "!400"},
      {"GET / HTTP/1.1|Host: u@h||", "!400"},
      {"GET / HTTP/1.1|Host: u:p@h||", "!400"},
      {"GET / HTTP/1.1|Host: h/x||", "!400"},
      {"GET / HTTP/1.1|Host: http://h||", "!400"},
      {"GET / HTTP/1.1|Host: h?x||", "!400"},
      {"GET / HTTP/1.1|Host: h#x||", "!400"},
      {"GET / HTTP/1.1|Host: h:80x||", "!400"},
      {"GET / HTTP/1.1|Host: h:+80||", "!400"},
      {"GET / HTTP/1.1|Host: h:123456||", "!400"},
      {"GET / HTTP/1.1|Host: [::1||", "!400"},
      {"GET / HTTP/1.1|Host: []||", "!400"},
      {"GET / HTTP/1.1|Host: [::1]x||", "!400"},
      {"GET / HTTP/1.1|Host: [::g]||", "!400"},
      {"GET / HTTP/1.1|Host: \xc3\xa9||", "!400"},
      {"GET / HTTP/1.1|Host: h\\x||", "!400"},
      {"GET / HTTP/1.1|Host: <h>||", "!400"},
  });
}

TEST_CASE("framing: fields", "[http][framing]") {
  const part_case fields[] = {
      {"X: y", "POST / "},
      {"X:y", "POST / "},
      {"X:", "POST / "},
      {"X: ", "POST / "},
      {"X:\ty\t", "POST / "},
      {"X: a\tb c", "POST / "},
      {"X: \x80\xff\xc3\xa9", "POST / "},
      {"X: a:b:c", "POST / "},
      {"!#%&'*+-.9_`~: y", "POST / "},
      {"X: y|x: z|X: y", "POST / "},
      {"X : y", "!400"},
      {"X\t: y", "!400"},
      {" X: y", "!400"},
      {"\tX: y", "!400"},
      {"X: y| folded", "!400"},
      {"X: y|\tfolded", "!400"},
      {"X: y| ", "!400"},
      {"X", "!400"},
      {"X y", "!400"},
      {": y", "!400"},
      {":", "!400"},
      {"X Y: z", "!400"},
      {"X(Y): z", "!400"},
      {"X/Y: z", "!400"},
      {"\"X\": z", "!400"},
      {"X=Y", "!400"},
      {"X\xc3\xa9: y", "!400"},
      {"X$: y", "!400"},
      {"X^: y", "!400"},
      {"X{: y", "!400"},
      {"X: y$", "!400"},
      {"X: $", "!400"},
      {"X: a^b", "!400"},
      {"X: a\x01", "!400"},
      {"X: a\x08", "!400"},
      {"X: a\x0b", "!400"},
      {"X: a\x0c", "!400"},
      {"X: a\x1b[0m", "!400"},
      {"X: a\x1f", "!400"},
      {"X: a{b", "!400"},
      {"X: a{ Y: b", "!400"},
      {"X: a}b", "!400"},
      {"X: a}Y: b", "!400"},
      {"X: a{{|", "!400"},
      {"X: y{", "!400"},
      {"{X: y", "!400"},
      {"}X: y", "!400"},
      {"Content-Type: a|content-type: b", "!400"},
      {"User-Agent: a|User-Agent: b", "!400"},
      {"Authorization: a|Authorization: b", "!400"},
      {"Connection: close", "POST / close"},
      {"Connection: CLOSE", "POST / close"},
      {"Connection: x, close", "POST / close"},
      {"Connection: x|Connection: close", "POST / close"},
      {"Connection: keep-alive", "POST / "},
      {"Connection: closed", "POST / "},
      {"Connection: ,,", "POST / "},
      {"Expect: 100-continue", "POST / "},
      {"Expect: 100-Continue", "POST / "},
      {"Expect: 200-ok", "!417"},
      {"Expect: 100-continue, x", "!417"},
      {"Expect:", "!417"},
  };
  for (const auto& [field, verdict] : fields) {
    CAPTURE(field);
    check_bytes(bytes_of(with_field(field)), verdict);
  }
}

TEST_CASE("framing: lengths and codings", "[http][framing]") {
  const part_case cases[] = {
      {"Content-Length: 3||abc", "POST / [abc] "},
      {"content-LENGTH:3||abc", "POST / [abc] "},
      {"Content-Length: 0||", "POST / "},
      {"Content-Length: 003||abc", "POST / [abc] "},
      {"Content-Length: 3||ab", "POST / [ab +body"},
      {"Content-Length: 3||", "POST / [ +body"},
      {"Content-Length: 3||abcGET /2 HTTP/1.1|Host: h||", "POST / [abc] GET /2 "},
      {"Content-Length: 3||abc|GET /2 HTTP/1.1|Host: h||", "POST / [abc] GET /2 "},
      {"Content-Length: 3||abcx", "POST / [abc] +head"},
      {"Content-Length:||", "!400"},
      {"Content-Length: +3||abc", "!400"},
      {"Content-Length: -3||abc", "!400"},
      {"Content-Length: -0||", "!400"},
      {"Content-Length: 3 3||abc", "!400"},
      {"Content-Length: 3, 3||abc", "!400"},
      {"Content-Length: 3,||abc", "!400"},
      {"Content-Length: 3;||abc", "!400"},
      {"Content-Length: 3.0||abc", "!400"},
      {"Content-Length: 3e0||abc", "!400"},
      {"Content-Length: 0x3||abc", "!400"},
      {"Content-Length: 1_0||abc", "!400"},
      {"Content-Length: 3a||abc", "!400"},
      {"Content-Length: a||abc", "!400"},
      {"Content-Length: \"3\"||abc", "!400"},
      {"Content-Length: \xd9\xa3||abc", "!400"},
      {"Content-Length: 3\x0b||abc", "!400"},
      {"Content-Length : 3||abc", "!400"},
      {" Content-Length: 3||abc", "!400"},
      {"Content-Length: 3|Content-Length: 3||abc", "!400"},
      {"Content-Length: 3|Content-Length: 4||abc", "!400"},
      {"Content-Length: 9223372036854775807||", "POST / [ +body"},
      {"Content-Length: 9223372036854775808||", "!400"},
      {"Content-Length: 18446744073709551616||", "!400"},
      {"Content-Length: 18446744073709551619||abc", "!400"},
      {"Content-Length: 99999999999999999999999999||", "!400"},
      {"Content-Length: 3|Transfer-Encoding: chunked||0||", "!400"},
      {"Transfer-Encoding: chunked|Content-Length: 3||0||", "!400"},
      {"Transfer-Encoding: chunked|Content-Length: 0||0||", "!400"},
      {"Transfer-Encoding: identity|Content-Length: 3||abc", "!400"},
      {"Transfer-Encoding: chunked||0||", "POST / "},
      {"transfer-encoding:CHUNKED||0||", "POST / "},
      {"Transfer-Encoding: \t chunked \t ||0||", "POST / "},
      {"Transfer-Encoding:||", "!400"},
      {"Transfer-Encoding: ,||", "!400"},
      {"Transfer-Encoding: chunked, chunked||0||", "!400"},
      {"Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||", "!400"},
      {"Transfer-Encoding: chunked|Transfer-Encoding: identity||0||", "!400"},
      {"Transfer-Encoding: identity|Transfer-Encoding: chunked||0||", "!400"},
      {"Transfer-Encoding: chunked, identity||0||", "!400"},
      {"Transfer-Encoding: chunked, gzip||0||", "!400"},
      {"Transfer-Encoding: gzip, chunked||0||", "!501"},
      {"Transfer-Encoding: x, chunked||0||", "!501"},
      {"Transfer-Encoding: gzip||", "!400"},
      {"Transfer-Encoding: identity||", "!400"},
      {"Transfer-Encoding: blegh||", "!400"},
      {"Transfer-Encoding: xchunked||0||", "!400"},
      {"Transfer-Encoding: chunkedx||0||", "!400"},
      {"Transfer-Encoding: chunk||0||", "!400"},
      {"Transfer-Encoding: \"chunked\"||0||", "!400"},
      {"Transfer-Encoding: 'chunked'||0||", "!400"},
      {"Transfer-Encoding: chunked;q=1||0||", "!400"},
      {"Transfer-Encoding: chunked;||0||", "!400"},
      {"Transfer-Encoding: chun ked||0||", "!400"},
      {"Transfer-Encoding: chunked\x0b||0||", "!400"},
      {"Transfer-Encoding: \x0b"
       "chunked||0||",
       "!400"},
      {"Transfer-Encoding: \xc2\xa0"
       "chunked||0||",
       "!400"},
      {"Transfer-Encoding: chunked$||0||", "!400"},
      {"Transfer-Encoding: {chunked||0||", "!400"},
      {"Transfer-Encoding: }chunked||0||", "!400"},
      {"Transfer-Encoding:| chunked||0||", "!400"},
      {"Transfer-Encoding : chunked||0||", "!400"},
      {"Transfer-Encoding\t: chunked||0||", "!400"},
      {" Transfer-Encoding: chunked||0||", "!400"},
      {"X: y{Transfer-Encoding: chunked||0||", "!400"},
      {"X: y}Transfer-Encoding: chunked||0||", "!400"},
      {"Transfer_Encoding: chunked||", "POST / "},
      {"Transfer-Encodin: chunked||", "POST / "},
  };
  for (const auto& [part, verdict] : cases) {
    CAPTURE(part);
    check_bytes(bytes_of("POST / HTTP/1.1|Host: h|" + std::string(part)), verdict);
  }
  check_all({
      {"POST / HTTP/1.0|Transfer-Encoding: chunked||0||", "!400"},
      {"POST / HTTP/1.0|Content-Length: 3||abc", "POST / [abc] close"},
      {"GET / HTTP/1.1|Host: h|Content-Length: 3||abc", "GET / [abc] "},
      {"GET / HTTP/1.1|Host: h|Transfer-Encoding: chunked||3|abc|0||", "GET / [abc] "},
  });
}

TEST_CASE("framing: chunks", "[http][framing]") {
  const part_case cases[] = {
      {"3|abc|0||", "POST / [abc] "},
      {"3|abc|2|de|0||", "POST / [abcde] "},
      {"0||", "POST / "},
      {"000||", "POST / "},
      {"03|abc|00||", "POST / [abc] "},
      {"a|0123456789|0||", "POST / [0123456789] "},
      {"A|0123456789|0||", "POST / [0123456789] "},
      {"1f|0123456789012345678901234567890|0||",
       "POST / [0123456789012345678901234567890] "},
      {"5|a|b}|0||", "POST / [a\r\nb\n] "},
      {"4|a|b|0||", "POST / [a\r\nb] "},
      {"3|abc|0||GET /2 HTTP/1.1|Host: h||", "POST / [abc] GET /2 "},
      {"3|abc|", "POST / [abc +body"},
      {"3|abc", "POST / [abc +body"},
      {"3|ab", "POST / [ab +body"},
      {"3|", "POST / [ +body"},
      {"3", "POST / [ +body"},
      {"", "POST / [ +body"},
      {"3|abc|0|", "POST / [abc +body"},
      {"3|abc|0|{", "POST / [abc +body"},
      {"3|abcd|0||", "POST / [abc !400"},
      {"3|abc0||", "POST / [abc !400"},
      {"3|abc}0||", "POST / [abc !400"},
      {"3|abc{0||", "POST / [abc !400"},
      {"3|abc{{}0||", "POST / [abc !400"},
      {"3|abcXX0||", "POST / [abc !400"},
      {"3|abc||0||", "POST / [abc !400"},
      {"3}abc|0||", "POST / [ !400"},
      {"3{abc|0||", "POST / [ !400"},
      {"3|abc|0}}", "POST / [abc !400"},
      {"3|abc|0|}", "POST / [abc !400"},
      {"3|abc|0|{x", "POST / [abc !400"},
      {"|3|abc|0||", "POST / [ !400"},
      {" 3|abc|0||", "POST / [ !400"},
      {"3 |abc|0||", "POST / [ !400"},
      {"3\t|abc|0||", "POST / [ !400"},
      {"3 ;x|abc|0||", "POST / [ !400"},
      {"+3|abc|0||", "POST / [ !400"},
      {"-3|abc|0||", "POST / [ !400"},
      {"-0||", "POST / [ !400"},
      {"0x3|abc|0||", "POST / [ !400"},
      {"3h|abc|0||", "POST / [ !400"},
      {"g|abc|0||", "POST / [ !400"},
      {"3.0|abc|0||", "POST / [ !400"},
      {"3,3|abc|0||", "POST / [ !400"},
      {"1_0|0123456789abcdef|0||", "POST / [ !400"},
      {"$3|abc|0||", "POST / [ !400"},
      {"\xef\xbc\x93|abc|0||", "POST / [ !400"},
      {"000000000000003|abc|0||", "POST / [abc] "},
      {"0000000000000003|abc|0||", "POST / [ !413"},
      {"fffffffffffffff|abc", "POST / [abc +body"},
      {"ffffffffffffffff|abc", "POST / [ !413"},
      {"10000000000000003|abc|0||", "POST / [ !413"},
      {"ffffffffffffffffffffffffffff|abc", "POST / [ !413"},
      {"3;x|abc|0||", "POST / [abc] "},
      {"3;x=y;z|abc|0;w||", "POST / [abc] "},
      // Not even quotes let a line go on after its end.
      {"3;x=\"y|z\"|abc|0||", "POST / [z\"\r !400"},
      {"3; x = \"a b\"|abc|0||", "POST / [abc] "},
      {"3;|abc|0||", "POST / [abc] "},
      {"3;x}|abc|0||", "POST / [ !400"},
      {"3;x}abc|0||", "POST / [ !400"},
      {"3;x{abc|0||", "POST / [ !400"},
      {"3;x$|abc|0||", "POST / [ !400"},
      {"3;x^|abc|0||", "POST / [ !400"},
      {"0;x}|", "POST / [ !400"},
      {"0|X: y||", "POST / "},
      {"0|X: y|Z: w||GET /2 HTTP/1.1|Host: h||", "POST / GET /2 "},
      {"0|X:||", "POST / "},
      {"0|Content-Length: 5||GET /2 HTTP/1.1|Host: h||", "POST / GET /2 "},
      {"0|Transfer-Encoding: chunked||GET /2 HTTP/1.1|Host: h||", "POST / GET /2 "},
      {"0|Host: evil||", "POST / "},
      {"0|X: y|", "POST / [ +body"},
      {"0|X: y", "POST / [ +body"},
      {"0|X||", "POST / [ !400"},
      {"0|X y||", "POST / [ !400"},
      {"0|X : y||", "POST / [ !400"},
      {"0|: y||", "POST / [ !400"},
      {"0| X: y||", "POST / [ !400"},
      {"0|X: y| z||", "POST / [ !400"},
      {"0|X: y}Z: w||", "POST / [ !400"},
      {"0|X: y{Z: w||", "POST / [ !400"},
      {"0|X: y$||", "POST / [ !400"},
      {"0|X: y^||", "POST / [ !400"},
      {"0|GET /2 HTTP/1.1|Host: h||", "POST / [ !400"},
      {"0|}GET /2 HTTP/1.1|Host: h||", "POST / [ !400"},
  };
  for (const auto& [body, verdict] : cases) {
    CAPTURE(body);
    check_bytes(bytes_of(chunked(body)), verdict);
  }
}

TEST_CASE("framing: pipelined requests come out in order", "[http][framing]") {
  check_all({
      {"GET /1 HTTP/1.1|Host: h||GET /2 HTTP/1.1|Host: h||GET /3 HTTP/1.1|Host: h||",
       "GET /1 GET /2 GET /3 "},
      {"GET /1 HTTP/1.1|Host: h|||GET /2 HTTP/1.1|Host: h||", "GET /1 GET /2 "},
      {"GET /1 HTTP/1.1|Host: h||||GET /2 HTTP/1.1|Host: h||", "GET /1 !400"},
      {"GET /1 HTTP/1.1|Host: h||x", "GET /1 +head"},
      {"GET /1 HTTP/1.1|Host: h||GET /2 HTTP/1.1||", "GET /1 !400"},
      {"GET /1 HTTP/1.1|Host: h|Connection: close||GET /2 HTTP/1.1|Host: h||",
       "GET /1 close"},
      {"POST /1 HTTP/1.1|Host: h|Transfer-Encoding: chunked||1|a|0||"
       "POST /2 HTTP/1.1|Host: h|Content-Length: 1||b"
       "GET /3 HTTP/1.1|Host: h||",
       "POST /1 [a] POST /2 [b] GET /3 "},
  });
}

TEST_CASE("framing: limits hold to the byte", "[http][framing]") {
  const std::string host = "Host: h\r\n\r\n";
  const auto line = [&](std::size_t size) {
    return "GET /" + std::string(size - 14, 'x') + " HTTP/1.1\r\n" + host;
  };
  const auto field = [&](std::size_t size) {
    return "GET / HTTP/1.1\r\nX: " + std::string(size - 3, 'x') + "\r\n" + host;
  };
  const auto fields = [&](int count) {
    std::string head = "GET / HTTP/1.1\r\n";
    for (int i = 1; i < count; ++i) head += "X: y\r\n";
    return head + host;
  };
  const auto head = [&](std::size_t size) {
    std::string text = "GET / HTTP/1.1\r\n";
    while (text.size() + host.size() + 2000 < size) {
      text += "X: " + std::string(1000, 'x') + "\r\n";
    }
    text += "X: " + std::string(size - text.size() - host.size() - 5, 'x') + "\r\n";
    return text + host;
  };
  const auto verdict = [](const std::string& input) {
    const std::string whole = aio::testing::framing_verdict(input, 0);
    for (const std::size_t segment : {1u, 2u, 3u, 7u, 4096u}) {
      if (segment < 7 && input.size() > 20'000) continue;
      CHECK(aio::testing::framing_verdict(input, segment) == whole);
    }
    return whole.substr(0, 6);
  };
  CHECK(verdict(line(8190)) == "GET /x");
  CHECK(verdict(line(8191)) == "!414");
  CHECK(verdict(line(8191).substr(0, 8192)) == "!414");
  CHECK(verdict(line(9000).substr(0, 8191)) == "+head");
  CHECK(verdict(line(30000)) == "!414");
  CHECK(verdict(field(8190)) == "GET / ");
  CHECK(verdict(field(8191)) == "!431");
  CHECK(verdict(field(30000)) == "!431");
  CHECK(verdict(fields(128)) == "GET / ");
  CHECK(verdict(fields(129)) == "!431");
  CHECK(head(65536).size() == 65536);
  CHECK(verdict(head(65536)) == "GET / ");
  CHECK(verdict(head(65537)) == "!431");

  const auto chunk_body = [](const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
  };
  const auto extension = [&](std::size_t size) {
    return chunk_body("0;" + std::string(size, 'x') + "\r\n\r\n");
  };
  CHECK(verdict(extension(256)) == "POST /");
  CHECK(aio::testing::framing_verdict(extension(256), 0) == "POST / ");
  CHECK(aio::testing::framing_verdict(extension(257), 0) == "POST / [ !400");
  const auto extensions = [&](int count) {
    std::string body;
    for (int i = 0; i < count; ++i) body += "1;" + std::string(256, 'x') + "\r\na\r\n";
    return chunk_body(body + "0\r\n\r\n");
  };
  CHECK(aio::testing::framing_verdict(extensions(64), 0).ends_with("a] "));
  CHECK(aio::testing::framing_verdict(extensions(65), 0).ends_with("!400"));
  const auto trailer = [&](std::size_t size) {  // with its line end
    return chunk_body("0\r\nX:" + std::string(size - 4, 'x') + "\r\n\r\n");
  };
  CHECK(aio::testing::framing_verdict(trailer(8000), 3) == "POST / ");
  CHECK(aio::testing::framing_verdict(trailer(8193), 3) == "POST / [ !431");
  std::string many = "0\r\n";
  for (int i = 0; i < 2000; ++i) many += "X: y\r\n";
  CHECK(aio::testing::framing_verdict(chunk_body(many + "\r\n"), 0) == "POST / [ !431");
}

TEST_CASE("framing: what is endless is refused in bounded memory", "[http][framing]") {
  for (const char* start :
       {"", "GET /", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nX: "}) {
    aio::http::detail::head_parser parser;
    aio::http::detail::message_head head;
    std::string received = start;
    auto state = aio::http::detail::parse_state::needs_more;
    while (state == aio::http::detail::parse_state::needs_more) {
      received += 'x';
      REQUIRE(received.size() <= 64 * 1024 + 1);
      state = parser.parse_request(received, head);
    }
    CHECK(state == aio::http::detail::parse_state::refused);
  }
}

TEST_CASE("framing: a million chunks of a byte take their time, not more",
          "[http][framing]") {
  auto decoder = aio::http::detail::body_decoder::chunked();
  std::size_t payload_size = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    std::string_view input = "1\r\nx\r\n";
    while (!input.empty()) {
      const auto [consumed, payload] = decoder.next(input);
      input.remove_prefix(consumed);
      payload_size += payload.size();
    }
  }
  CHECK(payload_size == 1'000'000);
  CHECK_FALSE(decoder.error());
  CHECK_FALSE(decoder.is_done());
}

TEST_CASE("framing: responses", "[http][framing]") {
  check_all(
      {
          {"HTTP/1.1 200 OK|Content-Length: 3||abc", "200 [abc] "},
          {"HTTP/1.1 200 |Content-Length: 0||", "200 "},
          {"HTTP/1.1 200|Content-Length: 0||", "200 "},
          {"HTTP/1.1 299 Some \t thing \xc3\xa9|Content-Length: 0||", "299 "},
          {"HTTP/1.0 200 OK||abc", "200 [abc] "},
          {"HTTP/1.1 200 OK||abc|def", "200 [abc\r\ndef] "},
          {"HTTP/1.1 200 OK||", "200 "},
          {"HTTP/1.1 200 OK|Transfer-Encoding: chunked||3|abc|0||", "200 [abc] "},
          {"HTTP/1.1 200 OK|Transfer-Encoding: chunked||3|ab", "200 [ab +body"},
          {"HTTP/1.1 200 OK|Content-Length: 5||abc", "200 [abc +body"},
          {"HTTP/1.1 100 Continue||HTTP/1.1 200 OK|Content-Length: 0||", "100 200 "},
          {"HTTP/1.1 103 x|Link: y||HTTP/1.1 204 x||", "103 204 "},
          {"HTTP/1.1 204 No Content|Content-Length: 5||", "204 "},
          {"HTTP/1.1 304 Not Modified|Content-Length: 5||", "304 "},
          {"HTTP/1.1 304 x|Transfer-Encoding: chunked||", "304 "},
          {"HTTP/1.1 200 OK|Content-Length: 0||HTTP/1.1 404 x|Content-Length: 1||a",
           "200 404 [a] "},
          {"HTTP/1.1 200 OK|Host: a|Host: b|Content-Length: 0||", "200 "},
          {"HTTP/1.1 200 OK|Expect: x|Content-Length: 0||", "200 "},
          {"HTTP/1.1 200 OK|Content-Length: 3|Content-Length: 3||abc", "!400"},
          {"HTTP/1.1 200 OK|Content-Length: 3, 3||abc", "!400"},
          {"HTTP/1.1 200 OK|Content-Length: x||abc", "!400"},
          {"HTTP/1.1 200 OK|Content-Length: 3|Transfer-Encoding: chunked||0||", "!400"},
          {"HTTP/1.1 200 OK|Transfer-Encoding: chunked, chunked||0||", "!400"},
          {"HTTP/1.1 200 OK|Transfer-Encoding: gzip||x", "!400"},
          {"HTTP/1.1 200 OK|Transfer-Encoding: gzip, chunked||0||", "!501"},
          {"HTTP/1.0 200 OK|Transfer-Encoding: chunked||0||", "!400"},
          {"HTTP/1.1 200 OK|X: y| z||", "!400"},
          {"HTTP/1.1 200 OK|X : y||", "!400"},
          {"HTTP/1.1 200 OK|X: y$||", "!400"},
          {"HTTP/1.1 200 O$K||", "!400"},
          {"HTTP/1.1 200 O{K||", "!400"},
          {"HTTP/1.1 200 OK}}", "!400"},
          {"HTTP/1.1  200 OK||", "!400"},
          {"HTTP/1.1 20 OK||", "!400"},
          {"HTTP/1.1 2000 OK||", "!400"},
          {"HTTP/1.1 099 OK||", "!400"},
          {"HTTP/1.1 -20 OK||", "!400"},
          {"HTTP/1.1 2x0 OK||", "!400"},
          {"HTTP/1.1 200\tOK||", "!400"},
          {"HTTP/1.1\t200 OK||", "!400"},
          {"HTTP/1.1||", "!400"},
          {"HTTP/1.1 ||", "!400"},
          {"HTTP/2 200||", "!400"},
          {"HTTP/2.0 200 OK||", "!505"},
          {"http/1.1 200 OK||", "!400"},
          {"ICY 200 OK||", "!400"},
          {"HTTP /1.1 200 OK||", "!400"},
          {"|HTTP/1.1 200 OK||", "!400"},
          {" HTTP/1.1 200 OK||", "!400"},
          {"<html>", "!400"},
          {"$", "!400"},
          {"HTTP/1.1 200 OK|X: y", "+head"},
      },
      "GET");
  check_all(
      {
          {"HTTP/1.1 200 OK|Content-Length: 5||", "200 "},
          {"HTTP/1.1 200 OK|Transfer-Encoding: chunked||", "200 "},
          {"HTTP/1.1 200 OK||HTTP/1.1 200 OK||", "200 200 "},
      },
      "HEAD");
  check_all(
      {
          {"HTTP/1.1 200 OK|Content-Length: 5||", "200 "},
          {"HTTP/1.1 407 x|Content-Length: 1||a", "407 [a] "},
      },
      "CONNECT");
}

TEST_CASE("framing: a status line that is too long is refused", "[http][framing]") {
  const std::string reason(9000, 'x');
  check_bytes("HTTP/1.1 200 " + reason + "\r\n\r\n", "!431", "GET");
}
