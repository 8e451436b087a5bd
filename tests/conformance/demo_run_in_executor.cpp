// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include "twin.hpp"

#include <boost/asio/thread_pool.hpp>

#include <stdlib.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <future>

namespace demo_run_in_executor {
using namespace conformance;

class temporary_directory {
 public:
  temporary_directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "aio_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::size_t write_file(const std::string& path, const std::vector<std::string>& lines) {
  std::ofstream f(path);
  for (const std::string& line : lines) f << line << '\n';
  return lines.size();
}

std::size_t count_words(const std::string& path) {
  std::ifstream f(path);
  if (!f) {
    throw boost::system::system_error(
        make_error_code(boost::system::errc::no_such_file_or_directory), path);
  }
  std::size_t count = 0;
  for (std::string word; f >> word;) ++count;
  return count;
}

long cpu_bound(long n) {
  long sum = 0;
  for (long i = 0; i < n; ++i) sum += i * i;
  return sum;
}

aio::coro<> amain() {
  aio::event_loop& loop = aio::get_running_loop();
  {
    const temporary_directory folder;
    const std::string path = folder.path() / "poem";
    const std::vector<std::string> poem{"roses are red", "violets are blue"};
    const auto lines = co_await loop.run_in_executor(write_file, path, poem);
    print("lines", lines);
    const auto count = co_await aio::to_thread(count_words, path);
    print("words", count);
    try {
      co_await aio::to_thread(count_words, path + ".missing");
    } catch (const boost::system::system_error&) {
      print("missing file:", label());
    }
  }

  {
    boost::asio::thread_pool pool(3);
    std::vector<aio::future<long>> sums;
    const std::array<long, 3> limits{10, 100, 1000};
    for (const long n : limits)
      sums.push_back(loop.run_in_executor(pool, cpu_bound, n));
    const std::vector<long> results = co_await aio::gather(sums);
    print("sums", words(results));
    pool.join();
  }

  // blocking work beside a task that keeps ticking
  std::promise<bool> ready;
  const aio::future<bool> blocked =
      loop.run_in_executor([f = ready.get_future()]() mutable { return f.get(); });
  std::vector<int> ticks;
  const auto ticker = [&]() -> aio::coro<> {
    for (int i = 0; i < 3; ++i) {
      ticks.push_back(i);
      co_await aio::sleep(10ms);
    }
    ready.set_value(true);
  };
  co_await aio::gather(ticker(), blocked);
  print("ticks while the thread was blocked:", words(ticks), "result",
        blocked.result());
}

AIO_TWIN(demo_run_in_executor) { aio::run(amain()); }

}  // namespace demo_run_in_executor
