// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

#include <aio/os/subprocess.hpp>

#include <support/net.hpp>

#include <aio/io/signal_station.hpp>
#include <aio/os/signals.hpp>
#include <aio/task/gather.hpp>
#include <aio/task/timeout.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using aio::create_subprocess_exec;
using aio::create_subprocess_shell;
using Catch::Matchers::ContainsSubstring;
using test::ending;

namespace {

using words = std::vector<std::string>;

/// What a shell prints, without the last line end.
aio::coro<std::string> printed(std::string_view command,
                               aio::subprocess_options options = {}) {
  options.out = aio::pipe;
  auto p = co_await create_subprocess_shell(command, options);
  auto all = co_await p.communicate();
  std::string out = std::move(all.first);
  if (out.ends_with('\n')) out.pop_back();
  co_return out;
}

aio::coro<aio::process> start_sleeper(aio::subprocess_options options = {}) {
  words command{"sleep", "60"};
  co_return co_await create_subprocess_exec(command, options);
}

/// Whether there is a child of ours, alive or a zombie.
bool has_children() {
  siginfo_t what{};
  const int got = ::waitid(P_ALL, 0, &what, WEXITED | WNOHANG | WNOWAIT);
  return got == 0;
}

bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }

/// While it lives no signal is ignored, as when the tests are started in the background
/// of a shell; children inherit that.
class usual_signals {
 public:
  usual_signals() {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction now {};
      if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_IGN)
        continue;
      ::signal(number, SIG_DFL);
      ignored_.push_back(number);
    }
  }
  usual_signals(const usual_signals&) = delete;
  usual_signals& operator=(const usual_signals&) = delete;
  ~usual_signals() {
    for (const int number : ignored_) ::signal(number, SIG_IGN);
  }

 private:
  std::vector<int> ignored_;
};

}  // namespace

// ----- communicate and the streams -----

AIO_NET_TEST("subprocess: communicate() feeds, reads both, and waits",
             "[os][subprocess]") {
  auto p = co_await create_subprocess_shell(
      "cat; echo error >&2; exit 3",
      {.in = aio::pipe, .out = aio::pipe, .err = aio::pipe});
  CHECK(p.pid() > 0);
  CHECK_FALSE(p.returncode());
  auto [out, err] = co_await p.communicate("some input\n");
  CHECK(out == "some input\n");
  CHECK(err == "error\n");
  CHECK(p.returncode() == 3);
  const int again = co_await p.wait();
  CHECK(again == 3);
  CHECK_FALSE(has_children());
}

AIO_NET_TEST("subprocess: more than a pipe holds goes there and back",
             "[os][subprocess]") {
  const std::string big = test::pattern(1'000'000);
  words cat{"cat"};
  auto p = co_await create_subprocess_exec(cat, {.in = aio::pipe, .out = aio::pipe});
  auto [out, err] = co_await p.communicate(big);
  CHECK((out == big));
  CHECK(err.empty());
}

AIO_NET_TEST("subprocess: a child that does not read its input is no error",
             "[os][subprocess]") {
  const std::string big = test::pattern(1'000'000);
  for (const char* command : {"exit 0", "exec <&-; exit 0", "head -c 10 >/dev/null"}) {
    auto p = co_await create_subprocess_shell(command, {.in = aio::pipe});
    auto [out, err] = co_await p.communicate(big);
    CHECK(p.returncode() == 0);
  }
}

AIO_NET_TEST("subprocess: talking line by line", "[os][subprocess]") {
  auto p = co_await create_subprocess_shell("while read word; do echo got $word; done",
                                            {.in = aio::pipe, .out = aio::pipe});
  for (const std::string word : {"one", "two"}) {
    p.in.write(word + "\n");
    co_await p.in.drain();
    const std::string line = co_await p.out.readline();
    CHECK(line == "got " + word + "\n");
  }
  p.in.close();
  co_await p.in.wait_closed();
  const std::string rest = co_await p.out.read();
  CHECK(rest.empty());
  const int code = co_await p.wait();
  CHECK(code == 0);
}

AIO_NET_TEST("subprocess: without pipes the streams are empty", "[os][subprocess]") {
  words command{"true"};
  auto p = co_await create_subprocess_exec(command);
  CHECK_FALSE(p.in);
  const std::string out = co_await p.out.read();
  const std::string line = co_await p.err.readline();
  CHECK(out.empty());
  CHECK(line.empty());
  auto [all, errors] = co_await p.communicate("lost");
  CHECK(all.empty());
  CHECK(p.returncode() == 0);
  CHECK_THROWS_AS(aio::process().pid(), aio::usage_error);
}

AIO_NET_TEST("subprocess: what was written before the end is read after it",
             "[os][subprocess]") {
  auto p = co_await create_subprocess_shell("echo left; exit 2", {.out = aio::pipe});
  const int code = co_await p.wait();
  CHECK(code == 2);
  const std::string out = co_await p.out.read();
  CHECK(out == "left\n");
}

AIO_NET_TEST("subprocess: wait() does not wait for a grandchild that has the pipe",
             "[os][subprocess]") {
  auto p = co_await create_subprocess_shell("sleep 60 & echo $!; exit 7",
                                            {.out = aio::pipe});
  const std::string line = co_await p.out.readline();
  const int code = co_await p.wait();
  CHECK(code == 7);
  ::kill(std::stoi(line), SIGKILL);
  const std::string rest = co_await p.out.read();
  CHECK(rest.empty());
}

AIO_NET_TEST("subprocess: the limit of readline() and of the buffer is that given",
             "[os][subprocess]") {
  auto p = co_await create_subprocess_shell("head -c 1000 /dev/zero; echo; echo end",
                                            {.out = aio::pipe, .limit = 100});
  const std::string how = co_await ending(p.out.readuntil("\n"));
  CHECK_THAT(how, ContainsSubstring("limit"));
  static_cast<void>(co_await p.out.read());
  static_cast<void>(co_await p.wait());
  auto zero = [] { return create_subprocess_exec(words{"true"}, {.limit = 0}); };
  CHECK_THROWS_AS(zero(), std::invalid_argument);
}

// ----- where the streams go -----

AIO_NET_TEST("subprocess: errors to the output, and both to nowhere",
             "[os][subprocess]") {
  const std::string_view both = "echo out; echo err >&2";
  const std::string merged = co_await printed(both, {.err = aio::to_stdout});
  CHECK(merged == "out\nerr");
  auto silent = co_await create_subprocess_shell(
      both, {.in = aio::devnull, .out = aio::devnull, .err = aio::devnull});
  const int code = co_await silent.wait();
  CHECK(code == 0);
  auto wrong = [] { return create_subprocess_shell("true", {.out = aio::to_stdout}); };
  CHECK_THROWS_AS(wrong(), std::invalid_argument);
}

AIO_NET_TEST("subprocess: descriptors of ours as streams, in any order",
             "[os][subprocess]") {
  char name[] = "/tmp/aio_subprocess_XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(file >= 0);
  ::unlink(name);
  auto p = co_await create_subprocess_shell("echo out; echo err >&2",
                                            {.out = file, .err = file});
  const int code = co_await p.wait();
  CHECK(code == 0);
  char text[20] = {};
  CHECK(::pread(file, text, sizeof text, 0) == 8);
  CHECK(std::string_view(text) == "out\nerr\n");

  // The pipe is 1 for the shell, and the standard streams of this process change places.
  auto swapped = co_await create_subprocess_shell(
      "readlink /proc/self/fd/0; readlink /proc/self/fd/2",
      {.in = 2, .out = aio::pipe, .err = 0});
  auto [links, none] = co_await swapped.communicate();
  const auto link_of = [](const char* path) {
    char target[1000] = {};
    CHECK(::readlink(path, target, sizeof target - 1) > 0);
    return std::string(target) + "\n";
  };
  CHECK(links == link_of("/proc/self/fd/2") + link_of("/proc/self/fd/0"));

  auto closed = co_await ending(create_subprocess_shell("true", {.out = 987}));
  CHECK_THAT(closed, ContainsSubstring("'/bin/sh'"));
  ::close(file);
}

// ----- what the child has -----

AIO_NET_TEST("subprocess: folder, environment, program and its name",
             "[os][subprocess]") {
  const std::string folder = co_await printed("pwd", {.cwd = "/"});
  CHECK(folder == "/");

  const std::map<std::string, std::string> variables{{"WORD", "given"}};
  const std::string given = co_await printed("echo $WORD $HOME", {.env = variables});
  CHECK(given == "given");
  const std::vector<std::string> list{"WORD=listed", "PATH=/usr/bin:/bin"};
  const std::string listed = co_await printed("echo $WORD", {.env = list});
  CHECK(listed == "listed");

  words other_name{"another name", "-c", "echo $0"};
  auto p = co_await create_subprocess_exec(other_name,
                                           {.out = aio::pipe, .executable = "sh"});
  auto [out, err] = co_await p.communicate();
  CHECK(out == "another name\n");

  auto variadic =
      co_await create_subprocess_exec({.out = aio::pipe}, "echo", "a", list[0]);
  auto [words_of_it, none] = co_await variadic.communicate();
  CHECK(words_of_it == "a WORD=listed\n");
}

AIO_NET_TEST("subprocess: no descriptor of ours gets there but those that are passed",
             "[os][subprocess]") {
  const int leaky = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  const int passed = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(leaky >= 0);
  REQUIRE(passed >= 0);
  auto other = co_await start_sleeper({.in = aio::pipe, .out = aio::pipe});
  const std::string without = co_await printed("exec ls /proc/self/fd | tr '\\n' ' '");
  // 3 is that of ls itself; its number is the first free one.
  CHECK(without == "0 1 2 3 ");
  const std::vector<int> pass{passed};
  const std::string with = co_await printed(
      "ls /proc/self/fd | grep -c -x " + std::to_string(passed), {.pass_fds = pass});
  CHECK(with == "1");
  CHECK((::fcntl(passed, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(leaky, F_GETFD) & FD_CLOEXEC) == 0);
  ::close(leaky);
  ::close(passed);
  other.kill();
  static_cast<void>(co_await other.wait());
}

AIO_NET_TEST("subprocess: signals are there as a shell leaves them",
             "[os][subprocess]") {
  const usual_signals usual;
  loop.add_signal_handler(SIGUSR1, [] {});
  const auto former = ::signal(SIGPIPE, SIG_IGN);
  const std::string state = co_await printed(
      "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -s '\\t\\n' '  '");
  ::signal(SIGPIPE, former);
  CHECK_THAT(state, ContainsSubstring("SigBlk: 0000000000000000"));
  CHECK_THAT(state, ContainsSubstring("SigIgn: 0000000000000000"));
}

AIO_NET_TEST("subprocess: a session and a process group of its own",
             "[os][subprocess]") {
  auto p = co_await start_sleeper({.start_new_session = true});
  CHECK(::getsid(p.pid()) == p.pid());
  auto q = co_await start_sleeper({.process_group = 0});
  CHECK(::getpgid(q.pid()) == q.pid());
  CHECK(::getsid(q.pid()) != q.pid());
  auto r = co_await start_sleeper({.process_group = q.pid()});
  CHECK(::getpgid(r.pid()) == q.pid());
  p.kill();
  ::kill(-q.pid(), SIGTERM);
  const int first = co_await p.wait();
  const int second = co_await q.wait();
  const int third = co_await r.wait();
  CHECK(first == -SIGKILL);
  CHECK(second == -SIGTERM);
  CHECK(third == -SIGTERM);
}

// ----- what cannot be run -----

AIO_NET_TEST("subprocess: what cannot be run is told to the caller, by name",
             "[os][subprocess]") {
  const auto code_of = [](auto starting) -> aio::coro<std::string> {
    std::string how = "ran";
    try {
      static_cast<void>(co_await std::move(starting));
    } catch (const boost::system::system_error& e) {
      how = std::to_string(e.code().value()) + " " + e.what();
    }
    co_return how;
  };
  const std::string none =
      co_await code_of(create_subprocess_exec({}, "no-such-program"));
  CHECK_THAT(none, ContainsSubstring(std::to_string(ENOENT) + " "));
  CHECK_THAT(none, ContainsSubstring("cannot run 'no-such-program'"));
  const std::string folder = co_await code_of(create_subprocess_exec({}, "/tmp"));
  CHECK_THAT(folder, ContainsSubstring(std::to_string(EACCES) + " "));
  const std::string cwd =
      co_await code_of(create_subprocess_exec({.cwd = "/no/such/folder"}, "true"));
  CHECK_THAT(cwd, ContainsSubstring("'true' in '/no/such/folder'"));
  const std::map<std::string, std::string> elsewhere{{"PATH", "/no/such:/tmp"}};
  const std::string path =
      co_await code_of(create_subprocess_exec({.env = elsewhere}, "true"));
  CHECK_THAT(path, ContainsSubstring(std::to_string(ENOENT) + " "));
  CHECK_FALSE(has_children());

  CHECK_THROWS_AS(create_subprocess_exec(words{}), std::invalid_argument);
  CHECK_THROWS_AS(create_subprocess_exec(words{std::string("a\0b", 3)}),
                  std::invalid_argument);
  const std::vector<std::string> odd{"NO_VALUE"};
  CHECK_THROWS_AS(create_subprocess_exec(words{"true"}, {.env = odd}),
                  std::invalid_argument);
}

// ----- the end, and signals -----

AIO_NET_TEST("subprocess: signals end it, and the code says which",
             "[os][subprocess]") {
  const usual_signals usual;
  auto killed = co_await start_sleeper();
  killed.kill();
  const int a = co_await killed.wait();
  CHECK(a == -SIGKILL);
  auto asked = co_await start_sleeper();
  asked.terminate();
  const int b = co_await asked.wait();
  CHECK(b == -SIGTERM);
  auto hung_up = co_await start_sleeper();
  hung_up.send_signal(SIGHUP);
  const int c = co_await hung_up.wait();
  CHECK(c == -SIGHUP);
  CHECK(hung_up.returncode() == -SIGHUP);
  bool is_over = false;
  try {
    hung_up.kill();
  } catch (const boost::system::system_error& e) {
    is_over = e.code() == boost::system::errc::no_such_process;
  }
  CHECK(is_over);
}

AIO_NET_TEST("subprocess: a signal to one that has ended unnoticed is ignored",
             "[os][subprocess]") {
  auto p = co_await start_sleeper();
  // Nothing is awaited from here on, so the loop cannot notice.
  CHECK(::kill(p.pid(), SIGALRM) == 0);
  siginfo_t what{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(p.pid()), &what, WEXITED | WNOWAIT) == 0);
  p.kill();
  p.terminate();
  const int code = co_await p.wait();
  CHECK(code == -SIGALRM);
}

AIO_NET_TEST("subprocess: many may wait, and a cancelled one disturbs nobody",
             "[os][subprocess]") {
  auto p = co_await start_sleeper();
  auto first = aio::create_task(p.wait());
  auto second = aio::create_task(p.wait());
  auto third = aio::create_task(ending(p.wait()));
  co_await test::turns(2);
  third.cancel();
  const std::string how = co_await third;
  CHECK(how == "cancelled");
  const std::string late = co_await ending(aio::wait_for(p.wait(), 1ms));
  CHECK(late == "timeout");
  CHECK_FALSE(p.returncode());
  p.kill();
  const auto [a, b] = co_await aio::gather(first, second);
  CHECK(a == -SIGKILL);
  CHECK(b == -SIGKILL);
}

AIO_NET_TEST("subprocess: one that somebody else waited for has the code 255",
             "[os][subprocess]") {
  words command{"true"};
  auto p = co_await create_subprocess_exec(command);
  REQUIRE(::waitpid(p.pid(), nullptr, 0) == p.pid());
  p.kill();
  const int code = co_await p.wait();
  CHECK(code == 255);
  REQUIRE(reports.count() == 1);
  CHECK_THAT(reports[0].message, ContainsSubstring("255"));
  CHECK_THAT(reports[0].message, ContainsSubstring("'true'"));
  reports.take();
}

AIO_NET_TEST("subprocess: with SIGCHLD ignored the kernel waits, and the code is lost",
             "[os][subprocess]") {
  const auto former = ::signal(SIGCHLD, SIG_IGN);
  auto p = co_await create_subprocess_shell("exit 3", {.out = aio::pipe});
  const std::string rest = co_await p.out.read();
  const int code = co_await p.wait();
  ::signal(SIGCHLD, former);
  CHECK(code == 255);
  CHECK(reports.count() == 1);
  reports.take();
}

AIO_NET_TEST("subprocess: where the kernel has no pidfd, a thread waits",
             "[os][subprocess]") {
  const aio::detail::child_recipe recipe(words{"sh", "-c", "read x; exit 5"},
                                         {.in = aio::pipe}, aio::inherit);
  for (const bool is_killed : {false, true}) {
    auto started = aio::detail::start_child(recipe);
    started.pidfd = aio::detail::descriptor();
    const aio::detail::intrusive_ptr<aio::detail::child> made(
        new aio::detail::child(loop, recipe, started));
    made->begin();
    auto waiting = aio::create_task(aio::detail::child_end(made));
    co_await test::polls(2);
    CHECK(made->is_running());
    if (is_killed) made->send_signal(SIGKILL);
    started.pipes.in = aio::detail::descriptor();
    const int code = co_await waiting;
    CHECK(code == (is_killed ? -SIGKILL : 5));
  }
  CHECK_FALSE(has_children());
}

AIO_NET_TEST("subprocess: a hundred at once, and nothing is left", "[os][subprocess]") {
  const std::size_t before = test::open_descriptors();
  {
    std::vector<aio::coro<std::string>> all;
    std::vector<std::string> commands;
    for (int i = 0; i < 100; ++i) commands.push_back("echo " + std::to_string(i));
    for (const std::string& command : commands) {
      all.push_back(printed(command, {.in = aio::pipe, .err = aio::pipe}));
    }
    const auto results = co_await aio::gather(std::move(all));
    for (std::size_t i = 0; i < 100; ++i) CHECK(results[i] == std::to_string(i));
  }
  co_await test::polls(3);
  CHECK_FALSE(has_children());
  CHECK(test::open_descriptors() == before);
}

TEST_CASE("subprocess: loops of other threads have children as well",
          "[os][subprocess]") {
  std::vector<std::string> results(2);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&result] {
      aio::event_loop loop;
      for (int i = 0; i < 10; ++i) {
        result = loop.run_until_complete(printed("echo thread"));
      }
    });
  }
  for (std::thread& one : threads) one.join();
  CHECK(results == std::vector<std::string>(2, "thread"));
}

// ----- being given up -----

AIO_NET_TEST("subprocess: cancelled while it is created, it is killed and reaped",
             "[os][subprocess]") {
  auto creating = aio::create_task(start_sleeper());
  co_await test::turns(1);
  CHECK(has_children());
  creating.cancel();
  const std::string how = co_await ending(creating);
  CHECK(how == "cancelled");
  CHECK_FALSE(has_children());
}

AIO_NET_TEST("subprocess: without handles it goes on, or ends, as was said",
             "[os][subprocess]") {
  pid_t kept = -1;
  pid_t terminated = -1;
  std::optional<aio::process> still;
  {
    auto a = co_await start_sleeper();
    kept = a.pid();
    auto b = co_await start_sleeper({.on_drop = aio::child_on_drop::terminate});
    terminated = b.pid();
    auto c = co_await start_sleeper({.on_drop = aio::child_on_drop::kill});
    still = c;
  }
  const auto has_ended = [&] { return !is_alive(terminated); };
  co_await test::until(has_ended);  // and was reaped
  CHECK(is_alive(kept));
  CHECK(is_alive(still->pid()));
  ::kill(kept, SIGKILL);
  still.reset();
  const auto all_ended = [] { return !has_children(); };
  co_await test::until(all_ended);
}

TEST_CASE("subprocess: a loop that closes kills what runs, and reports it",
          "[os][subprocess]") {
  std::vector<std::string> reports;
  aio::process p;
  aio::process left;
  {
    aio::event_loop loop;
    loop.set_exception_handler([&](const aio::exception_context& context) {
      reports.push_back(context.message);
    });
    p = loop.run_until_complete(start_sleeper({.in = aio::pipe, .out = aio::pipe}));
    left =
        loop.run_until_complete(start_sleeper({.on_drop = aio::child_on_drop::leave}));
  }
  CHECK(p.returncode() == -SIGKILL);
  CHECK_FALSE(is_alive(p.pid()));
  REQUIRE(reports.size() == 1);
  CHECK_THAT(reports[0], ContainsSubstring("'sleep'"));
  CHECK(is_alive(left.pid()));
  CHECK_THROWS_AS(left.kill(), boost::system::system_error);
  ::kill(left.pid(), SIGKILL);
  while (is_alive(left.pid())) std::this_thread::yield();  // a thread reaps it
}

TEST_CASE("subprocess: a guest loop keeps its host until the child has ended",
          "[os][subprocess]") {
  boost::asio::io_context context;
  aio::event_loop loop(context);
  std::optional<int> code;
  auto body = [&]() -> aio::coro<> {
    auto p = co_await create_subprocess_shell("exit 4");
    code = co_await p.wait();
  };
  loop.create_task(body());
  context.run();
  CHECK(code == 4);
}

// ----- protocols -----

namespace {

class listener : public aio::subprocess_protocol {
 public:
  void connection_made(aio::subprocess_transport& t) override {
    transport = t;
    log += "made";
  }
  void pipe_data_received(int fd, std::string_view data) override {
    (fd == 1 ? out : err) += data;
  }
  void pipe_connection_lost(int fd, std::exception_ptr error) override {
    log += error ? " broken" : " closed";
    log += std::to_string(fd);
  }
  void process_exited() override {
    code = transport.get_returncode();
    if (is_failing) throw test::boom();
  }
  void connection_lost(std::exception_ptr) override {
    log += " lost";
    is_over = true;
  }

  aio::subprocess_transport transport;
  std::string log;
  std::string out;
  std::string err;
  std::optional<int> code;
  bool is_over = false;
  bool is_failing = false;
};

std::unique_ptr<listener> make_listener() { return std::make_unique<listener>(); }

}  // namespace

AIO_NET_TEST("subprocess_protocol: hears of the pipes and of the end",
             "[os][subprocess_protocol]") {
  words command{"sh", "-c", "cat; echo error >&2; exit 6"};
  auto [transport, protocol] = co_await loop.subprocess_exec(make_listener, command);
  CHECK(protocol->log == "made");
  CHECK(transport.get_pid() > 0);
  CHECK_FALSE(transport.get_returncode());
  CHECK(transport.get_protocol() == protocol);
  transport.get_pipe_transport(0).write("input");
  transport.get_pipe_transport(0).close();
  const auto is_over = [&p = *protocol] { return p.is_over; };
  co_await test::until(is_over);
  CHECK(protocol->out == "input");
  CHECK(protocol->err == "error\n");
  CHECK(protocol->code == 6);
  CHECK_THAT(protocol->log, ContainsSubstring(" closed0"));
  CHECK_THAT(protocol->log, ContainsSubstring(" closed1"));
  CHECK_THAT(protocol->log, ContainsSubstring(" closed2"));
  CHECK(protocol->log.ends_with(" lost"));
  CHECK(transport.is_closing());
  CHECK_THROWS_AS(transport.kill(), boost::system::system_error);
}

AIO_NET_TEST("subprocess_protocol: close() kills, and what is no pipe is not there",
             "[os][subprocess_protocol]") {
  auto made = co_await loop.subprocess_shell(
      make_listener, "exec sleep 60", {.in = aio::devnull, .err = aio::to_stdout});
  auto& [transport, protocol] = made;
  CHECK_FALSE(transport.get_pipe_transport(0));
  CHECK(transport.get_pipe_transport(1));
  CHECK_FALSE(transport.get_pipe_transport(2));
  CHECK_FALSE(transport.get_pipe_transport(9));
  CHECK_FALSE(transport.is_closing());
  transport.close();
  transport.close();
  CHECK(transport.is_closing());
  const auto is_over = [&p = *protocol] { return p.is_over; };
  co_await test::until(is_over);
  CHECK(protocol->code == -SIGKILL);
  CHECK(protocol->log == "made closed1 lost");
}

AIO_NET_TEST("subprocess_protocol: another may take its place",
             "[os][subprocess_protocol]") {
  const words cat{"cat"};
  auto made = co_await loop.subprocess_exec(make_listener, cat);
  auto second = std::make_shared<listener>();
  second->transport = made.first;
  made.first.set_protocol(second);
  CHECK_THROWS_AS(made.first.set_protocol(nullptr), std::invalid_argument);
  made.first.get_pipe_transport(0).write("late");
  made.first.get_pipe_transport(0).close();
  const auto is_over = [&p = *second] { return p.is_over; };
  co_await test::until(is_over);
  CHECK(second->out == "late");
  CHECK(made.second->log == "made");
}

AIO_NET_TEST("subprocess_protocol: what it throws is reported",
             "[os][subprocess_protocol]") {
  auto failing = [] {
    auto made = make_listener();
    made->is_failing = true;
    return made;
  };
  auto made = co_await loop.subprocess_shell(failing, "exit 0");
  const auto is_over = [&p = *made.second] { return p.is_over; };
  co_await test::until(is_over);
  CHECK(reports.take() == "boom");
}

TEST_CASE("subprocess_protocol: a loop that closes tells it",
          "[os][subprocess_protocol]") {
  std::shared_ptr<listener> protocol;
  int reports = 0;
  {
    aio::event_loop loop;
    loop.set_exception_handler([&](const aio::exception_context&) { ++reports; });
    protocol =
        loop.run_until_complete(loop.subprocess_shell(make_listener, "exec sleep 60"))
            .second;
  }
  CHECK(reports == 1);
  CHECK(protocol->is_over);
  CHECK(protocol->transport.get_returncode() == -SIGKILL);
}
