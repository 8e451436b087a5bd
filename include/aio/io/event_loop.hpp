// aio: asyncio for C++20 on Boost.Asio.
// SPDX-License-Identifier: BSL-1.0

/// \file
/// event_loop: one thread's ready queue and timers on one io_context.

#pragma once

#include <aio/core/clock.hpp>
#include <aio/core/handle.hpp>
#include <aio/core/loop.hpp>
#include <aio/io/asio_driver.hpp>
#include <aio/task/run_until_complete.hpp>
#include <aio/task/task.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace aio {

class server;
struct server_options;
struct connect_options;
struct subprocess_options;
struct datagram_options;
struct getaddrinfo_options;
struct sendfile_options;
class endpoint;
struct start_tls_options;
class base_protocol;
class ssl_context;
class transport;

/// See event_loop::set_task_factory.
struct eager_task_factory_t {};
inline constexpr eager_task_factory_t eager_task_factory{};

namespace detail {

/// Something a loop makes on first use and ends with itself: threads, signals.
class loop_service {
 public:
  virtual ~loop_service() = default;
  /// The orderly end, while the loop still runs.
  virtual coro<> shut_down() { co_return; }
};

template <class F, class... Args>
concept callback_for = std::invocable<std::decay_t<F>, std::decay_t<Args>...> &&
    !is_coro<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;

template <class F, class... Args>
concept repeatable = std::invocable < std::decay_t<F>
&, std::decay_t<Args>&... >
       &&!is_coro<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&...>>;

}  // namespace detail

/// One thread's ready queue and timers, on one boost::asio::io_context.
///
/// aio::run() makes one; a program that has an io_context already makes its own, and
/// then either drives it (run_forever, run_until_complete) or lets the owner of the
/// context call io_context::run(), in which case the loop lives as its guest:
///
///     boost::asio::io_context context;
///     aio::event_loop loop(context);
///     loop.create_task(serve());
///     context.run();
///
/// Threads:  one, except call_soon_threadsafe()
/// Lifetime: destroy it before a context it was given, and not while it runs
/// Like:     asyncio's event loop
class event_loop {
 public:
  /// With an io_context of its own.
  event_loop()
      : context_(std::make_unique<boost::asio::io_context>(1)),
        driver_(std::make_unique<detail::asio_driver>(*context_, true)),
        core_(new detail::loop_core(*driver_)) {
    attach();
  }

  /// On a context that somebody else may run.
  explicit event_loop(boost::asio::io_context& context)
      : driver_(std::make_unique<detail::asio_driver>(context, false)),
        core_(new detail::loop_core(*driver_)) {
    attach();
  }

  /// In another world, such as virtual time; without an io_context.
  explicit event_loop(detail::driver& world) : core_(new detail::loop_core(world)) {
    core_->face = this;
  }

  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;
  ~event_loop() { do_close(); }

  // ----- running -----

  /// Runs until stop() is called; at least one turn.
  ///
  /// Throws: usage_error – it runs already, another loop runs in this thread, closed;
  ///         keyboard_interrupt – thrown by a callback or task
  void run_forever() { core_->run_forever(); }

  /// Runs a coroutine as a task until it is done, and yields its value.
  ///
  /// Throws: what the coroutine throws; usage_error – see run_forever, or stop() was
  ///         called before (the task lives on)
  template <class T>
  T run_until_complete(coro<T>&& body) {
    return detail::run_until_complete(*core_, body);
  }

  /// Runs until a future or task is done, and yields its value.
  template <class T>
  T run_until_complete(future<T> awaited) {
    return detail::run_until_complete(*core_, std::move(awaited));
  }

  /// run_forever() returns at the end of the turn it is in.
  void stop() noexcept { core_->stop(); }

  /// Runs what is due, without waiting: one turn. With native_handle(), the loop lives
  /// in a main loop of any kind: of a window system, a game, a program with poll().
  ///
  ///     pollfd wanted{loop.native_handle(), POLLIN, 0};
  ///     while (::poll(&wanted, 1, -1) >= 0) loop.step();
  ///
  /// Throws: usage_error – closed, or called from a callback or task of this loop;
  ///         keyboard_interrupt – thrown by a callback or task
  void step() {
    core_->check_open();
    if (is_running()) throw usage_error("this event loop is already running");
    core_->run_as_guest();
  }

  /// A descriptor that is readable whenever step() has something to do: sockets, timers,
  /// ready tasks, calls from other threads. Wait for it in any way (poll, select, epoll,
  /// a notifier of the toolkit); do not read from it.
  ///
  /// A loop that is waited for in this way has no io_context(), and so no use_aio.
  ///
  /// Throws: usage_error – io_context() was asked for before, somebody else runs the
  ///         context, or virtual time; boost::system::system_error – no descriptor left
  /// Lifetime: until the loop is destroyed
  int native_handle() {
    core_->check_open();
    return asio().native_handle();
  }

  bool is_running() const noexcept { return core_->is_running(); }
  bool is_closed() const noexcept { return core_->is_closed(); }

  /// Ends the loop for good: callbacks and timers are dropped, tasks that are left are
  /// destroyed and reported. Does nothing the second time.
  ///
  /// Throws: usage_error – it runs
  void close() {
    if (is_running()) throw usage_error("cannot close a running event loop");
    do_close();
  }

  // ----- callbacks -----

  /// Calls `f(args...)` on the next turn, in the order of such calls.
  ///
  /// Exceptions of `f` go to the exception handler.
  ///
  /// Throws: usage_error – closed; in debug mode, called from another thread
  template <class F, class... Args>
  requires detail::callback_for<F, Args...> handle call_soon(F&& f, Args&&... args) {
    return call_soon(callback_options{}, std::forward<F>(f),
                     std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  requires detail::callback_for<F, Args...> handle
  call_soon(const callback_options& options, F&& f, Args&&... args) {
    check();
    auto made = detail::call_soon(
        *core_,
        detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...));
    made->set_context(options.context);
    return handle(std::move(made));
  }

  /// call_soon() for other threads: in order per thread, and the loop wakes up.
  ///
  /// Throws: usage_error – closed
  template <class F, class... Args>
  requires detail::callback_for<F, Args...>
  void call_soon_threadsafe(F&& f, Args&&... args) {
    auto bound =
        detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...);
    using target = detail::posted_callback<decltype(bound)>;
    auto node = std::make_unique<target>(*core_, std::move(bound));
    if (!core_->push_threadsafe(*node)) throw usage_error("the event loop is closed");
    node.release();
  }

  /// Calls `f(args...)` once, not before `delay` is over; equal deadlines in the order
  /// of such calls.
  ///
  /// Throws: usage_error – closed; std::invalid_argument – NaN
  template <class Rep, class Period, class F, class... Args>
  requires detail::callback_for<F, Args...> timer_handle
  call_later(std::chrono::duration<Rep, Period> delay, F&& f, Args&&... args) {
    return call_at(detail::deadline_after(time(), detail::to_duration(delay)),
                   std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class Rep, class Period, class F, class... Args>
  requires detail::callback_for<F, Args...> timer_handle
  call_later(const callback_options& options, std::chrono::duration<Rep, Period> delay,
             F&& f, Args&&... args) {
    return call_at(options, detail::deadline_after(time(), detail::to_duration(delay)),
                   std::forward<F>(f), std::forward<Args>(args)...);
  }

  /// Calls `f(args...)` once, not before time() is `when`.
  template <class F, class... Args>
  requires detail::callback_for<F, Args...> timer_handle call_at(time_point when, F&& f,
                                                                 Args&&... args) {
    return call_at(callback_options{}, when, std::forward<F>(f),
                   std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  requires detail::callback_for<F, Args...> timer_handle
  call_at(const callback_options& options, time_point when, F&& f, Args&&... args) {
    check();
    auto made = detail::call_at(
        *core_, when,
        detail::bind_arguments(std::forward<F>(f), std::forward<Args>(args)...));
    made->set_context(options.context);
    return timer_handle(made);
  }

  /// The monotonic time of this loop.
  time_point time() const noexcept { return core_->time(); }

  // ----- futures and tasks -----

  template <class T = void>
  future<T> create_future() {
    return detail::make_future<T>(*core_);
  }

  /// See aio::create_task; works also while the loop does not run.
  ///
  /// Throws: usage_error – closed
  template <class T>
  task<T> create_task(coro<T>&& body, const task_options& options = {}) {
    check();
    return task<T>(detail::start_task(*core_, body, options));
  }
  template <detail::operation A>
  auto create_task(A&& operation, const task_options& options = {}) {
    return create_task(detail::as_coro<A>(std::move(operation)), options);
  }
  template <class F, class... Args>
  requires coroutine_function<F, Args...>
  auto create_task(const task_options& options, F&& fn, Args&&... args) {
    using result = typename detail::coro_of_call<F, Args...>::value_type;
    return create_task(
        detail::invoke_in_frame<result, std::decay_t<F>, std::decay_t<Args>...>(
            std::forward<F>(fn), std::forward<Args>(args)...),
        options);
  }
  template <class F, class... Args>
  requires coroutine_function<F, Args...>
  auto create_task(F&& fn, Args&&... args) {
    return create_task(task_options{}, std::forward<F>(fn),
                       std::forward<Args>(args)...);
  }

  /// How tasks start: aio::eager_task_factory, or null for the usual way, on the next
  /// turn.
  ///
  /// Like: loop.set_task_factory(asyncio.eager_task_factory)
  void set_task_factory(eager_task_factory_t) noexcept { core_->eager_tasks = true; }
  void set_task_factory(std::nullptr_t) noexcept { core_->eager_tasks = false; }

  // ----- threads (io/threads.hpp) -----

  template <class F, class... Args>
  requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto run_in_executor(F&& f, Args&&... args);

  template <class Pool, class F, class... Args>
  requires(std::invocable<std::decay_t<F>, std::decay_t<Args>...> &&
           !std::invocable<std::decay_t<Pool>, std::decay_t<F>,
                           std::decay_t<Args>...>) auto run_in_executor(Pool& pool,
                                                                        F&& f,
                                                                        Args&&... args);

  coro<> shutdown_default_executor(time_limit limit = no_limit);

  // ----- async generators (io/run.hpp) -----

  coro<> shutdown_asyncgens();

  // ----- connections (net/create_connection.hpp, net/create_server.hpp) -----

  template <class Factory, class Options = connect_options>
  auto create_connection(Factory factory, std::string_view host, std::uint16_t port,
                         Options options = {});
  template <class Factory, class Options = connect_options>
  auto create_connection(Factory factory, Options options);

  template <class Factory, class Options = server_options>
  coro<server> create_server(Factory factory, std::string_view host, std::uint16_t port,
                             Options options = {});
  template <class Factory, class Options = server_options>
  coro<server> create_server(Factory factory, const std::vector<std::string>& hosts,
                             std::uint16_t port, Options options = {});
  template <class Factory, class Options = server_options>
  coro<server> create_server(Factory factory, Options options);

  template <class Factory, class Options = server_options>
  auto connect_accepted_socket(Factory factory, int fd, Options options = {});

  // ----- unix sockets (net/unix.hpp) -----

  template <class Factory, class Options = connect_options>
  auto create_unix_connection(Factory factory, std::string_view path,
                              Options options = {});

  template <class Factory, class Options = server_options>
  coro<server> create_unix_server(Factory factory, std::string_view path,
                                  Options options = {});

  // ----- datagrams (net/create_datagram_endpoint.hpp) -----

  template <class Factory, class Options = datagram_options>
  auto create_datagram_endpoint(Factory factory, Options options);

  // ----- pipes (net/pipes.hpp) -----

  template <class Factory>
  auto connect_read_pipe(Factory factory, int fd);

  template <class Factory>
  auto connect_write_pipe(Factory factory, int fd);

  // ----- names (net/getaddrinfo.hpp) -----

  template <class Service, class Options = getaddrinfo_options>
  auto getaddrinfo(std::string_view host, Service service, Options options = {});

  coro<std::pair<std::string, std::string>> getnameinfo(const endpoint& of,
                                                        int flags = 0);

  // ----- descriptors (io/descriptors.hpp) -----

  template <class Descriptor, class F, class... Args>
  requires detail::repeatable<F, Args...>
  void add_reader(Descriptor&& fd, F&& f, Args&&... args);
  template <class Descriptor, class F, class... Args>
  requires detail::repeatable<F, Args...>
  void add_writer(Descriptor&& fd, F&& f, Args&&... args);

  template <class Descriptor>
  bool remove_reader(Descriptor&& fd);
  template <class Descriptor>
  bool remove_writer(Descriptor&& fd);

  // ----- TLS (net/start_tls.hpp) -----

  template <class Options = start_tls_options>
  coro<transport> start_tls(transport below, std::shared_ptr<base_protocol> protocol,
                            const ssl_context& context, Options options = {});

  // ----- sockets (net/sock_calls.hpp) -----

  template <class Socket>
  auto sock_recv(Socket&& sock, std::size_t n);
  template <class Socket, class Buffer>
  auto sock_recv_into(Socket&& sock, Buffer&& room);
  template <class Socket>
  auto sock_recvfrom(Socket&& sock, std::size_t n);
  template <class Socket, class Buffer>
  auto sock_recvfrom_into(Socket&& sock, Buffer&& room, std::size_t n = 0);
  template <class Socket, class Bytes>
  auto sock_sendall(Socket&& sock, Bytes&& bytes);
  template <class Socket, class Bytes>
  auto sock_sendto(Socket&& sock, Bytes&& bytes, const endpoint& to);
  template <class Socket>
  auto sock_connect(Socket&& sock, const endpoint& to);
  template <class Socket, class Service>
  auto sock_connect(Socket&& sock, std::string_view host, Service port);
  template <class Socket>
  auto sock_accept(Socket&& sock);

  // ----- processes (os/subprocess_protocol.hpp) -----

  template <class Factory>
  auto subprocess_exec(Factory factory, std::vector<std::string> arguments,
                       const subprocess_options& options);
  template <class Factory>
  auto subprocess_exec(Factory factory, std::vector<std::string> arguments);

  template <class Factory>
  auto subprocess_shell(Factory factory, std::string_view command,
                        const subprocess_options& options);
  template <class Factory>
  auto subprocess_shell(Factory factory, std::string_view command);

  // ----- files (net/sendfile.hpp) -----

  template <class File, class Options = sendfile_options>
  auto sendfile(const transport& to, File&& file, Options options = {});
  template <class Socket, class File, class Options = sendfile_options>
  auto sock_sendfile(Socket&& sock, File&& file, Options options = {});

  // ----- signals (os/signals.hpp) -----

  template <class F, class... Args>
  requires std::invocable < std::decay_t<F>
  &, std::decay_t<Args>&... >
         void add_signal_handler(int number, F&& f, Args&&... args);

  bool remove_signal_handler(int number);

  // ----- errors and debugging -----

  using exception_handler = std::function<void(event_loop&, const exception_context&)>;

  /// Who is told about errors that nobody took: `h(loop, context)` or `h(context)`.
  /// Null restores the default, which writes to stderr.
  ///
  /// Like: loop.set_exception_handler
  template <class H>
  void set_exception_handler(H handler) {
    if constexpr (std::same_as<H, std::nullptr_t>) {
      handler_ = nullptr;
    } else if constexpr (std::constructible_from<exception_handler, H>) {
      handler_ = std::move(handler);
    } else {
      handler_ = [h = std::move(handler)](event_loop&,
                                          const exception_context& context) mutable {
        h(context);
      };
    }
    if (!handler_) return core_->set_exception_handler(nullptr);
    core_->set_exception_handler(
        [this, h = handler_](const exception_context& context) { h(*this, context); });
  }

  /// What was set, or its wrapper; empty if it is the default.
  const exception_handler& get_exception_handler() const noexcept { return handler_; }
  void call_exception_handler(const exception_context& context) {
    core_->call_exception_handler(context);
  }
  void default_exception_handler(const exception_context& context) const {
    detail::default_exception_handler(context);
  }

  /// Debug mode: slow callbacks are reported, and calls from other threads throw.
  void set_debug(bool on) noexcept { core_->set_debug(on); }
  bool get_debug() const noexcept { return core_->debug(); }

  /// In debug mode a callback or step that takes longer is reported (default 100 ms).
  void set_slow_callback_duration(duration limit) noexcept {
    core_->slow_callback_duration = limit;
  }

  // ----- Asio -----

  /// Every Asio object may be made on it; handlers run on this loop's thread.
  ///
  /// Throws: usage_error – a loop on virtual time has none, nor has one that is waited
  ///         for by native_handle()
  boost::asio::io_context& io_context() { return asio().context(); }

  /// For the machinery.
  detail::loop_core& core() const noexcept { return *core_; }
  detail::asio_driver& asio() const {
    if (!driver_)
      throw usage_error("this loop runs on virtual time: it has no sockets");
    return *driver_;
  }

  /// The one service of its type; made at the first call.
  template <class Service>
  Service& use_service() {
    for (auto& one : services_) {
      if (one.key == &service_key<Service>) return static_cast<Service&>(*one.service);
    }
    services_.push_back({&service_key<Service>, std::make_unique<Service>(*this)});
    return static_cast<Service&>(*services_.back().service);
  }

  /// Ends all services; see detail::loop_service.
  coro<> shut_down_services() {
    for (std::size_t i = services_.size(); i-- > 0;) {
      co_await services_[i].service->shut_down();
    }
  }

 private:
  struct held_service {
    const void* key;
    std::unique_ptr<detail::loop_service> service;
  };
  template <class Service>
  static constexpr char service_key = 0;

  void attach() {
    driver_->attach(*core_);
    core_->face = this;
  }

  void check() const {
    core_->check_open();
    core_->check_thread();
  }

  void do_close() noexcept {
    // First, so that threads that end still find the way back.
    while (!services_.empty()) services_.pop_back();
    core_->close();
    core_->face = nullptr;
  }

  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<detail::asio_driver> driver_;
  detail::intrusive_ptr<detail::loop_core> core_;
  std::vector<held_service> services_;
  exception_handler handler_;
};

/// The loop that runs on this thread.
///
/// Throws: usage_error – none does
/// Like:   asyncio.get_running_loop
inline event_loop& get_running_loop() {
  void* face = detail::loop_core::require_running().face;
  if (face == nullptr) throw usage_error("the running loop has no public face");
  return *static_cast<event_loop*>(face);
}

}  // namespace aio
