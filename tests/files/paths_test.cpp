// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/files.hpp>

#include <aio/task/task.hpp>
#include <aio/task/with.hpp>

#include <support/net.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace files = aio::files;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

aio::coro<> make_file(std::string path, std::string content) {
  auto f = co_await files::open(std::move(path), "w");
  co_await f.write(std::move(content));
  co_await f.close();
}

/// A test in a directory of its own.
template <class Body>
aio::coro<> in_directory(Body body) {
  auto dir = files::temporary_directory();
  auto block = [&](files::scratch_directory& d) { return body(d); };
  co_await aio::with(std::move(dir), std::move(block));
}

aio::coro<> check_files(files::scratch_directory& dir) {
  co_await make_file(dir / "a", "12345");
  const auto status = co_await files::stat(dir / "a");
  CHECK(status.size == 5);
  CHECK(status.is_file());
  CHECK_FALSE(status.is_directory());
  CHECK(std::chrono::abs(std::chrono::system_clock::now() - status.modified) <
        std::chrono::minutes(1));

  co_await files::rename(dir / "a", dir / "b");
  bool there = co_await files::exists(dir / "a");
  CHECK_FALSE(there);
  there = co_await files::isfile(dir / "b");
  CHECK(there);
  co_await make_file(dir / "c", "c");
  co_await files::replace(dir / "b", dir / "c");
  const auto size = co_await files::getsize(std::filesystem::path(dir / "c"));
  CHECK(size == 5);

  co_await files::symlink("c", dir / "s");
  const std::string target = co_await files::readlink(dir / "s");
  CHECK(target == "c");
  there = co_await files::islink(dir / "s");
  CHECK(there);
  const auto itself = co_await files::lstat(dir / "s");
  CHECK(itself.is_symlink());
  co_await files::link(dir / "c", dir / "h");
  bool same = co_await files::samefile(dir / "h", dir / "s");
  CHECK(same);
  co_await files::chmod(dir / "c", 0400);
  const auto changed = co_await files::stat(dir / "h");
  CHECK(changed.permissions() == 0400);
  CHECK(changed.links == 2);
  same = co_await files::access(dir / "c", R_OK);
  CHECK(same);
  co_await files::remove(dir / "c");
  there = co_await files::exists(dir / "s");
  CHECK_FALSE(there);  // a link to nothing
  const std::string how = co_await ending(files::unlink(dir / "c"));
  CHECK(how == "cannot remove '" + (dir / "c") + "': No such file or directory");
  const std::string both = co_await ending(files::rename(dir / "x", dir / "y"));
  CHECK_THAT(both, ContainsSubstring("x' -> '"));
}

aio::coro<> check_directories(files::scratch_directory& dir) {
  co_await files::mkdir(dir / "one");
  std::string how = co_await ending(files::mkdir(dir / "one"));
  CHECK_THAT(how, ContainsSubstring("cannot make the directory"));
  CHECK_THAT(how, ContainsSubstring("File exists"));
  how = co_await ending(files::mkdir(dir / "two/three"));
  CHECK_THAT(how, ContainsSubstring("No such file or directory"));
  co_await files::makedirs(dir / "two/three/four/");
  how = co_await ending(files::makedirs(dir / "two/three"));
  CHECK_THAT(how, ContainsSubstring("File exists"));
  co_await files::makedirs(dir / "two/three", {.exist_ok = true});
  co_await make_file(dir / "file", "");
  how = co_await ending(files::makedirs(dir / "file", {.exist_ok = true}));
  CHECK_THAT(how, ContainsSubstring("File exists"));

  auto names = co_await files::listdir(dir.path());
  std::ranges::sort(names);
  CHECK(names == std::vector<std::string>{"file", "one", "two"});
  const auto entries = co_await files::scandir(dir.path());
  for (const auto& one : entries) {
    CHECK(one.path == dir / one.name);
    CHECK(one.is_directory() == (one.name != "file"));
    CHECK(one.is_file() == (one.name == "file"));
  }
  how = co_await ending(files::listdir(dir / "none"));
  CHECK(how == "cannot list '" + (dir / "none") + "': No such file or directory");

  how = co_await ending(files::rmdir(dir / "two"));
  CHECK_THAT(how, ContainsSubstring("not empty"));
  co_await files::removedirs(dir / "two/three/four");
  bool there = co_await files::exists(dir / "two");
  CHECK_FALSE(there);
  there = co_await files::isdir(dir.path());
  CHECK(there);  // it is not empty
  co_await files::makedirs(dir / "tree/a/b");
  co_await make_file(dir / "tree/a/f", "");
  co_await files::symlink("/", dir / "tree/root");
  co_await files::rmtree(dir / "tree");
  names = co_await files::listdir(dir.path());
  CHECK(names.size() == 2);
}

}  // namespace

AIO_NET_TEST("paths: files are looked at, renamed, linked and removed",
             "[files][paths]") {
  co_await in_directory(check_files);
}

AIO_NET_TEST("directories: made, listed and removed", "[files][directories]") {
  co_await in_directory(check_directories);
}

AIO_NET_TEST("paths: what is known of the root", "[files][paths]") {
  const bool is_mounted = co_await files::ismount("/");
  CHECK(is_mounted);
  const auto room = co_await files::statvfs("/");
  CHECK(room.f_blocks > 0);
  std::string path = co_await files::abspath("/a/./b//../c/");
  CHECK(path == "/a/c");
  path = co_await files::abspath("/..");
  CHECK(path == "/");
  path = co_await files::abspath("x");
  const std::string here = co_await files::getcwd();
  CHECK(path == here + "/x");
}

AIO_NET_TEST("temporary: a file without a name", "[files][temporary]") {
  auto f = co_await files::temporary_file();
  const bool there = co_await files::exists(f.name());
  CHECK_FALSE(there);
  co_await f.write("kept");
  co_await f.seek(0);
  const std::string all = co_await f.read();
  CHECK(all == "kept");
  co_await f.close();
}

AIO_NET_TEST("temporary: a file with a name is gone when it is closed",
             "[files][temporary]") {
  std::string path;
  auto block = [&](files::named_file& f) -> aio::coro<> {
    path = f.path();
    co_await f.file().write("for others");
    co_await f.file().flush();
    auto other = co_await files::open(path);
    const std::string all = co_await other.read();
    CHECK(all == "for others");
    co_await other.close();
  };
  auto opening =
      files::named_temporary_file({.mode = "w", .prefix = "p-", .suffix = ".s"});
  co_await aio::with(std::move(opening), std::move(block));
  CHECK_THAT(path, ContainsSubstring("/p-"));
  CHECK(path.ends_with(".s"));
  bool there = co_await files::exists(path);
  CHECK_FALSE(there);
  {
    auto dropped = co_await files::named_temporary_file();
    path = dropped.path();
    co_await dropped.file().close();
  }
  there = co_await files::exists(path);
  CHECK_FALSE(there);
}

AIO_NET_TEST("temporary: a directory goes with what is in it, also after a cancel",
             "[files][temporary]") {
  std::string path;
  auto body = [&](files::scratch_directory& dir) -> aio::coro<> {
    path = dir.path();
    co_await files::makedirs(dir / "a/b");
    co_await loop.create_future();
  };
  auto running = aio::create_task(in_directory(body));
  co_await test::until(
      [&] { return !path.empty() && std::filesystem::exists(path + "/a/b"); });
  running.cancel();
  std::string how = co_await ending(running);
  CHECK(how == "cancelled");
  bool there = co_await files::exists(path);
  CHECK_FALSE(there);
  {
    auto dropped = co_await files::temporary_directory({.dir = "/tmp"});
    path = dropped.path();
    co_await make_file(dropped / "x", "x");
  }
  there = co_await files::exists(path);
  CHECK_FALSE(there);
  how = co_await ending(files::temporary_directory({.dir = "/nowhere"}));
  CHECK_THAT(how, ContainsSubstring("/nowhere/tmp"));
}

AIO_NET_TEST("wrap: a function becomes one that is awaited", "[files][wrap]") {
  const auto join =
      files::wrap([](const std::string& a, int b) { return a + std::to_string(b); });
  const std::string joined = co_await join("a", 1);
  CHECK(joined == "a1");
  const auto fails = files::wrap([] { throw test::boom(); });
  const std::string how = co_await ending(fails());
  CHECK(how == "boom");
}
