// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#if __has_include(<openssl/ssl.h>)

#include <aio/net/open_connection.hpp>
#include <aio/tls/make_context.hpp>
#include <aio/web/sites.hpp>

#include <support/certificates.hpp>
#include <support/net.hpp>
#include <support/tree.hpp>

#include <cstddef>
#include <string>

using aio::web::request;
using aio::web::response;

AIO_NET_TEST("sites: TLS, also for large responses and files", "[web][tls]") {
  const test::tree folder;
  const std::string large(1'000'000, 'x');
  folder.add("large", large);
  const auto context =
      aio::ssl_context::server_pem(test::localhost().cert, test::localhost().key);
  aio::web::application app;
  app.get("/", [](request& req) { return response::text(std::string(req.scheme())); });
  app.get("/large", [&](request&) { return response::bytes(large); });
  app.static_files("/files", folder / "");
  const aio::web::app_runner runner(app);
  co_await runner.setup();
  aio::web::tcp_site site(runner, "127.0.0.1", 0, {.ssl = context});
  co_await site.start();
  CHECK(site.name().starts_with("https://127.0.0.1:"));
  const auto trusting = aio::ssl_context::client_pem(test::trusted().cert());
  for (const char* path : {"/", "/large", "/files/large"}) {
    auto [reader, writer] =
        co_await aio::open_connection("localhost", site.port(), {.ssl = trusting});
    writer.write("GET " + std::string(path) +
                 " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string all = co_await reader.read();
    const std::string body = all.substr(all.find("\r\n\r\n") + 4);
    CHECK(body == (path == std::string("/") ? "https" : large));
    writer.close();
  }
  co_await runner.cleanup();
}

#endif
