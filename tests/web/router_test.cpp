// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/web/application.hpp>

#include <support/tools.hpp>
#include <support/web.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using aio::web::application;
using aio::web::request;
using aio::web::response;
using aio::web::detail::path_pattern;

namespace {

std::string match(std::string_view pattern, std::string_view path) {
  std::vector<std::string_view> fields;
  if (!path_pattern(pattern).match(path, fields)) return "no";
  std::string all = "yes";
  for (const std::string_view one : fields) all += " " + std::string(one);
  return all;
}

/// A handler that says which one it is, and what was in the path.
auto says(const std::string& name) {
  return [name](request& req) {
    std::string text = name;
    for (const auto& [field, value] : req.parts().fields) {
      text += " " + std::string(field) + "=" + value;
    }
    return response::text(text);
  };
}

/// The application's answer to a request without a connection.
std::string route_of(const application& app, std::string_view method,
                     std::string_view path) {
  app.state()->freeze();
  request req;
  req.parts().head.method = method;
  req.parts().path = path;
  return aio::testing::run_virtual([&]() -> aio::coro<std::string> {
    std::string text;
    try {
      const response made = co_await app.state()->handle(req);
      text = made.body();
    } catch (const aio::web::http_exception& error) {
      text = std::to_string(error.status()) + " " +
             std::string(error.headers().get("Allow", ""));
    }
    co_return text;
  });
}

}  // namespace

TEST_CASE("path_pattern: literal text, fields and expressions", "[web][router]") {
  CHECK(match("/a/b", "/a/b") == "yes");
  CHECK(match("/a/b", "/a/b/") == "no");
  CHECK(match("/{name}", "/x") == "yes x");
  CHECK(match("/{name}", "/") == "no");
  CHECK(match("/{name}", "/x/y") == "no");
  CHECK(match("/{a}/{b}", "/x/y") == "yes x y");
  CHECK(match("/{a}-{b}", "/1-2-3") == "yes 1-2 3");
  CHECK(match("/{a}.{b}", "/file.tar.gz") == "yes file.tar gz");
  CHECK(match("/u/{id:\\d+}", "/u/17") == "yes 17");
  CHECK(match("/u/{id:\\d+}", "/u/x7") == "no");
  CHECK(match("/u/{id:\\d{2,3}}/{rest}", "/u/17/z") == "yes 17 z");
  CHECK(match("/{a:(?:x|yy)+}/{b:[\\w.]+}", "/xyyx/a_1.b") == "yes xyyx a_1.b");
  CHECK(match("/s/{rest:.*}", "/s/") == "yes ");
  CHECK(match("/s/{rest:.*}", "/s/a/b") == "yes a/b");
  CHECK(match("/{a:.*}/end", "/x/y/end") == "yes x/y");
  CHECK(match("/\xC3\xA4", "/%C3%A4") == "yes");
  CHECK(match("/a.b{x}", "/a.bc") == "yes c");
  CHECK(match("/a.b{x:c}", "/aXbc") == "no");
}

TEST_CASE("path_pattern: what is no path is refused when it is added",
          "[web][router]") {
  for (const char* bad :
       {"", "a", "/{", "/}", "/{a", "/{}", "/{1a}", "/{a-b}", "/{a}/{a}", "/{a:[}",
        "/{a:x*?}", "/{a:(?=x)}", "/{a:\\q}", "/{a:(}"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(path_pattern(bad), std::invalid_argument);
  }
}

TEST_CASE("router: the longest literal beginning wins, then the order",
          "[web][router]") {
  application app;
  app.get("/{any}", says("any"))
      .get("/a", says("a"))
      .get("/{other}", says("never"))
      .get("/a/{x}", says("ax"))
      .get("/a/b", says("ab"))
      .get("/", says("root"))
      .get("/tail/", says("slash"));
  CHECK(route_of(app, "GET", "/") == "root");
  CHECK(route_of(app, "GET", "/a") == "a");
  CHECK(route_of(app, "GET", "/z") == "any any=z");
  CHECK(route_of(app, "GET", "/a/c") == "ax x=c");
  CHECK(route_of(app, "GET", "/a/b") == "ab");
  CHECK(route_of(app, "GET", "/tail/") == "slash");
  CHECK(route_of(app, "GET", "/tail") == "any any=tail");
  CHECK(route_of(app, "GET", "/a/b/c") == "404 ");
}

TEST_CASE("router: fields are decoded, and %2F is no slash", "[web][router]") {
  application app;
  app.get("/{name}", says("n")).get("/caf\xC3\xA9/x", says("cafe"));
  CHECK(route_of(app, "GET", "/a%20b%2Fc") == "n name=a b/c");
  CHECK(route_of(app, "GET", "/%zz%4") == "n name=%zz%4");
  CHECK(route_of(app, "GET", "/caf%c3%a9/%78") == "cafe");
}

TEST_CASE("router: another method is 405 with those that are allowed",
          "[web][router]") {
  application app;
  app.get("/x", says("get")).post("/x", says("post")).put("/{y}", says("put"));
  app.route("*", "/any", says("any"));
  CHECK(route_of(app, "HEAD", "/x") == "get");
  CHECK(route_of(app, "POST", "/x") == "post");
  CHECK(route_of(app, "PUT", "/x") == "put y=x");
  CHECK(route_of(app, "DELETE", "/x") == "405 GET, HEAD, POST, PUT");
  CHECK(route_of(app, "BREW", "/any") == "any");
  CHECK(route_of(app, "GET", "/no/such") == "404 ");
}

TEST_CASE("application: routes that contradict each other are refused",
          "[web][router]") {
  application app;
  app.get("/x", says("get"), {.name = "x", .allow_head = false});
  CHECK_THROWS_AS(app.get("/x", says("again")), aio::usage_error);
  CHECK_THROWS_AS(app.get("/y", says("y"), {.name = "x"}), std::invalid_argument);
  CHECK_THROWS_AS(app.get("/y", says("y"), {.name = "a b"}), std::invalid_argument);
  CHECK_THROWS_AS(app.route("B AD", "/z", says("z")), std::invalid_argument);
  CHECK(route_of(app, "HEAD", "/x") == "405 GET");
  CHECK_THROWS_AS(app.get("/late", says("late")), aio::usage_error);
}

TEST_CASE("application: url_for() builds the path of a named route", "[web][router]") {
  application app;
  app.get("/u/{id:\\d+}/{what}", says("u"), {.name = "user"});
  CHECK(app.url_for("user", {{"id", "7"}, {"what", "a b/c"}}) == "/u/7/a%20b%2Fc");
  CHECK_THROWS_AS(app.url_for("user", {{"id", "7"}}), std::invalid_argument);
  CHECK_THROWS_AS(app.url_for("nobody"), std::invalid_argument);
  CHECK_THROWS_AS(app.url_for("user", {{"id", "7"}, {"what", ""}, {"x", ""}}),
                  std::invalid_argument);
}

TEST_CASE("application: one mounted in another has its prefix", "[web][router]") {
  application inner;
  inner.get("/", says("inner")).get("/{x}", says("x"), {.name = "x"});
  application middle;
  middle.mount("/in", inner);
  application app;
  app.mount("/mid/", middle).get("/{any}", says("any"));
  CHECK(route_of(app, "GET", "/mid/in/") == "inner");
  CHECK(route_of(app, "GET", "/mid/in/7") == "x x=7");
  CHECK(route_of(app, "GET", "/mid") == "any any=mid");
  CHECK(route_of(app, "GET", "/mid/7") == "404 ");
  CHECK(inner.url_for("x", {{"x", "1"}}) == "/mid/in/1");
  CHECK_THROWS_AS(application().mount("/again", inner), aio::usage_error);
  CHECK_THROWS_AS(application().mount("/{no}", application()), std::invalid_argument);
}
