// web_scraper: visits all pages of some sites, following their links: a queue of pages,
// workers that take from it, and a limit of requests at once for each site.
//
// The sites are two of its own, so that it prints the same each time: what it found, and
// how many requests each site had to bear at once.
//
// SPDX-License-Identifier: BSL-1.0

#include <aio/aio.hpp>
#include <aio/http.hpp>
#include <aio/web.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// What is behind the links of a page, in order.
std::vector<std::string> links_of(std::string_view html) {
  std::vector<std::string> links;
  constexpr std::string_view mark = "href=\"";
  for (std::size_t at = html.find(mark); at != html.npos; at = html.find(mark, at)) {
    at += mark.size();
    links.emplace_back(html.substr(at, html.find('"', at) - at));
  }
  return links;
}

std::string site_of(const std::string& url) { return url.substr(0, url.find('/', 7)); }

// [scraper]
class scraper {
 public:
  struct finding {
    int status = 0;
    std::size_t links = 0;
  };

  scraper(std::size_t per_site, int max_depth)
      : per_site_(per_site), max_depth_(max_depth) {}

  // Visits all that can be reached from `start`.
  aio::coro<> run(std::string start, int workers) {
    add(std::move(start), 0);
    co_await aio::with(aio::task_group{}, [&](aio::task_group& all) -> aio::coro<> {
      for (int i = 0; i < workers; ++i) all.create_task(work());
      co_await pages_.join();  // all that was found was visited
      pages_.shutdown();
    });
    co_await session_.close();
  }

  const std::map<std::string, finding>& found() const { return found_; }

 private:
  struct page {
    std::string url;
    int depth;
  };

  void add(std::string url, int depth) {
    if (depth > max_depth_ || !seen_.insert(url).second) return;
    pages_.put_nowait({std::move(url), depth});
  }

  aio::coro<> work() {
    try {
      for (;;) {
        const page next = co_await pages_.get();
        const aio::detail::scope_exit at_last([&] { pages_.task_done(); });
        co_await visit(next);
      }
    } catch (const aio::queue_shut_down&) {
    }
  }

  aio::coro<> visit(const page& of) {
    finding& result = found_[of.url];
    auto& turns = sites_[site_of(of.url)];
    if (!turns) turns = std::make_unique<aio::semaphore>(per_site_);
    const auto turn = co_await turns->scoped();
    try {
      auto resp = co_await session_.get(of.url, {.timeout = {{.total = 5s}}});
      const std::string text = co_await resp.text();
      result.status = resp.status();
      for (std::string& link : links_of(text)) {
        ++result.links;
        if (link.starts_with('/')) link.insert(0, site_of(of.url));
        add(std::move(link), of.depth + 1);
      }
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: {}\n", of.url, error.what());
    }
  }

  std::size_t per_site_;
  int max_depth_;
  aio::http::client_session session_;
  aio::queue<page> pages_;
  std::set<std::string> seen_;
  std::map<std::string, std::unique_ptr<aio::semaphore>> sites_;
  std::map<std::string, finding> found_;
};
// [/scraper]

// A site whose pages each link to two others, to one of another site, and to none.
class site {
 public:
  site()
      : runner_([this] {
          aio::web::application app;
          app.get("/page/{n}", [this](aio::web::request& req) { return show(req); });
          return app;
        }()) {}

  aio::coro<> start() {
    co_await runner_.setup();
    place_ = std::make_unique<aio::web::tcp_site>(runner_, "127.0.0.1", 0);
    co_await place_->start();
  }
  aio::coro<> stop() { return runner_.cleanup(); }

  std::string url() const { return place_->name(); }
  void link_to(std::string other) { other_ = std::move(other); }
  int most_at_once() const { return most_; }

 private:
  aio::coro<aio::web::response> show(aio::web::request& req) {
    most_ = std::max(most_, ++now_);
    const aio::detail::scope_exit at_last([this] { --now_; });
    co_await aio::sleep(20ms);
    const int n = req.match<int>("n");
    if (n > 20) throw aio::web::not_found();
    co_return aio::web::response::html(
        fmt::format("<a href=\"/page/{}\">next</a> <a href=\"/page/{}\">far</a> "
                    "<a href=\"{}/page/{}\">elsewhere</a> <a href=\"/page/1\">home</a>",
                    n + 1, 2 * n, other_, n));
  }

  std::string other_;
  int now_ = 0;
  int most_ = 0;
  aio::web::app_runner runner_;
  std::unique_ptr<aio::web::tcp_site> place_;
};

aio::coro<> amain() {
  site a, b;
  co_await a.start();
  co_await b.start();
  a.link_to(b.url());
  b.link_to(a.url());

  scraper all(3, 50);
  const auto start = aio::get_running_loop().time();
  co_await all.run(a.url() + "/page/1", 10);
  const auto taken = aio::get_running_loop().time() - start;

  std::map<std::string, std::size_t> counts;
  for (const auto& [url, page] : all.found()) {
    const std::string name = site_of(url) == a.url() ? "a" : "b";
    ++counts[fmt::format("{}: status {}", name, page.status)];
    counts[name + ": links"] += page.links;
  }
  for (const auto& [what, count] : counts) fmt::print("{}: {}\n", what, count);
  fmt::print("at once: {} and {}\n", a.most_at_once(), b.most_at_once());
  const bool is_fast = taken < 20ms * all.found().size();
  fmt::print("faster than one by one: {}\n", is_fast ? "yes" : "no");
  co_await a.stop();
  co_await b.stop();
}

int main() { aio::run(amain()); }
